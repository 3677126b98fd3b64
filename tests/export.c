/*
Models to export, and what the library says of them. tests/export.sh compiles what is written here.

    export FOLDER NAME...      of each name FOLDER/NAME.c, FOLDER/NAME.truth for export_check.c, and
                               rows as FOLDER/NAME.csv; with EXPORT_WASM=1 FOLDER/NAME.wasm, too

The names: numbers, mixed (whole numbers, categories, levels of odd names), gaps (told a mask),
probes (more coordinates than are traced exactly), picture (a U-Net); and, in the place of a fitted
network, the other ready ones: dit, mixer, resnet, mlp, tanh, softplus, gelu, relu, sigmoid. Of mlp
rows are drawn by Heun's method, and of tanh with noise; own is a network of none of them.
*/
#ifndef SGM_OPEN
#define SGM_IMPLEMENTATION
#include "../sgm.h"
#endif
#include "../examples/sgm_export.h"

static void must(sgm_status status, const char *what) {
    if (status == SGM_OK) return;
    printf("%s: %s\n", what, sgm_error());
    exit(1);
}

enum { ROWS = 120, ASKED = 37, MOST = 64 };

static const char *const networks[] = {
    "dit", "mixer", "resnet", "mlp", "tanh", "softplus", "gelu", "relu", "sigmoid",
    "own", NULL};

static int is_network(const char *name) {
    for (int i = 0; networks[i]; i++)
        if (strcmp(name, networks[i]) == 0) return 1 + (i > 2);
    return 0; /* 1: of pictures, 2: of tables */
}

/* Correlated, skewed, whole, of levels: whatever has a path of its own. */
static double value(const char *name, const double *row, long i, int j, int d) {
    const uint64_t at = (uint64_t)(i * d + j);
    const double z = sgm__normal1(sgm_key_init(5), at), v = z + (j ? 0.5 * row[0] : 0);
    const int mixed = strcmp(name, "mixed") == 0, gaps = strcmp(name, "gaps") == 0;
    if (gaps && sgm_below(sgm_key_init(6), at, 8) == 0) return (double)NAN;
    if (strcmp(name, "picture") == 0 || is_network(name) == 1) return 0.5 + 0.2 * z;
    if (j == 3) return sgm__exp(2 * v);
    if (!mixed && !gaps) return v;
    if (j == 1) return floor(3 * z);
    if (j == 2) return fmin(4, fabs(floor(2 * z)));
    return j == 4 ? z > 0 : j == 5 ? floor(1000 * z) : j == 6 ? 7 : v;
}

static void make_table(sgm_table *t, sgm_column *c, const char *name) {
    static char *levels[] = {(char *)"red", (char *)"gr\"een", (char *)"blue, deep",
        (char *)"what?\?/\\\x01", (char *)"\xc3\xbc"};
    const int picture = strcmp(name, "picture") == 0 || is_network(name) == 1;
    const int mixed = strcmp(name, "mixed") == 0 || strcmp(name, "gaps") == 0;
    memset(t, 0, sizeof *t), memset(c, 0, MOST * sizeof *c);
    t->n = picture ? 40 : ROWS;
    t->d = picture ? 64 : strcmp(name, "probes") == 0 ? 35 : mixed ? 7 : 5;
    t->column = c, t->x = (double *)malloc((size_t)t->n * (size_t)t->d * sizeof *t->x);
    if (!t->x) exit(1);
    if (picture) t->h = t->w = 8, t->channels = 1;
    for (long i = 0; i < t->n; i++)
        for (int j = 0; j < t->d; j++)
            t->x[i * t->d + j] = value(name, t->x + i * t->d, i, j, t->d);
    if (mixed) c[2].name = (char *)"a, b", c[2].level = levels, c[2].n_levels = 5;
    if (mixed) c[4].kind = SGM_KIND_CATEGORY, c[4].name = (char *)"yes or no";
}

/* Operations that no ready network puts together so: both factors of a product move. */
static sgm_tensor *own_network(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *time = sgm_time_sigma(tape, in->log_sigma);
    sgm_tensor *h = sgm_linear(tape, sgm_concat(tape, time, in->x), 19);
    sgm_tensor *gate = sgm_sigmoid(tape, sgm_linear(tape, h, 19));
    h = sgm_layer_norm(tape, sgm_mul(tape, sgm_gelu(tape, h), gate));
    return sgm_linear(tape, sgm_mul_by(tape, h, 0.7f), in->x->cols);
}

