/*
Chapter 7, the probability-flow ODE. A Gaussian mixture in one dimension has its score, density and
distribution function in closed form; they are written down here once more, in double, and GSL's
solver rk8pd turns them into paths that are right to 10⁻¹¹. Every method is held against those.

A score is asked in float and so has noise of 10⁻⁷ of its size; convergence is therefore measured
where the errors are larger than that.

    cc -O2 -o test_7_flow test_7_flow.c -lcmocka -lgsl -lgslcblas -lm
*/

#include <stddef.h>
#include <stdlib.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "families.h"

#include <gsl/gsl_cdf.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>

static check_family family[CHECK_FAMILIES];
static const double pi = 3.14159265358979323846;

/*
## The truth: a mixture of two in one dimension, and its flow by GSL
*/

static const double weight[2] = {0.35, 0.65}, centre[2] = {-1, 0.8}, spread[2] = {0.3, 0.5};

typedef struct truth {
    double logp, score, cdf;
} truth;

static truth truth_at(const sgm_sde *sde, double x, double t) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t), p = 0, slope = 0;
    truth y = {0, 0, 0};
    for (int k = 0; k < 2; k++) {
        double v = m * m * spread[k] + s * s, off = x - m * centre[k];
        double part = weight[k] * exp(-off * off / (2 * v)) / sqrt(2 * pi * v);
        p += part, slope -= part * off / v;
        y.cdf += weight[k] * 0.5 * erfc(-off / sqrt(2 * v));
    }
    y.logp = log(p), y.score = slope / p;
    return y;
}

static sgm_mixture the_mixture(const sgm_sde *sde) {
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, weight, centre, spread, SGM_COV_ISOTROPIC, sde));
    return mix;
}

enum { POINTS = 256 };
static int gsl_points;

static int flow_rate(double t, const double *y, double *rate, void *user) {
    const sgm_sde *sde = (const sgm_sde *)user;
    for (int i = 0; i < gsl_points; i++)
        rate[i] =
            sgm_sde_f(sde, t) * y[i] - 0.5 * sgm_sde_g2(sde, t) * truth_at(sde, y[i], t).score;
    return GSL_SUCCESS;
}

static void flow_by_gsl(double *y, int n, sgm_sde sde, double from, double to) {
    gsl_odeiv2_system system = {flow_rate, NULL, 0, NULL};
    system.params = &sde, system.dimension = (size_t)n;
    gsl_points = n;
    gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_rk8pd,
                                                              1e-3 * (to - from), 1e-12, 1e-12);
    assert_int_equal(gsl_odeiv2_driver_apply(driver, &from, to, y), GSL_SUCCESS);
    gsl_odeiv2_driver_free(driver);
}

/* The window in which orders are measured: from σ = s/m = 3, or what there is, down to 0.15. */

static void window(const sgm_sde *sde, double *from, double *to) {
    double top = exp(-0.5 * sgm_sde_logsnr(sde, sde->T)), high = top > 3.3 ? 3 : 0.9 * top;
    *from = sgm_sde_t_from_logsnr(sde, -2 * log(high));
    *to = sgm_sde_t_from_logsnr(sde, -2 * log(0.15));
}

/* The standard deviation at t of data that has 1. */

static double size_at(const sgm_sde *sde, double t) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    return sqrt(m * m + s * s);
}

/* Points over ± 2 standard deviations of p_t. */

static void spread_points(float *x, int n, const sgm_sde *sde, double t) {
    for (int i = 0; i < n; i++) x[i] = (float)(size_at(sde, t) * (4.0 * (i + 0.5) / n - 2));
}

static sgm_sample_options options_of(sgm_method method, int steps) {
    sgm_sample_options o;
    memset(&o, 0, sizeof o);
    o.method = method, o.steps = steps;
    return o;
}

/*
## (7.3) (7.4) (7.6) to (7.12) Order of convergence

Steps are doubled until the error comes near the noise of the float score and of the float time, in
which a geometric σ(t) multiplies 6·10⁻⁸ by 2 log 5000 = 17. The slope is taken along the direction
of the coarser error, where 256 independent roundings average: 3·10⁻⁸/16 against 7·10⁻⁷/2⁴ moves it
by log₂ 1.05 = 0.07, half of what is allowed.
*/

typedef struct order {
    sgm_method method;
    double order;
} order;

static void check_order(const check_family *f, const sgm_score *score, order by, double from,
                        double to, const float *x, const double *exact) {
    static float y[POINTS];
    static double last[POINTS];
    int geometric = f->sde.family == SGM_FAMILY_VE || f->sde.family == SGM_FAMILY_USER_SIGMA2;
    double size = size_at(&f->sde, to), slope = 0, apart = HUGE_VAL, before = HUGE_VAL;
    for (int steps = 4; steps <= 256 && apart > (geometric ? 2.5e-6 : 7e-7) * size; steps *= 2) {
        sgm_sample_options o = options_of(by.method, steps);
        double square = 0, along = 0;
        o.grid = SGM_GRID_LOGSNR; /* on the way down Adams needs many of these to show its order */
        if (by.method == SGM_METHOD_ADAMS && !geometric && from > to) o.grid = SGM_GRID_QUADRATIC;
        memcpy(y, x, sizeof y);
        CHECK_OK(sgm_flow(y, POINTS, score, from, to, &o, NULL));
        for (int i = 0; i < POINTS; i++) {
            double error = y[i] - exact[i];
            square += error * error / POINTS, along += error * last[i] / POINTS, last[i] = error;
        }
        before = apart, apart = sqrt(square);
        slope = steps > 4 ? log2(before * before / fabs(along)) : 0;
    }
    CHECK_CLOSE(slope, by.order, 0.15);
    assert_true(apart < 0.02 * size);
}

static void test_orders(void **state) {
    static const order all[] = {{SGM_METHOD_DDIM, 1},     {SGM_METHOD_EULER, 1},   {SGM_METHOD_HEUN, 2},  {SGM_METHOD_RK4, 4},
                                {SGM_METHOD_ADAMS, 4},    {SGM_DPM_1, 1},   {SGM_METHOD_DPM_2, 2}, {SGM_METHOD_DPM_3, 3},
                                {SGM_METHOD_DPMPP_2M, 2}, {SGM_METHOD_DPMPP_3M, 3}};
    static float x[POINTS];
    static double exact[POINTS];
    const check_family *f = (const check_family *)*state;
    sgm_mixture mix = the_mixture(&f->sde);
    sgm_score score = sgm_mixture_score(&mix);
    for (int up = 0; up < 2; up++) {
        double end[2];
        window(&f->sde, &end[up], &end[1 - up]);
        spread_points(x, POINTS, &f->sde, end[0]);
        for (int i = 0; i < POINTS; i++) exact[i] = x[i];
        flow_by_gsl(exact, POINTS, f->sde, end[0], end[1]);
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            check_order(f, &score, all[i], end[0], end[1], x, exact);
    }
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

/* How many evaluations each method makes: K steps, and what the tables above say. */

static void test_evaluations(void **state) {
    static const int each[] = {1, 1, 2, 4, 0, 1, 2, 3, 1, 1},
                     more[] = {0, 0, 0, 0, 0, 9, 0, 0, 0, 1};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    (void)state;
    for (int method = SGM_METHOD_DDIM; method <= SGM_METHOD_DPMPP_3M; method++) {
        sgm_sample_options o = options_of((sgm_method)method, 10);
        float x = 0.3f;
        long nfe = -1;
        o.grid = SGM_GRID_LOGSNR;
        CHECK_OK(sgm_flow(&x, 1, &score, 1, 1e-3, &o, &nfe));
        int k = method - SGM_METHOD_DDIM;
        if (method != SGM_METHOD_RK45) assert_int_equal(nfe, 10 * each[k] + more[k]);
    }
    sgm_mixture_free(&mix);
}

/*
## (7.1) The flow map of a Gaussian

carries μ m_t + √(m_t² v + s_t²) z to the same with t'. RK45 at 10⁻⁶ makes that error in each of
its nfe/6 steps at most, and an error grows no more than the points do.
*/

static void test_gaussian_map(void **state) {
    const check_family *f = (const check_family *)*state;
    double mu = 0.7, v = 0.4, end[2];
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &mu, &v, SGM_COV_ISOTROPIC, &f->sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int up = 0; up < 2; up++) {
        float x[5];
        double m[2], width[2];
        long nfe;
        end[up] = f->end, end[1 - up] = f->sde.t_min;
        for (int k = 0; k < 2; k++) {
            double s = sgm_sde_s(&f->sde, end[k]);
            m[k] = sgm_sde_m(&f->sde, end[k]), width[k] = sqrt(m[k] * m[k] * v + s * s);
        }
        for (int i = 0; i < 5; i++) x[i] = (float)(mu * m[0] + width[0] * (i - 2));
        sgm_sample_options o = options_of(SGM_METHOD_RK45, 0);
        o.rtol = o.atol = 1e-6;
        CHECK_OK(sgm_flow(x, 5, &score, end[0], end[1], &o, &nfe));
        double grow = fmax(1, width[1] / width[0]), step = 1e-6 * (1 + 3 * width[1]);
        for (int i = 0; i < 5; i++)
            CHECK_CLOSE(x[i], mu * m[1] + width[1] * (i - 2), step * grow * (double)nfe / 6);
    }
    sgm_mixture_free(&mix);
}

/*
## (7.1) GSL as a judge

of the mixture's paths, from T to t_min and back, at rtol 10⁻⁷: within 10⁻⁶ of the size of what
moves. Errors of the steps and of the score are both 10⁻⁷ of it.
*/

static void test_gsl(void **state) {
    const check_family *f = (const check_family *)*state;
    float x[POINTS];
    double exact[POINTS];
    sgm_mixture mix = the_mixture(&f->sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_sample_options o = options_of(SGM_METHOD_AUTO, 0);
    int n = 8;
    o.rtol = 1e-7, o.atol = 1e-7;
    for (int up = 0; up < 2; up++) {
        double end[2];
        window(&f->sde, &end[up], &end[1 - up]);
        spread_points(x, n, &f->sde, end[0]);
        for (int i = 0; i < n; i++) exact[i] = x[i];
        flow_by_gsl(exact, n, f->sde, end[0], end[1]);
        CHECK_OK(sgm_flow(x, n, &score, end[0], end[1], &o, NULL));
        for (int i = 0; i < n; i++) CHECK_CLOSE(x[i], exact[i], 1e-6 * size_at(&f->sde, end[1]));
    }
    sgm_mixture_free(&mix);
}

/*
## (7.2) (7.3) DDIM is Euler's method in y = x/m and σ = s/m

in double but for what the score sees: to rounding.
*/

static double ask_noise(const sgm_score *score, const sgm_sde *sde, double x, double t) {
    float s, at = (float)x, when = (float)t;
    CHECK_OK(sgm_score_eval(score, &s, &at, &when, 1));
    return -sgm_sde_s(sde, t) * s;
}

static void test_ddim(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { STEPS = 20 };
    double t[STEPS + 1], high, low;
    sgm_mixture mix = the_mixture(&f->sde);
    sgm_score score = sgm_mixture_score(&mix);
    window(&f->sde, &high, &low);
    CHECK_OK(sgm_time_grid(t, STEPS, SGM_GRID_EDM, &f->sde, high, low));
    for (int up = 0; up < 2; up++) {
        float x = 0.7f;
        sgm_sample_options o = options_of(SGM_METHOD_DDIM, STEPS);
        o.grid = SGM_GRID_EDM;
        double m = sgm_sde_m(&f->sde, up ? low : high), y = x / m, sigma, next;
        for (int i = 0; i < STEPS; i++) { /* the method, in its own variables */
            double a = t[up ? STEPS - i : i], b = t[up ? STEPS - i - 1 : i + 1];
            sigma = sgm_sde_s(&f->sde, a) / sgm_sde_m(&f->sde, a);
            next = sgm_sde_s(&f->sde, b) / sgm_sde_m(&f->sde, b);
            y += (next - sigma) * ask_noise(&score, &f->sde, y * sgm_sde_m(&f->sde, a), a);
        }
        CHECK_OK(sgm_flow(&x, 1, &score, up ? low : high, up ? high : low, &o, NULL));
        CHECK_REL(x, y * sgm_sde_m(&f->sde, up ? high : low), FLT_EPSILON);
    }
    sgm_mixture_free(&mix);
}

/*
## (7.12) Half of I₂

DPM-Solver++(3M) once more, with the integral of (7.11) over the polynomial through three values by
Simpson's rule, and with `share` of the term in I₂. The whole is the library's method; the half, as
often published, has order 2: the test of orders would see it.
*/

static double clean(const sgm_sde *sde, double x, double t) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    return (x + s * s * truth_at(sde, x, t).score) / m;
}

static double moment(double h, int power) { /* h ∫ τ^j e^(-(1-τ)h) dτ */
    double sum = 0;
    for (int i = 0; i <= 200; i++) {
        double u = i / 200.0, by = i == 0 || i == 200 ? 1 : i % 2 ? 4 : 2;
        sum += by / 600 * h * pow(u, power) * exp(-(1 - u) * h);
    }
    return sum;
}

