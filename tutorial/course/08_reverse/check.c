/*
Checker of assignment 8. Everything here is linear in Gaussians, so what a wrong step does to the
variance is a recursion of its three numbers: no sample is drawn but in one row.
*/
#include "check.h"

void clean_step(double c[3], const sgm_sde *sde, double t, double to, double eta);

enum { TIMES = 5, STEPS = 800, SAMPLES = 2000, RUN = 200, FINE = 160 };

/*
## Known mistakes of (5.4)
*/

enum {
    RIGHT, HALF, SCORE_SIGN, SCORE_G, NO_STEP, SQRT2, NOISE_STEP, NOISE_VARIANCE, NOISE_G2,
    NO_NOISE, DRIFT_SIGN, NO_DRIFT, WHOLE_BETA, OTHER_END, VP_ONLY, FORWARD, G4, NO_G, HALF_DRIFT,
    F_SQUARED, INCREMENT, FLOW, STEP_SIGN, STEP_END, MID_STEP, EXACT_DRIFT, MISTAKES
};

static const struct { const char *id, *cause; } mistake[MISTAKES] = {
    {"-", "-"},
    {"half-score", "The score has half of g². That is the flow's share; a way back that adds noise "
        "needs the whole."},
    {"score-sign", "The score pushes the points down the density: its sign is the other one, for "
        "here t falls."},
    {"g-for-g2", "The score is multiplied by g where g² belongs."},
    {"step-missing", "The score's part does not know how long the step is."},
    {"sqrt2", "The noise is √2 times too strong. That factor is Langevin's, whose score has no "
        "g²."},
    {"noise-step", "The noise has the step itself where its root belongs: with more steps it dies "
        "out."},
    {"noise-variance", "c_z is the noise's variance. What multiplies z is a standard deviation."},
    {"noise-g2", "The noise has g² where g belongs; the root is taken of the step only."},
    {"no-noise", "There is no noise. With the whole g² the score then pulls all points together."},
    {"drift-sign", "The drift runs as it does forwards. Here t falls, so its sign turns."},
    {"drift-missing", "c_x is 1: the linear part of the drift is left out."},
    {"drift-beta", "The linear part has twice its f: f is −½β, not −β."},
    {"other-end", "f is taken at T − t. The clock was turned round twice: t falls already."},
    {"vp-only", "f is written as −½g². That is true of VP alone; ask for f itself."},
    {"forward-step", "These are the numbers of a step forwards: there is no score in it."},
    {"g2-squared", "The score is multiplied by the square of g²: sgm_sde_g2 is g² already."},
    {"g-missing", "The noise is √Δ alone: g is missing."},
    {"half-drift", "The linear part has half of f. It is g² that a flow halves, and f never."},
    {"f-squared", "The linear part has f²: only g is squared."},
    {"increment", "c_x lacks its 1: it is what x is multiplied by, not what is added to it."},
    {"flow-step", "This is the flow's step, half of g² and no noise. It keeps the variance, but "
        "(5.4) is the reverse SDE: the whole of g², and noise."},
    {"step-sign", "Δ = t − to is positive; yours is negative."},
    {"=step-end", "f and g are taken at the end of the step, not at its start. It is as good, to "
        "first order; (5.4) asks the drift where the score is asked."},
    {"=mid-step", "f and g are taken in the middle of the step, not at its start. It is as good, "
        "to first order; (5.4) asks the drift where the score is asked."},
    {"=exact-drift", "The linear part is taken as exp(−f Δ), which is 1 − f Δ to first order. It "
        "is as good; (5.4) is the plain step."}};

static int sized; /* a step of negative length, but noise of the right size */

