/*
# 2. Langevin dynamics: walking with a score

**Question.** You know the score of a density, $∇\log p$, and nothing else. Can you draw from p?

**Equation.** $x ← x + γ\, ∇\log p(x) + \sqrt{2γ}\, z$ (6.3): uphill, and a shake. With (6.5) each
step is a proposal that may be turned down.

**Plan.** Six claims, of *Score-Based Generative Models: Masterclass Notes* (lecture by A. Shysheya)
and of *Diffusion Through the Lens of Score Matching* (EngineersOfAI lesson), each with its number:

1. The score of $e^{−U}/Z$ needs no Z: an energy of our own, walked on and integrated on a grid.
2. The scores of a Gaussian and of a mixture are the formulas that the lesson prints.
3. The unadjusted walk (ULA) is too wide, by how much is known; the adjusted one (MALA) is exact.
   Its acceptance is known too, in 1 dimension and in 50, and in many the best one is 0.574.
4. Two conventions, γ with √(2γ) and ε/2 with √ε, are the same walk bit for bit.
5. Between far modes a walk at one noise level is stuck; annealed slowly, it finds their weights.
6. The narrowest direction of p sets the largest step.

**What you should see.** ULA's variance follows $1/(1 − γ/2)$: 0.025 too much at γ = .05, growing
as $γ^{1.07 ± .02}$ (1.06), to 5 at γ = 1.6, where MALA's is 1. Acceptances agree with the formulas
to 10⁻⁵ at γ = .05 and to 0.005 in 50 dimensions. Trapped walkers stay half and half; annealed, the
left mode has 0.213, 0.215 and 0.204 of them. The law of these ladders is 0.211, 0.204 and 0.202: a
ladder is only as good as its time, and the slowest is right to what 20 000 walkers can see, .003.

**Figures.** `12_langevin_energy.png`, `12_langevin_bias.png`, `12_langevin_modes.png`.

    cc -O2 -fopenmp tutorial/12_langevin.c -o 12_langevin -lm

**Try this.**
(1) In `energy_eval` set `s[2 * i]` to `-ring * a` and the next to `-ring * b`: a wrong score, and
all moments stay right, for (6.5) corrects any push. The step found falls from 0.18 to 0.14.
(2) In `unnormalised` set .metropolis = 0 and .step = 0.1: five of six moments fail, E U = −0.81.
(3) In `modes` start the ladder at 2 (`2 * pow(0.25, …)`): at 2 the modes are still apart, and the
weights end at 0.31 and 0.23, as their law says. The slowest ladder still comes to 0.20.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846

enum { GRID = 200, CELLS = 701, LEVELS = 10, WIDE = 50, CROWDS = 40 };

/*
Step 1. A ring of radius 2 that is heavier on one side. Who knows its Z? The score is −∇U, and MALA
needs log p only up to a constant: −U. An `sgm_score` is two functions.
*/

static double energy(double x, double y) {
    double ring = x * x + y * y - 4;
    return 0.25 * ring * ring - x + 0.5 * x * y;
}

static sgm_status energy_eval(const sgm_score *self, float *s, const float *x, const float *t,
                              long n) {
    (void)self, (void)t;
    for (long i = 0; i < n; i++) {
        double a = x[2 * i], b = x[2 * i + 1], ring = a * a + b * b - 4;
        s[2 * i] = (float)(1 - 0.5 * b - ring * a), s[2 * i + 1] = (float)(-0.5 * a - ring * b);
    }
    return SGM_OK;
}

static sgm_status energy_logp(const sgm_score *self, double *logp, const float *x, const float *t,
                              long n) {
    (void)self, (void)t;
    for (long i = 0; i < n; i++) logp[i] = -energy(x[2 * i], x[2 * i + 1]);
    return SGM_OK;
}

enum { MOMENTS = 6 };
static const char *const moment[MOMENTS] = {"U", "x", "y", "x^2", "y^2", "x y"};

