/*
# 28. A fitted table, every question: each answer against an exact law

**Question.** `sgm_fit` (chapter 10) takes a table as people have it, with a skewed number, a count,
words and gaps, and then answers everything. Are the answers right? And are their errors as large as
they say?

**Equation.** Three kinds of rows. In each kind k the logarithm of `size` and `height` are jointly
normal, `count` is Poisson and `colour` has fixed shares, so for what a row knows, O,

$$p(\mathrm{row}_O) = \sum_k π_k\, \frac{N(u_O;\, μ_{k,O}, C_{k,OO})}{\mathrm{size}}\,
\mathrm{Poisson}(\mathrm{count};\, λ_k)\; c_k(\mathrm{colour}) \qquad(T38.1)$$

where a factor whose column is not known is left out. Given O the law of the rest is such a mixture
again, with π_k in proportion to its term above, and the normal law conditioned.

**Plan.** One table whose values are missing in 15 % of all places, whatever they are. It is fitted
with no option chosen by you; then each question of chapter 10 is asked about rows that the fit has
not seen, and (T38.1) answers beside it.

1. Fit: −log p of fresh rows; the probability of a colour.
2. Samples, as far from exact rows as two exact tables are from each other; and no copies.
3. Log densities of rows with gaps.
4. Given some columns: draws, effective particles, the evidence.
5. Imputed values: the mean, its error bar, how often the bar covers what was hidden.
6. Anomaly: quantiles of ordinary rows are uniform; rows with a wrong colour surprise.
7. Rows with weights: a table drawn with wrong shares, weighed back.
8. The file: another program opens it and gets the same bits.

**What you should see.** −log p is .1 to .2 nats above the exact one, by the key; independent
columns would be 1.6 above it. From this gap follows, by Pinsker's inequality or by the KL
divergence of two normal laws, how far off imputed values may be, and they are within that. Draws
given some columns are one and a half to two floors away: with some keys this is a near thing.

**Figures.** `38_tables_pairs.png`, `38_tables_given.png`.

    cc -O2 -fopenmp tutorial/38_tables.c -o 38_tables -lm

**Change one line.**
(1) In `draw_rows` write `if (lost[j] < missing && (j != HEIGHT || x[j] < 0))` and in `main` .6 for
MISSING: gaps now depend on what they hide. (10.6) learns the law of the heights that are left: the
colours of step 1, the samples and the draws given some columns are wrong.
(2) In `weights` leave out `t.weight = weight`: the gap becomes the KL divergence of the two laws,
and both rows of step 7 fail.
(3) In `given_step` ask `sgm_fitted_given` about the same columns of `fresh + (q + 1) * D`: its
draws are right about another row, several floors away, and its evidence is that row's.
*/

#include "tutorial.h"

enum { SIZE, HEIGHT, COUNT, COLOUR, D, PARTS = 3, LEVELS = 3, MOST_COUNT = 60, FEATURES = 6 };
#define MISSING 0.15

static const double share[PARTS] = {0.5, 0.3, 0.2};
static const double mean[PARTS][2] = {{0.2, -1}, {1.2, 1.2}, {-0.9, 1}}; /* log size, height */
static const double cov[PARTS][2][2] = {{{0.16, 0.14}, {0.14, 0.25}},
                                        {{0.09, -0.12}, {-0.12, 0.36}},
                                        {{0.25, 0.05}, {0.05, 0.09}}};
static const double rate[PARTS] = {2, 6, 11};
static const double colours[PARTS][LEVELS] = {
    {0.7, 0.2, 0.1}, {0.1, 0.8, 0.1}, {0.05, 0.15, 0.8}};

static sgm_fitted fitted;
static double gap; /* what step 1 measures, with five errors: an upper bound of KL(p | model) */

static double normal_cdf(double x) { return 0.5 * erfc(-x / sqrt(2)); }
static int known(double x) { return x == x; }

/*
## The exact law

Whatever a row knows; NaN is what it does not.
*/

/* log of a kind's factor in (T38.1), without π_k. */
static double part_log(int k, const double *x) {
    const double v = cov[k][0][0], w = cov[k][1][1], c = cov[k][0][1], log_2pi = 1.8378770664093453;
    const double a = known(x[SIZE]) ? log(x[SIZE]) - mean[k][0] : 0, b = x[HEIGHT] - mean[k][1];
    double sum = known(x[SIZE]) ? -0.5 * (a * a / v + log(v) + log_2pi) - log(x[SIZE]) : 0;
    if (known(b)) {
        const double at = known(x[SIZE]) ? c / v * a : 0, left = known(x[SIZE]) ? w - c * c / v : w;
        sum -= 0.5 * ((b - at) * (b - at) / left + log(left) + log_2pi);
    }
    if (known(x[COUNT])) sum += x[COUNT] * log(rate[k]) - rate[k] - lgamma(x[COUNT] + 1);
    if (known(x[COLOUR])) sum += log(colours[k][(int)x[COLOUR]]);
    return sum;
}

