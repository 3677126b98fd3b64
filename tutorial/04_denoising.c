/*
# 4. Denoising: the score is the best guess of the noise

**Question.** How can a score be learnt from points alone? Hide noise in a
point, and ask for it back. Here a point is x0 = 1 or x0 = -1, by a coin:

$$x = m x_0 + s ε, \qquad ε ∼ N(0, 1), \qquad m = .8, \; s = .6$$

You see x and say e(x) for ε; your *loss* is the mean of $(ε - e(x))^2$ (2.11).

**Two noises** can be behind one x: (x - m)/s if the coin said 1, (x + m)/s if
-1. As N(0, 1) is like exp(-ε²/2), their chances are as $e^u$ to $e^{-u}$, with
u = m x/s². So over all draws that show this x, x0 has the mean tanh u, written
E[x0|x], and the variance 1 - tanh² u. As ε = (x - m x0)/s, that makes

$$E[ε|x] = (x - m \tanh u)/s = -s\, ∇\log p(x), \qquad
\mathrm{Var}[ε|x] = (m/s)^2 (1 - \tanh^2 u)$$

by lesson 02, with humps at ±m of variance s², whose r differ by tanh u. So *the
best guess of the noise is -s times the score* (2.6). For any rule e the mixed
term of the square is 0, as ε - E[ε|x] has the mean 0 at every x. So

$$E(ε - e)^2 = E\,\mathrm{Var}[ε|x] + E(e - E[ε|x])^2
= \mathrm{floor} + \mathrm{excess} \qquad(2.9)$$

The floor is the same for all. The excess is s² times the mean squared distance
of two scores: who finds the rule of the least loss has found the score.
*/
#include "tutorial.h"
enum { SLICES = 32, DOTS = 1500 };
static const double m = .8, s = .6;

/* The exact score of the two noisy humps; what no rule knows at x; a bad score,
that of one Gaussian with the humps' mean, 0, and variance, m² + s² = 1. */
static double coin(double x) { return tanh(m * x / s / s); } /* E[x0|x] */
static double exact(double x) { return (m * coin(x) - x) / s / s; }
static double hidden(double x) { return pow(m / s, 2) * (1 - pow(coin(x), 2)); }
static double bad(double x) { return -x; }
static double missed(double x) { return pow(s * (bad(x) - exact(x)), 2); }
static sgm_status say_bad(const sgm_score *self, float *score, const float *x,
                          const float *t, long n) {
    for (long i = 0; self && t && i < n; i++) score[i] = (float)bad(x[i]);
    return SGM_OK;
}
int main(int argc, char **argv) {
    tut_start("04_denoising", argc, argv);
    const long n = tut_pick(40000, 400000, 400000);
    double least = 0, more = 0, loss = 0, worst = 0, sum[SLICES][4] = {{0}};
    float *eps = tut_memory((size_t)n * 8), *side = eps + n;
    static float dots[DOTS * 2], rows[SLICES * 6], ends[2] = {-1, 1};
    for (double z = -8; z < 8; z += .01) { /* means over x = m + s z */
        double p = .01 * exp(-z * z / 2) / sqrt(2 * acos(-1)), x = m + s * z;
        least += p * hidden(x), more += p * missed(x);
    }
    tut_say("You see x = .3. If the coin said 1, the noise was %.2f; if -1, it "
        "was %.2f. Weighed: %.2f.", (.3 - m) / s, (.3 + m) / s, -s * exact(.3));
    tut_ask("Always to say 0 has the loss 1. What is that of the exact score?",
        least, .15, (tut_guess[]){{1, "as if x told nothing"},
        {0, "x does not tell what the coin said: no rule is always right"},
        {m * m, "that is the straight line's; the score bends"}, {0, NULL}});
    /* The mean of ε is the c with the least mean of (ε - c)². So the means in
    slices of x learn the score, and nobody has told them one. */
    sgm_normal(eps, (size_t)n, sgm_key_split(tut_key(), 0), 0);
    sgm_uniform(side, (size_t)n, sgm_key_split(tut_key(), 1), 0);
    for (long i = 0; i < n; i++) {
        double x = (side[i] < .5 ? -m : m) + s * eps[i];
        double *in = sum[(int)fmin(fmax((x + 1.6) / .1, 0), SLICES - 1)];
        double left = eps[i] + s * exact(x); /* what the exact score leaves */
        in[0]++, in[1] += eps[i], in[2] += left, in[3] += hidden(x);
        loss += left * left / n;
        if (i < DOTS) dots[2 * i] = (float)x, dots[2 * i + 1] = eps[i];
    }
    for (int i = 0; i < SLICES; i++) {
        double x = .1 * i - 1.55, *in = sum[i], p = in[0] / n / .1;
        double row[] = {x, in[1] / in[0], -s * exact(x), -s * bad(x),
                        p * hidden(x), p * missed(x)};
        for (int j = 0; j < 6; j++) rows[6 * i + j] = (float)row[j];
        if (fabs(x) < 1.2) worst = fmax(worst, fabs(in[2]) / sqrt(in[3]));
    }
    tut_dat("dots.dat", "x noise", dots, DOTS, 2);
    tut_dat("slices.dat", "x mean exact bad floor excess", rows, SLICES, 6);
    /* The library judges the bad score, at the t where VP has this m and s. */
    sgm_sde sde = sgm_sde_vp(.1f, 20);
    double t = sgm_sde_t_from_logsnr(&sde, log(m * m / s / s));
    sgm_loss how = {.times = SGM_TIMES_GRID, .grid = &t, .n_grid = 1};
    sgm_mixture two; sgm_dsm_result r;
    tut_must(sgm_mixture_from_data(&two, ends, 2, 1, &sde));
    sgm_score right = sgm_mixture_score(&two), wrong = right;
    wrong.eval = say_bad;
    tut_must(sgm_dsm(&r, &wrong, &right, ends, 2, &how, n, tut_key()));
    /* Tolerances: 4.5 standard errors √(variance/n); 4.8 of the worst of 24. */
    tut_see("worst slice, in standard errors", worst, 0, 4.8, "Mean noise in "
        "slices of x is -s times the score, to %.1f standard errors.", worst);
    tut_see("loss of the exact score", loss, least, 4.5 * r.floor_se,
        "Exact score: loss %.4f; the floor, an integral: %.4f.", loss, least);
    tut_see("loss of the bad score", r.loss, m * m, 4.5 * r.loss_se, "The bad "
        "one has %.4f: E(ε - s x)² = 1 - 2s² + s² = %.2f,", r.loss, m * m);
    tut_see("excess of the bad score", r.excess, more, 4.5 * r.excess_se + 1e-6,
        "near %.4f floor + %.4f excess: the mixed term is 0 in the mean only.",
        r.floor, r.excess);
    tut_exercise(1, "loss of the exact score", .3483, .01);
    tut_exercise(2, "loss of the bad score", least + s * s, .02);
    return sgm_mixture_free(&two), free(eps), tut_done();
}
/*
Change one line. (`make try04.1` makes change 1 in a copy.)

(1) More noise. Where will the floor be, and is the bad score worse? Humps now
run together, as if one Gaussian; x is mostly noise, and so tells the noise.

    - m = .8, s = .6;
    + m = .6, s = .8;

(2) A score that is off by 1 everywhere has the loss floor + s², for any p.

    - return -x;
    + return exact(x) + 1;

Go on: §2.2, §2.5, proof 13. By yourself: a bad score of 0. Why is the loss 1?
*/
