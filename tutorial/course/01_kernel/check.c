/*
Assignment 1. The kernel's m and s against the library's own, family by family; then what they have
to do with the steps of (1.2), from which they come.
*/
#include "check.h"

double swell_integral(double t, void *user);

enum { TIMES = 8 };
static const double pi = 3.14159265358979323846;

/* What is often written instead of m and s. */
enum {
    RIGHT, NO_HALF, HALF_MORE, NO_HALF_M, TIMES_BETA, ONLY_BETA, GROWS, SQUARED, ONE_MINUS_M, ROOT,
    TWICE, TWICE_ROOT, FLOOR, FLAT, ONCE, AS_VP, NO_DRIFT, UNDIVIDED, UNDIVIDED_S, RATE, EVEN,
    STEADY, MEAN_BETA, B_FOR_RISE, EXCHANGED, CIRCLE, STRETCHED, BY_TIME, WRONGS
};
static const struct { const char *id, *cause; } wrong[WRONGS] = {
    [NO_HALF] = {"half-missing", "This is m²: f is half of -β, and your exponent lacks the ½."},
    [HALF_MORE] = {"half-extra", "The ½ of f stands in s², too. But s² has m², in which it is no "
        "longer."},
    [NO_HALF_M] = {"half-missing", "f is -β/2: with exp(-∫β) you have m², and s from that is too "
        "large."},
    [TIMES_BETA] = {"beta-times-t", "The exponent holds β(t) times t, or t² without the ½ that it "
        "gets when t is integrated; an integral of a line is the area of a trapezium."},
    [MEAN_BETA] = {"mean-beta-times-t", "This is t times the mean of a and b, the whole journey's; "
        "till t the mean is that of a and β(t)."},
    [B_FOR_RISE] = {"b-for-rise", "β rises by (b - a) t; yours has b there."},
    [EXCHANGED] = {"a-and-b-exchanged", "Your β falls from b to a; it is a at t = 0, b at t = 1."},
    [CIRCLE] = {"circle-for-line", "m² + s² = 1 holds where the variance is preserved, as in VP; "
        "it is not here. Do the integral of g²/m²."},
    [STRETCHED] = {"cosine-1.008", "The 1.008 below the line is missing in c(t)."},
    [BY_TIME] = {"integral-times-t", "sde->curve is the integral of β already, and is multiplied "
        "by t."},
    [ONLY_BETA] = {"beta-for-integral", "The exponent holds β(t), the rate now; what counts is all "
        "that has come since 0, the integral of β."},
    [GROWS] = {"m-grows", "The drift pulls towards 0, so that m falls from 1; yours grows."},
    [SQUARED] = {"s-squared", "This is the variance s², in the data's unit squared; asked is the "
        "standard deviation."},
    [ONE_MINUS_M] = {"one-minus-m", "s + m = 1 holds on the rectified path alone; here variances "
        "add up, not standard deviations."},
    [ROOT] = {"subvp-root", "This is the s of VP. The g² of sub-VP is smaller than β, and its s is "
        "smaller, too."},
    [TWICE] = {"subvp-twice", "exp(-2∫β) stands in the g² of sub-VP; integrate it, and s has "
        "another exponent."},
    [TWICE_ROOT] = {"subvp-twice-root", "This is the root of the factor in the g² of sub-VP. s² is "
        "an integral over g²/m², times m²."},
    [FLOOR] = {"sigma-floor", "This is σ(t), which is not 0 at t = 0; the kernel has only what "
        "came since: σ²(t) - σ²(0)."},
    [FLAT] = {"sigma-linear", "σ grows by equal factors, a (b/a)^t, not by equal amounts."},
    [ONCE] = {"sigma-once", "The power is that of σ(t); the exponent of σ² is twice as large."},
    [AS_VP] = {"pull-of-vp", "A family without β is treated as if a and b were those of a β."},
    [NO_DRIFT] = {"drift-forgotten", "This is the integral of g² alone: noise that came early has "
        "been pulled to 0 since, by the m² of (1.4)."},
    [UNDIVIDED] = {"cosine-start", "cos c(t) is not 1 at t = 0; m has to be."},
    [UNDIVIDED_S] = {"cosine-start", "This is sin c(t), which is not 0 at t = 0, as cos c(t) is "
        "not 1 there. s has to be 0."},
    [RATE] = {"g-for-s", "This is g(t), how fast noise comes at t; s is what has come."},
    [EVEN] = {"rectified-root", "This is √t, as of a variance that grows evenly. Do the integral "
        "of g²/m² once more."},
    [STEADY] = {"rectified-exp", "This m belongs to the drift -1. The drift is -1/(1 - t), and its "
        "integral a logarithm."}
};

