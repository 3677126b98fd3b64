#include "check.h"

long rank_of(double x, const double *others, long n);
void histogram(double *count, int bins, const long *rank, long runs, long n);
double chi2(const double *count, int bins);
double chi2_p(double x, int freedom);
double quantity(double x, double y);

/* x from N(0, 1), y = x + τ z: given y, x has the variance c and the mean (1 - c) y. */
enum { RUNS = 800, L = 20, BINS = L + 1, N = RUNS * L, REPEATS = 60, FEW = 100 };
static double tau2, c, truth[RUNS], y[RUNS], drawn[3][N]; /* drawn with γ = 0, 1, 2 */

static double own_p(double x, int freedom) {
    double term = 1, sum = 0;
    for (int k = 0; k < freedom / 2; k++) sum += term, term *= 0.5 * x / (k + 1);
    return exp(-0.5 * x) * sum;
}

static void check_rank(void) {
    enum { TRUTHS = 6, OTHERS = 30 };
    double others[OTHERS], got[TRUTHS], right[TRUTHS], above[TRUTHS], place[TRUTHS],
        tied[TRUTHS];
    float z[OTHERS + TRUTHS];
    long n = lab_whole(1, 20, OTHERS);
    sgm_normal(z, OTHERS + TRUTHS, lab_key(1), 0);
    for (long i = 0; i < OTHERS; i++) others[i] = z[i];
    for (int k = 0; k < TRUTHS; k++) {
        double x = k == 0 ? 9 : k == 1 ? others[3] : z[OTHERS + k]; /* one above all, one a tie */
        right[k] = above[k] = tied[k] = 0;
        for (long i = 0; i < n; i++)
            right[k] += others[i] < x, above[k] += others[i] > x, tied[k] += others[i] <= x;
        place[k] = right[k] + 1;
        got[k] = (double)rank_of(x, others, n);
    }
    lab_guess guesses[] = {
        {"=from-above", above, "These are the others above x, not below. Uniform ranks are uniform "
         "from either end: the histogram is mirrored, and its χ² the same."},
        {"ties-counted", tied, "One that is equal to x was counted: those below it are asked."},
        {"counts-itself", place, "This is a place from 1 on, x counted too: ranks begin at 0."},
        {NULL, NULL, NULL}};
    lab_compare(LAB_UNIT, "rank_of: six numbers", got, right, TRUTHS, 1e-9, guesses);
}

static void check_histogram(void) {
    enum { MANY = 210 };
    for (int row = 0; row < 2; row++) {
        int bins = row ? BINS : 7;
        double count[BINS + 16], right[BINS] = {0}, kept[BINS], by_n[BINS] = {0}, share[BINS];
        long rank[MANY];
        for (int i = 0; i < BINS + 16; i++) count[i] = 5;
        for (int i = 0; i < MANY; i++) {
            rank[i] = i < 3 ? L : (long)sgm_below(lab_key(3 + row), (uint64_t)i, L + 1);
            right[rank[i] * bins / (L + 1)] += 1;
            if (rank[i] * bins / L < bins) by_n[rank[i] * bins / L] += 1;
        }
        for (int b = 0; b < bins; b++) kept[b] = right[b] + 5, share[b] = right[b] / MANY;
        lab_guess guesses[] = {
            {"not-emptied", kept, "What stood in count before is still in it: begin with zeros."},
            {"n-ranks", by_n, "Bins are too narrow, and the rank n falls out: n others make n + 1 "
             "ranks."},
            {"shares", share, "These are shares; χ² needs counts."},
            {NULL, NULL, NULL}};
        histogram(count, bins, rank, MANY, L);
        lab_compare(LAB_UNIT, row ? "histogram: a bin for each rank" : "histogram: 7 bins", count,
                    right, bins, 1e-9, guesses);
    }
}

static void check_chi2(void) {
    double count[9], all = 0, right = 0, bare = 0, over = 0, less = 0;
    for (int b = 0; b < 9; b++) {
        count[b] = (double)(20 + sgm_below(lab_key(5), (uint64_t)b, 30));
        all += count[b];
    }
    for (int b = 0; b < 9; b++) {
        double off = count[b] - all / 9, other = count[b] - all / 8;
        right += off * off / (all / 9), bare += off * off, over += off * off / count[b];
        less += other * other / (all / 8);
    }
    double root = sqrt(right), mean = right / 9;
    lab_guess guesses[] = {
        {"not-divided", &bare, "The squares are not divided by what is expected: a count's "
         "variance is its expectation, so each term should be about 1."},
        {"over-observed", &over, "Divided by the count that was seen: what is expected belongs "
         "there."},
        {"bins-less-one", &less, "What is expected is the sum over the number of bins; bins - 1 "
         "are the degrees of freedom."},
        {"root", &root, "A root was taken: χ² is the square."},
        {"mean", &mean, "This is a mean over the bins: χ² is the sum."},
        {NULL, NULL, NULL}};
    lab_unit("chi2 of nine counts", chi2(count, 9), right, 1e-9, guesses);
}

