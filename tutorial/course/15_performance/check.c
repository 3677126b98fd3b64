#include "check.h"
#include <time.h>

void matmul(int m, int n, int k, const float *a, const float *b, float *c);
double matmul_flops(int m, int n, int k);
double matmul_bytes(int m, int n, int k);
double roof(double peak, double bandwidth, double flops, double bytes);
double share_of_roof(double flops, double seconds, double top);

enum { SIDE = 176, MOST = SIDE * SIDE, ROOM = 4096, WIDE = 1024, DEEP = 192 };
enum { ROUNDS = 9, TRIES = 5 };
static float a[MOST + ROOM], b[WIDE * DEEP + ROOM], c[MOST + ROOM], d[MOST + ROOM];

static void plain(int m, int n, int k, const float *x, const float *y, float *z) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int p = 0; p < k; p++) sum += x[i * k + p] * y[p * n + j];
            z[i * n + j] = sum;
        }
}

/* Known mistakes of the product. */
enum {
    FINE,
    NOT_CLEARED,
    A_TURNED,
    B_TURNED,
    LAST,
    STRIDE,
    DEPTH2,
    DEPTH4,
    DEPTH8,
    DEPTH16,
    EDGE2,
    EDGE4,
    EDGE8,
    EDGE16,
    ALL
};
static const char *const causes[][2] = {{"", ""},
    {"not-cleared", "The product is added to what c held; c holds anything before."},
    {"a-transposed",
        "A is read as if it were stored the other way round: its row i begins at i k."},
    {"b-transposed",
        "B is read as if it were stored the other way round: its row p begins at p n."},
    {"last-product", "c holds the last product alone: each is added to those before."},
    {"wrong-stride", "A row of A has k numbers; yours begin n apart."},
    {"depth-left-out",
        "The last products of each sum are missing, where k is no multiple of a step."},
    {"edges-left-out",
        "The last rows or columns are missing, where m or n is no multiple of a tile."}};

static void product(int wrong, int m, int n, int k, double *z) {
    const int depth = wrong >= DEPTH2 && wrong <= DEPTH16 ? 2 << (wrong - DEPTH2) : 1;
    const int tile = wrong >= EDGE2 ? 2 << (wrong - EDGE2) : 1;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = wrong == NOT_CLEARED ? d[i * n + j] : 0;
            for (int p = 0; p < k - k % depth; p++) {
                const float x =
                    a[wrong == A_TURNED ? p * m + i : i * (wrong == STRIDE ? n : k) + p];
                const double one = x * (double)b[wrong == B_TURNED ? j * k + p : p * n + j];
                sum = wrong == LAST ? one : sum + one;
            }
            z[i * n + j] = i < m - m % tile && j < n - n % tile ? sum : d[i * n + j];
        }
}

/* Of one size; `bits`: against the plain loop's, to the last bit, and then another order is said.
 */
static int product_row(const char *name, int m, int n, int k, int bits) {
    static double got[64 * 64], truth[64 * 64], value[ALL][64 * 64];
    lab_guess list[ALL + 2];
    const long many = (long)m * n + 1; /* and what stands behind them */
    int at = 0;
    sgm_normal(c, MOST, lab_key(3), 0), memcpy(d, c, sizeof d);
    matmul(m, n, k, a, b, c);
    for (long i = 0; i < many; i++) got[i] = c[i];
    product(FINE, m, n, k, truth);
    for (int w = 1; w < ALL; w++, at++) {
        const char *const *cause = causes[w < DEPTH2 ? w : w < EDGE2 ? DEPTH2 : DEPTH2 + 1];
        product(w, m, n, k, value[w]), value[w][many - 1] = d[many - 1];
        list[at].id = cause[0], list[at].value = value[w], list[at].cause = cause[1];
    }
    truth[many - 1] = d[many - 1];
    double off = 0, top = 0;
    for (long i = 0; i < many; i++)
        off = fmax(off, fabs(got[i] - truth[i])), top = fmax(top, fabs(truth[i]));
    if (bits && got[0] == got[0] && off <= 4e-6 * top) {
        list[at].id = "=other-order", list[at].value = got;
        list[at++].cause = "Right, but not in the bits of the plain loop: the sums are made in "
                           "another order, or rounded elsewhere. Who wants the same bits from all "
                           "machines has to fix the order (§B.1).";
    }
    list[at].id = NULL;
    if (bits) {
        plain(m, n, k, a, b, d);
        for (long i = 0; i + 1 < many; i++) truth[i] = d[i];
    }
    return lab_compare(LAB_UNIT, name, got, truth, many, bits ? 0 : 4e-6, list);
}

