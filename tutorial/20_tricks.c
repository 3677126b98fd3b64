/*
# 10. Tricks: what matters, and what does not

**Question.** Papers on diffusion models come with a list of choices: what the network says, how
times are weighed and drawn, where the process is cut off, whose parameters are kept. At one fixed
budget, on one problem whose answer is known, which of them matter?

**Equation.** For every score whatever, loss = floor + excess (2.9), and the excess

$$E_{t ∼ U(t_{min}, T)}\; s_t² \left\| s_θ − ∇\log p_t \right\|² \qquad(T20.1)$$

is zero for the exact score only. It is the first yardstick, the same for all, however they were
trained. The second is $−E \log p_θ − h(p_0) = KL(p_0 ‖ p_θ)$, by (7.14) with the exact trace; the
third the energy distance (9.4) of samples by 30 steps of DPM-Solver++(2M) (7.12).

**Plan.** One default: noise ε, weight σ², uniform times, t_min = 10⁻³, an average of memory 1000,
constant learning rate. (It is not the library's, which is the pair that wins: F, EDM, log-normal.)
(1) The referee: floor and entropy, each in two ways. (2) One thing is changed at a time, then a few
pairs that belong together. Every setting sees the same data, initial weights, test points and
starting noise as the default under the same key: where two settings are nearly one (t_min), their
*difference* is better known than either. Mean ± standard error over the keys. (3) The statistics:
what does the pairing save in the median, and how many of the marks are luck? (4) What theory
promises.

**What you should see.** What the network says matters most: F and v end at less than half of the
default's excess, the velocity of the flow at a little more, the clean point at twice, the score
itself, which grows like 1/s, at three times. No weight and no law of times is good by itself:
under the noise head the EDM weight and log-normal times are nine times worse than the default,
each alone, weight 1 is six times worse, g², min-SNR and that of the flow twice, and under F, EDM
and log-normal together leave a fifth of it, the best of all. Importance and stratified times
change nothing. An average helps if its memory is short beside the training: of 100 steps in 3000
it takes a third off, of 1000 nothing, and of 10 000 it still remembers the beginning. A rate that
falls to 0 loses, in so short a training. t_min up to 10⁻² is within luck for the loss, at .05 it
costs two fifths more, and the likelihood pays, of the exact score too. Of 87 comparisons some 70
are marked where luck alone would mark 10.

**Figures.** `20_tricks_factors.png`, `20_tricks_pairs.png`.

    cc -O2 -fopenmp tutorial/20_tricks.c -o 20_tricks -lm

**Try this.**
(1) Set `steps` in `main` to 20000: now the average of 1000 steps pays (excess .0040, raw .0114), and so
does a rate that falls to 0 (raw .0045), which had lost in 3000. Heads keep their order, F with EDM
weight and log-normal times ends at .0014, and log-normal times alone are as bad as before (.20).
(2) Set n_keys to 2: 71 marks instead of 69, but now 26 would be luck, and of the 34 that no luck
explains not one is left: two keys are an error bar with an error bar of 76 %.
(3) Set `sample.steps` to 10: now t_min matters to samples. With the exact score their energy distance
is 12.6, 3.7 and 1.3 (× 1000) at t_min = 10⁻⁵, 10⁻³ and 10⁻², where 30 steps leave .01, .01 and .18:
the same ten steps have less log-SNR to cross.
*/

#include "tutorial.h"

enum { MODES = 6, ROWS = 40, KEYS = 5, TEST = 256, SAMPLES = 2000, EXACT = 4 };
enum { EXCESS, GAP, ENERGY, YARDSTICKS }; /* (T20.1), KL in nats, energy distance */
enum { RAW = -1, EMA_99, EMA_999, EMA_9999, AVERAGES };

typedef struct setting {
    const char *factor, *name;
    sgm_output output;
    sgm_loss loss;
    double t_min;
    int cosine;  /* learning rate falls to 0 like a cosine; else it is constant */
    int average; /* whose parameters are judged                                 */
    int same;    /* 1: trained like the row above, so that run is judged again  */
} setting;

