/*
# 24. Marginals and correction: what two ways back keep, and what they forget

**Question.** The reverse SDE and the probability-flow ODE are said to have the same marginals. Do
they, at every time between? And if something goes wrong half way, which of the two forgets it?

**Equation.** For data N(0, v) the noised variance is $V_t = m_t² v + s_t²$. A deviation δ at time
t arrives at u < t as

$$δ_u^{ODE} = δ \sqrt{V_u / V_t}, \qquad δ_u^{SDE} = ρ\, δ \sqrt{V_u / V_t}, \qquad
ρ = \frac{m_t}{m_u} \sqrt{V_u / V_t} \qquad(T34.1)$$

where ρ is the correlation of $x_u$ and $x_t$ in the forward process. (The ODE's factor solves
$\dot x = (f + ½ g²/V) x = x \dot V/2V$. The SDE's is the regression of $x_u$ on $x_t$, their
covariance over $V_t$.) In standard deviations the ODE forgets nothing, the SDE all but ρ.

**Plan.** Everything here has a score, a law or an integral that is known:

1. A mixture of two Gaussians at ±2, as in *Score-Based Generative Modeling through SDEs* (a README
   after Song et al. 2021): 60 times, both ways, Kolmogorov–Smirnov distances to the exact p_t.
2. The same with a score that is wrong: now the two differ, as a closed form says.
3. A kick at t = ½: of a Gaussian's points, of the mixture's, of the score. And the errors of large
   steps. *Score-Based Generative Models: Masterclass Notes* (lecture by A. Shysheya) says that the
   ODE "may accumulate discretization errors without the corrective effect of noise".
4. The forward process forgets its start "at an exponential speed, independently of p_0", says
   *SGM_GTAP: Score-based generative models, a simple JAX implementation* (H. Gangloff).
5. A walk at one noise level takes "exponentially long to escape a mode", says *Diffusion Through
   the Lens of Score Matching* (EngineersOfAI lesson): four barriers, against Kramers' formula.
6. Exact trace against Hutchinson's, D = 2 … 128: the O(D) and O(D²) of *SBGM: Score-Based
   Generative Models in JAX* (J. Homer), and the error that the cheap way costs.

**What you should see.** With the exact score both ways pass at all times, the ODE in a stricter
sense: its distance never changes, since it carries each point at its own quantile. A kick at ½
costs the ODE as many nats at the end as at the start; the SDE keeps ρ² = 2 % of them. So noise
corrects what went wrong *early*. A score that is wrong *late* hurts the SDE twice as much, since
it takes g² of the score and the ODE ½ g²; they are even where ρ = ½. Of the errors of large steps
the ODE has more where data is narrow or wide (v = .01: .128 against .106), the SDE where it is not
(.009 against .015), and a step of order 2 has fewer than both. Data is forgotten at the rate of the
first moment that differs, 1, 2 or 8 times ∫β. And a barrier of 8 nats holds a walker for 440 units
of time, one of 4 nats for 17.

**Figures.** `34_marginals_times.png`, `34_marginals_kick.png`, `34_marginals_forget.png`,
`34_marginals_trace.png`.

    cc -O2 -fopenmp tutorial/34_marginals.c -o 34_marginals -lm

**Try this.**
(1) In `back` set SGM_GRID_UNIFORM to SGM_GRID_LOGSNR: the rows of 20 large steps fail, for their
law is that of even steps.
(2) In `escapes` set gamma to 0.002/h: ULA, MALA and the exact time meet, in ten times the steps.
(3) In `correlated` replace 20 by 1, equal variances: A is a multiple of I, signs make no error but
the solver's 10⁻⁴, whatever D is (rows with the truth 0 fail by it), and Gaussian directions do.
*/

#include "tutorial.h"

#include <time.h>

#define PI 3.14159265358979323846

enum { TIMES = 60, NODES = 660, LEFT = 480, BARRIERS = 4, WIDTHS = 7 };

static sgm_sde sde;
static sgm_mixture two, one;
static sgm_score exact, normal; /* of the mixture, and of N(0, 1) */
static const double w2[2] = {0.3, 0.7}, mu2[2] = {-2, 2}, var2[2] = {0.25, 0.09};

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }
static double Phi(double x) { return 0.5 * erfc(-x / sqrt(2.0)); }

static double variance(double v, double t) {
    double m = sgm_sde_m(&sde, t), s = sgm_sde_s(&sde, t);
    return m * m * v + s * s;
}

/* The mixture's distribution function at time t. */

static double cdf_two(double x, void *user) {
    double t = *(const double *)user, m = sgm_sde_m(&sde, t), sum = 0;
    for (int k = 0; k < 2; k++) sum += w2[k] * Phi((x - m * mu2[k]) / sqrt(variance(var2[k], t)));
    return sum;
}

/* A score that is another one, and wrong: multiplied, and shifted for a while. */

typedef struct wrong {
    const sgm_score *inner;
    double factor, shift, low, high; /* the shift is there for low <= t <= high */
} wrong;

static sgm_status wrong_eval(const sgm_score *self, float *s, const float *x, const float *t,
                             long n) {
    const wrong *w = (const wrong *)self->ctx;
    sgm_status status = w->inner->eval(w->inner, s, x, t, n);
    for (long i = 0; i < n; i++)
        s[i] = (float)(w->factor * s[i] + (t[i] >= w->low && t[i] <= w->high ? w->shift : 0));
    return status;
}

