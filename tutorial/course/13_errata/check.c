#include "check.h"

int wrong_term(const void *box, double c, double t, double dt, double *factor);
double final_variance(const void *box, double c, long steps);
int seen(double w, double c, long n);
int wrong_density(const void *box, int formula, double c, double *mass);
double box_beta(const void *box, double t);
double box_integral(const void *box, double t);
double box_start(const void *box, double c);
double box_asks(const void *box, double t);
double box_step(const void *box, double x, double score, double t, double dt, double z);
double box_logp(const void *box, int formula, double x, double c);

enum { NO_SLIP, LINEAR, SCORE, NOISE, TIME, START, MIRRORED, FORWARD };
enum { README, ROOT, OTHER_END, ASKS, PRIOR, HALF, UNIT, BOXES };
static const int term[BOXES] = {NO_SLIP, NOISE, LINEAR, TIME, START, SCORE, NOISE};
static const char *const source[BOXES] = {
    "as in Score-Based Generative Modeling through SDEs (a README after Song et al. 2021): right",
    "the noise of SGM_GTAP (H. Gangloff): its display has the variance Δt √β; its code is right",
    "the code of SGM_GTAP (H. Gangloff): drift(x, T - t) after t = T - t takes β at the other end",
    "the display of SGM_GTAP (H. Gangloff): the score at t_i, not T - t_i; its code is right",
    "SGM_GTAP (H. Gangloff) starts from N(0, I), though p_T is not yet there",
    "Masterclass Notes (A. Shysheya), 8.3: the ½ belongs to the flow, which has no noise",
    "SBGM (J. Homer): dw ~ N(0, I); a dw has the variance dt"};

typedef struct text { int kind, order[3]; double a, b; } text;
static double V_of(const text *o, double c, double t) {
    return 1 - (1 - c) * exp(-(o->a * t + o->b * t * t / 2));
}
double box_beta(const void *box, double t) {
    const text *o = (const text *)box;
    return o->a + o->b * t;
}
double box_integral(const void *box, double t) {
    const text *o = (const text *)box;
    return o->a * t + o->b * t * t / 2;
}
double box_start(const void *box, double c) {
    const text *o = (const text *)box;
    return o->kind == PRIOR ? 1 : V_of(o, c, 1);
}
double box_asks(const void *box, double t) {
    return ((const text *)box)->kind == ASKS ? 1 - t : t;
}
double box_step(const void *box, double x, double score, double t, double dt, double z) {
    int kind = ((const text *)box)->kind;
    double beta = box_beta(box, t), b2 = kind == ROOT ? sqrt(beta) : beta;
    double linear = .5 * box_beta(box, kind == OTHER_END ? 1 - t : t);
    return x + (linear * x + (kind == HALF ? .5 : 1) * beta * score) * dt +
           sqrt(kind == UNIT ? b2 : b2 * dt) * z;
}
double box_logp(const void *box, int formula, double x, double c) {
    const text *o = (const text *)box;
    double V = V_of(o, c, 1), prior = -.5 * x * x * V / c - .5 * log(2 * acos(-1));
    int what = o->order[formula < 0 ? 0 : formula % 3];
    return prior + (what == FORWARD ? .5 * box_integral(o, 1)
                                    : (what == MIRRORED ? -.5 : .5) * log(V / c));
}

static double right_factor(const text *o, double c, double t, double dt) {
    double beta = box_beta(o, t), ends = box_beta(o, 1 - t) / beta;
    const double f[BOXES] = {1, 1 / sqrt(sqrt(beta)), ends, (1 - t) / t, 1 / V_of(o, c, 1), .5,
                             1 / sqrt(dt)};
    return f[o->kind];
}

enum { RIGHT, NO_NOISE, FIRST, DATA_SCORE, START_ONE, HERE, KEPT_ONCE, ADDED_ONCE, WAYS };
static double variance(const text *o, double c, long steps, int way) {
    double w = way == START_ONE ? 1 : box_start(o, c), dt = 1. / (double)steps;
    for (long i = 0; i < steps; i++) {
        double t = 1 - (double)i * dt, at = way == HERE ? t : box_asks(o, t);
        double V = way == DATA_SCORE ? c : V_of(o, c, at);
        double k = box_step(o, 1, -1 / V, t, dt, 0), n = box_step(o, 0, 0, t, dt, 1);
        w = (way == FIRST ? 2 * k - 1 : way == KEPT_ONCE ? k : k * k) * w +
            (way == NO_NOISE ? 0 : way == ADDED_ONCE ? n : n * n);
    }
    return w;
}

