/*
# 3. Langevin: a walk that draws from a density

**Question.** You know the score of a density p, the arrows uphill, and nothing
else. Let points follow the arrows in steps of length γ, and shake them: *ULA*,
the unadjusted Langevin algorithm. Do they spread like p?

$$x ← x + γ\, ∇\log p(x) + \sqrt{2γ}\, z, \qquad z ∼ N(0, 1) \qquad(6.3)$$

Why √2? Where points lie like p, the arrows carry a stream p ∇log p = ∇p, and
the shake, as heat flows, carries -∇p: nothing changes. But steps are finite. On
N(0, 1) the score is -x, and a step keeps the variance V that solves

$$V = (1 - γ)^2\, V + 2γ, \quad\text{so}\quad V = 1/(1 - γ/2) \qquad(6.4)$$

*MALA* (adjusted) only proposes y, the end of such a step. The point goes there
with the chance min(1, [p(y) q(x|y)] / [p(x) q(y|x)]), else it stays; q(y|x) is
the density of y if the point is at x (6.5). Then as many go from x to y as from
y to x, so p stays. 1 - 2φ/π of the steps go, tan φ = (γ/2)^1.5 (see proof 12).
*/
#include "tutorial.h"
static const double length = .2, pi = 3.14159265358979;
static double score(double x) { return -x; }

/* log q(y|x): y is a Gaussian about x + γ score(x), of the variance 2γ. */
static double log_q(double y, double x, double g) {
    return -pow(y - x - g * score(x), 2) / (4 * g);
}
/* The variance of n walkers after 63 steps, and the share of steps accepted. */
static double walk(long n, double g, int adjust, double *share, sgm_key key) {
    float z[64], u[64];
    double square = *share = 0;
    for (long i = 0; i < n; i++) {
        sgm_normal(z, 64, sgm_key_split(key, 0), 64 * (uint64_t)i);
        sgm_uniform(u, 64, sgm_key_split(key, 1), 64 * (uint64_t)i);
        double x = z[0]; /* they begin spread like p */
        for (int k = 1; k < 64; k++) {
            double y = x + g * score(x) + sqrt(2 * g) * z[k], a = 0; /* (6.3) */
            if (adjust) /* the log of p(y) q(x|y) / p(x) q(y|x) (6.5) */
                a = (x * x - y * y) / 2 + log_q(x, y, g) - log_q(y, x, g);
            *share += fmin(1, exp(a)) / (n * 63.);
            if (u[k] < exp(a)) x = y;
        }
        square += x * x / n;
    }
    return square;
}
int main(int argc, char **argv) {
    tut_start("03_langevin", argc, argv);
    const long n = tut_pick(20000, 100000, 100000), few = 2000;
    double share, g = length, V = 1 / (1 - g / 2), part[2], level[10];
    sgm_key key = tut_key();
    tut_ask("Variance of the walkers of ULA for N(0, 1) at γ = .2?", V, .01,
        (tut_guess[]){{5. / 9, "that is with √γ z; a step shakes by √(2γ) z"},
        {1, "p's; a step of this size keeps more"}, {0, NULL}});
    /* 4.5 standard errors: V √(2/n); acceptances scatter by less than .13. */
    double ula = walk(n, g, 0, &share, sgm_key_split(key, 0));
    tut_see("variance of ULA", ula, V, 4.5 * V * sqrt(2. / n), "ULA at γ = %g: "
        "the variance is %.3f; (6.4) says %.3f, p says 1.", g, ula, V);
    double mala = walk(n, g, 1, &share, sgm_key_split(key, 1));
    tut_see("variance of MALA", mala, 1, 4.5 * sqrt(2. / n), "MALA, the same "
        "steps with refusals: %.3f; p says 1.", mala);
    tut_see("acceptance of MALA", share, 1 - 2 / pi * atan(pow(g / 2, 1.5)),
        .6 / sqrt(n), "It accepts %.2f %% of the steps.", 100 * share);
    /* Two humps of variance 1. In the valley between them log p is lower by 18:
    of 2000 walkers and 500 steps of .2, about 2e5 e^-18 = .003 cross. */
    sgm_sde sde = sgm_sde_edm(.002, 80); /* its time is σ */
    sgm_mixture mix;
    tut_must(sgm_mixture_init(&mix, 2, 1, (double[]){.2, .8}, (double[]){-6, 6},
        (double[]){1, 1}, SGM_COV_ISOTROPIC, &sde));
    sgm_score two = sgm_mixture_score(&mix);
    float *x = tut_memory((size_t)few * 8), *cool = x + few, at[] = {-6, 6};
    tut_ask("Humps at -6 and 6, .8 of p in the right one. All walkers begin "
        "left and take 500 steps. What share is then at the right one?", 0, .02,
        (tut_guess[]){{.8, "in the end; the valley is deep"}, {0, NULL}});
    sgm_langevin_options how = {.step = .2, .steps = 500};
    sgm_normal(x, (size_t)few, sgm_key_split(key, 2), 0);
    for (long i = 0; i < few; i++) x[i] -= 6;
    tut_must(sgm_langevin_run(x, few, &two, &how, NULL, sgm_key_split(key, 3)));
    sgm_mode_weights(part, x, few, 1, at, 2);
    tut_see("share right, one level", part[1], 0, .002, "Two humps far apart: "
        "after 500 steps %.3f of the walkers have crossed.", part[1]);
    /* Annealed: walk by the score of p with noise σ = 20, which has one hump,
    then with less, from where you are. 4.5 √(.16/n); .02 as σ falls fast. */
    for (int i = 0; i < 10; i++) level[i] = 20 * pow(.025, i / 9.);
    sgm_anneal_options down = {.levels = level, .n_levels = 10,
        .steps_per_level = 200, .last_step = .05};
    tut_must(sgm_anneal(cool, few, &two, &down, sgm_key_split(key, 4)));
    sgm_mode_weights(part, cool, few, 1, at, 2);
    tut_see("share right, annealed", part[1], .8, 4.5 * sqrt(.16 / few) + .02,
        "With ten noise levels from 20 to .5: %.3f; p says .8.", part[1]);
    float curve[12]; /* V at other steps, for the figure */
    for (int i = 0; i < 8; i++) {
        float *row = curve + i / 2 * 3, by = row[0] = .4f * (float)(1 + i / 2);
        row[1 + i % 2] = (float)walk(n / 5, by, i % 2, &share, key);
    }
    tut_dat("humps.dat", "x: first one level, then annealed", x, 2 * few, 1);
    tut_dat("curve.dat", "gamma ULA MALA", curve, 4, 3);
    tut_exercise(1, "acceptance of MALA", .7837, .004);
    tut_exercise(2, "variance of MALA", .525, .02);
    tut_exercise(2, "acceptance of MALA", .857, .004);
    sgm_mixture_free(&mix), free(x);
    return tut_done();
}
/*
Change one line. (`make try03.1` makes change 1 in a copy.)

(1) A longer step: γ = 1. ULA's variance is 2. MALA's is still 1: a bad step
shows in the acceptance, not in the answer.

    - length = .2,
    + length = 1,

(2) Forget q. Steps uphill are proposed more often than those back: V = .525.

    - + log_q(x, y, g) - log_q(y, x, g);
    + ;

Go on: §6.1 to §6.3, proof 12. By yourself: √γ for √(2γ).
*/