static sgm_score wrong_score(const wrong *w) {
    return (sgm_score){.d = 1, .ctx = w, .sde = sde, .eval = wrong_eval};
}

/*
Step 1. Both ways start with the same exact draws from $p_T$. The SDE's points are looked at 60
times on their way. For the ODE there is a sharper test: in one dimension it keeps the order of the
points and the mass between them, so $F_t(x_t)$, the quantile of each point, never changes, and with
it the distance.
*/

typedef struct visit {
    float *kept, *row; /* (TIMES,n), or NULL; a column of a table with stride 6, or NULL */
    long every, at;
    int mean;
} visit;

static void look(long step, double t, const float *x, long n, void *user) {
    visit *v = (visit *)user;
    double sum = 0;
    if (step % v->every || v->at >= TIMES) return; /* step counts from 1 */
    for (long i = 0; i < n; i++) sum += x[i] / (double)n;
    if (v->kept) memcpy(v->kept + v->at * n, x, (size_t)n * sizeof *x);
    else v->row[6 * v->at] = (float)(v->mean ? sum : stat_ks(x, n, cdf_two, &t) * sqrt((double)n));
    v->at++;
}

static const sgm_method ways[2] = {SGM_METHOD_EULER_MARUYAMA, SGM_METHOD_RK4}; /* SDE, ODE */

static void back(float *x, long n, const sgm_score *score, sgm_method method, double from,
                 long steps, visit *v, sgm_key key) { /* from some time to t_min */
    sgm_sample_options how = {.method = method, .grid = SGM_GRID_UNIFORM, .steps = (int)steps,
                              .x_given = 1, .t_start = from, .plain_end = 1, .t_end = sde.t_min,
                              .user = v};
    if (v) v->every = steps / TIMES, v->at = 0, how.on_step = look;
    tut_must(sgm_sample(x, n, score, &how, key));
}

static void same_marginals(float *table) {
    const long n = tut_quick() ? 2000 : 20000, sde_steps = TIMES * (tut_quick() ? 10 : 50);
    float *start = (float *)tut_memory((size_t)n * 2 * sizeof *start), *x = start + n;
    double most[3] = {0, 0, 0}, off = 0, T = sde.T, end = sde.t_min;
    wrong half = {&exact, 0.9, 0, 0, 0};
    sgm_score worse = wrong_score(&half);
    tut_must(sgm_mixture_sample(&two, start, NULL, n, T, stream(1)));
    for (int way = 0; way < 3; way++) {
        visit v = {.row = table + 1 + way};
        memcpy(x, start, (size_t)n * sizeof *x);
        back(x, n, way < 2 ? &exact : &worse, ways[way % 2], T, way == 1 ? 4 * TIMES : sde_steps,
             &v, stream(2));
        for (int i = 0; i < TIMES; i++) most[way] = fmax(most[way], table[6 * i + 1 + way]);
        for (long i = 0; i < n && way == 1; i++)
            off = fmax(off, fabs(cdf_two(x[i], &end) - cdf_two(start[i], &T)));
    }
    for (int i = 0; i < TIMES; i++)
        table[6 * i] = (float)(T - (T - end) * (i + 1.0) / TIMES);
    printf("1. %ld points from exact p_T, %d times: largest KS distance × √n by the SDE %.2f,\n"
           "   by the ODE %.2f; no quantile moved by more than %.1e along the ODE.\n"
           "   With 0.9 of the score the SDE reaches %.2f\n", n, TIMES, most[0], most[1], off,
           most[2]);
    /* P(some of 60 > 2.9) <= 60 · 2 exp(-2 · 2.9²) = 6e-6; and .1 for Euler's steps: β dt is .03
       (mode test) or .007 at most, so the variance 2 % or .3 % too large, F off by .002 or .0004 */
    tut_check("1. SDE README: the SDE's marginals, 60 times: KS √n", most[0], 0, 3);
    tut_check("1. SDE README: the ODE's marginals, 60 times: KS √n", most[1], 0, 2.9);
    /* a hundredth of what a sample of n can see */
    tut_check("1. ODE: largest change of a quantile F_t(x_t)", off, 0, 0.01 / sqrt((double)n));
    if (!tut_quick()) tut_check("1. 0.9 of the score is seen: KS √n > 2.9", most[2] > 2.9, 1, 0);
    free(start);
}

/*
Step 2. Let the score be wrong by a constant e. On N(0, 1) both ways then draw N(μ, 1), whose mean
is driven by ½ g² e in the ODE, and by g² e against a pull of f + g² = ½ β in the SDE:

$$μ_t^{ODE} = \tfrac{e}{2} \int_t^T β, \qquad μ_t^{SDE} = 2 e \left( 1 − \frac{m_T}{m_t} \right)
\qquad(T34.2)$$

The SDE's stays below 2e however long the way is. The ODE's adds up.
*/

static double beta_between(double t, double u) {
    return 2 * log(sgm_sde_m(&sde, t) / sgm_sde_m(&sde, u));
}

