/*
Proof 15: a ladder of noise levels (NCSN).

Question. A walk at one noise level stays in the mode where it begins. Song and Ermon (2019) walk
down a ladder of levels instead, with one network for all of them. How good is that network on each
rung, and which error is it to blame for?

Equations. Kernel x = x0 + σ ε: sgm_sde_edm, where a time *is* a σ. Loss ½ σ² ‖s_θ + ε/σ‖², averaged
over points and dimensions: (2.7) with w = 1 and scale ½/2. Sampling: annealed Langevin (6.9), γ_i
= γ_L σ_i²/σ_L², 100 steps on each of 12 levels. All settings are those of *Diffusion Through the
Lens of Score Matching* (EngineersOfAI lesson): its base step of 2·10⁻⁵ in x + ½α s + √α z is γ_L =
10⁻⁵ here. One difference: its cosine decay moves at every epoch, ours at every step.

Plan. (1) The floor of the loss on every level, from the exact score of the noised mixture, and what
the weight σ² is for. (2) The lesson's training: 600 epochs of 117 steps. (3) Loss, floor and excess
by level, and whether the step is the same part of a mode's width on all of them, as the lesson
says. (4) 20 000 samples down the same ladder from the exact score and from the network. (5) One
level instead of twelve, from the same start.

What you should see. Without the weight, the last of twelve levels would make 82 % of the loss.
With it, nearly all of the loss is floor: of the 0.4997 at σ = 0.01 no network can save anything.
What the network has not learnt is at most half a percent of the loss, where the modes part (σ =
0.43), and a few millionths at σ = 0.01, where the score is off by a tenth all the same: the loss
looks away there. The ladder does too, since its steps are smallest there, and its samples cannot be
told from data by their energy distance; their variance is the ladder's, not the data's. The
lesson's remark that the step keeps its ratio to the curvature fails here: the modes have a width of
their own, and the ratio falls from 0.1 to 6·10⁻⁵.

Figures. 15_ncsn_loss.png, 15_ncsn_levels.png, 15_ncsn_samples.png, 15_ncsn_ladder.png.

Build: cc -O2 -fopenmp tutorial/15_ncsn.c -o 15_ncsn -lm && ./15_ncsn    (MODE=test: seconds)

Try this:
- .output = SGM_OUTPUT_NOISE: at small σ the score of these smooth modes has the size 1/0.4, so the noise
  -σ s has to be a whisper, and the relative error at σ = 0.01 grows (in mode test from 0.70 to 1.11).
- PER_LEVEL = 30: the walk has no time to follow σ down, and the variance of the samples goes up as
  `ladder_variance` says, to 0.209.
- last_step = 3e-5: the walk keeps up with σ for two levels more, and the variance comes down to
  0.165. (With 1e-4, γ = σ² on every level; a network that is a little too steep then diverges.)
*/

#include "tutorial.h"

enum { MODES = 8, LEVELS = 12, PER_LEVEL = 100, POINTS = 60000, EPOCH = 117 };
enum { MAX_ROWS = 60, CROWD = 4000, FILM = 2000 };

static const double radius = 5, std = .4, last_step = 1e-5, near_by = 1.2;
static double levels[LEVELS];
static float centres[MODES * 2];
static sgm_sde sde;
static sgm_mixture truth;
static sgm_score exact;

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

/* The lesson's listing, layer by layer: log σ → 32 → 32, then [embedding, x] → 256 → 256 → 256 → 2.
Twelve levels have twelve embeddings: with the time first, a linear layer makes each one's products
once (§3.3). */

static sgm_tensor *net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_concat(tape, sgm_time_learned(tape, in->log_sigma, 32), in->x);
    for (int i = 0; i < 3; i++) h = sgm_silu(tape, sgm_linear(tape, h, 256));
    return sgm_linear(tape, h, 2);
}

static sgm_loss loss_on(const double *grid, int n) {
    sgm_loss loss = {.times = SGM_TIMES_GRID, .grid = grid, .n_grid = n, .scale = .5 / 2};
    return loss;
}

