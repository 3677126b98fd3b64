/*
Proof 29: conditions that are images.

Question. What you have is an image: a map with a hole, a blurred plate, half of a digit, a gray
photograph. What you want are the images that it may have come from, as many as you like, each as
probable as it should be: draws from p(x|y). *SBGM: Score-Based Generative Models in JAX* fits
p(x|π, y), "where y would be an image and π a set of parameters", and names field-level inference,
inpainting and denoising as its uses. Can a network that is shown y beside the noisy x be trusted?

Equations. Training is (8.2) with y beside x: `cond_image` of the condition's numbers are an image
whose channels stand beside those of x, the rest (π) joins the time. A Gaussian random field of
power spectrum P, seen as y = A x + τ z, has a posterior that needs no network (Wiener 1949):

$$μ = C A^T (A C A^T + τ² I)^{-1} y, \qquad Σ = C − C A^T (A C A^T + τ² I)^{-1} A C \qquad(T29.1)$$

$$C_{pq} = \sum_k P_k \cos(2π k·(p − q)/24) / \sum_k P_k, \qquad P_k = (1 + |2π k ℓ/24|²)^{-2}
\qquad(T29.2)$$

A = I is denoising, rows left out are inpainting, a kernel in each row is deblurring. Two chains of
reverse diffusion (5.5) that take the same steps with other scores part by

$$\mathrm{KL}(Q \,\|\, P) = E_Q \sum_i ½ b_i² \| s_Q(x_i, t_i) − s_P(x_i, t_i) \|² \qquad(T29.3)$$

since each step is a Gaussian of variance b² whose mean the scores move by b² s (Girsanov's theorem,
in steps). P, with the exact score, is Gaussian to the end, and no law Q with another mean is nearer
to a Gaussian than half the squared distance of the means, in its standard deviations:

$$½ (μ_Q − μ_P)^T Σ_P^{-1} (μ_Q − μ_P) ≤ \mathrm{KL}(Q \,\|\, P) \qquad(T29.4)$$

So what the network misses of the score, which you can measure while it draws, bounds what its draws
can be wrong by: the tolerance of the rows below is measured, not guessed.

Plan. (1) Fields of any correlation length. (2) Their exact posteriors, twice. (3) One U-Net learns
all of it: holes, blur and noise of any strength, for any length; y and the mask are the image;
noise, length and blur the vector π. (4) Draw with the exact score and with the network by the same
steps: what the discretisation costs, then what the network does: means, variances, and where the
truth ranks among the draws.

What you should see. The exact score shows what the steps alone cost: nothing of the mean, 7 % of
the variance. The network's means are Wiener's to .07 standard deviations of the posterior for blur
and noise, .23 for the hole, well within (T29.4); the truth ranks among its draws like one of them.
What it has is too wide rather than too narrow: variances of 1.1 times the chain's, and 1.35 times
with the hole, where noise of a tenth leaves a posterior so narrow that an error of 5 % of the
prior's width is a third of its variance.

Figures. `29_fields_maps.png`: truth, y, Wiener's mean, the network's, two draws, for a hole, a blur
and noise. `29_fields_pixels.png`: means and standard deviations of pixels against Wiener's.

Build: cc -O2 -fopenmp tutorial/29_fields.c -o 29_fields -lm && ./29_fields
(MODE=test: seconds, structure only)

Change one line:
- `.cond_image = 0` in `learn`: all of y joins the time as a vector. There is as much to read, but
  where each pixel lies has to be learnt: after 500 steps of 16 the network misses 3.9 nats a pixel
  of the blur, where with channels it misses .25.
- AREA = 3 in `settle`: of nine hidden pixels Wiener knows the middle one to .52 of the field's
  deviation, where the middle of thirty-six is known to .76.
*/

#include "tutorial.h"

enum { W = 12, N = W * W, M = 24, TASKS = 3 };
static const double TURN = 6.283185307179586;
static int quick;
static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }
static float *floats(long n) { return (float *)tut_memory((size_t)n * sizeof(float)); }
static double *doubles(long n) { return (double *)tut_memory((size_t)n * sizeof(double)); }

