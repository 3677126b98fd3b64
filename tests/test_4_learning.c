/*
Chapter 4: learning. The optimisers, the averages and the schedule are held against their
definitions in double precision, driven by the gradients that the trainer itself computed; a run
that stops and goes on, against one that does not, bit for bit; and a fit, against the minimiser
that is known in closed form.

    cc -O2 tests/test_4_learning.c -lcmocka -lm -o test_4_learning && ./test_4_learning
*/
#define _XOPEN_SOURCE 700

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "batch.h"

static char directory[256], path[300], other_path[300];

static int set_up(void **state) {
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(directory, sizeof directory, "%.200s/sgm_learning_XXXXXX", base ? base : P_tmpdir);
    if (!mkdtemp(directory)) return -1;
    snprintf(path, sizeof path, "%s/a.safetensors", directory);
    snprintf(other_path, sizeof other_path, "%s/b.safetensors", directory);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    remove(path), remove(other_path);
    return rmdir(directory); /* fails, and the test with it, if a temporary was left behind */
}

/*
## A small problem

A two-layer network on a few points in the plane. `rest` is so small a learning rate that no
parameter moves: θ - 10⁻³⁰ g rounds to θ.
*/

enum { D = 2, POINTS = 37, MOST = 400 };
static const double rest = 1e-30;

static float data[POINTS * D];

static sgm_tensor *small_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_linear(tape, sgm_concat(tape, in->x, sgm_time_circle(tape, in->t)), 7);
    h = sgm_dropout(tape, sgm_tanh(tape, h), in->user ? *(const float *)in->user : 0);
    return sgm_linear(tape, h, in->x->cols);
}

typedef struct run {
    sgm_model_options mo;
    sgm_train_options to;
    sgm_model model;
    sgm_trainer trainer;
} run;

static run run_defaults(void) {
    run r;
    memset(&r, 0, sizeof r);
    r.mo.net = small_net, r.mo.d = D, r.mo.sde = sgm_sde_vp(0.1, 8);
    r.mo.output = SGM_OUTPUT_NOISE, r.mo.sigma_data = 0.5;
    r.to.steps = 100, r.to.batch = 5, r.to.lr = 0.01;
    return r;
}

static void run_start(run *r, uint64_t seed) {
    sgm_normal(data, COUNT(data), sgm_key_init(1000), 0);
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(seed)));
    CHECK_OK(sgm_trainer_init(&r->trainer, &r->model, data, POINTS, &r->to,
                              sgm_key_init(seed + 1)));
    assert_true(r->model.n_params <= MOST);
}

static void run_steps(run *r, int n) {
    for (int i = 0; i < n; i++) CHECK_OK(sgm_trainer_step(&r->trainer));
}

static void run_end(run *r) { sgm_trainer_free(&r->trainer), sgm_model_free(&r->model); }

/* All that a step may change, as bytes. */

typedef struct snapshot {
    float params[MOST], ema[SGM_MAX_EMA][MOST], m[MOST], v[MOST];
    long step, loss_n, bin_n[SGM_BINS];
    double loss_sum, bin_sum[SGM_BINS];
} snapshot;

static snapshot *snap(const run *r) {
    snapshot *s = (snapshot *)calloc(1, sizeof *s);
    const sgm_trainer *t = &r->trainer;
    size_t bytes = r->model.n_params * sizeof(float);
    memcpy(s->params, r->model.params, bytes);
    for (int i = 0; i < r->mo.n_ema; i++) memcpy(s->ema[i], r->model.ema[i], bytes);
    memcpy(s->m, t->moment1, bytes);
    if (r->to.optimiser != SGM_OPTIMISER_SGD) memcpy(s->v, t->moment2, bytes);
    s->step = t->step, s->loss_n = t->loss_n, s->loss_sum = t->loss_sum;
    memcpy(s->bin_n, t->bin_n, sizeof s->bin_n), memcpy(s->bin_sum, t->bin_sum, sizeof s->bin_sum);
    return s;
}

static void check_same(snapshot *a, snapshot *b, int with_log) {
    assert_memory_equal(a->params, b->params, sizeof a->params);
    assert_memory_equal(a->ema, b->ema, sizeof a->ema);
    assert_memory_equal(a->m, b->m, sizeof a->m), assert_memory_equal(a->v, b->v, sizeof a->v);
    assert_int_equal(a->step, b->step);
    if (with_log) assert_memory_equal(a, b, sizeof *a);
    free(a), free(b);
}

/*
## Optimisers
*/

/*
One step in double, from the definitions (4.7), (4.6) and (4.9). The library stores β as floats: 1
- β₂ is then off by 2⁻²⁵/(1-β₂) of itself, and √v by half of that.
*/

typedef struct recurrence {
    double p[MOST], m[MOST], v[MOST];
} recurrence;

static void by_definition(recurrence *r, const float *g, long n, const sgm_train_options *o,
                          double k,
                          double lr, double clip_factor) {
    for (long i = 0; i < n; i++) {
        double grad = g[i] * clip_factor;
        if (o->optimiser == SGM_OPTIMISER_SGD) {
            r->m[i] = o->beta1 * r->m[i] + grad;
            r->p[i] -= lr * r->m[i];
            continue;
        }
        r->m[i] = o->beta1 * r->m[i] + (1 - o->beta1) * grad;
        double away = o->optimiser == SGM_OPTIMISER_ADABELIEF ? grad - r->m[i] : grad;
        r->v[i] = o->beta2 * r->v[i] + (1 - o->beta2) * away * away;
        if (o->optimiser == SGM_OPTIMISER_ADABELIEF) r->v[i] += o->eps;
        if (o->optimiser == SGM_OPTIMISER_ADAMW) r->p[i] -= lr * o->weight_decay * r->p[i];
        double m_hat = r->m[i] / (1 - pow(o->beta1, k)), v_hat = r->v[i] / (1 - pow(o->beta2, k));
        r->p[i] -= lr * m_hat / (sqrt(v_hat) + o->eps);
    }
}

static void check_optimiser(sgm_optimiser_kind optimiser, double beta1, double beta2, double eps,
                            double clip) {
    static recurrence truth;
    run r = run_defaults();
    r.to.optimiser = optimiser, r.to.beta1 = beta1, r.to.beta2 = beta2, r.to.eps = eps;
    r.to.clip = clip, r.to.weight_decay = optimiser == SGM_OPTIMISER_ADAMW ? 0.2 : 0;
    run_start(&r, 3);
    const sgm_train_options *o = &r.trainer.o;
    long n = (long)r.model.n_params;
    memset(&truth, 0, sizeof truth);
    for (long i = 0; i < n; i++) truth.p[i] = r.model.params[i];
    /* A step is at most |m̂|/√v̂ ≤ 3 rates long (SGD: the rate times 10 clipped gradients), with some
       16 roundings and those of β, which the k-th power multiplies by k; 1 - β is that of the β you
       gave, not of the float. θ itself is rounded once or twice. */
    for (int k = 1; k <= 60; k++) {
        double per_step = 3 * o->lr * (k * EPS + 16 * EPS);
        double lr = sgm_trainer_lr(&r.trainer);
        run_steps(&r, 1);
        double norm = sqrt(dot(r.trainer.grads, r.trainer.grads, n));
        CHECK_REL(r.trainer.grad_norm, norm, 16 * EPS); /* a float sum in 16 lanes */
        by_definition(&truth, r.trainer.grads, n, o, k, lr, clip > 0 &&
                      norm > clip ? clip / norm : 1);
        for (long i = 0; i < n; i++)
            CHECK_CLOSE(r.model.params[i], truth.p[i], k * (per_step + 2 * EPS * fabs(truth.p[i])));
    }
    run_end(&r);
}

static void optimisers(void **state) {
    (void)state;
    for (int kind = SGM_OPTIMISER_ADAM; kind <= SGM_OPTIMISER_ADABELIEF; kind++) {
        check_optimiser((sgm_optimiser_kind)kind, 0, 0, 0, 0); /* the defaults */
        check_optimiser((sgm_optimiser_kind)kind, 0.7, 0.95, 0.03, 0.5);
        check_optimiser((sgm_optimiser_kind)kind, 0.9, 0.9999999, 1e-4, 0); /* its float: 1 - 1.2e-7 */
        check_optimiser((sgm_optimiser_kind)kind, 0.999999, 0.99999, 1e-4, 0);
    }
    check_optimiser(SGM_OPTIMISER_SGD, 0, 0, 0, 1.5);
    check_optimiser(SGM_OPTIMISER_SGD, 0.9, 0, 0, 0.5);
}

static void defaults(void **state) {
    run r = run_defaults();
    (void)state;
    r.to.lr = 0, r.to.batch = 0, r.mo.sigma_data = 0.3;
    run_start(&r, 3);
    const sgm_train_options *o = &r.trainer.o;
    assert_int_equal(o->batch, 128), assert_int_equal(o->accumulate, 1);
    assert_true(o->lr == 2e-3 && o->beta1 == 0.9 && o->beta2 == 0.999 && o->eps == 1e-8);
    assert_true(o->ema[0] == 0.999 && o->loss.scale == 1 && o->loss.sigma_data == 0.3);
    assert_true(r.model.o.sigma_data == 0.3);
    sgm_trainer_free(&r.trainer);
    r.to.optimiser = SGM_OPTIMISER_ADABELIEF;
    CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, data, POINTS, &r.to, sgm_key_init(1)));
    assert_true(r.trainer.o.eps == 1e-16);
    sgm_trainer_free(&r.trainer);
    r.to.optimiser = SGM_OPTIMISER_SGD; /* no momentum unless asked for */
    CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, data, POINTS, &r.to, sgm_key_init(1)));
    assert_true(r.trainer.o.beta1 == 0);
    run_end(&r);
}

/* An output of 0 is F, and a sigma_data of 0 what the first training measures: the root of the mean
variance, in double from the same floats. A later training leaves it alone. */

static void measured_sigma_data(void **state) {
    double mean[D] = {0}, var = 0;
    run r = run_defaults();
    (void)state;
    r.mo.output = SGM_OUTPUT_AUTO, r.mo.sigma_data = 0;
    run_start(&r, 3);
    for (int i = 0; i < POINTS * D; i++) mean[i % D] += data[i] / (double)POINTS;
    for (int i = 0; i < POINTS * D; i++) var += pow(data[i] - mean[i % D], 2) / (POINTS * D);
    CHECK_REL(r.model.o.sigma_data, sqrt(var), 1e-14); /* some 37 roundings of doubles */
    assert_true(r.trainer.o.loss.sigma_data == r.model.o.sigma_data);
    assert_int_equal(r.model.o.output, SGM_OUTPUT_EDM_F);
    sgm_trainer_free(&r.trainer);
    double first = r.model.o.sigma_data;
    for (int i = 0; i < POINTS * D; i++) data[i] *= 3;
    CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, data, POINTS, &r.to, sgm_key_init(1)));
    assert_true(r.model.o.sigma_data == first);
    run_end(&r);
}

/* (4.5) from its definition; and the rate that a step of SGD really takes, Δθ/g. */

static double schedule(const sgm_train_options *o, long k) {
    if (k < o->warmup) return o->lr * (double)(k + 1) / (double)o->warmup;
    if (!o->cosine && o->lr_end == 0) return o->lr;
    double u = (double)(k - o->warmup) / (double)(o->steps - o->warmup);
    return o->lr_end + 0.5 * (o->lr - o->lr_end) * (1 + cos(SGM__PI * (u < 1 ? u : 1)));
}

static void learning_rates(void **state) {
    struct { double lr_end; int cosine; long warmup; } c[] = {
        {0, 0, 0}, {0, 0, 7}, {0, 1, 0}, {0, 1, 7}, {0.002, 0, 7}, {0.002, 1, 0}, {0.002, 1, 39}};
    (void)state;
    for (int i = 0; i < COUNT(c); i++) {
        float before[MOST];
        run r = run_defaults();
        r.to.steps = 40, r.to.optimiser = SGM_OPTIMISER_SGD, r.to.lr = 0.03;
        r.to.lr_end = c[i].lr_end, r.to.cosine = c[i].cosine, r.to.warmup = c[i].warmup;
        run_start(&r, 3);
        for (long k = 0; k < 40; k++) {
            double lr = sgm_trainer_lr(&r.trainer);
            CHECK_CLOSE(lr, schedule(&r.to, k), 1e-16); /* a few roundings of numbers below 0.03 */
            memcpy(before, r.model.params, r.model.n_params * sizeof(float));
            run_steps(&r, 1);
            for (size_t j = 0; j < r.model.n_params; j++)
                CHECK_CLOSE(before[j] - r.model.params[j], lr * r.trainer.grads[j],
                            EPS * (fabs(before[j]) + 5 * fabs(lr * r.trainer.grads[j])));
        }
        int decays = c[i].cosine || c[i].lr_end > 0;
        /* at the end, u = 1 */
        CHECK_CLOSE(sgm_trainer_lr(&r.trainer), decays ? c[i].lr_end : 0.03, 1e-17);
        r.trainer.step = 1000; /* and beyond */
        CHECK_CLOSE(sgm_trainer_lr(&r.trainer), decays ? c[i].lr_end : 0.03, 1e-17);
        run_end(&r);
    }
}

/* SGD's step is η times the clipped gradient: the same direction, and never longer than η·clip. */

static void clipping(void **state) {
    const double lr = 1 / 16.0, clip = 2.5; /* the median norm of this problem */
    float before[MOST], moved[MOST];
    int clipped = 0, whole = 0;
    run r = run_defaults();
    (void)state;
    r.to.optimiser = SGM_OPTIMISER_SGD, r.to.lr = lr, r.to.clip = clip;
    run_start(&r, 3);
    long n = (long)r.model.n_params;
    for (int k = 0; k < 60; k++) {
        double noise = 0; /* θ - θ' is good to the rounding of θ and of the step */
        memcpy(before, r.model.params, (size_t)n * sizeof(float));
        run_steps(&r, 1);
        for (long i = 0; i < n; i++) {
            moved[i] = (before[i] - r.model.params[i]) / (float)lr;
            noise += pow(EPS * (fabs(before[i]) + 4 * lr * clip) / lr, 2);
        }
        double norm = sqrt(dot(r.trainer.grads, r.trainer.grads, n));
        double length = sqrt(dot(moved, moved, n));
        CHECK_CLOSE(length, fmin(norm, clip), sqrt(noise));
        CHECK_CLOSE(dot(moved, r.trainer.grads, n) / norm, length, sqrt(noise));
        clipped += norm > clip, whole += norm < clip;
    }
    assert_true(clipped > 5 && whole > 5); /* both cases were seen */
    run_end(&r);
}

/*
Accumulation over k batches is the mean of their gradients: a trainer at rest goes through the
same batches one by one. Sums of k·B terms are ordered otherwise: some roundings of the largest
gradient, which is < 4.
*/

static void accumulation(void **state) {
    enum { K = 4, STEPS = 5 };
    (void)state;
    run one = run_defaults(), many = run_defaults();
    one.to.lr = many.to.lr = rest, one.to.optimiser = many.to.optimiser = SGM_OPTIMISER_SGD;
    many.to.accumulate = K;
    run_start(&one, 3), run_start(&many, 3);
    for (int step = 0; step < STEPS; step++) {
        double mean[MOST], loss = 0;
        memset(mean, 0, sizeof mean);
        for (int i = 0; i < K; i++) {
            run_steps(&one, 1);
            loss += one.trainer.loss / K;
            for (size_t j = 0; j < one.model.n_params; j++)
                mean[j] += one.trainer.grads[j] / (double)K;
        }
        run_steps(&many, 1);
        CHECK_CLOSE(many.trainer.loss, loss, 1e-13);
        for (size_t j = 0; j < one.model.n_params; j++)
            CHECK_CLOSE(many.trainer.grads[j], mean[j], 16 * EPS * 4);
    }
    assert_int_equal(many.trainer.step, STEPS);
    run_end(&one), run_end(&many);
}

/*
## Averages
*/

/* (4.10) against (1-γ)Σγ^(k-i) θ_i/(1-γ^k), the plain average started at 0 and divided by what is
missing. */