static void wrong_step(double c[3], int kind, const sgm_sde *sde, double t, double to) {
    double at = kind == STEP_END ? to : kind == MID_STEP ? 0.5 * (t + to) : t, h = t - to;
    double f = sgm_sde_f(sde, at);
    double g2 = sgm_sde_g2(sde, at), g = sqrt(g2);
    if (kind == STEP_SIGN) h = -h;
    if (kind == F_SQUARED) f *= f;
    if (kind == HALF_DRIFT) f *= 0.5;
    if (kind == OTHER_END) f = sgm_sde_f(sde, sde->T - t);
    if (kind == WHOLE_BETA) f *= 2;
    if (kind == DRIFT_SIGN || kind == FORWARD) f = -f;
    if (kind == NO_DRIFT) f = 0;
    if (kind == VP_ONLY) f = -0.5 * g2;
    c[0] = 1 - f * h, c[1] = g2 * h, c[2] = sqrt(g2 * h);
    if (kind == STEP_SIGN && sized) c[2] = sqrt(g2 * -h);
    if (kind == INCREMENT) c[0] -= 1;
    if (kind == EXACT_DRIFT) c[0] = exp(-f * h);
    if (kind == G4) c[1] *= g2;
    if (kind == NO_G) c[2] = sqrt(h);
    if (kind == HALF || kind == FLOW) c[1] *= 0.5;
    if (kind == SCORE_SIGN) c[1] = -c[1];
    if (kind == SCORE_G) c[1] = g * h;
    if (kind == NO_STEP) c[1] = g2;
    if (kind == FORWARD) c[1] = 0;
    if (kind == SQRT2) c[2] = sqrt(2 * g2 * h);
    if (kind == NOISE_STEP) c[2] = g * h;
    if (kind == NOISE_VARIANCE) c[2] = g2 * h;
    if (kind == NOISE_G2) c[2] = g2 * sqrt(h);
    if (kind == NO_NOISE || kind == FLOW) c[2] = 0;
}

/* The student's numbers are preset: one that is never set is seen. */
static const double untouched = -12345.678;
static const char *const never = "A number was never set: it is what stood in c[] before the call.";
static int unset; /* how many were */

static void preset(double room[8]) {
    for (int j = 0; j < 8; j++) room[j] = untouched;
}

static void look(const double c[3]) {
    for (int j = 0; j < 3; j++) unset += !memcmp(c + j, &untouched, sizeof *c);
}

/* Instead of all other guesses, where a number was never set: whatever came out, this is why. */
static void blame(lab_guess *guess, const double *got) {
    if (!unset) return;
    guess[0] = (lab_guess){"not-written", got, never};
    guess[1] = (lab_guess){NULL, NULL, NULL};
}

/* A step of the student's (kind -1) or by a known mistake; kind RIGHT is the library's own. */
static void step_of(double c[3], int kind, const sgm_sde *sde, double t, double to) {
    double room[8] = {0};
    if (kind < 0) {
        preset(room);
        sgm__reverse_step(room, SGM_METHOD_EULER_MARUYAMA, sde, t, to);
        look(room);
    }
    else if (kind == RIGHT) sgm__reverse_step__own(room, SGM_METHOD_EULER_MARUYAMA, sde, t, to);
    else wrong_step(room, kind, sde, t, to);
    memcpy(c, room, 3 * sizeof *c);
}

static double variance_at(const sgm_sde *sde, double C, double t) { /* (1.6) */
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    return m * m * C + s * s;
}

/* The variance of N(0, C) data after so many even steps from N(0, 1) at T to t_min: the score is
-x/V, so a step multiplies x by c_x − c_s/V and adds the variance c_z². */
static double variance_after(int kind, const sgm_sde *sde, double C, int steps, double *path) {
    double h = (sde->T - sde->t_min) / steps, w = 1, c[3];
    for (int i = 0; i < steps; i++) {
        double t = sde->T - i * h, to = sde->T - (i + 1) * h, V = variance_at(sde, C, t);
        if (path) path[i] = w;
        step_of(c, kind, sde, t, to);
        w = (c[0] - c[1] / V) * (c[0] - c[1] / V) * w + c[2] * c[2];
    }
    return w;
}

