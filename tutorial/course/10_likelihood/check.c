#include "check.h"

void draw_probes(double *v, long n, sgm_key key);
double trace_estimate(const sgm_score *score, const double *x, double t, const double *v,
                      long probes);
double flow_rate(const sgm_score *score, double *F, const double *x, double t, const double *v,
                 long probes);
double flow_logp(const sgm_score *score, const double *x, long steps, long probes, sgm_key key);
double bits_per_dim(double nats, int d);
void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t);

enum { MOST = 8, GUARD = 64, CELLS = 81, GRID_STEPS = 48, ORDER_STEPS = 40 };

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

/* All that is known to go wrong, and what it gives. */
enum {
    RIGHT, WHOLE_G2, DRIFT_ALONE, ONE_F, F_LOST, DIV_SIGN, FORWARD, F_SIGN, MIRRORED, NO_PRIOR,
    AT_DATA, NO_NORM, UNIT_PRIOR, HALF_NORM, EULER, EULER_GAIN, OLD_TIME, BITS, SUM_PROBES,
    MEAN_AXES, NO_DOT, SCORE_DOTTED, FIRST_DIRECTION, PER_NUMBER, BY_D, D_TIMES, G4, OLD_PLACE,
    EULER_MOVE, GAIN_SUM, GAIN_END, NO_LENGTH, FROM_ZERO, SIGMA_PLAIN, NO_HALF, LOG_PLAIN,
    LOG_TWICE, NORM_SIGN, PER_COORDINATE, SLIPS
};
static const struct {
    const char *id, *cause;
} known[SLIPS] = {
    {"right", ""},
    {"whole-g2",
     "The whole g² pushes. That is the reverse SDE's, whose other half makes up for its noise; the "
     "flow has no noise."},
    {"drift-alone",
     "The divergence of the drift f x alone: that is the prior's density, moved by a constant. F "
     "has the score in it, and so has its divergence."},
    {"one-f",
     "f is counted once. f x has the derivative f in each of the D coordinates."},
    {"f-lost",
     "The divergence of f x is missing: only the score's trace is there."},
    {"divergence-sign",
     "The trace has the wrong sign: the flow goes against the score on the way to noise."},
    {"forward-drift",
     "The points move by the forward drift f x alone; they must move with the flow."},
    {"velocity-sign",
     "The score pushes the wrong way: on the way to noise points leave where the data are dense."},
    {"mirrored",
     "The integral of the divergence has its sign mirrored. Where a box grows, its density falls: "
     "the data, at the box's small end, are denser than the latent."},
    {"prior-missing",
     "Only the integral is there: the log density of the latent is missing."},
    {"prior-at-data",
     "The prior's density is taken at the data point; it belongs to the latent, where the path "
     "ends."},
    {"norm-missing",
     "The prior is without its normalisation: a Gaussian has log σ + ½ log 2π for each "
     "coordinate."},
    {"unit-prior",
     "The prior is taken as N(0, 1). This process ends in N(0, σ²) with another σ."},
    {"half-norm",
     "The normalisation of the prior is counted once; each of D coordinates has it."},
    {"euler",
     "The second slope is not used, neither for the point nor for log p: this is Euler's step."},
    {"euler-gain",
     "The point moves by Heun's rule, but its log p gains by Euler's."},
    {"old-time",
     "The second slope is taken at the old time; it belongs to the end of the step."},
    {"bits",
     "These are bits: nats are asked for, natural logarithms."},
    {"sum-of-probes",
     "The directions' sum: (7.15) is their mean."},
    {"mean-of-axes",
     "The exact trace is a sum over the axes, not their mean."},
    {"no-dot",
     "The product with the Jacobian is summed as it is; v·(∂s/∂x) v dots it with v once more."},
    {"score-dotted",
     "v is dotted with the score, not with the score's derivative along v."},
    {"first-direction",
     "All products are dotted with the first direction: the k-th begins at v[k * D]."},
    {"per-number",
     "The sum is divided by the number of all coordinates: (7.15) divides by that of directions."},
    {"over-dimensions",
     "The sum is divided by D, the number of coordinates; (7.15) divides by that of directions."},
    {"times-dimensions",
     "D multiplies the trace, too. It belongs to f alone: a trace has summed over coordinates."},
    {"g2-squared",
     "The square of g² is in it: sgm_sde_g2 is g² already."},
    {"old-place",
     "The second slope is taken where the step starts; it belongs to the moved point."},
    {"euler-move",
     "log p gains by Heun's rule, but the point moves by Euler's."},
    {"gain-sum",
     "The two divergences are added up, not averaged: log p gains twice as much."},
    {"gain-end",
     "log p gains by the second divergence alone: Heun's has the mean of both."},
    {"length-missing",
     "The gain of log p lacks the step's length h."},
    {"from-zero",
     "The times begin at 0; they begin at t_min."},
    {"sigma-plain",
     "The latent's square is divided by σ; a Gaussian has σ² there."},
    {"half-missing",
     "The latent's square lacks its ½: a Gaussian has x²/2σ²."},
    {"log-half-missing",
     "log 2π lacks its ½."},
    {"log-sigma-twice",
     "log σ is counted twice, as if it were that of σ² without the ½."},
    {"norm-sign",
     "The normalisation is added: it makes a density smaller where σ is large."},
    {"per-coordinate",
     "log p is divided by D. That comes last, in bits_per_dim."},
};

