/*
Chapter 1, the forward process: four columns of one table are one fact, so each is derived from
the others by a way that the library does not use: Runge–Kutta on (1.3), simulated paths, long
double, quadrature.

    cc -O2 -o test_1_forward test_1_forward.c -lcmocka -lm
*/

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "check.h"
#include "families.h"

static check_family family[CHECK_FAMILIES];

/*
## (1.3) The moments

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
## (1.5) The kernel is what simulated paths do

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
## (1.7) One clock

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
        double rounding = f->sde.family == SGM_FAMILY_USER_SIGMA2 ? DBL_EPSILON * 1e-4 / (s * s) * 3e3 : 0;
        CHECK_REL(check_slope(logsnr_of, &f->sde, t, h), -sgm_sde_g2(&f->sde, t) / (s * s),
                  1e-10 + f->slope_error + rounding);
        CHECK_CLOSE(sgm_sde_logsnr(&f->sde, t), 2 * log(m / s), 1e-14);
    }
}

/*
Back and forth, from 10⁻¹² T on: λ = 2 log(m/s) is good to (8 + |λ|)ε, for the quotient's few
roundings count ε each and the logarithm's result one more; the way back has the same error, and
both turn into one of t by dt = −dλ s²/g². A user's σ² carries an error of ε σ²(0) into s².
*/

static void back_and_forth(const sgm_sde *sde, double slope_error) {
    for (int i = 0; i <= 120; i++) {
        double t = sde->T * pow(10, -12 + i / 10.0), lambda = sgm_sde_logsnr(sde, t);
        double s = sgm_sde_s(sde, t), s2 = s * s, slope = sgm_sde_g2(sde, t) / s2;
        double lost = sde->family == SGM_FAMILY_USER_SIGMA2 ? 2 * DBL_EPSILON * 1e-4 / s2 : 0;
        double error = 4 * DBL_EPSILON * (8 + fabs(lambda)) + 4 * lost;
        if (lost > 1e-8) continue; /* the curve itself has lost these times */
        double got = sgm_sde_t_from_logsnr(sde, lambda);
        CHECK_CLOSE(got, t, error / (slope * (1 - slope_error)) + 4 * DBL_EPSILON * t);
        CHECK_REL(got, t, 1e-6);
        CHECK_CLOSE(sgm_sde_logsnr(sde, got), lambda, 1e-6 * fmin(1, fabs(lambda)) + 1e-14);
    }
    CHECK_CLOSE(sgm_sde_t_from_logsnr(sde, HUGE_VAL), 0, 0);
    CHECK_CLOSE(sgm_sde_t_from_logsnr(sde, 5000), 0, 1e-15 * sde->T); /* below: s = 0 in double */
    CHECK_CLOSE(sgm_sde_t_from_logsnr(sde, -HUGE_VAL), sde->T, 0);
    CHECK_CLOSE(sgm_sde_t_from_logsnr(sde, -500), sde->T, 0);
    assert_true(isnan(sgm_sde_t_from_logsnr(sde, NAN)));
}

static void test_clock_inverse(void **state) {
    const check_family *f = (const check_family *)*state;
    back_and_forth(&f->sde, 0.01);
}

static void test_clock_inverse_more(void **state) {
    sgm_sde more[8] = {sgm_sde_vp(0, 20),    sgm_sde_vp(3, 3),       sgm_sde_vp(0.1, 200),
                       sgm_sde_subvp(0, 20), sgm_sde_subvp(0.1, 90), sgm_sde_ve(1, 1 + 1e-6),
                       sgm_sde_ve(1e-5, 1e5), sgm_sde_vp(0.1, 20)};
    (void)state;
    more[7].T = 1.9; /* ∫β goes on beyond 1 */
    for (int i = 0; i < 8; i++) back_and_forth(&more[i], 0);
    /* the values by hand: B = e⁻³⁶ = .1 t + 9.95 t², and e⁻⁴⁰ = 10 t² */
    sgm_sde vp = sgm_sde_vp(0.1, 20);
    CHECK_REL(sgm_sde_t_from_logsnr(&vp, 36), 10 * exp(-36), 1e-12); /* next term: 1000 e⁻³⁶ */
    CHECK_REL(sgm_sde_t_from_logsnr(&more[0], 40), sqrt(exp(-40) / 10), 1e-14);
}

