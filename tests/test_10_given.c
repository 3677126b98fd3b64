/*
§10.5 and §10.6: rows given any of their columns, gaps filled, rows that are odd, histograms. The
model's network is replaced by the exact score of a Gaussian mixture of encoded rows
(`fitted.instead`), so that what is right is a closed form: the conditional mixture, its probabilities
of whole numbers by the error function, of levels by enumeration.

    cc -O1 tests/test_10_given.c -lcmocka -lm -o test_10_given && ./test_10_given
*/
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#define Z CHECK_SIGMAS
enum { MOST_D = 8, MOST_K = 16 };

static const double sigma_min = 0.02;


static double bell(double x) { return 0.5 * erfc(-x / sqrt(2.0)); }
static double uniform(double x, void *user) { return (void)user, x < 0 ? 0 : x > 1 ? 1 : x; }

/* A fitted model by hand: its columns, a code, and a mixture of y, the rows before they are turned. */
typedef struct hand {
    sgm_fitted f;
    sgm_column column[MOST_D];
    sgm_coordinate at[MOST_D];
    double low[MOST_D], high[MOST_D], turn[MOST_D * MOST_D], back[MOST_D * MOST_D];
    int K, D;
    double weight[MOST_K], mean[MOST_K * MOST_D], cov[MOST_K * MOST_D * MOST_D]; /* of y */
    sgm_mixture z;      /* of z = turn y */
    sgm_score score;
} hand;

static void hand_init(hand *h, int columns, const sgm_kind *kind, const int *levels) {
    memset(h, 0, sizeof *h);
    h->f.table.d = h->f.code.columns = columns, h->f.table.column = h->column;
    h->f.code.at = h->at, h->f.code.low = h->low, h->f.code.high = h->high;
    for (int j = 0; j < columns; j++) {
        h->column[j].kind = kind[j], h->column[j].n_levels = levels ? levels[j] : 0;
        h->low[j] = kind[j] == SGM_KIND_CATEGORY ? 0 : -50, h->high[j] = 50;
        if (kind[j] == SGM_KIND_CATEGORY) h->high[j] = levels[j] - 1;
        for (int b = 0, bits = kind[j] == SGM_KIND_CATEGORY ? 1 + (levels[j] > 2) : 1; b < bits; b++) {
            sgm_coordinate *at = &h->at[h->D++];
            at->column = j, at->bit = kind[j] == SGM_KIND_CATEGORY ? b : -1;
            at->unit = at->tail = at->scale = 1;
        }
    }
    h->f.code.width = h->D;
}

/* z = turn y with a turn that whitens the mixture's covariance by Cholesky's factor, which is no
rotation: any invertible matrix must do. */
static void hand_turn(hand *h) {
    const int D = h->D;
    double C[MOST_D * MOST_D] = {0}, mu[MOST_D] = {0}, sum = 0;
    for (int k = 0; k < h->K; k++) sum += h->weight[k];
    for (int k = 0; k < h->K; k++)
        for (int i = 0; i < D; i++) mu[i] += h->weight[k] / sum * h->mean[k * D + i];
    for (int k = 0; k < h->K; k++)
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++)
                C[i * D + j] += h->weight[k] / sum * (h->cov[(k * D + i) * D + j]
                    + (h->mean[k * D + i] - mu[i]) * (h->mean[k * D + j] - mu[j]));
    memset(h->back, 0, sizeof h->back), memset(h->turn, 0, sizeof h->turn);
    for (int i = 0; i < D; i++)
        for (int j = 0; j <= i; j++) {
            double s = C[i * D + j];
            for (int l = 0; l < j; l++) s -= h->back[i * D + l] * h->back[j * D + l];
            h->back[i * D + j] = i == j ? sqrt(s) : s / h->back[j * D + j];
        }
    for (int c = 0; c < D; c++) /* columns of the inverse */
        for (int i = c; i < D; i++) {
            double s = i == c;
            for (int l = c; l < i; l++) s -= h->back[i * D + l] * h->turn[l * D + c];
            h->turn[i * D + c] = s / h->back[i * D + i];
        }
    h->f.code.turn = h->turn, h->f.code.back = h->back, h->f.code.log_turn = 0;
    for (int i = 0; i < D; i++) h->f.code.log_turn -= log(h->back[i * D + i]);
}

static void hand_score(hand *h) {
    const int D = h->D;
    static double mean[MOST_K * MOST_D], cov[MOST_K * MOST_D * MOST_D];
    const sgm_sde sde = sgm_sde_edm(sigma_min, 15);
    for (int k = 0; k < h->K; k++)
        for (int i = 0; i < D; i++) {
            mean[k * D + i] = 0;
            for (int j = 0; j < D; j++) {
                mean[k * D + i] += (h->f.code.turn ? h->turn[i * D + j] : i == j) * h->mean[k * D + j];
                cov[(k * D + i) * D + j] = 0;
                for (int l = 0; l < D; l++)
                    for (int q = 0; q < D; q++)
                        cov[(k * D + i) * D + j] += (h->f.code.turn ? h->turn[i * D + l] : i == l)
                            * h->cov[(k * D + l) * D + q] * (h->f.code.turn ? h->turn[j * D + q] : j == q);
            }
            for (int j = 0; j < i; j++) cov[(k * D + i) * D + j] = cov[(k * D + j) * D + i];
        }
    CHECK_OK(sgm_mixture_init(&h->z, h->K, D, h->weight, mean, cov, SGM_COV_FULL, &sde));
    h->score = sgm_mixture_score(&h->z), h->f.instead = &h->score;
}

