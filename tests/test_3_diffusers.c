/*
§F.10: networks and tables of HuggingFace's diffusers, against what the package makes of fixed
inputs (tests/data/diffusers_unet.py), and files that are none.

    cc -O2 -I. tests/test_3_diffusers.c -lcmocka -lm -o test_3_diffusers && ./test_3_diffusers
*/
#define _XOPEN_SOURCE 700
#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include <unistd.h>

#define DATA "tests/data/diffusers_"

static sgm_ddpm table;
static char directory[256], config_path[300], weights_path[300];

static int set_up(void **state) {
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(directory, sizeof directory, "%.200s/sgm_diffusers_XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) return -1;
    snprintf(config_path, sizeof config_path, "%s/config.json", directory);
    snprintf(weights_path, sizeof weights_path, "%s/diffusion_pytorch_model.safetensors", directory);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    remove(config_path), remove(weights_path);
    return rmdir(directory);
}

static int before_each(void **state) {
    fresh_start(state);
    return sgm_ddpm_init(&table, NULL, 1000) != SGM_OK;
}

static int after_each(void **state) {
    sgm_ddpm_free(&table);
    return nothing_left(state);
}

static sgm_model_options under_table(void) {
    sgm_model_options o;
    memset(&o, 0, sizeof o);
    o.sde = sgm_ddpm_sde(&table), o.n_ema = 1;
    return o;
}

static const float *find(const sgm_archive *file, const char *name) {
    const sgm_array *a = sgm_archive_find(file, name);
    if (!a) print_error("no %s\n", name);
    assert_non_null(a);
    return a->data;
}

static float *noise_of(const sgm_score *score, const float *x, const float *t, int n) {
    float *out = (float *)malloc(sizeof *out * (size_t)(n * score->d));
    assert_non_null(out);
    CHECK_OK(sgm_score_eval(score, out, x, t, n));
    sgm_output_convert(out, SGM_OUTPUT_NOISE, out, SGM_OUTPUT_SCORE, x, t, n, score->d, &score->sde, 0);
    return out;
}

/*
## The package's outputs

The issue asks for 2e-5; the package's float32 is 2e-6 from its float64, and we 2e-6 from that.
*/

static void gives_the_packages_outputs(void **state) {
    static const char *const names[] = {"plain", "other", "lesson"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        char path[100];
        sgm_model model;
        sgm_archive io;
        sgm_model_options o = under_table();
        snprintf(path, sizeof path, DATA "%s", names[i]);
        CHECK_OK(sgm_diffusers_unet(&model, path, &o));
        snprintf(path, sizeof path, DATA "%s/io.safetensors", names[i]);
        CHECK_OK(sgm_archive_load(&io, path));
        const float *x = find(&io, "x"), *out = find(&io, "out"), *k = find(&io, "k");
        assert_int_equal((int)model.n_params, (int)find(&io, "parameters")[0]);
        assert_int_equal(model.o.output, SGM_OUTPUT_NOISE);
        for (int which = SGM_RAW; which <= 0; which++) {
            sgm_score score = sgm_model_score(&model, which);
            const float t[2] = {k[0] + 1, k[1] + 1};
            float *got = noise_of(&score, x, t, 2);
            for (int j = 0; j < 2 * model.o.d; j++) CHECK_CLOSE(got[j], out[j], 1e-5);
            free(got);
        }
        sgm_model_free(&model), sgm_archive_free(&io);
    }
}

/* The transpose of the tangent: v·(J u) = u·(Jᵀ v); and the tangent is the slope of the values. */
static void has_tangents_and_adjoints(void **state) {
    static const char *const names[] = {"plain", "other"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[100];
        sgm_model model;
        sgm_model_options o = under_table();
        snprintf(path, sizeof path, DATA "%s", names[i]);
        CHECK_OK(sgm_diffusers_unet(&model, path, &o));
        const int d = model.o.d;
        float x[4 * 192], *u = x + d, *v = u + d, *y = v + d, t = 300, s[192], ju[192], jv[192];
        sgm_normal(x, (size_t)(3 * d), sgm_key_init(7), 0);
        sgm_score score = sgm_model_score(&model, 0);
        CHECK_OK(sgm_score_jvp(&score, s, ju, x, u, &t, 1));
        CHECK_OK(sgm_score_vjp(&score, s, jv, x, v, &t, 1));
        CHECK_CLOSE(dot(v, ju, d), dot(u, jv, d), 1e-4 * sqrt(dot(ju, ju, d) * dot(v, v, d)));
        double slope = 0, h = 1e-2;
        for (int sign = -1; sign <= 1; sign += 2) {
            for (int j = 0; j < d; j++) y[j] = (float)(x[j] + sign * h * u[j]);
            CHECK_OK(sgm_score_eval(&score, s, y, &t, 1));
            slope += sign * dot(v, s, d) / (2 * h);
        }
        /* an error of h² in each derivative of the third order */
        CHECK_CLOSE(dot(v, ju, d), slope, 2e-3 * sqrt(dot(ju, ju, d) * dot(v, v, d)));
        sgm_model_free(&model);
    }
}

/* The waves' two derivatives by the time, against central differences. */
static void feels_the_time(void **state) {
    (void)state;
    for (int kind = SGM__STEPS; kind < SGM__STEPS + 4; kind++) {
        float f[3][9], d1[9], d2[9];
        sgm_tensor y;
        memset(&y, 0, sizeof y);
        y.cols = 9, y.i = kind, y.s = 1;
        double h = 0.125, t = 41;
        for (int i = 0; i < 3; i++)
            sgm__feature_at(&y, f[i], i == 1 ? d1 : NULL, i == 1 ? d2 : NULL, t + (i - 1) * h);
        for (int j = 0; j < 9; j++) {
            double first = (f[2][j] - f[0][j]) / (2 * h);
            double second = (f[2][j] - 2 * f[1][j] + f[0][j]) / (h * h);
            CHECK_CLOSE(d1[j], first, h * h / 6 + 1e-5);
            CHECK_CLOSE(d2[j], second, h * h / 12 + 5e-5);
        }
        assert_true(f[1][8] == 0);
        /* ω_3 = 10⁻⁴ to the power of 3/4, or 3/3 if shifted */
        double omega = kind < SGM__STEPS + 2 ? 1e-3 : 1e-4;
        CHECK_CLOSE(f[1][(kind - SGM__STEPS) % 2 ? 3 : 7], sin(40 * omega), 2e-6);
    }
}

/* The lesson's network: 17 217 923 parameters, and what fresh ones do. */
static void makes_fresh_networks(void **state) {
    sgm_diffusers net;
    sgm__builder b;
    double count = 0;
    (void)state;
    memset(&net, 0, sizeof net), memset(&b, 0, sizeof b);
    net.h = net.w = 32, net.levels = 4, net.down[2] = net.up[1] = 1;
    net.width[0] = 64, net.width[1] = net.width[2] = 128, net.width[3] = 256;
    assert_null(sgm__diffusers_fault(&net));
    b.o = &net;
    sgm__diffusers_build(&b, NULL, NULL);
    b.units = (sgm__unit *)calloc((size_t)b.n_units, sizeof *b.units);
    sgm__diffusers_build(&b, NULL, NULL);
    for (int i = 0; i < b.n_units; i++)
        count += (double)b.units[i].out *
                 (1 + b.units[i].in * (b.units[i].kernel ? b.units[i].kernel * b.units[i].kernel : 1));
    free(b.units);
    CHECK_CLOSE(count, 17217923, 0);

    sgm_diffusers small;
    sgm_model model;
    memset(&small, 0, sizeof small);
    small.channels = 1, small.levels = 2, small.width[0] = small.width[1] = 8, small.groups = 4;
    small.down[1] = 1, small.layers = 1, small.dropout = 0.1f;
    sgm_model_options o = under_table();
    o.net = sgm_diffusers_net, o.user = &small, o.d = 16, o.output = SGM_OUTPUT_NOISE;
    CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
    float data[64 * 16];
    sgm_normal(data, COUNT(data), sgm_key_init(2), 0);
    for (int i = 0; i < COUNT(data); i++) data[i] = 1 + 0.1f * data[i];
    sgm_train_options run;
    sgm_trainer trainer;
    memset(&run, 0, sizeof run);
    run.steps = 60, run.batch = 32, run.lr = 3e-3;
    CHECK_OK(sgm_trainer_init(&trainer, &model, data, 64, &run, sgm_key_init(3)));
    double first = 0, last = 0;
    for (int i = 0; i < 60; i++) {
        CHECK_OK(sgm_trainer_step(&trainer));
        if (i < 10) first += trainer.loss / 10;
        if (i >= 50) last += trainer.loss / 10;
    }
    assert_true(last < 0.5 * first);
    sgm_trainer_free(&trainer), sgm_model_free(&model);
}

/* A checkpoint that was read is a model like any other: sampled, trained on, saved, loaded. */
static void is_a_model_like_any_other(void **state) {
    enum { D = 192 };
    static float x[2][4 * D], data[20 * D];
    sgm_model model, again;
    sgm_model_options o = under_table();
    sgm_sample_options how;
    sgm_train_options run;
    (void)state;
    memset(&how, 0, sizeof how), memset(&run, 0, sizeof run);
    o.sde.T = 1000, o.n_ema = 2;
    CHECK_OK(sgm_diffusers_unet(&model, DATA "plain", &o));
    static const sgm_method methods[] = {SGM_METHOD_EULER_MARUYAMA, SGM_METHOD_ANCESTRAL, SGM_METHOD_DPM_SDE,
        SGM_METHOD_CHURN, SGM_METHOD_DDIM, SGM_METHOD_RK4, SGM_METHOD_ADAMS, SGM_METHOD_DPM_3, SGM_METHOD_DPMPP_3M};
    sgm_score score = sgm_model_score(&model, 1);
    for (int i = 0; i < COUNT(methods); i++) {
        how.method = methods[i], how.steps = 12;
        CHECK_OK(sgm_sample(x[0], 2, &score, &how, sgm_key_init(1)));
        assert_true(isfinite(x[0][0]) && x[0][0] != x[0][1]);
    }
    sgm_normal(data, COUNT(data), sgm_key_init(2), 0);
    run.steps = 3, run.batch = 8;
    CHECK_OK(sgm_train(&model, data, 20, &run, sgm_key_init(3)));
    CHECK_OK(sgm_model_save(&model, weights_path));
    CHECK_OK(sgm_diffusers_unet(&again, DATA "plain", &o));
    assert_memory_not_equal(again.params, model.params, model.n_params * sizeof(float));
    CHECK_OK(sgm_model_load(&again, weights_path));
    assert_memory_equal(again.params, model.params, model.n_params * sizeof(float));
    assert_memory_equal(again.ema[1], model.ema[1], model.n_params * sizeof(float));
    sgm_model_free(&again), sgm_model_free(&model);
    CHECK_OK(sgm_diffusers_unet(&model, DATA "other", &o));
    CHECK_FAILS(sgm_model_load(&model, weights_path), SGM_MISMATCH, "");
    sgm_model_free(&model), remove(weights_path);
}

/*
## Files that describe themselves

A model that is opened has the bits of the one that was saved: its scores, raw and averaged, and its
next file. It has a table of its own, so the first one's is freed before.
*/

static long bytes_of(const char *path, char **bytes) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    const long n = ftell(f);
    assert_non_null(*bytes = (char *)malloc((size_t)n));
    rewind(f);
    assert_int_equal(fread(*bytes, 1, (size_t)n, f), n);
    fclose(f);
    return n;
}

