/*
Appendix A, the ground: errors and memory, random numbers, exp, log, sin and cos.

Statistical checks have fixed keys; a tolerance of CHECK_SIGMAS standard errors is a false alarm
of one in 1.7 million keys, CHECK_RATE the same for p-values.

    cc -O2 -o test_a_ground test_a_ground.c -lcmocka -lm
*/

#include <stddef.h>
#include <stdlib.h>

/* An allocator that remembers the last request, and hands out memory full of rubbish. */

static size_t asked;
static unsigned char *handed_out;

static void *watched_malloc(size_t n) {
    asked = n;
    handed_out = (unsigned char *)malloc(n);
    for (size_t i = 0; handed_out && i < n; i++) handed_out[i] = 0xa5;
    return handed_out;
}

static void watched_free(void *p) {
    if (p == handed_out) handed_out = NULL;
    free(p);
}

#define SGM_MALLOC(n) watched_malloc(n)
#define SGM_REALLOC(p, n) realloc(p, n)
#define SGM_FREE(p) watched_free(p)
#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "check.h"

#if defined(__unix__)
#include <sys/wait.h>
#endif

/*
## §A.1 Errors and memory
*/

static void test_no_error_yet(void **state) {
    (void)state;
    assert_string_equal(sgm_error(), "");
}

static void test_fail(void **state) {
    char longer[2000];
    (void)state;
    assert_int_equal(sgm__fail(SGM_MISMATCH, "%d is not %s", 7, "eight"), SGM_MISMATCH);
    assert_string_equal(sgm_error(), "7 is not eight");
    assert_int_equal(sgm__fail(SGM_NO_FILE, "%s", "second"), SGM_NO_FILE);
    assert_string_equal(sgm_error(), "second");
    memset(longer, 'x', sizeof longer), longer[1999] = 0;
    sgm__fail(SGM_BAD_FILE, "%s", longer); /* cut short, not past the end */
    assert_in_range(strlen(sgm_error()), sizeof sgm__message - 8, sizeof sgm__message - 1);
#if defined(_OPENMP) && defined(__GNUC__)
    int others = 0; /* a message belongs to its thread */
    sgm__fail(SGM_BAD_FILE, "the first thread's");
    _Pragma("omp parallel num_threads(3) reduction(+ : others)") {
        if (omp_get_thread_num() > 0) {
            others += strcmp(sgm_error(), "the first thread's") == 0;
            sgm__fail(SGM_NO_MEMORY, "another's");
        }
    }
    assert_int_equal(others, 0);
    assert_string_equal(sgm_error(), "the first thread's");
#endif
}

/* What a failed call left empty meets the next one: the reason that was said first is still there. */
static void test_first_error_stays(void **state) {
    sgm_model model;
    sgm_score score;
    sgm_sampler sampler;
    float x[2] = {0, 0}, at = 0.5f;
    (void)state;
    memset(&model, 0, sizeof model), memset(&sampler, 0, sizeof sampler);
    for (int which = 0; which < 3; which++) {
        sgm__message[0] = 0;
        score = sgm_model_score(&model, which);
        assert_null(score.eval);
        CHECK_FAILS(sgm_score_eval(&score, x, x, &at, 1), SGM_BAD_ARGUMENT, "a score of no model");
        check_text(sgm_error(), "a score is missing", __FILE__, __LINE__);
        char once[512];
        strcpy(once, sgm_error());
        CHECK_FAILS(sgm_score_eval(&score, x, x, &at, 1), SGM_BAD_ARGUMENT, once); /* said once */
        assert_int_equal(strlen(sgm_error()), strlen(once));
    }
    sgm__message[0] = 0;
    score = sgm_model_score(&model, 7);
    CHECK_FAILS(sgm_sample(x, 1, &score, NULL, sgm_key_init(1)), SGM_BAD_ARGUMENT, "a score of no model");
    sgm__message[0] = 0;
    assert_int_not_equal(sgm_sampler_init(&sampler, &score, 1, NULL, sgm_key_init(1)), SGM_OK);
    CHECK_FAILS(sgm_sampler_step(&sampler, x), SGM_BAD_ARGUMENT, "a score is missing");
    sgm__message[0] = 0; /* nothing was said: the cure alone */
    memset(&score, 0, sizeof score);
    CHECK_FAILS(sgm_score_eval(&score, x, x, &at, 1), SGM_BAD_ARGUMENT, "a score is missing: make");
    memset(sgm__message, 'y', sizeof sgm__message - 1); /* a long reason is cut, the cure is not */
    CHECK_FAILS(sgm_score_eval(&score, x, x, &at, 1), SGM_BAD_ARGUMENT, "or fill in d and eval");
    sgm__message[0] = 0;
}

static void test_status_names(void **state) {
    const char *names[8] = {"SGM_OK",       "SGM_BAD_ARGUMENT", "SGM_NO_MEMORY", "SGM_NO_FILE",
                            "SGM_BAD_FILE", "SGM_MISMATCH",     "SGM_NOT_FINITE",
                            "SGM_NOT_LEARNT"};
    (void)state;
    for (int i = 0; i < 8; i++) assert_string_equal(sgm_status_name((sgm_status)i), names[i]);
    assert_string_equal(sgm_status_name((sgm_status)99), "unknown status");
}

