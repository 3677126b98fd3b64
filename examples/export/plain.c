/*
How it works. A row is a point of MODEL_D floats: whole numbers and the bits of levels get noise,
then numbers are bent and turned until they are alike. Points that are noised, x = x0 + σ ε, have a
score ∇log p, which a network tells; along it a flow carries noise to points, and points to noise
with their log density. Each sum is made in one order, and a product that is fused says so: that
fixes every bit, whatever compiles it. Do not compile with -ffast-math.
*/
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef MODEL_MAIN
#include <stdio.h>
#endif

#if defined(__FAST_MATH__) || (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD > 0 && \
    FLT_EVAL_METHOD != 16) || (defined(__i386__) && !defined(__SSE2_MATH__))
#error "its results are defined bit by bit: no -ffast-math, and on 32-bit x86 -msse2 -mfpmath=sse"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

/* What a network is made of: see 3. RELU to SIGMOID are curves. */
enum {
    RELU = 1, SILU, TANH, GELU, SOFTPLUS, SIGMOID, SAME, INPUT, PARAMETER, LOG_SIGMA, TIME_SIGMA,
    TIME_SINUSOIDAL, LINEAR, ADD, MUL, SCALE, CONCAT, CONCAT_CHANNELS, UPSAMPLE, PATCHIFY,
    UNPATCHIFY, TRANSPOSE, CONV, NORM, ATTENTION, CENTER, RMS
};

typedef struct model_operation {
    int kind, rows, cols, a, b, c; /* the result of one point; which it is made from, or -1 */
    int shared, moves;             /* 1: all points have the same; 1: it depends on x */
    int h, w, channels, out, stride, groups, heads, tokens, patch, silu, plus;
    float by;
    long weight; /* where a parameter begins */
} model_operation;

/* A column, and a number of a point: see 6. */
enum { NUMBER = 1, INTEGER, CATEGORY };

typedef struct model_column {
    const char *name;
    int kind, levels;
    const char *const *level; /* their names, or NULL */
    double low, high;
} model_column;

typedef struct model_coordinate {
    int column, bit; /* of a category its bit, else -1 */
    double centre, unit, tail, skew, shift, scale;
    int cells, knot; /* cells > 0: it is bent by its cells, with model_knots[knot ...] */
} model_coordinate;

/* The model. */

/* 1. The kernels that take the time. Each is compiled twice where the processor may or may not have
a fused multiply-add: `fused` says which, and is a constant in each copy. */
#if defined(__GNUC__)
#define MODEL_INLINE static inline __attribute__((always_inline))
#else
#define MODEL_INLINE static
#endif
#if defined(__GNUC__) && defined(__x86_64__) && !defined(__FMA__) && !defined(MODEL_PLAIN)
#define MODEL_TWO_KERNELS 1
#define MODEL_FUSED 0
#define MODEL_WITH_FMA __attribute__((target("avx2,fma")))
#define MODEL_HAS_FMA (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define MODEL_TWO_KERNELS 0
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define MODEL_FUSED 1
#else
#define MODEL_FUSED 0
#endif
#endif

static uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float float_of(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* a b + c, rounded once: one instruction; or in double, where the product is exact, with the last
bit of the sum made odd where rounding a second time would do harm. */
MODEL_INLINE float fma_by(int fused, float a, float b, float c) {
    if (fused) return fmaf(a, b, c);
    const double product = (double)a * b;
    double sum = product + c;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if ((bits & 0x1fffffff) == 0x10000000 || fabs(sum) < FLT_MIN) {
        const double back = sum - product, rest = (product - (sum - back)) + ((double)c - back);
        if ((rest > 0 || rest < 0) && !(bits & 1))
            bits += (rest > 0) == (sum > 0) ? 1 : (uint64_t)-1;
        memcpy(&sum, &bits, sizeof sum);
    }
    return (float)sum;
}

/* c = start + a(rows,k) b(k,cols), the sum with rising k, for at most 4 rows and 16 columns. start:
rows that lie start_row apart, so 0 is one for all; NULL: zeros. */
MODEL_INLINE void tile(int fused, int rows, int cols, long k, const float *a, long a_row,
    long a_col, const float *b, long b_row, const float *start, long start_row, float *c,
    long c_row) {
    float sum[4][16];
    memset(sum, 0, sizeof sum);
    for (int r = 0; r < rows && start; r++)
        for (int s = 0; s < cols; s++) sum[r][s] = start[r * start_row + s];
    for (long p = 0; p < k; p++) {
        const float x[4] = {a[p * a_col], a[(rows > 1) * a_row + p * a_col],
            a[(rows > 2 ? 2 : 0) * a_row + p * a_col], a[(rows > 3 ? 3 : 0) * a_row + p * a_col]};
        const float *y = b + p * b_row;
        for (int s = 0; s < cols; s++) {
            sum[0][s] = fma_by(fused, x[0], y[s], sum[0][s]);
            if (rows > 1) sum[1][s] = fma_by(fused, x[1], y[s], sum[1][s]);
            if (rows > 2) sum[2][s] = fma_by(fused, x[2], y[s], sum[2][s]);
            if (rows > 3) sum[3][s] = fma_by(fused, x[3], y[s], sum[3][s]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < cols; s++) c[r * c_row + s] = sum[r][s];
}

/* The same for m rows and n columns, by tiles. */
MODEL_INLINE void product_by(int fused, long m, long n, long k, const float *a, long a_row,
    long a_col, const float *b, long b_row, const float *start, long start_row, float *c,
    long c_row) {
#define MODEL_TILE(rows, cols) \
    tile(fused, rows, cols, k, a + i * a_row, a_row, a_col, b + j, b_row, \
        start ? start + i * start_row + j : NULL, start_row, c + i * c_row + j, c_row)
    for (long i = 0, rows; i < m; i += rows) {
        rows = m - i < 4 ? 1 : 4;
        for (long j = 0, cols; j < n; j += cols) {
            cols = n - j >= 16 ? 16 : n - j >= 8 ? 8 : 1;
            if (rows == 4 && cols == 16) MODEL_TILE(4, 16);
            else if (rows == 4 && cols == 8) MODEL_TILE(4, 8);
            else if (rows == 4) MODEL_TILE(4, 1);
            else if (cols == 16) MODEL_TILE(1, 16);
            else if (cols == 8) MODEL_TILE(1, 8);
            else MODEL_TILE(1, 1);
        }
    }
#undef MODEL_TILE
}

MODEL_INLINE float polynomial(int fused, float x, const float *c, int n) {
    float p = c[n - 1];
    for (int i = n - 2; i >= 0; i--) p = fma_by(fused, x, p, c[i]);
    return p;
}

MODEL_INLINE float within(float x, float low, float high) { /* a NaN stays one */
    x = x < low ? low : x;
    return x > high ? high : x;
}

static float power_of_two(int n) { return float_of((uint32_t)(n + 127) << 23); }

/* e^r - 1, and n with e^x = 2^n e^r. */
MODEL_INLINE float exp_rest(int fused, float x, int *n) {
    static const float c[5] = {
        0.4999999341f, 0.1666652011f, 0.0416683942f, 0.008368780031f, 0.001381446638f};
    const float magic = 12582912.0f, t = fma_by(fused, x, 1.44269504f, magic), whole = t - magic;
    float r = fma_by(fused, whole, -0.693359375f, x);
    r = fma_by(fused, whole, 2.12194440e-4f, r);
    *n = (int)(bits_of(t) - bits_of(magic));
    return fma_by(fused, r * r, polynomial(fused, r, c, 5), r);
}

MODEL_INLINE float exp_by(int fused, float x) {
    int n;
    const float y = exp_rest(fused, within(x, -104.0f, 89.0f), &n) + 1.0f;
    const int half = n >> 1;
    return y * power_of_two(half) * power_of_two(n - half);
}

static float absolute(float x) { return float_of(bits_of(x) & 0x7fffffffu); }

MODEL_INLINE float sigmoid_by(int fused, float x, float *slope) {
    const float e = exp_by(fused, -absolute(x)), q = 1.0f / (1.0f + e);
    *slope = e * q * q;
    return x >= 0.0f ? q : e * q;
}

/* x σ(z) with z = x (SiLU), or with GELU's cubic. */
MODEL_INLINE float gated(int fused, int kind, float x, float *slope) {
    const float most = kind == SILU ? 105.0f : 20.0f, xc = within(x, -most, most);
    float z = xc, z1 = 1.0f, s1;
    if (kind == GELU) {
        const float q = xc * xc;
        z = xc * fma_by(fused, q, 0.0713548163f, 1.59576912f);
        z1 = fma_by(fused, q, 3.0f * 0.0713548163f, 1.59576912f);
    }
    const float s = sigmoid_by(fused, z, &s1);
    *slope = fma_by(fused, xc * z1, s1, s);
    return (x < xc ? xc : x) * s;
}

#if MODEL_OTHER_CURVES
MODEL_INLINE float tanh_by(int fused, float x, float *slope) {
    int n;
    const float rest = exp_rest(fused, within(absolute(x) * -2.0f, -104.0f, 0.0f), &n);
    const int half = n >> 1;
    const float scale = power_of_two(half) * power_of_two(n - half);
    const float e = fma_by(fused, scale, rest, scale), m = fma_by(fused, scale, rest, scale - 1.0f);
    const float q = 1.0f / (2.0f + m);
    *slope = e * 4.0f * q * q;
    return float_of(bits_of((0.0f - m) * q) | (bits_of(x) & 0x80000000u));
}

MODEL_INLINE float softplus_by(int fused, float x, float *slope) {
    static const float c[4] = {0.6666641628f, 0.4002152726f, 0.2800180582f, 0.2801198127f};
    const float u = exp_by(fused, -absolute(x)), s = u / (2.0f + u), w = s * s;
    const float p = fma_by(fused, s * w, polynomial(fused, w, c, 4), 2.0f * s);
    float bent;
    *slope = sigmoid_by(fused, x, &bent);
    return (x <= 0.0f ? 0.0f : x) + p;
}

MODEL_INLINE float curve(int fused, int kind, float x, float *slope) {
    switch (kind) {
    case RELU: return *slope = x > 0.0f ? 1.0f : 0.0f, x <= 0.0f ? 0.0f : x;
    case TANH: return tanh_by(fused, x, slope);
    case SOFTPLUS: return softplus_by(fused, x, slope);
    case SIGMOID: return sigmoid_by(fused, x, slope);
    default: return gated(fused, kind, x, slope);
    }
}
#else
MODEL_INLINE float curve(int fused, int kind, float x, float *slope) {
    return gated(fused, kind, x, slope);
}
#endif

/* y = φ(x), and its derivative unless slope is NULL. */
MODEL_INLINE void curves_by(int fused, int kind, long n, const float *x, float *y, float *slope) {
    for (long i = 0; i < n; i++) {
        float d;
        y[i] = curve(fused, kind, x[i], &d);
        if (slope) slope[i] = d;
    }
}

#if MODEL_NORM
/* Sums down the columns of (a - ma) (b - mb); ma, mb NULL: 0, b NULL: 1. */
MODEL_INLINE void column_sums_by(int fused, long rows, long cols, const float *a, const float *ma,
    const float *b, const float *mb, float *y) {
    for (long j = 0; j < cols; j++) {
        const float ca = ma ? ma[j] : 0.0f, cb = mb ? mb[j] : 0.0f;
        double total = 0.0;
        for (long i = 0; i < rows;) {
            float lane[4] = {0.0f, 0.0f, 0.0f, 0.0f};
            for (int left = 256; left > 0 && i < rows; left--, i++) {
                const float v = b ? b[i * cols + j] - cb : 1.0f;
                lane[i % 4] = fma_by(fused, a[i * cols + j] - ca, v, lane[i % 4]);
            }
            total += (lane[0] + lane[2]) + (lane[1] + lane[3]);
        }
        y[j] = (float)total;
    }
}

/* y = a p + b (x - m) + d, with one number of a, b, m and d per column; p may be NULL. */
MODEL_INLINE void column_mix_by(int fused, long rows, long cols, const float *a, const float *p,
    const float *b, const float *x, const float *m, const float *d, float *y) {
    for (long i = 0; i < rows; i++)
        for (long j = 0, at = i * cols; j < cols; j++, at++) {
            float sum = fma_by(fused, b[j], x[at] - m[j], d[j]);
            if (p) sum = fma_by(fused, a[j], p[at], sum);
            y[at] = sum;
        }
}
#endif

#if MODEL_ATTENTION
/* Weights of n queries, side by side, over T keys, down the columns: softmax of scale·s. */
MODEL_INLINE void softmax_by(int fused, long T, long n, float scale, float *s) {
    static const float power[7] = {1.0f, 0.6931471825f, 0.2402264774f, 0.05550332367f,
        0.009618436918f, 0.001339887385f, 0.0001535336196f};
    const float c = scale * 1.44269504f, low = -127.0f / c, magic = 12582912.0f;
    for (long i = 0; i < n; i++) {
        float most = s[i];
        double total = 0.0;
        for (long j = i; j < T * n; j += n) most = s[j] > most ? s[j] : most;
        for (long j = i; j < T * n;) {
            float sum = 0.0f;
            for (int left = 256; left > 0 && j < T * n; left--, j += n) {
                const float off = s[j] - most, u = off < low ? low : off;
                const float t = fma_by(fused, u, c, magic), f = fma_by(fused, u, c, magic - t);
                s[j] = polynomial(fused, f, power, 7) *
                    float_of((bits_of(t) << 23) + ((uint32_t)127 << 23));
                sum += s[j];
            }
            total += sum;
        }
        for (long j = i; j < T * n; j += n) s[j] *= 1.0f / (float)total;
    }
}

/* From tangents g of the scores to those of the weights a. */
MODEL_INLINE void softmax_slope_by(
    int fused, long T, long n, float scale, const float *a, float *g) {
    for (long i = 0; i < n; i++) {
        double total = 0.0;
        for (long j = i; j < T * n;) {
            float sum = 0.0f;
            for (int left = 256; left > 0 && j < T * n; left--, j += n)
                sum = fma_by(fused, a[j], g[j], sum);
            total += sum;
        }
        for (long j = i; j < T * n; j += n) g[j] = scale * (a[j] * (g[j] - (float)total));
    }
}
#endif


/* product() is product_by() for the processor that it runs on, and so are the others. */
#if MODEL_TWO_KERNELS
#define MODEL_KERNEL(name, parameters, ...) \
    MODEL_WITH_FMA static void name##_fma parameters { name##_by(1, __VA_ARGS__); } \
    static void name parameters { \
        if (MODEL_HAS_FMA) name##_fma(__VA_ARGS__); \
        else name##_by(0, __VA_ARGS__); \
    }
#else
#define MODEL_KERNEL(name, parameters, ...) \
    static void name parameters { name##_by(MODEL_FUSED, __VA_ARGS__); }
#endif
MODEL_KERNEL(product,
    (long m, long n, long k, const float *a, long a_row, long a_col, const float *b, long b_row,
        const float *start, long start_row, float *c, long c_row),
    m, n, k, a, a_row, a_col, b, b_row, start, start_row, c, c_row)
MODEL_KERNEL(curves, (int kind, long n, const float *x, float *y, float *slope), kind, n, x, y,
    slope)
#if MODEL_NORM
MODEL_KERNEL(column_sums,
    (long rows, long cols, const float *a, const float *ma, const float *b, const float *mb,
        float *y),
    rows, cols, a, ma, b, mb, y)
MODEL_KERNEL(column_mix,
    (long rows, long cols, const float *a, const float *p, const float *b, const float *x,
        const float *m, const float *d, float *y),
    rows, cols, a, p, b, x, m, d, y)
#endif
#if MODEL_ATTENTION
MODEL_KERNEL(softmax, (long T, long n, float scale, float *s), T, n, scale, s)
MODEL_KERNEL(softmax_slope, (long T, long n, float scale, const float *a, float *g), T, n, scale,
    a, g)
#endif

/* 2. Numbers: e^x, log x, sine and cosine in doubles; random numbers without a state. */
static double power_of_two_double(int n) {
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double p;
    memcpy(&p, &bits, sizeof p);
    return p;
}

static const double over_factorial[18] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120,
    1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800,
    1.0 / 479001600, 1.0 / 6227020800.0, 1.0 / 87178291200.0, 1.0 / 1307674368000.0,
    1.0 / 20922789888000.0, 1.0 / 355687428096000.0};
static const double model_ln2 = 0.69314718055994530942, model_pi = 3.14159265358979323846;
static const double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;

static double expm1_over(double r) { /* (e^r - 1)/r */
    double p = 0;
    for (int n = 14; n >= 1; n--) p = p * r + over_factorial[n];
    return p;
}

static double exponential(double x) {
    if (x != x) return x;
    if (x > 709.8) return HUGE_VAL;
    if (x < -745.2) return 0;
    const int k = (int)(x * (1 / model_ln2) + (x < 0 ? -0.5 : 0.5)), half = k / 2;
    const double r = (x - k * ln2_hi) - k * ln2_lo, y = 1 + r * expm1_over(r);
    return y * power_of_two_double(half) * power_of_two_double(k - half);
}

static double exponential_less_1(double x) {
    return fabs(x) < 0.34 ? x * expm1_over(x) : exponential(x) - 1;
}

static double artanh_tail(double z) {
    static const double over[10] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
        1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3};
    const double z2 = z * z;
    double p = 0;
    for (int i = 0; i < 10; i++) p = (p + over[i]) * z2;
    return p;
}

static double logarithm(double x) {
    uint64_t bits;
    int k = 0;
    if (x != x || x < 0) return (double)NAN;
    if (x == 0) return -HUGE_VAL;
    if (x > 1.7976931348623157e308) return x;
    if (x < 2.2250738585072014e-308) x *= 18014398509481984.0, k = -54;
    memcpy(&bits, &x, sizeof bits);
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffU) | 0x3ff0000000000000U;
    memcpy(&x, &bits, sizeof x);
    if (x > 1.41421356237309504880) x *= 0.5, k++;
    const double z = (x - 1) / (x + 1);
    return k * ln2_hi + (2 * z + (2 * z * artanh_tail(z) + k * ln2_lo));
}

static void sine_cosine(double turns, double *s, double *c) { /* of 2π turns */
    turns -= floor(turns);
    if (!(turns >= 0)) *s = *c = (double)NAN;
    if (!(turns >= 0)) return;
    const int quarter = (int)(4 * turns + 0.5);
    const double a = 2 * model_pi * (turns - 0.25 * quarter), a2 = -a * a;
    double sn = 0, cs = 0;
    for (int n = 16; n >= 0; n -= 2) {
        cs = cs * a2 + over_factorial[n];
        sn = sn * a2 + over_factorial[n + 1];
    }
    sn *= a;
    const double along = quarter % 2 ? sn : cs, up = quarter % 2 ? cs : sn;
    *s = quarter & 2 ? -up : up;
    *c = (quarter + 1) & 2 ? -along : along;
}

typedef struct model_key { /* of Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) */
    uint32_t k[2];
} model_key;

static void philox(uint32_t w[4], model_key key, uint64_t i, uint32_t purpose) {
    uint32_t x0 = (uint32_t)i, x1 = (uint32_t)(i >> 32), x2 = 0, x3 = purpose;
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * x0, p1 = (uint64_t)0xCD9E8D57u * x2;
        x0 = (uint32_t)(p1 >> 32) ^ x1 ^ key.k[0];
        x2 = (uint32_t)(p0 >> 32) ^ x3 ^ key.k[1];
        x1 = (uint32_t)p1, x3 = (uint32_t)p0;
        key.k[0] += 0x9E3779B9u, key.k[1] += 0xBB67AE85u;
    }
    w[0] = x0, w[1] = x1, w[2] = x2, w[3] = x3;
}

