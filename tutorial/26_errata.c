/*
# 16. Errata: what the documents get wrong, and how one finds out

**Question.** Five texts teach the same subject, and each prints some line that is wrong: a sign, a
½, a β at the wrong end. Their own figures look right all the same. How does a reader notice, and
which experiment would have told the author?

**Equation.** Start from N(0,c) data. Then every $p_t$ is N(0, V) with $V = m²c + s²$, the exact
score is −x/V, and any scheme that is linear in it keeps a Gaussian. With the linear part a and the
noise b² of reversed time u its variance is

$$ w' = 2aw + b²,\; w(1) = w(0)e^{2A(1)} + ∫_0^1 b²e^{2(A(1)-A(u))}du,\; A' = a \qquad(T26.1) $$

The right scheme has $a = ½β - β/V$, $b² = β$, all at t = 1 − u, and gives c. A slip gives another
number, which you can work out to as many digits as you like: no network, no samples, no luck.

**Plan.**

1. The slips of the samplers on N(0,c): a moment recursion against the integral (T26.1).
2. Which experiment hides which slip: eight points on a circle, two unequal points, N(0,1), N(0,¼),
   N(0,4), N(0,1) with a constant β. A matrix of hidden and seen, and why.
3. Units: a formula must not mind what you call a second.
4. Limits: t → 0, T → ∞, steps → ∞, and the cases that differ only there.
5. Likelihoods: a density integrates to one.
6. Losses: two of them are "the same" only with the same weights and the same minimiser.
7. Words and numbers: a counterexample is the shortest proof.

The documents are *SGM_GTAP: Score-based generative models, a simple JAX implementation* (H.
Gangloff, 2025, after J. Pidstrigach), *SBGM: Score-Based Generative Models in JAX* (J. Homer),
*Score-Based Generative Models: Masterclass Notes* (lecture by A. Shysheya), *Score-Based Generative
Modeling through SDEs* (a README after Song et al. 2021) and *Diffusion Through the Lens of Score
Matching* (EngineersOfAI lesson). All five are good texts; you learn most from good texts that you
check.

**What you should see.** Of five slips, samples of eight points on a circle show one, and that one
makes the run explode; even the wrong ½ leaves every sample on its point. N(0,1), whose answer is
known without a pencil, sees three, N(0,¼) three. N(0,4) sees all five: it is neither its own prior
nor forgetful.

**Figures.** `26_errata_variance.png`, `26_errata_hidden.png`, `26_errata_limits.png`.

    cc -O2 -fopenmp tutorial/26_errata.c -o 26_errata -lm

**Change one line.**
(1) In `main` call `set_line(1.5005, 0)`, a constant β: in step 1 β at the wrong end is no slip any
more, for both ends are alike, and its variance is 1.
(2) Set WEIGHT to ½: the column of the two points, now equal, sees nothing.
(3) Set STEPS to 50: the line "no slip" is no longer 0, for the discretisation is an error too, and
4 % of its samples are off the points: four rows fail. With the noise of variance √β dt a third are.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846
#define WEIGHT 0.75 /* of the heavier of two points */

enum { STEPS = 998, SIZE = 5000, FINE = 20000 }; /* SIZE: the samples that SGM_GTAP draws */
enum { RIGHT, PRIOR, NOISE, LINEAR_END, SCORE_END, HALF, SLIPS };
enum { SHARE, COUNTS, HALFWAY, PAIR, UNIT, QUARTER, FOUR, STILL, EXPERIMENTS };

static const char *const slip_name[SLIPS] = {
    "no slip", "prior N(0,I) for p_T", "noise of variance √β dt",
    "drift's β at the other end", "score at the other end", "½ in the reversal"};

static double b0, b1; /* β(t) = b0 + b1 t, on [0,1] */

static void set_line(double at_0, double slope) { b0 = at_0, b1 = slope; }
static double beta(double t) { return b0 + b1 * t; }
static double integral(double t) { return b0 * t + 0.5 * b1 * t * t; } /* ∫β from 0 to t */
static double variance(double t, double c) { return 1 - (1 - c) * exp(-integral(t)); }

/*
## 1. Slips on a case that can be solved

A reverse step of length du changes x by (linear·x + pull·score) du and adds noise of variance b²
du. The right values are ½β, β and β, all at t = 1 − u. What the texts print or run instead:

- *SGM_GTAP* writes the variance of the noise as Δt·√β (its code multiplies z by √(Δt·β), which is
  right);
- its code, after `t = T - t`, calls `drift(x, T - t)`: β of the linear part is taken at u, not 1 −
  u;
- its display evaluates the score at $t_i$, which is u (its code is right);
- it starts from N(0,I) though ∫β is only 1.5: m(1) = .47 of the data is still there;
- the *Masterclass* reverses with ½σ² ∇log p. The ½ belongs to the ODE, which has no noise to
  balance.
*/

static void scheme(int slip, double u, double *linear, double *pull, double *noise) {
    double t = 1 - u, b = beta(t);
    *linear = 0.5 * (slip == LINEAR_END ? beta(u) : b);
    *pull = slip == HALF ? 0.5 * b : b;
    *noise = slip == NOISE ? sqrt(b) : b;
}

