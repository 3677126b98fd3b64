/*
Every field of every option struct at odd values, one at a time and in pairs: the answer is an error that says something, or
SGM_OK and finite numbers. Never a crash, never memory beyond a bound, never a wait. `make settings` builds it with
AddressSanitizer and UBSan, and runs all pairs; `make test` runs single fields and every 17th pair.

    out/settings [every]     every: take each so-many-th pair, 0 none
*/

static void *bounded(unsigned long n);
static void *bounded_again(void *p, unsigned long n);
#ifndef SGM_OPEN /* else it is compiled already (open.pl), and asks for the three below */
#define SGM_MALLOC(n) bounded(n)
#define SGM_REALLOC(p, n) bounded_again(p, n)
#define SGM_FREE(p) free(p)
#endif
#include <stdlib.h>
#define SGM_IMPLEMENTATION
#include "../sgm.h"
#include <time.h>

#define MOST (64ul << 20)
static void *bounded(unsigned long n) { return n > MOST ? NULL : malloc(n); }
static void *bounded_again(void *p, unsigned long n) { return n > MOST ? NULL : realloc(p, n); }
#ifdef SGM_OPEN
void *open_malloc(size_t n) { return bounded(n); }
void *open_realloc(void *p, size_t n) { return bounded_again(p, n); }
#endif

typedef enum kind { INT, LONG, REAL, FLOAT, ENUM, POINTER, FEW, LFEW } kind; /* FEW: it counts work, LFEW: as a long */
typedef struct field {
    const char *name;
    size_t at;
    kind is;
    int last; /* of an enum */
} field;

#define F(type, name, is) {#type "." #name, offsetof(type, name), is, 0}
#define E(type, name, last) {#type "." #name, offsetof(type, name), ENUM, last}

static const double reals[] = {-1, 0, 1, 0.5, 1e-3, 1e-30, -1e-300, 1e308, NAN, HUGE_VAL, -HUGE_VAL, 37};
static const int ints[] = {-1, 0, 1, 2, 3, INT_MAX, INT_MIN, 65536, 4};
static const int few[] = {-1, 0, 1, 2, 3, 12, INT_MIN};
enum { N_REALS = 12, N_INTS = 9, N_FEW = 7 };

static int values(const field *f) {
    return f->is == REAL || f->is == FLOAT ? N_REALS : f->is == INT || f->is == LONG ? N_INTS
        : f->is == FEW || f->is == LFEW ? N_FEW : f->is == ENUM ? f->last + 4 : 1;
}

static void set(void *where, const field *f, int v) {
    char *p = (char *)where + f->at;
    long l = f->is == LONG ? (ints[v] == INT_MAX ? LONG_MAX : ints[v]) : f->is == LFEW ? few[v] : 0;
    int i = f->is == INT ? ints[v] : f->is == FEW ? few[v] : f->is == ENUM ? (v == f->last + 3 ? 1000000 : v - 1) : 0;
    float r = f->is == FLOAT ? (float)reals[v] : 0;
    if (f->is == INT || f->is == FEW || f->is == ENUM) memcpy(p, &i, sizeof i);
    if (f->is == LONG || f->is == LFEW) memcpy(p, &l, sizeof l);
    if (f->is == REAL) memcpy(p, &reals[v], sizeof reals[v]);
    if (f->is == FLOAT) memcpy(p, &r, sizeof r);
    if (f->is == POINTER) memset(p, 0, sizeof(void *));
}

/* --- what is run with a struct: status, and 1 in *sound if all that came out is finite ------------------------------ */

enum { N = 40, D = 2 };
static sgm_sde vp;
static sgm_mixture mix;
static sgm_score exact;
static float data[N * D], cond[N * 3], at[N];
static int label[N];
static sgm_inverse problem;

static int finite_floats(const float *x, long n) { return sgm__first_bad(x, (size_t)n) < 0; }

static double line_beta(double t, void *user) { (void)user; return t + 5 * t * t; }

