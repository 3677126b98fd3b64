/*
Proof 14: eight points on a circle.

Question. A data set of eight points is the smallest that is worth generating. Can a network learn its score well enough that
noise, run backwards, lands on the points? And if a figure of samples looks good, how good *is* it?

Equations. Forward: VP with β(t) = 0.001 + 2.999 t (1.6). Loss: mean ‖ε + s_t score‖² (2.11). Sampling: Euler–Maruyama on the
reverse SDE (5.4), in 998 steps of 1/999 from t = 998/999. All settings of the first rung are those of H. Gangloff, *SGM_GTAP:
Score-based generative models, a simple JAX implementation* (2025, after J. Pidstrigach).

Plan. (1) The floor of the loss, by quadrature, from the exact score, and from draws. (2) First rung: the document's training, its
table of losses row by row, and its speed. (3) Second rung: the same wall time, spent better. (4) 5000 samples from the exact score
and from both networks: what the network loses is told apart from what the discretisation loses. (5) The prior's mismatch. (6) The
document's sampler to the letter, with its slip and without, exact score and its own network. (7) Memorisation: "early stopping seems
a critical aspect". Is it, and when? (8) What 1000 samples cost.

What you should see. The first rung ends 0.08 above the floor, as the document does; the second within 0.005 of it. Of the
document's own 5000 samples 95 to 99 % are near a point, but some points get far more of them than others (χ²): no figure shows
that. The slip in its sampler is not to blame, for without it they are just as uneven; what it costs is distance, 1.3 to 1.6 times
as much: at the end its linear drift is 1.5 x instead of 0, so its circle has a radius of 1.03 to 1.05, as one can see in the
figure. With the exact score it costs nothing at all. Of the second rung's samples all are near a point, evenly. As for early
stopping: the loss on *new* points of the circle is least after 5 000 to 15 000 of 60 000 steps, and rises from then on. Who wants
the circle stops there; who wants these eight points does not stop at all.

Figures. 14_circle_loss.png, 14_circle_samples.png, 14_circle_paths.png, 14_circle_field.png, 14_circle_error.png,
14_circle_memory.png.

Build: cc -O2 -fopenmp tutorial/14_circle.c -o 14_circle -lm && ./14_circle      (MODE=test for a few seconds)

Try this:
- In `second_rung`, set .output = SGM_OUTPUT_SCORE: the same budget ends some ten times further from the floor. The score of a point grows like
  1/s near the data, the clean point stays on the circle.
- Set .plain_end = 0 in `plain_steps`: the last step becomes the closed-form denoising (5.9), and the exact score's samples sit on the points.
  A row fails then, for it compares their mean distance, which is rounding, with that of steps that stay noisy to the end.
- Take VP(0.1, 20) for the SDE: the prior's KL falls from 0.007 to 2·10⁻¹⁰ nats, and the loss's floor changes too, so compare excesses only.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846

enum { POINTS = 8, LEVELS = 999, SAMPLES = 5000, STEPS = 998, LOGS = 12, MOMENTS = 24, CIRCLE = 2048 };

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
    float memory[7 * MOMENTS]; /* step, distance and share (see judge), energy distances, losses: see remember */
    int logs, moments, row_every;
    double floor, sum;
} run;

static double nearest(const float *x, int *which) {
    double best = HUGE_VAL;
    for (int j = 0; j < POINTS; j++) {
        double dx = x[0] - points[2 * j], dy = x[1] - points[2 * j + 1], r = sqrt(dx * dx + dy * dy);
        if (r < best) best = r, *which = j;
    }
    return best;
}

typedef struct quality {
    double share, chi2_p, mean_distance, radius, count[POINTS];
} quality;

static quality judge(const float *x, long n) {
    double expected[POINTS];
    quality q = {0};
    for (long i = 0; i < n; i++) {
        int which = 0;
        double r = nearest(x + 2 * i, &which);
        q.count[which]++;
        q.share += r < 0.15, q.mean_distance += r, q.radius += hypot(x[2 * i], x[2 * i + 1]) / (double)n;
    }
    for (int j = 0; j < POINTS; j++) expected[j] = (double)n / POINTS;
    q.share /= (double)n, q.mean_distance /= (double)n;
    q.chi2_p = stat_chi2_p(q.count, expected, POINTS, 0);
    return q;
}

/* The document's sampler: Euler–Maruyama from N(0,I) at t = 998/999 to 0, in 998 plain steps. */

