/*
The engine of playground.html: data whose law is known, a model that learns it, and the same four
things done with the learnt score and with the exact one: arrows, samples, walks, densities.

The law is a mixture of equal Gaussians of standard deviation `blur` around k centres, so its score
is known at every noise level (§2.1). What the page shows as C (program.js) makes the same calls
with the same keys, in the same order of additions, and prints the same bits.
*/
#include "web.h"

/* Every setting is a number, which the page hands over under its name. */
#define SETTINGS(X) \
    X(key) X(shape) X(k) X(blur) X(n) X(sde) X(a) X(b) X(net) X(width) X(depth) X(activation) \
    X(output) X(objective) X(weight) X(times) X(lr) X(batch) X(steps) X(cosine) X(optimiser) \
    X(classes) X(label) X(gamma) X(method) X(grid) X(evals) X(eta) X(points) \
    X(walk) X(gap) X(level)

static struct {
#define FIELD(name) double name;
    SETTINGS(FIELD)
} set;

WEB(const char *) play_names(void) {
#define NAME(name) #name " "
    return SETTINGS(NAME);
}

enum { RING, MOONS, ROLL, BOARD, GIVEN }; /* shape; GIVEN: the page's own centres */
enum { MOST = 2000, JUDGE = 1000, DRAWS = 500 };
/* Streams of random numbers, children of the page's key. */
enum { OF_CENTRES, OF_DATA, OF_MODEL, OF_TRAINING, OF_JUDGE, OF_LOSS, OF_SAMPLES, OF_WALK };

static float centre[2 * MOST], judge[2 * JUDGE];
static int side[MOST]; /* the class of each centre, 0 or 1 */
static float *data, *cond;
static sgm_sde sde;
static sgm_mixture law, of_side[2];
static sgm_mlp_options shape_of_net;
static sgm_model model;
static sgm_trainer trainer;
static int made; /* 1: model and trainer are there */

WEB(double *) play_settings(void) { return (double *)(void *)&set; }
WEB(float *) play_centres(void) { return centre; }
WEB(int *) play_sides(void) { return side; }
WEB(float *) play_data(void) { return data; }

static sgm_key stream(int i) {
    return sgm_key_split(sgm_key_init((uint64_t)set.key), (uint64_t)i);
}

/* A whole number that the library is to judge: what no int can hold becomes one that it refuses. */
static int whole(double x) { return x > -1e9 && x < 1e9 ? (int)x : -1; }

static sgm_sde sde_of(void) {
    switch ((int)set.sde) {
    case SGM_FAMILY_VP: return sgm_sde_vp(set.a, set.b);
    case SGM_FAMILY_COSINE: return sgm_sde_cosine();
    case SGM_FAMILY_SUBVP: return sgm_sde_subvp(set.a, set.b);
    case SGM_FAMILY_VE: return sgm_sde_ve(set.a, set.b);
    case SGM_FAMILY_EDM: return sgm_sde_edm(set.a, set.b);
    default: return sgm_sde_rectified();
    }
}

/* The centres and their classes: of two moons, which; else left and right. */
static void make_centres(int k) {
    if (set.shape == GIVEN) return;
    if (set.shape == RING) sgm_data_ring(centre, k);
    if (set.shape == MOONS) sgm_data_moons(centre, k, 0, stream(OF_CENTRES));
    if (set.shape == ROLL) sgm_data_swiss_roll(centre, k, 0, stream(OF_CENTRES));
    if (set.shape == BOARD) sgm_data_checkerboard(centre, k, stream(OF_CENTRES));
    for (int i = 0; i < k; i++) {
        const double x = centre[2 * i], y = centre[2 * i + 1];
        side[i] = set.shape == MOONS ? fabs(x * x + y * y - 1) < 1e-5 : x > 0;
    }
}