static setting row[ROWS];
static int n_rows, n_keys = KEYS, n_test = TEST, n_samples = SAMPLES, n_draws = 8192, n_ode = 24;
static double value[YARDSTICKS][ROWS][KEYS], gain[ROWS][KEYS], exact_value[YARDSTICKS][EXACT][KEYS], two_sets[KEYS];
static double unsure[2][ROWS + EXACT][KEYS]; /* of the KL: its variance over the points; the solver's error */
static double sigma_data;
static const double cut[EXACT] = {1e-5, 1e-3, 1e-2, 5e-2}; /* t_min, for the exact score too */
static sgm_sde yard;     /* VP(0.1, 20) from 10⁻³ to 1: the yardstick's                     */
static sgm_mixture truth; /* six Gaussians of unlike weights and widths on a ring            */
static sgm_score exact;

/* A copy of the default, of which the caller changes one thing. */

static setting *add(const char *factor, const char *name) {
    setting *s = row + n_rows++;
    *s = row[0], s->factor = factor, s->name = name;
    return s;
}

static void log_normal(setting *s) { /* of σ, with the numbers of Karras et al. */
    s->loss.times = SGM_TIMES_LOGNORMAL, s->loss.mean = -1.2, s->loss.std = 1.2;
}

static void list_settings(void) {
    n_rows = 1, row[0].factor = "default", row[0].name = "default";
    row[0].output = SGM_OUTPUT_NOISE, row[0].loss.weight = SGM_WEIGHT_SIGMA2;
    row[0].loss.times = SGM_TIMES_UNIFORM, row[0].t_min = 1e-3;
    row[0].average = EMA_999; /* all else zero: a constant learning rate */
    const char *const average[4] = {"raw", "EMA .99", "", "EMA .9999"};
    for (int i = RAW; i < AVERAGES; i++) {
        if (i == EMA_999) continue;
        setting *s = add("average", average[i + 1]);
        s->average = i, s->same = 1;
    }
    add("output", "score")->output = SGM_OUTPUT_SCORE;
    add("output", "x0")->output = SGM_OUTPUT_X0;
    add("output", "v")->output = SGM_OUTPUT_V;
    add("output", "EDM F")->output = SGM_OUTPUT_EDM_F;
    add("output", "flow")->output = SGM_OUTPUT_FLOW;
    add("weight", "1")->loss.weight = SGM_WEIGHT_ONE;
    add("weight", "g^2")->loss.weight = SGM_WEIGHT_G2;
    add("weight", "EDM")->loss.weight = SGM_WEIGHT_EDM;
    add("weight", "min-SNR")->loss.weight = SGM_WEIGHT_MIN_SNR;
    add("weight", "flow")->loss.weight = SGM_WEIGHT_FLOW;
    add("times", "stratified")->loss.times = SGM_TIMES_STRATIFIED;
    log_normal(add("times", "log-normal"));
    add("times", "logit-normal")->loss.times = SGM_TIMES_LOGIT;
    add("times", "importance")->loss.times = SGM_TIMES_IMPORTANCE;
    add("t_min", "1e-5")->t_min = 1e-5;
    add("t_min", "1e-2")->t_min = 1e-2;
    add("t_min", "5e-2")->t_min = 5e-2;
}

static void list_pairs(void) {
    setting *s = add("pair", "cosine lr, raw");
    s->cosine = 1, s->average = RAW;
    s = add("pair", "cosine lr, EMA .999");
    s->cosine = 1, s->same = 1;
    s = add("pair", "score, weight 1");
    s->output = SGM_OUTPUT_SCORE, s->loss.weight = SGM_WEIGHT_ONE;
    s = add("pair", "x0, EDM");
    s->output = SGM_OUTPUT_X0, s->loss.weight = SGM_WEIGHT_EDM;
    s = add("pair", "x0, min-SNR");
    s->output = SGM_OUTPUT_X0, s->loss.weight = SGM_WEIGHT_MIN_SNR;
    s = add("pair", "F, EDM");
    s->output = SGM_OUTPUT_EDM_F, s->loss.weight = SGM_WEIGHT_EDM;
    s = add("pair", "F, EDM, log-normal");
    s->output = SGM_OUTPUT_EDM_F, s->loss.weight = SGM_WEIGHT_EDM, log_normal(s);
    s = add("pair", "flow, flow");
    s->output = SGM_OUTPUT_FLOW, s->loss.weight = SGM_WEIGHT_FLOW;
    s = add("pair", "g^2, importance");
    s->loss.weight = SGM_WEIGHT_G2, s->loss.times = SGM_TIMES_IMPORTANCE;
}

