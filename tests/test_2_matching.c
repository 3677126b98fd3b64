/*
§2.6, §4.9 and §4.10: the five objectives of score matching, and energies. Values are held
against closed forms for Gaussians and against quadrature for mixtures; gradients against
differences of the loss; the loss of a batch against its own formula; fits against the minimiser
that all objectives share.

    cc -O2 tests/test_2_matching.c -lcmocka -lm -o test_2_matching && ./test_2_matching
*/
#define _XOPEN_SOURCE 700

#include <unistd.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "batch.h"

#define EPS64 1.1102230246251565e-16

/* Three standard errors are what the book asks of its constants: the key is fixed, and one correct
library in 370 keys would fail. */
#define THREE 3.0

static const char *const objective_name[] = {"DSM", "ESM", "ISM", "SSM", "SSM-VR"};
static char path[300];

static int set_up(void **state) {
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(path, sizeof path, "%.200s/sgm_matching_XXXXXX", base ? base : P_tmpdir);
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int tear_down(void **state) {
    (void)state;
    return remove(path);
}

static sgm_loss loss_of(sgm_objective objective) {
    sgm_loss loss;
    memset(&loss, 0, sizeof loss);
    loss.objective = objective;
    return loss;
}

/*
## Values: a linear score

For s(x) = -a x, and data whose mean of ‖x0‖² is d·c, every objective has a closed form that needs
no more than V = m²c + s², the mean of x² per coordinate (E xε = s):

    ESM = ω d (a - a')² V           against s'(x) = -a' x
    ISM = SSM = SSM-VR = ω d (a² V - 2a)
    DSM = ω d (a² V - 2a + 1/s²)

The score of N(0, c') has a = 1/(m²c' + s²). The times are two levels, drawn alike.
*/

enum { DIM = 3, ROWS = 5 };
static const double two_levels[2] = {0.15, 0.6};
static float cloud[ROWS * DIM];

typedef struct line {
    sgm_mixture mix;
    sgm_score score;
    double variance;
} line;

static void line_init(line *l, double variance, const sgm_sde *sde) {
    double mean[DIM] = {0, 0, 0};
    l->variance = variance;
    CHECK_OK(sgm_mixture_init(&l->mix, 1, DIM, NULL, mean, &variance, SGM_COV_ISOTROPIC, sde));
    l->score = sgm_mixture_score(&l->mix);
}

static double line_slope(const line *l, const sgm_sde *sde, double t) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    return 1 / (m * m * l->variance + s * s);
}

static void make_cloud(void) {
    sgm_normal(cloud, COUNT(cloud), sgm_key_init(500), 0);
    for (int i = 0; i < COUNT(cloud); i++) cloud[i] *= 0.7f;
}

/* Moments of x given one clean point, averaged over the cloud: r² = ‖x‖². */

typedef struct moments {
    double r2, r4, var_r2, pairs; /* E r², E r⁴, Var r², E Σ_{i≠j} x_i² x_j² */
} moments;

static moments moments_at(const sgm_sde *sde, double t) {
    double m = sgm_sde_m(sde, t), s2 = pow(sgm_sde_s(sde, t), 2);
    moments e = {0, 0, 0, 0};
    for (int i = 0; i < ROWS; i++) {
        double mean = 0, var = 0, square[DIM];
        for (int j = 0; j < DIM; j++) {
            double mu2 = pow(m * cloud[i * DIM + j], 2);
            square[j] = mu2 + s2;                 /* E x_j²   */
            var += 4 * mu2 * s2 + 2 * s2 * s2;    /* Var x_j² */
            mean += square[j];
        }
        for (int j = 0; j < DIM; j++)
            for (int k = 0; k < DIM; k++) e.pairs += j == k ? 0 : square[j] * square[k] / ROWS;
        e.r2 += mean / ROWS, e.r4 += (mean * mean + var) / ROWS;
    }
    e.var_r2 = e.r4 - e.r2 * e.r2;
    return e;
}

static void closed_forms(void **state) {
    const long draws = 60000;
    sgm_weight weights[3] = {SGM_WEIGHT_SIGMA2, SGM_WEIGHT_ONE, SGM_WEIGHT_G2};
    (void)state;
    make_cloud();
    for (int w = 0; w < 3; w++) {
        sgm_sde sde = w == 2 ? sgm_sde_edm(0.002, 3) : sgm_sde_vp(0.1, 20);
        line wrong, right;
        line_init(&wrong, 0.9, &sde), line_init(&right, 0.3, &sde);
        for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++) {
            sgm_loss loss = loss_of((sgm_objective)objective);
            double truth = 0, mean, se;
            loss.exact = &right.score, loss.weight = weights[w], loss.scale = w ? 0.6 : 0;
            loss.times = SGM_TIMES_GRID, loss.grid = two_levels, loss.n_grid = 2;
            for (int k = 0; k < 2; k++) {
                double t = (float)two_levels[k], s2 = pow(sgm_sde_s(&sde, t), 2);
                double lambda = w == 0 ? s2 : w == 1 ? 1 : sgm_sde_g2(&sde, t);
                double a = line_slope(&wrong, &sde, t), b = line_slope(&right, &sde, t);
                double r2 = moments_at(&sde, t).r2, value = a * a * r2 - 2 * a * DIM;
                if (objective == SGM_OBJECTIVE_ESM) value = (a - b) * (a - b) * r2;
                if (objective == SGM_OBJECTIVE_DSM) value += DIM / s2;
                truth += 0.5 * (w ? 0.6 : 1) * lambda * value;
            }
            CHECK_OK(sgm_objective_value(&mean, &se, &wrong.score, cloud, ROWS, &loss, draws,
                                         sgm_key_init(31)));
            CHECK_CLOSE(mean, truth, THREE * se);
            assert_true(se < 0.02 * (fabs(truth) + fabs(mean))); /* it can tell a wrong formula */
        }
        sgm_mixture_free(&wrong.mix), sgm_mixture_free(&right.mix);
    }
}

/*
## Variances of the sliced losses

At one level, with ω = 1 and s = -a x, one point's value has a variance over v and one over x, and
only the first falls with K:

    SSM-VR  Gaussian    4a²·2d/K + a⁴ Var r²                  (‖v‖² is χ² with d degrees)
            Rademacher  a⁴ Var r²                             (‖v‖² = d always)
    SSM     Gaussian    E[2(a²r² - 2a)² + 8a²(d - 1)]/K + a⁴ Var r²
            Rademacher  2a⁴ E Σ_{i≠j} x_i² x_j² / K + a⁴ Var r²

since in the Gaussian case v·x = r g with g normal, and ‖v‖² = g² + χ² with d - 1 degrees.
*/

static double sliced_variance(int vr, int gaussian, int K, double a, const moments *e) {
    double of_x = pow(a, 4) * e->var_r2, of_v;
    if (vr)
        of_v = gaussian ? 8 * a * a * DIM : 0;
    else if (gaussian)
        of_v = 2 * (pow(a, 4) * e->r4 - 4 * pow(a, 3) * e->r2 + 4 * a * a) + 8 * a * a * (DIM - 1);
    else
        of_v = 2 * pow(a, 4) * e->pairs;
    return of_x + of_v / K;
}

/* The variance of one point's value, by the mean over RUNS runs, and its error by their scatter: no
kurtosis of a product of squares has to be known for that. */

enum { RUNS = 25, EACH = 4000 };

static double measured_variance(const line *wrong, const sgm_loss *loss, double truth_of_mean,
                                double *error) {
    double var[RUNS], mean[RUNS], se, mean_se;
    for (int i = 0; i < RUNS; i++) {
        CHECK_OK(sgm_objective_value(&mean[i], &se, &wrong->score, cloud, ROWS, loss, EACH,
                                     sgm_key_split(sgm_key_init(32), (uint64_t)i)));
        var[i] = se * se * EACH;
    }
    double all = check_mean(mean, RUNS, &mean_se);
    CHECK_CLOSE(all, truth_of_mean, CHECK_SIGMAS * mean_se);
    /* no two points share a direction: the runs scatter as their own errors say, up to a χ² */
    double own = check_mean(var, RUNS, &se) / EACH, scatter = mean_se * mean_se * RUNS;
    CHECK_CLOSE(scatter, own, CHECK_SIGMAS * sqrt(2.0 / (RUNS - 1)) * own);
    all = check_mean(var, RUNS, &se);
    *error = CHECK_SIGMAS * se + all / EACH; /* about its own mean a sample varies less */
    return all;
}

