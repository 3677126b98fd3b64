/*
What both programs need: arguments name=value, errors that end all ranks, and a wait that sleeps.
*/

#ifndef COMMON_H
#define COMMON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

/* No error leaves the others waiting for ever. (Most errors are everybody's: let rank 0 tell them.) */
static void must(sgm_status status) {
    const struct timespec moment = {0, 300000000};
    int rank;
    if (status == SGM_OK) return;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank) nanosleep(&moment, NULL);
    fprintf(stderr, "rank %d: %s\n", rank, sgm_error()[0] ? sgm_error() : sgm_status_name(status));
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* The value of the argument "name=value", the last if there are several; or `otherwise`. */
static const char *argument(int argc, char **argv, const char *name, const char *otherwise) {
    size_t length = strlen(name);
    for (int i = argc - 1; i > 0; i--)
        if (!strncmp(argv[i], name, length) && argv[i][length] == '=') return argv[i] + length + 1;
    return otherwise;
}

/* Ends the program, on all ranks, if an argument is none of those that the usage has. */
static void arguments_are(int argc, char **argv, const char *usage) {
    int bad = 0, rank;
    for (int i = 1; i < argc && !bad; i++) {
        char name[32] = " ";
        size_t length = strcspn(argv[i], "=") + 1;
        if (length < sizeof name - 1) memcpy(name + 1, argv[i], length), name[1 + length] = 0;
        if (!name[1] || name[length] != '=' || !strstr(usage, name)) bad = i;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!bad) return;
    if (rank == 0) fprintf(stderr, "what is %s? usage: %s\n", argv[bad], usage);
    MPI_Finalize();
    exit(2);
}

/*
A rank that waits must not use up the processor that others work on. In MPI's own waits it does: it
looks without end. Here it looks for some 50 microseconds, and then sleeps between two looks, at
first for 20 microseconds and then for up to 100.
*/
static int wait_for(MPI_Request *request) {
    enum { LOOKS = 100 };
    struct timespec nap = {0, 20000};
    int done = 0, error = MPI_SUCCESS;
    for (int i = 0; error == MPI_SUCCESS; i++) {
        error = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done) break;
        if (i < LOOKS) continue;
        nanosleep(&nap, NULL);
        if (nap.tv_nsec < 100000) nap.tv_nsec += nap.tv_nsec / 4;
    }
    return error;
}

#endif