/* The integral of β as mistaken. */
static double area(const sgm_sde *p, double t, int mistake) {
    double beta = p->a + (p->b - p->a) * t;
    if (mistake == ONLY_BETA) return beta;
    if (mistake == MEAN_BETA) return (p->a + p->b) / 2 * t;
    if (mistake == B_FOR_RISE) return p->a * t + p->b * t * t / 2;
    if (mistake == EXCHANGED) return p->b * t + (p->a - p->b) * t * t / 2;
    return mistake == TIMES_BETA ? beta * t : (p->a + beta) / 2 * t;
}

static double mistaken_m(const sgm_sde *p, double t, int mistake) {
    double turn = pi / 2 / 1.008;
    if (mistake == UNDIVIDED) return cos(turn * (t + .008));
    if (mistake == STEADY) return exp(-t);
    if (mistake == STRETCHED) return cos(pi / 2 * (t + .008)) / cos(pi / 2 * .008);
    double B = p->family == SGM_FAMILY_USER_BETA ? p->curve(t, p->user) : area(p, t, mistake);
    if (mistake == BY_TIME) B *= t;
    return exp(mistake == NO_HALF ? -B : mistake == GROWS ? B / 2 : -B / 2);
}

static double mistaken_s(const sgm_sde *p, double t, int mistake) {
    double s = sgm_sde_s__own(p, t), m = sgm_sde_m__own(p, t);
    double B = p->family == SGM_FAMILY_USER_BETA ? p->curve(t, p->user) : area(p, t, mistake);
    switch (mistake) {
    case EVEN: return sqrt(t);
    case CIRCLE: return sqrt(1 - m * m);
    case STRETCHED: m = mistaken_m(p, t, mistake); return sqrt(1 - m * m);
    case BY_TIME: B *= t; break;
    case UNDIVIDED_S: B = cos(pi / 2 / 1.008 * (t + .008)); return sqrt(1 - B * B);
    case SQUARED: return s * s;
    case ONE_MINUS_M: return 1 - m;
    case ROOT: return sqrt(1 - exp(-B));
    case TWICE: return 1 - exp(-2 * B);
    case TWICE_ROOT: return sqrt(1 - exp(-2 * B));
    case ONCE: return p->a * sqrt(pow(p->b / p->a, t) - 1);
    case FLOOR: return p->family == SGM_FAMILY_VE ? p->a * pow(p->b / p->a, t) :
        sqrt(p->curve(t, p->user));
    case FLAT: B = p->a + (p->b - p->a) * t; return sqrt(B * B - p->a * p->a);
    case RATE: return sqrt(sgm_sde_g2(p, t));
    case NO_DRIFT: return sqrt(B);
    case HALF_MORE: B /= 2; break;
    case NO_HALF_M: B *= 2; break;
    default: break;
    }
    return p->family == SGM_FAMILY_SUBVP ? 1 - exp(-B) : sqrt(1 - exp(-B));
}

/* One family's m or s at TIMES times, and mistakes that are made with it (up to RIGHT). */
static int row(const char *name, const sgm_sde *p, double (*got)(const sgm_sde *, double),
    double (*truth)(const sgm_sde *, double), double (*bad)(const sgm_sde *, double, int),
    const int *mistakes) {
    double g[TIMES], t[TIMES], v[WRONGS][TIMES];
    lab_guess guess[WRONGS];
    int guesses = 0;
    for (; mistakes[guesses] != RIGHT; guesses++) {
        int w = mistakes[guesses];
        guess[guesses] = (lab_guess){wrong[w].id, v[guesses], wrong[w].cause};
    }
    guess[guesses] = (lab_guess){NULL, NULL, NULL};
    for (int i = 0; i < TIMES; i++) {
        double at = p->T * (i + lab_real(6, .3, .7)) / TIMES;
        g[i] = got(p, at), t[i] = truth(p, at);
        for (int k = 0; k < guesses; k++) v[k][i] = bad(p, at, mistakes[k]);
    }
    return lab_compare(LAB_UNIT, name, g, t, TIMES, 1e-9, guess);
}

