/*
What all tutorials share: where their output goes, and the table that ends each of them. A line of the table holds a number
that was just computed against a number that is known, and says how far apart they may be.
*/

#ifndef TUTORIAL_H
#define TUTORIAL_H

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "statistics.h"

static char tut_folder[256];
static FILE *tut_table;
static int tut_failed, tut_rows;
static struct {
    char name[96];
    double got, truth, tolerance;
    int pass;
} *tut_row;

/* Ends the program with the library's message, if a call failed. */

static void tut_must(sgm_status status) {
    if (status == SGM_OK) return;
    fprintf(stderr, "\nerror: %s (%s)\n", sgm_error(), sgm_status_name(status));
    exit(2);
}

/* The same for samples that are measured afterwards: that a network has not learnt enough is a finding, not an end. */

static inline void tut_drawn(sgm_status status) { tut_must(status == SGM_NOT_LEARNT ? SGM_OK : status); }

static void *tut_memory(size_t bytes) {
    void *p = calloc(1, bytes);
    if (!p) fprintf(stderr, "\nerror: no memory for %zu bytes\n", bytes), exit(2);
    return p;
}

/* A path in this tutorial's folder. Good until the fourth call after. */

static const char *tut_path(const char *name) {
    static char path[4][512];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", tut_folder, name);
    return p;
}

/* QUICK=1 in the environment: a few seconds instead of the full experiment, with wider tolerances. Its
data and figures have a folder of their own, so that the short run never stands where the full one's did. */

static int tut_quick(void) {
    const char *quick = getenv("QUICK");
    return quick && *quick && strcmp(quick, "0") != 0;
}

/* SGM_SEED=n in the environment changes every random number of the run. */

static sgm_key tut_key(void) {
    const char *seed = getenv("SGM_SEED");
    return sgm_key_init(seed ? strtoull(seed, NULL, 10) : 1);
}

/* Makes out/NN_topic, or out/quick/NN_topic, and begins its table of checks. */

static void tut_start(const char *topic) {
    const char *out = getenv("SGM_OUT") ? getenv("SGM_OUT") : "out";
    int bytes = snprintf(tut_folder, sizeof tut_folder, "%s%s/%s", out, tut_quick() ? "/quick" : "", topic);
    int made = bytes < (int)sizeof tut_folder;
    for (char *end = made ? tut_folder + strlen(out) : NULL; made && end; end = strchr(end + 1, '/')) {
        *end = 0, made = !mkdir(tut_folder, 0777) || errno == EEXIST, *end = '/';
    }
    made = made && (!mkdir(tut_folder, 0777) || errno == EEXIST);
    if (!made || !(tut_table = fopen(tut_path("checks.tsv"), "w"))) {
        fprintf(stderr, "error: cannot write to %s (%s): run from the project's folder, or set SGM_OUT to a "
                        "folder that you may write to\n", tut_folder, strerror(errno));
        exit(2);
    }
    remove(tut_path("cost.tsv"));
    fprintf(tut_table, "name\tgot\ttruth\ttolerance\tresult\n");
    printf("%s%s: kernels %s, %d thread%s\n\n", topic, tut_quick() ? " (QUICK)" : "", sgm_isa(), sgm_threads(),
           sgm_threads() > 1 ? "s" : "");
    fflush(stdout);
}

/* One line of the table: |got - truth| <= tolerance. A tolerance without end would be no check. */

static void tut_check(const char *name, double got, double truth, double tolerance) {
    int pass = fabs(got - truth) <= tolerance && tolerance < HUGE_VAL;
    fprintf(tut_table, "%s\t%.9g\t%.9g\t%.3g\t%s\n", name, got, truth, tolerance, pass ? "PASS" : "FAIL");
    fflush(tut_table);
    if (!pass) tut_failed++;
    if (tut_rows % 64 == 0) {
        void *more = realloc(tut_row, (size_t)(tut_rows + 64) * sizeof *tut_row);
        if (!more) fprintf(stderr, "\nerror: no memory for %d rows\n", tut_rows + 64), exit(2);
        memcpy(&tut_row, &more, sizeof more);
    }
    snprintf(tut_row[tut_rows].name, sizeof tut_row[0].name, "%s", name);
    tut_row[tut_rows].got = got, tut_row[tut_rows].truth = truth;
    tut_row[tut_rows].tolerance = tolerance, tut_row[tut_rows++].pass = pass;
}

/* Prints `text` and blanks up to `columns`. A letter like ∂ is one column but several bytes, of which all but the
first begin with the bits 10. */

