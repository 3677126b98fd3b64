#include "check.h"

double clip_factor(const float *g, long n, double longest);
void adam_step(float *p, float *m, float *v, const float *g, long n, long k, double rate,
    double factor, const sgm_train_options *o);
void average_step(float *e, const float *p, long n, double decay, long k);

enum { N = 64, MOST = 4096, ROOM = 64, STEPS = 5 }; /* ROOM: for what is written too far */

/* Known mistakes; 0: none. */
enum {
    NO_BIAS = 1,
    ONLY_M,
    ONLY_V,
    EPS_INSIDE,
    EPS_HAT,
    NO_ROOT,
    SWAPPED,
    MOMENTUM,
    UPHILL,
    LATE_COUNT,
    STORED,
    PLAIN_V,
    FACTOR_ON_STEP,
    NO_FACTOR,
    NO_POWER,
    MULTIPLIED,
    WEIGHTS_SWAPPED,
    M_SQUARED,
    V_SUM,
    FACTOR_TWICE,
    FACTOR_ONCE,
    NO_EPS,
    NO_MEAN,
    ROOT_OF_V,
    BELIEF,
    ADAM_ALL, /* of adam_step */
    SMALL_AT_START = ADAM_ALL,
    KEEPS_FIRST,
    SWAPPED_SHARE,
    PLAIN_MEAN,
    LATE_AVERAGE,
    DECAY_FOR_SHARE,
    DIVIDED,
    AWAY,
    ONLY_ADDED,
    ALL
};
static const char *const name[ALL][2] = {{"", ""},
    {"no-bias", "M and V are not divided by 1 − β₁^k and 1 − β₂^k: the first step is (1 − β₁)/√(1 "
                "− β₂) times the "
                "rate (for .9 and .999: √10 = 3.16)."},
    {"only-m-corrected", "M is divided by its sum of weights, V is not: its root is far too small "
                         "in the first steps."},
    {"only-v-corrected",
        "V is divided by its sum of weights, M is not: the first steps are too short."},
    {"eps-inside",
        "δ stands under the root, where it counts as √δ; in (4.7) it is added to the root."},
    {"=eps-hat", "This δ is added to √V before V is divided by its weights (Kingma and Ba give "
                 "this form, too, with "
                 "a hat on it). It is the same step but for the size of δ, which seldom matters."},
    {"no-root", "M is divided by V, not by its root: the step then has the unit 1/gradient."},
    {"betas-swapped", "β₁ is V's and β₂ is M's: in (4.7) M forgets fast, by β₁, and V slowly."},
    {"momentum-sum", "M is the sum β₁ M + g of (4.6); Adam's is the mean, whose new gradient has "
                     "the weight 1 − β₁."},
    {"uphill", "The parameters move along the gradient; the loss falls against it."},
    {"late-count", "The powers β^k are those of k + 1: the first step has k = 1."},
    {"stored-corrected", "The means are stored after the division, so that the next step divides "
                         "again: keep M and V "
                         "as they are, and divide in the last line only."},
    {"v-not-squared", "V is the mean of g, or of |g|; it has to be the mean of g²."},
    {"factor-on-step",
        "The factor shortens the step. Clipping means the gradient: it has to be in M and V, too."},
    {"no-factor", "The factor is not used: M and V see the whole gradient."},
    {"no-power", "M and V are divided by 1 − β₁ and 1 − β₂ in every step: that is right in the "
                 "first alone, for the power k of β is missing."},
    {"multiplied", "M and V are multiplied by the sums of their weights: whoever wants a mean "
                   "divides by them."},
    {"weights-swapped", "The weights of old and new are exchanged: M keeps β₁ of itself and takes "
                        "1 − β₁ of the gradient; V likewise."},
    {"square-of-mean", "V is the mean of M²; it has to be the mean of g²."},
    {"v-sum", "V is the sum β₂ V + g²; the new square has the weight 1 − β₂."},
    {"factor-twice", "The factor shortens the gradient, and then the step once more."},
    {"factor-not-squared", "V has the factor once: the square of a shortened gradient has its "
                           "square."},
    {"eps-missing", "There is no δ: nothing keeps the step from a division by 0."},
    {"last-gradient", "The step is made of the last gradient; Adam's is made of M, the mean."},
    {"root-of-v-alone", "The root is taken of V before it is divided by its weights: both stand "
                        "under it."},
    {"belief", "V is the mean of (g − M)²: that is AdaBelief. Adam's is the mean of g²."},
    {"ema-from-zero", "The share of the new parameters is 1 − γ alone: what e held before the "
                      "first step keeps the "
                      "weight γ^k, and e is too small, or old, for 1/(1 − γ) steps."},
    {"ema-keeps-first",
        "The first parameters are taken whole, and from then on the share is 1 − γ: they keep the "
        "weight γ^(k−1), as if they stood for all steps before."},
    {"ema-swapped", "The two shares are exchanged: (1 − γ)/(1 − γ^k) is that of the new "
                    "parameters, the rest that of e."},
    {"ema-plain-mean", "The share is 1/k: that is the plain mean of all parameters so far, which "
                       "forgets nothing."},
    {"ema-late-count",
        "The power γ^k is that of k + 1: the first step has k = 1, and the share 1."},
    {"ema-decay", "γ is the share of the new parameters here: γ is what e keeps, near 1."},
    {"ema-divided", "γ e + (1 − γ) θ is divided by 1 − γ^k and stored, so that the next step "
                    "divides again. (4.10) needs no division of what e has become."},
    {"ema-away", "e moves away from the parameters: it is θ − e that is added."},
    {"ema-only-added", "A share of the parameters is added, and nothing of e is taken away."}};