static int same(const double *a, const double *b, int n) {
    long where;
    return lab__off(a, b, n, &where) <= 1e-9 * lab__largest(b, n);
}

static int mirrored; /* c_x and c_s are those of a step of negative length */

/* Rows for one number each, c_x, c_s and c_z, at five times. Numbers of the step's end, or middle,
pass if all three are of it: half of each is a mistake. */
static void numbers(const sgm_sde *sde) {
    static const char *const name[3] = {"c_x of (5.4)", "c_s of (5.4)", "c_z of (5.4)"};
    double c[3], at[MISTAKES + 1][3][TIMES], (*got)[TIMES] = at[MISTAKES];
    for (int i = 0; i < TIMES; i++) {
        double t = lab_real(10 + i, 0.1, 0.45) + (i % 2) * 0.5, to = t - lab_real(20 + i, .01, .04);
        for (int kind = 0; kind <= MISTAKES; kind++) {
            step_of(c, kind == MISTAKES ? -1 : kind, sde, t, to);
            for (int j = 0; j < 3; j++) at[kind][j][i] = c[j];
        }
    }
    int end = same(got[0], at[STEP_END][0], 3 * TIMES);
    int middle = same(got[0], at[MID_STEP][0], 3 * TIMES), positive = 0;
    for (int i = 0; i < TIMES; i++) positive += got[2][i] > 0;
    sized = same(got[2], at[RIGHT][2], TIMES);
    mirrored = same(got[0], at[DRIFT_SIGN][0], TIMES) &&
        same(got[1], at[SCORE_SIGN][1], TIMES) && (!positive || sized);
    int flow = same(got[0], at[FLOW][0], 3 * TIMES);
    for (int j = 0; j < 3; j++) {
        lab_guess guess[MISTAKES + 2] = {{NULL, NULL, NULL}};
        int n = 0;
        for (int kind = 1; kind < MISTAKES; kind++) {
            int mixed = (kind == STEP_END && !end) || (kind == MID_STEP && !middle);
            if (same(at[kind][j], at[RIGHT][j], TIMES)) continue; /* not wrong in this number */
            if (flow != (kind == FLOW) && (flow || kind == FLOW)) continue; /* all three, or none */
            guess[n].id = mixed ? "mixed-ends" : mistake[kind].id;
            guess[n].value = at[kind][j];
            guess[n++].cause = mixed ? "This number is of another time of the step than the "
                "others: one step needs one time." : mistake[kind].cause;
        }
        if (mirrored) {
            guess[0] = (lab_guess){mistake[STEP_SIGN].id, got[j], mistake[STEP_SIGN].cause};
            n = 1;
        }
        guess[n] = (lab_guess){NULL, NULL, NULL};
        blame(guess, got[j]);
        lab_compare(LAB_UNIT, name[j], got[j], at[RIGHT][j], TIMES, 1e-9, guess);
    }
}

/* All three on other processes: f is not −½g² there, and g² may fall. */
static void other_processes(void) {
    sgm_sde sde[3] = {sgm_sde_subvp(.1, 20), sgm_sde_edm(.002, 80), sgm_sde_rectified()};
    double at[MISTAKES + 1][27];
    lab_guess guess[MISTAKES] = {{NULL, NULL, NULL}};
    for (int i = 0; i < 9; i++) {
        const sgm_sde *of = &sde[i / 3];
        double t = of->T * lab_real(30 + i, .3, .9), to = t * lab_real(40 + i, .93, .98);
        for (int kind = 0; kind <= MISTAKES; kind++)
            step_of(at[kind] + 3 * i, kind == MISTAKES ? -1 : kind, of, t, to);
        double size = fabs(at[RIGHT][3 * i]); /* EDM's c_s is some thousands: bring all to one */
        for (int j = 0; j < 3; j++) size = fmax(size, fabs(at[RIGHT][3 * i + j]));
        for (int kind = 0; kind <= MISTAKES; kind++)
            for (int j = 0; j < 3; j++) at[kind][3 * i + j] /= size;
    }
    for (int kind = 1; kind < MISTAKES; kind++)
        guess[kind - 1] = (lab_guess){mistake[kind].id, at[kind], mistake[kind].cause};
    blame(guess, at[MISTAKES]);
    lab_compare(LAB_UNIT, "all three: sub-VP, EDM, rectified", at[MISTAKES], at[RIGHT], 27, 1e-9,
        guess);
}

