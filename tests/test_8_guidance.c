/*
Chapter 8: guidance. Truth comes first: mixtures have exact conditional scores, exact posteriors and
exact classifiers, and on Gaussian data a whole run is a linear recursion of mean and variance.
Nothing here judges how good an approximation looks; only what can be proved is tested.

    cc -O2 -fopenmp tests/test_8_guidance.c -lcmocka -lm -o test_8_guidance && ./test_8_guidance
*/
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <unistd.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "batch.h"

#include "families.h"

static double norm(const float *a, int d) { return sqrt(dot(a, a, d)); }

/*
## A mixture whose every conditional is known

Four components in the plane, of which 0 and 2 are class 0, and 1 and 3 class 1.
*/

enum { K = 4, D = 2 };

static const double weight[K] = {0.1, 0.4, 0.3, 0.2};
static const double mean[K][D] = {{-1, 0.5}, {1.5, 1}, {0.3, -1.2}, {-0.7, -0.4}};
static const double cov[K][D][D] = {{{0.3, 0.1}, {0.1, 0.2}},
                                    {{0.5, -0.2}, {-0.2, 0.4}},
                                    {{0.2, 0}, {0, 0.6}},
                                    {{0.15, 0.05}, {0.05, 0.1}}};

static void mixture(sgm_mixture *mix, sgm_sde sde) {
    CHECK_OK(sgm_mixture_init(mix, K, D, weight, mean[0], cov[0][0], SGM_COV_FULL, &sde));
}

static void class_mixture(sgm_mixture *mix, int label, sgm_sde sde) {
    double w[2], m[2][D], c[2][D][D];
    for (int i = 0; i < 2; i++) {
        w[i] = weight[label + 2 * i];
        memcpy(m[i], mean[label + 2 * i], sizeof m[i]);
        memcpy(c[i], cov[label + 2 * i], sizeof c[i]);
    }
    CHECK_OK(sgm_mixture_init(mix, 2, D, w, m[0], c[0][0], SGM_COV_FULL, &sde));
}

/* log of w N(x; mμ, m²C + s²I) and the slope −(m²C + s²I)⁻¹(x − mμ), by the 2×2 inverse. */
static double component(int k, double m, double s, const double x[D], double slope[D]) {
    double a = m * m * cov[k][0][0] + s * s, b = m * m * cov[k][0][1];
    double c = m * m * cov[k][1][1] + s * s, det = a * c - b * b;
    double u = x[0] - m * mean[k][0], v = x[1] - m * mean[k][1];
    slope[0] = -(c * u - b * v) / det, slope[1] = -(a * v - b * u) / det;
    return log(weight[k]) + 0.5 * (u * slope[0] + v * slope[1]) - 0.5 * log(det) - log(2 * SGM__PI);
}

/* The exact classifier: log p(y|x,t) and its gradient Σ_k (r_k given y − r_k) a_k. */
static double classify(int label, double m, double s, const double x[D], double gradient[D]) {
    double slope[K][D], p[K], all = 0, own = 0;
    for (int k = 0; k < K; k++) {
        p[k] = exp(component(k, m, s, x, slope[k]));
        all += p[k], own += k % 2 == label ? p[k] : 0;
    }
    for (int j = 0; j < D; j++) {
        gradient[j] = 0;
        for (int k = 0; k < K; k++)
            gradient[j] += ((k % 2 == label ? p[k] / own : 0) - p[k] / all) * slope[k][j];
    }
    return log(own / all);
}

typedef struct exact_classifier {
    sgm_sde sde;
    int label;
} exact_classifier;

static sgm_status exact_eval(const sgm_score *self, float *s, const float *x, const float *t,
                             long n) {
    const exact_classifier *c = (const exact_classifier *)self->ctx;
    for (long i = 0; i < n; i++) {
        double at[D] = {x[D * i], x[D * i + 1]}, g[D];
        classify(c->label, sgm_sde_m(&c->sde, t[i]), sgm_sde_s(&c->sde, t[i]), at, g);
        for (int j = 0; j < D; j++) s[D * i + j] = (float)g[j];
    }
    return SGM_OK;
}

/* (8.1) exact conditional = exact unconditional + exact classifier's gradient, to rounding: each of
the three is rounded to float once, from double. */

static void bayes(void **state) {
    check_family f[CHECK_FAMILIES];
    (void)state;
    check_families(f);
    for (int i = 0; i < CHECK_FAMILIES; i++)
        for (int label = 0; label < 2; label++) {
            sgm_mixture all, own;
            exact_classifier c = {f[i].sde, label};
            sgm_score classifier;
            memset(&classifier, 0, sizeof classifier);
            classifier.d = D, classifier.ctx = &c, classifier.eval = exact_eval;
            mixture(&all, f[i].sde), class_mixture(&own, label, f[i].sde);
            sgm_score u = sgm_mixture_score(&all), y = sgm_mixture_score(&own), s;
            sgm_guided g;
            CHECK_OK(sgm_guided_init(&g, &u, &classifier, 1, 1));
            s = sgm_guided_score(&g);
            for (int q = 0; q < 40; q++) {
                float x[D], t, su[D], sy[D], sg[D];
                sgm_normal(x, D, sgm_key_init(3), (uint64_t)(D * q));
                t = (float)(f[i].end * (0.02 + 0.9 * q / 40));
                double spread = sgm_sde_m(&f[i].sde, t) + sgm_sde_s(&f[i].sde, t);
                for (int j = 0; j < D; j++) x[j] = (float)(x[j] * spread);
                CHECK_OK(sgm_score_eval(&u, su, x, &t, 1));
                CHECK_OK(sgm_score_eval(&y, sy, x, &t, 1));
                CHECK_OK(sgm_score_eval(&s, sg, x, &t, 1));
                for (int j = 0; j < D; j++) /* u and the sum are rounded, y, and the gradient */
                    CHECK_CLOSE(sg[j], sy[j], 3 * EPS * (fabs(su[j]) + fabs(sy[j])) + 1e-12);
            }
            sgm_mixture_free(&all), sgm_mixture_free(&own);
        }
}

/* (8.5), (8.6) as they stand, in double, rounded once; γ = 0 and 1 give the parts bit for bit; the
interval; and derivatives by the same rule. */

static void guided_formulas(void **state) {
    double gammas[] = {0, 1, 2, 0.3, 7.5, -1};
    sgm_mixture all, own;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    (void)state;
    mixture(&all, sde), class_mixture(&own, 1, sde);
    sgm_score u = sgm_mixture_score(&all), y = sgm_mixture_score(&own);
    enum { N = 50 };
    float x[N * D], t[N], v[N * D], su[N * D], sy[N * D], ju[N * D], jy[N * D], s[N * D], js[N * D];
    sgm_normal(x, N * D, sgm_key_init(1), 0), sgm_normal(v, N * D, sgm_key_init(2), 0);
    for (int i = 0; i < N; i++) t[i] = 0.02f * (float)i + 0.01f;
    CHECK_OK(sgm_score_jvp(&u, su, ju, x, v, t, N));
    CHECK_OK(sgm_score_jvp(&y, sy, jy, x, v, t, N));
    for (int classifier = 0; classifier < 2; classifier++)
        for (int q = 0; q < COUNT(gammas); q++)
            for (int limited = 0; limited < 2; limited++) {
                sgm_guided g;
                CHECK_OK(sgm_guided_init(&g, &u, &y, classifier, gammas[q]));
                if (limited) g.t_low = t[10], g.t_high = t[30]; /* both ends belong to it */
                sgm_score guided = sgm_guided_score(&g);
                for (int kind = 0; kind < 3; kind++) {
                    if (kind == 0) CHECK_OK(sgm_score_eval(&guided, s, x, t, N));
                    if (kind == 1) CHECK_OK(sgm_score_jvp(&guided, s, js, x, v, t, N));
                    if (kind == 2) CHECK_OK(sgm_score_vjp(&guided, s, js, x, v, t, N));
                    for (int j = 0; j < N * D; j++) {
                        int inside = !limited || (j / D >= 10 && j / D <= 30);
                        double gamma = inside ? gammas[q] : 1, keep = classifier ? 1 : 1 - gamma;
                        assert_true(s[j] == (float)(keep * su[j] + gamma * sy[j]));
                        if (kind) assert_true(js[j] == (float)(keep * ju[j] + gamma * jy[j]));
                        if (gamma == 0) assert_true(s[j] == su[j]);
                        if (gamma == 1 && !classifier) assert_true(s[j] == sy[j]);
                    }
                }
            }
    sgm_mixture_free(&all), sgm_mixture_free(&own);
}

/*
(8.8) What guidance produces: P by the sampler's own steps, from the slope of the guided score at 0
and 1 (it is linear). The methods are of first order, so halving the step halves the error, and the
error at 2K steps is about |P_K − P_2K|: twice that is the tolerance. The start at σ = 1000 instead
of ∞ leaves c⁴/σ² < 10⁻⁷ for the SDE and c²/σ² for the flow.
*/

static double guided_variance(const sgm_score *score, const sgm_sde *sde, int steps, int flow) {
    double *t = (double *)malloc((size_t)(steps + 1) * sizeof *t), P, c[3];
    CHECK_OK(sgm_time_grid(t, steps, SGM_GRID_LOGSNR, sde, sde->T, sde->t_min));
    P = sgm_sde_prior(sde) * sgm_sde_prior(sde);
    for (int i = 0; i < steps; i++) {
        float x[2] = {0, 1}, at[2], s[2];
        at[0] = at[1] = (float)t[i];
        CHECK_OK(sgm_score_eval(score, s, x, at, 2));
        double slope = (double)s[1] - s[0];
        sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, sde, t[i], t[i + 1]);
        if (flow) c[0] = 1, c[1] *= 0.5, c[2] = 0;
        P = (c[0] + c[1] * slope) * (c[0] + c[1] * slope) * P + c[2] * c[2];
    }
    free(t);
    return P;
}

static void guided_law(void **state) {
    double one = 1, zero = 0, c = 0.5, shift = 0.4, truth[2] = {7.0 / 24, 0.25}, naive = 1.0 / 3;
    sgm_sde sde = sgm_sde_edm(0.001, 1000);
    sgm_mixture all, own;
    sgm_guided g;
    (void)state;
    CHECK_OK(sgm_mixture_init(&all, 1, 1, NULL, &zero, &one, SGM_COV_ISOTROPIC, &sde));
    CHECK_OK(sgm_mixture_init(&own, 1, 1, NULL, &shift, &c, SGM_COV_ISOTROPIC, &sde));
    sgm_score u = sgm_mixture_score(&all), y = sgm_mixture_score(&own);
    CHECK_OK(sgm_guided_init(&g, &u, &y, 0, 2));
    sgm_score guided = sgm_guided_score(&g);
    for (int flow = 0; flow < 2; flow++) {
        double coarse = guided_variance(&guided, &sde, 20000, flow);
        double fine = guided_variance(&guided, &sde, 40000, flow), tol = 2 * fabs(coarse - fine);
        assert_true(tol < 0.01 && fabs(truth[flow] - naive) > 4 * tol);
        CHECK_CLOSE(fine, truth[flow], tol + 1e-5);
        CHECK_CLOSE(flow ? c * c : c * c + c * (1 - c) * (1 - c) / 3, truth[flow], 1e-15);
    }
    CHECK_CLOSE(c / (2 - c), naive, 1e-15);
    CHECK_OK(sgm_guided_init(&g, &u, &y, 0, 1)); /* Bayes' rule: c, for both */
    guided = sgm_guided_score(&g);
    for (int flow = 0; flow < 2; flow++)
        CHECK_CLOSE(guided_variance(&guided, &sde, 40000, flow), c,
                    2 * fabs(guided_variance(&guided, &sde, 20000, flow) -
                             guided_variance(&guided, &sde, 40000, flow)) + 1e-5);
    CHECK_OK(sgm_guided_init(&g, &u, &y, 0, 2)); /* and a run of the sampler itself */
    guided = sgm_guided_score(&g);
    enum { N = 20000 };
    static float x[N];
    sgm_sample_options o;
    memset(&o, 0, sizeof o);
    o.method = SGM_METHOD_ANCESTRAL, o.grid = SGM_GRID_LOGSNR, o.steps = 201, o.plain_end = 1;
    o.t_end = sde.t_min;
    CHECK_OK(sgm_sample(x, N, &guided, &o, sgm_key_init(5)));
    double P = guided_variance(&guided, &sde, 201, 0); /* std of a variance: √(2/N) */
    CHECK_CLOSE(check_moments_of(x, N, 1).var, P, CHECK_SIGMAS * P * sqrt(2.0 / N));
    sgm_mixture_free(&all), sgm_mixture_free(&own);
}

/*
## Networks that are told
*/

typedef struct run {
    sgm_model_options mo;
    sgm_mlp_options net;
    sgm_train_options to;
    sgm_model model;
    sgm_trainer trainer;
    float data[64 * D], cond[64 * 3];
    int labels[64];
} run;

enum { POINTS = 61, C = 3 };

static void run_defaults(run *r) {
    memset(r, 0, sizeof *r);
    r->net.width = 16, r->net.depth = 2, r->net.activation = SGM_ACTIVATION_TANH;
    r->net.embedding = SGM_EMBEDDING_CIRCLE, r->mo.output = SGM_OUTPUT_NOISE, r->mo.sigma_data = 0.5;
    r->mo.net = sgm_mlp, r->mo.user = &r->net, r->mo.d = D, r->mo.sde = sgm_sde_vp(0.1, 20);
    r->mo.sde.t_min = 0.05, r->mo.n_ema = 1;
    r->to.steps = 1000, r->to.batch = 16;
    sgm_normal(r->data, 64 * D, sgm_key_init(8), 0);
    for (int i = 0; i < 64; i++) { /* the conditions tell which point they belong to */
        r->labels[i] = i % 3;
        r->cond[C * i] = (float)(i + 1), r->cond[C * i + 1] = r->data[D * i];
        r->cond[C * i + 2] = -1;
    }
}

static void run_model(run *r) { /* a classifier's output has no kind */
    if (r->mo.classes) r->mo.output = SGM_OUTPUT_AUTO;
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(1)));
}

static void run_trainer(run *r) {
    run_model(r);
    r->to.cond = r->mo.cond ? r->cond : NULL, r->to.labels = r->mo.classes ? r->labels : NULL;
    CHECK_OK(sgm_trainer_init(&r->trainer, &r->model, r->data, POINTS, &r->to, sgm_key_init(2)));
}

static void run_end(run *r) {
    sgm_trainer_free(&r->trainer), sgm_model_free(&r->model);
}

static void one_hot(void **state) {
    int label[4] = {2, 0, 1, 2};
    float out[12], truth[12] = {0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1};
    (void)state;
    CHECK_OK(sgm_one_hot(out, label, 4, 3));
    assert_memory_equal(out, truth, sizeof out);
    label[2] = 3;
    CHECK_FAILS(sgm_one_hot(out, label, 4, 3), SGM_BAD_ARGUMENT, "label 2 is 3: labels are 0 to 2");
    label[2] = -1;
    CHECK_FAILS(sgm_one_hot(out, label, 4, 3), SGM_BAD_ARGUMENT, "label 2 is -1");
    CHECK_FAILS(sgm_one_hot(out, NULL, 4, 3), SGM_BAD_ARGUMENT, "at least 1");
}

/* A network that returns its condition through one linear layer: what it was told can be read off,
for one condition and for many, over several batches of 240 and two threads. */

static sgm_tensor *told_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *told = in->cond ? sgm_concat(tape, in->cond, in->known) : in->known;
    if (in->image) told = sgm_concat(tape, in->image, told); /* its first numbers are the image */
    return sgm_linear(tape, told, in->out);
}