/* The floor at one level, without the noise of a loss: given x, ε has the covariance I + σ² ∂s/∂x,
and half of its mean trace per dimension is what remains (proof 14 has the reason). */

static double floor_at(double sigma, long n, double *se) {
    float *x = tut_memory((size_t)n * 36), *v = x + 2 * n, *s = v + 2 * n, *js = s + 2 * n,
          *t = js + 2 * n;
    double *rest = tut_memory((size_t)n * sizeof *rest), sum = 0, square = 0;
    tut_must(sgm_mixture_sample(&truth, x, NULL, n, sigma, stream(1)));
    for (long i = 0; i < n; i++) t[i] = (float)sigma;
    for (int j = 0; j < 2; j++) {
        for (long i = 0; i < 2 * n; i++) v[i] = i % 2 == j;
        tut_must(sgm_score_jvp(&exact, s, js, x, v, t, n));
        for (long i = 0; i < n; i++) rest[i] += .25 * (1 + sigma * sigma * js[2 * i + j]);
    }
    for (long i = 0; i < n; i++)
        sum += rest[i] / (double)n, square += rest[i] * rest[i] / (double)n;
    free(x), free(rest);
    *se = sqrt(fmax(square - sum * sum, 0) / (double)n);
    return sum;
}

/* The lesson's reason for the weight σ²: without it a level's loss is floor/σ², and the last level
drowns the others. The truth has ½ v/(v + σ²) below σ = .2; above, no floor exceeds ½. */

static void without_weight(const double *floors) {
    double sum = 0, known = 0, above = 0, last = 0;
    for (int i = 0; i < LEVELS; i++) {
        double v = std * std, sigma2 = levels[i] * levels[i];
        sum += floors[i] / sigma2;
        if (levels[i] > .2) above += .5 / sigma2;
        else known += last = .5 * v / (v + sigma2) / sigma2;
    }
    printf("  without the weight sigma^2, the last of %d levels would make %.1f %% of the loss\n",
           LEVELS, 100 * floors[LEVELS - 1] / (levels[LEVELS - 1] * levels[LEVELS - 1] * sum));
    tut_check("unweighted: the last level's share of the floor",
              floors[LEVELS - 1] / (levels[LEVELS - 1] * levels[LEVELS - 1] * sum), last / known,
              above / known + 1e-4); /* floors of small levels are known to 10⁻⁵ of themselves */
}

typedef struct run {
    float rows[MAX_ROWS * 5]; /* epoch, loss, floor, excess, learning rate */
    int n;
    double floor;
} run;

static void on_log(const sgm_trainer *trainer, void *user) {
    run *r = (run *)user;
    if (r->n == MAX_ROWS) return;
    float *row = r->rows + 5 * r->n;
    row[0] = (float)((double)trainer->step / EPOCH);
    row[1] = (float)trainer->mean_loss, row[2] = (float)r->floor;
    row[3] = (float)(trainer->mean_loss - r->floor), row[4] = (float)sgm_trainer_lr(trainer);
    r->n++;
}

static void train(sgm_model *model, const float *data, run *r, int quick) {
    sgm_model_options what = {.net = net, .d = 2, .sde = sde, .output = SGM_OUTPUT_SCORE};
    sgm_train_options how = {.held_out = -1, .steps = quick ? 3000 : 600 * EPOCH,
                             .batch = quick ? 64 : 512,
                             .lr = quick ? 3e-3 : 1e-3,
                             .lr_end = 1e-5,
                             .clip = 1,
                             .loss = loss_on(levels, LEVELS),
                             .floor = r->floor,
                             .progress = "NCSN",
                             .log_every = quick ? 300 : 10 * EPOCH,
                             .on_log = on_log,
                             .user = r};
    tut_must(sgm_model_init(model, &what, stream(2)));
    double start = sgm_seconds();
    tut_must(sgm_train(model, data, POINTS, &how, stream(3)));
    double seconds = sgm_seconds() - start;
    printf("  %ld steps of batch %d, %zu parameters: %.1f s, %.0f steps/s\n", how.steps, how.batch,
           model->n_params, seconds, (double)how.steps / seconds);
    for (int i = 0; i < r->n; i++)
        if ((i + 1) % 10 == 0)
            printf("  epoch %4.0f   loss %.5f   floor %.5f   excess %+.5f   rate %.1e\n",
                   r->rows[5 * i], r->rows[5 * i + 1], r->rows[5 * i + 2], r->rows[5 * i + 3],
                   r->rows[5 * i + 4]);
    /* 32·1+32 + 32·32+32 + 34·256+256 + 2·(256·256+256) + 256·2+2 */
    tut_check("parameters of the lesson's network", (double)model->n_params, 142178, 0);
    tut_dat("loss.dat", "epoch loss floor excess learning_rate (means over 10 epochs)", r->rows,
            r->n, 5);
}