static double a_of(int slip, double u, double c, double *noise) { /* a and b² of (T26.1) */
    double linear, pull;
    scheme(slip, u, &linear, &pull, noise);
    return linear - pull / variance(slip == SCORE_END ? u : 1 - u, c);
}

/* Euler–Maruyama takes w to (1 + a du)² w + b² du: exact for its samples. `path` gets w. */

static double recursion(int slip, double c, long steps, double *half, float *path, int stride) {
    double w = slip == PRIOR ? 1 : variance(1, c), du = 1.0 / (double)steps, noise;
    for (long i = 0; i <= steps; i++) {
        if (2 * i == steps && half) *half = w;
        if (path && i % (steps / 100) == 0) path[stride * (i / (steps / 100))] = (float)w;
        if (i == steps) break;
        double a = a_of(slip, (double)i * du, c, &noise);
        w = (1 + a * du) * (1 + a * du) * w + noise * du;
    }
    return w;
}

/* (T26.1) up to u = `end`, by Simpson's rule with A tabulated from the end backwards. */

static double by_integral(int slip, double c, double end) {
    enum { N = 4000 };
    double A = 0, sum = 0, h = end / N, noise[3], a[3];
    for (int i = N - 1; i >= 0; i--) { /* backwards: A is ∫ a from u to the end */
        double e[3] = {0, 0, exp(2 * A)};
        for (int k = 0; k < 3; k++) a[k] = a_of(slip, (i + 0.5 * k) * h, c, &noise[k]);
        e[1] = exp(2 * (A + h / 24 * (-a[0] + 8 * a[1] + 5 * a[2]))); /* ∫ of half a parabola */
        A += h / 6 * (a[0] + 4 * a[1] + a[2]), e[0] = exp(2 * A);
        sum += h / 6 * (noise[0] * e[0] + 4 * noise[1] * e[1] + noise[2] * e[2]);
    }
    return (slip == PRIOR ? 1 : variance(1, c)) * exp(2 * A) + sum;
}

/* The recursion extrapolated to no step, 2w(2N) − w(N), against `truth`. What is removed, the error
of the first order, is the tolerance: what remains is smaller by another factor of the step. */

static void solved(const char *name, int slip, double c, double truth) {
    double w1 = recursion(slip, c, FINE, NULL, NULL, 0);
    double w2 = recursion(slip, c, 2 * FINE, NULL, NULL, 0);
    printf("   "), tut_left(name, 66);
    printf(" %8.4f   (right: %g)\n", 2 * w2 - w1, c);
    tut_check(name, 2 * w2 - w1, truth, fabs(w2 - w1) + 1e-9);
}

static void solved_cases(void) {
    double half[2], B = integral(1), prior[2], V;
    const double wide[2] = {0.25, 4};
    printf("1. Final variance on N(0,c), exact score, β(t) = %g + %g t\n", b0, b1);
    solved("no slip, N(0,1)", RIGHT, 1, 1);
    solved("no slip, N(0,1/4)", RIGHT, 0.25, 0.25);
    solved("SGM_GTAP: noise as written, N(0,1)", NOISE, 1, by_integral(NOISE, 1, 1));
    solved("SGM_GTAP: β of the linear drift at the wrong end, N(0,1)", LINEAR_END, 1,
           by_integral(LINEAR_END, 1, 1));
    recursion(LINEAR_END, 1, FINE, &half[0], NULL, 0);
    recursion(LINEAR_END, 1, 2 * FINE, &half[1], NULL, 0);
    tut_check("SGM_GTAP: the same half way", 2 * half[1] - half[0], by_integral(LINEAR_END, 1, 0.5),
              fabs(half[1] - half[0]) + 1e-9);
    solved("SGM_GTAP: score at t_i for T - t_i, N(0,1): hidden", SCORE_END, 1, 1);
    solved("SGM_GTAP: score at t_i for T - t_i, N(0,1/4)", SCORE_END, 0.25,
           by_integral(SCORE_END, 0.25, 1));
    /* b² = β, a = 0: w = 1 + ∫β */
    solved("Masterclass: ½ in the reversal, N(0,1): 1 + ∫β", HALF, 1, 1 + B);
    /* w − V obeys (w − V)' = 2a(w − V): started 1 − V(1) off, c²e^(−∫β)/V(1)² of that is left */
    for (int i = 0; i < 2; i++)
        V = variance(1, wide[i]), prior[i] = wide[i] + (1 - V) * pow(wide[i] / V, 2) * exp(-B);
    solved("SGM_GTAP: started from N(0,1), N(0,1/4)", PRIOR, 0.25, prior[0]);
    solved("SGM_GTAP: started from N(0,1), N(0,4)", PRIOR, 4, prior[1]);
    set_line(0.1, 19.9);
    solved("Masterclass: ½ in the reversal, VP(0.1, 20): 1 + ∫β", HALF, 1, 11.05);
    set_line(0.001, 2.999);
}