static void moments_at(double m[MOMENTS], double x, double y) {
    m[0] = energy(x, y), m[1] = x, m[2] = y, m[3] = x * x, m[4] = y * y, m[5] = x * y;
}

/* The trapezoid rule on [-4,4]²: p is below e⁻³⁶ at the walls, so its error is that of rounding. */

static double integrate(double truth[MOMENTS]) {
    static float table[(GRID + 1) * (GRID + 1) * 3];
    double Z = 0, h = 8.0 / GRID, m[MOMENTS];
    memset(truth, 0, MOMENTS * sizeof *truth);
    for (int i = 0; i <= GRID; i++)
        for (int j = 0; j <= GRID; j++) {
            double x = i * h - 4, y = j * h - 4, p = exp(-energy(x, y)) * h * h;
            float *row = table + 3 * (i * (GRID + 1) + j);
            moments_at(m, x, y);
            for (int k = 0; k < MOMENTS; k++) truth[k] += p * m[k];
            Z += p, row[0] = (float)x, row[1] = (float)y, row[2] = (float)(p / h / h);
        }
    for (int k = 0; k < MOMENTS; k++) truth[k] /= Z;
    for (int i = 2; i < (GRID + 1) * (GRID + 1) * 3; i += 3) table[i] /= (float)Z;
    tut_dat("energy_density.dat", "x y p", table, (GRID + 1) * (GRID + 1), 3);
    return Z;
}

static void unnormalised(sgm_key key) {
    const long n = tut_quick() ? 2000 : 20000;
    float *x = (float *)tut_memory((size_t)n * 2 * sizeof *x);
    double truth[MOMENTS], sum[MOMENTS] = {0}, square[MOMENTS] = {0}, m[MOMENTS];
    sgm_score score = {.d = 2, .eval = energy_eval, .logp = energy_logp};
    sgm_langevin_options walk = {.metropolis = 1, .warmup = 600, .steps = 200, .progress = "MALA"};
    sgm_langevin report;
    double Z = integrate(truth);
    sgm_normal(x, 2 * (size_t)n, sgm_key_split(key, 0), 0);
    tut_must(sgm_langevin_run(x, n, &score, &walk, &report, sgm_key_split(key, 1)));
    printf("1. an energy of our own: Z = %.6f by quadrature, which the walk never saw\n"
           "   %ld walkers found the step %.4f, acceptance %.3f\n",
           Z, n, report.step_size, report.acceptance);
    for (long i = 0; i < n; i++) {
        moments_at(m, x[2 * i], x[2 * i + 1]);
        for (int k = 0; k < MOMENTS; k++) sum[k] += m[k], square[k] += m[k] * m[k];
    }
    for (int k = 0; k < MOMENTS; k++) { /* five standard errors of n independent walkers */
        char name[64];
        double mean = sum[k] / (double)n,
               se = sqrt((square[k] / (double)n - mean * mean) / (double)n);
        snprintf(name, sizeof name, "1. E %s of exp(-U)/Z: MALA and quadrature", moment[k]);
        tut_check(name, mean, truth[k], 5 * se);
    }
    tut_dat("energy_samples.dat", "x y", x, 2000, 2);
    free(x);
}

/*
Step 2. For a Gaussian, $−(x − μ)/σ²$. For a mixture, the average of those, weighted by how likely
each component is at x (2.2). The library's answer is a float: half an ulp, 2⁻²⁴, of the largest
term.
*/