/* A mixture of y with correlated components, by the key. */
static void hand_mixture(hand *h, int K, double apart, double wide, sgm_key key) {
    const int D = h->D;
    uint64_t i = 0;
    h->K = K;
    for (int k = 0; k < K; k++) {
        double G[MOST_D * MOST_D];
        h->weight[k] = 0.5 + sgm__uniform53(key, i++);
        for (int j = 0; j < D; j++) h->mean[k * D + j] = apart * sgm__normal1(key, i++);
        for (int j = 0; j < D * D; j++) G[j] = wide * sgm__normal1(key, i++) / sqrt((double)D);
        for (int a = 0; a < D; a++)
            for (int b = 0; b < D; b++) {
                double s = a == b ? 0.2 * wide * wide : 0;
                for (int l = 0; l < D; l++) s += G[a * D + l] * G[b * D + l];
                h->cov[(k * D + a) * D + b] = s;
            }
    }
}

/* log N(r; 0, C) of n dimensions. */
static double log_normal(const double *C, const double *r, int n) {
    double L[MOST_D * MOST_D], z[MOST_D], sum = 0;
    for (int i = 0; i < n; i++) {
        double s = r[i];
        for (int j = 0; j <= i; j++) {
            double c = C[i * n + j];
            for (int l = 0; l < j; l++) c -= L[i * n + l] * L[j * n + l];
            L[i * n + j] = i == j ? sqrt(c) : c / L[j * n + j];
        }
        for (int j = 0; j < i; j++) s -= L[i * n + j] * z[j];
        z[i] = s / L[i * n + i], sum -= 0.5 * z[i] * z[i] + log(L[i * n + i]) + 0.5 * log(2 * SGM__PI);
    }
    return sum;
}

/* log p(y_O) of the density that the model has at σ_min: C + σ_min² back backᵀ. */
static double exact_known(const hand *h, const double *y, const int *known) {
    const int D = h->D;
    double top = -HUGE_VAL, logs[MOST_K], sum = 0, total = 0;
    for (int k = 0; k < h->K; k++) {
        double C[MOST_D * MOST_D], r[MOST_D];
        int at[MOST_D], n = 0;
        for (int i = 0; i < D; i++)
            if (known[i]) at[n++] = i;
        for (int i = 0; i < n; i++) {
            r[i] = y[at[i]] - h->mean[k * D + at[i]];
            for (int j = 0; j < n; j++) {
                double smooth = at[i] == at[j];
                if (h->f.code.back) {
                    smooth = 0;
                    for (int l = 0; l < D; l++) smooth += h->back[at[i] * D + l] * h->back[at[j] * D + l];
                }
                C[i * n + j] = h->cov[(k * D + at[i]) * D + at[j]] + sigma_min * sigma_min * smooth;
            }
        }
        logs[k] = log(h->weight[k]) + log_normal(C, r, n), total += h->weight[k];
        top = fmax(top, logs[k]);
    }
    for (int k = 0; k < h->K; k++) sum += exp(logs[k] - top);
    return top + log(sum / total);
}

/* The exact law of z given y_O: a mixture. */
static void exact_posterior(sgm_mixture *post, const hand *h, const double *y, const int *known) {
    float A[MOST_D * MOST_D], u[MOST_D];
    sgm_inverse p;
    int n = 0;
    for (int i = 0; i < h->D; i++) {
        if (!known[i]) continue;
        for (int j = 0; j < h->D; j++)
            A[n * h->D + j] = (float)(h->f.code.back ? h->back[i * h->D + j] : i == j);
        u[n++] = (float)y[i];
    }
    CHECK_OK(sgm_inverse_init(&p, h->D, n, A, u, 0));
    CHECK_OK(sgm_mixture_posterior(post, &h->z, &p));
    sgm_inverse_free(&p);
}

/* A row of the model by the key, in y and in its own units. */
static void draw_row(const hand *h, double *row, double *y, sgm_key key) {
    float z[MOST_D];
    CHECK_OK(sgm_mixture_sample(&h->z, z, NULL, 1, 0, key));
    sgm_fitted_decode(&h->f, row, z, 1);
    for (int i = 0; i < h->D; i++) {
        y[i] = h->f.code.back ? 0 : z[i];
        for (int j = 0; h->f.code.back && j < h->D; j++) y[i] += h->back[i * h->D + j] * z[j];
    }
}

