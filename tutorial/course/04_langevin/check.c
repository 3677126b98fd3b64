#include "check.h"

void epsilon_move(
    float *y, const float *x, const float *s, const float *z, long size, double epsilon);
double epsilon_chance(const float *x, const float *y, const float *sx, const float *sy, int d,
    double log_px, double log_py, double epsilon);

/* n walkers take BURN steps from 0, then SNAPS snapshots of them are taken, GAP steps apart. */
enum { MOST = 12, N = 3000, BURN = 30, SNAPS = 8, GAP = 8, STEPS = BURN + SNAPS * GAP };
#define END \
    { NULL, NULL, NULL }

/* N(0, 1), of which all laws below speak. */
static sgm_status normal_eval(
    const sgm_score *self, float *s, const float *x, const float *t, long n) {
    for (long i = 0; self && t && i < n; i++) s[i] = -x[i];
    return SGM_OK;
}
static sgm_status normal_logp(
    const sgm_score *self, double *logp, const float *x, const float *t, long n) {
    for (long i = 0; self && (t || !t) && i < n; i++) logp[i] = -.5 * x[i] * x[i];
    return SGM_OK;
}
static double mean_square(const float *x, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += (double)x[i] * x[i] / (double)n;
    return sum;
}

/* What steps of x + a s + b z come to; their noise has the variance b². */
static void linear(double *y, const float *x, const float *s, const float *z, long n, double a,
    double b) {
    for (long i = 0; i < n; i++) y[i] = x[i] + a * s[i] + b * z[i];
}

/* Not 0: steps in γ, or in ε, go without x; the variance of such a walk is another's by chance. */
static int astray[2];

/* One move is compared: `half` is 1 for the γ form and 2 for that in ε. The last number of `got`
lies beyond the end and belongs to somebody else. */
static int check_move(int at, double half) {
    float x[MOST + 1], s[MOST], z[MOST], in_place[MOST + 1], y[MOST + 1], none[MOST] = {0};
    double truth[MOST + 1], got[MOST + 1], e[13][MOST + 1];
    long n = lab_whole(at, 5, MOST);
    double step = lab_real(at, .1, .4) * half, a = step / half, b = sqrt(2 * a);
    sgm_normal(x, MOST + 1, lab_key(at), 0), sgm_normal(s, MOST, lab_key(at), 100);
    sgm_normal(z, MOST, lab_key(at), 200);
    for (int k = 0; k < 13; k++) e[k][n] = x[n];
    for (int i = 0; i <= MOST; i++) y[i] = in_place[i] = x[i];
    linear(truth, x, s, z, n, a, b), truth[n] = x[n];
    linear(e[0], x, s, z, n, a, half == 1 ? sqrt(step) : sqrt(2 * step));
    linear(e[1], x, s, z, n, a, b * b);
    linear(e[2], x, s, z, n, -a, b);
    linear(e[3], x, s, z, n, half == 1 ? a / 2 : step, b);
    linear(e[4], x, s, z, n, a, 0);
    linear(e[5], x, s, z, n, 0, b);
    linear(e[6], x, s, z, n, a, -b);
    linear(e[7], x, s, z, n, step, sqrt(2 * step));
    linear(e[9], x, s, z, n, a, sqrt(2) * a), linear(e[10], x, s, z, n, a, sqrt(a / 2));
    linear(e[11], none, s, z, n, a, b), linear(e[12], x, x, z, n, a, b);
    const char *outside = "The root is of 2 alone, γ = ε/2 stands whole beside it: a noise of "
        "variance 2γ has both below the root.";
    const char *narrow = "The noise has the variance γ/2, a quarter of what it must be.";
    const char *lost = "x itself is not in it: y is x and a step. (Or y is set before x is read, "
        "and y may be x.)";
    const char *place = "The drift is along x; it is along the score s.";
    const char *sign = "The score is taken off where it belongs on: walkers are to go uphill.";
    const char *square = "The noise is multiplied by its variance; what belongs there is its root.";
    const char *still = "There is no noise: this climbs to the top of p and stays there.";
    const char *free = "The score is missing: walkers spread without end.";
    const char *idle = "y is as it was: nothing was written.";
    const char *minus = "z with a minus has the same law as z: the same walk, mirrored noise.";
    lab_guess plain[] = {{"root-gamma", e[0], "The noise has the variance γ; for a step of length "
            "γ along the score it is twice that."}, {"no-root", e[1], square},
        {"score-sign", e[2], sign}, {"half-drift", e[3], "Half of the drift: that belongs to the "
            "form in ε, whose noise is √ε."}, {"no-noise", e[4], still}, {"no-drift", e[5], free},
        {"=noise-minus", e[6], minus}, {"root-of-2-alone", e[9], outside},
        {"root-of-half", e[10], narrow}, {"x-forgotten", e[11], lost},
        {"x-for-score", e[12], place}, {"nothing-written", e[8], idle}, END};
    lab_guess twist[] = {{"epsilon-noise", e[0], "The noise is √(2ε): the variance doubled as for "
            "γ, but ε is 2γ already."}, {"epsilon-no-root", e[1], square},
        {"epsilon-sign", e[2], sign}, {"epsilon-drift", e[3], "The score has the factor ε, not its "
            "half: the noise is that of a step ε/2."}, {"epsilon-no-noise", e[4], still},
        {"epsilon-no-drift", e[5], free}, {"=noise-minus", e[6], minus},
        {"epsilon-as-gamma", e[7], "A step of length γ = ε; it is to be one of γ = ε/2."},
        {"root-of-2-alone", e[9], outside}, {"x-forgotten", e[11], lost},
        {"x-for-score", e[12], place}, {"nothing-written", e[8], idle},
        END};
    void (*move)(float *, const float *, const float *, const float *, long, double) =
        half == 1 ? sgm__langevin_move : epsilon_move;
    for (long i = 0; i < n; i++) y[i] = 0, e[8][i] = 0;
    move(y, x, s, z, n, step), move(in_place, in_place, s, z, n, step);
    for (long i = 0; i <= n; i++) got[i] = y[i];
    if (y[n] != x[n] || in_place[n] != x[n])
        return lab_true(LAB_UNIT, half == 1 ? "y of one step in γ" : "y of one step in ε", 0,
            "outside", "Something is written behind y, which has `size` numbers.");
    const lab_guess *guesses = half == 1 ? plain : twist;
    for (long i = 0; i < n; i++)
        if (fabs(in_place[i] - e[11][i]) < 1e-5) astray[half > 1]++;
    int right = lab_compare(LAB_UNIT, half == 1 ? "y of one step in γ" : "y of one step in ε",
        got, truth, n + 1, 2e-6, guesses);
    for (long i = 0; i <= n; i++) got[i] = in_place[i];
    lab_compare(LAB_UNIT, half == 1 ? "in place, in γ" : "in place, in ε", got,
        truth, n + 1, 2e-6, guesses);
    return right;
}