/* log p(row), and how likely each kind is, given the row. */
static double exact(const double *pi, const double *x, double post[PARTS]) {
    double top = -HUGE_VAL, sum = 0, term[PARTS];
    for (int k = 0; k < PARTS; k++) term[k] = log(pi[k]) + part_log(k, x), top = fmax(top, term[k]);
    for (int k = 0; k < PARTS; k++) sum += exp(term[k] - top);
    for (int k = 0; post && k < PARTS; k++) post[k] = exp(term[k] - top) / sum;
    return top + log(sum);
}

static double logp(const double *x) { return exact(share, x, NULL); }

/* Of kind k: the normal law of u_j, j = 0: log size, 1: height, given the other if it is known. */
static void normal_given(int k, int j, const double *x, double *mu, double *var) {
    const double other = j ? log(x[SIZE]) : x[HEIGHT], c = cov[k][0][1], v = cov[k][1 - j][1 - j];
    *mu = mean[k][j] + (known(other) ? c / v * (other - mean[k][1 - j]) : 0);
    *var = cov[k][j][j] - (known(other) ? c * c / v : 0);
}

/* What row i does not know, drawn given what it does. */
static void draw_rest(double *x, const double *pi, sgm_key key, uint64_t i) {
    double post[PARTS], mu, var, p;
    float u[3], z[2];
    int k = 0, n = 0, level = 0;
    sgm_uniform(u, 3, sgm_key_split(key, 0), 3 * i);
    sgm_normal(z, 2, sgm_key_split(key, 1), 2 * i);
    exact(pi, x, post);
    while (k < PARTS - 1 && u[0] > post[k]) u[0] -= (float)post[k++];
    for (int j = 0; j < 2; j++) {
        if (known(x[j])) continue;
        normal_given(k, j, x, &mu, &var);
        x[j] = mu + sqrt(var) * z[j];
        if (j == SIZE) x[SIZE] = exp(x[SIZE]);
    }
    for (p = exp(-rate[k]); n < MOST_COUNT && u[1] > p; p *= rate[k] / ++n) u[1] -= (float)p;
    while (level < LEVELS - 1 && u[2] > colours[k][level]) u[2] -= (float)colours[k][level++];
    if (!known(x[COUNT])) x[COUNT] = n;
    if (!known(x[COLOUR])) x[COLOUR] = level;
}

/* n rows of the law with shares pi, of which a part of all values is missing. */
static double *draw_rows(long n, const double *pi, double missing, sgm_key key) {
    double *rows = (double *)tut_memory((size_t)n * D * sizeof *rows);
    for (long i = 0; i < n; i++) {
        double *x = rows + i * D;
        float lost[D];
        for (int j = 0; j < D; j++) x[j] = NAN;
        draw_rest(x, pi, sgm_key_split(key, 0), (uint64_t)i);
        sgm_uniform(lost, D, sgm_key_split(key, 1), (uint64_t)i * D);
        for (int j = 0; j < D; j++)
            if (lost[j] < missing) x[j] = NAN;
    }
    return rows;
}

/* Rows as points whose distances mean something: a size bent, for a model does not know that it is
positive; deviations; a colour's corner. */
static float *features(const double *rows, long n) {
    float *z = (float *)tut_memory((size_t)n * FEATURES * sizeof *z);
    for (long i = 0; i < n; i++) {
        const double *x = rows + i * D;
        z[i * FEATURES] = (float)asinh(x[SIZE]), z[i * FEATURES + 1] = (float)x[HEIGHT];
        z[i * FEATURES + 2] = (float)(x[COUNT] / 3);
        for (int k = 0; k < LEVELS; k++) z[i * FEATURES + 3 + k] = x[COLOUR] == k;
    }
    return z;
}

static double mean_pair(const float *z, long n) { /* E|z - z'| over pairs */
    double sum = 0;
    for (long i = 1; i < n; i++)
        for (long j = 0; j < i; j++) {
            double r2 = 0;
            for (int c = 0; c < FEATURES; c++) {
                const double by = z[i * FEATURES + c] - z[j * FEATURES + c];
                r2 += by * by;
            }
            sum += sqrt(r2);
        }
    return 2 * sum / ((double)n * (double)(n - 1));
}

/* Squared energy distance of the n points themselves: (9.4) with each point among its pairs, which
is a distance, never below 0; of two samples of one law it is on the average 2 E|z - z'|/n. */
static double distance2(const double *a, const double *b, long n) {
    float *x = features(a, n), *y = features(b, n);
    const double far = sgm_energy_distance(x, n, y, n, FEATURES);
    const double own = (mean_pair(x, n) + mean_pair(y, n)) / (double)n;
    free(x), free(y);
    return fmax(far + own, 0);
}

/* The floor: that average, by the pairs within two exact samples. (What the two are from each other
scatters by half of it.) */
static double floor2_of(const double *a, const double *b, long n) {
    float *x = features(a, n), *y = features(b, n);
    const double floor2 = (mean_pair(x, n) + mean_pair(y, n)) / (double)n;
    free(x), free(y);
    return floor2;
}

