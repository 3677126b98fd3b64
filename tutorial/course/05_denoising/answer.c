#include "lab.h"

double huber_point(float *grad, const float *out, const float *x, const float *eps, int d,
    double a, double b, double share, double delta) {
    double square = delta * delta;
    for (int j = 0; j < d; j++) {
        double miss = a * x[j] + b * out[j] - eps[j];
        square += miss * miss;
    }
    double root = sqrt(square);
    for (int j = 0; j < d; j++) {
        double miss = a * x[j] + b * out[j] - eps[j];
        grad[j] = (float)(share * b * miss / root);
    }
    return share * (root - delta);
}

double gaussian_floor(double m, double s, double v, int d) {
    double clean = m * m * v, all = clean + s * s;
    return d * clean / all;
}

const char lab_why[] =
    "Many clean points can have been moved to the same noisy one, so the noise is not known from "
    "it: the best guess is its mean, and what is left is its variance.";