static void test_alloc(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < 200; bytes++) { /* zeroed, aligned, within what was asked for */
        unsigned char *p = (unsigned char *)sgm__alloc(bytes, 3);
        assert_non_null(p);
        assert_int_equal((size_t)p % 64, 0);
        assert_true(p >= handed_out + sizeof handed_out && p + 3 * bytes <= handed_out + asked);
        for (size_t i = 0; i < 3 * bytes; i++) assert_int_equal(p[i], 0);
        sgm__free(p);
        assert_null(handed_out);
    }
    sgm__free(NULL);
    /* products beyond the address space: 2^63·2, 2^32·2^32, all·all, and nearly all */
    size_t most = (size_t)-1, root = (size_t)1 << (4 * sizeof(size_t)), asked_before = asked = 5;
    size_t bad[5][2] = {
        {most / 2 + 1, 2}, {root, root}, {most, most}, {most / 2, 2}, {most - 5, 1}};
    for (int i = 0; i < 5; i++) {
        sgm__fail(SGM_OK, "nothing");
        assert_null(sgm__alloc(bad[i][0], bad[i][1]));
        check_text(sgm_error(), "no memory for", __FILE__, __LINE__);
        assert_int_equal(asked, asked_before); /* the product was never formed */
    }
}

static void test_first_bad(void **state) {
    float x[9] = {0, -0.0f, FLT_MAX, -FLT_MAX, FLT_MIN, 1e-45f, 1, -1, 3}, bad[3];
    (void)state;
    bad[0] = (float)NAN, bad[1] = (float)HUGE_VAL, bad[2] = -(float)HUGE_VAL;
    assert_int_equal(sgm__first_bad(x, 9), -1);
    assert_int_equal(sgm__first_bad(NULL, 0), -1);
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 3; k++) {
            float keep = x[i];
            x[i] = bad[k];
            assert_int_equal(sgm__first_bad(x, 9), i);
            assert_int_equal(sgm__first_bad(x, (size_t)i), -1);
            x[i] = keep;
        }
    x[3] = x[6] = bad[0];
    assert_int_equal(sgm__first_bad(x, 9), 3);
}

static void test_threads(void **state) {
    (void)state;
#ifdef _OPENMP
    int inside = 0;
    omp_set_num_threads(3);
    assert_int_equal(sgm_threads(), 3);
    _Pragma("omp parallel num_threads(2) reduction(+ : inside)") inside += sgm_threads();
    assert_int_equal(inside, 2); /* one each: no threads within threads */
#else
    assert_int_equal(sgm_threads(), 1);
#endif
}

/* The energy distance of 512 points to 512: pairs are summed row by row, and rows are given to threads. */
static double by_threads(void) {
    static float a[512 * 3], b[512 * 3];
    sgm_normal(a, 512 * 3, sgm_key_init(1), 0), sgm_normal(b, 512 * 3, sgm_key_init(2), 0);
    return sgm_energy_distance(a, 512, b, 512, 3);
}

static void test_set_threads(void **state) {
    static const int bad[] = {-1, 1025, INT_MAX, INT_MIN};
    int before = sgm_threads();
    (void)state;
    for (int i = 0; i < 4; i++)
        CHECK_FAILS(sgm_set_threads(bad[i]), SGM_BAD_ARGUMENT, "1 to 1024 threads, or 0");
    assert_int_equal(sgm_threads(), before);
    double truth = by_threads();
    for (int n = 1; n <= 5; n++) {
        CHECK_OK(sgm_set_threads(n));
#ifdef _OPENMP
        assert_int_equal(sgm_threads(), n);
#else
        assert_int_equal(sgm_threads(), 1);
#endif
        assert_true(by_threads() == truth);
    }
    CHECK_OK(sgm_set_threads(0));
    assert_int_equal(sgm_threads(), before);
}

/*
Every part is done once, by a hand below the number of threads; a part that shares does so alone,
and its parts are done too. Whoever calls while the threads are taken does all parts alone.
*/
typedef struct shared {
    int done[1000], nested[8], hands, wrong;
} shared;

static void nested_part(void *what, long part, int hand) {
    shared *s = (shared *)what;
    if (hand != 0 || sgm_threads() != 1) SGM__STORE(&s->wrong, 1);
    SGM__TAKE(&s->nested[part]);
}

static void shared_part(void *what, long part, int hand) {
    shared *s = (shared *)what;
    volatile double x = 1;
    for (int i = 0; i < 3000; i++) x = x * 0.999 + 1; /* some microseconds */
    if (hand < 0 || hand >= s->hands) SGM__STORE(&s->wrong, 1);
    SGM__TAKE(&s->done[part]);
    if (part % 125 == 0) sgm__share(8, nested_part, what);
}

#ifdef SGM__POOL
static void *shares_too(void *what) {
    for (int i = 0; i < 20; i++) sgm__share(1000, shared_part, what);
    return NULL;
}
#endif