static sgm_status run_sde(void *s, int *sound) {
    sgm_sde *sde = (sgm_sde *)s;
    sgm_status status = sgm_sde_check(sde);
    if (status != SGM_OK) return status;
    double mean[1] = {0}, var[1] = {0.25};
    float x[N];
    sgm_mixture m;
    for (int i = 0; i <= 8; i++) {
        double t = sde->t_min + (sde->T - sde->t_min) * i / 8;
        double v = sgm_sde_m(sde, t) + sgm_sde_s(sde, t) + sgm_sde_f(sde, t);
        *sound &= fabs(v) < HUGE_VAL && sgm_sde_g2(sde, t) >= 0 && sgm_sde_s(sde, t) >= 0;
    }
    status = sgm_mixture_init(&m, 1, 1, NULL, mean, var, SGM_COV_ISOTROPIC, sde);
    if (status != SGM_OK) return status;
    sgm_score score = sgm_mixture_score(&m);
    status = sgm_sample(x, N, &score, NULL, sgm_key_init(1));
    if (status == SGM_OK) *sound &= finite_floats(x, N);
    sgm_mixture_free(&m);
    return status;
}

static sgm_status run_loss(void *s, int *sound) {
    sgm_loss *loss = (sgm_loss *)s;
    sgm_dsm_result r;
    double mean = 0, se = 0;
    sgm_status status = sgm_dsm(&r, &exact, &exact, data, N, loss, 50, sgm_key_init(1));
    if (status != SGM_OK) return status;
    *sound &= fabs(r.loss) < HUGE_VAL && r.excess == 0;
    status = sgm_objective_value(&mean, &se, &exact, data, N, loss, 50, sgm_key_init(1));
    if (status == SGM_OK) *sound &= fabs(mean) < HUGE_VAL;
    return status;
}

static sgm_status run_model(void *s, int *sound) {
    const sgm_model_options *o = (const sgm_model_options *)s;
    sgm_model model;
    float out[N * 4];
    sgm_status status = sgm_model_init(&model, o, sgm_key_init(1));
    if (status != SGM_OK) return status;
    if (model.o.d == D && !model.o.classes) {
        sgm_score score = sgm_model_score(&model, SGM_RAW);
        status = sgm_score_eval(&score, out, data, at, N);
        if (status == SGM_OK) *sound &= finite_floats(out, N * D);
    }
    sgm_model_free(&model);
    return status;
}

static sgm_status with_net(sgm_net net, void *user, int d, int *sound) {
    sgm_model_options o;
    sgm_model model;
    static float x[2 * 64], out[2 * 64];
    memset(&o, 0, sizeof o);
    o.net = net, o.user = user, o.d = d, o.sde = vp;
    sgm_status status = sgm_model_init(&model, &o, sgm_key_init(1));
    if (status != SGM_OK) return status;
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    status = sgm_score_eval(&score, out, x, at, 2);
    if (status == SGM_OK) *sound &= finite_floats(out, 2 * d);
    sgm_model_free(&model);
    return status;
}
static sgm_status run_mlp(void *s, int *sound) { return with_net(sgm_mlp, s, D, sound); }
static sgm_status run_residual(void *s, int *sound) { return with_net(sgm_residual_mlp, s, D, sound); }
static sgm_status run_resnet(void *s, int *sound) { return with_net(sgm_resnet, s, 64, sound); }
static sgm_status run_unet(void *s, int *sound) { return with_net(sgm_unet, s, 64, sound); }
static sgm_status run_mixer(void *s, int *sound) { return with_net(sgm_mixer, s, 64, sound); }
static sgm_status run_dit(void *s, int *sound) { return with_net(sgm_dit, s, 64, sound); }

