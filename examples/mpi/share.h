/*
The hook by which the ranks of a training tell one another their sums. A training that has it takes,
on every rank, the same steps as on one.
*/

#ifndef SHARE_H
#define SHARE_H

#include "common.h"

typedef struct share {
    MPI_Comm comm;
    int rank, ranks;
    int n, *first, *count; /* who fills which of the n sums; worked out in the first step */
    size_t floats;
    MPI_Datatype sum;
    long steps; /* what it cost: from the first step to the last, on this rank */
    double began, ended, processor_began, processor_ended, waited, bytes;
} share;

static void share_init(share *s, MPI_Comm comm) {
    memset(s, 0, sizeof *s);
    s->comm = comm;
    MPI_Comm_rank(comm, &s->rank), MPI_Comm_size(comm, &s->ranks);
    s->first = (int *)calloc((size_t)s->ranks, 2 * sizeof(int));
    if (!s->first) must(SGM_NO_MEMORY);
    s->count = s->first + s->ranks;
}

static void share_free(share *s) {
    if (s->floats) MPI_Type_free(&s->sum);
    free(s->first);
}

/* Who has which sums. It stays so for the whole run, and is asked once. */
static sgm_status share_plan(share *s, size_t floats, int n, int first, int count) {
    MPI_Datatype four;
    int end = 0;
    if (floats > 2147483647) return SGM_BAD_ARGUMENT;
    if (MPI_Allgather(&first, 1, MPI_INT, s->first, 1, MPI_INT, s->comm) ||
        MPI_Allgather(&count, 1, MPI_INT, s->count, 1, MPI_INT, s->comm))
        return SGM_MISMATCH;
    for (int i = 0; i < s->ranks; i++) {
        if (s->count[i] && s->first[i] != end) return SGM_MISMATCH;
        end += s->count[i];
    }
    if (end != n) return SGM_MISMATCH;
    MPI_Type_contiguous((int)sizeof(float), MPI_BYTE, &four); /* not all of them are floats */
    MPI_Type_contiguous((int)floats, four, &s->sum), MPI_Type_commit(&s->sum);
    MPI_Type_free(&four);
    s->floats = floats, s->n = n;
    s->began = sgm_seconds(), s->processor_began = (double)clock() / CLOCKS_PER_SEC;
    return SGM_OK;
}

/* sgm_train_options.share: fills in the sums that other ranks have, floats numbers each. */
static sgm_status share_sums(void *user, float *sums, size_t floats, int n, int first, int count) {
    share *s = (share *)user;
    MPI_Request request;
    double start = sgm_seconds();
    if (s->n == 0) {
        sgm_status status = share_plan(s, floats, n, first, count);
        if (status != SGM_OK) return status;
    }
    if (n != s->n || floats != s->floats || count != s->count[s->rank]) return SGM_MISMATCH;
    if (MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, sums, s->count, s->first, s->sum,
                        s->comm, &request) ||
        wait_for(&request))
        return SGM_MISMATCH;
    s->ended = sgm_seconds(), s->processor_ended = (double)clock() / CLOCKS_PER_SEC;
    s->waited += s->ended - start, s->steps++;
    s->bytes += (double)(n - count) * (double)floats * sizeof(float);
    return SGM_OK;
}

/* By rank 0, after a run: what a step took, of all ranks together. */
static void share_report(const share *s, int threads) {
    double mine[3], sum[3] = {0, 0, 0}, steps = s->steps > 1 ? (double)(s->steps - 1) : 1;
    mine[0] = (s->processor_ended - s->processor_began) / steps;
    mine[1] = s->waited / (double)(s->steps ? s->steps : 1), mine[2] = s->bytes / (steps + 1);
    MPI_Reduce(mine, sum, 3, MPI_DOUBLE, MPI_SUM, 0, s->comm);
    if (s->rank || !s->steps) return;
    printf("%d ranks x %d threads: %.3f ms a step, %.3f ms of processors; exchange %.3f ms, "
           "%.3f MB to each rank\n",
           s->ranks, threads, 1e3 * (s->ended - s->began) / steps, 1e3 * sum[0],
           1e3 * sum[1] / s->ranks, 1e-6 * sum[2] / s->ranks);
}

#endif
