/*
Proof 24: five architectures.

Question. The equations do not care which network learns the score. What does the choice change, when
the data, the loss, the batches, the noise and the sampler are all the same?

Equations. The loss is (2.11) with the output F of Karras et al. (2.10) and their weight, per pixel: of
data with mean square 1, a network that says nothing has the loss 1, exactly. The best score that is
*linear* in x is that of a Gaussian with the data's mean and covariance: what it reaches needs no
network, and whatever a network gains beyond it, it gains by not being linear.

Plan. (1) Draw digits. (2) Two ends of the scale: the loss of silence, and of the Gaussian. (3)
Train five networks on the same data, each as many steps as fit into the same time: a residual MLP,
to which pixels are just 784 numbers; a residual net of 3 × 3 convolutions; a U-Net; an MLP-Mixer
and a transformer (DiT) over patches of 4 × 4. (4) Give each the same noise to begin with, and look
at what each makes of it. (5) Measure: the loss on fresh digits, on the same draws for all, and how
far the samples are from fresh digits.

What you should see. Given about a minute of two cores each, they come in nearly the reverse order
of their parameters. The MLP has five millions and does not even reach the linear score: whatever it
learns of a stroke in one place it has to learn again in the next, and so far its samples are the
Gaussian's, blot for blot. Convolutions know from the start that a stroke is a stroke wherever it
is. But the residual net sees 21 pixels wide, and makes strokes, not digits: the smallest loss but
one, and samples further from digits than any. The U-Net, which sees all, has the smallest loss.
Mixer and DiT see all from the first layer and have to learn what is near; the mixer does it quickly
enough that its samples, specks and all, are the nearest to fresh digits by the energy distance,
which looks at pixels and knows nothing of strokes.

Figures. Grids, written here: 24_architectures_residual_mlp.png, 24_architectures_residual_net.png,
24_architectures_u_net.png, 24_architectures_mlp_mixer.png, 24_architectures_dit.png,
24_architectures_gaussian.png; 24_architectures_all.png has a row for fresh digits, for the Gaussian
and for each network. Curves: 24_architectures_loss.png.

Build: cc -O2 -fopenmp tutorial/24_architectures.c -o 24_architectures -lm && ./24_architectures
(MODE=test: seconds, structure only)

Try this:
- SHUFFLE = 1: every digit gets its pixels in another, always the same order. The MLP does not notice;
  to the U-Net it costs all that it was ahead: its loss is .39 instead of .18, above the linear score.
- `.patch = 2` for the DiT: four times the tokens, sixteen times the pairs, a step takes seven times as
  long.
- `plain.depth = 8`: the residual net sees 37 pixels, more than there are. Strokes join, the energy
  distance falls from 1.15 to .74, a step takes twice as long; the U-Net is still ahead.
*/

#include "tutorial.h"
#include "picture.h"

enum { SIDE = 28, D = SIDE * SIDE, ROW = 10, SHOWN = 50, LOGS = 40, SHUFFLE = 0 };

typedef struct contestant {
    const char *name;
    sgm_net net;
    void *options;
    double params;       /* what the count must come out as, see `layer`  */
    long steps;          /* about as many as fit into the same time       */
    double ms, loss, se; /* time of a step; loss on fresh digits          */
    float curve[LOGS * 3];
    int logs;
    sgm_model model;
} contestant;

static sgm_mlp_options flat = {1024, 3, SGM_ACTIVATION_SILU, SGM_EMBEDDING_SINUSOIDAL, 64, 0, 0, 0};
static sgm_image_net plain, pyramid, patches, tokens;
static contestant nets[5];
static float *train, *a, *b, *all; /* training digits; two sets of fresh ones; rows of samples */
static long n_train, n_fresh;
static double mean, spread; /* pixel = mean + spread · number */
static sgm_sde sde;
static sgm_loss loss;

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

/* (1) One shift and one scale for all pixels: mean 0, mean square 1. */

static void digits(void) {
    long n;
    n_train = tut_quick() ? 300 : 10000, n_fresh = tut_quick() ? 50 : 1000,
    n = n_train + 2 * n_fresh;
    train = (float *)tut_memory((size_t)(n * D) * sizeof *train);
    a = train + n_train * D, b = a + n_fresh * D;
    sgm_data_digits(train, NULL, n, stream(0));
    for (long i = 0; SHUFFLE && i < n; i++) {
        float one[D];
        for (int j = 0; j < D; j++) one[sgm_permute((uint64_t)j, D, stream(1))] = train[i * D + j];
        memcpy(train + i * D, one, sizeof one);
    }
    double sum = 0, square = 0, N = (double)(n_train * D);
    for (long i = 0; i < n_train * D; i++) sum += train[i], square += (double)train[i] * train[i];
    mean = sum / N, spread = sqrt(square / N - mean * mean);
    for (long i = 0; i < n * D; i++) train[i] = (float)((train[i] - mean) / spread);
}

/* The loss of any score on fresh digits. One key: all scores meet the same times and the same noise,
so their differences are far surer than the error of each. */