static double three_m(const sgm_sde *sde, double x, double from, double to, int steps,
                      sgm_grid_kind grid, double share) {
    double t[1025], l[3] = {0, 0, 0}, D[3] = {0, 0, 0};
    CHECK_OK(sgm_time_grid(t, steps, grid, sde, from, to));
    for (int i = 0; i < steps; i++) {
        double m2 = sgm_sde_m(sde, t[i + 1]), s = sgm_sde_s(sde, t[i]), poly;
        double s2 = sgm_sde_s(sde, t[i + 1]);
        l[2] = l[1], l[1] = l[0], l[0] = 0.5 * sgm_sde_logsnr(sde, t[i]);
        D[2] = D[1], D[1] = D[0], D[0] = clean(sde, x, t[i]);
        double h = 0.5 * sgm_sde_logsnr(sde, t[i + 1]) - l[0];
        double r0 = (l[0] - l[1]) / h, r1 = (l[1] - l[2]) / h, d01 = (D[0] - D[1]) / r0;
        double d012 = (d01 - (D[1] - D[2]) / r1) / (r0 + r1);
        if (i == 0) {
            double mid = sgm_sde_t_from_logsnr(sde, 2 * l[0] + h), s1 = sgm_sde_s(sde, mid);
            double x1 = s1 / s * x + sgm_sde_m(sde, mid) * moment(0.5 * h, 0) * D[0];
            poly = moment(h, 0) * clean(sde, x1, mid);
        } else if (i == 1) poly = moment(h, 0) * (D[0] + 0.5 * d01);
        else
            poly = moment(h, 0) * D[0] + moment(h, 1) * (d01 + r0 * d012) +
                   share * moment(h, 2) * d012;
        x = s2 / s * x + m2 * poly;
    }
    return x;
}

static void test_half_i2(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    double high, low, exact[4], error[2][3];
    (void)state;
    window(&sde, &high, &low);
    for (int i = 0; i < 4; i++) exact[i] = 0.6 * i - 0.9;
    flow_by_gsl(exact, 4, sde, high, low);
    for (int half = 0; half < 2; half++)
        for (int k = 0; k < 3; k++) {
            error[half][k] = 0;
            for (int i = 0; i < 4; i++) {
                double x = three_m(&sde, 0.6 * i - 0.9, high, low, 64 << k, SGM_GRID_LOGSNR,
                                   half ? 0.5 : 1);
                error[half][k] = fmax(error[half][k], fabs(x - exact[i]));
            }
        }
    CHECK_CLOSE(log2(error[0][1] / error[0][2]), 3, 0.15);
    CHECK_CLOSE(log2(error[1][1] / error[1][2]), 2, 0.15);
    for (int i = 0; i < 12; i++) { /* 30 steps, even or not, that see a score with noise of 10⁻⁷ */
        double start = 0.6 * (i % 4) - 0.9, own[2];
        float x = (float)start;
        sgm_sample_options o = options_of(SGM_METHOD_DPMPP_3M, 30);
        o.grid = i < 4 ? SGM_GRID_LOGSNR : i < 8 ? SGM_GRID_EDM : SGM_GRID_UNIFORM;
        for (int half = 0; half < 2; half++)
            own[half] = three_m(&sde, start, high, low, 30, o.grid, half ? 0.5 : 1);
        CHECK_OK(sgm_flow(&x, 1, &score, high, low, &o, NULL));
        CHECK_CLOSE(x, own[0], 1e-6);
        assert_true(fabs(own[1] - own[0]) > 1e-5);
    }
    sgm_mixture_free(&mix);
}

/*
(7.11) where x̂0 is a polynomial in ℓ, whatever x is: after three steps (3M) follows a parabola exactly, and (2M) misses a straight line
by the difference of I₁ and the ½I₀ that stands for it. Its noisy twin takes 2h for h: (5.11)'s numbers at h = 1.
*/

static sgm_status polynomial_eval(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    const double *c = (const double *)self->ctx;
    for (long i = 0; i < n; i++) {
        double l = 0.5 * sgm_sde_logsnr(&self->sde, t[i]), v = sgm_sde_s(&self->sde, t[i]);
        s[i] = (float)((sgm_sde_m(&self->sde, t[i]) * (c[0] + c[1] * l + c[2] * l * l) - x[i]) / (v * v));
    }
    return SGM_OK;
}

static void test_straight_lines(void **state) {
    const double c[2][3] = {{0.7, 1.3, 0}, {0.7, 1.3, -0.9}}, h = 0.4;
    (void)state;
    CHECK_CLOSE(0.5 * moment(2, 0), 0.432, 0.0005), CHECK_CLOSE(moment(2, 1), 0.568, 0.0005);
    for (int k = 0; k < 2; k++) {
        sgm_score score;
        memset(&score, 0, sizeof score);
        score.sde = sgm_sde_vp(0.1, 20), score.d = 1, score.eval = polynomial_eval, score.ctx = c[k];
        sgm_sample_options o = options_of(k ? SGM_METHOD_DPMPP_3M : SGM_METHOD_DPMPP_2M, 4);
        sgm__flow *w = sgm__flow_new(&score, 1, &o, 0, 0);
        double l = -0.8, t = sgm_sde_t_from_logsnr(&score.sde, 2 * l);
        w->y[0] = 0.37;
        for (int i = 0; i < 4; i++, l += h) {
            double next = sgm_sde_t_from_logsnr(&score.sde, 2 * (l + h)), before = w->y[0];
            double a0 = c[k][0] + c[k][1] * l + c[k][2] * l * l, a1 = h * (c[k][1] + 2 * c[k][2] * l), a2 = h * h * c[k][2];
            double m2 = sgm_sde_m(&score.sde, next), s2 = sgm_sde_s(&score.sde, next);
            double exact = s2 / sgm_sde_s(&score.sde, t) * before +
                m2 * (moment(h, 0) * a0 + moment(h, 1) * a1 + moment(h, 2) * a2);
            CHECK_OK(sgm__flow_step(w, t, next, sgm_key_init(0)));
            if (i > 1 && k) CHECK_CLOSE(w->y[0], exact, 1e-6);
            if (i > 0 && !k) CHECK_CLOSE(w->y[0] - exact, m2 * (0.5 * moment(h, 0) - moment(h, 1)) * a1, 1e-6);
            t = next;
        }
        sgm__flow_free(w);
    }
    CHECK_CLOSE((moment(0.01, 1) - 0.5 * moment(0.01, 0)) / (0.01 * 0.01 / 12), 1, 0.01); /* h²/12 */
}

/* (7.6): exact for cubics at any four places; and the textbook's numbers for even steps. */

static void test_lagrange(void **state) {
    double even[4] = {0, -1, -2, -3}, c[4], odd[4] = {1.1, 1.9, 2.0, 3.7};
    (void)state;
    sgm__lagrange(c, even, 4, 0, 1);
    CHECK_CLOSE(c[0], 55. / 24, 1e-14), CHECK_CLOSE(c[1], -59. / 24, 1e-14);
    CHECK_CLOSE(c[2], 37. / 24, 1e-14), CHECK_CLOSE(c[3], -9. / 24, 1e-14);
    sgm__lagrange(c, odd, 4, 1.1, 0.4);
    for (int power = 0; power < 4; power++) {
        double sum = 0, p = power + 1;
        for (int j = 0; j < 4; j++) sum += c[j] * pow(odd[j], power);
        CHECK_CLOSE(sum, (pow(0.4, p) - pow(1.1, p)) / p, 1e-12);
    }
}

/*
## (7.5) Dormand and Prince

The tableau with even steps has order 5 and estimates its error by a formula of order 4, which is
therefore O(h⁵) in a step.
*/

static void test_dopri(void **state) {
    sgm_sde sde = sgm_sde_edm(0.002, 80);
    sgm_mixture mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_sample_options o = options_of(SGM_METHOD_RK45, 1);
    static float x[POINTS];
    static double exact[POINTS];
    double error[2], estimate[2];
    (void)state;
    for (int i = 0; i < 7;
         i++) { /* rows add up to c, b to 1, and the last slope is the next first */
        double row = 0;
        for (int j = 0; j < i; j++) row += sgm__rk_dopri.a[i][j];
        CHECK_CLOSE(row, sgm__rk_dopri.c[i], 1e-14);
        if (i < 6) CHECK_CLOSE(sgm__rk_dopri.a[6][i], sgm__rk_dopri.b[i], 0);
    }
    spread_points(x, POINTS, &sde, 1.5);
    sgm__flow *w = sgm__flow_new(&score, POINTS, &o, 0, 0);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < POINTS; i++) w->y[i] = x[i];
        double h = k ? -0.15 : -0.3;
        CHECK_OK(sgm__rk_step(w, &sgm__rk_dopri, 1.5, h, 0, w->stage));
        estimate[k] = sgm__rk_norm(w, h, sgm__rk_dopri_error, 7);
    }
    CHECK_CLOSE(log2(estimate[0] / estimate[1]), 5, 0.3); /* the next term is h of it */
    spread_points(x, POINTS, &sde, 2);
    for (int i = 0; i < POINTS; i++) exact[i] = x[i];
    flow_by_gsl(exact, POINTS, sde, 2, 0.5);
    for (int k = 0; k < 2; k++) {
        int steps = 2 << k;
        for (int i = 0; i < POINTS; i++) w->y[i] = x[i];
        for (int i = 0; i < steps; i++) {
            double h = -1.5 / steps;
            CHECK_OK(sgm__rk_step(w, &sgm__rk_dopri, 2 + i * h, h, 0, w->stage));
            memcpy(w->y, w->stage, POINTS * sizeof(double));
        }
        error[k] = 0;
        for (int i = 0; i < POINTS; i++) error[k] += (w->y[i] - exact[i]) * (w->y[i] - exact[i]);
    }
    CHECK_CLOSE(log2(error[0] / error[1]) / 2, 5, 0.3); /* 3·10⁻⁵ and 8·10⁻⁷ */
    sgm__flow_free(w);
    sgm_mixture_free(&mix);
}

/* A score that keeps the times at which it is asked, and can fail or say NaN. */

typedef struct spy {
    const sgm_score *inner;
    long calls, fail_at, nan_at;
    float t[4096];
} spy;

static sgm_status spy_eval(const sgm_score *self, float *s, const float *x, const float *t,
                           long n) {
    spy *w = (spy *)(size_t)self->ctx;
    if (w->calls < 4096) w->t[w->calls] = t[0];
    for (long i = 0; i < n; i++) assert_true(t[i] == t[0]);
    if (w->calls++ == w->fail_at) return sgm__fail(SGM_MISMATCH, "the spy fails");
    SGM__TRY(w->inner->eval(w->inner, s, x, t, n));
    for (long i = 0; w->calls - 1 == w->nan_at && i < n; i++) s[i] = (float)NAN;
    return SGM_OK;
}

static sgm_score spy_on(spy *w, const sgm_score *inner) {
    sgm_score score = *inner;
    memset(w, 0, sizeof *w);
    w->inner = inner, w->fail_at = w->nan_at = -1;
    score.ctx = w, score.eval = spy_eval, score.jvp = NULL, score.logp = NULL;
    return score;
}

/*
The steps themselves. The spy knows the times at which RK45 asked: two, and then six for each
step, the last at its end. A loop that knows only the paper's numbers follows with the same steps,
and says which were to be refused and how long each next one had to be. Where E is not above the
noise of the score (10⁻⁶ of the size, over a tolerance of 10⁻³, where σ(t) is geometric) it says
nothing; else that noise moves h by 3 %·0.22 at most.
*/

static double slope_of(const sgm_score *score, const sgm_sde *sde, double x, double t) {
    float s, at = (float)x, when = (float)t;
    CHECK_OK(sgm_score_eval(score, &s, &at, &when, 1));
    return sgm_sde_f(sde, t) * x - 0.5 * sgm_sde_g2(sde, t) * s;
}

static double follow_rk45(const sgm_score *score, const sgm_sde *sde, double x, double t, double to,
                          double tol, const spy *w, int *refused, int *judged) {
    static const double c[7] = {0, 0.2, 0.3, 0.8, 8. / 9, 1, 1};
    static const double low[7] = {5179. / 57600,    0,           7571. / 16695, 393. / 640,
                                  -92097. / 339200, 187. / 2100, 1. / 40}; /* order 4 */
    const float *at = w->t + 1; /* the first step is that of (7.5): one call at t, one at its probe */
    double k[7], last = 1, probe = w->t[1] - t, slope = slope_of(score, sde, x, t), y = x + probe * slope;
    double bend = (slope_of(score, sde, y, t + probe) - slope) / probe / (tol + tol * fmax(fabs(x), fabs(y)));
    double steep = fabs(slope) / (tol + tol * fabs(x)), next = pow(fmax(fabs(bend), steep), -0.2);
    int again = 0;
    CHECK_CLOSE(fabs(probe), fmin(fmax(0.01 * fabs(x) / (tol + tol * fabs(x)) / steep, 1e-6 * fabs(to - t)), 0.01 * fabs(to - t)), 0.01 * fabs(probe) + 1e-7 * fabs(t));
    next = (to > t ? 1 : -1) * fmin(fmin(next, 100 * fabs(probe)), fabs(to - t));
    k[0] = slope, *refused = *judged = 0;
    for (long g = 0; 8 + 6 * g <= w->calls; g++) {
        double h = at[6 + 6 * g] - t, high = x, other = x;
        if (fabs(at[6 + 6 * g] - to) < 1e-7 * fabs(t))
            assert_true(next == 0 || fabs(next) > 0.98 * fabs(h));
        else if (next != 0) CHECK_CLOSE(h, next, 0.01 * fabs(h) + 1e-7 * fabs(t)), ++*judged;
        for (int i = 1; i < 7; i++) { /* the first is known from the step before */
            double place = x;
            for (int j = 0; j < i; j++) place += h * sgm__rk_dopri.a[i][j] * k[j];
            CHECK_CLOSE(at[6 * g + i], t + c[i] * h, 1e-7 * (t + to));
            k[i] = slope_of(score, sde, place, t + c[i] * h);
        }
        for (int i = 0; i < 7; i++) other += h * low[i] * k[i];
        for (int i = 0; i < 6; i++) high += h * sgm__rk_dopri.a[6][i] * k[i];
        double error = fabs(high - other) / (tol + tol * fmax(fabs(x), fabs(high)));
        double grow = 0.9 * pow(error, -0.17) * pow(last, 0.04);
        next = grow < 2.5 && (error < 0.03 || last < 0.03) ? 0 : h * fmin(again && grow > 1 ? 1 : 2, fmax(0.2, grow));
        again = error > 1;
        if (error > 1) (*refused)++;
        else t += h, x = high, k[0] = k[6], last = error;
    }
    CHECK_CLOSE(t, to, 1e-6 * sde->T);
    return x;
}

