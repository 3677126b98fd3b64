"""The circle tutorial's jobs in PyTorch on the CPU, at the best setting we know of.

    python peer_torch.py JOB [--threads N] [--seconds S]

JOB is circle_train, circle_train_compiled, ncsn_train, unet_train, unet_forward, circle_sample,
moons_likelihood, normals, matmul or all. Every measurement is one line: name, value, unit, setting,
separated by tabs; a second one, NAME_cpu, counts the processors' seconds instead of the clock's. A
value is the median of five slices.
"""
import argparse
import json
import math
import statistics
import struct
import time

import torch
import torch.nn.functional as F

WIDTHS = [6, 256, 256, 256, 256, 2]
BETA_MIN, BETA_MAX = 0.001, 3.0
N_TIMES, N_SAMPLES, BLOCK, N_SLICES = 999, 5000, 1000, 5


def report(name, rate, unit, setting, scale=1.0):
    """rate: of the clock and of the processors. A unit of seconds: scale per rate, not times."""
    where = f"torch {torch.__version__}, {torch.get_num_threads()} thread(s)"
    for what, value, per in zip((name, name + "_cpu"), rate, (unit, unit + " of cpu")):
        value = scale / value if unit == "s" else scale * value
        print(f"{what}\t{value:.5g}\t{per}\t{setting}; {where}", flush=True)


def rate(run, seconds):
    """Calls of run() per second of the clock and of the processors: the medians over slices, after
    a warm-up of one slice."""
    slice_s, wall, cpu = seconds / N_SLICES, [], []
    for _ in range(N_SLICES + 1):
        calls, chunk, start, start_cpu = 0, 1, time.perf_counter(), time.process_time()
        while (elapsed := time.perf_counter() - start) < slice_s:
            for _ in range(chunk):
                run()
            calls += chunk
            chunk = 2 * chunk if elapsed < slice_s / 64 else chunk
        wall.append(calls / elapsed)
        cpu.append(calls / (time.process_time() - start_cpu))
    return statistics.median(wall[1:]), statistics.median(cpu[1:])


def weights():
    """Weights and biases, uniform in +-1/sqrt(inputs); a weight has shape (outputs, inputs)."""
    shapes = [s for i, o in zip(WIDTHS, WIDTHS[1:]) for s in ((i, (o, i)), (i, (o,)))]
    return [torch.empty(s).uniform_(-(i ** -0.5), i ** -0.5) for i, s in shapes]


def network(params, h):
    for k in range(0, len(params) - 2, 2):
        h = F.linear(h, params[k], params[k + 1]).relu_()
    return F.linear(h, params[-2], params[-1])


def time_table():
    """One row per training time: m, sqrt(v), then the four time features."""
    t = torch.arange(1, N_TIMES + 1, dtype=torch.float64) / N_TIMES
    alpha = t * BETA_MIN + 0.5 * t * t * (BETA_MAX - BETA_MIN)
    turn = 2 * math.pi * t
    columns = [torch.exp(-alpha / 2), torch.sqrt(-torch.expm1(-alpha)),
               t - 0.5, torch.cos(turn), torch.sin(turn), -torch.cos(2 * turn)]
    return torch.stack(columns, 1).float()


def circle():
    """The data: eight points on the unit circle."""
    angle = 2 * math.pi * torch.arange(8) / 8
    return torch.stack([torch.cos(angle), torch.sin(angle)], 1)


def loss_fn(params, x0, table):
    """Denoising score matching with its own fresh permutation, times and noise."""
    x0 = x0[torch.randperm(8)]
    row = table[torch.randint(N_TIMES, (8,))]
    m, s, features = row[:, 0:1], row[:, 1:2], row[:, 2:]
    z = torch.randn(8, 2)
    score = network(params, torch.cat([m * x0 + s * z, features], 1))
    return (s * score + z).square().sum(1).mean()


def trainer(compiled, adam):
    """Returns step(), one Adam update; the losses are kept as tensors in step.losses."""
    params = [p.requires_grad_() for p in weights()]
    x0, table, losses = circle(), time_table(), []
    optimizer = torch.optim.Adam(params, lr=1e-3, **{adam: True})
    loss_of = torch.compile(loss_fn) if compiled else loss_fn

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(params, x0, table)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())

    step.losses = losses
    return step