/* Adam in doubles, with a mistake: step k. */
static void adam(int wrong, double *p, double *m, double *v, const float *g, long n, long k,
    double rate, double factor, const sgm_train_options *o) {
    const double beta1 = wrong == SWAPPED ? o->beta2 : o->beta1,
                 beta2 = wrong == SWAPPED ? o->beta1 : o->beta2;
    const double at = (double)(wrong == LATE_COUNT ? k + 1 : k);
    double b1 = wrong == NO_BIAS || wrong == ONLY_V ? 1 : 1 - pow(beta1, at);
    double b2 = wrong == NO_BIAS || wrong == ONLY_M ? 1 : 1 - pow(beta2, at);
    if (wrong == NO_POWER) b1 = 1 - beta1, b2 = 1 - beta2;
    if (wrong == MULTIPLIED) b1 = 1 / b1, b2 = 1 / b2;
    for (long i = 0; i < n; i++) {
        const double grad = (wrong == FACTOR_ON_STEP || wrong == NO_FACTOR ? 1 : factor) * g[i];
        const double keep1 = wrong == WEIGHTS_SWAPPED ? 1 - beta1 : beta1;
        const double keep2 = wrong == WEIGHTS_SWAPPED ? 1 - beta2 : beta2;
        m[i] = keep1 * m[i] + (wrong == MOMENTUM ? 1 : 1 - keep1) * grad;
        double of = wrong == PLAIN_V ? fabs(grad) : grad * grad;
        if (wrong == M_SQUARED) of = m[i] * m[i];
        if (wrong == FACTOR_ONCE) of = grad * g[i];
        if (wrong == BELIEF) of = (grad - m[i]) * (grad - m[i]);
        v[i] = keep2 * v[i] + (wrong == V_SUM ? 1 : 1 - keep2) * of;
        const double mean = wrong == NO_MEAN ? grad : m[i] / b1, square = v[i] / b2;
        if (wrong == STORED) m[i] = mean, v[i] = square;
        double under = sqrt(square) + o->eps;
        if (wrong == NO_EPS) under = sqrt(square);
        if (wrong == ROOT_OF_V) under = sqrt(v[i]) / b2 + o->eps;
        if (wrong == EPS_INSIDE) under = sqrt(square + o->eps);
        if (wrong == EPS_HAT) under = (sqrt(v[i]) + o->eps) / sqrt(b2);
        if (wrong == NO_ROOT) under = square + o->eps;
        const double step = rate * mean / under *
                            (wrong == FACTOR_ON_STEP || wrong == FACTOR_TWICE ? factor : 1);
        p[i] += wrong == UPHILL ? step : -step;
    }
}

