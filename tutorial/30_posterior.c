/*
# 20. The posterior of an inverse problem: exact by particles, and who is too sure

**Question.** You have measured $y = A x_0 + τ z$ and know the score of p(x). Chapter 8 has five
ways to draw $x_0$ given y, and proof 19 two ways to guide. Which of them draw from $p(x_0|y)$?
And how would you find out where nobody can tell you the posterior?

**Equation.** Weights that make up for a push, (8.16) and (8.17); their estimate (8.19) of p(y); and
the rank of the truth among posterior draws (Talts, Betancourt, Simpson, Vehtari, Gelman 2018):

$$x^* ∼ p(x), \quad y ∼ p(y|x^*), \quad x_1, …, x_L ∼ p(x|y): \quad
\#\{ x_l < x^* \} \text{ is uniform on } 0, …, L \qquad(T30.1)$$

for then $x^*$ is one more draw from p(x|y), and of L + 1 draws alike each rank is as likely.

**Plan.** After *SBGM: Score-Based Generative Models in JAX* (J. Homer), which names inverse
problems, inpainting and denoising as what such a model is for. The score is that of a mixture,
exact, so all that you see is the methods' own.

1. A chain whose posterior is known: particles draw from it, and p(y) is unbiased, for 12 steps
as for many. What the steps leave is another matter, and has a row of its own.
2. From 64 to 4096 particles: the distance to the exact posterior falls as $n^{-1/2}$.
3. What ranks see, in closed form: a posterior that is too narrow, and guidance by γ = 2.
4. Ranks of every method: four approximations, particles, and guidance with γ = 1 and 2.

**What you should see.** Particles, an exact conditional score and guidance by γ = 1 pass; the four
approximations and γ = 2 do not. Replacement, RePaint and ΠGDM hear y too faintly and are
under-confident, DPS and γ = 2 are over-confident. Ranks of the coordinates alone pass draws that
never saw y, and hardly see RePaint.

**Figures.** `30_posterior_rate.png`, `30_posterior_ranks.png`.

    cc -O2 -fopenmp tutorial/30_posterior.c -o 30_posterior -lm

**Change one line.**
(1) In `smc_run` set .sigma_data to 0.3, a bad twist. In step 1 n_eff falls to a few at the worst
level, p(y) is as unbiased and scatters so much more that the row of the steps' bias fails; the
distances of step 2 hardly change.
(2) Set NOISE to 1: y says less. Nearly all particles count, replacement, RePaint and ΠGDM have a
smaller S, and the short run cannot even tell draws that ignore y.
(3) In `chain` set STEPS to 300: the chain draws what the data are, and the row that says that their
log p(y) differ by more than five errors fails.
*/

#include "tutorial.h"

enum { D = 2, K = 3, LEVELS = 7, LINES = 4, BINS = 20, QUANTITIES = 4 };
#define NOISE 0.2

static const double weight[K] = {0.5, 0.3, 0.2};
static const double mean[K][D] = {{-0.6, 1.2}, {0, -1.4}, {0.6, 1}};
static const double cov[K][D][D] = {{{0.05, 0.05}, {0.05, 0.2}},
                                    {{0.06, -0.08}, {-0.08, 0.3}},
                                    {{0.04, 0.02}, {0.02, 0.1}}};
static const float A[D] = {1, 0}; /* inpainting: x is seen, y-coordinate not */

static sgm_sde sde;
static sgm_mixture all;
static sgm_score p_x;

static double normal_density(double x, double mu, double v) {
    return exp(-0.5 * (x - mu) * (x - mu) / v) / sqrt(2 * 3.14159265358979 * v);
}

static double normal_cdf(double x) { return 0.5 * erfc(-x / sqrt(2)); }

/* log p(y): of each component, y is N(A·μ, A·CA + τ²). */

static double log_evidence(double y) {
    double p = 0;
    for (int k = 0; k < K; k++) {
        double at = A[0] * mean[k][0] + A[1] * mean[k][1], v = NOISE * NOISE;
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++) v += (double)A[i] * A[j] * cov[k][i][j];
        p += weight[k] * normal_density(y, at, v);
    }
    return log(p);
}

static void smc_run(float *x, long n, long particles, int steps, const sgm_score *score,
                    const sgm_inverse *problem, sgm_smc_result *result, sgm_key key) {
    sgm_smc_options o = {.particles = particles, .steps = steps, .sigma_data = 1.2,
                         .grid = SGM_GRID_QUADRATIC}; /* here half the bias of the log-SNR grid */
    tut_must(sgm_smc(x, NULL, n, score, problem, &o, result, key));
}

