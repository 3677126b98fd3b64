/*
# 21. Inference: which parameters, given what was seen?

**Question.** A simulator turns parameters π into an observation x, with noise; its likelihood
p(x|π) is a black box, and what you want is the posterior p(π|x). Can a score network learn it from
simulated pairs alone? How would you know that it is right, where no posterior is known? And can a
sampler that has never heard of diffusion use it?

**Equation.** Draw π from the prior and x from the simulator. A network that is told x and learns to
denoise π has for its minimum the score of the *posterior*, noised (8.2):

$$\mathrm{argmin}_s\; E_{π, x, t, ε} \left\| s(π_t, t, x) − ∇\log p(π_t|π) \right\|² =
∇_π \log p_t(π|x) \qquad(T31.1)$$

since the loss only sees pairs (π, x), whose law given x is the posterior. One training serves
every x. With (7.14) the same network says log p(π|x): normalised, so it can be compared and passed
on.

**Plan.** *SBGM: Score-Based Generative Models in JAX* (J. Homer) names simulation-based inference
as a use, "any other sampling libraries (e.g. BlackJAX)" as partners, and density estimation as what
earlier diffusion models lacked for Bayesian inference. It shows no such experiment. Here are two
simulators whose posterior is known:

- *linear*: three parameters, $x = Gπ + τz$: the posterior is a Gaussian (8.15);
- *square*: $x_1 = ½π_1² + τz_1$, $x_2 = π_2 + ½π_1 + τz_2$. The sign of π_1 is not seen: the
  posterior has two modes, of unequal weight. Given π_1 all is Gaussian, so one integral remains.

1. The truth: entropies of both posteriors, by closed form and by fresh pairs.
2. Training, and the KL divergence from the exact posterior, over all x.
3. Ranks: simulation-based calibration, with draws that are exact, learned, and planted as wrong.
4. Coverage of central intervals.
5. One x: the learned density on a grid integrates to 1; MALA walks on it, against quadrature.
6. The same density through one C function to a foreign sampler (two: examples/foreign_sampler.c).

**What you should see.** From 200 000 pairs the learned posteriors are .001 and .005 nats from the
exact ones, of the 2.2 and 2.3 nats that x tells about π. Ranks of learned draws are as uniform as
those of exact ones, and 1024 of them see at once that .75 of the right width is wrong. MALA with
the learned log density finds the weight of both modes (.69 ± .02, exactly .706), and so does a
slice sampler that knows nothing but a pointer to a function.

**Figures.** `31_inference_posterior.png`, `31_inference_ranks.png`.

    cc -O2 -fopenmp tutorial/31_inference.c -o 31_inference -lm

**Try this.**
(1) In `learn` set n = 4000. The linear posterior is now .20 nats off, and its ranks and coverages
pass all the same: they average over x. Uniform ranks are necessary, not sufficient. The likelihood
of fresh pairs, which needs no exact posterior either, sees it.
(2) Plant .95 for .75: with 1024 ranks the linear case passes (χ² = 23). How many does it take?
(3) Set PUSH to 0.001, the t_min: MALA's step falls from .16 to .002, for the score at t_min is the
worst learned, and what a push gets wrong, (6.5) turns down.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846

enum { MAX = 3, BINS = 16, DRAWS = 31, SIDE = 64, TASKS = 2, QUANTITIES = MAX + 1 };
enum { LINEAR, SQUARE };
enum { EXACT, LEARNED, NARROW, SOURCES };

static const float G[MAX * MAX] = {1, 0.5f, 0, 0, 1, -0.5f, 0.5f, 0, 0.7f};
static const double tau[TASKS] = {0.5, 0.25};
static const float seen_linear[3] = {1.5f, 1, 0.5f}, seen_square[2] = {0.5f, 1.2f};
static const float *const seen[TASKS] = {seen_linear, seen_square};
static const char *const name[TASKS] = {"linear", "square"};
static const int dims[TASKS] = {3, 2}; /* of π, and of x */

static sgm_sde sde;
static sgm_model model[TASKS];
static double kl[TASKS], kl_se[TASKS];
static double learned_moment[4]; /* of the learned posterior, by quadrature */

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

static double mean_of(const double *x, long n, double *se) {
    double sum = 0, square = 0;
    for (long i = 0; i < n; i++) sum += x[i] / (double)n;
    for (long i = 0; i < n; i++) square += (x[i] - sum) * (x[i] - sum) / (double)n;
    *se = sqrt(square / (double)n);
    return sum;
}

