/*
# 23. Latent diffusion: first few numbers, then noise

**Question.** An image has many pixels and few things to say. Teach one network to say them in k
numbers and to draw the image from these, run the diffusion among the k numbers only: what is lost,
and what is won?

**Equation.** An encoder f, a decoder g, $\hat x = g(f(x))$. The loss $E\|x − \hat x\|²$ is none that
`sgm_train` knows: it is built on a tape, and `sgm_optimiser_step` does the rest (§4.8).

**Plan.** *SBGM: Score-Based Generative Models in JAX* (J. Homer) plans to add this.

1. The linear case with Gaussian data, in closed form: what the best k numbers are, what they lose,
   and which law the decoded samples have. A linear autoencoder finds them.
2. Drawn digits of 14 by 14 pixels: principal components, and an autoencoder, at k = 3, 6, 12.
3. The judge: a classifier. What coding alone costs in Fréchet distance (9.8); a case whose
   distance (T33.2) tells.
4. Three diffusions with the same training time, the autoencoder's counted: 12 numbers; 196 pixels by
   the same kind of network; 196 pixels by a U-Net. Fréchet distance, and seconds per sample.

**What you should see.** The linear latent loses exactly the variances that it drops, and its samples
lie that far from the data, be the diffusion ever so good. On drawn digits twelve numbers of the
autoencoder lose a tenth of what the best linear twelve do (4.7 for 48, of 128), and the judge cannot
tell its images from fresh ones. With the same training time the latent model's samples come about as
near as fresh digits are, the pixels' stay ten to fifteen times (dense) and twenty to fifty times
(U-Net) as far, by seed, and a sample costs a seventh and a seventieth of theirs. Two things are
lost: what the decoder cannot draw is never sampled, and there is no likelihood, since what is
decoded has no density in 196 dimensions. And these digits are drawn by a program that has few
numbers to say. Of MNIST's 10 000 test digits, as the two files, it learns 6000, and twelve numbers
lose 21.6 for 47.5 of fresh ones; the distances are 2.2, 12 and 84, and 1.3 and 2.4 of fresh digits.

**Figures.** `33_latent_cost.png`; a grid, written here: `33_latent_grid.png`.

    cc -O2 -fopenmp tutorial/33_latent.c -o 33_latent -lm && ./33_latent [images labels]

**Exercises.**
(1) Set KEPT to 8: what is dropped, and the samples' Fréchet distance, fall from 1.29 to 0.165.
(2) In `gaussian` sample by SGM_METHOD_DDIM with 8 steps and the grid SGM_GRID_LOGSNR: the distance is
2.0, for by (T33.2) the diffusion's error in the kept directions adds to what was dropped.
(3) How many principal components lose as little as the autoencoder's twelve numbers? Read it off
`tail.dat`: 65.
*/

#include "tutorial.h"
#include "picture.h"

enum { SIDE = 14, PIXELS = SIDE * SIDE, LATENT = 12, FEATURES = 32, CLASSES = 10, STOPS = 4 };
enum { G = 16, KEPT = 4, ROW = 14, ZOOM = 4, CODERS = 3 }; /* the Gaussian: dimension, and kept  */
enum { WHOLE, ENCODE, DECODE };                            /* parts of a network              */
enum { TWELVE, DENSE, UNET, MODELS };

typedef struct shape {
    int d, k, h1, h2; /* from d numbers over two hidden layers to k, or with h1 = 0 at once */
} shape;

static const int coded[CODERS] = {3, 6, LATENT};
static int drawn; /* 0: digits of the two IDX files named, images and labels */
static long n_train, n_fresh;
static float *train, *fresh, *other, *gallery; /* digits, of mean 0 and mean square 1 */
static int *train_label, *fresh_label;
static double mean, spread; /* pixel = mean + spread · number */
static double lambda[PIXELS], axis[PIXELS][PIXELS], centre[PIXELS]; /* principal components */
static sgm_model judge, coder[CODERS], model[MODELS];
static double coder_seconds, two_sets;
static float *features[2]; /* of the training digits: principal coordinates; the judge's */

