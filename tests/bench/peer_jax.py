"""The circle tutorial's jobs in JAX (equinox, optax) on the CPU.

    python peer_jax.py JOB [--threads N] [--seconds S]

JOB is circle_train (one jitted update per step, as the tutorial writes it), circle_train_jit (the
draws moved inside the jit), circle_train_scan (many steps in one lax.scan), circle_sample, matmul
or all. Every measurement is one line: name, value, unit, setting, separated by tabs; a second one,
NAME_cpu, counts the processors' seconds instead of the clock's. A value is the median of five
slices.
"""
import argparse
import os
import statistics
import sys
import time

jax = jnp = eqx = optax = None  # loaded by load(), once the number of threads is known

BETA_MIN, BETA_MAX = 0.001, 3.0
N_TIMES, N_SAMPLES, N_SLICES = 999, 5000, 5
SCAN_STEPS = 1000


def load(threads):
    """XLA reads its flags and the allowed cores when it is imported, so set them before that."""
    global jax, jnp, eqx, optax
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])
    if threads == 1:
        os.environ["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "") +
                                   " --xla_cpu_multi_thread_eigen=false")
    import equinox, jax as jax_, jax.numpy as jnp_, optax as optax_
    jax, jnp, eqx, optax = jax_, jnp_, equinox, optax_


def report(name, rate, unit, setting, threads, scale=1.0):
    """rate: of the clock and of the processors. A unit of seconds: scale per rate, not times."""
    for what, value, per in zip((name, name + "_cpu"), rate, (unit, unit + " of cpu")):
        value = scale / value if unit == "s" else scale * value
        print(f"{what}\t{value:.5g}\t{per}\t{setting}; jax {jax.__version__}, {threads} thread(s)",
              flush=True)


def rate(run, seconds):
    """Calls of run(), which returns what it computed, per second of the clock and of the
    processors: the medians over slices."""
    slice_s, wall, cpu = seconds / N_SLICES, [], []
    for _ in range(N_SLICES + 1):
        calls, chunk, start, start_cpu = 0, 1, time.perf_counter(), time.process_time()
        while (elapsed := time.perf_counter() - start) < slice_s:
            for _ in range(chunk):
                result = run()
            jax.block_until_ready(result)
            calls += chunk
            chunk = 2 * chunk if elapsed < slice_s / 64 else chunk
        wall.append(calls / elapsed)
        cpu.append(calls / (time.process_time() - start_cpu))
    return statistics.median(wall[1:]), statistics.median(cpu[1:])


def alpha_t(t):
    return t * BETA_MIN + 0.5 * t ** 2 * (BETA_MAX - BETA_MIN)


def features(t):
    turn = 2 * jnp.pi * t
    return jnp.concatenate([t - 0.5, jnp.cos(turn), jnp.sin(turn), -jnp.cos(2 * turn)], axis=1)


def problem():
    """Data, optimizer and start: (x0, adam, static, (params, state, key))."""
    key, init = jax.random.split(jax.random.key(0))
    model = eqx.nn.MLP(6, 2, 256, 4, activation=jax.nn.relu, key=init)
    params, static = eqx.partition(model, eqx.is_array)
    angle = 2 * jnp.pi * jnp.arange(8) / 8
    x0 = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    adam = optax.adam(1e-3)
    return x0, adam, static, (params, adam.init(params), key)


def make_update(adam, static):
    times = jnp.arange(1, N_TIMES + 1) / N_TIMES

    def loss_fn(params, key, x0):
        score = jax.vmap(eqx.combine(params, static))
        key_t, key_z = jax.random.split(key)
        t = jax.random.choice(key_t, times, (x0.shape[0], 1))
        z = jax.random.normal(key_z, x0.shape)
        m, s = jnp.exp(-0.5 * alpha_t(t)), jnp.sqrt(1 - jnp.exp(-alpha_t(t)))
        x = m * x0 + s * z
        s_x_t = score(jnp.concatenate([x, features(t)], axis=1))
        return jnp.mean(jnp.sum((s * s_x_t + z) ** 2, axis=-1))

    def update(params, state, key, x0):
        loss, grads = jax.value_and_grad(loss_fn)(params, key, x0)
        updates, state = adam.update(grads, state)
        return loss, optax.apply_updates(params, updates), state

    return update


