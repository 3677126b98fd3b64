/*
Eight threads, one model: for who serves samples and log densities to many at once. What is const is
shared without a lock; a request's key is its number, so no answer depends on who gives it, or when.

    cc -O2 -pthread -I. examples/gallery/service.c -o service -lm && ./service
*/
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#define SGM_IMPLEMENTATION
#include "sgm.h"
enum { THREADS = 8, REQUESTS = 40, POINTS = 10, D = 2 };

typedef struct answer {
    float x[POINTS * D];
    double logp[POINTS]; /* of odd requests */
    sgm_status status;
    char error[200]; /* sgm_error() is its thread's */
} answer;
static sgm_model model;
static answer answers[REQUESTS], alone[REQUESTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of: */
static int next;

static void handle(int request, answer *a) {
    const sgm_score score = sgm_model_score(&model, 0);
    const sgm_sample_options how = {.method = SGM_METHOD_DPMPP_2M, .steps = 10};
    sgm_likelihood_options likely = {.solve = {.method = SGM_METHOD_HEUN, .steps = 10}};
    const sgm_key key = sgm_key_split(sgm_key_init(7), request);
    a->status = sgm_sample(a->x, POINTS, &score, &how, key);
    if (!a->status && request % 2)
        a->status = sgm_likelihood(a->logp, NULL, NULL, a->x, POINTS, &score, &likely, NULL, key);
    if (a->status) snprintf(a->error, sizeof a->error, "%s", sgm_error());
}
static void *worker(void *unused) {
    for (;;) {
        pthread_mutex_lock(&lock);
        int request = next++;
        pthread_mutex_unlock(&lock);
        if (request >= REQUESTS) return unused;
        handle(request, &answers[request]);
    }
}
int main(void) {
    static float data[4000 * D];
    pthread_t thread[THREADS];
    sgm_model_options net = {.net = sgm_mlp, .d = D, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
    sgm_train_options run = {.steps = 100, .batch = 64, .cosine = 1};
    sgm_data_moons(data, 4000, 0.05, sgm_key_init(1));
    if (sgm_model_init(&model, &net, sgm_key_init(2)) ||
        sgm_train(&model, data, 4000, &run, sgm_key_init(3))) return puts(sgm_error()), 1;
    for (int i = 0; i < REQUESTS; i++) handle(i, &alone[i]);
    for (int i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, worker, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    int other = !!memcmp(answers, alone, sizeof alone), bad = 0;
    for (int i = 0; i < REQUESTS; i++) bad += answers[i].status != SGM_OK;
    printf("%d threads: %s bits as one, %d failed\n", THREADS, other ? "OTHER" : "the same", bad);
    return other || bad;
}