static model_key key_of(uint64_t seed) {
    model_key key;
    key.k[0] = (uint32_t)seed, key.k[1] = (uint32_t)(seed >> 32);
    return key;
}

static model_key key_child(model_key key, uint64_t i) {
    uint32_t w[4];
    philox(w, key, i, 1);
    key.k[0] = w[0], key.k[1] = w[1];
    return key;
}

static float plain_polynomial(float x, const float *c, int n) {
    float p = c[n - 1];
    for (int i = n - 2; i >= 0; i--) p = p * x + c[i];
    return p;
}

/* Two normals from two words (Box and Muller 1958). */
static void normal_pair(float z[2], uint32_t w, uint32_t v) {
    static const float log_c[9] = {2.0f, 0.9999904633f, 0.6672642231f, 0.4873651564f, 0.5273824334f,
        -0.3619070053f, 2.417433739f, -3.279186487f, 2.829098940f};
    static const float sine_c[4] = {6.283185307f, -41.34167480f, 81.59394073f, -75.45339966f};
    static const float cosine_c[4] = {1.0f, -19.73916245f, 64.92242432f, -83.62918854f};
    const float rest = (float)(v & 0xff) * (1 / 256.0f) + 1 / 512.0f;
    float t = (w >> 31 ? -(float)(0u - w) : (float)w) + rest, g = -t * (1 / 4294967296.0f), k = 0;
    if (w >> 31 == 0) {
        const uint32_t bits = bits_of(t);
        k = (float)(158 - (int)(bits >> 23));
        g = 1 - float_of((bits & 0x7fffff) | 0x3f000000);
    }
    const float r =
        sqrtf(k * (float)(2 * model_ln2) + g * plain_polynomial(g, log_c, 9));
    const uint32_t q = v + 0x20000000, quarter = q >> 30;
    const float from = (float)((int)((q & 0x3fffffff) >> 8) - 0x200000);
    const float a = (from + 0.5f) * (1 / 16777216.0f), a2 = a * a;
    const float s = a * plain_polynomial(a2, sine_c, 4), c = plain_polynomial(a2, cosine_c, 4);
    const float along = quarter & 1 ? s : c, up = quarter & 1 ? c : s;
    z[0] = r * ((quarter + 1) & 2 ? -along : along);
    z[1] = r * (quarter & 2 ? -up : up);
}

/* Draws first ... first + n of a key: N(0,1), or U(0,1). */
static void draw(float *z, long n, model_key key, uint64_t first, int normal) {
    while (n > 0) {
        const long skip = (long)(first % 4), some = n < 4 - skip ? n : 4 - skip;
        uint32_t w[4];
        float x[4];
        philox(w, key, first / 4, 0);
        for (int i = 0; i < 4; i++) x[i] = ((float)(w[i] >> 9) + 0.5f) * (1.0f / 8388608.0f);
        for (int i = 0; i < 4 && normal; i += 2) normal_pair(x + i, w[i], w[i + 1]);
        memcpy(z, x + skip, (size_t)some * sizeof *z);
        z += some, n -= some, first += (uint64_t)some;
    }
}

/* 3. The network: a list of operations, the i-th of which makes v[i] from v[a], v[b] and v[c], and
j[i], its change along some directions at once, from theirs. Images have their channels last. */
static long size_of(int i) { return (long)model_net[i].rows * model_net[i].cols; }

typedef struct model_work {
    long n;                     /* points that are worked on together */
    int turns;                  /* directions of j */
    float *v[MODEL_OPERATIONS]; /* (n, size), or of what all points share (size) */
    float *slope[MODEL_OPERATIONS], *j[MODEL_OPERATIONS]; /* j: (turns, n, size), or NULL */
    float *scratch;
} model_work;

/* What the i-th operation reads: of point p, and of direction l. */
static const float *value_of(const model_work *w, int i, long p) {
    return w->v[i] + (model_net[i].shared ? 0 : p * size_of(i));
}

static const float *change_of(const model_work *w, int i, long l, long p) {
    return w->j[i] ? w->j[i] + (l * w->n + p) * size_of(i) : NULL;
}

static int is_curve(int kind) { return kind >= RELU && kind <= SIGMOID; }

/* Features of the time: waves. */
static void feature(const model_operation *o, float *out, double t) {
    double s, c;
    switch (o->kind) {
    case LOG_SIGMA: out[0] = (float)(-0.5 * (2 * logarithm(1 / t))); break;
    case TIME_SIGMA:
        out[0] = (float)(0.25 * t);
        for (int i = 1; i + 1 < o->cols; i += 2) {
            const double omega = (double)o->by * (double)(1 << (i / 2));
            sine_cosine(omega * t / (2 * model_pi), &s, &c);
            out[i] = (float)s, out[i + 1] = (float)c;
        }
        break;
#if MODEL_SINUSOIDAL
    case TIME_SINUSOIDAL:
        for (int i = 0, half = (o->cols + 1) / 2; i < half; i++) {
            const double down = half > 1 ? (double)i / (half - 1) : 0;
            const double frequency = exponential(-9.2103403719761836 * down);
            sine_cosine((double)o->by * t * frequency / (2 * model_pi), &s, &c);
            out[i] = (float)s;
            if (half + i < o->cols) out[half + i] = (float)c;
        }
        break;
#endif
    default: break;
    }
}

/* y = x W + b for each row; the changes have no b. */
static void linear(model_work *w, int i, int changes) {
    const model_operation *o = &model_net[i];
    const long in = model_net[o->a].cols, n = o->cols;
    if (changes)
        product(w->turns * w->n * o->rows, n, in, w->j[o->a], in, 1, w->v[o->b], n, NULL, 0,
            w->j[i], n);
    else
        product((o->shared ? 1 : w->n) * o->rows, n, in, w->v[o->a], in, 1, w->v[o->b], n,
            w->v[o->c], 0, w->v[i], n);
}


/* y = φ(x); and its change, by the slope that was kept. */
static void bend(model_work *w, int i, int changes) {
    const long a = model_net[i].a, size = (model_net[i].shared ? 1 : w->n) * size_of(i);
    if (!changes) curves(model_net[i].kind, size, w->v[a], w->v[i], w->slope[i]);
    for (long l = 0; changes && l < w->turns; l++)
        for (long k = 0; k < size; k++)
            w->j[i][l * size + k] = w->slope[i][k] * w->j[a][l * size + k];
}

/* The rest goes point by point; a, b: values, or changes, NULL where there is none. */
static void fill(float *y, const float *x, long n) {
    if (x) memcpy(y, x, (size_t)n * sizeof *y);
    else memset(y, 0, (size_t)n * sizeof *y);
}

static void beside(long rows, long ca, const float *a, long cb, const float *b, float *y) {
    for (long r = 0; r < rows; r++, y += ca + cb) {
        fill(y, a ? a + r * ca : NULL, ca);
        fill(y + ca, b ? b + r * cb : NULL, cb);
    }
}

static void sum(long n, const float *a, const float *b, float *y) {
    if (a && b)
        for (long k = 0; k < n; k++) y[k] = a[k] + b[k];
    else fill(y, a ? a : b, n);
}

#if MODEL_IMAGES
static void doubled(long h, long w, long c, const float *x, float *y) { /* each pixel, in 4 */
    for (long p = 0; p < 4 * h * w; p++)
        fill(y + p * c, x + (p / (2 * w) / 2 * w + p % (2 * w) / 2) * c, c);
}

static void patches(long h, long w, long c, long size, const float *x, float *y, int back) {
    const long run = size * c, across = w / size;
    for (long row = 0; row < h; row++)
        for (long q = 0; q < across; q++) {
            const long image = (row * across + q) * run;
            const long patch = ((row / size * across + q) * size + row % size) * run;
            fill(y + (back ? image : patch), x + (back ? patch : image), run);
        }
}

static void turned_over(long rows, long cols, const float *x, float *y) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < cols; j++) y[j * rows + i] = x[i * cols + j];
}
#endif

