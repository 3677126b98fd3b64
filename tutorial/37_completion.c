/*
Proof 37: completion.

Question. Half of a digit is covered. A photograph has lost its colours. What belonged there? There
is no one answer, and the average of all answers is a smear. *SBGM: Score-Based Generative Models in
JAX* fits p(x|π, y) "where y would be an image": draws from it are answers, each as probable as it
should be. How do you check that, if nobody knows the law? And is it so where somebody does?

Equations. Training is (8.2) with y beside x as a channel (`cond_image`). If $x_1, x_2$ are draws
from p(x|y) and x is what y was made from, then x, $x_1$ and $x_2$ are exchangeable: given y, the
truth is one more draw. So for every function of two images

$$E\, h(x, x_1) = E\, h(x_1, x_2) \qquad(T37.1)$$

which can be checked without knowing the law: take for h the squared distance, or "both look like
the same digit". An average instead of a draw fails the first; a network that ignores y has the two
sides equal only if it draws from p(x), and then fails to fit y.

Plan. (1) Draw digits of 14 by 14 pixels; show a U-Net their left halves, and let it learn to draw
all of x. Check that draws keep y, then (T37.1) on the half that it has not seen. (2) Draw digits in
colour, and show their gray. Colours come in pairs of one gray, so the law of the colour given gray
is known. Draw with the exact score, then with the network.

What you should see. Each draw keeps the half that it was shown to .02 of the pixels' deviation, and
completes it in its own way: as far from the truth (.49) as from another draw (.45), but for a tenth
that (T37.1) sees at 2.7 standard errors: draws are a little too alike. From one gray come both
colours of its pair, in their proportions; one draw in twenty has a colour of another pair.

Figures. Grids, written here: 37_completion_digits.png (y, truth, six draws) and
37_completion_colours.png (the same in colour). `37_completion_pairs.png`: distances of the pairs.
`37_completion_shares.png`: how often each colour.

Build: cc -O2 -fopenmp tutorial/37_completion.c -o 37_completion -lm && ./37_completion
(MODE=test: seconds, structure only)

Change one line:
- 8000 for 24000 in `digits`: (T37.1) is .51 and .43, off by 4 standard errors. Ask it of the digits
  that were learnt from (all = x, told = y): .44 and .43. The network knows *those* halves too well.
- With 8000 still, `.method = SGM_METHOD_DPMPP_2M`: .52 and .50. The flow looks at the network fewer
  times than the SDE, and repeats its prejudice less.
- BANDS: show the plain gray instead (channels 1, y for `seen`), and give both 1500 steps: .56 of
  the draws have a colour of the right pair, with bands .65. All that is left to learn is a level.
*/

#include "tutorial.h"
#include "picture.h"

enum { SIDE = 14, P = SIDE * SIDE, HUES = 6, BANDS = 7, ZOOM = 4, WIDE = ZOOM * SIDE };

static int quick;
static sgm_sde sde;
static sgm_key stream(uint64_t i) { return sgm_key_split(tut_key(), i); }
static float *floats(long n) { return (float *)tut_memory((size_t)n * sizeof(float)); }

/* For the eye: each pixel of n images as ZOOM by ZOOM, and room for one tile more. */

static float *zoom(const float *x, long n, int channels) {
    float *large = floats((n + 1) * WIDE * WIDE * channels), *to = large;
    for (long i = 0; i < n * WIDE * WIDE; i++)
        for (long c = 0, row = i / WIDE % WIDE / ZOOM, col = i % WIDE / ZOOM; c < channels; c++)
            *to++ = x[(i / (WIDE * WIDE) * P + row * SIDE + col) * channels + c];
    return large;
}

/* Both networks are told an image, and in one case of ten nothing. */

