/*
# The widgets of the book

Eight small experiments, one beside a chapter each, in the reader's hands: the page has sliders and
a canvas (`widgets.js`), and this file computes. It is C like any other program that uses sgm.h, and
it calls the library's public functions only. Compiled for wasm32 it runs in the page; compiled with
`-DNATIVE` it prints the numbers of `widget_test`, which the page must have to the last bit.

A widget is a few functions. They take the settings as numbers and leave what they found in two
arrays that the page reads: `numbers` and `points`. Whatever takes longer than a frame is cut in
slices: such a function is called until it no longer answers MORE. An answer above 0 is a
`sgm_status`, and `web_error` tells the cure. A page has one memory per widget, so they may share
these arrays, and what is static belongs to one widget alone.
*/
#ifdef NATIVE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define SGM_IMPLEMENTATION
#include "sgm.h"
#define WEB(type) type
#else
#include "../web.h"
#endif
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* our own sums round alike everywhere, as the library's do */
#endif

enum { MORE = -1, MOST_NUMBERS = 1 << 15, MOST_POINTS = 1 << 17 };
static double numbers[MOST_NUMBERS];
static float points[MOST_POINTS];

#define TRY(call) \
    do { \
        sgm_status status_ = (call); \
        if (status_ != SGM_OK) return (int)status_; \
    } while (0)

WEB(double *) widget_numbers(void) { return numbers; }
WEB(float *) widget_points(void) { return points; }

static sgm_key key_of(int seed, uint64_t what) {
    return sgm_key_split(sgm_key_init((uint64_t)(uint32_t)seed), what);
}

static double mean_of(const float *x, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

static double std_of(const float *x, long n) {
    double mean = mean_of(x, n), sum = 0;
    for (long i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)n);
}

/*
## path: one step, many paths (chapter 1)

$x ← x + f(t)\,x\,h + g(t)\,ΔW$, with $ΔW$ of variance h. All step sizes see the *same* Brownian
motion: it is drawn once, in FINE increments, and a step of h adds up the increments it spans. What
Euler's rule does to mean and variance is a recursion too, $m ← (1 + fh)\,m$ and $V ← (1 + fh)² V +
g²h$; so the widget tells three numbers apart: measured, Euler's own at this h, and the law's (1.5).
*/
enum { FINE = 500, CROWD = 2000, SHOWN = 10, ROWS_A_SLICE = 50 };
static float *grain; /* (FINE, CROWD) increments, of variance 1 */
static int grain_rows, grain_seed;

WEB(int) path_noise(int seed) {
    if (!grain) grain = (float *)malloc((size_t)FINE * CROWD * sizeof *grain);
    if (!grain) return SGM_NO_MEMORY;
    if (seed != grain_seed) grain_rows = 0, grain_seed = seed;
    if (grain_rows == FINE) return SGM_OK;
    size_t done = (size_t)grain_rows * CROWD;
    sgm_normal(grain + done, (size_t)ROWS_A_SLICE * CROWD, key_of(seed, 0), done);
    grain_rows += ROWS_A_SLICE;
    return grain_rows < FINE ? MORE : SGM_OK;
}

/* points: SHOWN paths of steps + 1 places, then the crowd at the step nearest to `when`. numbers:
   mean and std of the crowd there; share within 2 s of the law's mean; the law's mean and s; the
   mean and std of Euler's recursion; that step's time. */
WEB(int) path_run(double beta, int steps, double x0, double when) {
    static double x[CROWD];
    const sgm_sde sde = sgm_sde_vp(.1, beta);
    const int each = FINE / steps, look = (int)(when * steps + .5);
    const double h = 1. / steps, root = sqrt(1. / FINE);
    double m = 1, V = 0;
    float *crowd = points + SHOWN * (steps + 1);
    TRY(sgm_sde_check(&sde));
    for (int i = 0; i < CROWD; i++) x[i] = x0;
    for (int k = 0;; k++) {
        for (int i = 0; i < SHOWN; i++) points[i * (steps + 1) + k] = (float)x[i];
        if (k == look) {
            for (int i = 0; i < CROWD; i++) crowd[i] = (float)x[i];
            numbers[5] = m * x0, numbers[6] = sqrt(V);
        }
        if (k == steps) break;
        const double shrink = 1 + sgm_sde_f(&sde, k * h) * h, g2 = sgm_sde_g2(&sde, k * h);
        const double shake = sqrt(g2) * root;
        for (int i = 0; i < CROWD; i++) {
            const float *z = grain + (size_t)k * (size_t)each * CROWD + i;
            double dw = 0;
            for (int j = 0; j < each; j++) dw += z[(size_t)j * CROWD];
            x[i] = shrink * x[i] + shake * dw; /* x + f x h + g dW */
        }
        m *= shrink, V = shrink * shrink * V + g2 * h;
    }
    double inside = 0, mean = x0 * sgm_sde_m(&sde, look * h), s = sgm_sde_s(&sde, look * h);
    for (int i = 0; i < CROWD; i++) inside += fabs(crowd[i] - mean) <= 2 * s;
    numbers[0] = mean_of(crowd, CROWD), numbers[1] = std_of(crowd, CROWD);
    numbers[2] = inside / CROWD, numbers[3] = mean, numbers[4] = s, numbers[7] = look * h;
    return SGM_OK;
}

