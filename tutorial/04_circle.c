/*
Tutorial 4: eight points on a circle.

Question. A data set of eight points is the smallest that is worth generating. Can a network learn its score well enough that
noise, run backwards, lands on the points? And if a figure of samples looks good, how good *is* it?

Equations. Forward: VP with β(t) = 0.001 + 2.999 t (1.6). Loss: mean ‖ε + s_t score‖² (2.11). Sampling: Euler–Maruyama on the reverse
SDE (5.4), 998 steps. All settings of the first rung are those of H. Gangloff, *SGM_GTAP: Score-based generative models, a simple JAX
implementation* (2025, after J. Pidstrigach).

Plan. (1) The floor of the loss, by quadrature, from the exact score, and from draws. (2) First rung: the document's training, its table of losses row by row. (3)
Second rung: the same wall time, spent better. (4) 5000 samples from the exact score and from both networks: what the network loses is
told apart from what the discretisation loses. (5) The prior's mismatch. (6) A slip in the document's code, measured. (7) Memorisation.

What you should see. The first rung ends 0.08 above the floor, as the document does; the second within 0.005 of it. Of the first rung's
samples 97 or 98 % are near a point, but some points get far more of them than others (χ²); of the second's all are, evenly.

Figures. 04_circle_loss.png, 04_circle_samples.png, 04_circle_paths.png, 04_circle_field.png, 04_circle_error.png.

Build: cc -O2 -fopenmp tutorial/04_circle.c -o 04_circle -lm && ./04_circle      (QUICK=1 for a few seconds)

Try this:
- In `second_rung`, set .output = SGM_OUTPUT_SCORE: the same budget ends some ten times further from the floor. The score of a point grows like
  1/s near the data, the clean point stays on the circle.
- Set how.plain_end = 0 in `samples_of`: the last step becomes the closed-form denoising (5.9), and the exact score's samples sit on the points.
  Two rows fail then, for they compare the mean distances of such samples, which are rounding.
- Take VP(0.1, 20) for the SDE: the prior's KL falls from 0.007 to 2·10⁻¹⁰ nats, and the loss's floor changes too, so compare excesses only.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846

enum { POINTS = 8, LEVELS = 999, SAMPLES = 5000, STEPS = 998, LOGS = 12 };

static float points[POINTS * 2];
static double levels[LEVELS]; /* i/999, i = 1..999: the document's training times */
static sgm_sde sde;
static sgm_mixture truth;
static sgm_score exact;

/* The document's table: mean loss of every 5000 steps. */
static const double document[LOGS] = {1.013629, .869420, .815488, .787861, .761295, .751818,
                                      .750592,  .747150, .739544, .741000, .730837, .731699};

typedef struct run {
    sgm_model model;
    double seconds, joules;
    float loss[4 * LOGS]; /* step loss floor excess */
    float memory[3 * LOGS]; /* step, mean distance to the nearest point, share within 0.15 */
    int logs;
    double floor;
} run;

/* Energy of the processor so far, in joules, where the machine lets a program read it; else NaN. */

static double joules(void) {
    FILE *f = fopen("/sys/class/powercap/intel-rapl:0/energy_uj", "r");
    double microjoules = NAN;
    if (f && fscanf(f, "%lf", &microjoules) != 1) microjoules = NAN;
    if (f) fclose(f);
    return microjoules * 1e-6;
}

static double nearest(const float *x, int *which) {
    double best = HUGE_VAL;
    for (int j = 0; j < POINTS; j++) {
        double dx = x[0] - points[2 * j], dy = x[1] - points[2 * j + 1], r = sqrt(dx * dx + dy * dy);
        if (r < best) best = r, *which = j;
    }
    return best;
}

typedef struct quality {
    double share, chi2_p, mean_distance, count[POINTS];
} quality;

static quality judge(const float *x, long n) {
    double expected[POINTS];
    quality q = {0};
    for (long i = 0; i < n; i++) {
        int which = 0;
        double r = nearest(x + 2 * i, &which);
        q.count[which]++;
        q.share += r < 0.15, q.mean_distance += r;
    }
    for (int j = 0; j < POINTS; j++) expected[j] = (double)n / POINTS;
    q.share /= (double)n, q.mean_distance /= (double)n;
    q.chi2_p = stat_chi2_p(q.count, expected, POINTS, 0);
    return q;
}

