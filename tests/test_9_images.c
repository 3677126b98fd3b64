/*
§9.5 and its files: drawn digits, dequantised pixels, Fréchet distance, neighbours; the
readers of other people's formats of §C.4 and the picture grids of §C.5. Truths are closed forms, GSL,
or a slower way to the same number; what a reader should find, the test has written.

    cc -O2 tests/test_9_images.c -lcmocka -lgsl -lgslcblas -lm -o test_9_images && ./test_9_images

With -DSGM_ZLIB -lz the same files are read through gzip too.
*/
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_linalg.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#define PI 3.14159265358979323846
#define Z CHECK_SIGMAS

static char directory[256], path[300];

static int set_up(void **state) {
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(directory, sizeof directory, "%.200s/sgm_images_XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) return -1;
    snprintf(path, sizeof path, "%s/a", directory);
    signal(SIGXFSZ, SIG_IGN);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    remove(path);
    return rmdir(directory); /* fails, and the test with it, if a temporary was left behind */
}

static int files_left(void) {
    int files = -2; /* "." and ".." */
    DIR *dir = opendir(directory);
    while (dir && readdir(dir)) files++;
    if (dir) closedir(dir);
    return files;
}

static int before_each(void **state) {
    (void)state;
    remove(path);
    alloc_calls = fail_at = 0;
    return 0;
}

static int after_each(void **state) { /* no block and no temporary may outlive its test */
    (void)state;
    fail_at = 0;
    remove(path);
    if (!live_blocks && !files_left()) return 0;
    print_error("%d blocks and %d files are left\n", live_blocks, files_left());
    live_blocks = 0;
    return -1;
}

static void threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}

static double uniform_cdf(double x, void *user) { /* on [-1,1], or [0,1] with a user */
    double u = user ? x : 0.5 * (x + 1);
    return u < 0 ? 0 : u > 1 ? 1 : u;
}

/* ---- drawn digits ---- */

enum { DIGITS = 4000 };
static float ink[784 * DIGITS], more_ink[784 * DIGITS];
static int label_of[DIGITS], more_labels[DIGITS];

static void digits_depend_on_key_and_number(void **state) {
    (void)state;
    sgm_key key = sgm_key_init(3);
    sgm_data_digits(ink, label_of, 200, key);
    for (long n = 1; n < 200; n += 33) { /* every prefix, with fewer images than threads or more */
        memset(more_ink, 0xff, sizeof more_ink);
        sgm_data_digits(more_ink, NULL, n, key);
        assert_memory_equal(ink, more_ink, 784 * sizeof(float) * (size_t)n);
        assert_true(more_ink[784 * n] != more_ink[784 * n]); /* and not a pixel further */
    }
    threads(1), sgm_data_digits(more_ink, more_labels, 200, key), threads(2);
    assert_memory_equal(ink, more_ink, 784 * 200 * sizeof(float));
    assert_memory_equal(label_of, more_labels, 200 * sizeof(int));
    sgm_data_digits(ink, label_of, 200, key);
    assert_memory_equal(ink, more_ink, 784 * 200 * sizeof(float));
    threads(1);
    sgm_data_digits(more_ink, NULL, 200, sgm_key_init(4));
    for (int i = 0; i < 200; i++) /* another key, another image: all 200 differ */
        assert_memory_not_equal(ink + 784 * i, more_ink + 784 * i, 784 * sizeof(float));
    sgm_data_digits(more_ink, NULL, 0, key);
}

static void digits_have_all_labels_and_both_hands(void **state) {
    double labels[10], hands[20], fair[20];
    (void)state;
    sgm_key key = sgm_key_init(5);
    sgm_data_digits(ink, label_of, DIGITS, key);
    for (long i = 0; i < 784L * DIGITS; i++) assert_true(ink[i] >= 0 && ink[i] <= 1);
    for (int i = 0; i < 20; i++) hands[i] = 0, fair[i] = DIGITS / 20.0, labels[i / 2] = 0;
    for (int i = 0; i < DIGITS; i++) {
        sgm__pose p = sgm__digit_pose(sgm_key_split(key, (uint64_t)i));
        assert_int_equal(p.label, label_of[i]);
        labels[label_of[i]]++, hands[2 * p.label + p.hand]++;
    }
    double chi2 = 0, chi2_hands = 0;
    for (int i = 0; i < 10; i++) chi2 += pow(labels[i] - DIGITS / 10.0, 2) / (DIGITS / 10.0);
    for (int i = 0; i < 20; i++) chi2_hands += pow(hands[i] - fair[i], 2) / fair[i];
    CHECK_P(gsl_cdf_chisq_Q(chi2, 9), CHECK_RATE);
    CHECK_P(gsl_cdf_chisq_Q(chi2_hands, 19), CHECK_RATE);
}

/* The pose taken apart again: seven independent uniform numbers within the stated ranges. */
static void poses_follow_their_law(void **state) {
    static float u[7][DIGITS];
    (void)state;
    for (int i = 0; i < DIGITS; i++) {
        sgm__pose p = sgm__digit_pose(sgm_key_split(sgm_key_init(6), (uint64_t)i));
        double wide = hypot(p.a[0][0], p.a[1][0]), c = p.a[0][0] / wide, s = p.a[1][0] / wide;
        double high = c * p.a[1][1] - s * p.a[0][1];
        double slant = (c * p.a[0][1] + s * p.a[1][1]) / high;
        u[0][i] = (float)((high / 1.25 - 1) / 0.12), u[1][i] = (float)((wide / high - 1) / 0.2);
        u[2][i] = (float)((slant + 0.15) / 0.2), u[3][i] = (float)(atan2(s, c) / (2 * PI * 0.03));
        for (int k = 0; k < 2; k++) /* where the middle of the font's box goes */
            u[4 + k][i] = (float)((5 * p.a[k][0] + 7 * p.a[k][1] + p.a[k][2] - 14) / 1.5);
        u[6][i] = (float)((p.radius - 1.15) / 0.4);
    }
    for (int k = 0; k < 7; k++) {
        CHECK_P(stat_ks_p(stat_ks(u[k], DIGITS, uniform_cdf, NULL), DIGITS), CHECK_RATE);
        for (int i = 0; i < DIGITS; i++) assert_true(fabs(u[k][i]) < 1 + 1e-6); /* float, 1/0.03 */
        for (int l = 0; l < k; l++) { /* products of two of variance 1/3: SE 1/(3√n) */
            double sum = 0;
            for (int i = 0; i < DIGITS; i++) sum += u[k][i] * u[l][i] / DIGITS;
            CHECK_CLOSE(sum, 0, CHECK_MANY_SIGMAS / (3 * sqrt(DIGITS)));
        }
    }
}

/* A second pen, that goes pixel by pixel over all pieces of all strokes. */

typedef struct drawing {
    double from[1000][2], to[1000][2], sag; /* sag: the largest |a - 2b + c| of a bend */
    int pieces;
} drawing;

static void piece(drawing *d, const double *a, const double *b) {
    memcpy(d->from[d->pieces], a, 2 * sizeof *a), memcpy(d->to[d->pieces++], b, 2 * sizeof *b);
}

static void bend(drawing *d, const double *a, const double *b, const double *c, int pieces) {
    double at[2], to[2];
    memcpy(at, a, sizeof at);
    d->sag = fmax(d->sag, hypot(a[0] - 2 * b[0] + c[0], a[1] - 2 * b[1] + c[1]));
    for (int i = 1; i <= pieces; i++) {
        double u = (double)i / pieces;
        for (int k = 0; k < 2; k++) /* de Casteljau */
            to[k] = (1 - u) * ((1 - u) * a[k] + u * b[k]) + u * ((1 - u) * b[k] + u * c[k]);
        piece(d, at, to), memcpy(at, to, sizeof at);
    }
}

static void strokes(drawing *d, sgm_key key, int pieces) {
    sgm__pose p = sgm__digit_pose(key);
    const char *s = sgm__font[p.label][p.hand];
    uint64_t number = 0;
    d->pieces = 0, d->sag = 0;
    while (*s) {
        double corner[16][2], half[17][2];
        int n = 0;
        memset(corner, 0, sizeof corner), memset(half, 0, sizeof half);
        for (; *s && *s != ' '; s += 2, n++) {
            double f[2];
            for (int k = 0; k < 2; k++) {
                float z;
                sgm_normal(&z, 1, sgm_key_split(key, 0), number++);
                f[k] = s[k] - 'a' + 0.3 * z;
            }
            for (int k = 0; k < 2; k++)
                corner[n][k] = p.a[k][0] * f[0] + p.a[k][1] * f[1] + p.a[k][2];
        }
        for (int i = 0; i + 1 < n; i++)
            for (int k = 0; k < 2; k++) half[i][k] = 0.5 * (corner[i][k] + corner[i + 1][k]);
        piece(d, corner[0], half[0]);
        for (int i = 1; i + 1 < n; i++) bend(d, half[i - 1], corner[i], half[i], pieces);
        piece(d, half[n - 2], corner[n - 1]);
        s += *s == ' ';
    }
}

static double distance_to(const drawing *d, double x, double y) {
    double best = 1e300;
    for (int i = 0; i < d->pieces; i++) {
        double ax = x - d->from[i][0], ay = y - d->from[i][1];
        double bx = d->to[i][0] - d->from[i][0], by = d->to[i][1] - d->from[i][1];
        double u = bx || by ? (ax * bx + ay * by) / (bx * bx + by * by) : 0;
        u = u < 0 ? 0 : u > 1 ? 1 : u;
        best = fmin(best, hypot(ax - u * bx, ay - u * by));
    }
    return best;
}