/*
## A loop for any loss

A network of two halves; the judge is an encoder with a layer behind it. Its loss is the cross
entropy $−\log p$(label), whose derivative by the logits is p minus 1 at the label; an autoencoder's
is $\|\hat x − x\|²$. All else is the same loop.
*/
static sgm_tensor *encoder(sgm_tape *t, sgm_tensor *x, const shape *s) {
    if (s->h1) x = sgm_silu(t, sgm_linear(t, x, s->h1));
    if (s->h1) x = sgm_silu(t, sgm_linear(t, x, s->h2));
    return sgm_linear(t, x, s->k);
}

static sgm_tensor *decoder(sgm_tape *t, sgm_tensor *z, const shape *s) {
    if (s->h1) z = sgm_silu(t, sgm_linear(t, z, s->h2));
    if (s->h1) z = sgm_silu(t, sgm_linear(t, z, s->h1));
    return sgm_linear(t, z, s->d);
}

static sgm_tensor *autoencoder(sgm_tape *t, const sgm_net_in *in) {
    const shape *s = (const shape *)in->user;
    return decoder(t, encoder(t, in->x, s), s);
}

static sgm_tensor *judging(sgm_tape *t, const sgm_net_in *in) {
    sgm_tensor *looks = encoder(t, in->x, (const shape *)in->user);
    return sgm_linear(t, sgm_silu(t, looks), CLASSES);
}

static double loss_of(float *seed, const float *out, const float *x, const int *label, int cols) {
    double loss = 0, sum = 0;
    for (int j = 0; label && j < cols; j++) sum += exp(out[j]);
    for (int j = 0; j < cols; j++) {
        double miss = label ? exp(out[j]) / sum - (j == *label) : out[j] - x[j];
        loss += !label ? miss * miss : j == *label ? log(sum) - out[j] : 0;
        seed[j] = (float)(label ? miss : 2 * miss);
    }
    return loss;
}

/* The model is the place of the parameters and their average. Returns processor seconds. */
static double fit(sgm_model *m, sgm_net net, shape *s, const float *x, const int *label, long n, long steps,
                  sgm_key key) {
    enum { B = 128 };
    const int d = s->d, cols = label ? CLASSES : d;
    sgm_model_options o = {.net = net, .user = s, .d = d, .sde = sgm_sde_edm(0.01, 80), .n_ema = 1,
                           .classes = label ? CLASSES : 0, .output = label ? SGM_OUTPUT_AUTO : SGM_OUTPUT_X0};
    sgm_train_options run = {.steps = steps, .lr = 2e-3, .cosine = 1, .clip = 10, .ema = {0.99}};
    float *batch = (float *)tut_memory(B * (size_t)d * sizeof *batch);
    sgm_optimiser by;
    sgm_tape *tape = sgm_tape_new();
    double seconds = tut_processor(), slow = 0;
    tut_must(sgm_model_init(m, &o, sgm_key_split(key, 0)));
    tut_must(sgm_optimiser_init(&by, m->params, m->n_params, m->ema, 1, &run));
    while (by.step < steps) {
        long row[B];
        double loss = 0;
        for (int i = 0; i < B; i++) {
            row[i] = (long)sgm_below(sgm_key_split(key, 1), (uint64_t)(by.step * B + i), (uint64_t)n);
            memcpy(batch + i * d, x + row[i] * d, (size_t)d * sizeof *x);
        }
        sgm_net_in in = {.user = s, .out = cols};
        sgm_tape_reset(tape, m->params, by.grads, m->n_params, sgm_key_init(0), SGM_TAPE_TRAINING);
        in.x = sgm_tape_input(tape, batch, B, d);
        sgm_tensor *out = net(tape, &in);
        float *seed = sgm_tape_gradient_of(tape, out);
        tut_must(sgm_tape_status(tape));
        for (int i = 0; i < B; i++)
            loss += loss_of(seed + i * cols, out->v + i * cols, batch + i * d, label ? label + row[i] : NULL, cols) / B;
        for (int i = 0; i < B * cols; i++) seed[i] /= B;
        tut_must(sgm_tape_backward(tape));
        tut_must(sgm_optimiser_step(&by));
        slow += (by.step > 200 ? 0.01 : 1.0 / (double)by.step) * (loss - slow);
    }
    seconds = tut_processor() - seconds;
    printf("   %7zu parameters, %5ld steps, %4.1f s: loss %.4g\n", m->n_params, steps, seconds, slow);
    sgm_optimiser_free(&by), sgm_tape_free(tape), free(batch);
    return seconds;
}

