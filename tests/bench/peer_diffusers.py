"""The U-Net of the EngineersOfAI lesson in HuggingFace's diffusers on the CPU.

    python peer_diffusers.py forward [--threads N] [--seconds S]    images per second, batch 8
    python peer_diffusers.py write FOLDER                           a checkpoint, and what it says

The second writes random weights as save_pretrained does, and beside them io.safetensors: two
images, their timesteps and the package's output, to be held against ours.
"""
import argparse
import os

import torch
from diffusers import UNet2DModel
from safetensors.torch import save_file

from peer_torch import rate, report

BATCH = 8


def lesson():
    torch.manual_seed(0)
    return UNet2DModel(
        sample_size=32, in_channels=3, out_channels=3, layers_per_block=2,
        block_out_channels=(64, 128, 128, 256),
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D")).eval()


@torch.inference_mode()
def forward(seconds):
    """Both memory layouts are tried for a moment, then the faster is measured."""
    def step_for(layout):
        net = lesson().to(memory_format=layout)
        x = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=layout)
        k = torch.randint(0, 1000, (BATCH,))

        def step():
            return net(x, k).sample

        step.about = f"{str(layout).split('.')[-1]}, {sum(p.numel() for p in net.parameters())}"
        return step

    steps = [step_for(layout) for layout in (torch.contiguous_format, torch.channels_last)]
    best = max(steps, key=lambda step: rate(step, seconds / 2)[0])
    report("diffusers_forward", rate(best, seconds), "images/s",
           f"eager, {best.about} parameters, batch {BATCH}", BATCH)


@torch.inference_mode()
def write(folder):
    net = lesson()
    net.save_pretrained(folder)
    x, k = torch.randn(2, 3, 32, 32), torch.tensor([7, 999])
    flat = {"x": x.permute(0, 2, 3, 1), "out": net(x, k).sample.permute(0, 2, 3, 1),
            "k": k.float()}
    save_file({a: b.contiguous() for a, b in flat.items()}, os.path.join(folder, "io.safetensors"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=["forward", "write"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.job == "write":
        write(args.folder)
    else:
        forward(args.seconds)