static void wrong_marginals(float *table) {
    const long n = tut_quick() ? 2000 : 20000, steps = TIMES * (tut_quick() ? 4 : 20);
    float *x[2];
    const double e = 0.2;
    wrong shifted = {&normal, 1, e, 0, 2};
    sgm_score off = wrong_score(&shifted);
    double all = beta_between(sde.t_min, sde.T), got[2];
    double known[2] = {2 * e * (1 - exp(-all / 2)), 0.5 * e * all}; /* (T34.2) */
    for (int ode = 0; ode < 2; ode++) {
        visit v = {.row = table + 4 + ode, .mean = 1};
        x[ode] = (float *)tut_memory((size_t)n * sizeof **x);
        sgm_normal(x[ode], (size_t)n, stream(3 + (uint64_t)ode), 0);
        back(x[ode], n, &off, ways[ode], sde.T, ode ? 2 * TIMES : steps, &v, stream(5));
        got[ode] = table[6 * (TIMES - 1) + 4 + ode];
    }
    double ks = 2 * Phi((known[1] - known[0]) / 2) - 1, ks2 = stat_ks2(x[0], n, x[1], n);
    printf("2. a score of N(0, 1) that is wrong by %.1f: mean by the SDE %.3f, (T34.2): %.3f; by "
           "the\n   ODE %.3f, %.3f. Their marginals are apart: KS %.3f, %.3f\n", e, got[0],
           known[0], got[1], known[1], ks2, ks);
    /* five standard errors, and Euler's step: ½ (β dt)² over 1/β dt steps is 10/steps of e */
    tut_check("2. score wrong by .2: mean by the SDE (T34.2)", got[0], known[0],
              5 / sqrt((double)n) + 10 * e / (double)steps);
    tut_check("2. score wrong by .2: mean by the ODE (T34.2)", got[1], known[1],
              5 / sqrt((double)n));
    /* two empirical functions, each off by 2.2/√n but for 2 exp(-2·2.2²) = 1e-4 of all runs */
    tut_check("2. then the SDE's law is not the ODE's: KS of the two", ks2, ks,
              4.4 / sqrt((double)n));
    free(x[0]), free(x[1]);
}

/*
Step 3. A kick at ½. Points from p_½ are shifted by one standard deviation, and run on beside points
that are not, with the *same* noise: for a Gaussian each pair then differs by (T34.1), and no chance
is left in it. In nats, of two Gaussians of one variance: δ²/2V, kept by the ODE, times ρ² by the
SDE. That the ODE keeps it is no matter of Gaussians: a bijection keeps every KL.
*/

static double kicked(const sgm_score *a, const sgm_score *b, int ode, long steps, double from,
                     double kick, float *path, sgm_key key) {
    enum { N = 8 };
    float x[2][N], kept[2][TIMES][N];
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        visit v = {.kept = &kept[i][0][0]};
        sgm_normal(x[i], N, key, 0);
        for (int j = 0; j < N && i; j++) x[i][j] += (float)kick;
        back(x[i], N, i ? b : a, ways[ode], from, steps, &v, key);
    }
    for (int k = 0; k < TIMES && path; k++)
        path[5 * k + 1 + ode] = (float)((kept[1][k][0] - kept[0][k][0]) / kick);
    for (int j = 0; j < N; j++) sum += (x[1][j] - x[0][j]) / (double)N;
    return sum;
}

/* Euler's error is halved by twice the steps: so 2b − a is of second order, and its distance from b
a bound on what is left. RK4 and a score in floats: 2⁻²⁴ of the points at each of some steps. */

static void kick_points(const sgm_score *score, double v, double t) {
    static float path[TIMES * 5];
    const long steps = TIMES * (tut_quick() ? 8 : 64);
    double Vt = variance(v, t), V0 = variance(v, sde.t_min), kick = sqrt(Vt), rest[2];
    double ratio = sqrt(V0 / Vt), rho = sgm_sde_m(&sde, t) / sgm_sde_m(&sde, sde.t_min) * ratio;
    double a = kicked(score, score, 0, steps, t, kick, NULL, stream(10)) / kick;
    double b = kicked(score, score, 0, 2 * steps, t, kick, path, stream(10)) / kick;
    rest[0] = 2 * b - a;
    rest[1] = kicked(score, score, 1, 2 * TIMES, t, kick, path, stream(10)) / kick;
    printf("3. N(0, %.2f) kicked at %.1f by 1 std: left at the end %.4f std by the SDE, ρ = %.4f; "
           "%.4f by\n   the ODE. The kick cost %.3f nats, and costs %.4f (SDE), %.3f (ODE)\n", v, t,
           rest[0] / ratio, rho, rest[1] / ratio, 0.5, 0.5 * pow(rest[0] / ratio, 2),
           0.5 * pow(rest[1] / ratio, 2));
    tut_check("3. kick at 1/2, Gaussian: the SDE keeps rho of it", rest[0] / ratio, rho,
              fabs(b - a) / ratio);
    tut_check("3. kick at 1/2, Gaussian: the ODE keeps all of it", rest[1] / ratio, 1, 1e-4);
    for (int i = 0; i < TIMES; i++) {
        double u = t - (t - sde.t_min) * (i + 1.0) / TIMES, root = sqrt(variance(v, u) / Vt);
        float *row = path + 5 * i;
        row[0] = (float)u, row[1] /= (float)root, row[2] /= (float)root;
        row[3] = (float)(sgm_sde_m(&sde, t) / sgm_sde_m(&sde, u) * root);
        row[4] = (float)(2 * sgm_sde_m(&sde, 2 * u) * sqrt(1 / variance(1, 2 * u)));
    }
    tut_dat("kick.dat", "t; what is left in std: SDE, ODE; rho; 2 rho of N(0,1) at 2t", path, TIMES,
            5);
}

