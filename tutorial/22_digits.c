/*
Proof 22: digits.

Question. Does all of this still work where nobody can write down the density, on images? And how do
you know, if a picture of samples proves so little: they may be copies, or all the same?

Equations. Training is (2.11), with the output F of D = c_skip x + c_out F (2.10), so that a network
that says nothing has the loss 1. A label is given as in (8.2) and hidden now and then; sampling
mixes both branches, (1-γ) s(x,t) + γ s(x,t,y), with γ > 1 (8.6). An image of H by W pixels is a
point in H·W dimensions, and its bits per dimension are (9.7).

Plan. (1) Data: drawn digits, or the two IDX files that you name. (2) A small classifier on the tape
learns clean digits: it is the judge. (3) Train a U-Net, and look at six moments of it. (4) Sample
with two solvers; with guidance; watch one row come out of the noise. (5) Judge: are the samples
recognised, how far are their features from those of fresh digits (9.8), do the two cover each
other (9.9), are they copies? (6) Give the upper half, ask for the lower. (7) Walk from digit to
digit through the latents. (8) Bits per dimension, beside those of a law that knows no neighbours.

What you should see. After a hundred steps blots, after a thousand digits with gaps; the loss hardly
falls any more, but the share that is read as its label does not rest yet. Twenty evaluations
of a solver without noise leave gaps in the strokes; ancestral steps, or guidance, close them, and
then nearly all are read, at less than twice the Fréchet distance of two fresh sets. The samples
stay further from the training digits than fresh ones do: no copies, but loose ends that no hand
draws. A half digit has several honest ends, and an upper half of a 7 is one of a 2. Bits per
dimension are far below the 8 of no knowledge, and still above those of single pixels: black paper
is known to one level, and this training spends nothing on noise that small.

Figures. Grids, written here: 22_digits_data.png, 22_digits_moments.png, 22_digits_film.png,
22_digits_classes.png, 22_digits_unconditional.png, 22_digits_dpm.png, 22_digits_ancestral.png,
22_digits_guided.png, 22_digits_nearest.png, 22_digits_inpainting.png, 22_digits_interpolation.png.
Curves: 22_digits_scores.png, 22_digits_copies.png.

Build: cc -O2 -fopenmp tutorial/22_digits.c -o 22_digits -lm && ./22_digits [images labels]
(MODE=test: seconds, structure only. With <stb/stb_image_write.h> the grids are PNG, else PGM.)

Try this:
- GAMMA = 4 below: more samples are recognised, and the Fréchet distance grows: they are all alike.
- .method = SGM_INVERSE_REPLACEMENT in `inpaint`, without RePaint's .resample: the lower half hears of the
  upper too faintly, and fewer of the completed digits are read as what they were.
- Hand `x` to the U-Net without `told` in `net`, and 4 channels in `main`: after 500 steps 17 % of
  the samples are recognised, not 49 %: the label has to find out where to draw.
*/

#include "tutorial.h"
#include "picture.h"

enum { ROW = 10, FEATURES = 32, MOMENTS = 6, LOGS = 32, FRAMES = 11, STEPS = 20 };
static const double GAMMA = 1.5;

static int h, w, d, K, quick, drawn; /* the images, and how many classes                  */
static long n_train, n_fresh;        /* training digits; fresh ones, twice, at a and at b */
static float *train, *a, *b;         /* scaled to mean 0 and mean square 1                */
static int *train_label, *label;     /* label: those of a                                */
static double mean, spread;          /* pixel = mean + spread · number                    */
static sgm_sde sde;
static sgm_model judge, model;

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

static void picture(const char *name, const float *x, long n, int columns) {
    char file[64];
    snprintf(file, sizeof file, "22_digits_%s", name);
    tut_picture(file, x, n, h, w, columns, mean, spread);
}

/* (1) Whole levels, then noise within each, so that there is a density; then one shift and one
scale for all pixels, so that they begin as large as the noise becomes. */