/* Bends that are none too gentle. The slope of (10.1), by differences of the map that this writes
out itself. */
static double bent(const sgm_coordinate *c, double v) {
    return (sinh(c->tail * asinh((v - c->centre) / c->unit) - c->skew) - c->shift) / c->scale;
}
static double log_slope(const sgm_coordinate *c, double v) {
    const double h = 1e-5 * c->unit;
    return log((bent(c, v + h) - bent(c, v - h)) / (2 * h));
}

/* (10.7)–(10.9): log p of what is known, within its error and covered by it; draws as near to the exact
conditional law as twice what two exact samples are. Straight and bent, turned or not. */

enum { KEYS = 12, DRAWS = 200 };

static void numbers(int turned) {
    enum { D = 4 };
    const sgm_kind kind[D] = {SGM_KIND_NUMBER, SGM_KIND_NUMBER, SGM_KIND_NUMBER, SGM_KIND_NUMBER};
    static hand h;
    static float made[DRAWS * D], ignored[DRAWS * D], truth[2][DRAWS * D];
    static double x[DRAWS * D];
    double square = 0, floor2 = 0, fault = 0, ess = 0, worst_fault = 0;
    int within = 0;
    for (int q = 0; q < KEYS; q++) {
        const sgm_key key = sgm_key_split(sgm_key_init(7), (uint64_t)q);
        int known[D], n = 0;
        double row[D], y[D], asked[D], slopes = 0;
        sgm_given told;
        sgm_mixture post;
        hand_init(&h, D, kind, NULL);
        for (int j = 0; j < D && turned; j++)
            h.at[j].tail = 0.6 + 0.2 * j, h.at[j].skew = 0.3 - 0.2 * j, h.at[j].unit = 3, h.at[j].scale = 0.7;
        hand_mixture(&h, 3, 1.2, 0.8, sgm_key_split(key, 0));
        if (turned) hand_turn(&h);
        hand_score(&h);
        draw_row(&h, row, y, sgm_key_split(key, 1));
        for (int j = 0; j < D; j++) { /* one, two or three are known */
            known[j] = (q + j) % 4 <= q % 3, n += known[j];
            asked[j] = known[j] ? row[j] : (double)NAN;
            if (known[j]) slopes += log_slope(&h.at[j], row[j]);
        }
        assert_true(n >= 1 && n <= 3);
        CHECK_OK(sgm_fitted_given(&h.f, x, NULL, DRAWS, asked, &told, sgm_key_split(key, 2)));
        /* a float's rounding of a bend by differences is far below 1e-5 */
        const double off = told.log_evidence - exact_known(&h, y, known) - slopes;
        CHECK_CLOSE(off, 0, Z * told.evidence_se + 1e-4);
        within += fabs(off) <= 2 * told.evidence_se;
        worst_fault = fmax(worst_fault, (fabs(off + slopes) - Z * told.evidence_se)); /* no (10.4) */
        assert_true(told.evidence_se > 0.001 && told.evidence_se < 0.3 && told.particles == 2048);
        assert_true(told.ess >= 100 && told.ess <= 2048 && told.ancestors >= 100 && told.nfe >= 24);
        ess += told.ess / KEYS;
        for (long i = 0; i < DRAWS; i++)
            for (int j = 0; j < D; j++)
                if (known[j]) assert_true(x[i * D + j] == row[j]); /* as it went in */
        CHECK_OK(sgm_fitted_encode(&h.f, made, NULL, x, DRAWS, sgm_key_init(1)));
        exact_posterior(&post, &h, y, known);
        for (int i = 0; i < 2; i++)
            CHECK_OK(sgm_mixture_sample(&post, truth[i], NULL, DRAWS, 0, sgm_key_split(key, 3 + (uint64_t)i)));
        CHECK_OK(sgm_mixture_sample(&h.z, ignored, NULL, DRAWS, 0, sgm_key_split(key, 5)));
        const double far = sgm_energy_distance(made, DRAWS, truth[0], DRAWS, D);
        const double least = sgm_energy_distance(truth[1], DRAWS, truth[0], DRAWS, D);
        const double fail = sgm_energy_distance(ignored, DRAWS, truth[0], DRAWS, D);
        square += far * far / KEYS, floor2 += least * least / KEYS, fault += fail * fail / KEYS;
        sgm_mixture_free(&post), sgm_mixture_free(&h.z);
    }
    print_message("rms energy distance %.4f, two exact samples %.4f, ignoring the row %.3f; ess %.0f, %d of %d within 2 se\n",
        sqrt(square), sqrt(floor2), sqrt(fault), ess, within, (int)KEYS);
    assert_true(sqrt(square) <= 2 * sqrt(floor2));
    assert_true(sqrt(fault) > 4 * sqrt(floor2)); /* the planted fault is seen */
    /* of a t with 7 degrees of freedom 91 % are within 2: fewer than 7 of 12 happen once in 1000 */
    assert_true(within >= 7);
    if (turned) assert_true(worst_fault > 0.5);
}

/* A latent class h of two; a level of three, an integer and a number that depend on it: exact by
enumeration of classes and levels, and by the error function over a whole number's interval. The clouds
of the bits are §10.1's own, so (10.9) has the level's probability without an error. */