static void trained(sgm_model *model) {
    const int d = model->o.d;
    float *data = (float *)malloc(sizeof *data * (size_t)(8 * d));
    sgm_train_options run;
    memset(&run, 0, sizeof run);
    run.steps = 2, run.batch = 4, run.ema[0] = 0.5, run.ema[1] = 0.9;
    sgm_normal(data, (size_t)(8 * d), sgm_key_init(2), 0);
    CHECK_OK(sgm_train(model, data, 8, &run, sgm_key_init(3)));
    free(data);
}

/* Frees the model, and the table. */
static void check_opens(sgm_model *model, sgm_ddpm *of) {
    enum { N = 3 };
    const int d = model->o.d, n_ema = model->o.n_ema;
    const size_t size = sizeof(float) * (size_t)(N * d);
    float *x = (float *)malloc(size), *s[2][3];
    const double T = model->o.sde.T;
    const float t[N] = {(float)(0.001 * T), (float)(0.4 * T), (float)T};
    const double u = 0.37 * T;
    double rate[2], logsnr[2]; /* of the process, to all their digits */
    char *bytes[2];
    sgm_model opened;
    sgm_normal(x, (size_t)(N * d), sgm_key_init(4), 0);
    CHECK_OK(sgm_model_save(model, weights_path));
    const long n = bytes_of(weights_path, &bytes[0]);
    for (int k = 0; k < 2; k++) {
        sgm_model *m = k ? &opened : model;
        if (k) CHECK_OK(sgm_model_open(&opened, weights_path));
        rate[k] = sgm_sde_g2(&m->o.sde, u), logsnr[k] = sgm_sde_logsnr(&m->o.sde, u);
        for (int which = SGM_RAW; which < n_ema; which++) {
            float *to = s[k][which + 1] = (float *)malloc(size);
            sgm_score score = sgm_model_score(m, which);
            CHECK_OK(sgm_score_eval(&score, to, x, t, N));
        }
        if (k == 0) sgm_model_free(model), sgm_ddpm_free(of);
    }
    assert_true(opened.o.net == sgm_diffusers_net && opened.o.n_ema == n_ema && opened.o.sde.T == T);
    for (int i = 0; i <= n_ema; i++) assert_memory_equal(s[0][i], s[1][i], size);
    assert_memory_not_equal(s[0][0], s[0][1], size);
    assert_true(rate[0] == rate[1] && logsnr[0] == logsnr[1]);
    CHECK_OK(sgm_model_save(&opened, weights_path));
    assert_int_equal(bytes_of(weights_path, &bytes[1]), n);
    assert_memory_equal(bytes[0], bytes[1], n);
    for (int i = 0; i < 2 * (n_ema + 1); i++) free(s[i % 2][i / 2]);
    free(x), free(bytes[0]), free(bytes[1]), sgm_model_free(&opened), remove(weights_path);
}

