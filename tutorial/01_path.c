/*
# 1. The forward process: one path, and what dW is

**Question.** A point is pulled towards 0 and shaken by chance, all the time.
Where may it be at time t? For a pull f(t) and a shake g(t) one writes

$$dx = f(t)\, x\, dt + g(t)\, dW \qquad(1.1)$$

which is short for a loop. dW is what chance adds in a step of time h: √h z, a
fresh z in every step, from the bell curve N(0, 1) of mean 0 and variance 1.

$$x ← x + f x h + g \sqrt{h}\, z \qquad(1.2)$$

Why the root? A unit of time has 1/h steps, and variances of independent numbers
add up: 1/h of them, each h, make 1, however small h is.

**The answer** needs no loop. A step multiplies the mean of x by 1 + fh and
takes its variance s² to (1 + fh)² s² + g² h. If all paths begin at x_0 and m is
the share of it that is left in the mean, then, for small h, from m = 1, s = 0:

$$\dot m = f m, \qquad d(s^2)/dt = 2 f s^2 + g^2 \qquad(1.3)$$

and x at t is drawn from N(m x_0, s²), for sums of bell curves are bell curves.
Here f = -β/2 and g² = β, and β(t) = .1 + 19.9 t tells how fast the noise comes.
Then m = exp(-½∫β) and s² = 1 - m². If x_0 itself has variance 1, x has m² + s²,
which is 1, too: one calls this VP, variance preserving.
*/
#include "tutorial.h"
/* tut_pick(test, study, full) is a size by MODE; tut_see(row, got, truth, its
tolerance, sentence) a check. Keys seed chance; sgm_key_split makes new ones. */
enum { STEPS = 1000, STOP = 300, SHOWN = 5, FAMILIES = 3 };
static const double h = 1. / STEPS, start = 2;
static double beta(double t) { return .1 + 19.9 * t; }
static double f(double t) { return -beta(t) / 2; }
static double g(double t) { return sqrt(beta(t)); }
static double variance(const float *x, long n, double mean) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += pow(x[i] - mean, 2) / n;
    return sum;
}
int main(int argc, char **argv) {
    tut_start("01_path", argc, argv);
    const long n = tut_pick(20000, 100000, 100000);
    float *x = tut_memory(16 * n), *z = x + n, *W = z + n, *V = W + n;
    static float path[STEPS][SHOWN + 3], curve[100][FAMILIES + 1];
    sgm_key key = tut_key();
    tut_ask("Somebody forgot the root: each of 100 steps adds h z, h = 1/100. "
        "What variance do they make? (With the root it is 1.)", .01, .02,
        (tut_guess[]){{.1, "that is its root, the standard deviation"},
        {1, "100 variances of 1/100² each make 1/100"}, {0, NULL}});
    for (int k = 0; k < 100; k++) { /* h = .01, √h = .1 */
        sgm_normal(z, n, sgm_key_split(key, k), 0);
        for (long i = 0; i < n; i++) W[i] += .1f * z[i], V[i] += .01f * z[i];
    }
    /* A mean of n draws errs by s/√n, its standard error, a variance by √(2/n)
    of itself; by more than 4.5 of these it does once in 150 000 times. */
    double w = variance(W, n, 0), v = variance(V, n, 0), by = 4.5 * sqrt(2./n);
    tut_see("variance of steps √h z", w, 1, by, "Steps of √h z: the variance "
        "after a unit of time is %.3f.", w);
    tut_see("variance of steps h z", v, .01, .01 * by, "Steps of h z: %.5f. "
        "The finer they are, the less noise is left.", v);
    double m = 1, s2 = 0;
    for (long i = 0; i < n; i++) x[i] = start;
    for (int k = 0; k < STEPS; k++) {
        double t = k * h, mean = 0;
        sgm_normal(z, n, sgm_key_split(key, 100 + k), 0);
        for (long i = 0; i < n; i++)
            x[i] += f(t) * x[i] * h + g(t) * sqrt(h) * z[i]; /* (1.2) */
        m += f(t) * m * h, s2 += (2 * f(t) * s2 + g(t) * g(t)) * h; /* (1.3) */
        path[k][0] = t += h, path[k][1] = m * start, path[k][2] = sqrt(s2);
        memcpy(path[k] + 3, x, SHOWN * sizeof *x);
        if (k + 1 != STOP) continue;
        double M = exp(-(.1 * t + 9.95 * t * t) / 2), S = sqrt(1 - M * M);
        for (long i = 0; i < n; i++) mean += x[i] / n;
        double std = sqrt(variance(x, n, mean)); /* the steps err by h, too */
        tut_see("mean of the paths", mean, M * start, 4.5 * S / sqrt(n) + 2 * h,
            "Paths from 2, at .3: mean %.3f, m x0 %.3f;", mean, M * start);
        tut_see("standard deviation", std, S, S * by / 2 + h,
            "and the root of their variance is %.3f, s %.3f.", std, S);
    }
    tut_dat("path.dat", "t, m x0, s, paths", path[0], STEPS, SHOWN + 3);
    /* Other families have other f and g: EDM m = 1, s = t, "rectified" m = 1 -
    t, s = t. As x/m = x0 + (s/m) ε with ε from N(0, 1), the noise level σ =
    s/m is all that matters, and t only the clock that tells it. */
    sgm_sde all[] = {sgm_sde_vp(.1, 20), sgm_sde_edm(.002, 80),
        sgm_sde_rectified()};
    /* s = m where m² = exp(-∫β) = 1/2: .1 t + 9.95 t² = log 2 */
    double even = (sqrt(.01 + 4 * 9.95 * log(2)) - .1) / (2 * 9.95);
    tut_ask("At which t, 0 to 1, has VP as much noise as signal, s = m?", even,
        .03, (tut_guess[]){{.5, "β grows to 20: it is sooner"}, {0, NULL}});
    double got = sgm_sde_t_from_logsnr(&all[0], 0); /* λ = log m²/s² = 0 */
    tut_see("t where VP has s = m", got, even, 1e-6,
        "VP has s = m at t = %.3f, where exp(-∫β) = 1/2.", got);
    for (int k = 0; k < 100; k++)
        for (int j = 0; j < FAMILIES; j++) {
            double t = (curve[k][0] = (k + .5) / 100) * all[j].T; /* to T */
            curve[k][j + 1] = sgm_sde_s(&all[j], t) / sgm_sde_m(&all[j], t);
        }
    tut_dat("curve.dat", "t/T, s/m of three", curve[0], 100, FAMILIES + 1);
    tut_exercise(1, "standard deviation", .0246, .001);
    tut_exercise(2, "mean of the paths", 2, .035);
    tut_exercise(2, "standard deviation", .962, .025);
    free(x);
    return tut_done();
}
/*
Change one line. (`make try01.1` makes change 1 in a copy.)

(1) Forget the root here, too: smooth paths, whose spread is √h of s, .025.

    - g(t) * sqrt(h) * z[i];
    + g(t) * h * z[i];

(2) No pull. The mean stays 2, and s² = ∫β goes on growing.

    - return -beta(t) / 2;
    + return 0 * t;

Go on: §1.1, §1.2, proof 11. By yourself: a β that is 10 at all t (and ∫β in M).
*/
