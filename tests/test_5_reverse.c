/*
Chapter 5, the reverse SDE. On Gaussian data the exact score is linear, so a whole run is a linear
recursion of mean and variance: the order of a method is measured without a single random number.
Random runs then show that the sampler really carries out those steps.

Statistical checks have fixed keys; a tolerance of CHECK_SIGMAS standard errors is a false alarm
of one in 1.7 million keys, CHECK_RATE the same for p-values.

    cc -O2 -o test_5_reverse test_5_reverse.c -lcmocka -lm
*/

#include <stddef.h>
#include <stdlib.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "families.h"

static check_family family[CHECK_FAMILIES];

/*
## (5.10) Time grids
*/

static double clock_of(sgm_grid_kind kind, const sgm_sde *sde, double t) {
    switch (kind) {
    case SGM_GRID_AUTO: /* where no method is named */
    case SGM_GRID_LOGSNR: return sgm_sde_logsnr(sde, t);
    case SGM_GRID_EDM: return pow(sgm_sde_s(sde, t) / sgm_sde_m(sde, t), 1.0 / 7);
    case SGM_GRID_QUADRATIC: return sqrt(t);
    default: return t;
    }
}

static void test_grid(void **state) {
    const check_family *f = (const check_family *)*state;
    int steps[5] = {1, 2, 3, 10, 257};
    for (int i = 0; i < 5 * 5; i++) {
        sgm_grid_kind kind = (sgm_grid_kind)(i / 5);
        int n = steps[i % 5];
        double t[260], start = f->end, end = 0.01 * f->end;
        t[n + 1] = -7;
        CHECK_OK(sgm_time_grid(t, n, kind, &f->sde, start, end));
        CHECK_CLOSE(t[0], start, 0), CHECK_CLOSE(t[n], end, 0), CHECK_CLOSE(t[n + 1], -7, 0);
        double from = clock_of(kind, &f->sde, start), to = clock_of(kind, &f->sde, end);
        for (int k = 0; k <= n; k++) { /* even, up to the inverse clock's own 10⁻¹¹ */
            if (k < n) assert_true(t[k] > t[k + 1]);
            CHECK_CLOSE(clock_of(kind, &f->sde, t[k]), from + (to - from) * k / n,
                        1e-10 * fabs(to - from));
        }
    }
}

static void test_bad_grids(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 20), none;
    double t[9], ends[5][2] = {{0.5, 0.5}, {0.2, 0.3}, {1.1, 0.1}, {1, -0.1}, {NAN, 0.1}};
    (void)state;
    memset(&none, 0, sizeof none);
    CHECK_FAILS(sgm_time_grid(t, 4, SGM_GRID_UNIFORM, &none, 1, 0.1), SGM_BAD_ARGUMENT, "preset");
    CHECK_FAILS(sgm_time_grid(t, 0, SGM_GRID_UNIFORM, &sde, 1, 0.1), SGM_BAD_ARGUMENT,
                "at least 1");
    CHECK_FAILS(sgm_time_grid(t, -3, SGM_GRID_UNIFORM, &sde, 1, 0.1), SGM_BAD_ARGUMENT,
                "at least 1");
    for (int i = 0; i < 5; i++)
        CHECK_FAILS(sgm_time_grid(t, 4, SGM_GRID_UNIFORM, &sde, ends[i][0], ends[i][1]),
                    SGM_BAD_ARGUMENT, "start > end >= 0");
    CHECK_FAILS(sgm_time_grid(t, 4, SGM_GRID_LOGSNR, &sde, 1, 0), SGM_BAD_ARGUMENT, "end at t_min");
    CHECK_FAILS(sgm_time_grid(t, 4, SGM_GRID_EDM, &sde, 1, 0), SGM_BAD_ARGUMENT, "end at t_min");
    CHECK_FAILS(sgm_time_grid(t, 4, (sgm_grid_kind)5, &sde, 1, 0.1), SGM_BAD_ARGUMENT,
                "no time grid 5");
    CHECK_FAILS(sgm_time_grid(NULL, 4, SGM_GRID_UNIFORM, &sde, 1, 0.1), SGM_BAD_ARGUMENT,
                "a place for");
    CHECK_OK(sgm_time_grid(t, 4, SGM_GRID_QUADRATIC, &sde, 1, 0));
    CHECK_CLOSE(t[2], 0.25, 1e-15);
}

/*
## (5.4) to (5.8) The three numbers of a step

Each method's formula once more, from its source and not through (1.8): Euler's from (5.3), the
reverse diffusion's from the discrete forward step, the ancestral one from the product of two
Gaussians with Tweedie's x̂0.
*/

static void test_coefficients(void **state) {
    const check_family *f = (const check_family *)*state;
    for (int i = 0; i < 12; i++) {
        double t = f->end * (0.3 + 0.05 * i), to = t * (0.4 + 0.04 * i), c[3];
        double m0 = sgm_sde_m(&f->sde, to), m = sgm_sde_m(&f->sde, t), a = m / m0;
        double s0 = sgm_sde_s(&f->sde, to), s = sgm_sde_s(&f->sde, t), b2 = s * s - a * a * s0 * s0;
        double drift = sgm_sde_f(&f->sde, t), g2 = sgm_sde_g2(&f->sde, t), tol = 1e-12;
        sgm__reverse_step(c, SGM_METHOD_EULER_MARUYAMA, &f->sde, t, to);
        CHECK_REL(c[0], 1 + drift * (to - t), tol); /* dx = f x dt with dt = to - t < 0 */
        CHECK_REL(c[1], -g2 * (to - t), tol);
        CHECK_REL(c[2] * c[2], g2 * (t - to), tol);
        sgm__reverse_step(c, SGM_METHOD_REVERSE_DIFFUSION, &f->sde, t, to);
        CHECK_REL(c[0], 1 - (a - 1), tol), CHECK_REL(c[1], b2, tol),
            CHECK_REL(c[2] * c[2], b2, tol);
        sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, &f->sde, t, to);
        double precision = 1 / (s0 * s0) + a * a / b2; /* p(x'|x0) p(x|x'): precisions add */
        double by_x0 = m0 / (s0 * s0) / precision, by_x = a / b2 / precision;
        CHECK_REL(c[0], by_x + by_x0 / m, 1e-11); /* x̂0 = (x + s² score)/m, (5.7) */
        CHECK_REL(c[1], by_x0 * s * s / m, 1e-11);
        CHECK_REL(c[2] * c[2], 1 / precision, 1e-11);
    }
}

/* All agree to first order: what is left between two methods is O(Δ²), a quarter for half of Δ
(an eighth more or less, at a thousandth of the time). */

static void test_first_order(void **state) {
    const check_family *f = (const check_family *)*state;
    double t = 0.5 * f->end;
    for (int method = SGM_METHOD_REVERSE_DIFFUSION; method <= SGM_METHOD_ANCESTRAL; method++)
        for (int k = 0; k < 3; k++) {
            double apart[2];
            for (int half = 0; half < 2; half++) {
                double c[3], e[3], to = t * (1 - 1e-3 / (1 + half));
                sgm__reverse_step(e, SGM_METHOD_EULER_MARUYAMA, &f->sde, t, to);
                sgm__reverse_step(c, (sgm_method)method, &f->sde, t, to);
                apart[half] = k < 2 ? c[k] - e[k] : c[2] * c[2] - e[2] * e[2];
                assert_true(fabs(apart[half]) < 2e-2 * (k ? e[1] : 1));
            }
            if (fabs(apart[0]) < 1e-9 * (1 + sgm_sde_s(&f->sde, t)))
                continue; /* no difference at all */
            CHECK_CLOSE(apart[1] / apart[0], 0.25, 0.25 / 8);
        }
}

/*
DDPM, term by term (Ho, Jain, Abbeel 2020, algorithm 2), for the table β₁ = 10⁻⁴ … β₁₀₀₀ = 0.02:
with α = 1−β, the mean is (x − β/√(1−ᾱ) ε̂)/√α where ε̂ = −√(1−ᾱ) s, and the variance
β(1−ᾱ')/(1−ᾱ). Its SDE is the user's: ∫β is −log ᾱ between the table's entries. And Song et al.
2021, appendix E, for the reverse diffusion: 2 − √(1−β), β, √β.
*/

static double log_alpha_bar[1001];

static double ddpm_curve(double t, void *user) {
    double at = t * 1000;
    int i = (int)floor(at + 0.5);
    (void)user;
    if (i < 0) i = 0;
    if (fabs(at - i) < 1e-6 || i >= 1000) return -log_alpha_bar[i < 1000 ? i : 1000];
    i = (int)floor(at) < 0 ? 0 : (int)floor(at);
    return -(log_alpha_bar[i] + (at - i) * (log_alpha_bar[i + 1] - log_alpha_bar[i]));
}

static void test_ddpm(void **state) {
    sgm_sde sde = sgm_sde_user_beta(ddpm_curve, NULL);
    double beta[1001], c[3], alpha_bar[1001];
    (void)state;
    alpha_bar[0] = 1, log_alpha_bar[0] = 0, beta[0] = 0;
    for (int i = 1; i <= 1000; i++) {
        beta[i] = 1e-4 + (0.02 - 1e-4) * (i - 1) / 999;
        alpha_bar[i] = alpha_bar[i - 1] * (1 - beta[i]);
        log_alpha_bar[i] = log_alpha_bar[i - 1] + log1p(-beta[i]);
    }
    CHECK_OK(sgm_sde_check(&sde));
    for (int i = 1; i <= 1000; i++) { /* tolerance: 1 - ᾱ' as a difference loses 10⁻¹⁶/10⁻⁴ */
        double t = i / 1000.0, to = (i - 1) / 1000.0, root = sqrt(1 - alpha_bar[i]);
        sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, &sde, t, to);
        CHECK_REL(c[0], 1 / sqrt(1 - beta[i]), 1e-12);
        CHECK_REL(c[1], beta[i] / root * root / sqrt(1 - beta[i]), 1e-10);
        CHECK_CLOSE(c[2] * c[2], beta[i] * (1 - alpha_bar[i - 1]) / (1 - alpha_bar[i]),
                    1e-10 * beta[i]);
        sgm__reverse_step(c, SGM_METHOD_REVERSE_DIFFUSION, &sde, t, to);
        CHECK_REL(c[0], 2 - sqrt(1 - beta[i]), 1e-12);
        CHECK_REL(c[1], beta[i], 1e-10);
        CHECK_REL(c[2], sqrt(beta[i]), 1e-10);
    }
}