static double ink_at(double radius, double distance) { /* (9.1) */
    double x = 0.5 + (radius - distance) / 1.3;
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/*
(9.1) at every pixel. The library draws a bend as 5 chords: held against the same 5, what remains is
rounding, 2⁻²⁵ to float and some 10⁻¹⁴ before. n chords lie within |a - 2b + c|/(4n²) of the curve,
so those 5 are within sag(1/100 + 1/6400) of 40, and the ink within that over 1.3.
*/
static void a_pixel_is_the_distance_to_the_pen(void **state) {
    static drawing five, many;
    (void)state;
    sgm_key key = sgm_key_init(7);
    sgm_data_digits(ink, NULL, 60, key);
    for (int i = 0; i < 60; i++) {
        sgm_key one = sgm_key_split(key, (uint64_t)i);
        double radius = sgm__digit_pose(one).radius, x0 = 99, x1 = -99, sum = 0, sum_x = 0;
        strokes(&five, one, 5), strokes(&many, one, 40);
        for (int j = 0; j < 784; j++) {
            double x = j % 28 + 0.5, y = j / 28 + 0.5, d = distance_to(&five, x, y);
            double rough = five.sag * (1 / 100.0 + 1 / 6400.0) / 1.3;
            CHECK_CLOSE(ink[784 * i + j], ink_at(radius, d), 3.1e-8);
            CHECK_CLOSE(ink[784 * i + j], ink_at(radius, distance_to(&many, x, y)), rough + 1e-7);
            sum += ink[784 * i + j], sum_x += x * ink[784 * i + j];
        }
        for (int k = 0; k < five.pieces; k++) {
            x0 = fmin(x0, fmin(five.from[k][0], five.to[k][0]));
            x1 = fmax(x1, fmax(five.from[k][0], five.to[k][0]));
        }
        /* the centre of mass of what reaches radius + 0.65 beyond the strokes' box lies in it */
        assert_true(sum_x / sum > x0 - radius - 0.65 && sum_x / sum < x1 + radius + 0.65);
    }
}

/*
One straight stroke, the first hand's 1, of length L and pen r: ∫ of (9.1) over the plane is 2rL
beside it and, for its round ends, π E ρ² with ρ ~ U(r ± 0.65), together π(r² + 1.3²/12). The shift
is uniform over three whole pixels, so the sum over pixels has exactly that mean, and likewise its
first moment about the middle of the stroke has mean zero.
*/
static void a_stroke_has_the_ink_of_its_length(void **state) {
    static double off[DIGITS], moment[2][DIGITS], truth[DIGITS];
    static drawing d;
    double se;
    int n = 0;
    (void)state;
    sgm_key key = sgm_key_init(8);
    sgm_data_digits(ink, label_of, DIGITS, key);
    for (int i = 0; i < DIGITS; i++) {
        sgm_key one = sgm_key_split(key, (uint64_t)i);
        sgm__pose p = sgm__digit_pose(one);
        if (p.label != 1 || p.hand != 0) continue;
        strokes(&d, one, 1);
        double *a = d.from[0], *b = d.to[d.pieces - 1], sum = 0, m[2] = {0, 0};
        double out = 0; /* before the shift; 2.2 of ink and 1.5 of shift must fit around it */
        for (int k = 0; k < 2; k++) {
            double shift = 5 * p.a[k][0] + 7 * p.a[k][1] + p.a[k][2] - 14;
            out = fmax(out, fmax(fabs(a[k] - shift - 14), fabs(b[k] - shift - 14)));
        }
        if (out > 14 - 2.2 - 1.5) continue;
        for (int j = 0; j < 784; j++) {
            float v = ink[784 * i + j];
            sum += v, m[0] += v * (j % 28 + 0.5 - 0.5 * (a[0] + b[0]));
            m[1] += v * (j / 28 + 0.5 - 0.5 * (a[1] + b[1]));
        }
        truth[n] = 2 * p.radius * hypot(b[0] - a[0], b[1] - a[1]);
        truth[n] += PI * (p.radius * p.radius + 1.69 / 12);
        off[n] = sum - truth[n], moment[0][n] = m[0], moment[1][n++] = m[1];
    }
    assert_true(n > 100); /* of 200 expected */
    double mean = check_mean(off, n, &se), t = gsl_cdf_tdist_Qinv(2.9e-7, n - 1);
    CHECK_CLOSE(mean, 0, t * se);
    assert_true(t * se < 0.05 * check_mean(truth, n, NULL)); /* and this says something */
    for (int k = 0; k < 2; k++) {
        double middle = check_mean(moment[k], n, &se);
        CHECK_CLOSE(middle, 0, t * se);
    }
}

/* ---- pixels are whole numbers ---- */

static void dequantised_levels_come_back(void **state) {
    static const int levels[] = {2, 3, 5, 10, 255, 256, 1000, 4095, 65535, 65536};
    enum { N = 200000 };
    static float x[N], y[N];
    (void)state;
    for (int c = 0; c < COUNT(levels); c++) {
        int L = levels[c];
        for (int i = 0; i < N; i++) x[i] = y[i] = (float)(i % L) / (float)(L - 1);
        CHECK_OK(sgm_dequantise(y, N, L, sgm_key_init((uint64_t)L)));
        for (int i = 0; i < N; i++) {
            if ((int)floor((double)y[i] * L) != i % L || !(y[i] > 0 && y[i] < 1))
                fail_msg("level %d of %d became %.9g", i % L, L, y[i]);
        }
        CHECK_OK(sgm_dequantise(x, N / 3, L, sgm_key_init((uint64_t)L))); /* a prefix */
        assert_memory_equal(x, y, N / 3 * sizeof *x);
    }
}

static void dequantising_noise_is_uniform(void **state) {
    enum { N = 100000, L = 256 };
    static float x[N];
    (void)state;
    for (int i = 0; i < N; i++) x[i] = (float)(i * 7 % L) / (L - 1);
    CHECK_OK(sgm_dequantise(x, N, L, sgm_key_init(9)));
    for (int i = 0; i < N; i++) x[i] = (float)((double)x[i] * L - i * 7 % L);
    check_moments m = check_moments_of(x, N, 1);
    CHECK_CLOSE(m.mean, 0.5, Z * sqrt(1 / 12.0 / N)); /* u: variance 1/12, fourth moment 1/80 */
    CHECK_CLOSE(m.var, 1 / 12.0, Z * sqrt((1 / 80.0 - 1 / 144.0) / N));
    CHECK_P(stat_ks_p(stat_ks(x, N, uniform_cdf, x), N), CHECK_RATE); /* by steps of 2⁻¹⁵ */
    double sum = 0; /* neighbours: products of variance 1/144 */
    for (int i = 1; i < N; i++) sum += (x[i] - 0.5) * (x[i - 1] - 0.5) / N;
    CHECK_CLOSE(sum, 0, Z / 12 / sqrt(N));
}

static void dequantise_refuses(void **state) {
    float x[3] = {0, 1, 0.5f};
    sgm_key key = sgm_key_init(1);
    (void)state;
    CHECK_FAILS(sgm_dequantise(x, 3, 256, key), SGM_BAD_ARGUMENT, "2 is 0.5, not one of 256");
    assert_true(x[0] == 0 && x[1] == 1); /* those before it are as they were */
    x[0] = -1 / 255.0f;
    CHECK_FAILS(sgm_dequantise(x, 3, 256, key), SGM_BAD_ARGUMENT, "round x to them first");
    x[0] = 256 / 255.0f;
    CHECK_FAILS(sgm_dequantise(x, 3, 256, key), SGM_BAD_ARGUMENT, "number 0");
    x[0] = (float)NAN;
    CHECK_FAILS(sgm_dequantise(x, 3, 256, key), SGM_BAD_ARGUMENT, "round x");
    x[0] = 3e38f;
    CHECK_FAILS(sgm_dequantise(x, 3, 256, key), SGM_BAD_ARGUMENT, "round x");
    CHECK_FAILS(sgm_dequantise(x, 3, 1, key), SGM_BAD_ARGUMENT, "2 to 65536 levels");
    CHECK_FAILS(sgm_dequantise(x, 3, 65537, key), SGM_BAD_ARGUMENT, "2 to 65536 levels");
    CHECK_FAILS(sgm_dequantise(x, -1, 2, key), SGM_BAD_ARGUMENT, "needs x");
    CHECK_FAILS(sgm_dequantise(NULL, 1, 2, key), SGM_BAD_ARGUMENT, "needs x");
    CHECK_OK(sgm_dequantise(x, 0, 2, key));
}

/* (9.7) by hand, and Jensen's inequality for the density 2y, where P(k) = (2k + 1)/L². */
static void bits_per_dimension(void **state) {
    enum { N = 40000, L = 4 };
    static double bits[N];
    static float y[N];
    (void)state;
    CHECK_CLOSE(sgm_bits_per_dim(0, 784, 0, 256), 8, 1e-14);  /* uniform: a byte is a byte */
    CHECK_CLOSE(sgm_bits_per_dim(-3, 1, 0, 1), 3 / log(2), 1e-14); /* continuous: log p to bits */
    CHECK_CLOSE(sgm_bits_per_dim(-3, 2, -1, 4), 1 / log(2) + 2, 1e-14);
    float two[4] = {0, 0.25f, 1, 0.75f};
    sgm_scaler scaler; /* uniform y in units of b: the density of z is Π b, and all is undone */
    CHECK_OK(sgm_scaler_init(&scaler, two, 2, 2));
    double log_det = sgm_scaler_log_det(&scaler);
    CHECK_CLOSE(log_det, log(0.5 * 0.25), 1e-6); /* b as floats */
    CHECK_CLOSE(sgm_bits_per_dim(log_det, 2, log_det, 256), 8, 1e-14);
    sgm_scaler_free(&scaler);
    for (int k = 0; k < L; k++) {
        double a = (double)k / L, b = (k + 1.0) / L, se;
        for (int i = 0; i < N; i++) y[i] = (float)k / (L - 1);
        CHECK_OK(sgm_dequantise(y, N, L, sgm_key_init(10 + (uint64_t)k)));
        for (int i = 0; i < N; i++) bits[i] = sgm_bits_per_dim(log(2.0 * y[i]), 1, 0, L);
        double got = check_mean(bits, N, &se), area = b * (log(b) - 1) - (k ? a * (log(a) - 1) : 0);
        CHECK_CLOSE(got, (log(L) - log(2) - L * area) / log(2), Z * se);
        assert_true(got > log2(L * L / (2 * k + 1.0)));
    }
    assert_true(isnan(sgm_bits_per_dim(1, 0, 0, 256)) && strstr(sgm_error(), "d >= 1"));
    assert_true(isnan(sgm_bits_per_dim(1, 1, 0, 0)) && strstr(sgm_error(), "levels >= 1"));
}

/* ---- Fréchet distance ---- */

/*
Exactly the covariance you want: columns 1 to d of a Hadamard matrix have mean 0 and are orthogonal,
so x = μ + A h over its N rows has covariance N/(N-1) AAᵀ. With eighths in A and μ no sum rounds.
The trace in (9.8) is then the sum of the singular values of AᵀB, times the roots of both factors.
*/
static double sample_of(float *x, int N, int d, const double *A, const double *mu) {
    for (int i = 0; i < N; i++)
        for (int k = 0; k < d; k++) {
            double sum = mu[k];
            for (int l = 0; l < d; l++) {
                int both = i & (l + 1), odd = 0;
                for (; both; both >>= 1) odd ^= both & 1;
                sum += odd ? -A[k * d + l] : A[k * d + l];
            }
            x[i * d + k] = (float)sum;
        }
    return N / (N - 1.0);
}

static double frechet_truth(const double *A, const double *ma, double fa, const double *B,
                            const double *mb, double fb, int d, double *least) {
    gsl_matrix *m = gsl_matrix_alloc((size_t)d, (size_t)d);
    gsl_matrix *v = gsl_matrix_alloc((size_t)d, (size_t)d);
    gsl_vector *s = gsl_vector_alloc((size_t)d), *work = gsl_vector_alloc((size_t)d);
    double sum = 0;
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++) {
            double dot = 0;
            for (int k = 0; k < d; k++) dot += A[k * d + i] * B[k * d + j];
            gsl_matrix_set(m, (size_t)i, (size_t)j, dot);
            sum += fa * A[i * d + j] * A[i * d + j] + fb * B[i * d + j] * B[i * d + j];
        }
    gsl_linalg_SV_decomp(m, v, s, work);
    for (int i = 0; i < d; i++) {
        sum += (ma[i] - mb[i]) * (ma[i] - mb[i]);
        sum -= 2 * sqrt(fa * fb) * gsl_vector_get(s, (size_t)i);
    }
    *least = fa * fb * pow(gsl_vector_get(s, (size_t)d - 1), 2);
    gsl_matrix_free(m), gsl_matrix_free(v), gsl_vector_free(s), gsl_vector_free(work);
    return sum;
}

