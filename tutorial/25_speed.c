/*
# 15. Speed: one sum, and a factor of forty

**Question.** A network spends its time in matrix products. Three nested loops compute one, and so
does the library, with the same multiply-adds. Where does the time go?

**Equation.** (3.5) without its bias, $C_{ij} = ∑_p A_{ip} B_{pj}$, is $2 N^3$ operations on
$3 N^2$ numbers of four bytes. What a program may hope for depends on its *intensity* I, the
operations that it does with each byte it fetches, and on two numbers of the machine:

$$\text{speed} ≤ \min(\text{peak},\; I × \text{bandwidth}) \qquad(T25.1)$$

That is the *roofline* (Williams, Waterman and Patterson 2009): flat where arithmetic is the limit,
slanted where memory is. Fetched once, a byte of these matrices is good for N/6 operations, 80 for
N = 480: far under the flat part. But a program that fetches each number whenever it needs it only
meets the next roof, the caches' loads and stores, until its numbers wait in registers.

**Plan.** Measure both roofs. Climb to the peak: three loops, a better order, blocks, vectors, a
tile in registers, the library's kernels. Then walk down the slanted part, with a layer whose
weights are in no cache: the smaller the batch, the fewer operations for each weight. Then what 1000
samples cost, for all models of the tour; last, that all cores give the numbers of one.

**What you should see.** The better order doubles the speed. Blocks add nothing: so slow a program
does not wait for memory. Vectors give a factor of ten, the tile two more, and the library comes to
within a tenth of the peak. Times are printed, not judged; the checks judge results.

**Figures.** `25_speed_ladder.png`: the ladder below the peak, and the layers below their roof.
`25_speed_cost.png`: the cost of 1000 samples against parameters; a number by a point is its tutorial's.

    cc -O2 -fopenmp tutorial/25_speed.c -o 25_speed -lm

**Try this.** (1) TALL 6 → 1: two sums are in flight, and the tile loses two thirds of its speed.
(2) Compile with -O3 -march=native: the compiler finds vectors by itself, and rungs 2 and 3 gain a
factor of eight; the tile it does not find. (3) Let `normals` begin at p + 4: vectors lie across two
cache lines, and rung 4 loses a third of its speed. Its result stays right to the bit.
*/

#include "tutorial.h"

#include <time.h>

enum { LANES = 8, TALL = 6, DEEP = 16, SUMS = 12, ROUNDS = 200000 };
enum { IN = 65536, OUT = 256, MAX_BATCH = 128 };

static int N;
static double patience, peak, bandwidth;
static float *A, *B, *C, *twin, *reach, *W, *X, *Y;
static volatile float sink; /* what is written here has to be computed */

/* Seconds of the processor. Others can delay a run, never hasten it: the fastest one counts. */

static double fastest(void (*run)(void)) {
    clock_t start = clock(), last = start, best = (clock_t)1 << 30;
    for (int k = 0; k < 4 || last - start < patience * CLOCKS_PER_SEC; k++) {
        run();
        clock_t now = clock();
        if (now - last < best) best = now - last;
        last = now;
    }
    return (double)best / CLOCKS_PER_SEC;
}

/*
A vector type is eight floats that the processor treats as one. x86 wants to be told, function by
function, that it may use AVX2, and to be asked by name for the multiply-add.
*/

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#if defined(SGM__X86)
#define VECTOR __attribute__((target("avx2,fma")))
#define vec_fma(a, b, c) ((vec)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#else
#define VECTOR
#define vec_fma(a, b, c) ((a) * (b) + (c)) /* which the compiler fuses, where the processor can */
#endif

static inline VECTOR __attribute__((always_inline)) vec vec_all(float x) {
    vec v = {x, x, x, x, x, x, x, x};
    return v;
}

/*
**The two roofs.** Twelve sums, all in registers, none waiting for another: no program does more
multiply-adds on one core. Each takes about four cycles, and two may start in every cycle, so fewer
than eight sums would leave gaps. And the sum of 64 MiB, more than most caches hold, read straight
through: no program reads faster.
*/

