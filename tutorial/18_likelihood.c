/*
# 8. Likelihood: how probable is this point?

**Question.** A sampler shows what a model likes. How much does it like *your* point: what is its
density there? And is the answer right?

**Equation.** Along the probability-flow ODE, $\log p(x_0) = \log p_T(x_T) + ∫ ∇·F\, dt$ with
$F = f x − ½ g² s$ (7.14). The mean of −log p over fresh data cannot, but by chance, go below the
entropy of the data, and its excess is the Kullback–Leibler divergence of data and model.

**Plan.** The experiment is that of *SBGM: Score-Based Generative Models in JAX* (J. Homer), with
its settings: 40 000 noisy moons, ∫β = t up to T = 4, a residual network that says the score.

1. The truth: density and entropy of the noisy moons, by quadrature along their arcs.
2. Training: the document's rung, one that is better spent, and three more; two at a time.
3. Loss and floor, in all and by t.
4. The likelihood of 20 000 fresh points: NLL, entropy and what lies between, with error bars.
5. The exact score through the same ODE: here every point's density is known. And the bound that needs no ODE.
6. The map of its Figure 2, which must integrate to 1.
7. Exact trace against Hutchinson's.
8. The trap of few steps, with its flag.
9. Its formula for log p, and that of another document, as they are printed.
10. Training for the likelihood: weight g², times drawn by importance.
11. Samples by Euler–Maruyama and by the ODE, and its Figure 1, computed.
12. Eight Gaussians: the same, where everything is known in closed form.

**What you should see.** The document's loss is within 0.004 of its floor, which sounds like
success; its NLL is 0.63 nats above the entropy. Dropout does most of that: without it the loss is
the .2037 of the document's notebook (.2040), and 0.18 nats remain. They hide at small t, where that
loss hardly looks and the density is decided. With the likelihood's own weight, a third of the steps
end 0.03 above the entropy. And few steps of Euler make any network look better than the truth, by
tens of nats.

**Figures.** `18_likelihood_paths.png`, `18_likelihood_map.png`, `18_likelihood_loss.png`,
`18_likelihood_steps.png`, `18_likelihood_samples.png`.

    cc -O2 -fopenmp tutorial/18_likelihood.c -o 18_likelihood -lm

**Try this.**
(1) Set sde.t_min = 1e-3: what is reported is the density of slightly noisier moons, whose entropy
is 0.09 nats higher; the row that takes the slope of h at 0 then fails, for h(t) bends.
(2) In `trap` replace SGM_METHOD_EULER by SGM_METHOD_RK4: the flattery needs fewer steps to go away, but is there.
(3) Give the second rung the document's network (`theirs_too` for its net and user): with 10 000
steps it is .039 ± .005 above the entropy, as good as ours with .048 ± .007. What counts is where
the loss looks. But its field is rougher: 265 evaluations for 169.
*/

#include "tutorial.h"

#define PI 3.14159265358979323846

enum { NODES = 101, SIDE = 100, TEST = 20000, RUNGS = 6, BINS = 5, WALKERS = 12, FILM = 160 };
enum { DOCUMENT, SECOND, NO_DROPOUT, PLAIN, WEIGHTED, EIGHT };

static const double noise = 0.05, wide = 3; /* of the moons, raw; of the map, in scaled units */
static double shift, scale;                 /* the document's one mean and one std */
static double node[2 * NODES][2], weight[2 * NODES];
static float *moons, *fresh, *eight;
static long n_moons;
static sgm_sde sde;
static sgm_mixture truth, ring;
static sgm_score exact;

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

static double mean_of(const double *x, long n, double *se) {
    double sum = 0, square = 0;
    for (long i = 0; i < n; i++) sum += x[i], square += x[i] * x[i];
    sum /= (double)n, square /= (double)n;
    *se = sqrt(fmax(square - sum * sum, 0) / (double)n);
    return sum;
}

/*
Step 1. The data, scaled as the document does it: by one mean and one standard deviation for both
coordinates. A noisy moon is an arc, smeared: its density is an integral over the angle, which
Simpson's rule knows. At time t it is the same with the arc shrunk by m and the smear at
$v = m² (0.05/scale)² + s²$.
*/

static void draw_moons(float *x, long n, sgm_key key) {
    sgm_data_moons(x, n, noise, key);
    for (long i = 0; i < 2 * n && scale > 0; i++) x[i] = (float)((x[i] - shift) / scale);
}

static void data(void) {
    double sum = 0, square = 0;
    n_moons = 40000;
    moons = (float *)tut_memory((size_t)n_moons * 2 * sizeof *moons);
    fresh = (float *)tut_memory(TEST * 2 * sizeof *fresh);
    draw_moons(moons, n_moons, stream(1));
    for (long i = 0; i < 2 * n_moons; i++) sum += moons[i], square += (double)moons[i] * moons[i];
    shift = sum / (double)(2 * n_moons),
    scale = sqrt(square / (double)(2 * n_moons) - shift * shift);
    for (long i = 0; i < 2 * n_moons; i++) moons[i] = (float)((moons[i] - shift) / scale);
    draw_moons(fresh, TEST, stream(2));
    for (int i = 0; i < 2 * NODES; i++) {
        int j = i % NODES, end = j == 0 || j == NODES - 1;
        double a = PI * j / (NODES - 1), moon = i < NODES ? 0 : 1;
        node[i][0] = ((moon ? 1 - cos(a) : cos(a)) - shift) / scale;
        node[i][1] = ((moon ? 0.5 - sin(a) : sin(a)) - shift) / scale;
        weight[i] = (end ? 1 : j % 2 ? 4 : 2) / (6.0 * (NODES - 1));
    }
}

/* Density of the scaled moons at time t, and its gradient if you want it. */