static const double share[2] = {0.4, 0.6}, level_of[2][3] = {{0.6, 0.3, 0.1}, {0.1, 0.2, 0.7}};
static const double whole_mean[2] = {1, 4}, whole_std[2] = {1.2, 1.5};
static const double number_mean[2] = {-1, 1.5}, number_std[2] = {0.5, 0.8};

static void classes(hand *h) { /* columns: level (2 bits), integer, number */
    const sgm_kind kind[3] = {SGM_KIND_CATEGORY, SGM_KIND_INTEGER, SGM_KIND_NUMBER};
    const int levels[3] = {3, 0, 0};
    hand_init(h, 3, kind, levels);
    h->at[2].centre = 2.5, h->at[2].unit = 2; /* y = (v − 2.5)/2 */
    for (int c = 0; c < 2; c++)
        for (int l = 0; l < 3; l++) {
            const int k = h->K++;
            double *mean = h->mean + k * 4, *cov = h->cov + k * 16;
            h->weight[k] = share[c] * level_of[c][l];
            mean[0] = l & 1 ? 1 : -1, mean[1] = l & 2 ? 1 : -1;
            mean[2] = (whole_mean[c] - 2.5) / 2, mean[3] = number_mean[c];
            cov[0] = cov[5] = 1.0 / 16;
            cov[10] = whole_std[c] * whole_std[c] / 4, cov[15] = number_std[c] * number_std[c];
        }
    hand_turn(h);
    hand_score(h);
}

static double of_whole(int c, double k) {
    return bell((k + 0.5 - whole_mean[c]) / whole_std[c]) - bell((k - 0.5 - whole_mean[c]) / whole_std[c]);
}
static double of_number(int c, double v) {
    return exp(-0.5 * pow((v - number_mean[c]) / number_std[c], 2)) / number_std[c] / sqrt(2 * SGM__PI);
}

static void kinds(void **state) {
    static hand h;
    static double x[1000 * 3];
    const double rows[4][3] = {{2, 3, NAN}, {NAN, 2, NAN}, {NAN, NAN, 0.4}, {0, NAN, 0.9}};
    (void)state;
    classes(&h);
    for (int q = 0; q < 4; q++) {
        const double *row = rows[q];
        double p[2], evidence, levels[3] = {0}, wholes[12] = {0}, below = 0;
        sgm_given told;
        CHECK_OK(sgm_fitted_given(&h.f, x, NULL, 1000, row, &told, sgm_key_init(40 + (uint64_t)q)));
        for (int c = 0; c < 2; c++) {
            p[c] = share[c];
            if (row[0] == row[0]) p[c] *= level_of[c][(int)row[0]];
            if (row[1] == row[1]) p[c] *= of_whole(c, row[1]);
            if (row[2] == row[2]) p[c] *= of_number(c, row[2]);
        }
        evidence = p[0] + p[1], p[0] /= evidence, p[1] /= evidence;
        /* what σ_min smooths, and the steps leave: a hundredth of a nat */
        CHECK_CLOSE(told.log_evidence, log(evidence), Z * told.evidence_se + 0.01);
        /* without 1/q of (10.9) a level's two additions alone would scatter by √⅓, .2 of eight runs */
        assert_true(told.evidence_se < 0.12 && told.ess > 100);
        for (int i = 0; i < 1000; i++) {
            const double *one = x + 3 * i;
            assert_true(one[0] == floor(one[0]) && one[0] >= 0 && one[0] <= 2 && one[1] == floor(one[1]));
            levels[(int)one[0]] += 1e-3, below += one[2] <= 0.4 ? 1e-3 : 0;
            if (one[1] >= -3 && one[1] < 9) wholes[(int)one[1] + 3] += 1e-3;
        }
        /* 1000 draws from particles of which `ess` count, and as few as `ancestors` where a class is
        decided by whom they come from: a share's standard error is at most ½/√ancestors, and a tenth
        of a per cent is what rounding to the nearest cloud may move */
        const double tol = Z * 0.5 / sqrt((double)told.ancestors) + 0.001;
        assert_true(tol < 0.1);
        for (int l = 0; l < 3 && row[0] != row[0]; l++)
            CHECK_CLOSE(levels[l], p[0] * level_of[0][l] + p[1] * level_of[1][l], tol);
        for (int k = -3; k < 9 && row[1] != row[1]; k++)
            CHECK_CLOSE(wholes[k + 3], p[0] * of_whole(0, k) + p[1] * of_whole(1, k), tol);
        double truth = 0, prior = 0;
        for (int c = 0; c < 2; c++) {
            const double cdf = bell((0.4 - number_mean[c]) / number_std[c]);
            truth += p[c] * cdf, prior += share[c] * cdf;
        }
        if (row[2] == row[2]) continue;
        CHECK_CLOSE(below, truth, tol);
        if (q == 0) assert_true(fabs(below - prior) > tol); /* a fault: the row unheard */
    }
    sgm_mixture_free(&h.z);
}

