/*
Assignment 3. The exact score of a mixture: against the library's, near the data and far out; then
its ties to log p, to itself and to what the library makes of it.
*/
#include "check.h"

double mixture_logp(double *r, const sgm_mixture *mix, const double *x, double t);

enum { K = 16, D = 8, POINTS = 6, DRAWS = 500 };
static const double tau = 6.28318530717958647693;

enum {
    RIGHT, SIGN, WEIGHTLESS, SHRINKLESS, NOISELESS, DATA_SHRINKLESS, ROOT, EXPONENT, HALF, EQUAL,
    NEAREST, OF_P, ONE_TIME, NORMLESS, ONE_DET, ONE_CONSTANT, DET_TWICE, NORM_PLUS, CONSTANT,
    WEIGHTS_TWICE, S_ONCE, M_ONCE, UNSQUARED, LIKE, TOP_ONLY, TOP_LOST, UNNORMED, BITS,
    NO_PRODUCT, NO_INVERSE, PARTS, SPREAD_ONLY, ROOTS, BARE_INVERSE, BY_NUMBER, INVERSE_PLUS,
    PRODUCT_PLUS, WRONGS
};
static const struct { const char *id, *cause; } wrong[WRONGS] = {
    [SIGN] = {"sign", "the arrows point away from the data: the score of a Gaussian is a spring "
        "back"},
    [WEIGHTLESS] = {"weights-dropped", "all components count alike, the w_k are missing in r_k"},
    [SHRINKLESS] = {"mean-not-shrunk", "the components stand at μ_k; at the time t they are at m "
        "μ_k"},
    [NOISELESS] = {"noise-missing", "the variance lacks s²: the components are as narrow as at t "
        "= 0"},
    [DATA_SHRINKLESS] = {"variance-not-shrunk", "a number multiplied by m has m² times the "
        "variance"},
    [ROOT] = {"root-for-variance", "something is divided by a standard deviation that is to be "
        "divided by a variance"},
    [EXPONENT] = {"root-for-variance", "the exponent of a Gaussian has the variance below the "
        "line, not its root"},
    [HALF] = {"half-missing", "the exponent of a Gaussian is ‖x - μ‖² over twice the variance"},
    [EQUAL] = {"plain-mean", "the springs are averaged with the w_k; how likely x is under each "
        "has to count, too"},
    [NEAREST] = {"nearest-only", "the likeliest component alone pulls; between two both do"},
    [OF_P] = {"gradient-of-p", "this is ∇p; the score is ∇ log p, so divide by p"},
    [ONE_TIME] = {"first-time-only", "all points are treated as if their time were t[0]"},
    [NORMLESS] = {"norm-dropped", "a narrow Gaussian is high, a wide one low: without log det the "
        "wide one gets too much"},
    [ONE_DET] = {"one-root-of-d", "log det of v I is d log v: there are d coordinates"},
    [CONSTANT] = {"constant-dropped", "log p lacks -d/2 log 2π; the score does not miss it, a "
        "density does"},
    [ONE_CONSTANT] = {"one-root-of-d", "the Gaussian's constant is that of one dimension: log 2πv "
        "counts d times"},
    [DET_TWICE] = {"det-twice", "½ d log v has lost its ½: the root of a determinant is below the "
        "line"},
    [NORM_PLUS] = {"norm-plus", "½ d log 2πv is added; it stands below the line of a Gaussian"},
    [WEIGHTS_TWICE] = {"weights-twice", "the w_k count twice: log_weight is in l_k once, and r_k "
        "has it from there"},
    [S_ONCE] = {"s-not-squared", "the variance has s in it; s is a standard deviation"},
    [M_ONCE] = {"m-not-squared", "the variance has m c; a number times m has m² times the "
        "variance"},
    [UNSQUARED] = {"distance-not-squared", "the exponent has the distance itself, not its square"},
    [LIKE] = {"plain-mean", "the springs are averaged as if each component were as likely"},
    [TOP_ONLY] = {"largest-only", "log p is the largest l_k alone; the logarithm of the sum of "
        "e^{l_k − l_max} belongs to it"},
    [TOP_LOST] = {"largest-not-added", "the largest l_k was taken out of the exponents, and not "
        "added to the logarithm in the end"},
    [UNNORMED] = {"not-divided", "r is not divided by its sum: posteriors add up to 1"},
    [BITS] = {"bits-for-nats", "this is the logarithm to base 2; nats are natural ones"},
    [ROOTS] = {"root-for-variance", "the springs in it are divided by a standard deviation that "
        "are to be divided by a variance"},
    [BARE_INVERSE] = {"inverse-unweighted", "-v over the variance is not multiplied by r_k"},
    [BY_NUMBER] = {"squares-by-number", "a (a·v) is a vector times a number, the sum over all "
        "coordinates; yours multiplies number by number"},
    [INVERSE_PLUS] = {"inverse-sign", "v over the variance is added; a spring bends back"},
    [PRODUCT_PLUS] = {"product-sign", "the product of the two means is added, not taken off"},
    [NO_PRODUCT] = {"product-missing", "the last term of (2.3) is missing, the product of two "
        "means"},
    [NO_INVERSE] = {"inverse-missing", "each spring bends by itself, too: -v over the variance is "
        "missing"},
    [PARTS] = {"parts-only", "these are the springs' own derivatives; as x moves, the r_k move, "
        "too"},
    [SPREAD_ONLY] = {"mean-of-squares", "Σ r a (a·v) has been taken for the whole of (2.3)"}
};
static const char far_cause[] = "exp of -1000 is 0, and 0/0 is no number. Take the largest "
    "exponent out of all before exp is called (2.4)";