static double ref_trace(const sgm_score *score, const double *x, double t, const double *v,
                        long probes, int slip) {
    long d = score->d, n = probes ? probes : d;
    double s[MOST], js[MOST], u[MOST], sum = 0;
    for (long k = 0; k < n; k++) {
        for (long j = 0; j < d; j++) u[j] = probes ? v[k * d + j] : j == k;
        ask_score(score, s, js, x, u, t);
        for (long j = 0; j < d; j++)
            sum += slip == NO_DOT ? js[j]
                : (slip == FIRST_DIRECTION ? (probes ? v[j] : j == 0) : u[j]) *
                  (slip == SCORE_DOTTED ? s[j] : js[j]);
    }
    if (slip == PER_NUMBER && probes) return sum / (double)(n * d);
    if (slip == BY_D && probes) return sum / (double)d;
    if (slip == MEAN_AXES) return sum / (double)n;
    return probes && slip != SUM_PROBES ? sum / (double)n : sum;
}

static double ref_rate(const sgm_score *score, double *F, const double *x, double t,
                       const double *v, long probes, int slip) {
    double f = sgm_sde_f(&score->sde, t), half = .5 * sgm_sde_g2(&score->sde, t), s[MOST];
    int d = score->d;
    if (slip == WHOLE_G2) half *= 2;
    if (slip == G4) half *= 2 * half;
    ask_score(score, s, NULL, x, NULL, t);
    for (int j = 0; j < d; j++)
        F[j] = f * x[j] - (slip == FORWARD ? 0 : slip == F_SIGN ? -half : half) * s[j];
    if (slip == DRIFT_ALONE) return d * f;
    double trace = ref_trace(score, x, t, v, probes, slip);
    return (slip == F_LOST ? 0 : slip == ONE_F ? f : d * f) +
           (slip == DIV_SIGN ? half : slip == D_TIMES ? -d * half : -half) * trace;
}

