/*
Checker of assignment 9. The velocity and one step are compared with the same arithmetic done here
in double precision, on a score in float; the laws are the order, the standard deviation of
Gaussian data, which the flow keeps exactly, and the library's own flow.
*/
#include "check.h"

void flow_velocity(float *velocity, const float *x, float *times, long n, double t,
                   const sgm_score *score);
void heun_flow(float *x, float *room, long n, const sgm_score *score, const double *t, int steps);

enum { N = 6, D = 2, GUARD = 64, MOST = 200, HUMPS = 9 };
static const float mark = 1234.5f; /* around each array: a write outside of it is seen */

typedef struct padded { float before[GUARD], at[4 * N * D + N + HUMPS], after[GUARD]; } padded;
static int named; /* the first velocity's mistake: others give the same on other processes */
static int outside; /* writes beyond an array's ends */

static void prepare(padded *p) {
    float *all = p->before;
    for (size_t i = 0; i < sizeof *p / sizeof *all; i++) memcpy(all + i, &mark, sizeof mark);
}

static void inspect(const padded *p, long used) {
    for (int i = 0; i < GUARD; i++)
        outside += memcmp(p->before + i, &mark, 4) || memcmp(p->after + i, &mark, 4);
    for (size_t i = (size_t)used; i < sizeof p->at / sizeof *p->at; i++)
        outside += memcmp(p->at + i, &mark, 4) != 0;
}

/*
## Known mistakes: of the velocity, then of the step
*/

enum {
    RIGHT, WHOLE, SCORE_SIGN, DRIFT_SIGN, NO_DRIFT, SCORE_G, VP_ONLY, FIRST_ROWS, SCORE_ROWS, G4,
    QUARTER, NO_SCORE, TURNED, STALE, UNWRITTEN, REFUSED, SCORE_ONLY, EULER,
    OLD_TIME, OLD_PLACE, SUM, TWICE, END_ONLY, STEP_SIGN, EVEN, STILL, HALF_WAY,
    AWAY, FULL_MOVE, SHORT, LONG, FIRST_STEP, ROWS_MOVED, ROWS_X, ROWS_BOTH, NO_X, OVERLAP,
    HALF_TIME, RALSTON, MIDPOINT, MISTAKES
};

