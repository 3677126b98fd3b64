/*
Chapter 2, scores and score matching. The exact scores are held against differences of the log
density, the log density against its integral and Cholesky, outputs and weights against their
definitions with a known x0 and ε, the loss against closed forms.

Statistical checks have fixed keys; a tolerance of CHECK_SIGMAS standard errors is a false alarm
of one in 1.7 million keys, CHECK_RATE the same for p-values.

    cc -O2 -o test_2_scores test_2_scores.c -lcmocka -lm
*/

#include <stddef.h>
#include <stdlib.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "families.h"

#define ROOT2 1.41421356237309504880

static check_family family[CHECK_FAMILIES];

/* Numbers of no special value: the i-th draw from U(-1,1), rounded to 10 bits so that sums are
exact in float. */

static double any(uint64_t i) {
    float u;
    sgm_uniform(&u, 1, sgm_key_init(2385), i);
    return floor((2 * u - 1) * 1024) / 1024;
}

/* A mixture of k components: means within ±2, standard deviations from .5 to 1.2, covariances A
Aᵀ + .25 I. */

static void make_mixture(sgm_mixture *mix, int k, int d, sgm_cov shape, const sgm_sde *sde) {
    double weight[8], mean[40], cov[200], a[25];
    uint64_t next = 1000 * (uint64_t)d + (uint64_t)shape;
    for (int i = 0; i < k; i++) {
        weight[i] = 1.5 + any(next++);
        for (int j = 0; j < d; j++) mean[i * d + j] = 2 * any(next++);
        for (int j = 0; shape == SGM_COV_DIAGONAL && j < d; j++)
            cov[i * d + j] = 0.85 + 0.6 * any(next++);
        if (shape == SGM_COV_ISOTROPIC) cov[i] = 0.85 + 0.6 * any(next++);
        if (shape != SGM_COV_FULL) continue;
        for (int j = 0; j < d * d; j++) a[j] = 0.7 * any(next++);
        for (int r = 0; r < d; r++)
            for (int c = 0; c < d; c++) {
                double sum = r == c ? 0.25 : 0;
                for (int j = 0; j < d; j++) sum += a[r * d + j] * a[c * d + j];
                cov[(i * d + r) * d + c] = sum;
            }
    }
    CHECK_OK(
        sgm_mixture_init(mix, k, d, weight, mean, shape == SGM_COV_POINTS ? NULL : cov, shape, sde));
}

/* A time at which the noise is `sigma` times the signal, rounded to float as the library will see
it. */

static float time_of_sigma(const sgm_sde *sde, double sigma) {
    return (float)sgm_sde_t_from_logsnr(sde, -2 * log(sigma));
}

/*
## (2.2) The score is the gradient of the log density

Points are multiples of 2⁻¹⁰ and so are the steps: x ± h is exact in float, and log p is in
double. Derivatives of log p of order n are of the size r^n/σ^(2n) at most, where r is the reach
(greatest distance from x to a mean) plus σ, and σ² the least variance: they are cumulants of a
quantity with that spread. Truncation is then h⁴(r/σ²)⁵/480, rounding 3/h times some ulps of log
p, and the score itself is rounded to float.
*/

typedef struct setting {
    const sgm_score *score;
    double reach, slim; /* r, and the least variance at t */
    float t;
} setting;

static setting make_setting(const sgm_mixture *mix, const sgm_score *score, float t) {
    setting at;
    double m = sgm_sde_m(&mix->sde, t), s = sgm_sde_s(&mix->sde, t), least = HUGE_VAL;
    int n_var = mix->shape >= SGM_COV_DIAGONAL ? mix->k * mix->d : mix->k;
    for (int i = 0; i < n_var; i++) least = mix->var[i] < least ? mix->var[i] : least;
    at.score = score, at.t = t, at.slim = m * m * least + s * s;
    at.reach = (3 * m + 2) * sqrt(mix->d) + sqrt(at.slim);
    return at;
}

static double logp_at(const setting *at, const float *x) {
    double logp;
    CHECK_OK(sgm_score_logp(at->score, &logp, x, &at->t, 1));
    return logp;
}

typedef struct line {
    const setting *at;
    const float *x, *u, *v;
    double along_u;
} line;

static double logp_on_line(double h, void *user) {
    const line *l = (const line *)user;
    float y[5];
    for (int j = 0; j < l->at->score->d; j++) {
        y[j] = (float)(l->x[j] + h * l->v[j] + (l->u ? l->along_u * l->u[j] : 0));
    }
    return logp_at(l->at, y);
}

static void check_gradient(const setting *at, const float *x) {
    float score[5], axis[5];
    double h = 1.0 / 1024, r = at->reach / at->slim;
    line l = {at, x, NULL, axis, 0};
    CHECK_OK(sgm_score_eval(at->score, score, x, &at->t, 1));
    for (int j = 0; j < at->score->d; j++) {
        for (int i = 0; i < 5; i++) axis[i] = i == j;
        double truncation = pow(h, 4) * pow(r, 5) / 480,
               ulps = 1e-14 * (20 + r * at->reach) * 3 / h;
        double rounding = FLT_EPSILON / 2 * fabs(score[j]);
        assert_true(truncation + ulps < 1e-5 * r);
        CHECK_CLOSE(check_slope(logp_on_line, &l, 0, h), score[j], truncation + ulps + rounding);
    }
}

static void test_score(void **state) {
    const check_family *f = (const check_family *)*state;
    int dims[4] = {1, 2, 3, 5};
    double sigmas[3] = {0.4, 0.7, 3};
    for (int i = 0; i < 4 * 4 * 3; i++) {
        int d = dims[i % 4], shape = i / 4 % 4;
        sgm_mixture mix;
        make_mixture(&mix, 1 + i % 5, d, (sgm_cov)shape, &f->sde);
        sgm_score score = sgm_mixture_score(&mix);
        setting at = make_setting(&mix, &score, time_of_sigma(&f->sde, sigmas[i / 16]));
        for (uint64_t k = 0; k < 4; k++) {
            float x[5];
            for (int j = 0; j < 5; j++) x[j] = (float)(2 * any(8 * k + (uint64_t)j));
            check_gradient(&at, x);
        }
        sgm_mixture_free(&mix);
    }
    assert_int_equal(live_blocks, alive_before);
}

/*
## (2.3) The directional derivative of the score

∂ₕ∂ₖ log p(x + hv + ku) is uᵀ(∂s/∂x)v: the mixed second difference with h = k and with half of it,
extrapolated. Its truncation error is about h⁴(r/σ²)⁶/40 (the sum of the fifth-order terms h⁴,
h²k², k⁴ with 1/120·¼+1/36·¼+1/120·¼ for unit u and v, in both), its rounding error
(4·16+4)/(3·4h²) < 6/h² that of log p.
*/

static double mixed(const setting *at, const float *x, const float *u, const float *v, double h) {
    line plus = {at, x, u, v, h}, minus = {at, x, u, v, -h};
    return (logp_on_line(h, &plus) - logp_on_line(-h, &plus) - logp_on_line(h, &minus) +
            logp_on_line(-h, &minus)) / (4 * h * h);
}

static void check_tangent(const setting *at, const float *x) {
    float s[5], same[5], js[5], axis[5], v[5] = {0.5f, -0.75f, 0.25f, 1, -0.5f};
    double h = 1.0 / 256, r = at->reach / at->slim, size = 1.5;
    CHECK_OK(sgm_score_eval(at->score, s, x, &at->t, 1));
    CHECK_OK(sgm_score_jvp(at->score, same, js, x, v, &at->t, 1));
    assert_memory_equal(s, same, sizeof(float) * (size_t)at->score->d);
    for (int j = 0; j < at->score->d; j++) {
        for (int i = 0; i < 5; i++) axis[i] = i == j;
        double truth = (4 * mixed(at, x, axis, v, h / 2) - mixed(at, x, axis, v, h)) / 3;
        double truncation = pow(h, 4) * pow(r * size, 6) / 40;
        double ulps = 1e-14 * (20 + r * at->reach) * 6 / (h * h);
        CHECK_CLOSE(js[j], truth, truncation + ulps + FLT_EPSILON / 2 * fabs(js[j]));
    }
}

static void test_jvp(void **state) {
    const check_family *f = (const check_family *)*state;
    int dims[4] = {1, 2, 3, 5};
    for (int i = 0; i < 4 * 4; i++) {
        sgm_mixture mix;
        make_mixture(&mix, 1 + i % 5, dims[i % 4], (sgm_cov)(i / 4), &f->sde);
        sgm_score score = sgm_mixture_score(&mix);
        setting at = make_setting(&mix, &score, time_of_sigma(&f->sde, 0.9));
        for (uint64_t k = 0; k < 4; k++) {
            float x[5];
            for (int j = 0; j < 5; j++) x[j] = (float)(2 * any(8 * k + (uint64_t)j));
            check_tangent(&at, x);
        }
        sgm_mixture_free(&mix);
    }
}

/*
## (2.1) The log density

The trapezium rule on a Gaussian of deviation σ with step h ≤ σ/2 errs by 2exp(−2π²σ²/h²) < 10⁻³⁴,
so what remains is rounding. Steps are powers of two, so that grid points are exact in float; the
tails beyond 9σ hold 10⁻¹⁸.
*/

static void test_normalised(void **state) {
    const check_family *f = (const check_family *)*state;
    double sigmas[2] = {0.5, 2};
    for (int i = 0; i < 8; i++) {
        int d = 1 + i % 2, side;
        double h = 0.25, sum = 0, logp;
        sgm_mixture mix;
        make_mixture(&mix, 4, d, (sgm_cov)(i / 2), &f->sde);
        sgm_score score = sgm_mixture_score(&mix);
        float t = time_of_sigma(&f->sde, sigmas[i % 2]), x[2];
        double m = sgm_sde_m(&f->sde, t), s = sgm_sde_s(&f->sde, t);
        while (h > s / 2) h /= 2;
        while (h < s / 4) h *= 2;
        side = (int)((2 * m + 9 * sqrt(m * m * 3.5 + s * s)) / h);
        for (int a = -side; a <= side; a++)
            for (int b = d > 1 ? -side : 0; b <= (d > 1 ? side : 0); b++) {
                x[0] = (float)(a * h), x[1] = (float)(b * h);
                CHECK_OK(sgm_score_logp(&score, &logp, x, &t, 1));
                sum += exp(logp) * pow(h, d);
            }
        CHECK_CLOSE(sum, 1, 1e-12);
        sgm_mixture_free(&mix);
    }
}

/* log N(x; mμ, m²C + s²I) by Cholesky's factor, which the library does not use. */

static double cholesky_logp(const double *x, const double *mean, const double *cov, int d, double m,
                            double s) {
    double l[9], y[3], logp = 0;
    for (int i = 0; i < d; i++) {
        y[i] = x[i] - m * mean[i];
        for (int j = 0; j <= i; j++) {
            double sum = m * m * cov[i * d + j] + (i == j ? s * s : 0);
            for (int k = 0; k < j; k++) sum -= l[i * d + k] * l[j * d + k];
            l[i * d + j] = i == j ? sqrt(sum) : sum / l[j * d + j];
        }
        for (int k = 0; k < i; k++) y[i] -= l[i * d + k] * y[k];
        y[i] /= l[i * d + i];
        logp -= 0.5 * y[i] * y[i] + log(l[i * d + i]) + 0.5 * log(2 * SGM__PI);
    }
    return logp;
}

static void test_gaussian_logp(void **state) {
    const check_family *f = (const check_family *)*state;
    double cov[9] = {2, 0.6, -0.3, 0.6, 1, 0.45, -0.3, 0.45, 0.5}, mean[3] = {1, -2, 0.5};
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 1, 3, NULL, mean, cov, SGM_COV_FULL, &f->sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (uint64_t k = 0; k < 20; k++) {
        double x[3], logp;
        float xf[3], t = (float)(f->end * (1 + (double)k) / 20);
        for (uint64_t j = 0; j < 3; j++) xf[j] = (float)(x[j] = 3 * any(3 * k + j));
        CHECK_OK(sgm_score_logp(&score, &logp, xf, &t, 1));
        double truth = cholesky_logp(x, mean, cov, 3, sgm_sde_m(&f->sde, t), sgm_sde_s(&f->sde, t));
        CHECK_CLOSE(logp, truth, 1e-12 * (1 + fabs(truth))); /* condition below 20, 50 ulps */
    }
    sgm_mixture_free(&mix);
}