static sgm_status run_train(void *s, int *sound) {
    const sgm_train_options *how = (const sgm_train_options *)s;
    sgm_model_options o;
    sgm_model model;
    sgm_mlp_options net = {8, 1, SGM_ACTIVATION_SILU, SGM_EMBEDDING_AUTO, 8, 0, 0, 0};
    memset(&o, 0, sizeof o);
    o.net = sgm_mlp, o.user = &net, o.d = D, o.sde = vp, o.n_ema = 1;
    sgm_status status = sgm_model_init(&model, &o, sgm_key_init(1));
    if (status != SGM_OK) return status;
    status = sgm_train(&model, data, N, how, sgm_key_init(2));
    if (status == SGM_OK)
        *sound &= finite_floats(model.params, (long)model.n_params) && finite_floats(model.ema[0], (long)model.n_params);
    sgm_optimiser by; /* what suits a training suits a loop of one's own */
    if (status == SGM_OK && sgm_optimiser_init(&by, model.params, model.n_params, model.ema, 1, how) != SGM_OK) *sound = 0;
    else if (status == SGM_OK) {
        sgm_normal(by.grads, by.n_params, sgm_key_init(3), 0);
        for (int k = 0; k < 2; k++) *sound &= sgm_optimiser_step(&by) == SGM_OK;
        *sound &= finite_floats(model.params, (long)model.n_params) && finite_floats(model.ema[0], (long)model.n_params);
        sgm_optimiser_free(&by);
    }
    sgm_model_free(&model);
    return status;
}

static sgm_status run_sample(void *s, int *sound) {
    float x[N * D];
    memcpy(x, data, sizeof x);
    sgm_status status = sgm_sample(x, N, &exact, (const sgm_sample_options *)s, sgm_key_init(1));
    if (status == SGM_OK) *sound &= finite_floats(x, N * D);
    return status;
}

static sgm_status run_flow(void *s, int *sound) {
    float x[N * D];
    memcpy(x, data, sizeof x);
    sgm_status status = sgm_flow(x, N, &exact, 0.1, 0.9, (const sgm_sample_options *)s, NULL);
    if (status == SGM_OK) *sound &= finite_floats(x, N * D);
    return status;
}

static sgm_status run_langevin(void *s, int *sound) {
    float x[N * D];
    memcpy(x, data, sizeof x);
    sgm_status status = sgm_langevin_run(x, N, &exact, (const sgm_langevin_options *)s, NULL, sgm_key_init(1));
    if (status == SGM_OK) *sound &= finite_floats(x, N * D);
    return status;
}

static sgm_status run_anneal(void *s, int *sound) {
    float x[N * D];
    sgm_status status = sgm_anneal(x, N, &exact, (const sgm_anneal_options *)s, sgm_key_init(1));
    if (status == SGM_OK) *sound &= finite_floats(x, N * D);
    return status;
}

static sgm_status run_likelihood(void *s, int *sound) {
    double logp[N];
    sgm_likelihood_result r;
    sgm_status status = sgm_likelihood(logp, NULL, NULL, data, N, &exact, (const sgm_likelihood_options *)s, &r, sgm_key_init(1));
    if (status != SGM_OK) return status;
    for (int i = 0; i < N; i++) *sound &= fabs(logp[i]) < HUGE_VAL;
    *sound &= fabs(r.nats) < HUGE_VAL && fabs(r.bits_per_dim) < HUGE_VAL;
    status = sgm_likelihood_bound(logp, NULL, data, N, &exact, (const sgm_likelihood_options *)s, &r, sgm_key_init(2));
    if (status == SGM_OK) *sound &= fabs(logp[0]) < HUGE_VAL && fabs(r.nats) < HUGE_VAL;
    return status;
}

static sgm_status run_inverse(void *s, int *sound) {
    float x[N * D];
    memcpy(x, data, sizeof x);
    sgm_status status = sgm_inverse_sample(x, N, &exact, &problem, (const sgm_inverse_options *)s, sgm_key_init(1));
    if (status == SGM_OK) *sound &= finite_floats(x, N * D);
    return status;
}

static sgm_status run_smc(void *s, int *sound) {
    float x[N * D];
    double weight[N];
    sgm_smc_result r;
    sgm_status status = sgm_smc(x, weight, N, &exact, &problem, (const sgm_smc_options *)s, &r, sgm_key_init(1));
    if (status != SGM_OK) return status;
    *sound &= finite_floats(x, N * D) && fabs(r.log_evidence) < HUGE_VAL && r.ess >= r.ess_least && r.ess_least >= 1;
    for (int i = 0; i < N; i++) *sound &= weight[i] >= 0 && weight[i] <= 1;
    return status;
}

/* --- the structs: a sound setting to start from, and their fields ------------------------------------------------ */