#if MODEL_CONV
/* A convolution by 3 × 3 numbers. With stride 1, 2 × 2 results see a tile of 4 × 4 pixels, and 16
products of maps of both do (Winograd 1980; Lavin and Gray 2016): U = G W Gᵀ. */
static void weights_mapped(long size, const float *W, float *U) {
    for (long k = 0; k < size; k++) {
        float half[4][3];
        for (int c = 0; c < 3; c++) {
            const float a = W[c * size + k], b = W[(3 + c) * size + k], d = W[(6 + c) * size + k];
            half[0][c] = a, half[3][c] = d;
            half[1][c] = fma_by(MODEL_FUSED, .5f, d, fma_by(MODEL_FUSED, .5f, b, .5f * a));
            half[2][c] = fma_by(MODEL_FUSED, .5f, d, fma_by(MODEL_FUSED, -.5f, b, .5f * a));
        }
        for (int r = 0; r < 4; r++) {
            const float a = half[r][0], b = half[r][1], d = half[r][2];
            float *u = U + 4 * r * size + k;
            u[0] = a, u[3 * size] = d;
            u[size] = fma_by(MODEL_FUSED, .5f, d, fma_by(MODEL_FUSED, .5f, b, .5f * a));
            u[2 * size] = fma_by(MODEL_FUSED, .5f, d, fma_by(MODEL_FUSED, -.5f, b, .5f * a));
        }
    }
}

/* V = Bᵀ X B of one tile, whose corner is one pixel above and left of its results. */
static void tile_seen(long h, long w, long c, const float *x, long top, long left, float *V,
    long apart) {
    for (long k = 0; k < c; k++) {
        float t[4][4], u[4][4];
        for (long i = 0; i < 4; i++)
            for (long j = 0; j < 4; j++) {
                const long row = top + i, col = left + j;
                const int in = row >= 0 && row < h && col >= 0 && col < w;
                t[i][j] = in ? x[(row * w + col) * c + k] : 0.0f;
            }
        for (int j = 0; j < 4; j++) {
            u[0][j] = t[0][j] - t[2][j], u[1][j] = t[1][j] + t[2][j];
            u[2][j] = -t[1][j] + t[2][j], u[3][j] = t[1][j] - t[3][j];
        }
        for (int i = 0; i < 4; i++) {
            float *v = V + 4 * i * apart + k;
            v[0] = u[i][0] - u[i][2], v[apart] = u[i][1] + u[i][2];
            v[2 * apart] = -u[i][1] + u[i][2], v[3 * apart] = u[i][1] - u[i][3];
        }
    }
}

/* Y = Aᵀ M A, and the bias. */
static void tile_made(long h, long w, long c, const float *M, long apart, long top, long left,
    const float *bias, float *y) {
    for (long k = 0; k < c; k++) {
        float u[2][4];
        for (int j = 0; j < 4; j++) {
            const float *m = M + j * apart + k;
            u[0][j] = m[0] + m[4 * apart] + m[8 * apart];
            u[1][j] = m[4 * apart] - m[8 * apart] - m[12 * apart];
        }
        for (long i = 0; i < 2 && top + i < h; i++)
            for (long j = 0; j < 2 && left + j < w; j++) {
                const float s = j ? u[i][1] - u[i][2] - u[i][3] : u[i][0] + u[i][1] + u[i][2];
                y[((top + i) * w + left + j) * c + k] = bias ? s + bias[k] : s;
            }
    }
}

static void convolve(const model_operation *o, const float *x, const float *W, const float *U,
    const float *bias, float *y, float *V) {
    const long h = o->h, w = o->w, c = o->channels, out = o->out;
    const long high = (h + 1) / 2, wide = (w + 1) / 2, tiles = high * wide;
    float *M = V + 16 * tiles * c;
    if (o->stride == 2) {
        for (long t = 0; t < tiles; t++)
            for (long k = 0; k < 9; k++) {
                const long row = t / wide * 2 + k / 3 - 1, col = t % wide * 2 + k % 3 - 1;
                const int in = row >= 0 && row < h && col >= 0 && col < w;
                fill(V + (t * 9 + k) * c, in ? x + (row * w + col) * c : NULL, c);
            }
        product(tiles, out, 9 * c, V, 9 * c, 1, W, out, bias, 0, y, out);
        return;
    }
    for (long t = 0; t < tiles; t++)
        tile_seen(h, w, c, x, t / wide * 2 - 1, t % wide * 2 - 1, V + t * c, tiles * c);
    for (long k = 0; k < 16; k++)
        product(tiles, out, c, V + k * tiles * c, c, 1, U + k * c * out, out, NULL, 0,
            M + k * tiles * out, out);
    for (long t = 0; t < tiles; t++)
        tile_made(h, w, out, M + t * out, tiles * out, t / wide * 2, t % wide * 2, bias, y);
}

static void convolution(model_work *w, int i, int changes) {
    const model_operation *o = &model_net[i];
    const float *W = w->v[o->b], *bias = changes ? NULL : w->v[o->c];
    const long size = (long)o->channels * o->out;
    float *U = w->scratch;
    if (o->stride == 1) weights_mapped(size, W, U);
    for (long p = 0; p < (changes ? w->turns : 1) * w->n; p++)
        convolve(o, (changes ? w->j : w->v)[o->a] + p * size_of(o->a), W, U, bias,
            (changes ? w->j : w->v)[i] + p * size_of(i), U + 16 * size);
}
#endif

#if MODEL_NORM
/* The mean μ = mu + lo and 1/deviation r of each group of channels, of one image of h pixels. */
static void moments(long h, long c, long groups, const float *x, float *mu, float *lo, float *r,
    float *sums) {
    const long each = c / groups;
    const double count = (double)each * (double)h;
    column_sums(h, c, x, x, NULL, NULL, sums);
    for (long g = 0; g < c; g += each) {
        double all = 0;
        for (long k = g; k < g + each; k++) all += (double)h * (double)x[k] + (double)sums[k];
        for (long k = g; k < g + each; k++)
            mu[k] = (float)(all / count), lo[k] = (float)(all / count - (double)mu[k]);
    }
    column_sums(h, c, x, mu, x, mu, sums);
    for (long g = 0; g < c; g += each) {
        double all = 0, rest = lo[g];
        for (long k = g; k < g + each; k++) all += (double)sums[k];
        all -= count * rest * rest;
        const double root = 1 / sqrt((all > 0 ? all / count : all) + 1e-5);
        for (long k = g; k < g + each; k++) r[k] = (float)root;
    }
}

static void group_means(long h, long c, long groups, const float *weight, const float *from,
    float *to) {
    const long each = groups ? c / groups : c;
    for (long g = 0; g < c && groups; g += each) {
        double total = 0;
        for (long k = g; k < g + each; k++) total += (weight ? (double)weight[k] : 1) * from[k];
        for (long k = g; k < g + each; k++) to[k] = (float)(total / ((double)each * (double)h));
    }
}

/* Norm in groups (or none: groups 0), gain, bias, SiLU, of one image; xj: then of its change. */
static void normalise(const model_operation *o, const float *x, const float *const *told,
    int moves, const float *xj, float *y, float *room) {
    const long h = o->h, c = o->channels, groups = o->groups;
    float *mu = room, *lo = mu + c, *r = lo + c, *a = r + c, *b = a + c, *d = b + c;
    float *mean = d + c, *kappa = mean + c, *sums = kappa + c, *more = sums + c, *z = more + c;
    memset(room, 0, 10 * (size_t)c * sizeof *room);
    if (groups) moments(h, c, groups, x, mu, lo, r, sums);
    for (long k = 0; k < c && !groups; k++) r[k] = 1;
    if (moves) {
        memset(sums, 0, (size_t)c * sizeof *sums);
        if (xj) {
            column_sums(h, c, xj, NULL, NULL, NULL, sums);
            column_sums(h, c, xj, NULL, x, mu, more);
            for (long k = 0; k < c; k++) more[k] -= lo[k] * sums[k];
        }
        group_means(h, c, groups, NULL, sums, mean);
        group_means(h, c, groups, r, more, kappa);
        for (long k = 0; k < c; k++) {
            const float gain = (told[0] ? told[0][k] : 0) + (!told[0] || o->plus ? 1.0f : 0.0f);
            a[k] = xj ? gain * r[k] : 0;
            b[k] = r[k] * ((told[2] ? told[2][k] : 0) - a[k] * kappa[k]);
            d[k] = (told[3] ? told[3][k] : 0) - a[k] * mean[k] - b[k] * lo[k];
        }
        column_mix(h, c, a, xj, b, x, mu, d, y);
        if (!o->silu) return;
    }
    for (long k = 0; k < c; k++) {
        const float gain = (told[0] ? told[0][k] : 0) + (!told[0] || o->plus ? 1.0f : 0.0f);
        b[k] = gain * r[k];
        d[k] = (told[1] ? told[1][k] : 0) - lo[k] * b[k];
    }
    column_mix(h, c, NULL, NULL, b, x, mu, d, o->silu ? z : y);
    if (!o->silu) return;
    float *slope = z + h * c;
    curves(SILU, h * c, z, moves ? z : y, slope);
    for (long k = 0; k < h * c && moves; k++) y[k] = slope[k] * y[k];
}

