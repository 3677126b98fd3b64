/*
# 18. Families: VE, VP and sub-VP trained alike

**Question.** *Diffusion Through the Lens of Score Matching* (EngineersOfAI lesson) says of the
three families: sub-VP has the "better likelihood" and a "slightly worse FID" than VP; VP is cleaner
for generation, and VE is sometimes preferred for density. *SBGM: Score-Based Generative Models in
JAX* (J. Homer) has all three. What of that is the family's doing? And the lesson calls v-prediction
"more numerically stable for very high or very low noise levels": than what, and by how much?

**Equation.** Measure a point by x/m and noise by σ = s/m. The flow (7.1) of *every* family is then

$$\frac{d(x/m)}{dσ} = −σ ∇\log p_σ(x/m) \qquad(T28.1)$$

where p_σ is the data with noise of std σ on it, and neither f nor g is left. A family only says how
long a unit of x is (m, its ruler) and at which t the noise is σ (its clock). Nor does it change the
price of a wrong score, which is (2.13): with λ = log m²/s²

$$g² = −s² \frac{dλ}{dt}, \qquad ½ ∫ g² E\left\| s_θ − ∇\log p_t \right\|² dt =
½ ∫ E \left\| ε_θ − ε^* \right\|² dλ \qquad(T28.2)$$

and the noise ε is the same in all families. So with the exact score the three are one model. What
a *trained* network makes of them must come from what it sees of ruler and clock: the size of its
input, and how often it meets each σ.

**Plan.** (1) The law: a pinwheel of five thin Gaussians, of known density and entropy. All families
run between the same two ends, σ = .01 and σ = 50. (2) (T28.1) by numbers. (3) The
clocks: which share of uniform times falls to small noise? Predict. (4) The same network, budget,
points, initial weights, times and noise (all keyed) train in each family, under eight keys, four
times: as printed (the network says the noise in an unscaled x, t is uniform); with one ruler (F of
Karras et al., whose input has std 1 in every family); with one clock (λ uniform, weight g²); with
both. NLL − entropy by (7.14), and the energy distance (9.4) to exact samples: differences between
families, key by key. (5) What the network says: five outputs in VP, each trained on its own squared
error, against the exact score at all noise levels; and the exact score in half precision.

**What you should see.** With one ruler and one clock the first step's loss is the same to seven
digits, and after 5000 steps the likelihoods differ as those of the exact score do, by .003 nats
or less. With one ruler and uniform t the KL falls as the share of small noise rises, VP, sub-VP,
VE: .22, .18, .14 nats. So sub-VP does have the better likelihood, and VE a better one still, for
their clocks' sake: thin arms are learned at small noise. Samples do not pay for it: sub-VP's energy
distance is no larger than VP's. As printed, VE is last in everything, by its ruler: the network's
input grows to 50.

No output learns the score at σ = .01, but x0 misses it thirty times as far as v; the noise does
not. The noise misses x0 at σ = 50 fifty times as far as v; the x0 output does not. So the lesson
makes two claims against two rivals, and its "x0 is less stable" is true at one end: at the other
the noise's score is a hundred times as wrong.

**Figures.** `28_families_claim.png` (λ: log-SNR is drawn uniformly), `28_families_heads.png`.

**Try this.**
(1) Set `HIGH` to 2: three priors at one σ are three priors, and none is p_T any more. The exact
score itself is .005, .022 and .010 nats above the entropy in VP, sub-VP and VE.
(2) In `recipe` take SGM_WEIGHT_EDM and SGM_TIMES_LOGNORMAL for g² and importance, and the length of
time out of `first_step`: one model again. Only a clock that is told in t tells families apart.
*/

#include "tutorial.h"

enum { VP, SUBVP, VE, FAMILIES, ARMS = 5, KEYS = 8, TEST = 1000, SAMPLES = 4000 };
enum { PRINTED, RULER, CLOCK, BOTH, SETTINGS }; /* what the three families share          */
enum { GAP, ENERGY, YARDSTICKS };               /* KL in nats, energy distance            */
enum { NOISE, SCORE, X0, V, F, HEADS };
enum { OF_SCORE, OF_X0, OF_OWN, ERRORS, LEVELS = 19, POINTS = 2000 }; /* of step 5        */

static const double PI = 3.14159265358979323846;
static const double LOW = 0.01, HIGH = 50; /* σ = s/m at t_min and at T, in every family    */
static const char *const family[FAMILIES] = {"VP", "sub-VP", "VE"};
static const char *const setting[SETTINGS] = {
    "noise, t uniform", "F, t uniform", "noise, log-SNR uniform", "F, log-SNR uniform"};