/* The laws. Fifteen steps' worth is what a method of first order may owe: in units of C the
library's owes 1.7 of them, one that asks at the step's end up to 10. */
static void laws(const sgm_sde *sde, double C) {
    static double path[STEPS], ghost[4][STEPS];
    double law[MISTAKES], end = variance_at(sde, C, sde->t_min), h = (sde->T - sde->t_min) / STEPS;
    double few, many;
    lab_guess guess[MISTAKES] = {{NULL, NULL, NULL}};
    int n = 0;
    many = variance_after(-1, sde, C, STEPS, path);
    double share = many / C;
    for (int kind = 1; kind < STEP_END; kind++) {
        /* no sample is drawn: what is this mistake fits closely, not by the law's tolerance */
        if (kind == VP_ONLY || kind == FLOW || (kind == STEP_SIGN && !mirrored)) continue;
        law[kind] = variance_after(kind, sde, C, STEPS, NULL) / C;
        if (law[kind] != law[kind] || fabs(share - law[kind]) <= 1e-6 * law[kind])
            guess[n++] = (lab_guess){mistake[kind].id, &law[kind], mistake[kind].cause};
    }
    guess[n] = (lab_guess){NULL, NULL, NULL};
    blame(guess, &share);
    lab_law("V/C after 800 steps", share, end / C, 15 * h, guess);
    few = variance_after(-1, sde, C, STEPS / 2, NULL);
    double order = log(fabs(few - end) / fabs(many - end)) / log(2);
    static const double none = 0;
    lab_guess stays[] = {{"bias", &none, "Twice the steps do not halve the error: what is wrong is "
        "the step, not its length."}, {NULL, NULL, NULL}};
    blame(stays, &order);
    lab_law("order: V of 400 and 800 steps", order, 1, 0.1, stays);
    for (int k = 0; k < 4; k++) {
        static const int kind[4] = {HALF, SQRT2, NOISE_STEP, DRIFT_SIGN};
        variance_after(kind[k], sde, C, STEPS, ghost[k]);
    }
    for (int i = 0; i < STEPS; i += 4) {
        double t = sde->T - i * h;
        lab_point("%.5f %.6g %.6g %.6g %.6g %.6g %.6g", t, path[i], variance_at(sde, C, t),
            ghost[0][i], ghost[1][i], ghost[2][i], ghost[3][i]);
    }
}

/* The library's sampler, which calls the student's step: RUN of them, to t_min. Of n normals a
variance has the standard error √(2/n) of itself. */
static void sampler(const sgm_sde *sde, double C) {
    static float x[SAMPLES];
    double zero = 0, square = NAN;
    sgm_mixture mix;
    sgm_sample_options o = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = RUN,
                            .grid = SGM_GRID_UNIFORM, .plain_end = 1, .t_end = 1e-3};
    if (sgm_mixture_init(&mix, 1, 1, NULL, &zero, &C, SGM_COV_ISOTROPIC, sde) != SGM_OK) return;
    sgm_score score = sgm_mixture_score(&mix);
    lab_guess guess[MISTAKES] = {{NULL, NULL, NULL}};
    double law[MISTAKES], tol;
    int n = 0;
    for (int k = 0; k < STEP_END; k++) law[k] = variance_after(k, sde, C, RUN, NULL) / C;
    tol = 4.5 * sqrt(2. / SAMPLES) * law[RIGHT];
    for (int k = 1; k < STEP_END; k++) { /* only what so few samples can tell from all the others */
        int alone = k != FLOW && (k != STEP_SIGN || mirrored);
        for (int j = 0; j < STEP_END; j++)
            if (j != k && j != STEP_SIGN)
                alone &= fabs(law[j] - law[k]) > 9 * sqrt(2. / SAMPLES) * fmax(law[j], 1);
        if (alone) guess[n++] = (lab_guess){mistake[k].id, &law[k], mistake[k].cause};
    }
    guess[n] = (lab_guess){NULL, NULL, NULL};
    if (sgm_sample(x, SAMPLES, &score, &o, lab_key(1)) == SGM_OK) {
        square = 0;
        for (int i = 0; i < SAMPLES; i++) square += (double)x[i] * x[i] / SAMPLES;
    }
    square /= C;
    blame(guess, &square);
    lab_law("V/C of 2000 samples, 200 steps", square, law[RIGHT], tol, guess);
    sgm_mixture_free(&mix);
}

