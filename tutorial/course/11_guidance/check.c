#include "check.h"

void measured_score(const sgm_score *score, double *out, const double *x, double t,
                    const double *a, double y, double tau);
void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t);

enum { MOST = 8, GUARD = 64 };

/* What nobody gives, for a guess that is not to fit. (A NaN would fit an answer that is NaN.) */
static const double nobody = 1.2345e300;

void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t) {
    float at[MOST], along[MOST], told[MOST], turned[MOST], when = (float)t;
    int d = score->d, fine;
    for (int j = 0; j < d; j++) at[j] = (float)x[j], along[j] = v ? (float)v[j] : 0;
    if (v && js) fine = sgm_score_jvp(score, told, turned, at, along, &when, 1) == SGM_OK;
    else fine = sgm_score_eval(score, told, at, &when, 1) == SGM_OK;
    for (int j = 0; j < d; j++) {
        if (s) s[j] = fine ? told[j] : NAN;
        if (v && js) js[j] = fine ? turned[j] : NAN;
    }
}

/* Mixes that are known: the weights of the unconditional score and of the other. */
enum {
    RIGHT, PLUS, MINUS, KEEP_ONE, KEEP_LESS, SWAPPED, TURNED, OTHER_ONLY, IGNORED, SUM_OF_BOTH,
    MIXES
};
static const struct {
    const char *id, *cause;
} mix[MIXES] = {
    {"right", ""},
    {"gamma-plus-one",
     "Your γ is one too large: this is the scale of papers that write w = γ - 1, whose 0 is Bayes. "
     "Here γ = 1 is Bayes."},
    {"gamma-minus-one",
     "Your γ is one too small. Here γ = 1 is Bayes, as in (8.5) and (8.6); papers that write "
     "w = γ - 1 have Bayes at 0."},
    {"keep-one",
     "The score given y has the unconditional one in it already: (8.6) keeps 1 - γ of it, not 1."},
    {"keep-less",
     "A classifier's gradient is added to the whole unconditional score: (8.5) keeps 1 of it."},
    {"swapped",
     "The two weights are swapped: γ belongs to what knows y."},
    {"difference-turned",
     "The mix leads away from y: γ multiplies what y adds, with a plus."},
    {"other-only",
     "The unconditional score is gone: γ times the other is all."},
    {"gamma-ignored",
     "γ changes nothing: this is Bayes, γ = 1. Is it used, and within the limits, not outside?"},
    {"sum-of-both",
     "γ multiplies the sum of the two scores: (8.6) has their difference, the one given y first."},
};
static int first_mix; /* the mix that the first row shows, or 0 */
static void weights(int how, int classifier, double gamma, double *keep, double *take) {
    if (how == PLUS) gamma += 1;
    if (how == MINUS) gamma -= 1;
    *keep = how != KEEP_LESS && (classifier || how == KEEP_ONE) ? 1 : 1 - gamma, *take = gamma;
    if (how == TURNED) *keep = classifier ? 1 : 1 + gamma, *take = -gamma;
    if (how == OTHER_ONLY) *keep = 0;
    if (how == IGNORED) *keep = classifier, *take = 1;
    if (how == SUM_OF_BOTH && !classifier) *keep = 1 + gamma;
    if (how == SWAPPED) *keep = gamma, *take = classifier ? 1 : 1 - gamma;
}

static int alike(const double *a, const double *b, long n) {
    for (long i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-4 * (fabs(a[i]) + 1e-3))) return 0;
    return 1;
}

/* The mixes as guesses, n numbers for each; which of two that are the same here cannot be told. */
static int mixes(lab_guess *list, const double *value, long n) {
    int found = 0;
    for (int k = 1; k < MIXES; k++) {
        lab_guess g = {mix[k].id, value + k * n, mix[k].cause};
        int alone = 1;
        for (int l = 0; l < MIXES; l++)
            if (l != k && alike(value + k * n, value + l * n, n)) alone = 0;
        if (alone) list[found++] = g;
    }
    memset(&list[found], 0, sizeof *list);
    return found;
}

enum { N = 15, D = 3, SIZE = N * D };