static const struct { const char *id, *cause; } mistake[MISTAKES] = {
    {"-", "-"},
    {"whole-g2", "The whole of g² is in it. That is the way back with noise; a flow has none, and "
        "takes half."},
    {"score-sign", "The score has the wrong sign: points flow away from where p is large as t "
        "rises."},
    {"drift-sign", "The linear part has the wrong sign. (7.1) is the same for rising and for "
        "falling t: h alone has a sign."},
    {"drift-missing", "The linear part f x is left out."},
    {"g-for-g2", "The score is multiplied by ½g where ½g² belongs."},
    {"vp-only", "f is written as −½g². That is true of VP alone; ask for f itself."},
    {"first-row", "Only n of the n·d numbers are done: d is the score's."},
    {"first-row", "Only n of the n·d numbers are done, and the others are still the score: d is "
        "the score's."},
    {"g2-squared", "The score is multiplied by the square of g²: sgm_sde_g2 is g² already."},
    {"quarter", "The score is multiplied by a quarter of g²; half of it belongs there."},
    {"score-missing", "The score's part is 0. Does sgm_score_eval refuse, which wants a time for "
        "each of the n points? Or is it 1/2, which in C is 0?"},
    {"velocity-turned", "F has the wrong sign as a whole. (7.1) is the same for rising and for "
        "falling t: h alone has a sign."},
    {"times-missing", "sgm_score_eval refused and left the array as it was; the velocity is made "
        "of that. Has every one of the n points its time in `times`?"},
    {"not-written", "Nothing was written. If you return when sgm_score_eval refuses: has every one "
        "of the n points its time in `times`?"},
    {"times-missing", "All is NaN, as it is where sgm_score_eval refuses: has every one of the n "
        "points its time in `times`?"},
    {"score-only", "This is the score itself: neither f nor ½g² is in it."},
    {"euler", "This is Euler's step: the second velocity does not enter."},
    {"old-time", "The second velocity is asked at the old time. It works, and its order is 1."},
    {"old-place", "The second velocity is asked at the points that have not moved."},
    {"sum-for-mean", "Both velocities are added up and their mean is not taken: twice as far."},
    {"moved-twice", "The mean velocity is added to the moved points, not to those where the step "
        "began."},
    {"end-only", "Only the second velocity moves the points: their mean is Heun's."},
    {"step-sign", "The step has the wrong sign: h is the new time less the old, and falls below 0 "
        "on the way back."},
    {"even-steps", "All steps are as long as the mean step. Take h from the two times at its "
        "ends."},
    {"unmoved", "The points are where they were. New ones must stand in x itself; and sgm_flow, if "
        "it was called, refuses times outside of the score's t_min and T."},
    {"half-way", "The second velocity is asked at the new time, but at points that went half the "
        "way."},
    {"moved-away", "The points are moved against the velocity before the second is asked."},
    {"whole-velocity", "The points are moved by the velocity itself, not by h times it, before the "
        "second is asked."},
    {"last-missing", "The last step is missing: the last time is t[steps]."},
    {"one-too-many", "There is a step too many: it reads t[steps + 1], which is not there."},
    {"first-step", "All steps are as long as the first. Take h from the two times at its ends."},
    {"first-row", "Only n of the n·d moved numbers are set: d is the score's."},
    {"first-row", "Only n of the n·d numbers of x take the step: d is the score's."},
    {"first-row", "Both loops end at n, and there are n·d numbers: d is the score's."},
    {"moved-from-0", "The moved points are h F alone: where they began is left out."},
    {"overlap", "The second velocity is written over the moved points, while they are still "
        "wanted. Each array needs n·d floats of its own."},
    {"half-time", "The second velocity is asked at half the step's time, but at points that went "
        "the whole step."},
    {"=ralston", "This is the method of Ralston, two thirds of the way with the weights ¼ and ¾: "
        "as many evaluations, order 2 as well. Heun's takes the mean of both ends."},
    {"=midpoint", "This is the midpoint method: as many evaluations, order 2 as well. Heun's takes "
        "the mean of both ends."}};

static void velocity_of(double *v, const double *x, long n, double t, const sgm_score *score,
    int kind) {
    static float y[N * D + HUMPS], s[N * D + HUMPS], times[N + HUMPS];
    double f = sgm_sde_f(&score->sde, t), g2 = sgm_sde_g2(&score->sde, t), half = 0.5 * g2;
    long size = n * score->d;
    for (long k = 0; k < size; k++) y[k] = (float)x[k];
    for (long i = 0; i < n; i++) times[i] = (float)t;
    if (sgm_score_eval(score, s, y, times, n) != SGM_OK) s[0] = NAN;
    if (kind == WHOLE) half = g2;
    if (kind == SCORE_SIGN) half = -half;
    if (kind == DRIFT_SIGN) f = -f;
    if (kind == NO_DRIFT) f = 0;
    if (kind == SCORE_G) half = 0.5 * sqrt(g2);
    if (kind == VP_ONLY) f = -0.5 * g2;
    if (kind == G4) half *= g2;
    if (kind == QUARTER) half *= 0.5;
    if (kind == NO_SCORE) half = 0;
    if (kind == TURNED) f = -f, half = -half;
    if (kind == SCORE_ONLY) f = 0, half = -1;
    for (long k = 0; k < size; k++) {
        v[k] = kind == FIRST_ROWS && k >= n ? 0 : kind == SCORE_ROWS && k >= n
            ? s[k] : f * x[k] - half * s[k];
        if (kind == STALE) v[k] = f * x[k] - half * mark;
        if (kind == UNWRITTEN) v[k] = mark;
        if (kind == REFUSED) v[k] = NAN;
    }
}

/* What stands behind the last time: a step too many reads it. */
static double behind(const double *t, int steps) { return t[steps] + 0.5 * (t[1] - t[0]); }

/* The velocity that is written over its own points. */
static void overlapping(double *v, const double *y, long n, double t, const sgm_score *score) {
    static float s[N * D + HUMPS], times[N + HUMPS];
    double f = sgm_sde_f(&score->sde, t), half = 0.5 * sgm_sde_g2(&score->sde, t);
    for (long k = 0; k < n * score->d; k++) s[k] = (float)y[k];
    for (long i = 0; i < n; i++) times[i] = (float)t;
    if (sgm_score_eval(score, s, s, times, n) != SGM_OK) s[0] = NAN;
    for (long k = 0; k < n * score->d; k++) v[k] = (f - half) * s[k];
}

