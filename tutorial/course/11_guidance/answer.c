#include "lab.h"

#define MOST 8

void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t);

void measured_score(const sgm_score *score, double *out, const double *x, double t,
                    const double *a, double y, double tau) {
    int d = score->d;
    double m = sgm_sde_m(&score->sde, t), s = sgm_sde_s(&score->sde, t), s2 = s * s;
    double g[MOST], ja[MOST], w[MOST], expected = 0, spread = 0;
    ask_score(score, g, ja, x, a, t);
    for (int j = 0; j < d; j++) {
        w[j] = (a[j] + s2 * ja[j]) / m;
        expected += a[j] * (x[j] + s2 * g[j]) / m;
        spread += s2 / m * a[j] * w[j];
    }
    for (int j = 0; j < d; j++) out[j] = w[j] * (y - expected) / (spread + tau * tau);
}

const char lab_why[] =
    "The densities whose scores are mixed at each t are not one density at different noise: in the "
    "law of log p stands the square of its gradient, which does not mix linearly.";