/* The document's sampler: Euler–Maruyama from t = 1 to 0 in 998 plain steps. */

static void samples_of(float *x, long n, const sgm_score *score, int steps, const char *label, sgm_key key) {
    sgm_sample_options how = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = steps, .grid = SGM_GRID_UNIFORM, .plain_end = 1,
                              .progress = label};
    tut_must(sgm_sample(x, n, score, &how, key));
}

/* Called by the trainer at every row of the document's table. Memorisation is measured on 500 samples made on the way. */

static void on_log(const sgm_trainer *trainer, void *user) {
    static float x[500 * 2];
    run *r = (run *)user;
    sgm_score score = sgm_model_score(trainer->model, trainer->model->o.n_ema ? 0 : SGM_RAW);
    double pause = sgm_seconds();
    float *row = r->loss + 4 * r->logs, *memory = r->memory + 3 * r->logs;
    row[0] = memory[0] = (float)trainer->step;
    row[1] = (float)trainer->mean_loss, row[2] = (float)r->floor;
    row[3] = (float)(trainer->mean_loss - r->floor);
    /* with the closed-form last step: no noise is added at the end */
    sgm_sample_options how = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = 100, .grid = SGM_GRID_UNIFORM};
    tut_drawn(sgm_sample(x, 500, &score, &how, sgm_key_split(tut_key(), 77)));
    quality q = judge(x, 500);
    memory[1] = (float)q.mean_distance, memory[2] = (float)q.share;
    if (r->logs < LOGS) r->logs++;
    r->seconds -= sgm_seconds() - pause; /* this is not training */
}

static void train(run *r, sgm_model_options net, sgm_train_options how, uint64_t stream) {
    sgm_key key = sgm_key_split(tut_key(), stream);
    tut_must(sgm_model_init(&r->model, &net, sgm_key_split(key, 0)));
    how.on_log = on_log, how.user = r, how.floor = r->floor;
    double start = sgm_seconds(), energy = joules();
    r->seconds = 0;
    tut_must(sgm_train(&r->model, points, POINTS, &how, sgm_key_split(key, 1)));
    r->seconds += sgm_seconds() - start;
    r->joules = joules() - energy;
    printf("  %ld steps of batch %d, %zu parameters: %.1f s, %.0f steps/s\n  ", how.steps, how.batch, r->model.n_params,
           r->seconds, (double)how.steps / r->seconds);
    if (r->joules == r->joules) printf("%.0f J\n", r->joules);
    else printf("energy: this machine does not let a program read it\n");
}

/* The document's settings, all of them. */

static void first_rung(run *r, int quick) {
    static sgm_mlp_options mlp = {.width = 256, .depth = 4, .activation = SGM_ACTIVATION_RELU, .embedding = SGM_EMBEDDING_CIRCLE};
    sgm_model_options net = {.net = sgm_mlp, .user = &mlp, .d = 2, .sde = sde, .output = SGM_OUTPUT_SCORE};
    sgm_train_options how = {.steps = quick ? 5000 : 60000, .batch = 8, .lr = 1e-3, .log_every = 5000,
                             .progress = "first rung",
                             .loss = {.times = SGM_TIMES_GRID, .grid = levels, .n_grid = LEVELS}};
    train(r, net, how, 1);
}

/* The same time, spent better: ask for the clean point instead of the score (2.10), cap the weight of the smallest times (2.12), larger
batches, a decaying rate, and the average of the parameters (4.10). */

static void second_rung(run *r, int quick) {
    static sgm_mlp_options mlp = {.width = 128, .depth = 3, .activation = SGM_ACTIVATION_RELU, .embedding = SGM_EMBEDDING_CIRCLE};
    sgm_model_options net = {.net = sgm_mlp, .user = &mlp, .d = 2, .sde = sde, .output = SGM_OUTPUT_X0, .n_ema = 1};
    sgm_train_options how = {.steps = quick ? 3000 : 18000, .batch = 128, .lr = 2e-3, .cosine = 1, .warmup = 200,
                             .log_every = quick ? 250 : 1500, .ema = {0.999}, .progress = "second rung",
                             .loss = {.weight = SGM_WEIGHT_MIN_SNR, .min_snr = 1000, .times = SGM_TIMES_GRID,
                                      .grid = levels, .n_grid = LEVELS}};
    train(r, net, how, 2);
}