static void judge(double *value, double *se, const sgm_score *score) {
    sgm_dsm_result r;
    tut_must(sgm_dsm(&r, score, NULL, a, n_fresh, &loss, tut_quick() ? 50 : 4000, stream(2)));
    *value = r.loss, *se = r.loss_se;
}

/* The same starting noise for all, so that place i of every grid shows the same thought. */

static void draw(const char *name, int row, const sgm_score *score) {
    char file[64];
    float x[SHOWN * D];
    sgm_sample_options how;
    memset(&how, 0, sizeof how);
    how.method = SGM_METHOD_DPMPP_2M, how.grid = SGM_GRID_LOGSNR, how.steps = tut_quick() ? 3 : 24;
    tut_drawn(sgm_sample(x, SHOWN, score, &how, stream(3)));
    snprintf(file, sizeof file, "24_architectures_%s", name);
    tut_picture(file, x, SHOWN, SIDE, SIDE, ROW, mean, spread);
    memcpy(all + row * ROW * D, x, ROW * D * sizeof *x);
}

/* (2) Silence is the score of N(0, I): with F = 0, D = c_skip x is what that law expects of x0. Then
the Gaussian of the data: its covariance, and a little more along the axes, so that pixels which are
always black keep a variance. */

static double scale_ends(void) {
    double silence, linear = NAN, se, one = 1, zero[D], *m = zero, *C;
    sgm_mixture law;
    memset(zero, 0, sizeof zero);
    tut_must(sgm_mixture_init(&law, 1, D, NULL, zero, &one, SGM_COV_ISOTROPIC, &sde));
    sgm_score score = sgm_mixture_score(&law);
    judge(&silence, &se, &score);
    /* fresh digits have the mean square 1 of the training digits only up to their own error */
    tut_check("loss of silence", silence, 1, 4 * se);
    sgm_mixture_free(&law);
    if (tut_quick()) return 1;
    C = (double *)tut_memory(D * D * sizeof *C);
    for (long i = 0; i < n_train; i++)
        for (int j = 0; j < D; j++) m[j] += train[i * D + j] / (double)n_train;
    for (long i = 0; i < n_train; i++) {
        double away[D];
        for (int j = 0; j < D; j++) away[j] = train[i * D + j] - m[j];
        for (int j = 0; j < D; j++)
            for (int k = 0; k < D; k++) C[j * D + k] += away[j] * away[k] / (double)n_train;
    }
    for (int j = 0; j < D; j++) C[j * D + j] += 1e-6;
    tut_must(sgm_mixture_init(&law, 1, D, NULL, m, C, SGM_COV_FULL, &sde));
    score = sgm_mixture_score(&law);
    judge(&linear, &se, &score);
    draw("gaussian", 1, &score);
    printf("silence %.4f; the best linear score %.4f ± %.4f\n\n", silence, linear, se);
    sgm_mixture_free(&law);
    free(C);
    return linear;
}

/* (3) Where the parameters are: a layer from p to q numbers has pq + q, a convolution k by k as many
for each of its k² places. What a formula says, the tape must have counted. */

static double layer(double p, double q) { return p * q + q; }
static double conv(double k, double p, double q) { return k * k * p * q + q; }

static double block(double p, double q, double time) { /* norm, conv, shift and scale, conv */
    return 2 * p + conv(3, p, q) + 2 * layer(time, q) + conv(3, q, q) +
        (p == q ? 0 : conv(1, p, q));
}

static void enter(const char *name, sgm_net net, void *options, long steps, double params) {
    static int i;
    nets[i].name = name, nets[i].net = net, nets[i].options = options;
    nets[i].steps = steps, nets[i++].params = params;
}

static void contestants(void) {
    double w = flat.width, e = flat.embedding_width, depth = flat.depth, t;
    plain.width = 16, plain.depth = 4, pyramid.width = 16;
    enter("residual_mlp", sgm_residual_mlp, &flat, 4000,
        layer(D + e, w) + depth * layer(w + e, w) + layer(w, D));

    w = 16, t = 4 * w, depth = plain.depth;
    double ends = 2 * layer(t, t) + conv(3, 1, w) + 2 * w + conv(3, w, 1);
    enter("residual_net", sgm_resnet, &plain, 1200, ends + depth * block(w, w, t));
    double down = block(w, w, t) + conv(3, w, w) + block(w, 2 * w, t) + conv(3, 2 * w, 2 * w);
    double bottom = block(2 * w, 4 * w, t) + 2 * 4 * w + 4 * layer(4 * w, 4 * w); /* attention */
    double up = block(6 * w, 2 * w, t) + block(3 * w, w, t); /* beside what the way down has kept */
    enter("u_net", sgm_unet, &pyramid, 900, ends + down + bottom + up);

    double n = 49, patch = 16; /* tokens, and the pixels of each; 4 blocks of 128 features */
    w = t = 128;
    ends = 2 * layer(t, t) + layer(patch, w) + n * w + 2 * layer(t, w) + layer(w, patch);
    double among = layer(n, w) + layer(w, n), within = layer(w, 2 * w) + layer(2 * w, w);
    enter("mlp_mixer", sgm_mixer, &patches, 1300, ends + 4 * (4 * layer(t, w) + among + within));
    among = 4 * layer(w, w), within = layer(w, 4 * w) + layer(4 * w, w);
    enter("dit", sgm_dit, &tokens, 750, ends + 4 * (6 * layer(t, w) + among + within));
}

