#include "lab.h"

/* C = A B: a (m, k), b (k, n), c (m, n), each row after row. c holds anything before. */
void matmul(int m, int n, int k, const float *a, const float *b, float *c) {
    (void)m, (void)n, (void)k, (void)a, (void)b, (void)c;
}

/* Floating-point operations of this product, a multiplication and an addition being two. */
double matmul_flops(int m, int n, int k) {
    (void)m, (void)n, (void)k;
    return 0;
}

/* Bytes that must at least come from memory or go there: a, b and c once each. */
double matmul_bytes(int m, int n, int k) {
    (void)m, (void)n, (void)k;
    return 0;
}

/* The most operations per second that so many operations on so many bytes can reach, where the
   processor makes `peak` of them per second and memory gives `bandwidth` bytes per second. */
double roof(double peak, double bandwidth, double flops, double bytes) {
    (void)peak, (void)bandwidth, (void)flops, (void)bytes;
    return 0;
}

/* Which share of the roof was reached by so many operations in so many seconds. */
double share_of_roof(double flops, double seconds, double top) {
    (void)flops, (void)seconds, (void)top;
    return 0;
}

/* One sentence: what did the plain triple loop wait for? */
const char lab_why[] = "";