/*
(1) The field lives on a torus of 24 by 24 pixels, of which a window of 12 by 12 is seen, so it has
edges as a plate has. Its covariance (T29.2) depends on the distance alone, and is a sum over waves;
so is the field: each wave gets two normal numbers, and as much power as P says.
*/

static double wave_cos[M], wave_sin[M];

static double power(int k1, int k2, double length) { /* not yet divided by the sum */
    double a = k1 > M / 2 ? k1 - M : k1, b = k2 > M / 2 ? k2 - M : k2, q = TURN / M;
    double scale = 1 + q * q * length * length * (a * a + b * b);
    return 1 / (scale * scale);
}

static double total_power(double length) {
    double sum = 0;
    for (int k = 0; k < M * M; k++) sum += power(k / M, k % M, length);
    return sum;
}

static void covariance(double *C, double length) { /* (T29.2) */
    double lag[M * M], sum = total_power(length);
    for (int r = 0; r < M * M; r++) {
        lag[r] = 0;
        for (int k = 0; k < M * M; k++)
            lag[r] += power(k / M, k % M, length) / sum *
                      wave_cos[(k / M * (r / M) + k % M * (r % M)) % M];
    }
    for (int p = 0; p < N; p++)
        for (int q = 0; q < N; q++)
            C[p * N + q] = lag[(p / W - q / W + M) % M * M + (p % W - q % W + M) % M];
}

static void draw_field(float *x, double length, sgm_key key) {
    float z[2 * M * M];
    double re[M][W] = {{0}}, im[M][W] = {{0}}, sum = total_power(length);
    sgm_normal(z, 2 * M * M, key, 0);
    for (int k = 0; k < M * M; k++) { /* first along a row of pixels */
        double a = sqrt(power(k / M, k % M, length) / sum), u = a * z[2 * k], v = a * z[2 * k + 1];
        for (int b = 0; b < W; b++) {
            int at = k % M * b % M;
            re[k / M][b] += u * wave_cos[at] + v * wave_sin[at];
            im[k / M][b] += v * wave_cos[at] - u * wave_sin[at];
        }
    }
    for (int p = 0; p < N; p++) { /* then along a column */
        double at = 0;
        for (int k = 0; k < M; k++) {
            int turn = k * (p / W) % M;
            at += re[k][p % W] * wave_cos[turn] + im[k][p % W] * wave_sin[turn];
        }
        x[p] = (float)at;
    }
}

/* What is seen: through a hole in the mask nothing, or a blur of 1.2 pixels, and noise of strength
τ on what is left. The network's condition: y and mask as two channels, then π. */

enum { HOLE, BLUR, NOISE, CHANNELS = 2, PI = 3, COND = CHANNELS * N + PI };
typedef struct sight {
    int kind, top, left, high, wide; /* the hole */
    double tau, length;
} sight;

static double kernel[N * N]; /* of the blur; each row sums to 1 */

static int hidden(const sight *o, int p) {
    int a = p / W - o->top, b = p % W - o->left;
    return o->kind == HOLE && a >= 0 && a < o->high && b >= 0 && b < o->wide;
}

static void observe(float *cond, const sight *o, const float *x, sgm_key key) {
    float z[N];
    sgm_normal(z, N, key, 0);
    for (int p = 0; p < N; p++) {
        double y = x[p];
        if (o->kind == BLUR) y = 0;
        for (int q = 0; o->kind == BLUR && q < N; q++) y += kernel[p * N + q] * x[q];
        int seen = !hidden(o, p);
        cond[CHANNELS * p] = seen ? (float)(y + o->tau * z[p]) : 0;
        cond[CHANNELS * p + 1] = (float)seen;
    }
    float *pi = cond + CHANNELS * N; /* numbers of order 1 */
    pi[0] = (float)log(3 * o->tau), pi[1] = (float)log(o->length / 2), pi[2] = o->kind == BLUR;
}

