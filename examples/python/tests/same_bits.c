/* What test_sgm.py asks of Python, asked of C: fits the rows of a file of doubles, saves the model
   and writes the answers as doubles, one question after the other.
   same_bits ROWS COLUMNS IN MODEL OUT */
#include "sgm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double *x, *out, *place; /* rows; answers, and the next one's place */
static long n, d;

static double *take(long count) {
    double *here = place;
    place += count;
    return here;
}

#define ASK(call) \
    do { \
        sgm_status status = (call); \
        if (status) return status; \
    } while (0)

static sgm_status ask(const sgm_fitted *f, const sgm_table *table) {
    sgm_given given;
    double *a = take(n * d), *b = take(n), *c;
    ASK(sgm_fitted_sample(f, a, n, sgm_key_init(7)));
    ASK(sgm_fitted_logp(f, b, NULL, x, n, sgm_key_init(0)));
    a = take(n), b = take(n);
    ASK(sgm_fitted_anomaly(f, a, b, x, n, sgm_key_init(0)));
    for (long i = 0; i < n; i++) x[i * d + i % d] += (double)NAN;
    a = take(n * d), b = take(n), c = take(2);
    ASK(sgm_fitted_given(f, a, b, n, x, &given, sgm_key_init(8)));
    c[0] = given.log_evidence, c[1] = given.evidence_se;
    a = take(n * d), b = take(n * d);
    ASK(sgm_fitted_impute(f, a, b, x, n, SGM_IMPUTE_MEAN, sgm_key_init(9)));
    return sgm_fitted_memory(f, take(1), table, 50, sgm_key_init(0));
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "same_bits ROWS COLUMNS IN MODEL OUT\n"), 2;
    n = atol(argv[1]), d = atol(argv[2]);
    x = malloc((size_t)(n * d) * sizeof *x);
    place = out = malloc((size_t)(n * (4 * d + 4) + 3) * sizeof *out);
    FILE *in = fopen(argv[3], "rb"), *to = fopen(argv[5], "wb");
    if (!x || !out || !in || !to || fread(x, sizeof *x, (size_t)(n * d), in) != (size_t)(n * d))
        return fprintf(stderr, "%s: not %ld × %ld doubles\n", argv[3], n, d), 2;
    sgm_table table = {.x = x, .n = n, .d = (int)d};
    sgm_fit_options options = {
        .quality = SGM_QUALITY_FAST, .steps = 60, .width = 16, .depth = 2, .members = 1};
    sgm_fitted fitted;
    if (sgm_fit(&fitted, &table, &options, sgm_key_init(5)) || ask(&fitted, &table) ||
        sgm_fitted_save(&fitted, argv[4]))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    sgm_fitted_free(&fitted);
    if (fwrite(out, sizeof *out, (size_t)(place - out), to) != (size_t)(place - out) || fclose(to))
        return fprintf(stderr, "%s: cannot be written\n", argv[5]), 2;
    return fclose(in), free(x), free(out), 0;
}
