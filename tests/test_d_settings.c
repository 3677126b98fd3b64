/*
What is meant where nothing is said, what a file says of its model, and whose row is whose: settings
across the chapters.
*/

#include "check.h"

/* A C library whose decimal point is a comma, for numbers alone as the files write and read them. */
#include <stdarg.h>
static int commas;

static int local_snprintf(char *out, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, size, format, args);
    va_end(args);
    size_t last = strlen(format) - 1;
    if (commas && format[0] == '%' && (format[last] == 'g' || format[last] == 'f'))
        for (char *p = out; size && *p; p++)
            if (*p == '.') *p = ',';
    return n;
}

static double local_strtod(const char *text, char **end) {
    char copy[64];
    size_t n = strcspn(text, "."), k = strcspn(text, ",");
    if (!commas || strlen(text) >= sizeof copy) return strtod(text, end);
    snprintf(copy, sizeof copy, "%.*s", (int)n, text); /* a point ends the number */
    if (k < n) copy[k] = '.';
    char *stop;
    double x = strtod(copy, &stop);
    if (end) *end = (char *)(uintptr_t)(text + (stop - copy));
    return x;
}

#define snprintf local_snprintf
#define strtod local_strtod
#define SGM_IMPLEMENTATION
#include "sgm.h"
#undef snprintf
#undef strtod

enum { D = 2, N = 300 }; /* more than a batch of 256, no multiple of one of 240 */
static const char *const path = "out-test-d.safetensors";
static float data[N * D];

static sgm_model_options options_of(sgm_net net, int d, void *user) {
    sgm_model_options o;
    memset(&o, 0, sizeof o);
    o.net = net, o.user = user, o.d = d, o.sde = sgm_sde_vp(0.1, 20);
    return o;
}

static sgm_mlp_options small_mlp(void) {
    sgm_mlp_options o;
    memset(&o, 0, sizeof o);
    o.width = 16, o.depth = 2;
    return o;
}

/*
## Training
*/

static sgm_loss trained_loss(sgm_model_options o, sgm_loss loss) {
    int labels[8] = {0, 1, 0, 1, 0, 1, 0, 1};
    sgm_model model;
    sgm_trainer trainer;
    sgm_train_options to;
    memset(&to, 0, sizeof to);
    to.steps = 1, to.batch = 8, to.loss = loss;
    if (o.classes) to.labels = labels;
    CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
    CHECK_OK(sgm_trainer_init(&trainer, &model, data, 8, &to, sgm_key_init(2)));
    loss = trainer.o.loss;
    assert_true(trainer.o.lr == 2e-3);
    assert_true(loss.sigma_data == model.o.sigma_data);
    sgm_trainer_free(&trainer), sgm_model_free(&model);
    return loss;
}

static void weights_and_times(void **state) {
    const struct { sgm_output output; int energy, classes, sigma; sgm_objective objective; int edm; } c[] = {
        {SGM_OUTPUT_AUTO, 0, 0, 0, SGM_OBJECTIVE_DSM, 1}, {SGM_OUTPUT_EDM_F, 0, 0, 0, SGM_OBJECTIVE_DSM, 1},
        {SGM_OUTPUT_EDM_F, 0, 0, 1, SGM_OBJECTIVE_DSM, 1},       {SGM_OUTPUT_NOISE, 0, 0, 0, SGM_OBJECTIVE_DSM, 0},
        {SGM_OUTPUT_V, 0, 0, 0, SGM_OBJECTIVE_DSM, 0},           {SGM_OUTPUT_X0, 0, 0, 1, SGM_OBJECTIVE_DSM, 0},
        {SGM_OUTPUT_AUTO, 1, 0, 0, SGM_OBJECTIVE_DSM, 0}, {SGM_OUTPUT_AUTO, 0, 2, 0, SGM_OBJECTIVE_DSM, 0},
        {SGM_OUTPUT_AUTO, 0, 0, 0, SGM_OBJECTIVE_SSM, 0}, {SGM_OUTPUT_AUTO, 0, 0, 1, SGM_OBJECTIVE_SSM, 0}};
    sgm_mlp_options net = small_mlp();
    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        sgm_model_options o = options_of(sgm_mlp, D, &net);
        sgm_loss loss, said;
        memset(&loss, 0, sizeof loss), loss.objective = c[i].objective;
        o.output = c[i].output, o.energy = c[i].energy, o.classes = c[i].classes;
        if (c[i].sigma) o.sde = sgm_sde_edm(0.002, 80);
        said = trained_loss(o, loss);
        assert_int_equal(said.weight, c[i].edm ? SGM_WEIGHT_EDM : SGM_WEIGHT_SIGMA2);
        assert_int_equal(said.times,
                         c[i].edm || c[i].sigma ? SGM_TIMES_LOGNORMAL : SGM_TIMES_UNIFORM);
        loss.weight = SGM_WEIGHT_ONE, loss.times = SGM_TIMES_STRATIFIED; /* what is said stays */
        said = trained_loss(o, loss);
        assert_int_equal(said.weight, SGM_WEIGHT_ONE);
        assert_int_equal(said.times, SGM_TIMES_STRATIFIED);
    }
}

/* log σ ~ N(log σ_d - ½, 1.2²): mean and variance of 20 000 draws, 5 standard errors; the limits
10⁻⁶ and 10⁶ are more than 10 standard deviations away. */

static void times_follow_the_data(void **state) {
    enum { DRAWS = 20000 };
    static float t[DRAWS], w[DRAWS];
    sgm_sde sde = sgm_sde_edm(1e-6, 1e6);
    (void)state;
    for (int k = 0; k < 3; k++) {
        const double sizes[3] = {0, 0.05, 20};
        sgm_loss loss;
        memset(&loss, 0, sizeof loss), loss.sigma_data = sizes[k];
        CHECK_OK(sgm_loss_times(&loss, &sde, t, w, DRAWS, sgm_key_init(3), 0));
        for (int i = 0; i < DRAWS; i++) t[i] = logf(t[i]);
        check_moments m = check_moments_of(t, DRAWS, 1);
        CHECK_CLOSE(m.mean, log(k ? sizes[k] : 1) - 0.5, CHECK_SIGMAS * 1.2 / sqrt(DRAWS));
        CHECK_REL(m.var, 1.44, CHECK_SIGMAS * sqrt(2.0 / DRAWS));
    }
}

/* Sizes by dimension; the start is uniform, so that the largest of more than 1000 weights is below
.97 of the bound with probability .97¹⁰⁰⁰ < 10⁻¹³. */

