/*
# How fast is it?

    cc -O2 -fopenmp tests/bench/bench.c -lm -o bench
    ./bench [JOB] [--threads N] [--seconds S] [--repeats N] [--steps N] [--cpu]

JOB is one of memory, peak, bandwidth, matmul, circle_train, circle_sample, mixture, normals,
moons_train, moons_likelihood, ncsn_train, unet_train, unet_forward, diffusers, layers, busy, or all
but busy. DIFFUSERS in the environment is a checkpoint that peer_diffusers.py wrote, to be compared.
Each line of the output is name, value, unit, separated by tabs. A value is the median of N repeats
after one that only warms up, or of a roof the best. All jobs run on one thread if nothing else is
said; `--threads 0` is what the library takes by itself. A job that trains or samples prints two
lines: its work per second of the clock, and, as NAME_cpu, per second that processors spent on it.
With more threads the second should stay what it is with one.

S is the time for each job; --steps is how many of the sampler's 998 steps are timed (and then
scaled to all). QUICK=1 in the environment makes S and the numbers of steps small. --cpu counts the
processor's seconds everywhere: on a busy computer, and for one thread, that is nearer to the truth.
--isa prints the set of instructions that the kernels use, and that is all.

The jobs peak and bandwidth measure the machine rather than the library. A speed alone says little:
100 GFLOP/s are excellent on a processor that can do 117 and poor on one that can do 1000. Two
numbers bound every program on one core, how many multiply-adds it can do in a second and how many
bytes it can read, and all other rows are to be held against them.
*/
#define _DEFAULT_SOURCE /* wait4 */
#define SGM_IMPLEMENTATION
#include "../../sgm.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REPEATS = 99, DIM = 256, MAX_BATCH = 5000, SAMPLES = 5000, STEPS = 998, TIMES = 999 };
enum { WEIGHTS = 6 * DIM + 3 * DIM * DIM + 2 * DIM }; /* of the circle's network, no biases */

static double seconds, (*now)(void) = sgm_seconds;
static int repeats = 5, threads = 1, steps, warm_up;
static volatile float sink; /* what is written here has to be computed */

static double cpu_seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void must(sgm_status status) {
    if (status == SGM_OK) return;
    fprintf(stderr, "bench: %s (%s)\n", sgm_error(), sgm_status_name(status));
    exit(2);
}

/* As malloc gives it, which is how most callers of a library have it, and OpenBLAS's here too. */

static float *memory(size_t floats) {
    float *p = (float *)malloc(floats * sizeof(float));
    if (!p) fprintf(stderr, "bench: no memory for %zu floats\n", floats), exit(2);
    return p;
}

static float *noise(size_t n) {
    static uint64_t next;
    float *x = memory(n);
    sgm_normal(x, n, sgm_key_init(7), next);
    next += n;
    return x;
}

static void row(const char *name, double value, const char *unit) {
    printf("%s\t%.6g\t%s\n", name, value, unit);
    fflush(stdout);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, by_value);
    return 0.5 * (x[(n - 1) / 2] + x[n / 2]);
}

/*
Calls per second. The clock is read once per chunk of calls, and the chunk grows at first, so that
reading it costs nothing beside a call of a few microseconds.
*/

static double rates[MAX_REPEATS], cpu_rates[MAX_REPEATS];

/* For `slice` seconds; *cpu, if not NULL: calls per second of all processors. */
static double slice_rate(void (*run)(void *what), void *what, double slice, double *cpu) {
    double start = now(), start_cpu = cpu_seconds(), elapsed;
    long calls = 0, chunk = 1;
    do {
        for (long i = 0; i < chunk; i++) run(what);
        calls += chunk, elapsed = now() - start;
        if (elapsed < slice / 64) chunk *= 2;
    } while (elapsed < slice);
    if (cpu) *cpu = (double)calls / (cpu_seconds() - start_cpu);
    return (double)calls / elapsed;
}

static double rate(void (*run)(void *what), void *what, double share) {
    double slice = seconds * share / (repeats + 1);
    slice_rate(run, what, slice, NULL);
    for (int k = 0; k < repeats; k++) rates[k] = slice_rate(run, what, slice, &cpu_rates[k]);
    return median(rates, repeats);
}

/* One line for the clock and one for the processors, of a job whose call does so many units. */
static void work(const char *name, double units, const char *unit, void (*run)(void *),
                 void *what) {
    char cpu_name[64], cpu_unit[64];
    double wall = rate(run, what, 1);
    snprintf(cpu_name, sizeof cpu_name, "%s_cpu", name);
    snprintf(cpu_unit, sizeof cpu_unit, "%s of cpu", unit);
    row(name, units * wall, unit);
    row(cpu_name, units * median(cpu_rates, repeats), cpu_unit);
}

/* The same of a job that is timed as a whole. */
typedef struct lap {
    double wall, cpu;
} lap;

static lap lap_start(void) {
    lap l;
    l.wall = now(), l.cpu = cpu_seconds();
    return l;
}

static lap lap_stop(lap start, double scale) {
    lap l = lap_start();
    l.wall = scale * (l.wall - start.wall), l.cpu = scale * (l.cpu - start.cpu);
    return l;
}

