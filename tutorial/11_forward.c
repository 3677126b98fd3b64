/*
# 1. The forward process: from data to noise

**Question.** You pull a point towards the origin and shake it with white noise. Where is it after a
time t? And does a cloud of such points end where sampling will start?

**Equation.** $dx = f(t) x dt + g(t) dW$ (1.1) has the answer $x_t | x_0 ∼ N(m_t x_0, s_t² I)$ (1.5).

**Plan.** Six steps, each of them a claim that you find in print:

1. Simulate (1.1) with nothing but f and g: the paths must have the m and s of (1.5), in all families.
2. End points of VE and VP, as in *Diffusion Through the Lens of Score Matching* (EngineersOfAI lesson).
3. That lesson's table of VP and sub-VP variances: where do the two differ most?
4. The Fokker–Planck equation on a grid, from two humps at ±2, the data of *Score-Based Generative
   Modeling through SDEs* (a README after Song et al. 2021), against the exact mixture and paths.
5. What is left of the data at T, for the schedule of *SGM_GTAP* (H. Gangloff, 2025) and the others.
6. Two kernels as they are often written, and why no path follows them.

**What you should see.** Steps 1 to 5 agree as well as chance allows. In step 6, $x_0 + σ(t) ε$ is a
third too wide, and the sub-VP std of *SBGM: Score-Based Generative Models in JAX* (J. Homer) 1.8 times.

**Figures.** `11_forward_kernels.png`, `11_forward_paths.png`, `11_forward_fokker_planck.png`.

    cc -O2 -fopenmp tutorial/11_forward.c -o 11_forward -lm

**Try this.** (1) STEPS 8 → 1: VE lags, for its g is taken where a step starts: at t = 7/8 the std of
its paths is 16.6, not 17.2. Every row still passes, since `weak_error` knows what such steps cost.
(2) WALL 8 → 2: the walls stand in the middle of the humps, so half of the mass is missing, and the
L1 error is .454 on every grid: order 0. Convergence to what, a finer grid cannot tell.
(3) VP's β up to 10, not 20: the KL of its prior grows by $e^{10} = 22\,000$, for it goes as m⁴.
*/

#include "tutorial.h"

enum { FAMILIES = 8, SEGMENTS = 128, STEPS = 8, WALL = 8, CELLS = 1024, SHOWN = 4, COLUMNS = 1 + 3 * SHOWN };
static const double shown[SHOWN] = {0.125, 0.25, 0.375, 1}; /* step 4 looks at these times */
static const char *const family[FAMILIES] = {"VP", "cosine", "sub-VP", "rectified", "VE", "EDM",
                                             "your beta=1", "your sigma^2=t"};
static sgm_sde sde[FAMILIES];

static double identity(double t, void *user) { return (void)user, t; }

static void name_families(void) {
    sde[0] = sgm_sde_vp(0.1, 20), sde[1] = sgm_sde_cosine();
    sde[2] = sgm_sde_subvp(0.1, 20), sde[3] = sgm_sde_rectified();
    sde[4] = sgm_sde_ve(0.01, 50), sde[5] = sgm_sde_edm(0.002, 80);
    sde[6] = sgm_sde_user_beta(identity, NULL), sde[6].T = 4; /* ∫β = t up to 4, as in SBGM */
    sde[7] = sgm_sde_user_sigma2(identity, NULL);             /* Brownian motion            */
}

/*
Euler–Maruyama is (1.1) with dt replaced by a small h, and that is all it is. It knows only f and g:

$$x ← x + f(t)\, x\, h + g(t) \sqrt{h}\, z, \qquad z ∼ N(0,1) \qquad(T11.1)$$
*/

