#include "check.h"

void block_sums(double *sums, const float *x, long n, long first, long last);
void two_orders(float x[3], float want);
void fused_differs(float x[3]);
uint32_t round_bits(uint64_t m);

enum { MOST = 9000, BLOCKS = (MOST + 255) / 256, WHOLE = 64 };
static float x[MOST + 512];

static double own_sum(long n, long b, int backward) {
    double sum = 0;
    long from = 256 * b, to = from + 256 < n ? from + 256 : n;
    for (long i = from; i < to; i++) sum += x[backward ? from + to - 1 - i : i];
    return sum;
}

static int check_blocks(long n) {
    long blocks = (n + 255) / 256;
    double got[BLOCKS + 8], right[BLOCKS], other[BLOCKS], single[BLOCKS], short_one[BLOCKS];
    double kept[BLOCKS], beyond[BLOCKS];
    for (long b = 0; b < blocks; b++) {
        volatile float f = 0;
        for (long i = 256 * b; i < 256 * (b + 1) && i < n; i++) f = f + x[i];
        right[b] = own_sum(n, b, 0), other[b] = own_sum(n, b, 1), single[b] = f;
        short_one[b] = right[b] - x[256 * (b + 1) < n ? 256 * (b + 1) - 1 : n - 1];
        kept[b] = right[b] + 1, beyond[b] = own_sum(256 * blocks, b, 0);
    }
    for (int b = 0; b < BLOCKS + 8; b++) got[b] = 1;
    lab_guess guesses[] = {
        {"=other-order", other, "Another order within the block: as good, with other last bits."},
        {"float-sum", single, "These are sums of floats: each addition is rounded to 24 bits."},
        {"last-left-out", short_one, "The last number of each block is missing."},
        {"beyond-n", beyond, "The last block goes on to its 256th number, beyond x[n - 1]."},
        {"not-emptied", kept, "What stood in sums before was added."},
        {NULL, NULL, NULL}};
    block_sums(got, x, n, 0, blocks);
    lab_compare(LAB_UNIT, "block_sums: all blocks", got, right, blocks, 0, guesses);
    for (int b = 0; b < BLOCKS + 8; b++) got[b] = 1;
    block_sums(got, x, n, 2, 5);
    int inside = 1, outside = 1, low = 1;
    for (int b = 0; b < BLOCKS + 8; b++) {
        if (b >= 2 && b < 5) inside = inside && fabs(got[b] - right[b]) < 1e-3;
        else outside = outside && got[b] == 1;
        if (b < 3) low = low && fabs(got[b] - right[b + 2]) < 1e-3;
    }
    lab_true(LAB_UNIT, "block_sums: three of them", inside && outside,
             low ? "from-zero" : inside ? "outside" : "-", low ? "The sums are right, but begin at "
             "sums[0]: that of block b belongs in sums[b]." : inside ? "Entries beside those asked "
             "for were changed: another thread's results may stand there." :
             "Those asked for are not right.");
    return !low;
}

/* The total, its blocks made in so many parts, the last part first. */
static double in_parts(long n, long parts) {
    long blocks = (n + 255) / 256;
    double sums[BLOCKS + 8] = {0}, total = 0;
    for (long p = parts - 1; p >= 0; p--)
        block_sums(sums, x, n, blocks * p / parts, blocks * (p + 1) / parts);
    for (long b = 0; b < blocks; b++) total += sums[b];
    return total;
}

/* What one writes first: each part by itself, then the parts. */
static double apart(long n, long parts) {
    double total = 0;
    for (long p = 0; p < parts; p++) {
        double sum = 0;
        for (long i = n * p / parts; i < n * (p + 1) / parts; i++) sum += x[i];
        total += sum;
    }
    return total;
}

static void check_parts(long n, int placed) {
    double truth = 0, first = in_parts(n, 1), most = 0, last_place = 1;
    while (last_place * 4503599627370496. > fabs(first) && last_place > 1e-30) last_place /= 2;
    for (long b = 0; b < (n + 255) / 256; b++) truth += own_sum(n, b, 0);
    for (long parts = 1; parts <= 16; parts++) {
        double off = fabs(in_parts(n, parts) - first);
        most = off <= most ? most : off;
        lab_point("%ld %.6g %.6g", parts, (in_parts(n, parts) - first) / last_place,
                  (apart(n, parts) - apart(n, 1)) / last_place);
    }
    int good = placed && fabs(first - truth) <= 1e-3;
    lab_true(LAB_LAW, "16 numbers of parts: the same bits", good && most == 0, good ? "by-parts" :
             "-", good ? "The sum is right, but its last bits depend on the number of parts." :
             "The sum is not right, or stands elsewhere.");
}