/* Step 1. The referee. */

static void make_truth(void) {
    const double weight[MODES] = {.3, .2, .2, .1, .1, .1}, r = 1.25;
    const double std[MODES] = {.05, .1, .2, .1, .05, .15};
    double mean[2 * MODES], var[MODES], square = 0, centre[2] = {0, 0};
    for (int k = 0; k < MODES; k++) {
        double angle = 2 * 3.14159265358979323846 * k / MODES;
        mean[2 * k] = r * cos(angle), mean[2 * k + 1] = r * sin(angle), var[k] = std[k] * std[k];
        centre[0] += weight[k] * mean[2 * k], centre[1] += weight[k] * mean[2 * k + 1];
        square += weight[k] * (r * r + 2 * var[k]);
    }
    sigma_data = sqrt((square - centre[0] * centre[0] - centre[1] * centre[1]) / 2);
    yard = sgm_sde_vp(0.1, 20);
    tut_must(sgm_mixture_init(&truth, MODES, 2, weight, mean, var, SGM_COV_ISOTROPIC, &yard));
    exact = sgm_mixture_score(&truth);
}

/*
∫p_t, −∫p_t log p_t and ∫p_t ‖∇log p_t‖² by the trapezoid rule. Its steps of h = 1/40 are half of the
smallest width, .05: its error for a Gaussian of width σ is $2 e^{−2π²σ²/h²}$, e⁻⁷⁸, and twice a polynomial.
*/

static void integrate(double t, double *mass, double *entropy, double *square) {
    enum { SIDE = 441 };
    static float x[2 * SIDE], s[2 * SIDE], time[SIDE];
    static double logp[SIDE];
    *mass = *entropy = *square = 0;
    int stride = t > 0.02 ? 4 : 1; /* there s > .14 */
    double h = stride / 40.0;
    for (int i = 0; i < SIDE; i += stride) {
        int n = 0;
        for (int j = 0; j < SIDE; j += stride, n++)
            x[2 * n] = (float)(i / 40.0 - 5.5), x[2 * n + 1] = (float)(j / 40.0 - 5.5),
            time[n] = (float)t;
        tut_must(sgm_score_eval(&exact, s, x, time, n));
        tut_must(sgm_score_logp(&exact, logp, x, time, n));
        for (int j = 0; j < n; j++) {
            double p = exp(logp[j]) * h * h;
            *mass += p, *entropy -= p > 0 ? p * logp[j] : 0;
            *square += p * (s[2 * j] * s[2 * j] + s[2 * j + 1] * s[2 * j + 1]);
        }
    }
}

/*
What a network cannot learn is the scatter of ε around its mean, and by (2.6) that mean is −s∇log p:

$$L^* = D − E_t\, s_t²\, E \left\| ∇\log p_t \right\|² \qquad(T20.2)$$

No draw of ε is needed for it. The integral over t = t_min + (T − t_min)u² by Simpson's rule in u.
*/

static double floor_by_quadrature(int intervals) {
    double sum = 0, mass, entropy, square;
    for (int i = 0; i <= intervals; i++) {
        double u = (double)i / intervals, t = yard.t_min + (yard.T - yard.t_min) * u * u;
        double s = sgm_sde_s(&yard, t), share = i % 2 ? 4 : i == 0 || i == intervals ? 1 : 2;
        integrate(t, &mass, &entropy, &square);
        sum += share / (3 * intervals) * 2 * u * s * s * square;
    }
    return 2 - sum;
}