/*
## (1.8) From one time to a later one

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
    case SGM_FAMILY_VP: return sqrtl(-expm1l(-integral));
    case SGM_FAMILY_USER_BETA: return sqrtl(-expm1l(-(0.1L * t + 0.5L * 19.9L * t * t)));
    case SGM_FAMILY_SUBVP: return -expm1l(-integral);
    case SGM_FAMILY_VE: return sde->a * sqrtl(expm1l(2 * t * logl((long double)sde->b / sde->a)));
    case SGM_FAMILY_COSINE: {
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

/*
All that there is to know of a process, against long double, from 10⁻¹² T to T: s and m to a few ε,
λ to (8 + |λ|)ε as above, and b of a leg by s₁²(1 − e^{λ₁−λ₀}), whose error is that of the two λ
over the fall, which is at least 0.1 here, or ½·10⁻³ t for the short legs.
*/

static long double exact_m(const sgm_sde *sde, long double t) {
    long double integral = t * sde->a + t * t / 2 * ((long double)sde->b - sde->a);
    long double pi = 3.14159265358979323846264L, c0 = 0.008L / 1.008L * pi / 2;
    switch (sde->family) {
    case SGM_FAMILY_VP:
    case SGM_FAMILY_SUBVP: return expl(-integral / 2);
    case SGM_FAMILY_COSINE: return sinl((1 - t) / 1.008L * pi / 2) / cosl(c0);
    case SGM_FAMILY_RECTIFIED: return 1 - t;
    default: return 1;
    }
}

static void test_long_double(void **state) {
    const double legs[3] = {1e-3, 0.3, 0.999};
    (void)state;
    for (int i = 0; i < 8; i++)
        for (double t = family[i].sde.T; t > 1e-12 * family[i].sde.T; t *= 0.37) {
            const sgm_sde *sde = &family[i].sde;
            long double m = exact_m(sde, t), s = exact_s(sde, t), lambda = 2 * logl(m / s);
            CHECK_REL(sgm_sde_m(sde, t), m, 1e-14); /* e^{−B/2}: B = 10.05 is off by ε, B by ε B */
            CHECK_REL(sgm_sde_s(sde, t), s, 1e-14);
            CHECK_CLOSE(sgm_sde_logsnr(sde, t), lambda, 2 * DBL_EPSILON * (8 + fabsl(lambda)));
            for (int k = 0; k < 3; k++) {
                double from = t * legs[k], a, b;
                long double m0 = exact_m(sde, from), s0 = exact_s(sde, from);
                long double b2 = s * s - m * m / (m0 * m0) * s0 * s0;
                double fall = (double)(2 * logl(m0 / s0) - lambda);
                sgm_sde_transition(sde, from, t, &a, &b);
                CHECK_REL(a, m / m0, 2e-14);
                CHECK_REL(b, sqrtl(b2),
                          1e-14 + DBL_EPSILON * 4 * (8 + fabs((double)lambda)) / fmin(1, fall));
            }
        }
}

/* A curve need not be known outside of [0,T]: t^1.5 has no value below 0. Nor is it smooth there,
and the slope near 0 is off by a share of 8√h = .15; from a tenth of the way on h⁴c⁽⁵⁾/(30c') with
h = .7·10⁻³ is below 10⁻⁷. */

static int asked_outside;
static double narrow_curve(double t, void *user) {
    (void)user;
    asked_outside += !(t >= 0 && t <= 0.7);
    return 8 * pow(t, 1.5) - log(1 - t);
}