/* Loss, floor and excess on fresh noise, in the document's loss whatever the network was trained on. */

static sgm_dsm_result measure(const char *label, const sgm_score *score, long draws) {
    sgm_loss loss = {.times = SGM_TIMES_GRID, .grid = levels, .n_grid = LEVELS};
    sgm_dsm_result d;
    tut_must(sgm_dsm(&d, score, &exact, points, POINTS, &loss, draws, sgm_key_split(tut_key(), 3)));
    if (score)
        printf("  %-18s loss %.4f ± %.4f, floor %.4f ± %.4f, excess %.4f ± %.4f\n", label, d.loss, d.loss_se,
               d.floor, d.floor_se, d.excess, d.excess_se);
    return d;
}

/* The floor, by quadrature: of the noise, given x, what is not known is (m/s)² times the scatter of x0, which is 1 − |E[x0|x]|² on the
unit circle. By symmetry x0 is the first point and the second noise is not negative. The trapezoid rule converges here faster than
any power of its step: with steps of .4, .2 and .1 it says .64808792, .64808780 and .64808780. (In floats the points
are off the circle by 1e-7, which (m/s)² makes large: here they are doubles.) */

static double floor_by_quadrature(double h) {
    double sum = 0, px[POINTS], py[POINTS];
    int far = (int)(6 / h + .5);
    for (int j = 0; j < POINTS; j++) px[j] = cos(PI * j / 4), py[j] = sin(PI * j / 4);
    for (int i = 0; i < LEVELS; i++) {
        double m = sgm_sde_m(&sde, levels[i]), s = sgm_sde_s(&sde, levels[i]);
        for (int a = -far; a <= far; a++)
            for (int b = 0; b <= far; b++) {
                double u = a * h, v = b * h, x = m + s * u, y = s * v, z = 0, ex = 0, ey = 0;
                for (int j = 0; j < POINTS; j++) { /* exp(-|x - m p|²/2s²), but for what is common to all points */
                    double w = exp(m * (x * (px[j] - 1) + y * py[j]) / (s * s));
                    z += w, ex += w * px[j], ey += w * py[j];
                }
                double p = (b ? 2 : 1) * exp(-.5 * (u * u + v * v)) * h * h / (2 * PI);
                sum += p * m * m / (s * s) * (1 - (ex * ex + ey * ey) / (z * z)) / LEVELS;
            }
    }
    return sum;
}

/* The floor from draws, more sharply than the loss shows it. Given x, the noise has the covariance I + s² ∂(score)/∂x, and its trace is what no network can predict. So the
floor is the mean of 2 + s² tr ∂(score)/∂x: two tangents of the exact score, and no noise is left but that of x itself. */

static double sharp_floor(long n, double *se) {
    float *x = tut_memory((size_t)n * 40), *v = x + 2 * n, *s = v + 2 * n, *js = s + 2 * n, *t = js + 2 * n;
    double *rest = tut_memory((size_t)n * sizeof(double)), sum = 0, square = 0;
    sgm_key key = sgm_key_split(tut_key(), 2);
    sgm_normal(v, (size_t)n * 2, key, 0);
    for (long i = 0; i < n; i++) {
        t[i] = (float)levels[i % LEVELS]; /* every level equally often */
        memcpy(x + 2 * i, points + 2 * sgm_below(key, (uint64_t)i, POINTS), 8);
    }
    sgm_sde_perturb(x, x, v, t, n, 2, &sde);
    for (int j = 0; j < 2; j++) {
        for (long i = 0; i < 2 * n; i++) v[i] = i % 2 == j;
        tut_must(sgm_score_jvp(&exact, s, js, x, v, t, n));
        for (long i = 0; i < n; i++) rest[i] += 1 + pow(sgm_sde_s(&sde, t[i]), 2) * js[2 * i + j];
    }
    for (long i = 0; i < n; i++) sum += rest[i], square += rest[i] * rest[i];
    free(x), free(rest);
    *se = sqrt((square / (double)n - sum / (double)n * sum / (double)n) / (double)n);
    return sum / (double)n;
}

/* ------------------------------------------------------------------------------------------------- figures' data */