static void steps_of(double *x, long n, const sgm_score *score, const double *t, int steps,
    int kind) {
    double a[N * D + HUMPS], b[N * D + HUMPS], y[N * D + HUMPS];
    long size = n * score->d;
    int most = kind == SHORT ? steps - 1 : kind == LONG ? steps + 1 : steps;
    int rows_y = kind == ROWS_MOVED || kind == ROWS_BOTH;
    int rows_x = kind == ROWS_X || kind == ROWS_BOTH;
    for (int i = 0; i < most; i++) {
        double at = i < steps ? t[i + 1] : behind(t, steps), h = at - t[i], reach = 1;
        if (kind == FIRST_STEP) h = t[1] - t[0];
        if (kind == HALF_TIME) at = 0.5 * (t[i] + t[i + 1]);
        if (kind == STEP_SIGN) h = -h;
        if (kind == STILL) h = 0;
        if (kind == EVEN) h = (t[steps] - t[0]) / steps;
        if (kind == OLD_TIME) at = t[i];
        if (kind == OLD_PLACE) reach = 0;
        if (kind == HALF_WAY) reach = 0.5;
        if (kind == AWAY) reach = -1;
        if (kind == FULL_MOVE) reach = 1 / h;
        if (kind == RALSTON) at = t[i] + 2 * h / 3, reach = 2. / 3;
        if (kind == MIDPOINT) at = 0.5 * (t[i] + t[i + 1]), reach = 0.5;
        velocity_of(a, x, n, t[i], score, kind);
        for (long k = 0; k < size; k++) {
            y[k] = (kind == NO_X ? 0 : x[k]) + reach * h * a[k];
            if (rows_y && k >= n) y[k] = mark;
        }
        if (kind == OVERLAP) overlapping(b, y, n, at, score);
        else velocity_of(b, y, n, at, score, kind);
        for (long k = 0; k < (rows_x ? n : size); k++) {
            double mean = 0.5 * (a[k] + b[k]);
            if (kind == EULER) mean = a[k];
            if (kind == SUM) mean *= 2;
            if (kind == RALSTON) mean = .25 * a[k] + .75 * b[k];
            if (kind == END_ONLY || kind == MIDPOINT) mean = b[k];
            x[k] = (kind == TWICE ? y[k] : x[k]) + h * mean;
        }
    }
}

/* The student's, with marks around what it may write. */
static void run_student(double *x, long n, const sgm_score *score, const double *t, int steps) {
    static padded p, room;
    long size = n * score->d;
    double times[MOST + 2];
    sgm_score given = *score;
    given.sde.t_min = .9 * given.sde.T; /* the caller says where a flow ends, not the score */
    prepare(&p), prepare(&room);
    for (long k = 0; k < size; k++) p.at[k] = (float)x[k];
    memcpy(times, t, ((size_t)steps + 1) * sizeof *t);
    times[steps + 1] = behind(t, steps);
    heun_flow(p.at, room.at, n, &given, times, steps);
    inspect(&p, size), inspect(&room, 3 * size + n);
    for (long k = 0; k < size; k++) x[k] = p.at[k];
}

/* The guesses: what differs from the truth, value(kind, count), by what a float can tell. If what
was named before fits got, it alone. */
static void guesses(lab_guess *guess, const double *got, const double *value, long count, int from,
    int to) {
    int n = 0;
    long where;
    if (named && lab__off(got, value + named * count, count, &where) <=
        2e-6 * lab__largest(value + named * count, count)) from = to = named;
    for (int kind = from; kind <= to; kind++) {
        const double *v = value + kind * count;
        if (kind == TURNED && named != TURNED && from != to && to == MIDPOINT) continue; /* as -h */
        if (lab__off(v, value, count, &where) > 6e-6 * lab__largest(value, count))
            guess[n++] = (lab_guess){mistake[kind].id, v, mistake[kind].cause};
    }
    guess[n] = (lab_guess){NULL, NULL, NULL};
}