static void test_share(void **state) {
    (void)state;
    for (int threads = 1; threads <= 6; threads++) {
        shared s;
        CHECK_OK(sgm_set_threads(threads));
        memset(&s, 0, sizeof s), s.hands = sgm_threads();
#ifdef SGM__THREADS
        long joins = sgm__joins;
#endif
        for (int i = 0; i < 20; i++) sgm__share(1000, shared_part, &s);
        for (int i = 0; i < 1000; i++) assert_int_equal(s.done[i], 20);
        for (int i = 0; i < 8; i++) assert_int_equal(s.nested[i], 8 * 20);
        assert_int_equal(s.wrong, 0);
#ifdef SGM__THREADS
        assert_int_equal(sgm__joins - joins, threads > 1 ? 20 : 0);
#endif
        memset(&s, 0, sizeof s), s.hands = sgm_threads() < 2 ? 1 : 2;
        sgm__share_among(2, 1000, shared_part, &s); /* no more than two, however many there are */
        assert_int_equal(s.wrong, 0);
        sgm__share(0, shared_part, &s), sgm__share(1, shared_part, &s);
        assert_int_equal(s.done[0], 2), assert_int_equal(s.done[1], 1);
    }
#ifdef SGM__POOL
    static shared a, b;
    pthread_t other;
    CHECK_OK(sgm_set_threads(3));
    a.hands = b.hands = 3;
    assert_int_equal(pthread_create(&other, NULL, shares_too, &a), 0);
    shares_too(&b), pthread_join(other, NULL);
    for (int i = 0; i < 1000; i++) assert_true(a.done[i] == 20 && b.done[i] == 20);
#endif
    CHECK_OK(sgm_set_threads(0));
}

/* The threads of a parent that has used several do not exist in its child, which makes its own. */
static void test_fork(void **state) {
    (void)state;
#if defined(_OPENMP) && defined(__unix__)
    CHECK_OK(sgm_set_threads(3));
    double truth = by_threads();
    for (int generation = 0; generation < 2; generation++) {
        int status = -1;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(30);
            int good = by_threads() == truth && sgm_threads() == 3;
            pid_t second = generation ? fork() : 0; /* a child of the child */
            if (generation && second == 0) alarm(30), _exit(by_threads() == truth ? 0 : 1);
            if (generation) waitpid(second, &status, 0), good = good && status == 0;
            _exit(good ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0); /* 14: it was still waiting after 30 s */
    }
    assert_true(by_threads() == truth); /* the parent goes on with all of them */
    assert_int_equal(sgm_threads(), 3);
    CHECK_OK(sgm_set_threads(0));
#else
    skip();
#endif
}

/*
## §A.2 Philox

The known answers are those of the Random123 distribution for philox4x32-10: all zeros, all ones,
digits of π.
*/

static void test_philox(void **state) {
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        sgm_key key;
        key.k[0] = known[i][4], key.k[1] = known[i][5];
        sgm_philox(out, known[i], key);
        for (int j = 0; j < 4; j++) assert_int_equal(out[j], known[i][6 + j]);
    }
}

/* (A.1) in double: 40 bits of u, 24 of the angle, which is counted from the nearest quarter turn. */

#define NORMAL_ERROR 3.5e-7 /* §A.3's promise */

static void box_muller(double z[2], uint32_t w, uint32_t v) {
    double u = (w * 256.0 + (v & 255) + 0.5) * ldexp(1, -40), rest = ldexp(1, -40);
    double r = sqrt(-2 * (u < 0.5 ? log(u) : log1p(-((~w) * 256.0 + (255 - (v & 255)) + 0.5) * rest)));
    int quarter = (int)(((v >> 8) + 0x200000) >> 22);
    double a = 2 * SGM__PI * ((v >> 8) + 0.5 - 4194304.0 * quarter) * ldexp(1, -24);
    double s = quarter & 1 ? cos(a) : sin(a), c = quarter & 1 ? -sin(a) : cos(a);
    z[0] = r * (quarter & 2 ? -c : c), z[1] = r * (quarter & 2 ? -s : s);
}

/* What a draw is: word i mod 4 of block i/4, the counter's high half included, with the purpose
in the last word. */

static void test_blocks(void **state) {
    sgm_key key = sgm_key_init(0x123456789abcdef0), child;
    uint64_t firsts[3] = {0, 5, ((uint64_t)1 << 40) + 3};
    (void)state;
    assert_int_equal(key.k[0], 0x9abcdef0), assert_int_equal(key.k[1], 0x12345678);
    for (int k = 0; k < 3; k++) {
        uint64_t i = firsts[k];
        uint32_t counter[4] = {0, 0, 0, 0}, out[4];
        float u, z[2];
        counter[0] = (uint32_t)(i / 4), counter[1] = (uint32_t)(i / 4 >> 32);
        sgm_philox(out, counter, key);
        sgm_uniform(&u, 1, key, i);
        CHECK_CLOSE(u, (out[i % 4] >> 9) * ldexp(1, -23) + ldexp(1, -24), 0);
        sgm_normal(z, 2, key, i - i % 2); /* (A.1), Box and Muller: pairs of words */
        double exact[2];
        box_muller(exact, out[i % 4 - i % 2], out[i % 4 - i % 2 + 1]);
        for (int j = 0; j < 2; j++) CHECK_CLOSE(z[j], exact[j], NORMAL_ERROR * fabs(exact[j]));
        CHECK_CLOSE(sgm__normal1(key, i), z[i % 2], 0);
        counter[0] = (uint32_t)i, counter[1] = (uint32_t)(i >> 32), counter[3] = 1;
        sgm_philox(out, counter, key);
        child = sgm_key_split(key, i);
        assert_int_equal(child.k[0], out[0]), assert_int_equal(child.k[1], out[1]);
    }
}

