/*
# 13. Conditional densities: an emulator, and inverse problems

**Question.** A simulator draws x for parameters π, and a measurement y says something about x. Can
one network stand for p(x|π) and p(x|π,y), with samples and with likelihoods, at parameters it has
never seen? And if y = A x + noise with a known A, must anything be trained at all?

**Equation.** The told score $∇\log p_t(x|π,y)$ (8.2), its likelihood by (7.14); and the four ways
of §8.4 to the score given y: (8.10), (8.12), (8.13), against the exact law (8.15).

**Plan.** After *SBGM: Score-Based Generative Models in JAX* (J. Homer), which fits p(x|π,y) for
emulators and inverse problems. Here the truth is known:

1. The emulator: two Gaussians at an angle α and a separation S, π = (α, S), y = x_1 + noise or
   nothing. A box of π is kept out of the training. Its likelihood against the exact one over a
   grid of π, in nats; its samples at π in the box, beside two exact sets.
2. The referee: that (8.15) is prior times likelihood, divided by the evidence; that ΠGDM is exact
   for a Gaussian; that the sampler with the referee's own score draws the referee's law.
3. Three measurements in 8 dimensions (a mask, a projection, a blur), four methods, with the exact
   prior score and with a learned one: a table of what each gets right.

**What you should see.** The emulator is within .05 nats of the entropy, in the box too. None of the
four methods draws p(x|y) here, with the exact score either: replacement is too wide where x is not
measured, DPS is near or far as ζ is tuned (here with the referee's help, which you will not have),
ΠGDM takes each posterior of x_0 for one Gaussian, which two blobs are not.

**Figures.** `23_conditional_emulator.png`, `23_conditional_nats.png`, `23_conditional_methods.png`,
`23_conditional_samples.png`.

    cc -O2 -fopenmp tutorial/23_conditional.c -o 23_conditional -lm

**Try this.**
(1) Give the network α itself, not cos 2α and sin 2α (in `describe`): α and α + π are one density,
and the seam at α = 0 shows in the nats.
(2) Set TAU to 1, a poor measurement: all methods come nearer, for there is less to get wrong.
(3) Make COMPONENTS 1: ΠGDM is better, and still not exact: its σ_d is one number, the data has 8.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846

enum { TOLD = 5, ANGLES = 6, GAPS = 5, DIM = 8, COMPONENTS = 3, MEASURED = 3, PAIRS = 12 };

static const double sharp = 0.3, TAU = 0.2; /* the noise of y, here and in part 3 */
static sgm_sde sde;
static double cost[2]; /* of the emulator, in nats over all π, y unknown or given: at most, by three errors */

/*
Part 1. The family: S apart along the angle α, twice as long that way as across. α and α + π are the
same density, so the network is told cos 2α and sin 2α: features are your business.
*/

static void member(sgm_mixture *mix, double alpha, double gap) {
    double c = cos(alpha), s = sin(alpha), a = 0.25, b = 0.0625, w[2] = {0.6, 0.4};
    double mean[4] = {0.5 * gap * c, 0.5 * gap * s, -0.5 * gap * c, -0.5 * gap * s}, cov[8];
    cov[0] = cov[4] = a * c * c + b * s * s, cov[3] = cov[7] = a * s * s + b * c * c;
    cov[1] = cov[2] = cov[5] = cov[6] = (a - b) * c * s;
    tut_must(sgm_mixture_init(mix, 2, 2, w, mean, cov, SGM_COV_FULL, &sde));
}

static void describe(float told[TOLD], double alpha, double gap, int has_y, double y) {
    told[0] = (float)cos(2 * alpha), told[1] = (float)sin(2 * alpha);
    told[2] = (float)(2 * (gap - 1.5)), told[3] = (float)has_y, told[4] = has_y ? (float)y : 0;
}

/* The box in the middle of the parameters that the training never sees. */

static int unseen(double alpha, double gap) {
    return fabs(alpha - PI / 2) < 0.3 && fabs(gap - 1.5) < 0.3;
}