/* (5.9): the ancestral step to 0 is the closed form, and that is E[x0|x]. */

static void test_last_step(void **state) {
    const check_family *f = (const check_family *)*state;
    double mu = 1.7, c0 = 0.3;
    for (int i = 1; i <= 20; i++) {
        double t = f->end * i / 20, c[3], last[3], x = 0.4 * i - 3;
        double m = sgm_sde_m(&f->sde, t), s = sgm_sde_s(&f->sde, t), V = m * m * c0 + s * s;
        sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, &f->sde, t, 0);
        sgm__denoise_step(last, &f->sde, t);
        CHECK_REL(c[0], last[0], 1e-14), CHECK_REL(c[1], last[1], 1e-14);
        CHECK_CLOSE(c[2], 0, 0), CHECK_CLOSE(last[2], 0, 0);
        double score = -(x - m * mu) / V, best = mu + m * c0 / V * (x - m * mu); /* regression */
        double size = (fabs(x) + s * s * fabs(score)) / m;
        CHECK_CLOSE(last[0] * x + last[1] * score, best, 1e-14 * (size + fabs(best)));
    }
}

/*
## Order, without noise

On N(μ, c) data with V = m²c + s² a step takes a deviation from the mean δ to (c_x − c_s/V)δ and
the variance v to (c_x − c_s/V)²v + c_z². The reversed process itself is the conditional law of
x_t given x_T: a deviation shrinks by A = (m_T/m_t)(V_t/V_T), the regression coefficient, and V_T
goes to V_t. Errors with N, 2N, 4N steps give the order.
*/

typedef struct law {
    double deviation, variance;
} law;

static law run_law(const sgm_sde *sde, sgm_method method, const double *t, int steps, double c0,
                   double share, law x) {
    for (int i = 0; i < steps; i++) {
        double c[3], m = sgm_sde_m(sde, t[i]), s = sgm_sde_s(sde, t[i]), V = m * m * c0 + s * s;
        sgm__reverse_step(c, method, sde, t[i], t[i + 1]);
        double by = c[0] - share * c[1] / V;
        x.deviation *= by, x.variance = by * by * x.variance + c[2] * c[2];
    }
    return x;
}

static void test_order(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { MOST = 3200 };
    static double t[MOST + 1];
    double c0 = 0.35, start = 0.8 * f->end, end = 0.45 * f->end;
    double m1 = sgm_sde_m(&f->sde, start), s1 = sgm_sde_s(&f->sde, start),
           V1 = m1 * m1 * c0 + s1 * s1;
    double m0 = sgm_sde_m(&f->sde, end), s0 = sgm_sde_s(&f->sde, end), V0 = m0 * m0 * c0 + s0 * s0;
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        double error[3][2];
        for (int k = 0; k < 3; k++) {
            law x = {1, V1};
            int steps = MOST >> (2 - k);
            CHECK_OK(sgm_time_grid(t, steps, SGM_GRID_UNIFORM, &f->sde, start, end));
            x = run_law(&f->sde, (sgm_method)method, t, steps, c0, 1, x);
            error[k][0] = fabs(x.deviation / (m1 / m0 * V0 / V1) - 1),
            error[k][1] = fabs(x.variance / V0 - 1);
        }
        for (int part = 0; part < 2; part++) {
            double order = log(error[0][part] / error[2][part]) / log(4.0);
            if (error[0][part] < 1e-10) continue; /* exact: nothing to measure but rounding */
            CHECK_CLOSE(order, 1, 0.15);
            assert_true(error[2][part] < 0.02);
        }
    }
}

/* By the rule (5.10), to t = 0: all methods converge to the same law, that of E[x0|x] at t_min,
whose variance is m²c²/V there. Steps that are even in λ err by Δλ at most, and twice the result
of 2N less that of N by Δλ². */

static double run_to_zero(const sgm_sde *sde, sgm_method method, int steps, double c0) {
    static double t[4002];
    double m = sgm_sde_m(sde, sde->T), s = sgm_sde_s(sde, sde->T), c[3];
    law x = {1, m * m * c0 + s * s};
    CHECK_OK(sgm_time_grid(t, steps - 1, SGM_GRID_LOGSNR, sde, sde->T, sde->t_min));
    x = run_law(sde, method, t, steps - 1, c0, 1, x);
    m = sgm_sde_m(sde, sde->t_min), s = sgm_sde_s(sde, sde->t_min);
    sgm__denoise_step(c, sde, sde->t_min);
    double by = c[0] - c[1] / (m * m * c0 + s * s);
    return by * by * x.variance;
}

static void test_to_data(void **state) {
    const check_family *f = (const check_family *)*state;
    sgm_sde sde = f->sde;
    sde.T = f->end;
    double m = sgm_sde_m(&sde, sde.t_min), s = sgm_sde_s(&sde, sde.t_min), c0 = 0.35;
    double truth = m * m * c0 * c0 / (m * m * c0 + s * s);
    double step = (sgm_sde_logsnr(&sde, sde.t_min) - sgm_sde_logsnr(&sde, sde.T)) / 2000;
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        double coarse = run_to_zero(&sde, (sgm_method)method, 2001, c0);
        double fine = run_to_zero(&sde, (sgm_method)method, 4001, c0);
        CHECK_CLOSE(coarse, truth, step * truth);
        CHECK_CLOSE(2 * fine - coarse, truth, step * step * truth);
    }
}

/* The drift of the flow, ½g², in place of g²: no number of steps hides it. */

static void test_half_drift(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { STEPS = 2000 };
    static double t[STEPS + 1];
    double c0 = 0.35, start = 0.8 * f->end, end = 0.1 * f->end;
    double m = sgm_sde_m(&f->sde, start), s = sgm_sde_s(&f->sde, start), V1 = m * m * c0 + s * s;
    double m0 = sgm_sde_m(&f->sde, end), s0 = sgm_sde_s(&f->sde, end), V0 = m0 * m0 * c0 + s0 * s0;
    CHECK_OK(sgm_time_grid(t, STEPS, SGM_GRID_UNIFORM, &f->sde, start, end));
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        law x = {1, V1};
        x = run_law(&f->sde, (sgm_method)method, t, STEPS, c0, 0.5, x);
        assert_true(fabs(x.variance / V0 - 1) > 0.1);
    }
}

/*
## The sampler carries out those steps
*/

typedef struct spy {
    int calls, fail_at, nan_at;
    double t[64];
} spy;

static sgm_status spy_eval(const sgm_score *self, float *s, const float *x, const float *t,
                           long n) {
    spy *w = (spy *)(size_t)self->ctx;
    if (w->calls < 64) w->t[w->calls] = t[0];
    for (long i = 0; i < n * self->d; i++) s[i] = w->calls == w->nan_at ? (float)NAN : -0.5f * x[i];
    for (long i = 0; i < n; i++) assert_true(t[i] == t[0] && t[i] > 0);
    if (w->calls++ == w->fail_at) return sgm__fail(SGM_MISMATCH, "the spy fails");
    return SGM_OK;
}

static sgm_score spy_score(spy *w, const sgm_sde *sde) {
    sgm_score score;
    memset(&score, 0, sizeof score), memset(w, 0, sizeof *w);
    w->fail_at = w->nan_at = -1;
    score.d = 2, score.ctx = w, score.eval = spy_eval, score.sde = *sde;
    return score;
}

static sgm_sample_options options_of(sgm_method method, int steps) {
    sgm_sample_options o;
    memset(&o, 0, sizeof o);
    o.method = method, o.steps = steps;
    return o;
}

/* Where the score is evaluated: (5.10). */

static void test_rule(void **state) {
    const check_family *f = (const check_family *)*state;
    int counts[4] = {1, 2, 3, 20};
    float x[6];
    for (int i = 0; i < 8; i++) {
        spy w;
        sgm_score score = spy_score(&w, &f->sde);
        sgm_sample_options o = options_of(SGM_METHOD_ANCESTRAL, counts[i % 4]);
        sgm_sampler sampler;
        o.plain_end = i >= 4, o.t_end = i >= 4 ? 0.02 * f->end : 0, o.grid = SGM_GRID_EDM;
        o.t_start = f->end, o.x_given = 1;
        CHECK_OK(sgm_sampler_init(&sampler, &score, 3, &o, sgm_key_init(1)));
        sgm_sampler_prior(&sampler, x);
        for (int k = 0; !sgm_sampler_done(&sampler); k++) CHECK_OK(sgm_sampler_step(&sampler, x));
        assert_int_equal(w.calls, o.steps);
        assert_int_equal(sampler.n_evals, o.steps);
        CHECK_CLOSE(w.t[0], (float)f->end, 0);
        CHECK_CLOSE(sampler.t[o.steps], o.plain_end ? o.t_end : 0, 0);
        if (!o.plain_end && o.steps > 1) CHECK_CLOSE(w.t[o.steps - 1], (float)f->sde.t_min, 0);
        for (int k = 1; k < o.steps; k++) assert_true(w.t[k] < w.t[k - 1]);
        for (int k = 0; k < o.steps; k++) CHECK_CLOSE(w.t[k], (float)sampler.t[k], 0);
        CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_BAD_ARGUMENT, "has done all");
        sgm_sampler_free(&sampler);
    }
    assert_int_equal(live_blocks, alive_before);
}

/* Each update is c_x x + c_s s + c_z z with the z of its step: float's rounding of the terms is
all the freedom. */