/*
Now the score is kicked, for a short while around t. The SDE takes g² of it and then forgets; the
ODE takes ½ g² and does not: what is left is in the ratio 2ρ. On N(0, 1) ρ is m_t. From (T34.2) over
a window t_1 … t_2, the SDE ends with 2e(m_1 − m_2) and the ODE with ½ e ∫β, to which the ratio of
the two belongs. They are even at ρ = ½, here t = .36.
*/

static void kick_score(double low, double high) {
    const long steps = TIMES * (tut_quick() ? 20 : 80);
    char name[96];
    wrong shifted = {&normal, 1, 1, low, high};
    sgm_score off = wrong_score(&shifted);
    double by_sde = kicked(&normal, &off, 0, steps, sde.T, 0, NULL, stream(22));
    double by_ode = kicked(&normal, &off, 1, steps, sde.T, 0, NULL, stream(22));
    double known = 2 * (sgm_sde_m(&sde, low) - sgm_sde_m(&sde, high));
    double theirs = 0.5 * beta_between(low, high);
    printf("   a score wrong for %.2f < t < %.2f: SDE off by %.4f, ODE %.4f: ratio %.2f, in closed "
           "form %.2f\n", low, high, by_sde, by_ode, by_sde / by_ode, known / theirs);
    snprintf(name, sizeof name, "3. score wrong, %g < t < %g: damage SDE/ODE = 2 rho", low, high);
    /* the window begins and ends between two steps: one step of its (high - low)·steps, each way */
    double part = 2 / ((high - low) * (double)steps) + 10 / (double)steps;
    tut_check(name, by_sde / by_ode, known / theirs, part * known / theirs);
}

/*
And the errors of large steps? For a Gaussian each step is linear, so the variance after N of them
is a recursion: $V ← (c_x − c_s/V_t)² V + c_z²$ with (5.4), and without noise and half the g² for
Euler's ODE. That is the truth for what is measured, and also the answer.
*/

static double after_steps(double v, int ode, int steps, int heun) {
    double h = (sde.T - sde.t_min) / steps, V = variance(v, sde.T);
    for (int i = 0; i < steps; i++) {
        double t = sde.T - i * h, g2 = sgm_sde_g2(&sde, t), part = ode ? 0.5 : 1;
        double rate = -sgm_sde_f(&sde, t) - part * g2 / variance(v, t), u = t - h;
        double next = -sgm_sde_f(&sde, u) - part * sgm_sde_g2(&sde, u) / variance(v, u);
        double by = heun ? 1 + 0.5 * h * (rate + next + h * rate * next) : 1 + h * rate;
        V = by * by * V + (ode ? 0 : h * g2);
    }
    return V;
}

static void large_steps(void) {
    const long n = tut_quick() ? 4000 : 40000;
    const double zero = 0, var[5] = {0.01, 0.1, 0.25, 1.5, 25};
    float *x = (float *)tut_memory((size_t)n * sizeof *x);
    puts("   N(0, v): relative error of the variance after 100 steps\n"
         "        v   SDE, Euler   ODE, Euler   ODE, Heun");
    for (int i = 0; i < 5; i++) {
        double off[3], end = variance(var[i], sde.t_min);
        for (int k = 0; k < 3; k++) off[k] = after_steps(var[i], k > 0, 100, k > 1) / end - 1;
        printf("   %6.2f %12.4f %12.4f %11.5f\n", var[i], off[0], off[1], off[2]);
        if (i == 0 || i == 2) /* 1: yes, 0: no */
            tut_check(i ? "3. Masterclass: ODE's error of steps > SDE's, v = .25"
                        : "3. Masterclass: ODE's error of steps > SDE's, v = .01",
                      fabs(off[1]) > fabs(off[0]), i == 0, 0);
        for (int ode = 0; ode < 2 && i == 0; ode++) {
            double sum = 0, law = after_steps(var[0], ode, 20, 0);
            sgm_mixture thin;
            tut_must(sgm_mixture_init(&thin, 1, 1, NULL, &zero, var, SGM_COV_ISOTROPIC, &sde));
            sgm_score score = sgm_mixture_score(&thin);
            tut_must(sgm_mixture_sample(&thin, x, NULL, n, sde.T, stream(23)));
            back(x, n, &score, ode ? SGM_METHOD_EULER : ways[0], sde.T, 20, NULL, stream(24));
            for (long j = 0; j < n; j++) sum += (double)x[j] * x[j] / (double)n;
            tut_check(ode ? "3. N(0, .01) after 20 steps of the ODE: variance"
                          : "3. N(0, .01) after 20 steps of the SDE: variance", sum,
                      law, 5 * law * sqrt(2 / (double)n));
            sgm_mixture_free(&thin);
        }
    }
    free(x);
}