static void learn_emulator(sgm_model *model, sgm_key key) {
    static sgm_mlp_options mlp = {.width = 128, .depth = 3, .activation = SGM_ACTIVATION_SILU,
                                  .embedding = SGM_EMBEDDING_LEARNED};
    const long n = tut_quick() ? 4000 : 40000;
    float *x = (float *)tut_memory((size_t)n * (2 + TOLD) * sizeof *x), *told = x + 2 * n, u[3], z;
    sgm_model_options net = {.net = sgm_mlp, .user = &mlp, .d = 2, .sde = sde, .n_ema = 1,
                             .output = SGM_OUTPUT_V, .cond = TOLD};
    sgm_train_options run = {.held_out = -1,
                             .steps = tut_quick() ? 1500 : 12000, .batch = 128, .lr = 2e-3,
                             .cosine = 1, .warmup = 100, .ema = {tut_quick() ? 0.99 : 0.998},
                             .loss = {.times = SGM_TIMES_STRATIFIED}, .progress = "emulator"};
    for (long i = 0, tries = 0; i < n; tries++) {
        sgm_key one = sgm_key_split(key, (uint64_t)(tries + 10));
        sgm_mixture mix;
        sgm_uniform(u, 3, one, 0), sgm_normal(&z, 1, sgm_key_split(one, 0), 0);
        double alpha = PI * u[0], gap = 0.5 + 2 * u[1];
        if (unseen(alpha, gap)) continue;
        member(&mix, alpha, gap);
        tut_must(sgm_mixture_sample(&mix, x + 2 * i, NULL, 1, 0, sgm_key_split(one, 1)));
        describe(told + TOLD * i, alpha, gap, u[2] < 0.5f, x[2 * i] + sharp * z);
        sgm_mixture_free(&mix), i++;
    }
    double start = sgm_seconds();
    run.cond = told;
    tut_must(sgm_model_init(model, &net, sgm_key_split(key, 0)));
    tut_must(sgm_train(model, x, n, &run, sgm_key_split(key, 1)));
    printf("1. the emulator: %zu parameters, %ld draws of the simulator, %.1f s\n", model->n_params,
           n, sgm_seconds() - start);
    free(x);
}

/* The exact law at π, given y or not. y is what a fresh x would have shown. */

static void exact_law(sgm_mixture *law, float told[TOLD], double alpha, double gap, int has_y,
                      sgm_key key) {
    const float A[2] = {1, 0};
    sgm_mixture prior;
    sgm_inverse seen;
    float x[2], y, z;
    member(&prior, alpha, gap);
    tut_must(sgm_mixture_sample(&prior, x, NULL, 1, 0, sgm_key_split(key, 0)));
    sgm_normal(&z, 1, sgm_key_split(key, 1), 0);
    y = (float)(x[0] + sharp * z), describe(told, alpha, gap, has_y, y);
    tut_must(sgm_inverse_init(&seen, 2, 1, A, &y, sharp));
    if (has_y) tut_must(sgm_mixture_posterior(law, &prior, &seen));
    else member(law, alpha, gap);
    sgm_inverse_free(&seen), sgm_mixture_free(&prior);
}

/* On the same points, −log p_θ minus −log p: its mean is KL(p ‖ p_θ), without the entropy's noise. And how far the bound
(7.18) is below log p: in the mean by what the score costs, so never above it. */

static double excess_nats(const sgm_model *model, const sgm_mixture *law, const float told[TOLD],
                          long n, double *entropy, double *se, double *below, sgm_key key) {
    float *x = (float *)tut_memory((size_t)n * 3 * sizeof *x), *t = x + 2 * n;
    double *logp = (double *)tut_memory((size_t)n * 2 * sizeof *logp), *exact = logp + n, sum = 0, square = 0;
    sgm_likelihood_options how = {.solve = {.rtol = 1e-3, .atol = 1e-3}, .unchecked = 1};
    sgm_condition given;
    sgm_score truth = sgm_mixture_score(law);
    tut_must(sgm_mixture_sample(law, x, NULL, n, sde.t_min, sgm_key_split(key, 0)));
    for (long i = 0; i < n; i++) t[i] = (float)sde.t_min;
    tut_must(sgm_score_logp(&truth, exact, x, t, n));
    tut_must(sgm_condition_init(&given, model, 0, told, 1));
    sgm_score score = sgm_condition_score(&given);
    tut_must(sgm_likelihood(logp, NULL, NULL, x, n, &score, &how, NULL, key));
    *entropy = 0;
    for (long i = 0; i < n; i++) {
        double off = exact[i] - logp[i];
        sum += off / (double)n, square += off * off / (double)n, *entropy -= exact[i] / (double)n;
    }
    *se = sqrt((square - sum * sum) / (double)n), *below = 0;
    how.draws = 16;
    tut_must(sgm_likelihood_bound(logp, NULL, x, n, &score, &how, NULL, sgm_key_split(key, 2)));
    for (long i = 0; i < n; i++) *below += (exact[i] - logp[i]) / (double)n;
    free(x), free(logp);
    return sum;
}

