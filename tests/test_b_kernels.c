/*
Appendix B: kernels. Every instruction set this machine has is held against the scalar twins: bit
for bit where there is a fused multiply-add, within a derived bound for `sse2`, which rounds
twice.

    cc -O2 -I. tests/test_b_kernels.c -lcmocka -lm -o test_b_kernels && ./test_b_kernels
*/
#define _POSIX_C_SOURCE 200112L
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SGM_IMPLEMENTATION
#define SGM_SSE2 /* the kernels for processors without a fused multiply-add, too */
#include "sgm.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define UNIT 5.9604644775390625e-8 /* u = 2^-24: the relative error of one rounding to float */

static const char *const isa_names[] = { "sse2", "avx2", "avx512", "neon" };
static const int sizes[] = { 0, 1, 2, 7, 8, 13, 16, 17, 31, 33, 64, 65, 100 };

/* Numbers with all their bits in use, in [-1, 1): a sum of them betrays any change of order. */
static float noise(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (float)(int32_t)state * 4.6566129e-10f;
}

static float *vector(long n)
{
    float *x = (float *)malloc((size_t)(n + 1) * sizeof *x);
    assert_non_null(x);
    for (long i = 0; i < n; i++) x[i] = noise();
    return x;
}

static float *copy(const float *x, long n)
{
    float *y = vector(n);
    memcpy(y, x, (size_t)n * sizeof *y);
    return y;
}

static int same(const float *a, const float *b, long n)
{
    for (long i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) && !(isnan(a[i]) && isnan(b[i]))) return 0;
    return 1;
}

static int fused(const sgm__kernels *k) { return strcmp(k->name, "sse2") != 0; }

/* Every k in the table of this machine, one after the other. */
static const sgm__kernels *next_isa(int *i)
{
    const sgm__kernels *k = NULL;
    while (!k && *i < COUNT(isa_names)) k = sgm__kernels_for(isa_names[(*i)++]);
    return k;
}

/* ---- the matrix product ---- */

enum form { NN, NT, TN, FORMS };
enum start { ZERO, BIAS, ADD, STARTS };

typedef struct matmul_case {
    sgm__product q;
    float *a, *b, *bias, *c; /* c as it was before */
    long n_c;
} matmul_case;

/* Rows are `gap` longer than they need be, and arrays end with the last element that is used. */
static matmul_case matmul_case_new(int m, int n, int k, int form, int start, int gap)
{
    matmul_case t;
    const long a_len = form == TN ? m + gap : k + gap, b_len = form == NT ? k + gap : n + gap;
    const long a_rows = form == TN ? k : m, b_rows = form == NT ? n : k;
    memset(&t, 0, sizeof t);
    t.a = vector(a_rows ? a_rows * a_len - gap : 0);
    t.b = vector(b_rows ? b_rows * b_len - gap : 0);
    t.n_c = m ? (long)m * (n + gap) - gap : 0;
    t.c = vector(t.n_c);
    t.bias = vector(n);
    t.q.m = m, t.q.n = n, t.q.k = k;
    t.q.a = t.a, t.q.a_row = form == TN ? 1 : a_len, t.q.a_col = form == TN ? a_len : 1;
    t.q.b = t.b, t.q.b_row = form == NT ? 1 : b_len, t.q.b_col = form == NT ? b_len : 1;
    t.q.c_row = n + gap;
    if (start == BIAS) t.q.init = t.bias, t.q.init_row = 0;
    return t;
}

static void matmul_case_free(matmul_case *t)
{
    free(t->a);
    free(t->b);
    free(t->bias);
    free(t->c);
}

/* Run on a fresh copy of c, which is returned. */
static float *matmul_case_run(const matmul_case *t, int start, const sgm__kernels *k)
{
    sgm__product q = t->q;
    q.c = copy(t->c, t->n_c);
    if (start == ADD) q.init = q.c, q.init_row = q.c_row;
    k->matmul(&q);
    return q.c;
}

/*
Of k fused steps each rounds once, of k unfused ones each rounds twice, but the rounding of a
product is no larger than u times that product. To first order the distance of the two is at most
(2k + 1) u S with S = |init| + sum |a b|; one per cent pays for the higher orders, since k u <
0.01.
*/
static void assert_close_product(const matmul_case *t, int start, const float *got,
                                 const float *ref)
{
    const sgm__product *q = &t->q;
    for (long i = 0; i < q->m; i++)
        for (long j = 0; j < q->n; j++) {
            double s = start == ZERO ? 0.0 : start == BIAS ? fabs(t->bias[j])
                                                           : fabs(t->c[i * q->c_row + j]);
            const long at = i * q->c_row + j;
            for (long p = 0; p < q->k; p++)
                s += fabs((double)q->a[i * q->a_row + p * q->a_col] *
                          q->b[p * q->b_row + j * q->b_col]);
            assert_true(fabs((double)got[at] - ref[at]) <= 1.01 * (2 * q->k + 1) * UNIT * s);
        }
}

static void check_matmul(int m, int n, int k, int form, int start, int gap)
{
    matmul_case t = matmul_case_new(m, n, k, form, start, gap);
    float *ref = matmul_case_run(&t, start, &sgm__kernels_ref);
    const sgm__kernels *isa;
    for (int i = 0; (isa = next_isa(&i)) != NULL;) {
        float *got = matmul_case_run(&t, start, isa);
        if (fused(isa) && !same(got, ref, t.n_c))
            fail_msg("%s m=%d n=%d k=%d form %d start %d", isa->name, m, n, k, form, start);
        if (!fused(isa)) assert_close_product(&t, start, got, ref);
        free(got);
    }
    free(ref);
    matmul_case_free(&t);
}

/*
The twin itself against sums in double: k roundings, so an error of at most k u S, S <= k + 1.
*/
static void test_matmul_ref_is_3_6(void **state)
{
    const int m = 5, n = 7, k = 40;
    (void)state;
    for (int form = 0; form < FORMS; form++)
        for (int start = 0; start < STARTS; start++) {
            matmul_case t = matmul_case_new(m, n, k, form, start, 3);
            float *got = matmul_case_run(&t, start, &sgm__kernels_ref);
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++) {
                    double sum = start == ZERO ? 0 : start == BIAS ? t.bias[j] : t.c[i * 10 + j];
                    for (int p = 0; p < k; p++)
                        sum += (double)(form == TN ? t.a[p * (m + 3) + i] : t.a[i * (k + 3) + p]) *
                               (form == NT ? t.b[j * (k + 3) + p] : t.b[p * (n + 3) + j]);
                    assert_true(fabs(got[i * 10 + j] - sum) <= 1.01 * k * UNIT * (k + 1));
                }
            for (int i = 0; i + 1 < m; i++) /* the gap between rows is nobody's */
                assert_true(same(got + i * 10 + n, t.c + i * 10 + n, 3));
            free(got);
            matmul_case_free(&t);
        }
}