static VECTOR void multiply_adds(void) {
    vec sum[SUMS], x = vec_all(0.999f);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = x * (float)i;
    for (int k = 0; k < ROUNDS; k++)
        SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = vec_fma(sum[i], x, x);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sink = sum[i][0];
}

#if defined(SGM__X86)
__attribute__((target("avx512f"))) static void multiply_adds_16(void) {
    __m512 sum[SUMS], x = _mm512_set1_ps(0.999f);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm512_set1_ps((float)i);
    for (int k = 0; k < ROUNDS; k++)
        SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm512_fmadd_ps(sum[i], x, x);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sink = _mm512_cvtss_f32(sum[i]);
}
#endif

static VECTOR void read_weights(void) {
    const vec *x = (const vec *)W, *end = x + (long)IN * OUT / LANES;
    vec s0 = vec_all(0), s1 = s0, s2 = s0, s3 = s0;
    for (; x < end; x += 4) s0 += x[0], s1 += x[1], s2 += x[2], s3 += x[3];
    s0 += s1 + s2 + s3;
    sink = s0[0] + s0[LANES - 1];
}

static void measure_roofs(void) {
    peak = 2e-9 * SUMS * LANES * ROUNDS / fastest(multiply_adds);
#if defined(SGM__X86)
    if (sgm__kernels_for("avx512"))
        peak = fmax(peak, 2e-9 * SUMS * 16 * ROUNDS / fastest(multiply_adds_16));
#endif
    bandwidth = 4e-9 * IN * OUT / fastest(read_weights);
    printf("one core: peak %.1f GFLOP/s, memory %.1f GB/s; they meet at %.1f operations per byte\n",
           peak, bandwidth, peak / bandwidth);
}

/*
**Rung 1** is (3.5) as one writes it down. The inner loop walks down a column of B, a new cache line
for every number, and each addition waits for the one before. **Rung 2** exchanges two loops: the
inner one walks along rows, and its N sums do not wait for each other. The price is that each
multiply-add loads and stores its sum. **Rung 3** stays with sixteen rows of B, 30 KiB, which fit
into the first-level cache, until every row of C has had its share of them. One block of N rows is
rung 2.
*/

static void three_loops(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int p = 0; p < N; p++) sum += A[i * N + p] * B[p * N + j];
            C[i * N + j] = sum;
        }
}

static void by_blocks_of(int deep) {
    memset(C, 0, sizeof *C * (size_t)N * (size_t)N);
    for (int q = 0; q < N; q += deep)
        for (int i = 0; i < N; i++)
            for (int p = q; p < q + deep; p++)
                for (int j = 0; j < N; j++) C[i * N + j] += A[i * N + p] * B[p * N + j];
}

static void better_order(void) { by_blocks_of(N); }
static void blocks(void) { by_blocks_of(DEEP); }

/* **Rung 4**: eight lanes at a time, one instruction for the multiplication and the addition. */

static VECTOR void vectors(void) {
    memset(C, 0, sizeof *C * (size_t)N * (size_t)N);
    for (int q = 0; q < N; q += DEEP)
        for (int i = 0; i < N; i++)
            for (int p = q; p < q + DEEP; p++) {
                vec a = vec_all(A[i * N + p]), *c = (vec *)(C + i * N);
                const vec *b = (const vec *)(B + p * N);
                for (int j = 0; j < N / LANES; j++) c[j] = vec_fma(a, b[j], c[j]);
            }
}

/*
**Rung 5.** Two loads and a store for each multiply-add are what rung 4 waits for. So keep a tile of
C, six rows by two vectors, in twelve registers while p runs from end to end: six numbers of A and
two vectors of B feed twelve multiply-adds, 2/3 of a load for each (B.9), and C is stored once.
*/

