/* sgm_fit in the benchmark of tables, only through the public interface:

       tables train.npy test.npy samples.npy n kinds [seed]

Fits the rows of train.npy with nothing but the defaults (kinds: a letter for each column, number or
integer, since a part of a table cannot tell what the whole holds), asks the log density of each row
of test.npy, draws n new rows into samples.npy, and prints one line for run.py:

    nll se fit_seconds logp_seconds sample_seconds width depth members steps sigma_min

nll is the mean of -log p, nats, in the data's units, se its standard error over the rows; seconds
are those of the processor, all threads together. SGM_QUALITY=fast|good|best changes the quality. */
#ifndef SGM_LINKED /* else the implementation is linked with it */
#define SGM_IMPLEMENTATION
#endif
#include "sgm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double processor(void) { return (double)clock() / CLOCKS_PER_SEC; }

static int failed(const char *doing) {
    fprintf(stderr, "tables: %s: %s\n", doing, sgm_error());
    return 1;
}

static sgm_quality quality(void) {
    const char *asked = getenv("SGM_QUALITY");
    if (!asked || !strcmp(asked, "good")) return SGM_QUALITY_GOOD;
    return strcmp(asked, "best") ? SGM_QUALITY_FAST : SGM_QUALITY_BEST;
}

/* Mean of -logp(n), and its standard error. */
static void mean_nll(double *mean, double *se, const double *logp, long n) {
    double sum = 0, square = 0;
    for (long i = 0; i < n; i++) sum -= logp[i] / (double)n;
    for (long i = 0; i < n; i++) square += (logp[i] + sum) * (logp[i] + sum);
    *mean = sum, *se = sqrt(square / ((double)n * (double)(n > 1 ? n - 1 : 1)));
}

static int ask(const sgm_fitted *fitted, const sgm_table *test, sgm_table *drawn, const char *out,
    double fit_seconds, sgm_key key) {
    double nll, se, *logp = (double *)malloc((size_t)test->n * sizeof *logp);
    const double start = processor();
    const sgm_fit_report *r = &fitted->report;
    if (!logp) return failed("memory");
    if (sgm_fitted_logp(fitted, logp, NULL, test->x, test->n, sgm_key_split(key, 1)))
        return free(logp), failed("log densities");
    mean_nll(&nll, &se, logp, test->n);
    free(logp);
    const double asked = processor();
    if (sgm_fitted_sample(fitted, drawn->x, drawn->n, sgm_key_split(key, 2)))
        return failed("samples");
    const double sampled = processor();
    if (sgm_table_save(out, drawn)) return failed(out);
    printf("%.6f %.6f %.2f %.2f %.2f %d %d %d %ld %g\n", nll, se, fit_seconds, asked - start,
        sampled - asked, r->width, r->depth, r->members, r->steps, r->sigma_min);
    return 0;
}

/* The table of a file, its columns of the kinds that the letters say. */
static sgm_status load(sgm_table *table, const char *path, const char *kinds) {
    enum { MOST = 256 };
    static char text[MOST][32];
    const char *each[MOST];
    sgm_table_options o;
    memset(&o, 0, sizeof o);
    for (; o.n_kinds < MOST && kinds[o.n_kinds]; o.n_kinds++) {
        const char *kind = kinds[o.n_kinds] == 'i' ? "integer" : "number";
        snprintf(text[o.n_kinds], sizeof text[0], "x%d=%s", o.n_kinds + 1, kind);
        each[o.n_kinds] = text[o.n_kinds];
    }
    o.kinds = each;
    return sgm_table_load(table, path, &o);
}

int main(int argc, char **argv) {
    sgm_table train, test, drawn;
    sgm_fitted fitted;
    sgm_fit_options options;
    sgm_table_options like;
    if (argc < 6) {
        fprintf(stderr, "usage: tables train.npy test.npy samples.npy n kinds [seed]\n");
        return 2;
    }
    const sgm_key key = sgm_key_init(argc > 6 ? strtoull(argv[6], NULL, 10) : 1);
    memset(&options, 0, sizeof options), memset(&like, 0, sizeof like);
    options.quality = quality(), like.like = &train;
    if (load(&train, argv[1], argv[5])) return failed(argv[1]);
    if (sgm_table_load(&test, argv[2], &like)) return sgm_table_free(&train), failed(argv[2]);
    if (sgm_table_init(&drawn, &train, atol(argv[4]))) return failed("samples");
    const double start = processor();
    if (sgm_fit(&fitted, &train, &options, key)) return failed("the fit");
    const int status = ask(&fitted, &test, &drawn, argv[3], processor() - start, key);
    if (getenv("SGM_VERBOSE")) {
        char text[4096];
        sgm_fitted_print(&fitted, text, sizeof text);
        fputs(text, stderr);
    }
    sgm_fitted_free(&fitted);
    sgm_table_free(&drawn), sgm_table_free(&test), sgm_table_free(&train);
    return status;
}