static double density(double x, double y, double t, double grad[2]) {
    double m = exp(-t / 2), v = m * m * noise * noise / scale / scale - expm1(-t), p = 0;
    if (grad) grad[0] = grad[1] = 0;
    for (int i = 0; i < 2 * NODES; i++) {
        double a = x - m * node[i][0], b = y - m * node[i][1], r2 = (a * a + b * b) / v;
        if (r2 > 200) continue; /* e⁻¹⁰⁰ */
        double part = weight[i] * exp(-0.5 * r2) / (2 * PI * v);
        p += part;
        if (grad) grad[0] -= part * a / v, grad[1] -= part * b / v;
    }
    return p;
}

/* −∫ p log p and the Fisher information ∫ |∇p|²/p, by the trapezoid rule with steps of 0.4
smears: its error on such a smooth function is of the order e^(−2π²/0.4²) = e⁻¹²³. The moons end
2.3 from 0, and the noise seven of its standard deviations further. */

static double entropy(double t, double *fisher) {
    double small = noise * noise / scale / scale, v = exp(-t) * small - expm1(-t), h = 0.4 * sqrt(v);
    double sum = 0, grad[2], far = 2.3 + 7 * sqrt(v);
    *fisher = 0;
    for (double x = -far; x < far; x += h)
        for (double y = -far; y < far; y += h) {
            double p = density(x, y, t, grad);
            if (p < 1e-30) continue;
            sum -= h * h * p * log(p);
            *fisher += h * h * (grad[0] * grad[0] + grad[1] * grad[1]) / p;
        }
    return sum;
}

/* The entropy by hand, of thin arcs of length π: of the place on one of them, of the smear across it, and of
their four soft ends, where an arc that is smeared along itself is Φ: −∫ Φ log Φ for each, in smears over
the length. What is left out, that an arc is bent, is of the order of the smear's square. */

static double entropy_by_hand(void) {
    double ends = 0, h = 0.01;
    for (double u = -8; u < 8; u += h) {
        double phi = 0.5 * erfc(-u / sqrt(2.0));
        ends -= h * phi * log(phi);
    }
    return log(2 * PI) + 0.5 * log(2 * PI * exp(1) * noise * noise) + 2 * ends * noise / PI;
}

/* The same smeared arcs are a mixture of Gaussians, which the library scores exactly. */

static double known_truth(void) {
    double mu[4 * NODES], var[2 * NODES], fisher, later, at_0 = entropy(0, &fisher);
    double at_min = entropy(sde.t_min, &later), *lp = (double *)tut_memory(TEST * sizeof *lp), se;
    for (int i = 0; i < 2 * NODES; i++) {
        mu[2 * i] = node[i][0], mu[2 * i + 1] = node[i][1];
        var[i] = noise * noise / scale / scale;
    }
    tut_must(sgm_mixture_init(&truth, 2 * NODES, 2, weight, mu, var, SGM_COV_ISOTROPIC, &sde));
    exact = sgm_mixture_score(&truth);
    for (int i = 0; i < TEST; i++) lp[i] = -log(density(fresh[2 * i], fresh[2 * i + 1], 0, NULL));
    double sampled = mean_of(lp, TEST, &se);
    printf(
        "1. entropy of the density: %.4f nats (%.3f bits/dim), raw %.4f\n"
        "   of %d fresh points %.4f ± %.4f; at t_min = %g it is %.4f\n",
        at_0, at_0 / 2 / log(2), at_0 + 2 * log(scale), TEST, sampled, se, sde.t_min, at_min);
    tut_check("1. entropy, raw moons, nats: thin arcs by hand", at_0 + 2 * log(scale), entropy_by_hand(),
              noise * noise);
    tut_check("1. mean -log p of fresh points = entropy", sampled, at_0, 4 * se);
    /* de Bruijn: dh/dt = D f + ½ g² J. J = 1/v falls by J per unit of t: ½ t_min·J = .1 % of it */
    tut_check("1. (h(t_min) - h(0))/t_min = J/2 - 1", (at_min - at_0) / sde.t_min, fisher / 2 - 1,
              0.002 * fisher);
    free(lp);
    return at_0;
}

/*
Step 2. The document asks its network for the score itself, weighs by s² and tells it t as it is.
The second rung looks elsewhere: weight g², times drawn evenly in log SNR (2.14), no dropout, a rate
that falls. Its network is told log v, v the variance of the smear at t, and its output multiplied
by 1/√v, the size of a score: what is left to say is smooth, and the ODE needs fewer steps for it.
The third rung is the document's again, without its dropout.
*/

static double smear(double t, double width) { /* (1.6): of a smear of that width in the data */
    return exp(-t) * width * width - expm1(-t);
}

static sgm_tensor *own_net(sgm_tape *tape, const sgm_net_in *in) {
    int n = in->t->rows;
    sgm_tensor *gain = sgm_tape_input(tape, NULL, n, 2), *level = sgm_tape_input(tape, NULL, n, 1);
    if (!gain || !level) return NULL;
    for (int i = 0; i < n; i++) {
        double v = smear(in->t->v[i], *(const double *)in->user);
        gain->v[2 * i] = gain->v[2 * i + 1] = (float)(1 / sqrt(v)),
                    level->v[i] = (float)(0.5 * log(v));
    }
    sgm_tensor *h = sgm_linear(tape, sgm_concat(tape, in->x, level), 128);
    for (int i = 0; i < 3; i++) h = sgm_add(tape, h, sgm_silu(tape, sgm_linear(tape, h, 128)));
    return sgm_mul(tape, sgm_linear(tape, h, 2), gain);
}

typedef struct rung {
    const char *name;
    sgm_net net;
    void *user;
    sgm_train_options how;
    const float *data;
    sgm_model model;
    sgm_score score;
    double seconds;
} rung;

static rung rungs[RUNGS];