/* Weighted particles: their sum is 1, and their mean the conditional one; all or nothing known. */
static void particles(void **state) {
    enum { N = 1024 };
    static hand h;
    static double x[N * 3], w[N];
    double row[3] = {NAN, 3, NAN}, sum = 0, mean = 0, p[2], logp, se;
    sgm_given told;
    (void)state;
    classes(&h);
    CHECK_OK(sgm_fitted_given(&h.f, x, w, N, row, &told, sgm_key_init(3)));
    for (int i = 0; i < N; i++) assert_true(w[i] >= 0), sum += w[i], mean += w[i] * x[3 * i + 2];
    CHECK_CLOSE(sum, 1, 1e-9);
    for (int c = 0; c < 2; c++) p[c] = share[c] * of_whole(c, 3);
    /* the number's spread is at most 1.6 */
    CHECK_CLOSE(mean, (p[0] * number_mean[0] + p[1] * number_mean[1]) / (p[0] + p[1]), Z * 1.6 / sqrt((double)told.ancestors));
    assert_true(told.particles == N && told.ancestors >= 100);

    /* of runs of one particle a weight is its run's share (10.9) of the evidence, whose scatter is told */
    CHECK_OK(sgm_fitted_given(&h.f, x, w, 8, row, &told, sgm_key_init(3)));
    double scatter = 0;
    for (int i = 0; i < 8; i++) scatter += (8 * w[i] - 1) * (8 * w[i] - 1) / 56;
    CHECK_CLOSE(sqrt(scatter), told.evidence_se, 1e-9);
    assert_true(told.evidence_se > 0.01);

    /* a number that the law has never heard of, 6000 deviations away, is unlikely and no more */
    row[1] = NAN, row[2] = 5000;
    CHECK_OK(sgm_fitted_given(&h.f, x, NULL, 10, row, &told, sgm_key_init(3)));
    assert_true(told.log_evidence < -1e6 && told.log_evidence > -1e9 && told.ess >= 1);
    row[1] = 3;

    row[0] = 1, row[2] = 0.2; /* everything is known: the row, and its log density */
    CHECK_OK(sgm_fitted_given(&h.f, x, NULL, 5, row, &told, sgm_key_init(3)));
    for (int i = 0; i < 15; i++) assert_true(x[i] == row[i % 3]);
    CHECK_OK(sgm_fitted_logp(&h.f, &logp, &se, row, 1, sgm_key_init(8)));
    CHECK_CLOSE(told.log_evidence, logp, Z * (se + told.evidence_se) + 1e-6);

    for (int j = 0; j < 3; j++) row[j] = NAN; /* nothing is: samples */
    CHECK_OK(sgm_fitted_given(&h.f, x, NULL, 1000, row, &told, sgm_key_init(3)));
    sum = 0;
    for (int i = 0; i < 1000; i++) sum += x[3 * i] == 2;
    const double two = share[0] * level_of[0][2] + share[1] * level_of[1][2];
    CHECK_CLOSE(sum / 1000, two, Z * sqrt(two * (1 - two) / 1000));
    assert_true(told.log_evidence == 0 && told.evidence_se == 0);
    sgm_mixture_free(&h.z);
}

