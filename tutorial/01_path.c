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

**The answer** needs no loop. A step multiplies the mean by 1 + fh and takes the
variance s² to (1 + fh)² s² + g² h. So $x_t ∼ N(m x_0, s^2)$, and for small h

$$\dot m = f m, \qquad d(s^2)/dt = 2 f s^2 + g^2 \qquad(1.3)$$

Here f = -β/2 and g² = β ("VP"), and β(t) = .1 + 19.9 t tells how fast the noise
comes. Then m = exp(-½∫β) and s² = 1 - m²: data of variance 1 keep it.
*/
#include "tutorial.h"
enum { STEPS = 1000, STOP = 300, SHOWN = 5, FAMILIES = 6 };
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
    /* A variance of n draws is good to √(2/n) of itself: 4.5 of these. */
    double w = variance(W, n, 0), v = variance(V, n, 0), by = 4.5 * sqrt(2./n);
    tut_see("variance of steps √h z", w, 1, by, "Steps of √h z: the variance "
        "after a unit of time is %.3f.", w);
    tut_see("variance of steps h z", v, .01, .01 * by, "Steps of h z: %.5f. "
        "The finer they are, the less noise is left.", v);
    for (long i = 0; i < n; i++) x[i] = start;
    for (int k = 0; k < STEPS; k++) {
        double t = k * h, mean = 0;
        sgm_normal(z, n, sgm_key_split(key, 100 + k), 0);
        for (long i = 0; i < n; i++)
            x[i] += f(t) * x[i] * h + g(t) * sqrt(h) * z[i]; /* (1.2) */
        t += h;
        double m = exp(-(.1 * t + 9.95 * t * t) / 2), s = sqrt(1 - m * m);
        path[k][0] = t, path[k][1] = m * start, path[k][2] = s;
        memcpy(path[k] + 3, x, SHOWN * sizeof *x);
        if (k + 1 != STOP) continue;
        /* A mean is good to s/√n; and h, for the steps are not tiny. */
        for (long i = 0; i < n; i++) mean += x[i] / n;
        double std = sqrt(variance(x, n, mean));
        tut_see("mean of the paths", mean, m * start, 4.5 * s / sqrt(n) + 2 * h,
            "Paths from 2, at .3: mean %.3f, m x0 %.3f;", mean, m * start);
        tut_see("standard deviation", std, s, s * by / 2 + h,
            "and the root of their variance is %.3f, s %.3f.", std, s);
    }
    tut_dat("path.dat", "t, m x0, s, paths", path[0], STEPS, SHOWN + 3);
    /* Other families have other f and g. Divided by m, x/m = x0 + σ ε, σ = s/m.
    So σ is all that matters, and t only the clock that tells it. */
    sgm_sde all[] = {sgm_sde_vp(.1, 20), sgm_sde_subvp(.1, 20),
        sgm_sde_cosine(), sgm_sde_ve(.01, 50), sgm_sde_edm(.002, 80),
        sgm_sde_rectified()};
    double even = (sqrt(.01 + 4 * 9.95 * log(2)) - .1) / (2 * 9.95), worst = 0;
    tut_ask("At which t, 0 to 1, has VP as much noise as signal, s = m?", even,
        .02, (tut_guess[]){{.5, "noise adds up: it is sooner"}, {0, NULL}});
    for (int j = 0; j < FAMILIES; j++) {
        float x0 = 2, eps = z[0], at = sgm_sde_t_from_logsnr(&all[j], 0), y;
        sgm_sde_perturb(&y, &x0, &eps, &at, 1, 1, &all[j]); /* (1.6) at σ = 1 */
        worst = fmax(worst, fabs(y / sgm_sde_m(&all[j], at) - (x0 + eps)));
        for (int k = 0; k < 100; k++) { /* σ = e^(-λ/2), of λ = log m²/s² */
            double u = curve[k][0] = (k + .5) / 100;
            curve[k][j + 1] = exp(-sgm_sde_logsnr(&all[j], u * all[j].T) / 2);
        }
    }
    double got = sgm_sde_t_from_logsnr(&all[0], 0);
    tut_see("t where VP has s = m", got, even, 1e-6,
        "VP has s = m at t = %.3f, where exp(-∫β) = 1/2.", got);
    tut_see("families at σ = 1", worst, 0, 2e-6, "Where σ = 1 six families "
        "blur a point alike, to %.0e.", worst);
    tut_dat("curve.dat", "t/T, s/m of six", curve[0], 100, FAMILIES + 1);
    tut_exercise(1, "standard deviation", .0246, .001);
    tut_exercise(2, "mean of the paths", 2, .035);
    tut_exercise(2, "standard deviation", .962, .025);
    free(x);
    return tut_done();
}
/*
Change one line.

(1) Forget the root here, too. The paths are smooth, and their spread is √h of
what it was, .025.

    - g(t) * sqrt(h) * z[i];
    + g(t) * h * z[i];

(2) No pull. The mean stays 2, and s² = ∫β goes on growing.

    - f(t) * x[i] * h
    + 0

Go on: §1.1, §1.2, proof 11. By yourself: a β that is 10 at all t.
*/
