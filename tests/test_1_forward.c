/*
Chapter 1, the forward process: four columns of one table are one fact, so each is derived from
the others by a way that the library does not use: Runge–Kutta on (1.2), simulated paths, long
double, quadrature.

    cc -O2 -o test_1_forward test_1_forward.c -lcmocka -lm
*/

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "check.h"

static check_family family[CHECK_FAMILIES];

/*
## (1.2) The moments

RK4 has the error C h⁴, so the results with 2N steps and N differ by 15 times the error of the
finer: that is the tolerance, and rounding, at most one unit per step.
*/

typedef struct moments {
    double m, s2;
} moments;

static moments slope(const sgm_sde *sde, double t, moments y) {
    moments dy;
    dy.m = sgm_sde_f(sde, t) * y.m;
    dy.s2 = 2 * sgm_sde_f(sde, t) * y.s2 + sgm_sde_g2(sde, t);
    return dy;
}

static moments along(moments y, moments dy, double h) {
    y.m += h * dy.m, y.s2 += h * dy.s2;
    return y;
}

static moments runge_kutta(const sgm_sde *sde, double end, int steps) {
    moments y = {1, 0};
    double h = end / steps;
    for (int i = 0; i < steps; i++) {
        double t = end * i / steps;
        moments k1 = slope(sde, t, y), k2 = slope(sde, t + h / 2, along(y, k1, h / 2));
        moments k3 = slope(sde, t + h / 2, along(y, k2, h / 2)),
                k4 = slope(sde, t + h, along(y, k3, h));
        y = along(along(along(along(y, k1, h / 6), k2, h / 3), k3, h / 3), k4, h / 6);
    }
    return y;
}

static void test_moments(void **state) {
    const check_family *f = (const check_family *)*state;
    int steps = 2000;
    for (int i = 1; i <= 5; i++) {
        double t = f->end * i / 5, m = sgm_sde_m(&f->sde, t), s = sgm_sde_s(&f->sde, t);
        moments coarse = runge_kutta(&f->sde, t, steps), fine = runge_kutta(&f->sde, t, 2 * steps);
        double rounding = 2 * steps * DBL_EPSILON, grown = f->slope_error * (1 - log(m));
        double m_error = fabs(fine.m - coarse.m) / 15 + (rounding + grown) * m;
        double s2_error = fabs(fine.s2 - coarse.s2) / 15 + (rounding + 2 * grown) * s * s;
        assert_true(m_error < 1e-8 * m &&
                    s2_error < 2e-8 * s * s); /* sharp enough to mean something */
        CHECK_CLOSE(m, fine.m, 2 * m_error);
        CHECK_CLOSE(s * s, fine.s2, 2 * s2_error);
    }
    CHECK_CLOSE(sgm_sde_m(&f->sde, 0), 1, DBL_EPSILON);
    CHECK_CLOSE(sgm_sde_s(&f->sde, 0), 0, 0);
}

/*
## (1.3) The kernel is what simulated paths do

Euler–Maruyama moves mean and variance by a recursion without noise; with N and 2N steps it
differs by half of its error at N, so twice the difference (3 times, for the next order) bounds
the weak error. To this come 5 standard errors of n paths: s/√n for the mean, s²√(2/n) for the
variance.
*/

static moments euler_moments(const sgm_sde *sde, double end, int steps) {
    moments y = {1, 0};
    for (int i = 0; i < steps; i++) {
        double t = end * i / steps, h = end / steps, grow = 1 + h * sgm_sde_f(sde, t);
        y.m *= grow, y.s2 = grow * grow * y.s2 + h * sgm_sde_g2(sde, t);
    }
    return y;
}

enum { PATHS = 4000 };