static void opens_from_its_file(void **state) {
    static const char *const names[] = {"plain", "other", "lesson"};
    (void)state;
    for (int i = 0; i < 6; i++) {
        char path[100];
        sgm_model model;
        sgm_ddpm own;
        sgm_scaler scaler;
        memset(&scaler, 0, sizeof scaler);
        double beta[100];
        for (int k = 0; k < 100; k++) beta[k] = k == 50 ? 1e-30 : 1e-3 + 0.3 * pow(k / 100.0, 3);
        CHECK_OK(sgm_ddpm_init(&own, i < 3 ? beta : NULL, 100));
        sgm_model_options o = under_table();
        o.sde = i == 1 ? sgm_sde_vp(0.1, 20) : sgm_ddpm_sde(&own);
        if (i > 2) o.sde.T = 90, o.sde.t_min = 0.5, o.scaler = &scaler;
        o.n_ema = 2;
        snprintf(path, sizeof path, DATA "%s", names[i % 3]);
        CHECK_OK(sgm_diffusers_unet(&model, path, &o));
        trained(&model);
        check_opens(&model, &own);
        sgm_scaler_free(&scaler);
    }
}

/* Fresh ones: each option away from its default once, and what lies beyond the levels is not read. */
static void fresh_ones_open_too(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        sgm_diffusers net;
        sgm_model model;
        sgm_ddpm own;
        memset(&net, 0, sizeof net);
        net.channels = 1, net.levels = 3, net.groups = 2, net.head = 4, net.layers = 1;
        net.width[0] = 4, net.width[1] = 8, net.width[2] = 12;
        net.width[3] = 99, net.down[3] = net.up[7] = 1;
        if (i == 1) net.down[1] = 1;
        if (i == 2) net.up[1] = 5; /* any number but 0 */
        if (i == 3) net.head = -1, net.down[0] = net.up[0] = 1;
        if (i == 4) net.no_middle = 2, net.layers = 0;
        if (i == 5) net.sin_first = -1, net.dropout = 0.1f;
        if (i == 6) net.freq_shift = 1, net.h = 4, net.w = 16;
        if (i == 7) net.pad_after = 3, net.groups = 4;
        if (i == 8) net.eps = 0.1, net.steps = 1e3 / 3;
        if (i == 9) net.channels = 0, net.head = 0, net.width[2] = 8;
        CHECK_OK(sgm_ddpm_init(&own, NULL, 1000));
        sgm_model_options o = under_table();
        o.sde = i == 8 ? sgm_sde_vp(0.1, 20) : sgm_ddpm_sde(&own);
        o.net = sgm_diffusers_net, o.user = &net, o.d = i == 9 ? 48 : 64;
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
        trained(&model);
        check_opens(&model, &own);
    }
}

/* As many settings as there can be: a checkpoint of eight levels, with points held out. */
static void a_checkpoint_opens(void **state) {
    enum { SIDE = 128, D = SIDE * SIDE };
    sgm_diffusers net;
    sgm_model model, opened;
    sgm_train_options run;
    sgm_trainer trainer;
    float *data = (float *)calloc(4 * D, sizeof *data);
    (void)state;
    memset(&net, 0, sizeof net), memset(&run, 0, sizeof run);
    net.channels = 1, net.levels = 8, net.groups = 2, net.layers = 1, net.no_middle = 1;
    for (int i = 0; i < 8; i++) net.width[i] = 4;
    sgm_normal(data, 4 * D, sgm_key_init(2), 0);
    sgm_model_options o = under_table();
    o.net = sgm_diffusers_net, o.user = &net, o.d = D;
    CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
    run.steps = 9, run.batch = 1, run.held_out = 0.25, run.patience = 2, run.checkpoint = weights_path;
    CHECK_OK(sgm_trainer_init(&trainer, &model, data, 4, &run, sgm_key_init(3)));
    CHECK_OK(sgm_trainer_save(&trainer, weights_path));
    CHECK_OK(sgm_model_open(&opened, weights_path));
    assert_int_equal(opened.n_params, model.n_params);
    assert_memory_equal(opened.params, model.params, model.n_params * sizeof(float));
    assert_string_equal(opened.operations, model.operations);
    sgm_trainer_free(&trainer), sgm_model_free(&model), sgm_model_free(&opened);
    free(data), remove(weights_path);
}