static void likelihoods(const sgm_model *model, sgm_key key) {
    const long n = tut_quick() ? 20 : 100;
    const int all = ANGLES * GAPS * 2;
    static float table[ANGLES * GAPS * 2 * 6];
    double below, under[2] = {0, 0}, under2[2] = {0, 0};
    double mean[2] = {0, 0}, square[2] = {0, 0}, box[2] = {0, 0}, box_se[2] = {0, 0}, points_se;
    int boxed = 0;
    for (int i = 0; i < all; i++) {
        double alpha = PI * (i / 2 % ANGLES + 0.5) / ANGLES, gap = 0.7 + 0.4 * (i / 2 / ANGLES), entropy;
        float told[TOLD], *row = table + 6 * i;
        sgm_mixture law;
        if (i / 2 % ANGLES == ANGLES / 2) alpha = PI / 2; /* through the box */
        exact_law(&law, told, alpha, gap, i % 2, sgm_key_split(key, (uint64_t)(2 * i)));
        double extra = excess_nats(model, &law, told, n, &entropy, &points_se, &below, sgm_key_split(key, (uint64_t)(2 * i + 1)));
        mean[i % 2] += extra / (0.5 * all), square[i % 2] += extra * extra / (0.5 * all);
        under[i % 2] += below / (0.5 * all), under2[i % 2] += below * below / (0.5 * all);
        if (unseen(alpha, gap)) box[i % 2] += extra, box_se[i % 2] += points_se * points_se, boxed += i % 2;
        row[0] = (float)alpha, row[1] = (float)gap, row[2] = (float)(i % 2), row[3] = (float)entropy;
        row[4] = (float)(entropy + extra), row[5] = (float)unseen(alpha, gap);
        sgm_mixture_free(&law);
    }
    tut_dat("nats.dat", "alpha gap has_y; -log p, exact and learned, means over points; in the box",
            table, all, 6);
    for (int y = 0; y < 2; y++) {
        double se = sqrt((square[y] - mean[y] * mean[y]) / (0.5 * all));
        box[y] /= boxed, box_se[y] = sqrt(box_se[y]) / boxed;
        printf("   %s: %.4f ± %.4f nats above the entropy (%d parameters); in the box %.4f ± %.4f\n",
               y ? "p(x|pi,y)" : "p(x|pi)  ", mean[y], se, all / 2, box[y], box_se[y]);
        double elbo_se = sqrt((under2[y] - under[y] * under[y]) / (0.5 * all));
        printf("              ELBO below log p by %.4f ± %.4f nats\n", under[y], elbo_se);
        /* 4.5 standard errors over the parameters */
        tut_check(y ? "1. p(x|pi,y): ELBO <= log p in the mean, 1 = yes" : "1. p(x|pi): ELBO <= log p in the mean, 1 = yes",
                  under[y] > -4.5 * elbo_se, 1, 0);
        cost[y] = mean[y] + 3 * se;
        /* the aim: an observer needs 1/.05 = 20 draws to be a nat in favour of the truth */
        tut_check(y ? "1. p(x|pi,y): nats above the entropy" : "1. p(x|pi): nats above the entropy",
                  mean[y], 0, tut_quick() ? 0.6 : 0.05);
        tut_check(y ? "1. p(x|pi,y): nats above it, in the box" : "1. p(x|pi): nats above it, in the box", box[y], 0,
                  (tut_quick() ? 0.6 : 0.05) + 3 * box_se[y]);
    }
}

/* The energy distance (9.4) of two exact sets scatters around 0: its root mean square is the floor. */

static double floor_of(const sgm_mixture *law, long n, sgm_key key) {
    size_t size = (size_t)n * (size_t)law->d;
    float *a = (float *)tut_memory(2 * size * sizeof *a), *b = a + size;
    double square = 0;
    for (uint64_t i = 0; i < PAIRS; i++) {
        tut_must(sgm_mixture_sample(law, a, NULL, n, 0, sgm_key_split(key, 2 * i)));
        tut_must(sgm_mixture_sample(law, b, NULL, n, 0, sgm_key_split(key, 2 * i + 1)));
        double e = sgm_energy_distance(a, n, b, n, law->d);
        square += e * e / PAIRS;
    }
    free(a);
    return sqrt(square);
}