/*
## The step with the clean point held still
*/

enum {
    EXACT, DDIM, NOT_SQUARED, NOISE_ONLY, IGNORED, BY_EULER, UPSIDE_DOWN, NOISE_ROOT, NOISE_FROM,
    CLEAN_FORGOT, NO_SIGNAL, POWER_HALF, POWER_TWICE, POWER_MORE, NOISE_LINEAR, NO_ROOT, NO_ROOT_S2,
    ETA_AS_NOISE, ETA_AGAIN, NOISE_SIGN, NO_S2, NO_S2_CLEAN, NO_NEW_M, M_UPSIDE, NO_M,
    NO_SHRINK, SHRINK_TWICE, S_FOR_S2, NOISELESS, S_END, SHARE, SLIPS
};

static const struct { const char *id, *cause; } slip[SLIPS] = {
    {"-", "-"},
    {"ddim-eta", "This is DDIM's η, a share of the whole step's noise. Here η multiplies g all "
        "through the step: two half steps must make the same as one."},
    {"eta-not-squared", "The old noise fades with η where η² belongs: a variance grows by η²g²."},
    {"eta-noise-only", "η weakens the fresh noise, and the drift does not make up for it (5.2)."},
    {"eta-ignored", "η changes nothing: this is the ancestral step (5.8), which is η = 1."},
    {"euler-eta", "This is (5.2) by Euler's step. It is of first order; the task solves the step "
        "exactly for a clean point that is held still."},
    {"upside-down", "The ratio of the two noise levels stands upside down: going down, q is below "
        "1."},
    {"noise-not-squared", "The variances of old and fresh noise must add up to s'²; here their "
        "shares do."},
    {"noise-from", "The fresh noise has the size of s(t), where the step begins. It ends at "
        "s(to)."},
    {"clean-point-lost", "The score's number lacks the part that comes with the clean point."},
    {"signal-lost", "q is a ratio of s alone. How strong noise is shows beside the signal: σ is "
        "s/m."},
    {"eta-power", "The power of q has half of η². g²/(2s²) is the whole rate of log σ, its ½ "
        "included."},
    {"eta-power", "The power of q has twice η². g²/(2s²) is the rate of log σ, and stands once in "
        "the second term."},
    {"eta-power", "The power of q has a 1 beside η². The share of the first bracket is s'/s, and "
        "it is there already."},
    {"noise-linear", "What is kept is taken from 1 without squares. Variances add up, sizes do "
        "not."},
    {"root-missing", "c_z is without its root: a share of the variance, where a standard deviation "
        "multiplies z."},
    {"root-missing", "c_z is the fresh noise's variance. What multiplies z is a standard "
        "deviation."},
    {"eta-as-noise", "The fresh noise is η s'. It must fill up what the old noise has left of "
        "s'²."},
    {"eta-twice", "The fresh noise has one more η. What is kept knows of η already, and the rest "
        "follows from it."},
    {"noise-sign", "The old noise enters with the other sign: e is −s² score, for the score points "
        "from the noise to the clean point."},
    {"s2-missing", "The old noise is taken as −score, without s²."},
    {"s2-missing", "The clean point has the score without s²."},
    {"new-m-missing", "The clean point is put down as it is. What is left of it at t' is m' times "
        "it."},
    {"m-upside-down", "The ratio of the two m stands upside down: going down, the signal grows."},
    {"m-missing", "The clean point is not divided by m."},
    {"old-noise-as-it-was", "The old noise keeps its size s: without any fresh noise it shrinks by "
        "s'/s."},
    {"old-noise-end", "The old noise has s'² before the score. It is e, s² times the score, shrunk "
        "by s'/s."},
    {"s-for-s2", "The clean point and the old noise both have s before the score where s² "
        "belongs."},
    {"no-fresh-noise", "There is no fresh noise, whatever η is."},
    {"clean-point-alone", "The score's number lacks the old noise."},
    {"share", "√(1 − η²) of the old noise is kept, whatever the step: that is a share of one "
        "step's, as DDIM's η, and two half steps do not make a whole."}};