/* The file again, with another value of a setting (NULL: none), and another number in its table. */
static void tampered(const char *from, const char *key, const char *value, int at, float number) {
    sgm_archive a;
    const char *meta[200];
    int n = 0, found = 0;
    CHECK_OK(sgm_archive_load(&a, from));
    for (int i = 0; i < a.n_meta; i++) {
        const char *name = a.meta[2 * i];
        const int is_it = strcmp(name, key) == 0;
        found |= is_it;
        if (!strcmp(name, "model.checksum") || !strcmp(name, "sgm.checksum") || (is_it && !value)) continue;
        meta[2 * n] = name, meta[2 * n + 1] = is_it ? value : a.meta[2 * i + 1], n++;
    }
    if (*key && !found) print_error("no %s\n", key);
    assert_true(!*key || found);
    if (at >= 0) ((float *)(uintptr_t)find(&a, "ddpm"))[at] = number;
    if (at == -2) ((sgm_array *)(uintptr_t)sgm_archive_find(&a, "ddpm"))->rows = 4;
    if (at == -3) ((sgm_array *)(uintptr_t)sgm_archive_find(&a, "ddpm"))->cols = 1;
    CHECK_OK(sgm_archive_save(weights_path, a.arrays, a.n_arrays, meta, n));
    sgm_archive_free(&a);
}

static void opens_no_false_settings(void **state) {
    static const struct { const char *key, *value; } bad[] = {
        {"net.levels", "99"}, {"net.levels", "0"}, {"net.levels", "-1"}, {"net.levels", NULL},
        {"net.levels", "3"}, {"net.width0", "0"}, {"net.width1", "0"}, {"net.width0", "3"},
        {"net.width0", "1e8"}, {"net.width0", NULL}, {"net.width1", "2.5"}, {"net.groups", "3"},
        {"net.groups", "-1"}, {"net.head", "3"}, {"net.head", "-1"}, {"net.head", "1e9"},
        {"net.layers", "9"}, {"net.layers", "nan"}, {"net.h", "7"}, {"net.h", "99999999"},
        {"net.w", "16"}, {"net.channels", "4"}, {"net.down", "4"}, {"net.up", "-1"}, {"net.up", "0.5"},
        {"net.no_middle", "2"}, {"net.pad_after", "x"}, {"net.sin_first", ""}, {"net.freq_shift", "2"},
        {"net.dropout", "1"}, {"net.dropout", NULL}, {"net.eps", "nan"}, {"net.eps", "-1"},
        {"net.eps", NULL}, {"net.steps", "inf"}, {"net.steps", NULL}, {"model.d", "191"}};
    char kept[320];
    sgm_model model;
    sgm_model_options o = under_table();
    (void)state;
    snprintf(kept, sizeof kept, "%s.kept", weights_path);
    CHECK_OK(sgm_diffusers_unet(&model, DATA "plain", &o));
    CHECK_OK(sgm_model_save(&model, kept));
    for (int i = 0; i < COUNT(bad); i++) {
        sgm_model opened;
        tampered(kept, bad[i].key, bad[i].value, -1, 0);
        if (sgm_model_open(&opened, weights_path) == SGM_OK) print_error("%s\n", bad[i].key);
        CHECK_FAILS(sgm_model_open(&opened, weights_path), SGM_BAD_FILE, "has a setting of its model that is none");
        assert_null(opened.params);
    }
    sgm_model opened;
    const float off[][2] = {{0, 1}, {6, 0}, {9, 1e30f}, {3000, 1e31f}, {3000, 0}};
    for (int i = 0; i < COUNT(off); i++) { /* ∫β that starts or falls wrong, or that has no end */
        tampered(kept, "", NULL, (int)off[i][0], off[i][1]);
        CHECK_FAILS(sgm_model_open(&opened, weights_path), SGM_BAD_FILE, "has a setting of its model that is none");
    }
    for (int at = -3; at < -1; at++) {
        tampered(kept, "", NULL, at, 0);
        CHECK_FAILS(sgm_model_open(&opened, weights_path), SGM_BAD_FILE, "has a setting of its model that is none");
    }
    tampered(kept, "sde.T", "1e9", -1, 0);
    assert_int_not_equal(sgm_model_open(&opened, weights_path), SGM_OK);
    tampered(kept, "model.cond", "3", -1, 0);
    CHECK_FAILS(sgm_model_open(&opened, weights_path), SGM_BAD_ARGUMENT, "no condition");
    tampered(kept, "net.up", "2", -1, 0); /* another network that could be */
    CHECK_FAILS(sgm_model_open(&opened, weights_path), SGM_MISMATCH, "");
    tampered(kept, "sde.family", "8", -1, 0); /* σ² of someone's */
    CHECK_FAILS(sgm_model_open(&opened, weights_path), SGM_MISMATCH, "a curve of its maker's");
    tampered(kept, "net", NULL, -1, 0); /* as files were before they named this network */
    CHECK_FAILS(sgm_model_open(&opened, weights_path), SGM_MISMATCH, "sgm_model_init, then sgm_model_load");
    const float first = model.params[0];
    model.params[0] = 0;
    CHECK_OK(sgm_model_load(&model, weights_path));
    assert_true(model.params[0] == first);
    for (int tries = 0, status = SGM_NO_MEMORY; status != SGM_OK; tries++) {
        const int before = live_blocks;
        assert_true(tries < 2000);
        alloc_calls = 0, fail_at = tries + 1;
        status = (int)sgm_model_open(&opened, kept);
        fail_at = 0;
        if (status == SGM_OK) sgm_model_free(&opened);
        else assert_int_equal(status, SGM_NO_MEMORY);
        assert_int_equal(live_blocks, before);
    }
    sgm_model_free(&model), remove(weights_path), remove(kept);
}

/*
## Files

Each change of a valid configuration, and what is said of it.
*/