static void learn(sgm_model *model, const char *name, sgm_image_net *net, const float *x,
    const float *y, int channels, long n, double middle, uint64_t key) {
    long steps = quick ? 20 : channels > 1 ? 5000 : 1500;
    int d = net->h * net->w * net->channels;
    sgm_model_options what = {.net = sgm_unet, .user = net, .d = d, .sde = sde, .n_ema = 1,
        .cond = channels * P, .cond_image = channels * P};
    sgm_train_options how = {.held_out = -1, .steps = steps, .batch = quick ? 16 : 64, .lr = 3e-3,
        .cosine = 1, .clip = 1, .warmup = steps / 20, .ema = {quick ? .9 : .995}, .cond = y,
        .cond_dropout = .1, .progress = name,
        .loss = {.scale = 1. / d, .times = SGM_TIMES_LOGNORMAL, .mean = middle, .std = 1.4}};
    double start = sgm_seconds();
    sgm_train_report report;
    how.report = &report;
    tut_must(sgm_model_init(model, &what, stream(key)));
    tut_must(sgm_train(model, x, n, &how, stream(key + 1)));
    printf("%s: %zu parameters, %ld steps in %.1f s, loss %.4f (silence: about 1)\n", name,
        model->n_params, steps, sgm_seconds() - start, report.loss);
    fflush(stdout);
}

/*
(1) Half digits. Which digit an image looks like is said by the nearest of those that the network
has learnt from: a poor judge will do, for it judges truth and draws alike.
*/

static void small_digits(float *x, int *label, long n, uint64_t key) {
    float *large = floats(n * 4 * P);
    sgm_data_digits(large, label, n, stream(key));
    for (long i = 0; i < n * P; i++) {
        const float *from = large + i / P * 4 * P + i % P / SIDE * 4 * SIDE + i % SIDE * 2;
        x[i] = .25f * (from[0] + from[1] + from[2 * SIDE] + from[2 * SIDE + 1]);
    }
    free(large);
}

static void left_half(float *y, const float *x, long n) {
    for (long i = 0; i < n * P; i++) y[i] = i % SIDE < SIDE / 2 ? x[i] : 0;
}

static double apart(const float *a, const float *b, int right) { /* mean square over a half */
    double sum = 0;
    for (int p = 0; p < P; p++)
        sum += (p % SIDE >= SIDE / 2) == right ? pow((double)a[p] - b[p], 2) : 0;
    return sum / (P / 2);
}

/* (T37.1) where it holds exactly: y is the label, and the draws are two more digits of that label.
*/

static void same_label(const float *x, const int *label, long n) {
    char *used = (char *)tut_memory((size_t)n);
    double away[2] = {0}, square = 0, m = 0;
    for (long i = 0; i < n; i++) {
        long at[2], found = 0;
        for (long j = i + 1; found < 2 && j < n; j++)
            if (!used[j] && label[j] == label[i]) at[found++] = j;
        if (used[i] || found < 2) continue;
        const float *truth = x + i * P, *a = x + at[0] * P, *b = x + at[1] * P;
        double d0 = .5 * (apart(truth, a, 1) + apart(truth, b, 1)), d1 = apart(a, b, 1);
        away[0] += d0, away[1] += d1, square += (d0 - d1) * (d0 - d1), m++;
        used[i] = used[at[0]] = used[at[1]] = 1;
    }
    printf("digits of one label: truth to draw %.4f, draw to draw %.4f, of %.0f triples\n",
        away[0] / m, away[1] / m, m);
    tut_check("(T37.1) y a label: truth to draw / draw to draw", away[0] / away[1], 1,
        5 * sqrt(square) / away[1]); /* five standard errors */
    free(used);
}

