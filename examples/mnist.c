/*
From MNIST's two files, or any others of their format, to a grid of new digits and a saved model.
Tutorial 12 shows how to judge what comes out.

    cc -O2 -fopenmp -I. examples/mnist.c -o mnist -lm
    ./mnist train-images-idx3-ubyte train-labels-idx1-ubyte [steps]
*/

#define SGM_IMPLEMENTATION
#include "sgm.h"

#ifdef __has_include
#if __has_include(<stb/stb_image_write.h>) /* Debian: libstb-dev. Without: a PGM, not a PNG */
#define HAS_PNG
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#endif
#endif

static void must(sgm_status status) {
    if (status == SGM_OK) return;
    fprintf(stderr, "error: %s\n", sgm_error());
    exit(1);
}

int main(int argc, char **argv) {
    enum { SAMPLES = 100, CLASSES = 10 };
    sgm_images digits, names;
    if (argc < 3) return fprintf(stderr, "usage: mnist images labels [steps]\n"), 1;
    must(sgm_idx_load(&digits, argv[1]));
    must(sgm_idx_load(&names, argv[2]));
    if (!digits.x || !names.label || digits.n != names.n)
        return fprintf(stderr, "error: the first file needs images, the second a label for each\n"), 1;

    long size = digits.n * digits.d, rows = digits.n > SAMPLES ? digits.n : SAMPLES;
    for (long i = 0; i < size; i++) digits.x[i] = 2 * digits.x[i] - 1;
    float *cond = (float *)malloc((size_t)(rows * CLASSES) * sizeof *cond);
    float *x = (float *)malloc((size_t)(SAMPLES * digits.d) * sizeof *x);
    if (!cond || !x) return fprintf(stderr, "error: no memory for %ld labels\n", digits.n), 1;
    must(sgm_one_hot(cond, names.label, digits.n, CLASSES));

    sgm_image_net net = {.h = digits.h, .w = digits.w, .channels = digits.channels, .width = 16};
    sgm_model_options what = {.net = sgm_unet, .user = &net, .d = digits.d, .sde = sgm_sde_cosine(),
                              .output = SGM_V, .n_ema = 1, .cond = CLASSES};
    sgm_train_options how = {.steps = argc > 3 ? atol(argv[3]) : 3000, .batch = 32, .lr = 2e-3,
                             .cosine = 1, .clip = 1, .cond = cond, .cond_dropout = .1,
                             .progress = "training", .loss = {.scale = 1. / digits.d}};
    sgm_model model;
    must(sgm_model_init(&model, &what, sgm_key_init(1)));
    must(sgm_train(&model, digits.x, digits.n, &how, sgm_key_init(2)));
    must(sgm_model_save(&model, "mnist.safetensors"));

    sgm_sample_options steps = {.method = SGM_DPMPP_2M, .steps = 30, .grid = SGM_GRID_LOGSNR,
                                .progress = "sampling"};
    int label[SAMPLES];
    sgm_condition told;
    for (int i = 0; i < SAMPLES; i++) label[i] = i % CLASSES;
    must(sgm_one_hot(cond, label, SAMPLES, CLASSES));
    must(sgm_condition_init(&told, &model, 0, cond, SAMPLES));
    sgm_score score = sgm_condition_score(&told);
    must(sgm_sample(x, SAMPLES, &score, &what.sde, &steps, sgm_key_init(3)));
    for (long i = 0; i < SAMPLES * (long)digits.d; i++) x[i] = (x[i] + 1) / 2;
#ifdef HAS_PNG
    must(sgm_png_grid("mnist.png", x, SAMPLES, digits.h, digits.w, digits.channels, 10,
                      stbi_write_png));
#else
    must(sgm_pnm_save("mnist.pgm", x, SAMPLES, digits.h, digits.w, digits.channels, 10));
#endif
    sgm_model_free(&model), sgm_images_free(&digits), sgm_images_free(&names);
    free(cond), free(x);
    return 0;
}