/* The points of the mix: a and b in floats, times of which some are at the limits. */
static void unit_of_mix(const char *name, int classifier, int limited) {
    /* the limits are .2 and .8 */
    static const double place[N] = {.1, .2, .8, .5, .35, .9, .2, .65, .8, .95, .25, .85, .05,
        1, .75};
    static double value[MIXES * SIZE], other[12][SIZE], out[SIZE + GUARD];
    float a[SIZE + GUARD], b[SIZE + GUARD], t[N + GUARD];
    lab_guess list[MIXES + 16];
    sgm_guided g;
    memset(&g, 0, sizeof g), memset(a, 0, sizeof a), memset(b, 0, sizeof b);
    memset(t, 0, sizeof t);
    sgm_normal(a, SIZE, lab_key(1), 0), sgm_normal(b, SIZE, lab_key(2), 0);
    g.a.d = g.b.d = D, g.classifier = classifier, g.gamma = lab_real(1, 1.6, 2.9);
    g.t_low = limited ? (float).2 : 0, g.t_high = limited ? (float).8 : HUGE_VAL;
    for (int i = 0; i < N; i++) t[i] = (float)place[i];
    for (int i = 0; i < SIZE; i++) {
        double when = t[i / D], keep, take;
        int in = when >= g.t_low && when <= g.t_high, edge = when == g.t_low || when == g.t_high;
        for (int k = 0; k < MIXES; k++) {
            weights(k, classifier, in ? g.gamma : 1, &keep, &take);
            value[k * SIZE + i] = keep * a[i] + take * b[i];
        }
        int low = when >= g.t_low, high = when <= g.t_high;
        for (int k = 0; k < 11; k++) {
            /* γ: nowhere outside, everywhere, of the first, open, open at one end, of one limit,
            outside, and shifted inside alone */
            const int where[11] = {in, 1, 0, in && !edge, in && when < g.t_high,
                in && when > g.t_low, low, high, !in, in, in};
            double gamma = where[k] ? g.gamma : k == 0 ? 0 : 1;
            if (k > 8 && in) gamma += k == 9 ? 1 : -1;
            weights(RIGHT, classifier, gamma, &keep, &take);
            other[k][i] = keep * a[i] + take * b[i];
        }
        other[11][i] = i < N ? value[i] : a[i];
    }
    int k = mixes(list, value, SIZE);
    list[k++] = (lab_guess){"first-numbers", other[11], "Only the first n numbers are mixed: there "
        "are n points of D."};
    list[k] = (lab_guess){NULL, NULL, NULL};
    if (limited) {
        if (first_mix != IGNORED) /* else as first-time, whose first time may be outside */
            for (int i = 0; i < k; i++)
                if (list[i].value == value + IGNORED * SIZE) list[i] = list[--k];
        lab_guess more[] = {
            {"outside-none", other[0], "Outside of the limits γ is 0 in your mix: y is forgotten "
                                       "there. It is 1, Bayes."},
            {"outside-same", other[1], "γ is the same at all times: outside of "
                                       "[t_low, t_high] it is 1."},
            {"first-time", other[2], "All points have the γ of the first one's time; "
                                     "each point has its own."},
            {"=open-ends", other[3], "At the very limits your γ is 1, the library's is g->gamma. "
                                     "No other time is concerned."},
            {"=open-ends", other[4], "At t_high your γ is 1, the library's is g->gamma."},
            {"=open-ends", other[5], "At t_low your γ is 1, the library's is g->gamma."},
            {"one-limit", other[6], "Times above t_high have your γ, too: there it is 1."},
            {"one-limit", other[7], "Times below t_low have your γ, too: there it is 1."},
            {"limits-turned", other[8], "γ is 1 within the limits and g->gamma outside."},
            {"gamma-plus-one", other[9], mix[PLUS].cause},
            {"gamma-minus-one", other[10], mix[MINUS].cause},
            {NULL, NULL, NULL}};
        memcpy(list + k, more, sizeof more);
    }
    sgm__guided_mix(&g, a, b, t, N);
    for (int i = 0; i < SIZE; i++) out[i] = a[i];
    for (int i = 1; i < MIXES && !first_mix && !classifier; i++)
        if (!alike(value, value + i * SIZE, SIZE) && alike(out, value + i * SIZE, SIZE))
            first_mix = i;
    lab_compare(LAB_UNIT, name, out, value, SIZE, 2e-6, list);
}

