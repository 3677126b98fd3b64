/*
What all lessons (00 to 09) and proofs (11 onwards) share: where their output goes, the questions they ask, and the table of
checks. A line of the table holds a number that was just computed against a number that is known, and says how far apart
they may be.
*/

#ifndef TUTORIAL_H
#define TUTORIAL_H

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "statistics.h"

enum { TUT_TEST, TUT_STUDY, TUT_FULL, TUT_DECLARED = 32 };

typedef struct {
    double value;
    const char *why;
} tut_guess;

static char tut_folder[256];
static FILE *tut_table;
static int tut_failed, tut_rows, tut_is_lesson, tut_verbose, tut_asked, tut_right, tut_declared;
static time_t tut_began;
static struct {
    int number;
    const char *name;
    double value, tolerance;
} tut_effect[TUT_DECLARED];
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

/* MODE in the environment is test (a smoke test of seconds), study (what a student runs: every sentence of a
lesson is true in it) or full. Without it a lesson studies and a proof is full. Each mode has a folder of its own,
so that a short run never stands where the full one's data did. */

static int tut_mode(void) {
    const char *mode = getenv("MODE");
    if (!mode || !*mode) return tut_is_lesson ? TUT_STUDY : TUT_FULL;
    return strcmp(mode, "test") == 0 ? TUT_TEST : strcmp(mode, "study") == 0 ? TUT_STUDY : TUT_FULL;
}

static inline int tut_quick(void) { return tut_mode() == TUT_TEST; }

static inline long tut_pick(long test, long study, long full) {
    return tut_mode() == TUT_TEST ? test : tut_mode() == TUT_STUDY ? study : full;
}

static const char *tut_mode_name(void) {
    static const char *const name[] = {"test", "study", "full"};
    return name[tut_mode()];
}

/* SGM_SEED=n in the environment changes every random number of the run; n is a whole number below 2^64. */

static unsigned long long tut_seed(void) {
    const char *seed = getenv("SGM_SEED");
    return seed && *seed ? strtoull(seed, NULL, 10) : 1;
}

static sgm_key tut_key(void) { return sgm_key_init(tut_seed()); }

/* Refuses what no run can mean, and says what can be. */

static void tut_refuse(const char *topic, int argc, char **argv) {
    const char *mode = getenv("MODE");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) continue;
        fprintf(stderr, "error: %s knows no \"%s\": -v prints the table of checks; MODE=test|study|full and "
                        "SGM_SEED=n are read from the environment\n", topic, argv[i]);
        exit(2);
    }
    const char *seed = getenv("SGM_SEED");
    errno = 0;
    if (seed && (seed[strspn(seed, "0123456789")] || (tut_seed() == ULLONG_MAX && errno == ERANGE))) {
        fprintf(stderr, "error: SGM_SEED=%s: a seed is a whole number from 0 to %llu\n", seed, ULLONG_MAX);
        exit(2);
    }
    if (!mode || !*mode || strcmp(mode, "test") == 0 || strcmp(mode, "full") == 0) return;
    if (strcmp(mode, "study") == 0 && tut_is_lesson) return;
    if (strcmp(mode, "study") == 0)
        fprintf(stderr, "error: %s is a proof: MODE=full (the default) shows what its text says, MODE=test is a "
                        "smoke test\n", topic);
    else fprintf(stderr, "error: MODE=%s: a mode is test, study or full\n", mode);
    exit(2);
}

/* Makes out/MODE/NN_topic and begins its table of checks. An argument -v, or V=1, prints the table at the end
also if nothing failed. */

