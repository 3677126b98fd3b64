/*
Prints one hash of everything that floats through the library: random numbers, trainings of every
objective and optimiser in batches of one piece and of many, samples by every method, tangents,
likelihoods, and image networks, each with enough rows for five threads to share.
tests/samebits.sh compares it over compilers, optimisation levels, instruction sets and numbers of
threads, and with what is stored in tests/data/samebits.txt.

    samebits [threads [parts]]

`parts` prints a line for each part too, so that one sees which of them differs.
*/

#define SGM_IMPLEMENTATION
#include "../sgm.h"

static const uint64_t basis = 14695981039346656037ULL;
static uint64_t hash = 14695981039346656037ULL, total = 14695981039346656037ULL;
static int show_parts;

static uint64_t fnv(uint64_t h, const void *data, size_t bytes) { /* FNV-1a */
    const unsigned char *p = (const unsigned char *)data;
    for (size_t i = 0; i < bytes; i++) h = (h ^ p[i]) * 1099511628211ULL;
    return h;
}

static void feed(const void *data, size_t bytes) { hash = fnv(hash, data, bytes); }
static void feed_floats(const float *x, size_t n) { feed(x, n * sizeof *x); }

static void part_done(const char *name) {
    if (show_parts) printf("%016llx %s\n", (unsigned long long)hash, name);
    for (int i = 0; i < 8; i++) { /* the same on machines of either byte order */
        unsigned char byte = (unsigned char)(hash >> 8 * i);
        total = fnv(total, &byte, 1);
    }
    hash = basis;
}

static void must(sgm_status status) {
    if (status == SGM_OK) return;
    printf("error: %s\n", sgm_error());
    exit(1);
}

static float *floats(size_t n) {
    float *x = (float *)malloc(n * sizeof *x);
    if (!x) printf("error: no memory\n"), exit(1);
    return x;
}

static float *normals(size_t n, uint64_t key) {
    float *x = floats(n);
    sgm_normal(x, n, sgm_key_init(key), 0);
    return x;
}

static void random_numbers(void) {
    enum { N = 20011 };
    float *x = normals(N, 1);
    feed_floats(x, N);
    sgm_normal(x, 997, sgm_key_init(2), 12345678901ULL); /* from an odd place on */
    feed_floats(x, 997);
    sgm_uniform(x, N, sgm_key_init(3), 5);
    feed_floats(x, N);
    free(x);
    part_done("random numbers");
}

/* Every operation of a plain network that has a fast form. */
static sgm_tensor *wide(sgm_tape *t, const sgm_net_in *in) {
    sgm_tensor *learned = sgm_time_learned(t, in->log_sigma, 9);
    sgm_tensor *x = sgm_concat(t, sgm_time_circle(t, in->t), in->x);
    sgm_tensor *h = sgm_relu(t, sgm_linear(t, sgm_concat(t, learned, x), 256));
    h = sgm_dropout(t, sgm_layer_norm(t, sgm_gelu(t, sgm_linear(t, h, 256))), 0.1f);
    h = sgm_add(t, h, sgm_tanh(t, sgm_linear(t, h, 256)));
    sgm_tensor *gate = sgm_softplus(t, sgm_linear(t, h, 37));
    h = sgm_mul(t, sgm_silu(t, sgm_linear(t, h, 37)), gate);
    return sgm_linear(t, h, in->x->cols);
}

/* Smooth, as the objectives with tangents ask. */
static sgm_tensor *narrow(sgm_tape *t, const sgm_net_in *in) {
    sgm_tensor *h = sgm_concat(t, sgm_time_learned(t, in->log_sigma, 8), in->x);
    h = sgm_tanh(t, sgm_linear(t, h, 40));
    h = sgm_silu(t, sgm_linear(t, h, 33));
    return sgm_linear(t, h, in->x->cols);
}

static void model_feed(const sgm_model *model) {
    feed_floats(model->params, model->n_params);
    for (int i = 0; i < model->o.n_ema; i++) feed_floats(model->ema[i], model->n_params);
}

/* `steps` steps on normal points, as many as a batch takes. */
static void train(sgm_model *model, const sgm_model_options *net, sgm_train_options *how) {
    float *data = normals((size_t)how->batch * (size_t)net->d, 6);
    how->held_out = -1;
    if (how->lr == 0) how->lr = 1e-3;
    must(sgm_model_init(model, net, sgm_key_init(7)));
    must(sgm_train(model, data, how->batch, how, sgm_key_init(8)));
    model_feed(model);
    free(data);
}

