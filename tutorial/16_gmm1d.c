/*
Proof 16: from noise to two peaks, in one dimension.

Question. One dimension is small enough to see everything at once: the whole density, at every time, on
the way to noise and back. Does a learnt score bring the two peaks back, and how right is it?

Equations. The forward kernel (1.6), the reverse SDE (5.3) by Euler–Maruyama, the same with Langevin
correctors whose step is set by signal to noise (6.8), and the likelihood (7.14) with the exact trace
and with Hutchinson's (7.15). The example is the 1-D mixture with peaks at ±2 of *Score-Based Generative
Modeling through SDEs* (a README after Song et al. 2021).

Plan. (1) Train a small network, and hold its loss against the floor. (2) Draw the histogram of forward and
reverse paths over time as two strips, and hold the reverse ones against the exact density at 60 times.
(3) Samples by predictor alone and by predictor and corrector, for the same number of evaluations: distance
to the exact distribution function beside that of exact samples. (4) The density of the model on a grid by
the ODE: it integrates to 1, and its NLL stands above the entropy. (5) Hutchinson's estimate in one dimension.

What you should see. Two strips that are each other's mirror image, and an animated histogram. From 100
evaluations on, the predictor alone is at the noise of 20 000 exact samples. The corrector never pays here: it takes
half of the steps from the predictor, and has a bias of its own, γ/2 of (6.4). "PC significantly improves sample
quality", says the text; it can mend what a coarse predictor or a rough score spoils, and here is little of both.
Figures. 16_gmm1d_strips.png, 16_gmm1d_film.gif.

Build: cc -O2 -fopenmp tutorial/16_gmm1d.c -o 16_gmm1d -lm && ./16_gmm1d    (MODE=test: seconds)

Try this:
- 1 for .16 in `samplers`: the corrector's own bias, γ/2 of (6.4), widens the peaks: the distance grows with the
  number of evaluations, and the row of predictor and corrector fails.
- weight = {.9, .1}: the small peak comes out right, too; one Langevin walk would lose it (proof 12).
- .law = SGM_PROBE_RADEMACHER in part 5: in one dimension v² = 1, the estimate is exact and its error 0.
*/

#include "tutorial.h"

enum { TIMES = 60, CELLS = 120, MOST = 20000 };
static long SAMPLES = MOST; /* fewer in mode test */
static const double mean[2] = {-2, 2}, var[2] = {.16, .16}, weight[2] = {.5, .5}, low = -4.5, high = 4.5;
static sgm_sde sde;
static sgm_mixture truth;
static sgm_score exact;

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

/* Distribution function and density of the mixture at time t. */

static double cdf_at(double x, double t) {
    double m = sgm_sde_m(&sde, t), s = sgm_sde_s(&sde, t), sum = 0;
    for (int k = 0; k < 2; k++)
        sum += weight[k] * .5 * erfc(-(x - m * mean[k]) / sqrt(2 * (m * m * var[k] + s * s)));
    return sum;
}

static double cdf(double x, void *t) { return cdf_at(x, *(const double *)t); }

/* The entropy at t_min by quadrature. */

static double entropy(double t) {
    double sum = 0, h = 1e-3;
    for (double x = -8; x < 8; x += h) {
        float at = (float)x, time = (float)t;
        double logp;
        tut_must(sgm_score_logp(&exact, &logp, &at, &time, 1));
        sum -= h * exp(logp) * logp;
    }
    return sum;
}

/* Strips: share of the points in each cell at each of TIMES times. */

typedef struct strip {
    float rows[TIMES * CELLS * 3];
    double ks[TIMES];
    int next;
    double t[TIMES];
} strip;

static void strip_add(strip *s, const float *x, long n, double t) {
    if (s->next == TIMES) return;
    float *row = s->rows + 3 * CELLS * s->next;
    for (int c = 0; c < CELLS; c++)
        row[3 * c] = (float)t, row[3 * c + 1] = (float)(low + (c + .5) * (high - low) / CELLS), row[3 * c + 2] = 0;
    for (long i = 0; i < n; i++) {
        int c = (int)floor((x[i] - low) / (high - low) * CELLS);
        if (c >= 0 && c < CELLS) row[3 * c + 2] += (float)(CELLS / (high - low) / (double)n);
    }
    s->ks[s->next] = stat_ks(x, n, cdf, &t);
    s->t[s->next++] = t;
}

