#include "check.h"

double energy(const float *a, long na, const float *b, long nb, int d);
void step(float *x, const float *x0, double from, double to, long n, int d);
sgm_status draw(float *x, long n, const sgm_score *score, sgm_key key);

/* The law: K digits of W by W pixels, each with some noise: a mixture, so its score is exact. */
enum { W = 14, D = W * W, K = 64, BATCHES = 4, EACH = 80,
       N = BATCHES * EACH, CELLS = 16, F = 3 * CELLS, EXACT = 4, MOST = 400 };
static const double blur = 0.1, top = 10, low = 0.01;
static double mean[K * D], paper[D], spread; /* spread: mean square of a clean pixel */
static float centre[K * D];
static float room[(N + 8) * D], exact[(EXACT + 1) * N * D];

/* What the student's sampler asked: how often, first and last when, and how large its points were
beside what they should be. */
static struct {
    long asked;
    double first, last, size_first, worst;
} seen;

static double expected_size(double t) { return sqrt(t * t + spread + blur * blur); }

static void watch(const float *x, const float *t, long n) {
    double sum = 0, ratio;
    for (long i = 0; i < n * D; i++) sum += (double)x[i] * x[i];
    ratio = sqrt(sum / (double)(n * D)) / expected_size(t[0]);
    if (seen.asked == 0) seen.first = t[0], seen.size_first = ratio, seen.worst = ratio;
    if (!(fabs(log(ratio)) <= fabs(log(seen.worst)))) seen.worst = ratio;
    seen.last = t[0], seen.asked += n;
}

/* (2.2) for equal weights and covariances: the mean of the centres, each as likely as it is. */
static void mixture_score(float *s, const float *x, double t) {
    double log_w[K], most = -HUGE_VAL, sum = 0, v = blur * blur + t * t;
    float to[D];
    memset(to, 0, sizeof to);
    for (int k = 0; k < K; k++) {
        float square[4] = {0, 0, 0, 0};
        for (int j = 0; j < D; j += 4)
            for (int c = 0; c < 4; c++) {
                float off = x[j + c] - centre[k * D + j + c];
                square[c] += off * off;
            }
        log_w[k] = -0.5 * ((square[0] + square[1]) + (square[2] + square[3])) / v;
        if (log_w[k] > most) most = log_w[k];
    }
    for (int k = 0; k < K; k++) {
        if (log_w[k] < most - 30) continue;
        float w = (float)exp(log_w[k] - most);
        sum += w;
        for (int j = 0; j < D; j++) to[j] += w * centre[k * D + j];
    }
    for (int j = 0; j < D; j++) s[j] = (float)((to[j] / sum - x[j]) / v);
}

static sgm_status counted(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    (void)self;
    if (n < 1) return SGM_BAD_ARGUMENT;
    watch(x, t, n);
    if (seen.asked > (long)MOST * N) return SGM_BAD_ARGUMENT;
    for (long i = 0; i < n; i++) mixture_score(s + i * D, x + i * D, t[i]);
    return SGM_OK;
}

static void make_law(sgm_mixture *mix, const sgm_sde *sde) {
    static float big[K * 784];
    double v[K];
    sgm_data_digits(big, NULL, K, lab_key(1));
    memset(paper, 0, sizeof paper);
    for (int k = 0; k < K; k++)
        for (int i = 0; i < D; i++) { /* the mean of 2 by 2 pixels */
            const float *p = big + k * 784 + i / W * 56 + i % W * 2;
            mean[k * D + i] = ((double)p[0] + p[1] + p[28] + p[29]) / 4;
            paper[i] += mean[k * D + i] / K;
        }
    spread = 0;
    for (int i = 0; i < K * D; i++) {
        mean[i] -= paper[i % D], centre[i] = (float)mean[i];
        spread += mean[i] * mean[i] / (K * D);
    }
    for (int k = 0; k < K; k++) v[k] = blur * blur;
    if (sgm_mixture_init(mix, K, D, NULL, mean, v, SGM_COV_ISOTROPIC, sde)) abort();
}

