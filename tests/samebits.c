/*
Prints one hash of everything that floats through the library: a model trained with dropout, layer norm and clipping, its
averages, samples by all three methods, tangents, and the exact score; a ladder whose points share their times, and a U-Net, each with
enough points for threads to share the work. tests/samebits.sh compares it over compilers, optimisation levels,
instruction sets and numbers of threads.

    samebits [steps] [samples] [sampling steps]
*/

#define SGM_IMPLEMENTATION
#include "../sgm.h"

static uint64_t hash = 14695981039346656037ULL;

static void feed(const void *data, size_t bytes) { /* FNV-1a */
    const unsigned char *p = (const unsigned char *)data;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ p[i]) * 1099511628211ULL;
}

static void must(sgm_status status) {
    if (status == SGM_OK) return;
    printf("error: %s\n", sgm_error());
    exit(1);
}

static sgm_tensor *network(sgm_tape *t, const sgm_net_in *in) {
    sgm_tensor *learned = sgm_time_learned(t, in->log_sigma, 9);
    sgm_tensor *x = sgm_concat(t, sgm_time_circle(t, in->t), in->x);
    sgm_tensor *h = sgm_relu(t, sgm_linear(t, sgm_concat(t, learned, x), 256));
    h = sgm_dropout(t, sgm_layer_norm(t, sgm_gelu(t, sgm_linear(t, h, 256))), 0.1f);
    h = sgm_add(t, h, sgm_tanh(t, sgm_linear(t, h, 256)));
    sgm_tensor *gate = sgm_softplus(t, sgm_linear(t, h, 37));
    h = sgm_mul(t, sgm_silu(t, sgm_linear(t, h, 37)), gate);
    return sgm_linear(t, h, in->x->cols);
}

/* A few steps of another kind. */
static void train_few(sgm_net net, void *user, int d, int batch, const double *grid, int n_grid) {
    float *data = (float *)malloc((size_t)batch * (size_t)d * sizeof *data);
    sgm_model_options o;
    sgm_train_options how;
    sgm_model model;
    memset(&o, 0, sizeof o), memset(&how, 0, sizeof how);
    sgm_normal(data, (size_t)batch * (size_t)d, sgm_key_init(6), 0);
    o.net = net, o.user = user, o.d = d, o.sde = sgm_sde_edm(0.01, 10), o.output = SGM_OUTPUT_EDM_F;
    o.sigma_data = 0.5;
    how.steps = 2, how.batch = batch, how.clip = 1, how.loss.weight = SGM_WEIGHT_EDM;
    how.loss.times = grid ? SGM_TIMES_GRID : SGM_TIMES_LOGNORMAL;
    how.loss.grid = grid, how.loss.n_grid = n_grid, how.loss.mean = -1.2, how.loss.std = 1.2;
    how.lr = 1e-3;
    must(sgm_model_init(&model, &o, sgm_key_init(7)));
    must(sgm_train(&model, data, batch, &how, sgm_key_init(8)));
    feed(model.params, model.n_params * sizeof(float));
    sgm_model_free(&model);
    free(data);
}

int main(int argc, char **argv) {
    long steps = argc > 1 ? atol(argv[1]) : 200, n = argc > 2 ? atol(argv[2]) : 100;
    int walk = argc > 3 ? atoi(argv[3]) : 50;
    float points[16];
    sgm_data_ring(points, 8);
    sgm_model_options net;
    sgm_train_options how;
    sgm_model model;
    memset(&net, 0, sizeof net), memset(&how, 0, sizeof how);
    net.net = network, net.d = 2, net.sde = sgm_sde_vp(0.001, 3), net.output = SGM_OUTPUT_V, net.n_ema = 2;
    how.steps = steps, how.batch = 8, how.cosine = 1, how.warmup = 3, how.clip = 1, how.ema[0] = 0.9;
    how.lr = 1e-3;
    how.loss.times = SGM_TIMES_IMPORTANCE, how.loss.weight = SGM_WEIGHT_G2;
    must(sgm_model_init(&model, &net, sgm_key_init(1)));
    must(sgm_train(&model, points, 8, &how, sgm_key_init(2)));
    feed(model.params, model.n_params * sizeof(float));
    for (int i = 0; i < 2; i++) feed(model.ema[i], model.n_params * sizeof(float));

    float *x = (float *)malloc((size_t)n * 8), *v = (float *)malloc((size_t)n * 8);
    float *s = (float *)malloc((size_t)n * 8), *js = (float *)malloc((size_t)n * 8);
    float *t = (float *)malloc((size_t)n * 4);
    sgm_mixture mix;
    must(sgm_mixture_from_data(&mix, points, 8, 2, &net.sde));
    sgm_score learned = sgm_model_score(&model, 0), exact = sgm_mixture_score(&mix);
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_ANCESTRAL; method++) {
        sgm_sample_options o;
        memset(&o, 0, sizeof o);
        o.steps = walk, o.method = (sgm_method)method, o.grid = SGM_GRID_UNIFORM;
        const sgm_score *score = method == SGM_METHOD_EULER_MARUYAMA ? &learned : &exact;
        must(sgm_sample(x, n, score, &o, sgm_key_init(3)));
        feed(x, (size_t)n * 8);
    }
    sgm_normal(v, (size_t)n * 2, sgm_key_init(4), 0);
    for (long i = 0; i < n; i++) t[i] = (float)(i + 1) / (float)n;
    must(sgm_score_jvp(&learned, s, js, x, v, t, n));
    feed(s, (size_t)n * 8), feed(js, (size_t)n * 8);
    must(sgm_score_jvp(&exact, s, js, x, v, t, n));
    feed(s, (size_t)n * 8), feed(js, (size_t)n * 8);
    double measured[2];
    measured[0] = sgm_sliced_w2(x, n, v, n, 2, 20, sgm_key_init(5));
    measured[1] = sgm_energy_distance(x, n, v, n, 2);
    feed(measured, sizeof measured);
    static const double ladder[4] = {5, 1, 0.2, 0.04};
    sgm_image_net unet;
    memset(&unet, 0, sizeof unet), unet.h = unet.w = 12, unet.width = 16, unet.depth = 2;
    train_few(network, NULL, 2, 320, ladder, 4);
    train_few(sgm_unet, &unet, 144, 48, NULL, 0);
    printf("%016llx\n", (unsigned long long)hash);
    sgm_mixture_free(&mix);
    sgm_model_free(&model);
    free(x), free(v), free(s), free(js), free(t);
    return 0;
}