/* A part of a model's network, of x(n, ·). The decoder's parameters begin where the encoder's end. */
static void push(int part, const sgm_model *m, float *out, const float *x, long n) {
    const shape *s = (const shape *)m->o.user;
    sgm_tape *tape = sgm_tape_new();
    int from = part == DECODE ? s->k : s->d, cols = part == ENCODE ? s->k : s->d;
    int first = s->h1 ? (s->d + 1) * s->h1 + (s->h1 + 1) * s->h2 + (s->h2 + 1) * s->k : (s->d + 1) * s->k;
    size_t skip = part == DECODE ? (size_t)first : 0;
    for (long i = 0, c; i < n; i += c) {
        c = n - i < 256 ? n - i : 256;
        sgm_tape_reset(tape, m->ema[0] + skip, NULL, m->n_params - skip, sgm_key_init(0), 0);
        sgm_tensor *y = sgm_tape_input(tape, x + i * from, (int)c, from);
        if (part != DECODE) y = encoder(tape, y, s);
        if (part != ENCODE) y = decoder(tape, y, s);
        tut_must(sgm_tape_status(tape));
        memcpy(out + i * cols, y->v, (size_t)(c * cols) * sizeof *out);
    }
    sgm_tape_free(tape);
}

/*
## 1. Gaussian data, k linear numbers

Data N(0, C) with $C = Σ λ_j q_j q_j^T$, λ falling. Of all linear maps to k numbers and back, the
projection on the first k axes loses least (Eckart and Young):

$$\min_{f, g\ \mathrm{linear}} E \|x − g(f(x))\|² = \sum_{j > k} λ_j \qquad(T33.1)$$

The k coordinates are N(0, diag(λ_1 … λ_k)), independent, and a diffusion of them that makes no error
gives, decoded, N(0, C') with $C' = Σ_{j ≤ k} λ_j q_j q_j^T$. C and C' have the same axes, so the
Fréchet distance (9.8) is a sum over them,

$$\sum_j \left( \sqrt{λ_j} − \sqrt{λ'_j} \right)^2 = \sum_{j > k} λ_j \qquad(T33.2)$$

again what was dropped: the decoder's loss is the floor of the samples' distance. In KL it would be
infinite, for C' has no density in all dimensions.

A linear autoencoder's risk needs no points: with g(f(x)) = M x + b it is
$Σ λ_j \|q_j − M q_j\|² + \|b\|²$. It finds the k axes in some mixture that loses nothing more.
*/
static void gaussian(sgm_key key) {
    const long n = tut_quick() ? 4000 : 40000;
    double L[G], zero[KEPT] = {0}, q[G][G], tail = 0, tail2 = 0, worst = 0, dropped = 0, lost = 0, risk = 0;
    float *x = (float *)tut_memory((size_t)n * (3 * G + KEPT) * sizeof *x), *y = x + n * G, *made = y + n * G;
    float *z = made + n * G, basis[(G + 1) * G], image[(G + 1) * G];
    static shape line = {G, KEPT, 0, 0};
    sgm_mixture latent;
    sgm_sde sde = sgm_sde_edm(0.01, 80);
    sgm_model linear;
    for (int j = 0; j < G; j++) {
        L[j] = 4 * pow(0.6, j);
        for (int i = 0; i < G; i++) q[j][i] = (i == j) - 2.0 / G; /* I − 2uuᵀ, u = (1 … 1)/√G */
        if (j >= KEPT) tail += L[j], tail2 += 2 * L[j] * L[j];
    }
    for (int set = 0; set < 2; set++) { /* two exact sets, x and y */
        sgm_normal(made, (size_t)n * G, sgm_key_split(key, (uint64_t)set), 0);
        for (long i = 0; i < n * G * G; i++)
            (set ? y : x)[i / G] += (float)(q[i % G][i / G % G] * sqrt(L[i % G]) * made[i / G / G * G + i % G]);
    }
    tut_must(sgm_mixture_init(&latent, 1, KEPT, NULL, zero, L, SGM_COV_DIAGONAL, &sde));
    sgm_score exact = sgm_mixture_score(&latent);
    sgm_sample_options how = {.method = SGM_METHOD_RK45};
    tut_must(sgm_sample(z, n, &exact, &how, sgm_key_split(key, 2)));
    for (long i = 0; i < n * G; i++) {
        made[i] = 0;
        for (int l = 0; l < KEPT; l++) made[i] += (float)(z[i / G * KEPT + l] * q[l][i % G]);
    }
    for (int j = 0; j < G; j++) { /* the samples' variance along each axis, and what x has along it */
        double var = 0, data = 0;
        for (long i = 0; i < n; i++) {
            double along = 0, of_x = 0;
            for (int c = 0; c < G; c++) along += q[j][c] * made[i * G + c], of_x += q[j][c] * x[i * G + c];
            var += along * along / (double)n, data += of_x * of_x / (double)n;
        }
        if (j < KEPT) worst = fmax(worst, fabs(var / L[j] - 1) * sqrt((double)n / 2));
        else dropped += var, lost += data;
    }
    double two = sgm_frechet(x, n, y, n, G), far = sgm_frechet(made, n, x, n, G), se = sqrt(tail2 / (double)n);
    printf("1. N(0, C) in %d dimensions, %d kept: dropped variances %.4f; lost by the projection %.4f;\n"
           "   Fréchet distance of samples %.4f (of two exact sets %.4f); the variances that are kept are\n"
           "   right to %.1f standard errors\n", (int)G, (int)KEPT, tail, lost, far, two, worst);
    tut_check("1. projection: E|x - g(f(x))|^2 (T33.1)", lost, tail, 5 * se);
    tut_check("1. SBGM: latent samples, kept variances, in std errors", worst, 0, 5);
    tut_check("1. latent samples: variance in the dropped directions", dropped, 0, 1e-10); /* roundings² */
    /* its only noise of first order is that of x's dropped variances; `two` bounds the rest's bias */
    tut_check("1. SBGM: latent samples, Fréchet distance (T33.2)", far, tail, 5 * se + two);
    fit(&linear, autoencoder, &line, x, NULL, n, tut_quick() ? 3000 : 6000, sgm_key_split(key, 3));
    for (int i = 0; i < (G + 1) * G; i++) basis[i] = i < G * G ? (float)q[i / G][i % G] : 0;
    push(WHOLE, &linear, image, basis, G + 1);
    for (int i = 0; i < (G + 1) * G; i++) {
        double b = image[G * G + i % G];
        risk += i < G * G ? L[i / G] * pow(q[i / G][i % G] - (image[i] - b), 2) : b * b;
    }
    printf("   a linear autoencoder's risk is %.4f, %.2f %% above (T33.1)\n", risk, 100 * (risk / tail - 1));
    tut_check("1. linear autoencoder: risk over its floor, less 1", risk / tail - 1, 0, tut_quick() ? 0.1 : 0.01);
    tut_check("1. linear autoencoder: below the floor", risk < tail * (1 - 1e-6), 0, 0);
    sgm_mixture_free(&latent), sgm_model_free(&linear), free(x);
}

