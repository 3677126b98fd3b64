"""Moons by Homer's own package, sbgm, on the CPU: the training and the likelihood of its notebook.

    python peer_sbgm.py JOB [--threads N] [--seconds S]

JOB is one of
    moons_train               the two calls that sbgm's trainer makes per step, make_step and
                              apply_ema, on batches of its own loader. Its trainer also looks at a
                              validation batch, waits for both losses and draws a progress bar in
                              every step: left out, since ours does none of it
    moons_train_jit           the same step, average and batch inside one jit: faster than as sold
    moons_likelihood          sbgm's log_likelihood, exact trace, its solver: Tsit5, 40 equal steps,
                              many points at once by vmap inside a jit: the fastest way to call it
    moons_likelihood_single   the same function, called with one point, which is what it takes
    moons_likelihood_diffrax  the same equation by diffrax with steps of its own choice, at 1e-5 as
                              ours, one step size for a block of points
    all
Every measurement is two lines, by the clock and by the processors' time: name, value, unit,
setting, separated by tabs. A value is the median of five slices, all that is compiled is warm, and
of several block sizes the fastest counts. Both likelihoods are of the points and the network that
bench.c has written, if it has run.
"""
import argparse
import json
import math
import os
import statistics
import struct
import sys
import time

jax = jnp = jr = eqx = optax = dfx = sbgm = None  # loaded by load(), once the threads are known
N_SLICES, N_POINTS, BATCH = 5, 40000, 128
T0, T1, DT, TOL = 1e-5, 4.0, 0.1, 1e-5


def load(threads):
    """XLA reads its flags and the allowed cores when it is imported, so set them before that."""
    global jax, jnp, jr, eqx, optax, dfx, sbgm
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])
    if threads == 1:
        os.environ["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "") +
                                   " --xla_cpu_multi_thread_eigen=false")
    import diffrax, equinox, jax as jax_, jax.numpy as jnp_, jax.random as jr_, optax as optax_
    import sbgm as sbgm_
    jax, jnp, jr, eqx, optax, dfx, sbgm = jax_, jnp_, jr_, equinox, optax_, diffrax, sbgm_


def report(name, wall, cpu, unit, setting, threads):
    for what, value, per in ((name, wall, unit), (name + "_cpu", cpu, unit + " of cpu")):
        print(f"{what}\t{value:.5g}\t{per}\t{setting}; jax {jax.__version__}, {threads} thread(s)",
              flush=True)


def rates(run, seconds):
    """Calls of run() per second of the clock and of the processors: medians over slices."""
    slice_s, wall, cpu = seconds / N_SLICES, [], []
    for _ in range(N_SLICES + 1):
        calls, chunk, start, start_cpu = 0, 1, time.perf_counter(), time.process_time()
        while (elapsed := time.perf_counter() - start) < slice_s:
            for _ in range(chunk):
                result = run()
            jax.block_until_ready(result)
            calls += chunk
            chunk = min(2 * chunk, 64) if elapsed < slice_s / 16 else chunk
        wall.append(calls / elapsed)
        cpu.append(calls / (time.process_time() - start_cpu))
    return statistics.median(wall[1:]), statistics.median(cpu[1:])


def make_sde():
    return sbgm.sde.VPSDE(beta_integral_fn=lambda t: t, dt=DT, t0=T0, t1=T1,
                          weight_fn=lambda t: 1 - jnp.exp(-t))


def problem():
    """Data, network, optimiser as in sbgm's configuration of moons."""
    from sklearn.datasets import make_moons
    x = make_moons(N_POINTS, noise=0.05, random_state=0)[0]
    data = sbgm.data.utils.InMemoryDataLoader(
        jnp.asarray(x, jnp.float32), process_fn=sbgm.data.utils.Normer(x.mean(), x.std()),
        key=jr.key(1))
    model = sbgm.ResidualNetwork(in_size=2, width_size=128, depth=5, activation=jax.nn.tanh,
                                 dropout_p=0.1, t1=T1, key=jr.key(2))
    opt = optax.adabelief(1e-4)
    return data, make_sde(), model, opt, opt.init(eqx.filter(model, eqx.is_inexact_array))


