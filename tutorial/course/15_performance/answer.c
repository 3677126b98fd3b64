#include "lab.h"

void matmul(int m, int n, int k, const float *a, const float *b, float *c) {
    for (int i = 0; i < m; i++) {
        const float *left = a + i * k, *row = b;
        float *sum = c + i * n;
        for (int j = 0; j < n; j++) sum[j] = 0;
        for (int p = 0; p < k % 4; p++, row += n)
            for (int j = 0; j < n; j++) sum[j] += left[p] * row[j];
        for (int p = k % 4; p < k; p += 4, row += 4 * n) {
            const float *next = row + n, *third = next + n, *last = third + n;
            const float by = left[p], by1 = left[p + 1], by2 = left[p + 2], by3 = left[p + 3];
            for (int j = 0; j < n; j++)
                sum[j] =
                    (((sum[j] + by * row[j]) + by1 * next[j]) + by2 * third[j]) + by3 * last[j];
        }
    }
}

double matmul_flops(int m, int n, int k) { return 2.0 * m * n * k; }

double matmul_bytes(int m, int n, int k) {
    const double numbers = (double)m * k + (double)k * n + (double)m * n;
    return 4 * numbers;
}

double roof(double peak, double bandwidth, double flops, double bytes) {
    const double fed = bandwidth * flops / bytes;
    return fed < peak ? fed : peak;
}

double share_of_roof(double flops, double seconds, double top) { return flops / seconds / top; }

const char lab_why[] = "Each addition waited for the one before it, for all went into one sum, and "
                       "each number of B came from another row of memory.";