static void norm(model_work *w, int i, int changes) {
    const model_operation *o = &model_net[i];
    const long size = (long)o->h * o->channels, images = size_of(i) / size;
    for (long l = 0; l < (changes ? w->turns : 1); l++)
        for (long q = 0; q < w->n * images; q++) {
            const long p = q / images, at = q % images;
            const float *told[4] = {NULL, NULL, NULL, NULL}; /* gain, bias and their changes */
            for (int k = 0; k < 2; k++) {
                const int of = k ? o->c : o->b;
                if (of < 0) continue;
                const long row = at / (images * o->channels / size_of(of)) * o->channels;
                const float *change = changes ? change_of(w, of, l, p) : NULL;
                told[k] = value_of(w, of, p) + row;
                if (change) told[2 + k] = change + row;
            }
            const float *xj = changes ? change_of(w, o->a, l, p) : NULL;
            normalise(o, value_of(w, o->a, p) + at * size, told, changes,
                xj ? xj + at * size : NULL,
                changes ? w->j[i] + (l * w->n * images + q) * size : w->v[i] + q * size,
                w->scratch);
        }
}
#endif

#if MODEL_ATTENTION
/* M (T, n) = X (T, d) times the n transposed rows of queries, or added to M. */
static void meet(long T, long n, long d, long W, const float *x, const float *queries, int add,
    float *m, float *turned) {
    for (long i = 0; i < n; i++)
        for (long k = 0; k < d; k++) turned[k * n + i] = queries[i * W + k];
    product(T, n, d, x, W, 1, turned, n, add ? m : NULL, n, m, n);
}

/* Softmax of Q Kᵀ/√d times V, for one head and n queries at a time. */
static void attention(model_work *w, int i, int changes) {
    const model_operation *o = &model_net[i];
    const long T = o->tokens, W = o->cols, d = W / o->heads, blocks = size_of(i) / (T * W);
    const float scale = (float)(1 / sqrt((double)d));
    float *a = w->scratch, *aj = a + 64 * T, *turned = aj + 64 * T;
    const int of[3] = {o->a, o->b, o->c};
    for (long l = 0; l < (changes ? w->turns : 1); l++)
        for (long p = 0; p < w->n * blocks * o->heads; p++)
            for (long from = 0; from < T; from += 64) {
                const long n = T - from < 64 ? T - from : 64, point = p / o->heads / blocks;
                const long at = p / o->heads % blocks * T * W + p % o->heads * d;
                const float *v[3], *j[3];
                for (int k = 0; k < 3; k++) {
                    const float *change = changes ? change_of(w, of[k], l, point) : NULL;
                    v[k] = value_of(w, of[k], point) + at + (k ? 0 : from * W);
                    j[k] = change ? change + at + (k ? 0 : from * W) : NULL;
                }
                float *y = (changes ? w->j[i] + l * w->n * size_of(i) : w->v[i]) +
                    point * size_of(i) + at + from * W;
                meet(T, n, d, W, v[1], v[0], 0, a, turned);
                softmax(T, n, scale, a);
                if (!changes) product(n, d, T, a, 1, n, v[2], W, NULL, 0, y, W);
                if (j[0]) meet(T, n, d, W, v[1], j[0], 0, aj, turned);
                if (j[1]) meet(T, n, d, W, j[1], v[0], j[0] != NULL, aj, turned);
                const int moves = j[0] || j[1];
                if (moves) softmax_slope(T, n, scale, a, aj);
                if (moves) product(n, d, T, aj, 1, n, v[2], W, NULL, 0, y, W);
                if (j[2]) product(n, d, T, a, 1, n, j[2], W, moves ? y : NULL, W, y, W);
            }
}
#endif

#if MODEL_TOKENS
static void centred(long rows, long n, const float *x, float *y) {
    for (long i = 0; i < rows; i++, x += n, y += n) {
        double part[4] = {0.0, 0.0, 0.0, 0.0};
        for (long j = 0; j < n; j++) part[j % 4] += (double)x[j];
        const double mean = ((part[0] + part[1]) + (part[2] + part[3])) / (double)n;
        const float most = (float)mean, rest = (float)(mean - (double)most);
        for (long j = 0; j < n; j++) y[j] = x[j] - most - rest;
    }
}
#endif

#if MODEL_DOT
/* a·b in sixteen sums, which are added in a tree. */
static double dot(const float *a, const float *b, long n) {
    double total = 0.0;
    for (long from = 0, to; from < n; from = to) {
        float lane[16] = {0};
        to = n - from < 4096 ? n : from + 4096;
        for (long i = from; i < to; i++)
            lane[i % 16] = fma_by(MODEL_FUSED, a[i], b[i], lane[i % 16]);
        for (int half = 8; half > 0; half /= 2)
            for (int l = 0; l < half; l++) lane[l] += lane[l + half];
        total += (double)lane[0];
    }
    if (fabs(total) > 1e-26 && fabs(total) < 1e38) return total;
    total = 0;
    for (long i = 0; i < n; i++) total += (double)a[i] * (double)b[i];
    return total;
}
#endif

#if MODEL_TOKENS
/* Each row to mean square 1, or the change of that. */
static void scaled_rows(long rows, long n, const float *x, const float *xj, float *y) {
    for (long i = 0; i < rows; i++, x += n, y += n) {
        const double r = 1 / sqrt(dot(x, x, n) / (double)n + 1e-5);
        const float s = (float)r;
        const float t = xj ? (float)(-r * r * r * dot(x, xj, n) / (double)n) : 0;
        for (long j = 0; j < n; j++)
            y[j] = xj ? fma_by(MODEL_FUSED, t, x[j], s * xj[j]) : s * x[j];
        if (xj) xj += n;
    }
}
#endif

/* One operation, for one point, of values; or of their changes, where v are the values. */
static void operate(const model_operation *o, const float *a, const float *b,
    const float *const v[2], float *y) {
    const long size = (long)o->rows * o->cols;
    switch (o->kind) {
    case ADD: sum(size, a, b, y); break;
    case CONCAT: beside(o->rows, model_net[o->a].cols, a, model_net[o->b].cols, b, y); break;
#if MODEL_MUL
    case MUL:
        for (long k = 0; k < size; k++)
            y[k] = !v ? a[k] * b[k]
                : a && b ? fma_by(MODEL_FUSED, v[0][k], b[k], a[k] * v[1][k])
                : a      ? a[k] * v[1][k]
                         : v[0][k] * b[k];
        break;
    case SCALE:
        for (long k = 0; k < size; k++) y[k] = o->by * a[k];
        break;
#endif
#if MODEL_IMAGES
    case CONCAT_CHANNELS:
        beside((long)o->h * o->w, model_net[o->a].cols / (o->h * o->w), a,
            model_net[o->b].cols / (o->h * o->w), b, y);
        break;
    case UPSAMPLE: doubled(o->h, o->w, o->cols / (4 * o->h * o->w), a, y); break;
    case PATCHIFY:
    case UNPATCHIFY:
        patches(o->h, o->w, size / (o->h * o->w), o->patch, a, y, o->kind == UNPATCHIFY);
        break;
    case TRANSPOSE:
        for (long at = 0; at < size; at += (long)o->tokens * model_net[o->a].cols)
            turned_over(o->tokens, model_net[o->a].cols, a + at, y + at);
        break;
#endif
#if MODEL_TOKENS
    case CENTER: centred(o->rows, o->cols, a, y); break;
    case RMS: scaled_rows(o->rows, o->cols, v ? v[0] : a, v ? a : NULL, y); break;
#endif
    default: break;
    }
    (void)v;
}

static void pointwise(model_work *w, int i, int changes) {
    const model_operation *o = &model_net[i];
    const long n = o->shared ? 1 : w->n;
    for (long l = 0; l < (changes ? w->turns : 1); l++)
        for (long p = 0; p < n; p++) {
            const float *v[2] = {value_of(w, o->a, p), o->b < 0 ? NULL : value_of(w, o->b, p)};
            if (!changes) operate(o, v[0], v[1], NULL, w->v[i] + p * size_of(i));
            else
                operate(o, change_of(w, o->a, l, p),
                    o->b < 0 ? NULL : change_of(w, o->b, l, p), v,
                    w->j[i] + (l * n + p) * size_of(i));
        }
}

/* The values of all operations, or their changes along `turns` directions. */
static void run(model_work *w, int changes) {
    for (int i = 0; i < MODEL_OPERATIONS; i++) {
        const model_operation *o = &model_net[i];
        if (changes && !o->moves) continue;
        switch (o->kind) {
        case INPUT: case PARAMETER: case SAME: break;
        case LOG_SIGMA: case TIME_SIGMA: case TIME_SINUSOIDAL:
            feature(o, w->v[i], (double)w->v[o->a][0]);
            break;
        case LINEAR: linear(w, i, changes); break;
#if MODEL_CONV
        case CONV: convolution(w, i, changes); break;
#endif
#if MODEL_NORM
        case NORM: norm(w, i, changes); break;
#endif
#if MODEL_ATTENTION
        case ATTENTION: attention(w, i, changes); break;
#endif
        default:
            if (is_curve(o->kind)) bend(w, i, changes);
            else pointwise(w, i, changes);
        }
    }
}