/* The law of all centres (which < 0), or of those of one class. */
static sgm_status make_law(sgm_mixture *mix, int k, int which) {
    static double mean[2 * MOST], var[MOST];
    int n = 0;
    for (int i = 0; i < k; i++) {
        if (which >= 0 && side[i] != which) continue;
        mean[2 * n] = centre[2 * i], mean[2 * n + 1] = centre[2 * i + 1];
        var[n++] = set.blur * set.blur;
    }
    if (n == 0) return sgm__bad("class %c has no points: draw some, or leave classes", 'A' + which);
    if (set.blur > 0) return sgm_mixture_init(mix, n, 2, NULL, mean, var, SGM_COV_ISOTROPIC, &sde);
    return sgm_mixture_init(mix, n, 2, NULL, mean, NULL, SGM_COV_POINTS, &sde);
}

static sgm_sampler sampler[2];
static sgm_langevin walk[2];

static void forget(void) {
    for (int i = 0; i < 2; i++) sgm_sampler_free(&sampler[i]), sgm_langevin_free(&walk[i]);
    sgm_trainer_free(&trainer), sgm_model_free(&model);
    sgm_mixture_free(&law), sgm_mixture_free(&of_side[0]), sgm_mixture_free(&of_side[1]);
    free(data), free(cond);
    data = cond = NULL, made = 0;
}

/* A learner from the settings, at step 0. A wish that cannot be granted leaves none. */
static sgm_status start(int k, int n) {
    static int part[MOST * 5], classes[MOST * 5];
    sgm_model_options net;
    sgm_train_options how;
    sgm_status s;
    sde = sde_of();
    if ((s = sgm_sde_check(&sde)) != SGM_OK) return s;
    make_centres(k);
    if ((s = make_law(&law, k, -1)) != SGM_OK) return s;
    if (set.classes > 0 && (s = make_law(&of_side[0], k, 0)) != SGM_OK) return s;
    if (set.classes > 0 && (s = make_law(&of_side[1], k, 1)) != SGM_OK) return s;
    data = (float *)calloc((size_t)n * 2, sizeof *data);
    cond = (float *)calloc((size_t)n * 2, sizeof *cond);
    if (!data || !cond) return SGM_NO_MEMORY;
    if ((s = sgm_mixture_sample(&law, data, part, n, 0, stream(OF_DATA))) != SGM_OK) return s;
    for (int i = 0; i < n; i++) classes[i] = side[part[i]];
    if ((s = sgm_one_hot(cond, classes, n, 2)) != SGM_OK) return s;
    if ((s = sgm_mixture_sample(&law, judge, NULL, JUDGE, 0, stream(OF_JUDGE))) != SGM_OK) return s;

    memset(&net, 0, sizeof net), memset(&how, 0, sizeof how);
    memset(&shape_of_net, 0, sizeof shape_of_net);
    shape_of_net.width = whole(set.width), shape_of_net.depth = whole(set.depth);
    shape_of_net.activation = (sgm_activation)set.activation;
    net.net = set.net > 0 ? sgm_residual_mlp : sgm_mlp, net.user = &shape_of_net, net.d = 2;
    net.sde = sde, net.output = (sgm_output)set.output, net.n_ema = 1;
    net.cond = set.classes > 0 ? 2 : 0;
    if ((s = sgm_model_init(&model, &net, stream(OF_MODEL))) != SGM_OK) return s;
    how.steps = whole(set.steps), how.batch = whole(set.batch), how.lr = set.lr;
    how.cosine = set.cosine > 0, how.optimiser = (sgm_optimiser_kind)set.optimiser;
    how.loss.weight = (sgm_weight)set.weight, how.loss.times = (sgm_times)set.times;
    how.loss.objective = (sgm_objective)set.objective, how.held_out = -1;
    static sgm_score exact;
    exact = sgm_mixture_score(&law);
    how.loss.exact = &exact;
    if (set.classes > 0) how.cond = cond, how.cond_dropout = .2;
    return sgm_trainer_init(&trainer, &model, data, n, &how, stream(OF_TRAINING));
}

WEB(int) play_start(void) {
    const int k = whole(set.k), n = whole(set.n);
    forget();
    if (k < 1 || k > MOST) return sgm__bad("the law needs 1 to %d centres, not %g", MOST, set.k);
    if (n < 1 || n > 5 * MOST)
        return sgm__bad("1 to %d points to learn from, not %g", 5 * MOST, set.n);
    if (!(set.blur >= 0)) return sgm__bad("the Gaussians' width is %g: needs >= 0", set.blur);
    sgm_status s = start(k, n);
    if (s != SGM_OK) { /* forget() leaves the message */
        forget();
        return s;
    }
    return made = 1, SGM_OK;
}