/*
## Step 1. The fit

−log p of fresh rows, less the exact one, is an estimate of the KL divergence of the model from the
law. What there is to learn beyond each column alone is their *total correlation*: what a model of
independent columns with exact marginals loses,

$$T = E \log \frac{p(\mathrm{row})}{\prod_j p(\mathrm{row}_j)} \qquad(T38.2)$$
*/

static sgm_table table_of(double *rows, long n) {
    static char names[D][8] = {"size", "height", "count", "colour"};
    static char level_names[LEVELS][8] = {"red", "green", "blue"};
    static char *levels[LEVELS];
    static sgm_column columns[D];
    sgm_table t;
    memset(&t, 0, sizeof t);
    for (int k = 0; k < LEVELS; k++) levels[k] = level_names[k];
    for (int j = 0; j < D; j++) columns[j].name = names[j];
    columns[COLOUR].kind = SGM_KIND_CATEGORY;
    columns[COLOUR].n_levels = LEVELS, columns[COLOUR].level = levels;
    t.x = rows, t.n = n, t.d = D, t.column = columns;
    return t;
}

static sgm_fit_options options(void) { /* none; a smoke test's are small */
    sgm_fit_options o;
    memset(&o, 0, sizeof o);
    if (tut_quick()) o.members = 1, o.width = 64, o.depth = 3, o.steps = 2500, o.bend = o.turn = -1;
    return o;
}

/* Mean of exact less fitted log density over rows, and its standard error. */
static double gap_of(const sgm_fitted *f, const double *rows, long n, double *se, sgm_key key) {
    double *got = (double *)tut_memory((size_t)n * sizeof *got), sum = 0, square = 0;
    tut_must(sgm_fitted_logp(f, got, NULL, rows, n, key));
    for (long i = 0; i < n; i++) {
        const double miss = logp(rows + i * D) - got[i];
        sum += miss / (double)n, square += miss * miss / (double)n;
    }
    *se = sqrt((square - sum * sum) / (double)n);
    free(got);
    return sum;
}

/* (T38.2) over rows. */
static double total_correlation(const double *rows, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) {
        sum += logp(rows + i * D) / (double)n;
        for (int j = 0; j < D; j++) {
            double one[D] = {NAN, NAN, NAN, NAN};
            one[j] = rows[i * D + j];
            sum -= logp(one) / (double)n;
        }
    }
    return sum;
}

/* The probability of each colour: exp(log p) of a row that knows nothing else. Each key draws other
additions (10.3), so the mean over keys is the probability, and their scatter its error. */
static void colour_rows(long n, sgm_key key) {
    enum { KEYS = 32 };
    static const char *const called[LEVELS] = {"red", "green", "blue"};
    for (int k = 0; k < LEVELS; k++) {
        double row[D] = {NAN, NAN, NAN, NAN}, one, sum = 0, square = 0;
        char name[64];
        row[COLOUR] = k;
        for (int i = 0; i < KEYS; i++) {
            const sgm_key own = sgm_key_split(key, (uint64_t)(i * LEVELS + k));
            tut_must(sgm_fitted_logp(&fitted, &one, NULL, row, 1, own));
            sum += exp(one) / KEYS, square += exp(2 * one) / KEYS;
        }
        const double p = exp(logp(row)), se2 = (square - sum * sum) / (KEYS - 1);
        snprintf(name, sizeof name, "1. probability that the colour is %s", called[k]);
        /* five errors of the table's own share of that colour, and of the draws */
        tut_see(name, sum, p, 5 * sqrt(p * (1 - p) / ((1 - MISSING) * (double)n) + se2),
                "The probability of %s is %.4f ± %.4f, exactly %.4f.", called[k], sum, sqrt(se2),
                p);
    }
}

static void fit_step(double *rows, long n, const double *fresh, long m, sgm_key key) {
    const sgm_table t = table_of(rows, n);
    const sgm_fit_options o = options();
    const double total = total_correlation(fresh, m), most = total / (tut_quick() ? 4 : 10);
    double se;
    char told[2000];
    tut_must(sgm_fit(&fitted, &t, &o, sgm_key_split(key, 0)));
    sgm_fitted_print(&fitted, told, sizeof told);
    printf("1. The fit.\n"), tut_say("%s", told);
    gap = gap_of(&fitted, fresh, m, &se, sgm_key_split(key, 1));
    /* nine tenths of (T38.2) must be learnt (of a smoke test three quarters), and five errors */
    tut_see("1. fresh rows: -log p above the exact one, nats", gap, 0, most + 5 * se,
            "-log p of %ld fresh rows is %.3f ± %.3f nats above the exact one; independent columns "
            "would be %.3f above it.", m, gap, se, total);
    gap = fmax(gap, 0) + 5 * se;
    colour_rows(n, sgm_key_split(key, 2));
}

/*
## Step 2. Samples

Their energy distance to exact rows (9.4) is held against the *floor*: that of two exact tables of
as many rows. Memorised rows would be at distance 0 from the table.
*/