static void test_paths(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x[PATHS], z[PATHS];
    int steps = 250;
    double x0 = 1.3, end = 0.8 * f->end;
    for (int k = 0; k < PATHS; k++) x[k] = (float)x0;
    for (int i = 0; i < steps; i++) {
        double t = end * i / steps, h = end / steps;
        double noise = sqrt(h * sgm_sde_g2(&f->sde, t)), grow = 1 + h * sgm_sde_f(&f->sde, t);
        sgm_normal(z, PATHS, sgm_key_init(11), (uint64_t)i * PATHS);
        for (int k = 0; k < PATHS; k++) x[k] = (float)(grow * x[k] + noise * z[k]);
    }
    moments coarse = euler_moments(&f->sde, end, steps),
            fine = euler_moments(&f->sde, end, 2 * steps);
    check_moments got = check_moments_of(x, PATHS, 1);
    double m = sgm_sde_m(&f->sde, end), s = sgm_sde_s(&f->sde, end), s2 = s * s;
    CHECK_CLOSE(got.mean, m * x0,
                3 * x0 * fabs(fine.m - coarse.m) + CHECK_SIGMAS * s / sqrt(PATHS));
    CHECK_CLOSE(got.var, s2, 3 * fabs(fine.s2 - coarse.s2) + CHECK_SIGMAS * s2 * sqrt(2.0 / PATHS));
}

/*
## (1.5) One clock

Log-SNR is wrong by some ulps, 10⁻¹⁴ at most; the difference formula multiplies that by 3/h with h
= 10⁻³ of the distance to the nearest singularity, and the slope there is at least 1/distance:
3·10⁻¹¹ relative. The fifth derivative of log t gives (h/t)⁴·24/480, which is nothing.
*/

static double logsnr_of(double t, void *sde) { return sgm_sde_logsnr((const sgm_sde *)sde, t); }

static void test_clock(void **state) {
    check_family *f = (check_family *)*state;
    double shares[6] = {0.003, 0.05, 0.2, 0.5, 0.8, 0.95};
    for (int i = 0; i < 6; i++) {
        double t = shares[i] * f->end, s = sgm_sde_s(&f->sde, t), m = sgm_sde_m(&f->sde, t);
        double h = 1e-3 * (t < 1 - t || f->sde.T > 1 ? t : 1 - t);
        double rounding = f->sde.family == SGM_USER_SIGMA2 ? DBL_EPSILON * 1e-4 / (s * s) * 3e3 : 0;
        CHECK_REL(check_slope(logsnr_of, &f->sde, t, h), -sgm_sde_g2(&f->sde, t) / (s * s),
                  1e-10 + f->slope_error + rounding);
        CHECK_CLOSE(sgm_sde_logsnr(&f->sde, t), 2 * log(m / s), 1e-14);
    }
}

/*
Back and forth: λ has an error of some ulps, and `log(1 + σ²)` in the inverse one of ε/σ²
relative; both turn into an error of t through dt = −dλ s²/g². The bisection stops at 2⁻⁶⁰ T.
*/

static void test_clock_inverse(void **state) {
    const check_family *f = (const check_family *)*state;
    for (int i = 0; i <= 40; i++) {
        double t = f->sde.t_min * pow(f->sde.T / f->sde.t_min, i / 40.0);
        double lambda = sgm_sde_logsnr(&f->sde, t), s = sgm_sde_s(&f->sde, t);
        double noise = f->sde.family == SGM_USER_SIGMA2 ? 2 * DBL_EPSILON * 1e-4 / (s * s) : 0;
        double error = 1e-14 + 4 * DBL_EPSILON * (1 + exp(lambda) + fabs(lambda)) + 4 * noise;
        double got = sgm_sde_t_from_logsnr(&f->sde, lambda);
        CHECK_CLOSE(got, t, error * s * s / sgm_sde_g2(&f->sde, t) + 1e-15 * t);
    }
    CHECK_CLOSE(sgm_sde_t_from_logsnr(&f->sde, 500), 0, 1e-15 * f->sde.T);
    CHECK_CLOSE(sgm_sde_t_from_logsnr(&f->sde, -500), f->sde.T, 1e-15 * f->sde.T);
}

/*
## (1.6) From one time to a later one

Two legs must compose to the whole: a = a₁a₂, b² = a₂²b₁² + b₂². All numbers are good to some
ulps, λ differences to 10⁻¹⁴ of at least 0.1.
*/