static void digits(void) {
    long n = quick ? 300 : 24000, k = quick ? 20 : 400;
    long *near_to = (long *)tut_memory((size_t)(3 * k) * sizeof *near_to);
    float *x = floats((n + k) * P), *y = floats((n + k) * P);
    float *all = floats(3 * k * P), *told = floats(2 * k * P); /* truths, draws, draws; y, y */
    int *label = (int *)tut_memory((size_t)(n + k) * sizeof *label), seen[3];
    double mean = 0, square = 0, count = (double)(n * P);
    sgm_image_net net = {SIDE, SIDE, 1, 24, 2, 4, 0, 8};
    sgm_model model;
    small_digits(x, label, n + k, 20);
    for (long i = 0; i < n * P; i++) mean += x[i] / count, square += (double)x[i] * x[i] / count;
    double spread = sqrt(square - mean * mean);
    for (long i = 0; i < (n + k) * P; i++) x[i] = (float)((x[i] - mean) / spread);
    left_half(y, x, n + k);
    same_label(x, label, quick ? n : 3000);
    learn(&model, "half digits", &net, x, y, 1, n, -.5, 21);

    sgm_condition told_by;
    sgm_sample_options how = {
        .method = SGM_METHOD_DPM_SDE, .steps = quick ? 6 : 40, .grid = SGM_GRID_LOGSNR};
    memcpy(all, x + n * P, (size_t)(k * P) * sizeof *x);
    for (int i = 0; i < 2; i++)
        memcpy(told + i * k * P, y + n * P, (size_t)(k * P) * sizeof *x);
    tut_must(sgm_condition_init(&told_by, &model, 0, told, 2 * k));
    sgm_score score = sgm_condition_score(&told_by);
    tut_drawn(sgm_sample(all + k * P, 2 * k, &score, &how, stream(23)));

    double K = (double)k, left = 0, other = 0, own = 0;
    float *pairs = floats(2 * k);
    double away[2] = {0}, se = 0, same[2] = {0}, flips = 0; /* the two sides of (T37.1), twice */
    tut_must(sgm_nearest(near_to, NULL, all, 3 * k, x, quick ? n : 8000, P, 1));
    for (long i = 0; i < k; i++) {
        const float *truth = all + i * P, *a = truth + k * P, *b = a + k * P;
        for (int q = 0; q < 3; q++) seen[q] = label[near_to[i + q * k]];
        left += apart(truth, a, 0) / K, other += apart(all + (i + 1) % k * P, a, 0) / K;
        double d0 = .5 * (apart(truth, a, 1) + apart(truth, b, 1)), d1 = apart(a, b, 1);
        double s0 = .5 * ((seen[0] == seen[1]) + (seen[0] == seen[2])), s1 = seen[1] == seen[2];
        pairs[i] = (float)apart(truth, a, 1), pairs[k + i] = (float)d1;
        away[0] += d0 / K, away[1] += d1 / K, se += (d0 - d1) * (d0 - d1) / K;
        same[0] += s0 / K, same[1] += s1 / K, flips += (s0 - s1) * (s0 - s1) / K;
        int nearest = 1;
        for (long j = 0; nearest && j < k; j++)
            nearest = apart(all + j * P, a, 0) >= apart(truth, a, 0);
        own += nearest / K;
    }
    se = sqrt(se / K), flips = sqrt(flips / K);
    printf("  left halves of draws: off by %.3f (another digit's: %.3f), nearest to their own y in "
           "%.4f\n"
           "  right halves: truth to draw %.4f, draw to draw %.4f, difference ± %.4f\n"
           "  the same digit: truth and draw %.3f, draw and draw %.3f, difference ± %.3f\n",
        sqrt(left), sqrt(other), own, away[0], away[1], se, same[0], same[1], flips);
    if (!quick) {
        tut_check("half digits: left half nearest to its own y", own, 1, .005);
        /* five standard errors, from the differences of the pairs */
        tut_check("(T37.1) right halves: truth to draw / draw to draw", away[0] / away[1], 1,
            5 * se / away[1]);
        tut_check("(T37.1) same digit: truth and draw, less draw and draw", same[0] - same[1], 0,
            5 * flips);
    }
    float *sorted = floats(2 * k), *grid = floats(48 * P);
    for (int q = 0; q < 2; q++) {
        double *in_order = stat_sorted(pairs + q * k, k);
        for (long i = 0; in_order && i < k; i++) sorted[2 * i + q] = (float)in_order[i];
        free(in_order);
    }
    tut_dat("pairs.dat", "truth to draw, draw to draw, each sorted", sorted, k, 2);
    for (int i = 0; i < 6; i++) {
        float draws[6 * P], six[6 * P];
        for (int j = 0; j < 6; j++) memcpy(six + j * P, y + (n + i) * P, P * sizeof *six);
        tut_must(sgm_condition_init(&told_by, &model, 0, six, 6));
        tut_drawn(sgm_sample(draws, 6, &score, &how, stream(24 + (uint64_t)i)));
        memcpy(grid + i * 8 * P, y + (n + i) * P, P * sizeof *grid);
        for (int p = 0; p < P; p++)
            if (p % SIDE >= SIDE / 2) grid[i * 8 * P + p] = (float)((.35 - mean) / spread);
        memcpy(grid + (i * 8 + 1) * P, x + (n + i) * P, P * sizeof *grid);
        memcpy(grid + (i * 8 + 2) * P, draws, sizeof draws);
    }
    float *large = zoom(grid, 48, 1);
    tut_picture("37_completion_digits", large, 48, WIDE, WIDE, 8, mean, spread);
    sgm_model_free(&model);
    free(x), free(y), free(all), free(told), free(label), free(near_to);
    free(grid), free(large), free(pairs), free(sorted);
}

