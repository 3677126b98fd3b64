/*
The film at the top of README.md: hello's model with a look at it after each step. 400 points start
as noise, and the learnt score takes them to the eight points that the model was trained on. Prints
frames: a line with the noise that is left, a line "x y" for each point, two empty lines. `make
film` draws them by plots/readme_circle.gp.
*/

#define SGM_IMPLEMENTATION
#include "sgm.h"

#include <stdio.h>

enum { N = 400, FRAMES = 40 };

/* `on_step` sees the points as they are at time t. The grid is one of equal ratios of signal to
noise, so that equal numbers of steps halve the noise equally often. */

static void frame(long step, double t, const float *x, long n, void *user) {
    (void)step;
    printf("%.3f\n", sgm_sde_s((const sgm_sde *)user, t));
    for (long i = 0; i < n; i++) printf("%.3f %.3f\n", x[2 * i], x[2 * i + 1]);
    printf("\n\n");
}

int main(void) {
    float points[8 * 2], samples[N * 2];
    sgm_data_ring(points, 8);
    sgm_model_options net = {.net = sgm_mlp, .d = 2, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
    sgm_train_options run = {.steps = 4000, .cosine = 1, .progress = "training"};
    sgm_sample_options how = {.method = SGM_METHOD_ANCESTRAL, .steps = FRAMES, .on_step = frame};
    sgm_model model;
    if (sgm_model_init(&model, &net, sgm_key_init(1)) ||
        sgm_train(&model, points, 8, &run, sgm_key_init(2)))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    sgm_score score = sgm_model_score(&model, 0);
    how.user = &net.sde;
    if (sgm_sample(samples, N, &score, &how, sgm_key_init(3)))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    sgm_model_free(&model);
    return 0;
}
