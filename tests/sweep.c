/*
Every sampling method on every grid, family and end, and every part that can meet another: a cell either refuses
with a cure, or its result is within a derived distance of the truth. "SGM_OK and wrong" ends with status 1.

    out/sweep [slice] [part ...]     slice: a small share of the cells, as `make test` runs it

The truth is a mixture in one dimension whose law at the end of a run is known in closed form. N samples of it have a
Kolmogorov distance above √(log(2/α)/2N) with probability α (Dvoretzky, Kiefer, Wolfowitz, Massart): with α = 10⁻⁶, over
all some 3000 cells, a right library is called wrong once in 300 sweeps, and the keys are fixed. The default numbers of
steps are part of what is tested: what they leave must not be seen beside that.
*/

#define SGM_IMPLEMENTATION
#include "../sgm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../tutorial/statistics.h"

static const double PI = 3.14159265358979323846;

enum { N = 1000, FAMILIES = 8, MODES = 3 };

static long cells, refused, right, wrong;
static int slice;
static const double limit_alpha = 1e-6;

static double limit(double n) { return sqrt(log(2 / limit_alpha) / (2 * n)); }

static double curve_beta(double t, void *user) { (void)user; return t * (0.2 + t * (4 + 3 * t)); }
static double curve_sigma2(double t, void *user) { (void)user; return t * t * (1 + 400 * t * t); }

static sgm_sde family(int i) {
    switch (i) {
    case 0: return sgm_sde_vp(0.1, 20);
    case 1: return sgm_sde_cosine();
    case 2: return sgm_sde_subvp(0.1, 20);
    case 3: return sgm_sde_ve(0.01, 50);
    case 4: return sgm_sde_edm(0.002, 80);
    case 5: return sgm_sde_rectified();
    case 6: return sgm_sde_user_beta(curve_beta, NULL);
    default: return sgm_sde_user_sigma2(curve_sigma2, NULL);
    }
}
static const char *const family_names[] = {"VP", "cosine", "sub-VP", "VE", "EDM", "rectified", "own beta", "own sigma2"};
static const char *const method_names[] = {"AUTO", "EM", "rev.diff", "ancestral", "SDE-DPM", "churn", "DDIM", "Euler",
    "Heun", "RK4", "RK45", "Adams", "DPM-2", "DPM-3", "++2M", "++3M"};
static const char *const grid_names[] = {"AUTO", "uniform", "log-SNR", "EDM", "quadratic"};

/* The truth: three modes, and their law at time t. */
typedef struct truth {
    sgm_sde sde;
    double t, mean[MODES], var[MODES], weight[MODES];
} truth;

static truth truth_of(sgm_sde sde) {
    truth w = {sde, 0, {-1.2, 0.1, 1}, {0.01, 0.04, 0.0225}, {0.3, 0.5, 0.2}};
    return w;
}

static double cdf(double x, void *user) {
    const truth *w = (const truth *)user;
    double m = w->t > 0 ? sgm_sde_m(&w->sde, w->t) : 1, s = w->t > 0 ? sgm_sde_s(&w->sde, w->t) : 0, sum = 0;
    for (int k = 0; k < MODES; k++)
        sum += w->weight[k] * 0.5 * erfc((m * w->mean[k] - x) / sqrt(2 * (m * m * w->var[k] + s * s)));
    return sum;
}

static void must(sgm_status status) {
    if (status == SGM_OK) return;
    fprintf(stderr, "sweep: %s\n", sgm_error());
    exit(2);
}

/* A refusal must say something that can be followed: more than a few words. */
static char verdict(sgm_status status, double distance, double most) {
    cells++;
    if (status != SGM_OK) {
        refused++;
        if (strlen(sgm_error()) > 20) return '-';
        wrong++;
        return '?';
    }
    if (distance <= most) return right++, '+';
    wrong++;
    return 'W';
}