static void emulate(const sgm_model *model, sgm_key key) {
    enum { SHOWN = 6, N = 1000, SIDE = 81 };
    const double at[SHOWN][3] = {{0.4, 0.8, 0}, {PI / 2, 1.5, 0}, {2.5, 2.2, 0},
                                 {0.4, 0.8, 1}, {PI / 2, 1.5, 1}, {2.5, 2.2, 1}};
    static float x[2 * N], exact[2 * N], grid[SIDE * SIDE * 3], t[SIDE * SIDE];
    static double logp[SIDE * SIDE];
    const long n = tut_quick() ? 300 : N;
    printf("   %8s %8s %10s %10s %24s %16s\n", "alpha", "S", "y", "seen", "energy distance",
           "two exact sets");
    for (int i = 0; i < SHOWN; i++) {
        sgm_key mine = sgm_key_split(key, (uint64_t)i);
        sgm_sample_options how = {.method = SGM_METHOD_DPM_SDE, .grid = SGM_GRID_LOGSNR,
                                  .steps = tut_quick() ? 60 : 200};
        sgm_condition given;
        sgm_mixture law;
        float told[TOLD], *xy = (float *)tut_memory(SIDE * SIDE * 2 * sizeof *xy);
        char name[64];
        exact_law(&law, told, at[i][0], at[i][1], i >= SHOWN / 2, sgm_key_split(mine, 0));
        tut_must(sgm_condition_init(&given, model, 0, told, 1));
        sgm_score score = sgm_condition_score(&given), truth = sgm_mixture_score(&law);
        tut_must(sgm_sample(x, n, &score, &how, sgm_key_split(mine, 1)));
        how.steps = 200;
        if (i == 0) tut_cost_of("emulator", model, &score, &how, 1000);
        tut_must(sgm_mixture_sample(&law, exact, NULL, n, 0, sgm_key_split(mine, 2)));
        double e = sgm_energy_distance(x, n, exact, n, 2), floor = floor_of(&law, n, sgm_key_split(mine, 3));
        printf("   %8.2f %8.2f %10s %10s %24.4f %16.4f\n", at[i][0], at[i][1],
               i < SHOWN / 2 ? "none" : "given", unseen(at[i][0], at[i][1]) ? "never" : "near", e, floor);
        /* κ nats misplace √(κ/2) of the mass at most (Pinsker), by some E|x − x'|: 2 (κ/2) E|x − x'|; and chance */
        double apart = 0;
        for (long k = 1; k < n; k++)
            apart += hypot(exact[2 * k] - exact[2 * k - 2], exact[2 * k + 1] - exact[2 * k - 1]) / (double)(n - 1);
        snprintf(name, sizeof name, "1. alpha %.2f, S %.1f%s: energy distance", at[i][0], at[i][1],
                 i < SHOWN / 2 ? "" : ", y given");
        tut_check(name, e, 0, cost[i >= SHOWN / 2] * apart + 6 * floor);
        snprintf(name, sizeof name, "emulator_%d.dat", i);
        tut_dat(name, "x y: samples of the emulator", x, n, 2);
        for (int k = 0; k < SIDE * SIDE; k++)
            xy[2 * k] = (float)(k / SIDE) * 0.075f - 3, xy[2 * k + 1] = (float)(k % SIDE) * 0.075f - 3;
        tut_must(sgm_score_logp(&truth, logp, xy, t, SIDE * SIDE)); /* t is 0 everywhere */
        for (int k = 0; k < SIDE * SIDE; k++) {
            grid[3 * k] = xy[2 * k], grid[3 * k + 1] = xy[2 * k + 1];
            grid[3 * k + 2] = (float)exp(logp[k]);
        }
        snprintf(name, sizeof name, "emulator_density_%d.dat", i);
        tut_dat(name, "x y exact_density", grid, SIDE * SIDE, 3);
        sgm_mixture_free(&law), free(xy);
    }
}

/*
Part 2. The prior in 8 dimensions: three Gaussians, each long in one random direction. A: three of
the numbers; two random directions; the averages (1 2 1)/4 of every other number.
*/

typedef struct task {
    const char *name;
    int m;
    float A[4 * DIM], y[4];
    sgm_inverse problem;
    sgm_mixture law; /* p(x|y), exact */
    double floor;
} task;