/*
## Velocity and step
*/

/* A score that fails, as a network does that finds no memory. */
static sgm_status failing(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    (void)self, (void)s, (void)x, (void)t, (void)n;
    return SGM_NO_MEMORY;
}

static void no_velocity(sgm_score score, const float *x, double t) {
    static padded v, times, p;
    int none = 1;
    score.eval = failing;
    prepare(&v), prepare(&times), prepare(&p);
    memcpy(p.at, x, N * D * sizeof *x);
    flow_velocity(v.at, p.at, times.at, N, t, &score);
    inspect(&v, N * D), inspect(&times, N);
    for (int k = 0; k < N * D; k++) none &= v.at[k] != v.at[k];
    lab_true(LAB_UNIT, "velocity: NaN where the score fails", none,
        named ? mistake[named].id : "failure-unseen",
        "sgm_score_eval did not return SGM_OK, and what is in the array is taken for a velocity. "
        "NaN in all its numbers says that it is none.");
}

static void one_velocity(const char *name, const sgm_sde *sde, int i, int failure) {
    static padded v, times, p;
    double mean[2 * D], var[2] = {.2, .3}, x[N * D], at[(SCORE_ONLY + 1) * N * D], got[N * D];
    lab_guess guess[MISTAKES + 1];
    sgm_mixture mix;
    for (int k = 0; k < 2 * D; k++) mean[k] = lab_real(i + k, -1, 1);
    if (sgm_mixture_init(&mix, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, sde) != SGM_OK) return;
    sgm_score score = sgm_mixture_score(&mix);
    double t = sde->T * lab_real(i + 10, .3, .7);
    prepare(&v), prepare(&times), prepare(&p);
    for (int k = 0; k < N * D; k++)
        x[k] = p.at[k] = (float)(lab_real(i + 11 + k, -1, 1) * (1 + sgm_sde_s(sde, t)));
    for (int kind = 0; kind <= SCORE_ONLY; kind++)
        velocity_of(at + kind * N * D, x, N, t, &score, kind);
    flow_velocity(v.at, p.at, times.at, N, t, &score);
    inspect(&v, N * D), inspect(&times, N);
    for (int k = 0; k < N * D; k++) got[k] = v.at[k], outside += p.at[k] != (float)x[k];
    for (int kind = WHOLE; !named && kind <= SCORE_ONLY; kind++) {
        long where;
        const double *would = at + kind * N * D;
        if (sde->family == SGM_FAMILY_VP &&
            lab__off(would, at, N * D, &where) > 6e-6 * lab__largest(at, N * D) &&
            lab__off(got, would, N * D, &where) <= 2e-6 * lab__largest(would, N * D)) named = kind;
    }
    guesses(guess, got, at, N * D, WHOLE, SCORE_ONLY);
    /* of the larger of its two parts, for they may all but cancel each other */
    double part = fmax(lab__largest(at + NO_DRIFT * N * D, N * D),
                       lab__largest(at + NO_SCORE * N * D, N * D));
    if (!lab_compare(LAB_UNIT, name, got, at, N * D,
            2e-6 * fmax(1, part / lab__largest(at, N * D)), guess)) {
        long k;
        lab__off(got, at, N * D, &k);
        k -= k % D;
        const double *s = at + SCORE_ONLY * N * D + k;
        lab_say(LAB_INFORMATIVE, "By hand, at t = %.7g: x = (%.7g, %.7g), f = %.7g, g² = %.7g, "
            "score (%.7g, %.7g). F is (%.7g, %.7g), yours (%.7g, %.7g).", t, x[k], x[k + 1],
            sgm_sde_f(sde, t), sgm_sde_g2(sde, t), s[0], s[1], at[k], at[k + 1], got[k],
            got[k + 1]);
    }
    if (failure) no_velocity(score, p.at, t);
    sgm_mixture_free(&mix);
}

/* A score that counts who asks it, how often, and about how many points. */
static long calls, asked;
static sgm_score inner;
static sgm_status counting(const sgm_score *self, float *s, const float *x, const float *t,
    long n) {
    (void)self, calls++, asked += n;
    return inner.eval(&inner, s, x, t, n);
}