static void sample_step(double *rows, long n, sgm_key key) {
    const long m = tut_pick(800, 1500, 1500);
    double *x = (double *)tut_memory((size_t)m * D * sizeof *x), square = 0, floor2 = 0, ratio;
    double *one = draw_rows(m, share, 0, sgm_key_split(key, 1));
    double *two = draw_rows(m, share, 0, sgm_key_split(key, 2));
    double *whole = (double *)tut_memory((size_t)n * D * sizeof *x);
    long all = 0;
    tut_must(sgm_fitted_sample(&fitted, x, m, sgm_key_split(key, 0)));
    square = distance2(x, one, m), floor2 = floor2_of(two, one, m);
    printf("\n2. Samples.\n");
    /* twice the floor, when three quarters of the square are the model's own; four times in a smoke
       test, whose network is a small one */
    tut_see("2. samples: log2 of energy distance over floor", 0.5 * log(square / floor2) / log(2),
            0, tut_quick() ? 2 : 1, "%ld samples are %.4f from exact rows; two exact tables are "
            "%.4f from each other on the average.", m, sqrt(square), sqrt(floor2));
    for (long i = 0; i < n; i++) { /* a gap is filled by noise: no distance to compare */
        int gaps = 0;
        for (int j = 0; j < D; j++) gaps |= !known(rows[i * D + j]);
        if (!gaps) memcpy(whole + all++ * D, rows + i * D, D * sizeof *x);
    }
    const sgm_table t = table_of(whole, all);
    tut_must(sgm_fitted_memory(&fitted, &ratio, &t, m, sgm_key_split(key, 3)));
    /* medians of distances that scatter by some ½ of themselves: 1.25·½·√(1/m + 1/n), five times */
    tut_see("2. samples: distance to the nearest row, over rows'", ratio, 1,
            5 * 1.25 * 0.5 * sqrt(1 / (double)m + 1 / (double)all),
            "A sample is %.3f times as far from its nearest row as a row is: 1, no copies.", ratio);
    for (int which = 0; which < 2; which++) {
        const long some = which ? m : all;
        float *dots = (float *)tut_memory((size_t)some * D * sizeof *dots);
        for (long i = 0; i < some * D; i++) dots[i] = (float)(which ? x : whole)[i];
        tut_dat(which ? "samples.dat" : "rows.dat", "size; height; count; colour", dots, some, D);
        free(dots);
    }
    free(x), free(one), free(two), free(whole);
}

/*
## Step 3. Rows with gaps

Each fresh row loses one, two or three values, in turn every way there is.
*/

static void hide(double *row, long i) { /* 14 ways: not none, not all */
    const int mask = 1 + (int)(i % 14);
    for (int j = 0; j < D; j++)
        if (mask >> j & 1) row[j] = NAN;
}

static void gaps_step(const double *fresh, long m, sgm_key key) {
    double *part = (double *)tut_memory((size_t)m * D * sizeof *part), se;
    memcpy(part, fresh, (size_t)m * D * sizeof *part);
    for (long i = 0; i < m; i++) hide(part + i * D, i);
    const double off = gap_of(&fitted, part, m, &se, key);
    printf("\n3. Rows with gaps.\n");
    /* a part's KL divergence is at most that of the whole (data processing), so by step 1 */
    tut_see("3. rows with gaps: -log p above the exact one, nats", off, 0, gap + 5 * se,
            "-log p of rows with one to three gaps is %.3f ± %.3f nats above the exact one.", off,
            se);
    free(part);
}

/*
## Step 4. Given some columns

Particles (§10.5) draw the rest. Their root mean square distance to exact conditional draws, over
questions, is held against that of two exact samples, and the evidence against `sgm_fitted_logp`,
another algorithm for the same number.
*/

static double *given_exact(const double *row, long n, sgm_key key) {
    double *x = (double *)tut_memory((size_t)n * D * sizeof *x);
    for (long i = 0; i < n; i++) {
        memcpy(x + i * D, row, D * sizeof *x);
        draw_rest(x + i * D, share, key, (uint64_t)i);
    }
    return x;
}

static void given_step(const double *fresh, sgm_key key) {
    enum { ASKED = 8 };
    /* bits: size, height, count, colour */
    static const int know[ASKED] = {1, 9, 8, 4, 2, 12, 6, 11};
    const long n = tut_pick(200, 400, 400), asked = tut_pick(2, ASKED, ASKED);
    double *x = (double *)tut_memory((size_t)n * D * sizeof *x), least = HUGE_VAL;
    double far2 = 0, floor2 = 0, off = 0, var = 0;
    for (long q = 0; q < asked; q++) {
        const sgm_key own = sgm_key_split(key, (uint64_t)q);
        double row[D], evidence, se;
        sgm_given told;
        for (int j = 0; j < D; j++) row[j] = know[q] >> j & 1 ? fresh[q * D + j] : (double)NAN;
        tut_must(sgm_fitted_given(&fitted, x, NULL, n, row, &told, sgm_key_split(own, 0)));
        tut_must(sgm_fitted_logp(&fitted, &evidence, &se, row, 1, sgm_key_split(own, 1)));
        double *one = given_exact(row, n, sgm_key_split(own, 2));
        double *two = given_exact(row, n, sgm_key_split(own, 3));
        far2 += distance2(x, one, n), floor2 += floor2_of(two, one, n);
        least = fmin(least, told.ess);
        off += (told.log_evidence - evidence) / (double)asked;
        var += told.evidence_se * told.evidence_se + se * se;
        free(one), free(two);
    }
    printf("\n4. Given some columns: %ld questions, %ld draws each.\n", asked, n);
    /* as in step 2 */
    tut_see("4. given: log2 of energy distance over floor", 0.5 * log(far2 / floor2) / log(2), 0,
            tut_quick() ? 2 : 1, "Draws given one to three columns are %.4f from exact conditional "
            "draws; two exact samples are %.4f from each other on the average.",
            sqrt(far2 / (double)asked), sqrt(floor2 / (double)asked));
    /* below 100, says sgm_fitted_given, one should ask for more */
    tut_see("4. given: least effective particles are 100, 1 = yes", least >= 100, 1, 0,
            "The least number of effective particles is %.0f of 2048.", least);
    /* five errors of the mean: what eight runs tell, and what log p says of itself */
    tut_see("4. given: log evidence less log p, nats", off, 0, 5 * sqrt(var) / (double)asked,
            "The particles' log evidence is %.4f ± %.4f nats from the log density.", off,
            sqrt(var) / (double)asked);
    free(x);
}