static void wrong_clean(double c[3], int kind, const sgm_sde *sde, double t, double to,
    double eta) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t), m2 = sgm_sde_m(sde, to);
    double s2 = sgm_sde_s(sde, to), q = s2 * m / (s * m2), power = eta * eta, h = t - to;
    if (kind == NOT_SQUARED) power = eta;
    if (kind == IGNORED || kind == NOISE_ONLY) power = 1;
    if (kind == UPSIDE_DOWN) q = 1 / q;
    if (kind == NO_SIGNAL) q = s2 / s;
    if (kind == POWER_HALF) power = eta * eta / 2;
    if (kind == POWER_TWICE) power = 2 * eta * eta;
    if (kind == POWER_MORE) power = 1 + eta * eta;
    double kept = power == 0 ? 1 : pow(q, power), fresh = sqrt(fabs(1 - kept * kept));
    if (kind == NOISE_ONLY) fresh *= eta;
    if (kind == DDIM) fresh = eta * sqrt(1 - q * q), kept = sqrt(1 - fresh * fresh);
    if (kind == NOISE_ROOT) fresh = sqrt(1 - kept);
    if (kind == SHARE) kept = sqrt(fabs(1 - eta * eta)), fresh = eta;
    if (kind == NOISELESS) fresh = 0;
    if (kind == NOISE_LINEAR) fresh = 1 - kept;
    if (kind == NO_ROOT) fresh *= fresh;
    if (kind == NO_ROOT_S2) fresh *= s2 * fresh;
    if (kind == ETA_AS_NOISE) fresh = eta;
    if (kind == ETA_AGAIN) fresh *= eta;
    c[0] = m2 / m, c[1] = s * s * m2 / m - s * s2 * kept, c[2] = s2 * fresh;
    if (kind == NOISE_FROM) c[2] = s * fresh;
    if (kind == CLEAN_FORGOT) c[1] = -s * s2 * kept;
    if (kind == NO_SHRINK) c[1] = s * s * m2 / m - s * s * kept;
    if (kind == SHRINK_TWICE) c[1] = s * s * m2 / m - s2 * s2 * kept;
    if (kind == S_FOR_S2) c[1] = s * m2 / m - s2 * kept;
    if (kind == S_END) c[1] = s * s * m2 / m;
    if (kind == NOISE_SIGN) c[1] = s * s * m2 / m + s * s2 * kept;
    if (kind == NO_S2) c[1] = s * s * m2 / m - s2 / s * kept;
    if (kind == NO_S2_CLEAN) c[1] = m2 / m - s * s2 * kept;
    if (kind == NO_NEW_M || kind == M_UPSIDE || kind == NO_M) {
        c[0] = kind == NO_M ? m2 : kind == M_UPSIDE ? m / m2 : 1 / m;
        c[1] = s * s * c[0] - s * s2 * kept;
    }
    if (kind == BY_EULER) {
        double g2 = sgm_sde_g2(sde, t);
        c[0] = 1 - sgm_sde_f(sde, t) * h, c[1] = .5 * (1 + eta * eta) * g2 * h;
        c[2] = eta * sqrt(g2 * h);
    }
}