static void sweep_methods(void) {
    static float x[N];
    static const char *const ends[] = {"closed end", "plain end at t_min", "plain end at 0"};
    for (int f = 0; f < FAMILIES; f++)
        for (int end = 0; end < 3; end++) {
            printf("\n%s, %s (+ right, - refused, W wrong)\n%-10s", family_names[f], ends[end], "");
            for (int g = 0; g < 5; g++) printf(" %-10s", grid_names[g]);
            printf("\n");
            for (int m = 0; m < 16; m++) {
                if (slice && (m * 7 + f * 3 + end) % 11) continue;
                printf("%-10s", method_names[m]);
                for (int g = 0; g < 5; g++) {
                    truth w = truth_of(family(f));
                    sgm_mixture mix;
                    sgm_sample_options o;
                    must(sgm_mixture_init(&mix, MODES, 1, w.weight, w.mean, w.var, SGM_COV_ISOTROPIC, &w.sde));
                    sgm_score score = sgm_mixture_score(&mix);
                    memset(&o, 0, sizeof o);
                    o.method = (sgm_method)m, o.grid = (sgm_grid_kind)g;
                    if (end) o.plain_end = 1, o.t_end = end == 1 ? w.sde.t_min : 0;
                    w.t = end == 1 ? w.sde.t_min : 0;
                    sgm_status status = sgm_sample(x, N, &score, &o, sgm_key_init((uint64_t)(1 + m + 16 * g)));
                    double ks = status == SGM_OK ? stat_ks(x, N, cdf, &w) : 0;
                    char v = verdict(status, ks, limit(N));
                    if (v == '-') printf(" %-10s", "-");
                    else printf(" %c %.4f  ", v, ks);
                    sgm_mixture_free(&mix);
                }
                printf("\n");
                fflush(stdout);
            }
        }
}

/* Every method with what else can be asked of it, under two families: a corrector, DDIM's noise, churn, one Brownian path, the
closed form half way (points of p_t given), a scaler. All leave the law what it is. */
static void sweep_extras(void) {
    static float x[N];
    static const char *const extras[] = {"corrector", "eta .5", "churn", "path", "x given", "scaler", "rtol"};
    double shift[1] = {5}, scale[1] = {3};
    sgm_scaler scaler = {1, shift, scale, 0};
    for (int f = 0; f < 5; f += 4) {
        printf("\n%s, with\n%-10s", family_names[f], "");
        for (int e = 0; e < 7; e++) printf(" %-10s", extras[e]);
        printf("\n");
        for (int m = 0; m < 16; m++) {
            if (slice && (m + f) % 5) continue;
            printf("%-10s", method_names[m]);
            for (int e = 0; e < 7; e++) {
                truth w = truth_of(family(f));
                sgm_mixture mix;
                sgm_sample_options o;
                must(sgm_mixture_init(&mix, MODES, 1, w.weight, w.mean, w.var, SGM_COV_ISOTROPIC, &w.sde));
                sgm_score score = sgm_mixture_score(&mix);
                memset(&o, 0, sizeof o);
                o.method = (sgm_method)m;
                if (e == 0) o.corrector = 1, o.snr = 0.05; /* a step of .005 of a variance: its bias (6.4) is not seen */
                if (e == 1) o.eta = 0.5;
                if (e == 2) o.churn = 20;
                if (e == 3) o.steps = 501, o.path_steps = 1000;
                if (e == 4) {
                    o.t_start = sgm_sde_t_from_logsnr(&w.sde, 0), o.x_given = 1;
                    must(sgm_mixture_sample(&mix, x, NULL, N, o.t_start, sgm_key_init(77)));
                }
                if (e == 5) score.scaler = &scaler;
                if (e == 6) o.rtol = 1e-4, o.atol = 1e-4;
                sgm_status status = sgm_sample(x, N, &score, &o, sgm_key_init((uint64_t)(500 + m + 16 * e)));
                for (int i = 0; e == 5 && i < N; i++) x[i] = (float)((x[i] - shift[0]) / scale[0]);
                double ks = status == SGM_OK ? stat_ks(x, N, cdf, &w) : 0;
                char v = verdict(status, ks, limit(N));
                if (v == '-') printf(" %-10s", "-");
                else printf(" %c %.4f  ", v, ks);
                sgm_mixture_free(&mix);
            }
            printf("\n");
            fflush(stdout);
        }
    }
}