static void count_rows(void) {
    const int m = (int)lab_whole(20, 20, 90), n = (int)lab_whole(21, 100, 200),
              k = (int)lab_whole(22, 30, 300);
    const double flops = 2. * m * n * k, half = flops / 2,
                 numbers = (double)m * k + (double)k * n + (double)m * n;
    const double all = 4 * flops;
    const lab_guess f[] = {
        {"flops-half", &half, "A multiplication and an addition are counted as one."},
        {NULL, NULL, NULL}};
    lab_unit("operations of a product", matmul_flops(m, n, k), flops, 1e-9, f);
    const lab_guess y[] = {
        {"numbers-not-bytes", &numbers, "These are the numbers; a float has four bytes."},
        {"every-read", &all,
            "Each operation is taken to read a number from memory; at the least each "
            "number comes once, and stays in the cache."},
        {NULL, NULL, NULL}};
    lab_unit("bytes of a product", matmul_bytes(m, n, k), 4 * numbers, 1e-9, y);
    const double peak = 1e9 * lab_real(23, 50, 100), wide = 1e9 * lab_real(24, 10, 20);
    for (int fed = 0; fed < 2; fed++) { /* 0.5 and 50 operations for a byte */
        const double work = 1e6, bytes = fed ? 2e4 : 2e6, by = wide * work / bytes;
        const double truth = fmin(peak, by), top = fmax(peak, by),
                     turned = fmin(peak, wide * bytes / work);
        const lab_guess r[] = {
            {"roof-above", &top, "The larger of the two limits: the slower one decides."},
            {"roof-upside-down", &turned,
                "Bytes over operations: what memory gives is bandwidth times operations per byte."},
            {NULL, NULL, NULL}};
        lab_unit(
            fed ? "roof, where a byte is used often" : "roof, where a byte is used half a time",
            roof(peak, wide, work, bytes), truth, 1e-9, r);
    }
    const double seconds = lab_real(25, .1, .3), share = flops / seconds / 1e9, up = 1 / share;
    const lab_guess s[] = {
        {"share-upside-down", &up, "It is the roof over what was reached."}, {NULL, NULL, NULL}};
    lab_unit("share of the roof", share_of_roof(flops, seconds, 1e9), share, 1e-9, s);
}

static double now(void) { return (double)clock() / CLOCKS_PER_SEC; } /* processor time */

/* Where wide registers hold what vector code has left in them, scalar code may run at a quarter. */
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
__attribute__((target("avx"))) static void clear_wide(void) { __builtin_ia32_vzeroupper(); }
static void clean(void) {
    if (__builtin_cpu_supports("avx")) clear_wide();
}
#else
static void clean(void) {}
#endif

/* Seconds for one product of each kind, in turn, and the median of their ratios. */
static double ratio_of(int m, int n, int k, int rounds, double best[2]) {
    double ratio[ROUNDS], begin = now(), tick, least;
    int reps[2] = {0, 0};
    clean();
    while ((tick = now() - begin) <= 0) plain(1, 1, 1, a, b, d); /* clocks of 10 ms exist */
    least = fmin(fmax(2e-3, 10 * tick), 2e-2);
    for (int who = 0; who < 2; who++) {
        begin = now();
        do a[0] = (float)reps[who], (who ? matmul : plain)(m, n, k, a, b, who ? c : d), reps[who]++;
        while (now() - begin < least && reps[who] < 100000);
    }
    best[0] = best[1] = HUGE_VAL;
    for (int r = 0; r < rounds; r++) {
        double t[2];
        for (int who = 0; who < 2; who++) {
            begin = now();
            for (int i = 0; i < reps[who]; i++) /* no two alike: who keeps results finds none */
                a[0] = (float)(i + r), (who ? matmul : plain)(m, n, k, a, b, who ? c : d);
            t[who] = (now() - begin + .01 * tick) / reps[who];
            best[who] = fmin(best[who], t[who]);
        }
        ratio[r] = t[0] / t[1];
    }
    for (int i = 1; i < rounds; i++)
        for (int j = i; j > 0 && ratio[j] < ratio[j - 1]; j--) {
            const double swap = ratio[j];
            ratio[j] = ratio[j - 1], ratio[j - 1] = swap;
        }
    return ratio[rounds / 2];
}

/* Whether the large product has the right values, too: the last bits may be others. */
static int same_large(int m, int n, int k) {
    double off = 0, top = 0;
    a[1] += 1;
    plain(m, n, k, a, b, d), matmul(m, n, k, a, b, c);
    for (long i = 0; i < (long)m * n; i++) {
        const double here = fabs((double)c[i] - d[i]);
        off = here <= off ? off : here, top = fmax(top, fabs(d[i]));
    }
    return off <= 1e-4 * top;
}

/* The roof of such code: eight sums at a time, four rows by two columns, from the first cache; the
   best of three. */