/* A full covariance is a rotated diagonal one. With the 3-4-5 rotation and x a multiple of 5 both
points are exact in float, so densities agree to rounding, and scores to float's. */

static void test_rotated(void **state) {
    const check_family *f = (const check_family *)*state;
    double q[4] = {0.6, -0.8, 0.8, 0.6}, mean[4] = {5, 10, -5, 2.5}, turned[4];
    double var[4] = {9, 0.25, 1, 4}, cov[8] = {0};
    sgm_mixture plain, full;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 2; i++) {
            turned[2 * k + i] = q[2 * i] * mean[2 * k] + q[2 * i + 1] * mean[2 * k + 1];
            for (int j = 0; j < 2; j++)
                for (int a = 0; a < 2; a++)
                    cov[4 * k + 2 * i + j] += q[2 * i + a] * var[2 * k + a] * q[2 * j + a];
        }
    CHECK_OK(sgm_mixture_init(&plain, 2, 2, NULL, mean, var, SGM_COV_DIAGONAL, &f->sde));
    CHECK_OK(sgm_mixture_init(&full, 2, 2, NULL, turned, cov, SGM_COV_FULL, &f->sde));
    sgm_score a = sgm_mixture_score(&plain), b = sgm_mixture_score(&full);
    for (uint64_t k = 0; k < 20; k++) {
        float x[2], y[2], t = (float)(0.5 * f->end), sx[2], sy[2];
        double lx, ly;
        for (uint64_t j = 0; j < 2; j++) x[j] = (float)(5 * any(2 * k + j));
        for (int i = 0; i < 2; i++) y[i] = (float)(q[2 * i] * x[0] + q[2 * i + 1] * x[1]);
        CHECK_OK(sgm_score_logp(&a, &lx, x, &t, 1));
        CHECK_OK(sgm_score_logp(&b, &ly, y, &t, 1));
        CHECK_CLOSE(ly, lx, 1e-12 * (1 + fabs(lx)));
        CHECK_OK(sgm_score_eval(&a, sx, x, &t, 1));
        CHECK_OK(sgm_score_eval(&b, sy, y, &t, 1));
        double size = fabs(sx[0]) + fabs(sx[1]);
        for (int i = 0; i < 2; i++)
            CHECK_CLOSE(sy[i], q[2 * i] * sx[0] + q[2 * i + 1] * sx[1], 2 * FLT_EPSILON * size);
    }
    sgm_mixture_free(&plain), sgm_mixture_free(&full);
}

/* (2.6), (2.8): the score of noised data points is the mean of −(x − m x_i)/s² over their
posterior. */

static void test_points(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { N = 50 };
    float data[2 * N], x[2], s[2];
    sgm_mixture mix;
    sgm_normal(data, 2 * N, sgm_key_init(8), 0);
    CHECK_OK(sgm_mixture_from_data(&mix, data, N, 2, &f->sde));
    sgm_score score = sgm_mixture_score(&mix);
    double sigmas[3] = {0.05, 0.5, 5};
    for (int i = 0; i < 30; i++) {
        float t = time_of_sigma(&f->sde, sigmas[i % 3]);
        double m = sgm_sde_m(&f->sde, t), std = sgm_sde_s(&f->sde, t), z = 0, sum[2] = {0, 0}, logp;
        for (uint64_t j = 0; j < 2; j++) x[j] = (float)(2 * any(2 * (uint64_t)i + j));
        CHECK_OK(sgm_score_eval(&score, s, x, &t, 1));
        CHECK_OK(sgm_score_logp(&score, &logp, x, &t, 1));
        for (int k = 0; k < N; k++) {
            double a = x[0] - m * data[2 * k], b = x[1] - m * data[2 * k + 1];
            double p =
                exp(-0.5 * (a * a + b * b) / (std * std) - logp) / (2 * SGM__PI * std * std) / N;
            z += p, sum[0] -= p * a / (std * std), sum[1] -= p * b / (std * std);
        }
        CHECK_CLOSE(z, 1, 1e-12 * (1 + fabs(logp))); /* |logp| ulps from the exponent */
        for (int j = 0; j < 2; j++) /* what is passed over beyond e^-40 is 10⁻¹⁷ of reach/s² */
            CHECK_CLOSE(s[j], sum[j], FLT_EPSILON * fabs(sum[j]) + 1e-10 / (std * std));
    }
    sgm_mixture_free(&mix);
}

/* Far tails and wide ranges: no overflow where densities differ by e^(±10⁶). */

static void test_far_tails(void **state) {
    double mean[3] = {-1, 0, 1};
    float x[2] = {1000, -3000}, t[2] = {1e-3f, 1e-3f}, s[2];
    sgm_mixture mix;
    sgm_sde sde = sgm_sde_edm(1e-3, 10);
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 3, 1, NULL, mean, NULL, SGM_COV_POINTS, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    CHECK_OK(sgm_score_eval(&score, s, x, t, 2));
    double s2 = (double)t[0] * t[0];
    CHECK_REL(s[0], -(1000 - 1) / s2, FLT_EPSILON);
    CHECK_REL(s[1], -(-3000 + 1) / s2, FLT_EPSILON);
    sgm_mixture_free(&mix);
}

/*
## Exact draws
*/

enum { DRAWS = 40000 };

static void test_sample(void **state) {
    static float x[3 * DRAWS];
    static int label[DRAWS];
    double weight[4] = {1, 2, 3, 4}, mean[12], count[4] = {0, 0, 0, 0}, expected[4];
    double cov[36], full[9] = {2, 0.6, -0.3, 0.6, 1, 0.45, -0.3, 0.45, 0.5};
    const check_family *f = (const check_family *)*state;
    sgm_mixture mix;
    for (int i = 0; i < 12; i++) mean[i] = 5 * any((uint64_t)i);
    for (int i = 0; i < 36; i++) cov[i] = (1 + i / 9) * full[i % 9];
    CHECK_OK(sgm_mixture_init(&mix, 4, 3, weight, mean, cov, SGM_COV_FULL, &f->sde));
    double t = 0.4 * f->end, m = sgm_sde_m(&f->sde, t), s = sgm_sde_s(&f->sde, t);
    CHECK_OK(sgm_mixture_sample(&mix, x, label, DRAWS, t, sgm_key_init(21)));
    for (int i = 0; i < DRAWS; i++) count[label[i]]++;
    for (int k = 0; k < 4; k++) expected[k] = DRAWS * weight[k] / 10;
    CHECK_P(stat_chi2_p(count, expected, 4, 0), CHECK_RATE);
    for (int k = 0; k < 4; k++) /* each component's mean and covariance, within its own labels */
        for (int a = 0; a < 3; a++) {
            double va = m * m * cov[9 * k + 4 * a] + s * s, sum = 0;
            for (int i = 0; i < DRAWS; i++)
                sum += label[i] == k ? x[3 * i + a] - m * mean[3 * k + a] : 0;
            CHECK_CLOSE(sum / count[k], 0, CHECK_SIGMAS * sqrt(va / count[k]));
            for (int b = 0; b <= a; b++) {
                double c = m * m * cov[9 * k + 3 * a + b] + (a == b ? s * s : 0), both = 0;
                double vb = m * m * cov[9 * k + 4 * b] + s * s;
                for (int i = 0; i < DRAWS; i++)
                    if (label[i] == k)
                        both += (x[3 * i + a] - m * mean[3 * k + a]) *
                                (x[3 * i + b] - m * mean[3 * k + b]);
                /* var of a product of normals: va vb + c² */
                CHECK_CLOSE(both / count[k], c, CHECK_SIGMAS * sqrt((va * vb + c * c) / count[k]));
            }
        }
    sgm_mixture_free(&mix);
}

static double mixture_cdf(double x, void *user) {
    const double *p = (const double *)user; /* m, s */
    double p1 = 0.5 * erfc((p[0] * -1 - x) / sqrt(p[0] * p[0] * 0.04 + p[1] * p[1]) / ROOT2);
    double p2 = 0.5 * erfc((p[0] * 2 - x) / sqrt(p[0] * p[0] * 0.25 + p[1] * p[1]) / ROOT2);
    return 0.3 * p1 + 0.7 * p2;
}

/* One law by two ways, in 1-D: drawn at t, and drawn at 0 and noised by (1.6). */

static void test_sample_law(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x[DRAWS], y[DRAWS], eps[DRAWS], times[DRAWS];
    double weight[2] = {3, 7}, mean[2] = {-1, 2}, var[2] = {0.04, 0.25}, ms[2];
    sgm_mixture mix;
    float t = time_of_sigma(&f->sde, 0.5);
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, weight, mean, var, SGM_COV_ISOTROPIC, &f->sde));
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, DRAWS, t, sgm_key_init(31)));
    CHECK_OK(sgm_mixture_sample(&mix, y, NULL, DRAWS, 0, sgm_key_init(32)));
    sgm_normal(eps, DRAWS, sgm_key_init(33), 0);
    for (int i = 0; i < DRAWS; i++) times[i] = t;
    sgm_sde_perturb(y, y, eps, times, DRAWS, 1, &f->sde);
    ms[0] = sgm_sde_m(&f->sde, t), ms[1] = sgm_sde_s(&f->sde, t);
    CHECK_P(stat_ks_p(stat_ks(x, DRAWS, mixture_cdf, ms), DRAWS), CHECK_RATE);
    CHECK_P(stat_ks_p(stat_ks2(x, DRAWS, y, DRAWS), DRAWS / 2.0), CHECK_RATE);
    sgm_mixture_free(&mix);
}

/* A draw depends on key and index alone, and is repeated by the same key. */

static void test_sample_keys(void **state) {
    float a[60], b[60], c[60];
    int label[20];
    sgm_mixture mix;
    (void)state;
    make_mixture(&mix, 3, 3, SGM_COV_FULL, &family[0].sde);
    CHECK_OK(sgm_mixture_sample(&mix, a, label, 20, 0.1, sgm_key_init(1)));
    CHECK_OK(sgm_mixture_sample(&mix, b, NULL, 7, 0.1, sgm_key_init(1)));
    CHECK_OK(sgm_mixture_sample(&mix, c, NULL, 20, 0.1, sgm_key_init(2)));
    assert_memory_equal(a, b, 7 * 3 * sizeof(float));
    assert_memory_not_equal(a, c, sizeof a);
    sgm_mixture_free(&mix);
}

/* One thread or four, in one call or one by one: the same bits. */