/* Keys that differ in any way give streams that have nothing in common: 21 streams, all 210
correlations. */

static void test_independence(void **state) {
    enum { STREAMS = 21, LENGTH = 10000 };
    static float z[STREAMS][LENGTH];
    sgm_key key = sgm_key_init(0);
    (void)state;
    for (int i = 0; i < STREAMS; i++) {
        sgm_key k = key;
        if (i > 0) k = sgm_key_split(key, (uint64_t)(i - 1)); /* children */
        if (i > 10) k = sgm_key_init((uint64_t)(i - 10));     /* neighbouring seeds */
        if (i > 15)
            k = sgm_key_split(sgm_key_split(key, (uint64_t)(i - 15)), 0); /* grandchildren */
        sgm_normal(z[i], LENGTH, k, 0);
    }
    for (int i = 0; i < STREAMS; i++)
        for (int j = 0; j < i; j++) {
            double both = 0;
            for (int k = 0; k < LENGTH; k++) both += z[i][k] * z[j][k];
            CHECK_CLOSE(both / LENGTH, 0, CHECK_MANY_SIGMAS / sqrt(LENGTH)); /* var(zz') = 1 */
        }
    for (int lag = 1; lag <= 8; lag++) { /* and within a stream */
        double both = 0;
        for (int k = lag; k < LENGTH; k++) both += z[0][k] * z[0][k - lag];
        CHECK_CLOSE(both / LENGTH, 0, CHECK_MANY_SIGMAS / sqrt(LENGTH));
    }
}

/*
## §A.3 Uniform and normal draws
*/

enum { N = 200000 };
static float x[N];

static double uniform_cdf(double u, void *user) { return (void)user, u < 0 ? 0 : u > 1 ? 1 : u; }
static double normal_cdf(double z, void *user) { return (void)user, 0.5 * erfc(-z / sqrt(2.0)); }

static void test_uniform(void **state) {
    double count[256], expected[256];
    (void)state;
    sgm_uniform(x, N, sgm_key_init(1), 0);
    check_moments m = check_moments_of(x, N, 1);
    CHECK_CLOSE(m.mean, 0.5, CHECK_SIGMAS * sqrt(1.0 / 12 / N));
    CHECK_CLOSE(m.var, 1.0 / 12,
                CHECK_SIGMAS * sqrt(1.0 / 180 / N)); /* var of (u-½)² is 1/80 - 1/144 */
    CHECK_P(stat_ks_p(stat_ks(x, N, uniform_cdf, NULL), N), CHECK_RATE);
    for (int k = 0; k < 256; k++) count[k] = 0, expected[k] = N / 256.0;
    for (int i = 0; i < N; i++) {
        double last = x[i] * 32768 - floor(x[i] * 32768); /* the lowest 8 of 23 bits */
        assert_true(x[i] > 0 && x[i] < 1);
        count[(int)(last * 256)]++;
    }
    CHECK_P(stat_chi2_p(count, expected, 256, 0), CHECK_RATE);
    CHECK_CLOSE(((float)(0xffffffffu >> 9) + 0.5f) * (1.0f / 8388608.0f), 1 - ldexp(1, -24), 0);
    for (int i = 0; i < N; i++) x[i] = (float)sgm__uniform53(sgm_key_init(2), (uint64_t)i);
    CHECK_P(stat_ks_p(stat_ks(x, N, uniform_cdf, NULL), N), CHECK_RATE);
    for (int bit = 0; bit < 52; bit++) count[bit] = 0;
    for (uint64_t i = 0; i < N; i++) { /* each of the 52 bits is one half of the time 1 */
        uint64_t bits = (uint64_t)(sgm__uniform53(sgm_key_init(2), i) * ldexp(1, 52));
        for (int bit = 0; bit < 52; bit++) count[bit] += (double)(bits >> bit & 1);
    }
    for (int bit = 0; bit < 52; bit++)
        CHECK_CLOSE(count[bit], N / 2.0, CHECK_MANY_SIGMAS * sqrt(N / 4.0));
}

/* Moments of n normals: mean ± 1/√n, variance ± √(2/n), skewness ± √(6/n), excess kurtosis ±
√(24/n). */