static void prepare(float *x, int *y, long n) {
    n_train = n - 2 * n_fresh;
    for (long i = 0; i < n * d; i++) x[i] = (float)(floor(255 * (double)x[i] + .5) / 255);
    tut_must(sgm_dequantise(x, n * d, 256, stream(1)));
    double sum = 0, square = 0, N = (double)(n_train * d);
    for (long i = 0; i < n_train * d; i++) sum += x[i], square += (double)x[i] * x[i];
    mean = sum / N, spread = sqrt(square / N - mean * mean);
    for (long i = 0; i < n * d; i++) x[i] = (float)((x[i] - mean) / spread);
    train = x, a = x + n_train * d, b = a + n_fresh * d;
    train_label = y, label = y + n_train;
    for (long i = 0; i < n; i++) K = y[i] >= K ? y[i] + 1 : K;
}

static void drawn_digits(void) {
    long n = quick ? 1000 : 22000;
    float *x = tut_memory((size_t)n * 784 * sizeof *x);
    int *y = tut_memory((size_t)n * sizeof *y);
    drawn = 1, h = w = 28, d = 784, n_fresh = quick ? 50 : 1000;
    sgm_data_digits(x, y, n, stream(0));
    prepare(x, y, n);
}

/* In files neighbours may be of one hand or one kind, so both sets are shuffled; of a small file a
tenth goes into each set of fresh digits. */

static void read_digits(const char *images, const char *labels) {
    sgm_images file, names;
    tut_must(sgm_idx_load(&file, images)), tut_must(sgm_idx_load(&names, labels));
    if (!file.x || !names.label || file.n != names.n || file.n < 1000 || file.h % 4 || file.w % 4) {
        fprintf(
            stderr,
            "error: %s and %s: needs 1000 or more images, of a height and width that 4 divides, "
            "and as many labels\n",
            images, labels);
        exit(2);
    }
    long n = quick && file.n > 1000 ? 1000 : file.n;
    h = file.h, w = file.w, d = file.d, n_fresh = quick ? 50 : n / 10 < 1000 ? n / 10 : 1000;
    float *x = tut_memory((size_t)(n * d) * sizeof *x);
    int *y = tut_memory((size_t)n * sizeof *y);
    for (long i = 0; i < n; i++) {
        long from = (long)sgm_permute((uint64_t)i, (uint64_t)file.n, stream(0));
        memcpy(x + i * d, file.x + from * d, (size_t)d * sizeof *x);
        y[i] = names.label[from];
    }
    sgm_images_free(&file), sgm_images_free(&names);
    prepare(x, y, n);
}

/* (2) The judge: two convolutions that halve the image, a layer of features, a layer of logits. Who
wants the features, too, says with `user` where to note them. */

static sgm_tensor *cnn(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *x = sgm_relu(tape, sgm_conv2d(tape, in->x, h, w, 16, 3, 2));
    x = sgm_relu(tape, sgm_conv2d(tape, x, h / 2, w / 2, 32, 3, 2));
    x = sgm_relu(tape, sgm_linear(tape, x, FEATURES));
    if (in->user) *(sgm_tensor **)in->user = x;
    return sgm_linear(tape, x, in->out);
}

/* What it sees in n images: their features, and the share that it reads as `wanted`. The network is
run by hand, on a tape of its own, for what lies before its end. */

static double judged(float *features, const float *x, const int *wanted, long n) {
    sgm_tape *tape = sgm_tape_new();
    sgm_tensor *seen = NULL;
    long right = 0;
    for (long i = 0; i < n; i++) {
        sgm_net_in in;
        memset(&in, 0, sizeof in);
        sgm_tape_reset(tape, judge.ema[0], NULL, judge.n_params, stream(2), 0);
        in.x = sgm_tape_input(tape, x + i * d, 1, d), in.out = K, in.user = &seen;
        sgm_tensor *logits = cnn(tape, &in);
        tut_must(sgm_tape_status(tape));
        if (features) memcpy(features + i * FEATURES, seen->v, FEATURES * sizeof *features);
        int best = 0;
        for (int k = 1; k < K; k++) best = logits->v[k] > logits->v[best] ? k : best;
        right += best == wanted[i];
    }
    sgm_tape_free(tape);
    return (double)right / (double)n;
}