static void test_matmul_every_isa_every_size(void **state)
{
    int turn = 0;
    (void)state;
    for (int i = 0; i < COUNT(sizes); i++)
        for (int j = 0; j < COUNT(sizes); j++)
            for (int p = 0; p < COUNT(sizes); p++)
                for (int form = 0; form < FORMS; form++, turn++)
                    check_matmul(sizes[i], sizes[j], sizes[p], form, turn / 3 % STARTS, turn % 4);
}

/* Beyond one block of rows, one panel's depth, one sheet; and the shapes of a small network. */
static void test_matmul_beyond_one_block(void **state)
{
    static const int shape[][3] = { { 500, 37, 65 }, { 13, 100, 800 }, { 8, 256, 6 },
        { 8, 256, 256 }, { 64, 256, 256 }, { 8, 2, 256 }, { 6, 256, 8 }, { 256, 2, 8 },
        { 300, 300, 31 }, { 1, 256, 256 }, { 19, 33, 769 } };
    (void)state;
    for (int i = 0; i < COUNT(shape); i++)
        for (int form = 0; form < FORMS; form++)
            for (int start = 0; start < STARTS; start++)
                check_matmul(shape[i][0], shape[i][1], shape[i][2], form, start, i % 3);
}

/* Strides that are 1 in no direction: every second element of every array but C. */
static void test_matmul_odd_strides(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(sizes); i++) {
        const int m = sizes[i], n = sizes[COUNT(sizes) - 1 - i], k = 29;
        matmul_case t = matmul_case_new(2 * m, 2 * n, 2 * k, NN, ADD, 1);
        float *ref, *got;
        const sgm__kernels *isa;
        t.q.m = m, t.q.n = n, t.q.k = k;
        t.q.a_row *= 2, t.q.a_col = 2, t.q.b_row *= 2, t.q.b_col = 2;
        ref = matmul_case_run(&t, ADD, &sgm__kernels_ref);
        for (int s = 0; (isa = next_isa(&s)) != NULL;) {
            got = matmul_case_run(&t, ADD, isa);
            if (fused(isa)) assert_true(same(got, ref, t.n_c));
            else assert_close_product(&t, ADD, got, ref);
            free(got);
        }
        free(ref);
        matmul_case_free(&t);
    }
}

static void test_matmul_threads_do_not_matter(void **state)
{
    const int shape[3][3] = { { 700, 70, 65 }, { 40, 900, 77 }, { 130, 131, 400 } };
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int form = 0; form < FORMS; form++) {
            matmul_case t = matmul_case_new(shape[i][0], shape[i][1], shape[i][2], form, BIAS, 0);
            const sgm__product *q = &t.q;
            float *one = matmul_case_run(&t, BIAS, sgm__k());
            float *many = copy(t.c, t.n_c);
#if defined(_OPENMP)
            omp_set_num_threads(3);
#endif
            sgm__matmul(q->m, q->n, q->k, q->a, q->a_row, q->a_col, q->b, q->b_row, q->b_col,
                        q->init, q->init_row, many, q->c_row);
            assert_true(same(one, many, t.n_c));
            free(one);
            free(many);
            matmul_case_free(&t);
        }
}

/* ---- functions of one variable ---- */

/* Distance in units of the last place of the truth, subnormals included. */
static double ulps(float got, double truth)
{
    int e;
    if (isnan(truth)) return isnan(got) ? 0 : INFINITY;
    if (fabs(truth) > 3.4028235677973366e38) return got == (float)truth ? 0 : INFINITY;
    frexp(truth, &e);
    return fabs(got - truth) / ldexp(1.0, (e > -125 ? e : -125) - 24);
}

static void sweep(float *x, long n, float low, float high)
{
    static const float special[] = { 0.0f, -0.0f, 1.0f, -1.0f, 1e-38f, 1e-45f, -1e-45f, 3e38f,
                                     -3e38f, 100.0f, -100.0f, 88.7f, 88.8f, -87.4f, -103.9f,
                                     1e-20f };
    for (long i = 0; i < n; i++) x[i] = low + (high - low) * (0.5f + 0.5f * noise());
    memcpy(x, special, sizeof special);
    x[COUNT(special)] = INFINITY;
    x[COUNT(special) + 1] = -INFINITY;
    x[COUNT(special) + 2] = NAN;
}

/*
exp: the polynomial is good to 3e-9 (0.05 ulp), r carries u/2 |r| + the rounding of two fused
steps (0.35 ulp at most, |r| < 0.35), the sum 1 + rest half an ulp below 2 but up to a full one
below 1, where the last place is half as large: under 2 ulp.
*/
static void test_exp(void **state)
{
    enum { N = 20003 };
    float *x = vector(N);
    (void)state;
    sweep(x, N, -110.0f, 95.0f);
    for (int i = 0; i < N; i++) assert_true(ulps(sgm__exp_ref(x[i]), exp(x[i])) <= 2.0);
    free(x);
}

/*
Softmax, down columns. An exponent u = scale (s - most) is rounded three times on its way (the
difference, the scale by log2 e, log2 e), and so is off by 3 u 2^-24; 2^f, the power, the sum, its
inverse and the product add 8, and the sum of T numbers T. Below 2^-126 a weight may be 0.
*/
static const int tokens[] = { 1, 2, 3, 7, 16, 49, 256, 257, 600 };
static const int queries[] = { 16, 32, 48, 64, 80, 112 };

static float *scores(long n, float spread)
{
    float *s = vector(n);
    for (long i = 0; i < n; i++) s[i] *= spread;
    return s;
}

static void check_softmax(long T, long n, float scale, const float *s, const float *a)
{
    for (long i = 0; i < n; i++) {
        double most = -INFINITY, sum = 0, weights = 0;
        for (long j = i; j < T * n; j += n) most = fmax(most, s[j]);
        for (long j = i; j < T * n; j += n) sum += exp(scale * (s[j] - most));
        for (long j = i; j < T * n; j += n) {
            const double u = scale * (s[j] - most), truth = exp(u) / sum;
            assert_true(fabs(a[j] - truth) <= 1.01 * (3 * fabs(u) + (double)T + 8) * UNIT * truth + 1.2e-38);
            weights += a[j];
        }
        assert_true(fabs(weights - 1) <= ((double)T + 8) * UNIT);
    }
}

static void test_softmax(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int t = 0; t < COUNT(tokens); t++)
        for (int i = 0; i < COUNT(queries); i++) {
            const long T = tokens[t], n = queries[i];
            const float scale = i % 2 ? 1.0f : 0.176776695f;
            float *s = scores(T * n, i < 2 ? 400.0f : 9.0f), *ref = copy(s, T * n);
            sgm__softmax_ref(T, n, scale, ref);
            check_softmax(T, n, scale, s, ref);
            for (int k = 0; (isa = next_isa(&k)) != NULL;) {
                float *got = copy(s, T * n);
                isa->softmax(T, n, scale, got);
                if (fused(isa)) assert_true(same(got, ref, T * n));
                check_softmax(T, n, scale, s, got);
                free(got);
            }
            free(s), free(ref);
        }
}

