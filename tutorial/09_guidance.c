/*
# 9. Guidance, and the law that it has not

**Question.** You know p(x) and measure y. How do you draw from p(x|y), the
density of x once y is seen (the *posterior*)? And what do you draw if you pull
towards y γ times as hard?

**Scores add.** Bayes' rule says p(x|y) = p(x) p(y|x) / p(y). In logarithms, its
gradient by x is $∇\log p_t(x|y) = ∇\log p_t(x) + ∇\log p_t(y|x)$ (8.1).
*Guidance* takes γ times the last: $s = (1 - γ) ∇\log p_t(x) + γ ∇\log p_t(x|y)$
(8.6). γ = 1 is Bayes. γ = 2, many say, draws from p(x) p(y|x)². At each t by
itself s is the score of such a density. But as noise rises $\log p_t$ obeys
(8.7), which has the square of its gradient, and the square of a mean is no mean
of squares: noise makes none of them of another. The SDE reverses nothing.
*/
#include "tutorial.h"
enum { STEPS = 600 };
static const double tau2 = 1, y = 1; /* measured: y = x0 + τ z, and it is 1 */
/* The data are N(0, 1), given y N(y (1 - c), c) with 1/c = 1 + 1/τ²: one over
the variance, the *precision*, adds up. Noise of variance v spreads both. */
static double guided(double x, double v, double gamma) {
    double c = tau2 / (1 + tau2), all = -x / (1 + v);
    double given = -(x - y * (1 - c)) / (c + v);
    return (1 - gamma) * all + gamma * given;
}
/* (5.3) with v for the clock, so f = 0, g² = 1; or the flow, Euler's in √v. */
static void draw(float *x, long n, double gamma, int noise) {
    sgm_key key = sgm_key_split(tut_key(), (uint64_t)gamma);
    float *z = tut_memory((size_t)n * 4);
    sgm_normal(x, (size_t)n, sgm_key_split(key, 0), 0);
    double v = 900, q = pow(1e-6, 1. / STEPS); /* down to .0009 */
    for (long j = 0; j < n; j++) x[j] *= 30;
    for (int i = 0; i < STEPS; i++, v *= q) {
        if (noise) sgm_normal(z, (size_t)n, sgm_key_split(key, i + 1u), 0);
        for (long j = 0; j < n; j++) {
            double s = guided(x[j], v, gamma), step = v * (1 - q);
            if (noise) x[j] += (float)(s * step + sqrt(step) * z[j]);
            else x[j] += (float)(s * v * (1 - sqrt(q)));
        }
    }
    free(z);
}
static double variance(const float *x, long n) {
    double sum = 0, square = 0;
    for (long j = 0; j < n; j++) sum += x[j] / n, square += pow(x[j], 2) / n;
    return square - sum * sum;
}
int main(int argc, char **argv) {
    tut_start("09_guidance", argc, argv);
    const long n = tut_pick(10000, 20000, 200000);
    const double mu = 0, var = 1, c = tau2 / (1 + tau2);
    const double some = 4.5 * sqrt(2. / n) + .02; /* .02: the steps' error */
    float *x = tut_memory((size_t)n * 8), *z = x + n, table[5 * 3], A = 1;
    float seen = (float)y, at = -2, t = .5, s;
    double sde[5], flow[5], ula;
    sgm_sde ve = sgm_sde_edm(.03, 30); /* whose t is √v */
    sgm_mixture px, given;
    sgm_inverse look; sgm_guided g;
    tut_ask("x is from N(0, 1). You see y = x + z, z from N(0, 1) too. What "
        "variance is left to x?", c, .02, (tut_guess[]){
        {1, "y tells something"}, {2, "that is y's"}, {0, NULL}});
    tut_must(sgm_mixture_init(&px, 1, 1, 0, &mu, &var, SGM_COV_ISOTROPIC, &ve));
    tut_must(sgm_inverse_init(&look, 1, 1, &A, &seen, sqrt(tau2)));
    tut_must(sgm_mixture_posterior(&given, &px, &look));
    sgm_score a = sgm_mixture_score(&px), b = sgm_mixture_score(&given);
    tut_must(sgm_guided_init(&g, &a, &b, 0, 2));
    sgm_score mixed = sgm_guided_score(&g);
    tut_must(sgm_score_eval(&mixed, &s, &at, &t, 1));
    tut_check("score by hand and by the library", guided(at, .25, 2), s, 1e-5);
    double P = c * c + c * (1 - c) * (1 - c) / 3, q = c / (2 - c); /* (8.8) */
    tut_ask("p(x) p(y|x)² has the variance 1/3. The way back at γ = 2 has?", P,
        .03, (tut_guess[]){{1. / 3, "so many say; it does otherwise"},
        {.25, "that is the flow's"}, {.5, "that is γ = 1, Bayes"}, {0, NULL}});
    for (int k = 0; k < 5; k++) {
        draw(x, n, k, 0), flow[k] = variance(x, n);
        draw(x, n, k, 1), sde[k] = variance(x, n);
        if (k == 2) tut_dat("sde.dat", "x", x, n, 1);
        table[3 * k] = k, table[3 * k + 1] = sde[k], table[3 * k + 2] = flow[k];
    }
    tut_dat("gamma.dat", "γ; variance by SDE; by flow", table, 5, 3);
    for (int i = 0; i < 300; i++) { /* Langevin's walk at v = 0 */
        sgm_normal(z, (size_t)n, sgm_key_split(tut_key(), 100u + i), 0);
        for (long j = 0; j < n; j++)
            x[j] += (float)(.02 * guided(x[j], 0, 2) + .2 * z[j]);
    }
    ula = variance(x, n), free(x);
    tut_see("γ = 1: variance", sde[1], given.var[0], given.var[0] * some,
        "γ = 1 draws the posterior: variance %.3f. The library: N(%.2f, %.2f).",
        sde[1], given.mean[0], given.var[0]);
    tut_check("γ = 2, flow: variance", flow[2], c * c, c * c * some);
    tut_see("γ = 2, SDE over p(x) p(y|x)²", sde[2] / q, P / q, P / q * some,
        "γ = 2: the SDE has %.3f, the flow %.3f, p(x) p(y|x)² %.3f: three "
        "densities. (8.8) says %.3f, %.3f.", sde[2], flow[2], q, P, c * c);
    P = q / (1 - .01 / q);
    tut_see("γ = 2, Langevin: variance", ula, P, P * some, "At one t there is "
        "one density: Langevin's walk has %.3f; by (6.4) %.3f.", ula, P);
    tut_exercise(1, "γ = 2, SDE over p(x) p(y|x)²", .994, .055);
    tut_exercise(2, "score by hand and by the library", 6.8, .001);
    tut_exercise(2, "γ = 1: variance", 7. / 24, .02);
    tut_exercise(2, "γ = 2, SDE over p(x) p(y|x)²", .581, .04);
    tut_exercise(2, "γ = 2, flow: variance", .125, .009);
    tut_exercise(2, "γ = 2, Langevin: variance", .26, .017);
    sgm_mixture_free(&px), sgm_mixture_free(&given), sgm_inverse_free(&look);
    return tut_done();
}
/*
Change one line. (`make try09.1` makes change 1 in a copy.)

(1) A y that says little (c = .9): the three densities nearly meet.

    - tau2 = 1, y
    + tau2 = 9, y

(2) γ and w = γ - 1, the scale of other papers, mixed up: "1" is then 2, 2 is 3.

    - return (1 - gamma) * all + gamma * given
    + return -gamma * all + (1 + gamma) * given

Go on: §8.3 to §8.5, proofs 19 and 30. By yourself: a y that is not 1.
*/