static void test_threads(void **state) {
    enum { N = 1500 };
    static float x[2 * N], v[2 * N], t[N], s1[2 * N], j1[2 * N], s2[2 * N], j2[2 * N];
    static double l1[N], l2[N];
    (void)state;
#ifdef _OPENMP
    omp_set_num_threads(4);
#endif
    sgm_mixture mix;
    make_mixture(&mix, 8, 2, SGM_COV_FULL, &family[0].sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_normal(x, 2 * N, sgm_key_init(1), 0);
    sgm_normal(v, 2 * N, sgm_key_init(2), 0);
    sgm_uniform(t, N, sgm_key_init(3), 0);
    for (int i = 0; i < N; i++) t[i] = i % 3 ? t[i] : t[i - i % 6];
    CHECK_OK(sgm_score_jvp(&score, s1, j1, x, v, t, N));
    CHECK_OK(sgm_score_logp(&score, l1, x, t, N));
    for (int i = 0; i < N; i++) {
        CHECK_OK(sgm_score_jvp(&score, s2 + 2 * i, j2 + 2 * i, x + 2 * i, v + 2 * i, t + i, 1));
        CHECK_OK(sgm_score_logp(&score, l2 + i, x + 2 * i, t + i, 1));
    }
    assert_memory_equal(s1, s2, sizeof s1);
    assert_memory_equal(j1, j2, sizeof j1);
    assert_memory_equal(l1, l2, sizeof l1);
#ifdef _OPENMP
    for (int threads = 1; threads <= 7; threads += 3) {
        omp_set_num_threads(threads);
        CHECK_OK(sgm_score_jvp(&score, s2, j2, x, v, t, N));
        CHECK_OK(sgm_score_logp(&score, l2, x, t, N));
        assert_memory_equal(s1, s2, sizeof s1);
        assert_memory_equal(j1, j2, sizeof j1);
        assert_memory_equal(l1, l2, sizeof l1);
    }
    omp_set_num_threads(2);
#endif
    sgm_mixture_free(&mix);
}

/* A NaN in one row of a batch is told, and stays in that row, though the sums of all rows share their
memory. */
static void test_rows_apart(void **state) {
    sgm_mixture mix;
    double mean[2] = {-1, 1}, cov[2] = {0.25, 0.25};
    float x[2] = {NAN, 0.3f}, v[2] = {1, 1}, t[2] = {0.5f, 0.5f}, s[2], js[2], one_s, one_js;
    (void)state;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, NULL, mean, cov, SGM_COV_ISOTROPIC, &family[0].sde));
    sgm_score score = sgm_mixture_score(&mix);
    CHECK_OK(sgm_score_jvp(&score, &one_s, &one_js, x + 1, v, t, 1));
    CHECK_FAILS(sgm_score_jvp(&score, s, js, x, v, t, 2), SGM_NOT_FINITE,
                "point 0 at t = 0.5");
    assert_true(s[0] != s[0]);
    CHECK_CLOSE(s[1], one_s, 0);
    CHECK_CLOSE(js[1], one_js, 0);
    sgm_mixture_free(&mix);
}

/* With EDM log t = mean + std z. A mean of 0 is a wish as soon as std is set: then the same key has
log t = z for std 1 and z/2 for std ½. Rounding t to a float moves its log by 2⁻²⁴, so 2 log t2 and
log t1 differ by 3·2⁻²⁴, and by the errors of exp and log in double: a few 2⁻⁵³ |z|, |z| < 6.8 here. */
static void test_times_lognormal_centred(void **state) {
    float t1[64], t2[64], w[64];
    sgm_sde sde = sgm_sde_edm(1e-4, 1e4);
    sgm_loss loss;
    (void)state;
    memset(&loss, 0, sizeof loss);
    loss.times = SGM_TIMES_LOGNORMAL, loss.std = 1;
    CHECK_OK(sgm_loss_times(&loss, &sde, t1, w, 64, sgm_key_init(5), 0));
    loss.std = 0.5;
    CHECK_OK(sgm_loss_times(&loss, &sde, t2, w, 64, sgm_key_init(5), 0));
    for (int i = 0; i < 64; i++) CHECK_CLOSE(2 * log(t2[i]), log(t1[i]), 3 * ldexp(1, -24) + 1e-13);
}

static void test_bad_mixtures(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 20), none;
    sgm_mixture mix;
    double weight[2] = {1, 0}, mean[4] = {0, 1, 2, 3}, cov[8] = {1, 0.5, 0.4, 1, 1, 0, 0, 1},
           nan_mean[1];
    float data[2] = {1, NAN};
    (void)state;
    memset(&none, 0, sizeof none), nan_mean[0] = NAN;
    CHECK_FAILS(sgm_mixture_init(&mix, 0, 2, NULL, mean, NULL, SGM_COV_POINTS, &sde), SGM_BAD_ARGUMENT,
                "needs at least 1 of each");
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 0, NULL, mean, NULL, SGM_COV_POINTS, &sde), SGM_BAD_ARGUMENT,
                "needs at least 1 of each");
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 2, weight, mean, NULL, SGM_COV_POINTS, &sde),
                SGM_BAD_ARGUMENT, "needs a positive number");
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 2, NULL, NULL, NULL, SGM_COV_POINTS, &sde),
                SGM_BAD_ARGUMENT, "needs means");
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 2, NULL, mean, cov, (sgm_cov)7, &sde), SGM_BAD_ARGUMENT,
                "no covariance shape 7");
    weight[1] = NAN;
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 2, weight, mean, NULL, SGM_COV_POINTS, &sde),
                SGM_BAD_ARGUMENT, "weight 1 of the mixture");
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 2, NULL, mean, NULL, SGM_COV_FULL, &sde), SGM_BAD_ARGUMENT,
                "needs covariances");
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 2, NULL, mean, cov, SGM_COV_FULL, &sde), SGM_BAD_ARGUMENT,
                "covariance 0 of the mixture is not symmetric");
    cov[2] = 0.5, cov[4] = -1;
    CHECK_FAILS(sgm_mixture_init(&mix, 2, 2, NULL, mean, cov, SGM_COV_FULL, &sde), SGM_BAD_ARGUMENT,
                "covariance 1 of the mixture has the variance -1");
    double below = -1e-3, rounding[2] = {1, -1e-13}; /* wrong, and what is left of a zero beside 1 */
    CHECK_FAILS(sgm_mixture_init(&mix, 1, 1, NULL, mean, &below, SGM_COV_ISOTROPIC, &sde),
                SGM_BAD_ARGUMENT, "has the variance -0.001");
    CHECK_OK(sgm_mixture_init(&mix, 1, 2, NULL, mean, rounding, SGM_COV_DIAGONAL, &sde));
    CHECK_CLOSE(mix.var[1], 0, 0);
    sgm_mixture_free(&mix);
    CHECK_FAILS(sgm_mixture_init(&mix, 1, 1, NULL, mean, rounding + 1, SGM_COV_ISOTROPIC, &sde),
                SGM_BAD_ARGUMENT, "has the variance -1e-13");
    CHECK_FAILS(sgm_mixture_init(NULL, 1, 1, NULL, mean, NULL, SGM_COV_POINTS, &sde), SGM_BAD_ARGUMENT,
                "is NULL");
    CHECK_FAILS(sgm_mixture_from_data(NULL, data, 1, 1, &sde), SGM_BAD_ARGUMENT, "is NULL");
    sgm_mixture_free(NULL);
    double nearly[4] = {1e10, 0.3, 0.3 + 1e-4, 1}, unlike[4] = {1e10, 0.9, 0.1, 1};
    CHECK_OK(sgm_mixture_init(&mix, 1, 2, NULL, mean, nearly, SGM_COV_FULL, &sde)); /* 1e-9 √(1e10) */
    sgm_mixture_free(&mix);
    nearly[3] = NAN;
    CHECK_FAILS(sgm_mixture_init(&mix, 1, 2, NULL, mean, nearly, SGM_COV_FULL, &sde), SGM_BAD_ARGUMENT,
                "has the entry");
    CHECK_OK(sgm_mixture_init(&mix, 1, 2, NULL, mean, rounding, SGM_COV_DIAGONAL, &sde));
    sgm_mixture_free(&mix);
    unlike[0] = 100;
    CHECK_FAILS(sgm_mixture_init(&mix, 1, 2, NULL, mean, unlike, SGM_COV_FULL, &sde), SGM_BAD_ARGUMENT,
                "(1,0) and (0,1) are 0.1 and 0.9");
    CHECK_FAILS(sgm_mixture_init(&mix, 0x7fffffff, 0x7fffffff, NULL, mean, cov, SGM_COV_FULL, &sde),
                SGM_NO_MEMORY, "no memory");
    double a[3] = {1.7, -0.3, 0.9}, large[9], middle[3] = {0, 0, 0};
    for (int i = 0; i < 9; i++) large[i] = 1e8 * a[i / 3] * a[i % 3]; /* of rank 1 */
    CHECK_OK(sgm_mixture_init(&mix, 1, 3, NULL, middle, large, SGM_COV_FULL, &sde));
    sgm_mixture_free(&mix);
    CHECK_FAILS(sgm_mixture_init(&mix, 1, 1, NULL, nan_mean, NULL, SGM_COV_POINTS, &sde),
                SGM_NOT_FINITE, "mean 0");
    CHECK_FAILS(sgm_mixture_init(&mix, 1, 1, NULL, mean, NULL, SGM_COV_POINTS, &none), SGM_BAD_ARGUMENT,
                "start from a preset");
    CHECK_FAILS(sgm_mixture_from_data(&mix, data, 2, 1, &sde), SGM_NOT_FINITE, "remove it");
    CHECK_FAILS(sgm_mixture_from_data(&mix, data, 0, 1, &sde), SGM_BAD_ARGUMENT, "n >= 1");
    CHECK_FAILS(sgm_mixture_from_data(&mix, data, 1, 0, &sde), SGM_BAD_ARGUMENT, "dimension >= 1");
    CHECK_FAILS(sgm_mixture_from_data(&mix, NULL, 1, 1, &sde), SGM_BAD_ARGUMENT, "got 0");
    CHECK_FAILS(sgm_mixture_from_data(&mix, data, 0x80000000L, 1, &sde), SGM_BAD_ARGUMENT,
                "at most 2147483647");
    int huge = 1 << 22; /* huge³ = 2^66 doubles: their number overflows */
    CHECK_FAILS(sgm_mixture_init(&mix, huge, huge, NULL, mean, cov, SGM_COV_FULL, &sde), SGM_NO_MEMORY,
                "no memory");
    assert_int_equal(live_blocks, alive_before);
    CHECK_OK(sgm_mixture_from_data(&mix, data, 1, 1, &sde));
    CHECK_FAILS(sgm_mixture_sample(&mix, data, NULL, 0, 0.5, sgm_key_init(0)), SGM_BAD_ARGUMENT,
                "at least 1");
    sgm_mixture_free(&mix);
    sgm_mixture_free(&mix); /* twice is harmless */
    CHECK_FAILS(sgm_mixture_sample(&mix, data, NULL, 1, 0.5, sgm_key_init(0)), SGM_BAD_ARGUMENT,
                "no mixture");
    assert_int_equal(live_blocks, alive_before);
}

static void test_bad_scores(void **state) {
    sgm_mixture mix;
    float x[2] = {0, 0}, t = 0.5f, out[2];
    double logp;
    sgm_score empty, plain;
    (void)state;
    memset(&empty, 0, sizeof empty);
    make_mixture(&mix, 2, 2, SGM_COV_ISOTROPIC, &family[0].sde);
    plain = sgm_mixture_score(&mix), plain.jvp = NULL, plain.logp = NULL;
    CHECK_FAILS(sgm_score_eval(NULL, out, x, &t, 1), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_score_eval(&empty, out, x, &t, 1), SGM_BAD_ARGUMENT, "make it with");
    empty = plain, empty.d = 0;
    CHECK_FAILS(sgm_score_eval(&empty, out, x, &t, 1), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_score_eval(&plain, out, NULL, &t, 1), SGM_BAD_ARGUMENT, "needs points, times");
    CHECK_FAILS(sgm_score_eval(&plain, out, x, NULL, 1), SGM_BAD_ARGUMENT, "needs points, times");
    CHECK_FAILS(sgm_score_eval(&plain, NULL, x, &t, 1), SGM_BAD_ARGUMENT, "a place for");
    sgm_score whole = sgm_mixture_score(&mix);
    CHECK_FAILS(sgm_score_jvp(&whole, out, NULL, x, x, &t, 1), SGM_BAD_ARGUMENT, "a place for");
    CHECK_FAILS(sgm_score_jvp(&whole, out, out, x, NULL, &t, 1), SGM_BAD_ARGUMENT, "a place for");
    CHECK_FAILS(sgm_score_vjp(&whole, out, out, x, NULL, &t, 1), SGM_BAD_ARGUMENT, "a place for");
    CHECK_FAILS(sgm_score_logp(&whole, NULL, x, &t, 1), SGM_BAD_ARGUMENT, "a place for");
    float outside[3] = {-1, (float)NAN, 1.01f}; /* this one's T is 1 */
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(sgm_score_eval(&whole, out, x, outside + i, 1), SGM_BAD_ARGUMENT,
                    "needs 0 <= t <= T = 1");
    CHECK_FAILS(sgm_score_eval(&plain, out, x, &t, -1), SGM_BAD_ARGUMENT, "n >= 0");
    CHECK_FAILS(sgm_score_jvp(&plain, out, out, x, x, &t, 1), SGM_BAD_ARGUMENT, "no jvp");
    CHECK_FAILS(sgm_score_logp(&plain, &logp, x, &t, 1), SGM_BAD_ARGUMENT, "no log density");
    CHECK_OK(sgm_score_eval(&plain, NULL, NULL, NULL, 0));
    sgm_mixture_free(&mix);
}