/* log p, r, s and js at x and t, as mistaken. */
static double mistaken(const sgm_mixture *mix, const double *x, const double *v, double t, int bad,
    double *r, double *s, double *js) {
    double m = sgm_sde_m(&mix->sde, t), sd = sgm_sde_s(&mix->sde, t), top = -HUGE_VAL, sum = 0;
    double var[K], a[K][D], mean_av = 0;
    int d = mix->d, best = 0;
    for (int k = 0; k < mix->k; k++) {
        double u2 = 0, c = mix->var[k], scale;
        var[k] = (bad == DATA_SHRINKLESS ? c : bad == M_ONCE ? m * c : m * m * c) +
            (bad == NOISELESS ? 0 : bad == S_ONCE ? sd : sd * sd);
        scale = bad == ROOT || bad == ROOTS ? sqrt(var[k]) : var[k];
        for (int j = 0; j < d; j++) {
            double u = x[j] - (bad == SHRINKLESS ? 1 : m) * mix->mean[k * d + j];
            u2 += u * u, a[k][j] = (bad == SIGN ? u : -u) / scale;
        }
        if (bad == UNSQUARED) u2 = sqrt(u2);
        u2 /= (bad == EXPONENT ? sqrt(var[k]) : var[k]) * (bad == HALF ? 1 : 2);
        r[k] = (bad == WEIGHTLESS ? 0 : bad == WEIGHTS_TWICE ? 2 : 1) * mix->log_weight[k] - u2 -
            (bad == NORM_PLUS ? -1 : 1) *
                ((bad == NORMLESS ? 0 : bad == DET_TWICE ? d :
                  .5 * (bad == ONE_DET || bad == ONE_CONSTANT ? 1 : d)) * log(var[k]) +
                 (bad == CONSTANT ? 0 : .5 * (bad == ONE_CONSTANT ? 1 : d) * log(tau)));
        if (r[k] > top) top = r[k], best = k;
    }
    for (int k = 0; k < mix->k; k++) sum += r[k] = exp(r[k] - top);
    for (int k = 0; k < mix->k; k++)
        r[k] = bad == NEAREST ? k == best : bad == UNNORMED ? r[k] : r[k] / sum;
    for (int k = 0; k < mix->k && bad == LIKE; k++) r[k] = 1. / mix->k;
    if (bad == EQUAL) for (int k = 0; k < mix->k; k++) r[k] = exp(mix->log_weight[k]);
    for (int j = 0; j < d; j++) s[j] = js[j] = 0;
    for (int k = 0; k < mix->k; k++) {
        double av = 0;
        for (int j = 0; j < d; j++) av += a[k][j] * v[j];
        mean_av += r[k] * av;
        for (int j = 0; j < d; j++) {
            s[j] += r[k] * a[k][j];
            double bend = v[j] / (bad == ROOTS ? sqrt(var[k]) : var[k]);
            js[j] += r[k] * ((bad == PARTS ? 0 : bad == BY_NUMBER ? a[k][j] * a[k][j] * v[j] :
                a[k][j] * av) - (bad == NO_INVERSE || bad == SPREAD_ONLY ? 0 :
                bad == INVERSE_PLUS ? -bend : bad == BARE_INVERSE ? bend / r[k] : bend));
        }
    }
    for (int j = 0; j < d; j++) {
        if (bad != NO_PRODUCT && bad != PARTS && bad != SPREAD_ONLY)
            js[j] -= bad == PRODUCT_PLUS ? -s[j] * mean_av : s[j] * mean_av;
        if (bad == OF_P) s[j] *= exp(top + log(sum));
    }
    if (bad == TOP_ONLY) return top;
    return ((bad == TOP_LOST ? 0 : top) + log(sum)) / (bad == BITS ? log(2) : 1);
}

