/*
Assignment 2. Steps of (1.2): number by number for the same draws, the recursion of their mean and
variance, and what clouds of points must obey whatever the draws.
*/
#include "check.h"

void forward_step(float *x, long n, int d, const sgm_sde *sde, double t, double h, sgm_key key);
void forward_path(float *x, long n, int d, const sgm_sde *sde, double t0, double t1, int steps,
    sgm_key key);
void forward_law(double *mean, double *variance, const sgm_sde *sde, double t0, double t1,
    int steps);

enum { MOST = 64, GUARD = 64, /* more numbers before and behind, which nobody may write */
    CLOUD = 300, RUNS = 600 };

/* Known mistakes of a step, and of a path and the recursion. */
enum {
    RIGHT, ROOTLESS, SIGN, SQUARED, ONE_EACH, ONE_FIRST, ONE_ROW, ONE_DRAW, NOISELESS, DRIFTLESS,
    WHOLE, SHRUNK, PLACELESS, ROOT_DRIFT, G2H, DOUBLED, UNIFORM, END, AFTER, EXACT, DECAY, MINUS,
    COLUMNS, OWN_KEYS, /* from here on of paths and the recursion only */
    SAME_KEY, CHILD_0, FROM_1, CHAIN, SEQUENCE, SAME_TIME, MORE, FEWER, UNIT_TIME, UNDIVIDED, FENCE,
    SHARE, FIRST_ORDER, GAIN_FIRST, LAW_DECAY, HH, LAW_G, DEVIATION, KERNEL, IDLE, WRONGS
};
static const struct { const char *id, *cause; } wrong[WRONGS] = {
    [ROOTLESS] = {"root-missing", "each step adds g h z: variances like h² leave no noise when "
        "steps are fine. What a step adds has a variance like h"},
    [SIGN] = {"drift-sign", "the drift is subtracted: f is negative already where it pulls to 0"},
    [SQUARED] = {"g-squared", "the noise is multiplied by g²; sgm_sde_g2 is a variance per time"},
    [ONE_EACH] = {"one-noise", "all coordinates of a point get one and the same draw"},
    [ONE_FIRST] = {"one-noise", "all coordinates of a point get the draw of its first"},
    [ONE_ROW] = {"one-noise", "all points get the same draws, and move as one"},
    [ONE_DRAW] = {"one-noise", "a single draw serves all numbers of the step"},
    [NOISELESS] = {"noise-missing", "this is the drift alone"},
    [DRIFTLESS] = {"drift-missing", "this is the noise alone"},
    [WHOLE] = {"drift-without-h", "the drift is added whole, not times h"},
    [SHRUNK] = {"x-forgotten", "x becomes what is to be added to it: f x h and the noise"},
    [PLACELESS] = {"drift-without-x", "the drift is f h, the same wherever x is; it pulls by "
        "f x h"},
    [ROOT_DRIFT] = {"drift-root", "the drift has the root of h, too; it adds up step by step as it "
        "is, and only the noise has the root"},
    [G2H] = {"g2-h-for-noise", "the noise is multiplied by g² h, which is its variance"},
    [DOUBLED] = {"root-of-2", "the noise has the variance 2 g² h: the 2 belongs to Langevin's "
        "walk"},
    [DECAY] = {"=drift-exact", "the drift is e^{f h}, exact for a constant f. That converges, too, "
        "with an error of the same order; (1.2) has 1 + f h"},
    [MINUS] = {"=noise-minus", "z with a minus has the same law as z: mirrored noise"},
    [OWN_KEYS] = {"=keys-of-points", "each point has a key of its own: other draws of the same "
        "law"},
    [CHILD_0] = {"same-key", "all steps use one key, so that each repeats the noise of the last"},
    [FROM_1] = {"=keys-from-1", "the steps' keys are counted from 1: other draws of the same law"},
    [CHAIN] = {"=keys-chained", "each step's key is a child of the last one's: other draws of the "
        "same law"},
    [SEQUENCE] = {"=one-sequence", "all steps share one sequence, each begins where the last one "
        "ended: other draws of the same law"},
    [UNDIVIDED] = {"h-undivided", "each step is t1 - t0 long; h is that over steps"},
    [FENCE] = {"h-fence-posts", "h is (t1 - t0) over steps - 1; from t0 to t1 are `steps` steps"},
    [FIRST_ORDER] = {"square-cut", "(1 + f h)² has been cut to 1 + 2 f h. That is what it comes to "
        "when h goes to 0; asked is what steps of this h make"},
    [GAIN_FIRST] = {"noise-too-early", "the step's noise is pulled in the same step; the pull acts "
        "on what was there, and the noise comes new"},
    [LAW_DECAY] = {"square-cut", "(1 + f h)² is taken for e^{2 f h}, to which it comes when h goes "
        "to 0; asked is what steps of this h make"},
    [DEVIATION] = {"law-deviation", "a standard deviation g √h is added; variances add, g² h"},
    [IDLE] = {"nothing-written", "it is as it was: nothing was written"},
    [UNIFORM] = {"uniform-noise", "the draws are from U(0, 1): they have a mean, and the wrong "
        "variance"},
    [END] = {"=step-end", "f and g are taken at the step's end. That converges, too, with an error "
        "of the same order; (1.2) takes them at its start"},
    [AFTER] = {"=drift-after-noise", "the drift acts on the point with its noise. That converges, "
        "too: the two differ by h to the power 3/2"},
    [EXACT] = {"=exact-step", "this is the exact transition (1.8), better than what was asked: it "
        "errs in no step"},
    [COLUMNS] = {"=draws-by-column", "the same draws, dealt out in another order: the law is the "
        "same"},
    [SAME_KEY] = {"same-key", "all steps use one key, so that each repeats the noise of the last"},
    [SAME_TIME] = {"time-stands", "f and g stay what they are at t0; time goes on"},
    [MORE] = {"step-count", "there is a step too many"},
    [FEWER] = {"step-count", "there is a step too few"},
    [UNIT_TIME] = {"h-of-unit", "h is 1/steps, as if t1 - t0 were 1"},
    [SHARE] = {"square-missing", "a number multiplied by c has c² times the variance"},
    [HH] = {"law-root", "the noise of a step has the variance g² h: (g √h)² and not (g h)²"},
    [LAW_G] = {"law-g", "g √h z has the variance g² h; yours has g or its fourth power"},
    [KERNEL] = {"law-of-the-kernel", "these are m and s² of (1.5), to which small steps tend; "
        "asked is what steps of this h make"}
};