static double ref_logp(const sgm_score *score, const double *x, long steps, const double *v,
                       long probes, int slip) {
    int d = score->d, euler = slip == EULER || slip == EULER_GAIN;
    double t = score->sde.t_min, h = (score->sde.T - t) / (double)steps;
    double sigma = slip == UNIT_PRIOR ? 1 : sgm_sde_prior(&score->sde);
    double y[MOST], z[MOST], F[MOST], G[MOST], gain = 0, prior = 0;
    for (int j = 0; j < d; j++) y[j] = x[j];
    for (long i = 0; i < steps; i++) {
        double now = (slip == FROM_ZERO ? 0 : t) + (double)i * h;
        double later = slip == OLD_TIME ? now : now + h;
        double a = ref_rate(score, F, y, now, v, probes, slip), b = a;
        for (int j = 0; j < d; j++) z[j] = y[j] + h * F[j];
        if (slip != EULER)
            b = ref_rate(score, G, slip == OLD_PLACE ? y : z, later, v, probes, slip);
        for (int j = 0; j < d; j++)
            y[j] = slip == EULER || slip == EULER_MOVE ? z[j] : y[j] + h * (F[j] + G[j]) / 2;
        gain += (slip == NO_LENGTH ? 1 : h) * (euler ? a : slip == GAIN_END ? b
            : slip == GAIN_SUM ? a + b : (a + b) / 2);
    }
    for (int j = 0; j < d; j++) {
        double at = (slip == AT_DATA ? x[j] : y[j]) / sigma;
        double norm = (slip == LOG_TWICE ? 2 : 1) * log(sigma) +
                      (slip == LOG_PLAIN ? 1 : .5) * log(2 * acos(-1));
        if (slip == NORM_SIGN) norm = -norm;
        prior -= (slip == NO_HALF ? 1 : .5) * at * at * (slip == SIGMA_PLAIN ? sigma : 1);
        if (slip != NO_NORM && (slip != HALF_NORM || j == 0)) prior -= norm;
    }
    if (slip == NO_PRIOR) return gain;
    return (slip == MIRRORED ? prior - gain : prior + gain) /
           (slip == BITS ? log(2) : slip == PER_COORDINATE ? d : 1);
}

static int alike(const double *a, const double *b, long n) {
    for (long i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-4 * (fabs(a[i]) + 1e-3))) return 0;
    return 1;
}

/* The slips as guesses: value(slip, n) holds n numbers for each. Two that give the same here (in
VE, where f is 0, many do) are told apart by other rows, and not named by this one. */
static const lab_guess *guesses(const double *value, long n) {
    static lab_guess list[SLIPS];
    int found = 0;
    for (int k = 1; k < SLIPS; k++) {
        lab_guess g = {known[k].id, value + k * n, known[k].cause};
        int alone = 1;
        for (int l = 1; l < SLIPS; l++)
            if (l != k && alike(value + k * n, value + l * n, n)) alone = 0;
        if (alone) list[found++] = g;
    }
    memset(&list[found], 0, sizeof list[0]);
    return list;
}

/* The student's directions where they are numbers, for what is measured here is what is done with
them; else fair signs. */
static void directions(double *v, long n, sgm_key key) {
    double buffer[MOST * MOST + GUARD], square = 0;
    memset(buffer, 0, sizeof buffer);
    draw_probes(buffer, n, key);
    for (long i = 0; i < n; i++) square += buffer[i] * buffer[i];
    for (long i = 0; i < n; i++)
        v[i] = square > 0 && square < 1e6 ? buffer[i] : sgm_below(key, (uint64_t)i, 2) ? 1 : -1;
}

static sgm_mixture two_humps(int d, const sgm_sde *sde, int at, double var) {
    double mean[2 * MOST], v[2], w[2];
    sgm_mixture mix;
    w[0] = lab_real(at, .3, .4), w[1] = 1 - w[0];
    v[0] = var, v[1] = 1.4 * var;
    for (int j = 0; j < d; j++) {
        mean[j] = lab_real(at + 1 + j, -1.1, -.8);
        mean[d + j] = lab_real(at + 1 + MOST + j, .7, 1) * (j % 2 ? -1 : 1);
    }
    if (sgm_mixture_init(&mix, 2, d, w, mean, v, SGM_COV_ISOTROPIC, sde) != SGM_OK) exit(9);
    return mix;
}