static double work_laps(const char *name, const lap *laps) {
    char cpu_name[64];
    for (int k = 0; k < repeats; k++) rates[k] = laps[k].wall, cpu_rates[k] = laps[k].cpu;
    double wall = median(rates, repeats);
    snprintf(cpu_name, sizeof cpu_name, "%s_cpu", name);
    row(name, wall, "s");
    row(cpu_name, median(cpu_rates, repeats), "s of cpu");
    return wall;
}

/* A roof is what the machine does if nobody disturbs: seconds of the processor, and the best. */

static double best_rate(void (*run)(void *what), void *what, double share) {
    double (*clock_in_use)(void) = now;
    now = cpu_seconds;
    rate(run, what, share);
    now = clock_in_use;
    return rates[repeats - 1]; /* median has sorted them */
}

/*
## The roof: multiply-adds

Twelve sums that do not depend on each other, all in registers: nothing is ever waited for, not
memory, not the multiply-add before. No program does more on this core. Each instruction set is
tried and the fastest counts.
*/

enum { SUMS = 12, ROUNDS = 100000 };

#if defined(SGM__X86)
__attribute__((target("avx512f"))) static void peak_avx512(void *unused) {
    __m512 sum[SUMS], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm512_set1_ps((float)i);
    for (int k = 0; k < ROUNDS; k++)
        SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm512_fmadd_ps(sum[i], x, y);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sink = _mm512_cvtss_f32(sum[i]);
    (void)unused;
}

__attribute__((target("avx2,fma"))) static void peak_avx2(void *unused) {
    __m256 sum[SUMS], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm256_set1_ps((float)i);
    for (int k = 0; k < ROUNDS; k++)
        SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm256_fmadd_ps(sum[i], x, y);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sink = _mm256_cvtss_f32(sum[i]);
    (void)unused;
}

static void peak_sse2(void *unused) {
    __m128 sum[SUMS], x = _mm_set1_ps(0.999f), y = _mm_set1_ps(0.001f);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm_set1_ps((float)i);
    for (int k = 0; k < ROUNDS; k++)
        SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = _mm_add_ps(_mm_mul_ps(sum[i], x), y);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sink = _mm_cvtss_f32(sum[i]);
    (void)unused;
}
#elif defined(SGM__ARM)
static void peak_neon(void *unused) {
    float32x4_t sum[SUMS], x = vdupq_n_f32(0.999f), y = vdupq_n_f32(0.001f);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = vdupq_n_f32((float)i);
    for (int k = 0; k < ROUNDS; k++)
        SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = vfmaq_f32(y, sum[i], x);
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sink = vgetq_lane_f32(sum[i], 0);
    (void)unused;
}
#endif

static void peak_ref(void *unused) {
    float sum[SUMS];
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = (float)i;
    for (int k = 0; k < ROUNDS; k++)
        SGM__UNROLL for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * 0.999f + 0.001f;
    SGM__UNROLL for (int i = 0; i < SUMS; i++) sink = sum[i];
    (void)unused;
}

static const struct {
    const char *name;
    void (*run)(void *);
} peaks[] = {
#if defined(SGM__X86)
    { "avx512", peak_avx512 }, { "avx2", peak_avx2 }, { "sse2", peak_sse2 },
#elif defined(SGM__ARM)
    { "neon", peak_neon },
#endif
    { "ref", peak_ref }
};

static double peak_gflops(double share) {
    int n = (int)(sizeof peaks / sizeof *peaks);
    double best = 0;
    for (int i = 0; i < n; i++) {
        const sgm__kernels *isa = sgm__kernels_for(peaks[i].name);
        if (!isa) continue;
        double flops = 2.0 * SUMS * ROUNDS * isa->lanes;
        best = fmax(best, 1e-9 * flops * best_rate(peaks[i].run, NULL, share / n));
    }
    return best;
}

static void job_peak(void) { row("fma_peak", peak_gflops(1), "GFLOP/s"); }

/*
## The other roof: bytes

How fast one core reads a block that lies in memory (256 MiB), in the second-level cache (512 KiB),
or between the two like the circle's parameters with their gradient and moments (3.2 MB). Four sums,
so that the additions are not what is measured. The text is compiled once per register width. The
block begins at a multiple of 64 bytes: a register's worth that lies across two cache lines would be
read twice, and a roof is to be the best that can be.
*/

typedef float wide __attribute__((vector_size(64)));
typedef struct block {
    const float *x;
    size_t floats;
} block;

static inline __attribute__((always_inline)) void read_block(const void *what) {
    const block *b = (const block *)what;
    const wide *x = (const wide *)(const void *)b->x, *end = x + b->floats / 16;
    wide s0 = x[0], s1 = x[1], s2 = x[2], s3 = x[3];
    while ((x += 4) < end) s0 += x[0], s1 += x[1], s2 += x[2], s3 += x[3];
    s0 += s1 + s2 + s3;
    sink = s0[0] + s0[15];
}

#if defined(SGM__X86)
__attribute__((target("avx512f"))) static void read_avx512(void *b) { read_block(b); }
__attribute__((target("avx2"))) static void read_avx2(void *b) { read_block(b); }
#endif
static void read_any(void *b) { read_block(b); }