static void check_p(void) {
    enum { POINTS = 4 };
    static const int freedom[POINTS] = {2, 6, 20, 20};
    double got[POINTS], right[POINTS], half[POINTS], less[POINTS], more[POINTS];
    double all[POINTS], late[POINTS], other[POINTS];
    for (int i = 0; i < POINTS; i++) {
        double x = i == 3 ? 100 : lab_real(10 + i, 0.6, 1.4) * freedom[i];
        right[i] = own_p(x, freedom[i]), half[i] = own_p(2 * x, freedom[i]);
        less[i] = own_p(x, freedom[i] - 2), more[i] = own_p(x, freedom[i] + 2);
        all[i] = own_p(x, 2 * freedom[i]), late[i] = right[i] - exp(-0.5 * x);
        other[i] = 1 - right[i], got[i] = chi2_p(x, freedom[i]);
    }
    lab_guess guesses[] = {
        {"half-missing", half, "x stands where x/2 belongs."},
        {"term-less", less, "One term too few: as many as half the degrees of freedom, from "
         "k = 0."},
        {"term-more", more, "One term too many: as many as half the degrees of freedom, from "
         "k = 0."},
        {"all-terms", all, "As many terms as there are degrees of freedom: half of them belong "
         "there."},
        {"from-one", late, "The term of k = 0, which is 1, is missing."},
        {"complement", other, "This is the chance of a χ² below x: the one of at least x is "
         "asked."},
        {NULL, NULL, NULL}};
    lab_compare(LAB_UNIT, "chi2_p, four times", got, right, POINTS, 1e-9, guesses);
    lab_unit("chi2_p of 100, relatively", got[3], right[3], 1e-9, NULL);
}

/* The scores of x, and of x given its own y, under noise of variance t². */
static sgm_status alone(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    (void)self;
    for (long i = 0; i < n; i++) s[i] = (float)(-x[i] / (1 + (double)t[i] * t[i]));
    return SGM_OK;
}
static sgm_status given(const sgm_score *self, float *s, const float *x, const float *t, long n) {
    for (long i = 0; i < n; i++) {
        double mean = (1 - c) * y[(self->first + i) / L];
        s[i] = (float)((mean - x[i]) / (c + (double)t[i] * t[i]));
    }
    return SGM_OK;
}

/* L draws for each y with guidance γ, by the library. */
static void draw(int gamma) {
    static float x[N];
    sgm_score a, b, score;
    sgm_guided mix;
    sgm_sample_options how;
    memset(&how, 0, sizeof how), memset(&a, 0, sizeof a);
    a.d = 1, a.sde = sgm_sde_edm(0.02, 40), a.eval = alone, b = a, b.eval = given;
    how.method = SGM_METHOD_DPM_SDE, how.steps = 40, how.grid = SGM_GRID_LOGSNR;
    if (sgm_guided_init(&mix, &a, &b, 0, gamma)) abort();
    score = sgm_guided_score(&mix);
    if (sgm_sample(x, N, &score, &how, lab_key(20 + gamma))) abort();
    for (int i = 0; i < N; i++) drawn[gamma][i] = x[i];
}

/* The probability of each rank where draws are N(k y, P), by (8.7)'s example: both follow linear
equations in v = t², here with the steps of Heun's method in log v. The truth less the draws' mean
is normal, too, so what remains is one integral. */
static void rank_law(double p[BINS], double gamma) {
    double k = 0, P = 1600, v = 1600, q = pow(1e-7 / 1600, 1. / 4000), choose = 1;
    for (int i = 0; i <= 4000; i++) {
        double to = i < 4000 ? v * q : 0, step = v - to, w[2] = {v, to}, dk[2], dP[2];
        for (int j = 0; j < 2; j++) {
            double A = (1 - gamma) / (1 + w[j]) + gamma / (c + w[j]);
            double kj = k - j * step * dk[0], Pj = P - j * step * dP[0];
            dk[j] = A * kj - gamma * (1 - c) / (c + w[j]), dP[j] = 2 * A * Pj - 1;
        }
        k -= step * (dk[0] + dk[1]) / 2, P -= step * (dP[0] + dP[1]) / 2, v = to;
    }
    double rho = sqrt((c + (1 - c - k) * (1 - c - k) * (1 + tau2)) / P);
    for (int j = 0; j <= L; j++) {
        p[j] = 0;
        for (int i = -800; i <= 800; i++) {
            double t = i / 100., below = erfc(-t * rho / sqrt(2)) / 2;
            p[j] += choose * pow(below, j) * pow(1 - below, L - j) * exp(-t * t / 2) / 100;
        }
        p[j] /= sqrt(2 * 3.14159265358979323846);
        choose *= (double)(L - j) / (j + 1);
    }
}

