/*
Tutorial 3: five ways to match a score.

Question. Nobody tells you the true score. Which losses have it as their minimum all the same, what
does each of them cost, and do they learn the same thing in the same number of steps?

Equations. Explicit (2.13), implicit (2.14), sliced (2.15) and denoising (2.6) score matching are
one loss up to constants (2.16): ISM = ESM - E λ‖∇log p‖², DSM = ESM + L*. The library writes them
without the ½ of *Diffusion Through the Lens of Score Matching* (EngineersOfAI lesson), whose sliced
loss, with ‖s‖² in it, is the variance-reduced one here. The energy view is that of *Score-Based
Generative Models: Masterclass Notes* (lecture by A. Shysheya): e^(-U)/Z has the score -∇U (4.6).

Plan. (1) A wrong score on twelve points: its five losses, and both constants. (2) How the sliced
losses scatter with the number K of directions. At a point x they are vᵀMv with M = 2J + s sᵀ, or
2J for the variance-reduced one, so their variance over v is 2 Σ_ij M_ij² / K for Gaussian v, and
for v = ±1 the same without the diagonal. (3) One network, one mixture, equal steps, every loss.
(4) Tangents and backward passes of a step, counted, and its time for d = 2, 8, 32, 128. (5) What an
energy has that a score has not.

What you should see. Both constants agree, and the variance falls as 1/K. With Gaussian v on a round
Gaussian, the variance reduction divides the variance by (d+2)/4: it pays above two dimensions, and
in one it *costs*. All losses learn the same field, ISM and the sliced ones more slowly, since their
gradients are noisier where noise hides the data. A step of ISM grows with d, the others' hardly:
the lesson's d = 3072 (CIFAR-10) is out of its reach. Figures: plots/03_score_matching_*.gp.

Build: cc -O2 -fopenmp tutorial/03_score_matching.c -o 03_score_matching -lm     (QUICK=1: seconds)

Try this:
- .loss = {.directions = 8} in `learn`: SSM misses 1.9 % of the score instead of 2.8 %, which is
  nearly ISM's 1.7 %, for twice its time.
- sgm_relu for sgm_silu in `net`: ESM and DSM learn as before, ISM and the sliced losses miss all of
  it. Their gradient of the trace cannot see the kinks, and there alone does a ReLU's slope change.
- sliced(vr, 0, 1) in `where_reduction_pays`: for v = ±1 the variance of SSM-VR is 0, as M is
  diagonal, and the ratio has nothing left to be divided by.
*/

#include "tutorial.h"

#include <stdarg.h>
#include <time.h>

enum { POINTS = 12, CLOUD = 50000, N = 4000, JOBS = 7, RUNS = 16 };
enum { K_ROWS = 6, DIMS = 4, TIMES = 12 };

static sgm_sde sde;
static sgm_mixture truth;
static sgm_score exact;
static int quick;

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

static const char *text(const char *format, ...) {
    static char line[96];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return line;
}

/* The score of a density that is flat everywhere. */

static sgm_status zero(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    (void)x, (void)t;
    memset(s, 0, (size_t)(n * self->d) * sizeof *s);
    return SGM_OK;
}
static const sgm_score nothing = {.d = 2, .eval = zero};

/* The score s and its derivatives J[k] along both axes, at n points of the plane. */

static void jacobian(const sgm_score *score, float *s, float *J[2], const float *x, const float *t,
                     long n) {
    float *e = tut_memory((size_t)n * 8);
    for (int k = 0; k < 2; k++) {
        for (long i = 0; i < 2 * n; i++) e[i] = i % 2 == k;
        tut_must(sgm_score_jvp(score, s, J[k], x, e, t, n));
    }
    free(e);
}

/* ------------------------------------------------------------- one loss up to constants */