static void test_update(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { N = 5, STEPS = 6 };
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        spy w;
        float x[2 * N], before[2 * N], z[2 * N];
        sgm_score score = spy_score(&w, &f->sde);
        sgm_sample_options o = options_of((sgm_method)method, STEPS);
        sgm_sampler sampler;
        sgm_key key = sgm_key_init(77);
        o.t_start = f->end, o.x_given = 1;
        CHECK_OK(sgm_sampler_init(&sampler, &score, N, &o, key));
        sgm_sampler_prior(&sampler, x);
        sgm_normal(z, 2 * N, sgm_key_split(key, 0), 0);
        for (int k = 0; k < 2 * N; k++)
            CHECK_REL(x[k], z[k] * sgm_sde_prior(&f->sde), 2 * FLT_EPSILON);
        for (int i = 0; i < STEPS; i++) {
            double c[3], t = sampler.t[i];
            memcpy(before, x, sizeof x);
            CHECK_OK(sgm_sampler_step(&sampler, x));
            sgm_normal(z, 2 * N, sgm_key_split(key, (uint64_t)i + 1), 0);
            if (i + 1 < STEPS)
                sgm__reverse_step(c, (sgm_method)method, &f->sde, t, sampler.t[i + 1]);
            else sgm__denoise_step(c, &f->sde, f->sde.t_min);
            for (int k = 0; k < 2 * N; k++) {
                double truth = c[0] * before[k] + c[1] * (-0.5 * before[k]) + c[2] * z[k];
                double size = fabs(c[0] * before[k]) + fabs(c[1] * before[k]) + fabs(c[2] * z[k]);
                CHECK_CLOSE(x[k], truth, FLT_EPSILON * size);
            }
        }
        sgm_sampler_free(&sampler);
    }
}

/* The whole run and the run step by step are one, bit for bit; on_step sees each step once. */

typedef struct seen {
    long calls;
    double last_t;
    float last_x;
} seen;

static void see(long step, double t, const float *x, long n, void *user) {
    seen *s = (seen *)user;
    assert_int_equal(step, s->calls + 1);
    assert_int_equal(n, 40);
    assert_true(t < s->last_t);
    s->calls = step, s->last_t = t, s->last_x = x[2 * n - 1];
}

static void test_whole_is_steps(void **state) {
    float x[80], y[80], other[80];
    double mean[4] = {1, 0, -1, 2};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, 2, NULL, mean, NULL, SGM_COV_POINTS, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int method = SGM_METHOD_AUTO; method <= SGM_METHOD_DPMPP_3M; method++) {
        sgm_sample_options o = options_of((sgm_method)method, 12);
        sgm_sampler sampler;
        seen s = {0, 2, 0};
        o.corrector = method % 2 == 0, o.eta = method == SGM_METHOD_DDIM ? 0.5 : 0;
        o.churn = method == SGM_METHOD_CHURN ? 3 : 0;
        o.on_step = see, o.user = &s, o.grid = SGM_GRID_LOGSNR;
        CHECK_OK(sgm_sample(x, 40, &score, &o, sgm_key_init(4)));
        CHECK_OK(sgm_sample(other, 40, &score, NULL, sgm_key_init(5)));
        assert_int_equal(s.calls, 12);
        CHECK_CLOSE(s.last_t, 0, 0), CHECK_CLOSE(s.last_x, x[79], 0);
        CHECK_OK(sgm_sampler_init(&sampler, &score, 40, &o, sgm_key_init(4)));
        for (int again = 0; again < 2; again++) { /* the prior starts the run afresh */
            sgm_sampler_prior(&sampler, y);
            long before = alloc_calls; /* and nothing is allocated in a step */
            while (!sgm_sampler_done(&sampler)) CHECK_OK(sgm_sampler_step(&sampler, y));
            assert_int_equal(alloc_calls, before);
            assert_memory_equal(x, y, sizeof x);
        }
        sgm_sampler_free(&sampler);
        assert_memory_not_equal(x, other, sizeof x);
    }
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

/* Blocks of a set, and rows picked from it, are those of the whole, bit for bit: whoever draws them.
With a corrector, whose step is the crowd's, two blocks still have noise of their own. */

static void test_blocks(void **state) {
    enum { N = 40 };
    const long cut[4] = {0, 7, 24, N}, pick[5] = {39, 0, 13, 14, 6};
    float whole[2 * N], x[2 * N], picked[2 * 5];
    double mean[4] = {1, 0, -1, 2}, var[2] = {0.3, 0.2};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    for (int method = SGM_METHOD_AUTO; method <= SGM_METHOD_DPMPP_3M; method++) {
        sgm_score score = sgm_mixture_score(&mix);
        sgm_sample_options o = options_of((sgm_method)method, 13);
        if (method == SGM_METHOD_RK45) continue;
        o.eta = method == SGM_METHOD_DDIM ? 0.5 : 0, o.churn = method == SGM_METHOD_CHURN ? 3 : 0;
        o.path_steps = method == SGM_METHOD_EULER_MARUYAMA ? 36 : 0;
        CHECK_OK(sgm_sample(whole, N, &score, &o, sgm_key_init(4)));
        score.of = N;
        for (int b = 0; b < 3; b++) {
            score.first = cut[b];
            CHECK_OK(sgm_sample(x + 2 * cut[b], cut[b + 1] - cut[b], &score, &o, sgm_key_init(4)));
        }
        assert_memory_equal(x, whole, sizeof x);
        score.row = pick, score.first = 0;
        CHECK_OK(sgm_sample(picked, 5, &score, &o, sgm_key_init(4)));
        for (int i = 0; i < 5; i++)
            assert_memory_equal(picked + 2 * i, whole + 2 * pick[i], 2 * sizeof(float));
    }
    sgm_score score = sgm_mixture_score(&mix);
    sgm_sample_options o = options_of(SGM_METHOD_DDIM, 5);
    o.corrector = 1, o.x_given = 1, score.of = 2 * N;
    for (int i = 0; i < 2 * N; i++) x[i] = whole[i] = (float)i / N;
    CHECK_OK(sgm_sample(x, N, &score, &o, sgm_key_init(4)));
    score.first = N;
    CHECK_OK(sgm_sample(whole, N, &score, &o, sgm_key_init(4)));
    for (int i = 0; i < 2 * N; i++) assert_true(x[i] != whole[i]);
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

static void test_threads(void **state) {
    enum { N = 5000 };
    static float x[2 * N], y[2 * N];
    double mean[4] = {1, 0, -1, 2};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    (void)state;
#ifdef _OPENMP
    omp_set_num_threads(3);
#endif
    CHECK_OK(sgm_mixture_init(&mix, 2, 2, NULL, mean, NULL, SGM_COV_POINTS, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    sgm_sample_options o = options_of(SGM_METHOD_EULER_MARUYAMA, 6);
    CHECK_OK(sgm_sample(x, N, &score, &o, sgm_key_init(4)));
    for (int threads = 1; threads <= 5; threads += 2) {
#ifdef _OPENMP
        omp_set_num_threads(threads);
#endif
        CHECK_OK(sgm_sample(y, N, &score, &o, sgm_key_init(4)));
        assert_memory_equal(x, y, sizeof x);
    }
    /* one thread or many: normals are those of one call */
    sgm__normal_parallel(x, 2 * N, sgm_key_init(6), 0);
    sgm_normal(y, 2 * N, sgm_key_init(6), 0);
    assert_memory_equal(x, y, sizeof x);
    sgm_mixture_free(&mix);
}

/*
## (5.3) Samples of the data

Gaussian data: the recursion above says what mean and variance the samples have, discretisation,
prior and all; n samples scatter by √(v/n) and v√(2/n).
*/

enum { N_GAUSS = 4000 };

static sgm_status half_eval(const sgm_score *self, float *s, const float *x, const float *t,
                            long n) {
    const sgm_score *inner = (const sgm_score *)self->ctx;
    SGM__TRY(inner->eval(inner, s, x, t, n));
    for (long i = 0; i < n * self->d; i++) s[i] *= 0.5f;
    return SGM_OK;
}

static law law_of_samples(const sgm_sde *sde, const sgm_sampler *sampler, double mu, double c0) {
    double prior = sgm_sde_prior(sde), c[3];
    int steps = sampler->o.steps;
    law x = {0, prior * prior}; /* here the deviation is from m_t μ, and at first it is -m_T μ */
    x.deviation = -sgm_sde_m(sde, sampler->t[0]) * mu;
    for (int i = 0; i < steps; i++) {
        double t = sampler->t[i], m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t),
               V = m * m * c0 + s * s;
        double next = sgm_sde_m(sde, sampler->t[i + 1]);
        if (i + 1 < steps) sgm__reverse_step(c, sampler->o.method, sde, t, sampler->t[i + 1]);
        else sgm__denoise_step(c, sde, t);
        double by = c[0] - c[1] / V;
        x.deviation = by * x.deviation + (c[0] * m - next) * mu;
        x.variance = by * by * x.variance + c[2] * c[2];
    }
    return x;
}

static void test_gaussian_samples(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x[N_GAUSS];
    double mu = 1.5, c0 = 0.3;
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &mu, &c0, SGM_COV_ISOTROPIC, &f->sde));
    sgm_score exact = sgm_mixture_score(&mix), half = exact;
    half.ctx = &exact, half.eval = half_eval;
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        sgm_sample_options o = options_of((sgm_method)method, 60);
        sgm_sampler sampler;
        o.grid = SGM_GRID_LOGSNR;
        CHECK_OK(sgm_sampler_init(&sampler, &exact, N_GAUSS, &o, sgm_key_init(7)));
        law truth = law_of_samples(&f->sde, &sampler, mu, c0);
        CHECK_OK(sgm_sample(x, N_GAUSS, &exact, &o, sgm_key_init(7)));
        check_moments got = check_moments_of(x, N_GAUSS, 1);
        double mean_tol = CHECK_SIGMAS * sqrt(truth.variance / N_GAUSS);
        double var_tol = CHECK_SIGMAS * truth.variance * sqrt(2.0 / N_GAUSS);
        CHECK_CLOSE(got.mean, mu + truth.deviation, mean_tol);
        CHECK_CLOSE(got.var, truth.variance, var_tol);
        /* and ½g² in place of g² is told apart from the truth */
        CHECK_OK(sgm_sample(x, N_GAUSS, &half, &o, sgm_key_init(7)));
        got = check_moments_of(x, N_GAUSS, 1);
        assert_true(fabs(got.mean - mu - truth.deviation) > mean_tol ||
                    fabs(got.var - truth.variance) > var_tol);
        sgm_sampler_free(&sampler);
    }
    sgm_mixture_free(&mix);
}

/*
A mixture of four with weights 1:2:3:4. Mode counts are multinomial. The energy distance to an
exact sample is held against that of R exact pairs: their mean and scatter; a distance 10 standard
deviations out has, by Cantelli's inequality and far less by its χ²-like tail e^(−10), no chance
worth mentioning in 15 runs.
*/

enum { N_MIX = 1000, R = 12 };