static VECTOR void tiles(void) {
    for (int j = 0; j < N; j += 2 * LANES)
        for (int i = 0; i < N; i += TALL) {
            vec sum[TALL][2];
            SGM__UNROLL for (int r = 0; r < TALL; r++) sum[r][0] = sum[r][1] = vec_all(0);
            for (int p = 0; p < N; p++) {
                const vec *b = (const vec *)(B + p * N + j);
                SGM__UNROLL for (int r = 0; r < TALL; r++) {
                    vec a = vec_all(A[(i + r) * N + p]);
                    sum[r][0] = vec_fma(a, b[0], sum[r][0]);
                    sum[r][1] = vec_fma(a, b[1], sum[r][1]);
                }
            }
            SGM__UNROLL for (int r = 0; r < TALL; r++) {
                vec *c = (vec *)(C + (i + r) * N + j);
                c[0] = sum[r][0], c[1] = sum[r][1];
            }
        }
}

/* **Rung 6** is the library: such a tile, B copied into panels, odd sizes taken care of (§B.7). Its
twin `ref` is no rung but a definition: plain C calls a function for each fused multiply-add. */

static const sgm__kernels *kernels;
static sgm__product product;

static void library(void) { kernels->matmul(&product); }

static void product_is(int m, int n, int k, const float *a, const float *b, float *c) {
    product.m = m, product.n = n, product.k = k;
    product.a = a, product.a_row = k, product.a_col = 1;
    product.b = b, product.b_row = n, product.b_col = 1;
    product.c = c, product.c_row = n;
}

/*
**What may differ.** A sum of k products, each rounded at most k times, is off by at most
$γ_k \sum_p |A_{ip} B_{pj}|$ with $γ_k = k u / (1 − k u)$, $u = 2^{-24}$ (Higham 2002, section 3.1).
Two such sums differ by at most twice that, whether their multiply-adds round once or twice:

$$|C_{ij} − C'_{ij}| ≤ 2 γ_N \sum_p |A_{ip} B_{pj}| \qquad(T25.2)$$

The library promises more: where there is a fused multiply-add, the same bits as its scalar twin.
*/

static double worst_over_bound(void) {
    double ku = N * ldexp(1, -24), worst = 0;
    for (int i = 0; i < N * N; i++) { /* reach is a rounded sum too: hence the second 1 - ku */
        double bound = 2 * ku / (1 - ku) * reach[i] / (1 - ku);
        double error = fabs((double)C[i] - twin[i]);
        worst = error / bound <= worst ? worst : error / bound; /* a NaN counts as worst */
    }
    return worst;
}

static double differing(const float *a, const float *b, long n) {
    long count = 0;
    for (long i = 0; i < n; i++) count += memcmp(a + i, b + i, sizeof *a) != 0;
    return (double)count;
}

static void rung(FILE *dat, const char *name, void (*run)(void), double traffic, int same_bits) {
    char check[64];
    memset(C, 0xff, sizeof *C * (size_t)N * (size_t)N); /* NaN, so that a hole shows */
    double speed = 2e-9 * N * N * N / fastest(run);
    printf("%-16s %10.2f %10.1f%% %22.3f\n", name, speed, 100 * speed / peak, traffic);
    fprintf(dat, "\"%s\" %.4g %.4g %.4g\n", name, speed, peak, traffic);
    snprintf(check, sizeof check, "%s: error / bound (T25.2)", name);
    tut_check(check, worst_over_bound(), 0, 1);
    snprintf(check, sizeof check, "%s: elements unlike the twin's", name);
    if (same_bits) tut_check(check, differing(C, twin, (long)N * N), 0, 0);
}

static void climb(void) {
    static const char *const isa[] = {"ref", "sse2", "avx2", "avx512", "neon"};
    FILE *dat = fopen(tut_path("ladder.dat"), "w");
    if (!dat) perror("ladder.dat"), exit(2);
    printf("\n%-16s %10s %11s %22s\n", "rung", "GFLOP/s", "of peak", "loads per multiply-add");
    fprintf(dat, "# rung, GFLOP/s, peak GFLOP/s, loads and stores per multiply-add\n");
    product_is(N, N, N, A, B, C);
    rung(dat, "three loops", three_loops, 2, 0);
    rung(dat, "better order", better_order, 3, 0);
    rung(dat, "blocks", blocks, 3, 0);
    rung(dat, "vectors", vectors, 3.0 / LANES, 0);
    rung(dat, "tiles", tiles, (TALL + 2) / (2.0 * TALL * LANES), 0);
    for (int i = 0; i < 5; i++) {
        char name[32];
        double tall = i == 0 ? 1 : i > 2 ? 8 : 6, wide = i == 0 ? 1 : 2; /* the tiles of B.7 */
        if (!(kernels = sgm__kernels_for(isa[i]))) continue;
        snprintf(name, sizeof name, "library, %s", isa[i]);
        rung(dat, name, library, (tall + wide) / (tall * wide * kernels->lanes), i != 1);
    }
    fclose(dat);
}