/* Two scores of the checker's: one whose Jacobian is a constant matrix, one that notes along which
directions another is asked. */
static sgm_status matrix_jvp(const sgm_score *self, float *s, float *js, const float *x,
                             const float *v, const float *t, long n) {
    const double *A = (const double *)self->ctx;
    (void)t;
    for (long i = 0; i < n * self->d; i++) {
        double a = 0, b = 0;
        for (int j = 0; j < self->d; j++) {
            long at = i / self->d * self->d + j;
            a += A[i % self->d * self->d + j] * x[at];
            if (v) b += A[i % self->d * self->d + j] * v[at];
        }
        s[i] = (float)a;
        if (v) js[i] = (float)b;
    }
    return SGM_OK;
}
static sgm_status matrix_eval(const sgm_score *self, float *s, const float *x, const float *t,
                              long n) {
    return matrix_jvp(self, s, NULL, x, NULL, t, n);
}

static struct {
    int n;
    float v[GUARD][MOST];
} seen;
static sgm_status spy_jvp(const sgm_score *self, float *s, float *js, const float *x,
                          const float *v, const float *t, long n) {
    const sgm_score *in = (const sgm_score *)self->ctx;
    size_t size = (size_t)self->d * sizeof *v;
    for (long i = 0; i < n; i++) {
        const float *row = v + i * self->d;
        int k = 0;
        while (k < seen.n && memcmp(seen.v[k], row, size)) k++;
        if (k == seen.n && k < GUARD && memcmp(row, x + i * self->d, size))
            memcpy(seen.v[seen.n++], row, size);
    }
    return in->jvp(in, s, js, x, v, t, n);
}
static sgm_status spy_eval(const sgm_score *self, float *s, const float *x, const float *t,
                           long n) {
    const sgm_score *in = (const sgm_score *)self->ctx;
    return in->eval(in, s, x, t, n);
}

/* What one point and time give: trace, velocity, divergence. */
static void units_at_a_point(const sgm_score *score) {
    double x[MOST] = {0}, v[4 * MOST], value[SLIPS], F[MOST + GUARD], G[MOST];
    double fields[SLIPS * MOST], div, t = lab_real(40, .15, .3);
    int d = score->d;
    float z[4 * MOST];
    sgm_normal(z, 4 * MOST, lab_key(1), 0);
    for (int i = 0; i < 4 * MOST; i++) v[i] = z[i];
    for (int j = 0; j < d; j++) x[j] = lab_real(41 + j, -.6, .6);
    for (int k = 0; k < SLIPS; k++) value[k] = ref_trace(score, x, t, NULL, 0, k);
    lab_unit("trace along the axes", trace_estimate(score, x, t, v, 0), value[RIGHT], 2e-6,
             guesses(value, 1));
    for (int k = 0; k < SLIPS; k++) value[k] = ref_trace(score, x, t, v, 4, k);
    lab_unit("trace from 4 directions", trace_estimate(score, x, t, v, 4), value[RIGHT], 2e-6,
             guesses(value, 1));
    for (int k = 0; k < SLIPS; k++) value[k] = ref_rate(score, fields + k * d, x, t, v, 4, k);
    memset(F, 0, sizeof F);
    div = flow_rate(score, F, x, t, v, 4);
    lab_compare(LAB_UNIT, "velocity F", F, fields, d, 2e-6, guesses(fields, d));
    lab_unit("divergence of F, 4 directions", div, value[RIGHT], 2e-6, guesses(value, 1));
    div = flow_rate(score, F, x, t, v, 0);
    for (int k = 0; k < SLIPS; k++) value[k] = ref_rate(score, G, x, t, v, 0, k);
    lab_unit("divergence of F, exact trace", div, value[RIGHT], 2e-6, guesses(value, 1));
}