/* Measurements: data N(μ, ¼ I) in two dimensions, of which the first coordinate is seen. The second knows nothing of it, so under
every method it must stay what it was; the first must be what was seen (replacement, RePaint: exactly; PiGDM, exact for such
data: the posterior; DPS, tuned: nearer than the prior). */
static double normal_cdf(double x, void *user) {
    const double *w = (const double *)user;
    return 0.5 * erfc((w[0] - x) / (w[1] * sqrt(2)));
}

static void sweep_inverse(void) {
    static float x[N * 2], one[N];
    static const char *const names[] = {"replacement", "RePaint", "DPS", "PiGDM"};
    double mean[2] = {0.3, -0.4}, var[1] = {0.25};
    float A[2] = {1, 0}, y[1] = {0.8f};
    for (int f = 0; f < 5; f += 4) {
        printf("\n%s, data N(mu, 1/4 I), one coordinate measured\n%-10s", family_names[f], "");
        for (int k = 0; k < 4; k++) printf(" %-11s", names[k]);
        printf("\n");
        for (int m = 0; m < 16; m++) {
            if (slice && (m + f) % 7) continue;
            printf("%-10s", method_names[m]);
            for (int k = 0; k < 4; k++) {
                sgm_sde sde = family(f);
                sgm_mixture mix;
                sgm_inverse p;
                sgm_inverse_options o;
                double tau = k == 3 ? 0.5 : 0, law[2] = {mean[1], 0.5}, seen[2] = {0, 0}, off = 0;
                must(sgm_mixture_init(&mix, 1, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde));
                must(sgm_inverse_init(&p, 2, 1, A, y, tau));
                sgm_score score = sgm_mixture_score(&mix);
                memset(&o, 0, sizeof o);
                o.method = (sgm_inverse_method)k, o.sample.method = (sgm_method)m;
                if (k == 1) o.resample = 2;
                if (k == 2) o.zeta = 0.05; /* tuned: its samples swing about y by as much (8.12) */
                if (k == 3) o.sigma_data = 0.5;
                if (m == SGM_METHOD_RK45 || m == SGM_METHOD_DPM_3 || m == SGM_METHOD_RK4) o.sample.steps = 200;
                sgm_status status = sgm_inverse_sample(x, N, &score, &p, &o, sgm_key_init((uint64_t)(900 + m + 16 * k)));
                double ks = 0;
                if (status == SGM_OK) {
                    for (int i = 0; i < N; i++) one[i] = x[2 * i + 1], off += fabs(x[2 * i] - y[0]) / N;
                    ks = stat_ks(one, N, normal_cdf, law);
                    seen[0] = mean[0] + 0.25 / (0.25 + tau * tau) * (y[0] - mean[0]); /* (8.15) */
                    seen[1] = sqrt(0.25 * tau * tau / (0.25 + tau * tau));
                    for (int i = 0; i < N; i++) one[i] = x[2 * i];
                    if (k == 3) ks = fmax(ks, stat_ks(one, N, normal_cdf, seen));
                    if (k < 2 && off > 1e-3) ks = 1; /* the last step leaves s(t_min) of nothing */
                    if (k == 2 && off > 0.1) ks = 1; /* twice what it swings by */
                }
                char v = verdict(status, ks, limit(N));
                if (v == '-') printf(" %-11s", "-");
                else printf(" %c %.4f   ", v, ks);
                sgm_mixture_free(&mix), sgm_inverse_free(&p);
            }
            printf("\n");
            fflush(stdout);
        }
    }
}

/* A score with one condition per point: N(c, ¼) with another c for each row; and guidance of it by γ = 1 and 0, whose laws are
known. It lives in 1-D; `rows` of it, more than any block of the library. */
enum { ROWS = 2500 };
static float centre[ROWS];