/*
(2) A digit is drawn in one of six colours, on black or white, and you see its gray: .299 R + .587 G
+ .114 B. The colours come in three pairs of one gray each, so gray tells the pair and no more, and
given the gray image the law of the colour is the pair's own: WEIGHT and 1 - WEIGHT, exactly. (Each
digit's ink is stretched to a largest value of 1, so that its gray is to be seen.) This posterior is
a mixture of two points, which the library can draw from with the exact score, too.

All of the ink has one colour, so the two points lie some five units apart, though no pixel is apart
by more than two: the colour is decided while t is that large. So the times of training are drawn
about t = e, four times as high as for the digits.
*/

static const double GRAY[3] = {.35, .5, .65}, WEIGHT[3] = {.75, .5, .3},
                    luma[3] = {.299, .587, .114};
static double colour[HUES][3] = {
    {1, 0, 0}, {.1, 0, 1}, {0, 0, 0}, {.9, 0, .95}, {1, 0, .25}, {.1, 0, 1}};

static double gray_of(const float *rgb) {
    return luma[0] * rgb[0] + luma[1] * rgb[1] + luma[2] * rgb[2];
}

static void paint(float *x, const float *ink, int hue, int white) {
    for (int i = 0; i < 3 * P; i++) {
        double c = colour[hue][i % 3], on = ink[i / 3];
        x[i] = (float)(2 * (white ? 1 - on * (1 - c) : on * c) - 1); /* from -1 to 1 */
    }
}

/* The colour of an image whose ink and ground are known: least squares, then the nearest of the
six. */

static int hue_of(const float *x, const float *ink, int white) {
    double top[3] = {0}, below = 0, best = HUGE_VAL;
    int hue = 0;
    for (int p = 0; p < P; p++) {
        below += (double)ink[p] * ink[p];
        for (int c = 0; c < 3; c++)
            top[c] += ink[p] * (.5 * (x[3 * p + c] + 1) - (white ? 1 - ink[p] : 0));
    }
    for (int k = 0; k < HUES; k++) {
        double far = 0;
        for (int c = 0; c < 3; c++) far += pow(top[c] / below - colour[k][c], 2);
        if (far < best) best = far, hue = k;
    }
    return hue;
}

/* The gray y, from -1 to 1, in bands: a pixel of one gray is bright in one channel. Norms take an
image's level away and leave its pattern; so the level is made a pattern. */