/* Where everything lies, in `room`; returns how many floats that takes. */
static size_t place(model_work *w, long n, int turns, float *room) {
    size_t at = 0;
    w->n = n, w->turns = turns;
    for (int i = 0; i < MODEL_OPERATIONS; i++) {
        const model_operation *o = &model_net[i];
        const size_t size = (size_t)(o->shared ? 1 : n) * (size_t)size_of(i);
        w->slope[i] = w->j[i] = NULL;
        if (o->kind == PARAMETER) w->v[i] = (float *)(uintptr_t)(model_weights + o->weight);
        else if (o->kind == SAME) w->v[i] = w->v[o->a], w->j[i] = w->j[o->a];
        if (o->kind == PARAMETER || o->kind == SAME) continue;
        w->v[i] = room + at, at += size;
        if (!turns || !o->moves) continue;
        if (is_curve(o->kind)) w->slope[i] = room + at, at += size;
        w->j[i] = room + at, at += (size_t)turns * size;
    }
    w->scratch = room + at;
    return at + MODEL_SCRATCH;
}

/* 4. What the network says about n points at the noise level t: the score s = ∇log p_t; and js, its
change along `directions` of v, or the trace of its Jacobian, unless they are NULL. */
typedef struct model_answer {
    float *s, *js, *trace;
    const float *v;
    int directions;
} model_answer;

static void ask(model_work *w, const float *x, double time, const model_answer *to) {
    const float t = (float)time;
    const double sigma = (double)t, all = sigma * sigma + MODEL_SIGMA_DATA * MODEL_SIGMA_DATA;
    const double a = sigma / all, b = -MODEL_SIGMA_DATA / sqrt(all), scale = 1 / sqrt(all);
    const long size = w->n * MODEL_D, most = w->turns;
    const int last = MODEL_OPERATIONS - 1;
    for (long k = 0; k < size; k++) w->v[0][k] = (float)(scale * (double)x[k]);
    w->v[1][0] = t;
    run(w, 0);
    for (long k = 0; k < size; k++)
        to->s[k] = (float)((a * (double)x[k] + b * (double)w->v[last][k]) / -sigma);
    for (long from = 0; from < to->directions; from += most) {
        w->turns = (int)(to->directions - from < most ? to->directions - from : most);
        for (long l = 0; l < w->turns; l++)
            for (long k = 0; k < size; k++)
                w->j[0][l * size + k] = to->trace ? (k % MODEL_D == from + l ? 1.0f : 0.0f)
                                                  : (float)(scale * (double)to->v[from * size +
                                                        l * size + k]);
        run(w, 1);
        for (long l = 0; l < w->turns; l++)
            for (long k = 0; k < size && to->js; k++) {
                const long at = (from + l) * size + k;
                to->js[at] = (float)((a * (double)to->v[at] +
                    b * (double)w->j[last][l * size + k]) / -sigma);
            }
        for (long l = 0; l < w->turns && to->trace; l++)
            for (long i = 0; i < w->n; i++)
                to->trace[i] = (from + l ? to->trace[i] : 0) +
                    w->j[last][(l * w->n + i) * MODEL_D + from + l];
    }
    for (long i = 0; to->trace && i < w->n; i++)
        to->trace[i] = (float)((a * MODEL_D + b * scale * (double)to->trace[i]) / -sigma);
    w->turns = (int)most;
}

/* 5. The flow and the sampler, for points that are solved together. */
typedef struct model_flow {
    model_work work;
    long n, size, state, most; /* points; n D; and with the sums of a log density; of a network */
    int sums;
    double *y, *stage, *k[4];
    float *x, *s, *v, *js, *z, *known; /* z: the points as they come and go; known: 1, or 0 */
    double *slope, *answer, *place;    /* (n); place: whose probes a point has */
    double past; /* what the sampler remembers, of n_past steps */
    int n_past;
    void *memory; /* to be freed */
} model_flow;

enum { RATE, CLEAN };

/* k = a y + b s(y, t): dy/dt of the flow, or the clean point; and the rates of the sums. */
static void flow_ask(model_flow *f, double *k, const double *y, double t, int what) {
    const double a = what == RATE ? 0 : 1, half_g2 = 0.5 * (2 * t);
    const double b = what == RATE ? -0.5 * (2 * t) : t * t;
    double *rate = k + f->size;
    for (long i = 0; i < f->size; i++) f->x[i] = (float)y[i];
    for (long i = 0; i < f->n * f->sums; i++) rate[i] = 0;
    for (long from = 0, n; from < f->n; from += n) {
        const long at = from * MODEL_D;
        model_answer to = {NULL, NULL, NULL, NULL, 0};
        n = f->n - from < f->most ? f->n - from : f->most;
        f->work.n = n, to.s = f->s + at;
#if MODEL_MASKED
        memcpy(f->work.v[3], f->known + at, (size_t)n * MODEL_D * sizeof(float));
        for (long i = 0; i < n; i++) f->work.v[4][i] = 1;
#endif
#if MODEL_PROBES
        to.v = f->v + at * MODEL_PROBES, to.js = f->js;
#else
        to.trace = f->js;
#endif
        if (f->sums) to.directions = MODEL_PROBES ? MODEL_PROBES : MODEL_D;
        else to.trace = NULL;
        ask(&f->work, f->x + at, t, &to);
#if MODEL_PROBES
        for (long l = 0; l < f->sums; l++)
            for (long i = 0; i < n; i++) {
                const long place = (l * n + i) * MODEL_D;
                rate[(from + i) * f->sums + l] -=
                    half_g2 * dot(to.v + place, f->js + place, MODEL_D);
            }
#else
        for (long i = 0; i < n && f->sums; i++) rate[from + i] -= half_g2 * (double)f->js[i];
#endif
    }
    for (long i = 0; i < f->size; i++) k[i] = a * y[i] + b * (double)f->s[i];
}

/* to = a x + scale Σ c_j k_j */
static void blend(model_flow *f, double *to, double a, const double *x, double scale,
    const double *c, int terms) {
    for (long i = 0; i < f->state; i++) {
        double sum = a * x[i];
        for (int j = 0; j < terms; j++) sum += scale * c[j] * f->k[j][i];
        to[i] = sum;
    }
}

/* Runge and Kutta's step, by its table: stages, c, a, b. */
typedef struct model_table {
    int stages;
    double c[4], a[4][3], b[4];
} model_table;

static void runge_kutta(model_flow *f, const model_table *r, double t, double h, double *to) {
    for (int i = 0; i < r->stages; i++) {
        if (i > 0) blend(f, f->stage, 1, f->y, h, r->a[i], i);
        flow_ask(f, f->k[i], i ? f->stage : f->y, t + r->c[i] * h, RATE);
    }
    blend(f, to, 1, f->y, h, r->b, r->stages);
}

static const model_table classical = {
    4, {0, 0.5, 0.5, 1}, {{0}, {0.5}, {0, 0.5}, {0, 0, 1}}, {1. / 6, 1. / 3, 1. / 3, 1. / 6}};

#if MODEL_HEUN
static const model_table heun = {2, {0, 1}, {{0}, {1}}, {0.5, 0.5}};
#else
/* DPM-Solver++(2M), or with noise SDE-DPM-Solver++(2M) (Lu et al. 2022). */
static void dpm_step(model_flow *f, double t, double to, model_key key, long first) {
    const double l = logarithm(1 / t), h = logarithm(1 / to) - l;
    const double part = -exponential_less_1(MODEL_NOISY ? -2 * h : -h);
    const double r = (l - f->past) / h;
    double c[2] = {part, 0};
    const int terms = f->n_past < 1 ? 1 : 2;
    flow_ask(f, f->k[0], f->y, t, CLEAN);
    if (terms == 2) c[0] = part * (1 + 0.5 / r), c[1] = -part * 0.5 / r;
    blend(f, f->y, to / t * (MODEL_NOISY ? exponential(-h) : 1), f->y, 1, c, terms);
#if MODEL_NOISY
    draw(f->x, f->size, key, (uint64_t)first * MODEL_D, 1);
    for (long i = 0; i < f->size; i++) f->y[i] += to * sqrt(part) * (double)f->x[i];
#else
    (void)key, (void)first;
#endif
    memcpy(f->k[1], f->k[0], (size_t)f->size * sizeof(double));
    f->past = l, f->n_past++;
}
#endif

/* Points first ... first + n of a set, drawn: the prior, steps, and the clean point at the end. */
static void draw_points(model_flow *f, float *x, long first, model_key key) {
    const int last = MODEL_SAMPLE_TIMES - 1;
    draw(x, f->size, key_child(key, 0), (uint64_t)first * MODEL_D, 1);
    for (long i = 0; i < f->size; i++) x[i] *= (float)model_sample_times[0];
    f->n_past = 0;
    for (int i = 0; i < last; i++) {
        const double t = model_sample_times[i], to = model_sample_times[i + 1];
        for (long k = 0; k < f->size; k++) f->y[k] = (double)x[k];
#if MODEL_HEUN
        runge_kutta(f, &heun, t, to - t, f->y);
#else
        dpm_step(f, t, to, key_child(key, (uint64_t)i + 1), first);
#endif
        for (long k = 0; k < f->size; k++) x[k] = (float)f->y[k];
    }
    const double t = model_sample_times[last];
    for (long k = 0; k < f->size; k++) f->y[k] = (double)x[k];
    flow_ask(f, f->k[0], f->y, t, RATE);
    for (long k = 0; k < f->size; k++)
        x[k] = (float)((double)x[k] + t * t * (double)f->s[k] + 0.0);
}