static void plan_rungs(int quick) {
    static sgm_mlp_options theirs = {.width = 128,
                                     .depth = 5,
                                     .activation = SGM_ACTIVATION_TANH,
                                     .embedding = SGM_EMBEDDING_RAW,
                                     .dropout = 0.1f},
                           steady;
    static double width[2];
    static const char *const name[RUNGS] = {"document",  "second",    "no dropout",
                                            "weight s2", "weight g2", "eight"};
    static const long steps[RUNGS] = {100000, 30000, 100000, 10000, 10000, 40000};
    sgm_loss half = {.scale = 0.5, .times = SGM_TIMES_STRATIFIED}; /* mean over coordinates */
    sgm_loss g2 = {.scale = 0.5, .weight = SGM_WEIGHT_G2, .times = SGM_TIMES_IMPORTANCE};
    sgm_train_options how = {.batch = 128, .held_out = -1,
                             .optimiser = SGM_OPTIMISER_ADABELIEF,
                             .lr = quick ? 1e-3 : 1e-4,
                             .ema = {quick ? 0.99 : 0.999},
                             .loss = half};
    width[0] = noise / scale, width[1] = 0.4 / sqrt(12.66);
    steady = theirs, steady.dropout = 0;
    for (int i = 0; i < RUNGS; i++) {
        rung *r = &rungs[i];
        int theirs_too = i == DOCUMENT || i == NO_DROPOUT;
        r->name = name[i], r->how = how, r->data = i == EIGHT ? eight : moons;
        r->net = theirs_too ? sgm_residual_mlp : own_net;
        if (theirs_too)
            r->user = i == DOCUMENT ? &theirs : &steady;
        else
            r->user = &width[i == EIGHT];
        if (!theirs_too) r->how.lr = 2e-3, r->how.cosine = 1;
        if (!theirs_too && i != PLAIN) r->how.loss = g2;
        r->how.steps = !quick ? steps[i] : i == SECOND ? 1500 : 400;
    }
    rungs[DOCUMENT].how.progress = "training";
}

/* Runs are independent, and a run gives the same bits wherever it runs: so two run at a time. */

static void train_all(int n) {
    double start = sgm_seconds();
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1)
#endif
    for (int k = 0; k < n; k++) { /* the longest first: 0 2 1 3 4 5 */
        int i = n > 2 && (k == 1 || k == 2) ? 3 - k : k;
        rung *r = &rungs[i];
        sgm_model_options what = {
            .net = r->net, .user = r->user, .d = 2, .sde = sde, .output = SGM_OUTPUT_SCORE, .n_ema = 1};
        double began = sgm_seconds();
        tut_must(sgm_model_init(&r->model, &what, sgm_key_split(stream(3), (uint64_t)i)));
        tut_must(
            sgm_train(&r->model, r->data, n_moons, &r->how, sgm_key_split(stream(4), (uint64_t)i)));
        r->seconds = sgm_seconds() - began, r->score = sgm_model_score(&r->model, 0);
    }
    printf("2. training, %d threads in all, one for each run: %.1f s\n", sgm_threads(),
           sgm_seconds() - start);
    for (int i = 0; i < n; i++)
        printf("   %-10s %6ld steps, %zu parameters: %5.1f s, %4.0f steps/s%s\n", rungs[i].name,
               rungs[i].how.steps, rungs[i].model.n_params, rungs[i].seconds,
               (double)rungs[i].how.steps / rungs[i].seconds,
               i == DOCUMENT ? " (the document's notebook: 132)" : "");
}

/*
Step 3. What no network can save is ½(2 + s² tr ∂s/∂x), as in proof 14; what this one could have
saved is ½ s² |s_θ − s|². Both by slices of t, times spread evenly within each.
*/

/* The floor between two times without a draw: by parts E tr ∂s/∂x = −J, the Fisher information of `entropy`. Simpson's
rule in √t, near whose 0 it is smoother than in t. */

static double floor_between(double from, double to) {
    enum { INTERVALS = 8 };
    double sum = 0, a = sqrt(from), h = (sqrt(to) - a) / INTERVALS, fisher;
    for (int i = 0; i <= INTERVALS; i++) {
        double u = a + i * h;
        entropy(u * u, &fisher);
        sum += (i == 0 || i == INTERVALS ? 1 : i % 2 ? 4 : 2) * h / 3 * 2 * u * 0.5 * (2 + expm1(-u * u) * fisher);
    }
    return sum / (to - from);
}

static double by_time(float *rows, long n, int n_rungs, double total[4]) {
    static const double edge[BINS + 1] = {0, 0.25, 0.5, 1, 2, 4};
    double known = 0;
    float *x = (float *)tut_memory((size_t)n * 9 * sizeof *x), *v = x + 2 * n, *s = v + 2 * n;
    float *js = s + 2 * n, *t = js + 2 * n;
    puts("3. by t:        floor   excess of: document   second   no dropout");
    for (int b = 0; b < BINS; b++) {
        double sum[4] = {0}, share = (edge[b + 1] - edge[b]) / 4;
        char name[64];
        for (long i = 0; i < n; i++)
            t[i] = (float)(edge[b] + (edge[b + 1] - edge[b]) * ((double)i + 0.5) / (double)n);
        t[0] = fmaxf(t[0], (float)sde.t_min);
        draw_moons(x, n, stream(20 + (uint64_t)b));
        sgm_normal(v, 2 * (size_t)n, stream(30 + (uint64_t)b), 0);
        sgm_sde_perturb(x, x, v, t, n, 2, &sde);
        for (int j = 0; j < 2; j++) {
            for (long i = 0; i < 2 * n; i++) v[i] = i % 2 == j;
            tut_must(sgm_score_jvp(&exact, s, js, x, v, t, n));
            for (long i = 0; i < n; i++) sum[0] += 0.5 * (1 - expm1(-t[i]) * js[2 * i + j]);
        }
        for (int k = 0; k < n_rungs; k++) {
            tut_must(sgm_score_eval(&rungs[k].score, js, x, t, n));
            for (long i = 0; i < 2 * n; i++)
                sum[1 + k] -= 0.5 * expm1(-t[i / 2]) * (js[i] - s[i]) * (js[i] - s[i]);
        }
        for (int k = 0; k < 4; k++) sum[k] /= (double)n, total[k] += share * sum[k];
        printf("   %4.2f - %4.2f   %.4f   %19.5f   %6.5f   %10.5f\n", edge[b], edge[b + 1], sum[0],
               sum[1], sum[2], sum[3]);
        float *row = rows + 6 * b;
        row[0] = (float)edge[b], row[1] = (float)edge[b + 1];
        for (int k = 0; k < 4; k++) row[2 + k] = (float)sum[k];
        snprintf(name, sizeof name, "3. floor, t in (%g, %g)", edge[b], edge[b + 1]);
        /* a point's trace lies in [0, 1]: 3·½/√n is the error of the draws at most */
        double truth_here = floor_between(edge[b], edge[b + 1]);
        tut_check(name, sum[0], truth_here, 1.5 / sqrt((double)n));
        known += share * truth_here;
    }
    free(x);
    return known;
}

