/*
# 26. Waveforms: a sound whose density is known

**Question.** *SBGM: Score-Based Generative Models in JAX* (J. Homer) says that diffusion is
"agnostic to the data representation", audio, point clouds, videos or images, and that data may be
conditioned on "audio or model parameters". Tutorials show points in a plane, and pictures. Does a
network that knows nothing of time or pitch learn the law of a sound? How many nats does it miss,
which pitches does it play, and does it hit the note that you ask for?

**Equation.** A struck bell of D = 64 samples: pitch f in cycles per window, log-uniform between 4
and 12; decay γ ∼ U(1, 5); and a and b, standard normal, which make amplitude and phase:

$$x_j = e^{−γj/D} \left( a \cos\frac{2πfj}{D} + b \sin\frac{2πfj}{D} \right) + .2\, z_j,
\qquad j = 0 … D − 1 \qquad(T36.1)$$

Given f and γ that is linear in Gaussians. With u_1, u_2 orthonormal in the plane of both waves,
and λ_1, λ_2 the variances along them, the density of x seen through noise, m x + s ε, is

$$p_t(x) = E_{f,γ}\; N(x;\, 0,\, m² \sum_r λ_r u_r u_r^T + v I), \qquad v = .04 m² + s²
\qquad(T36.2)$$

a mean over two numbers only: quadrature gives it to four digits, and its score

$$∇\log p_t = −\frac{x}{v} + E_{f,γ|x} \sum_r u_r (u_r·x)
\left( \frac{1}{v} − \frac{1}{m²λ_r + v} \right) \qquad(T36.3)$$

So all that you ask of a model of sound is known: entropy, what x tells of its pitch, how probable a
sound is that the network made, and which pitch it has.

**Plan.** (1) The law: density and score of four bells, against the library's mixture; the entropies
h(x) and h(x|f); and the Gaussian of the same covariance, hence the same spectrum: of all linear
models the best. (2) One network, a plain MLP, for p(x) and p(x|f): half the time the pitch is
hidden from it. NLL − entropy of both. (3) A thousand waves out of noise, beside as many drawn and
as many Gaussians: what does the law itself say of them? (4) Eight notes of a scale, asked for by
pitch; and a file to listen to.

**What you should see.** x tells 3.1 nats of its pitch. The network is 1.0 nats above the entropy,
where the Gaussian is 12.8; of p(x|f) it is 1.3, so it makes a tenth less of a pitch than there is
to it. All three sets have the law's power at each frequency, give or take five errors: a spectrum
does not say what sounds together. The law hears the difference: of a hundred Gaussians 98 are rarer
than the rarest drawn wave in a hundred, of the network's waves 7. Pitches come as often as they
should. A note that you ask for is hit within a semitone by 88 waves in 100, of drawn ones by 97
(their pitch, too, is guessed through hiss); half lie within 30 cents of it, of the drawn within 12.

**Figures.** `36_waveforms_bells.png`, `36_waveforms_law.png`.

**Try this.**
(1) Take 24000 steps for 36000: 1.17 and 1.59 nats. The price falls about as the root of the steps.
(2) Take `sgm_residual_mlp`, which is told the pitch in each layer, and 16000 steps, which take
as long as 28000 here: 1.28 and 1.42 nats. It makes more of the pitch.
*/

#include "tutorial.h"

enum { D = 64, PITCHES = 768, DECAYS = 24, COND = 13, NOTES = 8, WAVES = D / 2 + 1 };
enum { DRAWN, MADE, GAUSSIAN, SETS, MOST = 1000, MANY = 20000 };

static const double PI = 3.14159265358979323846;
static const double LOW = 4, HIGH = 12, HISS = 0.2; /* cycles in a window; std of the noise   */
static const double LOW_SIGMA = 0.02, HIGH_SIGMA = 80; /* s/m at t_min and at T                */
static const char *const set_name[SETS] = {"drawn", "made", "Gaussian"};

/* One Gaussian for each pitch and decay of a grid, as in (T36.2). */

typedef struct bells {
    int n;
    float *u;                            /* (n,2,D) orthonormal pairs                       */
    double *lambda, *log_weight, *pitch; /* (n,2), (n), (n): all decays of a pitch together */
} bells;