/*
## 2. Which experiment hides which slip

Draw 5000 samples with the exact score and ask how many standard errors the result is from the
truth. For Gaussians the recursion gives the answer; points need samples. Why do points hide so
much?

- One point is c = 0: the pull β/V grows like 1/t as t → 0, so the factor $e^{2A}$ of (T26.1) goes
  to 0 and everything that went wrong before is forgotten. What is left is noise of the last few
  steps.
- A share "within 0.15 of a point" is blind to all errors smaller than 0.15. (A network pulls less
  than the exact score at the end, and forgives less: proof 14.)
- Eight equal points are symmetric under a turn by 45°, and so is each of these schemes: whatever
  the slip, the points get equal shares. Two *unequal* points have no such symmetry.

N(0,1) has a symmetry of its own: V = 1, so the exact score is −x at whichever t you ask, and p_T is
the prior. Of a wrong prior's variance N(0,¼) keeps the factor c²e^(−∫β)/V(1)² = .02, N(0,4) keeps
1.28. And a constant β is the same at both ends. Choose a case that can be solved *and* has no
symmetry that your scheme may share.
*/

typedef struct cloud { int k; double x[8][2], weight[8], c; } cloud; /* c: about each point */

static void cloud_score(const cloud *c, double t, const double *x, double *s) {
    double m = exp(-0.5 * integral(t)), v = 1 - m * m * (1 - c->c), r[8], best = -HUGE_VAL, sum = 0;
    s[0] = s[1] = 0;
    for (int k = 0; k < c->k; k++) {
        double dx = m * c->x[k][0] - x[0], dy = m * c->x[k][1] - x[1];
        r[k] = log(c->weight[k]) - 0.5 * (dx * dx + dy * dy) / v;
        best = fmax(best, r[k]);
    }
    for (int k = 0; k < c->k; k++) sum += r[k] = exp(r[k] - best);
    for (int k = 0; k < c->k; k++)
        for (int j = 0; j < 2; j++) s[j] += r[k] / sum * (m * c->x[k][j] - x[j]) / v;
}

/* n samples of the scheme; mean |x|² on the way in path[stride·i], its standard error half way. */

static void cloud_run(double *x, long n, int steps, const cloud *c, int slip, float *path,
                      int stride, double *half, double *half_se, sgm_key key) {
    float *z = (float *)tut_memory((size_t)n * 2 * sizeof *z);
    double du = 1.0 / steps, m = exp(-0.5 * integral(1)), v = 1 - m * m * (1 - c->c);
    double s[2], linear, pull, noise;
    sgm_normal(z, (size_t)n * 2, sgm_key_split(key, 0), 0);
    for (long i = 0; i < 2 * n; i++) {
        double u = ((double)sgm_below(key, (uint64_t)i / 2, 1000) + 0.5) / 1000;
        int k = 0;
        for (; k < c->k - 1 && u > c->weight[k]; k++) u -= c->weight[k];
        x[i] = slip == PRIOR ? z[i] : m * c->x[k][i % 2] + sqrt(v) * z[i];
    }
    for (int step = 0; step <= steps; step++) {
        double u = step * du, sum = 0, square = 0;
        int mark = step * 100 / steps;
        int shown = step == 0 || mark != (step - 1) * 100 / steps || 2 * step == steps;
        if (shown && isfinite(x[0])) {
            for (long i = 0; i < n; i++) {
                double r2 = x[2 * i] * x[2 * i] + x[2 * i + 1] * x[2 * i + 1];
                sum += r2, square += r2 * r2;
            }
            sum /= (double)n, square /= (double)n;
            if (path) path[stride * mark] = (float)sum;
            if (2 * step == steps) *half = sum, *half_se = sqrt((square - sum * sum) / (double)n);
        }
        if (step == steps) break;
        scheme(slip, u, &linear, &pull, &noise);
        sgm_normal(z, (size_t)n * 2, sgm_key_split(key, (uint64_t)step + 1), 0);
        for (long i = 0; i < n; i++) {
            /* a point has no score at t = 0: SGM_GTAP's times begin one step away */
            cloud_score(c, slip == SCORE_END ? fmax(u, du) : 1 - u, x + 2 * i, s);
            for (int j = 0; j < 2; j++)
                x[2 * i + j] += (linear * x[2 * i + j] + pull * s[j]) * du +
                                sqrt(noise * du) * z[2 * i + j];
        }
    }
    free(z);
}

/* How far 5000 samples of each scheme are from the truth, in standard errors. */

static double miss[SLIPS][EXPERIMENTS];