static void test_transition(void **state) {
    const check_family *f = (const check_family *)*state;
    double shares[5] = {0, 0.1, 0.35, 0.6, 1};
    for (int i = 0; i < 3; i++) {
        double t0 = shares[i] * f->end, t1 = shares[i + 1] * f->end, t2 = shares[i + 2] * f->end;
        double a, b, a1, b1, a2, b2, s0 = sgm_sde_s(&f->sde, t0), s2 = sgm_sde_s(&f->sde, t2);
        sgm_sde_transition(&f->sde, t0, t2, &a, &b);
        sgm_sde_transition(&f->sde, t0, t1, &a1, &b1);
        sgm_sde_transition(&f->sde, t1, t2, &a2, &b2);
        CHECK_REL(a1 * a2, a, 1e-13);
        CHECK_REL(a2 * a2 * b1 * b1 + b2 * b2, b * b, 1e-12);
        CHECK_REL(a, sgm_sde_m(&f->sde, t2) / sgm_sde_m(&f->sde, t0), 1e-14);
        CHECK_REL(b * b, s2 * s2 - a * a * s0 * s0, 1e-12);
    }
}

/* Over a short leg h, b² is the integral of g²(m₁/m)²: by the midpoint rule, whose relative error
is about (hλ̇)² = 10⁻¹². The difference of two log-SNRs with errors of 10⁻¹⁴ is off by 10⁻⁸ of hλ̇
= 10⁻⁶. */

static void test_short_transition(void **state) {
    const check_family *f = (const check_family *)*state;
    for (int i = 1; i <= 4; i++) {
        double t = f->end * i / 5, s = sgm_sde_s(&f->sde, t), a, b;
        double h = 1e-6 * s * s / sgm_sde_g2(&f->sde, t), mid = t + h / 2;
        double shrink = sgm_sde_m(&f->sde, t + h) / sgm_sde_m(&f->sde, mid);
        sgm_sde_transition(&f->sde, t, t + h, &a, &b);
        CHECK_REL(b * b, sgm_sde_g2(&f->sde, mid) * h * shrink * shrink, 2e-8 + f->slope_error);
    }
}

/*
## The families by their published formulas
*/

static void test_cosine(void **state) {
    sgm_sde sde = sgm_sde_cosine();
    (void)state;
    for (int i = 1; i <= 99; i++) {
        long double t = i / 100.0, pi = 3.14159265358979323846264L;
        long double now = cosl((t + 0.008L) / 1.008L * pi / 2),
                    start = cosl(0.008L / 1.008L * pi / 2);
        long double alpha_bar = now * now / (start * start);
        /* cos near its zero: an ulp of the angle is 2·10⁻¹⁶/cos relative, here at most 2·10⁻¹⁴ */
        CHECK_REL(sgm_sde_m(&sde, (double)t), sqrtl(alpha_bar), 1e-13);
        CHECK_REL(sgm_sde_s(&sde, (double)t), sqrtl(1 - alpha_bar), 1e-13);
        CHECK_CLOSE(pow(sgm_sde_m(&sde, (double)t), 2) + pow(sgm_sde_s(&sde, (double)t), 2), 1,
                    1e-14);
    }
}

static void test_subvp_value(void **state) {
    sgm_sde sde = sgm_sde_subvp(1, 1);
    (void)state;
    CHECK_CLOSE(sgm_sde_s(&sde, 0.25), 0.22119921692859513, 1e-15); /* 1 - exp(-1/4) */
    assert_true(fabs(sgm_sde_s(&sde, 0.25) - 0.393) > 0.1);         /* not 1 - exp(-1/2) */
    CHECK_CLOSE(sgm_sde_m(&sde, 0.25), exp(-0.125), 1e-15);
    CHECK_CLOSE(sgm_sde_g2(&sde, 0.25), 1 - exp(-0.5), 1e-15);
}