/* The simulators: n pairs. This is all that the network will ever see. */

static void simulate(int task, float *p, float *x, long n, sgm_key key) {
    int d = dims[task];
    float z[MAX];
    sgm_normal(p, (size_t)n * (size_t)d, sgm_key_split(key, 0), 0);
    for (long i = 0; i < n; i++) {
        const float *a = p + i * d;
        float *out = x + i * d;
        sgm_normal(z, (size_t)d, sgm_key_split(key, 1), (uint64_t)(i * d));
        if (task == SQUARE) out[0] = 0.5f * a[0] * a[0], out[1] = a[1] + 0.5f * a[0];
        for (int j = 0; j < d && task == LINEAR; j++)
            out[j] = G[3 * j] * a[0] + G[3 * j + 1] * a[1] + G[3 * j + 2] * a[2];
        for (int j = 0; j < d; j++) out[j] += (float)tau[task] * z[j];
    }
}

/*
Step 1. The linear posterior is (8.15), which the library has. The other one, with
$x_2 − ½π_1 ∼ N(0, 1 + τ²)$ and π_2 given both a Gaussian, is

$$p(π|x) ∝ N(π_1; 0, 1)\, N(x_1; ½π_1², τ²)\, N(x_2; ½π_1, 1 + τ²)\;
N\!\left(π_2; \frac{x_2 − ½π_1}{1 + τ²}, \frac{τ²}{1 + τ²}\right) \qquad(T31.2)$$

Its one integral, over π_1, is the trapezoid rule's: exact for so smooth a function.
*/

static double log_normal(double x, double mean, double var) {
    return -0.5 * ((x - mean) * (x - mean) / var + log(2 * PI * var));
}

/* log of the first three factors of (T31.2), and of their integral. */

static double log_first(double p1, const float *x) {
    double t2 = tau[SQUARE] * tau[SQUARE];
    return log_normal(p1, 0, 1) + log_normal(x[0], 0.5 * p1 * p1, t2) +
           log_normal(x[1], 0.5 * p1, 1 + t2);
}

static double log_evidence(const float *x) {
    double sum = 0, h = 0.02;
    for (double p = -6; p < 6; p += h) sum += h * exp(log_first(p, x));
    return log(sum);
}

static double log_second(const float *p, const float *x) {
    double t2 = tau[SQUARE] * tau[SQUARE];
    return log_normal(p[1], (x[1] - 0.5 * p[0]) / (1 + t2), t2 / (1 + t2));
}

static void linear_posterior(sgm_mixture *law, const float *x) {
    const double zero[MAX] = {0}, one = 1;
    sgm_mixture prior;
    sgm_inverse problem;
    tut_must(sgm_mixture_init(&prior, 1, 3, NULL, zero, &one, SGM_COV_ISOTROPIC, &sde));
    tut_must(sgm_inverse_init(&problem, 3, 3, G, x, tau[LINEAR]));
    tut_must(sgm_mixture_posterior(law, &prior, &problem));
    sgm_mixture_free(&prior), sgm_inverse_free(&problem);
}

/* log p(π|x) of n points under one x. */

static void exact_logp(int task, double *logp, const float *p, const float *x, long n) {
    if (task == SQUARE) {
        double evidence = log_evidence(x);
        for (long i = 0; i < n; i++)
            logp[i] = log_first(p[2 * i], x) - evidence + log_second(p + 2 * i, x);
        return;
    }
    float *t = (float *)tut_memory((size_t)n * sizeof *t);
    sgm_mixture law;
    linear_posterior(&law, x);
    sgm_score score = sgm_mixture_score(&law);
    tut_must(sgm_score_logp(&score, logp, p, t, n)); /* t is 0 everywhere */
    sgm_mixture_free(&law), free(t);
}

/* n exact draws, for one x: by (8.15), or by the inverse of the distribution function of π_1. */