static double referee(sgm_key key) {
    enum { N = 100000 };
    static float x[2 * N], zero[N];
    static double logp[N];
    double mass, entropy, square, sum = 0, squares = 0;
    sgm_loss plain;
    sgm_dsm_result r;
    memset(&plain, 0, sizeof plain);
    tut_must(sgm_mixture_sample(&truth, x, NULL, N, 0, sgm_key_split(key, 0)));
    tut_must(sgm_score_logp(&exact, logp, x, zero, N));
    for (int i = 0; i < N; i++) sum -= logp[i] / N, squares += logp[i] * logp[i] / N;
    double se = sqrt((squares - sum * sum) / N);
    integrate(0, &mass, &entropy, &square);
    tut_must(sgm_dsm(&r, NULL, &exact, x, N, &plain, N, sgm_key_split(key, 1)));
    double fine = floor_by_quadrature(48), coarse = floor_by_quadrature(24);
    printf("1. the referee: entropy %.5f nats, by draws %.5f ± %.5f\n"
           "   floor of the loss (T20.2) %.5f, by draws %.5f ± %.5f\n\n",
           entropy, sum, se, fine, r.floor, r.floor_se);
    tut_check("1. mass of p_0 by quadrature", mass, 1, 1e-5); /* a float's rounding of x, ×|x|/σ² */
    tut_check("1. entropy: 10^5 draws and quadrature", sum, entropy, 4 * se);
    tut_check("1. floor: 10^5 draws and (T20.2)", r.floor, fine, 4 * r.floor_se);
    tut_check("1. floor: half of the intervals in t", coarse, fine, r.floor_se);
    return fine;
}

/* Step 2. All that a key decides, shared by every setting. */

typedef struct world {
    sgm_key key;
    float *data, *fresh, *other; /* training points, each seen once; two exact sets */
    float test[2 * TEST];
    double logp[TEST]; /* the exact one of the test points */
    long n;
} world;

static void world_new(world *w, long steps, sgm_key key) {
    static float zero[TEST];
    w->key = key, w->n = steps * 128;
    w->data = (float *)tut_memory((size_t)w->n * 2 * sizeof(float));
    w->fresh = (float *)tut_memory(4 * SAMPLES * sizeof(float));
    w->other = w->fresh + 2 * n_samples;
    tut_must(sgm_mixture_sample(&truth, w->data, NULL, w->n, 0, sgm_key_split(key, 1)));
    tut_must(sgm_mixture_sample(&truth, w->fresh, NULL, 2 * n_samples, 0, sgm_key_split(key, 2)));
    tut_must(sgm_mixture_sample(&truth, w->test, NULL, n_test, 0, sgm_key_split(key, 3)));
    tut_must(sgm_score_logp(&exact, w->logp, w->test, zero, n_test));
}

/* The three yardsticks. Excess by the plain loss; the other two stop at the setting's own t_min. And how
far the KL can be off: an error of order 4 is 16/15 of what halving the step changes; at this step it is
not yet quite of order 4, so twice. */

static double judge(double *yardstick, double *variance, double *solver, const sgm_score *score,
                    const sgm_sde *sde, const world *w) {
    static float x[2 * SAMPLES];
    static double logp[TEST];
    sgm_loss plain;
    sgm_dsm_result loss;
    sgm_likelihood_options likelihood;
    sgm_likelihood_result r;
    sgm_sample_options sample;
    sgm_score by_yard = *score, own = *score;
    by_yard.sde = yard, own.sde = *sde;
    memset(&plain, 0, sizeof plain), memset(&likelihood, 0, sizeof likelihood);
    memset(&sample, 0, sizeof sample);
    likelihood.solve.method = SGM_METHOD_RK4, likelihood.solve.steps = n_ode;
    likelihood.solve.grid = sample.grid = SGM_GRID_LOGSNR;
    sample.method = SGM_METHOD_DPMPP_2M, sample.steps = 30;
    tut_must(sgm_dsm(&loss, &by_yard, &exact, w->fresh, 2 * n_samples, &plain, n_draws,
                     sgm_key_split(w->key, 4)));
    tut_must(sgm_likelihood(logp, NULL, NULL, w->test, n_test, &own, &likelihood, &r, w->key));
    tut_drawn(sgm_sample(x, n_samples, &own, &sample, sgm_key_split(w->key, 5)));
    yardstick[EXCESS] = loss.excess, yardstick[GAP] = 0;
    for (int i = 0; i < n_test; i++) yardstick[GAP] += (w->logp[i] - logp[i]) / n_test;
    *variance = 0, *solver = 2 * r.change;
    for (int i = 0; i < n_test; i++)
        *variance += pow(w->logp[i] - logp[i] - yardstick[GAP], 2) / n_test / (n_test - 1);
    yardstick[ENERGY] = sgm_energy_distance(x, n_samples, w->fresh, n_samples, 2);
    return loss.loss - loss.floor;
}