/* (2) (T29.1) by Cholesky's factor of A C Aᵀ + τ² I: the gain (N, m) and Σ. */

typedef struct wiener {
    int m, row[N];
    double *A, *gain, *sigma;
} wiener;

static void wiener_init(wiener *w, const sight *o) {
    double *C = doubles(N * N), *CA = doubles(N * N), *L = doubles(N * N);
    w->A = doubles(N * N), w->gain = doubles(N * N), w->sigma = doubles(N * N), w->m = 0;
    covariance(C, o->length);
    for (int p = 0; p < N; p++) {
        if (hidden(o, p)) continue;
        for (int q = 0; q < N; q++)
            w->A[w->m * N + q] = o->kind == BLUR ? kernel[p * N + q] : p == q;
        w->row[w->m++] = p;
    }
    int m = w->m;
    for (int p = 0; p < N; p++)
        for (int i = 0; i < m; i++)
            for (int q = 0; q < N; q++) CA[p * m + i] += C[p * N + q] * w->A[i * N + q];
    for (int i = 0; i < m; i++)
        for (int j = 0; j <= i; j++) {
            double sum = i == j ? o->tau * o->tau : 0;
            for (int q = 0; q < N; q++) sum += w->A[i * N + q] * CA[q * m + j];
            for (int k = 0; k < j; k++) sum -= L[i * N + k] * L[j * N + k];
            L[i * N + j] = i == j ? sqrt(sum) : sum / L[j * N + j];
        }
    for (int p = 0; p < N; p++) { /* a row of C Aᵀ times the inverse: forth and back through L */
        double *g = w->gain + p * m;
        for (int i = 0; i < m; i++) {
            g[i] = CA[p * m + i];
            for (int k = 0; k < i; k++) g[i] -= L[i * N + k] * g[k];
            g[i] /= L[i * N + i];
        }
        for (int i = m - 1; i >= 0; i--) {
            for (int k = i + 1; k < m; k++) g[i] -= L[k * N + i] * g[k];
            g[i] /= L[i * N + i];
        }
    }
    for (int p = 0; p < N; p++)
        for (int q = 0; q < N; q++) {
            double sum = C[p * N + q];
            for (int i = 0; i < m; i++) sum -= w->gain[p * m + i] * CA[q * m + i];
            w->sigma[p * N + q] = sum;
        }
    free(C), free(CA), free(L);
}

static void wiener_mean(double *mu, const wiener *w, const float *cond) {
    for (int p = 0; p < N; p++) {
        mu[p] = 0;
        for (int i = 0; i < w->m; i++) mu[p] += w->gain[p * w->m + i] * cond[CHANNELS * w->row[i]];
    }
}

/* Sample covariances of fields against (T29.2): products of normals have the variance C² + 1. */

static void check_fields(void) {
    long n = quick ? 1000 : 4000;
    double *C = doubles(N * N), got[3] = {0};
    const int at[3] = {0, 2, 5 * W};
    float x[N];
    const char *const name[3] = {"(T29.2) fields: variance of a pixel", "(T29.2) two pixels apart",
        "(T29.2) five pixels apart"};
    covariance(C, 2.5);
    tut_check("(T29.2) the law: variance of a pixel", C[0], 1, 1e-12); /* 576 roundings */
    for (long i = 0; i < n; i++) {
        draw_field(x, 2.5, sgm_key_split(stream(1), (uint64_t)i));
        for (int k = 0; k < 3; k++) got[k] += (double)x[30] * x[30 + at[k]] / (double)n;
    }
    for (int k = 0; k < 3; k++) { /* five standard errors */
        double truth = C[30 * N + 30 + at[k]];
        tut_check(name[k], got[k], truth, 5 * sqrt((truth * truth + 1) / (double)n));
    }
    free(C);
}

/*
(3) The network. Every example has its own length, noise and way of being seen, so that what is
learnt is the rule and not one posterior: *amortised* inference. In one case of ten the condition is
hidden, so the network knows p(x), too.
*/

static sgm_sde sde;