def settled(losses):
    return f"loss {float(jnp.mean(jnp.array(losses[-1000:]))):.3f} after {len(losses)} steps"


def moons_train(seconds, threads):
    data, sde, model, opt, state = problem()
    apply_ema, make_step = sbgm.train.apply_ema, sbgm.train.make_step
    average, key, losses = model, jr.key(3), []
    # apply_ema as the trainer calls it, leaf by leaf, and compiled: the faster counts
    compiled = eqx.filter_jit(apply_ema)
    batches = data.loop(BATCH)

    def step_with(ema):
        def step():
            nonlocal model, state, key, average
            loss, model, key, state = make_step(model, sde, next(batches), key, state, opt)
            average = ema(average, model)
            losses.append(loss)
            return loss
        return step

    best = max((apply_ema, compiled), key=lambda ema: rates(step_with(ema), seconds / 2)[0])
    wall, cpu = rates(step_with(best), seconds)
    report("moons_train", wall, cpu, "steps/s", "make_step and "
           f"{'compiled ' if best is compiled else ''}apply_ema; {settled(losses)}", threads)


def moons_train_jit(seconds, threads):
    data, sde, model, opt, state = problem()
    apply_ema, make_step = sbgm.train.apply_ema, sbgm.train.make_step
    x, losses = data.process_fn.forward(data.X), []
    params, static = eqx.partition((model, state, model), eqx.is_array)

    def all_of_a_step(params, key):
        model, state, average = eqx.combine(params, static)
        key, key_rows = jr.split(key)
        batch = x[jr.randint(key_rows, (BATCH,), 0, len(x))], None, None
        loss, model, key, state = make_step(model, sde, batch, key, state, opt)
        return eqx.filter((model, state, apply_ema(average, model)), eqx.is_array), key, loss

    run, key = jax.jit(all_of_a_step, donate_argnums=0), jr.key(4)
    params = jax.tree.map(jnp.copy, params)

    def step():
        nonlocal params, key
        params, key, loss = run(params, key)
        losses.append(loss)
        return loss

    wall, cpu = rates(step, seconds)
    report("moons_train_jit", wall, cpu, "steps/s", f"one jit; {settled(losses)}", threads)