static const char *const head[HEADS] = {"noise", "score", "x0", "v", "F"};
static const sgm_output kind[HEADS] = {
    SGM_OUTPUT_NOISE, SGM_OUTPUT_SCORE, SGM_OUTPUT_X0, SGM_OUTPUT_V, SGM_OUTPUT_EDM_F};
static sgm_sde sde[FAMILIES];
static sgm_mixture law[FAMILIES]; /* one pinwheel, seen through each SDE                      */
static sgm_score exact[FAMILIES];
static double sigma_data, cut[FAMILIES][KEYS]; /* cut: what stopping at t_min costs, in nats  */
static int n_keys = KEYS, n_test = TEST, n_samples = SAMPLES, n_points = POINTS, n_ode = 40;
static long steps = 5000;
static double value[YARDSTICKS][SETTINGS][FAMILIES][KEYS], sure[YARDSTICKS][FAMILIES][KEYS];
static double two_sets[KEYS], wrong[ERRORS][HEADS][LEVELS][KEYS], by_head[YARDSTICKS][HEADS][KEYS];
static double change; /* of the exact score's log p, when the flow's steps are halved */

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

/* Mean over the keys, of one thing or of the difference of two, and its standard error. */

static double mean_of(const double *a, const double *b, double *se) {
    double mean = 0, square = 0;
    for (int k = 0; k < n_keys; k++) mean += (a[k] - (b ? b[k] : 0)) / n_keys;
    for (int k = 0; k < n_keys; k++) square += pow(a[k] - (b ? b[k] : 0) - mean, 2);
    *se = sqrt(square / (n_keys - 1) / n_keys);
    return mean;
}

/* How many standard errors lie between two, key by key. */

static double errors_between(const double *a, const double *b) {
    double se, gap = mean_of(a, b, &se);
    return gap / se;
}

/* Step 1. The law, the ends of all three processes, and the entropy. */

static void make_truth(void) {
    const double weight[ARMS] = {.3, .25, .2, .15, .1}, length2 = .16, width2 = .0025;
    double mean[2 * ARMS], cov[4 * ARMS], centre[2] = {0, 0}, square = 0;
    for (int k = 0; k < ARMS; k++) {
        double a = 2 * PI * k / ARMS, c = cos(a + PI / 4), s = sin(a + PI / 4), *C = cov + 4 * k;
        mean[2 * k] = cos(a), mean[2 * k + 1] = sin(a);
        C[0] = length2 * c * c + width2 * s * s, C[3] = length2 * s * s + width2 * c * c;
        C[1] = C[2] = (length2 - width2) * c * s;
        for (int i = 0; i < 2; i++) centre[i] += weight[k] * mean[2 * k + i];
        square += weight[k] * (1 + length2 + width2);
    }
    for (int i = 0; i < 2 * ARMS; i++) mean[i] -= centre[i % 2];
    sigma_data = sqrt((square - centre[0] * centre[0] - centre[1] * centre[1]) / 2);
    sde[VP] = sgm_sde_vp(.1, 20), sde[SUBVP] = sgm_sde_subvp(.1, 20), sde[VE] = sgm_sde_ve(.01, 50);
    for (int f = 0; f < FAMILIES; f++) {
        sde[f].t_min = sgm_sde_t_from_logsnr(&sde[f], -2 * log(LOW));
        sde[f].T = sgm_sde_t_from_logsnr(&sde[f], -2 * log(HIGH));
        tut_must(sgm_mixture_init(&law[f], ARMS, 2, weight, mean, cov, SGM_COV_FULL, &sde[f]));
        exact[f] = sgm_mixture_score(&law[f]);
    }
}

/*
The trapezoid rule on steps of .02; its error for a Gaussian of width σ is $2 e^{−2π²σ²/h²}$, and
.05 is the smallest: e⁻¹²³. Beyond ±4 there is nothing: the arms end at 1.3 + 5 · .4.
*/

static double integrate(double *mass) {
    enum { SIDE = 401 };
    static float x[2 * SIDE], zero[SIDE];
    double logp[SIDE], h = .02, entropy = 0;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++)
            x[2 * j] = (float)(i * h - 4), x[2 * j + 1] = (float)(j * h - 4);
        tut_must(sgm_score_logp(&exact[VP], logp, x, zero, SIDE));
        for (int j = 0; j < SIDE; j++)
            *mass += exp(logp[j]) * h * h, entropy -= exp(logp[j]) * logp[j] * h * h;
    }
    return entropy;
}