static void nearest_counts(double count[4], const float *x, const double *mean) {
    for (int k = 0; k < 4; k++) count[k] = 0;
    for (int i = 0; i < N_MIX; i++) {
        int best = 0;
        double least = HUGE_VAL;
        for (int k = 0; k < 4; k++) {
            double a = x[2 * i] - mean[2 * k], b = x[2 * i + 1] - mean[2 * k + 1];
            if (a * a + b * b < least) least = a * a + b * b, best = k;
        }
        count[best]++;
    }
}

static void test_mixture_samples(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x[2 * N_MIX], exact[R + 1][2 * N_MIX];
    double weight[4] = {1, 2, 3, 4}, mean[8] = {1, 1, -1, 1, -1, -1, 1, -1}, expected[4], count[4];
    double var[4] = {0.02, 0.04, 0.03, 0.02}, null[R], se, apart; /* 3.5 deviations to the border */
    sgm_mixture mix;
    if (sgm_sde_m(&f->sde, f->sde.T) / sgm_sde_prior(&f->sde) > 0.1)
        return; /* half of the signal left */
    CHECK_OK(sgm_mixture_init(&mix, 4, 2, weight, mean, var, SGM_COV_ISOTROPIC, &f->sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int r = 0; r <= R; r++)
        CHECK_OK(
            sgm_mixture_sample(&mix, exact[r], NULL, N_MIX, 0, sgm_key_init(100 + (uint64_t)r)));
    for (int r = 0; r < R; r++)
        null[r] = sgm_energy_distance(exact[r], N_MIX, exact[r + 1], N_MIX, 2);
    double centre = check_mean(null, R, &se), scatter = se * sqrt((double)R);
    for (int k = 0; k < 4; k++) expected[k] = N_MIX * weight[k] / 10;
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        sgm_sample_options o = options_of((sgm_method)method, 120);
        o.grid = SGM_GRID_LOGSNR;
        CHECK_OK(sgm_sample(x, N_MIX, &score, &o, sgm_key_init(9)));
        nearest_counts(count, x, mean);
        CHECK_P(stat_chi2_p(count, expected, 4, 0), CHECK_RATE);
        apart = sgm_energy_distance(x, N_MIX, exact[0], N_MIX, 2);
        CHECK_CLOSE(apart, centre, 10 * scatter);
    }
    for (int i = 0; i < 2 * N_MIX; i++)
        x[i] *= 1.2f; /* the measure has power: 20 % too wide is seen */
    assert_true(sgm_energy_distance(x, N_MIX, exact[0], N_MIX, 2) > centre + 10 * scatter);
    sgm_mixture_free(&mix);
}

/* (1.9): the prior, in law. */

static double scaled_normal_cdf(double x, void *user) {
    return 0.5 * erfc(-x / *(const double *)user / sqrt(2.0));
}

static void test_prior(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x[20000];
    spy w;
    sgm_score score = spy_score(&w, &f->sde);
    sgm_sampler sampler;
    double std = sgm_sde_prior(&f->sde);
    CHECK_OK(sgm_sampler_init(&sampler, &score, 10000, NULL, sgm_key_init(12)));
    assert_int_equal(sampler.o.steps, 100); /* those of no options */
    assert_int_equal(sampler.o.method, SGM_METHOD_DPMPP_2M);
    assert_int_equal(sampler.o.grid, SGM_GRID_LOGSNR);
    CHECK_CLOSE(sampler.t[0], f->sde.T, 0);
    sgm_sampler_prior(&sampler, x);
    CHECK_P(stat_ks_p(stat_ks(x, 20000, scaled_normal_cdf, &std), 20000), CHECK_RATE);
    sgm_sampler_free(&sampler);
}

/*
## (5.11) (5.12) (7.3) The steps that remember, churn, or shake

once more from their formulas, in double, with a score whose values are prescribed: S_c at the c-th
call. What is left is rounding.
*/

enum { PROBES = 6, ASKED = 8 };

typedef struct script {
    int calls;
    float S[ASKED][PROBES], x[ASKED][PROBES], t[ASKED];
} script;

static sgm_status script_eval(const sgm_score *self, float *s, const float *x, const float *t,
                              long n) {
    script *w = (script *)(size_t)self->ctx;
    assert_true(w->calls < ASKED);
    memcpy(s, w->S[w->calls], (size_t)n * sizeof *s);
    memcpy(w->x[w->calls], x, (size_t)n * sizeof *x);
    w->t[w->calls++] = t[0];
    return SGM_OK;
}

static sgm_score script_score(script *w, const sgm_sde *sde) {
    sgm_score score;
    memset(&score, 0, sizeof score), memset(w, 0, sizeof *w);
    for (int c = 0; c < ASKED; c++) sgm_normal(w->S[c], PROBES, sgm_key_init(50 + (uint64_t)c), 0);
    score.d = 1, score.ctx = w, score.eval = script_eval, score.sde = *sde;
    return score;
}

typedef struct place { /* m, s, σ = s/m and λ = -log σ */
    double m, s, sigma, lambda;
} place;

static place place_at(const sgm_sde *sde, double t) {
    place p;
    p.m = sgm_sde_m(sde, t), p.s = sgm_sde_s(sde, t), p.sigma = p.s / p.m;
    p.lambda = -log(p.sigma);
    return p;
}

static void test_ddim_eta(void **state) {
    const check_family *f = (const check_family *)*state;
    for (int k = 0; k <= 4; k++) {
        double eta = k / 4.0, t = 0.7 * f->end, to = 0.45 * f->end, c[3];
        place a = place_at(&f->sde, t), b = place_at(&f->sde, to);
        script w;
        float z[PROBES];
        sgm_score score = script_score(&w, &f->sde);
        sgm_sample_options o = options_of(SGM_METHOD_DDIM, 4);
        sgm_key key = sgm_key_init(3);
        o.eta = eta;
        sgm__flow *flow = sgm__flow_new(&score, PROBES, &o, 0, 0);
        for (int i = 0; i < PROBES; i++) flow->y[i] = 0.3 * i - 1;
        CHECK_OK(sgm__flow_step(flow, t, to, key));
        sgm_normal(z, PROBES, key, 0);
        sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, &f->sde, t, to);
        for (int i = 0; i < PROBES; i++) {
            double x = 0.3 * i - 1, eps = -a.s * w.S[0][i], clean = (x - a.s * eps) / a.m;
            /* σ_t(η) of Song, Meng and Ermon, (16): here for any m and s */
            double v = eta * b.s / a.s * sqrt(a.s * a.s - a.m * a.m / (b.m * b.m) * b.s * b.s);
            double truth = b.m * clean + sqrt(b.s * b.s - v * v) * eps + v * z[i];
            double size = fabs(b.m * clean) + b.s * (fabs(eps) + fabs(z[i]));
            CHECK_CLOSE(flow->y[i], truth, 1e-12 * size);
            truth = c[0] * x + c[1] * w.S[0][i] + c[2] * z[i]; /* η = 1: (5.8) */
            if (k == 4) CHECK_CLOSE(flow->y[i], truth, 1e-11 * size);
        }
        sgm__flow_free(flow);
    }
}

static void test_dpm_sde(void **state) {
    const check_family *f = (const check_family *)*state;
    double t[4] = {0.8, 0.6, 0.45, 0.25}, x[PROBES], last_h = 0;
    static script w;
    float z[PROBES];
    sgm_score score = script_score(&w, &f->sde);
    sgm_sample_options o = options_of(SGM_METHOD_DPM_SDE, 4);
    sgm__flow *flow = sgm__flow_new(&score, PROBES, &o, 0, 0);
    for (int i = 0; i < PROBES; i++) flow->y[i] = x[i] = 0.3 * i - 1;
    double last[PROBES] = {0, 0, 0, 0, 0, 0};
    for (int k = 0; k < 3; k++) {
        place a = place_at(&f->sde, t[k] * f->end), b = place_at(&f->sde, t[k + 1] * f->end);
        double h = b.lambda - a.lambda, r = last_h / h;
        sgm_key key = sgm_key_init(7 + (uint64_t)k);
        CHECK_OK(sgm__flow_step(flow, t[k] * f->end, t[k + 1] * f->end, key));
        sgm_normal(z, PROBES, key, 0);
        for (int i = 0; i < PROBES; i++) {
            double D0 = (x[i] + a.s * a.s * w.S[k][i]) / a.m, D = D0;
            if (k > 0) D = D0 + (D0 - last[i]) / (2 * r);
            double size = fabs(x[i]) * b.s / a.s + b.m * (fabs(D0) + fabs(D)) + b.s;
            x[i] = b.s / a.s * exp(-h) * x[i] + b.m * (1 - exp(-2 * h)) * D +
                   b.s * sqrt(1 - exp(-2 * h)) * z[i];
            CHECK_CLOSE(flow->y[i], x[i], 1e-11 * size);
            x[i] = flow->y[i], last[i] = D0;
        }
        CHECK_CLOSE(w.t[k], (float)(t[k] * f->end), 0);
        last_h = h;
    }
    assert_int_equal(w.calls, 3);
    sgm__flow_free(flow);
}

/* Churn 0, much, too much, and out of its window; S_noise; and churn 0 is Heun in σ. */