static double gigabytes(const float *x, size_t bytes, double share) {
    void (*read)(void *) = read_any;
    block b = { x, bytes / sizeof(float) };
#if defined(SGM__X86)
    if (sgm__kernels_for("avx512")) read = read_avx512;
    else if (sgm__kernels_for("avx2")) read = read_avx2;
#endif
    return 1e-9 * (double)bytes * best_rate(read, &b, share);
}

static void job_bandwidth(void) {
    size_t bytes = (size_t)256 << 20;
    void *memory_64 = NULL;
    if (posix_memalign(&memory_64, 64, bytes)) fprintf(stderr, "bench: no memory\n"), exit(2);
    float *x = (float *)memory_64;
    for (size_t i = 0; i < bytes / sizeof(float); i++) x[i] = 1.0f;
    row("bandwidth_memory", gigabytes(x, bytes, 0.6), "GB/s");
    row("bandwidth_3mb", gigabytes(x, 4 * 4 * WEIGHTS / 256 * 256, 0.2), "GB/s");
    row("bandwidth_l2", gigabytes(x, (size_t)512 << 10, 0.2), "GB/s");
    free(x);
}

/*
## The three products of a linear layer

$Y = X W + b$, $dX = dY W^⊤$ and $dW = X^⊤ dY$ for a batch of B rows and 256 inputs and outputs, by
the library's one function with strides (3.5).
*/

typedef struct layer {
    float *x, *y, *dx, *dy, *w, *dw, *b;
    int batch;
} layer;

static void forward(void *what) {
    layer *l = (layer *)what;
    sgm__matmul(l->batch, DIM, DIM, l->x, DIM, 1, l->w, DIM, 1, l->b, 0, l->y, DIM);
}

static void input_gradient(void *what) {
    layer *l = (layer *)what;
    sgm__matmul(l->batch, DIM, DIM, l->dy, DIM, 1, l->w, 1, DIM, NULL, 0, l->dx, DIM);
}

static void weight_gradient(void *what) {
    layer *l = (layer *)what;
    sgm__matmul(DIM, DIM, l->batch, l->x, 1, DIM, l->dy, DIM, 1, NULL, 0, l->dw, DIM);
}

static void job_matmul(void) {
    static const int batches[] = { 8, 64, 512, MAX_BATCH };
    static void (*const products[])(void *) = { forward, input_gradient, weight_gradient };
    static const char *const names[] = { "fwd", "dx", "dw" };
    const size_t tall = (size_t)MAX_BATCH * DIM, square = (size_t)DIM * DIM;
    layer l = { noise(tall), noise(tall), noise(tall), noise(tall),
                noise(square), noise(square), noise(DIM), 0 };
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++) {
            char name[32];
            l.batch = batches[i];
            snprintf(name, sizeof name, "matmul_%s_%d", names[k], l.batch);
            row(name, 2e-9 * l.batch * DIM * DIM * rate(products[k], &l, 1.0 / 12), "GFLOP/s");
        }
    free(l.x), free(l.y), free(l.dx), free(l.dy), free(l.w), free(l.dw), free(l.b);
}

/*
## Four trainings

Each in its document's own setting.

**Eight points on a circle**, Gangloff's tutorial: VP with β from 0.001 to 3, times i/999, a network
6→256→256→256→256→2 with ReLU, Adam at 1e-3, batches of eight.

**Eight Gaussians**, the lesson's network of noise levels (proof 15): twelve levels, batch 512.

**Moons**, Homer's sbgm (proof 18): 3→128, five residual layers of tanh with dropout, →2, batch
128, AdaBelief, one moving average. Its notebook did 132 steps/s.

**Images**: the ready U-Net (§3.15), 28 × 28, batch 64, 735 329 parameters.
*/

enum { MOONS = 10000, GAUSSIANS = 60000, LEVELS = 12, IMAGES = 64, PIXELS = 28 * 28 };

typedef struct training {
    sgm_mlp_options net;
    sgm_model model;
    sgm_trainer trainer;
    float *x;
    double grid[TIMES];
} training;

static void training_init(training *a, const sgm_model_options *what, const sgm_train_options *how,
                          long n) {
    must(sgm_model_init(&a->model, what, sgm_key_init(1)));
    must(sgm_trainer_init(&a->trainer, &a->model, a->x, n, how, sgm_key_init(2)));
}

static void training_free(training *a) {
    sgm_trainer_free(&a->trainer);
    sgm_model_free(&a->model);
    free(a->x), free(a);
}

static void train_step(void *what) { must(sgm_trainer_step(&((training *)what)->trainer)); }

static void circle_init(training *a) {
    sgm_model_options what = { .net = sgm_mlp, .user = &a->net, .d = 2, .sde = sgm_sde_vp(0.001, 3),
                               .output = SGM_OUTPUT_SCORE };
    sgm_train_options how = { .steps = 60000, .batch = 8, .lr = 1e-3,
                              .loss = { .times = SGM_TIMES_GRID, .grid = a->grid, .n_grid = TIMES } };
    a->x = memory(16);
    sgm_data_ring(a->x, 8);
    a->net.width = DIM, a->net.depth = 4;
    a->net.activation = SGM_ACTIVATION_RELU, a->net.embedding = SGM_EMBEDDING_CIRCLE;
    for (int i = 0; i < TIMES; i++) a->grid[i] = (i + 1) / (double)TIMES;
    training_init(a, &what, &how, 8);
}