static void averages(void **state) {
    static double sum[SGM_MAX_EMA][MOST];
    const double decay[SGM_MAX_EMA] = {0.999, 0.5, 0.9, 0.99};
    run r = run_defaults();
    (void)state;
    memset(sum, 0, sizeof sum);
    r.mo.n_ema = SGM_MAX_EMA;
    memcpy(r.to.ema, decay, sizeof decay);
    run_start(&r, 3);
    for (int k = 1; k <= 50; k++) {
        run_steps(&r, 1);
        for (int e = 0; e < SGM_MAX_EMA; e++)
            for (size_t i = 0; i < r.model.n_params; i++) {
                double p = r.model.params[i], missing = 1 - pow(decay[e], k);
                sum[e][i] = decay[e] * sum[e][i] + (1 - decay[e]) * p;
                double tol = EPS * (2 * fabs(p) + 2 * r.to.lr); /* of e and of θ - e, a few rates */
                if (k == 1) CHECK_CLOSE(r.model.ema[e][i], p, tol); /* not the random start */
                CHECK_CLOSE(r.model.ema[e][i], sum[e][i] / missing, k * (tol + EPS * 10 * r.to.lr));
            }
    }
    run_end(&r);
}

static void averages_at_rest(void **state) {
    run r = run_defaults();
    (void)state;
    r.mo.n_ema = 1, r.to.lr = rest;
    run_start(&r, 3);
    for (size_t i = 0; i < r.model.n_params; i++) r.model.ema[0][i] = 1000; /* forgotten at once */
    run_steps(&r, 10);
    for (size_t i = 0; i < r.model.n_params; i++) {
        double p = r.model.params[i];
        /* but for the rounding of θ - e */
        CHECK_CLOSE(r.model.ema[0][i], p, EPS * (1000 + 10 * fabs(p)));
    }
    run_end(&r);
}

/*
## The batch
*/

static long point_of(const float *x0) {
    for (long i = 0; i < POINTS; i++)
        if (!memcmp(data + i * D, x0, D * sizeof *x0)) return i;
    return -1;
}

static void epochs(void **state) {
    enum { EPOCHS = 6 };
    const int batches[] = {5, 37, 100, 1};
    (void)state;
    for (int b = 0; b < COUNT(batches); b++) {
        int B = batches[b], seen[EPOCHS][POINTS], order[EPOCHS][POINTS], at = 0, same = 0;
        run r = run_defaults();
        memset(seen, 0, sizeof seen);
        r.to.batch = B, r.to.lr = rest;
        run_start(&r, 3);
        while (at < EPOCHS * POINTS) {
            run_steps(&r, 1);
            sgm__piece batch = last_batch(&r.trainer);
            for (int i = 0; i < B && at < EPOCHS * POINTS; i++, at++) {
                long point = point_of(batch.x0 + i * D);
                assert_true(point >= 0);
                seen[at / POINTS][point]++, order[at / POINTS][at % POINTS] = (int)point;
            }
        }
        for (int e = 0; e < EPOCHS; e++)
            for (int i = 0; i < POINTS; i++) {
                assert_int_equal(seen[e][i], 1);
                same += order[e][i] == order[(e + 1) % EPOCHS][i];
            }
        /* A random order agrees with another in 1 ± 1 places; 5σ over 6 pairs. */
        assert_true(same < 6 + 5 * sqrt(6.0));
        run_end(&r);
    }
}

/* Steps have noise, times and dropout of their own: the draws of all batches together are one
sample. */

static double normal_cdf(double x, void *user) { return (void)user, 0.5 * erfc(-x / sqrt(2.0)); }
static double uniform_cdf(double x, void *user) { return (void)user, x; }

static float dropped[4096];
static int n_dropped;

static sgm_tensor *dropping_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *x = sgm_add(tape, in->x, sgm_linear(tape, in->x, in->x->cols));
    sgm_tensor *y = sgm_dropout(tape, x, 0.5f);
    for (long i = 0; y != x && y && !tape->dry && i < (long)x->rows * x->cols; i++)
        dropped[n_dropped++ % 4096] = y->v[i] == 0 ? 1.0f : 0.0f;
    return y;
}

static void draws_of_the_batches(void **state) {
    enum { B = 20, STEPS = 100 };
    static float eps[STEPS * B * D], u[STEPS * B];
    run r = run_defaults();
    (void)state;
    r.to.batch = B, r.to.lr = rest, r.to.accumulate = 2, r.mo.net = dropping_net;
    run_start(&r, 3);
    n_dropped = 0; /* after the dry run */
    for (int k = 0; k < STEPS; k++) {
        run_steps(&r, 1);
        sgm__piece b = last_batch(&r.trainer);
        memcpy(eps + k * B * D, b.eps, B * D * sizeof(float));
        for (int i = 0; i < B; i++)
            u[k * B + i] = (float)((b.t[i] - r.mo.sde.t_min) / (r.mo.sde.T - r.mo.sde.t_min));
    }
    long n = STEPS * B, m = n * D;
    CHECK_P(stat_ks_p(stat_ks(eps, m, normal_cdf, NULL), (double)m), 1e-4);
    CHECK_P(stat_ks_p(stat_ks(u, n, uniform_cdf, NULL), (double)n), 1e-4);
    double r1 = 0, r2 = 0, ones = 0, equal = 0; /* correlations: 0 ± 1/√n for independent draws */
    for (long i = 0; i + B * D < m; i++) r1 += eps[i] * eps[i + B * D] / (double)m;
    for (long i = 0; i < n; i++) r2 += (u[i] - 0.5) * sqrt(12.0) * eps[i * D] / (double)n;
    CHECK_CLOSE(r1, 0, CHECK_SIGMAS / sqrt((double)m));
    CHECK_CLOSE(r2, 0, CHECK_SIGMAS / sqrt((double)n));
    for (int i = 0; i + B < n; i++) r2 += (u[i] - 0.5) * (u[i + B] - 0.5) * 12 / (double)n;
    CHECK_CLOSE(r2, 0, 2 * CHECK_SIGMAS / sqrt((double)n));
    int last = 4096 - 4096 % (B * D); /* whole batches, and each against the next */
    for (int i = 0; i < last - B * D; i++) ones += dropped[i],
        equal += dropped[i] == dropped[i + B * D];
    double draws = last - B * D, half = CHECK_SIGMAS * 0.5 / sqrt(draws);
    assert_int_equal(n_dropped, STEPS * 2 * B * D);
    CHECK_CLOSE(ones / draws, 0.5, half), CHECK_CLOSE(equal / draws, 0.5, half);
    run_end(&r);
}

/*
## The log
*/

typedef struct journal {
    int calls;
    double loss[100], logged[10], bin_loss[10][SGM_BINS];
    long bin_count[10][SGM_BINS], step[10];
} journal;

static void write_journal(const sgm_trainer *trainer, void *user) {
    journal *j = (journal *)user;
    memcpy(j->bin_loss[j->calls], trainer->bin_loss, sizeof trainer->bin_loss);
    memcpy(j->bin_count[j->calls], trainer->bin_count, sizeof trainer->bin_count);
    j->step[j->calls] = trainer->step, j->logged[j->calls++] = trainer->mean_loss;
}

static int bin_of(const sgm_sde *sde, double t) {
    for (int i = SGM_BINS - 1; i > 0; i--)
        if (t >= sgm_bin_edge(sde, i)) return i;
    return 0;
}

/* What is not known yet is NaN; without a log the mean is that of all steps. */

static void mean_without_log(void **state) {
    run r = run_defaults();
    double sum = 0;
    (void)state;
    r.to.steps = 5;
    run_start(&r, 3);
    assert_true(isnan(r.trainer.mean_loss) && isnan(r.trainer.loss) && isnan(r.trainer.grad_norm));
    for (int i = 0; i < SGM_BINS; i++) assert_true(isnan(r.trainer.bin_loss[i]));
    for (int k = 1; k <= 5; k++) {
        run_steps(&r, 1);
        sum += r.trainer.loss;
        CHECK_REL(r.trainer.mean_loss, sum / k, 1e-15);
    }
    run_end(&r);
    r.to.log_every = 3; /* with one: that of the last three, when they are done */
    run_start(&r, 3);
    run_steps(&r, 2);
    assert_true(isnan(r.trainer.mean_loss));
    run_steps(&r, 1);
    assert_true(r.trainer.mean_loss > 0);
    run_end(&r);
}

/* At rest the model does not change, and the loss of each point can be computed afterwards. */

static void log_values(void **state) {
    enum { B = 16, EVERY = 4, STEPS = 13 };
    static journal j;
    double sum[3][SGM_BINS];
    long count[3][SGM_BINS];
    run r = run_defaults();
    (void)state;
    memset(&j, 0, sizeof j), memset(sum, 0, sizeof sum), memset(count, 0, sizeof count);
    r.to.batch = B, r.to.lr = rest, r.to.log_every = EVERY, r.to.on_log = write_journal,
        r.to.user = &j;
    r.to.loss.scale = 0.5, r.to.loss.weight = SGM_WEIGHT_ONE, r.mo.sde.t_min = 0.05;
    run_start(&r, 3);
    for (int k = 0; k < STEPS; k++) {
        float s[B * D];
        double total = 0;
        run_steps(&r, 1);
        sgm__piece b = last_batch(&r.trainer);
        sgm_score score = sgm_model_score(&r.model, SGM_RAW);
        CHECK_OK(sgm_score_eval(&score, s, b.x, b.t, B));
        for (int i = 0; i < B; i++) {
            double sd = sgm_sde_s(&r.mo.sde, b.t[i]), loss = 0;
            for (int c = i * D; c < (i + 1) * D; c++) loss += 0.5 * pow(s[c] + b.eps[c] / sd, 2);
            total += loss / B;
            if (k / EVERY < 3) sum[k / EVERY][bin_of(&r.mo.sde, b.t[i])] += loss;
            if (k / EVERY < 3) count[k / EVERY][bin_of(&r.mo.sde, b.t[i])]++;
        }
        /* s is a float; |s| < 10 |s + ε/s_t| on average */
        CHECK_REL(r.trainer.loss, total, 20 * EPS);
        j.loss[k] = r.trainer.loss;
    }
    assert_int_equal(j.calls, 3);
    for (int c = 0; c < 3; c++) {
        double mean = 0;
        long all = 0;
        for (int k = 0; k < EVERY; k++) mean += j.loss[c * EVERY + k] / EVERY;
        CHECK_REL(j.logged[c], mean, 1e-14);
        assert_int_equal(j.step[c], (c + 1) * EVERY);
        for (int i = 0; i < SGM_BINS; i++) {
            assert_int_equal(j.bin_count[c][i], count[c][i]);
            all += count[c][i];
            if (count[c][i]) CHECK_REL(j.bin_loss[c][i], sum[c][i] / (double)count[c][i], 40 * EPS);
            else assert_true(j.bin_loss[c][i] != j.bin_loss[c][i]); /* NaN: no point fell here */
        }
        assert_int_equal(all, EVERY * B);
    }
    run_end(&r);
}

/*
## The same bits
*/

static void whole_equals_steps(void **state) {
    static journal j[2];
    run a = run_defaults(), b = run_defaults();
    (void)state;
    memset(j, 0, sizeof j);
    for (int i = 0; i < 2; i++) {
        run *r = i ? &b : &a;
        r->mo.n_ema = 1, r->to.steps = 30, r->to.cosine = 1;
        r->to.log_every = 10, r->to.on_log = write_journal, r->to.user = &j[i];
        run_start(r, 3);
    }
    run_steps(&a, 30);
    CHECK_OK(sgm_train(&b.model, data, POINTS, &b.to, sgm_key_init(4)));
    assert_memory_equal(a.model.params, b.model.params, a.model.n_params * sizeof(float));
    assert_memory_equal(a.model.ema[0], b.model.ema[0], a.model.n_params * sizeof(float));
    assert_int_equal(j[1].calls, 3);
    for (int i = 0; i < 3; i++) CHECK_CLOSE(j[0].logged[i], j[1].logged[i], 0);
    run_end(&a), run_end(&b);
}

static void keys(void **state) {
    run a = run_defaults(), b = run_defaults(), c = run_defaults();
    (void)state;
    run_start(&a, 3), run_start(&b, 3), run_start(&c, 3);
    c.trainer.key = sgm_key_init(5);
    run_steps(&a, 10), run_steps(&b, 10), run_steps(&c, 10);
    assert_memory_not_equal(a.model.params, c.model.params, a.model.n_params * sizeof(float));
    check_same(snap(&a), snap(&b), 1);
    run_end(&a), run_end(&b), run_end(&c);
}

/* Large enough that the products of a step (≥ 2·10⁶ multiplications) and the optimiser (≥ 2¹⁸
parameters) are divided among threads. */

static void threads_do_not_change_bits(void **state) {
    float *first = NULL, *first_ema = NULL;
    size_t bytes = 0;
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        sgm_mlp_options net;
        run r = run_defaults();
        memset(&net, 0, sizeof net);
        net.width = 520, net.depth = 2, net.dropout = 0.1f, net.activation = SGM_ACTIVATION_SILU;
        net.embedding = SGM_EMBEDDING_CIRCLE;
        r.mo.net = sgm_mlp, r.mo.user = &net, r.mo.n_ema = 1, r.to.batch = 8, r.to.clip = 1;
        sgm_normal(data, COUNT(data), sgm_key_init(1000), 0);
        set_threads(threads);
        CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(3)));
        CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, data, POINTS, &r.to, sgm_key_init(4)));
        run_steps(&r, 4);
        bytes = r.model.n_params * sizeof(float);
        assert_true(r.model.n_params >= 1u << 18);
        if (threads == 1) {
            first = (float *)malloc(bytes), first_ema = (float *)malloc(bytes);
            memcpy(first, r.model.params, bytes), memcpy(first_ema, r.model.ema[0], bytes);
        }
        assert_memory_equal(first, r.model.params, bytes);
        assert_memory_equal(first_ema, r.model.ema[0], bytes);
        run_end(&r);
    }
    free(first), free(first_ema);
}

/*
## Two passes in one

A clip of 10³⁰ binds no gradient and keeps the passes apart: a run with it has the bits that a run
without it must have, and grad_norm, NaN or not, says how many passes there were.
*/

static float net_rate;
static int net_width;

static sgm_tensor *wide_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_concat(tape, in->x, sgm_time_circle(tape, in->t));
    h = sgm_relu(tape, sgm_linear(tape, h, net_width));
    h = sgm_layer_norm(tape, sgm_dropout(tape, sgm_tanh(tape, sgm_linear(tape, h, 80)), net_rate));
    h = sgm_silu(tape, sgm_linear(tape, h, 37)); /* does not fill the registers: two passes */
    h = sgm_relu(tape, sgm_linear(tape, h, 64));
    return sgm_linear(tape, h, in->x->cols);
}

/* The input of a weight is itself a parameter, updated before that weight. */

static sgm_tensor *param_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *p = sgm_param(tape, in->x->rows, 16, 0.5f), *h = sgm_linear(tape, in->x, 32);
    sgm_tensor *q = sgm_linear(tape, p, 32);
    return sgm_linear(tape, sgm_tanh(tape, sgm_add(tape, h, q)), in->x->cols);
}

/* One weight in two layers: the slope is the sum of two products. */

static sgm_tensor *shared;

static sgm_tensor *shared_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_linear(tape, in->x, 32), *y = sgm_linear(tape, h, 32);
    if (!y) return NULL;
    shared = y->b;
    h = sgm_tanh(tape, y);
    h = sgm_tape_run(tape, sgm_tape_make(tape, "linear", sgm__op_linear, y->rows, 32, h, y->b, y->c));
    return sgm_linear(tape, h, in->x->cols);
}

static void wide_start(run *r, double clip) {
    sgm_normal(data, COUNT(data), sgm_key_init(1000), 0);
    r->to.clip = clip;
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(3)));
    CHECK_OK(sgm_trainer_init(&r->trainer, &r->model, data, POINTS, &r->to, sgm_key_init(4)));
}

static void check_same_bits(const run *a, const run *b) {
    size_t bytes = a->model.n_params * sizeof(float);
    assert_memory_equal(a->model.params, b->model.params, bytes);
    assert_memory_equal(a->trainer.moment1, b->trainer.moment1, bytes);
    if (a->to.optimiser != SGM_OPTIMISER_SGD)
        assert_memory_equal(a->trainer.moment2, b->trainer.moment2, bytes);
    for (int i = 0; i < a->mo.n_ema; i++)
        assert_memory_equal(a->model.ema[i], b->model.ema[i], bytes);
    assert_true(a->trainer.loss == b->trainer.loss);
}

/* 20 steps pass a sweep for faded moments; ReLU makes slopes that are 0. */