static double worst_score(int modes, const double *w, const double *mu, const double *var) {
    sgm_sde sde = sgm_sde_edm(0.002, 80);
    sgm_mixture mix;
    double worst = 0;
    tut_must(sgm_mixture_init(&mix, modes, 1, w, mu, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int i = -100; i <= 100; i++) {
        float x = 0.07f * (float)i, t = 0, s;
        double top = 0, below = 0, size = 0;
        tut_must(sgm_score_eval(&score, &s, &x, &t, 1));
        for (int k = 0; k < modes; k++) {
            double p = w[k] / sqrt(var[k]) * exp(-0.5 * (x - mu[k]) * (x - mu[k]) / var[k]);
            top -= p * (x - mu[k]) / var[k], below += p, size += p * fabs(x - mu[k]) / var[k];
        }
        worst = fmax(worst, fabs(s - top / below) / (size / below));
    }
    sgm_mixture_free(&mix);
    return worst;
}

static void formulas(void) {
    const double w[3] = {0.5, 0.2, 0.3}, mu[3] = {1, -2, 3}, var[3] = {0.25, 1, 0.5};
    tut_check("2. score of a Gaussian and its formula, relative", worst_score(1, w, mu, var), 0,
              6e-8);
    tut_check("2. score of a mixture and its formula, relative", worst_score(3, w, mu, var), 0,
              6e-8);
    puts("2. the scores of a Gaussian and of a mixture are the formulas in print");
}

/*
Step 3. On N(0,1), ULA with step γ is x ← (1 − γ)x + √(2γ)z and rests at $V = 1/(1 − γ/2)$ (6.4).
MALA rests at 1. There log α collapses to −γ(y² − x²)/4, so $E α = 2 P(y² < x²)$, a wedge between
two lines in the plane of two Gaussians:

$$E α = 1 − \frac{2φ}{π}, \qquad \tan φ = \left(\frac{γ}{2}\right)^{3/2} \qquad(T12.1)$$

In D dimensions $‖y‖² − ‖x‖²$ is a sum of D forms in (x, z) with eigenvalues
$λ = γ²/2 ± \sqrt{γ⁴/4 + 2γ}$: it is $λ_+ A − |λ_-| B$ with A and B of χ², D degrees of freedom.
The share A/(A + B) is (1 − sin θ)/2 with θ of density $∝ \cos^{D−1} θ$; A is small enough if θ > φ:

$$E α = \int_φ^{π/2} \cos^{D−1}θ\, dθ \Big/ \int_0^{π/2} \cos^{D−1}θ\, dθ \qquad(T12.2)$$

For large D this is $2Φ(−\sqrt{Dγ³/8})$: γ³D is what counts.
*/

static double known_acceptance(int d, double gamma) { /* the midpoint rule: off by (φ²D/24)/N² */
    enum { N = 4000 };
    double phi = atan(pow(gamma / 2, 1.5)), part = 0, all = 0;
    for (int i = 0; i < N; i++) {
        double u = (i + 0.5) / N;
        part += phi * pow(cos(phi * u), d - 1), all += PI / 2 * pow(cos(PI / 2 * u), d - 1);
    }
    return 1 - part / all;
}

static sgm_status normal_eval(const sgm_score *self, float *s, const float *x, const float *t,
                              long n) {
    (void)t;
    for (long i = 0; i < n * self->d; i++) s[i] = -x[i];
    return SGM_OK;
}

static sgm_status normal_logp(const sgm_score *self, double *logp, const float *x, const float *t,
                              long n) {
    (void)t, memset(logp, 0, (size_t)n * sizeof *logp);
    for (long i = 0; i < n * self->d; i++) logp[i / self->d] -= 0.5 * x[i] * x[i];
    return SGM_OK;
}

static void add_squares(long step, const float *x, long n, void *user) {
    double *sum = (double *)user;
    (void)step;
    for (long i = 0; i < n; i++) *sum += (double)x[i] * x[i];
}

/*
What is the error of a mean over a walk, whose steps are alike? Let independent crowds walk, each
with its own key: their means are independent, and the scatter of those has the answer.
*/

static double mean_of(const double *v, int n, double *se) {
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++) mean += v[i] / n;
    for (int i = 0; i < n; i++) square += (v[i] - mean) * (v[i] - mean);
    *se = sqrt(square / (n * (n - 1.0)));
    return mean;
}