static sgm_sample_options plain_steps(void) {
    sgm_sample_options how = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = STEPS, .grid = SGM_GRID_UNIFORM, .plain_end = 1,
                              .t_start = 998 / 999., .x_given = 1};
    return how;
}

static void samples_of(float *x, long n, const sgm_score *score, const char *label, sgm_key key) {
    sgm_sample_options how = plain_steps();
    how.progress = label;
    sgm_normal(x, (size_t)n * 2, sgm_key_split(key, 0), 0);
    tut_must(sgm_sample(x, n, score, &how, sgm_key_split(key, 1)));
}

/* Seven numbers about a network in training. On samples: the mean distance to the nearest of the eight points and the share near one;
their energy distance (9.4) to the uniform law on the circle, which the eight points may stand for, and to the eight points themselves. And
the loss on new points of the circle and on the eight that it is trained on. */

static void remember(run *r, long step, const sgm_score *score) {
    enum { MOST = 1000 };
    static float x[MOST * 2], circle[CIRCLE * 2], copies[CIRCLE * 2];
    long n = tut_quick() ? 300 : MOST, draws = tut_quick() ? 4000 : 40000;
    float *row = r->memory + 7 * r->moments;
    sgm_loss loss = {.times = SGM_TIMES_GRID, .grid = levels, .n_grid = LEVELS};
    sgm_dsm_result d;
    for (int j = 0; j < CIRCLE; j++) {
        circle[2 * j] = (float)cos(2 * PI * (j + .5) / CIRCLE), circle[2 * j + 1] = (float)sin(2 * PI * (j + .5) / CIRCLE);
        memcpy(copies + 2 * j, points + 2 * (j % POINTS), 8);
    }
    /* with the closed-form last step: no noise is added at the end */
    sgm_sample_options how = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = 100, .grid = SGM_GRID_UNIFORM};
    tut_drawn(sgm_sample(x, n, score, &how, sgm_key_split(tut_key(), 77)));
    quality q = judge(x, n);
    row[0] = (float)step, row[1] = (float)q.mean_distance, row[2] = (float)q.share;
    row[3] = (float)sgm_energy_distance(x, n, circle, CIRCLE, 2);
    row[4] = (float)sgm_energy_distance(x, n, copies, CIRCLE, 2);
    tut_must(sgm_dsm(&d, score, NULL, circle, CIRCLE, &loss, draws, sgm_key_split(tut_key(), 78)));
    row[5] = (float)d.loss;
    tut_must(sgm_dsm(&d, score, NULL, points, POINTS, &loss, draws, sgm_key_split(tut_key(), 78)));
    row[6] = (float)d.loss;
    r->moments += r->moments < MOMENTS - 1;
}

/* Called by the trainer; every row_every-th call is a row of the document's table. */

static void on_log(const sgm_trainer *trainer, void *user) {
    run *r = (run *)user;
    sgm_score score = sgm_model_score(trainer->model, trainer->model->o.n_ema ? 0 : SGM_RAW);
    double pause = sgm_seconds();
    long call = trainer->step / trainer->o.log_every, doubled = 1;
    float *row = r->loss + 4 * r->logs;
    while (doubled < call) doubled *= 2; /* early on the moments are 1, 2, 4, … calls */
    r->sum += trainer->mean_loss / r->row_every;
    if (call % r->row_every == 0 && r->logs < LOGS) {
        row[0] = (float)trainer->step, row[1] = (float)r->sum;
        row[2] = (float)r->floor, row[3] = (float)(r->sum - r->floor), r->sum = 0;
        r->logs++;
    }
    if (call % r->row_every == 0 || (call == doubled && call < r->row_every)) remember(r, trainer->step, &score);
    r->seconds -= sgm_seconds() - pause; /* this is not training */
}

static void train(run *r, sgm_model_options net, sgm_train_options how, uint64_t stream) {
    sgm_key key = sgm_key_split(tut_key(), stream);
    tut_must(sgm_model_init(&r->model, &net, sgm_key_split(key, 0)));
    how.on_log = on_log, how.user = r, how.floor = r->floor;
    double start = sgm_seconds(), energy = tut_joules();
    r->seconds = 0;
    tut_must(sgm_train(&r->model, points, POINTS, &how, sgm_key_split(key, 1)));
    r->seconds += sgm_seconds() - start;
    r->joules = tut_joules() - energy;
    printf("  %ld steps of batch %d, %zu parameters: %.1f s, %.0f steps/s\n  ", how.steps, how.batch, r->model.n_params,
           r->seconds, (double)how.steps / r->seconds);
    if (r->joules == r->joules) printf("%.0f J\n", r->joules);
    else printf("energy: this machine does not let a program read it\n");
}