static void sliced_variances(void **state) {
    double level = 0.4, got[2][2][4], error[2][2][4];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    line wrong;
    (void)state;
    make_cloud();
    line_init(&wrong, 0.2, &sde);
    double t = (float)level, a = line_slope(&wrong, &sde, t);
    moments e = moments_at(&sde, t);
    for (int vr = 0; vr < 2; vr++)
        for (int gaussian = 0; gaussian < 2; gaussian++)
            for (int k = 0; k < 4; k++) {
                sgm_loss loss = loss_of(vr ? SGM_OBJECTIVE_SSM_VR : SGM_OBJECTIVE_SSM);
                double truth = sliced_variance(vr, gaussian, 1 << k, a, &e);
                loss.weight = SGM_WEIGHT_ONE, loss.directions = k ? 1 << k : 0; /* 0 means 1 */
                loss.probe = gaussian ? SGM_PROBE_GAUSSIAN : SGM_PROBE_RADEMACHER;
                loss.times = SGM_TIMES_GRID, loss.grid = &level, loss.n_grid = 1;
                got[vr][gaussian][k] = measured_variance(&wrong, &loss,
                                                         a * a * e.r2 - 2 * a * DIM,
                                                         &error[vr][gaussian][k]);
                CHECK_CLOSE(got[vr][gaussian][k], truth, error[vr][gaussian][k]);
                assert_true(error[vr][gaussian][k] < 0.15 * truth);
            }
    for (int k = 0; k < 4; k++) { /* what the law of v and the reduction are worth */
        assert_true(got[1][1][k] < got[0][1][k] && got[1][0][k] < got[0][0][k]);
        assert_true(got[0][0][k] < got[0][1][k] && got[1][0][k] < got[1][1][k]);
    }
    for (int gaussian = 0; gaussian < 2; gaussian++) /* the part of v falls as 1/K */
        for (int k = 1; k < 4; k++) {
            double of_x = pow(a, 4) * e.var_r2, first = got[0][gaussian][0] - of_x;
            CHECK_CLOSE((got[0][gaussian][k] - of_x) * (1 << k), first,
                        error[0][gaussian][0] + error[0][gaussian][k] * (1 << k));
        }
    sgm_mixture_free(&wrong.mix);
}

/* (2.17) the directions themselves: unit vectors for ISM; else E v = 0, E v vᵀ = I, E v⁴ = 1 or 3,
and nothing in common between two of them. A mean of n has the error √(variance/n): v 1, v_i v_j 1,
v² 2, v⁴ 96 (that of a Gaussian: 105 - 9). */

static void directions(void **state) {
    enum { N = 200000 };
    static float v[2][N * DIM];
    (void)state;
    sgm_loss loss = loss_of(SGM_OBJECTIVE_ISM);
    for (int k = 0; k < DIM; k++) {
        sgm__directions(v[0], 4, DIM, &loss, k, sgm_key_init(33));
        for (int i = 0; i < 4 * DIM; i++) assert_true(v[0][i] == (i % DIM == k));
    }
    loss.objective = SGM_OBJECTIVE_SSM;
    for (int gaussian = 0; gaussian < 2; gaussian++) {
        double n = N * DIM, m1 = 0, m2 = 0, m4 = 0, beside = 0, next = 0;
        loss.probe = gaussian ? SGM_PROBE_GAUSSIAN : SGM_PROBE_RADEMACHER;
        for (int k = 0; k < 2; k++)
            sgm__directions(v[k], N, DIM, &loss, k, sgm_key_init(33));
        for (long i = 0; i < N * DIM; i++) {
            double a = v[0][i];
            assert_true(gaussian || a == 1 || a == -1);
            m1 += a / n, m2 += a * a / n, m4 += a * a * a * a / n;
            beside += i ? a * v[0][i - 1] / n : 0, next += a * v[1][i] / n;
        }
        CHECK_CLOSE(m1, 0, CHECK_SIGMAS / sqrt(n));
        CHECK_CLOSE(m2, 1, gaussian ? CHECK_SIGMAS * sqrt(2 / n) : n * EPS64);
        CHECK_CLOSE(m4, gaussian ? 3 : 1, gaussian ? CHECK_SIGMAS * sqrt(96 / n) : n * EPS64);
        CHECK_CLOSE(beside, 0, CHECK_SIGMAS / sqrt(n));
        CHECK_CLOSE(next, 0, CHECK_SIGMAS / sqrt(n));
    }
}

/*
## Values: a mixture against another

Six points in the plane, so p_t is a mixture of six Gaussians, and as the model the exact score of
another mixture. The integrals of (2.15), (2.16) and E‖∇log p_t‖² over the plane by the trapezoidal
rule, which for such smooth, fast falling functions errs less than any float: with the step h and
s = 0.26 at the least, by e^(-2π²s²/h²) < 10⁻⁵⁰ at h = 0.1.
*/

enum { SIDE = 141 };

typedef struct integrals {
    double esm, ism, square; /* E‖s - s*‖², E(2 tr J + ‖s‖²), E‖s*‖² */
} integrals;

static integrals integrate(const sgm_score *model, const sgm_score *exact, double t) {
    static float x[SIDE * SIDE * 2], v[SIDE * SIDE * 2], s[SIDE * SIDE * 2], js[SIDE * SIDE * 2];
    static float star[SIDE * SIDE * 2], at[SIDE * SIDE];
    static double logp[SIDE * SIDE];
    const int n = SIDE * SIDE;
    const double h = 0.1, corner = -0.5 * (SIDE - 1) * h;
    integrals sum = {0, 0, 0};
    for (int i = 0; i < n; i++) {
        x[2 * i] = (float)(corner + i % SIDE * h), x[2 * i + 1] = (float)(corner + i / SIDE * h);
        at[i] = (float)t;
    }
    CHECK_OK(sgm_score_eval(exact, star, x, at, n));
    CHECK_OK(sgm_score_logp(exact, logp, x, at, n));
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 2 * n; i++) v[i] = i % 2 == k;
        CHECK_OK(sgm_score_jvp(model, s, js, x, v, at, n));
        for (int i = 0; i < n; i++) {
            double p = exp(logp[i]) * h * h, off = (double)s[2 * i + k] - star[2 * i + k];
            sum.esm += p * off * off;
            sum.ism += p * (2 * js[2 * i + k] + (double)s[2 * i + k] * s[2 * i + k]);
            sum.square += p * star[2 * i + k] * star[2 * i + k];
        }
    }
    return sum;
}

typedef struct pair {
    sgm_sde sde;
    float points[12];
    sgm_mixture own, other;
    sgm_score exact, model;
} pair;

static void pair_init(pair *p) {
    double mean[4] = {0.5, -0.4, -0.9, 0.7}, weight[2] = {0.3, 0.7};
    double cov[8] = {0.9, 0.3, 0.3, 0.4, 0.3, -0.2, -0.2, 0.8};
    p->sde = sgm_sde_vp(0.1, 12);
    sgm_normal(p->points, 12, sgm_key_init(501), 0);
    CHECK_OK(sgm_mixture_from_data(&p->own, p->points, 6, 2, &p->sde));
    CHECK_OK(sgm_mixture_init(&p->other, 2, 2, weight, mean, cov, SGM_COV_FULL, &p->sde));
    p->exact = sgm_mixture_score(&p->own), p->model = sgm_mixture_score(&p->other);
}

static void pair_end(pair *p) { sgm_mixture_free(&p->own), sgm_mixture_free(&p->other); }

static void constants(void **state) {
    const long draws = 100000;
    double esm = 0, ism = 0, square = 0, star = 0, mean[5], se[5];
    pair p;
    (void)state;
    pair_init(&p);
    for (int k = 0; k < 2; k++) { /* ω = s² */
        double t = (float)two_levels[k], s = sgm_sde_s(&p.sde, t), lambda = 0.5 * s * s;
        integrals i = integrate(&p.model, &p.exact, t);
        esm += lambda * i.esm, ism += lambda * i.ism, square += lambda * i.square;
        star += lambda * 2 / (s * s) - lambda * i.square; /* L*: E‖ε/s‖² - E‖s*‖² */
        /* (2.16); s, s*, J are floats, and the sum of p is 1 */
        CHECK_CLOSE(i.ism, i.esm - i.square, 16 * EPS * (i.esm + i.square + fabs(i.ism)));
    }
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int probe = SGM_PROBE_RADEMACHER; probe <= SGM_PROBE_GAUSSIAN; probe++) {
            sgm_loss loss = loss_of((sgm_objective)objective);
            loss.exact = &p.exact, loss.probe = (sgm_probe)probe, loss.directions = 2;
            loss.times = SGM_TIMES_GRID, loss.grid = two_levels, loss.n_grid = 2;
            CHECK_OK(sgm_objective_value(&mean[objective], &se[objective], &p.model, p.points, 6,
                                         &loss, draws, sgm_key_init(34)));
            double truth = objective == SGM_OBJECTIVE_ESM ? esm : objective == SGM_OBJECTIVE_DSM ? esm + star : ism;
            CHECK_CLOSE(mean[objective], truth, THREE * se[objective]);
        }
    /* (2.16) and (2.18), from the estimates alone; the errors of two means at most add up */
    CHECK_CLOSE(mean[SGM_OBJECTIVE_ISM], mean[SGM_OBJECTIVE_ESM] - square, THREE * (se[SGM_OBJECTIVE_ISM] + se[SGM_OBJECTIVE_ESM]));
    CHECK_CLOSE(mean[SGM_OBJECTIVE_DSM], mean[SGM_OBJECTIVE_ESM] + star, THREE * (se[SGM_OBJECTIVE_DSM] + se[SGM_OBJECTIVE_ESM]));
    assert_true(THREE * (se[SGM_OBJECTIVE_DSM] + se[SGM_OBJECTIVE_ISM]) < 0.1 * fmin(square, star));
    pair_end(&p);
}

/* The same draws as those of sgm_dsm, so the same numbers up to rounding, whatever the weight and
the distribution of times; and the exact score has nothing left to learn. */