static void learn(sgm_model *model, sgm_image_net *net) {
    long n = quick ? 400 : 24000, steps = quick ? 30 : 3000;
    float *x = floats(n * N), *cond = floats(n * COND), u[8];
    for (long i = 0; i < n; i++) {
        sgm_key key = sgm_key_split(stream(2), (uint64_t)i);
        sgm_uniform(u, 8, key, 0);
        sight o = {(int)(3 * u[0]), 0, 0, 2 + (int)(7 * u[1]), 2 + (int)(7 * u[2]), 0, 0};
        o.top = (int)(u[3] * (float)(W + 1 - o.high));
        o.left = (int)(u[4] * (float)(W + 1 - o.wide));
        o.tau = exp(log(.1) + u[5] * log(10)), o.length = exp(u[6] * log(4));
        draw_field(x + i * N, o.length, sgm_key_split(key, 1));
        observe(cond + i * COND, &o, x + i * N, sgm_key_split(key, 2));
    }
    const char *name = "fields";
    sgm_train_report report;
    sgm_model_options what = {.net = sgm_unet, .user = net, .d = N, .sde = sde, .n_ema = 1,
        .cond = COND, .cond_image = CHANNELS * N};
    sgm_train_options how = {.held_out = -1, .steps = steps, .batch = quick ? 16 : 64, .lr = 3e-3,
        .cosine = 1, .clip = 1, .warmup = steps / 20, .ema = {quick ? .9 : .995}, .cond = cond,
        .cond_dropout = .1, .progress = name, .report = &report,
        .loss = {.scale = 1. / N, .times = SGM_TIMES_LOGNORMAL, .mean = -.5, .std = 1.4}};
    double start = sgm_seconds();
    tut_must(sgm_model_init(model, &what, stream(3)));
    tut_must(sgm_train(model, x, n, &how, stream(4)));
    printf("%s: %zu parameters, %ld steps in %.1f s, loss %.4f (silence: about 1)\n\n", name,
        model->n_params, steps, sgm_seconds() - start, report.loss);
    fflush(stdout);
    free(x), free(cond);
}

/*
(4) Three ways of seeing, `n_y` truths for each, `draws` draws for each y. The exact score of the
posterior is that of a Gaussian of covariance Σ + t² I about each row's own μ; it is written in the
axes of Σ, which the library's posterior (8.15) has found. The witness hands on the network's score
and notes (T29.3) as it passes.
*/

static int n_y, draws, n, steps; /* n = n_y·draws */
static double *grid;
static sgm_sample_options how;

typedef struct exact {
    double *axes, *var, *mean; /* (N,N), (N), (rows,N) */
    double told;               /* ½ log(|C|/|Σ|)/N: what y tells of x, nats per pixel */
} exact;

static sgm_status exact_eval(
    const sgm_score *self, float *s, const float *x, const float *t, long rows) {
    const exact *e = (const exact *)self->ctx;
    for (long i = 0; i < rows; i++) {
        const double *mu = e->mean + N * (self->row ? self->row[i] : self->first + i);
        double sum[N] = {0};
        for (int k = 0; k < N; k++) {
            const double *axis = e->axes + k * N;
            double part = 0, tt = t[i];
            for (int p = 0; p < N; p++) part += axis[p] * (x[i * N + p] - mu[p]);
            part /= -(e->var[k] + tt * tt);
            for (int p = 0; p < N; p++) sum[p] += part * axis[p];
        }
        for (int p = 0; p < N; p++) s[i * N + p] = (float)sum[p];
    }
    return SGM_OK;
}

typedef struct witness {
    sgm_score network, truth;
    double *kl; /* of each row, in nats */
} witness;