static void test_values(void **state) {
    sgm_sde vp = sgm_sde_vp(0.1, 20), ve = sgm_sde_ve(0.01, 50), edm = sgm_sde_edm(0.002, 80);
    sgm_sde rectified = sgm_sde_rectified();
    double integral = 0.1 * 0.3 + 0.5 * 19.9 * 0.09; /* ∫β from 0 to 0.3 */
    (void)state;
    CHECK_REL(sgm_sde_m(&vp, 0.3), exp(-0.5 * integral), 1e-14);
    CHECK_REL(sgm_sde_s(&vp, 0.3), sqrt(1 - exp(-integral)), 1e-14);
    CHECK_REL(sgm_sde_g2(&vp, 0.3), 0.1 + 0.3 * 19.9, 1e-14);
    CHECK_REL(sgm_sde_f(&vp, 0.3), -0.5 * (0.1 + 0.3 * 19.9), 1e-14);
    CHECK_REL(sgm_sde_s(&ve, 1), sqrt(2500 - 1e-4), 1e-13);
    CHECK_REL(sgm_sde_s(&ve, 0.5), sqrt(0.5 - 1e-4), 1e-12); /* σ(½)² = .01·50 */
    CHECK_CLOSE(sgm_sde_s(&edm, 7.5), 7.5, 0);
    CHECK_CLOSE(sgm_sde_g2(&edm, 7.5), 15, 0);
    CHECK_CLOSE(sgm_sde_m(&rectified, 0.75), 0.25, 0);
    CHECK_CLOSE(sgm_sde_s(&rectified, 0.75), 0.75, 0);
    CHECK_REL(sgm_sde_g2(&rectified, 0.75), 6, 1e-15);
}

/*
Small t against long double, with the same rounded β and σ: relative 10⁻¹². A user's σ² is
excepted: it comes to the library as a difference of two values already rounded.
*/

static long double exact_s(const sgm_sde *sde, long double t) {
    long double integral = t * sde->a + t * t / 2 * ((long double)sde->b - sde->a);
    long double pi = 3.14159265358979323846264L, c0 = 0.008L / 1.008L * pi / 2;
    switch (sde->family) {
    case SGM_VP: return sqrtl(-expm1l(-integral));
    case SGM_USER_BETA: return sqrtl(-expm1l(-(0.1L * t + 0.5L * 19.9L * t * t)));
    case SGM_SUBVP: return -expm1l(-integral);
    case SGM_VE: return sde->a * sqrtl(expm1l(2 * t * logl((long double)sde->b / sde->a)));
    case SGM_COSINE: {
        long double turn = t / 1.008L * pi / 2;
        return sqrtl(sinl(turn) * sinl(turn + 2 * c0)) / cosl(c0);
    }
    default: return t;
    }
}

static void test_small_t(void **state) {
    for (int i = 0; i < CHECK_FAMILIES - 1; i++)
        for (double t = 1e-9; t < 0.9; t *= 3.7)
            CHECK_REL(sgm_sde_s(&family[i].sde, t), exact_s(&family[i].sde, t), 1e-12);
    (void)state;
}

/* The users' curves are those of VP and VE; only the slopes are differences. */

static void test_user_curves(void **state) {
    sgm_sde vp = sgm_sde_vp(0.1, 20), ve = sgm_sde_ve(0.01, 50);
    (void)state;
    for (int i = 0; i <= 20; i++) {
        double t = i / 20.0, beta = sgm_sde_g2(&vp, t);
        CHECK_CLOSE(sgm_sde_m(&family[8].sde, t), sgm_sde_m(&vp, t), 1e-15 * 6);
        CHECK_CLOSE(sgm_sde_s(&family[8].sde, t), sgm_sde_s(&vp, t), 1e-15 * 6);
        CHECK_CLOSE(sgm_sde_g2(&family[8].sde, t), beta, 1e-12 * (beta + 10)); /* ulp(10)/h */
        CHECK_CLOSE(sgm_sde_f(&family[8].sde, t), -beta / 2, 1e-12 * (beta + 10));
        CHECK_REL(sgm_sde_g2(&family[9].sde, t), sgm_sde_g2(&ve, t), 3e-9);
        CHECK_CLOSE(sgm_sde_s(&family[9].sde, t), sgm_sde_s(&ve, t), 1e-12 * sgm_sde_s(&ve, t));
        CHECK_CLOSE(sgm_sde_f(&family[9].sde, t), 0, 0);
    }
}