static void check_start(const sgm_model *m, int layer, double spread) {
    const struct sgm_layer *l = m->layers + 2 * layer;
    double most = 0, bound = spread / sqrt(l->rows);
    for (long i = 0; i < (long)l->rows * l->cols; i++) most = fmax(most, fabs(m->params[l->offset + (size_t)i]));
    assert_true(most <= bound * (1 + 1e-6));
    if (l->rows * l->cols >= 1000) assert_true(most > 0.97 * bound);
}

static void sizes_and_starts(void **state) {
    const int d[8] = {1, 32, 33, 128, 129, 256, 257, 700}, width[8] = {128, 128, 256, 256, 258, 512, 512, 512};
    (void)state;
    for (int i = 0; i < 8; i++)
        for (int said = 0; said < 2; said++)
            for (int residual = 0; residual < 2; residual++) {
                sgm_mlp_options net;
                sgm_model m;
                memset(&net, 0, sizeof net);
                if (said) net.activation = SGM_ACTIVATION_SILU;
                sgm_model_options o = options_of(residual ? sgm_residual_mlp : sgm_mlp, d[i], &net);
                if (!said) o.user = i % 2 ? NULL : &net; /* no options, or all zeros: the same */
                CHECK_OK(sgm_model_init(&m, &o, sgm_key_init(4)));
                int depth = d[i] <= 32 ? 4 : 2, first = residual; /* its first layer is linear */
                assert_int_equal(m.n_layers, 2 * (depth + 1 + residual));
                for (int k = 0; k < depth + residual; k++) assert_int_equal(m.layers[2 * k].cols, width[i]);
                for (int k = 0; k < depth; k++)
                    check_start(&m, first + k, said ? 1 : residual ? 1.7 : 2.4);
                check_start(&m, first + depth, 1);
                if (residual) check_start(&m, 0, 1);
                int sees_x = !said && !residual && d[i] > 32; /* the last layer, beside the hidden one */
                assert_int_equal(m.layers[m.n_layers - 2].rows, width[i] + (sees_x ? d[i] : 0));
                sgm_model_free(&m);
            }
}

/*
## Sampling
*/

static double square(double t, void *user) { return (void)user, t * t; }

static sgm_sde sde_of(int i) {
    sgm_sde own = sgm_sde_user_sigma2(square, NULL);
    own.T = 80, own.t_min = 0.002;
    return i == 0 ? sgm_sde_vp(0.1, 20) : i == 1 ? sgm_sde_ve(0.01, 50)
         : i == 2 ? sgm_sde_edm(0.002, 80) : i == 3 ? sgm_sde_rectified() : own;
}

static sgm_mixture mixture_of(const sgm_sde *sde) {
    const double mean[2] = {-1, 1}, var[2] = {0.1, 0.2};
    sgm_mixture mix;
    CHECK_OK(sgm_mixture_init(&mix, 2, 1, NULL, mean, var, SGM_COV_ISOTROPIC, sde));
    return mix;
}

static void steps_and_grids(void **state) {
    const int steps[16] = {100, 1000, 1000, 1000, 100, 100, 500, 1000, 100, 100, 2, 100, 100, 100, 100, 100};
    (void)state;
    for (int f = 0; f < 5; f++) {
        sgm_sde sde = sde_of(f);
        sgm_mixture mix = mixture_of(&sde);
        sgm_score score = sgm_mixture_score(&mix);
        for (int method = SGM_METHOD_AUTO; method <= SGM_METHOD_DPMPP_3M; method++) {
            sgm_sample_options o;
            sgm_sampler s;
            memset(&o, 0, sizeof o), o.method = (sgm_method)method;
            CHECK_OK(sgm_sampler_init(&s, &score, 4, &o, sgm_key_init(5)));
            assert_int_equal(s.o.method, method ? method : SGM_METHOD_DPMPP_2M);
            assert_int_equal(s.o.steps, steps[method]);
            assert_int_equal(s.o.grid, method == SGM_METHOD_CHURN ? SGM_GRID_EDM : SGM_GRID_LOGSNR);
            sgm_sampler_free(&s);
            if (method != SGM_METHOD_EULER_MARUYAMA && method != SGM_METHOD_EULER) continue;
            o.plain_end = 1; /* to t = 0, where log-SNR is infinite */
            CHECK_OK(sgm_sampler_init(&s, &score, 4, &o, sgm_key_init(5)));
            assert_int_equal(s.o.grid, f == 2 || f == 4 ? SGM_GRID_QUADRATIC : SGM_GRID_UNIFORM);
            sgm_sampler_free(&s);
        }
        sgm_mixture_free(&mix);
    }
}

/* Options that only one method knows choose it. */

static void options_choose(void **state) {
    sgm_sde sde = sde_of(0);
    sgm_mixture mix = mixture_of(&sde);
    sgm_score score = sgm_mixture_score(&mix);
    const sgm_method chosen[6] = {SGM_METHOD_DPMPP_2M, SGM_METHOD_REVERSE_DIFFUSION, SGM_METHOD_CHURN, SGM_METHOD_DDIM, SGM_METHOD_RK45, SGM_METHOD_EULER_MARUYAMA};
    (void)state;
    for (int i = 0; i < 6; i++) {
        sgm_sample_options o;
        sgm_sampler s;
        memset(&o, 0, sizeof o);
        if (i == 1) o.corrector = 1;
        if (i == 2) o.churn = 10;
        if (i == 3) o.eta = 0.5;
        if (i == 4) o.rtol = 1e-3;
        if (i == 5) o.path_steps = 999; /* the last of 1000 updates is the denoising */
        CHECK_OK(sgm_sampler_init(&s, &score, 64, &o, sgm_key_init(6)));
        assert_int_equal(s.o.method, chosen[i]);
        if (i == 5) assert_int_equal(s.o.grid, SGM_GRID_UNIFORM);
        sgm_sampler_free(&s);
    }
    sgm_mixture_free(&mix);
}

/* A refused grid, and its cure: the number of steps that the message names is enough, 3 % less is not. */

static int advised(void) {
    const char *at = strstr(sgm_error(), "or take ");
    assert_non_null(at);
    return atoi(at + 8);
}

static sgm_status set_up(const sgm_score *score, const sgm_sample_options *o) {
    sgm_sampler s;
    sgm_status status = sgm_sampler_init(&s, score, 2, o, sgm_key_init(7));
    if (status == SGM_OK) sgm_sampler_free(&s);
    return status;
}

static double root(double t, void *user) { return (void)user, 40 * t; } /* σ rises as √t */

