/*
Chapter 6, Langevin dynamics. On a Gaussian the unadjusted walk is a linear recursion, so its rest
is known to the last digit; the adjusted walk is held against a second one that is written down
here from (6.5), bit for bit; the annealed walk against its own law, carried along on a grid.

Statistical checks have fixed keys; a tolerance of CHECK_SIGMAS standard errors is a false alarm
of one in 1.7 million keys, CHECK_RATE the same for p-values.

    cc -O2 -o test_6_langevin test_6_langevin.c -lcmocka -lm
*/

#include <stddef.h>
#include <stdlib.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "families.h"

static sgm_langevin_options walk_of(double step, long steps, int metropolis) {
    sgm_langevin_options o;
    memset(&o, 0, sizeof o);
    o.step = step, o.steps = steps, o.metropolis = metropolis;
    return o;
}

/* N(0, diag(var)) seen at the time T_AT of an EDM process, where s² = 1/16 is exact. */

#define T_AT 0.25

static sgm_score gaussian(sgm_mixture *mix, int d, const double *var) {
    sgm_sde sde = sgm_sde_edm(0.002, 80);
    double mean[64], left[64];
    for (int j = 0; j < d; j++) mean[j] = 0, left[j] = var[j] - T_AT * T_AT;
    CHECK_OK(sgm_mixture_init(mix, 1, d, NULL, mean, left, SGM_COV_DIAGONAL, &sde));
    return sgm_mixture_score(mix);
}

static double normal_cdf(double x, void *user) {
    return 0.5 * erfc(-x / *(const double *)user / sqrt(2.0));
}

/*
A score whose values the tests choose: what it is asked it writes down. `slope` 0 is a constant
push; log p is what the test says.
*/

typedef struct spy {
    int calls, logp_calls, fail_at, logp_fail_at;
    double push, slope;
    float t[4096];
} spy;

static sgm_status spy_eval(const sgm_score *self, float *s, const float *x, const float *t,
                           long n) {
    spy *w = (spy *)(size_t)self->ctx;
    for (long i = 0; i < n; i++) assert_true(t[i] == t[0]);
    if (w->calls < 4096) w->t[w->calls] = t[0];
    if (w->calls++ == w->fail_at) return sgm__fail(SGM_MISMATCH, "the spy fails");
    for (long i = 0; i < n * self->d; i++)
        s[i] = i % self->d ? 0.0f : (float)(w->push + w->slope * x[i]);
    return SGM_OK;
}

static sgm_status spy_logp(const sgm_score *self, double *logp, const float *x, const float *t,
                           long n) {
    spy *w = (spy *)(size_t)self->ctx;
    for (long i = 0; i < n; i++) assert_true(t[i] == t[0]), logp[i] = -fabs(x[i * self->d]);
    if (w->logp_calls++ == w->logp_fail_at) return sgm__fail(SGM_MISMATCH, "the spy fails");
    return SGM_OK;
}

static sgm_score spy_score(spy *w, int d) {
    sgm_score score;
    memset(&score, 0, sizeof score), memset(w, 0, sizeof *w);
    w->fail_at = w->logp_fail_at = -1;
    score.d = d, score.ctx = w, score.eval = spy_eval, score.logp = spy_logp;
    return score;
}

/* The noise of step k (from 0) of a walk, and its coins. */

static void noise_of(float *z, long size, sgm_key key, long k) {
    sgm_normal(z, (size_t)size, sgm_key_split(sgm_key_split(key, (uint64_t)k), 0), 0);
}

static double coin_of(sgm_key key, long k, long i) {
    return sgm__uniform53(sgm_key_split(sgm_key_split(key, (uint64_t)k), 1), (uint64_t)i);
}

/*
## (6.3) The step

x + γs + √(2γ)z in double, rounded once to float: half of FLT_EPSILON of the result is all the
freedom. The score is asked once per step, at the time given.
*/

static void test_ula_step(void **state) {
    enum { N = 7, D = 3 };
    spy w;
    sgm_score score = spy_score(&w, D);
    sgm_key key = sgm_key_init(11);
    float x[N * D], before[N * D], z[N * D];
    double steps[3] = {1e-4, 0.3, 2.5};
    (void)state;
    w.push = 1.7, w.slope = -0.4;
    for (int g = 0; g < 3; g++) {
        sgm_langevin walk;
        sgm_langevin_options o = walk_of(steps[g], 4, 0);
        o.t = 0.3, w.calls = 0;
        CHECK_OK(sgm_langevin_init(&walk, &score, N, &o, key));
        sgm_normal(x, N * D, key, 0);
        for (long k = 0; k < 4; k++) {
            memcpy(before, x, sizeof x);
            CHECK_OK(sgm_langevin_step(&walk, x));
            noise_of(z, N * D, key, k);
            for (int i = 0; i < N * D; i++) {
                double push = i % D ? 0 : (float)(1.7 - 0.4 * before[i]);
                double truth = before[i] + steps[g] * push + sqrt(2 * steps[g]) * z[i];
                CHECK_REL(x[i], truth, 0.5 * FLT_EPSILON);
            }
        }
        assert_int_equal(w.calls, 4), assert_int_equal(walk.step, 4);
        assert_int_equal(w.logp_calls, 0);
        for (int k = 0; k < 4; k++) CHECK_CLOSE(w.t[k], 0.3f, 0);
        CHECK_CLOSE(walk.acceptance, 1, 0), CHECK_CLOSE(walk.step_size, steps[g], 0);
        sgm_langevin_free(&walk);
    }
}

/*
## (6.4) Where the unadjusted walk rests

On N(0, σ²) a step is x ← a x + b z. Read a and b off the library: two walkers under the same key
differ by a(x − y), and one that starts at 0 moves by b z. So b²/(1 − a²) is its resting variance,
without a random number. Roundings: a and b to 2 ulp, so 1 − a² to 4 ulp, as a share of 1 − a².
*/

static double rest_of(const sgm_score *score, double step, double *b) {
    sgm_langevin_options o = walk_of(step, 1, 0);
    float x = 1, y = 0, z;
    sgm_key key = sgm_key_init(5);
    o.t = T_AT;
    noise_of(&z, 1, key, 0);
    CHECK_OK(sgm_langevin_run(&x, 1, score, &o, NULL, key));
    CHECK_OK(sgm_langevin_run(&y, 1, score, &o, NULL, key));
    *b = (double)y / z;
    return (double)x - y;
}

static void test_rest_exactly(void **state) {
    double sigma2[3] = {0.25, 1, 2.25}, share[6] = {1e-3, 0.01, 0.1, 0.5, 1, 1.9}, bias[6];
    (void)state;
    for (int i = 0; i < 3; i++) {
        sgm_mixture mix;
        sgm_score score = gaussian(&mix, 1, &sigma2[i]);
        for (int g = 0; g < 6; g++) {
            double step = share[g] * sigma2[i], b, a = rest_of(&score, step, &b);
            double ulp = FLT_EPSILON * (2 + sqrt(2 * step)); /* x' is as large as 1 + b|z| */
            double tol = 4 * ulp / (1 - a * a) + 4 * FLT_EPSILON;
            CHECK_CLOSE(a, 1 - share[g], ulp);
            CHECK_REL(b * b, 2 * step, 2 * FLT_EPSILON);
            double V = b * b / (1 - a * a), truth = sigma2[i] / (1 - step / (2 * sigma2[i]));
            CHECK_REL(V, truth, tol);
            double v = 0; /* and the recursion gets there: after k steps (1 - a^2k)V, here k = 64 */
            for (int k = 0; k < 64; k++) v = a * a * v + b * b;
            CHECK_REL(v, truth * (1 - pow(1 - share[g], 128)), tol * 64);
            bias[g] = V / sigma2[i] - 1;
            /* linear in γ: u = γ/2σ² up to u²/(1-u) */
            double u = 0.5 * share[g];
            CHECK_CLOSE(bias[g], u, u * u / (1 - u) + tol * (1 + bias[g]));
        }
        sgm_mixture_free(&mix);
    }
}

/* Mean of x² over the steps, for each walker and coordinate. */

enum { CROWD = 1000, MOST = CROWD * 3 };

typedef struct squares {
    int d;
    long calls;
    double sum[MOST], sum_x[MOST];
} squares;

static void add_squares(long step, const float *x, long n, void *user) {
    squares *q = (squares *)user;
    assert_int_equal(step, q->calls + 1);
    for (long i = 0; i < n * q->d; i++) q->sum[i] += (double)x[i] * x[i], q->sum_x[i] += x[i];
    q->calls = step;
}

/*
The same in the crowd, in three dimensions. The walkers start at p; the excess V − σ² comes as
1 − a^(2k), so the warm-up ends when a^(2k) < 10⁻⁴, a tenth of the standard error. Along a walk x²
has the correlations a^(2k), τ = (1 + a²)/(1 − a²) by (6.10), and the variance 2V²; x has
(1 + a)/(1 − a) and V. MALA's walkers are judged by their own scatter, each an independent mean.
*/

static double mean_of(const double *sum, int j, long steps, double *se) {
    double each[CROWD];
    for (int i = 0; i < CROWD; i++) each[i] = sum[3 * i + j] / (double)steps;
    return check_mean(each, CROWD, se);
}