/*
The bias at a small γ is small, and the walk is slow: x² forgets in about 1/2γ steps. So the number
of steps is T/γ: n walkers see V to $√(2/nT)$ at any small γ, 0.0011 here, and mode test 0.0022. Five of
these are well below the bias at γ = .05, 0.0256.
*/

static void bias(sgm_key key) {
    const double gamma[6] = {0.05, 0.1, 0.2, 0.4, 0.8, 1.6}, T = tut_quick() ? 100 : 200;
    const long n = tut_quick() ? 100 : 200;
    static float table[6 * 8];
    sgm_score score = {.d = 1, .eval = normal_eval, .logp = normal_logp};
    float *x = (float *)tut_memory((size_t)n * sizeof *x);
    printf("3. %5s %10s %10s %10s %10s %11s %10s\n", "step", "ULA var", "(6.4)", "MALA var",
           "its error", "acceptance", "(T12.1)");
    for (int g = 0; g < 6; g++) {
        float *row = table + 8 * g;
        double truth = 1 / (1 - gamma[g] / 2), known = known_acceptance(1, gamma[g]);
        char name[64];
        row[0] = (float)gamma[g], row[6] = (float)truth, row[7] = (float)known;
        for (int mala = 0; mala < 2; mala++) {
            double square[CROWDS] = {0}, alpha[CROWDS], se;
            sgm_key own = sgm_key_split(key, 2 * (uint64_t)g + (uint64_t)mala);
            for (int c = 0; c < CROWDS; c++) {
                /* warm-up: the excess fades as (1-γ)^(2k), after 200 steps of .05 it is e⁻²⁰ */
                sgm_langevin_options walk = {.step = gamma[g],
                                             .warmup = 200,
                                             .steps = (long)(T / gamma[g] + 0.5),
                                             .metropolis = mala,
                                             .on_step = add_squares,
                                             .user = &square[c]};
                sgm_langevin report;
                sgm_key crowd = sgm_key_split(own, (uint64_t)c);
                sgm_normal(x, (size_t)n, sgm_key_split(crowd, 0), 0);
                tut_must(
                    sgm_langevin_run(x, n, &score, &walk, &report, sgm_key_split(crowd, 1)));
                square[c] /= (double)n * (double)walk.steps, alpha[c] = report.acceptance;
            }
            double got = mean_of(square, CROWDS, &se);
            row[1 + 2 * mala] = (float)got, row[2 + 2 * mala] = (float)se;
            snprintf(name, sizeof name, "3. %s, step %g: bias of the variance",
                     mala ? "MALA" : "ULA", gamma[g]);
            /* five standard errors, here and below, of the mean of 40 independent crowds */
            tut_check(name, got - 1, mala ? 0 : truth - 1, 5 * se);
            row[5] = (float)mean_of(alpha, CROWDS, &se);
            snprintf(name, sizeof name, "3. MALA, step %g: acceptance (T12.1)", gamma[g]);
            if (mala) tut_check(name, row[5], known, 5 * se + 6e-8); /* row[5]: 2⁻²⁴ of rounding */
        }
        printf("   %5.2f %10.4f %10.4f %10.4f %10.4f %11.5f %10.5f\n", gamma[g], row[1], truth,
               row[3], row[4], row[5], known);
    }
    /* "Linearly": the power of γ in the bias, 1 to first order. The errors add in the logarithm. */
    const float *low = table, *high = table + 16;
    double power = log((high[1] - 1.0) / (low[1] - 1.0)) / log(4),
           exact = log((high[6] - 1.0) / (low[6] - 1.0)) / log(4),
           error = hypot(high[2] / (high[6] - 1), low[2] / (low[6] - 1)) / log(4);
    printf("   from .05 to .2 the bias grows as the step to the power %.2f ± %.2f, by (6.4) %.2f\n",
           power, error, exact);
    tut_check("3. ULA: power of the step in the bias", power, exact, 5 * error);
    tut_dat("bias.dat", "step; variance and error of ULA, of MALA; acceptance; (6.4); (T12.1)",
            table, 6, 8);
    free(x);
}