static void walk(float *x, long n, const sgm_sde *p, double t0, double t1, int steps, sgm_key key) {
    double h = (t1 - t0) / steps, shrink[256], shake[256];
    for (int k = 0; k < steps; k++) {
        shrink[k] = 1 + sgm_sde_f(p, t0 + k * h) * h;
        shake[k] = sqrt(sgm_sde_g2(p, t0 + k * h) * h);
    }
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (long i = 0; i < n; i++) {
        float z[256];
        double y = x[i];
        sgm_normal(z, (size_t)steps, sgm_key_split(key, (uint64_t)i), 0);
        for (int k = 0; k < steps; k++) y = shrink[k] * y + shake[k] * z[k];
        x[i] = (float)y;
    }
}

/*
The steps make an error of their own, C·h to leading order. You know it without any noise: (T11.1) turns
m into (1 + fh) m, and s² into (1 + fh)² s² + g²h. Half the h changes the result by ½C·h, so three times
that change bounds C·h with room for h². Neither knows (1.5), so a wrong kernel cannot hide in it.
*/

static void weak_error(double *in_m, double *in_s, const sgm_sde *p, double t, int steps) {
    double m[2] = {1, 1}, s2[2] = {0, 0};
    for (int half = 0; half < 2; half++) {
        int n = steps << half;
        for (int k = 0; k < n; k++) {
            double h = t / n, shrink = 1 + sgm_sde_f(p, k * h) * h;
            m[half] *= shrink, s2[half] = shrink * shrink * s2[half] + sgm_sde_g2(p, k * h) * h;
        }
    }
    *in_m = 3 * fabs(m[0] - m[1]), *in_s = 3 * fabs(sqrt(s2[0]) - sqrt(s2[1]));
}

static void moments(double *mean, double *std, const float *x, long n, int stride) {
    double sum = 0, square = 0;
    for (long i = 0; i < n; i++) sum += x[i * stride];
    *mean = sum / (double)n;
    for (long i = 0; i < n; i++) square += (x[i * stride] - *mean) * (x[i * stride] - *mean);
    *std = sqrt(square / (double)(n - 1));
}

/* Two rows. Five standard errors, std/√n and std/√(2n), are one false alarm in 1.7 million rows. Where n points
cannot tell the mean from 0, a row about it could not either. */

static void check_cloud(const char *label, const float *x, long n, int stride, double mean, double std,
                        double weak_mean, double weak_std) {
    char name[64];
    double got_mean, got_std;
    moments(&got_mean, &got_std, x, n, stride);
    double wide = 5 * std / sqrt((double)n) + weak_mean;
    snprintf(name, sizeof name, "%s: mean", label);
    if (wide < fabs(mean)) tut_check(name, got_mean, mean, wide);
    snprintf(name, sizeof name, "%s: std", label);
    tut_check(name, got_std, std, 5 * std / sqrt(2.0 * (double)n) + weak_std);
}

static void check_paths(const char *name, const sgm_sde *p, double t, const float *x, long n, int steps) {
    char label[64];
    double weak_m, weak_s;
    weak_error(&weak_m, &weak_s, p, t, steps);
    snprintf(label, sizeof label, "(1.5) %s paths from 4, t=%.3g", name, t);
    check_cloud(label, x, n, 1, 4 * sgm_sde_m(p, t), sgm_sde_s(p, t), 4 * weak_m, weak_s);
}

/* Step 1. The same noise pushes all families: compare them path by path in the figure. */