static sgm_tensor *ncsn_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_concat(tape, sgm_time_learned(tape, in->log_sigma, 32), in->x);
    for (int i = 0; i < 3; i++) h = sgm_silu(tape, sgm_linear(tape, h, 256));
    return sgm_linear(tape, h, 2);
}

static void ncsn_init(training *a) {
    sgm_model_options what = { .net = ncsn_net, .d = 2, .sde = sgm_sde_edm(.01, 10),
                               .output = SGM_OUTPUT_SCORE };
    sgm_train_options how = { .steps = 100000, .batch = 512, .clip = 1, .lr = 1e-3, .lr_end = 1e-5,
                              .held_out = -1,
                              .loss = { .times = SGM_TIMES_GRID, .grid = a->grid, .n_grid = LEVELS,
                                        .scale = .25 } };
    a->x = memory(2 * GAUSSIANS);
    sgm_data_gaussians(a->x, GAUSSIANS, 8, 5, .4, sgm_key_init(1));
    for (int i = 0; i < LEVELS; i++) a->grid[i] = 10 * pow(1e-3, i / (LEVELS - 1.));
    training_init(a, &what, &how, GAUSSIANS);
}

static float *moons_points(void) {
    float *x = memory(2 * MOONS);
    sgm_data_moons(x, MOONS, 0.05, sgm_key_init(5));
    for (int i = 0; i < 2 * MOONS; i++) x[i] = (x[i] - 0.375f) / 0.718f;
    return x;
}

static sgm_model_options moons_model(sgm_mlp_options *net) {
    sgm_model_options what = { .net = sgm_residual_mlp, .user = net, .d = 2, .sde = sgm_sde_vp(1, 1),
                               .output = SGM_OUTPUT_SCORE };
    net->width = 128, net->depth = 5;
    net->activation = SGM_ACTIVATION_TANH, net->embedding = SGM_EMBEDDING_RAW;
    what.sde.T = 4, what.sde.t_min = 1e-5;
    return what;
}

static void moons_init(training *a) {
    sgm_model_options what = moons_model(&a->net);
    sgm_train_options how = { .steps = 100000000, .batch = 128, .lr = 1e-4,
                              .optimiser = SGM_OPTIMISER_ADABELIEF, .held_out = -1 };
    a->net.dropout = 0.1f, what.n_ema = 1;
    a->x = moons_points();
    training_init(a, &what, &how, MOONS);
}

static void unet_init(training *a) {
    sgm_model_options what = { .net = sgm_unet, .d = PIXELS, .sde = sgm_sde_vp(0.1, 20),
                               .output = SGM_OUTPUT_NOISE };
    sgm_train_options how = { .steps = 1000000, .batch = IMAGES, .lr = 1e-3, .held_out = -1 };
    a->x = noise(IMAGES * PIXELS);
    training_init(a, &what, &how, IMAGES);
}

static const struct {
    const char *name, *unit;
    double units; /* in a step */
    void (*init)(training *);
} trainings[] = {
    { "circle_train", "steps/s", 1, circle_init }, { "ncsn_train", "steps/s", 1, ncsn_init },
    { "moons_train", "steps/s", 1, moons_init }, { "unet_train", "images/s", IMAGES, unet_init }
};

enum { CIRCLE, NCSN, MOON, UNET, N_TRAININGS };

static training *training_new(int which) {
    training *a = (training *)calloc(1, sizeof *a);
    if (!a) fprintf(stderr, "bench: no memory\n"), exit(2);
    trainings[which].init(a);
    return a;
}

/* The circle's not from the first step: in a network that has learnt for a while, many units have
died, the moments of their gradients decay, and numbers below 1e-38 are slow on many processors. */

static void job_train(int which) {
    training *a = training_new(which);
    for (int i = 0; which == CIRCLE && i < warm_up; i++) train_step(a);
    work(trainings[which].name, trainings[which].units, trainings[which].unit, train_step, a);
    training_free(a);
}

static void job_circle_train(void) { job_train(CIRCLE); }
static void job_ncsn_train(void) { job_train(NCSN); }
static void job_moons_train(void) { job_train(MOON); }
static void job_unet_train(void) { job_train(UNET); }

/*
## A busy machine

A laptop with a browser, a server with other people's programs: one endless loop per processor runs
beside the training, and the library takes as many threads as it does by itself. Shared fairly, half
of what an idle machine does is left. Idle and busy slices take turns; printed is their quotient. A
slice is two seconds or more: the system takes some tenths of one to spread new programs over cores.
*/

enum { MOST_LOOPS = 1024 };
static pid_t loops[MOST_LOOPS];
static int n_loops;

static void loops_stop(void) {
    while (n_loops) kill(loops[--n_loops], SIGKILL), waitpid(loops[n_loops], NULL, 0);
}

