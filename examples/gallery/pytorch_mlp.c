/*
Weights of a PyTorch network into a network of your own: for who trains in Python, and wants
samples, log densities or conditions from C. pytorch_mlp.py trains it and writes the file.
    cc -O2 -fopenmp -I. examples/gallery/pytorch_mlp.c -o pytorch_mlp -lm
    ./pytorch_mlp examples/gallery/pytorch_mlp.safetensors
*/
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define SGM_IMPLEMENTATION
#include "sgm.h"
enum { N = 2000 };
static sgm_tensor *denoiser(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_concat(tape, in->x, sgm_mul_by(tape, in->log_sigma, 0.25f));
    h = sgm_silu(tape, sgm_linear(tape, h, 64));
    for (int i = 0; i < 2; i++) h = sgm_add(tape, h, sgm_silu(tape, sgm_linear(tape, h, 64)));
    return sgm_linear(tape, h, in->out);
}
static const sgm_array *find(const sgm_archive *file, const char *name) {
    const sgm_array *a = sgm_archive_find(file, name);
    return a ? a : (fprintf(stderr, "the file has no %s\n", name), exit(1), a);
}
/* PyTorch's weight is (out,in), ours (in,out), with the bias behind it, layer after layer. */
static float *layer(float *to, const sgm_archive *file, const char *weight, const char *bias) {
    const sgm_array *w = find(file, weight), *b = find(file, bias);
    for (long i = 0; i < w->cols * w->rows; i++)
        *to++ = w->data[i % w->rows * w->cols + i / w->rows];
    return memcpy(to, b->data, (size_t)b->rows * sizeof *to), to + b->rows;
}

int main(int argc, char **argv) {
    static float s[N * 2];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_model_options o = {.net = denoiser, .d = 2, .sde = sde, .output = SGM_OUTPUT_NOISE};
    sgm_sample_options how = {.method = SGM_METHOD_DPMPP_2M, .steps = 30};
    sgm_archive file;
    sgm_model model;
    if (argc < 2 || sgm_archive_load(&file, argv[1]) || sgm_model_init(&model, &o, sgm_key_init(1)))
        return fprintf(stderr, "pytorch_mlp FILE: %s\n", sgm_error()), 1;
    float *to = layer(model.params, &file, "first.weight", "first.bias");
    to = layer(to, &file, "second.weight", "second.bias");
    to = layer(to, &file, "third.weight", "third.bias");
    to = layer(to, &file, "last.weight", "last.bias");
    const sgm_array *x = find(&file, "test.x"), *t = find(&file, "test.t");
    const float *says = find(&file, "test.says")->data;
    sgm_score score = sgm_model_score(&model, SGM_RAW); /* of output NOISE it is -noise/s */
    if (to != model.params + model.n_params || x->rows > N ||
        sgm_score_eval(&score, s, x->data, t->data, x->rows)) return puts(sgm_error()), 1;
    double most = 0, limit = 4 * 65 / 16777216., near = 0; /* layers, products in a sum, 2^-24 */
    for (long i = 0; i < 2 * x->rows; i++)
        most = fmax(most, fabs(-sgm_sde_s(&sde, t->data[i / 2]) * s[i] - says[i]));
    if (sgm_sample(s, N, &score, &how, sgm_key_init(2))) return puts(sgm_error()), 1;
    for (float *p = s; p < s + 2 * N; p += 2) /* the ring: radius 1, angles of 45 degrees */
        near += hypot(hypot(p[0], p[1]) - 1, sin(4 * atan2(p[1], p[0])) / 4) < 0.15;
    printf("largest difference to PyTorch %.1e, at most %.1e; ", most, limit);
    printf("%.1f %% of %d samples within .15 of the ring's points\n", 100 * near / N, (int)N);
    sgm_archive_free(&file), sgm_model_free(&model);
    return !(most <= limit && near > .95 * N);
}
