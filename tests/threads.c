/*
What is const may be shared: 2 to 8 POSIX threads ask one mixture, model, condition, classifier, guided score and measurement
at once, and get the bits that one thread gets. `make threads` runs this under ThreadSanitizer; with an argument, on 2 and 8 threads.

    cc -std=c99 -g -O1 -fsanitize=thread -pthread -I. tests/threads.c -o threads -lm && ./threads
*/

#define _POSIX_C_SOURCE 200809L
#define SGM_IMPLEMENTATION
#include "../sgm.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 60, D = 2, C = 3, JOBS = 12, MOST = 8, OUT = 4 * N * D };

static sgm_mixture mixture, wide;
static sgm_model model, classifier, energy;
static sgm_condition condition;
static sgm_classifier labels;
static sgm_guided guided;
static sgm_inverse problem;
static sgm_posterior posterior;
static float cond[N * C], x[N * D], t[N];
static int label[N];

static void must(sgm_status status, const char *what) {
    if (status == SGM_OK) return;
    fprintf(stderr, "threads: %s: %s\n", what, sgm_error());
    exit(2);
}

static const char *const names[JOBS] = {"mixture", "mixture of 500 points in 16 dimensions", "model", "condition per point",
    "classifier", "energy's log p", "guided", "PiGDM", "samples", "likelihood", "inverse samples", "dsm"};

/* Job `which` with its own results in out; all it shares is const. */
static void job(int which, float *out) {
    double p[N];
    sgm_score score = sgm_mixture_score(&mixture);
    sgm_loss loss;
    sgm_sample_options how;
    sgm_likelihood_options likely;
    sgm_inverse_options inverse;
    sgm_dsm_result dsm;
    memset(&loss, 0, sizeof loss), memset(&how, 0, sizeof how), memset(&likely, 0, sizeof likely);
    memset(&inverse, 0, sizeof inverse);
    how.steps = 6;
    if (which == 1) score = sgm_mixture_score(&wide);
    if (which == 2 || which == 8 || which == 11) score = sgm_model_score(&model, 0);
    if (which == 3 || which == 9) score = sgm_condition_score(&condition);
    if (which == 4) score = sgm_classifier_score(&labels);
    if (which == 5) score = sgm_model_score(&energy, SGM_RAW);
    if (which == 6) score = sgm_guided_score(&guided);
    if (which == 7) score = sgm_posterior_score(&posterior);
    switch (which) {
    case 1: { /* points in 16 dimensions, of the same numbers */
        float y[16 * 4], at[4];
        for (int i = 0; i < 64; i++) y[i] = x[i];
        for (int i = 0; i < 4; i++) at[i] = 0.3f;
        must(sgm_score_eval(&score, out, y, at, 4), names[which]);
        break;
    }
    case 0: case 2: case 3: case 4: case 6:
        must(sgm_score_jvp(&score, out, out + N * D, x, x, t, N), names[which]);
        must(sgm_score_vjp(&score, out + 2 * N * D, out + 3 * N * D, x, x, t, N), names[which]);
        break;
    case 5:
        must(sgm_score_logp(&score, p, x, t, N), names[which]);
        for (int i = 0; i < N; i++) out[i] = (float)p[i];
        break;
    case 7: must(sgm_score_eval(&score, out, x, t, N), names[which]); break;
    case 8: must(sgm_sample(out, N, &score, &how, sgm_key_init(3)), names[which]); break;
    case 9:
        likely.solve.method = SGM_METHOD_HEUN, likely.solve.steps = 5;
        must(sgm_likelihood(p, NULL, NULL, x, N, &score, &likely, NULL, sgm_key_init(4)), names[which]);
        for (int i = 0; i < N; i++) out[i] = (float)p[i];
        break;
    case 10:
        inverse.sample.steps = 5;
        must(sgm_inverse_sample(out, N, &score, &problem, &inverse, sgm_key_init(5)), names[which]);
        break;
    default:
        must(sgm_dsm(&dsm, &score, NULL, x, N, &loss, 300, sgm_key_init(6)), names[which]);
        out[0] = (float)dsm.loss, out[1] = (float)dsm.loss_se;
    }
}

