#include "check.h"

double huber_point(float *grad, const float *out, const float *x, const float *eps, int d,
    double a, double b, double share, double delta);
double gaussian_floor(double m, double s, double v, int d);

enum { MOST = 5, POINTS = 3, DRAWS = 20000, TRAIN = 2048, STEPS = 320, LAST = 160, BATCH = 64 };
#define END \
    { NULL, NULL, NULL }

/* What is often written for the miss a x + b out − ε. */
enum { PLUS, NO_A, NO_X, NO_B, OUT_ALONE, NO_AB, SWAPPED, FAR, SLIPS };
static const struct { const char *id, *cause; } slip[SLIPS] = {
    {"plus-eps", "ε is added; the miss is what the network means less what is true."},
    {"a-forgotten", "The factor a is missing before x."},
    {"a-missing", "The part with x is missing: the noise that the network means is a x + b out."},
    {"b-forgotten", "The factor b is missing before out."},
    {"ab-ignored", "out itself is taken for the noise; what the network means is a x + b out."},
    {"ab-ignored", "a and b are both missing: what the network means is a x + b out."},
    {"a-and-b-exchanged", "a stands before out and b before x; it is the other way round."},
    {"one-too-far", "It runs over d + 1 numbers; the last of d has the index d - 1."}};

/* The misses of one point, right (which < 0) or slipped; their square is returned. */
static double misses(double *miss, int which, const float *out, const float *x, const float *eps,
    int d, double a, double b) {
    const double A[SLIPS] = {a, 1, 0, a, 0, 1, b, a}, B[SLIPS] = {b, b, b, 1, 1, 1, a, b};
    double sum = 0, before_x = which < 0 ? a : A[which], before_out = which < 0 ? b : B[which];
    for (int j = 0; j < d + (which == FAR); j++) {
        miss[j] = before_x * x[j] + before_out * out[j] - (which == PLUS ? -1 : 1) * eps[j];
        sum += miss[j] * miss[j];
    }
    return sum;
}

/* Your loss of one point, by whichever of the two functions: delta is 0 for the square. grad holds
junk before, as the page says that it may. */
static double junk(int j) { return 3 + .25 * j; }
static double yours(float *grad, const float *out, const float *x, const float *eps, int d,
    double a, double b, double share, double delta) {
    for (int j = 0; j < d; j++) grad[j] = (float)junk(j);
    if (delta > 0) return huber_point(grad, out, x, eps, d, a, b, share, delta);
    return sgm__dsm_point(grad, out, x, eps, d, a, b, share);
}

static void add(lab_guess *list, const char *id, const double *value, const char *cause) {
    while (list->id) list++;
    list[0] = (lab_guess){id, value, cause}, list[1] = (lab_guess)END;
}

/* 1: the loss is that of the first coordinate, whose mean is that of a mean over coordinates. */
static int lone;