static void unit_of_term(const text *o, int i) {
    double c = lab_real(10 + i, 2, 4), t = lab_real(20 + i, .62, .9);
    double dt = lab_real(30 + i, .01, .04);
    double f = right_factor(o, c, t, dt), got[2], factor = -7, back = box_beta(o, 1 - t), k;
    double value[7][2], own = sqrt(box_beta(o, t) * dt);
    got[0] = wrong_term(o, c, t, dt, &factor), got[1] = factor;
    for (int j = 0; j < 7; j++) value[j][0] = term[o->kind];
    value[0][1] = f, value[1][1] = 1 / f, value[2][1] = f * f, value[3][1] = f;
    k = box_beta(o, t) / back; /* what the other end's β would make of it */
    value[3][0] = o->kind == OTHER_END ? SCORE : LINEAR;
    value[3][1] = k;
    value[4][1] = factor == -7 ? -7 : f + 1; /* what stood there */
    value[5][0] = LINEAR, value[5][1] = o->kind == OTHER_END ? f / 2 : .5;
    value[6][0] = term[o->kind] == LINEAR || term[o->kind] == SCORE ? term[o->kind] : NOISE;
    value[6][1] = value[6][0] == NOISE ? (term[o->kind] == NOISE ? f : 1) / own : f;
    lab_guess list[] = {
        {"inverse", value[1],
            "The factor is upside down: what the box has over what belongs there."},
        {"squared", value[2], "That is the ratio of variances: of a deviation, the root."},
        {"other-end", value[3], "Your own β is taken at 1 - t: then what is right looks wrong."},
        {"not-written", value[4], "Nothing was written to *factor."},
        {"half-forgotten", value[5], "The linear part is measured against β dt: without its ½ "
                                     "every box looks wrong there."},
        {"root-forgotten", value[6], "The noise is measured against β dt, its variance: its "
                                     "deviation is the root of that."},
        {NULL, NULL, NULL}};
    char name[40];
    snprintf(name, sizeof name, "box %d: which term, which factor", i + 1);
    if (lab_compare(LAB_UNIT, name, got, value[0], 2, 1e-8, list))
        lab_say(LAB_CELEBRATORY, "Found: %s.", source[o->kind]);
}

static const struct {
    const char *id, *cause;
} way_of[WAYS] = {
    {"right", ""},
    {"noise-missing", "The noise of each step is missing: it adds its own variance."},
    {"first-order", "A factor k takes the variance w to k² w; you have 1 + 2(k - 1) for k²."},
    {"data-score", "The score is that of the clean data, -x/c; at t their variance is V(t)."},
    {"start-one", "Every box starts with the variance 1 in yours: ask box_start."},
    {"time-ignored", "The score is taken at t; the box asks it at box_asks(box, t)."},
    {"kept-once", "A factor k takes the variance w to k² w; you have k w."},
    {"added-once", "A noise n z has the variance n²; n itself was added."}};
static const lab_guess *ways(const double *value, long n) {
    static lab_guess list[WAYS];
    int found = 0;
    for (int k = 1; k < WAYS; k++) {
        lab_guess g = {way_of[k].id, value + k * n, way_of[k].cause};
        double off = 0;
        for (long i = 0; i < n; i++) off = fmax(off, fabs(value[k * n + i] - value[i]));
        if (off > 1e-9) list[found++] = g;
    }
    memset(&list[found], 0, sizeof *list); /* list has room: way 0 is none */
    return list;
}

/* 2w(2N) - w(N): what is left of the first order's error is N^-2. */
static void law_of_limit(const char *name, const text *o, double c, double truth) {
    double value[WAYS], got = 2 * final_variance(o, c, 2000) - final_variance(o, c, 1000);
    for (int k = 0; k < WAYS; k++)
        value[k] = 2 * variance(o, c, 2000, k) - variance(o, c, 1000, k);
    lab_law(name, got, truth, 2e-4 * truth, ways(value, 1));
}