static void few_steps(const sgm_sde *sde) {
    static const char *const name[3] = {"one step of Heun, down", "three uneven steps, down",
        "three uneven steps, up"};
    double mean[2 * D], var[2] = {.2, .3}, got[N * D], from[N * D], at[MISTAKES * N * D];
    double first[N * D], second[N * D], y[N * D];
    int last_missing = 0;
    lab_guess guess[MISTAKES + 1];
    sgm_mixture mix;
    for (int k = 0; k < 2 * D; k++) mean[k] = lab_real(200 + k, -1, 1);
    if (sgm_mixture_init(&mix, 2, D, NULL, mean, var, SGM_COV_ISOTROPIC, sde) != SGM_OK) return;
    sgm_score score = inner = sgm_mixture_score(&mix);
    score.eval = counting;
    /* One step that is not made is no step at all: two tell which of the two it is. */
    double two[3] = {.5, .4, .32}, with[N * D], without[N * D];
    for (int k = 0; k < N * D; k++) got[k] = (float)lab_real(230 + k, -1.5, 1.5);
    memcpy(with, got, sizeof got), memcpy(without, got, sizeof got), memcpy(from, got, sizeof got);
    run_student(with, N, &score, two, 2), steps_of(without, N, &inner, two, 2, SHORT);
    long where;
    last_missing = lab__off(with, without, N * D, &where) <= 6e-6 * lab__largest(without, N * D);
    for (int row = 0; row < 3; row++) {
        int steps = row ? 3 : 1;
        double t[4], sign = row < 2 ? -1 : 1;
        t[0] = lab_real(210 + row, .45, .55);
        for (int i = 0; i < 3; i++) t[i + 1] = t[i] + sign * lab_real(220 + 3 * row + i, .04, .12);
        memcpy(got, from, sizeof got);
        for (int kind = 0; kind < MISTAKES; kind++) {
            double *x = at + kind * N * D;
            memcpy(x, got, sizeof got);
            steps_of(x, N, &inner, t, steps, kind);
        }
        calls = asked = 0;
        run_student(got, N, &score, t, steps);
        /* The velocity has rows of its own: its mistakes are named there, and here again. */
        guesses(guess, got, at, N * D, WHOLE, MIDPOINT);
        for (lab_guess *g = guess; row == 0 && last_missing && g->id; g++)
            if (!strcmp(g->id, mistake[STILL].id))
                g->id = mistake[SHORT].id, g->cause = mistake[SHORT].cause;
        if (lab_compare(LAB_UNIT, name[row], got, at, N * D, 2e-6, guess) || row > 0) continue;
        velocity_of(first, from, N, t[0], &inner, RIGHT);
        for (int k = 0; k < N * D; k++) y[k] = from[k] + (t[1] - t[0]) * first[k];
        velocity_of(second, y, N, t[1], &inner, RIGHT);
        lab_say(LAB_INFORMATIVE, "By hand, from t = %.7g to %.7g: the first point begins at (%.7g, "
            "%.7g). F is (%.7g, %.7g) there, and (%.7g, %.7g) where Euler's step ends. Its new "
            "place is (%.7g, %.7g), yours (%.7g, %.7g).", t[0], t[1], from[0], from[1], first[0],
            first[1], second[0], second[1], at[0], at[1], got[0], got[1]);
    }
    static const double none = 0, one = 1, four = 4, two_of_three = 4 / 3., four_of_three = 8 / 3.;
    const lab_guess often[] = {
        {"zeros", &none, "The score was not asked once."},
        {"evaluations", &one, "The score is asked once for each step: Heun asks twice."},
        {"evaluations", &four, "The score is asked four times for each step: Heun asks twice."},
        {mistake[SHORT].id, &two_of_three, mistake[SHORT].cause},
        {mistake[LONG].id, &four_of_three, mistake[LONG].cause}, {NULL, NULL, NULL}};
    lab_unit("evaluations of each step", calls / 3., 2, 1e-9, often);
    if (calls && asked != calls * N)
        lab_say(LAB_ACTIONABLE, "The score was asked about %.1f points at a time: ask about all %d "
            "in one call, for that is what makes a network fast.", (double)asked / calls, N);
    sgm_mixture_free(&mix);
}

/*
## Laws
*/