/* What is done wrong with a measurement. */
enum {
    EXACT, NO_SPREAD, TAU_LOST, TAU_PLAIN, MISFIT, NOISY, M_LOST, TWEEDIE, S_PLAIN, NO_CHAIN,
    ONLY_A, NOISE_SPREAD, NOISY_PLAIN, S_MEAN, SPREAD_M, SPREAD_S, SPREAD_SIGN, ROOT, SPREAD_W,
    NO_VARIANCE, W_M, W_SIGN, W_S, W_JA, W_ONE, W_SCORE, WITH_PRIOR, DPS, DPS_A, NAIVE, CRUDE,
    MEASURES
};
static const struct {
    const char *id, *cause;
} measure[MEASURES] = {
    {"exact", ""},
    {"no-spread",
     "The misfit is divided by τ² alone, as if x told x0 without doubt. What x leaves open of a·x0 "
     "is variance too."},
    {"tau-lost",
     "The misfit is divided by what x leaves open alone: the measurement has noise of its own."},
    {"tau-not-squared",
     "τ is a deviation; variances add, so its square."},
    {"misfit-sign",
     "The push leads away from y: the misfit is y minus what is expected of it."},
    {"noisy-for-clean",
     "The noisy x is compared with y, scaled by m but not denoised. y measures x0, of which x "
     "tells the mean by Tweedie's formula."},
    {"m-lost",
     "x + s²·score is m times the mean of x0."},
    {"tweedie-sign",
     "The score points from x to where the data are: Tweedie's formula adds it."},
    {"s-not-squared",
     "s for s²: Tweedie's formula and the spread have the variance of the noise."},
    {"no-chain",
     "The chain rule is missing: the expected x0 moves with x by (I + s² ∂s/∂x)/m, not by I/m."},
    {"only-a",
     "The misfit is pushed along a as it stands: by the chain rule the expected x0 moves with x by "
     "(I + s² ∂s/∂x)/m."},
    {"spread-of-noise",
     "What x leaves open is taken as the noise's whole variance, s²/m² a·a. The data's own law "
     "narrows that."},
    {"noisy-for-clean",
     "The noisy x itself is compared with y. y measures x0, of which x tells the mean by Tweedie's "
     "formula."},
    {"s-in-the-mean",
     "s for s² in Tweedie's formula: score times a variance is a length."},
    {"spread-m",
     "What x leaves open lacks a division by m: it is s²/m a·w, and w has an m of its own."},
    {"spread-s",
     "What x leaves open lacks its s²: without noise x leaves nothing open."},
    {"spread-sign",
     "What x leaves open has s² J with a minus. J is negative where data lie close, so the plus "
     "narrows."},
    {"root-of-variance",
     "The misfit is divided by a deviation: it belongs over the variance, as in any Gaussian's "
     "score."},
    {"spread-w-w",
     "What x leaves open is made of w·w; the covariance of x0 stands between a and a, so a·w."},
    {"not-divided",
     "The misfit is not divided by its variance."},
    {"w-m-lost",
     "w lacks its division by m where it is pushed along."},
    {"w-sign",
     "w has s² J a with a minus: the expected x0 moves with x by (I + s² J)/m."},
    {"w-s",
     "s for s² in w: the expected x0 moves with x by (I + s² J)/m."},
    {"w-j-alone",
     "The misfit is pushed along J a alone: w is (a + s² J a)/m."},
    {"w-ones",
     "w has 1 in place of a: it is (a + s² J a)/m, the matrix times a."},
    {"w-score",
     "w has the score in place of J a, its derivative along a."},
    {"with-prior",
     "The unconditional score is added. Asked is what y adds to it, as a classifier's gradient."},
    {"no-chain-no-spread",
     "Two things are missing: the chain rule, by which the expected x0 moves with x by (I + s² "
     "∂s/∂x)/m, and what x leaves open, beside τ²."},
    {"no-chain-no-spread",
     "Two things are missing: the chain rule, by which the expected x0 moves with x by (I + s² "
     "∂s/∂x)/m, and what x leaves open, beside τ²."},
    {"x-for-x0",
     "x is taken for x0: compared with y as it is, pushed along a, over τ² alone. That is the "
     "score of y given x0."},
    {"data-unknown",
     "This is the score of y if nothing were known of the data: x/m for x0, s²/m² a·a for what it "
     "leaves open. The score knows more."},
};
static int shown; /* the mistake that the first process shows, or 0 */

