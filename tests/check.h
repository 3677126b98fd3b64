/*
What all test files share: cmocka with its includes in the order it wants, closeness with numbers
in the message, an allocator that counts, central differences, moments. Included before sgm.h.
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
#ifdef _OPENMP
#include <omp.h>
#endif

#include "../tutorial/statistics.h"

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

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define EPS 5.9604644775390625e-8 /* 2⁻²⁴: the rounding of one float operation, relative */

/*
An allocator that counts its live blocks, fails at the call that it is told (1 is the next after
alloc_calls = 0; 0 is never), and hands out NaN: whoever reads what nobody wrote finds out. Defined
before this file is included, CHECK_ALLOCATOR makes it the library's.
*/

static CHECK_UNUSED int live_blocks, alloc_calls, fail_at;
static CHECK_UNUSED size_t most_bytes, largest_block; /* asked for; refused if more (0: no limit) */

static CHECK_UNUSED int alloc_refused(void) {
    return __sync_add_and_fetch(&alloc_calls, 1) == __sync_add_and_fetch(&fail_at, 0);
}

static CHECK_UNUSED void *check_malloc(size_t n) {
    if (n > most_bytes) most_bytes = n;
    void *p = (largest_block && n > largest_block) || alloc_refused() ? NULL : malloc(n);
    if (p) memset(p, 0xff, n), (void)__sync_add_and_fetch(&live_blocks, 1);
    return p;
}

static CHECK_UNUSED void *check_realloc(void *old, size_t n) {
    void *p = alloc_refused() ? NULL : realloc(old, n);
    if (p && !old) (void)__sync_add_and_fetch(&live_blocks, 1);
    return p;
}

static CHECK_UNUSED void check_free(void *p) {
    if (p) (void)__sync_sub_and_fetch(&live_blocks, 1);
    free(p);
}

#if defined(CHECK_ALLOCATOR) && defined(SGM_OPEN) /* compiled already (open.pl), and asks for these */
void *open_malloc(size_t n) { return check_malloc(n); }
void *open_realloc(void *p, size_t n) { return check_realloc(p, n); }
void open_free(void *p) { check_free(p); }
#elif defined(CHECK_ALLOCATOR)
#define SGM_MALLOC(n) check_malloc(n)
#define SGM_REALLOC(p, n) check_realloc(p, n)
#define SGM_FREE(p) check_free(p)
#endif

/* How many threads OpenMP may use. */

static CHECK_UNUSED void set_threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}

/* Around each test: one thread, and no block outlives it. */

static CHECK_UNUSED int fresh_start(void **state) {
    (void)state;
    set_threads(1);
    fail_at = alloc_calls = live_blocks = 0;
    return 0;
}

static CHECK_UNUSED int nothing_left(void **state) {
    (void)state;
    if (live_blocks) print_error("%d blocks leaked\n", live_blocks);
    return live_blocks;
}

/* Or, where a test that fails leaves its memory behind: what is alive from here on. */

static CHECK_UNUSED int alive_before;

static CHECK_UNUSED int count_alive(void **state) {
    (void)state;
    alive_before = live_blocks;
    return 0;
}

static CHECK_UNUSED double dot(const float *a, const float *b, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

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

#endif