static void referee(void) {
    enum { N = 100000 };
    static float x[2 * N], zero[N];
    static double logp[N];
    double mass = 0, entropy = integrate(&mass), mean = 0, square = 0;
    tut_must(sgm_mixture_sample(&law[VP], x, NULL, N, 0, stream(10)));
    tut_must(sgm_score_logp(&exact[VP], logp, x, zero, N));
    for (int i = 0; i < N; i++) mean -= logp[i] / N, square += logp[i] * logp[i] / N;
    double se = sqrt((square - mean * mean) / N);
    printf("1. the law: entropy %.5f nats, by draws %.5f ± %.5f; std %.4f\n", entropy, mean, se,
           sigma_data);
    for (int f = 0; f < FAMILIES; f++)
        printf("   %-7s t from %.5f to %.4f\n", family[f], sde[f].t_min, sde[f].T);
    tut_check("1. mass of p_0 by quadrature", mass, 1, 1e-5); /* rounded x: 3e-8 |x|/.05² */
    tut_check("1. entropy: 10^5 draws and quadrature", mean, entropy, 4 * se);
    tut_check("1. SBGM: covariance I at T: VP's prior, std", sgm_sde_prior(&sde[VP]), 1, 0);
    tut_check("1. SBGM: covariance I at T: not so of VE: std", sgm_sde_prior(&sde[VE]), 50, 1e-3);
}

/* Step 2. One flow: from the same x/m at σ = 50 the three come to the same x/m at σ = .01. */

static void one_flow(void) {
    enum { N = 200 };
    static float x[FAMILIES][2 * N];
    double worst = 0, moved = 0;
    for (int f = 0; f < FAMILIES; f++)
        for (int half = 0; half < 2; half++) {
            static float y[2 * N];
            sgm_sample_options how;
            double m0 = sgm_sde_m(&sde[f], sde[f].t_min), m1 = sgm_sde_m(&sde[f], sde[f].T);
            memset(&how, 0, sizeof how);
            how.method = SGM_METHOD_RK45, how.rtol = how.atol = half ? 1e-7 : 1e-6;
            sgm_normal(y, 2 * N, stream(20), 0);
            for (int i = 0; i < 2 * N; i++) y[i] = (float)(y[i] * HIGH * m1);
            tut_must(sgm_flow(y, N, &exact[f], sde[f].T, sde[f].t_min, &how, NULL));
            for (int i = 0; i < 2 * N; i++) {
                if (half) moved = fmax(moved, fabs(y[i] / m0 - x[f][i]));
                x[f][i] = (float)(y[i] / m0);
            }
        }
    for (int f = 1; f < FAMILIES; f++)
        for (int i = 0; i < 2 * N; i++) worst = fmax(worst, fabs((double)x[f][i] - x[0][i]));
    printf("\n2. %d points from σ = 50 to .01 by three flows: x/m differs by %.1e at most\n"
           "   (a tenth of the tolerance moves them by %.1e)\n", N, worst, moved);
    /* each errs by about what a tenth of the tolerance changes; there are two; twice that */
    tut_check("2. (T28.1): x/m of VP, sub-VP and VE, worst", worst, 0, 4 * moved);
}

/*
Step 3. The clocks. By (T28.2) a uniform t has the density s²/g² over λ, over the length of time.
Near t = 0 the noise of VP grows like √t and that of sub-VP like t, so sub-VP is at small noise for
longer; VE, whose σ is geometric, divides its time evenly.
*/

static void clocks(void) {
    enum { N = 100000, ROWS = 100 };
    static float t[N], w[N], table[ROWS][1 + FAMILIES];
    sgm_loss loss;
    char name[96];
    memset(&loss, 0, sizeof loss), loss.times = SGM_TIMES_UNIFORM;
    printf("\n3. share of uniform times with σ < .1 (of uniform log-SNR: .270):");
    for (int f = 0; f < FAMILIES; f++) {
        double got = 0, edge = sgm_sde_t_from_logsnr(&sde[f], -2 * log(.1));
        double length = sde[f].T - sde[f].t_min, share = (edge - sde[f].t_min) / length;
        tut_must(sgm_loss_times(&loss, &sde[f], t, w, N, stream(30), 0));
        for (int i = 0; i < N; i++) got += t[i] < edge;
        printf("%s %s %.3f", f ? "," : "", family[f], got / N);
        snprintf(name, sizeof name, "3. share of uniform times with σ < .1: %s", family[f]);
        tut_check(name, got / N, share, 5 * sqrt(share * (1 - share) / N)); /* binomial */
        for (int i = 0; i < ROWS; i++) {
            double lambda = -2 * log(LOW * pow(HIGH / LOW, (i + .5) / ROWS));
            double at = sgm_sde_t_from_logsnr(&sde[f], lambda), s = sgm_sde_s(&sde[f], at);
            table[i][0] = (float)lambda;
            table[i][1 + f] = (float)(s * s / sgm_sde_g2(&sde[f], at) / length);
        }
    }
    printf("\n");
    tut_dat("clocks.dat", "log-SNR; density of a uniform t over it: VP, sub-VP, VE", table[0], ROWS,
            1 + FAMILIES);
}