static sgm_status ready(void) { return made ? SGM_OK : sgm__bad("there is no model yet"); }

/* Up to so many steps; *loss: the trainer's average over the last 500 or so. */
WEB(int) play_train(int steps, double *loss) {
    sgm_status s = ready();
    for (int i = 0; i < steps && s == SGM_OK && !sgm_trainer_done(&trainer); i++)
        s = sgm_trainer_step(&trainer);
    *loss = made ? trainer.slow_loss : NAN;
    return s;
}

WEB(double) play_steps(void) { return made ? (double)trainer.step : 0; }
WEB(double) play_size(void) { return made ? (double)model.n_params : 0; }

/* The score of the learnt average, or the exact one; guided to a class, if that is wished. */
static sgm_status score_of(int exact, sgm_score *score) {
    static sgm_guided guided[2];
    static sgm_condition wish;
    static float one[2];
    const int to = whole(set.label);
    sgm_score other;
    sgm_status s = ready();
    if (s != SGM_OK) return s;
    *score = exact ? sgm_mixture_score(&law) : sgm_model_score(&model, 0);
    if (set.classes <= 0 || to < 0) return SGM_OK;
    if ((s = sgm_one_hot(one, &to, 1, 2)) != SGM_OK) return s;
    if (exact) other = sgm_mixture_score(&of_side[to]);
    else if ((s = sgm_condition_init(&wish, &model, 0, one, 1)) != SGM_OK) return s;
    else other = sgm_condition_score(&wish);
    if ((s = sgm_guided_init(&guided[exact], score, &other, 0, set.gamma)) != SGM_OK) return s;
    return *score = sgm_guided_score(&guided[exact]), SGM_OK;
}

/* out: loss, floor, excess and the standard error of the last, on points not learnt from. */
WEB(int) play_judge(double *out) {
    sgm_dsm_result r;
    sgm_score learnt, exact;
    sgm_status s = ready();
    if (s != SGM_OK) return s;
    learnt = sgm_model_score(&model, 0), exact = sgm_mixture_score(&law);
    s = sgm_dsm(&r, &learnt, &exact, judge, JUDGE, &trainer.o.loss, DRAWS, stream(OF_LOSS));
    out[0] = r.loss, out[1] = r.floor, out[2] = r.excess, out[3] = r.excess_se;
    return s;
}

/* E‖learnt - exact‖² over p_t, ± (9.6), of the scores that are drawn; over that of the class, if
they are guided to one. */
WEB(int) play_fisher(double t, double *out) {
    static float x[2 * JUDGE];
    sgm_score learnt, exact;
    sgm_status s;
    const sgm_mixture *over = set.classes > 0 && set.label >= 0 ? &of_side[set.label > 0] : &law;
    const long n = JUDGE / 4;
    if ((s = score_of(0, &learnt)) != SGM_OK || (s = score_of(1, &exact)) != SGM_OK ||
        (s = sgm_mixture_sample(over, x, NULL, n, t, stream(OF_LOSS))) != SGM_OK)
        return s;
    return sgm_fisher(out, out + 1, &learnt, &exact, x, t, n);
}

/* Time as a slider's share u: even in log σ of EDM and VE, else finer near the data. */
WEB(double) play_time(double u) {
    if (u <= 0) return sde.t_min;
    if (u >= 1) return sde.T;
    if (sde.family == SGM_FAMILY_EDM) return sgm__exp(u * sgm__log(sde.T / sde.t_min)) * sde.t_min;
    return sde.t_min + (sde.T - sde.t_min) * (sde.family == SGM_FAMILY_VE ? u : u * u);
}

WEB(double) play_m(double t) { return sgm_sde_m(&sde, t); }
WEB(double) play_s(double t) { return sgm_sde_s(&sde, t); }