/* The square of to - from - a s, over d coordinates. */
static double off(const float *to, const float *from, const float *s, int d, double a) {
    double sum = 0;
    for (int j = 0; j < d; j++) {
        double one = (double)to[j] - from[j] - a * s[j];
        sum += one * one;
    }
    return sum;
}

static void check_log_q(void) {
    enum { PAIRS = 4 };
    float v[PAIRS][3][MOST];
    double got[PAIRS], truth[PAIRS], e[12][PAIRS], g = lab_real(40, .15, .6);
    for (int k = 0; k < PAIRS; k++) {
        const float *to = v[k][0], *from = v[k][1], *s = v[k][2];
        int d = (int)lab_whole(40 + k, 2, 5);
        sgm_normal(v[k][0], 3 * MOST, lab_key(40), (uint64_t)(100 * k));
        double right = off(to, from, s, d, g);
        got[k] = sgm__langevin_log_q(to, from, s, d, g);
        truth[k] = -right / (4 * g);
        e[0][k] = -right / (2 * g);
        e[1][k] = -off(to, from, s, d, 0) / (4 * g);
        e[2][k] = -off(to, from, s, d, -g) / (4 * g);
        e[3][k] = right / (4 * g);
        e[4][k] = truth[k] / d;
        e[5][k] = -sqrt(right) / (4 * g);
        e[6][k] = truth[k] - .5 * d * log(4 * acos(-1) * g);
        e[7][k] = -off(to, from, s, d, 2 * g) / (4 * g);
        e[8][k] = -off(to, from, s, d, g / 2) / (4 * g);
        e[9][k] = -right / (2 * sqrt(2 * g)), e[10][k] = -right / g;
        e[11][k] = truth[k] - .5 * log(4 * acos(-1) * g);
    }
    lab_guess guesses[] = {{"q-variance", e[0], "Divided by 2γ: but a Gaussian of variance 2γ has "
            "twice its variance below the square."}, {"no-score-in-q", e[1], "Proposals lie about "
            "the point that the drift leads to, not about `from`: without the score q is the "
            "same both ways, and drops out of the ratio."},
        {"q-score-sign", e[2], "The drift is added to the way from `from` to `to`, or this is the "
            "way back: of both the square is the same. It is to be the way there less the drift."},
        {"q-plus", e[3], "The sign: far proposals are rare, so that their log q is low."},
        {"q-mean", e[4], "The squares are summed over coordinates, not averaged."},
        {"q-norm", e[5], "The distance itself; a Gaussian's exponent has its square."},
        {"q-drift", e[7], "The drift in q is 2γ s, twice the step's."},
        {"q-drift", e[8], "The drift in q is ½γ s, half of the step's."},
        {"q-root", e[9], "Divided by twice a standard deviation; a Gaussian has twice its variance "
            "there."},
        {"q-four", e[10], "Divided by γ; twice the variance 2γ is four times that."},
        {"=q-constant", e[11], "With the constant of a Gaussian in one dimension: it drops out of "
            "the ratio, whichever it is."},
        {"=q-constant", e[6], "With the Gaussian's constant: it is the same both ways, and drops "
            "out of the ratio."}, END};
    lab_compare(LAB_UNIT, "log q(to|from) of four pairs", got, truth, PAIRS, 1e-9, guesses);
}