typedef struct task {
    int number, wrong;
    float out[OUT];
} task;
static float alone[JOBS][OUT];

static void *work(void *arg) {
    task *w = (task *)arg;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < JOBS; i++) {
            int which = (i + w->number) % JOBS; /* each begins elsewhere, so all meet all */
            memset(w->out, 0, sizeof w->out);
            job(which, w->out);
            w->wrong += memcmp(w->out, alone[which], sizeof w->out) != 0;
        }
    return NULL;
}

static void make(void) {
    double mean[4] = {-1, 0, 1, 0.5}, var[2] = {0.1, 0.2};
    static float points[500 * 16];
    sgm_model_options o;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    float A[2] = {1, 0}, y[1] = {0.4f};
    must(sgm_mixture_init(&mixture, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, &sde), "mixture");
    sgm_normal(points, 500 * 16, sgm_key_init(1), 0);
    must(sgm_mixture_from_data(&wide, points, 500, 16, &sde), "points");
    sgm_normal(x, N * D, sgm_key_init(2), 0), sgm_normal(cond, N * C, sgm_key_init(3), 0);
    for (int i = 0; i < N; i++) t[i] = 0.1f + 0.01f * (float)i, label[i] = i % 4;
    memset(&o, 0, sizeof o);
    o.net = sgm_mlp, o.d = D, o.sde = sde, o.n_ema = 1, o.cond = C;
    must(sgm_model_init(&model, &o, sgm_key_init(4)), "model");
    o.cond = 0, o.classes = 4, o.n_ema = 0;
    must(sgm_model_init(&classifier, &o, sgm_key_init(5)), "classifier");
    o.classes = 0, o.energy = 1;
    must(sgm_model_init(&energy, &o, sgm_key_init(6)), "energy");
    must(sgm_condition_init(&condition, &model, 0, cond, N), "condition");
    must(sgm_classifier_init(&labels, &classifier, SGM_RAW, label, N), "labels");
    sgm_score plain = sgm_model_score(&model, 0), given = sgm_condition_score(&condition);
    must(sgm_guided_init(&guided, &plain, &given, 0, 2), "guided");
    must(sgm_inverse_init(&problem, D, 1, A, y, 0.1), "inverse");
    sgm_score prior = sgm_mixture_score(&mixture);
    must(sgm_posterior_init(&posterior, &prior, &problem, 0.5), "posterior");
}

int main(int argc, char **argv) {
    static task tasks[MOST];
    int wrong = 0, runs = 0;
    pthread_t thread[MOST];
    (void)argv;
    for (int n = 2; n <= MOST; n += argc > 1 ? MOST - 2 : n < 4 ? 1 : 2) { /* everything made anew: the first calls meet, too */
        make();
        if (n == 2)
            for (int i = 0; i < JOBS; i++) job(i, alone[i]);
        for (int i = 0; i < n; i++) {
            tasks[i].number = i, tasks[i].wrong = 0;
            if (pthread_create(&thread[i], NULL, work, &tasks[i])) return fprintf(stderr, "threads: none to be had\n"), 2;
        }
        for (int i = 0; i < n; i++) pthread_join(thread[i], NULL), wrong += tasks[i].wrong, runs += 3 * JOBS;
        sgm_mixture_free(&mixture), sgm_mixture_free(&wide), sgm_model_free(&model), sgm_model_free(&classifier);
        sgm_model_free(&energy), sgm_inverse_free(&problem), sgm_posterior_free(&posterior);
    }
    printf("threads: %d results of %d jobs on up to %d threads, %d differ from one thread's\n", runs, JOBS, MOST, wrong);
    return wrong > 0;
}