/* Whichever allocation fails, the status says so, and nothing is left behind. */

static double constant_weight(double t, const sgm_sde *sde, void *user) {
    (void)sde;
    return *(const double *)user * t;
}

static void test_no_memory(void **state) {
    double mean[2] = {0, 1}, cov[2] = {1, 2};
    float data[2] = {1, 2};
    sgm_mixture mix;
    sgm_loss loss;
    sgm_dsm_result result;
    (void)state;
    memset(&loss, 0, sizeof loss);
    for (long k = 0; k <= 1; k++) { /* it takes one block */
        alloc_calls = 0, fail_at = k + 1;
        sgm_status status = sgm_mixture_init(&mix, 2, 1, NULL, mean, cov, SGM_COV_FULL, &family[0].sde);
        fail_at = 0;
        assert_int_equal(status, k < 1 ? SGM_NO_MEMORY : SGM_OK);
        if (k < 1) check_text(sgm_error(), "no memory", __FILE__, __LINE__);
        assert_int_equal(live_blocks, alive_before + (k == 1));
        if (k == 1) assert_int_equal(alloc_calls, 1);
    }
    sgm_score score = sgm_mixture_score(&mix);
    long before = live_blocks;
    alloc_calls = 0, fail_at = 1;
    sgm_status status = sgm_dsm(&result, &score, NULL, data, 2, &loss, 10, sgm_key_init(0));
    fail_at = 0;
    CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
    assert_int_equal(live_blocks, before);
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

/*
## (2.10) What the network says

With x0 and ε known, each output is known; converted to noise it must give ε. The conversion adds
two terms in double to inputs rounded to float, so it errs by half an ulp of each term, and of the
result.
*/

static double definition(sgm_output kind, const sgm_sde *sde, double t, double x0, double eps,
                         double sd) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t), sigma = s / m, noisy = x0 + sigma * eps;
    double root = sqrt(sigma * sigma + sd * sd);
    switch (kind) {
    case SGM_OUTPUT_NOISE: return eps;
    case SGM_OUTPUT_SCORE: return -(m * x0 + s * eps - m * x0) / (s * s); /* (2.5) */
    case SGM_OUTPUT_X0: return x0;
    case SGM_OUTPUT_V: return m * eps - s * x0;
    case SGM_OUTPUT_FLOW: { /* ṁ = f m, ṡ = (2fs² + g²)/2s, from (1.3) */
        double f = sgm_sde_f(sde, t), g2 = sgm_sde_g2(sde, t);
        return f * m * x0 + (2 * f * s * s + g2) / (2 * s) * eps;
    }
    default: { /* Karras et al. 2022, table 1: D(noisy) = c_skip noisy + c_out F = x0 */
        double c_skip = sd * sd / (root * root), c_out = sigma * sd / root;
        return (x0 - c_skip * noisy) / c_out;
    }
    }
}

static void test_outputs(void **state) {
    const check_family *f = (const check_family *)*state;
    double sd = 0.7, sigmas[4] = {0.03, 0.5, 1.5, 8};
    for (int i = 0; i < 4 * 36; i++) {
        sgm_output from = (sgm_output)(i % 6 + 1), to = (sgm_output)(i / 6 % 6 + 1);
        float t = time_of_sigma(&f->sde, sigmas[i / 36]), in[2], x[2], out[2], times[2];
        double m = sgm_sde_m(&f->sde, t), s = sgm_sde_s(&f->sde, t), a1, b1, a2, b2;
        double x0[2] = {0.83, -1.7}, eps[2] = {1.21, 0.37};
        sgm_output_affine(&a1, &b1, from, &f->sde, t, sd);
        sgm_output_affine(&a2, &b2, to, &f->sde, t, sd);
        for (int j = 0; j < 2; j++) {
            times[j] = t, x[j] = (float)(m * x0[j] + s * eps[j]);
            in[j] = (float)definition(from, &f->sde, t, x0[j], eps[j], sd);
        }
        sgm_output_convert(out, to, in, from, x, times, 2, 1, &f->sde, sd);
        for (int j = 0; j < 2; j++) {
            double truth = definition(to, &f->sde, t, x0[j], eps[j], sd);
            double terms = (fabs((a1 - a2) * x[j]) + fabs(b1 * in[j])) / fabs(b2) + fabs(truth);
            /* the definition itself cancels: 1e-12 of the size of its terms, after (m/s)² ≤ 1111 */
            CHECK_CLOSE(out[j], truth, FLT_EPSILON / 2 * terms + 1e-11 * terms);
            CHECK_CLOSE(a1 * (m * x0[j] + s * eps[j]) +
                        b1 * definition(from, &f->sde, t, x0[j], eps[j], sd), eps[j],
                        1e-13 * (fabs(a1 * x[j]) + fabs(b1 * in[j]) + 1) * (1 + m / s));
        }
        sgm_output_convert(in, to, in, from, x, times, 2, 1, &f->sde, sd); /* in place */
        assert_memory_equal(in, out, sizeof out);
    }
}

/* Neighbours with different times, several coordinates, there and back. */

static void test_output_round_trip(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { N = 6, D = 3 };
    float in[N * D], out[N * D], back[N * D], x[N * D], t[N];
    sgm_normal(in, N * D, sgm_key_init(41), 0);
    sgm_normal(x, N * D, sgm_key_init(42), 0);
    for (int i = 0; i < N; i++) t[i] = time_of_sigma(&f->sde, i < 2 ? 0.3 : 0.2 * (i + 1));
    for (int i = 0; i < 36; i++) {
        sgm_output from = (sgm_output)(i % 6 + 1), to = (sgm_output)(i / 6 + 1);
        sgm_output_convert(out, to, in, from, x, t, N, D, &f->sde, 0.5);
        sgm_output_convert(back, from, out, to, x, t, N, D, &f->sde, 0.5);
        for (int k = 0; k < N * D; k++) {
            double a1, b1, a2, b2;
            sgm_output_affine(&a1, &b1, from, &f->sde, t[k / D], 0.5);
            sgm_output_affine(&a2, &b2, to, &f->sde, t[k / D], 0.5);
            double size = fabs((a2 - a1) * x[k] / b1) + fabs(b2 * out[k] / b1) + fabs(in[k]);
            CHECK_CLOSE(back[k], in[k], FLT_EPSILON * size);
        }
    }
}

/* Flow matching's u is the speed of the path: d/dt (m x0 + s ε), by differences, with h = 10⁻³
of the distance to a singularity as in the tests of chapter 1. */

typedef struct path {
    const sgm_sde *sde;
    double x0, eps;
} path;

static double path_at(double t, void *user) {
    const path *p = (const path *)user;
    return sgm_sde_m(p->sde, t) * p->x0 + sgm_sde_s(p->sde, t) * p->eps;
}

static void test_velocity(void **state) {
    const check_family *f = (const check_family *)*state;
    path p = {&f->sde, 0.9, -1.3};
    for (int i = 1; i <= 9; i++) {
        double t = f->end * i / 10, a, b, h = 1e-3 * (f->sde.T > 1 ? t : t < 1 - t ? t : 1 - t);
        double m = sgm_sde_m(&f->sde, t), s = sgm_sde_s(&f->sde, t), x = path_at(t, &p);
        double speed = check_slope(path_at, &p, t, h);
        sgm_output_affine(&a, &b, SGM_OUTPUT_FLOW, &f->sde, t, 0);
        /* rounding: 3/h ulps of x and of σ² where that is a difference; truncation below (h λ̇)⁴ */
        double ulps = 3 / h * DBL_EPSILON *
                      (2 * m + 2 * s + (f->sde.family == SGM_FAMILY_USER_SIGMA2 ? 1e-4 / s : 0));
        double rate = fabs(sgm_sde_f(&f->sde, t)) + sgm_sde_g2(&f->sde, t) / (s * s);
        double truncation = pow(h * rate, 4) * rate * (m + s);
        CHECK_CLOSE((p.eps - a * x) / b, speed,
                    2 * ulps + truncation + (1e-12 + 2 * f->slope_error) * rate * (m + s));
    }
}

/*
## (2.12) Weights

An estimate ε̂ with an error; each weight's w‖ε−ε̂‖² must be what the table says it weighs,
computed from the two clean points, the two scores, the two velocities. All in double: 10⁻¹².
*/

static double user_weight_at(double t, const sgm_sde *sde, void *user) {
    return constant_weight(t, sde, user) + 0 * sde->T;
}

static void test_weights(void **state) {
    const check_family *f = (const check_family *)*state;
    double sd = 0.7, gamma = 2, factor = 3, sigmas[4] = {0.05, 0.5, 1.5, 8};
    for (int i = 0; i < 4; i++) {
        double t = time_of_sigma(&f->sde, sigmas[i]), m = sgm_sde_m(&f->sde, t),
               s = sgm_sde_s(&f->sde, t);
        double eps = 0.8, hat = 0.35, x0 = 1.1, x = m * x0 + s * eps, sigma = s / m,
               snr = m * m / (s * s);
        double x0_hat = (x - s * hat) / m, dx0 = (x0 - x0_hat) * (x0 - x0_hat);
        double dscore = (eps - hat) * (eps - hat) / (s * s), g2 = sgm_sde_g2(&f->sde, t);
        double u = definition(SGM_OUTPUT_FLOW, &f->sde, t, x0, eps, sd);
        double u_hat = definition(SGM_OUTPUT_FLOW, &f->sde, t, x0_hat, hat, sd);
        double F = definition(SGM_OUTPUT_EDM_F, &f->sde, t, x0, eps, sd);
        double F_hat = (x0_hat - sd * sd / (sigma * sigma + sd * sd) * x / m) /
                       (sigma * sd / sqrt(sigma * sigma + sd * sd));
        double truth[SGM_WEIGHT_USER + 1], tol = 1e-11;
        truth[SGM_WEIGHT_AUTO] = (eps - hat) * (eps - hat); /* as SIGMA2, outside of training */
        truth[SGM_WEIGHT_SIGMA2] = (eps - hat) * (eps - hat);
        truth[SGM_WEIGHT_ONE] = dscore;
        truth[SGM_WEIGHT_G2] = g2 * dscore;
        truth[SGM_WEIGHT_EDM] = (sigma * sigma + sd * sd) / (sigma * sigma * sd * sd) * dx0;
        truth[SGM_WEIGHT_MIN_SNR] = (snr < gamma ? snr : gamma) * dx0;
        truth[SGM_WEIGHT_FLOW] = (u - u_hat) * (u - u_hat);
        truth[SGM_WEIGHT_USER] = factor * t * (eps - hat) * (eps - hat);
        CHECK_REL(truth[SGM_WEIGHT_EDM], (F - F_hat) * (F - F_hat), 1e-9); /* "weighs F" */
        for (int k = 0; k <= SGM_WEIGHT_USER; k++) {
            sgm_loss loss;
            memset(&loss, 0, sizeof loss);
            loss.weight = (sgm_weight)k, loss.min_snr = gamma, loss.sigma_data = sd;
            loss.user_weight = user_weight_at, loss.user = &factor;
            CHECK_OK(sgm_loss_check(&loss, &f->sde));
            /* x0 - x̂0 cancels to σ/|x0|, the velocity as much */
            CHECK_REL(sgm_loss_weight(&loss, &f->sde, t) * (eps - hat) * (eps - hat), truth[k],
                      tol * (1 + 1 / sigma));
        }
    }
}

