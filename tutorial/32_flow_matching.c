/*
# 22. Flow matching: straight lines to the data, and how straight they are

**Question.** Join each datum to a noise by a straight line, teach a network the line's velocity, and
follow it: is that something else than a score model, and does it need fewer steps?

**Equation.** $x_t = (1−t)x_0 + tε$ moves with $ε − x_0$, and the network's best answer is the mean
of that at x, $u_t(x) = E[ε − x_0 | x_t = x]$. Its flow $\dot x = u_t(x)$ has the marginals of the
lines: it is the probability-flow ODE (7.1) of `sgm_sde_rectified`.

**Plan.** *SBGM: Score-Based Generative Models in JAX* (J. Homer) plans to add this.

1. Velocity and score are one thing, to rounding: the exact ones, and a network's.
2. The floor of the loss: it is not 0, because lines cross. In closed form, and by quadrature.
3. How straight is the flow? In closed form for a Gaussian; what one Euler step gives.
4. Euler on the straight path is DDIM: the steps of a VP process at the same noise levels.
5. Three networks, trained alike, by a loop of one's own (`sgm_optimiser_step`): VP; lines; lines
   between pairs that are chosen, in each batch, so that the lines hardly cross.
6. Energy distance at 2 to 64 evaluations, and the bend of each flow.

**What you should see.** The *lines* are straight; the *flow* through them is not, for where lines
cross, u is their mean: it bends as much as VP's. So at 2 evaluations lines are worse than Euler on
VP, at 4 and 8 hardly better; what they win against DDIM at even t is the choice of levels. Pairs by
optimal transport hardly cross: the bend falls from .98 to .005, and 2 evaluations are better than 8
of any other way. They pay with the score: their u is the mean over other pairs, and (T32.1) makes
of it the gradient of nothing. No likelihood, no noisy sampler, no guidance by Bayes' rule with it.

**Figures.** `32_flow_matching_paths.png`, `32_flow_matching_steps.png`.

    cc -O2 -fopenmp tutorial/32_flow_matching.c -o 32_flow_matching -lm

**Exercises.**
(1) Set B to 16: pairs are chosen among fewer, 0.9 apart on average instead of 0.4, and the flow of
the third network bends more.
(2) Set `spread` to 0.02: the floor falls from 2.75 to 2.4 only. It is not the width of the eight
that it counts, but how late a point learns to which of them it goes.
(3) Give DDIM at even t the grid SGM_GRID_QUADRATIC: with exact scores, 4 evaluations then come to
0.016 for 0.12, almost what lines do. It was the levels.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846
enum { D = 2, K = 8, B = 128, COUNTS = 6, PATHS = 40, FILM = 80, WAYS = 9 };
enum { VP, LINES, PAIRS, NETS };

static const double spread = 0.15;                       /* of each of the eight Gaussians */
static const int counts[COUNTS] = {2, 4, 8, 16, 32, 64}; /* evaluations                    */
static double centre[K * D]; /* on a circle of radius √2: each coordinate has variance 1 + .0225 */
static sgm_sde line, vp;
static sgm_mixture law, law_vp;
static sgm_model net[NETS];
static const char *const net_name[NETS] = {"VP", "lines", "chosen pairs"};

/*
## 1. Velocity and score

By (2.6) the mean of ε at x is −t s, with s the score; then that of $x_0$ is (x + t² s)/(1 − t), and

$$u_t(x) = E[ε − x_0 | x] = −\frac{x + t\, s(x,t)}{1 − t} \qquad(T32.1)$$

In floats the score has one rounding, of relative size 2⁻²⁴, and u another:

$$|δu| ≤ 2^{−24} \left( \frac{t |s|}{1 − t} + |u| \right) \qquad(T32.2)$$

The truth is a sum over the components in double, which knows no score: given component k, ε and
$x_0$ are Gaussian with x, and their means at x are linear in it. It serves any m and s, and tells
the density and the trace of Cov(ε − x_0 | x) too, of which the next step speaks.
*/
static double at(double m, double s, const double *x, double u[D], double *trace) {
    const double c = spread * spread, v = m * m * c + s * s, apart = (m + s) * (m + s);
    double p[K], each[K][D], sum = 0, square = 0, near = HUGE_VAL;
    for (int k = 0; k < K; k++) {
        double off[D] = {x[0] - m * centre[k * D], x[1] - m * centre[k * D + 1]};
        near = fmin(near, p[k] = (off[0] * off[0] + off[1] * off[1]) / (2 * v));
        for (int j = 0; j < D; j++) /* E ε − E x0, given component k */
            each[k][j] = s / v * off[j] - centre[k * D + j] - m * c / v * off[j];
    }
    for (int k = 0; k < K; k++) sum += p[k] = exp(near - p[k]);
    for (int i = u[0] = u[1] = 0; i < K * D; i++) u[i % D] += p[i / D] / sum * each[i / D][i % D];
    for (int i = 0; i < K * D; i++) square += p[i / D] / sum * pow(each[i / D][i % D] - u[i % D], 2);
    *trace = D * c * apart / v + square; /* within the components, and between them */
    return sum * exp(-near) / (2 * PI * v * K);
}