static void check_one_pass(run r, int passes) {
    run two = r;
    wide_start(&r, 0), wide_start(&two, 1e30);
    for (int k = 0; k < 20; k++) {
        run_steps(&r, 1), run_steps(&two, 1);
        assert_true(two.trainer.grad_norm > 0);
        if (passes == 1) assert_true(r.trainer.grad_norm != r.trainer.grad_norm);
        if (passes == 2) assert_true(r.trainer.grad_norm == two.trainer.grad_norm);
    }
    check_same_bits(&r, &two);
    run_end(&r), run_end(&two);
}

static void one_pass_has_the_bits_of_two(void **state) {
    const int batches[] = {1, 7, 8, 9, 16, 17}, widths[] = {16, 48, 128, 131};
    (void)state;
    for (int optimiser = SGM_OPTIMISER_ADAM; optimiser <= SGM_OPTIMISER_SGD; optimiser++)
        for (int i = 0; i < COUNT(batches); i++)
            for (int j = 0; j < COUNT(widths); j++) {
                run r = run_defaults();
                r.mo.net = wide_net, net_width = widths[j], net_rate = j % 2 ? 0.3f : 0;
                r.to.batch = batches[i], r.to.optimiser = (sgm_optimiser_kind)optimiser;
                r.to.lr = 0.002, r.to.weight_decay = optimiser == SGM_OPTIMISER_ADAMW ? 0.2 : 0;
                check_one_pass(r, batches[i] > 16 || optimiser == SGM_OPTIMISER_SGD ? 2 : 1);
            }
    run r = run_defaults();
    r.mo.net = wide_net, r.to.accumulate = 2;
    check_one_pass(r, 2); /* there is more to add */
    r.mo.net = small_net, r.to.accumulate = 1;
    check_one_pass(r, 2); /* no row fills the registers */
    r.mo.net = param_net, r.to.batch = 2;
    check_one_pass(r, 1);
    r.mo.net = shared_net;
    check_one_pass(r, 1);
}

static void a_weight_in_two_layers_is_not_deferred(void **state) {
    run r = run_defaults();
    (void)state;
    r.mo.net = shared_net;
    wide_start(&r, 0);
    run_steps(&r, 1);
    assert_true(shared->is_param && shared->set == SGM_ADJOINT_D);
    int i = 0, n = 0;
    while (sgm__next_deferred(r.trainer.hands[0].tape, &i)) n++;
    assert_int_equal(n, 1); /* the first weight; the last has too few columns */
    run_end(&r);
}

/* Slopes by tangents are added to a slope that was deferred, which must be made for that. */

static void tangents_settle_what_was_deferred(void **state) {
    float params[3 * 16 + 16], grads[2][3 * 16 + 16], x[2 * 3], v[2 * 3], slope[2 * 16];
    (void)state;
    sgm_normal(params, COUNT(params), sgm_key_init(1), 0);
    sgm_normal(x, COUNT(x), sgm_key_init(2), 0), sgm_normal(v, COUNT(v), sgm_key_init(3), 0);
    sgm_normal(slope, COUNT(slope), sgm_key_init(4), 0);
    for (int later = 0; later < 2; later++) {
        sgm_tape *tape = sgm_tape_new();
        sgm_tape_reset(tape, params, grads[later], COUNT(params), sgm_key_init(5),
                       later ? SGM__DEFER : 0);
        sgm_tensor *in = sgm_tape_input(tape, x, 2, 3), *y = sgm_linear(tape, in, 16);
        memcpy(sgm_tape_tangent_of(tape, in), v, sizeof v);
        CHECK_OK(sgm_tape_tangent(tape));
        memcpy(sgm_tape_gradient_of(tape, y), slope, sizeof slope);
        memcpy(sgm_tape_tangent_gradient_of(tape, y), slope, sizeof slope);
        CHECK_OK(sgm_tape_backward(tape));
        sgm_tape_free(tape);
    }
    assert_memory_equal(grads[0], grads[1], sizeof grads[0]);
}

static void one_pass_by_many_threads(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        sgm_mlp_options net;
        run r = run_defaults();
        memset(&net, 0, sizeof net);
        net.width = 512, net.depth = 2;
        net.activation = SGM_ACTIVATION_RELU, net.embedding = SGM_EMBEDDING_CIRCLE;
        r.mo.net = sgm_mlp, r.mo.user = &net, r.mo.n_ema = 2, r.to.steps = 1;
        run two = r;
        set_threads(1), wide_start(&two, 1e30);
        assert_true(two.model.n_params >= 1u << 18); /* enough to be divided */
        run_steps(&two, 3);
        set_threads(threads), wide_start(&r, 0);
        run_steps(&r, 3);
        assert_true(r.trainer.grad_norm != r.trainer.grad_norm);
        check_same_bits(&r, &two);
        run_end(&r), run_end(&two);
    }
}

/* The gradients grow with the square of s. (F.1) proves the small ones finite; of the others, which
are made and looked at, some are, and some are not. Each time both ways must agree. */

static float net_scale;

static sgm_tensor *scaled_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_linear(tape, sgm_tanh(tape, sgm_linear(tape, in->x, 32)), in->x->cols);
    return sgm_mul_by(tape, h, net_scale);
}

static void a_step_fails_as_with_two_passes(void **state) {
    int proven = 0, looked_at = 0, failed = 0;
    (void)state;
    for (int power = 0; power < 70; power++) {
        run one = run_defaults(), two;
        one.mo.net = scaled_net, net_scale = (float)ldexp(1, power);
        two = one;
        wide_start(&one, 0), wide_start(&two, 1e30);
        sgm_status status = sgm_trainer_step(&one.trainer);
        assert_int_equal(status, sgm_trainer_step(&two.trainer));
        check_same_bits(&one, &two);
        assert_int_equal(one.trainer.step, status == SGM_OK);
        if (status != SGM_OK)
            failed++;
        else if (one.trainer.grad_norm == two.trainer.grad_norm)
            looked_at++;
        else
            proven++, assert_true(one.trainer.grad_norm != one.trainer.grad_norm);
        run_end(&one), run_end(&two);
    }
    assert_true(proven > 0 && looked_at > 0 && failed > 0);
}

/* x of 10²⁵ meets slopes of some 10¹⁷: no other slope leaves the range of floats. */

static sgm_tensor *overflowing_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *x = sgm_mul_by(tape, in->x, 1e25f), *h = sgm_linear_zero(tape, x, 16);
    return sgm_mul_by(tape, sgm_linear(tape, h, in->x->cols), 3e9f);
}

static void a_deferred_slope_is_named(void **state) {
    run r = run_defaults(), before;
    (void)state;
    r.mo.net = overflowing_net;
    wide_start(&r, 0), before = r;
    wide_start(&before, 0);
    CHECK_FAILS(sgm_trainer_step(&r.trainer), SGM_NOT_FINITE,
                "step 0: the gradient of linear0.weight is not finite");
    before.trainer.loss = r.trainer.loss;
    check_same_bits(&r, &before);
    run_end(&r), run_end(&before);
}

/* A parameter whose slope is 0 lets its moments fade: to 0 in the end, and never below the least
normal number, since 0.35¹⁶ > 2⁻²⁶ takes 2⁻¹⁰⁰ no further than that between two sweeps. */

static sgm_tensor *idle_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *idle = sgm_param(tape, 1, 8, 1);
    (void)idle;
    return sgm_linear(tape, in->x, in->x->cols);
}

static void moments_fade_to_zero(void **state) {
    run r = run_defaults();
    (void)state;
    r.mo.net = idle_net, r.to.beta1 = 0.35, r.to.beta2 = 0.4;
    run_start(&r, 3);
    for (int i = 0; i < 8; i++)
        r.trainer.moment1[i] = r.trainer.moment2[i] = (float)ldexp(1.5, -70 - i);
    for (int k = 0; k < 60; k++) {
        run_steps(&r, 1);
        for (int i = 0; i < 8; i++) {
            assert_true(r.trainer.moment1[i] == 0 || r.trainer.moment1[i] >= FLT_MIN);
            assert_true(r.trainer.moment2[i] == 0 || r.trainer.moment2[i] >= FLT_MIN);
        }
    }
    for (int i = 0; i < 8; i++) /* 0.4⁴⁴ < 2⁻⁵⁰ brings all below 2⁻¹⁰⁰ before the sweep of step 48 */
        assert_true(r.trainer.moment1[i] == 0 && r.trainer.moment2[i] == 0);
    run_end(&r);
}

static void no_allocation_later(void **state) {
    float rate = 0.2f;
    run r = run_defaults();
    (void)state;
    r.mo.user = &rate, r.to.accumulate = 2, r.mo.n_ema = 2;
    run_start(&r, 3);
    run_steps(&r, 2);
    int before = alloc_calls, tape_before = r.trainer.hands[0].tape->n_allocs;
    run_steps(&r, 20);
    assert_int_equal(alloc_calls, before), assert_int_equal(r.trainer.hands[0].tape->n_allocs, tape_before);
    run_end(&r);
}

/*
## Stop, and go on
*/

static void check_resume(sgm_optimiser_kind optimiser, int accumulate, float dropout) {
    run a = run_defaults(), b;
    a.mo.user = &dropout, a.mo.n_ema = 2, a.to.ema[0] = 0.9;
    a.to.optimiser = optimiser, a.to.accumulate = accumulate;
    a.to.cosine = 1, a.to.warmup = 8, a.to.clip = 1;
    a.to.weight_decay = optimiser == SGM_OPTIMISER_ADAMW ? 0.01 : 0;
    b = a;
    run_start(&a, 3);
    run_steps(&a, 6);
    CHECK_OK(sgm_trainer_save(&a.trainer, path));
    run_steps(&a, 11);
    /* other parameters, other key: all comes from the file, but the key must agree */
    run_start(&b, 80);
    CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, "train.key");
    b.trainer.key = sgm_key_init(4);
    run_steps(&b, 2); /* moments and step of its own */
    CHECK_OK(sgm_trainer_load(&b.trainer, path));
    assert_int_equal(b.trainer.step, 6);
    run_steps(&b, 11);
    CHECK_CLOSE(a.trainer.loss, b.trainer.loss, 0);
    CHECK_CLOSE(a.trainer.grad_norm, b.trainer.grad_norm, 0);
    CHECK_CLOSE(sgm_trainer_lr(&a.trainer), sgm_trainer_lr(&b.trainer), 0);
    check_same(snap(&a), snap(&b), 0);
    run_end(&a), run_end(&b);
    remove(path);
}

static void resume_is_bit_exact(void **state) {
    (void)state;
    for (int optimiser = SGM_OPTIMISER_ADAM; optimiser <= SGM_OPTIMISER_SGD; optimiser++)
        for (int accumulate = 1; accumulate <= 2; accumulate++)
            for (int dropout = 0; dropout <= 1; dropout++)
                check_resume((sgm_optimiser_kind)optimiser, accumulate, dropout ? 0.3f : 0);
}

/* What must be the same in a run that goes on. Each change by one step must be refused by name. */

static double times_two_levels[2] = {0.3, 0.6};

static const char *change_setting(run *r, int which) {
    sgm_train_options *o = &r->to;
    switch (which) {
    case 0: o->batch = 6; return "train.batch";
    case 1: o->lr = 0.02; return "train.lr ";
    case 2: o->lr_end = 0.001; return "train.lr_end";
    case 3: o->accumulate = 2; return "train.accumulate";
    case 4: o->optimiser = SGM_OPTIMISER_ADAMW; return "train.optimiser";
    case 5: o->optimiser = SGM_OPTIMISER_SGD; return "train.optimiser";
    case 6: o->warmup = 3; return "train.warmup";
    case 7: o->clip = 2; return "train.clip";
    case 8: o->loss.weight = SGM_WEIGHT_ONE; return "train.weight";
    case 9: o->loss.times = SGM_TIMES_STRATIFIED; return "train.times";
    case 10: r->mo.output = SGM_OUTPUT_V; return "model.output";
    case 11: r->mo.sigma_data = 0.7; return "model.sigma_data";
    case 12: r->mo.sde.b = 9; return "sde.b";
    case 13: r->mo.sde.t_min = 0.01; return "sde.t_min";
    case 14: r->mo.sde.T = 0.9; return "sde.T";
    case 15: r->mo.sde = sgm_sde_subvp(0.1, 8); return "sde.family";
    case 16: r->mo.n_ema = 3; return "n_ema";
    case 17: o->lr *= 1 + 4e-16; return "train.lr "; /* the next double or the one after */
    default: return NULL;
    }
}

static const char *change_more(run *r, int which) {
    sgm_train_options *o = &r->to;
    switch (which) {
    case 0: o->beta1 = 0.8; return "beta1";
    case 1: o->beta2 = 0.99; return "beta2";
    case 2: o->eps = 1e-3; return "eps";
    case 3: o->ema[1] = 0.9; return "ema";
    case 4: o->loss.scale = 2; return "scale";
    case 5: o->cosine = 1; return "cosine";
    default: return NULL;
    }
}

static void check_refused(const char *(*change)(run *, int), int which) {
    run a = run_defaults(), b;
    a.mo.n_ema = 2;
    b = a;
    const char *name = change(&b, which);
    run_start(&a, 3), run_start(&b, 3);
    run_steps(&a, 6), run_steps(&b, 2);
    CHECK_OK(sgm_trainer_save(&a.trainer, path));
    snapshot *before = snap(&b);
    sgm_status status = sgm_trainer_load(&b.trainer, path);
    if (status != SGM_MISMATCH || !strstr(sgm_error(), name))
        print_error("another %s: %s, \"%s\"\n", name, sgm_status_name(status), sgm_error());
    CHECK_FAILS(status, SGM_MISMATCH, name);
    check_same(before, snap(&b), 1);
    run_end(&a), run_end(&b);
    remove(path);
}

static void other_settings_are_refused(void **state) {
    run none;
    (void)state;
    for (int i = 0; change_setting(&none, i); i++) check_refused(change_setting, i);
}

static void settings_that_only_change_the_course(void **state) {
    run none;
    (void)state;
    for (int i = 0; change_more(&none, i); i++) check_refused(change_more, i);
}

/* With a cosine the rate depends on the number of steps; a loss on a grid depends on the grid. */

static void another_length_or_grid_is_refused(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        double other_levels[2] = {0.3, 0.9};
        run a = run_defaults(), b;
        a.to.cosine = 1, a.to.loss.times = SGM_TIMES_GRID;
        a.to.loss.grid = times_two_levels, a.to.loss.n_grid = 2;
        b = a;
        if (which == 0) b.to.steps = 200;
        else b.to.loss.grid = other_levels;
        run_start(&a, 3), run_start(&b, 3);
        CHECK_OK(sgm_trainer_save(&a.trainer, path));
        CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, which ? "grid" : "steps");
        run_end(&a), run_end(&b);
        remove(path);
    }
}

static sgm_tensor *wider_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_linear(tape, sgm_silu(tape, sgm_linear(tape, in->x, 7)), in->x->cols);
}

static sgm_tensor *deeper_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *x = sgm_linear(tape, in->x, in->x->cols);
    sgm_net_in more = *in;
    more.x = x;
    return small_net(tape, &more);
}

static void other_networks_are_refused(void **state) {
    sgm_net nets[2] = {wider_net, deeper_net};
    (void)state;
    for (int i = 0; i < 2; i++) {
        run a = run_defaults(), b = run_defaults();
        b.mo.net = nets[i];
        run_start(&a, 3), run_start(&b, 3);
        CHECK_OK(sgm_trainer_save(&a.trainer, path));
        snapshot *before = snap(&b);
        CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, "network");
        CHECK_FAILS(sgm_model_load(&b.model, path), SGM_MISMATCH, "network");
        check_same(before, snap(&b), 1);
        run_end(&a), run_end(&b);
        remove(path);
    }
}

/* The same network on another number of points, and points of another dimension. */

static void other_data_is_refused(void **state) {
    run a = run_defaults(), b = run_defaults();
    (void)state;
    run_start(&a, 3), run_start(&b, 3);
    CHECK_OK(sgm_trainer_save(&a.trainer, path));
    b.trainer.n = POINTS - 1;
    CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, "train.points = 37");
    run_end(&b);
    b.mo.d = 1;
    CHECK_OK(sgm_model_init(&b.model, &b.mo, sgm_key_init(1)));
    CHECK_FAILS(sgm_model_load(&b.model, path), SGM_MISMATCH, "model.d");
    sgm_model_free(&b.model), run_end(&a);
    remove(path);
}