/*
**Down the slanted part.** $Y = X W$ for a batch of points, and a W of 64 MiB: each weight comes
from memory, serves every point once, and is gone. That is half an operation per byte and point, and
(T25.1) tells from which batch on the processor is the limit: why one trains on batches, and samples
many points at once. The library reads such a W in strips of 128 bytes, made for weights that are in
a cache, and so stays below the slanted part, but parallel to it. An element of Y is the same sum in
every batch: its bits must not depend on the other points.
*/

static void layers(void) {
    float table[16][4], alone[OUT];
    int rows = 0;
    double unlike = 0;
    product_is(1, OUT, IN, X, W, alone);
    sgm__matmul_ref(&product);
    kernels = sgm__k();
    int fused = strcmp(kernels->name, "sse2") != 0;
    printf("\n%-16s %10s %11s %22s\n", "points", "GFLOP/s", "of roof", "operations per byte");
    for (int n = 1; n <= MAX_BATCH; n *= 2, rows++) {
        double work = 2.0 * n * IN * OUT, bytes = 4.0 * ((double)IN * OUT + (double)n * (IN + OUT));
        product_is(n, OUT, IN, X, W, Y);
        double speed = 1e-9 * work / fastest(library), roof = fmin(peak, work / bytes * bandwidth);
        printf("%-16d %10.2f %10.1f%% %22.2f\n", n, speed, 100 * speed / roof, work / bytes);
        table[rows][0] = (float)n, table[rows][1] = (float)(work / bytes);
        table[rows][2] = (float)speed, table[rows][3] = (float)roof;
        unlike += fused ? differing(Y, alone, OUT) : 0;
    }
    tut_dat("layers.dat", "points, operations per byte, GFLOP/s, roof", table[0], rows, 4);
    if (fused) tut_check("layers: elements of point 0 unlike the twin's", unlike, 0, 0);
}

/*
## What 1000 samples cost

*SGM_GTAP: Score-based generative models, a simple JAX implementation* (H. Gangloff, 2025, after
J. Pidstrigach) opens with a figure of Luccioni, Jernite and Strubell (2023): the carbon of 1000
inferences against a model's parameters, on logarithmic axes. Each tutorial that trains a model writes
what 1000 of its samples cost into cost.tsv: seconds of the processor, and joules where it has a counter
that a program may read (Intel's and AMD's RAPL, /sys/class/powercap; a virtual machine shows none).

A linear layer does two operations with each parameter, so 1000 samples of P parameters and E
evaluations take at least

$$1000 · 2 P E / \text{peak} \text{ seconds} \qquad(T25.3)$$

Networks of wide layers lie near this line, narrow ones above, for their activations cost as much as
their products. Convolutions lie far above: they use each parameter once for every pixel. So parameters are a poor measure of cost across architectures,
and evaluations, which that figure does not show, count as much as parameters do.
*/

static void costs(void) {
    static const int widths[4] = {16, 64, 256, 1024};
    sgm_sample_options how = {.method = SGM_METHOD_EULER_MARUYAMA, .steps = 1000};
    printf("\n%-16s %12s %14s %16s\n", "MLP of width", "parameters", "evaluations", "of (T25.3)");
    for (int i = 0; i < (tut_quick() ? 2 : 4); i++) {
        sgm_mlp_options mlp = {.width = widths[i], .depth = 4};
        sgm_model_options net = {.net = sgm_mlp, .user = &mlp, .d = 2, .sde = sgm_sde_vp(0.1, 20)};
        sgm_model model;
        char name[32];
        tut_must(sgm_model_init(&model, &net, tut_key()));
        sgm_score score = sgm_model_score(&model, SGM_RAW);
        snprintf(name, sizeof name, "layers of %d", widths[i]);
        double seconds = tut_cost_of(name, &model, &score, &how, 1000);
        printf("%-16d %12zu %14d %15.1f%%\n", widths[i], model.n_params, how.steps,
               100 * 2e6 * (double)model.n_params / (1e9 * peak) / seconds);
        sgm_model_free(&model);
    }
    double joules = tut_joules();
    printf(joules == joules ? "joules are in cost.tsv\n" : "joules: this machine does not let a program read them\n");
}