static void uniform_grids_that_miss_the_data(void **state) {
    (void)state;
    for (int f = 0; f < 3; f++)
        for (int plain = 0; plain < 2; plain++)
            for (int steps = 5; steps <= 100; steps += 95) {
                sgm_sde sde = sde_of(f ? 4 : 2);
                if (f == 2) sde = sgm_sde_user_sigma2(root, NULL), sde.t_min = 1e-7;
                sgm_mixture mix = mixture_of(&sde);
                sgm_score score = sgm_mixture_score(&mix);
                sgm_sample_options o;
                memset(&o, 0, sizeof o);
                o.method = SGM_METHOD_EULER_MARUYAMA, o.grid = SGM_GRID_UNIFORM, o.steps = steps;
                o.plain_end = plain;
                if (plain) o.t_end = sde.t_min;
                CHECK_FAILS(set_up(&score, &o), SGM_BAD_ARGUMENT, "leave grid 0");
                o.steps = advised();
                CHECK_OK(set_up(&score, &o));
                o.steps = (int)(0.97 * o.steps) - 2;
                CHECK_FAILS(set_up(&score, &o), SGM_BAD_ARGUMENT, "leave grid 0");
                o.steps = steps;
                for (int grid = 0; grid <= SGM_GRID_QUADRATIC; grid++) {
                    o.grid = (sgm_grid_kind)grid;
                    if (grid != SGM_GRID_UNIFORM) CHECK_OK(set_up(&score, &o));
                }
                float x[2] = {3, -5};
                memset(&o, 0, sizeof o);
                o.method = SGM_METHOD_EULER, o.grid = SGM_GRID_UNIFORM, o.steps = steps;
                CHECK_FAILS(sgm_flow(x, 2, &score, sde.T, sde.t_min, &o, NULL), SGM_BAD_ARGUMENT, "leave grid 0");
                o.steps = advised();
                if (o.steps < 10000) CHECK_OK(sgm_flow(x, 2, &score, sde.T, sde.t_min, &o, NULL));
                o.grid = SGM_GRID_AUTO, o.steps = steps;
                CHECK_OK(sgm_flow(x, 2, &score, sde.T, sde.t_min, &o, NULL));
                sgm_mixture_free(&mix);
            }
}

/*
## Files
*/

enum { SIDE = 8, MOST = SIDE * SIDE, ASKED = 5, C = 3 };

static void check_scores(const sgm_model *a, const sgm_model *b, int which, const float *cond) {
    float x[ASKED * MOST], s[2][ASKED * MOST], t[ASKED];
    double logp[2][ASKED];
    const size_t bytes = (size_t)ASKED * (size_t)a->o.d * sizeof(float);
    sgm_condition c[2];
    sgm_normal(x, ASKED * MOST, sgm_key_init(8), 0);
    for (int i = 0; i < ASKED; i++) t[i] = 0.01f + 0.2f * (float)i;
    for (int k = 0; k < 2; k++) {
        const sgm_model *m = k ? b : a;
        sgm_score score = sgm_model_score(m, which);
        if (cond) CHECK_OK(sgm_condition_init(&c[k], m, which, cond, 1));
        if (cond) score = sgm_condition_score(&c[k]);
        CHECK_OK(sgm_score_eval(&score, s[k], x, t, ASKED));
        if (m->o.energy) CHECK_OK(sgm_score_logp(&score, logp[k], x, t, ASKED));
    }
    assert_memory_equal(s[0], s[1], bytes);
    assert_int_equal(a->o.cond_image, b->o.cond_image);
    if (a->o.energy) assert_memory_equal(logp[0], logp[1], sizeof logp[0]);
}

/* kind: 0 bare, 1 with averages, 2 with a condition, 3 with a scaler, 4 an energy, 5 with an image and
a vector as condition. */
static void check_open(sgm_net net, void *user, int d, int kind) {
    static float points[16 * MOST], cond[16 * (2 * MOST + C)];
    sgm_model_options o = options_of(net, d, user);
    sgm_train_options to;
    sgm_scaler scaler;
    sgm_model made, opened;
    memset(&to, 0, sizeof to), memset(&scaler, 0, sizeof scaler);
    sgm_normal(points, 16 * MOST, sgm_key_init(9), 0), sgm_normal(cond, 16 * (2 * MOST + C), sgm_key_init(10), 0);
    o.sde = kind == 3 ? sgm_sde_edm(0.003, 70.1) : sgm_sde_subvp(0.123456789, 19.87654321);
    o.n_ema = kind == 1 ? 2 : 0, o.cond = kind == 2 ? C : kind == 5 ? 2 * d + C : 0, o.energy = kind == 4;
    o.cond_image = kind == 5 ? 2 * d : 0;
    if (kind == 3) o.scaler = &scaler;
    to.steps = 2, to.batch = 4, to.ema[0] = 0.5, to.cond = o.cond ? cond : NULL;
    CHECK_OK(sgm_model_init(&made, &o, sgm_key_init(11)));
    CHECK_OK(sgm_train(&made, points, 16, &to, sgm_key_init(12)));
    CHECK_OK(sgm_model_save(&made, path));
    CHECK_OK(sgm_model_open(&opened, path));
    assert_true(opened.o.net == net && opened.o.output == made.o.output);
    assert_true(opened.o.sigma_data == made.o.sigma_data && opened.measure == 0);
    assert_memory_equal(&opened.o.sde, &made.o.sde, offsetof(sgm_sde, curve));
    assert_int_equal(opened.o.n_ema, made.o.n_ema);
    for (int i = SGM_RAW; i < made.o.n_ema; i++) check_scores(&made, &opened, i, NULL);
    if (o.cond) check_scores(&made, &opened, SGM_RAW, cond);
    assert_true((opened.o.scaler != NULL) == (kind == 3));
    for (int j = 0; kind == 3 && j < d; j++) {
        assert_true(opened.o.scaler->shift[j] == scaler.shift[j]);
        assert_true(opened.o.scaler->scale[j] == scaler.scale[j]);
    }
    sgm_model_free(&made), sgm_model_free(&opened), sgm_scaler_free(&scaler);
    remove(path);
}