static void test_churn(void **state) {
    const check_family *f = (const check_family *)*state;
    double t = 0.5 * f->end, to = 0.3 * f->end, m_up, top;
    place a = place_at(&f->sde, t), b = place_at(&f->sde, to);
    for (int k = 0; k < 6; k++) {
        double churn = k == 0 ? 0 : k == 1 ? 0.4 : k == 2 ? 0.2 : k == 3 ? 100 : 0.4;
        double noise = k == 1 ? 1.003 : 1, gamma = churn / 8;
        script w;
        float z[PROBES];
        sgm_score score = script_score(&w, &f->sde);
        sgm_sample_options o = options_of(SGM_METHOD_CHURN, 8);
        sgm_key key = sgm_key_init(3);
        o.churn = churn, o.churn_noise = k == 1 ? noise : 0;
        if (k == 4) o.churn_low = 1.01 * a.sigma;
        if (k == 5) o.churn_low = 0.5 * a.sigma, o.churn_high = 0.99 * a.sigma;
        if (gamma > sqrt(2.0) - 1) gamma = sqrt(2.0) - 1;
        if (k >= 4) gamma = 0;
        top = (1 + gamma) * a.sigma;
        double up = gamma > 0 ? sgm_sde_t_from_logsnr(&f->sde, -2 * log(top)) : t;
        if (up >= f->sde.T) continue; /* the process ends below that noise */
        m_up = sgm_sde_m(&f->sde, up);
        sgm__flow *flow = sgm__flow_new(&score, PROBES, &o, 0, 0);
        for (int i = 0; i < PROBES; i++) flow->y[i] = 0.3 * i - 1;
        CHECK_OK(sgm__flow_step(flow, t, to, key));
        sgm_normal(z, PROBES, key, 0);
        CHECK_REL(w.t[0], up, 1e-6), CHECK_REL(w.t[1], to, 1e-6);
        for (int i = 0; i < PROBES; i++) {
            double y = (0.3 * i - 1) / a.m;
            y += sqrt(top * top - a.sigma * a.sigma) * noise * z[i];
            double e0 = -top * m_up * w.S[0][i], e1 = -b.s * w.S[1][i],
                   size = fabs(y) * b.m + 3 * top * b.m;
            CHECK_CLOSE(w.x[0][i], m_up * y, 1e-6 * (fabs(m_up * y) + 1e-6));
            CHECK_CLOSE(w.x[1][i], b.m * (y + (b.sigma - top) * e0), 1e-6 * size);
            y += (b.sigma - top) / 2 * (e0 + e1);
            CHECK_CLOSE(flow->y[i], b.m * y, 1e-9 * size); /* √ of a difference at γ = 0.025 */
        }
        sgm__flow_free(flow);
    }
    script w; /* at T nothing is above; and the step to t = 0 is Euler's */
    sgm_score score = script_score(&w, &f->sde);
    sgm_sample_options o = options_of(SGM_METHOD_CHURN, 8);
    o.churn = 1;
    sgm__flow *flow = sgm__flow_new(&score, PROBES, &o, 0, 0);
    for (int i = 0; i < PROBES; i++) flow->y[i] = 0.3 * i - 1;
    CHECK_OK(sgm__flow_step(flow, f->sde.T, 0, sgm_key_init(3)));
    assert_int_equal(w.calls, 1);
    a = place_at(&f->sde, f->sde.T);
    for (int i = 0; i < PROBES; i++)
        CHECK_CLOSE(flow->y[i], (0.3 * i - 1 + a.s * a.s * w.S[0][i]) / a.m,
                    1e-12 * (2 + 3 * a.s * a.s) / a.m);
    sgm__flow_free(flow);
}

/*
## Weak order of every noisy method, without noise

On Gaussian data each method is linear in the start and in the noises, whatever it remembers. So its
law at the end is known from a few points: twins, which show how much noise a step adds; one that
starts a unit off; and one for each step, which gets the unit of that step's noise alone. From
N(m_T μ, V_T) the variance must come to V_t and the mean to m_t μ. Between the steps the points are
moved, which a method that remembers must not notice here: it would begin anew. With μ = 0 rounding is relative
to each of those numbers, 10⁻⁷ in a step; with another μ it is 10⁻⁷ of the size.
*/

enum { TWINS = 8, MOST_STEPS = 256 };

static law linear_law(const sgm_sde *sde, sgm_sample_options o, double mu, double c0) {
    static float x[TWINS + 1 + MOST_STEPS], z[TWINS + 1 + MOST_STEPS];
    int n = TWINS + 1 + o.steps;
    sgm_mixture mix;
    sgm_sampler sampler;
    sgm_key key = sgm_key_init(21);
    double m = sgm_sde_m(sde, o.t_start), s = sgm_sde_s(sde, o.t_start), V = m * m * c0 + s * s;
    law end = {0, 0};
    CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &mu, &c0, SGM_COV_ISOTROPIC, sde));
    sgm_score score = sgm_mixture_score(&mix);
    CHECK_OK(sgm_sampler_init(&sampler, &score, n, &o, key));
    for (int i = 0; i < n; i++) x[i] = (float)(m * mu + (i == TWINS ? sqrt(V) : 0));
    for (int k = 0; k < o.steps; k++) {
        int low = 0, high = 0;
        CHECK_OK(sgm_sampler_step(&sampler, x));
        sgm_normal(z, (size_t)n, sgm_key_split(key, (uint64_t)k + 1), 0);
        for (int i = 0; i < TWINS; i++)
            low = z[i] < z[low] ? i : low, high = z[i] > z[high] ? i : high;
        double unit = (x[high] - (double)x[low]) / (z[high] - (double)z[low]), twin = 0;
        for (int i = 0; i < n; i++) x[i] = (float)(x[i] - unit * z[i]);
        x[TWINS + 1 + k] = (float)(x[TWINS + 1 + k] + unit);
        for (int i = 0; i < TWINS; i++) twin += x[i] / (double)TWINS;
        for (int i = 0; i < TWINS; i++) x[i] = (float)twin;
        for (int i = 0; i < n && sampler.flow; i++) sampler.flow->y[i] = x[i];
    }
    for (int i = TWINS; i < n; i++) end.variance += (x[i] - (double)x[0]) * (x[i] - (double)x[0]);
    end.deviation = x[0];
    sgm_sampler_free(&sampler), sgm_mixture_free(&mix);
    return end;
}

typedef struct noisy {
    sgm_method method;
    double eta, churn, order;
} noisy;

static const noisy all_noisy[] = {{SGM_METHOD_EULER_MARUYAMA, 0, 0, 1}, {SGM_METHOD_REVERSE_DIFFUSION, 0, 0, 1},
                                  {SGM_METHOD_ANCESTRAL, 0, 0, 1},      {SGM_METHOD_DDIM, 0, 0, 1},
                                  {SGM_METHOD_DDIM, 0.5, 0, 1},         {SGM_METHOD_DDIM, 1, 0, 1},
                                  {SGM_METHOD_DPM_SDE, 0, 0, 2},        {SGM_METHOD_CHURN, 0, 0, 2},
                                  {SGM_METHOD_CHURN, 0, 2, 2}};
enum { NOISY = sizeof all_noisy / sizeof *all_noisy };

static void test_weak_order(void **state) {
    const check_family *f = (const check_family *)*state;
    double top = exp(-0.5 * sgm_sde_logsnr(&f->sde, f->sde.T)), c0 = 0.35;
    for (int k = 0; k < NOISY; k++)
        for (int part = 0; part < 2; part++) {
            double error[2];
            sgm_sample_options o =
                options_of(all_noisy[k].method, all_noisy[k].order > 1 ? 64 : 128);
            o.eta = all_noisy[k].eta, o.churn = all_noisy[k].churn;
            o.grid = SGM_GRID_LOGSNR, o.plain_end = 1, o.x_given = 1;
            o.t_start = sgm_sde_t_from_logsnr(&f->sde, -2 * log(top > 3 ? 2 : 0.7 * top));
            o.t_end = sgm_sde_t_from_logsnr(&f->sde, -2 * log(fmin(0.45, 0.25 * top)));
            double m = sgm_sde_m(&f->sde, o.t_end), s = sgm_sde_s(&f->sde, o.t_end);
            for (int j = 0; j < 2; j++, o.steps *= 2) {
                law end = linear_law(&f->sde, o, part ? 0.7 : 0, c0);
                error[j] = end.variance / (m * m * c0 + s * s) - 1;
                if (part) error[j] = end.deviation / m - 0.7;
            }
            if (part && k >= 2) { /* all but the first two carry the mean exactly */
                CHECK_CLOSE(error[0], 0, 128 * FLT_EPSILON), CHECK_CLOSE(error[1], 0, 2e-5);
            } else if (!part || fabs(error[0]) > 1e-4) {
                CHECK_CLOSE(log2(error[0] / error[1]), all_noisy[k].order, 0.15);
            }
            assert_true(fabs(error[1]) < (all_noisy[k].order > 1 ? 5e-4 : 0.02));
        }
}

/* Random runs of the methods that work on a flow state have that law, within its scatter. */

static void test_noisy_samples(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x[N_GAUSS];
    double mu = 1.5, c0 = 0.3;
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &mu, &c0, SGM_COV_ISOTROPIC, &f->sde));
    sgm_score exact = sgm_mixture_score(&mix);
    for (int k = 4; k < NOISY; k++) {
        sgm_sample_options o = options_of(all_noisy[k].method, 30);
        sgm_sampler sampler;
        o.eta = all_noisy[k].eta, o.churn = all_noisy[k].churn, o.grid = SGM_GRID_LOGSNR;
        o.t_start = f->end, o.x_given = 1;
        double m = sgm_sde_m(&f->sde, o.t_start), s = sgm_sde_s(&f->sde, o.t_start);
        law truth = linear_law(&f->sde, o, mu, c0); /* from p_T */
        CHECK_OK(sgm_sampler_init(&sampler, &exact, N_GAUSS, &o, sgm_key_init(8)));
        sgm_normal(x, N_GAUSS, sgm_key_init(9), 0);
        for (int i = 0; i < N_GAUSS; i++) x[i] = (float)(m * mu + sqrt(m * m * c0 + s * s) * x[i]);
        while (!sgm_sampler_done(&sampler)) CHECK_OK(sgm_sampler_step(&sampler, x));
        check_moments got = check_moments_of(x, N_GAUSS, 1);
        CHECK_CLOSE(got.mean, truth.deviation, CHECK_SIGMAS * sqrt(truth.variance / N_GAUSS));
        CHECK_CLOSE(got.var, truth.variance, CHECK_SIGMAS * truth.variance * sqrt(2.0 / N_GAUSS));
        sgm_sampler_free(&sampler);
    }
    sgm_mixture_free(&mix);
}

/*
## (5.13) One Brownian path for all step sizes

Each step takes the sum of its increments. So runs with different steps follow one path, and come
together like Δ: the noise here does not depend on x. Runs without a common path stay apart.
*/