/*
Step 4. Expand the ratio of p_t to the normal density γ in Hermite polynomials, the eigenfunctions
of the process: $p_t/γ = Σ_α m_t^{|α|} c_α h_α$ with $c_α = E h_α(x_0)$. Two data sets whose
moments first differ in order k are then apart by

$$KL(p_t \| q_t) → \tfrac12 m_t^{2k} \sum_{|α| = k} (c_α − c'_α)² \qquad(T34.3)$$

Exponential in ∫β = −2 log m, with the rate k. The *slowest* rate is 1, that of the mean, whatever
p_0 is. The size in front is not independent of p_0, and the rate is greater if moments agree. Three
pairs, for which the sum is known: eight points on a circle and two moons have means that are
(.5, .25) apart: 0.3125. Eight points and N(0, I) have covariances ½I and I: ¼. And eight points
beside the same turned by π/8 differ first in order 8, in the harmonic $r^8 \cos 8θ$: 1/1290240.
*/

static double density(int set, double x, double y, double m2) {
    double m = sqrt(m2), sum = 0;
    int n = set == 1 ? 200 : set == 3 ? 0 : 8;
    for (int j = 0; j < n; j++) { /* the moons are two arcs of 100 points */
        double angle = n == 8 ? PI * j / 4 + (set == 2 ? PI / 8 : 0) : PI * (j % 100 + 0.5) / 100;
        double a = cos(angle), b = sin(angle);
        if (j > 99) a = 1 - a, b = 0.5 - b;
        a = x - m * a, b = y - m * b, sum += exp(-0.5 * (a * a + b * b) / (1 - m2)) / n / (1 - m2);
    }
    return (n ? sum : exp(-0.5 * (x * x + y * y))) / (2 * PI);
}

/* ∫ p (r − log(1 + r)) with r = q/p − 1, which keeps its digits when p and q are nearly one. */

static double kl_at(int p_set, int q_set, double beta) {
    double m2 = exp(-beta), sum = 0, h = 0.2 * sqrt(1 - m2);
    for (double x = -9; x < 9; x += h)
        for (double y = -9; y < 9; y += h) {
            double p = density(p_set, x, y, m2), q = density(q_set, x, y, m2), r = q / p - 1;
            if (p < 1e-18) continue;
            sum += h * h * p * (fabs(r) < 1e-3 ? r * r * (0.5 - r / 3 + r * r / 4) : r - log1p(r));
        }
    return sum;
}

static void forgetting(void) {
    static const char *const name[3] = {"8 points, moons (mean)", "8 points, N(0,I) (variance)",
                                        "8 points, turned (order 8)"};
    const int other[3] = {1, 3, 2}, order[3] = {1, 2, 8};
    const double sums[3] = {0.3125, 0.25, 1 / 1290240.0}, late[3] = {8, 6, 5};
    float table[16 * 4];
    puts("4. KL(p_t || q_t) of two data sets, in ∫β:              rate     size, of (T34.3)");
    for (int i = 0; i < 16; i++) {
        table[4 * i] = 0.5f * (float)(i + 1);
        for (int k = 0; k < 3; k++)
            table[4 * i + 1 + k] =
                k == 2 && i > 9 ? NAN : (float)kl_at(0, other[k], 0.5 * (i + 1.0));
    }
    for (int k = 0; k < 3; k++) {
        double kl[3], size[2], rate[2];
        char row[96];
        for (int i = 0; i < 3; i++) kl[i] = kl_at(0, other[k], late[k] - 1 + 0.5 * i);
        for (int i = 0; i < 2; i++) {
            rate[i] = 2 * log(kl[i] / kl[i + 1]);
            size[i] = kl[2 * i] / (0.5 * sums[k] * exp(-order[k] * (late[k] - 1 + i)));
        }
        printf("   %-44s %12.4f %12.4f\n", name[k], rate[1], size[1]);
        /* what is left out falls as m or faster: over ∫β = 1 by e^-½, so it is below 1.6 of the
           last change; of the rate, whose two values are ½ apart, below 3.6 */
        snprintf(row, sizeof row, "4. SGM_GTAP: %s: rate", name[k]);
        tut_check(row, rate[1], order[k], 4 * fabs(rate[1] - rate[0]) + 1e-4);
        snprintf(row, sizeof row, "4. SGM_GTAP: %s: size", name[k]);
        tut_check(row, size[1], 1, 1.6 * fabs(size[1] - size[0]) + 1e-4);
    }
    tut_dat("forget.dat", "integral of beta; KL of three pairs", table, 16, 4);
}

/*
Step 5. A double well $U = h (x² − 1)²$: two modes at ±1, e^h times as likely as the saddle between.
How long does a walk $dX = −U' dt + \sqrt2\, dW$ take from one to the other? Exactly, and by Kramers
for high h, where the curvatures 8h and 4h in the well and on the saddle say it all:

$$τ = \int_{−1}^{1} e^{U(y)} \int_{−∞}^{y} e^{−U(z)} dz\, dy → \frac{2π}{\sqrt{8h · 4h}}\, e^h
\left( 1 + \frac{3}{8h} + … \right) \qquad(T34.4)$$

A walk in steps of γ has a law of its own: $T(x) = γ + ∫_{y<1} K(x, y) T(y) dy$ with its kernel K,
for MALA with what its refusals leave in place. On a grid that is a linear system.
*/