static void make_prior(sgm_mixture *prior, double *sigma_data) {
    static double mean[COMPONENTS * DIM], cov[COMPONENTS * DIM * DIM];
    const double w[3] = {0.5, 0.3, 0.2};
    float z[2 * DIM];
    double own = 0, all[DIM] = {0}, square = 0;
    for (int k = 0; k < COMPONENTS; k++) {
        sgm_normal(z, 2 * DIM, sgm_key_init(8), (uint64_t)(2 * DIM * k));
        for (int i = 0; i < DIM; i++) {
            mean[k * DIM + i] = z[i], all[i] += w[k] * z[i];
            for (int j = 0; j < DIM; j++)
                cov[(k * DIM + i) * DIM + j] = 0.15 * (i == j) + 0.3 * z[DIM + i] * z[DIM + j];
            own += w[k] * (cov[(k * DIM + i) * DIM + i] + z[i] * z[i]);
        }
    }
    for (int i = 0; i < DIM; i++) square += all[i] * all[i];
    *sigma_data = sqrt((own - square) / DIM); /* root mean square over the coordinates */
    tut_must(sgm_mixture_init(prior, COMPONENTS, DIM, w, mean, cov, SGM_COV_FULL, &sde));
}

static void make_task(task *q, int which, const sgm_mixture *prior, sgm_key key) {
    static const char *const name[MEASURED] = {"mask", "projection", "blur"};
    static const int rows[MEASURED] = {3, 2, 4};
    float x[DIM], z[4];
    memset(q, 0, sizeof *q);
    q->name = name[which], q->m = rows[which];
    if (which == 1) sgm_normal(q->A, 2 * DIM, sgm_key_split(key, 2), 0);
    for (int i = 0; i < q->m; i++) {
        float *row = q->A + i * DIM;
        if (which == 0) row[3 * i] = 1;
        for (int j = 0; j < DIM && which == 1; j++) row[j] /= sqrtf((float)DIM);
        if (which == 2) row[2 * i] = 0.5f, row[2 * i + 1] = 0.25f, row[(2 * i + DIM - 1) % DIM] = 0.25f;
    }
    tut_must(sgm_mixture_sample(prior, x, NULL, 1, 0, sgm_key_split(key, 0)));
    sgm_normal(z, 4, sgm_key_split(key, 1), 0);
    for (int i = 0; i < q->m; i++) {
        double sum = TAU * z[i];
        for (int j = 0; j < DIM; j++) sum += (double)q->A[i * DIM + j] * x[j];
        q->y[i] = (float)sum;
    }
    tut_must(sgm_inverse_init(&q->problem, DIM, q->m, q->A, q->y, TAU));
    tut_must(sgm_mixture_posterior(&q->law, prior, &q->problem));
}

/* log N(y; A x, τ²I) */

static double log_likelihood(const task *q, const float *x) {
    double sum = -0.5 * q->m * log(2 * PI * TAU * TAU);
    for (int i = 0; i < q->m; i++) {
        double miss = q->y[i];
        for (int j = 0; j < DIM; j++) miss -= (double)q->A[i * DIM + j] * x[j];
        sum -= 0.5 * miss * miss / (TAU * TAU);
    }
    return sum;
}

/* log p(x) + log p(y|x) − log p(x|y) is log p(y), the same at every x; and p(y) = E p(y|x). */

static void referee(const task *q, const sgm_mixture *prior, sgm_key key) {
    const long n = 200, many = tut_quick() ? 20000 : 100000;
    float *x = (float *)tut_memory((size_t)many * (DIM + 1) * sizeof *x), *t = x + many * DIM;
    double *a = (double *)tut_memory((size_t)n * 2 * sizeof *a), *b = a + n;
    double least = HUGE_VAL, most = -HUGE_VAL, size = 0, sum = 0, square = 0;
    sgm_score p = sgm_mixture_score(prior), given = sgm_mixture_score(&q->law);
    char name[64];
    tut_must(sgm_mixture_sample(&q->law, x, NULL, n, 0, sgm_key_split(key, 0)));
    tut_must(sgm_score_logp(&p, a, x, t, n));
    tut_must(sgm_score_logp(&given, b, x, t, n));
    for (long i = 0; i < n; i++) {
        double l = log_likelihood(q, x + DIM * i), log_y = a[i] + l - b[i];
        least = fmin(least, log_y), most = fmax(most, log_y);
        size = fmax(size, fabs(a[i]) + fabs(l) + fabs(b[i]));
    }
    tut_must(sgm_mixture_sample(prior, x, NULL, many, 0, sgm_key_split(key, 1)));
    for (long i = 0; i < many; i++) {
        double l = exp(log_likelihood(q, x + DIM * i));
        sum += l / (double)many, square += l * l / (double)many;
    }
    snprintf(name, sizeof name, "2. %s: log p(y) differs between points by", q->name);
    tut_check(name, most - least, 0, 1e-11 * size); /* double, a 8 x 8 solve: 10⁴ ulp are plenty */
    snprintf(name, sizeof name, "2. %s: p(y) / E p(y|x) over the prior", q->name);
    tut_check(name, exp(0.5 * (least + most)) / sum, 1, 5 * sqrt((square / sum / sum - 1) / (double)many));
    free(x), free(a);
}

