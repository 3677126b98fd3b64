#include "lab.h"

void linear_backward(int n, int in, int out, const float *x, const float *w, const float *dy,
    float *dx, float *dw, float *db) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < out; j++) {
            const float share = dy[i * out + j];
            db[j] += share;
            for (int p = 0; p < in; p++) {
                dx[i * in + p] += share * w[p * out + j];
                dw[p * out + j] += share * x[i * in + p];
            }
        }
}

void silu_backward(long n, const float *x, const float *dy, float *dx) {
    for (long i = 0; i < n; i++) {
        const double s = 1 / (1 + exp(-x[i]));
        const double derivative = s * (1 + x[i] * (1 - s));
        dx[i] += (float)(derivative * dy[i]);
    }
}

void block_backward(int n, int d, const float *x, const float *w, const float *a, const float *dy,
    float *room, float *dx, float *dw, float *db) {
    const long size = (long)n * d;
    for (long i = 0; i < size; i++) room[i] = 0;
    silu_backward(size, a, dy, room);
    linear_backward(n, d, d, x, w, room, dx, dw, db);
    for (long i = 0; i < size; i++) dx[i] += dy[i];
}

const char lab_why[] = "A number that is used twice moves the loss in two ways, and the chain rule "
                       "adds the two derivatives.";