static void average(int wrong, double *e, const double *p, long n, double decay, long k) {
    double share = (1 - decay) / (1 - pow(decay, (double)(wrong == LATE_AVERAGE ? k + 1 : k)));
    if (wrong == SMALL_AT_START || (wrong == KEEPS_FIRST && k > 1)) share = 1 - decay;
    if (wrong == SWAPPED_SHARE) share = 1 - share;
    if (wrong == PLAIN_MEAN) share = 1 / (double)k;
    if (wrong == DECAY_FOR_SHARE) share = decay;
    if (wrong == AWAY) share = -share;
    for (long i = 0; i < n; i++) {
        if (wrong == DIVIDED)
            e[i] = (decay * e[i] + (1 - decay) * p[i]) / (1 - pow(decay, (double)k));
        else e[i] += share * (p[i] - (wrong == ONLY_ADDED ? 0 : e[i]));
    }
}

/* Guesses from `first` to before `last`, with n values each in rows of MOST. */
static double value[ALL][MOST];
static const lab_guess *guesses(int first, int last) {
    static lab_guess list[ALL + 1];
    int n = 0;
    for (int i = first; i < last; i++) {
        const lab_guess g = {name[i][0], value[i], name[i][1]};
        list[n++] = g;
    }
    const lab_guess end = {NULL, NULL, NULL};
    list[n] = end;
    return list;
}

static void from_floats(double *to, const float *from, long n) {
    for (long i = 0; i < n; i++) to[i] = from[i];
}

static int clip_rows(void) {
    static float g[N + ROOM];
    const long n = lab_whole(0, 7, 23);
    double square = 0, top = 0;
    sgm_normal(g, (size_t)n, lab_key(0), 0);
    for (long i = n; i < N + ROOM; i++) g[i] = 100; /* not to be read */
    for (long i = 0; i < n; i++) square += (double)g[i] * g[i], top = fmax(top, fabs(g[i]));
    /* of norm 4, so that norm and square are told apart */
    const float scale = (float)(4 / sqrt(square));
    square = top = 0;
    double sum = 0;
    for (long i = 0; i < n; i++) {
        g[i] *= scale, sum += fabs(g[i]);
        square += (double)g[i] * g[i], top = fmax(top, fabs(g[i]));
    }
    const double norm = sqrt(square), factor = lab_real(1, .05, .15), longest = factor * norm,
                 one = 1;
    const double no_root = longest / square, upside = norm / longest, by_top = longest / top;
    const double by_mean = longest / sqrt(square / (double)n), less = longest * longest / square,
                 by_sum = longest / sum;
    const lab_guess long_one[] = {
        {"clip-no-root", &no_root,
            "The longest norm is divided by the sum of squares: the norm is its root."},
        {"clip-upside-down", &upside,
            "It is the norm over the longest: the factor has to be below 1."},
        {"clip-largest", &by_top,
            "It is the largest number that is compared, not the norm of all."},
        {"clip-root-mean", &by_mean,
            "It is the root of the mean square that is compared; the norm is that of the sum."},
        {"clip-squared", &less,
            "The squares of both are divided: the factor is the quotient of the norms."},
        {"clip-sum", &by_sum,
            "The sizes of the numbers are added up: the norm is the root of the sum of squares."},
        {"clip-never", &one, "It is 1: what is longer than `longest` is not shortened."},
        {NULL, NULL, NULL}};
    int right = lab_unit("factor, of a gradient that is too long", clip_factor(g, n, longest),
        factor, 1e-6, long_one);
    /* short by far, and barely: norm² is above the longest there, the sum of sizes also */
    const double far = norm / factor, barely = 1.01 * norm, both[2] = {1, 1},
                 always[2] = {1 / factor, 1.01}, turned[2] = {factor, 1 / 1.01},
                 squares[2] = {1, 1.01}, sums[2] = {1, barely / sum},
                 got[2] = {clip_factor(g, n, far), clip_factor(g, n, barely)};
    const lab_guess short_one[] = {
        {"clip-always", always,
            "A gradient that is short enough is made longer: it has to stay "
            "as it is."},
        {"clip-compares-square", squares,
            "The sum of squares is compared with `longest`; the norm is its root."},
        {"clip-sum", sums,
            "The sizes of the numbers are added up: the norm is the root of the sum of squares."},
        {"clip-upside-down", turned, "It is the norm over the longest."}, {NULL, NULL, NULL}};
    right &= lab_compare(LAB_UNIT, "factor, of two that are short enough", got, both, 2, 1e-9,
        short_one);
    const double none = 0;
    const lab_guess off[] = {
        {"clip-to-zero", &none,
            "With longest = 0, which asks for no clipping, all is clipped to 0."},
        {NULL, NULL, NULL}};
    return right & lab_unit("factor, where clipping is off", clip_factor(g, n, 0), 1, 1e-9, off);
}