static void test_path_noise(void **state) {
    enum { N = 3 };
    float x[2 * N], z[2 * N];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    spy w;
    (void)state;
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++)
        for (int plain = 0; plain < 2; plain++) {
            sgm_score score = spy_score(&w, &sde);
            sgm_sample_options o = options_of((sgm_method)method, plain ? 4 : 5);
            sgm_sampler sampler;
            sgm_key key = sgm_key_init(6);
            o.path_steps = 12, o.plain_end = plain;
            CHECK_OK(sgm_sampler_init(&sampler, &score, N, &o, key));
            sgm_sampler_prior(&sampler, x);
            for (int i = 0; i < 4; i++) {
                double c[3], before[2 * N], sum[2 * N];
                for (int k = 0; k < 2 * N; k++) before[k] = x[k], sum[k] = 0;
                CHECK_OK(sgm_sampler_step(&sampler, x));
                for (int j = 0; j < 3; j++) {
                    sgm_normal(z, 2 * N, sgm_key_split(key, (uint64_t)(3 * i + j) + 1), 0);
                    for (int k = 0; k < 2 * N; k++) sum[k] += z[k];
                }
                sgm__reverse_step(c, o.method, &sde, sampler.t[i], sampler.t[i + 1]);
                for (int k = 0; k < 2 * N; k++)
                    CHECK_CLOSE(x[k], (c[0] - 0.5 * c[1]) * before[k] + c[2] * sum[k] / sqrt(3.0),
                                3e-7 *
                                    (fabs(c[0] * before[k]) + fabs(c[1] * before[k]) + 4 * c[2]));
            }
            sgm_sampler_free(&sampler);
        }
}

static void test_strong_order(void **state) {
    enum { N = 400, PATH = 512 };
    static float x[3][N];
    double mean[2] = {-1, 0.8}, var[2] = {0.3, 0.5};
    sgm_sde sde = sgm_sde_vp(0.1, 10);
    sgm_mixture mix;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        double apart[2] = {0, 0}, alone = 0;
        sgm_sample_options o = options_of((sgm_method)method, PATH / 4);
        o.path_steps = PATH, o.plain_end = 1, o.t_end = 0.05;
        for (int k = 0; k < 3; k++, o.steps *= 2)
            CHECK_OK(sgm_sample(x[k], N, &score, &o, sgm_key_init(4)));
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 2; k++) apart[k] += fabs(x[k][i] - x[k + 1][i]) / N;
        CHECK_CLOSE(log2(apart[0] / apart[1]), 1, 0.15);
        o.steps = PATH / 2, o.path_steps = 0;
        CHECK_OK(sgm_sample(x[0], N, &score, &o, sgm_key_init(4)));
        for (int i = 0; i < N; i++) alone += fabs(x[0][i] - x[1][i]) / N;
        assert_true(alone > 20 * apart[0]);
    }
    sgm_mixture_free(&mix);
}

/*
## (6.8) Predictor and corrector

The corrector alone, at one level: on N(0, V) in one dimension the score's mean size is E|z| √V'/V
where V' is the crowd's variance, so (6.8) takes γ = 2r² V²/V'; and (6.4) with this γ settles where
V' = V(1 + r²). Forty steps forget what was before: (1 − γ/V)² is 0.4 for r = ½.
*/

static void test_corrector(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { N = 20000 };
    static float x[N];
    double zero = 0, c0 = 0.3, r = 0.5, t[2] = {0.51 * f->end, 0.5 * f->end};
    sgm_mixture mix;
    sgm_sampler sampler;
    CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &zero, &c0, SGM_COV_ISOTROPIC, &f->sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int k = 0; k < 2; k++) {
        sgm_sample_options o = options_of(k ? SGM_METHOD_HEUN : SGM_METHOD_ANCESTRAL, 1);
        o.corrector = 40, o.snr = r, o.plain_end = 1, o.t_start = t[0], o.t_end = t[1];
        o.x_given = 1;
        CHECK_OK(sgm_sampler_init(&sampler, &score, N, &o, sgm_key_init(8)));
        sgm_normal(x, N, sgm_key_init(9), 0);
        for (int i = 0; i < N; i++) x[i] *= (float)sgm_sde_s(&f->sde, t[0]);
        CHECK_OK(sgm_sampler_step(&sampler, x));
        double m = sgm_sde_m(&f->sde, t[1]), s = sgm_sde_s(&f->sde, t[1]), V = m * m * c0 + s * s;
        check_moments got = check_moments_of(x, N, 1);
        double truth = V * (1 + r * r);
        CHECK_CLOSE(got.var, truth, CHECK_SIGMAS * truth * sqrt(2.0 / N));
        CHECK_CLOSE(got.mean, 0, CHECK_SIGMAS * sqrt(truth / N));
        CHECK_CLOSE(got.kurt, 0, CHECK_SIGMAS * sqrt(24.0 / N));
        assert_int_equal(sampler.n_evals, 40 + 1 + k);
        sgm_sampler_free(&sampler);
    }
    sgm_mixture_free(&mix);
}

/* The same step by step in three dimensions: γ from the crowd's mean norm, the time that the
predictor reached, r = 0.16 by default, and no correction after the last, denoising, update. */

static void test_corrector_step(void **state) {
    enum { N = 22, D = 3, STEPS = 3 };
    double mean[6] = {1, 0, -1, 2, 0.5, 0}, var[2] = {0.3, 0.2};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int k = 0; k < 2; k++) {
        float x[N * D], y[N * D], s[N * D], z[N * D], t[N];
        sgm_sampler with, without;
        sgm_sample_options o = options_of(SGM_METHOD_ANCESTRAL, STEPS), plain = o;
        double r = k ? 0.3 : 0.16;
        o.corrector = 1, o.snr = k ? r : 0, plain.x_given = 1;
        CHECK_OK(sgm_sampler_init(&with, &score, N, &o, sgm_key_init(8)));
        CHECK_OK(sgm_sampler_init(&without, &score, N, &plain, sgm_key_init(8)));
        sgm_sampler_prior(&with, x), memcpy(y, x, sizeof x);
        for (int i = 0; i < STEPS; i++) {
            double norm = 0;
            CHECK_OK(sgm_sampler_step(&with, x)), CHECK_OK(sgm_sampler_step(&without, y));
            if (i + 1 == STEPS) {
                assert_memory_equal(x, y, sizeof x);
                break;
            }
            for (int j = 0; j < N; j++) t[j] = (float)with.t[i + 1];
            CHECK_OK(sgm_score_eval(&score, s, y, t, N));
            for (int j = 0; j < N; j++) {
                double square = 0;
                for (int l = 0; l < D; l++) square += s[j * D + l] * (double)s[j * D + l];
                norm += sqrt(square) / N;
            }
            double noise = 2 * sqrt(2 / 3.14159265358979); /* E‖z‖ for D = 3 */
            double gamma = 2 * pow(r * noise / norm, 2);
            sgm_key key = sgm_key_split(sgm_key_init(8), (uint64_t)-1); /* of all correctors */
            sgm_normal(z, N * D, sgm_key_split(sgm_key_split(key, (uint64_t)i), 0), 0);
            for (int j = 0; j < N * D; j++) {
                double truth = y[j] + gamma * s[j] + sqrt(2 * gamma) * z[j];
                double size = fabs(y[j]) + gamma * fabs(s[j]) + sqrt(2 * gamma) * fabs(z[j]);
                CHECK_CLOSE(x[j], truth, 1e-6 * size);
            }
            memcpy(y, x, sizeof x);
        }
        assert_int_equal(with.n_evals, 2 * STEPS - 1);
        sgm_sampler_free(&with), sgm_sampler_free(&without);
    }
    sgm_mixture_free(&mix);
}

/*
## What goes wrong, and is said
*/

static void test_bad_samplers(void **state) {
    spy w;
    float x[4] = {0, 0, 0, 0};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_score score = spy_score(&w, &sde), empty, odd = score;
    sgm_sample_options o = options_of(SGM_METHOD_ANCESTRAL, 4);
    sgm_key key = sgm_key_init(0);
    (void)state;
    memset(&empty, 0, sizeof empty);
    CHECK_FAILS(sgm_sample(x, 0, &score, &o, key), SGM_BAD_ARGUMENT, "ask for at least 1");
    CHECK_FAILS(sgm_sample(x, -2, &score, &o, key), SGM_BAD_ARGUMENT, "ask for at least 1");
    CHECK_FAILS(sgm_sample(x, 2, NULL, &o, key), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_sample(x, 2, &empty, &o, key), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_sample(NULL, 2, &score, &o, key), SGM_BAD_ARGUMENT, "a place for");
    CHECK_FAILS(sgm_sampler_init(NULL, &score, 2, &o, key), SGM_BAD_ARGUMENT, "needs a place");
    odd.sde.family = SGM_FAMILY_NONE;
    CHECK_FAILS(sgm_sample(x, 2, &odd, &o, key), SGM_BAD_ARGUMENT, "set its sde");
    odd.sde.family = (sgm_family)99;
    CHECK_FAILS(sgm_sample(x, 2, &odd, &o, key), SGM_BAD_ARGUMENT, "preset");
    o.steps = -1;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "ask for at least 1");
    for (int k = -1; k <= SGM_METHOD_DPMPP_3M + 1; k += SGM_METHOD_DPMPP_3M + 2) {
        o = options_of((sgm_method)k, 4);
        CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "no sampling method");
    }
    o = options_of(SGM_METHOD_ANCESTRAL, 4), o.plain_end = 1, o.t_end = 1.5;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "start > end");
    o.t_end = 0, o.grid = SGM_GRID_LOGSNR;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "end at t_min");
    o = options_of(SGM_METHOD_ANCESTRAL, 4), o.t_start = 0.5; /* where no prior is known */
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "and x_given");
    o.x_given = 1;
    CHECK_OK(sgm_sample(x, 2, &score, &o, key));
    o.t_start = 1e-4;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "start > end");
    o.t_start = 3;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "t_start <= T");
    o = options_of(SGM_METHOD_ANCESTRAL, 4), score.sde.t_min = 0;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, "set the SDE's t_min");
    o.plain_end = 1;
    CHECK_OK(sgm_sample(x, 2, &score, &o, key));
    assert_int_equal(live_blocks, alive_before);
}

/* What the options of chapter 7's methods, of noise and of correctors must not be. */