static void constants(const sgm_score *model, const sgm_score *own, const float *points) {
    static const char *const name[5] = {"DSM", "ESM", "ISM", "SSM", "SSM-VR"};
    double mean[7], se[7]; /* five losses of the model, then of no score, then of the best */
    printf("A wrong score on %d points: the five losses, λ = s²\n", POINTS);
    for (int i = 0; i < 7; i++) {
        static const sgm_objective which[7] = {SGM_DSM, SGM_ESM,    SGM_ISM, SGM_SSM,
                                               SGM_SSM_VR, SGM_ESM, SGM_DSM};
        sgm_loss loss = {.objective = which[i], .exact = own, .directions = 4};
        tut_must(sgm_objective_value(&mean[i], &se[i], i < 5 ? model : i == 5 ? &nothing : own,
                                     points, POINTS, &loss, &sde, quick ? 10000 : 300000,
                                     stream(1 + (uint64_t)i)));
        if (i < 5) printf("  %-8s %9.4f ± %.4f\n", name[i], mean[i], se[i]);
    }
    printf("  E λ‖∇log p‖² = %.4f ± %.4f, floor L* = %.4f ± %.4f\n", mean[5], se[5], mean[6],
           se[6]);
    for (int i = 0; i < 5; i++) { /* independent draws: three standard errors of the difference */
        double constant = i == SGM_DSM ? mean[6] : -mean[5], of_it = i == SGM_DSM ? se[6] : se[5];
        if (i != SGM_ESM)
            tut_check(text("%s - ESM = %s", name[i], i ? "-E λ|∇log p|² (2.14)" : "L* (2.16)"),
                      mean[i] - mean[SGM_ESM], constant,
                      3 * sqrt(se[i] * se[i] + se[SGM_ESM] * se[SGM_ESM] + of_it * of_it));
    }
}

/* ------------------------------------------------------------- directions */

static sgm_loss sliced(int vr, int gauss, int K) { /* at one level, with λ = 1 */
    static const double level = 0.3;
    sgm_loss loss = {.objective = vr ? SGM_SSM_VR : SGM_SSM, .directions = K,
                     .probe = gauss ? SGM_GAUSSIAN : SGM_RADEMACHER, .weight = SGM_WEIGHT_ONE,
                     .times = SGM_TIMES_GRID, .grid = &level, .n_grid = 1};
    return loss;
}

/* What the directions add to the variance of one point's loss: all of it, less that of ISM at the
same points. The mean over 16 runs, and its standard error by their scatter. */

static double of_directions(const sgm_score *model, sgm_loss loss, const float *points, long n,
                            long draws, double *se) {
    double sum = 0, square = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        double mean, of_both, of_x;
        sgm_key same = sgm_key_split(stream(30), run);
        sgm_loss ism = loss;
        ism.objective = SGM_ISM;
        tut_must(sgm_objective_value(&mean, &of_both, model, points, n, &loss, &sde, draws, same));
        tut_must(sgm_objective_value(&mean, &of_x, model, points, n, &ism, &sde, draws, same));
        double var = (double)draws * (of_both * of_both - of_x * of_x);
        sum += var / RUNS, square += var * var / RUNS;
    }
    *se = sqrt((square - sum * sum) / (RUNS - 1));
    return sum;
}

/* 2 E Σ M_ij² of the plan, from two tangents at each of many x. */

static double by_formula(const sgm_score *model, const sgm_mixture *own, int vr, int gauss) {
    const long n = quick ? 20000 : 200000;
    float *x = tut_memory((size_t)n * 36), *s = x + 2 * n, *J[2] = {s + 2 * n, s + 4 * n};
    float *t = s + 6 * n;
    double sum = 0;
    tut_must(sgm_mixture_sample(own, x, NULL, n, 0.3, stream(20)));
    for (long i = 0; i < n; i++) t[i] = 0.3f;
    jacobian(model, s, J, x, t, n);
    for (long i = 0; i < 4 * n; i++) {
        long row = i / 4, a = i / 2 % 2, b = i % 2;
        double M = 2 * J[a][2 * row + b] + (vr ? 0 : s[2 * row + a] * s[2 * row + b]);
        if (a != b || gauss) sum += 2 * M * M / (double)n;
    }
    free(x);
    return sum;
}

