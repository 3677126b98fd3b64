/*
What someone gets who sets nothing: the recipe of examples/hello.c (network, process, one average,
4000 steps, cosine) on laws that are known, in many dimensions, sampled by the default and by the
five methods that are used most, with all else 0.

    defaults [LARGEST [SMALLEST]]      dimensions from SMALLEST to LARGEST, 1 to 256 if not said

Two rows must hold in each cell. The samples' root mean square is within 5 % of the law's (and four
of its standard deviations, for which the law's fourth moments are taken from a large set). Their
energy distance to exact draws, averaged over two keys, is at most three times the floor, the root
mean square distance of two exact sets of the same size. Training sees twenty times as many points
as are compared, so that its own distance from the law is small beside the floor.
*/

#define SGM_IMPLEMENTATION
#include "sgm.h"

enum { N = 1000, TRAIN = 20000, SETS = 8 };

typedef struct law {
    const char *name;
    int d, modes;
    float *root, *centre; /* of the covariance (d,d), or NULL; (modes,d), or NULL */
    double rms, rms_se;
} law;

static void must(sgm_status status) {
    if (status == SGM_OK) return;
    fprintf(stderr, "defaults: %s\n", sgm_error());
    exit(1);
}

static float *floats(size_t n) {
    float *x = (float *)calloc(n, sizeof *x);
    if (!x) fprintf(stderr, "defaults: no memory\n"), exit(1);
    return x;
}

/* x(n,d): a mode's centre, plus the root of the covariance times normals, narrow if there are
modes; of a table two columns in five are then bent, and cut into whole numbers. */
static void draw(const law *l, float *x, long n, sgm_key key) {
    int d = l->d, is_table = strcmp(l->name, "table") == 0;
    double narrow = l->modes == 0 ? 1 : is_table ? 0.7 : d <= 2 ? 0.15 : 0.3;
    float *z = floats((size_t)d);
    for (long i = 0; i < n; i++, x += d) {
        uint64_t k = l->modes ? sgm_below(sgm_key_split(key, 1), (uint64_t)i, (uint64_t)l->modes) : 0;
        sgm_normal(z, (size_t)d, key, (uint64_t)i * (uint64_t)d);
        for (int j = 0; j < d; j++) {
            double sum = l->root ? 0 : z[j];
            for (int m = 0; l->root && m < d; m++) sum += l->root[j * d + m] * z[m];
            sum = narrow * sum + (l->modes ? l->centre[k * (uint64_t)d + (uint64_t)j] : 0);
            if (is_table && j % 5 == 1) sum = exp(0.8 * sum);
            if (is_table && j % 5 == 2) sum = floor(2 * sum + 0.5);
            x[j] = (float)sum;
        }
    }
    free(z);
}

/* A covariance of condition 10⁴ along random axes, unit variances: its root, by Gram and Schmidt. */
static void rotated(float *root, int d, sgm_key key) {
    float *q = floats((size_t)d * (size_t)d);
    sgm_normal(q, (size_t)d * (size_t)d, key, 0);
    for (int i = 0; i < d; i++) {
        for (int k = 0; k <= i; k++) {
            double dot = 0;
            for (int j = 0; j < d; j++) dot += q[i * d + j] * q[k * d + j];
            for (int j = 0; j < d; j++)
                q[i * d + j] = (float)(k < i ? q[i * d + j] - dot * q[k * d + j]
                                             : q[i * d + j] / sqrt(dot));
        }
    }
    for (int j = 0; j < d; j++) {
        double square = 0;
        for (int i = 0; i < d; i++) {
            double r = q[i * d + j] * pow(10, d > 1 ? -2.0 * i / (d - 1) : 0);
            root[j * d + i] = (float)r, square += r * r;
        }
        for (int i = 0; i < d; i++) root[j * d + i] /= (float)sqrt(square);
    }
    free(q);
}

static law law_of(const char *name, int d) {
    law l = {name, d, 0, NULL, NULL, 1, 0};
    size_t size = (size_t)d * (size_t)d;
    sgm_key key = sgm_key_init(99);
    if (!strcmp(name, "ar1") || !strcmp(name, "rotated") || !strcmp(name, "table"))
        l.root = floats(size);
    if (!strcmp(name, "ar1")) /* correlation .9^|i-j| */
        for (int i = 0; i < d; i++)
            for (int j = 0; j <= i; j++)
                l.root[i * d + j] = (float)(pow(0.9, i - j) * (j ? sqrt(1 - 0.81) : 1));
    else if (l.root) rotated(l.root, d, key);
    if (!strcmp(name, "mixture")) l.modes = d == 1 ? 4 : 8;
    if (!strcmp(name, "table")) l.modes = 3;
    if (l.modes == 0) return l;
    l.centre = floats((size_t)l.modes * (size_t)d);
    sgm_normal(l.centre, (size_t)l.modes * (size_t)d, sgm_key_split(key, 1), 0);
    for (int i = 0; l.modes > 3 && d <= 2 && i < l.modes; i++) {
        l.centre[i * d] = (float)(d == 1 ? 0.85 * (i - 1.5) : 1.38 * cos(0.785398163397448 * i));
        if (d == 2) l.centre[2 * i + 1] = (float)(1.38 * sin(0.785398163397448 * i));
    }
    return l;
}