/* One call of sgm_train with a checkpoint; bits gets the parameters it ends with. */
static sgm_status train_on(run r, const float *points, float *bits) {
    CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(3)));
    sgm_status status = sgm_train(&r.model, points, POINTS, &r.to, sgm_key_init(4));
    if (bits) memcpy(bits, r.model.params, r.model.n_params * sizeof *bits);
    sgm_model_free(&r.model);
    return status;
}

/* More steps end in the bits of a longer run. Data of the same moments (here -x), other conditions,
and fewer averages are another run's, and the file stays as it is. */
static void a_checkpoint_is_of_one_run(void **state) {
    static float cond[2 * POINTS], minus[POINTS * D], whole[MOST], parts[MOST];
    sgm_archive before, after;
    run r = run_defaults(), other;
    (void)state;
    sgm_normal(data, COUNT(data), sgm_key_init(1000), 0);
    sgm_normal(cond, COUNT(cond), sgm_key_init(1001), 0);
    for (int i = 0; i < POINTS * D; i++) minus[i] = -data[i];
    r.mo.cond = 1, r.mo.n_ema = 2, r.to.cond = cond, r.to.held_out = -1;
    CHECK_OK(train_on(r, data, whole));
    r.to.checkpoint = path, r.to.steps = 60;
    remove(path);
    CHECK_OK(train_on(r, data, parts));
    assert_memory_not_equal(whole, parts, sizeof whole);
    CHECK_OK(sgm_archive_load(&before, path));
    other = r, other.to.steps = 80;
    CHECK_FAILS(train_on(other, minus, NULL), SGM_MISMATCH, "other data, conditions or labels");
    other.to.cond = cond + POINTS;
    CHECK_FAILS(train_on(other, data, NULL), SGM_MISMATCH, "other data, conditions or labels");
    other = r, other.to.steps = 80, other.mo.n_ema = 1;
    CHECK_FAILS(train_on(other, data, NULL), SGM_MISMATCH, "set n_ema to 2");
    other = r, other.to.steps = 1000, other.to.held_out = .2;
    CHECK_FAILS(train_on(other, data, NULL), SGM_MISMATCH, "set held_out to -1");
    CHECK_OK(sgm_archive_load(&after, path));
    assert_string_equal(sgm_archive_meta(&after, "train.step"), "60");
    assert_int_equal(before.n_arrays, after.n_arrays);
    sgm_archive_free(&before), sgm_archive_free(&after);
    r.to.steps = 100;
    CHECK_OK(train_on(r, data, parts));
    assert_memory_equal(whole, parts, sizeof whole);
    remove(path);
}

/* A saved file, changed: kind 0 NaN in an array, 1 no step, 2 a negative step, 3 a step that is
no number, 4 an array gone, 5 a setting gone, 6 a step too long, 7 another format. */

static sgm_status forge(const char *to, const char *from, int kind) {
    sgm_archive a;
    sgm_status status = sgm_archive_load(&a, from);
    const char *meta[200];
    int n = 0, arrays = a.n_arrays;
    if (status != SGM_OK) return status;
    while (strcmp(a.arrays[arrays - 1].name, "adam/v")) arrays--;
    for (int i = 0; i < a.n_meta; i++) {
        const char *key = a.meta[2 * i], *value = a.meta[2 * i + 1];
        int is_step = !strcmp(key, "train.step");
        if ((kind == 1 && is_step) || (kind == 5 && !strcmp(key, "train.clip"))) continue;
        if (strstr(key, "checksum") || strstr(key, "crc")) continue; /* written anew */
        if (kind == 2 && is_step) value = "-3";
        if (kind == 3 && is_step) value = "many";
        if (kind == 6 && is_step) value = "1000000000000000";
        if (kind == 7 && !strcmp(key, "sgm.format")) value = "2";
        meta[2 * n] = key, meta[2 * n + 1] = value, n++;
    }
    if (kind == 0) a.arrays[arrays - 1].data[3] = NAN;
    if (kind == 4) arrays--;
    status = sgm_archive_save(to, a.arrays, arrays, meta, n);
    sgm_archive_free(&a);
    return status;
}

static void hostile_files(void **state) {
    const sgm_status want[] = {SGM_NOT_FINITE, SGM_BAD_FILE, SGM_BAD_FILE, SGM_BAD_FILE,
        SGM_MISMATCH, SGM_BAD_FILE, SGM_BAD_FILE, SGM_MISMATCH};
    const char *text[] = {"adam/v", "train.step", "train.step", "train.step", "adam/v",
        "train.clip", "train.step", "sgm.format = 2, but here it is 1"};
    run r = run_defaults();
    (void)state;
    run_start(&r, 3);
    run_steps(&r, 3);
    CHECK_OK(sgm_trainer_save(&r.trainer, path));
    run_steps(&r, 2);
    snapshot *before = snap(&r);
    for (int kind = 0; kind < COUNT(want); kind++) {
        CHECK_OK(forge(other_path, path, kind));
        CHECK_FAILS(sgm_trainer_load(&r.trainer, other_path), want[kind], text[kind]);
        check_same(before, snap(&r), 1), before = snap(&r);
    }
    CHECK_FAILS(sgm_trainer_load(&r.trainer, directory), SGM_NO_FILE, directory);
    remove(other_path);
    CHECK_FAILS(sgm_trainer_load(&r.trainer, other_path), SGM_NO_FILE, other_path);
    CHECK_FAILS(sgm_model_load(&r.model, other_path), SGM_NO_FILE, other_path);
    CHECK_OK(sgm_model_save(&r.model, other_path));
    CHECK_FAILS(sgm_trainer_load(&r.trainer, other_path), SGM_BAD_FILE, "train.");
    CHECK_OK(sgm_archive_save(other_path, NULL, 0, NULL, 0)); /* another program's */
    CHECK_FAILS(sgm_model_load(&r.model, other_path), SGM_BAD_FILE, "take a file that was saved");
    check_same(before, snap(&r), 1);
    remove(path), remove(other_path);
    run_end(&r);
}

/*
One bit of a model's file flipped, wherever it is: the file is refused, or what is opened is saved as
the very same bytes. (C.1) covers the numbers; a digit of sigma_data or sde.b, the name of an average,
of the scaler or of the data's moments are in the header.
*/

static void flipped_files(void **state) {
    float points[24];
    long n = 0, opened = 0;
    sgm_scaler scaler;
    sgm_mlp_options net;
    sgm_model_options mo;
    sgm_train_options to;
    sgm_model m, again;
    (void)state;
    memset(&scaler, 0, sizeof scaler), memset(&net, 0, sizeof net);
    memset(&mo, 0, sizeof mo), memset(&to, 0, sizeof to);
    net.width = 2, net.depth = 1;
    mo.net = sgm_mlp, mo.user = &net, mo.d = 2, mo.sde = sgm_sde_vp(0.1, 20), mo.n_ema = 1;
    mo.scaler = &scaler, mo.sigma_data = 1.25, to.steps = 2, to.batch = 4;
    for (int i = 0; i < 24; i++) points[i] = (float)(i * i % 7);
    CHECK_OK(sgm_model_init(&m, &mo, sgm_key_init(1)));
    CHECK_OK(sgm_train(&m, points, 12, &to, sgm_key_init(2)));
    CHECK_OK(sgm_model_save(&m, path));
    sgm_model_free(&m), sgm_scaler_free(&scaler);
    FILE *f = fopen(path, "rb");
    static unsigned char bytes[1 << 14], saved[1 << 14];
    assert_non_null(f);
    n = (long)fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(n > 1000 && n < (long)sizeof bytes);
    for (long i = 0; i < n; i++) {
        const int bit = (int)(i % 7); /* of digits and letters, all bits that keep them ASCII */
        bytes[i] = (unsigned char)(bytes[i] ^ 1u << bit);
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, (size_t)n, f), n);
        fclose(f);
        bytes[i] = (unsigned char)(bytes[i] ^ 1u << bit);
        if (sgm_model_open(&again, path)) continue;
        opened++;
        CHECK_OK(sgm_model_save(&again, path));
        sgm_model_free(&again);
        f = fopen(path, "rb");
        assert_non_null(f);
        assert_int_equal(fread(saved, 1, sizeof saved, f), n);
        fclose(f);
        assert_memory_equal(bytes, saved, n);
    }
    assert_true(opened < 40); /* the letters of two keys' names: sgm.checksum, model.checksum */
    remove(path);
}

static void truncated_files(void **state) {
    struct stat info;
    run r = run_defaults();
    (void)state;
    run_start(&r, 3);
    run_steps(&r, 3);
    CHECK_OK(sgm_trainer_save(&r.trainer, path));
    assert_int_equal(stat(path, &info), 0);
    run_steps(&r, 1);
    snapshot *before = snap(&r);
    for (long length = (long)info.st_size - 1; length >= 0; length -= 97) {
        assert_int_equal(truncate(path, length), 0);
        assert_int_equal(sgm_trainer_load(&r.trainer, path), SGM_BAD_FILE);
        assert_int_equal(sgm_model_load(&r.model, path), SGM_BAD_FILE);
    }
    check_same(before, snap(&r), 1);
    remove(path);
    run_end(&r);
}

static void model_files(void **state) {
    run a = run_defaults(), b = run_defaults();
    (void)state;
    a.mo.n_ema = b.mo.n_ema = 2;
    run_start(&a, 3), run_start(&b, 8);
    run_steps(&a, 5);
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        if (checkpoint) CHECK_OK(sgm_trainer_save(&a.trainer, path));
        else CHECK_OK(sgm_model_save(&a.model, path));
        run_steps(&b, 3);
        CHECK_OK(sgm_model_load(&b.model, path));
        for (int which = SGM_RAW; which < 2; which++)
            assert_memory_equal(which < 0 ? a.model.params : a.model.ema[which],
                                which < 0 ? b.model.params : b.model.ema[which],
                                a.model.n_params * sizeof(float));
        assert_int_equal(b.trainer.step, 3 * (checkpoint + 1)); /* the trainer's own affair */
    }
    sgm_archive file; /* other programs find the tensors by name */
    CHECK_OK(sgm_archive_load(&file, path));
    const sgm_array *w = sgm_archive_find(&file, "ema1/linear0.weight");
    assert_non_null(w);
    assert_true(w->rows == 6 && w->cols == 7);
    assert_memory_equal(w->data, a.model.ema[1], 42 * sizeof(float));
    sgm_archive_free(&file);
    run_end(&a), run_end(&b);
    remove(path);
}

static void unwritable_paths(void **state) {
    char nowhere[400];
    run r = run_defaults();
    (void)state;
    run_start(&r, 3);
    snprintf(nowhere, sizeof nowhere, "%s/none/a.safetensors", directory);
    CHECK_FAILS(sgm_trainer_save(&r.trainer, nowhere), SGM_NO_FILE, nowhere);
    CHECK_FAILS(sgm_model_save(&r.model, nowhere), SGM_NO_FILE, nowhere);
    run_end(&r);
}

/*
## Mistakes
*/

static const char *mistake(sgm_train_options *o, int which) {
    switch (which) {
    case 0: o->steps = 0; return "steps >= 1";
    case 1: o->steps = -5; return "steps >= 1";
    case 2: o->batch = -1; return "batch >= 1";
    case 3: o->lr = -0.1; return "lr > 0";
    case 4: o->lr = NAN; return "lr > 0";
    case 5: o->lr_end = -1; return "lr_end >= 0";
    case 6: o->warmup = o->steps; return "warmup < steps";
    case 7: o->warmup = -1; return "0 <= warmup";
    case 8: o->ema[1] = 1; return "ema decays in (0, 1)";
    case 9: o->ema[0] = -0.5; return "ema decays in (0, 1)";
    case 10: o->beta1 = 1; return "betas in (0, 1)";
    case 11: o->beta2 = 1.5; return "betas in (0, 1)";
    case 12: o->eps = -1; return "eps > 0";
    case 13: o->accumulate = -2; return "accumulate >= 1";
    case 14: o->clip = -1; return "clip >= 0";
    case 15: o->clip = NAN; return "clip >= 0";
    case 16: o->weight_decay = -1; return "weight_decay >= 0";
    case 17: o->optimiser = (sgm_optimiser_kind)9; return "optimiser";
    case 18: o->loss.weight = SGM_WEIGHT_USER; return "user_weight";
    case 19: o->loss.times = SGM_TIMES_GRID; return "grid";
    case 20: o->loss.weight = (sgm_weight)50; return "weight";
    case 21: o->beta2 = 1 - 1e-9; return "betas in (0, 1)"; /* 1 as a float */
    case 22: o->beta1 = 1 - 2e-8; return "betas in (0, 1)";
    case 23: o->optimiser = SGM_OPTIMISER_SGD, o->beta1 = 1 - 1e-12; return "betas in (0, 1)";
    case 24: o->eps = 1e-40; return "eps > 0";
    case 25: o->eps = INFINITY; return "eps > 0";
    case 26: o->lr = 1e-50; return "lr > 0"; /* 0 as a float */
    case 27: o->lr_end = INFINITY; return "lr_end >= 0";
    case 28: o->optimiser = SGM_OPTIMISER_ADAMW, o->weight_decay = 1e6; return "weight_decay >= 0";
    case 29: o->held_out = 1; return "a share below 1";
    case 30: o->held_out = NAN; return "a share below 1";
    case 31: o->patience = -1; return "patience >= 0";
    case 32: o->held_out = 0.001; return "set held_out to -1";
    case 33: o->held_out = 0.999; return "set held_out to -1";
    case 34: o->held_out = 0.5, o->loss.objective = SGM_OBJECTIVE_SSM; return "set held_out to -1";
    case 35: o->weight_decay = 0.1; return "SGM_OPTIMISER_ADAMW"; /* the others have none */
    case 36: o->weight_decay = 0.1, o->optimiser = SGM_OPTIMISER_SGD; return "SGM_OPTIMISER_ADAMW";
    default: return NULL;
    }
}

static void bad_options(void **state) {
    run r = run_defaults();
    (void)state;
    r.mo.n_ema = 2;
    run_start(&r, 3);
    for (int i = 0;; i++) {
        sgm_trainer trainer;
        sgm_train_options o = r.to;
        const char *cure = mistake(&o, i);
        if (!cure) break;
        CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, data, POINTS, &o, sgm_key_init(1)),
                    SGM_BAD_ARGUMENT, cure);
        CHECK_FAILS(sgm_train(&r.model, data, POINTS, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, cure);
        sgm_trainer_free(&trainer); /* harmless */
    }
    run_end(&r);
}

static void bad_data_and_models(void **state) {
    float bad[6] = {1, 2, 3, 4, 5, 6};
    sgm_trainer t;
    sgm_model empty;
    sgm_key key = sgm_key_init(1);
    run r = run_defaults();
    (void)state;
    run_start(&r, 3);
    for (int i = 0; i < 3; i++) {
        bad[3] = i == 0 ? NAN : i == 1 ? INFINITY : -INFINITY;
        CHECK_FAILS(sgm_trainer_init(&t, &r.model, bad, 3, &r.to, key), SGM_NOT_FINITE, "point 1 ");
        CHECK_FAILS(sgm_train(&r.model, bad, 3, &r.to, key), SGM_NOT_FINITE,
                    "(coordinate 1): remove");
    }
    CHECK_FAILS(sgm_trainer_init(&t, &r.model, bad, 0, &r.to, key), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(sgm_trainer_init(&t, &r.model, NULL, 3, &r.to, key), SGM_BAD_ARGUMENT, "points");
    CHECK_FAILS(sgm_trainer_init(&t, &r.model, data, 3, NULL, key), SGM_BAD_ARGUMENT, "set steps");
    CHECK_FAILS(sgm_trainer_init(&t, NULL, data, 3, &r.to, key), SGM_BAD_ARGUMENT,
                "sgm_model_init");
    memset(&empty, 0, sizeof empty);
    CHECK_FAILS(sgm_trainer_init(&t, &empty, data, 3, &r.to, key), SGM_BAD_ARGUMENT,
                "sgm_model_init");
    run_end(&r);
    r.mo.sde.t_min = 0;
    CHECK_OK(sgm_model_init(&r.model, &r.mo, key));
    CHECK_FAILS(sgm_trainer_init(&t, &r.model, data, 3, &r.to, key), SGM_BAD_ARGUMENT, "set t_min");
    sgm_model_free(&r.model);
}

/*
## Numbers gone wrong
*/

/* (2·10¹⁹ t)² leaves the range of floats at t = 0.92, and does nothing before. */

static sgm_tensor *exploding_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *large = sgm_mul_by(tape, sgm_concat(tape, in->t, in->t), 2e19f);
    sgm_tensor *tiny = sgm_mul_by(tape, sgm_mul(tape, large, large), 1e-38f);
    return sgm_add(tape, sgm_linear(tape, in->x, in->x->cols), tiny);
}