static void slices(const sgm_score *model, const sgm_mixture *own, const float *points) {
    static float rows[K_ROWS * 9];
    printf("\nVariance that K directions add, and in brackets 2 Σ M² / K\n");
    for (int c = 0; c < 4; c++) {
        const char *label = c / 2 ? "SSM-VR" : "SSM", *law = c % 2 ? "Gaussian" : "±1";
        double formula = by_formula(model, own, c / 2, c % 2), slope = 0, error = 0;
        printf("  %-6s %s:", label, law);
        for (int n = 0; n < K_ROWS; n++) {
            double se, var = of_directions(model, sliced(c / 2, c % 2, 1 << n), points, POINTS,
                                           quick ? 200 : 6000, &se);
            float *row = rows + 9 * n;
            row[0] = (float)(1 << n), row[1 + 2 * c] = (float)var;
            row[2 + 2 * c] = (float)(formula / (1 << n));
            if (n % 2 == 0) printf("  K = %d: %.3f (%.3f)", 1 << n, var, formula / (1 << n));
            if (n == 0) tut_check(text("%s, %s: variance over v", label, law), var, formula,
                                  4 * se + .02 * formula); /* the formula has draws of x, too */
            if (n == 0 || n == 3) error += 4 * se / var / log(8);
            if (n == 3) slope = log(var / rows[1 + 2 * c]) / log(8);
        }
        printf("\n");
        tut_check(text("%s, %s: its power of K, 1 to 8", label, law), slope, -1, error);
    }
    tut_dat("slices.dat", "K then variance and formula of SSM ±1, SSM Gaussian, VR ±1, VR Gaussian",
            rows, K_ROWS, 9);
}

/* In d dimensions, for the exact score of N(0, I): M is ssᵀ - 2I, or -2I. */

static void where_reduction_pays(void) {
    static float rows[6 * 4];
    static const double one = 1;
    long draws = quick ? 500 : 8000;
    printf("\nSSM's variance over that of SSM-VR, Gaussian v, exact score of N(0, I)\n");
    for (int n = 0, d = 1; n < 6; n++, d *= 2) {
        double *mean = tut_memory((size_t)d * 8), var[2], se[2];
        float *x = tut_memory((size_t)draws * (size_t)d * 4), *row = rows + 4 * n;
        sgm_mixture round;
        tut_must(sgm_mixture_init(&round, 1, d, NULL, mean, &one, SGM_ISOTROPIC, &sde));
        sgm_score score = sgm_mixture_score(&round);
        sgm_normal(x, (size_t)(draws * d), stream(40 + (uint64_t)n), 0);
        for (int vr = 0; vr < 2; vr++)
            var[vr] = of_directions(&score, sliced(vr, 1, 1), x, draws, draws, &se[vr]);
        double ratio = var[0] / var[1], error = ratio * hypot(se[0] / var[0], se[1] / var[1]);
        printf("  d = %2d: %.3f ± %.3f, (d + 2)/4 = %.3f\n", d, ratio, error, (d + 2) / 4.0);
        row[0] = (float)d, row[1] = (float)ratio, row[2] = (d + 2) / 4.0f, row[3] = (float)error;
        tut_check(text("d = %d: variance of SSM over SSM-VR", d), ratio, (d + 2) / 4.0, 4 * error);
        sgm_mixture_free(&round);
        free(mean), free(x);
    }
    tut_dat("reduction.dat", "d variance_of_SSM_over_SSM-VR (d+2)/4 standard_error", rows, 6, 4);
}

/* ------------------------------------------------------------- learning */

typedef struct job {
    const char *label;
    sgm_objective objective;
    int energy, width, counting;
    sgm_model model;
} job;

/* Passes of one operation of the network, counted where they happen: 0 forward, 1 tangent, 2
backward. */

static int passes[3];
static void (*counted)(sgm_tape *tape, sgm_tensor *y, int pass);

static void count(sgm_tape *tape, sgm_tensor *y, int pass) {
    passes[pass]++;
    counted(tape, y, pass);
}

static sgm_tensor *net(sgm_tape *tape, const sgm_net_in *in) {
    const job *j = (const job *)in->user;
    sgm_tensor *h = sgm_concat(tape, sgm_time_circle(tape, in->t), in->x);
    for (int i = 0; i < 3; i++) h = sgm_silu(tape, sgm_linear(tape, h, j->width));
    if (h && j->counting) counted = h->op, h->op = count;
    return sgm_linear(tape, h, j->energy ? 1 : in->x->cols);
}