static sgm_status witness_eval(
    const sgm_score *self, float *s, const float *x, const float *t, long rows) {
    const witness *w = (const witness *)self->ctx;
    sgm_score ask = w->network, truth = w->truth;
    float *right = floats(rows * N);
    ask.row = truth.row = self->row, ask.first = truth.first = self->first;
    ask.of = truth.of = self->of;
    sgm_status status = ask.eval(&ask, s, x, t, rows);
    if (status == SGM_OK) status = exact_eval(&truth, right, x, t, rows);
    for (long i = 0; status == SGM_OK && i < rows; i++) {
        int k = 0;
        double off = 0;
        while (k < steps - 1 && fabs(grid[k] / t[i] - 1) > 1e-4) k++;
        for (int p = 0; p < N; p++) off += pow((double)s[i * N + p] - right[i * N + p], 2);
        w->kl[self->row ? self->row[i] : self->first + i] += /* (T29.3) */
            .5 * (grid[k] * grid[k] - grid[k + 1] * grid[k + 1]) * off;
    }
    free(right);
    return status;
}

/* Draws in the axes of Σ, in standard deviations of what they should be: their variance for each y
(truth: 1), the squared distance of their mean from μ, per pixel (truth: 0, its sampling error taken
off), how often the truth lies between the draws' second and last but one; and standard errors, over
y. */

typedef struct verdict {
    double ratio, miss, share, se[3];
} verdict;

static double along(const exact *e, int k, const float *x, int i) { /* of x - μ of row i */
    double z = 0;
    for (int p = 0; p < N; p++) z += e->axes[k * N + p] * (x[p] - e->mean[i * N + p]);
    return z;
}

static verdict judge(const float *x, const float *truth, const exact *e, const double *var) {
    verdict v;
    double sum[3] = {0}, square[3] = {0};
    for (int i = 0; i < n_y; i++) {
        double one[3] = {0};
        for (int k = 0; k < N; k++) {
            double mean = 0, about = 0;
            for (int j = i * draws; j < (i + 1) * draws; j++) {
                double z = along(e, k, x + j * N, j) / sqrt(var[k]);
                mean += z / draws, about += z * z;
            }
            about = (about - draws * mean * mean) / (draws - 1);
            one[0] += about / N, one[1] += (mean * mean - about / draws) / N;
        }
        for (int p = 0; p < N; p++) {
            int below = 0;
            for (int j = 0; j < draws; j++) below += x[(i * draws + j) * N + p] < truth[i * N + p];
            one[2] += (below >= 2 && below <= draws - 2) / (double)N;
        }
        for (int q = 0; q < 3; q++) sum[q] += one[q] / n_y, square[q] += one[q] * one[q] / n_y;
    }
    for (int q = 0; q < 3; q++) v.se[q] = sqrt((square[q] - sum[q] * sum[q]) / (n_y - 1));
    v.ratio = sum[0], v.miss = sum[1], v.share = sum[2];
    return v;
}

static void row(const char *task, const char *what, double got, double truth, double tolerance) {
    char name[96];
    snprintf(name, sizeof name, "%s: %s", task, what);
    tut_check(name, got, truth, tolerance);
}

static const char *const tasks[TASKS] = {"a hole", "a blur", "noise alone"};

/* The same from the library (8.15), and the axes and variances of Σ. */

static void posterior(
    exact *e, const wiener *w, const sight *o, const float *cond, const char *task) {
    sgm_mixture prior, post;
    sgm_inverse problem;
    double *C = doubles(N * N), zero[N] = {0}, mu[N], far = 0, apart = 0;
    float *A = floats(w->m * N), y[N];
    for (int i = 0; i < w->m * N; i++) A[i] = (float)w->A[i];
    for (int i = 0; i < w->m; i++) y[i] = cond[CHANNELS * w->row[i]];
    covariance(C, o->length);
    tut_must(sgm_mixture_init(&prior, 1, N, NULL, zero, C, SGM_COV_FULL, &sde));
    tut_must(sgm_inverse_init(&problem, N, w->m, A, y, o->tau));
    tut_must(sgm_mixture_posterior(&post, &prior, &problem));
    wiener_mean(mu, w, cond);
    for (int p = 0; p < N; p++) {
        double v = 0;
        for (int k = 0; k < N; k++) v += post.var[k] * post.axes[k * N + p] * post.axes[k * N + p];
        far = fmax(far, fabs(mu[p] - post.mean[p]));
        apart = fmax(apart, fabs(v - w->sigma[p * N + p]));
        e->told += .5 * log(prior.var[p] / post.var[p]) / N;
    }
    /* A is given as floats: 2⁻²⁵ of |y| <= 4, times 144 terms at worst, times a gain of 1/τ */
    row(task, "Wiener's mean, less the library's", far, 0, 144 * 4 * 3e-8 / o->tau);
    row(task, "variances of pixels, less the library's", apart, 0, 144 * 3e-8 / o->tau);
    e->axes = doubles(N * N), e->var = doubles(N);
    for (int i = 0; i < N * N; i++) e->axes[i] = post.axes[i], e->var[i / N] = post.var[i / N];
    sgm_mixture_free(&prior), sgm_mixture_free(&post), sgm_inverse_free(&problem);
    free(C), free(A);
}