static double well(double h, double x) { return h * (x * x - 1) * (x * x - 1); }
static double well_slope(double h, double x) { return -4 * h * x * (x * x - 1); }

static sgm_status well_eval(const sgm_score *self, float *s, const float *x, const float *t,
                            long n) {
    (void)t;
    for (long i = 0; i < n; i++) s[i] = (float)well_slope(*(const double *)self->ctx, x[i]);
    return SGM_OK;
}

static sgm_status well_logp(const sgm_score *self, double *logp, const float *x, const float *t,
                            long n) {
    (void)t;
    for (long i = 0; i < n; i++) logp[i] = -well(*(const double *)self->ctx, x[i]);
    return SGM_OK;
}

static double passage(double h) { /* the trapezoid rule, h² ≈ 10⁻⁷ */
    double inner = 0, sum = 0, dx = 5e-4;
    for (double y = -2.5; y < 1; y += dx) {
        inner += 0.5 * dx * exp(-well(h, y)); /* to y */
        if (y > -1 - 0.1 * dx) sum += dx * exp(well(h, y)) * inner * (y < -1 + 0.1 * dx ? 0.5 : 1);
        inner += 0.5 * dx * exp(-well(h, y + dx));
    }
    return sum + 0.5 * dx * inner; /* U(1) = 0 */
}

static double kernel(double h, double gamma, int mala, double x, double y) {
    double to = y - x - gamma * well_slope(h, x), fro = x - y - gamma * well_slope(h, y);
    double log_a = well(h, x) - well(h, y) + (to * to - fro * fro) / (4 * gamma);
    double q = exp(-to * to / (4 * gamma)) / sqrt(4 * PI * gamma);
    return mala && log_a < 0 ? q * exp(log_a) : q;
}

/* The midpoint rule on [−2.2, 2.2]; T is unknown on the LEFT cells, up to 1. The kernel is √(2γ) or
.07 wide, ten cells: the rule errs by 10⁻³ of it at the cut, where a walker hardly is. */

static double law_of_walk(double h, double gamma, int mala) {
    static double x[NODES], A[LEFT][LEFT + 1];
    const double w = 3.2 / LEFT;
    for (int i = 0; i < NODES; i++) x[i] = -2.2 + (i + 0.5) * w;
    double start = gamma, leave = mala ? 0 : 1;
    for (int i = 0; i < LEFT; i++) { /* (leave) T − Σ K T = γ */
        double moved = 0;
        for (int j = 0; j < NODES; j++) {
            double k = w * kernel(h, gamma, mala, x[i], x[j]);
            if (j < LEFT) A[i][j] = -k;
            moved += k;
        }
        A[i][i] += mala ? moved : 1, A[i][LEFT] = gamma;
    }
    for (int k = 0; k < LEFT; k++)
        for (int i = k + 1; i < LEFT; i++) {
            double by = A[i][k] / A[k][k];
            for (int j = k; j <= LEFT; j++) A[i][j] -= by * A[k][j];
        }
    for (int k = LEFT - 1; k >= 0; k--) {
        for (int j = k + 1; j < LEFT; j++) A[k][LEFT] -= A[k][j] * A[j][LEFT];
        A[k][LEFT] /= A[k][k];
    }
    for (int j = 0; j < NODES; j++) {
        double k = w * kernel(h, gamma, mala, -1, x[j]);
        start += j < LEFT ? k * A[j][LEFT] : 0, leave += mala ? k : 0;
    }
    return start / leave;
}

/* Walkers that have arrived are put back to −1. In a time t = 40 τ each arrives t/τ times, but for
half a time that the ends may cost, if arrivals were regular; nearly exponential ones cost less. */

static double escape(double h, double gamma, int mala, double law, double *se, sgm_key key) {
    enum { CROWD = 50 };
    const long steps = (long)((tut_quick() ? 6 : 40) * law / gamma);
    float x[CROWD];
    sgm_score score = {.d = 1, .ctx = &h, .eval = well_eval, .logp = well_logp};
    sgm_langevin_options how = {.step = gamma, .metropolis = mala};
    sgm_langevin walk;
    double arrived = 0;
    for (int i = 0; i < CROWD; i++) x[i] = -1;
    tut_must(sgm_langevin_init(&walk, &score, CROWD, &how, key));
    for (long k = 0; k < steps; k++) {
        tut_must(sgm_langevin_step(&walk, x));
        for (int i = 0; i < CROWD; i++)
            if (x[i] > 1) x[i] = -1, arrived++;
    }
    sgm_langevin_free(&walk);
    double mean = (double)CROWD * (double)steps * gamma / arrived;
    *se = mean / sqrt(arrived);
    return mean;
}