static void every_ready_network_opens(void **state) {
    sgm_net image_nets[4] = {sgm_resnet, sgm_unet, sgm_mixer, sgm_dit};
    sgm_mlp_options mlp = small_mlp();
    sgm_image_net image;
    (void)state;
    memset(&image, 0, sizeof image), image.h = image.w = SIDE, image.width = 8, image.depth = 2;
    image.groups = 4, image.heads = 2;
    mlp.activation = SGM_ACTIVATION_TANH, mlp.embedding = SGM_EMBEDDING_FOURIER, mlp.dropout = 0.1f;
    for (commas = 0; commas < 2; commas++)
        for (int kind = 0; kind < 6; kind++) {
            check_open(sgm_mlp, kind % 2 ? &mlp : NULL, D, kind);
            if (kind == 0) check_open(sgm_mlp, NULL, 40, kind); /* wide: its last layer sees x */
            check_open(sgm_residual_mlp, kind % 2 ? NULL : &mlp, D, kind);
            for (int k = 0; k < 4 && kind != 4; k++) check_open(image_nets[k], &image, MOST, kind);
        }
    commas = 0;
}

static void check_refused(sgm_net net, void *a, void *b, int d, const char *does, const char *here) {
    sgm_model_options o = options_of(net, d, a);
    sgm_model made, other;
    CHECK_OK(sgm_model_init(&made, &o, sgm_key_init(13)));
    CHECK_OK(sgm_model_save(&made, path));
    o.user = b;
    CHECK_OK(sgm_model_init(&other, &o, sgm_key_init(14)));
    assert_int_equal(made.n_params, other.n_params); /* nothing else would tell */
    float *before = (float *)malloc(other.n_params * sizeof(float));
    memcpy(before, other.params, other.n_params * sizeof(float));
    CHECK_FAILS(sgm_model_load(&other, path), SGM_MISMATCH, does);
    CHECK_FAILS(sgm_model_load(&other, path), SGM_MISMATCH, here);
    CHECK_FAILS(sgm_model_load(&other, path), SGM_MISMATCH, "sgm_model_open");
    assert_memory_equal(before, other.params, other.n_params * sizeof(float));
    free(before);
    sgm_model_free(&other);
    CHECK_OK(sgm_model_open(&other, path)); /* the cure */
    check_scores(&made, &other, SGM_RAW, NULL);
    sgm_model_free(&other), sgm_model_free(&made);
    remove(path);
}

static void operations_that_differ(void **state) {
    sgm_mlp_options a = small_mlp(), b = a;
    sgm_image_net c, e;
    (void)state;
    a.activation = SGM_ACTIVATION_RELU, b.activation = SGM_ACTIVATION_SILU;
    check_refused(sgm_mlp, &a, &b, D, "relu", "silu");
    a = b, a.embedding = SGM_EMBEDDING_FOURIER, b.embedding = SGM_EMBEDDING_SINUSOIDAL;
    check_refused(sgm_residual_mlp, &a, &b, D, "fourier", "sinusoidal");
    b = a, b.dropout = 0.25f;
    check_refused(sgm_mlp, &a, &b, D, "where this one does", "dropout");
    memset(&c, 0, sizeof c), c.h = c.w = SIDE, c.width = 16, c.depth = 2, c.patch = 2, e = c;
    c.groups = 8, e.groups = 4;
    check_refused(sgm_unet, &c, &e, MOST, "groups 8", "groups 4");
    e = c, c.heads = 4, e.heads = 8;
    check_refused(sgm_dit, &c, &e, MOST, "attention_scale 32x16 by 0.5 ", "by 0.707");
}

/*
A checkpoint of version 0.1.0: a network of width 4 after 10 of its 20 steps. The scores below are
what 0.1.0 printed at these points: raw, averaged, and raw after the other 10 steps.
*/

static const float scores_0_1_0[3][6] = {
    {0x1.0fbb92p+2f, 0x1.56d8ep+2f, -0x1.cffa58p-1f, -0x1.f54ep+0f, 0x1.801ccp+1f, -0x1.fd11bcp-2f},
    {0x1.4b9ba6p+2f, 0x1.b33892p+2f, -0x1.c14204p-1f, -0x1.ee48bap+0f, 0x1.802514p+1f, -0x1.fca8fcp-2f},
    {0x1.23be78p+1f, 0x1.435488p+1f, -0x1.e92704p-1f, -0x1.049526p+1f, 0x1.80176ep+1f, -0x1.fe01eep-2f}};

static void check_0_1_0(const sgm_model *m, int which, int row, double tol) {
    const float x[6] = {0.1f, -0.2f, 1, 2, -3, 0.5f}, t[3] = {0.01f, 0.4f, 1};
    float s[6];
    sgm_score score = sgm_model_score(m, which);
    CHECK_OK(sgm_score_eval(&score, s, x, t, 3));
    for (int i = 0; i < 6; i++) {
        /* The frequencies of its Fourier features are normals, which round otherwise since (A.1): by
        4e-7 at most. So the angle 2π z log σ with z < 1.46 moves by that share, four waves of it
        enter each unit with weights below .45, those leave it with 1.4 in all, silu' < 1.1, and a
        score is the noise over s. */
        double s_t = sgm_sde_s(&m->o.sde, t[i / 2]), l = log(s_t / sgm_sde_m(&m->o.sde, t[i / 2]));
        double angle = 2 * 3.1416 * 1.46 * fabs(l), moved = 4e-7 * angle * 4 * .45 * 1.1 * 1.4 / s_t;
        CHECK_CLOSE(s[i], scores_0_1_0[row][i], moved + tol);
    }
}

static void a_file_of_0_1_0(void **state) {
    const char *file = "tests/data/model_0_1_0.safetensors";
    float points[32];
    sgm_mlp_options net = small_mlp();
    sgm_train_options to;
    sgm_model m;
    sgm_trainer trainer;
    (void)state;
    net.width = 4, net.depth = 1, net.activation = SGM_ACTIVATION_SILU;
    net.embedding = SGM_EMBEDDING_FOURIER, net.embedding_width = 4;
    sgm_model_options o = options_of(sgm_mlp, 2, &net);
    o.output = SGM_OUTPUT_V, o.sigma_data = 0.5, o.n_ema = 1;
    CHECK_OK(sgm_model_init(&m, &o, sgm_key_init(77)));
    CHECK_OK(sgm_model_load(&m, file));
    check_0_1_0(&m, SGM_RAW, 0, 0), check_0_1_0(&m, 0, 1, 0);
    memset(&to, 0, sizeof to), to.steps = 20, to.batch = 8, to.lr = 0.01;
    to.loss.weight = SGM_WEIGHT_EDM, to.loss.times = SGM_TIMES_STRATIFIED, to.loss.sigma_data = 0.5;
    to.held_out = -1; /* 0.1.0 learned from all points */
    sgm_normal(points, 32, sgm_key_init(1), 0);
    CHECK_OK(sgm_trainer_init(&trainer, &m, points, 16, &to, sgm_key_init(3)));
    CHECK_OK(sgm_trainer_load(&trainer, file));
    assert_int_equal(trainer.step, 10);
    for (int i = 0; i < 10; i++) CHECK_OK(sgm_trainer_step(&trainer));
    /* sums of gradients round otherwise since: 10 steps of .01, each off by 16 roundings, move the
    parameters by 10⁻⁷; and a score by at most 4·3/s of that, s = .045. The steps move it by 1. */
    check_0_1_0(&m, SGM_RAW, 2, 2.7e-5);
    sgm_trainer_free(&trainer), sgm_model_free(&m);
    o.output = SGM_OUTPUT_NOISE; /* the same names of settings, other meanings: told */
    CHECK_OK(sgm_model_init(&m, &o, sgm_key_init(77)));
    CHECK_FAILS(sgm_model_load(&m, file), SGM_MISMATCH, "model.output = 3");
    sgm_model_free(&m);
    CHECK_FAILS(sgm_model_open(&m, file), SGM_MISMATCH, "sgm_model_init, then sgm_model_load");
}