static void units_of_bits(void) {
    double nats[3], got[3], value[5][3];
    int d[3] = {1, 3, 784};
    for (int i = 0; i < 3; i++) {
        nats[i] = d[i] * lab_real(50 + i, i == 1 ? .7 : -2, i == 1 ? 2 : -.7);
        got[i] = bits_per_dim(nats[i], d[i]);
        value[0][i] = -nats[i] / d[i] / log(2), value[1][i] = -nats[i] / d[i];
        value[2][i] = -value[0][i], value[3][i] = value[0][i] * d[i];
        value[4][i] = value[1][i] * log(2);
    }
    lab_guess list[] = {
        {"nats", value[1], "These are nats per dimension. A bit is log 2 of a nat."},
        {"bits-sign", value[2], "The sign: a code's length is minus the logarithm of p."},
        {"all-dimensions", value[3], "Bits of the whole point: divide by the dimensions."},
        {"times-log2", value[4], "Multiplied by log 2. A bit is less than a nat, so there are more "
                                 "bits than nats."},
        {NULL, NULL, NULL}};
    lab_compare(LAB_UNIT, "bits per dimension", got, value[0], 3, 1e-9, list);
}

static int fitted; /* the slip that log p after a few steps shows, or 0 */

/* log p after a few steps: not yet the truth, but what Heun's rule must give. */
static void units_of_paths(const sgm_score *vp, const sgm_score *ve) {
    double x[MOST], v[MOST * MOST], value[SLIPS];
    long steps = lab_whole(60, 9, 14);
    for (int part = 0; part < 2; part++) {
        sgm_score late = part ? *ve : *vp, *score = &late;
        long probes = part ? 0 : 5;
        late.sde.t_min = late.sde.T * lab_real(59, .02, .05); /* a beginning that is not 0 */
        for (int j = 0; j < score->d; j++) x[j] = lab_real(61 + j, .4, 1);
        directions(v, probes * score->d, lab_key(2));
        for (int k = 0; k < SLIPS; k++) value[k] = ref_logp(score, x, steps, v, probes, k);
        double got = flow_logp(score, x, steps, probes, lab_key(2));
        const lab_guess *list = guesses(value, 1);
        for (const lab_guess *g = list; !fitted && g->id; g++)
            if (fabs(got - *g->value) <= 2e-5 * fabs(*g->value) &&
                fabs(*g->value - value[RIGHT]) > 1e-4 * fabs(value[RIGHT]))
                fitted = (int)(g->value - value);
        lab_unit(part ? "log p after a few steps, VE" : "log p after a few steps, VP, 5 probes",
                 got, value[RIGHT], 2e-5, guesses(value, 1));
    }
}

/* The key's sequence, and no other. */
static void unit_of_signs(void) {
    enum { SIGNS = 61 };
    double v[3][SIGNS + GUARD];
    int same = 1, other = 0, finite = 1, some = 0, within = 1, one = 1;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < SIGNS + GUARD; j++) v[i][j] = j < SIGNS ? 0 : 7;
        draw_probes(v[i], SIGNS, lab_key(i == 2 ? 8 : 7));
        for (int j = SIGNS; j < SIGNS + GUARD; j++) within &= v[i][j] > 6.9 && v[i][j] < 7.1;
    }
    for (int j = 0; j < SIGNS; j++) {
        finite &= fabs(v[0][j]) < 1e6, some |= fabs(v[0][j]) > 1e-9;
        one &= fabs(v[0][j] - v[0][0]) < 1e-12;
        same &= fabs(v[0][j] - v[1][j]) < 1e-12, other |= fabs(v[0][j] - v[2][j]) > 1e-12;
    }
    int keyed = same && other;
    lab_true(LAB_UNIT, "directions, drawn three times", within && finite && some && keyed && !one,
        !within ? "beyond-n" : !finite ? "unsigned" : !some ? "zeros" : !same ? "unkeyed"
        : one ? "one-sign" : "no-key",
        !within ? "Something beyond the n-th direction was written."
        : !finite ? "Huge numbers, or none. What sgm_below gives has no sign: make it a double "
                    "before you subtract."
        : !some ? "They are 0: nothing was written."
        : !same ? "The same key gives other signs the second time: they must be the key's alone."
        : one ? "All are the same: each is a throw of its own, i its number."
                : "Another key gives the same signs: the key does not enter.");
}