static void test_rest_of_a_crowd(void **state) {
    enum { STEPS = 600 };
    static float x[MOST];
    static squares q;
    double var[3] = {1, 0.25, 2.25}, steps[3] = {0.05, 0.2, 0.45};
    sgm_mixture mix;
    sgm_score score = gaussian(&mix, 3, var);
    (void)state;
    for (int g = 0; g < 6; g++) {
        sgm_langevin_options o = walk_of(steps[g % 3], STEPS, g / 3);
        sgm_langevin report;
        double slowest = 1 - steps[g % 3] / 2.25;
        o.t = T_AT, o.on_step = add_squares, o.user = &q;
        o.warmup = (long)ceil(log(1e-4) / log(slowest * slowest));
        memset(&q, 0, sizeof q), q.d = 3;
        CHECK_OK(sgm_mixture_sample(&mix, x, NULL, CROWD, T_AT, sgm_key_init(20)));
        CHECK_OK(sgm_langevin_run(x, CROWD, &score, &o, &report, sgm_key_init(21 + (uint64_t)g)));
        assert_int_equal(q.calls, STEPS);
        for (int j = 0; j < 3; j++) {
            double a = 1 - steps[g % 3] / var[j], V = var[j] / (1 - steps[g % 3] / (2 * var[j]));
            double se, got = mean_of(q.sum, j, STEPS, &se), se_mean;
            double mean = mean_of(q.sum_x, j, STEPS, &se_mean), all = (double)CROWD * STEPS;
            if (!o.metropolis) {
                double tau = (1 + a * a) / (1 - a * a);
                CHECK_CLOSE(got, V, CHECK_SIGMAS * V * sqrt(2 * tau / all) + 1e-4 * (V - var[j]));
                CHECK_CLOSE(mean, 0, CHECK_SIGMAS * sqrt(V * (1 + a) / (1 - a) / all));
                if (g == 2) assert_true(got - var[j] > CHECK_SIGMAS * se); /* the bias is seen */
            } else {
                CHECK_CLOSE(got, var[j], CHECK_SIGMAS * se); /* MALA has none */
                CHECK_CLOSE(mean, 0, CHECK_SIGMAS * se_mean);
                if (g == 5) assert_true(V - var[j] > CHECK_SIGMAS * se); /* and would be seen */
            }
        }
        if (!o.metropolis)
            CHECK_CLOSE(report.acceptance, 1, 0);
        else
            assert_true(report.acceptance > 0.2 && report.acceptance < 1);
    }
    sgm_mixture_free(&mix);
}

/* Beyond γ = 2σ² of the *narrowest* direction |a| > 1: 1.1^k passes 10³⁸ after 919 steps. Just
below it stays, as wide as (6.4) says. MALA at such a step rejects, and stays too. */

static void test_divergence(void **state) {
    double var[2] = {1, 0.1};
    float x[200];
    sgm_mixture mix;
    sgm_score score = gaussian(&mix, 2, var);
    (void)state;
    for (int metropolis = 0; metropolis < 2; metropolis++)
        for (int wide = 0; wide < 2; wide++) {
            sgm_langevin_options o = walk_of(wide ? 0.21 : 0.19, 1200, metropolis);
            sgm_langevin report;
            o.t = T_AT;
            sgm_normal(x, 200, sgm_key_init(3), 0);
            sgm_status status = sgm_langevin_run(x, 100, &score, &o, &report, sgm_key_init(4));
            if (wide && !metropolis) {
                CHECK_FAILS(status, SGM_NOT_FINITE, "step 0.21: take a smaller one");
                CHECK_FAILS(status, SGM_NOT_FINITE, "below twice the least variance");
                CHECK_CLOSE(report.step_size, 0.21, 0);
            } else {
                CHECK_OK(status);
                check_moments m = check_moments_of(x + 1, 100, 2);
                double V = metropolis ? 0.1 : 0.1 / (1 - 0.19 / 0.2);
                CHECK_CLOSE(m.var, V, CHECK_SIGMAS * V * sqrt(2.0 / 100));
            }
        }
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

/*
## (6.5) The adjusted walk

A second MALA, that remembers nothing from step to step and takes no logarithm apart: it must make
the same proposals, accept the same ones and end at the same points, bit for bit. (A coin that
falls within the 10⁻¹⁵ by which two exponentials differ would show; none of these 10⁴ does.)
*/

static double log_q(const float *to, const float *from, const float *s, int d, double step) {
    double square = 0;
    for (int j = 0; j < d; j++) square += pow(to[j] - (from[j] + step * s[j]), 2);
    return -square / (4 * step);
}

static double chance_of(const sgm_score *score, const float *x, const float *y, float t,
                        double step) {
    float sx[4], sy[4];
    double lx, ly;
    CHECK_OK(sgm_score_eval(score, sx, x, &t, 1)), CHECK_OK(sgm_score_eval(score, sy, y, &t, 1));
    CHECK_OK(sgm_score_logp(score, &lx, x, &t, 1)), CHECK_OK(sgm_score_logp(score, &ly, y, &t, 1));
    double forward = lx + log_q(y, x, sx, score->d, step);
    double backward = ly + log_q(x, y, sy, score->d, step);
    return backward > forward ? 1 : exp(backward - forward);
}

static sgm_score lopsided(sgm_mixture *mix) {
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    double weight[2] = {0.3, 0.7}, mean[4] = {-1, 0.5, 1.5, -0.25};
    double cov[8] = {0.5, 0.2, 0.2, 0.3, 1, -0.4, -0.4, 0.7};
    CHECK_OK(sgm_mixture_init(mix, 2, 2, weight, mean, cov, SGM_COV_FULL, &sde));
    return sgm_mixture_score(mix);
}

static void test_mala_step_by_step(void **state) {
    enum { N = 50, STEPS = 60 };
    float x[2 * N], mine[2 * N], z[2 * N], s[2 * N], t[N];
    double steps[3] = {0.05, 0.5, 1.5};
    sgm_mixture mix;
    sgm_score score = lopsided(&mix);
    (void)state;
    for (int i = 0; i < N; i++) t[i] = 0.2f;
    for (int g = 0; g < 3; g++) {
        sgm_langevin walk;
        sgm_langevin_options o = walk_of(steps[g], STEPS, 1);
        sgm_key key = sgm_key_init(40 + (uint64_t)g);
        double all = 0;
        long moved = 0;
        o.t = 0.2;
        CHECK_OK(sgm_langevin_init(&walk, &score, N, &o, key));
        sgm_normal(x, 2 * N, sgm_key_init(39), 0);
        memcpy(mine, x, sizeof x);
        for (long k = 0; k < STEPS; k++) {
            CHECK_OK(sgm_langevin_step(&walk, x));
            CHECK_OK(sgm_score_eval(&score, s, mine, t, N));
            noise_of(z, 2 * N, key, k);
            for (int i = 0; i < N; i++) {
                float y[2];
                for (int j = 2 * i; j < 2 * i + 2; j++)
                    y[j % 2] = (float)(mine[j] + steps[g] * s[j] + sqrt(2 * steps[g]) * z[j]);
                double chance = chance_of(&score, mine + 2 * i, y, 0.2f, steps[g]);
                all += chance;
                if (coin_of(key, k, i) < chance) memcpy(mine + 2 * i, y, sizeof y), moved++;
            }
            assert_memory_equal(x, mine, sizeof x);
        }
        CHECK_CLOSE(walk.acceptance, all / (N * STEPS), 1e-12);
        /* coins: moves are Bernoulli with those chances, variance at most ¼ each */
        CHECK_CLOSE(moved, all, CHECK_SIGMAS * sqrt(0.25 * N * STEPS));
        assert_true(moved > 0 && moved < N * STEPS);
        sgm_langevin_free(&walk);
    }
    sgm_mixture_free(&mix);
}

/*
Detailed balance: p(x) q(y|x) α(x,y) = p(y) q(x|y) α(y,x), for *any* push s, gradient or not. So let
the score be the one that leads from A to B under one key's noise and from B to A under another's:
both chances can then be read off the library, and q is that of the noise, −½|z|².
*/

typedef struct swing {
    float a[2], b[2], at_a[2], at_b[2], last[2];
} swing;

static int near_a(const swing *w, const float *x) {
    double a = 0, b = 0;
    for (int j = 0; j < 2; j++) a += pow(x[j] - w->a[j], 2), b += pow(x[j] - w->b[j], 2);
    return a < b;
}

static sgm_status swing_eval(const sgm_score *self, float *s, const float *x, const float *t,
                             long n) {
    swing *w = (swing *)(size_t)self->ctx;
    (void)t, (void)n;
    memcpy(w->last, x, sizeof w->last);
    memcpy(s, near_a(w, x) ? w->at_a : w->at_b, sizeof w->last);
    return SGM_OK;
}

static sgm_status swing_logp(const sgm_score *self, double *logp, const float *x, const float *t,
                             long n) {
    (void)self, (void)t, (void)n;
    *logp = 17 - 0.25 * pow(x[0], 4) + 0.7 * x[0] * x[1] - x[1] * x[1]; /* 17: no one knows Z */
    return SGM_OK;
}

static double chance_from(const sgm_score *score, const float *start, double step, sgm_key key) {
    sgm_langevin walk;
    sgm_langevin_options o = walk_of(step, 1, 1);
    float x[2];
    memcpy(x, start, sizeof x);
    CHECK_OK(sgm_langevin_init(&walk, score, 1, &o, key));
    CHECK_OK(sgm_langevin_step(&walk, x));
    sgm_langevin_free(&walk);
    return walk.acceptance;
}

static void test_detailed_balance(void **state) {
    int lower = 0;
    (void)state;
    for (uint64_t pair = 0; pair < 40; pair++) {
        swing w;
        sgm_score score;
        sgm_key there = sgm_key_init(100 + pair), back = sgm_key_init(200 + pair);
        float za[2], zb[2];
        double step = 0.05 + 0.03 * (double)pair, shake = sqrt(2 * step), la, lb;
        memset(&score, 0, sizeof score);
        score.d = 2, score.ctx = &w, score.eval = swing_eval, score.logp = swing_logp;
        sgm_normal(w.a, 2, sgm_key_init(300 + pair), 0);
        sgm_normal(w.b, 2, sgm_key_init(400 + pair), 0);
        noise_of(za, 2, there, 0), noise_of(zb, 2, back, 0);
        for (int j = 0; j < 2; j++) {
            w.at_a[j] = (float)((w.b[j] - w.a[j] - shake * za[j]) / step);
            w.at_b[j] = (float)((w.a[j] - w.b[j] - shake * zb[j]) / step);
        }
        double ab =
            chance_from(&score, w.a, step, there); /* the last point asked is the proposal */
        for (int j = 0; j < 2; j++) CHECK_CLOSE(w.last[j], w.b[j], 1e-5);
        double ba = chance_from(&score, w.b, step, back);
        for (int j = 0; j < 2; j++) CHECK_CLOSE(w.last[j], w.a[j], 1e-5);
        swing_logp(&score, &la, w.a, NULL, 1), swing_logp(&score, &lb, w.b, NULL, 1);
        double qa = 0, qb = 0; /* log q(B|A), log q(A|B) */
        for (int j = 0; j < 2; j++) qa -= 0.5 * za[j] * za[j], qb -= 0.5 * zb[j] * zb[j];
        CHECK_CLOSE(sgm__langevin_log_q(w.b, w.a, w.at_a, 2, step), qa, 1e-4);
        /* scores of size 1/γ, points and pushes rounded to 2⁻²⁴: 10⁻⁶ of log q's slope, |z|/√2γ */
        CHECK_CLOSE(la + qa + log(ab), lb + qb + log(ba), 1e-4);
        CHECK_CLOSE(ab > ba ? ab : ba, 1, 1e-6);
        lower += fmin(ab, ba) < 0.5;
    }
    assert_true(lower > 10);
}

/*
E α on N(0,1). With a = 1 − γ, (6.5) collapses to log α = min(0, −γ(y² − x²)/4): a quadrature over x
and z. Since the walk is reversible E α = 2 P(y² < x²), a quadrant of two Gaussians x ± y, so

    E α = 1 − (2/π) arctan (γ/2)^(3/2).

The rule is the trapezoid's with h = 0.02 on [-9, 9]: |y| = |x| is a kink in α, of error h²γ|x|/8
at most. Steps of a walker are not independent: one step's variance over the walkers is all that
is claimed.
*/

static double acceptance_by_quadrature(double step, double *scatter) {
    double sum = 0, square = 0, h = 0.02;
    for (int i = -450; i <= 450; i++)
        for (int k = -450; k <= 450; k++) {
            double x = h * i, z = h * k, y = (1 - step) * x + sqrt(2 * step) * z;
            double p = exp(-0.5 * (x * x + z * z)) / (2 * SGM__PI) * h * h;
            double alpha = fmin(1, exp(-0.25 * step * (y * y - x * x)));
            sum += p * alpha, square += p * alpha * alpha;
        }
    *scatter = sqrt(square - sum * sum);
    return sum;
}

static void test_acceptance(void **state) {
    enum { N = 20000 };
    static float x[N];
    double one = 1, steps[5] = {0.05, 0.2, 0.8, 1.6, 2.5}, scatter;
    sgm_mixture mix;
    sgm_score score = gaussian(&mix, 1, &one);
    (void)state;
    for (int g = 0; g < 5; g++) {
        sgm_langevin_options o = walk_of(steps[g], 8, 1);
        sgm_langevin report;
        double truth = acceptance_by_quadrature(steps[g], &scatter);
        o.t = T_AT;
        CHECK_CLOSE(truth, 1 - 2 / SGM__PI * atan(pow(steps[g] / 2, 1.5)), 1e-4 * steps[g]);
        CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, T_AT, sgm_key_init(50)));
        CHECK_OK(sgm_langevin_run(x, N, &score, &o, &report, sgm_key_init(51)));
        CHECK_CLOSE(report.acceptance, truth, CHECK_SIGMAS * scatter / sqrt((double)N));
    }
    sgm_mixture_free(&mix);
}