static void test_presets(void **state) {
    (void)state;
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        const sgm_sde *sde = &family[i].sde;
        double T = i == 2 || i == 7 ? 0.999 : i == 6 ? 80 : 1;
        double t_min = i == 5 || i == 9 ? 1e-5 : i == 6 ? 0.002 : 1e-3;
        CHECK_OK(sgm_sde_check(sde));
        CHECK_CLOSE(sde->T, T, 0);
        CHECK_CLOSE(sde->t_min, t_min, 0);
    }
    CHECK_CLOSE(sgm_sde_m(&family[2].sde, 0.999), 0.0016, 0.00005); /* as (1.4)'s prose says */
    CHECK_CLOSE(sgm_sde_m(&family[7].sde, 0.999), 0.001, 1e-15);
}

/*
## (1.7), (1.8) The prior
*/

static void test_prior(void **state) {
    (void)state;
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        const sgm_sde *sde = &family[i].sde;
        double m = sgm_sde_m(sde, sde->T), s = sgm_sde_s(sde, sde->T), prior = sgm_sde_prior(sde);
        if (i == 5 || i == 6 || i == 9) CHECK_CLOSE(prior, s, 0);
        else CHECK_CLOSE(prior, 1, 0);
        /* unit-variance data: V_T is the prior's square up to m_T², but for the two families whose
           ∫β is only 1 or 1.5; sub-VP: 1 - m² + m⁴, rectified: 1 - 2m + 2m² */
        double off = (m * m + s * s) / (prior * prior) - 1, share = m * m / (prior * prior);
        if (i != 1 && i != 4) CHECK_CLOSE(off, 0, 2 * share + (i == 7 ? 2 * m : 1e-7));
        if (i == 0 || i == 1 || i == 2 || i == 8) CHECK_CLOSE(m * m + s * s, 1, 1e-14);
    }
}

/* KL of two Gaussians as an integral: the trapezium rule on [-12,12] standard deviations is exact
to rounding. */

static double kl_by_quadrature(double mean, double std, double prior) {
    double sum = 0, h = 0.05;
    for (double u = -12; u <= 12; u += h) {
        double x = mean + std * u, logp = -0.5 * u * u - log(std),
               logq = -0.5 * x * x / prior / prior;
        sum += h * exp(-0.5 * u * u) / sqrt(2 * SGM__PI) * (logp - (logq - log(prior)));
    }
    return sum;
}

static void test_prior_kl(void **state) {
    float data[8] = {1, 0.5f, 3, -0.5f, 1, 0.5f, 3, -0.5f}; /* means 2, 0; variances 1, 1/4 */
    (void)state;
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        const sgm_sde *sde = &family[i].sde;
        double m = sgm_sde_m(sde, sde->T), s = sgm_sde_s(sde, sde->T), prior = sgm_sde_prior(sde);
        double truth = kl_by_quadrature(2 * m, sqrt(m * m + s * s), prior) +
                       kl_by_quadrature(0, sqrt(0.25 * m * m + s * s), prior);
        CHECK_CLOSE(sgm_sde_prior_kl(sde, data, 4, 2), truth, 1e-12 * (1 + fabs(truth)));
    }
    assert_true(sgm_sde_prior_kl(&family[1].sde, data, 4, 2) >
                0.4); /* half of the signal is left */
    assert_true(isnan(sgm_sde_prior_kl(&family[0].sde, data, 1, 2)));
    assert_true(isnan(sgm_sde_prior_kl(&family[0].sde, data, 0, 2)));
}

/*
## (1.4) Noising points
*/

enum { MANY = 40000 };