static void frechet_of_known_gaussians(void **state) {
    static const double zero[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    static float a[16 * 8], b[32 * 8];
    double A[64], B[64], ma[8], mb[8];
    (void)state;
    double one_a = 1.5, one_b = 0.25; /* 1-D: (μ - ν)² + (σ - τ)² */
    double fa = sample_of(a, 2, 1, &one_a, zero), fb = sample_of(b, 4, 1, &one_b, &one_a);
    double got = sgm_frechet(a, 2, b, 4, 1);
    CHECK_CLOSE(got, 1.5 * 1.5 + pow(1.5 * sqrt(fa) - 0.25 * sqrt(fb), 2), 1e-14);
    /* 2-D, commuting: diag(2, 1)² and diag(1, 3)² are (2-1)² + (1-3)² = 5 apart, times 4/3 */
    double D1[4] = {2, 0, 0, 1}, D2[4] = {1, 0, 0, 3}, shift[2] = {0.5, -2};
    sample_of(a, 4, 2, D1, zero), sample_of(b, 4, 2, D2, shift);
    CHECK_CLOSE(sgm_frechet(a, 4, b, 4, 2), 4.25 + 5 * 4 / 3.0, 1e-13);
    /* 2-D, not commuting: tr √ of a 2×2 matrix M is √(tr M + 2 √det M); C = (4 0; 0 1),
       G = LLᵀ = (1 1; 1 2): tr CG = 6, det = 4, so 5 + 3 - 2√(6 + 4) */
    double L1[4] = {1, 0, 1, 1};
    sample_of(a, 4, 2, D1, zero), sample_of(b, 4, 2, L1, zero);
    CHECK_CLOSE(sgm_frechet(a, 4, b, 4, 2), (8 - 2 * sqrt(10)) * 4 / 3, 1e-13);
    for (uint64_t c = 0; c < 30; c++) { /* any: 1 to 8 dimensions */
        int d = 1 + (int)(c % 8);
        for (int i = 0; i < 64; i++) {
            A[i] = ((double)sgm_below(sgm_key_init(c), (uint64_t)i, 33) - 16) / 8;
            B[i] = ((double)sgm_below(sgm_key_init(c), 100 + (uint64_t)i, 33) - 16) / 8;
        }
        for (int k = 0; k < 8; k++) ma[k] = A[63 - k] + 3, mb[k] = B[63 - k];
        fa = sample_of(a, 16, d, A, ma), fb = sample_of(b, 32, d, B, mb);
        double least, truth = frechet_truth(A, ma, fa, B, mb, fb, d, &least);
        /* entries up to 2, so ‖C‖ and ‖G‖ up to 4d²·1.07: an eigenvalue λ of their product is off
           by up to e = d ε ‖C‖‖G‖, its root by the less of √e and e/√λ; 2d of them, and the sums */
        double e = d * DBL_EPSILON * pow(4.3 * d * d, 2);
        double tolerance = 2 * d * fmin(sqrt(e), e / sqrt(least)) + 1e-12;
        CHECK_CLOSE(sgm_frechet(a, 16, b, 32, d), truth, tolerance);
        CHECK_CLOSE(sgm_frechet(b, 32, a, 16, d), truth, tolerance);
    }
}

static void frechet_of_a_set_with_itself(void **state) {
    enum { N = 60, D = 12 };
    static float x[N * D], y[N * D], wide[4 * 64];
    (void)state;
    sgm_normal(x, N * D, sgm_key_init(20), 0);
    CHECK_CLOSE(sgm_frechet(x, N, x, N, D), 0, 1e-12); /* 2D variances near 1, each to some ε */
    for (int i = 0; i < N * D; i++) y[i] = x[i] + 2; /* a shift alone: D·2², x + 2 to 2⁻²³ */
    CHECK_CLOSE(sgm_frechet(x, N, y, N, D), 4 * D, 1e-5);
    for (int i = 0; i < N * D; i++) y[i] = 2 * x[i]; /* (2 - 1)² of every variance, and the means */
    double sum = 0;
    for (int k = 0; k < D; k++) {
        check_moments m = check_moments_of(x + k, N, D);
        sum += m.mean * m.mean + m.var * N / (N - 1.0);
    }
    CHECK_CLOSE(sgm_frechet(x, N, y, N, D), sum, 1e-12);
    /* four points in 64 dimensions: 61 roots of rounding errors, √(64 ε) of the largest variance */
    sgm_normal(wide, 4 * 64, sgm_key_init(21), 0);
    CHECK_CLOSE(sgm_frechet(wide, 4, wide, 4, 64), 0, 2 * 61 * sqrt(64 * DBL_EPSILON) * 60);
    assert_true(sgm_frechet(wide, 4, wide, 4, 64) >= 0);
}

/*
The floor: two samples of N(0, I) are (1/a + 1/b)(D + D(D + 1)/4) apart, to first order: D from the
means, and ¼‖C_a - C_b‖² from the covariances. The next order is smaller by D/n, here 1/40.
*/
static void frechet_has_a_floor(void **state) {
    enum { NA = 200, NB = 400, D = 5, R = 200 };
    static float a[NA * D], b[NB * D];
    static double got[R];
    double se, truth = (1.0 / NA + 1.0 / NB) * (D + D * (D + 1) / 4.0);
    (void)state;
    for (int r = 0; r < R; r++) {
        sgm_normal(a, NA * D, sgm_key_init(1000 + 2 * (uint64_t)r), 0);
        sgm_normal(b, NB * D, sgm_key_init(1001 + 2 * (uint64_t)r), 0);
        got[r] = sgm_frechet(a, NA, b, NB, D);
    }
    double mean = check_mean(got, R, &se);
    CHECK_CLOSE(mean, truth, gsl_cdf_tdist_Qinv(2.9e-7, R - 1) * se + truth * D / NA);
}

static void frechet_keeps_its_bits_and_refuses(void **state) {
    enum { N = 500, D = 20 };
    static float x[N * D], y[N * D];
    (void)state;
    sgm_normal(x, N * D, sgm_key_init(22), 0), sgm_normal(y, N * D, sgm_key_init(23), 0);
    threads(2);
    double two = sgm_frechet(x, N, y, N, D);
    threads(1);
    assert_true(two == sgm_frechet(x, N, y, N, D));
    alloc_calls = 0;
    for (fail_at = 1; isnan(sgm_frechet(x, N, y, N, D)); fail_at++, alloc_calls = 0)
        check_text(sgm_error(), "no memory", __FILE__, __LINE__);
    assert_int_equal(fail_at, 2); /* one block, and without it the answer is NaN */
    fail_at = 0;
    assert_true(isnan(sgm_frechet(x, 1, y, N, D)) && strstr(sgm_error(), "n >= 2"));
    assert_true(isnan(sgm_frechet(x, N, y, N, 0)) && strstr(sgm_error(), "dimension >= 1"));
    assert_true(isnan(sgm_frechet(NULL, N, y, N, D)) && strstr(sgm_error(), "sgm_frechet"));
    y[7 * D + 3] = (float)INFINITY;
    assert_true(isnan(sgm_frechet(x, N, y, N, D)) && strstr(sgm_error(), "point 7"));
}

/* ---- neighbours ---- */

/* Whole numbers: squared distances are exact, and full of ties. */
static void whole_points(float *x, int n, uint64_t seed, uint64_t side) {
    for (int i = 0; i < n; i++)
        x[i] = (float)sgm_below(sgm_key_init(seed), (uint64_t)i, side) - 2;
}

static long kth_by_sorting(double *distance, const float *p, const float *b, long nb, int d, int k,
                           long without) {
    static int used[400];
    long at = -1;
    memset(used, 0, sizeof used);
    for (int r = 0; r < k; r++) {
        at = -1;
        for (long j = 0; j < nb; j++) { /* the least of those left; the first of equals */
            double sum = 0;
            for (int c = 0; c < d; c++) sum += pow((double)p[c] - b[j * d + c], 2);
            if (j == without || used[j] || (at >= 0 && !(sum < *distance))) continue;
            at = j, *distance = sum;
        }
        used[at] = 1;
    }
    *distance = sqrt(*distance);
    return at;
}

static void nearest_is_what_sorting_finds(void **state) {
    static const int dims[] = {1, 2, 3, 7}, ks[] = {1, 2, 3, 17, 64};
    static float a[100 * 7], b[80 * 7];
    static double distance[100], again[100];
    static long index[100];
    (void)state;
    for (int c = 0; c < COUNT(dims) * COUNT(ks); c++) {
        int d = dims[c % COUNT(dims)], k = ks[c / COUNT(dims)];
        whole_points(a, 100 * d, 30 + (uint64_t)c, 5), whole_points(b, 80 * d, 60 + (uint64_t)c, 5);
        for (int own = 0; own < 2; own++) {
            const float *to = own ? NULL : b;
            threads(1 + c % 2);
            CHECK_OK(sgm_nearest(index, distance, a, 100, to, 80, d, k));
            for (int i = 0; i < 100; i++) {
                double truth;
                long at = kth_by_sorting(&truth, a + i * d, own ? a : b, own ? 100 : 80, d, k,
                                         own ? i : -1);
                assert_int_equal(index[i], at);
                CHECK_CLOSE(distance[i], truth, 0);
            }
            CHECK_OK(sgm_nearest(NULL, again, a, 100, to, 80, d, k));
            assert_memory_equal(distance, again, sizeof again);
            memset(index, 0, sizeof index);
            CHECK_OK(sgm_nearest(index, NULL, a, 100, to, 80, d, k));
        }
    }
    threads(1);
    CHECK_OK(sgm_nearest(index, NULL, a, 3, NULL, 0, 1, 2)); /* as few as possible */
    CHECK_OK(sgm_nearest(index, NULL, a, 1, b, 2, 1, 2));
}

static void nearest_refuses(void **state) {
    float x[4] = {0, 1, 2, 3}, bad[2] = {0, (float)NAN};
    double r[4], p = 0, q = 0;
    (void)state;
    CHECK_FAILS(sgm_nearest(NULL, r, x, 4, x, 4, 1, 0), SGM_BAD_ARGUMENT, "1 <= k <= 64");
    CHECK_FAILS(sgm_nearest(NULL, r, x, 4, x, 4, 1, 65), SGM_BAD_ARGUMENT, "1 <= k <= 64");
    CHECK_FAILS(sgm_nearest(NULL, NULL, x, 4, x, 4, 1, 1), SGM_BAD_ARGUMENT, "index or distance");
    CHECK_FAILS(sgm_nearest(NULL, r, x, 4, x, 4, 1, 5), SGM_BAD_ARGUMENT, "n >= 5");
    CHECK_FAILS(sgm_nearest(NULL, r, x, 4, NULL, 0, 1, 4), SGM_BAD_ARGUMENT, "n >= 5");
    CHECK_FAILS(sgm_nearest(NULL, r, NULL, 4, x, 4, 1, 1), SGM_BAD_ARGUMENT, "n >= 1");
    CHECK_FAILS(sgm_nearest(NULL, r, x, 4, x, 4, 0, 1), SGM_BAD_ARGUMENT, "dimension >= 1");
    CHECK_FAILS(sgm_nearest(NULL, r, x, 4, bad, 2, 1, 1), SGM_NOT_FINITE, "point 1");
    CHECK_FAILS(sgm_precision_recall(NULL, &q, x, 4, x, 4, 1, 1), SGM_BAD_ARGUMENT, "is NULL");
    CHECK_FAILS(sgm_precision_recall(&p, NULL, x, 4, x, 4, 1, 1), SGM_BAD_ARGUMENT, "is NULL");
    CHECK_FAILS(sgm_precision_recall(&p, &q, x, 4, x, 4, 1, 4), SGM_BAD_ARGUMENT, "n >= 5");
    assert_true(isnan(p) && isnan(q));
    CHECK_FAILS(sgm_precision_recall(&p, &q, x, 4, x, 3, 1, 3), SGM_BAD_ARGUMENT, "n >= 4");
    assert_true(isnan(p) && isnan(q)); /* not half an answer */
    CHECK_FAILS(sgm_precision_recall(&p, &q, x, 4, bad, 2, 1, 1), SGM_NOT_FINITE, "remove it");
    CHECK_FAILS(sgm_precision_recall(&p, &q, x, 1, x, 4, 1, 1), SGM_BAD_ARGUMENT, "n >= 2");
    alloc_calls = 0, fail_at = 1;
    CHECK_FAILS(sgm_precision_recall(&p, &q, x, 4, x, 4, 1, 1), SGM_NO_MEMORY, "no memory");
}

static void precision_and_recall(void **state) {
    enum { N = 200 };
    static float real[2 * N], made[2 * N], far_off[2 * N];
    double p, r, p2, r2;
    (void)state;
    /* by hand, k 1: real 0 1 3 reach 1 1 2; made 2 4 9 reach 2 2 5. Of the made, 2 lies within 1's
       ball, on its very edge, 4 within 3's [1,5], and 9 in none; 2's ball [0,4] has all the real */
    float three[3] = {0, 1, 3}, other[3] = {2, 4, 9};
    CHECK_OK(sgm_precision_recall(&p, &r, three, 3, other, 3, 1, 1));
    CHECK_CLOSE(p, 2 / 3.0, 0);
    CHECK_CLOSE(r, 1, 0);
    CHECK_OK(sgm_precision_recall(&p2, &r2, other, 3, three, 3, 1, 1));
    assert_true(p2 == r && r2 == p);
    sgm_data_gaussians(real, N, 2, 10, 0.5, sgm_key_init(40));
    CHECK_OK(sgm_precision_recall(&p, &r, real, N, real, N, 2, 3));
    assert_true(p == 1 && r == 1);
    for (int i = 0; i < 2 * N; i++) far_off[i] = real[i] + 1000;
    CHECK_OK(sgm_precision_recall(&p, &r, real, N, far_off, N, 2, 3));
    assert_true(p == 0 && r == 0);
    long n = 0, kept = 0; /* the left mode is lost, and the other copied: precision stays 1 */
    for (long i = 0; i < N; i++)
        if (real[2 * i] > 0) memcpy(made + 2 * n++, real + 2 * i, 2 * sizeof *made), kept++;
    CHECK_OK(sgm_precision_recall(&p, &r, real, N, made, n, 2, 3));
    CHECK_CLOSE(p, 1, 0);
    CHECK_CLOSE(r, (double)kept / N, 1e-15); /* the modes are 20 apart, 40 standard deviations */
    sgm_data_gaussians(made, N, 2, 10, 0.5, sgm_key_init(41));
    threads(2);
    CHECK_OK(sgm_precision_recall(&p, &r, real, N, made, N, 2, 3));
    threads(1);
    CHECK_OK(sgm_precision_recall(&p2, &r2, real, N, made, N, 2, 3));
    assert_true(p == p2 && r == r2 && p < 1 && p > 0 && r < 1 && r > 0);
    long in = 0; /* (9.9) point by point */
    for (long i = 0; i < N; i++) {
        int covered = 0;
        for (long j = 0; j < N && !covered; j++) {
            double reach, off[2] = {made[2 * i] - (double)real[2 * j],
                                    made[2 * i + 1] - (double)real[2 * j + 1]};
            kth_by_sorting(&reach, real + 2 * j, real, N, 2, 3, j);
            covered = hypot(off[0], off[1]) <= reach;
        }
        in += covered;
    }
    CHECK_CLOSE(p, (double)in / N, 1e-15);
}

/* ---- other people's files ---- */

typedef sgm_status loader(sgm_images *out, const char *path);
static sgm_status csv_load(sgm_images *out, const char *from) {
    return sgm_csv_load(out, from, NULL);
}

static loader *const loaders[4] = {sgm_idx_load, sgm_cifar_load, csv_load, sgm_npy_load};

static unsigned char file[70000];

static void write_file(const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static size_t read_file(unsigned char *bytes, size_t room) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    assert_true(n < room);
    return n;
}

static void assert_empty(const sgm_images *a) {
    sgm_images none;
    memset(&none, 0, sizeof none);
    assert_memory_equal(a, &none, sizeof none);
}

/* A file that must be refused: with this status, the cure in the message, nothing in the struct. */
static void refuse(loader *load, const void *bytes, size_t n, sgm_status status, const char *cure) {
    sgm_images out;
    memset(&out, 0x55, sizeof out);
    write_file(bytes, n);
    CHECK_FAILS(load(&out, path), status, cure);
    assert_empty(&out);
    assert_int_equal(live_blocks, 0);
}

static void word(unsigned char *at, unsigned long value) {
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static size_t idx_file(unsigned long magic, unsigned long n, unsigned long h, unsigned long w,
                       size_t bytes) {
    size_t head = magic == 0x801 ? 8 : 16;
    word(file, magic), word(file + 4, n);
    if (head == 16) word(file + 8, h), word(file + 12, w);
    for (size_t i = 0; i < bytes; i++) file[head + i] = (unsigned char)(i * 37 + 11);
    return head + bytes;
}

static void idx_files(void **state) {
    sgm_images a;
    (void)state;
    write_file(file, idx_file(0x803, 20, 3, 5, 300)); /* 300 bytes: all 256 */
    CHECK_OK(sgm_idx_load(&a, path));
    assert_true(a.n == 20 && a.h == 3 && a.w == 5 && a.channels == 1 && a.d == 15 && !a.label);
    for (int i = 0; i < 300; i++) CHECK_CLOSE(a.x[i], file[16 + i] / 255.0, 3.0e-8); /* 2⁻²⁵ */
    for (int i = 0; i < 300; i++) assert_true(file[16 + i] != 255 || a.x[i] == 1);
    sgm_images_free(&a);
    assert_empty(&a);
    sgm_images_free(&a), sgm_images_free(NULL);
    write_file(file, idx_file(0x801, 7, 0, 0, 7));
    CHECK_OK(sgm_idx_load(&a, path));
    assert_true(a.n == 7 && !a.x && a.label);
    for (int i = 0; i < 7; i++) assert_int_equal(a.label[i], file[8 + i]);
    sgm_images_free(&a);
    refuse(sgm_idx_load, file, 0, SGM_BAD_FILE, "another kind of file");
    refuse(sgm_idx_load, file, idx_file(0xd03, 2, 3, 5, 30), SGM_BAD_FILE, "begins with 00000d03");
    refuse(sgm_idx_load, file, idx_file(0x803, 2, 3, 5, 29), SGM_BAD_FILE, "download it again");
    refuse(sgm_idx_load, file, idx_file(0x803, 2, 3, 5, 31), SGM_BAD_FILE, "download it again");
    refuse(sgm_idx_load, file, idx_file(0x803, 1, 3, 5, 30), SGM_BAD_FILE, "1 items of 3 x 5");
    refuse(sgm_idx_load, file, idx_file(0x803, 2, 0, 5, 0), SGM_BAD_FILE, "download it again");
    refuse(sgm_idx_load, file, idx_file(0x803, 2, 5, 0, 0), SGM_BAD_FILE, "download it again");
    refuse(sgm_idx_load, file, idx_file(0x803, 0, 3, 5, 0), SGM_BAD_FILE, "0 items");
    refuse(sgm_idx_load, file, idx_file(0x803, 1, 40000, 1, 40000), SGM_BAD_FILE, "40000 x 1");
    refuse(sgm_idx_load, file, idx_file(0x803, 65536, 65536, 65536, 0), SGM_BAD_FILE, "65536");
    refuse(sgm_idx_load, file, idx_file(0x803, 0xffffffff, 1, 1, 15), SGM_BAD_FILE, "4294967295");
    refuse(sgm_idx_load, file, idx_file(0x801, 7, 0, 0, 8), SGM_BAD_FILE, "download it again");
    refuse(sgm_idx_load, file, idx_file(0x801, 0, 0, 0, 0), SGM_BAD_FILE, "0 items");
}

static size_t cifar_file(int n) {
    for (int i = 0; i < n; i++) {
        file[3073 * i] = (unsigned char)((3 + i) % 10);
        for (int k = 0; k < 3072; k++) file[3073 * i + 1 + k] = (unsigned char)(k * 31 / 7 + i);
    }
    return 3073 * (size_t)n;
}

static void cifar_files(void **state) {
    sgm_images a;
    (void)state;
    write_file(file, cifar_file(9));
    CHECK_OK(sgm_cifar_load(&a, path));
    assert_true(a.n == 9 && a.h == 32 && a.w == 32 && a.channels == 3 && a.d == 3072);
    for (int i = 0; i < 9; i++) {
        const unsigned char *plane = file + 3073 * i + 1; /* red, then green, then blue */
        assert_int_equal(a.label[i], (3 + i) % 10);
        for (int row = 0; row < 32; row++)
            for (int column = 0; column < 32; column++)
                for (int c = 0; c < 3; c++)
                    CHECK_CLOSE(a.x[3072 * i + (row * 32 + column) * 3 + c],
                                plane[1024 * c + 32 * row + column] / 255.0, 3.0e-8);
    }
    sgm_images_free(&a);
    refuse(sgm_cifar_load, file, 0, SGM_BAD_FILE, "3073 an image");
    refuse(sgm_cifar_load, file, 3072, SGM_BAD_FILE, "the binary version of CIFAR-10");
    refuse(sgm_cifar_load, file, 3074, SGM_BAD_FILE, "3073 an image");
    file[3073] = 10;
    refuse(sgm_cifar_load, file, 6146, SGM_BAD_FILE, "image 1 the label 10, not 0 to 9: take");
}

static void csv_is(const char *text, size_t n, long rows, int d, const float *truth) {
    sgm_images a;
    write_file(text, n);
    sgm_status status = sgm_csv_load(&a, path, NULL);
    if (status || a.n != rows || a.d != d)
        fail_msg("\"%s\": %ld rows of %d, %s", text, a.n, a.d, status ? sgm_error() : "");
    assert_true(a.h == 1 && a.w == d && a.channels == 1 && !a.label);
    for (int i = 0; truth && i < rows * d; i++) CHECK_CLOSE(a.x[i], truth[i], 0);
    sgm_images_free(&a);
}

static void csv_files(void **state) {
    static const char *const same[] = {
        "1,-2,0.5\n4,5e2,6.25\n", "1,-2,0.5\n4,5e2,6.25", "1;-2;.5\n4;500;6.25\n",
        "1\t-2\t0.5\n4\t500\t6.25\n", "1 -2 0.5\n4 500 6.25\n", "  1   -2  0.5 \n4 500 6.25  \n",
        "1,-2,0.5\r\n4,5e+2,6.25\r\n", "1 -2 .5\r\n4 500 6.25\r\n", "1 , -2 , 0.5\n4,500, 6.25 \n",
        "x,y,z\n1,-2,0.5\n4,500,6.25\n", "a b c\n1 -2 0.5\n4 500 6.25\n",
        "\"x;1\";y;z\n1;-2;0.5\n4;500;6.25\n", "# made by hand\n1,-2,0.5\n# half\n4,500,6.25\n#",
        "\n\n1,-2,0.5\n \t\r\n4,500,6.25\n\n\n", "\xef\xbb\xbf+1,-2,0.5\n4,500,6.25\n",
        "\xef\xbb\xbfx,y,z\r\n+1,-2,+.5\r\n4.,.5E3,625e-2\r\n",
        "# a,b\nx\ty\tz\n1\t-2\t.5\n4\t500\t6.25",
        "1, -0002, 00.50\n4, 0.5e0003, 62500000000000000000000000e-25\n",
        "info,y,z\n# between\n\n1,-2,0.5\n4,500,6.25",
        /* ends of lines: CR alone, all three kinds in one file, LF CR, CR CR LF */
        "1,-2,0.5\r4,500,6.25\r", "1,-2,0.5\r4,500,6.25", "x,y,z\r1,-2,0.5\r\n4,500,6.25\n",
        "x,y,z\r\n1,-2,0.5\r4,500,6.25", "1,-2,0.5\n\r4,500,6.25\n\r",
        "1,-2,0.5\r\r\n4,500,6.25\r\r\n", "# c\r1 -2 0.5\r\r# d\r4 500 6.25",
        /* quotes: RFC 4180 */
        "\"1\",\"-2\",\"0.5\"\n4,\"500\",6.25\n",
        "\"1\";\" -2 \"; \"0.5\" \r\n\"4\" ;\"5e2\";\"6.25\"",
        "\"x\",\"y, of it\",\"z \"\"\r\n\"\n1,-2,0.5\n4,500,6.25\n",
        "\"1\" \"-2\" \"0.5\"\n4 500 6.25", "\"1\"\t\"-2\"\t\"0.5\"\r4\t500\t6.25\r",
        "\"a\",\"b\",\n1,-2,0.5\n4,500,6.25\n", ",y,z\n1,-2,0.5\n4,500,6.25\n",
        "x,NA,\n1,-2,0.5\n4,500,6.25\n", /* a name suffices */
        /* as German Excel writes */
        "1;-2;0,5\r\n4;500;6,25\r\n",
        "\xef\xbb\xbf"
        "a;b;c\r\n1,0;-2;0,5\r\n4;5,0E+02;6,25\r\n",
        "\"1,0\";\"-2\";\"0,5\"\n4;500;\"6,25\"", "sep=;\r\n1;-2;0,5\r\n4;500;6,25\r\n",
        "sep=|\n1|-2|0.5\n4|500|6.25\n", "1;-2;,5\n4,;500;6,25\n"};
    static const float truth[6] = {1, -2, 0.5f, 4, 500, 6.25f};
    (void)state;
    for (int i = 0; i < COUNT(same); i++) csv_is(same[i], strlen(same[i]), 2, 3, truth);
    static const float seven[2] = {7, 8};
    csv_is("7", 1, 1, 1, seven), csv_is("y\n7\n", 4, 1, 1, seven), csv_is("7\r8", 3, 2, 1, seven);
    csv_is("my value\n7\n8\n", 13, 2, 1, seven), csv_is("a, b\n7,8\n", 9, 1, 2, seven);
    csv_is("7,8\n", 4, 1, 2, seven), csv_is("\"7\",\"8\"\n", 8, 1, 2, seven);
}

/* Names of columns are kept, as they are meant; a file without any has none. */
static void csv_names(void **state) {
    static const struct {
        const char *text, *names[3];
    } files[] = {
        {"x,y,z\n1,2,3\n", {"x", "y", "z"}},
        {"\xef\xbb\xbf"
         "height [m];weight [kg];\xc3\xa9\r\n1;2;3\r\n",
         {"height [m]", "weight [kg]", "\xc3\xa9"}},
        {"\"a, b\",\"say \"\"c\"\"\",\"two\nlines\"\r\n1,2,3", {"a, b", "say \"c\"", "two\nlines"}},
        {",1st,y 2\r1,2,3", {"", "1st", "y 2"}},
        {"#c\n\n x \t y\tz  \n1\t2\t3", {"x", "y", "z"}},
        {"a b c\n1 2 3\n", {"a", "b", "c"}},
        {"5\" pipe,b,c\n1,2,3\n", {"5\" pipe", "b", "c"}},
        {"-,.,e5\n1,2,3\n", {"-", ".", "e5"}},
        {"speed; km/h,y;,z\r\n1,2,3", {"speed; km/h", "y;", "z"}},
        {"a,b;c,d;e\n1;2;3\n", {"a,b", "c,d", "e"}},
        {"a;b\tc,d\te\r1\t2\t3\r", {"a;b", "c,d", "e"}}};
    sgm_images a;
    sgm_csv_options o;
    (void)state;
    memset(&o, 0, sizeof o);
    for (int i = 0; i < COUNT(files); i++) {
        write_file(files[i].text, strlen(files[i].text));
        if (sgm_csv_load(&a, path, NULL)) fail_msg("%s: %s", files[i].text, sgm_error());
        assert_true(a.n == 1 && a.d == 3 && a.x[0] == 1 && a.x[2] == 3 && a.names);
        for (int k = 0; k < 3; k++) assert_string_equal(a.names[k], files[i].names[k]);
        sgm_images_free(&a);
        assert_empty(&a);
    }
    write_file("2001,2002\n1,2\n", 14); /* a header of numbers is one where you say so */
    CHECK_OK(sgm_csv_load(&a, path, NULL));
    assert_true(a.n == 2 && !a.names);
    sgm_images_free(&a);
    o.header = SGM_HEADER_LINE;
    CHECK_OK(sgm_csv_load(&a, path, &o));
    assert_true(a.n == 1 && a.x[0] == 1);
    assert_string_equal(a.names[1], "2002");
    sgm_images_free(&a);
    write_file("x,1\n1,2\n", 8);
    CHECK_OK(sgm_csv_load(&a, path, &o));
    assert_true(a.n == 1 && !strcmp(a.names[1], "1"));
    sgm_images_free(&a);
    o.header = SGM_HEADER_NONE;
    write_file("x,y\n1,2\n", 8);
    CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_FILE, "no number at line 1, column 1, but 'x'");
    assert_empty(&a);
}

/* What is missing is NaN where you ask for it, and an error that names its place where you do not.
 */
static void csv_missing(void **state) {
    static const struct {
        const char *text;
        long n;
        int d;
        float x[6]; /* -1 stands for NaN */
        long line, column;
    } files[] = {
        {"1,2\n3,\n,6\n", 3, 2, {1, 2, 3, -1, -1, 6}, 2, 2},
        {",2\n3,4\n", 2, 2, {-1, 2, 3, 4}, 1, 1},
        {"NA,1\n2,3\n", 2, 2, {-1, 1, 2, 3}, 1, 1},
        {"x,y\nNaN,1\n2,n/a\n", 2, 2, {-1, 1, 2, -1}, 2, 1},
        {"1;null;3\r2;None;\r", 2, 3, {1, -1, 3, 2, -1, -1}, 1, 2},
        {"\"\",1\n\"NA\",2\n", 2, 2, {-1, 1, -1, 2}, 1, 1},
        {"1,2,\n4,5,\n", 2, 3, {1, 2, -1, 4, 5, -1}, 1, 3},
        {"NA,NaN\n1,2\n", 2, 2, {-1, -1, 1, 2}, 1, 1},
        {"1,2\n#N/A,3\n", 2, 2, {1, 2, -1, 3}, 2, 1},
        {"1\t\t3\n\t\t\n", 2, 3, {1, -1, 3, -1, -1, -1}, 1, 2},
        {"\"a\r\nb\",c\r\n\r\n1,-NaN\r\n", 1, 2, {1, -1}, 4, 2},
        {"<NA>\n1\n", 2, 1, {-1, 1}, 1, 1}};
    sgm_images a;
    sgm_csv_options o;
    char where[100];
    (void)state;
    memset(&o, 0, sizeof o);
    o.missing = 1;
    for (int i = 0; i < COUNT(files); i++) {
        snprintf(where, sizeof where, "no number at line %ld, column %ld, but", files[i].line,
                 files[i].column);
        refuse(csv_load, files[i].text, strlen(files[i].text), SGM_BAD_FILE, where);
        check_text(sgm_error(), "set .missing to read a NaN", __FILE__, __LINE__);
        if (files[i].line == 1)
            check_text(sgm_error(), "SGM_HEADER_LINE", __FILE__, __LINE__);
        if (sgm_csv_load(&a, path, &o)) fail_msg("%s: %s", files[i].text, sgm_error());
        assert_true(a.n == files[i].n && a.d == files[i].d);
        for (int k = 0; k < a.n * a.d; k++)
            assert_true(files[i].x[k] < 0 ? a.x[k] != a.x[k] : a.x[k] == files[i].x[k]);
        sgm_images_free(&a);
    }
    static const char *const still[] = {"1,x\n",      "1,?\n2,3\n", "1\n#DIV/0!\n",
                                        "1\n#REF!\n", "1,inf\n",    "1,-Infinity\n"};
    for (int i = 0; i < COUNT(still); i++) { /* a word is not a missing number, nor infinity */
        write_file(still[i], strlen(still[i]));
        CHECK_FAILS(sgm_csv_load(&a, path, &o), i < 4 ? SGM_BAD_FILE : SGM_NOT_FINITE, "column");
        assert_empty(&a);
    }
}

static void csv_options(void **state) {
    sgm_csv_options o;
    sgm_images a;
    static const char wrong[] = "0e+-.\"#\n\rE9";
    (void)state;
    memset(&o, 0, sizeof o);
    o.separator = '\t', o.decimal = ',';
    write_file("1,5\t2\n", 6); /* as German programs copy a table */
    CHECK_OK(sgm_csv_load(&a, path, &o));
    assert_true(a.n == 1 && a.d == 2 && a.x[0] == 1.5f && a.x[1] == 2);
    sgm_images_free(&a);
    o.decimal = '.';
    CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_FILE, "line 1, column 1, but '1,5'");
    o.decimal = ',', o.separator = 0; /* a comma that is a decimal separates nothing */
    write_file("my value\n1,5\n-2,25\n", 19);
    CHECK_OK(sgm_csv_load(&a, path, &o));
    assert_true(a.n == 2 && a.d == 1 && a.x[0] == 1.5f && a.x[1] == -2.25f);
    assert_string_equal(a.names[0], "my value");
    sgm_images_free(&a);
    write_file("1,5 2\n3 4,5\n", 12);
    CHECK_OK(sgm_csv_load(&a, path, &o));
    assert_true(a.n == 2 && a.d == 2 && a.x[0] == 1.5f && a.x[3] == 4.5f);
    sgm_images_free(&a);
    o.separator = '|';
    write_file("a|b c\n1| 2\n", 11);
    CHECK_OK(sgm_csv_load(&a, path, &o));
    assert_true(a.n == 1 && a.d == 2 && !strcmp(a.names[1], "b c"));
    sgm_images_free(&a);
    write_file("1.5;2\n", 6);
    o.separator = 0, o.decimal = ',';
    CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_FILE, "but '1.5'");
    for (int i = 0; i < (int)sizeof wrong - 1; i++) {
        o.separator = wrong[i], o.decimal = 0;
        CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_ARGUMENT,
                    "separator a character of no number");
        assert_empty(&a);
    }
    o.separator = o.decimal = ',';
    CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_ARGUMENT, "and another one");
    o.separator = 0, o.decimal = 'x';
    CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_ARGUMENT, "decimal '.' or ','");
    o.decimal = 0, o.header = (sgm_csv_header)3;
    CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_ARGUMENT, "header is an SGM_HEADER_");
    o.header = (sgm_csv_header)-1;
    CHECK_FAILS(sgm_csv_load(&a, path, &o), SGM_BAD_ARGUMENT, "header is an SGM_HEADER_");
}