static void test_weight_defaults(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_loss zero, set;
    (void)state;
    memset(&zero, 0, sizeof zero), memset(&set, 0, sizeof set);
    CHECK_CLOSE(sgm_loss_weight(&zero, &sde, 0.3), 1, 0);
    set.min_snr = 5, set.sigma_data = 1;
    for (int k = SGM_WEIGHT_EDM; k <= SGM_WEIGHT_MIN_SNR; k++)
        for (double t = 0.01; t < 1; t += 0.1) {
            zero.weight = set.weight = (sgm_weight)k;
            CHECK_CLOSE(sgm_loss_weight(&zero, &sde, t), sgm_loss_weight(&set, &sde, t), 0);
        }
}

/*
## (2.13) What noise does to the divergence of two laws

In one dimension, by the trapezoidal rule at points that are floats; for densities that fall like
Gaussians it is as exact as its summands, 10⁻¹⁵ of each. The difference over ±h/2 is wrong by less
than it differs from the one over ±h.
*/

enum { KL_POINTS = 8001 };

static double kl_at(const sgm_mixture *p, const sgm_mixture *q, double at, double width, double *fisher) {
    static float x[KL_POINTS], t[KL_POINTS], sp[KL_POINTS], sq[KL_POINTS];
    static double lp[KL_POINTS], lq[KL_POINTS];
    const sgm_score of_p = sgm_mixture_score(p), of_q = sgm_mixture_score(q);
    double kl = 0;
    for (int i = 0; i < KL_POINTS; i++) x[i] = (float)(width * (i - KL_POINTS / 2)), t[i] = (float)at;
    CHECK_OK(sgm_score_logp(&of_p, lp, x, t, KL_POINTS));
    CHECK_OK(sgm_score_logp(&of_q, lq, x, t, KL_POINTS));
    CHECK_OK(sgm_score_eval(&of_p, sp, x, t, KL_POINTS));
    CHECK_OK(sgm_score_eval(&of_q, sq, x, t, KL_POINTS));
    *fisher = 0;
    for (int i = 0; i < KL_POINTS; i++) {
        double mass = width * exp(lp[i]), apart = (double)sp[i] - sq[i];
        kl += mass * (lp[i] - lq[i]), *fisher += mass * apart * apart;
    }
    return kl;
}

static void test_kl_falls(void **state) {
    (void)state;
    const double mean[4] = {-1, 1, 0.5, -0.25}, var[4] = {0.25, 0.5, 1, 0.375}, weight[2] = {1, 3};
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        const check_family *f = &family[i];
        sgm_mixture p, q;
        CHECK_OK(sgm_mixture_init(&p, 2, 1, weight, mean, var, SGM_COV_ISOTROPIC, &f->sde));
        CHECK_OK(sgm_mixture_init(&q, 2, 1, NULL, mean + 2, var + 2, SGM_COV_ISOTROPIC, &f->sde));
        for (int k = 1; k <= 3; k++) {
            double h = ldexp(1, f->end > 1 ? -6 : -13), t = 64 * h * floor(0.2 * k * f->end / (64 * h));
            double s = sgm_sde_s(&f->sde, t), width = ldexp(1, (int)ceil(log2(1 + s)) - 8), fisher, unused;
            double coarse = (kl_at(&p, &q, t + h, width, &unused) - kl_at(&p, &q, t - h, width, &unused)) / (2 * h);
            double fine = (kl_at(&p, &q, t + h / 2, width, &unused) - kl_at(&p, &q, t - h / 2, width, &unused)) / h;
            double kl = kl_at(&p, &q, t, width, &fisher), right = -0.5 * sgm_sde_g2(&f->sde, t) * fisher;
            assert_true(right < 0 && kl > 0);
            /* summands are up to |log p| + |log q| < 20 in size, floats to 2^-24 of each score */
            double size = 0.5 * sgm_sde_g2(&f->sde, t) * sqrt(fisher) * 8 / sqrt(0.25 + s * s);
            CHECK_CLOSE(fine, right, fabs(fine - coarse) + 2e-14 / h + ldexp(size, -23) +
                                         f->slope_error * fabs(right));
        }
        sgm_mixture_free(&p), sgm_mixture_free(&q);
    }
}

/*
## (2.14) Times
*/

enum { TIMES = 20000 };
static float times[TIMES], weights[TIMES], scaled[TIMES];

static double uniform_cdf(double u, void *user) { return (void)user, u < 0 ? 0 : u > 1 ? 1 : u; }
static double normal_cdf(double z, void *user) { return (void)user, 0.5 * erfc(-z / ROOT2); }

static sgm_loss loss_of(sgm_times kind, sgm_weight weight) {
    sgm_loss loss;
    memset(&loss, 0, sizeof loss);
    loss.times = kind, loss.weight = weight;
    return loss;
}

static void check_weights(const sgm_loss *loss, const sgm_sde *sde) {
    for (int i = 0; i < TIMES; i += 97) {
        double w = sgm_loss_weight(loss, sde, times[i]), u = times[i] * FLT_EPSILON;
        double change =
            fabs(sgm_loss_weight(loss, sde, times[i] - u) - w); /* t is rounded, w is not */
        CHECK_CLOSE(weights[i], w, change + FLT_EPSILON * w);
    }
}

static void test_times_uniform(void **state) {
    const check_family *f = (const check_family *)*state;
    sgm_loss loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_MIN_SNR);
    double low = f->sde.t_min, width = f->sde.T - low;
    CHECK_OK(sgm_loss_times(&loss, &f->sde, times, weights, TIMES, sgm_key_init(51), 0));
    for (int i = 0; i < TIMES; i++) scaled[i] = (float)((times[i] - low) / width);
    CHECK_P(stat_ks_p(stat_ks(scaled, TIMES, uniform_cdf, NULL), TIMES), CHECK_RATE);
    check_weights(&loss, &f->sde);
}

/* Stratified: the i-th draw lies in the i-th slice, uniformly. */

static void test_times_stratified(void **state) {
    const check_family *f = (const check_family *)*state;
    sgm_loss loss = loss_of(SGM_TIMES_STRATIFIED, SGM_WEIGHT_SIGMA2);
    double low = f->sde.t_min, width = f->sde.T - low;
    for (int block = 0; block < TIMES / 100; block++)
        CHECK_OK(sgm_loss_times(&loss, &f->sde, times + 100 * block, weights + 100 * block, 100,
                                sgm_key_init(52), 100 * (uint64_t)block));
    for (int i = 0; i < TIMES; i++) {
        double u = (times[i] - low) / width * 100 - i % 100;
        assert_true(u >= -1e-4 && u <= 1 + 1e-4); /* 100 ulps of float */
        scaled[i] = (float)u;
    }
    CHECK_P(stat_ks_p(stat_ks(scaled, TIMES, uniform_cdf, NULL), TIMES), CHECK_RATE);
    check_weights(&loss, &f->sde);
}

static void test_times_grid(void **state) {
    double grid[7] = {0.9, 0.1, 0.3, 0.2, 0.7, 0.5, 1}, count[7], expected[7];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_loss loss = loss_of(SGM_TIMES_GRID, SGM_WEIGHT_SIGMA2);
    (void)state;
    loss.grid = grid, loss.n_grid = 7, sde.t_min = 0; /* a grid needs no t_min */
    CHECK_OK(sgm_loss_times(&loss, &sde, times, weights, TIMES, sgm_key_init(53), 0));
    for (int k = 0; k < 7; k++) count[k] = 0, expected[k] = TIMES / 7.0;
    for (int i = 0; i < TIMES; i++)
        for (int k = 0; k < 7; k++) count[k] += times[i] == (float)grid[k];
    double all = 0;
    for (int k = 0; k < 7; k++) all += count[k];
    CHECK_CLOSE(all, TIMES, 0);
    CHECK_P(stat_chi2_p(count, expected, 7, 0), CHECK_RATE);
    loss.n_grid = 1;
    CHECK_OK(sgm_loss_times(&loss, &sde, times, weights, 10, sgm_key_init(53), 0));
    for (int i = 0; i < 10; i++) CHECK_CLOSE(times[i], (float)0.9, 0);
}

/* Log-normal: log(s/m) is normal within the limits of t, and what lies beyond is moved to the
limit: the inner draws' quantiles among the inner ones are uniform, and the numbers at the limits
are binomial. */

static void check_share(double count, double p) {
    CHECK_CLOSE(count, TIMES * p, CHECK_SIGMAS * sqrt(TIMES * p * (1 - p)) + 1);
}

static void test_times_lognormal(void **state) {
    const check_family *f = (const check_family *)*state;
    float first = (float)f->sde.t_min, last = (float)f->sde.T;
    for (int set = 0; set < 2; set++) {
        sgm_loss loss = loss_of(SGM_TIMES_LOGNORMAL, SGM_WEIGHT_EDM);
        double mean = -0.5, std = 1.2, count[2] = {0, 0}; /* of data of size 1 */
        long inner = 0;
        if (set) mean = loss.mean = -0.3, std = loss.std = 0.7;
        double low = normal_cdf((-0.5 * sgm_sde_logsnr(&f->sde, f->sde.t_min) - mean) / std, NULL);
        double high = normal_cdf((-0.5 * sgm_sde_logsnr(&f->sde, f->sde.T) - mean) / std, NULL);
        CHECK_OK(sgm_loss_times(&loss, &f->sde, times, weights, TIMES, sgm_key_init(54), 0));
        for (int i = 0; i < TIMES; i++) {
            double z = (-0.5 * sgm_sde_logsnr(&f->sde, times[i]) - mean) / std;
            if (times[i] == first || times[i] == last) count[times[i] == last]++;
            else scaled[inner++] = (float)((normal_cdf(z, NULL) - low) / (high - low));
        }
        check_share(count[0], low);
        check_share(count[1], 1 - high);
        CHECK_P(stat_ks_p(stat_ks(scaled, inner, uniform_cdf, NULL), (double)inner), CHECK_RATE);
        check_weights(&loss, &f->sde);
    }
}

static void test_times_logit(void **state) {
    const check_family *f = (const check_family *)*state;
    for (int set = 0; set < 2; set++) {
        sgm_loss loss = loss_of(SGM_TIMES_LOGIT, SGM_WEIGHT_SIGMA2);
        double mean = 0, std = 1, low = f->sde.t_min, width = f->sde.T - low;
        if (set) mean = loss.mean = -0.5, std = loss.std = 0.6;
        CHECK_OK(sgm_loss_times(&loss, &f->sde, times, weights, TIMES, sgm_key_init(55), 0));
        for (int i = 0; i < TIMES; i++) {
            double u = (times[i] - low) / width;
            scaled[i] = (float)((log(u / (1 - u)) - mean) / std);
        }
        CHECK_P(stat_ks_p(stat_ks(scaled, TIMES, normal_cdf, NULL), TIMES), CHECK_RATE);
        check_weights(&loss, &f->sde);
    }
}

/* Importance: log-SNR is uniform; with the likelihood weight every draw weighs λ's range per unit
of t; and with any other weight the mean of w h(t) is that under uniform t, which Simpson's rule
integrates. */

static double simpson(double (*f)(double t, void *user), void *user, double low, double high,
                      int pairs) {
    double h = (high - low) / (2 * pairs), sum = f(low, user) + f(high, user);
    for (int i = 1; i < 2 * pairs; i++) sum += (i % 2 ? 4 : 2) * f(low + i * h, user);
    return sum * h / 3;
}

typedef struct integrand {
    const sgm_sde *sde;
    const sgm_loss *loss;
    double c;
} integrand;

static double weighted_test_function(double t, void *user) {
    const integrand *in = (const integrand *)user;
    return sgm_loss_weight(in->loss, in->sde, t) * (1 + t / in->sde->T);
}

