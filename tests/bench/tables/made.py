"""Three tables made by code, 100 000 rows each, whose log density is known exactly.

Each is a mixture of Gaussians (in one of them with counts) seen through maps with an exact inverse
and determinant, so the mean of -log p over the rows held out is the best that any model can reach.
The laws are fixed by the numbers in QUANTITIES; `seed` draws other rows of the same law.
"""
import numpy as np
from scipy import special, stats

QUANTITIES = {"galaxy": 1, "sensors": 2, "shop": 3}


def mixture(q, k, d, spread, scale):
    """Weights, means and Cholesky factors of k Gaussians in d dimensions."""
    weight = q.dirichlet(np.full(k, 2.0))
    mean = q.standard_normal((k, d)) * spread
    factors = []
    for _ in range(k):
        a = q.standard_normal((d, d)) * q.uniform(*scale)
        factors.append(np.linalg.cholesky(a @ a.T / d + 0.02 * np.eye(d)))
    return weight, mean, np.stack(factors)


def component_logp(x, mean, factor):
    z = np.linalg.solve(factor, (x - mean).T)
    log_det = np.log(np.diag(factor)).sum()
    return -0.5 * (z * z).sum(0) - log_det - 0.5 * x.shape[1] * np.log(2 * np.pi)


def draw(r, n, law):
    weight, mean, factor = law
    which = r.choice(len(weight), n, p=weight)
    x = mean[which] + np.einsum("nij,nj->ni", factor[which], r.standard_normal((n, mean.shape[1])))
    return x, which


def mixture_logp(x, law):
    weight, mean, factor = law
    each = [np.log(w) + component_logp(x, m, c) for w, m, c in zip(weight, mean, factor)]
    return special.logsumexp(each, axis=0)


def galaxy(n, seed):
    """8 numbers: six Gaussians, wound up (rotations by an angle that grows with the radius keep
    volumes), then sheared along curves (determinant 1)."""
    law = mixture(np.random.default_rng(QUANTITIES["galaxy"]), 6, 8, 1.0, (0.2, 1.0))
    x, _ = draw(np.random.default_rng(seed), n, law)
    logp = mixture_logp(x, law)
    for a, b, turns in ((0, 1, 1.2), (2, 3, 0.9)):
        angle = turns * np.hypot(x[:, a], x[:, b])
        c, s = np.cos(angle), np.sin(angle)
        x[:, a], x[:, b] = c * x[:, a] - s * x[:, b], s * x[:, a] + c * x[:, b]
    x[:, 4] += 0.5 * x[:, 0] ** 2
    x[:, 5] += np.sin(2 * x[:, 2])
    x[:, 6] += 0.7 * x[:, 4] * np.tanh(x[:, 1])
    return x, logp


def sensors(n, seed):
    """20 numbers: four Gaussians, a nonlinear shear of ten columns by the other ten, then sinh on
    six columns (heavy tails) and exp on six (skew)."""
    q = np.random.default_rng(QUANTITIES["sensors"])
    law = mixture(q, 4, 20, 0.8, (0.5, 1.2))
    x, _ = draw(np.random.default_rng(seed), n, law)
    logp = mixture_logp(x, law)
    x[:, 10:] += 1.5 * np.tanh(x[:, :10] @ (q.standard_normal((10, 10)) * 0.5))
    for j in range(6):
        logp = logp - np.log(np.cosh(1.2 * x[:, j]))
        x[:, j] = np.sinh(1.2 * x[:, j]) / 1.2
    for j in range(6, 12):
        logp = logp - x[:, j]
        x[:, j] = np.exp(x[:, j])
    return x, logp


def shop(n, seed):
    """12 columns: thirty classes, each with its Gaussian of 8 numbers (one is then an exponential),
    three Poisson counts and a grade from 0 to 3."""
    q = np.random.default_rng(QUANTITIES["shop"])
    weight, mean, factor = law = mixture(q, 30, 8, 1.6, (0.3, 0.9))
    rate, grade = q.gamma(2.0, 2.0, (30, 3)), q.dirichlet(np.full(4, 0.5), 30)
    r = np.random.default_rng(seed)
    x, which = draw(r, n, law)
    counts = r.poisson(rate[which])
    level = (r.random(n)[:, None] > np.cumsum(grade[which], 1)).sum(1).clip(0, 3)
    each = [np.log(weight[k]) + component_logp(x, mean[k], factor[k])
            + stats.poisson(rate[k]).logpmf(counts).sum(1) + np.log(grade[k][level] + 1e-300)
            for k in range(30)]
    logp = special.logsumexp(each, axis=0) - x[:, 7]
    x[:, 7] = np.exp(x[:, 7])
    return np.concatenate([x, counts, level[:, None]], 1), logp


MADE = {"galaxy": galaxy, "sensors": sensors, "shop": shop}