static void unit_of_masses(const char *name, const text *box, double c) {
    double want[6], density[6], other[2][6], V = V_of(box, c, 1), B = box_integral(box, 1);
    for (int j = 0; j < 3; j++) {
        int slip = box->order[j];
        double mass = -7, *at = want + 2 * j;
        density[2 * j] = wrong_density(box, j, c, &mass), density[2 * j + 1] = mass;
        at[0] = slip, at[1] = slip == NO_SLIP ? 1 : c / V;
        if (slip == FORWARD) at[1] = exp(B / 2) * sqrt(c / V);
        other[0][2 * j] = FORWARD, other[0][2 * j + 1] = at[1] / 2;
        other[1][2 * j] = !slip ? slip : slip == MIRRORED ? FORWARD : MIRRORED;
        other[1][2 * j + 1] = at[1];
    }
    lab_guess areas[] = {
        {"half-line", other[0], "The integral goes over one half of the line only."},
        {"names-swapped", other[1], "The two slips have each other's name: c/V is what a mirrored "
                                    "sign leaves."},
        {NULL, NULL, NULL}};
    lab_compare(LAB_UNIT, name, density, want, 6, 1e-6, areas);
}

static void lab_checks(void) {
    text box[BOXES], of[BOXES]; /* in this student's order, and by kind */
    double got[BOXES], value[WAYS * BOXES], c = lab_real(50, 2, 4), a = lab_real(0, .5, .9);
    double b = lab_real(1, 2, 3);
    for (int i = 0; i < BOXES; i++) {
        box[i].kind = (int)sgm_permute((uint64_t)i, BOXES, lab_key(1)), box[i].a = a, box[i].b = b;
        for (int j = 0; j < 3; j++) {
            const int slip[3] = {NO_SLIP, MIRRORED, FORWARD};
            box[i].order[j] = slip[sgm_permute((uint64_t)j, 3, lab_key(2))];
        }
        of[box[i].kind] = box[i];
        unit_of_term(&box[i], i);
    }
    for (int i = 0; i < BOXES; i++) {
        got[i] = final_variance(&box[i], c, 50);
        for (int k = 0; k < WAYS; k++) value[k * BOXES + i] = variance(&box[i], c, 50, k);
    }
    lab_compare(LAB_UNIT, "variance of each box, 50 steps", got, value, BOXES, 1e-9,
                ways(value, BOXES));
    double z[8] = {-9, -5.5, -4, -1, 2.6, 3.5, 5.2, 12}, hit[8], five[8], three[8], up[8], root[8];
    long n = lab_whole(3, 2000, 5000);
    for (int i = 0; i < 8; i++) {
        hit[i] = seen(c * (1 + z[i] * sqrt(2. / (double)n)), c, n);
        five[i] = fabs(z[i]) > 5, three[i] = fabs(z[i]) > 3, up[i] = z[i] > 5;
        root[i] = fabs(z[i]) * c > 5;
    }
    lab_guess eyes[] = {
        {"one-side", up, "A variance that is too small is as wrong as one that is too large."},
        {"=lower-bar", three, "A lower bar than 5 standard errors: at 3, one right text in 370 is "
                              "called wrong."},
        {"not-relative", root, "The deviation counts in units of c: a variance c of n samples has "
                               "the standard error c √(2/n)."},
        {NULL, NULL, NULL}};
    lab_compare(LAB_UNIT, "seen by n samples: eight variances", hit, five, 8, 1e-9, eyes);
    unit_of_masses("three formulas: slip and mass", box, c);
    unit_of_masses("the same for narrow data", box, lab_real(51, .05, .09));
    double B = box_integral(box, 1), V = V_of(box, 4, 1);
    law_of_limit("right text, N(0, 4): 4", &of[README], 4, 4);
    law_of_limit("half the score, N(0, 1): 1 + integral", &of[HALF], 1, 1 + B);
    law_of_limit("wrong time, N(0, 1): hidden", &of[ASKS], 1, 1);
    law_of_limit("prior for p_T, N(0, 4)", &of[PRIOR], 4, 4 + (1 - V) * 16 / V / V * exp(-B));
    for (int k = 0; k < 30; k++) {
        double d = pow(2, .2 * k - 3), e[BOXES];
        for (int i = 1; i < BOXES; i++)
            e[i] = fmax(.01, fabs(final_variance(&of[i], d, 998) / d - 1) / sqrt(2. / 5000));
        lab_point("%g %g %g %g %g %g", d, e[ROOT], e[OTHER_END], e[ASKS], e[PRIOR], e[HALF]);
    }
}