/* Ink, and the edges across and down, in each of 4 by 4 cells. */
static void features(float *f, const float *x, long n, const double *scale) {
    float ink[D];
    for (long i = 0; i < n; i++, f += F) {
        for (int j = 0; j < D; j++) ink[j] = (float)(x[i * D + j] + paper[j]);
        for (int j = 0; j < F; j++) f[j] = 0;
        for (int j = 0; j < D; j++) {
            int row = j / W, col = j % W, cell = 4 * row / W * 4 + 4 * col / W;
            f[cell] += ink[j];
            if (col + 1 < W) f[CELLS + cell] += fabsf(ink[j + 1] - ink[j]);
            if (row + 1 < W) f[2 * CELLS + cell] += fabsf(ink[j + W] - ink[j]);
        }
        for (int j = 0; j < F; j++) f[j] = (float)(f[j] / scale[j]);
    }
}

static double pairs(const float *a, long na, const float *b, long nb, int d, int power) {
    double sum = 0;
    for (long i = 0; i < na; i++)
        for (long j = 0; j < nb; j++) {
            float square = 0;
            for (int k = 0; k < d; k++)
                square += (a[i * d + k] - b[j * d + k]) * (a[i * d + k] - b[j * d + k]);
            sum += power == 2 ? (double)square : sqrt((double)square);
        }
    return sum / ((double)na * (double)nb);
}

/* The student's ruler, on few points. */
static int check_energy(void) {
    static const char *const names[3] = {"energy: two points", "energy: sets of equal size",
                                         "energy: sets of unequal size"};
    float a[40 * 5], b[40 * 5];
    int right = 1;
    for (int row = 0; row < 3; row++) {
        long na = row == 0 ? 1 : 12 + lab_whole(row, 0, 8), nb = row == 2 ? na + 9 : na;
        int d = row == 0 ? 1 : 3 + row;
        sgm_normal(a, (size_t)(na * d), lab_key(10 + row), 0);
        sgm_normal(b, (size_t)(nb * d), lab_key(20 + row), 0);
        if (row == 0) b[0] = a[0] + (float)lab_real(3, 2, 3);
        else for (long i = 0; i < nb * d; i++) b[i] += 0.5f;
        double ab = pairs(a, na, b, nb, d, 1), aa = pairs(a, na, a, na, d, 1),
               bb = pairs(b, nb, b, nb, d, 1), x = (double)na, y = (double)nb;
        double others = na > 1 ? 2 * ab - aa * x / (x - 1) - bb * y / (y - 1) : NAN;
        double squares = 2 * pairs(a, na, b, nb, d, 2) - pairs(a, na, a, na, d, 2) -
                         pairs(b, nb, b, nb, d, 2);
        double once = ab - aa - bb, half = 2 * ab - (aa + bb) / 2, root = sqrt(2 * ab - aa - bb),
               per = (2 * ab - aa - bb) / sqrt(d);
        lab_guess guesses[] = {
            {"own-pairs-out", &others, "a point's distance from itself is left out of the means: "
             "then two exact sets read about 0, and 1.5 times that tells nothing; here all pairs "
             "count"},
            {"squares", &squares, "these are squared distances, which see nothing but the means; "
             "the distance is the root of the sum over the coordinates"},
            {"cross-once", &once, "a meets b and b meets a: the mean between the "
             "sets counts twice"},
            {"half-within", &half, "each pair within a set was counted once, over n² pairs: "
             "(i,j) and (j,i) are two of these"},
            {"root-of-all", &root, "a root was taken of the whole: (12.1) is not squared"},
            {"per-root-d", &per, "the distance was divided by the root of the dimension: the sum "
             "of squares is no mean"},
            {NULL, NULL, NULL}};
        right &= lab_unit(names[row], energy(a, na, b, nb, d), 2 * ab - aa - bb, 2e-6, guesses);
    }
    return right;
}