static void agrees_with_dsm(void **state) {
    pair p;
    (void)state;
    pair_init(&p);
    for (int weight = 0; weight < SGM_WEIGHT_USER; weight++) {
        sgm_dsm_result dsm;
        sgm_loss loss = loss_of(SGM_OBJECTIVE_DSM);
        double mean, se;
        loss.weight = (sgm_weight)weight, loss.scale = 0.5 * weight;
        loss.times = weight % 2 ? SGM_TIMES_UNIFORM : SGM_TIMES_IMPORTANCE;
        CHECK_OK(sgm_dsm(&dsm, &p.model, &p.exact, p.points, 6, &loss, 3000,
                         sgm_key_init(35)));
        CHECK_OK(sgm_objective_value(&mean, &se, &p.model, p.points, 6, &loss, 3000,
                                     sgm_key_init(35)));
        /* the same floats, other orders of some 3000 double operations */
        CHECK_REL(mean, dsm.loss, 3000 * EPS64), CHECK_REL(se, dsm.loss_se, 1e6 * EPS64);
        loss.objective = SGM_OBJECTIVE_ESM, loss.exact = &p.exact;
        CHECK_OK(sgm_objective_value(&mean, &se, &p.model, p.points, 6, &loss, 3000,
                                     sgm_key_init(35)));
        CHECK_REL(mean, dsm.excess, 3e6 * EPS64); /* ε + s·score cancels down to score - exact */
        CHECK_OK(sgm_objective_value(&mean, &se, &p.exact, p.points, 6, &loss, 3000,
                                     sgm_key_init(35)));
        assert_true(mean == 0 && se == 0);
    }
    pair_end(&p);
}

/*
## The loss of a batch, and its gradient
*/

static const char *const output_name[] = {"an energy", "noise", "score", "x0",
                                          "v",         "flow",  "EDM"};
enum { D = 3, POINTS = 10, MOST = 700 };

typedef struct kind {
    int energy;
    float dropout;
} kind;

static sgm_tensor *curved_net(sgm_tape *tape, const sgm_net_in *in) {
    const kind *k = (const kind *)in->user;
    sgm_tensor *h = sgm_concat(tape, in->x, in->log_sigma);
    h = sgm_dropout(tape, sgm_tanh(tape, sgm_linear(tape, h, 12)), k->dropout);
    h = sgm_linear(tape, h, 12);
    h = sgm_silu(tape, sgm_layer_norm(tape, h));
    return sgm_linear(tape, h, k->energy ? 1 : in->x->cols);
}

typedef struct run {
    kind k;
    sgm_model_options mo;
    sgm_train_options to;
    sgm_model model;
    sgm_trainer trainer;
    float data[POINTS * D];
    sgm_mixture mix;
    sgm_score exact;
} run;

static void run_defaults(run *r, sgm_objective objective, int energy) {
    memset(r, 0, sizeof *r);
    r->k.energy = energy;
    r->mo.net = curved_net, r->mo.user = &r->k, r->mo.d = D, r->mo.sde = sgm_sde_vp(0.1, 20);
    r->mo.sde.t_min = 0.1, r->mo.energy = energy, r->mo.output = SGM_OUTPUT_SCORE;
    r->mo.sigma_data = 0.5;
    r->to.steps = 10, r->to.batch = 24;
    r->to.loss.objective = objective, r->to.loss.directions = 2;
    r->to.loss.exact = &r->exact;
}

static void run_start(run *r) {
    sgm_normal(r->data, COUNT(r->data), sgm_key_init(502), 0);
    CHECK_OK(sgm_mixture_from_data(&r->mix, r->data, POINTS, D, &r->mo.sde));
    r->exact = sgm_mixture_score(&r->mix);
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(3)));
    CHECK_OK(sgm_trainer_init(&r->trainer, &r->model, r->data, POINTS, &r->to, sgm_key_init(7)));
    assert_true(r->model.n_params <= MOST);
}

static void run_end(run *r) {
    sgm_trainer_free(&r->trainer), sgm_model_free(&r->model), sgm_mixture_free(&r->mix);
}

/*
The batch that the trainer has just seen, once more by the formulas of §2.6 and the model as
a score. `size` is the sum of the absolute values of all terms, which is what roundings are relative
to. For an energy, the central difference (4.15) is the mean of v·Jv over [-h, h] along v, and
Simpson's rule gives that mean from tangents, with an error of order h⁴; `bent` is what (4.15) adds
to the loss by not being a derivative.
*/

typedef struct by_hand {
    double loss, size, bent;
} by_hand;

static double lambda_of(const run *r, double t) {
    double s = sgm_sde_s(&r->mo.sde, t), scale = r->to.loss.scale > 0 ? r->to.loss.scale : 1;
    double w = sgm_loss_weight(&r->trainer.o.loss, &r->mo.sde, t);
    return scale * w * s * s / r->to.batch; /* (2.11) */
}

static double bend_of(const run *r, const sgm_score *score, const sgm__piece *b, const float *v,
                      double step, long i) {
    float x[D], s[D], js[D];
    double s_t = sgm_sde_s(&r->mo.sde, b->t[i]);
    for (int j = 0; j < D; j++)
        x[j] = (float)(b->x[i * D + j] + step * 0.02 * s_t * v[i * D + j]);
    CHECK_OK(sgm_score_jvp(score, s, js, x, v + i * D, b->t + i, 1));
    return dot(v + i * D, js, D);
}

static void add_direction(by_hand *sum, const run *r, const sgm_score *score, const sgm__piece *b,
                          const float *s, const float *v, double share) {
    int sliced = r->to.loss.objective == SGM_OBJECTIVE_SSM;
    for (long i = 0; i < r->to.batch; i++) {
        double lambda = share * lambda_of(r, b->t[i]), vs = dot(v + i * D, s + i * D, D);
        double mid = bend_of(r, score, b, v, 0, i), bend = mid;
        if (r->k.energy) {
            bend = (bend_of(r, score, b, v, -1, i) + 4 * mid + bend_of(r, score, b, v, 1, i)) / 6;
            sum->bent += 2 * lambda * (bend - mid);
            sum->size += 2 * lambda * fabs(vs) / (0.02 * sgm_sde_s(&r->mo.sde, b->t[i]));
        }
        sum->loss += lambda * (2 * bend + (sliced ? vs * vs : 0));
        sum->size += lambda * (2 * fabs(bend) + (sliced ? vs * vs : 0));
    }
}

static by_hand batch_by_hand(const run *r) {
    static float s[64 * D], target[64 * D], v[64 * D];
    by_hand sum = {0, 0, 0};
    const sgm_loss *loss = &r->trainer.o.loss;
    int n = r->to.batch, K = loss->objective == SGM_OBJECTIVE_ISM ? D : loss->directions;
    sgm__piece b = batch_of(&r->trainer, r->trainer.step);
    sgm_score score = sgm_model_score(&r->model, SGM_RAW);
    CHECK_OK(sgm_score_eval(&score, s, b.x, b.t, n));
    CHECK_OK(sgm_score_eval(&r->exact, target, b.x, b.t, n));
    for (long i = 0; i < n * D && loss->objective != SGM_OBJECTIVE_SSM; i++) {
        double off = s[i], t = b.t[i / D];
        if (loss->objective == SGM_OBJECTIVE_ESM) off -= target[i];
        if (loss->objective == SGM_OBJECTIVE_DSM) off += b.eps[i] / sgm_sde_s(&r->mo.sde, t);
        sum.loss += lambda_of(r, t) * off * off, sum.size += lambda_of(r, t) * off * off;
    }
    for (int k = 0; k < K && loss->objective >= SGM_OBJECTIVE_ISM; k++) {
        sgm_key probes = sgm__train_key(&r->trainer, SGM__KEY_PROBES, (uint64_t)r->trainer.step);
        if (loss->objective == SGM_OBJECTIVE_ISM)
            for (long i = 0; i < n * D; i++) v[i] = i % D == k;
        else
            sgm__directions(v, n, D, loss, k, probes);
        add_direction(&sum, r, &score, &b, s, v, loss->objective == SGM_OBJECTIVE_ISM ? 1 : 1.0 / K);
    }
    return sum;
}

static void loss_of_a_batch(void **state) {
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int output = SGM_OUTPUT_AUTO; output <= SGM_OUTPUT_EDM_F; output++) { /* AUTO: an energy */
            run r;
            run_defaults(&r, (sgm_objective)objective, output == SGM_OUTPUT_AUTO);
            r.mo.output = (sgm_output)output;
            r.to.loss.weight = (sgm_weight)((output + 1) % SGM_WEIGHT_USER);
            r.to.loss.probe = output % 2 ? SGM_PROBE_GAUSSIAN : SGM_PROBE_RADEMACHER;
            r.to.loss.scale = output == SGM_OUTPUT_V ? 2.5 : 0;
            run_start(&r);
            CHECK_OK(sgm__trainer_gradient(&r.trainer));
            by_hand truth = batch_by_hand(&r);
            /* a value, tangent or slope has passed through some 16 roundings in a row of layers */
            double rounding = 16 * EPS * truth.size;
            if (fabs(r.trainer.loss - truth.loss) > rounding)
                print_error("%s of %s:\n", objective_name[objective], output_name[output]);
            CHECK_CLOSE(r.trainer.loss, truth.loss, rounding);
            /* (4.15) is good to h²/6 of the third derivative: at h = 0.02 s less than a thousandth
            of the terms */
            assert_true(fabs(truth.bent) < 1e-3 * truth.size);
            if (r.mo.energy && objective >= SGM_OBJECTIVE_ISM) assert_true(truth.bent != 0);
            run_end(&r);
        }
}

/*
The gradient along a direction u of unit length against the slope of the loss, by differences with
steps h/2 and h, extrapolated. Going from 2h to h divides the truncation error by 16, so the change
bounds what is left of it; the rounding of the loss enters with at most 3/h.
*/