static double train_judge(void) {
    static const double clean[1] = {1e-3};
    sgm_model_options what = {
        .net = cnn, .d = d, .sde = sgm_sde_edm(1e-3, 1), .classes = K, .n_ema = 1};
    sgm_train_options how = {.held_out = -1, .steps = quick ? 80 : 1000,
                             .batch = 64,
                             .lr = quick ? 3e-3 : 2e-3,
                             .cosine = 1,
                             .ema = {quick ? .9 : .99},
                             .labels = train_label,
                             .progress = "judge",
                             .loss = {.times = SGM_TIMES_GRID, .grid = clean, .n_grid = 1}};
    double start = sgm_seconds();
    tut_must(sgm_model_init(&judge, &what, stream(3)));
    tut_must(sgm_train(&judge, train, n_train, &how, stream(4)));
    double right = judged(NULL, a, label, n_fresh);
    printf("judge: %zu parameters, %ld steps in %.1f s, reads %.4f of %ld fresh digits\n",
           judge.n_params, how.steps, sgm_seconds() - start, right, n_fresh);
    fflush(stdout);
    return right;
}

/* (3) A U-Net on squares of 2 by 2 pixels: a quarter of the places with four times the channels.
Convolutions then cost a quarter, and a network of the same cost can be twice as wide. Convolutions
do not know where they are, and a label says what to draw *where*: so each label, and the lack of
one, has a picture of its own, learned, in four more channels. */

static sgm_tensor *net(sgm_tape *tape, const sgm_net_in *in) {
    const sgm_image_net *o = in->user; /* of the squares, with 8 channels */
    sgm_net_in squares = *in;
    sgm_tensor *x = sgm_patchify(tape, in->x, 2 * o->h, 2 * o->w, 2);
    x = sgm_unpatchify(tape, x, o->h, o->w, 1);
    sgm_tensor *told = sgm_concat(tape, in->cond, in->known);
    told = sgm_linear(tape, told, 4 * o->h * o->w);
    squares.x = sgm_concat_channels(tape, x, told, o->h, o->w);
    x = sgm_unet(tape, &squares);
    x = sgm_patchify(tape, sgm_conv2d(tape, x, o->h, o->w, 4, 1, 1), o->h, o->w, 1);
    return sgm_unpatchify(tape, x, 2 * o->h, 2 * o->w, 2);
}

/* n samples with the labels given; gamma 0: without. One key, one starting noise. */

static void sample(float *x, const int *wanted, long n, double gamma, sgm_sample_options how,
                   uint64_t key) {
    float *cond = tut_memory((size_t)(n * K) * sizeof *cond);
    sgm_condition told;
    sgm_guided mixed;
    sgm_score plain = sgm_model_score(&model, 0);
    tut_must(sgm_one_hot(cond, wanted, n, K));
    tut_must(sgm_condition_init(&told, &model, 0, cond, n));
    sgm_score given = sgm_condition_score(&told), score = gamma == 0 ? plain : given;
    tut_must(sgm_guided_init(&mixed, &plain, &given, 0, gamma));
    if (gamma != 0 && gamma != 1) score = sgm_guided_score(&mixed);
    tut_drawn(sgm_sample(x, n, &score, &how, stream(key)));
    free(cond);
}

static sgm_sample_options dpm(int steps, const char *progress) {
    sgm_sample_options how = {
        .method = SGM_METHOD_DPMPP_2M, .steps = steps, .grid = SGM_GRID_LOGSNR, .progress = progress};
    return how;
}

static int in_turn[100]; /* 0, 1, … K-1, 0, 1, … */

typedef struct diary { /* the run, LOGS times, and the judge's word at 1, 2, 4, … of them */
    float loss[LOGS * 3], scores[MOMENTS * 4], *grid, *seen;
    int logs, moments;
    double start, paused;
    long n;
} diary;