static void exact_draws(int task, float *p, const float *x, long n, sgm_key key) {
    enum { CELLS = 2400 };
    static double cdf[CELLS + 1];
    float u, z;
    if (task == LINEAR) {
        sgm_mixture law;
        linear_posterior(&law, x);
        tut_must(sgm_mixture_sample(&law, p, NULL, n, 0, key));
        sgm_mixture_free(&law);
        return;
    }
    double t2 = tau[SQUARE] * tau[SQUARE], h = 10.0 / CELLS;
    for (int i = 0; i < CELLS; i++)
        cdf[i + 1] = cdf[i] + h * exp(log_first((i + 0.5) * h - 5, x));
    for (long i = 0; i < n; i++) {
        int low = 0, high = CELLS;
        sgm_uniform(&u, 1, sgm_key_split(key, 0), (uint64_t)i);
        sgm_normal(&z, 1, sgm_key_split(key, 1), (uint64_t)i);
        double level = u * cdf[CELLS];
        while (high - low > 1) {
            int mid = (low + high) / 2;
            if (cdf[mid] <= level) low = mid;
            else high = mid;
        }
        p[2 * i] = (float)((low + (level - cdf[low]) / (cdf[high] - cdf[low])) * h - 5);
        p[2 * i + 1] = (float)((x[1] - 0.5 * p[2 * i]) / (1 + t2) + sqrt(t2 / (1 + t2)) * z);
    }
}

/*
The entropy of the posterior, averaged over x, is $H(π) + H(x|π) − H(x)$. Linear:
$½ \log \det (2πe\, Σ)$ with $Σ^{-1} = I + G^T G/τ²$, whatever x is. Square: the mean of
−log p(π|x) over fresh pairs against a quadrature over x of the same, here of H(x).
*/

static double known_entropy(int task) {
    double prior = 0.5 * log(2 * PI * exp(1)), noise = prior + log(tau[task]), sum = 0;
    if (task == LINEAR) { /* the same at every x */
        sgm_mixture law;
        linear_posterior(&law, seen[LINEAR]);
        for (int j = 0; j < 3; j++) sum += prior + 0.5 * log(law.var[j]);
        sgm_mixture_free(&law);
        return sum;
    }
    for (double u = -1.6; u < 22; u += 0.05)
        for (double v = -7; v < 7; v += 0.2) {
            float x[2] = {(float)u, (float)v};
            double e = log_evidence(x);
            sum -= 0.05 * 0.2 * exp(e) * e;
        }
    return 2 * prior + 2 * noise - sum;
}

/*
Step 2. The network: residual blocks, told x at every layer. Fresh pairs that it has not seen are
exact draws (π, x); on them the mean of $\log p(π|x) − \log q(π|x)$ is the KL divergence of the
learned posterior from the exact one, in the mean over x. Earlier diffusion models, the document
says, had "inaccurate variational inference approaches" to a density. So their bound (7.18) is laid
beside it. On average it is .02 nats too low, and at each point off by .3: a loss to train by, no
density to walk on.
*/

static void learn(int task, sgm_key key) {
    static sgm_mlp_options mlp = {.width = 128, .depth = 3};
    const long n = tut_quick() ? 10000 : 200000;
    int d = dims[task];
    float *p = (float *)tut_memory((size_t)n * (size_t)d * 2 * sizeof *p), *x = p + n * d;
    sgm_model_options net = {.net = sgm_residual_mlp, .user = &mlp, .d = d, .sde = sde, .n_ema = 1,
                             .cond = d};
    sgm_train_options run = {.held_out = -1, .steps = tut_quick() ? 500 : 12000, .batch = 256,
                             .lr = 2e-3, .cosine = 1, .warmup = 100,
                             .ema = {tut_quick() ? 0.99 : 0.998}, .cond = x,
                             .progress = name[task]};
    simulate(task, p, x, n, sgm_key_split(key, 0));
    double start = sgm_seconds();
    tut_must(sgm_model_init(&model[task], &net, sgm_key_split(key, 1)));
    tut_must(sgm_train(&model[task], p, n, &run, sgm_key_split(key, 2)));
    printf("2. %s: %ld pairs, %zu parameters, %.1f s\n", name[task], n, model[task].n_params,
           sgm_seconds() - start);
    free(p);
}

