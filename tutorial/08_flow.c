/*
# 8. The probability flow, and what a point weighs

**Question.** Is there a way back without noise, one that takes each point to
one place at T, its *latent*, and tells how dense the data were at the point?

**The flow.** Noise spreads as heat does, with the stream $-½ g² ∇p_t$: p times
the velocity $-½ g² ∇\log p_t$ (1.11). So points that follow $dx/dt = F(x, t) =
f x - ½ g² ∇\log p_t(x)$ (7.1) have the densities of those that noise drives. It
is *half* the g² of lesson 07, whose other half made up for noise. A small box
grows at the rate ∇·F (here ∂F/∂x) and keeps what it holds: log p of x is log N
of its latent, N(0, 1)'s density, plus the integral of ∇·F (7.14).
*/
#include "tutorial.h"
enum { FINE = 200, FEW = 40, CELLS = 1001 };
static const double lean = .42364893, start = 1e-3; /* ½ log(.7/.3); t_min */
static sgm_sde vp;
/* The humps of lesson 07: 30 % about -1, 70 % about 1, the variance .04. */
static double F(double x, double t, double *divergence) {
    double m = sgm_sde_m(&vp, t), v = 1 - .96 * m * m, f = sgm_sde_f(&vp, t);
    double half = .5 * sgm_sde_g2(&vp, t), up = tanh(m * x / v + lean);
    *divergence = f - half * (m * m / v * (1 - up * up) - 1) / v;
    return f * x - half * (m * up - x) / v;
}
/* Euler steps by F where a step starts, Heun by its mean there and where Euler
ends. Returns the integral of the divergence, by the same rule. */
static double walk(double *x, double from, double to, int steps, int heun) {
    double h = (to - from) / steps, gain = 0, d, d2;
    for (int i = 0; i < steps; i++) {
        double t = from + i * h, k = F(*x, t, &d);
        double k2 = F(*x + h * k, t + h, &d2);
        if (heun) *x += h * (k + k2) / 2, gain += h * (d + d2) / 2;
        else *x += h * k, gain += h * d;
    }
    return gain;
}
static double logp(double x, int steps, int heun) {
    double gain = walk(&x, start, 1, steps, heun);
    return gain - x * x / 2 - .5 * log(2 * acos(-1));
}
/* The share of all points left of x at t. On a line no point overtakes another,
so the flow keeps it: an answer without a solver. */
static double left(double x, double t) {
    double m = sgm_sde_m(&vp, t), r = sqrt(2 * (1 - .96 * m * m));
    return .5 + .15 * erf((x + m) / r) + .35 * erf((x - m) / r);
}
static double off(int steps, int heun) { /* by how much seven points miss it */
    double sum = 0, x;
    for (double u = -1.5; u < 1.6; u += .5)
        x = u, walk(&x, 1, start, steps, heun),
        sum += fabs(left(x, start) - left(u, 1)) / 7;
    return sum;
}
int main(int argc, char **argv) {
    tut_start("08_flow", argc, argv), vp = sgm_sde_vp(.1, 20);
    const long n = tut_pick(4000, 10000, 100000);
    const double c[] = {-1, 1}, v[] = {.04, .04}, w[] = {.3, .7};
    double x = 1, back, mean = 0, few = 0, apart = 0, Z[2] = {0};
    double *lib = tut_memory((size_t)n * 12);
    float *data = (float *)(lib + n), table[CELLS * 3];
    tut_ask(".65 of the data are left of 1. At T they are like N(0, 1). Where "
        "is the latent of 1?", .387, .03, (tut_guess[]){{1, "shares stay"},
        {.65, "that is the share, not where N(0, 1) has it"}, {0, NULL}});
    walk(&x, start, 1, FINE, 1), back = x, walk(&back, 1, start, FINE, 1);
    tut_check("there and back", back, 1, 1e-3);
    tut_see("share left of the latent", left(x, 1), left(1, start), 2e-4, "x = "
        "1 goes to %.3f: %.4f of all are left of it, as of 1 were %.4f. It "
        "comes back to %.6f.", x, left(x, 1), left(1, start), back);
    double euler = off(100, 0) / off(200, 0), heun = off(100, 1) / off(200, 1);
    tut_check("order of Euler", log2(euler), 1, .05);
    tut_see("order of Heun", log2(heun), 2, .1, "Twice the steps: Euler's "
        "error is %.2f times smaller, Heun's %.2f: like h, h².", euler, heun);
    /* The mean of log p is minus the *entropy*, that of the coin that picks a
    hump and a Gaussian's ½ log 2πe v; the variance of log p is .65. */
    double best = .3 * log(.3) + .7 * log(.7) - .5 * log(2 * acos(-1) * exp(1) *
        (1 - .96 * pow(sgm_sde_m(&vp, start), 2)));
    sgm_mixture mix;
    tut_must(sgm_mixture_init(&mix, 2, 1, w, c, v, SGM_COV_ISOTROPIC, &vp));
    sgm_score s = sgm_mixture_score(&mix);
    tut_must(sgm_mixture_sample(&mix, data, NULL, n, start, tut_key()));
    tut_must(sgm_likelihood(lib, NULL, NULL, data, n, &s, 0, 0, tut_key()));
    for (long i = 0; i < n; i++) {
        double p = logp(data[i], FINE, 1);
        mean += p / n, apart += fabs(p - lib[i]) / n;
        few += logp(data[i], FEW, 0) / n;
    }
    for (int i = 0; i < CELLS; i++) {
        double u = .005 * i - 2.5, p = exp(logp(u, FINE, 1));
        double q = exp(logp(u, FEW, 0)), row[3] = {u, p, q};
        Z[0] += .005 * p, Z[1] += .005 * q;
        for (int k = 0; k < 3; k++) table[3 * i + k] = (float)row[k];
    }
    tut_dat("density.dat", "x; density by Heun; by Euler", table, CELLS, 3);
    tut_check("by hand and by the library", apart, 0, 5e-3);
    tut_check("integral of the density", Z[0], 1, 1e-3);
    tut_see("mean log p", mean, best, 4.5 * sqrt(.65 / n), "200 steps of Heun: "
        "the mean log p is %.3f ± %.3f (nats; over log 2, %.3f bits); in truth "
        "%.3f.", mean, .8 / sqrt(n), mean / log(2), best);
    tut_see("few steps flatter", few > best + .05 && Z[1] > 1.05, 1, 0, "%d of "
        "Euler's: %.3f, better than the truth! But this p has integral %.3f; "
        "that of Heun has %.4f.", FEW, few, Z[1], Z[0]);
    tut_exercise(1, "order of Heun", 1.23, .05);
    tut_exercise(2, "few steps flatter", 0, 0);
    return sgm_mixture_free(&mix), free(lib), tut_done();
}
/*
Change one line. (`make try08.1` makes change 1 in a copy.)

(1) Heun with the old t at the end of a step. It works; its order tells.

    - F(*x + h * k, t + h, &d2)
    + F(*x + h * k, t, &d2)

(2) Euler's step stretches by 1 + h d. e^(h d) is more: it flatters.

    - gain += h * d;
    + gain += log(fabs(1 + h * d));

Go on: §7.1, §7.2, §7.4, proofs 17 and 18. By yourself: g² in place of ½g².
*/