/* The same in four tokens of each point, whose rows are no longer those of t. */

static sgm_tensor *exploding_tokens(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *two = sgm_concat(tape, in->t, in->t);
    sgm_tensor *h = sgm_patchify(tape, sgm_concat(tape, two, two), 2, 2, 1);
    h = sgm_mul_by(tape, h, 2e19f);
    h = sgm_unpatchify(tape, sgm_mul_by(tape, sgm_mul(tape, h, h), 1e-38f), 2, 2, 1);
    sgm_tensor *x = sgm_linear(tape, in->x, in->x->cols);
    return sgm_add(tape, x, sgm_linear(tape, h, in->x->cols));
}

/* Of a ladder, where points share their times, 6·10³⁸ t is too large on one rung of four. */

static const double rungs[4] = {0.3, 0.5, 0.9, 0.2};

static sgm_tensor *exploding_ladder(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_linear(tape, in->t, 1);
    h = sgm_mul_by(tape, sgm_linear(tape, h, in->x->cols), 1e-38f);
    return sgm_add(tape, sgm_linear(tape, in->x, in->x->cols), h);
}

/* The values are all 0, but their slope is 10⁵⁰, or 10³⁰, whose square is too large. */

static float steepness;

static sgm_tensor *steep_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_linear(tape, in->x, 4), *z = sgm_linear_zero(tape, h, in->x->cols);
    return sgm_mul_by(tape, sgm_mul_by(tape, z, steepness), steepness);
}

static void check_failed_step(run *r, const char *text) {
    snapshot *before = snap(r);
    CHECK_FAILS(sgm_trainer_step(&r->trainer), SGM_NOT_FINITE, text);
    check_same(before, snap(r), 0);
}

static void explosions_are_named(void **state) {
    (void)state;
    static const sgm_net nets[3] = {exploding_net, exploding_tokens, exploding_ladder};
    for (int which = 0; which < 3; which++) {
        double t = 0, sigma = 0;
        run r = run_defaults();
        r.mo.net = nets[which], r.mo.n_ema = 1;
        r.to.batch = 64, r.to.accumulate = 2;
        if (which == 2)
            r.to.loss.times = SGM_TIMES_GRID, r.to.loss.grid = rungs, r.to.loss.n_grid = 4;
        run_start(&r, 3);
        float *p = r.model.params;
        if (which == 2) p[0] = 3e38f, p[1] = 0, p[2] = p[3] = 2, p[4] = p[5] = 0;
        check_failed_step(&r, which == 2 ? "(linear)" : "(mul)");
        const char *at = strstr(sgm_error(), "t = ");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "t = %lf, sigma = %lf", &t, &sigma), 2);
        sgm__piece b = batch_of(&r.trainer, 0);
        int first = 0;
        while (first < 64 && b.t[first] < (which == 2 ? 0.89 : 0.92)) first++;
        CHECK_CLOSE(t, b.t[first], 5e-5 * t); /* four digits */
        CHECK_CLOSE(sigma, sgm_sde_s(&r.mo.sde, t), 5e-3 * sigma); /* six digits, at a t of four */
        check_text(sgm_error(), "step 0", __FILE__, __LINE__);
        CHECK_FAILS(sgm_train(&r.model, data, POINTS, &r.to, sgm_key_init(4)), SGM_NOT_FINITE,
                    "raise t_min");
        run_end(&r);
    }
}

/* Of several batches it is the one that exploded, not the last, whose tape is searched. */

static void the_exploding_batch_is_named(void **state) {
    int failed = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        run r = run_defaults();
        r.mo.net = exploding_net, r.to.batch = 4, r.to.accumulate = 3;
        run_start(&r, seed);
        if (sgm_trainer_step(&r.trainer) != SGM_OK) /* in 1 - 0.92¹² = 63 % of all keys */
            failed++, check_text(sgm_error(), "(mul)", __FILE__, __LINE__);
        run_end(&r);
    }
    assert_true(failed > 4);
}

static void steep_gradients_are_named(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        run r = run_defaults();
        steepness = k ? 1e15f : 1e25f;
        r.mo.net = steep_net, r.mo.n_ema = 1;
        run_start(&r, 3);
        check_failed_step(&r, k ? "norm" : "gradient of linear1.bias");
        run_end(&r);
    }
}

static void bad_parameters_are_named(void **state) {
    run r = run_defaults();
    (void)state;
    run_start(&r, 3);
    run_steps(&r, 2);
    r.model.params[6 * 7 + 7 + 1] = NAN;
    check_failed_step(&r, "step 2: the parameter linear2.weight");
    run_end(&r);
}

/* "Nothing is changed by a step that fails": the sums for the log neither. */

static void failed_steps_leave_the_log_alone(void **state) {
    run r = run_defaults();
    (void)state;
    r.mo.net = exploding_net, r.to.batch = 64;
    run_start(&r, 3);
    snapshot *before = snap(&r);
    assert_int_equal(sgm_trainer_step(&r.trainer), SGM_NOT_FINITE);
    check_same(before, snap(&r), 1);
    run_end(&r);
}

/*
## Memory
*/

static void every_allocation_fails_once(void **state) {
    float rate = 0.3f;
    sgm_status status = SGM_NO_MEMORY;
    run r = run_defaults();
    (void)state;
    r.mo.user = &rate, r.mo.n_ema = 1, r.to.accumulate = 2, r.to.steps = 2;
    run_start(&r, 3);
    sgm_trainer_free(&r.trainer);
    int idle = live_blocks, n = 0;
    while (status != SGM_OK) {
        float before[MOST];
        memcpy(before, r.model.params, r.model.n_params * sizeof(float));
        n++, alloc_calls = 0, fail_at = n;
        status = sgm_train(&r.model, data, POINTS, &r.to, sgm_key_init(1));
        assert_int_equal(live_blocks, idle);
        if (status == SGM_OK) break;
        CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
        assert_memory_equal(before, r.model.params, r.model.n_params * sizeof(float));
        assert_true(n < 100);
    }
    fail_at = 0;
    assert_true(n > 6);
    sgm_model_free(&r.model);
}

/* A step for want of memory fails, and succeeds when it is asked again, with the bits of one that
never failed. */

static void a_step_can_be_repeated(void **state) {
    (void)state;
    for (int n = 1; n < 6; n++) {
        run a = run_defaults(), b = run_defaults();
        a.to.batch = b.to.batch = 400; /* several blocks, some of them wanted on the way back */
        run_start(&a, 3), run_start(&b, 3);
        alloc_calls = 0, fail_at = n;
        for (int tries = 0; tries < 2 && b.trainer.step == 0; tries++) sgm_trainer_step(&b.trainer);
        fail_at = 0;
        run_steps(&a, 3), run_steps(&b, 2);
        check_same(snap(&a), snap(&b), 1);
        run_end(&a), run_end(&b);
    }
}

static sgm_status save_trainer(sgm_trainer *trainer, const char *to) {
    return sgm_trainer_save(trainer, to);
}

static void saving_and_loading_without_memory(void **state) {
    run r = run_defaults();
    (void)state;
    r.mo.n_ema = 1;
    run_start(&r, 3);
    run_steps(&r, 2);
    for (int loading = 0; loading < 2; loading++) {
        sgm_status status = SGM_NO_MEMORY;
        for (int n = 1; n < 60 && status != SGM_OK; n++) {
            int idle = live_blocks;
            snapshot *before = snap(&r);
            alloc_calls = 0, fail_at = n;
            status = (loading ? sgm_trainer_load : save_trainer)(&r.trainer, path);
            fail_at = 0;
            if (status != SGM_OK) CHECK_FAILS(status, SGM_NO_MEMORY, "memory");
            assert_int_equal(live_blocks, idle);
            check_same(before, snap(&r), 1);
        }
        CHECK_OK(status);
    }
    remove(path);
    run_end(&r);
}

/*
## A fit whose answer is known

At one time t, with a network that is linear in x, (2.11) is a least-squares problem. Its
minimiser on data of mean μ and variance c is ε̂ = w (x - m μ), w = s/(m²c + s²): the exact score.
SGD's steps are unbiased, so the average over N steps of batches of B scatters around it with
variance floor/(v·B·N), v = m²c + s² and floor = 1 - s²/v = E(ε - ε̂)². The moving average with γ
counts as N = (1+γ)/(1-γ) steps.
*/

static sgm_tensor *line_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *twice = sgm_concat(tape, in->x, sgm_mul_by(tape, in->x, 0.5f));
    return sgm_linear(tape, twice, in->x->cols);
}

static void linear_fit(void **state) {
    enum { N = 500, B = 64 };
    static float points[N];
    double level = 0.4, gamma = 0.999, mean = 0, c = 0;
    (void)state;
    sgm_normal(points, N, sgm_key_init(12), 0);
    for (int i = 0; i < N; i++) points[i] = 0.4f * points[i] + 0.3f, mean += points[i] / (double)N;
    for (int i = 0; i < N; i++) c += (points[i] - mean) * (points[i] - mean) / N;
    for (int output = SGM_OUTPUT_NOISE; output <= SGM_OUTPUT_SCORE; output++) {
        run r = run_defaults();
        float x[2] = {-1, 1.5f}, t[2] = {(float)level, (float)level}, s[2];
        r.mo.net = line_net, r.mo.d = 1, r.mo.n_ema = 1, r.mo.output = (sgm_output)output;
        r.to.held_out = -1;
        r.to.steps = 12000, r.to.batch = B, r.to.optimiser = SGM_OPTIMISER_SGD, r.to.lr = 0.03,
            r.to.ema[0] = gamma;
        r.to.loss.times = SGM_TIMES_GRID, r.to.loss.grid = &level, r.to.loss.n_grid = 1;
        CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(1)));
        CHECK_OK(sgm_train(&r.model, points, N, &r.to, sgm_key_init(2)));
        double m = sgm_sde_m(&r.mo.sde, t[0]), sd = sgm_sde_s(&r.mo.sde, t[0]),
            v = m * m * c + sd * sd;
        double se_w = sqrt((1 - sd * sd / v) / (v * B * (1 + gamma) / (1 - gamma)));
        sgm_score score = sgm_model_score(&r.model, 0);
        CHECK_OK(sgm_score_eval(&score, s, x, t, 2));
        double w = -(s[1] - s[0]) / 2.5 * sd; /* ε̂ = -s·score */
        CHECK_CLOSE(w, sd / v, CHECK_SIGMAS * se_w);
        /* 0: variance floor/(B N) */
        double at_mean = -sd * (s[0] + (s[1] - s[0]) * (m * mean - x[0]) / 2.5);
        CHECK_CLOSE(at_mean, 0, CHECK_SIGMAS * se_w * sqrt(v));
        /* the test is sharp enough to mean something */
        assert_true(CHECK_SIGMAS * se_w < 0.02 * sd / v);
        sgm_model_free(&r.model);
    }
}

/*
A network learns more than a line: on eight points of a circle (variance ½ per coordinate) the
best linear ε̂ has the loss E_t 2m²½/(m²½ + s²), as above, and the network must come out below it;
but never below the floor.
*/

static double best_line(const sgm_sde *sde) {
    double sum = 0;
    for (int i = 0; i < 1000; i++) {
        double t = sde->t_min + (i + 0.5) / 1000 * (sde->T - sde->t_min), m = sgm_sde_m(sde, t);
        double s = sgm_sde_s(sde, t), c = 0.5 * m * m;
        sum += 2 * c / (c + s * s) / 1000;
    }
    return sum;
}

static void a_short_run_learns(void **state) {
    float ring[16];
    sgm_dsm_result dsm;
    sgm_mixture exact;
    sgm_mlp_options net;
    run r = run_defaults();
    (void)state;
    sgm_data_ring(ring, 8);
    memset(&net, 0, sizeof net);
    net.width = 32, net.depth = 2, net.activation = SGM_ACTIVATION_SILU, net.embedding = SGM_EMBEDDING_CIRCLE;
    r.mo.net = sgm_mlp, r.mo.user = &net, r.mo.n_ema = 1, r.to.ema[0] = 0.99;
    r.to.steps = 2000, r.to.batch = 64, r.to.lr = 1e-2, r.to.cosine = 1;
    CHECK_OK(sgm_mixture_from_data(&exact, ring, 8, 2, &r.mo.sde));
    CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(1)));
    sgm_score score = sgm_model_score(&r.model, 0), truth = sgm_mixture_score(&exact);
    CHECK_OK(sgm_train(&r.model, ring, 8, &r.to, sgm_key_init(2)));
    CHECK_OK(sgm_dsm(&dsm, &score, &truth, ring, 8, &r.to.loss, 20000, sgm_key_init(3)));
    assert_true(dsm.loss < best_line(&r.mo.sde) - CHECK_SIGMAS * dsm.loss_se);
    assert_true(dsm.loss > dsm.floor - CHECK_SIGMAS * (dsm.loss_se + dsm.floor_se));
    sgm_model_free(&r.model), sgm_mixture_free(&exact);
}

/*
## Progress and the clock
*/

static char *stderr_of(void (*f)(void), char *text, size_t room) {
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(2);
    dup2(fileno(file), 2);
    f();
    fflush(stderr);
    dup2(saved, 2), close(saved);
    rewind(file);
    text[fread(text, 1, room - 1, file)] = 0;
    fclose(file);
    return text;
}

static void train_with_a_label(void) {
    run r = run_defaults();
    r.to.progress = "circle", r.to.floor = 0.25, r.to.steps = 20;
    run_start(&r, 3);
    sgm_train(&r.model, data, POINTS, &r.to, sgm_key_init(1));
    run_end(&r);
}

static void draw_a_bar(void) {
    sgm_progress p;
    sgm_progress_init(&p, "circle", 200);
    p.active = 1, p.started = sgm_seconds() - 10; /* as if on a terminal, for 10 seconds */
    sgm_progress_step(&p, 50, 0.5, 0.25);
    sgm_progress_step(&p, 51, 0.4, 0.25); /* too soon to draw again */
    sgm_progress_step(&p, 200, NAN, NAN); /* the end is always drawn */
    sgm_progress_done(&p);
    sgm_progress_done(&p);
}