static void check_chance(void) {
    enum { CASES = 9, GUESSES = 14 };
    float v[4][MOST];
    double got[CASES], truth[CASES], e[GUESSES][CASES], eps = lab_real(50, .2, .9);
    /* the ratio that each case shall have; the seventh has no density at y; in the last two the
    constant that log p(x) and log p(y) lack is such that exp of either is 0, or infinite */
    double ratio[CASES] = {.3, .5, .75, .9, 3, 1e300, 0, .6, .4};
    for (int k = 0; k < CASES; k++) {
        int d = (int)lab_whole(50 + k, 1, 4);
        const float *x = v[0], *y = v[1], *sx = v[2], *sy = v[3];
        sgm_normal(v[0], 4 * MOST, lab_key(50), (uint64_t)(100 * k));
        double there = off(y, x, sx, d, eps / 2), back = off(x, y, sy, d, eps / 2);
        double q = (there - back) / (2 * eps), px = lab_real(60 + k, -9, 3), r = ratio[k];
        if (k > 6) px += k == 7 ? -1500 : 1500;
        double py = r > 0 ? px + log(r) - q + (r > 1e9 ? 300 : 0) : -HUGE_VAL, w = py - px + q;
        got[k] = epsilon_chance(x, y, sx, sy, d, px, py, eps);
        truth[k] = w < 0 ? exp(w) : 1;
        e[0][k] = w > 0 ? exp(-w) : 1;
        e[1][k] = exp(w);
        e[2][k] = w < 0 ? w : 0;
        e[3][k] = fmin(1, exp(py - px));
        e[4][k] = fmin(1, exp(py - px + (there - off(x, y, sx, d, eps / 2)) / (2 * eps)));
        e[5][k] = fmin(1, exp(py - px + (off(y, x, sx, d, eps) - off(x, y, sy, d, eps)) / 2 / eps));
        e[6][k] = fmin(1, exp(py - px + q / 2));
        e[7][k] = fmin(1, exp(py - px - q));
        e[8][k] = fmin(1, exp(q));
        e[9][k] = fmin(1, exp(px - py + q)), e[10][k] = fmin(1, exp(py - px + 2 * q));
        e[11][k] = fmin(1, exp(py - px + (off(y, x, sy, d, eps / 2) -
            off(x, y, sx, d, eps / 2)) / (2 * eps)));
        e[12][k] = fmin(1, exp(py - px + (off(y, x, sx, d, -eps / 2) -
            off(x, y, sy, d, -eps / 2)) / (2 * eps)));
        e[13][k] = k > 6 ? NAN : truth[k];
    }
    int far = 1; /* all that is wrong is not a number, or what a comparison with such gives */
    for (int k = 0; k < CASES; k++)
        far &= fabs(got[k] - truth[k]) < 1e-6 || (k > 4 && k != 6 && !(got[k] > 0 && got[k] < 1));
    far &= !(fabs(got[7] - truth[7]) < 1e-6 && fabs(got[8] - truth[8]) < 1e-6);
    lab_guess guesses[] = {{"ratio-upside-down", e[0], "The ratio is that of the way back: p(y) "
            "belongs above, p(x) below."}, {"no-minimum", e[1], "A chance above 1: the minimum "
            "with 1 is missing."},
        {"chance-logarithm", e[2], "This is the logarithm of the chance."},
        {"proposals-dropped", e[3], "Only p(y)/p(x): steps uphill are proposed more often than "
            "those back, and q in the ratio makes up for that."},
        {"one-score", e[4], "q(x|y) has the score at x; a step that begins at y follows the score "
            "at y."},
        {"q-full-drift", e[5], "The drift in q is ε s; the step's is half of that."},
        {"q-epsilon-variance", e[6], "The squares are divided by 4ε: the noise of this form has "
            "the variance ε."},
        {"q-exchanged", e[7], "q(y|x) and q(x|y) have changed places in the ratio."},
        {"densities-dropped", e[8], "p(y)/p(x) is missing: only the proposals are compared."},
        {"densities-upside-down", e[9], "p(x)/p(y): the density at the proposal belongs above."},
        {"q-half-variance", e[10], "The squares are divided by ε; twice the variance ε is 2ε."},
        {"scores-exchanged", e[11], "Each q has the score at the step's end; a step follows the "
            "score at the point where it begins."},
        {"chance-score-sign", e[12], "The drift is added to the way in q, where it has to be taken "
            "off."},
        {"exponentials-apart", far ? got : e[13], "exp of −1500 is 0 and of 1500 is infinite, and "
            "0/0 is no number, whose minimum with 1 is anything. Subtract logarithms before exp."},
        END};
    lab_compare(LAB_UNIT, "the chance of nine proposals", got, truth, CASES, 1e-9, guesses);
}