static bells all;
static sgm_sde sde;
static sgm_model model;
static sgm_mixture gaussian; /* of the law's own covariance */
static double power[WAVES];  /* by the law                  */

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

static double mean_of(const double *a, long n, double *se) {
    double mean = 0, square = 0;
    for (long i = 0; i < n; i++) mean += a[i] / (double)n;
    for (long i = 0; i < n; i++) square += (a[i] - mean) * (a[i] - mean);
    *se = sqrt(square / (double)(n - 1) / (double)n);
    return mean;
}

/* Step 1. The law. Gauss and Legendre's nodes and weights on (-1, 1), by Newton's method. */

static void legendre(double *x, double *w, int n) {
    for (int i = 0; i < n; i++) {
        double z = cos(PI * (i + 0.75) / (n + 0.5)), slope = 1;
        for (int round = 0; round < 20; round++) {
            double before = 1, p = z;
            for (int k = 2; k <= n; k++) {
                double next = ((2 * k - 1) * z * p - (k - 1) * before) / k;
                before = p, p = next;
            }
            slope = n * (z * p - before) / (z * z - 1), z -= p / slope;
        }
        x[i] = z, w[i] = 2 / ((1 - z * z) * slope * slope);
    }
}

/*
The two columns of (T36.2), turned in their plane until they are orthogonal: with
$\tan 2θ = 2 c·s/(c·c − s·s)$ the turned pair has the same $c cᵀ + s sᵀ$.
*/

static void bell_at(float *u, double *lambda, double pitch, double decay) {
    double c[D], s[D], cc = 0, cs = 0, ss = 0;
    for (int j = 0; j < D; j++) {
        double fade = exp(-decay * j / D), at = 2 * PI * pitch * j / D;
        c[j] = fade * cos(at), s[j] = fade * sin(at);
        cc += c[j] * c[j], cs += c[j] * s[j], ss += s[j] * s[j];
    }
    double angle = 0.5 * atan2(2 * cs, cc - ss), a = cos(angle), b = sin(angle);
    lambda[0] = a * a * cc + 2 * a * b * cs + b * b * ss;
    lambda[1] = b * b * cc - 2 * a * b * cs + a * a * ss;
    for (int j = 0; j < D; j++) {
        u[j] = (float)((a * c[j] + b * s[j]) / sqrt(lambda[0]));
        u[D + j] = (float)((a * s[j] - b * c[j]) / sqrt(lambda[1]));
    }
}

static void bells_new(bells *b, double low, double high, int pitches, int decays) {
    double node[64], weight[64];
    legendre(node, weight, decays);
    b->n = pitches * decays;
    b->u = (float *)tut_memory((size_t)b->n * 2 * D * sizeof *b->u);
    b->lambda = (double *)tut_memory((size_t)b->n * 4 * sizeof *b->lambda);
    b->log_weight = b->lambda + 2 * b->n, b->pitch = b->log_weight + b->n;
    for (int k = 0; k < b->n; k++) {
        int i = k / decays, g = k % decays;
        b->pitch[k] = low * pow(high / low, (i + 0.5) / pitches);
        b->log_weight[k] = log(weight[g] / 2 / pitches);
        bell_at(b->u + (size_t)k * 2 * D, b->lambda + 2 * k, b->pitch[k], 3 + 2 * node[g]);
    }
}

static double dot(const float *a, const float *b) { /* sixteen sums do not wait for each other */
    float part[16] = {0}, sum = 0;
    for (int j = 0; j < D; j += 16)
        for (int l = 0; l < 16; l++) part[l] += a[j + l] * b[j + l];
    for (int l = 0; l < 16; l++) sum += part[l];
    return sum;
}

/*
log p, and if asked for the score and the most probable pitch, of x seen through noise: mean
coefficient m, std s. v is the variance off the bell's plane, $m²λ_r + v$ along its axes, (T36.3).
*/