static void progress(void **state) {
    char text[2000];
    (void)state;
    /* a file is no terminal */
    assert_string_equal(stderr_of(train_with_a_label, text, sizeof text), "");
    stderr_of(draw_a_bar, text, sizeof text);
    check_text(text, "circle", __FILE__, __LINE__);
    check_text(text, "[#####....", __FILE__, __LINE__);
    check_text(text, " 25%  5.0/s  30 s left  loss 0.5000 (floor 0.2500)", __FILE__, __LINE__);
    check_text(text, "100%", __FILE__, __LINE__);
    assert_null(strstr(text, "0.4000")), assert_null(strstr(text, "nan"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void seconds(void **state) {
    struct timespec pause = {0, 20 * 1000 * 1000};
    double start = sgm_seconds(), last = start;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        double now = sgm_seconds();
        assert_true(now >= last);
        last = now;
    }
    nanosleep(&pause, NULL);
    assert_true(sgm_seconds() - start >= 0.0199 && sgm_seconds() - start < 60);
}

#define TEST(name, f) {name, f, fresh_start, nothing_left, NULL}

/* A scaler goes into the file with the model and comes back to the last bit: a double is three floats. */

static void scaler_in_the_file(void **state) {
    float points[40];
    const char *file = "test_4_scaler.tmp";
    sgm_scaler made, read;
    sgm_model a, b;
    sgm_model_options o;
    (void)state;
    sgm_normal(points, 40, sgm_key_init(3), 0);
    CHECK_OK(sgm_scaler_init(&made, points, 20, 2));
    CHECK_OK(sgm_scaler_init(&read, points + 20, 10, 2));
    made.shift[0] = 1.0 / 3, made.scale[1] = 3.14159265358979311600e5;
    memset(&o, 0, sizeof o);
    o.net = sgm_mlp, o.d = 2, o.sde = sgm_sde_vp(0.1, 20), o.scaler = &made;
    CHECK_OK(sgm_model_init(&a, &o, sgm_key_init(1)));
    CHECK_OK(sgm_model_save(&a, file));
    o.scaler = &read;
    CHECK_OK(sgm_model_init(&b, &o, sgm_key_init(2)));
    CHECK_OK(sgm_model_load(&b, file));
    for (int i = 0; i < 2; i++) {
        CHECK_CLOSE(read.shift[i], made.shift[i], 0);
        CHECK_CLOSE(read.scale[i], made.scale[i], 0);
    }
    sgm_model_free(&b), sgm_scaler_free(&read);
    memset(&read, 0, sizeof read); /* one of zeros is the file's to fill */
    CHECK_OK(sgm_model_init(&b, &o, sgm_key_init(2)));
    CHECK_OK(sgm_model_load(&b, file));
    assert_int_equal(read.d, 2);
    assert_memory_equal(read.shift, made.shift, 2 * sizeof *made.shift);
    assert_memory_equal(read.scale, made.scale, 2 * sizeof *made.scale);
    sgm_model_free(&b);
    sgm_scaler image; /* a file that does not fit leaves what is asked of a training */
    memset(&image, 0, sizeof image), image.channels = 1;
    o.scaler = &image, o.n_ema = 1;
    CHECK_OK(sgm_model_init(&b, &o, sgm_key_init(2)));
    CHECK_FAILS(sgm_model_load(&b, file), SGM_MISMATCH, "averages");
    assert_int_equal(image.d, 0), assert_int_equal(image.channels, 1);
    sgm_model_free(&b);
    o.n_ema = 0;
    o.scaler = NULL; /* without one the file's parameters would pass for those of raw data */
    CHECK_OK(sgm_model_init(&b, &o, sgm_key_init(2)));
    CHECK_FAILS(sgm_model_load(&b, file), SGM_MISMATCH, "set scaler in its options");
    sgm_model_free(&b);
    o.scaler = &read;
    CHECK_OK(sgm_model_init(&b, &o, sgm_key_init(2)));
    read.shift[0] = 7, a.o.scaler = NULL; /* a file without one: refused, and nothing changes */
    CHECK_OK(sgm_model_save(&a, file));
    CHECK_FAILS(sgm_model_load(&b, file), SGM_MISMATCH, "set scaler to NULL");
    CHECK_CLOSE(read.shift[0], 7, 0);
    sgm_model_free(&b);
    read.d = 1;
    CHECK_FAILS(sgm_model_init(&b, &o, sgm_key_init(2)), SGM_MISMATCH, "dimension 1");
    read.d = 2;
    sgm_model_free(&a);
    sgm_scaler_free(&made), sgm_scaler_free(&read);
    remove(file);
}

/*
## Points held out (§4.7)

60 points with 12 held out. Their first coordinate is their number, so that it can be read from what
the trainer draws; x is (1.6) of the stored noise, and the look is (2.11) by its definition.
*/

enum { HELD_N = 60, HELD = 12 };
static float marked[HELD_N * D], marks[HELD_N];

static run held_run(void) {
    run r = run_defaults();
    sgm_normal(marked, COUNT(marked), sgm_key_init(77), 0);
    for (int i = 0; i < HELD_N; i++) marks[i] = (float)i, marked[D * i] = 0.01f * (float)i;
    r.mo.n_ema = 1, r.mo.cond = 1;
    r.to.cond = marks, r.to.held_out = (double)HELD / HELD_N, r.to.steps = 1000;
    return r;
}

static void held_start(run *r) {
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(3)));
    CHECK_OK(sgm_trainer_init(&r->trainer, &r->model, marked, HELD_N, &r->to, sgm_key_init(4)));
}

static void held_out_points_are_not_learnt(void **state) {
    run r = held_run();
    int seen[HELD_N] = {0}, apart[HELD_N] = {0}, both = 0, none = 0;
    (void)state;
    r.to.batch = 8; /* 48 points in 6 steps */
    held_start(&r);
    const struct sgm_held *h = r.trainer.watch;
    assert_int_equal(r.trainer.held, HELD);
    assert_int_equal(h->n % HELD, 0);
    for (int i = 0; i < 6; i++) {
        run_steps(&r, 1);
        sgm__piece b = last_batch(&r.trainer);
        for (int j = 0; j < 8; j++) {
            seen[(int)b.cond[j]]++;
            CHECK_CLOSE(b.x0[D * j], 0.01f * b.cond[j], 0); /* conditions move with their rows */
        }
    }
    for (long i = 0; i < h->n; i++) {
        double m = sgm_sde_m(&r.mo.sde, h->t[i]), sd = sgm_sde_s(&r.mo.sde, h->t[i]);
        /* x is rounded to float: off by 2^-24 (m x0 + s e), divided by m >= .13 */
        CHECK_CLOSE((h->x[D * i] - sd * h->eps[D * i]) / m, 0.01 * h->cond[i], 2e-6);
        apart[(int)h->cond[i]]++;
    }
    for (int i = 0; i < HELD_N; i++) both += seen[i] && apart[i], none += !seen[i] && !apart[i];
    assert_int_equal(both, 0);
    assert_int_equal(none, 0);
    run_end(&r);
}

static void a_look_is_the_loss(void **state) {
    run r = held_run();
    (void)state;
    r.to.loss.weight = SGM_WEIGHT_G2, r.to.loss.scale = 0.5, r.to.ema[0] = 0.9;
    held_start(&r);
    const struct sgm_held *h = r.trainer.watch;
    assert_true(isnan(r.trainer.held_loss) && isnan(r.trainer.best_loss));
    CHECK_FAILS(sgm_trainer_best(&r.trainer), SGM_BAD_ARGUMENT, "set held_out");
    run_steps(&r, (int)h->every - 1);
    assert_int_equal(r.trainer.best_step, 0);
    run_steps(&r, 1);
    assert_int_equal(r.trainer.best_step, h->every);
    double sum = 0, size = 0;
    for (long i = 0; i < h->n; i++) {
        sgm_condition c;
        float s[D];
        CHECK_OK(sgm_condition_init(&c, &r.model, 0, h->cond + i, 1));
        sgm_score score = sgm_condition_score(&c);
        CHECK_OK(sgm_score_eval(&score, s, h->x + D * i, h->t + i, 1));
        double sd = sgm_sde_s(&r.mo.sde, h->t[i]);
        double w = 0.5 * sgm_loss_weight(&r.to.loss, &r.mo.sde, h->t[i]);
        for (int j = 0; j < D; j++) {
            double miss = h->eps[D * i + j] + sd * s[j];
            sum += w * miss * miss / (double)h->n, size += w * fabs(miss) * 4 / (double)h->n;
        }
    }
    CHECK_CLOSE(r.trainer.held_loss, sum, 1e-6 * size); /* scores and w are floats */
    run_end(&r);
}

static void held_resume_is_bit_exact(void **state) {
    run whole = held_run(), part = held_run(), none = held_run();
    (void)state;
    whole.to.lr = part.to.lr = 1, whole.to.ema[0] = part.to.ema[0] = 0.5; /* some look is worse */
    whole.to.patience = part.to.patience = 1000;
    held_start(&whole), held_start(&part);
    const long every = whole.trainer.watch->every;
    run_steps(&whole, (int)(6 * every)), run_steps(&part, (int)(4 * every));
    assert_true(part.trainer.best_step > 0 && part.trainer.best_step < 4 * every);
    CHECK_OK(sgm_trainer_save(&part.trainer, path));
    run_end(&part), held_start(&part);
    CHECK_OK(sgm_trainer_load(&part.trainer, path));
    run_steps(&part, (int)(2 * every));
    size_t bytes = whole.model.n_params * sizeof(float);
    assert_int_equal(part.trainer.best_step, whole.trainer.best_step);
    CHECK_CLOSE(part.trainer.best_loss, whole.trainer.best_loss, 0);
    CHECK_CLOSE(part.trainer.held_loss, whole.trainer.held_loss, 0);
    assert_int_equal(part.trainer.watch->worse, whole.trainer.watch->worse);
    assert_memory_equal(part.trainer.watch->best, whole.trainer.watch->best, 2 * bytes);
    assert_memory_equal(part.model.params, whole.model.params, bytes);
    none.to.held_out = -1;
    held_start(&none);
    CHECK_FAILS(sgm_trainer_load(&none.trainer, path), SGM_MISMATCH, "set held_out");
    CHECK_OK(sgm_trainer_best(&whole.trainer));
    assert_memory_equal(whole.trainer.watch->best, whole.model.params, bytes);
    assert_memory_equal(whole.trainer.watch->best + whole.model.n_params, whole.model.ema[0], bytes);
    run_end(&whole), run_end(&part), run_end(&none);
}

static void patience_and_report(void **state) {
    sgm_train_report report;
    run r = held_run();
    (void)state;
    r.to.lr = 0.2, r.to.patience = 2, r.to.steps = 100000, r.to.report = &report;
    CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(3)));
    CHECK_OK(sgm_train(&r.model, marked, HELD_N, &r.to, sgm_key_init(4)));
    assert_true(report.stopped && report.steps < 100000 && report.held == HELD);
    assert_true(report.best_step < report.steps && report.best_loss < report.held_loss);
    r.to.held_out = -1, r.to.steps = 10;
    CHECK_OK(sgm_train(&r.model, marked, HELD_N, &r.to, sgm_key_init(4)));
    assert_true(report.held == 0 && report.best_step == 10 && !report.stopped);
    assert_true(isnan(report.held_loss) && isnan(report.best_loss));
    sgm_model_free(&r.model);
}

/* 0: a tenth of 50 points or more, if each would be seen 50 times. */
static void who_is_held_out(void **state) {
    static const struct { long n, steps; double share; long held; } cases[] = {
        {49, 100000, 0, 0}, {50, 499, 0, 0}, {50, 500, 0, 5}, {60, 100000, 0, 6},
        {60, 100000, -1, 0}, {8, 3, 0.25, 2}, {60, 3, 0.5, 30}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        run r = held_run();
        r.to.held_out = cases[i].share, r.to.steps = cases[i].steps, r.to.batch = 5;
        CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(3)));
        CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, marked, cases[i].n, &r.to,
                                  sgm_key_init(4)));
        assert_int_equal(r.trainer.held, cases[i].held);
        run_end(&r);
    }
}

/*
The table that showed what is missing: 142 rows, 13 columns, three groups. Likelihood of fresh rows:
what the kept parameters lose against the best that the run passed through is at most .1 nats a
column; the last parameters, which the run would end with if nothing were held out, lose more.
*/

static double table_nats(const sgm_score *score, const float *x, int n) {
    sgm_likelihood_options o;
    sgm_likelihood_result r;
    double logp[100];
    memset(&o, 0, sizeof o);
    o.unchecked = 1, o.solve.rtol = o.solve.atol = 1e-3;
    CHECK_OK(sgm_likelihood(logp, NULL, NULL, x, n, score, &o, &r, sgm_key_init(1)));
    return r.nats / 13;
}

static void a_small_table_is_not_memorised(void **state) {
    enum { ROWS = 142, C = 13, FRESH = 100 };
    static float x[ROWS * C], fresh[FRESH * C], z[6 * C];
    double mean[3 * C], var[3 * C], best = -HUGE_VAL;
    sgm_mixture mix;
    sgm_mlp_options net;
    (void)state;
    run r = run_defaults();
    memset(&net, 0, sizeof net);
    net.width = 64, net.depth = 3, net.activation = SGM_ACTIVATION_SILU, net.embedding = SGM_EMBEDDING_FOURIER;
    r.mo.net = sgm_mlp, r.mo.user = &net, r.mo.d = C, r.mo.sde = sgm_sde_vp(0.1, 20);
    r.mo.n_ema = 1, r.mo.output = SGM_OUTPUT_EDM_F, r.mo.sigma_data = 1;
    memset(&r.to, 0, sizeof r.to);
    r.to.steps = 2500, r.to.lr = 4e-3, r.to.loss.weight = SGM_WEIGHT_EDM, r.to.ema[0] = 0.99;
    r.to.loss.times = SGM_TIMES_LOGNORMAL, r.to.loss.mean = -0.5, r.to.loss.std = 1.2;
    sgm_normal(z, 6 * C, sgm_key_init(3), 0);
    for (int i = 0; i < 3 * C; i++)
        mean[i] = 0.85 * z[i], var[i] = 0.05 + 0.3 * z[3 * C + i] * z[3 * C + i];
    CHECK_OK(sgm_mixture_init(&mix, 3, C, NULL, mean, var, SGM_COV_DIAGONAL, &r.mo.sde));
    CHECK_OK(sgm_mixture_sample(&mix, x, NULL, ROWS, 0, sgm_key_init(11)));
    CHECK_OK(sgm_mixture_sample(&mix, fresh, NULL, FRESH, 0, sgm_key_init(12)));
    CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(3)));
    CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, x, ROWS, &r.to, sgm_key_init(4)));
    assert_int_equal(r.trainer.held, 14);
    sgm_score score = sgm_model_score(&r.model, 0);
    for (int i = 0; i < 10; i++) {
        run_steps(&r, 250);
        best = fmax(best, table_nats(&score, fresh, FRESH));
    }
    double last = table_nats(&score, fresh, FRESH);
    CHECK_OK(sgm_trainer_best(&r.trainer));
    double kept = table_nats(&score, fresh, FRESH);
    print_message("log p a column: best %.3f, kept %.3f, last %.3f\n", best, kept, last);
    assert_true(kept > best - 0.1);
    assert_true(last < best - 0.1); /* so the row above can fail */
    sgm_mixture_free(&mix);
    run_end(&r);
}

/*
(5.14): what comes out is compared with what went in. A network that says noise of a constant size
draws samples whose width is known: with F = 0 the model is the exact score of N(0, sigma_data²), so
that a lie about sigma_data is a lie about the samples' rms, by exactly its factor.
*/

static sgm_tensor *silent_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_linear_zero(tape, in->x, in->x->cols);
}

static sgm_status draw_with(run *r, double lie, int n, double *spread, int trained) {
    enum { MANY = 2000 };
    static float x[MANY * D];
    sgm_sample_options o;
    r->mo.net = silent_net, r->mo.output = SGM_OUTPUT_EDM_F, r->mo.sigma_data = lie;
    r->mo.sde = sgm_sde_vp(0.1, 20);
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(3)));
    memset(r->model.params, 0, r->model.n_params * sizeof(float));
    if (trained)
        CHECK_OK(sgm_trainer_init(&r->trainer, &r->model, marked, HELD_N, &r->to, sgm_key_init(4)));
    memset(&o, 0, sizeof o);
    o.method = SGM_METHOD_DPMPP_2M, o.grid = SGM_GRID_LOGSNR, o.steps = 200, o.spread = spread;
    sgm_score score = sgm_model_score(&r->model, SGM_RAW);
    return sgm_sample(x, n, &score, &o, sgm_key_init(5));
}

static void samples_far_from_the_data(void **state) {
    static const double lies[] = {1, 1.5, 0.6, 3, 30, 0.3};
    double spread, square = 0;
    (void)state;
    sgm_normal(marked, COUNT(marked), sgm_key_init(77), 0);
    for (int i = 0; i < HELD_N * D; i++) square += marked[i] * marked[i] / (HELD_N * D);
    for (int i = 0; i < COUNT(lies); i++) {
        run r = run_defaults();
        int far = lies[i] > 2 || lies[i] < 0.5;
        sgm_status status = draw_with(&r, lies[i], 2000, &spread, 1);
        assert_int_equal(status, far ? SGM_NOT_LEARNT : SGM_OK);
        if (far) check_text(sgm_error(), "times that of the training data", __FILE__, __LINE__);
        /* 4000 numbers: 4 of their 1/sqrt(8000); the prior is N(0, 1), p_T has the variance
           1 + m² (lie² - 1), m² = 4.3e-5: .02 in rms for 30; and the steps' 1 % */
        CHECK_REL(spread, lies[i] / sqrt(square), 4 / sqrt(8000) + 0.01 + 0.02 * (lies[i] > 9));
        run_end(&r);
    }
    run r = run_defaults(); /* not trained: nothing to compare with */
    assert_int_equal(draw_with(&r, 30, 2000, &spread, 0), SGM_OK);
    assert_true(isnan(spread));
    sgm_model_free(&r.model);
    r = run_defaults(); /* the numbers travel with the file */
    assert_int_equal(draw_with(&r, 30, 2000, &spread, 1), SGM_NOT_LEARNT);
    CHECK_OK(sgm_model_save(&r.model, path));
    double kept[3] = {r.model.rms, r.model.fourth, r.model.reach};
    r.model.rms = r.model.fourth = r.model.reach = 0;
    CHECK_OK(sgm_model_load(&r.model, path));
    CHECK_CLOSE(r.model.rms, kept[0], 0);
    CHECK_CLOSE(r.model.fourth, kept[1], 0);
    CHECK_CLOSE(r.model.reach, kept[2], 0);
    run_end(&r);
    remove(path);
    /* a handful of samples may be far by chance: 3 of N(0, 1) are beyond rms 2 in 6e-5 of draws */
    r = run_defaults();
    assert_int_equal(draw_with(&r, 1, 3, &spread, 1), SGM_OK);
    run_end(&r);
}