/* Of log p, r, s and J v (1, 2, 4, 8): was wrong, and was not all 0, in some row. */
static int missed, alive;

/* One row. Far out no exp of a plain exponent is more than 0. */
static void seen(int q, const char *name, const double *got, const double *truth, long n,
    double tol, const lab_guess *guess, int far_out) {
    int fine = 1, none = 1;
    for (long i = 0; i < n; i++) fine &= isfinite(got[i]) != 0, none &= got[i] == 0;
    if (far_out && !(missed & 1 << q) && (!fine || none)) {
        lab_true(LAB_UNIT, name, 0, "no-log-sum-exp", far_cause);
        return;
    }
    if (!none) alive |= 1 << q;
    if (!lab_compare(LAB_UNIT, name, got, truth, n, tol, guess)) missed |= 1 << q;
}

static int written(const float *a, int n) { /* behind n numbers, where 7 stood 64 times */
    for (int i = n; i < n + 64; i++)
        if (a[i] != 7) return 1;
    return 0;
}

/* One mixture, POINTS points at as many times: log p, r, the score, its derivative. */
static void rows(const char *where, const sgm_mixture *mix, float reach, int which) {
    static float x[POINTS * D + 64], v[POINTS * D + 64], t[POINTS + 64], s[POINTS * D + 64];
    static float js[POINTS * D + 64];
    static float own_s[POINTS * D], own_js[POINTS * D], beside[POINTS * D];
    static double got[4][POINTS * K], bad[4][WRONGS][POINTS * K];
    static const char *const of[4] = {"log p", "r", "s", "J v"};
    static const double tolerance[4] = {1e-9, 1e-9, 2e-6, 2e-6};
    int d = mix->d, nd = POINTS * d, nk = POINTS * mix->k, outside, apart = 0;
    int points = mix->shape == SGM_COV_POINTS;
    double own[POINTS];
    const long n[4] = {POINTS, nk, nd, nd};
    sgm_score score = sgm_mixture_score(mix);
    sgm_normal(x, (size_t)nd, lab_key(which), 0), sgm_normal(v, (size_t)nd, lab_key(which + 1), 0);
    for (int i = 0; i < POINTS; i++) t[i] = (float)((i + 1) * lab_real(5, .05, .06));
    for (int i = 0; i < nd; i++) x[i] *= reach;
    for (int i = 0; i < nd + 64; i++) s[i] = js[i] = i < nd ? 0 : 7;
    sgm__mixture_jvp(&score, s, js, x, v, t, POINTS);
    outside = written(s, nd) || written(js, nd);
    for (int i = 0; i < nd; i++) got[3][i] = js[i], beside[i] = s[i], s[i] = 0;
    sgm__mixture_eval(&score, s, x, t, POINTS);
    outside = outside || written(s, nd);
    for (int i = 0; i < nd; i++) got[2][i] = s[i];
    for (int i = 0; i < nd; i++)
        apart |= !(fabs(s[i] - beside[i]) <= 1e-4 * (1 + fabs(s[i]))) && isfinite(s[i]);
    sgm_score_logp(&score, own, x, t, POINTS);
    sgm__mixture_jvp__own(&score, own_s, own_js, x, v, t, POINTS);
    for (int w = 0; w < WRONGS; w++)
        for (int i = 0; i < POINTS; i++) {
            double at[D], along[D], r[K] = {0};
            for (int j = 0; j < d; j++) at[j] = x[i * d + j], along[j] = v[i * d + j];
            bad[0][w][i] = mistaken(mix, at, along, w == ONE_TIME ? t[0] : t[i], w,
                &bad[1][w][i * mix->k], &bad[2][w][i * d], &bad[3][w][i * d]);
            if (w) continue;
            got[0][i] = mixture_logp(r, mix, at, t[i]);
            for (int k = 0; k < mix->k; k++) got[1][i * mix->k + k] = r[k];
            bad[0][0][i] = own[i];
            for (int j = 0; j < d; j++) bad[2][0][i * d + j] = own_s[i * d + j];
            for (int j = 0; j < d; j++) bad[3][0][i * d + j] = own_js[i * d + j];
        }
    for (int q = 0; q < 4; q++) {
        char name[48];
        lab_guess guess[WRONGS + 1];
        int guesses = 0;
        double worst = 0, most = 0;
        for (int w = 1; w < WRONGS; w++) {
            int some = 0, fine = 1; /* far out some come to 0, as does an empty function */
            if (q == 3 && points && (w == NEAREST || w == PARTS)) continue; /* equal there */
            if (q == 1 && points && (w == S_ONCE || w == EXPONENT)) continue; /* so are these */
            for (long i = 0; i < n[q]; i++) some |= bad[q][w][i] != 0;
            for (long i = 0; i < n[q]; i++) fine &= bad[q][w][i] == bad[q][w][i];
            if (fine && (some || alive & 1 << q)) /* and no NaN is named by a NaN */
                guess[guesses++] = (lab_guess){wrong[w].id, bad[q][w], wrong[w].cause};
        }
        for (long i = 0; i < n[q]; i++) {
            double off = fabs(got[q][i] - bad[q][0][i]), size = fabs(bad[q][0][i]);
            if (!(off <= worst)) worst = off;
            if (size > most) most = size;
        }
        if (q == 3 && worst < 5e-3 * most) guess[guesses++] = (lab_guess){"=difference-quotient",
            got[q], "right to two or three digits, as a difference of two scores is; (2.3) has all "
            "of them for the price of one"};
        guess[guesses] = (lab_guess){NULL, NULL, NULL};
        snprintf(name, sizeof name, "%s %s", of[q], where);
        if (q >= 2 && outside) lab_true(LAB_UNIT, name, 0, "outside", "something is written behind "
            "s or js, which have n d numbers");
        else if (q == 3 && apart) lab_true(LAB_UNIT, name, 0, "score-beside-it", "the function of "
            "J v has to write the score into s as well, the same as the other function");
        else seen(q, name, got[q], bad[q][0], n[q], tolerance[q], guess, reach > 10);
    }
}