static double bells_at(const bells *b, const float *x, double m, double s, float *score,
                       double *pitch) {
    double v = m * m * HISS * HISS + s * s, most = -HUGE_VAL, sum = 0, part = 0, best = -1;
    double pull[D] = {0}, *logp = (double *)tut_memory((size_t)b->n * 3 * sizeof *logp);
    double *along = logp + b->n;
    for (int k = 0; k < b->n; k++) {
        logp[k] = b->log_weight[k];
        for (int r = 2 * k; r < 2 * k + 2; r++) {
            double to = dot(b->u + (size_t)r * D, x), wide = m * m * b->lambda[r] + v;
            along[r] = to * (1 / v - 1 / wide);
            logp[k] += 0.5 * to * along[r] - 0.5 * log(wide / v);
        }
        most = fmax(most, logp[k]);
    }
    for (int k = 0; k < b->n; k++) {
        double p = exp(logp[k] - most);
        sum += p, part = k > 0 && b->pitch[k] == b->pitch[k - 1] ? part + p : p;
        if (pitch && part > best) best = part, *pitch = b->pitch[k];
        for (int r = 2 * k; score && p > 1e-8 && r < 2 * k + 2; r++)
            for (int j = 0; j < D; j++) pull[j] += p * along[r] * b->u[(size_t)r * D + j];
    }
    for (int j = 0; score && j < D; j++) score[j] = (float)(pull[j] / sum - x[j] / v);
    free(logp);
    return most + log(sum) - 0.5 * dot(x, x) / v - 0.5 * D * log(2 * PI * v);
}

static sgm_status exact_eval(const sgm_score *self, float *s, const float *x, const float *t,
                             long n) {
    for (long i = 0; i < n; i++)
        bells_at((const bells *)self->ctx, x + i * D, sgm_sde_m(&sde, t[i]), sgm_sde_s(&sde, t[i]),
                 s + i * D, NULL);
    return SGM_OK;
}

static sgm_score exact_of(const bells *b) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    score.d = D, score.ctx = b, score.sde = sde, score.eval = exact_eval;
    return score;
}

/* log p(x|f): the same over the decays alone. */

static double logp_given(const float *x, double pitch) {
    bells one;
    bells_new(&one, pitch, pitch, 1, DECAYS);
    double logp = bells_at(&one, x, 1, 0, NULL, NULL);
    free(one.u), free(one.lambda);
    return logp;
}

/* x(n,D): waves of the pitches f(n); f is drawn too where it is 0. */

static void draw(float *x, double *f, long n, sgm_key key) {
    for (long i = 0; i < n; i++) {
        float u[2], z[D + 2];
        sgm_uniform(u, 2, sgm_key_split(key, 0), 2 * (uint64_t)i);
        sgm_normal(z, D + 2, sgm_key_split(key, 1), (D + 2) * (uint64_t)i);
        if (f[i] == 0) f[i] = LOW * pow(HIGH / LOW, u[0]);
        for (int j = 0; j < D; j++) {
            double angle = 2 * PI * f[i] * j / D, wave = z[D] * cos(angle) + z[D + 1] * sin(angle);
            x[i * D + j] = (float)(exp(-(1 + 4 * u[1]) * j / D) * wave + HISS * z[j]);
        }
    }
}

/* What the network is told of a pitch: where it is in the range, and six waves of that. */

static void tell(float *cond, const double *f, long n) {
    for (long i = 0; i < n; i++) {
        double place = 2 * log(f[i] / LOW) / log(HIGH / LOW) - 1;
        cond[COND * i] = (float)place;
        for (int k = 0; k < 6; k++) {
            cond[COND * i + 1 + 2 * k] = (float)sin(PI / 2 * (1 << k) * place);
            cond[COND * i + 2 + 2 * k] = (float)cos(PI / 2 * (1 << k) * place);
        }
    }
}

/* Four bells of a grid as a mixture of the library: the same density and score by other code. */