/* A Gaussian's gaps: the conditional mean and deviation are linear algebra. Draws, standardised by
them, are N(0,1); complete rows and known values come back bit for bit; any number of threads gives the
same. A fault, means of the columns instead, misses by far. */
static void gaps(void **state) {
    enum { N = 60, D = 3 };
    const sgm_kind kind[D] = {SGM_KIND_NUMBER, SGM_KIND_NUMBER, SGM_KIND_NUMBER};
    const double C[D * D] = {1, 0.8, 0.3, 0.8, 1.5, -0.2, 0.3, -0.2, 0.7};
    static hand h;
    static double x[N * D], draw[N * D], mean[N * D], se[N * D], again[N * D];
    double off2 = 0, plain2 = 0, sd_off = 0, score1 = 0, score2 = 0;
    long n = 0;
    (void)state;
    hand_init(&h, D, kind, NULL);
    h.K = 1, h.weight[0] = 1;
    memcpy(h.cov, C, sizeof C);
    hand_turn(&h), hand_score(&h);
    for (int i = 0; i < N; i++) {
        double y[D];
        draw_row(&h, x + i * D, y, sgm_key_split(sgm_key_init(1), (uint64_t)i));
        if (i % 4) x[i * D + i % 3] = NAN;
        if (i % 4 == 2) x[i * D + (i + 1) % 3] = NAN;
    }
    CHECK_OK(sgm_fitted_impute(&h.f, draw, NULL, x, N, SGM_IMPUTE_DRAW, sgm_key_init(2)));
    CHECK_OK(sgm_fitted_impute(&h.f, mean, se, x, N, SGM_IMPUTE_MEAN, sgm_key_init(3)));
    set_threads(2);
    CHECK_OK(sgm_fitted_impute(&h.f, again, NULL, x, N, SGM_IMPUTE_DRAW, sgm_key_init(2)));
    set_threads(1);
    assert_memory_equal(again, draw, sizeof draw);
    memcpy(again, x, sizeof x); /* in place */
    CHECK_OK(sgm_fitted_impute(&h.f, again, NULL, again, 9, SGM_IMPUTE_DRAW, sgm_key_init(2)));
    assert_memory_equal(again, draw, 9 * D * sizeof *draw);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < D; j++) {
            const double *row = x + i * D;
            double m = 0, v = C[j * D + j], a[2], S[4];
            int at[2], k = 0;
            if (row[j] == row[j]) {
                assert_memory_equal(&draw[i * D + j], &row[j], sizeof *row);
                assert_memory_equal(&mean[i * D + j], &row[j], sizeof *row);
                assert_true(se[i * D + j] == 0);
                continue;
            }
            for (int q = 0; q < D; q++)
                if (row[q] == row[q]) at[k++] = q;
            for (int p = 0; p < k; p++)
                for (int q = 0; q < k; q++) S[p * k + q] = C[at[p] * D + at[q]];
            for (int p = 0; p < k; p++) { /* S⁻¹ C_O,j, of one or two */
                const double c = C[at[p] * D + j], o = k == 2 ? C[at[1 - p] * D + j] : 0;
                a[p] = k == 1 ? c / S[0] : (S[(1 - p) * 3] * c - S[1] * o) / (S[0] * S[3] - S[1] * S[2]);
                m += a[p] * row[at[p]], v -= a[p] * c;
            }
            n++;
            off2 += pow((mean[i * D + j] - m) / sqrt(v), 2), plain2 += m * m / v;
            sd_off += se[i * D + j] / sqrt(v) - 1;
            score1 += (draw[i * D + j] - m) / sqrt(v), score2 += pow((draw[i * D + j] - m) / sqrt(v), 2);
        }
    assert_true(n == 60);
    /* 256 particles, of which in two runs of this Gaussian more than a third count: 1/√85 = .11, and
    τ of (10.8), whose share of a deviation is below .03 times a slope of at most 2 */
    print_message("means off by %.3f deviations, deviations by %.3f, draws %.2f, %.2f\n", sqrt(off2 / n),
        sd_off / n, score1 / sqrt((double)n), (score2 / n - 1) / sqrt(2.0 / n));
    assert_true(sqrt(off2 / n) < 0.13);
    CHECK_CLOSE(sd_off / n, 0, Z * sqrt(0.5 / 85 / n) + 0.02);
    CHECK_CLOSE(score1 / sqrt((double)n), 0, Z);
    CHECK_CLOSE((score2 / n - 1) / sqrt(2.0 / n), 0, Z);
    assert_true(sqrt(plain2 / n) > 0.5);
    sgm_mixture_free(&h.z);
}

/* Levels and whole numbers: the likeliest and the median, and what is told about them. */
static void gaps_of_kinds(void **state) {
    static hand h;
    double x[3 * 3] = {NAN, 1, -1.2, NAN, 6, NAN, 2, NAN, 1.4}, out[9], se[9];
    (void)state;
    classes(&h);
    CHECK_OK(sgm_fitted_impute(&h.f, out, se, x, 3, SGM_IMPUTE_MEAN, sgm_key_init(9)));
    for (int i = 0; i < 3; i++) {
        double p[2], levels[3], median = -9, sum = 0, spread = 0;
        const double *row = x + 3 * i;
        for (int c = 0; c < 2; c++)
            p[c] = share[c] * (row[0] == row[0] ? level_of[c][(int)row[0]] : 1)
                * (row[1] == row[1] ? of_whole(c, row[1]) : 1) * (row[2] == row[2] ? of_number(c, row[2]) : 1);
        sum = p[0] + p[1], p[0] /= sum, p[1] /= sum;
        for (int l = 0; l < 3; l++) levels[l] = p[0] * level_of[0][l] + p[1] * level_of[1][l];
        if (row[0] != row[0]) { /* 256 particles: a share's standard error is at most .05 */
            const int best = levels[0] > levels[2] ? 0 : 2;
            assert_true(out[3 * i] == best); /* by .5 in the first row, .5 in the second */
            CHECK_CLOSE(se[3 * i], 1 - levels[best], Z * 0.05);
        }
        if (row[1] != row[1]) {
            for (sum = 0; sum < 0.5; median++) sum += p[0] * of_whole(0, median + 1) + p[1] * of_whole(1, median + 1);
            CHECK_CLOSE(out[3 * i + 1], median, 1);
            for (int k = -6; k < 14; k++)
                spread += (p[0] * of_whole(0, k) + p[1] * of_whole(1, k)) * pow(k - out[3 * i + 1], 2);
            CHECK_CLOSE(se[3 * i + 1], sqrt(spread), 0.25 * sqrt(spread)); /* 4.5/√(2·160) */
        }
    }
    assert_true(out[1] == 1 && out[4] == 6 && out[6] == 2);
    sgm_mixture_free(&h.z);
}