static void conditions_arrive(void **state) {
    enum { N = 700 };
    static float x[N * D], t[N], s[N * D], cond[N * C];
    run r;
    (void)state;
    run_defaults(&r);
    r.mo.net = told_net, r.mo.cond = C, r.mo.output = SGM_OUTPUT_SCORE;
    set_threads(2);
    run_model(&r);
    sgm_normal(x, N * D, sgm_key_init(1), 0), sgm_normal(cond, N * C, sgm_key_init(2), 0);
    for (int i = 0; i < N; i++) t[i] = 0.5f;
    const float *W = r.model.params, *b = W + (C + 1) * D;
    for (int round = 0; round < 3 * (C + 1); round++) {
        const int kind = round % 3; /* hidden, one for all, one for each; none, some, all of it an image */
        sgm_condition c;
        r.model.o.cond_image = round / 3;
        sgm_score score = sgm_model_score(&r.model, SGM_RAW);
        if (kind) {
            CHECK_OK(sgm_condition_init(&c, &r.model, SGM_RAW, cond + C, kind == 1 ? 1 : N - 1));
            score = sgm_condition_score(&c);
        }
        CHECK_OK(sgm_score_eval(&score, s, x, t, N - 1));
        for (int i = 0; i < N - 1; i++)
            for (int j = 0; j < D; j++) {
                const float *y = cond + C + (kind == 2 ? C * i : 0);
                double truth = b[j], size = fabs(truth);
                for (int k = 0; k < C && kind; k++)
                    truth += (double)y[k] * W[k * D + j], size += fabs((double)y[k] * W[k * D + j]);
                if (kind) truth += W[C * D + j], size += fabs(W[C * D + j]);
                CHECK_CLOSE(s[D * i + j], truth, (C + 3) * EPS * size); /* C+1 products, a bias */
            }
        if (kind == 2)
            CHECK_FAILS(sgm_score_eval(&score, s, x, t, 10), SGM_MISMATCH,
                        "10 points for 699 conditions");
    }
    run_end(&r);
}

/* The ready networks see the condition and whether it is there, and nobody else's row. */

static void ready_networks(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        run r;
        float x[3 * D] = {1, 2, 3, 4, 5, 6}, t[3] = {0.3f, 0.3f, 0.3f}, s[4][3 * D];
        float cond[3 * C] = {0, 0, 0, 1, 2, 3, -1, 0, 1};
        sgm_condition c;
        run_defaults(&r);
        r.mo.net = which ? sgm_residual_mlp : sgm_mlp, r.mo.cond = C;
        run_model(&r);
        sgm_score hidden = sgm_model_score(&r.model, 0);
        CHECK_OK(sgm_score_eval(&hidden, s[0], x, t, 3));
        CHECK_OK(sgm_condition_init(&c, &r.model, 0, cond, 3));
        sgm_score told = sgm_condition_score(&c);
        CHECK_OK(sgm_score_eval(&told, s[1], x, t, 3));
        for (int i = 0; i < 3; i++) { /* a condition of zeros is not the same as none */
            assert_true(s[0][D * i] != s[1][D * i] && s[0][D * i + 1] != s[1][D * i + 1]);
            CHECK_OK(sgm_condition_init(&c, &r.model, 0, cond + C * i, 1));
            CHECK_OK(sgm_score_eval(&told, s[2], x, t, 3));
            assert_memory_equal(s[2] + D * i, s[1] + D * i, D * sizeof(float));
        }
        run_end(&r);
    }
}

/* uᵀ(Jv) = (Jᵀu)ᵀv for every output, energies, conditions, classifiers. Each side is a float
network of three layers, sums of 10 and 16 numbers, so some 60 roundings along a path and as many
back; 400 for both sides, in units of what the scalar products sum. */

static void transposes(void **state) {
    (void)state;
    for (int kind = -2; kind <= SGM_OUTPUT_EDM_F; kind++) /* a classifier, an energy, AUTO, all outputs */
        for (int told = 0; told < 2; told++) {
            enum { N = 5 };
            float x[N * D], t[N], u[N * D], v[N * D], s[N * D], s2[N * D], Jv[N * D], Ju[N * D];
            int label = 1;
            run r;
            sgm_condition c;
            sgm_classifier k;
            run_defaults(&r);
            r.mo.cond = kind == -2 ? 0 : C, r.mo.output = kind < 0 ? SGM_OUTPUT_SCORE : (sgm_output)kind;
            r.mo.energy = kind == -1, r.mo.classes = kind == -2 ? 3 : 0;
            run_model(&r);
            sgm_normal(x, N * D, sgm_key_init(1), 0), sgm_normal(u, N * D, sgm_key_init(2), 0);
            sgm_normal(v, N * D, sgm_key_init(3), 0);
            for (int i = 0; i < N; i++) t[i] = 0.1f + 0.2f * (float)i;
            sgm_score score;
            if (kind == -2) {
                CHECK_OK(sgm_classifier_init(&k, &r.model, 0, told ? &label : r.labels,
                                             told ? 1 : N));
                score = sgm_classifier_score(&k);
            } else {
                CHECK_OK(sgm_condition_init(&c, &r.model, 0, r.cond, N));
                score = told ? sgm_condition_score(&c) : sgm_model_score(&r.model, 0);
            }
            CHECK_OK(sgm_score_jvp(&score, s, Jv, x, v, t, N));
            CHECK_OK(sgm_score_vjp(&score, s2, Ju, x, u, t, N));
            assert_memory_equal(s, s2, sizeof s);
            CHECK_OK(sgm_score_eval(&score, s2, x, t, N));
            for (int i = 0; i < N * D; i += D) { /* an energy's backward pass takes two ways */
                for (int j = 0; j < D; j++)
                    CHECK_CLOSE(s[i + j], s2[i + j], 100 * EPS * norm(s + i, D));
                CHECK_CLOSE(dot(u + i, Jv + i, D), dot(v + i, Ju + i, D),
                            400 * EPS * (norm(u + i, D) * norm(Jv + i, D) +
                                         norm(v + i, D) * norm(Ju + i, D)));
                assert_true(norm(Jv + i, D) > 0 && norm(Ju + i, D) > 0);
            }
            run_end(&r);
        }
    sgm_mixture mix; /* a mixture's Jacobian is symmetric */
    mixture(&mix, sgm_sde_vp(0.1, 20));
    sgm_score score = sgm_mixture_score(&mix);
    float x[D] = {0.3f, -0.8f}, v[D] = {1, 2}, t = 0.2f, s[D], a[D], b[D], none[D];
    CHECK_OK(sgm_score_jvp(&score, s, a, x, v, &t, 1));
    CHECK_OK(sgm_score_vjp(&score, s, b, x, v, &t, 1));
    assert_memory_equal(a, b, sizeof a);
    score.vjp = NULL;
    CHECK_FAILS(sgm_score_vjp(&score, s, none, x, v, &t, 1), SGM_BAD_ARGUMENT, "no vjp");
    sgm_mixture_free(&mix);
}

/* Jv itself, against central differences of the score, and the score against those of log p: h =
1/16, truncation h⁴f⁽⁵⁾/480 = 3.2·10⁻⁸ f⁽⁵⁾, below 10⁻⁴ of the slopes as long as f⁽⁵⁾ is below 3000
of them (width 16, tanh: it is); rounding 3/h times the 60 of a path. */

typedef struct line {
    const sgm_score *score;
    const float *x, *v;
    float t;
    int j;
} line;

static double along(double h, void *user) {
    const line *l = (const line *)user;
    float x[D], s[D];
    double p;
    for (int j = 0; j < D; j++) x[j] = (float)(l->x[j] + h * l->v[j]);
    if (l->j >= 0) CHECK_OK(sgm_score_eval(l->score, s, x, &l->t, 1));
    else CHECK_OK(sgm_score_logp(l->score, &p, x, &l->t, 1));
    return l->j >= 0 ? s[l->j] : p;
}

static void check_derivatives(const sgm_score *score) {
    for (int i = 0; i < 6; i++) {
        float x[D], v[D] = {1, -0.5f}, t = 0.15f + 0.1f * (float)i, s[D], js[D];
        double h = 0.0625, size;
        line l = {score, x, v, t, -1};
        sgm_normal(x, D, sgm_key_init(6), (uint64_t)(D * i));
        CHECK_OK(sgm_score_jvp(score, s, js, x, v, &t, 1));
        size = norm(s, D) + norm(js, D);
        if (score->logp) CHECK_CLOSE(check_slope(along, &l, 0, h), dot(s, v, D),
                                     3 / h * 60 * EPS * (1 + fabs(along(0, &l))) + 1e-4 * size);
        for (l.j = 0; l.j < D; l.j++)
            CHECK_CLOSE(check_slope(along, &l, 0, h), js[l.j],
                        3 / h * 60 * EPS * size + 1e-4 * size);
    }
}

static void derivatives(void **state) {
    (void)state;
    for (int kind = 0; kind < 5; kind++) { /* a conditional energy, a classifier, three outputs */
        run r;
        sgm_condition c;
        sgm_classifier k;
        int label = 2;
        sgm_output outputs[5] = {SGM_OUTPUT_SCORE, SGM_OUTPUT_NOISE, SGM_OUTPUT_SCORE, SGM_OUTPUT_V, SGM_OUTPUT_EDM_F};
        run_defaults(&r);
        r.mo.cond = kind == 1 ? 0 : C, r.mo.energy = kind == 0, r.mo.classes = kind == 1 ? 3 : 0;
        r.mo.output = outputs[kind];
        run_model(&r);
        if (kind != 1) CHECK_OK(sgm_condition_init(&c, &r.model, SGM_RAW, r.cond, 1));
        else CHECK_OK(sgm_classifier_init(&k, &r.model, SGM_RAW, &label, 1));
        sgm_score score = kind != 1 ? sgm_condition_score(&c) : sgm_classifier_score(&k);
        assert_true((score.logp != NULL) == (kind < 2));
        check_derivatives(&score);
        run_end(&r);
    }
}

/*
## Conditions in training
*/

static void condition_dropout(void **state) {
    double share[3] = {0, 0.3, 1};
    (void)state;
    for (int q = 0; q < 3; q++) {
        long hidden = 0, total = 0, same = 0;
        run r;
        float before[16];
        run_defaults(&r);
        r.mo.cond = C, r.to.cond_dropout = share[q];
        run_trainer(&r);
        memset(before, 0, sizeof before);
        for (int step = 0; step < 200; step++) {
            CHECK_OK(sgm_trainer_step(&r.trainer));
            sgm__piece b = last_batch(&r.trainer);
            same += !memcmp(before, b.known, sizeof before);
            memcpy(before, b.known, sizeof before);
            for (int i = 0; i < 16; i++, total++) {
                const float *y = b.cond + C * i;
                assert_true(b.known[i] == 0 || b.known[i] == 1);
                if (b.known[i] == 0) {
                    hidden++;
                    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 0);
                } else { /* the condition of this very point */
                    int point = (int)y[0] - 1;
                    assert_true(point >= 0 && point < POINTS);
                    assert_memory_equal(y, r.cond + C * point, C * sizeof *y);
                    assert_memory_equal(b.x0 + D * i, r.data + D * point, D * sizeof *y);
                }
            }
        }
        CHECK_CLOSE((double)hidden / (double)total, share[q],
                    4 * sqrt(share[q] * (1 - share[q]) / (double)total));
        assert_true(q == 1 ? same < 5 : same >= 199); /* another draw in each step */
        run_end(&r);
    }
}

/* A run that stops and goes on, bit for bit; another dropout is refused by name. */

static void resume(void **state) {
    char path[300];
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(path, sizeof path, "%.200s/sgm_guidance_%ld.safetensors", base ? base : P_tmpdir,
             (long)getpid());
    for (int kind = 0; kind < 3; kind++) { /* a condition, an energy with one, a classifier */
        run a, b;
        for (int which = 0; which < 2; which++) {
            run *r = which ? &b : &a;
            run_defaults(r);
            r->mo.cond = kind < 2 ? C : 0, r->mo.energy = kind == 1;
            r->mo.output = kind < 2 ? SGM_OUTPUT_SCORE : SGM_OUTPUT_NOISE;
            r->mo.classes = kind == 2 ? 3 : 0, r->to.cond_dropout = kind < 2 ? 0.4 : 0;
            run_trainer(r);
        }
        for (int i = 0; i < 9; i++) CHECK_OK(sgm_trainer_step(&a.trainer));
        CHECK_OK(sgm_trainer_save(&a.trainer, path));
        for (int i = 0; i < 7; i++) CHECK_OK(sgm_trainer_step(&a.trainer));
        CHECK_OK(sgm_trainer_load(&b.trainer, path));
        for (int i = 0; i < 7; i++) CHECK_OK(sgm_trainer_step(&b.trainer));
        assert_memory_equal(a.model.params, b.model.params, a.model.n_params * sizeof(float));
        assert_memory_equal(a.model.ema[0], b.model.ema[0], a.model.n_params * sizeof(float));
        b.trainer.o.cond_dropout = 0.41;
        CHECK_FAILS(sgm_trainer_load(&b.trainer, path), SGM_MISMATCH, "train.cond_dropout");
        b.trainer.o.cond_dropout = kind < 2 ? 0.4 : 0, b.model.o.cond++;
        CHECK_FAILS(sgm_model_load(&b.model, path), SGM_MISMATCH, "model.cond");
        b.model.o.cond--, b.model.o.classes++;
        CHECK_FAILS(sgm_model_load(&b.model, path), SGM_MISMATCH, "model.classes");
        run_end(&a), run_end(&b);
    }
    remove(path);
}

/*
## Classifiers
*/

/* (8.3) The loss from its definition, through sgm_classifier_probs on the trainer's own batch, and
its gradient by differences: h = 0.02, truncation h⁴f⁽⁵⁾/480 = 3·10⁻¹⁰ f⁽⁵⁾ < 10⁻⁵ for f⁽⁵⁾ < 3·10⁴,
rounding 3/h of 30 roundings of the loss. */

typedef struct slope_of {
    run *r;
    size_t parameter;
} slope_of;

static double loss_at(double value, void *user) {
    slope_of *q = (slope_of *)user;
    float keep = q->r->model.params[q->parameter];
    q->r->model.params[q->parameter] = (float)value;
    CHECK_OK(sgm__trainer_gradient(&q->r->trainer));
    q->r->model.params[q->parameter] = keep;
    return q->r->trainer.loss;
}

static void cross_entropy(void **state) {
    (void)state;
    for (int weighted = 0; weighted < 2; weighted++) {
        run r;
        double probs[16 * 3], truth = 0, sum[SGM_BINS], bins = 0;
        run_defaults(&r);
        r.mo.classes = 3, r.to.clip = 1e9; /* whole gradients are kept where they may be clipped */
        r.to.loss.scale = weighted ? 1.7 : 0;
        if (weighted) r.to.loss.weight = SGM_WEIGHT_MIN_SNR, r.to.accumulate = 2;
        run_trainer(&r);
        CHECK_OK(sgm__trainer_gradient(&r.trainer));
        memcpy(sum, r.trainer.bin_sum, sizeof sum);
        for (int i = 0; i < SGM_BINS; i++) bins += sum[i];
        for (int k = 0; k < (weighted ? 2 : 1); k++) {
            sgm__piece b = batch_of(&r.trainer, k);
            CHECK_OK(sgm_classifier_probs(&r.model, SGM_RAW, probs, b.x, b.t, 16));
            for (int i = 0; i < 16; i++) {
                double w = sgm_loss_weight(&r.to.loss, &r.mo.sde, b.t[i]);
                for (int p = 0; p < POINTS; p++)
                    if (!memcmp(r.data + D * p, b.x0 + D * i, D * sizeof(float)))
                        assert_int_equal(b.label[i], r.labels[p]);
                truth -= (weighted ? 1.7 / 2 : 1) * w * log(probs[3 * i + b.label[i]]) / 16;
            }
        }
        CHECK_REL(r.trainer.loss, truth, 4 * EPS); /* U and w are rounded to float */
        CHECK_REL(bins / 16 / (weighted ? 2 : 1), truth, 4 * EPS);
        float *grads = (float *)malloc(r.model.n_params * sizeof(float));
        memcpy(grads, r.trainer.grads, r.model.n_params * sizeof(float));
        for (size_t i = 0; i < r.model.n_params; i += 7) {
            slope_of q = {&r, i};
            CHECK_CLOSE(grads[i], check_slope(loss_at, &q, r.model.params[i], 0.02),
                        3 / 0.02 * 30 * EPS * truth + 1e-5);
        }
        free(grads), run_end(&r);
    }
}