static void test_steps(void **state) {
    const check_family *f = (const check_family *)*state;
    static spy w;
    int refused, judged, all_refused = 0, all_judged = 0;
    long nfe;
    double mean[5] = {-2, -1, 0, 0.7, 2}, narrow[5] = {1e-3, 1e-3, 1e-3, 1e-3, 1e-3};
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 5, 1, NULL, mean, narrow, SGM_COV_ISOTROPIC, &f->sde));
    sgm_score inner = sgm_mixture_score(&mix), score = spy_on(&w, &inner);
    sgm_sample_options o = options_of(SGM_METHOD_RK45, 1);
    for (int k = 0; k < 8; k++) {
        double from = f->end, to = 10 * f->sde.t_min, tol = k < 4 ? 1e-3 : 1e-4;
        float start = (float)((0.3 + 0.2 * (k % 4)) * size_at(&f->sde, from)), x = start;
        o.rtol = o.atol = tol, w.calls = 0;
        CHECK_OK(sgm_flow(&x, 1, &score, from, to, &o, &nfe));
        double y = follow_rk45(&inner, &f->sde, start, from, to, tol, &w, &refused, &judged);
        assert_int_equal(nfe, w.calls), assert_int_equal(nfe % 6, 2);
        CHECK_CLOSE(x, y, tol);
        all_refused += refused, all_judged += judged;
    }
    assert_true(all_judged >= 12 && all_refused >= 1); /* enough to tell */
    sgm_mixture_free(&mix);
}

/* The error falls with the tolerance, and to encode and to decode is to come back. */

static void test_tolerance(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { N = 16 };
    float x[N], there[N], back[N];
    double exact[N], end[2], first[2] = {0, 0};
    long nfe[2];
    sgm_mixture mix = the_mixture(&f->sde);
    sgm_score score = sgm_mixture_score(&mix);
    window(&f->sde, &end[0], &end[1]);
    spread_points(x, N, &f->sde, end[1]);
    for (int i = 0; i < N; i++) exact[i] = x[i];
    flow_by_gsl(exact, N, f->sde, end[1], end[0]);
    for (int k = 0; k < 3; k++) {
        double tol = pow(10, -2 - 2 * k), size = size_at(&f->sde, end[0]), off[2] = {0, 0};
        sgm_sample_options o = options_of(SGM_METHOD_RK45, 1);
        o.rtol = o.atol = tol;
        memcpy(there, x, sizeof x);
        CHECK_OK(sgm_flow(there, N, &score, end[1], end[0], &o, &nfe[0]));
        memcpy(back, there, sizeof x);
        CHECK_OK(sgm_flow(back, N, &score, end[0], end[1], &o, &nfe[1]));
        for (int i = 0; i < N; i++) {
            off[0] = fmax(off[0], fabs(there[i] - exact[i]));
            off[1] = fmax(off[1], fabs((double)back[i] - x[i]));
        }
        for (int q = 0; q < 2; q++) { /* what moved: data of size 1 goes to `size`, and back */
            double steps = (double)(nfe[0] + nfe[1]) / 6; /* each may err by the tolerance */
            assert_true(off[q] < (steps * tol + 2e-6) * (q ? 1 : size));
            if (k == 0) first[q] = off[q];
            assert_true(k < 2 || off[q] < first[q] / 3);
        }
    }
    sgm_mixture_free(&mix);
}

/*
## (7.16) Between two latents
*/

static void test_interpolate(void **state) {
    enum { N = 50, D = 16 };
    static float a[N * D], b[N * D], out[N * D];
    (void)state;
    sgm_normal(a, N * D, sgm_key_init(1), 0), sgm_normal(b, N * D, sgm_key_init(2), 0);
    sgm_interpolate(out, a, b, 0, N, D);
    for (int i = 0; i < N * D; i++) CHECK_CLOSE(out[i], a[i], 1e-6 * (1 + fabs(a[i])));
    sgm_interpolate(out, a, b, 1, N, D);
    for (int i = 0; i < N * D; i++) CHECK_CLOSE(out[i], b[i], 1e-6 * (1 + fabs(b[i])));
    for (int i = 0; i < N;
         i++) { /* of one length, and b orthogonal to a: length stays, angles add */
        double ab = sgm__row_dot(a + i * D, b + i * D, D), aa = 0, bb = 0;
        for (int j = 0; j < D; j++) aa += a[i * D + j] * (double)a[i * D + j];
        for (int j = 0; j < D; j++) b[i * D + j] -= (float)(ab / aa * a[i * D + j]);
        for (int j = 0; j < D; j++) bb += b[i * D + j] * (double)b[i * D + j];
        for (int j = 0; j < D; j++) b[i * D + j] *= (float)sqrt(aa / bb);
    }
    for (int q = 1; q < 8; q++) {
        double share = q / 8.0;
        sgm_interpolate(out, a, b, share, N, D);
        for (int i = 0; i < N; i++) {
            double aa = sgm__row_dot(a + i * D, a + i * D, D);
            CHECK_REL(sgm__row_dot(out + i * D, out + i * D, D), aa, 4e-6);
            for (int j = 0; j < D; j++)
                CHECK_CLOSE(out[i * D + j],
                            cos(pi / 2 * share) * a[i * D + j] + sin(pi / 2 * share) * b[i * D + j],
                            1e-6 * sqrt(aa));
        }
    }
    for (int i = 0; i < 3; i++) { /* at 60 degrees, of different lengths: shares of the angle */
        float u[2] = {1, 0}, v[2] = {1, 1.7320508f}, w[2];
        double share = 0.25 * (i + 1), by = pi / 3;
        sgm_interpolate(w, u, v, share, 1, 2);
        CHECK_CLOSE(w[0], sin((1 - share) * by) / sin(by) + sin(share * by) / sin(by), 1e-6);
        CHECK_CLOSE(w[1], sin(share * by) / sin(by) * sqrt(3.0), 1e-6);
    }
    float u[2] = {1, 2}, v[2] = {2, 4}, zero[2] = {0, 0}, w[2]; /* no angle: the straight line */
    sgm_interpolate(w, u, v, 0.25, 1, 2);
    CHECK_CLOSE(w[0], 1.25, 1e-6), CHECK_CLOSE(w[1], 2.5, 1e-6);
    sgm_interpolate(w, zero, v, 0.25, 1, 2);
    CHECK_CLOSE(w[0], 0.5, 1e-6), CHECK_CLOSE(w[1], 1, 1e-6);
}

/* Opposite latents, whose plane is open: half a turn all the same, from a to b, at constant length
and speed; and every other case without an angle. Floats round 6·10⁻⁸ of the length. */

static double length_of(const float *x, int d) {
    double sum = 0;
    for (int j = 0; j < d; j++) sum += (double)x[j] * x[j];
    return sqrt(sum);
}

static void test_interpolate_opposite(void **state) {
    const double scales[3] = {1, 1e30, 1e-30}, longer[3] = {1, 2, 0.3};
    (void)state;
    for (int i = 0; i < 9 * 6; i++) {
        float a[6], b[6], out[6];
        int d = 1 + i % 6;
        double ratio = longer[i / 6 % 3], scale = scales[i / 18];
        sgm_normal(a, 6, sgm_key_init((uint64_t)i), 0);
        for (int j = 0; j < d; j++) a[j] *= (float)scale, b[j] = (float)(-ratio * a[j]);
        for (int k = 0; k <= 8; k++) {
            double q = k / 8.0, la = length_of(a, d), lb = length_of(b, d), along = 0;
            sgm_interpolate(out, a, b, q, 1, d);
            double got = length_of(out, d);
            assert_true(got >= fmin(la, lb) * (1 - 2e-7) && got <= fmax(la, lb) * (1 + 2e-7));
            for (int j = 0; j < d; j++) along += (double)out[j] * a[j] / (got * la);
            if (ratio == 1 && d > 1) CHECK_CLOSE(along, cos(pi * q), 1e-6);
            if (ratio == 1 && d == 1) CHECK_CLOSE(fabs(along), 1, 1e-6);
            for (int j = 0; j < d && k % 8 == 0; j++)
                CHECK_CLOSE(out[j], k ? b[j] : a[j], 2e-7 * (k ? lb : la));
        }
    }
    /* nearly opposite, of lengths 1 and 1.02: sin ω is 10⁻³, and (7.16) alone has length 20 */
    float a[2] = {1, 0}, b[2] = {-1.02f, 1.02e-3f}, out[2];
    sgm_interpolate(out, a, b, 0.5, 1, 2);
    assert_true(length_of(out, 2) > 0.9999 && length_of(out, 2) < 1.0201);
}

static void test_interpolate_limits(void **state) {
    float z[3] = {1e20f, -2e20f, 2e20f}, w[3] = {2e20f, 1e20f, 0}, out[3], zero[3] = {0, 0, 0};
    float bad[3] = {1, (float)NAN, 2}, infinite[3] = {1, 2, (float)HUGE_VAL};
    double root = sqrt(0.5);
    (void)state;
    sgm_interpolate(out, z, z, 0.3, 1, 3); /* equal: no way to go */
    for (int j = 0; j < 3; j++) CHECK_REL(out[j], z[j], 1e-7);
    sgm_interpolate(out, z, w, 0.5, 1, 3); /* squares of 1e20 are beyond a float; z·w = 0 */
    for (int j = 0; j < 3; j++) CHECK_CLOSE(out[j], root * ((double)z[j] + w[j]), 1e14);
    sgm_interpolate(out, zero, zero, 0.5, 1, 3);
    for (int j = 0; j < 3; j++) CHECK_CLOSE(out[j], 0, 0);
    float e[3] = {1, 0, 0}, f[3] = {0, 1, 0}; /* beyond both: the circle goes on */
    sgm_interpolate(out, e, f, 2, 1, 3);
    CHECK_CLOSE(out[0], -1, 1e-7), CHECK_CLOSE(out[1], 0, 1e-7);
    sgm_interpolate(out, e, f, -1, 1, 3);
    CHECK_CLOSE(out[0], 0, 1e-7), CHECK_CLOSE(out[1], -1, 1e-7);
    const float *parts[3] = {bad, infinite, NULL};
    double shares[3] = {NAN, HUGE_VAL, -HUGE_VAL};
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 3; j++) out[j] = 0;
        sgm_interpolate(out, i < 3 ? parts[i] : e, f, i < 3 ? 0.5 : shares[i - 3], 1, 3);
        for (int j = 0; j < 3; j++) assert_true(isnan(out[j]));
    }
    sgm_interpolate(NULL, e, f, 0.5, 1, 3), sgm_interpolate(out, e, f, 0.5, -1, 3);
}

/*
## (7.1) All families draw from the same mixture

by DPM-Solver++ from the prior down to t where σ = 0.05; there the law is p_t, whose distribution
function is known. The prior stands for p_T where the signal left is a hundredth of it or less; 40
steps err by 10⁻³ (see the orders), and Kolmogorov and Smirnov see 1.6/√4000 = 0.03.
*/

static double law_cdf(double x, void *user) {
    const sgm_sde *sde = (const sgm_sde *)user;
    return truth_at(sde, x, sgm_sde_t_from_logsnr(sde, -2 * log(0.05))).cdf;
}

static void test_law(void **state) {
    enum { N = 4000 };
    static float x[N], vp[N];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    const check_family *f = (const check_family *)*state;
    if (sgm_sde_m(&f->sde, f->sde.T) / sgm_sde_prior(&f->sde) > 0.021) return;
    sgm_sample_options o = options_of(SGM_METHOD_DPMPP_2M, 40);
    for (int k = 0; k < 2; k++) {
        float *to = k ? vp : x;
        if (k == 0) sde = f->sde;
        else sde = sgm_sde_vp(0.1, 20);
        sgm_mixture mix = the_mixture(&sde);
        sgm_score score = sgm_mixture_score(&mix);
        o.plain_end = 1, o.t_end = sgm_sde_t_from_logsnr(&sde, -2 * log(0.05));
        o.grid = SGM_GRID_LOGSNR;
        CHECK_OK(sgm_sample(to, N, &score, &o, sgm_key_init(3 + (uint64_t)k)));
        CHECK_P(stat_ks_p(stat_ks(to, N, law_cdf, &sde), N), CHECK_RATE);
        for (int i = 0; i < N; i++) to[i] /= (float)sgm_sde_m(&sde, o.t_end); /* one law for all */
        sgm_mixture_free(&mix);
    }
    CHECK_P(stat_ks_p(stat_ks2(x, N, vp, N), N / 2.0), CHECK_RATE);
}