static void test_curve_domain(void **state) {
    sgm_sde sde = sgm_sde_user_beta(narrow_curve, NULL);
    (void)state;
    sde.T = 0.7, asked_outside = 0;
    CHECK_OK(sgm_sde_check(&sde));
    for (int i = 0; i <= 1000; i++) {
        double t = fmin(0.7 * i / 1000.0, 0.7), beta = 12 * sqrt(t) + 1 / (1 - t);
        double got = sgm_sde_g2(&sde, t), far = t < 0.07 ? 0.15 : 1e-7 * beta;
        CHECK_CLOSE(got, beta, far);
        CHECK_REL(sgm_sde_f(&sde, t), -0.5 * got, 0);
    }
    sgm_sde_t_from_logsnr(&sde, 3);
    assert_int_equal(asked_outside, 0);
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
    CHECK_CLOSE(sgm_sde_m(&family[2].sde, 0.999), 0.0016, 0.00005); /* as (1.6)'s prose says */
    CHECK_CLOSE(sgm_sde_m(&family[7].sde, 0.999), 0.001, 1e-15);
}

/*
## (1.11) Fokker–Planck

Divided by p it reads ∂log p/∂t = −∇·F − F·∇log p with F = u − ½g²∇log p. The left side is a
difference of exact log densities over ±h; the one over ±h/2 differs by ¾ of its error or more, and
the rounding of log p is divided by h. On the right, floats have the relative error 2⁻²⁴ in each
number. The times are floats that stay such when h is added.
*/

static void test_fokker_planck(void **state) {
    const check_family *f = (const check_family *)*state;
    const double weight[2] = {1, 2}, mean[4] = {-1, 0.5, 0.75, -0.25}, cov[4] = {0.25, 1, 0.5, 2};
    sgm_mixture mix;
    assert_int_equal(
        sgm_mixture_init(&mix, 2, 2, weight, mean, cov, SGM_COV_DIAGONAL, &f->sde), SGM_OK);
    const sgm_score exact = sgm_mixture_score(&mix);
    for (int i = 0; i < 24; i++) {
        double h = ldexp(1, f->end > 1 ? -6 : -13), share[3] = {0.1, 0.4, 0.7};
        float t = (float)(h * 64 * floor(share[i % 3] * f->end / (h * 64))), x[2], s[2], js[2];
        sgm_normal(x, 2, sgm_key_init(19), 2 * (uint64_t)i);
        double change[2], trace = 0, square = 0, xs = 0, at[2];
        for (int k = 0; k < 2; k++, h /= 2) {
            float later = (float)(t + h), before = (float)(t - h);
            assert_int_equal(sgm_score_logp(&exact, &at[0], x, &before, 1), SGM_OK);
            assert_int_equal(sgm_score_logp(&exact, &at[1], x, &later, 1), SGM_OK);
            change[k] = (at[1] - at[0]) / (2 * h);
        }
        for (int j = 0; j < 2; j++) {
            float v[2] = {j == 0, j == 1};
            assert_int_equal(sgm_score_jvp(&exact, s, js, x, v, &t, 1), SGM_OK);
            trace += js[j], square += (double)s[j] * s[j], xs += (double)x[j] * s[j];
        }
        double drift = sgm_sde_f(&f->sde, t), half = 0.5 * sgm_sde_g2(&f->sde, t);
        double right = -(2 * drift - half * trace) - (drift * xs - half * square);
        double size = fabs(drift) * (2 + fabs(xs)) + half * (fabs(trace) + square);
        CHECK_CLOSE(change[1], right, 2 * fabs(change[1] - change[0]) + 1e-15 * (10 + fabs(at[0])) / h +
                                          (ldexp(1, -21) + 2 * f->slope_error) * size);
    }
    sgm_mixture_free(&mix);
}

/*
## (1.9), (1.10) The prior
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
        sum += h * exp(-0.5 * u * u) / sqrt(2 * acos(-1)) * (logp - (logq - log(prior)));
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
## (1.6) Noising points
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
        if (f->sde.family == SGM_FAMILY_RECTIFIED)
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
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "both finite");
    sde = sgm_sde_edm(0.002, 1e13);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "infinite amount");
    sde = sgm_sde_vp(0.1, 20), sde.t_min = 0;
    CHECK_OK(sgm_sde_check(&sde));
    sde = sgm_sde_vp(0, 1), sde.T = 4; /* a longer life, and β from 0 */
    CHECK_OK(sgm_sde_check(&sde));
}

/* ∫β and σ² that are none; each message must name a cure. */