static void on_clouds(int slip, long n, int steps, float *path) {
    cloud eight = {.k = 8}, two = {.k = 2, .x = {{1, 0}, {-1, 0}}, .weight = {WEIGHT, 1 - WEIGHT}};
    cloud one = {.k = 1, .weight = {1}, .c = 1};
    double *x = (double *)tut_memory((size_t)n * 2 * sizeof *x), count[8] = {0}, heavy = 0;
    double strays = 0, square = 0, half = NAN, se = NAN, chi2 = 0, e = (double)n / 8;
    double m2 = exp(-integral(0.5));
    for (int k = 0; k < 8; k++)
        eight.x[k][0] = cos(PI * k / 4), eight.x[k][1] = sin(PI * k / 4), eight.weight[k] = 0.125;
    cloud_run(x, n, steps, &eight, slip, path, SLIPS + 1, &half, &se, sgm_key_split(tut_key(), 10));
    for (long i = 0; i < n; i++) {
        double r = hypot(x[2 * i], x[2 * i + 1]), angle = atan2(x[2 * i + 1], x[2 * i]);
        int k = (int)floor(angle / (PI / 4) + 8.5) % 8;
        strays += !(hypot(x[2 * i] - eight.x[k][0], x[2 * i + 1] - eight.x[k][1]) < 0.15);
        count[k] += r == r;
    }
    for (int k = 0; k < 8; k++) chi2 += (count[k] - e) * (count[k] - e) / e;
    miss[slip][SHARE] = strays / fmax(1, sqrt(strays));
    miss[slip][COUNTS] = (chi2 - 7) / sqrt(14); /* χ² of 7 degrees: 7 ± √14 */
    miss[slip][HALFWAY] = half == half ? (half - m2 - 2 * (1 - m2)) / se : 1e9;
    cloud_run(x, n, steps, &two, slip, NULL, 0, &half, &se, sgm_key_split(tut_key(), 11));
    for (long i = 0; i < n; i++) heavy += x[2 * i] > 0;
    cloud_run(x, n, steps, &one, slip, NULL, 0, &half, &se, sgm_key_split(tut_key(), 12));
    for (long i = 0; i < 2 * n; i++) square += 0.5 * x[i] * x[i] / (double)n;
    miss[slip][PAIR] = (heavy / (double)n - WEIGHT) / sqrt(WEIGHT * (1 - WEIGHT) / (double)n);
    char name[96];
    snprintf(name, sizeof name, "N(0,1), %s: samples", slip_name[slip]);
    double law = recursion(slip, 1, steps, NULL, NULL, 0); /* its error of 2n normals: 1/√n of it */
    tut_check(name, square, law, 5 * law / sqrt((double)n));
    snprintf(name, sizeof name, "8 points, %s: share near", slip_name[slip]);
    if (slip == SCORE_END) strcpy(name, "8 points, score at the other end: strays");
    tut_check(name, slip == SCORE_END ? strays / (double)n : 1 - strays / (double)n, 1,
              25 / (double)n); /* 25 strays are 5 standard errors of 25 strays */
    snprintf(name, sizeof name, "8 points, %s: p > 1e-6", slip_name[slip]);
    tut_check(name, stat_gamma_q(3.5, 0.5 * chi2) > 1e-6, 1, 0); /* by symmetry, with any slip */
    /* from x at T a path ends at a point with the chance that x came from it: its mean over x */
    double m = exp(-0.5 * integral(1)), given = 0;
    for (int i = -400; i <= 400; i++)
        given += 0.02 * exp(-0.0002 * i * i) / sqrt(2 * PI) /
                 (1 + (1 - WEIGHT) / WEIGHT * exp(-2 * m * 0.02 * i / (1 - m * m)));
    if (slip == PRIOR)
        tut_check("SGM_GTAP: two unequal points from N(0,I)",
                  heavy / (double)n, given, /* standard errors, and one step's worth */
                  5 * sqrt(given * (1 - given) / (double)n) + 1.0 / steps);
    printf("   "), tut_left(slip_name[slip], 34);
    printf(" share %.4f, χ² %5.1f, heavier of two %.4f, N(0,1) %.4f\n", 1 - strays / (double)n, chi2,
           heavy / (double)n, square);
    free(x);
}

static void matrix(int quick) {
    static const char *const label[EXPERIMENTS] = {"share", "counts", "half", "pair", "N(0,1)",
                                                   "N(0,1/4)", "N(0,4)", "N(0,1) β const"};
    static const double c[EXPERIMENTS] = {0, 0, 0, 0, 1, 0.25, 4, 1};
    static float path[101 * (SLIPS + 1)], one[101 * (SLIPS + 1)], quarter[101 * (SLIPS + 1)];
    float rows[SLIPS * EXPERIMENTS * 3];
    long n = quick ? 500 : SIZE;
    int steps = quick ? 200 : STEPS;
    printf("\n2. %ld samples of eight points and of two unequal ones, %d steps\n", n, steps);
    for (int i = 0; i <= 100; i++)
        path[i * (SLIPS + 1)] = one[i * (SLIPS + 1)] = quarter[i * (SLIPS + 1)] = (float)i / 100;
    for (int slip = 0; slip < SLIPS; slip++) {
        on_clouds(slip, n, steps, path + 1 + slip);
        for (int k = UNIT; k < EXPERIMENTS; k++) {
            if (k == STILL) set_line(1.5005, 0);
            miss[slip][k] = recursion(slip, c[k], STEPS, NULL, NULL, 0) / c[k] - 1;
            miss[slip][k] /= sqrt(2.0 / SIZE);
            set_line(0.001, 2.999);
        }
        recursion(slip, 1, 1000, NULL, one + 1 + slip, SLIPS + 1);
        recursion(slip, 0.25, 1000, NULL, quarter + 1 + slip, SLIPS + 1);
    }
    printf("\n   standard errors from the truth, of 5000 samples (beyond 5: seen)\n   %-31s", "");
    for (int k = 0; k < EXPERIMENTS; k++)
        printf(" "), tut_left(k == STILL ? "β const" : label[k], 7);
    for (int slip = 0; slip < SLIPS; slip++) {
        printf("\n   "), tut_left(slip_name[slip], 31);
        for (int k = 0; k < EXPERIMENTS; k++) {
            double z = fmin(fabs(miss[slip][k]), 999);
            float row[3] = {(float)slip, (float)k, (float)z};
            memcpy(rows + 3 * (slip * EXPERIMENTS + k), row, sizeof row);
            printf(" %6.1f%s", z, z > 5 ? "*" : " ");
        }
    }
    printf("\n");
    for (int k = UNIT; k < EXPERIMENTS; k++) {
        static const int truth[EXPERIMENTS] = {0, 0, 0, 0, 3, 3, 5, 2};
        char name[96];
        int seen = 0;
        for (int slip = PRIOR; slip < SLIPS; slip++) seen += fabs(miss[slip][k]) > 5;
        snprintf(name, sizeof name, "slips that 5000 samples of %s see", label[k]);
        tut_check(name, seen, truth[k], 0); /* the recursion: no chance in it */
    }
    tut_dat("hidden.dat", "slip experiment standard_errors", rows, SLIPS * EXPERIMENTS, 3);
    tut_dat("path_ring.dat", "u, mean |x|^2 of each scheme on eight points", path, 101, SLIPS + 1);
    tut_dat("path_one.dat", "u, variance of each scheme on N(0,1)", one, 101, SLIPS + 1);
    tut_dat("path_quarter.dat", "u, variance of each scheme on N(0,1/4)", quarter, 101, SLIPS + 1);
}