/*
## Step 5. Imputed values

One value of each row is hidden: a size, a height or a colour. The mean and its error bar (the
conditional standard deviation) are exact sums by (T38.1). Let the model's conditional law be normal
with a mean that is off by a deviations and a deviation off by a factor 1 + b: then its KL
divergence is a²/2 + b², so step 1 bounds both, in the mean over rows: a by √(2 gap), b by √gap.
*/

/* Mean and deviation of a number that is not known. */
static void exact_mean(const double *x, int j, double *m, double *s) {
    double post[PARTS], mu, var, first = 0, second = 0;
    exact(share, x, post);
    for (int k = 0; k < PARTS; k++) {
        normal_given(k, j, x, &mu, &var);
        const double one = j == SIZE ? exp(mu + var / 2) : mu;
        first += post[k] * one;
        second += post[k] * (j == SIZE ? exp(2 * mu + 2 * var) : mu * mu + var);
    }
    *m = first, *s = sqrt(second - first * first);
}

/* How likely it is at most v. */
static double exact_cdf(const double *x, int j, double v) {
    double post[PARTS], mu, var, sum = 0;
    exact(share, x, post);
    if (j == SIZE && v <= 0) return 0;
    for (int k = 0; k < PARTS; k++) {
        normal_given(k, j, x, &mu, &var);
        sum += post[k] * normal_cdf(((j == SIZE ? log(v) : v) - mu) / sqrt(var));
    }
    return sum;
}

typedef struct { /* sums over rows */
    double off2, bar, covered, cover, wrong, said, least_wrong, numbers, words;
} imputed;

/* One row: what was said of column j, hidden in it. */
static void impute_look(imputed *q, const double *truth, const double *part, const double *got,
                        const double *se, int j, float *line) {
    double m, s, post[PARTS], right = 0;
    if (j == COLOUR) {
        exact(share, part, post);
        for (int level = 0; level < LEVELS; level++) {
            double p = 0;
            for (int k = 0; k < PARTS; k++) p += post[k] * colours[k][level];
            right = fmax(right, p);
        }
        q->words++, q->wrong += got[j] != truth[j], q->said += se[j], q->least_wrong += 1 - right;
        return;
    }
    exact_mean(part, j, &m, &s);
    q->numbers++, q->off2 += (got[j] - m) * (got[j] - m) / (s * s), q->bar += log(se[j] / s);
    q->covered += fabs(truth[j] - got[j]) <= 2 * se[j];
    q->cover += exact_cdf(part, j, m + 2 * s) - exact_cdf(part, j, m - 2 * s);
    line[0] = (float)j, line[1] = (float)m, line[2] = (float)got[j], line[3] = (float)se[j];
    line[4] = (float)truth[j];
}

static void impute_told(const imputed *q) {
    const double n = q->numbers, w = q->words, cover = q->cover / n, p = q->least_wrong / w;
    /* 256 particles, of which a half may count, leave a mean an error of 1/√128 of the deviation,
       and the deviation half of that and more: heavy tails; many rows average b's, not a's */
    tut_see("5. imputed means: rms error, in deviations", sqrt(q->off2 / n), 0,
            sqrt(2 * gap + 1.0 / 128),
            "Imputed means are %.3f deviations (rms) from the exact conditional means; a gap of "
            "%.3f nats allows %.3f.", sqrt(q->off2 / n), gap, sqrt(2 * gap + 1.0 / 128));
    tut_see("5. error bars: mean log of bar over deviation", q->bar / n, 0,
            sqrt(gap) + 5 * sqrt(1.0 / 128 / n),
            "Error bars are %.3f times the exact conditional deviations.", exp(q->bar / n));
    /* the hidden value is drawn from the exact law: binomial, five errors */
    tut_see("5. two error bars cover the hidden value", q->covered / n, cover,
            5 * sqrt(cover * (1 - cover) / n),
            "Two error bars cover %.3f of %.0f hidden numbers; exact ones would cover %.3f.",
            q->covered / n, n, cover);
    /* mean over rows of a probability's error: total variation, ½·gap under the root by Pinsker */
    tut_see("5. colours: said to be wrong less exactly, probability", q->said / w - p, 0,
            sqrt(gap / 2), "Imputed colours say that they are wrong in %.3f of the rows; the exact "
            "likeliest would be in %.3f; %.3f are.", q->said / w, p, q->wrong / w);
}