/* Step 4. All that a key decides, shared by every training. */

typedef struct world {
    sgm_key key;
    float *data, *fresh, *other; /* training points, each seen once; two exact sets */
    float test[2 * TEST];
    double logp[TEST]; /* the exact one of the test points */
    long n;
} world;

static void world_new(world *w, sgm_key key) {
    static float zero[TEST];
    w->key = key, w->n = steps * 128;
    w->data = (float *)tut_memory((size_t)(2 * w->n + 4 * n_samples) * sizeof *w->data);
    w->fresh = w->data + 2 * w->n, w->other = w->fresh + 2 * n_samples;
    tut_must(sgm_mixture_sample(&law[VP], w->data, NULL, w->n, 0, sgm_key_split(key, 1)));
    tut_must(sgm_mixture_sample(&law[VP], w->fresh, NULL, 2 * n_samples, 0, sgm_key_split(key, 2)));
    tut_must(sgm_mixture_sample(&law[VP], w->test, NULL, n_test, 0, sgm_key_split(key, 3)));
    tut_must(sgm_score_logp(&exact[VP], w->logp, w->test, zero, n_test));
}

/* moved, if not NULL: by how much log p moves when the flow's steps are halved. */

static void judge(double *gap, double *energy, double *moved, const sgm_score *score,
                  const world *w) {
    static float x[2 * SAMPLES];
    static double logp[TEST];
    sgm_likelihood_options likelihood;
    sgm_likelihood_result r;
    sgm_sample_options sample;
    memset(&likelihood, 0, sizeof likelihood), memset(&sample, 0, sizeof sample);
    likelihood.solve.method = SGM_METHOD_RK4, likelihood.solve.steps = n_ode;
    likelihood.solve.grid = sample.grid = SGM_GRID_LOGSNR, likelihood.unchecked = !moved;
    sample.method = SGM_METHOD_DPMPP_2M, sample.steps = 30;
    tut_must(sgm_likelihood(logp, NULL, NULL, w->test, n_test, score, &likelihood, &r, w->key));
    tut_drawn(sgm_sample(x, n_samples, score, &sample, sgm_key_split(w->key, 5)));
    *gap = 0;
    for (int i = 0; i < n_test; i++) *gap += (w->logp[i] - logp[i]) / n_test;
    *energy = sgm_energy_distance(x, n_samples, w->fresh, n_samples, 2);
    if (moved) *moved = r.change;
}

static void recipe(sgm_loss *loss, sgm_output *output, int which) {
    memset(loss, 0, sizeof *loss);
    loss->weight = SGM_WEIGHT_SIGMA2, loss->times = SGM_TIMES_UNIFORM;
    *output = which == RULER || which == BOTH ? SGM_OUTPUT_EDM_F : SGM_OUTPUT_NOISE;
    if (which != CLOCK && which != BOTH) return;
    loss->weight = SGM_WEIGHT_G2, loss->times = SGM_TIMES_IMPORTANCE; /* (2.14) */
}

static void plan(sgm_train_options *how, const sgm_loss *loss) {
    memset(how, 0, sizeof *how);
    how->held_out = -1, how->steps = steps, how->batch = 128, how->lr = 2e-3, how->cosine = 1;
    how->loss = *loss, how->ema[0] = .99;
}

static void model_new(sgm_model *model, int f, sgm_output output, const world *w) {
    static sgm_mlp_options mlp;
    sgm_model_options o;
    memset(&o, 0, sizeof o);
    mlp.width = 64, mlp.depth = 3;
    o.net = sgm_mlp, o.user = &mlp, o.d = 2, o.n_ema = 1, o.sde = sde[f], o.output = output;
    o.sigma_data = sigma_data;
    tut_must(sgm_model_init(model, &o, sgm_key_split(w->key, 6)));
}

static void train(sgm_model *model, int f, sgm_output output, const sgm_loss *loss,
                  const world *w) {
    sgm_train_options how;
    plan(&how, loss), model_new(model, f, output, w);
    tut_must(sgm_train(model, w->data, w->n, &how, sgm_key_split(w->key, 7)));
}

