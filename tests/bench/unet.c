/*
The ready U-Net (§3.15) at work: 28 × 28 images, batch 64, 735 329 parameters. A line per
job: name, value, unit, setting, separated by tabs. peer_torch.py has the same network.

    cc -O2 tests/bench/unet.c -lm -o unet && ./unet [--seconds S]

The rates are images per second of *processor* time with one thread, which a busy machine changes
less than the clock on the wall; with more threads, of the wall clock.
*/
#define SGM_IMPLEMENTATION
#include "../../sgm.h"

#include <time.h>

enum { SIDE = 28, D = SIDE * SIDE, BATCH = 64, SLICES = 5 };

static double now(void) {
    return sgm_threads() == 1 ? (double)clock() / CLOCKS_PER_SEC : sgm_seconds();
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check(sgm_status status) {
    if (status == SGM_OK) return;
    fprintf(stderr, "unet: %s\n", sgm_error());
    exit(1);
}

typedef struct job {
    sgm_model model;
    sgm_trainer trainer;
    sgm_score score;
    float x[BATCH * D], s[BATCH * D], t[BATCH];
} job;

static void train(job *j) { check(sgm_trainer_step(&j->trainer)); }
static void forward(job *j) { check(sgm_score_eval(&j->score, j->s, j->x, j->t, BATCH)); }

/* Calls per second: the median of five slices, after a warm-up of two calls. */
static double rate(void (*run)(job *), job *j, double seconds) {
    double rates[SLICES];
    run(j), run(j);
    for (int i = 0; i < SLICES; i++) {
        double start = now(), calls = 0;
        do run(j), calls++;
        while (now() - start < seconds / SLICES);
        rates[i] = calls / (now() - start);
    }
    qsort(rates, SLICES, sizeof rates[0], ascending);
    return rates[SLICES / 2];
}

int main(int argc, char **argv) {
    static job j;
    double seconds = argc > 2 ? atof(argv[2]) : 10;
    sgm_model_options net;
    sgm_train_options run;
    memset(&net, 0, sizeof net), memset(&run, 0, sizeof run);
    net.net = sgm_unet, net.d = D, net.sde = sgm_sde_vp(0.1, 20), net.output = SGM_OUTPUT_NOISE;
    run.steps = 1000000, run.batch = BATCH, run.lr = 1e-3, run.held_out = -1;
    check(sgm_model_init(&j.model, &net, sgm_key_init(1)));
    sgm_normal(j.x, BATCH * D, sgm_key_init(2), 0);
    sgm_uniform(j.t, BATCH, sgm_key_init(3), 0);
    check(sgm_trainer_init(&j.trainer, &j.model, j.x, BATCH, &run, sgm_key_init(4)));
    j.score = sgm_model_score(&j.model, SGM_RAW);
    printf("unet_train\t%.5g\timages/s\t%zu parameters, batch %d, %s, %d thread(s)\n",
           BATCH * rate(train, &j, seconds), j.model.n_params, BATCH, sgm_isa(), sgm_threads());
    fflush(stdout);
    printf("unet_forward\t%.5g\timages/s\tscores of %d images at a time\n",
           BATCH * rate(forward, &j, seconds / 2), BATCH);
    sgm_trainer_free(&j.trainer);
    sgm_model_free(&j.model);
    return 0;
}