static void divergence(int task, sgm_key key) {
    const long n = tut_quick() ? 400 : 4000;
    int d = dims[task];
    float *p = (float *)tut_memory((size_t)n * (size_t)d * 2 * sizeof *p), *x = p + n * d;
    double *logp = (double *)tut_memory((size_t)n * 3 * sizeof *logp), *logq = logp + n, se;
    double *bound = logq + n;
    char row[96];
    sgm_condition given;
    sgm_likelihood_options how = {.unchecked = 1};
    sgm_likelihood_result r;
    simulate(task, p, x, n, key);
    for (long i = 0; i < n; i++) exact_logp(task, logp + i, p + i * d, x + i * d, 1);
    double entropy = -mean_of(logp, n, &se), known = known_entropy(task);
    printf("1. %s: the posterior's entropy is %.4f nats, of fresh pairs %.4f ± %.4f; prior "
           "%.4f\n", name[task], known, entropy, se, 0.5 * d * log(2 * PI * exp(1)));
    snprintf(row, sizeof row, "1. %s: mean -log p(pi|x) of pairs = entropy", name[task]);
    tut_check(row, entropy, known, 4.5 * se);
    tut_must(sgm_condition_init(&given, &model[task], 0, x, n));
    sgm_score score = sgm_condition_score(&given);
    tut_must(sgm_likelihood(logq, NULL, NULL, p, n, &score, &how, NULL, key));
    for (long i = 0; i < n; i++) logq[i] = logp[i] - logq[i];
    kl[task] = mean_of(logq, n, &kl_se[task]);
    tut_must(sgm_likelihood_bound(bound, NULL, p, n, &score, NULL, &r, key));
    for (long i = 0; i < n; i++) bound[i] = logp[i] - bound[i];
    double less = mean_of(bound, n, &se);
    printf("   learned: KL(p || q) = %.4f ± %.4f nats; the variational bound is %.4f ± %.4f below\n"
           "   log p on average, with an error of %.2f at any one point\n", kl[task], kl_se[task],
           less, se, r.probe_se);
    snprintf(row, sizeof row, "2. SBGM: variational bound, %s: <= log p", name[task]);
    tut_check(row, less > -4 * se, 1, 0);
    snprintf(row, sizeof row, "2. SBGM: inference, %s: KL of the posterior, nats", name[task]);
    tut_check(row, kl[task], 0, (tut_quick() ? 0.3 : 0.01) + 4 * kl_se[task]);
    free(p), free(logp);
}

/*
Step 3. Where no posterior is known, one thing still can be tested. If $π^*, x$ is a pair and
$π_1 … π_L$ are draws from the posterior given x, all L + 1 have the same law, so the rank of any
quantity of π* among the L is uniform on 0 … L: *simulation-based calibration* (Talts et al. 2018).
It is looked at in each parameter and in the exact log p(π|x), which sees what the marginals do not.
N pairs give a χ² of 16 bins.

A learned q is never exact. Ranks are a function of (π*, draws), and no function makes two laws
easier to tell apart, so the ranks' KL from uniform is at most KL(p‖q); a χ² of N of them then has
the noncentrality $λ ≤ 2N\, KL(p \| q)$, that is λ more in the mean, and 4λ in the variance. The
planted fault is the exact posterior, drawn .75 as wide about its mean.
*/

static double chi2_limit(double freedom, double chance) { /* exceeded with that chance */
    double low = 0, high = 1000;
    for (int i = 0; i < 60; i++) {
        double mid = 0.5 * (low + high);
        if (stat_gamma_q(0.5 * freedom, 0.5 * mid) > chance) low = mid;
        else high = mid;
    }
    return low;
}

static void ranks_of(int task, int source, double rank[][QUANTITIES], long n, sgm_key key) {
    int d = dims[task];
    float *p = (float *)tut_memory((size_t)n * (size_t)d * 2 * sizeof *p), *x = p + n * d;
    float *draw = (float *)tut_memory((size_t)n * DRAWS * (size_t)d * 2 * sizeof *draw);
    float *told = draw + n * DRAWS * d;
    double logp[DRAWS + 1];
    simulate(task, p, x, n, sgm_key_split(key, 0));
    if (source == LEARNED) {
        sgm_condition given;
        sgm_sample_options how = {.method = SGM_METHOD_DPMPP_2M, .steps = 50};
        for (long i = 0; i < n * DRAWS; i++)
            memcpy(told + i * d, x + i / DRAWS * d, (size_t)d * sizeof *x);
        tut_must(sgm_condition_init(&given, &model[task], 0, told, n * DRAWS));
        sgm_score score = sgm_condition_score(&given);
        tut_drawn(sgm_sample(draw, n * DRAWS, &score, &how, sgm_key_split(key, 1)));
    }
    for (long i = 0; i < n; i++) {
        float *mine = draw + i * DRAWS * d, all[(DRAWS + 1) * MAX];
        sgm_key own = sgm_key_split(key, 10 + (uint64_t)i);
        if (source != LEARNED) exact_draws(task, mine, x + i * d, DRAWS, own);
        for (int j = 0; j < d && source == NARROW; j++) {
            double mean = 0;
            for (int k = 0; k < DRAWS; k++) mean += mine[k * d + j] / (double)DRAWS;
            for (int k = 0; k < DRAWS; k++)
                mine[k * d + j] = (float)(mean + 0.75 * (mine[k * d + j] - mean));
        }
        memcpy(all, mine, (size_t)(DRAWS * d) * sizeof *all);
        memcpy(all + DRAWS * d, p + i * d, (size_t)d * sizeof *all);
        exact_logp(task, logp, all, x + i * d, DRAWS + 1);
        for (int j = 0; j <= d; j++) rank[i][j] = 0;
        for (int k = 0; k < DRAWS; k++) {
            for (int j = 0; j < d; j++) rank[i][j] += mine[k * d + j] < p[i * d + j];
            rank[i][d] += logp[k] < logp[DRAWS];
        }
    }
    free(p), free(draw);
}