static void start(job *j, int d, sgm_train_options *how, const sgm_score *target) {
    sgm_model_options o = {.net = net, .user = j, .d = d, .sde = sde, .output = SGM_SCORE,
                           .n_ema = 1, .energy = j->energy};
    how->loss.objective = j->objective, how->loss.exact = target;
    tut_must(sgm_model_init(&j->model, &o, stream(60)));
}

static void learn(job *jobs, const float *cloud) {
    static float rows[TIMES * (JOBS + 1)], shares[JOBS], x[N * 2];
    sgm_loss loss = {.weight = SGM_WEIGHT_SIGMA2};
    sgm_dsm_result all, rest;
    tut_must(sgm_dsm(&all, &nothing, &exact, cloud, CLOUD, &loss, &sde, CLOUD, stream(61)));
    printf("\nOne network, %d steps, every loss: what it has not learnt of E s²‖∇log p‖²\n",
           quick ? 120 : 4000);
    for (int i = 0; i < JOBS; i++) {
        job *j = jobs + i;
        sgm_train_options how = {.steps = quick ? 120 : 4000, .batch = 128, .lr = 5e-3, .cosine = 1,
                                 .warmup = 50, .clip = 5, .ema = {quick ? .97 : .998},
                                 .progress = j->label};
        start(j, 2, &how, &exact);
        double begun = sgm_seconds();
        tut_must(sgm_train(&j->model, cloud, CLOUD, &how, stream(62)));
        double seconds = sgm_seconds() - begun;
        sgm_score score = sgm_model_score(&j->model, 0);
        tut_must(sgm_dsm(&rest, &score, &exact, cloud, CLOUD, &loss, &sde, CLOUD, stream(61)));
        shares[i] = (float)(rest.excess / all.excess);
        printf("  %-16s %.4f in %4.1f s\n", j->label, shares[i], seconds);
        tut_check(text("%s: share of the score not learnt", j->label), shares[i], 0,
                  quick ? .15 : .05); /* asked for */
        for (int k = 0; k < TIMES; k++) {
            double t = sde.t_min * pow(sde.T / sde.t_min, k / (TIMES - 1.0)), fisher, se;
            tut_must(sgm_mixture_sample(&truth, x, NULL, N, t, stream(63 + (uint64_t)k)));
            tut_must(sgm_fisher(&fisher, &se, &score, &exact, x, t, N));
            rows[k * (JOBS + 1)] = (float)t, rows[k * (JOBS + 1) + 1 + i] = (float)fisher;
        }
    }
    tut_dat("fisher.dat", "t Fisher_divergence_to_the_exact_score of ESM ISM SSM SSM-VR DSM "
            "energy_DSM energy_SSM-VR", rows, TIMES, JOBS + 1);
    tut_dat("shares.dat", "share_of_the_score_not_learnt", shares, JOBS, 1);
}

/* Learned scores and their errors on a grid at t = 0.1; the last is the exact one. */

static void draw_fields(const job *jobs) {
    enum { SIDE = 81, M = SIDE * SIDE };
    static float x[M * 2], t[M], s[M * 2], star[M * 2], rows[M * 6];
    static double logp[M];
    for (int i = 0; i < M; i++) {
        x[2 * i] = -2.5f + 5.0f * (float)(i % SIDE) / (SIDE - 1);
        x[2 * i + 1] = -2.5f + 5.0f * (float)(i / SIDE) / (SIDE - 1), t[i] = 0.1f;
    }
    double sd = sgm_sde_s(&sde, t[0]);
    tut_must(sgm_score_eval(&exact, star, x, t, M));
    tut_must(sgm_score_logp(&exact, logp, x, t, M));
    for (int k = 0; k <= JOBS; k++) {
        sgm_score score = k < JOBS ? sgm_model_score(&jobs[k].model, 0) : exact;
        tut_must(sgm_score_eval(&score, s, x, t, M));
        for (int i = 0; i < M; i++) {
            float *row = rows + 6 * i, *a = s + 2 * i, *b = star + 2 * i;
            row[0] = x[2 * i], row[1] = x[2 * i + 1], row[2] = a[0], row[3] = a[1];
            row[4] = (float)exp(logp[i]), row[5] = (float)(sd * hypot(a[0] - b[0], a[1] - b[1]));
        }
        tut_dat(text("field_%d.dat", k), "x y score_x score_y exact_density s*|score-exact|", rows,
                M, 6);
    }
}