typedef struct probe {
    run *r;
    float *start, *u;
} probe;

static double loss_along(double step, void *user) {
    probe *p = (probe *)user;
    for (size_t i = 0; i < p->r->model.n_params; i++)
        p->r->model.params[i] = (float)(p->start[i] + step * p->u[i]);
    CHECK_OK(sgm__trainer_gradient(&p->r->trainer));
    return p->r->trainer.loss;
}

static void check_gradient(run *r, double size) {
    float start[MOST], g[MOST], u[MOST];
    const double h = 0.08;
    long P = (long)r->model.n_params;
    probe p;
    p.r = r, p.start = start, p.u = u;
    CHECK_OK(sgm__trainer_gradient(&r->trainer));
    memcpy(g, r->trainer.grads, (size_t)P * sizeof *g);
    memcpy(start, r->model.params, (size_t)P * sizeof *start);
    double norm = sqrt(dot(g, g, P));
    CHECK_REL(r->trainer.grad_norm, norm, 16 * EPS);
    for (int along = 0; along < 3; along++) { /* the gradient's own direction, and two others */
        sgm_normal(u, (size_t)P, sgm_key_init(40 + (uint64_t)along), 0);
        for (long i = 0; i < P && along == 0; i++) u[i] = g[i];
        double length = sqrt(dot(u, u, P));
        for (long i = 0; i < P; i++) u[i] = (float)(u[i] / length);
        double wide = check_slope(loss_along, &p, 0, 2 * h);
        double slope = check_slope(loss_along, &p, 0, h);
        /* 16 roundings in a row as above; they differ from number to number, so that their sum
        over the batch is 1/√(B D) of what it could be */
        double rounding = 3 / h * 16 * EPS * size / sqrt(r->to.batch * D);
        CHECK_CLOSE(dot(g, u, P), slope, fabs(wide - slope) + rounding + 16 * EPS * norm);
        assert_true(fabs(wide - slope) + rounding < 0.02 * norm); /* sharp enough */
    }
    memcpy(r->model.params, start, (size_t)P * sizeof *start);
}

static void gradients(void **state) {
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int output = SGM_OUTPUT_AUTO; output <= SGM_OUTPUT_EDM_F; output++) { /* AUTO: an energy */
            run r;
            run_defaults(&r, (sgm_objective)objective, output == SGM_OUTPUT_AUTO);
            r.mo.output = (sgm_output)output;
            r.to.loss.weight = (sgm_weight)((output + 1) % SGM_WEIGHT_USER);
            r.to.loss.probe = output % 2 ? SGM_PROBE_GAUSSIAN : SGM_PROBE_RADEMACHER;
            r.to.loss.scale = output == SGM_OUTPUT_V ? 2.5 : 0;
            run_start(&r);
            CHECK_OK(sgm__trainer_gradient(&r.trainer));
            double size = batch_by_hand(&r).size;
            check_gradient(&r, size);
            r.k.dropout = 0.2f; /* the same mask in every pass of a step, so still a function */
            check_gradient(&r, 2 * size);
            run_end(&r);
        }
}

/* Two batches to a step: the mean of their gradients and losses, taken one by one. */

static void accumulation(void **state) {
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int energy = 0; energy < 2; energy++) {
            float g[2][MOST];
            double loss[2], size = 0;
            run one, two;
            run_defaults(&one, (sgm_objective)objective, energy);
            run_defaults(&two, (sgm_objective)objective, energy);
            one.k.dropout = two.k.dropout = 0.1f, two.to.accumulate = 2;
            run_start(&one), run_start(&two);
            long P = (long)one.model.n_params;
            for (int i = 0; i < 2; i++) {
                one.trainer.step = 6 + i;
                CHECK_OK(sgm__trainer_gradient(&one.trainer));
                loss[i] = one.trainer.loss;
                size += batch_by_hand(&one).size;
                memcpy(g[i], one.trainer.grads, (size_t)P * sizeof(float));
            }
            two.trainer.step = 3;
            CHECK_OK(sgm__trainer_gradient(&two.trainer));
            CHECK_CLOSE(two.trainer.loss, 0.5 * (loss[0] + loss[1]), 8 * EPS * size);
            double norm = sqrt(dot(g[0], g[0], P)) + sqrt(dot(g[1], g[1], P));
            /* of each number another order of at most 2·24·(1 + 2K) sums, which grow like roots */
            for (long i = 0; i < P; i++)
                CHECK_CLOSE(two.trainer.grads[i], 0.5 * (g[0][i] + g[1][i]),
                            20 * EPS * (norm + (energy ? size : 0)));
            assert_true(fabs(loss[0] - loss[1]) > 1e-4 * size); /* two different batches */
            run_end(&one), run_end(&two);
        }
}

/*
The price: tangents and backward passes of one step, counted where they happen, by an operation that
calls the one it stands for. ISM carries D directions, SSM K, DSM none; an energy spends one more
backward pass for its score, and two passes for each direction (4.15).
*/

static int passes[3];
static sgm_operation counted;

static void count(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    passes[pass]++;
    counted(tape, y, pass);
}

static sgm_tensor *counting_net(sgm_tape *tape, const sgm_net_in *in) {
    int energy = ((const kind *)in->user)->energy;
    sgm_tensor *h = sgm_tanh(tape, sgm_linear(tape, in->x, 5));
    if (h) counted = h->op, h->op = count, passes[SGM_PASS_FORWARD] += !tape->dry;
    return sgm_linear(tape, h, energy ? 1 : in->x->cols);
}

static void prices(void **state) {
    /* rows: objectives; forward, tangent, backward of a network, then of an energy; K = 4, D = 3 */
    static const int truth[5][6] = {{1, 0, 1, 2, 1, 2},
                                    {1, 0, 1, 2, 1, 2},
                                    {1, 3, 3, 8, 7, 8},
                                    {1, 4, 4, 13, 12, 13},
                                    {1, 4, 4, 10, 9, 10}};
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int energy = 0; energy < 2; energy++) {
            run r;
            run_defaults(&r, (sgm_objective)objective, energy);
            r.mo.net = counting_net, r.to.loss.directions = 4;
            run_start(&r);
            memset(passes, 0, sizeof passes);
            CHECK_OK(sgm_trainer_step(&r.trainer));
            for (int i = 0; i < 3; i++)
                assert_int_equal(passes[i], truth[objective][3 * energy + i]);
            run_end(&r);
        }
}

/*
## Fits whose answer is known

At one time, for data with covariance C and V = m²C + s²I, the best *linear* score is s = -P x with
P = V⁻¹, and it is the best for every objective (for ISM: the mean of 2 tr W + ‖Wx‖² is least at
W = -P). SGD's average over N steps of B scatters around it by the least-squares formula: with
y = P x, the contribution of one draw to the error of W is

    ISM     P - y yᵀ                variance of (i,j): P_ii P_jj + P_ij²  =: Q_ij, for Gaussian x
    SSM     v vᵀ (P - y yᵀ)         Σ_k c_ik Q_kj, c_ik = 1, or 1 + 2δ_ik for Gaussian v
    SSM-VR  v vᵀ P - y yᵀ           Σ_k c_ik P_kj² - P_ij² + Q_ij
    DSM     (ε/s - y) yᵀ            (1/s² - P_ii) P_jj
    ESM     0                       no noise at all, since the target is linear too

and the moving average with decay γ is worth N = (1+γ)/(1-γ) steps.
*/

enum { SAMPLE = 600, FIT_STEPS = 5000, FIT_BATCH = 64 };
static const double fit_decay = 0.998;

static sgm_tensor *matrix_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_linear(tape, in->x, in->x->cols);
}

static double fit_variance(sgm_objective objective, int gaussian, double P[2][2], double s,
                           int i, int j) {
    double q = P[i][i] * P[j][j] + P[i][j] * P[i][j], sum = 0;
    switch (objective) {
    case SGM_OBJECTIVE_DSM: return (1 / (s * s) - P[i][i]) * P[j][j];
    case SGM_OBJECTIVE_ISM: return q;
    case SGM_OBJECTIVE_SSM:
        for (int k = 0; k < 2; k++)
            sum += (gaussian && k == i ? 3 : 1) * (P[k][k] * P[j][j] + P[k][j] * P[k][j]);
        return sum;
    case SGM_OBJECTIVE_SSM_VR:
        for (int k = 0; k < 2; k++) sum += (gaussian && k == i ? 3 : 1) * P[k][j] * P[k][j];
        return sum - P[i][j] * P[i][j] + q;
    default: return 0;
    }
}

/* What chance does not explain: the average stands still where its step (1-γ)(θ-e) is below the
rounding of e; and of a start at distance 1 there remains γ^5000/20 < 10⁻⁵. */

static double fit_rest(double size) { return EPS * size / (1 - fit_decay) + 1e-5; }

static void correlated_data(float *x, double cov[3]) {
    double mean[2] = {0, 0};
    sgm_normal(x, 2 * SAMPLE, sgm_key_init(503), 0);
    for (int i = 0; i < SAMPLE; i++) x[2 * i] = 0.6f * x[2 * i] + 0.5f * x[2 * i + 1];
    for (int i = 0; i < 2 * SAMPLE; i++) mean[i % 2] += x[i] / (double)SAMPLE;
    for (int i = 0; i < 2 * SAMPLE; i++) x[i] = (float)(x[i] - mean[i % 2]);
    memset(cov, 0, 3 * sizeof *cov);
    for (int i = 0; i < SAMPLE; i++) {
        cov[0] += (double)x[2 * i] * x[2 * i] / SAMPLE;
        cov[1] += (double)x[2 * i] * x[2 * i + 1] / SAMPLE;
        cov[2] += (double)x[2 * i + 1] * x[2 * i + 1] / SAMPLE;
    }
}