static void test_perturb(void **state) {
    const check_family *f = (const check_family *)*state;
    static float x[2 * MANY], eps[2 * MANY], t[MANY];
    double x0[2] = {1.5, -0.25}, at = (float)(0.3 * f->end); /* the time that the library sees */
    sgm_normal(eps, 2 * MANY, sgm_key_init(5), 0);
    for (int i = 0; i < MANY; i++) {
        t[i] = (float)at;
        for (int j = 0; j < 2; j++) x[2 * i + j] = (float)x0[j];
    }
    sgm_sde_perturb(x, x, eps, t, MANY, 2, &f->sde); /* in place */
    double m = sgm_sde_m(&f->sde, at), s = sgm_sde_s(&f->sde, at), s2 = s * s, both = 0;
    for (int j = 0; j < 2; j++) {
        check_moments got = check_moments_of(x + j, MANY, 2);
        CHECK_CLOSE(got.mean, m * x0[j], CHECK_SIGMAS * s / sqrt(MANY));      /* SE s/√n    */
        CHECK_CLOSE(got.var, s2, CHECK_SIGMAS * s2 * sqrt(2.0 / MANY));       /* SE s²√(2/n) */
    }
    for (int i = 0; i < MANY; i++) both += (x[2 * i] - m * x0[0]) * (x[2 * i + 1] - m * x0[1]);
    CHECK_CLOSE(both / MANY, 0, CHECK_SIGMAS * s2 / sqrt(MANY));              /* independent */
}

/* Times that change from point to point, and all three ways to lay the buffers. */

static void test_perturb_layout(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { N = 7, D = 3 };
    float x0[N * D], eps[N * D], x[N * D], over_x0[N * D], over_eps[N * D], t[N];
    double share[N] = {0.2, 0.2, 0.7, 0.2, 1, 0.01, 0.01};
    sgm_normal(x0, N * D, sgm_key_init(6), 0);
    sgm_normal(eps, N * D, sgm_key_init(7), 0);
    for (int i = 0; i < N; i++) t[i] = (float)(share[i] * f->end);
    memcpy(over_x0, x0, sizeof x0), memcpy(over_eps, eps, sizeof eps);
    sgm_sde_perturb(x, x0, eps, t, N, D, &f->sde);
    sgm_sde_perturb(over_x0, over_x0, eps, t, N, D, &f->sde);
    sgm_sde_perturb(over_eps, x0, over_eps, t, N, D, &f->sde);
    assert_memory_equal(x, over_x0, sizeof x);
    assert_memory_equal(x, over_eps, sizeof x);
    for (int k = 0; k < N * D; k++) {
        double m = sgm_sde_m(&f->sde, t[k / D]), s = sgm_sde_s(&f->sde, t[k / D]);
        double truth = m * x0[k] + s * eps[k];
        CHECK_CLOSE(x[k], truth, FLT_EPSILON / 2 * fabs(truth)); /* one rounding to float */
        if (f->sde.family == SGM_RECTIFIED)
            CHECK_CLOSE(x[k], (1.0 - t[k / D]) * x0[k] + t[k / D] * eps[k],
                        FLT_EPSILON * fabs(truth));
    }
}

/*
## What no process can be
*/

static double zero_curve(double t, void *user) { return (void)user, 0 * t; }
static double nan_curve(double t, void *user) { return (void)user, (void)t, NAN; }

static void test_check(void **state) {
    sgm_sde sde;
    (void)state;
    CHECK_FAILS(sgm_sde_check(NULL), SGM_BAD_ARGUMENT, "pass the address of a preset");
    memset(&sde, 0, sizeof sde);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "start from a preset");
    sde = sgm_sde_vp(0.1, 20), sde.family = (sgm_family)77;
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "start from a preset");
    double bad_beta[5][2] = {{-0.1, 20}, {3, 1}, {0, 0}, {NAN, 20}, {0.1, NAN}};
    for (int i = 0; i < 5; i++) {
        sde = sgm_sde_vp(bad_beta[i][0], bad_beta[i][1]);
        CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs 0 <= beta_min <= beta_max");
        sde = sgm_sde_subvp(bad_beta[i][0], bad_beta[i][1]);
        CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs 0 <= beta_min <= beta_max");
    }
    double bad_sigma[4][2] = {{0, 50}, {-1, 50}, {2, 2}, {NAN, 1}};
    for (int i = 0; i < 4; i++) {
        sde = sgm_sde_ve(bad_sigma[i][0], bad_sigma[i][1]);
        CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs 0 < sigma_min < sigma_max");
    }
    sde = sgm_sde_ve(0.01, HUGE_VAL);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "check its numbers");
    sde = sgm_sde_cosine(), sde.T = 1;
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "set T below 1, such as 0.999");
    sde = sgm_sde_rectified(), sde.T = 1.5;
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "set T below 1, such as 0.999");
    sde = sgm_sde_user_beta(NULL, NULL);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs its curve");
    sde = sgm_sde_user_sigma2(NULL, NULL);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs its curve");
    sde = sgm_sde_user_beta(zero_curve, NULL);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "no noise");
    sde = sgm_sde_user_sigma2(nan_curve, NULL);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "check its numbers");
    sde = sgm_sde_user_beta(nan_curve, NULL);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "check its numbers");
}