static void calibration(int task, sgm_key key) {
    static const char *const by[SOURCES] = {"exact", "learned", "planted, .75 as wide"};
    enum { MOST = 1024 };
    static double rank[MOST][QUANTITIES];
    const long n = tut_quick() ? 128 : MOST;
    int d = dims[task];
    double limit = chi2_limit(BINS - 1, 1e-5), expected[BINS], worst;
    float table[BINS * (1 + SOURCES)];
    for (int b = 0; b < BINS; b++) expected[b] = (double)n / BINS, table[4 * b] = (float)b + 0.5f;
    for (int source = 0; source < SOURCES; source++) {
        char row[96];
        double most = 0, least = 1;
        ranks_of(task, source, rank, n, sgm_key_split(key, (uint64_t)source));
        for (int j = 0; j <= d; j++) {
            double count[BINS] = {0}, chi2 = 0;
            for (long i = 0; i < n; i++) count[(int)(rank[i][j] * BINS / (DRAWS + 1))]++;
            for (int b = 0; b < BINS; b++) {
                chi2 += (count[b] - expected[b]) * (count[b] - expected[b]) / expected[b];
                if (j == 0) table[4 * b + 1 + source] = (float)(count[b] / expected[b]);
            }
            most = fmax(most, chi2), least = fmin(least, stat_chi2_p(count, expected, BINS, 0));
        }
        printf("3. %s, %ld ranks among %d draws, %s: largest χ² %.1f of %d bins, p = %.2g\n",
               name[task], n, DRAWS, by[source], most, BINS, least);
        worst = limit; /* of each of d + 1 quantities: one run in 3·10⁴ for each simulator */
        if (source == LEARNED) {
            double lambda = 2 * (double)n * (fmax(kl[task], 0) + 3 * kl_se[task]);
            worst += lambda + 4 * sqrt(4 * lambda);
        }
        if (source < NARROW) {
            snprintf(row, sizeof row, "3. ranks, %s, %s draws: chi2 - 15", name[task], by[source]);
            tut_check(row, most - (BINS - 1), 0, worst - (BINS - 1));
        } else {
            snprintf(row, sizeof row, "3. ranks, %s, .75 as wide: chi2 is seen", name[task]);
            tut_check(row, most > limit, 1, 0);
        }
        /* Step 4: ranks 8 … 23 of 0 … 31 are the central half, 2 … 29 the central 7/8 */
        for (int wide = 0; wide < 2 && source == LEARNED; wide++) {
            int from = wide ? 2 : 8, to = wide ? 29 : 23;
            double share = 0, truth = (to - from + 1.0) / (DRAWS + 1);
            for (long i = 0; i < n; i++)
                for (int j = 0; j < d; j++)
                    share += (rank[i][j] >= from && rank[i][j] <= to) / (double)(n * d);
            printf("4. %s: the central %.1f %% of the learned posterior hold the true π in "
                   "%.1f %%\n", name[task], 100 * truth, 100 * share);
            snprintf(row, sizeof row, "4. coverage of the central %.1f %%, %s", 100 * truth,
                     name[task]);
            /* five standard errors; Pinsker: no event's share is off by more than √(KL/2) */
            tut_check(row, share, truth, 5 * sqrt(truth * (1 - truth) / (double)n) +
                                             sqrt(0.5 * (fmax(kl[task], 0) + 2 * kl_se[task])));
        }
    }
    char file[64];
    snprintf(file, sizeof file, "ranks_%s.dat", name[task]);
    tut_dat(file, "bin of 16; ranks of the first parameter over 1: exact, learned, planted", table,
            BINS, 4);
}