static int check_step(void) {
    int right = 1;
    enum { COUNT = 3 * 7 };
    float x[COUNT + 16], x0[COUNT], was[COUNT];
    double got[COUNT], truth[COUNT], all[COUNT], whole[COUNT], up[COUNT], back[COUNT];
    for (int row = 0; row < 2; row++) {
        double from = lab_real(30 + row, 2, 3), to = row ? 0 : lab_real(32, 0.6, 1.2);
        sgm_normal(x, COUNT + 16, lab_key(33 + row), 0);
        sgm_normal(x0, COUNT, lab_key(35 + row), 0);
        memcpy(was, x, sizeof was);
        for (int i = 0; i < COUNT; i++) {
            double off = (double)was[i] - x0[i];
            truth[i] = x0[i] + to / from * off;
            all[i] = x0[i], whole[i] = was[i] - (from - to) * off;
            up[i] = to > 0 ? x0[i] + from / to * off : NAN, back[i] = x0[i] - to / from * off;
        }
        lab_guess guesses[] = {
            {"noise-gone", all, "the point landed on x0 itself: at the noise `to` it keeps the "
             "share to/from of the noise that it had"},
            {"not-per-noise", whole, "the point moved by (from - to) times its distance from x0; "
             "the noise itself, of size 1, is that distance divided by `from`"},
            {"upside-down", up, "the noise grew: the share that is kept is to/from"},
            {"sign", back, "the noise that is kept has the wrong sign"},
            {NULL, NULL, NULL}};
        if (row) guesses[0].id = NULL; /* there it is the truth */
        step(x, x0, from, to, 3, 7);
        for (int i = 0; i < COUNT; i++) got[i] = x[i];
        right &= lab_compare(LAB_UNIT, row ? "step: to no noise at all" : "step: to less noise",
                             got, truth, COUNT, 2e-6, guesses);
    }
    return right;
}

/* One key, one set of digits; another key, another. */
static void check_key(const sgm_score *score) {
    enum { FEW = 4 };
    static float x[3][(FEW + 8) * D];
    int alive = 1, clean = 1;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < (FEW + 8) * D; j++) x[i][j] = 1;
    for (int i = 0; i < 3; i++) draw(x[i], FEW, score, lab_key(40 + i / 2));
    for (int i = 0; i < FEW * D; i++) alive = alive && fabs((double)x[0][i]) < 1e6;
    for (int i = FEW * D; i < (FEW + 8) * D; i++) clean = clean && x[0][i] == 1;
    size_t size = FEW * D * sizeof(float);
    int same = !memcmp(x[0], x[1], size), other = memcmp(x[0], x[2], size) != 0;
    const char *id = "key-ignored", *cause = "two keys gave the same digits: the noise at the "
        "start has to come from the key";
    if (!clean) id = "overrun", cause = "draw wrote behind its n points: x has n times d numbers";
    else if (!alive) id = "-", cause = "some numbers are not finite";
    else if (!same) id = "not-keyed", cause = "two calls with one key gave different digits: "
        "something random does not come from the key, or memory was used before it was filled";
    lab_true(LAB_UNIT, "draw: the same key, the same digits", alive && clean && same && other, id,
             cause);
}

/* A score that refuses once: what it says is to be handed on, also when it would go on later. */
static int refusals;
static sgm_status refusing(
    const sgm_score *self, float *s, const float *x, const float *t, long n) {
    (void)x, (void)t;
    for (long i = 0; i < n * self->d; i++) s[i] = 0;
    return refusals++ ? SGM_OK : SGM_NO_MEMORY;
}