static void ref_measured(const sgm_score *score, double *out, const double *x, double t,
                         const double *a, double y, double tau, int how) {
    double m = sgm_sde_m(&score->sde, t), s = sgm_sde_s(&score->sde, t);
    double v = how == S_PLAIN ? s : s * s, g[MOST], ja[MOST], w[MOST], mean = 0, spread = 0;
    ask_score(score, g, ja, x, a, t);
    for (int j = 0; j < score->d; j++) {
        w[j] = (a[j] + v * ja[j]) / m;
        double x0 = (x[j] + (how == TWEEDIE ? -v : how == S_MEAN ? s : v) * g[j]) / m;
        if (how == NOISY || how == CRUDE) x0 = x[j] / m;
        if (how == NOISY_PLAIN || how == NAIVE) x0 = x[j];
        mean += a[j] * (how == M_LOST ? m * x0 : x0);
        double part = v / m * a[j] * w[j];
        if (how == NOISE_SPREAD || how == CRUDE) part = v / m / m * a[j] * a[j];
        if (how == SPREAD_M) part *= m;
        if (how == SPREAD_S) part /= v;
        if (how == SPREAD_SIGN) part = v / m * a[j] * (a[j] - v * ja[j]) / m;
        if (how == SPREAD_W) part = v / m * w[j] * w[j];
        spread += part;
    }
    int clean = how == NO_SPREAD || how == DPS || how == DPS_A || how == NAIVE; /* over τ² alone */
    spread = (clean ? 0 : spread) + (how == TAU_LOST ? 0 : how == TAU_PLAIN ? tau : tau * tau);
    if (how == ROOT) spread = sqrt(spread);
    if (how == NO_VARIANCE) spread = 1;
    for (int j = 0; j < score->d; j++) {
        double along = w[j];
        if (how == NO_CHAIN || how == DPS || how == CRUDE) along = a[j] / m;
        if (how == ONLY_A || how == DPS_A || how == NAIVE) along = a[j];
        if (how == W_M) along *= m;
        if (how == W_SIGN) along = (a[j] - v * ja[j]) / m;
        if (how == W_S) along = (a[j] + s * ja[j]) / m;
        if (how == W_JA) along = ja[j];
        if (how == W_ONE) along = (1 + v * ja[j]) / m;
        if (how == W_SCORE) along = (a[j] + v * g[j]) / m;
        out[j] = along * (how == MISFIT ? mean - y : y - mean) / spread;
        if (how == WITH_PRIOR) out[j] += g[j];
    }
}

/* The mistakes as guesses; the one that was shown before alone, if it fits. */
static const lab_guess *measures(const double *got, const double *value, long n) {
    static lab_guess list[MEASURES];
    int found = 0, before = shown && alike(got, value + shown * n, n);
    for (int k = 1; !shown && k < MEASURES; k++)
        if (!alike(value, value + k * n, n) && alike(got, value + k * n, n)) shown = k;
    for (int k = 1; k < MEASURES; k++) {
        if (before && k != shown) continue;
        lab_guess g = {measure[k].id, value + k * n, measure[k].cause};
        int alone = 1;
        for (int l = 0; l < MEASURES; l++)
            if (l != k && !before && alike(value + k * n, value + l * n, n)) alone = 0;
        if (alone) list[found++] = g;
    }
    memset(&list[found], 0, sizeof *list);
    return list;
}

/* A Gaussian of d coordinates that lean on each other, a measurement of it, and the posterior. */
typedef struct lean {
    sgm_mixture prior, given;
    sgm_inverse look;
    sgm_score score, exact;
    double a[MOST], y, tau;
} lean;
static void lean_init(lean *l, int d, const sgm_sde *sde, int at) {
    double mean[MOST], C[MOST * MOST], low[MOST * MOST] = {0};
    float A[MOST], y;
    for (int i = 0; i < d; i++) {
        mean[i] = lab_real(at + i, -.8, .8), l->a[i] = lab_real(at + 10 + i, .5, 1.2);
        if (i == 1) l->a[i] = -l->a[i];
        A[i] = (float)l->a[i], l->a[i] = A[i];
        for (int j = 0; j <= i; j++)
            low[i * d + j] = i == j ? lab_real(at + 20 + i, .7, 1.3)
                                    : lab_real(at + 30 + i + j, .4, .7);
    }
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++) {
            C[i * d + j] = 0;
            for (int k = 0; k < d; k++) C[i * d + j] += low[i * d + k] * low[j * d + k];
        }
    y = (float)lab_real(at + 50, .6, 1.4), l->y = y, l->tau = lab_real(at + 51, .3, .6);
    if (sgm_mixture_init(&l->prior, 1, d, NULL, mean, C, SGM_COV_FULL, sde) != SGM_OK ||
        sgm_inverse_init(&l->look, d, 1, A, &y, l->tau) != SGM_OK ||
        sgm_mixture_posterior(&l->given, &l->prior, &l->look) != SGM_OK) exit(9);
    l->score = sgm_mixture_score(&l->prior), l->exact = sgm_mixture_score(&l->given);
}
static void lean_free(lean *l) {
    sgm_mixture_free(&l->prior), sgm_mixture_free(&l->given), sgm_inverse_free(&l->look);
}