static char *text_of(const char *path) {
    static char text[4096];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

static void write_text(const char *path, const char *text, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void copy_weights(void) {
    static char bytes[100000];
    FILE *f = fopen(DATA "plain/diffusion_pytorch_model.safetensors", "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(n < sizeof bytes);
    write_text(weights_path, bytes, n);
}

/* The configuration of `plain`, with one piece of text in place of another. */
static void with(const char *from, const char *to) {
    char text[5000];
    const char *old = text_of(DATA "plain/config.json"), *at = strstr(old, from);
    if (!at) print_error("no %s\n", from);
    assert_non_null(at);
    int n = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
    write_text(config_path, text, (size_t)n);
}

static void refuses_what_it_does_not_know(void **state) {
    static const struct { const char *from, *to, *text; } bad[] = {
        {"\"silu\"", "\"gelu\"", "act_fn is gelu, and only silu is known"},
        {"\"UNet2DModel\"", "\"UNet2DConditionModel\"", "_class_name is UNet2DConditionModel"},
        {"\"center_input_sample\": false", "\"center_input_sample\": true", "center_input_sample is true"},
        {"\"class_embed_type\": null", "\"class_embed_type\": \"timestep\"", "class_embed_type is timestep"},
        {"\"num_class_embeds\": null", "\"num_class_embeds\": 10", "num_class_embeds is 10"},
        {"\"attn_norm_num_groups\": null", "\"attn_norm_num_groups\": 2", "attn_norm_num_groups is 2"},
        {"\"time_embedding_dim\": null", "\"time_embedding_dim\": 64", "time_embedding_dim is 64"},
        {"\"positional\"", "\"fourier\"", "time_embedding_type is fourier, and only positional"},
        {"\"upsample_type\": \"conv\"", "\"upsample_type\": \"resnet\"", "upsample_type is resnet"},
        {"\"downsample_type\": \"conv\"", "\"downsample_type\": \"resnet\"", "downsample_type is resnet"},
        {"\"default\"", "\"scale_shift\"", "resnet_time_scale_shift is scale_shift"},
        {"\"UNetMidBlock2D\"", "null", "mid_block_type is null"},
        {"\"mid_block_scale_factor\": 1", "\"mid_block_scale_factor\": 1.41", "mid_block_scale_factor is 1.41"},
        {"\"act_fn\"", "\"new_idea\": {\"a\": [1, 2]}, \"act_fn\"", "new_idea is {"},
        {"\"AttnDownBlock2D\"", "\"ResnetDownsampleBlock2D\"", "down_block_types has a ResnetDownsampleBlock2D"},
        {"\"AttnUpBlock2D\"", "\"SkipUpBlock2D\"", "up_block_types has a SkipUpBlock2D"},
        {"\"AttnDownBlock2D\"", "\"DownBlock2D\", \"DownBlock2D\"", "need as many entries each"},
        {"\"out_channels\": 3", "\"out_channels\": 6", "out_channels: must be in_channels"},
        {"\"in_channels\": 3", "\"in_channels\": 3.5", "out_channels: must be in_channels"},
        {"\"sample_size\": 8", "\"sample_size\": null", "sample_size"},
        {"\"sample_size\": 8", "\"sample_size\": [8, 8, 8]", "sample_size has 3 numbers"},
        {"\"sample_size\": 8", "\"sample_size\": 9", "sample_size: each level but the last must halve"},
        {"\"sample_size\": 8", "\"sample_size\": 65000", "sample_size, in_channels"},
        {"\"norm_num_groups\": 2", "\"norm_num_groups\": 3", "norm_num_groups divides"},
        {"\"norm_num_groups\": 2", "\"norm_num_groups\": null", "norm_num_groups"},
        {"\"attention_head_dim\": 4", "\"attention_head_dim\": 3", "attention_head_dim: must divide"},
        {"\"attention_head_dim\": 4", "\"attention_head_dim\": 0", "attention_head_dim"},
        {"\"layers_per_block\": 1", "\"layers_per_block\": 9", "layers_per_block: needs 1 to 8"},
        {"\"layers_per_block\": 1", "\"layers_per_block\": 0", "layers_per_block"},
        {"\"norm_eps\": 1e-05", "\"norm_eps\": 0", "norm_eps"},
        {"\"dropout\": 0.0", "\"dropout\": 1", "dropout"},
        {"\"freq_shift\": 0", "\"freq_shift\": 2", "freq_shift: needs 0 or 1"},
        {"\"downsample_padding\": 1", "\"downsample_padding\": 2", "downsample_padding is 2, and only 0 or 1"},
    };
    (void)state;
    copy_weights();
    for (int i = 0; i < COUNT(bad); i++) {
        sgm_model model;
        sgm_model_options o = under_table();
        with(bad[i].from, bad[i].to);
        CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_MISMATCH, bad[i].text);
        assert_null(model.params);
    }
    static const struct { const char *from, *to, *text; } broken[] = {
        {"{", "[", "the first { is missing"},
        {"\"norm_eps\": 1e-05,", "\"norm_eps\": 1e-05", "a comma or } is missing"},
        {"\"norm_eps\": 1e-05", "\"norm_eps\": 1e-", "a value is no JSON"},
        {"\"norm_eps\": 1e-05", "\"norm_eps\" 1e-05", "a colon is missing"},
        {"\"silu\"", "\"silu", "a string has no end"},
        {"\n}", "\n}}", "something follows its end"},
    };
    for (int i = 0; i < COUNT(broken); i++) {
        sgm_model model;
        sgm_model_options o = under_table();
        with(broken[i].from, broken[i].to);
        CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_BAD_FILE, broken[i].text);
    }
}

/* What a configuration may leave out, and what it may say otherwise. */
static void takes_what_means_the_same(void **state) {
    static const struct { const char *from, *to; } good[] = {
        {"\"act_fn\": \"silu\",", ""}, {"\"norm_eps\": 1e-05,", ""}, {"\"sample_size\": 8", "\"sample_size\": [8]"},
        {"\"sample_size\": 8", "\"sample_size\": [8, 8]"}, {"\"freq_shift\": 0,", ""},
        {"\"downsample_padding\": 1,", ""}, {"\"mid_block_scale_factor\": 1", "\"mid_block_scale_factor\": 1.0"},
        {"\"in_channels\": 3", "\"in_channels\": 3.0"}, {"\"act_fn\"", "\"later\": null, \"act_fn\""},
        {"\"act_fn\"", "\"_name_or_path\": \"a/b\", \"act_fn\""}, {"\"sample_size\": 8", "\"sample_size\": 16"}};
    (void)state;
    copy_weights();
    for (int i = 0; i < COUNT(good); i++) {
        sgm_model model;
        sgm_model_options o = under_table();
        with(good[i].from, good[i].to);
        CHECK_OK(sgm_diffusers_unet(&model, directory, &o));
        sgm_model_free(&model);
    }
}

/* Saves the tensors of `plain`, of which `change` has changed one. */
static void save_changed(int change, const char *name, long rows, long cols) {
    sgm_archive file;
    sgm_array kept[200], own;
    float zeros[200] = {0};
    int n = 0;
    CHECK_OK(sgm_archive_load(&file, DATA "plain/diffusion_pytorch_model.safetensors"));
    assert_true(file.n_arrays < 200);
    for (int i = 0; i < file.n_arrays; i++) {
        kept[n] = file.arrays[i];
        if (strcmp(kept[n].name, name) == 0 && change == 1) continue; /* left out */
        if (strcmp(kept[n].name, name) == 0 && change == 2) kept[n].rows = rows, kept[n].cols = cols;
        n++;
    }
    own.name = "class_embedding.weight", own.data = zeros, own.rows = rows, own.cols = cols;
    if (change == 3) kept[n++] = own; /* one too many */
    CHECK_OK(sgm_archive_save(weights_path, kept, n, NULL, 0));
    sgm_archive_free(&file);
}

static void refuses_other_weights(void **state) {
    sgm_model model;
    sgm_model_options o = under_table();
    (void)state;
    with("{", "{");
    remove(weights_path);
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_NO_FILE, "diffusion_pytorch_model");
    save_changed(1, "mid_block.attentions.0.to_q.bias", 0, 0);
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_MISMATCH, "mid_block.attentions.0.to_q.bias of (0, 0) where its config.json asks for (8, 1)");
    save_changed(2, "conv_in.weight", 3, 36);
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_MISMATCH,
                "conv_in.weight of (3, 36) where its config.json asks for (4, 27)");
    save_changed(2, "conv_norm_out.weight", 1, 4);
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_MISMATCH, "asks for (4, 1)");
    save_changed(3, "", 10, 16);
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_MISMATCH, "get both of one checkpoint");
    save_changed(0, "", 0, 0);
    CHECK_OK(sgm_diffusers_unet(&model, directory, &o));
    sgm_model_free(&model);
    with("\"layers_per_block\": 1", "\"layers_per_block\": 2");
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_MISMATCH, "of (0, 0) where its config.json asks for");
    with("[\n    4,", "[\n    8,");
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_MISMATCH, "config.json asks for (32, 8)");
    write_text(weights_path, "short", 5);
    with("{", "{");
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, &o), SGM_BAD_FILE, "no whole safetensors file");
    CHECK_FAILS(sgm_diffusers_unet(&model, "tests/nowhere", &o), SGM_NO_FILE, "config.json");
    CHECK_FAILS(sgm_diffusers_unet(NULL, directory, &o), SGM_BAD_ARGUMENT, "needs a model");
    CHECK_FAILS(sgm_diffusers_unet(&model, NULL, &o), SGM_BAD_ARGUMENT, "a directory");
    CHECK_FAILS(sgm_diffusers_unet(&model, directory, NULL), SGM_BAD_ARGUMENT, "set their sde");
}