/* Level by level: ¼ σ² E|s - exact|² is what (2.9) adds to the floor; beside it the same error
relative to the score. The last column is the step in units of a mode's own width at that level.
The lesson says that γ ∝ σ² keeps it the same on all levels: so it would, were the noise all of the
width. */

static void by_level(const sgm_score *learned, const double *floors, long n) {
    static float rows[LEVELS * 6];
    float *x = tut_memory((size_t)n * 8), *s = tut_memory((size_t)n * 8),
          *t = tut_memory((size_t)n * 4);
    printf("\n  %8s %10s %10s %14s %22s %12s\n", "sigma", "floor", "excess", "sigma^2 Fisher",
           "rms error / rms score", "step/width^2");
    for (int i = 0; i < LEVELS; i++) {
        double fisher, se, size = 0, sigma = levels[i];
        for (long k = 0; k < n; k++) t[k] = (float)sigma;
        tut_must(sgm_mixture_sample(&truth, x, NULL, n, sigma, stream(20 + (uint64_t)i)));
        tut_must(sgm_fisher(&fisher, &se, learned, &exact, x, sigma, n));
        tut_must(sgm_score_eval(&exact, s, x, t, n));
        for (long k = 0; k < 2 * n; k++) size += (double)s[k] * s[k] / (double)n;
        double excess = .25 * sigma * sigma * fisher, wrong = sqrt(fisher / size);
        double step = last_step * pow(sigma / levels[LEVELS - 1], 2);
        printf("  %8.4f %10.6f %10.6f %14.6f %22.4f %12.2g\n", sigma, floors[i], excess,
               sigma * sigma * fisher, wrong, step / (std * std + sigma * sigma));
        float *row = rows + 6 * i;
        row[0] = (float)sigma, row[1] = (float)floors[i], row[2] = (float)excess;
        row[3] = (float)(sigma * sigma * fisher);
        row[4] = (float)wrong, row[5] = (float)(se / fisher);
    }
    tut_dat("levels.dat",
            "sigma floor excess sigma2_fisher rms_error_over_rms_score relative_se_of_fisher", rows,
            LEVELS, 6);
    free(x), free(s), free(t);
}

typedef struct quality {
    double share, chi2, spread, weight[MODES];
} quality;

static quality judge(const char *label, const float *x, long n) {
    quality q = {0, 0, 0, {0}};
    double even = (double)n / MODES;
    sgm_mode_weights(q.weight, x, n, 2, centres, MODES);
    for (long i = 0; i < n; i++) {
        double best = HUGE_VAL;
        for (int k = 0; k < MODES; k++) {
            double u = x[2 * i] - centres[2 * k], v = x[2 * i + 1] - centres[2 * k + 1];
            best = fmin(best, u * u + v * v);
        }
        q.share += (best < near_by * near_by) / (double)n, q.spread += best / 2 / (double)n;
    }
    for (int k = 0; k < MODES; k++) q.chi2 += pow(q.weight[k] * (double)n - even, 2) / even;
    printf("  %-29s %6ld   within 1.2: %.4f   variance %.4f   chi2 %.1f\n    modes:", label, n, q.share, q.spread,
           q.chi2);
    for (int k = 0; k < MODES; k++) printf(" %.3f", q.weight[k]);
    printf("\n");
    return q;
}

/* The first `rungs` levels of the ladder. Noise is keyed by the step and the point, so with one key
a short ladder is the beginning of a long one, and few samples are the first of many. */