static void unit_of_measurement(const char *name, int d, const sgm_sde *sde, double t, int at) {
    lean l;
    double x[MOST] = {0}, value[MEASURES * MOST], out[MOST + GUARD], p[MOST], q[MOST];
    lean_init(&l, d, sde, at);
    for (int j = 0; j < d; j++) x[j] = lab_real(at + 60 + j, -1, 1);
    for (int k = 0; k < MEASURES; k++)
        ref_measured(&l.score, value + k * d, x, t, l.a, l.y, l.tau, k);
    ask_score(&l.exact, q, NULL, x, NULL, t), ask_score(&l.score, p, NULL, x, NULL, t);
    for (int j = 0; j < d; j++) value[j] = q[j] - p[j]; /* (8.1): the truth itself */
    memset(out, 0, sizeof out);
    measured_score(&l.score, out, x, t, l.a, l.y, l.tau);
    lab_compare(LAB_UNIT, name, out, value, d, 2e-5, measures(out, value, d));
    lean_free(&l);
}

/* The variance that reverse time leaves of N(0, 1) given a y that leaves c, in VE with v for the
clock: dP/dv = 2AP - 1 with noise, AP without, s = -A x. A by the two weights, or (keep = NaN) as
the library's guided score has it, through the student's mix. Runge and Kutta's rule in log v. */
static double slope_of(const sgm_score *guided, double v, double c, double keep, double take) {
    float x[2] = {0, 1}, t[2], s[2];
    if (keep == keep) return keep / (1 + v) + take / (c + v);
    t[0] = t[1] = (float)sqrt(v);
    if (sgm_score_eval(guided, s, x, t, 2) != SGM_OK) return NAN;
    return (double)s[0] - s[1];
}
static double left(const sgm_score *guided, double c, double keep, double take, int noise) {
    enum { STEPS = 160 };
    double P = 9e3, h = log(9e3 / 1e-5) / STEPS;
    for (int i = 0; i < STEPS; i++) {
        double k[4], v0 = 9e3 * exp(-h * i), A[3];
        for (int j = 0; j < 3; j++) A[j] = slope_of(guided, v0 * exp(-h * j / 2), c, keep, take);
        for (int j = 0; j < 4; j++) {
            double back = j == 0 ? 0 : j < 3 ? h / 2 : h, Q = j == 0 ? P : P - back * k[j - 1];
            double a = A[(j + 1) / 2];
            k[j] = v0 * exp(-back) * (noise ? 2 * a * Q - 1 : a * Q);
        }
        P -= h / 6 * (k[0] + 2 * k[1] + 2 * k[2] + k[3]);
    }
    return P;
}

/* N(0, 1) and a measurement that leaves c of its variance; guided by the student's mix. */
static double guided_variance(double c, double gamma, int noise) {
    double zero = 0, one = 1;
    float A = 1, y = 1;
    sgm_sde ve = sgm_sde_edm(.001, 100);
    sgm_mixture all, given;
    sgm_inverse look;
    sgm_guided g;
    if (sgm_mixture_init(&all, 1, 1, NULL, &zero, &one, SGM_COV_ISOTROPIC, &ve) != SGM_OK ||
        sgm_inverse_init(&look, 1, 1, &A, &y, sqrt(c / (1 - c))) != SGM_OK ||
        sgm_mixture_posterior(&given, &all, &look) != SGM_OK) exit(9);
    sgm_score a = sgm_mixture_score(&all), b = sgm_mixture_score(&given);
    if (sgm_guided_init(&g, &a, &b, 0, gamma) != SGM_OK) exit(9);
    sgm_score mixed = sgm_guided_score(&g);
    double P = left(&mixed, c, NAN, 0, noise);
    sgm_mixture_free(&all), sgm_mixture_free(&given), sgm_inverse_free(&look);
    return P;
}