/*
## (7.14) Likelihood with an exact score

The flow of an exact score carries p_T exactly, so what it knows of the path, log p(x) less the
prior's log density at the latent, is that of p_T: add log p_T(latent). RK45 at 10⁻⁵ makes 10⁻⁵ of
the size in each of its steps at most, and as much in the sum.
*/

static double log_prior(const float *z, int d, double std) {
    double sum = 0;
    for (int j = 0; j < d; j++)
        sum -= 0.5 * log(2 * pi * std * std) + z[j] * z[j] / (2 * std * std);
    return sum;
}

static sgm_mixture mixture_in(int d, const sgm_sde *sde) {
    static double mean[48], var[3] = {0.3, 0.5, 0.8}, share[3] = {1, 2, 3};
    sgm_mixture mix;
    for (int i = 0; i < 3 * d; i++) mean[i] = sin(2.385 * i + 1);
    CHECK_OK(sgm_mixture_init(&mix, 3, d, share, mean, var, SGM_COV_ISOTROPIC, sde));
    return mix;
}

static void test_likelihood(void **state) {
    const check_family *f = (const check_family *)*state;
    int dims[3] = {1, 2, 16};
    for (int k = 0; k < 3; k++) {
        enum { N = 12 };
        int d = dims[k];
        static float x[N * 16], latent[N * 16], when[N];
        double logp[N], se[N], exact[N], at_end[N], std = sgm_sde_prior(&f->sde);
        sgm_likelihood_result r;
        sgm_mixture mix = mixture_in(d, &f->sde);
        sgm_score score = sgm_mixture_score(&mix);
        CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, 0.01 * f->end, sgm_key_init(1)));
        for (int i = 0; i < N; i++) when[i] = (float)f->sde.t_min;
        CHECK_OK(sgm_score_logp(&score, exact, x, when, N));
        CHECK_OK(sgm_likelihood(logp, se, latent, x, N, &score, NULL, &r, sgm_key_init(2)));
        for (int i = 0; i < N; i++) when[i] = (float)f->sde.T;
        CHECK_OK(sgm_score_logp(&score, at_end, latent, when, N));
        for (int i = 0; i < N; i++) {
            double gained = logp[i] - log_prior(latent + i * d, d, std);
            CHECK_CLOSE(gained + at_end[i], exact[i],
                        1e-5 * (double)r.nfe / 6 * (1 + fabs(gained)));
            CHECK_CLOSE(se[i], 0, 0);
        }
        assert_int_equal(r.suspect, 0), assert_int_equal(r.differences, 0);
        sgm_mixture_free(&mix);
    }
}

/* N(0, I) under VP is N(0, I) at all times: prior and p_T are one, and log p has a closed form. */

static void test_standard_normal(void **state) {
    enum { N = 20, D = 16 };
    static float x[N * D], latent[N * D];
    double logp[N], zero[D], one = 1;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    sgm_likelihood_result r;
    (void)state;
    for (int j = 0; j < D; j++) zero[j] = 0;
    CHECK_OK(sgm_mixture_init(&mix, 1, D, NULL, zero, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    sgm_normal(x, N * D, sgm_key_init(1), 0);
    CHECK_OK(sgm_likelihood(logp, NULL, latent, x, N, &score, NULL, &r, sgm_key_init(2)));
    for (int i = 0; i < N; i++) CHECK_CLOSE(logp[i], log_prior(x + i * D, D, 1), 1e-4);
    for (int i = 0; i < N * D; i++) CHECK_CLOSE(latent[i], x[i], 1e-5);
    /* (7.14): what the prior says of the latents, and the divergence, make the nats */
    double mean = 0, prior = 0, se;
    for (int i = 0; i < N; i++) prior += log_prior(latent + i * D, D, 1) / N;
    mean = check_mean(logp, N, &se);
    CHECK_CLOSE(r.nats, mean, 1e-12), CHECK_CLOSE(r.prior, prior, 1e-5);
    CHECK_CLOSE(r.prior + r.divergence, r.nats, 1e-12 * fabs(r.nats));
    CHECK_CLOSE(r.nats_se, se, 1e-9);
    CHECK_CLOSE(r.bits_per_dim, -mean / (D * log(2.0)), 1e-12);
    CHECK_CLOSE(r.probe_se, 0, 0);
    sgm_mixture_free(&mix);
}

/*
## (7.15) Hutchinson's estimate

of N(0, C) in 16 dimensions, C with variances from 0.2 to 2 along random axes, in fixed steps: the
exact trace with the same steps is the truth. A probe's estimate is a sum of 16 squares, or of 120
products, so nearly normal; the mean of 32 is off by 3 of its standard errors in 0.53 % of the
points (Student, 31 degrees of freedom): of 600 that is 3.2 ± 1.8, and 1 % are allowed.
*/

enum { H = 600, HD = 16 };

static sgm_mixture tilted(const sgm_sde *sde) {
    static double cov[HD * HD], axes[HD * HD], zero[HD];
    float z[HD * HD];
    sgm_mixture mix;
    sgm_normal(z, HD * HD, sgm_key_init(8), 0);
    for (int i = 0; i < HD * HD; i++) axes[i] = z[i], cov[i] = 0;
    for (int i = 0; i < HD; i++) { /* Gram and Schmidt */
        double *a = axes + i * HD, square = 0;
        for (int k = 0; k < i; k++) {
            double along = 0;
            for (int j = 0; j < HD; j++) along += a[j] * axes[k * HD + j];
            for (int j = 0; j < HD; j++) a[j] -= along * axes[k * HD + j];
        }
        for (int j = 0; j < HD; j++) square += a[j] * a[j];
        for (int j = 0; j < HD; j++) a[j] /= sqrt(square);
        for (int j = 0; j < HD * HD; j++) cov[j] += 0.2 * pow(10, i / 15.0) * a[j / HD] * a[j % HD];
    }
    CHECK_OK(sgm_mixture_init(&mix, 1, HD, NULL, zero, cov, SGM_COV_FULL, sde));
    return mix;
}

static void likely(double *logp, double *se, const float *x, long n, int probes, sgm_probe law,
                   const sgm_score *score, sgm_likelihood_result *r) {
    sgm_likelihood_options o;
    memset(&o, 0, sizeof o);
    o.probes = probes, o.law = law, o.unchecked = 1;
    o.solve.method = SGM_METHOD_RK4, o.solve.steps = 4, o.solve.grid = SGM_GRID_LOGSNR;
    CHECK_OK(sgm_likelihood(logp, se, NULL, x, n, score, &o, r, sgm_key_init(5)));
}

static void test_hutchinson(void **state) {
    static float x[H * HD];
    static double exact[H], logp[H], se[H];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_likelihood_result r;
    double last = 0;
    (void)state;
    sde.t_min = 0.01;
    sgm_mixture mix = tilted(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, H, 0.01, sgm_key_init(1)));
    likely(exact, NULL, x, H, 0, SGM_PROBE_RADEMACHER, &score, &r);
    for (int k = 0; k < 6; k++) {
        int probes = k % 3 == 0 ? 8 : k % 3 == 1 ? 32 : 128, n = probes == 8 ? H : probes == 32 ? H / 2 : H / 8, far = 0;
        double bias, bias_se, square = 0;
        likely(logp, se, x, n, probes, k > 2 ? SGM_PROBE_GAUSSIAN : SGM_PROBE_RADEMACHER, &score, &r);
        for (int i = 0; i < n; i++) {
            far += fabs(logp[i] - exact[i]) > 3 * se[i];
            square += se[i] * se[i] / n, logp[i] -= exact[i];
        }
        if (probes == 32) assert_true(far <= n / 60); /* of .5 %: 1.5 */
        CHECK_REL(r.probe_se, sqrt(square), 1e-9);
        bias = check_mean(logp, n, &bias_se);
        CHECK_CLOSE(bias, 0, CHECK_SIGMAS * bias_se);
        CHECK_REL(bias_se * sqrt((double)n), r.probe_se, CHECK_SIGMAS / sqrt(2.0 * n));
        if (k % 3) CHECK_CLOSE(log(last / r.probe_se) / log(4.0), 0.5, 0.02);
        last = r.probe_se; /* itself known to 1/√(2·8·600) = 1 %, and log 4 is 1.4 */
    }
    likely(logp, se, x, 4, 1, SGM_PROBE_RADEMACHER, &score, &r); /* one has no scatter to tell of */
    assert_true(se[0] != se[0]);
    sgm_mixture_free(&mix);
}

/* In one dimension v² = 1: Rademacher's estimate is the trace, and Gauss's is not. */

static void test_one_dimension(void **state) {
    float x[6] = {-2, -1, -0.5f, 0, 0.7f, 2};
    double exact[6], logp[6], se[6];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_likelihood_result r;
    (void)state;
    likely(exact, NULL, x, 6, 0, SGM_PROBE_RADEMACHER, &score, &r);
    likely(logp, se, x, 6, 4, SGM_PROBE_RADEMACHER, &score, &r);
    for (int i = 0; i < 6; i++) CHECK_CLOSE(logp[i], exact[i], 1e-12), CHECK_CLOSE(se[i], 0, 1e-6);
    likely(logp, se, x, 6, 4, SGM_PROBE_GAUSSIAN, &score, &r);
    for (int i = 0; i < 6; i++) assert_true(se[i] > 1e-3 && fabs(logp[i] - exact[i]) > 1e-6);
    sgm_mixture_free(&mix);
}

/*
## (7.14) A density

adds up to one, whatever the prior: slow VP ends far from N(0, 1), and the flow's density is still
one. The trapezoid rule over ± 6 errs by less than 10⁻⁶; 2000 points are two blocks.
*/

static void test_integral(void **state) {
    enum { N = 2000 };
    static float x[N];
    static double logp[N];
    sgm_sde sdes[3] = {sgm_sde_vp(0.1, 20), sgm_sde_vp(0.001, 3), sgm_sde_ve(0.01, 50)};
    (void)state;
    for (int i = 0; i < N; i++) x[i] = (float)(-6 + 12 * (i + 0.5) / N);
    for (int k = 0; k < 3; k++) {
        sgm_mixture mix = the_mixture(&sdes[k]);
        sgm_score score = sgm_mixture_score(&mix);
        sgm_likelihood_result r;
        double sum = 0;
        CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, NULL, &r, sgm_key_init(1)));
        for (int i = 0; i < N; i++) sum += exp(logp[i]) * 12 / N;
        CHECK_CLOSE(sum, 1, 0.005);
        sgm_mixture_free(&mix);
    }
}

/*
## A solver with too few steps

Euler's method in two steps on N(0, 0.01): the entropy is ½log(2πe 0.01), no honest density has a
larger mean log p, and this one claims it. The check of the result tells.
*/

static void test_suspect(void **state) {
    enum { N = 400 };
    static float x[N];
    static double logp[N];
    double zero = 0, v = 0.01;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_likelihood_options o;
    sgm_likelihood_result r;
    sgm_mixture mix;
    (void)state;
    sde.t_min = 0.001;
    CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &zero, &v, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, 0.001, sgm_key_init(1)));
    memset(&o, 0, sizeof o);
    double most = -0.5 * log(2 * pi * exp(1) * v), honest = 0;
    for (int i = 0; i < N; i++) honest += log_prior(x + i, 1, sqrt(v)) / N;
    for (int steps = 2; steps <= 32; steps *= 2) {
        o.solve.method = SGM_METHOD_EULER, o.solve.steps = steps;
        CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, &o, &r, sgm_key_init(1)));
        assert_true(r.nats > most + 0.1 && r.nats > honest + 0.1);
        assert_int_equal(r.suspect, 1), assert_true(r.change > 0.01),
            assert_int_equal(r.nfe, steps);
        double coarse[N], change = 0, most_change = 0;
        memcpy(coarse, logp, sizeof coarse), o.unchecked = 1, o.solve.steps = 2 * steps;
        CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, &o, &r, sgm_key_init(1)));
        for (int k = 0; k < 256; k++) { /* of 256 points, spread over all, with half the step */
            int i = k * N / 256;
            change += fabs(logp[i] - coarse[i]) / 256;
            most_change = fmax(most_change, fabs(logp[i] - coarse[i]));
        }
        assert_true(r.change != r.change && r.change_most != r.change_most);
        assert_int_equal(r.suspect, 0);
        o.unchecked = 0, o.solve.steps = steps;
        CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, &o, &r, sgm_key_init(1)));
        CHECK_REL(r.change, change, 1e-12), CHECK_REL(r.change_most, most_change, 1e-12);
    }
    double finer[N], change[2] = {0, 0};
    memset(&o, 0, sizeof o);
    for (int k = 0; k < 2; k++) { /* of RK45: both tolerances by ten, given or not */
        o.solve.rtol = k ? 3e-4 : 0, o.solve.atol = k ? 2e-3 : 0;
        CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, 200, &score, &o, &r, sgm_key_init(1)));
        change[0] = r.change, change[1] = 0;
        o.solve.rtol = (k ? 3e-4 : 1e-5) / 10, o.solve.atol = (k ? 2e-3 : 1e-5) / 10;
        CHECK_OK(sgm_likelihood(finer, NULL, NULL, x, 200, &score, &o, NULL, sgm_key_init(1)));
        for (int i = 0; i < 200; i++) change[1] += fabs(finer[i] - logp[i]) / 200;
        CHECK_REL(change[0], change[1], 1e-6), assert_true(change[0] > 0);
    }
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, NULL, &r, sgm_key_init(1)));
    CHECK_CLOSE(r.nats, honest,
                0.01); /* s(t_min)² is 1 % of v, half of that in log p, twice over */
    assert_int_equal(r.suspect, 0);
    sgm_mixture_free(&mix);
}