static void classifier_answers(void **state) {
    enum { N = 600 };
    static float x[N * D], t[N], s[N * D];
    static double probs[N * 3], again[N * 3], logp[N];
    static int labels[N];
    run r;
    sgm_classifier c;
    (void)state;
    run_defaults(&r);
    r.mo.classes = 3;
    set_threads(2);
    run_model(&r);
    sgm_normal(x, N * D, sgm_key_init(1), 0), sgm_uniform(t, N, sgm_key_init(2), 0);
    for (int i = 0; i < N; i++) t[i] = 0.05f + 0.9f * t[i], labels[i] = (i / 7) % 3;
    CHECK_OK(sgm_classifier_probs(&r.model, 0, probs, x, t, N));
    set_threads(1);
    CHECK_OK(sgm_classifier_probs(&r.model, 0, again, x, t, N));
    assert_memory_equal(probs, again, sizeof probs);
    CHECK_OK(sgm_classifier_init(&c, &r.model, 0, labels, N));
    sgm_score score = sgm_classifier_score(&c);
    CHECK_OK(sgm_score_logp(&score, logp, x, t, N));
    CHECK_OK(sgm_score_eval(&score, s, x, t, N));
    for (int i = 0; i < N; i++) {
        CHECK_CLOSE(probs[3 * i] + probs[3 * i + 1] + probs[3 * i + 2], 1, 1e-14);
        CHECK_CLOSE(logp[i], log(probs[3 * i + labels[i]]), 2 * EPS * fabs(logp[i]));
        double sum[D] = {0, 0}, size = 0; /* Σ_y p(y) ∇log p(y) = ∇Σ p = 0 */
        for (int y = 0; y < 3 && i % 50 == 0; y++) {
            float g[D];
            CHECK_OK(sgm_classifier_init(&c, &r.model, 0, &y, 1));
            CHECK_OK(sgm_score_eval(&score, g, x + D * i, t + i, 1));
            if (y == labels[i]) assert_memory_equal(g, s + D * i, sizeof g);
            for (int j = 0; j < D; j++) sum[j] += probs[3 * i + y] * g[j], size += fabs(g[j]);
        }
        CHECK_OK(sgm_classifier_init(&c, &r.model, 0, labels, N));
        for (int j = 0; j < D; j++) CHECK_CLOSE(sum[j], 0, 100 * EPS * size);
    }
    run_end(&r);
}

/*
Two classes N(±1, ½²) at one noise level σ = 1: the log-odds are 2x/v with v = 5/4, which logits
linear in x can say. What n points and N noisy draws of them leave of error in the slope and the
intercept is 1/√(nI) and 1/√(NI), with I the smallest eigenvalue of E p(1−p)(x,1)(x,1)ᵀ; both
directions are uncoupled by symmetry. N: the average over the last 1/(1−γ) = 1000 steps of 128.
*/

static sgm_tensor *logit_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_linear(tape, in->x, in->out);
}

static void classifier_learns(void **state) {
    enum { N = 20000 };
    static float data[N];
    static int labels[N];
    double level = 1, information[2] = {0, 0}, v = 1.25;
    run r;
    (void)state;
    run_defaults(&r);
    r.mo.net = logit_net, r.mo.d = 1, r.mo.classes = 2, r.mo.sde = sgm_sde_edm(0.01, 10);
    run_model(&r);
    sgm_normal(data, N, sgm_key_init(1), 0);
    for (int i = 0; i < N; i++) labels[i] = i % 2, data[i] = 0.5f * data[i] + (i % 2 ? 1 : -1);
    r.to.held_out = -1;
    r.to.steps = 4000, r.to.batch = 128, r.to.lr = 0.01, r.to.cosine = 1, r.to.labels = labels;
    r.to.loss.times = SGM_TIMES_GRID, r.to.loss.grid = &level, r.to.loss.n_grid = 1;
    CHECK_OK(sgm_train(&r.model, data, N, &r.to, sgm_key_init(2)));
    for (int i = -600; i <= 600; i++) {
        double x = 0.01 * i, p = 1 / (1 + exp(-2 * x / v));
        double density = 0.01 * 0.5 * (exp(-(x - 1) * (x - 1) / (2 * v)) +
                                       exp(-(x + 1) * (x + 1) / (2 * v))) / sqrt(2 * SGM__PI * v);
        information[0] += density * p * (1 - p), information[1] += density * p * (1 - p) * x * x;
    }
    float x[2] = {0, 1}, t[2] = {1, 1}, s[2];
    double probs[4], odds[2], tol[2];
    CHECK_OK(sgm_classifier_probs(&r.model, 0, probs, x, t, 2));
    for (int i = 0; i < 2; i++) {
        odds[i] = log(probs[2 * i + 1] / probs[2 * i]);
        tol[i] = CHECK_SIGMAS * sqrt((1.0 / N + 1.0 / 128000) / information[i]);
    }
    CHECK_CLOSE(odds[0], 0, tol[0]), CHECK_CLOSE(odds[1] - odds[0], 2 / v, tol[1]);
    assert_true(tol[1] < 0.3 * 2 / v);
    sgm_classifier c; /* and ∇log p(1|x) = (1 − p) times the slope */
    int label = 1;
    CHECK_OK(sgm_classifier_init(&c, &r.model, 0, &label, 1));
    sgm_score score = sgm_classifier_score(&c);
    CHECK_OK(sgm_score_eval(&score, s, x, t, 2));
    for (int i = 0; i < 2; i++)
        CHECK_CLOSE(s[i], probs[2 * i] * (odds[1] - odds[0]), 20 * EPS * fabs(odds[1]));
    run_end(&r);
}

/*
## Measurements
*/

enum { G = 4 }; /* dimension of the Gaussian tests */

static const float A_rows[2][G] = {{1, 0.5f, -0.25f, 2}, {0, 1, 1, -0.5f}};
static const float A_square[G][G] = {
    {2, 1, 0, 0}, {0, 1, -1, 0}, {0.5f, 0, 1, 1}, {0, 0.25f, 0, -1.5f}};
static const float y_values[G] = {0.7f, -1.1f, 0.4f, 2};
static const double gauss_mean[G] = {0.5, -1, 0.25, 2};

/* (8.9) u and V say the same as y and A: S V = U A with a rotation U, so AᵀA = Vᵀ S² V and Aᵀy =
Vᵀ S² u. Sums of some 20 doubles below 20, 10⁻¹⁵ each, and Jacobi stops at 10⁻¹⁵: 10⁻¹². */

static void decomposition(void **state) {
    (void)state;
    for (int m = 1; m <= G; m++) {
        sgm_inverse p;
        const float *A = m <= 2 ? A_rows[0] : A_square[0];
        CHECK_OK(sgm_inverse_init(&p, G, m, A, y_values, 0.3));
        for (int i = 0; i < G; i++) {
            double Ay = 0, VSu = 0;
            for (int k = 0; k < m; k++) {
                Ay += (double)A[k * G + i] * y_values[k];
                VSu += p.v[k * G + i] * p.size[k] * p.size[k] * p.target[k];
            }
            CHECK_CLOSE(VSu, Ay, 1e-12);
            for (int j = 0; j < G; j++) {
                double AA = 0, VSV = 0;
                for (int k = 0; k < m; k++) {
                    AA += (double)A[k * G + i] * A[k * G + j];
                    VSV += p.v[k * G + i] * p.v[k * G + j] * p.size[k] * p.size[k];
                }
                CHECK_CLOSE(VSV, AA, 1e-12);
            }
        }
        for (int i = 0; i < m; i++) {
            CHECK_REL(p.sigma[i], 0.3 / p.size[i], 1e-15);
            for (int j = 0; j < m; j++) {
                double VV = 0;
                for (int k = 0; k < G; k++) VV += p.v[i * G + k] * p.v[j * G + k];
                CHECK_CLOSE(VV, i == j, 1e-12);
            }
        }
        sgm_inverse_free(&p);
    }
}

/*
(8.13) is the exact posterior score if the data is N(μ, σ_d² I), in every family: against (8.15).
The float score s is rounded before it goes into x̂0 = (x + s²s)/m, which ∂x̂0/∂x hands on; the pull
w, at most (|u| + |x̂0|)/(r² + τ²), and its s²Jᵀw are rounded before their sum is divided by m.
*/

static void pigdm_is_exact(void **state) {
    check_family f[CHECK_FAMILIES];
    double spread[2] = {1, 0.6}, noises[3] = {0, 0.05, 1};
    (void)state;
    check_families(f);
    for (int i = 0; i < CHECK_FAMILIES * 2 * 3 * 2; i++) {
        const check_family *at = &f[i / 12];
        double sd = spread[i % 2], noise = noises[i / 2 % 3], var = sd * sd;
        int m = i / 6 % 2 ? G : 2;
        sgm_mixture prior, truth;
        sgm_inverse p;
        sgm_posterior post;
        CHECK_OK(sgm_mixture_init(&prior, 1, G, NULL, gauss_mean, &var, SGM_COV_ISOTROPIC, &at->sde));
        CHECK_OK(sgm_inverse_init(&p, G, m, m == 2 ? A_rows[0] : A_square[0], y_values, noise));
        CHECK_OK(sgm_mixture_posterior(&truth, &prior, &p));
        sgm_score score = sgm_mixture_score(&prior), exact = sgm_mixture_score(&truth);
        CHECK_OK(sgm_posterior_init(&post, &score, &p, sd == 1 ? 0 : sd));
        sgm_score pigdm = sgm_posterior_score(&post);
        for (int q = 0; q < 10; q++) {
            float x[G], t = (float)(at->end * (0.05 + 0.09 * q)), s[G], want[G], own[G];
            double mt = sgm_sde_m(&at->sde, t), st = sgm_sde_s(&at->sde, t);
            sgm_normal(x, G, sgm_key_init(9), (uint64_t)(G * q));
            for (int j = 0; j < G; j++) x[j] = (float)(mt * gauss_mean[j] + x[j] * (mt + st));
            CHECK_OK(sgm_score_eval(&pigdm, s, x, &t, 1));
            CHECK_OK(sgm_score_eval(&exact, want, x, &t, 1));
            CHECK_OK(sgm_score_eval(&score, own, x, &t, 1));
            double r2 = 1 / (1 / var + mt * mt / (st * st)), most = 0, u = 0;
            for (int k = 0; k < m; k++)
                most = fmax(most, 1 / (r2 + p.sigma[k] * p.sigma[k])), u += fabs(p.target[k]);
            double moves = mt * var / (mt * mt * var + st * st); /* ∂x̂0/∂x of this Gaussian */
            double x0 = (norm(x, G) + st * st * norm(own, G)) / mt;
            double pull = most * (u + x0);
            double tol = moves * most * x0 + 2 * pull / mt + norm(want, G) + norm(own, G);
            for (int j = 0; j < G; j++) CHECK_CLOSE(s[j], want[j], 2 * EPS * tol);
        }
        sgm_posterior_free(&post), sgm_inverse_free(&p);
        sgm_mixture_free(&prior), sgm_mixture_free(&truth);
    }
}

/* (8.15) against the integral p_t(x|y) = ∫N(x; m x0, s²) p(x0) p(y|x0) dx0 / Z on a grid. The
integrand is a sum of Gaussians of variance 0.05 and more in every direction, for which the
trapezoidal rule of step 0.05 errs by exp(−2π²·0.05/0.05²) = 10⁻¹⁷⁰; ±7 cuts off less than 10⁻¹⁵;
8·10⁴ sums of doubles round 10⁻¹¹. */

static void posterior_by_grid(void **state) {
    const float A[2][D] = {{1, -0.5f}, {0.5f, 1}}, y[2] = {0.4f, -0.3f};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    double noise = 0.5, h = 0.05;
    (void)state;
    for (int m = 1; m <= 2; m++) {
        sgm_mixture prior, post;
        sgm_inverse p;
        mixture(&prior, sde);
        CHECK_OK(sgm_inverse_init(&p, D, m, A[0], y, noise));
        CHECK_OK(sgm_mixture_posterior(&post, &prior, &p));
        sgm_score score = sgm_mixture_score(&post);
        for (int q = 0; q < 3; q++) {
            float x[D] = {0.3f * (float)q, 0.5f - 0.4f * (float)q}, t = 0.2f + 0.1f * (float)q;
            double mt = sgm_sde_m(&sde, t), st = sgm_sde_s(&sde, t), Z = 0, at_x = 0, logp;
            for (int i = -140; i <= 140; i++)
                for (int j = -140; j <= 140; j++) {
                    double x0[D] = {h * i, h * j}, slope[D], density = 0, off = 0, miss = 0;
                    for (int k = 0; k < K; k++) density += exp(component(k, 1, 0, x0, slope));
                    for (int k = 0; k < m; k++)
                        miss += pow(y[k] - A[k][0] * x0[0] - A[k][1] * x0[1], 2);
                    for (int k = 0; k < D; k++) off += pow(x[k] - mt * x0[k], 2);
                    density *= exp(-0.5 * miss / (noise * noise));
                    Z += density;
                    at_x += density * exp(-0.5 * off / (st * st)) / (2 * SGM__PI * st * st);
                }
            CHECK_OK(sgm_score_logp(&score, &logp, x, &t, 1));
            CHECK_CLOSE(logp, log(at_x / Z), 1e-9);
        }
        sgm_inverse_free(&p), sgm_mixture_free(&prior), sgm_mixture_free(&post);
    }
}

/* Every shape of covariance is the same law; without noise the posterior lies on A x = y; points
keep their places and are weighed by how well they foretell y. A few doubles near 1: 10⁻¹². */

static void posterior_shapes(void **state) {
    double w[2] = {0.3, 0.7}, mu[4] = {0, 1, -1, 0.5}, v = 0.4, iso[2] = {v, v};
    double diagonal[4] = {v, v, v, v}, full[8] = {v, 0, 0, v, v, 0, 0, v};
    const double *covs[4] = {NULL, iso, diagonal, full};
    const float A[2] = {0.6f, -0.8f}, y = 0.1f;
    sgm_sde sde = sgm_sde_edm(0.01, 10);
    float x[2] = {0.2f, 0.1f}, t = 0.5f;
    double logp[4], sum = 0, odds;
    sgm_inverse p;
    (void)state;
    CHECK_OK(sgm_inverse_init(&p, 2, 1, A, &y, 0.5));
    for (int shape = SGM_COV_POINTS; shape <= SGM_COV_FULL; shape++) {
        sgm_mixture prior, post;
        CHECK_OK(sgm_mixture_init(&prior, 2, 2, w, mu, covs[shape], (sgm_cov)shape, &sde));
        CHECK_OK(sgm_mixture_posterior(&post, &prior, &p));
        sgm_score score = sgm_mixture_score(&post);
        CHECK_OK(sgm_score_logp(&score, &logp[shape], x, &t, 1));
        if (shape == SGM_COV_POINTS) { /* odds: 3/7 times exp of half the squares' difference */
            double a = y - (0.6f * mu[0] - 0.8f * mu[1]), b = y - (0.6f * mu[2] - 0.8f * mu[3]);
            odds = log(0.3 / 0.7) - 0.5 * (a * a - b * b) / 0.25;
            CHECK_CLOSE(post.log_weight[0] - post.log_weight[1], odds, 1e-12);
            assert_true(post.mean[0] == 0 && post.mean[3] == 0.5);
        } else CHECK_CLOSE(logp[shape], logp[SGM_COV_ISOTROPIC], 1e-12);
        sgm_mixture_free(&prior), sgm_mixture_free(&post);
    }
    sgm_inverse_free(&p);
    sgm_mixture prior, post;
    mixture(&prior, sde);
    CHECK_OK(sgm_inverse_init(&p, 2, 1, A, &y, 0));
    CHECK_OK(sgm_mixture_posterior(&post, &prior, &p));
    for (int k = 0; k < K; k++) {
        sum += exp(post.log_weight[k]);
        CHECK_CLOSE(A[0] * post.mean[2 * k] + A[1] * post.mean[2 * k + 1], y, 1e-14);
        double least = fmin(post.var[2 * k], post.var[2 * k + 1]);
        CHECK_CLOSE(least, 0, 1e-15);
    }
    CHECK_CLOSE(sum, 1, 1e-14);
    sgm_inverse_free(&p), sgm_mixture_free(&prior), sgm_mixture_free(&post);
}

