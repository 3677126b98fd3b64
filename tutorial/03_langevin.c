/*
# 3. Langevin: a walk that draws from a density

**Question.** You know the score of a density p, the arrows uphill, and nothing
else. Let points follow the arrows in steps of γ, and shake them:

$$x ← x + γ\, ∇\log p(x) + \sqrt{2γ}\, z, \qquad z ∼ N(0, 1) \qquad(6.3)$$

Do they spread like p? If they do, arrows carry a stream p ∇log p = ∇p, and the
shaking, as heat flows, -∇p: together nothing. But that holds for tiny steps.
Take N(0, 1), whose score is -x, so that x ← (1 - γ)x + √(2γ) z. Variances of
independent numbers add, so the variance V that a step keeps is

$$V = (1 - γ)^2\, V + 2γ, \quad\text{so}\quad V = 1/(1 - γ/2) \qquad(6.4)$$

Too wide: the price of finite steps in this walk, ULA (the unadjusted Langevin
algorithm). MALA (the Metropolis-adjusted one) only proposes where a step ends,
y; let q(y|x) be the density of proposals from x. It goes there with the chance
$\min(1, [p(y)\, q(x|y)] / [p(x)\, q(y|x)])$, or else stays at x (6.5). Times
p(x) q(y|x) that is the same with x and y exchanged: of walkers that lie like p
as many go from x to y as from y to x, and p stays as it is.
*/
#include "tutorial.h"
/* log q(y|x): y is a Gaussian about x - γx, of the variance 2γ. */
static double log_q(double y, double x, double step) {
    return -pow(y - x + step * x, 2) / (4 * step);
}
/* The variance of n walkers after 63 steps, and the share of steps accepted. */
static double walk(int n, double step, int adjust, double *share, sgm_key key) {
    float z[64], u[64];
    double square = *share = 0;
    for (int i = 0; i < n; i++) {
        sgm_normal(z, 64, sgm_key_split(key, 0), 64 * (uint64_t)i);
        sgm_uniform(u, 64, sgm_key_split(key, 1), 64 * (uint64_t)i);
        double x = z[0]; /* they begin spread like p */
        for (int k = 1; k < 64; k++) {
            double y = x - step * x + sqrt(2 * step) * z[k], a = 0; /* (6.3) */
            if (adjust) /* log of p(y) q(x|y) / p(x) q(y|x): p is e^(-x²/2) */
                a = (x * x - y * y) / 2 + log_q(x, y, step) - log_q(y, x, step);
            *share += fmin(1, exp(a)) / (n * 63.);
            if (u[k] < exp(a)) x = y;
        }
        square += x * x / n;
    }
    return square;
}
int main(int argc, char **argv) {
    tut_start("03_langevin", argc, argv);
    const int n = (int)tut_pick(20000, 100000, 100000), few = 2000;
    double share, step = .2, V = 1 / (1 - step / 2);
    sgm_key key = tut_key();
    tut_ask("Variance of the walkers of ULA for N(0, 1) at γ = .2?", V, .01,
        (tut_guess[]){{5. / 9, "that is with √γ z; a step shakes by √(2γ) z"},
        {1, "p's; a step of this size keeps more"}, {0, NULL}});
    /* Tolerances: 4.5 standard errors. A variance has V √(2/n), and numbers in
    [0, 1] with the mean .98, as chances here, by √(.98 · .02) at most. */
    double ula = walk(n, step, 0, &share, sgm_key_split(key, 0));
    tut_see("variance of ULA", ula, V, 4.5 * V * sqrt(2. / n), "ULA at γ = %g: "
        "the variance is %.3f; (6.4) says %.3f, p says 1.", step, ula, V);
    double mala = walk(n, step, 1, &share, sgm_key_split(key, 1));
    tut_see("variance of MALA", mala, 1, 4.5 * sqrt(2. / n), "MALA, the same "
        "steps with refusals: %.3f; p says 1.", mala);
    tut_see("acceptance of MALA", share, 1 - atan(pow(step / 2, 1.5)) / acos(0),
        .64 / sqrt(n), "It accepts %.2f %%, as proof 12 derives.", 100 * share);
    /* Two humps of variance 1. In the valley log p is lower by 18: few cross,
    about walkers × steps × γ × e^-18 = .003 of them. EDM's time t is σ. */
    sgm_sde sde = sgm_sde_edm(.002, 80); sgm_mixture mix;
    tut_must(sgm_mixture_init(&mix, 2, 1, (double[]){.2, .8}, (double[]){-6, 6},
        (double[]){1, 1}, SGM_COV_ISOTROPIC, &sde));
    sgm_score two = sgm_mixture_score(&mix);
    float *x = tut_memory((size_t)few * 8), *cool = x + few, at[] = {-6, 6};
    double part[2], level[10];
    tut_ask("Humps at -6 and 6, .8 of p in the right one. All walkers begin in "
        "the left. What share is in the right one after 500 steps?", 0, .02,
        (tut_guess[]){{.8, "in the end; the valley is deep"}, {0, NULL}});
    sgm_langevin_options how = {.step = .2, .steps = 500};
    sgm_normal(x, (size_t)few, sgm_key_split(key, 2), 0);
    for (int i = 0; i < few; i++) x[i] -= 6;
    tut_must(sgm_langevin_run(x, few, &two, &how, NULL, sgm_key_split(key, 3)));
    sgm_mode_weights(part, x, few, 1, at, 2);
    tut_see("share right, one level", part[1], 0, .002, "Two humps far apart: "
        "after 500 steps %.3f of the walkers are in the right one.", part[1]);
    /* Annealed: walk first where noise of σ = 20 has left one hump, then with
    less, ten times; each walk begins where the last ended, with steps like σ²
    (6.9). 4.5 √(.16/n), and .02 as σ falls fast (proof 12). */
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
    tut_exercise(1, "variance of ULA", 2, .05);
    tut_exercise(1, "acceptance of MALA", .7837, .004);
    tut_exercise(2, "variance of MALA", .525, .02);
    tut_exercise(2, "acceptance of MALA", .857, .004);
    return sgm_mixture_free(&mix), free(x), tut_done();
}
/*
Change one line. (`make try03.1` makes change 1 in a copy.)

(1) A long step. MALA's variance is 1 still; a bad step shows in its acceptance.

    - step = .2, V
    + step = 1, V

(2) Forget q. Steps uphill are proposed more often than those back.

    - + log_q(x, y, step) - log_q(y, x, step);
    + ;

Go on: §6.1 to §6.3, proof 12. By yourself: √γ for √(2γ).
*/
