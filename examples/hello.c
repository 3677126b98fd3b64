#define SGM_IMPLEMENTATION
#include "sgm.h"

int main(void) {
    float points[8 * 2], samples[1000 * 2];
    sgm_data_ring(points, 8);
    sgm_model_options net = {.net = sgm_mlp, .d = 2, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
    sgm_train_options run = {.steps = 4000, .cosine = 1, .progress = "training"};
    sgm_model model;
    if (sgm_model_init(&model, &net, sgm_key_init(1)) ||
        sgm_train(&model, points, 8, &run, sgm_key_init(2)))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    sgm_score score = sgm_model_score(&model, 0);
    if (sgm_sample(samples, 1000, &score, NULL, sgm_key_init(3)))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    for (int i = 0; i < 1000; i++) printf("%g %g\n", samples[2 * i], samples[2 * i + 1]);
    sgm_model_free(&model);
    return 0;
}