/* Batches of one piece, of several that are no multiple of anything, and several to a step. */
static void trainings(void) {
    static const char *const names[3] = { "training, batches of 8, clipped",
                                          "training, a batch of 803 on a ladder",
                                          "training, accumulated" };
    static const double ladder[4] = { 5, 1, 0.2, 0.04 };
    for (int i = 0; i < 3; i++) {
        sgm_model_options net;
        sgm_train_options how;
        sgm_model model;
        memset(&net, 0, sizeof net), memset(&how, 0, sizeof how);
        net.net = wide, net.d = 2, net.sde = sgm_sde_vp(0.001, 3), net.output = SGM_OUTPUT_V;
        net.n_ema = 2, how.ema[0] = 0.9;
        how.steps = i == 0 ? 12 : 1, how.batch = i == 0 ? 8 : i == 1 ? 803 : 101, how.clip = i != 2;
        how.cosine = 1, how.warmup = i == 0 ? 3 : 0, how.accumulate = i == 2 ? 2 : 1;
        how.loss.times = SGM_TIMES_IMPORTANCE, how.loss.weight = SGM_WEIGHT_G2;
        if (i == 1) {
            net.sde = sgm_sde_edm(0.01, 10), net.output = SGM_OUTPUT_EDM_F, net.sigma_data = .5;
            how.loss.weight = SGM_WEIGHT_EDM, how.loss.times = SGM_TIMES_GRID;
            how.loss.grid = ladder, how.loss.n_grid = 4;
        }
        train(&model, &net, &how);
        sgm_model_free(&model);
        part_done(names[i]);
    }
}

static void objectives(void) {
    static const char *const names[] = { "DSM", "ESM", "ISM", "SSM", "SSM_VR" };
    float centre[6] = { 0, 1, -2, 0.5f, 1, 1 };
    for (int kind = SGM_OBJECTIVE_DSM; kind <= SGM_OBJECTIVE_SSM_VR; kind++) {
        sgm_model_options net;
        sgm_train_options how;
        sgm_model model;
        sgm_mixture mix;
        sgm_score exact;
        memset(&net, 0, sizeof net), memset(&how, 0, sizeof how);
        net.net = narrow, net.d = 2, net.sde = sgm_sde_vp(0.1, 20), net.output = SGM_OUTPUT_SCORE;
        must(sgm_mixture_from_data(&mix, centre, 3, 2, &net.sde));
        exact = sgm_mixture_score(&mix);
        how.steps = 2, how.batch = 6007, how.clip = kind == SGM_OBJECTIVE_ISM;
        how.optimiser = (sgm_optimiser_kind)(kind % (SGM_OPTIMISER_SGD + 1));
        how.loss.objective = (sgm_objective)kind;
        if (kind == SGM_OBJECTIVE_ESM) how.loss.exact = &exact;
        train(&model, &net, &how);
        sgm_model_free(&model), sgm_mixture_free(&mix);
        part_done(names[kind]);
    }
}

/* Samples by every method, `most` of them by Heun's, of a score that is learned and of one that is
exact; and what is asked of a score: itself, its tangents, log-likelihoods. */
static void scores(const sgm_score *score, long n, long most, int steps, const char *samples,
                   const char *tangents, const char *particles) {
    float *x = floats((size_t)most * 2), *v = normals((size_t)n * 2, 4), *t = floats((size_t)n);
    float *s = floats((size_t)n * 2), *js = floats((size_t)n * 2);
    double *logp = (double *)malloc((size_t)n * sizeof *logp);
    for (int method = SGM_METHOD_EULER_MARUYAMA; method <= SGM_METHOD_DPMPP_3M; method++) {
        sgm_sample_options o;
        memset(&o, 0, sizeof o);
        o.steps = steps, o.method = (sgm_method)method, o.grid = SGM_GRID_UNIFORM;
        if (method == SGM_METHOD_RK45) o.rtol = o.atol = 1e-2, o.steps = 0, o.grid = SGM_GRID_AUTO;
        const long count = method == SGM_METHOD_HEUN ? most : n;
        must(sgm_sample(x, count, score, &o, sgm_key_init(3)));
        feed_floats(x, (size_t)count * 2);
    }
    part_done(samples);
    sgm_uniform(t, (size_t)n, sgm_key_init(13), 0); /* no arithmetic here: flags may change it */
    must(sgm_score_jvp(score, s, js, x, v, t, n));
    feed_floats(s, (size_t)n * 2), feed_floats(js, (size_t)n * 2);
    for (int probes = 0; probes < 3; probes += 2) {
        sgm_likelihood_options o;
        memset(&o, 0, sizeof o);
        o.probes = probes, o.unchecked = 1, o.solve.rtol = o.solve.atol = 1e-2;
        must(sgm_likelihood(logp, NULL, x, v, n, score, &o, NULL, sgm_key_init(9)));
        feed(logp, (size_t)n * sizeof *logp), feed_floats(x, (size_t)n * 2);
    }
    double measured[2];
    measured[0] = sgm_sliced_w2(x, n, v, n, 2, 20, sgm_key_init(5));
    measured[1] = sgm_energy_distance(x, n, v, n, 2);
    feed(measured, sizeof measured);
    part_done(tangents);
    sgm_likelihood_options few;
    sgm_smc_options how;
    sgm_smc_result result;
    sgm_inverse problem;
    const float A[2] = {1, 0.5f}, y[1] = {0.25f};
    memset(&few, 0, sizeof few), memset(&how, 0, sizeof how);
    few.draws = 8, how.steps = steps;
    must(sgm_likelihood_bound(logp, NULL, v, n, score, &few, NULL, sgm_key_init(14)));
    must(sgm_inverse_init(&problem, 2, 1, A, y, 0.5));
    must(sgm_smc(x, NULL, n, score, &problem, &how, &result, sgm_key_init(15)));
    feed(logp, (size_t)n * sizeof *logp), feed_floats(x, (size_t)n * 2);
    feed(&result.log_evidence, sizeof result.log_evidence);
    sgm_inverse_free(&problem);
    part_done(particles);
    free(x), free(v), free(t), free(s), free(js), free(logp);
}