typedef struct suite {
    const char *name;
    sgm_status (*run)(void *, int *sound);
    size_t size;
    void *base;
    const field *fields;
    int n;
} suite;

static const field sde_fields[] = {E(sgm_sde, family, SGM_FAMILY_USER_SIGMA2), F(sgm_sde, a, REAL), F(sgm_sde, b, REAL),
    F(sgm_sde, t_min, REAL), F(sgm_sde, T, REAL), F(sgm_sde, curve, POINTER)};
static const field loss_fields[] = {E(sgm_loss, objective, SGM_OBJECTIVE_SSM_VR), F(sgm_loss, directions, FEW),
    E(sgm_loss, probe, SGM_PROBE_GAUSSIAN), F(sgm_loss, exact, POINTER), E(sgm_loss, weight, SGM_WEIGHT_USER),
    F(sgm_loss, min_snr, REAL), F(sgm_loss, sigma_data, REAL), F(sgm_loss, user_weight, POINTER),
    E(sgm_loss, times, SGM_TIMES_IMPORTANCE), F(sgm_loss, grid, POINTER), F(sgm_loss, n_grid, FEW), F(sgm_loss, mean, REAL),
    F(sgm_loss, std, REAL), F(sgm_loss, scale, REAL)};
static const field model_fields[] = {F(sgm_model_options, net, POINTER), F(sgm_model_options, user, POINTER),
    F(sgm_model_options, d, INT), E(sgm_model_options, sde.family, SGM_FAMILY_USER_SIGMA2), F(sgm_model_options, sde.T, REAL),
    E(sgm_model_options, output, SGM_OUTPUT_EDM_F), F(sgm_model_options, sigma_data, REAL), F(sgm_model_options, n_ema, INT),
    F(sgm_model_options, energy, INT), F(sgm_model_options, cond, INT), F(sgm_model_options, cond_image, INT),
    F(sgm_model_options, classes, INT)};
static const field mlp_fields[] = {F(sgm_mlp_options, width, INT), F(sgm_mlp_options, depth, FEW),
    E(sgm_mlp_options, activation, SGM_ACTIVATION_SIGMOID), E(sgm_mlp_options, embedding, SGM_EMBEDDING_LEARNED),
    F(sgm_mlp_options, embedding_width, INT), F(sgm_mlp_options, dropout, FLOAT),
    F(sgm_mlp_options, start, FLOAT), F(sgm_mlp_options, shortcut, INT)};
static const field image_fields[] = {F(sgm_image_net, h, INT), F(sgm_image_net, w, INT), F(sgm_image_net, channels, INT),
    F(sgm_image_net, width, INT), F(sgm_image_net, depth, FEW), F(sgm_image_net, heads, INT), F(sgm_image_net, patch, INT),
    F(sgm_image_net, groups, INT)};
static const field train_fields[] = {F(sgm_train_options, steps, LFEW), F(sgm_train_options, batch, INT),
    E(sgm_train_options, loss.objective, SGM_OBJECTIVE_SSM_VR), E(sgm_train_options, loss.weight, SGM_WEIGHT_USER),
    E(sgm_train_options, loss.times, SGM_TIMES_IMPORTANCE), F(sgm_train_options, loss.scale, REAL),
    E(sgm_train_options, optimiser, SGM_OPTIMISER_SGD), F(sgm_train_options, lr, REAL), F(sgm_train_options, lr_end, REAL),
    F(sgm_train_options, cosine, INT), F(sgm_train_options, warmup, LONG), F(sgm_train_options, beta1, REAL),
    F(sgm_train_options, beta2, REAL), F(sgm_train_options, eps, REAL), F(sgm_train_options, weight_decay, REAL),
    F(sgm_train_options, clip, REAL), F(sgm_train_options, accumulate, FEW), F(sgm_train_options, ema[0], REAL),
    F(sgm_train_options, cond, POINTER), F(sgm_train_options, cond_dropout, REAL), F(sgm_train_options, labels, POINTER),
    F(sgm_train_options, floor, REAL), F(sgm_train_options, log_every, LONG), F(sgm_train_options, on_log, POINTER)};