/*
For N(μ, σ_d²I) (8.13) is the exact score. Where x̂_0 = (x + s²∇log p)/m is formed, both terms are
rounded, and the sum is up to 1/m smaller, and so once more for its slope: 1/m² of rounding.
*/

static void gaussian_case(const task *q, sgm_key key) {
    enum { N = 500 };
    static float x[DIM * N], t[N], s[DIM * N], truth[DIM * N];
    double mean[DIM], var = 0.64, worst = 0;
    sgm_mixture prior, law;
    sgm_posterior guess;
    char name[64];
    for (int i = 0; i < DIM; i++) mean[i] = 0.3 * i - 1;
    tut_must(sgm_mixture_init(&prior, 1, DIM, NULL, mean, &var, SGM_COV_ISOTROPIC, &sde));
    tut_must(sgm_mixture_posterior(&law, &prior, &q->problem));
    sgm_score p = sgm_mixture_score(&prior), given = sgm_mixture_score(&law);
    tut_must(sgm_posterior_init(&guess, &p, &q->problem, sqrt(var)));
    sgm_score pigdm = sgm_posterior_score(&guess);
    for (int i = 0; i < N; i++) {
        t[i] = (float)(0.01 + 0.6 * i / N);
        tut_must(sgm_mixture_sample(&law, x + DIM * i, NULL, 1, t[i], sgm_key_split(key, (uint64_t)i)));
    }
    tut_must(sgm_score_eval(&pigdm, s, x, t, N));
    tut_must(sgm_score_eval(&given, truth, x, t, N));
    for (int i = 0; i < N; i++) {
        double off = 0, size = 0, m = sgm_sde_m(&sde, t[i]);
        for (int j = DIM * i; j < DIM * (i + 1); j++) {
            off = fmax(off, fabs(s[j] - truth[j]));
            size = fmax(size, fabs(truth[j]) + fabs(x[j]));
        }
        worst = fmax(worst, off / size * m * m);
    }
    snprintf(name, sizeof name, "2. %s, Gaussian prior: PiGDM's score is exact", q->name);
    tut_check(name, worst, 0, 50 * 5.97e-8); /* 8 + 4 terms, twice, each rounded, over σ_d² */
    sgm_posterior_free(&guess), sgm_mixture_free(&prior), sgm_mixture_free(&law);
}

/*
Part 3. The table. How far the mean is off, in units of the posterior's own width; the covariance,
relative (Frobenius); and the energy distance beside that of two exact sets.
*/

typedef struct verdict {
    double mean, cov, energy;
} verdict;

static void moments(const float *x, long n, double *mean, double *cov) {
    memset(mean, 0, DIM * sizeof *mean), memset(cov, 0, DIM * DIM * sizeof *cov);
    for (long i = 0; i < n * DIM; i++) mean[i % DIM] += x[i] / (double)n;
    for (long i = 0; i < n; i++)
        for (int j = 0; j < DIM * DIM; j++)
            cov[j] += (x[DIM * i + j / DIM] - mean[j / DIM]) * (x[DIM * i + j % DIM] - mean[j % DIM]) / (double)n;
}

static verdict judge(const float *x, const float *exact, long n, const double *mean, const double *cov) {
    double m[DIM], C[DIM * DIM], width = 0, off = 0, size = 0;
    verdict v = {0, 0, sgm_energy_distance(x, n, exact, n, DIM)};
    moments(x, n, m, C);
    for (int i = 0; i < DIM; i++) v.mean += (m[i] - mean[i]) * (m[i] - mean[i]), width += cov[i * (DIM + 1)];
    for (int i = 0; i < DIM * DIM; i++) off += (C[i] - cov[i]) * (C[i] - cov[i]), size += cov[i] * cov[i];
    v.mean = sqrt(v.mean / width), v.cov = sqrt(off / size);
    return v;
}