/* (9.2) and bits per dimension, by hand: the raw data is 3 + 0.5 y and 1 + 4 y', exactly, since y
is rounded to 2⁻¹⁰. What goes in and comes out is raw. */

static void test_scaler(void **state) {
    enum { N = 30 };
    float y[2 * N], x[2 * N], again[2 * N];
    double plain[N], logp[N], shift[2] = {3, 1}, scale[2] = {0.5, 4};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_scaler scaler;
    sgm_likelihood_options o;
    sgm_likelihood_result r, raw;
    (void)state;
    sgm_mixture mix = mixture_in(2, &sde);
    sgm_score score = sgm_mixture_score(&mix);
    memset(&o, 0, sizeof o);
    scaler.d = 2, scaler.shift = shift, scaler.scale = scale;
    CHECK_OK(sgm_mixture_sample(&mix, y, NULL, N, 0.001, sgm_key_init(1)));
    for (int i = 0; i < 2 * N; i++) {
        y[i] = floorf(y[i] * 1024) / 1024;
        x[i] = (float)(shift[i % 2] + scale[i % 2] * y[i]);
    }
    CHECK_OK(sgm_likelihood(plain, NULL, NULL, y, N, &score, &o, &r, sgm_key_init(2)));
    CHECK_CLOSE(r.bits_per_dim, -r.nats / (2 * log(2.0)), 1e-12);
    score.scaler = &scaler, o.levels = 256;
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, &o, &raw, sgm_key_init(2)));
    for (int i = 0; i < N; i++) CHECK_CLOSE(logp[i], plain[i] - log(0.5 * 4), 1e-12);
    CHECK_CLOSE(raw.nats, r.nats - log(2.0), 1e-12);
    CHECK_CLOSE(raw.bits_per_dim, r.bits_per_dim + 0.5 + 8, 1e-12);
    CHECK_CLOSE(raw.prior, r.prior, 1e-12), CHECK_CLOSE(raw.divergence, r.divergence, 1e-12);
    CHECK_OK(sgm_sample_likelihood(again, logp, NULL, N, &score, &o, &raw, sgm_key_init(2)));
    CHECK_OK(sgm_likelihood(plain, NULL, NULL, again, N, &score, &o, &r, sgm_key_init(2)));
    for (int i = 0; i < N; i++) CHECK_CLOSE(logp[i], plain[i], 1e-4);
    score.scaler = NULL; /* the same draws as without, carried to the raw data's place */
    CHECK_OK(sgm_sample_likelihood(y, logp, NULL, N, &score, &o, &raw, sgm_key_init(2)));
    for (int i = 0; i < 2 * N; i++) {
        double raw_y = shift[i % 2] + scale[i % 2] * y[i];
        CHECK_CLOSE(again[i], raw_y, FLT_EPSILON * fabs(raw_y));
    }
    sgm_mixture_free(&mix);
}

/*
Draws that know their log p: that of sgm_likelihood at the same points (both err by 10⁻⁵ in each of
twenty steps), in law those of the sampler, and with the prior's scale where it is not 1. Their mean
log p is the entropy's estimate.
*/

static void test_draws(void **state) {
    const check_family *f = (const check_family *)*state;
    enum { N = 1300 };
    static float x[N], first[N];
    static double logp[N], again[N], before[N];
    sgm_mixture mix = the_mixture(&f->sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_likelihood_result r, q;
    CHECK_OK(sgm_sample_likelihood(x, logp, NULL, N, &score, NULL, &r, sgm_key_init(4)));
    CHECK_OK(sgm_likelihood(again, NULL, NULL, x, N, &score, NULL, &q, sgm_key_init(9)));
    double gained = fabs(q.divergence), tol = 1e-5 * (double)q.nfe / 6 * (2 + gained);
    for (int i = 0; i < N; i++) CHECK_CLOSE(logp[i], again[i], 2 * tol);
    CHECK_CLOSE(r.nats, q.nats, 2 * tol), CHECK_CLOSE(r.prior, q.prior, 2 * tol);
    CHECK_CLOSE(r.prior + r.divergence, r.nats, 1e-12 * (1 + gained));
    double std = sgm_sde_prior(&f->sde), se; /* (log prior's mean is that of χ²: -½log(2πeσ²)) */
    se = sqrt(0.5 / N);
    CHECK_CLOSE(r.prior, -0.5 * log(2 * pi * exp(1) * std * std), CHECK_SIGMAS * se);
    memcpy(first, x, sizeof x), memcpy(before, logp, sizeof logp); /* the first block alone */
    CHECK_OK(sgm_sample_likelihood(x, logp, NULL, 1024, &score, NULL, NULL, sgm_key_init(4)));
    assert_memory_equal(x, first, 1024 * sizeof *x);
    assert_memory_equal(logp, before, 1024 * sizeof *logp);
    int twice = 0; /* blocks have their own key */
    for (int i = 0; i < N - 1024; i++) twice += fabsf(first[i] - first[1024 + i]) < 1e-3f;
    assert_true(twice < 20);
    sgm_mixture_free(&mix);
}

/*
Without a jvp the tangent is a central difference over 0.004 s: of second order, 10⁻⁵ of it, and
6·10⁻⁸/0.008 = 10⁻⁵ from the float; along a path of 10 in log-SNR that is 10⁻³ at most.
*/

static sgm_status exact_trace(const sgm_score *self, float *s, float *tr, const float *x,
                              const float *t, long n) {
    float v[3] = {0, 0, 0}, js[3];
    sgm_score mix = sgm_mixture_score((const sgm_mixture *)self->ctx);
    for (long i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < 3; j++) {
            v[j] = 1;
            CHECK_OK(mix.jvp(&mix, s + 3 * i, js, x + 3 * i, v, t + i, 1));
            sum += js[j], v[j] = 0;
        }
        tr[i] = (float)sum;
    }
    return SGM_OK;
}

/* Of a likelihood that failed nothing is known, of one point no standard error. */

static void test_unknown_likelihood(void **state) {
    float x[3] = {0.1f, 0.2f, 0.3f};
    double logp[1];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_likelihood_result r;
    sgm_likelihood_options o;
    (void)state;
    sgm_mixture mix = mixture_in(3, &sde);
    sgm_score score = sgm_mixture_score(&mix);
    memset(&r, 0, sizeof r), memset(&o, 0, sizeof o);
    assert_int_equal(sgm_likelihood(logp, NULL, NULL, x, 0, &score, NULL, &r, sgm_key_init(1)),
                     SGM_BAD_ARGUMENT);
    assert_true(isnan(r.nats) && isnan(r.bits_per_dim) && isnan(r.change) && isnan(r.prior));
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, 1, &score, &o, &r, sgm_key_init(1)));
    CHECK_CLOSE(r.nats, logp[0], 1e-12 * fabs(logp[0])), assert_true(isnan(r.nats_se));
    CHECK_CLOSE(r.bits_per_dim, sgm_bits_per_dim(r.nats, 3, 0, 1), 1e-12); /* one sign */
    o.probes = 1;
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, 1, &score, &o, &r, sgm_key_init(1)));
    assert_true(isnan(r.probe_se));
    sgm_mixture_free(&mix);
}

static void test_differences(void **state) {
    enum { N = 40, D = 3 };
    static float x[N * D], z[2][N * D];
    static double exact[N], logp[N], se[2][N];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_likelihood_result r;
    sgm_likelihood_options o;
    (void)state;
    sgm_mixture mix = mixture_in(D, &sde);
    sgm_score score = sgm_mixture_score(&mix), plain = score;
    plain.jvp = NULL;
    memset(&o, 0, sizeof o);
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, 0.001, sgm_key_init(1)));
    for (int probes = 0; probes <= 3; probes += 3) {
        o.probes = probes;
        CHECK_OK(sgm_likelihood(exact, se[0], z[0], x, N, &score, &o, &r, sgm_key_init(2)));
        assert_int_equal(r.differences, 0);
        CHECK_OK(sgm_likelihood(logp, se[1], z[1], x, N, &plain, &o, &r, sgm_key_init(2)));
        assert_int_equal(r.differences, 1);
        plain.trace = exact_trace; /* an exact one, of which no probe makes use */
        CHECK_OK(sgm_likelihood(logp, se[1], z[1], x, N, &plain, &o, &r, sgm_key_init(2)));
        assert_int_equal(r.differences, probes > 0);
        plain.trace = NULL;
        for (int i = 0; i < N; i++) CHECK_CLOSE(logp[i], exact[i], 1e-3);
        for (int i = 0; i < N; i++) CHECK_CLOSE(se[1][i], se[0][i], 1e-3);
        for (int i = 0; i < N * D; i++) CHECK_CLOSE(z[1][i], z[0][i], 1e-4); /* other steps */
    }
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

/*
Points are solved 1024 at a time, which nobody sees: in fixed steps a point's log p does not depend
on its neighbours, and each block is what it would be alone. Nor does the number of threads show,
here or in a flow of many points.
*/

static void test_blocks(void **state) {
    enum { N = 1500, D = 2 };
    static float x[N * D], latent[2][N * D];
    static double logp[3][N], se[2][N];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_likelihood_options o;
    sgm_likelihood_result r[2];
    (void)state;
    sgm_mixture mix = mixture_in(D, &sde);
    sgm_score score = sgm_mixture_score(&mix);
    memset(&o, 0, sizeof o), o.solve.method = SGM_METHOD_HEUN, o.solve.steps = 5;
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, 0.001, sgm_key_init(1)));
    CHECK_OK(sgm_likelihood(logp[0], NULL, NULL, x, N, &score, &o, NULL, sgm_key_init(2)));
    for (int i = 0; i < N; i += 99) {
        double one;
        CHECK_OK(sgm_likelihood(&one, NULL, NULL, x + i * D, 1, &score, &o, NULL,
                                sgm_key_init(3)));
        CHECK_CLOSE(one, logp[0][i], 0);
    }
    sgm_method method[2] = {SGM_METHOD_RK45, SGM_METHOD_ADAMS}; /* those that carry something along a path */
    for (int k = 0; k < 2; k++) {
        o.solve.method = method[k], o.solve.steps = k ? 6 : 0;
        CHECK_OK(sgm_likelihood(logp[0], NULL, NULL, x, N, &score, &o, NULL, sgm_key_init(2)));
        CHECK_OK(sgm_likelihood(logp[1], NULL, NULL, x + 1024 * D, N - 1024, &score, &o, NULL,
                                sgm_key_init(2)));
        assert_memory_equal(logp[0] + 1024, logp[1], (N - 1024) * sizeof **logp);
    }
    o.probes = 3, o.solve.method = SGM_METHOD_RK45, o.solve.steps = 0;
    CHECK_OK(sgm_likelihood(logp[1], se[0], latent[0], x, N, &score, &o, r, sgm_key_init(2)));
    CHECK_OK(sgm_likelihood(logp[2], se[1], latent[1], x, 1024, &score, &o, NULL,
                            sgm_key_init(2)));
    assert_memory_equal(logp[1], logp[2], 1024 * sizeof **logp);
    assert_memory_equal(se[0], se[1], 1024 * sizeof **se);
    assert_memory_equal(latent[0], latent[1], 1024 * D * sizeof **latent);
    for (int threads = 1; threads <= 2; threads++) {
#ifdef _OPENMP
        omp_set_num_threads(threads);
#endif
        CHECK_OK(sgm_likelihood(logp[2], se[1], latent[1], x, N, &score, &o, r + 1,
                                sgm_key_init(2)));
        assert_memory_equal(logp[1], logp[2], sizeof *logp);
        assert_memory_equal(se[0], se[1], sizeof *se);
        assert_memory_equal(latent[0], latent[1], sizeof *latent);
        assert_memory_equal(&r[0].nats, &r[1].nats, sizeof(double));
        assert_memory_equal(&r[0].change, &r[1].change, sizeof(double));
    }
    sgm_mixture_free(&mix);
}

static void test_threads(void **state) {
    enum { N = 70000 };
    static float x[2][N];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    (void)state;
#ifdef _OPENMP
    omp_set_num_threads(2);
#endif
    mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_method methods[4] = {SGM_METHOD_RK4, SGM_METHOD_RK45, SGM_METHOD_DPMPP_3M, SGM_METHOD_DPM_3};
    for (int k = 0; k < 4; k++) {
        sgm_sample_options o = options_of(methods[k], k == 1 ? 0 : 3);
        o.grid = SGM_GRID_LOGSNR, o.rtol = o.atol = k == 1 ? 1e-2 : 0;
        for (int threads = 1; threads <= 2; threads++) {
#ifdef _OPENMP
            omp_set_num_threads(threads);
#endif
            spread_points(x[threads - 1], N, &sde, 1);
            CHECK_OK(sgm_flow(x[threads - 1], N, &score, 1, 0.5, &o, NULL));
        }
        assert_memory_equal(x[0], x[1], sizeof *x);
    }
    sgm_mixture_free(&mix);
}