static uint64_t skipped; /* draws that a step leaves to those before */

static double length(double t0, double t1, int steps, int bad) {
    if (bad == UNIT_TIME) return 1. / steps;
    return (t1 - t0) / (bad == UNDIVIDED ? 1 : bad == FENCE && steps > 1 ? steps - 1 : steps);
}

static void step(float *x, long n, int d, const sgm_sde *p, double t, double h, sgm_key key,
    int bad) {
    double at = bad == END ? t + h : t, f = sgm_sde_f(p, at), g = sqrt(sgm_sde_g2(p, at));
    double a = 1 + f * h, b = g * sqrt(h);
    static float z[4 * CLOUD];
    (bad == UNIFORM ? sgm_uniform : sgm_normal)(z, (size_t)(n * d), key, skipped);
    if (bad == ROOTLESS) b = g * h;
    if (bad == SIGN) a = 1 - f * h;
    if (bad == SQUARED) b = g * g * sqrt(h);
    if (bad == NOISELESS) b = 0;
    if (bad == DRIFTLESS) a = 1;
    if (bad == WHOLE) a = 1 + f;
    if (bad == AFTER) b *= a;
    if (bad == SHRUNK) a = f * h;
    if (bad == PLACELESS) a = 1;
    if (bad == ROOT_DRIFT) a = 1 + f * sqrt(h);
    if (bad == G2H) b = g * g * h;
    if (bad == DOUBLED) b *= sqrt(2);
    if (bad == DECAY) a = exp(f * h);
    if (bad == MINUS) b = -b;
    if (bad == EXACT) sgm_sde_transition(p, t, t + h, &a, &b);
    for (long i = 0; i < n && bad == OWN_KEYS; i++)
        sgm_normal(z + i * d, (size_t)d, sgm_key_split(key, (uint64_t)i), 0);
    for (long i = 0; i < n; i++)
        for (int j = 0; j < d; j++) {
            long k = bad == ONE_EACH ? i : bad == ONE_FIRST ? i * d : bad == ONE_ROW ? j :
                bad == ONE_DRAW ? 0 : bad == COLUMNS ? j * n + i : i * d + j;
            x[i * d + j] =
                (float)(a * x[i * d + j] + b * z[k] + (bad == PLACELESS ? f * h : 0));
        }
}

