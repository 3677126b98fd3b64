/*
Proof 27: what a network of HuggingFace's diffusers is, and what it must say.

Question. The lesson *Diffusion Through the Lens of Score Matching* (EngineersOfAI) ends with a
listing of a score network "as in production": a `UNet2DModel` of diffusers, a table of noise, a
loss on made-up images, and a score made of a noise. It prints five numbers: how many parameters,
how many steps, a loss, two shapes and a norm. None has a truth beside it. What must they be?

Equation. With ᾱ_k = ∏_{i≤k} (1-β_i), k from 0 on, the package's add_noise is

    x_k = √ᾱ_k x0 + √(1-ᾱ_k) ε                                                            (T27.1)

The listing's images are `randn`: x0 ~ N(0, I). Then x_k ~ N(0, I) at every k, and the best of all
networks is known: E[ε | x_k] is linear in x_k, with the covariance √(1-ᾱ_k) of the two for a
factor,

    ε̂(x, k) = √(1-ᾱ_k) x,    E (ε - ε̂)² = ᾱ_k per pixel,    score = -ε̂/√(1-ᾱ_k) = -x      (T27.2)

So no network has a loss below the mean of ᾱ_k over k, one that says nothing has 1, and a score's
norm is that of a normal vector of D numbers, on average √2 Γ((D+1)/2)/Γ(D/2) at every k.

Plan. (1) The table, and what VP(0.1, 20) has for it. (2) The parameters, counted by hand. (3) A
checkpoint of the package, read: its own outputs. (4) add_noise, the loss and its floor, and how
much the number that the listing prints is worth. (5) From noise to score. (6) The schedulers
DDPM, DDIM and DPM-Solver++ are samplers that you know, on their timesteps. (7) A network of this
family, trained. (8) The network of the listing, fresh.

What you should see. The network has 17 217 923 parameters here as there, and one that was trained
elsewhere says here what it says there, to 2e-6. A loss of four images with random k, as the
listing prints it, scatters by .17 about its mean, .2755, for the best of all networks: the one
number tells little. At k = 0 an error of the noise is a hundred times as large in the score. DDIM
on N(0, I) multiplies each point by ∏ cos Δθ, so its variance is known to the last digit: .929 for
1 after 50 steps. DDPM's variance is .857, for its noise is that of a known x0 (5.6), and
DPM-Solver++, of second order, is off by .6 % to 3.7 %. The small network of part 7 learns
√(1-ᾱ_k) x to an excess of some 1e-3 of its floor.

Figure. 27_diffusers_floor.png.

Build: cc -O2 -fopenmp tutorial/27_diffusers.c -o 27_diffusers -lm && ./27_diffusers
(MODE=test: seconds. From the project's folder: it reads tests/data/diffusers_lesson and _other, which
tests/data/diffusers_unet.py wrote with diffusers 0.42.)

Try this:
- Halve x0 in `loss_of_exact` (x0[j] *= .5f after it is drawn): the floor is then
  ᾱ/4 / (ᾱ/4 + 1 - ᾱ), which the score -x of N(0, I) does not reach: rows of part 4 fail.
- Leave out the `+ 1` of t in `outputs`: the network is told k - 1, and its outputs are off by .2
  and .9.
- STEPS = 10 in `schedulers`: the product of cosines leaves .66 to .69 of the variance, DPM-Solver++
  between .90 and 1.77.
*/

#include "tutorial.h"

enum { N = 1000, PIXELS = 32 * 32 * 3, BLOCK = 50, BINS = 25, CURVE = 5 };

static const double rounding = 1.0 / (1 << 24); /* of a float */
static sgm_ddpm table;
static sgm_sde sde;
static double bar[N]; /* ᾱ_k by plain products */

static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }

/*
## 1. The table

β goes evenly from 1e-4 to .02 in 1000 steps. With h = (.02 - 1e-4)/999 and c = (1 - 1e-4)/h the
product has a closed form too, 1 - β_i = h (c - i), so ᾱ_k = h^{k+1} Γ(c+1)/Γ(c-k): a truth that
was not made by multiplying. `sgm_ddpm_sde` is the VP process through the table, with t = k + 1:
the clean image is t = 0, and the package's k = 0 has one step of noise.
*/
static void schedule(void) {
    static const struct { int k; double said, digit; } quoted[3] = {
        {0, .99990, 5e-6}, {500, .077797, 5e-7}, {999, 4.0358e-5, 5e-10}};
    double h = (.02 - 1e-4) / (N - 1), c = (1 - 1e-4) / h, product = 1, worst = 0;
    for (int k = 0; k < N; k++) {
        bar[k] = product *= 1 - (1e-4 + k * h);
        worst = fmax(worst, fabs(pow(sgm_sde_m(&sde, k + 1), 2) / product - 1));
    }
    printf("1. The table: %d steps\n  %5s %14s %14s %12s\n", N, "k", "ᾱ_k", "by Γ", "VP(.1,20)");
    sgm_sde vp = sgm_sde_vp(.1, 20);
    for (int i = 0; i < 3; i++) {
        const int k = quoted[i].k;
        double closed = exp((k + 1) * log(h) + lgamma(c + 1) - lgamma(c - k));
        double m2 = pow(sgm_sde_m(&sde, k + 1), 2);
        char name[96];
        printf("  %5d %14.8g %14.8g %12.6g\n", k, m2, closed,
               pow(sgm_sde_m(&vp, (k + 1) / (double)N), 2));
        /* lgamma(c) ≈ 5e5 to a few 2⁻⁵², twice; an exponent's absolute error is the relative one */
        snprintf(name, sizeof name, "Lens: alpha_bar(k=%d) = h^(k+1) G(c+1)/G(c-k)", k);
        tut_check(name, m2, closed, 1e-9 * closed);
        snprintf(name, sizeof name, "Lens: alpha_bar(k=%d) as diffusers has it", k);
        tut_check(name, m2, quoted[i].said, quoted[i].digit);
    }
    printf("  the process through the table is at most %.1e of ᾱ_k from its product\n", worst);
    /* ∫β ≤ 10 is a sum of 1000 numbers, each rounded: 1000 · 10 · 2⁻⁵³; so is the product's log */
    tut_check("Lens: SDE through the table, worst of 1000, relative", worst, 0, 2.2e-12);
}

/*
## 2. The parameters

A convolution from a to b channels with k × k taps has k²ab + b numbers, a norm 2a, a linear layer
ab + b. A residual block from a to b: two norms, two 3 × 3 convolutions, a linear layer of the
time (256 wide), and a 1 × 1 one if a ≠ b. Three blocks a level go up, not two, for each takes one
of the results that were kept on the way down, the first convolution's and the halvings' among
them.
*/
static double conv(double a, double b, double k) { return k * k * a * b + b; }

static double block(double a, double b) {
    return 2 * a + conv(a, b, 3) + conv(256, b, 1) + 2 * b + conv(b, b, 3) +
           (a != b) * conv(a, b, 1);
}

static double attention(double c) { return 2 * c + 4 * conv(c, c, 1); }

static double by_hand(void) {
    static const double width[4] = {64, 128, 128, 256};
    double kept[12], c = 64, sum = conv(3, 64, 3) + conv(64, 256, 1) + conv(256, 256, 1);
    int n = 0;
    kept[n++] = c;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++, kept[n++] = c)
            sum += block(c, width[i]) + (i == 2) * attention(width[i]), c = width[i];
        if (i < 3) sum += conv(c, c, 3), kept[n++] = c;
    }
    sum += 2 * block(c, c) + attention(c);
    for (int i = 3; i >= 0; i--) {
        for (int j = 0; j < 3; j++)
            sum += block(c + kept[--n], width[i]) + (i == 2) * attention(width[i]), c = width[i];
        if (i > 0) sum += conv(c, c, 3);
    }
    return sum + 2 * 64 + conv(64, 3, 3);
}