static void write_losses(const run *a, const run *b) {
    const char *head = "step loss floor excess (mean over the steps since the last row; batch noise)";
    tut_dat("loss.dat", head, a->loss, a->logs, 4);
    tut_dat("loss_second.dat", "step loss floor excess (its own weighting: compare excess by score_error.dat)",
            b->loss, b->logs, 4);
    tut_dat("memorisation.dat", "step mean_distance_to_nearest_point share_within_0.15", a->memory, a->logs, 3);
    tut_dat("memorisation_second.dat", "step mean_distance_to_nearest_point share_within_0.15", b->memory, b->logs, 3);
}

/* E‖s (score - exact)‖² at 60 times: what (2.9) adds up. */

static void write_score_error(const sgm_score *first, const sgm_score *second) {
    enum { TIMES = 60, N = 2000 };
    static float x[N * 2], rows[TIMES * 3];
    for (int i = 0; i < TIMES; i++) {
        double t = (i + 1.0) / TIMES, s = sgm_sde_s(&sde, t), e[2], se;
        tut_must(sgm_mixture_sample(&truth, x, NULL, N, t, sgm_key_split(tut_key(), 40 + (uint64_t)i)));
        tut_must(sgm_fisher(&e[0], &se, first, &exact, x, t, N));
        tut_must(sgm_fisher(&e[1], &se, second, &exact, x, t, N));
        rows[3 * i] = (float)t, rows[3 * i + 1] = (float)(s * s * e[0]), rows[3 * i + 2] = (float)(s * s * e[1]);
    }
    tut_dat("score_error.dat", "t excess_first_rung excess_second_rung (E s^2|score - exact|^2)", rows, TIMES, 3);
}

/* The learned field and the exact density on a grid, at three times. */

static void write_field(const sgm_score *score) {
    static const double at[3] = {0.15, 0.4, 0.9};
    enum { COARSE = 21, FINE = 81 };
    static float x[FINE * FINE * 2], t[FINE * FINE], s[FINE * FINE * 2], rows[FINE * FINE * 4];
    static double logp[FINE * FINE];
    for (int k = 0; k < 3; k++)
        for (int fine = 0; fine < 2; fine++) {
            int side = fine ? FINE : COARSE, n = side * side;
            char name[32];
            for (int i = 0; i < n; i++) {
                x[2 * i] = (float)(-2 + 4.0 * (i % side) / (side - 1));
                x[2 * i + 1] = (float)(-2 + 4.0 * (i / side) / (side - 1));
                t[i] = (float)at[k];
            }
            tut_must(sgm_score_eval(score, s, x, t, n));
            tut_must(sgm_score_logp(&exact, logp, x, t, n));
            for (int i = 0; i < n; i++) {
                rows[4 * i] = x[2 * i], rows[4 * i + 1] = x[2 * i + 1];
                rows[4 * i + 2] = fine ? (float)exp(logp[i]) : s[2 * i];
                rows[4 * i + 3] = fine ? 0 : s[2 * i + 1];
            }
            snprintf(name, sizeof name, "%s_%d.dat", fine ? "density" : "field", k);
            tut_dat(name, fine ? "x y exact_density 0" : "x y score_x score_y (learned, second rung)", rows, n, 4);
        }
}

static float path_rows[(STEPS + 1) * 33];

static void on_step(long step, double t, const float *x, long n, void *user) {
    float *row = path_rows + step * 33;
    (void)user, (void)n;
    row[0] = (float)t;
    for (int i = 0; i < 32; i++) row[1 + i] = x[i];
}

static void write_paths(const sgm_score *score) {
    float x[32];
    sgm_sample_options how = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = STEPS, .grid = SGM_GRID_UNIFORM, .plain_end = 1,
                              .on_step = on_step};
    tut_must(sgm_sample(x, 16, score, &how, sgm_key_split(tut_key(), 5)));
    tut_dat("paths.dat", "t x1 y1 x2 y2 ... x16 y16", path_rows + 33, STEPS, 33);
}

/* ------------------------------------------------------------------------------------------------- the experiments */

/* Euler–Maruyama by hand, ten lines, to see that nothing is hidden; and, with slip = 1, as the document's code has it. After `t = T - t` that
code calls `drift(x, T - t)`: the linear part of the drift takes β at the wrong end of the schedule. Returns E|x|² on the way, at t = ½. */