/* 20 000 columns, with names, and a line that is one short. */
static void csv_wide(void **state) {
    enum { D = 20000 };
    static char text[40 * D];
    size_t n = 0;
    sgm_images a;
    (void)state;
    for (int line = 0; line < 3; line++)
        for (int i = 0; i < D; i++)
            n += (size_t)sprintf(text + n, line ? "%d%c" : "c%d%c", i + line - 1,
                                 i + 1 < D ? ',' : '\n');
    write_file(text, n);
    CHECK_OK(sgm_csv_load(&a, path, NULL));
    assert_true(a.n == 2 && a.d == D && a.x[D - 1] == D - 1 && a.x[2 * D - 1] == D);
    assert_string_equal(a.names[D - 1], "c19998");
    sgm_images_free(&a);
    text[n - 7] = ' '; /* the last comma */
    refuse(csv_load, text, n, SGM_BAD_FILE, "line 3, column 19999, but '19999 20000'");
}

static void csv_refuses(void **state) {
    static const struct {
        const char *text, *cure;
        sgm_status status;
    } bad[] = {
        {"1,2\n3,x\n", "no number at line 2, column 2, but 'x': fill it or drop the line",
         SGM_BAD_FILE},
        {"1,2\n3\n", "1 numbers in line 2, 2 in those before: fill it", SGM_BAD_FILE},
        {"1,2\n3,4,5\n", "3 numbers in line 2, 2 in those before", SGM_BAD_FILE},
        {"x,y\n1,2,3\n", "3 numbers in line 2, 2 in those before, the header: fill", SGM_BAD_FILE},
        {"x,y,z\r\r1,2\r", "2 numbers in line 3, 3 in those before, the header", SGM_BAD_FILE},
        {"1,2\n\n# c\n3,,4\n", "no number at line 4, column 2", SGM_BAD_FILE},
        {"1,2\r\n\r\n# c\r\n3,,4\r\n", "no number at line 4, column 2", SGM_BAD_FILE},
        {"1,2\r\r# c\r3,,4\r", "no number at line 4, column 2", SGM_BAD_FILE},
        {"1,2\n\r\n# c\r3,,4\n", "no number at line 4, column 2", SGM_BAD_FILE},
        {"1,2,\n", "no number at line 1, column 3", SGM_BAD_FILE},
        {",1\n2,3\n4,y\n", "line 1, column 1", SGM_BAD_FILE},
        {"x,1\n2,3\n", "line 1, column 1, but 'x': fill it, or set .header", SGM_BAD_FILE},
        {"1,x\n2,3\n", "line 1, column 2, but 'x': fill it, or set .header", SGM_BAD_FILE},
        {"1,2\nx,y\n", "no number at line 2, column 1", SGM_BAD_FILE},
        {"x,y\nz,w\n1,2\n", "no number at line 2, column 1, but 'z'", SGM_BAD_FILE},
        {"1,5\t2,5\n", "or .decimal", SGM_BAD_FILE},
        /* spoilt numbers are no names, though none of them is a number */
        {"1,5\t2,5\n3\t4\n", "line 1, column 1, but '1,5': fill it, or set .header", SGM_BAD_FILE},
        {"0x10,0x20\n1,2\n", "line 1, column 1, but '0x10'", SGM_BAD_FILE},
        {"5%,6 %\n1,2\n", "line 1, column 1, but '5%'", SGM_BAD_FILE},
        {"\xe2\x88\x92"
         "1,\xe2\x88\x92"
         "2\n1,2\n",
         "line 1, column 1", SGM_BAD_FILE},
        {"1.2.3,12:30\n1,2\n", "line 1, column 1, but '1.2.3'", SGM_BAD_FILE},
        {"-1e,+5kg\n1,2\n", "line 1, column 1, but '-1e'", SGM_BAD_FILE},
        {"1,5;2.5\n", "line 1, column 2, but '2.5'", SGM_BAD_FILE},
        {"1;2\n1.5;2\n3;1,5\n", "line 3, column 2, but '1,5'", SGM_BAD_FILE},
        {"1.234,5;2\n", "line 1, column 1, but '1.234,5'", SGM_BAD_FILE},
        {"1,234,567;2\n", "line 1, column 1", SGM_BAD_FILE},
        {"1,\"2,5\"\n", "line 1, column 2, but '2,5'", SGM_BAD_FILE},
        {"1 2\n3,4\n", "one kind of separator", SGM_BAD_FILE},
        {"a b\n1,2\n", "2 numbers in line 2, 1 in those before, the header", SGM_BAD_FILE},
        {"1 2 3x\n", "line 1, column 3", SGM_BAD_FILE},
        {"1 2-3\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,0x10\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,5%\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,2 3\n", "line 1, column 2, but '2 3'", SGM_BAD_FILE},
        {"1,-\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,.\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,1.2.3\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,1e\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,1e+\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,--1\n", "line 1, column 2", SGM_BAD_FILE},
        {"1,\xe2\x88\x92"
         "1\n",
         "line 1, column 2", SGM_BAD_FILE}, /* a minus that is none */
        {"1,2\nnan,3\n", "line 2, column 1, but 'nan': fill it, drop the line", SGM_BAD_FILE},
        {"NaN,3\n1,2\n", "line 1, column 1, but 'NaN': fill it, set .missing", SGM_BAD_FILE},
        {"1 2 # note\n", "line 1, column 3", SGM_BAD_FILE},
        {"1\n#DIV/0!\n", "line 2, column 1, but '#DIV/0!'", SGM_BAD_FILE},
        {"1,2\n#VALUE!,3\n", "line 2, column 1, but '#VALUE!'", SGM_BAD_FILE},
        {"1 2\n#NUM! 3\n", "line 2, column 1, but '#NUM!'", SGM_BAD_FILE},
        {"1,\"2\n3,4\n", "line 1, column 2, but '2", SGM_BAD_FILE},
        {"1,2\n\"3\"4,5\n", "line 2, column 1, but '3': close its quotes", SGM_BAD_FILE},
        {"1,2\n\"3\"\"\",5\n", "line 2, column 1", SGM_BAD_FILE},
        {"\"1\"2 3\n", "close its quotes, and double those inside", SGM_BAD_FILE},
        {"1,\"\n\n\n\n2\"\n", "line 1, column 2", SGM_BAD_FILE},
        {"\"a\n\n\",b\n1,2\n3,x\n", "line 5, column 2, but 'x'", SGM_BAD_FILE},
        {"", "holds no numbers: write a row for each point", SGM_BAD_FILE},
        {"x,y\n# nothing\n\n", "holds no numbers", SGM_BAD_FILE},
        {"\xef\xbb\xbf", "holds no numbers", SGM_BAD_FILE},
        {"sep=;\n", "holds no numbers", SGM_BAD_FILE},
        {"1,2\n3,1e39\n", "'1e39' at line 2, column 2 is beyond float: drop or scale",
         SGM_NOT_FINITE},
        {"1,3.4028236e38\n", "'3.4028236e38' at line 1, column 2 is beyond", SGM_NOT_FINITE},
        {"-1e400\n", "'-1e400' at line 1, column 1", SGM_NOT_FINITE},
        {"1e99999999999999999999\n", "at line 1, column 1 is beyond float", SGM_NOT_FINITE},
        {"inf\n1\n", "'inf' at line 1, column 1 is beyond float", SGM_NOT_FINITE},
        {"x\r1\r-Infinity\r", "'-Infinity' at line 3, column 1", SGM_NOT_FINITE},
    };
    (void)state;
    for (int i = 0; i < COUNT(bad); i++)
        refuse(csv_load, bad[i].text, strlen(bad[i].text), bad[i].status, bad[i].cure);
    refuse(csv_load, "1,2\n\0,4\n", 8, SGM_BAD_FILE, "no text: it holds a zero byte");
    refuse(csv_load, "1\0,\0" "2\0", 6, SGM_BAD_FILE, "no text"); /* UTF-16 */
}