/*
## What goes wrong, and is said
*/

static void test_bad_flows(void **state) {
    float x[2] = {0.1f, 0.2f}, kept[2] = {0.1f, 0.2f}, y[2] = {0.1f, (float)NAN};
    double times[8][2] = {{1, 1e-4},  {1e-4, 1},  {1.1, 0.5}, {0.5, 1.1},
                          {0.5, 0.5}, {NAN, 0.5}, {0.5, NAN}, {-1, 0.5}};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix), empty, odd = score;
    sgm_sample_options o = options_of(SGM_METHOD_RK45, 0);
    (void)state;
    memset(&empty, 0, sizeof empty);
#define FLOW(from, to) sgm_flow(x, 2, &score, from, to, &o, NULL)
    for (int i = 0; i < 8; i++)
        CHECK_FAILS(FLOW(times[i][0], times[i][1]), SGM_BAD_ARGUMENT, "within [t_min, T]");
    double bad[3] = {-1e-3, NAN, 1};
    for (int i = 0; i < 3; i++) {
        o.rtol = bad[i];
        CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "0 means 1e-5");
        o.rtol = 0;
        if (i < 2) o.atol = bad[i];
        if (i < 2) CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "0 means 1e-5");
        o.atol = 0;
    }
    for (int method = SGM_METHOD_EULER_MARUYAMA; method < SGM_METHOD_DDIM; method++) {
        o = options_of((sgm_method)method, 10);
        CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "take a method without, such as SGM_METHOD_RK45");
    }
    o = options_of(SGM_METHOD_DDIM, 10), o.eta = 0.5;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "no noise: leave eta");
    o = options_of(SGM_METHOD_HEUN, 10), o.eta = 0.5;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "no noise: leave eta");
    o = options_of(SGM_METHOD_HEUN, 10), o.eta = NAN;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "with SGM_METHOD_DDIM");
    o = options_of(SGM_METHOD_HEUN, 10), o.corrector = 1;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "no noise: leave eta, corrector");
    o = options_of(SGM_METHOD_AUTO, 10), o.churn = 1;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "no noise: leave eta, corrector, churn");
    o = options_of(SGM_METHOD_HEUN, 10), o.x_given = 1;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "two ends of its own: leave x_given");
    o = options_of(SGM_METHOD_HEUN, 10), o.t_start = 1;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "two ends of its own");
    o = options_of(SGM_METHOD_HEUN, 10), o.t_end = 0.5;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "two ends of its own");
    o = options_of(SGM_METHOD_HEUN, 10), o.rtol = 1e-3;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "has no tolerance");
    sgm_method back[4] = {SGM_METHOD_ADAMS, SGM_METHOD_DPMPP_2M, SGM_METHOD_DPMPP_3M, SGM_METHOD_DPMPP_3M};
    int few[4] = {3, 1, 2, 1};
    for (int i = 0; i < 4; i++) {
        o = options_of(back[i], few[i]);
        CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "take more steps");
    }
    o = options_of((sgm_method)(SGM_METHOD_DPMPP_3M + 1), 10);
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "see sgm_method");
    o = options_of((sgm_method)-1, 10);
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "see sgm_method");
    o = options_of(SGM_METHOD_RK4, -1);
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "ask for at least 1");
    o = options_of(SGM_METHOD_RK4, 3), o.grid = (sgm_grid_kind)7;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "see sgm_grid_kind");
    o = options_of(SGM_METHOD_RK4, 4), o.path_steps = 8;
    CHECK_FAILS(FLOW(1, 0.5), SGM_BAD_ARGUMENT, "path_steps 0");
    o = options_of(SGM_METHOD_RK4, 3);
    CHECK_FAILS(sgm_flow(x, 0, &score, 1, 0.5, &o, NULL), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(sgm_flow(NULL, 2, &score, 1, 0.5, &o, NULL), SGM_BAD_ARGUMENT, "n >= 1");
    CHECK_FAILS(sgm_flow(x, 2, NULL, 1, 0.5, &o, NULL), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_flow(x, 2, &empty, 1, 0.5, &o, NULL), SGM_BAD_ARGUMENT, "make it with");
    odd.sde.family = SGM_FAMILY_NONE;
    CHECK_FAILS(sgm_flow(x, 2, &odd, 1, 0.5, &o, NULL), SGM_BAD_ARGUMENT, "set its sde");
    odd.sde.family = (sgm_family)99;
    CHECK_FAILS(sgm_flow(x, 2, &odd, 1, 0.5, &o, NULL), SGM_BAD_ARGUMENT, "preset");
    odd.sde = sgm_sde_ve(0.01, 50); /* the mixture has been noised by another */
    CHECK_FAILS(sgm_flow(x, 2, &odd, 1, 0.5, &o, NULL), SGM_MISMATCH, "a score of one process");
    CHECK_FAILS(sgm_flow(y, 2, &score, 1, 0.5, &o, NULL), SGM_NOT_FINITE, "point 1 is NaN");
    score.sde.t_min = 0, o = options_of(SGM_METHOD_DPM_2, 3);
    CHECK_FAILS(FLOW(1, 0), SGM_BAD_ARGUMENT, "set t_end");
    score.sde.t_min = 1e-3;
    assert_memory_equal(x, kept, sizeof x); /* all that failed has left the points alone */
    static spy w;
    sgm_score fails = spy_on(&w, &score);
    w.fail_at = 5, o = options_of(SGM_METHOD_RK4, 3);
    CHECK_FAILS(sgm_flow(x, 2, &fails, 1, 0.5, &o, NULL), SGM_MISMATCH, "the spy fails");
    fails = spy_on(&w, &score), w.nan_at = 0;
    CHECK_FAILS(sgm_flow(x, 2, &fails, 1, 0.5, NULL, NULL), SGM_NOT_FINITE, "RK45 is stuck");
    assert_memory_equal(x, kept, sizeof x);
    for (int method = SGM_METHOD_DDIM; method <= SGM_METHOD_DPMPP_3M; method++) {
        if (method == SGM_METHOD_RK45) continue; /* the others have no error to look at */
        fails = spy_on(&w, &score), w.nan_at = 5, o = options_of((sgm_method)method, 8);
        CHECK_FAILS(sgm_flow(x, 2, &fails, 1, 0.5, &o, NULL), SGM_NOT_FINITE, "point 0");
        assert_memory_equal(x, kept, sizeof x);
    }
    fails = spy_on(&w, &score), w.nan_at = 4; /* a NaN that passes: a smaller step gets over it */
    long nfe;
    CHECK_OK(sgm_flow(x, 2, &fails, 1, 0.5, NULL, &nfe));
    assert_true(x[0] == x[0] && nfe == w.calls);
    o = options_of(SGM_METHOD_RK45, 0), o.rtol = o.atol = 1e-15;
    CHECK_FAILS(FLOW(1, 1e-3), SGM_NOT_FINITE, "take a larger tolerance");
    sgm_mixture_free(&mix);
    assert_int_equal(live_blocks, alive_before);
}

static void test_bad_likelihoods(void **state) {
    float x[2] = {0.1f, 0.2f}, y[2] = {0.1f, HUGE_VALF};
    double logp[2], shift[3] = {0, 0, 0}, scale[3] = {1, 1, 1};
    sgm_sde sde = sgm_sde_vp(0.1, 20), ve = sgm_sde_ve(0.01, 50);
    sgm_mixture mix = the_mixture(&sde), ve_mix = the_mixture(&ve);
    sgm_score score = sgm_mixture_score(&mix), ve_score = sgm_mixture_score(&ve_mix), odd = score;
    sgm_likelihood_options o;
    sgm_likelihood_result r;
    sgm_key key = sgm_key_init(1);
    sgm_scaler scaler;
    (void)state;
    memset(&o, 0, sizeof o);
#define LIKELY(points, n) sgm_likelihood(logp, NULL, NULL, points, n, &score, &o, &r, key)
#define DRAW(n) sgm_sample_likelihood(x, logp, NULL, n, &score, &o, &r, key)
    o.probes = -1;
    CHECK_FAILS(LIKELY(x, 2), SGM_BAD_ARGUMENT, "0 probes for the exact trace");
    CHECK_FAILS(DRAW(2), SGM_BAD_ARGUMENT, "0 probes for the exact trace");
    o.probes = 0;
    sgm_method wrong[6] = {SGM_METHOD_DDIM, SGM_METHOD_DPM_2, SGM_METHOD_DPM_3, SGM_METHOD_DPMPP_2M, SGM_METHOD_DPMPP_3M, SGM_METHOD_CHURN};
    for (int i = 0; i < 6; i++) {
        o.solve.method = wrong[i], o.solve.steps = 10;
        CHECK_FAILS(LIKELY(x, 2), SGM_BAD_ARGUMENT, "RK45");
        CHECK_FAILS(DRAW(2), SGM_BAD_ARGUMENT, "RK45");
    }
    memset(&o, 0, sizeof o), o.solve.rtol = -1;
    CHECK_FAILS(LIKELY(x, 2), SGM_BAD_ARGUMENT, "0 means 1e-5");
    memset(&o, 0, sizeof o), o.prior = 1; /* of a VP; VE ends at N(0, 50²) */
    CHECK_FAILS(sgm_likelihood(logp, NULL, NULL, x, 2, &ve_score, &o, &r, key), SGM_MISMATCH,
                "change the SDE's T");
    CHECK_OK(LIKELY(x, 2));
    double priors[4] = {-1, NAN, 1.02, 0.98};
    for (int i = 0; i < 4; i++) {
        o.prior = priors[i];
        CHECK_FAILS(LIKELY(x, 2), SGM_MISMATCH, "leave prior 0");
    }
    memset(&o, 0, sizeof o), score.scaler = &scaler;
    scaler.d = 3, scaler.shift = shift, scaler.scale = scale;
    CHECK_FAILS(LIKELY(x, 2), SGM_MISMATCH, "a scaler of dimension 3");
    score.scaler = NULL;
    CHECK_FAILS(LIKELY(y, 2), SGM_NOT_FINITE, "remove it");
    CHECK_FAILS(LIKELY(x, 0), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(LIKELY(NULL, 2), SGM_BAD_ARGUMENT, "n >= 1");
    CHECK_FAILS(DRAW(0), SGM_BAD_ARGUMENT, "at least 1");
    o.law = (sgm_probe)2;
    CHECK_FAILS(LIKELY(x, 2), SGM_BAD_ARGUMENT, "a law of the list");
    o.law = SGM_PROBE_RADEMACHER, o.levels = -1;
    CHECK_FAILS(LIKELY(x, 2), SGM_BAD_ARGUMENT, "levels >= 0");
    o.levels = 0, score.sde.t_min = 0, o.solve.method = SGM_METHOD_EULER, o.solve.steps = 3;
    CHECK_FAILS(LIKELY(x, 2), SGM_BAD_ARGUMENT, "t_min > 0");
    score.sde.t_min = 1e-3, odd.sde.family = (sgm_family)99;
    CHECK_FAILS(sgm_likelihood(logp, NULL, NULL, x, 2, &odd, &o, &r, key), SGM_BAD_ARGUMENT,
                "preset");
    static spy w;
    sgm_score fails = spy_on(&w, &score);
    w.nan_at = 1;
    CHECK_FAILS(sgm_likelihood(logp, NULL, NULL, x, 2, &fails, &o, &r, key), SGM_NOT_FINITE,
                "take more steps");
    fails = spy_on(&w, &score), w.fail_at = 4;
    CHECK_FAILS(sgm_likelihood(logp, NULL, NULL, x, 2, &fails, &o, &r, key), SGM_MISMATCH,
                "the spy fails");
    fails = spy_on(&w, &score), w.nan_at = 12; /* in the second solution alone: not to be trusted */
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, 2, &fails, &o, &r, key));
    assert_int_equal(r.suspect, 1);
    sgm_mixture_free(&mix), sgm_mixture_free(&ve_mix);
    assert_int_equal(live_blocks, alive_before);
}

/* The prior that is given, within the 1 % that pass as the SDE's, is the one that counts. */

static void test_own_prior(void **state) {
    float x[2] = {0.1f, -1.2f}, latent[2];
    double logp[2][2];
    sgm_sde sde = sgm_sde_ve(0.01, 50);
    sgm_mixture mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_likelihood_options o;
    (void)state;
    memset(&o, 0, sizeof o);
    for (int k = 0; k < 2; k++) {
        o.prior = k ? 50.3 : 0;
        CHECK_OK(sgm_likelihood(logp[k], NULL, latent, x, 2, &score, &o, NULL, sgm_key_init(1)));
    }
    for (int i = 0; i < 2; i++)
        CHECK_CLOSE(logp[1][i] - logp[0][i],
                    log_prior(latent + i, 1, 50.3) - log_prior(latent + i, 1, sgm_sde_prior(&sde)),
                    1e-8);
    sgm_mixture_free(&mix);
}

/* Memory fails at each place in turn: it is said, and nothing leaks. */