/*
## Rows

More conditions than a batch holds, all different: each point is asked about with its own, whatever
the call cuts its set into.
*/

typedef struct conditioned {
    sgm_model model, classifier;
    float cond[N * C];
    int labels[N];
} conditioned;

static conditioned *conditioned_new(sgm_mlp_options *net) {
    conditioned *r = (conditioned *)calloc(1, sizeof *r);
    sgm_model_options o = options_of(sgm_mlp, D, net);
    o.cond = C, o.sigma_data = 1;
    CHECK_OK(sgm_model_init(&r->model, &o, sgm_key_init(20)));
    o.cond = 0, o.classes = 3;
    CHECK_OK(sgm_model_init(&r->classifier, &o, sgm_key_init(21)));
    sgm_normal(r->cond, N * C, sgm_key_init(22), 0);
    for (int i = 0; i < N; i++) r->labels[i] = (i * 7 + i / 5) % 3;
    return r;
}

static void conditioned_free(conditioned *r) {
    sgm_model_free(&r->model), sgm_model_free(&r->classifier);
    free(r);
}

static void likelihoods_of_many_conditions(void **state) {
    static double together[N], alone;
    static float moved[N * D];
    sgm_mlp_options net = small_mlp();
    conditioned *r = conditioned_new(&net);
    sgm_likelihood_options o;
    sgm_condition all, one;
    (void)state;
    memset(&o, 0, sizeof o);
    o.solve.method = SGM_METHOD_HEUN, o.solve.steps = 8, o.unchecked = 1;
    CHECK_OK(sgm_condition_init(&all, &r->model, SGM_RAW, r->cond, N));
    sgm_score score = sgm_condition_score(&all);
    CHECK_OK(sgm_likelihood(together, NULL, NULL, data, N, &score, &o, NULL, sgm_key_init(23)));
    memcpy(moved, data, sizeof moved);
    CHECK_OK(sgm_flow(moved, N, &score, score.sde.t_min, score.sde.T, &o.solve, NULL));
    for (int i = 0; i < N; i++) {
        float x[D] = {data[i * D], data[i * D + 1]};
        CHECK_OK(sgm_condition_init(&one, &r->model, SGM_RAW, r->cond + i * C, 1));
        sgm_score single = sgm_condition_score(&one);
        CHECK_OK(sgm_likelihood(&alone, NULL, NULL, x, 1, &single, &o, NULL, sgm_key_init(24)));
        CHECK_CLOSE(together[i], alone, 0);
        CHECK_OK(sgm_flow(x, 1, &single, score.sde.t_min, score.sde.T, &o.solve, NULL));
        assert_memory_equal(x, moved + i * D, sizeof x);
    }
    CHECK_FAILS(sgm_likelihood(together, NULL, NULL, data, N - 1, &score, &o, NULL, sgm_key_init(23)),
                SGM_MISMATCH, "300");
    conditioned_free(r);
}

/*
## Images as conditions

Two channels beside x and a vector beside the time, one condition for all points or one for each, in
several pieces: the same bits as one point at a time. The derivative by x is J whichever way it is
asked for, and what is hidden is hidden whole.
*/

enum { SHOWN = 2 * MOST, TOLD = SHOWN + C, ASKERS = 37 };

static void image_model(sgm_model *model, sgm_net net, int cond, int cond_image) {
    static sgm_image_net image;
    memset(&image, 0, sizeof image), image.h = image.w = SIDE, image.width = 8, image.depth = 2;
    image.groups = 4, image.heads = 2;
    sgm_model_options o = options_of(net, MOST, &image);
    o.cond = cond, o.cond_image = cond_image, o.sigma_data = 1;
    CHECK_OK(sgm_model_init(model, &o, sgm_key_init(30)));
    for (size_t i = 0; i < model->n_params; i++) model->params[i] += 0.02f * (float)(i % 11) - 0.1f;
}

static double farthest(const float *a, const float *b, long n) {
    double most = 0;
    for (long i = 0; i < n; i++) most = fmax(most, fabs((double)a[i] - b[i]));
    return most;
}