/*
Numbers against strtod. Of the digits 15 count at least: what is dropped is less than 1 part in
9·10¹⁴; each power of ten rounds once, 2⁻⁵³, at most 85 times; so the double is within 1.1·10⁻¹⁴
and the float, half a spacing of 2⁻²³, is strtod's or its neighbour. Nine digits decide it, §C.4.
*/
static void csv_numbers(void **state) {
    static const char *const forms[] = {"%.9g",   "%.9e", "%.17g", "%.25e",
                                        "%+.12g", "%.0e", "%.30f"};
    static const float edges[] = {FLT_MAX, -FLT_MAX, FLT_MIN, 1.4e-45f, -0.0f, 0, 16777217.0f,
                                  3.4028233e38f, 1.1754942e-38f, 0.1f};
    enum { N = 3000 };
    static float x[N];
    static char text[N * 80];
    sgm_images a;
    (void)state;
    for (int f = 0; f < COUNT(forms); f++) {
        size_t n = 0;
        for (int i = 0; i < N; i++) {
            uint32_t bits = (uint32_t)sgm_below(sgm_key_init(50), (uint64_t)i, 0xff000000u);
            bits = bits >= 0x7f800000u ? bits - 0x7f800000u + 0x80000000u : bits; /* finite */
            memcpy(x + i, &bits, 4);
            if (i < COUNT(edges)) x[i] = edges[i];
            if (f == 6 && fabs(x[i]) > 1e30f) x[i] = 1e-9f * (float)i; /* room for 80 */
            n += (size_t)snprintf(text + n, 80, forms[f], (double)x[i]);
            text[n++] = '\n';
        }
        write_file(text, n);
        CHECK_OK(sgm_csv_load(&a, path, NULL));
        assert_true(a.n == N && a.d == 1);
        char *at = text;
        for (int i = 0; i < N; i++) {
            float truth = (float)strtod(at, &at), size = fabsf(truth);
            if (f <= 4) assert_memory_equal(a.x + i, x + i, 4); /* nine digits or more */
            CHECK_CLOSE(a.x[i], truth, size - nextafterf(size, -1));
        }
        sgm_images_free(&a);
    }
    char *at = text; /* the parser itself, in double */
    for (int i = 0; i < 2000; i++) {
        double value, size = pow(10, (double)(i % 77) - 38);
        snprintf(text, 80, i % 2 ? "%.*e" : "%.*g", 1 + i % 20, sin(i + 0.5) * size);
        const char *end = sgm__decimal(at, '.', &value);
        assert_true(end && !*end);
        CHECK_REL(value, strtod(text, NULL), 1.2e-14);
    }
}