static double by_hand(float *x, long n, const sgm_score *score, int slip, sgm_key key) {
    double half_way = 0;
    float *s = tut_memory((size_t)n * 16), *z = s + 2 * n, *times = tut_memory((size_t)n * 4);
    sgm_normal(x, (size_t)n * 2, sgm_key_split(key, 0), 0);
    for (int i = 0; i < STEPS; i++) {
        double t = 1 - (double)i / STEPS, dt = 1.0 / STEPS, g2 = sgm_sde_g2(&sde, t);
        double f = sgm_sde_f(&sde, slip ? 1 - t : t);
        for (long k = 0; k < n; k++) times[k] = (float)t;
        tut_must(sgm_score_eval(score, s, x, times, n));
        sgm_normal(z, (size_t)n * 2, sgm_key_split(key, (uint64_t)i + 1), 0);
        for (long k = 0; k < 2 * n; k++) x[k] = (float)(x[k] - (f * x[k] - g2 * s[k]) * dt + sqrt(g2 * dt) * z[k]);
        for (long k = 0; k < 2 * n && i + 1 == STEPS / 2; k++) half_way += (double)x[k] * x[k] / (double)n;
    }
    free(s), free(times);
    return half_way;
}

static quality print_quality(const char *label, const float *x) {
    quality q = judge(x, SAMPLES);
    printf("  %-32s within 0.15: %.4f   even: p = %-8.3g mean distance %.4f\n", label, q.share, q.chi2_p,
           q.mean_distance);
    return q;
}

/* KL(p_T ‖ N(0,I)) with the exact p_T: the mean of the log ratio over draws from p_T, which is unbiased. */

static double exact_prior_kl(double *se) {
    enum { N = 100000 };
    float *x = tut_memory(N * 8), *t = tut_memory(N * 4);
    double *logp = tut_memory(N * 8), sum = 0, square = 0;
    for (int i = 0; i < N; i++) t[i] = 1;
    tut_must(sgm_mixture_sample(&truth, x, NULL, N, 1, sgm_key_split(tut_key(), 6)));
    tut_must(sgm_score_logp(&exact, logp, x, t, N));
    for (int i = 0; i < N; i++) {
        double r2 = (double)x[2 * i] * x[2 * i] + (double)x[2 * i + 1] * x[2 * i + 1];
        double ratio = logp[i] + 0.5 * r2 + log(2 * PI);
        sum += ratio, square += ratio * ratio;
    }
    free(x), free(t), free(logp);
    *se = sqrt((square / N - sum / N * sum / N) / N);
    return sum / N;
}

/* The same by the trapezoid rule, in steps of .1: p_T is as smooth as a Gaussian of width .88, and 6 is some seven of them away. */

static double exact_prior_kl_by_quadrature(void) {
    enum { SIDE = 121 };
    static float x[SIDE * SIDE * 2], t[SIDE * SIDE];
    static double logp[SIDE * SIDE];
    double sum = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        x[2 * i] = (float)(i % SIDE - 60) / 10, x[2 * i + 1] = (float)(i / SIDE - 60) / 10, t[i] = 1;
    tut_must(sgm_score_logp(&exact, logp, x, t, SIDE * SIDE));
    for (int i = 0; i < SIDE * SIDE; i++) {
        double r2 = (double)x[2 * i] * x[2 * i] + (double)x[2 * i + 1] * x[2 * i + 1];
        sum += .01 * exp(logp[i]) * (logp[i] + 0.5 * r2 + log(2 * PI));
    }
    return sum;
}

/* Two sets of samples of one law. Their shares near a point are both 1 and tell nothing. Their counts have a χ² of 7 degrees, which is
below .60 or above 24.32 once in 500 keys; the distance to a point is that of two normals, whose scatter is .523 of its mean. */

static void alike(const char *who, quality a, quality b, double n) {
    char name[64];
    double chi2 = 0;
    for (int j = 0; j < POINTS; j++) chi2 += pow(a.count[j] - b.count[j], 2) / (a.count[j] + b.count[j]);
    snprintf(name, sizeof name, "%s: chi2 of the counts", who);
    tut_check(name, chi2, (24.32 + .60) / 2, (24.32 - .60) / 2);
    snprintf(name, sizeof name, "%s: mean distances' ratio", who);
    tut_check(name, a.mean_distance / b.mean_distance, 1, 4 * .523 * sqrt(2 / n));
}