static void losses(int quick) {
    float rows[BINS * 6];
    double total[4] = {0};
    double known = by_time(rows, quick ? 1000 : 40000, quick ? 2 : 3, total);
    tut_dat("loss.dat", "t from, to; floor; excess: document, second, no dropout", rows, BINS, 6);
    printf("   floor %.4f (%.4f); losses %.4f, %.4f, %.4f (the document's notebook: .2040)\n", total[0], known,
           total[0] + total[1], total[0] + total[2], total[0] + total[3]);
    /* five independent slices of n points, each with at most ½ in standard deviation */
    tut_check("3. floor of the loss", total[0], known, quick ? 0.025 : 0.004);
    /* asked for: .003. Dropout keeps the document's rung from it: twice that is allowed */
    tut_check("3. document: loss - floor", total[1], 0, quick ? 0.05 : 0.006);
    if (!quick)
        tut_check("3. without dropout: the notebook's loss", total[0] + total[3], 0.2040, 0.003);
    tut_check("3. second rung: loss - floor", total[2], 0, quick ? 0.02 : 0.003);
}

/* Step 4. How far a model's density is from the true one: the mean of log p − log q over draws from
p. Taken point by point, most of the scatter cancels. */

static double divergence(const double *logq, const float *x, long n, double *se) {
    double *gap = (double *)tut_memory((size_t)n * sizeof *gap);
    for (long i = 0; i < n; i++) gap[i] = log(density(x[2 * i], x[2 * i + 1], 0, NULL)) - logq[i];
    double mean = mean_of(gap, n, se);
    free(gap);
    return mean;
}

static double likelihood_of(const rung *r, long n, double *logq, sgm_likelihood_result *out,
                            double *se) {
    double start = sgm_seconds(), kl;
    sgm_likelihood_options how = {.progress = r->name};
    tut_must(sgm_likelihood(logq, NULL, NULL, fresh, n, &r->score, &how, out, stream(5)));
    double seconds = sgm_seconds() - start;
    kl = divergence(logq, fresh, n, se);
    printf("   %-10s NLL %.4f ± %.4f nats, %.3f bits/dim; above the truth, by points: %.4f ± %.4f\n"
           "              %ld evaluations, change %.1e; %.1f s for 10 000 points\n",
           r->name, -out->nats, out->nats_se, out->bits_per_dim, kl, *se, out->nfe, out->change,
           seconds * 1e4 / (double)n);
    return kl;
}

static double nll(double h, int quick) {
    int rows = quick ? 2 : 3, suspects = 0;
    long n = quick ? 300 : TEST;
    double *logq = (double *)tut_memory((size_t)n * sizeof *logq), se, kl[3];
    sgm_likelihood_result r[3];
    printf("4. exact-trace likelihood, RK45 at 1e-5, of fresh points (entropy %.4f)\n", h);
    for (int k = 0; k < rows; k++) {
        kl[k] = likelihood_of(&rungs[k], k == SECOND ? n : n / 4, logq, &r[k], &se);
        suspects += r[k].suspect;
    }
    /* the aim: .035 nats above the entropy; the mean over the points errs by nats_se */
    tut_check("4. second rung: NLL, nats", -r[SECOND].nats, h,
              quick ? 0.8 : 0.035 + 2 * r[SECOND].nats_se);
    tut_check("4. none is suspect", suspects, 0, 0);
    if (!quick)
        tut_check("4. the document's excess is not dropout alone, 1 = yes", kl[NO_DROPOUT] > 0.1, 1,
                  0);
    free(logq);
    return kl[SECOND];
}

/*
Step 5. Is the machinery right? Give it the exact score and, instead of the prior, the exact density
at T: then (7.14) must return the density that step 1 knows, at every point.
*/

static double log_prior(const float *x) {
    return -0.5 * ((double)x[0] * x[0] + (double)x[1] * x[1]) - log(2 * PI);
}

static void machinery(double *logp, float *latent, long n) {
    double worst = 0, mean = 0;
    sgm_likelihood_result r;
    tut_must(sgm_likelihood(logp, NULL, latent, fresh, n, &exact, NULL, &r, stream(6)));
    for (long i = 0; i < n; i++) {
        const float *z = latent + 2 * i, *x = fresh + 2 * i;
        double off = logp[i] - log_prior(z) + log(density(z[0], z[1], sde.T, NULL)) -
                     log(density(x[0], x[1], sde.t_min, NULL));
        worst = fmax(worst, fabs(off)),
        mean += (log_prior(z) - log(density(z[0], z[1], sde.T, NULL))) / (double)n;
    }
    printf("5. exact score: (7.14) is off by at most %.1e at %ld points; the prior for p_T costs "
           "%.4f\n",
           worst, n, -mean);
    /* a tolerance of 1e-5 in each of some 30 steps, both coordinates and the sum: below 1e-3; the
       latent comes as a float */
    tut_check("5. (7.14) with the exact score: worst point", worst, 0, 2e-3);
}