/* The largest r with ½(r - 1 - log r) <= kl: how far off kl nats per axis let a variance be. */

static double most_ratio(double kl) {
    double low = 1, high = 1e6;
    for (int i = 0; i < 80; i++) {
        double r = .5 * (low + high);
        *(r - 1 - log(r) < 2 * kl ? &low : &high) = r;
    }
    return high;
}

/* Standard error of `miss` where it should be off: each mean has the variance 1/draws. */

static double mean_se(double off) {
    return sqrt((2. / draws / (draws - 1) + 4 * off / draws) / (n_y * N));
}

/* All rows of y by the score given, watched; the mean of their (T29.3). */

static double watched(float *x, const sgm_score *score, const sgm_score *right, uint64_t key) {
    double *kl = doubles(n), sum = 0;
    witness see = {*score, *right, kl};
    sgm_score both = {.d = N, .ctx = &see, .sde = sde, .eval = witness_eval};
    tut_drawn(sgm_sample(x, n, &both, &how, stream(key)));
    for (int i = 0; i < n; i++) sum += kl[i] / n;
    free(kl);
    return sum;
}

/* Is (T29.3) right? A score whose μ is off by δ = .6 standard deviations along each axis of Σ: then
the KL is a sum that can be written down, and in the limit of small steps (T29.4) is an equality. */

static void planted(const exact *e, const double *var, const double *stale, const float *truth) {
    double *mean = doubles(n * N), sum = 0, limit = 0, off = 0;
    float *x = floats((long)n * N);
    exact wrong = *e;
    memcpy(mean, e->mean, (size_t)(n * N) * sizeof *mean), wrong.mean = mean;
    for (int k = 0; k < N; k++) {
        double delta = .6 * sqrt(e->var[k]), end = sde.t_min * sde.t_min;
        for (int i = 0; i < n * N; i++) mean[i] += delta * e->axes[k * N + i % N];
        for (int i = 0; i < steps; i++)
            sum += .5 * (grid[i] * grid[i] - grid[i + 1] * grid[i + 1]) *
                   pow(delta / (e->var[k] + grid[i] * grid[i]), 2);
        limit += .5 * delta * delta * (1 / (e->var[k] + end) - 1 / (e->var[k] + sde.T * sde.T));
        off += pow(delta * (1 - stale[k]), 2) / var[k] / N;
    }
    sgm_score right = {.d = N, .ctx = e, .sde = sde, .eval = exact_eval}, shifted = right;
    shifted.ctx = &wrong;
    double got = watched(x, &shifted, &right, 19);
    verdict v = judge(x, truth, e, var);
    printf("a planted shift: KL %.4f nats by (T29.3), %.4f by the sum (%.4f in the limit,\n"
           "  where (T29.4) is an equality); mean off by %.4f, squared, and by sum %.4f\n",
        got, sum, limit, v.miss, off);
    tut_check("planted shift: KL by (T29.3), nats", got, sum, 1e-3 * sum); /* scores are floats */
    tut_check("planted shift: mean off, squared", v.miss, off, 5 * mean_se(off));
    free(mean), free(x);
}