/* numbers: mean and s of the law at n times from 0 to 1, two by two. */
WEB(int) path_law(double beta, double x0, int n) {
    const sgm_sde sde = sgm_sde_vp(.1, beta);
    for (int i = 0; i < n; i++) {
        numbers[2 * i] = x0 * sgm_sde_m(&sde, (double)i / (n - 1));
        numbers[2 * i + 1] = sgm_sde_s(&sde, (double)i / (n - 1));
    }
    return SGM_OK;
}

/*
## arrows: the score of a mixture (chapter 2)

The means are where the reader puts them. Noise of size σ makes every component wider (of variance
std² + σ²; the family EDM, where t is σ and means stay). Two truths that hold for every density: the
score is the gradient of log p, which a difference quotient can check, and $E\, x·∇\log p = −D$
(integrate by parts), here −2, over exact draws.
*/
enum { MEANS = 3, DRAWS = 4000 };
static double means[2 * MEANS];

static sgm_status arrows_mixture(sgm_mixture *mix, double std) {
    const sgm_sde sde = sgm_sde_edm(.002, 80);
    const double var[MEANS] = {std * std, std * std, std * std};
    return sgm_mixture_init(mix, MEANS, 2, NULL, means, var, SGM_COV_ISOTROPIC, &sde);
}

WEB(int) arrows_mean(int k, double x, double y) {
    if (k < 0 || k >= MEANS) return SGM_BAD_ARGUMENT;
    means[2 * k] = x, means[2 * k + 1] = y;
    return SGM_OK;
}

/* Over nx by ny places, whose outermost are at ±w and ±h. points: the scores; numbers: log p. */
WEB(int) arrows_field(double std, double sigma, int nx, int ny, double w, double h) {
    static float x[MOST_NUMBERS * 2], t[MOST_NUMBERS];
    const long n = (long)nx * ny;
    sgm_mixture mix;
    if (nx < 2 || ny < 2 || n > MOST_NUMBERS) return SGM_BAD_ARGUMENT;
    for (long i = 0; i < n; i++) {
        x[2 * i] = (float)(w * (2. * (double)(i % nx) / (nx - 1) - 1));
        x[2 * i + 1] = (float)(h * (2. * (double)(i / nx) / (ny - 1) - 1));
        t[i] = (float)sigma;
    }
    TRY(arrows_mixture(&mix, std));
    sgm_score score = sgm_mixture_score(&mix);
    sgm_status status = sgm_score_eval(&score, points, x, t, n);
    if (status == SGM_OK) status = sgm_score_logp(&score, numbers, x, t, n);
    sgm_mixture_free(&mix);
    return (int)status;
}

/* numbers: the score at (x, y); the difference quotients of log p there; log p. */
static sgm_status arrows_differ(const sgm_score *score, double x, double y, double sigma) {
    const double h = 1. / 1024;
    const float at[2] = {(float)x, (float)y};
    float t[5], s[2], p[10] = {at[0], at[1], (float)(x - h), at[1], (float)(x + h), at[1], at[0],
                               (float)(y - h), at[0], (float)(y + h)};
    double logp[5];
    for (int i = 0; i < 5; i++) t[i] = (float)sigma;
    sgm_status status = sgm_score_eval(score, s, at, t, 1);
    if (status == SGM_OK) status = sgm_score_logp(score, logp, p, t, 5);
    if (status != SGM_OK) return status;
    numbers[0] = s[0], numbers[1] = s[1];
    numbers[2] = (logp[2] - logp[1]) / ((double)p[4] - p[2]);
    numbers[3] = (logp[4] - logp[3]) / ((double)p[9] - p[7]);
    numbers[4] = logp[0];
    return SGM_OK;
}

WEB(int) arrows_probe(double std, double sigma, double x, double y) {
    sgm_mixture mix;
    TRY(arrows_mixture(&mix, std));
    sgm_score score = sgm_mixture_score(&mix);
    sgm_status status = arrows_differ(&score, x, y, sigma);
    sgm_mixture_free(&mix);
    return (int)status;
}