/* From p to p, exactly: walkers are independent, so Kolmogorov and Smirnov apply. ULA at the same
step is 20 % too wide in variance at γ = 1/3, and is told apart. */

static void test_exactness(void **state) {
    enum { N = 20000 };
    static float x[N];
    double one = 1, steps[3] = {1.0 / 3, 0.8, 1.6};
    sgm_mixture mix;
    sgm_score score = gaussian(&mix, 1, &one);
    (void)state;
    for (int g = 0; g < 6; g++) {
        sgm_langevin_options o = walk_of(steps[g % 3], 50, g < 3);
        o.t = T_AT;
        CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, T_AT, sgm_key_init(52)));
        CHECK_OK(sgm_langevin_run(x, N, &score, &o, NULL, sgm_key_init(53)));
        double p = stat_ks_p(stat_ks(x, N, normal_cdf, &one), N);
        if (g < 3)
            CHECK_P(p, CHECK_RATE);
        else
            assert_true(p < CHECK_RATE);
    }
    sgm_mixture_free(&mix);
}

/*
An asymmetric mixture, from a start that is nowhere near: all walkers at the lesser mode. After the
warm-up they are independent draws; the first three moments and the law itself are known. The
warm-up is 30 correlation times, and e^(−30) of the start is left: the time is measured.
*/

static double lopsided_cdf(double x, void *user) {
    (void)user;
    return 0.3 * 0.5 * erfc(-(x + 1) / 0.7 / sqrt(2.0)) + 0.7 * 0.5 * erfc(-(x - 1.5) / sqrt(2.0));
}

static float one_walker[3000];

static void follow(long step, const float *x, long n, void *user) {
    (void)n, (void)user;
    one_walker[step - 1] = x[0];
}

static void test_mala_on_a_mixture(void **state) {
    enum { N = 10000 };
    static float x[N];
    double weight[2] = {3, 7}, mean[2] = {-1, 1.5}, cov[2] = {0.49, 1};
    sgm_sde sde = sgm_sde_edm(0.002, 80);
    sgm_mixture mix;
    sgm_langevin_options o = walk_of(0.8, 3000, 1);
    (void)state;
    for (int k = 0; k < 2; k++) cov[k] -= T_AT * T_AT;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, weight, mean, cov, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int i = 0; i < N; i++) x[i] = -1;
    o.t = T_AT, o.on_step = follow;
    CHECK_OK(sgm_langevin_run(x, 1, &score, &o, NULL, sgm_key_init(60)));
    assert_true(sgm_autocorrelation_time(one_walker, 3000) < 10);
    x[0] = -1, o.on_step = NULL, o.warmup = 299, o.steps = 1;
    CHECK_OK(sgm_langevin_run(x, N, &score, &o, NULL, sgm_key_init(61)));
    /* E x = .75, E x² = .3·1.49 + .7·3.25 = 2.722, E x³ = .3·(−1−3·.49) + .7(1.5³+4.5) = 4.7715 */
    double truth[3] = {0.75, 2.722, 4.7715}, se;
    static double power[N];
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < N; i++) power[i] = pow(x[i], k + 1);
        double got = check_mean(power, N, &se);
        CHECK_CLOSE(got, truth[k], CHECK_SIGMAS * se);
    }
    CHECK_P(stat_ks_p(stat_ks(x, N, lopsided_cdf, NULL), N), CHECK_RATE);
    sgm_mixture_free(&mix);
}

/*
## (6.7) The step that is found

A twin whose step we set by hand has the same key, so its chances are those of the walk that
adapts: γ must follow (6.7) to the last rounding, and stand still after the warm-up. Then the
acceptance: α̅ of 400 walkers scatters by less than ½/√400 in a step, so log γ rests with a
variance of .025²/(2c√k) (c = −dα/d log γ, here above .3; k = 900), a standard deviation of .006 and
.006·.6 in α; 5 of these are .02. Its mean over 200 steps adds 5·.025/√200 = .01 at least.
*/