#define SAMPLE(type, in) \
    E(type, in method, SGM_METHOD_DPMPP_3M), F(type, in steps, FEW), E(type, in grid, SGM_GRID_QUADRATIC), F(type, in eta, REAL), \
        F(type, in rtol, REAL), F(type, in atol, REAL), F(type, in corrector, FEW), F(type, in snr, REAL), \
        F(type, in churn, REAL), F(type, in churn_noise, REAL), F(type, in churn_low, REAL), F(type, in churn_high, REAL), \
        F(type, in path_steps, LFEW), F(type, in t_start, REAL), F(type, in x_given, INT), F(type, in plain_end, INT), \
        F(type, in t_end, REAL)
static const field sample_fields[] = {SAMPLE(sgm_sample_options, )};
static const field langevin_fields[] = {F(sgm_langevin_options, step, REAL), F(sgm_langevin_options, steps, LFEW),
    F(sgm_langevin_options, warmup, LFEW), F(sgm_langevin_options, metropolis, INT), F(sgm_langevin_options, snr, REAL),
    F(sgm_langevin_options, t, REAL), F(sgm_langevin_options, on_step, POINTER)};
static const field anneal_fields[] = {F(sgm_anneal_options, levels, POINTER), F(sgm_anneal_options, n_levels, FEW),
    F(sgm_anneal_options, steps_per_level, FEW), F(sgm_anneal_options, last_step, REAL), F(sgm_anneal_options, denoise, INT)};
static const field likelihood_fields[] = {F(sgm_likelihood_options, probes, FEW), F(sgm_likelihood_options, draws, FEW), E(sgm_likelihood_options, law, SGM_PROBE_GAUSSIAN),
    F(sgm_likelihood_options, prior, REAL), F(sgm_likelihood_options, levels, INT), F(sgm_likelihood_options, unchecked, INT),
    SAMPLE(sgm_likelihood_options, solve.)};
static const field inverse_fields[] = {E(sgm_inverse_options, method, SGM_INVERSE_PIGDM), F(sgm_inverse_options, resample, FEW),
    F(sgm_inverse_options, zeta, REAL), F(sgm_inverse_options, sigma_data, REAL), SAMPLE(sgm_inverse_options, sample.)};
static const field smc_fields[] = {F(sgm_smc_options, particles, LFEW), F(sgm_smc_options, threshold, REAL),
    F(sgm_smc_options, sigma_data, REAL), E(sgm_smc_options, method, SGM_METHOD_DPMPP_3M), F(sgm_smc_options, steps, FEW),
    E(sgm_smc_options, grid, SGM_GRID_QUADRATIC), F(sgm_smc_options, no_vjp, INT), F(sgm_smc_options, left, POINTER)};

static long tried, refused, wrong;

static void one(const suite *q, void *s, const field *a, int va, const field *b, int vb) {
    int sound = 1;
    memcpy(s, q->base, q->size);
    set(s, a, va);
    if (b) set(s, b, vb);
    clock_t start = clock();
    sgm_status status = q->run(s, &sound);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    tried++, refused += status != SGM_OK;
    int mute = status != SGM_OK && strlen(sgm_error()) < 12;
    if (sound && !mute && seconds < 20) return;
    wrong++;
    printf("%s: %s value %d%s%s%s %d: %s, %.1f s\n", q->name, a->name, va, b ? ", " : "", b ? b->name : "", b ? " value" : "", vb,
        mute ? "an error without words" : sound ? "took long" : "SGM_OK, but not all finite", seconds);
}

static void all(const suite *q, long every) {
    void *s = malloc(q->size);
    long pair = 0, before = tried, no = refused;
    int sound = 1;
    memcpy(s, q->base, q->size);
    if (q->run(s, &sound) != SGM_OK || !sound) wrong++, printf("%s: its base fails: %s\n", q->name, sgm_error());
    for (int i = 0; i < q->n; i++)
        for (int v = 0; v < values(&q->fields[i]); v++) {
            one(q, s, &q->fields[i], v, NULL, 0);
            for (int j = 0; every && j < i; j++)
                for (int u = 0; u < values(&q->fields[j]); u++)
                    if (pair++ % every == 0) one(q, s, &q->fields[i], v, &q->fields[j], u);
        }
    printf("%-12s %7ld settings tried, %7ld refused\n", q->name, tried - before, refused - no);
    fflush(stdout);
    free(s);
}