/* A query that has a NaN or +inf among its scores gets nothing but NaN, and no other does; -inf is
a weight of 0 exactly, if there is another score. */
static void test_softmax_of_specials(void **state)
{
    enum { T = 5, N = 16 };
    const float odd[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f, -0.0f };
    const sgm__kernels *isa;
    (void)state;
    for (int k = -1; (isa = k < 0 ? k++, &sgm__kernels_ref : next_isa(&k)) != NULL;)
        for (int i = 0; i < COUNT(odd); i++)
            for (int j = 0; j < T; j++) {
                float *s = vector(T * N), *ref;
                s[j * N + i] = odd[i], ref = copy(s, T * N);
                sgm__softmax_ref(T, N, 0.5f, ref), isa->softmax(T, N, 0.5f, s);
                for (int at = 0; at < T * N; at++) assert_true(isnan(s[at]) == (at % N == i && i < 2));
                if (fused(isa)) assert_true(same(s, ref, T * N));
                if (i == 2 || i == 4) assert_true(s[j * N + i] == 0);
                if (i == 3) assert_true(s[j * N + i] == 1);
                free(s), free(ref);
            }
}

/* Sums of T or 2 T products, each rounded once: at most 2 T + 2 times u of their sizes. */
static void check_slope(long T, long n, float scale, const float *a, const float *aj, const float *g,
                        const float *b, const float *got_g, const float *got_b)
{
    for (long i = 0; i < n; i++) {
        double ag = 0, ab = 0, size = 0, size_b = 0;
        for (long j = i; j < T * n; j += n) {
            ag += (double)a[j] * g[j] + (b ? (double)aj[j] * b[j] : 0);
            ab += b ? (double)a[j] * b[j] : 0;
            size += fabs((double)a[j] * g[j]) + (b ? fabs((double)aj[j] * b[j]) : 0);
            size_b += b ? fabs((double)a[j] * b[j]) : 0;
        }
        for (long j = i; j < T * n; j += n) {
            const double bv = b ? b[j] : 0, ajv = b ? aj[j] : 0, more = (2 * (double)T + 6) * UNIT * scale;
            const double tol = more * fabs(a[j]) * (fabs(g[j]) + size);
            const double tol_b = more * (fabs(bv) + size_b);
            const double truth = scale * (a[j] * (g[j] - ag) + ajv * (bv - ab));
            assert_true(fabs(got_g[j] - truth) <= tol + tol_b * fabs(ajv));
            if (b) assert_true(fabs(got_b[j] - scale * a[j] * (bv - ab)) <= tol_b * fabs(a[j]));
        }
    }
}

static void test_softmax_slope(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int t = 0; t < COUNT(tokens); t++)
        for (int i = 0; i < 2 * COUNT(queries); i++) {
            const long T = tokens[t], n = queries[i / 2], size = T * n;
            float *a = vector(size), *aj = vector(size), *g = vector(size), *b = vector(size);
            float *ref = copy(g, size), *ref_b = copy(b, size);
            sgm__softmax_slope_ref(T, n, 0.3f, a, i % 2 ? aj : NULL, ref, i % 2 ? ref_b : NULL);
            for (int k = -1; (isa = k < 0 ? k++, &sgm__kernels_ref : next_isa(&k)) != NULL;) {
                float *got = copy(g, size), *got_b = copy(b, size);
                isa->softmax_slope(T, n, 0.3f, a, i % 2 ? aj : NULL, got, i % 2 ? got_b : NULL);
                if (fused(isa)) assert_true(same(got, ref, size) && same(got_b, ref_b, size));
                check_slope(T, n, 0.3f, a, aj, g, i % 2 ? b : NULL, got, got_b);
                free(got), free(got_b);
            }
            free(a), free(aj), free(g), free(b), free(ref), free(ref_b);
        }
}

static void test_turn(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int k = -1; (isa = k < 0 ? k++, &sgm__kernels_ref : next_isa(&k)) != NULL;)
        for (int i = 1; i < COUNT(sizes); i++)
            for (int j = 1; j < COUNT(sizes); j++) {
                const long rows = sizes[i], cols = sizes[j], wide = (rows + 15) / 16 * 16;
                float *x = vector(rows * (cols + 3)), *y = vector(cols * wide), *was = copy(y, cols * wide);
                isa->turn(rows, cols, x, cols + 3, y, wide);
                for (long r = 0; r < wide; r++)
                    for (long c = 0; c < cols; c++)
                        assert_true(y[c * wide + r] == (r < rows ? x[r * (cols + 3) + c] : was[c * wide + r]));
                free(x), free(y), free(was);
            }
}

static void truth(int kind, double x, double *y, double *d1, double *d2)
{
    const double e = exp(-fabs(x)), s1 = e / (1 + e) / (1 + e);
    const double s = x >= 0 ? 1 / (1 + e) : e / (1 + e);
    const double c = sqrt(8 / acos(-1.0)), s2 = -s1 * tanh(x / 2);
    if (kind == SGM_ACTIVATION_RELU) *y = x > 0 ? x : 0, *d1 = x > 0, *d2 = 0;
    else if (kind == SGM_ACTIVATION_SIGMOID) *y = s, *d1 = s1, *d2 = s2;
    else if (kind == SGM_ACTIVATION_SOFTPLUS) *y = (x > 0 ? x : 0) + log1p(e), *d1 = s, *d2 = s1;
    else if (kind == SGM_ACTIVATION_SILU) *y = x * s, *d1 = s + x * s1, *d2 = 2 * s1 + x * s2;
    else if (kind == SGM_ACTIVATION_TANH) *y = tanh(x), *d1 = 1 / cosh(x) / cosh(x), *d2 = -2 * *y * *d1;
    else {
        const double z = c * (x + 0.044715 * x * x * x), z1 = c * (1 + 0.134145 * x * x);
        double g, g1, g2;
        truth(SGM_ACTIVATION_SIGMOID, z, &g, &g1, &g2);
        *y = x * g, *d1 = g + x * z1 * g1;
        *d2 = (2 * z1 + x * c * 0.26829 * x) * g1 + x * z1 * z1 * g2;
    }
}

static void test_activations(void **state)
{
    enum { N = 10007 };
    float *x = vector(N), *ref[3], *got[3];
    const sgm__kernels *isa;
    (void)state;
    for (int j = 0; j < 3; j++) ref[j] = vector(N), got[j] = vector(N);
    for (int kind = SGM_ACTIVATION_RELU; kind <= SGM_ACTIVATION_SIGMOID; kind++)
        for (int zoom = 0; zoom < 2; zoom++) {
            sweep(x, N, zoom ? -5.0f : -100.0f, zoom ? 5.0f : 100.0f);
            sgm__act_ref(kind, N, x, ref[0], ref[1], ref[2]);
            for (int s = 0; (isa = next_isa(&s)) != NULL;) {
                isa->act(kind, N, x, got[0], got[1], got[2]);
                for (int j = 0; j < 3; j++) {
                    if (fused(isa)) assert_true(same(got[j], ref[j], N));
                    for (int i = 19; i < N; i++) {
                        double t[3];
                        truth(kind, x[i], &t[0], &t[1], &t[2]);
                        /* promised: 4e-7 = 6.7 u of the larger of 1 and the truth */
                        if (!(fabs(got[j][i] - t[j]) <= 4e-7 * fmax(1.0, fabs(t[j]))))
                            fail_msg("%s kind %d d%d(%.9g) = %.9g, truth %.9g", isa->name, kind, j,
                                     x[i], got[j][i], t[j]);
                    }
                }
            }
        }
    for (int j = 0; j < 3; j++) free(ref[j]), free(got[j]);
    free(x);
}