static double line_from_1(double t, void *user) { return (void)user, 1 + 10 * t; }
static double falling(double t, void *user) { return (void)user, 20 * t * (1 - t); }
static double falling_sigma2(double t, void *user) { return (void)user, 4 - 3 * t; }
static double negative_sigma2(double t, void *user) { return (void)user, t - 0.5; }
static double constant_beta(double t, void *user) { return (void)user, 0 * t + 5; }
static double hole(double t, void *user) { return (void)user, t > 0.4 && t < 0.6 ? NAN : 10 * t; }
static double pole(double t, void *user) { return (void)user, 1 / (1 - t) - 1; }
static double log_curve(double t, void *user) { return (void)user, log(t); }
static double stairs(double t, void *user) { return (void)user, floor(10 * t); }
static double steep(double t, void *user) { return (void)user, 2000 * t; }
static double late(double t, void *user) { return (void)user, t < 0.5 ? 0 : 40 * pow(t - 0.5, 2); }
static double rounded(double t, void *user) { return (void)user, 10 * t + 1e-16 * cos(1e9 * t); }

static void test_check_curves(void **state) {
    const struct {
        double (*curve)(double t, void *user);
        int sigma2;
        const char *cure;
    } bad[13] = {{line_from_1, 0, "give the integral of beta"},
                 {constant_beta, 0, "give the integral of beta"},
                 {falling, 0, "give the integral of beta"},
                 {falling, 1, "sigma^2, which grows with t"},
                 {falling_sigma2, 1, "sigma^2, which grows with t"},
                 {negative_sigma2, 1, "add what makes it >= 0"},
                 {hole, 0, "not finite"},
                 {hole, 1, "not finite"},
                 {pole, 0, "not finite"},
                 {log_curve, 1, "not finite"},
                 {stairs, 0, "give a smooth one"},
                 {steep, 0, "make beta or T smaller"},
                 {late, 0, "make t_min larger"}};
    (void)state;
    for (int i = 0; i < 13; i++) {
        sgm_sde sde = bad[i].sigma2 ? sgm_sde_user_sigma2(bad[i].curve, NULL)
                                    : sgm_sde_user_beta(bad[i].curve, NULL);
        CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, bad[i].cure);
    }
    sgm_sde sde = sgm_sde_user_beta(late, NULL);
    sde.t_min = 0.51; /* the cure */
    CHECK_OK(sgm_sde_check(&sde));
    sde = sgm_sde_user_sigma2(line_from_1, NULL); /* a variance may start above 0 */
    CHECK_OK(sgm_sde_check(&sde));
    sde = sgm_sde_user_beta(rounded, NULL); /* and an integral by rounding errors */
    CHECK_OK(sgm_sde_check(&sde));
    CHECK_CLOSE(sgm_sde_s(&sde, 0), 0, 1e-8);
}

/* Every number of every family NaN, infinite and huge, one at a time; β or σ too large to leave a
trace of the data, and times that are one float. */

static void test_check_each(void **state) {
    double bad[4] = {NAN, HUGE_VAL, -HUGE_VAL, 1e300};
    (void)state;
    for (int i = 0; i < CHECK_FAMILIES; i++)
        for (int k = 0; k < 16; k++) {
            sgm_sde sde = family[i].sde;
            double *number[4] = {&sde.a, &sde.b, &sde.t_min, &sde.T};
            *number[k / 4] = bad[k % 4];
            assert_int_equal(sgm_sde_check(&sde), SGM_BAD_ARGUMENT);
        }
    sgm_sde sde = sgm_sde_vp(0.1, 400);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "make beta or T smaller");
    sde.T = 0.2; /* the cure */
    CHECK_OK(sgm_sde_check(&sde));
    sde = sgm_sde_subvp(0.1, 400);
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "make beta or T smaller");
    sde = sgm_sde_vp(0.1, 20), sde.t_min = 1 - 1e-12;
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "needs 0 <= t_min < T");
    sde = sgm_sde_cosine(), sde.T = 1 - 1e-12; /* 1 as a float */
    CHECK_FAILS(sgm_sde_check(&sde), SGM_BAD_ARGUMENT, "set T below 1");
}