/* Cut anywhere, and with any byte replaced: an answer, never a crash or a leak. */
static void survives_any_configuration(void **state) {
    char text[4096];
    (void)state;
    copy_weights();
    strcpy(text, text_of(DATA "plain/config.json"));
    const size_t n = strlen(text);
    sgm_model model;
    sgm_model_options o = under_table();
    for (size_t cut = 0; cut + 2 < n; cut += 3) {
        write_text(config_path, text, cut);
        assert_int_equal(sgm_diffusers_unet(&model, directory, &o), SGM_BAD_FILE);
    }
    for (uint64_t i = 0; i < 600; i++) {
        const size_t at = (size_t)sgm_below(sgm_key_init(5), i, n);
        const char old = text[at], *some = "\"{}[],:0-9e.\\ntu\x80\xff";
        text[at] = some[sgm_below(sgm_key_init(6), i, 18)];
        write_text(config_path, text, n);
        if (sgm_diffusers_unet(&model, directory, &o) == SGM_OK) sgm_model_free(&model);
        else assert_null(model.params);
        text[at] = old;
    }
}

static void survives_a_lack_of_memory(void **state) {
    sgm_model_options o = under_table();
    sgm_model model;
    int status = SGM_NO_MEMORY, tries = 0;
    const int before = live_blocks;
    (void)state;
    for (; status != SGM_OK && tries < 2000; tries++) {
        alloc_calls = 0, fail_at = tries + 1;
        status = (int)sgm_diffusers_unet(&model, DATA "plain", &o);
        fail_at = 0;
        if (status == SGM_OK) sgm_model_free(&model);
        else assert_int_equal(status, SGM_NO_MEMORY);
        assert_int_equal(live_blocks, before);
    }
    assert_true(tries > 10 && status == SGM_OK);
    sgm_ddpm other;
    alloc_calls = 0, fail_at = 1;
    CHECK_FAILS(sgm_ddpm_init(&other, NULL, 100), SGM_NO_MEMORY, "");
    fail_at = 0;
}

/*
## Schedules

What DDPMScheduler, DDIMScheduler and DPMSolverMultistepScheduler do with their tables in float64,
stored as floats. A step of the first two is a x + b ε̂ + c z.
*/

/* A made-up network: ε̂ = tanh(x) cos(k/300). */
static sgm_status made_up(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    for (long i = 0; i < n * self->d; i++) {
        double at = t[i / self->d];
        s[i] = (float)(-tanh(x[i]) * cos((at - 1) / 300) / sgm_sde_s(&self->sde, at));
    }
    return SGM_OK;
}

static sgm_score made_up_score(void) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    score.d = 4, score.sde = sgm_ddpm_sde(&table), score.eval = made_up;
    return score;
}

static void has_the_packages_table(void **state) {
    sgm_archive file;
    const float x0[3] = {0.5f, -2, 1}, eps[3] = {1, 0.25f, -1.5f};
    static const int at[3] = {0, 500, 999};
    (void)state;
    CHECK_OK(sgm_archive_load(&file, DATA "schedule.safetensors"));
    sgm_sde sde = sgm_ddpm_sde(&table);
    CHECK_OK(sgm_sde_check(&sde));
    for (int k = 0; k < 1000; k++) /* stored as floats */
        CHECK_REL(pow(sgm_sde_m(&sde, k + 1), 2), find(&file, "alpha_bar")[k], 1.01 * EPS);
    for (int i = 0; i < 3; i++) {
        float x[3], t = (float)(at[i] + 1);
        sgm_sde_perturb(x, x0, eps, &t, 1, 3, &sde);
        for (int j = 0; j < 3; j++) CHECK_CLOSE(x[j], find(&file, "added")[3 * i + j], 4 * EPS);
    }
    /* between: what VP(.1,20) has, whose β is the table's up to 1/n and its own square */
    for (double t = 0.5; t < 1000; t += 37.25) {
        sgm_sde vp = sgm_sde_vp(0.1, 20);
        double integral = -2 * log(sgm_sde_m(&sde, t)), smooth = -2 * log(sgm_sde_m(&vp, t / 1000));
        CHECK_CLOSE(integral, smooth, 0.011 * smooth + 2e-5 * t); /* Σβ²/2, and half a step of β */
        CHECK_CLOSE(sgm_sde_g2(&sde, t) * 1000, sgm_sde_g2(&vp, t / 1000), 0.02 * 20);
    }
    sgm_archive_free(&file);
}