static void anneal(float *x, long n, const sgm_score *score, int rungs, const char *label,
                   uint64_t key) {
    double ratio = levels[rungs - 1] / levels[LEVELS - 1];
    sgm_anneal_options how = {.levels = levels,
                              .n_levels = rungs,
                              .steps_per_level = PER_LEVEL,
                              .last_step = last_step * ratio * ratio,
                              .progress = label};
    tut_must(sgm_anneal(x, n, score, &how, stream(key)));
}

/* What 1000 samples cost, from a ladder of the same levels with fewer steps on each. */

static void cost(const sgm_model *model, const sgm_score *score, int steps) {
    static float x[1000 * 2];
    sgm_anneal_options how = {.levels = levels, .n_levels = LEVELS, .steps_per_level = steps};
    double seconds = tut_processor(), joules = tut_joules(), share = (double)PER_LEVEL / steps;
    how.last_step = last_step;
    tut_must(sgm_anneal(x, 1000, score, &how, stream(12)));
    tut_cost("annealed Langevin", (double)model->n_params, LEVELS * PER_LEVEL, share * (tut_processor() - seconds),
             share * (tut_joules() - joules));
}

/* The variance within a mode that the ladder leaves. Below σ = 1 the modes are apart, each of the
variance v = .16 + σ², and a step (6.3) is V ← (1 - γ/v)² V + 2γ. On the first such level the
walk comes to rest; further down the steps get too small to follow σ. */

static double ladder_variance(void) {
    double V = 0;
    for (int i = 0; i < LEVELS; i++) {
        double v = std * std + levels[i] * levels[i];
        double gamma = last_step * pow(levels[i] / levels[LEVELS - 1], 2);
        if (V == 0 && levels[i] < 1) V = v;
        for (int k = 0; k < PER_LEVEL; k++) V = pow(1 - gamma / v, 2) * V + 2 * gamma;
    }
    return V;
}

static void compare(const sgm_score *learned, int quick) {
    long n = quick ? 1000 : 20000, few = quick ? 200 : n;
    float *a = tut_memory((size_t)n * 8), *b = tut_memory((size_t)n * 8),
          *fresh = tut_memory((size_t)n * 16);
    printf("\nAnnealed Langevin, %d levels of %d steps\n", LEVELS, PER_LEVEL);
    sgm_data_gaussians(fresh, 2 * n, MODES, radius, std, stream(5));
    anneal(a, n, &exact, LEVELS, "exact score", 6);
    anneal(b, few, learned, LEVELS, "network", 6);
    judge("fresh data", fresh, n);
    quality one = judge("exact score", a, n), two = judge("network", b, few);
    if (!quick) judge("network, the lesson's 200", b, 200);
    double V = ladder_variance(), share = 1 - exp(-near_by * near_by / (2 * V)), N = (double)n,
           M = (double)few;
    printf("  a step at level i: (1 - γ/v)² V + 2γ leaves V = %.4f, of the data's %.4f\n", V,
           std * std);
    /* 4 standard errors: |r|²/2 has the variance V², a share p has p(1-p) */
    tut_check("exact score: variance within a mode", one.spread, V, 4 * V / sqrt(N));
    tut_check("exact score: share within 1.2 of a mode", one.share, share,
              4 * sqrt(share * (1 - share) / N));
    /* even modes give 7 ± √14 (χ² of 7 degrees); one key in 100 000 is beyond 35.3 */
    tut_check("exact score: modes even, chi2 - 7", one.chi2 - 7, 0, 28.3);
    /* asked for: at least .97; mode test trains 1/190 as much: five times the .06 of who stays where
       the ladder starts */
    tut_check("network: share within 1.2 of a mode", two.share, share, share - (quick ? .3 : .97));
    double uneven = 0; /* asked for: 5 %; and 4.5 standard errors of a share of an eighth */
    for (int k = 0; k < MODES; k++) uneven = fmax(uneven, fabs(MODES * two.weight[k] - 1));
    tut_check("network: most uneven mode, over an eighth, less 1", uneven, 0, .05 + 4.5 * sqrt((MODES - 1) / M));
    if (!quick) /* asked for: 10 % */
        tut_check("network: variance within a mode", two.spread, V, .1 * V + 4 * V / sqrt(M));

    double floor = sgm_energy_distance(fresh, n, fresh + 2 * n, n, 2),
           e1 = sgm_energy_distance(a, n, fresh, n, 2);
    double e2 = sgm_energy_distance(b, few, fresh, n, 2);
    /* of equal laws it is (1/N + 1/M) Σ λ(z²-1) with Σλ = E|a-a'| = 1.25 cot(π/16), so its standard
       deviation is at most √2 (1/N + 1/M) Σλ; 3 of them, though the eigenvalues λ are many and the
       true one is smaller */
    double se = sqrt(2) * 1.25 / tan(3.14159265358979 / 16);
    printf("  energy distance to fresh data: exact score %+.5f, network %+.5f\n"
           "  of two fresh sets %+.5f (std < %.5f)\n", e1, e2, floor, se * 2 / N);
    tut_check("energy distance: exact score - two fresh sets", e1 - floor, 0, 3 * se * 2 / N);
    tut_check("energy distance: network - two fresh sets", e2 - floor, 0,
              3 * se * (1 / N + 1 / M) + (quick ? .1 : 0));
    tut_dat("samples_exact.dat", "x y", a, few, 2);
    tut_dat("samples.dat", "x y", b, few, 2);
    tut_dat("samples_fresh.dat", "x y", fresh, few, 2);
    static const int rungs[4] = {1, 4, 6, LEVELS};
    for (int i = 0; i < 4; i++) {
        char name[32];
        long shown = quick ? 50 : FILM;
        snprintf(name, sizeof name, "film_%d.dat", i);
        anneal(b, shown, learned, rungs[i], NULL, 6);
        tut_dat(name, "x y (network)", b, shown, 2);
    }
    free(a), free(b), free(fresh);
}