static void kernels(sgm_key key) {
    enum { PATHS = 8, BAND = 5 * FAMILIES, PATH = 1 + PATHS * FAMILIES };
    static float band[(SEGMENTS + 1) * BAND], path[(SEGMENTS + 1) * PATH];
    const long n = tut_quick() ? 4000 : 40000;
    float *x = (float *)tut_memory((size_t)n * sizeof *x);
    printf("1. %ld paths of %d steps in each of %d families\n", n, SEGMENTS * STEPS, FAMILIES);
    for (int j = 0; j < FAMILIES; j++) {
        for (long i = 0; i < n; i++) x[i] = 4;
        for (int i = 0; i <= SEGMENTS; i++) {
            double mean, std, h = sde[j].T / SEGMENTS, t = i * h;
            if (i > 0) walk(x, n, &sde[j], t - h, t, STEPS, sgm_key_split(key, (uint64_t)i));
            if (i == SEGMENTS / 4 || i == SEGMENTS / 2 || i == SEGMENTS * 7 / 8)
                check_paths(family[j], &sde[j], t, x, n, i * STEPS);
            moments(&mean, &std, x, n, 1);
            float *b = band + i * BAND + 5 * j;
            b[0] = (float)t, b[3] = (float)(mean / 4), b[4] = (float)std;
            b[1] = (float)sgm_sde_m(&sde[j], t), b[2] = (float)sgm_sde_s(&sde[j], t);
            path[i * PATH] = (float)i / SEGMENTS;
            memcpy(path + i * PATH + 1 + j * PATHS, x, PATHS * sizeof *x);
        }
    }
    tut_dat("kernel_bands.dat", "t, m, s, paths' m, paths' s: for VP, cosine, sub-VP, rectified, VE, "
            "EDM, your beta=1, your sigma^2=t", band, SEGMENTS + 1, BAND);
    tut_dat("paths.dat", "t/T, then 8 paths from x0 = 4: for VP, cosine, sub-VP, rectified, VE, EDM, "
            "your beta=1, your sigma^2=t", path, SEGMENTS + 1, PATH);
    free(x);
}

/* Step 2. Data N((4,4), I) ends as N(4m, m² + s²): VE drowns its mean, VP forgets it. The lesson's 2000 points
see neither, for their own means scatter by 50/√2000 = 1.1 and by .022. */

static void end_points(sgm_key key) {
    const long sizes[2] = {2000, tut_quick() ? 50000 : 1000000};
    size_t most = 2 * (size_t)sizes[1];
    float *x = (float *)tut_memory(most * sizeof *x), *eps = (float *)tut_memory(most * sizeof *x);
    float *t = (float *)tut_memory(most * sizeof *x);
    printf("2. end points at t = 1 of data N((4,4), I): %ld and %ld points\n", sizes[0], sizes[1]);
    for (long i = 0; i < sizes[1]; i++) t[i] = 1;
    for (int run = 0; run < 4; run++) {
        const int j = run % 2 ? 0 : 4;
        const long n = sizes[run / 2];
        double m = sgm_sde_m(&sde[j], 1), s = sgm_sde_s(&sde[j], 1);
        sgm_normal(x, 2 * (size_t)n, sgm_key_split(key, (uint64_t)run), 0);
        sgm_normal(eps, 2 * (size_t)n, sgm_key_split(key, (uint64_t)run + 4), 0);
        for (long i = 0; i < 2 * n; i++) x[i] += 4;
        sgm_sde_perturb(x, x, eps, t, n, 2, &sde[j]);
        for (int axis = 0; axis < 2; axis++) {
            char label[64];
            snprintf(label, sizeof label, "%s end, %ld points, x%d", family[j], n, axis + 1);
            check_cloud(label, x + axis, n, 2, 4 * m, sqrt(m * m + s * s), 0, 0);
        }
    }
    free(x), free(eps), free(t);
}

/*
Step 3. With $ᾱ = m²$ the variances are 1 − ᾱ and (1 − ᾱ)². Their ratio 1 − ᾱ is smallest at *low* noise,
where ᾱ is near 1 (the lesson says high); their difference ᾱ(1 − ᾱ) is largest halfway, at ᾱ = ½.
*/