/* With one ruler and one clock the first loss is the same number in all families, up to the length
of time over which (2.14) takes its mean. */

static void first_step(const world *w) {
    double loss[FAMILIES];
    for (int f = 0; f < FAMILIES; f++) {
        sgm_model model;
        sgm_trainer trainer;
        sgm_train_options how;
        sgm_loss l;
        sgm_output output;
        sgm_key key = sgm_key_split(w->key, 7);
        recipe(&l, &output, BOTH), plan(&how, &l), model_new(&model, f, output, w);
        tut_must(sgm_trainer_init(&trainer, &model, w->data, w->n, &how, key));
        tut_must(sgm_trainer_step(&trainer));
        loss[f] = trainer.loss * (sde[f].T - sde[f].t_min);
        sgm_trainer_free(&trainer), sgm_model_free(&model);
    }
    double apart = fmax(fabs(loss[SUBVP] / loss[VP] - 1), fabs(loss[VE] / loss[VP] - 1));
    printf("\n4. one ruler, one clock: the first losses differ by %.1e of themselves\n", apart);
    /* t is a float: λ moves by λ' t 6e-8 <= 2e-6, hence σ, x/m and the loss, twice; and the sums */
    tut_check("4. one ruler, one clock: first loss, families apart", apart, 0, 1e-5);
}

/*
Step 5. Heads. By (2.10) ε̂ = a x + b out, and x0 = (x − sε̂)/m. So an error δ of the output is two
others, with |b| = 1, 1/σ and m for noise, x0 and v in VP:

$$δ_ε = |b| δ, \qquad δ_{x_0} = σ|b| δ \qquad(T28.3)$$

The noise's error grows by σ on its way to x0, that of x0 by 1/σ on its way to the noise, and so to
the score; v's is multiplied by m and by σm = s, and none exceeds 1. Each head is trained on its own
squared error δ², as `prediction_type` means it: the weight is 1/b² (2.12).
*/

static double own_weight(double t, const sgm_sde *s, void *user) {
    double a, b;
    sgm_output_affine(&a, &b, *(const sgm_output *)user, s, t, sigma_data);
    return 1 / (b * b);
}

static double level(int l) { return LOW * pow(HIGH / LOW, l / (LEVELS - 1.0)); }

static double target_rms(int h, double m, double s) { /* of what a head is to say, a coordinate */
    return h == X0 ? sigma_data : h == SCORE ? 1 / s : h == V ? hypot(m, s * sigma_data) : 1;
}

static void errors_at(int h, int l, int k, const sgm_score *score, sgm_key key) {
    static float x[2 * POINTS], t[POINTS], s[2 * POINTS], s0[2 * POINTS];
    double sigma = level(l), time = sgm_sde_t_from_logsnr(&sde[VP], -2 * log(sigma)), a, b;
    double std = sgm_sde_s(&sde[VP], time), m = sgm_sde_m(&sde[VP], time), off = 0, square = 0;
    key = sgm_key_split(key, (uint64_t)l);
    for (int i = 0; i < n_points; i++) t[i] = (float)time;
    tut_must(sgm_mixture_sample(&law[VP], x, NULL, n_points, time, key));
    tut_must(sgm_score_eval(&exact[VP], s0, x, t, n_points));
    tut_must(sgm_score_eval(score, s, x, t, n_points));
    for (int i = 0; i < 2 * n_points; i++) {
        off += pow(std * ((double)s[i] - s0[i]), 2) / (2 * n_points);
        square += pow(std * s0[i], 2) / (2 * n_points);
    }
    sgm_output_affine(&a, &b, kind[h], &sde[VP], time, sigma_data);
    wrong[OF_SCORE][h][l][k] = sqrt(off / square);
    wrong[OF_X0][h][l][k] = sigma * sqrt(off) / sigma_data;
    wrong[OF_OWN][h][l][k] = sqrt(off) / fabs(b) / target_rms(h, m, std);
}

static void heads(int k, const sgm_model *noise, const world *w) {
    for (int h = 0; h < HEADS; h++) {
        sgm_model model;
        sgm_loss loss;
        memset(&loss, 0, sizeof loss), loss.times = SGM_TIMES_UNIFORM;
        loss.weight = SGM_WEIGHT_USER, loss.user_weight = own_weight;
        loss.user = (void *)&kind[h];
        if (h != NOISE) train(&model, VP, kind[h], &loss, w);
        sgm_score score = sgm_model_score(h == NOISE ? noise : &model, 0);
        for (int l = 0; l < LEVELS; l++) errors_at(h, l, k, &score, sgm_key_split(w->key, 8));
        judge(&by_head[GAP][h][k], &by_head[ENERGY][h][k], NULL, &score, w);
        if (h != NOISE) sgm_model_free(&model);
    }
}