static void on_step(long step, double t, const float *x, long n, void *user) {
    strip *s = (strip *)user;
    if (step == 1 || t <= s->t[s->next - 1] - sde.T / TIMES || t == 0) strip_add(s, x, n, t > 0 ? t : 0);
}

static void train(sgm_model *model, const float *data, long n) {
    static sgm_mlp_options net = {.width = 64, .depth = 3, .activation = SGM_ACTIVATION_SILU, .embedding = SGM_EMBEDDING_FOURIER};
    sgm_model_options what = {.net = sgm_mlp, .user = &net, .d = 1, .sde = sde, .output = SGM_OUTPUT_NOISE, .n_ema = 1};
    sgm_train_options how = {.held_out = -1,
                             .steps = tut_quick() ? 2000 : 20000, .batch = tut_quick() ? 128 : 256,
                             .lr = 2e-3, .cosine = 1, .progress = "two peaks"};
    sgm_loss plain = {.weight = SGM_WEIGHT_SIGMA2};
    sgm_dsm_result r;
    tut_must(sgm_model_init(model, &what, stream(1)));
    tut_must(sgm_train(model, data, n, &how, stream(2)));
    sgm_score score = sgm_model_score(model, 0);
    tut_must(sgm_dsm(&r, &score, &exact, data, n, &plain, tut_quick() ? 20000 : 1000000, stream(3)));
    printf("loss %.4f, floor %.4f, excess %.5f ± %.5f\n", r.loss, r.floor, r.excess, r.excess_se);
    tut_check("excess of the loss over its floor", r.excess, 0, tut_quick() ? .03 : .004); /* asked: 1 % of 0.4 */
}

static void strips(const sgm_score *score, const float *data) {
    static strip forward, reverse;
    float *x = tut_memory(3 * (size_t)SAMPLES * sizeof *x), *eps = x + SAMPLES, *t = eps + SAMPLES;
    for (int k = 0; k < TIMES; k++) {
        double time = sde.T * k / (TIMES - 1);
        sgm_normal(eps, (size_t)SAMPLES, sgm_key_split(stream(4), (uint64_t)k), 0);
        for (long i = 0; i < SAMPLES; i++) t[i] = (float)time;
        if (k == 0) memcpy(x, data, (size_t)SAMPLES * sizeof *x);
        else sgm_sde_perturb(x, data, eps, t, SAMPLES, 1, &sde);
        strip_add(&forward, x, SAMPLES, time);
    }
    sgm_sample_options o = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = tut_quick() ? 150 : 1000,
                            .grid = SGM_GRID_UNIFORM, .on_step = on_step, .user = &reverse, .progress = "reverse"};
    tut_must(sgm_sample(x, SAMPLES, score, &o, stream(5)));
    double worst = 0;
    for (int k = 0; k < reverse.next; k++) worst = fmax(worst, reverse.ks[k]);
    printf("largest distance of the distribution functions on the way back: %.4f (exact samples: %.4f)\n",
           worst, 2. / sqrt((double)SAMPLES));
    /* the KS distance of exact samples exceeds 2/√n with probability 7e-4; the network may add .01 (.03 mode test) */
    tut_check("reverse paths: worst KS distance over 60 times", worst, 0, 2. / sqrt((double)SAMPLES) + (tut_quick() ? .1 : .01));
    tut_dat("forward.dat", "t x density", forward.rows, (long)forward.next * CELLS, 3);
    tut_dat("reverse.dat", "t x density", reverse.rows, (long)reverse.next * CELLS, 3);
    free(x);
}