/* Three points, each with its own a, b and share; the last number of each derivative is beyond the
end. Then the derivative against the difference quotient of your own loss. */
static int check_point(int huber) {
    enum { L = 17, E = 15, N = POINTS * (MOST + 1) };
    float v[POINTS][3][MOST + 1], grad[MOST + 1], none[MOST + 1];
    double loss[POINTS], truth[POINTS], l[L][POINTS], slip_l[SLIPS][POINTS], miss[MOST + 1];
    double slope[N], exact[N], e[E][N], slip_e[SLIPS][N];
    double top = 0, below = 0, b1 = 1, d1 = 1, r1 = 1, more = 0, blank = 0, kept = 0, deltas = 0;
    int n = 0;
    for (int k = 0; k < POINTS; k++) {
        float *out = v[k][0], *x = v[k][1], *eps = v[k][2];
        int at = 10 * huber + k, d = (int)lab_whole(at, k ? 2 : 3, MOST);
        double a = lab_real(at, .3, 1.4), b = lab_real(at + 3, -1.7, -.6);
        double w = lab_real(at + 6, .2, .8);
        double delta = huber ? lab_real(at + 30, .5, 1.2) : 0, delta2 = delta * delta;
        sgm_normal(out, 3 * (MOST + 1), lab_key(at), 0);
        for (int j = 0; j <= MOST; j++) out[j] = (float)(floor(256 * out[j]) / 256);
        double square = misses(miss, -1, out, x, eps, d, a, b), root = sqrt(square + delta2);
        double roots = 0, way = 0, upto = delta2;
        grad[d] = 77, none[d] = 77;
        loss[k] = yours(grad, out, x, eps, d, a, b, w, delta);
        kept += square, deltas += delta2;
        for (int j = 0; j < d; j++)
            roots += sqrt(miss[j] * miss[j] + delta2), way += fabs(miss[j]);
        truth[k] = huber ? w * (root - delta) : w * square;
        l[0][k] = truth[k] / d, l[1][k] = truth[k] / 2, l[2][k] = truth[k] / w;
        l[3][k] = huber ? w * root : w * sqrt(square);
        l[4][k] = huber ? w * (sqrt(square + delta) - delta) : w * square * square;
        l[5][k] = w * square, l[6][k] = 2 * truth[k];
        l[7][k] = huber ? w * (sqrt(kept + delta2) - delta) : w * kept;
        l[8][k] = huber ? w * (sqrt(kept + deltas) - delta) : w * kept;
        l[9][k] = w * (roots - d * delta), l[10][k] = w * (roots - delta);
        l[11][k] = w * (sqrt(square) - delta), l[12][k] = w * sqrt(square);
        l[13][k] = huber ? w * (sqrt(miss[0] * miss[0] + delta2) - delta) : w * miss[0] * miss[0];
        l[14][k] = w * way, l[15][k] = huber ? w * (root - delta2) : w * w * square;
        l[16][k] = delta * truth[k];
        for (int j = 0; j <= d; j++) {
            double right = j == d ? 77 : huber ? w * b * miss[j] / root : 2 * w * b * miss[j];
            int at_j = n + j;
            slope[at_j] = grad[j], exact[at_j] = right;
            for (int i = 0; i < E; i++) e[i][at_j] = right;
            if (j == d) continue;
            e[0][at_j] = huber ? 2 * right : right / 2, e[1][at_j] = right / b;
            e[2][at_j] = -right, e[3][at_j] = right / d, e[4][at_j] = right / w;
            e[5][at_j] = huber ? right * root : right * b;
            e[6][at_j] = huber ? 2 * right * root : right * right;
            e[7][at_j] = right + junk(j), e[8][at_j] = junk(j);
            e[9][at_j] = huber ? w * b * miss[j] / sqrt(miss[j] * miss[j] + delta2) : 2 * right;
            upto += miss[j] * miss[j];
            e[11][at_j] = huber ? w * b * miss[j] / sqrt(upto) : right * a / b;
            e[12][at_j] = huber ? delta * right : w * right;
            e[13][at_j] = w * b * miss[j] / sqrt(square + delta), e[14][at_j] = right / 2;
            e[10][at_j] = huber ? right * root / sqrt(square) : right;
        }
        for (int i = 0; i < SLIPS; i++) {
            double off[MOST + 1], by = i == SWAPPED ? a : i >= NO_B && i <= NO_AB ? 1 : b;
            double sum = misses(off, i, out, x, eps, d, a, b), under = sqrt(sum + delta2);
            slip_l[i][k] = huber ? w * (under - delta) : w * sum;
            for (int j = 0; j <= d; j++)
                slip_e[i][n + j] =
                    j == d && i != FAR ? 77 : w * by * off[j] * (huber ? 1 / under : 2);
        }
        /* four points make the quotient exact to h^4 */
        const float h = 1.f / 64;
        for (int j = 0; j < d; j++) {
            float keep = out[j];
            double q = 0;
            for (int i = -2; i <= 2; i++) {
                static const double by[] = {1, -8, 0, 8, -1};
                out[j] = keep + (float)i * h;
                q += by[i + 2] * yours(none, out, x, eps, d, a, b, w, delta) / (12 * h);
                kept += misses(miss, -1, out, x, eps, d, a, b), deltas += delta2;
            }
            out[j] = keep;
            if (k > 0) continue;
            top += q * grad[j], below += q * q, b1 = b, d1 = d, r1 = root;
            more += q * (exact[n + j] + junk(j)), blank += q * junk(j);
        }
        n += d + 1;
    }
    const char *point[] = {"square: loss of three points", "Huber: loss of three points"};
    const char *slopes[] = {"square: derivatives by out", "Huber: derivatives by out"};
    const char *quotients[] = {"square: derivative / quotient", "Huber: derivative / quotient"};
    static const char *const keeps = "The first call is right, and the next ones keep something "
        "from those before: the sum must begin anew in each call.";
    static const char *const first_only = "Only the first coordinate counts; there are d.";
    static const char *const share_twice = "The share stands in it squared: it multiplies the "
        "square from outside, once.";
    static const char *const scaled = "There is a factor δ too many: other books scale this loss "
        "so, δ² (√(‖·‖²/δ² + 1) − 1).";
    lab_guess square_losses[28] = {
        {"loss-mean", l[0], "It is the mean over the d coordinates; the loss is their sum."},
        {"loss-half", l[1], "It is half of what is asked for: there is no ½ in this loss."},
        {"loss-no-share", l[2], "The point's share is missing."},
        {"loss-no-square", l[3], "The distance itself; the loss is its square."},
        {"loss-square-twice", l[4], "The square is squared once more."},
        {"loss-twice", l[6], "It is twice what is asked for."}, {"kept", l[7], keeps},
        {"first-only", l[13], first_only},
        {"loss-of-distances", l[14], "The sizes of the misses are added up; asked for is the sum "
            "of their squares."},
        {"share-twice", l[15], share_twice}, END};
    lab_guess huber_losses[28] = {
        {"huber-loss-mean", l[0], "It is divided by d; the squares are summed, not averaged."},
        {"huber-loss-half", l[1], "It is half of what is asked for."},
        {"huber-no-share", l[2], "The point's share is missing."},
        {"=huber-constant", l[3], "Without the −δ: a constant more, and the same derivative."},
        {"huber-delta-no-square", l[4], "Below the root stands δ, not its square."},
        {"huber-is-square", l[5], "This is the square's loss: the root and δ are missing."},
        {"huber-loss-twice", l[6], "It is twice what is asked for."}, {"kept", l[7], keeps},
        {"kept", l[8], keeps},
        {"huber-by-coordinate", l[9], "Each coordinate has a root of its own; all the squares "
            "belong below one."},
        {"huber-by-coordinate", l[10], "Each coordinate has a root of its own; all the squares "
            "belong below one."},
        {"huber-no-delta", l[11], "δ² is missing below the root."},
        {"huber-no-delta", l[12], "This is the distance: δ² is missing below the root."},
        {"first-only", l[13], first_only},
        {"huber-takes-delta-square", l[15], "δ² is taken off after the root: that of δ² is δ."},
        {"huber-times-delta", l[16], scaled}, END};
    static const char *const adds = "What grad held before was added to: set it, for it may hold "
        "anything.";
    static const char *const leaves = "grad holds what it held before the call: nothing was "
        "written.";
    lab_guess square_slopes[28] = {
        {"slope-half", e[0], "Half of what it must be: a square's derivative has a factor 2."},
        {"slope-no-b", e[1], "The inner derivative is missing: out has the factor b."},
        {"slope-sign", e[2], "Its sign is wrong: the miss is ε̂ − ε."},
        {"slope-mean", e[3], "It is divided by d, but the loss is a sum over coordinates."},
        {"slope-no-share", e[4], "The point's share is missing."},
        {"slope-b-twice", e[5], "The factor b stands in it twice."}, {"added", e[7], adds},
        {"unwritten", e[8], leaves}, {"slope-twice", e[9], "Twice what it must be."},
        {"slope-by-x", e[11], "This is the derivative by x, whose factor is a; asked for is that "
            "by out."},
        {"share-twice", e[12], share_twice}, END};
    lab_guess huber_slopes[28] = {
        {"huber-slope-twice", e[0], "Twice too much: a root's derivative has a ½, which cancels "
            "the square's 2."},
        {"huber-no-b", e[1], "The inner derivative is missing: out has the factor b."},
        {"huber-sign", e[2], "Its sign is wrong: the miss is ε̂ − ε."},
        {"huber-slope-mean", e[3], "It is divided by d, but the squares are summed."},
        {"huber-slope-no-share", e[4], "The point's share is missing."},
        {"huber-no-root", e[5], "It is not divided by the root: it must not grow without limit."},
        {"huber-slope-square", e[6], "This is the square's derivative."}, {"added", e[7], adds},
        {"unwritten", e[8], leaves},
        {"huber-by-coordinate", e[9], "Each coordinate has a root of its own; all the squares "
            "belong below one."},
        {"huber-no-delta", e[10], "δ² is missing below the root by which it is divided."},
        {"huber-too-early", e[11], "The root is taken before all coordinates have been added up: "
            "go over them twice."},
        {"huber-times-delta", e[12], scaled},
        {"huber-delta-no-square", e[13], "Below the root stands δ, not its square."},
        {"huber-slope-half", e[14], "Half of what it must be: the ½ of the root's derivative and "
            "the 2 of the square's cancel."}, END};
    for (int i = 0; i < SLIPS; i++) {
        add(huber ? huber_losses : square_losses, slip[i].id, slip_l[i], slip[i].cause);
        add(huber ? huber_slopes : square_slopes, slip[i].id, slip_e[i], slip[i].cause);
    }
    const lab_guess *half = huber ? huber_slopes : square_slopes;
    double ratio = top / below, is[7];
    is[0] = huber ? 2 : .5, is[1] = 1 / b1, is[2] = -1, is[3] = 1 / d1, is[4] = huber ? r1 : b1;
    is[5] = more / below, is[6] = blank / below;
    lab_guess of[] = {{half[0].id, &is[0], half[0].cause}, {half[1].id, &is[1], half[1].cause},
        {half[2].id, &is[2], half[2].cause}, {half[3].id, &is[3], half[3].cause},
        {half[5].id, &is[4], half[5].cause}, {"added", &is[5], adds}, {"unwritten", &is[6], leaves},
        END};
    int sound = lab_compare(LAB_UNIT, point[huber], loss, truth, POINTS, 1e-9,
        huber ? huber_losses : square_losses);
    if (!huber) lone = fabs(loss[0] - l[13][0]) < 1e-6 * truth[0];
    int right = lab_compare(LAB_UNIT, slopes[huber], slope, exact, n, 2e-6, half);
    lab_unit(quotients[huber], ratio, 1, 5e-6, sound ? of : NULL);
    return right;
}