static void settle(sight *o, int task) {
    enum { AREA = 6 };
    memset(o, 0, sizeof *o);
    o->kind = task, o->top = 3, o->left = 2, o->high = o->wide = AREA;
    o->tau = task == HOLE ? .1 : task == BLUR ? .2 : .7, o->length = task == NOISE ? 3 : 2;
}

/* What the figures show of a task: six maps of the first y; of pixels means given the first four,
and standard deviations, which do not depend on y and are taken over all. */

static void show(float *maps, FILE *pixels, int task, const sight *o, const float *cond,
    const float *truth, const float *x, const double *mean, const double *sigma) {
    for (int p = 0; p < N; p++) {
        float *out = maps + task * 6 * N + p;
        double m[64] = {0}, s = 0;
        for (int j = 0; j < n; j++) m[j / draws] += x[j * N + p] / draws;
        for (int j = 0; j < n; j++) s += pow(x[j * N + p] - m[j / draws], 2) / (n - n_y);
        for (int i = 0; i < 4; i++)
            fprintf(pixels, "%d %g %g %g %g\n", task, mean[i * draws * N + p], m[i],
                sqrt(sigma[p * N + p]), sqrt(s));
        out[3 * N] = (float)m[0];
        out[0] = truth[p], out[N] = hidden(o, p) ? 99 : cond[CHANNELS * p];
        out[2 * N] = (float)mean[p], out[4 * N] = x[p], out[5 * N] = x[N + p];
    }
}

static void fields(const sgm_model *model, float *maps, FILE *pixels, int task) {
    float *x = floats(n * N), *truth = floats(n_y * N), *cond = floats((long)n * COND);
    double *mean = doubles(n * N), var[N], stale[N], target = 0, stalest = 0;
    sight o;
    wiener w;
    exact e = {NULL, NULL, mean, 0};
    const char *name = tasks[task];
    settle(&o, task);
    wiener_init(&w, &o);
    for (int i = 0; i < n_y; i++) {
        sgm_key key = sgm_key_split(stream(6 + (uint64_t)task), (uint64_t)i);
        float *c = cond + (long)i * draws * COND;
        draw_field(truth + i * N, o.length, sgm_key_split(key, 1));
        observe(c, &o, truth + i * N, sgm_key_split(key, 2));
        wiener_mean(mean + i * draws * N, &w, c);
        for (int j = 1; j < draws; j++) {
            memcpy(c + j * COND, c, COND * sizeof *c);
            memcpy(mean + (i * draws + j) * N, mean + i * draws * N, N * sizeof *mean);
        }
    }
    posterior(&e, &w, &o, cond, name);
    for (int k = 0; k < N; k++) { /* the exact chain (5.5): variances, what is left of x_T's mean */
        var[k] = sde.T * sde.T, stale[k] = 1;
        for (int i = 0; i < steps; i++) {
            double b2 = grid[i] * grid[i] - grid[i + 1] * grid[i + 1];
            double keep = 1 - b2 / (e.var[k] + grid[i] * grid[i]);
            var[k] = keep * keep * var[k] + b2, stale[k] *= keep;
        }
        target += var[k] / (e.var[k] + sde.t_min * sde.t_min) / N;
        stalest = fmax(stalest, fabs(stale[k]));
    }
    sgm_score right = {.d = N, .ctx = &e, .sde = sde, .eval = exact_eval};
    tut_must(sgm_sample(x, n, &right, &how, stream(10 + (uint64_t)task)));
    verdict v = judge(x, truth, &e, var);
    printf("%s: the steps alone make variances %.4f of the posterior's; with the exact score "
           "%.4f,\n  mean off by %.4f ± %.4f, squared\n",
        name, target, target * v.ratio, v.miss, v.se[1]);
    /* five standard errors of n_y·N variances of `draws` normal numbers; of their means squared */
    row(name, "exact score, variance over the chain's", v.ratio, 1,
        5 * sqrt(2. / (n_y * N * (draws - 1.))));
    row(name, "exact score, mean off, squared", v.miss, 0, 5 * mean_se(0) + stalest);
    if (task == HOLE) planted(&e, var, stale, truth);

    sgm_condition told;
    tut_must(sgm_condition_init(&told, model, 0, cond, n));
    sgm_score score = sgm_condition_score(&told);
    double kl = watched(x, &score, &right, 13 + (uint64_t)task) / N;
    double wanted = (draws - 3.) / (draws + 1.);
    v = judge(x, truth, &e, var);
    printf("  the network: misses %.4f nats a pixel of %.4f that y tells; mean off by %.4f ± "
           "%.4f,\n  squared (%.4f allowed), variance %.3f ± %.3f of the chain's;\n"
           "  truth within the draws %.3f ± %.3f (wanted: %.3f)\n",
        kl, e.told, v.miss, v.se[1], 2 * kl, v.ratio, v.se[0], v.share, v.se[2], wanted);
    /* (T29.4), and five standard errors over y */
    row(name, "SBGM p(x|π,y), mean off, squared", v.miss, 0, 2 * kl + 5 * v.se[1]);
    if (!quick) {
        /* a network that does not look at y misses more than all that y tells; asked is a fifth */
        row(name, "SBGM, nats missed of those that y tells", kl / e.told, 0, .2);
        /* ½(r - 1 - log r), summed over axes, is at most KL: a Gaussian's entropy is the largest */
        row(name, "SBGM, variance over the chain's", v.ratio, 1, most_ratio(kl) - 1 + 5 * v.se[0]);
        /* the truth ranks evenly among exact draws; a mean off by δ, a variance by a factor r, move
        what lies within z deviations by zφ(z)(δ² + |r - 1|) < (δ² + |r - 1|)/4 */
        row(name, "truth between second and last but one draw", v.share, wanted,
            5 * v.se[2] + .25 * (fmax(v.miss, 0) + fabs(v.ratio * target - 1)));
    }
    show(maps, pixels, task, &o, cond, truth, x, mean, w.sigma);
    free(w.A), free(w.gain), free(w.sigma), free(e.axes), free(e.var);
    free(x), free(truth), free(cond), free(mean);
}