static void impute_step(const double *fresh, long n, sgm_key key) {
    double *part = (double *)tut_memory((size_t)n * D * 3 * sizeof *part);
    double *got = part + n * D, *se = got + n * D;
    float *lines = (float *)tut_memory((size_t)n * 5 * sizeof *lines);
    long kept = 0;
    imputed sums;
    memset(&sums, 0, sizeof sums);
    memcpy(part, fresh, (size_t)n * D * sizeof *part);
    for (long i = 0; i < n; i++) part[i * D + (i % 3 == 2 ? COLOUR : i % 3)] = NAN;
    tut_must(sgm_fitted_impute(&fitted, got, se, part, n, SGM_IMPUTE_MEAN, key));
    for (long i = 0; i < n; i++) {
        const int j = i % 3 == 2 ? COLOUR : (int)(i % 3);
        impute_look(&sums, fresh + i * D, part + i * D, got + i * D, se + i * D, j,
                    lines + 5 * kept);
        kept += j != COLOUR;
    }
    printf("\n5. Imputed values: %ld rows.\n", n);
    impute_told(&sums);
    tut_dat("imputed.dat", "column; exact mean; imputed; error bar; hidden", lines, kept, 5);
    free(part), free(lines);
}

/*
## Step 6. Odd rows

The quantile of a fresh row's surprise is uniform, with gaps or without. Odd rows are ordinary ones
with the next colour, each value of which is usual; how many of them exceed what one ordinary row in
ten exceeds is a number that exact log densities give.
*/

static double uniform_cdf(double x, void *user) { return (void)user, fmin(fmax(x, 0), 1); }

static int falling(const void *a, const void *b) { return -stat_ascending(a, b); }

static void anomaly_step(const double *fresh, long m, long n, sgm_key key) {
    enum { TRIED = 20000, ORDINARY = 255 };
    double *part = (double *)tut_memory((size_t)m * D * sizeof *part), found = 0, power = 0;
    double *surprise = (double *)tut_memory((size_t)m * 2 * sizeof *surprise), *at = surprise + m;
    double *many = draw_rows(TRIED, share, 0, sgm_key_split(key, 1));
    float *u = (float *)tut_memory((size_t)n * sizeof *u);
    memcpy(part, fresh, (size_t)n * D * sizeof *part);
    for (long i = 0; i < n; i += 4) hide(part + i * D, i); /* one row in four has gaps */
    tut_must(sgm_fitted_anomaly(&fitted, NULL, at, part, n, sgm_key_split(key, 0)));
    for (long i = 0; i < n; i++) u[i] = (float)at[i];
    const double ks = stat_ks(u, n, uniform_cdf, NULL), both = n / (1 + (double)n / ORDINARY);
    printf("\n6. Odd rows.\n");
    /* n rows against 255 ordinary ones: exp(-2 D² n') = 5e-7 on each side at D = 2.7/√n' */
    tut_see("6. quantiles of fresh rows: KS distance to uniform", ks, 0, 2.7 / sqrt(both),
            "Quantiles of %ld fresh rows are uniform: KS distance %.3f, p = %.2g.", n, ks,
            stat_ks_p(ks, both));
    for (long i = 0; i < TRIED; i++) many[i] = -logp(many + i * D);
    qsort(many, TRIED, sizeof *many, falling);
    const double cut = many[TRIED / 10];
    memcpy(part, fresh, (size_t)m * D * sizeof *part);
    for (long i = 0; i < m; i++) part[i * D + COLOUR] = (int)(part[i * D + COLOUR] + 1) % LEVELS;
    tut_must(sgm_fitted_anomaly(&fitted, surprise, NULL, part, m, sgm_key_split(key, 2)));
    for (long i = 0; i < m; i++) {
        found += (surprise[i] > cut) / (double)m;
        power += (-logp(part + i * D) > cut) / (double)m;
    }
    /* both ask the same rows, and only those near the cut can differ: less than five errors */
    tut_see("6. rows with a wrong colour that are found", found, power,
            5 * sqrt(power * (1 - power) / (double)m),
            "Of rows with a wrong colour %.3f are odder than nine of ten; by exact densities %.3f.",
            found, power);
    free(part), free(surprise), free(many), free(u);
}

/*
## Step 7. Weights

Somebody asked kind 3 far too often: shares .1, .2, .7. A row of kind k has the weight that makes up
for it, and the fitted law must be (T38.1) again. n rows of weights w count as (Σw)²/Σw².
*/

static const double asked_share[PARTS] = {0.1, 0.2, 0.7};