/*
"Numerically" can be taken at its word: let the output be exact but for the 11 bits that a number
has in half precision. A rounding error is uniform within half a unit of the last place, so

$$E (ε̂ − ε)² = b² \frac{\mathrm{ulp}(out)²}{12} \qquad(T28.4)$$
*/

static double ulp(double x) {
    int e;
    frexp(x, &e);
    return ldexp(1, e - 11);
}

static void halves(void) {
    static float x[2 * POINTS], t[POINTS], s0[2 * POINTS], out[2 * POINTS];
    static float table[LEVELS][1 + 2 * HEADS];
    double worst = 0, most[HEADS] = {0, 0, 0, 0, 0};
    const sgm_sde *vp = &sde[VP];
    for (int i = 0; i < LEVELS * HEADS; i++) {
        int l = i / HEADS, h = i % HEADS;
        double sigma = level(l), time = sgm_sde_t_from_logsnr(vp, -2 * log(sigma)), a, b;
        double std = sgm_sde_s(vp, time), off = 0, square = 0, said = 0, fourth = 0;
        for (int j = 0; j < n_points; j++) t[j] = (float)time;
        tut_must(sgm_mixture_sample(&law[VP], x, NULL, n_points, time, stream(60 + (uint64_t)l)));
        tut_must(sgm_score_eval(&exact[VP], s0, x, t, n_points));
        sgm_output_convert(out, kind[h], s0, SGM_OUTPUT_SCORE, x, t, n_points, 2, vp, sigma_data);
        sgm_output_affine(&a, &b, kind[h], vp, time, sigma_data);
        for (int j = 0; j < 2 * n_points; j++) {
            double last = ulp(out[j]), error = b * (last * floor(out[j] / last + .5) - out[j]);
            off += error * error, square += pow(std * s0[j], 2);
            said += pow(b * last, 2) / 12, fourth += pow(b * last, 4) / 180;
        }
        worst = fmax(worst, fabs(off - said) / sqrt(fourth));
        table[l][0] = (float)(-2 * log(sigma)), table[l][1 + h] = (float)sqrt(off / square);
        table[l][1 + HEADS + h] = (float)(sigma * sqrt(off / (2 * n_points)) / sigma_data);
        most[h] = fmax(most[h], fmax(table[l][1 + h], table[l][1 + HEADS + h]));
    }
    printf("   in half precision the exact score, or x0, is off by at most: noise %.4f,\n"
           "   score %.4f, x0 %.4f, v %.5f, F %.5f\n", most[0], most[1], most[2], most[3], most[4]);
    /* uniform in ±ulp/2: its square has the mean ulp²/12, the variance ulp⁴/180; the worst of 95 */
    tut_check("5. half precision: (T28.4), worst in std errors", worst, 0, 6);
    /* a relative rounding is at most 2⁻¹¹, and by (T28.3) v's is multiplied by m or s, below 1 */
    tut_check("5. Lens: v stable: in half precision < 2^-11, 1 = yes",
              most[V] < ldexp(1, -11), 1, 0);
    tut_check("5. Lens: noise, x0 20 times that somewhere, 1 = yes",
              fmin(most[NOISE], most[X0]) > .01, 1, 0);
    tut_dat("half.dat", "log-SNR; error of the score by noise, score, x0, v, F; of x0", table[0],
            LEVELS, 1 + 2 * HEADS);
}

/* All trainings, and what each is worth. */

static void experiment(void) {
    static float t_min[FAMILIES][TEST];
    double one, logp[TEST];
    for (int f = 0; f < FAMILIES; f++)
        for (int i = 0; i < n_test; i++) t_min[f][i] = (float)sde[f].t_min;
    for (int k = 0; k < n_keys; k++) {
        world w;
        world_new(&w, stream(100 + (uint64_t)k));
        for (int f = 0; f < FAMILIES; f++) {
            judge(&sure[GAP][f][k], &sure[ENERGY][f][k], &one, &exact[f], &w);
            change = fmax(change, one), cut[f][k] = 0;
            tut_must(sgm_score_logp(&exact[f], logp, w.test, t_min[f], n_test));
            for (int i = 0; i < n_test; i++) cut[f][k] += (w.logp[i] - logp[i]) / n_test;
        }
        two_sets[k] = sgm_energy_distance(w.other, n_samples, w.fresh, n_samples, 2);
        if (k == 0) first_step(&w);
        for (int s = 0; s < SETTINGS; s++)
            for (int f = 0; f < FAMILIES; f++) {
                sgm_model model;
                sgm_loss loss;
                sgm_output output;
                recipe(&loss, &output, s), train(&model, f, output, &loss, &w);
                sgm_score score = sgm_model_score(&model, 0);
                judge(&value[GAP][s][f][k], &value[ENERGY][s][f][k], NULL, &score, &w);
                if (s == PRINTED && f == VP) heads(k, &model, &w);
                sgm_model_free(&model);
            }
        free(w.data);
    }
}