/*
(8.15) row by row of A in long double, where the rows may have any units and the covariance any
scales. The mixture's axes are good to ε of the largest variance, which the gains Ch/q, of up to
`gain` in all, carry into the others.
*/

typedef struct kalman {
    long double mean[G], cov[G][G];
    double gain;
} kalman;

static void kalman_row(kalman *k, const float *h, double y, double noise) {
    long double Ch[G], q = (long double)noise * noise, miss = y;
    double largest_gain = 0;
    for (int i = 0; i < G; i++) {
        Ch[i] = 0, miss -= h[i] * k->mean[i];
        for (int j = 0; j < G; j++) Ch[i] += k->cov[i][j] * h[j];
        q += h[i] * Ch[i];
    }
    for (int i = 0; i < G; i++) {
        largest_gain = fmax(largest_gain, fabs((double)(Ch[i] / q)) * norm(h, G));
        k->mean[i] += Ch[i] * miss / q;
        for (int j = 0; j < G; j++) k->cov[i][j] -= Ch[i] * Ch[j] / q;
    }
    k->gain *= 1 + largest_gain;
}

static void check_posterior(kalman *k, int m, const float *A, const float *y, double noise) {
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture prior, post;
    sgm_inverse p;
    double mu[G], given[G][G], most = 0, far = 0;
    for (int i = 0; i < G; i++)
        for (int j = 0; j < G; j++) {
            mu[i] = (double)k->mean[i], given[i][j] = (double)k->cov[i][j];
            k->mean[i] = mu[i], k->cov[i][j] = given[i][j], most = fmax(most, given[i][i]);
        }
    CHECK_OK(sgm_mixture_init(&prior, 1, G, NULL, mu, given[0], SGM_COV_FULL, &sde));
    CHECK_OK(sgm_inverse_init(&p, G, m, A, y, noise));
    CHECK_OK(sgm_mixture_posterior(&post, &prior, &p));
    k->gain = 1;
    for (int r = 0; r < m; r++) kalman_row(k, A + r * G, y[r], noise), far += fabs(y[r]) / norm(A + r * G, G);
    double off = 40 * DBL_EPSILON * most * k->gain * k->gain;
    for (int i = 0; i < G; i++) {
        far = fmax(far, fabs((double)k->mean[i]) + fabs(mu[i]));
        assert_true(post.var[i] >= 0);
        for (int j = 0; j < G; j++) {
            double got = 0;
            for (int l = 0; l < G; l++) got += post.var[l] * post.axes[l * G + i] * post.axes[l * G + j];
            CHECK_CLOSE(got, k->cov[i][j], off);
        }
    }
    for (int i = 0; i < G; i++) /* Δmean = ΔC/C of the way */
        CHECK_CLOSE(post.mean[i], k->mean[i], 1e-12 * k->gain * k->gain * far);
    sgm_inverse_free(&p), sgm_mixture_free(&prior), sgm_mixture_free(&post);
}

static void posterior_any_units(void **state) {
    double noises[3] = {0, 1e-3, 0.5};
    (void)state;
    for (int key = 0; key < 600; key++) {
        double F[G][G], noise = noises[key % 3], wide = key / 3 % 2 ? 2 : 0;
        float z[G * G + 4 * G], A[2 * G] = {0}, y[2];
        kalman k;
        sgm_normal(z, COUNT(z), sgm_key_init((uint64_t)key), 0);
        for (int i = 0; i < G; i++) { /* a coordinate's scale: e^{2z}, or 1 */
            double scale = exp(wide * z[G * G + i]);
            for (int j = 0; j < G; j++) F[i][j] = scale * z[i * G + j];
            k.mean[i] = scale * z[G * G + G + i];
        }
        for (int i = 0; i < G * G; i++) {
            k.cov[i / G][i % G] = 0;
            for (int l = 0; l < G; l++) k.cov[i / G][i % G] += F[i / G][l] * F[i % G][l];
        }
        A[key % G] = 1; /* one exact coordinate; a second row in other units */
        for (int j = 0; j < G; j++) A[G + j] = z[G * G + 2 * G + j];
        for (int r = 0; r < 2; r++) y[r] = z[G * G + 3 * G + r];
        check_posterior(&k, 1 + key / 6 % 2, A, y, noise);
    }
}

static void rows_in_any_units(void **state) {
    const double units[4][2] = {{1e5, 1}, {1, 1e5}, {1e-12, 1e12}, {1e30, 1e-30}};
    (void)state;
    for (int u = 0; u < 4; u++)
        for (int m = 2; m <= G; m++) {
            float A[G * G], y[G];
            sgm_inverse p;
            kalman k;
            for (int i = 0; i < G * G; i++) k.cov[i / G][i % G] = 1.5 * (i % (G + 1) == 0) + 0.3;
            for (int i = 0; i < G; i++) k.mean[i] = gauss_mean[i];
            for (int i = 0; i < m; i++) y[i] = (float)units[u][i % 2] * y_values[i];
            for (int i = 0; i < m * G; i++)
                A[i] = (float)(units[u][i / G % 2] * (m == 2 ? A_rows[i / G] : A_square[i / G])[i % G]);
            CHECK_OK(sgm_inverse_init(&p, G, m, A, y_values, 0.1));
            for (int r = 0; r < m; r++) { /* A = (A Vᵀ) V, row by row */
                double back[G] = {0}, scale = norm(A + r * G, G);
                for (int i = 0; i < m; i++) {
                    double along = 0;
                    for (int j = 0; j < G; j++) along += A[r * G + j] * p.v[i * G + j];
                    for (int j = 0; j < G; j++) back[j] += along * p.v[i * G + j];
                }
                for (int j = 0; j < G; j++) CHECK_CLOSE(back[j], A[r * G + j], 1e-13 * scale);
            }
            sgm_inverse_free(&p);
            check_posterior(&k, m, A, y, 0);
        }
    /* what is dependent is so in any units, and is named */
    float dependent[3 * G] = {1e5f, 2e5f, 0, 0, 0, 1, 1, 0, 1, 3, 1, 0}, A[2 * G] = {1, 2, 3, 4};
    sgm_inverse p;
    CHECK_FAILS(sgm_inverse_init(&p, G, 3, dependent, y_values, 0), SGM_BAD_ARGUMENT, "row 2 of A");
    CHECK_FAILS(sgm_inverse_init(&p, G, 2, A, y_values, 0), SGM_BAD_ARGUMENT, "row 1 of A is zero");
    for (int j = 0; j < G; j++) A[G + j] = 1e-6f * A[j];
    CHECK_FAILS(sgm_inverse_init(&p, G, 2, A, y_values, 0), SGM_BAD_ARGUMENT, "row 1 of A");
    CHECK_OK(sgm_inverse_init(&p, G, 1, A, y_values, 0)); /* the cure: leave it out */
    sgm_inverse_free(&p), sgm_inverse_free(NULL);
    CHECK_FAILS(sgm_inverse_init(NULL, G, 1, A, y_values, 0), SGM_BAD_ARGUMENT, "needs a place");
    for (int j = 0; j < 2 * G; j++) A[j] = j == 1 || j == 4; /* rows already at right angles */
    CHECK_OK(sgm_inverse_init(&p, G, 2, A, y_values, 0));
    CHECK_CLOSE(p.target[0], y_values[0], 0), CHECK_CLOSE(p.v[1], 1, 0);
    sgm_inverse_free(&p);
}

/* The posterior of points is points with other weights, and takes the room of these: 100 of 50
numbers in doubles, the copy of them, and what an evaluation needs; not 100·50². */

static void posterior_of_points(void **state) {
    enum { N = 100, W = 50 };
    static float data[N * W], A[W];
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture prior, post;
    sgm_inverse p;
    float y = 0.25f;
    double total = 0, truth[N];
    (void)state;
    sgm_normal(data, N * W, sgm_key_init(3), 0), sgm_normal(A, W, sgm_key_init(4), 0);
    for (int j = 0; j < W; j++) A[j] *= 0.2f;
    CHECK_OK(sgm_mixture_from_data(&prior, data, N, W, &sde));
    CHECK_OK(sgm_inverse_init(&p, W, 1, A, &y, 0.7));
    most_bytes = 0;
    CHECK_OK(sgm_mixture_posterior(&post, &prior, &p));
    assert_true(most_bytes <= sizeof(double) * (2 * N * W + 20 * (N + W)) + 256);
    for (int i = 0; i < N; i++) {
        double miss = y - dot(A, data + i * W, W);
        truth[i] = exp(-0.5 * miss * miss / 0.49), total += truth[i];
    }
    for (int i = 0; i < N; i++) CHECK_REL(exp(post.log_weight[i]), truth[i] / total, 1e-12);
    CHECK_FAILS(sgm_mixture_posterior(&prior, &prior, &p), SGM_BAD_ARGUMENT, "another one as prior");
    CHECK_FAILS(sgm_mixture_posterior(NULL, &prior, &p), SGM_BAD_ARGUMENT, "a mixture to fill");
    sgm_mixture_free(&prior), sgm_mixture_free(&post), sgm_inverse_free(&p);
}

/* A second measurement, without noise, of what the first has settled already, must be refused. */

static void posterior_without_width(void **state) {
    const double tied[9] = {2, 2, 0.5, 2, 2, 0.5, 0.5, 0.5, 1}, mu[3] = {0.3, 0.3, 0}; /* x0 = x1 */
    const float A[6] = {1, 0, 0, 0, 1, 0}, y[2] = {0.4f, 0.4f};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture prior, post;
    sgm_inverse p;
    (void)state;
    CHECK_OK(sgm_mixture_init(&prior, 1, 3, NULL, mu, tied, SGM_COV_FULL, &sde));
    CHECK_OK(sgm_inverse_init(&p, 3, 2, A, y, 0));
    CHECK_FAILS(sgm_mixture_posterior(&post, &prior, &p), SGM_BAD_ARGUMENT, "give the measurement");
    sgm_inverse_free(&p);
    CHECK_OK(sgm_inverse_init(&p, 3, 2, A, y, 1e-3)); /* the cure */
    CHECK_OK(sgm_mixture_posterior(&post, &prior, &p));
    CHECK_CLOSE(post.mean[0], 0.4f, 1e-7), CHECK_CLOSE(post.mean[1], 0.4f, 1e-7);
    sgm_inverse_free(&p), sgm_mixture_free(&prior), sgm_mixture_free(&post);
}

/* (8.10) what one replacement does: along V the noised measurement, across it nothing; and nothing
at all along a direction whose noise m τ exceeds s. */

static void replacement_rule(void **state) {
    double m = 0.8, s = 0.4;
    (void)state;
    for (int q = 0; q < 3; q++) {
        float x[G] = {0.3f, -1, 2, 0.7f}, before[G], z[2] = {0.9f, -0.6f};
        double noise = q == 0 ? 0 : q == 1 ? 0.5 : 100;
        sgm_inverse p;
        CHECK_OK(sgm_inverse_init(&p, G, 2, A_rows[0], y_values, noise));
        memcpy(before, x, sizeof x);
        double row[2 * G], across[G];
        sgm__inverse_replace(&p, row, x, z, m, s);
        for (int j = 0; j < G; j++) across[j] = (double)x[j] - before[j];
        for (int i = 0; i < 2; i++) {
            double got = 0, was = 0, moved = 0, rest = s * s - pow(m * p.sigma[i], 2);
            for (int j = 0; j < G; j++) {
                got += p.v[i * G + j] * x[j], was += p.v[i * G + j] * before[j];
                moved += p.v[i * G + j] * across[j];
            }
            double want = rest < 0 ? was : m * p.target[i] + sqrt(rest) * z[i];
            CHECK_CLOSE(got, want, 4 * EPS * 3); /* four coordinates below 3, rounded once */
            for (int j = 0; j < G; j++) across[j] -= moved * p.v[i * G + j];
        }
        for (int j = 0; j < G; j++) CHECK_CLOSE(across[j], 0, 4 * EPS * 3);
        if (q == 2) assert_memory_equal(x, before, sizeof x);
        sgm_inverse_free(&p);
    }
}

/* Without noise a measurement is kept to the end: a mask to the last bit, any A to the rounding of
G coordinates; by replacement and by RePaint, which with U = 1 is the same thing. */

static void measurements_are_kept(void **state) {
    enum { N = 50 };
    const float mask[2][G] = {{0, 0, 1, 0}, {1, 0, 0, 0}};
    double var = 0.6;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture prior;
    float x[N * G], first[N * G];
    sgm_inverse_options o;
    (void)state;
    memset(&o, 0, sizeof o);
    CHECK_OK(sgm_mixture_init(&prior, 1, G, NULL, gauss_mean, &var, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&prior);
    for (int q = 0; q < 6; q++) {
        sgm_inverse p;
        const float *A = q % 2 ? A_rows[0] : mask[0];
        CHECK_OK(sgm_inverse_init(&p, G, 2, A, y_values, 0));
        o.method = q < 2 ? SGM_INVERSE_REPLACEMENT : SGM_INVERSE_REPAINT, o.resample = q < 2 ? 0 : q < 4 ? 1 : 3;
        o.sample.steps = 30, o.sample.method = SGM_METHOD_ANCESTRAL;
        CHECK_OK(sgm_inverse_sample(x, N, &score, &p, &o, sgm_key_init(4)));
        if (q == 0) CHECK_OK(sgm_inverse_sample(first, N, &score, &p, &o, sgm_key_init(4)));
        if (q == 0 || q == 2) assert_memory_equal(x, first, sizeof x);
        if (q == 4) assert_memory_not_equal(x, first, sizeof x);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 2; k++) {
                double Ax = dot(A + k * G, x + i * G, G), size = 0;
                for (int j = 0; j < G; j++) size += fabs(A[k * G + j] * x[i * G + j]);
                CHECK_CLOSE(Ax, y_values[k], q % 2 ? 2 * EPS * size : 0);
            }
        sgm_inverse_free(&p);
    }
    sgm_mixture_free(&prior);
}

/* A = I without noise leaves nothing open: replacement, RePaint and, on Gaussian data, ΠGDM return
y. ΠGDM's last step is (5.9) with the exact score −(x − m y)/s² of a point at y. */

static void all_is_known(void **state) {
    enum { N = 20 };
    const float A[G][G] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
    double var = 1;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture prior;
    sgm_inverse p;
    float x[N * G];
    sgm_inverse_options o;
    (void)state;
    memset(&o, 0, sizeof o);
    o.sample.steps = 40, o.sample.method = SGM_METHOD_EULER_MARUYAMA;
    CHECK_OK(sgm_mixture_init(&prior, 1, G, NULL, gauss_mean, &var, SGM_COV_ISOTROPIC, &sde));
    CHECK_OK(sgm_inverse_init(&p, G, G, A[0], y_values, 0));
    sgm_score score = sgm_mixture_score(&prior);
    for (int method = SGM_INVERSE_REPLACEMENT; method <= SGM_INVERSE_PIGDM; method++) {
        if (method == SGM_INVERSE_DPS) continue; /* its ζ is a size that is tuned: nothing to prove */
        o.method = (sgm_inverse_method)method, o.resample = method == SGM_INVERSE_REPAINT ? 2 : 0;
        CHECK_OK(sgm_inverse_sample(x, N, &score, &p, &o, sgm_key_init(4)));
        for (int i = 0; i < N * G; i++) /* s² × a score of size |x − my|/s² rounded a few times */
            CHECK_CLOSE(x[i], y_values[i % G], method == SGM_INVERSE_PIGDM ? 10 * EPS * 4 : 0);
    }
    sgm_inverse_free(&p), sgm_mixture_free(&prior);
}