static void variances(const sgm_sde *vp, const sgm_sde *sub) {
    double worst = 0, smallest = 1, at = 0, largest = 0, half = 0, beta = 0;
    printf("3. %4s %12s %12s %12s %12s\n", "t", "VP variance", "sub-VP", "ratio", "difference");
    for (int i = 0; i <= 10000; i++) {
        double t = i / 10000.0, abar = sgm_sde_m(vp, t) * sgm_sde_m(vp, t);
        double v = sgm_sde_s(vp, t) * sgm_sde_s(vp, t), w = sgm_sde_s(sub, t) * sgm_sde_s(sub, t);
        if (v - w > largest) largest = v - w, half = abar, beta = sgm_sde_g2(vp, t);
        if (i % 1000) continue;
        printf("   %4.2f %12.4f %12.4f %12.4f %12.4f\n", t, v, w, i ? w / v : 0, v - w);
        if (i && fabs(w / v - (1 - abar)) > worst) worst = fabs(w / v - (1 - abar));
        if (i && w / v < smallest) smallest = w / v, at = t;
    }
    tut_check("sub-VP/VP - (1-abar), worst of 10", worst, 0, 10 * 1.2e-16); /* ten roundings */
    tut_check("t of the smallest ratio (low noise)", at, 0.1, 0);
    /* From one t to the next, ᾱ = ½ falls by ½β·10⁻⁴; the largest difference falls by its square. */
    tut_check("abar where VP and sub-VP differ most", half, 0.5, beta * 0.5e-4);
    tut_check("largest difference of the variances", largest, 0.25, beta * beta * 0.25e-8);
}

/*
Step 4. A density follows the Fokker–Planck equation, a balance of what flows through each cell's faces:

$$\frac{∂p}{∂t} = −\frac{∂J}{∂x}, \qquad J = f x p − ½ g² \frac{∂p}{∂x} \qquad(T11.2)$$

At the face between two cells, p is their mean and its slope their difference: $J = a p_i + b p_{i+1}$.
What leaves one cell enters the next and nothing leaves the walls, so mass is kept to rounding. Crank and
Nicolson take half of J before the step and half after it: a tridiagonal system, one sweep up and one down.
Time and space are treated symmetrically, so the error is C·h², with a cell of 16/N and a step of 1/N.
*/

static void fokker_planck(double *p, int cells, const sgm_sde *q, double t, double dt) {
    double upper[CELLS], up[CELLS], h = 2.0 * WALL / cells, r = 0.5 * dt / h;
    double f = sgm_sde_f(q, t + 0.5 * dt), spread = 0.5 * sgm_sde_g2(q, t + 0.5 * dt) / h;
    double a0 = 0, b0 = 0, inflow = 0; /* the lower face's; 0 at the wall */
    for (int i = 0; i < cells; i++) {
        int open = i + 1 < cells;
        double carried = 0.5 * f * ((i + 1) * h - WALL), lower = -r * a0;
        double a = open ? carried + spread : 0, b = open ? carried - spread : 0;
        double outflow = open ? a * p[i] + b * p[i + 1] : 0;
        double pivot = 1 + r * (a - b0) - (i ? lower * upper[i - 1] : 0);
        upper[i] = r * b / pivot;
        up[i] = (p[i] - r * (outflow - inflow) - (i ? lower * up[i - 1] : 0)) / pivot;
        a0 = a, b0 = b, inflow = outflow;
    }
    for (int i = cells - 1; i >= 0; i--) p[i] = up[i] - (i + 1 < cells ? upper[i] * p[i + 1] : 0);
}

/* From the humps to T. Fills x, p, exact p_t in the table; returns the worst L1 error of the times shown. */