/* The largest error among n points, in units of (T32.2). */

static double roundings(const double *u, const float *got, const float *s, const float *t, long n) {
    double worst = 0, half = FLT_EPSILON / 2;
    for (long i = 0; i < n * D; i++)
        worst = fmax(worst, fabs(got[i] - u[i]) / (fabs(t[i / D] * s[i]) / (1 - t[i / D]) + fabs(u[i])) / half);
    return worst;
}

static void draw_times(float *x, float *t, long n, sgm_key key) {
    sgm_uniform(t, (size_t)n, sgm_key_split(key, 0), 0);
    for (long i = 0; i < n; i++) {
        t[i] = (float)(line.t_min + (line.T - line.t_min) * t[i]);
        tut_must(sgm_mixture_sample(&law, x + i * D, NULL, 1, t[i], sgm_key_split(key, (uint64_t)i + 1)));
    }
}

/* The network's own words at x and t, from one pass over a tape. */
static sgm_tensor *say(sgm_tape *tape, const sgm_model *model, float *params, float *grads,
                       const float *x, const float *t, int n) {
    float *logs = (float *)tut_memory((size_t)n * sizeof *logs);
    sgm_net_in in = {.out = D};
    for (int i = 0; i < n; i++) logs[i] = (float)(-0.5 * sgm_sde_logsnr(&model->o.sde, t[i])); /* log s/m */
    sgm_tape_reset(tape, params, grads, model->n_params, sgm_key_init(0), SGM_TAPE_TRAINING);
    in.x = sgm_tape_input(tape, x, n, D), in.t = sgm_tape_input(tape, t, n, 1);
    in.log_sigma = sgm_tape_input(tape, logs, n, 1);
    sgm_tensor *out = model->o.net(tape, &in);
    tut_must(sgm_tape_status(tape));
    free(logs);
    return out;
}

static void identity(sgm_key key) {
    enum { N = 2000 };
    static float x[N * D], t[N], s[N * D], got[N * D];
    static double u[N * D];
    sgm_tape *tape = sgm_tape_new();
    sgm_score exact = sgm_mixture_score(&law), learned = sgm_model_score(&net[LINES], 0);
    draw_times(x, t, N, key);
    tut_must(sgm_score_eval(&exact, s, x, t, N));
    sgm_output_convert(got, SGM_OUTPUT_FLOW, s, SGM_OUTPUT_SCORE, x, t, N, D, &line, 0);
    for (int i = 0; i < N; i++) {
        double unused, place[D] = {x[i * D], x[i * D + 1]};
        at(1 - (double)t[i], t[i], place, u + i * D, &unused);
    }
    double sums = roundings(u, got, s, t, N);
    sgm_tensor *out = say(tape, &net[LINES], net[LINES].ema[0], NULL, x, t, N);
    for (int i = 0; i < N * D; i++) u[i] = out->v[i];
    tut_must(sgm_score_eval(&learned, s, x, t, N));
    sgm_output_convert(got, SGM_OUTPUT_FLOW, s, SGM_OUTPUT_SCORE, x, t, N, D, &line, 0);
    double back = roundings(u, got, s, t, N);
    printf("1. u from the exact score is off by %.2f of the roundings (T32.2) at most, a network's u "
           "that\n   was a score in between by %.2f\n", sums, back);
    tut_check("1. u from the exact score, in roundings (T32.1)", sums, 0, 1.01); /* 1, and double's */
    tut_check("1. u of a network -> score -> u, in roundings (T32.1)", back, 0, 1.01);
    sgm_tape_free(tape);
}

/*
## 2. The floor

No network says ε − x_0, which x does not tell; the least loss is $E \mathrm{tr\,Cov}(ε − x_0|x_t)$.
In one dimension and for N(0, c), with $q(t) = (1−t)²c + t²$ the variance at t, the variance of
ε − x_0 is 1 + c, its covariance with x is t − (1−t)c, and what x leaves of it is

$$(1 + c) − \frac{(t − (1−t)c)²}{q} = \frac{c}{q}, \qquad
∫_0^1 \frac{c}{q}\, dt = \frac π2 \sqrt c \qquad(T32.3)$$

(substitute r = t/(1−t), and ∫ c/(c + r²) dr = √c arctan(r/√c), which also serves $t_{min}$ … T).
Of any data, (2.6) has a second half, Cov(ε|x) = I + t² ∂s/∂x, and as (ε − x_0)(1 − t) = ε − x,

$$\mathrm{tr\,Cov}(ε − x_0 | x) = \frac{D + t²\, \mathrm{tr}\, ∂s/∂x}{(1 − t)²} \qquad(T32.4)$$

by tangents of the score. For eight Gaussians that is held against the density and covariance of
`at`, summed over a grid in x and t, and against `sgm_dsm`, which draws.
*/
static double arc(double c, double t) { return sqrt(c) * atan(t / ((1 - t) * sqrt(c))); }