static void samplers(const sgm_score *score) {
    static const int budgets[] = {20, 100, 500};
    double at = 0, floor = 0;
    float *x = tut_memory((size_t)SAMPLES * sizeof *x), rows[9 * 3];
    int row = 0;
    for (int i = 0; i < 20; i++) {
        tut_must(sgm_mixture_sample(&truth, x, NULL, SAMPLES, 0, sgm_key_split(stream(6), (uint64_t)i)));
        floor += stat_ks(x, SAMPLES, cdf, &at) / 20;
    }
    printf("\nKS distance of %ld samples (exact ones: %.4f)\n  evaluations   predictor   + 1 corrector\n", SAMPLES, floor);
    for (int b = 0; b < 3; b++) {
        double ks[2];
        for (int corrector = 0; corrector < 2; corrector++) {
            sgm_sample_options o = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = (budgets[b] - 1) / (1 + corrector) + 1,
                                    .grid = SGM_GRID_UNIFORM, .corrector = corrector, .snr = corrector ? .16 : 0};
            tut_must(sgm_sample(x, SAMPLES, score, &o, stream(7)));
            ks[corrector] = stat_ks(x, SAMPLES, cdf, &at);
            float *r = rows + 3 * row++;
            r[0] = (float)budgets[b], r[1] = (float)corrector, r[2] = (float)ks[corrector];
        }
        printf("  %11d   %9.4f   %9.4f\n", budgets[b], ks[0], ks[1]);
        if (b == 2) tut_check("predictor alone, 500 evaluations: KS", ks[0], 0, 2. / sqrt((double)SAMPLES) + (tut_quick() ? .1 : .01));
        if (b == 2) tut_check("predictor and corrector, 500: KS", ks[1], 0, 2. / sqrt((double)SAMPLES) + (tut_quick() ? .1 : .01));
    }
    tut_dat("samplers.dat", "evaluations corrector ks", rows, row, 3);
    free(x);
}

/* Along a path v is fixed, so in one dimension the estimate is a + b·mean(v²): how often is a mean of 32 squares
within 3 of its estimated standard errors? They are skewed, so Student's t does not tell; 20 000 trials do. */

static double share_within_three(void) {
    enum { TRIALS = 20000, K = 32 };
    float v[K];
    int inside = 0;
    for (uint64_t i = 0; i < TRIALS; i++) {
        double sum = 0, square = 0;
        sgm_normal(v, K, stream(12), i * K);
        for (int k = 0; k < K; k++) sum += (double)v[k] * v[k], square += pow(v[k], 4);
        double m = sum / K, se = sqrt((square / K - m * m) / (K - 1));
        inside += fabs(m - 1) <= 3 * se;
    }
    return (double)inside / TRIALS;
}

static void likelihoods(const sgm_score *score) {
    enum { GRID = 801 };
    float x[GRID], rows[GRID * 3], fresh[4000];
    double logp[4000], se[4000], truth_log[GRID], total = 0, h = 10. / (GRID - 1);
    float t[GRID];
    sgm_likelihood_result r;
    for (int i = 0; i < GRID; i++) x[i] = (float)(-5 + h * i), t[i] = (float)sde.t_min;
    tut_must(sgm_likelihood(logp, NULL, NULL, x, GRID, score, NULL, NULL, stream(8)));
    tut_must(sgm_score_logp(&exact, truth_log, x, t, GRID));
    for (int i = 0; i < GRID; i++) {
        total += h * exp(logp[i]);
        rows[3 * i] = x[i], rows[3 * i + 1] = (float)exp(logp[i]), rows[3 * i + 2] = (float)exp(truth_log[i]);
    }
    tut_dat("density.dat", "x model truth", rows, GRID, 3);
    tut_check("the model's density integrates to", total, 1, .005);
    int n = tut_quick() ? 300 : 4000;
    tut_must(sgm_mixture_sample(&truth, fresh, NULL, n, sde.t_min, stream(9)));
    tut_must(sgm_likelihood(logp, NULL, NULL, fresh, n, score, NULL, &r, stream(10)));
    double H = entropy(sde.t_min);
    printf("\nNLL %.4f ± %.4f nats, entropy %.4f; %ld evaluations\n  change with a tenth of the tolerance %.1e%s\n",
           -r.nats, r.nats_se, H, r.nfe, r.change, r.suspect ? " (suspect)" : "");
    tut_check("NLL of fresh points (entropy is the least)", -r.nats, H, 3 * r.nats_se + (tut_quick() ? .3 : .005));
    sgm_likelihood_options o = {.probes = 32, .law = SGM_PROBE_GAUSSIAN};
    double *one = tut_memory((size_t)n * sizeof *one);
    int inside = 0;
    tut_must(sgm_likelihood(one, se, NULL, fresh, n, score, &o, &r, stream(11)));
    for (int i = 0; i < n; i++) inside += fabs(one[i] - logp[i]) <= 3 * se[i];
    printf("Hutchinson, 32 Gaussian directions: error ± %.3f nats per point\n  %.4f of the points within 3 of their own\n",
           r.probe_se, (double)inside / n);
    /* the share for a mean of 32 squares of normals, which is what this estimate is in one dimension */
    double expected = share_within_three();
    tut_check("share of points within 3 standard errors", (double)inside / n, expected, 4 * sqrt(expected * (1 - expected) / n) + .01);
    free(one);
}