static void images_as_conditions(void **state) {
    static float x[ASKERS * MOST], v[ASKERS * MOST], u[ASKERS * MOST], t[ASKERS], cond[ASKERS * TOLD];
    static float s[4][ASKERS * MOST], jv[ASKERS * MOST], ju[ASKERS * MOST], same[ASKERS * TOLD], one[MOST];
    const sgm_net nets[4] = {sgm_resnet, sgm_unet, sgm_mixer, sgm_dit};
    (void)state;
    sgm_normal(x, ASKERS * MOST, sgm_key_init(31), 0), sgm_normal(cond, ASKERS * TOLD, sgm_key_init(32), 0);
    sgm_normal(v, ASKERS * MOST, sgm_key_init(33), 0), sgm_normal(u, ASKERS * MOST, sgm_key_init(34), 0);
    for (int i = 0; i < ASKERS; i++) t[i] = i < 20 ? 0.3f : 0.2f + 0.02f * (float)i;
    for (int k = 0; k < 4; k++) {
        sgm_model model;
        sgm_condition c;
        sgm_score score;
        image_model(&model, nets[k], TOLD, SHOWN);
        model.width *= 20; /* smaller pieces */
        CHECK_OK(sgm_condition_init(&c, &model, SGM_RAW, cond, ASKERS));
        score = sgm_condition_score(&c);
        CHECK_OK(sgm_score_eval(&score, s[0], x, t, ASKERS));
        CHECK_OK(sgm_score_jvp(&score, s[1], jv, x, v, t, ASKERS));
        assert_memory_equal(s[0], s[1], sizeof s[0]);
        CHECK_OK(sgm_score_vjp(&score, s[1], ju, x, u, t, ASKERS));
        assert_memory_equal(s[0], s[1], sizeof s[0]);
        for (int i = 0; i < ASKERS; i++) {
            double there = 0, back = 0, size = 0;
            CHECK_OK(sgm_condition_init(&c, &model, SGM_RAW, cond + i * TOLD, 1)); /* alone */
            CHECK_OK(sgm_score_eval(&score, one, x + i * MOST, t + i, 1));
            assert_memory_equal(one, s[0] + i * MOST, sizeof one);
            for (int j = i * MOST; j < (i + 1) * MOST; j++) {
                there += (double)u[j] * jv[j], back += (double)ju[j] * v[j];
                size += fabs((double)u[j] * jv[j]) + fabs((double)ju[j] * v[j]);
            }
            CHECK_CLOSE(there, back, 1e-5 * size); /* some 60 operations of rounding 2⁻²⁴ and √200 terms */
            memcpy(same + i * TOLD, cond + TOLD, TOLD * sizeof *same);
        }
        CHECK_OK(sgm_condition_init(&c, &model, SGM_RAW, cond + TOLD, 1)); /* one for all */
        CHECK_OK(sgm_score_eval(&score, s[1], x, t, ASKERS));
        CHECK_OK(sgm_condition_init(&c, &model, SGM_RAW, same, ASKERS));
        CHECK_OK(sgm_score_eval(&score, s[2], x, t, ASKERS));
        assert_memory_equal(s[1], s[2], sizeof s[1]);
        assert_true(farthest(s[0], s[1], MOST) > 1e-4);
        for (int part = 0; part < 2; part++) { /* a pixel of the second channel, a number of the vector */
            same[part ? SHOWN : 1] += 1;
            CHECK_OK(sgm_score_eval(&score, s[2], x, t, ASKERS));
            assert_true(farthest(s[1], s[2], MOST) > 1e-4);
            assert_memory_equal(s[1] + MOST, s[2] + MOST, (ASKERS - 1) * MOST * sizeof **s);
            same[part ? SHOWN : 1] -= 1;
        }
        score = sgm_model_score(&model, SGM_RAW); /* hidden: zeros, and known = 0 */
        CHECK_OK(sgm_score_eval(&score, s[1], x, t, ASKERS));
        memset(same, 0, sizeof same);
        CHECK_OK(sgm_condition_init(&c, &model, SGM_RAW, same, ASKERS));
        score = sgm_condition_score(&c);
        CHECK_OK(sgm_score_eval(&score, s[2], x, t, ASKERS)); /* zeros that are known */
        assert_true(farthest(s[1], s[2], MOST) > 1e-4);
        float none[ASKERS] = {0};
        sgm__ask ask = sgm__ask_of(&model, SGM_RAW);
        ask.cond = same, ask.known = none, ask.each = 1;
        CHECK_OK(sgm__model_all(&ask, s[3], NULL, NULL, x, NULL, t, 1));
        assert_memory_equal(s[1], s[3], MOST * sizeof **s);
        sgm_model_free(&model);
        image_model(&model, nets[k], SHOWN, SHOWN); /* no vector: `known` is told all the same */
        score = sgm_model_score(&model, SGM_RAW);
        CHECK_OK(sgm_score_eval(&score, s[1], x, t, 1));
        CHECK_OK(sgm_condition_init(&c, &model, SGM_RAW, same, 1));
        score = sgm_condition_score(&c);
        CHECK_OK(sgm_score_eval(&score, s[2], x, t, 1));
        assert_true(farthest(s[1], s[2], MOST) > 1e-4);
        sgm_model_free(&model);
    }
}

/* The channels of x come first in each pixel, then those of the image. */
static void channels_of_a_condition(void **state) {
    float x[2 * 6 * 2], y[2 * 6 * 3];
    sgm_tape *tape = sgm_tape_new();
    sgm_net_in in;
    (void)state;
    memset(&in, 0, sizeof in);
    for (int i = 0; i < 24; i++) x[i] = (float)i;
    for (int i = 0; i < 36; i++) y[i] = 100 + (float)i;
    in.x = sgm_tape_input(tape, x, 2, 12);
    assert_ptr_equal(sgm_image_in(tape, &in, 2, 3), in.x);
    in.image = sgm_tape_input(tape, y, 2, 18);
    sgm_tensor *both = sgm_image_in(tape, &in, 2, 3);
    CHECK_OK(sgm_tape_status(tape));
    assert_true(both->rows == 2 && both->cols == 30);
    for (int i = 0; i < 60; i++)
        CHECK_CLOSE(both->v[i], i % 5 < 2 ? x[i / 5 * 2 + i % 5] : y[i / 5 * 3 + i % 5 - 2], 0);
    sgm_tape_free(tape);
}

static void images_that_do_not_fit(void **state) {
    sgm_image_net image;
    sgm_model model, other;
    (void)state;
    memset(&image, 0, sizeof image), image.h = image.w = SIDE, image.width = 8, image.groups = 4;
    sgm_model_options o = options_of(sgm_unet, MOST, &image);
    o.cond = C, o.cond_image = MOST;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "cond counts its numbers too");
    o.cond_image = -1;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "cond_image -1");
    o.cond = 2 * MOST, o.cond_image = MOST + 1;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "a multiple of 64");
    image_model(&model, sgm_unet, 2 * MOST, MOST), image_model(&other, sgm_unet, 2 * MOST, 0);
    CHECK_OK(sgm_model_save(&model, path));
    CHECK_FAILS(sgm_model_load(&other, path), SGM_MISMATCH, "model.cond_image = 64, but here it is 0");
    sgm_model_free(&other);
    CHECK_OK(sgm_model_open(&other, path));
    check_scores(&model, &other, SGM_RAW, NULL);
    remove(path);
    sgm_model_free(&model), sgm_model_free(&other);
}

/* A score that looks up its row itself, asks one point at a time, and sees from the place of the
point, for the data lie 100 apart and the noise is of size 1, whether the row is its point's. */

typedef struct by_hand {
    const conditioned *r;
    int classifier;
} by_hand;

static sgm_status one_by_one(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    const by_hand *h = (const by_hand *)self->ctx;
    for (long i = 0; i < n; i++) {
        long row = self->row ? self->row[i] : self->first + i;
        sgm_condition c;
        sgm_classifier k;
        sgm_score score;
        if (row != (long)floor((x[i * D] + 50) / 100)) return SGM_MISMATCH;
        if (h->classifier) {
            SGM__TRY(sgm_classifier_init(&k, &h->r->classifier, SGM_RAW, h->r->labels + row, 1));
            score = sgm_classifier_score(&k);
        } else {
            SGM__TRY(sgm_condition_init(&c, &h->r->model, SGM_RAW, h->r->cond + row * C, 1));
            score = sgm_condition_score(&c);
        }
        SGM__TRY(sgm_score_eval(&score, s + i * D, x + i * D, t + i, 1));
    }
    return SGM_OK;
}