static void train(sgm_model *model, const setting *s, long steps, const world *w) {
    static sgm_mlp_options mlp;
    sgm_model_options o;
    sgm_train_options how;
    memset(&o, 0, sizeof o), memset(&how, 0, sizeof how);
    mlp.width = 64, mlp.depth = 3, mlp.activation = SGM_ACTIVATION_RELU, mlp.embedding = SGM_EMBEDDING_CIRCLE;
    o.net = sgm_mlp, o.user = &mlp, o.d = 2, o.n_ema = AVERAGES;
    o.sde = yard, o.sde.t_min = s->t_min, o.output = s->output, o.sigma_data = sigma_data;
    how.held_out = -1;
    how.steps = steps, how.batch = 128, how.lr = 1e-3, how.cosine = s->cosine, how.loss = s->loss;
    how.ema[EMA_99] = .99, how.ema[EMA_999] = .999, how.ema[EMA_9999] = .9999;
    tut_must(sgm_model_init(model, &o, sgm_key_split(w->key, 6)));
    tut_must(sgm_train(model, w->data, w->n, &how, sgm_key_split(w->key, 7)));
}

static void world_free(world *w) { free(w->data), free(w->fresh); }

/* The likelihood's own error: of the exact score against its closed form, and of a network. */

static void solver(const sgm_score *network, const world *w) {
    static double logp[TEST], closed[TEST];
    static float t[TEST];
    sgm_likelihood_options o;
    sgm_likelihood_result r;
    double gap = 0;
    memset(&o, 0, sizeof o);
    o.solve.method = SGM_METHOD_RK4, o.solve.steps = n_ode, o.solve.grid = SGM_GRID_LOGSNR;
    for (int i = 0; i < n_test; i++) t[i] = (float)yard.t_min;
    tut_must(sgm_score_logp(&exact, closed, w->test, t, n_test));
    tut_must(sgm_likelihood(logp, NULL, NULL, w->test, n_test, &exact, &o, &r, w->key));
    for (int i = 0; i < n_test; i++) gap += fabs(logp[i] - closed[i]) / n_test;
    /* twice the change, as in judge; and the prior's mismatch (1.10), 2 m² per coordinate at the most */
    tut_check("2. log p of the exact score: RK4, closed form", gap, 0, 2 * r.change + 1e-4);
    printf("   RK4 with %d steps: log p of the exact score is off by %.4f nats a point,", n_ode, gap);
    tut_must(sgm_likelihood(logp, NULL, NULL, w->test, n_test, network, &o, &r, w->key));
    printf(" half the step\n   changes that of the default network by %.4f\n\n", r.change);
}