/*
## Step 1. Particles follow the chain

Let the data be N(μ, diag(σ²)). Then the score is linear, every step of (5.8) maps a mean and a
variance for each coordinate, and the chain without y ends in N(M, diag(V)), which for 12 steps is
visibly not the data. The posterior and the evidence of *that* law are Kalman's (8.15). Particles
must follow it, not the data's: all of 1/√n is theirs, all of the rest is the steps'.
*/

/* Step i of a run down the grid t to t_min, and to 0: x ← c[0] x + c[1] score + c[2] z. */

static void ancestral(double c[3], const double *t, int i, int steps) {
    double a, b, m = sgm_sde_m(&sde, t[i]), s = sgm_sde_s(&sde, t[i]);
    c[0] = 1 / m, c[1] = s * s / m, c[2] = 0; /* (5.9) */
    if (i + 1 == steps) return;
    sgm_sde_transition(&sde, t[i + 1], t[i], &a, &b);
    c[0] = 1 / a, c[1] = b * b / a, c[2] = b * sgm_sde_s(&sde, t[i + 1]) / s; /* (5.8) */
}

static void chain(sgm_key key) {
    enum { STEPS = 12, RUNS = 200, EACH = 250, N = RUNS * EACH };
    const double mu[D] = {0.8, -0.5}, var[D] = {1.5, 0.3};
    static float x[N * D];
    const float B[D] = {1, 0.6f}, y = 1.8f;
    double t[STEPS], M[D], V[D], c[3], law[2][3]; /* at, total variance, log p(y): chain, data */
    sgm_smc_result r;
    sgm_mixture gauss;
    sgm_inverse problem;
    tut_must(sgm_mixture_init(&gauss, 1, D, NULL, mu, var, SGM_COV_DIAGONAL, &sde));
    tut_must(sgm_inverse_init(&problem, D, 1, B, &y, NOISE));
    tut_must(sgm_time_grid(t, STEPS - 1, SGM_GRID_QUADRATIC, &sde, sde.T, sde.t_min));
    for (int j = 0; j < D; j++) {
        M[j] = 0, V[j] = 1;
        for (int i = 0; i < STEPS; i++) {
            double m = sgm_sde_m(&sde, t[i]), s = sgm_sde_s(&sde, t[i]), v = m * m * var[j] + s * s;
            ancestral(c, t, i, STEPS);
            M[j] = (c[0] - c[1] / v) * M[j] + c[1] / v * m * mu[j];
            V[j] = (c[0] - c[1] / v) * (c[0] - c[1] / v) * V[j] + c[2] * c[2];
        }
    }
    for (int w = 0; w < 2; w++) {
        const double *at = w ? mu : M, *v = w ? var : V;
        law[w][0] = B[0] * at[0] + B[1] * at[1];
        law[w][1] = B[0] * B[0] * v[0] + B[1] * B[1] * v[1] + NOISE * NOISE;
        law[w][2] = log(normal_density(y, law[w][0], law[w][1]));
    }
    sgm_score score = sgm_mixture_score(&gauss);
    smc_run(x, N, EACH, STEPS, &score, &problem, &r, key);
    printf("1. %d steps: the chain draws variances %.3f %.3f from data of %.3f %.3f\n"
           "   log p(y): the chain's %.4f, the data's %.4f; particles %.4f ± %.4f\n"
           "   n_eff %.0f of %d at the end, never below %.0f\n", STEPS, V[0], V[1], var[0], var[1],
           law[0][2], law[1][2], r.log_evidence, r.evidence_se, r.ess, EACH, r.ess_least);
    /* (8.19) is unbiased: five standard errors of its mean over the runs */
    tut_check("1. SMC, 12 steps: p(y) of the chain", exp(r.log_evidence), exp(law[0][2]),
              5 * r.evidence_se * exp(law[0][2]));
    tut_check("1. the steps' bias of log p(y) exceeds 5 errors, 1 = yes",
              fabs(r.log_evidence - law[1][2]) > 5 * r.evidence_se, 1, 0);
    for (int j = 0; j < D; j++) {
        double gain = V[j] * B[j] / law[0][1], got = 0, square = 0, run = 0;
        double truth = M[j] + gain * (y - law[0][0]);
        for (int i = 0; i < N; i++) {
            run += x[D * i + j] / (double)EACH;
            if (i % EACH == EACH - 1) got += run / RUNS, square += run * run / RUNS, run = 0;
        }
        /* five standard errors by the runs' scatter; a run's bias is of the order of 1/n_eff */
        tut_check(j ? "1. SMC, 12 steps: the chain's posterior mean, y, off" :
                      "1. SMC, 12 steps: the chain's posterior mean, x, off", got - truth, 0,
                  5 * sqrt((square - got * got) / (RUNS - 1)) + 1 / r.ess_least);
    }
    sgm_mixture_free(&gauss), sgm_inverse_free(&problem);
}

