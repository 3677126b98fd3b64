/*
# OpenBLAS as a peer: the three products of a linear layer

A layer of 256 inputs and 256 outputs needs three matrix products for a batch of B rows: forward
$Y = X W + b$, the input's gradient $dX = dY W^⊤$ and the weight's gradient $dW = X^⊤ dY$. This
program times them through `cblas_sgemm`, which shows how close a kernel of our own comes to a
library that many people have tuned for years.

    cc -O2 -o peer_blas peer_blas.c -lopenblas
    ./peer_blas [seconds] [threads]

Each line is name, value, unit, setting, separated by tabs. OpenBLAS picks its kernels by the
processor it recognises, and an old release does not recognise a new processor. Try the others:

    for core in "" Haswell Zen SkylakeX Cooperlake Sapphirerapids; do
        OPENBLAS_CORETYPE=$core ./peer_blas 10
    done

A core type that the machine or the release does not have falls back to another one; the setting
column names the one in use.
*/
#define _POSIX_C_SOURCE 199309L
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIM = 256, MAX_BATCH = 5000, N_SLICES = 9, N_PRODUCTS = 3, N_BATCHES = 4 };

typedef struct layer {
    float *x, *y, *dx, *dy; /* (B, 256) */
    float *w, *dw, *b;      /* (256, 256), (256, 256), (256) */
} layer;

typedef void (*product)(layer *l, int batch);

/*
The bias is laid into every row of Y first and the product is added to it. That pass over Y belongs
to the forward product, so its time is counted.
*/
static void forward(layer *l, int batch)
{
    int i;
    for (i = 0; i < batch; i++) memcpy(l->y + (size_t)i * DIM, l->b, DIM * sizeof(float));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, batch, DIM, DIM, 1.0f, l->x, DIM,
                l->w, DIM, 1.0f, l->y, DIM);
}

static void input_gradient(layer *l, int batch)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, batch, DIM, DIM, 1.0f, l->dy, DIM,
                l->w, DIM, 0.0f, l->dx, DIM);
}

static void weight_gradient(layer *l, int batch)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, DIM, DIM, batch, 1.0f, l->x, DIM,
                l->dy, DIM, 0.0f, l->dw, DIM);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/*
Calls per second: the median of nine slices, after one slice of warm-up. The clock is read once per
chunk of calls, and the chunk grows, so that reading it costs nothing beside a product of ten
microseconds.
*/
static double rate(product run, layer *l, int batch, double seconds)
{
    double rates[N_SLICES + 1], slice_s = seconds / N_SLICES;
    int k;
    for (k = 0; k <= N_SLICES; k++) {
        double start = now(), elapsed = 0.0;
        long calls = 0, chunk = 1, i;
        while (elapsed < slice_s) {
            for (i = 0; i < chunk; i++) run(l, batch);
            calls += chunk;
            if (chunk < 64) chunk *= 2;
            elapsed = now() - start;
        }
        rates[k] = (double)calls / elapsed;
    }
    qsort(rates + 1, N_SLICES, sizeof rates[0], by_value);
    return rates[1 + N_SLICES / 2];
}

/*
Numbers in $[-1, 1)$ from a small congruential generator: their values do not matter, only that
they are neither zero nor denormal, for which some processors take another path.
*/
static float *filled(size_t n)
{
    static unsigned state = 12345u;
    float *p = (float *)malloc(n * sizeof(float));
    size_t i;
    if (!p) {
        fprintf(stderr, "peer_blas: out of memory\n");
        exit(1);
    }
    for (i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        p[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
    return p;
}

int main(int argc, char **argv)
{
    static const int batches[N_BATCHES] = {8, 64, 512, 5000};
    static const char *const names[N_PRODUCTS] = {"y", "dx", "dw"};
    product products[N_PRODUCTS];
    double seconds = argc > 1 ? atof(argv[1]) : 10.0;
    int threads = argc > 2 ? atoi(argv[2]) : 1, i, k;
    size_t rows = (size_t)MAX_BATCH * DIM, square = (size_t)DIM * DIM;
    layer l;

    products[0] = forward;
    products[1] = input_gradient;
    products[2] = weight_gradient;
    l.x = filled(rows);
    l.y = filled(rows);
    l.dx = filled(rows);
    l.dy = filled(rows);
    l.w = filled(square);
    l.dw = filled(square);
    l.b = filled(DIM);
    openblas_set_num_threads(threads);
    for (i = 0; i < N_BATCHES; i++) {
        for (k = 0; k < N_PRODUCTS; k++) {
            double flop = 2.0 * batches[i] * DIM * DIM;
            double calls = rate(products[k], &l, batches[i], seconds / 12.0);
            printf("matmul_%s_%d\t%.5g\tGFLOP/s\tsgemm, warm cache; %s; %d thread(s)\n", names[k],
                   batches[i], 1e-9 * flop * calls, openblas_get_config(),
                   openblas_get_num_threads());
            fflush(stdout);
        }
    }
    free(l.x);
    free(l.y);
    free(l.dx);
    free(l.dy);
    free(l.w);
    free(l.dw);
    free(l.b);
    return 0;
}