static void even(double *t, double from, double to, int steps) {
    for (int i = 0; i <= steps; i++) t[i] = from + (to - from) * i / steps;
}

/* The flow keeps the law of N(0, C) at every time, so it multiplies all points by the ratio of the
standard deviations: from N(0, V(T)) the point 1 must come to √(V(t_min)/V(T)). */
static void gaussian(const sgm_sde *sde, double C) {
    double zero = 0, t[MOST + 1], at[MISTAKES], order[MISTAKES], x[2], end = sde->t_min;
    double m = sgm_sde_m(sde, end), s = sgm_sde_s(sde, end), M = sgm_sde_m(sde, sde->T);
    double truth = sqrt((m * m * C + s * s) / (M * M * C + pow(sgm_sde_s(sde, sde->T), 2)));
    lab_guess guess[MISTAKES], slope[MISTAKES];
    sgm_mixture mix;
    if (sgm_mixture_init(&mix, 1, 1, NULL, &zero, &C, SGM_COV_ISOTROPIC, sde) != SGM_OK) return;
    sgm_score score = sgm_mixture_score(&mix);
    int n = 0;
    for (int kind = 0; kind <= MISTAKES; kind++) {
        for (int k = 0; k < 2; k++) {
            even(t, sde->T, end, k ? MOST : MOST / 2), x[k] = 1;
            if (kind < MISTAKES) steps_of(x + k, 1, &score, t, k ? MOST : MOST / 2, kind);
            else run_student(x + k, 1, &score, t, k ? MOST : MOST / 2);
        }
        double p = log(fabs(x[0] - truth) / fabs(x[1] - truth)) / log(2);
        if (kind < MISTAKES) {
            at[kind] = x[0] / truth, order[kind] = p;
            continue;
        }
        /* Heun's own error at these steps is 2.7e-4, Euler's 5e-3 */
        for (int j = named ? named : WHOLE; j < (named ? named + 1 : RALSTON); j++)
            if ((j != TURNED || named) && j != VP_ONLY && j != FIRST_ROWS && j != SCORE_ROWS &&
                fabs(at[j] - at[0]) > 3e-3 &&
                fabs(x[0] / truth - at[j]) <= 1e-4 * fabs(at[j])) /* a law near 0 fits much */
                guess[n++] = (lab_guess){mistake[j].id, &at[j], mistake[j].cause};
        guess[n] = (lab_guess){NULL, NULL, NULL};
        lab_law("std of N(0, C), 100 steps: over truth", x[0] / truth, 1, 1e-3, guess);
        n = 0; /* of first order are several, with constants of their own; a bias has order 0 */
        static const int first[] = {EULER, OLD_TIME, OLD_PLACE, END_ONLY, HALF_WAY, AWAY,
            HALF_TIME, RALSTON};
        for (int j = 0; j < 8; j++)
            if (fabs(x[0] / truth - at[first[j]]) <= 1e-4 * fabs(at[first[j]]))
                slope[n++] = (lab_guess){mistake[first[j]].id, &order[first[j]],
                    mistake[first[j]].cause};
        static const double one = 1;
        if (!n) slope[n++] = (lab_guess){"first-order", &one, "Twice the steps, half the error: "
            "the second velocity is not that of the moved points at the new time, or has no "
            "share."};
        slope[n++] = (lab_guess){"bias", &zero, "Twice the steps do not help: what is wrong is the "
            "velocity or the step, not its length."};
        slope[n] = (lab_guess){NULL, NULL, NULL};
        lab_law("order: std of 100 and 200 steps", p, 2, 0.08, slope);
    }
    sgm_mixture_free(&mix);
}

/* Two humps, 30 and 70 % of the points, as in lesson 08. No point overtakes another, so the share
of all that lies left of one never changes. */
static double left(const sgm_sde *sde, double x, double t) {
    double m = sgm_sde_m(sde, t), r = sqrt(2 * (.04 * m * m + pow(sgm_sde_s(sde, t), 2)));
    return .5 + .15 * erf((x + m) / r) + .35 * erf((x - m) / r);
}