int main(int argc, char **argv) {
    long every = argc > 1 ? atol(argv[1]) : 17;
    double mean[4] = {-1, 0, 1, 0.5}, var[2] = {0.1, 0.2}, levels[12];
    float A[2] = {1, 0}, y[1] = {0.4f};
    vp = sgm_sde_vp(0.1, 20);
    if (sgm_mixture_init(&mix, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, &vp) || sgm_inverse_init(&problem, D, 1, A, y, 0.1)) return 2;
    exact = sgm_mixture_score(&mix);
    for (int i = 0; i < 12; i++) levels[i] = 0.95 - 0.07 * i;
    sgm_normal(data, N * D, sgm_key_init(1), 0), sgm_normal(cond, N * 3, sgm_key_init(2), 0);
    for (int i = 0; i < N; i++) at[i] = 0.5f, label[i] = i % 2;

    sgm_sde sde = vp;
    sde.curve = line_beta;
    sgm_loss loss;
    memset(&loss, 0, sizeof loss), loss.exact = &exact, loss.grid = levels, loss.n_grid = 3;
    sgm_mlp_options net = {8, 1, SGM_ACTIVATION_SILU, SGM_EMBEDDING_AUTO, 8, 0, 0, 0};
    sgm_model_options model;
    memset(&model, 0, sizeof model), model.net = sgm_mlp, model.user = &net, model.d = D, model.sde = vp;
    sgm_image_net image = {8, 8, 1, 8, 1, 2, 4, 2};
    sgm_train_options train;
    memset(&train, 0, sizeof train), train.steps = 3, train.batch = 4;
    sgm_sample_options sample;
    memset(&sample, 0, sizeof sample), sample.steps = 4;
    sgm_sample_options flow = sample;
    flow.steps = 2;
    sgm_langevin_options langevin;
    memset(&langevin, 0, sizeof langevin), langevin.step = 1e-3, langevin.steps = 3, langevin.t = 0.1;
    sgm_anneal_options anneal = {levels, 3, 2, 1e-4, 1, NULL};
    sgm_likelihood_options likelihood;
    memset(&likelihood, 0, sizeof likelihood), likelihood.solve.method = SGM_METHOD_HEUN, likelihood.solve.steps = 3;
    sgm_inverse_options inverse;
    memset(&inverse, 0, sizeof inverse), inverse.sample.steps = 3;
    sgm_smc_options smc;
    memset(&smc, 0, sizeof smc), smc.steps = 3;

#define SUITE(name, run, base, fields) {name, run, sizeof base, &base, fields, (int)(sizeof fields / sizeof *fields)}
    const suite suites[] = {SUITE("sde", run_sde, sde, sde_fields), SUITE("loss", run_loss, loss, loss_fields),
        SUITE("model", run_model, model, model_fields), SUITE("mlp", run_mlp, net, mlp_fields),
        SUITE("residual", run_residual, net, mlp_fields), SUITE("resnet", run_resnet, image, image_fields),
        SUITE("unet", run_unet, image, image_fields), SUITE("mixer", run_mixer, image, image_fields),
        SUITE("dit", run_dit, image, image_fields), SUITE("train", run_train, train, train_fields),
        SUITE("sample", run_sample, sample, sample_fields), SUITE("flow", run_flow, flow, sample_fields),
        SUITE("langevin", run_langevin, langevin, langevin_fields), SUITE("anneal", run_anneal, anneal, anneal_fields),
        SUITE("likelihood", run_likelihood, likelihood, likelihood_fields), SUITE("inverse", run_inverse, inverse, inverse_fields),
        SUITE("smc", run_smc, smc, smc_fields)};
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (argc < 3 || !strcmp(argv[2], suites[i].name)) all(&suites[i], every);
    printf("settings: %ld tried, %ld refused, %ld wrong, no crash\n", tried, refused, wrong);
    return wrong > 0;
}