/* The trapezium rule over the line, at 1001 places: for such smooth humps exact to rounding. */
typedef struct { double p, p_yours, xs, ss, trace, uphill; } integrals;

static integrals line(const sgm_mixture *mix, double t, int bad) {
    enum { PLACES = 1001 };
    static float x[PLACES], v[PLACES], at[PLACES], s[PLACES], js[PLACES], unused[PLACES];
    integrals sum = {0, 0, 0, 0, 0, 0};
    double h = 16. / (PLACES - 1), r[K] = {0}, one = 1, own_s, own_js;
    sgm_score score = sgm_mixture_score(mix);
    for (int i = 0; i < PLACES; i++) x[i] = (float)(i * h - 8), v[i] = 1, at[i] = (float)t;
    if (!bad) {
        sgm__mixture_jvp(&score, unused, js, x, v, at, PLACES);
        sgm__mixture_eval(&score, s, x, at, PLACES);
    }
    for (int i = 0; i < PLACES; i++) {
        double place = x[i], up = place + 1e-4, down = place - 1e-4;
        double p = h * exp(mistaken(mix, &place, &one, at[i], RIGHT, r, &own_s, &own_js));
        sum.p += p;
        if (bad) {
            sum.p_yours += h * exp(mistaken(mix, &place, &one, at[i], bad, r, &own_s, &own_js));
            s[i] = (float)own_s, js[i] = (float)own_js;
        } else {
            sum.p_yours += h * exp(mixture_logp(r, mix, &place, at[i]));
            sum.uphill += p * s[i] * (mixture_logp(r, mix, &up, at[i]) -
                mixture_logp(r, mix, &down, at[i])) / 2e-4;
        }
        sum.xs += p * place * s[i], sum.ss += p * s[i] * s[i], sum.trace += p * js[i];
    }
    return sum;
}

static void laws(const sgm_mixture *mix) {
    integrals you = line(mix, .2, RIGHT), all[WRONGS];
    lab_guess mass[WRONGS], stein[WRONGS], fisher[WRONGS];
    static double ratio[WRONGS];
    int a = 0, b = 0, c = 0;
    for (int w = 1; w < WRONGS; w++) {
        all[w] = line(mix, .2, w), ratio[w] = -all[w].trace / all[w].ss;
        if (w == HALF || w == CONSTANT || w == NORMLESS || w == WEIGHTLESS)
            mass[a++] = (lab_guess){wrong[w].id, &all[w].p_yours, wrong[w].cause};
        if (w <= OF_P || w == S_ONCE || w == M_ONCE)
            stein[b++] = (lab_guess){wrong[w].id, &all[w].xs, wrong[w].cause};
        if (w >= NO_PRODUCT) fisher[c++] = (lab_guess){wrong[w].id, &ratio[w], wrong[w].cause};
    }
    mass[a] = stein[b] = fisher[c] = (lab_guess){NULL, NULL, NULL};
    lab_law("integral of your p over the line", you.p_yours, 1, 1e-6, mass);
    lab_law("E s ∂log p over E s²", you.uphill / you.ss, 1, 1e-5, NULL);
    lab_law("E x s", you.xs, -1, 1e-5, stein);
    lab_law("-E J over E s²", -you.trace / you.ss, 1, 2e-3, fisher);
}