static void against_mixture(void) {
    enum { K = 4, N = 20 };
    static double cov[K][D][D], zero[K * D];
    float x[N * D], t[N], s[N * D], s0[N * D];
    double weight[K], logp[N], off = 0, off_score = 0, size = 0;
    bells few;
    sgm_mixture mix;
    bells_new(&few, 5, 6, 2, 2);
    for (int k = 0; k < K; k++) {
        weight[k] = exp(few.log_weight[k]);
        for (int i = 0; i < D; i++) cov[k][i][i] = HISS * HISS;
        for (int i = 0; i < D * D * 2; i++) {
            const float *u = few.u + (2 * k + i % 2) * D;
            cov[k][i / 2 / D][i / 2 % D] += few.lambda[2 * k + i % 2] * u[i / 2 / D] * u[i / 2 % D];
        }
    }
    tut_must(sgm_mixture_init(&mix, K, D, weight, zero, cov[0][0], SGM_COV_FULL, &sde));
    sgm_score a = exact_of(&few), b = sgm_mixture_score(&mix);
    for (int i = 0; i < N; i++) {
        sgm_key key = sgm_key_split(stream(1), (uint64_t)i);
        t[i] = (float)(sde.t_min + (sde.T - sde.t_min) * i * i / N / N);
        tut_must(sgm_mixture_sample(&mix, x + i * D, NULL, 1, t[i], key));
    }
    tut_must(sgm_score_eval(&a, s, x, t, N)), tut_must(sgm_score_eval(&b, s0, x, t, N));
    tut_must(sgm_score_logp(&b, logp, x, t, N));
    for (int i = 0; i < N; i++) {
        double m = sgm_sde_m(&sde, t[i]), std = sgm_sde_s(&sde, t[i]);
        off = fmax(off, fabs(logp[i] - bells_at(&few, x + i * D, m, std, NULL, NULL)));
    }
    for (int i = 0; i < N * D; i++)
        off_score += pow((double)s[i] - s0[i], 2), size += pow(s0[i], 2);
    /* floats' 6e-8 of |x|²/v ~ 70 and of pulls up to 64 λ/v ~ 500, added in parts of 16 */
    tut_check("1. (T36.2) of four bells, sgm_mixture: log p, worst", off, 0, 3e-4);
    tut_check("1. (T36.3) the same: score, relative", sqrt(off_score / size), 0, 1e-5);
    sgm_mixture_free(&mix), free(few.u), free(few.lambda);
}

/* The covariance of all, exactly; the Gaussian that has it; and the mean power of wave number k. */

static void covariance(void) {
    static double cov[D][D], zero[D];
    for (int k = 0; k < 2 * all.n; k++) {
        const float *u = all.u + (size_t)k * D;
        double w = exp(all.log_weight[k / 2]) * all.lambda[k];
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++) cov[i][j] += w * u[i] * u[j];
    }
    for (int i = 0; i < D; i++) cov[i][i] += HISS * HISS;
    for (int k = 0; k < WAVES; k++)
        for (int i = 0; i < D * D; i++)
            power[k] += cov[i / D][i % D] * cos(2 * PI * k * (i / D - i % D) / D) / D;
    tut_must(sgm_mixture_init(&gaussian, 1, D, NULL, zero, cov[0], SGM_COV_FULL, &sde));
}

typedef struct set {
    float *x, *pitch, *surprise; /* pitch: octaves above LOW; surprise: -log p of each */
    double power[WAVES], se[WAVES];
} set;

/* Power of n waves; pitch and -log p of the first `judged`. The most that a mean power is off. */

static double measure(set *s, long n, long judged) {
    static double p[MANY];
    double pitch, worst = 0;
    s->pitch = (float *)tut_memory((size_t)n * 2 * sizeof *s->pitch), s->surprise = s->pitch + n;
    for (long i = 0; i < judged; i++) {
        s->surprise[i] = (float)-bells_at(&all, s->x + i * D, 1, 0, NULL, &pitch);
        s->pitch[i] = (float)log2(pitch / LOW);
    }
    for (int k = 0; k < WAVES; k++) {
        float wave[2][D];
        for (int j = 0; j < 2 * D; j++)
            wave[j / D][j % D] = (float)cos(2 * PI * k * j / D - (j < D ? 0 : PI / 2));
        for (long i = 0; i < n; i++) {
            double re = dot(wave[0], s->x + i * D), im = dot(wave[1], s->x + i * D);
            p[i] = (re * re + im * im) / D;
        }
        s->power[k] = mean_of(p, n, &s->se[k]);
        worst = fmax(worst, fabs(s->power[k] - power[k]) / s->se[k]);
    }
    return worst; /* in its standard errors */
}

typedef struct test { /* fresh waves, and what the truth says of each */
    long n;
    float *x, *cond;
    double *pitch, *logp, *given; /* its pitch, log p(x), log p(x|f) */
} test;