static void path(float *x, long n, int d, const sgm_sde *p, double t0, double t1, int steps,
    sgm_key key, int bad) {
    double h = length(t0, t1, steps, bad);
    sgm_key next = key;
    if (bad == IDLE) return;
    steps += bad == MORE ? 1 : bad == FEWER ? -1 : 0;
    for (int k = 0; k < steps; k++) {
        next = sgm_key_split(bad == CHAIN ? next : key,
            bad == CHILD_0 ? 0 : (uint64_t)(bad == FROM_1 ? k + 1 : k));
        skipped = bad == SEQUENCE ? (uint64_t)k * (uint64_t)(n * d) : 0;
        step(x, n, d, p, bad == SAME_TIME ? t0 : t0 + k * h, h,
            bad == SAME_KEY || bad == SEQUENCE ? key : next, bad);
    }
    skipped = 0;
}

static void recursion(double *mean, double *v, const sgm_sde *p, double t0, double t1, int steps,
    int bad) {
    double h = length(t0, t1, steps, bad);
    if (bad == IDLE) return;
    if (bad == KERNEL) {
        double a, b;
        sgm_sde_transition(p, t0, t1, &a, &b);
        *mean *= a, *v = a * a * *v + b * b;
        return;
    }
    steps += bad == MORE ? 1 : bad == FEWER ? -1 : 0;
    for (int k = 0; k < steps; k++) {
        double t = bad == SAME_TIME ? t0 : t0 + (bad == END ? k + 1 : k) * h;
        double f = sgm_sde_f(p, t), g2 = sgm_sde_g2(p, t);
        double a = bad == WHOLE ? 1 + f : 1 + (bad == SIGN ? -1 : 1) * f * h, pull = a * a;
        double gain = bad == HH || bad == ROOTLESS ? g2 * h * h : bad == LAW_G ? sqrt(g2) * h :
            bad == SQUARED ? g2 * g2 * h : bad == DEVIATION ? sqrt(g2 * h) : g2 * h;
        if (bad == SHARE) pull = a;
        if (bad == FIRST_ORDER) pull = 1 + 2 * f * h;
        if (bad == LAW_DECAY) pull = exp(2 * f * h);
        *mean *= a, *v = pull * *v + (bad == GAIN_FIRST ? pull : 1) * gain;
    }
}

/* One row: n·d numbers after a step (steps 0) or a path, held against all that may be meant. */
static void row(const char *name, const sgm_sde *p, double t0, double t1, int steps, int which) {
    static double g[MOST], v[WRONGS][MOST];
    static float start[MOST], x[MOST + 2 * GUARD];
    long n = lab_whole(0, 5, 9);
    int d = (int)lab_whole(1, 2, 4);
    sgm_key key = lab_key(which);
    lab_guess guess[WRONGS + 1];
    int guesses = 0, last = steps ? FENCE : OWN_KEYS;
    sgm_normal(start, MOST, lab_key(which + 1), 0);
    for (int i = 0; i < MOST + 2 * GUARD; i++) x[i] = 7;
    memcpy(x + GUARD, start, (size_t)(n * d) * sizeof *start);
    if (steps) forward_path(x + GUARD, n, d, p, t0, t1, steps, key);
    else forward_step(x + GUARD, n, d, p, t0, t1 - t0, key);
    for (int i = 0; i < MOST + 2 * GUARD; i++) {
        if (x[i] == 7 || (i >= GUARD && i < GUARD + n * d)) continue;
        lab_true(LAB_UNIT, name, 0, "outside", "something is written before or behind x, which has "
            "n d numbers");
        return;
    }
    for (long i = 0; i < n * d; i++) g[i] = x[GUARD + i];
    for (int w = RIGHT; w <= last; w++) {
        memcpy(x + GUARD, start, sizeof start);
        if (steps) path(x + GUARD, n, d, p, t0, t1, steps, key, w);
        else step(x + GUARD, n, d, p, t0, t1 - t0, key, w);
        for (long i = 0; i < n * d; i++) v[w][i] = x[GUARD + i];
        if (w > RIGHT) guess[guesses++] = (lab_guess){wrong[w].id, v[w], wrong[w].cause};
    }
    for (long i = 0; i < n * d; i++) v[IDLE][i] = start[i];
    guess[guesses++] = (lab_guess){wrong[IDLE].id, v[IDLE], wrong[IDLE].cause};
    guess[guesses] = (lab_guess){NULL, NULL, NULL};
    lab_compare(LAB_UNIT, name, g, v[RIGHT], n * d, 2e-6, guess);
}