/* The header as numpy writes it: a dictionary, blanks up to a multiple of 64, a newline. */
static size_t npy_file(int version, const char *dictionary, const void *data, size_t bytes) {
    size_t head = version == 1 ? 10 : 12, n = strlen(dictionary), length = n + 1;
    while ((head + length) % 64) length++;
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (unsigned char)version, file[7] = 0;
    for (size_t i = 8; i < head; i++) file[i] = (unsigned char)(length >> 8 * (i - 8));
    memset(file + head, ' ', length), memcpy(file + head, dictionary, n);
    file[head + length - 1] = '\n';
    memcpy(file + head + length, data, bytes);
    return head + length + bytes;
}

static void npy_files(void **state) {
    static const struct {
        const char *shape;
        long n;
        int h, w, channels;
    } shapes[] = {{"(24,)", 24, 1, 1, 1},        {"(4, 6)", 4, 1, 6, 1}, {"(4, 3, 2)", 4, 3, 2, 1},
                  {"(2, 1, 4, 3)", 2, 1, 4, 3}, {"(24, 1)", 24, 1, 1, 1},
                  {"(1, 24,)", 1, 1, 24, 1}};
    float x[24];
    double y[24];
    (void)state;
    sgm_normal(x, 24, sgm_key_init(60), 0);
    for (int i = 0; i < 24; i++) y[i] = x[i] * 1.0000000001;
    x[3] = FLT_MAX, y[3] = -(double)FLT_MAX;
    for (int c = 0; c < COUNT(shapes) * 6; c++) {
        char text[200];
        int s = c / 6, wide = c % 2, version = 1 + c / 2 % 3;
        sgm_images a;
        snprintf(text, sizeof text, "{'descr': '<f%d', 'fortran_order': False, 'shape': %s, }",
                 wide ? 8 : 4, shapes[s].shape);
        write_file(file, npy_file(version, text, wide ? (void *)y : (void *)x, wide ? 192 : 96));
        CHECK_OK(sgm_npy_load(&a, path));
        assert_true(a.n == shapes[s].n && a.h == shapes[s].h && a.w == shapes[s].w);
        assert_true(a.channels == shapes[s].channels && a.n * a.d == 24 && !a.label);
        for (int i = 0; i < 24; i++) CHECK_CLOSE(a.x[i], wide ? (float)y[i] : x[i], 0);
        sgm_images_free(&a);
    }
}

/* As numpy 2.4 writes [[1, -2, 3], [4, 5, 6]] (2 for -2 where there is no sign) in every type, by
rows and by columns. */
static void npy_of_every_type(void **state) {
    static const struct {
        const char *type, *by_columns, *shape, *bytes;
        size_t n;
    } files[] = {
        {"<f2", "False", "(2, 3)", "\0<\0\xc0\0B\0D\0E\0F", 12},
        {">f2", "False", "(2, 3)", "<\0\xc0\0B\0D\0E\0F\0", 12},
        {">f4", "False", "(2, 3)", "\x3f\x80\0\0\xc0\0\0\0@@\0\0@\x80\0\0@\xa0\0\0@\xc0\0\0", 24},
        {">f4", "True", "(2, 3)", "\x3f\x80\0\0@\x80\0\0\xc0\0\0\0@\xa0\0\0@@\0\0@\xc0\0\0", 24},
        {"<f8", "False", "(2, 3)",
         "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\x08@\0\0\0\0\0\0\x10@\0\0\0\0\0\0\x14@"
         "\0\0\0\0\0\0\x18@",
         48},
        {">f8", "False", "(2, 3)",
         "\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0@\x08\0\0\0\0\0\0@\x10\0\0\0\0\0\0@"
         "\x14\0\0\0\0\0\0@\x18\0\0\0\0\0\0",
         48},
        {"|i1", "False", "(2, 3)", "\x01\xfe\x03\x04\x05\x06", 6},
        {"<i2", "False", "(2, 3)", "\x01\0\xfe\xff\x03\0\x04\0\x05\0\x06\0", 12},
        {">i2", "False", "(2, 3)", "\0\x01\xff\xfe\0\x03\0\x04\0\x05\0\x06", 12},
        {"<i4", "False", "(2, 3)",
         "\x01\0\0\0\xfe\xff\xff\xff\x03\0\0\0\x04\0\0\0\x05\0\0\0\x06\0\0\0", 24},
        {">i4", "False", "(2, 3)",
         "\0\0\0\x01\xff\xff\xff\xfe\0\0\0\x03\0\0\0\x04\0\0\0\x05\0\0\0\x06", 24},
        {"<i8", "False", "(2, 3)",
         "\x01\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0"
         "\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0",
         48},
        {"<i8", "True", "(2, 3)",
         "\x01\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\x05\0\0\0\0\0\0\0"
         "\x03\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0",
         48},
        {">i8", "False", "(2, 3)",
         "\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0"
         "\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x06",
         48},
        {"|u1", "False", "(2, 3)", "\x01\x02\x03\x04\x05\x06", 6},
        {"|u1", "True", "(2, 3)", "\x01\x04\x02\x05\x03\x06", 6},
        {"<u2", "False", "(2, 3)", "\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0", 12},
        {">u2", "False", "(2, 3)", "\0\x01\0\x02\0\x03\0\x04\0\x05\0\x06", 12},
        {"<u4", "False", "(2, 3)", "\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05\0\0\0\x06\0\0\0",
         24},
        {">u4", "False", "(2, 3)", "\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05\0\0\0\x06",
         24},
        {"<u8", "False", "(2, 3)",
         "\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x05\0\0\0\0\0\0"
         "\0\x06\0\0\0\0\0\0\0",
         48},
        {">u8", "False", "(2, 3)",
         "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0"
         "\x05\0\0\0\0\0\0\0\x06",
         48},
        {"|b1", "False", "(2, 3)", "\x01\x01\x01\x01\x01\x01", 6},
        {"|b1", "True", "(2, 3)", "\x01\x01\x01\x01\x01\x01", 6},
        {"=f4", "False", "(2L, 3L)", "\0\0\x80\x3f\0\0\0\xc0\0\0@@\0\0\x80@\0\0\xa0@\0\0\xc0@", 24},
        {"f4", "False", " ( 2 , 3 , ) ", "\0\0\x80\x3f\0\0\0\xc0\0\0@@\0\0\x80@\0\0\xa0@\0\0\xc0@",
         24},
        {"|u1", "False", "(2,3)", "\x01\x02\x03\x04\x05\x06", 6},
        {"<u1", "False", "[2, 3]", "\x01\x02\x03\x04\x05\x06", 6}};
    char text[200];
    sgm_images a;
    (void)state;
    for (int i = 0; i < COUNT(files); i++) {
        const uint16_t one = 1;
        if (strchr("=f", *files[i].type) && !*(const char *)&one) continue; /* the writer's order */
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }",
                 files[i].type, files[i].by_columns, files[i].shape);
        write_file(file, npy_file(1 + i % 3, text, files[i].bytes, files[i].n));
        if (sgm_npy_load(&a, path)) fail_msg("%s: %s", text, sgm_error());
        assert_true(a.n == 2 && a.d == 3 && a.h == 1 && a.w == 3);
        for (int k = 0; k < 6; k++) {
            float truth = (float)(k == 1 ? strchr(files[i].type, 'u') ? 2 : -2 : k + 1);
            CHECK_CLOSE(a.x[k], strchr(files[i].type, 'b') ? 1 : truth, 0);
        }
        sgm_images_free(&a);
    }
}