/*
## Step 2. The rate

How far n draws are from a law that you know: project both on a line, where the posterior is a
mixture with the distribution function F, and take Cramér's and von Mises' distance, whose square is

$$ω² = ∫ (F_n − F)² dF = \frac{1}{12 n²} + \frac1n \sum_i \left( F(x_{(i)}) −
\frac{i − ½}{n} \right)^2, \qquad E ω² = \frac{1}{6n} \text{ of exact draws} \qquad(T30.2)$$

The latter is the floor: $n F_n$ is binomial, so $E (F_n − F)² = F(1−F)/n$, and $∫ u(1−u) du = 1/6$.
ω² is averaged over four lines and over runs. n particles are worth fewer than n draws, and for all
n by the same factor: on logarithmic paper a line with the slope −½ beside that of the floor. At the
end the bias of the steps, which does not fall, bends it; the row says by how much.
*/

static double line_cdf(const sgm_mixture *mix, const double h[D], double at) {
    double sum = 0;
    for (int k = 0; k < mix->k; k++) {
        double mu = 0, v = 0;
        for (int l = 0; l < D; l++) {
            const double *axis = mix->axes + (k * D + l) * D;
            double along = axis[0] * h[0] + axis[1] * h[1];
            mu += h[l] * mix->mean[k * D + l], v += mix->var[k * D + l] * along * along;
        }
        sum += exp(mix->log_weight[k]) * normal_cdf((at - mu) / sqrt(v));
    }
    return sum;
}

static double omega2(const sgm_mixture *mix, const float *x, long n) {
    double *sorted = (double *)tut_memory((size_t)n * sizeof *sorted), sum = 0;
    for (int line = 0; line < LINES; line++) {
        double h[D] = {cos(line * 0.785398163), sin(line * 0.785398163)};
        for (long i = 0; i < n; i++) sorted[i] = h[0] * x[D * i] + h[1] * x[D * i + 1];
        qsort(sorted, (size_t)n, sizeof *sorted, stat_ascending);
        sum += 1 / (12.0 * (double)n * (double)n) / LINES;
        for (long i = 0; i < n; i++) {
            double off = line_cdf(mix, h, sorted[i]) - ((double)i + 0.5) / (double)n;
            sum += off * off / (double)n / LINES;
        }
    }
    free(sorted);
    return sum;
}

/*
*Denoising* needs no particles: y is x at the time where s/m = τ, and the reverse SDE from there
draws p(x_0|y) (8.14). Particles do it, too: A = I.
*/

static void denoise(sgm_key key) {
    enum { EACH = 512 };
    const long n = tut_quick() ? 4096 : 32768, runs = n / EACH;
    const float eye[D * D] = {1, 0, 0, 1}, y[D] = {0.2f, 0.1f};
    float *x = (float *)tut_memory((size_t)n * D * sizeof *x);
    double tau = 1, t = sgm_sde_t_from_logsnr(&sde, -2 * log(tau)), rms[2] = {0, 0};
    sgm_mixture post;
    sgm_inverse problem;
    sgm_smc_result r;
    sgm_sample_options o = {.method = SGM_METHOD_DPM_SDE, .grid = SGM_GRID_LOGSNR, .t_start = t,
                            .x_given = 1,
                            .steps = tut_quick() ? 50 : 100};
    tut_must(sgm_inverse_init(&problem, D, D, eye, y, tau));
    tut_must(sgm_mixture_posterior(&post, &all, &problem));
    for (int way = 0; way < 2; way++) {
        for (long i = 0; i < n * D; i++) x[i] = (float)(sgm_sde_m(&sde, t) * y[i % D]);
        if (way) smc_run(x, n, EACH, o.steps, &p_x, &problem, &r, sgm_key_split(key, 1));
        else tut_must(sgm_sample(x, n, &p_x, &o, sgm_key_split(key, 0)));
        for (long i = 0; i < runs; i++)
            rms[way] += omega2(&post, x + i * EACH * D, EACH) / (double)runs;
        rms[way] = 0.5 * log(6.0 * EACH * rms[way]) / log(2);
    }
    printf("   denoising, noise 1: distance over floor %.2f by (8.14), %.2f by particles\n",
           pow(2, rms[0]), pow(2, rms[1]));
    /* n ω² of exact draws is 1/6 with the variance 1/45: five errors of half a logarithm of its
       mean; steps of second order leave less than a tenth of that */
    tut_check("2. SBGM, denoising (8.14): log2 of distance over floor", rms[0], 0,
              1.1 * 5 * 0.5 * 6 / sqrt(45.0 * (double)runs) / log(2));
    tut_check("2. SBGM, denoising by SMC: log2 of distance over floor", rms[1], 0, 1);
    free(x), sgm_mixture_free(&post), sgm_inverse_free(&problem);
}