enum { METHODS = 5, ZETAS = 4 };
static const char *const method_name[METHODS] = {"referee's score", "replacement", "RePaint", "DPS",
                                                 "PiGDM"};
static const double zetas[ZETAS] = {0.03, 0.1, 0.3, 1};

static void draw(float *x, long n, const task *q, const sgm_score *prior, int method, double zeta,
                 double sigma_data, sgm_key key) {
    sgm_score exact = sgm_mixture_score(&q->law);
    sgm_inverse_options how = {.resample = 0}; /* and each method's own below */
    how.sample.method = SGM_METHOD_ANCESTRAL, how.sample.grid = SGM_GRID_LOGSNR;
    how.sample.steps = tut_quick() ? 50 : 200;
    if (method == 0) {
        tut_must(sgm_sample(x, n, &exact, &how.sample, key));
        return;
    }
    how.method = (sgm_inverse_method)(method - 1);
    if (how.method == SGM_INVERSE_REPAINT) how.resample = tut_quick() ? 2 : 5;
    if (how.method == SGM_INVERSE_DPS) how.zeta = zeta;
    if (how.method == SGM_INVERSE_PIGDM) how.sigma_data = sigma_data;
    tut_must(sgm_inverse_sample(x, n, prior, &q->problem, &how, key));
}

static void learn_prior(sgm_model *model, const sgm_mixture *prior, sgm_key key) {
    static sgm_mlp_options mlp = {.width = 128, .depth = 3, .activation = SGM_ACTIVATION_SILU,
                                  .embedding = SGM_EMBEDDING_LEARNED};
    const long n = tut_quick() ? 4000 : 40000;
    float *x = (float *)tut_memory((size_t)n * DIM * sizeof *x);
    sgm_model_options net = {.net = sgm_mlp, .user = &mlp, .d = DIM, .sde = sde, .n_ema = 1,
                             .output = SGM_OUTPUT_V};
    sgm_train_options run = {.held_out = -1,
                             .steps = tut_quick() ? 500 : 8000, .batch = 128, .lr = 2e-3,
                             .cosine = 1, .warmup = 100, .ema = {tut_quick() ? 0.99 : 0.998},
                             .loss = {.times = SGM_TIMES_STRATIFIED}, .progress = "prior"};
    tut_must(sgm_mixture_sample(prior, x, NULL, n, 0, sgm_key_split(key, 0)));
    tut_must(sgm_model_init(model, &net, sgm_key_split(key, 1)));
    double start = sgm_seconds();
    tut_must(sgm_train(model, x, n, &run, sgm_key_split(key, 2)));
    printf("3. a learned prior: %zu parameters, %ld points, %.1f s\n", model->n_params, n,
           sgm_seconds() - start);
    free(x);
}