static void on_log(const sgm_trainer *trainer, void *user) {
    diary *log = user;
    double now = sgm_seconds();
    if (log->logs == LOGS) return;
    float *row = log->loss + 3 * log->logs++, *score = log->scores + 4 * log->moments;
    row[0] = (float)trainer->step, row[1] = (float)trainer->mean_loss;
    row[2] = (float)(now - log->start - log->paused);
    if ((log->logs & (log->logs - 1)) || log->moments == MOMENTS) return;
    float *x = tut_memory((size_t)(log->n * d) * sizeof *x), *see = log->seen + log->n * FEATURES;
    sample(log->grid + log->moments++ * ROW * d, in_turn, ROW, GAMMA, dpm(quick ? 4 : STEPS, NULL),
           5);
    sample(x, label, log->n, 1, dpm(quick ? 4 : 10, NULL), 6);
    score[0] = row[0], score[2] = (float)judged(see, x, label, log->n), score[1] = row[1];
    score[3] = (float)sgm_frechet(see, log->n, log->seen, log->n, FEATURES);
    free(x);
    log->paused += sgm_seconds() - now;
    printf("  step %6ld, %5.0f s: loss %.4f   recognised %.2f   Fréchet distance %8.3f (of %ld, "
           "unguided)\n",
           trainer->step, row[2], row[1], score[2], score[3], log->n);
    fflush(stdout);
}

static void learn(sgm_image_net *o, long steps) {
    static diary log;
    float *cond = tut_memory((size_t)(n_train * K) * sizeof *cond);
    log.n = quick ? 20 : 200;
    log.grid = tut_memory((size_t)(MOMENTS * ROW * d) * sizeof *log.grid);
    log.seen = tut_memory((size_t)(2 * log.n * FEATURES) * sizeof *log.seen);
    judged(log.seen, a, label, log.n);
    tut_must(sgm_one_hot(cond, train_label, n_train, K));
    sgm_model_options what = {.net = net,
                              .user = o,
                              .d = d,
                              .sde = sde,
                              .output = SGM_OUTPUT_EDM_F,
                              .sigma_data = 1,
                              .n_ema = 1,
                              .cond = K};
    sgm_train_options how = {.held_out = -1, .steps = steps,
                             .batch = quick ? 16 : 32,
                             .lr = 2e-3,
                             .cosine = 1,
                             .clip = 1,
                             .warmup = quick ? 5 : 100,
                             .ema = {quick ? .9 : .998},
                             .cond = cond,
                             .cond_dropout = .15,
                             .floor = 0,
                             .log_every = steps / LOGS,
                             .on_log = on_log,
                             .user = &log,
                             .progress = "U-Net",
                             .loss = {.weight = SGM_WEIGHT_EDM,
                                      .sigma_data = 1,
                                      .scale = 1. / d,
                                      .times = SGM_TIMES_LOGNORMAL,
                                      .mean = -.3,
                                      .std = 1.4}};
    tut_must(sgm_model_init(&model, &what, stream(7)));
    printf("\nU-Net: %zu parameters, %ld steps of batch %d\n", model.n_params, steps, how.batch);
    log.start = sgm_seconds();
    tut_must(sgm_train(&model, train, n_train, &how, stream(8)));
    printf("  %.1f s of training, %.1f steps/s\n", log.loss[3 * (log.logs - 1) + 2],
           (double)steps / log.loss[3 * (log.logs - 1) + 2]);
    double last = 0; /* of the last quarter; silence costs 1 */
    for (int i = log.logs * 3 / 4; i < log.logs; i++)
        last += log.loss[3 * i + 1] / (log.logs - log.logs * 3 / 4);
    /* mode test sees 3000 digits: asked is that it says something */
    tut_check("loss beside that of silence, 1", last, 0, quick ? .8 : .2);
    tut_dat("loss.dat", "step loss seconds", log.loss, log.logs, 3);
    tut_dat("scores.dat", "step loss recognised frechet", log.scores, log.moments, 4);
    picture("moments", log.grid, log.moments * ROW, ROW);
    tut_must(sgm_model_save(&model, tut_path("digits.safetensors")));
    free(cond), free(log.grid), free(log.seen);
}

/* (4) One row as it comes out of the noise, in a loop of its own. */