/* The ends: f, f', f'' at +inf and -inf are these limits, and a NaN comes out as one. */
static void test_activations_at_the_ends(void **state)
{
    const float limit[6][2][3] = { /* [kind][+inf, -inf][f, f', f''] */
        { { INFINITY, 1, 0 }, { 0, 0, 0 } },  { { INFINITY, 1, 0 }, { 0, 0, 0 } },
        { { 1, 0, 0 }, { -1, 0, 0 } },        { { INFINITY, 1, 0 }, { 0, 0, 0 } },
        { { INFINITY, 1, 0 }, { 0, 0, 0 } },  { { 1, 0, 0 }, { 0, 0, 0 } } };
    const sgm__kernels *isa;
    (void)state;
    for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;)
        for (int kind = SGM_ACTIVATION_RELU; kind <= SGM_ACTIVATION_SIGMOID; kind++) {
            float x[3], y[3], d1[3], d2[3], alone[3];
            x[0] = INFINITY, x[1] = -INFINITY, x[2] = NAN;
            isa->act(kind, 3, x, y, d1, d2);
            for (int i = 0; i < 2; i++) {
                assert_true(y[i] == limit[kind - SGM_ACTIVATION_RELU][i][0]);
                assert_true(d1[i] == limit[kind - SGM_ACTIVATION_RELU][i][1]);
                assert_true(d2[i] == limit[kind - SGM_ACTIVATION_RELU][i][2]);
            }
            assert_true(isnan(y[2]));
            isa->act(kind, 3, x, NULL, alone, NULL);
            assert_true(same(alone, d1, 3));
            isa->act(kind, 3, x, NULL, NULL, alone);
            assert_true(same(alone, d2, 3));
            isa->act(kind, 3, x, x, NULL, NULL); /* y may be x */
            assert_true(same(x, y, 3));
        }
}

/* ---- loops and sums ---- */

/* What the kinds of sgm__map mean; sse2 rounds twice where there is a product and a sum. */
static float mapped(int kind, float s, float a, float b, float y, int one_rounding)
{
    const float p = kind == SGM__MULADD ? a : s;
    const float q = kind == SGM__MULADD ? b : kind == SGM__TOWARD ? a - y : a;
    if (kind == SGM__ADD) return a + b;
    if (kind == SGM__MUL) return a * b;
    if (kind == SGM__SCALE) return s * a;
    return one_rounding ? fmaf(p, q, y) : p * q + y;
}

static void test_map(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int i = 0; i < COUNT(sizes); i++)
        for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;) {
            const int n = sizes[i];
            float *a = vector(n), *b = vector(n), *y = vector(n + 1), *z = copy(y, n + 1);
            for (int kind = SGM__ADD; kind <= SGM__TOWARD; kind++) {
                memcpy(z, y, (size_t)n * sizeof *z);
                isa->map(kind, n, 0.3f, a, b, z);
                for (int j = 0; j < n; j++)
                    assert_true(z[j] == mapped(kind, 0.3f, a[j], b[j], y[j], fused(isa)));
                assert_true(z[n] == y[n]);
            }
            isa->map(SGM__ADD, n, 0, a, a, a); /* an output may be an input */
            isa->map(SGM__SCALE, n, 0.5f, a, a, b);
            isa->map(SGM__ADD, n, 0, b, b, b);
            assert_true(same(a, b, n));
            free(a);
            free(b);
            free(y);
            free(z);
        }
}

/* (B.6) once more, from the definition: lanes, then pairs that are 8, 4, 2, 1 apart. */
static void test_dot_has_sixteen_lanes(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int n = 0; n < 100; n++) {
        float *a = vector(n), *b = vector(n), l[16];
        memset(l, 0, sizeof l);
        for (int i = 0; i < n; i++) l[i % 16] = fmaf(a[i], b[i], l[i % 16]);
        for (int i = 0; i < 8; i++) l[i] += l[i + 8];
        for (int i = 0; i < 4; i++) l[i] += l[i + 4];
        l[0] = (l[0] + l[2]) + (l[1] + l[3]);
        for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;) {
            const double got = isa->dot(n, a, b);
            /* sse2: at most 2 ceil(n/16) roundings a lane and 4 in the tree, twice over, S <= n */
            if (fused(isa)) assert_true(got == l[0]);
            else assert_true(fabs(got - l[0]) <= 2 * (2 * (n / 16 + 1) + 4) * UNIT * n);
        }
        free(a);
        free(b);
    }
}

/* A row less its mean, and a matrix transposed, beside others that must stay as they are. */
static void test_rows_and_turns(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int s = 0; (isa = next_isa(&s)) != NULL;)
        for (int i = 0; i < COUNT(sizes); i++)
            for (int j = 0; j < COUNT(sizes); j++) {
                const int rows = sizes[i], cols = sizes[j];
                float *x = vector(rows * (cols + 3)), *want = vector(cols * (rows + 2));
                float *got = copy(want, cols * (rows + 2));
                isa->turn(rows, cols, x, cols + 3, got, rows + 2);
                sgm__turn_ref(rows, cols, x, cols + 3, want, rows + 2);
                assert_true(same(got, want, cols * (rows + 2)));
                if (rows * cols > 0) assert_true(got[(cols - 1) * (rows + 2)] == x[cols - 1]);
                for (int add = 0; add < 2 && cols > 0; add++) {
                    for (int r = 0; r < 2; r++)
                        (r ? isa->center : sgm__center_ref)(cols, x, add, r ? got : want);
                    assert_true(same(got, want, cols * (rows + 2)));
                }
                free(x), free(want), free(got);
            }
}

static void test_colsum(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int i = 0; i < COUNT(sizes); i++)
        for (int j = 0; j < COUNT(sizes); j++) {
            const int rows = sizes[i], cols = sizes[j];
            float *x = vector((long)rows * (cols + 3)), *y = vector(cols), *ref = copy(y, cols);
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < cols; c++) ref[c] += x[r * (cols + 3) + c];
            for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;) {
                float *got = copy(y, cols);
                isa->colsum(rows, cols, x, cols + 3, got);
                assert_true(same(got, ref, cols));
                free(got);
            }
            free(x);
            free(y);
            free(ref);
        }
}

