/*
Tests of chapter 9, data and measures. Truths are closed forms, GSL, or a slower and simpler way to
the same number.

Statistical checks have fixed keys and a tolerance of Z = 5 standard errors: were the keys drawn
anew, each would fail once in 1.7 million runs, and the about 70 of them once in 25 000. Standard
errors are derived beside their use, or estimated from R replicates and then held against Student's
t at the same rate. P_MIN is that rate for p-values.

    cc -O2 -o test_9_data test_9_data.c -lcmocka -lgsl -lgslcblas -lm
*/

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include <gsl/gsl_cdf.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#define Z 5.0
#define P_MIN 5.7e-7
#define PI 3.14159265358979323846
#define N 20000

static void check_near(const char *what, double got, double truth, double tolerance, int line) {
    if (fabs(got - truth) <= tolerance) return;
    fail_msg("line %d: %s = %.12g, truth %.12g, off by %.3g, tolerance %.3g", line, what, got,
             truth, got - truth, tolerance);
}

#define near(got, truth, tolerance) check_near(#got, got, truth, tolerance, __LINE__)
#define above(got, bound) check_near(#got, (got) > (bound) ? 1 : 0, 1, 0, __LINE__)

static float points[2 * N], others[2 * N];

static sgm_key key_of(uint64_t seed) { return sgm_key_init(seed); }

static double mean_of(const float *x, long n, int stride, int power) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += pow(x[i * stride], power);
    return sum / (double)n;
}