static void film(void) {
    float *cond = tut_memory((size_t)(ROW * K) * sizeof *cond),
          *x = tut_memory((size_t)(ROW * d) * sizeof *x);
    float *frames = tut_memory((size_t)(ROW * FRAMES * d) * sizeof *frames);
    sgm_sample_options how = dpm(STEPS, NULL);
    sgm_condition told;
    sgm_sampler sampler;
    tut_must(sgm_one_hot(cond, in_turn, ROW, K));
    tut_must(sgm_condition_init(&told, &model, 0, cond, ROW));
    sgm_score score = sgm_condition_score(&told);
    tut_must(sgm_sampler_init(&sampler, &score, ROW, &how, stream(5)));
    sgm_sampler_prior(&sampler, x);
    for (int frame = 0; frame < FRAMES; frame++) {
        for (long i = 0; i < ROW; i++)
            memcpy(frames + (i * FRAMES + frame) * d, x + i * d, (size_t)d * sizeof *x);
        for (int i = 0; i < STEPS / (FRAMES - 1) && !sgm_sampler_done(&sampler); i++)
            tut_must(sgm_sampler_step(&sampler, x));
    }
    picture("film", frames, ROW * FRAMES, FRAMES);
    sgm_sampler_free(&sampler);
    free(cond), free(x), free(frames);
}

/* (5) Three ways to sample, each under the labels of the fresh digits, and what the judge says. */

static void verdict(const char *name, int evaluations, const float *x, const float *fresh,
                    double floor, double *right, double *distance) {
    float *see = tut_memory((size_t)(n_fresh * FEATURES) * sizeof *see);
    double precision, recall;
    *right = judged(see, x, label, n_fresh);
    *distance = sgm_frechet(see, n_fresh, fresh, n_fresh, FEATURES);
    tut_must(sgm_precision_recall(&precision, &recall, fresh, n_fresh, see, n_fresh, FEATURES, 3));
    printf("  %-22s %4d %14.4f %12.4f = %5.2f floors %10.3f %8.3f\n", name, evaluations, *right,
           *distance, *distance / floor, precision, recall);
    fflush(stdout);
    free(see);
}

static void compare(float *x) {
    float *fresh = tut_memory((size_t)(n_fresh * FEATURES) * sizeof *fresh);
    float *other = tut_memory((size_t)(n_fresh * FEATURES) * sizeof *other);
    double floor, right, distance;
    int few = quick ? 4 : STEPS;
    sgm_sample_options slow = {.method = SGM_METHOD_ANCESTRAL,
                               .steps = 4 * few,
                               .grid = SGM_GRID_LOGSNR,
                               .progress = "ancestral"};
    long shown = quick ? 20 : 100;
    sample(x, in_turn, shown, GAMMA, dpm(few, NULL), 12);
    picture("classes", x, shown, ROW);
    sample(x, in_turn, shown, 0, dpm(few, NULL), 12);
    picture("unconditional", x, shown, ROW);
    judged(fresh, a, label, n_fresh), judged(other, b, label, n_fresh);
    floor = sgm_frechet(other, n_fresh, fresh, n_fresh, FEATURES);
    printf("\n%6ld samples each   evaluations  recognised      Fréchet                 precision   "
           "recall\n",
           n_fresh);
    verdict("fresh digits", 0, a, other, floor, &right, &distance);
    sample(x, label, n_fresh, 1, dpm(few, "DPM++(2M)"), 10);
    picture("dpm", x, quick ? n_fresh : 100, ROW);
    verdict("DPM++(2M)", few, x, fresh, floor, &right, &distance);
    sample(x, label, n_fresh, 1, slow, 10);
    picture("ancestral", x, quick ? n_fresh : 100, ROW);
    verdict("ancestral", 4 * few, x, fresh, floor, &right, &distance);
    sample(x, label, n_fresh, GAMMA, dpm(few, "guided"), 10);
    picture("guided", x, quick ? n_fresh : 100, ROW);
    verdict("DPM++(2M), guided", 2 * few, x, fresh, floor, &right, &distance);
    /* asked: .95 of drawn digits, .9 of others; and at most 3 floors */
    if (!quick) tut_check("samples recognised as their label", right, 1, drawn ? .05 : .1);
    if (!quick && drawn)
        tut_check("Fréchet distance / that of two fresh sets - 1", distance / floor - 1, 0, 2);
    free(fresh), free(other);
}