static void unit_of_directions(const sgm_score *six) {
    sgm_score spy = *six;
    double x[MOST] = {.3, -.2, .5, .1, -.4, .2}, one = 1, many, axes = 6;
    int on_axes = 1;
    spy.ctx = six, spy.eval = spy_eval, spy.jvp = spy_jvp, spy.vjp = NULL, spy.trace = NULL;
    spy.logp = NULL, seen.n = 0;
    flow_logp(&spy, x, 20, 1, lab_key(3));
    for (int k = 0; k < seen.n; k++) {
        double sum = 0;
        for (int j = 0; j < 6; j++) sum += fabs(seen.v[k][j]);
        if (sum != 1) on_axes = 0;
    }
    many = seen.n > 1 && !(on_axes && seen.n == 6) ? seen.n : 20;
    lab_guess list[] = {
        {"axes", &axes, "Six directions, the axes: where one probe is asked for, one is spent."},
        {"new-probes", &many, "New directions on the way. One path keeps its own from end to end: "
                              "only so is the right-hand side a function, and the solver's error "
                              "h²."},
        {NULL, NULL, NULL}};
    lab_unit("directions along a path, 1 probe", seen.n, one, 1e-9, list);
}

/* (7.15): the mean and the variance of the estimate, over directions. With independent coordinates
of the mean 0, variance 1 and fourth moment q, the variance is (q - 1) ΣJ_ii² + 2 Σ_{i≠j} J_ij². */
static void laws_of_the_estimate(void) {
    enum { D = 4, N = 40000 };
    static double all[N * D + GUARD];
    double J[D * D], x[MOST] = {.4, -.3, .2, .5}, trace = 0, total = 0, diagonal = 0, rest = 0;
    double mean = 0, square = 0, coin = 0, coin2 = 0;
    sgm_score score;
    memset(&score, 0, sizeof score), memset(all, 0, sizeof all);
    score.d = D, score.ctx = J, score.eval = matrix_eval, score.jvp = matrix_jvp;
    score.sde = sgm_sde_vp(.1, 20);
    for (int i = 0; i < D; i++)
        for (int j = 0; j <= i; j++)
            J[i * D + j] = J[j * D + i] =
                i == j ? -lab_real(70 + i, 3, 4) : lab_real(74 + i * D + j, .5, .9);
    for (int i = 0; i < D * D; i++) {
        total += J[i];
        if (i % (D + 1)) rest += J[i] * J[i];
        else trace += J[i], diagonal += J[i] * J[i];
    }
    draw_probes(all, (long)N * D, lab_key(4));
    for (long i = 0; i < N; i++) {
        double e = trace_estimate(&score, x, .5, all + i * D, 1), off = e - trace;
        mean += e / N, square += off * off / N;
    }
    square -= (mean - trace) * (mean - trace);
    for (int k = 0; k < 1 << D; k++) { /* 0 or 1 for a sign */
        double e = 0;
        for (int i = 0; i < D * D; i++) e += (k >> i / D & 1) * (k >> i % D & 1) * J[i];
        coin += e / (1 << D), coin2 += e * e / (1 << D);
    }
    double at[5], beyond[5];
    at[3] = 1. / D, at[4] = 2 / 3.;
    at[0] = 1 / 3., at[1] = coin / trace, at[2] = total / trace;
    beyond[0] = (diagonal * (1 / 5. - 1 / 9.) + 2 * rest / 9 - 2 * rest) / (2 * diagonal);
    beyond[1] = (coin2 - coin * coin - 2 * rest) / (2 * diagonal);
    beyond[2] = -rest / diagonal, beyond[3] = 1, beyond[4] = .4;
    static const char *const cause[3] = {
        "Numbers spread evenly from -1 to 1 have the variance ⅓. A direction's must have 1.",
        "0 and 1 have the mean ½: what stands off the diagonal no longer averages out.",
        "All signs are one throw: what stands off the diagonal does not average out."};
    lab_guess mean_list[] = {{"uniform", &at[0], cause[0]}, {"zero-one", &at[1], cause[1]},
                             {"one-sign", &at[2], cause[2]},
                             {fitted == PER_NUMBER ? "per-number" : "over-dimensions", &at[3],
                                 "Divided by D once too often: by the number of coordinates, or by "
                                 "the length of v."},
                             {"three-values", &at[4], "−1, 0 and 1 with a third each have the "
                                 "variance ⅔. A direction's must have 1."},
                             {NULL, NULL, NULL}};
    for (int k = 0; k < 5; k++) { /* one law alone names nobody: many have a variance near 0 */
        double m = k < 3 ? at[k] : 1;
        if (!(fabs(mean / trace - m) <= .025)) beyond[k] = nobody;
    }
    lab_guess list[] = {
        {"uniform", &beyond[0], cause[0]}, {"zero-one", &beyond[1], cause[1]},
        {"one-sign", &beyond[2], cause[2]},
        {"=gaussian", &beyond[3], "Right in the mean, as any law of variance 1 is. With normal "
                                  "numbers the diagonal adds to the variance; with signs, whose "
                                  "squares are 1, it does not."},
        {"=uniform", &beyond[4], "Right in the mean, as any law of variance 1 is; signs would have "
                                 "a smaller variance."},
        {NULL, NULL, NULL}};
    /* normal directions: deviation ≤ √(2·(4·16 + 12·.81)) = 12.2, so .061 of the mean of 40 000,
    .005 of the trace (≥ 12); signs .001. The variance's is ≤ 2 % of it, 4.5 of them .1 of 1. */
    lab_law("mean of 40 000 estimates / trace", mean / trace, 1, .025, mean_list);
    lab_law("their variance beyond that of signs", (square - 2 * rest) / (2 * diagonal), 0, .12,
        list);
}