/* The document's settings, all of them. */

static void first_rung(run *r, int quick) {
    static sgm_mlp_options mlp = {.width = 256, .depth = 4, .activation = SGM_ACTIVATION_RELU, .embedding = SGM_EMBEDDING_CIRCLE};
    sgm_model_options net = {.net = sgm_mlp, .user = &mlp, .d = 2, .sde = sde, .output = SGM_OUTPUT_SCORE};
    sgm_train_options how = {.steps = quick ? 5000 : 60000, .batch = 8, .lr = 1e-3, .log_every = 200,
                             .progress = "first rung",
                             .loss = {.times = SGM_TIMES_GRID, .grid = levels, .n_grid = LEVELS}};
    r->row_every = 25;
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
    r->row_every = 1;
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
    head = "step distance_to_nearest share_within_0.15 energy_distance_to_circle to_eight loss_on_circle on_eight";
    tut_dat("memorisation.dat", head, a->memory, a->moments, 7);
    tut_dat("memorisation_second.dat", head, b->memory, b->moments, 7);
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
    sgm_sample_options how = plain_steps();
    how.on_step = on_step;
    sgm_normal(x, 32, sgm_key_split(tut_key(), 15), 0);
    tut_must(sgm_sample(x, 16, score, &how, sgm_key_split(tut_key(), 5)));
    tut_dat("paths.dat", "t x1 y1 x2 y2 ... x16 y16", path_rows + 33, STEPS, 33);
}

/* ------------------------------------------------------------------------------------------------- the experiments */

/* The document's `reverse_sde`, line by line. Its `times` are i/999, i = 1 … 998, so t = T - times falls from 998/999 to 1/999. After
`t = T - t` its code calls `drift(x, T - t)`: with slip = 1 the linear part of the drift takes β at the other end of the schedule, as
there. Returns E|x|² on the way, at t = 499/999. */

static double by_hand(float *x, long n, const sgm_score *score, int slip, sgm_key key) {
    double half_way = 0, dt = 1.0 / LEVELS;
    float *s = tut_memory((size_t)n * 16), *z = s + 2 * n, *times = tut_memory((size_t)n * 4);
    sgm_normal(x, (size_t)n * 2, sgm_key_split(key, 0), 0);
    for (int i = 1; i <= STEPS; i++) {
        double t = 1 - (double)i / LEVELS, g2 = sgm_sde_g2(&sde, t), f = sgm_sde_f(&sde, slip ? 1 - t : t);
        for (long k = 0; k < n; k++) times[k] = (float)t;
        tut_must(sgm_score_eval(score, s, x, times, n));
        sgm_normal(z, (size_t)n * 2, sgm_key_split(key, (uint64_t)i), 0);
        for (long k = 0; k < 2 * n; k++) x[k] = (float)(x[k] - (f * x[k] - g2 * s[k]) * dt + sqrt(g2 * dt) * z[k]);
        for (long k = 0; k < 2 * n && i == 499; k++) half_way += (double)x[k] * x[k] / (double)n;
    }
    free(s), free(times);
    return half_way;
}

static quality print_quality(const char *label, const float *x, long n) {
    quality q = judge(x, n);
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
    sgm_sample_options how = plain_steps();
    tut_must(sgm_mixture_sample(&truth, x, NULL, n, how.t_start, sgm_key_split(key, 9)));
    tut_must(sgm_sample(x, n, &exact, &how, key));
}

static void prior(float *x, long n, quality from_noise) {
    double se, kl = exact_prior_kl(&se), gaussian = sgm_sde_prior_kl(&sde, points, POINTS, 2);
    printf("\nThe prior: m(1) = %.3f, v(1) = %.3f\n  KL(p_T | N(0,I)) = %.4f ± %.4f nats (as a Gaussian: %.4f)\n",
           sgm_sde_m(&sde, 1), pow(sgm_sde_s(&sde, 1), 2), kl, se, gaussian);
    /* mean 0, variance ½ per coordinate: V = ½m² + v = 1 - ½m² in (1.10) */
    double V = 1 - 0.5 * exp(-1.5005);
    tut_check("KL(p_T | prior) as a Gaussian, nats (1.10)", gaussian, V - 1 - log(V), 1e-6);
    tut_check("KL(p_T | prior), 10^5 draws and quadrature", kl, exact_prior_kl_by_quadrature(), 4 * se);
    tut_check("m(1)", sgm_sde_m(&sde, 1), .472, 5e-4);
    tut_check("v(1)", pow(sgm_sde_s(&sde, 1), 2), .777, 5e-4);
    from_true_prior(x, n, sgm_key_split(tut_key(), 7));
    quality q = print_quality("exact score from the exact p_T", x, n);
    alike("from N(0,I), from p_T", from_noise, q, (double)n);
}