/* Rows of the law itself have uniform quantiles, with gaps and without; a row far off does not. */
static void oddity(void **state) {
    enum { N = 100, D = 3 };
    const sgm_kind kind[D] = {SGM_KIND_NUMBER, SGM_KIND_NUMBER, SGM_KIND_NUMBER};
    static hand h;
    static double x[(N + 1) * D], surprise[N + 1], quantile[N + 1];
    static float q[N];
    double y[D];
    (void)state;
    hand_init(&h, D, kind, NULL);
    hand_mixture(&h, 3, 1.2, 0.8, sgm_key_init(5));
    hand_turn(&h), hand_score(&h);
    for (int i = 0; i < N; i++) {
        draw_row(&h, x + i * D, y, sgm_key_split(sgm_key_init(1), (uint64_t)i));
        if (i % 5 == 0) x[i * D + i % 3] = NAN;
    }
    x[N * D] = 9, x[N * D + 1] = -7, x[N * D + 2] = 8;
    CHECK_OK(sgm_fitted_anomaly(&h.f, surprise, quantile, x, N + 1, sgm_key_init(2)));
    for (int i = 0; i < N; i++) q[i] = (float)quantile[i];
    /* 100 quantiles by 255 ordinary rows: two samples, of n m/(n + m) = 72 */
    CHECK_P(stat_ks_p(stat_ks(q, N, uniform, NULL), 72), 1e-5);
    assert_true(quantile[N] > 0.99 && quantile[N] < 1 && surprise[N] > 20);
    for (int i = 0; i < N; i++) { /* of numbers the ODE draws nothing; particles err by .1 or so */
        int known[D];
        double logp;
        for (int j = 0; j < D; j++) known[j] = x[i * D + j] == x[i * D + j];
        if (i % 5 == 0) logp = exact_known(&h, x + i * D, known);
        else CHECK_OK(sgm_fitted_logp(&h.f, &logp, NULL, x + i * D, 1, sgm_key_init(2)));
        CHECK_CLOSE(-surprise[i], logp, i % 5 ? 1e-9 : 0.5);
    }
    sgm_mixture_free(&h.z);
}

/* Histograms of exact samples against the mixture's own probabilities, cell by cell. */
static void histograms(void **state) {
    enum { N = 20000, CELLS = 20 };
    static hand h;
    static float z[N * 4];
    static double x[N * 3];
    double at[CELLS], density[CELLS], se[CELLS], pair[3 * CELLS], total = 0;
    (void)state;
    classes(&h);
    h.low[1] = -3, h.high[1] = 9, h.low[2] = -2, h.high[2] = 3;
    CHECK_OK(sgm_mixture_sample(&h.z, z, NULL, N, 0, sgm_key_init(4)));
    sgm_fitted_decode(&h.f, x, z, N);
    assert_int_equal(sgm_fitted_cells(&h.f, 0, CELLS), 3);
    assert_int_equal(sgm_fitted_cells(&h.f, 1, CELLS), 13);
    assert_int_equal(sgm_fitted_cells(&h.f, 2, CELLS), CELLS);
    CHECK_OK(sgm_fitted_marginal(&h.f, at, density, se, CELLS, 2, x, N));
    for (int c = 0; c < CELLS; c++) {
        double truth = 0, from = -2 + 0.25 * c;
        for (int k = 0; k < 2; k++)
            truth += share[k] * (bell((from + 0.25 - number_mean[k]) / number_std[k]) - bell((from - number_mean[k]) / number_std[k]));
        CHECK_CLOSE(at[c], from + 0.125, 1e-12);
        CHECK_CLOSE(density[c], truth / 0.25, Z * sqrt(truth * (1 - truth) / N) / 0.25);
        CHECK_REL(se[c] * 0.25, sqrt(truth * (1 - truth) / N), 0.3);
        assert_true(fabs(density[c] - truth) > Z * se[c] || truth * N < 200); /* a fault: no width */
    }
    CHECK_OK(sgm_fitted_marginal(&h.f, at, density, NULL, 13, 1, x, N));
    for (int c = 1; c < 12; c++) { /* the outer ones have the tails, which decoding cuts */
        const double truth = share[0] * of_whole(0, c - 3) + share[1] * of_whole(1, c - 3);
        assert_true(at[c] == c - 3);
        CHECK_CLOSE(density[c], truth, Z * sqrt(truth * (1 - truth) / N));
    }
    CHECK_OK(sgm_fitted_pair(&h.f, pair, 3, 0, CELLS, 2, x, N));
    for (int l = 0; l < 3; l++)
        for (int c = 0; c < CELLS; c++) {
            double truth = 0, from = -2 + 0.25 * c;
            for (int k = 0; k < 2; k++)
                truth += share[k] * level_of[k][l] * (bell((from + 0.25 - number_mean[k]) / number_std[k]) - bell((from - number_mean[k]) / number_std[k]));
            CHECK_CLOSE(pair[l * CELLS + c], truth / 0.25, Z * sqrt(truth * (1 - truth) / N) / 0.25 + 4.0 / N);
            total += pair[l * CELLS + c] * 0.25;
        }
    assert_true(total > 0.9 && total <= 1);
    sgm_mixture_free(&h.z);
}