/* numbers: the mean of x·s(x) over exact draws, and its standard error. */
WEB(int) arrows_stein(double std, double sigma, int seed) {
    static float x[2 * DRAWS], s[2 * DRAWS], t[DRAWS];
    double sum = 0, squares = 0;
    sgm_mixture mix;
    for (int i = 0; i < DRAWS; i++) t[i] = (float)sigma;
    TRY(arrows_mixture(&mix, std));
    sgm_score score = sgm_mixture_score(&mix);
    sgm_status status = sgm_mixture_sample(&mix, x, NULL, DRAWS, sigma, key_of(seed, 0));
    if (status == SGM_OK) status = sgm_score_eval(&score, s, x, t, DRAWS);
    sgm_mixture_free(&mix);
    if (status != SGM_OK) return (int)status;
    for (int i = 0; i < DRAWS; i++) {
        double dot = (double)x[2 * i] * s[2 * i] + (double)x[2 * i + 1] * s[2 * i + 1];
        sum += dot, squares += dot * dot;
    }
    numbers[0] = sum / DRAWS;
    numbers[1] = sqrt((squares / DRAWS - numbers[0] * numbers[0]) / (DRAWS - 1));
    return SGM_OK;
}

/*
## ula: Langevin's step against the variance (chapter 6)

Two crowds of walkers on N(0, 1), with the same step γ: ULA, whose variance (6.4) says is
1/(1 − γ/2), and MALA, which keeps 1 by refusing some moves. The walkers do not see each other, so
the means of x² over time, one for each walker, tell the standard error of their mean.
*/
enum { WALKERS = 2000 };
static sgm_mixture ula_law;
static sgm_langevin walk[2];
static long ula_burn, ula_counted;
static double square_sum[2][WALKERS];

WEB(int) ula_start(double gamma, int seed) {
    const sgm_sde sde = sgm_sde_edm(.002, 80);
    const double zero = 0, one = 1, slow = gamma < 1 ? gamma : 2 - gamma;
    sgm_mixture_free(&ula_law);
    TRY(sgm_mixture_init(&ula_law, 1, 1, NULL, &zero, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&ula_law);
    ula_burn = (long)(4 / slow) + 1; /* what the start left of the variance is e^-8 by then */
    ula_counted = 0, numbers[5] = 0;
    for (int way = 0; way < 2; way++) {
        sgm_langevin_options o = {.step = gamma, .steps = 1, .warmup = ula_burn};
        o.metropolis = way;
        sgm_langevin_free(&walk[way]);
        TRY(sgm_langevin_init(&walk[way], &score, WALKERS, &o, key_of(seed, (uint64_t)way)));
        sgm_normal(points + way * WALKERS, WALKERS, key_of(seed, (uint64_t)(2 + way)), 0);
        for (int i = 0; i < WALKERS; i++) square_sum[way][i] = 0;
    }
    return SGM_OK;
}

/* points: the walkers of ULA, then MALA's. numbers: variance and its standard error, of both; the
   acceptance of MALA; counted steps; (6.4). */
WEB(int) ula_steps(int steps) {
    const double gamma = walk[0].o.step;
    for (int k = 0; k < steps; k++) {
        for (int way = 0; way < 2; way++) {
            const float *x = points + way * WALKERS;
            TRY(sgm_langevin_step(&walk[way], points + way * WALKERS));
            if (walk[way].step <= ula_burn) continue;
            for (int i = 0; i < WALKERS; i++) square_sum[way][i] += (double)x[i] * x[i];
        }
        ula_counted += walk[0].step > ula_burn;
    }
    for (int way = 0; way < 2 && ula_counted; way++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < WALKERS; i++) {
            double own = square_sum[way][i] / (double)ula_counted;
            sum += own, squares += own * own;
        }
        sum /= WALKERS;
        numbers[2 * way] = sum;
        numbers[2 * way + 1] = sqrt((squares / WALKERS - sum * sum) / (WALKERS - 1));
    }
    numbers[4] = walk[1].acceptance, numbers[5] = (double)ula_counted;
    numbers[6] = 1 / (1 - gamma / 2);
    return SGM_OK;
}

/*
## loss: loss, floor and excess (chapter 4)

A small network learns the ring of eight points. `sgm_dsm` measures its loss and the loss of the
exact score, the floor, on the same fresh draws, always the same ones: so the curves are smooth. The
excess is the distance of the two scores, measured by itself; (2.9) says loss − floor has the same
mean.
*/
enum { RING = 8, JUDGED = 2048, DRAWN = 200, DRAWN_STEPS = 20 };
static sgm_model model;
static sgm_trainer trainer;
static sgm_mixture ring_law;
static float ring[2 * RING];
static sgm_mlp_options shape;
static int loss_seed;