/* The sampler on the package's timesteps against its coefficients, step by step, with the same
noise. By what is stored as floats a, b and c are off by 2⁻²⁴ each. */
static void check_steps(const sgm_archive *file, const char *tag, sgm_method method, double eta, int spacing) {
    static const char *const names[] = {"leading", "trailing", "linspace"};
    for (int steps = 10; steps <= 50; steps += 40) {
        char name[60];
        snprintf(name, sizeof name, "%s.%s.%d", tag, names[spacing], steps);
        const float *row = find(file, name);
        sgm_score score = made_up_score();
        sgm_sample_options o;
        sgm_sampler sampler;
        double t[51];
        float x[4] = {0.5f, -2, 1, 0.01f}, z[4];
        memset(&o, 0, sizeof o);
        o.method = method, o.eta = eta, o.steps = steps, o.x_given = 1;
        CHECK_OK(sgm_sampler_init(&sampler, &score, 1, &o, sgm_key_init(9)));
        CHECK_OK(sgm_ddpm_times(t, steps, (sgm_spacing)spacing, 1000));
        memcpy(sampler.t, t, sizeof *t * (size_t)(steps + 1));
        for (int i = 0; i < steps; i++, row += 4) {
            double want[4], most = 0;
            assert_true(t[i] == row[0] + 1);
            sgm_normal(z, 4, sgm_key_split(sgm_key_init(9), (uint64_t)i + 1), 0);
            for (int j = 0; j < 4; j++) {
                double noise = row[3] > 0 ? row[3] * z[j] : 0;
                want[j] = row[1] * (double)x[j] + row[2] * tanh(x[j]) * cos(row[0] / 300) + noise;
                most = fmax(most, fabs(row[1] * x[j]) + fabs(row[2]) + fabs(noise));
            }
            CHECK_OK(sgm_sampler_step(&sampler, x));
            for (int j = 0; j < 4; j++) CHECK_CLOSE(x[j], want[j], 6 * EPS * most);
        }
        sgm_sampler_free(&sampler);
    }
}

static void steps_as_the_schedulers_do(void **state) {
    sgm_archive file;
    (void)state;
    CHECK_OK(sgm_archive_load(&file, DATA "schedule.safetensors"));
    for (int spacing = 0; spacing < 3; spacing++)
        check_steps(&file, "ddpm", SGM_METHOD_ANCESTRAL, 0, spacing);
    for (int spacing = 0; spacing < 2; spacing++) { /* its linspace steps by 1000/steps: §F.10 */
        check_steps(&file, "ddim0.0", SGM_METHOD_DDIM, 0, spacing);
        check_steps(&file, "ddim0.5", SGM_METHOD_DDIM, 0.5, spacing);
    }
    sgm_archive_free(&file);
}

/* The multistep solver remembers: so whole runs are compared, x after each step. */
static void solves_as_the_multistep_solver_does(void **state) {
    static const char *const names[] = {"leading", "trailing", "linspace"};
    sgm_archive file;
    (void)state;
    CHECK_OK(sgm_archive_load(&file, DATA "schedule.safetensors"));
    for (int k = 0; k < 6; k++) {
        char name[60];
        const int steps = k % 2 ? 50 : 10;
        snprintf(name, sizeof name, "dpmpp.%s.%d", names[k / 2], steps);
        const float *row = find(&file, name);
        sgm_score score = made_up_score();
        sgm_sample_options o;
        sgm_sampler sampler;
        float x[4] = {0.5f, -2, 1, 0.01f};
        double size = 2;
        memset(&o, 0, sizeof o);
        o.method = SGM_METHOD_DPMPP_2M, o.steps = steps, o.x_given = 1;
        CHECK_OK(sgm_sampler_init(&sampler, &score, 1, &o, sgm_key_init(9)));
        for (int i = 0; i < steps; i++) sampler.t[i] = row[5 * i] + 1;
        for (int i = 0; i < steps; i++, row += 5) {
            CHECK_OK(sgm_sampler_step(&sampler, x));
            for (int j = 0; j < 4; j++) size = fmax(size, fabs(row[1 + j]));
            for (int j = 0; j < 4; j++) CHECK_CLOSE(x[j], row[1 + j], 1e-6 * size);
        }
        sgm_sampler_free(&sampler);
    }
    sgm_archive_free(&file);
}