/* Normal numbers, from the start of a cache line on. */

static float *normals(size_t n) {
    static uint64_t next;
    char *p = (char *)tut_memory(n * sizeof(float) + 128);
    float *x = (float *)(void *)(p + 64 - (uintptr_t)p % 64);
    sgm_normal(x, n, sgm_key_split(tut_key(), next++), 0);
    return x;
}

/*
## All cores, and the same numbers

*SBGM* (J. Homer) offers "parallelised computations for optimisation and SDE/ODE-sampling". Here a
batch is a sum of pieces that are added in one order (4.3), and a point's noise is keyed by its row:
so a training and the samples of its model have the same bits, whoever has done the work.
*/

static void trained_by(int threads, float *params, float *samples, long n) {
    float x[2 * 8192];
    sgm_model_options net = {.net = sgm_mlp, .d = 2, .sde = sgm_sde_vp(0.1, 20)};
    sgm_train_options run = {.steps = 5, .batch = 8192};
    sgm_sample_options few = {.steps = 5};
    sgm_model model;
    tut_must(sgm_set_threads(threads));
    sgm_data_moons(x, 8192, 0.05, sgm_key_init(1));
    tut_must(sgm_model_init(&model, &net, sgm_key_init(2)));
    tut_must(sgm_train(&model, x, 8192, &run, sgm_key_init(3)));
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    tut_drawn(sgm_sample(samples, n, &score, &few, sgm_key_init(4)));
    memcpy(params, model.params, model.n_params * sizeof *params);
    sgm_model_free(&model);
    tut_must(sgm_set_threads(0));
}

static void all_cores(void) {
    enum { MOST = 1 << 20, N_DRAWN = 4096 };
    float *a = (float *)tut_memory((MOST + 2 * N_DRAWN) * sizeof *a);
    float *b = (float *)tut_memory((MOST + 2 * N_DRAWN) * sizeof *b);
    long unlike = 0;
    trained_by(1, a, a + MOST, N_DRAWN), trained_by(4, b, b + MOST, N_DRAWN);
    for (long i = 0; i < MOST + 2 * N_DRAWN; i++) unlike += memcmp(a + i, b + i, sizeof *a) != 0;
    printf("\nfive steps of training and %d samples, by 1 thread and by 4: %ld numbers differ\n", N_DRAWN, unlike);
    tut_check("SBGM: trained, drawn by 4 threads: bits unlike 1's", (double)unlike, 0, 0);
    free(a), free(b);
}

int main(int argc, char **argv) {
    tut_start("25_speed", argc, argv);
    if (!sgm__kernels_for("neon") && !sgm__kernels_for("avx2"))
        return printf("this lesson is about vectors: it needs AVX2 or NEON\n"), tut_done();
    N = tut_quick() ? 240 : 480, patience = tut_quick() ? 0.01 : 0.3; /* 48 divides N: full tiles */
    size_t square = (size_t)N * (size_t)N;
    A = normals(square), B = normals(square), C = normals(square);
    twin = normals(square), reach = normals(square);
    W = normals((size_t)IN * OUT), X = normals((size_t)IN * MAX_BATCH);
    Y = normals(OUT * MAX_BATCH);
    measure_roofs();
    product_is(N, N, N, A, B, twin), sgm__matmul_ref(&product);
    memset(reach, 0, square * sizeof *reach); /* the sums in (T25.2) */
    for (int i = 0; i < N * N; i++)
        for (int j = 0; j < N; j++) reach[i / N * N + j] += fabsf(A[i] * B[i % N * N + j]);
    climb();
    layers();
    costs();
    all_cores();
    return tut_done();
}