/* (8.12) One step of DPS, from the point to (5.9) and minus ζ ∇‖y − A x̂0‖, with x̂0 and its
Jacobian of a Gaussian in closed form: x̂0 = μ + k(x − mμ), k = mσ²/(m²σ² + s²). */

static void dps_step(void **state) {
    double var = 0.6, zeta = 0.3;
    (void)state;
    for (int q = 0; q < 3; q++) {
        sgm_sde sde = q == 0 ? sgm_sde_vp(0.1, 20) : sgm_sde_edm(0.01, 10);
        if (q == 2) sde = sgm_sde_subvp(0.1, 20);
        double t = 0.4 * sde.T, m = sgm_sde_m(&sde, t), s = sgm_sde_s(&sde, t), miss[2], size = 0;
        float x[G] = {1, -0.5f, 0.7f, 2}, from[G];
        sgm_mixture prior;
        sgm_inverse p;
        sgm_inverse_options o;
        memset(&o, 0, sizeof o);
        o.method = SGM_INVERSE_DPS, o.zeta = zeta;
        o.sample.steps = 1, o.sample.t_start = t, o.sample.x_given = 1;
        memcpy(from, x, sizeof x);
        CHECK_OK(sgm_mixture_init(&prior, 1, G, NULL, gauss_mean, &var, SGM_COV_ISOTROPIC, &sde));
        CHECK_OK(sgm_inverse_init(&p, G, 2, A_rows[0], y_values, 0.2));
        sgm_score score = sgm_mixture_score(&prior);
        CHECK_OK(sgm_inverse_sample(x, 1, &score, &p, &o, sgm_key_init(4)));
        double k = m * var / (m * m * var + s * s), x0[G];
        for (int j = 0; j < G; j++) x0[j] = gauss_mean[j] + k * (from[j] - m * gauss_mean[j]);
        for (int i = 0; i < 2; i++) {
            miss[i] = y_values[i];
            for (int j = 0; j < G; j++) miss[i] -= (double)A_rows[i][j] * x0[j];
            size += miss[i] * miss[i];
        }
        for (int j = 0; j < G; j++) {
            double want = x0[j];
            for (int i = 0; i < 2; i++) want += zeta * k * A_rows[i][j] * miss[i] / sqrt(size);
            /* a float score times s²/m: 0.6 m²/s² of x0's size; t rounded: T EPS/t of |x| */
            CHECK_CLOSE(x[j], want, 40 * EPS * (fabs(want) + (fabs(from[j]) + 1) / m));
        }
        sgm_inverse_free(&p), sgm_mixture_free(&prior);
    }
}

/* RePaint asks for the score U times in each step but the last; replacement once. */

static long evaluations;

static sgm_status counting_eval(const sgm_score *self, float *s, const float *x, const float *t,
                                long n) {
    evaluations++;
    return sgm_score_eval((const sgm_score *)self->ctx, s, x, t, n);
}

static void repaint_counts(void **state) {
    float x[3 * D];
    sgm_mixture mix;
    sgm_inverse p;
    sgm_inverse_options o;
    (void)state;
    memset(&o, 0, sizeof o);
    o.sample.steps = 7, o.sample.method = SGM_METHOD_EULER_MARUYAMA;
    mixture(&mix, sgm_sde_vp(0.1, 20));
    CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0));
    sgm_score inner = sgm_mixture_score(&mix), score = inner;
    score.ctx = &inner, score.eval = counting_eval;
    for (int U = 0; U < 6; U++) { /* 0 means 10 */
        evaluations = 0, o.method = U < 5 ? SGM_INVERSE_REPAINT : SGM_INVERSE_REPLACEMENT;
        o.resample = U < 5 ? U : 0;
        CHECK_OK(sgm_inverse_sample(x, 3, &score, &p, &o, sgm_key_init(1)));
        assert_int_equal(evaluations, 6 * (U == 0 ? 10 : U < 5 ? U : 1) + 1);
    }
    sgm_inverse_free(&p), sgm_mixture_free(&mix);
}

/*
(8.10) A = I with noise τ: at the time where m τ = s, replacement puts x at m u, and p(x0|x) is p(x0|y)
from there. RePaint must not walk back further down, where nothing is overwritten and y is forgotten.
*/

static void repaint_keeps_y(void **state) {
    enum { N = 2000, STEPS = 300 };
    static float x[N * 2];
    const float eye[4] = {1, 0, 0, 1}, y[2] = {0.5f, 2};
    double mu[2] = {1, -1}, var[2] = {1, 1}, tau = 0.3, V = tau * tau / (1 + tau * tau);
    (void)state;
    for (int f = 0; f < 3; f++) {
        sgm_sde sde = f == 0 ? sgm_sde_vp(0.1, 20) : f == 1 ? sgm_sde_edm(0.002, 80)
                                                            : sgm_sde_rectified();
        sgm_mixture prior;
        sgm_inverse p;
        sgm_inverse_options o;
        memset(&o, 0, sizeof o);
        o.method = SGM_INVERSE_REPAINT, o.resample = 4;
        o.sample.steps = STEPS, o.sample.grid = SGM_GRID_LOGSNR;
        CHECK_OK(sgm_mixture_init(&prior, 1, 2, NULL, mu, var, SGM_COV_DIAGONAL, &sde));
        CHECK_OK(sgm_inverse_init(&p, 2, 2, eye, y, tau));
        sgm_score score = sgm_mixture_score(&prior);
        CHECK_OK(sgm_inverse_sample(x, N, &score, &p, &o, sgm_key_init(7)));
        /* steps of h in log-SNR: the last overwritten level has σ² in [τ², τ²(1+h)], and steps of
        order 1 err by as much again */
        double h = (sgm_sde_logsnr(&sde, sde.t_min) - sgm_sde_logsnr(&sde, sde.T)) / (STEPS - 1);
        for (int j = 0; j < 2; j++) {
            check_moments got = check_moments_of(x + j, N, 2);
            double M = (y[j] + tau * tau * mu[j]) / (1 + tau * tau);
            CHECK_CLOSE(got.mean, M, CHECK_SIGMAS * sqrt(V / N) + 2 * h * V * fabs(y[j] - mu[j]));
            CHECK_CLOSE(got.var, V, CHECK_SIGMAS * V * sqrt(2.0 / N) + 4 * h * V);
        }
        sgm_inverse_free(&p), sgm_mixture_free(&prior);
    }
}

/*
A whole run on Gaussian data is a linear recursion of mean and variance: x ← α x + β + noise.
RePaint goes forth again by (1.8). A coordinate that A does not see, independent of the others,
is not touched by replacement, so its law is that of the sampler, with U−1 returns in every step.
*/

static void repaint_recursion(void **state) {
    enum { N = 20000, STEPS = 12, U = 4 };
    static float x[N * 2];
    const float mask[2] = {1, 0}, y = 0.5f;
    double mu[2] = {0.3, -0.8}, var[2] = {1.5, 0.4}, t[STEPS + 1], c[3], a, b, M, V;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture prior;
    sgm_inverse p;
    sgm_inverse_options o;
    (void)state;
    memset(&o, 0, sizeof o);
    o.method = SGM_INVERSE_REPAINT, o.resample = U;
    o.sample.steps = STEPS, o.sample.method = SGM_METHOD_ANCESTRAL, o.sample.grid = SGM_GRID_LOGSNR;
    CHECK_OK(sgm_mixture_init(&prior, 1, 2, NULL, mu, var, SGM_COV_DIAGONAL, &sde));
    CHECK_OK(sgm_inverse_init(&p, 2, 1, mask, &y, 0));
    sgm_score score = sgm_mixture_score(&prior);
    CHECK_OK(sgm_inverse_sample(x, N, &score, &p, &o, sgm_key_init(7)));
    CHECK_OK(sgm_time_grid(t, STEPS - 1, SGM_GRID_LOGSNR, &sde, sde.T, sde.t_min));
    M = 0, V = 1;
    for (int i = 0; i < STEPS; i++)
        for (int u = 1; u <= U; u++) {
            double m = sgm_sde_m(&sde, t[i]), s = sgm_sde_s(&sde, t[i]), v = m * m * var[1] + s * s;
            if (i + 1 < STEPS) sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, &sde, t[i], t[i + 1]);
            else sgm__denoise_step(c, &sde, t[i]);
            M = (c[0] - c[1] / v) * M + c[1] / v * m * mu[1];
            V = (c[0] - c[1] / v) * (c[0] - c[1] / v) * V + c[2] * c[2];
            if (u == U || i + 1 == STEPS) break;
            sgm_sde_transition(&sde, t[i + 1], t[i], &a, &b);
            M *= a, V = a * a * V + b * b;
        }
    check_moments got = check_moments_of(x + 1, N, 2);
    CHECK_CLOSE(got.mean, M, CHECK_SIGMAS * sqrt(V / N));
    CHECK_CLOSE(got.var, V, CHECK_SIGMAS * V * sqrt(2.0 / N));
    for (int i = 0; i < N; i++) assert_true(x[2 * i] == y);
    sgm_inverse_free(&p), sgm_mixture_free(&prior);
}

/* (8.14) From a given noisy point, the reverse SDE draws from p(x0|x_t): for Gaussian data N(μ +
k(x − mμ), σ²s²/(m²σ² + s²)). The recursion at K and 2K steps says how far the steps are from it,
and the run is the recursion. */

static void denoising(void **state) {
    enum { N = 20000 };
    static float x[N];
    double mu = 0.7, var = 0.5, sigma = 0.8, noisy = 2.2, M[2], V[2];
    int steps[2] = {200, 400};
    (void)state;
    for (int q = 0; q < 2; q++) {
        sgm_sde sde = q ? sgm_sde_vp(0.1, 20) : sgm_sde_edm(0.002, 80);
        double t0 = sgm_sde_t_from_logsnr(&sde, -2 * log(sigma)), m = sgm_sde_m(&sde, t0), c[3];
        double s = sgm_sde_s(&sde, t0), k = m * var / (m * m * var + s * s);
        static double t[401];
        CHECK_REL(s / m, sigma, 1e-9);
        for (int i = 0; i < 2; i++) {
            M[i] = m * noisy, V[i] = 0;
            CHECK_OK(sgm_time_grid(t, steps[i] - 1, SGM_GRID_LOGSNR, &sde, t0, sde.t_min));
            for (int j = 0; j < steps[i]; j++) {
                double mt = sgm_sde_m(&sde, t[j]), st = sgm_sde_s(&sde, t[j]);
                double v = mt * mt * var + st * st;
                if (j + 1 < steps[i]) sgm__reverse_step(c, SGM_METHOD_ANCESTRAL, &sde, t[j], t[j + 1]);
                else sgm__denoise_step(c, &sde, t[j]);
                M[i] = (c[0] - c[1] / v) * M[i] + c[1] / v * mt * mu;
                V[i] = pow(c[0] - c[1] / v, 2) * V[i] + c[2] * c[2];
            }
        }
        CHECK_CLOSE(M[1], mu + k * m * (noisy - mu), 2 * fabs(M[1] - M[0]) + 1e-9);
        CHECK_CLOSE(V[1], var * s * s / (m * m * var + s * s), 2 * fabs(V[1] - V[0]) + 1e-5);
        sgm_mixture prior;
        sgm_sample_options o;
        memset(&o, 0, sizeof o);
        o.x_given = 1, o.t_start = t0, o.steps = 200, o.method = SGM_METHOD_ANCESTRAL;
        o.grid = SGM_GRID_LOGSNR;
        CHECK_OK(sgm_mixture_init(&prior, 1, 1, NULL, &mu, &var, SGM_COV_ISOTROPIC, &sde));
        sgm_score score = sgm_mixture_score(&prior);
        for (int i = 0; i < N; i++) x[i] = (float)(m * noisy);
        CHECK_OK(sgm_sample(x, N, &score, &o, sgm_key_init(3)));
        check_moments got = check_moments_of(x, N, 1);
        CHECK_CLOSE(got.mean, M[0], CHECK_SIGMAS * sqrt(V[0] / N));
        CHECK_CLOSE(got.var, V[0], CHECK_SIGMAS * V[0] * sqrt(2.0 / N));
        x[5] = NAN;
        CHECK_FAILS(sgm_sample(x, N, &score, &o, sgm_key_init(3)), SGM_NOT_FINITE,
                    "x_given: point 5 is NaN");
        sgm_mixture_free(&prior);
    }
}

/*
## Bad input, memory, threads
*/