/*
## 3. Units

β is a rate: one over a time. Δt·β has no unit and Δt·√β has one, so the written noise must depend
on whether you count seconds or minutes. Count T = 10 instead of T = 1: β becomes β/10, all that is
right stays, and the written noise gets √10 times as strong. *SBGM* writes $dw ∼ N(0, I)$; a dw has
the unit of √dt, and with variance 1 in each of N steps the result grows with N: no limit exists.
*/

static void units(void) {
    double w[2], change, B = integral(1);
    printf("\n3. Units\n");
    set_line(0.001 / 10, 2.999 / 10); /* β/10 at u of T = 10 units: du is 10 times as long */
    for (int k = 0; k < 2; k++) {
        double du = 1.0 / FINE / (1 + k), t;
        w[k] = 1;
        for (long i = 0; i < FINE * (1 + k); i++)
            t = 1 - (double)i * du, w[k] = (1 - beta(t) * du * 10) * w[k] + sqrt(beta(t)) * du * 10;
    }
    set_line(0.001, 2.999);
    /* w' = −βw + √10 √β: the homogeneous part is e^(−∫β), the rest √10 times that of T = 1 */
    double homogeneous = exp(-B), other = by_integral(NOISE, 1, 1) - homogeneous;
    printf("   written noise, N(0,1): %.4f by one clock, %.4f by one ten times as fast\n",
           homogeneous + other, 2 * w[1] - w[0]);
    tut_check("SGM_GTAP: noise as written, a clock ten times as fast", 2 * w[1] - w[0],
              homogeneous + sqrt(10) * other, fabs(w[1] - w[0]));
    for (int k = 0; k < 2; k++) {
        long steps = 1000 * (1 + k);
        w[k] = 1;
        for (long i = 0; i < steps; i++) {
            double b = beta((double)i / (double)steps);
            w[k] = pow(1 - b / 2 / (double)steps, 2) * w[k] + b;
        }
    }
    change = (w[1] - w[0]) / 1000;
    printf("   forward with dw ~ N(0,1): variance %.1f after 1000 steps, %.1f after 2000\n", w[0],
           w[1]);
    /* w = e^(−∫β) + N (1 − e^(−∫β)), and what a step's length changes: N-th parts of β ≤ 3 */
    tut_check("SBGM: dw ~ N(0, I), variance gained per step", change, 1 - exp(-B), 3.0 / 1000);
}

/*
## 4. Limits

Let one thing go to its end and ask whether the line survives.

- *SGM_GTAP* and the *SDE README* average ‖∇log p(x|x0) − s‖² over t ∼ U[0,1]. As t → 0 the target
  is −ε/√v with v ≈ β_min t: on N(0,1) the least possible loss at t is $1/(e^{∫β} - 1)$, whose
  integral diverges by ln 10/β_min for each decade of the smallest t. What is trained is v times
  that, which the document's "∝" hides.
- The *Lens* takes β(t) = T β_{t/T} in its limit of DDPM. With t ≤ 1 the index t/T never leaves the
  first level; β(t) = T β_{tT} is meant.
- VP "preserves" the variance of data that has variance 1. The lesson's own ring has 12.66.
- SBGM's code (not its text) has the sub-VP deviation 1 − e^(−2∫β); its drift and diffusion give 1 −
  e^(−∫β), less by the factor 1 + e^(−∫β): 2 as t → 0, and 1 at the end, where one looks.
- Proof 11 measures two more. VE is written $x_t = x_0 + σ(t)ε$ (*SDE README*, *Lens*), which with
  a geometric σ is not x_0 at t = 0: the kernel's variance is σ²(t) − σ²(0). And sub-VP is said to
  have less variance than VP "for high noise": their ratio 1 − ᾱ is least at low noise.
*/

static double decade(double from, double to) { /* ∫ dt/(e^∫β − 1), by Simpson's rule in log t */
    enum { N = 2000 };
    double h = log(to / from) / N, sum = 0;
    for (int i = 0; i <= N; i++) {
        double t = from * exp(i * h);
        sum += (i == 0 || i == N ? 1 : i % 2 ? 4 : 2) * t / expm1(integral(t)) * h / 3;
    }
    return sum;
}

