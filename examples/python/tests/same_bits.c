/* What test_sgm.py asks of Python, asked of C: fits the rows of a file of doubles, saves the model,
   and writes samples and log densities as doubles. same_bits ROWS COLUMNS IN MODEL OUT */
#include "sgm.h"

#include <stdio.h>
#include <stdlib.h>

static int stop(const char *where) {
    return fprintf(stderr, "%s: %s\n", where, sgm_error()), 1;
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "same_bits ROWS COLUMNS IN MODEL OUT\n"), 2;
    const long n = atol(argv[1]);
    const int d = atoi(argv[2]);
    double *x = malloc((size_t)n * (size_t)d * sizeof *x), *logp = malloc((size_t)n * sizeof *logp);
    FILE *in = fopen(argv[3], "rb");
    if (!x || !logp || !in || fread(x, sizeof *x, (size_t)(n * d), in) != (size_t)(n * d))
        return fprintf(stderr, "%s: not %ld × %d doubles\n", argv[3], n, d), 2;
    fclose(in);
    sgm_table table = {.x = x, .n = n, .d = d};
    sgm_fit_options options = {
        .quality = SGM_QUALITY_FAST, .steps = 60, .width = 16, .depth = 2, .members = 1};
    sgm_fitted fitted;
    if (sgm_fit(&fitted, &table, &options, sgm_key_init(5))) return stop("fit");
    if (sgm_fitted_logp(&fitted, logp, NULL, x, n, sgm_key_init(0))) return stop("logp");
    if (sgm_fitted_sample(&fitted, x, n, sgm_key_init(7))) return stop("sample");
    if (sgm_fitted_save(&fitted, argv[4])) return stop("save");
    sgm_fitted_free(&fitted);
    FILE *out = fopen(argv[5], "wb");
    if (!out || fwrite(x, sizeof *x, (size_t)(n * d), out) != (size_t)(n * d) ||
        fwrite(logp, sizeof *logp, (size_t)n, out) != (size_t)n || fclose(out))
        return fprintf(stderr, "%s: cannot be written\n", argv[5]), 2;
    return free(x), free(logp), 0;
}