/* The same sampler from p_T itself: the difference is what the prior's mismatch costs. */

static void from_true_prior(float *x, long n, sgm_key key) {
    sgm_sampler sampler;
    sgm_sample_options how = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = STEPS, .grid = SGM_GRID_UNIFORM, .plain_end = 1};
    tut_must(sgm_sampler_init(&sampler, &exact, n, &how, key));
    sgm_sampler_prior(&sampler, x);
    tut_must(sgm_mixture_sample(&truth, x, NULL, n, 1, sgm_key_split(key, 9)));
    while (!sgm_sampler_done(&sampler)) tut_must(sgm_sampler_step(&sampler, x));
    sgm_sampler_free(&sampler);
}

static void prior_and_slip(float *x, quality from_noise) {
    double se, kl = exact_prior_kl(&se), gaussian = sgm_sde_prior_kl(&sde, points, POINTS, 2);
    printf("\nThe prior: m(1) = %.3f, v(1) = %.3f\n  KL(p_T | N(0,I)) = %.4f ± %.4f nats (as a Gaussian: %.4f)\n",
           sgm_sde_m(&sde, 1), pow(sgm_sde_s(&sde, 1), 2), kl, se, gaussian);
    /* mean 0, variance ½ per coordinate: V = ½m² + v = 1 - ½m² in (1.10) */
    double V = 1 - 0.5 * exp(-1.5005);
    tut_check("KL(p_T | prior) as a Gaussian, nats (1.10)", gaussian, V - 1 - log(V), 1e-6);
    tut_check("KL(p_T | prior), 10^5 draws and quadrature", kl, exact_prior_kl_by_quadrature(), 4 * se);
    tut_check("m(1)", sgm_sde_m(&sde, 1), .472, 5e-4);
    tut_check("v(1)", pow(sgm_sde_s(&sde, 1), 2), .777, 5e-4);
    from_true_prior(x, SAMPLES, sgm_key_split(tut_key(), 7));
    quality q = print_quality("exact score from the exact p_T", x);
    alike("from N(0,I), from p_T", from_noise, q, SAMPLES);
    printf("\nA slip in the document's code: β of the linear drift at T - t\n");
    double m = sgm_sde_m(&sde, 0.5), v = pow(sgm_sde_s(&sde, 0.5), 2), spread = m * m + 2 * v;
    double right = by_hand(x, SAMPLES, &exact, 0, sgm_key_split(tut_key(), 8));
    quality by_right = print_quality("exact score, by hand", x);
    alike("by hand, by the library", by_right, from_noise, SAMPLES);
    double wrong = by_hand(x, SAMPLES, &exact, 1, sgm_key_split(tut_key(), 8));
    print_quality("exact score, with the slip", x);
    printf("  E|x|² at t = 1/2: exact %.4f, by hand %.4f, with the slip %.4f (%+.0f %%)\n", spread, right, wrong,
           100 * (wrong / spread - 1));
    printf("  the exact score pulls stray paths back onto the points; the law on the way is not the process's\n");
    /* |x|² has a standard deviation below its mean: 4/√5000 of it; the prior's mismatch adds (1 - v - m²/2)·2 = .22 at most e^-∫β of it */
    tut_check("E|x|² at t = 1/2, β where it belongs", right, spread, .06 * spread + .02);
}