static void test_new(test *v, long n) {
    v->n = n;
    v->x = (float *)tut_memory((size_t)(n * (D + COND)) * sizeof *v->x), v->cond = v->x + n * D;
    v->pitch = (double *)tut_memory((size_t)n * 3 * sizeof *v->pitch);
    v->logp = v->pitch + n, v->given = v->logp + n;
    draw(v->x, v->pitch, n, stream(2)), tell(v->cond, v->pitch, n);
    for (long i = 0; i < n; i++) {
        v->logp[i] = bells_at(&all, v->x + i * D, 1, 0, NULL, NULL);
        v->given[i] = logp_given(v->x + i * D, v->pitch[i]);
    }
}

static void drawn_as_written(void) {
    static double f[MANY];
    set s;
    s.x = (float *)tut_memory(MANY * D * sizeof *s.x);
    draw(s.x, f, MANY, stream(30));
    tut_check("1. power of 20000 waves at 33 frequencies, errors", measure(&s, MANY, 0), 0, 5);
    free(s.x), free(s.pitch);
}

static double known(const test *v) { /* the Gaussian's KL */
    long n = v->n < 100 ? v->n : 100;
    static float zero[MOST];
    static double g[MOST];
    double change = 0, se, h_se;
    bells fine;
    sgm_score score = sgm_mixture_score(&gaussian);
    bells_new(&fine, LOW, HIGH, 2 * PITCHES, DECAYS + 12);
    for (long i = 0; i < n; i++)
        change += fabs(bells_at(&fine, v->x + i * D, 1, 0, NULL, NULL) - v->logp[i]) / (double)n;
    free(fine.u), free(fine.lambda);
    tut_check("1. log p by twice the pitches, 36 decays: change", change, 0, 1e-3); /* NLL: .1 */
    tut_must(sgm_score_logp(&score, g, v->x, zero, v->n));
    double h = -mean_of(v->logp, v->n, &h_se), h_given = -mean_of(v->given, v->n, &se);
    for (long i = 0; i < v->n; i++) g[i] = v->logp[i] - g[i];
    double kl = mean_of(g, v->n, &se);
    printf("1. h(x) = %.3f ± %.3f nats, h(x|f) = %.3f: x tells %.3f nats of its pitch\n"
           "   KL of the Gaussian of the same covariance: %.3f ± %.3f nats\n\n",
           h, h_se, h_given, h - h_given, kl, se);
    return kl;
}

/* Step 2. One network for p(x) and for p(x|f). */

static void learn(int quick) {
    static sgm_mlp_options mlp;
    long n = quick ? 3000 : 200000;
    float *x = (float *)tut_memory((size_t)(n * (D + COND)) * sizeof *x), *cond = x + n * D;
    double *f = (double *)tut_memory((size_t)n * sizeof *f);
    sgm_model_options o;
    sgm_train_options how;
    memset(&o, 0, sizeof o), memset(&how, 0, sizeof how);
    draw(x, f, n, stream(3)), tell(cond, f, n);
    mlp.width = quick ? 64 : 384, mlp.depth = 3;
    o.net = sgm_mlp, o.user = &mlp, o.d = D, o.sde = sde, o.n_ema = 1, o.cond = COND;
    how.steps = quick ? 200 : 36000, how.lr = 1e-3, how.cosine = 1, how.ema[0] = quick ? .98 : .995;
    how.cond = cond, how.cond_dropout = 0.5, how.held_out = -1, how.progress = "bells";
    tut_must(sgm_model_init(&model, &o, stream(4)));
    tut_must(sgm_train(&model, x, n, &how, stream(5)));
    free(x), free(f);
}

/* NLL − entropy on the test waves, nats; change: what half the flow's step does to a point. */

static double price(double *se, double *change, const sgm_score *score, const double *truth,
                    const test *v) {
    static double gain[MOST];
    sgm_likelihood_options how;
    sgm_likelihood_result r;
    memset(&how, 0, sizeof how);
    how.probes = 4, how.solve.method = SGM_METHOD_RK4, how.solve.steps = 16;
    how.solve.grid = SGM_GRID_LOGSNR;
    tut_must(sgm_likelihood(gain, NULL, NULL, v->x, v->n, score, &how, &r, stream(7)));
    for (long i = 0; i < v->n; i++) gain[i] = truth[i] - gain[i];
    *change = r.change;
    return mean_of(gain, v->n, se);
}