static sgm_diffusers lesson = {.h = 32, .w = 32, .channels = 3, .levels = 4,
    .width = {64, 128, 128, 256}, .down = {0, 0, 1, 0}, .up = {0, 1, 0, 0}};

static void parameters(sgm_model *model) {
    sgm_model_options what = {.net = sgm_diffusers_net, .user = &lesson, .d = PIXELS, .sde = sde,
                              .output = SGM_OUTPUT_NOISE};
    tut_must(sgm_model_init(model, &what, stream(1)));
    printf("\n2. The U-Net of the listing has %zu parameters in %d tensors; by hand %.0f\n",
           model->n_params, model->n_layers, by_hand());
    tut_check("Lens: parameters of the listing's U-Net", (double)model->n_params, 17217923, 0);
    tut_check("parameters, counted by hand", by_hand(), 17217923, 0);
}

/*
## 3. A checkpoint

`sgm_diffusers_unet` reads what the package's `save_pretrained` writes. The two here have random
weights and the blocks of the listing at a small size, and blocks of every other option, some of
the numbers in 16 bits; beside them lie two images, and what the package said of them at k = 7 and
999.
*/
static const float *of(const sgm_archive *file, const char *name) {
    const sgm_array *a = sgm_archive_find(file, name);
    if (!a) fprintf(stderr, "error: the stored values have no %s\n", name), exit(2);
    return a->data;
}

static void outputs(const char *name, const char *label, int score_too) {
    char path[2][80];
    sgm_model model;
    sgm_archive io;
    sgm_model_options under = {.sde = sde};
    snprintf(path[0], sizeof path[0], "tests/data/diffusers_%s", name);
    snprintf(path[1], sizeof path[1], "tests/data/diffusers_%s/io.safetensors", name);
    tut_must(sgm_diffusers_unet(&model, path[0], &under));
    tut_must(sgm_archive_load(&io, path[1]));
    const int d = model.o.d;
    const float *x = of(&io, "x"), *out = of(&io, "out"), *k = of(&io, "k");
    float *s = (float *)tut_memory(sizeof *s * 2 * (size_t)d), t[2] = {k[0] + 1, k[1] + 1};
    double worst = 0, most = 0, norm[2] = {0, 0}, theirs = 0;
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    tut_must(sgm_score_eval(&score, s, x, t, 2));
    for (int i = 0; i < 2; i++) {
        double sum = 0, sum_theirs = 0, sigma = sqrt(1 - bar[(int)k[i]]);
        for (int j = i * d; j < (i + 1) * d; j++) {
            worst = fmax(worst, fabs(-sigma * s[j] - out[j])), most = fmax(most, fabs(out[j]));
            sum += (double)s[j] * s[j], sum_theirs += pow(out[j] / sigma, 2);
        }
        norm[i] = sqrt(sum), theirs += sqrt(sum_theirs) / 2;
    }
    printf("  %-8s %6zu parameters; largest output %.3f; at most %.1e from the package's\n", name,
           model.n_params, most, worst);
    tut_check(label, worst, 0, 2e-5); /* float against float: ten times what rounding leaves */
    /* the norm of the score, as the listing prints it: no entry is off by more than that in the
       noise, so no norm by more than √D of it over σ_7, the smaller */
    if (score_too)
        tut_check("Lens: norm of a stored network's score (avg)", (norm[0] + norm[1]) / 2,
                  theirs, 2e-5 * sqrt(d) / sqrt(1 - bar[7]));
    sgm_model_free(&model), sgm_archive_free(&io), free(s);
}

