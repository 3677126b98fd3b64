/*
A loss of your own: build it on a tape, give its derivative by what the network said, run back, step. This one is that of a
linear autoencoder, x → 3 numbers → x̂, whose best is known: the directions of largest variance (PCA). What it cannot tell
is the variance of the others, the floor of its loss.

    cc -O2 -I. examples/own_loss.c -o own_loss -lm && ./own_loss
*/

#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { D = 8, KEPT = 3, N = 2 * D };

static sgm_tensor *autoencoder(sgm_tape *t, const sgm_net_in *in) {
    sgm_tensor *latent = sgm_linear(t, in->x, KEPT);
    return sgm_linear(t, latent, D);
}

/* Points ±√(D λ_j) q_j, with q_j the columns of a reflection I − 2uuᵀ: their covariance is Σ λ_j q_j q_jᵀ, to rounding. */
static void make_points(float *x, const double *lambda) {
    for (int p = 0; p < N; p++)
        for (int i = 0, j = p / 2; i < D; i++) /* u = (1, …, 1)/√D */
            x[p * D + i] = (float)((p % 2 ? -1 : 1) * sqrt(D * lambda[j]) * ((i == j) - 2.0 / D));
}

/* The mean of ‖x̂ − x‖² over the points, and with a gradient block its gradient; −1: the tape failed. */
static double loss_of(sgm_tape *tape, float *params, size_t n_params, float *grads, float *x) {
    double loss = 0;
    sgm_net_in in = {0};
    sgm_tape_reset(tape, params, grads, n_params, sgm_key_init(0), SGM_TAPE_TRAINING);
    in.x = sgm_tape_input(tape, x, N, D);
    sgm_tensor *out = autoencoder(tape, &in);
    float *seed = sgm_tape_gradient_of(tape, out);
    if (!seed) return -1;
    for (int i = 0; i < N * D; i++) {
        double miss = out->v[i] - x[i];
        loss += miss * miss / N;
        seed[i] = (float)(2 * miss / N); /* ∂loss/∂out */
    }
    return sgm_tape_backward(tape) == SGM_OK ? loss : -1;
}

int main(void) {
    const double lambda[D] = {4, 2, 1, 0.5, 0.25, 0.125, 0.0625, 0.03125};
    float x[N * D];
    double floor = 0, loss = -1;
    make_points(x, lambda);
    for (int j = KEPT; j < D; j++) floor += lambda[j];

    /* the model is only the place of the parameters and their average: how many, how they start, files */
    sgm_model_options net = {.net = autoencoder, .d = D, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
    sgm_train_options run = {.steps = 1500, .lr = 0.02, .cosine = 1, .clip = 10, .ema = {0.99}};
    sgm_model model;
    sgm_optimiser by;
    sgm_tape *tape = sgm_tape_new();
    if (sgm_model_init(&model, &net, sgm_key_init(1)) ||
        sgm_optimiser_init(&by, model.params, model.n_params, model.ema, model.o.n_ema, &run))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    while (by.step < run.steps) {
        loss = loss_of(tape, model.params, model.n_params, by.grads, x);
        if (loss < 0 || sgm_optimiser_step(&by)) return fprintf(stderr, "%s\n", sgm_error()), 1;
        if (by.step % 250 == 0) printf("step %4ld  rate %.5f  loss %.6f\n", by.step, sgm_optimiser_lr(&by), loss);
    }
    double averaged = loss_of(tape, model.ema[0], model.n_params, NULL, x);
    printf("floor, the sum of the %d variances dropped: %.6f\n", D - KEPT, floor);
    printf("loss of the last parameters %.6f, of their average %.6f\n", loss, averaged);
    sgm_optimiser_free(&by), sgm_model_free(&model), sgm_tape_free(tape);
    /* never below the floor but for rounding; 1e-4 above it at most */
    return !(loss - floor > -1e-5 && loss - floor < 1e-4 && averaged - floor > -1e-5 && averaged - floor < 1e-4);
}