/* But no loop outlives who asked for it. */
static void endless(pid_t parent) {
    for (volatile long i = 0;; i++)
        if (i % 10000000 == 0 && getppid() != parent) _exit(0);
}

static void loops_start(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    for (; n_loops < n && n_loops < MOST_LOOPS; n_loops++) {
        pid_t parent = getpid(), child = fork();
        if (child < 0) loops_stop(), fprintf(stderr, "bench: no child\n"), exit(2);
        if (child == 0) endless(parent);
        loops[n_loops] = child;
    }
    for (double start = sgm_seconds(); sgm_seconds() - start < .1;) usleep(1000);
}

static void job_busy(void) {
    double share[MAX_REPEATS], idle[MAX_REPEATS], busy[MAX_REPEATS];
    atexit(loops_stop);
    must(sgm_set_threads(threads == 1 ? 0 : threads));
    for (int which = 0; which < N_TRAININGS; which++) {
        training *a = training_new(which);
        double slice = fmax(seconds / (2 * repeats * N_TRAININGS), 2), units = trainings[which].units;
        char name[64];
        slice_rate(train_step, a, slice / 2, NULL);
        for (int k = 0; k < repeats; k++) {
            idle[k] = units * slice_rate(train_step, a, slice, NULL);
            loops_start();
            busy[k] = units * slice_rate(train_step, a, slice, NULL);
            loops_stop();
            share[k] = busy[k] / idle[k];
        }
        snprintf(name, sizeof name, "%s_busy_share", trainings[which].name);
        row(name, median(share, repeats), "1");
        snprintf(name, sizeof name, "%s_idle", trainings[which].name);
        row(name, median(idle, repeats), trainings[which].unit);
        snprintf(name, sizeof name, "%s_busy", trainings[which].name);
        row(name, median(busy, repeats), trainings[which].unit);
        training_free(a);
    }
    must(sgm_set_threads(threads));
}

/*
## Samples and scores

The circle's 5000 samples by 998 steps of Euler–Maruyama, down to t = 0; and the scores of 64 images.
*/

/* The seconds that the first `count` of the 998 steps take, from the prior on. */
static lap sample_lap(training *a, int count, float *x) {
    sgm_score score = sgm_model_score(&a->model, SGM_RAW);
    sgm_sample_options o = { .method = SGM_METHOD_EULER_MARUYAMA, .steps = STEPS, .plain_end = 1 };
    sgm_sampler sampler;
    lap start = lap_start();
    must(sgm_sampler_init(&sampler, &score, SAMPLES, &o, sgm_key_init(9)));
    sgm_sampler_prior(&sampler, x);
    for (int i = 0; i < count; i++) must(sgm_sampler_step(&sampler, x));
    sgm_sampler_free(&sampler);
    return lap_stop(start, (double)STEPS / count);
}

static void job_circle_sample(void) {
    training *a = training_new(CIRCLE);
    float *x = memory(2 * SAMPLES);
    lap laps[MAX_REPEATS];
    sample_lap(a, 5, x);
    for (int k = 0; k < repeats; k++) laps[k] = sample_lap(a, steps, x);
    double time = work_laps("circle_sample", laps);
    row("circle_sample_speed", 2e-9 * WEIGHTS * SAMPLES * STEPS / time, "GFLOP/s");
    free(x), training_free(a);
}

typedef struct scores {
    sgm_score score;
    float *s, *x, *t;
    long n;
} scores;

static void score_points(void *what) {
    scores *b = (scores *)what;
    must(sgm_score_eval(&b->score, b->s, b->x, b->t, b->n));
}

static scores scores_new(const sgm_score *score, long n, int d) {
    scores b = { *score, memory((size_t)n * d), noise((size_t)n * d), memory((size_t)n), n };
    sgm_uniform(b.t, (size_t)n, sgm_key_init(3), 0);
    return b;
}

static void scores_free(scores *b) { free(b->s), free(b->x), free(b->t); }

static void job_unet_forward(void) {
    training *a = training_new(UNET);
    sgm_score score = sgm_model_score(&a->model, SGM_RAW);
    scores b = scores_new(&score, IMAGES, PIXELS);
    work("unet_forward", IMAGES, "images/s", score_points, &b);
    scores_free(&b), training_free(a);
}

/*
The U-Net of the lesson, as diffusers builds it: 17 217 923 parameters, images of 32 × 32 × 3. And if
the package has left a checkpoint of it, with what it says of two images: how far ours is from that.
*/