/* log p of points x: what the flow gains on their way to the prior, and the prior's own. */
static void log_points(model_flow *f, double *logp, const float *x, model_key key) {
    const double std = MODEL_PRIOR;
#if MODEL_PROBES
    const model_key probes = key_child(key, 0);
    for (long from = 0, n; from < f->n; from += n) { /* of each block of points, all in a row */
        n = f->n - from < f->most ? f->n - from : f->most;
        for (long i = 0; i < n * MODEL_PROBES; i++) {
            float *v = f->v + (from * MODEL_PROBES + i) * MODEL_D;
            const uint64_t place = (uint64_t)f->place[from + i % n];
            draw(v, MODEL_D, key_child(probes, (uint64_t)(i / n)), place * MODEL_D, 0);
            for (long k = 0; k < MODEL_D; k++) v[k] = v[k] < 0.5f ? -1.0f : 1.0f;
        }
    }
#else
    (void)key;
#endif
    for (long i = 0; i < f->state; i++) f->y[i] = i < f->size ? (double)x[i] : 0;
    for (int i = MODEL_SOLVE_TIMES - 1; i > 0; i--) {
        const double t = model_solve_times[i], to = model_solve_times[i - 1];
        runge_kutta(f, &classical, t, to - t, f->y);
    }
    for (long i = 0; i < f->n; i++) {
        double prior = -MODEL_D * (0.91893853320467274178 + logarithm(std)), square = 0, mean = 0;
        for (long k = i * MODEL_D; k < (i + 1) * MODEL_D; k++) {
            const float z = (float)f->y[k];
            square += (double)z * (double)z;
        }
        prior -= square / (2 * std * std);
        for (int k = 0; k < f->sums; k++) mean += f->y[f->size + i * f->sums + k];
        logp[i] = prior + mean / f->sums;
    }
}

/* Room for n points that are solved together: one block of memory, or 0. */
static int flow_made(model_flow *f, long n, int sums) {
    model_work unplaced;
    const long most = n < MODEL_BLOCK ? n : MODEL_BLOCK;
    const int turns = sums ? MODEL_TURNS : 0;
    const size_t size = (size_t)n * MODEL_D, state = size + (size_t)n * (size_t)sums;
    const size_t jumps = MODEL_PROBES ? (size_t)most * MODEL_D * MODEL_PROBES : (size_t)most;
    const size_t floats = place(&unplaced, most, turns, NULL) + 4 * size + jumps +
        size * MODEL_PROBES, doubles = 6 * state + 3 * (size_t)n;
    double *at = (double *)malloc(doubles * sizeof(double) + floats * sizeof(float));
    memset(f, 0, sizeof *f);
    if (!at) return 0;
    f->memory = at, f->y = at, f->stage = at + state, f->sums = sums, f->most = most;
    for (int i = 0; i < 4; i++) f->k[i] = at + (2 + (size_t)i) * state;
    f->slope = at + 6 * state, f->answer = f->slope + n;
    f->place = f->answer + n;
    f->x = (float *)(void *)(at + doubles), f->s = f->x + size, f->z = f->s + size;
    f->known = f->z + size, f->js = f->known + size, f->v = f->js + jumps;
    (void)place(&f->work, most, turns, f->v + size * MODEL_PROBES);
    f->work.turns = turns;
    return 1;
}

static void flow_of(model_flow *f, long n) { /* of so many points now */
    f->n = n, f->size = n * MODEL_D, f->state = f->size + n * f->sums;
}

/* 6. Rows and points. */
static double logarithm_of_1_and(double x) {
    const double z = x / (2 + x);
    return fabs(x) < 0.3 ? 2 * z + 2 * z * artanh_tail(z) : logarithm(1 + x);
}

static double area_sine(double x) { /* asinh */
    const double a = fabs(x), r = logarithm_of_1_and(a + a * a / (1 + sqrt(1 + a * a)));
    return x < 0 ? -r : r;
}

static double hyperbolic_sine(double x) {
    const double e = exponential_less_1(fmin(fabs(x), 30)), r = 0.5 * (e + e / (1 + e));
    return x < 0 ? -r : r;
}

#if MODEL_CELLS
/* A count or a grade: F is the share of the rows up to v, and F(v) = h(y) = 1/(1 + e^-(a y + b y³))
(Bowling et al. 2009). */
static const double bell_a = 1.5976, bell_b = 0.070566;

static double bent_by_cells(const model_coordinate *c, double v, double *log_slope) {
    const double *F = model_knots + c->knot, at = v - c->centre, last = c->cells - 1;
    double below, above, slope;
    if (at <= 0) {
        below = F[0] * exponential(fmax(at, -900) * model_ln2);
        above = 1 - below, slope = below * model_ln2;
    } else if (at >= last) {
        above = (1 - F[c->cells - 1]) * exponential(fmax(last - at, -900) * model_ln2);
        below = 1 - above, slope = above * model_ln2;
    } else {
        const int i = (int)at;
        slope = F[i + 1] - F[i], below = F[i] + (at - i) * slope, above = 1 - below;
    }
    const double p = sqrt(bell_a / (3 * bell_b));
    const double y = 2 * p * hyperbolic_sine(
        area_sine((logarithm(below) - logarithm(above)) / (2 * bell_b * p * p * p)) / 3);
    *log_slope = -logarithm(below * above * (bell_a + 3 * bell_b * y * y));
    *log_slope += logarithm(slope);
    return y;
}

static double unbent_by_cells(const model_coordinate *c, double y) {
    y = fmin(12, fmax(-12, y));
    const double *F = model_knots + c->knot;
    const double e = exponential(-fabs(bell_a * y + bell_b * y * y * y));
    const double below = y < 0 ? e / (1 + e) : 1 / (1 + e);
    const double above = y < 0 ? 1 / (1 + e) : e / (1 + e), rest = 1 - F[c->cells - 1];
    int i = 0;
    if (below <= F[0]) return c->centre + logarithm(below / F[0]) / model_ln2;
    if (above <= rest) return c->centre + c->cells - 1 - logarithm(above / rest) / model_ln2;
    while (i < c->cells - 2 && F[i + 1] < below) i++;
    return c->centre + i + (below - F[i]) / (F[i + 1] - F[i]);
}
#endif

static double bent(const model_coordinate *c, double v, double *log_slope) {
#if MODEL_CELLS
    if (c->cells) return bent_by_cells(c, v, log_slope);
#endif
    const double x = (v - c->centre) / c->unit;
    const int straight = c->tail == 1 && c->skew == 0;
    const double y = straight ? x : hyperbolic_sine(c->tail * area_sine(x) - c->skew);
    *log_slope = -logarithm(c->unit * c->scale);
    if (!straight)
        *log_slope += logarithm(c->tail) +
            0.5 * (logarithm_of_1_and(y * y) - logarithm_of_1_and(x * x));
    return (y - c->shift) / c->scale;
}

static double unbent(const model_coordinate *c, double y) {
#if MODEL_CELLS
    if (c->cells) return unbent_by_cells(c, y);
#endif
    double x = y * c->scale + c->shift;
    if (c->tail != 1 || c->skew != 0) x = hyperbolic_sine((area_sine(x) + c->skew) / c->tail);
    return c->centre + c->unit * x;
}

static double normal_of(model_key key, uint64_t i) {
    float z;
    draw(&z, 1, key, i, 1);
    return (double)z;
}

static double uniform_of(model_key key, uint64_t i) { /* of 52 bits */
    uint32_t w[4];
    philox(w, key, i, 0);
    const uint64_t bits = ((uint64_t)w[0] << 20) ^ (w[1] >> 12);
    return ((double)bits + 0.5) * (1.0 / 4503599627370496.0);
}

/* The number that coordinate k is about, with what is added to it; log_q: log density of that. */
static double value_with(const double *row, int k, model_key key, uint64_t i, double *log_q) {
    const model_coordinate *c = &model_coordinates[k];
    const double v = row[c->column];
    const uint64_t place = i * MODEL_D + (uint64_t)k;
    *log_q = 0;
    if (v != v || model_columns[c->column].kind == NUMBER) return v;
#if MODEL_SEVERAL
    if (c->bit < 0) { /* one draw in each of MODEL_ADDED equal parts, in turn from some part on */
        uint64_t part = (uint64_t)(uniform_of(key_child(key, 2), (uint64_t)k) * MODEL_ADDED);
        part = (i + (part < MODEL_ADDED ? part : MODEL_ADDED - 1)) % MODEL_ADDED;
        return v + ((double)part + uniform_of(key, place)) / MODEL_ADDED - 0.5;
    }
#else
    if (c->bit < 0) return v + uniform_of(key, place) - 0.5;
#endif
    const double z = normal_of(key, place);
    *log_q = -0.5 * z * z - 0.91893853320467274178 + logarithm(4);
    return ((int)v >> c->bit & 1 ? 1 : -1) + z / 4;
}

/* A key of what is in a row, wherever that stands. */
static model_key key_of_row(model_key key, const double *row) {
    for (int j = 0; j < MODEL_COLUMNS; j++) {
        uint64_t bits = 0; /* of what is not known, and of both zeros */
        if (row[j] < 0 || row[j] > 0) memcpy(&bits, row + j, sizeof bits);
        key = key_child(key, bits);
    }
    return key;
}