static void learned_and_exact(void) {
    float points[16];
    sgm_mixture mix;
    sgm_model_options net;
    sgm_train_options how;
    sgm_model model;
    memset(&net, 0, sizeof net), memset(&how, 0, sizeof how);
    net.net = narrow, net.d = 2, net.sde = sgm_sde_vp(0.1, 8), net.output = SGM_OUTPUT_EDM_F;
    how.steps = 50, how.batch = 64;
    train(&model, &net, &how);
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    scores(&score, 517, 9001, 5, "samples, learned", "tangents and likelihoods, learned",
           "bounds and particles, learned");
    sgm_data_ring(points, 8);
    must(sgm_mixture_from_data(&mix, points, 8, 2, &net.sde));
    score = sgm_mixture_score(&mix);
    scores(&score, 101, 333, 7, "samples, exact", "tangents and likelihoods, exact",
           "bounds and particles, exact");
    sgm_mixture_free(&mix), sgm_model_free(&model);
}

/* Two steps each, and scores of another number of images. */
static void images(void) {
    static const struct {
        const char *name;
        sgm_net net;
        int side, width, depth, patch, batch;
    } all[] = { { "U-Net", sgm_unet, 12, 16, 2, 0, 21 }, { "DiT", sgm_dit, 8, 32, 2, 2, 61 },
                { "mixer", sgm_mixer, 8, 32, 2, 2, 61 } };
    for (int i = 0; i < 3; i++) {
        int d = all[i].side * all[i].side, n = all[i].batch / 2;
        sgm_image_net about;
        sgm_model_options net;
        sgm_train_options how;
        sgm_model model;
        memset(&about, 0, sizeof about), memset(&net, 0, sizeof net), memset(&how, 0, sizeof how);
        about.h = about.w = all[i].side, about.width = all[i].width, about.depth = all[i].depth;
        about.patch = all[i].patch;
        net.net = all[i].net, net.user = &about, net.d = d, net.sde = sgm_sde_vp(0.1, 20);
        net.output = SGM_OUTPUT_NOISE, how.steps = 2, how.batch = all[i].batch, how.clip = 1;
        train(&model, &net, &how);
        float *x = normals((size_t)n * (size_t)d, 10), *s = floats((size_t)n * (size_t)d);
        float *t = floats((size_t)n);
        sgm_score score = sgm_model_score(&model, SGM_RAW);
        sgm_uniform(t, (size_t)n, sgm_key_init(11), 0);
        must(sgm_score_eval(&score, s, x, t, n));
        feed_floats(s, (size_t)n * (size_t)d);
        sgm_model_free(&model);
        free(x), free(s), free(t);
        part_done(all[i].name);
    }
}

int main(int argc, char **argv) {
    must(sgm_set_threads(argc > 1 ? atoi(argv[1]) : 0));
    show_parts = argc > 2;
    random_numbers();
    trainings();
    objectives();
    learned_and_exact();
    images();
    printf("%016llx%s\n", (unsigned long long)total, show_parts ? " all" : "");
    return 0;
}
