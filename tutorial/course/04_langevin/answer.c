#include "lab.h"

void epsilon_move(
    float *y, const float *x, const float *s, const float *z, long size, double epsilon) {
    double root = sqrt(epsilon);
    for (long i = 0; i < size; i++) y[i] = (float)(x[i] + 0.5 * epsilon * s[i] + root * z[i]);
}

/* How far a proposal `to` lies from where its step leads without noise, squared. */
static double shaken(const float *to, const float *from, const float *s, int d, double epsilon) {
    double sum = 0;
    for (int j = 0; j < d; j++) {
        double far = (double)to[j] - from[j] - epsilon / 2 * s[j];
        sum += far * far;
    }
    return sum;
}

double epsilon_chance(const float *x, const float *y, const float *sx, const float *sy, int d,
    double log_px, double log_py, double epsilon) {
    double there = shaken(y, x, sx, d, epsilon), back = shaken(x, y, sy, d, epsilon);
    double log_ratio = log_py - log_px + (there - back) / (2 * epsilon);
    return log_ratio < 0 ? exp(log_ratio) : 1;
}

const char lab_why[] =
    "The drift γ∇log p and the noise must balance: noise of variance 2γ spreads points as fast as "
    "a drift of length γ gathers them, since heat flows like half the variance.";