static void tut_start(const char *topic, int argc, char **argv) {
    const char *out = getenv("SGM_OUT") ? getenv("SGM_OUT") : "out", *v = getenv("V");
    tut_is_lesson = topic[0] == '0', tut_began = time(NULL);
    tut_verbose = argc > 1 || (v && *v && strcmp(v, "0") != 0);
    tut_refuse(topic, argc, argv);
    int bytes = snprintf(tut_folder, sizeof tut_folder, "%s/%s/%s", out, tut_mode_name(), topic);
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
    remove(tut_path("cost.tsv")), remove(tut_path("run.tsv"));
    fprintf(tut_table, "name\tgot\ttruth\ttolerance\tresult\n");
    printf("%s, mode %s, key %llu: kernels %s, %d thread%s\n\n", topic, tut_mode_name(), tut_seed(), sgm_isa(),
           sgm_threads(), sgm_threads() > 1 ? "s" : "");
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

/* Prints a text in lines of at most 80 columns; all but the first begin with `indent` blanks. */

static inline void tut_wrap(const char *text, int column, int indent) {
    while (*text) {
        size_t bytes = strcspn(text, " \n"), letters = 0;
        for (size_t i = 0; i < bytes; i++) letters += (text[i] & 0xC0) != 0x80;
        if (column + 1 + (int)letters > 80 && column > indent) printf("\n%*s", column = indent, "");
        else if (column > indent) putchar(' '), column++;
        printf("%.*s", (int)bytes, text), column += (int)letters, text += bytes;
        if (*text == '\n') printf("\n%*s", column = indent, "");
        if (*text) text++;
    }
    putchar('\n');
}

static inline void tut_say(const char *format, ...) {
    char text[2048];
    va_list list;
    va_start(list, format), vsnprintf(text, sizeof text, format, list), va_end(list);
    tut_wrap(text, 0, 0), fflush(stdout);
}

/* A check and the sentence that tells it. */

static inline void tut_see(const char *name, double got, double truth, double tolerance, const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format), vsnprintf(text, sizeof text, format, list), va_end(list);
    tut_check(name, got, truth, tolerance);
    printf(tut_row[tut_rows - 1].pass ? "  ok  " : "  NO  ");
    tut_wrap(text, 6, 6), fflush(stdout);
}

/* A number as people write it: .25, 1e-3, 5/9. */

static inline int tut_number(const char *text, double *x) {
    char *end, *below;
    *x = strtod(text, &end);
    if (end == text) return 0;
    end += strspn(end, " ");
    if (*end == '/') {
        double y = strtod(end + 1, &below);
        if (below == end + 1 || y == 0) return 0;
        *x /= y, end = below;
    }
    return !end[strspn(end, " \t\r\n")] && fabs(*x) < HUGE_VAL;
}

/* Asks for a prediction before the number appears, if somebody sits there (or SGM_ASK=1). `wrong` holds what is usually
guessed, and what the guess has overlooked; its last `why` is NULL. A guess is right within `relative` of the truth (if
that is 0, within `relative` of 0); who is wrong is told the truth. */

static inline int tut_near(double guess, double x, double relative) {
    return fabs(guess - x) <= relative * (x != 0 ? fabs(x) : 1);
}

static inline void tut_ask(const char *question, double truth, double relative, const tut_guess *wrong) {
    const char *ask = getenv("SGM_ASK");
    char line[128];
    double guess = 0;
    if (ask && *ask ? strcmp(ask, "0") == 0 : !isatty(0) || !isatty(1)) return;
    printf("\n"), tut_wrap(question, 0, 0);
    for (int left = 2; left > 0; left--) {
        printf("your guess, within %.3g%s (Enter passes): ", truth != 0 ? 100 * relative : relative,
               truth != 0 ? " %" : ""), fflush(stdout);
        if (!fgets(line, sizeof line, stdin) || !line[strspn(line, " \t\r\n")]) { printf("\n"); return; }
        int whole = strchr(line, '\n') != NULL || feof(stdin);
        for (int c = whole ? '\n' : 0; c != '\n' && c != EOF;) c = getchar(); /* a line is one answer */
        if (whole && tut_number(line, &guess)) break;
        puts("  a number, as .25, 1e-3 or 5/9");
        if (left == 1) return;
    }
    tut_asked++;
    if (tut_near(guess, truth, relative)) { tut_right++, puts("  yes\n"); return; }
    while (wrong && wrong->why && !tut_near(guess, wrong->value, relative)) wrong++;
    int column = printf("  not so, it is %.3g", truth);
    if (wrong && wrong->why) printf(":"), tut_wrap(wrong->why, column + 1, 2), printf("\n");
    else puts("; see what comes out\n");
}

/* Declares that exercise `number` ("Change one line") gives the row `name` this value, instead of its truth. */

static inline void tut_exercise(int number, const char *name, double value, double tolerance) {
    if (tut_declared == TUT_DECLARED) fprintf(stderr, "error: more than %d effects\n", TUT_DECLARED), exit(2);
    tut_effect[tut_declared].number = number, tut_effect[tut_declared].name = name;
    tut_effect[tut_declared].value = value, tut_effect[tut_declared++].tolerance = tolerance;
}

/* Have all rows that an exercise declares come out as it declares? `told` prints each. */