static void bad_conditions(void **state) {
    run r, plain;
    sgm_condition c;
    sgm_classifier k;
    float cond[2 * C] = {1, 2, 3, 4, NAN, 6};
    double probs[3];
    float x[D] = {0, 0}, t = 0.5f;
    int labels[2] = {0, 3};
    (void)state;
    run_defaults(&r), run_defaults(&plain);
    run_model(&plain);
    CHECK_FAILS(sgm_condition_init(&c, &plain.model, 0, cond, 1), SGM_BAD_ARGUMENT,
                "unconditional: set cond");
    sgm_score empty = sgm_condition_score(&c), u = sgm_model_score(&plain.model, 0);
    sgm_guided g;
    CHECK_FAILS(sgm_guided_init(&g, &u, &empty, 0, 2), SGM_BAD_ARGUMENT,
                "unconditional: set cond"); /* the first error stays */
    CHECK_FAILS(sgm_classifier_init(&k, &plain.model, 0, labels, 1), SGM_BAD_ARGUMENT,
                "set classes");
    CHECK_FAILS(sgm_classifier_probs(&plain.model, 0, probs, x, &t, 1), SGM_BAD_ARGUMENT,
                "set classes");
    r.mo.cond = C;
    run_model(&r);
    CHECK_FAILS(sgm_condition_init(&c, &r.model, 1, cond, 1), SGM_BAD_ARGUMENT, "set n_ema");
    CHECK_FAILS(sgm_condition_init(&c, &r.model, 0, NULL, 1), SGM_BAD_ARGUMENT, "give one for all");
    CHECK_FAILS(sgm_condition_init(&c, &r.model, 0, cond, 0), SGM_BAD_ARGUMENT, "give one for all");
    CHECK_FAILS(sgm_condition_init(&c, &r.model, 0, cond, 2), SGM_NOT_FINITE, "condition 1 is not");
    sgm_trainer trainer;
    r.to.cond = NULL;
    CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, r.data, POINTS, &r.to, sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "training needs cond");
    CHECK_FAILS(sgm_trainer_init(&trainer, &plain.model, r.data, POINTS,
                                 (r.to.cond = r.cond, &r.to), sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "else none");
    r.to.cond_dropout = 1.1;
    CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, r.data, POINTS, &r.to, sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "needs 0 to 1");
    r.to.cond_dropout = 0, r.cond[C * 7] = INFINITY;
    CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, r.data, POINTS, &r.to, sgm_key_init(1)),
                SGM_NOT_FINITE, "condition of point 7");
    plain.to.cond_dropout = 0.1;
    CHECK_FAILS(sgm_trainer_init(&trainer, &plain.model, r.data, POINTS, &plain.to,
                                 sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "a model with a condition to drop");
    plain.to.cond_dropout = 0, plain.to.labels = plain.labels;
    CHECK_FAILS(sgm_trainer_init(&trainer, &plain.model, r.data, POINTS, &plain.to,
                                 sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "labels where the second is not");
    run_end(&r), run_end(&plain);
}

static void bad_classifiers(void **state) {
    run r;
    sgm_classifier k;
    sgm_trainer trainer;
    int labels[2] = {0, 3};
    float x[D] = {0, 0}, t = 0.5f;
    double probs[3];
    (void)state;
    run_defaults(&r);
    r.mo.classes = 3, r.mo.energy = 1, r.mo.output = SGM_OUTPUT_SCORE;
    CHECK_FAILS(sgm_model_init(&r.model, &r.mo, sgm_key_init(1)), SGM_BAD_ARGUMENT, "no energy");
    r.mo.energy = 0, r.mo.output = SGM_OUTPUT_EDM_F;
    CHECK_FAILS(sgm_model_init(&r.model, &r.mo, sgm_key_init(1)), SGM_BAD_ARGUMENT, "output 0");
    r.mo.output = SGM_OUTPUT_NOISE;
    CHECK_FAILS(sgm_model_init(&r.model, &r.mo, sgm_key_init(1)), SGM_BAD_ARGUMENT, "output 0");
    r.mo.classes = -1;
    CHECK_FAILS(sgm_model_init(&r.model, &r.mo, sgm_key_init(1)), SGM_BAD_ARGUMENT, "classes -1");
    r.mo.classes = 0, r.mo.cond = -2;
    CHECK_FAILS(sgm_model_init(&r.model, &r.mo, sgm_key_init(1)), SGM_BAD_ARGUMENT, "cond -2");
    r.mo.cond = 0, r.mo.classes = 3;
    run_model(&r);
    sgm_score none = sgm_model_score(&r.model, 0);
    assert_null(none.eval);
    check_text(sgm_error(), "sgm_classifier_score", __FILE__, __LINE__);
    CHECK_FAILS(sgm_classifier_init(&k, &r.model, 2, labels, 1), SGM_BAD_ARGUMENT, "set n_ema");
    CHECK_FAILS(sgm_classifier_init(&k, &r.model, 0, labels, 0), SGM_BAD_ARGUMENT, "give one");
    CHECK_FAILS(sgm_classifier_init(&k, &r.model, 0, NULL, 1), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(sgm_classifier_init(&k, &r.model, 0, labels, 2), SGM_BAD_ARGUMENT,
                "label 1 is 3: labels are 0 to 2");
    CHECK_FAILS(sgm_classifier_probs(&r.model, 0, NULL, x, &t, 1), SGM_BAD_ARGUMENT, "a place for");
    CHECK_FAILS(sgm_classifier_probs(&r.model, 0, probs, x, &t, -1), SGM_BAD_ARGUMENT, "n >= 0");
    CHECK_OK(sgm_classifier_probs(&r.model, 0, probs, x, &t, 0));
    CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, r.data, POINTS, &r.to, sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "training needs cond where");
    r.to.labels = r.labels, r.labels[60] = 3;
    CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, r.data, POINTS, &r.to, sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "label 60 is 3");
    r.labels[60] = 0, r.to.loss.objective = SGM_OBJECTIVE_ISM;
    CHECK_FAILS(sgm_trainer_init(&trainer, &r.model, r.data, POINTS, &r.to, sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "leave the loss's objective 0");
    run_end(&r);
}

static void bad_guidance(void **state) {
    double one = 1, mu[2] = {0, 0};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture a, b, ve_mix;
    sgm_guided g;
    (void)state;
    CHECK_OK(sgm_mixture_init(&a, 1, 1, NULL, mu, &one, SGM_COV_ISOTROPIC, &sde));
    CHECK_OK(sgm_mixture_init(&b, 1, 2, NULL, mu, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score u = sgm_mixture_score(&a), y = sgm_mixture_score(&b);
    CHECK_FAILS(sgm_guided_init(&g, &u, &y, 0, 1), SGM_MISMATCH, "1 dimensions beside one in 2");
    sde = sgm_sde_ve(0.01, 50);
    CHECK_OK(sgm_mixture_init(&ve_mix, 1, 1, NULL, mu, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score ve = sgm_mixture_score(&ve_mix), scaled = u;
    sgm_scaler scaler;
    memset(&scaler, 0, sizeof scaler), scaled.scaler = &scaler;
    CHECK_FAILS(sgm_guided_init(&g, &u, &ve, 0, 1), SGM_MISMATCH, "a score of one process");
    CHECK_FAILS(sgm_guided_init(&g, &u, &scaled, 0, 1), SGM_MISMATCH, "one scaler");
    CHECK_FAILS(sgm_guided_init(&g, &u, &u, 2, 1), SGM_BAD_ARGUMENT, "classifier 2");
    sgm_mixture_free(&ve_mix);
    CHECK_FAILS(sgm_guided_init(&g, &u, &u, 0, NAN), SGM_BAD_ARGUMENT, "finite");
    CHECK_FAILS(sgm_guided_init(&g, &u, &u, 0, INFINITY), SGM_BAD_ARGUMENT, "finite");
    CHECK_FAILS(sgm_guided_init(&g, &u, NULL, 0, 1), SGM_BAD_ARGUMENT, "a score is missing");
    sgm_score none = sgm_guided_score(&g);
    float x = 0, t = 0.5f, s;
    CHECK_FAILS(sgm_score_eval(&none, &s, &x, &t, 1), SGM_BAD_ARGUMENT, "a score is missing");
    u.jvp = NULL;
    CHECK_OK(sgm_guided_init(&g, &u, &u, 0, 1));
    assert_null(sgm_guided_score(&g).jvp);
    assert_non_null(sgm_guided_score(&g).vjp);
    sgm_mixture_free(&a), sgm_mixture_free(&b);
}

static void bad_measurements(void **state) {
    const float A[3][G] = {{1, 2, 0, 0}, {0, 1, 1, 0}, {2, 5, 1, 0}}, zero[G] = {0, 0, 0, 0};
    float nan[G] = {1, NAN, 0, 0}, y[5] = {1, 2, NAN, 0, 0}, x[2 * G];
    double one = 1, mu[G] = {0, 0, 0, 0};
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_inverse p, empty;
    sgm_inverse_options o;
    sgm_posterior post;
    sgm_mixture mix, points, other;
    (void)state;
    memset(&o, 0, sizeof o), memset(&empty, 0, sizeof empty);
    CHECK_FAILS(sgm_inverse_init(&p, G, 3, A[0], y_values, 0), SGM_BAD_ARGUMENT,
                "a combination of the others: leave it out");
    CHECK_FAILS(sgm_inverse_init(&p, G, 1, zero, y_values, 0), SGM_BAD_ARGUMENT, "row 0 of A");
    CHECK_FAILS(sgm_inverse_init(&p, G, 5, A[0], y, 0), SGM_BAD_ARGUMENT, "1 <= m <= D");
    CHECK_FAILS(sgm_inverse_init(&p, G, 0, A[0], y, 0), SGM_BAD_ARGUMENT, "1 <= m <= D");
    CHECK_FAILS(sgm_inverse_init(&p, G, 2, NULL, y, 0), SGM_BAD_ARGUMENT, "A is (m,D)");
    CHECK_FAILS(sgm_inverse_init(&p, G, 1, nan, y, 0), SGM_NOT_FINITE, "not finite");
    CHECK_FAILS(sgm_inverse_init(&p, G, 3, A[0], y, 0), SGM_NOT_FINITE, "not finite");
    CHECK_FAILS(sgm_inverse_init(&p, G, 2, A[0], y, -1), SGM_BAD_ARGUMENT, "a number >= 0");
    CHECK_FAILS(sgm_inverse_init(&p, G, 2, A[0], y, NAN), SGM_BAD_ARGUMENT, "a number >= 0");
    CHECK_OK(sgm_inverse_init(&p, G, 2, A[0], y, 0));
    CHECK_OK(sgm_mixture_init(&mix, 1, 2, NULL, mu, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score small = sgm_mixture_score(&mix);
    CHECK_FAILS(sgm_inverse_sample(x, 1, &small, &p, &o, sgm_key_init(1)), SGM_MISMATCH,
                "A has 4 columns for a score in 2 dimensions");
    CHECK_FAILS(sgm_posterior_init(&post, &small, &p, 0), SGM_MISMATCH, "make A (m,D)");
    CHECK_FAILS(sgm_mixture_posterior(&other, &mix, &p), SGM_MISMATCH, "make A (m,D)");
    sgm_mixture_free(&mix);
    CHECK_OK(sgm_mixture_init(&mix, 1, G, NULL, mu, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&mix), no_vjp = score, odd = score;
    no_vjp.vjp = NULL;
    CHECK_FAILS(sgm_posterior_init(&post, &no_vjp, &p, 0), SGM_BAD_ARGUMENT, "with a vjp");
    o.method = SGM_INVERSE_DPS;
    CHECK_FAILS(sgm_inverse_sample(x, 1, &no_vjp, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "use SGM_INVERSE_REPLACEMENT");
    CHECK_FAILS(sgm_inverse_sample(x, 0, &score, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "at least 1");
    odd.sde.family = SGM_FAMILY_NONE;
    CHECK_FAILS(sgm_inverse_sample(x, 1, &odd, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "set its sde");
    odd.sde.family = (sgm_family)99;
    CHECK_FAILS(sgm_inverse_sample(x, 1, &odd, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "preset");
    CHECK_FAILS(sgm_inverse_sample(x, 1, &score, &empty, &o, sgm_key_init(1)),
                SGM_BAD_ARGUMENT, "sgm_inverse_init");
    CHECK_FAILS(sgm_inverse_sample(x, 1, NULL, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "make it with");
    o.zeta = NAN;
    CHECK_FAILS(sgm_inverse_sample(x, 1, &score, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "numbers >= 0");
    o.zeta = 0, o.resample = -1;
    CHECK_FAILS(sgm_inverse_sample(x, 1, &score, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "numbers >= 0");
    o.resample = 0, o.method = (sgm_inverse_method)4;
    CHECK_FAILS(sgm_inverse_sample(x, 1, &score, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "a method of the list");
    o.method = SGM_INVERSE_PIGDM, o.sigma_data = -1;
    CHECK_FAILS(sgm_inverse_sample(x, 1, &score, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "the data's std");
    for (int method = SGM_INVERSE_REPLACEMENT; method <= SGM_INVERSE_PIGDM; method++) /* another method's numbers */
        for (int kind = 0; kind < 3; kind++) {
            memset(&o, 0, sizeof o), o.method = (sgm_inverse_method)method, o.sample.steps = 3;
            if (kind == 0) o.resample = 2;
            else if (kind == 1) o.zeta = 0.5;
            else o.sigma_data = 0.5;
            sgm_status status = sgm_inverse_sample(x, 2, &score, &p, &o, sgm_key_init(1));
            if (kind == method - SGM_INVERSE_REPAINT) CHECK_OK(status);
            else CHECK_FAILS(status, SGM_BAD_ARGUMENT, "leave the others' 0");
        }
    memset(&o, 0, sizeof o), o.method = SGM_INVERSE_REPAINT, o.sample.path_steps = 8, o.sample.steps = 5;
    CHECK_FAILS(sgm_inverse_sample(x, 2, &score, &p, &o, sgm_key_init(1)), SGM_BAD_ARGUMENT,
                "leave path_steps 0");
    CHECK_OK(sgm_inverse_sample(x, 2, &score, &p, NULL, sgm_key_init(1)));
    CHECK_OK(sgm_mixture_init(&points, 1, G, NULL, mu, NULL, SGM_COV_POINTS, &sde));
    CHECK_FAILS(sgm_mixture_posterior(&other, &points, &p), SGM_BAD_ARGUMENT,
                "give the measurement some");
    sgm_inverse_free(&p), sgm_mixture_free(&mix), sgm_mixture_free(&points);
}

/* Whatever allocation fails, the call says so, and leaves nothing behind (nothing_left counts). */

static sgm_status everything(float *x, const sgm_mixture *mix) {
    sgm_inverse p;
    sgm_mixture post;
    sgm_guided g;
    sgm_inverse_options o;
    sgm_status status = sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0.1);
    if (status != SGM_OK) return status;
    status = sgm_mixture_posterior(&post, mix, &p);
    memset(&o, 0, sizeof o);
    o.sample.steps = 3, o.sample.method = SGM_METHOD_EULER_MARUYAMA;
    sgm_score u = sgm_mixture_score(mix), y = sgm_mixture_score(&post);
    for (int method = 0; method < 4 && status == SGM_OK; method++) {
        o.method = (sgm_inverse_method)method;
        status = sgm_inverse_sample(x, 5, &u, &p, &o, sgm_key_init(1));
    }
    sgm_smc_options particles;
    memset(&particles, 0, sizeof particles), particles.steps = 3;
    if (status == SGM_OK) status = sgm_smc(x, NULL, 5, &u, &p, &particles, NULL, sgm_key_init(1));
    if (status == SGM_OK) status = sgm_guided_init(&g, &u, &y, 0, 2);
    if (status == SGM_OK) {
        sgm_score s = sgm_guided_score(&g);
        status = sgm_sample(x, 5, &s, &o.sample, sgm_key_init(1));
    }
    sgm_inverse_free(&p), sgm_mixture_free(&post);
    return status;
}

static void out_of_memory(void **state) {
    sgm_mixture mix;
    float x[5 * D];
    sgm_status status = SGM_NO_MEMORY;
    (void)state;
    mixture(&mix, sgm_sde_vp(0.1, 20));
    long before = live_blocks, k = 0;
    for (; status == SGM_NO_MEMORY && k < 1000; k++) {
        alloc_calls = 0, fail_at = k + 1;
        status = everything(x, &mix);
        assert_int_equal(live_blocks, before);
    }
    fail_at = 0;
    CHECK_OK(status);
    assert_true(k > 20);
    sgm_mixture_free(&mix);
}

/* From the second step on, nothing is allocated; but that two scores in one, or one with a
measurement, take a block for as long as an evaluation lasts: any number of threads may ask them. */

static long counts[12];

static void count_step(long step, double t, const float *x, long n, void *user) {
    (void)t, (void)x, (void)n, (void)user;
    if (step < 12) counts[step] = alloc_calls;
}

static void steps_do_not_allocate(void **state) {
    enum { N = 300 };
    static float x[N * D];
    (void)state;
    run r;
    run_defaults(&r);
    r.mo.cond = C;
    run_model(&r);
    sgm_condition c;
    sgm_inverse p;
    sgm_guided g;
    sgm_inverse_options o;
    memset(&o, 0, sizeof o);
    o.sample.steps = 10, o.sample.on_step = count_step, o.sample.method = SGM_METHOD_EULER_MARUYAMA;
    CHECK_OK(sgm_condition_init(&c, &r.model, 0, r.cond, 1));
    CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0.1));
    sgm_score u = sgm_model_score(&r.model, 0), y = sgm_condition_score(&c);
    CHECK_OK(sgm_guided_init(&g, &u, &y, 0, 2));
    sgm_score s = sgm_guided_score(&g);
    for (int method = 0; method < 5; method++)
        for (int guided = 0; guided < 2; guided++) {
            const sgm_score *score = guided ? &s : &y;
            /* a step asks once; RePaint with each return; for a pull, also for s and for Jᵀw */
            static const int asked[5] = {1, 3, 3, 2, 1};
            o.method = (sgm_inverse_method)(method < 4 ? method : 0);
            o.resample = o.method == SGM_INVERSE_REPAINT ? 3 : 0;
            if (method < 4) CHECK_OK(sgm_inverse_sample(x, N, score, &p, &o, sgm_key_init(1)));
            else CHECK_OK(sgm_sample(x, N, score, &o.sample, sgm_key_init(1)));
            long blocks = guided * asked[method] + (method == SGM_INVERSE_PIGDM);
            for (int i = 2; i < 10; i++) assert_int_equal(counts[i] - counts[i - 1], blocks);
            if (o.method == SGM_INVERSE_REPAINT) blocks = guided; /* nothing comes after the last step */
            assert_int_equal(counts[10] - counts[9], blocks);
        }
    sgm_inverse_free(&p), run_end(&r);
}

/* One key, one result, for any number of threads. */

static void same_bits(void **state) {
    enum { N = 700 };
    static float x[2][N * D];
    static float params[2][4000];
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        run r;
        sgm_condition c;
        sgm_inverse p;
        sgm_inverse_options o;
        set_threads(threads);
        run_defaults(&r);
        r.mo.cond = C, r.to.cond_dropout = 0.3;
        run_trainer(&r);
        for (int i = 0; i < 5; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
        memcpy(params[threads - 1], r.model.params, r.model.n_params * sizeof(float));
        memset(&o, 0, sizeof o);
        o.method = SGM_INVERSE_PIGDM, o.sample.steps = 5, o.sample.method = SGM_METHOD_EULER_MARUYAMA;
        CHECK_OK(sgm_condition_init(&c, &r.model, 0, r.cond, 1));
        CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0.1));
        sgm_score y = sgm_condition_score(&c);
        CHECK_OK(sgm_inverse_sample(x[threads - 1], N, &y, &p, &o, sgm_key_init(1)));
        sgm_inverse_free(&p), run_end(&r);
    }
    assert_memory_equal(x[0], x[1], sizeof x[0]);
    assert_memory_equal(params[0], params[1], sizeof params[0]);
}

/* One condition for each point, alone and guided, with a scaler: a sampler that is reset draws what a
new one with that key draws. */

/* Points with a condition each, and measured points, are drawn in blocks as they are at once. */

static void drawn_in_blocks(void **state) {
    enum { N = 48, CUT = 17 };
    static float whole[N * D], x[N * D];
    const float A[2 * D] = {1, 0.5f, 0, 1}, y[2] = {0.3f, 0.1f};
    sgm_inverse p;
    sgm_condition c;
    run r;
    (void)state;
    run_defaults(&r);
    r.mo.cond = C;
    run_model(&r);
    CHECK_OK(sgm_condition_init(&c, &r.model, 0, r.cond, N));
    CHECK_OK(sgm_inverse_init(&p, D, 1, A, y, 0.1));
    for (int method = -1; method <= SGM_INVERSE_PIGDM; method++) {
        sgm_score score = sgm_condition_score(&c);
        sgm_inverse_options o;
        memset(&o, 0, sizeof o);
        o.method = (sgm_inverse_method)(method < 0 ? 0 : method), o.sample.steps = 6;
        o.sample.method = SGM_METHOD_ANCESTRAL, o.resample = method == SGM_INVERSE_REPAINT ? 2 : 0;
        for (int block = -1; block < 2; block++) {
            float *to = block < 0 ? whole : x + D * CUT * block;
            long n = block < 0 ? N : block ? N - CUT : CUT;
            score.first = block > 0 ? CUT : 0, score.of = N;
            CHECK_OK(method < 0 ? sgm_sample(to, n, &score, &o.sample, sgm_key_init(4))
                                : sgm_inverse_sample(to, n, &score, &p, &o, sgm_key_init(4)));
        }
        assert_memory_equal(x, whole, sizeof x);
    }
    sgm_inverse_free(&p), run_end(&r);
}

static void reset_with_conditions(void **state) {
    enum { N = 48 };
    static float x[N * D], truth[N * D];
    const sgm_method methods[3] = {SGM_METHOD_ANCESTRAL, SGM_METHOD_RK45, SGM_METHOD_DPMPP_3M};
    run r;
    sgm_condition c;
    sgm_guided g;
    sgm_scaler scaler;
    float rough[6] = {1, 5, 2, 9, 4, 8};
    (void)state;
    run_defaults(&r);
    r.mo.cond = C, r.to.cond_dropout = 0.3;
    run_trainer(&r);
    for (int i = 0; i < 5; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
    CHECK_OK(sgm_scaler_init(&scaler, rough, 3, D));
    CHECK_OK(sgm_condition_init(&c, &r.model, 0, r.cond, N));
    sgm_score told = sgm_condition_score(&c), plain = sgm_model_score(&r.model, 0);
    told.scaler = plain.scaler = &scaler;
    CHECK_OK(sgm_guided_init(&g, &plain, &told, 0, 2));
    sgm_score score[2];
    score[0] = told, score[1] = sgm_guided_score(&g);
    for (int k = 0; k < 6; k++) {
        sgm_sample_options o;
        sgm_sampler sampler;
        memset(&o, 0, sizeof o), o.method = methods[k / 2], o.steps = 6;
        (void)sgm_sample(truth, N, &score[k % 2], &o, sgm_key_init(2)); /* NOT_LEARNT, rightly */
        CHECK_OK(sgm_sampler_init(&sampler, &score[k % 2], N, &o, sgm_key_init(1)));
        sgm_sampler_prior(&sampler, x);
        for (int i = 0; i < 4; i++) CHECK_OK(sgm_sampler_step(&sampler, x));
        sgm_sampler_reset(&sampler, sgm_key_init(2)), sgm_sampler_prior(&sampler, x);
        while (!sgm_sampler_done(&sampler)) CHECK_OK(sgm_sampler_step(&sampler, x));
        assert_memory_equal(x, truth, sizeof x);
        sgm_sampler_free(&sampler);
    }
    sgm_scaler_free(&scaler), run_end(&r);
}

/*
## Particles (§8.6)

On Gaussian data with a diagonal covariance the reverse chain is a linear recursion for each
coordinate, so what it draws without y is N(M, diag V), and its evidence and posterior for one
measurement are Kalman's (8.15). Of 12 steps: the chain is far from the data's law, by more than the
tolerance, and the particles must follow the chain.
*/

static const double smc_mu[2] = {0.8, -0.5}, smc_var[2] = {1.5, 0.3};

static void smc_chain(double M[2], double V[2], const sgm_sde *sde, sgm_method method, int steps) {
    double t[64], c[3];
    CHECK_OK(sgm_time_grid(t, steps - 1, SGM_GRID_LOGSNR, sde, sde->T, sde->t_min));
    for (int j = 0; j < 2; j++) {
        M[j] = 0, V[j] = sgm_sde_prior(sde) * sgm_sde_prior(sde);
        for (int i = 0; i < steps; i++) {
            double m = sgm_sde_m(sde, t[i]), s = sgm_sde_s(sde, t[i]), v = m * m * smc_var[j] + s * s;
            if (i + 1 < steps) sgm__reverse_step(c, method, sde, t[i], t[i + 1]);
            else sgm__denoise_step(c, sde, t[i]);
            M[j] = (c[0] - c[1] / v) * M[j] + c[1] / v * m * smc_mu[j];
            V[j] = (c[0] - c[1] / v) * (c[0] - c[1] / v) * V[j] + c[2] * c[2];
        }
    }
}

static void smc_chain_posterior(void **state) {
    enum { P = 200, N = 10000, R = N / P, STEPS = 12, TRIED = 10 };
    static float x[N * 2];
    const float A[2] = {1, 0.6f}, y = -0.4f;
    const double tau = 0.4;
    (void)state;
    sgm_sde sdes[TRIED];
    for (int q = 0; q < TRIED; q++) sdes[q] = sgm_sde_vp(0.1, 20);
    sdes[1] = sgm_sde_edm(0.02, 40), sdes[2] = sgm_sde_subvp(0.1, 20), sdes[6] = sgm_sde_ve(0.02, 40);
    sdes[7] = sgm_sde_cosine(), sdes[8] = sgm_sde_rectified();
    for (int q = 0; q < TRIED; q++) {
        sgm_sde sde = sdes[q];
        sgm_smc_options o;
        sgm_smc_result r;
        sgm_mixture prior;
        sgm_inverse p;
        double M[2], V[2], H[2], total, at, truth_mean[2], truth_var[2];
        memset(&o, 0, sizeof o), o.particles = P, o.steps = STEPS;
        o.method = q == 3 ? SGM_METHOD_REVERSE_DIFFUSION : q == 9 ? SGM_METHOD_EULER_MARUYAMA : SGM_METHOD_ANCESTRAL;
        o.grid = SGM_GRID_LOGSNR;
        o.threshold = q == 4 ? 1 : q == 5 ? 1e-9 : 0; /* always, and never */
        o.sigma_data = q == 4 ? 0.6 : 0;              /* a wrong twist cancels */
        CHECK_OK(sgm_mixture_init(&prior, 1, 2, NULL, smc_mu, smc_var, SGM_COV_DIAGONAL, &sde));
        CHECK_OK(sgm_inverse_init(&p, 2, 1, A, &y, tau));
        sgm_score score = sgm_mixture_score(&prior);
        CHECK_OK(sgm_smc(x, NULL, N, &score, &p, &o, &r, sgm_key_init(5)));
        smc_chain(M, V, &sde, o.method, STEPS);
        total = tau * tau, at = 0;
        for (int j = 0; j < 2; j++) H[j] = V[j] * A[j], total += H[j] * A[j], at += M[j] * A[j];
        for (int j = 0; j < 2; j++) {
            truth_mean[j] = M[j] + H[j] / total * (y - at), truth_var[j] = V[j] - H[j] * H[j] / total;
        }
        double evidence = exp(-0.5 * (y - at) * (y - at) / total) / sqrt(2 * SGM__PI * total);
        /* (8.19) Ẑ is unbiased: its mean over R runs, with their own standard error */
        CHECK_CLOSE(exp(r.log_evidence), evidence, CHECK_SIGMAS * evidence * r.evidence_se);
        assert_true(r.evidence_se < 0.04 && r.ess_least > 0.3 * P); /* so ψ is of use */
        for (int j = 0; j < 2; j++) { /* moments of each run; a run's bias is of the order of 1/P */
            double run_mean[R], run_square[R], se;
            for (int i = 0; i < R; i++) {
                run_mean[i] = run_square[i] = 0;
                for (int k = i * P; k < (i + 1) * P; k++) {
                    double off = x[2 * k + j] - truth_mean[j];
                    run_mean[i] += off / P, run_square[i] += off * off / P;
                }
            }
            double mean_off = check_mean(run_mean, R, &se);
            CHECK_CLOSE(mean_off, 0, CHECK_SIGMAS * se + 2.0 / P);
            mean_off = check_mean(run_square, R, &se);
            CHECK_CLOSE(mean_off, truth_var[j], CHECK_SIGMAS * se + 2.0 / P);
        }
        assert_true(r.ess >= 1 && r.ess <= P && r.ess_least >= 1 && r.ess_least <= r.ess + 1e-9);
        assert_true(r.ancestors >= 1 && r.ancestors <= P && r.nfe == 3 * STEPS);
        if (q == 4) CHECK_CLOSE(r.resamplings, STEPS + 1, 1e-9);
        if (q == 5) CHECK_CLOSE(r.resamplings, 1, 1e-9);
        sgm_inverse_free(&p), sgm_mixture_free(&prior);
    }
}

/* With what x̂0 leaves out (8.21), six steps are exact on Gaussian data along the axes, up to the prior
(1/T² of a variance) and the last step ((σ_min/σ_d)² of it), both below 2e-3; without it they are not: the
planted fault. */

static void smc_few_steps(void **state) {
    enum { P = 400, N = 40000, R = N / P, STEPS = 6 };
    static float x[N * 2];
    const float A[2] = {1, 0.6f}, y = -0.4f;
    const double tau = 0.4;
    (void)state;
    const sgm_sde sde = sgm_sde_edm(0.02, 40);
    sgm_mixture prior;
    sgm_inverse p;
    sgm_smc_options o;
    CHECK_OK(sgm_mixture_init(&prior, 1, 2, NULL, smc_mu, smc_var, SGM_COV_DIAGONAL, &sde));
    CHECK_OK(sgm_inverse_init(&p, 2, 1, A, &y, tau));
    sgm_score score = sgm_mixture_score(&prior);
    score.vjp = NULL;
    double t[STEPS], left[STEPS * 2], total = tau * tau, at = 0, H[2], off[2][3];
    CHECK_OK(sgm_time_grid(t, STEPS - 1, SGM_GRID_LOGSNR, &sde, sde.T, sde.t_min));
    for (int i = 0; i < STEPS * 2; i++)
        left[i] = smc_var[i % 2] * t[i / 2] * t[i / 2] / (smc_var[i % 2] + t[i / 2] * t[i / 2]);
    for (int j = 0; j < 2; j++) H[j] = smc_var[j] * A[j], total += H[j] * A[j], at += smc_mu[j] * A[j];
    const double evidence = exp(-0.5 * (y - at) * (y - at) / total) / sqrt(2 * SGM__PI * total);
    for (int q = 0; q < 2; q++) {
        sgm_smc_result r;
        memset(&o, 0, sizeof o), o.particles = P, o.steps = STEPS, o.grid = SGM_GRID_LOGSNR;
        o.no_vjp = 1, o.left = q ? NULL : left;
        CHECK_OK(sgm_smc(x, NULL, N, &score, &p, &o, &r, sgm_key_init(5)));
        assert_true(r.nfe == STEPS && r.ess > 0.3 * P);
        off[q][2] = fabs(exp(r.log_evidence) / evidence - 1) / (CHECK_SIGMAS * r.evidence_se + 2e-3);
        for (int j = 0; j < 2; j++) {
            double run_square[R], se, truth = smc_var[j] - H[j] * H[j] / total;
            for (int i = 0; i < R; i++) {
                run_square[i] = 0;
                for (int k = i * P; k < (i + 1) * P; k++) {
                    double by = x[2 * k + j] - smc_mu[j] - H[j] / total * (y - at);
                    run_square[i] += by * by / P;
                }
            }
            double got = check_mean(run_square, R, &se);
            off[q][j] = fabs(got - truth) / (CHECK_SIGMAS * se + 2.0 / P + 2e-3 * truth);
        }
    }
    for (int j = 0; j < 3; j++) CHECK_CLOSE(off[0][j], 0, 1);
    assert_true(fmax(off[1][0], off[1][1]) > 2);
    o.left = left, o.method = SGM_METHOD_EULER_MARUYAMA;
    CHECK_FAILS(sgm_smc(x, NULL, P, &score, &p, &o, NULL, sgm_key_init(5)), SGM_BAD_ARGUMENT, "left");
    o.no_vjp = 0, o.left = NULL;
    CHECK_FAILS(sgm_smc(x, NULL, P, &score, &p, &o, NULL, sgm_key_init(5)), SGM_BAD_ARGUMENT, "vjp");
    sgm_inverse_free(&p), sgm_mixture_free(&prior);
}

/* (8.19) is unbiased for few particles, too, and for one, which is importance sampling; on a mixture
it is the same number whatever the twist: that of many. */

static void smc_evidence(void **state) {
    enum { N = 10000 };
    static float x[N * D];
    const long particles[4] = {1, 4, 20, 1000};
    double log_z[8], se[8];
    sgm_mixture mix;
    sgm_inverse p;
    (void)state;
    mixture(&mix, sgm_sde_vp(0.1, 20));
    CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0.5));
    sgm_score score = sgm_mixture_score(&mix);
    for (int q = 0; q < 8; q++) {
        sgm_smc_options o;
        sgm_smc_result r;
        memset(&o, 0, sizeof o), o.steps = 15, o.particles = particles[q % 4];
        o.sigma_data = q < 4 ? 1 : 2, o.threshold = q < 4 ? 0.5 : 0.9;
        CHECK_OK(sgm_smc(x, NULL, N, &score, &p, &o, &r, sgm_key_init((uint64_t)q)));
        log_z[q] = r.log_evidence, se[q] = r.evidence_se;
        assert_true(se[q] > 0 && se[q] < 0.1);
        if (particles[q % 4] == 1) CHECK_CLOSE(r.ess, 1, 1e-9);
        for (int k = 0; k < q; k++)
            CHECK_CLOSE(exp(log_z[q] - log_z[k]), 1, CHECK_SIGMAS * sqrt(se[q] * se[q] + se[k] * se[k]) * 1.1);
    }
    sgm_inverse_free(&p), sgm_mixture_free(&mix);
}

/* With many steps it is p(y) itself and the posterior (8.15): mean within the errors of chance and of
steps of order 1, h in log-SNR each. */

static void smc_limit(void **state) {
    enum { N = 10000, P = 2000, STEPS = 100 };
    static float x[N * D], truth[N * D];
    const double tau = 0.5;
    double Z = 0;
    sgm_mixture mix, post;
    sgm_inverse p;
    sgm_smc_options o;
    sgm_smc_result r;
    (void)state;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    mixture(&mix, sde);
    CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, tau));
    CHECK_OK(sgm_mixture_posterior(&post, &mix, &p));
    sgm_score score = sgm_mixture_score(&mix);
    memset(&o, 0, sizeof o), o.steps = STEPS, o.particles = P;
    CHECK_OK(sgm_smc(x, NULL, N, &score, &p, &o, &r, sgm_key_init(3)));
    for (int k = 0; k < 4; k++) {
        const float *h = A_rows[0];
        double at = h[0] * mean[k][0] + h[1] * mean[k][1];
        double q = h[0] * (h[0] * cov[k][0][0] + 2 * h[1] * cov[k][0][1]) + h[1] * h[1] * cov[k][1][1] + tau * tau;
        Z += weight[k] * exp(-0.5 * (y_values[0] - at) * (y_values[0] - at) / q) / sqrt(2 * SGM__PI * q);
    }
    double h = (sgm_sde_logsnr(&sde, sde.t_min) - sgm_sde_logsnr(&sde, sde.T)) / (STEPS - 1);
    CHECK_CLOSE(r.log_evidence, log(Z), CHECK_SIGMAS * r.evidence_se + 0.25 * h);
    CHECK_OK(sgm_mixture_sample(&post, truth, NULL, N, 0, sgm_key_init(4)));
    for (int j = 0; j < D; j++) {
        check_moments got = check_moments_of(x + j, N, D), want = check_moments_of(truth + j, N, D);
        CHECK_CLOSE(got.mean, want.mean, 2 * CHECK_SIGMAS * sqrt(2 * want.var / N) + 0.25 * h * sqrt(want.var));
        CHECK_CLOSE(got.var, want.var, 2 * CHECK_SIGMAS * want.var * sqrt(4.0 / N) + 0.5 * h * want.var);
    }
    sgm_inverse_free(&p), sgm_mixture_free(&mix), sgm_mixture_free(&post);
}

/* Systematic resampling: copies within 1 of their share, and right on average over U. */

static void smc_picks(void **state) {
    enum { N = 37, U = 2000 };
    double logw[N], mean_copies[N], log_mean, sum = 0, square = 0;
    long pick[N];
    float z[N];
    (void)state;
    sgm_normal(z, N, sgm_key_init(8), 0);
    for (int k = 0; k < N; k++) {
        logw[k] = 3.0 * z[k] - 700, mean_copies[k] = 0;
        sum += exp(3.0 * z[k]), square += exp(6.0 * z[k]);
    }
    double ess = sgm__smc_weigh(logw, N, &log_mean);
    CHECK_REL(ess, sum * sum / square, 1e-12);
    CHECK_REL(log_mean, log(sum / N) - 700, 1e-13);
    for (int q = 0; q < U; q++) {
        int copies[N] = {0};
        sgm__smc_pick(pick, logw, N, (q + 0.5) / U);
        for (int i = 0; i < N; i++) {
            assert_true(pick[i] >= 0 && pick[i] < N && (i == 0 || pick[i] >= pick[i - 1]));
            copies[pick[i]]++;
        }
        for (int k = 0; k < N; k++) {
            assert_true(fabs(copies[k] - N * exp(3.0 * z[k]) / sum) < 1);
            mean_copies[k] += (double)copies[k] / U;
        }
    }
    for (int k = 0; k < N; k++) CHECK_CLOSE(mean_copies[k], N * exp(3.0 * z[k]) / sum, 1.0 / U);
}

/* Weights sum to 1 in each run, are those of the sizes told, and the last resampling follows them;
a run does not see its neighbours; any number of threads. */

static void smc_weights(void **state) {
    enum { P = 60, R = 4, STEPS = 9, N = P * R };
    static float x[N * D], once[N * D], one[P * D];
    double weight_of[N], ess[STEPS + 1], again[STEPS + 1], sum_ess = 0;
    sgm_mixture mix;
    sgm_inverse p;
    sgm_smc_options o;
    sgm_smc_result r, kept;
    (void)state;
    mixture(&mix, sgm_sde_subvp(0.1, 20));
    CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0.1));
    sgm_score score = sgm_mixture_score(&mix);
    memset(&o, 0, sizeof o), o.steps = STEPS, o.particles = P, o.ess = ess;
    CHECK_OK(sgm_smc(x, weight_of, N, &score, &p, &o, &kept, sgm_key_init(3)));
    for (int run_of = 0; run_of < R; run_of++) {
        double sum = 0, square = 0;
        for (int k = run_of * P; k < (run_of + 1) * P; k++) sum += weight_of[k], square += weight_of[k] * weight_of[k];
        CHECK_CLOSE(sum, 1, 1e-12);
        sum_ess += 1 / square / R;
    }
    CHECK_REL(kept.ess, sum_ess, 1e-12);
    CHECK_REL(ess[STEPS], sum_ess, 1e-12);
    for (int i = 0; i <= STEPS; i++) assert_true(ess[i] >= 1 && ess[i] <= P * (1 + 1e-12) && ess[i] >= kept.ess_least);
    o.ess = again;
    for (int threads = 1; threads <= 2; threads++) {
        set_threads(threads);
        CHECK_OK(sgm_smc(once, NULL, N, &score, &p, &o, &r, sgm_key_init(3)));
        assert_memory_equal(ess, again, sizeof ess);
        assert_true(r.log_evidence == kept.log_evidence && r.resamplings == kept.resamplings + 1);
        for (int i = 0; i < N; i++) { /* copies of what was weighed, no more than their share and 1 */
            double share = 0, copies = 0;
            int from = i / P * P;
            for (int k = from; k < from + P; k++) {
                if (!memcmp(once + i * D, x + k * D, sizeof(float) * D)) share += P * weight_of[k];
                copies += !memcmp(once + i * D, once + k * D, sizeof(float) * D);
            }
            assert_true(share > 0 && copies < share + 1 && copies > share - 1);
        }
    }
    o.ess = NULL, o.particles = 0;
    CHECK_OK(sgm_smc(one, NULL, P, &score, &p, &o, &r, sgm_key_init(3)));
    assert_memory_equal(one, once, sizeof one);
    assert_true(r.evidence_se != r.evidence_se); /* one run: unknown */
    sgm_inverse_free(&p), sgm_mixture_free(&mix);
}

/* A scaler changes units and nothing else: x = shift + c x', and p(y) is that of y. One condition for
each run arrives there, and one for each particle is refused. */

static void smc_scaled(void **state) {
    enum { N = 200, P = 50 };
    static float x[N * D], scaled[N * D], rough[6] = {1, 5, 2, 9, 4, 8};
    float A[D] = {0.7f, -0.2f}, B[D], y = 1.5f, y_scaled = y;
    sgm_mixture mix;
    sgm_scaler scaler;
    sgm_inverse p, q;
    sgm_smc_options o;
    sgm_smc_result a, b;
    (void)state;
    mixture(&mix, sgm_sde_vp(0.1, 20));
    CHECK_OK(sgm_scaler_init(&scaler, rough, 3, D));
    for (int j = 0; j < D; j++) {
        B[j] = (float)(A[j] * scaler.scale[j]), y_scaled -= (float)(A[j] * scaler.shift[j]);
    }
    CHECK_OK(sgm_inverse_init(&p, D, 1, A, &y, 0.4));
    CHECK_OK(sgm_inverse_init(&q, D, 1, B, &y_scaled, 0.4));
    sgm_score plain = sgm_mixture_score(&mix), raw = plain;
    raw.scaler = &scaler;
    memset(&o, 0, sizeof o), o.steps = 9, o.particles = P;
    CHECK_OK(sgm_smc(x, NULL, N, &raw, &p, &o, &a, sgm_key_init(3)));
    CHECK_OK(sgm_smc(scaled, NULL, N, &plain, &q, &o, &b, sgm_key_init(3)));
    CHECK_CLOSE(a.log_evidence, b.log_evidence, 1e-4); /* y − A·shift, rounded, over τ */
    sgm_scaler_undo(&scaler, scaled, scaled, N);
    for (int i = 0; i < N * D; i++) CHECK_CLOSE(x[i], scaled[i], 1e-3);
    sgm_inverse_free(&p), sgm_inverse_free(&q), sgm_scaler_free(&scaler), sgm_mixture_free(&mix);

    run r;
    sgm_condition c;
    run_defaults(&r);
    r.mo.cond = C;
    run_model(&r);
    CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0.5));
    for (int rows = 1; rows <= N; rows *= N / P) {
        CHECK_OK(sgm_condition_init(&c, &r.model, 0, r.cond, rows));
        sgm_score told = sgm_condition_score(&c);
        if (rows <= N / P) CHECK_OK(sgm_smc(x, NULL, N, &told, &p, &o, NULL, sgm_key_init(1)));
        else CHECK_FAILS(sgm_smc(x, NULL, N, &told, &p, &o, NULL, sgm_key_init(1)), SGM_MISMATCH, "conditions");
    }
    sgm_inverse_free(&p), run_end(&r);
}

static void bad_particles(void **state) {
    enum { N = 12 };
    float x[N * D];
    sgm_mixture mix;
    sgm_inverse p, sharp, other;
    sgm_smc_options o;
    (void)state;
    mixture(&mix, sgm_sde_vp(0.1, 20));
    CHECK_OK(sgm_inverse_init(&p, D, 1, A_rows[0], y_values, 0.5));
    CHECK_OK(sgm_inverse_init(&sharp, D, 1, A_rows[0], y_values, 0));
    CHECK_OK(sgm_inverse_init(&other, G, 1, A_rows[0], y_values, 0.5));
    sgm_score score = sgm_mixture_score(&mix), bare = score, block = score;
    bare.vjp = NULL, block.of = 40;
    const sgm_key key = sgm_key_init(1);
    memset(&o, 0, sizeof o), o.steps = 4;
    CHECK_FAILS(sgm_smc(NULL, NULL, N, &score, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "a place");
    sgm_smc_result none; /* of what failed nothing is known: 0 would say p(y) = 1 */
    CHECK_FAILS(sgm_smc(x, NULL, 0, &score, &p, &o, &none, key), SGM_BAD_ARGUMENT, "at least 1");
    assert_true(none.log_evidence != none.log_evidence && none.ess != none.ess && none.nfe == 0);
    CHECK_FAILS(sgm_smc(x, NULL, 0, &score, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "at least 1");
    CHECK_FAILS(sgm_smc(x, NULL, N, &score, &sharp, &o, NULL, key), SGM_BAD_ARGUMENT, "give it some");
    CHECK_FAILS(sgm_smc(x, NULL, N, &bare, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "vjp");
    CHECK_FAILS(sgm_smc(x, NULL, N, &score, &other, &o, NULL, key), SGM_MISMATCH, "make A (m,D)");
    CHECK_FAILS(sgm_smc(x, NULL, N, &block, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "change places");
    const double bad[4] = {-0.1, 1.01, (double)NAN, (double)INFINITY};
    for (int i = 0; i < 4; i++) {
        o.threshold = bad[i];
        CHECK_FAILS(sgm_smc(x, NULL, N, &score, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "threshold");
        o.threshold = 0, o.sigma_data = bad[i];
        if (i != 1) CHECK_FAILS(sgm_smc(x, NULL, N, &score, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "sigma_data");
        o.sigma_data = 0;
    }
    for (long each = -1; each <= 13; each++) {
        o.particles = each;
        if (each >= 0 && each <= N && (each == 0 || N % each == 0)) CHECK_OK(sgm_smc(x, NULL, N, &score, &p, &o, NULL, key));
        else CHECK_FAILS(sgm_smc(x, NULL, N, &score, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "multiple");
    }
    o.particles = 0, o.method = SGM_METHOD_DDIM;
    CHECK_FAILS(sgm_smc(x, NULL, N, &score, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "first three");
    o.method = SGM_METHOD_AUTO, o.steps = -1;
    CHECK_FAILS(sgm_smc(x, NULL, N, &score, &p, &o, NULL, key), SGM_BAD_ARGUMENT, "step");
    CHECK_OK(sgm_smc(x, NULL, N, &score, &p, NULL, NULL, key)); /* the defaults */
    for (int i = 0; i < N * D; i++) assert_true(fabs(x[i]) < 100);
    /* a y from another world, with next to no noise: refused or finite, never NaN */
    float far_off = 3e30f;
    sgm_smc_result r;
    sgm_inverse_free(&other);
    CHECK_OK(sgm_inverse_init(&other, D, 1, A_rows[0], &far_off, 1e-30));
    o.steps = 4;
    sgm_status status = sgm_smc(x, NULL, N, &score, &other, &o, &r, key);
    assert_true(status == SGM_NOT_FINITE || status == SGM_OK);
    for (int i = 0; status == SGM_OK && i < N * D; i++) assert_true(fabs(x[i]) <= FLT_MAX);
    sgm_inverse_free(&p), sgm_inverse_free(&sharp), sgm_inverse_free(&other), sgm_mixture_free(&mix);
}

#define TEST(name, f) {name, f, fresh_start, nothing_left, NULL}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST("(8.1) Bayes' rule, exactly", bayes),
        TEST("(8.5), (8.6) guidance, its interval, its derivatives", guided_formulas),
        TEST("(8.8) what guidance draws from", guided_law),
        TEST("one-hot labels", one_hot),
        TEST("conditions arrive, row by row", conditions_arrive),
        TEST("the ready networks listen", ready_networks),
        TEST("vjp is the transpose of jvp", transposes),
        TEST("jvp and score against differences", derivatives),
        TEST("condition dropout", condition_dropout),
        TEST("stop and go on with conditions", resume),
        TEST("(8.3) cross-entropy and its gradient", cross_entropy),
        TEST("a classifier's answers are one law", classifier_answers),
        TEST("a classifier finds the log-odds", classifier_learns),
        TEST("(8.9) the decomposition of A", decomposition),
        TEST("(8.13) exact on Gaussian data, in every family", pigdm_is_exact),
        TEST("(8.15) against integration on a grid", posterior_by_grid),
        TEST("(8.15) for every shape", posterior_shapes),
        TEST("(8.15) in long double, any units and scales", posterior_any_units),
        TEST("(8.9) rows of A in any units", rows_in_any_units),
        TEST("(8.15) points stay points, and as small", posterior_of_points),
        TEST("(8.15) no width is left", posterior_without_width),
        TEST("(8.10) one replacement", replacement_rule),
        TEST("replacement keeps what was measured", measurements_are_kept),
        TEST("A = I leaves nothing open", all_is_known),
        TEST("(8.12) one step of DPS", dps_step),
        TEST("how often RePaint asks", repaint_counts),
        TEST("RePaint, as a recursion", repaint_recursion),
        TEST("(8.10) RePaint does not forget y", repaint_keeps_y),
        TEST("(8.14) denoising", denoising),
        TEST("(8.17), (8.19) particles follow the chain's posterior", smc_chain_posterior),
        TEST("(8.20), (8.21) few steps without a vjp", smc_few_steps),
        TEST("(8.19) is unbiased, whatever the twist", smc_evidence),
        TEST("particles' limit is (8.15)", smc_limit),
        TEST("(8.18) weights and who is copied", smc_picks),
        TEST("particles, their weights, runs and threads", smc_weights),
        TEST("particles in other units, with conditions", smc_scaled),
        TEST("bad particles", bad_particles),
        TEST("bad conditions", bad_conditions),
        TEST("bad classifiers", bad_classifiers),
        TEST("bad guidance", bad_guidance),
        TEST("bad measurements", bad_measurements),
        TEST("out of memory", out_of_memory),
        TEST("steps do not allocate", steps_do_not_allocate),
        TEST("same bits on two threads", same_bits),
        TEST("a set with conditions is drawn in blocks", drawn_in_blocks),
        TEST("a sampler with conditions starts again", reset_with_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