static void test_normal(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        double odd = 0, squares = 0;
        sgm_normal(x, N, sgm_key_init(seed), seed << 33);
        check_moments m = check_moments_of(x, N, 1);
        CHECK_CLOSE(m.mean, 0, CHECK_SIGMAS / sqrt(N));
        CHECK_CLOSE(m.var, 1, CHECK_SIGMAS * sqrt(2.0 / N));
        CHECK_CLOSE(m.skew, 0, CHECK_SIGMAS * sqrt(6.0 / N));
        CHECK_CLOSE(m.kurt, 0, CHECK_SIGMAS * sqrt(24.0 / N));
        CHECK_P(stat_ks_p(stat_ks(x, N, normal_cdf, NULL), N), CHECK_RATE);
        for (int i = 0; i < N;
             i += 2) { /* the two of a pair share their radius, and nothing else */
            double a = x[i], b = x[i + 1];
            odd += a * b, squares += (a * a - 1) * (b * b - 1);
            assert_true(fabs(a) < 7.6 && fabs(b) < 7.6);
        }
        CHECK_CLOSE(odd / (N / 2), 0, CHECK_SIGMAS / sqrt(N / 2));
        CHECK_CLOSE(squares / (N / 2), 0, CHECK_SIGMAS * 2 / sqrt(N / 2)); /* var(a²-1) = 2 */
    }
}

/* The twin against (A.1) where words are at their ends, at every power of two, and anywhere. */

static void test_pair(void **state) {
    static const uint32_t ends[] = {0, 1, 255, 256, 0x1fffffff, 0x20000000, 0x3fffffff, 0x40000000,
        0x5fffffff, 0x60000000, 0x7fffff80, 0x7fffffff, 0x80000000, 0x80000001, 0x9fffffff,
        0xa0000000, 0xbfffffff, 0xc0000000, 0xdfffffff, 0xe0000000, 0xffffff00, 0xffffffff};
    const uint32_t many = sizeof ends / sizeof *ends;
    double error = 0, largest = 0;
    (void)state;
    for (uint32_t i = 0; i < 300000; i++) {
        const uint32_t counter[4] = {i, 0, 0, 0};
        uint32_t o[4], w, v;
        float z[2];
        double exact[2];
        sgm_philox(o, counter, sgm_key_init(3));
        w = i % 3 == 1 ? o[0] >> o[2] % 32 : i % 3 == 2 ? ~(o[0] >> o[2] % 32) : o[0];
        v = i % 2 ? o[1] >> o[3] % 32 : o[1] * (o[3] >> 30) - (o[1] >> o[3] % 32);
        if (i < many * many) w = ends[i / many], v = ends[i % many];
        sgm__pair_ref(z, w, v), box_muller(exact, w, v);
        for (int j = 0; j < 2; j++) {
            CHECK_CLOSE(z[j], exact[j], NORMAL_ERROR * fabs(exact[j]));
            error += (z[j] / exact[j] - 1) * (z[j] / exact[j] - 1);
            largest = fmax(largest, fabs(z[j]));
        }
    }
    assert_true(sqrt(error / 600000) < 0.6e-7);
    CHECK_CLOSE(largest, sqrt(82 * log(2.0)), 1e-6); /* 7.54 at most */
}

/* 20 million: the counts of each quarter of a sigma to ±5, and of the tails, where 5.7 are awaited on
each side. Beyond, (A.1) itself is the proof: u is exact to 2⁻⁴⁰. */

static void test_tails(void **state) {
    enum { BINS = 42, MANY = 100 * N };
    double count[BINS] = {0}, expected[BINS];
    (void)state;
    for (int k = 0; k < BINS; k++) {
        double low = k ? (k - 21) / 4.0 : -INFINITY, high = k < BINS - 1 ? (k - 20) / 4.0 : INFINITY;
        double sign = k > BINS / 2 ? -1 : 1; /* differences of small numbers, on both sides */
        expected[k] = MANY * sign * (normal_cdf(sign * high, NULL) - normal_cdf(sign * low, NULL));
    }
    for (int at = 0; at < MANY; at += N) {
        sgm_normal(x, N, sgm_key_init(21), (uint64_t)at);
        for (int i = 0; i < N; i++) count[(int)fmin(fmax(floor(4.0 * x[i]), -21), 20) + 21]++;
    }
    CHECK_P(stat_chi2_p(count, expected, BINS, 0), CHECK_RATE);
}

/* Numbers that are worked out side by side, in whatever lanes, have nothing in common: neither
values nor squares, up to 70 places apart, nor at the same place of keys that differ in one bit. */

static void test_lanes(void **state) {
    static float other[N];
    (void)state;
    sgm_normal(x, N, sgm_key_init(5), 0);
    for (int far = 1; far <= 70 + 64; far++) {
        double values = 0, squares = 0;
        const int n = far > 70 ? N : N - far;
        const float *y = far > 70 ? other : x + far;
        if (far > 70) sgm_normal(other, N, sgm_key_init(5 ^ (uint64_t)1 << (far - 71)), 0);
        for (int i = 0; i < n; i++) {
            double a = x[i], b = y[i];
            values += a * b, squares += (a * a - 1) * (b * b - 1);
        }
        CHECK_CLOSE(values / n, 0, CHECK_MANY_SIGMAS / sqrt(n));
        CHECK_CLOSE(squares / n, 0, CHECK_MANY_SIGMAS * 2 / sqrt(n));
    }
}

/* Draw i depends on key and i alone, however the sequence is cut. */