static sgm_status one_call(int which, const sgm_score *score) {
    float x[4] = {0.1f, 0.2f, 0.3f, 0.4f};
    double logp[4];
    sgm_likelihood_options o;
    sgm_sample_options s = options_of(which == 1 ? SGM_METHOD_ADAMS : SGM_METHOD_RK45, which == 1 ? 5 : 0);
    memset(&o, 0, sizeof o), o.probes = which == 3 ? 2 : 0;
    if (which < 2) return sgm_flow(x, 4, score, 1, 0.5, &s, NULL);
    if (which < 4) return sgm_likelihood(logp, NULL, NULL, x, 4, score, &o, NULL, sgm_key_init(1));
    if (which == 4)
        return sgm_sample_likelihood(x, logp, NULL, 4, score, &o, NULL, sgm_key_init(1));
    if (which == 20)
        return sgm_likelihood_bound(logp, NULL, x, 4, score, NULL, NULL, sgm_key_init(1));
    s.steps = 6, s.method = (sgm_method)(which - 5 + SGM_METHOD_EULER_MARUYAMA);
    return sgm_sample(x, 4, score, &s, sgm_key_init(1));
}

static void test_memory(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix = the_mixture(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    long before = live_blocks;
    (void)state;
    for (int which = 0; which < 5 + 15 + 1; which++) {
        long k = 0;
        for (; k < 30; k++) {
            alloc_calls = 0, fail_at = k + 1;
            sgm_status status = one_call(which, &score);
            fail_at = 0;
            assert_int_equal(live_blocks, before);
            if (status == SGM_OK) break;
            CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
        }
        assert_true(k >= (which == 20 ? 1 : 2) && k < 30);
    }
    sgm_mixture_free(&mix);
}

/*
## (7.18) The evidence lower bound

Data N(0, v I) and the linear score −c x/P, P = m²v + s², which is exact for c = 1: the mean over z
in (7.18) is $c²(a²\|x\|² + D b²)/P² − 2cD/P$, and the integral over t a sum over 2000 slices, even
in λ, each by its middle in t. A linear score leaves little to chance: 5 of the errors that 64 pairs
of draws tell, and in the mean they must be below half of what c = 0.8 costs.
*/

static double linear_c;

static sgm_status linear_score(const sgm_score *self, float *s, const float *x, const float *t,
                               long n) {
    for (long i = 0; i < n * self->d; i++) {
        double m = sgm_sde_m(&self->sde, t[i / self->d]), sd = sgm_sde_s(&self->sde, t[i / self->d]);
        s[i] = (float)(-linear_c * x[i] / (m * m * 0.5 + sd * sd));
        if (self->ctx && self->row[i / self->d] % 2) s[i] *= 0.5f; /* odd rows of your set */
    }
    return SGM_OK;
}

static double linear_bound(const sgm_sde *sde, const float *x, int d, double c) {
    enum { SLICES = 2000 };
    double square = dot(x, x, d), from = sgm_sde_logsnr(sde, sde->t_min), std = sgm_sde_prior(sde);
    double to = sgm_sde_logsnr(sde, sde->T), end = sde->t_min, path = 0, a, b;
    for (int k = 0; k < SLICES; k++) {
        double begin = end, mid;
        end = k + 1 < SLICES ? sgm_sde_t_from_logsnr(sde, from + (to - from) * (k + 1) / SLICES) : sde->T;
        mid = 0.5 * (begin + end);
        sgm_sde_transition(sde, sde->t_min, mid, &a, &b);
        double m = sgm_sde_m(sde, mid), s = sgm_sde_s(sde, mid), p = m * m * 0.5 + s * s;
        path += (end - begin) * 0.5 * sgm_sde_g2(sde, mid) *
                (c * c * (a * a * square + d * b * b) / (p * p) - 2 * c * d / p);
    }
    sgm_sde_transition(sde, sde->t_min, sde->T, &a, &b);
    return -0.5 * d * log(2 * pi * std * std) - (a * a * square + d * b * b) / (2 * std * std) +
           d * log(a) - path;
}

static void test_bound(void **state) {
    enum { N = 12, D = 16 };
    const check_family *f = (const check_family *)*state;
    float x[N * D];
    double bound[N], se[N], cost = 0, told = 0;
    sgm_score score;
    sgm_likelihood_options o;
    sgm_likelihood_result r;
    memset(&score, 0, sizeof score), memset(&o, 0, sizeof o);
    score.d = D, score.sde = f->sde, score.eval = linear_score, o.draws = 128;
    sgm_normal(x, N * D, sgm_key_init(1), 0);
    for (int i = 0; i < N * D; i++) x[i] *= sqrtf(0.5f);
    for (int k = 0; k < 2; k++) {
        linear_c = k ? 0.8 : 1;
        CHECK_OK(sgm_likelihood_bound(bound, se, x, N, &score, &o, &r, sgm_key_init(2)));
        for (int i = 0; i < N; i++) {
            double known = linear_bound(&f->sde, x + i * D, D, linear_c);
            CHECK_CLOSE(bound[i], known, 5 * se[i] + 1e-5 * fabs(known));
            cost += (k ? -1 : 1) * known / N, told += se[i] * se[i] / N / N;
        }
        CHECK_CLOSE(r.nats, check_mean(bound, N, &se[0]), 1e-9), CHECK_CLOSE(r.nats_se, se[0], 1e-9);
        CHECK_CLOSE(r.prior + r.divergence, r.nats, 1e-9), assert_int_equal(r.nfe, 256);
        assert_true(r.change != r.change && r.change_most != r.change_most);
        assert_true(r.mismatch != r.mismatch && r.suspect == 0 && r.differences == 0);
    }
    assert_true(5 * sqrt(told) < 0.5 * cost);
}

/*
The exact score of a mixture: at each point the bound is log p less what the prior costs on the way,
$E \log p_T(x_T) − \log N(x_T; 0, σ_T²)$ over $x_T$ given x, here by the trapezoid rule. The mean over
100 points is off by 4.5 errors in 7 of a million; the errors that are told are those that show.
*/

static void test_bound_mixture(void **state) {
    enum { N = 100 };
    const check_family *f = (const check_family *)*state;
    const sgm_sde *sde = &f->sde;
    static float x[N];
    double bound[N], se[N], off[N], a, b, std = sgm_sde_prior(sde), error, square = 0, told = 0;
    sgm_mixture mix = the_mixture(sde);
    sgm_score score = sgm_mixture_score(&mix);
    sgm_likelihood_options o;
    memset(&o, 0, sizeof o), o.draws = 256;
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, sde->t_min, sgm_key_init(3)));
    CHECK_OK(sgm_likelihood_bound(bound, se, x, N, &score, &o, NULL, sgm_key_init(4)));
    sgm_sde_transition(sde, sde->t_min, sde->T, &a, &b);
    for (int i = 0; i < N; i++) {
        double cost = 0;
        for (double z = -8; z < 8; z += 0.05) {
            float at = (float)(a * x[i] + b * z);
            cost += 0.05 * exp(-0.5 * z * z) / sqrt(2 * pi) *
                    (truth_at(sde, at, sde->T).logp - log_prior(&at, 1, std));
        }
        off[i] = bound[i] - (truth_at(sde, x[i], sde->t_min).logp - cost);
        square += off[i] * off[i], told += se[i] * se[i];
    }
    double mean = check_mean(off, N, &error);
    CHECK_CLOSE(mean, 0, 4.5 * error);
    assert_true(error < 0.05);
    CHECK_CLOSE(log(square / told), 0, log(2));
    sgm_mixture_free(&mix);
}

/* Raw points of a scaled score; blocks of 1024 slices, threads, the same bits; what is refused. */

static void test_bound_details(void **state) {
    enum { N = 150, D = 2 };
    static float x[N * D], raw[N * D], inf[2] = {0, HUGE_VALF};
    static double bound[3][N], se[N], se2[N];
    double shift[2] = {3, 1}, scale[2] = {0.5, 4};
    sgm_scaler scaler;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix = mixture_in(D, &sde);
    sgm_score score = sgm_mixture_score(&mix), fails;
    sgm_key key = sgm_key_init(2);
    sgm_likelihood_options o;
    sgm_likelihood_result r, plain;
    (void)state;
    memset(&o, 0, sizeof o), o.draws = 40, o.levels = 256;
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, 0.001, sgm_key_init(1)));
    for (int i = 0; i < N * D; i++) {
        x[i] = floorf(x[i] * 1024) / 1024;
        raw[i] = (float)(shift[i % 2] + scale[i % 2] * x[i]);
    }
    CHECK_OK(sgm_likelihood_bound(bound[0], se, x, N, &score, &o, &plain, key));
    CHECK_CLOSE(plain.bits_per_dim, -plain.nats / (2 * log(2.0)) + 8, 1e-12);
    double told = 0;
    for (int i = 0; i < N; i++) told += se[i] * se[i] / N;
    CHECK_CLOSE(plain.probe_se, sqrt(told), 1e-9);
    set_threads(2);
    CHECK_OK(sgm_likelihood_bound(bound[1], se2, x, N, &score, &o, &r, key));
    set_threads(1);
    assert_memory_equal(bound[0], bound[1], sizeof *bound), assert_memory_equal(se, se2, sizeof se);
    assert_memory_equal(&r.nats, &plain.nats, sizeof r.nats);
    CHECK_OK(sgm_likelihood_bound(bound[1], NULL, x, 60, &score, &o, NULL, key));
    assert_memory_equal(bound[0], bound[1], 60 * sizeof **bound); /* point 51 lies in two blocks */
    scaler.d = D, scaler.shift = shift, scaler.scale = scale, score.scaler = &scaler;
    CHECK_OK(sgm_likelihood_bound(bound[2], se2, raw, N, &score, &o, &r, key));
    for (int i = 0; i < N; i++) CHECK_CLOSE(bound[2][i], bound[0][i] - log(0.5 * 4), 1e-9);
    CHECK_CLOSE(r.prior, plain.prior, 1e-9), CHECK_CLOSE(r.divergence, plain.divergence, 1e-9);
    score.scaler = NULL, o.draws = 0;
    CHECK_OK(sgm_likelihood_bound(bound[1], se2, x, 3, &score, &o, &r, key));
    assert_int_equal(r.nfe, 128);
#define BOUND(points, n) sgm_likelihood_bound(bound[2], se2, points, n, &score, &o, &r, key)
    o.draws = 3;
    CHECK_FAILS(BOUND(x, 2), SGM_BAD_ARGUMENT, "an even number");
    assert_true(r.nats != r.nats && r.bits_per_dim != r.bits_per_dim);
    o.draws = -2;
    CHECK_FAILS(BOUND(x, 2), SGM_BAD_ARGUMENT, "an even number");
    o.draws = 2;
    CHECK_OK(BOUND(x, 1));
    CHECK_FAILS(BOUND(x, 0), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(BOUND(NULL, 2), SGM_BAD_ARGUMENT, "n >= 1");
    CHECK_FAILS(BOUND(inf, 1), SGM_NOT_FINITE, "remove it");
    CHECK_FAILS(sgm_likelihood_bound(NULL, se, x, 2, &score, &o, &r, key), SGM_BAD_ARGUMENT, "a place");
    CHECK_FAILS(sgm_likelihood_bound(se2, se, x, 2, NULL, &o, &r, key), SGM_BAD_ARGUMENT, "score");
    score.sde.t_min = 0, o.solve.method = SGM_METHOD_EULER;
    CHECK_FAILS(BOUND(x, 1), SGM_BAD_ARGUMENT, "t_min > 0");
    score.sde.t_min = 1e-3, linear_c = NAN;
    memset(&fails, 0, sizeof fails), fails.d = D, fails.sde = sde, fails.eval = linear_score;
    CHECK_FAILS(sgm_likelihood_bound(se2, NULL, x, N, &fails, NULL, &r, key), SGM_NOT_FINITE, "");
    assert_true(r.nats != r.nats);
    fails.ctx = &sde, o.draws = 200; /* a score that looks up rows: the noise of a point is its own */
    for (int k = 0; k < 3; k++) {
        linear_c = k == 2 ? 0.5 : 1, fails.ctx = k ? NULL : &sde;
        CHECK_OK(sgm_likelihood_bound(bound[k], NULL, x, 30, &fails, &o, NULL, key));
    }
    for (int i = 0; i < 30; i++) CHECK_CLOSE(bound[0][i], bound[1 + i % 2][i], 0);
    sgm_mixture_free(&mix);
}

/* A part of a set, by first and of or by row, has the numbers that it has in the whole: conditions, probes, noise and
draws belong to rows. Steps are fixed: an adaptive one looks at its whole block. */

static sgm_status by_row(const sgm_score *self, float *s, float *js, const float *x, const float *v,
                         const float *t, long n) {
    for (long i = 0; i < n * self->d; i++) {
        long at = i / self->d, row = self->row ? self->row[at] : self->first + at;
        double m = sgm_sde_m(&self->sde, t[at]), sd = sgm_sde_s(&self->sde, t[at]);
        double pull = -(1 + 0.001 * (double)row) / (m * m * 0.5 + sd * sd);
        s[i] = (float)(pull * x[i]);
        if (v) js[i] = (float)(pull * v[i]);
    }
    return SGM_OK;
}

static sgm_status by_row_eval(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    return by_row(self, s, NULL, x, NULL, t, n);
}