static sgm_status told_any(const sgm_score *self, float *s, float *js, double *logp, const float *x, const float *v,
                           const float *t, long n) {
    for (long i = 0; i < n; i++) {
        double m = sgm_sde_m(&self->sde, t[i]), sd = sgm_sde_s(&self->sde, t[i]), var = m * m * 0.25 + sd * sd;
        long row = self->which == 1 ? -1 : self->row ? self->row[i] : self->first + i;
        double off = x[i] - (row < 0 ? 0 : m * centre[row]), plain = self->which == 2;
        double wide = var + 4 * m * m; /* of the law when nothing is known: c is N(0, 4) */
        if (row < 0) var = wide;
        if (s) s[i] = (float)(-off / var + plain * x[i] / wide); /* which = 2: a classifier's, the difference */
        if (js) js[i] = (float)((-1 / var + plain / wide) * v[i]);
        if (logp) logp[i] = -0.5 * (off * off / var + log(2 * PI * var));
    }
    return SGM_OK;
}
static sgm_status told_eval(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    return told_any(self, s, NULL, NULL, x, NULL, t, n);
}
static sgm_status told_jvp(const sgm_score *self, float *s, float *js, const float *x, const float *v, const float *t, long n) {
    return told_any(self, s, js, NULL, x, v, t, n);
}
static sgm_status told_logp(const sgm_score *self, double *logp, const float *x, const float *t, long n) {
    return told_any(self, NULL, NULL, logp, x, NULL, t, n);
}

static sgm_score told(const sgm_sde *sde, int nothing) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    score.d = 1, score.which = nothing, /* 0: given; 1: nothing is known; 2: the classifier between them */ score.sde = *sde;
    score.eval = told_eval, score.jvp = told_jvp, score.vjp = told_jvp, score.logp = told_logp;
    return score;
}

static void sweep_conditions(void) {
    static float x[ROWS], residual[ROWS];
    static double logp[ROWS], exact[ROWS], there[ROWS];
    static float at[ROWS], end[ROWS], latent[ROWS];
    sgm_sde sde = family(0);
    printf("\n%d conditions, one per point: samples' residuals; guided by 1; by 0; by a classifier and 1\n", ROWS);
    sgm_normal(centre, ROWS, sgm_key_init(3), 0);
    for (int i = 0; i < ROWS; i++) centre[i] *= 2, at[i] = (float)sde.t_min, end[i] = (float)sde.T;
    sgm_score given = told(&sde, 0), plain = told(&sde, 1), sorts = told(&sde, 2);
    for (int m = 0; m < 16; m++) {
        if (slice && m % 5) continue;
        printf("%-10s", method_names[m]);
        for (int k = 0; k < 4; k++) {
            sgm_guided g;
            sgm_sample_options o;
            double law[2] = {0, k == 2 ? sqrt(4.25) : 0.5};
            must(sgm_guided_init(&g, &plain, k == 3 ? &sorts : &given, k == 3, k != 2));
            sgm_score guided = sgm_guided_score(&g);
            memset(&o, 0, sizeof o), o.method = (sgm_method)m;
            sgm_status status = sgm_sample(x, ROWS, k ? &guided : &given, &o, sgm_key_init((uint64_t)(1300 + m + 16 * k)));
            for (int i = 0; i < ROWS; i++) residual[i] = x[i] - (k == 2 ? 0 : centre[i]);
            double ks = status == SGM_OK ? stat_ks(residual, ROWS, normal_cdf, law) : 0;
            printf(" %c %.4f  ", verdict(status, ks, limit(ROWS)), ks);
        }
        sgm_likelihood_options l;
        sgm_likelihood_result r;
        memset(&l, 0, sizeof l), l.solve.method = (sgm_method)m;
        sgm_status status = sgm_likelihood(logp, NULL, latent, x, ROWS, &given, &l, &r, sgm_key_init(5));
        double most = 0;
        must(sgm_score_logp(&given, exact, x, at, ROWS));
        if (status == SGM_OK) must(sgm_score_logp(&given, there, latent, end, ROWS));
        for (int i = 0; i < ROWS && status == SGM_OK; i++) /* the model's latents are N(0, 1), not p_T */
            exact[i] += -0.5 * ((double)latent[i] * latent[i] + log(2 * PI)) - there[i];
        for (int i = 0; i < ROWS && status == SGM_OK; i++) most = fmax(most, fabs(logp[i] - exact[i]));
        /* some points lie 30 standard deviations out. What fixed steps leave there is told: halving the steps changes
           at least half of an error of order 1, and a tenth of the points is asked */
        double told_most = status != SGM_OK ? 0 : r.suspect ? HUGE_VAL : 1e-2 + 3 * r.change_most;
        printf(" likelihood %c %.1e (change %.1e%s)\n", verdict(status, most, told_most), most, r.change_most, r.suspect ? ", suspect" : "");
    }
    for (int k = 0; k < 2; k++) { /* losses: data is the condition itself, so only the noise is left in what is asked */
        sgm_loss loss;
        sgm_dsm_result r;
        double mean, se, want[2] = {0, 0};
        memset(&loss, 0, sizeof loss);
        loss.times = k ? SGM_TIMES_IMPORTANCE : SGM_TIMES_AUTO, loss.weight = k ? SGM_WEIGHT_G2 : SGM_WEIGHT_AUTO;
        /* with var = m^2/4 + s^2 the score is -s eps/var: E w (1 - s^2/var)^2, and E w s^2 (s^2/var^2 - 2/var), by the rule
           of midpoints in log t, of which 4000 leave 1e-6 */
        for (int i = 0; i < 4000; i++) {
            double span = log(sde.T / sde.t_min), t = sde.t_min * exp(span * (i + 0.5) / 4000);
            double m = sgm_sde_m(&sde, t), v = sgm_sde_s(&sde, t) * sgm_sde_s(&sde, t), var = m * m / 4 + v;
            double part = t * span / 4000 / (sde.T - sde.t_min) * sgm_loss_weight(&loss, &sde, t);
            want[0] += part * (1 - v / var) * (1 - v / var), want[1] += part * v * (v / (var * var) - 2 / var);
        }
        sgm_status status = sgm_dsm(&r, &given, NULL, centre, ROWS, &loss, 20000, sgm_key_init(6));
        printf("dsm %c %.4f +- %.4f, truth %.4f\n", verdict(status, fabs(r.loss - want[0]), 5 * r.loss_se), r.loss, r.loss_se, want[0]);
        loss.objective = SGM_OBJECTIVE_ISM;
        status = sgm_objective_value(&mean, &se, &given, centre, ROWS, &loss, 20000, sgm_key_init(6));
        printf("ism %c %.4f +- %.4f, truth %.4f\n", verdict(status, fabs(mean - want[1]), 5 * se), mean, se, want[1]);
    }
}

