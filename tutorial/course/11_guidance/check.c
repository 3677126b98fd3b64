#include "check.h"

void measured_score(const sgm_score *score, double *out, const double *x, double t,
                    const double *a, double y, double tau);
void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t);

enum { MOST = 8, GUARD = 64 };

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
enum { RIGHT, PLUS, MINUS, KEEP_ONE, KEEP_LESS, SWAPPED, MIXES };
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
};
static void weights(int how, int classifier, double gamma, double *keep, double *take) {
    if (how == PLUS) gamma += 1;
    if (how == MINUS) gamma -= 1;
    *keep = how != KEEP_LESS && (classifier || how == KEEP_ONE) ? 1 : 1 - gamma, *take = gamma;
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

enum { N = 9, D = 3, SIZE = N * D };

/* The points of the mix: a and b in floats, times of which some are at the limits. */
static void unit_of_mix(const char *name, int classifier, int limited) {
    static const double place[N] = {.1, .2, .8, .5, .35, .9, .2, .65, .8}; /* limits: .2 and .8 */
    static double value[MIXES * SIZE], other[4][SIZE], out[SIZE + GUARD];
    float a[SIZE + GUARD], b[SIZE + GUARD], t[N + GUARD];
    lab_guess list[MIXES + 5];
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
        for (int k = 0; k < 4; k++) { /* γ: nowhere outside, everywhere, of the first, open */
            double gamma = k == 0 ? 0 : k == 1 ? g.gamma : 1;
            if (in && (k == 0 || (k == 3 && !edge))) gamma = g.gamma;
            weights(RIGHT, classifier, gamma, &keep, &take);
            other[k][i] = keep * a[i] + take * b[i];
        }
    }
    int k = mixes(list, value, SIZE);
    if (limited) {
        lab_guess more[] = {
            {"outside-none", other[0], "Outside of the limits γ is 0 in your mix: y is forgotten "
                                       "there. It is 1, Bayes."},
            {"outside-same", other[1], "γ is the same at all times: outside of "
                                       "[t_low, t_high] it is 1."},
            {"first-time", other[2], "All points have the γ of the first one's time; "
                                     "each point has its own."},
            {"=open-ends", other[3], "At the very limits your γ is 1, the library's is g->gamma. "
                                     "No other time is concerned."},
            {NULL, NULL, NULL}};
        memcpy(list + k, more, sizeof more);
    }
    sgm__guided_mix(&g, a, b, t, N);
    for (int i = 0; i < SIZE; i++) out[i] = a[i];
    lab_compare(LAB_UNIT, name, out, value, SIZE, 2e-6, list);
}

/* What is done wrong with a measurement. */
enum {
    EXACT, NO_SPREAD, TAU_LOST, TAU_PLAIN, MISFIT, NOISY, M_LOST, TWEEDIE, S_PLAIN, NO_CHAIN,
    ONLY_A, NOISE_SPREAD, MEASURES
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
};

static void ref_measured(const sgm_score *score, double *out, const double *x, double t,
                         const double *a, double y, double tau, int how) {
    double m = sgm_sde_m(&score->sde, t), s = sgm_sde_s(&score->sde, t);
    double v = how == S_PLAIN ? s : s * s, g[MOST], ja[MOST], w[MOST], mean = 0, spread = 0;
    ask_score(score, g, ja, x, a, t);
    for (int j = 0; j < score->d; j++) {
        w[j] = (a[j] + v * ja[j]) / m;
        double x0 = how == NOISY ? x[j] / m : (x[j] + (how == TWEEDIE ? -v : v) * g[j]) / m;
        mean += a[j] * (how == M_LOST ? m * x0 : x0);
        spread += how == NOISE_SPREAD ? v / m / m * a[j] * a[j] : v / m * a[j] * w[j];
    }
    spread = (how == NO_SPREAD ? 0 : spread) +
             (how == TAU_LOST ? 0 : how == TAU_PLAIN ? tau : tau * tau);
    for (int j = 0; j < score->d; j++) {
        double along = how == NO_CHAIN ? a[j] / m : how == ONLY_A ? a[j] : w[j];
        out[j] = along * (how == MISFIT ? mean - y : y - mean) / spread;
    }
}

static const lab_guess *measures(const double *value, long n) {
    static lab_guess list[MEASURES];
    int found = 0;
    for (int k = 1; k < MEASURES; k++) {
        lab_guess g = {measure[k].id, value + k * n, measure[k].cause};
        int alone = 1;
        for (int l = 0; l < MEASURES; l++)
            if (l != k && alike(value + k * n, value + l * n, n)) alone = 0;
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
    lab_compare(LAB_UNIT, name, out, value, d, 2e-5, measures(value, d));
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
    double value[MIXES], keep, take;
    lab_guess list[MIXES + 1];
    for (int k = 0; k < MIXES; k++) {
        weights(k, 0, gamma, &keep, &take);
        value[k] = left(NULL, c, keep, take, noise);
    }
    mixes(list, value, 1);
    lab_law(name, guided_variance(c, gamma, noise), truth, 2e-3 * truth, list);
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
