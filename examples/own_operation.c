/*
An operation of your own is one function of three cases. This one is y = sin x. Its two derivatives are held against
differences, and then a network with sines between its layers learns two moons.

    cc -O2 -I. examples/own_operation.c -o own_operation -lm && ./own_operation
*/

#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With x̄ for ∂L/∂x: (3.1) ẏ = cos(x) ẋ, and (3.3) x̄ = cos(x) ȳ − sin(x) ẋ ẏ̄, ẋ̄ = cos(x) ẏ̄. */
static void sine_passes(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a;
    float *first = sgm_tape_floats(tape, y), *second = sgm_tape_floats(tape, y);
    if (!first || !second) return; /* no memory: the tape knows */
    for (int i = 0; i < x->rows * x->cols; i++) {
        float s = sinf(x->v[i]), c = cosf(x->v[i]);
        if (pass == SGM_PASS_FORWARD) y->v[i] = s;
        if (pass == SGM_PASS_TANGENT) y->j[i] = c * x->j[i];
        first[i] = c;
        second[i] = x->j ? -s * x->j[i] : 0;
    }
    if (pass != SGM_PASS_BACKWARD) return;
    sgm_tape_give(tape, x, SGM_ADJOINT_D, first, y->d);
    sgm_tape_give(tape, x, SGM_ADJOINT_D, second, y->jd);
    sgm_tape_give(tape, x, SGM_ADJOINT_JD, first, y->jd);
}

static sgm_tensor *sine(sgm_tape *tape, sgm_tensor *x) { /* NULL in, NULL out, as all operations */
    return x ? sgm_tape_run(tape, sgm_tape_make(tape, "sine", sine_passes, x->rows, x->cols, x, NULL, NULL)) : NULL;
}

/* y at x with velocity 1, and x̄ for the loss L = y (which = 0) or L = ẏ (1). */
static sgm_tensor *at(sgm_tape *tape, float x, int which, double *back) {
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *in = sgm_tape_input(tape, &x, 1, 1);
    sgm_tape_watch(tape, in);
    sgm_tensor *y = sine(tape, in);
    *sgm_tape_tangent_of(tape, in) = 1;
    sgm_tape_tangent(tape);
    if (which) *sgm_tape_tangent_gradient_of(tape, y) = 1;
    else *sgm_tape_gradient_of(tape, y) = 1;
    sgm_tape_backward(tape);
    *back = in->d[0];
    return y;
}

static int row(const char *what, double got, double truth) {
    int good = fabs(got - truth) < 1e-3;
    printf("%-34s %8.5f  differences %8.5f  %s\n", what, got, truth, good ? "PASS" : "FAIL");
    return good;
}

static int derivatives(float x) {
    const float h = 0.01f;
    double y[2], j[2], back, unused;
    sgm_tape *tape = sgm_tape_new();
    for (int i = 0; i < 2; i++) y[i] = at(tape, i ? x + h : x - h, 0, &unused)->v[0];
    for (int i = 0; i < 2; i++) j[i] = at(tape, i ? x + h : x - h, 0, &unused)->j[0];
    int good = row("tangent of y", at(tape, x, 0, &back)->j[0], (y[1] - y[0]) / (2 * h));
    good &= row("adjoint of x for the loss y", back, (y[1] - y[0]) / (2 * h));
    at(tape, x, 1, &back);
    good &= row("adjoint of x for the loss dy/dx", back, (j[1] - j[0]) / (2 * h));
    sgm_tape_free(tape);
    return good;
}

static sgm_tensor *waves(sgm_tape *t, const sgm_net_in *in) {
    sgm_tensor *time = sgm_time_sigma(t, in->log_sigma), *h = in->x;
    for (int i = 0; i < 3; i++) h = sine(t, sgm_linear_start(t, sgm_concat(t, time, h), 64, 2));
    return sgm_linear(t, h, in->out);
}

int main(void) {
    enum { N = 2000 };
    static float data[N * 2], fresh[N * 2], samples[N * 2];
    sgm_model_options net = {.net = waves, .d = 2, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
    sgm_train_options run = {.steps = 3000, .cosine = 1};
    sgm_model model;
    int good = derivatives(2.385f);
    sgm_data_moons(data, N, 0.05, sgm_key_init(1)), sgm_data_moons(fresh, N, 0.05, sgm_key_init(2));
    if (sgm_model_init(&model, &net, sgm_key_init(3)) || sgm_train(&model, data, N, &run, sgm_key_init(4)))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    sgm_score score = sgm_model_score(&model, 0);
    if (sgm_sample(samples, N, &score, NULL, sgm_key_init(5))) return fprintf(stderr, "%s\n", sgm_error()), 1;
    double off = sgm_energy_distance(samples, N, fresh, N, 2), two = sgm_energy_distance(data, N, fresh, N, 2);
    printf("energy distance of samples to data %.5f; of two sets of data %.5f\n", off, two);
    sgm_model_free(&model);
    return !good || !(off < 0.01);
}