static void fit(run *r, sgm_objective objective, int gaussian, const float *x,
                const double *level) {
    r->mo.n_ema = 1, r->to.held_out = -1;
    r->to.steps = FIT_STEPS, r->to.batch = FIT_BATCH, r->to.optimiser = SGM_OPTIMISER_SGD, r->to.lr = 0.06;
    r->to.ema[0] = fit_decay, r->to.loss.directions = 0;
    r->to.loss.objective = objective, r->to.loss.probe = gaussian ? SGM_PROBE_GAUSSIAN : SGM_PROBE_RADEMACHER;
    r->to.loss.times = SGM_TIMES_GRID, r->to.loss.grid = level, r->to.loss.n_grid = 1;
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(1)));
    CHECK_OK(sgm_train(&r->model, x, SAMPLE, &r->to, sgm_key_init(2)));
}

static void linear_fits(void **state) {
    static float x[2 * SAMPLE];
    double level = 0.25, cov[3], N = FIT_BATCH * (1 + fit_decay) / (1 - fit_decay);
    double zero[2] = {0, 0}, P[2][2];
    float t = (float)level;
    (void)state;
    correlated_data(x, cov);
    for (int c = 0; c < 7; c++) {
        static const sgm_objective objectives[7] = {SGM_OBJECTIVE_DSM, SGM_OBJECTIVE_ESM, SGM_OBJECTIVE_ISM,   SGM_OBJECTIVE_SSM,
                                                    SGM_OBJECTIVE_SSM, SGM_OBJECTIVE_SSM_VR, SGM_OBJECTIVE_SSM_VR};
        int gaussian = c == 4 || c == 6;
        run r;
        run_defaults(&r, objectives[c], 0);
        r.mo.net = matrix_net, r.mo.d = 2;
        double full[4] = {cov[0], cov[1], cov[1], cov[2]};
        CHECK_OK(sgm_mixture_init(&r.mix, 1, 2, NULL, zero, full, SGM_COV_FULL, &r.mo.sde));
        r.exact = sgm_mixture_score(&r.mix);
        double m = sgm_sde_m(&r.mo.sde, t), s = sgm_sde_s(&r.mo.sde, t);
        double a = m * m * cov[0] + s * s, b = m * m * cov[1], d = m * m * cov[2] + s * s;
        double det = a * d - b * b;
        P[0][0] = d / det, P[0][1] = P[1][0] = -b / det, P[1][1] = a / det;
        fit(&r, objectives[c], gaussian, x, &level);
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
                double var = fit_variance(objectives[c], gaussian, P, s, i, j) / N;
                double got = -r.model.ema[0][2 * j + i]; /* W is stored as (in, out) */
                CHECK_CLOSE(got, P[i][j], CHECK_SIGMAS * sqrt(var) + fit_rest(P[i][i]));
                assert_true(CHECK_SIGMAS * sqrt(var) < 0.1 * P[i][i]); /* sharp enough */
            }
        for (int i = 0; i < 2; i++) /* the bias: its noise is y, (1/s² - P) for DSM, and less */
            CHECK_CLOSE(r.model.ema[0][4 + i], 0, CHECK_SIGMAS * sqrt(3 * (1 / (s * s)) / N));
        sgm_model_free(&r.model), sgm_mixture_free(&r.mix);
    }
}

/*
An energy whose parameters are as linear as that: U = w x²/2 + b x in one dimension, so the score is
-w x - b and (4.15) is exact. The same minimiser w = 1/V and the same variances.
*/

static sgm_tensor *square_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *half = sgm_mul_by(tape, sgm_mul(tape, in->x, in->x), 0.5f);
    return sgm_linear(tape, sgm_concat(tape, half, in->x), 1);
}

static void line_data(float *x, double *c) {
    double mean = 0;
    sgm_normal(x, SAMPLE, sgm_key_init(504), 0);
    for (int i = 0; i < SAMPLE; i++) mean += x[i] / (double)SAMPLE;
    *c = 0;
    for (int i = 0; i < SAMPLE; i++)
        x[i] = (float)(0.8 * (x[i] - mean)), *c += (double)x[i] * x[i] / SAMPLE;
}

static void fit_energy(run *r, sgm_objective objective, int gaussian, const double *level,
                       double *precision, double *s) {
    static float x[SAMPLE];
    double zero = 0, c, t = (float)*level;
    line_data(x, &c);
    run_defaults(r, objective, 1);
    r->mo.net = square_net, r->mo.d = 1;
    CHECK_OK(sgm_mixture_init(&r->mix, 1, 1, NULL, &zero, &c, SGM_COV_ISOTROPIC, &r->mo.sde));
    r->exact = sgm_mixture_score(&r->mix);
    *s = sgm_sde_s(&r->mo.sde, t);
    *precision = 1 / (pow(sgm_sde_m(&r->mo.sde, t), 2) * c + *s * *s);
    fit(r, objective, gaussian, x, level);
}

static void energy_fits(void **state) {
    double level = 0.25, N = FIT_BATCH * (1 + fit_decay) / (1 - fit_decay), P, s;
    (void)state;
    for (int c = 0; c < 6; c++) {
        int gaussian = c == 5;
        sgm_objective objective = c < 5 ? (sgm_objective)c : SGM_OBJECTIVE_SSM;
        run r;
        fit_energy(&r, objective, gaussian, &level, &P, &s);
        double var = 2 * P * P * (gaussian ? 3 : 1); /* Q; E v⁴ is 3, or 1 for Rademacher */
        if (objective == SGM_OBJECTIVE_DSM) var = (1 / (s * s) - P) * P;
        if (objective == SGM_OBJECTIVE_ESM) var = 0;
        /* the last summand: (4.15) divides roundings of 2⁻²⁴ |U'| by h = 0.02 s, and they average */
        CHECK_CLOSE(r.model.ema[0][0], P,
                    CHECK_SIGMAS * sqrt(var / N) + fit_rest(P) +
                        EPS / (0.02 * s) * sqrt(P / FIT_BATCH));
        CHECK_CLOSE(r.model.ema[0][1], 0, CHECK_SIGMAS * sqrt(3 * (1 / (s * s)) / N));
        assert_true(CHECK_SIGMAS * sqrt(var / N) < 0.06 * P);
        sgm_model_free(&r.model), sgm_mixture_free(&r.mix);
    }
}

/*
## Energies as scores
*/

typedef struct ray {
    const sgm_score *score;
    const float *x, *v;
    float t;
    int what; /* 0: log density, 1…: a coordinate of the score */
} ray;

static double along_ray(double step, void *user) {
    const ray *a = (const ray *)user;
    float x[D], s[D];
    double logp;
    for (int j = 0; j < D; j++) x[j] = (float)(a->x[j] + step * a->v[j]);
    if (a->what) {
        CHECK_OK(sgm_score_eval(a->score, s, x, &a->t, 1));
        return s[a->what - 1];
    }
    CHECK_OK(sgm_score_logp(a->score, &logp, x, &a->t, 1));
    return logp;
}

/* The score is the slope of -U, its jvp the slope of the score, and the Jacobian, being minus a
matrix of second derivatives, is symmetric. */

static void energy_derivatives(void **state) {
    enum { N = 300 }; /* more than one chunk */
    static float x[N * D], u[N * D], v[N * D], s[N * D], s2[N * D], ju[N * D], jv[N * D], t[N];
    static double logp[N];
    const double h = 0.1;
    run r;
    (void)state;
    run_defaults(&r, SGM_OBJECTIVE_DSM, 1);
    r.mo.n_ema = 1, r.k.dropout = 0.5f; /* which only training may heed */
    run_start(&r);
    for (int i = 0; i < 3; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
    sgm_normal(x, N * D, sgm_key_init(50), 0), sgm_normal(u, N * D, sgm_key_init(51), 0);
    sgm_normal(v, N * D, sgm_key_init(52), 0), sgm_uniform(t, N, sgm_key_init(53), 0);
    for (int which = SGM_RAW; which < 1; which++) {
        sgm_score score = sgm_model_score(&r.model, which);
        CHECK_OK(sgm_score_eval(&score, s, x, t, N));
        CHECK_OK(sgm_score_logp(&score, logp, x, t, N));
        CHECK_OK(sgm_score_jvp(&score, s2, ju, x, u, t, N));
        CHECK_OK(sgm_score_jvp(&score, s2, jv, x, v, t, N));
        for (int i = 0; i < N; i++) {
            ray a;
            double length = sqrt(dot(s + i * D, s + i * D, D));
            a.score = &score, a.x = x + i * D, a.v = v + i * D, a.t = t[i];
            for (int j = 0; j < D; j++) /* two ways to one number, 16 roundings each */
                CHECK_CLOSE(s2[i * D + j], s[i * D + j], 32 * EPS * (1 + length));
            if (i % 10) continue;
            for (a.what = 0; a.what <= D; a.what++) { /* as in check_gradient */
                double wide = check_slope(along_ray, &a, 0, 2 * h);
                double slope = check_slope(along_ray, &a, 0, h);
                double value = a.what ? length : fabs(logp[i]) + 1;
                double got = a.what ? jv[i * D + a.what - 1] : dot(s + i * D, v + i * D, D);
                double rounding = 3 / h * 16 * EPS * (value + 1);
                CHECK_CLOSE(got, slope, fabs(wide - slope) + rounding);
            }
        }
        double worst = 0;
        for (int i = 0; i < N; i++) {
            double uv = dot(u + i * D, jv + i * D, D), vu = dot(v + i * D, ju + i * D, D);
            double size = sqrt(dot(u + i * D, u + i * D, D) * dot(jv + i * D, jv + i * D, D)) +
                          sqrt(dot(v + i * D, v + i * D, D) * dot(ju + i * D, ju + i * D, D));
            CHECK_CLOSE(uv, vu, 64 * EPS * (size + 1)); /* a tangent and a way back: 64 roundings */
            worst = fmax(worst, fabs(uv));
        }
        assert_true(worst > 0.1); /* the energy is curved */
    }
    run_end(&r);
}

/* An energy that is linear in x has a constant score and no Jacobian; one that does not look at x
has none at all. */

static sgm_tensor *plane_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_linear(tape, in->x, 1);
}
static sgm_tensor *blind_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_linear(tape, in->log_sigma, 1);
}