static void limits(void) {
    enum { N = 1000 };
    sgm_sde vp = sgm_sde_vp(0.1, 20), one = sgm_sde_subvp(1, 1);
    float rows[60 * 2];
    double bars[2] = {1, 1}, w = 0, h = 0.25 / N;
    printf("\n4. Limits\n");
    for (int i = 0; i < 60; i++) {
        rows[2 * i] = (float)pow(10, -0.1 * (i + 1));
        rows[2 * i + 1] = (float)decade(rows[2 * i], 1);
    }
    tut_dat("unweighted.dat", "smallest t, least unweighted loss on N(0,1)", rows, 60, 2);
    printf("   unweighted loss on N(0,1), t from 10^-2: %.0f, from 10^-4: %.0f, from 10^-6: %.0f\n",
           decade(1e-2, 1), decade(1e-4, 1), decade(1e-6, 1));
    /* 1/(e^∫β − 1) is 1/(β_min t), but for a factor 1 + 1500 t: 1500 · 10⁻⁶/β_min of the whole */
    tut_check("SGM_GTAP: unweighted loss, growth from t = 1e-6 to 1e-7", decade(1e-7, 1e-6),
              log(10) / 0.001, 1.5);
    for (int k = 1; k <= 1000; k++) {
        bars[0] *= 1 - (1e-4 + (0.02 - 1e-4) * (k - 1) / 999);
        bars[1] *= 1 - (1e-4 + (0.02 - 1e-4) * ((int)ceil(k / 1000.0) - 1) / 999);
    }
    printf("   ᾱ(1): DDPM %.3g, with β_{tT} %.3g, with β_{t/T} %.3g\n", bars[0], exp(-10.05),
           bars[1]);
    tut_check("Lens: DDPM's ᾱ after 1000 levels", bars[0], 4.0358e-5, 5e-10); /* of five digits */
    /* log(1 − β) = −β − β²/2: a thousand of them */
    tut_check("Lens: its ᾱ(1) with β_{t/T} as printed", bars[1], exp(-0.1), 1000 * 0.5e-8);
    double stays = pow(sgm_sde_m(&vp, 0.2), 2) * 12.66 + pow(sgm_sde_s(&vp, 0.2), 2);
    printf("   VP(.1, 20): the ring's variance is 12.66, at t = .2 %.3f, in the end 1\n", stays);
    tut_check("Lens: VP variance of its ring at t = .2", stays, 1 + 11.66 * exp(-0.418), 1e-12);
    for (int i = 0; i < N; i++) { /* w' = −βw + g², Heun's rule, of second order */
        double k1 = 2 * sgm_sde_f(&one, i * h) * w + sgm_sde_g2(&one, i * h);
        double k2 = 2 * sgm_sde_f(&one, (i + 1) * h) * (w + h * k1) + sgm_sde_g2(&one, (i + 1) * h);
        w += 0.5 * h * (k1 + k2);
    }
    printf("   sub-VP, β = 1, t = ¼: deviation %.4f by its SDE, %.4f in SBGM's code\n", sqrt(w),
           1 - exp(-0.5));
    tut_check("SBGM: its code's sub-VP deviation over its SDE's", (1 - exp(-0.5)) / sqrt(w),
              1 + exp(-0.25), 100 * h * h);
}

/*
## 5. A density integrates to one

By the flow $dx/dt = F$, $\log p_0(x_0) = \log p_T(x_T) + ∫ ∇·F\,dt$ with F = f − ½g²s. *SBGM*
writes the forward drift f for F, and a minus; the *Lens* writes F, and a minus; the *SDE README*
has it right. On N(0,1) F = 0, and the Lens' sign is hidden. In general ∫∇·F = ½ log(V/c), and the
three "densities" integrate to 1, $e^{½∫β}\sqrt{c/V}$ and c/V: no need to know the truth, only to
add up.

And a formula that is right may be solved badly. Euler's steps move x by the factors 1 + u_i, yet
add u_i to log p instead of log(1 + u_i), which is less. So what they call a density integrates to
$∏ e^{u_i}/(1 + u_i) > 1$: with few steps the likelihood is too good to be true, even better than
the entropy allows. The *Lens* recommends 20 to 50 evaluations "with high-order solvers"; with
Euler's:
*/

