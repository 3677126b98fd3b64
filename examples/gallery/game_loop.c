/*
A sprite a frame, in a fixed number of steps and without malloc: for a game, a plotter, a robot.
A network learns the left halves of invaders when the program starts; the loop draws new ones.

    cc -O2 -I. examples/gallery/game_loop.c -o game_loop -lm && ./game_loop strip.pgm
*/
#include <stdio.h>
#include <stdlib.h>
static long allocations, before;
static void *counted(void *old, size_t n) { return allocations++, realloc(old, n); }
#define SGM_MALLOC(n) counted(NULL, n)
#define SGM_REALLOC(p, n) counted(p, n)
#define SGM_FREE(p) free(p)
#define SGM_IMPLEMENTATION
#include "sgm.h"
enum { SIDE = 8, WIDE = SIDE / 2, HALF = SIDE * WIDE, SEEN = 2000, FRAMES = 60, STEPS = 12 };

static void must(sgm_status s) { if (s) fprintf(stderr, "%s\n", sgm_error()), exit(1); }
static void invader(float *half, sgm_key key) { /* pixels of ±1 that hang together */
    float u[HALF];
    sgm_uniform(u, HALF, key, 0);
    for (int i = 0; i < HALF; i++) {
        float chance = (i >= WIDE && half[i - WIDE] > 0 ? .4f : .1f) + (i % WIDE == 3 ? .5f : 0);
        half[i] = u[i] < chance ? 1 : -1;
    }
}
static void show(const float *half, FILE *strip) { /* mirrored */
    for (int i = 0, x = 0; i < SIDE * SIDE; x = ++i % SIDE) {
        int lit = half[i / SIDE * WIDE + (x < WIDE ? x : SIDE - 1 - x)] > 0;
        printf("%s%s", lit ? "##" : "  ", x == SIDE - 1 ? "\n" : "");
        if (strip) fputc(lit ? 255 : 0, strip);
    }
}

int main(int argc, char **argv) {
    static float seen[SEEN * HALF], x[HALF];
    sgm_model model;
    sgm_sampler sampler;
    sgm_model_options net = {.net = sgm_mlp, .d = HALF, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
    sgm_sample_options how = {.method = SGM_METHOD_DPMPP_2M, .steps = STEPS};
    sgm_train_options run = {.steps = 1000, .cosine = 1};
    FILE *strip = argc > 1 ? fopen(argv[1], "wb") : NULL;
    for (int i = 0; i < SEEN; i++) invader(seen + i * HALF, sgm_key_split(sgm_key_init(1), i));
    must(sgm_set_threads(1)); /* the other cores are the game's */
    must(sgm_model_init(&model, &net, sgm_key_init(2)));
    must(sgm_train(&model, seen, SEEN, &run, sgm_key_init(3)));
    sgm_score score = sgm_model_score(&model, 0);
    must(sgm_sampler_init(&sampler, &score, 1, &how, sgm_key_init(4)));
    if (strip) fprintf(strip, "P5 %d %d 255\n", SIDE, SIDE * (FRAMES + 1));
    for (int frame = 0; frame <= FRAMES; frame++) { /* in 0, while it loads, it finds its memory */
        if (frame == 1) before = allocations;
        sgm_sampler_reset(&sampler, sgm_key_split(sgm_key_init(5), frame));
        sgm_sampler_prior(&sampler, x);
        for (int step = 0; step < STEPS; step++) must(sgm_sampler_step(&sampler, x));
        show(x, strip), printf("\033[%dA", frame < FRAMES ? SIDE : 0); /* back up */
    }
    printf("%ld allocations before %d frames, %ld in them\n", before, FRAMES, allocations - before);
    return !before || allocations != before || (strip && fclose(strip));
}
