/*
Your own network is one C function. This one has a separate branch for the time, joins the two by multiplication and ends
with a skip connection; it is trained on two moons, saved, loaded into a fresh model and sampled.

    cc -O2 -fopenmp -I. examples/own_network.c -o own_network -lm && ./own_network
*/

#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sgm_tensor *gated(sgm_tape *t, const sgm_net_in *in) {
    int width = *(const int *)in->user;
    sgm_tensor *time = sgm_time_learned(t, in->log_sigma, 32);
    sgm_tensor *gate = sgm_sigmoid(t, sgm_linear(t, time, width));
    sgm_tensor *h = sgm_silu(t, sgm_linear(t, in->x, width));
    for (int i = 0; i < 3; i++) {
        sgm_tensor *step = sgm_silu(t, sgm_linear(t, sgm_layer_norm(t, h), width));
        h = sgm_add(t, h, sgm_mul(t, step, gate));
    }
    return sgm_linear_zero(t, h, in->x->cols); /* starts as 0: D = c_skip x at first (2.10) */
}

static int failed(sgm_status status) {
    if (status != SGM_OK) fprintf(stderr, "error: %s\n", sgm_error());
    return status != SGM_OK;
}

int main(int argc, char **argv) {
    enum { N = 20000, M = 2000 };
    static float data[N * 2], fresh[M * 2], samples[M * 2];
    const char *path = argc > 1 ? argv[1] : "moons.safetensors";
    int width = 128;
    sgm_data_moons(data, N, 0.05, sgm_key_init(1));
    sgm_data_moons(fresh, M, 0.05, sgm_key_init(2));

    sgm_model_options net = {.net = gated, .user = &width, .d = 2, .sde = sgm_sde_edm(0.002, 20),
                             .output = SGM_OUTPUT_EDM_F, .sigma_data = 0.7, .n_ema = 1};
    sgm_train_options run = {.steps = 2000, .batch = 256, .lr = 2e-3, .cosine = 1, .clip = 1, .progress = "training",
                             .loss = {.weight = SGM_WEIGHT_EDM, .times = SGM_TIMES_LOGNORMAL}};
    sgm_model model, again;
    if (failed(sgm_model_init(&model, &net, sgm_key_init(3)))) return 1;
    printf("%zu parameters\n", model.n_params);
    if (failed(sgm_train(&model, data, N, &run, sgm_key_init(4))) || failed(sgm_model_save(&model, path)) ||
        failed(sgm_model_init(&again, &net, sgm_key_init(5))) || failed(sgm_model_load(&again, path)))
        return 1;

    sgm_score score = sgm_model_score(&again, 0);
    sgm_sample_options how = {.method = SGM_METHOD_ANCESTRAL, .steps = 100, .grid = SGM_GRID_EDM};
    if (failed(sgm_sample(samples, M, &score, &how, sgm_key_init(6)))) return 1;
    printf("saved to %s; energy distance of %d samples to fresh data: %.5f\n", path, (int)M,
           sgm_energy_distance(samples, M, fresh, M, 2));
    printf("and of two fresh data sets: %.5f\n", sgm_energy_distance(data, M, fresh, M, 2));
    sgm_model_free(&model);
    sgm_model_free(&again);
    return 0;
}