/* What stands behind the n numbers is 7, and has to stay. */
static int near_seven(float x) { return x > 6.9f && x < 7.1f; }
static int beyond(const char *row) {
    return lab_true(LAB_UNIT, row, 0, "beyond-n",
        "Something beyond the n-th number was changed: i runs from 0 to n − 1.");
}

/* One parameter, at 0 first, and the gradients of five steps. */
static int five_rows(void) {
    float g[STEPS + ROOM], p[1 + ROOM] = {0, 7}, m[1 + ROOM] = {0, 7}, v[1 + ROOM] = {0, 7};
    double got[STEPS], truth[STEPS], means[2], exact[2] = {0, 0};
    sgm_train_options o;
    memset(&o, 0, sizeof o);
    o.beta1 = lab_real(2, .7, .9), o.beta2 = lab_real(3, .95, .99), o.eps = lab_real(4, .05, .1);
    const double rate = lab_real(5, .1, .3), factor = lab_real(6, .4, .7);
    for (int i = 0; i < STEPS; i++) g[i] = (float)lab_real(10 + i, .5, 2) * (i == 2 ? -1 : 1);
    for (int k = 1; k <= STEPS; k++) {
        adam_step(p, m, v, g + k - 1, 1, k, rate, factor, &o);
        got[k - 1] = p[0];
        double M = 0, V = 0; /* by their weights, (4.8) */
        for (int i = 1; i <= k; i++) {
            const double grad = factor * g[i - 1];
            M += (1 - o.beta1) * pow(o.beta1, k - i) * grad,
                V += (1 - o.beta2) * pow(o.beta2, k - i) * grad * grad;
        }
        truth[k - 1] = (k > 1 ? truth[k - 2] : 0) -
                       rate * M / (1 - pow(o.beta1, k)) / (sqrt(V / (1 - pow(o.beta2, k))) + o.eps);
        exact[0] = M, exact[1] = V;
    }
    means[0] = m[0], means[1] = v[0];
    double kept[ALL][2];
    for (int w = 1; w < ADAM_ALL; w++) {
        double at = 0, *to = kept[w];
        to[0] = to[1] = 0;
        for (int k = 1; k <= STEPS; k++) {
            adam(w, &at, to, to + 1, g + k - 1, 1, k, rate, factor, &o);
            value[w][k - 1] = at;
        }
    }
    const int within = near_seven(p[1]) && near_seven(m[1]) && near_seven(v[1]);
    long at;
    int first = 1, last = ADAM_ALL; /* what fits all five is not something else in the first */
    for (int w = ADAM_ALL - 1; w > 0; w--)
        if (lab__off(got, value[w], STEPS, &at) <= 2e-6 * lab__largest(value[w], STEPS))
            first = w, last = w + 1;
    int right = !within ? beyond("parameter after 1 step")
        : got[0] != got[0] && means[0] == means[0] && means[1] == means[1]
            ? lab_true(LAB_UNIT, "parameter after 1 step", 0, "early-count",
                  "Not a number, from the first step on, though M and V are numbers. So it is 0/0: "
                  "1 − β^k is 0 for k = 0, but the first step has k = 1.")
                        : lab_compare(LAB_UNIT, "parameter after 1 step", got, truth, 1, 2e-6,
                              guesses(first, last));
    right &= lab_compare(LAB_UNIT, "parameter after 1, 2, 3, 4, 5 steps", got, truth, STEPS, 2e-6,
        guesses(1, ADAM_ALL));
    for (int w = 1; w < ADAM_ALL; w++) memcpy(value[w], kept[w], sizeof kept[w]);
    value[NO_FACTOR][0] = value[FACTOR_ON_STEP][0] = NAN; /* M and V cannot tell which */
    return right & lab_compare(LAB_UNIT, "M and V after 5 steps", means, exact, 2, 2e-6,
                       guesses(1, ADAM_ALL));
}