static void rate(sgm_key key) {
    const long n = tut_quick() ? 4096 : 65536, least = tut_quick() ? 8 : 64;
    const int steps = tut_quick() ? 120 : 300;
    const float y = 0.1f;
    float *x = (float *)tut_memory((size_t)n * D * sizeof *x), table[LEVELS * 7];
    double a[LEVELS], b[LEVELS], se[LEVELS], pooled = 0, truth = log_evidence(y);
    sgm_mixture post;
    sgm_inverse problem;
    tut_must(sgm_inverse_init(&problem, D, 1, A, &y, NOISE));
    tut_must(sgm_mixture_posterior(&post, &all, &problem));
    printf("\n2. %d steps, %ld points in all; log p(y) = %.4f\n   %9s %8s %10s %10s %10s %10s "
           "%8s\n",
           steps, n, truth, "particles", "n_eff", "ancestors", "log Z", "distance", "floor",
           "ratio");
    for (int q = 0; q < LEVELS; q++) {
        long P = least << q, runs = n / P;
        double sum = 0, square = 0;
        sgm_smc_result r;
        smc_run(x, n, P, steps, &p_x, &problem, &r, sgm_key_split(key, (uint64_t)q));
        for (long i = 0; i < runs; i++) {
            double w = omega2(&post, x + i * P * D, P);
            sum += w / (double)runs, square += w * w / (double)runs;
        }
        if (q == LEVELS - 1) pooled = omega2(&post, x, n);
        a[q] = log((double)P), b[q] = 0.5 * log(sum);
        se[q] = 0.5 * sqrt((square - sum * sum) / (double)(runs - 1)) / sum;
        double floor = 1 / sqrt(6.0 * (double)P);
        float *row = table + 7 * q;
        row[0] = (float)P, row[1] = (float)sqrt(sum), row[2] = (float)(se[q] * sqrt(sum));
        row[3] = (float)floor, row[4] = (float)r.ess, row[5] = (float)r.ancestors,
        row[6] = (float)r.log_evidence;
        printf("   %9ld %8.1f %10ld %10.4f %10.5f %10.5f %8.2f\n", P, r.ess, r.ancestors,
               r.log_evidence, sqrt(sum), floor, sqrt(sum) / floor);
    }
    tut_dat("rate.dat", "particles; distance, its standard error; floor; n_eff; ancestors; log Z",
            table, LEVELS, 7);
    double ma = 0, mb = 0, saa = 0, sab = 0, var = 0;
    for (int q = 0; q < LEVELS; q++) ma += a[q] / LEVELS, mb += b[q] / LEVELS;
    for (int q = 0; q < LEVELS; q++)
        saa += (a[q] - ma) * (a[q] - ma), sab += (a[q] - ma) * (b[q] - mb);
    for (int q = 0; q < LEVELS; q++) var += pow((a[q] - ma) * se[q] / saa, 2);
    /* what does not fall is at most the distance of all points together: it lifts each point by so
       much */
    double bend = 0;
    for (int q = 0; q < LEVELS; q++)
        bend += fabs(a[q] - ma) / saa * 0.5 * -log(fmax(1 - pooled / exp(2 * b[q]), 0.2));
    double level = b[LEVELS - 1] - log(1 / sqrt(6.0 * (double)(least << (LEVELS - 1))));
    printf("   slope %.3f ± %.3f; the steps bend it by at most %.3f; all points together are at "
           "%.5f\n",
           sab / saa, sqrt(var), bend, sqrt(pooled));
    /* five standard errors of the fit, by the scatter of the runs, and the bend */
    tut_check("2. SBGM, inverse problems: slope of SMC's distance", sab / saa, -0.5,
              5 * sqrt(var) + bend);
    /* no more than twice; two sets of exact draws are √2 times the floor apart, so this is the
       stricter bound */
    tut_check("2. log2 of SMC's distance over that of exact draws", level / log(2), 0, 1);
    free(x), sgm_mixture_free(&post), sgm_inverse_free(&problem);
}