/*
Long sums. A float adds at most SGM__RUN terms, whose rounding errors are at most u of the sum of
their absolute values each (twice that in sse2); the tree adds four, the result one.
*/
static void check_long_sums(const sgm__kernels *isa, long n, double mean, double std)
{
    float *x = vector(2 * n), *y = vector(2 * n), sums[2];
    double dot = 0, of_x[2] = { 0, 0 }, xy[2] = { 0, 0 };
    const double unit = (fused(isa) ? 1 : 2) * (SGM__RUN + 5) * UNIT;
    double size = 0, size_x[2] = { 0, 0 }, size_xy[2] = { 0, 0 };
    const float shift[2] = { x[0], x[1] };
    for (long i = 0; i < 2 * n; i++) {
        x[i] = (float)(mean + std * x[i]);
        dot += (double)x[i] * y[i], size += fabs((double)x[i] * y[i]);
        of_x[i % 2] += x[i], size_x[i % 2] += fabs((double)x[i]);
        const double term = (double)(x[i] - shift[i % 2]) * y[i]; /* the difference is a float */
        xy[i % 2] += term, size_xy[i % 2] += fabs(term);
    }
    const double got = isa->dot(2 * n, x, y), square = isa->dot(2 * n, x, x);
    double truth = 0;
    for (long i = 0; i < 2 * n; i++) truth += (double)x[i] * x[i];
    assert_true(fabs(got - dot) <= unit * size);
    assert_true(fabs(square - truth) <= unit * truth);
    memset(sums, 0, sizeof sums);
    isa->colsum(n, 2, x, 2, sums);
    for (int j = 0; j < 2; j++)
        if (!(fabs(sums[j] - of_x[j]) <= unit * size_x[j]))
            fail_msg("%s: the sum of %ld numbers %g is off by %g", isa->name, n, mean,
                     sums[j] / of_x[j] - 1);
    isa->coldot(n, 2, x, NULL, NULL, NULL, sums);
    for (int j = 0; j < 2; j++) assert_true(fabs(sums[j] - of_x[j]) <= unit * size_x[j]);
    isa->coldot(n, 2, x, shift, y, NULL, sums);
    for (int j = 0; j < 2; j++) assert_true(fabs(sums[j] - xy[j]) <= unit * size_xy[j]);
    free(x), free(y);
}

static void test_long_sums(void **state)
{
    static const double means[] = { 0, 0.1, 1, 100, 1e4 }, stds[] = { 1, 0, 0.01, 1, 1 };
    const sgm__kernels *isa;
    (void)state;
    for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;)
        for (int k = 0; k < COUNT(means); k++) {
            check_long_sums(isa, 1000, means[k], stds[k]);
            check_long_sums(isa, 1000003, means[k], stds[k]);
        }
}

/* At the ends of runs every instruction set gives the twins' bits. */
static void test_runs(void **state)
{
    static const long sizes_of_runs[] = { 255, 256, 257, 512, 513, 4095, 4096, 4097, 8192, 12301 };
    const sgm__kernels *isa;
    (void)state;
    for (int i = 0; i < COUNT(sizes_of_runs); i++)
        for (int s = 0; (isa = next_isa(&s)) != NULL;) {
            const long n = sizes_of_runs[i], cols = 19;
            float *x = vector(n * cols), *y = vector(n * cols), one[19], two[19];
            if (fused(isa)) assert_true(isa->dot(n, x, y) == sgm__dot_ref(n, x, y));
            for (long c = 1; c <= cols; c += 3) {
                memcpy(one, y, sizeof one), memcpy(two, y, sizeof two);
                isa->colsum(n, c, x, cols, one), sgm__colsum_ref(n, c, x, cols, two);
                assert_true(same(one, two, c));
                isa->coldot(n, c, x, y, y, NULL, one), sgm__coldot_ref(n, c, x, y, y, NULL, two);
                assert_true(!fused(isa) || same(one, two, c));
            }
            free(x), free(y);
        }
}

/* ---- random numbers ---- */

/* Every law, however a sequence begins and ends in the middle of a block, across the end of the
counter's low word, on every instruction set, without fused multiply-add too: the twin's bits, and
nothing written beside them. */
static void test_draws(void **state)
{
    enum { LAWS = 3, MOST = 300 };
    static float one[MOST + 2], two[MOST + 2];
    const sgm__kernels *isa;
    (void)state;
    for (int s = 0; (isa = next_isa(&s)) != NULL;)
        for (int i = 0; i < 20000; i++) {
            const sgm_key key = sgm_key_split(sgm_key_init(8), (uint64_t)i);
            const uint64_t starts[] = { 0, ((uint64_t)1 << 34) - 99, UINT64_MAX - 2 * MOST };
            const uint64_t first = starts[i % 3] + key.k[0] % 150;
            const size_t n = i % 10 ? key.k[1] % 40 : key.k[1] % (MOST + 1);
            const float rate = (float)(i % 17) / 17.0f;
            for (int law = 0; law < LAWS; law++) {
                for (int k = 0; k < MOST + 2; k++) one[k] = two[k] = -9;
                isa->draw(law, n, first, key, rate, one + 1);
                sgm__draw_ref(law, n, first, key, rate, two + 1);
                if (memcmp(one, two, sizeof one))
                    fail_msg("%s: law %d, %d draws from %llu on", isa->name, law, (int)n,
                             (unsigned long long)first);
            }
        }
}

/* ---- optimisers ---- */

static sgm__adam_rates rates_at(int t)
{
    sgm__adam_rates c;
    c.lr = 1e-3f, c.beta1 = 0.9f, c.beta2 = 0.999f, c.eps = 1e-3f, c.decay = 0.01f;
    c.grad_scale = 0.7f, c.sweep = t % 2;
    c.fresh1 = 1 - c.beta1, c.fresh2 = 1 - c.beta2;
    c.bias1 = (float)(1 - pow(c.beta1, t));
    c.bias2 = (float)(1 - pow(c.beta2, t));
    return c;
}

static void test_optimisers_every_isa(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int i = 0; i < COUNT(sizes); i++)
        for (int s = 0; (isa = next_isa(&s)) != NULL;)
            for (int kind = SGM_OPTIMISER_ADAM; kind <= SGM_OPTIMISER_SGD; kind++) {
                const int n = sizes[i];
                float *p = vector(n), *m = vector(n), *v = vector(n), *g = vector(n);
                float *p2 = copy(p, n), *m2 = copy(m, n), *v2 = copy(v, n);
                for (int j = 0; j < n; j++) v[j] = v2[j] = fabsf(v[j]);
                for (int t = 1; t < 4 && fused(isa); t++) {
                    const sgm__adam_rates c = rates_at(t);
                    isa->moments(kind, n, p, g, m, v, &c);
                    sgm__moments_ref(kind, n, p2, g, m2, v2, &c);
                    for (int j = 0; j < n; j++) v[j] = v2[j] = fabsf(v2[j]);
                }
                assert_true(same(p, p2, n) && same(m, m2, n) && same(v, v2, n));
                free(p), free(m), free(v), free(g), free(p2), free(m2), free(v2);
            }
}