/*
The bound (7.18) needs no ODE. In the mean over points of density p it is below log p by two prices: that of the prior,
$\mathrm{KL}(p_T ‖ N(0, I))$, and that of the score, which is half the excess of the loss (2.9) with the weight g², times
the length of time. Three measurements that share nothing but the score must agree.
*/

static void bounds(int rows, int quick) {
    enum { N = 1500 };
    static float x[2 * N], t[N];
    static double known[N], bound[N];
    long n = quick ? 200 : N, draws = quick ? 2000 : 2 * TEST;
    const sgm_loss loss = {.weight = SGM_WEIGHT_G2, .times = SGM_TIMES_IMPORTANCE};
    double prior_se, se;
    tut_must(sgm_mixture_sample(&truth, x, NULL, n, sde.T, stream(13)));
    for (int i = 0; i < N; i++) t[i] = (float)sde.T;
    tut_must(sgm_score_logp(&exact, known, x, t, n));
    for (long i = 0; i < n; i++) known[i] -= log_prior(x + 2 * i);
    double prior = mean_of(known, n, &prior_se);
    tut_must(sgm_mixture_sample(&truth, x, NULL, n, sde.t_min, stream(14)));
    for (int i = 0; i < N; i++) t[i] = (float)sde.t_min;
    tut_must(sgm_score_logp(&exact, known, x, t, n));
    for (int k = -1; k < rows; k++) { /* -1: the exact score */
        const sgm_score *score = k < 0 ? &exact : &rungs[k].score;
        sgm_likelihood_result r;
        sgm_dsm_result price = {.excess = 0};
        char name[96];
        tut_must(sgm_likelihood_bound(bound, NULL, x, n, score, NULL, &r, stream(15)));
        for (long i = 0; i < n; i++) bound[i] = known[i] - bound[i];
        double gap = mean_of(bound, n, &se), half = 0.5 * (sde.T - sde.t_min);
        if (k >= 0) tut_must(sgm_dsm(&price, score, &exact, fresh, TEST, &loss, draws, stream(16)));
        printf("   -ELBO, %-9s %.4f nats; over -log p by %.4f ± %.4f; prior %.4f, score %.4f ± %.4f\n",
               k < 0 ? "exact:" : rungs[k].name, -r.nats, gap, se, prior, half * price.excess, half * price.excess_se);
        snprintf(name, sizeof name, "5. ELBO, %s: nats below log p%s", k < 0 ? "exact score" : rungs[k].name,
                 k < 0 ? ", off" : "");
        /* 4.5 standard errors of all that was drawn */
        tut_check(name, k < 0 ? gap - prior : gap, k < 0 ? 0 : prior + half * price.excess,
                  4.5 * hypot(hypot(se, prior_se), half * price.excess_se));
    }
}

/* Step 6. The density on a grid. */

static double map_of(int side, const char *file, const sgm_score *score,
                     double (*truth_at)(double, double), double *variation) {
    enum { MOST = SIDE * SIDE };
    static float x[2 * MOST], rows[4 * MOST];
    static double logp[MOST];
    double h = 2 * wide / side, sum = 0;
    long N = (long)side * side;
    for (int i = 0; i < N; i++) {
        x[2 * i] = (float)(-wide + h * (i % side + 0.5));
        x[2 * i + 1] = (float)(-wide + h * (i / side + 0.5));
    }
    sgm_likelihood_options how = {.unchecked = 1, .progress = file};
    tut_must(sgm_likelihood(logp, NULL, NULL, x, N, score, &how, NULL, stream(7)));
    *variation = 0;
    for (int i = 0; i < N; i++) {
        float *row = rows + 4 * i;
        double p = truth_at(x[2 * i], x[2 * i + 1]), q = exp(logp[i]);
        sum += h * h * q, *variation += 0.5 * h * h * fabs(p - q);
        row[0] = x[2 * i], row[1] = x[2 * i + 1], row[2] = (float)q, row[3] = (float)p;
    }
    tut_dat(file, "x y; density of the model; exact density", rows, N, 4);
    return sum;
}

static double moons_at(double x, double y) { return density(x, y, 0, NULL); }

static void maps(double kl, int quick) {
    static const char *const file[2] = {"map_document.dat", "map_second.dat"};
    double sum[2], off[2];
    int side = quick ? 40 : SIDE;
    for (int k = quick; k < 2; k++) {
        sum[k] = map_of(side, file[k], &rungs[k].score, moons_at, &off[k]);
        printf("6. map of %d x %d, %s: integrates to %.4f, half of ∫|q - p| is %.4f\n", side, side,
               rungs[k].name, sum[k], off[k]);
    }
    if (!quick) tut_check("6. document: the map integrates to", sum[0], 1, 0.005);
    tut_check("6. second rung: the map integrates to", sum[1], 1, quick ? 0.05 : 0.005);
    tut_check("6. Pinsker: half ∫|q - p| <= sqrt(KL/2)", off[1] <= sqrt(kl / 2), 1, 0);
}

/*
Step 7. Hutchinson's estimate asks for one tangent per direction instead of two. It is right on the
average, and says how wrong at each point.
*/

