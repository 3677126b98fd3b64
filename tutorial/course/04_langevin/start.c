#include "lab.h"

/* One step of the unadjusted walk (6.3), for all `size` coordinates of the crowd, each by itself:
y = x + γ s + √(2γ) z. x: where the walkers are; s: the score there; z: normal numbers, given;
gamma: γ > 0, the length of the step. y may be x itself. */
void sgm__langevin_move(
    float *y, const float *x, const float *s, const float *z, long size, double gamma) {
    (void)y, (void)x, (void)s, (void)z, (void)size, (void)gamma;
}

/* log q(to|from) of (6.5), up to a constant: the logarithm of the density with which that step goes
from `from` to `to`. Both are points of d coordinates, and s(d) is the score at `from`. */
double sgm__langevin_log_q(
    const float *to, const float *from, const float *s, int d, double gamma) {
    (void)to, (void)from, (void)s, (void)d, (void)gamma;
    return 0;
}

/* The same walk as other papers write it: y = x + ½ε s + √ε z. Same arguments; epsilon: ε > 0. */
void epsilon_move(
    float *y, const float *x, const float *s, const float *z, long size, double epsilon) {
    (void)y, (void)x, (void)s, (void)z, (void)size, (void)epsilon;
}

/* The chance min(1, p(y) q(x|y) / p(x) q(y|x)) of (6.5) with which a walker at x accepts the
proposal y of epsilon_move. x, y and the scores there, sx and sy, have d numbers; log_px and log_py
are log p(x) and log p(y), up to one constant that both lack. log_py may be -∞: no density there. */
double epsilon_chance(const float *x, const float *y, const float *sx, const float *sy, int d,
    double log_px, double log_py, double epsilon) {
    (void)x, (void)y, (void)sx, (void)sy, (void)d, (void)log_px, (void)log_py, (void)epsilon;
    return 0;
}

/* In one sentence: why must a step's noise have the standard deviation √(2γ), not γ or √γ? */
const char lab_why[] = "";