static void clean_of(double c[3], int kind, const sgm_sde *sde, double t, double to, double eta) {
    double room[8] = {0};
    if (kind < 0) preset(room), clean_step(room, sde, t, to, eta), look(room);
    else wrong_clean(room, kind, sde, t, to, eta);
    memcpy(c, room, 3 * sizeof *c);
}

static int whole_slip; /* the one that all three numbers fit, or 0; some share one or two of them */

/* Fills the guesses with what differs from the truth. */
static void slips(lab_guess guess[SLIPS + 1], double *value, int n) { /* value(SLIPS + 1, n) */
    int count = 0;
    for (int kind = 1; kind < SLIPS; kind++) {
        const double *v = value + kind * n;
        if (whole_slip && kind != whole_slip) continue;
        if (!same(v, value, n)) guess[count++] = (lab_guess){slip[kind].id, v, slip[kind].cause};
    }
    guess[count] = (lab_guess){NULL, NULL, NULL};
}

static void clean_numbers(const sgm_sde *sde) {
    static const char *const name[3] = {"c_x, the clean point held still",
        "c_s, the clean point held still", "c_z, the clean point held still"};
    sgm_sde edm = sgm_sde_edm(.002, 80);
    double c[3], at[3][(SLIPS + 1) * TIMES];
    lab_guess guess[SLIPS + 1];
    unset = 0;
    for (int i = 0; i < TIMES; i++) {
        const sgm_sde *of = i < TIMES - 1 ? sde : &edm;
        double t = lab_real(50 + i, .2, .9), to = t * lab_real(60 + i, .4, .8);
        double eta = i == 0 ? 0 : i == 1 ? 1 : lab_real(70 + i, .3, .8);
        for (int kind = 0; kind <= SLIPS; kind++) {
            clean_of(c, kind == SLIPS ? -1 : kind, of, t, to, eta);
            /* no noise, but for the rounding of a difference under a root: √10⁻¹⁶ */
            if (kind == SLIPS && eta == 0 && fabs(c[2]) < 1e-7 * sgm_sde_s(of, to)) c[2] = 0;
            for (int j = 0; j < 3; j++) at[j][kind * TIMES + i] = c[j];
        }
    }
    whole_slip = 0;
    for (int kind = 1; kind < SLIPS; kind++) {
        int fits = 0;
        for (int j = 0; j < 3; j++)
            fits += same(at[j] + SLIPS * TIMES, at[j] + kind * TIMES, TIMES);
        if (fits == 3) whole_slip = kind;
    }
    for (int j = 0; j < 3; j++) {
        slips(guess, at[j], TIMES);
        blame(guess, at[j] + SLIPS * TIMES);
        lab_compare(LAB_UNIT, name[j], at[j] + SLIPS * TIMES, at[j], TIMES, 1e-9, guess);
    }
    /* Down to s' = 0: all that is left is the clean point (5.9), for any η, and for none: there
    the logarithm of q is infinite, and 0 times it is no number. */
    double t = lab_real(80, .3, .7), last[SLIPS + 1][6], *got = last[SLIPS];
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    unset = 0;
    for (int kind = 1; kind <= SLIPS; kind++)
        for (int i = 0; i < 2; i++)
            clean_of(last[kind] + 3 * i, kind == SLIPS ? -1 : kind, sde, t, 0,
                i ? 0 : lab_real(81, .3, .8));
    for (int i = 0; i < 2; i++)
        last[0][3 * i] = 1 / m, last[0][3 * i + 1] = s * s / m, last[0][3 * i + 2] = 0;
    slips(guess, last[0], 6);
    if (same(got, last[0], 3) && (got[4] != got[4] || got[5] != got[5])) {
        guess[0] = (lab_guess){"zero-power", got, "For η = 0 it is no number: there the power is "
            "0 and q is 0, whose logarithm is −∞, and 0·∞ is undefined. pow(0, 0) is 1."};
        guess[1] = (lab_guess){NULL, NULL, NULL};
    }
    blame(guess, got);
    lab_compare(LAB_UNIT, "last step, to t = 0: η > 0, then η = 0", got, last[0], 6, 1e-9, guess);
}