static void weights(const double *fresh, long m, sgm_key key) {
    const long n = tut_pick(2000, 2800, 2800);
    double *rows = (double *)tut_memory((size_t)n * D * sizeof *rows), se, sum = 0, square = 0;
    double *weight = (double *)tut_memory((size_t)n * sizeof *weight), blind = 0, ask[D], got;
    float *u = (float *)tut_memory((size_t)n * sizeof *u);
    sgm_fit_options o = options();
    sgm_fitted f;
    sgm_uniform(u, (size_t)n, sgm_key_split(key, 0), 0);
    for (long i = 0; i < n; i++) { /* the kind is drawn here, so that its weight is known */
        double one[PARTS] = {0, 0, 0};
        const int k = u[i] < asked_share[0] ? 0 : u[i] < asked_share[0] + asked_share[1] ? 1 : 2;
        double *x = rows + i * D;
        for (int j = 0; j < D; j++) x[j] = NAN;
        one[k] = 1;
        draw_rest(x, one, sgm_key_split(key, 1), (uint64_t)i);
        weight[i] = share[k] / asked_share[k];
        sum += weight[i], square += weight[i] * weight[i];
    }
    sgm_table t = table_of(rows, n);
    t.weight = weight;
    if (!tut_quick()) o.members = 3, o.bend = o.turn = -1;
    tut_must(sgm_fit(&f, &t, &o, sgm_key_split(key, 2)));
    const double off = gap_of(&f, fresh, m, &se, sgm_key_split(key, 3)), count = sum * sum / square;
    for (long i = 0; i < m; i++)
        blind += (logp(fresh + i * D) - exact(asked_share, fresh + i * D, NULL)) / (double)m;
    printf("\n7. Weights: %ld rows count as %.0f.\n", n, count);
    /* less than half of what it would be if the weights were not heard */
    tut_see("7. weighted: -log p above the exact one, nats", off, 0, blind / 2,
            "Weighed back, the fit is %.3f ± %.3f nats above the exact law; the law of the rows "
            "as they were asked is %.3f above it.", off, se, blind);
    for (int j = 0; j < D; j++) ask[j] = j == COLOUR ? 0 : (double)NAN;
    tut_must(sgm_fitted_logp(&f, &got, NULL, ask, 1, sgm_key_split(key, 4)));
    const double p = exp(logp(ask)), without = exp(exact(asked_share, ask, NULL));
    tut_see("7. weighted: probability of red", exp(got), p, 5 * sqrt(p * (1 - p) / count),
            "Red has the probability %.3f, exactly %.3f; of the rows as asked %.3f.", exp(got), p,
            without); /* the table's own share, by the rows that count; five errors */
    sgm_fitted_free(&f), free(rows), free(weight), free(u);
}

/*
## Step 8. The file
*/

static void file_step(const double *fresh, long m, sgm_key key) {
    double *a = (double *)tut_memory((size_t)m * (2 * D + 2) * sizeof *a);
    double *b = a + m * D, *p = b + m * D, *q = p + m;
    long differ = 0;
    sgm_fitted again;
    tut_must(sgm_fitted_save(&fitted, tut_path("tables.safetensors")));
    tut_must(sgm_fitted_open(&again, tut_path("tables.safetensors")));
    tut_must(sgm_fitted_sample(&fitted, a, m, sgm_key_split(key, 0)));
    tut_must(sgm_fitted_sample(&again, b, m, sgm_key_split(key, 0)));
    tut_must(sgm_fitted_logp(&fitted, p, NULL, fresh, m, sgm_key_split(key, 1)));
    tut_must(sgm_fitted_logp(&again, q, NULL, fresh, m, sgm_key_split(key, 1)));
    for (long i = 0; i < m * D; i++) differ += memcmp(a + i, b + i, sizeof *a) != 0;
    for (long i = 0; i < m; i++) differ += memcmp(p + i, q + i, sizeof *p) != 0;
    printf("\n8. The file.\n");
    tut_see("8. numbers that differ after save and open", (double)differ, 0, 0,
            "Of %ld values and %ld log densities %ld differ after save and open.", m * D, m,
            differ); /* the same parameters and the same key: the same bits */
    free(a), sgm_fitted_free(&again);
}

/*
## What the figures need
*/

/* Densities of pairs of columns, exact, on a grid: lower left of the pair plot. */
static void pair_grid(int a, int b, const double *from, const double *to, const char *name) {
    enum { GRID = 81 };
    float *grid = (float *)tut_memory(GRID * GRID * sizeof *grid);
    for (int i = 0; i < GRID; i++)
        for (int j = 0; j < GRID; j++) {
            double x[D] = {NAN, NAN, NAN, NAN};
            x[a] = from[a] + (to[a] - from[a]) * j / (GRID - 1);
            x[b] = from[b] + (to[b] - from[b]) * i / (GRID - 1);
            const double slope = a == SIZE ? x[SIZE] : 0; /* the figure's axis is log size */
            if (a == SIZE) x[SIZE] = exp(x[SIZE]);
            grid[i * GRID + j] = (float)exp(logp(x) + slope);
        }
    tut_dat(name, "exact density, row by row", grid, GRID, GRID);
    free(grid);
}