static void test_chunks(void **state) {
    float whole[101], parts[101];
    uint64_t first =
        ((uint64_t)1 << 34) - 50; /* across the end of the counter's low word, in blocks of 4 */
    (void)state;
    for (int normal = 0; normal < 2; normal++) {
        void (*draw)(float *, size_t, sgm_key, uint64_t) = normal ? sgm_normal : sgm_uniform;
        sgm_key key = sgm_key_init(77);
        draw(whole, 101, key, first);
        for (size_t cut = 0; cut <= 101; cut++) {
            memset(parts, 0, sizeof parts);
            draw(parts, cut, key, first);
            draw(parts + cut, 101 - cut, key, first + cut);
            assert_memory_equal(parts, whole, sizeof whole);
        }
        for (size_t i = 0; i < 101; i++) draw(parts + i, 1, key, first + i);
        assert_memory_equal(parts, whole, sizeof whole);
    }
}

/* The first normals of key 2026, to be read and compared; and all bits of many draws of each law, which
may change with the minor version only. */

static void test_known_draws(void **state) {
    static const float first[6] = {-0.181456164f, -0.242292047f, 0.804907501f, -0.089363575f, 0.124865457f, 0.535087943f};
    static const uint64_t known[3] = {0xbeba8da030f09e95u, 0x1e440d34faf370efu, 0x5f61e6b5ee8c2fb6u};
    (void)state;
    for (int law = SGM__LAW_UNIFORM; law <= SGM__LAW_KEEP; law++) {
        sgm__draw(law, N, 1, sgm_key_init(2026), 0.1f, x);
        uint64_t hash = sgm__fnv(14695981039346656037u, (const unsigned char *)x, sizeof x);
        if (hash != known[law]) fail_msg("law %d: 0x%016llx", law, (unsigned long long)hash);
        for (int i = 0; i < 6 && law == SGM__LAW_NORMAL; i++) CHECK_CLOSE(x[i], first[i], 0);
    }
}

static void test_below(void **state) {
    double count[13], expected[13];
    uint64_t sizes[5] = {1, 2, 13, 1000003, (uint64_t)1 << 50};
    sgm_key key = sgm_key_init(3);
    (void)state;
    for (int k = 0; k < 13; k++) count[k] = 0, expected[k] = 20000 / 13.0;
    for (uint64_t i = 0; i < 20000; i++) count[sgm_below(key, i, 13)]++;
    CHECK_P(stat_chi2_p(count, expected, 13, 0), CHECK_RATE);
    for (int k = 0; k < 5; k++)
        for (uint64_t i = 0; i < 5000; i++) {
            uint64_t got = sgm_below(key, i, sizes[k]);
            assert_true(got < sizes[k]);
            x[i] = (float)(((double)got + 0.5) / (double)sizes[k]);
        }
    CHECK_P(stat_ks_p(stat_ks(x, 5000, uniform_cdf, NULL), 5000), CHECK_RATE); /* of 2^50 */
    for (uint64_t i = 0; i < 5000; i++) assert_true(sgm_below(key, i, (uint64_t)-1) < (uint64_t)-1);
    assert_int_equal(sgm_below(key, 7, 0), 0);
    assert_int_equal(sgm_permute(7, 7, key), 7), assert_int_equal(sgm_permute(7, 0, key), 7);
    sgm_normal(NULL, 9, key, 0), sgm_uniform(NULL, 9, key, 0); /* nowhere to write: nothing */
}

/*
## §A.4 A shuffle without a table
*/

static void test_bijection(void **state) {
    static unsigned char hit[70000];
    uint64_t extra[9] = {255, 256, 257, 1000, 1023, 1024, 1025, 16385, 65537};
    (void)state;
    for (uint64_t k = 1; k <= 130 + 9; k++) {
        uint64_t n = k <= 130 ? k : extra[k - 131];
        for (uint64_t seed = 0; seed < 5; seed++) {
            memset(hit, 0, sizeof hit);
            for (uint64_t i = 0; i < n; i++) {
                uint64_t to = sgm_permute(i, n, sgm_key_init(seed * 1234567));
                assert_true(to < n);
                assert_int_equal(hit[to], 0);
                hit[to] = 1;
            }
        }
    }
    uint64_t big = ((uint64_t)1 << 62) + 12345; /* where a table would not fit */
    for (uint64_t i = 0; i < 100; i++)
        assert_true(sgm_permute(big - 1 - i, big, sgm_key_init(i)) < big);
}

/* Over many keys, i goes everywhere alike, and so does the second given the first; and one key's
shuffle looks random: the correlation of i and its place has the deviation 1/√(n-1). */