static double uniform_cdf(double x, void *user) {
    (void)user;
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double normal_cdf(double x, void *user) { return gsl_cdf_ugaussian_P(x - *(double *)user); }

static double p_uniform(const float *u, long n) {
    return stat_ks_p(stat_ks(u, n, uniform_cdf, NULL), (double)n);
}

/* Mean ± standard error of R replicates against a truth: Student's t at rate P_MIN. */

#define R 400

static void mean_near(const char *what, const double *x, double truth, int line) {
    double mean = 0, var = 0;
    for (int i = 0; i < R; i++) mean += x[i] / R;
    for (int i = 0; i < R; i++) var += (x[i] - mean) * (x[i] - mean) / (R - 1);
    check_near(what, mean, truth, gsl_cdf_tdist_Qinv(P_MIN / 2, R - 1) * sqrt(var / R), line);
}

/* ---- toy sets ---- */

static void test_ring(void **state) {
    (void)state;
    float x[16];
    sgm_data_ring(x, 8);
    for (int j = 0; j < 8; j++) { /* rounding to float: 2^-25 below 1, and 1e-15 from sgm's sin */
        near(x[2 * j], cos(PI * j / 4), 3.1e-8);
        near(x[2 * j + 1], sin(PI * j / 4), 3.1e-8);
    }
}

static void test_gaussians(void **state) {
    (void)state;
    double std = 0.05, radius = 2;
    int modes = 5;
    double count[5] = {0, 0, 0, 0, 0}, fair[5], sum[5][2], square = 0;
    memset(sum, 0, sizeof sum);
    sgm_data_gaussians(points, N, modes, radius, std, key_of(1));
    for (long i = 0; i < N; i++) {
        double angle = atan2(points[2 * i + 1], points[2 * i]) / (2 * PI);
        int mode = (int)floor(angle * modes + modes + 0.5) % modes;
        double dx = points[2 * i] - radius * cos(2 * PI * mode / modes);
        double dy = points[2 * i + 1] - radius * sin(2 * PI * mode / modes);
        assert_true(hypot(dx, dy) < 6.8 * sqrt(2) * std); /* |z| < 6.8 in each coordinate here */
        count[mode]++, sum[mode][0] += dx, sum[mode][1] += dy, square += dx * dx + dy * dy;
    }
    for (int m = 0; m < modes; m++) {
        fair[m] = (double)N / modes;
        near(sum[m][0] / count[m], 0, Z * std / sqrt(count[m])); /* SE of a mean */
        near(sum[m][1] / count[m], 0, Z * std / sqrt(count[m]));
    }
    above(stat_chi2_p(count, fair, modes, 0), P_MIN);
    /* 2N squares of normals: SE of a variance is var √(2/(2N)) */
    near(square / (2.0 * N), std * std, Z * std * std * sqrt(1.0 / N));
    sgm_data_gaussians(points, 3, 0, 1, 1, key_of(1));
    assert_true(points[0] != points[0] && points[5] != points[5]);
    assert_true(sgm_error()[0] != 0);
}

/* What noise added: the same key with and without it differs by N(0, noise²) and nothing else. */

static void check_noise(double noise) {
    for (long i = 0; i < 2 * N; i++) others[i] -= points[i];
    for (int k = 0; k < 2; k++) {
        near(mean_of(others + k, N, 2, 1), 0, Z * noise / sqrt(N)); /* SE of a mean     */
        near(mean_of(others + k, N, 2, 2), noise * noise,           /* SE of a variance */
             Z * noise * noise * sqrt(2.0 / N));
    }
    for (int lag = 1; lag < 5; lag++) { /* of the product of two independent normals, std noise² */
        double across = 0;
        for (long i = 0; i < 2 * N - 4; i++) across += (double)others[i] * others[i + lag];
        near(across / (2 * N - 4), 0, Z * noise * noise / sqrt(2 * N - 4));
    }
}

static void test_moons(void **state) {
    (void)state;
    long upper = 0;
    static float place[N];
    sgm_data_moons(points, N, 0, key_of(2));
    for (long i = 0; i < N; i++) {
        double x = points[2 * i], y = points[2 * i + 1];
        /* both coordinates rounded to float: 2^-24 each at most 2 in size, so r is off by < 3e-7 */
        int up = y >= 0 && fabs(hypot(x, y) - 1) < 3e-7;
        int low = y <= 0.5 && fabs(hypot(x - 1, y - 0.5) - 1) < 3e-7;
        assert_true(up || low);
        upper += up;
        place[i] = (float)((up ? atan2(y, x) : atan2(0.5 - y, 1 - x)) / PI);
    }
    near((double)upper / N, 0.5, Z * 0.5 / sqrt(N)); /* SE of a fair coin */
    above(p_uniform(place, N), P_MIN);
    /* x: means 0 and 1, var ½ in each arc: var ½ + ¼. y: means 2/π, ½ - 2/π; E y² = ½, ¾ - 2/π */
    near(mean_of(points, N, 2, 1), 0.5, Z * sqrt(0.75 / N));
    near(mean_of(points + 1, N, 2, 1), 0.25, Z * sqrt((0.625 - 1 / PI - 0.0625) / N));
    /* E x² = 3/4 + (1/2)², E y² = 9/16 - 1/π + (1/4)²; E x⁴ is the mean of 3/8 and 1 + 6/2 + 3/8, and y² in (0,1) */
    near(mean_of(points, N, 2, 2), 0.75 + 0.25, Z * sqrt((2.375 - 1) / N));
    near(mean_of(points + 1, N, 2, 2), 9. / 16 - 1 / PI + 1. / 16, Z * 0.5 / sqrt(N));
    sgm_data_moons(others, N, 0.2, key_of(2));
    check_noise(0.2);
}

static void test_swiss_roll(void **state) {
    (void)state;
    static float u[N];
    sgm_data_swiss_roll(points, N, 0, key_of(3));
    for (long i = 0; i < N; i++) {
        double x = points[2 * i], y = points[2 * i + 1], r = 10 * hypot(x, y);
        u[i] = (float)((r / (1.5 * PI) - 1) / 2);
        assert_true(u[i] > -1e-6 && u[i] < 1 + 1e-6);
        /* |x| < 1.42 in float: r is off by 1.2e-6, and r cos r / 10 moves 1.5 times as much */
        near(x, r * cos(r) / 10, 2e-6);
        near(y, r * sin(r) / 10, 2e-6);
    }
    above(p_uniform(u, N), P_MIN);
    /* Over r ~ U(1.5π, 4.5π): ∫r cos r dr/3π = 2, ∫r sin r dr/3π = 2/3π, ∫r² dr/3π = 9.75π²;
       the variance of x is at most E|x|² */
    double square = 9.75 * PI * PI / 100;
    near(mean_of(points, N, 2, 1), 0.2, Z * sqrt(square / N));
    near(mean_of(points + 1, N, 2, 1), 2 / (3 * PI) / 10, Z * sqrt(square / N));
    sgm_data_swiss_roll(others, N, 0.1, key_of(3));
    check_noise(0.1);
}

static void test_checkerboard(void **state) {
    (void)state;
    static float inside[2][N];
    double count[16], fair[8], black[8];
    memset(count, 0, sizeof count);
    sgm_data_checkerboard(points, N, key_of(4));
    for (long i = 0; i < N; i++) {
        int column = (int)floor(points[2 * i]) + 2, row = (int)floor(points[2 * i + 1]) + 2;
        assert_in_range(column, 0, 3);
        assert_in_range(row, 0, 3);
        count[4 * row + column]++;
        for (int k = 0; k < 2; k++)
            inside[k][i] = points[2 * i + k] - (float)floor(points[2 * i + k]);
        assert_true(inside[0][i] > 0 && inside[1][i] > 0);
    }
    for (int square = 0, b = 0; square < 16; square++) {
        if ((square / 4 + square % 4) % 2) near(count[square], 0, 0);
        else black[b] = count[square], fair[b++] = N / 8.0;
    }
    above(stat_chi2_p(black, fair, 8, 0), P_MIN);
    above(p_uniform(inside[0], N), P_MIN);
    above(p_uniform(inside[1], N), P_MIN);
    double across = 0; /* the two places in a square are independent uniforms, var 1/12 each */
    for (long i = 0; i < N; i++) across += (inside[0][i] - 0.5) * (inside[1][i] - 0.5) / N;
    near(across, 0, Z / 12 / sqrt(N));
    for (int k = 0; k < 2; k++) /* uniform on [-2,2]: E x² = 4/3, E x⁴ = 16/5 */
        near(mean_of(points + k, N, 2, 2), 4. / 3, Z * sqrt((16. / 5 - 16. / 9) / N));
}

static void draw(int set, float *x, long n, sgm_key key) {
    switch (set) {
    case 0: sgm_data_gaussians(x, n, 7, 3, 0.3, key); break;
    case 1: sgm_data_moons(x, n, 0.1, key); break;
    case 2: sgm_data_swiss_roll(x, n, 0.1, key); break;
    default: sgm_data_checkerboard(x, n, key); break;
    }
}

static void test_prefix(void **state) {
    (void)state;
    for (int set = 0; set < 4; set++) {
        draw(set, points, 100, key_of(5));
        draw(set, others, 37, key_of(5));
        assert_memory_equal(points, others, 37 * 2 * sizeof(float));
        draw(set, others, 37, key_of(6));
        for (int i = 0; i < 37; i++) assert_true(points[2 * i] != others[2 * i]);
        others[0] = 42;
        draw(set, others, 0, key_of(6));
        near(others[0], 42, 0);
    }
}

/* ---- (9.2) the scaler ---- */

#define D 3

static void test_scaler(void **state) {
    (void)state;
    enum { n = 1001 };
    static float x[n * D], y[n * D], back[n * D];
    sgm_normal(x, n * D, key_of(7), 0);
    for (long i = 0; i < n; i++) {
        x[i * D] = 3 + 2 * x[i * D];
        x[i * D + 1] = 0.1f; /* not a sum of powers of two: naive means miss it */
        x[i * D + 2] = 1e6f + 10 * x[i * D + 2];
    }
    sgm_scaler scaler;
    assert_int_equal(sgm_scaler_init(&scaler, x, n, D), SGM_OK);
    sgm_scaler_apply(&scaler, y, x, n);
    for (int k = 0; k < D; k++) { /* |y| < 6.8 here, rounded to float: 6.8 · 2^-24 on each */
        double r = 6.8 / 16777216;
        near(mean_of(y + k, n, D, 1), 0, r);
        near(mean_of(y + k, n, D, 2), k == 1 ? 0 : 1, 2 * 6.8 * r);
    }
    near(scaler.shift[1], 0.1f, 0);
    near(scaler.scale[1], 1, 0);
    sgm_scaler_undo(&scaler, back, y, n);
    for (long i = 0; i < n * D; i++) { /* one rounding of y, times scale, and one of x */
        double tolerance = (6.8 * scaler.scale[i % D] + fabs(x[i])) / 16777216;
        near(back[i], x[i], tolerance);
    }
    near(sgm_scaler_log_det(&scaler), log(scaler.scale[0]) + log(scaler.scale[2]), 1e-14);
    memcpy(back, x, sizeof x);
    sgm_scaler_apply(&scaler, back, back, n); /* in place */
    assert_memory_equal(back, y, sizeof y);
    sgm_scaler_free(&scaler);
    assert_null(scaler.shift);
    sgm_scaler_free(&scaler);
}

/* (9.2) itself: log N(x; 3, 2²) = log N(y; 0, 1) - log det, the scaler knowing 3 and 2. */

static void test_scaler_density(void **state) {
    (void)state;
    float x[2] = {1, 5}, raw = 4.25f, y = 0;
    sgm_scaler scaler;
    assert_int_equal(sgm_scaler_init(&scaler, x, 2, 1), SGM_OK); /* mean 3, std 2: divided by n */
    sgm_scaler_apply(&scaler, &y, &raw, 1);
    double log_p = log(gsl_cdf_ugaussian_P(0) * 2 / sqrt(2 * PI)) - 0.5 * y * y;
    double direct = -0.5 * log(2 * PI) - log(2) - 0.5 * (4.25 - 3) * (4.25 - 3) / 4;
    near(log_p - sgm_scaler_log_det(&scaler), direct, 1e-14); /* roundings of numbers near 1 */
    sgm_scaler_free(&scaler);
}

/* Images: the pixels of a channel share mean and scale. Of 4 pixels × 2 channels the first is a border that is black in all
images but one, and its own scale would be 1/√n: that one image would stand √n away from all others. Drawn digits the same. */

static void test_scaler_channels(void **state) {
    (void)state;
    enum { n = 400, P = 4, C = 2, SIZE = P * C };
    static float x[n * SIZE], y[n * SIZE], back[n * SIZE], digits[200 * 784];
    sgm_uniform(x, n * SIZE, key_of(31), 0);
    for (long i = 0; i < n; i++)
        for (int c = 0; c < C; c++) x[i * SIZE + c] = i == 7 ? 1.0f : 0.0f; /* the border */
    sgm_scaler s, own;
    assert_int_equal(sgm_scaler_init_channels(&s, x, n, SIZE, C), SGM_OK);
    assert_int_equal(sgm_scaler_init(&own, x, n, SIZE), SGM_OK);
    assert_int_equal(s.channels, C), assert_int_equal(own.channels, 0);
    double log_det = 0;
    for (int c = 0; c < C; c++) {
        double mean = 0, square = 0; /* of all pixels of this channel, by the definition */
        for (long i = c; i < n * SIZE; i += C) mean += x[i] / (double)(n * P);
        for (long i = c; i < n * SIZE; i += C) square += (x[i] - mean) * (x[i] - mean) / (double)(n * P);
        for (int p = 0; p < P; p++) near(s.shift[p * C + c], mean, 1e-14), near(s.scale[p * C + c], sqrt(square), 1e-14);
        log_det += P * log(sqrt(square));
    }
    near(sgm_scaler_log_det(&s), log_det, 1e-12);
    sgm_scaler_apply(&s, y, x, n), sgm_scaler_undo(&s, back, y, n);
    for (int i = 0; i < n * SIZE; i++) near(back[i], x[i], 4.0 / 16777216);
    for (int i = 0; i < n * SIZE; i++) assert_true(fabsf(y[i]) < 4);
    sgm_scaler_apply(&own, y, x, n);
    above(y[7 * SIZE], 19.9); /* √(n - 1) = 19.97 of its own scale */
    sgm_scaler_free(&s), sgm_scaler_free(&own);
    sgm_data_digits(digits, NULL, 200, key_of(32));
    assert_int_equal(sgm_scaler_init_channels(&s, digits, 200, 784, 1), SGM_OK);
    sgm_scaler_apply(&s, digits, digits, 200);
    for (int k = 0; k < 784; k++) assert_true(s.scale[k] == s.scale[0] && s.shift[k] == s.shift[0]);
    for (int i = 0; i < 200 * 784; i++) assert_true(fabsf(digits[i]) < 5);
    sgm_scaler_free(&s);
    assert_int_equal(sgm_scaler_init_channels(&s, x, n, SIZE, 3), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_scaler_init_channels(&s, x, n, SIZE, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_scaler_init_channels(&s, x, n, SIZE, -2), SGM_BAD_ARGUMENT);
    assert_null(s.shift);
}

static void test_scaler_errors(void **state) {
    (void)state;
    sgm_scaler s;
    float x[4] = {1, 2, 3, 4};
    assert_int_equal(sgm_scaler_init(&s, x, 0, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_scaler_init(&s, x, 2, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_scaler_init(&s, NULL, 2, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_scaler_init(NULL, x, 2, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_scaler_init(&s, x, 1, 4), SGM_OK); /* one point: all is constant */
    for (int k = 0; k < 4; k++) near(s.scale[k], 1, 0);
    sgm_scaler_free(&s);
    x[2] = NAN;
    assert_int_equal(sgm_scaler_init(&s, x, 2, 2), SGM_NOT_FINITE);
    sgm_scaler_free(&s);
}

/* ---- (9.3) sliced Wasserstein ---- */

static void test_w2_points(void **state) {
    (void)state;
    float p[3] = {1, 2, 3}, q[3], v[3] = {0.7f, -2.385f, 1.9f};
    double v2 = 0;
    int directions = 4000;
    for (int k = 0; k < 3; k++) q[k] = p[k] + v[k];
    near(sgm_sliced_w2(p, 1, q, 1, 1, 7, key_of(8)), fabs((double)q[0] - p[0]), 1e-15);
    for (int d = 2; d <= 3; d++) {
        v2 = 0;
        for (int k = 0; k < d; k++) v2 += pow((double)q[k] - p[k], 2);
        double w2 = pow(sgm_sliced_w2(p, 1, q, 1, d, directions, key_of(8)), 2);
        /* E(θ·v)² = |v|²/d; its variance is |v|⁴ 2(d-1)/(d²(d+2)) */
        near(w2, v2 / d, Z * v2 * sqrt(2.0 * (d - 1) / (d * d * (d + 2.0)) / directions));
    }
    for (int k = 0; k < 3; k++) { /* along each axis alike: the directions fill the sphere */
        memcpy(q, p, sizeof p);
        q[k] += 1;
        near(pow(sgm_sliced_w2(p, 1, q, 1, 3, directions, key_of(8)), 2), 1.0 / 3,
             Z * sqrt(4.0 / 45 / directions));
    }
}

/* In the plane the direction's angle is uniform: one direction per key, W2 = |cos angle|. */

static void test_w2_directions(void **state) {
    (void)state;
    static float angle[N];
    float p[2] = {0, 0}, q[2] = {1, 0};
    for (long i = 0; i < N; i++) {
        double w2 = sgm_sliced_w2(p, 1, q, 1, 2, 1, sgm_key_split(key_of(33), (uint64_t)i));
        angle[i] = (float)(acos(fmin(w2, 1)) / (PI / 2));
    }
    above(p_uniform(angle, N), P_MIN);
}

/* A Gaussian of another width and place, through its quantiles: W2² = (σ-1)² var + μ², exactly. */

static void test_w2_gaussians(void **state) {
    (void)state;
    enum { n = 501 };
    float a[n], b[n];
    double square = 0;
    for (int i = 0; i < n; i++) {
        a[i] = (float)gsl_cdf_ugaussian_Pinv((i + 0.5) / n);
        b[(i * 200) % n] = 3 * a[i] + 0.5f; /* in another order */
        square += (double)a[i] * a[i] / n;
    }
    /* b is rounded to float: at most 10 · 2^-24 in each */
    near(sgm_sliced_w2(a, n, b, n, 1, 1, key_of(9)), sqrt(4 * square + 0.25), 10.0 / 16777216);
    /* a shifted cloud: along θ all points move by θ·v, as two lone points would */
    sgm_normal(points, 2 * n, key_of(10), 0);
    for (int i = 0; i < 2 * n; i++) others[i] = points[i] + (i % 2 ? 1.5f : -2.0f);
    float p[2] = {0, 0}, q[2] = {-2.0f, 1.5f};
    near(sgm_sliced_w2(points, n, others, n, 2, 50, key_of(11)),
         sgm_sliced_w2(p, 1, q, 1, 2, 50, key_of(11)), 6.8 / 16777216);
}

static void test_w2_unequal(void **state) {
    (void)state;
    long sizes[5][2] = {{6, 4}, {5, 7}, {1, 3}, {12, 1}, {8, 16}};
    for (int s = 0; s < 5; s++) {
        long na = sizes[s][0], nb = sizes[s][1];
        sgm_normal(points, (size_t)(3 * na), key_of(12), 0);
        sgm_normal(others, (size_t)(3 * nb), key_of(13), 0);
        static float many_a[3 * 200], many_b[3 * 200]; /* na·nb points each: every one repeated */
        for (long i = 0; i < na * nb; i++) {
            memcpy(many_a + 3 * i, points + 3 * (i % na), 3 * sizeof(float));
            memcpy(many_b + 3 * i, others + 3 * (i % nb), 3 * sizeof(float));
        }
        double w2 = sgm_sliced_w2(points, na, others, nb, 3, 20, key_of(14));
        near(w2, sgm_sliced_w2(many_a, na * nb, many_b, na * nb, 3, 20, key_of(14)), 1e-13);
        near(w2, sgm_sliced_w2(others, nb, points, na, 3, 20, key_of(14)), 1e-14);
        assert_true(w2 > 0.1);
    }
    near(sgm_sliced_w2(points, 8, points, 8, 3, 20, key_of(14)), 0, 0);
}

/* ---- (9.4) energy distance ---- */

static void test_energy_exact(void **state) {
    (void)state;
    float a[8], b[10];
    for (int i = 0; i < 4; i++) a[2 * i] = 1, a[2 * i + 1] = 2;
    for (int i = 0; i < 5; i++) b[2 * i] = 4, b[2 * i + 1] = 6;
    near(sgm_energy_distance(a, 4, b, 5, 2), 10, 1e-14); /* 2|v| with v = (3,4) */
    enum { n = 5, m = 3, d = 7 };
    sgm_normal(points, n * d, key_of(15), 0);
    sgm_normal(others, m * d, key_of(16), 0);
    double ab = 0, aa = 0, bb = 0;
    const float *set[2] = {points, others};
    for (int s = 0; s < 2; s++)
        for (int r = 0; r < 2; r++)
            for (int i = 0; i < (s ? m : n); i++)
                for (int j = 0; j < (r ? m : n); j++) {
                    double square = 0;
                    for (int k = 0; k < d; k++)
                        square += pow((double)set[s][i * d + k] - set[r][j * d + k], 2);
                    if (s != r) ab += sqrt(square) / (2 * n * m);
                    else if (s) bb += sqrt(square) / (m * (m - 1));
                    else aa += sqrt(square) / (n * (n - 1));
                }
    near(sgm_energy_distance(points, n, others, m, d), 2 * ab - aa - bb, 1e-13);
    memcpy(others, points, n * d * sizeof(float)); /* the same array or a copy: the same number */
    near(sgm_energy_distance(points, n, points, n, d),
         sgm_energy_distance(points, n, others, n, d), 0);
}

/* E|x| for x ~ N(Δ, τ²). */

static double folded(double delta, double tau) {
    double z = delta / tau;
    return tau * sqrt(2 / PI) * exp(-0.5 * z * z) + delta * erf(z / sqrt(2));
}

static void test_energy_gaussians(void **state) {
    (void)state;
    enum { n = 12, m = 9 };
    for (int same = 0; same < 2; same++) {
        double got[R], shift = same ? 0 : 0.8, std = same ? 1 : 1.7;
        for (int r = 0; r < R; r++) {
            sgm_normal(points, n, sgm_key_split(key_of(17), (uint64_t)r), 0);
            sgm_normal(others, m, sgm_key_split(key_of(18), (uint64_t)r), 0);
            for (int i = 0; i < m; i++) others[i] = (float)(shift + std * others[i]);
            got[r] = sgm_energy_distance(points, n, others, m, 1);
        }
        double truth = 2 * folded(shift, sqrt(1 + std * std)) - folded(0, sqrt(2)) -
                       folded(0, std * sqrt(2));
        mean_near("mean energy distance", got, truth, __LINE__);
    }
}

/* ---- (9.5) MMD ---- */

static double kernel_mean(double delta2, double var, int d, double width) {
    double w2 = width * width; /* E k for a - b ~ N(Δ, var I) */
    return pow(w2 / (w2 + var), 0.5 * d) * exp(-0.5 * delta2 / (w2 + var));
}

static void test_mmd_gaussians(void **state) {
    (void)state;
    enum { n = 10, m = 7, d = 2 };
    for (int same = 0; same < 2; same++) {
        double got[R], shift = same ? 0 : 0.6, std = same ? 1 : 1.5, width = 0.9;
        for (int r = 0; r < R; r++) {
            sgm_normal(points, n * d, sgm_key_split(key_of(19), (uint64_t)r), 0);
            sgm_normal(others, m * d, sgm_key_split(key_of(20), (uint64_t)r), 0);
            for (int i = 0; i < m * d; i++) others[i] = (float)(shift + std * others[i]);
            got[r] = sgm_mmd2(points, n, others, m, d, width);
        }
        double truth = kernel_mean(0, 2, d, width) + kernel_mean(0, 2 * std * std, d, width) -
                       2 * kernel_mean(d * shift * shift, 1 + std * std, d, width);
        mean_near("mean MMD²", got, truth, __LINE__);
    }
}

static void test_mmd_exact(void **state) {
    (void)state;
    float a[2] = {0, 0}, b[3] = {2, 2, 2};
    near(sgm_mmd2(a, 2, b, 3, 1, 1.25), 2 - 2 * exp(-4 / (2 * 1.25 * 1.25)), 1e-15);
    near(sgm_mmd2(a, 2, a, 2, 1, 0), 0, 0);
    near(sgm_mmd2(a, 2, b, 3, 1, 1e-200), 2, 0);
    near(sgm_mmd2(a, 2, b, 3, 1, 1e200), 0, 0);
    /* Pooled masses of 40, 40, 10, 10 % at 0, 1, 5, 11: a pair coincides with chance .34 and is 1
       apart with .32, so the median is 1 unless 500 pairs stray by .16 = 7.2 SE of √(.25/500). In
       the first sample alone, which has the 0 and the 5, it would be 0. */
    enum { n = 1000 };
    for (long i = 0; i < n; i++) points[i] = i < 400 ? 0.f : i < 500 ? 5.f : i < 900 ? 1.f : 11.f;
    near(sgm_mmd2(points, 500, points + 500, 500, 1, 0),
         sgm_mmd2(points, 500, points + 500, 500, 1, 1), 0);
    /* only 18 % of the pairs differ, by 3: the median is 0 and the largest distance stands in */
    for (long i = 0; i < n; i++) points[i] = i % 10 == 0 ? 3.f : 0.f, others[i] = points[i];
    near(sgm_mmd2(points, n, others, 333, 1, 0), sgm_mmd2(points, n, others, 333, 1, 3), 0);
    /* no unit: everything twice as large leaves every bit in place */
    sgm_normal(points, 2 * n, key_of(21), 0);
    double once = sgm_mmd2(points, 400, points + 800, 300, 2, 0);
    for (long i = 0; i < 2 * n; i++) points[i] *= 2;
    near(sgm_mmd2(points, 400, points + 800, 300, 2, 0), once, 0);
}

/* ---- statistics.h: Kolmogorov–Smirnov and χ² ---- */

static void test_ks_exact(void **state) {
    (void)state;
    enum { n = 9 };
    float x[n], y[4] = {1, 1, 2, 3}, z[3] = {1, 2, 2};
    for (int i = 0; i < n; i++) x[(i * 4) % n] = (float)((i + 0.5) / n);
    near(stat_ks(x, n, uniform_cdf, NULL), 0.5 / n, 1e-7); /* x rounded to float: 2^-25 */
    for (int i = 0; i < n; i++) x[i] = (float)i / n;
    near(stat_ks(x, n, uniform_cdf, NULL), 1.0 / n, 1e-7);
    for (int i = 0; i < n; i++) x[i] = (float)(i + 1) / n;
    near(stat_ks(x, n, uniform_cdf, NULL), 1.0 / n, 1e-7);
    x[0] = 0.3f;
    near(stat_ks(x, 1, uniform_cdf, NULL), 0.7, 1e-7);
    near(stat_ks2(y, 4, z, 3), 2.0 / 3 + 1.0 / 3 - 3.0 / 4, 1e-15); /* after 2: 3/4 and 1 */
    near(stat_ks2(y, 4, y, 4), 0, 0);
    for (int i = 0; i < n; i++) x[i] = 5;
    near(stat_ks2(y, 4, x, n), 1, 0);
    near(stat_ks2(x, n, y, 4), 1, 0);
    /* 50 uniform steps against 20: brute force over every point */
    sgm_uniform(points, 50, key_of(22), 0);
    sgm_uniform(others, 20, key_of(23), 0);
    for (int i = 0; i < 20; i++) others[i] *= others[i];
    double most = 0;
    for (int i = 0; i < 70; i++) {
        float at = i < 50 ? points[i] : others[i - 50];
        int na = 0, nb = 0;
        for (int j = 0; j < 50; j++) na += points[j] <= at;
        for (int j = 0; j < 20; j++) nb += others[j] <= at;
        most = fmax(most, fabs(na / 50.0 - nb / 20.0));
    }
    near(stat_ks2(points, 50, others, 20), most, 1e-15);
    double shift = 0.3; /* another normal: sup|Φ(x) - Φ(x-δ)| = 2Φ(δ/2) - 1, ± D of the sample */
    sgm_normal(points, N, key_of(24), 0);
    double zero = 0, floor_d = stat_ks(points, N, normal_cdf, &zero);
    near(stat_ks(points, N, normal_cdf, &shift), 2 * gsl_cdf_ugaussian_P(shift / 2) - 1, floor_d);
    above(stat_ks_p(floor_d, N), P_MIN);
    above(1e-100, stat_ks_p(stat_ks(points, N, normal_cdf, &shift), N));
}

/* The other of the two series, where statistics.h does not use it. */

static void test_ks_p_series(void **state) {
    (void)state;
    for (double lambda = 0.3; lambda < 4; lambda += 0.0137) {
        double large = 0, small = 0, n = 37, root = sqrt(n);
        for (int k = 40; k >= 1; k--) {
            large += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * lambda * lambda);
            small += exp(-pow((2 * k - 1) * PI / lambda, 2) / 8);
        }
        small = 1 - sqrt(2 * PI) / lambda * small;
        double x = (lambda - 1 / (6 * root) + 1 / (4 * n)) / (1 + 1 / (4 * n)); /* the correction undone */
        double p = stat_ks_p(x / root, n);
        near(p, lambda < 1.18 ? large : small, 1e-14); /* 40 terms of at most 2, rounded at 1e-16 */
    }
    near(stat_ks_p(0, 10), 1, 0);
    near(stat_ks_p(1e-3, 10), 1, 0);
    near(stat_ks_p(1, 1e4), 0, 0);
    assert_true(stat_ks_p(NAN, 10) != stat_ks_p(NAN, 10));
    assert_true(stat_ks_p(0.1, 0) != stat_ks_p(0.1, 0));
}

/* The exact law of D for finite n: Durbin's matrix H, P(D < k-h over n) = n!/nⁿ (Hⁿ)_kk. */

static double exact_ks_p(double distance, int n) {
    enum { most = 64 };
    static double h[most][most], v[most], next[most];
    int k = (int)(n * distance) + 1, m = 2 * k - 1;
    double gap = k - n * distance;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) h[i][j] = i - j + 1 < 0 ? 0 : 1;
    for (int i = 0; i < m; i++) h[i][0] -= pow(gap, i + 1), h[m - 1][i] -= pow(gap, m - i);
    h[m - 1][0] += 2 * gap - 1 > 0 ? pow(2 * gap - 1, m) : 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++)
            for (int g = 1; i - j + 1 > 0 && g <= i - j + 1; g++) h[i][j] /= g;
    for (int i = 0; i < m; i++) v[i] = i == k - 1;
    for (int step = 1; step <= n; step++) {
        for (int i = 0; i < m; i++) {
            next[i] = 0;
            for (int j = 0; j < m; j++) next[i] += h[i][j] * v[j];
        }
        for (int i = 0; i < m; i++) v[i] = next[i] * step / n;
    }
    return 1 - v[k - 1];
}

static void test_ks_p_exact(void **state) {
    (void)state;
    near(exact_ks_p(0.7, 1), 0.6, 1e-15); /* by hand: P(D < d) = 2d - 1 for one point */
    /* Without its correction the limit law is wrong by its slope, at most 1.7, times 1/(6√n). The
       correction is worth its name if it removes nine tenths of that. */
    for (int n = 10; n <= 60; n += 10)
        for (double x = 0.4; x < 2; x += 0.05)
            near(stat_ks_p(x / sqrt(n), n), exact_ks_p(x / sqrt(n), n), 0.1 * 1.7 / (6 * sqrt(n)));
}

/* χ² against GSL: one bin carries the whole statistic. */

static double chi2_p(int freedom, double chi2) {
    static double count[100001], expected[100001];
    for (int k = 0; k <= freedom; k++) count[k] = expected[k] = 1;
    count[0] = 1 + sqrt(chi2);
    return stat_chi2_p(count, expected, freedom + 1, 0);
}

static void test_chi2_gsl(void **state) {
    (void)state;
    int freedoms[] = {1, 2, 3, 4, 5, 7, 10, 15, 31, 32, 33, 64, 100, 255, 1000, 5000, 100000};
    double sizes[] = {1e-6, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0, 1.01, 1.05,
                      1.1,  1.2,  1.5, 2,   3,   5,   8,   12,  20};
    for (size_t f = 0; f < sizeof freedoms / sizeof freedoms[0]; f++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            double chi2 = freedoms[f] * sizes[s], truth = gsl_cdf_chisq_Q(chi2, freedoms[f]);
            near(chi2_p(freedoms[f], chi2), truth, 1e-10); /* the accuracy that is promised */
            /* and relatively, where p is small: (√χ²)² is off by 4e-16·χ², and so is log p */
            if (truth > 1e-280 && chi2 < 1000)
                near(chi2_p(freedoms[f], chi2) / truth, 1, 1e-10);
        }
    near(chi2_p(3, 0), 1, 0);
    near(chi2_p(2, 3), exp(-1.5), 1e-13); /* by hand: Q(1, x) = e^-x; 1e-13 is Stirling's share */
    double count[3] = {12, 8, 10}, expected[3] = {10, 10, 10};
    near(stat_chi2_p(count, expected, 3, 0), exp(-0.4), 1e-13);       /* χ² = .8, 2 left */
    near(stat_chi2_p(count, expected, 3, 1), erfc(sqrt(0.4)), 1e-13); /* 1 left          */
    assert_true(isnan(stat_chi2_p(count, expected, 3, 2)));
    assert_true(isnan(stat_chi2_p(count, expected, 1, 0)));
    assert_true(isnan(stat_chi2_p(count, expected, 3, -1)));
    expected[1] = 0;
    assert_true(isnan(stat_chi2_p(count, expected, 3, 0)));
    expected[1] = 10, count[2] = NAN;
    assert_true(isnan(stat_chi2_p(count, expected, 3, 0)));
    count[2] = HUGE_VAL;
    near(stat_chi2_p(count, expected, 3, 0), 0, 0);
}

/* Under the null every p-value is uniform: 2000 of each kind, judged by the other kind. */

static void test_p_values_uniform(void **state) {
    (void)state;
    enum { runs = 2000, n = 400, bins = 16 };
    static float p_chi2[runs];
    double by_tenth[10], by_tenth2[10], fair[10];
    memset(by_tenth, 0, sizeof by_tenth);
    memset(by_tenth2, 0, sizeof by_tenth2);
    for (int r = 0; r < runs; r++) {
        double count[bins], expected[bins];
        memset(count, 0, sizeof count);
        sgm_uniform(points, n, sgm_key_split(key_of(25), (uint64_t)r), 0);
        sgm_uniform(others, n / 2, sgm_key_split(key_of(26), (uint64_t)r), 0);
        for (int i = 0; i < n; i++) count[(int)(points[i] * bins)]++;
        for (int k = 0; k < bins; k++) expected[k] = (double)n / bins;
        p_chi2[r] = (float)stat_chi2_p(count, expected, bins, 0);
        by_tenth[(int)fmin(9, 10 * p_uniform(points, n))]++;
        double two = stat_ks_p(stat_ks2(points, n, others, n / 2), n / 3.0);
        by_tenth2[(int)fmin(9, 10 * two)]++;
    }
    /* χ² of counts is a lattice, and its law only tends to that of χ²: the skewness of 25 counts a bin
       moves a p-value by about 1/(6·25·√π) < .004, where D of 2000 may be .06. */
    for (int k = 0; k < 10; k++) fair[k] = runs / 10.0;
    above(p_uniform(p_chi2, runs), P_MIN);
    above(stat_chi2_p(by_tenth, fair, 10, 0), P_MIN);
    /* two samples of 400 and 200: D is a multiple of 1/400, p moves by up to .05 from one to the
       next, so tenths are held to a coarser bar: 200 ± (5 √180 + .05·2000) */
    for (int k = 0; k < 10; k++) near(by_tenth2[k], 200, Z * sqrt(180) + 100);
}

/* ---- (9.6) Fisher divergence ---- */

typedef struct spring {
    double stiffness, centre, growth; /* score = -stiffness (1 + growth t) (x - centre) */
} spring;

static sgm_status spring_eval(const sgm_score *self, float *s, const float *x, const float *t,
                              long n) {
    const spring *of = (const spring *)self->ctx;
    for (long i = 0; i < n * self->d; i++) {
        double stiff = of->stiffness * (1 + of->growth * t[i / self->d]);
        s[i] = (float)(-stiff * (x[i] - of->centre));
    }
    return SGM_OK;
}

static sgm_status failing_eval(const sgm_score *self, float *s, const float *x, const float *t,
                               long n) {
    (void)self, (void)s, (void)x, (void)t, (void)n;
    return sgm__fail(SGM_MISMATCH, "this score always fails");
}

static sgm_score spring_score(const spring *of, int d) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    score.d = d, score.ctx = of, score.eval = spring_eval;
    return score;
}

static void test_fisher(void **state) {
    (void)state;
    spring one = {1, 0, 1}, two = {0.6, -0.5, 0};
    int d = 4;
    long n = 5001;
    double t = 0.5, value, se;
    sgm_score a = spring_score(&one, d), b = spring_score(&two, d);
    sgm_normal(points, (size_t)(n * d), key_of(27), 0);
    assert_int_equal(sgm_fisher(&value, &se, &a, &b, points, t, n), SGM_OK);
    /* a - b = -(c x + m): c = 1·(1+t) - .6, m = .6·(-.5). E = d (c² + m²), var = d (2c⁴ + 4c²m²) */
    double c = 1.5 - 0.6, m = -0.3;
    double sd = sqrt(d * (2 * pow(c, 4) + 4 * c * c * m * m) / (double)n);
    near(value, d * (c * c + m * m), Z * sd);
    double mean = 0, var = 0; /* the same, in two passes; scores rounded to float: 1e-7 · |s| */
    for (int pass = 0; pass < 2; pass++)
        for (long i = 0; i < n; i++) {
            double q = 0;
            for (int k = 0; k < d; k++) q += pow(c * points[i * d + k] + m, 2);
            if (pass) var += (q - mean) * (q - mean) / (double)(n - 1);
            else mean += q / (double)n;
        }
    near(value, mean, 2e-6 * mean);
    near(se, sqrt(var / (double)n), 4e-6 * se);
    assert_int_equal(sgm_fisher(&value, &se, &a, &a, points, t, n), SGM_OK);
    near(value, 0, 0);
    near(se, 0, 0);
    assert_int_equal(sgm_fisher(&value, NULL, &a, &b, points, t, 1), SGM_OK);
    assert_int_equal(sgm_fisher(&value, &se, &a, &b, points, t, 1), SGM_OK);
    assert_true(isnan(se) && !isnan(value));
}

static void test_fisher_errors(void **state) {
    (void)state;
    spring one = {1, 0, 1};
    sgm_score a = spring_score(&one, 2), b = spring_score(&one, 3), bad = a;
    double value, se;
    float x[4] = {1, 2, 3, NAN};
    bad.eval = failing_eval;
    assert_int_equal(sgm_fisher(&value, &se, &a, &b, x, 0, 1), SGM_MISMATCH);
    assert_int_equal(sgm_fisher(&value, &se, &a, &a, x, 0, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_fisher(&value, &se, &a, NULL, x, 0, 1), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_fisher(&value, &se, &a, &a, NULL, 0, 1), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_fisher(NULL, &se, &a, &a, x, 0, 1), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_fisher(&value, &se, &a, &bad, x, 0, 1), SGM_MISMATCH);
    assert_true(isnan(value) && isnan(se));
    assert_int_equal(sgm_fisher(&value, &se, &a, &a, x, 0, 2), SGM_NOT_FINITE);
    assert_true(isnan(value) && isnan(se));
}

/* ---- all measures: bad input, failing memory, threads ---- */

/* What can return no status leaves NaN, as far as it knows where, or a message; nothing crashes. */
static void test_nothing_given(void **state) {
    (void)state;
    float out[6] = {1, 1, 1, 1, 1, 1}, x[6] = {1, 2, 3, 4, 5, 6};
    double one = 1, value = 0, se = 0;
    spring soft = {1, 0, 1};
    sgm_score a = spring_score(&soft, 2), b = spring_score(&soft, 3);
    sgm_scaler none, hollow;
    memset(&none, 0, sizeof none), memset(&hollow, 0, sizeof hollow), hollow.d = 2;
    sgm_data_ring(NULL, 3), sgm_data_gaussians(NULL, 3, 2, 1, 1, key_of(1));
    sgm_data_moons(NULL, 3, 1, key_of(1)), sgm_data_swiss_roll(NULL, 3, 1, key_of(1));
    sgm_data_checkerboard(NULL, 3, key_of(1)), sgm_data_digits(NULL, NULL, 3, key_of(1));
    sgm_data_ring(out, -1), sgm_data_moons(out, -1, 1, key_of(1));
    sgm_scaler_apply(NULL, out, x, 2), sgm_scaler_undo(NULL, out, x, 2), sgm_scaler_free(NULL);
    sgm_scaler_apply(&none, out, x, 2);
    assert_non_null(strstr(sgm_error(), "what sgm_scaler_init returned"));
    for (int i = 0; i < 6; i++) assert_true(out[i] == 1);
    assert_true(isnan(sgm_scaler_log_det(&none)) && isnan(sgm_scaler_log_det(NULL)));
    sgm_scaler_undo(&hollow, out, x, 2);
    for (int i = 0; i < 6; i++) assert_true(i < 4 ? isnan(out[i]) : out[i] == 1);
    assert_int_equal(sgm_fisher(&value, &se, &a, &b, x, 0, 1), SGM_MISMATCH);
    assert_true(isnan(value) && isnan(se));
    value = se = 0;
    assert_int_equal(sgm_fisher(&value, &se, &a, &a, NULL, 0, 1), SGM_BAD_ARGUMENT);
    assert_true(isnan(value) && isnan(se));
    assert_true(isnan(stat_ks(x, 6, NULL, NULL)) && isnan(stat_ks(NULL, 6, NULL, NULL)));
    assert_true(isnan(stat_ks_p(0.1, 0)) && isnan(stat_ks_p(NAN, 10)) && isnan(stat_ks_p(0.1, NAN)));
    assert_true(isnan(stat_chi2_p(NULL, &one, 3, 0)) && isnan(stat_chi2_p(&one, &one, 1, 0)));
    assert_true(isnan(sgm_energy_distance(x, 1, x, 6, 1)) && isnan(sgm_mmd2(x, 6, x, 1, 1, 1)));
    assert_true(isnan(sgm_frechet(x, 6, x, 1, 1)) && isnan(sgm_sliced_w2(x, 6, x, 0, 1, 1, key_of(1))));
}

static void measure_all(double out[5], const float *a, long na, const float *b, long nb) {
    out[0] = sgm_sliced_w2(a, na, b, nb, 2, 9, key_of(28));
    out[1] = sgm_sliced_w2(a, na, b, nb, 1, 9, key_of(28));
    out[2] = sgm_energy_distance(a, na, b, nb, 2);
    out[3] = sgm_mmd2(a, na, b, nb, 2, 0.5);
    out[4] = sgm_mmd2(a, na, b, nb, 2, 0);
}

static double nan_cdf(double x, void *user) { return (void)user, x > 0 ? NAN : 0.5; }

static void test_bad_input(void **state) {
    (void)state;
    float bad[3] = {NAN, HUGE_VALF, -HUGE_VALF};
    double out[5];
    sgm_uniform(points, 40, key_of(29), 0);
    sgm_uniform(others, 40, key_of(30), 0);
    for (int kind = 0; kind < 8; kind++) {
        float keep_a = points[3], keep_b = others[3];
        if (kind < 3) points[3] = bad[kind];
        else if (kind < 6) others[3] = bad[kind - 3];
        sgm__fail(SGM_OK, "%s", "");
        measure_all(out, kind == 6 ? NULL : points, kind == 7 ? 0 : 20, others, 20);
        for (int i = 0; i < 5; i++) assert_true(isnan(out[i]));
        const long n = kind == 7 ? 0 : 20;
        const float *a = kind == 6 ? NULL : points;
        assert_true(isnan(stat_ks2(a, n, others, 20)) && isnan(stat_ks2(others, 20, a, n)));
        assert_true(isnan(kind < 3 || kind > 5 ? stat_ks(a, n, uniform_cdf, NULL) : stat_ks(others, 20, uniform_cdf, NULL)));
        assert_true(sgm_error()[0] != 0);
        points[3] = keep_a, others[3] = keep_b;
    }
    measure_all(out, points, 20, others, 20);
    for (int i = 0; i < 5; i++) assert_false(isnan(out[i]));
    assert_true(isnan(sgm_energy_distance(points, 1, others, 20, 2))); /* no pairs */
    assert_true(isnan(sgm_mmd2(points, 20, others, 1, 2, 1)));
    assert_true(isnan(sgm_mmd2(points, 20, others, 20, 2, -1)));
    assert_true(isnan(sgm_mmd2(points, 20, others, 20, 2, NAN)));
    assert_true(isnan(sgm_sliced_w2(points, 20, others, 20, 0, 9, key_of(1))));
    assert_true(isnan(sgm_sliced_w2(points, 20, others, 20, 2, 0, key_of(1))));
    assert_true(isnan(stat_ks(points, 20, NULL, NULL)));
    assert_true(isnan(stat_ks(points, 20, nan_cdf, NULL)));
    assert_true(isnan(stat_ks2(points, -1, others, 20)));
}

static void test_failing_memory(void **state) {
    (void)state;
    spring one = {1, 0, 1};
    sgm_score score = spring_score(&one, 2);
    sgm_uniform(points, 40, key_of(29), 0);
    sgm_uniform(others, 40, key_of(30), 0);
    long before = live_blocks, needed;
    double out[5], value, se;
    alloc_calls = 0;
    measure_all(out, points, 20, others, 20);
    needed = alloc_calls;
    assert_true(needed >= 8);
    for (long at = 0; at < needed; at++) { /* each allocation fails once: one NaN, and no leak */
        int n_nan = 0;
        alloc_calls = 0, fail_at = at + 1;
        measure_all(out, points, 20, others, 20);
        for (int i = 0; i < 5; i++) n_nan += isnan(out[i]) ? 1 : 0;
        assert_int_equal(n_nan, 1);
        assert_int_equal(live_blocks, before);
    }
    sgm_scaler scaler;
    alloc_calls = 0, fail_at = 1;
    assert_int_equal(sgm_scaler_init(&scaler, points, 20, 2), SGM_NO_MEMORY);
    sgm_scaler_free(&scaler);
    alloc_calls = 0;
    assert_int_equal(sgm_fisher(&value, &se, &score, &score, points, 0, 20), SGM_NO_MEMORY);
    fail_at = 0;
    assert_int_equal(sgm_fisher(&value, &se, &score, &score, points, 0, 20), SGM_OK);
    score.eval = failing_eval;
    assert_int_equal(sgm_fisher(&value, &se, &score, &score, points, 0, 20), SGM_MISMATCH);
    assert_int_equal(live_blocks, before);
}

static void test_threads(void **state) {
    (void)state;
#ifdef _OPENMP
    double one[5], many[5];
    sgm_data_moons(points, 700, 0.1, key_of(31));
    sgm_data_moons(others, 501, 0.2, key_of(32));
    omp_set_num_threads(1);
    measure_all(one, points, 700, others, 501);
    for (int threads = 2; threads <= 5; threads++) {
        omp_set_num_threads(threads);
        measure_all(many, points, 700, others, 501);
        assert_memory_equal(one, many, sizeof one);
    }
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_gaussians),
        cmocka_unit_test(test_moons),
        cmocka_unit_test(test_swiss_roll),
        cmocka_unit_test(test_checkerboard),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_scaler),
        cmocka_unit_test(test_scaler_density),
        cmocka_unit_test(test_scaler_channels),
        cmocka_unit_test(test_scaler_errors),
        cmocka_unit_test(test_w2_points),
        cmocka_unit_test(test_w2_directions),
        cmocka_unit_test(test_w2_gaussians),
        cmocka_unit_test(test_w2_unequal),
        cmocka_unit_test(test_energy_exact),
        cmocka_unit_test(test_energy_gaussians),
        cmocka_unit_test(test_mmd_gaussians),
        cmocka_unit_test(test_mmd_exact),
        cmocka_unit_test(test_ks_exact),
        cmocka_unit_test(test_ks_p_series),
        cmocka_unit_test(test_ks_p_exact),
        cmocka_unit_test(test_chi2_gsl),
        cmocka_unit_test(test_p_values_uniform),
        cmocka_unit_test(test_fisher),
        cmocka_unit_test(test_fisher_errors),
        cmocka_unit_test(test_nothing_given),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("chapter 9: data and measures", tests, NULL, NULL);
}
