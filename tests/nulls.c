/*
Every public call with NULL for each pointer in turn, and every step after a refused or missing init: an answer, never a crash.
A crash is caught as a signal and named. (POSIX; the tests skip it elsewhere.)
*/

#define _POSIX_C_SOURCE 200809L
#define SGM_IMPLEMENTATION
#include "../sgm.h"
#include <setjmp.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sigjmp_buf back;
static long calls, crashes, silent;
static void caught(int number) { siglongjmp(back, number); }

/* A call that returns a status: with a NULL it must fail, and say why. NIL: a call that returns something else. */
#define FAILS(call) \
    do { \
        calls++; \
        if (sigsetjmp(back, 1)) crashes++, printf("crashes: %s\n", #call); \
        else if ((call) == SGM_OK) silent++, printf("SGM_OK: %s\n", #call); \
        else if (strlen(sgm_error()) < 8) silent++, printf("without words: %s\n", #call); \
    } while (0)
#define NIL(call) \
    do { \
        calls++; \
        if (sigsetjmp(back, 1)) crashes++, printf("crashes: %s\n", #call); \
        else { call; } \
    } while (0)

static double line_curve(double t, void *user) { (void)user; return t; }
static int no_png(char const *path, int w, int h, int c, const void *data, int stride) {
    (void)path, (void)w, (void)h, (void)c, (void)data, (void)stride;
    return 0;
}

int main(void) {
    enum { N = 8, D = 2 };
    static float x[N * D], y[N * D], t[N], probs_f[N * 4];
    static double p[N * 4], mean[4] = {-1, 0, 1, 0.5}, var[2] = {0.1, 0.2};
    static int label[N];
    sgm_key key = sgm_key_init(1);
    sgm_sde sde = sgm_sde_vp(0.1, 20), none;
    sgm_mixture mix, empty_mix;
    sgm_score exact, empty;
    sgm_loss loss;
    sgm_dsm_result r;
    sgm_model model, empty_model, sorter;
    sgm_model_options mo;
    sgm_train_options to;
    sgm_trainer trainer;
    sgm_optimiser optimiser;
    sgm_sampler sampler;
    sgm_langevin walk;
    sgm_langevin_options lo;
    sgm_anneal_options ao;
    sgm_condition told;
    sgm_classifier sort;
    sgm_guided guided;
    sgm_inverse problem, empty_problem;
    sgm_posterior posterior;
    sgm_scaler scaler, empty_scaler;
    sgm_archive archive;
    sgm_images images;
    float A[2] = {1, 0}, target[1] = {0.4f};
    double m, s;
    const int signals[] = {SIGSEGV, SIGFPE, SIGBUS, SIGABRT, SIGILL};
    for (int i = 0; i < 5; i++) {
        struct sigaction act;
        memset(&act, 0, sizeof act), act.sa_handler = caught;
        sigaction(signals[i], &act, NULL);
    }
    memset(&none, 0, sizeof none), memset(&empty_mix, 0, sizeof empty_mix), memset(&empty, 0, sizeof empty);
    memset(&loss, 0, sizeof loss), memset(&empty_model, 0, sizeof empty_model), memset(&mo, 0, sizeof mo);
    memset(&to, 0, sizeof to), memset(&trainer, 0, sizeof trainer), memset(&sampler, 0, sizeof sampler);
    memset(&walk, 0, sizeof walk), memset(&lo, 0, sizeof lo), memset(&ao, 0, sizeof ao), memset(&told, 0, sizeof told);
    memset(&sort, 0, sizeof sort), memset(&guided, 0, sizeof guided), memset(&empty_problem, 0, sizeof empty_problem);
    memset(&posterior, 0, sizeof posterior), memset(&empty_scaler, 0, sizeof empty_scaler), memset(&archive, 0, sizeof archive);
    memset(&images, 0, sizeof images);
    for (int i = 0; i < N; i++) t[i] = 0.5f, label[i] = i % 2;
    sgm_normal(x, N * D, key, 0);
    if (sgm_mixture_init(&mix, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, &sde)) return 2;
    exact = sgm_mixture_score(&mix);
    mo.net = sgm_mlp, mo.d = D, mo.sde = sde;
    if (sgm_model_init(&model, &mo, key)) return 2;
    mo.classes = 2;
    if (sgm_model_init(&sorter, &mo, key)) return 2;
    mo.classes = 0, to.steps = 2, to.batch = 4, lo.step = 1e-3, lo.steps = 2, lo.t = 0.5;
    if (sgm_inverse_init(&problem, D, 1, A, target, 0.1) || sgm_scaler_init(&scaler, x, N, D)) return 2;

    /* 1, 2 */
    FAILS(sgm_sde_check(NULL)); FAILS(sgm_sde_check(&none));
    none = sgm_sde_user_beta(NULL, NULL); FAILS(sgm_sde_check(&none));
    none = sgm_sde_user_sigma2(NULL, NULL); FAILS(sgm_sde_check(&none));
    none = sgm_sde_user_beta(line_curve, NULL); NIL(sgm_sde_check(&none));
    FAILS(sgm_mixture_init(NULL, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    FAILS(sgm_mixture_init(&empty_mix, 2, D, NULL, NULL, var, SGM_COV_ISOTROPIC, &sde));
    FAILS(sgm_mixture_init(&empty_mix, 2, D, NULL, mean, NULL, SGM_COV_ISOTROPIC, &sde));
    FAILS(sgm_mixture_init(&empty_mix, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, NULL));
    FAILS(sgm_mixture_from_data(NULL, x, N, D, &sde));
    FAILS(sgm_mixture_from_data(&empty_mix, NULL, N, D, &sde));
    FAILS(sgm_mixture_from_data(&empty_mix, x, N, D, NULL));
    FAILS(sgm_mixture_from_data(&empty_mix, x, -1, D, &sde));
    NIL(sgm_mixture_free(&empty_mix)); NIL(empty = sgm_mixture_score(&empty_mix));
    NIL(empty = sgm_mixture_score(NULL));
    FAILS(sgm_mixture_sample(NULL, x, NULL, N, 0, key));
    FAILS(sgm_mixture_sample(&mix, NULL, NULL, N, 0, key));
    FAILS(sgm_mixture_sample(&empty_mix, y, NULL, N, 0, key));
    FAILS(sgm_mixture_sample(&mix, y, NULL, N, NAN, key));
    FAILS(sgm_score_eval(NULL, y, x, t, N)); FAILS(sgm_score_eval(&empty, y, x, t, N));
    FAILS(sgm_score_eval(&exact, NULL, x, t, N));
    FAILS(sgm_score_eval(&exact, y, NULL, t, N)); FAILS(sgm_score_eval(&exact, y, x, NULL, N));
    FAILS(sgm_score_eval(&exact, y, x, t, -1));
    FAILS(sgm_score_jvp(&exact, y, NULL, x, x, t, N)); FAILS(sgm_score_jvp(&exact, y, y, x, NULL, t, N));
    FAILS(sgm_score_vjp(&exact, y, NULL, x, x, t, N)); FAILS(sgm_score_vjp(&exact, y, y, x, NULL, t, N));
    FAILS(sgm_score_logp(&exact, NULL, x, t, N)); FAILS(sgm_score_logp(NULL, p, x, t, N));
    FAILS(sgm_loss_check(NULL, &sde)); FAILS(sgm_loss_check(&loss, NULL));
    FAILS(sgm_loss_times(NULL, &sde, t, t, N, key, 0)); FAILS(sgm_loss_times(&loss, NULL, t, t, N, key, 0));
    FAILS(sgm_loss_times(&loss, &sde, NULL, t, N, key, 0));
    FAILS(sgm_loss_times(&loss, &sde, t, NULL, N, key, 0));
    FAILS(sgm_loss_times(&loss, &sde, t, t, -1, key, 0));
    FAILS(sgm_dsm(NULL, &exact, &exact, x, N, &loss, 10, key));
    FAILS(sgm_dsm(&r, NULL, NULL, x, N, &loss, 10, key));
    FAILS(sgm_dsm(&r, &exact, &exact, NULL, N, &loss, 10, key));
    FAILS(sgm_dsm(&r, &exact, &exact, x, N, NULL, 10, key));
    FAILS(sgm_dsm(&r, &empty, &exact, x, N, &loss, 10, key));
    FAILS(sgm_dsm(&r, &exact, &empty, x, N, &loss, 10, key));
    FAILS(sgm_dsm(&r, &exact, NULL, x, N, &loss, -5, key));
    FAILS(sgm_objective_value(NULL, &s, &exact, x, N, &loss, 10, key));
    FAILS(sgm_objective_value(&m, NULL, &exact, x, N, &loss, 10, key));
    FAILS(sgm_objective_value(&m, &s, NULL, x, N, &loss, 10, key));
    FAILS(sgm_objective_value(&m, &s, &exact, NULL, N, &loss, 10, key));
    FAILS(sgm_objective_value(&m, &s, &exact, x, N, NULL, 10, key));

    /* 3, 4 */
    FAILS(sgm_model_init(NULL, &mo, key)); FAILS(sgm_model_init(&empty_model, NULL, key));
    NIL(sgm_model_free(&empty_model)); NIL(empty = sgm_model_score(NULL, 0));
    NIL(empty = sgm_model_score(&empty_model, 0));
    NIL(empty = sgm_model_score(&model, 7)); NIL(empty = sgm_model_score(&model, -9));
    FAILS(sgm_score_eval(&empty, y, x, t, N)); FAILS(sgm_sample(y, N, &empty, NULL, key));
    FAILS(sgm_train(NULL, x, N, &to, key)); FAILS(sgm_train(&model, NULL, N, &to, key));
    FAILS(sgm_train(&model, x, N, NULL, key));
    FAILS(sgm_train(&empty_model, x, N, &to, key)); FAILS(sgm_train(&model, x, -3, &to, key));
    FAILS(sgm_trainer_init(NULL, &model, x, N, &to, key));
    FAILS(sgm_trainer_init(&trainer, NULL, x, N, &to, key));
    FAILS(sgm_trainer_step(&trainer)); FAILS(sgm_trainer_step(NULL)); NIL(sgm_trainer_free(&trainer));
    NIL(sgm_trainer_lr(&trainer));
    FAILS(sgm_optimiser_init(NULL, x, N, NULL, 0, &to)); FAILS(sgm_optimiser_init(&optimiser, NULL, N, NULL, 0, &to));
    FAILS(sgm_optimiser_init(&optimiser, x, N, NULL, 0, NULL)); FAILS(sgm_optimiser_init(&optimiser, x, N, NULL, 1, &to));
    FAILS(sgm_optimiser_step(&optimiser)); FAILS(sgm_optimiser_step(NULL)); NIL(sgm_optimiser_lr(NULL));
    NIL(sgm_optimiser_lr(&optimiser)); NIL(sgm_optimiser_free(&optimiser)); NIL(sgm_optimiser_free(NULL));
    FAILS(sgm_trainer_save(&trainer, "out/tests/null")); FAILS(sgm_trainer_save(NULL, "out/tests/null"));
    FAILS(sgm_trainer_load(&trainer, "out/tests/null")); FAILS(sgm_trainer_load(NULL, "out/tests/null"));
    FAILS(sgm_model_save(NULL, "out/tests/null")); FAILS(sgm_model_save(&model, NULL));
    FAILS(sgm_model_save(&empty_model, "out/tests/null"));
    FAILS(sgm_model_load(NULL, "out/tests/null")); FAILS(sgm_model_load(&model, NULL));
    FAILS(sgm_model_load(&empty_model, "out/tests/null"));
    FAILS(sgm_model_open(NULL, "out/tests/null")); FAILS(sgm_model_open(&empty_model, NULL));
    FAILS(sgm_model_open(&empty_model, "no/such"));
    NIL(sgm_tape_free(NULL));
    {
        sgm_tape *tape = sgm_tape_new();
        sgm_tape_reset(tape, NULL, NULL, 0, key, 0);
        NIL(sgm_tape_input(tape, NULL, 2, 2)); NIL(sgm_linear(tape, NULL, 3));
        NIL(sgm_linear(tape, sgm_tape_input(tape, NULL, 2, 2), 3));
        NIL(sgm_concat(tape, NULL, NULL)); NIL(sgm_add(tape, NULL, NULL)); NIL(sgm_mul(tape, NULL, NULL));
        NIL(sgm_repeat(tape, NULL, 3));
        NIL(sgm_dropout(tape, NULL, 0.5f)); NIL(sgm_mul_by(tape, NULL, 1)); NIL(sgm_layer_norm(tape, NULL));
        NIL(sgm_time_circle(tape, NULL));
        NIL(sgm_conv2d(tape, NULL, 2, 2, 2, 3, 1)); NIL(sgm_attention(tape, NULL, NULL, NULL, 2, 2));
        NIL(sgm_transpose(tape, NULL, 2));
        NIL(sgm_group_norm(tape, NULL, 2, 2, 1, SGM_NORM_OWN, NULL, NULL)); NIL(sgm_self_attention(tape, NULL, 1, 1));
        NIL(sgm_modulate(tape, NULL, NULL, NULL)); NIL(sgm_add_gated(tape, NULL, NULL, NULL));
        NIL(sgm_gate(tape, NULL, NULL));
        NIL(sgm_patchify(tape, NULL, 2, 2, 1)); NIL(sgm_unpatchify(tape, NULL, 2, 2, 1));
        NIL(sgm_tape_watch(tape, NULL));
        NIL(sgm_tape_tangent_of(tape, NULL)); NIL(sgm_tape_gradient_of(tape, NULL));
        NIL(sgm_tape_tangent_gradient_of(tape, NULL));
        NIL(sgm_tape_make(NULL, "mine", NULL, 2, 2, NULL, NULL, NULL)); NIL(sgm_tape_run(NULL, NULL));
        NIL(sgm_tape_run(tape, NULL)); NIL(sgm_tape_floats(tape, NULL)); NIL(sgm_tape_floats(NULL, NULL));
        NIL(sgm_tape_make(tape, NULL, NULL, 2, 2, NULL, NULL, NULL));
        NIL(sgm_tape_give(NULL, NULL, SGM_ADJOINT_D, NULL, x)); NIL(sgm_tape_give(tape, NULL, SGM_ADJOINT_D, NULL, x));
        NIL(sgm_tape_give(tape, sgm_tape_input(tape, NULL, 2, 2), 5, NULL, NULL));
        NIL(sgm_tape_tangent(tape)); NIL(sgm_tape_backward(tape));
        FAILS(sgm_tape_tangent(NULL)); FAILS(sgm_tape_backward(NULL)); FAILS(sgm_tape_status(NULL));
        sgm_tensor *a = sgm_tape_input(tape, NULL, 2, 4); /* and no tape, with a tensor of another */
        NIL(sgm_linear(NULL, a, 3)); NIL(sgm_concat(NULL, a, a)); NIL(sgm_add(NULL, a, a)); NIL(sgm_mul(NULL, a, a));
        NIL(sgm_repeat(NULL, a, 3)); NIL(sgm_dropout(NULL, a, 0.5f)); NIL(sgm_mul_by(NULL, a, 1)); NIL(sgm_layer_norm(NULL, a));
        NIL(sgm_silu(NULL, a)); NIL(sgm_time_circle(NULL, a)); NIL(sgm_conv2d(NULL, a, 2, 2, 2, 3, 1));
        NIL(sgm_attention(NULL, a, a, a, 1, 1)); NIL(sgm_transpose(NULL, a, 2)); NIL(sgm_self_attention(NULL, a, 1, 1));
        NIL(sgm_group_norm(NULL, a, 2, 2, 1, SGM_NORM_OWN, NULL, NULL)); NIL(sgm_modulate(NULL, a, a, a));
        NIL(sgm_add_gated(NULL, a, a, a)); NIL(sgm_gate(NULL, a, a)); NIL(sgm_patchify(NULL, a, 2, 2, 1));
        NIL(sgm_unpatchify(NULL, a, 2, 2, 1)); NIL(sgm_tape_watch(NULL, a)); NIL(sgm_tape_run(NULL, a));
        NIL(sgm_tape_tangent_of(NULL, a)); NIL(sgm_tape_gradient_of(NULL, a)); NIL(sgm_tape_floats(NULL, a));
        NIL(sgm_tape_refuse(NULL, "no")); NIL(sgm_param(NULL, 2, 2, 1)); NIL(sgm_tape_watch(NULL, NULL));
        sgm_tape_free(tape);
    }
    NIL(sgm_progress_init(NULL, "x", 3)); NIL(sgm_progress_step(NULL, 1, 0, 0)); NIL(sgm_progress_done(NULL));

    /* 5, 6, 7 */
    FAILS(sgm_time_grid(NULL, 3, SGM_GRID_AUTO, &sde, 1, 0.1));
    FAILS(sgm_time_grid(p, 3, SGM_GRID_AUTO, NULL, 1, 0.1));
    FAILS(sgm_time_grid(p, 3, SGM_GRID_AUTO, &sde, NAN, 0.1));
    FAILS(sgm_time_grid(p, 3, SGM_GRID_AUTO, &sde, 1, NAN));
    FAILS(sgm_sample(NULL, N, &exact, NULL, key)); FAILS(sgm_sample(y, N, NULL, NULL, key));
    FAILS(sgm_sample(y, 0, &exact, NULL, key));
    FAILS(sgm_sampler_init(NULL, &exact, N, NULL, key));
    FAILS(sgm_sampler_init(&sampler, NULL, N, NULL, key));
    FAILS(sgm_sampler_step(&sampler, y)); FAILS(sgm_sampler_step(NULL, y));
    NIL(sgm_sampler_prior(&sampler, y)); NIL(sgm_sampler_done(&sampler));
    NIL(sgm_sampler_done(NULL)); NIL(sgm_sampler_prior(NULL, y)); NIL(sgm_sampler_free(&sampler));
    if (!sgm_sampler_init(&sampler, &exact, N, NULL, key)) { FAILS(sgm_sampler_step(&sampler, NULL)); NIL(sgm_sampler_prior(&sampler, NULL)); }
    NIL(sgm_sampler_free(&sampler)); FAILS(sgm_sampler_step(&sampler, y));
    FAILS(sgm_langevin_run(NULL, N, &exact, &lo, NULL, key));
    FAILS(sgm_langevin_run(y, N, NULL, &lo, NULL, key));
    FAILS(sgm_langevin_run(y, N, &exact, NULL, NULL, key));
    FAILS(sgm_langevin_init(NULL, &exact, N, &lo, key));
    FAILS(sgm_langevin_init(&walk, &exact, N, NULL, key)); FAILS(sgm_langevin_step(&walk, y));
    FAILS(sgm_langevin_step(NULL, y));
    NIL(sgm_langevin_free(&walk)); FAILS(sgm_anneal(NULL, N, &exact, &ao, key));
    FAILS(sgm_anneal(y, N, NULL, &ao, key));
    FAILS(sgm_anneal(y, N, &exact, NULL, key)); FAILS(sgm_anneal(y, N, &exact, &ao, key));
    NIL(sgm_autocorrelation_time(NULL, 5)); NIL(sgm_effective_size(NULL, 5));
    NIL(sgm_mode_weights(p, NULL, 5, D, x, 2));
    NIL(sgm_mode_weights(p, x, 5, D, NULL, 2)); NIL(sgm_mode_weights(NULL, x, 5, D, x, 2));
    FAILS(sgm_flow(NULL, N, &exact, 0.1, 0.9, NULL, NULL)); FAILS(sgm_flow(y, N, NULL, 0.1, 0.9, NULL, NULL));
    FAILS(sgm_flow(y, N, &exact, NAN, 0.9, NULL, NULL)); FAILS(sgm_flow(y, N, &exact, 0.1, 2, NULL, NULL));
    NIL(sgm_interpolate(NULL, x, x, 0.5, 2, D)); NIL(sgm_interpolate(y, NULL, x, 0.5, 2, D));
    NIL(sgm_interpolate(y, x, NULL, 0.5, 2, D));
    FAILS(sgm_likelihood(NULL, NULL, NULL, x, N, &exact, NULL, NULL, key));
    FAILS(sgm_likelihood(p, NULL, NULL, NULL, N, &exact, NULL, NULL, key));
    FAILS(sgm_likelihood(p, NULL, NULL, x, N, NULL, NULL, NULL, key));
    FAILS(sgm_likelihood(p, NULL, NULL, x, 0, &exact, NULL, NULL, key));
    FAILS(sgm_likelihood_bound(NULL, NULL, x, N, &exact, NULL, NULL, key));
    FAILS(sgm_likelihood_bound(p, NULL, NULL, N, &exact, NULL, NULL, key));
    FAILS(sgm_likelihood_bound(p, NULL, x, N, NULL, NULL, NULL, key));
    FAILS(sgm_likelihood_bound(p, NULL, x, 0, &exact, NULL, NULL, key));
    FAILS(sgm_sample_likelihood(NULL, p, NULL, N, &exact, NULL, NULL, key));
    FAILS(sgm_sample_likelihood(y, NULL, NULL, N, &exact, NULL, NULL, key));
    FAILS(sgm_sample_likelihood(y, p, NULL, N, NULL, NULL, NULL, key));

    /* 8 */
    FAILS(sgm_one_hot(NULL, label, N, 2)); FAILS(sgm_one_hot(probs_f, NULL, N, 2));
    FAILS(sgm_one_hot(probs_f, label, N, 0));
    FAILS(sgm_condition_init(NULL, &model, SGM_RAW, x, N));
    FAILS(sgm_condition_init(&told, NULL, SGM_RAW, x, N));
    FAILS(sgm_condition_init(&told, &model, SGM_RAW, x, N)); NIL(empty = sgm_condition_score(&told));
    FAILS(sgm_score_eval(&empty, y, x, t, N));
    NIL(empty = sgm_condition_score(NULL)); FAILS(sgm_classifier_init(NULL, &sorter, SGM_RAW, label, N));
    FAILS(sgm_classifier_init(&sort, NULL, SGM_RAW, label, N));
    FAILS(sgm_classifier_init(&sort, &sorter, SGM_RAW, NULL, N));
    FAILS(sgm_classifier_init(&sort, &model, SGM_RAW, label, N)); NIL(empty = sgm_classifier_score(&sort));
    NIL(empty = sgm_classifier_score(NULL));
    FAILS(sgm_classifier_probs(NULL, SGM_RAW, p, x, t, N));
    FAILS(sgm_classifier_probs(&sorter, SGM_RAW, NULL, x, t, N));
    FAILS(sgm_classifier_probs(&sorter, SGM_RAW, p, NULL, t, N));
    FAILS(sgm_classifier_probs(&sorter, SGM_RAW, p, x, NULL, N));
    FAILS(sgm_guided_init(NULL, &exact, &exact, 0, 1)); FAILS(sgm_guided_init(&guided, NULL, &exact, 0, 1));
    FAILS(sgm_guided_init(&guided, &exact, NULL, 0, 1));
    FAILS(sgm_guided_init(&guided, &exact, &empty, 0, 1));
    NIL(empty = sgm_guided_score(&guided)); FAILS(sgm_score_eval(&empty, y, x, t, N));
    NIL(empty = sgm_guided_score(NULL));
    FAILS(sgm_inverse_init(NULL, D, 1, A, target, 0));
    FAILS(sgm_inverse_init(&empty_problem, D, 1, NULL, target, 0));
    FAILS(sgm_inverse_init(&empty_problem, D, 1, A, NULL, 0));
    FAILS(sgm_inverse_init(&empty_problem, D, 3, A, target, 0));
    NIL(sgm_inverse_free(&empty_problem)); FAILS(sgm_posterior_init(NULL, &exact, &problem, 1));
    FAILS(sgm_posterior_init(&posterior, NULL, &problem, 1));
    FAILS(sgm_posterior_init(&posterior, &exact, NULL, 1));
    FAILS(sgm_posterior_init(&posterior, &exact, &empty_problem, 1));
    NIL(empty = sgm_posterior_score(&posterior));
    FAILS(sgm_score_eval(&empty, y, x, t, N)); NIL(sgm_posterior_free(&posterior));
    NIL(empty = sgm_posterior_score(NULL));
    FAILS(sgm_inverse_sample(NULL, N, &exact, &problem, NULL, key));
    FAILS(sgm_inverse_sample(y, N, NULL, &problem, NULL, key));
    FAILS(sgm_inverse_sample(y, N, &exact, NULL, NULL, key));
    FAILS(sgm_inverse_sample(y, N, &exact, &empty_problem, NULL, key));
    FAILS(sgm_smc(NULL, NULL, N, &exact, &problem, NULL, NULL, key));
    FAILS(sgm_smc(y, NULL, N, NULL, &problem, NULL, NULL, key));
    FAILS(sgm_smc(y, NULL, N, &exact, NULL, NULL, NULL, key));
    FAILS(sgm_smc(y, NULL, N, &exact, &empty_problem, NULL, NULL, key));
    FAILS(sgm_mixture_posterior(NULL, &mix, &problem));
    FAILS(sgm_mixture_posterior(&empty_mix, NULL, &problem));
    FAILS(sgm_mixture_posterior(&empty_mix, &mix, NULL));

    /* 9 */
    NIL(sgm_data_ring(NULL, 8)); NIL(sgm_data_moons(NULL, 8, 0.1, key)); NIL(sgm_data_ring(x, -1));
    NIL(sgm_data_gaussians(x, N, 0, 1, 1, key));
    FAILS(sgm_scaler_init(NULL, x, N, D)); FAILS(sgm_scaler_init(&empty_scaler, NULL, N, D));
    FAILS(sgm_scaler_init(&empty_scaler, x, 0, D)); FAILS(sgm_scaler_init_channels(NULL, x, N, D, 1));
    FAILS(sgm_scaler_init_channels(&empty_scaler, x, N, D, 0));
    NIL(sgm_scaler_apply(NULL, y, x, 2)); NIL(sgm_scaler_apply(&empty_scaler, y, x, 2));
    NIL(sgm_scaler_undo(&empty_scaler, y, x, 2));
    NIL(sgm_scaler_apply(&scaler, NULL, x, 2)); NIL(sgm_scaler_log_det(NULL));
    NIL(sgm_scaler_log_det(&empty_scaler)); NIL(sgm_scaler_free(&empty_scaler));
    NIL(sgm_sliced_w2(NULL, 3, x, 3, D, 5, key)); NIL(sgm_energy_distance(NULL, 3, x, 3, D));
    NIL(sgm_mmd2(x, 3, NULL, 3, D, 0));
    FAILS(sgm_fisher(NULL, &s, &exact, &exact, x, 0.5, N));
    FAILS(sgm_fisher(&m, &s, NULL, &exact, x, 0.5, N));
    FAILS(sgm_fisher(&m, &s, &exact, &exact, NULL, 0.5, N));
    FAILS(sgm_dequantise(NULL, 3, 256, key)); FAILS(sgm_dequantise(y, 3, 0, key));
    NIL(sgm_frechet(NULL, 3, x, 3, D));
    FAILS(sgm_precision_recall(&m, &s, NULL, 3, x, 3, D, 1));
    FAILS(sgm_nearest(NULL, p, NULL, 3, x, 3, D, 1));

    /* C */
    FAILS(sgm_archive_save(NULL, NULL, 0, NULL, 0)); FAILS(sgm_archive_load(NULL, "x"));
    FAILS(sgm_archive_load(&archive, NULL));
    NIL(sgm_archive_free(&archive)); NIL(sgm_archive_find(&archive, "x"));
    NIL(sgm_archive_find(&archive, NULL)); NIL(sgm_archive_meta(&archive, "x"));
    FAILS(sgm_dat_save(NULL, "h", x, 2, 2)); FAILS(sgm_dat_save("out/tests/null.dat", "h", NULL, 2, 2));
    FAILS(sgm_idx_load(NULL, "x")); FAILS(sgm_idx_load(&images, NULL));
    FAILS(sgm_cifar_load(&images, NULL)); FAILS(sgm_npy_load(&images, NULL));
    FAILS(sgm_csv_load(&images, NULL, NULL)); FAILS(sgm_csv_load(NULL, "x", NULL));
    NIL(sgm_images_free(&images));
    sgm_table rows, none_rows = {0};
    sgm_table_options wish = {.n_drop = 1};
    FAILS(sgm_table_load(NULL, "x", NULL)); FAILS(sgm_table_load(&rows, NULL, NULL)); NIL(sgm_table_free(&rows));
    FAILS(sgm_table_load(&rows, "x", &wish)); wish.n_drop = 0, wish.n_kinds = 1; FAILS(sgm_table_load(&rows, "x", &wish));
    wish.n_kinds = 0, wish.like = &none_rows; FAILS(sgm_table_load(&rows, "x", &wish));
    FAILS(sgm_table_save(NULL, &rows)); FAILS(sgm_table_save("out/tests/null.csv", NULL)); FAILS(sgm_table_save("out/tests/null.csv", &none_rows));
    FAILS(sgm_table_init(NULL, &rows, 1)); FAILS(sgm_table_init(&rows, NULL, 1)); FAILS(sgm_table_init(&rows, &none_rows, 1)); NIL(sgm_table_free(NULL));
    sgm_fitted unfit = {0};
    double number = 0;
    FAILS(sgm_fitted_given(NULL, &number, NULL, 1, &number, NULL, key)); FAILS(sgm_fitted_given(&unfit, &number, NULL, 1, NULL, NULL, key));
    FAILS(sgm_fitted_impute(NULL, &number, NULL, &number, 1, SGM_IMPUTE_DRAW, key)); FAILS(sgm_fitted_impute(&unfit, NULL, NULL, NULL, 1, SGM_IMPUTE_MEAN, key));
    FAILS(sgm_fitted_anomaly(NULL, NULL, NULL, NULL, 1, key)); FAILS(sgm_fitted_anomaly(&unfit, &number, NULL, NULL, 1, key));
    NIL(sgm_fitted_cells(NULL, 0, 3)); NIL(sgm_fitted_cells(&unfit, 0, 3));
    FAILS(sgm_fitted_marginal(NULL, NULL, NULL, NULL, 3, 0, NULL, 1)); FAILS(sgm_fitted_pair(&unfit, NULL, 3, 0, 3, 1, NULL, 1));
    sgm_model_options read = {.sde = sgm_sde_vp(0.1, 20)};
    sgm_ddpm table;
    sgm_model fresh;
    double times[3];
    FAILS(sgm_diffusers_unet(NULL, "tests/data/diffusers_plain", &read)); FAILS(sgm_diffusers_unet(&fresh, NULL, &read));
    FAILS(sgm_diffusers_unet(&fresh, "tests/data/diffusers_plain", NULL)); NIL(sgm_diffusers_net(NULL, NULL));
    FAILS(sgm_ddpm_init(NULL, NULL, 10)); FAILS(sgm_ddpm_init(&table, NULL, 0)); NIL(sgm_ddpm_free(&table)); NIL(sgm_ddpm_free(NULL));
    NIL(sgm_ddpm_sde(NULL)); FAILS(sgm_ddpm_times(NULL, 2, SGM_SPACING_LEADING, 10)); FAILS(sgm_ddpm_times(times, 0, SGM_SPACING_LEADING, 10));
    FAILS(sgm_pnm_save(NULL, x, 1, 2, 2, 1, 1));
    FAILS(sgm_pnm_save("out/tests/null.pgm", NULL, 1, 2, 2, 1, 1));
    FAILS(sgm_png_grid("out/tests/null.png", x, 1, 2, 2, 1, 1, NULL));
    FAILS(sgm_png_grid(NULL, x, 1, 2, 2, 1, 1, no_png));

    printf("nulls: %ld calls, %ld crashes, %ld without an error\n", calls, crashes, silent);
    return crashes + silent > 0;
}