WEB(int) loss_start(int width, double lr, int batch, int steps, int seed) {
    sgm_model_options o = {.net = sgm_mlp, .user = &shape, .d = 2, .sde = sgm_sde_vp(.1, 20),
                           .n_ema = 1};
    sgm_train_options run = {.steps = steps, .batch = batch, .lr = lr, .cosine = 1,
                             .loss = {.weight = SGM_WEIGHT_SIGMA2, .times = SGM_TIMES_UNIFORM}};
    memset(&shape, 0, sizeof shape);
    shape.width = width, shape.depth = 2, loss_seed = seed;
    sgm_trainer_free(&trainer);
    sgm_model_free(&model);
    sgm_mixture_free(&ring_law);
    sgm_data_ring(ring, RING);
    TRY(sgm_mixture_from_data(&ring_law, ring, RING, 2, &o.sde));
    TRY(sgm_model_init(&model, &o, key_of(seed, 0)));
    TRY(sgm_trainer_init(&trainer, &model, ring, RING, &run, key_of(seed, 1)));
    numbers[0] = (double)model.n_params;
    return SGM_OK;
}

/* numbers: the loss of the last step's batch; steps done. */
WEB(int) loss_steps(int steps) {
    for (int k = 0; k < steps && trainer.step < trainer.o.steps; k++)
        TRY(sgm_trainer_step(&trainer));
    numbers[0] = trainer.loss, numbers[1] = (double)trainer.step;
    return trainer.step < trainer.o.steps ? MORE : SGM_OK;
}

/* numbers: loss and floor and the standard error of either; excess and its own; that of the
   difference of loss and floor from it. Of the network's averaged parameters (ema 1) or its own. */
WEB(int) loss_measure(int ema) {
    sgm_dsm_result r;
    const sgm_score exact = sgm_mixture_score(&ring_law);
    const sgm_score score = sgm_model_score(&model, ema ? 0 : SGM_RAW);
    TRY(sgm_dsm(&r, &score, &exact, ring, RING, &trainer.o.loss, JUDGED, key_of(loss_seed, 2)));
    numbers[0] = r.loss, numbers[1] = r.loss_se, numbers[2] = r.floor, numbers[3] = r.floor_se;
    numbers[4] = r.excess, numbers[5] = r.excess_se, numbers[6] = r.loss - r.floor;
    return SGM_OK;
}

/* points: DRAWN samples of the model. numbers: their mean distance from the circle. */
WEB(int) loss_samples(int ema) {
    const sgm_score score = sgm_model_score(&model, ema ? 0 : SGM_RAW);
    sgm_sample_options o = {.method = SGM_METHOD_DPMPP_2M, .steps = DRAWN_STEPS};
    sgm_status status = sgm_sample(points, DRAWN, &score, &o, key_of(loss_seed, 3));
    return status == SGM_NOT_LEARNT ? SGM_OK : (int)status;
}

/*
## reverse: three steps of the reverse SDE (chapter 5)

Euler and Maruyama's step (5.4), reverse diffusion (5.5) and the ancestral step (5.8), with the
exact score of a mixture of two, from the same noise. With many steps they agree; the widget is
about few. How far off: Wasserstein's distance of a crowd from exact draws, beside that of two exact
crowds.
*/
enum { STEPPERS = 3, REVERSED = 4000 };
static sgm_mixture two;
static sgm_sampler stepper[STEPPERS];
static int reverse_seed;

WEB(int) reverse_start(int steps, int seed) {
    static const sgm_method method[STEPPERS] = {
        SGM_METHOD_EULER_MARUYAMA, SGM_METHOD_REVERSE_DIFFUSION, SGM_METHOD_ANCESTRAL};
    const sgm_sde sde = sgm_sde_vp(.1, 20);
    const double weight[2] = {.3, .7}, mean[2] = {-1.2, .8}, var[2] = {.09, .16};
    reverse_seed = seed;
    sgm_mixture_free(&two);
    TRY(sgm_mixture_init(&two, 2, 1, weight, mean, var, SGM_COV_ISOTROPIC, &sde));
    const sgm_score score = sgm_mixture_score(&two);
    for (int k = 0; k < STEPPERS; k++) {
        sgm_sample_options o = {.steps = steps, .grid = SGM_GRID_UNIFORM};
        o.method = method[k];
        sgm_sampler_free(&stepper[k]);
        TRY(sgm_sampler_init(&stepper[k], &score, REVERSED, &o, key_of(seed, 0)));
        sgm_sampler_prior(&stepper[k], points + k * REVERSED);
    }
    return SGM_OK;
}