static double mean_square(const float *x, long n, int d, double *se) {
    double sum = 0, sum2 = 0;
    for (long i = 0; i < n; i++) {
        double square = 0;
        for (int j = 0; j < d; j++) square += (double)x[i * d + j] * x[i * d + j] / d;
        sum += square / (double)n, sum2 += square * square / (double)n;
    }
    if (se) *se = sqrt((sum2 - sum * sum) / N); /* of a mean over N points */
    return sum;
}

static int judge(const law *l, const char *method, const float *x, const float *exact, double floor,
    double seconds) {
    double rms = sqrt(mean_square(x, 2 * N, l->d, NULL)) / l->rms, energy = 0;
    for (long k = 0; k < 2; k++)
        energy += sgm_energy_distance(x + k * N * l->d, N, exact + k * N * l->d, N, l->d) / 2;
    /* the rms of 2N points: half its mean square's error, over √2 */
    int good = fabs(rms - 1) <= 0.05 + 4 * l->rms_se && energy <= 3 * floor;
    printf("  %-16s rms %6.3f  energy distance / floor %8.2f  %6.1f s  %s\n", method, rms,
        energy / floor, seconds, good ? "ok" : "WRONG");
    fflush(stdout);
    return !good;
}

static int cell(const char *name, int d) {
    static const struct { const char *name; sgm_method method; } most_used[] = {
        {"Euler-Maruyama", SGM_METHOD_EULER_MARUYAMA}, {"Heun", SGM_METHOD_HEUN},
        {"DPM-Solver++(2M)", SGM_METHOD_DPMPP_2M}, {"DDIM", SGM_METHOD_DDIM}, {"RK45", SGM_METHOD_RK45}};
    law l = law_of(name, d);
    size_t D = (size_t)d;
    float *data = floats(TRAIN * D), *x = floats(2 * N * D), *exact = floats(SETS * N * D);
    double floor = 0, se;
    int wrong = 0;
    sgm_scaler scaler;
    draw(&l, data, TRAIN, sgm_key_init(1)), draw(&l, exact, SETS * N, sgm_key_init(2));
    must(sgm_scaler_init(&scaler, data, TRAIN, d));
    if (!strcmp(name, "table")) {
        sgm_scaler_apply(&scaler, data, data, TRAIN);
        sgm_scaler_apply(&scaler, exact, exact, SETS * N);
    }
    double square = mean_square(exact, SETS * N, d, &se);
    l.rms = sqrt(square), l.rms_se = se / (2 * square) / sqrt(2);
    for (size_t k = 0; k < SETS; k++)
        for (size_t i = 0; i < k; i++) {
            double e = sgm_energy_distance(exact + k * N * D, N, exact + i * N * D, N, d);
            floor += e * e / (SETS * (SETS - 1) / 2);
        }
    floor = sqrt(floor);
    sgm_model_options net = {.net = sgm_mlp, .d = d, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
    sgm_train_options run = {.steps = 4000, .cosine = 1};
    sgm_model model;
    double start = sgm_seconds();
    must(sgm_model_init(&model, &net, sgm_key_init(1)));
    must(sgm_train(&model, data, TRAIN, &run, sgm_key_init(2)));
    printf("%s, d = %d: trained in %.1f s, floor %.5f\n", name, d, sgm_seconds() - start, floor);
    sgm_score score = sgm_model_score(&model, 0);
    for (int k = -1; k < 5; k++) {
        sgm_sample_options how;
        memset(&how, 0, sizeof how);
        if (k >= 0) how.method = most_used[k].method;
        start = sgm_seconds();
        sgm_status status =
            sgm_sample(x, 2 * N, &score, k < 0 ? NULL : &how, sgm_key_init(3));
        if (status != SGM_OK && status != SGM_NOT_LEARNT) must(status);
        wrong += judge(&l, k < 0 ? "the default" : most_used[k].name, x, exact, floor,
            sgm_seconds() - start);
    }
    sgm_model_free(&model), sgm_scaler_free(&scaler);
    free(data), free(x), free(exact), free(l.root), free(l.centre);
    return wrong;
}

int main(int argc, char **argv) {
    static const char *const laws[] = {"normal", "ar1", "rotated", "mixture", "table"};
    static const int dims[] = {1, 2, 8, 32, 64, 128, 256};
    int most = argc > 1 ? atoi(argv[1]) : 256, least = argc > 2 ? atoi(argv[2]) : 1;
    int cells = 0, wrong = 0;
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 5; k++)
            if (dims[i] >= least && dims[i] <= most) wrong += cell(laws[k], dims[i]), cells += 6;
    printf("%d cells, %d wrong\n", cells, wrong);
    return wrong > 0;
}