static int ema_from = SMALL_AT_START, ema_to = ALL; /* what fits the average's steps, if one does */

static int average_rows(void) {
    float e[N + ROOM], p[N + ROOM];
    double got[STEPS * N], truth[STEPS * N];
    const long n = lab_whole(7, 5, 11);
    const double decay = lab_real(8, .6, .9);
    for (long i = 0; i < N; i++)
        e[i] = (float)lab_real(9, 2, 4); /* what it holds first does not matter */
    const double old = e[0];
    e[n] = 7; /* not to be touched */
    for (int k = 1; k <= STEPS; k++) {
        sgm_normal(p, (size_t)n, lab_key(20 + k), 0), p[n] = 70;
        average_step(e, p, n, decay, k);
        from_floats(got + (k - 1) * n, e, n);
    }
    for (int w = SMALL_AT_START - 1; w < ALL; w++) { /* the first: none, by the weights of (4.10) */
        double at[N], now[N], *to = w < SMALL_AT_START ? truth : value[w];
        for (long i = 0; i < n; i++) at[i] = old;
        for (int k = 1; k <= STEPS; k++) {
            sgm_normal(p, (size_t)n, lab_key(20 + k), 0), from_floats(now, p, n);
            average(w < SMALL_AT_START ? 0 : w, at, now, n, decay, k);
            memcpy(to + (k - 1) * n, at, (size_t)n * sizeof *at);
        }
    }
    for (int w = ALL - 1; w >= SMALL_AT_START; w--) {
        long at;
        if (lab__off(got, value[w], STEPS * n, &at) <= 2e-6 * lab__largest(value[w], STEPS * n))
            ema_from = w, ema_to = w + 1;
    }
    const int right = !near_seven(e[n]) ? beyond("average after 1 step")
                                        : lab_compare(LAB_UNIT, "average after 1 step", got, truth,
                                              n, 2e-6, guesses(SMALL_AT_START, ALL));
    return right & lab_compare(LAB_UNIT, "average after 1, 2, 3, 4, 5 steps", got, truth, STEPS * n,
                       2e-6, guesses(SMALL_AT_START, ALL));
}

/* What may be wrong where the parts are put together. */
enum {
    FINE,
    CONSTANT_RATE,
    NOT_CLIPPED,
    AVERAGE_FIRST,
    ONE_AVERAGE,
    ONE_DECAY,
    NO_AVERAGE,
    CLIP_TWICE,
    FROM_ZERO,
    TOGETHER
};
static const char *const glue[TOGETHER][2] = {{"", ""},
    {"rate-of-options", "The rate is o.lr; this step's is sgm_optimiser_lr(q), which grows while "
                        "it warms up (4.5)."},
    {"update-not-clipped", "The step takes the gradient as it is: o.clip asks to shorten it."},
    {"average-before-step",
        "The averages are moved before the parameters: they have to see the new ones."},
    {"one-average", "Only the first average moves; there are n_ema, each with a decay of its own."},
    {"one-decay", "All averages move by the first one's decay: o.ema[i] is that of ema[i]."},
    {"no-average", "No average moves: after the step each of the n_ema has to."},
    {"clipped-twice", "The gradient is shortened in place, and the step shortens it once more."},
    {"count-of-steps-done",
        "k is q->step, the number of steps done before; this one is one more."}};