/* ------------------------------------------------------------- the price of a step */

/* Milliseconds of a step in d dimensions: the fastest of those that fit into so many seconds. It is
the processor's time, so that it does not matter what else the machine is doing. */

static double time_of_step(const job *like, int d, double seconds) {
    static const double unit = 1;
    job j = *like;
    double *mean = tut_memory((size_t)d * 8), fastest = HUGE_VAL;
    double budget = seconds * CLOCKS_PER_SEC;
    float *x = tut_memory((size_t)d * 256 * 4);
    sgm_mixture round;
    sgm_trainer trainer;
    sgm_train_options how = {.steps = 1000000, .batch = 64};
    j.width = 128, j.counting = 1;
    tut_must(sgm_mixture_init(&round, 1, d, NULL, mean, &unit, SGM_ISOTROPIC, &sde));
    sgm_score target = sgm_mixture_score(&round);
    sgm_normal(x, (size_t)d * 256, stream(80), 0);
    start(&j, d, &how, &target);
    tut_must(sgm_trainer_init(&trainer, &j.model, x, 256, &how, stream(81)));
    memset(passes, 0, sizeof passes);
    tut_must(sgm_trainer_step(&trainer)); /* the first takes its memory */
    if (d == 8 && !j.energy) {
        int K = j.objective == SGM_ISM ? d : j.objective >= SGM_SSM ? 1 : 0;
        tut_check(text("%s, d = 8: tangents of a step", j.label), passes[1], K, 0);
        tut_check(text("%s, d = 8: backward passes", j.label), passes[2], K > 1 ? K : 1, 0);
    }
    for (clock_t first = clock(), now = first, next; now < first + (clock_t)budget; now = next) {
        tut_must(sgm_trainer_step(&trainer));
        next = clock(), fastest = fmin(fastest, (double)(next - now));
    }
    sgm_trainer_free(&trainer), sgm_model_free(&j.model), sgm_mixture_free(&round);
    free(mean), free(x);
    return 1e3 * fastest / CLOCKS_PER_SEC;
}

static void prices(const job *jobs) {
    static const int dims[DIMS] = {2, 8, 32, 128};
    static float rows[DIMS * (JOBS + 1)];
    double per_pass = 0;
    int n = quick ? DIMS - 1 : DIMS;
    printf("\nMilliseconds of a step of batch 64, K = 1\n  %-16s", "d =");
    for (int k = 0; k < n; k++) printf(" %8d", dims[k]);
    for (int i = 0; i < JOBS; i++) {
        printf("\n  %-16s", jobs[i].label);
        for (int k = 0; k < n; k++) {
            double ms = time_of_step(jobs + i, dims[k], quick ? .002 : .2);
            rows[k * (JOBS + 1)] = (float)dims[k], rows[k * (JOBS + 1) + 1 + i] = (float)ms;
            printf(" %8.2f", ms), fflush(stdout);
            if (jobs[i].objective == SGM_ISM) per_pass = 1e-3 * ms / dims[k];
        }
    }
    printf("\n  ISM at CIFAR-10's d = 3072 takes as many tangents and backward passes: at the\n"
           "  price of those at d = %d, %.1f s for a step and %.1f days for 10⁵ of them\n",
           dims[n - 1], 3072 * per_pass, 3072 * per_pass * 1e5 / 86400);
    tut_dat("cost.dat", "d ms_per_step of ESM ISM SSM SSM-VR DSM energy_DSM energy_SSM-VR", rows, n,
            JOBS + 1);
}

/* ------------------------------------------------------------- what an energy has */

/* E|∂₁s₂ - ∂₂s₁|, which is 0 for a gradient; size: E of the Jacobian's diagonal. */

static double mean_curl(const sgm_score *score, const float *x, const float *t, double *size) {
    static float s[N * 2], j0[N * 2], j1[N * 2];
    float *J[2] = {j0, j1};
    double curl = 0;
    *size = 0;
    jacobian(score, s, J, x, t, N);
    for (int i = 0; i < N; i++) {
        curl += fabs(j0[2 * i + 1] - j1[2 * i]) / N;
        *size += (fabs(j0[2 * i]) + fabs(j1[2 * i + 1])) / N;
    }
    return curl;
}