static void print_families(void) {
    static float table[(SETTINGS + 1) * FAMILIES * 6];
    double se, se_gap, mean, gap;
    printf("   all x 1000, over %d keys; difference to VP ± its standard error\n\n"
           "   %-24s%-8s%10s%18s%14s%18s\n", n_keys, "output, times", "family", "KL, nats",
           "difference", "energy", "difference");
    for (int i = 0; i < (SETTINGS + 1) * FAMILIES; i++) {
        int s = i / FAMILIES, f = i % FAMILIES;
        printf("   %-24s%-8s", s < SETTINGS ? setting[s] : "the exact score", family[f]);
        for (int y = 0; y < YARDSTICKS; y++) {
            double(*v)[KEYS] = s < SETTINGS ? value[y][s] : sure[y];
            float *to = table + i * 6 + 3 * y;
            mean = 1000 * mean_of(v[f], NULL, &se), gap = 1000 * mean_of(v[f], v[VP], &se_gap);
            to[0] = (float)mean, to[1] = (float)(1000 * se), to[2] = (float)(1000 * se_gap);
            printf("%*.*f", y ? 14 : 10, 1 + y, mean);
            if (f) printf("%9.*f ± %6.*f", 1 + y, gap, 1 + y, 1000 * se_gap);
            else printf("%18s", "itself");
        }
        printf("\n");
    }
    mean = mean_of(two_sets, NULL, &se);
    printf("   two exact sets: energy distance %.2f ± %.2f\n\n", 1000 * mean, 1000 * se);
    tut_dat("families.dat", "settings, the exact score, x VP, sub-VP, VE: KL, error, error of the "
            "difference to VP; energy: the same", table, (SETTINGS + 1) * FAMILIES, 6);
}

static void promises(void) {
    char name[96];
    double se, gap, twice[KEYS];
    for (int f = 0; f < FAMILIES; f++) {
        gap = mean_of(sure[GAP][f], cut[f], &se);
        snprintf(name, sizeof name, "4. exact score, %s: NLL by the flow, by (2.1)", family[f]);
        /* on the same points: 16/15 of what half the step changes, if of order 4; so twice */
        tut_check(name, gap, 0, 2 * change);
        for (int k = 0; k < n_keys; k++) { /* what the exact score differs by is no one's fault */
            twice[k] = value[GAP][BOTH][f][k] - value[GAP][BOTH][VP][k];
            twice[k] -= sure[GAP][f][k] - sure[GAP][VP][k];
        }
        gap = mean_of(twice, NULL, &se);
        snprintf(name, sizeof name, "4. SBGM: one ruler, one clock: NLL of %s - VP", family[f]);
        if (f != VP) tut_check(name, gap, 0, 5 * se + 2 * change); /* two flows, one of each kind */
    }
}

static void verdicts(void) {
    double(*kl)[FAMILIES][KEYS] = value[GAP], (*energy)[FAMILIES][KEYS] = value[ENERGY], se;
    double *p = kl[RULER][VP], *q = kl[RULER][SUBVP], *r = kl[RULER][VE];
    /* beyond 3 standard errors: of equals, in eight keys, one pair in a hundred shows it */
    tut_check("4. Lens: sub-VP better likelihood, as printed, 1 = yes",
              errors_between(kl[PRINTED][SUBVP], kl[PRINTED][VP]) < -3, 1, 0);
    tut_check("4. Lens: sub-VP better likelihood, one ruler, 1 = yes",
              errors_between(q, p) < -3, 1, 0);
    tut_check("4. Lens: sub-VP worse samples, as printed, 1 = yes",
              errors_between(energy[PRINTED][SUBVP], energy[PRINTED][VP]) > 3, 0, 0);
    tut_check("4. Lens: VP's samples cleaner than VE's, printed, 1 = yes",
              errors_between(energy[PRINTED][VE], energy[PRINTED][VP]) > 3, 1, 0);
    tut_check("4. Lens: VE better for density, as printed, 1 = yes",
              errors_between(kl[PRINTED][VE], kl[PRINTED][VP]) < -3, 0, 0);
    tut_check("4. Lens: VE better for density, one ruler, 1 = yes",
              errors_between(r, p) < -3, 1, 0);
    tut_check("4. KL falls as the share of small noise rises, 1 = yes",
              mean_of(p, q, &se) > 0 && mean_of(q, r, &se) > 0, 1, 0);
}