/*
## 4. Noise, loss, floor

By (T27.2) the loss of the exact ε̂ on an image is a mean of D squares of N(0, ᾱ_k): its mean is
ᾱ_k, its variance 2ᾱ_k²/D. With k drawn at random the variance of ᾱ_k over k is added, which is by
far the larger one, and a batch of four leaves a fourth of both.
*/
static double loss_of_exact(long n, float *norms, double group_sd[2]) {
    static float x0[BLOCK * PIXELS], eps[BLOCK * PIXELS], x[BLOCK * PIXELS], s[BLOCK * PIXELS];
    static float t[BLOCK], curve[BINS * CURVE];
    static const double origin[PIXELS], unit = 1;
    static double bin[BINS], bin_bar[BINS], bin_var[BINS], four[4];
    sgm_mixture normal;
    tut_must(sgm_mixture_init(&normal, 1, PIXELS, NULL, origin, &unit, SGM_COV_ISOTROPIC, &sde));
    sgm_score exact = sgm_mixture_score(&normal);
    double sum = 0, second = 0, groups = 0, off = 0;
    long count[BINS] = {0}, n_groups = n / 4;
    double size[3] = {0, 0, 0}; /* mean squares of x_k: all; and of the loss of 0 */
    for (long i = 0; i < n; i += BLOCK) {
        sgm_normal(x0, BLOCK * PIXELS, stream(2), (uint64_t)i * PIXELS);
        sgm_normal(eps, BLOCK * PIXELS, stream(3), (uint64_t)i * PIXELS);
        for (long b = 0; b < BLOCK; b++)
            t[b] = (float)(1 + sgm_below(stream(4), (uint64_t)(i + b), N));
        sgm_sde_perturb(x, x0, eps, t, BLOCK, PIXELS, &sde);
        tut_must(sgm_score_eval(&exact, s, x, t, BLOCK));
        for (long b = 0; b < BLOCK; b++) {
            const int k = (int)t[b] - 1, in = k * BINS / N;
            double sigma = sqrt(1 - bar[k]), loss = 0, square = 0, norm = 0;
            for (long j = b * PIXELS; j < (b + 1) * PIXELS; j++) {
                double miss = eps[j] + sigma * s[j]; /* ε - ε̂ with ε̂ = -σ s */
                loss += miss * miss / PIXELS, square += (double)x[j] * x[j] / PIXELS;
                norm += (double)s[j] * s[j],
                    size[1] += (double)eps[j] * eps[j] / PIXELS / (double)n;
            }
            norms[i + b] = (float)sqrt(norm), size[0] += square / (double)n,
                      sum += loss / (double)n;
            bin[in] += loss, bin_bar[in] += bar[k], bin_var[in] += 2 * bar[k] * bar[k] / PIXELS,
                count[in]++;
            four[(i + b) % 4] = loss;
            if ((i + b) % 4 < 3) continue;
            double mean = (four[0] + four[1] + four[2] + four[3]) / 4;
            groups += mean / (double)n_groups, second += mean * mean / (double)n_groups;
        }
    }
    for (int i = 0; i < BINS; i++) {
        if (!count[i]) continue;
        float *row = curve + CURVE * i;
        off = fmax(off, fabs(bin[i] - bin_bar[i]) / sqrt(bin_var[i]));
        row[0] = (float)((i + .5) * N / BINS), row[1] = (float)(bin[i] / (double)count[i]);
        row[2] = (float)(bin_bar[i] / (double)count[i]),
        row[3] = (float)(sqrt(bin_var[i]) / (double)count[i]);
    }
    tut_dat("bins.dat", "k loss_of_exact mean_alpha_bar se", curve, BINS, CURVE);
    /* D n squares of N(0,1): their mean is 1 ± √(2/Dn) */
    tut_check("add_noise: mean square of x_k over all k", size[0], 1,
              4.5 * sqrt(2. / PIXELS / (double)n));
    tut_check("loss of a network that says 0", size[1], 1, 4.5 * sqrt(2. / PIXELS / (double)n));
    /* the largest of 25 normal errors: beyond 5 once in 70 000 runs */
    tut_check("Lens: loss by k = alpha_bar_k, worst of 25, in se", off, 0, 5);
    group_sd[0] = sqrt((second - groups * groups) * (double)n_groups / (double)(n_groups - 1));
    sgm_mixture_free(&normal);
    return sum;
}