static void test_finding_the_step(void **state) {
    enum { N = 400, D = 10, WARM = 900, AFTER = 200 };
    static float x[N * D], y[N * D];
    double var[D], slope = 0;
    sgm_mixture mix;
    sgm_langevin walk, twin;
    sgm_key key = sgm_key_init(70);
    (void)state;
    for (int j = 0; j < D; j++) var[j] = 0.5 + 0.25 * j;
    sgm_score score = gaussian(&mix, D, var);
    sgm_langevin_options o = walk_of(0, AFTER, 1);
    o.t = T_AT, o.warmup = WARM;
    CHECK_OK(sgm_langevin_init(&walk, &score, N, &o, key));
    o.step = 0.1, o.warmup = 0;
    CHECK_OK(sgm_langevin_init(&twin, &score, N, &o, key));
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, T_AT, sgm_key_init(71)));
    memcpy(y, x, sizeof x);
    assert_true(walk.step_size > 0);
    for (int k = 1; k <= WARM + AFTER; k++) {
        double before = walk.step_size, sum = twin.accepted;
        twin.step_size = before;
        CHECK_OK(sgm_langevin_step(&walk, x));
        CHECK_OK(sgm_langevin_step(&twin, y));
        assert_memory_equal(x, y, sizeof x);
        double alpha = twin.accepted - sum; /* a sum of up to 1100 terms: 10⁻¹³ */
        slope = k <= WARM ? (alpha - 0.574) / sqrt(k) : 0;
        if (k <= WARM)
            CHECK_REL(walk.step_size, before * exp(slope), 1e-12);
        else
            CHECK_CLOSE(walk.step_size, before, 0);
        if (k == WARM) CHECK_CLOSE(walk.counted, 0, 0);
    }
    assert_int_equal(walk.counted, AFTER);
    CHECK_CLOSE(walk.acceptance, 0.574, 0.03);
    sgm_langevin_free(&walk), sgm_langevin_free(&twin);
    /* a step that is given stays, warm-up or not; and its warm-up is not counted */
    sgm_langevin report;
    o = walk_of(0.3, 5, 1), o.warmup = 7, o.t = T_AT;
    CHECK_OK(sgm_langevin_run(x, N, &score, &o, &report, key));
    CHECK_CLOSE(report.step_size, 0.3, 0);
    assert_int_equal(report.counted, 5), assert_int_equal(report.step, 12);
    sgm_mixture_free(&mix);
}

/*
## (6.9) The ladder

The spy pushes the first coordinate and leaves the second alone: second coordinates move by √(2γ)z,
first ones by γ·push more. The start and each step's noise have keys of their own.
*/

static void test_ladder(void **state) {
    enum { N = 3, LEVELS = 5, EACH = 4 };
    const check_family *f = (const check_family *)*state;
    spy w;
    sgm_score score = spy_score(&w, 2);
    score.sde = f->sde;
    double levels[LEVELS], last = 0.013, s_last = 0;
    float x[2 * N], y[2 * N], z[2 * N];
    sgm_key key = sgm_key_init(80);
    sgm_anneal_options o;
    memset(&o, 0, sizeof o), w.push = 1.3;
    for (int i = 0; i < LEVELS; i++) levels[i] = f->end * (0.9 - 0.2 * i);
    o.levels = levels, o.n_levels = LEVELS, o.steps_per_level = EACH, o.last_step = last;
    CHECK_OK(sgm_anneal(x, N, &score, &o, key));
    assert_int_equal(w.calls, LEVELS * EACH);
    s_last = sgm_sde_s(&f->sde, levels[LEVELS - 1]);
    sgm_normal(y, 2 * N, sgm_key_split(key, 0), 0);
    for (int i = 0; i < 2 * N; i++) y[i] = (float)(sgm_sde_s(&f->sde, levels[0]) * y[i]);
    double least = DBL_MAX, size = 0;
    for (int k = 0; k < LEVELS * EACH; k++) {
        double level = levels[k / EACH], ratio = sgm_sde_s(&f->sde, level) / s_last;
        double gamma = last * ratio * ratio;
        CHECK_CLOSE(w.t[k], (float)level, 0);
        sgm_normal(z, 2 * N, sgm_key_split(key, (uint64_t)k + 1), 0);
        for (int i = 0; i < 2 * N; i++) {
            y[i] = (float)(y[i] + gamma * (i % 2 ? 0.0f : 1.3f) + sqrt(2 * gamma) * z[i]);
            if (fabs(y[i]) > size) size = fabs(y[i]);
        }
        assert_true(gamma <= least), least = gamma;
    }
    CHECK_REL(least, last, 1e-15);
    /* one rounding of x per step, each at most half an ulp of the largest point */
    for (int i = 0; i < 2 * N; i++) CHECK_CLOSE(x[i], y[i], LEVELS * EACH * FLT_EPSILON * size);
}

/*
Two modes at ±6, of std 1 and weights .2 and .8: at one level the walkers of each mode stay; down a
ladder their shares come right. The annealed walk's own law, on a grid of 0.2: each step sends a
cell's mass to Gaussians of std √(2γ) ≥ 0.22 around x + γs, and sums of such converge like
e^(−2π²(std/h)²) = e^(−24). So the weight of *this* ladder is known, 0.211, and what it lacks is the
lag of a walk that has 100 steps per level.
*/

enum { CELLS = 701 };

static void carry(double *p, const sgm_score *score, double level, double gamma, int steps) {
    static double kernel[CELLS][CELLS], next[CELLS];
    static int from[CELLS], to[CELLS];
    static float x[CELLS], s[CELLS], t[CELLS];
    for (int i = 0; i < CELLS; i++) x[i] = 0.2f * (float)(i - CELLS / 2), t[i] = (float)level;
    CHECK_OK(sgm_score_eval(score, s, x, t, CELLS));
    for (int i = 0; i < CELLS; i++) {
        double centre = x[i] + gamma * s[i], reach = 6 * sqrt(2 * gamma), sum = 0;
        from[i] = CELLS, to[i] = -1;
        for (int j = 0; j < CELLS; j++) {
            if (fabs(x[j] - centre) > reach) continue;
            kernel[i][j] = exp(-pow(x[j] - centre, 2) / (4 * gamma)), sum += kernel[i][j];
            if (j < from[i]) from[i] = j;
            to[i] = j;
        }
        for (int j = from[i]; j <= to[i]; j++) kernel[i][j] /= sum;
    }
    for (int k = 0; k < steps; k++) {
        memset(next, 0, sizeof next);
        for (int i = 0; i < CELLS; i++)
            for (int j = from[i]; j <= to[i]; j++) next[j] += p[i] * kernel[i][j];
        memcpy(p, next, sizeof next);
    }
}

static double two_modes(sgm_mixture *mix, sgm_score *score, double weight) {
    double weights[2] = {0.2, 0.8}, mean[2] = {-6, 6}, cov[2] = {1, 1};
    sgm_sde sde = sgm_sde_edm(0.002, 80);
    weights[0] = weight, weights[1] = 1 - weight;
    CHECK_OK(sgm_mixture_init(mix, 2, 1, weights, mean, cov, SGM_COV_ISOTROPIC, &sde));
    *score = sgm_mixture_score(mix);
    return weight;
}

static void test_trapped_and_annealed(void **state) {
    enum { N = 6000, LEVELS = 10, EACH = 100 };
    static float x[N];
    static double p[CELLS];
    double levels[LEVELS], share[2], sum = 0, right = 0, square = 0;
    float centres[2] = {-6, 6};
    sgm_mixture mix;
    sgm_score score;
    sgm_anneal_options a;
    sgm_langevin_options o = walk_of(0.1, 500, 0);
    (void)state;
    memset(&a, 0, sizeof a);
    two_modes(&mix, &score, 0.2);
    /* One level: a path over the barrier of 18 nats has the rate 2·10⁻⁸ per unit of time. */
    sgm_normal(x, N, sgm_key_init(90), 0);
    for (int i = 0; i < N; i++) x[i] += i % 2 ? 6 : -6;
    o.t = 0.05;
    CHECK_OK(sgm_langevin_run(x, N, &score, &o, NULL, sgm_key_init(91)));
    sgm_mode_weights(share, x, N, 1, centres, 2);
    CHECK_CLOSE(share[0], 0.5, 1e-12); /* N times 1/N, added */
    for (int i = 0; i < LEVELS; i++) levels[i] = 10 * pow(0.05, i / (LEVELS - 1.0));
    a.levels = levels, a.n_levels = LEVELS, a.steps_per_level = EACH, a.last_step = 0.1 * 0.25;
    for (int i = 0; i < CELLS; i++) sum += p[i] = exp(-pow(0.2 * (i - CELLS / 2), 2) / 200);
    for (int i = 0; i < CELLS; i++) p[i] /= sum;
    for (int i = 0; i < LEVELS; i++) carry(p, &score, levels[i], 0.1 * levels[i] * levels[i], EACH);
    for (int i = CELLS / 2; i < CELLS; i++) {
        double weight = i == CELLS / 2 ? 0.5 : 1, at = 0.2 * (i - CELLS / 2);
        right += weight * p[i], square += weight * p[i] * (at - 6) * (at - 6);
    }
    CHECK_CLOSE(1 - right, 0.2, 0.02); /* the lag of this ladder */
    CHECK_OK(sgm_anneal(x, N, &score, &a, sgm_key_init(92)));
    sgm_mode_weights(share, x, N, 1, centres, 2);
    CHECK_CLOSE(share[0], 1 - right, CHECK_SIGMAS * sqrt(0.16 / N));
    CHECK_CLOSE(share[0] + share[1], 1, 1e-12);
    double var = 0, most = 0;
    for (int i = 0; i < N; i++)
        if (x[i] > 0) var += (x[i] - 6.0) * (x[i] - 6.0), most++;
    CHECK_CLOSE(var / most, square / right, CHECK_SIGMAS * square / right * sqrt(2 / most));
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

/* (5.7): the end with denoising is E[x0|x] of the end without. One more evaluation. */

static void test_denoised_end(void **state) {
    enum { N = 40 };
    float x[N], y[N], s[N], t[N];
    double levels[3] = {0.9, 0.4, 0.1};
    sgm_sde sdes[2];
    (void)state;
    sdes[0] = sgm_sde_edm(0.002, 80), sdes[1] = sgm_sde_vp(0.1, 20);
    for (int k = 0; k < 2; k++) {
        double mu = 1.2, c0 = 0.3;
        sgm_mixture mix;
        sgm_anneal_options o;
        memset(&o, 0, sizeof o);
        CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &mu, &c0, SGM_COV_ISOTROPIC, &sdes[k]));
        sgm_score score = sgm_mixture_score(&mix);
        o.levels = levels, o.n_levels = 3, o.steps_per_level = 5, o.last_step = 0.001;
        CHECK_OK(sgm_anneal(x, N, &score, &o, sgm_key_init(95)));
        o.denoise = 1;
        CHECK_OK(sgm_anneal(y, N, &score, &o, sgm_key_init(95)));
        for (int i = 0; i < N; i++) t[i] = 0.1f;
        CHECK_OK(sgm_score_eval(&score, s, x, t, N));
        double m = sgm_sde_m(&sdes[k], 0.1), v = pow(sgm_sde_s(&sdes[k], 0.1), 2);
        for (int i = 0; i < N; i++) {
            double best = mu + m * c0 / (m * m * c0 + v) * (x[i] - m * mu); /* regression */
            /* float scores, and the score's time as a float: m and s² move by dlog/dt·10⁻⁹ */
            CHECK_CLOSE(y[i], best, 4 * FLT_EPSILON * (fabs(x[i]) + v * fabs(s[i]) + fabs(best)));
            CHECK_CLOSE(y[i], (x[i] + v * s[i]) / m, 2 * FLT_EPSILON * (fabs(x[i]) + fabs(y[i])));
        }
        sgm_mixture_free(&mix);
    }
}