/* One level, the lowest, for as many steps as the whole ladder has. */

static void one_level(const sgm_score *learned, int quick) {
    long n = quick ? CROWD / 10 : CROWD;
    static float x[CROWD * 2], y[CROWD * 2], start[CROWD * 2];
    sgm_langevin_options how = {
        .step = 1e-5, .steps = (long)LEVELS * PER_LEVEL, .t = levels[LEVELS - 1]};
    printf("\nOne level: %ld steps at sigma = %g, from the ladder's start N(0, 100)\n", how.steps,
           how.t);
    sgm_normal(start, CROWD * 2, stream(7), 0);
    for (int i = 0; i < CROWD * 2; i++) start[i] *= 10;
    memcpy(x, start, sizeof x), memcpy(y, start, sizeof y);
    tut_must(sgm_langevin_run(x, n, &exact, &how, NULL, stream(8)));
    if (!quick) tut_must(sgm_langevin_run(y, n, learned, &how, NULL, stream(8)));
    judge("the start", start, n);
    quality q = judge("exact score, step 1e-5", x, n);
    if (!quick) judge("network, step 1e-5", y, n);
    tut_dat("stuck.dat", "x y", x, n, 2);
    /* distances to the modes shrink by c = (1 - γ/v)^1200: whoever began within 1.2/c of one of 8
       modes, where N(0, 100) has the density e^(-25/200)/200π, is near it now; its curvature adds
       less than 1 %; 4 standard errors */
    double v = std * std + pow(levels[LEVELS - 1], 2),
           c = pow(1 - how.step / v, (double)how.steps);
    double share = MODES * pow(near_by / c, 2) * exp(-radius * radius / 200) / 200;
    tut_check("one level: share within 1.2 of a mode", q.share, share,
              .01 * share + 4 * sqrt(share * (1 - share) / (double)n));

    how.step = .01; /* a thousand times the step: 1/16 of a mode's variance */
    memcpy(x, start, sizeof x);
    for (int i = 0; i < 2 * CROWD; i++) y[i] = (float)(.04 * start[i] + (i % 2 ? 0 : radius));
    tut_must(sgm_langevin_run(x, n, &exact, &how, NULL, stream(9)));
    judge("exact score, step 1e-2", x, n);
    tut_must(sgm_langevin_run(y, n, &exact, &how, NULL, stream(9)));
    q = judge("the same, all begin in mode 0", y, n);
    /* the saddle, 1.91 off, has e^(-1.91²/2V) = 1.6e-5 of the mode's density (V by 6.2); two
       saddles, 1200 steps, in each of which γ/v of the crowd is renewed, and 1.91/√(2πV) for the
       width of the pass: about .5 % have left */
    tut_check("one level: share that never left mode 0", q.weight[0], 1, .02);
}