static void losses(void) {
    const long n = tut_quick() ? 1200 : 24000;
    float *norms = (float *)tut_memory(sizeof *norms * (size_t)n);
    double floor_ = 0, square = 0, inside = 0, sd[2], mean = 0,
           chi = exp(lgamma((PIXELS + 1) / 2.) - lgamma(PIXELS / 2.));
    for (int k = 0; k < N; k++) {
        floor_ += bar[k] / N, square += bar[k] * bar[k] / N;
        inside += 2 * bar[k] * bar[k] / PIXELS / N;
    }
    double var = square - floor_ * floor_ + inside;
    double loss = loss_of_exact(n, norms, sd);
    printf("\n4. Made-up images, x0 = randn: the exact noise has a loss of %.4f on %ld "
           "of them; floor %.4f\n"
           "  a batch of four, as the listing's, scatters by %.4f about it; truth %.4f\n",
           loss, n, floor_, sd[0], sqrt(var / 4));
    tut_check("Lens: loss of the exact noise = mean of alpha_bar", loss, floor_,
              4.5 * sqrt(var / (double)n));
    /* a standard deviation of n/4 values, flatter than normal, is off by at most 1/√(2 n/4) */
    tut_check("Lens: the training loss of a batch of 4, its scatter", sd[0], sqrt(var / 4),
              4.5 * sqrt(var / 4) / sqrt((double)n / 2));
    /* 5. its norm, √2 Γ((D+1)/2)/Γ(D/2) ± √½ for each image */
    for (long i = 0; i < n; i++) mean += norms[i] / (double)n;
    chi *= sqrt(2);
    printf("\n5. From noise to score: the exact score's norm is %.4f on average, truth %.4f (√D "
           "= %.4f)\n",
           mean, chi, sqrt(PIXELS));
    tut_check("Lens: norm of the exact score (avg)", mean, chi,
              4.5 * sqrt(.5 / (double)n) + 2 * chi * rounding);
    free(norms);
}

/*
## 5. From noise to score

score = -ε̂/√(1-ᾱ_k) divides the error of ε̂ by √(1-ᾱ_k) too: by .01 at k = 0. That is why a loss
on the score itself would look at nothing but the first steps.
*/
static void conversion(void) {
    static const int at[4] = {0, 100, 500, 999};
    double worst = 0;
    static float curve[N * 3];
    for (int k = 0; k < N; k++)
        curve[3 * k] = (float)k, curve[3 * k + 1] = (float)bar[k],
                  curve[3 * k + 2] = (float)(1 / sqrt(1 - bar[k]));
    tut_dat("table.dat", "k alpha_bar 1/sqrt(1-alpha_bar)", curve, N, 3);
    printf("  an error of the noise in the score, at k = 0, 100, 500, 999:");
    for (int i = 0; i < 4; i++) {
        float out[2] = {.3f, .3f + .125f}, x[2] = {1, 1}, t[2];
        t[0] = t[1] = (float)(at[i] + 1);
        sgm_output_convert(out, SGM_OUTPUT_SCORE, out, SGM_OUTPUT_NOISE, x, t, 2, 1, &sde, 0);
        double times = (out[0] - (double)out[1]) / .125, truth = 1 / sqrt(1 - bar[at[i]]);
        printf(" × %.4g", times);
        worst = fmax(worst, fabs(times / truth - 1));
        /* ε̂ up to .425 and both results round, and their difference is .125 in the noise */
        if (i == 0)
            tut_check("Lens: an error of the noise in the score at k = 0", times, 100,
                      100 * 14 * rounding + 1e-9);
    }
    printf("\n");
    tut_check("Lens: score = -noise/sqrt(1 - alpha_bar), relative", worst, 0,
              14 * rounding);
}