/* A row with its i-th additions as a point z; returns the log slope of that, less log q. */
static double encoded(float *z, float *known, const double *row, model_key key, uint64_t i) {
    double y[MODEL_D], sum = MODEL_LOG_TURN, slope, log_q;
    const model_key fill = key_child(key, 1);
    for (int k = 0; k < MODEL_D; k++) {
        const double v = value_with(row, k, key, i, &log_q);
        known[k] = v == v;
        if (v == v) {
            y[k] = bent(&model_coordinates[k], v, &slope);
            sum += slope - log_q;
        } else {
            y[k] = normal_of(fill, i * MODEL_D + (uint64_t)k);
            sum += 0.5 * y[k] * y[k] + 0.91893853320467274178;
        }
    }
    for (int k = 0; k < MODEL_D; k++) {
#if MODEL_TURNED
        double all = 0;
        for (int j = 0; j < MODEL_D; j++) all += model_turn[k][j] * y[j];
        z[k] = (float)all;
#else
        z[k] = (float)y[k];
#endif
    }
    return sum;
}

#if MODEL_CATEGORIES
static int nearest_level(const double *v, int levels) {
    int best = 0, bits = 0;
    double least = HUGE_VAL;
    while (bits < 30 && 1 << bits < levels) bits++;
    for (int k = 0; k < levels; k++) {
        double far = 0;
        for (int b = 0; b < bits; b++) {
            const double miss = v[b] - (k >> b & 1 ? 1 : -1);
            far += miss * miss;
        }
        if (far < least) least = far, best = k;
    }
    return best;
}
#endif

static void decoded(double *row, const float *z) {
    double v[MODEL_D];
    for (int j = 0; j < MODEL_COLUMNS; j++) row[j] = model_columns[j].low;
    for (int k = 0; k < MODEL_D; k++) {
#if MODEL_TURNED
        double y = 0;
        for (int j = 0; j < MODEL_D; j++) y += model_back[k][j] * (double)z[j];
#else
        const double y = (double)z[k];
#endif
        v[k] = unbent(&model_coordinates[k], y);
    }
    for (int k = 0; k < MODEL_D; k++) {
        const int j = model_coordinates[k].column;
        const model_column *c = &model_columns[j];
        if (c->kind == NUMBER) row[j] = v[k];
        else if (c->kind == INTEGER) row[j] = fmin(c->high, fmax(c->low, floor(v[k] + 0.5)));
#if MODEL_CATEGORIES
        else if (model_coordinates[k].bit == 0) row[j] = (double)nearest_level(v + k, c->levels);
#endif
    }
}

/* log p of a whole number that was the same in all rows, and of others beside it. */
static double constant(double off) {
    const double all = (double)MODEL_ROWS + 1;
    return off > 0 ? -logarithm(2 * all) - off * model_ln2 : logarithm((double)MODEL_ROWS / all);
}

/* What the flow cannot say of a row: 1, and its answer. */
static int answered(const double *row, double *logp) {
    int none = 0, gaps = 0, bad = 0;
    double more = 0;
    for (int j = 0; j < MODEL_COLUMNS; j++) {
        const model_column *c = &model_columns[j];
        const double v = row[j];
        gaps |= v != v;
        if (v != v) continue;
        bad |= !(fabs(v) < 1e300) || (c->kind != NUMBER && v != floor(v)) ||
            (c->kind == CATEGORY && (v < 0 || v >= c->levels));
        if (c->low == c->high && c->kind == INTEGER) more += constant(fabs(v - c->low));
        else none |= c->low == c->high && v != c->low;
    }
    *logp += more;
    if (none) *logp = -HUGE_VAL;
    if (bad || (gaps && !none && !MODEL_MASKED)) *logp = (double)NAN;
    return none || bad || (gaps && !MODEL_MASKED);
}

#ifdef __cplusplus
extern "C" {
#endif
int model_sample(double *rows, long n, uint64_t seed);
int model_logp(double *logp, const double *rows, long n);
const char *model_column_name(int j);
const char *model_level(int j, int k);
#ifdef __cplusplus
}
#endif

/* n new rows of MODEL_COLUMNS numbers: those of sgm_fitted_sample with sgm_key_init(seed). 1: there
is no memory. */
int model_sample(double *rows, long n, uint64_t seed) {
    model_flow f;
    if (n < 1) return 0;
    if (!flow_made(&f, n < MODEL_TOGETHER ? n : MODEL_TOGETHER, 0)) return 1;
    for (long i = 0, m; i < n; i += m) {
        m = n - i < MODEL_TOGETHER ? n - i : MODEL_TOGETHER;
        flow_of(&f, m);
        for (long k = 0; k < f.size; k++) f.known[k] = 1;
        draw_points(&f, f.z, i, key_of(seed));
        for (long k = 0; k < m; k++) decoded(rows + (i + k) * MODEL_COLUMNS, f.z + k * MODEL_D);
    }
    free(f.memory);
    return 0;
}

/* log p of n rows: that of sgm_fitted_logp with sgm_key_init(1). NaN: a row that is none; 1: there
is no memory. */
int model_logp(double *logp, const double *rows, long n) {
    const long each = MODEL_TOGETHER / MODEL_ADDED;
    const model_key key = key_of(1), added = key_child(key, 0), probes = key_child(key, 1);
    const double usual[MODEL_COLUMNS] = MODEL_USUAL;
    model_flow f;
    if (n < 1) return 0;
    if (!flow_made(&f, (n < each ? n : each) * MODEL_ADDED, MODEL_PROBES ? MODEL_PROBES : 1))
        return 1;
    for (long i = 0, m; i < n; i += m) {
        m = n - i < each ? n - i : each;
        flow_of(&f, m * MODEL_ADDED);
        for (long k = 0; k < f.n; k++) {
            const double *row = rows + (i + k / MODEL_ADDED) * MODEL_COLUMNS;
            const uint32_t place = key_of_row(key, row).k[0] >> 8;
            double unused = 0;
            if (answered(row, &unused)) row = usual;
            f.slope[k] = encoded(f.z + k * MODEL_D, f.known + k * MODEL_D, row,
                key_of_row(added, row), (uint64_t)(k % MODEL_ADDED));
            f.place[k] = MODEL_MASKED ? (double)k
                : (double)place * MODEL_ADDED + (double)(k % MODEL_ADDED);
        }
        log_points(&f, f.answer, f.z, probes);
        for (long k = 0; k < m; k++) {
            double top = -HUGE_VAL, sum = 0, *of = f.answer + k * MODEL_ADDED;
            for (long a = 0; a < MODEL_ADDED; a++) {
                of[a] += f.slope[k * MODEL_ADDED + a];
                top = fmax(top, of[a]);
            }
            for (long a = 0; a < MODEL_ADDED && top > -HUGE_VAL; a++)
                sum += exponential(of[a] - top);
            logp[i + k] = top + (top > -HUGE_VAL ? logarithm(sum / (double)MODEL_ADDED) : 0);
            (void)answered(rows + (i + k) * MODEL_COLUMNS, logp + i + k);
        }
    }
    free(f.memory);
    return 0;
}

const char *model_column_name(int j) {
    return j >= 0 && j < MODEL_COLUMNS ? model_columns[j].name : NULL;
}

/* The name of level k of a category; NULL: it is its number. */
const char *model_level(int j, int k) {
    const model_column *c = model_columns + (j >= 0 && j < MODEL_COLUMNS ? j : 0);
    return c->level && j >= 0 && j < MODEL_COLUMNS && k >= 0 && k < c->levels ? c->level[k] : NULL;
}

#ifdef MODEL_MAIN
/* A word as CSV has it. */
static void put_word(const char *word) {
    const size_t n = strlen(word);
    if (n && !strpbrk(word, ",;\t\r\n\"") && !strchr(" #\xef", *word) && word[n - 1] != ' ' &&
        strncmp(word, "sep=", 4) != 0) {
        fputs(word, stdout);
        return;
    }
    putchar('"');
    for (; *word; word++) *word == '"' ? fputs("\"\"", stdout) : putchar(*word);
    putchar('"');
}

static void put_number(double x) {
    char text[40];
    if (x != x) return; /* not known: an empty field */
    if (fabs(x) < 1e15 && x == floor(x)) {
        printf("%.0f", x);
        return;
    }
    snprintf(text, sizeof text, "%.15g", x);
    if (strtod(text, NULL) < x || strtod(text, NULL) > x) snprintf(text, sizeof text, "%.17g", x);
    fputs(text, stdout);
}

int main(int argc, char **argv) {
    const long n = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const int tells = argc > 3 && strcmp(argv[3], "logp") == 0;
    double *rows = n > 0 && n < 1L << 30
        ? (double *)malloc((size_t)n * (MODEL_COLUMNS + 1) * sizeof *rows) : NULL;
    double *logp = rows ? rows + n * MODEL_COLUMNS : NULL;
    if (!rows || model_sample(rows, n, seed) || (tells && model_logp(logp, rows, n))) {
        fprintf(stderr, "usage: %s [rows [seed [logp]]], of rows at least 1\n", argv[0]);
        return free(rows), 1;
    }
    for (int j = 0; j < MODEL_COLUMNS; j++) {
        if (j) putchar(',');
        put_word(model_columns[j].name);
    }
    puts(tells ? ",logp" : "");
    for (long i = 0; i < n; i++) {
        for (int j = 0; j < MODEL_COLUMNS; j++) {
            const double x = rows[i * MODEL_COLUMNS + j];
            if (j) putchar(',');
            if (model_level(j, (int)x)) put_word(model_level(j, (int)x));
            else put_number(x);
        }
        if (tells) putchar(','), put_number(logp[i]);
        putchar('\n');
    }
    return free(rows), ferror(stdout) != 0;
}
#endif