static void experiment(long steps, sgm_key key) {
    double off = 0, one[YARDSTICKS], excess = 0;
    sgm_progress bar;
    sgm_progress_init(&bar, "trainings", (long)n_keys * n_rows);
    for (int k = 0; k < n_keys; k++) {
        world w;
        world_new(&w, steps, sgm_key_split(key, (uint64_t)k));
        for (int e = 0; e < EXACT; e++) {
            sgm_sde sde = yard;
            sde.t_min = cut[e];
            judge(one, &unsure[0][ROWS + e][k], &unsure[1][ROWS + e][k], &exact, &sde, &w);
            for (int y = 0; y < YARDSTICKS; y++) exact_value[y][e][k] = one[y];
        }
        two_sets[k] = sgm_energy_distance(w.other, n_samples, w.fresh, n_samples, 2);
        sgm_model model;
        memset(&model, 0, sizeof model);
        for (int i = 0; i < n_rows; i++) {
            if (!row[i].same) sgm_model_free(&model), train(&model, row + i, steps, &w);
            sgm_score score = sgm_model_score(&model, row[i].average);
            gain[i][k] = judge(one, &unsure[0][i][k], &unsure[1][i][k], &score, &model.o.sde, &w);
            for (int y = 0; y < YARDSTICKS; y++) value[y][i][k] = one[y];
            if (i == 0) off += gain[0][k] - one[EXCESS], excess += one[EXCESS] / n_keys;
            if (i == 0 && k == 0) solver(&score, &w);
            sgm_progress_step(&bar, (long)k * n_rows + i + 1, NAN, NAN);
        }
        sgm_model_free(&model), world_free(&w);
    }
    sgm_progress_done(&bar);
    /* the cross term of (2.9), 2 s (s_θ − s)·(ε − E ε), has mean 0 and, given x, a variance of at
       most 4 excess(x) times that of ε, about 2 in two dimensions */
    tut_check("2. (2.9): loss - floor - excess of the default", off / n_keys, 0,
              5 * sqrt(8 * excess / ((double)n_draws * n_keys)));
}

/* Step 3. Mean and standard error over the keys, of one setting or of its difference to another. */

static double mean_of(const double *a, const double *b, double *se) {
    double mean = 0, square = 0;
    for (int k = 0; k < n_keys; k++) mean += (a[k] - (b ? b[k] : 0)) / n_keys;
    for (int k = 0; k < n_keys; k++) {
        double d = a[k] - (b ? b[k] : 0) - mean;
        square += d * d;
    }
    *se = sqrt(square / (n_keys - 1) / n_keys);
    return mean;
}

/*
A mean of K keys over its own error has Student's law with ν = K − 1, whose tails are far heavier
than a Gaussian's: beyond 2 there is not 4.6 % but 11.6 % for five keys. The density is that of
$\tan θ = t/\sqrt{ν}$ with $\cos^{ν−1} θ$; Simpson's rule again.
*/

static double student_p(double t, int nu) {
    enum { CELLS = 2000 };
    double part[2], end[2] = {atan(fabs(t) / sqrt(nu)), atan(HUGE_VAL)};
    for (int k = 0; k < 2; k++) {
        part[k] = 0;
        for (int i = 0; i <= CELLS; i++)
            part[k] += (i % 2 ? 4 : i == 0 || i == CELLS ? 1 : 2) * end[k] / (3.0 * CELLS) *
                       pow(fabs(cos(end[k] * i / CELLS)), nu - 1);
    }
    return 1 - part[0] / part[1];
}

/* "*": beyond 2 standard errors. "!": that, and too far for luck in all comparisons together. */

static const char *mark(double difference, double se, int comparisons) {
    if (!(fabs(difference) > 2 * se)) return " ";
    return student_p(difference / se, n_keys - 1) * comparisons < 0.05 ? "!" : "*";
}