/* Fortran's order in 0 to 4 dimensions: element (i,j,k,l) of the file stands at i + s0(j + s1(k +
s2 l)); its value says where it belongs. Other quotes, other orders of keys, a text of 9000 bytes.
*/
static void npy_by_columns(void **state) {
    static const int shapes[][4] = {
        {1, 1, 1, 1}, {6, 1, 1, 1}, {3, 5, 1, 1}, {2, 3, 4, 1}, {3, 2, 4, 5}};
    static const char *const forms[] = {
        "{'descr': '<i2', 'fortran_order': True, 'shape': (%s), }",
        "{\"shape\":(%s),\"descr\":\"<i2\",\"fortran_order\":True}",
        "\n{'fortran_order':\tTrue ,'shape' : (%s),'descr':'<i2'}\n",
        "{'fortran_order': True, 'shape': (%s), 'descr':%9000s '<i2'}"};
    unsigned char bytes[2 * 120];
    char text[10000], list[100], head[9900];
    sgm_images a;
    (void)state;
    for (int c = 0; c < COUNT(shapes) * COUNT(forms); c++) {
        const int dims = c / COUNT(forms), *s = shapes[dims];
        *list = 0;
        for (int i = 0; i < dims; i++) sprintf(list + strlen(list), "%d, ", s[i]);
        snprintf(head, sizeof head, forms[c % COUNT(forms)], list, "");
        snprintf(text, sizeof text, "%s", head);
        const int n = s[0] * s[1] * s[2] * s[3];
        for (int l = 0; l < s[3]; l++)
            for (int k = 0; k < s[2]; k++)
                for (int j = 0; j < s[1]; j++)
                    for (int i = 0; i < s[0]; i++) {
                        int at = i + s[0] * (j + s[1] * (k + s[2] * l));
                        int value = ((i * s[1] + j) * s[2] + k) * s[3] + l;
                        bytes[2 * at] = (unsigned char)value, bytes[2 * at + 1] = 0;
                    }
        write_file(file, npy_file(2, text, bytes, 2 * (size_t)n));
        if (sgm_npy_load(&a, path)) fail_msg("%s: %s", list, sgm_error());
        assert_true(a.n == s[0] && a.n * a.d == n && a.channels == s[3]);
        assert_true(a.h == (dims > 2 ? s[1] : 1) && a.w == (dims > 2 ? s[2] : s[1]));
        for (int i = 0; i < n; i++) CHECK_CLOSE(a.x[i], i, 0);
        sgm_images_free(&a);
    }
}

static void npy_refuses(void **state) {
    static const struct {
        const char *type, *order, *shape, *cure;
    } bad[] = {
        {"<c8", "False", "(4, 3)", "of type '<c8': save x.astype('float32')"},
        {"-", "False", "(12,)", "of type '-'"}, /* what numpy has no name for is not looked up */
        {"", "False", "(12,)", "of type ''"},
        {"<BF16", "False", "(48,)", "of type '<BF16'"},
        {"<U6", "False", "(4,)", "of type '<U6': save"},
        {"|S24", "False", "(4,)", "'|S24'"},
        {"|O", "False", "(12,)", "'|O'"},
        {"<M8[D]", "False", "(12,)", "'<M8[D]'"},
        {"<f16", "False", "(6,)", "'<f16'"},
        {"<f3", "False", "(32,)", "'<f3'"},
        {"|f1", "False", "(96,)", "'|f1'"},
        {"|b2", "False", "(48,)", "'|b2'"},
        {"|V4", "False", "(24,)", "'|V4'"},
        {"", "False", "(24,)", "''"},
        {"<", "False", "(24,)", "'<'"},
        {"<i4,<f4", "False", "(12,)", "'<i4,<f4'"},
        {"<f4", "1", "(4, 6)", "no True or False"},
        {"<f4", "'False'", "(4, 6)", "no True or False"},
        {"<f4", "False", "(4, 5)", "2 dimensions and 20 numbers of 4 bytes, in 96 bytes"},
        {"<f4", "False", "(4, 7)", "copy it again"},
        {"<f8", "False", "(4, 6)", "copy it again"},
        {"<f4", "False", "(2, 2, 2, 3, 1)", "5 dimensions and 24 numbers"},
        {"<f4", "False", "()", "0 dimensions and 1 numbers of 4 bytes, in 96"},
        {"<f4", "False", "(0, 6)", "none of them 0"},
        {"<f4", "False", "(-4, -6)", "no whole number, or negative"},
        {"<f4", "False", "(4, 6", "no whole number"},
        {"<f4", "False", "4, 6", "a list of sizes is missing"},
        {"<f4", "False", "(4.0, 6)", "comma or ) is missing"},
        {"<f4", "False", "(4,, 6)", "no whole number"},
        {"<f4", "False", "(4 6)", "comma or ) is missing"},
        {"<f4", "False", "(04, 6)", "no whole number"},
        {"<f4", "False", "(4, 6), 'shape': (24,), 'x': (1,)", "x is no key"},
        {"<f4", "False", "(4294967296, 4294967296, 24)", "too large"},
        {"<f4", "False", "(4611686018427387904, 1)", "reshape it"}, /* times 4 is 0, if it wraps */
        {"<f4", "False", "(4611686018427387928,)", "reshape it"},   /* times 4 is 96, if it wraps */
        {"<f4", "False", "(99999999999999999999999, 24)", "too large"},
    };
    float x[24];
    char text[200];
    (void)state;
    sgm_normal(x, 24, sgm_key_init(61), 0);
    for (int i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }",
                 bad[i].type, bad[i].order, bad[i].shape);
        refuse(sgm_npy_load, file, npy_file(1, text, x, 96), SGM_BAD_FILE, bad[i].cure);
    }
    const char *good = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 6), }";
    refuse(sgm_npy_load, file, npy_file(1, good, x, 95), SGM_BAD_FILE, "copy it again");
    refuse(sgm_npy_load, file, npy_file(1, good, x, 96) + 1, SGM_BAD_FILE, "copy it again");
    refuse(sgm_npy_load, file, npy_file(0, good, x, 96), SGM_BAD_FILE, "numpy.save");
    refuse(sgm_npy_load, file, npy_file(4, good, x, 96), SGM_BAD_FILE, "numpy.save");
    refuse(sgm_npy_load, file, npy_file(1, "{}", x, 96), SGM_BAD_FILE,
           "descr, fortran_order or shape is missing");
    refuse(sgm_npy_load, file,
           npy_file(
               1,
               "{'descr': [('a', '<i4'), ('b', '<f4')], 'fortran_order': False, 'shape': (12,), }",
               x, 96),
           SGM_BAD_FILE, "a type is a record: save one field");
    size_t n = npy_file(1, good, x, 96);
    file[9] = 0xff; /* a header longer than the file */
    refuse(sgm_npy_load, file, n, SGM_BAD_FILE, "save it with numpy.save");
    refuse(sgm_npy_load, "PK\3\4 an npz file", 17, SGM_BAD_FILE, "save it with numpy.save");
    x[7] = (float)NAN;
    refuse(sgm_npy_load, file, npy_file(1, good, x, 96), SGM_NOT_FINITE, "row 1 holds NaN");
    double huge[2] = {1, 1e39};
    good = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
    refuse(sgm_npy_load, file, npy_file(1, good, huge, 16), SGM_NOT_FINITE, "beyond float");
}

/* A small file of each kind, in `file`; its length. */
static size_t small_file(int kind) {
    static const float x[4] = {1, -2, 0.5f, 1e10f};
    static const char text[] = "\xef\xbb\xbf# c\r\nx,y\r\n1.5e3,-2\r\n\n+.25E-2,40\n";
    if (kind == 0) return idx_file(0x803, 3, 2, 4, 24);
    if (kind == 1) return cifar_file(2);
    if (kind == 3)
        return npy_file(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", x, 16);
    if (kind == 4) return idx_file(0x801, 9, 0, 0, 9);
    memcpy(file, text, sizeof text - 1);
    return sizeof text - 1;
}

static void must_be_sound(int kind, size_t n) {
    sgm_images a;
    write_file(file, n);
    sgm_status status = loaders[kind % 4](&a, path);
    if (status) {
        assert_true(status == SGM_BAD_FILE || status == SGM_NOT_FINITE);
        assert_true(sgm_error()[0] != 0);
        assert_empty(&a);
    } else {
        assert_true(a.n > 0 && a.d == a.h * a.w * a.channels && (a.x || a.label));
        for (long i = 0; a.x && i < a.n * a.d; i++) assert_true(fabs(a.x[i]) <= FLT_MAX);
        for (long i = 0; a.label && i < a.n; i++) assert_in_range(a.label[i], 0, 255);
        sgm_images_free(&a);
    }
    assert_int_equal(live_blocks, 0);
}

static void no_cut_and_no_flip_does_harm(void **state) {
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        size_t n = small_file(kind), step = kind == 1 ? 29 : 1; /* all labels, some pixels */
        for (size_t cut = 0; cut <= n; cut += step) must_be_sound(kind, cut);
        for (size_t i = 0; i < n; i += i % 3073 ? step : 1)
            for (int bit = 0; bit < 9; bit++) {
                unsigned char old = file[i];
                file[i] ^= (unsigned char)(bit < 8 ? 1 << bit : 255);
                must_be_sound(kind, n);
                file[i] = old;
            }
    }
}

static void readers_without_memory_or_file(void **state) {
    sgm_images a;
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        sgm_status status = SGM_NO_MEMORY;
        write_file(file, small_file(kind));
        for (fail_at = 1; status; fail_at++) {
            alloc_calls = 0;
            status = loaders[kind % 4](&a, path);
            if (!status) break;
            assert_int_equal(status, SGM_NO_MEMORY);
            check_text(sgm_error(), "no memory", __FILE__, __LINE__);
            assert_empty(&a);
            assert_int_equal(live_blocks, 0);
        }
        assert_int_equal(fail_at, kind == 1 ? 3 : kind == 2 ? 4 : 2); /* x or labels; CIFAR both;
                                                          a table x, the text and the names */
        fail_at = 0;
        sgm_images_free(&a);
    }
    remove(path);
    for (int kind = 0; kind < 4; kind++) {
        CHECK_FAILS(loaders[kind](&a, path), SGM_NO_FILE, "check that its directory exists");
        assert_empty(&a);
        CHECK_FAILS(loaders[kind](&a, directory), SGM_NO_FILE, "cannot read");
        CHECK_FAILS(loaders[kind](&a, NULL), SGM_BAD_ARGUMENT, "a path and a place");
        CHECK_FAILS(loaders[kind](NULL, path), SGM_BAD_ARGUMENT, "a path and a place");
    }
}

/* A file of 2⁴⁰ bytes, nearly all a hole, and heads that claim gigabytes: refused before anything
is allocated. A hole's zeros are no text either. */
static void large_claims_take_no_memory(void **state) {
    static const char text[] = "1,2\n3,4\n";
    sgm_images a;
    (void)state;
    for (int kind = 0; kind < 7; kind++) {
        const int hole = kind < 4;
        size_t n = kind == 2 ? sizeof text - 1
                             : small_file(kind == 1                ? 1
                                          : kind == 3 || kind == 6 ? 3
                                                                   : 0);
        if (kind == 2) memcpy(file, text, n);
        if (kind == 4) word(file + 4, 0xffffffffu); /* 4·10⁹ images of 8 bytes */
        if (kind == 5) word(file + 4, 60000), word(file + 8, 28), word(file + 12, 28);
        if (kind == 6) n = npy_file(1, "{'descr': '|u1', 'fortran_order': False, 'shape': "
            "(1099511627776,), }", file, 16);
        write_file(file, n);
        if (hole && truncate(path, ((off_t)1 << (sizeof(off_t) > 4 ? 40 : 30)) + kind)) skip();
        alloc_calls = 0;
        sgm_status status = loaders[kind < 4 ? kind : kind == 6 ? 3 : 0](&a, path);
        if (status != SGM_BAD_FILE && status != SGM_NO_FILE) fail_msg("%d: %s", kind, sgm_error());
        assert_int_equal(alloc_calls, 0);
        assert_empty(&a);
    }
}

/* Neither a pipe nor a device is opened: it would wait, or never end. */
static void readers_open_files_only(void **state) {
    sgm_images a;
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    for (int kind = 0; kind < 4; kind++) {
        CHECK_FAILS(loaders[kind](&a, path), SGM_NO_FILE, "copy it to a file first");
        CHECK_FAILS(loaders[kind](&a, "/dev/zero"), SGM_NO_FILE, "copy it to a file first");
    }
}

