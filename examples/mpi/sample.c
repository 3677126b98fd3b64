/*
Sampling on several processes or machines. The points are divided among the ranks. A score is asked
about rows first … first + n of a set, and the noise of a point is keyed by its row in that set; so
the samples are, to the last bit, those that one process draws.

    mpicc -O2 -fopenmp -I. examples/mpi/sample.c -o sample -lm
    mpirun -n 4 ./sample model=digits.safetensors n=100 out=digits.pgm
*/

#define _POSIX_C_SOURCE 200809L
#define SGM_IMPLEMENTATION
#include "sgm.h"

#include "common.h"

#include <math.h>

#define USAGE "sample model= n= steps= noise=0|1 seed= threads= out=FILE.safetensors|FILE.pgm"

/* Rank 0 writes: a table of points; or, of images with numbers from -1 to 1, a picture. */
static void save(float *x, long n, int d, const char *path) {
    const char *end = strrchr(path, '.');
    sgm_array all;
    int side = (int)(sqrt((double)d) + 0.5);
    if (!end || strcmp(end, ".pgm")) {
        memset(&all, 0, sizeof all);
        all.name = "samples", all.data = x, all.rows = n, all.cols = d;
        must(sgm_archive_save(path, &all, 1, NULL, 0));
        return;
    }
    for (long i = 0; i < n * d; i++) x[i] = 0.5f * (x[i] + 1);
    must(sgm_pnm_save(path, x, n, side, d / side, 1, 10));
}

int main(int argc, char **argv) {
#define ARGUMENT(name, otherwise) argument(argc, argv, name, otherwise)
    sgm_model model;
    sgm_sample_options how;
    MPI_Datatype point;
    MPI_Request gathered;
    int threading, rank, ranks;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threading);
    arguments_are(argc, argv, USAGE);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    must(sgm_set_threads(atoi(ARGUMENT("threads", "1"))));
    must(sgm_model_open(&model, ARGUMENT("model", "model.safetensors")));

    long n = atol(ARGUMENT("n", "1000")), d = model.o.d;
    if (n < 1 || n > 2147483647) {
        if (rank == 0) fprintf(stderr, "n=%ld points: needs 1 to 2147483647\n", n);
        return MPI_Finalize(), 2;
    }
    int *first = (int *)malloc(2 * (size_t)ranks * sizeof *first), *count = first + ranks;
    for (int i = 0; first && i < ranks; i++) {
        first[i] = (int)(n * i / ranks);
        count[i] = (int)(n * (i + 1) / ranks) - first[i];
    }
    float *x = first ? (float *)malloc((size_t)((rank ? count[rank] : n) * d + 1) * sizeof *x) : NULL;
    if (!x) must(SGM_NO_MEMORY);

    memset(&how, 0, sizeof how);
    how.steps = atoi(ARGUMENT("steps", "0"));
    if (atoi(ARGUMENT("noise", "0"))) how.method = SGM_METHOD_ANCESTRAL;
    sgm_score score = sgm_model_score(&model, model.o.n_ema ? 0 : SGM_RAW);
    score.first = first[rank], score.of = n; /* rows first … first + count of n */
    double start = sgm_seconds();
    sgm_key key = sgm_key_init((uint64_t)atol(ARGUMENT("seed", "1")));
    if (count[rank]) must(sgm_sample(x, count[rank], &score, &how, key));

    MPI_Type_contiguous((int)d, MPI_FLOAT, &point), MPI_Type_commit(&point);
    MPI_Igatherv(rank ? x : MPI_IN_PLACE, count[rank], point, x, count, first, point, 0,
                 MPI_COMM_WORLD, &gathered);
    wait_for(&gathered);
    if (rank == 0) {
        printf("%ld points on %d ranks: %.2f s\n", n, ranks, sgm_seconds() - start);
        save(x, n, (int)d, ARGUMENT("out", "samples.safetensors"));
    }
    MPI_Type_free(&point), sgm_model_free(&model), free(x), free(first);
    MPI_Finalize();
    return 0;
}