def moons():
    """Points and residual network of bench.c's job, if it has run; else a network untrained."""
    shapes = [(3, 128), (1, 128)] + [(129, 128), (1, 128)] * 5 + [(128, 2), (1, 2)]
    import numpy as np
    sizes = [i * o for i, o in shapes]
    try:
        with open("out/bench/moons.safetensors", "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            body = file.read()
        points, flat = (np.frombuffer(body[slice(*header[k]["data_offsets"])], np.float32)
                        for k in ("points", "params"))
        points, whose = points.reshape(-1, 2), "the network of bench.c"
    except FileNotFoundError:
        rng, whose = np.random.default_rng(0), "a network untrained"
        points, flat = rng.standard_normal((10000, 2)), rng.standard_normal(sum(sizes)) / 12
    parts = np.split(flat.astype(np.float32), np.cumsum(sizes)[:-1])
    return jnp.asarray(points, jnp.float32), [jnp.asarray(p.reshape(s)) for p, s
                                              in zip(parts, shapes)], whose


def score(params, t, x):
    """Of one point or of a block: s(t, x)."""
    t = jnp.broadcast_to(jnp.asarray(t, x.dtype), x.shape[:-1] + (1,))
    (w_in, b_in), *layers, (w_out, b_out) = zip(params[::2], params[1::2])
    h = jnp.concatenate([t, x], -1) @ w_in + b_in[0]
    for w, b in layers:
        h = h + jnp.tanh(jnp.concatenate([t, h], -1) @ w + b[0])
    return h @ w_out + b_out[0]


def likelihood(name, log_p, blocks, what, seconds, threads):
    """log_p(block of points); the fastest of the block sizes."""
    points, _, whose = moons()
    trials = {}
    for block in blocks:
        jax.block_until_ready(log_p(points[:block]))  # compiles
        trials[block] = len(points) / block / rates(lambda: log_p(points[:block]), seconds / 8)[0]
    block = min(trials, key=trials.get)
    wall, cpu = rates(lambda: log_p(points[:block]), seconds)
    n, nats = min(1000 if block > 1 else 100, len(points)), []
    for i in range(0, n, min(block, n)):
        nats.append(float(jnp.mean(log_p(points[i:i + block]))))
    scale = len(points) / block
    report(name, scale / wall, scale / cpu, "s",
           f"{what}, {whose}; blocks of {block}; mean log p {statistics.mean(nats):.4f}", threads)


def sbgm_log_p():
    class Score(eqx.Module):
        params: list

        def __call__(self, t, x, q=None, a=None, *, key=None):
            return score(self.params, t, x)

    fn = sbgm.ode.get_log_likelihood_fn(Score(moons()[1]), make_sde(), data_shape=(2,),
                                        exact_log_prob=True)
    return lambda x: fn(x, None, None, None)


def moons_likelihood(seconds, threads):
    log_p = eqx.filter_jit(jax.vmap(sbgm_log_p()))
    likelihood("moons_likelihood", log_p, (20, 100, 1000), "sbgm's Tsit5, 40 equal steps", seconds,
               threads)


def moons_likelihood_single(seconds, threads):
    log_p = sbgm_log_p()
    likelihood("moons_likelihood_single", lambda x: log_p(x[0]), (1,),
               "sbgm's Tsit5, 40 equal steps", seconds, threads)


def moons_likelihood_diffrax(seconds, threads):
    params = moons()[1]

    def slope(t, y, args):
        x = y[:, :2]
        s, push = jax.linearize(lambda x: score(params, t, x), x)
        trace = sum(push(jnp.zeros_like(x).at[:, i].set(1))[:, i] for i in range(2))
        return jnp.concatenate([-0.5 * (x + s), (-1 - 0.5 * trace)[:, None]], 1)

    def solve(solver):
        @jax.jit
        def run(x):
            solution = dfx.diffeqsolve(
                dfx.ODETerm(slope), solver, T0, T1, 0.01, jnp.pad(x, ((0, 0), (0, 1))),
                stepsize_controller=dfx.PIDController(rtol=TOL, atol=TOL), throw=False,
                adjoint=dfx.ForwardMode())
            y = solution.ys[-1]
            log_p = y[:, 2] - 0.5 * jnp.square(y[:, :2]).sum(1) - math.log(2 * math.pi)
            return log_p, solution.stats["num_steps"]
        return run

    points = moons()[0][:100]
    solvers = {"Dopri5": solve(dfx.Dopri5()), "Tsit5": solve(dfx.Tsit5())}
    for run in solvers.values():
        jax.block_until_ready(run(points))
    best = max(solvers, key=lambda k: rates(lambda: solvers[k](points), seconds / 8)[0])
    evaluations = 6 * int(solvers[best](points)[1]) + 1  # a step's last is the next one's first
    likelihood("moons_likelihood_diffrax", lambda x: solvers[best](x)[0], (20, 100, 1000),
               f"diffrax {best}, some {evaluations} evaluations", seconds, threads)


def main():
    jobs = {f.__name__: f for f in (moons_train, moons_train_jit, moons_likelihood,
                                    moons_likelihood_single, moons_likelihood_diffrax)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=[*jobs, "all"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    load(args.threads)
    for name in jobs if args.job == "all" else [args.job]:
        jobs[name](args.seconds, args.threads)


if __name__ == "__main__":
    sys.exit(main())