/*
## A run that goes on from its checkpoint

Every way of training, interrupted at a step that no checkpoint interval meets, against the run that
was left alone: the same parameters, averages and report, to the last bit. ROWS points; the network
is told what there is to tell.
*/
enum { ROWS = 60, TOLD = 3 };

typedef struct told {
    float x[ROWS * D], cond[ROWS * TOLD];
    int label[ROWS];
    sgm_mixture mix;
    sgm_score exact;
    sgm_scaler scaler;
} told;

static sgm_tensor *told_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_concat(tape, in->x, in->log_sigma);
    if (in->cond) h = sgm_concat(tape, h, sgm_concat(tape, in->cond, in->known));
    h = sgm_dropout(tape, sgm_tanh(tape, sgm_linear(tape, h, 9)), 0.1f);
    return sgm_linear(tape, h, in->out);
}

static const char *const kinds[] = {"plain", "cosine, warmup, clip", "SGD, momentum", "AdaBelief",
    "AdamW, accumulate", "two averages", "conditions", "labels", "scaler, sigma_data", "held out",
    "patience", "ISM", "SSM", "ESM", "energy, DSM", "energy, SSM", "held out, conditions, averages",
    "held out, labels"};
enum { KINDS = COUNT(kinds) };

static run told_run(told *t, const char *kind) {
    run r = run_defaults();
    memset(t, 0, sizeof *t);
    sgm_normal(t->x, COUNT(t->x), sgm_key_init(60), 0);
    sgm_normal(t->cond, COUNT(t->cond), sgm_key_init(61), 0);
    for (int i = 0; i < ROWS; i++) t->label[i] = i % 3;
    r.mo.net = told_net, r.mo.n_ema = 1, r.to.steps = 60, r.to.batch = 8, r.to.held_out = -1;
    if (strstr(kind, "cosine")) r.to.cosine = 1, r.to.warmup = 7, r.to.clip = 1;
    if (strstr(kind, "SGD")) r.to.optimiser = SGM_OPTIMISER_SGD, r.to.beta1 = 0.5, r.to.lr = 1e-3;
    if (strstr(kind, "AdaB")) r.to.optimiser = SGM_OPTIMISER_ADABELIEF;
    if (strstr(kind, "AdamW")) r.to.optimiser = SGM_OPTIMISER_ADAMW, r.to.weight_decay = 0.1;
    if (strstr(kind, "accumulate")) r.to.accumulate = 3;
    if (strstr(kind, "averages")) r.mo.n_ema = 2, r.to.ema[1] = 0.9;
    if (strstr(kind, "conditions")) r.mo.cond = TOLD, r.to.cond = t->cond, r.to.cond_dropout = 0.3;
    if (strstr(kind, "labels")) r.mo.classes = 3, r.mo.output = SGM_OUTPUT_AUTO, r.to.labels = t->label;
    if (strstr(kind, "scaler")) r.mo.scaler = &t->scaler, r.mo.sigma_data = 0;
    if (strstr(kind, "held")) r.to.held_out = 0.2;
    if (strstr(kind, "patience")) r.to.held_out = 0.2, r.to.patience = 2, r.to.lr = 0.3, r.to.steps = 9000;
    if (strstr(kind, "energy")) r.mo.energy = 1, r.mo.output = SGM_OUTPUT_AUTO;
    if (strstr(kind, "ISM")) r.to.loss.objective = SGM_OBJECTIVE_ISM;
    if (strstr(kind, "SSM")) r.to.loss.objective = SGM_OBJECTIVE_SSM, r.to.loss.directions = 2;
    if (strstr(kind, "ESM")) {
        CHECK_OK(sgm_mixture_from_data(&t->mix, t->x, ROWS, D, &r.mo.sde));
        t->exact = sgm_mixture_score(&t->mix);
        r.to.loss.objective = SGM_OBJECTIVE_ESM, r.to.loss.exact = &t->exact;
    }
    return r;
}

static void told_end(told *t) { sgm_mixture_free(&t->mix), sgm_scaler_free(&t->scaler); }

/* The whole run of a fresh model, checkpoint and all; its end goes to r->model. */
static void told_train(run *r, told *t, sgm_train_report *report) {
    if (t->scaler.d) sgm_scaler_free(&t->scaler);
    r->to.report = report;
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(70)));
    CHECK_OK(sgm_train(&r->model, t->x, ROWS, &r->to, sgm_key_init(71)));
}

static void same_model(const sgm_model *a, const sgm_model *b) {
    const size_t bytes = a->n_params * sizeof(float);
    assert_int_equal(a->n_params, b->n_params);
    assert_memory_equal(a->params, b->params, bytes);
    for (int i = 0; i < a->o.n_ema; i++) assert_memory_equal(a->ema[i], b->ema[i], bytes);
    CHECK_CLOSE(a->o.sigma_data, b->o.sigma_data, 0);
    CHECK_CLOSE(a->rms, b->rms, 1e-14);
}

static void same_report(const sgm_train_report *a, const sgm_train_report *b) {
    assert_true(a->steps == b->steps && a->best_step == b->best_step && a->held == b->held);
    assert_true(a->stopped == b->stopped && a->loss == b->loss);
    assert_true(a->held == 0 || a->held_loss == b->held_loss);
    assert_true(a->held == 0 || a->best_loss == b->best_loss);
}

static void every_run_goes_on(void **state) {
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        told t;
        sgm_train_report whole_report, report;
        run r = told_run(&t, kinds[k]), part = r;
        told_train(&r, &t, &whole_report);
        if (!strcmp(kinds[k], "patience"))
            assert_true(whole_report.stopped && whole_report.steps > 30 && whole_report.steps < 9000);
        /* interrupted after 23 steps, in the user's own loop */
        if (t.scaler.d) sgm_scaler_free(&t.scaler);
        CHECK_OK(sgm_model_init(&part.model, &part.mo, sgm_key_init(70)));
        CHECK_OK(sgm_trainer_init(&part.trainer, &part.model, t.x, ROWS, &part.to, sgm_key_init(71)));
        run_steps(&part, 23);
        CHECK_OK(sgm_trainer_save(&part.trainer, path));
        run_end(&part);
        part.to.checkpoint = path, part.to.checkpoint_every = k % 2 ? 0 : 17;
        for (int again = 0; again < 2; again++) { /* and once more, when all is done */
            told_train(&part, &t, &report);
            same_model(&part.model, &r.model), same_report(&report, &whole_report);
            sgm_model_free(&part.model);
        }
        sgm_model_free(&r.model), told_end(&t), remove(path);
    }
}

/* A shorter run, and then more steps: where neither rate nor looks depend on how many there are. */
static void a_finished_run_goes_on(void **state) {
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        told t;
        sgm_train_report whole_report, report;
        if (strstr(kinds[k], "cosine") || strstr(kinds[k], "held") || strstr(kinds[k], "patience"))
            continue;
        run r = told_run(&t, kinds[k]), part = r;
        told_train(&r, &t, &whole_report);
        part.to.checkpoint = path, part.to.steps = 31;
        told_train(&part, &t, &report);
        sgm_model_free(&part.model);
        part.to.steps = 60;
        told_train(&part, &t, &report);
        same_model(&part.model, &r.model), same_report(&report, &whole_report);
        sgm_model_free(&part.model), sgm_model_free(&r.model), told_end(&t), remove(path);
    }
}

static long file_bytes(char *bytes, long most) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    long n = (long)fread(bytes, 1, (size_t)most, file);
    fclose(file);
    assert_true(n > 0 && n < most);
    return n;
}

/* What belongs to another run is refused, with what differs and the cure, and stays as it was. */
static void another_run_is_refused(void **state) {
    static char before[100000], after[100000];
    static const struct refusal {
        const char *kind, *says;
        double lr;
        long steps;
        int key, other_data, fewer;
    } no[] = {{"plain", "train.lr", 0.02, 60, 71, 0, 0}, {"plain", "train.key", 0.01, 60, 72, 0, 0},
        {"plain", "other data", 0.01, 60, 71, 1, 0}, {"plain", "other data", 0.01, 60, 71, 0, 1},
        {"plain", "raise steps", 0.01, 20, 71, 0, 0}, {"AdaBelief", "train.optimiser", 0.01, 60, 71, 0, 0},
        {"ISM", "loss.objective", 0.01, 60, 71, 0, 0}, {"held out", "set held_out", 0.01, 60, 71, 0, 0},
        {"two averages", "ema1", 0.01, 60, 71, 0, 0}, {"conditions", "conditions", 0.01, 60, 71, 0, 0},
        {"scaler", "sigma_data", 0.01, 60, 71, 0, 0}};
    told t;
    run r = told_run(&t, "plain");
    sgm_train_report report;
    (void)state;
    r.to.checkpoint = path, r.to.steps = 30;
    told_train(&r, &t, &report);
    sgm_model_free(&r.model), told_end(&t);
    const long n = file_bytes(before, sizeof before);
    for (int i = 0; i < COUNT(no); i++) {
        r = told_run(&t, no[i].kind);
        r.to.checkpoint = path, r.to.lr = no[i].lr, r.to.steps = no[i].steps;
        if (no[i].other_data) t.x[5] += 0.01f;
        CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(70)));
        CHECK_FAILS(sgm_train(&r.model, t.x, ROWS - no[i].fewer, &r.to, sgm_key_init((uint64_t)no[i].key)),
            SGM_MISMATCH, no[i].says);
        assert_non_null(strstr(sgm_error(), "set checkpoint to a new file"));
        sgm_model_free(&r.model), told_end(&t);
        assert_int_equal(file_bytes(after, sizeof after), n);
        assert_memory_equal(before, after, (size_t)n);
    }
    r = told_run(&t, "plain"); /* a file that is no checkpoint, and a name that cannot be written */
    r.to.checkpoint = path;
    CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(70)));
    CHECK_OK(sgm_model_save(&r.model, path));
    CHECK_FAILS(sgm_train(&r.model, t.x, ROWS, &r.to, sgm_key_init(71)), SGM_BAD_FILE, "train.");
    r.to.checkpoint = "/no such directory/a.safetensors";
    CHECK_FAILS(sgm_train(&r.model, t.x, ROWS, &r.to, sgm_key_init(71)), SGM_NO_FILE, "no such directory");
    r.to.checkpoint = NULL, r.to.checkpoint_every = 5;
    CHECK_FAILS(sgm_train(&r.model, t.x, ROWS, &r.to, sgm_key_init(71)), SGM_BAD_ARGUMENT, "checkpoint");
    r.to.checkpoint = path, r.to.checkpoint_every = -1;
    CHECK_FAILS(sgm_train(&r.model, t.x, ROWS, &r.to, sgm_key_init(71)), SGM_BAD_ARGUMENT, "checkpoint");
    sgm_model_free(&r.model), told_end(&t), remove(path);
}

/* When a checkpoint is written: before the first step, every so often, and at the end. */
static long seen_at[64], seen_step[64], n_seen;

static void see_checkpoint(const sgm_trainer *trainer, void *user) {
    sgm_archive file;
    (void)user;
    CHECK_OK(sgm_archive_load(&file, path));
    seen_at[n_seen] = trainer->step, seen_step[n_seen++] = atol(sgm_archive_meta(&file, "train.step"));
    sgm_archive_free(&file);
}

static void checkpoints_are_written(void **state) {
    static const long every[2] = {0, 7}, want[2] = {4, 7}; /* 61 steps: a twentieth, rounded up */
    (void)state;
    for (int k = 0; k < 2; k++) {
        told t;
        sgm_train_report report;
        run r = told_run(&t, "plain");
        n_seen = 0;
        r.to.checkpoint = path, r.to.checkpoint_every = every[k], r.to.steps = 61;
        r.to.log_every = 1, r.to.on_log = see_checkpoint;
        told_train(&r, &t, &report);
        assert_int_equal(n_seen, 61);
        for (int i = 0; i < 61; i++) /* on_log comes before the step's own checkpoint */
            assert_int_equal(seen_step[i], (seen_at[i] - 1) / want[k] * want[k]);
        see_checkpoint(&(sgm_trainer){0}, NULL);
        assert_int_equal(seen_step[61], 61);
        sgm_model_free(&r.model), told_end(&t), remove(path);
    }
}

/* The user's own loop: the options' steps, patience, a step that fails, and no trainer at all. */
static void the_users_loop_ends(void **state) {
    told t;
    run r = told_run(&t, "plain");
    (void)state;
    assert_int_equal(sgm_trainer_done(NULL), 1);
    assert_int_equal(sgm_trainer_done(&r.trainer), 1);
    CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(70)));
    CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, t.x, ROWS, &r.to, sgm_key_init(71)));
    while (!sgm_trainer_done(&r.trainer)) sgm_trainer_step(&r.trainer);
    assert_true(r.trainer.step == 60 && r.trainer.status == SGM_OK);
    run_end(&r), told_end(&t);
    r = told_run(&t, "patience");
    CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(70)));
    CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, t.x, ROWS, &r.to, sgm_key_init(71)));
    while (!sgm_trainer_done(&r.trainer)) sgm_trainer_step(&r.trainer);
    assert_true(r.trainer.stopped && r.trainer.step < 9000);
    r.model.params[3] = NAN;
    r.trainer.stopped = 0;
    while (!sgm_trainer_done(&r.trainer)) sgm_trainer_step(&r.trainer);
    assert_true(r.trainer.status == SGM_NOT_FINITE && !r.trainer.stopped);
    run_end(&r), told_end(&t);
}

/*
## The optimiser by itself

Five steps from the sums of (4.8), not from the recurrence: M_k and V_k are weighted sums of all
gradients so far. Four roundings of a float a step of at most 3 rates, and θ's own.
*/

static void five_steps_by_hand(void **state) {
    static const float g[5][2] = {{1, -0.2f}, {2, 0.2f}, {-1, 0.2f}, {0.5f, 3}, {-3, 0}};
    const double b1 = 0.9, b2 = 0.999, lr = 0.1, decay = 0.25;
    (void)state;
    for (int wide = 0; wide < 2; wide++) { /* Adam, and AdamW */
        float theta[2] = {2.385f, -0.717f}, mean[2];
        float *const average[1] = {mean};
        double truth[2] = {theta[0], theta[1]}, kept[2] = {0, 0};
        sgm_train_options o;
        sgm_optimiser q;
        memset(&o, 0, sizeof o);
        o.steps = 5, o.lr = lr, o.ema[0] = 0.5;
        if (wide) o.optimiser = SGM_OPTIMISER_ADAMW, o.weight_decay = decay;
        CHECK_OK(sgm_optimiser_init(&q, theta, 2, average, 1, &o));
        for (int k = 1; k <= 5; k++) {
            memcpy(q.grads, g[k - 1], sizeof g[0]);
            CHECK_CLOSE(sgm_optimiser_lr(&q), lr, 0);
            CHECK_OK(sgm_optimiser_step(&q));
            assert_int_equal(q.step, k);
            CHECK_REL(q.grad_norm, hypot(g[k - 1][0], g[k - 1][1]), 4 * EPS);
            for (int j = 0; j < 2; j++) {
                double M = 0, V = 0, weight = 0;
                for (int i = 1; i <= k; i++) {
                    M += (1 - b1) * pow(b1, k - i) * g[i - 1][j];
                    V += (1 - b2) * pow(b2, k - i) * g[i - 1][j] * g[i - 1][j];
                }
                if (wide) truth[j] *= 1 - lr * decay;
                truth[j] -= lr * M / (1 - pow(b1, k)) / (sqrt(V / (1 - pow(b2, k))) + 1e-8);
                /* 1 - b2 is off by 2⁻²⁵/.001 of itself as 1 minus a float, in V, and half in √V */
                double most = k * (3 * lr * (20 + k) * EPS + 2 * EPS * fabs(truth[j]));
                CHECK_CLOSE(theta[j], truth[j], most);
                kept[j] = 0.5 * kept[j] + 0.5 * truth[j], weight = 1 - pow(0.5, k); /* (4.10) */
                CHECK_CLOSE(mean[j], kept[j] / weight, most + 4 * EPS * fabs(truth[j]));
            }
        }
        sgm_optimiser_free(&q);
    }
}