static double gaussian_floor(double c) {
    return (arc(c, line.T) - arc(c, line.t_min)) / (line.T - line.t_min);
}

static double by_quadrature(void) {
    const int times = tut_quick() ? 60 : 120, side = tut_quick() ? 120 : 200;
    const double low = log(line.t_min / (1 - line.t_min)), high = log(line.T / (1 - line.T));
    double sum = 0, h = (high - low) / times, u[D], trace;
    for (int q = 0; q < times; q++) { /* midpoints, even in log σ = log(t/(1−t)) */
        double e = exp(low + h * (q + 0.5)), t = e / (1 + e), inner = 0, mass = 0;
        double wall = (1 - t) * (sqrt(2) + 6 * spread) + 6 * t, cell = 2 * wall / side;
        for (int i = 0; i < side * side; i++) {
            double x[D] = {(i / side + 0.5) * cell - wall, (i % side + 0.5) * cell - wall};
            double p = at(1 - t, t, x, u, &trace);
            inner += p * trace, mass += p;
        }
        sum += inner / mass * h * t * (1 - t);
    }
    return sum / (line.T - line.t_min);
}

/* The mean of (T32.4) over points of p_t, t uniform. */
static double by_tangents(const sgm_score *exact, long n, double *se, sgm_key key) {
    float *x = (float *)tut_memory((size_t)n * (4 * D + 1) * sizeof *x), *s = x + n * D, *js = s + n * D;
    float *v = js + n * D, *t = v + n * D;
    double *here = (double *)tut_memory((size_t)n * sizeof *here), sum = 0, square = 0;
    draw_times(x, t, n, key);
    for (int j = 0; j < D; j++) {
        for (long i = 0; i < n * D; i++) v[i] = i % D == j;
        tut_must(sgm_score_jvp(exact, s, js, x, v, t, n));
        for (long i = 0; i < n; i++) here[i] += js[i * D + j];
    }
    for (long i = 0; i < n; i++) {
        double T = t[i], floor_at = (D + T * T * here[i]) / ((1 - T) * (1 - T));
        sum += floor_at / (double)n, square += floor_at * floor_at / (double)n;
    }
    *se = sqrt((square - sum * sum) / (double)n);
    free(x), free(here);
    return sum;
}

static double floors(sgm_key key) {
    const long n = tut_quick() ? 20000 : 400000;
    const double c[3] = {1, 0.25, 0.01}, zero[D] = {0, 0};
    float *x = (float *)tut_memory((size_t)n * D * sizeof *x);
    sgm_loss loss = {.weight = SGM_WEIGHT_FLOW};
    sgm_score exact = sgm_mixture_score(&law);
    sgm_dsm_result r;
    char name[96];
    for (uint64_t i = 0; i < 3; i++) {
        sgm_mixture g;
        tut_must(sgm_mixture_init(&g, 1, D, NULL, zero, &c[i], SGM_COV_ISOTROPIC, &line));
        sgm_score one = sgm_mixture_score(&g);
        tut_must(sgm_mixture_sample(&g, x, NULL, n, 0, sgm_key_split(key, i)));
        tut_must(sgm_dsm(&r, NULL, &one, x, n, &loss, n, sgm_key_split(key, 10 + i)));
        printf("%s N(0, %4g I): floor %.4f ± %.4f by draws, %.4f by (T32.3): from 0 to 1, %.4f\n", i ? "  " : "2.", c[i],
               r.floor, r.floor_se, D * gaussian_floor(c[i]), D * PI / 2 * sqrt(c[i]));
        snprintf(name, sizeof name, "2. N(0, %g I): floor of the loss of u (T32.3)", c[i]);
        tut_check(name, r.floor, D * gaussian_floor(c[i]), 5 * r.floor_se); /* five standard errors */
        sgm_mixture_free(&g);
    }
    double se, grid = by_quadrature(), tangents = by_tangents(&exact, n / 4, &se, sgm_key_split(key, 4));
    tut_must(sgm_mixture_sample(&law, x, NULL, n, 0, sgm_key_split(key, 3)));
    tut_must(sgm_dsm(&r, NULL, &exact, x, n, &loss, n, sgm_key_split(key, 13)));
    printf("   eight Gaussians: %.4f by quadrature, %.4f ± %.4f by draws, %.4f ± %.4f by tangents\n", grid,
           r.floor, r.floor_se, tangents, se);
    tut_check("2. eight Gaussians: floor by draws of the loss", r.floor, grid, 5 * r.floor_se);
    tut_check("2. SBGM: floor of flow matching, eight Gaussians (T32.4)", tangents, grid, 5 * se);
    return free(x), grid;
}