static double solve(float *table, int cells, const sgm_score *exact) {
    double p[CELLS], truth[CELLS], h = 2.0 * WALL / cells, worst = 0, mass = 0;
    float x[CELLS] = {0}, t[CELLS] = {0};
    for (int i = 0; i < cells; i++) x[i] = (float)((i + 0.5) * h - WALL), t[i] = 0;
    tut_must(sgm_score_logp(exact, p, x, t, cells));
    for (int i = 0; i < cells; i++) p[i] = exp(p[i]);
    for (int k = 0, step = 0; k < SHOWN; k++) {
        double error = 0;
        for (; step < shown[k] * cells; step++)
            fokker_planck(p, cells, &sde[0], (double)step / cells, 1.0 / cells);
        for (int i = 0; i < cells; i++) t[i] = (float)shown[k];
        tut_must(sgm_score_logp(exact, truth, x, t, cells));
        for (int i = 0; i < cells; i++) {
            float *row = table + i * COLUMNS;
            row[0] = x[i], row[1 + 3 * k] = (float)p[i], row[2 + 3 * k] = (float)exp(truth[i]);
            error += fabs(p[i] - exp(truth[i])) * h;
        }
        if (error > worst) worst = error;
    }
    for (int i = 0; i < cells; i++) mass += p[i] * h;
    if (cells == CELLS) tut_check("Fokker-Planck: mass at T", mass, 1, 1e-12);
    return worst;
}

/* The exact distribution function of the humps at t; user = {m, std of one hump}. */

static double humps_cdf(double x, void *user) {
    const double *u = (const double *)user, w = u[1] * sqrt(2.0);
    return 0.25 * (erfc((-2 * u[0] - x) / w) + erfc((2 * u[0] - x) / w));
}

/* Paths from the humps: their histogram (bins of ¼) goes into the table, their distance to p_t is tested.
   With more paths the test would see the bias of the steps, some .1 % of the std. */

static void hump_paths(float *table, const sgm_mixture *humps, sgm_key key) {
    static float x[20000];
    const long n = 20000;
    tut_must(sgm_mixture_sample(humps, x, NULL, n, 0, sgm_key_split(key, 0)));
    for (int k = 0, step = 0; k < SHOWN; k++) {
        double count[8 * WALL] = {0}, m = sgm_sde_m(&sde[0], shown[k]), s = sgm_sde_s(&sde[0], shown[k]);
        double u[2] = {m, sqrt(0.25 * m * m + s * s)};
        char name[64];
        for (; step < shown[k] * 128; step++)
            walk(x, n, &sde[0], step / 128.0, (step + 1) / 128.0, STEPS, sgm_key_split(key, step + 1u));
        for (long i = 0; i < n; i++)
            if (fabs(x[i]) < WALL) count[(int)(4 * (x[i] + WALL))]++;
        for (int i = 0; i < CELLS; i++)
            table[i * COLUMNS + 3 + 3 * k] = (float)(4 * count[i * 8 * WALL / CELLS] / (double)n);
        snprintf(name, sizeof name, "KS distance of %ld paths and p_t, t=%.3g", n, shown[k]);
        /* the probability of more than c/√n is 2 exp(−2c²), to within 1/√n: 1e-4 for c = 2.2253 */
        tut_check(name, stat_ks(x, n, humps_cdf, u), 0, 2.2253 / sqrt((double)n));
    }
}

static void density(sgm_key key) {
    static float table[CELLS * COLUMNS];
    const double mean[2] = {-2, 2}, variance[2] = {0.25, 0.25};
    double error[3];
    sgm_mixture humps;
    tut_must(sgm_mixture_init(&humps, 2, 1, NULL, mean, variance, SGM_COV_ISOTROPIC, &sde[0]));
    sgm_score exact = sgm_mixture_score(&humps);
    for (int i = 0; i < 3; i++) error[i] = solve(table, CELLS / 4 << i, &exact);
    printf("4. Fokker-Planck: L1 error %.3g with %d cells, %.3g with %d, %.3g with %d\n", error[0],
           CELLS / 4, error[1], CELLS / 2, error[2], CELLS);
    /* C·h²(1 + O(h²/std²)): std ½, h 1/16 and 1/32. log2(1 + .0156) = .022, log2(1 + .0039) = .0056. */
    tut_check("Fokker-Planck: order of convergence, 256-512", log2(error[0] / error[1]), 2, 0.022);
    tut_check("Fokker-Planck: order of convergence, 512-1024", log2(error[1] / error[2]), 2, 0.0056);
    tut_check("Fokker-Planck: L1 error, 1024 cells", error[2], 0, error[0] / 16 * 1.02);
    hump_paths(table, &humps, key);
    tut_dat("fokker_planck.dat", "x; p on the grid, exact p, histogram of paths: t = 1/8, 1/4, 3/8, 1",
            table, CELLS, COLUMNS);
    sgm_mixture_free(&humps);
}