/* A loop of one's own on the trainer's draws: (4.2) from its definition, on a tape of one's own. The
parameters, averages and norm have the trainer's bits, also where it makes one pass of two (§F.6). */

static void own_steps_on(run *r, sgm_model *own, sgm_optimiser *q, sgm_tape *tape) {
    const sgm_train_options *o = &r->trainer.o;
    const sgm__piece *p = &r->trainer.hands[0];
    float *params = own->params;
    sgm_net_in in;
    memset(&in, 0, sizeof in);
    for (int k = 0; k < 40; k++) {
        CHECK_CLOSE(sgm_optimiser_lr(q), sgm_trainer_lr(&r->trainer), 0);
        run_steps(r, 1); /* its piece still holds what it drew */
        sgm_tape_reset(tape, params, q->grads, own->n_params, sgm_key_init(0), SGM_TAPE_TRAINING);
        in.x = sgm_tape_input(tape, p->x, o->batch, D), in.t = sgm_tape_input(tape, p->t - o->batch, o->batch, 1);
        sgm_tensor *out = small_net(tape, &in);
        float *seed = sgm_tape_gradient_of(tape, out);
        assert_non_null(seed);
        for (int i = 0; i < o->batch; i++) {
            double a, b;
            sgm_output_affine(&a, &b, r->mo.output, &r->mo.sde, in.t->v[i], r->mo.sigma_data);
            for (int j = i * D; j < (i + 1) * D; j++)
                seed[j] = (float)(2 * (1.0 / o->batch) * p->w[i] * b * (a * p->x[j] + b * out->v[j] - p->eps[j]));
        }
        CHECK_OK(sgm_tape_backward(tape));
        CHECK_OK(sgm_optimiser_step(q));
        if (o->clip > 0) CHECK_CLOSE(q->grad_norm, r->trainer.grad_norm, 0);
    }
    assert_memory_equal(params, r->model.params, own->n_params * sizeof(float));
    for (int i = 0; i < own->o.n_ema; i++)
        assert_memory_equal(own->ema[i], r->model.ema[i], own->n_params * sizeof(float));
}

static void own_loop_has_the_trainers_bits(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        run r = run_defaults();
        sgm_model own;
        sgm_optimiser q;
        sgm_tape *tape = sgm_tape_new();
        r.to.optimiser = (sgm_optimiser_kind)(i % 5 % 4), r.to.clip = i < 5 ? 0 : 0.8;
        r.to.weight_decay = r.to.optimiser == SGM_OPTIMISER_ADAMW ? 0.1 : 0;
        r.to.cosine = i % 2, r.to.lr_end = 1e-3, r.to.warmup = 3, r.mo.n_ema = 2, r.to.ema[1] = 0.8;
        r.to.beta1 = i % 5 == 4 ? 0.7 : 0, r.to.held_out = -1;
        run_start(&r, 3);
        CHECK_OK(sgm_model_init(&own, &r.mo, sgm_key_init(3)));
        CHECK_OK(sgm_optimiser_init(&q, own.params, own.n_params, own.ema, own.o.n_ema, &r.to));
        own_steps_on(&r, &own, &q, tape);
        sgm_optimiser_free(&q), sgm_model_free(&own), sgm_tape_free(tape), run_end(&r);
    }
}

/* Many parameters, of no model: blocks of the norm, and parts for many threads. */

static void optimiser_of_many(void **state) {
    const size_t n = 1100003; /* more than SGM__MANY_PARAMS, and no multiple of a block */
    float *params[2], *z = (float *)malloc(n * sizeof *z);
    (void)state;
    sgm_normal(z, n, sgm_key_init(5), 0);
    for (int threads = 1; threads <= 2; threads++) {
        sgm_optimiser q;
        sgm_train_options o;
        memset(&o, 0, sizeof o);
        o.steps = 3, o.lr = 0.5, o.clip = 1, o.optimiser = SGM_OPTIMISER_SGD;
        float *x = params[threads - 1] = (float *)calloc(n, sizeof *x);
        set_threads(threads);
        CHECK_OK(sgm_optimiser_init(&q, x, n, NULL, 0, &o));
        memcpy(q.grads, z, n * sizeof *z);
        CHECK_OK(sgm_optimiser_step(&q));
        CHECK_REL(q.grad_norm, sqrt(sgm__square_sum(z, (long)n)), 1e-5); /* 16 384 roundings, many lanes */
        for (size_t i = 0; i < n; i += 9973) /* θ = −η g/‖g‖ */
            CHECK_CLOSE(x[i], -0.5 * z[i] / q.grad_norm, 4 * EPS * fabs(0.5 * z[i] / q.grad_norm));
        sgm_optimiser_free(&q);
    }
    set_threads(1);
    assert_memory_equal(params[0], params[1], n * sizeof *z);
    free(params[0]), free(params[1]), free(z);
}

/* What the header says that a run goes on from is all: a copy of it into a fresh optimiser has the same
bits after as many steps, also past the last of the schedule. */

static void optimiser_goes_on(void **state) {
    (void)state;
    for (int kind = SGM_OPTIMISER_ADAM; kind <= SGM_OPTIMISER_SGD; kind++) {
        float theta[2][37], mean[2][37], z[12 * 37];
        sgm_optimiser q[2];
        run r = run_defaults();
        r.to.optimiser = (sgm_optimiser_kind)kind, r.to.steps = 10, r.to.warmup = 2, r.to.cosine = 1, r.to.beta1 = 0.7;
        sgm_normal(z, COUNT(z), sgm_key_init(6), 0), sgm_normal(theta[0], 37, sgm_key_init(7), 0);
        for (int i = 0; i < 2; i++) {
            float *const average[1] = {mean[i]};
            CHECK_OK(sgm_optimiser_init(&q[i], theta[i], 37, average, 1, &r.to));
        }
        for (int k = 0; k < 12; k++) {
            memcpy(q[0].grads, z + 37 * k, sizeof theta[0]);
            CHECK_OK(sgm_optimiser_step(&q[0]));
            if (k == 4) {
                memcpy(theta[1], theta[0], sizeof theta[0]), memcpy(mean[1], mean[0], sizeof mean[0]);
                memcpy(q[1].moment1, q[0].moment1, sizeof theta[0]), q[1].step = q[0].step;
                if (kind != SGM_OPTIMISER_SGD) memcpy(q[1].moment2, q[0].moment2, sizeof theta[0]);
            }
            if (k <= 4) continue;
            memcpy(q[1].grads, z + 37 * k, sizeof theta[0]);
            CHECK_OK(sgm_optimiser_step(&q[1]));
            assert_memory_equal(theta[0], theta[1], sizeof theta[0]);
            assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
        }
        CHECK_CLOSE(sgm_optimiser_lr(&q[0]), 0, 1e-18); /* past the end: the cosine's end */
        sgm_optimiser_free(&q[0]), sgm_optimiser_free(&q[1]);
    }
}

static void optimiser_refuses(void **state) {
    float theta[3] = {1, 2, 3}, mean[3], before[3];
    float *const average[2] = {mean, NULL};
    sgm_optimiser q, none;
    run r = run_defaults();
    (void)state;
    memset(&none, 0, sizeof none);
    CHECK_FAILS(sgm_optimiser_init(NULL, theta, 3, NULL, 0, &r.to), SGM_BAD_ARGUMENT, "to fill");
    r.to.rank = 1, r.to.ranks = 4, r.to.checkpoint_every = 5; /* of your own loop's ranks and files */
    CHECK_OK(sgm_optimiser_init(&q, theta, 3, NULL, 0, &r.to));
    assert_true(q.o.rank == 1 && q.o.ranks == 4 && q.o.checkpoint_every == 5);
    sgm_optimiser_free(&q), r.to.rank = r.to.ranks = 0, r.to.checkpoint_every = 0;
    CHECK_FAILS(sgm_optimiser_init(&q, theta, 3, NULL, 0, NULL), SGM_BAD_ARGUMENT, "set steps");
    CHECK_FAILS(sgm_optimiser_init(&q, NULL, 3, NULL, 0, &r.to), SGM_BAD_ARGUMENT, "at least one");
    CHECK_FAILS(sgm_optimiser_init(&q, theta, 0, NULL, 0, &r.to), SGM_BAD_ARGUMENT, "at least one");
    CHECK_FAILS(sgm_optimiser_init(&q, theta, SIZE_MAX, NULL, 0, &r.to), SGM_BAD_ARGUMENT, "at least one");
    CHECK_FAILS(sgm_optimiser_init(&q, theta, 3, NULL, 1, &r.to), SGM_BAD_ARGUMENT, "a block for each");
    CHECK_FAILS(sgm_optimiser_init(&q, theta, 3, average, -1, &r.to), SGM_BAD_ARGUMENT, "needs 0 to 4");
    CHECK_FAILS(sgm_optimiser_init(&q, theta, 3, average, 5, &r.to), SGM_BAD_ARGUMENT, "needs 0 to 4");
    CHECK_FAILS(sgm_optimiser_init(&q, theta, 3, average, 2, &r.to), SGM_BAD_ARGUMENT, "average 1");
    for (int i = 0;; i++) { /* what the trainer refuses of its optimiser, this does, too */
        sgm_train_options o = r.to;
        const char *cure = mistake(&o, i);
        if (!cure) break;
        if (sgm_optimiser_init(&q, theta, 3, average, 1, &o) == SGM_OK) sgm_optimiser_free(&q);
        else check_text(sgm_error(), cure, __FILE__, __LINE__);
    }
    CHECK_FAILS(sgm_optimiser_step(NULL), SGM_BAD_ARGUMENT, "no such optimiser");
    CHECK_FAILS(sgm_optimiser_step(&none), SGM_BAD_ARGUMENT, "no such optimiser");
    assert_true(isnan(sgm_optimiser_lr(&none)) && isnan(sgm_optimiser_lr(NULL)));
    sgm_optimiser_free(&none), sgm_optimiser_free(NULL);
    CHECK_OK(sgm_optimiser_init(&q, theta, 3, average, 1, &r.to));
    q.grads[0] = q.grads[1] = 1;
    CHECK_OK(sgm_optimiser_step(&q));
    memcpy(before, theta, sizeof theta);
    for (int i = 0; i < 3; i++) { /* a step that fails changes nothing */
        q.grads[2] = i == 0 ? NAN : i == 1 ? INFINITY : 3e38f;
        CHECK_FAILS(sgm_optimiser_step(&q), SGM_NOT_FINITE, i < 2 ? "finite is 2" : "is -1");
        assert_true(q.step == 1 && q.grad_norm < 2 && q.moment1[0] == 0.1f);
        assert_memory_equal(before, theta, sizeof theta);
    }
    sgm_optimiser_free(&q);
}

static void optimiser_without_memory(void **state) {
    float theta[3] = {1, 2, 3};
    sgm_optimiser q;
    run r = run_defaults();
    (void)state;
    int idle = live_blocks;
    for (int n = 1; n <= 3; n++) {
        alloc_calls = 0, fail_at = n;
        CHECK_FAILS(sgm_optimiser_init(&q, theta, 3, NULL, 0, &r.to), SGM_NO_MEMORY, "no memory");
        assert_int_equal(live_blocks, idle);
        CHECK_FAILS(sgm_optimiser_step(&q), SGM_BAD_ARGUMENT, "no such optimiser");
    }
    alloc_calls = 0, fail_at = 4;
    CHECK_OK(sgm_optimiser_init(&q, theta, 3, NULL, 0, &r.to));
    alloc_calls = 0, fail_at = 1;
    for (int k = 0; k < 5; k++) CHECK_OK(sgm_optimiser_step(&q)); /* steps ask for none */
    fail_at = 0;
    sgm_optimiser_free(&q);
    assert_int_equal(live_blocks, idle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST("(4.7), (4.6), (4.9) the optimisers against their definitions", optimisers),
        TEST("default options", defaults),
        TEST("a sigma_data of 0 is measured", measured_sigma_data),
        TEST("a scaler in the file", scaler_in_the_file),
        TEST("(4.5) learning rates", learning_rates),
        TEST("clipping: the norm of the whole gradient", clipping),
        TEST("(4.2) accumulation is the mean over batches", accumulation),
        TEST("(4.10) averages against the plain definition", averages),
        TEST("(4.10) averages of parameters at rest", averages_at_rest),
        TEST("each point once per epoch", epochs),
        TEST("(1.6) noise, times and dropout of successive batches", draws_of_the_batches),
        TEST("what is not known of a training is NaN", mean_without_log),
        TEST("(2.11) the log: mean loss, bins, counts", log_values),
        TEST("sgm_train is sgm_trainer_step repeated", whole_equals_steps),
        TEST("keys", keys),
        TEST("threads do not change bits", threads_do_not_change_bits),
        TEST("(4.7) one pass has the bits of two", one_pass_has_the_bits_of_two),
        TEST("a weight in two layers is not deferred", a_weight_in_two_layers_is_not_deferred),
        TEST("tangents settle what was deferred", tangents_settle_what_was_deferred),
        TEST("one pass, many threads", one_pass_by_many_threads),
        TEST("(F.1) a step fails exactly as with two passes", a_step_fails_as_with_two_passes),
        TEST("a deferred slope that overflows is named", a_deferred_slope_is_named),
        TEST("(4.7) moments fade to zero", moments_fade_to_zero),
        TEST("no allocation after the first steps", no_allocation_later),
        TEST("a resumed run has the bits of one that never stopped", resume_is_bit_exact),
        TEST("a resume with other settings is refused", other_settings_are_refused),
        TEST("a resume with other rates is refused", settings_that_only_change_the_course),
        TEST("a resume of another length or grid is refused", another_length_or_grid_is_refused),
        TEST("a resume with another network is refused", other_networks_are_refused),
        TEST("a resume with other data is refused", other_data_is_refused),
        TEST("a checkpoint is of one run", a_checkpoint_is_of_one_run),
        TEST("forged checkpoints", hostile_files),
        TEST("truncated checkpoints", truncated_files),
        TEST("flipped checkpoints", flipped_files),
        TEST("model files", model_files),
        TEST("unwritable paths", unwritable_paths),
        TEST("bad options", bad_options),
        TEST("bad data and models", bad_data_and_models),
        TEST("an explosion is named, with its t", explosions_are_named),
        TEST("the exploding batch is named", the_exploding_batch_is_named),
        TEST("an exploding gradient is named", steep_gradients_are_named),
        TEST("a bad parameter is named", bad_parameters_are_named),
        TEST("a failed step leaves the log alone", failed_steps_leave_the_log_alone),
        TEST("every allocation fails once", every_allocation_fails_once),
        TEST("a step that failed can be repeated", a_step_can_be_repeated),
        TEST("saving and loading without memory", saving_and_loading_without_memory),
        TEST("(2.7) a linear fit finds the exact score", linear_fit),
        TEST("(2.9) a short run learns", a_short_run_learns),
        TEST("points held out are never learnt", held_out_points_are_not_learnt),
        TEST("(2.11) a look at points held out", a_look_is_the_loss),
        TEST("a resumed run has the same looks", held_resume_is_bit_exact),
        TEST("patience, and the report", patience_and_report),
        TEST("every run goes on from its checkpoint, bit for bit", every_run_goes_on),
        TEST("a finished run goes on with more steps", a_finished_run_goes_on),
        TEST("the checkpoint of another run is refused, and stays", another_run_is_refused),
        TEST("when checkpoints are written", checkpoints_are_written),
        TEST("the user's own loop ends", the_users_loop_ends),
        TEST("(4.8) five steps of Adam by hand", five_steps_by_hand),
        TEST("(4.2) a loop of one's own has the trainer's bits", own_loop_has_the_trainers_bits),
        TEST("an optimiser of many parameters", optimiser_of_many),
        TEST("an optimiser goes on from what it says", optimiser_goes_on),
        TEST("what an optimiser refuses", optimiser_refuses),
        TEST("an optimiser without memory", optimiser_without_memory),
        TEST("who is held out", who_is_held_out),
        TEST("a small table is not memorised", a_small_table_is_not_memorised),
        TEST("(5.14) samples far from the data", samples_far_from_the_data),
        TEST("the progress bar", progress),
        TEST("the clock", seconds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