/* Products large enough to be shared among threads, by rows or by columns, in no whole tiles. */
static void test_shared_products(void **state)
{
    static const int shapes[][3] = { { 1037, 97, 83 }, { 97, 1037, 83 }, { 301, 299, 310 }, { 5, 4099, 401 } };
    (void)state;
    sgm_set_threads(3);
    for (int i = 0; i < COUNT(shapes); i++)
        for (int init = 0; init < 3; init++) {
            const int m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
            float *x = vector((long)m * k), *y = vector((long)k * n), *bias = vector(n);
            float *one = vector((long)m * n), *many = copy(one, (long)m * n);
            const float *from[3] = { NULL, bias, one };
            const sgm__product q = { m, n, k, x, k, 1, y, n, 1, from[init], init == 2 ? n : 0, one, n };
            sgm__k()->matmul(&q);
            sgm__matmul(m, n, k, x, k, 1, y, n, 1, init == 2 ? many : from[init], init == 2 ? n : 0, many, n);
            assert_true(same(one, many, (long)m * n));
            free(x), free(y), free(bias), free(one), free(many);
        }
    sgm_set_threads(0);
}

/*
(4.7) and (4.9) as printed, in double. A step moves p by at most about lr (the ratio of the means
is below 1 / sqrt(1 - beta2) = 32 in the worst case, near 1 here), and m, v, root, quotient and
product round ten times, so each step errs by at most 10 u 32 lr + u |p|; T steps add up: T u (320
lr + 2).
*/
static void test_optimisers_against_double(void **state)
{
    enum { N = 37, T = 50 };
    const sgm__kernels *isa;
    (void)state;
    for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;)
        for (int belief = 0; belief < 2; belief++) {
            float *p = vector(N), *m = vector(N), *v = vector(N);
            double dp[N], dm[N], dv[N];
            for (int j = 0; j < N; j++) dp[j] = p[j], m[j] = v[j] = 0, dm[j] = dv[j] = 0;
            for (int t = 1; t <= T; t++) {
                const sgm__adam_rates c = rates_at(t);
                float *g = vector(N);
                isa->moments(belief ? SGM_OPTIMISER_ADABELIEF : SGM_OPTIMISER_ADAMW, N, p, g, m, v, &c);
                for (int j = 0; j < N; j++) {
                    const double d = (double)g[j] * c.grad_scale;
                    double away;
                    dm[j] = c.beta1 * dm[j] + (1.0 - c.beta1) * d;
                    away = belief ? d - dm[j] : d;
                    dv[j] = c.beta2 * dv[j] + (1.0 - c.beta2) * away * away;
                    if (belief) dv[j] += c.eps;
                    dp[j] -= (double)c.lr * c.decay * dp[j];
                    dp[j] -= c.lr * (dm[j] / c.bias1) / (sqrt(dv[j] / c.bias2) + c.eps);
                    assert_true(fabs(p[j] - dp[j]) <= t * UNIT * (320 * c.lr + 2));
                }
                free(g);
            }
            free(p), free(m), free(v);
        }
}

static void test_sgd_and_ema(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;) {
        const sgm__adam_rates c = rates_at(1);
        const double mean = 0.9 * -0.233 + 0.617 * 0.7;
        float p = 2.385f, g = 0.617f, m = -0.233f, e = 1.771f;
        isa->moments(SGM_OPTIMISER_SGD, 1, &p, &g, &m, NULL, &c);
        /* three roundings of numbers below 1, then of numbers below 4 */
        assert_true(fabs(m - mean) <= 4 * UNIT);
        assert_true(fabs(p - (2.385 - 1e-3 * mean)) <= 12 * UNIT);
        p = 2.385f;
        isa->map(SGM__TOWARD, 1, 0.25f, &p, &p, &e);
        assert_true(fabs(e - (1.771 + 0.25 * (2.385 - 1.771))) <= 4 * UNIT);
    }
}

/* A moment below 2^-100 stays unless it is swept, one above it stays always. */
static void test_faded_moments(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;)
        for (int sweep = 0; sweep < 2; sweep++) {
            const float tiny = 7.8e-31f, small = 8.9e-31f; /* 0.9 of it is still above 2^-100 */
            float p[2] = { 1, 1 }, g[2] = { 0, 0 }, m[2], v[2];
            sgm__adam_rates c = rates_at(5);
            c.sweep = sweep;
            m[0] = v[0] = tiny, m[1] = v[1] = small;
            isa->moments(SGM_OPTIMISER_ADAM, 2, p, g, m, v, &c);
            assert_true(sweep ? m[0] == 0 && v[0] == 0 : m[0] > 0 && v[0] > 0);
            assert_true(m[1] > 0 && v[1] > 0);
        }
}

/* A NaN or an infinity in a gradient is seen in the moments, in every kind, swept or not. */
static void test_moments_keep_nan(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;)
        for (int way = 0; way < 16; way++) {
            float p[3] = { 1, 1, 1 }, g[3] = { 1, NAN, 1 }, m[3] = { 0 }, v[3] = { 0 };
            sgm__adam_rates c = rates_at(5);
            c.sweep = way & 1;
            g[1] = way & 2 ? NAN : INFINITY;
            isa->moments(way >> 2, 3, p, g, m, v, &c);
            assert_true(isfinite(p[0]) && isfinite(p[2]) && m[0] > 0 && m[2] > 0);
            assert_false(isfinite(p[1]) || isfinite(m[1]));
            assert_false(way >> 2 < SGM_OPTIMISER_SGD && isfinite(v[1]));
        }
}

/*
(4.7) of gradients g and an eps of 1e-20: the first step is lr g / (g + eps) whatever g is, swept or
not. Its roundings, below 12, are u of it each. But where (1 - beta2) g² is near the least float,
2^-149, its root is a multiple of nothing better than 2^-74.5; so g is 1e-18 and more.
*/
static void test_small_gradients_move_right(void **state)
{
    static const float grads[] = { 1e-18f, 2e-15f, 1e-13f, 1e-8f, 1.0f };
    const sgm__kernels *isa;
    (void)state;
    for (int s = -1; (isa = s < 0 ? s++, &sgm__kernels_ref : next_isa(&s)) != NULL;)
        for (int i = 0; i < COUNT(grads); i++)
            for (int sweep = 0; sweep < 2; sweep++) {
                float p = 0, m = 0, v = 0;
                sgm__adam_rates c = rates_at(1);
                c.lr = 0.01f, c.eps = 1e-20f, c.decay = 0, c.grad_scale = 1, c.sweep = sweep;
                isa->moments(SGM_OPTIMISER_ADAM, 1, &p, grads + i, &m, &v, &c);
                const double truth = -0.01 * grads[i] / (grads[i] + 1e-20);
                if (!(fabs(p / truth - 1) <= (i ? 12 : 30000) * UNIT))
                    fail_msg("%s: a gradient of %g moves %g, not %g", isa->name, grads[i], p,
                             truth);
            }
}