int main(int argc, char **argv) {
    static run r;
    static float data[POINTS * 2], fresh[POINTS * 2];
    int quick = tut_quick();
    double centre[MODES * 2], var[MODES], floors[LEVELS], se, mean = 0;
    tut_start("15_ncsn", argc, argv);
    sde = sgm_sde_edm(.01, 10);
    for (int i = 0; i < LEVELS; i++) levels[i] = 10 * pow(1e-3, i / (LEVELS - 1.0));
    sgm_data_ring(centres, MODES);
    for (int i = 0; i < MODES * 2; i++) centre[i] = centres[i] = (float)radius * centres[i];
    for (int k = 0; k < MODES; k++) var[k] = std * std;
    tut_must(sgm_mixture_init(&truth, MODES, 2, NULL, centre, var, SGM_COV_ISOTROPIC, &sde));
    exact = sgm_mixture_score(&truth);
    sgm_data_gaussians(data, POINTS, MODES, radius, std, stream(0));
    sgm_data_gaussians(fresh, POINTS, MODES, radius, std, stream(4));

    printf("The floor of the loss, by level\n");
    for (int i = 0; i < LEVELS; i++) {
        floors[i] = floor_at(levels[i], quick ? 5000 : 100000, &se);
        mean += floors[i] / LEVELS;
        printf("  sigma %8.4f: %.6f ± %.6f\n", levels[i], floors[i], se);
        if (levels[i] > .2) continue; /* below, the modes are 9 standard deviations apart or more */
        double v = std * std, apart = .5 * v / (v + levels[i] * levels[i]);
        char name[64];
        snprintf(name, sizeof name, "floor at sigma = %.4f: v/(v + sigma^2)/2", levels[i]);
        /* Q, the normal tail beyond 4.6, is how much crosses to each neighbour at σ = 0.12: adds
           ¼ (σ d/v)² 2Q < 10⁻⁵ for a distance d = 3.8 */
        tut_check(name, floors[i], apart, 4 * se + 1e-5);
    }
    printf("  mean: %.6f. A network that says nothing has the loss 0.5\n", mean);
    without_weight(floors);
    printf("\nTraining\n");
    r.floor = mean;
    sgm_model model;
    train(&model, data, &r, quick);

    sgm_score learned = sgm_model_score(&model, SGM_RAW);
    sgm_loss loss = loss_on(levels, LEVELS);
    sgm_dsm_result d;
    tut_must(sgm_dsm(&d, &learned, &exact, fresh, POINTS, &loss, quick ? 20000 : 1000000,
                     stream(10)));
    printf("\nOn fresh points: loss %.5f ± %.5f, floor %.5f ± %.5f, excess %.5f ± %.5f\n", d.loss,
           d.loss_se, d.floor, d.floor_se, d.excess, d.excess_se);
    tut_check("floor from tangents = floor from the loss", mean, d.floor, 4 * d.floor_se);
    tut_check("loss - floor = excess (2.9)", d.loss - d.floor, d.excess, 4 * d.loss_se);
    /* a stated bound; a network that says nothing has the excess ½ - floor: 99 % of it must go, in
       mode test 2/3 */
    tut_check("excess of the network", d.excess, 0, (.5 - mean) * (quick ? .33 : .01));
    by_level(&learned, floors, quick ? 2000 : 50000);
    compare(&learned, quick);
    cost(&model, &learned, quick ? 1 : 5);
    one_level(&learned, quick);
    sgm_model_free(&model);
    sgm_mixture_free(&truth);
    return tut_done();
}