static void traces(int quick) {
    static const int probes[4] = {2, 8, 32, 8};
    long n = quick ? 200 : 1000;
    float table[4 * 4];
    double *all = (double *)tut_memory((size_t)n * 5 * sizeof *all), *sure = all + n,
           *off = sure + n, *said = off + n;
    double *square = said + n, se, se2;
    const sgm_score *score = &rungs[SECOND].score;
    tut_must(sgm_likelihood(sure, NULL, NULL, fresh, n, score, NULL, NULL, stream(8)));
    for (int k = 0; k < 4; k++) {
        sgm_likelihood_options how = {
            .probes = probes[k], .unchecked = 1, .law = k < 3 ? SGM_PROBE_RADEMACHER : SGM_PROBE_GAUSSIAN};
        sgm_likelihood_result r;
        char name[64];
        tut_must(sgm_likelihood(all, said, NULL, fresh, n, score, &how, &r, stream(9)));
        for (long i = 0; i < n; i++) off[i] = all[i] - sure[i], square[i] = off[i] * off[i];
        double mean = mean_of(off, n, &se), rms2 = mean_of(square, n, &se2);
        double said2 = r.probe_se * r.probe_se;
        for (long i = 0; i < n; i++) square[i] -= said[i] * said[i];
        mean_of(square, n, &se2);
        float *row = table + 4 * k;
        row[0] = (float)probes[k], row[1] = (float)sqrt(rms2), row[2] = (float)r.probe_se,
        row[3] = k == 3;
        printf("%s %2d %s: mean error %+.4f ± %.4f, rms %.4f, said %.4f\n", k ? "  " : "7.",
               probes[k], k < 3 ? "signs " : "Gaussian directions", mean, se, sqrt(rms2),
               r.probe_se);
        snprintf(name, sizeof name, "7. %d %s: mean error", probes[k],
                 k < 3 ? "signs" : "Gaussians");
        tut_check(name, mean, 0, 4 * se + 1e-4);
        snprintf(name, sizeof name, "7. %d %s: (rms/said)^2", probes[k],
                 k < 3 ? "signs" : "Gaussians");
        /* at each point both squares have the same mean: 4 se of their difference, as measured */
        tut_check(name, rms2 / said2, 1, 4 * se2 / said2);
    }
    tut_dat("hutchinson.dat", "probes, rms error, said, 1: Gaussian", table, 4, 4);
    free(all);
}

/*
Step 8. Fixed steps, even in t, and the *exact* score: what is wrong here is the solver alone. The
program that belongs to the document takes 40 steps of a fifth-order method; RK4 stands for it.
*/

static void trap(int quick) {
    enum { ROWS = 9 };
    float table[ROWS * 5];
    double logp[200], h = 0, nats_se = 0, *lp = logp;
    long n = quick ? 20 : 200;
    int flagged = 1, flattered = 0, rows = 0;
    for (int i = 0; i < n; i++)
        lp[i] = -log(density(fresh[2 * i], fresh[2 * i + 1], sde.t_min, NULL));
    h = mean_of(lp, n, &nats_se);
    printf("8. NLL of %ld points by the exact score, in truth %.3f\n"
           "   steps of Euler:   NLL     change   flag\n",
           n, h);
    for (int steps = 4; steps <= (quick ? 16 : 512); steps *= 2) {
        sgm_likelihood_options how = {
            .solve = {.method = SGM_METHOD_EULER, .steps = steps, .grid = SGM_GRID_UNIFORM}};
        sgm_likelihood_result r;
        tut_must(sgm_likelihood(logp, NULL, NULL, fresh, n, &exact, &how, &r, stream(8)));
        float *row = table + 5 * rows++;
        row[0] = (float)steps, row[1] = (float)-r.nats, row[2] = (float)r.change,
        row[3] = (float)r.suspect;
        row[4] = (float)h;
        printf("   %12d %8.3f %9.3f   %s\n", steps, -r.nats, r.change, r.suspect ? "suspect" : "");
        if (-r.nats < h - 0.05) flattered++, flagged &= r.suspect;
    }
    tut_dat("steps.dat", "Euler steps, NLL, change on halving, suspect, truth", table, rows, 5);
    tut_check("8. Euler beats the truth somewhere, 1 = yes", flattered > 0, 1, 0);
    tut_check("8. and is flagged wherever it does", flagged, 1, 0);
    for (int grid = 0; grid < 2; grid++) {
        sgm_likelihood_options how = {.solve = {.method = SGM_METHOD_RK4, .steps = 40}};
        sgm_likelihood_result r;
        how.solve.grid = grid ? SGM_GRID_LOGSNR : SGM_GRID_UNIFORM;
        tut_must(sgm_likelihood(logp, NULL, NULL, fresh, n, &exact, &how, &r, stream(8)));
        printf("   40 of RK4, %s: %.3f, change %.3f%s\n", grid ? "even in log SNR" : "even in t",
               -r.nats, r.change, r.suspect ? ", suspect" : "");
        tut_check(grid ? "8. RK4, 40 steps in log SNR: suspect" : "8. RK4, 40 steps in t: suspect",
                  r.suspect, !grid, 0);
        if (grid) /* the prior for p_T: step 5; the change is ten times what remains */
            tut_check("8. RK4, 40 steps in log SNR: NLL", -r.nats, h, 0.02 + r.change);
    }
}

/*
Step 9. The document prints $\log p(x_0) = \log p(x_T) − ∫ ∇·f$ with the *forward* drift f. Taken at
its word, x_T = m x_0, and with D = 2 and ∫β = 4 the integral is −4: its "density" is e⁴ N(m x; 0,
I), which integrates to e⁴/m² = e⁸. With plus it would be a density, N(0, I/m²), whatever the data.
*Diffusion Through the Lens of Score Matching* (EngineersOfAI) has the right drift and the minus,
which replaces log p by 2 log p_T − log p.
*/

static sgm_status no_score(const sgm_score *self, float *s, const float *x, const float *t,
                           long n) {
    (void)x, (void)t, memset(s, 0, (size_t)n * (size_t)self->d * sizeof *s);
    return SGM_OK;
}