/*
Special numbers. Every kernel of every instruction set treats NaN (any), infinities, zeros of both
signs, subnormal and huge numbers as its twin does. `sse2` rounds a product before it adds, so it is
held to the same only where no product overflows, and then in what is finite, infinite or NaN.
*/
static float special(int easy)
{
    static const float pool[] = { 0, -0.0f, 1e-45f, -1e-45f, 1e-40f, -3e-39f, FLT_MIN, 7.8e-31f,
                                  1e-20f, 0.5f, -1, 1, 1.5f, 104, -89, 1e4f, INFINITY, -INFINITY,
                                  NAN,
                                  1e20f, -1e20f, FLT_MAX, -FLT_MAX };
    const int most = easy ? 19 : COUNT(pool), i = (int)((noise() + 1) * 0.5f * (float)most);
    return (noise() > 0.4f) ? noise() : pool[i < most ? i : most - 1];
}

static float *specials(long n, int easy)
{
    float *x = vector(n);
    for (long i = 0; i < n; i++) x[i] = special(easy);
    return x;
}

static void assert_alike(const sgm__kernels *isa, const char *what, const float *a, const float *b,
                         long n)
{
    for (long i = 0; i < n; i++) {
        const int alike = fused(isa) ? same(a + i, b + i, 1)
                                     : isnan(a[i]) == isnan(b[i]) && isinf(a[i]) == isinf(b[i]);
        if (!alike) fail_msg("%s %s: %.9g, the twin %.9g", isa->name, what, a[i], b[i]);
    }
}

enum { WIDE = 37, TALL = 33, SPECIAL = TALL * WIDE };

static void special_sums(const sgm__kernels *isa, long n, int easy)
{
    const long rows = n < TALL ? n : TALL;
    float *x = specials(SPECIAL, easy), *z = specials(SPECIAL, easy), *c = specials(WIDE, easy);
    float *y[2];
    for (int k = 0; k < 2; k++) y[k] = k ? copy(y[0], SPECIAL) : specials(SPECIAL, easy);
    const sgm__kernels *two[2] = { isa, &sgm__kernels_ref };
    float dot[2], sums[2][2 * WIDE];
    for (int k = 0; k < 2; k++) dot[k] = (float)two[k]->dot(n, x, z);
    assert_alike(isa, "dot", &dot[0], &dot[1], 1);
    for (int k = 0; k < 2; k++) two[k]->colsum(rows, n, x, WIDE, y[k]);
    assert_alike(isa, "colsum", y[0], y[1], n);
    for (int k = 0; k < 2; k++) two[k]->center(n, x, n % 2, y[k]);
    assert_alike(isa, "center", y[0], y[1], n);
    for (int form = 0; form < 4; form++) {
        for (int k = 0; k < 2; k++)
            two[k]->coldot(rows, n, x, form & 1 ? c : NULL, form & 2 ? z : NULL, z, y[k]);
        assert_alike(isa, "coldot", y[0], y[1], n);
        for (int k = 0; k < 2; k++)
            two[k]->colmix(rows, n, form & 1 ? c : NULL, x, form & 2 ? c : NULL, z, c, c, 0, y[k]);
        assert_alike(isa, "colmix", y[0], y[1], rows * n);
        for (int k = 0; k < 2; k++)
            two[k]->colsilu(rows, n, c, x, form & 1 ? c : z, z, form & 2 ? x : NULL, y[k], sums[k]);
        assert_alike(isa, "colsilu", y[0], y[1], rows * n);
        if (form & 2) assert_alike(isa, "colsilu's sums", sums[0], sums[1], 2 * n);
    }
    for (int k = 0; k < 2; k++) free(y[k]);
    free(x), free(z), free(c);
}

static void special_elements(const sgm__kernels *isa, long n, int easy)
{
    const sgm__kernels *two[2] = { isa, &sgm__kernels_ref };
    float *x = specials(n, easy), *z = specials(n, easy), *y[2], *m[2], *v[2];
    for (int kind = SGM_ACTIVATION_RELU; kind <= SGM_ACTIVATION_SIGMOID; kind++) {
        for (int k = 0; k < 2; k++) y[k] = vector(n), m[k] = vector(n), v[k] = vector(n);
        for (int k = 0; k < 2; k++) two[k]->act(kind, n, x, y[k], m[k], v[k]);
        assert_alike(isa, "act", y[0], y[1], n), assert_alike(isa, "act'", m[0], m[1], n);
        assert_alike(isa, "act''", v[0], v[1], n);
        for (int k = 0; k < 2; k++) free(y[k]), free(m[k]), free(v[k]);
    }
    for (int kind = SGM__ADD; kind <= SGM__TOWARD; kind++) {
        for (int k = 0; k < 2; k++) y[k] = k ? copy(y[0], n) : specials(n, easy);
        for (int k = 0; k < 2; k++) two[k]->map(kind, n, 0.7f, x, z, y[k]);
        assert_alike(isa, "map", y[0], y[1], n);
        for (int k = 0; k < 2; k++) free(y[k]);
    }
    for (int kind = SGM_OPTIMISER_ADAM; kind <= SGM_OPTIMISER_SGD * 2 + 1; kind++) {
        sgm__adam_rates c = rates_at(3 + kind % 2);
        for (int k = 0; k < 2; k++) {
            y[k] = k ? copy(y[0], n) : specials(n, easy);
            m[k] = k ? copy(m[0], n) : specials(n, easy);
            v[k] = k ? copy(v[0], n) : specials(n, easy);
            for (long i = 0; i < n; i++) v[k][i] = fabsf(v[k][i]);
        }
        if (kind > SGM_OPTIMISER_SGD) c.eps = 1e-20f, c.grad_scale = 1, c.decay = 0;
        for (int k = 0; k < 2; k++) two[k]->moments(kind / 2, n, y[k], x, m[k], v[k], &c);
        assert_alike(isa, "p", y[0], y[1], n), assert_alike(isa, "m", m[0], m[1], n);
        assert_alike(isa, "v", v[0], v[1], n);
        for (int k = 0; k < 2; k++) free(y[k]), free(m[k]), free(v[k]);
    }
    free(x), free(z);
}

static void special_products(const sgm__kernels *isa, int n, int easy)
{
    for (int form = NN; form < FORMS; form++) {
        matmul_case t = matmul_case_new(n % 7 + 1, n, n % 11, form, ZERO, 1);
        const long ends[2] = { (long)(n % 7 + 1) * (n % 11 + 1) - 8, (long)n * (n % 11) - 1 };
        for (long i = 0; i < ends[0] && n % 11; i++) t.a[i] = special(easy);
        for (long i = 0; i < ends[1] && n % 11; i++) t.b[i] = special(easy);
        float *got = matmul_case_run(&t, ZERO, isa);
        float *ref = matmul_case_run(&t, ZERO, &sgm__kernels_ref);
        assert_alike(isa, "matmul", got, ref, t.n_c);
        free(got), free(ref), matmul_case_free(&t);
    }
    for (int map = SGM__MAP_BT; map <= SGM__MAP_GT; map++) {
        float *x = specials(16 * n, easy), *plus = specials(n, easy), *y = specials(16 * n, easy);
        float *z = copy(y, 16 * n);
        sgm__tile q;
        memset(&q, 0, sizeof q);
        q.map = map, q.n = n, q.x = x, q.x_row = q.y_row = 4 * n, q.x_col = q.y_col = n;
        q.add = map % 2, q.plus = plus;
        q.x_in = map == SGM__MAP_A ? 0x33 : map == SGM__MAP_G ? 0x777 : 0xffff;
        q.y_in = map == SGM__MAP_AT ? 0x33 : map == SGM__MAP_GT ? 0x777 : 0xffff;
        q.y = y, isa->tile_map(&q);
        q.y = z, sgm__tile_map_ref(&q);
        assert_alike(isa, "tile_map", y, z, 16 * n);
        free(x), free(y), free(z), free(plus);
    }
}