/*
Step 5. One observation. The learned posterior as an `sgm_score` that has a `logp`: two functions.
Its log density is a likelihood (7.14), with few and fixed steps, so that it is one smooth function
of π. MALA needs a push, too, and corrects whatever that lacks (6.5). The score at t_min would be
the right one, but it is the worst learned, $ŝ = −\hat ε/s$ with s = .01; ask it a little later.
*/

static const double PUSH = 0.02;

static sgm_status learned_eval(const sgm_score *self, float *s, const float *x, const float *t,
                               long n) {
    const sgm_score *inner = (const sgm_score *)self->ctx;
    float *later = (float *)tut_memory((size_t)n * sizeof *later);
    for (long i = 0; i < n; i++) later[i] = fmaxf(t[i], (float)PUSH);
    sgm_status status = inner->eval(inner, s, x, later, n);
    free(later);
    return status;
}

static sgm_status learned_logp(const sgm_score *self, double *logp, const float *x, const float *t,
                               long n) {
    const sgm_score *inner = (const sgm_score *)self->ctx;
    sgm_likelihood_options how = {.unchecked = 1, .solve = {.method = SGM_METHOD_RK4, .steps = 12}};
    (void)t;
    return sgm_likelihood(logp, NULL, NULL, x, n, inner, &how, NULL, tut_key());
}

enum { WALKERS = 64, MOMENTS = 4 };
static const char *const moment[MOMENTS] = {"E pi_1", "E pi_2", "E pi_1^2", "P(pi_1 > 0)"};

static void moments_at(double m[MOMENTS], double a, double b) {
    m[0] = a, m[1] = b, m[2] = a * a, m[3] = a > 0;
}

typedef struct tally {
    int d;
    double sum[WALKERS][MOMENTS];
} tally;

static void add_moments(long step, const float *x, long n, void *user) {
    tally *all = (tally *)user;
    double m[MOMENTS];
    (void)step;
    for (long i = 0; i < n; i++) {
        moments_at(m, x[i * all->d], x[i * all->d + 1]);
        for (int k = 0; k < MOMENTS; k++) all->sum[i][k] += m[k];
    }
}

/* From the prior. Walkers are independent once the step is frozen: their scatter is the error. */

static void walk(int task, const sgm_score *score, double mean[MOMENTS], double se[MOMENTS],
                 sgm_key key) {
    const int walkers = tut_quick() ? 16 : WALKERS;
    float x[WALKERS * MAX];
    tally all;
    sgm_langevin_options how = {.metropolis = 1, .warmup = tut_quick() ? 15 : 100,
                                .steps = tut_quick() ? 15 : 500, .t = sde.t_min,
                                .on_step = add_moments, .user = &all};
    sgm_langevin report;
    memset(&all, 0, sizeof all), all.d = dims[task];
    sgm_normal(x, (size_t)(walkers * dims[task]), key, 0);
    double start = sgm_seconds();
    tut_must(sgm_langevin_run(x, walkers, score, &how, &report, sgm_key_split(key, 1)));
    printf("5. %s, one x: MALA with the learned log density: step %.4f, acceptance %.3f, %.1f s\n",
           name[task], report.step_size, report.acceptance, sgm_seconds() - start);
    for (int k = 0; k < MOMENTS; k++) {
        double each[WALKERS];
        for (int i = 0; i < walkers; i++) each[i] = all.sum[i][k] / (double)how.steps;
        mean[k] = mean_of(each, walkers, &se[k]);
    }
}

/* Square: both densities on a grid, whose sums are the quadrature. */