/* For the picture: the paths step by step, where the library's end, and errors against steps. */
static void draw(const sgm_sde *sde, const sgm_score *score, const double *start,
    const float *library) {
    double x[HUMPS], t[MOST + 1], end = sde->t_min;
    if (!lab__.picture) return;
    memcpy(x, start, sizeof x);
    even(t, sde->T, end, MOST);
    for (int i = 0; i <= MOST; i++) {
        lab_point("%.6g %.5g %.5g %.5g %.5g %.5g %.5g %.5g %.5g %.5g", t[i], x[0], x[1], x[2], x[3],
            x[4], x[5], x[6], x[7], x[8]);
        if (i < MOST) run_student(x, HUMPS, score, t + i, 1);
    }
    lab_point("\n");
    for (int i = 0; i < HUMPS; i++) lab_point("%.6g %.5g", end, (double)library[i]);
    lab_point("\n");
    for (int steps = 25; steps <= MOST; steps *= 2) {
        static const int kind[4] = {-1, EULER, OLD_TIME, WHOLE};
        double off[4] = {0};
        even(t, sde->T, end, steps);
        for (int k = 0; k < 4; k++) {
            memcpy(x, start, sizeof x);
            if (k) steps_of(x, HUMPS, score, t, steps, kind[k]);
            else run_student(x, HUMPS, score, t, steps);
            for (int i = 0; i < HUMPS; i++) off[k] += fabs(x[i] - library[i]) / HUMPS;
        }
        lab_point("%d %.4g %.4g %.4g %.4g", steps, off[0], off[1], off[2], off[3]);
    }
}

static void humps(const sgm_sde *sde) {
    double mean[2] = {-1, 1}, var[2] = {.04, .04}, w[2] = {.3, .7}, end = sde->t_min;
    double t[MOST + 1], x[HUMPS], y[HUMPS], own[HUMPS], share[HUMPS], kept[HUMPS], off = 0;
    double start[HUMPS];
    float library[HUMPS];
    sgm_mixture mix;
    sgm_sample_options fine = {.method = SGM_METHOD_RK45, .rtol = 1e-6, .atol = 1e-6};
    if (sgm_mixture_init(&mix, 2, 1, w, mean, var, SGM_COV_ISOTROPIC, sde) != SGM_OK) return;
    sgm_score score = sgm_mixture_score(&mix);
    for (int i = 0; i < HUMPS; i++)
        x[i] = own[i] = library[i] = (float)(lab_real(300 + i, -.1, .1) - 1.6 + .4 * i);
    if (sgm_flow(library, HUMPS, &score, sde->T, end, &fine, NULL) != SGM_OK) library[0] = NAN;
    for (int i = 0; i < HUMPS; i++) y[i] = start[i] = x[i];
    even(t, sde->T, end, MOST);
    steps_of(own, HUMPS, &score, t, MOST, RIGHT);
    run_student(x, HUMPS, &score, t, MOST);
    for (int i = 0; i < HUMPS; i++) {
        share[i] = left(sde, y[i], sde->T), kept[i] = left(sde, x[i], end);
        off = fmax(off, fabs(own[i] - library[i]));
        y[i] = library[i];
    }
    /* what Heun's steps of this length miss by, and the library's 1e-5 */
    lab_compare(LAB_LAW, "two humps: ends, as sgm_flow's", x, y, HUMPS,
        (1.5 * off + 1e-5) / lab__largest(y, HUMPS), NULL);
    lab_compare(LAB_LAW, "two humps: share left of each", kept, share, HUMPS, 2e-3, NULL);
    draw(sde, &score, start, library);
    sgm_mixture_free(&mix);
}

static void lab_checks(void) {
    sgm_sde vp = sgm_sde_vp(.1, lab_real(0, 18, 22)), other = sgm_sde_subvp(.1, 20);
    sgm_sde edm = sgm_sde_edm(.002, 10);
    outside = 0;
    one_velocity("velocity, VP", &vp, 20, 0);
    one_velocity("velocity, sub-VP", &other, 60, 0);
    one_velocity("velocity, EDM", &edm, 100, 1);
    few_steps(&vp);
    gaussian(&vp, lab_real(1, .2, .3));
    humps(&vp);
    if (outside) /* the marks are dead: what else is right cannot be trusted */
        lab_true(LAB_UNIT, "writes stay within the arrays", 0, "outside", "Something was written "
            "before or behind an array, or into the points that are only read.");
}