/*
In D dimensions n steps are worth the most independent points where the acceptance is 0.574, find
Roberts and Rosenthal (1998) for large D. Worth n/τ: (6.10). Twenty walkers start on p, each on its
own, so the scatter of their acceptances is an honest error.
*/

static double worth(double step, long steps, double *acceptance, double *se, sgm_key key) {
    enum { WALKERS = CROWDS / 2 };
    float x[WIDE], *series = (float *)tut_memory((size_t)steps * WIDE * sizeof *series);
    sgm_score score = {.d = WIDE, .eval = normal_eval, .logp = normal_logp};
    sgm_langevin_options how = {.step = step, .metropolis = 1};
    double tau = 0, alpha[WALKERS];
    for (int w = 0; w < WALKERS; w++) {
        sgm_key own = sgm_key_split(key, (uint64_t)w);
        sgm_langevin walk;
        sgm_normal(x, WIDE, sgm_key_split(own, 0), 0);
        tut_must(sgm_langevin_init(&walk, &score, 1, &how, sgm_key_split(own, 1)));
        for (long k = 0; k < steps; k++) {
            tut_must(sgm_langevin_step(&walk, x));
            for (int i = 0; i < WIDE; i++) series[i * steps + k] = x[i];
        }
        for (int i = 0; i < WIDE; i++)
            tau += sgm_autocorrelation_time(series + i * steps, steps) / (WIDE * WALKERS);
        alpha[w] = walk.acceptance;
        sgm_langevin_free(&walk);
    }
    *acceptance = mean_of(alpha, WALKERS, se);
    free(series);
    return 1000 / tau;
}

/* The step that (6.7) finds, with eight walkers. */

static double found_step(sgm_key key) {
    float x[8 * WIDE];
    sgm_score score = {.d = WIDE, .eval = normal_eval, .logp = normal_logp};
    sgm_langevin_options how = {.warmup = 2000, .metropolis = 1};
    sgm_langevin report;
    sgm_normal(x, 8 * WIDE, sgm_key_split(key, 0), 0);
    tut_must(sgm_langevin_run(x, 8, &score, &how, &report, sgm_key_split(key, 1)));
    return report.step_size;
}

static void best_step(sgm_key key) {
    enum { TRIED = 12 };
    static float table[(TRIED + 1) * 4];
    const long steps = tut_quick() ? 500 : 4000;
    double best = 0, best_at = 0, alpha = 0, n = 0;
    printf("   in %d dimensions: %8s %12s %10s %24s\n", WIDE, "step", "acceptance", "(T12.2)",
           "worth of 1000 steps");
    for (int g = 0; g <= TRIED; g++) { /* the last is the one that (6.7) finds */
        sgm_key own = sgm_key_split(key, (uint64_t)g);
        double step = g < TRIED ? 0.15 * pow(1.15, g) : found_step(sgm_key_split(own, 0));
        double known = known_acceptance(WIDE, step), se;
        float *row = table + 4 * g;
        char name[64];
        n = worth(step, steps, &alpha, &se, sgm_key_split(own, 1));
        printf("   %-17s %8.4f %12.4f %10.4f %24.1f\n", g < TRIED ? "" : "found by (6.7):", step,
               alpha, known, n);
        snprintf(name, sizeof name, "3. in %d dimensions, step %.3f: acceptance (T12.2)", WIDE,
                 step);
        tut_check(name, alpha, known, 5 * se); /* of 20 independent walkers */
        row[0] = (float)step, row[1] = (float)alpha, row[2] = (float)n, row[3] = (float)known;
        if (g < TRIED && n > best) best = n, best_at = alpha;
    }
    tut_dat("worth.dat", "step; acceptance; worth of 1000 steps; (T12.2); the last row is by (6.7)",
            table, TRIED + 1, 4);
    /* n ~ α |Φ⁻¹(α/2)|^(2/3) is flat: ±.08 in α costs 2 %. 1000 series of 4000 steps know n to
       √(2(2·5τ + 1)/4·10⁶) = .6 %; five errors of a difference, 4.3 %, are ±.12 in α. mode test: 1.7 %
       of error, 12 %, ±.2. A step of 15 % in γ, ±.04 in α, is finer.
       (6.7) rests where α of 8 walkers, std .12, leaves it: .12²/(2·.57·√2000) = .017² in log γ,
       .57 of that in α; 5 of these are .05. */
    tut_check("3. acceptance at the best step tried", best_at, 0.574, tut_quick() ? 0.2 : 0.12);
    tut_check("3. acceptance at the step that (6.7) finds", alpha, 0.574, 0.05);
    tut_check("3. its worth, of the best tried", n / best, 1, tut_quick() ? 0.12 : 0.05);
}

