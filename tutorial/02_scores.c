/*
# 2. Scores: arrows that point to where points are

**Question.** A density p(x) tells how densely points lie at x. Its *score* is
the gradient of its logarithm, ∇log p: at each x an arrow, uphill. How does it
look for two humps, what does noise do to it, and how is it computed?

**One hump.** log p of N(μ, v), variance v each way, is -‖x - μ‖²/2v + constant:

$$∇ \log p(x) = -(x - μ)/v$$

is a spring back to the mean. The factor that makes p integrate to 1 is not in
it, as ∇ of a constant is 0: a good thing, for often nobody knows it.

**Two humps** at μ_k with weights w_k; noise of standard deviation σ adds σ² to
each variance. N_k is a hump's density then, a_k its spring: ∇N_k = N_k a_k. So
∇p/p is a mean of springs, weighed by how likely x came from each hump (2.2):

$$∇ \log p(x) = \sum_k r_k\, a_k, \quad a_k = -\frac{x - μ_k}{v + σ^2}, \quad
r_k = \frac{w_k N_k(x)}{\sum_l w_l N_l(x)}$$

Far out each N_k(x) is so small that exp says 0, and 0/0 is no number. But only
their ratios count: the largest is taken out of all before exp is called (2.4).
*/
#include "tutorial.h"
enum { SIDE = 21, N = 3 * SIDE * SIDE, ROW = 6 };
static const double v = .25, w[2] = {.5, .5}, mu[2][2] = {{-2, 0}, {2, 0}};
/* The score at (x, y) after noise σ, by hand. Returns log p and a constant. */
static double by_hand(double s[2], double x, double y, double sigma) {
    double var = v + sigma * sigma, l[2], sum = 0;
    for (int k = 0; k < 2; k++) { /* log w N, but for a constant */
        double u = x - mu[k][0], u2 = u * u + pow(y - mu[k][1], 2);
        l[k] = log(w[k]) - u2 / (2 * var);
    }
    double top = fmax(l[0], l[1]);
    s[0] = s[1] = 0;
    for (int k = 0; k < 2; k++) {
        double r = exp(l[k] - top); /* 1 for the likelier hump */
        sum += r;
        s[0] -= r * (x - mu[k][0]) / var;
        s[1] -= r * (y - mu[k][1]) / var;
    }
    return s[0] /= sum, s[1] /= sum, top + log(sum);
}
/* The place on the axis y = 0 where the arrows part; 9 if there is none. */
static double parting(double sigma) {
    double s[2], before = 1;
    for (int i = -200; i < 200; i++, before = s[0]) {
        by_hand(s, (i + .5) / 100, 0, sigma);
        if (before < 0 && s[0] > 0) return i / 100.;
    }
    return 9;
}
int main(int argc, char **argv) {
    tut_start("02_scores", argc, argv);
    static float field[N][ROW];
    double s[2], a[2], worst = 0, h = 1e-5;
    tut_ask("A hump at 0, of standard deviation .5. What is the score at 1?",
        -4, .01, (tut_guess[]){{-2, "by the variance, .25, not by its root"},
        {4, "it points back: minus"}, {-1, "v is not 1"}, {0, NULL}});
    /* A gradient is what differences of log p come to; the error is like h². */
    by_hand(s, -1.3, .4, 0);
    double up = by_hand(a, -1.3 + h, .4, 0), down = by_hand(a, -1.3 - h, .4, 0);
    tut_see("score by hand", s[0], (up - down) / (2 * h), 1e-6, "At (-1.3, .4) "
        "the arrow is (%.2f, %.2f), as differences of log p say.", s[0], s[1]);
    /* The library; its mixtures have any number of humps. EDM's time is σ. */
    sgm_sde sde = sgm_sde_edm(.002, 80);
    sgm_mixture mix;
    tut_must(sgm_mixture_init(&mix, 2, 2, w, mu[0], (double[]){v, v},
        SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    for (int i = 0; i < N; i++) {
        float *f = field[i], got[2];
        f[0] = .5f * (i % SIDE) - 5, f[1] = .5f * (i / SIDE % SIDE) - 5;
        f[4] = i / SIDE / SIDE, f[5] = w[0]; /* σ is 0, 1, 2 */
        by_hand(s, f[0], f[1], f[4]), f[2] = s[0], f[3] = s[1];
        tut_must(sgm_score_eval(&score, got, f, f + 4, 1));
        worst = fmax(worst, hypot(got[0] - s[0], got[1] - s[1]) /
            (1 + hypot(s[0], s[1])));
    }
    tut_dat("field.dat", "x y score sigma weight", field[0], N, ROW);
    tut_see("hand and library", worst, 0, 2e-7, "At %d places the library says "
        "the same, to a float's %.0e.", N, worst);
    by_hand(s, 40, 0, 0);
    tut_see("score far out", s[0], -(40 - 2) / v, 1e-9, "At 40 it is %g: one "
        "spring. But exp(-38²/2v) is %g there.", s[0], exp(-38 * 38 / 2 / v));
    double low = 0, high = 9, at = parting(0);
    tut_ask("From which σ on has noise filled the valley, and left one hump?",
        sqrt(4 - v), .02, (tut_guess[]){{4, "that is the variance, v + σ²"},
        {2, "nearly; the humps' own v helps"}, {0, NULL}});
    /* By halving. With V = v + σ², equal humps have the arrows (2 tanh(2x/V) -
    x)/V on the axis. They part at 0 if the slope there, (4/V - 1)/V, is > 0. */
    for (int k = 0; k < 50; k++)
        *(parting((low + high) / 2) < 9 ? &low : &high) = (low + high) / 2;
    tut_see("where arrows part", at, 0, .005, "At %.2f the arrows part,", at);
    tut_see("noise that fills the valley", low, sqrt(4 - v), 1e-3, "until "
        "noise of σ = %.3f fills the valley: v + σ² %.2f.", low, v + low * low);
    tut_exercise(1, "where arrows part", .1465, .005);
    tut_exercise(1, "noise that fills the valley", 1.098, .001);
    tut_exercise(2, "score by hand", -1.4, 1e-6);
    tut_exercise(2, "hand and library", 1, .5);
    tut_exercise(2, "score far out", -76, 1e-6);
    sgm_mixture_free(&mix);
    return tut_done();
}
/*
Change one line. (`make try02.1` makes change 1 in a copy.)

(1) A heavy left hump: arrows part right of 0, and less noise fills the valley.

    - w[2] = {.5, .5},
    + w[2] = {.9, .1},

(2) Divide x by the root: the springs have not the stiffness that log p has.

    - r * (x - mu[k][0]) / var;
    + r * (x - mu[k][0]) / sqrt(var);

Go on: §2.1, proof 16. By yourself: leave out top, and look far out.
*/