def train(name, compiled, adams, seconds):
    """Tries each form of Adam for a moment, then measures the fastest."""
    def trial(adam):
        try:
            return rate(trainer(compiled, adam), seconds / 4)[0]
        except RuntimeError:  # old releases have no fused Adam on the CPU
            return 0.0

    best = max(adams, key=trial)
    step = trainer(compiled, best)
    value = rate(step, seconds)
    loss = torch.stack(step.losses[-1000:]).mean().item()
    report(name, value, "steps/s", f"{'compiled loss' if compiled else 'eager'}; {best} Adam; "
           f"loss {loss:.3f} after {len(step.losses)} steps")


def circle_train(seconds):
    train("circle_train", False, ("fused", "foreach"), seconds)


def circle_train_compiled(seconds):
    """Compiling Adam as well, or the whole step as one graph, is no faster than this."""
    try:
        train("circle_train_compiled", True, ("fused", "foreach"), seconds)
    except Exception as error:  # torch.compile needs a C++ compiler and the Python headers
        print("# circle_train_compiled: not available:", error, flush=True)


def ncsn_train(seconds):
    """The noise-conditional network of proof 15: batch 512, clip 1, fused Adam, no data loader."""
    nn = torch.nn
    embed = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU())
    net = nn.Sequential(nn.Linear(34, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(),
                        nn.Linear(256, 256), nn.SiLU(), nn.Linear(256, 2))
    params = [*embed.parameters(), *net.parameters()]
    adam = torch.optim.Adam(params, lr=1e-3, fused=True)
    sigmas = torch.exp(torch.linspace(math.log(10), math.log(0.01), 12))
    angles = torch.arange(8) * (2 * math.pi / 8)
    centers = 5 * torch.stack([angles.cos(), angles.sin()], 1)
    data = centers[torch.randint(8, (60000,))] + 0.4 * torch.randn(60000, 2)

    def step():
        x = data[torch.randint(60000, (512,))]
        sigma, eps = sigmas[torch.randint(12, (512, 1))], torch.randn(512, 2)
        score = net(torch.cat([x + sigma * eps, embed(sigma.log())], 1))
        loss = 0.5 * ((sigma * score + eps) ** 2).mean()
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        adam.step()

    report("ncsn_train", rate(step, seconds), "steps/s", "eager, fused Adam, clip 1, batch 512")


class ResBlock(torch.nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))) * (1 + scale) + shift))."""

    def __init__(self, inside, out, time):
        super().__init__()
        nn = torch.nn
        self.norm1, self.conv1 = nn.GroupNorm(8, inside), nn.Conv2d(inside, out, 3, padding=1)
        self.shift, self.scale = nn.Linear(time, out), nn.Linear(time, out)
        self.norm2 = nn.GroupNorm(8, out, affine=False)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.skip = nn.Identity() if inside == out else nn.Conv2d(inside, out, 1)

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.scale(time)[:, :, None, None], self.shift(time)[:, :, None, None]
        h = torch.addcmul(shift, self.norm2(h), 1 + scale)
        return self.skip(x) + self.conv2(F.silu(h))


class UNet(torch.nn.Module):
    """sgm_unet of sgm.h at its defaults: three levels of 32, 64 and 128 channels."""

    def __init__(self, width=32):
        super().__init__()
        nn, widths = torch.nn, [width, 2 * width, 4 * width]
        time = self.time_width = 4 * width
        self.time1, self.time2 = nn.Linear(time, time), nn.Linear(time, time)
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.down = nn.ModuleList(ResBlock(i, o, time) for i, o in zip([width] + widths, widths))
        self.halve = nn.ModuleList(nn.Conv2d(c, c, 3, stride=2, padding=1) for c in widths[:2])
        self.norm = nn.GroupNorm(8, time)
        self.q, self.k, self.v, self.out = (nn.Linear(time, time) for _ in range(4))
        self.up = nn.ModuleList(ResBlock(widths[i] + widths[i + 1], widths[i], time)
                                for i in (1, 0))
        self.last_norm, self.last = nn.GroupNorm(8, width), nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x, t):
        half = self.time_width // 2
        angle = 1000 * t * torch.exp(torch.linspace(0, math.log(1e-4), half))
        time = self.time1(torch.cat([angle.sin(), angle.cos()], 1))
        time = F.silu(self.time2(F.silu(time)))
        x, skips = self.first(x), []
        for i, block in enumerate(self.down):
            x = block(x, time)
            if i < 2:
                skips.append(x)
                x = self.halve[i](x)
        h = self.norm(x).flatten(2).transpose(1, 2)
        q, k, v = (p(h).unflatten(2, (4, -1)).transpose(1, 2) for p in (self.q, self.k, self.v))
        h = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        x = x + h.transpose(1, 2).unflatten(2, x.shape[2:])
        for block in self.up:
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0), skips.pop()], 1), time)
        return self.last(F.silu(self.last_norm(x)))


def unet_rates(name, train, seconds):
    """Both memory layouts are tried for a moment, then the faster is measured."""
    def step_for(layout):
        net = UNet().to(memory_format=layout)
        adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
        x0 = torch.randn(64, 1, 28, 28).contiguous(memory_format=layout)

        def step():
            t = torch.rand(64, 1)
            if not train:
                with torch.inference_mode():
                    return net(x0, t)
            alpha = 0.1 * t + 0.5 * t * t * 19.9
            m, s = torch.exp(-alpha / 2)[:, :, None, None], (-torch.expm1(-alpha)).sqrt()
            eps = torch.randn_like(x0)
            loss = (net(m * x0 + s[:, :, None, None] * eps, t) - eps).square().sum((1, 2, 3)).mean()
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()

        step.about = f"{str(layout).split('.')[-1]}, {sum(p.numel() for p in net.parameters())}"
        return step

    steps = [step_for(layout) for layout in (torch.contiguous_format, torch.channels_last)]
    best = max(steps, key=lambda step: rate(step, seconds / 2)[0])
    report(name, rate(best, seconds), "images/s", f"eager, {best.about} parameters, batch 64", 64)


def unet_train(seconds):
    unet_rates("unet_train", True, seconds)


def unet_forward(seconds):
    unet_rates("unet_forward", False, seconds)


@torch.inference_mode()
def circle_sample(seconds):
    """Euler-Maruyama from t = 1 down; a tenth of the steps is timed and scaled to all of them.

    Samples are independent, so blocks of them run one after another: a block's hidden layer is
    small enough to stay in the cache.
    """
    params, table, n_timed = weights(), time_table(), (N_TIMES - 1) // 10
    wt = [p.t() if p.dim() == 2 else p for p in params]
    x, z, score = (torch.empty(BLOCK, 2) for _ in range(3))
    inputs, dt = torch.empty(BLOCK, 6), 1 / N_TIMES
    hidden = [torch.empty(BLOCK, 256) for _ in range(2)]

    def block():
        x.normal_()
        for i in range(n_timed):
            beta = BETA_MIN + (1 - (i + 1) * dt) * (BETA_MAX - BETA_MIN)
            inputs[:, :2] = x
            inputs[:, 2:] = table[N_TIMES - 2 - i, 2:]
            h = inputs
            for k in range(0, len(wt) - 2, 2):
                h = torch.addmm(wt[k + 1], h, wt[k], out=hidden[k // 2 % 2]).relu_()
            torch.addmm(wt[-1], h, wt[-2], out=score)
            x.mul_(1 + dt * beta / 2).add_(score, alpha=dt * beta)
            x.add_(z.normal_(), alpha=math.sqrt(dt * beta))

    scale = (N_TIMES - 1) / n_timed * N_SAMPLES / BLOCK
    value = rate(block, seconds)
    assert bool(torch.isfinite(x).all())
    report("circle_sample", value, "s", f"eager, blocks of {BLOCK} samples, buffers reused; "
           f"{n_timed} of {N_TIMES - 1} steps timed and scaled", scale)


def moons():
    """Points and residual network of bench.c's job, if it has run; else a network untrained."""
    shapes = [(3, 128), (1, 128)] + [(129, 128), (1, 128)] * 5 + [(128, 2), (1, 2)]
    try:
        with open("out/bench/moons.safetensors", "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            body = file.read()
        points, flat = (torch.frombuffer(bytearray(body[slice(*header[k]["data_offsets"])]),
                                         dtype=torch.float32) for k in ("points", "params"))
        points, whose = points.view(-1, 2), "the network of bench.c"
    except FileNotFoundError:
        points, whose = torch.randn(10000, 2), "a network untrained"
        flat = torch.randn(sum(i * o for i, o in shapes)) / 12
    return points, [p.view(s) for p, s in zip(flat.split([i * o for i, o in shapes]), shapes)], whose


def dopri5(slope, y, t0, t1, tol):
    """Dormand and Prince's 5(4), for where torchdiffeq is missing; the error as a root mean square."""
    a = [[1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
         [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
         [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
         [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]]
    c = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
    e = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]
    t, h, k0 = t0, 0.01 * (t1 - t0), slope(t0, y)
    while t < t1:
        h = min(h, t1 - t)
        k = [k0]
        for row, at in zip(a, c):
            new = y + h * sum(w * s for w, s in zip(row, k) if w)
            k.append(slope(t + at * h, new))
        off = h * sum(w * s for w, s in zip(e, k) if w)
        error = (off / (tol + tol * torch.maximum(y.abs(), new.abs()))).square().mean().sqrt().item()
        if error <= 1:
            t, y, k0 = t + h, new, k[-1]
        h *= min(5, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
    return y


def moons_likelihood(seconds):
    """Log-likelihoods of 10 000 points, exact trace by two vector-Jacobian products, dopri5 at 1e-5.

    Blocks of 1000 points, as in the sampler; at least one block is timed, and scaled to all.
    """
    try:
        from torchdiffeq import odeint
        solver = "torchdiffeq's dopri5"
    except ImportError:
        odeint, solver = None, "own dopri5"
    points, params, whose = moons()
    (w_in, b_in), *layers, (w_out, b_out) = zip(params[::2], params[1::2])
    basis, calls = torch.eye(2), 0

    def score(x, t):
        time_column = torch.full((len(x), 1), t)
        h = torch.addmm(b_in, torch.cat([time_column, x], 1), w_in)
        for w, b in layers:
            h = h + torch.addmm(b, torch.cat([time_column, h], 1), w).tanh()
        return torch.addmm(b_out, h, w_out)

    def slope(t, y):
        nonlocal calls
        calls += 1
        with torch.enable_grad():
            x = y[:, :2].detach().requires_grad_()
            s = score(x, float(t))
            trace = sum(torch.autograd.grad(s, x, basis[i].expand_as(s), retain_graph=i == 0)[0][:, i]
                        for i in range(2))
        return torch.cat([-0.5 * (x.detach() + s.detach()), (-1 - 0.5 * trace)[:, None]], 1)

    def block(x):
        y = torch.cat([x, torch.zeros(len(x), 1)], 1)
        if odeint is None:
            y = dopri5(slope, y, 1e-5, 4.0, 1e-5)
        else:
            y = odeint(slope, y, torch.tensor([1e-5, 4.0]), rtol=1e-5, atol=1e-5, method="dopri5")[-1]
        return y[:, 2] - 0.5 * y[:, :2].square().sum(1) - math.log(2 * math.pi)

    wall, cpu, nats, start = [], [], [], time.perf_counter()
    for x in points.split(BLOCK):
        began, began_cpu = time.perf_counter(), time.process_time()
        nats.append(block(x).mean().item())
        wall.append(1 / (time.perf_counter() - began))
        cpu.append(1 / (time.process_time() - began_cpu))
        if time.perf_counter() - start > max(seconds, 2 / wall[-1]):
            break
    report("moons_likelihood", (statistics.median(wall), statistics.median(cpu)), "s",
           f"{solver}, {whose}; {calls / len(wall):.0f} evaluations; {len(wall)} blocks of {BLOCK}; "
           f"mean log p {statistics.mean(nats):.4f}", len(points) / BLOCK)


@torch.inference_mode()
def normals(seconds):
    """The same 65 536 numbers' place each time."""
    z = torch.empty(65536)
    report("normals", rate(lambda: z.normal_(), seconds), "1/s", "normal_ in place", 65536)


@torch.inference_mode()
def matmul(seconds):
    """The three products of a linear layer of 256 x 256: forward, input and weight gradient."""
    w, b = torch.randn(256, 256), torch.randn(256)
    dw = torch.empty(256, 256)
    for batch in (8, 64, 512, 5000):
        x, dy = torch.randn(batch, 256), torch.randn(batch, 256)
        y, dx = torch.empty(batch, 256), torch.empty(batch, 256)
        wt, xt = w.t(), x.t()
        products = {"y": lambda: torch.addmm(b, x, w, out=y),
                    "dx": lambda: torch.mm(dy, wt, out=dx),
                    "dw": lambda: torch.mm(xt, dy, out=dw)}
        for name, product in products.items():
            gflop = 2e-9 * batch * 256 * 256
            report(f"matmul_{name}_{batch}", rate(product, seconds / 12), "GFLOP/s",
                   "addmm/mm, out= given, warm cache", gflop)


def main():
    jobs = {f.__name__: f for f in (circle_train, circle_train_compiled, ncsn_train, circle_sample,
                                    moons_likelihood, unet_train, unet_forward, normals, matmul)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=[*jobs, "all"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)  # a dead unit's moments decay into slow denormal numbers
    torch.manual_seed(0)
    for name in jobs if args.job == "all" else [args.job]:
        jobs[name](args.seconds)


if __name__ == "__main__":
    main()