/* (6) With the exact score, then with the document's network; each without the slip and with it, on the same noise. */

static void to_the_letter(float *x, long n, const sgm_score *network, quality by_library) {
    double t = 499. / LEVELS, m = sgm_sde_m(&sde, t), v = pow(sgm_sde_s(&sde, t), 2), spread = m * m + 2 * v, half[2][2];
    quality q[2][2];
    long few = tut_quick() ? 200 : n;
    printf("\nThe document's sampler to the letter, and its slip: β of the linear drift at T - t\n");
    for (int net = 0; net < 2; net++)
        for (int slip = 0; slip < 2; slip++) {
            long rows = net ? few : n;
            half[net][slip] = by_hand(x, rows, net ? network : &exact, slip, sgm_key_split(tut_key(), 8));
            if (net) tut_dat(slip ? "samples_letter.dat" : "samples_first.dat", "x y", x, rows, 2);
            q[net][slip] = print_quality(net ? slip ? "its network, as its code is" : "its network, without the slip"
                                             : slip ? "exact score, with the slip" : "exact score, by hand", x, rows);
        }
    printf("  E|x|² at t = 1/2: exact %.4f, by hand %.4f, with the slip %.4f (%+.0f %%)\n  of the network: %.4f and %.4f; "
           "the exact score pulls stray paths back, a network less:\n  with the slip its mean radius is %.4f, without %.4f\n",
           spread, half[0][0], half[0][1], 100 * (half[0][1] / spread - 1), half[1][0], half[1][1], q[1][1].radius,
           q[1][0].radius);
    alike("by hand, by the library", q[0][0], by_library, (double)n);
    /* |x|² has a standard deviation below its mean: 4/√5000 of it; the prior's mismatch adds (1 - v - m²/2)·2 = .22 at most e^-∫β of it */
    tut_check("E|x|² at t = 1/2, β where it belongs", half[0][0], spread, 4 * spread / sqrt((double)n) + .02);
    tut_check("SGM_GTAP: exact score with its slip, share near a point", q[0][1].share, 1, .01);
    if (tut_quick()) return;
    /* its own result: near the points, as its figure shows, but not evenly, as no figure shows, and not for the slip */
    tut_check("SGM_GTAP: its 5000 samples, share near a point", q[1][1].share, 1, .1);
    tut_check("SGM_GTAP: its 5000 samples uneven, p < .001", q[1][1].chi2_p < .001, 1, 0);
    tut_check("SGM_GTAP: without its slip uneven too, p < .001", q[1][0].chi2_p < .001, 1, 0);
    /* what the exact score forgives, for it pulls like 1/t to the end, a network does not; 5 standard errors are some .1 */
    tut_check("SGM_GTAP: the slip pushes its samples outwards, 1 = yes", q[1][1].radius > q[1][0].radius + .01, 1, 0);
    tut_check("SGM_GTAP: the slip takes its samples further off, 1 = yes", q[1][1].mean_distance > 1.1 * q[1][0].mean_distance, 1, 0);
}

/* (7) The loss cannot tell when to stop: it is asked about the eight points that it is trained on, and its floor is their memory. Asked about
new points of the circle it can. A sample that is one of the eight points, each as often, is at the energy distance 2·(4/π) - 4/π - ¼ cot(π/16) =
.0164 from the circle: 4/π is the mean distance of a point of the circle to all others, the last term that among the eight. */