/*
## 3. How straight is the flow?

Its *bend* is the mean of $\|(x_T − x_{t_{min}})/(T − t_{min}) − \dot x_t\|²$ over time and paths: 0
if each path is a line that is run at one speed, and then a single Euler step is exact. A Gaussian's
flow only stretches: $x_t = x_1 \sqrt{q(t)}$, with q' = 2((1+c)t − c). As $q'^2/4 = (1+c)q − c$,

$$∫_0^1 \frac{q'^2}{4q}\, dt − (1 − \sqrt c)² = (1 + c) − \frac π2 \sqrt c − (1 − \sqrt c)²
= \left( 2 − \frac π2 \right) \sqrt c \qquad(T32.5)$$

Lines that are straight do not make a straight flow: it bends unless c is 0. And K Euler steps of
length h = 1/K turn the variance into

$$\prod_{k=0}^{K−1} \left( 1 − h \frac{q'(t_k)}{2\,q(t_k)} \right)^2, \qquad t_k = 1 − k h \qquad(T32.6)$$

At t = 1 the factor q'/2q is 1 whatever c is: one step lands in the mean of the data, and its
variance is 0. That is what u says where nothing is known yet.
*/
/* n points from T to t_min by Euler's steps of even length; path, if not NULL, gets `FILM` frames of
the first PATHS. Returns the bend, and its standard error over paths. */
static double carry(const sgm_score *score, long n, int steps, float *path, double *se, sgm_key key) {
    const sgm_sde *sde = &score->sde;
    const double length = sde->T - sde->t_min, h = length / steps;
    float *x = (float *)tut_memory((size_t)n * (3 * D + 1) * sizeof *x), *u = x + n * D, *from = u + n * D;
    float *t = from + n * D;
    double *bend = (double *)tut_memory((size_t)n * sizeof *bend), sum = 0, square = 0;
    sgm_normal(x, (size_t)n * D, key, 0);
    for (long i = 0; i < n * D; i++) from[i] = x[i] *= (float)sgm_sde_prior(sde);
    for (int k = 0; k <= steps; k++) {
        float *row = path ? path + k * FILM / steps * (1 + D * PATHS) : NULL;
        for (long i = 0; i < n; i++) t[i] = (float)(sde->T - k * h);
        if (path && k % (steps / FILM) == 0) row[0] = t[0], memcpy(row + 1, x, D * PATHS * sizeof *x);
        if (k == steps) break;
        tut_must(sgm_score_eval(score, u, x, t, n));
        sgm_output_convert(u, SGM_OUTPUT_FLOW, u, SGM_OUTPUT_SCORE, x, t, n, D, sde, 0);
        for (long i = 0; i < n * D; i++) bend[i / D] += (double)u[i] * u[i] / steps, x[i] -= (float)h * u[i];
    }
    for (long i = 0; i < n * D; i++) bend[i / D] -= pow((from[i] - x[i]) / length, 2);
    for (long i = 0; i < n; i++) sum += bend[i] / (double)n, square += bend[i] * bend[i] / (double)n;
    *se = sqrt((square - sum * sum) / (double)n);
    free(x), free(bend);
    return sum;
}

static double gaussian_bend(double c) { /* (T32.5), from t_min to T */
    double a = line.t_min, b = line.T, move = hypot((1 - b) * sqrt(c), b) - hypot((1 - a) * sqrt(c), a);
    return 1 + c - gaussian_floor(c) - pow(move / (b - a), 2);
}

static void straightness(sgm_key key) {
    const long n = tut_quick() ? 2000 : 20000;
    const double zero[D] = {0, 0}, c[2] = {0.25, 0.01};
    float *x = (float *)tut_memory((size_t)n * D * sizeof *x);
    char name[96];
    for (uint64_t g = 0; g < 2; g++) {
        double se;
        sgm_mixture one;
        tut_must(sgm_mixture_init(&one, 1, D, NULL, zero, &c[g], SGM_COV_ISOTROPIC, &line));
        sgm_score exact = sgm_mixture_score(&one);
        double coarse = carry(&exact, n, 200, NULL, &se, sgm_key_split(key, g));
        double fine = carry(&exact, n, 400, NULL, &se, sgm_key_split(key, g));
        printf("3. N(0, %4g I): bend %.4f ± %.4f, (T32.5) %.4f, which is %.4f from 0 to 1\n", c[g], fine, se,
               D * gaussian_bend(c[g]), D * (2 - PI / 2) * sqrt(c[g]));
        snprintf(name, sizeof name, "3. N(0, %g I): bend of the flow (T32.5)", c[g]);
        /* five standard errors, and twice what halving the first-order steps changed */
        tut_check(name, fine, D * gaussian_bend(c[g]), 5 * se + 2 * fabs(coarse - fine));
        for (int steps = 1; g == 0 && steps <= 8; steps *= 2) {
            double prior = sgm_sde_prior(&line), var = prior * prior, got = 0, h = line.T / steps;
            double round = FLT_EPSILON / 2 * h * line.T / (1 - line.T); /* (T32.2) of the first step */
            sgm_sample_options o = {.method = SGM_METHOD_EULER, .steps = steps, .plain_end = 1};
            tut_must(sgm_sample(x, n, &exact, &o, sgm_key_split(key, 9)));
            for (long i = 0; i < n * D; i++) got += (double)x[i] * x[i] / (double)(n * D);
            for (int k = 0; k < steps; k++) {
                double t = line.T - k * h, q = (1 - t) * (1 - t) * c[g] + t * t;
                var *= pow(1 - h * ((1 + c[g]) * t - c[g]) / q, 2);
            }
            printf("   Euler steps: %d, variance %.6f, (T32.6) %.6f, the data's %g\n", steps, got, var, c[g]);
            snprintf(name, sizeof name, "3. Euler steps: %d, variance of N(0, 0.25) (T32.6)", steps);
            /* five standard errors of a variance, and that rounding of √var */
            double five = 5 * var * sqrt(2.0 / (double)(n * D));
            tut_check(name, got, var, five + (2 * sqrt(var) + round) * round);
        }
        sgm_mixture_free(&one);
    }
    free(x);
}