/* Are they copies? Distances to the nearest training digit, of samples and of fresh digits; and ten
samples beside the five that they are nearest to. */

static int by_size(const void *x, const void *y) {
    double u = *(const double *)x, v = *(const double *)y;
    return (u > v) - (u < v);
}

static void copies(const float *x) {
    enum { MOST = 300, NEAR = 5 };
    long n = n_fresh < MOST ? n_fresh : MOST, at[ROW];
    double made[MOST], fresh[MOST];
    float rows[MOST * 2], a1[MOST] = {0}, a2[MOST] = {0};
    float *grid = tut_memory((size_t)(ROW * (NEAR + 1) * d) * sizeof *grid);
    tut_must(sgm_nearest(NULL, made, x, n, train, n_train, d, 1));
    tut_must(sgm_nearest(NULL, fresh, a, n, train, n_train, d, 1));
    for (int k = 0; k <= NEAR; k++) {
        if (k) tut_must(sgm_nearest(at, NULL, x, ROW, train, n_train, d, k));
        for (long i = 0; i < ROW; i++)
            memcpy(grid + (i * (NEAR + 1) + k) * d, k ? train + at[i] * d : x + i * d,
                   (size_t)d * sizeof *x);
    }
    picture("nearest", grid, ROW * (NEAR + 1), NEAR + 1);
    qsort(made, (size_t)n, sizeof *made, by_size), qsort(fresh, (size_t)n, sizeof *fresh, by_size);
    long nearer = 0;
    while (nearer < n && made[nearer] < fresh[n / 20]) nearer++;
    for (long i = 0; i < n; i++) {
        rows[2 * i] = a1[i] = (float)(spread * made[i]);
        rows[2 * i + 1] = a2[i] = (float)(spread * fresh[i]);
    }
    double ks = stat_ks2(a1, n, a2, n);
    printf("\nNearest of %ld training digits, in pixels:\n  %ld samples at %.2f to %.2f, median %.2f; "
           "fresh digits at %.2f to %.2f, median %.2f\n  nearer than 95 %% of the fresh ones: %.3f; "
           "Kolmogorov-Smirnov distance %.3f, p = %.3g\n",
           n_train, n, a1[0], a1[n - 1], a1[n / 2], a2[0], a2[n - 1], a2[n / 2],
           (double)nearer / (double)n, ks, stat_ks_p(ks, (double)n / 2));
    /* a copy is at the distance of dequantisation, two draws of U(0,1)/256 per pixel */
    tut_check("a sample that is a copy", a1[0] < 10 * sqrt(d / 6.) / 256, 0, 0);
    /* .05 of fresh digits are, and samples are further off; of equal laws both the share and the bound scatter */
    if (!quick)
        tut_check("share nearer than 95 % of fresh digits", (double)nearer / (double)n, 0,
                  .05 + 4 * sqrt(2 * .05 * .95 / (double)n));
    tut_dat("nearest.dat", "samples fresh (sorted distances to the nearest training digit)", rows,
            n, 2);
    free(grid);
}

/* (6) The upper half is given, exactly; each row: the digit, its half, eight answers. */