static void test_times_importance(void **state) {
    const check_family *f = (const check_family *)*state;
    sgm_loss loss = loss_of(SGM_TIMES_IMPORTANCE, SGM_WEIGHT_G2);
    double from = sgm_sde_logsnr(&f->sde, f->sde.t_min), to = sgm_sde_logsnr(&f->sde, f->sde.T);
    double width = f->sde.T - f->sde.t_min, se;
    static double values[TIMES];
    CHECK_OK(sgm_loss_times(&loss, &f->sde, times, weights, TIMES, sgm_key_init(56), 0));
    for (int i = 0; i < TIMES; i++) {
        CHECK_REL(weights[i], (from - to) / width, FLT_EPSILON);
        scaled[i] = (float)((sgm_sde_logsnr(&f->sde, times[i]) - from) / (to - from));
    }
    CHECK_P(stat_ks_p(stat_ks(scaled, TIMES, uniform_cdf, NULL), TIMES), CHECK_RATE);
    loss.weight = SGM_WEIGHT_FLOW; /* a weight that is finite at both ends of every family */
    if (f->sde.family == SGM_FAMILY_EDM || f->sde.family == SGM_FAMILY_VE || f->sde.family == SGM_FAMILY_USER_SIGMA2)
        loss.weight = SGM_WEIGHT_MIN_SNR; /* they draw rarely the times where that is large */
    integrand in = {&f->sde, &loss, 0};
    CHECK_OK(sgm_loss_times(&loss, &f->sde, times, weights, TIMES, sgm_key_init(57), 0));
    for (int i = 0; i < TIMES; i++) values[i] = weights[i] * (1 + times[i] / f->sde.T);
    /* Simpson's steps are 1/40 000: 10⁻⁴ for the kink of min-SNR and all that is steeper */
    double truth = simpson(weighted_test_function, &in, f->sde.t_min, f->sde.T, 20000) / width;
    double got = check_mean(values, TIMES, &se);
    CHECK_CLOSE(got, truth, CHECK_SIGMAS * se + 1e-4 * truth);
    assert_true(se < 0.05 * truth);
}

/* Draw i is a function of key and index: chunks give the same numbers (stratified draws excepted,
as they say). */

static void test_times_chunks(void **state) {
    const check_family *f = (const check_family *)*state;
    double grid[3] = {0.1, 0.2, 0.3};
    float t[20], w[20], t2[20], w2[20];
    for (int kind = 0; kind <= SGM_TIMES_IMPORTANCE; kind++) {
        sgm_loss loss = loss_of((sgm_times)kind, SGM_WEIGHT_G2);
        loss.grid = grid, loss.n_grid = 3;
        if (kind == SGM_TIMES_STRATIFIED) continue;
        CHECK_OK(sgm_loss_times(&loss, &f->sde, t, w, 20, sgm_key_init(9), 1000));
        CHECK_OK(sgm_loss_times(&loss, &f->sde, t2, w2, 3, sgm_key_init(9), 1000));
        CHECK_OK(sgm_loss_times(&loss, &f->sde, t2 + 3, w2 + 3, 17, sgm_key_init(9), 1003));
        assert_memory_equal(t, t2, sizeof t);
        assert_memory_equal(w, w2, sizeof w);
    }
}

static void test_bad_losses(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_loss loss = loss_of((sgm_times)9, SGM_WEIGHT_SIGMA2);
    double grid[2] = {0.5, 1.5};
    float t, w, data[2] = {0, 1};
    sgm_dsm_result result;
    sgm_mixture one, two;
    (void)state;
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "not one of the list");
    loss = loss_of(SGM_TIMES_UNIFORM, (sgm_weight)-1);
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "not one of the list");
    loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_USER);
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "needs user_weight");
    loss = loss_of(SGM_TIMES_GRID, SGM_WEIGHT_SIGMA2);
    CHECK_FAILS(sgm_loss_times(&loss, &sde, &t, &w, 1, sgm_key_init(0), 0), SGM_BAD_ARGUMENT,
                "needs grid");
    loss.grid = grid, loss.n_grid = 0;
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "n_grid >= 1");
    loss.n_grid = 2;
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "needs 0 < t <= T");
    grid[1] = 0;
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "level 1");
    grid[1] = NAN;
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "level 1");
    loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_SIGMA2), sde.t_min = 0;
    CHECK_FAILS(sgm_loss_check(&loss, &sde), SGM_BAD_ARGUMENT, "set t_min");
    sde.t_min = 1e-3;
    CHECK_OK(sgm_mixture_from_data(&one, data, 2, 1, &sde));
    CHECK_OK(sgm_mixture_from_data(&two, data, 1, 2, &sde));
    sgm_score a = sgm_mixture_score(&one), b = sgm_mixture_score(&two);
    sgm_key key = sgm_key_init(0);
    CHECK_FAILS(sgm_dsm(&result, NULL, NULL, data, 2, &loss, 9, key), SGM_BAD_ARGUMENT, "or both");
    CHECK_FAILS(sgm_dsm(&result, &a, &b, data, 2, &loss, 9, key), SGM_MISMATCH, "dimensions");
    CHECK_FAILS(sgm_dsm(&result, &a, &a, data, 0, &loss, 9, key), SGM_BAD_ARGUMENT, "n >= 1");
    CHECK_FAILS(sgm_dsm(&result, &a, &a, data, 2, &loss, 0, key), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(sgm_dsm(&result, &a, &a, NULL, 2, &loss, 9, key), SGM_BAD_ARGUMENT, "n >= 1");
    CHECK_FAILS(sgm_dsm(&result, &a, &a, data, 2, NULL, 9, key), SGM_BAD_ARGUMENT, "no loss");
    float broken[2] = {1, (float)NAN};
    CHECK_FAILS(sgm_dsm(&result, &a, &a, broken, 2, &loss, 9, key), SGM_NOT_FINITE, "point 1");
    assert_true(isnan(result.loss) && isnan(result.excess_se) && isnan(result.bin_floor[7]));
    sgm_score c = a;
    c.sde.family = SGM_FAMILY_NONE; /* one density, of which there is nothing to denoise */
    CHECK_FAILS(sgm_dsm(&result, &c, NULL, data, 2, &loss, 9, key), SGM_BAD_ARGUMENT,
                "knows no process");
    c.sde = sgm_sde_vp(0.1, 10);
    CHECK_FAILS(sgm_dsm(&result, &c, &a, data, 2, &loss, 9, key), SGM_MISMATCH, "one process");
    CHECK_FAILS(sgm_dsm(&result, &c, NULL, data, 2, &loss, 9, key), SGM_MISMATCH, "one process");
    double wrong[3] = {-3, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        sgm_loss odd = loss;
        odd.std = wrong[i];
        CHECK_FAILS(sgm_loss_check(&odd, &sde), SGM_BAD_ARGUMENT, "std");
        odd = loss, odd.scale = wrong[i];
        CHECK_FAILS(sgm_loss_check(&odd, &sde), SGM_BAD_ARGUMENT, "scale");
        odd = loss, odd.min_snr = wrong[i];
        CHECK_FAILS(sgm_loss_check(&odd, &sde), SGM_BAD_ARGUMENT, "min_snr");
        odd = loss, odd.sigma_data = wrong[i];
        CHECK_FAILS(sgm_loss_check(&odd, &sde), SGM_BAD_ARGUMENT, "sigma_data");
        odd = loss, odd.mean = i ? wrong[i] : -INFINITY;
        CHECK_FAILS(sgm_loss_check(&odd, &sde), SGM_BAD_ARGUMENT, "mean");
        odd = loss, odd.probe = (sgm_probe)9;
        CHECK_FAILS(sgm_loss_check(&odd, &sde), SGM_BAD_ARGUMENT, "probe");
    }
    sgm_mixture_free(&one), sgm_mixture_free(&two);
    assert_int_equal(live_blocks, alive_before);
}

static void test_bin_edges(void **state) {
    (void)state;
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        const sgm_sde *sde = &family[i].sde;
        CHECK_REL(sgm_bin_edge(sde, 0), sde->t_min, 1e-14);
        CHECK_REL(sgm_bin_edge(sde, SGM_BINS), sde->T, 1e-14);
        double middle = i == 6 ? sqrt(sde->t_min * sde->T) : 0.5 * (sde->t_min + sde->T);
        CHECK_REL(sgm_bin_edge(sde, SGM_BINS / 2), middle, 1e-13);
        for (int k = 0; k < SGM_BINS; k++) {
            double low = sgm_bin_edge(sde, k), high = sgm_bin_edge(sde, k + 1);
            assert_int_equal(sgm__bin(sde, low + 1e-9 * (high - low)), k);
            assert_int_equal(sgm__bin(sde, high - 1e-9 * (high - low)), k);
        }
        assert_int_equal(sgm__bin(sde, 0), 0);
        assert_int_equal(sgm__bin(sde, sde->T), SGM_BINS - 1);
    }
}

/*
## (2.9) Loss, floor and excess

Data N(0, c I): given x, the noise has the variance m²c/(m²c+s²) in each coordinate, so the floor
is the integral of w d m²c/(m²c+s²); the score α times the true one has the excess w d (1−α)²
s²/(m²c+s²). The data set has n points, drawn once; a mean over `draws` draws from it scatters as
a mean over both, by √(1 + draws/n) more than the standard error given.
*/

enum { POINTS = 30000, DSM_DRAWS = 25000 };
static float points[2 * POINTS];

static sgm_status scaled_eval(const sgm_score *self, float *s, const float *x, const float *t,
                              long n) {
    const sgm_score *inner = (const sgm_score *)self->ctx;
    SGM__TRY(inner->eval(inner, s, x, t, n));
    for (long i = 0; i < n * self->d; i++) s[i] *= (float)self->which * 0.125f;
    return SGM_OK;
}

/* mean without std keeps the default's spread: 1.2 of LOGNORMAL, 1 of LOGIT; a mean of 0 needs one. */

static void test_mean_alone(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    float a[64], b[64], w[64];
    (void)state;
    for (int k = 0; k < 2; k++) {
        sgm_loss loss = loss_of(k ? SGM_TIMES_LOGIT : SGM_TIMES_LOGNORMAL, SGM_WEIGHT_SIGMA2);
        loss.mean = -0.5;
        CHECK_OK(sgm_loss_times(&loss, &sde, a, w, 64, sgm_key_init(1), 0));
        loss.std = k ? 1 : 1.2;
        CHECK_OK(sgm_loss_times(&loss, &sde, b, w, 64, sgm_key_init(1), 0));
        assert_memory_equal(a, b, sizeof a);
        loss.mean = loss.std = 0;
        CHECK_OK(sgm_loss_times(&loss, &sde, a, w, 64, sgm_key_init(1), 0));
        loss.mean = k ? 0 : -0.5, loss.std = k ? 1 : 1.2;
        CHECK_OK(sgm_loss_times(&loss, &sde, b, w, 64, sgm_key_init(1), 0));
        assert_memory_equal(a, b, sizeof a);
    }
}

/* Fails at its third call: what was summed by then is no loss. */

static int calls_left;

static sgm_status failing_eval(const sgm_score *self, float *s, const float *x, const float *t,
                               long n) {
    (void)x, (void)t;
    if (calls_left-- == 0) return sgm__fail(SGM_MISMATCH, "it fails");
    memset(s, 0, (size_t)(n * self->d) * sizeof *s);
    return SGM_OK;
}

static void test_failed_losses(void **state) {
    static float data[2] = {-1, 1};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_loss loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_SIGMA2);
    sgm_key key = sgm_key_init(2);
    sgm_dsm_result r;
    sgm_score score;
    double mean = 0, se = 0;
    (void)state;
    memset(&score, 0, sizeof score), score.d = 1, score.eval = failing_eval, score.sde = sde;
    for (calls_left = 2; calls_left >= 0;) { /* at the third call, then at the first */
        int calls = calls_left;
        assert_int_equal(sgm_dsm(&r, &score, NULL, data, 2, &loss, 20000, key), SGM_MISMATCH);
        assert_true(isnan(r.loss) && isnan(r.loss_se) && isnan(r.floor) && isnan(r.excess));
        for (int i = 0; i < SGM_BINS; i++) assert_true(isnan(r.bin_loss[i]) && !r.bin_count[i]);
        calls_left = calls;
        assert_int_equal(
            sgm_objective_value(&mean, &se, &score, data, 2, &loss, 20000, key),
            SGM_MISMATCH);
        assert_true(isnan(mean) && isnan(se));
        calls_left = calls - 2;
    }
}