/* The scores at n points x, both of n pairs, all at the time t. */
WEB(int) play_scores(int exact, float *score, const float *x, int n, double t) {
    static float at[4096];
    sgm_score of;
    sgm_status s = score_of(exact, &of);
    if (s == SGM_OK && n > 4096) s = sgm__bad("at most 4096 arrows");
    for (int i = 0; i < n && i < 4096; i++) at[i] = (float)t;
    return s ? s : (int)sgm_score_eval(&of, score, x, at, n);
}

/* log p at n points: exact at any t; learnt as the flow tells it, at t_min. */
WEB(int) play_density(int exact, double *logp, const float *x, int n, double t) {
    static float at[4096];
    sgm_score of;
    sgm_likelihood_options how;
    sgm_status s = score_of(exact, &of);
    if (s != SGM_OK) return s;
    for (int i = 0; i < n && i < 4096; i++) at[i] = (float)t;
    if (exact && of.logp) return sgm_score_logp(&of, logp, x, at, n < 4096 ? n : 4096);
    memset(&how, 0, sizeof how);
    how.solve.method = SGM_METHOD_HEUN, how.solve.steps = 24;
    return sgm_likelihood(logp, NULL, NULL, x, n, &of, &how, NULL, stream(OF_LOSS));
}

/* Samples and walks: two of each, of the learnt score [0] and of the exact one [1]. */
static float spot[2][2 * MOST];

WEB(float *) play_spots(int exact) { return spot[exact]; }

static sgm_status count(void) {
    if (set.points >= 1 && set.points <= MOST) return SGM_OK;
    return sgm__bad("1 to %d points can move, not %g", MOST, set.points);
}

WEB(int) play_sample(int exact) {
    sgm_sample_options how;
    sgm_score of;
    sgm_status s;
    sgm_sampler_free(&sampler[exact]);
    if ((s = count()) != SGM_OK || (s = score_of(exact, &of)) != SGM_OK) return s;
    memset(&how, 0, sizeof how);
    how.method = (sgm_method)set.method, how.grid = (sgm_grid_kind)set.grid;
    how.steps = whole(set.evals), how.eta = set.eta;
    s = sgm_sampler_init(&sampler[exact], &of, (long)set.points, &how, stream(OF_SAMPLES));
    if (s == SGM_OK) sgm_sampler_prior(&sampler[exact], spot[exact]);
    return s;
}

WEB(int) play_sample_step(int exact) { return sgm_sampler_step(&sampler[exact], spot[exact]); }
WEB(int) play_sample_done(int exact) {
    return sampler[exact].t == NULL || sgm_sampler_done(&sampler[exact]);
}

WEB(double) play_sample_time(int exact) {
    const sgm_sampler *s = &sampler[exact];
    if (!s->t) return sde.t_min;
    return s->step < s->o.steps ? s->t[s->step] : s->t[s->o.steps];
}
WEB(int) play_sample_steps(int exact) { return sampler[exact].t ? sampler[exact].o.steps : 0; }
WEB(double) play_sample_evals(int exact) { return (double)sampler[exact].n_evals; }

/* A walk at the level's time from draws of N(0, (m² + s²) I), about where the data is. */
WEB(int) play_walk(int exact) {
    sgm_langevin_options how;
    sgm_score of;
    sgm_status s;
    const double t = play_time(set.level), m = play_m(t), size = play_s(t);
    sgm_langevin_free(&walk[exact]);
    if ((s = count()) != SGM_OK || (s = score_of(exact, &of)) != SGM_OK) return s;
    memset(&how, 0, sizeof how);
    how.metropolis = set.walk > 0, how.step = set.gap, how.t = t, how.steps = 1000000000;
    sgm_normal(spot[exact], (size_t)set.points * 2, sgm_key_split(stream(OF_WALK), 0), 0);
    for (int i = 0; i < 2 * (int)set.points; i++)
        spot[exact][i] *= (float)sqrt(m * m + size * size);
    return sgm_langevin_init(
        &walk[exact], &of, (long)set.points, &how, sgm_key_split(stream(OF_WALK), 1));
}

WEB(int) play_walk_step(int exact) { return sgm_langevin_step(&walk[exact], spot[exact]); }
WEB(double) play_walk_accepts(int exact) { return walk[exact].acceptance; }