/*
## 2. Digits in k numbers

The digits of `sgm_data_digits`, four pixels averaged into one. Their principal components are the
eigenvectors of their covariance, here by Jacobi's rotations: each makes one pair of off-diagonal
numbers zero, and a dozen rounds over all pairs leave nothing.
*/
static void digits(float *x, int *label, long n, const sgm_images *file, const sgm_images *names, sgm_key key) {
    float *big = (float *)tut_memory((size_t)n * 4 * PIXELS * sizeof *big);
    double sum = 0, square = 0, N = (double)(n_train * PIXELS);
    if (!file->x) sgm_data_digits(big, label, n, key);
    for (long i = 0; i < n && file->x; i++) { /* of a file in a shuffled order */
        long from = (long)sgm_permute((uint64_t)i, (uint64_t)file->n, key);
        memcpy(big + i * 4 * PIXELS, file->x + from * 4 * PIXELS, 4 * PIXELS * sizeof *big);
        label[i] = names->label[from];
    }
    for (long i = 0; i < n * PIXELS; i++) {
        const float *p = big + i / PIXELS * 4 * PIXELS + i % PIXELS / SIDE * 4 * SIDE + i % SIDE * 2;
        x[i] = (p[0] + p[1] + p[2 * SIDE] + p[2 * SIDE + 1]) / 4;
        if (i < n_train * PIXELS) sum += x[i], square += (double)x[i] * x[i];
    }
    mean = sum / N, spread = sqrt(square / N - mean * mean);
    for (long i = 0; i < n * PIXELS; i++) x[i] = (float)((x[i] - mean) / spread);
    free(big);
}

