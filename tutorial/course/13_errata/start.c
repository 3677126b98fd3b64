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

/* 1. Which term of the box is wrong? LINEAR to START, or NO_SLIP; *factor: what it has there over
      what belongs there (1 for NO_SLIP). Of NOISE it is the ratio of deviations, of START that of
      variances, of TIME that of times. For data N(0, c), at t, with a step dt. */
int wrong_term(const void *box, double c, double t, double dt, double *factor) {
    (void)box, (void)c, (void)t, (void)dt, (void)factor;
    return 0;
}

/* 2. The variance at t = 0 of the box's samples for data N(0, c), by `steps` equal steps from 1,
      with the exact score: no samples are drawn, the variance itself takes the steps. */
double final_variance(const void *box, double c, long steps) {
    (void)box, (void)c, (void)steps;
    return 0;
}

/* 3. Do n samples see it? 1 if the variance w is more than 5 standard errors from c, else 0. */
int seen(double w, double c, long n) {
    (void)w, (void)c, (void)n;
    return 0;
}

/* 4. Which slip has the formula: NO_SLIP, MIRRORED or FORWARD? *mass: the integral of exp(log p) */
int wrong_density(const void *box, int formula, double c, double *mass) {
    (void)box, (void)formula, (void)c, (void)mass;
    return 0;
}

/* One sentence: why does N(0, 1), the easiest example, hide slips that N(0, 4) shows? */
const char lab_why[] = "";