/* Draws of `height` given a size and a colour, and its exact density; of `count` given a height. */
static void figure_given(sgm_key key) {
    enum { N = 2000, CELLS = 40, LINE = 201 };
    static double x[2][N * D];
    static float bars[CELLS * 3], line[LINE * 2], counts[21 * 4];
    const double asked[2][D] = {{1.2, NAN, NAN, 0}, {NAN, 1, NAN, NAN}};
    double at[CELLS], density[CELLS], se[CELLS];
    for (int q = 0; q < 2; q++)
        tut_must(sgm_fitted_given(&fitted, x[q], NULL, tut_quick() ? 500 : N, asked[q], NULL,
                                  sgm_key_split(key, (uint64_t)q)));
    const long n = tut_quick() ? 500 : N;
    tut_must(sgm_fitted_marginal(&fitted, at, density, se, CELLS, HEIGHT, x[0], n));
    for (int i = 0; i < CELLS; i++)
        bars[3 * i] = (float)at[i], bars[3 * i + 1] = (float)density[i],
        bars[3 * i + 2] = (float)se[i];
    for (int i = 0; i < LINE; i++) {
        double row[D] = {asked[0][0], -3 + 6.0 * i / (LINE - 1), NAN, asked[0][3]};
        line[2 * i] = (float)row[1], line[2 * i + 1] = (float)exp(logp(row) - logp(asked[0]));
    }
    for (int k = 0; k <= 20; k++) {
        double row[D] = {NAN, 1, k, NAN}, p = 0;
        for (long i = 0; i < n; i++) p += (x[1][i * D + COUNT] == k) / (double)n;
        counts[4 * k] = (float)k, counts[4 * k + 1] = (float)p;
        counts[4 * k + 2] = (float)sqrt(p * (1 - p) / (double)n);
        counts[4 * k + 3] = (float)exp(logp(row) - logp(asked[1]));
    }
    tut_dat("height.dat", "height; density of draws, its error", bars, CELLS, 3);
    tut_dat("height_exact.dat", "height; exact density", line, LINE, 2);
    tut_dat("count.dat", "count; share of draws, its error; exact", counts, 21, 4);
}

/* Columns alone: of samples, and exactly. */
static void figure_columns(sgm_key key) {
    enum { N = 4000, CELLS = 40 };
    static double x[N * D];
    static float count[21 * 3], size[CELLS * 3];
    const double wide = 5.0 / CELLS;
    const long n = tut_pick(500, N, N);
    tut_must(sgm_fitted_sample(&fitted, x, n, key));
    for (int k = 0; k <= 20; k++) {
        double row[D] = {NAN, NAN, k, NAN}, p = 0;
        for (long i = 0; i < n; i++) p += (x[i * D + COUNT] == k) / (double)n;
        count[3 * k] = (float)k, count[3 * k + 1] = (float)p;
        count[3 * k + 2] = (float)exp(logp(row));
    }
    for (int c = 0; c < CELLS; c++) {
        const double at = -2.5 + wide * (c + 0.5);
        double row[D] = {exp(at), NAN, NAN, NAN}, p = 0;
        for (long i = 0; i < n; i++)
            p += x[i * D] > 0 && fabs(log(x[i * D]) - at) <= wide / 2 ? 1 / (double)n : 0;
        size[3 * c] = (float)at, size[3 * c + 1] = (float)(p / wide);
        size[3 * c + 2] = (float)exp(logp(row) + at);
    }
    tut_dat("counts.dat", "count; share of samples; exact", count, 21, 3);
    tut_dat("sizes.dat", "log size; density of samples; exact", size, CELLS, 3);
}

static void figures(sgm_key key) {
    const double from[D] = {-2.5, -3, 0, 0}, to[D] = {2.5, 3.2, 20, 0};
    pair_grid(SIZE, HEIGHT, from, to, "size_height.dat");
    pair_grid(HEIGHT, COUNT, from, to, "height_count.dat");
    figure_columns(sgm_key_split(key, 0));
    figure_given(sgm_key_split(key, 1));
}

int main(int argc, char **argv) {
    const sgm_key key = tut_key();
    const long n = tut_pick(2000, 2800, 2800), m = tut_pick(200, 500, 500);
    tut_start("38_tables", argc, argv);
    double *rows = draw_rows(n, share, MISSING, sgm_key_split(key, 1));
    double *fresh = draw_rows(m, share, 0, sgm_key_split(key, 2));
    fit_step(rows, n, fresh, m, sgm_key_split(key, 3));
    sample_step(rows, n, sgm_key_split(key, 4));
    gaps_step(fresh, m, sgm_key_split(key, 5));
    given_step(fresh, sgm_key_split(key, 6));
    impute_step(fresh, tut_pick(36, 120, 120), sgm_key_split(key, 7));
    anomaly_step(fresh, m, tut_pick(60, 240, 240), sgm_key_split(key, 8));
    weights(fresh, m, sgm_key_split(key, 9));
    file_step(fresh, tut_pick(40, 200, 200), sgm_key_split(key, 10));
    figures(sgm_key_split(key, 11));
    sgm_fitted_free(&fitted), free(rows), free(fresh);
    return tut_done();
}