static void measure(task *q, int which, const sgm_score *exact, const sgm_score *learned,
                    double sigma_data, float *table, sgm_key key) {
    const long n = tut_quick() ? 250 : 1000, many = 40000;
    float *x = (float *)tut_memory((size_t)n * DIM * 2 * sizeof *x), *truth = x + n * DIM;
    float *shown = (float *)tut_memory((size_t)n * (METHODS + 1) * 2 * sizeof *shown);
    float *lot = (float *)tut_memory((size_t)many * DIM * sizeof *lot);
    double mean[DIM], cov[DIM * DIM], zeta = 0, best = HUGE_VAL;
    char name[64];
    tut_must(sgm_mixture_sample(&q->law, lot, NULL, many, 0, sgm_key_split(key, 0)));
    moments(lot, many, mean, cov);
    tut_must(sgm_mixture_sample(&q->law, truth, NULL, n, 0, sgm_key_split(key, 1)));
    q->floor = floor_of(&q->law, n, sgm_key_split(key, 2));
    verdict two = judge(lot, truth, n, mean, cov);
    printf("   %-10s %-18s %-8s %8.3f %12.3f %14.4f   floor %.4f\n", q->name, "a second exact set", "",
           two.mean, two.cov, two.energy, q->floor);
    for (int z = 0; z < ZETAS; z++) { /* with the referee's help */
        draw(x, n, q, exact, 3, zetas[z], 0, sgm_key_split(key, 3));
        double e = sgm_energy_distance(x, n, truth, n, DIM);
        if (e < best) best = e, zeta = zetas[z];
    }
    for (int row = 0; row < 2 * METHODS - 1; row++) {
        int net = row >= METHODS, method = net ? row - METHODS + 1 : row;
        draw(x, n, q, net ? learned : exact, method, zeta, sigma_data, sgm_key_split(key, (uint64_t)(4 + row)));
        verdict v = judge(x, truth, n, mean, cov);
        float *to = table + 7 * row;
        to[0] = (float)which, to[1] = (float)method, to[2] = (float)net, to[3] = (float)v.mean;
        to[4] = (float)v.cov, to[5] = (float)v.energy, to[6] = (float)q->floor;
        printf("   %-10s %-18s %-8s %8.3f %12.3f %14.4f", q->name, method_name[method],
               net ? "learned" : "exact", v.mean, v.cov, v.energy);
        if (method == 3) printf("   zeta %g", zeta);
        puts("");
        for (long i = 0; i < n && !net; i++)
            shown[12 * i + 2 + 2 * method] = x[DIM * i + 1], shown[12 * i + 3 + 2 * method] = x[DIM * i + 2];
        snprintf(name, sizeof name, "3. %s, %s: not p(x|y), 1 = yes", q->name, method_name[method]);
        if (row && !net && !tut_quick()) tut_check(name, v.energy > 6 * q->floor, 1, 0);
        if (row) continue;
        /* equal laws: mean 0, beyond 6 standard deviations at most .002 (one χ² is the worst) */
        snprintf(name, sizeof name, "3. %s, referee's score: energy distance", q->name);
        tut_check(name, v.energy, 0, 6 * q->floor);
    }
    for (long i = 0; i < n; i++) shown[12 * i] = truth[DIM * i + 1], shown[12 * i + 1] = truth[DIM * i + 2];
    snprintf(name, sizeof name, "samples_%s.dat", q->name);
    tut_dat(name, "numbers 1 and 2 of x: exact draws; referee's score; replacement; RePaint; DPS; PiGDM",
            shown, n, 12);
    free(x), free(shown), free(lot);
}

static void inverse_problems(sgm_key key) {
    enum { ROWS = 2 * METHODS - 1 };
    static float table[MEASURED * ROWS * 7];
    double sigma_data;
    sgm_mixture prior;
    sgm_model model;
    task q[MEASURED];
    make_prior(&prior, &sigma_data);
    for (int i = 0; i < MEASURED; i++) {
        make_task(&q[i], i, &prior, sgm_key_init((uint64_t)(20 + i)));
        referee(&q[i], &prior, sgm_key_split(key, (uint64_t)i));
        gaussian_case(&q[i], sgm_key_split(key, (uint64_t)(10 + i)));
    }
    printf("\n2. the referee: prior times likelihood over evidence, for each A\n");
    learn_prior(&model, &prior, sgm_key_split(key, 20));
    sgm_score exact = sgm_mixture_score(&prior), learned = sgm_model_score(&model, 0);
    sgm_sample_options em = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = 1000};
    tut_cost_of("learned prior", &model, &learned, &em, 1000);
    printf("   %-10s %-18s %-8s %8s %12s %14s\n", "A", "method", "score", "mean", "covariance",
           "energy dist.");
    for (int i = 0; i < MEASURED; i++)
        measure(&q[i], i, &exact, &learned, sigma_data, table + i * ROWS * 7,
                sgm_key_split(key, (uint64_t)(30 + i)));
    tut_dat("methods.dat", "A (0 mask, 1 projection, 2 blur); method (0 referee, 1 replacement, 2 "
            "RePaint, 3 DPS, 4 PiGDM); learned; error of mean, of covariance; energy distance; floor",
            table, MEASURED * ROWS, 7);
    for (int i = 0; i < MEASURED; i++) sgm_inverse_free(&q[i].problem), sgm_mixture_free(&q[i].law);
    sgm_mixture_free(&prior), sgm_model_free(&model);
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    sgm_model emulator;
    tut_start("23_conditional", argc, argv);
    sde = sgm_sde_vp(0.1, 20);
    learn_emulator(&emulator, sgm_key_split(key, 1));
    likelihoods(&emulator, sgm_key_split(key, 2));
    emulate(&emulator, sgm_key_split(key, 3));
    sgm_model_free(&emulator);
    inverse_problems(sgm_key_split(key, 4));
    return tut_done();
}