static void refuses_tables(void **state) {
    sgm_ddpm other;
    double beta[5] = {0.1, 0.2, 0.3, 0.4, 1}, t[6];
    (void)state;
    CHECK_FAILS(sgm_ddpm_init(&other, NULL, 3), SGM_BAD_ARGUMENT, "needs 4 to 1000000");
    CHECK_FAILS(sgm_ddpm_init(NULL, NULL, 10), SGM_BAD_ARGUMENT, "needs a table");
    CHECK_FAILS(sgm_ddpm_init(&other, beta, 5), SGM_BAD_ARGUMENT, "beta[4] = 1");
    beta[4] = NAN;
    CHECK_FAILS(sgm_ddpm_init(&other, beta, 5), SGM_BAD_ARGUMENT, "beta[4]");
    sgm_sde none = sgm_ddpm_sde(&other), null = sgm_ddpm_sde(NULL);
    CHECK_FAILS(sgm_sde_check(&none), SGM_BAD_ARGUMENT, "curve");
    CHECK_FAILS(sgm_sde_check(&null), SGM_BAD_ARGUMENT, "curve");
    CHECK_OK(sgm_ddpm_init(&other, beta, 4));
    sgm_sde sde = sgm_ddpm_sde(&other);
    CHECK_REL(pow(sgm_sde_m(&sde, 4), 2), 0.9 * 0.8 * 0.7 * 0.6, 1e-14);
    for (int differs = 0; differs < 2; differs++) { /* two copies of a table are one process */
        sgm_ddpm twin;
        sgm_guided g;
        sgm_score a, b;
        memset(&a, 0, sizeof a), a.d = 1, a.eval = made_up, a.sde = sde;
        if (differs) beta[2] = 0.31;
        CHECK_OK(sgm_ddpm_init(&twin, beta, 4));
        b = a, b.sde = sgm_ddpm_sde(&twin);
        if (!differs) CHECK_OK(sgm_guided_init(&g, &a, &b, 0, 2));
        else CHECK_FAILS(sgm_guided_init(&g, &a, &b, 0, 2), SGM_MISMATCH, "one process in another");
        sgm_ddpm_free(&twin);
    }
    sgm_ddpm_free(&other), sgm_ddpm_free(&other), sgm_ddpm_free(NULL);
    CHECK_FAILS(sgm_ddpm_times(t, 0, SGM_SPACING_LEADING, 10), SGM_BAD_ARGUMENT, "timesteps");
    CHECK_FAILS(sgm_ddpm_times(t, 11, SGM_SPACING_LEADING, 10), SGM_BAD_ARGUMENT, "needs 1 to 10");
    CHECK_FAILS(sgm_ddpm_times(NULL, 5, SGM_SPACING_LEADING, 10), SGM_BAD_ARGUMENT, "a place");
    CHECK_FAILS(sgm_ddpm_times(t, 5, (sgm_spacing)3, 10), SGM_BAD_ARGUMENT, "spacing 3");
    CHECK_OK(sgm_ddpm_times(t, 1, SGM_SPACING_LINSPACE, 10));
    assert_true(t[0] == 1 && t[1] == 0);
}

/* Any table is a process: few steps, the package's squaredcos_cap_v2 with the third of ∫β in its last
step, leaps up and down, β that adds nothing to a double. ∫β does not fall, g² is its slope, and a sampler
runs: of N(0,1) it draws no more than that. */
static double squared_cosine(double t) { return pow(cos((t + 0.008) / 1.008 * SGM__PI / 2), 2); }

static void takes_any_table(void **state) {
    static double beta[1000];
    static float x[4000];
    const int steps[7] = {4, 10, 1000, 1000, 1000, 100, 4};
    const double mu = 0, var = 1;
    (void)state;
    for (int q = 0; q < 7; q++) {
        const int n = steps[q];
        sgm_ddpm any;
        sgm_mixture mix;
        sgm_sample_options o;
        for (int k = 0; k < n; k++)
            beta[k] = q == 2   ? fmin(0.999, 1 - squared_cosine((k + 1.0) / n) / squared_cosine((double)k / n))
                      : q == 3 ? (k < 500 ? 1e-4 : 0.02)
                      : q == 4 ? (k % 2 ? 0.02 : 1e-4)
                      : q == 5 ? (k == 50 ? 0.9 : 1e-3)
                               : (k % 2 ? 1e-30 : 0.5);
        CHECK_OK(sgm_ddpm_init(&any, q < 2 ? NULL : beta, n));
        sgm_sde sde = sgm_ddpm_sde(&any);
        CHECK_OK(sgm_sde_check(&sde));
        const double *B = any.integral;
        for (int i = 0; i < 16 * n; i++) {
            const double t = i / 16.0, b = sde.curve(t, sde.user), h = 1e-3, up = sde.curve(t + h, sde.user);
            assert_true(b >= B[i / 16] * (1 - 1e-15) && b <= B[i / 16 + 1] * (1 + 1e-15) && up >= b * (1 - 1e-15));
            if (i % 16 == 0) assert_true(b == B[i / 16]);
            if (i % 16 == 0) continue; /* the slope has corners there */
            CHECK_CLOSE(sgm_sde_g2(&sde, t), (up - sde.curve(t - h, sde.user)) / (2 * h), 1e-5 * B[n] + 1e-9);
        }
        CHECK_OK(sgm_mixture_init(&mix, 1, 1, NULL, &mu, &var, SGM_COV_ISOTROPIC, &sde));
        sgm_score score = sgm_mixture_score(&mix);
        memset(&o, 0, sizeof o), o.method = SGM_METHOD_DDIM, o.eta = 1, o.steps = 20;
        CHECK_OK(sgm_sample(x, COUNT(x), &score, &o, sgm_key_init(1)));
        assert_true(check_moments_of(x, COUNT(x), 1).var < 1 + 6 * sqrt(2.0 / COUNT(x)));
        sgm_mixture_free(&mix), sgm_ddpm_free(&any);
    }
}

/* What a network of its own is refused for. */
static void refuses_networks(void **state) {
    sgm_model model;
    sgm_diffusers net;
    (void)state;
    memset(&net, 0, sizeof net);
    net.channels = 1, net.levels = 1, net.width[0] = 8, net.groups = 4;
    sgm_model_options o = under_table();
    o.net = sgm_diffusers_net, o.d = 16;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "wants user");
    o.user = &net, o.d = 17;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "their product");
    o.d = 16, o.cond = 2;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "no condition");
    o.cond = o.cond_image = 16;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "no condition");
    o.cond = o.cond_image = 0, net.steps = NAN;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "steps");
    net.steps = 0, net.levels = 9;
    CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT, "1 to 8 levels");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(gives_the_packages_outputs), TEST(has_tangents_and_adjoints), TEST(feels_the_time),
        TEST(makes_fresh_networks), TEST(is_a_model_like_any_other), TEST(opens_from_its_file),
        TEST(fresh_ones_open_too), TEST(a_checkpoint_opens), TEST(opens_no_false_settings), TEST(refuses_what_it_does_not_know),
        TEST(takes_what_means_the_same), TEST(refuses_other_weights),
        TEST(survives_any_configuration), TEST(survives_a_lack_of_memory),
        TEST(has_the_packages_table), TEST(steps_as_the_schedulers_do),
        TEST(solves_as_the_multistep_solver_does), TEST(refuses_tables), TEST(takes_any_table), TEST(refuses_networks),
    };
    return cmocka_run_group_tests_name("diffusers", tests, set_up, tear_down);
}