/* Training: for every objective, network, output, energy, condition, the gradient that a step uses is the slope of the loss it
reports, by a central difference along it: two runs from parameters moved by ±h g/|g|, with the same batch, times, noise and
probes. A loss in float has 10⁻⁶ of noise, and h is chosen to change it by some percent, of which the difference leaves the
square: 3 % covers both. */
static double trained_loss(const sgm_model_options *what, const sgm_train_options *how, const float *data, long n,
                           const float *direction, double h, float *grads, sgm_status *status) {
    sgm_model model;
    sgm_trainer run;
    double loss = NAN;
    *status = sgm_model_init(&model, what, sgm_key_init(11));
    if (*status != SGM_OK) return loss;
    for (size_t i = 0; direction && i < model.n_params; i++) model.params[i] += (float)(h * direction[i]);
    *status = sgm_trainer_init(&run, &model, data, n, how, sgm_key_init(12));
    if (*status == SGM_OK) {
        *status = sgm_trainer_step(&run);
        loss = run.loss;
        if (grads) memcpy(grads, run.grads, model.n_params * sizeof *grads);
        sgm_trainer_free(&run);
    }
    sgm_model_free(&model);
    return loss;
}

static size_t parameters(const sgm_model_options *what) {
    sgm_model model;
    if (sgm_model_init(&model, what, sgm_key_init(11)) != SGM_OK) return 0;
    size_t n = model.n_params;
    sgm_model_free(&model);
    return n;
}