static void judge(const test *v, double kl_gaussian, int quick) {
    long draws = quick ? 100 : 2000;
    double se[2], change[2], T = sde.T - sde.t_min, W = 2 * log(HIGH_SIGMA / LOW_SIGMA) / T;
    sgm_loss loss;
    sgm_dsm_result r;
    sgm_condition c;
    sgm_score exact = exact_of(&all), score = sgm_model_score(&model, 0);
    memset(&loss, 0, sizeof loss);
    loss.weight = SGM_WEIGHT_G2, loss.times = SGM_TIMES_IMPORTANCE;
    tut_must(sgm_dsm(&r, &score, &exact, v->x, v->n, &loss, draws, stream(8)));
    /* by (2.14) each draw weighs W; the cross term of (2.9) has a variance of at most 4 W excess
       times that of ε along one direction, which is about 1: at most 2 */
    tut_check("2. (2.9): loss - floor - excess", r.loss - r.floor - r.excess, 0,
              5 * sqrt(8 * W * r.excess / (double)draws));
    tut_must(sgm_condition_init(&c, &model, 0, v->cond, v->n));
    sgm_score with = sgm_condition_score(&c);
    double bound = 0.5 * r.excess * T, kl = price(&se[0], &change[0], &score, v->logp, v);
    double kl_told = price(&se[1], &change[1], &with, v->given, v);
    printf("2. NLL - entropy: %.3f ± %.3f nats, and %.3f ± %.3f of p(x|f)\n"
           "   (half the flow's step changes %.3f; the score's error is worth %.3f by (2.13);\n"
           "   the Gaussian pays %.3f)\n\n",
           kl, se[0], kl_told, se[1], change[0], bound, kl_gaussian);
    /* (2.13): what the score's error costs, if it is the score of some density; and 4 errors */
    tut_check("2. SBGM: audio: NLL - entropy, nats", kl, 0, bound + 4 * se[0] + change[0]);
    if (quick) return;
    tut_check("2. SBGM: audio: an eighth of the Gaussian's KL, 1 = yes",
              kl + 4 * se[0] < kl_gaussian / 8, 1, 0);
    tut_check("2. SBGM: given the pitch: a quarter of it, 1 = yes",
              kl_told + 4 * se[1] < kl_gaussian / 4, 1, 0);
}

/* Step 3. Waves from nothing, judged by the law itself. */

static void sample(float *x, long n, const sgm_score *score, const char *cost, sgm_key key) {
    sgm_sample_options how;
    memset(&how, 0, sizeof how);
    how.method = SGM_METHOD_DPMPP_2M, how.grid = SGM_GRID_LOGSNR, how.steps = 40;
    how.plain_end = 1, how.t_end = sde.t_min; /* no denoising at the end: hiss belongs to the law */
    tut_drawn(sgm_sample(x, n, score, &how, key));
    if (cost) tut_cost_of(cost, &model, score, &how, n);
}

static void set_files(const set s[SETS], long n) {
    static float table[WAVES][2 + SETS], each[MOST][2 * SETS];
    for (int k = 0; k < SETS; k++) {
        for (int i = 0; i < WAVES; i++) table[i][2 + k] = (float)s[k].power[i];
        for (int i = 0; i < WAVES; i++) table[i][0] = (float)i, table[i][1] = (float)power[i];
        for (long i = 0; i < n; i++)
            each[i][k] = s[k].pitch[i], each[i][SETS + k] = s[k].surprise[i];
    }
    tut_dat("spectrum.dat", "k; mean power by the law, drawn, made, Gaussian", table[0], WAVES,
            2 + SETS);
    tut_dat("waves.dat", "pitch in octaves: drawn, made, Gaussian; -log p: the same", each[0], n,
            2 * SETS);
}