static double on_grid(const sgm_score *score, double exact[MOMENTS], double learned[MOMENTS]) {
    enum { CELLS = SIDE * SIDE };
    static float p[CELLS * 2], table[CELLS * 4];
    static double logp[CELLS], logq[CELLS];
    double h = 5.6 / SIDE, v = 4.0 / SIDE, Z[2] = {0, 0}, m[MOMENTS], off = 0;
    sgm_likelihood_options how = {.unchecked = 1};
    for (int i = 0; i < CELLS; i++) {
        p[2 * i] = (float)((i / SIDE + 0.5) * h - 2.8);
        p[2 * i + 1] = (float)((i % SIDE + 0.5) * v - 1);
    }
    exact_logp(SQUARE, logp, p, seen[SQUARE], CELLS);
    tut_must(sgm_likelihood(logq, NULL, NULL, p, CELLS, score, &how, NULL, tut_key()));
    memset(exact, 0, MOMENTS * sizeof *exact), memset(learned, 0, MOMENTS * sizeof *learned);
    for (int i = 0; i < CELLS; i++) {
        double a = h * v * exp(logp[i]), b = h * v * exp(logq[i]);
        moments_at(m, p[2 * i], p[2 * i + 1]);
        for (int k = 0; k < MOMENTS; k++) exact[k] += a * m[k], learned[k] += b * m[k];
        Z[0] += a, Z[1] += b, off += a * (logp[i] - logq[i]);
        memcpy(table + 4 * i, p + 2 * i, 2 * sizeof *p);
        table[4 * i + 2] = (float)exp(logp[i]), table[4 * i + 3] = (float)exp(logq[i]);
    }
    for (int k = 0; k < MOMENTS; k++) exact[k] /= Z[0], learned[k] /= Z[1];
    tut_dat("posterior.dat", "pi_1; pi_2; exact p(pi|x); learned", table, CELLS, 4);
    printf("5. square, by quadrature: the learned density integrates to %.4f, the exact to %.4f\n"
           "   KL(p || q) = %.4f at this x\n", Z[1], Z[0], off);
    /* an ODE solved to 1e-5 on cells of a quarter of a standard deviation: what lies outside */
    tut_check("5. square: the learned posterior integrates to", Z[1], 1, 0.01);
    return off;
}

static void against_quadrature(const sgm_score *score, const double mean[MOMENTS],
                               const double se[MOMENTS]) {
    double exact[MOMENTS], *learned = learned_moment, off = on_grid(score, exact, learned);
    char row[96];
    if (tut_quick()) return; /* fifteen steps from the prior are not there yet */
    for (int k = 0; k < MOMENTS; k++) {
        printf("   %-12s MALA %7.4f ± %.4f, quadrature of the learned density %7.4f, of the exact "
               "%7.4f\n", moment[k], mean[k], se[k], learned[k], exact[k]);
        snprintf(row, sizeof row, "5. SBGM: MALA on log q, quadrature: %s", moment[k]);
        tut_check(row, mean[k], learned[k], 5 * se[k]);
    }
    /* Pinsker: no event's probability is off by more than √(KL/2) */
    tut_check("5. square: P(pi_1 > 0) by the learned density", learned[3], exact[3],
              sqrt(fmax(off, 1e-4) / 2));
}

/* Linear: the posterior is a Gaussian, and Talagrand's inequality bounds what a KL(q‖p) can do to a
mean: σ√(2 KL). That KL is at hand: a sampler that knows its own log density. */

static void against_gaussian(const sgm_score *score, const double mean[MOMENTS],
                             const double se[MOMENTS]) {
    enum { N = 1000 };
    static float x[N * MAX];
    static double logq[N], logp[N];
    sgm_likelihood_options how = {.unchecked = 1};
    sgm_mixture law;
    double off, off_se;
    char row[96];
    linear_posterior(&law, seen[LINEAR]);
    tut_must(sgm_sample_likelihood(x, logq, NULL, N, score, &how, NULL, stream(30)));
    exact_logp(LINEAR, logp, x, seen[LINEAR], N);
    for (int i = 0; i < N; i++) logq[i] -= logp[i];
    off = mean_of(logq, N, &off_se);
    printf("   KL(q || p) = %.4f ± %.4f at this x\n", off, off_se);
    for (int k = 0; k < 2 && !tut_quick(); k++) {
        printf("   %-12s MALA %.4f ± %.4f, exactly %.4f\n", moment[k], mean[k], se[k], law.mean[k]);
        snprintf(row, sizeof row, "5. SBGM: MALA on log q, closed form: %s", moment[k]);
        /* σ <= .56, of the widest axis */
        tut_check(row, mean[k], law.mean[k],
                  5 * se[k] + 0.56 * sqrt(2 * (fmax(off, 0) + 3 * off_se)));
    }
    sgm_mixture_free(&law);
}

/*
Step 6. "Any other sampling libraries." Most of them ask for one thing: a function that says log p
at a point. Here is one that might be anybody's, and knows nothing of `sgm_`: Neal's slice sampler.
A height is drawn under log p, an interval widened until it sticks out, and narrowed until a point
in it is higher. It has no step to tune, and calls log p about 13 times for a new point, one
point at a time; MALA above asked for 64 at once, which costs a fifth per point. A sampler that asks
for a gradient, too, gets it from `sgm_score_eval`: examples/foreign_sampler.c is such a bridge, to
Hamiltonian Monte Carlo, as a program of its own.
*/