static void sweep_training(void) {
    enum { D = 16, M = 24, CELLS = 14 };
    static float data[M * D], cond[M * (3 + D)];
    static int label[M];
    static const sgm_net nets[] = {sgm_mlp, sgm_residual_mlp, sgm_resnet, sgm_unet, sgm_mixer, sgm_dit};
    static const char *const net_names[] = {"mlp", "residual", "resnet", "unet", "mixer", "dit"};
    static const char *const objectives[] = {"DSM", "ESM", "ISM", "SSM", "SSM-VR"};
    sgm_mlp_options mlp;
    sgm_image_net image = {4, 4, 1, 8, 1, 2, 2, 2};
    sgm_mixture mix;
    sgm_sde sde = family(0);
    memset(&mlp, 0, sizeof mlp), mlp.width = 12, mlp.depth = 1;
    sgm_normal(data, M * D, sgm_key_init(1), 0), sgm_normal(cond, M * (3 + D), sgm_key_init(2), 0);
    for (int i = 0; i < M; i++) label[i] = i % 3;
    must(sgm_mixture_from_data(&mix, data, M, D, &sde));
    sgm_score exact = sgm_mixture_score(&mix);
    printf("\nslope of the reported loss / length of the gradient, by objective and network:\n"
           "columns: the six outputs, an energy; the same with a condition, of which networks of images are shown an\n"
           "image beside x; a classifier\n");
    for (int obj = 0; obj < 5; obj++)
        for (int net = 0; net < 6; net++) {
            if (slice && (obj + net) % 4) continue;
            printf("%-6s %-9s", objectives[obj], net_names[net]);
            for (int c = 0; c < 15; c++) {
                sgm_model_options what;
                sgm_train_options how;
                sgm_status status;
                int energy = c % 7 == 6 && c < 14;
                memset(&what, 0, sizeof what), memset(&how, 0, sizeof how);
                what.net = nets[net], what.user = net < 2 ? (void *)&mlp : (void *)&image, what.d = D, what.sde = sde;
                what.output = c == 14 || energy ? SGM_OUTPUT_AUTO : (sgm_output)(SGM_OUTPUT_NOISE + c % 7);
                what.energy = energy, what.sigma_data = 1;
                how.steps = 2, how.batch = 8, how.optimiser = SGM_OPTIMISER_SGD, how.lr = 1e-6, how.loss.objective = (sgm_objective)obj;
                how.loss.exact = &exact;
                how.loss.times = SGM_TIMES_LOGIT; /* not near t_min, where a 1/s² drowns the rest */
                if (c >= 7 && c < 14) what.cond = net < 2 ? 3 : 3 + D, how.cond = cond, how.cond_dropout = 0.3;
                what.cond_image = what.cond > 3 ? D : 0;
                if (c == 14) what.classes = 3, how.labels = label;
                size_t P = parameters(&what);
                float *g = P ? (float *)malloc(P * sizeof *g) : NULL;
                if (!P) { /* refused when the model is made: an energy of a network that has no one output */
                    printf(" %c     ", verdict(SGM_BAD_ARGUMENT, 0, 0));
                    continue;
                }
                double loss = trained_loss(&what, &how, data, M, NULL, 0, g, &status), length = 0, ratio = 0, best = 1e9;
                for (size_t i = 0; i < P; i++) length += (double)g[i] * g[i];
                length = sqrt(length);
                for (size_t i = 0; i < P; i++) g[i] = (float)(g[i] / length);
                for (double part = 0.03; part > 0.001 && status == SGM_OK; part /= 3) {
                    double h = part * (fabs(loss) + 0.1) / length, up, down;
                    up = trained_loss(&what, &how, data, M, g, h, NULL, &status);
                    down = trained_loss(&what, &how, data, M, g, -h, NULL, &status);
                    double r = (up - down) / (2 * h) / length;
                    if (fabs(r - 1) < best) best = fabs(r - 1), ratio = r;
                }
                char v = verdict(status, best, 0.03);
                if (v == '-') printf(" -     ");
                else printf(" %c%.3f", v, ratio);
                free(g);
            }
            printf("\n");
            fflush(stdout);
        }
    sgm_mixture_free(&mix);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {{"methods", sweep_methods}, {"extras", sweep_extras}, {"inverse", sweep_inverse},
                 {"conditions", sweep_conditions}, {"training", sweep_training}};
    int from = argc > 1 && !strcmp(argv[1], "slice") ? 2 : 1;
    slice = from == 2;
    for (int p = 0; p < 5; p++) {
        int wanted = argc <= from;
        for (int i = from; i < argc; i++) wanted |= !strcmp(argv[i], parts[p].name);
        if (wanted) parts[p].run();
    }
    printf("\nsweep: %ld cells, %ld refused, %ld right, %ld wrong\n", cells, refused, right, wrong);
    return wrong > 0;
}