static void waves(float *gaussians, int quick) {
    long n = quick ? 100 : MOST;
    set s[SETS];
    double f[MOST] = {0}, worst[SETS], ks[SETS], rare[SETS], loud[SETS], *order = NULL;
    sgm_score score = sgm_model_score(&model, 0);
    for (int k = 0; k < SETS; k++) s[k].x = (float *)tut_memory((size_t)n * D * sizeof(float));
    draw(s[DRAWN].x, f, n, stream(10));
    sample(s[MADE].x, n, &score, "bells", stream(11));
    tut_must(sgm_mixture_sample(&gaussian, s[GAUSSIAN].x, NULL, n, 0, stream(12)));
    memcpy(gaussians, s[GAUSSIAN].x, 4 * D * sizeof *gaussians);
    printf("3. %4ld waves  mean -log p  rarer than 99 %% drawn  power off, errors  pitch, KS\n", n);
    for (int k = 0; k < SETS; k++) {
        double mean = 0;
        worst[k] = measure(&s[k], n, n), rare[k] = loud[k] = 0;
        if (k == DRAWN) order = stat_sorted(s[k].surprise, n);
        for (int i = 0; i < WAVES; i++)
            loud[k] = fmax(loud[k], (fabs(s[k].power[i] - power[i]) - 5 * s[k].se[i]) / power[i]);
        for (long i = 0; i < n; i++) {
            rare[k] += (s[k].surprise[i] > order[n * 99 / 100]) / (double)n;
            mean += s[k].surprise[i] / (double)n;
        }
        ks[k] = stat_ks2(s[k].pitch, n, s[DRAWN].pitch, n);
        printf("   %-10s %12.2f %22.3f %18.1f %10.4f\n", set_name[k], mean, rare[k], worst[k],
               ks[k]);
    }
    set_files(s, n);
    for (int k = 0; k < SETS; k++) free(s[k].x), free(s[k].pitch);
    free(order);
    /* Kolmogorov's limit of two samples: beyond 2.2 √(2/n) by luck once in 8000 */
    tut_check("3. SBGM: audio: pitches made and drawn, KS", ks[MADE], 0, 2.2 * sqrt(2. / n));
    if (quick) return;
    tut_check("3. Gaussian: power at 33 frequencies, worst, errors", worst[GAUSSIAN], 0, 5);
    /* a decibel is the least difference that one hears */
    tut_check("3. made: power beyond 5 errors, worst", loud[MADE], 0, pow(10, 0.1) - 1);
    tut_check("3. nine Gaussians in ten rarer than 99 % drawn, 1 = yes", rare[GAUSSIAN] > .9, 1, 0);
    tut_check("3. and at most two made in ten, 1 = yes", rare[MADE] < .2, 1, 0);
}

/* Step 4. A scale, drawn and made; and to be heard. */

static void put(unsigned char *to, long value, int bytes) { /* the lowest byte first */
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)((unsigned long)value >> 8 * i & 255);
}

/* A WAV file: 44 bytes ("fmt " of 16: format 1, one channel, 16 bits a sample), and the samples. */

static long wav_save(const char *path, const float *x, long n, long rate) {
    static const int at[9] = {4, 16, 20, 22, 24, 28, 32, 34, 40};
    static const int size[9] = {4, 4, 2, 2, 4, 4, 2, 2, 4};
    const long value[9] = {36 + 2 * n, 16, 1, 1, rate, 2 * rate, 2, 16, 2 * n};
    unsigned char header[44], two[2];
    FILE *f = fopen(path, "wb");
    if (!f) fprintf(stderr, "error: cannot write %s\n", path), exit(2);
    memcpy(header, "RIFF....WAVEfmt ", 16), memcpy(header + 36, "data", 4);
    for (int i = 0; i < 9; i++) put(header + at[i], value[i], size[i]);
    fwrite(header, 1, 44, f);
    for (long i = 0; i < n; i++) {
        put(two, (long)floor(32767 * fmax(-1, fmin(1, x[i])) + 0.5), 2);
        fwrite(two, 1, 2, f);
    }
    n = ftell(f);
    if (fclose(f)) fprintf(stderr, "error: cannot write %s\n", path), exit(2);
    return n;
}

/* A sample lasts 1/2000 s, in 4 steps of 1/8000; a note with its silence 1/4 s. */