static void inpaint(void) {
    enum { ASKED = 8 };
    int m = d / 2, rows = quick ? 1 : ROW, right = 0;
    float *A = tut_memory((size_t)m * (size_t)d * sizeof *A),
          *grid = tut_memory((size_t)(ROW * ROW * d) * sizeof *grid);
    int wanted[ASKED];
    double miss = 0;
    for (long i = 0; i < m; i++) A[i * d + i] = 1;
    sgm_score score = sgm_model_score(&model, 0);
    sgm_inverse_options how = {
        .method = SGM_INVERSE_REPAINT,
        .resample = 4,
        .sample = {.method = SGM_METHOD_ANCESTRAL, .steps = quick ? 2 : 40, .grid = SGM_GRID_LOGSNR}};
    for (int r = 0; r < rows; r++) {
        long i = 0;
        while (i < n_fresh - 1 && label[i] != r % K) i++;
        float *row = grid + r * ROW * d;
        sgm_inverse half;
        tut_must(sgm_inverse_init(&half, d, m, A, a + i * d, 0));
        tut_must(sgm_inverse_sample(row + 2 * d, ASKED, &score, &half, &how,
                                    stream(20 + (uint64_t)r)));
        sgm_inverse_free(&half);
        memcpy(row, a + i * d, (size_t)d * sizeof *row),
            memcpy(row + d, row, (size_t)m * sizeof *row);
        for (long j = d + m; j < 2 * d; j++) row[j] = (float)((.5 - mean) / spread);
        for (int k = 0; k < ASKED; k++) {
            wanted[k] = label[i];
            for (int j = 0; j < m; j++) miss = fmax(miss, fabs(row[(2 + k) * d + j] - row[j]));
        }
        right += (int)(judged(NULL, row + 2 * d, wanted, ASKED) * ASKED + .5);
    }
    double share = (double)right / (ASKED * rows);
    printf("\nUpper half given: %.3f of %d completed digits are read as what the half came from\n",
           share, ASKED * rows);
    picture("inpainting", grid, rows * ROW, ROW);
    /* the last update ends at t = 0, where m = 1 and s = 0: nothing but rounding is left */
    tut_check("given half: largest miss", miss, 0, 1e-5);
    if (!quick) tut_check("completed digits recognised (chance .1)", share, 1, .5);
    free(A), free(grid);
}

/* (7) Up to the latents of pairs of digits, along the great circle between those, and down. */

static void interpolate(void) {
    long rows = quick ? 1 : 6, pair = rows * d;
    float *x = tut_memory((size_t)(2 * pair) * sizeof *x),
          *y = tut_memory((size_t)(2 * pair) * sizeof *y);
    float *grid = tut_memory((size_t)(ROW * pair) * sizeof *grid);
    sgm_score score = sgm_model_score(&model, 0);
    sgm_sample_options how = {.method = SGM_METHOD_RK45, .rtol = 1e-3, .atol = 1e-3};
    long up = 0, down = 0;
    double miss = 0;
    memcpy(x, a, (size_t)(2 * pair) * sizeof *x);
    if (quick) how.method = SGM_METHOD_HEUN, how.steps = 3, how.grid = SGM_GRID_LOGSNR, how.rtol = how.atol = 0;
    tut_must(sgm_flow(x, 2 * rows, &score, sde.t_min, sde.T, &how, &up));
    for (int k = 0; k < ROW; k++) {
        sgm_interpolate(y, x, x + pair, k / (ROW - 1.), rows, d);
        tut_must(sgm_flow(y, rows, &score, sde.T, sde.t_min, &how, &down));
        for (long i = 0; i < rows; i++)
            memcpy(grid + (i * ROW + k) * d, y + i * d, (size_t)d * sizeof *y);
    }
    for (long i = 0; i < pair; i++) {
        double u = grid[i / d * ROW * d + i % d] - a[i],
               v = grid[(i / d * ROW + ROW - 1) * d + i % d] - a[pair + i];
        miss += (u * u + v * v) / (double)(2 * pair);
    }
    picture("interpolation", grid, rows * ROW, ROW);
    printf("\nLatents: %ld evaluations up, %ld down; there and back is %.4f off (rms, of pixels in "
           "[0,1])\n",
           up, down, spread * sqrt(miss));
    if (!quick) tut_check("there and back: rms, pixels in [0,1]", spread * sqrt(miss), 0, .02);
    free(x), free(y), free(grid);
}

/* (8) Bits per dimension of the first fresh digits, beside those of the law that takes each pixel
by itself: the training digits' histogram of its 256 levels, with one count spread over all. */

static int level_of(float x) { return (int)floor((mean + spread * x) * 256); }

