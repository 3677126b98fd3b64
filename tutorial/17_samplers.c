/*
Proof 17: samplers raced.

Question. A score can be asked a thousand times or ten. Which solver makes the most of few
evaluations, and how do you know that a solver does what its name says?

Equations. The reverse SDE (5.3) and the probability-flow ODE (7.1) end in the same law. A method of
order p with step h is wrong by C hᵖ: on a log-log plot its error is a line of slope −p.

Plan. (1) Orders: every solver on the exact score of a mixture in one dimension, against a solution
with RK45 at 1e-8; the noisy ones path by path, all step counts under the same Brownian motion (5.13),
against their finest path. (2) DDIM is Euler's method in x/m and s/m, to rounding; in t Euler's
method is another one, and the two part with h². (3) Encode and decode: how far from where it began
does a point come back, for a given tolerance? (4) VE, VP and sub-VP started from the same mixture
end in the same law. (5) The race: three data sets, three learned scores, sliced Wasserstein
distance against the number of evaluations, beside the distance of two exact sets.

What you should see. Every slope within 0.15 of the theory. In the race high order pays where the score is smooth:
on the moons RK4 and DPM-Solver++ come within 1.5 of the distance of two exact sets with 13 to 15
evaluations and Heun with 19, where Euler–Maruyama takes 30 and DDIM 50, all give or take a budget. Below 10 evaluations nothing is smooth enough for it, and
DPM-Solver-3 or churn end far away. On the other two sets the methods come in another order, the ancestral
one among the first: their floor is mostly the luck of how many points fall to each mode.

Figures. 17_samplers_orders.png, 17_samplers_encode.png, 17_samplers_race.png.

Build: cc -O2 -fopenmp tutorial/17_samplers.c -o 17_samplers -lm && ./17_samplers   (MODE=test: seconds)

Try this:
- GRID = SGM_GRID_UNIFORM: the few-step methods lose a factor of 5 in the race, because nearly all
  steps are spent where there is only noise.
- sde.t_min = 1e-5 in `race`: two more units of log-SNR to cross with the same few steps.
- .corrector = 1 for SGM_METHOD_EULER_MARUYAMA: twice the evaluations, and at 100 of them no better.
*/

#include "tutorial.h"

enum { FIRST = SGM_METHOD_EULER_MARUYAMA, ODE_FIRST = SGM_METHOD_DDIM, METHODS = SGM_METHOD_DPMPP_3M + 1, MOST = 4000, RACERS = 2000 };
static const sgm_grid_kind GRID = SGM_GRID_LOGSNR;

static const struct {
    const char *name;
    int order, cost; /* evaluations per step */
} method[METHODS] = {{"", 0, 0}, /* files count the methods from 0: m - FIRST */
                     {"Euler-Maruyama", 1, 1}, {"reverse diffusion", 1, 1}, {"ancestral", 1, 1},
                     {"SDE-DPM-Solver++", 2, 1}, {"EDM churn", 2, 2}, {"DDIM", 1, 1}, {"Euler", 1, 1},
                     {"Heun", 2, 2}, {"RK4", 4, 4}, {"RK45", 5, 7}, {"Adams-Bashforth", 4, 1},
                     {"DPM-Solver-2", 2, 2}, {"DPM-Solver-3", 3, 3}, {"DPM-Solver++(2M)", 2, 1},
                     {"DPM-Solver++(3M)", 3, 1}};

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

/* Slope of log error against log steps over the last rows, by least squares. */