static void waves_and_kernel(void) {
    for (int k = 0; k < M; k++)
        wave_cos[k] = cos(TURN * k / M), wave_sin[k] = sin(TURN * k / M);
    for (int p = 0; p < N; p++) {
        double sum = 0;
        for (int q = 0; q < N; q++) {
            double a = p / W - q / W, b = p % W - q % W;
            sum += kernel[p * N + q] = exp(-(a * a + b * b) / (2 * 1.2 * 1.2));
        }
        for (int q = 0; q < N; q++) kernel[p * N + q] /= sum;
    }
}

int main(int argc, char **argv) {
    sgm_model model;
    sgm_image_net net = {W, W, 1, 24, 3, 4, 0, 8};
    float *maps = floats(TASKS * 6 * N);
    quick = tut_quick();
    tut_start("29_fields", argc, argv);
    sde = sgm_sde_edm(.02, 20);
    n_y = quick ? 6 : 16, draws = quick ? 6 : 24, steps = quick ? 24 : 100, n = n_y * draws;
    grid = doubles(steps + 1);
    tut_must(sgm_time_grid(grid, steps, SGM_GRID_LOGSNR, &sde, sde.T, sde.t_min));
    how.method = SGM_METHOD_REVERSE_DIFFUSION, how.steps = steps, how.grid = SGM_GRID_LOGSNR;
    how.plain_end = 1, how.t_end = sde.t_min;
    waves_and_kernel(), check_fields(), learn(&model, &net);
    FILE *pixels = fopen(tut_path("pixels.dat"), "w");
    if (!pixels) return perror("pixels.dat"), 2;
    fprintf(pixels, "# task Wiener_mean mean Wiener_std std\n");
    for (int task = 0; task < TASKS; task++) fields(&model, maps, pixels, task);
    fclose(pixels);
    tut_dat("maps.dat", "for each task six maps: truth, seen, Wiener, network, draw, draw", maps,
        TASKS * 6 * W, W);
    sgm_model_free(&model), free(maps), free(grid);
    return tut_done();
}