static void escapes(void) {
    const double barrier[BARRIERS] = {2, 4, 6, 8};
    float table[BARRIERS * 7];
    puts("5. time to escape a barrier h:      exact   Kramers      ULA  its law    MALA  its law");
    for (int b = 0; b < (tut_quick() ? 2 : BARRIERS); b++) {
        double h = barrier[b], gamma = 0.02 / h, tau = passage(h);
        float *row = table + 7 * b;
        row[0] = (float)h, row[1] = (float)tau, row[2] = (float)(2 * PI / sqrt(32) / h * exp(h));
        for (int mala = 0; mala < 2; mala++) {
            char name[96];
            double law = law_of_walk(h, gamma, mala), se;
            double got = escape(h, gamma, mala, law, &se, stream(40 + 2 * (uint64_t)b + mala));
            row[3 + 2 * mala] = (float)got, row[4 + 2 * mala] = (float)law;
            snprintf(name, sizeof name, "5. Lens: time to escape a barrier of %g nats, %s", h,
                     mala ? "MALA" : "ULA");
            tut_check(name, got, law, 5 * se + 0.5 / (tut_quick() ? 6 : 40) * law / 4);
        }
        printf("   %26.0f %10.3f %9.3f %8.3f %8.3f %8.3f %8.3f\n", h, tau, row[2], row[3], row[4],
               row[5], row[6]);
    }
    double off[3];
    for (int i = 0; i < 3; i++) {
        double h = 8 << i;
        off[i] = h * (passage(h) / (2 * PI / sqrt(32) / h * exp(h)) - 1);
    }
    double first = 2 * off[2] - off[1];
    printf("   exact = Kramers (1 + %.4f/h + …): the 3/8 of (T34.4)\n", first);
    /* each halving of 1/h halves what is left; so the last step's change bounds it */
    tut_check("5. Kramers' formula: its first correction is 3/8h", first, 0.375,
              fabs(first - (2 * off[1] - off[0])));
    tut_dat("escape.dat", "h; exact; Kramers; ULA, its law; MALA, its law", table,
            tut_quick() ? 2 : BARRIERS, 7);
}

/*
Step 6. Of one Gaussian the score's Jacobian is −Σ⁻¹, with axes that never turn, and (7.14) sums up
the trace of a symmetric matrix A, here of $½ \log(Σ_T Σ_0^{-1}) + ½ ∫β\, I$. Hutchinson's probe v,
with $E vvᵀ = I$, has $vᵀAv$ in its place, and for K probes

$$\mathrm{Var} = \frac{2}{K} \left( \|A\|_F² − \sum_i A_{ii}² \right) \text{ (signs)}, \qquad
\frac{2}{K} \|A\|_F² \text{ (Gaussian)} \qquad(T34.5)$$

Signs are blind to a multiple of I, and to all of the diagonal; Gaussian directions pay for both.
The document's O(D) against O(D²) is the number of tangents: counted here, timed on a network.
*/

static long tangents;
static sgm_score counting; /* a score whose jvp is counted */

static sgm_status counted_jvp(const sgm_score *self, float *s, float *js, const float *x,
                              const float *v, const float *t, long n) {
    tangents += n;
    return counting.jvp(self, s, js, x, v, t, n);
}

/* A stationary process on a circle: waves, with variances from .05 (k = 0) to 1, and known A. */

static void correlated(double *cov, double *A, int d) {
    for (int i = 0; i < d * d; i++) cov[i] = A[i] = 0;
    for (int k = 0; k < d; k++) {
        double v = 0.05 * pow(20, 2.0 * (k < d - k ? k : d - k) / d);
        double a = 0.5 * log(variance(v, sde.T) / variance(v, sde.t_min));
        a += 0.5 * beta_between(sde.t_min, sde.T);
        for (int i = 0; i < d * d; i++) {
            double wave = cos(2 * PI * k * (i / d - i % d) / d) / d;
            cov[i] += v * wave, A[i] += a * wave;
        }
    }
}

/* Processor seconds a point, and tangents per evaluation, of a network. */

static double network_seconds(int d, int probes, float *x, double *logp, long n, double *count) {
    static sgm_mlp_options mlp = {.width = 128, .depth = 3};
    sgm_model_options what = {.net = sgm_mlp, .user = &mlp, .d = d, .sde = sde};
    sgm_likelihood_options how = {.probes = probes, .unchecked = 1,
                                  .solve = {.method = SGM_METHOD_RK4, .steps = 8}};
    sgm_likelihood_result r;
    sgm_model model;
    tut_must(sgm_model_init(&model, &what, stream(80)));
    counting = sgm_model_score(&model, SGM_RAW);
    sgm_score counted = counting;
    counted.jvp = counted_jvp, counted.trace = NULL, tangents = 0;
    clock_t start = clock();
    tut_must(sgm_likelihood(logp, NULL, NULL, x, n, &counted, &how, &r, stream(81)));
    *count = (double)tangents / (double)n / (double)r.nfe;
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC / (double)n;
    sgm_model_free(&model);
    return seconds;
}