static void test_uniform_shuffle(void **state) {
    enum { KEYS = 20000 };
    uint64_t sizes[5] = {2, 3, 5, 16, 37};
    (void)state;
    for (int k = 0; k < 5; k++) {
        uint64_t n = sizes[k];
        for (uint64_t i = 0; i < n; i += n < 6 ? 1 : n - 1) {
            double count[40], expected[40], gap[40];
            for (uint64_t j = 0; j < n; j++)
                count[j] = gap[j] = 0, expected[j] = (double)KEYS / (double)n;
            for (uint64_t key = 0; key < KEYS; key++) {
                uint64_t a = sgm_permute(i, n, sgm_key_init(key << 16));
                uint64_t b = sgm_permute((i + 1) % n, n, sgm_key_init(key << 16));
                count[a]++, gap[(b + n - a) % n - 1]++;
            }
            CHECK_P(stat_chi2_p(count, expected, (int)n, 0), CHECK_RATE);
            for (uint64_t j = 0; j < n; j++) expected[j] = KEYS / ((double)n - 1);
            if (n > 5) CHECK_P(stat_chi2_p(gap, expected, (int)n - 1, 0), CHECK_RATE);
        }
    }
    for (uint64_t key = 0; key < 20; key++) {
        double n = 1000, both = 0, mean = (n - 1) / 2;
        for (uint64_t i = 0; i < 1000; i++)
            both += ((double)i - mean) * ((double)sgm_permute(i, 1000, sgm_key_init(key)) - mean);
        CHECK_CLOSE(both / (n * (n * n - 1) / 12), 0, CHECK_MANY_SIGMAS / sqrt(n - 1));
    }
}

/*
## §A.5 exp, log, sin and cos

Against the C library's long double, whose own error of 10⁻¹⁹ does not count.
*/

static void test_exp(void **state) {
    (void)state;
    for (int i = 0; i < 100000;
         i++) { /* (A.3): the relative error promised, where results are normal */
        double u = sgm__uniform53(sgm_key_init(1), (uint64_t)i), v = -708 + 1417.5 * u,
               w = 2 * u - 1;
        CHECK_REL(sgm__exp(v), expl(v), 4e-16);
        CHECK_REL(sgm__exp(w), expl(w), 4e-16);
        CHECK_REL(sgm__exp(w * 1e-8), expl(w * 1e-8), 4e-16);
        double deep =
            -708.5 - 36.5 * u; /* subnormal: two roundings, less than one unit of 2^-1074 */
        CHECK_CLOSE(sgm__exp(deep), expl(deep), ldexp(1, -1074));
    }
    CHECK_CLOSE(sgm__exp(0), 1, 0), CHECK_CLOSE(sgm__exp(-HUGE_VAL), 0, 0);
    CHECK_CLOSE(sgm__exp(-746), 0, 0), CHECK_CLOSE(sgm__exp(-1e300), 0, 0);
    assert_true(isnan(sgm__exp(NAN)) && sgm__exp(HUGE_VAL) == HUGE_VAL &&
                sgm__exp(710) == HUGE_VAL);
    CHECK_REL(sgm__exp(709.78), expl(709.78L),
              1e-13); /* the argument's last place counts 709-fold */
}

static void test_expm1(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double u = sgm__uniform53(sgm_key_init(2), (uint64_t)i), v = -40 + 80 * u, w = 2 * u - 1;
        double tiny = w * pow(10, -300 * u);
        CHECK_REL(sgm__expm1(v), expm1l(v),
                  1e-15); /* from 0.34 on by exp - 1: (4·1.4 + 1)/0.41 ulps */
        CHECK_REL(sgm__expm1(w), expm1l(w), 1e-15);
        CHECK_REL(sgm__expm1(tiny), expm1l(tiny), 1e-15);
    }
    CHECK_CLOSE(sgm__expm1(0), 0, 0), CHECK_CLOSE(sgm__expm1(-HUGE_VAL), -1, 0);
    assert_true(isnan(sgm__expm1(NAN)) && sgm__expm1(HUGE_VAL) == HUGE_VAL);
}

static void test_log(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) { /* (A.4): relative, or absolute near 1 */
        double u = sgm__uniform53(sgm_key_init(3), (uint64_t)i),
               wide = ldexp(0.5 + u, (int)(2040 * u) - 1020);
        double near1 = 0.5 + u, nearer = 1 + (u - 0.5) * 1e-6, small = ldexp(u, -1030);
        CHECK_CLOSE(sgm__log(wide), logl(wide), 4e-16 * (fabsl(logl(wide)) + 1));
        /* x + 1 and z are rounded, 2.2·10⁻¹⁶ of 0.35; then the sum, half an ulp of 0.7 */
        CHECK_CLOSE(sgm__log(near1), logl(near1), 1.4e-16);
        CHECK_CLOSE(sgm__log(nearer), logl(nearer), 4e-16);
        CHECK_REL(sgm__log(small), logl(small), 4e-16); /* subnormals among them */
    }
    CHECK_CLOSE(sgm__log(1), 0, 0),
        CHECK_REL(sgm__log(ldexp(1, -1074)), -1074 * 0.693147180559945309L, 4e-16);
    CHECK_REL(sgm__log(DBL_MAX), logl(DBL_MAX), 4e-16),
        CHECK_REL(sgm__log(DBL_MIN), logl(DBL_MIN), 4e-16);
    assert_true(sgm__log(0) == -HUGE_VAL && sgm__log(-0.0) == -HUGE_VAL &&
                sgm__log(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(sgm__log(-1)) && isnan(sgm__log(NAN)) && isnan(sgm__log(-HUGE_VAL)));
}