static double slope_of(const double *error, const int *steps, int n) {
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int i = 0; i < n; i++) {
        double x = log(steps[i]), y = log(error[i]);
        sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    return -(n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/* (1a) The deterministic solvers, on the paths of nine points from T to t_min. */

static void orders_of_paths(void) {
    enum { POINTS = 9, ROWS = 6 };
    double weight[2] = {.3, .7}, mean[2] = {-1.5, 1.2}, var[2] = {.36, .25};
    sgm_sde sde = sgm_sde_vp(.1, 10);
    sde.t_min = .05;
    sgm_mixture mix;
    tut_must(sgm_mixture_init(&mix, 2, 1, weight, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score exact = sgm_mixture_score(&mix);
    float start[POINTS], truth[POINTS], x[POINTS], rows[(METHODS - ODE_FIRST) * ROWS * 4];
    for (int i = 0; i < POINTS; i++) truth[i] = start[i] = (float)(-2 + .5 * i);
    sgm_sample_options fine = {.method = SGM_METHOD_RK45, .rtol = 1e-8, .atol = 1e-8};
    tut_must(sgm_flow(truth, POINTS, &exact, sde.T, sde.t_min, &fine, NULL));
    printf("order of the solvers on paths (exact score, mean error of %d points)\n", POINTS);
    int row = 0;
    for (int m = ODE_FIRST; m < METHODS; m++) {
        if (m == SGM_METHOD_RK45) continue;
        double error[ROWS];
        int steps[ROWS], used = 0;
        for (int k = 0; k < ROWS; k++) {
            /* RK4 and DPM-Solver-3 reach the noise of a float score (1e-7) soon: start with few steps */
            steps[k] = (method[m].cost > 2 ? 12 : 24) << k;
            if (m == SGM_METHOD_ADAMS) steps[k] = (int)(40 * pow(1.4, k)); /* a narrow window: smooth, and above rounding */
            sgm_sample_options o = {.method = (sgm_method)m, .steps = steps[k], .grid = GRID};
            memcpy(x, start, sizeof x);
            tut_must(sgm_flow(x, POINTS, &exact, sde.T, sde.t_min, &o, NULL));
            error[k] = 0;
            for (int i = 0; i < POINTS; i++) error[k] += fabs(x[i] - truth[i]) / POINTS;
            if (error[k] > (m == SGM_METHOD_ADAMS ? 3e-7 : 8e-8)) used = k + 1; /* ten times what rounding of the score leaves */
            float *r = rows + 4 * row++;
            r[0] = (float)(m - FIRST), r[1] = (float)steps[k], r[2] = (float)(steps[k] * method[m].cost);
            r[3] = (float)error[k];
        }
        int from = used > 3 ? used - 3 : 0;
        double slope = slope_of(error + from, steps + from, used - from);
        printf("  %-20s %.2e at %3d steps, slope %.2f\n", method[m].name, error[used - 1],
               steps[used - 1], slope);
        char name[64];
        snprintf(name, sizeof name, "order of %s", method[m].name);
        tut_check(name, slope, method[m].order, .15);
    }
    tut_dat("orders.dat", "method steps evaluations error", rows, row, 4);
    sgm_mixture_free(&mix);
}

/* (1b) The noisy ones, path by path: all step counts see the same Brownian motion (5.13), so that the
distance to the run with the finest steps is a distance of paths. The noise does not depend on x, and
then Euler and Maruyama's strong order is 1, not ½. */

static void orders_on_one_brownian_path(void) {
    enum { FINE = 4096, N = 500, ROWS = 4 };
    double weight[2] = {.3, .7}, mean[2] = {-1.5, 1.2}, var[2] = {.36, .25};
    sgm_sde sde = sgm_sde_vp(.1, 10);
    sde.t_min = .05;
    sgm_mixture mix;
    tut_must(sgm_mixture_init(&mix, 2, 1, weight, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score exact = sgm_mixture_score(&mix);
    float *truth = tut_memory(2 * N * sizeof *truth), *x = truth + N, rows[3 * ROWS * 3];
    printf("\nstrong order: distance to the path of %d steps under the same Brownian motion\n", FINE);
    for (int m = FIRST, row = 0; m <= SGM_METHOD_ANCESTRAL; m++) {
        sgm_sample_options o = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = FINE, .grid = SGM_GRID_UNIFORM,
                                .plain_end = 1, .t_end = sde.t_min, .path_steps = FINE};
        tut_must(sgm_sample(truth, N, &exact, &o, stream(11)));
        double error[ROWS];
        int steps[ROWS];
        for (int k = 0; k < ROWS; k++) {
            o.method = (sgm_method)m, o.steps = steps[k] = 32 << k;
            tut_must(sgm_sample(x, N, &exact, &o, stream(11)));
            error[k] = 0;
            for (int i = 0; i < N; i++) error[k] += fabs(x[i] - truth[i]) / N;
            float *r = rows + 3 * row++;
            r[0] = (float)(m - FIRST), r[1] = (float)steps[k], r[2] = (float)error[k];
        }
        double slope = slope_of(error + 1, steps + 1, ROWS - 1);
        printf("  %-20s %.1e %.1e %.1e %.1e, slope %.2f\n", method[m].name, error[0], error[1], error[2],
               error[3], slope);
        char name[64];
        snprintf(name, sizeof name, "strong order of %s", method[m].name);
        tut_check(name, slope, 1, .15);
        if (m == SGM_METHOD_ANCESTRAL) tut_dat("strong.dat", "method steps error", rows, row, 3);
    }
    free(truth);
    sgm_mixture_free(&mix);
}

/* (2) DDIM against Euler's method in x/m and s/m, written out; and against Euler's in t. */

static void ddim_is_euler(void) {
    enum { N = 500, STEPS = 10 };
    sgm_sde sde = sgm_sde_vp(.1, 20);
    sgm_mixture mix;
    float ring[16], start[2 * N], x[2 * N], y[2 * N], s[2 * N], t[N], gap[2][2 * N];
    sgm_data_ring(ring, 8);
    tut_must(sgm_mixture_from_data(&mix, ring, 8, 2, &sde));
    sgm_score exact = sgm_mixture_score(&mix);
    sgm_normal(start, 2 * N, stream(20), 0);
    double grid[STEPS + 1], worst = 0, distance[2] = {0, 0};
    tut_must(sgm_time_grid(grid, STEPS, GRID, &sde, sde.T, .1));
    memcpy(y, start, sizeof y);
    for (int k = 0; k < STEPS; k++) {
        double m = sgm_sde_m(&sde, grid[k]), sd = sgm_sde_s(&sde, grid[k]);
        double m2 = sgm_sde_m(&sde, grid[k + 1]), sd2 = sgm_sde_s(&sde, grid[k + 1]);
        for (int i = 0; i < N; i++) t[i] = (float)grid[k];
        tut_must(sgm_score_eval(&exact, s, y, t, N));
        for (int i = 0; i < 2 * N; i++) /* y/m + (σ' − σ) ε̂, back in x */
            y[i] = (float)(m2 * (y[i] / m + (sd2 / m2 - sd / m) * -sd * s[i]));
    }
    sgm_sample_options o = {.method = SGM_METHOD_DDIM, .steps = STEPS, .grid = GRID, .plain_end = 1, .t_end = .1, .x_given = 1};
    sgm_sampler run;
    memcpy(x, start, sizeof x);
    tut_must(sgm_sampler_init(&run, &exact, N, &o, stream(21)));
    while (!sgm_sampler_done(&run)) tut_must(sgm_sampler_step(&run, x));
    sgm_sampler_free(&run);
    for (int i = 0; i < 2 * N; i++) worst = fmax(worst, fabs(x[i] - y[i]));
    printf("\nDDIM and Euler's method in (x/m, s/m), %d steps: largest difference %.1e\n", STEPS, worst);
    /* ten steps, each rounds x of size 4 to 2⁻²² and the score once: 10 · 4 · 2⁻²² and the flow's stretching, 10 */
    tut_check("DDIM = Euler in x/m, s/m: largest difference", worst, 0, 10 * 10 * 4 * pow(2, -22));
    for (int half = 0; half < 2; half++) { /* one step from t = .4, long and then half as long */
        for (int e = 0; e < 2; e++) {
            sgm_sample_options one = {.method = e ? SGM_METHOD_EULER : SGM_METHOD_DDIM, .steps = 1};
            memcpy(gap[e], start, sizeof gap[e]);
            tut_must(sgm_flow(gap[e], N, &exact, .4, half ? .36 : .38, &one, NULL));
        }
        for (int i = 0; i < 2 * N; i++) distance[half] += fabs(gap[0][i] - gap[1][i]) / (2 * N);
    }
    printf("one step from t = 0.4 over .04 and .02: DDIM and Euler in t are %.2e and %.2e apart\n", distance[1],
           distance[0]);
    /* a difference of c h² + c' h³ */
    tut_check("DDIM - Euler in t over one step: power of h", log2(distance[1] / distance[0]), 2, .15);
    sgm_mixture_free(&mix);
}

/* (3) Up and down again. */

static void encode_decode(void) {
    enum { N = 300, ROWS = 5 };
    sgm_sde sde = sgm_sde_vp(.1, 20);
    sgm_mixture mix;
    double mean[16], var[8];
    for (int k = 0; k < 8; k++)
        mean[2 * k] = cos(2 * 3.14159265358979 * k / 8), mean[2 * k + 1] = sin(2 * 3.14159265358979 * k / 8), var[k] = .01;
    tut_must(sgm_mixture_init(&mix, 8, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    sgm_score exact = sgm_mixture_score(&mix);
    float *x = tut_memory(4 * N * sizeof *x), *y = x + 2 * N, rows[ROWS * 3];
    tut_must(sgm_mixture_sample(&mix, x, NULL, N, sde.t_min, stream(30)));
    printf("\nencode and decode: error by tolerance\n");
    double error[ROWS];
    int one_over_rtol[ROWS];
    for (int k = 0; k < ROWS; k++) {
        sgm_sample_options o = {.method = SGM_METHOD_RK45, .rtol = pow(10, -2 - k), .atol = pow(10, -2 - k)};
        long up, down;
        memcpy(y, x, 2 * N * sizeof *y);
        tut_must(sgm_flow(y, N, &exact, sde.t_min, sde.T, &o, &up));
        tut_must(sgm_flow(y, N, &exact, sde.T, sde.t_min, &o, &down));
        error[k] = 0, one_over_rtol[k] = (int)(1 / o.rtol + .5);
        for (int i = 0; i < 2 * N; i++) error[k] += fabs(y[i] - x[i]) / (2 * N);
        rows[3 * k] = (float)o.rtol, rows[3 * k + 1] = (float)error[k], rows[3 * k + 2] = (float)(up + down);
        printf("  rtol 1e-%d  error %.1e  evaluations %ld + %ld\n", 2 + k, error[k], up, down);
    }
    tut_dat("encode.dat", "rtol error evaluations", rows, ROWS, 3);
    /* the error follows the tolerance: its power is 1, give or take what step control leaves. The slope is that
       of all rows, for the longest steps make single errors jump */
    tut_check("encode-decode: error's power of the tolerance", slope_of(error, one_over_rtol, ROWS), 1, .35);
    free(x);
    sgm_mixture_free(&mix);
}

/* (4) One mixture under three processes. */

static void three_processes(void) {
    long n = tut_quick() ? 1000 : MOST;
    sgm_sde sde[3] = {sgm_sde_ve(.01, 50), sgm_sde_vp(.1, 20), sgm_sde_subvp(.1, 20)};
    const char *name[3] = {"VE", "VP", "sub-VP"};
    float *x = tut_memory((size_t)n * 4 * sizeof *x), *y = x + 2 * n;
    double mean[4] = {-1, 0, 1, .5}, var[2] = {.04, .09}, weight[2] = {.4, .6};
    printf("\none mixture under three processes: energy distance of %ld samples to exact ones\n", n);
    for (int k = 0; k < 3; k++) {
        sgm_mixture mix;
        sde[k].t_min = k ? 1e-3 : 1e-2;
        tut_must(sgm_mixture_init(&mix, 2, 2, weight, mean, var, SGM_COV_ISOTROPIC, &sde[k]));
        sgm_score exact = sgm_mixture_score(&mix);
        sgm_sample_options o = {.method = SGM_METHOD_DPMPP_2M, .steps = 60, .grid = GRID};
        tut_must(sgm_sample(x, n, &exact, &o, stream(40 + (uint64_t)k)));
        tut_must(sgm_mixture_sample(&mix, y, NULL, n, 0, stream(50 + (uint64_t)k)));
        double floor_se = 0, between = sgm_energy_distance(x, n, y, n, 2);
        for (int i = 0; i < 10; i++) { /* what two exact sets read, ten times */
            tut_must(sgm_mixture_sample(&mix, x, NULL, n, 0, stream(60 + 2 * (uint64_t)i)));
            tut_must(sgm_mixture_sample(&mix, y, NULL, n, 0, stream(61 + 2 * (uint64_t)i)));
            double e = sgm_energy_distance(x, n, y, n, 2);
            floor_se += e * e / 10;
        }
        floor_se = sqrt(floor_se);
        printf("  %-8s %.5f (two exact sets: 0 ± %.5f)\n", name[k], between, floor_se);
        char row[64];
        snprintf(row, sizeof row, "%s: energy distance to the mixture", name[k]);
        tut_check(row, between, 0, 5 * floor_se); /* its law is skewed: 5 standard deviations */
        sgm_mixture_free(&mix);
    }
    free(x);
}

/* (5) The race. */

typedef struct track {
    const char *name;
    int d;
    float *data, *fresh[2];
    long n;
    double floor; /* sliced W2 of two exact sets */
} track;

static int race_steps(int m, int evaluations) {
    int left = evaluations - 1; /* the last is the closed-form denoising */
    if (m == SGM_METHOD_ADAMS) left -= 9;
    if (m == SGM_METHOD_DPMPP_3M) left -= 1;
    int steps = left / (m == SGM_METHOD_RK45 ? 1 : method[m].cost);
    return steps < (m == SGM_METHOD_ADAMS ? 4 : m == SGM_METHOD_DPMPP_3M ? 3 : m == SGM_METHOD_DPM_SDE || m == SGM_METHOD_DPMPP_2M ? 2 : 1) ? 0 : steps + 1;
}

/* What the text says of the moons. A distance scatters by a fifth and a budget is the next by a half: a place in the
race is sure to one budget either way, which is the interval here. */

static void sayings(const int needs[METHODS]) {
    static const struct {
        int m, from, to;
    } said[] = {{SGM_METHOD_RK4, 9, 17}, {SGM_METHOD_DPMPP_2M, 10, 20}, {SGM_METHOD_DPMPP_3M, 10, 20}, {SGM_METHOD_HEUN, 15, 29},
                {SGM_METHOD_EULER_MARUYAMA, 20, 50}, {SGM_METHOD_DDIM, 30, 100}};
    for (int i = 0; i < (int)(sizeof said / sizeof *said); i++) {
        char name[64];
        snprintf(name, sizeof name, "moons: to 1.5 floors, %s, %d to %d", method[said[i].m].name, said[i].from, said[i].to);
        tut_check(name, needs[said[i].m] ? needs[said[i].m] : NAN, (said[i].from + said[i].to) / 2.,
                  (said[i].to - said[i].from) / 2.);
    }
}

static void race(track *c) {
    static const int budget[] = {5, 7, 10, 15, 20, 30, 50, 100, 300, 1000};
    enum { BUDGETS = sizeof budget / sizeof budget[0] };
    sgm_sde sde = sgm_sde_vp(.1, 20);
    sgm_mlp_options net = {.width = 128, .depth = 4, .activation = SGM_ACTIVATION_SILU, .embedding = SGM_EMBEDDING_FOURIER};
    sgm_model_options what = {.net = sgm_residual_mlp, .user = &net, .d = c->d, .sde = sde,
                              .output = SGM_OUTPUT_NOISE, .n_ema = 1};
    sgm_train_options how = {.held_out = -1,
                             .steps = tut_quick() ? 800 : 15000, .batch = 128, .lr = 2e-3, .cosine = 1,
                             .ema = {.999}, .progress = c->name};
    sgm_model model;
    long n = tut_quick() ? 400 : RACERS;
    int directions = 32, last = tut_quick() ? 3 : BUDGETS;
    tut_must(sgm_model_init(&model, &what, stream(70)));
    tut_must(sgm_train(&model, c->data, c->n, &how, stream(71)));
    sgm_score score = sgm_model_score(&model, 0);
    c->floor = sgm_sliced_w2(c->fresh[0], n, c->fresh[1], n, c->d, directions, stream(72));
    float *x = tut_memory((size_t)n * (size_t)c->d * sizeof *x), rows[METHODS * BUDGETS * 4];
    int row = 0, winner = -1, fewest = 1 << 30, needs[METHODS] = {0};
    printf("\n%s: sliced W2 of two exact sets of %ld: %.4f; first below 1.5 of it\n", c->name, n, c->floor);
    for (int m = FIRST; m < METHODS; m++) {
        int first = 0;
        for (int b = 0; b < last; b++) {
            sgm_sample_options o = {.method = (sgm_method)m, .grid = GRID, .steps = race_steps(m, budget[b]),
                                    .churn = m == SGM_METHOD_CHURN ? .2 * budget[b] / 2 : 0, .churn_noise = 1};
            if (m == SGM_METHOD_RK45) o.steps = 2, o.rtol = o.atol = 5. / budget[b] / budget[b];
            if (o.steps == 0) continue;
            if (budget[b] > 100 && m != SGM_METHOD_EULER_MARUYAMA && m != SGM_METHOD_ANCESTRAL && m != SGM_METHOD_DDIM) continue;
            sgm_sampler run;
            sgm_key key = stream(80 + (uint64_t)b);
            tut_must(sgm_sampler_init(&run, &score, n, &o, key));
            sgm_sampler_prior(&run, x);
            while (!sgm_sampler_done(&run)) tut_must(sgm_sampler_step(&run, x));
            double far = sgm_sliced_w2(x, n, c->fresh[0], n, c->d, directions, stream(72));
            double energy = sgm_energy_distance(x, n / 2, c->fresh[0], n / 2, c->d);
            float *r = rows + 4 * row++;
            r[0] = (float)(m - FIRST), r[1] = (float)run.n_evals, r[2] = (float)far, r[3] = (float)energy;
            if (!first && far < 1.5 * c->floor) first = (int)run.n_evals;
            sgm_sampler_free(&run);
        }
        if (first) printf("  %-20s %4d evaluations\n", method[m].name, first);
        else printf("  %-20s    –\n", method[m].name);
        needs[m] = first;
        if (first && first < fewest) fewest = first, winner = m;
    }
    char file[64], name[96];
    snprintf(file, sizeof file, "race_%s.dat", c->name);
    tut_dat(file, "method evaluations sliced_w2 energy_distance", rows, row, 4);
    snprintf(file, sizeof file, "floor_%s.dat", c->name);
    float floor = (float)c->floor;
    tut_dat(file, "sliced_w2_of_two_exact_sets", &floor, 1, 1);
    if (winner >= 0) printf("  first: %s with %d evaluations\n", method[winner].name, fewest);
    snprintf(name, sizeof name, "%s: fewest evaluations to 1.5 floors, 5 to 20", c->name);
    if (!tut_quick()) tut_check(name, fewest, 12.5, 7.5);
    if (!tut_quick() && !strcmp(c->name, "moons")) sayings(needs);
    free(x);
    sgm_model_free(&model);
}

static void races(void) {
    static const char *const names[3] = {"ring", "moons", "gaussians"};
    for (int k = 0; k < (tut_quick() ? 1 : 3); k++) {
        track c = {.name = names[k], .d = 2, .n = k ? 20000 : 8};
        size_t bytes = (size_t)(k ? c.n : MOST) * 2 * sizeof(float);
        c.data = tut_memory(bytes), c.fresh[0] = tut_memory(bytes), c.fresh[1] = tut_memory(bytes);
        float *set[3] = {c.data, c.fresh[0], c.fresh[1]};
        for (int i = 0; i < 3; i++) {
            sgm_key key = stream(90 + 3 * (uint64_t)k + (uint64_t)i);
            if (k == 0 && i == 0) sgm_data_ring(set[i], 8);
            if (k == 0 && i > 0)
                for (uint64_t j = 0; j < MOST; j++) memcpy(set[i] + 2 * j, c.data + 2 * sgm_below(key, j, 8), 8);
            if (k == 1) sgm_data_moons(set[i], c.n, .05, key);
            if (k == 2) sgm_data_gaussians(set[i], c.n, 8, 2, .2, key);
        }
        race(&c);
        for (int i = 0; i < 3; i++) free(set[i]);
    }
}

int main(int argc, char **argv) {
    tut_start("17_samplers", argc, argv);
    orders_of_paths();
    orders_on_one_brownian_path();
    ddim_is_euler();
    encode_decode();
    three_processes();
    races();
    return tut_done();
}