static double pixel_bits(long n) {
    double bits = 0, *count = tut_memory(256 * sizeof *count);
    for (long j = 0; j < d; j++) {
        for (int k = 0; k < 256; k++) count[k] = 1 / 256.;
        for (long i = 0; i < n_train; i++) count[level_of(train[i * d + j])]++;
        for (long i = 0; i < n; i++)
            bits -= log2(count[level_of(a[i * d + j])] / (double)(n_train + 1)) / (double)(n * d);
    }
    free(count);
    return bits;
}

static void bits(void) {
    long n = quick ? 1 : 32;
    double logp[32], *scale = tut_memory(2 * (size_t)d * sizeof *scale);
    float *raw = tut_memory((size_t)(n * d) * sizeof *raw);
    sgm_scaler scaler;
    scaler.d = d, scaler.scale = scale, scaler.shift = scale + d;
    for (int j = 0; j < d; j++) scale[j] = spread, scale[d + j] = mean;
    sgm_likelihood_options how = {
        .probes = 1,
        .levels = 256,
        .unchecked = quick,
        .solve = {.method = SGM_METHOD_HEUN, .steps = quick ? 2 : 32, .grid = SGM_GRID_LOGSNR},
        .progress = "bits/dim"};
    sgm_likelihood_result r;
    sgm_score score = sgm_model_score(&model, 0);
    score.scaler = &scaler, sgm_scaler_undo(&scaler, raw, a, n);
    tut_must(sgm_likelihood(logp, NULL, NULL, raw, n, &score, &how, &r, stream(30)));
    double one = log(2) * d, alone = pixel_bits(n);
    printf("\nBits per dimension of %ld fresh digits: %.3f ± %.3f (half the steps' size: %.3f)\n"
           "  pixels by themselves %.3f, no knowledge 8\n",
           n, r.bits_per_dim, r.nats_se / one, r.change / one, alone);
    sgm_likelihood_result elbo;
    how.draws = quick ? 2 : 32, how.progress = NULL;
    tut_must(sgm_likelihood_bound(logp, NULL, raw, n, &score, &how, &elbo, stream(31)));
    printf("  by the bound (7.18), the ELBO: %.3f ± %.3f\n", elbo.bits_per_dim, elbo.nats_se / one);
    /* above the law that knows no neighbours, far below no knowledge: in the lower half of what lies between */
    double room = (8 - alone) / 2;
    if (!quick) tut_check("bits/dim: above single pixels', far below 8", r.bits_per_dim, alone + room / 2, room / 2);
    free(scale), free(raw);
}

int main(int argc, char **argv) {
    sgm_image_net small;
    quick = tut_quick();
    tut_start("22_digits", 1, argv);
    if (argc > 2)
        read_digits(argv[1], argv[2]);
    else
        drawn_digits();
    for (int i = 0; i < 100; i++) in_turn[i] = i % K;
    printf("%s: %ld training digits, 2 × %ld fresh ones, %d classes\n",
           drawn ? "drawn digits" : argv[1], n_train, n_fresh, K);
    float *x = tut_memory((size_t)((n_fresh > 100 ? n_fresh : 100) * d) * sizeof *x);
    picture("data", a, quick ? n_fresh : 100, ROW);
    /* asked: .98 of drawn digits, .9 of others */
    tut_check("fresh digits that the judge reads", train_judge(), 1, quick ? .8 : drawn ? .02 : .1);
    memset(&small, 0, sizeof small);
    small.h = h / 2, small.w = w / 2, small.channels = 8, small.width = 32, small.depth = 2;
    sde = sgm_sde_cosine(), sde.t_min = .005, sde.T = .98;
    learn(&small, quick ? 64 : 6400);
    film();
    compare(x);
    sgm_score plain = sgm_model_score(&model, 0);
    sgm_sample_options how = dpm(STEPS, NULL);
    tut_cost_of("digits, U-Net", &model, &plain, &how, quick ? 10 : 100);
    copies(x);
    inpaint();
    interpolate();
    bits();
    sgm_model_free(&judge), sgm_model_free(&model);
    free(train), free(train_label), free(x);
    return tut_done();
}