/*
Step 5. Sampling starts from the prior, the process ends in $p_T$, and (1.10) is the price in nats. Points
on a circle have mean 0 and variance ½ per axis, so $V = ½m² + s²$ and $KL = V/σ_T² − 1 − \log(V/σ_T²)$.
A float rounds V by 2⁻²³ at most, and dKL/dV = (V/σ_T² − 1)/V: this is the tolerance.
*/

static void priors(void) {
    float ring[16];
    sgm_data_ring(ring, 8);
    printf("5. eight points on a circle\n   %-15s %9s %9s %10s\n", "", "m(T)", "s(T)^2", "KL (1.10)");
    for (int j = -1; j < FAMILIES; j++) {
        const sgm_sde p = j < 0 ? sgm_sde_vp(0.001, 3) : sde[j];
        const char *who = j < 0 ? "SGM_GTAP's VP" : family[j];
        char name[64];
        double m = sgm_sde_m(&p, p.T), v = sgm_sde_s(&p, p.T) * sgm_sde_s(&p, p.T);
        double over = (0.5 * m * m + v) / (sgm_sde_prior(&p) * sgm_sde_prior(&p));
        double kl = sgm_sde_prior_kl(&p, ring, 8, 2);
        printf("   %-15s %9.5f %9.5g %10.3g\n", who, m, v, kl);
        snprintf(name, sizeof name, "(1.10) KL(p_T|prior), %s", who);
        tut_check(name, kl, over - 1 - log(over), 1.2e-7 * fabs(over - 1) + 1e-15);
        if (j >= 0) continue;
        tut_check("SGM_GTAP: m(1) = exp(-1.5005/2) = .472", m, exp(-0.75025), 1e-15);
        tut_check("SGM_GTAP: v(1) = 1 - exp(-1.5005) = .777", v, 1 - exp(-1.5005), 1e-15);
    }
}

/*
Step 6. With a geometric σ(t), σ(0) is not 0, and the paths collect only σ²(t) − σ²(0). And the sbgm
library's sub-VP has the std 1 − exp(−2∫β), where its own f and g lead to 1 − exp(−∫β).
*/

static void errata(const char *name, const sgm_sde *p, double t, double printed, sgm_key key) {
    enum { N = 40000 };
    static float x[N];
    char row[64];
    double mean, std, s = sgm_sde_s(p, t);
    for (long i = 0; i < N; i++) x[i] = 4;
    walk(x, N, p, 0, t, 256, key);
    moments(&mean, &std, x, N, 1);
    printf("6. %s, t=%g: std of paths %.5f, (1.5) %.5f, printed %.5f\n", name, t, std, s, printed);
    check_paths(name, p, t, x, N, 256);
    snprintf(row, sizeof row, "%s, t=%.3g: printed std/std of paths", name, t);
    tut_check(row, printed / std, printed / s, 0.03 * printed / s); /* 5 SE 1.8 %, bias < 1 % */
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    sgm_sde flat = sgm_sde_subvp(1, 1);
    tut_start("11_forward", argc, argv);
    name_families();
    kernels(sgm_key_split(key, 1));
    end_points(sgm_key_split(key, 2));
    variances(&sde[0], &sde[2]);
    density(sgm_key_split(key, 3));
    priors();
    errata("VE", &sde[4], 0.05, 0.01 * pow(5000, 0.05), sgm_key_split(key, 4));
    errata("sub-VP, beta=1", &flat, 0.25, 1 - exp(-0.5), sgm_key_split(key, 5));
    return tut_done();
}