/* The data are one point. Then the guess at it is right, and steps of any length are exact. What is
off, e, becomes (c_x − c_s/s²) e + c_z z: its variance, and what is left of e itself. */
static void one_point(int kind, double out[2], const sgm_sde *sde, int steps, double eta) {
    double t = .8, c[3], V = pow(sgm_sde_s(sde, t), 2), left = 1;
    for (int i = 0; i < steps; i++, t -= .6 / steps) {
        double to = t - .6 / steps, s = sgm_sde_s(sde, t);
        clean_of(c, kind, sde, t, to, eta);
        double keep = c[0] - c[1] / (s * s);
        V = keep * keep * V + c[2] * c[2], left *= keep;
    }
    out[0] = V, out[1] = left;
}

/* N(0, C) data again, so many steps even in log-SNR from N(0, 1) at T to t_min. */
static double clean_after(const sgm_sde *sde, double C, int steps, double eta) {
    double t[2 * FINE + 1], w = 1, c[3];
    sgm_time_grid(t, steps, SGM_GRID_LOGSNR, sde, sde->T, sde->t_min);
    for (int i = 0; i < steps; i++) {
        double V = variance_at(sde, C, t[i]);
        clean_of(c, -1, sde, t[i], t[i + 1], eta);
        w = (c[0] - c[1] / V) * (c[0] - c[1] / V) * w + c[2] * c[2];
    }
    return w;
}

static void clean_laws(const sgm_sde *sde, double C) {
    static const char *const name[2] = {"one point: V after 1, 3, 8 steps",
        "one point: old noise left, 1, 3, 8 steps"};
    static const int steps[3] = {1, 3, 8};
    double at[2][(SLIPS + 1) * 3], eta = lab_real(90, .4, .7), out[2];
    lab_guess guess[SLIPS + 1];
    for (int kind = 0; kind <= SLIPS; kind++)
        for (int k = 0; k < 3; k++) {
            one_point(kind == SLIPS ? -1 : kind, out, sde, steps[k], eta);
            for (int j = 0; j < 2; j++) at[j][kind * 3 + k] = out[j];
        }
    for (int j = 0; j < 2; j++) {
        slips(guess, at[j], 3);
        blame(guess, at[j] + SLIPS * 3);
        lab_compare(LAB_LAW, name[j], at[j] + SLIPS * 3, at[j], 3, 1e-9, guess);
    }
    /* N(0, C) data: the guess moves, and what that costs is of first order. */
    double end = variance_at(sde, C, sde->t_min), few = clean_after(sde, C, FINE, eta);
    double many = clean_after(sde, C, 2 * FINE, eta);
    static const double none = 0;
    lab_guess stays[] = {{"bias", &none, "Twice the steps do not halve the error: old and fresh "
        "noise do not make up for each other."}, {NULL, NULL, NULL}};
    double order = log(fabs(few - end) / fabs(many - end)) / log(2);
    blame(stays, &order);
    lab_law("order: V of 160 and 320 steps, any η", order, 1, 0.08, stays);
}

static void lab_checks(void) {
    sgm_sde sde = sgm_sde_vp(.1, lab_real(0, 18, 22));
    double C = lab_real(1, .2, .3);
    unset = 0;
    numbers(&sde);
    other_processes();
    laws(&sde, C);
    sampler(&sde, C);
    clean_numbers(&sde);
    clean_laws(&sde, C);
}