static void row_m(const char *name, const sgm_sde *p, const int *mistakes) {
    row(name, p, sgm_sde_m, sgm_sde_m__own, mistaken_m, mistakes);
}
static int row_s(const char *name, const sgm_sde *p, const int *mistakes) {
    return row(name, p, sgm_sde_s, sgm_sde_s__own, mistaken_s, mistakes);
}

/* Mean and variance of n steps of (1.2) from x0 = 1 to T; h → 0 by three of them. */
static double steps(const sgm_sde *p, long n, double *m) {
    double h = p->T / (double)n, v = 0;
    *m = 1;
    for (long k = 0; k < n; k++) {
        double f = sgm_sde_f(p, (double)k * h), g2 = sgm_sde_g2(p, (double)k * h);
        *m *= 1 + f * h, v = (1 + f * h) * (1 + f * h) * v + g2 * h;
    }
    return v;
}
static double fine_steps(const sgm_sde *p, double *m) {
    double m1, m2, m4, v1 = steps(p, 1000, &m1), v2 = steps(p, 2000, &m2), v4 = steps(p, 4000, &m4);
    *m = (8 * m4 - 6 * m2 + m1) / 3;
    return (8 * v4 - 6 * v2 + v1) / 3;
}

static void law(const char *m_name, const char *s_name, const sgm_sde *p, const int *mistakes) {
    double m, v = fine_steps(p, &m), ratio[WRONGS], s = sgm_sde_s(p, p->T);
    lab_guess guess[WRONGS];
    int n = 0;
    if (m_name) lab_law(m_name, sgm_sde_m(p, p->T) / m, 1, 1e-5, NULL);
    for (; mistakes[n] != RIGHT; n++) {
        int w = mistakes[n];
        ratio[n] = mistaken_s(p, p->T, w) * mistaken_s(p, p->T, w) / v;
        guess[n] = (lab_guess){wrong[w].id, &ratio[n], wrong[w].cause};
    }
    guess[n] = (lab_guess){NULL, NULL, NULL};
    lab_law(s_name, s * s / v, 1, 1e-5, guess);
}

static double bent(double t, void *user) { /* an ∫β, or with a start a σ² */
    const double *c = user;
    return c[0] + c[1] * t + c[2] * t * t * t;
}

/* Little noise: 1 - exp(-1e-13) has three digits, expm1 has all. sound: is s right elsewhere?
lost: what is likely if not even a digit is left. */
static void digits(const char *name, const sgm_sde *p, int sound, const char *lost) {
    double g[3], t[3];
    int some = 1;
    for (int i = 0; i < 3; i++) {
        double at = 1e-12 * (1 + 1.37 * i);
        g[i] = sgm_sde_s(p, at), t[i] = sgm_sde_s__own(p, at);
        some = some && fabs(g[i] - t[i]) < .1 * t[i];
    }
    if (some)
        lost = "A number near 1, less 1, has lost its digits: three are left here. Look at expm1.";
    lab_compare(LAB_UNIT, name, g, t, 3, 1e-8,
        (lab_guess[]){{sound ? "digits-lost" : "-", g,
                          sound ? lost : "It is wrong here, as it is in its row above."},
            {NULL, NULL, NULL}});
}