static void eigen(double *a, double *v, int n) {
    for (int i = 0; i < n * n; i++) v[i] = i / n == i % n;
    for (int pair = 0; pair < 12 * n * n; pair++) {
        int p = pair / n % n, q = pair % n;
        double off = a[p * n + q], gap = (a[q * n + q] - a[p * n + p]) / 2;
        if (q <= p || fabs(off) < 1e-14 * (fabs(a[p * n + p]) + fabs(a[q * n + q]))) continue;
        double t = off / (gap + (gap < 0 ? -1 : 1) * hypot(gap, off)), c = 1 / sqrt(1 + t * t), s = t * c;
        for (int k = 0; k < n; k++) {
            double x = a[k * n + p], y = a[k * n + q];
            a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
        }
        for (int k = 0; k < n; k++) {
            double x = a[p * n + k], y = a[q * n + k], u = v[p * n + k], w = v[q * n + k];
            a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
            v[p * n + k] = c * u - s * w, v[q * n + k] = s * u + c * w;
        }
    }
}

static double principal(const float *x, long n) { /* returns the trace */
    static double a[PIXELS * PIXELS], v[PIXELS * PIXELS];
    double trace = 0;
    for (long i = 0; i < n * PIXELS; i++) centre[i % PIXELS] += x[i] / (double)n;
    for (long i = 0; i < n; i++) {
        double off[PIXELS];
        for (int j = 0; j < PIXELS; j++) off[j] = x[i * PIXELS + j] - centre[j];
        for (int j = 0; j < PIXELS; j++)
            for (int k = 0; k < PIXELS; k++) a[j * PIXELS + k] += off[j] * off[k] / (double)n;
    }
    for (int j = 0; j < PIXELS; j++) trace += a[j * PIXELS + j];
    eigen(a, v, PIXELS);
    for (int i = 0; i < PIXELS; i++) { /* in falling order */
        int best = 0;
        for (int j = 0; j < PIXELS; j++)
            if (a[j * PIXELS + j] > a[best * PIXELS + best]) best = j;
        lambda[i] = a[best * PIXELS + best], a[best * PIXELS + best] = -HUGE_VAL;
        memcpy(axis[i], v + best * PIXELS, sizeof axis[i]);
    }
    return trace;
}

/* The first k coordinates of each digit, to out; what these alone give back, to back; or NULL. */
static void project(float *out, float *back, const float *x, long n, int k) {
    for (long i = 0; i < n; i++, x += PIXELS) {
        double sum[PIXELS];
        memcpy(sum, centre, sizeof sum);
        for (int l = 0; l < k; l++) {
            double z = 0;
            for (int j = 0; j < PIXELS; j++) z += axis[l][j] * (x[j] - centre[j]);
            for (int j = 0; back && j < PIXELS; j++) sum[j] += z * axis[l][j];
            if (out) out[i * k + l] = (float)z;
        }
        for (int j = 0; back && j < PIXELS; j++) back[i * PIXELS + j] = (float)sum[j];
    }
}

/* E‖a − b‖² over the digits, and its standard error. */
static double misfit(const float *a, const float *b, long n, double *se) {
    double sum = 0, square = 0;
    for (long i = 0; i < n; i++) {
        double one = 0;
        for (long j = i * PIXELS; j < (i + 1) * PIXELS; j++) one += pow((double)a[j] - b[j], 2);
        sum += one / (double)n, square += one * one / (double)n;
    }
    *se = sqrt((square - sum * sum) / (double)n);
    return sum;
}