static void likelihood(void) {
    enum { N = 801, COUNTS_OF_STEPS = 7 };
    static const int few[COUNTS_OF_STEPS] = {2, 5, 10, 20, 50, 100, 1000};
    float x[N], latent[N], rows[COUNTS_OF_STEPS * 3];
    double logp[N], c = 0.25, total[3] = {0}, mean = 0;
    sgm_sde sde = sgm_sde_vp(0.001, 3);
    sgm_mixture mix;
    sde.t_min = 1e-5;
    for (int i = 0; i < N; i++) x[i] = (float)(sqrt(c) * (i - N / 2) * 0.05); /* to 20 deviations */
    tut_must(sgm_mixture_init(&mix, 1, 1, NULL, &mean, &c, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    tut_must(sgm_likelihood(logp, NULL, latent, x, N, &score, NULL, NULL, tut_key()));
    for (int i = 0; i < N; i++) {
        double prior = -0.5 * latent[i] * latent[i] - 0.5 * log(2 * PI), div = logp[i] - prior;
        double h = sqrt(c) * 0.05;
        total[0] += h * exp(logp[i]), total[1] += h * exp(prior + 0.5 * integral(1));
        total[2] += h * exp(prior - div);
    }
    double V = variance(1, c);
    printf("\n5. The density of N(0,1/4) integrates to %.4f, SBGM's to %.4f, the Lens' to %.4f\n",
           total[0], total[1], total[2]);
    /* tolerances: RK45's 10⁻⁵ per unit of x and log p, and t_min, each times what is integrated */
    tut_check("the right density by the flow integrates to", total[0], 1, 1e-4);
    tut_check("SBGM: its printed likelihood integrates to", total[1],
              exp(0.5 * integral(1)) * sqrt(c / V), 2e-4);
    tut_check("Lens: its printed likelihood integrates to", total[2], c / V, 2e-4);
    sgm_mixture_free(&mix);
    c = 0.01, sde = sgm_sde_vp(0.1, 20), sde.t_min = 1e-3;
    for (int i = 0; i < N; i++) x[i] = (float)(sqrt(c) * (i - N / 2) * 0.05);
    tut_must(sgm_mixture_init(&mix, 1, 1, NULL, &mean, &c, SGM_COV_ISOTROPIC, &sde));
    score = sgm_mixture_score(&mix);
    printf("   N(0,.01), VP(.1, 20), Euler:  steps   integral       NLL - entropy, nats\n");
    for (int k = 0; k < COUNTS_OF_STEPS; k++) {
        sgm_likelihood_options o = {.unchecked = 1,
            .solve = {.method = SGM_METHOD_EULER, .steps = few[k], .grid = SGM_GRID_UNIFORM}};
        double sum = 0, nll = 0, S = 0, G = 1, h = (sde.T - sde.t_min) / few[k], v = 0, e;
        tut_must(sgm_likelihood(logp, NULL, NULL, x, N, &score, &o, NULL, tut_key()));
        for (int i = 0; i < few[k]; i++) { /* u = h F' at each step: F = ½β(1/V − 1)x */
            double t = sde.t_min + i * h, m = sgm_sde_m(&sde, t), s = sgm_sde_s(&sde, t);
            if (i == 0) v = m * m * c + s * s; /* what is there at t_min */
            double u = h * 0.5 * sgm_sde_g2(&sde, t) * (1 / (m * m * c + s * s) - 1);
            S += u, G *= 1 + u;
        }
        for (int i = 0; i < N; i++) {
            double p = exp(-0.5 * x[i] * x[i] / v) / sqrt(2 * PI * v), dx = sqrt(c) * 0.05;
            sum += dx * exp(logp[i]), nll -= dx * p * logp[i];
        }
        e = 0.5 * (G * G * v - 1 - log(v)) - S; /* NLL − entropy of N(0,v), in closed form */
        nll -= 0.5 * log(2 * PI * exp(1) * v);
        printf("   %34d %10.4f %15.4f\n", few[k], sum, nll);
        rows[3 * k] = (float)few[k], rows[3 * k + 1] = (float)sum, rows[3 * k + 2] = (float)nll;
        char name[96];
        /* the score and its tangent are floats: 10⁻⁶ of each u, whose sum is below 5 */
        snprintf(name, sizeof name, "Lens: %d Euler steps: the density integrates to", few[k]);
        if (few[k] < 100) tut_check(name, sum, exp(S) / G, 1e-4);
        snprintf(name, sizeof name, "Lens: %d Euler steps: NLL - entropy, nats (below 0)", few[k]);
        if (few[k] == 20) tut_check(name, nll, e, 1e-4);
    }
    tut_dat("few_steps.dat", "Euler steps, integral of the density, NLL - entropy", rows,
            COUNTS_OF_STEPS, 3);
    sgm_mixture_free(&mix);
}

/*
## 6. Losses

- *SGM_GTAP*: ∝ hides 1/v under the mean over t. A network that is free at each t does not care; one
  that must compromise does. Let it be s = −θx for all t: with the weight v the best θ is
  mean(v)/mean(vV), without it 1/mean(V). On N(0,1) both are 1 (hidden), on N(0,¼) they are not.
- *SDE README*: heads (a) and (b) get the same λ, though (b) is (a) times σ². With its VE choice λ =
  σ² head (a) is balanced, and head (b), at first, has most of its loss in the last tenth of t.
- *Lens*: "the DDPM objective is 1/σ² times the DSM objective" (it is σ² times) and "the optimal s
  is −ε/σ" (a network sees x̃, not ε: the best is E[−ε/σ | x̃], and the loss is not 0). Proof 21
  has both numbers.
*/

static void losses(void) {
    enum { N = 20000 };
    double c = 0.25, I[2], sum[3] = {0}, tail = 0, all = 0;
    printf("\n6. Losses\n");
    for (int i = 0; i < N; i++) { /* midpoints, which err by 1/(24 N²) of a curvature below 20 */
        double t = (i + 0.5) / N, v = variance(t, 0), V = variance(t, c);
        sum[0] += v / N, sum[1] += v * V / N, sum[2] += V / N;
        all += pow(5000, 2 * t) / N, tail += t > 0.9 ? pow(5000, 2 * t) / N : 0;
    }
    for (int k = 0; k < 2; k++) { /* ∫ e^(−k∫β) dt by the error function: complete the square */
        double a = 0.5 * b1 * (k + 1), b = b0 * (k + 1), q = b / (2 * a);
        I[k] = exp(a * q * q) * sqrt(PI / (4 * a)) * (erf(sqrt(a) * (1 + q)) - erf(sqrt(a) * q));
    }
    printf("   best θ of s = −θx on N(0,1/4): %.4f with the weight v, %.4f without\n",
           sum[0] / sum[1], 1 / sum[2]);
    tut_check("SGM_GTAP: best θ with the weight that ∝ hides", sum[0] / sum[1],
              (1 - I[0]) / (1 - (2 - c) * I[0] + (1 - c) * I[1]), 1e-7);
    tut_check("SGM_GTAP: best θ of the loss as displayed", 1 / sum[2], 1 / (1 - (1 - c) * I[0]),
              1e-7);
    printf("   VE, λ = σ² on the noise head: %.3f of the loss in t > .9\n", tail / all);
    tut_check("SDE README: share of head (b)'s loss in t > .9", tail / all,
              (1 - pow(5000, -0.2)) / (1 - pow(5000, -2)), 1e-6);
}

/*
## 7. Words and numbers

A sentence that says "always" falls with one case. All of these are of the *Lens*:

- "the score points to the nearest centre". Not for unequal weights (.9 at −2, .1 at 2: at x = ¼ it
  points to −2), not for unequal widths (¼ at −1, 2 at 2: at 0 it points to 2).
- far from all data it points "very weakly". The score of a Gaussian grows with the distance: 31 at
  twice the radius of the lesson's ring. What is weak there is what a *network* knows.
- with γ ∝ σ² the step keeps its ratio to the curvature. The curvature is 1/(.16 + σ²) on that ring,
  so from σ = 10 to .01 the product falls 1598 times. It would be constant if the data were points.
- Langevin with ε/2 and √ε is the Masterclass' γ and √2γ with γ = ε/2 (proof 12), and "Euler on
  the flow is exactly DDIM" in x/m against s/m, not in t (proof 17).
- NCSN: "a new FID record", NCSNv2: "2.45". The papers say: NCSN 25.32 (its record is the inception
  score, 8.87), NCSNv2 10.87; 2.45 and 2.20 belong to NCSN++ (Song et al. 2021). And NCSNv2's
  published CIFAR-10 settings have the spectral normalisation off. A number that is cited is looked
  up.
*/

/* The exact score (or its derivative) of a mixture on a line, at x and σ. */

static double exact(int k, const double *weight, const double *mean, const double *var, double x,
                    double sigma, int derivative) {
    sgm_sde edm = sgm_sde_edm(0.01, 10);
    sgm_mixture mix;
    float at = (float)x, t = (float)sigma, v = 1, s, js;
    tut_must(sgm_mixture_init(&mix, k, 1, weight, mean, var, SGM_COV_ISOTROPIC, &edm));
    sgm_score score = sgm_mixture_score(&mix);
    tut_must(sgm_score_jvp(&score, &s, &js, &at, &v, &t, 1));
    sgm_mixture_free(&mix);
    return derivative ? js : s;
}

static void words(void) {
    const double apart[2] = {-2, 2}, other[2] = {-1, 2}, weight[2] = {0.9, 0.1}, zero = 0;
    const double same[2] = {1, 1}, widths[2] = {0.0625, 4}, narrow[2] = {0.16, 0.16};
    const double ring[2] = {-5, 5};
    double r, got, product[2];
    got = exact(2, weight, apart, same, 0.25, 0, 0), r = 1 / (1 + 9 * exp(-1));
    printf("\n7. Words\n   weights .9 and .1: score at 1/4 is %.4f, the nearest centre 2\n", got);
    tut_check("Lens: weights .9 and .1: score, nearer centre at 2", got, 4 * r - 2.25, 1e-6);
    got = exact(2, NULL, other, widths, 0, 0, 0), r = 1 / (1 + 8 * exp(-7.5));
    printf("   widths ¼ and 2: score at 0 is %.4f, the nearest centre -1\n", got);
    tut_check("Lens: widths 1/4 and 2: score, nearer centre at -1", got, 16.5 * r - 16, 1e-5);
    got = -exact(2, NULL, ring, narrow, 10, 0, 0);
    printf("   score 5 beyond a mode of the ring: %.2f\n", got);
    tut_check("Lens: score 5 beyond a mode of its ring: 5/.16", got, 5 / 0.16, 1e-5);
    for (int k = 0; k < 2; k++)
        product[k] = -exact(1, NULL, &zero, narrow, 0, k ? 0.01 : 10, 1) * (k ? 1e-5 : 10);
    printf("   γ × curvature: %.3g at σ = 10, %.2g at .01\n", product[0], product[1]);
    tut_check("Lens: γ × curvature at σ = 10 over that at σ = .01", product[0] / product[1],
              1e6 * (0.16 + 1e-4) / (0.16 + 100), 0.01); /* 10⁻⁵ of it, which floats allow */
}

int main(int argc, char **argv) {
    int quick = tut_quick();
    tut_start("26_errata", argc, argv);
    set_line(0.001, 2.999);
    solved_cases();
    matrix(quick);
    units();
    limits();
    likelihood();
    losses();
    words();
    return tut_done();
}