/* Step 4. The lesson's walk, x + ½ε s + √ε z, on the same noise. */

static void conventions(sgm_key key) {
    enum { N = 500, STEPS = 100 };
    static float x[2 * N], y[2 * N], s[2 * N], z[2 * N], t[N];
    const double eps = 0.15;
    sgm_score score = {.d = 2, .eval = energy_eval};
    sgm_langevin_options walk = {.step = eps / 2, .steps = STEPS};
    int apart = 0;
    sgm_normal(x, 2 * N, sgm_key_split(key, 0), 0);
    memcpy(y, x, sizeof y);
    tut_must(sgm_langevin_run(x, N, &score, &walk, NULL, key));
    for (uint64_t k = 0; k < STEPS; k++) {
        tut_must(sgm_score_eval(&score, s, y, t, N));
        sgm_normal(z, 2 * N, sgm_key_split(sgm_key_split(key, k), 0),
                   0); /* the library's k-th noise */
        for (int i = 0; i < 2 * N; i++) y[i] = (float)(y[i] + eps / 2 * s[i] + sqrt(eps) * z[i]);
    }
    for (int i = 0; i < 2 * N; i++) apart += memcmp(x + i, y + i, sizeof *x) != 0;
    printf("4. step = eps/2: of %d numbers after %d steps, %d differ in any bit\n", 2 * N, STEPS,
           apart);
    tut_check("4. numbers that differ between the conventions", apart, 0, 0);
}

/*
Step 5. Two modes at ±6, std 1, weights .2 and .8. To cross, a walker climbs 18 nats; what flows
from left to right per unit of time is $(w_-/.2 − w_+/.8) / ∫ dx/p$, Kramers' rate, here 1.7·10⁻⁸ of
all. The integral is that of 1/p between the modes, $π√(2π) e^{18}/(6·0.8)$ = 1.08·10⁸.

The annealed walk has a law of its own: at each level a cell's mass goes to Gaussians around x + γs.
A grid of 0.2 against a std of √(2γ) ≥ .22 is as good as exact: it errs by e^(−2π²(.22/.2)²) = e⁻²⁴.
*/

static double weight_of_ladder(const sgm_score *score, const sgm_anneal_options *a) {
    static double kernel[CELLS][CELLS], next[CELLS], p[CELLS];
    static float x[CELLS], s[CELLS], t[CELLS];
    double left = 0, all = 0;
    for (int i = 0; i < CELLS; i++) x[i] = 0.2f * (float)(i - CELLS / 2);
    for (int i = 0; i < CELLS; i++) p[i] = exp(-0.5 * pow(x[i] / a->levels[0], 2));
    for (int level = 0; level < a->n_levels; level++) {
        double gamma = a->last_step * pow(a->levels[level] / a->levels[a->n_levels - 1], 2);
        int reach = (int)(6 * sqrt(2 * gamma) / 0.2) + 1, low[CELLS], high[CELLS];
        for (int i = 0; i < CELLS; i++) t[i] = (float)a->levels[level];
        tut_must(sgm_score_eval(score, s, x, t, CELLS));
        for (int i = 0; i < CELLS; i++) {
            double centre = x[i] + gamma * s[i], sum = 0;
            int at = (int)floor(centre / 0.2 + 0.5) + CELLS / 2;
            low[i] = at > reach ? at - reach : 0,
            high[i] = at + reach < CELLS ? at + reach : CELLS - 1;
            for (int j = low[i]; j <= high[i]; j++)
                sum += kernel[i][j] = exp(-(x[j] - centre) * (x[j] - centre) / (4 * gamma));
            for (int j = low[i]; j <= high[i]; j++) kernel[i][j] /= sum;
        }
        for (int k = 0; k < a->steps_per_level; k++, memcpy(p, next, sizeof p)) {
            memset(next, 0, sizeof next);
            for (int i = 0; i < CELLS; i++)
                for (int j = low[i]; j <= high[i]; j++) next[j] += p[i] * kernel[i][j];
        }
    }
    for (int i = 0; i < CELLS; i++)
        all += p[i], left += x[i] < 0 ? p[i] : x[i] > 0 ? 0 : 0.5 * p[i];
    return left / all;
}