static void test_bad_options(void **state) {
    spy w;
    float x[4];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_score score = spy_score(&w, &sde);
    sgm_key key = sgm_key_init(0);
    double bad[2] = {-0.1, NAN};
    (void)state;
#define SAMPLE(what) CHECK_FAILS(sgm_sample(x, 2, &score, &o, key), SGM_BAD_ARGUMENT, what)
    sgm_method back[4] = {SGM_METHOD_DPM_SDE, SGM_METHOD_DPMPP_2M, SGM_METHOD_DPMPP_3M, SGM_METHOD_ADAMS};
    int order[4] = {2, 2, 3, 4};
    for (int k = 0; k < 4; k++) { /* by (5.10) the last of the steps is not the method's */
        sgm_sample_options o = options_of(back[k], order[k]);
        char cure[60];
        snprintf(cure, sizeof cure, "take more steps, %d at least", order[k] + 1);
        SAMPLE(cure);
        o.steps++, w.calls = 0;
        CHECK_OK(sgm_sample(x, 2, &score, &o, key));
        o.steps--, o.plain_end = 1, o.t_end = 0.01;
        CHECK_OK(sgm_sample(x, 2, &score, &o, key));
        o.steps--;
        SAMPLE("take more steps");
    }
    sgm_method at_end[8] = {SGM_METHOD_DPM_SDE, SGM_METHOD_DPM_2, SGM_METHOD_DPM_3, SGM_METHOD_DPMPP_2M, SGM_METHOD_DPMPP_3M,
                            SGM_METHOD_HEUN,    SGM_METHOD_RK4,   SGM_METHOD_RK45};
    for (int k = 0; k < 8; k++) { /* log-SNR, or the score of a point, is infinite at t = 0 */
        sgm_sample_options o = options_of(at_end[k], 6);
        o.plain_end = 1;
        SAMPLE("set t_end");
    }
    for (int k = 0; k < 2; k++) {
        sgm_sample_options o = options_of(SGM_METHOD_RK45, 0);
        o.rtol = bad[k];
        SAMPLE("0 means 1e-5");
        o = options_of(SGM_METHOD_RK45, 0), o.atol = bad[k];
        SAMPLE("0 means 1e-5");
        o = options_of(SGM_METHOD_DDIM, 5), o.eta = bad[k];
        SAMPLE("needs 0 to 1");
        o = options_of(SGM_METHOD_ANCESTRAL, 5), o.snr = bad[k];
        SAMPLE("neither is negative");
        o = options_of(SGM_METHOD_CHURN, 5), o.churn = bad[k];
        SAMPLE("not negative");
        o = options_of(SGM_METHOD_CHURN, 5), o.churn_noise = bad[k];
        SAMPLE("not negative");
        o = options_of(SGM_METHOD_ANCESTRAL, 5), o.plain_end = 1, o.t_end = bad[k];
        SAMPLE("needs a time >= 0");
    }
    sgm_sample_options o = options_of(SGM_METHOD_DDIM, 5);
    o.eta = 1.5;
    SAMPLE("needs 0 to 1");
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_DPMPP_3M; method++) {
        o = options_of((sgm_method)method, 6), o.eta = 0.5; /* not its own options */
        if (method != SGM_METHOD_DDIM) SAMPLE("with SGM_METHOD_DDIM");
        o = options_of((sgm_method)method, 6), o.churn = 1;
        if (method != SGM_METHOD_CHURN) SAMPLE("needs SGM_METHOD_CHURN");
        o = options_of((sgm_method)method, 6), o.rtol = 1e-3;
        if (method != SGM_METHOD_RK45) SAMPLE("has no tolerance");
        o = options_of((sgm_method)method, 6), o.snr = 0.2;
        SAMPLE("snr is the corrector's");
        o = options_of((sgm_method)method, 6), o.t_end = 0.1;
        SAMPLE("and plain_end");
        o = options_of((sgm_method)method, 6), o.path_steps = 10;
        if (method > SGM_METHOD_ANCESTRAL) SAMPLE("one of the first three methods");
    }
    o = options_of(SGM_METHOD_ANCESTRAL, 5), o.corrector = -1;
    SAMPLE("neither is negative");
    long paths[4] = {-4, 2, 6, 10}; /* of 4 updates */
    for (int k = 0; k < 4; k++) {
        o = options_of(SGM_METHOD_EULER_MARUYAMA, 5), o.path_steps = paths[k];
        SAMPLE("needs a multiple of the steps");
    }
    o = options_of(SGM_METHOD_EULER_MARUYAMA, 5), o.path_steps = 8, o.grid = SGM_GRID_LOGSNR;
    SAMPLE("uniform grid");
    o = options_of(SGM_METHOD_EULER_MARUYAMA, 1), o.path_steps = 8;
    SAMPLE("needs a multiple of the steps");
    o = options_of(SGM_METHOD_EULER_MARUYAMA, 5), o.path_steps = 8;
    CHECK_OK(sgm_sample(x, 2, &score, &o, key));
    assert_int_equal(live_blocks, alive_before);
}

/* A run of one step obeys the same limits. */

static void test_bad_one_step(void **state) {
    spy w;
    float x[4];
    double bad[4] = {3, -1, NAN, 0.5};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_score score = spy_score(&w, &sde);
    sgm_sample_options o = options_of(SGM_METHOD_ANCESTRAL, 1);
    (void)state;
    for (int i = 0; i < 4; i++) {
        o.t_start = bad[i];
        assert_int_equal(sgm_sample(x, 2, &score, &o, sgm_key_init(0)), SGM_BAD_ARGUMENT);
    }
    assert_int_equal(live_blocks, alive_before);
}

static void test_failures_in_a_run(void **state) {
    spy w;
    float x[4];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_score score = spy_score(&w, &sde);
    sgm_sample_options o = options_of(SGM_METHOD_EULER_MARUYAMA, 5);
    sgm_sampler sampler;
    (void)state;
    w.fail_at = 2;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, sgm_key_init(0)), SGM_MISMATCH, "the spy fails");
    assert_int_equal(w.calls, 3);
    assert_int_equal(live_blocks, alive_before);
    score = spy_score(&w, &sde), w.nan_at = 3;
    CHECK_FAILS(sgm_sample(x, 2, &score, &o, sgm_key_init(0)), SGM_NOT_FINITE, "take more steps");
    assert_int_equal(live_blocks, alive_before);
    score = spy_score(&w, &sde),
    w.fail_at = 0; /* a step that fails leaves points and count as they were */
    CHECK_OK(sgm_sampler_init(&sampler, &score, 2, &o, sgm_key_init(0)));
    float before[4];
    sgm_sampler_prior(&sampler, x);
    memcpy(before, x, sizeof x);
    CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_MISMATCH, "the spy fails");
    assert_memory_equal(x, before, sizeof x);
    assert_int_equal(sampler.step, 0);
    CHECK_OK(sgm_sampler_step(&sampler, x));
    sgm_sampler_free(&sampler);
    sgm_sampler_free(&sampler); /* twice is harmless */
    for (int method = SGM_METHOD_DPM_SDE; method <= SGM_METHOD_DPMPP_3M; method++)
        for (int k = 0; k < 9; k++) { /* nor does a failure spoil what a method remembers */
            float y[4], truth[4];
            int failures = 0;
            o = options_of((sgm_method)method, 7);
            if (method == SGM_METHOD_RK45) o.steps = 0, o.rtol = o.atol = 1e-2;
            score = spy_score(&w, &sde);
            CHECK_OK(sgm_sample(truth, 2, &score, &o, sgm_key_init(0)));
            score = spy_score(&w, &sde), w.fail_at = k;
            CHECK_OK(sgm_sampler_init(&sampler, &score, 2, &o, sgm_key_init(0)));
            sgm_sampler_prior(&sampler, y);
            while (!sgm_sampler_done(&sampler))
                failures += sgm_sampler_step(&sampler, y) == SGM_MISMATCH;
            sgm_sampler_free(&sampler);
            assert_int_equal(failures, k < w.calls);
            if (method != SGM_METHOD_RK45) assert_memory_equal(y, truth, sizeof y);
        }
    o = options_of(SGM_METHOD_EULER_MARUYAMA, 5);
    for (long k = 0; k < 2; k++) {
        score = spy_score(&w, &sde), alloc_calls = 0, fail_at = k + 1;
        sgm_status status = sgm_sample(x, 2, &score, &o, sgm_key_init(0));
        fail_at = 0;
        CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
        assert_int_equal(live_blocks, alive_before);
    }
}

typedef struct per_family {
    const char *name;
    void (*test)(void **state);
} per_family;

/* Points that you move between two steps: a method that remembers begins anew there, and its step has the bits of one that has
never stepped before. Left where they are, it remembers, and steps otherwise. */
static void test_forgets(void **state) {
    const sgm_method methods[4] = {SGM_METHOD_DPM_SDE, SGM_METHOD_DPMPP_2M, SGM_METHOD_DPMPP_3M, SGM_METHOD_ADAMS};
    double mean[2] = {-1, 1}, var[2] = {0.04, 0.09};
    (void)state;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int k = 0; k < 4; k++) {
        sgm_sample_options o = options_of(methods[k], 12), given;
        sgm_sampler old, fresh;
        float x[6], moved[6], first[6];
        o.grid = SGM_GRID_LOGSNR, given = o, given.x_given = 1;
        CHECK_OK(sgm_sampler_init(&old, &score, 6, &o, sgm_key_init(1)));
        CHECK_OK(sgm_sampler_init(&fresh, &score, 6, &given, sgm_key_init(1)));
        sgm_sampler_prior(&old, x);
        for (int i = 0; i < 5; i++) CHECK_OK(sgm_sampler_step(&old, x));
        memcpy(first, x, sizeof x), fresh.step = 5;
        CHECK_OK(sgm_sampler_step(&fresh, first)); /* the same step without a past */
        memcpy(moved, x, sizeof x);
        CHECK_OK(sgm_sampler_step(&old, moved));
        assert_memory_not_equal(moved, first, sizeof first);
        for (int i = 0; i < 6; i++) moved[i] += 0.25f;
        memcpy(first, moved, sizeof moved), sgm_sampler_free(&fresh);
        CHECK_OK(sgm_sampler_init(&fresh, &score, 6, &given, sgm_key_init(1)));
        fresh.step = 6;
        CHECK_OK(sgm_sampler_step(&fresh, first));
        CHECK_OK(sgm_sampler_step(&old, moved));
        assert_memory_equal(moved, first, sizeof first);
        sgm_sampler_free(&old), sgm_sampler_free(&fresh);
    }
    sgm_mixture_free(&mix);
}

/*
## Again, with another key

A sampler that is reset draws what a new one with that key draws, bit for bit, and allocates nothing,
whatever it did before (here it stops in the middle of a run): every method, with what remembers, on
a mixture, on scaled points, guided, and given a measurement.
*/

