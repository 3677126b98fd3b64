/*
sgm selftest: what this build computes, held against known answers. The random numbers are those of
Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3"; the hash is that of the
standard; a score, its samples and its log density are those of a Gaussian, which are known exactly;
and a small fit gives the same bits with one thread and with more.
*/

typedef struct selftest {
    text json;
    int passed, failed, is_json;
} selftest;

static void selftest_row(selftest *s, const char *what, double got, double truth, double within) {
    const int good = fabs(got - truth) <= within;
    s->passed += good, s->failed += !good;
    if (s->is_json) {
        text_add(&s->json, s->json.n ? ",\n{" : "{"), text_pair_word(&s->json, "what", what);
        text_pair(&s->json, "got", got), text_pair(&s->json, "truth", truth);
        text_pair(&s->json, "within", within);
        text_add(&s->json, ",\"pass\":%s}", good ? "true" : "false");
    } else
        printf("%-4s  %-52s %.10g (truth %.10g, within %.3g)\n", good ? "ok" : "FAIL", what, got,
               truth, within);
}

static void selftest_numbers(selftest *s) {
    static const uint32_t ones[4] = {~0u, ~0u, ~0u, ~0u};
    uint32_t word[4];
    char hex[65];
    sha256 hash = {{0}, 0, {0}};
    const sgm_key key = {{~0u, ~0u}};
    sgm_philox(word, ones, key); /* the paper's second known answer */
    selftest_row(s, "Philox4x32-10 of ones: words that are right",
                 (word[0] == 0x408f276d) + (word[1] == 0x41c83b0e) + (word[2] == 0xa20bc7c6) +
                 (word[3] == 0x6d5451fd), 4, 0);
    sha256_add(&hash, "abc", 3), sha256_end(&hash, hex);
    selftest_row(s, "SHA-256 of abc is the standard's",
                 !strcmp(hex, "ba7816bf8f01cfea414140de5dae2223"
                              "b00361a396177a9cb410ff61f20015ad"), 1, 0);
}

/* FNV-1a (Fowler, Noll and Vo) of numbers, from their lowest byte on, on any machine. */
static uint32_t bits_of(const float *x, long n) {
    uint32_t hash = 2166136261u, word;
    for (long i = 0; i < n; i++) {
        memcpy(&word, x + i, 4);
        for (int k = 0; k < 4; k++) hash = (hash ^ (word >> 8 * k & 255)) * 16777619u;
    }
    return hash;
}

/* Exact numbers of a Gaussian of mean 0 and variances 4 and 1/4, seen through its score. */
static void selftest_gaussian(selftest *s) {
    enum { N = 2000 };
    static float x[2 * N], point[2] = {1, .5f};
    const double mean[2] = {0, 0}, var[2] = {4, .25};
    const sgm_sde sde = sgm_sde_edm(.002, 80);
    double logp = NAN, sum[2] = {0, 0};
    sgm_mixture law;
    sgm_normal(x, 2 * N, sgm_key_init(1), 0);
    selftest_row(s, "bits of 4000 normal numbers", bits_of(x, 2 * N), 2603495719u, 0);
    check(sgm_mixture_init(&law, 1, 2, NULL, mean, var, SGM_COV_DIAGONAL, &sde), END_FAILED);
    sgm_score score = sgm_mixture_score(&law);
    check(sgm_sample(x, N, &score, NULL, sgm_key_init(2)), END_FAILED);
    for (int i = 0; i < 2 * N; i++) sum[i % 2] += (double)x[i] / N;
    /* 4.5 standard errors, which a fixed key cannot exceed by chance twice */
    selftest_row(s, "mean of 2000 samples of N(0, 4)", sum[0], 0, 4.5 * 2 / sqrt(N));
    selftest_row(s, "mean of 2000 samples of N(0, 1/4)", sum[1], 0, 4.5 * .5 / sqrt(N));
    selftest_row(s, "bits of these samples", bits_of(x, 2 * N), 253584401u,
                 0);
    check(sgm_likelihood(&logp, NULL, NULL, point, 1, &score, NULL, NULL, sgm_key_init(3)),
          END_FAILED);
    /* -log 2π - ½ log(4·¼) - ½(1²/4 + .5²·4); the prior N(0, 80²) lacks the variance 4, which
       costs ½·4/80² = 3e-4, and the noise of t_min adds .002² to ¼, 1e-5 */
    selftest_row(s, "log density at (1, .5)", logp, -log(2 * M_PI) - .125 - .5, 1e-3);
    sgm_mixture_free(&law);
}

/* A fit of 120 rows by few steps, to see that it runs, and that threads do not change it. */
static void selftest_fit(selftest *s) {
    static double x[2 * 120], logp[2], new_row[2][2];
    static const double row[2] = {0, 0};
    float z[2 * 120];
    sgm_table t = {.x = x, .n = 120, .d = 2};
    const sgm_fit_options how = {.quality = SGM_QUALITY_FAST, .steps = 60};
    sgm_normal(z, 240, sgm_key_init(4), 0);
    for (int i = 0; i < 240; i++) x[i] = z[i];
    for (int k = 0; k < 2; k++) {
        sgm_fitted f;
        check(sgm_set_threads(k ? 2 : 1), END_FAILED);
        check(sgm_fit(&f, &t, &how, sgm_key_init(5)), END_FAILED);
        check(sgm_fitted_sample(&f, new_row[k], 1, sgm_key_init(6)), END_FAILED);
        check(sgm_fitted_logp(&f, &logp[k], NULL, row, 1, sgm_key_init(7)), END_FAILED);
        sgm_fitted_free(&f);
    }
    selftest_row(s, "a sample of a fit with two threads, and with one", new_row[1][0],
                 new_row[0][0], 0);
    selftest_row(s, "a log density of it, and with one thread", logp[1], logp[0], 0);
}

static int run_selftest(request *r) {
    selftest s = {{NULL, 0, 0}, 0, 0, 0};
    s.is_json = r->is_json;
    if (!r->is_json) printf("sgm %s, kernels: %s\n", SGM_VERSION, sgm_isa());
    selftest_numbers(&s), selftest_gaussian(&s), selftest_fit(&s);
    if (r->is_json)
        printf("{\"version\":\"%s\",\"kernels\":\"%s\",\"checks\":[\n%s],\"passed\":%d,"
               "\"failed\":%d}\n", SGM_VERSION, sgm_isa(), s.json.s, s.passed, s.failed);
    else printf("%d passed, %d failed\n", s.passed, s.failed);
    free(s.json.s);
    return s.failed ? END_FAILED : END_OK;
}