/*
## (6.10) How good is a walk?

An AR(1) series has ρ_k = ρ^k and τ = (1 + ρ)/(1 − ρ). Sokal (1997): a window of W = 5τ gives τ with
the relative variance 2(2W + 1)/n, and cuts off ρ^W, e^(−10) of the sum.
*/

enum { SERIES = 400000 };
static float series[SERIES];

static double tau_by_hand(const float *x, int n) {
    double mean = 0, c[200], tau = 1;
    for (int i = 0; i < n; i++) mean += x[i];
    mean /= n;
    for (int k = 0; k < n; k++) {
        c[k] = 0;
        for (int i = k; i < n; i++) c[k] += (x[i] - mean) * (x[i - k] - mean);
    }
    for (int window = 1; window < n; window++) { /* the first that is five times its own τ */
        if (window >= 5 * tau) break;
        tau += 2 * c[window] / c[0];
    }
    return tau < 1 ? 1 : tau;
}

static void test_autocorrelation(void **state) {
    double rho[4] = {0, 0.5, 0.8, 0.9};
    (void)state;
    for (int r = 0; r < 4; r++) {
        double x = 0, tau = (1 + rho[r]) / (1 - rho[r]), rest = sqrt(1 - rho[r] * rho[r]);
        sgm_normal(series, SERIES, sgm_key_init(96 + (uint64_t)r), 0);
        for (int i = 0; i < SERIES; i++)
            x = i ? rho[r] * x + rest * series[i] : series[0], series[i] = (float)(3 + 2 * x);
        double got = sgm_autocorrelation_time(series, SERIES);
        CHECK_REL(got, tau, CHECK_SIGMAS * sqrt(2 * (10 * tau + 1) / SERIES));
        assert_true(got >= 1);
    }
    for (int n = 2; n <= 200; n += 66) { /* sums of n terms of size 1, in another order */
        sgm_normal(series, 200, sgm_key_init((uint64_t)n), 0);
        for (int i = 1; i < n; i++) series[i] += 0.9f * series[i - 1];
        CHECK_REL(sgm_autocorrelation_time(series, n), tau_by_hand(series, n), 1e-11);
    }
    for (int i = 0; i < 1000; i++) series[i] = i % 2 ? 1.0f : -1.0f;
    CHECK_CLOSE(sgm_autocorrelation_time(series, 1000), 1, 0); /* never less than one value each */
    for (int k = 0; k < 2; k++) { /* one value in all: also where the mean rounds; 1000 roundings */
        for (int i = 0; i < 1000; i++) series[i] = k ? 0.1f : 0.125f;
        CHECK_REL(sgm_autocorrelation_time(series, 1000), 1000, 1000 * DBL_EPSILON);
    }
    /* four numbers by hand: deviations -3 -1 1 3 of variance 20, lags 1, 2, 3: 5, -6, -9; the sum
       stops before lag 5τ: τ = 1 + 10/20 - 12/20 - 18/20 < 1 */
    for (int i = 0; i < 4; i++) series[i] = (float)(2 * i);
    CHECK_CLOSE(sgm_autocorrelation_time(series, 4), 1, 0);
    assert_true(isnan(sgm_autocorrelation_time(series, 1)));
    assert_true(isnan(sgm_autocorrelation_time(series, 0)));
    series[2] = (float)NAN;
    assert_true(isnan(sgm_autocorrelation_time(series, 4)));
}

/* n/τ: of x ← φ x + noise, τ = (1 + φ)/(1 - φ); here φ = ½. Its variance by Sokal's window W = 5 τ:
τ² (4 W + 2)/n. */

static void test_effective_size(void **state) {
    enum { N = 40000 };
    static float chain[N], z[N];
    (void)state;
    sgm_normal(z, N, sgm_key_init(21), 0);
    chain[0] = z[0] / sqrtf(0.75f);
    for (int i = 1; i < N; i++) chain[i] = 0.5f * chain[i - 1] + z[i];
    double tau = 3, truth = N / tau, relative = sqrt((4 * 5 * tau + 2) / N);
    CHECK_CLOSE(sgm_effective_size(chain, N), truth, CHECK_SIGMAS * relative * truth);
    for (int i = 0; i < N; i++) chain[i] = 0.1f; /* known before all n² products are summed */
    CHECK_CLOSE(sgm_effective_size(chain, N), 1, 0);
    assert_true(isnan(sgm_effective_size(chain, 1)));
}

/* Where the noise ends, a point mass has no score and no density: the walk says so, and how. */