static void together_rows(int parts) { /* 1: each is right by itself */
    enum { K = 3 };
    static float p[N + ROOM], e[2][N + ROOM], g[K][N + ROOM];
    static double at[TOGETHER][3 * N], got[3 * N];
    float *const blocks[2] = {e[0], e[1]};
    const long n = lab_whole(30, 20, 40);
    sgm_train_options o;
    sgm_optimiser q;
    memset(&o, 0, sizeof o);
    o.steps = 100, o.warmup = 10, o.lr = lab_real(31, .05, .2), o.ema[0] = .7, o.ema[1] = .95;
    o.clip = lab_real(32, .8, 1.2);
    sgm_normal(p, (size_t)n, lab_key(30), 0);
    double start[N];
    from_floats(start, p, n);
    for (int i = 0; i < 2 * N; i++) e[i / N][i % N] = p[i % N];
    if (sgm_optimiser_init(&q, p, (size_t)n, blocks, 2, &o) != SGM_OK) return;
    for (int k = 0; k < K; k++) {
        sgm_normal(g[k], (size_t)n, lab_key(40 + k), 0);
        memcpy(q.grads, g[k], (size_t)n * sizeof **g);
        sgm_optimiser_step(&q);
    }
    from_floats(got, p, n), from_floats(got + n, e[0], n), from_floats(got + 2 * n, e[1], n);
    lab_guess list[TOGETHER];
    for (int w = 0; w < TOGETHER; w++) {
        double m[N] = {0}, v[N] = {0}, *now = at[w];
        for (long i = 0; i < 3 * n; i++) now[i] = start[i % n];
        for (long k = 1; k <= K; k++) {
            double square = 0;
            for (long i = 0; i < n; i++) square += (double)g[k - 1][i] * g[k - 1][i];
            const double factor =
                w == NOT_CLIPPED || square <= o.clip * o.clip ? 1
                : w == CLIP_TWICE ? o.clip * o.clip / square : o.clip / sqrt(square);
            const double rate = w == CONSTANT_RATE ? o.lr : o.lr * (double)k / 10;
            for (int a = 0; w == AVERAGE_FIRST && a < 2; a++)
                average(0, now + (a + 1) * n, now, n, o.ema[a], k);
            adam(0, now, m, v, g[k - 1], n, k, rate, factor, &q.o);
            const int many = w == AVERAGE_FIRST || w == NO_AVERAGE ? 0 : w == ONE_AVERAGE ? 1 : 2;
            for (int a = 0; a < many; a++)
                average(0, now + (a + 1) * n, now, n, o.ema[w == ONE_DECAY ? 0 : a], k);
        }
        const lab_guess here = {glue[w][0], now, glue[w][1]};
        if (w) list[w - 1] = here;
    }
    const lab_guess end = {NULL, NULL, NULL};
    list[FROM_ZERO - 1] = end; /* its first step divides by 0: the next row */
    if (parts && (got[0] != got[0] || got[n] != got[n]))
        lab_true(LAB_UNIT, "your parts in sgm_optimiser_step", 0, glue[FROM_ZERO][0],
            glue[FROM_ZERO][1]);
    else
        lab_compare(LAB_UNIT, "your parts in sgm_optimiser_step", got, at[0], 3 * n, 4e-6,
            parts ? list : NULL);
    sgm_optimiser_free(&q);
}