/* Mean over the keys of log(error of one head / error of another), and its standard error. */

static double times_worse(int error, int a, int b, int l, double *se) {
    double log_ratio[KEYS];
    for (int k = 0; k < n_keys; k++)
        log_ratio[k] = log(wrong[error][a][l][k] / wrong[error][b][l][k]);
    return mean_of(log_ratio, NULL, se);
}

static void print_heads(void) {
    static float table[LEVELS * (1 + ERRORS * HEADS)];
    static const char *const what[ERRORS] = {"score, over its size", "x0, over the data's std",
                                             "output, over its target"};
    double se;
    printf("5. root mean square error of     σ   ");
    for (int h = 0; h < HEADS; h++) printf("%10s", head[h]);
    for (int e = 0; e < ERRORS; e++)
        for (int l = 0; l < LEVELS; l++) {
            int shown = l % (LEVELS / 2) == 0;
            table[l * (1 + ERRORS * HEADS)] = (float)(-2 * log(level(l)));
            if (shown) printf("\n   %-24s %7.4g   ", l ? "" : what[e], level(l));
            for (int h = 0; h < HEADS; h++) {
                double mean = mean_of(wrong[e][h][l], NULL, &se);
                table[l * (1 + ERRORS * HEADS) + 1 + e * HEADS + h] = (float)mean;
                if (shown) printf("%10.5f", mean);
            }
        }
    tut_dat("heads.dat", "log-SNR; relative error of the score: noise, score, x0, v, F; of x0; of "
            "the output", table, LEVELS, 1 + ERRORS * HEADS);
    for (int y = 0; y < YARDSTICKS; y++) {
        printf("\n   %-35s", y ? "energy distance" : "KL, nats");
        for (int h = 0; h < HEADS; h++) printf("%10.3g", mean_of(by_head[y][h], NULL, &se));
    }
    printf("\n");
}

static void head_verdicts(void) {
    double se[4], ratio[4] = {times_worse(OF_X0, NOISE, V, LEVELS - 1, &se[0]),
                              times_worse(OF_SCORE, NOISE, V, 0, &se[1]),
                              times_worse(OF_SCORE, X0, V, 0, &se[2]),
                              times_worse(OF_SCORE, NOISE, X0, LEVELS - 1, &se[3])};
    printf("   x0 at σ = 50: noise is %.0f times as wrong as v (equal δ would make it %.0f)\n"
           "   the score at σ = .01: noise is %.2f times as wrong as v, and x0 %.0f times\n"
           "   the score at σ = 50: noise is %.0f times as wrong as x0\n",
           exp(ratio[0]), HIGH, exp(ratio[1]), exp(ratio[2]), exp(ratio[3]));
    tut_check("5. Lens: v beats noise by 10 at σ = 50, x0, 1 = yes",
              ratio[0] - 3 * se[0] > log(10), 1, 0);
    tut_check("5. Lens: v beats noise by 2 at σ = .01, score, 1 = yes",
              ratio[1] + 3 * se[1] > log(2), 0, 0);
    tut_check("5. Lens: v beats x0 by 5 at σ = .01, score, 1 = yes",
              ratio[2] - 3 * se[2] > log(5), 1, 0);
    tut_check("5. Lens: noise beats x0 at σ = 50, score, 1 = yes", ratio[3] - 3 * se[3] < 0, 0, 0);
    tut_check("5. Lens: noise beats x0 in likelihood, 1 = yes",
              errors_between(by_head[GAP][NOISE], by_head[GAP][X0]) < -3, 1, 0);
}

int main(int argc, char **argv) {
    tut_start("28_families", argc, argv);
    if (tut_quick())
        n_keys = 2, n_test = 100, n_samples = 500, n_points = 300, n_ode = 16, steps = 200;
    make_truth();
    referee();
    one_flow();
    clocks();
    experiment();
    print_families();
    promises();
    if (!tut_quick()) verdicts();
    print_heads();
    halves();
    if (!tut_quick()) head_verdicts();
    for (int f = 0; f < FAMILIES; f++) sgm_mixture_free(&law[f]);
    return tut_done();
}