/*
## Step 3. What a rank sees

With u = (rank + U)/(L + 1) and U ~ U(0,1), an exact method has u ~ U(0,1), and

$$Δ = 12\, E (u − ½)² − 1 = 0, \quad\text{with the standard error } \sqrt{0.8/N} \qquad(T30.3)$$

as $(u − ½)²$ has the variance 1/180. Δ is the departure that stands beside the names below: above 0
the truth lies too far out, the method is over-confident (2 is the most); below 0 it is too wide.
Let the truth, measured from the draws' mean, be κ times as wide as the draws, all Gaussian. Given
the truth, $u ≈ Φ(κ z)$, and $E (Φ(κz) − ½)² = \frac{1}{2π} \arcsin \frac{κ²}{1+κ²}$ (Sheppard's
formula), so

$$Δ = \frac{L(L−1)\, w + L/4 + 1/12}{(L+1)²/12} − 1, \qquad w = \frac{1}{2π} \arcsin \frac{κ²}{1 + κ²}
\qquad(T30.4)$$

where L draws add a binomial's variance to the rank. That is the truth of two rows: exact draws made
0.8 times as wide, and guidance by γ = 2 where $x_0 ∼ N(0, 1)$. There the run is linear, $x_0 = a y
+$ noise of variance P, with a and P by recursion; the truth is $K y +$ noise of variance c, so $κ²
= (c + (K − a)² (1 + τ²)) / P$.
*/

static double departure(const float *u, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++)
        sum += 12 * ((double)u[i] - 0.5) * ((double)u[i] - 0.5) / (double)n;
    return sum - 1;
}

static double known_departure(double kappa2, double L) {
    double w = asin(kappa2 / (1 + kappa2)) / (2 * 3.14159265358979);
    return 12 * (L * (L - 1) * w + L / 4 + 1.0 / 12) / ((L + 1) * (L + 1)) - 1;
}

static double uniform_cdf(double x, void *user) { return (void)user, x; }

/* u of the truth's number `at` among L others; among equals its place is drawn. */

static float ranked(const double *other, long L, double at, sgm_key key) {
    double below = 0, ties = 1;
    float U;
    for (long i = 0; i < L; i++) below += other[i] < at, ties += other[i] == at;
    sgm_uniform(&U, 1, key, 0);
    return (float)((below + U * ties) / (double)(L + 1));
}