/* The bound (7.18) beside it. Of the exact score it is log p at each point, but for the prior, which costs 10⁻⁹ here.
Of the network it is less by the price of its score, $½ ∫ g² E (s_θ − s)² dt$, which the loss knows, too: half the
excess (2.9) with the weight g², times the length of time. */

static void bounds(const sgm_score *score) {
    enum { N = 2000, DRAWS = 40000 };
    const sgm_loss loss = {.weight = SGM_WEIGHT_G2, .times = SGM_TIMES_IMPORTANCE};
    long n = tut_quick() ? 200 : N, draws = tut_quick() ? 2000 : DRAWS;
    float *clean = tut_memory(DRAWS * sizeof *clean), x[N], t[N];
    double known[N], bound[N];
    tut_must(sgm_mixture_sample(&truth, x, NULL, n, sde.t_min, stream(13)));
    for (int i = 0; i < N; i++) t[i] = (float)sde.t_min;
    tut_must(sgm_score_logp(&exact, known, x, t, n));
    for (int k = 0; k < 2; k++) {
        sgm_likelihood_result r;
        sgm_dsm_result price = {.excess = 0};
        double gap = 0, square = 0;
        tut_must(sgm_likelihood_bound(bound, NULL, x, n, k ? score : &exact, NULL, &r, stream(14)));
        for (long i = 0; i < n; i++) gap += (known[i] - bound[i]) / (double)n, square += pow(known[i] - bound[i], 2) / (double)n;
        double se = sqrt((square - gap * gap) / (double)n), half = .5 * (sde.T - sde.t_min);
        tut_must(sgm_mixture_sample(&truth, clean, NULL, draws, 0, stream(15)));
        if (k) tut_must(sgm_dsm(&price, score, &exact, clean, draws, &loss, draws, stream(16)));
        printf("%s: -ELBO %.4f nats; above -log p by %.4f ± %.4f (score's price: %.4f ± %.4f)\n",
               k ? "network" : "exact score", -r.nats, gap, se, half * price.excess, half * price.excess_se);
        /* 4.5 standard errors of what was drawn */
        tut_check(k ? "ELBO of the network: nats below log p" : "ELBO of the exact score: nats below log p", gap,
                  half * price.excess, 4.5 * hypot(se, half * price.excess_se));
    }
    free(clean);
}

int main(int argc, char **argv) {
    tut_start("16_gmm1d", argc, argv);
    sde = sgm_sde_vp(.1, 20);
    tut_must(sgm_mixture_init(&truth, 2, 1, weight, mean, var, SGM_COV_ISOTROPIC, &sde));
    exact = sgm_mixture_score(&truth);
    if (tut_quick()) SAMPLES = 2000;
    float *data = tut_memory((size_t)SAMPLES * sizeof *data);
    sgm_model model;
    tut_must(sgm_mixture_sample(&truth, data, NULL, SAMPLES, 0, stream(0)));
    train(&model, data, SAMPLES);
    sgm_score score = sgm_model_score(&model, 0);
    strips(&score, data);
    samplers(&score);
    sgm_sample_options em = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = 1000, .grid = SGM_GRID_UNIFORM};
    tut_cost_of("two peaks", &model, &score, &em, 1000);
    likelihoods(&score);
    bounds(&score);
    sgm_model_free(&model), sgm_mixture_free(&truth), free(data);
    return tut_done();
}