/*
## 6. The schedulers

Put the package's timesteps into a sampler's grid, and its schedulers are samplers of the library.
With the exact score -x all of them are linear, and know no randomness but the noise. Write √ᾱ =
cos θ and √(1-ᾱ) = sin θ. DDIM takes x̂0 = cos θ x and ε̂ = sin θ x to x' = cos θ' cos θ x + sin
θ' sin θ x = cos(θ - θ') x, so at the end each point has been multiplied by

    ∏ cos(θ_i - θ_{i+1})                                                                (T27.3)

where an exact solver would leave it alone. DDPM's step takes the mean square m to (a + b cos θ)²
m + β̃, with a and b what its mean has of x and of x̂0, and β̃ its variance.

Two details of the package. DDPM and DDIM clip x̂0 to [-1, 1] unless they are told
clip_sample=False: right for pixels, another sampler for images that are N(0, 1). And DDIM's step
from k goes to k - 1000/steps, whatever the next timestep is. With `leading` and `trailing` that
is the next; with `linspace`, whose 50 timesteps lie 999/49 = 20.4 apart, each step falls short of
it by 0 or 1, and 19 of the 1000 levels are crossed by nobody. (T27.3) tells what comes of that,
too.
*/
static sgm_status minus_x(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    (void)t;
    for (long i = 0; i < n * self->d; i++) s[i] = -x[i];
    return SGM_OK;
}

static void run(float *x, long n, sgm_method method, int steps, sgm_spacing spacing) {
    sgm_score exact = {.d = 1, .sde = sde, .eval = minus_x};
    sgm_sample_options how = {.method = method, .steps = steps};
    sgm_sampler sampler;
    tut_must(sgm_sampler_init(&sampler, &exact, n, &how, stream(20)));
    tut_must(sgm_ddpm_times(sampler.t, steps, spacing, N));
    sgm_sampler_prior(&sampler, x);
    while (!sgm_sampler_done(&sampler)) tut_must(sgm_sampler_step(&sampler, x));
    sgm_sampler_free(&sampler);
}

static double angle(int k) { return k < 0 ? 0 : acos(sqrt(bar[k])); }

static void schedulers(void) {
    enum { STEPS = 50 };
    static const char *const names[3] = {"leading", "trailing", "linspace"};
    const long n = tut_quick() ? 4000 : 200000;
    float *x = (float *)tut_memory(sizeof *x * (size_t)n), start[1];
    printf("\n6. The schedulers on N(0, 1), %d steps: what is left of the variance, truth 1\n"
           "  %-10s %16s %16s %16s\n",
           STEPS, "timesteps", "DDPM (by hand)", "DDIM (T27.3)", "DPM-Solver++");
    for (int spacing = 0; spacing < 3; spacing++) {
        double t[STEPS + 1], m = 1, shrink = 1, got[3] = {0, 0, 0};
        char name[96];
        tut_must(sgm_ddpm_times(t, STEPS, (sgm_spacing)spacing, N));
        for (int i = 0; i < STEPS; i++) {
            int k = (int)t[i] - 1, next = (int)t[i + 1] - 1;
            double past = next < 0 ? 1 : bar[next], beta = 1 - bar[k] / past, rest = 1 - bar[k];
            double on_x0 = sqrt(past) * beta / rest, on_x = sqrt(1 - beta) * (1 - past) / rest;
            double grow = on_x0 * sqrt(bar[k]) + on_x; /* x̂0 = √ᾱ x */
            m = grow * grow * m + beta * (1 - past) / rest;
            shrink *= cos(angle(k) - angle(next));
        }
        run(x, n, SGM_METHOD_ANCESTRAL, STEPS, (sgm_spacing)spacing);
        for (long i = 0; i < n; i++) got[0] += (double)x[i] * x[i] / (double)n;
        run(x, 1, SGM_METHOD_DDIM, STEPS, (sgm_spacing)spacing), start[0] = x[0];
        sgm_normal(x, 1, sgm_key_split(stream(20), 0), 0);
        const double first = x[0] * sgm_sde_prior(&sde);
        got[1] = start[0] / first;
        run(x, 1, SGM_METHOD_DPMPP_2M, STEPS, (sgm_spacing)spacing), got[2] = x[0] / first;
        printf("  %-10s %8.5f %8.5f %8.5f %8.5f %9.5f\n", names[spacing], got[0], m,
               got[1] * got[1], shrink * shrink, got[2] * got[2]);
        /* a mean of n squares of a normal of variance m; floats round once in each of 50 steps */
        snprintf(name, sizeof name, "DDPM, 50 steps, %s: variance by its recursion",
                 names[spacing]);
        tut_check(name, got[0], m, 4.5 * m * sqrt(2. / (double)n) + 2 * STEPS * rounding);
        snprintf(name, sizeof name, "DDIM, 50 steps, %s: product of cosines (T27.3)",
                 names[spacing]);
        tut_check(name, got[1], shrink, 3 * STEPS * rounding);
    }
    double gaps = 1, t[STEPS + 1];
    tut_must(sgm_ddpm_times(t, STEPS, SGM_SPACING_LINSPACE, N));
    for (int i = 0; i < STEPS; i++)
        gaps *= cos(angle((int)t[i] - 1) - angle((int)t[i] - 1 - N / STEPS));
    printf("  DDIM's linspace as the package steps it, with gaps: %.5f\n", gaps * gaps);
    /* what diffusers 0.42 made of x = 1, in float64 */
    tut_check("DDIM, the package's linspace with its gaps (T27.3)", gaps,
              .9647607753555, 1e-12);
    free(x);
}

