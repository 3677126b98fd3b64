#include "lab.h"

/* One point of the loss (4.2). out(d) is what the network said, x(d) the noisy point, eps(d) the
noise hidden in it; a and b make of them the noise that the network means, ε̂ = a x + b out (2.10).
Returned is share · ‖ε̂ − ε‖²; grad(d) receives its derivative by each number of out. share is
c w/B: the point's weight in the loss of the whole batch. */
double sgm__dsm_point(float *grad, const float *out, const float *x, const float *eps, int d,
    double a, double b, double share) {
    (void)grad, (void)out, (void)x, (void)eps, (void)d, (void)a, (void)b, (void)share;
    return 0;
}

/* The same with the pseudo-Huber loss: share · (√(‖ε̂ − ε‖² + δ²) − δ), and derivatives;
delta is δ > 0. */
double huber_point(float *grad, const float *out, const float *x, const float *eps, int d,
    double a, double b, double share, double delta) {
    (void)grad, (void)out, (void)x, (void)eps, (void)d, (void)a, (void)b, (void)share;
    (void)delta;
    return 0;
}

/* The floor: the least mean of ‖ε − ε̂‖² that any rule ε̂(x) can have, where x = m x0 + s ε and x0
has d independent coordinates from N(0, v). */
double gaussian_floor(double m, double s, double v, int d) {
    (void)m, (void)s, (void)v, (void)d;
    return 0;
}

/* In one sentence: why can a good network's loss not go to 0? Six words or more. */
const char lab_why[] = "";