static void job_diffusers(void) {
    enum { BATCH = 8, D = 32 * 32 * 3 };
    static sgm_diffusers net = { .h = 32, .w = 32, .levels = 4, .width = { 64, 128, 128, 256 },
                                 .down = { 0, 0, 1, 0 }, .up = { 0, 1, 0, 0 } };
    const char *folder = getenv("DIFFUSERS");
    char path[600];
    sgm_ddpm table;
    sgm_model model;
    sgm_archive io;
    must(sgm_ddpm_init(&table, NULL, 1000));
    sgm_model_options what = { .net = sgm_diffusers_net, .user = &net, .d = D,
                               .sde = sgm_ddpm_sde(&table), .output = SGM_OUTPUT_NOISE };
    must(folder ? sgm_diffusers_unet(&model, folder, &what)
                : sgm_model_init(&model, &what, sgm_key_init(1)));
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    scores b = scores_new(&score, BATCH, D);
    for (int i = 0; i < BATCH; i++) b.t[i] = (float)(1 + floor(999 * b.t[i]));
    if (folder) {
        snprintf(path, sizeof path, "%.500s/io.safetensors", folder);
        must(sgm_archive_load(&io, path));
        const sgm_array *x = sgm_archive_find(&io, "x"), *out = sgm_archive_find(&io, "out");
        const float t[2] = { 8, 1000 };
        double off = 0;
        must(sgm_score_eval(&score, b.s, x->data, t, 2));
        for (long i = 0; i < 2 * D; i++)
            off = fmax(off, fabs(-sgm_sde_s(&what.sde, t[i / D]) * b.s[i] - out->data[i]));
        row("diffusers_off", off, "of the output");
        sgm_archive_free(&io);
    }
    work("diffusers_forward", BATCH, "images/s", score_points, &b);
    scores_free(&b), sgm_model_free(&model), sgm_ddpm_free(&table);
}

/*
## Exact scores and random numbers

The score of the eight points' noised mixture, which is in doubles and is what everything else is
held against; and standard normals, by blocks of 64 Ki.
*/

static void job_mixture(void) {
    float data[16];
    sgm_mixture mix;
    sgm_sde sde = sgm_sde_vp(0.001, 3);
    sgm_data_ring(data, 8);
    must(sgm_mixture_from_data(&mix, data, 8, 2, &sde));
    sgm_score score = sgm_mixture_score(&mix);
    scores b = scores_new(&score, SAMPLES, 2);
    row("mixture_scores", SAMPLES * rate(score_points, &b, 1), "1/s");
    scores_free(&b);
    sgm_mixture_free(&mix);
}

static void draw_normals(void *what) { sgm_normal((float *)what, 65536, sgm_key_init(4), 0); }

static void job_normals(void) {
    float *z = memory(65536);
    row("normals", 65536 * rate(draw_normals, z, 1), "1/s");
    free(z);
}

/*
## The likelihood of moons

The network of the training of moons, after a short training, as its score; and the log-likelihood
of 10 000 points by the exact trace, RK45 at 1e-5. The parameters and the points go to
out/bench/moons.safetensors: a peer solves the same equation.
*/

static void job_moons_likelihood(void) {
    int n = steps < STEPS ? 1000 : MOONS; /* as for the sampler: a part, scaled to all */
    float *x = moons_points();
    double *logp = (double *)malloc(MOONS * sizeof *logp);
    lap laps[MAX_REPEATS];
    sgm_mlp_options net = { 0 };
    sgm_model_options what = moons_model(&net);
    sgm_train_options how = { .steps = 2000, .lr = 1e-3, .cosine = 1 };
    sgm_likelihood_options exact = { .unchecked = 1 };
    sgm_likelihood_result r;
    sgm_model model;
    if (!logp) fprintf(stderr, "bench: no memory\n"), exit(2);
    must(sgm_model_init(&model, &what, sgm_key_init(1)));
    must(sgm_train(&model, x, MOONS, &how, sgm_key_init(2)));
    sgm_array arrays[2] = { { "params", model.params, 1, (long)model.n_params },
                            { "points", x, MOONS, 2 } };
    if (sgm_archive_save("out/bench/moons.safetensors", arrays, 2, NULL, 0))
        fprintf(stderr, "bench: %s; a peer then has a network of its own\n", sgm_error());
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    for (int k = -1; k < repeats; k++) {
        lap start = lap_start();
        must(sgm_likelihood(logp, NULL, NULL, x, k < 0 ? 100 : n, &score, &exact, &r,
                            sgm_key_init(3)));
        if (k >= 0) laps[k] = lap_stop(start, (double)MOONS / n);
    }
    work_laps("moons_likelihood", laps);
    row("moons_likelihood_evaluations", (double)r.nfe, "1");
    row("moons_likelihood_nats", r.nats, "nats");
    sgm_model_free(&model);
    free(x), free(logp);
}

/*
## Memory

Memory is asked of the system, and a process cannot un-touch what it has touched: each job runs for
a moment in a child of its own, after which nothing new is allocated in such a run. The circle's
trains 200 steps and samples 5.
*/

static void few_steps(int which, int count) {
    training *a = training_new(which);
    for (int i = 0; i < count; i++) train_step(a);
}

static void touch_circle(void) {
    training *a = training_new(CIRCLE);
    float *x = memory(2 * SAMPLES);
    for (int i = 0; i < 200; i++) train_step(a);
    sample_lap(a, 5, x);
}

static void touch_circle_train(void) { few_steps(CIRCLE, 20); }
static void touch_ncsn_train(void) { few_steps(NCSN, 20); }
static void touch_moons_train(void) { few_steps(MOON, 20); }
static void touch_unet_train(void) { few_steps(UNET, 3); }

static void touch_circle_sample(void) { sample_lap(training_new(CIRCLE), 20, memory(2 * SAMPLES)); }