/* A score that is another one, and notes where its first walkers are at each step. */

enum { SHOWN = 12, SEEN = 1000 };
static float path[SEEN * (SHOWN + 1)];
static int seen;

static sgm_status watched_eval(const sgm_score *self, float *s, const float *x, const float *t,
                               long n) {
    const sgm_score *inner = (const sgm_score *)self->ctx;
    if (seen < SEEN) {
        path[seen * (SHOWN + 1)] = (float)seen;
        memcpy(path + seen * (SHOWN + 1) + 1, x, SHOWN * sizeof *x), seen++;
    }
    return inner->eval(inner, s, x, t, n);
}

/* Histogram, in bins of ¼ from -10 to 10, into one column of five. */

static void histogram(float *table, int column, const float *x, long n) {
    for (long i = 0; i < n; i++)
        if (fabs(x[i]) < 10) table[5 * (int)(4 * (x[i] + 10)) + column] += 4 / (float)n;
}

static void modes(sgm_key key) {
    static float table[80 * 5];
    const double w[2] = {0.2, 0.8}, mu[2] = {-6, 6}, var[2] = {1, 1};
    const float centres[2] = {-6, 6};
    const long steps = tut_quick() ? 1000 : 2000;
    long n = tut_quick() ? 500 : 10000;
    float *x = (float *)tut_memory(2 * (size_t)n * sizeof *x);
    double levels[LEVELS], share[2], p;
    sgm_sde sde = sgm_sde_edm(0.002, 80);
    sgm_mixture mix;
    tut_must(sgm_mixture_init(&mix, 2, 1, w, mu, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix),
              watched = {.d = 1, .ctx = &score, .sde = sde, .eval = watched_eval};
    for (int i = 0; i < 80; i++) {
        float at = -9.875f + 0.25f * (float)i, t = 0;
        tut_must(sgm_score_logp(&score, &p, &at, &t, 1));
        table[5 * i] = at, table[5 * i + 1] = (float)exp(p);
    }
    sgm_normal(x, (size_t)n, sgm_key_split(key, 0), 0);
    for (long i = 0; i < n; i++) x[i] += i % 2 ? 6 : -6;
    sgm_langevin_options walk = {.step = 0.1, .steps = steps, .progress = "one level"};
    tut_must(sgm_langevin_run(x, n, &watched, &walk, NULL, sgm_key_split(key, 1)));
    sgm_mode_weights(share, x, n, 1, centres, 2);
    histogram(table, 2, x, n);
    tut_dat("trapped_paths.dat", "step; 12 walkers at one level", path, seen, SHOWN + 1);
    printf(
        "5. weight of the left mode, .2 in p:\n   one level, %ld steps from half and half: %.4f\n",
        steps, share[0]);
    double crossed =
        1.7e-8 * 0.1 * (double)steps; /* and chance: 5 of the n·crossed that may, and 1 */
    tut_check("5. one level: weight of the left mode", share[0], 0.5,
              crossed + (5 * sqrt((double)n * crossed) + 1) / (double)n);
    for (int i = 0; i < LEVELS; i++) levels[i] = 10 * pow(0.05, i / (LEVELS - 1.0)); /* 10 … 0.5 */
    for (int each = 100; each <= 1600; each *= 4) {
        char name[64];
        sgm_anneal_options a = {.levels = levels,
                                .n_levels = LEVELS,
                                .steps_per_level = each,
                                .last_step = 0.1 * 0.25,
                                .progress = "annealed"};
        if (each == 1600) n *= 2; /* the slow ladder is the one to compare with p itself */
        double law = weight_of_ladder(&score, &a), se = sqrt(0.16 / (double)n);
        seen = 0;
        tut_must(sgm_anneal(x, n, &watched, &a, sgm_key_split(key, (uint64_t)each)));
        sgm_mode_weights(share, x, n, 1, centres, 2);
        if (each < 1600) histogram(table, each == 100 ? 3 : 4, x, n);
        if (each == 100)
            tut_dat("annealed_paths.dat", "step; 12 annealed walkers", path, seen, SHOWN + 1);
        printf("   annealed, %d levels of %4d steps: %.4f ± %.4f, by its own law %.4f\n", LEVELS,
               each, share[0], se, law);
        snprintf(name, sizeof name, "5. annealed, %d steps per level: weight", each);
        /* five standard errors of n independent walkers: from the law, and from p in the end */
        tut_check(name, share[0], each < 1600 ? law : 0.2, 5 * se);
        if (each == 1600) /* what the law still lags must be too little to see: one error */
            tut_check("5. its lag by the law, in standard errors", (law - 0.2) / se, 0, 1);
    }
    tut_dat("modes.dat", "x; p; histograms: one level; annealed, 100 steps per level; 400", table,
            80, 5);
    sgm_mixture_free(&mix), free(x);
}

/* Step 6. Variances 1 and 1/100. The narrow one wants γ < 2/100, and the wide one then takes 1/γ
steps to forget. */

static void curvature(sgm_key key) {
    enum { N = 4000 };
    static float x[2 * N];
    const double mean[2] = {0, 0}, var[2] = {1, 0.01};
    sgm_sde sde = sgm_sde_edm(0.002, 80);
    sgm_mixture mix;
    double square = 0;
    tut_must(sgm_mixture_init(&mix, 1, 2, NULL, mean, var, SGM_COV_DIAGONAL, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    puts("6. variances 1 and 1/100");
    for (int wide = 0; wide < 2; wide++) {
        sgm_langevin_options walk = {.step = wide ? 0.021 : 0.019, .steps = 1000};
        tut_must(sgm_mixture_sample(&mix, x, NULL, N, 0, sgm_key_split(key, 0)));
        sgm_status status = sgm_langevin_run(x, N, &score, &walk, NULL, sgm_key_split(key, 1));
        printf("   step %g:\n     %s\n", walk.step, status ? sgm_error() : "it stays");
        if (wide)
            tut_check("6. step .021 > 2/100: SGM_NOT_FINITE", status, SGM_NOT_FINITE, 0);
        else
            tut_must(status);
        for (int i = 0; i < N && !wide; i++) square += (double)x[2 * i + 1] * x[2 * i + 1] / N;
    }
    double V = 0.01 / (1 - 0.019 / 0.02);
    printf("   at .019 the narrow variance is %.4f, not 0.01\n", square);
    tut_check("6. step .019: narrow variance (6.4)", square, V, 5 * V * sqrt(2.0 / N));
    sgm_mixture_free(&mix);
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    tut_start("12_langevin", argc, argv);
    unnormalised(sgm_key_split(key, 1));
    formulas();
    bias(sgm_key_split(key, 2));
    best_step(sgm_key_split(key, 3));
    conventions(sgm_key_split(key, 4));
    modes(sgm_key_split(key, 5));
    curvature(sgm_key_split(key, 6));
    return tut_done();
}