/* One step of all three. points: their crowds; numbers: the time they have come to. */
WEB(int) reverse_step(void) {
    if (sgm_sampler_done(&stepper[0])) return SGM_OK;
    for (int k = 0; k < STEPPERS; k++) TRY(sgm_sampler_step(&stepper[k], points + k * REVERSED));
    numbers[0] = stepper[0].t[stepper[0].step];
    return sgm_sampler_done(&stepper[0]) ? SGM_OK : MORE;
}

/* numbers: for each crowd its mean, std, share left of the valley at -0.3, and distance from exact
   draws; then the same of other exact draws. */
WEB(int) reverse_measure(void) {
    static float exact[REVERSED], other[REVERSED];
    TRY(sgm_mixture_sample(&two, exact, NULL, REVERSED, 0, key_of(reverse_seed, 1)));
    TRY(sgm_mixture_sample(&two, other, NULL, REVERSED, 0, key_of(reverse_seed, 2)));
    for (int k = 0; k <= STEPPERS; k++) {
        const float *x = k < STEPPERS ? points + k * REVERSED : other;
        double left = 0, *out = numbers + 4 * k;
        for (int i = 0; i < REVERSED; i++) left += x[i] < -.3f;
        out[0] = mean_of(x, REVERSED), out[1] = std_of(x, REVERSED), out[2] = left / REVERSED;
        out[3] = sgm_sliced_w2(x, REVERSED, exact, REVERSED, 1, 1, key_of(1, 0));
    }
    return SGM_OK;
}

/* numbers: log p of the mixture at n places from -w to w, at time t. */
WEB(int) reverse_law(int n, double w, double t) {
    static float x[MOST_NUMBERS], at[MOST_NUMBERS];
    const sgm_score score = sgm_mixture_score(&two);
    if (n < 2 || n > MOST_NUMBERS) return SGM_BAD_ARGUMENT;
    for (int i = 0; i < n; i++) x[i] = (float)(w * (2. * i / (n - 1) - 1)), at[i] = (float)t;
    return (int)sgm_score_logp(&score, numbers, x, at, n);
}

/*
## heun: two solvers of one ODE (chapter 7)

Points of the prior flow to data (7.1). Euler's step costs one evaluation of the score, Heun's two
(7.4); with the same number of evaluations Heun takes half as many steps. The end that both miss is
that of Dormand and Prince's method at a tolerance of 1e-7.
*/
enum { FLOWN = 100, LINES = 14, MODES = 5 };
static sgm_mixture five;
static float flow_from[2 * FLOWN], flow_end[2 * FLOWN];
static const double flow_t0 = 1, flow_t1 = .05;

static sgm_sample_options flow_options(int heun) {
    sgm_sample_options o = {.steps = 1, .grid = SGM_GRID_UNIFORM};
    o.method = heun ? SGM_METHOD_HEUN : SGM_METHOD_EULER;
    return o;
}

