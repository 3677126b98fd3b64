#include "lab.h"

/*
One step (1.2) of n points of d numbers, from the time t to t + h:

    x ← x + f(t) x h + g(t) √h z

x is (n, d), row by row, and is changed in place. f = sgm_sde_f(sde, t), one over time; g² =
sgm_sde_g2(sde, t), data² over time; h is a time. z is (n, d) too: number j of point i takes draw
i·d + j of the key, as sgm_normal(z, n·d, key, 0) deals them out.
*/
void forward_step(float *x, long n, int d, const sgm_sde *sde, double t, double h, sgm_key key) {
    (void)x, (void)n, (void)d, (void)sde, (void)t, (void)h, (void)key;
}

/*
Steps of equal length from t0 to t1, by forward_step. Step k = 0, 1, … begins at t0 + k h and has a
key of its own, sgm_key_split(key, k), so that no two steps see the same noise.
*/
void forward_path(float *x, long n, int d, const sgm_sde *sde, double t0, double t1, int steps,
    sgm_key key) {
    (void)x, (void)n, (void)d, (void)sde, (void)t0, (void)t1, (void)steps, (void)key;
}

/*
What those steps make of a mean and a variance, exactly and without a draw. On entry *mean and
*variance are a coordinate's at t0, afterwards what they are after the last step.
*/
void forward_law(double *mean, double *variance, const sgm_sde *sde, double t0, double t1,
    int steps) {
    (void)mean, (void)variance, (void)sde, (void)t0, (void)t1, (void)steps;
}

const char lab_why[] = "";