static void flat_energies(void **state) {
    float x[2 * D] = {1, 2, 3, -1, 0, 1}, v[2 * D] = {1, 1, 1, 1, 2, 3}, t[2] = {0.3f, 0.9f};
    float s[2 * D], js[2 * D];
    (void)state;
    for (int blind = 0; blind < 2; blind++)
        for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++) {
            run r;
            run_defaults(&r, (sgm_objective)objective, 1);
            r.mo.net = blind ? blind_net : plane_net;
            run_start(&r);
            sgm_score score = sgm_model_score(&r.model, SGM_RAW);
            CHECK_OK(sgm_score_jvp(&score, s, js, x, v, t, 2));
            for (int i = 0; i < 2 * D; i++) {
                assert_true(js[i] == 0);
                assert_true(s[i] == (blind ? 0 : -r.model.params[i % D]));
            }
            CHECK_OK(sgm_score_eval(&score, s, x, t, 2));
            for (int i = 0; i < 2 * D; i++)
                assert_true(s[i] == (blind ? 0 : -r.model.params[i % D]));
            CHECK_OK(sgm_trainer_step(&r.trainer));
            run_end(&r);
        }
}

/*
The log density of an energy needs no Z for MALA. On U = w x²/2 + b x, fitted to data, the walk must
keep N(-b/w, 1/w), and accept as often as the double integral of (6.5) over x and z says: by the
trapezoidal rule, whose error at the kink of min(1, ·) is below (12/300)²/8.
*/

static double mala_acceptance(double V, double gamma, double *std) {
    const int n = 300;
    double mean = 0, square = 0, h = 12.0 / n;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= n; j++) {
            double a = -6 + i * h, z = -6 + j * h, x = a * sqrt(V);
            double y = x - gamma * x / V + sqrt(2 * gamma) * z, back = x - y + gamma * y / V;
            double log_a = (x * x - y * y) / (2 * V) - back * back / (4 * gamma) + z * z / 2;
            double p = h * h * exp(-0.5 * (a * a + z * z)) / (2 * SGM__PI);
            double chance = log_a < 0 ? exp(log_a) : 1;
            mean += p * chance, square += p * chance * chance;
        }
    *std = sqrt(square - mean * mean);
    return mean;
}

static void mala_on_an_energy(void **state) {
    enum { N = 4000, STEPS = 60 };
    static float x[N];
    double level = 0.25, P, s, std;
    sgm_langevin_options how;
    sgm_langevin report;
    run r;
    (void)state;
    fit_energy(&r, SGM_OBJECTIVE_DSM, 0, &level, &P, &s);
    sgm_score score = sgm_model_score(&r.model, 0);
    double w = r.model.ema[0][0], V = 1 / w, middle = -(double)r.model.ema[0][1] / w;
    memset(&how, 0, sizeof how);
    how.step = 0.9 * V, how.steps = STEPS, how.warmup = STEPS, how.metropolis = 1, how.t = level;
    sgm_normal(x, N, sgm_key_init(60), 0);
    for (int i = 0; i < N; i++) x[i] = (float)(3 * x[i] + 1); /* far off at first */
    CHECK_OK(sgm_langevin_run(x, N, &score, &how, &report, sgm_key_init(61)));
    check_moments got = check_moments_of(x, N, 1);
    CHECK_CLOSE(got.mean, middle, CHECK_SIGMAS * sqrt(V / N));
    CHECK_REL(got.var, V, CHECK_SIGMAS * sqrt(2.0 / N));
    /* the N walkers are independent, and one walker's mean scatters no more than one step */
    double truth = mala_acceptance(V, how.step, &std);
    CHECK_CLOSE(report.acceptance, truth, CHECK_SIGMAS * std / sqrt(N) + 2e-4);
    assert_true(truth < 0.97); /* it does reject */
    sgm_model_free(&r.model), sgm_mixture_free(&r.mix);
}

/*
## Stop, and go on
*/

static void checkpoints(void **state) {
    (void)state;
    for (int energy = 0; energy < 2; energy++)
        for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++) {
            run a, b;
            run_defaults(&a, (sgm_objective)objective, energy);
            run_defaults(&b, (sgm_objective)objective, energy);
            run_start(&a), run_start(&b);
            for (int i = 0; i < 2; i++) CHECK_OK(sgm_trainer_step(&a.trainer));
            CHECK_OK(sgm_trainer_save(&a.trainer, path));
            CHECK_OK(sgm_trainer_load(&b.trainer, path));
            CHECK_OK(sgm_trainer_step(&a.trainer)), CHECK_OK(sgm_trainer_step(&b.trainer));
            assert_memory_equal(a.model.params, b.model.params, a.model.n_params * sizeof(float));
            sgm_loss kept = b.trainer.o.loss;
            b.trainer.o.loss.objective = (sgm_objective)((objective + 1) % 5);
            CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, "loss.objective");
            b.trainer.o.loss = kept, b.trainer.o.loss.directions = 3;
            CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, "loss.directions");
            b.trainer.o.loss = kept, b.trainer.o.loss.probe = SGM_PROBE_GAUSSIAN;
            CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, "loss.probe");
            run_end(&a), run_end(&b);
        }
}

/* In one dimension an energy and a score have the same shape, and only a word tells them apart. */

static sgm_tensor *either_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_linear(tape, sgm_tanh(tape, sgm_linear(tape, in->x, 4)), 1);
}

static void energy_files(void **state) {
    sgm_model a, b;
    run r;
    (void)state;
    run_defaults(&r, SGM_OBJECTIVE_DSM, 1);
    r.mo.net = either_net, r.mo.d = 1;
    CHECK_OK(sgm_model_init(&a, &r.mo, sgm_key_init(1)));
    CHECK_OK(sgm_model_save(&a, path));
    r.mo.energy = 0;
    CHECK_OK(sgm_model_init(&b, &r.mo, sgm_key_init(2)));
    CHECK_FAILS(sgm_model_load(&b, path), SGM_MISMATCH, "model.energy");
    sgm_model_free(&b);
    r.mo.energy = 1;
    CHECK_OK(sgm_model_init(&b, &r.mo, sgm_key_init(2)));
    CHECK_OK(sgm_model_load(&b, path));
    assert_memory_equal(a.params, b.params, a.n_params * sizeof(float));
    sgm_model_free(&a), sgm_model_free(&b);
}

/*
## Bad use
*/

static sgm_status no_jvp(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    (void)t;
    for (long i = 0; i < n * self->d; i++) s[i] = -x[i];
    return SGM_OK;
}

static void bad_options(void **state) {
    double mean, se;
    pair p;
    run r;
    sgm_trainer trainer;
    (void)state;
    pair_init(&p);
    run_defaults(&r, SGM_OBJECTIVE_ISM, 0);
    run_start(&r);
    sgm_loss good = loss_of(SGM_OBJECTIVE_DSM);
    struct { sgm_objective objective; const sgm_score *exact; int directions; sgm_status status;
             const char *cure; } c[] = {
        {SGM_OBJECTIVE_ESM, NULL, 1, SGM_BAD_ARGUMENT, "set exact"},
        {SGM_OBJECTIVE_ESM, &p.exact, 1, SGM_MISMATCH, "a score in 2 dimensions"},
        {SGM_OBJECTIVE_SSM, NULL, -1, SGM_BAD_ARGUMENT, "at least 1"},
        {(sgm_objective)5, NULL, 1, SGM_BAD_ARGUMENT, "objective"},
        {(sgm_objective)-1, NULL, 1, SGM_BAD_ARGUMENT, "objective"}};
    sgm_score of_r = sgm_model_score(&r.model, SGM_RAW);
    for (int i = 0; i < COUNT(c); i++) {
        sgm_train_options to = r.to;
        to.loss.objective = good.objective = c[i].objective;
        to.loss.exact = good.exact = c[i].exact;
        to.loss.directions = good.directions = c[i].directions;
        CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, r.data, POINTS, &to, sgm_key_init(1)),
                    c[i].status, c[i].cure);
        CHECK_FAILS(sgm_objective_value(&mean, &se, &of_r, r.data, POINTS, &good, 10,
                                        sgm_key_init(1)),
                    c[i].status, c[i].cure);
    }
    good = loss_of(SGM_OBJECTIVE_ISM);
    sgm_score plain = of_r;
    plain.eval = no_jvp, plain.jvp = NULL;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++) {
        good.objective = (sgm_objective)objective, good.exact = &r.exact;
        sgm_status status = sgm_objective_value(&mean, &se, &plain, r.data, POINTS, &good, 10,
                                                sgm_key_init(1));
        if (objective <= SGM_OBJECTIVE_ESM) CHECK_OK(status); /* no derivative is needed */
        else CHECK_FAILS(status, SGM_BAD_ARGUMENT, "no jvp");
    }
    good = loss_of(SGM_OBJECTIVE_DSM);
    CHECK_FAILS(sgm_objective_value(&mean, &se, NULL, r.data, POINTS, &good, 10,
                                    sgm_key_init(1)), SGM_BAD_ARGUMENT, "make it with");
    CHECK_FAILS(sgm_objective_value(&mean, &se, &of_r, r.data, 0, &good, 10,
                                    sgm_key_init(1)), SGM_BAD_ARGUMENT, "points");
    CHECK_FAILS(sgm_objective_value(&mean, &se, &of_r, r.data, POINTS, &good, 0,
                                    sgm_key_init(1)), SGM_BAD_ARGUMENT, "draws");
    run_end(&r), pair_end(&p);
    sgm_mlp_options relu; /* it has no second derivative to learn from */
    memset(&relu, 0, sizeof relu);
    relu.width = 4, relu.depth = 1, relu.activation = SGM_ACTIVATION_RELU;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++) {
        run_defaults(&r, (sgm_objective)objective, 0);
        r.mo.net = sgm_mlp, r.mo.user = &relu;
        if (objective <= SGM_OBJECTIVE_ESM) run_start(&r);
        else {
            CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(3)));
            CHECK_FAILS(sgm_trainer_init(&r.trainer, &r.model, r.data, POINTS, &r.to,
                                         sgm_key_init(7)),
                        SGM_MISMATCH, "set its activation to SGM_ACTIVATION_SILU");
        }
        run_end(&r);
    }
}