static void check_floor(void) {
    enum { CASES = 4 };
    double got[CASES], truth[CASES], e[13][CASES];
    for (int k = 0; k < CASES; k++) {
        double m = lab_real(60 + k, .2, .95), s = lab_real(65 + k, .3, 1.6);
        double v = lab_real(70 + k, .3, 3);
        int d = (int)lab_whole(60 + k, 2, 6);
        double all = m * m * v + s * s;
        got[k] = gaussian_floor(m, s, v, d), truth[k] = d * m * m * v / all;
        e[0][k] = truth[k] / d, e[1][k] = d * s * s / all, e[2][k] = d * s * s * v / all;
        e[3][k] = truth[k] / (s * s), e[4][k] = d * m * m * v * v / (m * m * v * v + s * s);
        e[5][k] = d * m * v / (m * v + s), e[6][k] = d * m * v / (m * v + s * s);
        e[7][k] = d * (1 - s / all), e[8][k] = d * (s * s - s * s / all);
        e[9][k] = d * (s * s - s * s * s * s / all), e[10][k] = d * (1 - s / sqrt(all));
        e[11][k] = d * m * m * v * v / all, e[12][k] = d * (1 - s * s * s * s / all / all);
    }
    lab_guess guesses[] = {{"floor-of-one", e[0], "The floor of one coordinate; there are d."},
        {"floor-complement", e[1], "What x tells of the noise; the floor is what it does not."},
        {"floor-of-x0", e[2], "The variance of x0 given x; asked for is that of the noise: ε is "
            "(x − m x0)/s."},
        {"floor-of-score", e[3], "The floor of the score; that of the noise is s² times it."},
        {"floor-v-squared", e[4], "v is a variance already, no standard deviation."},
        {"floor-no-squares", e[5], "Variances add, and m and s count squared in them."},
        {"floor-m-once", e[6], "m x0 has the variance m²v."},
        {"floor-covariance", e[7], "The covariance counts squared."},
        {"floor-of-noise", e[8], "ε has the variance 1; s² is that of the noise s ε."},
        {"floor-of-noise", e[9], "This is what is left of s ε; asked for is ε, of variance 1."},
        {"floor-correlation", e[10], "The correlation of ε and x is taken off 1; what x explains "
            "of a variance is the correlation's square."},
        {"floor-of-m-x0", e[11], "Of the variance of x0 given x something is missing, and it is "
            "not what is asked for: that of ε is a plain share of 1, without v before it."},
        {"floor-squared", e[12], "The covariance squared is over var x, not over its square: ε has "
            "the variance 1."}, END};
    lab_compare(LAB_UNIT, "the floor of four Gaussians", got, truth, CASES, 1e-9, guesses);
}