static void test_reset(void **state) {
    enum { N = 40, STEPS = 9 };
    static float x[2 * N], truth[2 * N];
    double mean[4] = {1, 0, -1, 2}, var[2] = {0.2, 0.1}, other[2] = {-1, 2};
    float data[6] = {1, 7, 2, 9, 4, 8}, A[2] = {1, 1}, y = 0.7f;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix, one;
    sgm_scaler scaler;
    sgm_guided guided;
    sgm_inverse problem;
    sgm_posterior posterior;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    CHECK_OK(sgm_mixture_init(&one, 1, 2, NULL, other, var + 1, SGM_COV_ISOTROPIC, &sde));
    CHECK_OK(sgm_scaler_init(&scaler, data, 3, 2));
    CHECK_OK(sgm_inverse_init(&problem, 2, 1, A, &y, 0.1));
    sgm_score score[4], told = sgm_mixture_score(&one);
    score[0] = score[1] = sgm_mixture_score(&mix), score[1].scaler = &scaler;
    CHECK_OK(sgm_guided_init(&guided, &score[0], &told, 0, 1.5));
    CHECK_OK(sgm_posterior_init(&posterior, &score[1], &problem, 1));
    score[2] = sgm_guided_score(&guided), score[3] = sgm_posterior_score(&posterior);
    for (int k = 0; k < 4 * (SGM_METHOD_DPMPP_3M + 2); k++) {
        int method = k / 4, path = method > SGM_METHOD_DPMPP_3M;
        sgm_sample_options o = options_of(path ? SGM_METHOD_AUTO : (sgm_method)method, STEPS);
        sgm_sampler sampler;
        o.corrector = method % 2, o.eta = method == SGM_METHOD_DDIM ? 0.5 : 0;
        o.churn = method == SGM_METHOD_CHURN ? 3 : 0, o.path_steps = path ? 4 * (STEPS - 1) : 0;
        CHECK_OK(sgm_sample(truth, N, &score[k % 4], &o, sgm_key_init(20)));
        CHECK_OK(sgm_sampler_init(&sampler, &score[k % 4], N, &o, sgm_key_init(21)));
        sgm_sampler_prior(&sampler, x);
        for (int i = 0; i < 6; i++) CHECK_OK(sgm_sampler_step(&sampler, x));
        for (int again = 0; again < 2; again++) {
            int before = alloc_calls, alive = live_blocks;
            sgm_sampler_reset(&sampler, sgm_key_init(20));
            assert_int_equal(sampler.step, 0), assert_int_equal(sampler.n_evals, 0);
            CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_BAD_ARGUMENT, "sgm_sampler_prior");
            sgm_sampler_prior(&sampler, x);
            while (!sgm_sampler_done(&sampler)) {
                CHECK_OK(sgm_sampler_step(&sampler, x)); /* guided scores have scratch of their own */
                if (k % 4 < 2) assert_int_equal(alloc_calls, before);
            }
            if (k % 4 < 2) assert_int_equal(alloc_calls, before);
            assert_int_equal(live_blocks, alive);
            assert_memory_equal(x, truth, sizeof x);
        }
        sgm_sampler_free(&sampler);
    }
    sgm_sampler_reset(NULL, sgm_key_init(1));
    sgm_posterior_free(&posterior), sgm_inverse_free(&problem), sgm_scaler_free(&scaler);
    sgm_mixture_free(&mix), sgm_mixture_free(&one);
    assert_int_equal(live_blocks, alive_before);
}

/* The film of §5.1: data −1 and 1 under EDM's process, as the book prints it. */

static void test_film(void **state) {
    double at[5] = {3, 1.5, 0.75, 0.3, 0}, z[4] = {0.6, -1, 0.3, 0}, x = 2.4, data[2] = {-1, 1}, c[3];
    double shown_x[5] = {2.4, 1.575, 0.197, 0.397, 0.9997}, shown_x0[4] = {0.261, 0.604, 0.337, 0.9997};
    sgm_sde sde = sgm_sde_edm(1e-3, 80);
    sgm_mixture mix;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, NULL, data, NULL, SGM_COV_POINTS, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int i = 0; i < 4; i++) {
        float s, at_x = (float)x, t = (float)at[i];
        CHECK_OK(sgm_score_eval(&score, &s, &at_x, &t, 1));
        double x0 = x + at[i] * at[i] * s;
        CHECK_CLOSE(x, shown_x[i], 0.0005), CHECK_CLOSE(x0, tanh(x / (at[i] * at[i])), 1e-6);
        CHECK_CLOSE(x0, shown_x0[i], 0.0005);
        sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, &sde, at[i], at[i + 1]);
        x = c[0] * x + c[1] * s + c[2] * z[i];
    }
    CHECK_CLOSE(x, shown_x[4], 0.0005);
    sgm_mixture_free(&mix);
}

/* Nobody drew the points: the first step says so and the cure, and touches nothing. Either cure works, and with points of your own
a reset asks for no prior. */

static void test_no_prior(void **state) {
    float x[4] = {0, 0, 0, 0}, start[4] = {0.3f, -1, 2, 0.5f};
    spy w;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_score score = spy_score(&w, &sde);
    sgm_sample_options o = options_of(SGM_METHOD_ANCESTRAL, 4);
    sgm_sampler sampler;
    (void)state;
    CHECK_OK(sgm_sampler_init(&sampler, &score, 2, &o, sgm_key_init(1)));
    CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_BAD_ARGUMENT, "call sgm_sampler_prior");
    CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_BAD_ARGUMENT, "set x_given");
    assert_int_equal(w.calls, 0), assert_int_equal(sampler.step, 0);
    for (int i = 0; i < 4; i++) assert_true(x[i] == 0);
    sgm_sampler_prior(&sampler, NULL); /* no place: no prior */
    CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_BAD_ARGUMENT, "call sgm_sampler_prior");
    sgm_sampler_prior(&sampler, x);
    CHECK_OK(sgm_sampler_step(&sampler, x));
    sgm_sampler_reset(&sampler, sgm_key_init(2)); /* a new run wants a prior of its own */
    CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_BAD_ARGUMENT, "call sgm_sampler_prior");
    sgm_sampler_free(&sampler);
    o.x_given = 1;
    CHECK_OK(sgm_sampler_init(&sampler, &score, 2, &o, sgm_key_init(1)));
    for (int again = 0; again < 2; again++) {
        float end[4];
        memcpy(end, start, sizeof end);
        while (!sgm_sampler_done(&sampler)) CHECK_OK(sgm_sampler_step(&sampler, end));
        if (again) assert_memory_equal(end, x, sizeof x);
        memcpy(x, end, sizeof x);
        CHECK_FAILS(sgm_sampler_step(&sampler, end), SGM_BAD_ARGUMENT, "sgm_sampler_reset");
        sgm_sampler_reset(&sampler, sgm_key_init(1));
    }
    sgm_sampler_free(&sampler);
    assert_int_equal(live_blocks, alive_before);
}

int main(void) {
    static const per_family each[] = {
        {"(5.3) samples of a Gaussian:", test_gaussian_samples},
        {"(5.3) samples of a mixture:", test_mixture_samples},
        {"(5.3) half of the drift is seen:", test_half_drift},
        {"(5.3) weak order 1:", test_order},
        {"(5.11) SDE-DPM-Solver++:", test_dpm_sde},
        {"(5.12) churn:", test_churn},
        {"(7.3) DDIM with noise:", test_ddim_eta},
        {"(5.4) to (5.12) weak order:", test_weak_order},
        {"(5.11) (5.12) (7.3) noisy samples:", test_noisy_samples},
        {"(6.4) (6.8) corrector:", test_corrector},
        {"(5.10) grids:", test_grid},
        {"(5.10) where the score is evaluated:", test_rule},
        {"(5.4) (5.5) (5.8) three numbers:", test_coefficients},
        {"(5.4) (5.5) (5.8) first order:", test_first_order},
        {"(5.10) (5.9) convergence to the data:", test_to_data},
        {"(5.9) last step:", test_last_step},
        {"5.4 updates:", test_update},
        {"(1.9) the sampler's prior:", test_prior},
    };
    enum { EACH = sizeof each / sizeof *each };
    static char names[EACH * CHECK_FAMILIES][80];
    static struct CMUnitTest tests[EACH * CHECK_FAMILIES];
    const struct CMUnitTest once[] = {
        {"(5.10) bad grids", test_bad_grids, count_alive, NULL, NULL},
        {"(5.5) (5.8) DDPM term by term", test_ddpm, count_alive, NULL, NULL},
        {"5.4 whole run and steps", test_whole_is_steps, count_alive, NULL, NULL},
        {"5.5 a set is drawn in blocks", test_blocks, count_alive, NULL, NULL},
        {"5.4 any number of threads", test_threads, count_alive, NULL, NULL},
        {"(5.13) sums of increments", test_path_noise, count_alive, NULL, NULL},
        {"(5.13) strong order 1", test_strong_order, count_alive, NULL, NULL},
        {"(6.8) corrector, step by step", test_corrector_step, count_alive, NULL, NULL},
        {"5.4 bad options", test_bad_options, count_alive, NULL, NULL},
        {"5.4 bad samplers", test_bad_samplers, count_alive, NULL, NULL},
        {"5.4 bad start of one step", test_bad_one_step, count_alive, NULL, NULL},
        {"5.4 failures in a run", test_failures_in_a_run, count_alive, NULL, NULL},
        {"5.4 a method that remembers forgets", test_forgets, count_alive, NULL, NULL},
        {"5.1 the film, by hand", test_film, count_alive, NULL, NULL},
        {"5.5 a sampler starts again", test_reset, count_alive, NULL, NULL},
        {"5.5 a sampler without its prior", test_no_prior, count_alive, NULL, NULL},
    };
    int failed = 0;
    check_families(family);
    for (int i = 0; i < EACH * CHECK_FAMILIES; i++) {
        const per_family *p = &each[i / CHECK_FAMILIES];
        snprintf(names[i], sizeof names[i], "%s %s", p->name, family[i % CHECK_FAMILIES].name);
        tests[i].name = names[i], tests[i].test_func = p->test, tests[i].setup_func = count_alive;
        tests[i].initial_state = &family[i % CHECK_FAMILIES];
    }
    failed += cmocka_run_group_tests_name("chapter 5, families", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("chapter 5", once, NULL, NULL);
    return failed != 0;
}