static void as_printed(double h, const double *logp, const float *latent, long n) {
    sgm_score none = {.d = 2, .sde = sde, .eval = no_score};
    sgm_likelihood_result r;
    double *all = (double *)tut_memory((size_t)n * sizeof *all), se, square = 0, m2 = exp(-sde.T);
    tut_must(sgm_likelihood(all, NULL, NULL, fresh, n, &none, NULL, &r, stream(8)));
    for (long i = 0; i < 2 * n; i++) square += (double)fresh[i] * fresh[i] / (double)n;
    double document = -(r.prior - r.divergence), closed = log(2 * PI) + 0.5 * m2 * square - 4;
    for (long i = 0; i < n; i++) all[i] = -(2 * log_prior(latent + 2 * i) - logp[i]);
    double lesson = mean_of(all, n, &se), right = 0;
    for (long i = 0; i < n; i++) right -= logp[i] / (double)n;
    printf("9. NLL by the formulas in print, on %ld points with the exact score (entropy %.3f)\n"
           "   (7.14), flow's drift and plus: %.3f\n   forward drift and minus: %.3f, and the map "
           "integrates to %.0f\n   flow's drift and minus: %.3f\n",
           n, h, right, document, exp(8), lesson);
    tut_check("9. forward drift and minus: NLL, closed form", document, closed, 1e-3); /* solver */
    tut_check("9. and below the entropy by, nats", h - document, h - closed, 1e-3);
    /* E log p_T = −(1 + log 2π) for a standard normal latent; to 2 (KL + |Σ − 1|) = .02 */
    tut_check("9. flow's drift and minus: NLL", lesson, 2 * (1 + log(2 * PI)) - h, 0.03 + 4 * se);
    free(all);
}

/* Step 10. The weight that bounds the likelihood, at the same small budget. */

static void weighting(long n) {
    double *logq = (double *)tut_memory((size_t)n * sizeof *logq), se[2], kl[2];
    sgm_likelihood_result r;
    puts("10. the same budget, with the default weight and with g² and times by importance");
    for (int k = 0; k < 2; k++) kl[k] = likelihood_of(&rungs[PLAIN + k], n, logq, &r, &se[k]);
    tut_check("10. g2 by importance: NLL - entropy", kl[1], 0, 0.1);
    tut_check("10. and not worse than the default, 1 = yes",
              kl[1] < kl[0] + 4 * hypot(se[0], se[1]), 1, 0);
    free(logq);
}

/* Step 11. The document's samples, and its Figure 1. */

static void samples(int quick) {
    long n = quick ? 300 : 10000;
    float *x = (float *)tut_memory((size_t)n * 6 * sizeof *x), *y = x + 2 * n, *z = y + 2 * n;
    sgm_sample_options em = {.method = SGM_METHOD_EULER_MARUYAMA,
                             .steps = quick ? 100 : 1000,
                             .grid = SGM_GRID_UNIFORM,
                             .progress = "Euler-Maruyama"};
    sgm_sample_options ode = {
        .method = SGM_METHOD_RK45, .grid = SGM_GRID_UNIFORM, .plain_end = 1, .t_end = sde.t_min};
    double got[2], two;
    draw_moons(z, n, stream(40));
    draw_moons(y, n, stream(41));
    two = sgm_energy_distance(y, n, z, n, 2);
    tut_dat("samples_fresh.dat", "x y", z, n, 2);
    for (int k = 0; k < 2; k++) {
        tut_must(sgm_sample(x, n, &rungs[quick ? SECOND : DOCUMENT].score, k ? &ode : &em,
                            stream(42)));
        got[k] = sgm_energy_distance(x, n, z, n, 2);
        tut_dat(k ? "samples_ode.dat" : "samples_sde.dat", "x y", x, n, 2);
    }
    em.steps = 1000;
    tut_cost_of("moons", &rungs[quick ? SECOND : DOCUMENT].model, &rungs[quick ? SECOND : DOCUMENT].score, &em, 1000);
    printf("11. %ld samples, energy distance to fresh data: Euler-Maruyama %.5f, ODE %.5f\n"
           "    of two sets of data %.5f\n", n, got[0], got[1], two);
    tut_check("11. Euler-Maruyama: energy distance", got[0], 0, quick ? 0.1 : 0.01);
    tut_check("11. ODE: energy distance", got[1], 0, quick ? 0.1 : 0.01);
    free(x);
}

