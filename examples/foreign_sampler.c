/*
A posterior that was learned, handed to a sampler that knows nothing of sgm.h. The simulator is x = a + b + noise with the
prior N(0,1) for a and b; a conditional model learns p(a,b|x) from pairs. A foreign Hamiltonian Monte Carlo (as libraries
offer it) asks for two C functions, log p and its gradient; `log_p` and `gradient` below are all that stands between.

    cc -O2 -fopenmp -I. examples/foreign_sampler.c -o foreign_sampler -lm && ./foreign_sampler
*/

#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The foreign part: Hamiltonian Monte Carlo, with a random number generator of its own. */

static double uniform(void) {
    static uint64_t state = 20240229;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static int hmc(double *x, int d, double step, int leaps, double (*logp)(const double *, void *),
               void (*slope)(double *, const double *, void *), void *user) {
    double q[8], p[8], g[8], before = logp(x, user), after;
    for (int j = 0; j < d; j++) q[j] = x[j], p[j] = sqrt(-2 * log(uniform())) * cos(6.283185307 * uniform());
    for (int j = 0; j < d; j++) before -= 0.5 * p[j] * p[j];
    slope(g, q, user);
    for (int k = 0; k < leaps; k++) {
        for (int j = 0; j < d; j++) p[j] += 0.5 * step * g[j], q[j] += step * p[j];
        slope(g, q, user);
        for (int j = 0; j < d; j++) p[j] += 0.5 * step * g[j];
    }
    after = logp(q, user);
    for (int j = 0; j < d; j++) after -= 0.5 * p[j] * p[j];
    if (!(log(uniform()) < after - before)) return 0; /* NaN: stay */
    for (int j = 0; j < d; j++) x[j] = q[j];
    return 1;
}

/* The bridge. A failed call is a place without density; where the push comes from does not matter to the result, since log p
decides: the score is asked at a small time at which it is well learned, not at t_min. */

static double log_p(const double *at, void *user) {
    const sgm_score *score = (const sgm_score *)user;
    sgm_likelihood_options how = {.unchecked = 1, .solve = {.method = SGM_METHOD_RK4, .steps = 12}};
    float x[2] = {(float)at[0], (float)at[1]};
    double logp;
    return sgm_likelihood(&logp, NULL, NULL, x, 1, score, &how, NULL, sgm_key_init(0)) == SGM_OK ? logp : -INFINITY;
}

static void gradient(double *g, const double *at, void *user) {
    const sgm_score *score = (const sgm_score *)user;
    float x[2] = {(float)at[0], (float)at[1]}, t = 0.02f, s[2] = {0, 0};
    if (sgm_score_eval(score, s, x, &t, 1) != SGM_OK) s[0] = s[1] = 0;
    g[0] = s[0], g[1] = s[1];
}

static int failed(sgm_status status) {
    if (status != SGM_OK) fprintf(stderr, "error: %s\n", sgm_error());
    return status != SGM_OK;
}

int main(void) {
    enum { N = 20000, STEPS = 400 };
    static float ab[N * 2], x[N], seen = 1.5f;
    sgm_normal(ab, N * 2, sgm_key_init(1), 0);
    sgm_normal(x, N, sgm_key_init(2), 0);
    for (int i = 0; i < N; i++) x[i] = ab[2 * i] + ab[2 * i + 1] + 0.5f * x[i];

    sgm_model model;
    sgm_condition given;
    sgm_mlp_options net = {.width = 64, .depth = 2};
    sgm_model_options what = {.net = sgm_residual_mlp, .user = &net, .d = 2, .sde = sgm_sde_vp(0.1, 20), .cond = 1, .n_ema = 1};
    sgm_train_options run = {.steps = 1500, .batch = 128, .cosine = 1, .ema = {0.99}, .cond = x, .progress = "training"};
    if (failed(sgm_model_init(&model, &what, sgm_key_init(3))) || failed(sgm_train(&model, ab, N, &run, sgm_key_init(4))) ||
        failed(sgm_condition_init(&given, &model, 0, &seen, 1)))
        return 1;

    sgm_score score = sgm_condition_score(&given);
    double at[2] = {0, 0}, mean[2] = {0, 0}, square[3] = {0, 0, 0};
    int accepted = 0;
    for (int k = 0; k < STEPS; k++) {
        accepted += hmc(at, 2, 0.35, 5, log_p, gradient, &score);
        mean[0] += at[0] / STEPS, mean[1] += at[1] / STEPS;
        square[0] += at[0] * at[0] / STEPS, square[1] += at[0] * at[1] / STEPS, square[2] += at[1] * at[1] / STEPS;
    }
    double var = square[0] - mean[0] * mean[0], cov = square[1] - mean[0] * mean[1];
    printf("given x = 1.5: %d of %d steps accepted\nmean of a, b %6.3f %6.3f   exactly  0.667  0.667\n"
           "var, cov     %6.3f %6.3f   exactly  0.556 -0.444\n", accepted, STEPS, mean[0], mean[1], var, cov);
    sgm_model_free(&model);
    return fabs(mean[0] - 2 / 3.0) + fabs(mean[1] - 2 / 3.0) > 0.5 || fabs(var - 5 / 9.0) > 0.25 || fabs(cov + 4 / 9.0) > 0.25;
}