/* On a line: the density integrates to 1, and the mean of its logarithm over the data is minus the
entropy, both by sums over a grid. */
static void grid_of(const sgm_score *score, int slip, double *area, double *nll, double *logp) {
    *area = *nll = 0;
    for (int i = 0; i < CELLS; i++) {
        double x = 8. * i / (CELLS - 1) - 4, dx = 8. / (CELLS - 1), p;
        float at = (float)x, t = (float)score->sde.t_min;
        if (slip >= 0) logp[i] = ref_logp(score, &x, GRID_STEPS, NULL, 0, slip);
        sgm_score_logp(score, &p, &at, &t, 1);
        *area += dx * exp(logp[i]), *nll -= dx * exp(p) * logp[i];
    }
}

/* Errors like h^p: the changes on halving h are in the ratio 2^p. Of five points, squares summed.
*/
static double order_of(const sgm_score *score, int slip) {
    double change[2] = {0, 0};
    for (int k = 0; k < 5; k++) {
        double x = .6 * k - 1.2, L[3];
        for (int i = 0; i < 3; i++)
            L[i] = slip < 0 ? flow_logp(score, &x, ORDER_STEPS << i, 0, lab_key(5))
                            : ref_logp(score, &x, ORDER_STEPS << i, NULL, 0, slip);
        for (int i = 0; i < 2; i++) change[i] += (L[i] - L[i + 1]) * (L[i] - L[i + 1]);
    }
    return .5 * log(change[0] / change[1]) / log(2);
}