static void losses_of_many_conditions(void **state) {
    static float apart[N * D];
    const double level = 1e-3;
    sgm_mlp_options net = small_mlp();
    conditioned *r = conditioned_new(&net);
    (void)state;
    for (int i = 0; i < N; i++) apart[i * D] = 100 * (float)i, apart[i * D + 1] = 0.01f * (float)(i % 40);
    for (int classifier = 0; classifier < 2; classifier++) {
        sgm_condition c;
        sgm_classifier k;
        sgm_loss loss;
        sgm_dsm_result got[2];
        double mean[2], se[2];
        CHECK_OK(sgm_condition_init(&c, &r->model, SGM_RAW, r->cond, N));
        CHECK_OK(sgm_classifier_init(&k, &r->classifier, SGM_RAW, r->labels, N));
        memset(&loss, 0, sizeof loss);
        loss.times = SGM_TIMES_GRID, loss.grid = &level, loss.n_grid = 1;
        for (int own = 0; own < 2; own++) {
            by_hand h = {r, classifier};
            sgm_score score = classifier ? sgm_classifier_score(&k) : sgm_condition_score(&c);
            if (own) score.ctx = &h, score.eval = one_by_one, score.jvp = NULL, score.trace = NULL;
            CHECK_OK(sgm_dsm(&got[own], &score, NULL, apart, N, &loss, 1000, sgm_key_init(25)));
            CHECK_OK(sgm_objective_value(&mean[own], &se[own], &score, apart, N, &loss, 1000,
                                         sgm_key_init(26)));
        }
        CHECK_CLOSE(got[0].loss, got[1].loss, 0);
        CHECK_CLOSE(got[0].loss_se, got[1].loss_se, 0);
        CHECK_CLOSE(mean[0], mean[1], 0);
        CHECK_CLOSE(se[0], se[1], 0);
        for (int i = 0; i < N; i++) r->cond[i * C] += 1, r->labels[i] = (r->labels[i] + 1) % 3;
        sgm_score score = classifier ? sgm_classifier_score(&k) : sgm_condition_score(&c);
        CHECK_OK(sgm_dsm(&got[1], &score, NULL, apart, N, &loss, 1000, sgm_key_init(25)));
        assert_true(got[0].loss != got[1].loss); /* they do matter */
    }
    conditioned_free(r);
}

/*
## A scaler in the model's options

Against the same model of data that were scaled by hand. Shifts and scales are sums of a few powers
of two, and the data multiples of 2⁻¹⁰, so that scaling rounds nothing.
*/

static void scaler_acts(void **state) {
    static float raw[N * D], scaled[N * D], x[2][64 * D], both[64 * D];
    static double logp[2][N];
    const double shift[D] = {3, -1}, scale[D] = {4, 0.25};
    const float A[D] = {1, 2}, A_scaled[D] = {4, 0.5f}, y = 0.75f, y_scaled = -0.25f; /* y - A shift */
    sgm_mlp_options net = small_mlp();
    sgm_scaler scaler;
    sgm_model model[2];
    sgm_score score[2];
    (void)state;
    CHECK_OK(sgm_scaler_init(&scaler, data, N, D));
    for (int i = 0; i < N * D; i++) {
        scaled[i] = (float)(floor(1024 * data[i] + 0.5) / 1024);
        raw[i] = (float)(shift[i % D] + scale[i % D] * scaled[i]);
    }
    for (int j = 0; j < D; j++) scaler.shift[j] = shift[j], scaler.scale[j] = scale[j];
    for (int k = 0; k < 2; k++) {
        sgm_model_options o = options_of(sgm_mlp, D, &net);
        sgm_train_options to;
        o.scaler = k ? NULL : &scaler;
        memset(&to, 0, sizeof to), to.steps = 30, to.batch = 32;
        CHECK_OK(sgm_model_init(&model[k], &o, sgm_key_init(30)));
        CHECK_OK(sgm_train(&model[k], k ? scaled : raw, N, &to, sgm_key_init(31)));
        score[k] = sgm_model_score(&model[k], SGM_RAW);
    }
    assert_true(score[0].scaler == &scaler && !score[1].scaler);
    CHECK_REL(model[0].o.sigma_data, model[1].o.sigma_data, 1e-14);
    sgm_dsm_result dsm[2];
    sgm_loss loss;
    memset(&loss, 0, sizeof loss);
    for (int k = 0; k < 2; k++) {
        sgm_likelihood_options o;
        sgm_inverse problem;
        sgm_inverse_options io;
        memset(&o, 0, sizeof o), o.solve.method = SGM_METHOD_HEUN, o.solve.steps = 10, o.unchecked = 1;
        memset(&io, 0, sizeof io), io.sample.steps = 20;
        CHECK_OK(sgm_sample(x[k], 64, &score[k], NULL, sgm_key_init(32)));
        CHECK_OK(sgm_likelihood(logp[k], NULL, NULL, k ? scaled : raw, N, &score[k], &o, NULL,
                                sgm_key_init(33)));
        CHECK_OK(sgm_dsm(&dsm[k], &score[k], NULL, k ? scaled : raw, N, &loss, 500, sgm_key_init(34)));
        for (int method = SGM_INVERSE_REPLACEMENT; method <= SGM_INVERSE_PIGDM; method++) {
            float *out = both;
            io.method = (sgm_inverse_method)method;
            CHECK_OK(sgm_inverse_init(&problem, D, 1, k ? A_scaled : A, k ? &y_scaled : &y, 0.5));
            CHECK_OK(sgm_inverse_sample(out, 64, &score[k], &problem, &io, sgm_key_init(35)));
            static float kept[8][64 * D];
            if (k == 0) memcpy(kept[method], out, sizeof kept[0]);
            else for (int i = 0; i < 64 * D; i++)
                CHECK_CLOSE(kept[method][i], shift[i % D] + scale[i % D] * out[i], 1e-4 * scale[i % D]);
            sgm_inverse_free(&problem);
        }
    }
    assert_memory_equal(model[0].params, model[1].params, model[0].n_params * sizeof(float));
    CHECK_CLOSE(dsm[0].loss, dsm[1].loss, 0);
    for (int i = 0; i < 64 * D; i++) CHECK_CLOSE(x[0][i], (float)(shift[i % D] + scale[i % D] * x[1][i]), 0);
    for (int i = 0; i < N; i++) CHECK_CLOSE(logp[0][i], logp[1][i] - log(4 * 0.25), 1e-12);
    sgm_model_free(&model[0]), sgm_model_free(&model[1]), sgm_scaler_free(&scaler);
}