static void trace_row(float *row, int d) {
    const long n = tut_quick() ? 200 : d > 32 ? 500 : 2000;
    const int probes[3] = {1, 4, 1};
    size_t cells = (size_t)d * (size_t)d;
    double *cov = (double *)tut_memory(2 * cells * sizeof *cov), *A = cov + cells, count[2];
    double *logp = (double *)tut_memory((size_t)n * 2 * sizeof *logp), *known = logp + n;
    double *mean = (double *)tut_memory((size_t)d * sizeof *mean), all = 0, own = 0, worst = 0;
    float *x = (float *)tut_memory((size_t)n * ((size_t)d + 1) * sizeof *x), *t = x + n * d;
    char name[96];
    sgm_mixture mix;
    correlated(cov, A, d);
    for (int i = 0; i < d * d; i++) all += A[i] * A[i], own += i % (d + 1) ? 0 : A[i] * A[i];
    tut_must(sgm_mixture_init(&mix, 1, d, NULL, mean, cov, SGM_COV_FULL, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    tut_must(sgm_mixture_sample(&mix, x, NULL, n, sde.t_min, stream(61)));
    for (long i = 0; i < n; i++) t[i] = (float)sde.t_min;
    tut_must(sgm_score_logp(&score, known, x, t, n));
    sgm_likelihood_options sure = {.unchecked = 1};
    tut_must(sgm_likelihood(logp, NULL, NULL, x, 8, &score, &sure, NULL, stream(69)));
    for (int i = 0; i < 8; i++) worst = fmax(worst, fabs(logp[i] - known[i]));
    snprintf(name, sizeof name, "6. exact trace, D = %d: log p of 8 points", d);
    /* some 20 steps of RK45, each 10⁻⁵ off in 1 + D numbers, whose squares add up */
    tut_check(name, worst, 0, 2e-4 * sqrt(1 + d));
    row[0] = (float)d;
    for (int k = 0; k < 3; k++) {
        double truth = 2 * (k < 2 ? all - own : all) / probes[k];
        sgm_likelihood_options how = {.probes = probes[k], .unchecked = 1,
                                      .law = k < 2 ? SGM_PROBE_RADEMACHER : SGM_PROBE_GAUSSIAN};
        tut_must(sgm_likelihood(logp, NULL, NULL, x, n, &score, &how, NULL,
                                stream(70 + (uint64_t)k)));
        double bias = 0, got = 0, fourth = 0;
        for (long i = 0; i < n; i++) {
            double off = logp[i] - known[i], square = off * off;
            bias += off / (double)n, got += square / (double)n;
            fourth += square * square / (double)n;
        }
        snprintf(name, sizeof name, "6. Hutchinson, D = %d: mean error, nats", d);
        if (k == 0) tut_check(name, bias, 0, 5 * sqrt(truth / (double)n) + 2e-4 * sqrt(1 + d));
        snprintf(name, sizeof name, "6. Hutchinson, D = %d, %d %s: variance of log p", d, probes[k],
                 k == 0 ? "sign vector" : k == 1 ? "sign vectors" : "Gaussian");
        /* five standard errors as measured; RK45 is right to 1e-3 nats beside √truth, both ways */
        tut_check(name, got, truth,
                  5 * sqrt((fourth - got * got) / (double)n) + 2e-3 * sqrt(truth));
        row[1 + k] = (float)sqrt(got), row[4 + k] = (float)sqrt(truth);
    }
    for (int k = 0; k < 2; k++)
        row[7 + k] = (float)(1e3 * network_seconds(d, k, x, logp, tut_quick() ? 4 : 4 + 512 / d,
                                                   &count[k]));
    snprintf(name, sizeof name, "6. SBGM: O(D²)/O(D): tangents, exact/1 probe, D = %d", d);
    tut_check(name, count[0] / count[1], d, 0);
    printf("   %6d %10.4f %8.4f %11.4f %8.4f %11.4f %8.4f %8.2f %8.2f\n", d, row[1], row[4], row[2],
           row[5], row[3], row[6], row[7], row[8]);
    sgm_mixture_free(&mix), free(cov), free(logp), free(mean), free(x);
}

int main(int argc, char **argv) {
    static float table[TIMES * 6], costs[WIDTHS * 9];
    const int rows = tut_quick() ? 4 : WIDTHS;
    const double zero = 0, v = 0.25, unit = 1;
    sgm_mixture narrow;
    tut_start("34_marginals", argc, argv);
    sde = sgm_sde_vp(0.1, 20);
    tut_must(sgm_mixture_init(&two, 2, 1, w2, mu2, var2, SGM_COV_ISOTROPIC, &sde));
    tut_must(sgm_mixture_init(&one, 1, 1, NULL, &zero, &unit, SGM_COV_ISOTROPIC, &sde));
    tut_must(sgm_mixture_init(&narrow, 1, 1, NULL, &zero, &v, SGM_COV_ISOTROPIC, &sde));
    exact = sgm_mixture_score(&two), normal = sgm_mixture_score(&one);
    sgm_score quarter = sgm_mixture_score(&narrow);
    same_marginals(table);
    wrong_marginals(table);
    tut_dat("times.dat", "t; KS √n: SDE, ODE, SDE with 0.9 of the score; mean: SDE, ODE", table,
            TIMES, 6);
    kick_points(&quarter, v, 0.5);
    kick_score(0.8, 0.9), kick_score(0.05, 0.15);
    large_steps();
    forgetting();
    escapes();
    puts("6. rms error of log p in nats, and (T34.5)                             CPU ms a point\n"
         "        D     1 sign             4 signs            1 Gaussian           exact  1 probe");
    for (int i = 0; i < rows; i++) trace_row(costs + 9 * i, 2 << i);
    tut_dat("trace.dat", "D; rms error of 1 sign, 4, 1 Gaussian; (T34.5) of them; ms: exact, 1",
            costs, rows, 9);
    sgm_mixture_free(&two), sgm_mixture_free(&one), sgm_mixture_free(&narrow);
    return tut_done();
}