static void laws_on_a_line(const sgm_score *score) {
    double logp[CELLS], area, nll, order, entropy = 0, value[3][SLIPS] = {{0}};
    double dx = 8. / (CELLS - 1);
    order = order_of(score, -1);
    for (int i = 0; i < CELLS; i++) {
        double x = dx * i - 4, p;
        float at = (float)x, t = (float)score->sde.t_min;
        logp[i] = flow_logp(score, &x, GRID_STEPS, 0, lab_key(5));
        sgm_score_logp(score, &p, &at, &t, 1);
        entropy -= dx * exp(p) * p;
        lab_point("%g %g %g %g", x, exp(p), exp(logp[i]), exp(ref_logp(score, &x, 8, NULL, 0,
            EULER)));
    }
    grid_of(score, -1, &area, &nll, logp);
    /* guesses cost as much as the truth: only where there is something to guess */
    int order_off = !(fabs(order - 2) <= .15);
    int grid_off = !(fabs(area - 1) <= .004 && fabs(nll - entropy) <= .004);
    for (int k = 0; k < SLIPS; k++) {
        if (order_off) value[0][k] = order_of(score, k);
        if (grid_off) grid_of(score, k, &value[1][k], &value[2][k], logp);
    }
    /* many mistakes have the order 1, and a density near 0 is a small difference from any */
    for (int k = 0; k < SLIPS; k++) {
        if (k != fitted) value[0][k] = nobody;
        if (fitted && k != fitted) value[1][k] = value[2][k] = nobody;
        if (!(fabs(area - value[1][k]) <= 1e-3 * fabs(value[1][k]))) value[1][k] = nobody;
        if (!(fabs(nll - value[2][k]) <= 1e-3 * fabs(value[2][k]))) value[2][k] = nobody;
    }
    lab_law("order of log p in the steps", order, 2, .15, guesses(value[0], 1));
    lab_law("integral of the density", area, 1, .004, guesses(value[1], 1));
    lab_law("mean of -log p over data: entropy", nll, entropy, .004, guesses(value[2], 1));
}

static void law_of_points(const sgm_score *score) {
    enum { N = 4, STEPS = 240 };
    double got[N], truth[N], x[N][2], value[SLIPS * N] = {0}, most = 0;
    int fine = 1;
    for (int i = 0; i < N; i++) {
        float at[2], t = (float)score->sde.t_min;
        for (int j = 0; j < 2; j++) {
            x[i][j] = lab_real(100 + 2 * i + j, -1.3, 1.3);
            at[j] = (float)x[i][j];
        }
        sgm_score_logp(score, &truth[i], at, &t, 1);
        got[i] = flow_logp(score, x[i], STEPS, 0, lab_key(6));
        most = fmax(most, fabs(truth[i]));
    }
    for (int i = 0; i < N; i++) fine &= fabs(got[i] - truth[i]) <= .004 * most;
    for (int i = 0; !fine && i < N; i++)
        for (int k = 0; k < SLIPS; k++)
            value[k * N + i] = ref_logp(score, x[i], STEPS, NULL, 0, k);
    lab_compare(LAB_LAW, "log p of a mixture's points: exact", got, truth, N, .004,
                guesses(value, N));
}

static void lab_checks(void) {
    sgm_sde vp = sgm_sde_vp(.1, 20), ve = sgm_sde_ve(.5, lab_real(0, 4, 7));
    sgm_mixture three = two_humps(3, &vp, 1, .3), two = two_humps(2, &vp, 20, .3);
    sgm_mixture line = two_humps(1, &vp, 30, .25), far = two_humps(2, &ve, 20, .3);
    sgm_mixture six = two_humps(6, &vp, 1, .3);
    sgm_score s3 = sgm_mixture_score(&three), s2 = sgm_mixture_score(&two);
    sgm_score s1 = sgm_mixture_score(&line), sve = sgm_mixture_score(&far);
    sgm_score s6 = sgm_mixture_score(&six);
    units_at_a_point(&s3);
    unit_of_signs();
    units_of_paths(&s3, &sve);
    unit_of_directions(&s6);
    units_of_bits();
    laws_of_the_estimate();
    laws_on_a_line(&s1);
    law_of_points(&s2);
    sgm_mixture_free(&three), sgm_mixture_free(&two), sgm_mixture_free(&line);
    sgm_mixture_free(&far), sgm_mixture_free(&six);
}