/* The mean square of N walkers over all snapshots, and the share accepted: of your functions in ε,
or of those in the γ form with a known mistake (`form` 1: no score in q; 2: half the variance). */
static void walk(double *V, double *share, int form, double gamma, int adjust, sgm_key key) {
    static float x[N], y[N], s[N], z[N], u[N];
    static double chance[N];
    *V = *share = 0;
    memset(x, 0, sizeof x);
    for (int k = 0; k < STEPS; k++) {
        sgm_normal(z, N, sgm_key_split(key, (uint64_t)k), 0);
        sgm_uniform(u, N, sgm_key_split(key, (uint64_t)(k + STEPS)), 0);
        for (int i = 0; i < N; i++) s[i] = -x[i];
        if (form) sgm__langevin_move__own(y, x, s, z, N, gamma);
        else epsilon_move(y, x, s, z, N, 2 * gamma);
        for (int i = 0; i < N; i++) {
            float at = -y[i];
            double px = -.5 * x[i] * x[i], py = -.5 * at * at, a = 1;
            if (adjust && !form) a = epsilon_chance(x + i, y + i, s + i, &at, 1, px, py, 2 * gamma);
            if (form == 1) a = fmin(1, exp(py - px));
            if (form == 2)
                a = fmin(1, exp(py - px + (off(y + i, x + i, s + i, 1, gamma) -
                    off(x + i, y + i, &at, 1, gamma)) / (2 * gamma)));
            chance[i] = a;
        }
        for (int i = 0; i < N; i++) {
            if (k >= BURN) *share += chance[i] / N / (STEPS - BURN);
            if (!adjust || u[i] < chance[i]) x[i] = y[i];
        }
        if (k >= BURN && (k - BURN) % GAP == GAP - 1) *V += mean_square(x, N) / SNAPS;
    }
}

/* The same of the library's walk, which calls your functions. */
static void library_walk(double *V, double *share, double gamma, int adjust, sgm_key key, long n) {
    static float x[N];
    sgm_langevin w;
    sgm_langevin_options o;
    sgm_score score;
    memset(&o, 0, sizeof o), memset(&score, 0, sizeof score);
    o.step = gamma, o.steps = STEPS, o.metropolis = adjust, o.warmup = BURN, o.t = 1;
    score.d = 1, score.eval = normal_eval, score.logp = normal_logp;
    memset(x, 0, sizeof x);
    *V = *share = NAN;
    if (sgm_langevin_init(&w, &score, n, &o, key) != SGM_OK) return;
    *V = 0;
    for (int k = 0; k < STEPS; k++) {
        if (sgm_langevin_step(&w, x) != SGM_OK) *V = NAN;
        if (k >= BURN && (k - BURN) % GAP == GAP - 1) *V += mean_square(x, n) / SNAPS;
    }
    *share = w.acceptance;
    sgm_langevin_free(&w);
}