static void bands(float *to, const float *y, long n) {
    for (long i = 0; i < n * P; i++)
        for (int b = 0; b < BANDS; b++) {
            double off = (.5 * (y[i] + 1) - (.05 + .15 * b)) / .075;
            to[i * BANDS + b] = (float)exp(-.5 * off * off);
        }
}

static void colour_grid(const float *x, const float *y, long n, int draws) {
    long tiles = n * (draws + 2), at = 0, size = 3 * P, wide = WIDE * WIDE;
    float *all = floats(tiles * size), *tile = floats(wide);
    for (long i = 0; i < n; i++)
        for (int j = -1; j <= draws; j++, at++)
            for (int q = 0; q < size; q++)
                all[at * size + q] =
                    .5f + .5f * (j < 0 ? y[i * P + q / 3] : x[(i * (draws + 1) + j) * size + q]);
    float *large = zoom(all, tiles, 3);
    tut_quick_tile(tile, WIDE, WIDE);
    for (long q = 0; q < 3 * wide; q++) large[tiles * 3 * wide + q] = tile[q / 3];
    tiles += quick;
#ifdef HAS_PNG
    tut_must(sgm_png_grid(tut_path("37_completion_colours.png"), large, tiles, WIDE, WIDE, 3,
        draws + 2, stbi_write_png));
#else
    tut_must(sgm_pnm_save(tut_path("37_completion_colours.ppm"), large, tiles, WIDE, WIDE, 3,
        draws + 2));
#endif
    free(all), free(large), free(tile);
}