typedef double (*log_density)(const double *x, void *user);

static double foreign_uniform(uint64_t *state) { /* xorshift */
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

static void foreign_slice(double *x, int d, double width, log_density logp, void *user,
                          uint64_t *state) {
    for (int j = 0; j < d; j++) {
        double here = x[j], level = logp(x, user) + log(foreign_uniform(state));
        double low = here - width * foreign_uniform(state), high = low + width;
        while (x[j] = low, logp(x, user) > level) low -= width;
        while (x[j] = high, logp(x, user) > level) high += width;
        while (x[j] = low + (high - low) * foreign_uniform(state), logp(x, user) < level) {
            if (x[j] < here) low = x[j];
            else high = x[j];
        }
    }
}

/* The bridge: doubles to floats, and a failure to a log density of −∞, where no sampler goes. All
that it needs is in `user`: the learned posterior at one x. */

typedef struct bridge {
    const sgm_score *score;
    long calls;
} bridge;

static double bridge_logp(const double *x, void *user) {
    bridge *b = (bridge *)user;
    float at[MAX], t = (float)sde.t_min;
    double logp;
    for (int j = 0; j < b->score->d; j++) at[j] = (float)x[j];
    b->calls++;
    return sgm_score_logp(b->score, &logp, at, &t, 1) == SGM_OK ? logp : -INFINITY;
}

static void foreign(const sgm_score *score, sgm_key key) {
    const long n = tut_quick() ? 20 : 3000;
    uint64_t state = 1 + sgm_below(key, 0, UINT64_MAX - 1);
    double x[2] = {0.5, 0.5}, start = sgm_seconds();
    float *series = (float *)tut_memory((size_t)n * 2 * sizeof *series);
    bridge b = {score, 0};
    for (long i = 0; i < n; i++) {
        foreign_slice(x, 2, 4, bridge_logp, &b, &state);
        series[i] = (float)x[0], series[n + i] = x[0] > 0;
    }
    printf("6. a foreign slice sampler: %ld points, %.1f calls each, %.2f ms a call\n", n,
           (double)b.calls / (double)n, 1e3 * (sgm_seconds() - start) / (double)b.calls);
    for (int k = 0; k < 2 && !tut_quick(); k++) {
        double mean = 0, var = 0, known = learned_moment[3 * k];
        char row[96];
        for (long i = 0; i < n; i++) mean += series[k * n + i] / (double)n;
        for (long i = 0; i < n; i++) var += pow(series[k * n + i] - mean, 2) / (double)n;
        double se = sqrt(var / sgm_effective_size(series + k * n, n));
        printf("   %-12s %.4f ± %.4f, by quadrature %.4f\n", moment[3 * k], mean, se, known);
        snprintf(row, sizeof row, "6. SBGM: other samplers: slice, %s", moment[3 * k]);
        tut_check(row, mean, known, 5 * se); /* of n/τ independent points (6.10) */
    }
    tut_dat("foreign.dat", "pi_1 of the foreign chain", series, n, 1);
    free(series);
}

int main(int argc, char **argv) {
    sgm_condition given[TASKS];
    sgm_score score[TASKS], learned[TASKS];
    double mean[MOMENTS], se[MOMENTS];
    tut_start("31_inference", argc, argv);
    sde = sgm_sde_vp(0.1, 20);
    for (int task = 0; task < TASKS; task++) {
        uint64_t first = 10 * (uint64_t)(task + 1);
        learn(task, stream(first));
        divergence(task, stream(first + 1));
        calibration(task, stream(first + 2));
        tut_must(sgm_condition_init(&given[task], &model[task], 0, seen[task], 1));
        score[task] = sgm_condition_score(&given[task]);
        sgm_score own = {.d = dims[task], .ctx = &score[task], .sde = sde, .eval = learned_eval,
                         .logp = learned_logp};
        learned[task] = own;
        walk(task, &learned[task], mean, se, stream(first + 3));
        if (task == LINEAR) against_gaussian(&score[task], mean, se);
        else against_quadrature(&score[task], mean, se);
    }
    foreign(&learned[SQUARE], stream(40));
    for (int task = 0; task < TASKS; task++) sgm_model_free(&model[task]);
    return tut_done();
}