static double codes(float *pca, float *coder_back, sgm_key key) { /* of fresh digits, at k = LATENT */
    static shape code[CODERS];
    float table[PIXELS * 2], *back = coder_back;
    double tail = principal(train, n_train), trace = tail, se, all = 0;
    char name[96];
    for (int j = 0; j < PIXELS; j++) all += lambda[j];
    tut_check("2. digits: sum of the variances, of the pixels' own", all, trace, 1e-9 * trace); /* rounding */
    printf("2. digits: E|x - g(f(x))|^2 of all %.2f\n", trace);
    for (int k = 1, i = 0; k <= PIXELS; k++) {
        tail -= lambda[k - 1];
        table[2 * k - 2] = (float)k, table[2 * k - 1] = (float)tail;
        if (i == CODERS || k != coded[i]) continue;
        code[i] = (shape){PIXELS, k, 256, 128};
        coder_seconds = fit(&coder[i], autoencoder, &code[i], train, NULL, n_train,
                            tut_quick() ? k == LATENT ? 300 : 20 : k == LATENT ? 16000 : 6000,
                            sgm_key_split(key, (uint64_t)i));
        project(NULL, pca, fresh, n_fresh, k);
        double linear = misfit(pca, fresh, n_fresh, &se), own;
        snprintf(name, sizeof name, "2. %d principal components, fresh digits (T33.1)", k);
        tut_check(name, linear, tail, 5 * se); /* fresh digits: five standard errors */
        push(WHOLE, &coder[i], back, fresh, n_fresh);
        own = misfit(back, fresh, n_fresh, &se);
        printf("   k = %2d: variances dropped %.3f, lost of fresh digits %.3f; autoencoder %.3f ± %.3f\n", k, tail,
               linear, own, se);
        snprintf(name, sizeof name, "2. SBGM: autoencoder, k = %d: below the linear floor", k);
        if (!tut_quick()) tut_check(name, own + 5 * se < tail, 1, 0);
        float point[2] = {(float)k, (float)own};
        snprintf(name, sizeof name, "code_%d.dat", k);
        tut_dat(name, "k; lost by the autoencoder", point, 1, 2);
        i++;
    }
    tut_dat("tail.dat", "k; variances dropped", table, PIXELS, 2);
    return trace;
}

/*
## 3. The judge

Fréchet distances to the training digits, of the judge's 32 features; and of 32 principal
coordinates, for one check. The linear code keeps 12 of them and sets 20 to their mean, so by (T33.2)
its distance is the variance of these 20, Gaussian or not; what fresh digits differ by in the other
12 comes on top, and is no more than they differ by in all 32, for a projection brings no two
Gaussians further apart. Fresh digits themselves, two sets of them, say what 0 looks like.
*/
static double frechet(const float *x, int by_judge) {
    float *a = (float *)tut_memory((size_t)n_fresh * FEATURES * sizeof *a), **to = &features[by_judge];
    if (!*to) {
        *to = (float *)tut_memory((size_t)n_train * FEATURES * sizeof *a);
        if (by_judge) push(ENCODE, &judge, *to, train, n_train);
        else project(*to, NULL, train, n_train, FEATURES);
    }
    if (by_judge) push(ENCODE, &judge, a, x, n_fresh);
    else project(a, NULL, x, n_fresh, FEATURES);
    double f = sgm_frechet(a, n_fresh, *to, n_train, FEATURES);
    free(a);
    return f;
}

static double judged(const float *pca, const float *own, sgm_key key) {
    static shape looks = {PIXELS, FEATURES, 128, 64};
    double wrong = 0, dropped = 0;
    printf("3. the judge\n");
    fit(&judge, judging, &looks, train, train_label, n_train, tut_quick() ? 300 : 3000, key);
    sgm_tape *tape = sgm_tape_new();
    for (long i = 0; i < n_fresh; i++) {
        int best = 0;
        sgm_net_in in = {.user = &looks};
        sgm_tape_reset(tape, judge.ema[0], NULL, judge.n_params, key, 0);
        in.x = sgm_tape_input(tape, fresh + i * PIXELS, 1, PIXELS);
        const sgm_tensor *p = judging(tape, &in);
        tut_must(sgm_tape_status(tape));
        for (int j = 1; j < CLASSES; j++) best = p->v[j] > p->v[best] ? j : best;
        wrong += (best != fresh_label[i]) / (double)n_fresh;
    }
    tut_check("3. judge: share of fresh digits that it misreads", wrong, 0,
              tut_quick() ? 0.3 : drawn ? 0.02 : 0.1); /* the aim */
    double two = frechet(fresh, 0), linear = frechet(pca, 0), coding = frechet(own, 1), same = frechet(fresh, 1);
    two_sets = (same + frechet(other, 1)) / 2;
    for (int j = LATENT; j < FEATURES; j++) dropped += lambda[j];
    printf("   misreads %.4f of fresh digits. Fréchet distance to the training digits, of 32 principal\n"
           "   coordinates: fresh ones %.3f, linear code %.3f, (T33.2) %.3f; of the judge's features: fresh\n"
           "   ones %.3f and %.3f, linear code %.2f, autoencoder %.3f\n", wrong, two, linear, dropped, same,
           2 * two_sets - same, frechet(pca, 1), coding);
    tut_check("3. linear code: Fréchet of 32 coordinates (T33.2)", linear, dropped, two + 1e-3 * dropped);
    if (!tut_quick() && drawn) /* the aim: its images of a set are as near as the set is */
        tut_check("3. SBGM: its images, Fréchet over the digits' own", coding / same, 1, 0.25);
    sgm_tape_free(tape);
    return coding;
}