static void check_status(const sgm_score *score) {
    static float x[12 * D];
    sgm_score no = *score;
    no.eval = refusing, refusals = 0;
    sgm_status got = draw(x, 4, &no, lab_key(45));
    lab_true(LAB_UNIT, "draw: hands on what the score returns",
             got == SGM_NO_MEMORY && refusals > 0, got == SGM_OK && refusals > 0 ? "status-lost" : "-",
             refusals > 1 ? "the first question was refused, and draw went on: stop, and return "
             "what sgm_score_eval returned" : "the first question was refused with one status, and "
             "draw returned another: return what sgm_score_eval returned");
}

static double nearest(const float *x) { /* mean square distance from the nearest clean digit */
    double sum = 0;
    for (long i = 0; i < N; i++) {
        double least = HUGE_VAL;
        for (int k = 0; k < K; k++) {
            float square = 0;
            for (int j = 0; j < D; j++) {
                float off = x[i * D + j] - centre[k * D + j];
                square += off * off;
            }
            least = square < least ? (double)square : least;
        }
        sum += least / ((double)N * D);
    }
    return sum;
}

/* Twenty of them in two rows, pixel after pixel, with white lines between. */
static void show(const float *x) {
    for (int row = 0; row < 2 * (W + 1); row++)
        for (int col = 0; col < 10 * (W + 1); col++) {
            int a = row % (W + 1), b = col % (W + 1), j = a * W + b;
            int i = row / (W + 1) * 10 + col / (W + 1), gap = a == W || b == W;
            double ink = gap ? 0 : 100 * fmin(1, fmax(0, x[i * D + j] + paper[j]));
            lab_point("%d %d %.0f", col, row, ink);
        }
}

/* Distance over that of two exact sets, mean over batches: one set has an energy of its own, by
which digits happened to be drawn; four batches halve that scatter. Yours and each exact set meet
the same other one. */
static double ratio_of(const float *x) {
    static float f[N * F], g[N * F];
    double scale[F], sum[2] = {0, 0};
    for (int j = 0; j < F; j++) scale[j] = 1;
    features(g, exact, N, scale);
    for (int j = 0; j < F; j++) {
        double first = 0, second = 0;
        for (long i = 0; i < N; i++) {
            first += g[i * F + j] / N;
            second += (double)g[i * F + j] * g[i * F + j] / N;
        }
        scale[j] = sqrt(second - first * first) + 1e-6;
    }
    features(g, exact, N, scale);
    for (int k = 1; k <= EXACT + 1; k++) {
        features(f, k > EXACT ? x : exact + k * N * D, N, scale);
        for (int b = 0; b < BATCHES; b++) {
            const float *u = f + b * EACH * F, *v = g + b * EACH * F;
            sum[k > EXACT] += (2 * pairs(u, EACH, v, EACH, F, 1) - pairs(u, EACH, u, EACH, F, 1) -
                               pairs(v, EACH, v, EACH, F, 1)) / (k > EXACT ? 1 : EXACT);
        }
    }
    return sum[1] / sum[0];
}

/* Where the run began and where it ended: what the score was asked, and what is left of the noise.
1: nothing that was seen has a name of its own. */
static int check_ends(int known) {
    double v = blur * blur, last2 = seen.last * seen.last, noise = nearest(room) / v;
    double one = 1 / expected_size(top), late = top / expected_size(seen.first), tol = 0.15;
    double noisy = 1 + last2 / v, mean_end = v / (v + last2);
    lab_guess sizes[] = {
        {"start-small", &one, "the first points have the size 1: at the time T noise has the "
         "standard deviation T"},
        {"late-time", &late, "the score was asked at a smaller noise than the points had: ask at "
         "the noise before the step, not after it"},
        {NULL, NULL, NULL}};
    lab_guess ends[] = {
        {"noisy-end", &noisy, "what is left beyond the law's own is the noise of the last "
         "evaluation: end with the clean point"},
        {"mean-end", &mean_end, "the last step went to the clean point from far away: that is the "
         "mean of all points it may come from, not one of them; ask once more at less noise"},
        {NULL, NULL, NULL}};
    known &= lab_law("size of the points, first evaluation", seen.asked ? seen.size_first : 0, 1,
                     0.05, known ? sizes : NULL);
    int sized =
        lab_law("size of the points, worst evaluation", seen.asked ? seen.worst : 0, 1, tol, NULL);
    if (known && !sized)
        lab_say(LAB_ACTIONABLE, "on the way the points had not the size of noisy digits: look at "
                "the clean point (t squared, and its sign), or take shorter steps there");
    lab_law("noise about the nearest digit", noise, 1, tol, known ? ends : NULL);
    return known && !(fabs(noise - 1) > tol &&
                      (fabs(noise - noisy) <= tol || fabs(noise - mean_end) <= tol));
}