static sgm_tensor *few_rows(sgm_tape *tape, const sgm_net_in *in) {
    (void)in;
    return sgm_linear(tape, sgm_tape_input(tape, NULL, 1, 1), 1);
}

static void bad_energies(void **state) {
    sgm_model model;
    (void)state;
    for (int output = SGM_OUTPUT_NOISE; output <= SGM_OUTPUT_EDM_F; output++) {
        run r;
        run_defaults(&r, SGM_OBJECTIVE_DSM, 1);
        r.mo.output = (sgm_output)output;
        if (output == SGM_OUTPUT_SCORE) continue;
        CHECK_FAILS(sgm_model_init(&model, &r.mo, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                    "leave output 0, or set SGM_OUTPUT_SCORE");
    }
    run r;
    run_defaults(&r, SGM_OBJECTIVE_DSM, 1);
    r.k.energy = 0; /* the network returns D columns */
    CHECK_FAILS(sgm_model_init(&model, &r.mo, sgm_key_init(1)), SGM_MISMATCH,
                "sgm_linear(tape, h, 1)");
    r.mo.net = few_rows;
    CHECK_FAILS(sgm_model_init(&model, &r.mo, sgm_key_init(1)), SGM_MISMATCH, "is needed");
    r.mo.net = curved_net, r.k.energy = 1, r.mo.energy = 0; /* and the other way about */
    CHECK_FAILS(sgm_model_init(&model, &r.mo, sgm_key_init(1)), SGM_MISMATCH, "in->x->cols");
    run_defaults(&r, SGM_OBJECTIVE_DSM, 0); /* a score has no log density, and MALA says so */
    run_start(&r);
    sgm_score score = sgm_model_score(&r.model, SGM_RAW);
    assert_null(score.logp);
    run_end(&r);
}

/* A parameter gone wrong is found in the first step, by every objective, and nothing moves. */

static void explosions(void **state) {
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int energy = 0; energy < 2; energy++)
            for (int bad = 0; bad < 2; bad++) {
                float before[MOST];
                run r;
                run_defaults(&r, (sgm_objective)objective, energy);
                run_start(&r);
                size_t bytes = r.model.n_params * sizeof(float);
                if (bad) r.model.params[3] = NAN;
                for (size_t i = 0; i < r.model.n_params && !bad; i++) r.model.params[i] *= 1e30f;
                memcpy(before, r.model.params, bytes);
                CHECK_FAILS(sgm_trainer_step(&r.trainer), SGM_NOT_FINITE, "step 0");
                assert_memory_equal(before, r.model.params, bytes);
                assert_int_equal(r.trainer.step, 0);
                run_end(&r);
            }
}

/*
## Memory and threads
*/

static void no_allocation_later(void **state) {
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int energy = 0; energy < 2; energy++) {
            run r;
            run_defaults(&r, (sgm_objective)objective, energy);
            r.to.accumulate = 2, r.to.batch = 200, r.k.dropout = 0.1f, r.mo.n_ema = 1;
            run_start(&r);
            for (int i = 0; i < 2; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
            int before = alloc_calls, tape_before = r.trainer.hands[0].tape->n_allocs;
            for (int i = 0; i < 5; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
            assert_int_equal(alloc_calls, before);
            assert_int_equal(r.trainer.hands[0].tape->n_allocs, tape_before);
            run_end(&r);
        }
}

static void every_allocation_fails_once(void **state) {
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int energy = 0; energy < 2; energy++) {
            sgm_status status = SGM_NO_MEMORY;
            int n = 0;
            run r;
            run_defaults(&r, (sgm_objective)objective, energy);
            r.to.steps = 2, r.to.batch = 500; /* several blocks, some wanted on the way back */
            run_start(&r);
            sgm_trainer_free(&r.trainer);
            int idle = live_blocks;
            for (; status != SGM_OK; n++) {
                float before[MOST];
                memcpy(before, r.model.params, r.model.n_params * sizeof(float));
                alloc_calls = 0, fail_at = n + 1;
                status = sgm_train(&r.model, r.data, POINTS, &r.to, sgm_key_init(1));
                fail_at = 0;
                assert_int_equal(live_blocks, idle);
                if (status == SGM_OK) break;
                CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
                assert_memory_equal(before, r.model.params, r.model.n_params * sizeof(float));
                assert_true(n < 100);
            }
            assert_true(n > 10); /* eight blocks of the trainer, the tape's list and its arena */
            sgm_model_free(&r.model), sgm_mixture_free(&r.mix);
        }
    pair p;
    sgm_loss loss = loss_of(SGM_OBJECTIVE_SSM);
    double mean, se;
    pair_init(&p);
    for (int n = 1; n <= 2; n++) { /* it takes one block */
        int idle = live_blocks;
        alloc_calls = 0, fail_at = n;
        sgm_status status = sgm_objective_value(&mean, &se, &p.model, p.points, 6, &loss,
                                                100, sgm_key_init(1));
        fail_at = 0;
        if (n < 2) CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
        else CHECK_OK(status);
        assert_int_equal(live_blocks, idle);
    }
    pair_end(&p);
}

/* Wide enough that the products of a step are divided among threads (≥ 2·10⁶ multiplications), and
enough points that the evaluations of mixture and model are. */

static sgm_tensor *wide_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_silu(tape, sgm_linear(tape, in->x, 256));
    h = sgm_silu(tape, sgm_linear(tape, h, 256));
    return sgm_linear(tape, h, ((const kind *)in->user)->energy ? 1 : in->x->cols);
}

static void threads_do_not_change_bits(void **state) {
    (void)state;
    for (int objective = SGM_OBJECTIVE_DSM; objective <= SGM_OBJECTIVE_SSM_VR; objective++)
        for (int energy = 0; energy < 2; energy++) {
            float *first = NULL;
            double value[2] = {0, 0}, mean, se;
            for (int threads = 1; threads <= 3; threads++) {
                run r;
                set_threads(threads);
                run_defaults(&r, (sgm_objective)objective, energy);
                r.mo.net = wide_net, r.to.batch = 48;
                sgm_normal(r.data, COUNT(r.data), sgm_key_init(502), 0);
                CHECK_OK(sgm_mixture_from_data(&r.mix, r.data, POINTS, D, &r.mo.sde));
                r.exact = sgm_mixture_score(&r.mix);
                CHECK_OK(sgm_model_init(&r.model, &r.mo, sgm_key_init(3)));
                CHECK_OK(sgm_trainer_init(&r.trainer, &r.model, r.data, POINTS, &r.to,
                                          sgm_key_init(7)));
                for (int i = 0; i < 2; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
                sgm_score score = sgm_model_score(&r.model, SGM_RAW);
                CHECK_OK(sgm_objective_value(&mean, &se, &score, r.data, POINTS, &r.to.loss, 1024,
                                             sgm_key_init(8)));
                size_t bytes = r.model.n_params * sizeof(float);
                if (threads == 1) {
                    first = (float *)malloc(bytes), value[0] = mean, value[1] = se;
                    memcpy(first, r.model.params, bytes);
                }
                assert_memory_equal(first, r.model.params, bytes);
                assert_true(mean == value[0] && se == value[1]);
                run_end(&r);
            }
            free(first);
        }
}

/*
## Coverage: a standard error covers the truth as often as it says

Over 1000 keys, the truth is within 1 and 2 standard errors of the value in 68.3 % and 95.4 % of
cases, to within 4σ of the binomial (one correct library in 16 000 keys of the 14 × 2 rows would
fail one). Scores are −k x, so that all truths are closed forms in the data's mean square, or one
integral over t. The values are squares of normals at worst (skewness √8, kurtosis 12), and for the
mean of n of them a two-sided interval of z = 1, 2 covers 6, 41 φ(z)/n less than nominal
(Hall 1992, his equation 2.47): .4 and .6 % for n = 400, inside the 4σ of 5.9 and 2.7 %.
*/

enum { KEYS = 1000, DRAWS = 400, PLANE = 2, SET = 64 };

static sgm_status line_eval(const sgm_score *self, float *s, const float *x, const float *t,
                            long n) {
    double k = *(const double *)self->ctx;
    (void)t;
    for (long i = 0; i < n * self->d; i++) s[i] = (float)(-k * x[i]);
    return SGM_OK;
}

static sgm_status line_jvp(const sgm_score *self, float *s, float *js, const float *x,
                           const float *v, const float *t, long n) {
    (void)line_eval(self, js, v, t, n);
    return line_eval(self, s, x, t, n);
}

static sgm_score line_score(const double *k) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    score.d = PLANE, score.ctx = k, score.eval = line_eval, score.jvp = line_jvp;
    score.sde = sgm_sde_vp(0.1, 20);
    return score;
}