/* The recursion from t0 to t1 in three numbers of steps; of the variance, or of the mean. */
static void law_row(const char *name, const sgm_sde *p, double t0, double t1, int of_variance) {
    static const int mistakes[] = {SIGN, SQUARED, WHOLE, END, SAME_TIME, MORE, FEWER, UNIT_TIME,
        UNDIVIDED, FENCE, SHARE, FIRST_ORDER, GAIN_FIRST, LAW_DECAY, HH, LAW_G, DEVIATION, KERNEL,
        IDLE};
    double g[3], v[WRONGS][3], mean, variance;
    int guesses = (int)(sizeof mistakes / sizeof *mistakes);
    lab_guess guess[WRONGS];
    for (int i = 0; i < 3; i++) {
        int steps = 3 + 4 * i * i;
        double m0 = lab_real(4, .5, 2), v0 = lab_real(5, .3, .8);
        mean = m0, variance = v0;
        forward_law(&mean, &variance, p, t0, t1, steps);
        g[i] = of_variance ? variance : mean;
        for (int k = -1; k < guesses; k++) {
            int w = k < 0 ? RIGHT : mistakes[k];
            mean = m0, variance = v0;
            recursion(&mean, &variance, p, t0, t1, steps, w);
            v[w][i] = of_variance ? variance : mean;
            if (k >= 0) guess[k] = (lab_guess){wrong[w].id, v[w], wrong[w].cause};
        }
    }
    guess[guesses] = (lab_guess){NULL, NULL, NULL};
    lab_compare(LAB_UNIT, name, g, v[RIGHT], 3, 1e-9, guess);
}

