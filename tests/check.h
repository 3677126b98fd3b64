/*
What all test files share: cmocka with its includes in the order it wants, closeness with numbers
in the message, central differences, moments. It needs nothing of sgm.h.
*/

#ifndef SGM_CHECK_H
#define SGM_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define CHECK_UNUSED __attribute__((unused))
#else
#define CHECK_UNUSED
#endif

/* |got - truth| <= tol; a NaN anywhere fails. */
#define CHECK_CLOSE(got, truth, tol) \
    check_close((double)(got), (double)(truth), (double)(tol), #got, __FILE__, __LINE__)
/* The same, relative to the truth. */
#define CHECK_REL(got, truth, tol) \
    check_close((double)(got), (double)(truth), (double)(tol) * fabs((double)(truth)), #got, \
                __FILE__, __LINE__)
/* A p-value of a test whose key is fixed: false alarm with probability `rate` when the key is
drawn. */
#define CHECK_P(p, rate) check_p((double)(p), (double)(rate), #p, __FILE__, __LINE__)
/* A call that fails with this status, and a message that contains the text (the cure). */
#define CHECK_FAILS(call, status, text) \
    do { \
        assert_int_equal((int)(call), (int)(status)); \
        check_text(sgm_error(), text, __FILE__, __LINE__); \
    } while (0)
#define CHECK_OK(call) check_ok((int)(call), sgm_error(), #call, __FILE__, __LINE__)

static CHECK_UNUSED void check_close(double got, double truth, double tol, const char *what,
                                     const char *file, int line) {
    if (fabs(got - truth) <= tol || (got == truth && tol >= 0)) return;
    print_error("%s = %.17g, truth %.17g, off by %.3g > %.3g\n", what, got, truth, got - truth,
                tol);
    _fail(file, line);
}

static CHECK_UNUSED void check_p(double p, double rate, const char *what, const char *file,
                                 int line) {
    if (p >= rate && p <= 1) return;
    print_error("%s = %.3g, below the false-alarm rate %.3g\n", what, p, rate);
    _fail(file, line);
}

static CHECK_UNUSED void check_text(const char *message, const char *text, const char *file,
                                    int line) {
    if (strstr(message, text)) return;
    print_error("the message \"%s\" does not contain \"%s\"\n", message, text);
    _fail(file, line);
}

static CHECK_UNUSED void check_ok(int status, const char *message, const char *what,
                                  const char *file, int line) {
    if (status == 0) return;
    print_error("%s gave status %d: %s\n", what, status, message);
    _fail(file, line);
}

/*
Slope of f at x by central differences with two step sizes, extrapolated: the truncation error is
h⁴f⁽⁵⁾/480, the rounding error at most 3/h times that of f.
*/

static CHECK_UNUSED double check_slope(double (*f)(double x, void *user), void *user, double x,
                                       double h) {
    double near_by = f(x + 0.5 * h, user) - f(x - 0.5 * h, user);
    double far_off = f(x + h, user) - f(x - h, user);
    return (8 * near_by - far_off) / (6 * h);
}

/* Mean, variance, skewness and excess kurtosis of n numbers that lie `stride` apart. */

typedef struct check_moments {
    double mean, var, skew, kurt;
} check_moments;

static CHECK_UNUSED check_moments check_moments_of(const float *x, long n, long stride) {
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    check_moments m;
    for (long i = 0; i < n; i++) m1 += x[i * stride];
    m1 /= (double)n;
    for (long i = 0; i < n; i++) {
        double a = x[i * stride] - m1;
        m2 += a * a, m3 += a * a * a, m4 += a * a * a * a;
    }
    m2 /= (double)n, m3 /= (double)n, m4 /= (double)n;
    m.mean = m1, m.var = m2, m.skew = m3 / (m2 * sqrt(m2)), m.kurt = m4 / (m2 * m2) - 3;
    return m;
}

/* The mean of n doubles, and its standard error if se is not NULL. */

static CHECK_UNUSED double check_mean(const double *x, long n, double *se) {
    double mean = 0, var = 0;
    for (long i = 0; i < n; i++) mean += x[i];
    mean /= (double)n;
    for (long i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean);
    if (se) *se = sqrt(var / (double)n / (double)(n > 1 ? n - 1 : 1));
    return mean;
}

/*
Tolerances of statistical tests: keys are fixed, so a test passes always or never; the number of
standard errors says how often a *correct* library would fail if the key were drawn anew.
Two-sided: 5 for one number in 1.7 million, 6 where one test makes thousands of comparisons.
*/

#define CHECK_SIGMAS 5.0
#define CHECK_MANY_SIGMAS 6.0
#define CHECK_RATE 1e-6 /* the least p-value of a goodness-of-fit test */

/*
Every family of processes, for files that include this after sgm.h. Within [0, end] nothing is
singular. The slopes of the users' curves are differences with h = 10⁻³ T, so f and g² have the
relative error h⁴c⁽⁵⁾/(30c') there: (10⁻³·2 log 5000)⁴/30 = 2.8·10⁻⁹ for σ², none for the quadratic
∫β; and from rounding 1.5·10⁻¹⁶ c/(hc'), at most 10⁻¹² for ∫β ≤ 10 and β ≥ 2, less for σ².
*/

#ifdef SGM_H
typedef struct check_family {
    const char *name;
    sgm_sde sde;
    double end, slope_error;
} check_family;

enum { CHECK_FAMILIES = 10 };

static CHECK_UNUSED double check_beta_curve(double t, void *user) {
    (void)user;
    return 0.1 * t + 0.5 * 19.9 * t * t;
}

static CHECK_UNUSED double check_sigma2_curve(double t, void *user) {
    (void)user;
    return 1e-4 * exp(2 * t * log(5000.0));
}

static CHECK_UNUSED void check_families(check_family f[CHECK_FAMILIES]) {
    const char *names[CHECK_FAMILIES] = {
        "VP", "slow VP", "cosine",    "sub-VP",      "constant sub-VP",
        "VE", "EDM",     "rectified", "user's beta", "user's sigma2"};
    f[0].sde = sgm_sde_vp(0.1, 20);
    f[1].sde = sgm_sde_vp(0.001, 3);
    f[2].sde = sgm_sde_cosine();
    f[3].sde = sgm_sde_subvp(0.1, 20);
    f[4].sde = sgm_sde_subvp(1, 1);
    f[5].sde = sgm_sde_ve(0.01, 50);
    f[6].sde = sgm_sde_edm(0.002, 80);
    f[7].sde = sgm_sde_rectified();
    f[8].sde = sgm_sde_user_beta(check_beta_curve, NULL);
    f[9].sde = sgm_sde_user_sigma2(check_sigma2_curve, NULL);
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        f[i].name = names[i], f[i].slope_error = i == 9 ? 3e-9 : i == 8 ? 1e-12 : 0;
        f[i].end = i == 2 || i == 7 ? 0.9 : f[i].sde.T;
    }
}
#endif

#endif