/* What cannot report an error says NaN, and touches nothing else. */

static void test_nothing_given(void **state) {
    float x[6] = {1, 1, 1, 1, 1, 1}, t[2] = {0.5f, 0.5f};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    double a, b;
    (void)state;
    double unknown[9] = {sgm_sde_f(NULL, 1),          sgm_sde_g2(NULL, 1),
                         sgm_sde_m(NULL, 1),          sgm_sde_s(NULL, 1),
                         sgm_sde_logsnr(NULL, 1),     sgm_sde_prior(NULL),
                         sgm_sde_prior_kl(NULL, x, 2, 2), sgm_sde_prior_kl(&sde, NULL, 2, 2),
                         sgm_sde_prior_kl(&sde, x, 2, 0)};
    for (int i = 0; i < 9; i++) assert_true(isnan(unknown[i]));
    assert_true(isnan(sgm_sde_t_from_logsnr(NULL, 1)));
    sgm_sde_transition(NULL, 0.1, 0.2, &a, &b);
    assert_true(isnan(a) && isnan(b));
    sgm_sde_perturb(NULL, x, x, t, 2, 2, &sde);
    sgm_sde_perturb(x, x, x, t, -1, 2, &sde);
    sgm_sde_perturb(x, x, x, t, 2, -2, &sde);
    for (int i = 0; i < 6; i++) CHECK_CLOSE(x[i], 1, 0);
    sgm_sde_perturb(x, x, x, NULL, 2, 2, &sde);
    for (int i = 0; i < 6; i++) assert_true(i < 4 ? isnan(x[i]) : x[i] == 1);
}

/* Each test of a family, once per family: the name says which equation, which family. */

typedef struct per_family {
    const char *name;
    void (*test)(void **state);
} per_family;

int main(void) {
    static const per_family each[] = {
        {"(1.3) moments by Runge-Kutta:", test_moments},
        {"(1.5) kernel by simulated paths:", test_paths},
        {"(1.6) moments of noised points:", test_perturb},
        {"(1.6) noising, any layout:", test_perturb_layout},
        {"(1.7) slope of log-SNR:", test_clock},
        {"(1.7) t from log-SNR:", test_clock_inverse},
        {"(1.8) transitions compose:", test_transition},
        {"(1.8) short transitions:", test_short_transition},
        {"(1.11) density of a mixture by Fokker-Planck:", test_fokker_planck},
    };
    enum { EACH = sizeof each / sizeof *each };
    static char names[EACH * CHECK_FAMILIES][80];
    static struct CMUnitTest tests[EACH * CHECK_FAMILIES];
    const struct CMUnitTest once[] = {
        {"(1.5) cosine by its formula", test_cosine, NULL, NULL, NULL},
        {"(1.5) sub-VP at t = 1/4", test_subvp_value, NULL, NULL, NULL},
        {"(1.5) known values", test_values, NULL, NULL, NULL},
        {"(1.5) s at small t", test_small_t, NULL, NULL, NULL},
        {"(1.5) users' curves", test_user_curves, NULL, NULL, NULL},
        {"1.4 presets", test_presets, NULL, NULL, NULL},
        {"(1.9) prior", test_prior, NULL, NULL, NULL},
        {"(1.10) cost of the prior", test_prior_kl, NULL, NULL, NULL},
        {"1.4 what no process can be: numbers", test_check, NULL, NULL, NULL},
        {"1.4 what no process can be: times", test_check_times, NULL, NULL, NULL},
        {"1.4 what no process can be: curves", test_check_curves, NULL, NULL, NULL},
        {"1.4 what no process can be: any family", test_check_each, NULL, NULL, NULL},
        {"1.1 nothing given, nothing known", test_nothing_given, NULL, NULL, NULL},
        {"(1.7) t from log-SNR, other numbers", test_clock_inverse_more, NULL, NULL, NULL},
        {"(1.5), (1.7), (1.8) against long double", test_long_double, NULL, NULL, NULL},
        {"(1.1) a user's curve is asked within [0,T]", test_curve_domain, NULL, NULL, NULL},
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