static void colours(void) {
    long n = quick ? 300 : 8000, k = quick ? 30 : 900, all = n + k;
    float *ink = floats(all * P), *x = floats(all * 3 * P), *y = floats(all * P);
    float *seen = floats(all * P * BANDS), *u = floats(3 * all), shares[9];
    int *hue = (int *)tut_memory((size_t)all * sizeof *hue);
    int *white = (int *)tut_memory((size_t)all * sizeof *white);
    sgm_image_net net = {SIDE, SIDE, 3, 16, 2, 4, 0, 8};
    sgm_model model;
    for (int c = 0; c < HUES; c++)
        colour[c][1] = (GRAY[c / 2] - luma[0] * colour[c][0] - luma[2] * colour[c][2]) / luma[1];
    small_digits(ink, NULL, all, 30);
    sgm_uniform(u, (size_t)(3 * all), stream(31), 0);
    for (long i = 0; i < all; i++) {
        float most = 0;
        for (int p = 0; p < P; p++) most = fmaxf(most, ink[i * P + p]);
        for (int p = 0; p < P; p++) ink[i * P + p] /= most;
        int pair = i < n ? (int)(3 * u[3 * i]) : (int)((i - n) % 3);
        hue[i] = 2 * pair + (u[3 * i + 1] >= WEIGHT[pair]), white[i] = u[3 * i + 2] < .5f;
        paint(x + i * 3 * P, ink + i * P, hue[i], white[i]);
        for (int p = 0; p < P; p++) y[i * P + p] = (float)gray_of(x + i * 3 * P + 3 * p);
    }
    bands(seen, y, all);
    learn(&model, "colours", &net, x, seen, BANDS, n, 1, 32);

    float *made = floats(k * 3 * P);
    double first[3] = {0}, right = 0, off = 0;
    sgm_condition told;
    sgm_sample_options how = {
        .method = SGM_METHOD_DPM_SDE, .steps = quick ? 6 : 40, .grid = SGM_GRID_LOGSNR};
    tut_must(sgm_condition_init(&told, &model, 0, seen + n * P * BANDS, k));
    sgm_score score = sgm_condition_score(&told);
    tut_drawn(sgm_sample(made, k, &score, &how, stream(34)));
    for (long i = 0; i < k; i++) {
        int got = hue_of(made + i * 3 * P, ink + (n + i) * P, white[n + i]);
        right += (got / 2 == hue[n + i] / 2) / (double)k;
        first[i % 3] += (got % 2 == 0) * 3. / (double)k;
        for (int p = 0; p < P; p++)
            off += pow(gray_of(made + (i * P + p) * 3) - y[(n + i) * P + p], 2) / (double)(k * P);
    }
    printf("  gray of draws: off by %.4f, where grays lie %.2f apart; of the pair that y shows: "
           "%.4f\n",
        sqrt(off), 2 * (GRAY[1] - GRAY[0]), right);
    if (!quick) {
        /* pixels go from -1 to 1, so grays lie .3 apart: a sixth of that keeps them apart */
        tut_check("colours: gray of draws less y, rms", sqrt(off), 0, (GRAY[1] - GRAY[0]) / 3);
        /* a third would be right by chance; asked are nine in ten */
        tut_check("colours: draws of the pair that y shows", right, 1, .1);
    }
    how.steps = 40;
    for (int pair = 0; pair < 3; pair++) { /* a coin, tossed k/3 or 400 times: five SEs */
        enum { EXACT = 400 };
        char name[96];
        double exactly = 0, of = WEIGHT[pair], weights[2] = {of, 1 - of}, means[2 * 3 * P];
        float *drawn = floats(EXACT * 3 * P), point[3 * P];
        sgm_mixture law;
        for (int j = 0; j < 2; j++) {
            paint(point, ink + n * P, 2 * pair + j, 0);
            for (int q = 0; q < 3 * P; q++) means[j * 3 * P + q] = point[q];
        }
        tut_must(sgm_mixture_init(&law, 2, 3 * P, weights, means, NULL, SGM_COV_POINTS, &sde));
        sgm_score known = sgm_mixture_score(&law);
        tut_must(sgm_sample(drawn, EXACT, &known, &how, stream(35 + (uint64_t)pair)));
        for (long i = 0; i < EXACT; i++)
            exactly += (hue_of(drawn + i * 3 * P, ink + n * P, 0) % 2 == 0) / (double)EXACT;
        printf("  gray %.2f: the first colour in %.3f of the draws, with the exact score %.3f; "
               "truth %.2f\n", GRAY[pair], first[pair], exactly, of);
        snprintf(name, sizeof name, "exact score: first colour of gray %.2f", GRAY[pair]);
        tut_check(name, exactly, of, 5 * sqrt(of * (1 - of) / EXACT));
        snprintf(name, sizeof name, "SBGM p(x|y): first colour of gray %.2f", GRAY[pair]);
        if (!quick) tut_check(name, first[pair], of, 5 * sqrt(of * (1 - of) * 3 / (double)k));
        shares[3 * pair] = (float)GRAY[pair], shares[3 * pair + 1] = (float)first[pair];
        shares[3 * pair + 2] = (float)of;
        sgm_mixture_free(&law), free(drawn);
    }
    tut_dat("shares.dat", "gray, first colour's share of the network's draws, truth", shares, 3, 3);
    float *grid = floats(6 * 7 * 3 * P), six[6 * P * BANDS];
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) bands(six + j * P * BANDS, y + (n + i) * P, 1);
        tut_must(sgm_condition_init(&told, &model, 0, six, 6));
        memcpy(grid + i * 7 * 3 * P, x + (n + i) * 3 * P, 3 * P * sizeof *grid);
        tut_drawn(
            sgm_sample(grid + (i * 7 + 1) * 3 * P, 6, &score, &how, stream(38 + (uint64_t)i)));
    }
    colour_grid(grid, y + n * P, 6, 6);
    sgm_model_free(&model);
    free(ink), free(x), free(y), free(seen), free(u), free(hue), free(white), free(made);
    free(grid);
}

int main(int argc, char **argv) {
    quick = tut_quick();
    tut_start("37_completion", argc, argv);
    sde = sgm_sde_edm(.02, 20);
    digits();
    colours();
    return tut_done();
}