int main(void) {
    static run first, second;
    int quick = tut_quick();
    tut_start("04_circle");
    sgm_data_ring(points, POINTS);
    for (int i = 0; i < LEVELS; i++) levels[i] = (i + 1.0) / LEVELS;
    sde = sgm_sde_vp(0.001, 3);
    tut_must(sgm_mixture_from_data(&truth, points, POINTS, 2, &sde));
    exact = sgm_mixture_score(&truth);

    printf("The floor of the loss\n");
    double se, sharp = sharp_floor(LEVELS * (quick ? 100 : 2000), &se), floor = floor_by_quadrature(.2);
    sgm_dsm_result least = measure("floor", NULL, quick ? 100000 : 1000000);
    printf("  no score, however good, gets below %.5f\n  by draws: tangents %.4f ± %.4f, the loss itself %.4f ± %.4f\n",
           floor, sharp, se, least.floor, least.floor_se);
    tut_check("floor of the loss, half the steps of quadrature", floor_by_quadrature(.4), floor, 1e-6);
    tut_check("floor of the loss, by tangents", sharp, floor, 4 * se);
    tut_check("floor of the loss, by draws of the loss", least.floor, floor, 4 * least.floor_se);
    first.floor = floor, second.floor = NAN; /* the second is trained on another weighting */

    printf("\nFirst rung: the document's settings\n");
    first_rung(&first, quick);
    printf("\n  %8s %10s %10s %10s %10s\n", "step", "loss", "document", "floor", "excess");
    for (int i = 0; i < first.logs; i++) {
        char name[64];
        const float *row = first.loss + 4 * i;
        printf("  %8.0f %10.4f %10.4f %10.4f %10.4f\n", row[0], row[1], document[i], row[2], row[3]);
        snprintf(name, sizeof name, "loss of the document's table at step %.0f", row[0]);
        tut_check(name, row[1], document[i], .03); /* asked for; 5000·8 draws alone scatter by ±.006 */
    }
    printf("\nSecond rung: the same time, spent better\n");
    second_rung(&second, quick);

    sgm_score raw = sgm_model_score(&first.model, SGM_RAW), ema = sgm_model_score(&second.model, 0);
    printf("\nOn fresh noise\n");
    long draws = quick ? 50000 : 1000000;
    sgm_dsm_result one = measure("first rung", &raw, draws), two = measure("second rung (EMA)", &ema, draws);
    tut_check("excess of the second rung", two.excess, 0, quick ? .1 : .02);
    /* (2.9) splits the loss; the difference of two means over the same draws errs by about 2 × their scatter's covariance */
    tut_check("first rung: loss - floor = excess (2.9)", one.loss - one.floor, one.excess, 3 * one.loss_se);
    printf("  wall time: second rung %.1f s, first rung %.1f s\n", second.seconds, first.seconds);
    write_losses(&first, &second);
    write_score_error(&raw, &ema);
    write_field(&ema);
    write_paths(&ema);

    printf("\n%d samples by Euler-Maruyama, %d steps\n", SAMPLES, STEPS);
    float *x = tut_memory(SAMPLES * 8);
    long n = quick ? 500 : SAMPLES;
    samples_of(x, SAMPLES, &exact, STEPS, "exact score", sgm_key_split(tut_key(), 4));
    tut_dat("samples_exact.dat", "x y", x, SAMPLES, 2);
    quality best = print_quality("exact score", x);
    /* the document's start at N(0,I) instead of p_T and the last noisy step move few: at least .99 of 5000 */
    tut_check("exact score: share within 0.15 of a point", best.share, 1, .01);
    tut_check("exact score: counts even, p-value > .001", best.chi2_p > .001, 1, 0);
    samples_of(x, n, &raw, STEPS, "first rung", sgm_key_split(tut_key(), 4));
    tut_dat("samples_first.dat", "x y", x, n, 2);
    if (!quick) { /* the document's own result: near the points, as its figure shows, but not evenly, as no figure shows */
        quality its = print_quality("first rung", x);
        tut_check("first rung: share within 0.15 of a point", its.share, best.share, .05);
        tut_check("first rung: counts not even, p-value < .001", its.chi2_p < .001, 1, 0);
    }
    samples_of(x, n, &ema, STEPS, "second rung", sgm_key_split(tut_key(), 4));
    tut_dat("samples.dat", "x y", x, n, 2);
    quality good = judge(x, n);
    if (!quick) print_quality("second rung", x);
    tut_check("second rung: share within 0.15 of a point", good.share, best.share, quick ? .2 : .05);
    if (!quick) tut_check("second rung: counts even, p-value > .001", good.chi2_p > .001, 1, 0);

    prior_and_slip(x, best);
    printf("\nMemorisation: mean distance of samples to the nearest data point, over training\n");
    for (int i = 0; i < first.logs; i++)
        printf("  %6.0f steps: %.4f   (second rung, %6.0f: %.4f)\n", first.memory[3 * i], first.memory[3 * i + 1],
               second.memory[3 * i], second.memory[3 * i + 1]);
    free(x);
    sgm_model_free(&first.model);
    sgm_model_free(&second.model);
    sgm_mixture_free(&truth);
    return tut_done();
}