/* The step of a constant gradient is the rate; and the unit of the loss does not matter. */
static void step_laws(void) {
    enum { K = 50 };
    float p[2 + ROOM] = {0}, m[2 + ROOM] = {0}, v[2 + ROOM] = {0};
    double moved[ALL][2];
    const float g[2] = {(float)lab_real(50, .5, 2), -1000 * g[0]};
    sgm_train_options o;
    memset(&o, 0, sizeof o);
    o.beta1 = .9, o.beta2 = .999, o.eps = 1e-8;
    for (int k = 1; k <= K; k++) adam_step(p, m, v, g, 2, k, .01, 1, &o);
    for (int w = 1; w < ADAM_ALL; w++) {
        double at[2] = {0, 0}, M[2] = {0, 0}, V[2] = {0, 0};
        for (int k = 1; k <= K; k++) adam(w, at, M, V, g, 2, k, .01, 1, &o);
        moved[w][0] = -at[0] / .01, moved[w][1] = -at[1] / at[0];
    }
    for (int w = 1; w < ADAM_ALL; w++) value[w][0] = moved[w][0];
    lab_law("50 steps of one gradient, over the rate", -p[0] / .01, K, .01, guesses(1, ADAM_ALL));
    for (int w = 1; w < ADAM_ALL; w++) value[w][0] = moved[w][1];
    lab_law(
        "moved, by a gradient −1000 times as long", -p[1] / p[0], 1, 1e-3, guesses(1, ADAM_ALL));
}

/* θ is 1 at step i alone, for i = 1 … K in K parameters: then e has the weights of (4.10). */
static void average_laws(void) {
    enum { K = 200 };
    static float e[K + ROOM], p[K];
    static double at[K], now[K];
    const double decay = lab_real(51, .93, .97);
    double sums[ALL][2];
    for (int w = SMALL_AT_START - 1; w < ALL; w++) {
        double *sum = sums[w];
        sum[0] = sum[1] = 0;
        memset(at, 0, sizeof at), memset(e, 0, sizeof e);
        for (int k = 1; k <= K; k++) {
            for (int i = 0; i < K; i++) p[i] = (float)(now[i] = i + 1 == k);
            if (w < SMALL_AT_START) average_step(e, p, K, decay, k);
            else average(w, at, now, K, decay, k);
        }
        if (w < SMALL_AT_START) from_floats(at, e, K);
        for (int i = 0; i < K; i++) sum[0] += at[i], sum[1] += at[i] * at[i];
    }
    const double past = pow(decay, K), share = (1 - decay) / (1 + decay) * (1 + past) / (1 - past);
    for (int w = SMALL_AT_START; w < ALL; w++) value[w][0] = sums[w][0];
    lab_law("weights of the average: their sum", sums[SMALL_AT_START - 1][0], 1, 1e-6,
        guesses(ema_from, ema_to));
    for (int w = SMALL_AT_START; w < ALL; w++) value[w][0] = sums[w][1];
    lab_law("the sum of their squares (4.11)", sums[SMALL_AT_START - 1][1], share, 1e-6,
        guesses(ema_from, ema_to));
}

static sgm_tensor *net(sgm_tape *t, const sgm_net_in *in) {
    sgm_tensor *h = sgm_concat(t, sgm_time_sigma(t, in->log_sigma), in->x);
    return sgm_linear(t, sgm_silu(t, sgm_linear_start(t, h, 16, 2)), in->out);
}

/* The library trains a network with the student's step; beside it, from the same gradients, with
 * its own. */