static void check_orders(void) {
    float want = (float)lab_whole(2, 1, 9), u[3 + 8] = {0, 0, 0};
    two_orders(u, want);
    volatile float left = u[0] + u[1], right = u[1] + u[2];
    left = left + u[2], right = u[0] + right;
    int swapped = right == want && left == 0, same = left == right;
    lab_true(LAB_LAW, "two_orders: want, and 0", left == want && right == 0,
             swapped ? "swapped" : same ? "too-small" : "-",
             swapped ? "The other way round: from the left it is 0." : same ?
             "Both orders agree: a float has 24 bits, so the large number must be 2^29 or more." :
             "One of the two sums is not what is asked.");
    float f[3 + 8] = {0, 0, 0};
    fused_differs(f);
    volatile float product = f[0] * f[1], apart = product + f[2];
    double fused = (double)f[0] * f[1] + f[2];
    int exact = apart == 0 && fused == 0;
    lab_true(LAB_LAW, "fused_differs: 0, and not 0", apart == 0 && fused != 0 && fabs(fused) < 1e30,
             exact ? "exact-product" : "-", exact ?
             "The product has 24 bits or fewer, so rounding it changes nothing." :
             "With the product rounded first, the result has to be 0.");
}

static uint32_t own_bits(uint64_t m) {
    float f = (float)m;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static void check_bits(void) {
    double got[WHOLE], zero[WHOLE], cut[WHOLE], up[WHOLE], bias[WHOLE], one[WHOLE];
    double down[WHOLE];
    for (int i = 0; i < WHOLE; i++) {
        uint64_t m = sgm_below(lab_key(4), (uint64_t)i, (uint64_t)1 << (i % 50 + 2)) + 1;
        if (i < 8) m = ((uint64_t)(8388608 + lab_whole(10 + i, 0, 9999)) << 7) + 64; /* ties */
        if (i == 8) m = ((uint64_t)1 << 40) - 1;                /* carries into the exponent */
        int e = 0;
        while (m >> (e + 1)) e++;
        uint64_t kept = e > 23 ? m >> (e - 23) << (e - 23) : m;
        uint64_t half = e > 23 ? (uint64_t)1 << (e - 24) : 0;
        double right = own_bits(m);
        got[i] = (double)round_bits(m) - right, zero[i] = 0;
        cut[i] = own_bits(kept) - right;
        up[i] = own_bits(m - kept >= half && half ? kept + 2 * half : kept) - right;
        down[i] = own_bits(m - kept > half && half ? kept + 2 * half : kept) - right;
        bias[i] = 8388608, one[i] = -8388608;
    }
    lab_guess guesses[] = {
        {"truncated", cut, "The bits that do not fit were cut off: the nearest float is asked."},
        {"ties-up", up, "Of two equally near floats the upper one was taken: the even one is "
         "asked."},
        {"ties-down", down, "Of two equally near floats the lower one was taken: the even one is "
         "asked."},
        {"exponent-high", bias, "The exponent is one too high: the mantissa's first bit, which is "
         "always 1, is not stored, or was added to it."},
        {"exponent-low", one, "The exponent is one too low: it is stored with 127 added."},
        {NULL, NULL, NULL}};
    lab_compare(LAB_UNIT, "round_bits: last places off", got, zero, WHOLE, 1e-9, guesses);
}

static void lab_checks(void) {
    long n = lab_whole(1, 8000, MOST - 1), differ = 0;
    sgm_normal(x, MOST + 512, lab_key(1), 0);
    for (int i = 0; i < MOST + 512; i++) x[i] = (float)ldexp(x[i] + 0.5, -((255 - i % 256) % 34));
    int placed = check_blocks(n);
    check_bits(), check_parts(n, placed), check_orders();
    for (int i = 0; i < 9000; i++) differ += expf(x[i]) != (float)exp((double)x[i]);
    lab_say(LAB_INFORMATIVE, "expf of this C library and its exp, rounded, differ for %ld of 9000 "
            "numbers", differ);
}