/*
## 4. The same steps as DDIM

An Euler step is $x + Δt\, u$ with $u = \hat ε − \hat x_0$, and $x = (1−t)\hat x_0 + t \hat ε$: it is
$(1−t')\hat x_0 + t' \hat ε$, a step of DDIM (7.3). DDIM does not see in which family it runs, as
x/m depends on s/m alone. So the straight path brings no new step, but new levels: even in
σ/(1 + σ), σ = s/m. A third of them lie above σ = 2; of those of VP at even t, 60 %. Here both start
at VP's largest σ.
*/
static void same_steps(sgm_key key) {
    enum { N = 500, STEPS = 8 };
    static float z[N * D];
    double worst = 0, sigma = sgm_sde_s(&vp, vp.T) / sgm_sde_m(&vp, vp.T), t0 = sigma / (1 + sigma);
    sgm_normal(z, N * D, key, 0);
    for (int i = 0; i < N; i++) {
        double x[D], y[D], u[D], trace, m = sgm_sde_m(&vp, vp.T), s = sgm_sde_s(&vp, vp.T);
        for (int j = 0; j < D; j++) x[j] = t0 * z[i * D + j], y[j] = s * z[i * D + j];
        for (int k = 0; k < STEPS; k++) {
            double t = t0 * (1 - (double)k / STEPS), to = t0 * (1 - (k + 1.0) / STEPS), m2 = 1, s2 = 0;
            at(1 - t, t, x, u, &trace);
            for (int j = 0; j < D; j++) x[j] += (to - t) * u[j];
            at(m, s, y, u, &trace);
            if (k + 1 < STEPS) {
                double tau = sgm_sde_t_from_logsnr(&vp, 2 * log((1 - to) / to));
                m2 = sgm_sde_m(&vp, tau), s2 = sgm_sde_s(&vp, tau);
            }
            for (int j = 0; j < D; j++) /* DDIM, with ε̂ − x̂0 = u and m x̂0 + s ε̂ = y */
                y[j] = (m2 * (y[j] - s * u[j]) + s2 * (y[j] + m * u[j])) / (m + s);
            m = m2, s = s2;
        }
        for (int j = 0; j < D; j++) worst = fmax(worst, fabs(x[j] - y[j]));
    }
    printf("4. %d Euler steps on lines and %d of DDIM on VP at the same s/m: %d points end %.1e apart\n",
           (int)STEPS, (int)STEPS, (int)N, worst);
    /* in double; s/m begins at 152, so roundings are 152 · 10⁻¹⁶, and the time of a level is found to
       10⁻¹² or so */
    tut_check("4. Euler on lines is DDIM on VP at the same levels", worst, 0, 1e-9);
}

/*
## 5. Three networks, trained alike

One loop of one's own for all: fresh $x_0$, ε and t in every step, by the same keys; the network,
its start, the optimiser and the average are the same. They differ in the process and in the
target: ε for VP, ε − x_0 for lines. The third also chooses *who is joined to whom*: among the B
data and B noises of the batch the pairs with the least Σ‖ε − x_0‖². Each noise is still one of
N(0, I) and each datum one of the data, so the ends of the flow stay. This is the assignment
problem, and the shortest augmenting path solves it exactly in B³ operations (the "Hungarian"
method): rows are added one by one, each by a search for the cheapest chain of changes, while two
prices u and v keep all reduced costs ≥ 0. In one dimension the answer is known: both in order.
*/
static double assign(const float *a, const float *b, int n, int *to) {
    double *u = (double *)tut_memory((size_t)(3 * (n + 1)) * sizeof *u), *v = u + n + 1, *least = v + n + 1;
    int *of = (int *)tut_memory((size_t)(3 * (n + 1)) * sizeof *of), *way = of + n + 1, *done = way + n + 1;
    double *cost = (double *)tut_memory((size_t)n * (size_t)n * sizeof *cost), total = 0;
    for (int i = 0; i < n * n * D; i++)
        cost[i / D] += pow((double)a[i / D / n * D + i % D] - b[i / D % n * D + i % D], 2);
    for (int i = 1; i <= n; i++) {
        int j = 0;
        for (int k = 0; k <= n; k++) least[k] = HUGE_VAL, done[k] = 0;
        for (of[0] = i; of[j];) { /* column j is taken by row of[j]: whom may that row take instead? */
            int row = of[j], next = 0;
            double delta = HUGE_VAL;
            done[j] = 1;
            for (int k = 1; k <= n; k++) {
                if (done[k]) continue;
                double rest = cost[(row - 1) * n + k - 1] - u[row] - v[k];
                if (rest < least[k]) least[k] = rest, way[k] = j;
                if (least[k] < delta) delta = least[k], next = k;
            }
            for (int k = 0; k <= n; k++)
                if (done[k]) u[of[k]] += delta, v[k] -= delta;
                else least[k] -= delta;
            j = next;
        }
        for (; j; j = way[j]) of[j] = of[way[j]];
    }
    for (int k = 1; k <= n; k++) to[of[k] - 1] = k - 1, total += cost[(of[k] - 1) * n + k - 1] / n;
    free(u), free(of), free(cost);
    return total;
}