/* A memory of 20 points has, on these points, a loss below the floor of the law they come from, and
an excess of its own: (2.9) speaks of the law that is drawn from. */

static void test_memory_below_floor(void **state) {
    enum { N = 20 };
    float data[N];
    double mean = 0, var = 0.3;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture law, memory;
    sgm_loss loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_SIGMA2);
    sgm_dsm_result r;
    (void)state;
    sgm_normal(data, N, sgm_key_init(3), 0);
    for (int i = 0; i < N; i++) data[i] *= sqrtf(0.3f);
    CHECK_OK(sgm_mixture_init(&law, 1, 1, NULL, &mean, &var, SGM_COV_ISOTROPIC, &sde));
    CHECK_OK(sgm_mixture_from_data(&memory, data, N, 1, &sde));
    sgm_score exact = sgm_mixture_score(&law), copy = sgm_mixture_score(&memory);
    CHECK_OK(sgm_dsm(&r, &copy, &exact, data, N, &loss, 400000, sgm_key_init(4)));
    assert_true(r.loss + 5 * (r.loss_se + r.floor_se) < r.floor);
    /* the other way round (2.9) holds, and the two differ by the same: the law's own excess */
    double difference = r.floor - r.loss, excess = r.excess, se = r.loss_se + r.floor_se;
    CHECK_OK(sgm_dsm(&r, &exact, &copy, data, N, &loss, 400000, sgm_key_init(4)));
    CHECK_CLOSE(r.excess, excess, 1e-9 + 1e-6 * excess), CHECK_CLOSE(difference, excess, 5 * se);
    sgm_mixture_free(&law), sgm_mixture_free(&memory);
}

static sgm_score scaled_score(const sgm_score *inner, int eighths) {
    sgm_score score = *inner;
    score.ctx = inner, score.which = eighths, score.eval = scaled_eval;
    score.jvp = NULL, score.logp = NULL;
    return score;
}

static double floor_at(double t, void *user) {
    const integrand *in = (const integrand *)user;
    double m = sgm_sde_m(in->sde, t), s = sgm_sde_s(in->sde, t);
    double w = sgm_loss_weight(in->loss, in->sde, t);
    return w * 2 * m * m * in->c / (m * m * in->c + s * s);
}

static double excess_at(double t, void *user) { /* for α = 0 */
    const integrand *in = (const integrand *)user;
    double m = sgm_sde_m(in->sde, t), s = sgm_sde_s(in->sde, t);
    return sgm_loss_weight(in->loss, in->sde, t) * 2 * s * s / (m * m * in->c + s * s);
}

static void check_dsm(const check_family *f, const sgm_score *exact, sgm_loss *loss, double c) {
    sgm_sde sde = f->sde;
    sde.T = 0.9 * f->end, sde.t_min = 0.01 * f->end;
    integrand in = {&sde, loss, c};
    sgm_score here = *exact; /* its process, but for t_min and T */
    here.sde = sde;
    sgm_score wrong = scaled_score(&here, 6); /* α = 3/4 */
    sgm_dsm_result r, same;
    double width = sde.T - sde.t_min, wide = sqrt(1 + (double)DSM_DRAWS / POINTS);
    double scale = loss->scale > 0 ? loss->scale : 1;
    double floor_truth = scale * simpson(floor_at, &in, sde.t_min, sde.T, 1000) / width;
    double excess_truth = scale * simpson(excess_at, &in, sde.t_min, sde.T, 1000) / width / 16;
    sgm_key key = sgm_key_init(61);
    CHECK_OK(sgm_dsm(&r, &wrong, &here, points, POINTS, loss, DSM_DRAWS, key));
    CHECK_CLOSE(r.floor, floor_truth, CHECK_SIGMAS * wide * r.floor_se);
    CHECK_CLOSE(r.excess, excess_truth, CHECK_SIGMAS * wide * r.excess_se);
    assert_true(r.floor_se < 0.05 * r.floor && r.excess_se < 0.05 * r.excess);
    /* L - L* - E has mean zero, and scatters as 2w(ε-ε*)·(ε*-ε̂): at most as L and L* together */
    CHECK_CLOSE(r.loss - r.floor, r.excess, CHECK_SIGMAS * wide * (r.loss_se + r.floor_se));
    CHECK_OK(sgm_dsm(&same, &here, &here, points, POINTS, loss, DSM_DRAWS, key));
    CHECK_CLOSE(same.loss, r.floor, 0);
    CHECK_CLOSE(same.floor, r.floor, 0);
    CHECK_CLOSE(same.excess, 0, 0);
    double sums[4] = {0, 0, 0, 0};
    for (int k = 0; k < SGM_BINS; k++) {
        double count = (double)r.bin_count[k];
        if (count == 0) continue;
        sums[0] += count, sums[1] += count * r.bin_loss[k] / DSM_DRAWS;
        sums[2] += count * r.bin_floor[k] / DSM_DRAWS,
            sums[3] += count * r.bin_excess[k] / DSM_DRAWS;
    }
    CHECK_CLOSE(sums[0], DSM_DRAWS, 0);
    CHECK_REL(sums[1], r.loss, 1e-12), CHECK_REL(sums[2], r.floor, 1e-12);
    CHECK_REL(sums[3], r.excess, 1e-12);
}

static void test_dsm(void **state) {
    const check_family *f = (const check_family *)*state;
    double mean[2] = {0, 0}, c = 0.8;
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 1, 2, NULL, mean, &c, SGM_COV_ISOTROPIC, &f->sde));
    CHECK_OK(sgm_mixture_sample(&mix, points, NULL, POINTS, 0, sgm_key_init(60)));
    sgm_score exact = sgm_mixture_score(&mix);
    sgm_loss loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_SIGMA2);
    check_dsm(f, &exact, &loss, c);
    loss.times = SGM_TIMES_IMPORTANCE, loss.weight = SGM_WEIGHT_G2, loss.scale = 0.5;
    check_dsm(f, &exact, &loss, c);
    loss.times = SGM_TIMES_STRATIFIED, loss.weight = SGM_WEIGHT_EDM, loss.scale = 0;
    if (f->sde.family != SGM_FAMILY_VE && f->sde.family != SGM_FAMILY_USER_SIGMA2) check_dsm(f, &exact, &loss, c);
    sgm_mixture_free(&mix);
}

/* The standard error is the scatter of repeated runs: over R = 60 keys the mean square of (loss −
mean)/se is χ²/R-like, 1 ± 5√(2/R), and the bins of one run say what they should where asked for
nothing: NaN. */

static void test_dsm_errors(void **state) {
    enum { R = 60 };
    float data[2] = {-1, 1};
    double losses[R], square = 0, mean, se2 = 0;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    sgm_dsm_result r;
    sgm_loss loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_SIGMA2);
    (void)state;
    CHECK_OK(sgm_mixture_from_data(&mix, data, 2, 1, &sde));
    sgm_score exact = sgm_mixture_score(&mix);
    for (int i = 0; i < R; i++) {
        CHECK_OK(sgm_dsm(&r, &exact, NULL, data, 2, &loss, 5000, sgm_key_init((uint64_t)i)));
        losses[i] = r.loss, se2 += r.loss_se * r.loss_se / R;
        assert_true(isnan(r.floor) && isnan(r.excess) && isnan(r.floor_se) &&
                    isnan(r.bin_floor[0]));
    }
    mean = check_mean(losses, R, NULL);
    for (int i = 0; i < R; i++) square += (losses[i] - mean) * (losses[i] - mean) / (R - 1);
    CHECK_CLOSE(square / se2, 1, CHECK_SIGMAS * sqrt(2.0 / (R - 1)));
    CHECK_OK(sgm_dsm(&r, NULL, &exact, data, 2, &loss, 5000, sgm_key_init(0)));
    CHECK_CLOSE(r.floor, losses[0], 0);
    assert_true(isnan(r.loss) && isnan(r.excess) && isnan(r.bin_loss[0]) && isnan(r.bin_excess[0]));
    sgm_mixture_free(&mix);
}

/*
What is drawn: a spy in the place of the score looks at the points of a long run. With EDM's x =
x0 + t ε it sees the noise alone where the data is 0, and the choice of data alone where t is
tiny. No part of the run repeats another (the library works in chunks, and a chunk must not start
over), nor do noise, times and choices share numbers: their correlations at equal counters have
the deviation 1/√n.
*/

enum { SPIED = 3 * 4096 };

typedef struct spy {
    double x[SPIED], t[SPIED];
    long n;
} spy;

static sgm_status spy_eval(const sgm_score *self, float *s, const float *x, const float *t,
                           long n) {
    spy *w = (spy *)(size_t)self->ctx;
    for (long i = 0; i < n; i++, w->n++) w->x[w->n] = x[i], w->t[w->n] = t[i], s[i] = 0;
    return SGM_OK;
}

static void run_spy(spy *w, const float *data, long n, const sgm_sde *sde, const sgm_loss *loss) {
    sgm_score score;
    sgm_dsm_result r;
    memset(&score, 0, sizeof score), w->n = 0;
    score.d = 1, score.ctx = w, score.eval = spy_eval, score.sde = *sde;
    CHECK_OK(sgm_dsm(&r, &score, NULL, data, n, loss, SPIED, sgm_key_init(17)));
    assert_int_equal(w->n, SPIED);
}

static void check_uncorrelated(const double *a, const double *b, long n, long stride_b) {
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (long i = 0; i < n; i++) {
        double p = a[i], q = b[i * stride_b];
        sa += p, sb += q, saa += p * p, sbb += q * q, sab += p * q;
    }
    double cov = sab - sa * sb / n, var_a = saa - sa * sa / n, var_b = sbb - sb * sb / n;
    CHECK_CLOSE(cov / sqrt(var_a * var_b), 0, CHECK_SIGMAS / sqrt((double)n));
}

static void test_draws(void **state) {
    static spy noise, choice;
    static float data[1000], zero[1];
    static double energy[SPIED];
    sgm_sde sde = sgm_sde_edm(1e-9, 1);
    sgm_loss loss = loss_of(SGM_TIMES_UNIFORM, SGM_WEIGHT_SIGMA2), tiny = loss;
    double grid[1] = {1e-9}, count[10], expected[10];
    (void)state;
    for (int i = 0; i < 1000; i++) data[i] = (float)(i - 499.5);
    tiny.times = SGM_TIMES_GRID, tiny.grid = grid, tiny.n_grid = 1;
    run_spy(&noise, zero, 1, &sde, &loss);
    run_spy(&choice, data, 1000, &sde, &tiny);
    for (int i = 0; i < SPIED; i++) noise.x[i] /= noise.t[i];
    for (int i = 0; i + 1 < SPIED; i++) energy[i] = pow(noise.x[i], 2) + pow(noise.x[i + 1], 2);
    for (int lag = 1; lag <= 2; lag++) {
        check_uncorrelated(noise.x, noise.x + 4096 * lag, 4096, 1);
        check_uncorrelated(noise.t, noise.t + 4096 * lag, 4096, 1);
        check_uncorrelated(choice.x, choice.x + 4096 * lag, 4096, 1);
    }
    check_uncorrelated(noise.t, noise.x, SPIED, 1);
    check_uncorrelated(choice.x, noise.t, SPIED, 1);
    check_uncorrelated(choice.x, noise.x, SPIED, 1);
    check_uncorrelated(noise.t, energy, SPIED / 4,
                       4); /* one counter makes four normals, in pairs */
    check_uncorrelated(choice.x, energy, SPIED / 4, 4);
    for (int k = 0; k < 10; k++) count[k] = 0, expected[k] = SPIED / 10.0;
    for (int i = 0; i < SPIED; i++) count[(int)((choice.x[i] + 500) / 100)]++;
    CHECK_P(stat_chi2_p(count, expected, 10, 0), CHECK_RATE);
    for (int i = 0; i < SPIED; i++) scaled[i] = (float)noise.x[i];
    CHECK_P(stat_ks_p(stat_ks(scaled, SPIED, normal_cdf, NULL), SPIED), CHECK_RATE);
}