/* The library draws with your score, and computes densities with your derivative. */
static void swapped_in(const sgm_mixture *mix, double weight) {
    static float x[DRAWS + 64], place[3] = {-2.1f, .4f, 2.2f}, t[3];
    double logp[3] = {0, 0, 0}, se[3], truth[3], left = 0, third = 1. / 3;
    sgm_score score = sgm_mixture_score(mix);
    for (int i = 0; i < 3; i++) t[i] = (float)mix->sde.t_min;
    sgm_score_logp(&score, truth, place, t, 3);
    score.logp = NULL;
    sgm_sample_options o = {.method = SGM_METHOD_HEUN, .steps = 30};
    sgm_status status = sgm_sample(x, DRAWS, &score, &o, lab_key(40));
    for (int i = 0; i < DRAWS; i++) left += x[i] < -1 ? 1. / DRAWS : 0;
    if (status != SGM_OK) left = NAN;
    lab_law("share of samples in the left hump", left, weight,
        4.5 * sqrt(weight * (1 - weight) / DRAWS), (lab_guess[]){
        {"weights-dropped", &third, wrong[WEIGHTLESS].cause}, {NULL, NULL, NULL}});
    status = sgm_likelihood(logp, se, NULL, place, 3, &score, NULL, NULL, lab_key(41));
    if (status != SGM_OK) logp[0] = NAN;
    lab_compare(LAB_LAW, "log p by the flow of your score", logp, truth, 3, 3e-3, NULL);
}

static void picture(const sgm_mixture *mix) {
    static float x[2 * 441], s[2 * 441], t[441];
    sgm_score score = sgm_mixture_score(mix);
    double r[K] = {0};
    for (int i = 0; i < 441; i++) {
        x[2 * i] = (float)(i % 21) * .4f - 4, x[2 * i + 1] = (float)(i / 21) * .4f - 4;
        t[i] = .1f;
    }
    sgm__mixture_eval(&score, s, x, t, 441);
    for (int i = 0; i < 441; i++) {
        double at[2] = {x[2 * i], x[2 * i + 1]}, logp = mixture_logp(r, mix, at, t[i]);
        if (i % 21 == 0 && i) lab_point("");
        lab_point("%g %g %g %g %g", at[0], at[1], s[2 * i], s[2 * i + 1], logp);
    }
}

static void lab_checks(void) {
    int d = (int)lab_whole(0, 2, 3), k = (int)lab_whole(1, 3, 5);
    double mean[5 * 3], var[5], weight[5], left = lab_real(2, .72, .82);
    float z[15];
    sgm_sde vp = sgm_sde_vp(lab_real(3, .3, .6), 12), ve = sgm_sde_ve(2, 10);
    sgm_sde long_vp = sgm_sde_vp(.1, 30);
    sgm_mixture wide, points, line_mix, plane;
    sgm_normal(z, 15, lab_key(0), 0);
    for (int i = 0; i < 15; i++) mean[i] = 1.5 * z[i];
    for (int i = 0; i < 5; i++) {
        weight[i] = 1 + i % 3 * lab_real(4, 1, 2);
        var[i] = .1 + .2 * (i + 1) / (i % 2 + 1.);
    }
    if (sgm_mixture_init(&wide, k, d, weight, mean, var, SGM_COV_ISOTROPIC, &vp) ||
        sgm_mixture_init(&points, k, d, weight, mean, NULL, SGM_COV_POINTS, &ve) ||
        sgm_mixture_init(&line_mix, 3, 1, (double[]){left, .9 - left, .1},
            (double[]){-2.5, .5, 2.5}, (double[]){.2, .3, .25}, SGM_COV_ISOTROPIC, &long_vp) ||
        sgm_mixture_init(&plane, 3, 2, (double[]){.5, .3, .2}, (double[]){-2, -1, 2, -1, 0, 2},
            (double[]){.3, .5, .2}, SGM_COV_ISOTROPIC, &vp)) return;
    rows("near the data", &wide, 1.5f, 1);
    rows("of points, noised", &points, 1.5f, 4);
    rows("far out", &wide, 60, 7);
    laws(&line_mix);
    swapped_in(&line_mix, left);
    picture(&plane);
    sgm_mixture_free(&wide), sgm_mixture_free(&points);
    sgm_mixture_free(&line_mix), sgm_mixture_free(&plane);
}