static void assignment(sgm_key key) {
    static float a[B * D], b[B * D], z[2 * B];
    int to[B];
    double sorted = 0;
    sgm_normal(z, 2 * B, key, 0);
    for (int i = 0; i < B; i++) a[i * D] = z[i], b[i * D] = z[B + i];
    double got = assign(a, b, B, to);
    double *x = stat_sorted(z, B), *y = stat_sorted(z + B, B);
    for (int i = 0; i < B; i++) sorted += pow(x[i] - y[i], 2) / B;
    printf("5. assignment of %d numbers to %d: cost %.9f, both in order %.9f\n", (int)B, (int)B, got, sorted);
    tut_check("5. assignment on a line is both in order: cost", got, sorted, 1e-10 * sorted); /* rounding */
    free(x), free(y);
}

static double joined[NETS], ended[NETS]; /* mean ‖ε − x0‖² of the pairs; loss of the second half */
static void learn(int kind, sgm_key key) {
    static float x0[B * D], eps[B * D], z[B * D], t[B], x[B * D];
    static int to[B];
    const sgm_sde *sde = kind == VP ? &vp : &line;
    sgm_model *model = &net[kind];
    sgm_model_options o = {.net = sgm_mlp, .d = D, .sde = *sde, .n_ema = 1,
                           .output = kind == VP ? SGM_OUTPUT_NOISE : SGM_OUTPUT_FLOW};
    sgm_train_options run = {.steps = tut_quick() ? 300 : 12000, .lr = 2e-3, .cosine = 1, .clip = 5,
                             .ema = {tut_quick() ? .98 : .999}};
    sgm_optimiser by;
    sgm_tape *tape = sgm_tape_new();
    double half = (double)(run.steps - run.steps / 2), seconds = tut_processor();
    tut_must(sgm_model_init(model, &o, sgm_key_split(key, 0)));
    tut_must(sgm_optimiser_init(&by, model->params, model->n_params, model->ema, 1, &run));
    while (by.step < run.steps) {
        sgm_key mine = sgm_key_split(key, (uint64_t)by.step + 1);
        double loss = 0, apart = 0;
        tut_must(sgm_mixture_sample(&law, x0, NULL, B, 0, sgm_key_split(mine, 0)));
        sgm_normal(z, B * D, sgm_key_split(mine, 1), 0);
        sgm_uniform(t, B, sgm_key_split(mine, 2), 0);
        for (int i = 0; i < B; i++) to[i] = i;
        if (kind == PAIRS) assign(x0, z, B, to);
        for (int i = 0; i < B * D; i++) eps[i] = z[to[i / D] * D + i % D];
        for (int i = 0; i < B; i++) t[i] = (float)(sde->t_min + (sde->T - sde->t_min) * t[i]);
        sgm_sde_perturb(x, x0, eps, t, B, D, sde);
        sgm_tensor *out = say(tape, model, model->params, by.grads, x, t, B);
        float *seed = sgm_tape_gradient_of(tape, out);
        tut_must(sgm_tape_status(tape));
        for (int i = 0; i < B * D; i++) {
            double miss = out->v[i] - (kind == VP ? eps[i] : eps[i] - x0[i]);
            loss += miss * miss / B, seed[i] = (float)(2 * miss / B);
            apart += pow(eps[i] - x0[i], 2) / B;
        }
        tut_must(sgm_tape_backward(tape));
        tut_must(sgm_optimiser_step(&by));
        if (by.step > run.steps / 2) ended[kind] += loss / half, joined[kind] += apart / half;
    }
    printf("%s %-12s %6zu parameters, %ld steps, %.1f s: mean ‖ε − x0‖² %.3f, loss %.4f\n",
           kind == VP ? "0." : "  ", net_name[kind],
           model->n_params, run.steps, tut_processor() - seconds, joined[kind], ended[kind]);
    sgm_optimiser_free(&by), sgm_tape_free(tape);
}

/* What the three know of the score: E‖s − exact‖² at s = m, where t = ½ of lines. */
static double score_error(int kind, sgm_key key) {
    static float x[4000 * D];
    const sgm_mixture *mix = kind == VP ? &law_vp : &law;
    sgm_score learned = sgm_model_score(&net[kind], 0), exact = sgm_mixture_score(mix);
    double when = kind == VP ? sgm_sde_t_from_logsnr(&vp, 0) : 0.5, off, se;
    tut_must(sgm_mixture_sample(mix, x, NULL, 4000, when, key));
    tut_must(sgm_fisher(&off, &se, &learned, &exact, x, when, 4000));
    return off;
}

