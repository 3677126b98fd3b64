#include "lab.h"

/* What a box can do wrong: nothing; the linear part, the score's factor or the noise's deviation of
its step; the time at which it asks the score; the variance that it starts from. What a formula for
log p can: the integral's sign; the forward drift in place of the flow's. */
enum { NO_SLIP, LINEAR, SCORE, NOISE, TIME, START, MIRRORED, FORWARD };

/* Given. A box carries out what a text prints: reverse time from t = 1 to 0, of the process with
f = -½β, g² = β. β(t) and its integral from 0 to t are right: */
double box_beta(const void *box, double t);
double box_integral(const void *box, double t);
/* the variance of what it starts from at t = 1, for data N(0, c); the time at which it asks the
score when it is at t; and its step from t to t - dt: where x goes, with that score and the noise z,
a normal number. Right is x + (½β x + β score) dt + √(β dt) z, β at t. */
double box_start(const void *box, double c);
double box_asks(const void *box, double t);
double box_step(const void *box, double x, double score, double t, double dt, double z);
/* log p of x as formula 0, 1 or 2 has it, for data N(0, c), with the flow solved exactly. */
double box_logp(const void *box, int formula, double x, double c);

static double spread(const void *box, double c, double t) {
    return 1 - (1 - c) * exp(-box_integral(box, t));
}

int wrong_term(const void *box, double c, double t, double dt, double *factor) {
    double beta = box_beta(box, t), has[6];
    has[LINEAR] = (box_step(box, 1, 0, t, dt, 0) - 1) / (.5 * beta * dt);
    has[SCORE] = box_step(box, 0, 1, t, dt, 0) / (beta * dt);
    has[NOISE] = box_step(box, 0, 0, t, dt, 1) / sqrt(beta * dt);
    has[TIME] = box_asks(box, t) / t;
    has[START] = box_start(box, c) / spread(box, c, 1);
    *factor = 1;
    for (int k = LINEAR; k <= START; k++)
        if (fabs(has[k] - 1) > 1e-6) {
            *factor = has[k];
            return k;
        }
    return NO_SLIP;
}

double final_variance(const void *box, double c, long steps) {
    double w = box_start(box, c), dt = 1. / steps;
    for (long i = 0; i < steps; i++) {
        double t = 1 - i * dt, V = spread(box, c, box_asks(box, t));
        double keep = box_step(box, 1, -1 / V, t, dt, 0), add = box_step(box, 0, 0, t, dt, 1);
        w = keep * keep * w + add * add;
    }
    return w;
}

int seen(double w, double c, long n) {
    return fabs(w / c - 1) > 5 * sqrt(2. / n);
}

int wrong_density(const void *box, int formula, double c, double *mass) {
    double V = spread(box, c, 1), sum = 0;
    for (double x = -40; x < 40; x += .01) sum += .01 * exp(box_logp(box, formula, x, c));
    *mass = sum;
    if (fabs(sum - 1) < 1e-6) return NO_SLIP;
    return fabs(sum - c / V) < 1e-6 ? MIRRORED : FORWARD;
}

const char lab_why[] =
    "On N(0, 1) the score is -x at every time and the prior is the data's own law, so a wrong time "
    "or a wrong start changes nothing.";