def circle_train(seconds, threads):
    x0, adam, static, carry = problem()
    update, losses = jax.jit(make_update(adam, static)), []

    def step():
        nonlocal carry
        params, state, key = carry
        key, key_perm = jax.random.split(key)
        perm = jax.random.permutation(key_perm, 8)
        key, key_step = jax.random.split(key)
        loss, params, state = update(params, state, key_step, x0[perm, :])
        losses.append(loss)
        carry = (params, state, key)
        return loss

    value = rate(step, seconds)
    loss = float(jnp.mean(jnp.array(losses[-1000:])))
    report("circle_train", value, "steps/s",
           f"jitted update; loss {loss:.3f} after {len(losses)} steps", threads)


def make_step(adam, static, x0):
    """The whole step, permutation and key splits included, as one pure function."""
    update = make_update(adam, static)

    def step(carry):
        params, state, key = carry
        key, key_perm, key_step = jax.random.split(key, 3)
        x0_perm = jax.random.permutation(key_perm, x0)
        loss, params, state = update(params, state, key_step, x0_perm)
        return (params, state, key), loss

    return step


def circle_train_jit(seconds, threads):
    x0, adam, static, carry = problem()
    update, losses = jax.jit(make_step(adam, static, x0), donate_argnums=0), []

    def step():
        nonlocal carry
        carry, loss = update(carry)
        losses.append(loss)
        return loss

    value = rate(step, seconds)
    loss = float(jnp.mean(jnp.array(losses[-1000:])))
    report("circle_train_jit", value, "steps/s",
           f"draws inside the jit; loss {loss:.3f} after {len(losses)} steps", threads)


def circle_train_scan(seconds, threads):
    x0, adam, static, carry = problem()
    step, losses = make_step(adam, static, x0), []

    @jax.jit
    def many(carry):
        return jax.lax.scan(lambda c, _: step(c), carry, None, length=SCAN_STEPS)

    def run():
        nonlocal carry
        carry, loss = many(carry)
        losses.append(loss)
        return loss

    value = rate(run, seconds)
    loss = float(jnp.mean(losses[-1]))
    report("circle_train_scan", value, "steps/s",
           f"{SCAN_STEPS} steps per scan; loss {loss:.3f} after {SCAN_STEPS * len(losses)} steps",
           threads, SCAN_STEPS)


def circle_sample(seconds, threads):
    """Euler-Maruyama from t = 1 down; a tenth of the steps is timed and scaled to all of them."""
    _, _, static, (params, _, key) = problem()
    n_timed, dt = (N_TIMES - 1) // 10, 1 / N_TIMES

    @jax.jit
    def steps(params, key):
        score = jax.vmap(eqx.combine(params, static))

        def f(carry, elapsed):
            x, key = carry
            t = 1 - elapsed
            beta = BETA_MIN + t * (BETA_MAX - BETA_MIN)
            key, key_z = jax.random.split(key)
            z = jax.random.normal(key_z, x.shape)
            t_column = jnp.full((x.shape[0], 1), t)
            s_x_t = score(jnp.concatenate([x, features(t_column)], axis=1))
            x = x + dt * beta * (0.5 * x + s_x_t) + jnp.sqrt(dt * beta) * z
            return (x, key), x

        key, key_x = jax.random.split(key)
        start = jax.random.normal(key_x, (N_SAMPLES, 2))
        return jax.lax.scan(f, (start, key), jnp.arange(1, n_timed + 1) * dt)[1][-1]

    value = rate(lambda: steps(params, key), seconds)
    assert bool(jnp.isfinite(steps(params, key)).all())
    report("circle_sample", value, "s",
           f"jitted scan; {n_timed} of {N_TIMES - 1} steps timed and scaled", threads,
           (N_TIMES - 1) / n_timed)


def matmul(seconds, threads):
    """The three products of a linear layer of 256 x 256: forward, input and weight gradient."""
    products = {"y": jax.jit(lambda x, w, b, dy: x @ w + b),
                "dx": jax.jit(lambda x, w, b, dy: dy @ w.T),
                "dw": jax.jit(lambda x, w, b, dy: x.T @ dy)}
    keys = jax.random.split(jax.random.key(1), 4)
    w, b = jax.random.normal(keys[0], (256, 256)), jax.random.normal(keys[1], (256,))
    for batch in (8, 64, 512, 5000):
        x, dy = (jax.random.normal(k, (batch, 256)) for k in keys[2:])
        for name, product in products.items():
            gflop = 2e-9 * batch * 256 * 256
            value = rate(lambda: product(x, w, b, dy), seconds / 12)
            report(f"matmul_{name}_{batch}", value, "GFLOP/s", "jitted, warm cache", threads, gflop)


def main():
    jobs = {f.__name__: f for f in (circle_train, circle_train_jit, circle_train_scan,
                                    circle_sample, matmul)}
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