static void touch_unet_forward(void) {
    scores b;
    sgm_model model;
    sgm_model_options what = { .net = sgm_unet, .d = PIXELS, .sde = sgm_sde_vp(0.1, 20),
                               .output = SGM_OUTPUT_NOISE };
    must(sgm_model_init(&model, &what, sgm_key_init(1)));
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    b = scores_new(&score, IMAGES, PIXELS);
    for (int i = 0; i < 3; i++) score_points(&b);
}

static void touch_moons_likelihood(void) {
    static double logp[MOONS];
    sgm_mlp_options net = { 0 };
    sgm_model_options what = moons_model(&net);
    sgm_likelihood_options exact = { .unchecked = 1, .solve = { .rtol = 1e-2, .atol = 1e-2 } };
    sgm_likelihood_result r;
    sgm_model model;
    must(sgm_model_init(&model, &what, sgm_key_init(1)));
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    must(sgm_likelihood(logp, NULL, NULL, moons_points(), MOONS, &score, &exact, &r,
                        sgm_key_init(3)));
}

static void job_memory(void) {
    static const struct {
        const char *name;
        void (*touch)(void);
    } all[] = {
        { "circle_memory", touch_circle }, { "circle_train_memory", touch_circle_train },
        { "circle_sample_memory", touch_circle_sample }, { "ncsn_train_memory", touch_ncsn_train },
        { "moons_train_memory", touch_moons_train },
        { "moons_likelihood_memory", touch_moons_likelihood },
        { "unet_train_memory", touch_unet_train }, { "unet_forward_memory", touch_unet_forward }
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct rusage use;
        int status = 0;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            /* a child's default is one thread if its parent could use more */
            must(sgm_set_threads(threads));
            all[i].touch();
            _exit(0);
        }
        if (child < 0 || wait4(child, &status, 0, &use) != child || status != 0) {
            fprintf(stderr, "bench: the child that measures %s failed\n", all[i].name);
            exit(2);
        }
#if defined(__APPLE__)
        row(all[i].name, (double)use.ru_maxrss / 1048576, "MiB");
#else
        row(all[i].name, (double)use.ru_maxrss / 1024, "MiB");
#endif
    }
}

/*
## Layer by layer

Every kind of layer alone on a tape, at the shapes that the U-Net, the mixer and the DiT of §3.15
give it (64 images): its forward pass, and forward with backward. The multiply-adds are those of the
definition, seven loops for a convolution: Winograd's form of a 3 × 3 convolution does with fewer,
so its share of the peak may be above 1. A norm or an up-sampling multiplies little: what bounds it
is bytes, and what is given is the floats that it must read and write. The time in which the input
gets onto the tape is taken off.
*/

typedef struct kind_of_layer {
    const char *name;
    int kind, side, in, out; /* of tokens, side is their number and in their width */
    double flops, bytes;     /* of one forward pass, and bytes where flops are none */
} kind_of_layer;

enum { CONV3, CONV1, STRIDE2, UPSAMPLE, NORM, LINEAR, ATTENTION };

static struct {
    const kind_of_layer *l;
    sgm_tape *tape;
    float *x, *params, *grads;
    size_t n_params;
    int back, nothing;
} at;

static void layer_pass(void *unused) {
    const kind_of_layer *l = at.l;
    int square = l->kind != LINEAR && l->kind != ATTENTION, n = IMAGES * (square ? 1 : l->side);
    (void)unused;
    sgm_tape_reset(at.tape, at.params, at.back ? at.grads : NULL, at.n_params, sgm_key_init(1), 0);
    sgm_tensor *y = NULL;
    sgm_tensor *x = sgm_tape_input(at.tape, at.x, n, square ? l->side * l->side * l->in : l->in);
    if (at.back) sgm_tape_watch(at.tape, x);
    switch (at.nothing ? -1 : l->kind) {
    case CONV3: y = sgm_conv2d(at.tape, x, l->side, l->side, l->out, 3, 1); break;
    case CONV1: y = sgm_conv2d(at.tape, x, l->side, l->side, l->out, 1, 1); break;
    case STRIDE2: y = sgm_conv2d(at.tape, x, l->side, l->side, l->out, 3, 2); break;
    case UPSAMPLE: y = sgm_upsample(at.tape, x, l->side, l->side); break;
    case NORM:
        y = sgm_group_norm(at.tape, x, l->side, l->side, 8, SGM_NORM_OWN | SGM_NORM_SILU, NULL, NULL);
        break;
    case LINEAR: y = sgm_linear(at.tape, x, l->out); break;
    case ATTENTION: y = sgm_attention(at.tape, x, x, x, l->side, 4); break;
    }
    if (y && at.back) {
        float *slope = sgm_tape_gradient_of(at.tape, y);
        for (long i = 0; slope && i < (long)y->rows * y->cols; i += 16) slope[i] = 1;
        must(sgm_tape_backward(at.tape));
    }
    must(sgm_tape_status(at.tape));
}