static void energy_view(const job *plain, const job *energy) {
    static float x[N * 2], t[N], s[2][N * 2];
    static double logp[N], minus_u[N];
    double mean = 0, square = 0, moved = 0, size;
    sgm_score of_plain = sgm_model_score(&plain->model, 0);
    sgm_score of_u = sgm_model_score(&energy->model, 0);
    for (int i = 0; i < N; i++) t[i] = 0.3f;
    tut_must(sgm_mixture_sample(&truth, x, NULL, N, t[0], stream(90)));
    tut_must(sgm_score_logp(&exact, logp, x, t, N));
    tut_must(sgm_score_logp(&of_u, minus_u, x, t, N));
    for (int i = 0; i < N; i++) {
        double log_z = minus_u[i] - logp[i];
        mean += log_z / N, square += log_z * log_z / N;
    }
    double scatter = sqrt(square - mean * mean);
    printf("\nThe energy at t = 0.3: -U - log p is log Z = %.3f, at every x up to ± %.3f nats\n",
           mean, scatter);
    tut_check("-U - log p over x ~ p: scatter, nats", scatter, 0, quick ? .5 : .1); /* asked for */
    tut_must(sgm_score_eval(&of_u, s[0], x, t, N));
    energy->model.ema[0][energy->model.n_params - 1] += 5; /* the last bias: Z falls by e⁻⁵ */
    tut_must(sgm_score_eval(&of_u, s[1], x, t, N));
    for (int i = 0; i < 2 * N; i++) moved += fabs(s[0][i] - s[1][i]);
    tut_check("what the score feels when Z changes", moved, 0, 0);
    double curl = mean_curl(&of_plain, x, t, &size);
    printf("  E|∂₁s₂ - ∂₂s₁|: %.4f for the plain network, ", curl);
    curl = mean_curl(&of_u, x, t, &size);
    printf("%.1e for the energy\n", curl);
    tut_check("the energy's score is a gradient: |∂₁s₂ - ∂₂s₁|", curl, 0,
              64 * 6e-8 * size); /* a tangent and a way back: some 64 roundings */
}

int main(void) {
    static float points[POINTS * 2], cloud[CLOUD * 2];
    static job jobs[JOBS] = {
        {.label = "ESM", .objective = SGM_ESM}, {.label = "ISM", .objective = SGM_ISM},
        {.label = "SSM", .objective = SGM_SSM}, {.label = "SSM-VR", .objective = SGM_SSM_VR},
        {.label = "DSM", .objective = SGM_DSM},
        {.label = "energy, DSM", .objective = SGM_DSM, .energy = 1},
        {.label = "energy, SSM-VR", .objective = SGM_SSM_VR, .energy = 1}};
    double weight[3] = {.5, .3, .2}, mean[6] = {-1.2, 0, 1, .9, .8, -1.1};
    double cov[12] = {.10, .06, .06, .25, .20, -.08, -.08, .08, .08, 0, 0, .08};
    sgm_mixture own;
    tut_start("03_score_matching");
    quick = tut_quick();
    sde = sgm_sde_vp(0.1, 20), sde.t_min = 0.01;
    tut_must(sgm_mixture_init(&truth, 3, 2, weight, mean, cov, SGM_FULL, &sde));
    exact = sgm_mixture_score(&truth);
    tut_must(sgm_mixture_sample(&truth, points, NULL, POINTS, 0, stream(98)));
    tut_must(sgm_mixture_sample(&truth, cloud, NULL, CLOUD, 0, stream(99)));
    tut_must(sgm_mixture_from_data(&own, points, POINTS, 2, &sde));
    sgm_score of_points = sgm_mixture_score(&own);

    constants(&exact, &of_points, points);
    slices(&exact, &own, points);
    where_reduction_pays();
    for (int i = 0; i < JOBS; i++) jobs[i].width = 64;
    learn(jobs, cloud);
    draw_fields(jobs);
    prices(jobs);
    energy_view(&jobs[4], &jobs[5]);
    for (int i = 0; i < JOBS; i++) sgm_model_free(&jobs[i].model);
    sgm_mixture_free(&own), sgm_mixture_free(&truth);
    return tut_done();
}