typedef struct coverage {
    long within[2], keys;
} coverage;

static void cover(coverage *c, double got, double se, double truth) {
    c->keys++;
    for (int z = 1; z <= 2; z++) c->within[z - 1] += fabs(got - truth) <= z * se;
}

static void check_coverage(const coverage *c, const char *name) {
    double share[2] = {0.6826894921, 0.9544997361};
    for (int z = 0; z < 2; z++) {
        double got = (double)c->within[z] / (double)c->keys;
        double off = 4 * sqrt(share[z] * (1 - share[z]) / (double)c->keys);
        if (fabs(got - share[z]) > off) print_error("%s: within %d s.e.\n", name, z + 1);
        CHECK_CLOSE(got, share[z], off);
    }
}

/* E over t of w(t) = 1 times D (a(t) + b(t) M), M the data's mean square: 0 the loss, 1 the floor,
2 the excess, in terms of ‖ε + s·score‖²; 3 ISM's. Simpson's rule on 2000 slices. */
static double over_times(const sgm_sde *sde, double square, double k, double best, int what) {
    enum { SLICES = 2000 };
    double sum = 0;
    for (int i = 0; i <= SLICES; i++) {
        double t = sde->t_min + (sde->T - sde->t_min) * i / SLICES;
        double m = sgm_sde_m(sde, t), sd = sgm_sde_s(sde, t), x2 = m * m * square + sd * sd, f;
        double use = what == 1 ? best : k, off = 1 - sd * sd * use;
        if (what <= 1) f = off * off + sd * sd * use * use * m * m * square;
        else if (what == 2) f = sd * sd * (k - best) * (k - best) * x2;
        else f = sd * sd * (k * k * x2 - 2 * k);
        sum += f * (i == 0 || i == SLICES ? 1 : i % 2 ? 4 : 2) / (3.0 * SLICES);
    }
    return PLANE * sum;
}

static void coverage_of_losses(void **state) {
    const char *names[3] = {"sgm_dsm: loss", "sgm_dsm: floor", "sgm_dsm: excess"};
    static float data[SET * PLANE];
    double k = 0.8, best = 1, square = 0, truth[4];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_score score = line_score(&k), exact = line_score(&best);
    coverage of[8];
    (void)state;
    memset(of, 0, sizeof of);
    sgm_normal(data, SET * PLANE, sgm_key_init(1), 0);
    for (int i = 0; i < SET * PLANE; i++) square += data[i] * (double)data[i] / (SET * PLANE);
    for (int what = 0; what < 4; what++) truth[what] = over_times(&sde, square, k, best, what);
    for (int key = 0; key < KEYS; key++) {
        sgm_loss loss;
        sgm_dsm_result r;
        memset(&loss, 0, sizeof loss);
        loss.exact = &exact, loss.probe = SGM_PROBE_GAUSSIAN;
        CHECK_OK(sgm_dsm(&r, &score, &exact, data, SET, &loss, DRAWS,
                         sgm_key_init(100 + (uint64_t)key)));
        cover(&of[0], r.loss, r.loss_se, truth[0]), cover(&of[1], r.floor, r.floor_se, truth[1]);
        cover(&of[2], r.excess, r.excess_se, truth[2]);
        for (int o = SGM_OBJECTIVE_DSM; o <= SGM_OBJECTIVE_SSM_VR; o++) {
            double mean, se;
            loss.objective = (sgm_objective)o;
            CHECK_OK(sgm_objective_value(&mean, &se, &score, data, SET, &loss, DRAWS,
                                         sgm_key_init(9000 + (uint64_t)key)));
            cover(&of[3 + o], mean, se, truth[o == SGM_OBJECTIVE_DSM ? 0 : o == SGM_OBJECTIVE_ESM ? 2 : 3]);
        }
    }
    for (int i = 0; i < 8; i++) check_coverage(&of[i], i < 3 ? names[i] : objective_name[i - 3]);
}

static void coverage_of_fisher(void **state) {
    static float x[DRAWS * PLANE];
    double k = 0.8, best = 1, truth = PLANE * (k - best) * (k - best);
    sgm_score score = line_score(&k), exact = line_score(&best);
    coverage of;
    (void)state;
    memset(&of, 0, sizeof of);
    for (int key = 0; key < KEYS; key++) {
        double value, se;
        sgm_normal(x, DRAWS * PLANE, sgm_key_init(5000 + (uint64_t)key), 0);
        CHECK_OK(sgm_fisher(&value, &se, &score, &exact, x, 0.1, DRAWS));
        cover(&of, value, se, truth);
    }
    check_coverage(&of, "sgm_fisher");
}

/* From one draw nobody knows a standard error: NaN, which no one takes for "none"; from two it is
|a − b|/2, as for a mean of any two numbers. */
static void errors_of_few(void **state) {
    float data[PLANE] = {0.3f, -0.2f};
    double k = 0.8, mean, se, one[2];
    sgm_score score = line_score(&k);
    sgm_loss loss;
    sgm_dsm_result r;
    (void)state;
    memset(&loss, 0, sizeof loss);
    CHECK_OK(sgm_dsm(&r, &score, &score, data, 1, &loss, 1, sgm_key_init(1)));
    assert_true(isnan(r.loss_se) && isnan(r.floor_se) && isnan(r.excess_se) && r.loss > 0);
    CHECK_OK(sgm_objective_value(&mean, &se, &score, data, 1, &loss, 1, sgm_key_init(1)));
    assert_true(isnan(se)), CHECK_REL(mean, r.loss, 1e-6);
    one[0] = mean;
    CHECK_OK(sgm_objective_value(&mean, &se, &score, data, 1, &loss, 2, sgm_key_init(1)));
    one[1] = 2 * mean - one[0]; /* the second draw */
    CHECK_REL(se, fabs(one[0] - one[1]) / 2, 1e-6);
}

/* Few draws in many dimensions take little room: 3 of 10⁶ numbers, 5 arrays of each. */
static void room_for_few_draws(void **state) {
    enum { WIDE = 1000000 };
    float *data = (float *)calloc(WIDE, sizeof *data);
    double k = 1;
    sgm_score score = line_score(&k);
    sgm_loss loss;
    sgm_dsm_result r;
    (void)state;
    memset(&loss, 0, sizeof loss), score.d = WIDE, most_bytes = 0, largest_block = 100000000;
    CHECK_OK(sgm_dsm(&r, &score, NULL, data, 1, &loss, 3, sgm_key_init(1)));
    assert_true(most_bytes <= 4 * (5 * 3 * (size_t)WIDE + 6) + 1024);
    free(data);
}

#define TEST(name, f) {name, f, fresh_start, nothing_left, NULL}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST("(2.15) to (2.18) the five objectives of a linear score", closed_forms),
        TEST("(2.17) variance over directions: 1/K, VR, Rademacher", sliced_variances),
        TEST("(2.17) the law of the directions", directions),
        TEST("(2.16), (2.18) the constants, by quadrature", constants),
        TEST("(2.7), (2.9) the same draws, the same numbers as sgm_dsm", agrees_with_dsm),
        TEST("(2.15) to (2.17), (4.14), (4.15) the loss of a batch", loss_of_a_batch),
        TEST("(4.12) to (4.15) gradients against differences", gradients),
        TEST("accumulation is the mean over batches", accumulation),
        TEST("the price: D, K or no tangents", prices),
        TEST("(2.18) one minimiser for all objectives: a linear score", linear_fits),
        TEST("(2.18) one minimiser for all objectives: an energy", energy_fits),
        TEST("an energy's score and Jacobian against differences", energy_derivatives),
        TEST("flat energies", flat_energies),
        TEST("(6.5) MALA on a fitted energy", mala_on_an_energy),
        TEST("checkpoints know the objective", checkpoints),
        TEST("files know an energy", energy_files),
        TEST("bad options", bad_options),
        TEST("bad energies", bad_energies),
        TEST("an explosion changes nothing", explosions),
        TEST("no allocation after the first steps", no_allocation_later),
        TEST("every allocation fails once", every_allocation_fails_once),
        TEST("threads do not change bits", threads_do_not_change_bits),
        TEST("(2.7), (2.9), (2.15) to (2.17) coverage of the standard errors", coverage_of_losses),
        TEST("(9.6) coverage of the standard error", coverage_of_fisher),
        TEST("2.5 the standard error of one draw, and of two", errors_of_few),
        TEST("2.5 room for few draws", room_for_few_draws),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