static double swell_truth(double t, const double *beta, int mistake) {
    double mean = (beta[0] + beta[1]) / 2, half = (beta[1] - beta[0]) / 2;
    switch (mistake) {
    case 1: return mean - half * cos(pi * t);
    case 2: return (mean - half * cos(pi * t)) * t;
    case 3: return mean * t - half * sin(pi * t);
    case 4: return mean * t - 2 * half * sin(pi * t) / pi;
    case 5: return mean * t + half * sin(pi * t) / pi;
    case 6: return beta[0] * t + half * t * t;
    case 7: return mean * t - half * sin(2 * pi * t) / (2 * pi);
    case 8: return mean * (t - sin(pi * t) / pi);
    case 9: return beta[0] * t;
    case 10: return beta[0] * t - half * sin(pi * t) / pi;
    case 11: return mean * t;
    case 12: return beta[0] * t + (beta[0] + beta[1]) / 2 * (t - sin(pi * t) / pi);
    case 13: return mean * t - 2 * half * sin(pi * t / 2) / pi;
    case 14: return beta[0] * t + 2 * half * pow(sin(pi * t / 2), 3) / 3;
    case 15: return half * t - half * sin(pi * t) / pi;
    default: return mean * t - half * sin(pi * t) / pi;
    }
}

static void swell(double *beta) {
    enum { N = 16 };
    double g[TIMES], v[N][TIMES], off = 0;
    for (int i = 0; i < TIMES; i++) {
        double t = (i + lab_real(6, .3, .7)) / TIMES;
        g[i] = swell_integral(t, beta);
        for (int k = 0; k < N; k++) v[k][i] = swell_truth(t, beta, k);
        if (!(fabs(g[i] - v[0][i]) <= off)) off = fabs(g[i] - v[0][i]);
    }
    const lab_guess guess[] = {
        {"=quadrature", g, "Right to six digits, as a sum of many small pieces is, or one of "
            "floats; the closed form has all of them, and is one line."},
        {"swell-half-angle", v[13], "sin² u is (1 - cos 2u)/2: with u = πτ/2 the wave is cos πτ, "
            "yours has half of its angle."},
        {"swell-cube", v[14], "sin³/3 is no integral of sin²: its derivative has a cosine, too."},
        {"swell-without-a", v[15], "a t is missing: β begins at a."},
        {"swell-linear", v[6], "This is the integral of a straight β from a to b."},
        {"swell-rate", v[1], "This is β(t) itself: asked is its integral from 0."},
        {"swell-times-t", v[2], "β(t) times t is no integral of a β that changes."},
        {"swell-inner", v[3], "The derivative of sin(πt) is π cos(πt): the wave's integral lacks "
            "its 1/π."},
        {"swell-double-angle", v[4], "sin² u is (1 - cos 2u)/2; the wave's part is twice too "
            "large."},
        {"swell-from-the-top", v[5], "β rises from a to b; yours falls from b to a."},
        {"swell-whole-wave", v[7], "This β is up at t = ½ and down again at 1, as sin²(πτ) is: the "
            "angle is πτ/2, and 2u is πτ."},
        {"swell-sum", v[8], "The wave's part has a + b for b - a."},
        {"swell-sum", v[12], "The wave's part has a + b for b - a."},
        {"swell-one-end", v[9], "This is a t, as if b were a: user points to a, and b comes after "
            "it."},
        {"swell-one-end", v[10], "The part that is even in t has a where the mean of a and b "
            "belongs."},
        {"swell-no-wave", v[11], "This is the mean β times t: the wave is missing."},
        {NULL, NULL, NULL}};
    lab_compare(LAB_UNIT, "the swell's integral of β", g, v[0], TIMES, 1e-9,
        guess + !(off < 1e-6 * v[0][TIMES - 1]));
}

/* Steps of (1.2) miss s² by what goes as h: half the step, half the miss. */
static void order(const sgm_sde *p) {
    double m, s = sgm_sde_s(p, p->T);
    double one = steps(p, 2000, &m) - s * s, two = steps(p, 4000, &m) - s * s;
    lab_law("order at which (1.2) nears your s²", log2(fabs(one / two)), 1, .02, NULL);
}

