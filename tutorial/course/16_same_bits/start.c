#include "lab.h"

/* sums[b] for the blocks first <= b < last: the sum, in double, of x[256 b … 256 b + 255], or of as
many as there are below n. Other entries of sums are left alone. */
void block_sums(double *sums, const float *x, long n, long first, long last) {
    (void)sums, (void)x, (void)n, (void)first, (void)last;
}

/* Three floats with (x[0] + x[1]) + x[2] == want and x[0] + (x[1] + x[2]) == 0, each sum rounded to
float. want is a whole number, 1 … 9. */
void two_orders(float x[3], float want) {
    (void)x, (void)want;
}

/* Three floats for which a b + c, with the product rounded to float first, is 0, and is not 0 if
only the sum is rounded. */
void fused_differs(float x[3]) {
    (void)x;
}

/* The 32 bits of the float next to the whole number m, 1 <= m < 2^62; of two equally near ones the
one whose last bit is 0. By whole numbers alone. */
uint32_t round_bits(uint64_t m) {
    (void)m;
    return 0;
}

const char lab_why[] = ""; /* why any number of parts gives the same bits, in one sentence */
