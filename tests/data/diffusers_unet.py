"""Writes diffusers_*: what HuggingFace's diffusers makes of fixed inputs, for tests/test_3_diffusers.c.

    pip install torch diffusers && python tests/data/diffusers_unet.py

Three small U-Nets with random weights, in the package's own form (config.json beside
diffusion_pytorch_model.safetensors), and io.safetensors with two images, their timesteps and what
the package says of them. `plain` is float32; `other` has every option the other way round, names of
attention as checkpoints had them before 2023, and a third of its tensors each in F32, F16 and BF16;
`lesson` has the four blocks of the lesson. And schedule.safetensors: for three spacings of the
steps, where the schedulers go and what one step of theirs does.
"""
import json
import os

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)

NETS = {
    "plain": dict(sample_size=8, in_channels=3, out_channels=3, layers_per_block=1,
                  block_out_channels=(4, 8), norm_num_groups=2, attention_head_dim=4,
                  down_block_types=("DownBlock2D", "AttnDownBlock2D"),
                  up_block_types=("AttnUpBlock2D", "UpBlock2D")),
    "other": dict(sample_size=(4, 8), in_channels=1, out_channels=1, layers_per_block=2,
                  block_out_channels=(6, 8), norm_num_groups=2, attention_head_dim=None,
                  norm_eps=1e-6, flip_sin_to_cos=False, freq_shift=1, downsample_padding=0,
                  dropout=0.1, down_block_types=("AttnDownBlock2D", "DownBlock2D"),
                  up_block_types=("UpBlock2D", "AttnUpBlock2D")),
    "lesson": dict(sample_size=16, in_channels=3, out_channels=3, layers_per_block=2,
                   block_out_channels=(4, 4, 8, 4), norm_num_groups=2, attention_head_dim=4,
                   down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
                   up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D")),
}
OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def randomise(net, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in net.named_parameters():
        fan = p[0].numel()
        scale = (1.5 / fan) ** 0.5 if p.dim() > 1 else 0.2
        start = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        p.data = start + scale * torch.randn(p.shape, generator=g)


def write_net(name, options, seed):
    folder = os.path.join(here, "diffusers_" + name)
    net = UNet2DModel(**options).eval()
    randomise(net, seed)
    tensors, old = {}, name == "other"
    for i, (key, p) in enumerate(net.named_parameters()):
        kind = [torch.float32, torch.float16, torch.bfloat16][i % 3] if old else torch.float32
        p.data = p.data.to(kind).float()
        stored = p.data.to(kind).contiguous()
        for new, before in OLD.items() if old else ():
            key = key.replace(new, before)
        tensors[key] = stored
    net.save_config(folder)
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    with open(os.path.join(folder, "config.json"), "w") as f:
        f.write(json.dumps(config, indent=2, sort_keys=True) + "\n")
    save_file(tensors, os.path.join(folder, "diffusion_pytorch_model.safetensors"))
    g = torch.Generator().manual_seed(seed + 1)
    size = options["sample_size"]
    h, w = size if isinstance(size, tuple) else (size, size)
    x = torch.randn(2, options["in_channels"], h, w, generator=g)
    k = torch.tensor([7, 999])
    with torch.no_grad():
        out = net(x, k).sample
        wide = net.double()(x.double(), k).sample
    n = sum(p.numel() for p in net.parameters())
    print(f"{name}: {n} parameters, |out| <= {out.abs().max():.3f}, "
          f"float32 is {(out - wide).abs().max():.1e} from float64")
    flat = {"x": x.permute(0, 2, 3, 1), "out": out.permute(0, 2, 3, 1), "k": k.float(),
            "parameters": torch.tensor([float(n)])}
    save_file({a: b.contiguous() for a, b in flat.items()}, os.path.join(folder, "io.safetensors"))


def eps_of(x, k):
    """A made-up network, which C repeats."""
    return torch.tanh(x) * np.cos(k / 300.0)


def in_double(s):
    """The same scheduler with its tables in float64."""
    s.betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    s.alphas = 1 - s.betas
    s.alphas_cumprod = torch.cumprod(s.alphas, 0)
    s.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    s.one = torch.tensor(1.0, dtype=torch.float64)
    return s


def linear_step(s, k, **how):
    """(a, b) with the step's mean = a x + b eps."""
    x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    e = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    return s.step(e, k, x, **how).prev_sample[0].tolist()


def write_schedule():
    tensors = {}
    ddpm = in_double(DDPMScheduler(clip_sample=False))
    tensors["alpha_bar"] = ddpm.alphas_cumprod
    x0, eps = torch.tensor([[0.5, -2.0, 1.0]]).double(), torch.tensor([[1.0, 0.25, -1.5]]).double()
    tensors["added"] = torch.cat([ddpm.add_noise(x0, eps, torch.tensor([k])) for k in (0, 500, 999)])
    for spacing in ("leading", "trailing", "linspace"):
        for steps in (10, 50):
            tag = f"{spacing}.{steps}"
            s = in_double(DDPMScheduler(clip_sample=False, timestep_spacing=spacing))
            s.set_timesteps(steps)
            rows = []
            for k in s.timesteps:
                null = torch.Generator().manual_seed(0)
                var = s._get_variance(k) if k > 0 else torch.tensor(0.0)
                from diffusers.schedulers import scheduling_ddpm as module
                keep, module.randn_tensor = module.randn_tensor, lambda *a, **b: torch.zeros(1, 2)
                a, b = linear_step(s, k, generator=null)
                module.randn_tensor = keep
                rows.append([float(k), a, b, float(var) ** 0.5])
            tensors["ddpm." + tag] = torch.tensor(rows, dtype=torch.float64)
            if spacing != "linspace":
                for eta in (0.0, 0.5):
                    s = in_double(DDIMScheduler(clip_sample=False, timestep_spacing=spacing))
                    s.set_timesteps(steps)
                    rows = []
                    for k in s.timesteps:
                        back = k - 1000 // steps
                        a, b = linear_step(s, k, eta=eta, variance_noise=torch.zeros(1, 2).double())
                        rows.append([float(k), a, b, eta * float(s._get_variance(k, back)) ** 0.5])
                    tensors[f"ddim{eta}." + tag] = torch.tensor(rows, dtype=torch.float64)
            s = in_double(DPMSolverMultistepScheduler(timestep_spacing=spacing))
            s.set_timesteps(steps)
            ac = s.alphas_cumprod[s.timesteps]
            s.sigmas = torch.cat([((1 - ac) / ac).sqrt(), torch.zeros(1).double()])
            x = torch.tensor([[0.5, -2.0, 1.0, 0.01]], dtype=torch.float64)
            rows = []
            for k in s.timesteps:
                x = s.step(eps_of(x, float(k)), k, x).prev_sample.double()
                rows.append([float(k)] + x[0].tolist())
            tensors["dpmpp." + tag] = torch.tensor(rows, dtype=torch.float64)
    tensors = {k: v.float().contiguous() for k, v in tensors.items()}
    save_file(tensors, os.path.join(here, "diffusers_schedule.safetensors"))


for i, (name, options) in enumerate(NETS.items()):
    write_net(name, options, 10 * i)
write_schedule()