/*
## 4. Three diffusions in the same time

The first sees the 12 numbers, standardised by a scaler; its seconds begin with the autoencoder's.
The numbers of steps are such that the three take about the same processor seconds on one machine
(printed: another may differ). Each is looked at four times, by samples of 40 evaluations.
*/
static double study(int kind, const float *data, double *each, sgm_key key) {
    static sgm_scaler scaler;
    static sgm_mlp_options small = {.width = 192, .depth = 4}, wide = {.width = 512, .depth = 3};
    static sgm_image_net unet = {.h = SIDE, .w = SIDE, .channels = 1, .width = 8, .depth = 2};
    static const char *const name[MODELS] = {"latent, 12 numbers", "pixels, dense", "pixels, U-Net"};
    static const char *const file[MODELS] = {"cost_latent.dat", "cost_dense.dat", "cost_unet.dat"};
    const long steps = (tut_quick() ? (const long[]){200, 20, 4} : (const long[]){16000, 5000, 540})[kind];
    sgm_model_options o = {.net = kind == UNET ? sgm_unet : sgm_mlp, .sde = sgm_sde_edm(0.01, 80), .n_ema = 1,
                           .d = kind == TWELVE ? LATENT : PIXELS, .scaler = kind == TWELVE ? &scaler : NULL};
    sgm_train_options run = {.steps = steps, .lr = kind == UNET ? 4e-3 : 2e-3, .cosine = 1, .held_out = -1};
    sgm_sample_options how = {.method = SGM_METHOD_DPM_SDE, .steps = tut_quick() ? 8 : 40, .grid = SGM_GRID_EDM};
    sgm_trainer trainer;
    float *x = (float *)tut_memory((size_t)n_fresh * (PIXELS + LATENT) * sizeof *x), *z = x + n_fresh * PIXELS;
    float table[STOPS * 2];
    double seconds = kind == TWELVE ? coder_seconds : 0, far = 0;
    o.user = kind == UNET ? (void *)&unet : kind == DENSE ? (void *)&wide : (void *)&small;
    tut_must(sgm_model_init(&model[kind], &o, sgm_key_split(key, 0)));
    tut_must(sgm_trainer_init(&trainer, &model[kind], data, n_train, &run, sgm_key_split(key, 1)));
    sgm_score score = sgm_model_score(&model[kind], 0);
    for (int stop = 1; stop <= STOPS; stop++) {
        double start = tut_processor();
        while (trainer.step < steps * stop * stop / (STOPS * STOPS)) tut_must(sgm_trainer_step(&trainer));
        seconds += tut_processor() - start, start = tut_processor();
        tut_drawn(sgm_sample(kind == TWELVE ? z : x, n_fresh, &score, &how, sgm_key_split(key, 2)));
        if (kind == TWELVE) push(DECODE, &coder[CODERS - 1], x, z, n_fresh);
        *each = (tut_processor() - start) / (double)n_fresh;
        far = frechet(x, 1), table[2 * stop - 2] = (float)seconds, table[2 * stop - 1] = (float)far;
    }
    printf("   %-19s %6zu parameters, %5ld steps, %4.1f s: Fréchet %6.2f, %.2g s per sample\n", name[kind],
           model[kind].n_params, steps, seconds, far, *each);
    tut_dat(file[kind], "processor seconds of training; Fréchet distance", table, STOPS, 2);
    tut_cost_of(name[kind], &model[kind], &score, &how, 256);
    memcpy(gallery + (3 + kind) * ROW * PIXELS, x, ROW * PIXELS * sizeof *x);
    sgm_trainer_free(&trainer), free(x);
    return far;
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    sgm_images file = {0}, names = {0};
    n_train = tut_quick() ? 2000 : 20000, n_fresh = tut_quick() ? 200 : 2000, drawn = argc < 3;
    if (!drawn) {
        tut_must(sgm_idx_load(&file, argv[1])), tut_must(sgm_idx_load(&names, argv[2]));
        if (!file.x || !names.label || file.n != names.n || file.d != 4 * PIXELS || file.n < 5 * n_fresh)
            return fprintf(stderr, "error: %s, %s: needs %ld images of 28 by 28, and as many labels\n", argv[1],
                           argv[2], 5 * n_fresh), 2;
        n_train = file.n - 2 * n_fresh < n_train ? file.n - 2 * n_fresh : n_train;
    }
    long n = n_train + 2 * n_fresh;
    tut_start("33_latent", 1, argv);
    gaussian(sgm_key_split(key, 1));
    train = (float *)tut_memory((size_t)n * PIXELS * sizeof *train), fresh = train + n_train * PIXELS;
    other = fresh + n_fresh * PIXELS, gallery = (float *)tut_memory(6 * ROW * PIXELS * sizeof *gallery);
    train_label = (int *)tut_memory((size_t)n * sizeof *train_label), fresh_label = train_label + n_train;
    float *pca = (float *)tut_memory((size_t)n_fresh * 2 * PIXELS * sizeof *pca), *own = pca + n_fresh * PIXELS;
    float *z = (float *)tut_memory((size_t)n_train * LATENT * sizeof *z);
    digits(train, train_label, n, &file, &names, sgm_key_split(key, 2));
    codes(pca, own, sgm_key_split(key, 3));
    double coding = judged(pca, own, sgm_key_split(key, 4)), far[MODELS], each[MODELS];
    push(ENCODE, &coder[CODERS - 1], z, train, n_train);
    printf("4. the autoencoder's seconds are %.1f\n", coder_seconds);
    for (int kind = 0; kind < MODELS; kind++)
        far[kind] = study(kind, kind == TWELVE ? z : train, &each[kind], sgm_key_split(key, 5 + (uint64_t)kind));
    if (!tut_quick()) {
        tut_check("4. SBGM: in equal time, half of dense pixels' Fréchet", 2 * far[TWELVE] < far[DENSE], 1, 0);
        tut_check("4. SBGM: in equal time, half of the U-Net's Fréchet", 2 * far[TWELVE] < far[UNET], 1, 0);
        tut_check("4. latent samples cost less than half of the others'", 2 * each[TWELVE] < fmin(each[DENSE], each[UNET]),
                  1, 0);
    }
    float levels[2] = {(float)two_sets, (float)coding};
    tut_dat("levels.dat", "Fréchet distance of fresh digits; of the autoencoder's images", levels, 1, 2);
    memcpy(gallery, fresh, ROW * PIXELS * sizeof *gallery);
    memcpy(gallery + ROW * PIXELS, pca, ROW * PIXELS * sizeof *gallery);
    memcpy(gallery + 2 * ROW * PIXELS, own, ROW * PIXELS * sizeof *gallery);
    float *large = (float *)tut_memory(6 * ROW * ZOOM * ZOOM * PIXELS * sizeof *large);
    for (int i = 0; i < 6 * ROW * ZOOM * ZOOM * PIXELS; i++) { /* each pixel ZOOM by ZOOM times */
        int one = i / (ZOOM * ZOOM * PIXELS), r = i / (ZOOM * SIDE) % (ZOOM * SIDE), c = i % (ZOOM * SIDE);
        large[i] = gallery[one * PIXELS + r / ZOOM * SIDE + c / ZOOM];
    }
    tut_picture("33_latent_grid", large, 6 * ROW, ZOOM * SIDE, ZOOM * SIDE, ROW, mean, spread);
    puts("   33_latent_grid, row by row: fresh digits; of 12 principal components; of 12 numbers of the\n"
         "   autoencoder; samples: latent, dense pixels, U-Net of pixels");
    for (int i = 0; i < CODERS; i++) sgm_model_free(&coder[i]);
    for (int i = 0; i < MODELS; i++) sgm_model_free(&model[i]);
    sgm_images_free(&file), sgm_images_free(&names);
    sgm_model_free(&judge), free(train), free(train_label), free(gallery), free(large), free(features[0]), free(features[1]), free(pca), free(z);
    return tut_done();
}