static double began;

static void on_log(const sgm_trainer *trainer, void *user) {
    contestant *c = (contestant *)user;
    if (c->logs == LOGS) return;
    float *row = c->curve + 3 * c->logs++;
    row[0] = (float)trainer->step, row[1] = (float)(sgm_seconds() - began);
    row[2] = (float)trainer->mean_loss;
}

static void learn(contestant *c) {
    char name[64];
    sgm_model_options what;
    sgm_train_options how;
    memset(&what, 0, sizeof what), memset(&how, 0, sizeof how);
    what.net = c->net, what.user = c->options, what.d = D, what.sde = sde;
    what.output = SGM_OUTPUT_EDM_F, what.sigma_data = 1, what.n_ema = 1;
    how.held_out = -1;
    how.steps = tut_quick() ? 40 : c->steps, how.batch = tut_quick() ? 8 : 32, how.lr = 1e-3,
    how.cosine = 1;
    how.warmup = tut_quick() ? 5 : 100, how.clip = 1, how.ema[0] = tut_quick() ? .9 : .995;
    how.loss = loss, how.floor = 0, how.progress = c->name;
    how.log_every = how.steps / LOGS, how.on_log = on_log, how.user = c;
    tut_must(sgm_model_init(&c->model, &what, stream(4)));
    began = sgm_seconds();
    tut_must(sgm_train(&c->model, train, n_train, &how, stream(5)));
    c->ms = 1e3 * (sgm_seconds() - began) / (double)how.steps;
    snprintf(name, sizeof name, "%s.dat", c->name);
    tut_dat(name, "step seconds loss", c->curve, c->logs, 3);
}

/* (5) The energy distance of n samples to fresh digits; of two fresh sets it is 0 but for chance. */

static double distance(const sgm_score *score) {
    long n = tut_quick() ? 20 : 500;
    float *x = (float *)tut_memory((size_t)(n * D) * sizeof *x);
    sgm_sample_options how;
    memset(&how, 0, sizeof how);
    how.method = SGM_METHOD_DPMPP_2M, how.grid = SGM_GRID_LOGSNR, how.steps = tut_quick() ? 3 : 24;
    tut_drawn(sgm_sample(x, n, score, &how, stream(6)));
    double e = sgm_energy_distance(x, n, b, n_fresh, D);
    free(x);
    return e;
}

int main(int argc, char **argv) {
    char check[96];
    float table[5 * 5];
    tut_start("24_architectures", argc, argv);
    sde = sgm_sde_cosine(), sde.t_min = .005, sde.T = .98;
    memset(&loss, 0, sizeof loss);
    loss.weight = SGM_WEIGHT_EDM, loss.sigma_data = 1, loss.scale = 1. / D;
    loss.times = SGM_TIMES_LOGNORMAL, loss.mean = -.3, loss.std = 1.4;
    digits(), contestants();
    all = (float *)tut_memory(7 * ROW * D * sizeof *all);
    memcpy(all, a, ROW * D * sizeof *all);
    double linear = scale_ends();
    printf("%-14s %10s %10s %22s %16s\n", "", "parameters", "ms a step", "loss on fresh digits",
        "energy distance");
    printf("%-14s %10s %10s %22s %16.4f\n", "fresh digits", "", "", "",
        sgm_energy_distance(a, n_fresh, b, n_fresh, D));
    for (int i = 0; i < 5; i++) {
        contestant *c = &nets[i];
        learn(c);
        sgm_score score = sgm_model_score(&c->model, 0);
        judge(&c->loss, &c->se, &score);
        draw(c->name, 2 + i, &score);
        double e = distance(&score);
        sgm_sample_options draws = {.method = SGM_METHOD_DPMPP_2M, .grid = SGM_GRID_LOGSNR, .steps = 24};
        tut_cost_of(c->name, &c->model, &score, &draws, tut_quick() ? 10 : 100);
        printf("%-14s %10zu %10.1f %13.4f ± %.4f %16.4f\n", c->name, c->model.n_params, c->ms,
            c->loss, c->se, e);
        fflush(stdout);
        float row[5] = {
            (float)c->model.n_params, (float)c->ms, (float)c->loss, (float)c->se, (float)e};
        memcpy(table + 5 * i, row, sizeof row);
        snprintf(check, sizeof check, "parameters of %s", c->name);
        tut_check(check, (double)c->model.n_params, c->params, 0);
        snprintf(check, sizeof check, "%s: below the linear score, 1 = yes", c->name);
        if (i > 0 && !tut_quick()) tut_check(check, c->loss + 4 * c->se < linear, 1, 0);
        sgm_model_free(&c->model);
    }
    tut_dat("table.dat", "parameters ms_per_step loss se energy_distance, one row a network", table,
        5, 5);
    tut_picture("24_architectures_all", all, 7 * ROW, SIDE, SIDE, ROW, mean, spread);
    free(all), free(train);
    return tut_done();
}
