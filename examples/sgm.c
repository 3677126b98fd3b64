/*
The command `sgm`: one fitted model of a table or of a folder of pictures, every question.

    cc -O2 examples/sgm.c -lm -o sgm && ./sgm

A table (CSV, NPY, IDX, or pictures) is learnt by `sgm fit`; the file that it writes answers all
other commands: new rows, log densities, rows that agree with what is given, missing values, odd
rows. Chapter 10 of sgm.h does the work; what stands here is reading, asking, showing and writing.
The manual is examples/sgm.1.

Results go to standard output, talk to standard error. An output appears whole or not at all, and
holds the command, the seed and the hashes of model and data that give its bytes again. It is
written for POSIX systems.
*/

#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#define SGM_IMPLEMENTATION
#include "../sgm.h"
#include "pictures.h"
#include "sgm_export.h" /* which looks inside: its names begin with sgm__, too */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sgm/say.h"
#include "sgm/line.h"
#include "sgm/out.h"
#include "sgm/picture.h"
#include "sgm/data.h"
#include "sgm/sheet.h"
#include "sgm/fit.h"
#include "sgm/ask.h"
#include "sgm/plot.h"
#include "sgm/info.h"
#include "sgm/selftest.h"
#include "sgm/explain.h"
#include "sgm/export.h"

/* A descriptor that is closed would be given to the next file opened, which talk would destroy. */
static void hold_descriptors(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd) _exit(1);
}

static void watch_signals(void) {
    static const int numbers[4] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE}; /* each removes what is kept */
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 4; i++) {
        struct sigaction before; /* what nohup has switched off stays off */
        if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

static int run(const command *c, request *r) {
    if (r->is_help) return help_of(c, stdout), END_OK;
    if (c->bit == HELP) {
        if (!r->n_files) help_short(stdout);
        else help_of(find_command(r->file[0]), stdout);
        return END_OK;
    }
    if (r->n_files < c->least || r->n_files > c->most)
        fail(END_USAGE, "%s: sgm %s %s", r->n_files < c->least ? "something is missing"
             : "there is too much", c->name, c->usage);
    if (r->threads) check(sgm_set_threads(r->threads), END_USAGE);
    r->csv.missing = 1;
    switch (c->bit) {
    case FIT: return run_fit(r);
    case SAMPLE: return run_sample(r);
    case LOGP: return run_logp(r);
    case GIVEN: return run_given(r);
    case IMPUTE: return run_impute(r);
    case ANOMALY: return run_anomaly(r);
    case PLOT: return run_plot(r);
    case INFO: return run_info(r);
    case EXPORT: return run_export(r);
    case SELFTEST: return run_selftest(r);
    default: return run_explain(r);
    }
}

int main(int argc, char **argv) {
    request r;
    hold_descriptors();
    watch_signals();
    atexit(remove_left_over);
    if (argc < 2) return help_short(stdout), fflush(stdout) ? END_FAILED : END_OK;
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("sgm %s\n", SGM_VERSION);
        return fflush(stdout) ? END_FAILED : END_OK;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) argv[1] = (char *)(size_t)"help";
    if (argv[1][0] == '-')
        fail(END_USAGE, "%.100s comes before a command: sgm COMMAND [options]; sgm help lists "
                        "the commands", argv[1]);
    const command *c = find_command(argv[1]);
    subcommand = c->name;
    read_line(&r, c, argc - 2, argv + 2);
    const int status = run(c, &r);
    free(r.file), free(r.word), free(r.kinds), free(r.drop), free(r.columns);
    if (fflush(stdout) || ferror(stdout))
        fail(END_FAILED, "cannot write to standard output: %s", strerror(errno));
    return status;
}