static void trained(double floor_of_u, sgm_key key) {
    const long n = tut_quick() ? 5000 : 100000;
    float *x = (float *)tut_memory((size_t)n * D * sizeof *x);
    double wrong[NETS], cross = D + 2 + D * spread * spread; /* E‖ε‖² + E‖x0‖² */
    tut_must(sgm_mixture_sample(&law, x, NULL, n, 0, sgm_key_split(key, 0)));
    for (int kind = 0; kind < NETS; kind++) wrong[kind] = score_error(kind, sgm_key_split(key, 1));
    for (int kind = VP; kind <= LINES; kind++) {
        sgm_loss loss = {.weight = kind == VP ? SGM_WEIGHT_SIGMA2 : SGM_WEIGHT_FLOW};
        sgm_score s = sgm_model_score(&net[kind], 0), exact = sgm_mixture_score(kind == VP ? &law_vp : &law);
        sgm_dsm_result r;
        tut_must(sgm_dsm(&r, &s, &exact, x, n, &loss, n, sgm_key_split(key, 2)));
        printf("   %s: floor %.4f, excess %.4f ± %.4f\n", net_name[kind], r.floor, r.excess, r.excess_se);
        /* the aim: a hundredth of the floor, and a fifth after a short run */
        tut_check(kind == VP ? "5. VP: excess, in floors" : "5. lines: excess, in floors", r.excess / r.floor, 0,
                  tut_quick() ? 0.2 : 0.01);
    }
    printf("   E‖score − exact‖² at s = m: VP %.4f, lines %.4f, chosen pairs %.3f\n", wrong[VP], wrong[LINES],
           wrong[PAIRS]);
    double steps = tut_quick() ? 150 : 6000; /* ‖ε − x0‖² of a pair has a standard deviation below 4 */
    tut_check("5. lines: mean |eps - x0|^2 of independent pairs", joined[LINES], cross, 5 * 4 / sqrt(steps * B));
    tut_check("5. chosen pairs: loss below a fifth of the floor", ended[PAIRS] < floor_of_u / 5, 1, 0);
    if (!tut_quick())
        tut_check("5. chosen pairs: no score, its error > 10 times", wrong[PAIRS] > 10 * wrong[LINES], 1, 0);
    free(x);
}

/*
## 6. Few steps

Every way starts from the same noise. Black: how far two exact sets of this size are apart, the root
mean square of twelve pairs; an unbiased estimate of 0 may be below 0, and the figure shows |·|.
*/
static const struct { const char *name; int score; sgm_method method; sgm_grid_kind grid; } way[WAYS] = {
    {"exact: lines, Euler", 0, SGM_METHOD_EULER, SGM_GRID_UNIFORM},
    {"exact: VP, Euler in t", 1, SGM_METHOD_EULER, SGM_GRID_UNIFORM},
    {"exact: VP, DDIM, even t", 1, SGM_METHOD_DDIM, SGM_GRID_UNIFORM},
    {"exact: VP, DDIM, even log SNR", 1, SGM_METHOD_DDIM, SGM_GRID_LOGSNR},
    {"network: lines, Euler", 3, SGM_METHOD_EULER, SGM_GRID_UNIFORM},
    {"network: VP, Euler in t", 2, SGM_METHOD_EULER, SGM_GRID_UNIFORM},
    {"network: VP, DDIM, even t", 2, SGM_METHOD_DDIM, SGM_GRID_UNIFORM},
    {"network: VP, DDIM, even log SNR", 2, SGM_METHOD_DDIM, SGM_GRID_LOGSNR},
    {"network: chosen pairs, Euler", 4, SGM_METHOD_EULER, SGM_GRID_UNIFORM}};