/* The distance, and with how many evaluations. Only the first of these rows that fails says why. */
static void check_count(double asked, double distance, int known) {
    static const struct {
        double most;
        const char *name, *id, *cause;
    } levels[3] = {
        {50, "at most 50 evaluations", "wasteful", "a sampler with noise that knows nothing better "
         "than Euler's step needs fewer than so many; lay the levels even in log t"},
        {25, "at most 25 evaluations", "first-order", "so many take steps of the first order: use "
         "what you know from the step before"},
        {14, "at most 14 evaluations", "two-a-step", "so many take two evaluations a step: the "
         "line through the last two clean points needs but one"}};
    static const char less[] = "Fewer evaluations than DPM-Solver++(2M) needs to be sure of it.";
    double fewer[4] = {7, 6, 5, 4};
    lab_guess records[] = {{"=fewer", &fewer[0], less}, {"=fewer", &fewer[1], less},
                           {"=fewer", &fewer[2], less}, {"=fewer", &fewer[3], less},
                           {"several", &asked, "eight are enough: look at where the levels lie, "
                            "and at the first and the last step"}, {NULL, NULL, NULL}};
    int within = distance <= 1.5 && asked > 0, named = !known || !within;
    lab_true(LAB_LAW, "distance within 1.5 of exact sets'", within, known ? "too-coarse" : "-",
             known ? "the run begins as it should, but its steps are too coarse for the law: take "
             "more, or better ones" : "see the rows above first");
    for (int i = 0; i < 3; i++) {
        int right = lab_true(LAB_LAW, levels[i].name, within && asked <= levels[i].most,
                             named ? "-" : levels[i].id,
                             named ? "see the rows above first" : levels[i].cause);
        named |= !right;
    }
    if (within) lab_law("evaluations, of 8", asked, 8, 0.01, records + (named ? 5 : 0));
    else lab_true(LAB_LAW, "evaluations, of 8", 0, "-", "counts once the distance is within 1.5");
}

static void lab_checks(void) {
    sgm_sde sde = sgm_sde_edm(low, top);
    sgm_mixture mix;
    sgm_score score;
    int known = check_energy() & check_step(); /* else what follows is not draw's own mistake */
    make_law(&mix, &sde);
    for (int k = 0; k <= EXACT; k++)
        if (sgm_mixture_sample(&mix, exact + k * N * D, NULL, N, 0, lab_key(50 + k))) abort();
    memset(&score, 0, sizeof score);
    score.d = D, score.sde = sde, score.eval = counted;
    check_key(&score), check_status(&score);

    memset(&seen, 0, sizeof seen);
    for (long i = 0; i < (N + 8) * D; i++) room[i] = NAN;
    sgm_status status = draw(room, N, &score, lab_key(60));
    double asked = ceil((double)seen.asked / N), distance = ratio_of(room);
    if (status != SGM_OK || asked > MOST)
        lab_say(LAB_ESSENTIAL, "draw returned %s after %.0f evaluations (%d are the most)",
                sgm_status_name(status), asked, MOST);
    known = check_ends(known);
    check_count(asked, distance, known);
    lab_say(LAB_INFORMATIVE, "evaluations: %.0f, distance: %.3f", asked, distance);
    show(exact), lab_point("\n"), show(room);
    sgm_mixture_free(&mix);
}