static void test_parts_of_a_set(void **state) {
    enum { N = 1500, D = 2, FIRST = 1100, PART = 200 };
    static const char *const names[4] = {"exact", "2 probes", "bound", "drawn"};
    static float x[N * D], part[PART * D], latent[N * D], small[PART * D];
    static double whole[N], some[PART], se[N], se_some[PART];
    static long row[PART];
    (void)state;
    sgm_score score;
    memset(&score, 0, sizeof score);
    score.d = D, score.sde = sgm_sde_vp(0.1, 20), score.eval = by_row_eval, score.jvp = by_row;
    for (int i = 0; i < PART; i++) row[i] = (i * 607L + 5) % N;
    for (int what = 0; what < 4; what++)
        for (int way = 0; way < 2; way++) { /* 0: first and of; 1: row */
            sgm_likelihood_options o;
            memset(&o, 0, sizeof o);
            o.solve.method = SGM_METHOD_RK4, o.solve.steps = 6, o.probes = what == 1 ? 2 : 0;
            o.unchecked = 1, o.draws = 8;
            sgm_normal(x, N * D, sgm_key_init(4), 0);
            sgm_score sub = score;
            sub.of = N;
            if (way) sub.row = row;
            else sub.first = FIRST;
            for (int i = 0; i < PART; i++)
                memcpy(part + i * D, x + (way ? row[i] : FIRST + i) * D, sizeof(float) * D);
            sgm_key key = sgm_key_init(9);
            if (what == 3) {
                CHECK_OK(sgm_sample_likelihood(x, whole, se, N, &score, &o, NULL, key));
                CHECK_OK(sgm_sample_likelihood(part, some, se_some, PART, &sub, &o, NULL, key));
            } else if (what == 2) {
                CHECK_OK(sgm_likelihood_bound(whole, se, x, N, &score, &o, NULL, key));
                CHECK_OK(sgm_likelihood_bound(some, se_some, part, PART, &sub, &o, NULL, key));
            } else {
                CHECK_OK(sgm_likelihood(whole, se, latent, x, N, &score, &o, NULL, key));
                CHECK_OK(sgm_likelihood(some, se_some, small, part, PART, &sub, &o, NULL, key));
            }
            for (int i = 0; i < PART; i++) {
                long at = way ? row[i] : FIRST + i;
                if (!(whole[at] == some[i])) fail_msg("%s, %s: point %ld", names[what], way ? "row" : "first", at);
                if (what == 1 || what == 2) assert_memory_equal(se + at, se_some + i, sizeof *se);
                if (what == 3) assert_memory_equal(x + at * D, part + i * D, sizeof(float) * D);
            }
        }
}

typedef struct per_family {
    const char *name;
    void (*test)(void **state);
} per_family;

/* A model gives the trace in one pass: the same tangents as D calls of jvp, added in float and not
in double, three terms of which each is rounded to 2⁻²⁴ of the largest. */

static void test_trace(void **state) {
    enum { N = 500, D = 3 };
    static float x[N * D], v[N * D], s[N * D], js[N * D], t[N], tr[N];
    static double sum[N], size[N];
    (void)state;
    sgm_normal(x, N * D, sgm_key_init(2), 0);
    for (int i = 0; i < N; i++) t[i] = 0.05f + 0.9f * (float)i / N;
    for (int kind = SGM_OUTPUT_NOISE; kind <= SGM_OUTPUT_EDM_F; kind++) {
        sgm_model_options o;
        sgm_model model;
        memset(&o, 0, sizeof o);
        o.net = sgm_residual_mlp, o.d = D, o.sde = sgm_sde_vp(0.1, 20), o.output = (sgm_output)kind;
        o.sigma_data = 0.5;
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
        sgm_score score = sgm_model_score(&model, SGM_RAW);
        CHECK_OK(score.trace(&score, s, tr, x, t, N));
        memset(sum, 0, sizeof sum), memset(size, 0, sizeof size);
        for (int l = 0; l < D; l++) {
            for (int i = 0; i < N * D; i++) v[i] = i % D == l;
            CHECK_OK(sgm_score_jvp(&score, s, js, x, v, t, N));
            for (int i = 0; i < N; i++) sum[i] += js[D * i + l], size[i] += fabs(js[D * i + l]);
        }
        for (int i = 0; i < N; i++) CHECK_CLOSE(tr[i], sum[i], 8 * size[i] / (1 << 24) + 1e-6);
        sgm_model_free(&model);
    }
}

/*
(7.15) the stated error of the probes covers the exact trace's value as often as Student's t with K − 1 degrees of freedom says:
the errors of K probes are means of K equal terms, each a sum of D(D − 1)/2 products in D = 24, nearly normal. 1000 points, each
with probes of its own; the shares may differ by 4 binomial standard errors. The steps' errors are the same on both sides.
*/
static void test_probes_cover(void **state) {
    enum { N = 500, WIDE = 24, K = 16 };
    static double cov[WIDE * WIDE], mean[WIDE], exact[N], logp[N], se[N];
    static float x[N * WIDE];
    (void)state;
    for (int i = 0; i < WIDE; i++)
        for (int j = 0; j < WIDE; j++) cov[i * WIDE + j] = pow(0.7, abs(i - j));
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    sgm_likelihood_options o;
    CHECK_OK(sgm_mixture_init(&mix, 1, WIDE, NULL, mean, cov, SGM_COV_FULL, &sde));
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, sde.t_min, sgm_key_init(1)));
    sgm_score score = sgm_mixture_score(&mix);
    memset(&o, 0, sizeof o);
    o.unchecked = 1, o.solve.method = SGM_METHOD_HEUN, o.solve.steps = 6, o.solve.grid = SGM_GRID_LOGSNR;
    CHECK_OK(sgm_likelihood(exact, NULL, NULL, x, N, &score, &o, NULL, sgm_key_init(2)));
    for (int law = 0; law < 2; law++) {
        double within[2] = {0, 0};
        o.probes = K, o.law = (sgm_probe)law;
        CHECK_OK(sgm_likelihood(logp, se, NULL, x, N, &score, &o, NULL, sgm_key_init(3 + (uint64_t)law)));
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 2; k++) within[k] += fabs(logp[i] - exact[i]) <= (k + 1) * se[i];
        for (int k = 0; k < 2; k++) {
            double p = 1 - 2 * gsl_cdf_tdist_Q(k + 1, K - 1);
            CHECK_CLOSE(within[k] / N, p, 4 * sqrt(p * (1 - p) / N));
        }
    }
    sgm_mixture_free(&mix);
}

/*
(7.5) One hard point among a thousand easy ones keeps its value: two narrow modes, and a map of which most points lie tens of
standard deviations out. The closed form is that of the data; the likelihood's prior is not p_T, and it says by how much.
A point alone and in the crowd is solved to the same tolerance, so its values differ by what both say they may change by.
*/
static void test_hard_points(void **state) {
    enum { SIDE = 16, N = SIDE * SIDE };
    static double logp[N], exact[N];
    static float x[2 * N], y[2 * N], t[N];
    double mean[4] = {1, 0, -1, 0}, var[2] = {1e-4, 1e-4}, alone;
    (void)state;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture mix;
    sgm_likelihood_result crowd, one;
    CHECK_OK(sgm_mixture_init(&mix, 2, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int i = 0; i < N; i++) {
        x[2 * i] = (float)(-1.5 + 3.0 * (i % SIDE) / (SIDE - 1)), x[2 * i + 1] = (float)(-1.5 + 3.0 * (i / SIDE) / (SIDE - 1));
        t[i] = (float)sde.t_min;
    }
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, NULL, &crowd, sgm_key_init(1)));
    CHECK_OK(sgm_score_logp(&score, exact, x, t, N));
    assert_int_equal(crowd.suspect, 0);
    for (int i = 0; i < N; i++) CHECK_CLOSE(logp[i], exact[i], 0.05 + crowd.change_most + crowd.mismatch);
    /* the same point among easy ones, drawn from the law itself */
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, N, sde.t_min, sgm_key_init(2)));
    x[2 * 150] = x[2 * 150 + 1] = 0.3f;
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, N, &score, NULL, &crowd, sgm_key_init(1)));
    CHECK_OK(sgm_likelihood(&alone, NULL, NULL, x + 2 * 150, 1, &score, NULL, &one, sgm_key_init(1)));
    CHECK_OK(sgm_score_logp(&score, exact, x + 2 * 150, t, 1));
    CHECK_CLOSE(logp[150], exact[0], 0.05 + one.mismatch + one.change_most);
    CHECK_CLOSE(logp[150], alone, 0.05 + one.change_most);
    /* the flow up, and samples down from its latent: some 400 steps of an error of 1e-5 (1 + |y|) each, which mostly shrink */
    memcpy(y, x, sizeof x);
    float own[2] = {0.3f, 0.3f};
    CHECK_OK(sgm_flow(y, N, &score, sde.t_min, sde.T, NULL, NULL));
    CHECK_OK(sgm_flow(own, 1, &score, sde.t_min, sde.T, NULL, NULL));
    for (int j = 0; j < 2; j++) CHECK_CLOSE(y[2 * 150 + j], own[j], 400 * 1e-5 * (1 + fabs(own[j])));
    sgm_sample_options how = options_of(SGM_METHOD_RK45, 0);
    how.x_given = 1;
    CHECK_OK(sgm_sample(y, N, &score, &how, sgm_key_init(3)));
    CHECK_OK(sgm_sample(own, 1, &score, &how, sgm_key_init(3)));
    for (int j = 0; j < 2; j++) CHECK_CLOSE(y[2 * 150 + j], own[j], 400 * 1e-5 * (1 + fabs(own[j])));
    sgm_mixture_free(&mix);
}

int main(void) {
    static const per_family each[] = {
        {"(7.14) likelihood:", test_likelihood},
        {"(7.14) draws:", test_draws},
        {"(7.1) all families draw the same:", test_law},
        {"(7.1) the map of a Gaussian:", test_gaussian_map},
        {"(7.1) GSL as a judge:", test_gsl},
        {"(7.2) (7.3) DDIM:", test_ddim},
        {"(7.3) to (7.12) order:", test_orders},
        {"(7.5) steps of RK45:", test_steps},
        {"(7.5) tolerance, there and back:", test_tolerance},
        {"(7.18) bound, linear scores:", test_bound},
        {"(7.18) bound, a mixture:", test_bound_mixture},
    };
    enum { EACH = sizeof each / sizeof *each };
    static char names[EACH * CHECK_FAMILIES][80];
    static struct CMUnitTest tests[EACH * CHECK_FAMILIES];
    const struct CMUnitTest once[] = {
        {"evaluations", test_evaluations, count_alive, NULL, NULL},
        {"(7.5) order of the tableau", test_dopri, count_alive, NULL, NULL},
        {"(7.6) Adams", test_lagrange, count_alive, NULL, NULL},
        {"(7.12) half of I2", test_half_i2, count_alive, NULL, NULL},
        {"(7.12) straight lines and parabolas", test_straight_lines, count_alive, NULL, NULL},
        {"(7.14) standard normal", test_standard_normal, count_alive, NULL, NULL},
        {"(7.15) Hutchinson", test_hutchinson, count_alive, NULL, NULL},
        {"(7.15) the probes' error covers", test_probes_cover, count_alive, NULL, NULL},
        {"(7.5) hard points among easy ones", test_hard_points, count_alive, NULL, NULL},
        {"(7.15) one dimension", test_one_dimension, count_alive, NULL, NULL},
        {"(7.14) adds up to one", test_integral, count_alive, NULL, NULL},
        {"(7.14) (9.2) scaler and bits", test_scaler, count_alive, NULL, NULL},
        {"(7.14) differences", test_differences, count_alive, NULL, NULL},
        {"(7.14) what is not known is NaN", test_unknown_likelihood, count_alive, NULL, NULL},
        {"(7.14) blocks", test_blocks, count_alive, NULL, NULL},
        {"(7.14) (7.18) parts of a set", test_parts_of_a_set, count_alive, NULL, NULL},
        {"(7.14) trace of a model in one pass", test_trace, count_alive, NULL, NULL},
        {"(7.14) a prior given", test_own_prior, count_alive, NULL, NULL},
        {"(7.18) raw points, blocks, threads, refusals", test_bound_details, count_alive, NULL, NULL},
        {"any number of threads", test_threads, count_alive, NULL, NULL},
        {"bad flows", test_bad_flows, count_alive, NULL, NULL},
        {"bad likelihoods", test_bad_likelihoods, count_alive, NULL, NULL},
        {"no memory", test_memory, count_alive, NULL, NULL},
        {"(7.14) too few steps", test_suspect, count_alive, NULL, NULL},
        {"(7.16) interpolation", test_interpolate, count_alive, NULL, NULL},
        {"(7.16) opposite latents", test_interpolate_opposite, count_alive, NULL, NULL},
        {"(7.16) no angle, beyond, and nothing", test_interpolate_limits, count_alive, NULL, NULL},
    };
    int failed = 0;
    check_families(family);
    for (int i = 0; i < EACH * CHECK_FAMILIES; i++) {
        const per_family *p = &each[i / CHECK_FAMILIES];
        snprintf(names[i], sizeof names[i], "%s %s", p->name, family[i % CHECK_FAMILIES].name);
        tests[i].name = names[i], tests[i].test_func = p->test, tests[i].setup_func = count_alive;
        tests[i].initial_state = &family[i % CHECK_FAMILIES];
    }
    failed += cmocka_run_group_tests_name("chapter 7, families", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("chapter 7", once, NULL, NULL);
    return failed != 0;
}