/* log1p: below 0.3 four roundings (2 + x, the quotient, the product, the sum), else that of 1 + x,
1.1·10⁻¹⁶ of at most 1.3, over log 1.3 = 0.26, and the logarithm's own. */

static void test_log1p(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double u = sgm__uniform53(sgm_key_init(4), (uint64_t)i), w = 2 * u - 1;
        double tiny = w * pow(10, -300 * u), wide = ldexp(1 + u, (int)(2000 * u) - 1000);
        CHECK_REL(sgm__log1p(w), log1pl(w), 1.2e-15);
        CHECK_REL(sgm__log1p(tiny), log1pl(tiny), 1.2e-15);
        CHECK_REL(sgm__log1p(wide), log1pl(wide), 1.2e-15);
    }
    CHECK_CLOSE(sgm__log1p(0), 0, 0);
    assert_true(sgm__log1p(-1) == -HUGE_VAL && sgm__log1p(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(sgm__log1p(NAN)) && isnan(sgm__log1p(-1.5)));
}

static void test_sincos(void **state) {
    long double two_pi = 6.283185307179586476925287L;
    double s, c;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double u = sgm__uniform53(sgm_key_init(4), (uint64_t)i), turns[3];
        turns[0] = u, turns[1] = 1e-6 * u, turns[2] = (u - 0.5) * 1e6;
        for (int k = 0; k < 3; k++) {
            long double r = turns[k] - floorl(turns[k] * 4 + 0.5L) / 4, sn = sinl(two_pi * r),
                        cs = cosl(two_pi * r);
            int quarter = (int)((long long)floorl(turns[k] * 4 + 0.5L) & 3);
            long double sine = quarter == 0 ? sn : quarter == 1 ? cs : quarter == 2 ? -sn : -cs;
            long double cosine = quarter == 0 ? cs : quarter == 1 ? -sn : quarter == 2 ? -cs : sn;
            sgm__sincos_turns(turns[k], &s, &c);
            CHECK_REL(s, sine, 4e-16), CHECK_REL(c, cosine, 4e-16);
            CHECK_CLOSE(sgm__cos_turns(turns[k]), c, 0);
            CHECK_CLOSE(s * s + c * c, 1, 1e-15);
        }
    }
    for (int q = -8; q <= 8; q++) { /* quarter turns are exact */
        sgm__sincos_turns(q / 4.0, &s, &c);
        CHECK_CLOSE(s, (q & 3) == 1 ? 1 : (q & 3) == 3 ? -1 : 0, 0);
        CHECK_CLOSE(c, (q & 3) == 0 ? 1 : (q & 3) == 2 ? -1 : 0, 0);
    }
    sgm__sincos_turns(1.0 / 12, &s, &c);
    CHECK_CLOSE(s, 0.5, 4e-16);
    sgm__sincos_turns(-1e-20, &s, &c); /* small on the other side: absolute */
    CHECK_CLOSE(s, 0, 4e-16), CHECK_CLOSE(c, 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        {"A.1 no error yet", test_no_error_yet, NULL, NULL, NULL},
        {"A.1 one function for errors", test_fail, NULL, NULL, NULL},
        {"A.1 the first error stays", test_first_error_stays, NULL, NULL, NULL},
        {"A.1 names of statuses", test_status_names, NULL, NULL, NULL},
        {"A.1 memory and overflow", test_alloc, NULL, NULL, NULL},
        {"A.1 first bad number", test_first_bad, NULL, NULL, NULL},
        {"A.1 threads", test_threads, NULL, NULL, NULL},
        {"A.1 threads are set", test_set_threads, NULL, NULL, NULL},
        {"A.1 threads share parts", test_share, NULL, NULL, NULL},
        {"A.1 a child of fork() works", test_fork, NULL, NULL, NULL},
        {"A.2 Philox, known answers", test_philox, NULL, NULL, NULL},
        {"A.2 (A.1) which block, which word", test_blocks, NULL, NULL, NULL},
        {"A.2 independence of keys", test_independence, NULL, NULL, NULL},
        {"A.3 uniform draws", test_uniform, NULL, NULL, NULL},
        {"(A.1) normal draws", test_normal, NULL, NULL, NULL},
        {"(A.1) a pair, and its ends", test_pair, NULL, NULL, NULL},
        {"(A.1) tails", test_tails, NULL, NULL, NULL},
        {"(A.1) lanes and keys", test_lanes, NULL, NULL, NULL},
        {"A.3 any chunks", test_chunks, NULL, NULL, NULL},
        {"(A.1) known draws", test_known_draws, NULL, NULL, NULL},
        {"A.3 whole numbers below n", test_below, NULL, NULL, NULL},
        {"A.4 a bijection", test_bijection, NULL, NULL, NULL},
        {"A.4 a uniform one", test_uniform_shuffle, NULL, NULL, NULL},
        {"(A.3) exp", test_exp, NULL, NULL, NULL},
        {"(A.3) expm1", test_expm1, NULL, NULL, NULL},
        {"(A.3) log1p", test_log1p, NULL, NULL, NULL},
        {"(A.4) log", test_log, NULL, NULL, NULL},
        {"A.5 sin and cos of turns", test_sincos, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("appendix A", tests, NULL, NULL);
}