static void in_closed_form(sgm_key key) {
    enum { L = 40 };
    const long n = tut_quick() ? 150 : 1500;
    const int steps = tut_quick() ? 40 : 100;
    const double tau = 0.8, gain = 1 / (1 + tau * tau), c = tau * tau * gain, zero = 0, one = 1;
    const double gammas[2] = {1, 2};
    float *u = (float *)tut_memory((size_t)n * 3 * sizeof *u), x[L];
    double t[128], draws[L];
    sgm_mixture prior, given;
    tut_must(sgm_mixture_init(&prior, 1, 1, NULL, &zero, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score p = sgm_mixture_score(&prior);
    for (long i = 0; i < n; i++) {
        sgm_key mine = sgm_key_split(key, (uint64_t)i);
        float z[2 + L];
        sgm_normal(z, 2 + L, mine, 0);
        float truth = z[0], y = (float)(truth + tau * z[1]);
        double at = gain * y;
        tut_must(sgm_mixture_init(&given, 1, 1, NULL, &at, &c, SGM_COV_ISOTROPIC, &sde));
        sgm_score p_y = sgm_mixture_score(&given);
        for (int l = 0; l < L; l++) draws[l] = at + 0.8 * sqrt(c) * z[2 + l];
        u[i] = ranked(draws, L, truth, sgm_key_split(mine, 1));
        for (int q = 0; q < 2; q++) {
            sgm_guided g;
            sgm_sample_options o = {
                .method = SGM_METHOD_ANCESTRAL, .steps = steps, .grid = SGM_GRID_LOGSNR};
            tut_must(sgm_guided_init(&g, &p, &p_y, 0, gammas[q]));
            sgm_score guided = sgm_guided_score(&g);
            tut_must(sgm_sample(x, L, &guided, &o, sgm_key_split(mine, 2 + (uint64_t)q)));
            for (int l = 0; l < L; l++) draws[l] = x[l];
            u[(q + 1) * n + i] = ranked(draws, L, truth, sgm_key_split(mine, 4 + (uint64_t)q));
        }
        sgm_mixture_free(&given);
    }
    tut_must(sgm_time_grid(t, steps - 1, SGM_GRID_LOGSNR, &sde, sde.T, sde.t_min));
    double known[3] = {known_departure(1 / 0.64, L), 0, 0};
    for (int q = 0; q < 2; q++) {
        double a = 0, P = 1;
        for (int i = 0; i < steps; i++) {
            double m = sgm_sde_m(&sde, t[i]), s = sgm_sde_s(&sde, t[i]), v = m * m * c + s * s;
            double pull = gammas[q] / v, slope = (1 - gammas[q]) / (m * m + s * s) + pull, step[3];
            ancestral(step, t, i, steps);
            a = (step[0] - step[1] * slope) * a + step[1] * pull * m * gain;
            P = (step[0] - step[1] * slope) * (step[0] - step[1] * slope) * P + step[2] * step[2];
        }
        known[q + 1] = known_departure((c + (gain - a) * (gain - a) * (1 + tau * tau)) / P, L);
    }
    static const char *const name[3] = {"exact draws times 0.8", "guidance by 1", "guidance by 2"};
    printf("\n3. %ld truths on N(0,1), ranks among %d draws: Δ (T30.3), and by (T30.4)\n", n, L);
    for (int q = 0; q < 3; q++) {
        char row[96];
        double got = departure(u + q * n, n), square = 0;
        for (long i = 0; i < n; i++)
            square += pow(12 * pow((double)u[q * n + i] - 0.5, 2) - 1 - got, 2) / (double)n;
        printf("   %-32s %+.3f  %+.3f\n", name[q], got, known[q]);
        snprintf(row, sizeof row, "3. ranks' Δ (T30.4), %s", name[q]);
        /* five standard errors by the scatter; of guidance by 1 what 100 steps leave is in the
           truth */
        if (q != 1)
            tut_check(row, got, known[q], fmin(5 * sqrt(square / (double)n), 0.999 * known[q]));
        else tut_check(row, got - known[q], 0, 5 * sqrt(square / (double)n));
    }
    free(u), sgm_mixture_free(&prior);
}

/*
## Step 4. Ranks of the methods

What is ranked need not be a coordinate: any number $q(x, y)$ will do, by the same argument. And it
matters. A method that ignores y and draws from the prior passes all ranks of coordinates, for over
all truths $x^*$ is one more draw from p(x)! A quantity that knows y sees it (Modrák et al. 2023).
So four are ranked: x along A, which is measured; across it, which the prior alone ties to y; $\log
p(y|x)$, how well a draw fits; and $\log p(x) + \log p(y|x)$, the posterior's own log density but
for a constant. For the guided ones y is the component that $x^*$ came from, and along and across
are the axes.

Of the last two the mean says more than Δ does. $S = E u − ½$ is negative where the draws lie closer
to y than the truth does, and so higher up in the density: over-confident; positive where the truth
fits better: under-confident. S has the standard error $1/\sqrt{12N}$, Δ that of (T30.3); p is the
least of eight, times eight: Kolmogorov's, and that of Δ, for four quantities. One exact method in a
hundred has p < .01 by chance, so the verdict at 1 % is printed, and the row of an exact method
fails below 10⁻⁴. Those that are known to be inexact must have p < .01.

Particles are not L draws alike: 40 of one run's are taken, and the run as a whole is off by what
$n_{eff}$ draws are. That adds about $2/n_{eff}$ to Δ: 12 times the mean ⅙ of u(1 − u), over
$n_{eff}$.
*/

enum { PRIOR, EXACT, REPLACEMENT, REPAINT, DPS, PIGDM, PARTICLES,
       CLASSIFIER_1, FREE_1, CLASSIFIER_2, FREE_2, METHODS };
static const char *const method_name[METHODS] = {
    "draws that ignore y", "exact conditional score", "replacement", "RePaint", "DPS", "PiGDM",
    "SMC", "classifier guidance by 1", "classifier-free guidance by 1", "classifier guidance by 2",
    "classifier-free guidance by 2"};
static int is_exact(int w) { return w == EXACT || (w >= PARTICLES && w <= FREE_1); }

static void draw(float *x, long L, int w, const sgm_inverse *problem, const sgm_mixture *post,
                 const sgm_mixture *own, double *n_eff, sgm_key key) {
    const int quick = tut_quick();
    sgm_inverse_options o = {.method = (sgm_inverse_method)(w - REPLACEMENT)};
    sgm_sample_options second = {
        .method = SGM_METHOD_DPM_SDE, .grid = SGM_GRID_LOGSNR, .steps = quick ? 40 : 80};
    if (w >= REPLACEMENT && w <= PIGDM) {
        o.sample.steps = quick ? 50 : 200;
        if (w == REPAINT) o.resample = 5, o.sample.steps = quick ? 25 : 100;
        if (w == DPS) o.zeta = 0.1;
        if (w == PIGDM) o.sigma_data = 1.2;
        tut_must(sgm_inverse_sample(x, L, &p_x, problem, &o, key));
    } else if (w == PARTICLES) {
        const long P = quick ? 128 : 256;
        float *run = (float *)tut_memory((size_t)P * D * sizeof *run);
        sgm_smc_result r;
        smc_run(run, P, P, quick ? 60 : 200, &p_x, problem, &r, key);
        *n_eff += r.ess;
        for (long i = 0; i < L; i++) /* every so many: copies stand together */
            memcpy(x + D * i, run + D * (i * P / L), D * sizeof *x);
        free(run);
    } else if (w <= EXACT) {
        sgm_score given = sgm_mixture_score(w == PRIOR ? &all : post);
        tut_must(sgm_sample(x, L, &given, &second, key));
    } else {
        int classifier = w == CLASSIFIER_1 || w == CLASSIFIER_2;
        sgm_score p_xy = sgm_mixture_score(own), of_class;
        sgm_guided difference, g;
        tut_must(sgm_guided_init(&difference, &p_xy, &p_x, 1, -1)); /* ∇log p(x|y) − ∇log p(x) */
        of_class = sgm_guided_score(&difference);
        tut_must(sgm_guided_init(&g, &p_x, classifier ? &of_class : &p_xy, classifier,
                                 w >= CLASSIFIER_2 ? 2 : 1));
        sgm_score guided = sgm_guided_score(&g);
        tut_must(sgm_sample(x, L, &guided, &second, key));
    }
}

/* The four quantities. label < 0: y is the measurement. */

static void quantities(double q[QUANTITIES], const float *x, double y, int label) {
    double p[K], sum = 0, rest = 1e-300, fit = (y - A[0] * x[0] - A[1] * x[1]) / NOISE;
    double length = sqrt((double)A[0] * A[0] + (double)A[1] * A[1]);
    for (int k = 0; k < K; k++) {
        double u = x[0] - mean[k][0], v = x[1] - mean[k][1], a = cov[k][0][0], b = cov[k][0][1],
               c = cov[k][1][1];
        double det = a * c - b * b;
        p[k] = weight[k] * exp(-0.5 * (c * u * u - 2 * b * u * v + a * v * v) / det) / sqrt(det),
        sum += p[k];
    }
    q[0] = label < 0 ? (A[0] * x[0] + A[1] * x[1]) / length : x[0];
    q[1] = label < 0 ? (A[0] * x[1] - A[1] * x[0]) / length : x[1];
    for (int k = 0; k < K; k++) rest += k == label ? 0 : p[k];
    /* the odds rank as p(y|x) does, which is often 1 to the last bit: ties */
    q[2] = label < 0 ? -0.5 * fit * fit : log(p[label] + 1e-300) - log(rest);
    q[3] = label < 0 ? log(sum + 1e-300) + q[2] : log(p[label] + 1e-300);
}

static void rank_all(float *u[METHODS][QUANTITIES], long n, double *n_eff, sgm_key key) {
    enum { L = 40 };
    static float x[L * D];
    double other[QUANTITIES][L], q[QUANTITIES];
    sgm_mixture own[K], post;
    sgm_inverse problem;
    for (int k = 0; k < K; k++)
        tut_must(sgm_mixture_init(&own[k], 1, D, NULL, mean[k], cov[k][0], SGM_COV_FULL, &sde));
    for (long i = 0; i < n; i++) {
        sgm_key mine = sgm_key_split(key, (uint64_t)i);
        float truth[D], z, y;
        int label;
        tut_must(sgm_mixture_sample(&all, truth, &label, 1, 0, sgm_key_split(mine, 0)));
        sgm_normal(&z, 1, sgm_key_split(mine, 1), 0);
        y = (float)(A[0] * truth[0] + A[1] * truth[1] + NOISE * z);
        tut_must(sgm_inverse_init(&problem, D, 1, A, &y, NOISE));
        tut_must(sgm_mixture_posterior(&post, &all, &problem));
        for (int w = 0; w < METHODS; w++) {
            int given = w > PARTICLES ? label : -1;
            draw(x, L, w, &problem, &post, &own[label], n_eff,
                 sgm_key_split(mine, 2 + (uint64_t)w));
            for (int l = 0; l < L; l++) {
                quantities(q, x + D * l, y, given);
                for (int j = 0; j < QUANTITIES; j++) other[j][l] = q[j];
            }
            quantities(q, truth, y, given);
            for (int j = 0; j < QUANTITIES; j++)
                u[w][j][i] = ranked(other[j], L, q[j],
                                    sgm_key_split(mine, (uint64_t)(100 + QUANTITIES * w + j)));
        }
        sgm_inverse_free(&problem), sgm_mixture_free(&post);
    }
    for (int k = 0; k < K; k++) sgm_mixture_free(&own[k]);
}

static void ranks(sgm_key key) {
    enum { WIDE = QUANTITIES * METHODS + 1 };
    const long n = tut_quick() ? 60 : 1000;
    static float table[BINS * WIDE], depart[2 * METHODS];
    float *u[METHODS][QUANTITIES],
        *room = (float *)tut_memory((size_t)(n * QUANTITIES * METHODS) * sizeof *room);
    double n_eff = 0, se = sqrt(0.8 / (double)n), se_mean = sqrt(1 / (12.0 * (double)n));
    for (int w = 0; w < METHODS * QUANTITIES; w++) u[w / QUANTITIES][w % QUANTITIES] = room + n * w;
    rank_all(u, n, &n_eff, key);
    printf("\n4. %ld truths, ranks among 40 draws; an exact one's Δ is 0 ± %.3f, its S 0 ± %.3f\n"
           "   %-30s %7s %7s %7s %8s %8s  %s\n", n, se, se_mean, "", "Δ along", "across ", "S fit",
           "p of x", "p of all", "at 1 %, S of the fit");
    for (int w = 0; w < METHODS; w++) {
        char row[96];
        double p = 8, p_x_alone = 1, off[QUANTITIES], shift[QUANTITIES] = {0};
        for (int j = 0; j < QUANTITIES; j++) {
            double gap = stat_ks(u[w][j], n, uniform_cdf, NULL);
            off[j] = departure(u[w][j], n);
            p = fmin(p, 8 * fmin(stat_ks_p(gap, (double)n), erfc(fabs(off[j]) / se / sqrt(2))));
            if (j == 1) p_x_alone = fmin(1, p / 2); /* the least of four, of the coordinates */
            for (long i = 0; i < n; i++) {
                int bin = (int)(BINS * u[w][j][i]);
                table[(bin < BINS ? bin : BINS - 1) * WIDE + 1 + QUANTITIES * w + j] +=
                    (float)BINS / (float)n;
                shift[j] += ((double)u[w][j][i] - 0.5) / (double)n;
            }
        }
        p = fmin(p, 1);
        const char *word = fabs(shift[2]) < 3 * se_mean ? "no departure" :
                           shift[2] < 0 ? "over-confident" : "under-confident";
        printf("   %-30s %+7.3f %+7.3f %+7.3f %8.1g %8.1g  %s %s\n", method_name[w], off[0], off[1],
               shift[2], p_x_alone, p, p < 0.01 ? "fails " : "passes", word);
        depart[2 * w] = (float)shift[2], depart[2 * w + 1] = (float)log10(p + 1e-300);
        if (is_exact(w)) { /* below 0 once in ten thousand by chance; above, it is called 0 */
            snprintf(row, sizeof row, "4. SBC, %s: log10 p + 4", method_name[w]);
            tut_check(row, fmin(log10(p) + 4, 0), 0, 0);
        } else if (!tut_quick() || w == PRIOR || w == DPS) { /* 60 truths see no more than these */
            snprintf(row, sizeof row, "4. SBC, %s: p (not exact)", method_name[w]);
            tut_check(row, p, 0, 0.01);
        }
        if (w != PRIOR) continue;
        /* the same draws by their coordinates alone: they pass, as exact ones must */
        tut_check("4. SBC, draws that ignore y, by coordinates: log10 p + 4",
                  fmin(log10(p_x_alone) + 4, 0), 0, 0);
    }
    tut_dat("departures.dat", "S of the fit; log10 p: method by method", depart, METHODS, 2);
    for (int b = 0; b < BINS; b++) table[b * WIDE] = (float)((b + 0.5) / BINS);
    tut_dat("ranks.dat", "rank; density of ranks of the four quantities, method by method", table,
            BINS, WIDE);
    printf("   particles: n_eff %.0f, which adds %.3f to their departure\n", n_eff / (double)n,
           2 * (double)n / n_eff);
    free(room);
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    tut_start("30_posterior", argc, argv);
    sde = sgm_sde_vp(0.1, 20);
    tut_must(sgm_mixture_init(&all, K, D, weight, mean[0], cov[0][0], SGM_COV_FULL, &sde));
    p_x = sgm_mixture_score(&all);
    chain(sgm_key_split(key, 1));
    rate(sgm_key_split(key, 2));
    denoise(sgm_key_split(key, 5));
    in_closed_form(sgm_key_split(key, 3));
    ranks(sgm_key_split(key, 4));
    sgm_mixture_free(&all);
    return tut_done();
}