static void test_special_numbers(void **state)
{
    const sgm__kernels *isa;
    (void)state;
    for (int s = 0; (isa = next_isa(&s)) != NULL;)
        for (int n = 1; n <= WIDE; n++)
            for (int again = 0; again < 8; again++) {
                special_sums(isa, n, !fused(isa));
                special_elements(isa, n, !fused(isa));
                special_products(isa, n, !fused(isa));
            }
}

/* ---- the slope of a weight and the step of its optimiser in one pass ---- */

enum { PLAIN, SCALED, DECAYING, SWEEPING, BELIEVING, WAYS };

static sgm__adam_rates outer_rates(int way)
{
    sgm__adam_rates c = rates_at(3);
    c.grad_scale = way == SCALED ? 0.7f : 1.0f;
    c.decay = way == DECAYING ? 0.01f : 0.0f;
    c.sweep = way == SWEEPING;
    return c;
}

typedef struct outer_case {
    sgm__outer q;
    long size;
    float *x, *d, *p, *m, *v;
} outer_case;

/* Every third slope is 0 and every fifth moment has faded, so that a sweep has work to do. */
static outer_case outer_case_new(int n, int in, int out, int gap)
{
    outer_case t;
    t.size = (long)in * out;
    t.x = vector((long)n * (in + gap)), t.d = vector((long)n * out);
    t.p = vector(t.size), t.m = vector(t.size), t.v = vector(t.size);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < in; i += 3) t.x[r * (in + gap) + i] = 0;
    for (long i = 0; i < t.size; i++) {
        t.v[i] = fabsf(t.v[i]);
        if (i % 5 == 0) t.m[i] *= 1e-31f, t.v[i] *= 1e-31f;
    }
    t.q.n = n, t.q.in = in, t.q.out = out, t.q.x_row = in + gap;
    t.q.x = t.x, t.q.d = t.d, t.q.p = t.p, t.q.m = t.m, t.q.v = t.v;
    return t;
}

static void outer_case_free(outer_case *t)
{
    free(t->x), free(t->d), free(t->p), free(t->m), free(t->v);
}

/* The two passes that it replaces, on copies; then the one. They must agree to the last bit. */
static void check_outer(const sgm__kernels *two, const sgm__kernels *one, int n, int in, int out,
                        int way)
{
    outer_case t = outer_case_new(n, in, out, way % 3);
    const sgm__adam_rates c = outer_rates(way);
    float *p = copy(t.p, t.size), *m = copy(t.m, t.size), *v = copy(t.v, t.size);
    float *g = vector(t.size);
    sgm__product q;
    memset(&q, 0, sizeof q);
    q.m = in, q.n = out, q.k = n, q.a = t.x, q.a_row = 1, q.a_col = t.q.x_row;
    q.b = t.d, q.b_row = out, q.b_col = 1, q.c = g, q.c_row = out;
    two->matmul(&q);
    two->moments(way == BELIEVING ? SGM_OPTIMISER_ADABELIEF : SGM_OPTIMISER_ADAM, t.size, p, g, m, v, &c);
    one->outer_moments(way == BELIEVING ? SGM_OPTIMISER_ADABELIEF : SGM_OPTIMISER_ADAM, &t.q, &c);
    if (!same(t.p, p, t.size) || !same(t.m, m, t.size) || !same(t.v, v, t.size))
        fail_msg("%s n=%d in=%d out=%d way %d", one->name, n, in, out, way);
    free(p), free(m), free(v), free(g);
    outer_case_free(&t);
}

static void test_outer_moments_every_isa(void **state)
{
    static const int ins[] = { 0, 1, 2, 3, 7, 16 };
    static const int outs[] = { 1, 3, 4, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 128, 144 };
    const sgm__kernels *isa;
    (void)state;
    for (int n = 1; n <= SGM__OUTER_MOST; n++)
        for (int i = 0; i < COUNT(ins); i++)
            for (int j = 0; j < COUNT(outs); j++)
                for (int way = PLAIN; way < WAYS; way++)
                    for (int s = 0; (isa = next_isa(&s)) != NULL;) {
                        check_outer(isa, isa, n, ins[i], outs[j], way);
                        if (fused(isa)) check_outer(&sgm__kernels_ref, isa, n, ins[i], outs[j], way);
                    }
    for (int way = PLAIN; way < WAYS; way++)
        check_outer(&sgm__kernels_ref, &sgm__kernels_ref, 7, 5, 130, way);
}

/* ---- choosing ---- */

static void test_choice(void **state)
{
    const sgm__kernels *best;
    (void)state;
    unsetenv("SGM_ISA");
    best = sgm__kernels_choose();
    setenv("SGM_ISA", "ref", 1);
    assert_string_equal(sgm__kernels_choose()->name, "ref");
    setenv("SGM_ISA", "abacus", 1);
    assert_ptr_equal(sgm__kernels_choose(), best);
    for (int i = 0; i < COUNT(isa_names); i++) {
        const sgm__kernels *k = sgm__kernels_for(isa_names[i]);
        setenv("SGM_ISA", isa_names[i], 1);
        assert_ptr_equal(sgm__kernels_choose(), k ? k : best);
    }
    unsetenv("SGM_ISA");
    assert_string_equal(sgm_isa(), sgm__k()->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_ref_is_3_6),
        cmocka_unit_test(test_matmul_every_isa_every_size),
        cmocka_unit_test(test_matmul_beyond_one_block),
        cmocka_unit_test(test_matmul_odd_strides),
        cmocka_unit_test(test_matmul_threads_do_not_matter),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_softmax_of_specials),
        cmocka_unit_test(test_softmax_slope),
        cmocka_unit_test(test_turn),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_activations_at_the_ends),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_dot_has_sixteen_lanes),
        cmocka_unit_test(test_rows_and_turns),
        cmocka_unit_test(test_colsum),
        cmocka_unit_test(test_optimisers_every_isa),
        cmocka_unit_test(test_shared_products),
        cmocka_unit_test(test_optimisers_against_double),
        cmocka_unit_test(test_sgd_and_ema),
        cmocka_unit_test(test_faded_moments),
        cmocka_unit_test(test_long_sums),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_moments_keep_nan),
        cmocka_unit_test(test_small_gradients_move_right),
        cmocka_unit_test(test_special_numbers),
        cmocka_unit_test(test_outer_moments_every_isa),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