static void listen(const float *drawn, const float *made) {
    enum { NOTE = 2000, ALL = (2 * NOTES + 1) * NOTE };
    static float sound[ALL];
    for (int k = 0; k < 2 * NOTES; k++) {
        const float *x = k < NOTES ? drawn + k * D : made + (k - NOTES) * D;
        float *to = sound + (k + (k >= NOTES)) * NOTE;
        for (int i = 0; i < 4 * (D - 1); i++)
            to[i] = (x[i / 4] * (float)(4 - i % 4) + x[i / 4 + 1] * (float)(i % 4)) / 16;
    }
    long bytes = wav_save(tut_path("scale.wav"), sound, ALL, 8000);
    printf("   hear it: %s, %d notes drawn, then made\n", tut_path("scale.wav"), NOTES);
    tut_check("4. bytes of scale.wav", (double)bytes, 44 + 2.0 * ALL, 0);
}

static void scale(const float *gaussians, int quick) {
    static float shown[D][13], table[MOST][2];
    static const int tone[NOTES] = {0, 2, 4, 5, 7, 9, 11, 12}, of[4] = {0, 2, 4, 7};
    long n = NOTES * (quick ? 8 : 60);
    float *x[2], *cents[2], *cond;
    double f[MOST], pitch, near[2] = {0, 0}, half[2];
    x[0] = (float *)tut_memory((size_t)(n * (2 * D + COND + 2)) * sizeof(float));
    x[1] = x[0] + n * D, cond = x[1] + n * D, cents[0] = cond + n * COND, cents[1] = cents[0] + n;
    for (long i = 0; i < n; i++) f[i] = LOW * pow(2, tone[i % NOTES] / 12.0);
    draw(x[0], f, n, stream(20)), tell(cond, f, n);
    sgm_condition c;
    tut_must(sgm_condition_init(&c, &model, 0, cond, n));
    sgm_score score = sgm_condition_score(&c);
    sample(x[1], n, &score, NULL, stream(21));
    for (int k = 0; k < 2; k++) {
        for (long i = 0; i < n; i++) {
            bells_at(&all, x[k] + i * D, 1, 0, NULL, &pitch);
            cents[k][i] = table[i][k] = (float)(1200 * log2(pitch / f[i]));
            near[k] += (fabs(cents[k][i]) < 100) / (double)n;
        }
        double *order = stat_sorted(cents[k], n);
        half[k] = (order[n * 3 / 4] - order[n / 4]) / 2;
        free(order);
    }
    printf("\n4. %ld waves for %d notes: within a semitone %.3f of the drawn, %.3f of the made;\n"
           "   half of them within %.0f and %.0f cents\n",
           n, NOTES, near[0], near[1], half[0], half[1]);
    if (!quick)
        tut_check("4. SBGM: notes asked for: 3 in 4 in a semitone, 1 = yes", near[1] > .75, 1, 0);
    tut_dat("cents.dat", "cents off the pitch asked for: drawn, made", table[0], n, 2);
    for (int j = 0; j < D; j++) {
        shown[j][0] = (float)j;
        for (int i = 0; i < 12; i++)
            shown[j][1 + i] = i < 8 ? x[i / 4][of[i % 4] * D + j] : gaussians[(i - 8) * D + j];
    }
    tut_dat("shown.dat", "sample; drawn at 4 pitches; made at the same; Gaussian", shown[0], D, 13);
    listen(x[0], x[1]);
    free(x[0]);
}

int main(int argc, char **argv) {
    int quick = tut_quick();
    float gaussians[4 * D];
    test v;
    tut_start("36_waveforms", argc, argv);
    sde = sgm_sde_vp(0.1, 20);
    sde.t_min = sgm_sde_t_from_logsnr(&sde, -2 * log(LOW_SIGMA));
    sde.T = sgm_sde_t_from_logsnr(&sde, -2 * log(HIGH_SIGMA));
    bells_new(&all, LOW, HIGH, PITCHES, DECAYS);
    against_mixture();
    covariance();
    drawn_as_written();
    test_new(&v, quick ? 40 : MOST);
    double kl_gaussian = known(&v);
    learn(quick);
    judge(&v, kl_gaussian, quick);
    waves(gaussians, quick);
    scale(gaussians, quick);
    sgm_model_free(&model), sgm_mixture_free(&gaussian), free(all.u), free(all.lambda);
    free(v.x), free(v.pitch);
    return tut_done();
}