/*
## (2.7) What minimises the loss is the score

Fit s = αx + γ to −ε/s by least squares, on N(μ, c) data noised at one t. The residual has a
variance that does not depend on x, v = (1 − s²/V)/s² with V = m²c + s², so the errors of α and of
γ at the mean are √(v/nV) and √(v/n).
*/

static void test_minimiser(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x0[DRAWS], eps[DRAWS], x[DRAWS], t[DRAWS];
    double mu = 1.5, c = 0.6, sigmas[3] = {0.3, 1, 4}, mean[1] = {1.5}, cov[1] = {0.6};
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, mean, cov, SGM_COV_ISOTROPIC, &f->sde));
    sgm_score exact = sgm_mixture_score(&mix);
    CHECK_OK(sgm_mixture_sample(&mix, x0, NULL, DRAWS, 0, sgm_key_init(71)));
    sgm_normal(eps, DRAWS, sgm_key_init(72), 0);
    for (int k = 0; k < 3; k++) {
        float at = time_of_sigma(&f->sde, sigmas[k]), probe[2] = {0, 1}, score[2], both[2];
        double m = sgm_sde_m(&f->sde, at), s = sgm_sde_s(&f->sde, at), V = m * m * c + s * s;
        double sx = 0, sy = 0, sxx = 0, sxy = 0;
        for (int i = 0; i < DRAWS; i++) t[i] = at;
        sgm_sde_perturb(x, x0, eps, t, DRAWS, 1, &f->sde);
        for (int i = 0; i < DRAWS; i++) {
            double dx = x[i] - m * mu, y = -eps[i] / s;
            sx += dx, sy += y, sxx += dx * dx, sxy += dx * y;
        }
        double alpha = (sxy - sx * sy / DRAWS) / (sxx - sx * sx / DRAWS),
               v = (1 - s * s / V) / (s * s);
        double at_mean = (sy - alpha * sx) / DRAWS;
        both[0] = both[1] = at;
        CHECK_OK(sgm_score_eval(&exact, score, probe, both, 2));
        CHECK_CLOSE(alpha, score[1] - score[0],
                    CHECK_SIGMAS * sqrt(v / (DRAWS * V)) +
                        FLT_EPSILON * (fabs(score[0]) + fabs(score[1])));
        CHECK_CLOSE(at_mean, score[0] + m * mu * ((double)score[1] - score[0]),
                    CHECK_SIGMAS * sqrt(v / DRAWS) +
                        FLT_EPSILON * (1 + m * mu) * (fabs(score[0]) + 1 / V));
    }
    sgm_mixture_free(&mix);
}

/*
The loss along α ↦ α s* is least at α = 1 for any weight. On one set of draws it is a parabola
through three runs, and its vertex is off by tilt/(8 bend). With the residual r = ε − ε̂ at α = 1
and q = s s*, a draw's share of the tilt is w r·q, of variance √(E w²|r|⁴ · E w²|q|⁴) at most
(Cauchy, Schwarz); both come with the standard errors of floor and excess, for at α = ¾ the excess
is w|q|²/16.
*/

static void test_minimiser_weights(void **state) {
    const check_family *f = (const check_family *)*state;
    sgm_sde sde = f->sde;
    sgm_mixture mix;
    make_mixture(&mix, 4, 2, SGM_COV_DIAGONAL, &f->sde);
    sde.t_min = time_of_sigma(&sde, 0.3), sde.T = time_of_sigma(&sde, 3);
    CHECK_OK(sgm_mixture_sample(&mix, points, NULL, POINTS, 0, sgm_key_init(80)));
    sgm_score exact = sgm_mixture_score(&mix);
    exact.sde = sde;
    for (int k = 0; k <= SGM_WEIGHT_FLOW; k++) {
        sgm_loss loss = loss_of(SGM_TIMES_UNIFORM, (sgm_weight)k);
        sgm_dsm_result r[3];
        for (int i = 0; i < 3; i++) {
            sgm_score score = scaled_score(&exact, 6 + 2 * i); /* α = 3/4, 1, 5/4 */
            CHECK_OK(sgm_dsm(&r[i], &score, &exact, points, POINTS, &loss, 10000,
                             sgm_key_init(81)));
        }
        double bend = r[2].loss - 2 * r[1].loss + r[0].loss, tilt = r[2].loss - r[0].loss;
        double n = 10000, wide = sqrt(1 + n / POINTS);
        double r4 = n * pow(r[1].floor_se, 2) + pow(r[1].floor, 2);
        double q4 = 256 * (n * pow(r[0].excess_se, 2) + pow(r[0].excess, 2));
        double tilt_se = sqrt(sqrt(r4 * q4) / n) * wide;
        CHECK_CLOSE(tilt / (8 * bend), 0, CHECK_SIGMAS * tilt_se / (8 * bend));
        assert_true(tilt_se < 0.5 * bend);
        CHECK_REL(bend, 2 * r[0].excess, 1e-4); /* exact up to float's rounding of the scores */
    }
    sgm_mixture_free(&mix);
}

/*
## The floor of the eight points on a circle

Gangloff's loss, at t = i/999. Its floor by quadrature: of the noise, given x, the scatter is
(m/s)² that of x0, which is 1 − |E[x0|x]|² on the unit circle. By symmetry x comes from the first
point; a trapezium in the two noises with steps of 0.15 over ±6 is good to 10⁻⁶, and so is every
third t (the sum changes by that).
*/

static double circle_scatter(double m, double s) {
    double total = 0, h = 0.15, px[8], py[8];
    for (int k = 0; k < 8; k++) px[k] = cos(2 * SGM__PI * k / 8), py[k] = sin(2 * SGM__PI * k / 8);
    for (double u = -6; u < 6.1; u += h)
        for (double v = -6; v < 6.1; v += h) {
            double x = m + s * u, y = s * v, z = 0, ex = 0, ey = 0;
            for (int k = 0; k < 8; k++) { /* |x - m p|² but for terms common to all k */
                double r = exp(m * (x * (px[k] - 1) + y * py[k]) / (s * s));
                z += r, ex += r * px[k], ey += r * py[k];
            }
            double p = exp(-0.5 * (u * u + v * v)) * h * h / (2 * SGM__PI);
            total += p * (1 - (ex * ex + ey * ey) / (z * z));
        }
    return total * m * m / (s * s);
}

static void test_circle(void **state) {
    static double grid[999];
    static float ring[16];
    double sum = 0;
    sgm_sde sde = sgm_sde_vp(0.001, 3);
    sgm_loss loss = loss_of(SGM_TIMES_GRID, SGM_WEIGHT_SIGMA2);
    sgm_mixture mix;
    sgm_dsm_result r;
    (void)state;
    for (int i = 1; i <= 999; i++) grid[i - 1] = i / 999.0;
    for (int i = 1; i < 999; i += 3) {
        double m = sgm_sde_m(&sde, grid[i]), s = sgm_sde_s(&sde, grid[i]);
        sum += circle_scatter(m, s);
    }
    double truth = sum / 333;
    CHECK_CLOSE(truth, 0.6480878, 1e-6); /* every t, and steps of 0.1 over ±7: 0.64808780 */
    sgm_data_ring(ring, 8);
    CHECK_OK(sgm_mixture_from_data(&mix, ring, 8, 2, &sde));
    sgm_score exact = sgm_mixture_score(&mix);
    loss.grid = grid, loss.n_grid = 999;
    CHECK_OK(sgm_dsm(&r, NULL, &exact, ring, 8, &loss, 400000, sgm_key_init(90)));
    CHECK_CLOSE(r.floor, truth, CHECK_SIGMAS * r.floor_se + 1e-5);
    assert_true(r.floor_se < 0.002);
    sgm_mixture_free(&mix);
}

typedef struct per_family {
    const char *name;
    void (*test)(void **state);
} per_family;

int main(void) {
    static const per_family each[] = {
        {"(2.1) log density is normalised:", test_normalised},
        {"(2.1) log density of a Gaussian:", test_gaussian_logp},
        {"(2.1) full covariance, rotated:", test_rotated},
        {"(2.1) exact draws, moments:", test_sample},
        {"(2.1) exact draws, law:", test_sample_law},
        {"(2.2) score is the gradient:", test_score},
        {"(2.3) jvp is its derivative:", test_jvp},
        {"(2.7) what minimises DSM:", test_minimiser},
        {"(2.7) minimiser, any weight:", test_minimiser_weights},
        {"(2.8) score of noised points:", test_points},
        {"(2.9) floor and excess:", test_dsm},
        {"(2.10) outputs by definition:", test_outputs},
        {"(2.10) outputs, there and back:", test_output_round_trip},
        {"(2.10) velocity by differences:", test_velocity},
        {"(2.12) weights by definition:", test_weights},
        {"(2.14) uniform times:", test_times_uniform},
        {"(2.14) stratified times:", test_times_stratified},
        {"(2.14) log-normal times:", test_times_lognormal},
        {"(2.14) logit-normal times:", test_times_logit},
        {"(2.14) importance times:", test_times_importance},
        {"(2.14) times in chunks:", test_times_chunks},
    };
    enum { EACH = sizeof each / sizeof *each };
    static char names[EACH * CHECK_FAMILIES][80];
    static struct CMUnitTest tests[EACH * CHECK_FAMILIES];
    const struct CMUnitTest once[] = {
        {"(2.2) far tails", test_far_tails, count_alive, NULL, NULL},
        {"2.1 keys of draws", test_sample_keys, count_alive, NULL, NULL},
        {"2.1 any number of threads", test_threads, count_alive, NULL, NULL},
        {"2.1 a NaN stays in its row", test_rows_apart, count_alive, NULL, NULL},
        {"2.1 bad mixtures", test_bad_mixtures, count_alive, NULL, NULL},
        {"2 bad scores", test_bad_scores, count_alive, NULL, NULL},
        {"2 no memory", test_no_memory, count_alive, NULL, NULL},
        {"(2.12) defaults of weights", test_weight_defaults, count_alive, NULL, NULL},
        {"(2.13) noise makes laws alike", test_kl_falls, NULL, NULL, NULL},
        {"(2.14) times on a grid", test_times_grid, count_alive, NULL, NULL},
        {"(2.14) log-normal around 1", test_times_lognormal_centred, count_alive, NULL, NULL},
        {"2.4 bad losses", test_bad_losses, count_alive, NULL, NULL},
        {"2.5 what a failed loss leaves", test_failed_losses, count_alive, NULL, NULL},
        {"(2.9) a memory is below the floor", test_memory_below_floor, count_alive, NULL, NULL},
        {"2.4 a mean alone keeps the spread", test_mean_alone, count_alive, NULL, NULL},
        {"2.4 slices of time", test_bin_edges, count_alive, NULL, NULL},
        {"(2.7) what a run draws", test_draws, count_alive, NULL, NULL},
        {"(2.9) standard errors", test_dsm_errors, count_alive, NULL, NULL},
        {"(2.9) floor of eight points on a circle", test_circle, count_alive, NULL, NULL},
    };
    int failed = 0;
    check_families(family);
    for (int i = 0; i < EACH * CHECK_FAMILIES; i++) {
        const per_family *p = &each[i / CHECK_FAMILIES];
        snprintf(names[i], sizeof names[i], "%s %s", p->name, family[i % CHECK_FAMILIES].name);
        tests[i].name = names[i], tests[i].test_func = p->test, tests[i].setup_func = count_alive;
        tests[i].initial_state = &family[i % CHECK_FAMILIES];
    }
    failed += cmocka_run_group_tests_name("chapter 2, families", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("chapter 2", once, NULL, NULL);
    return failed != 0;
}