/* The library's (1.10) with your m and s, of six data of mean 1 and variance 4. */
static void prior(const sgm_sde *p) {
    const float data[6] = {3, -1, 3, -1, 3, -1};
    double m = sgm_sde_m__own(p, p->T), s = sgm_sde_s__own(p, p->T), V = 4 * m * m + s * s;
    double truth = .5 * (V + m * m - 1 - log(V));
    double blind = .5 * (4 * m * m * m * m + 1 - m * m * m * m + m * m * m * m - 1 -
        log(4 * m * m * m * m + 1 - m * m * m * m));
    lab_law("KL of the prior in nats: by the library", sgm_sde_prior_kl(p, data, 6, 1), truth,
        1e-9, (lab_guess[]){{"half-missing", &blind, wrong[NO_HALF_M].cause}, {NULL, NULL, NULL}});
}

/* With your schedule the library looks for the time at which s = m: the integral of β is log 2. */
static void halfway(const sgm_sde *p, const double *beta) {
    double lo = 0, hi = 1;
    for (int i = 0; i < 60; i++) {
        double t = (lo + hi) / 2;
        *(swell_truth(t, beta, 0) < log(2) ? &lo : &hi) = t;
    }
    lab_law("time at which your β has s = m", sgm_sde_t_from_logsnr(p, 0), lo, 1e-6, NULL);
}

static void picture(const sgm_sde *vp, const sgm_sde *sub, const sgm_sde *own,
    const double *beta) {
    for (int i = 0; i <= 100; i++) {
        double t = i / 100., B = swell_truth(t, beta, 0);
        lab_point("%g %g %g %g %g %g %g %g %g %g %g", t, sgm_sde_m(vp, t), sgm_sde_s(vp, t),
            sgm_sde_s(sub, t), sgm_sde_m(own, t), sgm_sde_s(own, t), sgm_sde_m__own(vp, t),
            sgm_sde_s__own(vp, t), sgm_sde_s__own(sub, t), exp(-B / 2), sqrt(1 - exp(-B)));
    }
}