static void lab_checks(void) {
    int moves = check_move(0, 1);
    check_log_q();
    int moves_too = check_move(20, 2);
    check_chance();

    /* Laws. A mean of N·SNAPS squares of N(0, V), of which those of one walker, GAP steps apart,
    have a correlation below .75^16: five standard errors. */
    const double count = (double)N * SNAPS, wide = 5 * sqrt(2 / count);
    double V, share, g = lab_real(80, .25, .4), truth = 1 / (1 - g / 2);
    double root = 1 / (2 - g), square = 4 * g / (2 - g), zero = 0, half = 2 / (1 - g / 4);
    lab_guess ula[] = {{"root-gamma", &root, "The variance of noise of √γ z: too narrow by half."},
        {"no-root", &square, "The variance of noise of 2γ z."},
        {"no-noise", &zero, "All walkers are at the top of p: they are not shaken."},
        {"half-drift", &half, "The variance of walks with half the drift."}, END};
    library_walk(&V, &share, g, 0, lab_key(81), N);
    lab_law("V of ULA: 1/(1 - γ/2)", V, truth, wide * truth, astray[0] ? NULL : ula);
    lab_say(LAB_INFORMATIVE, "γ = %.3f: p has the variance 1, ULA is to have %.3f.", g, truth);

    double gm = lab_real(82, .35, .5), bad[2], badly[2];
    double law = 1 - atan(pow(gm / 2, 1.5)) / acos(0); /* proof 12 */
    walk(&bad[0], &bad[1], 1, gm, 1, lab_key(83));
    walk(&badly[0], &badly[1], 2, gm, 1, lab_key(84));
    bad[0] = 1 / (2 - gm / 2); /* exact: the walk whose ratio is p(y)/p(x) is reversible, too */
    lab_guess mala[] = {{"no-score-in-q", &bad[0], "The variance of a walk whose ratio has p "
            "alone: without q it is drawn to the top of p."},
        {"q-variance", &badly[0], "The variance of a walk with log q doubled."}, END};
    lab_guess often[] = {{"no-score-in-q", &bad[1], "The acceptance of a walk whose ratio has p "
            "alone."}, END};
    library_walk(&V, &share, gm, 1, lab_key(85), N);
    /* chances have a variance of mean (1 - mean) at most, and those of neighbouring steps are
    correlated: counted are snapshots only */
    double near = 5 * sqrt(law * (1 - law) / count);
    lab_law("V of MALA: 1", V, 1, 1.1 * wide, moves ? mala : NULL);
    lab_law("acceptance of MALA", share, law, near, moves ? often : NULL);

    double full = .5 / (1 - g), twice = 2 / (1 - g / 2), as = 1 / (1 - g);
    lab_guess ula2[] = {{"epsilon-noise", &twice, "The variance of walks whose noise is √(2ε) z."},
        {"epsilon-drift", &full, "The variance of walks with the drift ε s."},
        {"epsilon-no-root", &square, "The variance of walks whose noise is ε z."},
        {"epsilon-no-noise", &zero, "All walkers are at the top of p: they are not shaken."},
        {"epsilon-as-gamma", &as, "The variance of steps of γ = ε."}, END};
    walk(&V, &share, 0, g, 0, lab_key(86));
    lab_law("V in ε: 1/(1 - ε/4)", V, truth, wide * truth, astray[1] ? NULL : ula2);

    lab_guess dropped[] = {{"proposals-dropped", &bad[0], "The variance of a walk whose ratio has "
            "p alone."}, END};
    lab_guess dropped_share[] = {{"proposals-dropped", &bad[1], "The acceptance of a walk whose "
            "ratio has p alone."}, END};
    walk(&V, &share, 0, gm, 1, lab_key(87));
    lab_law("V in ε with the chance: 1", V, 1, 1.1 * wide, moves_too ? dropped : NULL);
    lab_law("acceptance in ε", share, law, near, moves_too ? dropped_share : NULL);

    for (int k = 1; lab__.picture && k <= 12; k++) {
        double step = .1 * k, wild, tame, ignored;
        library_walk(&wild, &ignored, step, 0, lab_key(90 + k), N);
        library_walk(&tame, &share, step, 1, lab_key(110 + k), N);
        lab_point("%g %g %g %g", step, wild, tame, share);
    }
}