/* From draws to counts, by the student's functions; or by the checker's own, of his quantity. */
static void ranks(double count[BINS + 8], const double *x) {
    static long rank[RUNS];
    for (int r = 0; r < RUNS; r++) {
        long at = rank_of(truth[r], x + r * L, L);
        rank[r] = at < 0 || at > L ? 0 : at;
    }
    for (int b = 0; b < BINS + 8; b++) count[b] = 0;
    histogram(count, BINS, rank, RUNS, L);
}
static double p_of_quantity(const double *x) {
    double count[BINS] = {0}, sum = 0, expected = (double)RUNS / BINS;
    for (int r = 0; r < RUNS; r++) {
        double at = quantity(truth[r], y[r]);
        int rank = 0;
        for (int l = 0; l < L; l++) rank += quantity(x[r * L + l], y[r]) < at;
        count[rank]++;
    }
    for (int b = 0; b < BINS; b++) sum += (count[b] - expected) * (count[b] - expected) / expected;
    return own_p(sum, L);
}

/* Over exact draws a p-value is uniform: its mean is 1/2, and its variance 1/12. */
static void check_uniform(void) {
    static float z[FEW * (L + 2)];
    double sum = 0, square = 0;
    for (int k = 0; k < REPEATS; k++) {
        double count[BINS + 8] = {0}, x[L], p;
        long rank[FEW];
        sgm_normal(z, FEW * (L + 2), lab_key(30), (uint64_t)k * FEW * (L + 2));
        for (int r = 0; r < FEW; r++) {
            const float *u = z + r * (L + 2);
            double see = u[0] + sqrt(tau2) * u[1];
            for (int l = 0; l < L; l++) x[l] = (1 - c) * see + sqrt(c) * u[2 + l];
            long at = rank_of(u[0], x, L);
            rank[r] = at < 0 || at > L ? 0 : at;
        }
        histogram(count, 7, rank, FEW, L);
        p = chi2_p(chi2(count, 7), 6);
        sum += p / REPEATS, square += p * p / REPEATS;
    }
    lab_law("exact draws: mean p of 60", sum, 0.5, 4.5 / sqrt(12. * REPEATS), NULL);
    lab_law("exact draws: mean p² of 60", square, 1. / 3, 4.5 * sqrt(4 / 45. / REPEATS), NULL);
}

static void lab_checks(void) {
    static float z[2 * RUNS];
    double count[3][BINS + 8], p[BINS], law = 0, mean = 0, var = 0, x2[3], pv[3];
    check_rank(), check_histogram(), check_chi2(), check_p();
    tau2 = lab_real(20, 0.8, 1.25), c = tau2 / (1 + tau2);
    check_uniform();
    sgm_normal(z, 2 * RUNS, lab_key(31), 0);
    for (int r = 0; r < RUNS; r++) truth[r] = z[2 * r], y[r] = z[2 * r] + sqrt(tau2) * z[2 * r + 1];
    for (int gamma = 0; gamma < 3; gamma++) {
        draw(gamma), ranks(count[gamma], drawn[gamma]);
        x2[gamma] = chi2(count[gamma], BINS), pv[gamma] = chi2_p(x2[gamma], L);
    }
    rank_law(p, 2);
    for (int b = 0; b < BINS; b++) {
        double q = p[b] - 1. / BINS;
        law += BINS * q * q, mean += p[b] * q, var += p[b] * q * q;
    }
    var = 4. * BINS * BINS * (var - mean * mean) / RUNS; /* to first order; all bins' own adds 20 */
    lab_true(LAB_LAW, "γ = 1: p is none of a failure", pv[1] > 1e-5 && pv[1] < 1 - 1e-5, "-",
             "Guidance with γ = 1 is Bayes' rule: these draws are exact, and their ranks uniform.");
    lab_law("γ = 2: χ² per run", x2[2] / RUNS, law + (double)L / RUNS, 4.5 * sqrt(var), NULL);
    lab_true(LAB_LAW, "γ = 2: p tells", pv[2] < 1e-9 && x2[2] > L, "-",
             "Guidance with γ = 2 is too sure: the lowest and the highest ranks are too many.");
    lab_true(LAB_LAW, "γ = 0: p does not tell", pv[0] > 1e-5 && pv[0] < 1 - 1e-5, "-",
             "Draws that never saw y are draws of p(x), as the truths are: their ranks are "
             "uniform.");
    double exact = p_of_quantity(drawn[1]), ignores = p_of_quantity(drawn[0]);
    int passes = exact > 1e-5, sees = ignores < 1e-9;
    lab_true(LAB_LAW, "your quantity: exact draws pass", passes, "ties",
             "Even exact draws fail: if the number hardly depends on x, truth and draws are tied, "
             "and ranks of ties are not uniform.");
    lab_true(LAB_LAW, "your quantity tells γ = 0", passes && sees, passes ? "blind" : "-",
             "It does not tell draws that never saw y: it has to ask how well x and y fit.");
    for (int b = 0; b < BINS; b++)
        lab_point("%d %.0f %.0f %.0f %.2f", b, count[0][b], count[1][b], count[2][b], RUNS * p[b]);
    lab_say(LAB_INFORMATIVE, "p-values: γ = 1 %.3g, γ = 2 %.3g, γ = 0 %.3g; by your quantity, "
            "γ = 1 %.3g, γ = 0 %.3g", pv[1], pv[2], pv[0], exact, ignores);
}