static int tut_as_declared(int number, int told) {
    int found = 0, good = 1;
    for (int i = 0; i < tut_declared; i++) {
        if (tut_effect[i].number != number) continue;
        int hit = 0;
        for (int j = 0; j < tut_rows; j++) {
            if (strcmp(tut_row[j].name, tut_effect[i].name) != 0) continue;
            hit = 1, found++, good = good && fabs(tut_row[j].got - tut_effect[i].value) <= tut_effect[i].tolerance;
            if (told) printf("  %s: got %.6g, declared %.6g ± %.2g\n", tut_row[j].name, tut_row[j].got,
                             tut_effect[i].value, tut_effect[i].tolerance);
        }
        if (told && !hit) printf("  there is no row \"%s\"\n", tut_effect[i].name);
        good = good && hit;
    }
    return found && good;
}

/* Does an exercise declare every row that failed? `told` prints those that it does not. */

static int tut_explained(int number, int told) {
    int good = 1;
    for (int j = 0; j < tut_rows; j++) {
        int i = 0;
        while (i < tut_declared && (tut_effect[i].number != number || strcmp(tut_effect[i].name, tut_row[j].name) != 0)) i++;
        if (tut_row[j].pass || i < tut_declared) continue;
        if (told) printf("  %s: failed, and exercise %d does not declare it\n", tut_row[j].name, number);
        good = 0;
    }
    return good;
}

/* The exercise whose rows are as declared and explain every row that failed; 0 if there is none. */

static int tut_exercise_made(void) {
    for (int number = 1; tut_failed && number <= 9; number++)
        if (tut_explained(number, 0) && tut_as_declared(number, 0)) return number;
    return 0;
}

/* run.tsv: what the figures and the pages say of the run. */

static void tut_run_file(void) {
    FILE *f = fopen(tut_path("run.tsv"), "w");
    if (!f) fprintf(stderr, "\nerror: cannot write to %s\n", tut_path("run.tsv")), exit(2);
    fprintf(f, "mode\t%s\nkey\t%llu\nkernels\t%s\nthreads\t%d\nseconds\t%.0f\nprocessor\t%.1f\n", tut_mode_name(),
            tut_seed(), sgm_isa(), sgm_threads(), difftime(time(NULL), tut_began), (double)clock() / CLOCKS_PER_SEC);
    fclose(f);
}

/* Says what came of it, and prints the table if something failed or somebody asked; what main returns: 0 if all
passed, or failed just as an exercise declares, else 1. */

static void tut_print_table(void) {
    int wide = tut_is_lesson ? 36 : 56;
    printf("\n"), tut_left("quantity", wide), printf(" %12s %12s %10s\n", "got", "truth", "tolerance");
    for (int i = 0; i < tut_rows; i++) {
        tut_left(tut_row[i].name, wide);
        printf(" %12.6g %12.6g %10.2g  %s\n", tut_row[i].got, tut_row[i].truth, tut_row[i].tolerance,
               tut_row[i].pass ? "PASS" : "FAIL");
    }
}

static int tut_done(void) {
    const char *made = getenv("SGM_EXERCISE");
    for (int k = 1; k <= 9 && made && strcmp(made, "each") == 0; k++) /* the tests ask of each at once */
        printf("exercise %d: %sas declared\n", k, tut_as_declared(k, 0) ? "" : "NOT ");
    if (made && strcmp(made, "each") == 0) made = "";
    int number = made && *made ? atoi(made) : tut_exercise_made();
    int good = !tut_failed || number;
    if (made && *made) printf("\n"), good = tut_explained(number, 1), good = tut_as_declared(number, 1) && good;
    if (tut_verbose || !good) tut_print_table();
    printf("\n");
    if (tut_asked) printf("your predictions: %d of %d\n", tut_right, tut_asked);
    if (number) printf("exercise %d: %sas declared\n", number, good ? "" : "NOT ");
    else if (tut_failed) printf("%d OF %d CHECKS FAILED\n", tut_failed, tut_rows);
    else printf("all %d checks passed%s\n", tut_rows, tut_verbose ? "" : " (-v or V=1 prints them)");
    printf("data and figures: %s\n", tut_folder);
    if (tut_quick()) puts("mode test is a smoke test: what the text says that you should see, it need not show");
    tut_run_file();
    fclose(tut_table);
    free(tut_row), tut_row = NULL, tut_rows = 0;
    return !good;
}

/* A file of rows under a "#" line, for gnuplot; stops the program if it cannot be written. */

static inline void tut_dat(const char *name, const char *header, const float *x, long rows, int cols) {
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

/* The same, measured: a run of n points at once with your options is begun and left after .3 s of processor time (mode test: .02), for
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