static void job_layers(void) {
    static const kind_of_layer layers[] = {
        { "conv 3x3, 28x28, 32 to 32", CONV3, 28, 32, 32, 2. * 9 * 784 * 32 * 32, 0 },
        { "conv 3x3, 14x14, 64 to 64", CONV3, 14, 64, 64, 2. * 9 * 196 * 64 * 64, 0 },
        { "conv 3x3, 7x7, 128 to 128", CONV3, 7, 128, 128, 2. * 9 * 49 * 128 * 128, 0 },
        { "conv 1x1, 28x28, 96 to 32", CONV1, 28, 96, 32, 2. * 784 * 96 * 32, 0 },
        { "conv 3x3, 28x28, stride 2, 32 to 32", STRIDE2, 28, 32, 32, 2. * 9 * 196 * 32 * 32, 0 },
        { "linear, 49 tokens, 128 to 512", LINEAR, 49, 128, 512, 2. * 49 * 128 * 512, 0 },
        { "attention, 49 tokens, 128, 4 heads", ATTENTION, 49, 128, 128, 4. * 49 * 49 * 128, 0 },
        { "norm and SiLU, 28x28, 32", NORM, 28, 32, 32, 0, 8. * 784 * 32 },
        { "up-sampling, 14x14, 64", UPSAMPLE, 14, 64, 64, 0, 4. * 5 * 196 * 64 }
    };
    enum { N = sizeof layers / sizeof *layers, MOST = IMAGES * 784 * 96, PARAMS = 1 << 18 };
    at.x = noise(MOST), at.params = noise(PARAMS), at.grads = memory(PARAMS);
    for (int i = 0; i < PARAMS; i++) at.params[i] *= 0.05f;
    at.n_params = PARAMS, at.tape = sgm_tape_new();
    if (!at.tape) fprintf(stderr, "bench: no memory\n"), exit(2);
    for (int i = 0; i < N; i++)
        for (at.back = 0; at.back < 2; at.back++) {
            const kind_of_layer *l = at.l = &layers[i];
            char name[96];
            double time = 1 / rate(layer_pass, NULL, .8 / (2 * N)), work = l->flops + l->bytes;
            at.nothing = 1, time -= 1 / rate(layer_pass, NULL, .2 / (2 * N)), at.nothing = 0;
            snprintf(name, sizeof name, "%s%s", l->name, at.back ? ", with backward" : "");
            /* backward: the input's and the parameters' gradient, each as much as forward */
            row(name, 1e-9 * IMAGES * work / time * (at.back ? 3 : 1), l->flops > 0 ? "GFLOP/s" : "GB/s");
        }
    sgm_tape_free(at.tape);
    free(at.x), free(at.params), free(at.grads);
}

static const struct {
    const char *name;
    void (*run)(void);
} jobs[] = {
    { "memory", job_memory }, { "peak", job_peak }, { "bandwidth", job_bandwidth },
    { "matmul", job_matmul }, { "circle_train", job_circle_train },
    { "circle_sample", job_circle_sample }, { "mixture", job_mixture }, { "normals", job_normals },
    { "moons_likelihood", job_moons_likelihood }, { "moons_train", job_moons_train },
    { "ncsn_train", job_ncsn_train }, { "unet_train", job_unet_train },
    { "unet_forward", job_unet_forward }, { "diffusers", job_diffusers },
    { "layers", job_layers }, { "busy", job_busy }
};

enum { N_JOBS = sizeof jobs / sizeof *jobs };

int main(int argc, char **argv) {
    const char *quick = getenv("QUICK"), *job = "all";
    int is_quick = quick && *quick && strcmp(quick, "0") != 0, found = 0;
    seconds = is_quick ? 0.5 : 3, steps = is_quick ? 10 : STEPS, warm_up = is_quick ? 500 : 5000;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') job = argv[i];
        else if (!strcmp(argv[i], "--cpu")) now = cpu_seconds;
        else if (!strcmp(argv[i], "--isa")) return puts(sgm_isa()), 0;
        else if (i + 1 < argc && !strcmp(argv[i], "--threads")) threads = atoi(argv[++i]);
        else if (i + 1 < argc && !strcmp(argv[i], "--seconds")) seconds = atof(argv[++i]);
        else if (i + 1 < argc && !strcmp(argv[i], "--repeats")) repeats = atoi(argv[++i]);
        else if (i + 1 < argc && !strcmp(argv[i], "--steps")) steps = atoi(argv[++i]);
        else found = -1;
    }
    if (!(seconds > 0) || repeats < 1 || repeats > MAX_REPEATS || steps < 1 || steps > STEPS)
        found = -1;
    must(sgm_set_threads(threads));
    for (int i = 0; found >= 0 && i < N_JOBS; i++)
        if (!strcmp(job, jobs[i].name) || (!strcmp(job, "all") && jobs[i].run != job_busy)) jobs[i].run(), found = 1;
    if (found > 0) return 0;
    fprintf(stderr, "usage: bench [JOB] [--threads N] [--seconds S] [--repeats 1..%d] [--steps 1..%d] [--cpu]\n"
            "JOB is all", MAX_REPEATS, STEPS);
    for (int i = 0; i < N_JOBS; i++) fprintf(stderr, ", %s", jobs[i].name);
    fprintf(stderr, "\n");
    return 2;
}
