#include "lab.h"

void block_sums(double *sums, const float *x, long n, long first, long last) {
    for (long b = first; b < last; b++) {
        double sum = 0;
        for (long i = 256 * b; i < 256 * (b + 1) && i < n; i++) sum += x[i];
        sums[b] = sum;
    }
}

void two_orders(float x[3], float want) {
    x[0] = 1073741824.0f;
    x[1] = -1073741824.0f;
    x[2] = want;
}

void fused_differs(float x[3]) {
    x[0] = 4097.0f / 4096;
    x[1] = 4097.0f / 4096;
    x[2] = -2049.0f / 2048;
}

uint32_t round_bits(uint64_t m) {
    int e = 0;
    while (m >> (e + 1)) e++;
    uint64_t mantissa = e <= 23 ? m << (23 - e) : m >> (e - 23);
    if (e > 23) {
        uint64_t lost = m & (((uint64_t)1 << (e - 23)) - 1), half = (uint64_t)1 << (e - 24);
        if (lost > half || (lost == half && (mantissa & 1))) mantissa++;
    }
    return (uint32_t)(((uint64_t)(e + 126) << 23) + mantissa);
}

const char lab_why[] = "Which block a number falls into and the order within it do not depend on "
                       "the parts, which only decide who adds up a block.";