/*
## 7. Trained

A small network of the family on images of 8 × 8 numbers, N(0, 1) each: it has to find √(1-ᾱ_k) x.
The loss and the floor are those of `sgm_dsm`, whose excess is measured apart from both, on the
same draws: loss = floor + excess is (2.9), and holds within the error of the cross term.
*/
static void trained(void) {
    enum { D = 64 };
    static const double origin[D], unit = 1;
    const long n = tut_quick() ? 1000 : 20000, draws = tut_quick() ? 2000 : 20000;
    sgm_diffusers small = {.channels = 1,
                           .levels = 2,
                           .width = {16, 16},
                           .down = {0, 1},
                           .up = {1, 0},
                           .layers = 1,
                           .groups = 4};
    sgm_model_options what = {.net = sgm_diffusers_net, .user = &small, .d = D, .sde = sde,
                              .output = SGM_OUTPUT_NOISE, .n_ema = 1};
    sgm_train_options learn = {.steps = tut_quick() ? 40 : 2500,
                               .batch = 64,
                               .cosine = 1,
                               .held_out = -1,
                               .progress = "training"};
    float *data = (float *)tut_memory(sizeof *data * (size_t)(n * D));
    sgm_model model;
    sgm_mixture normal;
    double level[N];
    for (int k = 0; k < N; k++) level[k] = k + 1;
    sgm_loss loss = {
        .weight = SGM_WEIGHT_SIGMA2, .times = SGM_TIMES_GRID, .grid = level, .n_grid = N};
    learn.loss = loss, loss.scale = 1. / D;
    sgm_normal(data, (size_t)(n * D), stream(30), 0);
    tut_must(sgm_model_init(&model, &what, stream(31)));
    tut_must(sgm_train(&model, data, n, &learn, stream(32)));
    tut_must(sgm_mixture_init(&normal, 1, D, NULL, origin, &unit, SGM_COV_ISOTROPIC, &sde));
    sgm_score exact = sgm_mixture_score(&normal), score = sgm_model_score(&model, 0);
    sgm_normal(data, (size_t)(n * D), stream(33), 0); /* fresh images */
    sgm_dsm_result r;
    tut_must(sgm_dsm(&r, &score, &exact, data, n, &loss, draws, stream(34)));
    double floor_ = 0;
    for (int k = 0; k < N; k++) floor_ += bar[k] / N;
    printf("\n7. A network of %zu parameters of the family after %ld steps:\n"
           "  loss %.4f, floor %.4f (truth %.4f), excess %.4f\n",
           model.n_params, learn.steps, r.loss, r.floor, floor_, r.excess);
    tut_check("trained U-Net of the family: loss - floor = excess", r.loss - r.floor, r.excess,
              4.5 * hypot(r.excess_se, 2 * sqrt(r.excess * floor_ / D / (double)draws)));
    tut_check("its floor on fresh images = mean of alpha_bar", r.floor, floor_, 4.5 * r.floor_se);
    sgm_mixture_free(&normal), sgm_model_free(&model), free(data);
}

