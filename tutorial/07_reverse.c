/*
# 7. The reverse SDE, and its three errors

**Question.** Noise has spread the data into a round cloud, and you know the
score at every noise level. How do you walk back, and what can go wrong?

**The way back** is like the way there, (1.1), a *stochastic differential
equation*, SDE, with t falling: $dx = (f x - g² ∇\log p_t)\, dt + g\, dW$ (5.3).
With s for the score a step Δ down is $x ← x - (f x - g² s) Δ + g \sqrt{Δ}\, z$,
z fresh from N(0, 1) (*Euler and Maruyama's method*). It is the whole g²: half
gathers the points, half makes up for the noise, which spreads them (§5.1).
*/
#include "tutorial.h"
enum { FINE = 200, FEW = 25, PATHS = 50, RING = 2000 };
static float film[FINE * PATHS]; /* rows of paths, for the figure */
/* Two humps about -1 and 1, of variance .04, the right `odds` times as heavy.
At t they have v = .04 m² + s²; the score is (m tanh(m x/v + ½ log odds) - x)/v.
With endless odds, one hump, it is a straight line, and a step multiplies what x
is off by 1 - (f + g²/v) Δ and adds g²Δ: so P, the samples' variance. */
static double back(float *x, long n, double T, double odds, int steps) {
    sgm_sde vp = sgm_sde_vp(.1, 20);
    double step = T / steps, P = 1;
    float *z = tut_memory((size_t)n * 4 + 4);
    sgm_normal(x, (size_t)n, sgm_key_split(tut_key(), 0), 0); /* N(0, 1) */
    for (int i = 0; i < steps; i++) {
        double t = T - i * step, m = sgm_sde_m(&vp, t), s = sgm_sde_s(&vp, t);
        double f = sgm_sde_f(&vp, t), g2 = sgm_sde_g2(&vp, t);
        double v = .04 * m * m + s * s, lean = .5 * log(odds);
        if (n && T == 1) memcpy(film + i * PATHS, x, PATHS * 4);
        sgm_normal(z, (size_t)n, sgm_key_split(tut_key(), (uint64_t)i + 1), 0);
        for (long j = 0; j < n; j++) {
            double score = (m * tanh(m * x[j] / v + lean) - x[j]) / v;
            double drift = f * x[j] - g2 * score;
            x[j] = (float)(x[j] - drift * step + sqrt(g2 * step) * z[j]);
        }
        P = pow(1 - (f + g2 / v) * step, 2) * P + g2 * step;
    }
    free(z);
    return P;
}
int main(int argc, char **argv) {
    tut_start("07_reverse", argc, argv);
    const long n = tut_pick(20000, 20000, 200000);
    const double at[] = {-1, 1}, var[] = {.04, .04}, w[] = {.3, .7};
    double apart = 0, should = 0, wide = 0, right[2], far[RING], miss[2] = {0};
    float *x = tut_memory((size_t)n * 8), *y = x + n, two[] = {-1, 1}, ring[16];
    sgm_sde vp = sgm_sde_vp(.1, 20);
    sgm_sample_options o = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = FINE,
                            .grid = SGM_GRID_UNIFORM, .plain_end = 1};
    sgm_mixture mix; sgm_model net;
    tut_must(sgm_mixture_init(&mix, 2, 1, w, at, var, SGM_COV_ISOTROPIC, &vp));
    sgm_score score = sgm_mixture_score(&mix);
    tut_must(sgm_sample(y, n, &score, &o, tut_key())); /* makes the same z */
    back(x, n, 1, 7. / 3, FINE), sgm_mode_weights(right, x, n, 1, two, 2);
    for (long j = 0; j < n; j++) apart += fabs(x[j] - y[j]) / n;
    /* Below, 4.5 standard errors: of a share √(.21/n), of a variance √(2/n). */
    tut_check("by hand and by the library", apart, 0, 1e-4);
    tut_see("right, T = 1", right[1], .7, 4.5 * sqrt(.21 / n) + .003, "No "
        "error: by hand, and alike by sgm_sample (to %.0e), %.3f of the points "
        "end in the right hump, where .7 of the data are.", apart, right[1]);
    tut_dat("film.dat", "paths, a row for each step", film, FINE, PATHS);
    /* At T as many at u will end right as had come from there: (1 + tanh)/2. */
    double m = sgm_sde_m(&vp, .2), v = 1 - .96 * m * m, lean = .5 * log(7. / 3);
    for (double u = -8; u < 8; u += .01) /* .01/√2π, of that the half */
        should += .00199471 * exp(-u * u / 2) * (1 + tanh(m * u / v + lean));
    tut_ask("The same from T = .2, not 1: what share ends in the right hump?",
        should, .03, (tut_guess[]){{.7, "so it would from p_T, which leans"},
        {.5, "half begin left; of those near 0 more end right"}, {0, NULL}});
    back(x, n, .2, 7. / 3, FINE), sgm_mode_weights(right, x, n, 1, two, 2);
    tut_see("right, T = .2", right[1], should, 4.5 * sqrt(.25 / n) + .003,
        "Error 1, the start. At T = .2 noise has not yet made N(0, 1). From it "
        "%.3f end in the right hump; by an integral %.3f.", right[1], should);
    tut_dat("short.dat", "x", x, n, 1);
    const double one = HUGE_VAL, P = back(x, n, 1, one, FEW);
    double fine = back(x, 0, 1, one, 200), more = back(x, 0, 1, one, 800);
    for (long j = 0; j < n; j++) wide += pow(x[j] - 1, 2) / n;
    tut_ask("The variance is 1.2 % too large with 200 steps. With 800, in %?",
        2500 * more - 100, .25, (tut_guess[]){{.075, "a step errs by Δ², a run "
        "by Δ"}, {.6, "√Δ is one path's error, not the law's"}, {0, NULL}});
    tut_see("few steps", wide, P, 4.5 * sqrt(2. / n) * P, "Error 2, the steps. "
        "%d turn the variance .04 into %.4f (P: %.4f), 200 into %.5f, 800 into "
        "%.5f: an error like Δ, of order 1.", FEW, wide, P, fine, more);
    tut_check("800 steps over 200", (more - .04) / (fine - .04), .25, .05);
    tut_dat("few.dat", "x", x, n, 1);
    tut_must(sgm_model_open(&net, "tutorial/weights/circle.safetensors"));
    score = sgm_model_score(&net, 0), sgm_data_ring(ring, 8);
    for (int k = 0; k < 2; k++) {
        o = (sgm_sample_options){.method = o.method, .steps = k ? 400 : 100};
        tut_must(sgm_sample(y, RING, &score, &o, tut_key()));
        tut_must(sgm_nearest(NULL, far, y, RING, ring, 8, 2, 1));
        for (int j = 0; j < RING; j++) miss[k] += far[j] / RING;
    }
    tut_see("miss: 400 steps over 100", miss[1] / miss[0], 1, .2, "Error 3, "
        "the score. That of lesson 06 misses its eight points by %.3f with 100 "
        "steps, by %.3f with 400: steps are no cure.", miss[0], miss[1]);
    tut_dat("circle.dat", "x y", y, RING, 2);
    tut_exercise(1, "by hand and by the library", 1.046, .03);
    tut_exercise(1, "right, T = 1", .555, .016);
    tut_exercise(1, "right, T = .2", .545, .016);
    tut_exercise(1, "few steps", .513, .024);
    tut_exercise(2, "few steps", .0411, .0019);
    sgm_mixture_free(&mix), sgm_model_free(&net), free(x);
    return tut_done();
}
/*
Change one line. (`make try07.1` makes change 1 in a copy.)

(1) ½g², but the noise left in. How wide are the humps? Do steps help (§5.6)?

    - f * x[j] - g2 * score
    + f * x[j] - .5 * g2 * score

(2) Four times the steps. The error is a tenth: 25 are too few for an order.

    - FEW = 25
    + FEW = 100

Go on: §5.1, §5.2, proofs 14 and 17; down a ladder of noise levels by Langevin
(NCSN): proof 15. By yourself: noise gΔz; the drift of the step's other end.
*/
