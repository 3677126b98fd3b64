"""A denoiser in PyTorch, and its weights for C: for who trains in Python and ships without it.

    pip install torch safetensors && python3 pytorch_mlp.py pytorch_mlp.safetensors

It learns the noise in noisy points of a ring of eight, under sgm_sde_vp(0.1, 20). The file holds
the state dict, and what the network says of a hundred points, for pytorch_mlp.c to compare with.
The stored file was made by PyTorch 1.13.
"""

import math
import sys

import torch
from safetensors.torch import save_file


class Denoiser(torch.nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.first = torch.nn.Linear(3, width)
        self.second = torch.nn.Linear(width, width)
        self.third = torch.nn.Linear(width, width)
        self.last = torch.nn.Linear(width, 2)

    def forward(self, x, log_sigma):
        h = torch.nn.functional.silu(self.first(torch.cat([x, 0.25 * log_sigma], 1)))
        h = h + torch.nn.functional.silu(self.second(h))
        h = h + torch.nn.functional.silu(self.third(h))
        return self.last(h)


def process(t):
    """x_t = m x_0 + s noise: log m is minus half the integral of beta, and m² + s² = 1."""
    log_m = -0.5 * (0.1 * t + 0.5 * 19.9 * t * t)
    return log_m.exp(), (-torch.expm1(2 * log_m)).sqrt()


def main(path):
    torch.manual_seed(1)
    angle = 2 * math.pi * torch.arange(8) / 8
    ring = torch.stack([angle.cos(), angle.sin()], 1)
    net = Denoiser()
    adam = torch.optim.Adam(net.parameters(), lr=3e-3)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 20000)
    for _ in range(20000):
        x0 = ring[torch.randint(8, (256,))]
        m, s = process(1e-3 + 0.999 * torch.rand(256, 1))
        noise = torch.randn(256, 2)
        loss = ((net(m * x0 + s * noise, (s / m).log()) - noise) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step(), rate.step()
    t, x = torch.rand(100, 1), torch.randn(100, 2)
    m, s = process(t.double())
    says = net(x, (s / m).log().float()).detach()
    print(f"loss at the end {loss.item():.3f}")
    save_file({**net.state_dict(), "test.x": x, "test.t": t, "test.says": says}, path)


main(sys.argv[1])