static void tut_left(const char *text, int columns) {
    for (const char *c = text; *c; c++) columns -= (*c & 0xC0) != 0x80;
    printf("%s%*s", text, columns > 0 ? columns : 0, "");
}

/* Prints the table; what main returns: 0 if all passed, else 1. */

static int tut_done(void) {
    printf("\n%-56s %12s %12s %10s\n", "quantity", "got", "truth", "tolerance");
    for (int i = 0; i < tut_rows; i++) {
        tut_left(tut_row[i].name, 56);
        printf(" %12.6g %12.6g %10.2g  %s\n", tut_row[i].got, tut_row[i].truth, tut_row[i].tolerance,
               tut_row[i].pass ? "PASS" : "FAIL");
    }
    if (tut_failed) printf("\n%d OF %d CHECKS FAILED", tut_failed, tut_rows);
    else printf("\nall %d checks passed", tut_rows);
    printf(": data in %s, figures by `make %splots`\n", tut_folder, tut_quick() ? "QUICK=1 " : "");
    if (tut_quick()) puts("a short run: what the text says that you should see, the full one shows (without QUICK)");
    fclose(tut_table);
    free(tut_row), tut_row = NULL, tut_rows = 0;
    return tut_failed ? 1 : 0;
}

/* A file of rows under a "#" line, for gnuplot; stops the program if it cannot be written. */

static void tut_dat(const char *name, const char *header, const float *x, long rows, int cols) {
    tut_must(sgm_dat_save(tut_path(name), header, x, rows, cols));
}

/* Processor seconds of all threads so far, and joules of the processor where the machine lets a program read
them (Linux, Intel's and AMD's RAPL counter), else NaN. The counter starts again at some point: a negative
difference is no number. */

static inline double tut_processor(void) { return (double)clock() / CLOCKS_PER_SEC; }

static inline double tut_joules(void) {
    FILE *f = fopen("/sys/class/powercap/intel-rapl:0/energy_uj", "r");
    double microjoules = NAN;
    if (f && fscanf(f, "%lf", &microjoules) != 1) microjoules = NAN;
    if (f) fclose(f);
    return microjoules * 1e-6;
}

/* A line of cost.tsv: what 1000 samples of a model cost. plots/25_speed_cost.gp draws those of all tutorials. */

static inline void tut_cost(const char *model, double parameters, double evaluations, double seconds, double joules) {
    FILE *f = fopen(tut_path("cost.tsv"), "a");
    if (!f) fprintf(stderr, "\nerror: cannot write to %s\n", tut_path("cost.tsv")), exit(2);
    fprintf(f, "%s\t%.0f\t%.0f\t%.4g\t%.4g\t%s\n", model, parameters, evaluations, seconds, joules,
            strrchr(tut_folder, '/') + 1);
    fclose(f);
}

/* The same, measured: a run of n points at once with your options is begun and left after .3 s of processor time (QUICK: .02), for
all its steps cost alike. Evaluations are of the network, for one sample. Returns the seconds of 1000 samples. */

static inline double tut_cost_of(const char *name, const sgm_model *model, const sgm_score *score,
                                 const sgm_sample_options *how, long n) {
    sgm_sampler sampler;
    sgm_sample_options o = how ? *how : (sgm_sample_options){0};
    float *x = (float *)tut_memory((size_t)n * (size_t)score->d * sizeof *x);
    o.progress = NULL, o.on_step = NULL, o.spread = NULL, o.x_given = 0;
    tut_must(sgm_sampler_init(&sampler, score, n, &o, tut_key()));
    sgm_sampler_prior(&sampler, x);
    tut_must(sgm_sampler_step(&sampler, x)); /* the first one also makes the tapes */
    double seconds = tut_processor(), joules = tut_joules(), before = (double)sampler.n_evals;
    while (!sgm_sampler_done(&sampler) && tut_processor() - seconds < (tut_quick() ? .02 : .3)) tut_must(sgm_sampler_step(&sampler, x));
    double share = (double)sampler.step > 1 ? (double)sampler.o.steps / (double)(sampler.step - 1) : NAN;
    seconds = (tut_processor() - seconds) * share * 1000 / (double)n;
    joules = (tut_joules() - joules) * share * 1000 / (double)n;
    tut_cost(name, (double)model->n_params, ((double)sampler.n_evals - before) * share, seconds,
             joules >= 0 ? joules : NAN);
    sgm_sampler_free(&sampler), free(x);
    return seconds;
}

#endif