#ifdef SGM_ZLIB
static size_t gzip_file(size_t n) {
    static unsigned char packed[sizeof file];
    gzFile f = gzopen(path, "wb");
    assert_int_equal(gzwrite(f, file, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
    n = read_file(packed, sizeof packed);
    memcpy(file, packed, n);
    return n;
}

/* 96 MB of a table or of zeros, packed into 0.1: no honest file. Nothing is allocated for it. */
static void bombs(void **state) {
    static char block[1 << 20];
    sgm_images a;
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        gzFile f = gzopen(path, "wb9");
        for (int i = 0; i < (1 << 20); i++) block[i] = (char)(kind == 2 ? i % 2 ? '\n' : '1' : 0);
        if (kind == 0 || kind == 3) gzwrite(f, file, (unsigned)small_file(kind));
        for (int i = 0; i < 96; i++) gzwrite(f, block, 1 << 20);
        assert_int_equal(gzclose(f), Z_OK);
        alloc_calls = 0;
        CHECK_FAILS(loaders[kind](&a, path), SGM_BAD_FILE,
                    "200 times its size: if that is right, run gunzip");
        assert_int_equal(alloc_calls, 0);
    }
    size_t n = small_file(0); /* a claim that the unpacked bytes do not keep */
    word(file + 4, 100000000), write_file(file, gzip_file(n));
    alloc_calls = 0;
    CHECK_FAILS(sgm_idx_load(&a, path), SGM_BAD_FILE, "says 100000000 items");
    assert_int_equal(alloc_calls, 0);
}

static void compressed_files(void **state) {
    sgm_images a, b;
    (void)state;
    for (int kind = 0; kind < 6; kind++) { /* the last is longer than a chunk of 65 536 bytes */
        size_t n = kind < 5 ? small_file(kind) : cifar_file(22);
        write_file(file, n);
        CHECK_OK(loaders[kind % 4](&a, path));
        n = gzip_file(n);
        CHECK_OK(loaders[kind % 4](&b, path));
        assert_true(a.n == b.n && a.d == b.d);
        if (a.x) assert_memory_equal(a.x, b.x, (size_t)a.n * (size_t)a.d * sizeof *a.x);
        if (a.label) assert_memory_equal(a.label, b.label, (size_t)a.n * sizeof *a.label);
        sgm_images_free(&a), sgm_images_free(&b);
        sgm_status status = SGM_NO_MEMORY;
        for (fail_at = 1; status; fail_at++) {
            alloc_calls = 0, status = loaders[kind % 4](&a, path);
            assert_true(status == SGM_OK || status == SGM_NO_MEMORY);
        }
        fail_at = 0;
        sgm_images_free(&a);
        refuse(loaders[kind % 4], file, n - 1, SGM_BAD_FILE, "cut or damaged inside: download it");
        refuse(loaders[kind % 4], file, n / 2, SGM_BAD_FILE, "download it again");
        file[n - 6] ^= 1; /* in the checksum */
        refuse(loaders[kind % 4], file, n, SGM_BAD_FILE, "download it again");
    }
    refuse(csv_load, "\x1f\x8b\x08", 3, SGM_BAD_FILE, "");
}
#else
static void compressed_files(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        refuse(loaders[kind], "\x1f\x8b\x08", 4, SGM_BAD_FILE, "run gunzip on it, or define");
}
#endif

/* ---- pictures ---- */

/* Pixel by pixel: which image is here, and where in it? */
static size_t grid_by_hand(unsigned char *to, const float *x, long n, int h, int w, int channels,
                           int columns, int *width, int *height) {
    int across = columns < n ? columns : (int)n, down = (int)((n + across - 1) / across);
    size_t at = 0;
    *width = across * w + across - 1, *height = down * h + down - 1;
    for (int y = 0; y < *height; y++)
        for (int i = 0; i < *width; i++)
            for (int c = 0; c < channels; c++) {
                int row = y % (h + 1), column = i % (w + 1);
                long image = (long)(y / (h + 1)) * across + i / (w + 1);
                double v = 128 / 255.0;
                if (row < h && column < w && image < n)
                    v = x[((image * h + row) * w + column) * channels + c];
                v = v != v || v < 0 ? 0 : v > 1 ? 1 : v;
                to[at++] = (unsigned char)floor((float)(255 * v) + 0.5);
            }
    return at;
}

static struct {
    int calls, w, h, channels, stride, result, no_errno, partly;
    char name[300];
    size_t bytes;
    unsigned char data[4000];
} png;

static int png_writer(char const *name, int w, int h, int channels, const void *data, int stride) {
    png.calls++, png.w = w, png.h = h, png.channels = channels, png.stride = stride;
    png.bytes = (size_t)stride * (size_t)h;
    snprintf(png.name, sizeof png.name, "%s", name);
    if (png.bytes <= sizeof png.data) memcpy(png.data, data, png.bytes);
    FILE *f = fopen(name, "wb");
    if (f && (png.result || png.partly)) fputs("a picture", f);
    if (f) fclose(f);
    errno = png.result || png.no_errno ? 0 : ENOSPC;
    return png.result;
}

static const int grids[][5] = {{5, 3, 4, 1, 3}, {5, 3, 4, 3, 3}, {1, 2, 2, 1, 1}, {6, 1, 1, 3, 3},
                               {4, 2, 3, 1, 9}, {3, 5, 2, 1, 1}, {7, 3, 3, 3, 2147483647}};

static void grids_are_exact(void **state) {
    static float x[2000];
    static unsigned char truth[4000], got[4100];
    (void)state;
    sgm_uniform(x, 2000, sgm_key_init(70), 0);
    for (int i = 0; i < 2000; i++) x[i] = 1.5f * x[i] - 0.25f; /* below 0 and above 1 too */
    x[1] = (float)NAN, x[2] = (float)INFINITY, x[3] = -(float)INFINITY, x[0] = 0.5f / 255;
    for (int c = 0; c < COUNT(grids); c++) {
        const int *g = grids[c];
        int width, height;
        char head[40];
        size_t n = grid_by_hand(truth, x, g[0], g[1], g[2], g[3], g[4], &width, &height);
        int length = snprintf(head, sizeof head, "P%c\n%d %d\n255\n", g[3] == 1 ? '5' : '6', width,
                              height);
        CHECK_OK(sgm_pnm_save(path, x, g[0], g[1], g[2], g[3], g[4]));
        assert_int_equal(read_file(got, sizeof got), n + (size_t)length);
        assert_memory_equal(got, head, (size_t)length);
        assert_memory_equal(got + length, truth, n);
        memset(&png, 0, sizeof png), png.result = 1;
        CHECK_OK(sgm_png_grid(path, x, g[0], g[1], g[2], g[3], g[4], png_writer));
        assert_true(png.calls == 1 && png.w == width && png.h == height && png.channels == g[3]);
        assert_int_equal(png.stride, width * g[3]);
        assert_memory_equal(png.data, truth, n);
        assert_string_not_equal(png.name, path); /* beside it, then renamed */
        assert_int_equal(read_file(got, sizeof got), 9);
        assert_memory_equal(got, "a picture", 9);
        assert_int_equal(files_left(), 1);
        assert_int_equal(live_blocks, 0);
    }
}

static void a_picture_appears_whole_or_not_at_all(void **state) {
    static float x[4000];
    unsigned char got[20];
    (void)state;
    for (int old = 0; old < 2; old++) {
        if (old) write_file("the old one", 11);
        for (int c = 0; c < 3; c++) {
            memset(&png, 0, sizeof png), png.partly = c > 0, png.no_errno = c > 1;
            CHECK_FAILS(sgm_png_grid(path, x, 4, 2, 2, 1, 2, png_writer), SGM_NO_FILE,
                        png.no_errno ? "cannot write" : strerror(ENOSPC));
            check_text(sgm_error(), "with room", __FILE__, __LINE__);
            assert_int_equal(files_left(), old);
        }
        alloc_calls = 0, fail_at = 1, png.calls = 0;
        CHECK_FAILS(sgm_pnm_save(path, x, 4, 2, 2, 1, 2), SGM_NO_MEMORY, "no memory");
        alloc_calls = 0;
        CHECK_FAILS(sgm_png_grid(path, x, 4, 2, 2, 1, 2, png_writer), SGM_NO_MEMORY, "no memory");
        assert_int_equal(png.calls, 0);
        fail_at = 0;
        struct rlimit no, before;
        getrlimit(RLIMIT_FSIZE, &before);
        no = before, no.rlim_cur = 1000; /* a disk that is full after 1000 bytes */
        setrlimit(RLIMIT_FSIZE, &no);
        sgm_status status = sgm_pnm_save(path, x, 1, 60, 60, 1, 1);
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK_FAILS(status, SGM_NO_FILE, "cannot write");
        assert_int_equal(files_left(), old);
    }
    assert_int_equal(read_file(got, sizeof got), 11);
    assert_memory_equal(got, "the old one", 11);
    char nowhere[400];
    snprintf(nowhere, sizeof nowhere, "%s/none/a.pgm", directory);
    CHECK_FAILS(sgm_pnm_save(nowhere, x, 1, 2, 2, 1, 1), SGM_NO_FILE, "directory exists");
    CHECK_FAILS(sgm_png_grid(nowhere, x, 1, 2, 2, 1, 1, png_writer), SGM_NO_FILE, "directory");
}

static void pictures_refuse(void **state) {
    float x[12] = {0};
    const int bad[][5] = {{0, 2, 2, 1, 1}, {1, 0, 2, 1, 1}, {1, 2, 0, 1, 1}, {1, 2, 2, 2, 1},
                          {1, 2, 2, 4, 1}, {1, 2, 2, 1, 0}, {-1, 2, 2, 1, 1}};
    (void)state;
    for (int c = 0; c < COUNT(bad); c++) {
        const int *g = bad[c];
        CHECK_FAILS(sgm_pnm_save(path, x, g[0], g[1], g[2], g[3], g[4]), SGM_BAD_ARGUMENT,
                    "columns >= 1 and 1 or 3 channels");
        CHECK_FAILS(sgm_png_grid(path, x, g[0], g[1], g[2], g[3], g[4], png_writer),
                    SGM_BAD_ARGUMENT, "columns >= 1 and 1 or 3 channels");
    }
    CHECK_FAILS(sgm_pnm_save(NULL, x, 1, 2, 2, 1, 1), SGM_BAD_ARGUMENT, "a grid needs a path");
    CHECK_FAILS(sgm_pnm_save(path, NULL, 1, 2, 2, 1, 1), SGM_BAD_ARGUMENT, "a grid needs a path");
    CHECK_FAILS(sgm_png_grid(path, x, 1, 2, 2, 1, 1, NULL), SGM_BAD_ARGUMENT, "stbi_write_png");
    CHECK_FAILS(sgm_pnm_save(path, x, 1, 50000, 50000, 1, 1), SGM_BAD_ARGUMENT, "draw fewer");
    CHECK_FAILS(sgm_pnm_save(path, x, 2147483647, 1, 1, 1, 1), SGM_BAD_ARGUMENT, "draw fewer");
    CHECK_FAILS(sgm_pnm_save(path, x, 1, INT_MAX, INT_MAX, 3, 9), SGM_BAD_ARGUMENT, "draw fewer");
    assert_int_equal(files_left(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(digits_depend_on_key_and_number),
        TEST(digits_have_all_labels_and_both_hands),
        TEST(poses_follow_their_law),
        TEST(a_pixel_is_the_distance_to_the_pen),
        TEST(a_stroke_has_the_ink_of_its_length),
        TEST(dequantised_levels_come_back),
        TEST(dequantising_noise_is_uniform),
        TEST(dequantise_refuses),
        TEST(bits_per_dimension),
        TEST(frechet_of_known_gaussians),
        TEST(frechet_of_a_set_with_itself),
        TEST(frechet_has_a_floor),
        TEST(frechet_keeps_its_bits_and_refuses),
        TEST(nearest_is_what_sorting_finds),
        TEST(nearest_refuses),
        TEST(precision_and_recall),
        TEST(idx_files),
        TEST(cifar_files),
        TEST(csv_files),
        TEST(csv_names),
        TEST(csv_missing),
        TEST(csv_options),
        TEST(csv_wide),
        TEST(csv_refuses),
        TEST(csv_numbers),
        TEST(npy_files),
        TEST(npy_of_every_type),
        TEST(npy_by_columns),
        TEST(npy_refuses),
        TEST(no_cut_and_no_flip_does_harm),
        TEST(readers_without_memory_or_file),
        TEST(large_claims_take_no_memory),
        TEST(readers_open_files_only),
#ifdef SGM_ZLIB
        TEST(bombs),
#endif
        TEST(compressed_files),
        TEST(grids_are_exact),
        TEST(a_picture_appears_whole_or_not_at_all),
        TEST(pictures_refuse),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