/* Another network in the place of the fitted one. */
static void exchange(sgm_fitted *f, const char *name, sgm_model *other) {
    static sgm_mlp_options mlp;
    static sgm_image_net image;
    sgm_model_options o = f->model->o;
    memset(&mlp, 0, sizeof mlp), memset(&image, 0, sizeof image);
    mlp.width = 21, mlp.depth = 2, o.user = &mlp, o.net = sgm_residual_mlp;
    image.h = image.w = 8, image.width = 8, image.depth = 2, image.groups = 4, image.heads = 2;
    image.patch = 2;
    if (is_network(name) == 1) o.user = &image;
    if (strcmp(name, "dit") == 0) o.net = sgm_dit;
    if (strcmp(name, "mixer") == 0) o.net = sgm_mixer;
    if (strcmp(name, "resnet") == 0) o.net = sgm_resnet;
    if (strcmp(name, "mlp") == 0) o.net = sgm_mlp, mlp.shortcut = 1, mlp.dropout = 0.1f;
    if (strcmp(name, "tanh") == 0) mlp.embedding = SGM_EMBEDDING_LEARNED;
    if (strcmp(name, "gelu") == 0) mlp.embedding = SGM_EMBEDDING_SINUSOIDAL;
    if (strcmp(name, "relu") == 0) mlp.embedding = SGM_EMBEDDING_RAW;
    if (strcmp(name, "own") == 0) o.net = own_network, o.user = NULL;
    mlp.activation = strcmp(name, "tanh") == 0    ? SGM_ACTIVATION_TANH
        : strcmp(name, "softplus") == 0           ? SGM_ACTIVATION_SOFTPLUS
        : strcmp(name, "gelu") == 0               ? SGM_ACTIVATION_GELU
        : strcmp(name, "relu") == 0               ? SGM_ACTIVATION_RELU
        : strcmp(name, "sigmoid") == 0            ? SGM_ACTIVATION_SIGMOID : SGM_ACTIVATION_AUTO;
    must(sgm_model_init(other, &o, sgm_key_init(7)), name);
    f->model = other;
}

/* Layers that start at zero would hide what is behind them. */
static void shake(sgm_model *model) {
    float *z = (float *)malloc(model->n_params * sizeof *z);
    if (!z) exit(1);
    sgm_normal(z, model->n_params, sgm_key_init(8), 0);
    for (size_t i = 0; i < model->n_params; i++) model->ema[0][i] += 0.05f * z[i];
    free(z);
}

static void put(FILE *f, const void *p, size_t bytes) {
    if (fwrite(p, 1, bytes, f) != bytes) exit(1);
}

/* sgm_fitted_sample, by any method. */
static void rows_of(const sgm_fitted *f, double *x, long n, uint64_t seed) {
    if (f->report.method == SGM_METHOD_DPMPP_2M) {
        must(sgm_fitted_sample(f, x, n, sgm_key_init(seed)), "rows");
        return;
    }
    const sgm_score score = sgm_fitted_score(f);
    sgm_sample_options o;
    float *z = (float *)malloc((size_t)n * (size_t)f->code.width * sizeof *z);
    if (!z) exit(1);
    memset(&o, 0, sizeof o);
    o.method = f->report.method, o.steps = f->report.sample_steps;
    must(sgm_sample(z, n, &score, &o, sgm_key_init(seed)), "points");
    sgm_fitted_decode(f, x, z, n);
    free(z);
}

/* Rows of two seeds, one row, their log densities, rows with gaps and theirs. */
static void tell(const sgm_fitted *f, FILE *to, long n) {
    const long d = f->table.d;
    double *x = (double *)malloc((size_t)(n * d) * sizeof *x), *logp = x, one;
    logp = (double *)malloc((size_t)n * sizeof *logp);
    if (!x || !logp) exit(1);
    put(to, &n, sizeof n);
    rows_of(f, x, 1, 77);
    must(sgm_fitted_logp(f, &one, NULL, x, 1, sgm_key_init(1)), "its log density");
    put(to, x, (size_t)d * sizeof *x), put(to, &one, sizeof one);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        rows_of(f, x, n, seed + (seed << 40));
        put(to, x, (size_t)(n * d) * sizeof *x);
    }
    for (long i = 0; i < n && f->code.masked; i++) x[i * d + i % (d - 1)] = (double)NAN;
    for (long i = 0; i < n && f->code.low[d - 1] == f->code.high[d - 1]; i += 5)
        x[i * d + d - 1] = 8; /* a constant that never was */
    must(sgm_fitted_logp(f, logp, NULL, x, n, sgm_key_init(1)), "log densities");
    put(to, x, (size_t)(n * d) * sizeof *x), put(to, logp, (size_t)n * sizeof *logp);
    free(x), free(logp);
}