/* The mean of your loss, at a = 0, b = 1 and out = k x, over draws of x = m x0 + s ε. */
static double mean_loss(double k, double m, double s, double v, int d, sgm_key key) {
    static float z[2][DRAWS * 3 + 1];
    double sum = 0;
    sgm_normal(z[0], (size_t)(DRAWS * d), sgm_key_split(key, 0), 0);
    sgm_normal(z[1], (size_t)(DRAWS * d), sgm_key_split(key, 1), 0);
    for (int i = 0; i < DRAWS; i++) {
        float x[4] = {0}, out[4] = {0}, grad[4];
        for (int j = 0; j < d; j++) {
            x[j] = (float)(m * sqrt(v) * z[0][i * d + j] + s * z[1][i * d + j]);
            out[j] = (float)(k * x[j]);
        }
        sum += yours(grad, out, x, z[1] + i * d, d, 0, 1, 1. / DRAWS, 0);
    }
    return sum;
}

static void check_laws(void) {
    double m = lab_real(80, .5, .9), s = lab_real(81, .4, .8), v = lab_real(82, .7, 2);
    double all = m * m * v + s * s, floor = 3 * m * m * v / all, floor_mean = floor / 3;
    double half = floor / 2, twice = 2 * floor;
    /* the misses are Gaussian: their square has the variance 2/d of its mean's square */
    double wide = 5 * sqrt(2. / 3 / DRAWS), bad, bad_mean, bad_half, bad_twice;
    lab_guess least[] = {{"loss-mean", &floor_mean, "Below the floor, as no rule can be: the mean "
            "over the d coordinates, not their sum."},
        {"loss-half", &half, "Below the floor, as no rule can be: half."},
        {"loss-twice", &twice, "Twice the floor."}, END};
    lab_law("mean loss of the exact score", mean_loss(s / all, m, s, v, 3, lab_key(83)), floor,
        wide * floor, lone ? NULL : least);
    double k = -lab_real(84, .2, .5); /* a rule that takes the noise for its opposite */
    bad = 3 * ((1 - k * s) * (1 - k * s) + k * k * m * m * v);
    bad_mean = bad / 3, bad_half = bad / 2, bad_twice = 2 * bad;
    lab_guess worse[] = {{"loss-mean", &bad_mean, "A third: the mean over d = 3 coordinates."},
        {"loss-half", &bad_half, "Half."}, {"loss-twice", &bad_twice, "Twice."}, END};
    lab_law("mean loss of a bad rule", mean_loss(k, m, s, v, 3, lab_key(85)), bad,
        wide * bad, lone ? NULL : worse);
}