static void test_check_times(void **state) {
    double bad[8][2] = {{1, 1},  {2, 1},   {-1e-3, 1}, {0, 0},
                        {0, -1}, {NAN, 1}, {0, NAN},   {0.5, 0.2}};
    sgm_sde sde;
    (void)state;
    for (int i = 0; i < 8; i++) {
        sde = sgm_sde_vp(0.1, 20), sde.t_min = bad[i][0], sde.T = bad[i][1];
        CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs 0 <= t_min < T");
        sde = sgm_sde_edm(bad[i][0], bad[i][1]);
        CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs 0 <= t_min < T");
    }
    sde = sgm_sde_edm(0.002, HUGE_VAL);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "infinite amount");
    sde = sgm_sde_vp(0.1, 20), sde.t_min = 0;
    CHECK_OK(sgm_sde_check(&sde));
    sde = sgm_sde_vp(0, 1), sde.T = 4; /* a longer life, and β from 0 */
    CHECK_OK(sgm_sde_check(&sde));
}

/* Each test of a family, once per family: the name says which equation, which family. */

typedef struct per_family {
    const char *name;
    void (*test)(void **state);
} per_family;

int main(void) {
    static const per_family each[] = {
        {"(1.2) moments by Runge-Kutta:", test_moments},
        {"(1.3) kernel by simulated paths:", test_paths},
        {"(1.4) moments of noised points:", test_perturb},
        {"(1.4) noising, any layout:", test_perturb_layout},
        {"(1.5) slope of log-SNR:", test_clock},
        {"(1.5) t from log-SNR:", test_clock_inverse},
        {"(1.6) transitions compose:", test_transition},
        {"(1.6) short transitions:", test_short_transition},
    };
    enum { EACH = sizeof each / sizeof *each };
    static char names[EACH * CHECK_FAMILIES][80];
    static struct CMUnitTest tests[EACH * CHECK_FAMILIES];
    const struct CMUnitTest once[] = {
        {"(1.3) cosine by its formula", test_cosine, NULL, NULL, NULL},
        {"(1.3) sub-VP at t = 1/4", test_subvp_value, NULL, NULL, NULL},
        {"(1.3) known values", test_values, NULL, NULL, NULL},
        {"(1.3) s at small t", test_small_t, NULL, NULL, NULL},
        {"(1.3) users' curves", test_user_curves, NULL, NULL, NULL},
        {"1.4 presets", test_presets, NULL, NULL, NULL},
        {"(1.7) prior", test_prior, NULL, NULL, NULL},
        {"(1.8) cost of the prior", test_prior_kl, NULL, NULL, NULL},
        {"1.4 what no process can be: numbers", test_check, NULL, NULL, NULL},
        {"1.4 what no process can be: times", test_check_times, NULL, NULL, NULL},
    };
    int failed = 0;
    check_families(family);
    for (int i = 0; i < EACH * CHECK_FAMILIES; i++) {
        const per_family *p = &each[i / CHECK_FAMILIES];
        snprintf(names[i], sizeof names[i], "%s %s", p->name, family[i % CHECK_FAMILIES].name);
        tests[i].name = names[i], tests[i].test_func = p->test;
        tests[i].initial_state = &family[i % CHECK_FAMILIES];
    }
    failed += cmocka_run_group_tests_name("chapter 1, families", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("chapter 1", once, NULL, NULL);
    return failed != 0;
}