static void test_no_score_there(void **state) {
    float data[2] = {-1, 1}, x[2] = {0.3f, -0.2f};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    (void)state;
    CHECK_OK(sgm_mixture_from_data(&mix, data, 2, 1, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int metropolis = 0; metropolis < 2; metropolis++) {
        sgm_langevin_options o = walk_of(1e-3, 50, metropolis);
        CHECK_FAILS(sgm_langevin_run(x, 2, &score, &o, NULL, sgm_key_init(1)), SGM_NOT_FINITE,
                    "set t above 0");
        CHECK_CLOSE(x[0], 0.3f, 0);
        o.t = 0.5;
        CHECK_OK(sgm_langevin_run(x, 2, &score, &o, NULL, sgm_key_init(1)));
        x[0] = 0.3f;
    }
    sgm_mixture_free(&mix);
}

/* Points that you move between the steps of MALA go on from where you put them: as a walk that
starts there would, with the same key's second step. */

static void test_moved_points(void **state) {
    double var[1] = {1};
    sgm_mixture mix;
    sgm_score score = gaussian(&mix, 1, var);
    sgm_langevin_options o = walk_of(0.5, 3, 1);
    sgm_langevin moved, there;
    (void)state;
    o.t = T_AT;
    for (int n = 1; n <= 2; n++) {
        float x[2] = {0, 0.1f}, y[2] = {6, 0};
        CHECK_OK(sgm_langevin_init(&moved, &score, n, &o, sgm_key_init(3)));
        CHECK_OK(sgm_langevin_init(&there, &score, n, &o, sgm_key_init(3)));
        assert_true(isnan(moved.acceptance));
        CHECK_OK(sgm_langevin_step(&moved, x));
        x[0] = 6, y[1] = x[1];
        float was = y[0];
        there.step = 1; /* its noise is the second step's; what it knows of x is nothing */
        CHECK_OK(sgm_langevin_step(&moved, x)), CHECK_OK(sgm_langevin_step(&there, y));
        assert_memory_equal(x, y, (size_t)n * sizeof *x);
        assert_true(x[0] != was); /* 6 σ away, with a score of -6, it moves at once */
        sgm_langevin_free(&moved), sgm_langevin_free(&there);
    }
    sgm_mixture_free(&mix);
}

/* By signal to noise there is nothing to look for in a warm-up: γ is (6.8)'s, step by step. */

static void test_snr_warmup(void **state) {
    enum { N = 100 };
    double var[1] = {1};
    float x[2][N];
    sgm_mixture mix;
    sgm_langevin report[2];
    sgm_score score = gaussian(&mix, 1, var);
    (void)state;
    for (int k = 0; k < 2; k++) {
        sgm_langevin_options o = walk_of(0, k ? 0 : 1, 0);
        o.warmup = k, o.snr = 0.16, o.t = T_AT;
        sgm_normal(x[k], N, sgm_key_init(5), 0);
        CHECK_OK(sgm_langevin_run(x[k], N, &score, &o, &report[k], sgm_key_init(6)));
    }
    CHECK_CLOSE(report[0].step_size, report[1].step_size, 0);
    assert_memory_equal(x[0], x[1], sizeof x[0]);
    sgm_mixture_free(&mix);
}

static void test_mode_weights(void **state) {
    float x[12] = {0, 0, 1.9f, 0, 2.1f, 0, 4, 1, 4, 9, -3, 0}, centres[6] = {0, 0, 4, 0, 4, 8};
    double weight[4] = {7, 7, 7, 7};
    (void)state;
    sgm_mode_weights(weight, x, 6, 2, centres, 3);
    CHECK_CLOSE(weight[0], 3.0 / 6, 1e-15), CHECK_CLOSE(weight[1], 2.0 / 6, 1e-15);
    CHECK_CLOSE(weight[2], 1.0 / 6, 1e-15), CHECK_CLOSE(weight[3], 7, 0);
    x[0] = (float)NAN; /* is near none */
    sgm_mode_weights(weight, x, 6, 2, centres, 3);
    CHECK_CLOSE(weight[0], 2.0 / 6, 1e-15), CHECK_CLOSE(weight[1], 2.0 / 6, 1e-15);
    sgm_mode_weights(weight, x, 0, 2, centres, 3);
    for (int k = 0; k < 3; k++) assert_true(isnan(weight[k]));
    weight[0] = 7, sgm_mode_weights(weight, x, 6, 2, centres, 0);
    CHECK_CLOSE(weight[0], 7, 0);
}

/*
## Same bits
*/

static void test_whole_is_steps(void **state) {
    enum { N = 30 };
    float x[2 * N], y[2 * N], other[2 * N];
    sgm_mixture mix;
    sgm_score score = lopsided(&mix);
    (void)state;
    for (int metropolis = 0; metropolis < 2; metropolis++) {
        sgm_langevin_options o = walk_of(metropolis ? 0 : 0.2, 9, metropolis);
        sgm_langevin walk, report;
        static squares q;
        memset(&q, 0, sizeof q), q.d = 2;
        o.warmup = 6, o.t = 0.1, o.on_step = add_squares, o.user = &q;
        sgm_normal(x, 2 * N, sgm_key_init(1), 0);
        memcpy(y, x, sizeof x), memcpy(other, x, sizeof x);
        CHECK_OK(sgm_langevin_run(x, N, &score, &o, &report, sgm_key_init(2)));
        assert_int_equal(q.calls, 9);
        CHECK_OK(sgm_langevin_init(&walk, &score, N, &o, sgm_key_init(2)));
        for (int k = 0; k < 15; k++) CHECK_OK(sgm_langevin_step(&walk, y));
        assert_memory_equal(x, y, sizeof x);
        CHECK_CLOSE(walk.acceptance, report.acceptance, 0);
        CHECK_CLOSE(walk.step_size, report.step_size, 0);
        sgm_langevin_free(&walk);
        sgm_langevin_free(&walk);                 /* twice is harmless */
        o.on_step = NULL, o.progress = "a label"; /* no terminal: silent, and the same walk */
        CHECK_OK(sgm_langevin_run(other, N, &score, &o, NULL, sgm_key_init(3)));
        assert_memory_not_equal(x, other, sizeof x);
    }
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

static void test_blocks(void **state) {
    enum { N = 30, CUT = 11 };
    float whole[2 * N], x[2 * N];
    double levels[2] = {0.5, 0.1};
    sgm_mixture mix;
    sgm_score score = lopsided(&mix);
    sgm_anneal_options a;
    (void)state;
    memset(&a, 0, sizeof a);
    a.levels = levels, a.n_levels = 2, a.steps_per_level = 3, a.last_step = 0.01;
    for (int kind = 0; kind < 3; kind++) { /* ULA, MALA, a ladder */
        sgm_langevin_options o = walk_of(0.2, 9, kind == 1);
        o.t = 0.1;
        for (int block = -1; block < 2; block++) {
            float *to = block < 0 ? whole : x + 2 * CUT * block;
            long n = block < 0 ? N : block ? N - CUT : CUT;
            score.first = block > 0 ? CUT : 0, score.of = N;
            sgm_normal(to, (size_t)(2 * n), sgm_key_init(1), (uint64_t)(2 * score.first));
            CHECK_OK(kind < 2 ? sgm_langevin_run(to, n, &score, &o, NULL, sgm_key_init(4))
                              : sgm_anneal(to, n, &score, &a, sgm_key_init(4)));
        }
        assert_memory_equal(x, whole, sizeof x);
    }
    sgm_mixture_free(&mix);
}

static void test_threads(void **state) {
    enum { N = 5000 };
    static float x[3][2 * N], y[2 * N];
    double levels[2] = {0.5, 0.1};
    (void)state;
    for (int threads = 1; threads <= 5; threads += 2) {
        sgm_mixture mix;
#ifdef _OPENMP
        omp_set_num_threads(threads);
#endif
        sgm_score score = lopsided(&mix);
        for (int kind = 0; kind < 3; kind++) {
            sgm_langevin_options o = walk_of(0.2, 6, kind);
            sgm_anneal_options a;
            memset(&a, 0, sizeof a);
            a.levels = levels, a.n_levels = 2, a.steps_per_level = 3, a.last_step = 0.01;
            o.t = 0.1;
            sgm_normal(y, 2 * N, sgm_key_init(1), 0);
            if (kind < 2)
                CHECK_OK(sgm_langevin_run(y, N, &score, &o, NULL, sgm_key_init(4)));
            else
                CHECK_OK(sgm_anneal(y, N, &score, &a, sgm_key_init(4)));
            if (threads == 1) memcpy(x[kind], y, sizeof y);
            assert_memory_equal(x[kind], y, sizeof y);
        }
        sgm_mixture_free(&mix);
    }
}

/*
## What goes wrong, and is said
*/

static void test_bad_walks(void **state) {
    spy w;
    float x[4] = {0, 0, 0, 0};
    sgm_score score = spy_score(&w, 2), empty, blind = score;
    sgm_langevin_options o = walk_of(0.1, 3, 0), bad;
    sgm_key key = sgm_key_init(0);
    double wrong[3] = {-0.1, NAN, INFINITY};
    (void)state;
    memset(&empty, 0, sizeof empty), blind.logp = NULL;
    CHECK_FAILS(sgm_langevin_run(x, 0, &score, &o, NULL, key), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, NULL, NULL, key), SGM_BAD_ARGUMENT, "set step");
    sgm_score noised = score; /* one that knows a process has a T above which it knows nothing */
    noised.sde = sgm_sde_vp(0.1, 20);
    CHECK_FAILS(sgm_anneal(x, 2, &noised, NULL, key), SGM_BAD_ARGUMENT, "needs options");
    o.t = NAN;
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &o, NULL, key), SGM_BAD_ARGUMENT, "0 <= t");
    o.t = 1.5;
    CHECK_FAILS(sgm_langevin_run(x, 2, &noised, &o, NULL, key), SGM_BAD_ARGUMENT, "t <= T = 1");
    CHECK_OK(sgm_langevin_run(x, 2, &score, &o, NULL, key));
    o.t = 0.5, x[0] = NAN;
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &o, NULL, key), SGM_NOT_FINITE, "starts at");
    x[0] = 0;
    CHECK_FAILS(sgm_langevin_run(x, -5, &score, &o, NULL, key), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(sgm_langevin_run(x, 2, NULL, &o, NULL, key), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_langevin_run(x, 2, &empty, &o, NULL, key), SGM_BAD_ARGUMENT, "make it with");
    for (int i = 0; i < 3; i++) {
        bad = o, bad.step = wrong[i];
        CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT,
                    "needs a positive one");
    }
    bad = o, bad.step = 0;
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "set step");
    bad.warmup = 5; /* ULA has no acceptance to go by */
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "set step");
    bad.metropolis = 1, bad.warmup = 0;
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "warmup");
    bad = o, bad.steps = -1;
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "steps >= 0");
    bad = o, bad.warmup = -1;
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "warmup >= 0");
    bad = o, bad.metropolis = 1;
    CHECK_FAILS(sgm_langevin_run(x, 2, &blind, &bad, NULL, key), SGM_BAD_ARGUMENT,
                "metropolis = 0");
    CHECK_OK(sgm_langevin_run(x, 2, &blind, &o, NULL, key));
    for (int i = 0; i < 4; i++) x[i] = (float)i;
    bad = o, bad.steps = 0; /* forgotten */
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "set steps");
    bad.steps = LONG_MAX, bad.warmup = 1;
    CHECK_FAILS(sgm_langevin_run(x, 2, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "be counted");
    bad = o, bad.step = 0, bad.snr = 0.16;
    CHECK_FAILS(sgm_langevin_run(x, 31, &score, &bad, NULL, key), SGM_BAD_ARGUMENT, "n·D >= 64");
    for (int i = 0; i < 4; i++) CHECK_CLOSE(x[i], i, 0);
    sgm_langevin walk;
    CHECK_FAILS(sgm_langevin_init(&walk, &score, 31, &bad, key), SGM_BAD_ARGUMENT, "n·D >= 64");
    CHECK_FAILS(sgm_langevin_step(&walk, x), SGM_BAD_ARGUMENT, "no walk");
    sgm_langevin_free(&walk);
    CHECK_FAILS(sgm_langevin_init(&walk, &score, LONG_MAX / 6, &o, key), SGM_NO_MEMORY, "no memory");
    sgm_anneal_options ladder = {0};
    CHECK_FAILS(sgm_anneal(NULL, 2, &noised, &ladder, key), SGM_BAD_ARGUMENT, "x to fill");
    x[3] = (float)NAN;
    assert_int_equal(sgm_langevin_run(x, 2, &score, &o, NULL, key), SGM_NOT_FINITE);
    assert_int_equal(live_blocks, alive_before);
}