/* The fit that NAME stands on, from a file; other networks stand on numbers or on pictures. */
static sgm_fitted *fitted_for(const char *folder, const char *name) {
    static sgm_fitted kept[3];
    const char *base = is_network(name) == 1 ? "picture" : is_network(name) == 2 ? "numbers" : name;
    sgm_fitted *f = &kept[strcmp(base, "picture") == 0 ? 1 : strcmp(base, "numbers") == 0 ? 2 : 0];
    sgm_table t;
    sgm_column c[MOST];
    sgm_fit_options o;
    char path[4096];
    if (f->model && f != kept) return f;
    sgm_fitted_free(f);
    memset(&o, 0, sizeof o);
    make_table(&t, c, base);
    o.steps = 20, o.width = 8, o.depth = 2, o.members = t.h ? 1 : 2, o.quality = SGM_QUALITY_FAST;
    must(sgm_fit(f, &t, &o, sgm_key_init(1)), base);
    shake(f->model);
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, base);
    must(sgm_fitted_save(f, path), base);
    sgm_fitted_free(f);
    must(sgm_fitted_open(f, path), base);
    free(t.x);
    return f;
}

static void make(const char *folder, const char *name) {
    char path[4096];
    sgm_fitted f = *fitted_for(folder, name);
    sgm_model other;
    const long n = f.table.h ? 3 : ASKED;
    if (is_network(name)) exchange(&f, name, &other), shake(&other);
    if (strcmp(name, "mlp") == 0) f.report.method = SGM_METHOD_HEUN;
    if (strcmp(name, "tanh") == 0) f.report.method = SGM_METHOD_DPM_SDE;
    snprintf(path, sizeof path, "%s/%s.c", folder, name);
    must(sgm_export_c(&f, path), name);
    snprintf(path, sizeof path, "%s/%s.wasm", folder, name);
    if (getenv("EXPORT_WASM")) must(sgm_export_wasm(&f, path), name);
    snprintf(path, sizeof path, "%s/%s.truth", folder, name);
    FILE *to = fopen(path, "wb");
    if (!to) exit(1);
    tell(&f, to, n);
    if (fclose(to)) exit(1);
    snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    sgm_table rows;
    must(sgm_table_init(&rows, &f.table, n), name);
    rows_of(&f, rows.x, n, 9);
    must(sgm_table_save(path, &rows), name);
    sgm_table_free(&rows);
    if (is_network(name)) sgm_model_free(&other);
}

/* What cannot be exported says so, and writes nothing. */
static void refusals(const char *folder) {
    char path[4096];
    sgm_table t;
    sgm_column c[MOST];
    sgm_fitted f;
    sgm_fit_options o;
    memset(&o, 0, sizeof o);
    make_table(&t, c, "numbers");
    o.steps = 5, o.width = 4, o.depth = 1, o.members = 1, o.quality = SGM_QUALITY_FAST;
    must(sgm_fit(&f, &t, &o, sgm_key_init(1)), "refusals");
    snprintf(path, sizeof path, "%s/no_such_folder/model.c", folder);
    const int no_folder = sgm_export_c(&f, path) == SGM_NO_FILE;
    const int no_path = sgm_export_c(&f, NULL) == SGM_BAD_ARGUMENT;
    const int no_model = sgm_export_c(NULL, path) == SGM_BAD_ARGUMENT;
    f.report.method = SGM_METHOD_ADAMS;
    snprintf(path, sizeof path, "%s/refused.c", folder);
    const int no_method = sgm_export_c(&f, path) == SGM_BAD_ARGUMENT &&
        strstr(sgm_error(), "sampler");
    FILE *there = fopen(path, "rb");
    if (!no_folder || !no_path || !no_model || !no_method || there)
        printf("refusals: %d %d %d %d, file %d\n", no_folder, no_path, no_model, no_method,
            there != NULL), exit(1);
    sgm_fitted_free(&f), free(t.x);
}

int main(int argc, char **argv) {
    if (argc < 3) return printf("usage: export FOLDER NAME...\n"), 2;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "refusals") == 0) refusals(argv[1]);
        else make(argv[1], argv[i]);
    return 0;
}
