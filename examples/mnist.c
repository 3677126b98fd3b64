/*
From MNIST's two files, or any others of their format, to a grid of new digits and a saved model.
Proof 22 explains the network, and shows how to judge what comes out.

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

enum { SAMPLES = 100, CLASSES = 10 };

static void must(sgm_status status) {
    if (status == SGM_OK) return;
    fprintf(stderr, "error: %s\n", sgm_error());
    exit(1);
}

/* A U-Net on squares of 2 by 2 pixels as channels, beside four that each label paints. */

static sgm_tensor *net(sgm_tape *tape, const sgm_net_in *in) {
    const sgm_image_net *o = (const sgm_image_net *)in->user;
    sgm_net_in squares = *in;
    sgm_tensor *x = sgm_patchify(tape, in->x, 2 * o->h, 2 * o->w, 2);
    x = sgm_unpatchify(tape, x, o->h, o->w, 1);
    sgm_tensor *label = sgm_concat(tape, in->cond, in->known);
    label = sgm_linear(tape, label, 4 * o->h * o->w);
    squares.x = sgm_concat_channels(tape, x, label, o->h, o->w);
    x = sgm_unet(tape, &squares);
    x = sgm_conv2d(tape, x, o->h, o->w, o->channels - 4, 1, 1);
    x = sgm_patchify(tape, x, o->h, o->w, 1);
    return sgm_unpatchify(tape, x, 2 * o->h, 2 * o->w, 2);
}

int main(int argc, char **argv) {
    sgm_images digits, names;
    if (argc < 3) return fprintf(stderr, "usage: mnist images labels [steps]\n"), 1;
    must(sgm_idx_load(&digits, argv[1]));
    must(sgm_idx_load(&names, argv[2]));
    if (!digits.x || !names.label || digits.n != names.n || digits.h % 4 || digits.w % 4)
        return fprintf(stderr, "error: the first file needs images of a height and width that 4 "
                               "divides, the second a label for each\n"), 1;

    long n = digits.n, d = digits.d, rows = n > SAMPLES ? n : SAMPLES;
    double mean = 0, square = 0;
    for (long i = 0; i < n * d; i++) mean += digits.x[i], square += digits.x[i] * digits.x[i];
    mean /= (double)(n * d);
    double std = sqrt(square / (double)(n * d) - mean * mean);
    for (long i = 0; i < n * d; i++) digits.x[i] = (float)((digits.x[i] - mean) / std);
    float *cond = (float *)malloc((size_t)(rows * CLASSES) * sizeof *cond);
    float *x = (float *)malloc((size_t)(SAMPLES * d) * sizeof *x);
    if (!cond || !x) return fprintf(stderr, "error: no memory for %ld labels\n", n), 1;
    must(sgm_one_hot(cond, names.label, n, CLASSES));

    sgm_image_net small = {.h = digits.h / 2, .w = digits.w / 2, .depth = 2, .width = 32,
                           .channels = 4 * digits.channels + 4};
    sgm_model_options what = {.net = net, .user = &small, .d = digits.d, .sde = sgm_sde_cosine(),
                              .output = SGM_OUTPUT_EDM_F, .sigma_data = 1, .n_ema = 1, .cond = CLASSES};
    sgm_train_options how = {.steps = argc > 3 ? atol(argv[3]) : 4000, .batch = 32, .lr = 2e-3,
                             .cosine = 1, .clip = 1, .cond = cond, .cond_dropout = .15,
                             .ema = {.998}, .progress = "training",
                             .loss = {.weight = SGM_WEIGHT_EDM, .sigma_data = 1, .mean = -.3,
                                      .std = 1.4, .times = SGM_TIMES_LOGNORMAL,
                                      .scale = 1. / digits.d}};
    sgm_model model;
    what.sde.t_min = .005, what.sde.T = .98;
    must(sgm_model_init(&model, &what, sgm_key_init(1)));
    must(sgm_train(&model, digits.x, n, &how, sgm_key_init(2)));
    must(sgm_model_save(&model, "mnist.safetensors"));

    int label[SAMPLES];
    sgm_condition told;
    sgm_guided guided;
    for (int i = 0; i < SAMPLES; i++) label[i] = i % CLASSES;
    must(sgm_one_hot(cond, label, SAMPLES, CLASSES));
    must(sgm_condition_init(&told, &model, 0, cond, SAMPLES));
    sgm_score plain = sgm_model_score(&model, 0), given = sgm_condition_score(&told);
    must(sgm_guided_init(&guided, &plain, &given, 0, 1.5));
    sgm_score score = sgm_guided_score(&guided);
    sgm_sample_options steps = {.method = SGM_METHOD_DPMPP_2M, .steps = 20, .grid = SGM_GRID_LOGSNR,
                                .progress = "sampling"};
    must(sgm_sample(x, SAMPLES, &score, &steps, sgm_key_init(3)));
    for (long i = 0; i < SAMPLES * d; i++) x[i] = (float)(mean + std * x[i]);
#ifdef HAS_PNG
    must(sgm_png_grid("mnist.png", x, SAMPLES, digits.h, digits.w, digits.channels, 10,
                      stbi_write_png));
#else
    must(sgm_pnm_save("mnist.pgm", x, SAMPLES, digits.h, digits.w, digits.channels, 10));
#endif
    sgm_model_free(&model);
    sgm_images_free(&digits), sgm_images_free(&names);
    free(cond), free(x);
    return 0;
}