WEB(int) heun_start(int seed) {
    sgm_sample_options fine = {.method = SGM_METHOD_RK45, .rtol = 1e-7, .atol = 1e-7};
    sgm_sde sde = sgm_sde_vp(.1, 10);
    double mean[2 * MODES], var[MODES];
    float at[2 * MODES];
    sgm_data_ring(at, MODES);
    for (int i = 0; i < MODES; i++)
        mean[2 * i] = 1.3 * at[2 * i], mean[2 * i + 1] = 1.3 * at[2 * i + 1], var[i] = .06;
    sde.t_min = flow_t1;
    sgm_mixture_free(&five);
    TRY(sgm_mixture_init(&five, MODES, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    const sgm_score score = sgm_mixture_score(&five);
    sgm_normal(flow_from, 2 * FLOWN, key_of(seed, 0), 0);
    memcpy(flow_end, flow_from, sizeof flow_end);
    TRY(sgm_flow(flow_end, FLOWN, &score, flow_t0, flow_t1, &fine, NULL));
    return SGM_OK;
}

/* points: LINES lines of steps + 1 places (x, y): of Euler (0), Heun (1), or RK45 (2) in so many
   stretches. numbers: how far off all FLOWN are at the end, root mean square. */
WEB(int) heun_lines(int way, int steps) {
    static float x[2 * FLOWN];
    const sgm_score score = sgm_mixture_score(&five);
    sgm_sample_options o = flow_options(way == 1);
    double sum = 0;
    if (steps < 1 || steps > 4000) return SGM_BAD_ARGUMENT;
    if (way == 2) o.method = SGM_METHOD_RK45, o.rtol = o.atol = 1e-6;
    memcpy(x, flow_from, sizeof x);
    for (int k = 0; k <= steps; k++) {
        for (int i = 0; i < LINES; i++)
            memcpy(points + 2 * (i * (steps + 1) + k), x + 2 * i, 2 * sizeof *x);
        double a = flow_t0 + (flow_t1 - flow_t0) * k / steps;
        double b = flow_t0 + (flow_t1 - flow_t0) * (k + 1) / steps;
        if (k < steps)
            TRY(sgm_flow(x, FLOWN, &score, a, k + 1 < steps ? b : flow_t1, &o, NULL));
    }
    for (int i = 0; i < 2 * FLOWN; i++)
        sum += ((double)x[i] - flow_end[i]) * ((double)x[i] - flow_end[i]);
    numbers[0] = sqrt(sum / FLOWN);
    return SGM_OK;
}

/* numbers: log p over n by n places within ±w at t_min, for the shading. */
WEB(int) heun_law(int n, double w) {
    static float x[MOST_NUMBERS * 2], t[MOST_NUMBERS];
    const sgm_score score = sgm_mixture_score(&five);
    if (n < 2 || n > 180) return SGM_BAD_ARGUMENT;
    for (int i = 0; i < n * n; i++) {
        x[2 * i] = (float)(w * (2. * (i % n) / (n - 1) - 1));
        x[2 * i + 1] = (float)(w * (2. * (i / n) / (n - 1) - 1));
        t[i] = (float)flow_t1;
    }
    return (int)sgm_score_logp(&score, numbers, x, t, (long)n * n);
}

/*
## gamma: guidance and three laws (chapter 8)

Data N(0, 1), and a condition that leaves the variance c. The guided score (8.6) is linear, and
(8.8) knows what comes of it: by the reverse SDE, by the flow, and of the density p(x) p(y|x)^γ that
one might expect. Two crowds are sampled and their variances held against that.
*/
enum { GUIDED = 4000, GUIDED_STEPS = 600 };
static sgm_mixture wide, narrow;
static sgm_score wide_score, narrow_score, guided_score;
static sgm_guided guided;
static sgm_sampler guided_run[2];

WEB(int) gamma_start(double gamma, double c, int seed) {
    const sgm_sde sde = sgm_sde_edm(.01, 100);
    const double zero = 0, one = 1;
    sgm_mixture_free(&wide);
    sgm_mixture_free(&narrow);
    TRY(sgm_mixture_init(&wide, 1, 1, NULL, &zero, &one, SGM_COV_ISOTROPIC, &sde));
    TRY(sgm_mixture_init(&narrow, 1, 1, NULL, &zero, &c, SGM_COV_ISOTROPIC, &sde));
    wide_score = sgm_mixture_score(&wide), narrow_score = sgm_mixture_score(&narrow);
    TRY(sgm_guided_init(&guided, &wide_score, &narrow_score, 0, gamma));
    guided_score = sgm_guided_score(&guided);
    for (int way = 0; way < 2; way++) {
        sgm_sample_options o = {.grid = SGM_GRID_LOGSNR, .steps = GUIDED_STEPS, .plain_end = 1};
        o.method = way ? SGM_METHOD_DPMPP_2M : SGM_METHOD_ANCESTRAL, o.t_end = sde.t_min;
        sgm_sampler_free(&guided_run[way]);
        TRY(sgm_sampler_init(&guided_run[way], &guided_score, GUIDED, &o,
                             key_of(seed, (uint64_t)way)));
        sgm_sampler_prior(&guided_run[way], points + way * GUIDED);
    }
    return SGM_OK;
}

/* So many steps of both. points: the crowd of the SDE, then the flow's. numbers: their variances
   about 0, and each one's standard error. */
WEB(int) gamma_steps(int steps) {
    for (int k = 0; k < steps && !sgm_sampler_done(&guided_run[0]); k++)
        for (int way = 0; way < 2; way++)
            TRY(sgm_sampler_step(&guided_run[way], points + way * GUIDED));
    for (int way = 0; way < 2; way++) {
        double sum = 0;
        for (int i = 0; i < GUIDED; i++) {
            double x = points[way * GUIDED + i];
            sum += x * x;
        }
        numbers[2 * way] = sum / GUIDED, numbers[2 * way + 1] = sum / GUIDED * sqrt(2. / GUIDED);
    }
    numbers[4] = (double)guided_run[0].step / GUIDED_STEPS;
    return sgm_sampler_done(&guided_run[0]) ? SGM_OK : MORE;
}

/*
## likelihood: a map by the flow (chapter 7)

log p over a square, by (7.14): the flow carries each place to the prior and adds up the divergence
on its way. With enough steps that is the mixture's own log p, and exp of it integrates to 1. With
few it looks as good and does not: then it is the density of nothing.
*/
enum { SIDE = 56, BAND = 2 };
static const double map_half = 2.8;
static sgm_mixture three;
static int map_row, map_checked, map_steps, map_method;

WEB(int) likelihood_start(int method, int steps) {
    const double mean[6] = {-1, .6, 1, .7, .1, -1}, weight[3] = {.3, .3, .4};
    const double var[6] = {.1, .3, .12, .2, .5, .06};
    sgm_sde sde = sgm_sde_vp(.1, 20);
    sgm_mixture_free(&three);
    TRY(sgm_mixture_init(&three, 3, 2, weight, mean, var, SGM_COV_DIAGONAL, &sde));
    map_row = map_checked = 0, map_steps = steps, map_method = method;
    return SGM_OK;
}

static sgm_likelihood_options likelihood_options(int unchecked) {
    sgm_likelihood_options o = {.unchecked = unchecked};
    o.solve.method = map_method == 0   ? SGM_METHOD_EULER
                     : map_method == 1 ? SGM_METHOD_HEUN
                                       : SGM_METHOD_RK4;
    o.solve.steps = map_steps;
    return o;
}

/* A band of rows. numbers: log p of SIDE by SIDE places; points: the exact one. */
WEB(int) likelihood_band(void) {
    static float x[2 * SIDE * BAND], t[SIDE * BAND];
    static double exact[SIDE * BAND];
    const sgm_score score = sgm_mixture_score(&three);
    const sgm_likelihood_options o = likelihood_options(1);
    const int first = map_row * SIDE, n = SIDE * BAND;
    if (map_row >= SIDE) return SGM_OK;
    for (int i = 0; i < n; i++) {
        x[2 * i] = (float)(map_half * (2 * (i % SIDE + .5) / SIDE - 1));
        x[2 * i + 1] = (float)(map_half * (2 * ((first + i) / SIDE + .5) / SIDE - 1));
        t[i] = (float)three.sde.t_min;
    }
    TRY(sgm_likelihood(numbers + first, NULL, NULL, x, n, &score, &o, NULL, key_of(1, 0)));
    TRY(sgm_score_logp(&score, exact, x, t, n));
    for (int i = 0; i < n; i++) points[first + i] = (float)exact[i];
    map_row += BAND;
    return map_row < SIDE ? MORE : SGM_OK;
}

/* Behind the map in numbers: the integrals of the two densities over the square. */
WEB(int) likelihood_integral(void) {
    const double area = (2 * map_half / SIDE) * (2 * map_half / SIDE);
    double *out = numbers + SIDE * SIDE;
    out[0] = out[1] = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        out[0] += area * exp(numbers[i]), out[1] += area * exp(points[i]);
    return SGM_OK;
}

/* CHECKED exact draws, a slice at a time. Behind the map in numbers: the mean of log p, by the flow
   and by the mixture; the root mean square difference; the library's own estimate of the error,
   and 1 if that is too much (by the rule that sgm_likelihood has for `suspect`). */
enum { CHECKED = 128, CHECKED_A_SLICE = 16 };
WEB(int) likelihood_check(int seed) {
    enum { N = CHECKED_A_SLICE };
    static float x[2 * CHECKED], t[N];
    static double sum[5]; /* of log p by the flow, exact; squares; changes; the largest change */
    const sgm_score score = sgm_mixture_score(&three);
    const sgm_likelihood_options o = likelihood_options(0);
    sgm_likelihood_result r;
    double flow[N], exact[N], *out = numbers + SIDE * SIDE;
    if (map_checked == 0) {
        TRY(sgm_mixture_sample(&three, x, NULL, CHECKED, three.sde.t_min, key_of(seed, 0)));
        memset(sum, 0, sizeof sum);
    }
    for (int i = 0; i < N; i++) t[i] = (float)three.sde.t_min;
    TRY(sgm_likelihood(flow, NULL, NULL, x + 2 * map_checked, N, &score, &o, &r, key_of(1, 0)));
    TRY(sgm_score_logp(&score, exact, x + 2 * map_checked, t, N));
    for (int i = 0; i < N; i++) {
        sum[0] += flow[i], sum[1] += exact[i];
        sum[2] += (flow[i] - exact[i]) * (flow[i] - exact[i]);
    }
    sum[3] += r.change * N, sum[4] = r.change_most > sum[4] ? r.change_most : sum[4];
    map_checked += N;
    if (map_checked < CHECKED) return MORE;
    out[0] = sum[0] / CHECKED, out[1] = sum[1] / CHECKED, out[2] = sqrt(sum[2] / CHECKED);
    out[3] = sum[3] / CHECKED, out[4] = !(out[3] <= .01 * 2 && sum[4] <= .1 * 2);
    return SGM_OK;
}

/*
## The test

Every widget's computation with settings of its own. The page and this file's native program list
the same names and values; they must agree to the last bit, and so must what the widgets show when
the page's address has these settings (`tests/web_widgets.pl`).
*/
enum { MOST_TESTS = 64 };
static const char *test_name[MOST_TESTS];
static double test_value[MOST_TESTS];
static int tests;

static void note(const char *name, double value) {
    if (tests < MOST_TESTS) test_name[tests] = name, test_value[tests++] = value;
}

static double sum_of(const double *x, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* All slices of a computation. */
static int whole(int (*slice)(void)) {
    int status = MORE;
    while (status == MORE) status = slice();
    return status;
}

static int gamma_slice(void) { return gamma_steps(25); }
static int loss_slice(void) { return loss_steps(25); }
static int check_slice(void) { return likelihood_check(1); }
static int path_slice(void) { return path_noise(1); }

static int test_chapters_1_and_2(void) {
    TRY(whole(path_slice));
    TRY(path_run(20, 100, 1.5, .3));
    note("path: mean of the crowd", numbers[0]), note("path: its std", numbers[1]);
    note("path: Euler's std", numbers[6]), note("path: last place", points[100]);
    TRY(path_run(7, 5, 1.5, .4));
    note("path: mean, step .2", numbers[0]), note("path: law's s", numbers[4]);
    TRY(arrows_mean(0, -1, .5) || arrows_mean(1, 1, .8) || arrows_mean(2, .2, -1));
    TRY(arrows_field(.3, .4, 21, 15, 2.5, 1.8));
    note("arrows: log p, sum", sum_of(numbers, 21 * 15));
    note("arrows: scores, mean", mean_of(points, 2 * 21 * 15));
    TRY(arrows_probe(.3, .4, .5, .25));
    note("arrows: score", numbers[0]), note("arrows: quotient", numbers[2]);
    TRY(arrows_stein(.3, .4, 1));
    note("arrows: mean of x.s", numbers[0]), note("arrows: its error", numbers[1]);
    return SGM_OK;
}

static int test_chapters_4_to_6(void) {
    TRY(loss_start(16, 4e-3, 64, 500, 1));
    TRY(whole(loss_slice));
    note("loss: of the last batch", numbers[0]);
    TRY(loss_measure(1));
    note("loss: loss", numbers[0]), note("loss: floor", numbers[2]);
    note("loss: excess", numbers[4]);
    TRY(loss_samples(1));
    note("loss: samples, mean", mean_of(points, 2 * DRAWN));
    TRY(reverse_start(12, 1));
    TRY(whole(reverse_step));
    TRY(reverse_measure());
    note("reverse: std of (5.4)", numbers[1]), note("reverse: std of (5.5)", numbers[5]);
    note("reverse: std of (5.8)", numbers[9]), note("reverse: distance", numbers[11]);
    TRY(ula_start(.4, 1));
    while (numbers[5] < 300) TRY(ula_steps(2));
    note("ula: variance", numbers[0]), note("ula: its error", numbers[1]);
    note("ula: MALA's variance", numbers[2]), note("ula: acceptance", numbers[4]);
    return SGM_OK;
}

static int test_chapters_7_and_8(void) {
    TRY(heun_start(1));
    note("heun: the end", mean_of(flow_end, 2 * FLOWN));
    TRY(heun_lines(0, 32));
    note("heun: Euler, 32 evaluations", numbers[0]);
    TRY(heun_lines(1, 16));
    note("heun: Heun, 32 evaluations", numbers[0]);
    TRY(likelihood_start(1, 8));
    TRY(whole(likelihood_band));
    note("likelihood: log p, sum", sum_of(numbers, SIDE * SIDE));
    TRY(whole(check_slice));
    note("likelihood: mean of log p", numbers[SIDE * SIDE]);
    note("likelihood: change", numbers[SIDE * SIDE + 3]);
    TRY(gamma_start(2, .5, 1));
    TRY(whole(gamma_slice));
    note("gamma: variance of the SDE", numbers[0]), note("gamma: of the flow", numbers[2]);
    return SGM_OK;
}

/* How many values there are; 0: an error, which web_error tells. */
WEB(int) widget_test(void) {
    tests = 0;
    int bad = test_chapters_1_and_2() || test_chapters_4_to_6() || test_chapters_7_and_8();
    return bad ? 0 : tests;
}

WEB(const char *) widget_test_name(int i) { return test_name[i]; }
WEB(double) widget_test_value(int i) { return test_value[i]; }

#ifdef NATIVE
int main(void) {
    int n = widget_test();
    for (int i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &test_value[i], sizeof bits);
        printf("%08lx%08lx %s\n", (unsigned long)(bits >> 32), (unsigned long)(bits & 0xffffffff),
               test_name[i]);
    }
    if (!n) fprintf(stderr, "%s\n", sgm_error());
    return n == 0;
}
#endif