/* Where the derivatives of four points add up to 0, by halving: yours, or the exact ones. */
static double middle(double delta, int own) {
    static const float eps[5] = {3, -1, -1, -1}, x[2];
    double low = -2, high = 4;
    for (int k = 0; k < 50; k++) {
        double sum = 0;
        float out[2] = {(float)((low + high) / 2)}, grad[2];
        for (int i = 0; i < 4; i++) {
            double miss = (double)out[0] - eps[i];
            if (own) yours(grad, out, x, eps + i, 1, 0, 1, 1, delta), sum += grad[0];
            else sum += miss / sqrt(miss * miss + delta * delta);
        }
        if (sum > 0) high = out[0];
        else low = out[0];
    }
    return (low + high) / 2;
}

static void check_middle(void) {
    double delta = lab_real(95, .5, 1.2), mean = 0, wide = middle(sqrt(delta), 0);
    lab_guess guesses[] = {{"mean", &mean, "The mean: this derivative pulls as the square's."},
        {"huber-delta-no-square", &wide, "With δ for δ² under the root."}, END};
    lab_law("guess of least Huber loss: 3 -1 -1 -1", middle(delta, 1), middle(delta, 0), 1e-5,
        guesses);
}

/* A short training of a small network by your loss and your derivatives: what it says its loss is,
and how far the score is from the exact one in the end. */
static void check_training(int sloped) {
    static float data[TRAIN * 3];
    sgm_sde sde = sgm_sde_vp(.1, 20);
    double variance[] = {lab_real(90, .4, .7)}, mean[3] = {0, 0, 0}, weight[] = {1};
    sgm_mlp_options mlp;
    sgm_model_options net;
    sgm_train_options run;
    sgm_model model;
    sgm_trainer t;
    sgm_mixture mix;
    sgm_dsm_result r;
    memset(&mlp, 0, sizeof mlp), memset(&net, 0, sizeof net), memset(&run, 0, sizeof run);
    memset(&model, 0, sizeof model), memset(&t, 0, sizeof t), memset(&mix, 0, sizeof mix);
    memset(&r, 0, sizeof r);
    sgm_normal(data, TRAIN * 3, lab_key(91), 0);
    for (int i = 0; i < 3 * TRAIN; i++) data[i] *= (float)sqrt(variance[0]);
    mlp.width = 16, mlp.depth = 1;
    net.net = sgm_mlp, net.user = &mlp, net.d = 3, net.sde = sde, net.output = SGM_OUTPUT_NOISE;
    run.steps = STEPS, run.batch = BATCH, run.cosine = 1, run.lr = .02, run.held_out = -1;
    run.loss.weight = SGM_WEIGHT_SIGMA2, run.loss.times = SGM_TIMES_STRATIFIED;
    double said = 0, floor = 0, square = 0;
    /* The floor is a mean over t. The square of d = 3 misses has 2/3 of its mean's square for its
    variance: five standard errors, and a few per cent for what is still to be learnt. */
    for (int i = 0; i < 400; i++) {
        double at = sde.t_min + (1 - sde.t_min) * (i + .5) / 400, m = sgm_sde_m(&sde, at);
        double clean = m * m * variance[0], s = sgm_sde_s(&sde, at);
        double here = 3 * clean / (clean + s * s);
        floor += here / 400, square += here * here / 400;
    }
    r.excess = NAN;
    int good =
        sgm_mixture_init(&mix, 1, 3, weight, mean, variance, SGM_COV_ISOTROPIC, &sde) == SGM_OK &&
        sgm_model_init(&model, &net, lab_key(92)) == SGM_OK &&
        sgm_trainer_init(&t, &model, data, TRAIN, &run, lab_key(93)) == SGM_OK;
    for (int k = 0; good && k < STEPS; k++) {
        good = sgm_trainer_step(&t) == SGM_OK;
        if (k >= STEPS - LAST) said += t.loss / LAST;
        lab_point("%d %g %g", k, t.loss, floor);
    }
    if (good) {
        sgm_score learnt = sgm_model_score(&model, SGM_RAW), exact = sgm_mixture_score(&mix);
        sgm_dsm(&r, &learnt, &exact, data, TRAIN, &run.loss, 12000, lab_key(94));
    }
    double tol = 5 * sqrt(2. / 3 * square / (LAST * BATCH)) + .04 * floor;
    double per = floor / 3, low = floor / 2, high = 2 * floor;
    lab_guess off[] = {{"loss-mean", &per, "A loss below the floor, as no network can have: it is "
            "the mean over d = 3 coordinates."},
        {"loss-half", &low, "A loss below the floor, as no network can have."},
        {"loss-twice", &high, "Twice the floor, of a network that is at it."}, END};
    int blind =
        lab_law("loss that the training says", good ? said : NAN, floor, tol, lone ? NULL : off);
    if (blind && !sloped)
        lab_say(LAB_INFORMATIVE, "The training does not see that your derivative is wrong: Adam "
            "divides each derivative by its usual size, so that a factor changes nothing.");
    lab_law("excess of the trained network", r.excess, 0, .06, NULL);
    sgm_trainer_free(&t), sgm_model_free(&model), sgm_mixture_free(&mix);
}

/* For the picture: both losses along one number of out, and your derivatives there. */
static void draw(void) {
    const float x[2] = {.6f}, eps[2] = {.5f};
    for (int huber = 0; lab__.picture && huber < 2; huber++) {
        lab_point("\n");
        for (int k = -60; k <= 60; k++) {
            float out[2] = {(float)k / 20}, grad[2];
            double loss = yours(grad, out, x, eps, 1, .5, .8, .5, huber * .5);
            lab_point("%g %g %g", out[0], loss, grad[0]);
        }
    }
}

static void lab_checks(void) {
    int sloped = check_point(0);
    check_point(1), check_floor(), check_laws(), check_middle(), check_training(sloped);
    draw();
}
