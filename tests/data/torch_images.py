"""Writes torch_images.h: what PyTorch makes of fixed inputs, for tests/test_3_images.c.

    python tests/data/torch_images.py

The network is sgm_unet's twin in tests/bench/peer_torch.py, with 8 channels on two images of
8 x 8, in double precision. Inputs and parameters come from pattern(), which C repeats to the bit.
"""
import os
import sys

import torch
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "bench"))
from peer_torch import UNet  # noqa: E402

torch.set_default_dtype(torch.float64)


def pattern(n, seed, scale=1.0):
    i = torch.arange(n, dtype=torch.int64)
    return (scale * ((i * 7919 + seed * 104729) % 2003 / 1001.5 - 1)).float().double()


def in_order(net):
    """The parameters in the order of sgm_unet, each with the way from its layout to torch's."""
    def conv(m):
        return [(m.weight, (2, 3, 1, 0)), (m.bias, (0,))]

    def linear(m):
        return [(m.weight, (1, 0)), (m.bias, (0,))]

    def norm(m):
        return [(m.weight, (0,)), (m.bias, (0,))]

    def block(m):
        skip = conv(m.skip) if isinstance(m.skip, torch.nn.Conv2d) else []
        return (norm(m.norm1) + conv(m.conv1) + linear(m.shift) + linear(m.scale) +
                conv(m.conv2) + skip)

    out = linear(net.time1) + linear(net.time2) + conv(net.first)
    for i, m in enumerate(net.down):
        out += block(m) + (conv(net.halve[i]) if i < 2 else [])
    out += norm(net.norm) + linear(net.q) + linear(net.k) + linear(net.v) + linear(net.out)
    for m in net.up:
        out += block(m)
    return out + norm(net.last_norm) + conv(net.last)


def table(f, name, values):
    values = [f"{v:.9g}" for v in values.flatten().tolist()]
    f.write(f"static const double {name}[] = {{\n")
    for i in range(0, len(values), 6):
        f.write("    " + ", ".join(values[i:i + 6]) + ",\n")
    f.write("};\n")


def single_ops(f):
    """Channel-last values of single operations: conv2d of both strides, adaptive norm, attention."""
    x = pattern(2 * 5 * 7 * 4, 1).reshape(2, 5, 7, 4).permute(0, 3, 1, 2)
    w = pattern(9 * 4 * 3, 2).reshape(3, 3, 4, 3).permute(3, 2, 0, 1)
    for stride in (1, 2):
        y = F.conv2d(x, w, pattern(3, 3), stride=stride, padding=1)
        table(f, f"torch_conv_{stride}", y.permute(0, 2, 3, 1))
    y = F.group_norm(x, 2) * (1 + pattern(8, 4).reshape(2, 4, 1, 1)) + pattern(8, 5).reshape(
        2, 4, 1, 1)
    table(f, "torch_norm", F.silu(y).permute(0, 2, 3, 1))
    q, k, v = (pattern(2 * 5 * 6, s, 2).reshape(2, 5, 2, 3).transpose(1, 2) for s in (6, 7, 8))
    table(f, "torch_attention", F.scaled_dot_product_attention(q, k, v).transpose(1, 2))


def unet(f):
    net, seed = UNet(8), 100
    params = in_order(net)
    count = sum(p.numel() for p, _ in params)
    assert count == sum(p.numel() for p in net.parameters())
    stream, at = pattern(count, seed, 0.3), 0
    for p, order in params:
        shape = [p.shape[i] for i in order]
        inverse = [order.index(i) for i in range(len(order))]
        with torch.no_grad():
            p.copy_(stream[at:at + p.numel()].reshape(shape).permute(inverse))
        at += p.numel()
    x = pattern(2 * 64, 101).reshape(2, 1, 8, 8).requires_grad_()
    y = net(x, torch.tensor([[0.25], [0.75]]))
    (y.flatten() * pattern(2 * 64, 102)).sum().backward()
    table(f, "torch_unet", y.detach())
    table(f, "torch_unet_dx", x.grad)
    table(f, "torch_unet_grads", torch.stack(
        [p.grad.permute(order).flatten() @ pattern(p.numel(), 103) for p, order in params]))
    table(f, "torch_unet_sizes", torch.tensor([float(p.numel()) for p, _ in params]))


with open(os.path.join(here, "torch_images.h"), "w") as f:
    f.write(f"/* Made by torch_images.py with torch {torch.__version__.split('+')[0]}. */\n")
    single_ops(f)
    unet(f)