/*
## 8. Fresh

Weights and biases begin uniform in ±1/√in, here as in torch, so a fresh network has the law of
the package's. The loss that the listing prints is then 1 + E ε̂² - 2 E ε ε̂. Twelve fresh
networks of the package had E ε̂² = .1156 with a scatter of .0138, and on four images each a loss
of 1.105, scatter .044: so the listing prints a number near 1.1, whatever its images.
*/
static void fresh(const sgm_model *model) {
    enum { IMAGES = 8 };
    static float x0[IMAGES * PIXELS], eps[IMAGES * PIXELS], x[IMAGES * PIXELS], s[IMAGES * PIXELS];
    float t[IMAGES];
    double loss = 0, square = 0, norm = 0;
    sgm_normal(x0, IMAGES * PIXELS, stream(40), 0), sgm_normal(eps, IMAGES * PIXELS, stream(41), 0);
    for (int i = 0; i < IMAGES; i++) t[i] = (float)(1 + sgm_below(stream(42), (uint64_t)i, N));
    sgm_sde_perturb(x, x0, eps, t, IMAGES, PIXELS, &sde);
    sgm_score score = sgm_model_score(model, SGM_RAW);
    double started = sgm_seconds();
    tut_must(sgm_score_eval(&score, s, x, t, IMAGES));
    double seconds = sgm_seconds() - started;
    for (int i = 0; i < IMAGES; i++) {
        double sigma = sqrt(1 - bar[(int)t[i] - 1]), sum = 0;
        for (int j = i * PIXELS; j < (i + 1) * PIXELS; j++) {
            double hat = -sigma * s[j];
            loss += pow(eps[j] - hat, 2) / PIXELS / IMAGES, square += hat * hat / PIXELS / IMAGES;
            sum += (double)s[j] * s[j];
        }
        norm += sqrt(sum) / IMAGES;
    }
    printf("\n8. The listing's network, fresh:\n"
           "  loss %.4f, mean square of its noise %.4f, norm of its score %.2f\n"
           "  (%d images in %.2f s)\n",
           loss, square, norm, IMAGES, seconds);
    /* one network against the mean of twelve, by their scatter */
    tut_check("Lens: training loss of a fresh network", loss, 1.105,
              4 * .0439 * sqrt(1 + 1. / 12));
    tut_check("mean square of a fresh network's noise", square, .1156,
              4 * .0138 * sqrt(1 + 1. / 12));
}

int main(int argc, char **argv) {
    sgm_model model;
    tut_start("27_diffusers", argc, argv);
    tut_must(sgm_ddpm_init(&table, NULL, N));
    sde = sgm_ddpm_sde(&table);
    schedule();
    parameters(&model);
    printf("\n3. Checkpoints of the package\n");
    outputs("lesson", "Lens: outputs of a checkpoint of its blocks", 1);
    outputs("other", "outputs of another checkpoint, some of it in 16 bits", 0);
    losses();
    conversion();
    schedulers();
    trained();
    if (!tut_quick()) fresh(&model);
    sgm_model_free(&model);
    sgm_ddpm_free(&table);
    return tut_done();
}