static void test_nothing_given(void **state) {
    spy w;
    float x[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    double weight[2] = {0, 0};
    sgm_score score = spy_score(&w, 2);
    sgm_langevin_options o = walk_of(0.1, 3, 0);
    sgm_langevin report;
    (void)state;
    CHECK_FAILS(sgm_langevin_init(NULL, &score, 2, &o, sgm_key_init(0)), SGM_BAD_ARGUMENT,
                "needs a place");
    CHECK_FAILS(sgm_langevin_step(NULL, x), SGM_BAD_ARGUMENT, "no walk");
    sgm_langevin_free(NULL);
    CHECK_FAILS(sgm_langevin_run(x, 0, &score, &o, &report, sgm_key_init(0)), SGM_BAD_ARGUMENT,
                "at least 1");
    assert_true(isnan(report.acceptance) && isnan(report.step_size)); /* not 0, which would be one */
    o.step = 0, o.snr = 0.16;
    CHECK_OK(sgm_langevin_init(&report, &score, 40, &o, sgm_key_init(0)));
    assert_true(isnan(report.step_size)); /* before the first step nobody knows */
    sgm_langevin_free(&report);
    assert_true(isnan(sgm_autocorrelation_time(NULL, 9)) && isnan(sgm_effective_size(NULL, 9)));
    assert_true(isnan(sgm_effective_size(x, 1)) && isnan(sgm_effective_size(x, -5)));
    sgm_mode_weights(NULL, x, 4, 2, x, 2), sgm_mode_weights(weight, x, 4, 2, x, -1);
    for (int i = 0; i < 4; i++) {
        weight[0] = weight[1] = 0;
        sgm_mode_weights(weight, i == 0 ? NULL : x, i == 1 ? -1 : 4, i == 2 ? 0 : 2,
                         i == 3 ? NULL : x, 2);
        assert_true(isnan(weight[0]) && isnan(weight[1]));
    }
}

static void test_bad_ladders(void **state) {
    spy w;
    float x[4];
    sgm_score score = spy_score(&w, 2), empty, other;
    double good[3] = {5, 1, 0.1}, rising[3] = {5, 1, 2}, equal[3] = {5, 1, 1}, above[2] = {11, 1},
           zero[2] = {5, 0}, odd[2] = {5, NAN};
    double *ladder[5] = {rising, equal, above, zero, odd};
    int count[5] = {3, 3, 2, 2, 2};
    const char *cure[5] = {"from much noise to little", "from much noise to little",
                           "level 0 is 11: needs 0 < t <= T = 10", "level 1 is 0", "level 1"};
    double wrong[3] = {0, -1, NAN};
    sgm_anneal_options o, bad;
    sgm_key key = sgm_key_init(0);
    (void)state;
    memset(&o, 0, sizeof o), memset(&empty, 0, sizeof empty);
    score.sde = sgm_sde_edm(0.01, 10), other = score;
    o.levels = good, o.n_levels = 3, o.steps_per_level = 2, o.last_step = 1e-3;
    CHECK_OK(sgm_anneal(x, 2, &score, &o, key));
    for (int i = 0; i < 5; i++) {
        bad = o, bad.levels = ladder[i], bad.n_levels = count[i];
        CHECK_FAILS(sgm_anneal(x, 2, &score, &bad, key), SGM_BAD_ARGUMENT, cure[i]);
    }
    for (int i = 0; i < 3; i++) {
        bad = o, bad.last_step = wrong[i];
        CHECK_FAILS(sgm_anneal(x, 2, &score, &bad, key), SGM_BAD_ARGUMENT, "positive one");
    }
    for (int i = 0; i < 2; i++) {
        bad = o, bad.steps_per_level = -i;
        CHECK_FAILS(sgm_anneal(x, 2, &score, &bad, key), SGM_BAD_ARGUMENT, "at least 1");
        bad = o, bad.n_levels = -i;
        CHECK_FAILS(sgm_anneal(x, 2, &score, &bad, key), SGM_BAD_ARGUMENT, "n_levels >= 1");
        CHECK_FAILS(sgm_anneal(x, -i, &score, &o, key), SGM_BAD_ARGUMENT, "at least 1");
    }
    bad = o, bad.levels = NULL;
    CHECK_FAILS(sgm_anneal(x, 2, &score, &bad, key), SGM_BAD_ARGUMENT, "needs levels");
    CHECK_FAILS(sgm_anneal(x, 2, NULL, &o, key), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_anneal(x, 2, &empty, &o, key), SGM_BAD_ARGUMENT, "make it with");
    other.sde.family = SGM_FAMILY_NONE; /* one density has no levels */
    CHECK_FAILS(sgm_anneal(x, 2, &other, &o, key), SGM_BAD_ARGUMENT, "set its sde");
    other.sde.family = (sgm_family)99;
    CHECK_FAILS(sgm_anneal(x, 2, &other, &o, key), SGM_BAD_ARGUMENT, "preset");
    w.slope = -1e6; /* a spring of variance 10⁻⁶ under a step of 10⁻³: (1 - 1000)^k */
    o.steps_per_level = 20;
    CHECK_FAILS(sgm_anneal(x, 2, &score, &o, key), SGM_NOT_FINITE, "a smaller last_step");
    assert_int_equal(live_blocks, alive_before);
}

/* A step that fails leaves points, counts and the step size as they were, and can be made again. */

static void test_failures_in_a_run(void **state) {
    spy w;
    float x[4], before[4], y[4];
    sgm_score score = spy_score(&w, 2);
    double levels[2] = {5, 1};
    sgm_sde sde = sgm_sde_edm(0.01, 10);
    sgm_anneal_options a;
    sgm_key key = sgm_key_init(7);
    (void)state;
    memset(&a, 0, sizeof a);
    a.levels = levels, a.n_levels = 2, a.steps_per_level = 3, a.last_step = 0.01;
    for (int kind = 0; kind < 2; kind++) {
        sgm_langevin_options o = walk_of(kind ? 0 : 0.2, 6, kind);
        o.warmup = 3;
        sgm_normal(y, 4, key, 0);
        score = spy_score(&w, 2), w.slope = -0.5;
        CHECK_OK(sgm_langevin_run(y, 2, &score, &o, NULL, key));
        for (int where = 0; where < 6; where++) {
            sgm_langevin walk;
            score = spy_score(&w, 2), w.slope = -0.5;
            w.fail_at = where, w.logp_fail_at = kind ? 5 - where : -1;
            CHECK_OK(sgm_langevin_init(&walk, &score, 2, &o, key));
            sgm_normal(x, 4, key, 0);
            int failures = 0;
            while (walk.step < 9) {
                long step = walk.step;
                double size = walk.step_size;
                memcpy(before, x, sizeof x);
                if (sgm_langevin_step(&walk, x) == SGM_OK) continue;
                failures++;
                assert_memory_equal(x, before, sizeof x);
                assert_int_equal(walk.step, step), CHECK_CLOSE(walk.step_size, size, 0);
            }
            assert_true(failures == 1 + kind);
            assert_memory_equal(x, y, sizeof x);
            sgm_langevin_free(&walk);
        }
        score = spy_score(&w, 2), w.fail_at = 2;
        CHECK_FAILS(sgm_langevin_run(x, 2, &score, &o, NULL, key), SGM_MISMATCH, "the spy fails");
        assert_int_equal(w.calls, 3);
        score = spy_score(&w, 2), w.fail_at = 4, score.sde = sde;
        CHECK_FAILS(sgm_anneal(x, 2, &score, &a, key), SGM_MISMATCH, "the spy fails");
        assert_int_equal(live_blocks, alive_before);
        for (long k = 0; k < 1; k++) { /* it takes one block */
            score = spy_score(&w, 2), alloc_calls = 0, fail_at = k + 1;
            sgm_status status = sgm_langevin_run(x, 2, &score, &o, NULL, key);
            fail_at = 0;
            CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
            assert_int_equal(live_blocks, alive_before);
        }
    }
    alloc_calls = 0, fail_at = 1, score.sde = sde;
    sgm_status status = sgm_anneal(x, 2, &score, &a, key);
    fail_at = 0;
    CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
    assert_int_equal(live_blocks, alive_before);
}

/* MALA asks for one score and one log density per step, and one of each at the start. A proposal of
no density at all, or of none that is a number, is never accepted. */

static sgm_status odd_logp(const sgm_score *self, double *logp, const float *x, const float *t,
                           long n) {
    (void)self, (void)t;
    for (long i = 0; i < n; i++) logp[i] = x[i] == 0 ? 0 : i % 2 ? NAN : -HUGE_VAL;
    return SGM_OK;
}

static void test_what_mala_asks(void **state) {
    spy w;
    float x[8];
    sgm_score score = spy_score(&w, 2);
    sgm_langevin_options o = walk_of(0.3, 10, 1);
    sgm_langevin report;
    (void)state;
    o.t = 0.7;
    memset(x, 0, sizeof x);
    CHECK_OK(sgm_langevin_run(x, 4, &score, &o, NULL, sgm_key_init(1)));
    assert_int_equal(w.calls, 11), assert_int_equal(w.logp_calls, 11);
    for (int k = 0; k < 11; k++) CHECK_CLOSE(w.t[k], 0.7f, 0);
    score = spy_score(&w, 1), score.logp = odd_logp;
    memset(x, 0, sizeof x);
    CHECK_OK(sgm_langevin_run(x, 8, &score, &o, &report, sgm_key_init(1)));
    for (int i = 0; i < 8; i++) CHECK_CLOSE(x[i], 0, 0);
    CHECK_CLOSE(report.acceptance, 0, 0);
}

/* On N(0, σ²I) the norm of the score is ‖x‖/σ², so (6.8) can be worked out by hand; and a step of that size is
what the walk takes: one walker's move, with the same noise, is γ s + √(2γ) z. */

static void test_snr(void **state) {
    enum { N = 50, D = 3 };
    float x[N * D], start[N * D], again[N * D];
    double variance = 1.7, mean[D] = {0, 0, 0}, norm = 0, r = 0.16;
    sgm_sde sde = sgm_sde_edm(0.01, 10);
    sgm_mixture mix;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 1, D, NULL, mean, &variance, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    sgm_langevin_options o = walk_of(0, 1, 0);
    sgm_langevin report;
    o.t = 0.01, o.snr = r;
    sgm_normal(start, N * D, sgm_key_init(5), 0);
    for (int i = 0; i < N; i++) {
        double square = 0;
        for (int j = 0; j < D; j++) square += (double)start[i * D + j] * start[i * D + j];
        norm += sqrt(square) / (variance + 1e-4) / N;
    }
    memcpy(x, start, sizeof x), memcpy(again, start, sizeof x);
    CHECK_OK(sgm_langevin_run(x, N, &score, &o, &report, sgm_key_init(6)));
    double noise = sqrt(2.0) * tgamma(0.5 * (D + 1)) / tgamma(0.5 * D);
    CHECK_REL(report.step_size, 2 * pow(r * noise / norm, 2), 1e-6); /* scores are floats */
    o.snr = 0, o.step = report.step_size;
    CHECK_OK(sgm_langevin_run(again, N, &score, &o, NULL, sgm_key_init(6)));
    assert_memory_equal(x, again, sizeof x);
    o.snr = r;
    CHECK_FAILS(sgm_langevin_run(x, N, &score, &o, NULL, sgm_key_init(6)), SGM_BAD_ARGUMENT, "snr");
    o.step = 0, o.snr = -1;
    CHECK_FAILS(sgm_langevin_run(x, N, &score, &o, NULL, sgm_key_init(6)), SGM_BAD_ARGUMENT, "snr");
    sgm_mixture_free(&mix);
}

/* E‖z‖ in every dimension, against the gamma function (its difference of logarithms is good to
D log D ε); and where the walk settles on N(0, V): V' = V(1 + r²), in each of D dimensions, which
a crowd of N shows to √(2/(ND)). */

static void test_snr_dimensions(void **state) {
    enum { N = 20000, D = 4 };
    static float x[N * D];
    float one[2] = {1, 0};
    double variance = 0.6, zero[D] = {0, 0, 0, 0}, r = 0.5;
    sgm_sde sde = sgm_sde_edm(0.01, 10);
    (void)state;
    for (int d = 1; d <= 3000; d = d < 20 ? d + 1 : 2 * d + 1) {
        float *s = (float *)calloc((size_t)d, sizeof *s);
        s[0] = one[0]; /* of norm 1 */
        double noise = sqrt(2.0) * exp(lgamma(0.5 * (d + 1)) - lgamma(0.5 * d));
        CHECK_REL(sgm__snr_step(s, 1, d, 1), 2 * noise * noise, 1e-15 * d * (4 + log(d)) + 1e-14);
        free(s);
    }
    for (int d = 1; d <= D; d++) {
        sgm_mixture mix;
        CHECK_OK(sgm_mixture_init(&mix, 1, d, NULL, zero, &variance, SGM_COV_ISOTROPIC, &sde));
        sgm_score score = sgm_mixture_score(&mix);
        sgm_langevin_options o = walk_of(0, 60, 0);
        o.t = 0.01, o.snr = r;
        sgm_normal(x, N * D, sgm_key_init(15), 0);
        CHECK_OK(sgm_langevin_run(x, N, &score, &o, NULL, sgm_key_init(16)));
        check_moments got = check_moments_of(x, (long)N * d, 1);
        double truth = (variance + 1e-4) * (1 + r * r);
        CHECK_CLOSE(got.var, truth, CHECK_SIGMAS * truth * sqrt(2.0 / (N * d)));
        sgm_mixture_free(&mix);
    }
}

/* A walk that is reset walks as a new one with that key: ULA, MALA that finds its step, and a step by
signal to noise. Nothing is allocated. */

static void test_reset(void **state) {
    enum { N = 64 };
    double mean[2] = {-1, 1}, var[2] = {0.3, 0.2};
    float x[N], truth[N], start[N];
    sgm_mixture mix;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    sgm_normal(start, N, sgm_key_init(3), 0);
    for (int k = 0; k < 3; k++) {
        sgm_langevin_options o;
        sgm_langevin walk, fresh;
        memset(&o, 0, sizeof o);
        o.step = k == 0 ? 0.05 : 0, o.metropolis = k == 1, o.warmup = 4, o.steps = 6;
        o.snr = k == 2 ? 0.2 : 0;
        CHECK_OK(sgm_langevin_init(&walk, &score, N, &o, sgm_key_init(1)));
        CHECK_OK(sgm_langevin_init(&fresh, &score, N, &o, sgm_key_init(2)));
        memcpy(x, start, sizeof x), memcpy(truth, start, sizeof x);
        for (int i = 0; i < 7; i++) CHECK_OK(sgm_langevin_step(&walk, x));
        memcpy(x, start, sizeof x);
        int before = alloc_calls;
        sgm_langevin_reset(&walk, sgm_key_init(2));
        for (int i = 0; i < 10; i++) CHECK_OK(sgm_langevin_step(&walk, x));
        assert_int_equal(alloc_calls, before);
        for (int i = 0; i < 10; i++) CHECK_OK(sgm_langevin_step(&fresh, truth));
        assert_memory_equal(x, truth, sizeof x);
        CHECK_CLOSE(walk.step_size, fresh.step_size, 0);
        CHECK_CLOSE(walk.acceptance, fresh.acceptance, 0);
        sgm_langevin_free(&walk), sgm_langevin_free(&fresh);
    }
    sgm_langevin_reset(NULL, sgm_key_init(1));
    sgm_mixture_free(&mix);
}

int main(void) {
    static const struct CMUnitTest once[] = {
        {"(6.3) the step of ULA", test_ula_step, count_alive, NULL, NULL},
        {"(6.4) where ULA rests, exactly", test_rest_exactly, count_alive, NULL, NULL},
        {"(6.4) where a crowd rests", test_rest_of_a_crowd, count_alive, NULL, NULL},
        {"(6.8) a step by signal to noise", test_snr, count_alive, NULL, NULL},
        {"(6.8) in every dimension", test_snr_dimensions, count_alive, NULL, NULL},
        {"(6.4) divergence", test_divergence, count_alive, NULL, NULL},
        {"(6.5) MALA, step by step", test_mala_step_by_step, count_alive, NULL, NULL},
        {"(6.5) detailed balance", test_detailed_balance, count_alive, NULL, NULL},
        {"(6.5) acceptance on N(0,1)", test_acceptance, count_alive, NULL, NULL},
        {"(6.5) MALA is exact", test_exactness, count_alive, NULL, NULL},
        {"(6.5) MALA on a mixture", test_mala_on_a_mixture, count_alive, NULL, NULL},
        {"(6.5) what MALA asks", test_what_mala_asks, count_alive, NULL, NULL},
        {"(6.7) the step is found", test_finding_the_step, count_alive, NULL, NULL},
        {"(6.9) trapped and annealed", test_trapped_and_annealed, count_alive, NULL, NULL},
        {"(5.7) a denoised end", test_denoised_end, count_alive, NULL, NULL},
        {"(6.10) autocorrelation time", test_autocorrelation, count_alive, NULL, NULL},
        {"6.4 mode weights", test_mode_weights, count_alive, NULL, NULL},
        {"(6.10) effective size", test_effective_size, count_alive, NULL, NULL},
        {"6.2 where there is no score", test_no_score_there, count_alive, NULL, NULL},
        {"(6.5) points that you move", test_moved_points, count_alive, NULL, NULL},
        {"(6.8) has no warm-up", test_snr_warmup, count_alive, NULL, NULL},
        {"6 nothing given, nothing known", test_nothing_given, count_alive, NULL, NULL},
        {"chapter 6: whole walk and steps", test_whole_is_steps, count_alive, NULL, NULL},
        {"chapter 6: a walk starts again", test_reset, count_alive, NULL, NULL},
        {"chapter 6: a crowd walks in blocks", test_blocks, count_alive, NULL, NULL},
        {"chapter 6: any number of threads", test_threads, count_alive, NULL, NULL},
        {"chapter 6: bad walks", test_bad_walks, count_alive, NULL, NULL},
        {"chapter 6: bad ladders", test_bad_ladders, count_alive, NULL, NULL},
        {"chapter 6: failures in a run", test_failures_in_a_run, count_alive, NULL, NULL},
    };
    static check_family family[CHECK_FAMILIES];
    static char names[CHECK_FAMILIES][80];
    static struct CMUnitTest each[CHECK_FAMILIES];
    int failed = 0;
    check_families(family);
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        snprintf(names[i], sizeof names[i], "(6.9) the ladder's steps: %s", family[i].name);
        each[i].name = names[i], each[i].test_func = test_ladder;
        each[i].setup_func = count_alive, each[i].initial_state = &family[i];
    }
    failed += cmocka_run_group_tests_name("chapter 6, families", each, NULL, NULL);
    failed += cmocka_run_group_tests_name("chapter 6", once, NULL, NULL);
    return failed != 0;
}