/* What cannot be is said, with what would help. */
static void refusals(void **state) {
    static hand h;
    static double x[30], w[10];
    double row[3] = {1, 3, NAN};
    const sgm_key key = sgm_key_init(1);
    sgm_fitted none;
    (void)state;
    memset(&none, 0, sizeof none);
    classes(&h);
    CHECK_FAILS(sgm_fitted_given(NULL, x, NULL, 10, row, NULL, key), SGM_BAD_ARGUMENT, "sgm_fit");
    CHECK_FAILS(sgm_fitted_given(&none, x, NULL, 10, row, NULL, key), SGM_BAD_ARGUMENT, "sgm_fit");
    CHECK_FAILS(sgm_fitted_given(&h.f, NULL, NULL, 10, row, NULL, key), SGM_BAD_ARGUMENT, "needs a place");
    CHECK_FAILS(sgm_fitted_given(&h.f, x, w, 0, row, NULL, key), SGM_BAD_ARGUMENT, "at least one");
    CHECK_FAILS(sgm_fitted_given(&h.f, x, NULL, 10, NULL, NULL, key), SGM_BAD_ARGUMENT, "needs a row");
    row[0] = 3;
    CHECK_FAILS(sgm_fitted_given(&h.f, x, NULL, 10, row, NULL, key), SGM_BAD_ARGUMENT, "knows 0 to 2");
    row[0] = 1, row[1] = 2.5;
    CHECK_FAILS(sgm_fitted_given(&h.f, x, NULL, 10, row, NULL, key), SGM_BAD_ARGUMENT, "whole numbers");
    row[1] = HUGE_VAL;
    CHECK_FAILS(sgm_fitted_given(&h.f, x, NULL, 10, row, NULL, key), SGM_NOT_FINITE, "write NaN");
    row[1] = 3;
    h.low[2] = h.high[2] = 7, row[2] = 8; /* a constant that is not that constant */
    CHECK_FAILS(sgm_fitted_given(&h.f, x, NULL, 10, row, NULL, key), SGM_BAD_ARGUMENT, "was always 7");
    CHECK_FAILS(sgm_fitted_impute(&h.f, x, NULL, row, 1, SGM_IMPUTE_DRAW, key), SGM_BAD_ARGUMENT, "was always 7");
    row[2] = NAN;
    CHECK_FAILS(sgm_fitted_impute(&h.f, NULL, NULL, row, 1, SGM_IMPUTE_DRAW, key), SGM_BAD_ARGUMENT, "a place");
    CHECK_FAILS(sgm_fitted_impute(&h.f, x, NULL, row, 1, (sgm_impute)2, key), SGM_BAD_ARGUMENT, "SGM_IMPUTE_DRAW");
    CHECK_FAILS(sgm_fitted_anomaly(&h.f, x, w, NULL, 1, key), SGM_BAD_ARGUMENT, "needs a place");
    CHECK_FAILS(sgm_fitted_marginal(&h.f, NULL, NULL, NULL, 3, 0, row, 1), SGM_BAD_ARGUMENT, "a place");
    CHECK_FAILS(sgm_fitted_marginal(&h.f, NULL, x, NULL, 4, 0, row, 1), SGM_BAD_ARGUMENT, "sgm_fitted_cells");
    CHECK_FAILS(sgm_fitted_marginal(&h.f, NULL, x, NULL, 4, 3, row, 1), SGM_BAD_ARGUMENT, "count from 0");
    CHECK_FAILS(sgm_fitted_marginal(&h.f, NULL, x, NULL, 4, 2, row, 1), SGM_BAD_ARGUMENT, "no row knows");
    CHECK_FAILS(sgm_fitted_pair(&h.f, x, 3, 0, 4, 2, row, 1), SGM_BAD_ARGUMENT, "no row knows");
    assert_int_equal(sgm_fitted_cells(&h.f, 7, 3), 0);
    sgm_score other = h.score; /* two columns of one: y₂ = y₃ */
    for (int j = 0; j < 4; j++) h.back[12 + j] = h.back[8 + j];
    h.low[2] = -50, row[2] = 1;
    CHECK_FAILS(sgm_fitted_given(&h.f, x, NULL, 10, row, NULL, key), SGM_BAD_ARGUMENT, "said the same");
    h.f.code.back = NULL;
    other.d = 3, h.f.instead = &other, row[2] = NAN;
    CHECK_FAILS(sgm_fitted_given(&h.f, x, NULL, 10, row, NULL, key), SGM_MISMATCH, "code.width");
    sgm_mixture_free(&h.z);
}

static void numbers_straight(void **state) { (void)state, numbers(0); }
static void numbers_turned(void **state) { (void)state, numbers(1); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_straight, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(numbers_turned, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(kinds, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(particles, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(gaps, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(gaps_of_kinds, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(oddity, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(histograms, fresh_start, nothing_left),
        cmocka_unit_test_setup_teardown(refusals, fresh_start, nothing_left),
    };
    return cmocka_run_group_tests_name("§10.5 to §10.6", tests, NULL, NULL);
}