static void memorisation(const run *r) {
    const float *least = r->memory, *last = r->memory + 7 * (r->moments - 1);
    static float circle[CIRCLE * 2], copies[CIRCLE * 2];
    printf("\nMemorisation: is there an optimum? The first rung on its way\n  %8s %10s %8s %22s %22s\n", "", "distance",
           "share", "energy distance to", "loss on");
    printf("  %8s %10s %8s %11s %10s %11s %10s\n", "steps", "to nearest", "near", "the circle", "the eight", "the circle",
           "the eight");
    for (const float *row = r->memory; row <= last; row += 7) {
        printf("  %8.0f %10.4f %8.3f %11.4f %10.4f %11.4f %10.4f\n", row[0], row[1], row[2], row[3], row[4], row[5], row[6]);
        if (row[5] < least[5]) least = row;
    }
    printf("  the loss on the circle is least, %.4f, after %.0f steps (%.0f %% of the samples near a point):\n"
           "  stop there if you want the circle, and never if you want these eight points\n", least[5], least[0],
           100 * least[2]);
    for (int j = 0; j < CIRCLE; j++) {
        circle[2 * j] = (float)cos(2 * PI * (j + .5) / CIRCLE), circle[2 * j + 1] = (float)sin(2 * PI * (j + .5) / CIRCLE);
        memcpy(copies + 2 * j, points + 2 * (j % POINTS), 8);
    }
    /* over pairs of different points both means are 2048/2047 of what they are over all; then floats */
    tut_check("energy distance of the eight points to the circle", sgm_energy_distance(copies, CIRCLE, circle, CIRCLE, 2),
              8 / PI - (4 / PI + .25 / tan(PI / 16)) * CIRCLE / (CIRCLE - 1), 1e-5);
    if (tut_quick()) return;
    tut_check("early stopping: loss on the circle rises by .05, 1 = yes", last[5] > least[5] + .05, 1, 0);
    tut_check("early stopping: its least before half the run, 1 = yes", least[0] < 30000, 1, 0);
    tut_check("memory: distance to the nearest, last over least's", last[1] / least[1], 0, .6);
    tut_check("memory: loss on the eight falls meanwhile, 1 = yes", last[6] < least[6], 1, 0);
}

/* (8) Speed, and what 1000 samples cost: cost.tsv, which plots/25_speed_cost.gp draws for all tutorials. */

static void cost(const run *first, const run *second, const sgm_score *raw, const sgm_score *ema, long steps) {
    sgm_sample_options how = plain_steps();
    float speed[3] = {(float)((double)steps / first->seconds), 989.14f, 592.12f};
    printf("\nTraining: %.0f steps/s here on %d thread%s; the document: 989 on its i7, 592 on its T600\n", speed[0],
           sgm_threads(), sgm_threads() > 1 ? "s" : "");
    tut_dat("speed.dat", "training steps per second: here, SGM_GTAP on an i7, on a T600", speed, 1, 3);
    how.x_given = 0, how.t_start = 0;
    tut_cost_of("circle, the document's", &first->model, raw, &how, 1000);
    tut_cost_of("circle, second rung", &second->model, ema, &how, 1000);
}

int main(int argc, char **argv) {
    static run first, second;
    int quick = tut_quick();
    tut_start("14_circle", argc, argv);
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

    float *x = tut_memory(SAMPLES * 8);
    long n = quick ? 500 : SAMPLES, many = quick ? 1500 : SAMPLES;
    printf("\n%ld samples by Euler-Maruyama, %d steps\n", many, STEPS);
    samples_of(x, many, &exact, "exact score", sgm_key_split(tut_key(), 4));
    tut_dat("samples_exact.dat", "x y", x, many, 2);
    quality best = print_quality("exact score", x, many);
    /* the document's start at N(0,I) instead of p_T and the last noisy step move few: at least .99 of 5000 */
    tut_check("exact score: share within 0.15 of a point", best.share, 1, .01);
    tut_check("exact score: counts even, p-value > .001", best.chi2_p > .001, 1, 0);
    samples_of(x, n, &ema, "second rung", sgm_key_split(tut_key(), 4));
    tut_dat("samples.dat", "x y", x, n, 2);
    quality good = judge(x, n);
    if (!quick) print_quality("second rung", x, n);
    tut_check("second rung: share within 0.15 of a point", good.share, best.share, quick ? .2 : .05);
    if (!quick) tut_check("second rung: counts even, p-value > .001", good.chi2_p > .001, 1, 0);

    prior(x, many, best);
    to_the_letter(x, many, &raw, best);
    memorisation(&first);
    cost(&first, &second, &raw, &ema, quick ? 5000 : 60000);
    free(x);
    sgm_model_free(&first.model);
    sgm_model_free(&second.model);
    sgm_mixture_free(&truth);
    return tut_done();
}