static void training_law(void) {
    enum { K = 120 };
    float data[16], *own[5];
    sgm_model_options o;
    sgm_train_options run;
    sgm_model model;
    sgm_trainer t;
    for (int i = 0; i < 8; i++)
        data[2 * i] = (float)cos(.25 * i * 3.14159265),
                 data[2 * i + 1] = (float)sin(.25 * i * 3.14159265);
    memset(&o, 0, sizeof o), memset(&run, 0, sizeof run);
    o.net = net, o.d = 2, o.sde = sgm_sde_vp(.1, 20), o.n_ema = 1;
    run.steps = K, run.batch = 64, run.lr = .01, run.cosine = 1, run.clip = .3, run.ema[0] = .9;
    run.loss.weight = SGM_WEIGHT_SIGMA2, run.loss.times = SGM_TIMES_UNIFORM;
    if (sgm_model_init(&model, &o, lab_key(60)) != SGM_OK) return;
    if (sgm_trainer_init(&t, &model, data, 8, &run, lab_key(61)) != SGM_OK) {
        sgm_model_free(&model);
        return;
    }
    const size_t n = model.n_params;
    float *mine[5] = {
        model.params, t.moment1, t.moment2, model.ema[0], model.params}; /* the last stays */
    for (int i = 0; i < 5; i++) {
        own[i] = (float *)malloc(n * sizeof(float));
        if (own[i]) memcpy(own[i], mine[i], n * sizeof(float));
    }
    double off = 0, far = 0, of_mean = 0;
    for (int k = 0; own[0] && own[1] && own[2] && own[3] && own[4] && k < K; k++) {
        const sgm_status status = sgm_trainer_step(&t);
        sgm_optimiser q;
        memset(&q, 0, sizeof q);
        q.o = t.o, q.params = own[0], q.ema[0] = own[3], q.n_params = n, q.n_ema = 1, q.step = k;
        /* of the gradient as it is now: it may have been clipped in place */
        for (size_t i = 0; i < n; i++) q.grad_norm += (double)t.grads[i] * t.grads[i];
        q.grad_norm = sqrt(q.grad_norm);
        q.grads = t.grads, q.moment1 = own[1], q.moment2 = own[2];
        if (status != SGM_OK) {
            off = HUGE_VAL;
            break;
        }
        sgm__optimiser_update__own(&q, NULL, 1);
    }
    for (size_t i = 0; own[0] && own[3] && own[4] && i < n; i++) {
        off = fmax(off, fabs(mine[0][i] - own[0][i])),
        far = fmax(far, fabs(mine[0][i] - own[4][i]));
        of_mean = fmax(of_mean, fabs(mine[3][i] - own[3][i]));
    }
    lab_true(LAB_LAW, "a training: as far as the library's own", off <= 1e-3 && far > .1,
        "training",
        "A training of 120 steps with your functions ends elsewhere than one with the library's, "
        "from the same gradients: "
        "mend the rows above first; if they are right, look at what is the same in all of them (k, "
        "the decay, the norm).");
    lab_true(LAB_LAW, "its average: as the library's own", of_mean <= 1e-3 && far > .1,
        "training-average",
        "The average of the parameters of a training of 120 steps is not the library's: mend the "
        "rows above first.");
    lab_say(LAB_INFORMATIVE,
        "largest difference of %d parameters after %d steps: %.2g; the farthest moved by %.2g",
        (int)n, K, off, far);
    for (int i = 0; i < 5; i++) free(own[i]);
    sgm_trainer_free(&t), sgm_model_free(&model);
}

/* The picture: a steady gradient's step over the rate; and a noisy bowl's lowest place, from θ and
 * from e. */
static void points(void) {
    enum { K = 400, D = 20 };
    float p[D + ROOM], e[D + ROOM], m[D + ROOM] = {0}, v[D + ROOM] = {0}, g[D + ROOM],
                                          one[3][1 + ROOM] = {{0}};
    double none[3] = {0, 0, 0}, before[2] = {0, 0};
    sgm_train_options o;
    memset(&o, 0, sizeof o);
    o.beta1 = .9, o.beta2 = .999, o.eps = 1e-8;
    for (int i = 0; i < D; i++) p[i] = e[i] = 1;
    for (int k = 1; k <= K; k++) {
        double last = 0, mean = 0;
        const float steady = 1;
        adam_step(one[0], one[1], one[2], &steady, 1, k, 1, 1, &o);
        adam(NO_BIAS, none, none + 1, none + 2, &steady, 1, k, 1, 1, &o);
        sgm_normal(g, D, lab_key(1000 + k), 0);
        for (int i = 0; i < D; i++) g[i] += p[i];
        adam_step(p, m, v, g, D, k, .1, 1, &o), average_step(e, p, D, .985, k);
        for (int i = 0; i < D; i++)
            last += p[i] * (double)p[i] / D, mean += e[i] * (double)e[i] / D;
        lab_point("%d %g %g %g %g", k, before[0] - one[0][0], before[1] - none[0], sqrt(last),
            sqrt(mean));
        before[0] = one[0][0], before[1] = none[0];
    }
}

static void lab_checks(void) {
    const int clips = clip_rows(), moves = five_rows(), averages = average_rows();
    together_rows(clips && moves && averages);
    step_laws();
    average_laws();
    training_law();
    points();
}