static void race(sgm_key key) {
    const long n = tut_quick() ? 500 : 4000, m = tut_quick() ? 1000 : 8000;
    sgm_score score[5] = {sgm_mixture_score(&law), sgm_mixture_score(&law_vp), sgm_model_score(&net[VP], 0),
                          sgm_model_score(&net[LINES], 0), sgm_model_score(&net[PAIRS], 0)};
    float *x = (float *)tut_memory((size_t)(n + m) * D * sizeof *x), *data = x + n * D;
    float table[COUNTS * (WAYS + 2)];
    double e[WAYS][COUNTS], floor2 = 0;
    for (uint64_t i = 0; i < 12; i++) {
        tut_must(sgm_mixture_sample(&law, x, NULL, n, 0, sgm_key_split(key, 100 + i)));
        tut_must(sgm_mixture_sample(&law, data, NULL, m, 0, sgm_key_split(key, 200 + i)));
        floor2 += pow(sgm_energy_distance(x, n, data, m, D), 2) / 12;
    }
    tut_must(sgm_mixture_sample(&law, data, NULL, m, 0, sgm_key_split(key, 0)));
    printf("6. energy distance to data; two exact sets: %.5f\n   %-31s", sqrt(floor2), "evaluations");
    for (int i = 0; i < COUNTS; i++) printf(" %9d", counts[i]);
    for (int w = 0; w < WAYS; w++) {
        printf("\n   %-31s", way[w].name);
        for (int i = 0; i < COUNTS; i++) {
            const sgm_score *s = &score[way[w].score];
            sgm_sample_options o = {.method = way[w].method, .grid = way[w].grid, .steps = counts[i],
                                    .plain_end = 1, .t_end = way[w].grid == SGM_GRID_LOGSNR ? s->sde.t_min : 0};
            tut_drawn(sgm_sample(x, n, s, &o, sgm_key_split(key, 1)));
            e[w][i] = sgm_energy_distance(x, n, data, m, D);
            float *row = table + i * (WAYS + 2);
            row[0] = (float)counts[i], row[1] = (float)sqrt(floor2), row[2 + w] = (float)fabs(e[w][i]);
            printf(" %9.5f", e[w][i]);
        }
    }
    puts("");
    tut_dat("steps.dat", "evaluations; two exact sets; energy distance of each way", table, COUNTS, WAYS + 2);
    /* what is compared differs by more than ten times the distance of two exact sets, or by a factor */
    tut_check("6. SBGM: exact, 2 steps: lines worse than VP by Euler", e[0][0] > 2 * e[1][0], 1, 0);
    tut_check("6. SBGM: exact, 4 steps: lines better than VP by DDIM", 3 * e[0][1] < e[2][1], 1, 0);
    if (!tut_quick()) {
        tut_check("6. networks, 4 steps: lines better than VP by DDIM", 3 * e[4][1] < e[6][1], 1, 0);
        tut_check("6. networks: 2 steps of chosen pairs beat 4 of lines", 2 * e[8][0] < e[4][1], 1, 0);
    }
    tut_check("6. exact, 64 steps: lines are at the data", e[0][COUNTS - 1], 0, 5 * sqrt(floor2));
    free(x);
}

static void bends(sgm_key key) {
    static const char *const file[4] = {"paths_vp.dat", "paths_exact.dat", "paths_lines.dat", "paths_pairs.dat"};
    static const char *const of[4] = {"VP in its own t, exact", "lines, exact", "lines, network",
                                      "chosen pairs, network"};
    static float path[(FILM + 1) * (1 + D * PATHS)];
    const long n = tut_quick() ? 500 : 10000;
    double bend[4], se[4];
    sgm_score score[4] = {sgm_mixture_score(&law_vp), sgm_mixture_score(&law), sgm_model_score(&net[LINES], 0),
                          sgm_model_score(&net[PAIRS], 0)};
    printf("   bend of the flow:");
    for (int i = 0; i < 4; i++) {
        bend[i] = carry(&score[i], n, 4 * FILM, path, &se[i], sgm_key_split(key, 0));
        tut_dat(file[i], "t; x y of each path", path, FILM + 1, 1 + D * PATHS);
        printf("%s %s %.4f ± %.4f", i == 2 ? ";\n  " : i ? ";" : "", of[i], bend[i], se[i]);
    }
    puts("");
    if (!tut_quick()) { /* aims: a tenth of the flow's own bend is learnt away; pairs undo most of it */
        tut_check("6. bend: the network's flow is that of the exact u", bend[2], bend[1], 0.1 * bend[1]);
        tut_check("6. bend: chosen pairs have less than a fifth of it", 5 * bend[3] < bend[2], 1, 0);
    }
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    double var[K];
    tut_start("32_flow_matching", argc, argv);
    line = sgm_sde_rectified(), vp = sgm_sde_vp(0.1, 20);
    for (int k = 0; k < K * D; k++) /* the sine is a cosine a quarter of a turn later */
        centre[k] = sqrt(2) * cos(2 * PI * (k / D) / K - PI / 2 * (k % D)), var[k / D] = spread * spread;
    tut_must(sgm_mixture_init(&law, K, D, NULL, centre, var, SGM_COV_ISOTROPIC, &line));
    tut_must(sgm_mixture_init(&law_vp, K, D, NULL, centre, var, SGM_COV_ISOTROPIC, &vp));
    for (int kind = 0; kind < NETS; kind++) learn(kind, sgm_key_split(key, 1));
    identity(sgm_key_split(key, 2));
    double floor_of_u = floors(sgm_key_split(key, 3));
    straightness(sgm_key_split(key, 4));
    same_steps(sgm_key_split(key, 5));
    assignment(sgm_key_split(key, 6));
    trained(floor_of_u, sgm_key_split(key, 7));
    race(sgm_key_split(key, 8));
    bends(sgm_key_split(key, 9));
    sgm_model_free(&net[VP]), sgm_model_free(&net[LINES]), sgm_model_free(&net[PAIRS]);
    sgm_mixture_free(&law), sgm_mixture_free(&law_vp);
    return tut_done();
}