static void law_of_gamma(const char *name, double c, double gamma, int noise, double truth) {
    double value[MIXES], keep, take, got = guided_variance(c, gamma, noise);
    lab_guess list[MIXES + 1];
    for (int k = 0; k < MIXES; k++) {
        weights(k, 0, gamma, &keep, &take);
        value[k] = left(NULL, c, keep, take, noise);
        /* a variance near 0 is near to many */
        if (!(fabs(got - value[k]) <= 2e-3 * fabs(value[k]))) value[k] = nobody;
    }
    mixes(list, value, 1);
    lab_law(name, got, truth, 2e-3 * truth, list);
}

/* The student's score of the measurement, added to the prior's by the library, and the flow. */
static lean *asked;
static sgm_status measured_eval(const sgm_score *self, float *s, const float *x, const float *t,
                                long n) {
    double out[MOST + GUARD], at[MOST];
    for (long i = 0; i < n; i++) {
        memset(out, 0, sizeof out);
        for (int j = 0; j < self->d; j++) at[j] = x[i * self->d + j];
        measured_score(&asked->score, out, at, t[i], asked->a, asked->y, asked->tau);
        for (int j = 0; j < self->d; j++) s[i * self->d + j] = (float)out[j];
    }
    return SGM_OK;
}

static void ends(const sgm_score *by, double *end, int d) { /* of d + 1 points that start far out */
    float x[(MOST + 1) * MOST];
    sgm_sample_options o;
    memset(&o, 0, sizeof o), o.method = SGM_METHOD_HEUN, o.steps = 40;
    for (int i = 0; i < (d + 1) * d; i++) x[i] = i % (d + 1) == d ? 1.f : 0;
    for (int j = 0; j < d; j++) x[j] = 0, x[d + j * d + j] = 1;
    if (sgm_flow(x, d + 1, by, by->sde.T, by->sde.t_min, &o, NULL) != SGM_OK)
        for (int i = 0; i < (d + 1) * d; i++) x[i] = NAN;
    for (int i = 0; i < (d + 1) * d; i++) end[i] = x[i];
}

static void law_of_posterior(void) {
    enum { DIM = 2 };
    double got[(DIM + 1) * DIM], truth[(DIM + 1) * DIM];
    sgm_sde ve = sgm_sde_edm(.01, 20);
    sgm_guided g;
    lean l;
    lean_init(&l, DIM, &ve, 200);
    asked = &l;
    sgm_score part = l.score;
    part.eval = measured_eval, part.jvp = NULL, part.vjp = NULL, part.logp = NULL;
    part.trace = NULL;
    if (sgm_guided_init(&g, &l.score, &part, 1, 1) != SGM_OK) exit(9);
    sgm_score whole = sgm_guided_score(&g);
    ends(&l.exact, truth, DIM), ends(&whole, got, DIM);
    lab_compare(LAB_LAW, "flow to p(x|y): where points end", got, truth, (DIM + 1) * DIM, 2e-3,
                NULL);
    lean_free(&l);
}

static void lab_checks(void) {
    sgm_sde vp = sgm_sde_vp(.1, 20), ve = sgm_sde_edm(.01, 50);
    double c = lab_real(3, .3, .7), gamma = lab_real(4, 2.5, 3.5), half = .5;
    unit_of_mix("(8.6): two scores mixed", 0, 0);
    unit_of_mix("(8.5): a classifier added", 1, 0);
    unit_of_mix("limits of t, with (8.6)", 0, 1);
    unit_of_measurement("score of a measurement, VP", 3, &vp, lab_real(5, .1, .25), 80);
    unit_of_measurement("score of a measurement, VE", 2, &ve, lab_real(6, .4, 1.2), 300);
    law_of_gamma("variance at gamma = 1, SDE: Bayes", c, 1, 1, c);
    law_of_gamma("variance at gamma = 2, SDE: 7/24", half, 2, 1, 7. / 24);
    law_of_gamma("variance at gamma = 2, flow: 1/4", half, 2, 0, .25);
    law_of_gamma("variance at gamma = 2, SDE, another c", c, 2, 1,
        c * c + c * (1 - c) * (1 - c) / 3);
    /* any γ: (c + v)^γ (1 + v)^(1-γ) solves dP/dv = AP, and is v at large v, but for a constant */
    law_of_gamma("variance at a gamma of your own, flow", c, gamma, 0, pow(c, gamma));
    law_of_posterior();
    for (int k = 0; k <= 16; k++) {
        double G = .25 * k;
        lab_point("%g %g %g %g %g %g", G, guided_variance(half, G, 1), guided_variance(half, G, 0),
                  left(NULL, half, 1 - G, G, 1), pow(half, G), 1 / (1 + G));
    }
}
