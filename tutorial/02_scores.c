/*
# 2. Scores: arrows that point to where points are

**Question.** A density p(x) tells how densely points lie at x. Its *score* is
the gradient of its logarithm, ∇log p: at each x an arrow, uphill. How does it
look for two humps, what does noise do to it, and how is it computed?

**One hump.** For N(μ, v), v the variance, log p is -‖x - μ‖²/2v and a constant:

$$∇ \log p(x) = -(x - μ)/v$$

is a spring back to the mean. A factor of p does not matter: ∇ of its log is 0.

**Two humps** at μ_k with weights w_k. Noise of standard deviation σ adds σ² to
each variance. The score is the mean of both springs, each weighed by how likely
it is that x came from its hump (2.2):

$$∇ \log p(x) = \sum_k r_k\, a_k, \quad a_k = -\frac{x - μ_k}{v + σ^2}, \quad
r_k = \frac{w_k N_k(x)}{\sum_l w_l N_l(x)}$$

Far out each N_k(x) is so small that exp says 0, and 0/0 is no number. But only
their ratios count: the largest is taken out of all before exp is called (2.4).
*/
#include "tutorial.h"
enum { SIDE = 21, N = 3 * SIDE * SIDE };
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
static double along(double x, double sigma) { /* the arrow on the axis y = 0 */
    double s[2];
    return by_hand(s, x, 0, sigma), s[0];
}
int main(int argc, char **argv) {
    tut_start("02_scores", argc, argv);
    static float field[N][5];
    double s[2], a[2], worst = 0, h = 1e-5;
    tut_ask("A hump at 0, of standard deviation .5. What is the score at 1?",
        -4, .001, (tut_guess[]){{-2, "by the variance, .25, not by its root"},
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
        f[4] = i / SIDE / SIDE; /* σ is 0, 1, 2 */
        by_hand(s, f[0], f[1], f[4]), f[2] = s[0], f[3] = s[1];
        tut_must(sgm_score_eval(&score, got, f, f + 4, 1));
        worst = fmax(worst, hypot(got[0] - s[0], got[1] - s[1]) /
            (1 + hypot(s[0], s[1])));
    }
    tut_dat("field.dat", "x y score sigma", field[0], N, 5);
    tut_dat("weights.dat", "w", (float[]){(float)w[0], (float)w[1]}, 1, 2);
    tut_see("hand and library", worst, 0, 2e-7, "At %d places the library says "
        "the same, to a float's %.0e.", N, worst);
    double far = along(40, 0);
    tut_see("score far out", far, -(40 - 2) / v, 1e-9, "At 40 it is %g: one "
        "spring. But exp(-38²/2v) is %g there.", far, exp(-38 * 38 / 2 / v));
    /* By halving: where on the axis the arrows part; and the σ up to which the
    middle pushes away, d/dx > 0. That is 4/(v + σ²)² > 1/(v + σ²). */
    double left = -1.5, right = 1.5, low = 0, high = 9;
    tut_ask("Noise fills the valley between -2 and 2. At which σ is it gone?",
        sqrt(4 - v), .01, (tut_guess[]){{2, "nearly; the humps' own v helps"},
        {4, "that is the variance v + σ²"}, {0, NULL}});
    for (int k = 0; k < 60; k++) {
        double x = (left + right) / 2, sigma = (low + high) / 2;
        *(along(x, 0) < 0 ? &left : &right) = x;
        *(along(h, sigma) > along(-h, sigma) ? &low : &high) = sigma;
    }
    tut_see("where arrows part", left, 0, 1e-9, "In the middle, %.3f, the "
        "arrows part,", fabs(left));
    tut_see("noise that fills the valley", low, sqrt(4 - v), 1e-3,
        "until noise of σ = %.3f fills the valley: v + σ² = 4.", low);
    tut_exercise(1, "where arrows part", .1465, .001);
    tut_exercise(1, "noise that fills the valley", 1.091, .001);
    tut_exercise(2, "score by hand", -1.4, 1e-6);
    tut_exercise(2, "hand and library", 1, .5);
    tut_exercise(2, "score far out", -76, 1e-6);
    sgm_mixture_free(&mix);
    return tut_done();
}
/*
Change one line.

(1) A heavy left hump. Where arrows part moves right, to where both are likely.

    - w[2] = {.5, .5},
    + w[2] = {.9, .1},

(2) Divide by the root: the springs have not the stiffness that log p has.

    - r * (x - mu[k][0]) / var;
    + r * (x - mu[k][0]) / sqrt(var);

Go on: §2.1, proof 16. By yourself: leave out top, and look far out.
*/