static double peak_here(void) {
    double best = HUGE_VAL;
    clean();
    for (int round = 0; round < 3; round++) {
        const double begin = now();
        for (int again = 0; again < 16000; again++) {
            float s[8], p = 0, q = 0, r = 0, t = 0, u = 0, v = 0, w = 0, y = 0;
            const float *x = a, *z = b;
            for (int i = 0; i < 500; i++, x++, z += 2) {
                const float left = z[0], right = z[1];
                float by = x[0];
                p += by * left, q += by * right, by = x[600];
                r += by * left, t += by * right, by = x[1200];
                u += by * left, v += by * right, by = x[1800];
                w += by * left, y += by * right;
            }
            s[0] = p, s[1] = q, s[2] = r, s[3] = t, s[4] = u, s[5] = v, s[6] = w, s[7] = y;
            memcpy(c + again % 400, s, sizeof s);
        }
        best = fmin(best, now() - begin);
    }
    return 40 * 3200000 / (best + 1e-6);
}

static void speed_laws(int right) {
#if defined(__OPTIMIZE__) && !defined(__TINYC__) && !defined(LAB__SANITIZED)
    double least[2] = {2, 3};
#else
    double least[2] = {1.3, 1.6}; /* tcc: each sum is in memory; a sanitizer looks at each access */
#endif
    static const char *const slow[2][2] = {
        {"too-slow",
            "It is not twice as fast as the plain triple loop: there each addition waits "
            "for the one before. Let several sums grow at a time, and read B row after row."},
        {"not-yet-fast",
            "It is faster than the plain loop, but not three times: use each number that is "
            "read several times before the next (a few rows of B, or of A, at once)."}};
    const int rows = (int)lab_whole(30, 5, 9);
    const double flops = 2. * rows * WIDE * DEEP;
    double best[2] = {0, 0}, ratio = 0, peak = 0, gain = 0;
    int blurred = 0;
    right = right && same_large(rows, WIDE, DEEP);
#ifdef LAB_MANY
    if (right && !getenv("LAB_CLOCK")) ratio = least[1]; /* no test depends on the machine's load */
#endif
    for (int i = 0; right && ratio < least[1] && i < TRIES; i++) { /* slow by bad luck? once more */
        ratio = fmax(ratio, ratio_of(rows, WIDE, DEEP, ROUNDS, best));
        /* In an emulator hardly any code is faster than the plain loop: no speed can be judged. */
        if (i == 0) peak = peak_here(), gain = peak * best[0] / flops, blurred = gain < 2;
        if (blurred) least[0] = least[1] = .75;
    }
    right = right && same_large(rows, WIDE, DEEP);
    for (int i = 0; i < 2; i++) {
        const char *const name =
            i ? "the plain loop's time over yours: ample" : "the plain loop's time over yours";
        const int slower = ratio < least[0] || !i;
        if (!right)
            lab_true(
                LAB_LAW, name, 0, "values-first",
                "Speed is measured when all values are right, those of a large product, too.");
        else lab_true(LAB_LAW, name, ratio >= least[i], slow[!slower][0], slow[!slower][1]);
    }
    if (!right || best[1] <= 0) return;
    lab_say(LAB_INFORMATIVE,
        "Plain loop over yours: %.2f, the median of %d rounds in processor time.", ratio, ROUNDS);
    if (blurred)
        lab_say(LAB_ESSENTIAL,
            "Here eight sums at a time are only %.2f times as fast as the plain loop, as in an "
            "emulator: your speed is not judged; check it on the machine itself.",
            gain);
    const double speed = flops / best[1];
    lab_say(LAB_INFORMATIVE,
        "Yours: %.2f GFLOP/s. Eight sums at a time, their numbers at hand, make %.2f as this "
        "compiler writes them: you are at %.0f %% of that roof.",
        speed / 1e9, peak / 1e9, 100 * speed / peak);
    if (!lab__.picture) return;
    for (int n = 8; n <= 160; n = n < 32 ? n + 8 : n + 32) {
        ratio_of(n, n, n, 3, best);
        lab_point(
            "%d %g %g %g", n, 2e-9 * n * n * n / best[0], 2e-9 * n * n * n / best[1], peak / 1e9);
    }
}

static void lab_checks(void) {
    sgm_normal(a, MOST + ROOM, lab_key(1), 0), sgm_normal(b, WIDE * DEEP + ROOM, lab_key(2), 0);
    const int m = (int)lab_whole(10, 3, 4), n = m + (int)lab_whole(11, 2, 3), k = n + 2;
    int right = product_row("a small product", m, n, k, 0);
    right &=
        product_row("a product that fills no tile", 33 + (int)lab_whole(12, 0, 4) * 2, 53, 47, 0);
    right &= product_row("a product, to the last bit", 16, 32, 24, 1);
    count_rows();
    speed_laws(right);
}