/* One of zeros is fitted by the first training, and by that alone. */

static void a_scaler_of_zeros(void **state) {
    sgm_mlp_options net = small_mlp();
    sgm_scaler scaler, fitted;
    sgm_train_options to;
    sgm_model m;
    float other[D * 8], s[D], t = 0.5f;
    (void)state;
    memset(&scaler, 0, sizeof scaler), memset(&to, 0, sizeof to);
    to.steps = 2, to.batch = 8;
    sgm_normal(other, D * 8, sgm_key_init(40), 0);
    for (int i = 0; i < D * 8; i++) other[i] = 5 + 3 * other[i];
    CHECK_OK(sgm_scaler_init(&fitted, data, N, D));
    sgm_model_options o = options_of(sgm_mlp, D, &net);
    o.scaler = &scaler;
    CHECK_OK(sgm_model_init(&m, &o, sgm_key_init(41)));
    sgm_score score = sgm_model_score(&m, SGM_RAW);
    CHECK_FAILS(sgm_sample(s, 1, &score, NULL, sgm_key_init(42)), SGM_MISMATCH, "scaler");
    scaler.channels = D + 1; /* refused, and not forgotten */
    for (int i = 0; i < 2; i++)
        CHECK_FAILS(sgm_train(&m, data, N, &to, sgm_key_init(43)), SGM_BAD_ARGUMENT, "channels do not divide");
    scaler.channels = 0;
    CHECK_OK(sgm_train(&m, data, N, &to, sgm_key_init(43)));
    CHECK_OK(sgm_train(&m, other, 8, &to, sgm_key_init(44)));
    assert_int_equal(scaler.d, D);
    assert_memory_equal(scaler.shift, fitted.shift, D * sizeof(double));
    assert_memory_equal(scaler.scale, fitted.scale, D * sizeof(double));
    CHECK_OK(sgm_sample(s, 1, &score, NULL, sgm_key_init(42)));
    CHECK_OK(sgm_score_eval(&score, s, data, &t, 1));
    sgm_model_free(&m), sgm_scaler_free(&scaler), sgm_scaler_free(&fitted);
}

/* A scaler of zeros but for `channels` is fitted to the whole image: training, samples, likelihood and a file that is opened agree
with the scaled data's own, though a pixel is black in all images. */

static void a_scaler_of_images(void **state) {
    enum { P = 4 };
    static float raw[64 * P], scaled[64 * P], x[3][16 * P];
    static double logp[3][64];
    sgm_mlp_options net = small_mlp();
    sgm_scaler scaler, fitted;
    sgm_train_options to;
    sgm_likelihood_options lo;
    sgm_model model[3];
    (void)state;
    memset(&scaler, 0, sizeof scaler), scaler.channels = 1;
    memset(&to, 0, sizeof to), to.steps = 30, to.batch = 16;
    memset(&lo, 0, sizeof lo), lo.solve.method = SGM_METHOD_HEUN, lo.solve.steps = 10, lo.unchecked = 1;
    sgm_uniform(raw, 64 * P, sgm_key_init(50), 0);
    for (int i = 0; i < 64; i++) raw[i * P] = 0;
    CHECK_OK(sgm_scaler_init_channels(&fitted, raw, 64, P, 1));
    sgm_scaler_apply(&fitted, scaled, raw, 64);
    for (int k = 0; k < 2; k++) {
        sgm_model_options o = options_of(sgm_mlp, P, &net);
        o.scaler = k ? NULL : &scaler;
        CHECK_OK(sgm_model_init(&model[k], &o, sgm_key_init(51)));
        CHECK_OK(sgm_train(&model[k], k ? scaled : raw, 64, &to, sgm_key_init(52)));
    }
    assert_int_equal(scaler.d, P);
    assert_memory_equal(scaler.scale, fitted.scale, P * sizeof(double));
    CHECK_OK(sgm_model_save(&model[0], path));
    CHECK_OK(sgm_model_open(&model[2], path));
    for (int k = 0; k < 3; k++) {
        sgm_score score = sgm_model_score(&model[k], SGM_RAW);
        CHECK_OK(sgm_sample(x[k], 16, &score, NULL, sgm_key_init(53)));
        CHECK_OK(sgm_likelihood(logp[k], NULL, NULL, k == 1 ? scaled : raw, 64, &score, &lo, NULL, sgm_key_init(54)));
    }
    assert_memory_equal(x[0], x[2], sizeof x[0]);
    assert_memory_equal(logp[0], logp[2], sizeof logp[0]);
    sgm_scaler_undo(&fitted, x[1], x[1], 16);
    /* sigma_data is measured of floats that were rounded once more: some roundings of numbers near 4 */
    for (int i = 0; i < 16 * P; i++) CHECK_CLOSE(x[0][i], x[1][i], 1e-5);
    for (int i = 0; i < 64; i++) CHECK_CLOSE(logp[0][i], logp[1][i] - P * log(fitted.scale[0]), 1e-4);
    for (int k = 0; k < 3; k++) sgm_model_free(&model[k]);
    sgm_scaler_free(&scaler), sgm_scaler_free(&fitted), remove(path);
}

static int set_up_all(void **state) {
    (void)state;
    sgm_normal(data, N * D, sgm_key_init(0), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_and_times),
        cmocka_unit_test(times_follow_the_data),
        cmocka_unit_test(sizes_and_starts),
        cmocka_unit_test(steps_and_grids),
        cmocka_unit_test(options_choose),
        cmocka_unit_test(uniform_grids_that_miss_the_data),
        cmocka_unit_test(every_ready_network_opens),
        cmocka_unit_test(operations_that_differ),
        cmocka_unit_test(a_file_of_0_1_0),
        cmocka_unit_test(likelihoods_of_many_conditions),
        cmocka_unit_test(losses_of_many_conditions),
        cmocka_unit_test(images_as_conditions),
        cmocka_unit_test(channels_of_a_condition),
        cmocka_unit_test(images_that_do_not_fit),
        cmocka_unit_test(scaler_acts),
        cmocka_unit_test(a_scaler_of_zeros),
        cmocka_unit_test(a_scaler_of_images),
    };
    return cmocka_run_group_tests_name("D settings", tests, set_up_all, NULL);
}