static void lab_checks(void) {
    double a = lab_real(0, .08, .2), b = lab_real(1, 15, 22), low = lab_real(2, .02, .2);
    double high = lab_real(3, 8, 30), tide[2] = {lab_real(4, .1, .5), lab_real(5, 9, 15)};
    double curve[3] = {0, lab_real(7, .5, 1), lab_real(8, 2, 4)};
    double start[3] = {lab_real(9, .3, .6), curve[1], curve[2]};
    sgm_sde vp = sgm_sde_vp(a, b), sub = sgm_sde_subvp(a, b), ve = sgm_sde_ve(low, high);
    sgm_sde edm = sgm_sde_edm(.01, high), rectified = sgm_sde_rectified();
    sgm_sde cosine = sgm_sde_cosine(), beta = sgm_sde_user_beta(bent, curve);
    sgm_sde sigma2 = sgm_sde_user_sigma2(bent, start);
    sgm_sde own = sgm_sde_user_beta(swell_integral, tide);
    sgm_sde short_vp = sgm_sde_vp(a, lab_real(1, 2, 3)), none = vp;
    none.family = SGM_FAMILY_NONE;

    row_m("m of VP", &vp, (int[]){NO_HALF, TIMES_BETA, ONLY_BETA, GROWS, MEAN_BETA, B_FOR_RISE,
        EXCHANGED, RIGHT});
    int vp_right = row_s("s of VP", &vp, (int[]){SQUARED, HALF_MORE, NO_HALF_M, TIMES_BETA,
        ONLY_BETA, ONE_MINUS_M, NO_DRIFT, RATE, MEAN_BETA, B_FOR_RISE, EXCHANGED, RIGHT});
    row_m("m of sub-VP", &sub, (int[]){NO_HALF, TIMES_BETA, ONLY_BETA, GROWS, MEAN_BETA, B_FOR_RISE,
        EXCHANGED, RIGHT});
    int sub_right = row_s("s of sub-VP", &sub, (int[]){SQUARED, ROOT, TWICE, TWICE_ROOT, HALF_MORE,
        TIMES_BETA, ONLY_BETA, RATE, MEAN_BETA, B_FOR_RISE, EXCHANGED, RIGHT});
    row_m("m of VE", &ve, (int[]){AS_VP, RIGHT});
    int ve_right = row_s("s of VE", &ve, (int[]){SQUARED, FLOOR, FLAT, ONCE, AS_VP, RATE, RIGHT});
    row_m("m of EDM", &edm, (int[]){RIGHT});
    row_s("s of EDM", &edm, (int[]){SQUARED, RATE, RIGHT});
    row_m("m of the rectified path", &rectified, (int[]){STEADY, RIGHT});
    row_s("s of the rectified path", &rectified, (int[]){SQUARED, EVEN, CIRCLE, RATE, RIGHT});
    row_m("m of the cosine", &cosine, (int[]){UNDIVIDED, STRETCHED, RIGHT});
    row_s("s of the cosine", &cosine, (int[]){SQUARED, UNDIVIDED_S, STRETCHED, ONE_MINUS_M, RATE,
        RIGHT});
    row_m("m of a β by its integral", &beta, (int[]){NO_HALF, GROWS, BY_TIME, RIGHT});
    row_s("s of a β by its integral", &beta, (int[]){SQUARED, HALF_MORE, NO_HALF_M, NO_DRIFT,
        ONE_MINUS_M, RATE, BY_TIME, RIGHT});
    row_m("m of a σ² by its curve", &sigma2, (int[]){AS_VP, RIGHT});
    row_s("s of a σ² by its curve", &sigma2, (int[]){SQUARED, FLOOR, RATE, RIGHT});
    lab_true(LAB_UNIT, "m and s of no process are NAN", isnan(sgm_sde_m(NULL, .5)) &&
        isnan(sgm_sde_s(NULL, .5)) && isnan(sgm_sde_s(&none, .5)), "nan-of-nothing",
        "Of sde NULL, and of the s of a family that the table has not, nothing is known: NAN.");
    double nan = NAN, as_vp = mistaken_m(&vp, .5, AS_VP);
    lab_unit("m of a family not in the table", sgm_sde_m(&none, .5), 1, 1e-9,
        (lab_guess[]){{wrong[AS_VP].id, &as_vp, wrong[AS_VP].cause},
            {"m-of-none", &nan, "Of a family that the table has not no drift is known: its m is 1, "
                "as if nothing were pulled. s says that it is unknown."},
            {NULL, NULL, NULL}});
    digits("s of VP at t = 1e-12: eight digits", &vp, vp_right,
        "s² is 1e-13 there, a small difference of larger numbers. Look at expm1.");
    digits("s of sub-VP at t = 1e-12: eight digits", &sub, sub_right,
        "The difference of two numbers near each other has lost all its digits. Your s² is a "
        "square: take its root by algebra, and what is left is one expm1.");
    digits("s of VE at t = 1e-12: eight digits", &ve, ve_right,
        "σ²(t) and σ²(0) are near each other there, and their difference has lost its digits. "
        "Take σ²(0) out, and look at expm1.");
    swell(tide);

    vp.T = sub.T = .35;
    law("VP: your m / m of steps (1.2)", "VP: your s² / s² of steps (1.2)", &vp,
        (int[]){SQUARED, HALF_MORE, NO_HALF_M, NO_DRIFT, RIGHT});
    law("sub-VP: your m / m of steps (1.2)", "sub-VP: your s² / s² of steps (1.2)", &sub,
        (int[]){ROOT, TWICE, TWICE_ROOT, RIGHT});
    law(NULL, "VE: your s² / s² of steps (1.2)", &ve,
        (int[]){SQUARED, FLOOR, FLAT, ONCE, RIGHT});
    rectified.T = .8, cosine.T = .9;
    law("rectified: your m / m of steps (1.2)", "rectified: your s² / s² of steps (1.2)",
        &rectified, (int[]){RIGHT});
    law("cosine: your m / m of steps (1.2)", "cosine: your s² / s² of steps (1.2)", &cosine,
        (int[]){RIGHT});
    law("your β: your m / m of steps (1.2)", "your β: your s² / s² of steps (1.2)", &own,
        (int[]){RIGHT});
    order(&short_vp);
    prior(&short_vp);
    halfway(&own, tide);
    vp.T = sub.T = 1;
    picture(&vp, &sub, &own, tide);
}