static int by_size(const void *a, const void *b) {
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

/* What two exact sets read: the root mean square of twenty pairs. */

static double luck(sgm_key key) {
    enum { PAIRS = 20 };
    float *x = (float *)tut_memory(4 * SAMPLES * sizeof *x);
    double square = 0;
    for (int i = 0; i < PAIRS; i++) {
        tut_must(sgm_mixture_sample(&truth, x, NULL, 2 * n_samples, 0, sgm_key_split(key, (uint64_t)i)));
        square += pow(sgm_energy_distance(x, n_samples, x + 2 * n_samples, n_samples, 2), 2) / PAIRS;
    }
    free(x);
    return sqrt(square);
}

static void print_table(sgm_key key) {
    static float limits[EXACT][1 + 2 * YARDSTICKS];
    static const int digits[YARDSTICKS] = {2, 0, 2};
    double narrower[YARDSTICKS * ROWS], se0, se1, se;
    int marked = 0, sure = 0, n = 0, comparisons = YARDSTICKS * (n_rows - 1);
    FILE *f = fopen(tut_path("tricks.tsv"), "w");
    if (!f) fprintf(stderr, "error: cannot write %s\n", tut_path("tricks.tsv")), exit(2);
    fprintf(f, "# name\tfactor\tsame for excess, KL, energy distance, all x 1000: mean, its error, "
               "difference to the default, its error\n");
    printf("2. all x 1000, KL in nats; difference to the default ± its standard error over %d keys\n\n"
           "%-7s %-19s%7s%16s%7s%16s%7s%16s\n", n_keys, "factor", "setting", "excess", "difference", "KL",
           "difference", "energy", "difference");
    for (int i = 0; i < n_rows; i++) {
        printf("%-7s %-19s", row[i].factor, row[i].name);
        fprintf(f, "\"%s\"\t%s", row[i].name, row[i].factor);
        for (int y = 0; y < YARDSTICKS; y++) {
            double mean = mean_of(value[y][i], NULL, &se0), d = mean_of(value[y][i], value[y][0], &se);
            const char *m = i ? mark(d, se, comparisons) : " ";
            mean_of(value[y][0], NULL, &se1);
            if (i) printf(" %6.*f %7.*f ±%5.*f%s", digits[y], 1000 * mean, digits[y], 1000 * d, digits[y], 1000 * se, m);
            else printf(" %6.*f %7s ±%5.*f ", digits[y], 1000 * mean, "itself", digits[y], 1000 * se0);
            fprintf(f, "\t%.6g\t%.6g\t%.6g\t%.6g", 1000 * mean, 1000 * se0, 1000 * d,
                    1000 * se);
            marked += *m != ' ', sure += *m == '!';
            if (i) narrower[n++] = sqrt(se0 * se0 + se1 * se1) / se;
        }
        printf("\n"), fprintf(f, "\n");
    }
    for (int e = 0; e < EXACT; e++) {
        printf("%-7s t_min %-13g", "exact", cut[e]);
        limits[e][0] = (float)cut[e];
        for (int y = 0; y < YARDSTICKS; y++) {
            double mean = mean_of(exact_value[y][e], NULL, &se);
            limits[e][2 * y + 1] = (float)(1000 * mean), limits[e][2 * y + 2] = (float)(1000 * se);
            printf(" %6.*f %7s ±%5.*f ", digits[y], 1000 * mean, "itself", digits[y], 1000 * se);
        }
        printf("\n");
    }
    double mean = mean_of(two_sets, NULL, &se), tail = student_p(2, n_keys - 1);
    printf("%-73s %6.2f %7s ±%5.2f\n\n", "two exact sets", 1000 * mean, "itself", 1000 * se);
    fclose(f);
    tut_dat("exact.dat", "of the exact score: t_min; excess, KL, energy distance x 1000, errors",
            limits[0], EXACT, 1 + 2 * YARDSTICKS);
    qsort(narrower, (size_t)n, sizeof *narrower, by_size);
    printf("3. %d comparisons. Beyond 2 standard errors (*, !): %d. If nothing mattered, %.1f would\n"
           "   be there by luck, for with %d keys the chance of one is %.3f. Too far for luck in %d\n"
           "   comparisons together (!, chance below .05 in all): %d.\n"
           "   The pairing makes errors smaller by a factor of %.1f (median).\n",
           comparisons, marked, comparisons * tail, n_keys, tail, comparisons, sure, narrower[n / 2]);
    /* Student's law with one degree of freedom is Cauchy's, with two an algebraic function */
    tut_check("3. Student's tail beyond 2, nu = 1", student_p(2, 1), 1 - atan(2.) / atan(HUGE_VAL),
              1e-9);
    tut_check("3. Student's tail beyond 2, nu = 2", student_p(2, 2), 1 - 2 / sqrt(6.), 1e-9);
    /* its law is skewed: 5 standard deviations, and not of the few keys, which hardly know their own */
    tut_check("3. two exact sets: energy distance", mean, 0, 5 * luck(key) / sqrt(n_keys));
}

/* What the text above says of single settings: their excess over the default's, to the text's own rounding. */

static void sayings(void) {
    static const struct {
        const char *factor, *name;
        double says, about;
    } said[] = {{"output", "EDM F", .4, .1}, {"output", "v", .45, .15}, {"output", "flow", .6, .2},
                {"output", "x0", 2, .7}, {"output", "score", 3, 1}, {"weight", "EDM", 9, 3},
                {"weight", "1", 6, 2}, {"weight", "g^2", 2, .5}, {"weight", "min-SNR", 2, .5},
                {"weight", "flow", 2, .5}, {"times", "log-normal", 9, 3}, {"times", "importance", 1, .25},
                {"times", "stratified", 1, .25}, {"t_min", "1e-5", 1, .2}, {"t_min", "1e-2", 1, .2},
                {"t_min", "5e-2", 1.4, .25}, {"pair", "F, EDM, log-normal", .2, .05},
                {"average", "EMA .99", .67, .1}};
    double se, whole = mean_of(value[EXCESS][0], NULL, &se);
    for (int i = 0; i < (int)(sizeof said / sizeof *said); i++)
        for (int k = 0; k < n_rows; k++) {
            char name[64];
            if (strcmp(row[k].factor, said[i].factor) || strcmp(row[k].name, said[i].name)) continue;
            snprintf(name, sizeof name, "4. excess over the default's: %s %s", said[i].factor, said[i].name);
            tut_check(name, mean_of(value[EXCESS][k], NULL, &se) / whole, said[i].says, said[i].about);
        }
}

/* The KL of a row is positive but for luck with the points, which all are independent, and the solver's error. */

static int too_good(int i, const double *gap) {
    double se, variance = 0, solver = 0, mean = mean_of(gap, NULL, &se);
    for (int k = 0; k < n_keys; k++) variance += unsure[0][i][k], solver += unsure[1][i][k] / n_keys;
    return mean < -5 * sqrt(variance) / n_keys - solver;
}

/* Step 4. What theory promises: no score is below the floor or codes below the entropy, and averaging
takes noise out of the parameters. */

static void promises(void) {
    double lowest = 0, se, raw;
    int below = 0, first = 1;
    for (int i = 0; i < n_rows; i++) {
        for (int k = 0; k < n_keys; k++)
            lowest = fmin(lowest, gain[i][k] / sqrt(8 * value[EXCESS][i][k] / n_draws));
        below += too_good(i, value[GAP][i]);
    }
    for (int e = 0; e < EXACT; e++) below += too_good(ROWS + e, exact_value[GAP][e]);
    /* the excess is positive by its very form; loss - floor is measured apart from it, and errs as in step 2 */
    tut_check("4. lowest loss - floor of all runs, in its errors", lowest, 0, 5);
    tut_check("4. settings that beat the entropy beyond their errors", below, 0, 0);
    /* mode test is too short for a memory of 1000 steps: there, of 100 */
    const double *average = value[EXCESS][tut_quick() ? first + 1 : 0];
    double worse = mean_of(average, value[EXCESS][first], &se);
    /* and mode test's two keys do not know their own error. There: a convex loss of an average is below the average
       of the losses, and the excess, falling like 1/steps, was 100/500 of itself higher 100 steps ago */
    double lag = mean_of(value[EXCESS][first], NULL, &raw) * 100 / 500;
    tut_check("4. excess: what an average loses to raw", fmax(worse, 0), 0, tut_quick() ? lag : 3 * se);
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    tut_start("20_tricks", argc, argv);
    long steps = tut_quick() ? 500 : 3000;
    if (tut_quick()) n_keys = 2, n_test = 64, n_samples = 500, n_draws = 2048, n_ode = 12;
    make_truth();
    referee(sgm_key_split(key, 1));
    list_settings();
    list_pairs();
    experiment(steps, sgm_key_split(key, 2));
    print_table(sgm_key_split(key, 3));
    promises();
    if (!tut_quick()) sayings();
    return tut_done();
}