static double mean_of(const float *x, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}
static double variance_of(const float *x, long n) {
    double mean = mean_of(x, n), sum = 0;
    for (long i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sum / (double)n;
}
static double correlation(const float *x, const float *y, long n) { /* NAN if one never changes */
    double mx = mean_of(x, n), my = mean_of(y, n), sum = 0;
    for (long i = 0; i < n; i++) sum += (x[i] - mx) * (y[i] - my);
    return sum / (double)n / sqrt(variance_of(x, n) * variance_of(y, n));
}

/*
Three hundred points in the plane begin at (100, 100). Of 600 numbers a mean errs by s/√600 and a
variance by √(2/600) of itself: the tolerances are 4.5 of these.
*/
static void cloud(const sgm_sde *p) {
    static float x[2 * CLOUD + 2 * GUARD];
    const double by = 4.5 * sqrt(2. / (2 * CLOUD));
    double v[2], m = 1, s2 = 0, few = 0, up = 1, rest = 0, thin = 0, thinner = 0, one = 1, left;
    for (int k = 0; k < 2; k++) {
        for (long i = 0; i < 2 * CLOUD; i++) x[GUARD + i] = 100;
        forward_path(x + GUARD, CLOUD, 2, p, 0, 1, k ? 1000 : 500, lab_key(20 + k));
        v[k] = variance_of(x + GUARD, 2 * CLOUD);
    }
    recursion(&one, &few, p, 0, 1, 500, RIGHT), recursion(&m, &s2, p, 0, 1, 1000, RIGHT);
    recursion(&up, &rest, p, 0, 1, 1000, SIGN);
    recursion(&one, &thin, p, 0, 1, 500, HH), recursion(&one, &thinner, p, 0, 1, 1000, HH);
    double down = log(up), thins = thin / thinner, log_thin = log(thinner);
    left = log(mean_of(x + GUARD, 2 * CLOUD) / 100);
    lab_law("log(mean/x0) after 1000 steps", left, log(m), 4.5 * sqrt(s2 / 2 / CLOUD) / (100 * m),
        (lab_guess[]){{"drift-sign", &down, wrong[SIGN].cause}, {NULL, NULL, NULL}});
    if (!lab_law("log V after 1000 steps", log(v[1]), log(s2), by, (lab_guess[]){
        {"root-missing", &log_thin, wrong[ROOTLESS].cause}, {NULL, NULL, NULL}}))
        lab_say(LAB_INFORMATIVE, "V is %.4g; by the recursion it is %.4g, and with the root "
            "forgotten %.4g after 1000 steps, %.4g after 500.", v[1], s2, thinner, thin);
    const lab_guess no_root[] = {
        {"root-missing", &thins, wrong[ROOTLESS].cause}, {NULL, NULL, NULL}};
    int thinned = fabs(log(v[1]) - log_thin) < by; /* else the ratio is near 2 by chance */
    lab_law("V after 500 steps over V after 1000", v[0] / v[1], few / s2, by * sqrt(2) * few / s2,
        no_root + !thinned);
}

/* Over many runs that differ by their key alone: what is drawn apart is not correlated. */
static void apart(const sgm_sde *p) {
    static float a[RUNS], b[RUNS], c[RUNS], now[RUNS], next[RUNS], buffer[6 + 2 * GUARD];
    const double one = 1, h = .02, by = 4.5 / sqrt(RUNS);
    float *x = buffer + GUARD;
    for (int r = 0; r < RUNS; r++) {
        sgm_key key = sgm_key_split(lab_key(30), (uint64_t)r);
        for (int i = 0; i < 6; i++) x[i] = 0;
        forward_path(x, 3, 2, p, .3, .3 + h, 1, key);
        now[r] = x[0], a[r] = x[0], b[r] = x[1], c[r] = x[4];
        for (int i = 0; i < 6; i++) x[i] = 0;
        forward_path(x, 3, 2, p, .3, .3 + 2 * h, 2, key);
        next[r] = (float)(x[0] - (1 + sgm_sde_f(p, .3 + h) * h) * now[r]);
    }
    if (variance_of(a, RUNS) == 0) { /* else 0/0 would be all that is said of it */
        lab_true(LAB_LAW, "x after a step, in 600 runs", 0, a[0] ? "same-in-all-runs" : "-", a[0] ?
            "it is the same whatever the key: its noise was drawn once and kept, or by a key of "
            "its own" : "it stays 0 whatever the key: no noise comes to it");
        return;
    }
    lab_law("correlation of two coordinates", correlation(a, b, RUNS), 0, by, (lab_guess[]){
        {"one-noise", &one, wrong[ONE_EACH].cause}, {NULL, NULL, NULL}});
    lab_law("correlation of two points", correlation(a, c, RUNS), 0, by, (lab_guess[]){
        {"one-noise", &one, wrong[ONE_ROW].cause}, {NULL, NULL, NULL}});
    lab_law("correlation of two steps' noise", correlation(now, next, RUNS), 0, by, (lab_guess[]){
        {"same-key", &one, wrong[SAME_KEY].cause}, {NULL, NULL, NULL}});
}

/* V after ever more steps misses the kernel's s² by what goes as h. */
static void order(const sgm_sde *p) {
    double m = 1, v[2] = {0, 0}, s2 = sgm_sde_s(p, 1) * sgm_sde_s(p, 1);
    forward_law(&m, &v[0], p, 0, 1, 1000), forward_law(&m, &v[1], p, 0, 1, 2000);
    lab_law("order of V's distance from s²", log2((v[0] - s2) / (v[1] - s2)), 1, .05, NULL);
}

static void picture(const sgm_sde *p) {
    static float x[6 + 2 * GUARD];
    for (int i = 0; i < 6; i++) x[GUARD + i] = 2;
    for (int k = 0; k <= 250; k++) { /* 1: t, m x0, s, and six paths of yours */
        float *y = x + GUARD;
        double t = k / 250., m = sgm_sde_m(p, t), s = sgm_sde_s(p, t);
        lab_point("1 %g %g %g %g %g %g %g %g %g", t, 2 * m, s, y[0], y[1], y[2], y[3], y[4], y[5]);
        forward_step(y, 6, 1, p, t, 1 / 250., sgm_key_split(lab_key(40), (uint64_t)k));
    }
    for (int steps = 10; steps <= 2560; steps *= 2) { /* 2: steps, V: yours, exact, rootless */
        double m = 1, yours = 0, v = 0, thin = 0;
        forward_law(&m, &yours, p, 0, 1, steps);
        recursion(&m, &v, p, 0, 1, steps, RIGHT), recursion(&m, &thin, p, 0, 1, steps, HH);
        lab_point("2 %d %g %g %g", steps, yours, v, thin);
    }
}

static void lab_checks(void) {
    sgm_sde vp = sgm_sde_vp(lab_real(2, .1, .3), lab_real(3, 12, 22)), ve = sgm_sde_ve(.05, 4);
    sgm_sde sub = sgm_sde_subvp(vp.a, vp.b), plain = sgm_sde_vp(.1, 20);
    double t0 = lab_real(6, .2, .4), t1 = t0 + lab_real(7, .3, .5);
    row("x after one step of VP", &vp, t0, t0 + .02, 0, 0);
    row("x after one step of VE", &ve, t0, t0 + .02, 0, 2);
    row("x after one step of sub-VP", &sub, t1, t1 + .03, 0, 4);
    row("x after three steps of VP", &vp, t0, t1, 3, 6);
    row("x after eleven steps of sub-VP", &sub, t0, t1, 11, 8);
    law_row("mean by the recursion, VP", &vp, t0, t1, 0);
    law_row("variance by the recursion, VP", &vp, t0, t1, 1);
    law_row("variance by the recursion, VE", &ve, t0, t1, 1);
    cloud(&plain);
    apart(&plain);
    order(&plain);
    picture(&plain);
}