static void figure_1(void) {
    enum { N = WALKERS, COLS = 1 + N };
    static float film[3][(FILM + 1) * COLS], band[(FILM + 1) * 120 * 3];
    float x[2 * N], z[2 * N], back[2 * N], start[2 * N];
    double time[FILM + 1], a, b, off = 0;
    sgm_sde half = sde;
    half.t_min = 1e-4;
    for (int i = 0; i <= FILM; i++) { /* even in √t: the data's end is where things happen */
        double share = sqrt(half.t_min) + (2 - sqrt(half.t_min)) * i / FILM;
        time[i] = share * share;
    }
    memcpy(x, fresh, sizeof x), memcpy(start, x, sizeof x);
    for (int i = 0; i <= FILM; i++) { /* there, by the SDE's own transitions (1.8) */
        sgm_sde_transition(&half, i ? time[i - 1] : 0, time[i], &a, &b);
        sgm_normal(z, 2 * N, sgm_key_split(stream(50), (uint64_t)i), 0);
        for (int j = 0; j < 2 * N; j++) x[j] = (float)(a * x[j] + b * z[j]);
        for (int j = 0; j < N; j++)
            film[0][i * COLS] = (float)sqrt(time[i]), film[0][i * COLS + 1 + j] = x[2 * j];
    }
    memcpy(back, x, sizeof x);
    for (int i = FILM; i >= 0; i--) { /* and back, from the same places: reverse SDE (5.4), ODE */
        if (i < FILM) {
            float s[2 * N], t[N];
            double dt = time[i + 1] - time[i];
            for (int j = 0; j < N; j++) t[j] = (float)time[i + 1];
            tut_must(sgm_score_eval(&rungs[SECOND].score, s, back, t, N));
            sgm_normal(z, 2 * N, sgm_key_split(stream(51), (uint64_t)i), 0);
            for (int j = 0; j < 2 * N; j++)
                back[j] = (float)(back[j] + (0.5 * back[j] + s[j]) * dt + sqrt(dt) * z[j]);
            tut_must(sgm_flow(x, N, &rungs[SECOND].score, time[i + 1], time[i], NULL, NULL));
        }
        for (int j = 0; j < N; j++) {
            film[1][i * COLS] = film[2][i * COLS] = (float)sqrt(time[i]);
            film[1][i * COLS + 1 + j] = back[2 * j], film[2][i * COLS + 1 + j] = x[2 * j];
        }
    }
    for (int i = 0; i <= FILM; i++) /* the exact density of the first coordinate behind them */
        for (int k = 0; k < 120; k++) {
            float *row = band + 3 * (i * 120 + k);
            double m = exp(-time[i] / 2),
                   v = m * m * noise * noise / scale / scale - expm1(-time[i]), p = 0;
            double at = -3 + 6 * (k + 0.5) / 120;
            for (int j = 0; j < 2 * NODES; j++)
                p += weight[j] * exp(-0.5 * pow(at - m * node[j][0], 2) / v) / sqrt(2 * PI * v);
            row[0] = (float)sqrt(time[i]), row[1] = (float)at, row[2] = (float)p;
        }
    for (int k = 0; k < 3; k++) {
        static const char *const file[3] = {"paths_forward.dat", "paths_reverse.dat",
                                            "paths_ode.dat"};
        tut_dat(file[k], "sqrt t; first coordinate of 12 points", film[k], FILM + 1, COLS);
    }
    tut_dat("paths_density.dat", "sqrt t; x; exact density of the first coordinate", band,
            (FILM + 1) * 120, 3);
    memcpy(x, start, sizeof x);
    tut_must(sgm_flow(x, N, &rungs[SECOND].score, sde.t_min, sde.T, NULL, NULL));
    tut_must(sgm_flow(x, N, &rungs[SECOND].score, sde.T, sde.t_min, NULL, NULL));
    for (int j = 0; j < 2 * N; j++) off = fmax(off, fabs(x[j] - start[j]));
    printf("    data to noise and back along the ODE: off by at most %.1e\n", off);
    tut_check("11. encoded and decoded: worst coordinate", off, 0, 1e-3);
}

/* Step 12. Eight Gaussians, the same way. */

static double ring_at(double x, double y) {
    float at[2] = {(float)x, (float)y}, t = (float)sde.t_min;
    sgm_score score = sgm_mixture_score(&ring);
    double lp;
    tut_must(sgm_score_logp(&score, &lp, at, &t, 1));
    return exp(lp);
}

static void eight_gaussians(void) {
    double mean[16], var[8], size = sqrt(12.5 + 0.16); /* radius 5, std .4: of each coordinate */
    for (int k = 0; k < 8; k++) {
        mean[2 * k] = 5 * cos(PI * k / 4) / size, mean[2 * k + 1] = 5 * sin(PI * k / 4) / size;
        var[k] = 0.16 / size / size;
    }
    tut_must(sgm_mixture_init(&ring, 8, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
    eight = (float *)tut_memory((size_t)n_moons * 2 * sizeof *eight);
    tut_must(sgm_mixture_sample(&ring, eight, NULL, n_moons, 0, stream(60)));
}

static void eight_map(void) {
    enum { N = 4000 };
    static float x[2 * N];
    static double logq[N];
    double off, se, sum = map_of(SIDE, "map_eight.dat", &rungs[EIGHT].score, ring_at, &off);
    tut_must(sgm_mixture_sample(&ring, x, NULL, N, sde.t_min, stream(61)));
    tut_must(
        sgm_likelihood(logq, NULL, NULL, x, N, &rungs[EIGHT].score, NULL, NULL, stream(62)));
    for (int i = 0; i < N; i++) logq[i] = log(ring_at(x[2 * i], x[2 * i + 1])) - logq[i];
    double kl = mean_of(logq, N, &se);
    printf("12. eight Gaussians: the map integrates to %.4f, NLL - entropy %.4f ± %.4f, half of "
           "∫|q - p| "
           "%.4f\n",
           sum, kl, se, off);
    tut_check("12. eight Gaussians: the map integrates to", sum, 1, 0.005);
    /* what is asked of the moons in step 4 */
    tut_check("12. eight Gaussians: NLL - entropy, nats", kl, 0, 0.035 + 2 * se);
    tut_check("12. Pinsker: half ∫|q - p| <= sqrt(KL/2)", off <= sqrt(kl / 2), 1, 0);
}

int main(int argc, char **argv) {
    int quick = tut_quick();
    long n = quick ? 40 : 2000;
    double *logp = (double *)tut_memory((size_t)n * sizeof *logp);
    float *latent = (float *)tut_memory((size_t)n * 2 * sizeof *latent);
    tut_start("18_likelihood", argc, argv);
    sde = sgm_sde_vp(1, 1), sde.T = 4, sde.t_min = 1e-5;
    data();
    double h = known_truth();
    eight_gaussians();
    plan_rungs(quick);
    train_all(quick ? NO_DROPOUT : RUNGS);
    losses(quick);
    double kl = nll(h, quick);
    machinery(logp, latent, n);
    bounds(quick ? 2 : 3, quick);
    maps(kl, quick);
    traces(quick);
    trap(quick);
    as_printed(h, logp, latent, n);
    if (!quick) weighting(5000);
    samples(quick);
    figure_1();
    if (!quick) eight_map();
    for (int i = 0; i < (quick ? NO_DROPOUT : RUNGS); i++) sgm_model_free(&rungs[i].model);
    sgm_mixture_free(&truth), sgm_mixture_free(&ring);
    free(moons), free(fresh), free(eight), free(logp), free(latent);
    return tut_done();
}
