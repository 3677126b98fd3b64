/*
sgm.h - v0.2 - score-based generative models in one C99 header - public domain or MIT

A library, a book and the engine of a course. Copy this one file into your project; in *one* C or
C++ file write

    #define SGM_IMPLEMENTATION
    #include "sgm.h"

and in every other file just `#include "sgm.h"`. Compile with `cc -O2 yours.c -lm`; add `-fopenmp`
and it uses all your cores. Nothing else is needed: no other library, no download, no -march flag.

Here is a complete program (it is `examples/hello.c`). It learns to draw from a distribution that it
only knows by eight points, and prints fresh samples:

    #define SGM_IMPLEMENTATION
    #include "sgm.h"

    int main(void) {
        float points[8 * 2], samples[1000 * 2];
        sgm_data_ring(points, 8);
        sgm_model_options net = {.net = sgm_mlp, .d = 2, .sde = sgm_sde_vp(0.1, 20), .n_ema = 1};
        sgm_train_options run = {.steps = 4000, .cosine = 1, .progress = "training"};
        sgm_model model;
        if (sgm_model_init(&model, &net, sgm_key_init(1)) ||
            sgm_train(&model, points, 8, &run, sgm_key_init(2)))
            return fprintf(stderr, "%s\n", sgm_error()), 1;
        sgm_score score = sgm_model_score(&model, 0);
        if (sgm_sample(samples, 1000, &score, NULL, sgm_key_init(3)))
            return fprintf(stderr, "%s\n", sgm_error()), 1;
        for (int i = 0; i < 1000; i++) printf("%g %g\n", samples[2 * i], samples[2 * i + 1]);
        sgm_model_free(&model);
        return 0;
    }

# What it does

- Turns data into noise by a stochastic differential equation: VP, sub-VP, VE, cosine, EDM,
  rectified, or your own (chapter 1).
- Learns the *score* $∇_x log p_t(x)$ of the noised data with a neural network (chapters 2 to 4), or
  gives you the exact score where the data is a Gaussian mixture or a finite set of points.
- Turns noise back into data with that score by fifteen methods (chapters 5 and 7), or walks at one
  noise level, or down a ladder of them (chapter 6).
- Tells the likelihood of a point, with its error, or a bound of it (chapter 7).
- Reads U-Nets of HuggingFace's diffusers and its tables of noise (§F.10).
- Draws under a condition: a label, a vector, an image, a measurement y = A x + noise, this also
  exactly, in the limit of many particles (chapter 8).
- Measures how far the result is from the truth (chapter 9).

# What it does not do

- No GPU, no float16. Several machines share a training through one hook (`examples/mpi`).
- No compilation with `-ffast-math` or a part of it, nor for the x87: results are defined to the
  bit. Such flags are refused, where a macro tells of them; link without them too.
- No lock for you. Any number of threads may evaluate, sample and ask likelihoods from one model,
  mixture, condition or guided score at once. What a call changes (a trainer, a sampler, a model
  that learns or loads) wants one thread at a time. With `-fopenmp` a call uses threads itself.
- It never exits, and prints nothing but the progress bar that you ask for.
- No array of 2³¹ numbers where long has 32 bits (Windows). With tcc, which knows no memory of a
  thread's own, threads share the text of the last error.

# Options

Define these before the `#include` that has `SGM_IMPLEMENTATION`:

    SGM_STATIC                all functions static: private to that file; or
    SGM_API                   what stands before each function, as __declspec(dllexport)
    SGM_MALLOC(n), SGM_REALLOC(p,n), SGM_FREE(p)    your allocator (all three or none)
    SGM_ASSERT(x)             your assert, for the library's own invariants
    SGM_NO_SIMD               only the plain C kernels
    SGM_SSE2                  kernels also for x86 without fused multiply-add: 25 times as fast as
                              plain C there or more, but other last bits
    SGM_NO_THREADS            ignore -fopenmp
    SGM_NO_STDIO              no files, no progress bar
    SGM_LINKED                the implementation is in an object that you link, compiled once:
                              SGM_IMPLEMENTATION is passed over
    SGM_ZLIB                  read files compressed by gzip (link -lz)

This file may have any name. Pasted into a .c file it cannot read itself once per instruction set,
as it does: the results are the same, by the plain kernels. The environment variable
`SGM_ISA=ref|sse2|avx2|avx512|neon` forces one set of kernels. In a browser the results are
the same, too: `clang --target=wasm32-wasi -msimd128`.

# Conventions

An array of n points in dimension D is one block of n·D floats, point after point (row-major). Your
buffers stay yours: the library writes results where you point it. Option structs may be zeroed, and
then every field means its default. Where zero could be a wish too (`beta1`, `rtol`, the mean of a
law of times), write 1e-30. What is not known is NaN, not 0, in every result; a log likelihood is
log p, the higher the better. A function that can fail returns `sgm_status`, and `sgm_error()` then
tells what was wrong and how to cure it. Random numbers are keyed: the same key gives the same
numbers, on every machine, for any number of threads. Two functions that must not share noise get
two keys (`sgm_key_split`).

# Notation

| symbol     | in C    | shape | unit           | what it is, and an example |
|------------|---------|-------|----------------|----------------------------------------------|
| $B$, $n$   | `n`     | 1     | points         | how many points are treated at once: 128 |
| $D$        | `d`     | 1     | numbers        | dimension of one point: 2 |
| $t$        | `t`     | (n)   | diffusion time | 0 is data, $T$ is noise: 0.5 |
| $x_0$      | `x0`    | (n,D) | the data's     | a clean point |
| $x$, $x_t$ | `x`     | (n,D) | the data's     | a noisy point |
| $ε$        | `eps`   | (n,D) | 1              | standard normal noise |
| $m_t$      | `m`     | 1     | 1              | mean coefficient of the kernel: 0.9 |
| $s_t$      | `s`     | 1     | the data's     | its standard deviation: 0.4 |
| $f(t)$     | `f`     | 1     | 1/time         | drift coefficient: −½β(t) |
| $g(t)$     | `g`     | 1     | data/√time     | diffusion coefficient: √β(t) |
| $p_t$      |         |       |                | density of the noised data at time t |
| $s_θ(x,t)$ | `score` | (n,D) | 1/data         | the score $∇_x log p_t(x)$, or a model of it |
| $λ(t)$     | `logsnr` | 1    | 1              | log-SNR $log(m²/s²)$, which falls with t: 1.6 |
| $σ$        | `sigma` | 1     | the data's     | noise level $s_t/m_t$: 0.44 |
| $w(t)$     | `w`     | (n)   | 1              | weight of the loss $‖ε − ε̂‖²$ at time t |

# Contents

Part I, the interface: what you may call, in the order of the chapters. Part II, the book: each
chapter explains its equations and then carries them out.

    1  The forward process            A  Ground: errors, memory, random numbers, exp and log
    2  Scores and score matching      B  Kernels: the inner loops, once per instruction set
    3  Networks                       C  Files: safetensors, tables, images
    4  Learning
    5  The reverse SDE
    6  Langevin dynamics
    7  The probability-flow ODE
    8  Guidance
    9  Data and measures
*/

#ifdef SGM_LINKED
#undef SGM_IMPLEMENTATION
#endif
/* Macros of these names would change the text below. `tests/portable.sh names` writes the list. */
#if (!defined(SGM_H) || (defined(SGM_IMPLEMENTATION) && !defined(SGM__IMPLEMENTED))) && ( \
    defined A || defined T || defined a || defined b || defined batch || defined buffer || \
    defined c || defined channels || defined classes || defined cols || defined columns || \
    defined cond || defined count || defined d || defined data || defined depth || defined eps || \
    defined family || defined g || defined gamma || defined grid || defined h || defined i || \
    defined in || defined index || defined j || defined jd || defined js || defined k || \
    defined key || defined label || defined labels || defined level || defined levels || \
    defined lr || defined m || defined n || defined na || defined name || defined nb || \
    defined noise || defined o || defined of || defined op || defined p || defined q || \
    defined real || defined rows || defined s || defined scale || defined score || defined se || \
    defined seed || defined shape || defined sigma || defined size || defined steps || \
    defined t || defined t0 || defined t1 || defined to || defined tr || defined u || \
    defined up || defined v || defined w || defined width || defined x || defined x0 || \
    defined y || defined z)
#define SGM__TAKEN
#elif defined(SGM_IMPLEMENTATION) && !defined(SGM__IMPLEMENTED) && ( \
    defined B || defined C || defined Ch || defined Ck || defined D || defined G || defined In || \
    defined K || defined L || defined M || defined Mk || defined O || defined P || defined Q || \
    defined V || defined Vk || defined W || defined X || defined Y || defined a1 || defined a2 || \
    defined aj || defined ap || defined at || defined av || defined b1 || defined b2 || \
    defined bits || defined bj || defined bv || defined by || defined ca || defined cb || \
    defined cj || defined cp || defined cq || defined cs || defined cv || defined d1 || \
    defined d2 || defined db || defined dc || defined dims || defined du || defined dv || \
    defined dw || defined dx || defined dy || defined e || defined f || defined f1 || \
    defined f2 || defined fd || defined fx || defined fy || defined g2 || defined gj || \
    defined gv || defined hi || defined i0 || defined i1 || defined i2 || defined ii || \
    defined is || defined jb || defined jj || defined k0 || defined k1 || defined kl || \
    defined l || defined la || defined lambda || defined lb || defined li || defined lo || \
    defined lx || defined ly || defined m1 || defined m2 || defined ma || defined mb || \
    defined mj || defined mp || defined mq || defined mu || defined mv || defined ok || \
    defined p0 || defined p1 || defined p2 || defined pa || defined pb || defined pj || \
    defined pu || defined qu || defined qx || defined r || defined r0 || defined r1 || \
    defined r2 || defined rk || defined rv || defined s0 || defined s1 || defined s2 || \
    defined s3 || defined sb || defined sd || defined sj || defined sn || defined st || \
    defined state || defined sv || defined sx || defined sy || defined theta || defined vf || \
    defined vi || defined vs || defined vu || defined vw || defined x1 || defined x2 || \
    defined x3 || defined xc || defined xj || defined xv || defined xy || defined yj || \
    defined z1 || defined z2 || defined zj)
#define SGM__TAKEN
#endif
#ifdef SGM__TAKEN
#error "sgm.h: #include it before you define macros with names of one or two letters, or data, size"
#undef SGM__TAKEN
#define SGM_H
#define SGM__IMPLEMENTED
#endif

#ifndef SGM_H
#define SGM_H

#define SGM_VERSION "0.2.0"

#include <stddef.h>
#include <stdint.h>

#if defined(SGM_API)
#define SGM__API_IS 2
#elif !defined(SGM_STATIC)
#define SGM_API extern
#define SGM__API_IS 0
#elif defined(__GNUC__)
#define SGM_API static __attribute__((unused))
#define SGM__API_IS 1
#else
#define SGM_API static
#define SGM__API_IS 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
# Part I: the interface

## 0. What every call shares: errors, keys and random numbers
*/

typedef enum sgm_status {
    SGM_OK = 0,
    SGM_BAD_ARGUMENT, /* a size, option or pointer that makes no sense              */
    SGM_NO_MEMORY,    /* the allocator returned NULL                                */
    SGM_NO_FILE,      /* a file could not be opened, read, written or renamed       */
    SGM_BAD_FILE,     /* a file's contents are not what they should be              */
    SGM_MISMATCH,     /* two things that must fit (shapes, settings) do not         */
    SGM_NOT_FINITE,   /* NaN or infinity in data, a loss or a gradient              */
    SGM_NOT_LEARNT    /* a model's samples are far from the data it was trained on  */
} sgm_status;

SGM_API const char *sgm_status_name(sgm_status status); /* "SGM_NO_FILE" */
SGM_API const char *sgm_error(void);
/* The last error's message in this thread: what was wrong, and the cure. "" before any error. */

typedef struct sgm_key {
    uint32_t k[2];
} sgm_key;

SGM_API sgm_key sgm_key_init(uint64_t seed);
SGM_API sgm_key sgm_key_split(sgm_key key, uint64_t i);
/* The i-th child of a key: a key of its own, unrelated to its siblings. */
SGM_API void sgm_philox(uint32_t out[4], const uint32_t counter[4], sgm_key key);
/* Philox4x32-10: four random words from a counter and a key (Salmon et al. 2011, section 3.3). */
SGM_API void sgm_uniform(float *u, size_t n, sgm_key key, uint64_t first);
SGM_API void sgm_normal(float *z, size_t n, sgm_key key, uint64_t first);
/* n draws from U(0,1), or N(0,1). Draw i depends on (key, first+i) alone: any chunking of a long
   sequence gives the same numbers. Never exactly 0 or 1; |z| < 7.6 (A.1). */
SGM_API uint64_t sgm_below(sgm_key key, uint64_t i, uint64_t n); /* i-th draw of {0..n-1}; 0 of 0 */
SGM_API uint64_t sgm_permute(uint64_t i, uint64_t n, sgm_key key);
/* Where a keyed shuffle of {0..n-1} sends i < n: a bijection, without a table (see §A.4). An i >= n
   stays where it is. */

/*
## 1. The forward process

$dx = f(t) x dt + g(t) dW$, so $x_t | x_0 ∼ N(m_t x_0, s_t² I)$.
*/

typedef enum sgm_family {
    SGM_FAMILY_NONE = 0,
    SGM_FAMILY_VP,          /* f = -β/2, g² = β, β(t) = a + t(b-a) */
    SGM_FAMILY_COSINE,      /* VP with m(t) = cos(π/2·(t+.008)/1.008)/cos(π/2·.008/1.008) */
    SGM_FAMILY_SUBVP,       /* f = -β/2, g² = β(1-exp(-2∫β)), β as VP */
    SGM_FAMILY_VE,          /* f = 0, σ(t) = a(b/a)^t, g² = dσ²/dt */
    SGM_FAMILY_EDM,         /* f = 0, σ(t) = t, g² = 2t */
    SGM_FAMILY_RECTIFIED,   /* x_t = (1-t)x0 + tε: f = -1/(1-t), g² = 2t/(1-t) */
    SGM_FAMILY_USER_BETA,   /* VP with your own integral ∫₀ᵗβ */
    SGM_FAMILY_USER_SIGMA2  /* VE with your own variance σ²(t) */
} sgm_family;

typedef struct sgm_sde {
    sgm_family family;
    double a, b;                         /* the family's two numbers, see above            */
    double t_min, T;                     /* sampling stops at t_min; the prior lives at T  */
    double (*curve)(double t, void *user); /* ∫β or σ², for the two user families          */
    void *user;
} sgm_sde;

SGM_API sgm_sde sgm_sde_vp(double beta_min, double beta_max);    /* T = 1, t_min = 1e-3 */
SGM_API sgm_sde sgm_sde_cosine(void);                            /* T = .999            */
SGM_API sgm_sde sgm_sde_subvp(double beta_min, double beta_max); /* T = 1               */
SGM_API sgm_sde sgm_sde_ve(double sigma_min, double sigma_max);  /* T = 1, t_min = 1e-5 */
SGM_API sgm_sde sgm_sde_edm(double sigma_min, double sigma_max); /* t from σ_min to σ_max */
SGM_API sgm_sde sgm_sde_rectified(void);                         /* T = .999            */
SGM_API sgm_sde sgm_sde_user_beta(double (*beta_integral)(double t, void *user), void *user);
SGM_API sgm_sde sgm_sde_user_sigma2(double (*sigma2)(double t, void *user), void *user);
/* Presets return a value; set T and t_min afterwards if you want others. The two user families need
   a smooth, non-decreasing function on [0,T]; ∫β (the integral, not β) must be 0 at 0. */
SGM_API sgm_status sgm_sde_check(const sgm_sde *sde);
/* SGM_BAD_ARGUMENT, with the cure, for a family or numbers that define no process. */

SGM_API double sgm_sde_f(const sgm_sde *sde, double t);      /* drift is f(t)·x            (1.1) */
SGM_API double sgm_sde_g2(const sgm_sde *sde, double t);     /* g(t)²                      (1.1) */
SGM_API double sgm_sde_m(const sgm_sde *sde, double t);      /* mean coefficient           (1.5) */
SGM_API double sgm_sde_s(const sgm_sde *sde, double t);      /* standard deviation         (1.5) */
SGM_API double sgm_sde_logsnr(const sgm_sde *sde, double t); /* log(m²/s²)                 (1.7) */
SGM_API double sgm_sde_prior(const sgm_sde *sde);            /* std of the prior N(0, ·²I) (1.9) */
SGM_API double sgm_sde_t_from_logsnr(const sgm_sde *sde, double logsnr);
/* The t in [0,T] with that log-SNR, which falls with t; the nearer end if there is none; NaN of
   NaN. */
SGM_API void sgm_sde_transition(const sgm_sde *sde, double t0, double t1, double *a, double *b);
/* x at t1 given x at t0 < t1 is N(a·x, b² I): a = m1/m0, b² = s1² - a² s0²               (1.8) */
SGM_API void sgm_sde_perturb(float *x, const float *x0, const float *eps, const float *t, long n,
                             int d, const sgm_sde *sde);
/* x = m_t x0 + s_t ε, point by point (1.6). x may be x0 or eps. Functions that return nothing leave
   NaN in their results where an argument is NULL or no size. */
SGM_API double sgm_sde_prior_kl(const sgm_sde *sde, const float *data, long n, int d);
/* KL(p_T ‖ prior) in nats, p_T taken as the Gaussian with the noised data's means and variances per
   coordinate: what starting from the prior instead of p_T costs (1.10). NaN for n < 2, d < 1. */

/*
## 2. Scores and score matching
*/

typedef struct sgm_scaler { /* see chapter 9 */
    int d;
    double *shift, *scale; /* (D): scaled = (x - shift)/scale */
    int channels;          /* > 0: all pixels of a channel share them; 0: each has its own */
} sgm_scaler;

typedef struct sgm_score sgm_score;
struct sgm_score {
    int d;             /* dimension of a point */
    int which;         /* free for the owner: which weights, which class, … */
    const void *ctx;   /* what the functions below need; the owner keeps it alive */
    sgm_sde sde;       /* the process whose p_t it tells; no family: one density, at any t */
    const sgm_scaler *scaler; /* not NULL: it speaks of scaled points, see below */
    const long *row;   /* of which rows of your set it is asked: row[i], or first + i */
    long first, of;    /* `of` is the size of the set; 0: the points are the set */
    sgm_status (*eval)(const sgm_score *self, float *s, const float *x, const float *t, long n);
    sgm_status (*jvp)(const sgm_score *self, float *s, float *js, const float *x, const float *v,
                      const float *t, long n);
    sgm_status (*logp)(const sgm_score *self, double *logp, const float *x, const float *t, long n);
    sgm_status (*trace)(const sgm_score *self, float *s, float *tr, const float *x, const float *t,
                        long n);
    sgm_status (*vjp)(const sgm_score *self, float *s, float *js, const float *x, const float *v,
                      const float *t, long n);
};
/* Anything that knows ∇log p_t. eval: s(n,D) at the points x(n,D) and times t(n). jvp, if not NULL:
   s too, and its directional derivative js = (∂s/∂x) v; vjp the same with js = (∂s/∂x)ᵀ v. logp, if
   not NULL: log density, nats; of an energy -U, which lacks the constant log Z.
   trace, if not NULL: s and tr ∂s/∂x (n), cheaper than D calls of jvp. Any number of threads may
   ask one score at once. t_min and T of its sde are yours to change. Calls that take data or give
   samples (sgm_dsm, sgm_sample, sgm_likelihood, …) scale and unscale by themselves where it has a
   scaler; the functions here, walks and steps speak of scaled points. A score that has one datum
   for each point looks up rows by `row`, `first` and `of`, and hands them on to the scores that it
   is made of. */

SGM_API sgm_status sgm_score_eval(const sgm_score *score, float *s, const float *x, const float *t,
                                  long n);
SGM_API sgm_status sgm_score_jvp(const sgm_score *score, float *s, float *js, const float *x,
                                 const float *v, const float *t, long n);
SGM_API sgm_status sgm_score_vjp(const sgm_score *score, float *s, float *js, const float *x,
                                 const float *v, const float *t, long n);
SGM_API sgm_status sgm_score_logp(const sgm_score *score, double *logp, const float *x,
                                  const float *t, long n);
/* The same, with the arguments and the answer checked: SGM_BAD_ARGUMENT for NULL, a time outside of
   [0, T], or a function that this score has not; SGM_NOT_FINITE, as for points at t = 0. */

typedef enum sgm_cov {
    SGM_COV_POINTS = 0, SGM_COV_ISOTROPIC, SGM_COV_DIAGONAL, SGM_COV_FULL
} sgm_cov;

typedef struct sgm_mixture {
    int k, d;
    sgm_cov shape;
    sgm_sde sde;
    double *log_weight; /* (k)                                                      */
    double *mean;       /* (k,D)                                                    */
    double *var;        /* (k) variances, or (k,D) along the axes                   */
    double *axes;       /* (k,D,D) orthonormal rows, or NULL: the axes of R^D       */
} sgm_mixture;

SGM_API sgm_status sgm_mixture_init(sgm_mixture *mix, int k, int d, const double *weight,
                                    const double *mean, const double *cov, sgm_cov shape,
                                    const sgm_sde *sde);
/* Σ_k weight_k N(mean_k, cov_k), seen through the SDE: the exact p_t. weight(k) need not sum to 1,
   NULL means equal. cov: NULL (points), (k) variances, (k,D) variances, (k,D,D) symmetric. */
SGM_API sgm_status sgm_mixture_from_data(sgm_mixture *mix, const float *data, long n, int d,
                                         const sgm_sde *sde);
/* The noised mixture of a data set: its score is the *minimiser* of every DSM loss on it (2.8). */
SGM_API void sgm_mixture_free(sgm_mixture *mix);
SGM_API sgm_score sgm_mixture_score(const sgm_mixture *mix);
SGM_API sgm_status sgm_mixture_sample(const sgm_mixture *mix, float *x, int *label, long n,
                                      double t, sgm_key key);
/* n exact draws from p_t; label (n), if not NULL, gets each draw's component. */

typedef enum sgm_output {
    SGM_OUTPUT_AUTO = 0, /* EDM_F; of an energy SCORE                              */
    SGM_OUTPUT_NOISE,           /* ε̂, the noise that was added (DDPM)                     */
    SGM_OUTPUT_SCORE,           /* ŝ = -ε̂/s                                               */
    SGM_OUTPUT_X0,              /* x̂0, the clean point                                    */
    SGM_OUTPUT_V,               /* v = m ε - s x0 (Salimans & Ho 2022)                    */
    SGM_OUTPUT_FLOW,            /* u = ṁ x0 + ṡ ε, the path's velocity (flow matching)    */
    SGM_OUTPUT_EDM_F            /* F of D = c_skip x + c_out F (Karras et al. 2022)       */
} sgm_output;

SGM_API void sgm_output_affine(double *a, double *b, sgm_output kind, const sgm_sde *sde, double t,
                               double sigma_data);
/* The two numbers with ε̂ = a·x + b·out (2.10). sigma_data matters to SGM_OUTPUT_EDM_F alone. */
SGM_API void sgm_output_convert(float *out, sgm_output to, const float *in, sgm_output from,
                                const float *x, const float *t, long n, int d, const sgm_sde *sde,
                                double sigma_data);
/* From any output to any other at the points x. out may be in. */

typedef enum sgm_weight {
    SGM_WEIGHT_AUTO = 0,   /* EDM in training an output F, else SIGMA2         */
    SGM_WEIGHT_SIGMA2,     /* w = 1: ‖ε - ε̂‖², every t counts alike           */
    SGM_WEIGHT_ONE,        /* w = 1/s²: ‖score error‖²                         */
    SGM_WEIGHT_G2,         /* w = g²/s²: the likelihood weighting              */
    SGM_WEIGHT_EDM,        /* (σ²+σ_d²)/(σσ_d)² on x̂0, σ = s/m                 */
    SGM_WEIGHT_MIN_SNR,    /* min(SNR, γ) on x̂0                                */
    SGM_WEIGHT_FLOW,       /* ‖velocity error‖²                                */
    SGM_WEIGHT_USER        /* yours, on ‖ε - ε̂‖²                               */
} sgm_weight;

typedef enum sgm_times {
    SGM_TIMES_AUTO = 0,    /* LOGNORMAL in training an output F, and where t is a σ;
                              else UNIFORM. trainer.o.loss says what was chosen   */
    SGM_TIMES_UNIFORM,     /* t ~ U(t_min, T)                                       */
    SGM_TIMES_STRATIFIED,  /* the same, one draw in each of n equal slices          */
    SGM_TIMES_GRID,        /* uniform over the levels grid[0..n_grid)               */
    SGM_TIMES_LOGNORMAL,   /* log(s/m) ~ N(mean, std²), kept within [t_min, T]      */
    SGM_TIMES_LOGIT,       /* logit((t-t_min)/(T-t_min)) ~ N(mean, std²)            */
    SGM_TIMES_IMPORTANCE   /* density ∝ g²/s²: with WEIGHT_G2, every draw weighs alike */
} sgm_times;

typedef enum sgm_objective {
    SGM_OBJECTIVE_DSM = 0, /* denoising: ‖ε - ε̂‖² (2.11) */
    SGM_OBJECTIVE_ESM,     /* explicit: against the exact score (2.15) */
    SGM_OBJECTIVE_ISM,     /* implicit: 2 tr ∂s/∂x + ‖s‖², by D tangents (2.16) */
    SGM_OBJECTIVE_SSM,     /* sliced: 2 vᵀ(∂s/∂x)v + (v·s)² (2.17) */
    SGM_OBJECTIVE_SSM_VR   /* sliced, variance-reduced: 2 vᵀ(∂s/∂x)v + ‖s‖² (2.17) */
} sgm_objective;
typedef enum sgm_probe { SGM_PROBE_RADEMACHER = 0, SGM_PROBE_GAUSSIAN } sgm_probe;

#define SGM_BINS 8

typedef struct sgm_loss {
    sgm_objective objective;
    int directions;         /* of SSM and SSM_VR, per point; 0 means 1                    */
    sgm_probe probe;        /* their law                                                  */
    const sgm_score *exact; /* what ESM compares with                                     */
    sgm_weight weight;
    double min_snr;    /* γ of SGM_WEIGHT_MIN_SNR; 0 means 5                              */
    double sigma_data; /* std of the data, for EDM; 0 means 1, in training the model's     */
    double (*user_weight)(double t, const sgm_sde *sde, void *user);
    void *user;
    sgm_times times;
    const double *grid; /* levels for SGM_TIMES_GRID                                      */
    int n_grid;
    double mean, std;   /* LOGNORMAL: 0,0: log sigma_data - .5, 1.2; LOGIT: 0, 1; std 0: so */
    double scale;       /* multiplies the loss; 0 means 1: summed over D, mean over points */
} sgm_loss;

SGM_API sgm_status sgm_loss_check(const sgm_loss *loss, const sgm_sde *sde);
SGM_API double sgm_loss_weight(const sgm_loss *loss, const sgm_sde *sde, double t);
/* w(t) with loss = w ‖ε - ε̂‖² (2.11), which is w s² ‖score error‖². */
SGM_API sgm_status sgm_loss_times(const sgm_loss *loss, const sgm_sde *sde, float *t, float *w,
                                  long n, sgm_key key, uint64_t first);
/* Draws n times, and the weight of each in the loss: w(t), divided by the draw's density ratio to
   uniform where the times are drawn by importance (2.14). */

SGM_API double sgm_bin_edge(const sgm_sde *sde, int i);
/* Where the i-th of SGM_BINS slices of [t_min, T] begins: even in t, or in log t for EDM. */

typedef struct sgm_dsm_result {
    double loss, loss_se;     /* of the score given, ± standard error                            */
    double floor, floor_se;   /* of the exact score, on the same draws                           */
    double excess, excess_se; /* E w s²‖score - exact‖², which is loss - floor (2.9)             */
    double bin_loss[SGM_BINS], bin_floor[SGM_BINS], bin_excess[SGM_BINS];
    long bin_count[SGM_BINS]; /* by t, see sgm_bin_edge                                          */
} sgm_dsm_result;

SGM_API sgm_status sgm_dsm(sgm_dsm_result *result, const sgm_score *score, const sgm_score *exact,
                           const float *data, long n, const sgm_loss *loss, long draws,
                           sgm_key key);
/* The DSM loss of any score on `draws` fresh (x0, t, ε), x0 from data(n,D). exact may be NULL: then
   floor and excess are NaN. score may be NULL too, if only the floor is wanted (2.9). A score with
   one condition per point is asked about the rows of data. No loss is
   below the floor if exact is the score of what data is drawn from: endless fresh draws of that,
   or data itself with sgm_mixture_from_data. Of a finite sample a memory of it can be (§2.2).
   SGM_BAD_ARGUMENT, SGM_NOT_FINITE (data), SGM_NO_MEMORY, or the score's own error; all is
   then NaN. */

SGM_API sgm_status sgm_objective_value(double *mean, double *se, const sgm_score *score,
                                       const float *data, long n, const sgm_loss *loss,
                                       long draws, sgm_key key);
/* The value of any of the five objectives for any score, on fresh draws, ± standard error; ISM and
   the sliced ones need its jvp. All in one normalisation: where ESM's exact score belongs to data,
   as in sgm_dsm, they differ by constants only (2.18). Errors as there, and both are then NaN. */

/*
## 3. Networks
*/

typedef struct sgm_tape sgm_tape;
typedef struct sgm_tensor sgm_tensor;

typedef enum sgm_pass { SGM_PASS_FORWARD = 0, SGM_PASS_TANGENT, SGM_PASS_BACKWARD } sgm_pass;
typedef void (*sgm_operation)(sgm_tape *tape, sgm_tensor *y, sgm_pass pass);
enum { SGM_ADJOINT_D = 1, SGM_ADJOINT_JD = 2 }; /* which: d or jd of a tensor */

struct sgm_tensor {
    float *v;       /* values (rows, cols)                                           */
    float *d;       /* adjoint: derivative of the loss by v, or NULL                 */
    float *j;       /* tangent: derivative of v along a direction, or NULL           */
    float *jd;      /* derivative of the loss by j, or NULL                          */
    int rows, cols; /* rows are points; of a parameter, what its operation wants     */
    const char *name;
    sgm_operation op;      /* NULL: an input, a parameter   */
    sgm_tensor *a, *b, *c; /* what it was made from         */
    float *aux, s;         /* an operation's own notes      */
    int i, is_param;
    const int *row_of; /* NULL, or row i repeats row row_of[i] of a                          */
    int needs; /* bit 0: leads back to a parameter with a gradient, bit 1: to a watched input */
    int set;   /* bit 0: d is filled in, bit 1: jd is, bit 2: d will be, from a and b,
                  bit 3: d and jd are yours, see sgm_tape_gradient_of and _watch                */
};

typedef struct sgm_net_in {
    sgm_tensor *x;         /* (n,D) noisy points                                        */
    sgm_tensor *t;         /* (n,1) times                                               */
    sgm_tensor *log_sigma; /* (n,1) log(s_t/m_t), what the noise looks like to the eye  */
    void *user;            /* yours, from sgm_model_options                             */
    sgm_tensor *cond;  /* (n,C) the condition, zeros where it was dropped; NULL: none */
    sgm_tensor *known; /* (n,1) 1 where it is given, 0 where dropped */
    sgm_tensor *image; /* (n,·) the part of it that is an image (cond_image); NULL: none */
    int out; /* the width asked of the result: D, 1 for an energy, K for a classifier */
} sgm_net_in;

typedef sgm_tensor *(*sgm_net)(sgm_tape *tape, const sgm_net_in *in);
/* A network is one C function: it takes (n,D) and returns (n,out). The same function trains and
   samples. A NULL tensor may be handed to any op, which then returns NULL: no checks needed. Make
   one layer per statement: C does not order a call's arguments, and parameters have an order. */

SGM_API sgm_tensor *sgm_linear(sgm_tape *tape, sgm_tensor *x, int out);        /* x W + b   (3.4) */
SGM_API sgm_tensor *sgm_linear_zero(sgm_tape *tape, sgm_tensor *x, int out);     /* W starts at 0 */
SGM_API sgm_tensor *sgm_linear_start(sgm_tape *tape, sgm_tensor *x, int out, float start);
/* The same layer: W starts uniform in ±start/√in (sgm_linear: 1), b in ±1/√in; 0: both at 0. */
SGM_API sgm_tensor *sgm_relu(sgm_tape *tape, sgm_tensor *x);                     /* max(x, 0)     */
SGM_API sgm_tensor *sgm_silu(sgm_tape *tape, sgm_tensor *x);                     /* x σ(x)        */
SGM_API sgm_tensor *sgm_tanh(sgm_tape *tape, sgm_tensor *x);
SGM_API sgm_tensor *sgm_gelu(sgm_tape *tape, sgm_tensor *x);                     /* tanh form     */
SGM_API sgm_tensor *sgm_softplus(sgm_tape *tape, sgm_tensor *x);                 /* log(1 + eˣ)   */
SGM_API sgm_tensor *sgm_sigmoid(sgm_tape *tape, sgm_tensor *x);                  /* σ(x)          */
SGM_API sgm_tensor *sgm_concat(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b);
/* Side by side. Time first, [t, x]: a linear layer then sees each time once, not once a point. */
SGM_API sgm_tensor *sgm_add(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b);       /* same shapes   */
SGM_API sgm_tensor *sgm_mul(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b);       /* elementwise   */
SGM_API sgm_tensor *sgm_mul_by(sgm_tape *tape, sgm_tensor *x, float factor);
SGM_API sgm_tensor *sgm_repeat(sgm_tape *tape, sgm_tensor *row, int rows);   /* (1,c) → (rows,c) */
SGM_API sgm_tensor *sgm_layer_norm(sgm_tape *tape, sgm_tensor *x);             /*           (3.7) */
SGM_API sgm_tensor *sgm_dropout(sgm_tape *tape, sgm_tensor *x, float rate);      /* when training */
SGM_API sgm_tensor *sgm_time_circle(sgm_tape *tape, sgm_tensor *t);
/* (n,4): t-½, cos 2πt, sin 2πt, -cos 4πt: the features of Gangloff's tutorial. */
SGM_API sgm_tensor *sgm_time_sinusoidal(sgm_tape *tape, sgm_tensor *t, int width);
/* (n,width): sin and cos of 1000·t times geometric frequencies 1 … 1e-4 (Vaswani et al. 2017). */
SGM_API sgm_tensor *sgm_time_fourier(sgm_tape *tape, sgm_tensor *t, int width, float scale);
/* (n,width): sin and cos of 2πωt, ω ~ N(0, scale²) fixed at random (Tancik et al. 2020). */
SGM_API sgm_tensor *sgm_time_sigma(sgm_tape *tape, sgm_tensor *log_sigma);
/* (n,9): ¼ log σ, and sin and cos of it times ¼, ½, 1 and 2: alike in all families. */
SGM_API sgm_tensor *sgm_time_learned(sgm_tape *tape, sgm_tensor *log_sigma, int width);
/* (n,width): linear, SiLU, linear, SiLU on log σ: the embedding of the EngineersOfAI lesson. */
SGM_API sgm_tensor *sgm_param(sgm_tape *tape, int rows, int cols, float std);
/* The next (rows, cols) parameters of the model; they start as N(0, std²), or at 0 for std = 0. A
   (1, cols) gain or bias of your own meets n points through sgm_repeat. */

typedef enum sgm_activation { /* AUTO: SiLU */
    SGM_ACTIVATION_AUTO = 0, SGM_ACTIVATION_RELU, SGM_ACTIVATION_SILU, SGM_ACTIVATION_TANH,
    SGM_ACTIVATION_GELU, SGM_ACTIVATION_SOFTPLUS, SGM_ACTIVATION_SIGMOID
} sgm_activation;
typedef enum sgm_embedding { /* AUTO: waves of log σ, which says the same in every family */
    SGM_EMBEDDING_AUTO = 0, SGM_EMBEDDING_CIRCLE, SGM_EMBEDDING_RAW, SGM_EMBEDDING_SINUSOIDAL,
    SGM_EMBEDDING_FOURIER, SGM_EMBEDDING_LEARNED
} sgm_embedding;

typedef struct sgm_mlp_options {
    int width;                /* 0: 128; above 32 dimensions 256 to 512 */
    int depth;                /* hidden layers, or blocks; 0: 4, then 2 */
    sgm_activation activation;
    sgm_embedding embedding;
    int embedding_width;      /* 0 means 32; AUTO, RAW and CIRCLE have their own */
    float dropout;
    float start;              /* W of the hidden layers, in 1/√in; 0: see 3.9 */
    int shortcut;             /* 1: the last layer of sgm_mlp sees x, too; -1: not; 0: see 3.9 */
} sgm_mlp_options;

/* What the ready networks are made of; §3.9 shows how, to be copied and changed. */
SGM_API sgm_tensor *sgm_activate(sgm_tape *tape, sgm_tensor *x, sgm_activation kind);
SGM_API sgm_tensor *sgm_embed_time(sgm_tape *tape, const sgm_net_in *in, sgm_embedding kind,
                                   int width); /* of in->t, or of in->log_sigma */
SGM_API sgm_tensor *sgm_tell(sgm_tape *tape, const sgm_net_in *in, sgm_tensor *time, sgm_tensor *h);
/* [time, h], or with a condition [time, image, cond, known, h]. */
SGM_API sgm_status sgm_mlp_options_init(sgm_mlp_options *o, sgm_tape *tape, const sgm_net_in *in);
/* in->user's options with all defaults filled in; the tape's error if they cannot be. */

SGM_API sgm_tensor *sgm_mlp(sgm_tape *tape, const sgm_net_in *in);
/* [embed(t), x] → (linear, activation) × depth → linear, of [h, x] with a shortcut. in->user:
   sgm_mlp_options, or NULL. A condition stands beside embed(t), here and below. */
SGM_API sgm_tensor *sgm_residual_mlp(sgm_tape *tape, const sgm_net_in *in);
/* h = linear [t, x]; h += dropout(activation(linear [t, h])) × depth; linear. The same options. */
SGM_API sgm_tensor *sgm_table_net(sgm_tape *tape, const sgm_net_in *in);
/* The same, of x ⊙ mask, times mask: its condition is a mask of d ones and zeros (10.5). */

/* Images: (n, H·W·C), row after row, the C channels of a pixel side by side. h and w: the height
   and width that the image has at this place. Tokens: (n·tokens, width), those of a point together.
   Sizes that do not fit are SGM_BAD_ARGUMENT, with the cure. */
SGM_API sgm_tensor *sgm_conv2d(sgm_tape *tape, sgm_tensor *x, int h, int w, int out_channels,
                               int kernel, int stride);
/* Odd kernel (1 and 3 are fast), stride 1 or 2, zeros beyond the border; W (k²·C, out)    (3.12) */
SGM_API sgm_tensor *sgm_upsample(sgm_tape *tape, sgm_tensor *x, int h, int w); /* pixels doubled */
SGM_API sgm_tensor *sgm_concat_channels(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b, int h, int w);
enum { SGM_NORM_PLAIN = 0, SGM_NORM_OWN = 1, SGM_NORM_SILU = 2 }; /* how; they add up */
SGM_API sgm_tensor *sgm_group_norm(sgm_tape *tape, sgm_tensor *x, int h, int w, int groups,
                                   int how, sgm_tensor *shift, sgm_tensor *scale);
/* Mean 0 and mean square 1 in each group of channels of an image (3.13); then OWN: a gain and a
   bias per channel; or norm ⊙ (1 + scale) + shift with shift, scale (n, C) or NULL; then SILU: silu
   of that. Of tokens, h = w = groups = 1. */
SGM_API sgm_tensor *sgm_modulate(sgm_tape *tape, sgm_tensor *x, sgm_tensor *shift,
                                 sgm_tensor *scale);
SGM_API sgm_tensor *sgm_gate(sgm_tape *tape, sgm_tensor *x, sgm_tensor *gate);
/* x ⊙ (1 + scale) + shift, and x ⊙ gate: one row of shift, scale or gate per point, for all of its
   pixels or tokens. */
SGM_API sgm_tensor *sgm_patchify(sgm_tape *tape, sgm_tensor *x, int h, int w, int p);
SGM_API sgm_tensor *sgm_unpatchify(sgm_tape *tape, sgm_tensor *x, int h, int w, int p);
/* (n, H·W·C) ↔ (n·H/p·W/p, p·p·C): patches of p by p pixels as tokens; p = 1: pixels as tokens. */
SGM_API sgm_tensor *sgm_transpose(sgm_tape *tape, sgm_tensor *x, int rows_per_block);
/* Each block of rows transposed: tokens become features, features tokens. */
SGM_API sgm_tensor *sgm_attention(sgm_tape *tape, sgm_tensor *q, sgm_tensor *k, sgm_tensor *v,
                                  int tokens, int heads);
/* softmax(Q Kᵀ/√d) V within each block of `tokens` rows, for each head's d = cols/heads   (3.16) */

typedef struct sgm_image_net {
    int h, w, channels; /* 0 means a square, 1 channel                                       */
    int width;          /* channels, or features of a token; 0 means 32 (mixer and DiT: 128) */
    int depth;          /* blocks, 0 means 4; of a U-Net levels, 0 means 3                   */
    int heads;          /* of the attention; 0 means 4                                       */
    int patch;          /* 0 means 4                                                         */
    int groups;         /* of the norms; 0 means 8                                           */
} sgm_image_net;

SGM_API sgm_status sgm_image_net_init(sgm_image_net *o, sgm_tape *tape, const sgm_net_in *in,
                                      int width, int depth);
/* in->user's options with all defaults filled in, two of them yours; or the tape's error. */
SGM_API sgm_tensor *sgm_image_time(sgm_tape *tape, const sgm_net_in *in, int width);
/* (n, width): what all blocks are told about time and condition. */
SGM_API sgm_tensor *sgm_image_in(sgm_tape *tape, const sgm_net_in *in, int h, int w);
/* in->x, with the channels of in->image, if there is one, beside its own. */
SGM_API sgm_tensor *sgm_res_block(sgm_tape *tape, sgm_tensor *x, int h, int w, int out, int groups,
                                  sgm_tensor *time);
/* x + conv(silu(norm(conv(silu(norm(x)))), shifted and scaled by time)), to `out` channels. */
SGM_API sgm_tensor *sgm_self_attention(sgm_tape *tape, sgm_tensor *x, int tokens, int heads);
/* Attention with q, k and v linear layers of x, and a linear layer behind it. */
SGM_API sgm_tensor *sgm_attention_block(sgm_tape *tape, sgm_tensor *x, int h, int w, int heads,
                                        int groups); /* x + attention(norm(x)) among the pixels */
SGM_API sgm_tensor *sgm_tokens(sgm_tape *tape, const sgm_net_in *in, int h, int w, int patch,
                               int width);
/* (n·H/patch·W/patch, width): patches through a linear layer, plus a learned place for each. */
SGM_API sgm_tensor *sgm_ada_norm(sgm_tape *tape, sgm_tensor *x, sgm_tensor *time);
/* The norm of each token, shifted and scaled by time, with layers that start at zero. */
SGM_API sgm_tensor *sgm_two_layers(sgm_tape *tape, sgm_tensor *x, int hidden);
/* linear, GELU, linear, back to x's width. */
SGM_API sgm_tensor *sgm_add_gated(sgm_tape *tape, sgm_tensor *x, sgm_tensor *y, sgm_tensor *time);
/* x + y ⊙ gate, where the gate is a linear layer of time that starts at zero. */

/* Ready networks; in->user: sgm_image_net, or NULL. Of a condition in->cond joins the time,
   in->image the channels of x. */
SGM_API sgm_tensor *sgm_resnet(sgm_tape *tape, const sgm_net_in *in); /* residual blocks */
SGM_API sgm_tensor *sgm_unet(sgm_tape *tape, const sgm_net_in *in);
SGM_API sgm_tensor *sgm_mixer(sgm_tape *tape, const sgm_net_in *in);
SGM_API sgm_tensor *sgm_dit(sgm_tape *tape, const sgm_net_in *in);

SGM_API sgm_tape *sgm_tape_new(void);
SGM_API void sgm_tape_free(sgm_tape *tape);
enum { SGM_TAPE_TRAINING = 1, SGM_TAPE_ACCUMULATE = 2, SGM_TAPE_PLAIN = 8 };
SGM_API void sgm_tape_reset(sgm_tape *tape, float *params, float *grads, size_t n_params,
                            sgm_key key, int flags);
/* Empties the tape for another pass. The network's parameters are read from `params` in order;
   their gradients go to `grads` (NULL: none wanted), which is overwritten, or added to with
   SGM_TAPE_ACCUMULATE. SGM_TAPE_TRAINING turns dropout on; the key feeds it. SGM_TAPE_PLAIN makes
   layers, convolutions and norms by the plain text of chapter 3: to compare, to step through. */
SGM_API sgm_tensor *sgm_tape_input(sgm_tape *tape, const float *x, int rows, int cols);
/* A constant, copied from x; NULL means zeros. */
SGM_API void sgm_tape_watch(sgm_tape *tape, sgm_tensor *x);
/* Asks, before x is used, for the gradient by an input: after the backward pass x->d has it. Of
   in->t, in->log_sigma moves along; in->x is as the network gets it (EDM's is scaled already). */
SGM_API float *sgm_tape_tangent_of(sgm_tape *tape, sgm_tensor *x);
SGM_API float *sgm_tape_gradient_of(sgm_tape *tape, sgm_tensor *x);
SGM_API float *sgm_tape_tangent_gradient_of(sgm_tape *tape, sgm_tensor *x);
/* x->j, x->d and x->jd, (rows, cols) zeros at first: fill in the direction in which the inputs
   move, and the derivatives of your loss by the outputs and by their tangents. The tape fails for a
   tangent of what points share (in->t may be), unless it was watched before it was used. */
SGM_API sgm_status sgm_tape_tangent(sgm_tape *tape);
/* Carries tangents forward, from those set on inputs to all that is made from them (3.1). */
SGM_API sgm_status sgm_tape_backward(sgm_tape *tape);
/* Carries adjoints back, from those set on outputs to parameters and watched inputs (3.3). */
SGM_API sgm_status sgm_tape_status(const sgm_tape *tape); /* its first error, which sticks */
SGM_API sgm_tensor *sgm_tape_refuse(sgm_tape *tape, const char *format, ...);
/* What your network returns for what cannot be: NULL. The tape fails with SGM_BAD_ARGUMENT. */

/* An operation of your own is a function of three cases (§3.1). From those of y->a, y->b, y->c it
   fills in y->v; or y->j, where some of theirs are not NULL; or gives them their share of y->d and
   y->jd, where these are not NULL. Rows must not see each other. See examples/own_operation.c. */
SGM_API sgm_tensor *sgm_tape_make(sgm_tape *tape, const char *name, sgm_operation op, double rows,
                                  double cols, sgm_tensor *a, sgm_tensor *b, sgm_tensor *c);
SGM_API sgm_tensor *sgm_tape_run(sgm_tape *tape, sgm_tensor *y);
/* y, made of a, b and c (or NULL), with room for its values; set y->s, y->i and y->aux if op wants
   them; then its forward pass, and y again. `name` outlives the tape. NULL: the tape has failed. */
SGM_API float *sgm_tape_floats(sgm_tape *tape, const sgm_tensor *like);
/* Room for as many numbers, until the next reset. */
SGM_API void sgm_tape_give(sgm_tape *tape, sgm_tensor *x, int which, const float *factor,
                           const float *adjoint);
/* Adds factor ⊙ adjoint (NULL: 1, and 0) to x->d or x->jd, if anybody needs that of x. */

#define SGM_MAX_EMA 4

typedef struct sgm_model_options {
    sgm_net net;
    void *user;        /* handed to net                                                */
    int d;             /* dimension of a point                                         */
    sgm_sde sde;
    sgm_output output; /* what net's result means                                      */
    double sigma_data; /* std of the data, for output F; 0: measured by the first training */
    int n_ema;         /* how many averaged copies of the parameters to keep, 0 … 4    */
    int energy;        /* 1: net returns (n,1), an energy U, and the score is -∇U      */
    int cond;          /* width C of the condition, K for a one-hot label; 0: none     */
    int cond_image;    /* of which the first so many are an image, pixel beside pixel of x:
                          H·W times its channels, for networks of images. 0: none      */
    int classes;       /* K > 0: a classifier. net returns (n,K), logits of p(y|x,t)   */
    sgm_scaler *scaler; /* acts on all data, samples and likelihoods; one of zeros is set by
                           the first training, or by a file. NULL: none                */
} sgm_model_options;

typedef struct sgm_model {
    sgm_model_options o;
    size_t n_params;
    float *params;           /* one block                                              */
    float *ema[SGM_MAX_EMA]; /* blocks of the same layout                              */
    double rms, fourth, reach; /* of the data trained on: root mean |x|²/D; mean |x|⁴ over the
                                  square of mean |x|²; largest |x|. 0: not trained     */
    int n_layers;            /* the parameter tensors, for files and messages          */
    struct sgm_layer *layers;
    char *operations;        /* what net does, as a text: §3.16                 */
    sgm_tape **tapes;        /* lent to the threads that evaluate                      */
    int n_tapes;
    long width;              /* numbers that one point puts on a tape                  */
    int measure;             /* 1: sigma_data is not known yet, and counts as 1        */
    struct sgm__opened *own; /* what sgm_model_open read: options, scaler, table */
} sgm_model;

SGM_API sgm_status sgm_model_init(sgm_model *model, const sgm_model_options *options, sgm_key key);
/* Runs net once on a dry tape to learn its parameters, and initialises them. SGM_MISMATCH if it
   returns another width than d. */
SGM_API void sgm_model_free(sgm_model *model);
SGM_API sgm_score sgm_model_score(const sgm_model *model, int which);
/* The model as a score: which = SGM_RAW, or i for the i-th moving average. It has jvp and vjp. Of a
   model with a condition it is the unconditional branch: the condition is hidden (chapter 8). */
#define SGM_RAW (-1)

/*
## 4. Learning
*/

typedef enum sgm_optimiser_kind {
    SGM_OPTIMISER_ADAM = 0, SGM_OPTIMISER_ADAMW, SGM_OPTIMISER_ADABELIEF, SGM_OPTIMISER_SGD
} sgm_optimiser_kind;

typedef struct sgm_train_report {
    long steps, best_step;       /* done; after which the model's parameters were taken           */
    long held;                   /* points that were held out; 0: none, best_step is steps        */
    double loss;                 /* of training, averaged over the last 500 steps or so           */
    double held_loss, best_loss; /* of the points held out, at the end and at best_step, or NaN   */
    int stopped;                 /* 1: patience ended the run                                     */
} sgm_train_report;

typedef struct sgm_trainer sgm_trainer;
typedef struct sgm_train_options {
    long steps;             /* optimiser steps of the whole run; needed                       */
    int batch;              /* points per step; 0 means 128                                   */
    sgm_loss loss;
    sgm_optimiser_kind optimiser;
    double lr;              /* 0 means 2e-3                                                   */
    double lr_end;          /* cosine decay from lr to this at the last step; 0: see cosine   */
    int cosine;             /* 1: decay to lr_end even if that is 0. Neither set: constant lr */
    long warmup;            /* steps of linear growth from 0 to lr                            */
    double beta1, beta2;    /* 0 means .9, .999; SGD's momentum is beta1, 0 meaning none      */
    double eps;             /* 0 means 1e-8 (AdaBelief 1e-16)                                 */
    double weight_decay;    /* decoupled, for ADAMW                                           */
    double clip;            /* largest norm of the gradient; 0: no clipping                   */
    int accumulate;         /* batches per optimiser step; 0 means 1                          */
    double ema[SGM_MAX_EMA]; /* decay of each of the model's averages; 0 means .999           */
    const float *cond;      /* (n,C), beside the data, if the model has a condition           */
    double cond_dropout;    /* share of the points whose condition is hidden                  */
    const int *labels;      /* (n), if the model is a classifier                              */
    double held_out;        /* share of the points to judge by, not to learn from (§4.7).
                               0: up to a tenth, of DSM over n >= 50 points and 50 epochs, else
                               none. Below 0: none                                            */
    long patience;          /* stop after so many looks at them without a gain; 0: never      */
    sgm_train_report *report; /* if not NULL, sgm_train fills it in                           */
    double floor;           /* shown beside the loss in the progress bar; 0: not known        */
    long log_every;         /* steps between calls of on_log; 0: never                        */
    void (*on_log)(const sgm_trainer *trainer, void *user);
    void *user;
    const char *progress;   /* a label: draw a progress bar on stderr if it is a terminal     */
    int rank, ranks;        /* this process is rank of so many (examples/mpi); 0, 0: alone    */
    sgm_status (*share)(void *share_user, float *sums, size_t floats, int n, int first, int count);
    void *share_user;       /* share, once a step: `sums` has n parts of `floats` numbers (bytes to
                               copy, not all are floats). Of these the process has filled `count`
                               from `first` on, and share brings the others (§4.3)            */
    const char *checkpoint; /* a file: sgm_train goes on from it if it is there, and (rank 0) writes
                               it first of all, now and then, and at the end. NULL: none      */
    long checkpoint_every;  /* steps between two; 0: a twentieth of the run's, rounded up     */
} sgm_train_options;

struct sgm_trainer {
    sgm_model *model;
    sgm_train_options o;
    const float *data; /* (n,D): yours, and it must outlive the trainer                        */
    long n, step;      /* step: how many have been done                                        */
    sgm_key key;
    double loss;       /* of the last step                                                     */
    double mean_loss;  /* between the last two calls of on_log; log_every 0: of all since init */
    double grad_norm;  /* before clipping; NaN where the step did not need it (clip is 0)      */
    double bin_loss[SGM_BINS]; /* mean between the last two calls of on_log, by t; DSM's, not
                                  an energy's: else NaN                                        */
    long bin_count[SGM_BINS];  /* and how many points it is the mean of                        */
    long held, best_step;        /* points held out; when their loss was least                 */
    double held_loss, best_loss; /* that loss at the last look and at the best; NaN before any  */
    int stopped;                 /* 1: patience is over                                        */
    sgm_status status;           /* of the last step                                           */
    double slow_loss;            /* averaged over the last 500 steps or so                     */
    long *order;                 /* (n) the points to learn from, then those held out, or NULL */
    struct sgm_held *watch;
    double loss_sum, bin_sum[SGM_BINS]; /* sums for the next one                               */
    long loss_n, bin_n[SGM_BINS];
    float *grads, *moment1, *moment2; /* grads: incomplete where grad_norm is NaN; behind it
                                         n_sums - 1 more accumulators, `stride` floats apart   */
    size_t stride;
    int n_sums, first_sum, own_sums; /* §4.3; those that this process fills; of which so many  */
    int together;                    /* are added up before they are shared                    */
    struct sgm__piece *hands;        /* a tape and a piece of the batch for each thread        */
    int n_hands;
    double *squares;                 /* of the gradient, in blocks                             */
};

SGM_API sgm_status sgm_train(sgm_model *model, const float *data, long n,
                             const sgm_train_options *options, sgm_key key);
/* The whole run; it ends with sgm_trainer_best if points were held out. data(n,D) must be finite.
   SGM_NOT_FINITE names the layer and t where it began. A run that was interrupted and finds its
   checkpoint ends in the same bits as one that was not; one that is finished goes on if you ask for
   more steps. SGM_MISMATCH for the checkpoint of another run (settings, key, data): it stays. It is
   not asked from which parameters it began: those of the file replace the model's. */
SGM_API sgm_status sgm_trainer_init(sgm_trainer *trainer, sgm_model *model, const float *data,
                                    long n, const sgm_train_options *options, sgm_key key);
SGM_API sgm_status sgm_trainer_step(sgm_trainer *trainer);
/* One optimiser step: draw a batch, its times and noise; loss; gradient; update; averages. A step
   that fails changes nothing. */
SGM_API int sgm_trainer_done(const sgm_trainer *trainer);
/* 1: the options' steps are done, patience has ended, or the last step failed: look at
   trainer->status. So `while (!sgm_trainer_done(&t)) sgm_trainer_step(&t);` ends. */
SGM_API sgm_status sgm_trainer_best(sgm_trainer *trainer);
/* Gives the model the parameters and averages that did best on the points held out. The end of your
   own loop: SGM_BAD_ARGUMENT if there was no look at such points. */
SGM_API void sgm_trainer_free(sgm_trainer *trainer);
SGM_API double sgm_trainer_lr(const sgm_trainer *trainer); /* of the next step (4.5) */
SGM_API sgm_status sgm_trainer_save(const sgm_trainer *trainer, const char *path);
SGM_API sgm_status sgm_trainer_load(sgm_trainer *trainer, const char *path);
/* A checkpoint: raw and averaged parameters, optimiser, key, step, settings. After load the run
   goes on bit for bit as if it had never stopped. load changes nothing if it fails: SGM_MISMATCH
   names the setting that differs. */
SGM_API sgm_status sgm_model_save(const sgm_model *model, const char *path);
SGM_API sgm_status sgm_model_load(sgm_model *model, const char *path);
/* The parameters and the scaler (also of a checkpoint), into a model made by sgm_model_init with
   the same settings: SGM_MISMATCH names one that differs, also inside the network. */
SGM_API sgm_status sgm_model_open(sgm_model *model, const char *path);
/* Makes a model from nothing but its file, if its network is one of the ready ones (those of
   diffusers too, with the table of sgm_ddpm_sde); free it as any other. SGM_MISMATCH for a network
   or a curve of your own: sgm_model_init, then sgm_model_load. */

typedef struct sgm_optimiser {
    sgm_train_options o;     /* with all defaults filled in                                   */
    float *params;           /* (n_params) what it moves: yours, and they must outlive it     */
    float *ema[SGM_MAX_EMA]; /* n_ema averages of them, yours too                             */
    size_t n_params;
    int n_ema;
    long step;               /* how many have been done                                       */
    double grad_norm;        /* of the last, before clipping                                  */
    float *grads;            /* (n_params) fill them in: hand them to sgm_tape_reset          */
    float *moment1, *moment2; /* with step, params and ema all that a run goes on from        */
} sgm_optimiser;
/* A trainer's second half, for any loss on any parameters: examples/own_loss.c is such a loop. */

SGM_API sgm_status sgm_optimiser_init(sgm_optimiser *optimiser, float *params, size_t n_params,
                                      float *const *ema, int n_ema,
                                      const sgm_train_options *options);
/* Of a model: model.params, model.n_params, model.ema, model.o.n_ema; else a block of your own and
   n_ema blocks for its averages, or NULL, 0. Of the options it uses steps, optimiser, lr … eps,
   weight_decay, clip and ema; the others belong to your loop. */
SGM_API sgm_status sgm_optimiser_step(sgm_optimiser *optimiser);
/* Moves params against grads, and the averages after them: with the trainer's gradients in the
   trainer's bits. SGM_NOT_FINITE names the first bad one; nothing has changed then. */
SGM_API double sgm_optimiser_lr(const sgm_optimiser *optimiser); /* of the next step (4.5) */
SGM_API void sgm_optimiser_free(sgm_optimiser *optimiser);

typedef struct sgm_progress {
    const char *label;
    long total;
    double started, drawn;
    int active;
    char note[64]; /* yours, shown at the end of the line */
} sgm_progress;

SGM_API void sgm_progress_init(sgm_progress *p, const char *label, long total);
SGM_API void sgm_progress_step(sgm_progress *p, long done, double loss, double floor);
SGM_API void sgm_progress_done(sgm_progress *p);
/* A bar with rate and time left on stderr; silent if that is no terminal. NaN hides a number. */
SGM_API double sgm_seconds(void); /* wall clock */

/*
## 5. The reverse SDE
*/

typedef enum sgm_method {
    SGM_METHOD_AUTO = 0,    /* what a race chose, see §5.5                */
    SGM_METHOD_EULER_MARUYAMA,     /* order 1, one evaluation a step             (5.4)  */
    SGM_METHOD_REVERSE_DIFFUSION,  /* 1                                          (5.5)  */
    SGM_METHOD_ANCESTRAL,          /* 1; DDPM's sampler                          (5.8)  */
    SGM_METHOD_DPM_SDE,            /* SDE-DPM-Solver++(2M), 1 evaluation         (5.11)  */
    SGM_METHOD_CHURN,              /* EDM's: noise, then Heun in s/m, 2 evaluations (5.12) */
    SGM_METHOD_DDIM,               /* order 1 in s/m; with eta > 0 it adds noise (7.3)  */
    SGM_METHOD_EULER,              /* from here on no noise: 1 in t              (7.4)  */
    SGM_METHOD_HEUN,               /* 2 in t, 2 evaluations                      (7.4)  */
    SGM_METHOD_RK4,                /* 4 in t, 4 evaluations                      (7.4)  */
    SGM_METHOD_RK45,               /* Dormand and Prince's 5(4): finds its own steps (7.5) */
    SGM_METHOD_ADAMS,              /* Adams-Bashforth, 4 in t (3 steps of RK4 first) (7.6) */
    SGM_METHOD_DPM_2,              /* DPM-Solver-2, 2 evaluations                (7.9)  */
    SGM_METHOD_DPM_3,              /* DPM-Solver-3, 3 evaluations                (7.10)  */
    SGM_METHOD_DPMPP_2M,           /* DPM-Solver++(2M), order 2                  (7.12) */
    SGM_METHOD_DPMPP_3M            /* order 3 (2 evaluations in the first step)  (7.12) */
} sgm_method;
#define SGM_DPM_1 SGM_METHOD_DDIM /* DPM-Solver-1 is DDIM with eta = 0 (7.3) */

typedef enum sgm_grid_kind {
    SGM_GRID_AUTO = 0, SGM_GRID_UNIFORM, SGM_GRID_LOGSNR, SGM_GRID_EDM, SGM_GRID_QUADRATIC
} sgm_grid_kind;

SGM_API sgm_status sgm_time_grid(double *t, int steps, sgm_grid_kind kind, const sgm_sde *sde,
                                 double t_start, double t_end);
/* steps+1 falling times, t[0] = t_start and t[steps] = t_end exactly (5.10). */

typedef struct sgm_sample_options {
    sgm_method method;
    int steps;            /* updates; 0: 1000 for methods of order 1, DDIM 500, RK45 2 (a stretch
                             and a denoising), the others 100                                    */
    sgm_grid_kind grid;
    double eta;           /* of DDIM: 0 no noise, 1 the ancestral step's                         */
    double rtol, atol;    /* of RK45: 0 means 1e-5                                               */
    int corrector;        /* Langevin steps after each update: predictor-corrector               */
    double snr;           /* their signal to noise (6.8), 0 means .16; needs n·D >= 64           */
    double churn, churn_noise;    /* S_churn and S_noise of (5.12); noise 0 means 1              */
    double churn_low, churn_high; /* the s/m between which it churns; high 0: no limit           */
    long path_steps;      /* > 0: all noise from one Brownian path with so many increments (5.13) */
    double t_start;       /* 0 means the SDE's T; below it only with x_given                     */
    int x_given;          /* 1: start from the noisy points in x, not from the prior (8.14)      */
    int plain_end;        /* 0: the last update is the closed-form denoising from t_min (5.9)    */
    double t_end;         /* where a plain end stops; 0 where the method can                     */
    double *spread;       /* if not NULL: gets the samples' rms over that of the data that the
                             model was trained on, at t_end; NaN: not known, or x given    */
    const char *progress; /* a label: progress bar                                               */
    void (*on_step)(long step, double t, const float *x, long n, void *user); /* may be NULL     */
    void *user;
} sgm_sample_options;

typedef struct sgm_sampler {
    sgm_score score;
    sgm_sample_options o; /* with all defaults filled in */
    sgm_key key;
    long n, step;   /* step: updates done */
    int placed;     /* 1: the points are at their start, by sgm_sampler_prior or x_given */
    double *t;      /* (steps+1) the grid */
    float *buffer;  /* scratch            */
    long n_evals;   /* evaluations per point so far */
    struct sgm_flow_state *flow; /* of the methods of chapter 7 */
} sgm_sampler;

SGM_API sgm_status sgm_sample(float *x, long n, const sgm_score *score,
                              const sgm_sample_options *options, sgm_key key);
/* Fills x(n,D): draws from the prior, then all steps. options NULL: the defaults. SGM_NOT_LEARNT: x
   is filled, but its rms is not within a factor of 2 of that of the data (5.14). Rows first … first
   + n of a set, as the score's `first` and `of` say, get the bits they have when all are drawn at
   once, unless the points choose their step together (RK45, corrector). */
SGM_API sgm_status sgm_sampler_init(sgm_sampler *sampler, const sgm_score *score, long n,
                                    const sgm_sample_options *options, sgm_key key);
SGM_API void sgm_sampler_prior(sgm_sampler *sampler, float *x);
/* x ~ N(0, prior² I), and the start of the run. SGM_BAD_ARGUMENT of a first step without it, unless
   the options say x_given: then x holds noisy points of your own. */
SGM_API sgm_status sgm_sampler_step(sgm_sampler *sampler, float *x);
SGM_API void sgm_sampler_reset(sgm_sampler *sampler, sgm_key key);
/* Back to the start, with a new key, as sgm_sampler_init would leave it; allocates nothing. */
SGM_API int sgm_sampler_done(const sgm_sampler *sampler);
SGM_API void sgm_sampler_free(sgm_sampler *sampler);

/*
## 6. Langevin dynamics
*/

typedef struct sgm_langevin_options {
    double step;       /* γ of x + γ s + √(2γ) z (6.3); 0: MALA finds it in the warm-up        */
    long steps;        /* after the warm-up                                                    */
    long warmup;       /* steps that are not counted, and find γ if step is 0                  */
    int metropolis;    /* 0: ULA. 1: MALA, which needs a score with logp                       */
    double snr;        /* ULA: > 0 sets γ anew in each step by signal to noise (6.8); n·D >= 64 */
    double t;          /* the time at which the score is asked                                 */
    const char *progress;
    void (*on_step)(long step, const float *x, long n, void *user); /* after the warm-up       */
    void *user;
} sgm_langevin_options;

typedef struct sgm_langevin {
    sgm_score score;
    sgm_langevin_options o;
    sgm_key key;
    long n, step;
    double step_size;  /* γ in use                                                             */
    double acceptance; /* mean over the steps after the warm-up; 1 for ULA, NaN before         */
    double accepted;
    long counted;
    float *buffer;
    double *logp;
} sgm_langevin;

SGM_API sgm_status sgm_langevin_run(float *x, long n, const sgm_score *score,
                                    const sgm_langevin_options *options, sgm_langevin *report,
                                    sgm_key key);
/* Lets n walkers, which start at x(n,D), walk at one noise level. report (may be NULL): step size
   and acceptance, which a warm-up too short to find γ leaves near 0. SGM_BAD_ARGUMENT: no step, no
   steps, or MALA with a score that has no log density. SGM_NOT_FINITE: a score that is not at this
   t, or a walk that diverged. */
SGM_API sgm_status sgm_langevin_init(sgm_langevin *walk, const sgm_score *score, long n,
                                     const sgm_langevin_options *options, sgm_key key);
SGM_API sgm_status sgm_langevin_step(sgm_langevin *walk, float *x);
SGM_API void sgm_langevin_reset(sgm_langevin *walk, sgm_key key);
/* As sgm_langevin_init would leave it, with a new key; allocates nothing. */
SGM_API void sgm_langevin_free(sgm_langevin *walk);

typedef struct sgm_anneal_options {
    const double *levels; /* falling times, n_levels of them; σs with sgm_sde_edm              */
    int n_levels;
    int steps_per_level;
    double last_step;     /* γ at the last level; the others' by (6.9)                         */
    int denoise;          /* 1: end with the closed-form denoising (5.7)                       */
    const char *progress;
} sgm_anneal_options;

SGM_API sgm_status sgm_anneal(float *x, long n, const sgm_score *score,
                              const sgm_anneal_options *options, sgm_key key);
/* Fills x(n,D) by annealed Langevin dynamics, from N(0, s²I) of the first level down (6.9). */
SGM_API double sgm_autocorrelation_time(const float *series, long n);
/* τ >= 1 of a stationary series, in steps (6.10). NaN: n < 2, or a value that is not finite. */
SGM_API double sgm_effective_size(const float *series, long n);
/* n/τ: so many independent values have a mean as good as the series'. */
SGM_API void sgm_mode_weights(double *weight, const float *x, long n, int d, const float *centres,
                              int modes);
/* weight(modes): the share of the points nearest to each of centres(modes,D). A point that is not
   finite is near none, and of no points the shares are NaN. */

/*
## 7. The probability-flow ODE
*/

SGM_API sgm_status sgm_flow(float *x, long n, const sgm_score *score, double from, double to,
                            const sgm_sample_options *options, long *nfe);
/* Carries x(n,D) along the ODE (7.1) from one time to another: up (t_min to T) it encodes, down it
   decodes. options NULL: RK45 at 1e-5; else method (AUTO: RK45), steps, grid, rtol, atol. nfe, if
   not NULL: evaluations per point. Of a score with a scaler, points at t_min are the data's, and at
   other times scaled. SGM_BAD_ARGUMENT: times outside [t_min, T], a noisy method.
   SGM_NOT_FINITE. */
SGM_API void sgm_interpolate(float *out, const float *a, const float *b, double share, long n,
                             int d);
/* Points between a(n,D) and b(n,D) on the great circle through both, share 0 … 1 of the way (and on
   beyond), no longer and no shorter than both: so latents stay as long as the prior wants them. NaN
   where a, b or share are not finite. */

typedef struct sgm_likelihood_options {
    int probes;               /* 0: exact trace, D tangents; K >= 1: Hutchinson's estimate (7.15) */
    int draws;                /* of the bound, for each point: an even number; 0 means 64         */
    sgm_probe law;            /* of the probes                                                    */
    sgm_sample_options solve; /* method (AUTO: RK45), steps, grid, rtol, atol                     */
    double prior;             /* std of the prior; 0 means the SDE's                              */
    int levels;               /* x was dequantised from so many levels: counts in bits per dim    */
    int unchecked;            /* 1: no points are solved twice: change, change_most are NaN       */
    const char *progress;
} sgm_likelihood_options;

typedef struct sgm_likelihood_result {
    double nats, nats_se;     /* mean of log p over the points, ± its standard error              */
    double bits_per_dim;      /* -nats/(D log 2) + log2(levels)                                   */
    double probe_se;          /* root mean square over points of the error that the probes leave  */
    double prior, divergence; /* the two terms of (7.14): nats = prior + divergence (- log scale) */
    double change;            /* mean |change| of log p with half the steps' size, or rtol/10     */
    double change_most;       /* the largest of them; both of up to 256 points, evenly spread     */
    int suspect;              /* 1: change > .01 D or change_most > .1 D: take more steps         */
    int differences;          /* 1: no jvp (or trace): tangents are central differences           */
    double mismatch;          /* largest |log p_T - log prior| at the latents: what the prior costs
                                 a point; NaN but for mixtures, whose p_T is known                */
    long nfe;                 /* evaluations per point: of the score, or of score and tangent     */
} sgm_likelihood_result;

SGM_API sgm_status sgm_likelihood(double *logp, double *se, float *latent, const float *x, long n,
                                  const sgm_score *score, const sgm_likelihood_options *options,
                                  sgm_likelihood_result *result, sgm_key key);
/* logp(n) of x(n,D) under the ODE, as of t_min; of a score with a scaler, of the raw data (9.2).
   se(n): each point's standard error over K probes, of K - 1 degrees of freedom (Student's t);
   latent(n,D): where the points arrive at T. se, latent, options and result may be NULL. Asked by
   first and of, or by row, a part of a set has its numbers (of an adaptive method, up to rtol). */
SGM_API sgm_status sgm_sample_likelihood(float *x, double *logp, double *se, long n,
                                         const sgm_score *score,
                                         const sgm_likelihood_options *options,
                                         sgm_likelihood_result *result, sgm_key key);
/* Draws x(n,D) and knows its log p in the same pass. */
SGM_API sgm_status sgm_likelihood_bound(double *bound, double *se, const float *x, long n,
                                        const sgm_score *score,
                                        const sgm_likelihood_options *options,
                                        sgm_likelihood_result *result, sgm_key key);
/* bound(n) <= log p of x(n,D), as of t_min, under the *reverse SDE*: the evidence lower bound, ELBO
   (7.18), by 2·draws evaluations per point and no tangents. Each is right on the average, ± se(n)
   (may be NULL). Of the options only draws, prior, levels and progress matter. In the result,
   divergence is what the path adds to the prior's term, probe_se the rms of se; all that a solver
   tells is NaN or 0. */

/*
## 8. Guidance

Each of these makes a score out of others. Model, condition and problem must outlive it.
*/

SGM_API sgm_status sgm_one_hot(float *out, const int *label, long n, int classes);
/* out(n,classes): 1 at each label, else 0. SGM_BAD_ARGUMENT names a label that is out of range. */

typedef struct sgm_condition {
    const sgm_model *model;
    int which;
    const float *cond; /* (rows,C) */
    long rows;
} sgm_condition;

SGM_API sgm_status sgm_condition_init(sgm_condition *c, const sgm_model *model, int which,
                                      const float *cond, long rows);
/* One condition for all points (rows = 1), or one for each: then your set must have `rows` points
   (SGM_MISMATCH else). which: as in sgm_model_score. */
SGM_API sgm_score sgm_condition_score(const sgm_condition *c); /* ∇log p_t(x|y)           (8.2) */

typedef struct sgm_classifier {
    const sgm_model *model;
    int which;
    const int *labels; /* (rows) */
    long rows;
} sgm_classifier;

SGM_API sgm_status sgm_classifier_init(sgm_classifier *c, const sgm_model *model, int which,
                                       const int *labels, long rows);
SGM_API sgm_score sgm_classifier_score(const sgm_classifier *c);
/* ∇log p(y|x,t) for the label y, one for all points or one for each; with logp, jvp and vjp. */
SGM_API sgm_status sgm_classifier_probs(const sgm_model *model, int which, double *probs,
                                        const float *x, const float *t, long n);
/* probs(n,K): p(y|x,t) of every label. */

typedef struct sgm_guided {
    sgm_score a, b;       /* the unconditional score, and the conditional one or a classifier's   */
    int classifier;       /* what b is: 0: s = (1-γ) a + γ b (8.6); 1: s = a + γ b (8.5)          */
    double gamma;         /* 0: unconditional; 1: conditional; above: more than conditional       */
    double t_low, t_high; /* outside of these times γ is 1; init sets them to 0 and infinity      */
} sgm_guided;

SGM_API sgm_status sgm_guided_init(sgm_guided *g, const sgm_score *unconditional,
                                   const sgm_score *other, int classifier, double gamma);
/* other: sgm_condition_score with classifier 0, sgm_classifier_score with 1, or your own; of the
   same process and scaler (SGM_MISMATCH). Nothing to free. */
SGM_API sgm_score sgm_guided_score(const sgm_guided *g); /* has jvp and vjp where both parts have */

typedef struct sgm_inverse {
    int d, m;
    double noise;
    double *size;           /* (m) the singular values of A                                   */
    double *target, *sigma; /* (m) what each direction measured, and with what noise (8.9)    */
    double *v;              /* (m,D) the directions                                           */
    int *span;              /* (m,2) where each direction's numbers begin and end             */
} sgm_inverse;

SGM_API sgm_status sgm_inverse_init(sgm_inverse *p, int d, int m, const float *A, const float *y,
                                    double noise);
/* The measurement y = A x0 + noise·z with A(m,D), y(m). Inpainting: a row of A has one 1. Rows must
   be independent: SGM_BAD_ARGUMENT names one that is not. */
SGM_API void sgm_inverse_free(sgm_inverse *p);

typedef struct sgm_posterior {
    sgm_score score;
    sgm_inverse problem; /* in the score's own, scaled, space */
    int own;             /* 1: made by init; 0: yours         */
    double sigma_data;
} sgm_posterior;

SGM_API sgm_status sgm_posterior_init(sgm_posterior *p, const sgm_score *score,
                                      const sgm_inverse *problem, double sigma_data);
/* ΠGDM (8.13): from a score with a vjp to the score given y. sigma_data: the data's std per
   coordinate, 0 meaning 1. Exact if the data is N(μ, sigma_data² I), else an approximation. */
SGM_API void sgm_posterior_free(sgm_posterior *p);
SGM_API sgm_score sgm_posterior_score(const sgm_posterior *p);

typedef enum sgm_inverse_method {
    SGM_INVERSE_REPLACEMENT = 0, /* overwrite what was measured with its noised self (8.10) */
    SGM_INVERSE_REPAINT,     /* the same, forth and back `resample` times where noise exceeds y */
    SGM_INVERSE_DPS,             /* push against the misfit after each step (8.12); needs a vjp */
    SGM_INVERSE_PIGDM            /* sgm_posterior (8.13); needs a vjp */
} sgm_inverse_method;

typedef struct sgm_inverse_options {
    sgm_inverse_method method;
    sgm_sample_options sample;
    int resample;            /* of RePaint; 0 means 10            */
    double zeta, sigma_data; /* of DPS (the data's unit), and of ΠGDM; 0 means 1 */
} sgm_inverse_options;

SGM_API sgm_status sgm_inverse_sample(float *x, long n, const sgm_score *score,
                                      const sgm_inverse *problem,
                                      const sgm_inverse_options *options, sgm_key key);
/* Fills x(n,D) as sgm_sample does, given y. options NULL: replacement. sample.method AUTO is the
   ancestral step here, and steps 0 means 1000 for every method: each step looks at y once. None is
   exact (ΠGDM is on Gaussian data): `make 30` tells what each draws. sgm_smc is, in its limit. */
SGM_API sgm_status sgm_mixture_posterior(sgm_mixture *posterior, const sgm_mixture *prior,
                                         const sgm_inverse *problem);
/* The exact law of x0 given y, seen through the prior's SDE: the referee of all methods (8.15). */

typedef struct sgm_smc_options {
    long particles;     /* of one run: n/particles runs do not see each other; 0: n, one run  */
    double threshold;   /* resamples a run when less than this share is effective; 0 means ½  */
    double sigma_data;  /* of the twist, as of ΠGDM; 0 means 1. Worse numbers only cost       */
    sgm_method method;  /* AUTO: the ancestral step; or another of the first three            */
    int steps;          /* 0 means 200                                                        */
    sgm_grid_kind grid;
    double *ess;        /* (steps + 1), if not NULL: each level's effective particles a run   */
    const char *progress;
} sgm_smc_options;

typedef struct sgm_smc_result {
    double log_evidence;   /* log of the mean over runs of the unbiased estimates of p(y) (8.19)  */
    double evidence_se;    /* standard error of that mean, over the mean; NaN of one run          */
    double ess, ess_least; /* effective particles (8.18) at the end, mean of the runs; the least of
                              all levels. Only what happened since a resampling is in it: see     */
    long ancestors;        /* from how many of the first points the last come, in the worst run   */
    double resamplings;    /* mean of the runs                                                    */
    long nfe;              /* evaluations per particle; a vjp counts as two                       */
} sgm_smc_result;

SGM_API sgm_status sgm_smc(float *x, double *weight, long n, const sgm_score *score,
                           const sgm_inverse *problem, const sgm_smc_options *options,
                           sgm_smc_result *result, sgm_key key);
/* x(n,D) from p(x0|y) by twisted sequential Monte Carlo, exact for many particles up to what the
   steps and the score leave (8.17). weight(n), if not NULL: each particle's, of sum 1 in each run;
   else a last resampling makes all alike. The score needs a vjp, the measurement noise, and a
   condition is one for all, or one for each run. options, result: may be NULL. */

/*
## 9. Data and measures
*/

SGM_API void sgm_data_ring(float *x, long n);
/* x(n,2): n points (cos, sin)(2πj/n), the data set of Gangloff's tutorial for n = 8. */
SGM_API void sgm_data_gaussians(float *x, long n, int modes, double radius, double std,
                                sgm_key key);
/* x(n,2): `modes` equal Gaussians on a circle, starting at angle 0. */
SGM_API void sgm_data_moons(float *x, long n, double noise, sgm_key key);
/* x(n,2): half circles (cos a, sin a) and (1-cos a, ½-sin a), a ~ U(0,π), plus N(0, noise²). */
SGM_API void sgm_data_swiss_roll(float *x, long n, double noise, sgm_key key);
/* x(n,2): (r cos r, r sin r)/10, r = 1.5π(1+2u), plus N(0, noise²). */
SGM_API void sgm_data_checkerboard(float *x, long n, sgm_key key);
/* x(n,2): uniform on the black squares of a 4×4 board over [-2,2]². */
SGM_API void sgm_data_digits(float *x, int *label, long n, sgm_key key);
/* x(n,784) in [0,1]: handwritten digits 0 to 9, 28 × 28, white on black; label(n) or NULL. Image i
   depends on the key and on i alone: draw as many as you like. */

SGM_API sgm_status sgm_scaler_init(sgm_scaler *scaler, const float *x, long n, int d);
/* Standardises each coordinate: means and standard deviations of x(n,D); a constant coordinate gets
   scale 1. SGM_NOT_FINITE, SGM_BAD_ARGUMENT (n < 1). */
SGM_API sgm_status sgm_scaler_init_channels(sgm_scaler *scaler, const float *x, long n, int d,
                                            int channels);
/* For images (row, column, channel): one mean and one scale for all pixels of a channel, so that a
   pixel that hardly varies is not blown up. channels 1: one for all. A scaler of zeros but for
   `channels`, in a model, is fitted like this by sgm_train. */
SGM_API void sgm_scaler_free(sgm_scaler *scaler);
SGM_API void sgm_scaler_apply(const sgm_scaler *scaler, float *out, const float *x, long n);
SGM_API void sgm_scaler_undo(const sgm_scaler *scaler, float *out, const float *x, long n);
SGM_API double sgm_scaler_log_det(const sgm_scaler *scaler);
/* Σ log scale: log density of raw points = log density of scaled points - this. */

SGM_API double sgm_sliced_w2(const float *a, long na, const float *b, long nb, int d,
                             int directions, sgm_key key);
/* Sliced 2-Wasserstein distance, in the data's units: √ of the mean over random directions of the
   squared 1-D distance, exact for unequal sizes (9.3). All measures return NaN for NaN, infinity or
   n = 0. */
SGM_API double sgm_energy_distance(const float *a, long na, const float *b, long nb, int d);
/* 2E|a-b| - E|a-a'| - E|b-b'|, unbiased over pairs (n >= 2): it may be slightly negative (9.4). */
SGM_API double sgm_mmd2(const float *a, long na, const float *b, long nb, int d, double width);
/* Squared maximum mean discrepancy, unbiased, kernel exp(-|a-b|²/(2 width²)); width 0: the median
   distance of up to 500 pairs (9.5). */
SGM_API sgm_status sgm_fisher(double *divergence, double *se, const sgm_score *a,
                              const sgm_score *b, const float *x, double t, long n);
/* E‖a(x,t) - b(x,t)‖² over the points given, ± standard error: the Fisher divergence if they are
   drawn from p_t (9.6). */

SGM_API sgm_status sgm_dequantise(float *x, long n, int levels, sgm_key key);
/* n numbers k/(levels-1) in [0,1] become (k + u)/levels, u ~ U(0,1): in (0,1), for a density. */
SGM_API double sgm_bits_per_dim(double logp, int d, double log_det, int levels);
/* (-logp + log_det + d log levels)/(d log 2), of a scaled, dequantised point of dimension d with
   its scaler's log_det (9.7). levels 1: continuous data. The fewer bits the better; the higher
   logp, as in sgm_likelihood_result. */
SGM_API double sgm_frechet(const float *a, long na, const float *b, long nb, int d);
/* Squared Fréchet distance of two sets of features, each taken for a Gaussian (9.8); costs d³. */
SGM_API sgm_status sgm_precision_recall(double *precision, double *recall, const float *real,
                                        long n_real, const float *made, long n_made, int d, int k);
/* Shares of made points within the k-th neighbour's reach of real ones, and the reverse (9.9). The
   paper takes k = 3. */
SGM_API sgm_status sgm_nearest(long *index, double *distance, const float *a, long na,
                               const float *b, long nb, int d, int k);
/* For each a(na,d) its k-th nearest point in b(nb,d), k <= 64; b NULL: among the other points of a.
   Either result (na) may be NULL. Of equally near points the first counts as nearer. */

/*
## 10. A fitted model

A table goes in: rows in the data's own units, as doubles. NaN is a value that is not known, a
category is the index of its level, and a picture is a row of its pixels.
*/

typedef enum sgm_kind {
    SGM_KIND_AUTO = 0, /* a category if it has levels, an integer if all are whole, or a number */
    SGM_KIND_NUMBER, SGM_KIND_INTEGER, SGM_KIND_CATEGORY
} sgm_kind;

typedef struct sgm_column {
    char *name;   /* NULL: x1, x2, … by its place                                           */
    sgm_kind kind;
    int n_levels; /* of a category, which is 0 … n_levels - 1; 0: one more than the largest */
    char **level; /* (n_levels) their names, or NULL: the numbers themselves                */
} sgm_column;

typedef struct sgm_table {
    double *x;          /* (n,d), row after row; NaN: not known                     */
    double *weight;     /* (n) of the rows, >= 0; NULL: all alike                   */
    sgm_column *column; /* (d), or NULL: all AUTO, without names                    */
    long n;
    int d;
    int h, w, channels; /* > 0: a row is a picture, d = h·w·channels, pixels in [0,1] */
    void *memory;       /* what sgm_table_free frees; NULL: the arrays are yours    */
} sgm_table;

typedef enum sgm_csv_header {
    SGM_HEADER_AUTO = 0, /* the first line is one if no field is a number, and one is a name */
    SGM_HEADER_LINE,     /* it is one, whatever it holds */
    SGM_HEADER_NONE      /* it is a row */
} sgm_csv_header;

typedef struct sgm_csv_options {
    sgm_csv_header header;
    char separator; /* 0: found in the first lines: semicolon, tab, comma, or blanks          */
    char decimal;   /* 0: '.', but ',' between semicolons if the first number has one: 1,5;2  */
    int missing;    /* 1: an empty field, NA, N/A, NaN, null or None is NaN; 0: it is an error */
} sgm_csv_options;

typedef struct sgm_table_options {
    sgm_csv_options csv; /* missing counts as 1 here                                       */
    const char *weight;  /* name of the column with the rows' weights; NULL: none          */
    const char *const *drop;  /* (n_drop) columns to leave out, by name                    */
    const char *const *kinds; /* (n_kinds) "name=number", or =integer, =category, =drop    */
    int n_drop, n_kinds;
    const sgm_table *like; /* read as this one was: its columns, kinds and levels          */
} sgm_table_options;

SGM_API sgm_status sgm_table_load(sgm_table *table, const char *path,
                                  const sgm_table_options *options);
/* CSV, NPY or IDX, told by the first bytes; path "-": standard input; options may be NULL. */
SGM_API sgm_status sgm_table_save(const char *path, const sgm_table *table);
/* CSV with names and level names, NaN as an empty field; float64 where path ends with .npy. */
SGM_API sgm_status sgm_table_init(sgm_table *table, const sgm_table *like, long n);
/* n >= 0 rows of NaN with the columns of another, whose x may be NULL; no weights. */
SGM_API void sgm_table_free(sgm_table *table);

typedef enum sgm_quality {
    SGM_QUALITY_AUTO = 0, /* GOOD */
    SGM_QUALITY_FAST, SGM_QUALITY_GOOD, SGM_QUALITY_BEST
} sgm_quality;

typedef struct sgm_fit_news { /* how far a fit is; NaN: not known yet */
    const char *doing;        /* "training", "choosing", … */
    long step, steps;         /* of the training, or of what is done now */
    double held_loss, best_loss;        /* of the rows held out, now and at best (4.7) */
    double nll, nll_gauss, nll_kde;     /* their mean -log p: now, of a Gaussian, of kernels */
    double seconds, left;     /* so far; until the training ends, if it is not stopped early */
} sgm_fit_news;

typedef struct sgm_fit_options {
    sgm_quality quality;
    long steps;       /* the most of the training; 0: by quality and size                       */
    int width, depth; /* of the network; 0: by the table's size                                 */
    double held_out;  /* share of the rows to choose by; 0: a fifth of few, a tenth of many     */
    int patience;     /* looks without a gain that end the training; 0: by quality; below 0: never */
    int straight;     /* 1: columns are not bent (10.1); 2: nor turned (10.4)                   */
    double sigma_min; /* where the density is read, in encoded units; 0: chosen                 */
    int (*on_step)(const sgm_fit_news *news, void *user); /* 1: stop, with the best so far      */
    void *user;
    const char *progress; /* a label: progress bar                                              */
} sgm_fit_options;

typedef struct sgm_coordinate { /* one number of an encoded row, see §10.1 */
    int column, bit;            /* of a category its bit; else -1 */
    double centre, unit, tail, skew, shift, scale; /* (10.1); tail 1 and skew 0: straight */
} sgm_coordinate;

typedef struct sgm_code { /* how a row becomes a point z of `width` numbers, and back: §10.1 */
    int columns, width, masked;  /* masked: the network is told what is known (§10.4)    */
    sgm_coordinate *at;          /* (width)                                              */
    double *low, *high;          /* (columns) the least and largest value seen           */
    double *turn, *back;         /* (width,width) z = turn y, y = back z; NULL: z = y    */
    double log_turn;             /* log |determinant of turn|                            */
} sgm_code;

typedef struct sgm_fit_report { /* what was chosen, and how good it is; NaN: not known */
    long rows, held;            /* learnt from; held out                                       */
    long steps, best_step;
    int stopped;                /* 1: on_step ended the training; 2: patience did              */
    int width, depth;           /* of the network                                              */
    double shrink;              /* of the covariance that turns (10.4)                         */
    double sigma_min, sigma_max;
    double nll, nll_se;         /* mean -log p of the rows held out, nats, in the data's units */
    double nll_gauss, nll_kde;  /* the same of a full Gaussian and of a kernel density         */
    sgm_method method;          /* of sampling, with so many steps:                            */
    int sample_steps;
    double distance, floor;     /* energy distance, encoded, of samples to the rows held out, and
                                   of rows learnt from to them                                 */
    double memory;              /* see sgm_fitted_memory                                       */
    uint32_t key[2], data[2];   /* the key, and a hash of the table: they recreate the fit     */
} sgm_fit_report;

typedef struct sgm_fitted {
    sgm_table table;     /* the columns, and the picture's size; no rows                       */
    sgm_code code;
    sgm_model *model;    /* speaks of encoded rows; told a mask if code.masked                 */
    sgm_fit_report report;
    double *held_logp;   /* (report.held) of the rows held out, rising: NULL if there are none */
    const sgm_score *instead; /* not NULL: asked in the model's place. Yours, of dimension code.width */
    char *note;          /* yours, saved with it: sgm_fitted_note sets it                      */
    struct sgm__fitted_own *own;
} sgm_fitted;

SGM_API sgm_status sgm_fit(sgm_fitted *fitted, const sgm_table *table,
                           const sgm_fit_options *options, sgm_key key);
/* A model of the table's rows; all that must be chosen is, and told in fitted->report (§10.2).
   options NULL: the defaults. SGM_BAD_ARGUMENT: fewer than 10 rows, no column that varies;
   SGM_NOT_FINITE: an infinity. Free it with sgm_fitted_free. */
SGM_API void sgm_fitted_free(sgm_fitted *fitted);
SGM_API int sgm_fitted_print(const sgm_fitted *fitted, char *text, size_t bytes);
/* What was chosen and how good it is, a sentence each; as snprintf does. */
SGM_API sgm_status sgm_fitted_sample(const sgm_fitted *fitted, double *x, long n, sgm_key key);
/* x(n,d): new rows, in the data's units: whole numbers where the column's are, levels. Row i depends
   on the key and on i alone. */
SGM_API sgm_status sgm_fitted_logp(const sgm_fitted *fitted, double *logp, double *se,
                                   const double *x, long n, sgm_key key);
/* logp(n) of rows x(n,d), nats, ± se(n) (may be NULL): a density in numbers, a probability in whole
   numbers and categories; of a row with NaNs, of what is known. -infinity: a level or a constant
   that was never seen. */
SGM_API sgm_status sgm_fitted_memory(const sgm_fitted *fitted, double *ratio,
                                     const sgm_table *train, long n, sgm_key key);
/* Median distance of n samples to the nearest row of the table (encoded), over that of its rows to
   each other's: about 1: new rows; near 0: copies. */
SGM_API sgm_status sgm_fitted_note(sgm_fitted *fitted, const char *note);
SGM_API sgm_status sgm_fitted_save(const sgm_fitted *fitted, const char *path);
SGM_API sgm_status sgm_fitted_open(sgm_fitted *fitted, const char *path);
/* A safetensors file with everything that the questions need; sgm_model_open reads its network. */
SGM_API sgm_score sgm_fitted_score(const sgm_fitted *fitted);
/* ∇log p_t of encoded rows, all of which is known: for the engine's other functions. */
SGM_API sgm_status sgm_fitted_encode(const sgm_fitted *fitted, float *z, double *log_slope,
                                     const double *x, long n, sgm_key key);
SGM_API void sgm_fitted_decode(const sgm_fitted *fitted, double *x, const float *z, long n);
/* z(n, code.width) of rows x(n,d) and back. log_slope(n) (may be NULL): log p(row) - log p(z)
   (10.3); the key draws what fills whole numbers, categories and unknown values. */

/*
## B. The kernels
*/

SGM_API const char *sgm_isa(void); /* the instruction set in use: "avx2" */
SGM_API int sgm_threads(void);     /* how many threads a call may use: 1 without -fopenmp */
SGM_API sgm_status sgm_set_threads(int n);
/* From now on no call uses more than n threads, 1 to 1024; 0: what OpenMP says, as at the start.
   They wait asleep, so others may work beside them. A child of fork() makes its own. Results do not
   depend on any of this. */

/*
## C. Files
*/

typedef struct sgm_array {
    const char *name; /* (rows, cols) floats, row after row */
    float *data;
    long rows, cols;
} sgm_array;

typedef struct sgm_archive {
    sgm_array *arrays; /* in the order of the file */
    int n_arrays;
    const char **meta; /* key, value, key, value, … */
    int n_meta;        /* pairs */
    void *memory;
    float *numbers;
} sgm_archive;

SGM_API sgm_status sgm_archive_save(const char *path, const sgm_array *arrays, int n_arrays,
                                    const char *const *meta, int n_meta);
/* Writes a safetensors file (float32), its checksum among the metadata; names in UTF-8. This and
   every other save: the file appears whole, or what was there stays. It is written beside `path`,
   synced and renamed; the rights stay, a link is followed, a pipe or terminal written through; what
   is read-only, or has a second name (hard link), or is no file, is refused. SGM_NO_FILE. */
SGM_API sgm_status sgm_archive_load(sgm_archive *archive, const char *path);
/* Reads one. A shape () is (1,1), (n) is (n,1), (a,b,c,…) is (a, b·c·…). Other types become floats,
   rounded; refused: F8, F4, C64, an F64 beyond float. Whatever it holds, no crash: SGM_NO_FILE,
   SGM_BAD_FILE or SGM_NO_MEMORY, and *archive is then empty. Free it when done. */
SGM_API void sgm_archive_free(sgm_archive *archive);
SGM_API const sgm_array *sgm_archive_find(const sgm_archive *archive, const char *name);
SGM_API const char *sgm_archive_meta(const sgm_archive *archive, const char *key);
/* NULL where there is none. */

SGM_API sgm_status sgm_dat_save(const char *path, const char *header, const float *x, long rows,
                                int cols);
/* A table for gnuplot: a line "# header" (name the columns and units), then one per row, %.9g. */

typedef struct sgm_images { /* rows of numbers: images, or points with h = channels = 1 */
    float *x;               /* (n, d), d = h·w·channels: row, column, channel; pixels in [0,1] */
    int *label;             /* (n), or NULL where the file has none */
    char **names;           /* (d) names of columns, or NULL where the file has none */
    long n;
    int h, w, channels, d;
} sgm_images;

SGM_API sgm_status sgm_idx_load(sgm_images *out, const char *path);
/* MNIST's format: images into x (label is NULL), or labels into label (x is NULL). */
SGM_API sgm_status sgm_cifar_load(sgm_images *out, const char *path);
/* A batch of CIFAR-10, "binary version": 32 × 32 × 3 and labels. */
SGM_API sgm_status sgm_csv_load(sgm_images *out, const char *path, const sgm_csv_options *options);
/* Lines of numbers (options may be NULL), fields quoted or not, any ends of lines. Empty lines, and
   what begins with #, are skipped; what is doubtful is refused, by line and column. */
SGM_API sgm_status sgm_npy_load(sgm_images *out, const char *path);
/* numpy.save of (), (n), (n,d), (n,h,w) or (n,h,w,channels): floats of 2, 4 or 8 bytes, whole
   numbers and bool, of either byte order, by rows or columns (Fortran).
   All four: SGM_NO_FILE (also for a pipe), SGM_BAD_FILE (the message has the cure; a .gz needs
   gunzip, or SGM_ZLIB), SGM_NOT_FINITE, SGM_NO_MEMORY, and *out is then empty. No crash. */
SGM_API void sgm_images_free(sgm_images *images);

SGM_API sgm_status sgm_pnm_save(const char *path, const float *x, long n, int h, int w,
                                int channels, int columns);
/* Draws x(n, h·w·channels), 0 black, 1 white, as a grid of `columns` into a PGM (1 channel) or PPM
   (3). The file appears whole or not at all. */

SGM_API sgm_status sgm_png_grid(const char *path, const float *x, long n, int h, int w,
                                int channels, int columns,
                                int (*write_png)(char const *path, int w, int h, int channels,
                                                 const void *data, int stride));
/* The same through stb_image_write: pass stbi_write_png. */

/* Networks and tables of HuggingFace's diffusers (§F.10): UNet2DModel, DDPMScheduler, its kin. */
typedef struct sgm_diffusers { /* 0 means the package's default, but for levels and width   */
    int h, w, channels;        /* of the images; 0: a square, 3 channels                    */
    int levels, width[8];      /* block_out_channels, from the whole image down             */
    int down[8], up[8];        /* 1: AttnDownBlock2D; AttnUpBlock2D from the lowest level on */
    int layers, groups;        /* layers_per_block, norm_num_groups; 0: 2, 32               */
    int head;                  /* attention_head_dim; 0: 8; -1: one head as wide as its level */
    int no_middle;             /* 1: no attention in the middle (add_attention is false)    */
    int sin_first, freq_shift; /* 1: flip_sin_to_cos is false; freq_shift: 0 or 1           */
    int pad_after;             /* 1: halving pads only behind (downsample_padding is 0)     */
    float dropout;
    double eps;   /* norm_eps; 0: 1e-5                                                      */
    double steps; /* it is told k = steps·t - 1. 0: 1, as of sgm_ddpm_sde; VP(.1,20): 1000  */
} sgm_diffusers;

SGM_API sgm_tensor *sgm_diffusers_net(sgm_tape *tape, const sgm_net_in *in);
/* The U-Net of UNet2DModel; in->user: sgm_diffusers. */
SGM_API sgm_status sgm_diffusers_unet(sgm_model *model, const char *directory,
                                      const sgm_model_options *options);
/* Reads config.json and diffusion_pytorch_model.safetensors (F32; F16, BF16 widened) into a model
   as sgm_model_init makes it of your options: their sde, and more if you like (output 0: noise);
   net, user and d come from the file. Images are row, column, channel, as everywhere here.
   SGM_MISMATCH names the field of a network that this is not. */

typedef struct sgm_ddpm {
    int n;
    double *integral; /* (n+1) of β */
} sgm_ddpm;

SGM_API sgm_status sgm_ddpm_init(sgm_ddpm *table, const double *beta, int n);
/* beta(n) in (0,1), n >= 4; NULL: evenly from 1e-4 to .02. Free it after its SDE's last use. */
SGM_API void sgm_ddpm_free(sgm_ddpm *table);
SGM_API sgm_sde sgm_ddpm_sde(const sgm_ddpm *table);
/* The VP process through the table: at t = k + 1, m² is the package's ᾱ_k, with k from 0 on. */

typedef enum sgm_spacing {
    SGM_SPACING_LEADING = 0, SGM_SPACING_TRAILING, SGM_SPACING_LINSPACE
} sgm_spacing;
SGM_API sgm_status sgm_ddpm_times(double *t, int steps, sgm_spacing spacing, int n);
/* t(steps+1): k + 1 for the timesteps k of DDPMScheduler and DDIMScheduler, and 0. Put into a
   sampler's t before its first step, its ancestral step, DDIM and DPM-Solver++(2M) are theirs. */

#ifdef __cplusplus
}
#endif
#endif /* SGM_H */

/*
## What this file asks of a compiler

From here on stands the implementation, for the one file that defines `SGM_IMPLEMENTATION`. Before
the book begins, a page that a reader skips: it refuses what would change results or cannot work,
and gives one name to what compilers spell differently.
*/
#if defined(SGM_IMPLEMENTATION) && !defined(SGM__IMPLEMENTED)
#include <float.h>
#include <limits.h>
/* What would change bits, or cannot work, is refused here: by one error, without the rest. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(_M_FP_FAST)
#error "sgm.h defines its results bit by bit: compile without -ffast-math, -Ofast and their parts"
#define SGM__IMPLEMENTED
#elif (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16) || \
    (defined(__i386__) && !defined(__SSE2_MATH__)) || (defined(_M_IX86_FP) && _M_IX86_FP < 2)
#error "sgm.h needs floats that round as floats: compile with -msse2 -mfpmath=sse, not for the x87"
#define SGM__IMPLEMENTED
#elif UINT_MAX != 0xffffffff
#error "sgm.h needs an int of 32 bits: compile it for a machine that has one"
#define SGM__IMPLEMENTED
#elif (defined(SGM_MALLOC) + defined(SGM_REALLOC) + defined(SGM_FREE)) % 3
#error "sgm.h: define SGM_MALLOC, SGM_REALLOC and SGM_FREE, all three or none"
#define SGM__IMPLEMENTED
#elif defined(SGM_STATIC) && SGM__API_IS != 1
#error "sgm.h: define SGM_STATIC before the first #include of sgm.h, and then no SGM_API"
#define SGM__IMPLEMENTED
#endif
#endif

#if defined(SGM_IMPLEMENTATION) && !defined(SGM__IMPLEMENTED)
#define SGM__IMPLEMENTED
#define SGM__IMPLEMENTING

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#define SGM__UNIX
#include <sys/time.h>
#include <unistd.h>
#elif defined(_WIN32)
#include <io.h>
#else
#include <time.h>
#endif
#if defined(_OPENMP) && !defined(SGM_NO_THREADS)
#include <omp.h>
#define SGM__THREADS
#if defined(SGM__UNIX) && defined(__GNUC__)
#include <pthread.h>
#include <signal.h>
#define SGM__POOL /* our own threads (§A.1); else OpenMP's */
#endif
#endif
/* The fast kernels stand in a text that is read once per instruction set (§B.8), under the
name that this file has. Pasted into a .c file it cannot be read again; the plain kernels serve. */
#if !defined(SGM__TEXT) && defined(__FILE_NAME__)
#define SGM__TEXT __FILE_NAME__
#elif !defined(SGM__TEXT)
#define SGM__TEXT __FILE__
#endif
#if defined(SGM_NO_SIMD) || !defined(__GNUC__) || __INCLUDE_LEVEL__ == 0
#elif defined(__x86_64__)
#define SGM__X86
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define SGM__ARM
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#define SGM__WASM
#include <wasm_simd128.h>
#endif

/*
A compiler may fuse `a*b + c` into one instruction that rounds once, where it sees fit, and two
compilers see different fits. Bits that are to be the same everywhere forbid that here; where the
library wants the fused operation it says so (`sgm__fmaf`). Nor may sums be regrouped: that is told
to clang without a macro that could be refused above, so it is told the contrary here.
*/
#if defined(__clang__)
#if __clang_major__ >= 12 && !defined(__wasm__)
#pragma float_control(precise, on, push)
#endif
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off", "no-associative-math", "signed-zeros")
#endif
/* Most of what follows calls a kernel that does the work, and kernels get all the care of a
compiler (appendices A and B). Where it is asked to work *lightly*, gcc does no more than -Og and
clang puts no function into another; *coldly* is for what runs once: checks, options, storage,
files. So the page compiles in half the time. Bits do not depend on it. */
#if defined(__clang__)
#define SGM__LIGHTLY \
    _Pragma("clang attribute push(__attribute__((noinline)), apply_to = function)")
#define SGM__FULLY _Pragma("clang attribute pop")
#define SGM__COLDLY _Pragma("clang optimize off")
#define SGM__WARMLY _Pragma("clang optimize on")
#elif defined(__GNUC__) && __OPTIMIZE__ + 0
#define SGM__LIGHTLY _Pragma("GCC push_options") _Pragma("GCC optimize(\"Og\")")
#define SGM__FULLY _Pragma("GCC pop_options")
#define SGM__COLDLY _Pragma("GCC push_options") _Pragma("GCC optimize(\"O0\")")
#define SGM__WARMLY _Pragma("GCC pop_options")
#else
#define SGM__LIGHTLY
#define SGM__FULLY
#define SGM__COLDLY
#define SGM__WARMLY
#endif
/* An error in this line: compile without -fsingle-precision-constant. */
typedef char sgm__compile_without_single_precision_constant[sizeof 1.0 == sizeof(double) ? 1 : -1];

#ifndef SGM_MALLOC
#define SGM_MALLOC(n) malloc(n)
#define SGM_REALLOC(p, n) realloc(p, n)
#define SGM_FREE(p) free(p)
#endif
#ifndef SGM_ASSERT
#include <assert.h>
#define SGM_ASSERT(x) assert(x)
#endif

#if defined(__GNUC__)
#define SGM__RESTRICT __restrict__
#define SGM__PRINTF(f, a) __attribute__((format(printf, f, a)))
#define SGM__LOAD(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define SGM__STORE(p, x) __atomic_store_n(p, x, __ATOMIC_RELAXED)
#define SGM__TAKE(p) __atomic_fetch_add(p, 1, __ATOMIC_ACQ_REL) /* *p++, by one thread at a time */
#else
#define SGM__RESTRICT
#define SGM__PRINTF(f, a)
#define SGM__LOAD(p) (*(p))
#define SGM__STORE(p, x) (*(p) = (x))
#define SGM__TAKE(p) ((*(p))++)
#endif
#if defined(__cplusplus)
#define SGM__THREAD_LOCAL thread_local
#elif defined(__GNUC__)
#define SGM__THREAD_LOCAL __thread
#elif defined(_MSC_VER)
#define SGM__THREAD_LOCAL __declspec(thread)
#elif __STDC_VERSION__ >= 201112L && !defined(__STDC_NO_THREADS__) && !defined(__TINYC__)
#define SGM__THREAD_LOCAL _Thread_local
#else
#define SGM__THREAD_LOCAL
#endif

#define SGM__PI 3.14159265358979323846
#define SGM__LN2 0.69314718055994530942
#define SGM__HALF_LOG_2PI 0.91893853320467274178
SGM__LIGHTLY

/*
# Part II: the book

Read it top to bottom. The chapters stand in the order in which the equations are needed, and each
explains its equations before it carries them out. You need C and calculus; no machine learning.

## What a generative model is

You have points, each a list of D numbers: photographs, say, or pairs from an experiment. Chance
drew them from a law that nobody has told you. A *generative model* is a program that learns from
them to draw new points, as if from the same law.

A law on points is given by its *density* p(x): of many draws, the share p(x)·(volume) falls into a
small box at x. It is never negative, and its integral is 1. The *expectation*
$E\,h(x) = ∫ h(x) p(x) dx$ is the mean of h over endlessly many draws; a program averages over as
many as it can afford. We write $x ∼ p$ for "x is drawn from p", $x|y$ for "x, given y", and N(μ, C)
for the Gaussian (normal) law with mean μ and covariance C. (*Variance* is $E(x−Ex)²$, its root the
*standard deviation*; $C_{jk}$ is $E(x_j−μ_j)(x_k−μ_k)$.) The *gradient* ∇h(x) is the list of
derivatives $∂h/∂x_j$: an arrow that points where h grows fastest, as long as the growth is steep.

To fit a density directly one must make its integral 1, which in a thousand dimensions nobody can
compute. This book goes another way, in three moves:

1. **Noise.** Shake the points, a little at a time, until what is left is a round Gaussian cloud.
   From that anyone can draw. (Chapter 1)
2. **Score.** At every noise level there is an arrow at each place x, the *score* $∇_x \log p(x)$,
   which tells where the noisy points lie denser. A network learns it from noisy points: it is shown
   one, and asked for the noise in it. (Chapters 2 to 4)
3. **Samples.** Draw from the round cloud and go back through the noise levels in small steps, each
   a bit along the arrows. Where you arrive are new points. (Chapters 5 to 7)

         data, t = 0              t in between                  noise, t = T

                         noise                        noise       .    .
           o o o          ──→      . o  o .            ──→     .     .   .  .
         o       o               o  .    . o                 .   .  .   .    .
         o       o               o .     . o                   .   .   .  .
           o o o                   . o  o .                  .   .   .    .
                          ←──                          ←──     .    .  .
                         score                        score
          new points        ↘   ↓   ↙   the arrows       drawn from N(0, σ² I)
                             → ooo ←    point to where
                            ↗   ↑   ↖   points lie

Chapter 8 makes it draw what you ask for, and chapter 9 measures how well it draws.

## What W and dW are

The shaking is written $g\,dW$, where W is *Brownian motion*, the path of a particle that is pushed
at random. You never need W itself, only what it does in a step of time Δ:

$$W_{t+Δ} − W_t = \sqrt{Δ}\; z, \qquad z ∼ N(0, I), \text{ fresh and independent in every step}$$

Why the root? Two steps of Δ must be as good as one of 2Δ. Variances of independent numbers add, so
it is the *variance* that must be proportional to time. With Δ z, the 1/Δ steps in a unit of time
would add up to the variance Δ, and the noise would be gone once the steps are fine.

So $dx = u\,dt + g\,dW$ is short for a loop with `x += u * dt + g * sqrt(dt) * z`, with dt as small
as you can afford. Two things follow for whoever writes it. A path has no derivative: $\sqrt{Δ}z/Δ$
grows without bound. And the square of a step, $Δ z²$, is on average Δ, as large as the drift's
part: where calculus drops $(dx)²$, keep it. Here that is only needed for means and variances
(chapter 1), and since our g does not depend on x, nothing else of the theory of Itô is.

## What the book borrows from the workshop

What makes the library fast and safe stands in Part III, for those who ask *how*. The book calls it
by these names, and needs no more of it than is said here.
*/
/* errors, memory and numbers (A) */
static sgm_status sgm__fail(sgm_status status, const char *format, ...) SGM__PRINTF(2, 3);
#define sgm__bad(...) sgm__fail(SGM_BAD_ARGUMENT, __VA_ARGS__) /* returns it; sgm_error() tells */
static sgm_status sgm__empty(const char *need);       /* for what a failed call left empty */
static void *sgm__alloc(size_t count, size_t size);   /* zeros; or NULL, and an error */
static size_t sgm__times(size_t a, size_t b);         /* a b, or a size too large to get */
static void sgm__free(void *p);
static long sgm__first_bad(const float *x, size_t n); /* index of a NaN or infinity, or -1 */
static void sgm__unknown(float *x, long n, int d);    /* all NaN */
static double sgm__square_sum(const float *x, long n);
static double sgm__row_dot(const float *a, const float *b, int n);
static const char *sgm__number_text(char text[40], double x, int digits);
static double sgm__exp(double x); /* the same bits on every machine, as these: */
static double sgm__expm1(double x);
static double sgm__log(double x);
static double sgm__log1p(double x);
static void sgm__sincos_turns(double turns, double *s, double *c); /* of 2π turns */
static double sgm__cos_turns(double turns);
static uint32_t sgm__hash(uint32_t x);                /* well mixed */
static uint64_t sgm__fnv(uint64_t h, const unsigned char *bytes, size_t n); /* a checksum */
static sgm_status sgm__usable(const char *who, const float *x, long n, int d, long least);
/* Data: finite, and at least so many points. */
static double sgm__uniform53(sgm_key key, uint64_t i); /* the i-th of U(0,1), to 53 bits */
static double sgm__normal1(sgm_key key, uint64_t i);   /* the i-th of N(0,1) */
static void sgm__keep(float *mask, long n, float rate, sgm_key key); /* 0, or 1/(1-rate) */
/* chapter 1 */
static double sgm__curve_rate(const sgm_sde *sde, double t); /* the derivative of sde->curve */
/* chapter 2 */
static sgm_status sgm__score_made(const sgm_score *score); /* d and eval are there */
static sgm_status sgm__score_check(const sgm_score *score, const float *x, const float *t, long n,
    const void *out, const void *also); /* the arguments of a question */
static sgm_status sgm__score_said(const float *s, const float *t, long n, int width); /* finite */
static sgm_status sgm__levels_check(const double *level, int n, const sgm_sde *sde);
static sgm_status sgm__mix_all(const sgm_score *self, float *s, float *js, double *logp,
    const float *x, const float *v, const float *t, long n); /* sgm__mix_row for n points */
struct sgm__draws;
static sgm_status sgm__draws_init(struct sgm__draws *b, const float *data, long n,
    const sgm_score *score, const sgm_score *exact, const sgm_loss *loss, long draws, long most,
    sgm_key key);
static sgm_status sgm__loss_is_none(void); /* the error of a loss that is not finite */
/* chapter 5; §G.4 has its checks, memory and bookkeeping */
static void sgm__normal_rows(float *z, long n, long cols, const sgm_score *rows, sgm_key key);
static sgm_status sgm__grid_check(const double *t, int steps, sgm_grid_kind kind,
    const sgm_sde *sde, double t_start, double t_end);
static sgm_grid_kind sgm__grid_kind(const sgm_sde *sde, sgm_method method, double t_end); /* AUTO */
static sgm_status sgm__sampler_ready(const sgm_sampler *sampler, const float *x);
static sgm_status sgm__sampler_flow(sgm_sampler *sampler, float *x); /* steps of chapter 7 */
static sgm_status sgm__sampler_end(const sgm_sampler *sampler, float *x); /* finite; unscaled */
static sgm_status sgm__sampler_run(sgm_sampler *sampler, float *x,
    sgm_status (*advance)(sgm_sampler *, float *, void *), void *user); /* the prior, all steps */
/* chapters 6 and 8 */
static sgm_status sgm__walk_start(const sgm_langevin *walk, const float *s, const double *logp);
static sgm_status sgm__classifier_check(const sgm_model *model, int which);
static sgm_score sgm__score_around(const sgm_score *inner, const void *ctx,
    sgm_status (*eval)(const sgm_score *, float *, const float *, const float *, long));
/* chapter 7; §G.7 */
struct sgm_flow_state;
static sgm_status sgm__flow_step(struct sgm_flow_state *w, double t, double to, sgm_key key);
static sgm_status sgm__rk_start(struct sgm_flow_state *w, double t, double to); /* RK45's k[0], h */
static void sgm__lagrange(double *c, const double *node, int n, double from, double to); /* (7.6) */
static sgm_status sgm__flow_tangent(struct sgm_flow_state *w, const float *v, double t);
/* js = (∂s/∂x) v: the score's own tangent, or a central difference over ± h v. */
static sgm_status sgm__grid_reaches(
    const double *t, int steps, const sgm_sample_options *o, const sgm_sde *sde);
/* chapter 9 (§G.8) */
static int sgm__scales(const sgm_scaler *scaler, float *out, const float *x, long n); /* usable */
static sgm_status sgm__on_levels(const float *x, long n, int levels);
static sgm_status sgm__two_scores(float *s[2], const sgm_score *a, const sgm_score *b,
    const float *x, double t, long n); /* of both, into s; to be freed: s[0] */
static double sgm__dist2(const float *a, const float *b, int d); /* |a - b|² */
static void sgm__project(double *out, const float *x, long n, int d, const double *direction);
/* The n products x·direction, sorted. */
static double sgm__pair_mean(const float *a, long na, const float *b, long nb, int d, double w);
/* sgm__of_pair's mean over all pairs (i, j) or, where b is NULL, over the pairs i < j within a. */
static double sgm__median_distance(const float *a, long na, const float *b, long nb, int d);
static void sgm__mean_cov(double *mean, double *cov, const float *x, long n, int d);
static double sgm__trace_root(double *a, double *b, double *q, double *w, int d);

/* The kernels that the chapters call; appendix B tells what each does, to the last bit. */
typedef struct sgm__product sgm__product; /* of §3.3 */
static void sgm__matmul(int m, int n, int k, const float *a, long a_row, long a_col, const float *b,
    long b_row, long b_col, const float *init, long init_row, float *c, long c_row);
static void sgm__act(int kind, long n, const float *x, float *y, float *d1, float *d2);
enum { SGM__ADD, SGM__MUL, SGM__MULADD, SGM__AXPY, SGM__SCALE, SGM__TOWARD };
static void sgm__map(int kind, long n, float s, const float *a, const float *b, float *y);
#define sgm__add(n, a, b, y) sgm__map(SGM__ADD, n, 0, a, b, y)       /* y = a + b */
#define sgm__mul(n, a, b, y) sgm__map(SGM__MUL, n, 0, a, b, y)       /* y = a b */
#define sgm__muladd(n, a, b, y) sgm__map(SGM__MULADD, n, 0, a, b, y) /* y = a b + y */
#define sgm__axpy(n, s, a, y) sgm__map(SGM__AXPY, n, s, a, a, y)     /* y = s a + y */
#define sgm__scale(n, s, a, y) sgm__map(SGM__SCALE, n, s, a, a, y)   /* y = s a */
#define sgm__toward(n, s, a, y) sgm__map(SGM__TOWARD, n, s, a, a, y) /* y = y + s (a - y) */
static void sgm__colsum(long rows, long cols, const float *x, long x_row, float *y);
static void sgm__map_alone(int kind, long n, float s, const float *a, const float *b, float *y);
static double sgm__dot_alone(long n, const float *a, const float *b); /* on one thread, as those: */
static void sgm__turn_alone( /* y = xᵀ */
    long rows, long cols, const float *x, long x_row, float *y, long y_row);
typedef void (*sgm__job)(void *what, long part, int hand); /* hand: which thread, from 0 */
static void sgm__share(long parts, sgm__job job, void *what); /* all parts, by all threads, */
static void sgm__share_among(int most, long parts, sgm__job job, void *what); /* or by so many */

/* Chapter 3: the tape (D) */
static sgm_tensor *sgm__entry(sgm_tape *tape, const char *name, double rows, double cols);
static float *sgm__values(sgm_tape *tape, const sgm_tensor *y); /* room for y's values */
static sgm_tensor *sgm__tape_fail(sgm_tape *tape, sgm_status status, const char *format, ...)
    SGM__PRINTF(3, 4); /* NULL: what an operation that cannot be returns */
static sgm_tensor *sgm__param_entry(sgm_tape *tape, const char *op, int number, const char *part,
    double rows, double cols, float spread, int is_normal); /* checked, and noted on a dry run */
static float *sgm__tangents(sgm_tape *tape, const sgm_tensor *x);
static void sgm__tangent_op(sgm_tape *tape, sgm_tensor *y); /* in all directions: §D.3 */
static float *sgm__adjoint(sgm_tape *tape, sgm_tensor *x, int which, int *first);
/* The array to contribute to, or NULL if nobody needs it; *first: nothing is in it yet. */
static void sgm__hand_on(sgm_tape *tape, const sgm_tensor *y, sgm_tensor *x, int which,
    const float *factor, float *adjoint); /* sgm_tape_give, and x may keep the array */
static void sgm__give_sum(sgm_tape *tape, sgm_tensor *b, const float *adjoint, long rows);
static void sgm__outer_sum(sgm_tape *tape, const sgm_tensor *x, const float *in,
    const float *adjoint, float *dw, int cols, int first);       /* dw (+)= inᵀ adjoint */
static int sgm__defer(sgm_tape *tape, sgm_tensor *y, int which); /* 1: not now */
static int sgm__linear_by_parts(sgm_tape *tape, sgm_tensor *y, sgm_pass pass); /* 1: done */
static sgm_tensor *sgm__row_norm(sgm_tape *tape, sgm_tensor *x);
/* Chapter 3: images (E). The shape of an operation is described in §3.11. */
static int sgm__channels(sgm_tape *tape, const char *op, const sgm_tensor *x, int h, int w);
static void sgm__mlp_defaults(sgm_mlp_options *o, const void *user, int d);
static sgm_tensor *sgm__walked(sgm_tape *tape, const char *name, sgm_tensor *x, double rows,
    double cols, int h, int w, const long *n, const long *from, const long *to);
/* The result of a walk, of n[0] … n[4] steps with those strides; its passes. */
static void sgm__op_walk(sgm_tape *tape, sgm_tensor *y, sgm_pass pass);
static int sgm__conv_fast(sgm_tape *tape, sgm_tensor *y, sgm_pass pass); /* 1: done */
static void sgm__conv_sum(sgm_tape *tape, const sgm_tensor *y, int into, const float *x,
    const float *w, const float *adjoint, const float *bias, float *to); /* to = sum + bias */
static void sgm__op_norm(sgm_tape *tape, sgm_tensor *y, sgm_pass pass);
static void sgm__op_heads(sgm_tape *tape, sgm_tensor *y, sgm_pass pass);
static int sgm__attends(sgm_tape *tape, const sgm_tensor *q, const sgm_tensor *k,
    const sgm_tensor *v, int tokens, int heads); /* 0, and refused: sizes that do not fit */
static sgm_tensor *sgm__headed(sgm_tape *tape, const char *name, int mixes, sgm_tensor *a,
    sgm_tensor *b, int tokens, int heads); /* Q Kᵀ of all heads, or, if it mixes, A V */
static sgm_tensor *sgm__softmax_rows(sgm_tape *tape, sgm_tensor *x);
static sgm_tensor *sgm__attention_at_once(
    sgm_tape *tape, sgm_tensor *q, sgm_tensor *k, sgm_tensor *v, int tokens, int heads);
static float sgm__fmaf(float a, float b, float c); /* a b + c, rounded once */
static float sgm__exp_ref(float x);

/* Chapter 3: a model (F) */
typedef struct sgm__ask sgm__ask;
static sgm__ask sgm__ask_of(const sgm_model *model, int which);
static long sgm__ask_row(const sgm__ask *ask, long i); /* of cond and label */
static void sgm__ask_reset(const sgm__ask *ask, sgm_tape *tape, sgm_key dropout, int flags);
/* An empty tape with the parameters that are asked for, and no gradients. */
static void sgm__net_in( /* x (scaled), t, log σ and conditions as tensors */
    sgm_tape *tape, sgm_net_in *in, const sgm__ask *ask, const float *x, const float *t, int n);
static sgm_tensor *sgm__net_run(sgm_tape *tape, const sgm_net_in *in, const sgm_model_options *o);
static void sgm__trace_pass(sgm_tape *tape, const sgm_net_in *in, const sgm_model_options *o,
    const sgm_tensor *out, float *trace, const float *t, int n);
static sgm_status sgm__energy_chunk(const sgm__ask *ask, sgm_tape *tape, float *s, float *js,
    double *logp, const float *x, const float *v, const float *t, int n, sgm_key dropout,
    int flags);
static sgm_status sgm__model_all(const sgm__ask *ask, float *s, float *js, double *logp,
    const float *x, const float *v, const float *t, long n); /* sgm__model_chunk of many */
static sgm_score sgm__model_score(const sgm_model *model, int which, const void *ctx);
static sgm_status sgm__model_eval( /* the eval of all scores of models */
    const sgm_score *self, float *s, const float *x, const float *t, long n);
static sgm_status sgm__which_check(const sgm_model *model, int which);
static sgm_status sgm__labels_check(const int *label, long n, int classes);
enum { SGM__GIVEN = -2, SGM__LABEL = -3 }; /* a score's `which`: its ctx is no model */

/* Chapter 4: a training (F) */
typedef struct sgm__piece sgm__piece;
static void sgm__accumulate(void *what, long part, int hand); /* pieces, one after the other */
static void sgm__piece_told(const sgm_trainer *trainer, sgm__piece *p);
/* Conditions and labels of the piece. */
static void sgm__label_seed(
    const sgm_trainer *trainer, sgm__piece *p, const float *out, float *grad, double share);
static sgm_tensor *sgm__label_loss(sgm_tape *tape, sgm_tensor *logits, const sgm__ask *ask);
static sgm_status sgm__objective_gradient(const sgm_trainer *trainer, sgm__piece *p,
    const sgm_net_in *in, sgm_tensor *out, double factor, sgm_key key);
static sgm_status sgm__energy_gradient(const sgm_trainer *trainer, sgm__piece *p, double factor,
    sgm_key dropout, sgm_key probes);
static sgm_status sgm__pieces_done(sgm_trainer *trainer); /* errors, other machines, the loss */
static int sgm__one_pass(const sgm_trainer *trainer);      /* 1: SGM__DEFER will do (§F.6) */
static sgm_status sgm__watch(sgm_trainer *trainer);       /* names the first NaN */
static int sgm__piece_is_finite(const sgm__piece *p);     /* its loss */
static long sgm__piece_rows(const sgm_model *model, int back); /* the most in a piece */
static sgm_status sgm__trainer_norm(sgm_trainer *trainer); /* adds up the accumulators */
static sgm_status sgm__gradient_or_nothing(sgm_trainer *trainer); /* sgm__trainer_gradient */
static void sgm__trainer_update(sgm_trainer *trainer);
/* sgm__moments_ref and sgm__average of all parameters. */
static sgm_status sgm__held_loss(const sgm_trainer *trainer, double *mean);
static void sgm__held_copy(const sgm_model *model, float *best, int back);
static sgm_status sgm__trainer_made(const sgm_trainer *trainer);
static void sgm__trainer_tell(sgm_trainer *trainer); /* means of the loss, on_log */
static void sgm__tape_again(sgm_tape *tape); /* forgets all adjoints but the parameters' */
static void sgm__piece_score(
    const sgm_trainer *trainer, float *s, const sgm__piece *p, const float *out);
static sgm_status sgm__exact_eval(const sgm_trainer *trainer, float *s, const sgm__piece *p);
static sgm_status sgm__train_resume(sgm_trainer *trainer);
static sgm_status sgm__train_checkpoint(const sgm_trainer *trainer);
static void sgm__train_show(sgm_progress *bar, const sgm_trainer *trainer);
static void sgm__train_report(const sgm_trainer *trainer);

/* Chapter 10 (H) */
/* What a fitted model owns beside its numbers; it does not move when the sgm_fitted is copied. */
struct sgm__fitted_own {
    sgm_model model;
    sgm_mlp_options net;
    sgm_image_net image;
    sgm_condition whole; /* told that all is known */
    float *ones;
};

/* A fit on its way. */
typedef struct sgm__fitting {
    sgm_fitted *f;
    const sgm_table *table;
    sgm_fit_options o;
    sgm_key key;
    long n, held, *row, *pick; /* rows: n to learn from, then those held out; of this epoch        */
    double *weights;           /* (n) sums of the rows' weights up to each, or NULL                */
    float *z, *known;          /* (n,width) this epoch's points and what is known, or NULL         */
    float *z_held, *known_held;
    double *slope_held;
    int again;                 /* 1: each epoch draws anew                                         */
    long draws, every, worse;  /* of a look; steps between two; looks since the best               */
    float *best;
    double started;
    sgm_trainer run;
    sgm_fit_news news;
    sgm_progress bar;
} sgm__fitting;
typedef struct sgm__asking { /* blocks of rows whose log density is asked */
    const sgm_fitted *f;
    long most, draws;
    int steps, probes;
    float *z, *known;
    double *fine, *fine_se, *rough, *slope;
    sgm_key key;
} sgm__asking;
static int sgm__level_bits(int levels); /* of an index below `levels`; 0 for a single level */
static sgm_status sgm__encode(const sgm_fitted *f, float *z, float *known, double *slope,
    const double *x, const long *pick, long n, sgm_key key); /* sgm__code_row of many, turned */
static sgm_status sgm__fitted_told(const sgm_fitted *f, sgm_condition *told, sgm_score *score,
    const float *known, long rows); /* the model's score, told what is known of each row */
static sgm_status sgm__fitted_draw( /* samples first … first + n of `of`, as points */
    const sgm_fitted *f, float *z, long n, long first, long of, int steps, sgm_key key);
static sgm_status sgm__fitted_check(const sgm_fitted *f, const void *x, long n);
static sgm_status sgm__rows_check(const sgm_fitted *f, const double *x, long n);
static sgm_status sgm__fit_start(sgm__fitting *q, sgm_fitted *f, const sgm_table *table,
    const sgm_fit_options *options, sgm_key key);
static sgm_status sgm__fit_code(sgm__fitting *q);
static sgm_status sgm__fit_model(sgm__fitting *q);
static int sgm__fit_tell(sgm__fitting *q, const char *doing); /* 1: the user says stop */
static sgm_status sgm__fit_nll(sgm__fitting *q, long m, double *nll); /* of m rows held out */
static sgm_status sgm__fit_measure(sgm__fitting *q);
static void sgm__fit_end(sgm__fitting *q, sgm_status status);
static sgm_status sgm__asking_init(sgm__asking *q, const sgm_fitted *f, long n, sgm_key key);
static sgm_status sgm__logp_encode(const sgm__asking *q, const double *x, long first, long m);
static sgm_status sgm__logp_ode(const sgm__asking *q, double *logp, double *se, long n, int steps);
static sgm_status sgm__logp_known(const sgm_fitted *f, double *logp, double *se, const double *x,
    long n, sgm_key key);

/* A call that may fail passes its error on: the first failure ends the function. */
#define SGM__TRY(call) \
    do { \
        sgm_status sgm__st = (call); \
        if (sgm__st != SGM_OK) return sgm__st; \
    } while (0)

/*
# 1. The forward process

Take a point of your data and let it diffuse: pull it gently towards the origin and shake it at
random. Whatever the data looked like, after a while all that is left is a Gaussian blob. Going
there is easy, and this chapter does it in closed form; coming back is what the rest of the book is
for. All processes here are *linear* stochastic differential equations (SDEs),

$$dx = f(t)\, x\, dt + g(t)\, dW, \qquad 0 ≤ t ≤ T \qquad(1.1)$$

with a *drift* that is proportional to x and a noise strength, the *diffusion coefficient*, that
does not depend on x. As the opening page says, this is short for a rule of small steps Δ,

$$x_{t+Δ} = x_t + f(t)\, x_t\, Δ + g(t) \sqrt{Δ}\, z, \qquad z ∼ N(0, I) \qquad(1.2)$$

## §1.1 From a step to the kernel

What we need about the journey from $x_0$ to $x_t$ follows from one step. Hold $x_0$ fixed and take
the mean of both sides of (1.2): z has none, so the mean is multiplied by $1 + fΔ$. Take the
variance of each coordinate, $s²$: z is independent of $x_t$, so variances add, and the new one is
$(1 + fΔ)² s² + g² Δ = s² + (2 f s² + g²) Δ + f² s² Δ²$. Divide what was gained by Δ and let Δ go to
zero. The mean is $m_t x_0$, where

$$\dot m = f m, \qquad \frac{d(s²)}{dt} = 2 f s² + g², \qquad m_0 = 1, \; s_0 = 0 \qquad(1.3)$$

(a dot is a derivative by t). These are linear, and integrals solve them:

$$m_t = \exp ∫_0^t f\, dτ, \qquad s_t² = m_t² ∫_0^t \frac{g²}{m²}\, dτ \qquad(1.4)$$

To check, differentiate: the factor $m²$ gives $2 f s²$, the integral $g²$. Each step adds a
Gaussian to a multiple of the last point, and sums of independent Gaussians are Gaussian. So the
*kernel* of the process, the law of the noisy point given the clean one, is a Gaussian, and a noisy
point is one line of code, however long the journey (the kernels of appendix B, its inner loops,
share only the name):

$$x_t \,|\, x_0 ∼ N(m_t x_0,\, s_t² I), \qquad(1.5) \qquad x_t = m_t x_0 + s_t ε, \quad
ε ∼ N(0, I) \qquad(1.6)$$

| family             | f        | g²               | m         | s²              |
|--------------------|----------|------------------|-----------|-----------------|
| VP                 | −β/2     | β                | exp(−½∫β) | 1 − exp(−∫β)    |
| cosine (m given)   | ṁ/m      | −2ṁ/m            | cos/cos   | 1 − m²          |
| sub-VP             | −β/2     | β(1 − exp(−2∫β)) | exp(−½∫β) | (1 − exp(−∫β))² |
| VE                 | 0        | dσ²/dt           | 1         | σ²(t) − σ²(0)   |
| EDM: VE with σ = t | 0        | 2t               | 1         | t²              |
| rectified path     | −1/(1−t) | 2t/(1−t)         | 1 − t     | t²              |

β(t) and σ(t) are *schedules*: you choose how fast the noise comes. The presets let β grow linearly
from a number a to a number b, and σ as $a (b/a)^t$ (the fields a and b of `sgm_sde`, see Part I);
or give a curve of your own. The cosine has $m = \cos c(t)/\cos c(0)$ with
$c(t) = ½π(t + .008)/1.008$. ∫β is the integral from 0 to t.

VP is *variance preserving*: data of variance 1 keeps it, since $m² + s² = 1$. By (1.4)
$m = e^{−½∫β}$, and s² is $e^{−∫β} ∫β e^{∫β} dτ = e^{−∫β}(e^{∫β} − 1)$. VE is *variance exploding*.
One may also choose m and s and read (1.3) backwards, $f = \dot m/m$ and $g² = d(s²)/dt − 2 f s²$:
so the rectified path, a straight line from the point to its noise, has
$g² = 2t + 2t²/(1−t) = 2t/(1−t)$.

So f and g say all that m and s say. The tests integrate (1.3) for every family; it is easy to
publish a process that fails this.
*/
/* What rounding has pushed below 0; a NaN stays one. */
static double sgm__not_below_0(double x) { return x < 0 ? 0 : x; }

/* The cosine schedule of Nichol and Dhariwal (2021) starts a little after the cosine's top, so that
the noise does not start infinitely slowly. Angles are in turns of 2π. Near the end cos c is the
sine of what is missing to a quarter turn, which loses no digits. */
static const double sgm__c0 = 0.008;
static double sgm__cosine_turns(double t) { return 0.25 * (t + sgm__c0) / (1 + sgm__c0); }
static double sgm__cosine_at(double t) { /* cos c(t) */
    double sine, unused;
    sgm__sincos_turns(0.25 * (1 - t) / (1 + sgm__c0), &sine, &unused);
    return sine;
}

/* log b/a, of σ(t) = a (b/a)^t. */
static double sgm__ve_rate(const sgm_sde *sde) { return sgm__log1p((sde->b - sde->a) / sde->a); }

/* The families that are written with β, their ∫₀ᵗβ and β(t). */
static int sgm__has_beta(const sgm_sde *sde) {
    return sde->family == SGM_FAMILY_VP || sde->family == SGM_FAMILY_COSINE ||
        sde->family == SGM_FAMILY_SUBVP || sde->family == SGM_FAMILY_USER_BETA;
}
static double sgm__beta_integral(const sgm_sde *sde, double t) {
    if (sde->family == SGM_FAMILY_USER_BETA) return sgm__not_below_0(sde->curve(t, sde->user));
    return t * sde->a + 0.5 * t * t * (sde->b - sde->a);
}
static double sgm__beta(const sgm_sde *sde, double t) {
    double s, c;
    if (sde->family == SGM_FAMILY_USER_BETA) return sgm__curve_rate(sde, t);
    if (sde->family != SGM_FAMILY_COSINE) return sde->a + t * (sde->b - sde->a);
    sgm__sincos_turns(sgm__cosine_turns(t), &s, &c);
    return SGM__PI / (1 + sgm__c0) * s / sgm__cosine_at(t);
}

/* Of no SDE (NULL) nothing is known: NaN. */
SGM_API double sgm_sde_f(const sgm_sde *sde, double t) {
    if (!sde) return NAN;
    if (sde->family == SGM_FAMILY_RECTIFIED) return -1 / (1 - t);
    return sgm__has_beta(sde) ? -0.5 * sgm__beta(sde, t) : 0;
}

SGM_API double sgm_sde_g2(const sgm_sde *sde, double t) {
    double rate, sigma;
    if (!sde) return NAN;
    switch (sde->family) {
    case SGM_FAMILY_SUBVP: return -sgm__beta(sde, t) * sgm__expm1(-2 * sgm__beta_integral(sde, t));
    case SGM_FAMILY_VE:
        rate = sgm__ve_rate(sde), sigma = sde->a * sgm__exp(t * rate);
        return 2 * rate * sigma * sigma;
    case SGM_FAMILY_EDM: return 2 * t;
    case SGM_FAMILY_RECTIFIED: return 2 * t / (1 - t);
    case SGM_FAMILY_USER_SIGMA2: return sgm__curve_rate(sde, t);
    default: return sgm__has_beta(sde) ? sgm__beta(sde, t) : NAN;
    }
}

SGM_API double sgm_sde_m(const sgm_sde *sde, double t) {
    if (!sde) return NAN;
    if (sde->family == SGM_FAMILY_RECTIFIED) return 1 - t;
    if (sde->family == SGM_FAMILY_COSINE) return sgm__cosine_at(t) / sgm__cosine_at(0);
    return sgm__has_beta(sde) ? sgm__exp(-0.5 * sgm__beta_integral(sde, t)) : 1;
}

/*
With little noise s is the small difference of two numbers near 1, and the difference has lost their
digits. $1 − e^{−∫β}$ is therefore computed as `-expm1(-∫β)`, and the cosine's $1 − \cos²c/\cos²c_0$
as $\sin(c−c_0)\sin(c+c_0)/\cos²c_0$.
*/
SGM_API double sgm_sde_s(const sgm_sde *sde, double t) {
    double below, above, unused, start = sgm__cosine_turns(0);
    if (!sde) return NAN;
    switch (sde->family) {
    case SGM_FAMILY_VP:
    case SGM_FAMILY_USER_BETA: return sqrt(-sgm__expm1(-sgm__beta_integral(sde, t)));
    case SGM_FAMILY_SUBVP: return -sgm__expm1(-sgm__beta_integral(sde, t));
    case SGM_FAMILY_COSINE:
        sgm__sincos_turns(0.25 * t / (1 + sgm__c0), &below, &unused);
        sgm__sincos_turns(sgm__cosine_turns(t) + start, &above, &unused);
        return sqrt(below * above) / sgm__cosine_at(0);
    case SGM_FAMILY_VE: return sde->a * sqrt(sgm__expm1(2 * t * sgm__ve_rate(sde)));
    case SGM_FAMILY_EDM:
    case SGM_FAMILY_RECTIFIED: return t;
    case SGM_FAMILY_USER_SIGMA2:
        return sqrt(sgm__not_below_0(sde->curve(t, sde->user) - sde->curve(0, sde->user)));
    default: return NAN;
    }
}

/* (1.6), with m and s looked up once for neighbours that share their t. */
SGM_API void sgm_sde_perturb(float *x, const float *x0, const float *eps, const float *t, long n,
    int d, const sgm_sde *sde) {
    double m = 1, s = 0;
    if (!sde || !x0 || !eps || !t) sgm__unknown(x, n, d), n = 0;
    for (long i = 0; i < n && x; i++) {
        if (i == 0 || t[i] != t[i - 1]) m = sgm_sde_m(sde, t[i]), s = sgm_sde_s(sde, t[i]);
        for (long j = i * d; j < (i + 1) * d; j++) x[j] = (float)(m * x0[j] + s * eps[j]);
    }
}

/*
## §1.2 One clock for all families

How far gone is the data at time t? Not t itself but the ratio of signal to noise tells, the *SNR*
(of variances, for data of variance 1), and its logarithm λ falls steadily from +∞:

$$λ(t) = \log\frac{m_t²}{s_t²}, \qquad \dot λ = −\frac{g²}{s²} \qquad(1.7)$$

for by (1.3) $\dot λ = 2\dot m/m − \dot{(s²)}/s² = 2f − (2 f s² + g²)/s²$. Where the journey ends
depends on the family and its numbers: −7.8 for VE up to σ = 50, −10 for VP and sub-VP with β from
0.1 to 20, −13.8 for the rectified path; a VP with ∫β = 1.5 stops at −1.2, with half of the signal
there. With $σ = s/m = e^{−λ/2}$, (1.6) reads $x/m = x_0 + σε$: two families at the same λ have the
same noisy data up to a factor, so a network trained under one can be sampled under another.

Between two times $t_0 < t_1$ the process is a Gaussian too. The steps from $t_0$ on multiply by
$a = m_1/m_0$ what they find, and add noise that is independent of it, of a variance b² (a and b
here and in chapter 5's steps). Since both journeys together must give $s_1² = a² s_0² + b²$, no new
integral is needed:

$$x_{t_1} | x_{t_0} ∼ N(a\, x_{t_0}, b² I), \quad a = \frac{m_1}{m_0}, \quad
b² = s_1² − a² s_0² = s_1² (1 − e^{λ_1 − λ_0}) \qquad(1.8)$$
*/
SGM_API double sgm_sde_logsnr(const sgm_sde *sde, double t) {
    return 2 * sgm__log(sgm_sde_m(sde, t) / sgm_sde_s(sde, t));
}

SGM_API void sgm_sde_transition(const sgm_sde *sde, double t0, double t1, double *a, double *b) {
    double s1 = sgm_sde_s(sde, t1);
    double fall = t0 > 0 ? sgm_sde_logsnr(sde, t1) - sgm_sde_logsnr(sde, t0) : -HUGE_VAL;
    *a = sgm_sde_m(sde, t1) / sgm_sde_m(sde, t0);
    *b = s1 > 0 ? s1 * sqrt(-sgm__expm1(fall)) : s1;
}

/*
## §1.3 The prior, and what it costs

Sampling starts from a Gaussian that knows nothing of the data,

$$\text{prior} = N(0, σ_T² I), \qquad σ_T = s_T \text{ for VE, EDM and your own σ², } \;
1 \text{ for all others} \qquad(1.9)$$

but the process really ends in $p_T$, the density of $x_T$. The price of the difference is measured
in *nats*. The *entropy* of a law p is $−E \log p(x)$, the mean number of nats that it takes to tell
somebody a draw of it (1 nat is 1.44 bits, for logarithms are natural here). Told in a code that was
made for q instead, it takes $−E \log q(x)$. The excess is the *Kullback–Leibler divergence*
$\mathrm{KL}(p ‖ q) = E_p \log (p/q)$. It is 0 if the two laws are one, and never negative:
$\log u ≤ u − 1$, so $−\mathrm{KL} = E_p \log (q/p) ≤ ∫q − 1 = 0$. No deterministic or random map
can make it larger, and an invertible one keeps it. So the error made by starting from the prior,
$\mathrm{KL}(p_T ‖ \text{prior})$, arrives at the samples undiminished in the worst case.

As an estimate take $p_T$ as Gaussian with independent coordinates, each with the data's mean $μ_j$
and variance $ς_j$. Then $−\log$ of the prior has the mean $½ \log 2πσ_T² + (V_j + M_j²)/2σ_T²$ and
$p_T$ itself the entropy $½ \log 2πV_j + ½$; the difference, summed, is

$$\mathrm{KL} = ½ \sum_j \left( \frac{V_j + M_j²}{σ_T²} − 1 − \log\frac{V_j}{σ_T²} \right), \quad
M_j = m_T μ_j, \; V_j = m_T² ς_j + s_T² \qquad(1.10)$$

Look at this number before you train: no network can repair it. For eight points on a circle it is
2·10⁻¹⁰ nats with VP(0.1, 20), and .007 with VP(0.001, 3), a schedule that stops with half of the
signal there (proof 14).
*/
SGM_API double sgm_sde_prior(const sgm_sde *sde) {
    if (!sde) return NAN;
    int explodes = sde->family == SGM_FAMILY_VE || sde->family == SGM_FAMILY_EDM ||
        sde->family == SGM_FAMILY_USER_SIGMA2;
    return explodes ? sgm_sde_s(sde, sde->T) : 1;
}

SGM_API double sgm_sde_prior_kl(const sgm_sde *sde, const float *data, long n, int d) {
    if (!sde || !data || n < 2 || d < 1) return NAN;
    double m = sgm_sde_m(sde, sde->T), s = sgm_sde_s(sde, sde->T);
    double p2 = sgm_sde_prior(sde) * sgm_sde_prior(sde), kl = 0;
    for (int j = 0; j < d; j++) {
        double sum = 0, square = 0;
        for (long i = 0; i < n; i++) sum += data[i * d + j];
        double mean = sum / (double)n;
        for (long i = 0; i < n; i++) square += (data[i * d + j] - mean) * (data[i * d + j] - mean);
        double M = m * mean, V = m * m * square / (double)n + s * s;
        kl += 0.5 * ((V + M * M) / p2 - 1 - sgm__log(V / p2));
    }
    return kl;
}

/*
## §1.4 The presets

T and t_min belong to the family. Sampling runs backwards, and at t = 0 the arrows that it follows
are infinite near a point of the data. So it stops at t_min, and finishes in closed form (5.9). At
$t = 1$ the cosine and rectified processes contract with infinite speed; T = 0.999 leaves m = 0.0016
and 0.001 there. `sgm_sde_check` (§G.1) refuses numbers that define no process.
*/
static sgm_sde sgm__sde(sgm_family family, double a, double b, double t_min, double T) {
    sgm_sde sde;
    memset(&sde, 0, sizeof sde);
    sde.family = family, sde.a = a, sde.b = b, sde.t_min = t_min, sde.T = T;
    return sde;
}

SGM_API sgm_sde sgm_sde_vp(double a, double b) { return sgm__sde(SGM_FAMILY_VP, a, b, 1e-3, 1); }
SGM_API sgm_sde sgm_sde_cosine(void) { return sgm__sde(SGM_FAMILY_COSINE, 0, 0, 1e-3, 0.999); }
SGM_API sgm_sde sgm_sde_subvp(double a, double b) {
    return sgm__sde(SGM_FAMILY_SUBVP, a, b, 1e-3, 1);
}
SGM_API sgm_sde sgm_sde_ve(double a, double b) { return sgm__sde(SGM_FAMILY_VE, a, b, 1e-5, 1); }
SGM_API sgm_sde sgm_sde_edm(double t_min, double T) {
    return sgm__sde(SGM_FAMILY_EDM, 0, 0, t_min, T);
}
SGM_API sgm_sde sgm_sde_rectified(void) {
    return sgm__sde(SGM_FAMILY_RECTIFIED, 0, 0, 1e-3, 0.999);
}
SGM_API sgm_sde sgm_sde_user_beta(double (*beta_integral)(double t, void *user), void *user) {
    sgm_sde sde = sgm__sde(SGM_FAMILY_USER_BETA, 0, 0, 1e-3, 1);
    sde.curve = beta_integral, sde.user = user;
    return sde;
}
SGM_API sgm_sde sgm_sde_user_sigma2(double (*sigma2)(double t, void *user), void *user) {
    sgm_sde sde = sgm__sde(SGM_FAMILY_USER_SIGMA2, 0, 0, 1e-5, 1);
    sde.curve = sigma2, sde.user = user;
    return sde;
}

/*
## §1.5 How the density moves

So far we followed one point. Chapters 5 and 7 need to know what becomes of the density $p_t$ of all
of them, and for any drift $u(x,t)$, not just $f x$: they build other processes that move the *same*
density. Balance the mass. In one dimension, how much passes a place x to the right in a step
$uΔ + g\sqrt{Δ}\,z$? The drift carries $p\,u\,Δ$. The noise carries, from a distance y on the left,
those of its points with $g\sqrt{Δ}\,z > y$; as large a share comes the other way from the distance
y on the right. Where the density is level they cancel. Where it is not, $p(x−y) − p(x+y) ≈ −2y\,p'$
are left:

$$∫_0^∞ −2y\, p'(x)\, P(g\sqrt{Δ}\,z > y)\, dy = −2 p' g² Δ ∫_0^∞ q\, P(z > q)\, dq =
−½\, g² p' Δ$$

(the last integral is $E[½z²; z > 0] = ¼$). So mass flows at the rate $J = u\,p − ½ g²\, p'$ through
x: noise alone drives it downhill, from more to less. What flows into a box and not out again stays
there, $∂p/∂t = −∂J/∂x$; and in D dimensions, where each coordinate flows by itself, that is the
*Fokker–Planck equation*. Since $∇p = p\,∇\log p$, it can be read in two ways:

$$\frac{∂p_t}{∂t} = −∇·\left( u\, p_t − ½ g² ∇p_t \right) =
−∇·\left( (u − ½ g² ∇\log p_t)\, p_t \right), \qquad \text{for } dx = u\, dt + g\, dW \qquad(1.11)$$

with the *divergence* $∇·F = \sum_j ∂F_j/∂x_j$, what flows out of a small box. The second form says
that for the density, noise is one more velocity, $−½ g² ∇\log p_t$. Here the score enters the book.

## §1.6 Details that have caused bugs

- VE with a geometric σ(t) has σ(0) = σ_min > 0, so the kernel's variance is σ²(t) − σ²(0). Written
  as $x_t = x_0 + σ(t) ε$ it disagrees with its own g at small t.
- Sub-VP's standard deviation is 1 − exp(−∫β), once; with exp(−2∫β) it contradicts its drift and
  diffusion.
- A step's noise is $g\sqrt{Δ}\,z$. With $gΔz$ the program runs, and has less noise the finer it
  steps.
- A schedule with a small ∫β (1.5, say) leaves half of the signal at T: (1.10) tells.
- Your own `curve` is the integral of β, or σ², not β or σ.

## §1.7 Something to run

`make 01`, the lesson, takes one path apart; `make 11`, the proof, draws paths of (1.2) for each
family, and holds their means and variances against (1.5).
*/

/*
# 2. Scores and score matching

The *score* of a density is the gradient of its logarithm, $∇_x \log p(x)$: an arrow at every point
that shows which way the density grows, and how steeply in proportion to itself. It has two virtues.
Scaling p by a constant does not change it, so no normalising integral is ever needed. And it can be
learnt from samples alone, as this chapter shows. It is also all that the way back needs: chapter 5
reverses the noise with the score alone. So a score is a function with a little context,
`sgm_score`. Everything that samples takes one; everything that trains makes one.

A score is asked about n points at once, each at its own time. What goes in is checked, and so is
what comes out (§G.2):
*/
SGM_API sgm_status sgm_score_eval(
    const sgm_score *score, float *s, const float *x, const float *t, long n) {
    SGM__TRY(sgm__score_check(score, x, t, n, s, s));
    if (n) SGM__TRY(score->eval(score, s, x, t, n));
    return sgm__score_said(s, t, n, score->d);
}

/*
A score may have two more things to say. Its *Jacobian* $∂s/∂x$ is the D×D matrix of the derivatives
of its D numbers by the D coordinates. Nobody wants to store that for an image, so one asks for its
product with a vector: `jvp`, the *Jacobian–vector product* $(∂s/∂x)\, v$, is the derivative of the
score along v; `vjp` has the vector on the left, $v^T ∂s/∂x$. And `logp` is the log density itself,
which only mixtures (§2.1) and energies (§4.10) can tell.

A score that has one datum for each point, such as a condition (chapter 8), must know which of your
points it is asked about, for the calls below cut sets into blocks: point i of a call is point
`row[i]` of your set, or `first + i` where row is NULL. A part of a score is asked about the same
rows as the whole, and so is a block of a set:
*/
static sgm_score sgm__same_rows(const sgm_score *part, const sgm_score *whole) {
    sgm_score score = *part;
    score.row = whole->row, score.first = whole->first, score.of = whole->of;
    return score;
}

static uint64_t sgm__row(const sgm_score *score, long i) { /* of your set, of this call's i-th */
    return (uint64_t)(score->row ? score->row[i] : score->first + i);
}

static sgm_score sgm__rows(const sgm_score *score, const long *row, long first, long of) {
    sgm_score block = *score;
    block.row = row, block.first = first, block.of = of;
    return block;
}

SGM__FULLY
/*
## §2.1 Scores that are known exactly

A Gaussian N(μ, C) has the log density $−½ (x−μ)^T C^{-1} (x−μ) − ½ \log\det(2πC)$. (Along the axes
of C it is a product of one-dimensional ones of variances $c_j$, and $∫ e^{−y²/2c} dy = \sqrt{2πc}$;
the determinant is the product of the $c_j$.) Its score is $−C^{-1}(x − μ)$: a spring back to the
mean. A *mixture* of Gaussians draws a component k with probability $w_k$, then a point from that
component. On its way through the SDE it stays one. By (1.6) a component's noisy point is $m_t$
times one Gaussian plus $s_t$ times another, which is a Gaussian again; means and covariances add:

$$p_t(x) = \sum_k w_k\, N_k(x), \qquad N_k = N(m_t μ_k,\, m_t² C_k + s_t² I) \qquad(2.1)$$

Divide $∇p_t = \sum_k w_k N_k ∇\log N_k$ by $p_t$. The score is the mean of the components' scores,
here called $a_k$, and the weights are *posterior* probabilities: by Bayes' rule $r_k$ is how likely
it is, now that x has been seen, that component k produced it.

$$∇ \log p_t(x) = \sum_k r_k\, a_k, \quad a_k = −(m_t² C_k + s_t² I)^{-1} (x − m_t μ_k), \quad
r_k = \frac{w_k N_k(x)}{\sum_l w_l N_l(x)} \qquad(2.2)$$

Differentiate once more, along a direction v. Since $\log r_k = \log w_k N_k − \log p_t$, the
derivative of $r_k$ is $r_k (a_k − ∇\log p_t)·v$, and $a_k$ is linear in x:

$$\frac{∂ \, ∇\log p_t}{∂x} v = \sum_k r_k \left( a_k (a_k·v) − (m_t² C_k + s_t² I)^{-1} v \right) −
\Big(\sum_k r_k a_k\Big) \Big(\sum_k r_k\, a_k·v\Big) \qquad(2.3)$$

That costs no more than the score itself. This is a whole family of generative models that need no
learning, and the judge of all that do: a sampler can be run with the true score, a loss compared
with the least possible one, a likelihood with the true density. Points, the data set itself, are
components with C = 0.

The inverses are cheap because all times share one set of axes: where $C = Q^T \mathrm{diag}(c)\, Q$
with orthonormal rows in Q, the covariance at time t is $Q^T \mathrm{diag}(m²c + s²)\, Q$. So each C
is diagonalised once, when the mixture is made (§G.3). What one thread knows at one time and one
point is this:
*/
typedef struct sgm__mix_at {
    const sgm_mixture *mix;
    double m, s, t;
    double *log_norm;         /* (k) log w_k − ½ log det(2π C_k(t)), good for this t */
    double *y, *a;            /* (d) x − mμ along the axes; the component's a_k      */
    double *sum_a;            /* (d) Σ r a                                           */
    double *sum_b;            /* (d) Σ r (a (a·v) − C⁻¹ v)                           */
    double *civ;              /* (d) C⁻¹ v                                           */
    double sum_r, sum_c, top; /* Σ r, Σ r a·v, the largest log density               */
} sgm__mix_at;

/* The variance of component k along its axis j at the time t. */
static double sgm__mix_var(const sgm__mix_at *at, size_t k, size_t j) {
    const sgm_mixture *mix = at->mix;
    double v = mix->shape >= SGM_COV_DIAGONAL ? mix->var[k * (size_t)mix->d + j] : mix->var[k];
    return at->m * at->m * v + at->s * at->s;
}

static void sgm__mix_at_time(sgm__mix_at *at, double t) {
    const sgm_mixture *mix = at->mix;
    if (t == at->t) return;
    at->t = t, at->m = sgm_sde_m(&mix->sde, t), at->s = sgm_sde_s(&mix->sde, t);
    double log_det = 0, half_log_2pi = 0.91893853320467274178;
    for (size_t k = 0; k < (size_t)mix->k; k++) {
        if (mix->shape >= SGM_COV_DIAGONAL) {
            log_det = 0;
            for (int j = 0; j < mix->d; j++) log_det += sgm__log(sgm__mix_var(at, k, (size_t)j));
        } else if (k == 0 || mix->shape == SGM_COV_ISOTROPIC) {
            log_det = mix->d * sgm__log(sgm__mix_var(at, k, 0));
        }
        at->log_norm[k] = mix->log_weight[k] - 0.5 * log_det - mix->d * half_log_2pi;
    }
}

/* y = Q x, or x = Qᵀ y; for no axes a copy. */
static void sgm__rotate(double *out, const double *q, const double *x, size_t d, int back) {
    for (size_t i = 0; i < d; i++) {
        out[i] = q ? 0 : x[i];
        for (size_t j = 0; q && j < d; j++) out[i] += (back ? q[j * d + i] : q[i * d + j]) * x[j];
    }
}

/* The log density of component k at x; its score a_k in at->a, and with a v C⁻¹v in at->civ. */
static double sgm__mix_part(
    const sgm__mix_at *at, size_t k, const float *x, const float *v, int score) {
    size_t d = (size_t)at->mix->d;
    const double *q = at->mix->axes ? at->mix->axes + k * d * d : NULL;
    double square = 0;
    for (size_t j = 0; j < d; j++) at->a[j] = x[j] - at->m * at->mix->mean[k * d + j];
    sgm__rotate(at->y, q, at->a, d, 0);
    for (size_t j = 0; j < d; j++) {
        double var = sgm__mix_var(at, k, j);
        square += at->y[j] * at->y[j] / var;
        at->y[j] /= -var;
    }
    double logp = at->log_norm[k] - 0.5 * square;
    if (!score || logp < at->top - 40) return logp;
    sgm__rotate(at->a, q, at->y, d, 1);
    if (!v) return logp;
    for (size_t j = 0; j < d; j++) at->civ[j] = v[j];
    sgm__rotate(at->y, q, at->civ, d, 0);
    for (size_t j = 0; j < d; j++) at->y[j] /= sgm__mix_var(at, k, j);
    sgm__rotate(at->civ, q, at->y, d, 1);
    return logp;
}

/*
The weights $r_k$ need care. At low noise the $\log w_k N_k$ lie at −1000 and below, and $e^{−1000}$
is 0 in a double: 0/0. So the largest one is taken out of all, which changes no ratio:

$$\log \sum_k e^{l_k} = l_{max} + \log \sum_k e^{l_k − l_{max}}, \qquad
l_k = \log w_k N_k(x) \qquad(2.4)$$

("log-sum-exp"). Here it is done in one pass. Sums are relative to the largest seen so far, and when
a larger one comes they are scaled down to it. A component 40 below the largest adds less than 10⁻¹⁷
of it and is passed over.
*/
static double sgm__mix_row(sgm__mix_at *at, float *s, float *js, const float *x, const float *v) {
    size_t d = (size_t)at->mix->d;
    at->top = -HUGE_VAL, at->sum_r = at->sum_c = 0;
    memset(at->sum_a, 0, 2 * d * sizeof(double)); /* and sum_b */
    for (size_t k = 0; k < (size_t)at->mix->k; k++) {
        double logp = sgm__mix_part(at, k, x, v, s != NULL), r = 1, av = 0;
        if (logp < at->top - 40) continue;
        if (logp > at->top) {
            double shrink = sgm__exp(at->top - logp);
            at->top = logp, at->sum_r *= shrink, at->sum_c *= shrink;
            for (size_t j = 0; j < d; j++) at->sum_a[j] *= shrink, at->sum_b[j] *= shrink;
        } else {
            r = sgm__exp(logp - at->top);
        }
        at->sum_r += r;
        if (!s) continue;
        if (v)
            for (size_t j = 0; j < d; j++) av += at->a[j] * v[j];
        at->sum_c += r * av;
        for (size_t j = 0; j < d; j++) {
            at->sum_a[j] += r * at->a[j];
            if (v) at->sum_b[j] += r * (at->a[j] * av - at->civ[j]);
        }
    }
    for (size_t j = 0; s && j < d; j++) {
        double mean_a = at->sum_a[j] / at->sum_r; /* (2.2), (2.3) */
        s[j] = (float)mean_a;
        if (js) js[j] = (float)(at->sum_b[j] / at->sum_r - mean_a * at->sum_c / at->sum_r);
    }
    return at->top + sgm__log(at->sum_r);
}

/* The threads share the points (§G.3), and a mixture becomes a score like any other: */
static sgm_status sgm__mixture_eval(
    const sgm_score *self, float *s, const float *x, const float *t, long n) {
    return sgm__mix_all(self, s, NULL, NULL, x, NULL, t, n);
}
static sgm_status sgm__mixture_jvp(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    return sgm__mix_all(self, s, js, NULL, x, v, t, n);
}
static sgm_status sgm__mixture_logp(
    const sgm_score *self, double *logp, const float *x, const float *t, long n) {
    return sgm__mix_all(self, NULL, NULL, logp, x, NULL, t, n);
}

SGM_API sgm_score sgm_mixture_score(const sgm_mixture *mix) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    if (!mix || !mix->mean) {
        sgm__empty("a score of no mixture: look at what sgm_mixture_init returned");
        return score;
    }
    score.d = mix->d, score.ctx = mix, score.sde = mix->sde;
    score.eval = sgm__mixture_eval, score.jvp = sgm__mixture_jvp, score.logp = sgm__mixture_logp;
    score.vjp = sgm__mixture_jvp; /* second derivatives of log p are symmetric */
    return score;
}

SGM__LIGHTLY
/*
## §2.2 Denoising score matching

How can a network learn the score of a density that we only know by samples? Hide noise in a point
and ask the network to find it. Given $x_0$, the noisy point has the Gaussian density (1.5), and its
score is that of a Gaussian:

$$∇_x \log p_t(x | x_0) = −\frac{x − m_t x_0}{s_t²} = −\frac{ε}{s_t} \qquad(2.5)$$

Averaged over the clean points that x may have come from, this is exactly the score we want. The
noisy density is the mean of the kernels, $p_t(x) = ∫ p_t(x|x_0)\, p(x_0)\, dx_0$. Take the
gradient, and write that of the kernel as $∇p = p ∇\log p$; divide by $p_t(x)$; by Bayes' rule the
factor that appears, $p_t(x|x_0) p(x_0)/p_t(x)$, is the density of $x_0$ given x:

$$∇\log p_t(x) = ∫ ∇\log p_t(x|x_0)\, \frac{p_t(x|x_0)\, p(x_0)}{p_t(x)}\, dx_0
= E\left[ ∇_x \log p_t(x|x_0) \,\middle|\, x \right] = −\frac{E[ε | x]}{s_t} \qquad(2.6)$$

Now let $s_θ(x, t)$ be any function with adjustable numbers θ, such as a network (chapter 3), and
draw t from a law of your choice (§2.4). The mean squared distance of a random vector Y from a fixed
one u is $E\|u − Y\|² = \|u − EY\|² + E\|Y − EY\|²$, for the cross term $2(u − EY)·E(EY − Y)$ is
zero. The best u is the mean, and with Y = −ε/s, given x and t, that is (2.6). So the function that
minimises

$$L(θ) = E_{t, x_0, ε}\; w(t)\, s_t² \left\| s_θ(x_t, t) + \frac{ε}{s_t} \right\|² \qquad(2.7)$$

*is* the score (Vincent 2011). The factor $s_t²$ gives every t its say, where 1/s would be large
(§2.4). Many papers write λ(t) for the weight $w s²$; here λ is the log-SNR alone. Note what is not
said: the network does not learn −ε/s, which it cannot know, but the mean of it given x. On a finite
data set the minimiser is the score of the data set's own noised mixture,

$$s_θ^* (x,t) = ∇ \log \frac1n \sum_i N(x;\, m_t x_i,\, s_t² I) \qquad(2.8)$$

a model that has memorised the data. Networks come out smoother, since they are too small or trained
too briefly to follow every bend of it; that alone keeps them from being copies (proof 14 measures
it).

**The floor.** The loss does not go to zero. The same identity, with $u = s_θ$, averaged over x and
t, says for any score whatever

$$L = L^* + E\; w(t)\, s_t² \left\| s_θ − ∇\log p_t \right\|², \qquad
L^* = E\; w(t)\, s_t² \left\| ∇\log p_t + \frac{ε}{s_t} \right\|² \qquad(2.9)$$

The *floor* L* is how much the noise scatters around its mean given x. "My loss has stopped at 0.73"
says nothing until you know it. The second term is the *excess*, the mean squared distance of two
scores (Fisher divergence, §9.4), which is what a sampler feels. `sgm_dsm` returns all three, and
computes the excess from that term: the difference of two noisy losses has a far larger error.

One warning. In (2.9) the points $x_0$ and the density $p_t$ must belong to one law. Take the points
from a training set, and the floor from the law that the set was drawn from: then a model that has
memorised the set has a loss *below* this floor, and a large excess. It is right about the set and
wrong about the law. To see that, measure on points that were not trained on.

## §2.3 What the network says

A network may be asked for the score, the noise, the clean point or a mixture of them. All are the
same knowledge: given x, each is linear in the other. By (2.6), the best guess of the noise is
$\hat ε = −s\, ∇\log p_t$, and by (1.6) that of the clean point is $\hat x_0 = (x − s\hat ε)/m$
(Tweedie's formula). So each output is written with two numbers of its own,

$$\hat ε = a\, x + b\, \mathrm{out} \qquad(2.10)$$

| output            | a               | b               | note |
|-------------------|-----------------|-----------------|--------------------------------------|
| noise ε           | 0               | 1               | of size 1 at every t |
| score             | 0               | −s              | like 1/s: hard to fit near the data |
| clean point x0    | 1/s             | −m/s            | little to say at large s, 0/0 at 0 |
| v = m ε − s x0    | s/(m²+s²)       | m/(m²+s²)       | ε at low noise, −x0 at high |
| flow u = ṁx0 + ṡε | −2fs/g²         | 2s/g²           | flow matching: u = f x + (g²/2s) ε |
| EDM F             | σ/((σ²+σ_d²) m) | −σ_d/√(σ²+σ_d²) | F has variance 1 at every σ = s/m |

Here a and b are these two numbers, v is the papers' name for an output and no direction, and σ_d is
the standard deviation of the data (`sigma_data`). Each row is one line of algebra. For v, solve
$x = m x_0 + sε$ and $v = mε − s x_0$ for ε: $m v + s x = (m² + s²) ε$. For u, put
$x_0 = (x − sε)/m$ in and use (1.3): $\dot m/m = f$ and $\dot s = f s + g²/2s$. F is what is left of
the clean point when one has taken out all that σ tells of it: of $x/m = x_0 + σε$ the best linear
guess of $x_0$ for data of variance σ_d² is $c_{skip}\, x/m$ with $c_{skip} = σ_d²/(σ² + σ_d²)$. Its
error has the variance $σ²σ_d²/(σ² + σ_d²) = c_{out}²$, and $\hat x_0 = c_{skip}\, x/m + c_{out} F$
leaves the network an F of variance 1 to find, at every σ: `SGM_OUTPUT_AUTO` is F.
*/
SGM_API void sgm_output_affine(
    double *a, double *b, sgm_output kind, const sgm_sde *sde, double t, double sigma_data) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t), half = s * s + m * m;
    double sigma = s / m, all = sigma * sigma + sigma_data * sigma_data, g2;
    *a = 0, *b = 1;
    switch (kind) {
    case SGM_OUTPUT_SCORE: *b = -s; break;
    case SGM_OUTPUT_X0: *a = 1 / s, *b = -m / s; break;
    case SGM_OUTPUT_V: *a = s / half, *b = m / half; break;
    case SGM_OUTPUT_FLOW:
        g2 = sgm_sde_g2(sde, t), *a = -2 * sgm_sde_f(sde, t) * s / g2, *b = 2 * s / g2;
        break;
    case SGM_OUTPUT_AUTO:
    case SGM_OUTPUT_EDM_F: *a = sigma / (all * m), *b = -sigma_data / sqrt(all); break;
    default: break; /* the noise itself */
    }
}

/* Karras et al. also scale what the network sees to unit variance: by 1/(m√(σ²+σ_d²)). */
static double sgm__input_scale(sgm_output kind, const sgm_sde *sde, double t, double sigma_data) {
    if (kind != SGM_OUTPUT_EDM_F && kind != SGM_OUTPUT_AUTO) return 1;
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    return 1 / sqrt(s * s + m * m * sigma_data * sigma_data);
}

/* From one output to another: both say the same ε̂. */
SGM_API void sgm_output_convert(float *out, sgm_output to, const float *in, sgm_output from,
    const float *x, const float *t, long n, int d, const sgm_sde *sde, double sigma_data) {
    double a1 = 0, b1 = 1, a2 = 0, b2 = 1;
    for (long i = 0; i < n; i++) {
        if (i == 0 || t[i] != t[i - 1]) {
            sgm_output_affine(&a1, &b1, from, sde, t[i], sigma_data);
            sgm_output_affine(&a2, &b2, to, sde, t[i], sigma_data);
        }
        for (long j = i * d; j < (i + 1) * d; j++)
            out[j] = (float)(((a1 - a2) * x[j] + b1 * in[j]) / b2);
    }
}

/*
## §2.4 Which times matter

A network has one set of numbers θ for all t. Two choices decide for which t they serve best: the
weight and the distribution of t. Written for the noise, with $\hat ε = −s\, s_θ$, the loss (2.7) is

$$L = E_{t, x_0, ε}\; w(t) \left\| ε − \hat ε \right\|² \qquad(2.11)$$

| weight  | w(t)          | what it weighs evenly |
|---------|---------------|--------------------------------------------------------------|
| σ²      | 1             | the noise: the "simple" loss of DDPM (Ho et al. 2020) |
| one     | 1/s²          | the score itself: dominated by t near 0 |
| g²      | g²/s²         | the likelihood (Song, Durkan, Murray, Ermon 2021), see below |
| EDM     | 1 + σ²/σ_d²   | the network's output F, at every σ = s/m |
| min-SNR | min(1, γ/SNR) | x0, times min(SNR, γ) (Hang et al. 2023) |
| flow    | (g²/2s)²      | the velocity of flow matching |

By (2.10) an error of the output is one of the noise divided by b. So the squared error of an output
is that of the noise with the weight

$$w(t) = \frac{1}{b²} \qquad(2.12)$$

which gives the rows one, EDM and flow. For $x_0$ it is $σ² = 1/\mathrm{SNR}$, which times
$\min(\mathrm{SNR}, γ)$ is the row min-SNR.

Why is g² the weight of the *likelihood*, the density that a model gives to the data? Let two
densities p and q be moved by the same SDE. By (1.11) mass flows with the velocities
$u − ½g²∇\log p$ and $u − ½g²∇\log q$. Differentiate $\mathrm{KL}(p‖q) = ∫ p \log (p/q)$ by t and
integrate by parts: $∫ \dot p \log(p/q)$ gives the first velocity times $p ∇\log(p/q)$, and
$−∫ \dot q\, p/q$ minus the second times $q ∇(p/q)$, which is $p ∇\log(p/q)$ too. So

$$\frac{d}{dt} \mathrm{KL}(p_t ‖ q_t) = −½ g² E_p \left\| ∇\log p_t − ∇\log q_t \right\|²
\qquad(2.13)$$

Noise makes any two laws more alike, and what separates them at t = 0 is the sum over t of the
score's error with the weight ½g², and what is left at T. Half the excess with $w s² = g²$,
integrated over t, is therefore the price in nats of a model's score, if it is the score of some
density.
*/
SGM_API double sgm_loss_weight(const sgm_loss *loss, const sgm_sde *sde, double t) {
    double s = sgm_sde_s(sde, t), sd = loss->sigma_data > 0 ? loss->sigma_data : 1;
    double most = loss->min_snr > 0 ? loss->min_snr : 5, m, snr, sigma, speed;
    switch (loss->weight) {
    case SGM_WEIGHT_ONE: return 1 / (s * s);
    case SGM_WEIGHT_G2: return sgm_sde_g2(sde, t) / (s * s);
    case SGM_WEIGHT_EDM: sigma = s / sgm_sde_m(sde, t); return 1 + sigma * sigma / (sd * sd);
    case SGM_WEIGHT_MIN_SNR:
        m = sgm_sde_m(sde, t), snr = m * m / (s * s);
        return snr < most ? 1 : most / snr;
    case SGM_WEIGHT_FLOW: speed = sgm_sde_g2(sde, t) / (2 * s); return speed * speed;
    case SGM_WEIGHT_USER: return loss->user_weight(t, sde, loss->user);
    default: return 1;
    }
}

/*
The distribution of t does the same job with less noise: draw t often where w is large, and weigh
each draw alike. This is *importance sampling*: a mean over uniform t is the mean over draws from
another density, each multiplied by the ratio of the two densities. For the likelihood weight the
density to draw from is g²/s², which by (1.7) is the speed at which the log-SNR falls. So
*importance sampling for the likelihood is drawing λ uniformly*, for every family:

$$λ ∼ U(λ(T), λ(t_{min})), \qquad \frac{p_{uniform}(t)}{p(t)} =
\frac{λ(t_{min}) − λ(T)}{T − t_{min}} \cdot \frac{s²}{g²} \qquad(2.14)$$

*Stratified* draws take one t in each of n equal slices, so that a *batch*, one step's points, is
not all noise by chance. A *logit* is $\log(u/(1−u))$, which takes (0,1) to all numbers: with a
Gaussian logit t falls most often in mid-range. `mean` and `std` are the logit's, or those of log σ.

Where nothing is said (`SGM_TIMES_AUTO`), t is drawn uniformly if the family's t is a clock of its
own, and from a log-normal law of σ where t is a σ (EDM) or a time of your own invention: a uniform
σ from .002 to 80 would hardly ever fall where the data is. The law is that of Karras et al., who
have it for data of size ½, made relative: log σ ∼ N(log σ_d − ½, 1.2²). A network that says F is
trained by it in every family (the trainer asks for it when it fills in the loss, §F.3), with the
weight that makes F's errors count alike: F needs both, the times and the weight.
*/
static sgm_times sgm__times_of(const sgm_loss *loss, const sgm_sde *sde) {
    int own = sde->family == SGM_FAMILY_EDM || sde->family == SGM_FAMILY_USER_SIGMA2;
    if (loss->times != SGM_TIMES_AUTO) return loss->times;
    return own ? SGM_TIMES_LOGNORMAL : SGM_TIMES_UNIFORM;
}

/* One time, from a uniform u or a normal z. */
static double sgm__draw_time(const sgm_loss *loss, const sgm_sde *sde, double u, double z) {
    double low = sde->t_min, width = sde->T - low, from, t = low + u * width;
    sgm_times times = sgm__times_of(loss, sde);
    double spread = loss->std > 0 ? loss->std : times == SGM_TIMES_LOGNORMAL ? 1.2 : 1;
    int unset = loss->mean == 0 && loss->std == 0 && times == SGM_TIMES_LOGNORMAL;
    if (unset) z = sgm__log(loss->sigma_data > 0 ? loss->sigma_data : 1) - 0.5 + spread * z;
    else z = loss->mean + spread * z;
    switch (times) {
    case SGM_TIMES_GRID: return loss->grid[(int)(u * loss->n_grid)];
    case SGM_TIMES_LOGNORMAL: t = sgm_sde_t_from_logsnr(sde, -2 * z); break;
    case SGM_TIMES_LOGIT: t = low + width / (1 + sgm__exp(-z)); break;
    case SGM_TIMES_IMPORTANCE:
        from = sgm_sde_logsnr(sde, low);
        t = sgm_sde_t_from_logsnr(sde, from + u * (sgm_sde_logsnr(sde, sde->T) - from));
        break;
    default: break;
    }
    return t < low ? low : t > sde->T ? sde->T : t;
}

/* For a loss that has been checked. */
/* `at` of `of`: which slice the first draw has, if they are stratified. */
static void sgm__loss_times(const sgm_loss *loss, const sgm_sde *sde, float *t, float *w, long n,
    sgm_key key, uint64_t first, long at, long of) {
    sgm_key normal = sgm_key_split(key, 0);
    sgm_times times = sgm__times_of(loss, sde);
    double fall = sgm_sde_logsnr(sde, sde->t_min) - sgm_sde_logsnr(sde, sde->T);
    for (long i = 0; i < n; i++) {
        double u = sgm__uniform53(key, first + (uint64_t)i), z = 0;
        if (loss->times == SGM_TIMES_STRATIFIED) u = ((double)(at + i) + u) / (double)of;
        if (times == SGM_TIMES_LOGNORMAL || times == SGM_TIMES_LOGIT)
            z = sgm__normal1(normal, first + (uint64_t)i);
        double drawn = sgm__draw_time(loss, sde, u, z), weight = sgm_loss_weight(loss, sde, drawn);
        if (loss->times == SGM_TIMES_IMPORTANCE) { /* (2.14) */
            double s = sgm_sde_s(sde, drawn);
            weight *= fall / (sde->T - sde->t_min) * s * s / sgm_sde_g2(sde, drawn);
        }
        t[i] = (float)drawn, w[i] = (float)weight;
    }
}

/* Which of SGM_BINS slices of time t belongs to: even in t, or in log t for EDM, whose t is a σ. */
SGM_API double sgm_bin_edge(const sgm_sde *sde, int i) {
    double share = (double)i / SGM_BINS;
    if (sde->family != SGM_FAMILY_EDM) return sde->t_min + share * (sde->T - sde->t_min);
    return sde->t_min * sgm__exp(share * sgm__log(sde->T / sde->t_min));
}

static int sgm__bin(const sgm_sde *sde, double t) {
    int bin = 0;
    while (bin + 1 < SGM_BINS && t >= sgm_bin_edge(sde, bin + 1)) bin++;
    return bin;
}

/*
## §2.5 Loss, floor and excess

The measurement behind every claim about a trained network, on fresh noise, in batches. A mean of n
independent values has the *standard error* √(variance/n), the standard deviation that it would show
if all were drawn again. (The variance is estimated by the sum of squares about the mean over n − 1;
from one value nobody knows it.) Draws of stratified times are not independent, and their mean is
better than this says.
*/
static void sgm__mean_add(double *sum, double *squares, double x) { *sum += x, *squares += x * x; }

/* From sums to a mean and its error, in their places. */
static void sgm__mean_get(double *mean, double *se, long n) {
    *mean /= (double)n;
    double var = *se / (double)n - *mean * *mean;
    *se = n > 1 ? sqrt(sgm__not_below_0(var) / (double)(n - 1)) : NAN;
}

/* Fresh draws of (x0, ε, t, w), `most` at a time; `count` of them, from `first` on, are here. The
blocks s and exact, of shape (most,D) as x0, ε and x, are for scores at x. */
typedef struct sgm__draws {
    const float *data;
    const sgm_loss *loss;
    const sgm_sde *sde;
    sgm_key key;
    long n, draws, most, first, count;
    int d;
    const sgm_scaler *scaler;
    long *row; /* (most): which rows of data the draws are noised ones of */
    float *x0, *eps, *x, *s, *exact, *t, *w;
} sgm__draws;

/* Draws the next batch; 0 if there is none. */
static int sgm__draws_next(sgm__draws *b) {
    long left = b->draws - (b->first += b->count), d = b->d;
    uint64_t first = (uint64_t)b->first;
    b->count = left < b->most ? left : b->most;
    for (long i = 0; i < b->count; i++) {
        uint64_t row = sgm_below(sgm_key_split(b->key, 0), first + (uint64_t)i, (uint64_t)b->n);
        memcpy(b->x0 + i * d, b->data + row * (uint64_t)d, (size_t)d * sizeof(float));
        b->row[i] = (long)row;
    }
    if (b->scaler) sgm_scaler_apply(b->scaler, b->x0, b->x0, b->count);
    sgm_normal(b->eps, (size_t)(b->count * d), sgm_key_split(b->key, 1), first * (uint64_t)d);
    sgm__loss_times(b->loss, b->sde, b->t, b->w, b->count, sgm_key_split(b->key, 2), first, 0,
        b->count);
    sgm_sde_perturb(b->x, b->x0, b->eps, b->t, b->count, b->d, b->sde);
    return b->count > 0;
}

static sgm_status sgm__draws_eval(const sgm__draws *b, const sgm_score *score, float *s) {
    sgm_score here = sgm__rows(score, b->row, 0, b->n);
    return sgm_score_eval(&here, s, b->x, b->t, b->count);
}

/*
In terms of the noise the three numbers of (2.9) are squares of $ε + s\,s_θ$, of $ε + s ∇\log p_t$
and of their difference. Where no score, or no exact one, is given, its column is NaN.
*/
static sgm_status sgm__dsm_batch(
    sgm_dsm_result *r, const sgm__draws *b, const sgm_score *score, const sgm_score *exact) {
    double scale = b->loss->scale > 0 ? b->loss->scale : 1;
    if (exact) SGM__TRY(sgm__draws_eval(b, exact, b->exact));
    if (score) SGM__TRY(sgm__draws_eval(b, score, b->s));
    for (long i = 0; i < b->count; i++) {
        double sd = sgm_sde_s(b->sde, b->t[i]), w = scale * b->w[i];
        double loss = 0, least = 0, excess = 0;
        for (long j = i * b->d; j < (i + 1) * b->d; j++) {
            double at = score ? b->eps[j] + sd * b->s[j] : NAN;
            double best = exact ? b->eps[j] + sd * b->exact[j] : NAN;
            loss += at * at, least += best * best, excess += (at - best) * (at - best);
        }
        int bin = sgm__bin(b->sde, b->t[i]);
        sgm__mean_add(&r->loss, &r->loss_se, w * loss), r->bin_loss[bin] += w * loss;
        sgm__mean_add(&r->floor, &r->floor_se, w * least), r->bin_floor[bin] += w * least;
        sgm__mean_add(&r->excess, &r->excess_se, w * excess), r->bin_excess[bin] += w * excess;
        r->bin_count[bin]++;
    }
    return SGM_OK;
}

/*
## §2.6 Other ways to match a score

Denoising is one of several roads to the same place. They are compared here in one normalisation,
that of (2.7), with the weight $ω = w s_t²$ and no factor ½.

**Explicit** score matching needs the true score, and is what one would do in an ideal world:

$$L_{ESM} = E\, ω \left\| s_θ − ∇\log p_t \right\|² \qquad(2.15)$$

**Implicit** score matching (Hyvärinen 2005) gets rid of it. Multiply out the square. At one t, the
cross term is $−2 ∫ s_θ·∇\log p_t\; p_t\, dx = −2 ∫ s_θ·∇p_t\, dx$. Integrate by parts in each
coordinate: $∫ s_j\, ∂p/∂x_j\, dx_j = [s_j p] − ∫ p\, ∂s_j/∂x_j\, dx_j$, where the bracket is zero,
for at infinity p falls faster than any score grows. The sum over j of what remains is a *trace*,
the sum of a matrix's diagonal, here the divergence of the score:

$$L_{ISM} = E\, ω \left( 2\, \mathrm{tr}\, \frac{∂s_θ}{∂x} + \|s_θ\|² \right)
= L_{ESM} − E\, ω \|∇\log p_t\|² \qquad(2.16)$$

Nothing in it is unknown, but the trace costs D Jacobian–vector products. **Sliced** score matching
(Song, Garg, Shi, Ermon 2019) estimates it along a few random directions with $E\,vv^T = I$, by
Hutchinson's identity, which is one line:
$E\,v^T J v = \sum_{ij} J_{ij}\, E\,v_i v_j = \mathrm{tr}\,J$.

$$L_{SSM} = E\, ω \left( 2\, v^T \frac{∂s_θ}{∂x} v + (v·s_θ)² \right), \qquad
L_{SSM\text{-}VR} = E\, ω \left( 2\, v^T \frac{∂s_θ}{∂x} v + \|s_θ\|² \right) \qquad(2.17)$$

The second replaces $(v·s_θ)²$ by its mean over v. That is one source of noise less, though with
Gaussian v it only pays from D = 3 on, because the two terms of SSM partly cancel. On N(0, I), where
$s_θ = −x$, the variances over v are $8D + 2\|x\|⁴ − 8\|x\|²$ for SSM and $8D$ for SSM-VR, in the
mean over x as (D + 2)/4 to 1; with the points' own variance added, (D + 3)/5 to 1. *Rademacher*
directions, each coordinate ±1, have $v_i² = 1$ exactly, so the diagonal of the Jacobian adds no
noise. And **denoising** needs no derivative at all. By (2.9) and (2.16) all are one loss up to
constants that no network can change:

$$L_{DSM} − L^* = L_{ESM} = L_{ISM} + E\, ω \|∇\log p_t\|² \qquad(2.18)$$
*/
static double sgm__score_weight(const sgm_sde *sde, double t, double w) { /* w s² */
    double s = sgm_sde_s(sde, t);
    return w * s * s;
}

/* Directions for a batch: the k-th axis for ISM, random for the sliced losses. */
static void sgm__directions(float *v, long n, int d, const sgm_loss *loss, int k, sgm_key key) {
    int unit = loss->objective == SGM_OBJECTIVE_ISM, normal = loss->probe == SGM_PROBE_GAUSSIAN;
    key = sgm_key_split(key, (uint64_t)k);
    if (!unit && normal) sgm_normal(v, (size_t)(n * d), key, 0);
    if (!unit && !normal) sgm_uniform(v, (size_t)(n * d), key, 0);
    for (long i = 0; i < n * d && (unit || !normal); i++)
        v[i] = unit ? i % d == k : v[i] < 0.5f ? -1 : 1;
}

static int sgm__n_directions(const sgm_loss *loss, int d) {
    if (loss->objective == SGM_OBJECTIVE_ISM) return d;
    if (loss->objective < SGM_OBJECTIVE_SSM) return 0;
    return loss->directions > 0 ? loss->directions : 1;
}

/* One batch of the objective of any score that has a jvp: each point's value into value(n). */
static sgm_status sgm__objective_batch(
    double *value, const sgm_score *score, const sgm__draws *b, sgm_key key) {
    const sgm_loss *loss = b->loss;
    int d = b->d, K = sgm__n_directions(loss, d);
    float *v = b->x0, *js = b->exact; /* their contents are no longer needed by then */
    sgm_score here = sgm__rows(score, b->row, 0, b->n);
    SGM__TRY(sgm_score_eval(&here, b->s, b->x, b->t, b->count));
    if (loss->objective == SGM_OBJECTIVE_ESM) SGM__TRY(sgm__draws_eval(b, loss->exact, b->exact));
    for (long i = 0; i < b->count; i++) {
        double sd = sgm_sde_s(b->sde, b->t[i]), square = 0;
        for (long j = i * d; j < (i + 1) * d; j++) {
            double off = b->s[j];
            if (loss->objective == SGM_OBJECTIVE_ESM) off -= b->exact[j];    /* (2.15) */
            if (loss->objective == SGM_OBJECTIVE_DSM) off += b->eps[j] / sd; /* (2.7) */
            square += off * off;
        }
        value[i] = loss->objective == SGM_OBJECTIVE_SSM
            ? 0
            : sgm__score_weight(b->sde, b->t[i], b->w[i]) * square;
    }
    for (int k = 0; k < K; k++) {
        double share = loss->objective == SGM_OBJECTIVE_ISM ? 1 : 1.0 / K;
        sgm__directions(v, b->count, d, loss, k, key);
        SGM__TRY(sgm_score_jvp(&here, b->s, js, b->x, v, b->t, b->count));
        for (long i = 0; i < b->count; i++) {
            double vs = sgm__row_dot(v + i * d, b->s + i * d, d);
            double bend = 2 * sgm__row_dot(v + i * d, js + i * d, d); /* (2.16), (2.17) */
            if (loss->objective == SGM_OBJECTIVE_SSM) bend += vs * vs;
            value[i] += share * sgm__score_weight(b->sde, b->t[i], b->w[i]) * bend;
        }
    }
    return SGM_OK;
}

/*
## §2.7 Details that have caused bugs

- The loss of the *noise* is s² times that of the *score*, not 1/s² times. Both have the same
  minimiser in each t, and neither is "the" loss over all t.
- At t = 0 there is no noise to find and (2.5) divides by zero: t_min is not a numerical nuisance
  but part of the model.
- Comparing two losses that were averaged over different distributions of t compares nothing.
- A loss below the floor is no feat: the network has seen the points (§2.2).
- Two scores are compared in one space: a score of scaled points and one of raw points differ by the
  scale, and their difference means nothing.
- ISM and SSM need a smooth activation. The derivative of a ReLU network (§3.4) jumps where a unit
  switches on. When θ changes, those places move, and no gradient taken at a point tells of it.

## §2.8 Something to run

`make 02` draws a score's arrows, `make 04` finds one in hidden noise. `make 13` gives one wrong
score to all five losses and finds the constants of (2.18) between them. `make 14` trains on eight
points, whose floor is known, and prints loss, floor and excess.
*/

/*
# 3. Networks

A network is a function from numbers to numbers with many adjustable numbers inside, its
*parameters*. Most are made of *layers*: a linear map, then a curve φ that bends each number of the
result, and again. With two *hidden* layers, $h_1 = φ(x W_1 + b_1)$, $h_2 = φ(h_1 W_2 + b_2)$ and
$\mathrm{out} = h_2 W_3 + b_3$, where the matrices W and rows b are the parameters, it is a
*multilayer perceptron*, or MLP. With enough numbers in $h_1$ and $h_2$, and a φ that is no
polynomial, it comes as near as you like to any continuous function on a bounded region (Leshno and
others 1993), so also to a score. To train it we need to know how the result changes when each of a
million parameters does. This chapter computes that with an array.

## §3.1 The tape

Every operation that a network performs is written down on a *tape*: what went in, what came out. A
result can only be made from things that exist already, so the order of creation is an order in
which everything comes after its ingredients, and no graph needs to be sorted. With $y = f(x)$ one
entry of the tape and $f'$ its matrix of derivatives, the *Jacobian*, three passes over the tape
compute everything in this book. Two run from the first entry to the last:

$$\text{forward: } y = f(x), \qquad \text{tangent: } \dot y = f'(x)\, \dot x \qquad(3.1)$$

The *tangent* pass carries a direction along: if the inputs move with velocity $\dot x$, the outputs
move with velocity $\dot y$. One pass gives the derivative of all outputs along one direction; the
field calls it a *Jacobian–vector product*. The *backward* pass runs from the last entry to the
first and answers the opposite question. Let $\bar y = ∂L/∂y$ be the derivative of the loss by y,
called the *adjoint* of y, and of a parameter its *gradient*. If x moves by δx, then y moves by
f'(x) δx, and the loss by $\bar y · f'(x)\, δx$. What stands before δx is the adjoint of x:

$$\bar x = f'(x)^T \bar y \qquad(3.2)$$

One pass gives the derivative of one number by all inputs and parameters, at about twice the cost of
the forward pass. What is used twice gets two contributions, which add up.

Some losses (implicit and sliced score matching, §2.6) are made of tangents. Then the loss moves
with y and with $\dot y$, and $\dot y = f'(x)\, \dot x$ moves with both x and $\dot x$:
$δL = \bar y · f' δx + \bar{\dot y} · (f' δ\dot x + (f'' \dot x)\, δx)$, where $f'' \dot x$ is the
derivative of $f'(x)\, \dot x$ by x. Again we collect what stands before δx and δẋ:

$$\bar x = f'(x)^T \bar y + (f''(x)\, \dot x)^T\, \bar{\dot y}, \qquad
\bar{\dot x} = f'(x)^T\, \bar{\dot y} \qquad(3.3)$$

Every operation here does this, so a tangent pass and then a backward pass give exact second
derivatives.

**By hand.** Take $y = \mathrm{silu}(a)$ with $a = x w + b$ at x = 2, w = ½, b = 0. The function is
silu(a) = a σ(a), where σ(a) = 1/(1 + e⁻ᵃ); at a = 1 it is .7311, its first derivative .9277 and its
second .3024. Forward: a = 2 · ½ = 1, y = .7311. Tangent, with $\dot x$ = 1:
$\dot a = w \dot x$ = .5, $\dot y$ = .9277 · .5 = .4638. Backward, for the loss L = y, so
$\bar y$ = 1: first $\bar a$ = .9277, then $\bar x = \bar a w$ = .4638 (the tangent again: the same
derivative, found from the other end), $\bar w = x \bar a$ = 1.8553 and $\bar b = \bar a$ = .9277.
For the loss $L = \dot y$ instead, $\bar{\dot y}$ = 1 and $\bar y$ = 0, and (3.3) gives
$\bar{\dot a}$ = .9277 and $\bar a = .3024 · \dot a$ = .1512; from there $\bar{\dot x}$ = .4638,
$\bar x$ = .0756, $\bar b$ = .1512, and $\bar w = x \bar a + \dot x \bar{\dot a}$ = .3024 + .9277 =
1.2300, for w is in a and in $\dot a$. That is ∂²y/∂x∂w. A test asks the tape for these numbers.

So an operation is one function with three short cases, side by side where they can be compared, and
a tensor has four arrays: `v` is y, `j` its tangent $\dot y$, `d` its adjoint $\bar y$, and `jd` the
adjoint of the tangent, $\bar{\dot y}$. Adjoints are only made for what leads back to a parameter
whose gradient is wanted, or to an input that you *watch*; `needs` says so. In the example:

|   | `v`   | `j`   | `d` for L = y | `d` for $L = \dot y$ | `jd` for $L = \dot y$ |
|---|-------|-------|---------------|----------------------|-----------------------|
| x | 2     | 1     | .4638         | .0756                | .4638                 |
| w | .5    |       | 1.8553        | 1.2300               |                       |
| b | 0     |       | .9277         | .1512                |                       |
| a | 1     | .5    | .9277         | .1512                | .9277                 |
| y | .7311 | .4638 | 1             | 0                    | 1                     |
*/
struct sgm_tape {
    struct sgm__arena_block *blocks, *current; /* memory for all that follows: §D.1 */
    sgm_tensor **list;                         /* in order of creation */
    int n, capacity;
    float *params, *grads;
    size_t n_params, cursor; /* cursor: how many of them have been taken */
    int flags, dry, n_ops;
    float *nothing; /* of a dry run: n_nothing numbers that stand for all results */
    long n_nothing;
    sgm_key key;
    struct sgm_layer *layers; /* filled by a dry run */
    int n_layers, layer_capacity;
    sgm_status status;
    char message[400];
    int n_allocs;    /* how often the tape has asked for memory: tests count */
    int lends, busy; /* 1: a model's own; 1: lent out (§3.10) */
    int more;        /* directions that tangents have beside the first (§D.3) */
};

enum { SGM__DEFER = 4, SGM__MOVES = 16 }; /* more flags of sgm_tape_reset: §D.3, §3.4 */

static long sgm__size(const sgm_tensor *x) { return (long)x->rows * x->cols; }

/* The result of an operation: entered, with memory for its values, */
SGM_API sgm_tensor *sgm_tape_make(sgm_tape *tape, const char *name, sgm_operation op, double rows,
    double cols, sgm_tensor *a, sgm_tensor *b, sgm_tensor *c) {
    sgm_tensor *y = tape ? sgm__entry(tape, name, rows, cols) : NULL;
    if (!y) return NULL;
    y->name = name ? name : "unnamed", y->op = op, y->a = a, y->b = b, y->c = c;
    y->needs = (a ? a->needs : 0) | (b ? b->needs : 0) | (c ? c->needs : 0);
    y->v = sgm__values(tape, y);
    if (y->v) y->v[0] = NAN; /* until op fills it in: one that does not shall not pass unseen */
    return y->v ? y : NULL;
}

/* and computed. A dry run only wants its shape. */
SGM_API sgm_tensor *sgm_tape_run(sgm_tape *tape, sgm_tensor *y) {
    if (!tape || !y) return NULL;
    if (!y->op) return sgm_tape_refuse(tape, "the operation %s has no function", y->name);
    if (!tape->dry) y->op(tape, y, SGM_PASS_FORWARD);
    return tape->status == SGM_OK ? y : NULL;
}

/* The first contribution to an adjoint is written, not added, so nobody has to clear arrays. */
SGM_API void sgm_tape_give(
    sgm_tape *tape, sgm_tensor *x, int which, const float *factor, const float *adjoint) {
    int first;
    float *to = tape && x && adjoint ? sgm__adjoint(tape, x, which, &first) : NULL;
    const long n = to ? sgm__size(x) : 0;
    if (!to) return;
    if (factor && first) sgm__mul(n, factor, adjoint, to);
    else if (factor) sgm__muladd(n, factor, adjoint, to);
    else if (first) sgm__scale(n, 1, adjoint, to);
    else sgm__add(n, to, adjoint, to);
}

SGM_API sgm_status sgm_tape_tangent(sgm_tape *tape) {
    for (int i = 0; tape && i < tape->n && tape->status == SGM_OK; i++) {
        sgm_tensor *y = tape->list[i];
        int moves = (y->a && y->a->j) || (y->b && y->b->j) || (y->c && y->c->j);
        if (!y->op || !moves) continue;
        if (!y->j) y->j = sgm__tangents(tape, y);
        if (y->j) sgm__tangent_op(tape, y);
    }
    return sgm_tape_status(tape);
}

/* A parameter's adjoint lies in the model's gradient block: 0 if the loss did not reach it. */
SGM_API sgm_status sgm_tape_backward(sgm_tape *tape) {
    for (int i = tape ? tape->n - 1 : -1; i >= 0 && tape->status == SGM_OK; i--) {
        sgm_tensor *y = tape->list[i];
        if (y->op && !(y->set & SGM_ADJOINT_D)) y->d = NULL; /* room that nobody has filled */
        if (y->op && !(y->set & SGM_ADJOINT_JD)) y->jd = NULL;
        if (y->op && y->needs && (y->d || y->jd)) y->op(tape, y, SGM_PASS_BACKWARD);
        if (y->is_param && y->d && !(y->set & SGM_ADJOINT_D))
            memset(y->d, 0, (size_t)sgm__size(y) * sizeof(float));
    }
    return sgm_tape_status(tape);
}

/*
## §3.2 What goes in: inputs and parameters

Parameters come from a *cursor* that moves through the model's one block: the first `sgm_linear` of
a network takes the first numbers, the next the next. So a network is one C function that names no
parameter, and the same function serves for training, sampling and, on a *dry* tape, for finding out
how many parameters there are.
*/
SGM_API sgm_tensor *sgm_tape_input(sgm_tape *tape, const float *x, int rows, int cols) {
    sgm_tensor *y = tape ? sgm__entry(tape, "input", rows, cols) : NULL;
    if (!y) return NULL;
    y->v = sgm_tape_floats(tape, y);
    if (!y->v) return NULL;
    if (x) memcpy(y->v, x, (size_t)sgm__size(y) * sizeof *x);
    else memset(y->v, 0, (size_t)sgm__size(y) * sizeof *x);
    return y;
}

/* A parameter tensor of the model: where it lies in the block, and how it starts. */
struct sgm_layer {
    char name[28];
    int rows, cols;
    size_t offset;
    float spread; /* uniform within ±spread, or normal with that std */
    int is_normal;
};

/* Named after the operation, its number on the tape, and the parameter's part in it. */
static sgm_tensor *sgm__param(sgm_tape *tape, const char *op, int number, const char *part,
    double rows, double cols, float spread, int is_normal) {
    sgm_tensor *p = sgm__param_entry(tape, op, number, part, rows, cols, spread, is_normal);
    if (!p) return NULL;
    p->is_param = 1;
    p->v = tape->params && !tape->dry ? tape->params + tape->cursor : NULL;
    p->d = tape->grads && !tape->dry ? tape->grads + tape->cursor : NULL;
    p->needs = tape->grads ? 1 : 0;
    if (tape->flags & SGM_TAPE_ACCUMULATE) p->set = SGM_ADJOINT_D;
    tape->cursor += (size_t)sgm__size(p);
    return p;
}

/*
## §3.3 The linear layer

$$y = x W + b \qquad(3.4) \qquad \bar x = \bar y W^T, \quad \bar W = x^T \bar y, \quad
\bar b = \sum_{rows} \bar y$$

with x of shape (n, in), W (in, out) and b (1, out). To see the second half, let everything move:
$δL = \sum_{ij} \bar y_{ij}\, δy_{ij}$ with $δy_{ij} = \sum_p (δx_{ip} W_{pj} + x_{ip}\, δW_{pj}) +
δb_j$, and collect what stands before each δ. In the tangent pass b and W do not move,
$\dot y = \dot x W$; so in (3.3) x gets nothing from $\bar{\dot y}$ (the layer is linear in x), but
W gets a second contribution $\dot x^T \bar{\dot y}$.

Weights and bias start uniform within ±1/√in, whose variance is a third of 1/in. So a sum of `in`
products has a third of its inputs' mean square: through many such layers in a row the inputs fade,
by √3 each. That is the custom all the same; `sgm_linear_start` lets you choose √3 for a layer whose
result is as large as what goes in, or more where an activation takes some of it away (§3.9).

All three products are one function, for each array comes with its strides, the distance in memory
of neighbours in a column (`_row`) and in a row (`_col`); exchange them, and it is transposed:

$$C_{ij} = I_{ij} + \sum_p A_{ip} B_{pj} \qquad(3.5)$$

with I the bias, what C holds already, or nothing. Nearly all the time that a network takes is spent
here. The first rung of the ladder is the equation, with p ascending and every step rounded once:
this order is part of the meaning, and every faster form has the same bits (§B.1).
*/
/* The matrix product (3.5) as data: sizes, and of each array the start and the strides. */
struct sgm__product {
    int m, n, k;
    const float *a;
    long a_row, a_col;
    const float *b;
    long b_row, b_col;
    const float *init; /* NULL: start from 0; init_row = 0: one bias row for all; init = c: add */
    long init_row;
    float *c;
    long c_row;
};

static void sgm__matmul_ref(const sgm__product *q) {
    for (long i = 0; i < q->m; i++)
        for (long j = 0; j < q->n; j++) {
            float sum = q->init ? q->init[i * q->init_row + j] : 0.0f;
            for (long p = 0; p < q->k; p++)
                sum = sgm__fmaf(
                    q->a[i * q->a_row + p * q->a_col], q->b[p * q->b_row + j * q->b_col], sum);
            q->c[i * q->c_row + j] = sum;
        }
}

/*
It reads two numbers for each multiply-add, and each multiply-add waits some four cycles for the one
before it, since both add to one sum. The second rung keeps a *tile* of C, four rows by sixteen
columns, in the processor's registers. For each p it reads four numbers of A and sixteen of B and
does 64 multiply-adds with them, three for each number that it reads, not one for two. And the 64
sums do not wait for one another; those of a row share vector instructions, if the compiler finds
them. No sum is made in another order, so no bit differs. What fills no tile is left to the three
loops. For 128 × 256 × 256 numbers and -march=native the loops made 2.4 GFLOP/s, the tile 17 by gcc
and 47 by clang. It runs where there is no third rung, which makes 240 on the same core: the same
tile, written for each instruction set and fed from memory in the order in which it reads (§B.7).
*/
enum { SGM__TILE_ROWS = 4, SGM__TILE_COLS = 16 };

static void sgm__matmul_tile(const sgm__product *q) {
    const int m = q->m - q->m % SGM__TILE_ROWS, n = q->n - q->n % SGM__TILE_COLS;
    for (long i = 0; i < m; i += SGM__TILE_ROWS)
        for (long j = 0; j < n; j += SGM__TILE_COLS) {
            float sum[SGM__TILE_ROWS][SGM__TILE_COLS];
            for (int r = 0; r < SGM__TILE_ROWS; r++)
                for (int s = 0; s < SGM__TILE_COLS; s++)
                    sum[r][s] = q->init ? q->init[(i + r) * q->init_row + j + s] : 0.0f;
            for (long p = 0; p < q->k; p++) {
                const float *a = q->a + i * q->a_row + p * q->a_col;
                const float *row = q->b + p * q->b_row + j * q->b_col;
                float b[SGM__TILE_COLS];
                for (int s = 0; s < SGM__TILE_COLS; s++) b[s] = row[s * q->b_col];
                for (int r = 0; r < SGM__TILE_ROWS; r++)
                    for (int s = 0; s < SGM__TILE_COLS; s++)
                        sum[r][s] = sgm__fmaf(a[r * q->a_row], b[s], sum[r][s]);
            }
            for (int r = 0; r < SGM__TILE_ROWS; r++)
                memcpy(q->c + (i + r) * q->c_row + j, sum[r], sizeof sum[r]);
        }
    sgm__product right = *q, below = *q; /* what fills no tile */
    right.m = m, right.n -= n, right.b += n * q->b_col, right.c += n;
    below.m -= m, below.a += m * q->a_row, below.c += m * q->c_row;
    if (q->init) right.init += n, below.init += m * q->init_row;
    sgm__matmul_ref(&right), sgm__matmul_ref(&below);
}

static void sgm__times_w(
    int rows, const float *in, const sgm_tensor *w, const float *bias, float *out) {
    sgm__matmul(rows, w->cols, w->rows, in, w->rows, 1, w->v, w->cols, 1, bias, 0, out, w->cols);
}

/* The products that go back, for the adjoint of y or of its tangent. x may be only some columns of
what the layer was given (§D.4): then it meets the rows of W from row `from` on. */
static void sgm__linear_give(sgm_tape *tape, sgm_tensor *x, const sgm_tensor *w, long from,
    int which, const float *adjoint, float *dw, int first) {
    const float *in = which == SGM_ADJOINT_D ? x->v : x->j, *rows = w->v + from * w->cols;
    if (dw) sgm__outer_sum(tape, x, in, adjoint, dw + from * w->cols, w->cols, first); /* xᵀ ȳ */
    float *dx = sgm__adjoint(tape, x, which, &first);
    if (dx) /* ȳ Wᵀ */
        sgm__matmul(x->rows, x->cols, w->cols, adjoint, w->cols, 1, rows, 1, w->cols,
            first ? NULL : dx, x->cols, dx, x->cols);
}

static void sgm__linear_back(sgm_tape *tape, sgm_tensor *y, int which) {
    int first = 0, later = sgm__defer(tape, y, which); /* left to the trainer: §D.3 */
    float *dw = later ? NULL : sgm__adjoint(tape, y->b, SGM_ADJOINT_D, &first);
    const float *adjoint = which == SGM_ADJOINT_D ? y->d : y->jd;
    sgm__linear_give(tape, y->a, y->b, 0, which, adjoint, dw, first);
}

static void sgm__op_linear(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a, *w = y->b, *b = y->c;
    if (sgm__linear_by_parts(tape, y, pass)) return; /* the same, where rows repeat: §D.4 */
    switch (pass) {
    case SGM_PASS_FORWARD: sgm__times_w(x->rows, x->v, w, b->v, y->v); break; /* (3.4) */
    case SGM_PASS_TANGENT:
        if (x->j) sgm__times_w(x->rows * (1 + tape->more), x->j, w, NULL, y->j); /* at once */
        break;
    case SGM_PASS_BACKWARD:
        sgm__give_sum(tape, b, y->d, y->rows);
        if (y->d) sgm__linear_back(tape, y, SGM_ADJOINT_D);
        if (y->jd && x->j) sgm__linear_back(tape, y, SGM_ADJOINT_JD);
        break;
    }
}

/*
## §3.4 Activations

A network of linear layers alone is one linear layer: (x W₁) W₂ = x (W₁ W₂). What stands between
them must bend. It is a function φ of one variable, applied to each element:

| name       | φ(x)                           |                                              |
|------------|--------------------------------|----------------------------------------------|
| `relu`     | max(x, 0)                      | φ'' = 0: second derivatives see nothing      |
| `silu`     | x σ(x), σ(x) = 1/(1 + e⁻ˣ)     | the default: a smooth ReLU                   |
| `gelu`     | x σ(√(8/π) (x + .044715 x³))   | nearly x times the share of N(0, 1) below x  |
| `softplus` | log(1 + eˣ)                    | its derivative is σ                          |
| `tanh`     | tanh x                         | within ±1                                    |
| `sigmoid`  | σ(x)                           | between 0 and 1                              |

Its Jacobian is diagonal, so (3.1) and (3.3) are products element by element:

$$\dot y = φ'(x)\, \dot x, \qquad \bar x = φ'(x)\, \bar y + φ''(x)\, \dot x\, \bar{\dot y}, \qquad
\bar{\dot x} = φ'(x)\, \bar{\dot y} \qquad(3.6)$$

The kernel gives φ, φ' and φ'' at once, since they share one exponential (§B.4). When derivatives
will be wanted, φ' is kept from the forward pass in `aux`. `sgm__hand_on` is `sgm_tape_give` for an
array that is not needed any more: the receiver may keep it (§D.3).
*/
static void sgm__op_activation(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a;
    long n = sgm__size(y);
    if (!y->aux && (pass != SGM_PASS_FORWARD || y->needs || tape->flags & SGM__MOVES)) {
        y->aux = sgm_tape_floats(tape, y);
        if (!y->aux) return;
        if (pass != SGM_PASS_FORWARD) sgm__act(y->i, n, x->v, NULL, y->aux, NULL);
    }
    switch (pass) {
    case SGM_PASS_FORWARD: sgm__act(y->i, n, x->v, y->v, y->aux, NULL); break;
    case SGM_PASS_TANGENT: sgm__mul(n, y->aux, x->j, y->j); break; /* (3.6) */
    case SGM_PASS_BACKWARD:
        sgm__hand_on(tape, y, x, SGM_ADJOINT_D, y->aux, y->d); /* φ' ȳ */
        if (y->jd && x->j) {
            sgm_tape_give(tape, x, SGM_ADJOINT_JD, y->aux, y->jd); /* φ' ẏ̄, for ẋ */
            float *bend = sgm_tape_floats(tape, y);
            if (!bend) return;
            sgm__act(y->i, n, x->v, NULL, NULL, bend);
            sgm__mul(n, bend, x->j, bend);
            sgm_tape_give(tape, x, SGM_ADJOINT_D, bend, y->jd); /* φ'' ẋ ẏ̄ */
        }
        break;
    }
}

/*
## §3.5 Putting tensors together

Sum and product, element by element. The product's rules are those of (ab)' = a'b + ab', once for
the tangent and once more for what (3.3) says about a and b: $\dot y = \dot a b + a \dot b$ gives
$\bar{\dot a} = b\, \bar{\dot y}$ and $\bar a = b\, \bar y + \dot b\, \bar{\dot y}$. Multiples, two
tensors side by side and repeated rows have no rule of their own, and stand in §D.4 and §D.5.
*/
static void sgm__op_add(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    switch (pass) {
    case SGM_PASS_FORWARD: sgm__add(sgm__size(y), y->a->v, y->b->v, y->v); break;
    case SGM_PASS_TANGENT:
        if (y->a->j && y->b->j) sgm__add(sgm__size(y), y->a->j, y->b->j, y->j);
        else memcpy(y->j, y->a->j ? y->a->j : y->b->j, (size_t)sgm__size(y) * sizeof(float));
        break;
    case SGM_PASS_BACKWARD:
        for (int which = SGM_ADJOINT_D; which <= SGM_ADJOINT_JD; which++) {
            float *adjoint = which == SGM_ADJOINT_D ? y->d : y->jd;
            sgm_tape_give(tape, y->b, which, NULL, adjoint);
            sgm__hand_on(tape, y, y->a, which, NULL, adjoint);
        }
        break;
    }
}

static void sgm__op_mul(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *a = y->a, *b = y->b;
    long n = sgm__size(y);
    switch (pass) {
    case SGM_PASS_FORWARD: sgm__mul(n, a->v, b->v, y->v); break;
    case SGM_PASS_TANGENT:
        if (a->j) sgm__mul(n, a->j, b->v, y->j);
        if (a->j && b->j) sgm__muladd(n, a->v, b->j, y->j);
        else if (b->j) sgm__mul(n, a->v, b->j, y->j);
        break;
    case SGM_PASS_BACKWARD:
        sgm_tape_give(tape, b, SGM_ADJOINT_D, a->v, y->d);
        sgm__hand_on(tape, y, a, SGM_ADJOINT_D, b->v, y->d);
        sgm_tape_give(tape, a, SGM_ADJOINT_JD, b->v, y->jd);
        sgm_tape_give(tape, b, SGM_ADJOINT_JD, a->v, y->jd);
        if (b->j) sgm_tape_give(tape, a, SGM_ADJOINT_D, b->j, y->jd);
        if (a->j) sgm_tape_give(tape, b, SGM_ADJOINT_D, a->j, y->jd);
        break;
    }
}

/*
## §3.6 Norms of rows

A layer norm shifts each row to mean 0 and scales it to mean square 1; then every column gets a gain
and a bias of its own. With n the width, $\langle x \rangle$ the mean of a row, a dot for the sum of
products along it and ⊙ for products element by element,

$$y = \mathrm{gain} ⊙ (c\, r) + \mathrm{bias}, \qquad c = x − \langle x \rangle, \quad
r = \left( \tfrac1n c·c + 10^{-5} \right)^{−1/2} \qquad(3.7)$$

Centring is linear and its own transpose (§D.5). The scaling $u = c\,r$ is not: r moves with c, by
$δr = −r³ (c·δc)/n$. So the tangent is

$$\dot u = \dot c\, r − r³ \tfrac{c·\dot c}{n} c, \qquad
\bar{\dot c} = r q − r³ \tfrac{q·c}{n} c \qquad(3.8)$$

with p and q the adjoints of u and of $\dot u$. The second half is the transpose of the first, which
is a symmetric matrix. It also gives the first two terms of $\bar c$; the rest is the derivative of
$q·\dot u = r\, q·\dot c − r³ (c·\dot c)(q·c)/n$ by c, with $δ(r³) = −3 r⁵ (c·δc)/n$:

$$\bar c = r p − r³ \tfrac{p·c}{n} c − \tfrac{r³}{n} \left[ (q·\dot c) c + (c·\dot c) q +
(q·c) \dot c − 3 \tfrac{r²}{n} (c·\dot c)(q·c)\, c \right] \qquad(3.9)$$

Shift and scaling are two operations; gain and bias are the case of §3.13 that has no norm in it.
*/
/* y = s a + t b, for one row. */
static void sgm__row_mix(float *y, double s, const float *a, double t, const float *b, int n) {
    sgm__map_alone(SGM__SCALE, n, (float)s, a, a, y);
    if (b) sgm__map_alone(SGM__AXPY, n, (float)t, b, b, y);
}

/* (3.8) and (3.9) for one row; any of p, cj, q may be NULL, and is then 0. */
static void sgm__rms_back(float *dc, float *dcj, const float *c, const float *cj, const float *p,
    const float *q, int n, double r) {
    const double k = r * r * r / n, cp = p ? sgm__row_dot(c, p, n) : 0;
    const double cq = q ? sgm__row_dot(c, q, n) : 0, ccj = q && cj ? sgm__row_dot(c, cj, n) : 0;
    const double qcj = q && cj ? sgm__row_dot(q, cj, n) : 0;
    sgm__row_mix(dc, -k * cp - k * qcj + 3 * k * r * r / n * ccj * cq, c, r, p, n);
    if (q && cj) sgm__map_alone(SGM__AXPY, n, (float)(-k * ccj), q, q, dc);
    if (q && cj) sgm__map_alone(SGM__AXPY, n, (float)(-k * cq), cj, cj, dc);
    if (dcj) sgm__row_mix(dcj, r, q, -k * cq, c, n);
}

static void sgm__op_rms(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a;
    int n = y->cols, back = pass == SGM_PASS_BACKWARD, bent = back && y->jd && x->j;
    float *dc = back ? sgm_tape_floats(tape, y) : NULL, *p = y->d;
    float *dcj = bent ? sgm_tape_floats(tape, y) : NULL, *q = bent ? y->jd : NULL;
    if ((back && !dc) || (bent && !dcj)) return;
    for (long i = 0; i < sgm__size(y); i += n) {
        const float *c = x->v + i, *cj = x->j ? x->j + i : NULL;
        double r = 1 / sqrt(sgm__row_dot(c, c, n) / n + 1e-5);
        if (pass == SGM_PASS_FORWARD) sgm__row_mix(y->v + i, r, c, 0, NULL, n); /* (3.7) */
        if (pass == SGM_PASS_TANGENT)                                           /* (3.8) */
            sgm__row_mix(y->j + i, r, cj, -r * r * r * sgm__row_dot(c, cj, n) / n, c, n);
        if (back)
            sgm__rms_back(
                dc + i, dcj ? dcj + i : NULL, c, cj, p ? p + i : NULL, q ? q + i : NULL, n, r);
    }
    sgm__hand_on(tape, y, x, SGM_ADJOINT_D, NULL, dc);
    sgm__hand_on(tape, y, x, SGM_ADJOINT_JD, NULL, dcj);
}

/*
## §3.7 Dropout

A network remembers its training points less easily if no number can rely on another. So in training
each is kept with probability 1 − rate and then divided by that, which leaves its mean unchanged; in
sampling nothing happens. The draw is keyed by the tape's key and the operation's
place on it (§A.2). As a product with a constant it needs no rules of its own.
*/
SGM_API sgm_tensor *sgm_dropout(sgm_tape *tape, sgm_tensor *x, float rate) {
    if (!tape || !x) return NULL;
    if (!(rate >= 0 && rate < 1))
        return sgm_tape_refuse(tape, "a dropout rate of %g: needs 0 <= rate < 1", (double)rate);
    tape->n_ops++;
    if (tape->dry) { /* only says that it is there (§3.16) */
        sgm_tensor *y = sgm_tape_make(tape, "dropout", NULL, x->rows, x->cols, x, NULL, NULL);
        if (y) y->s = rate;
        return y;
    }
    if (rate == 0 || !(tape->flags & SGM_TAPE_TRAINING)) return x;
    sgm_tensor *mask = sgm__entry(tape, "mask", x->rows, x->cols);
    if (!mask || !(mask->v = sgm_tape_floats(tape, mask))) return NULL;
    sgm__keep(mask->v, sgm__size(x), rate, sgm_key_split(tape->key, (uint64_t)tape->n_ops));
    return sgm_mul(tape, x, mask);
}

/*
## §3.8 Telling the network the time

One number t beside D coordinates is easily overlooked by a network, and the score changes by orders
of magnitude along it. So t is spread over several features $φ_j(t)$, waves of many lengths. The
default looks at log σ with $σ = s_t/m_t$, half of −λ of (1.7), which says the same in every family:
¼ log σ, and sin and cos of ω log σ for ω = ¼, ½, 1, 2. The others, of t or of log σ, are those of
the literature (§D.5). Each feature is a function of one variable; so (3.6) holds, with sums over j,
if you ask for a derivative by the time.
*/
/* A wave a sin(ωt), given s = sin ωt and c = cos ωt, and its two derivatives, if they are wanted.
With c and −s for s and c it is a cos(ωt). */
static void sgm__wave(
    float *out, float *d1, float *d2, int j, double a, double omega, double s, double c) {
    out[j] = (float)(a * s);
    if (d1) d1[j] = (float)(a * omega * c), d2[j] = (float)(-a * omega * omega * s);
}

static void sgm__feature_sigma(const sgm_tensor *y, float *out, float *d1, float *d2, double l) {
    double s, c, omega = y->s;
    out[0] = (float)(0.25 * l);
    if (d1) d1[0] = 0.25f, d2[0] = 0;
    for (int j = 1; j + 1 < y->cols; j += 2, omega *= 2) {
        sgm__sincos_turns(omega * l / (2 * SGM__PI), &s, &c);
        sgm__wave(out, d1, d2, j, 1, omega, s, c), sgm__wave(out, d1, d2, j + 1, 1, omega, c, -s);
    }
}

/*
## §3.9 Two ready networks

A *multilayer perceptron* (MLP) is linear layers with an activation between them, without which they
would be one linear layer. The layers in between are *hidden*: how many there are is the *depth*,
how many numbers each holds the *width*. The time comes as an *embedding*, some of the features of
§3.8, and stands beside x, as a condition does: that is all it takes to tell a network.

A *residual* network does not replace h by a layer's result, but adds it: h + f(h). What is added is
the residual, the way around f a *skip connection* or shortcut. With the Jacobian I + f', adjoints
that come back through many such layers do not fade, as they would through f' alone, and what has
learnt nothing yet does no harm. Here each block is told the time again.

Copy one of these and change it: so they are meant, and all that they call is there for you to call
(a test compiles the copies). §E.6 says why layers start wider than ±1/√in, and the default widths.
*/
SGM_API sgm_tensor *sgm_tell(
    sgm_tape *tape, const sgm_net_in *in, sgm_tensor *time, sgm_tensor *h) {
    sgm_tensor *told = in->cond ? sgm_concat(tape, in->cond, in->known) : in->known;
    if (in->image) told = sgm_concat(tape, in->image, told);
    return sgm_concat(tape, time, told ? sgm_concat(tape, told, h) : h);
}

SGM_API sgm_tensor *sgm_mlp(sgm_tape *tape, const sgm_net_in *in) {
    sgm_mlp_options o;
    if (sgm_mlp_options_init(&o, tape, in) != SGM_OK) return NULL;
    sgm_tensor *h = sgm_embed_time(tape, in, o.embedding, o.embedding_width);
    h = sgm_tell(tape, in, h, in->x);
    for (int i = 0; i < o.depth; i++) {
        h = sgm_linear_start(tape, h, o.width, o.start > 0 ? o.start : 2.4f);
        h = sgm_activate(tape, h, o.activation);
        h = sgm_dropout(tape, h, o.dropout);
    }
    if (o.shortcut > 0) h = sgm_concat(tape, h, in->x);
    return sgm_linear(tape, h, in->out);
}

SGM_API sgm_tensor *sgm_residual_mlp(sgm_tape *tape, const sgm_net_in *in) {
    sgm_mlp_options o;
    if (sgm_mlp_options_init(&o, tape, in) != SGM_OK) return NULL;
    sgm_tensor *time = sgm_embed_time(tape, in, o.embedding, o.embedding_width);
    sgm_tensor *h = sgm_linear(tape, sgm_tell(tape, in, time, in->x), o.width);
    for (int i = 0; i < o.depth; i++) {
        sgm_tensor *step = sgm_tell(tape, in, time, h);
        step = sgm_linear_start(tape, step, o.width, o.start > 0 ? o.start : 1.7f);
        step = sgm_activate(tape, step, o.activation);
        h = sgm_add(tape, h, sgm_dropout(tape, step, o.dropout));
    }
    return sgm_linear(tape, h, in->out);
}

/*
## §3.10 The model: a network with its parameters

A *model* is a network, the meaning of its output, the SDE it belongs to, and one block of numbers,
its *parameters* θ. It may keep averaged copies of them too (§4.6): `which` says whose turn it is,
`SGM_RAW` for θ itself. Seen from outside a model is an `sgm_score`. Points go in, scaled by
$c_i$, the network says `out`, and (2.10) turns that into the noise $\hat ε$ and so into a score:

$$s_θ(x, t) = −\frac{\hat ε}{s_t} = −\frac{a\, x + b\, \mathrm{out}(c_i x, t)}{s_t}
\qquad(3.10)$$

Its change along v follows by the chain rule. With J the Jacobian of `out` by what the network is
given, the two products that samplers and likelihoods ask for are

$$\frac{∂s_θ}{∂x} v = −\frac{a\, v + b\, J(c_i v)}{s_t}, \qquad
\left( \frac{∂s_θ}{∂x} \right)^T v = −\frac{a\, v + b\, c_i\, J^T v}{s_t} \qquad(3.11)$$

The first is one tangent pass that starts with $c_i v$, the second one backward pass that starts
with v: the tape needs no more than it has. The trace of the Jacobian is the sum of D such tangents,
one along each axis. (3.10) and (3.11) have the same shape, so one loop serves both; a, b and $s_t$
change only where t does.
*/
static void sgm__score_of_out(const sgm_model_options *o, float *s, const float *x,
    const float *out, const float *t, int n, int inner) {
    double a = 0, b = 1, sd = 1, scale = 1;
    for (long i = 0; i < n; i++) {
        if (i == 0 || t[i] != t[i - 1]) {
            sgm_output_affine(&a, &b, o->output, &o->sde, t[i], o->sigma_data);
            sd = sgm_sde_s(&o->sde, t[i]);
            if (inner) scale = sgm__input_scale(o->output, &o->sde, t[i], o->sigma_data);
        }
        for (long j = i * o->d; j < (i + 1) * o->d; j++)
            s[j] = (float)((a * x[j] + b * scale * (out ? out[j] : 0)) / -sd);
    }
}

/* What a model is asked. A first reading needs model, which and back; the rest is what conditions
and classifiers (chapter 8) tell it beside x and t. */
struct sgm__ask {
    const sgm_model *model;
    int which, back;    /* back: js = (∂s/∂x)ᵀ v is wanted, not (∂s/∂x) v              */
    int trace;          /* 1: js(n) is the trace of ∂s/∂x                              */
    const float *cond;  /* (·,C) what the points are told; NULL: nothing               */
    const float *known; /* 0 for the rows that are told nothing after all; NULL: none  */
    const int *label;   /* of a classifier, of each point; NULL: all labels            */
    const long *row;    /* point i has row[i], or first + i, of cond and label,        */
    long first, each;   /* and where each is 0 all have row 0                          */
};

/* Sets the tangent of the network's input to c_i v, and carries it through. */
static void sgm__tangent_along(sgm_tape *tape, const sgm_net_in *in, const sgm_model_options *o,
    const float *v, const float *t, int n) {
    float *move = sgm_tape_tangent_of(tape, in->x);
    for (long i = 0; move && i < n; i++) {
        double scale = sgm__input_scale(o->output, &o->sde, t[i], o->sigma_data);
        for (long j = i * o->d; j < (i + 1) * o->d; j++) move[j] = (float)(scale * v[j]);
    }
    sgm_tape_tangent(tape);
}

/* Scores of a few points, and with v (3.11) into js. */
static sgm_status sgm__model_chunk(const sgm__ask *ask, sgm_tape *tape, float *s, float *js,
    double *logp, const float *x, const float *v, const float *t, int n) {
    const sgm_model_options *o = &ask->model->o;
    if (o->energy || o->classes) /* s = −∇U (§4.10) */
        return sgm__energy_chunk(ask, tape, s, js, logp, x, v, t, n, sgm_key_init(0), 0);
    sgm_net_in in;
    const int moves = ask->trace || (v && !ask->back);
    sgm__ask_reset(ask, tape, sgm_key_init(0), moves ? SGM__MOVES : 0);
    sgm__net_in(tape, &in, ask, x, t, n);
    if (v && ask->back) sgm_tape_watch(tape, in.x);
    sgm_tensor *out = sgm__net_run(tape, &in, o);
    if (out && v && ask->back) {
        float *adjoint = sgm_tape_gradient_of(tape, out);
        if (adjoint) memcpy(adjoint, v, (size_t)n * (size_t)o->d * sizeof *adjoint);
        sgm_tape_backward(tape);
    } else if (out && v) {
        sgm__tangent_along(tape, &in, o, v, t, n);
    }
    if (out && ask->trace) sgm__trace_pass(tape, &in, o, out, js, t, n);
    if (tape->status != SGM_OK) return tape->status;
    const float *moved = ask->back ? (in.x->set & SGM_ADJOINT_D ? in.x->d : NULL) : out->j;
    sgm__score_of_out(o, s, x, out->v, t, n, 0);
    if (v) sgm__score_of_out(o, js, v, moved, t, n, ask->back);
    return SGM_OK;
}

/*
## §3.11 Images: walking over them

An image of C *channels* (three for colours, hundreds inside a network) is stored *channel-last*:
row after row, pixel after pixel, the C numbers of a pixel side by side. A batch is still (n, D)
with D = H·W·C, or, without moving a number, a matrix of n·H·W pixels by C channels; what treats all
pixels alike is then a matrix product. A square of p by p pixels is a *patch*; a row of numbers for
a place in the image, be it a pixel or a patch, is a *token*.

Doubling pixels, cutting an image into patches, setting channels side by side, exchanging tokens and
channels: all these copy numbers to other places. Five nested loops, each with a stride in x and one
in y, say where, and a stride of 0 reads the same number again. Such a map is linear with a Jacobian
of zeros and ones: tangents are copied the same way, and adjoints the opposite way, added up where
one number went to several places. Doubled, the image 1 2 / 3 4 of one channel is 1 1 2 2 / 1 1 2 2
/ 3 3 4 4 / 3 3 4 4: loops over row, copy, column, copy and channel, whose steps are 2, 0, 1, 0, 1
in x and 8, 4, 2, 1, 1 in y. The other moves are tables like that of `sgm_upsample` (§E.1).
*/
typedef struct sgm__shape { /* what an operation on images or tokens knows; `aux` points to it:
first the settings that the text of §3.16 tells */
    int h, w, c, out, patch, stride, groups, heads, silu, one_plus, tokens, mixes, kernel;
    long n[2][5], x[2][5], y[2][5], start[2]; /* for each ingredient: loops, strides, y's start */
    float *kept;
} sgm__shape;

/* q ← p, n numbers; or with `back` p ← q, or p ← p + q. */
static void sgm__walk_line(float *p, long p_by, float *q, long q_by, long n, int back, int add) {
    const int dense = p_by == 1 && q_by == 1;
    if (dense && !add) memcpy(back ? p : q, back ? q : p, (size_t)n * sizeof *p);
    else if (dense) sgm__map_alone(SGM__ADD, n, 0, p, q, p);
    for (long m = 0; m < n && !dense; m++, p += p_by, q += q_by)
        if (back) *p = add ? *p + *q : *q;
        else *q = *p;
}

/* y ← x along the loops, or with `back` x ← y, or x ← x + y. */
static void sgm__walk(const sgm__shape *s, int part, float *x, float *y, int back, int add) {
    const long *n = s->n[part], *sx = s->x[part], *sy = s->y[part];
    const int turns = !add && n[2] * n[3] == 1 && sx[1] == 1 && sy[4] == 1; /* y = xᵀ */
    for (long i = 0; i < n[0]; i++) {
        float *p = x + i * sx[0], *q = y + i * sy[0] + s->start[part];
        if (turns && back) sgm__turn_alone(n[1], n[4], q, sy[1], p, sx[4]);
        else if (turns) sgm__turn_alone(n[4], n[1], p, sx[4], q, sy[1]);
        for (long j = 0; j < n[1] && !turns; j++)
            for (long k = 0; k < n[2]; k++)
                for (long l = 0; l < n[3]; l++)
                    sgm__walk_line(p + j * sx[1] + k * sx[2] + l * sx[3], sx[4],
                        q + j * sy[1] + k * sy[2] + l * sy[3], sy[4], n[4], back, add);
    }
}

SGM_API sgm_tensor *sgm_upsample(sgm_tape *tape, sgm_tensor *x, int h, int w) {
    long c = sgm__channels(tape, "upsample", x, h, w);
    if (!c) return NULL;
    long line = 4.0 * x->cols > INT_MAX ? 0 : w * c; /* 0: will be refused */
    const long n[] = {(long)x->rows * h, 2, w, 2, c}, from[] = {line, 0, c, 0, 1};
    const long to[] = {4 * line, 2 * line, 2 * c, c, 1};
    return sgm__walked(tape, "upsample", x, x->rows, 4.0 * x->cols, h, w, n, from, to);
}

/*
## §3.12 Convolution

A linear layer from all pixels to all pixels would have $(HWC)²$ weights, and would have to learn
everywhere anew what an edge looks like. A *convolution* makes each output pixel by one linear map
of the k × k input pixels around it, the same map everywhere, with zeros beyond the border:

$$y_{ab} = \mathrm{bias} + \sum_{i,j<k} x_{ℓa+i-k',\; ℓb+j-k'}\, W_{ij}, \qquad k' = (k-1)/2
\qquad(3.12)$$

where the *stride* ℓ is the distance of neighbouring outputs in the input (2 halves the image), and
$W_{ij}$ a matrix of in by out channels. Each of the many products has three partners, a number of
the input, a weight and a number of the output: forward, it is added to the output. The tangent is
the same sum of $\dot x$, without the bias. Backward, $δL = \sum \bar y\, δy = \sum \bar y (δx\, W +
x\, δW)$ over the same triples, and what stands before δx and δW says $\bar x \mathrel{+}= \bar y W$
and $\bar W \mathrel{+}= x \bar y$: one loop serves all passes, in which two partners meet and the
third receives. With tangents, $\bar{\dot y}$ does the same with $\dot x$.

The loop runs for k = 5 and above. For the usual 3 × 3 there are faster forms, with stride 1 of less
than half as many products (§E.3), held against this one by a test.
*/
enum { SGM__INTO_X, SGM__INTO_W, SGM__INTO_Y };

static void sgm__triples(const sgm__shape *s, long images, int into, const float *x, const float *w,
    const float *y, double *sum) {
    const long rows = (s->h - 1) / s->stride + 1, cols = (s->w - 1) / s->stride + 1;
    for (long p = 0; p < images * rows * cols; p++) /* output pixels, */
        for (long k = 0; k < s->kernel * s->kernel; k++) { /* and what they see */
            long row = p / cols % rows * s->stride + k / s->kernel - s->kernel / 2;
            long col = p % cols * s->stride + k % s->kernel - s->kernel / 2;
            if (row < 0 || row >= s->h || col < 0 || col >= s->w) continue;
            for (long c = 0; c < s->c; c++)
                for (long o = 0; o < s->out; o++) {
                    long in = ((p / cols / rows * s->h + row) * s->w + col) * s->c + c;
                    long tap = (k * s->c + c) * s->out + o, to = p * s->out + o;
                    if (into == SGM__INTO_Y) sum[to] += (double)x[in] * w[tap];
                    if (into == SGM__INTO_X) sum[in] += (double)w[tap] * y[to];
                    if (into == SGM__INTO_W) sum[tap] += (double)x[in] * y[to];
                }
        }
}

static void sgm__op_conv(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a, *w = y->b, *b = y->c;
    if (sgm__conv_fast(tape, y, pass)) return; /* k = 3: §E.3 */
    if (pass == SGM_PASS_FORWARD) /* (3.12) */
        sgm__conv_sum(tape, y, SGM__INTO_Y, x->v, w->v, NULL, b->v, y->v);
    if (pass == SGM_PASS_TANGENT && x->j)
        sgm__conv_sum(tape, y, SGM__INTO_Y, x->j, w->v, NULL, NULL, y->j);
    if (pass != SGM_PASS_BACKWARD) return;
    sgm__give_sum(tape, b, y->d, sgm__size(y) / b->cols);
    for (int which = SGM_ADJOINT_D; which <= SGM_ADJOINT_JD; which++) {
        const float *in = which == SGM_ADJOINT_D ? x->v : x->j;
        const float *adjoint = which == SGM_ADJOINT_D ? y->d : y->jd;
        if (!adjoint || !in) continue;
        float *dx = sgm_tape_floats(tape, x), *dw = sgm_tape_floats(tape, w);
        sgm__conv_sum(tape, y, SGM__INTO_X, NULL, w->v, adjoint, NULL, dx);
        sgm__conv_sum(tape, y, SGM__INTO_W, in, NULL, adjoint, NULL, dw);
        sgm_tape_give(tape, x, which, NULL, dx);
        sgm_tape_give(tape, w, SGM_ADJOINT_D, NULL, dw);
    }
}

/*
## §3.13 Group norm, modulation and gates

A *group norm* takes the channels of an image in groups, and gives each group of each image, over
its pixels and channels together, mean 0 and mean square 1: how bright an image is, or how strong a
feature, no longer matters to the layers behind. A layer norm (§3.6) is the case of one pixel and
one group. With ⟨·⟩ the mean over the N numbers of a group,

$$u = (x − μ)\, r, \quad μ = ⟨x⟩, \quad r = \left( ⟨(x − μ)²⟩ + 10^{-5} \right)^{−1/2}, \qquad
z = γ ⊙ u + β, \quad y = φ(z) \qquad(3.13)$$

with γ and β per image and channel: parameters, or numbers that the network computes for each point
from its time and condition. That is how one small vector steers a whole image (*adaptive* norm).
Without the norm, z is the *modulation* (γ = 1 + scale) or the *gate* (β = 0) of a DiT (§3.15).

If x moves, μ moves by ⟨ẋ⟩, and r by $\dot r = −r³ ⟨(x − μ) \dot x⟩ = −r² ⟨u \dot x⟩$; so

$$\dot u = r\, (\dot x − ⟨\dot x⟩ − ⟨u \dot x⟩\, u), \qquad
\bar x = r\, (p − ⟨p⟩ − ⟨p u⟩\, u) \quad \text{with} \quad p = γ ⊙ \bar z \qquad(3.14)$$

The second half is the first again, since the Jacobian $r (I − 11^T/N − u u^T/N)$ is a symmetric
matrix. Its two means are the two things that the norm takes away: an adjoint that asks for a
brighter group (along 1) or for a stronger one (along u) asks in vain. Beside them stand

$$\bar γ = \sum \bar z u, \qquad \bar β = \sum \bar z \quad \text{over the pixels that share them}
\qquad(3.15)$$

In code, each group becomes a row, takes the norm of §3.6, goes back, and is scaled, shifted and
bent: steps that have their three passes. That is what a tape with SGM_TAPE_PLAIN does; any other
does all in one operation (§E.4), which a test holds against this.
*/
static sgm_tensor *sgm__groups_as_rows(
    sgm_tape *tape, sgm_tensor *x, long images, long pixels, long c, long groups, int back) {
    const long size = pixels * c, each = c / groups, n[] = {images, groups, pixels, 1, each};
    const long image[] = {size, each, c, 0, 1}, row[] = {size, pixels * each, each, 0, 1};
    const double rows = (double)images * (double)(back ? 1 : groups);
    return sgm__walked(tape, "groups", x, rows, (double)images * (double)size / rows, 0, 0, n,
        back ? row : image, back ? image : row);
}

/* p, a row of channels per point, as large as x: all pixels and rows of a point read the same. */
static sgm_tensor *sgm__spread(sgm_tape *tape, sgm_tensor *p, const sgm_tensor *x) {
    const long c = p->cols, n[] = {p->rows, sgm__size(x) / sgm__size(p), 1, 1, c};
    const long from[] = {c, 0, 0, 0, 1}, to[] = {n[1] * c, c, 0, 0, 1};
    return sgm__walked(tape, "spread", p, x->rows, x->cols, 0, 0, n, from, to);
}

static sgm_tensor *sgm__norm_plain(sgm_tape *tape, sgm_tensor *x, int c, int groups,
    sgm_tensor *gain, sgm_tensor *bias, int one_plus, int silu) {
    const long n = x->rows, pixels = x->cols / c;
    sgm_tensor *u = x, *z;
    if (groups) u = sgm__groups_as_rows(tape, u, n, pixels, c, groups, 0);
    if (groups) u = sgm__groups_as_rows(tape, sgm__row_norm(tape, u), n, pixels, c, groups, 1);
    z = gain ? sgm_mul(tape, u, sgm__spread(tape, gain, x)) : u; /* (3.13) */
    if (gain && one_plus) z = sgm_add(tape, u, z);
    if (bias) z = sgm_add(tape, z, sgm__spread(tape, bias, x));
    return silu ? sgm_silu(tape, z) : z;
}

SGM__FULLY
/*
## §3.14 Attention

A convolution sees neighbours. In *attention* (Vaswani et al. 2017) each token asks all tokens of
its point. Linear layers make of its numbers a query, a key and a value; whose key fits the query
best has the largest say in the mean of values that the token gets for an answer. Several *heads* do
so at a time, each on a stripe of d columns. With Q, K, V of shape (T, d) for the T tokens of a
point,

$$S = \tfrac{1}{\sqrt d} Q K^T, \quad A = \mathrm{softmax}(S), \quad O = A V, \qquad
A_{ij} = \frac{e^{S_{ij}}}{\sum_k e^{S_{ik}}}, \quad
\dot A = A ⊙ (\dot S − ⟨A, \dot S⟩) \qquad(3.16)$$

where ⟨,⟩ is the inner product of two rows. The *softmax* makes weights of each row, positive and
with sum 1: row i of O is a mean of the rows of V. Its derivative: $\log A_j = S_j − \log \sum_k
e^{S_k}$ moves by $\dot S_j − \sum_k A_k \dot S_k$, and $\dot A_j$ is $A_j$ times that. The Jacobian
$\mathrm{diag}(A) − A A^T$ is symmetric, so adjoints go back as tangents go forth. Since it depends
on A, an adjoint B of $\dot A$ adds to that of A the derivative of $B · \dot A = ⟨A ⊙ B, \dot S⟩ −
⟨A, B⟩⟨A, \dot S⟩$ by A:

$$\bar A \mathrel{+}= B ⊙ (\dot S − ⟨A, \dot S⟩) − \dot S ⟨A, B⟩ \qquad(3.17)$$

$Q K^T$ and A V are again sums of products with three partners, a number of a matrix M (T by T) and
one of each of two stripes X and Y: $M = X Y^T$, $X = M Y$ and $Y = M^T X$. Whichever is the forward
pass, the other two carry adjoints back. M is why attention belongs where an image is small.
*/
/* p[role] (+)= the product of the other two, for every point and head; roles M, X, Y: 0, 1, 2. */
static void sgm__heads(const sgm__shape *s, int role, float *const *p, int add) {
    long T = s->tokens, W = s->w, n = (long)s->h * s->heads;
    int t = s->tokens, d = s->w / s->heads;
    for (long i = 0; i < n; i++) {
        long at = i / s->heads * T * W + i % s->heads * d;
        float *M = p[0] + i * T * T, *X = p[1] + at, *Y = p[2] + at;
        if (role == 0) sgm__matmul(t, t, d, X, W, 1, Y, 1, W, add ? M : NULL, T, M, T);
        if (role == 1) sgm__matmul(t, d, t, M, T, 1, Y, W, 1, add ? X : NULL, W, X, W);
        if (role == 2) sgm__matmul(t, d, t, M, 1, T, X, W, 1, add ? Y : NULL, W, Y, W);
    }
}

static void sgm__softmax(const float *x, float *y, long T) {
    float most = x[0]; /* which no exponential exceeds then */
    double sum = 0;
    for (long j = 1; j < T; j++) most = x[j] > most ? x[j] : most;
    for (long j = 0; j < T; j++) sum += y[j] = sgm__exp_ref(x[j] - most);
    sgm__scale(T, (float)(1 / sum), y, y);
}

/* Its Jacobian, forth and back: A ⊙ (s - ⟨A, s⟩). */
static void sgm__softmax_j(const float *A, const float *s, float *out, long T) {
    float dot = (float)sgm__dot_alone(T, A, s);
    for (long j = 0; j < T; j++) out[j] = A[j] * (s[j] - dot);
}

/* d: the adjoint of A; B, that of its tangent, or NULL, adds (3.17). Both become those of S. */
static void sgm__softmax_back(
    const float *A, const float *sj, const float *B, float *d, float *jd, long T) {
    float a_s = B ? (float)sgm__dot_alone(T, A, sj) : 0;
    float a_b = B ? (float)sgm__dot_alone(T, A, B) : 0;
    for (long j = 0; j < T && B; j++) d[j] += B[j] * (sj[j] - a_s) - sj[j] * a_b;
    if (B) sgm__softmax_j(A, B, jd, T);
    sgm__softmax_j(A, d, d, T);
}

/* In these four steps on a tape with SGM_TAPE_PLAIN, which say what is done; at once on any other,
head by head (§E.5). */
SGM_API sgm_tensor *sgm_attention(
    sgm_tape *tape, sgm_tensor *q, sgm_tensor *k, sgm_tensor *v, int tokens, int heads) {
    if (!sgm__attends(tape, q, k, v, tokens, heads)) return NULL;
    if (!tape->dry && !(tape->flags & SGM_TAPE_PLAIN))
        return sgm__attention_at_once(tape, q, k, v, tokens, heads);
    q = sgm_mul_by(tape, q, (float)(1 / sqrt((double)q->cols / heads)));
    if (q) q->name = "attention_scale";
    q = sgm__softmax_rows(tape, sgm__headed(tape, "scores", 0, q, k, tokens, heads));
    return sgm__headed(tape, "attention", 1, q, v, tokens, heads);
}

SGM__LIGHTLY
/*
## §3.15 Ready networks for images

Copy and change these, too. In all of them waves of the time go through two layers, a condition is
added, and the vector that comes out scales and shifts the channels after a norm in every block. An
image among the conditions (§8.1) lies beside the channels of x, where the first layer reads both.

The **U-Net** (Ho et al. 2020) is built of residual blocks. It halves the image on the way down, so
that few convolutions see all of it, looks at it with attention where it is smallest, and comes back
up. Details that halving loses come over by skip connections, beside the channels from below. For 28
by 28 pixels, width 32 and three levels:

    28×28×32 ─── skip ───→ beside the 64 from below, then 28×28×32
       ↓ stride 2                            ↑ doubled
    14×14×64 ─── skip ───→ beside the 128 from below, then 14×14×64
       ↓                                     ↑
     7×7×128 ──────────────→ attention ──────┘

The **DiT** (Peebles and Xie 2023) is a *transformer* over patches: in each block every token looks
at the others (attention), and is then worked on alone (two layers). Its gates start at zero
(*adaLN-zero*): at first each block is the identity. The residual net, a U-Net of one level without
attention, and the MLP-Mixer, a DiT with two layers across tokens for attention, stand in §E.6; a
U-Net as another program builds and trains it, in §F.10.
*/
SGM_API sgm_tensor *sgm_image_time(sgm_tape *tape, const sgm_net_in *in, int width) {
    sgm_tensor *h = sgm_linear(tape, sgm_time_sinusoidal(tape, in->t, width), width);
    h = sgm_linear(tape, sgm_silu(tape, h), width);
    if (in->known) {
        sgm_tensor *given = in->cond ? sgm_concat(tape, in->cond, in->known) : in->known;
        h = sgm_add(tape, h, sgm_linear(tape, given, width));
    }
    return sgm_silu(tape, h);
}

SGM_API sgm_tensor *sgm_res_block(
    sgm_tape *tape, sgm_tensor *x, int h, int w, int out, int groups, sgm_tensor *time) {
    sgm_tensor *y = sgm_group_norm(tape, x, h, w, groups, SGM_NORM_OWN | SGM_NORM_SILU, NULL, NULL);
    y = sgm_conv2d(tape, y, h, w, out, 3, 1);
    sgm_tensor *shift = sgm_linear(tape, time, out);
    sgm_tensor *scale = sgm_linear(tape, time, out);
    y = sgm_group_norm(tape, y, h, w, groups, SGM_NORM_SILU, shift, scale);
    y = sgm_conv2d(tape, y, h, w, out, 3, 1);
    if (x && y && x->cols != y->cols) x = sgm_conv2d(tape, x, h, w, out, 1, 1);
    return sgm_add(tape, x, y);
}

SGM_API sgm_tensor *sgm_self_attention(sgm_tape *tape, sgm_tensor *x, int tokens, int heads) {
    if (!tape || !x) return NULL;
    sgm_tensor *q = sgm_linear(tape, x, x->cols);
    sgm_tensor *k = sgm_linear(tape, x, x->cols);
    sgm_tensor *v = sgm_linear(tape, x, x->cols);
    return sgm_linear(tape, sgm_attention(tape, q, k, v, tokens, heads), x->cols);
}

SGM_API sgm_tensor *sgm_attention_block(
    sgm_tape *tape, sgm_tensor *x, int h, int w, int heads, int groups) {
    sgm_tensor *y = sgm_group_norm(tape, x, h, w, groups, SGM_NORM_OWN, NULL, NULL);
    y = sgm_self_attention(tape, sgm_patchify(tape, y, h, w, 1), h * w, heads);
    return sgm_add(tape, x, sgm_unpatchify(tape, y, h, w, 1));
}

SGM_API sgm_tensor *sgm_unet(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    sgm_tensor *skip[8];
    if (sgm_image_net_init(&o, tape, in, 32, 3) != SGM_OK) return NULL;
    int h = o.h, w = o.w, last = o.depth - 1;
    if (last > 7 || h % (1 << last) || w % (1 << last))
        return sgm_tape_refuse(tape,
            "a U-Net of %d levels cannot halve %d by %d pixels so often: set depth to fewer levels "
            "(1 to 8), or pad the images", o.depth, h, w);
    sgm_tensor *time = sgm_image_time(tape, in, 4 * o.width);
    sgm_tensor *x = sgm_conv2d(tape, sgm_image_in(tape, in, h, w), h, w, o.width, 3, 1);
    for (int i = 0; i < last; i++, h /= 2, w /= 2) { /* down */
        skip[i] = sgm_res_block(tape, x, h, w, o.width << i, o.groups, time);
        x = sgm_conv2d(tape, skip[i], h, w, o.width << i, 3, 2);
    }
    x = sgm_res_block(tape, x, h, w, o.width << last, o.groups, time);
    x = sgm_attention_block(tape, x, h, w, o.heads, o.groups);
    for (int i = last - 1; i >= 0; i--) { /* and up */
        x = sgm_upsample(tape, x, h, w), h *= 2, w *= 2;
        x = sgm_concat_channels(tape, x, skip[i], h, w);
        x = sgm_res_block(tape, x, h, w, o.width << i, o.groups, time);
    }
    x = sgm_group_norm(tape, x, h, w, o.groups, SGM_NORM_OWN | SGM_NORM_SILU, NULL, NULL);
    return sgm_conv2d(tape, x, h, w, o.channels, 3, 1);
}

SGM_API sgm_tensor *sgm_ada_norm(sgm_tape *tape, sgm_tensor *x, sgm_tensor *time) {
    sgm_tensor *shift = x ? sgm_linear_zero(tape, time, x->cols) : NULL;
    sgm_tensor *scale = x ? sgm_linear_zero(tape, time, x->cols) : NULL;
    x = sgm_group_norm(tape, x, 1, 1, 1, SGM_NORM_PLAIN, NULL, NULL);
    return sgm_modulate(tape, x, shift, scale);
}

SGM_API sgm_tensor *sgm_two_layers(sgm_tape *tape, sgm_tensor *x, int hidden) {
    sgm_tensor *h = x ? sgm_gelu(tape, sgm_linear(tape, x, hidden)) : NULL;
    return h ? sgm_linear(tape, h, x->cols) : NULL;
}

SGM_API sgm_tensor *sgm_add_gated(sgm_tape *tape, sgm_tensor *x, sgm_tensor *y, sgm_tensor *time) {
    sgm_tensor *gate = y ? sgm_linear_zero(tape, time, y->cols) : NULL;
    return sgm_add(tape, x, sgm_gate(tape, y, gate));
}

SGM_API sgm_tensor *sgm_dit(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    if (sgm_image_net_init(&o, tape, in, 128, 4) != SGM_OK) return NULL;
    sgm_tensor *time = sgm_image_time(tape, in, o.width);
    sgm_tensor *x = sgm_tokens(tape, in, o.h, o.w, o.patch, o.width);
    const int tokens = x ? x->rows / in->x->rows : 1;
    for (int i = 0; i < o.depth; i++) {
        sgm_tensor *y = sgm_self_attention(tape, sgm_ada_norm(tape, x, time), tokens, o.heads);
        x = sgm_add_gated(tape, x, y, time);
        y = sgm_two_layers(tape, sgm_ada_norm(tape, x, time), 4 * o.width);
        x = sgm_add_gated(tape, x, y, time);
    }
    x = sgm_linear_zero(tape, sgm_ada_norm(tape, x, time), in->x->cols / tokens);
    return sgm_unpatchify(tape, x, o.h, o.w, o.patch);
}

/*
## §3.16 What a network does, as a text

Parameters fit every network of the same shapes, and mean something else in each: a file of a ReLU
network fills a SiLU network without complaint. So the operations of a dry run can be told as a
text, one after the other: number, name, shape for two points, settings, and from which numbers
before it each is made. It depends on the network alone, not on machine, locale or weights. A model
keeps it, its files carry it, and loading compares (§D.6).

## §3.17 Details that have caused bugs

- A network that does different operations in training and in sampling (beyond dropout) shifts the
  cursor, and every later layer reads its neighbour's parameters. The model checks that each pass
  uses exactly as many as the dry run did.
- Two layers among the arguments of one call, `sgm_mul(t, sgm_linear(…), sgm_linear(…))`: C does not
  say which is made first, and with it the order of the parameters. Give each a line of its own.
- Adding to adjoints that were never cleared. Here the first contribution overwrites, and room that
  nobody filled is NULL again before an operation looks at it.
- A tensor used twice whose first user keeps its adjoint's array: the second then adds to what the
  first still reads. An array is handed on only when its owner has done with it (§D.3).
- Rows of different points must not see each other: evaluation cuts batches as it pleases. (Tokens
  of one point may, §3.14.)
- Masks drawn with the tape's key alone are alike in all layers: split it by the operation's number.
- (n, D) is n·H·W pixels by C channels only if channels come last. Arrays of PyTorch have them
  first, (n, C, H, W), and fit everywhere without an error.
- A mean square as $⟨x²⟩ − ⟨x⟩²$: of pixels 100.7 ± .01 a float keeps nothing. Take the differences
  first, and keep of μ what its float lacks.
- A gradient summed over a million pixels in one float stops growing: sum in stretches.
- The softmax of scores above 88 is ∞/∞, unless the largest is taken away first.
- Where a border or a stride leaves pixels of x out, their adjoint is 0: somebody must write that 0.

## §3.18 Something to run

`make 05` takes a layer of two by two through all passes by hand. `cc -O2 -I.
examples/own_operation.c -o own_operation -lm && ./own_operation` writes y = sin x as an operation,
holds its adjoints to differences and trains a network with it. Take the minus sign out of its
second derivative: only the last of its three rows fails, for values, tangents and first derivatives
never see it.
*/

/*
# 4. Learning

Training repeats one step: take some points, hide noise in them (1.6), ask the network for it, and
move the parameters a little against the *gradient* of the loss (2.11), the list of its derivatives
by all parameters. This chapter is that step, in the order in which it happens: the batch, its loss,
the gradient, the length of the step, the step itself, and the average of the parameters that one
samples with. Then it asks when to stop, and what changes for other losses and for energies.

Why *against the gradient*? For a short step Δ the loss changes by $g·Δ$, and of all steps of one
length that is least for Δ along $−g$. With $Δ = −ηg$ the loss falls by $η\|g\|²$. The number η is
the *learning rate*.

## §4.1 The batch

The loss is a mean over all points, times and noises: too many to visit in one step. So a step takes
B points, a *batch*, and draws one time and one noise for each. The gradient $\hat g$ of the batch's
loss is not g, but it is right on average, and its error is known: the mean of B independent terms
with covariance C has

$$E\, \hat g = g, \qquad \mathrm{Cov}\, \hat g = \frac{1}{B^2} \sum_{i=1}^{B} C = \frac{C}{B}
\qquad(4.1)$$

A step along $−\hat g$ goes down the loss on average, which is all that thousands of small steps
need. Four times the batch halves the error and costs four times the time: many cheap steps in
roughly the right direction win against a few exact ones.

The points come in *epochs*: one epoch is one run through the data in which each point comes once.
Its order is shuffled by a key, the next epoch's by another, and step after step takes the next B of
this stream. Nothing of it is stored. The i-th point of the stream is worked out from i (§A.4), and
times and noise are keyed by the number of the batch, so a run that was stopped goes on exactly
where it was.
*/
enum { SGM__KEY_SHUFFLE = 1, SGM__KEY_TIMES, SGM__KEY_NOISE, SGM__KEY_DROPOUT, SGM__KEY_PROBES };
enum { SGM__KEY_CONDITION = SGM__KEY_PROBES + 1, SGM__KEY_HELD }; /* who is hidden, or held out */

static sgm_key sgm__train_key(const sgm_trainer *trainer, int purpose, uint64_t batch) {
    return sgm_key_split(sgm_key_split(trainer->key, (uint64_t)purpose), batch);
}

/* A piece: the rows first … first + n of a batch. x0, ε and x have shape (n,D), t, w and the rows'
shares of the loss (n); then what chapter 8 tells the network: conditions (n,C), whether they are
known (n), and labels (n). Its gradient is added to `grads`, or with flags 0 replaces it. */
struct sgm__piece {
    uint64_t batch;
    long first, *row; /* (n) where in the data the points lie */
    int n, flags, *label;
    float *x0, *eps, *x, *t, *w, *cond, *known;
    double *loss;
    float *grads;
    sgm_tape *tape;
    sgm__ask ask;
    float *work; /* (4,n,D), and (n,2), for the objectives of §4.9 */
    double *c;
    long failed; /* the accumulator whose gradient failed, or -1, and why */
    sgm_status status;
    char message[400];
};

/* Where the points of the stream from its `at`-th on lie in the data. */
static void sgm__piece_rows_of(const sgm_trainer *trainer, uint64_t at, int count, long *row) {
    uint64_t n = (uint64_t)(trainer->n - trainer->held), epoch = at / n;
    sgm_key shuffle = sgm__train_key(trainer, SGM__KEY_SHUFFLE, epoch);
    for (int i = 0; i < count; i++, at++) {
        if (at / n != epoch)
            epoch = at / n, shuffle = sgm__train_key(trainer, SGM__KEY_SHUFFLE, epoch);
        row[i] = (long)sgm_permute(at % n, n, shuffle);
        if (trainer->order) row[i] = trainer->order[row[i]]; /* points are held out (§4.7) */
    }
}

static void sgm__piece_draw(const sgm_trainer *trainer, sgm__piece *p) {
    const sgm_model_options *o = &trainer->model->o;
    const int d = o->d, B = trainer->o.batch;
    const uint64_t first = (uint64_t)p->first;
    sgm__piece_rows_of(trainer, p->batch * (uint64_t)B + first, p->n, p->row);
    for (long i = 0; i < p->n; i++)
        memcpy(p->x0 + i * d, trainer->data + p->row[i] * d, (size_t)d * sizeof(float));
    sgm__piece_told(trainer, p);
    if (o->scaler) sgm_scaler_apply(o->scaler, p->x0, p->x0, p->n);
    sgm_normal(p->eps, (size_t)p->n * (size_t)d,
        sgm__train_key(trainer, SGM__KEY_NOISE, p->batch), first * (uint64_t)d);
    sgm__loss_times(&trainer->o.loss, &o->sde, p->t, p->w, p->n,
        sgm__train_key(trainer, SGM__KEY_TIMES, p->batch), first, p->first, B);
    sgm_sde_perturb(p->x, p->x0, p->eps, p->t, p->n, d, &o->sde); /* (1.6) */
}

/*
## §4.2 The loss and where its gradient starts

With (2.10) the loss of one batch, and its derivative by what the network said, are

$$L = \frac{c}{B} \sum_i w_i \left\| a_i x_i + b_i \mathrm{out}_i − ε_i \right\|², \qquad
\frac{∂L}{∂\mathrm{out}_i} = \frac{2 c}{B} w_i b_i
(a_i x_i + b_i \mathrm{out}_i − ε_i) \qquad(4.2)$$

where c is the loss's `scale`, 1 if you leave it. The derivative is written where the tape's
backward pass picks it up: it is the *seed* from which all other derivatives grow, by the chain
rule. If a step adds up k batches, each counts one k-th (`share`).
*/
/* One point, its share being c w_i/B: returns its part of L, writes the derivative by its out. */
static double sgm__dsm_point(float *grad, const float *out, const float *x, const float *eps,
    int d, double a, double b, double share) {
    double square = 0;
    for (int j = 0; j < d; j++) {
        double miss = a * x[j] + b * out[j] - eps[j];
        square += miss * miss;
        grad[j] = (float)(2 * share * b * miss); /* (4.2) */
    }
    return share * square;
}

static void sgm__dsm_seed(
    const sgm_trainer *trainer, sgm__piece *p, const float *out, float *grad, double share) {
    const sgm_model_options *o = &trainer->model->o;
    double a_i, b_i, factor = trainer->o.loss.scale * share / trainer->o.batch; /* c/B */
    for (long i = 0, at = 0; i < p->n; i++, at += o->d) {
        sgm_output_affine(&a_i, &b_i, o->output, &o->sde, p->t[i], o->sigma_data);
        p->loss[i] = sgm__dsm_point(
            grad + at, out + at, p->x + at, p->eps + at, o->d, a_i, b_i, factor * p->w[i]);
    }
}

/*
## §4.3 The gradient of a step

Draw, run the network forward, seed, run back: then the tape has added to `grads` the derivative of
the loss by each parameter.

**A batch is a sum of pieces.** (4.2) is a sum over rows, so the gradient is one too: a batch may be
worked on piece by piece, each by itself from the draw to its gradient. What the tape holds of a
piece is small, and stays in the cache of the core that works on it. One fixed row of pieces makes a
step; fixed stretches of it are each added up in their order into an *accumulator*, and in the end
the accumulators by halves, as a tournament is played: each with its neighbour, then pair with pair,

$$\bar W = \sum_{a=1}^{A} \bar W_a = \left( \left( \bar W_1 + \bar W_2 \right) +
\left( \bar W_3 + \bar W_4 \right) \right) + …, \qquad
\bar W_a = \sum_{\text{pieces of } a} \frac{∂}{∂W} \sum_{\text{rows } i} ℓ_i \qquad(4.3)$$

Floating-point sums depend on their order, and this order depends on the network and the batch alone
(§F.6), not on who computes what. So one thread or eight may take accumulators, also on several
machines, and the step has the same bits; of four machines each adds up its quarter, and tells the
others one sum. A step that has one accumulator only is too short to be worth a second thread.

With `accumulate` = k, k batches in a row make one step: a batch of k·B points. Not for the memory,
which is that of a few pieces in either case, but to change the batch in a run that goes on.
*/
static sgm_status sgm__piece_gradient(const sgm_trainer *trainer, sgm__piece *p) {
    const sgm_model_options *o = &trainer->model->o;
    const double share = 1.0 / trainer->o.accumulate;
    sgm_key dropout = sgm__train_key(trainer, SGM__KEY_DROPOUT, p->batch);
    sgm_key probes = sgm__train_key(trainer, SGM__KEY_PROBES, p->batch);
    sgm_net_in in;
    if (p->first) dropout = sgm_key_split(dropout, (uint64_t)p->first);
    if (p->first) probes = sgm_key_split(probes, (uint64_t)p->first);
    for (int i = 0; i < p->n; i++) p->loss[i] = 0;
    if (o->energy) return sgm__energy_gradient(trainer, p, share, dropout, probes); /* §4.10 */
    sgm_tape_reset(p->tape, trainer->model->params, p->grads, trainer->model->n_params, dropout,
        p->flags);
    sgm__net_in(p->tape, &in, &p->ask, p->x, p->t, p->n);
    sgm_tensor *out = sgm__net_run(p->tape, &in, o);
    if (o->classes) out = sgm__label_loss(p->tape, out, &p->ask); /* §8.2 */
    if (out && trainer->o.loss.objective != SGM_OBJECTIVE_DSM) /* §4.9 */
        return sgm__objective_gradient(trainer, p, &in, out, share, probes);
    float *grad = sgm_tape_gradient_of(p->tape, out);
    if (!grad) return sgm_tape_status(p->tape);
    (o->classes ? sgm__label_seed : sgm__dsm_seed)(trainer, p, out->v, grad, share);
    if (!sgm__piece_is_finite(p)) return SGM_OK; /* the watch says where that came from */
    return sgm_tape_backward(p->tape);
}

static sgm_status sgm__trainer_gradient(sgm_trainer *trainer) {
    sgm__share_among(trainer->n_hands, trainer->own_sums, sgm__accumulate, trainer);
    SGM__TRY(sgm__pieces_done(trainer));
    if (!(fabs(trainer->loss) < HUGE_VAL)) return sgm__watch(trainer);
    return sgm__trainer_norm(trainer); /* (4.3) */
}

/*
A NaN ("not a number", as 0/0) spreads through everything it touches. So loss and norm are looked at
in every step *before* a parameter changes, and the workshop's watch (§F.5) names the operation that
made it, and the t of its row.

**Clipping.** The linear promise "the loss falls by $η\|g\|²$" holds only near by. With the second
derivatives H along the step,

$$L(θ − ηg) ≈ L − η \|g\|² + ½ η² g^T H g \qquad(4.4)$$

and the loss rises once $η$ exceeds $2\|g\|²/g^T H g$. A batch now and then has a gradient a hundred
times the usual one, because a point lies far out or a time near $t_{min}$ has a large weight.
`clip` is the longest norm $\|g\|$ that a step will believe: what is longer is shortened to it, all
parameters by the same factor, so the direction stays. In Adam, below, one such gradient also
swells V for a thousand steps, in which everything else hardly moves.

## §4.4 The learning rate

Far from the goal long steps are right. Near it they only carry the noise of (4.1) into the
parameters: these dance around the minimum, the wider the larger η. So the rate falls along half a
cosine to $η_e$ (`lr_end`) at the last of the K steps. If you ask for a `warmup`, it grows first,
over $K_w$ steps: the first gradients are far from those that follow, and Adam's means of them (4.7)
rest on few. In step k, counted from 0, it is

$$η_k = η\, \frac{k+1}{K_w} \;\;(k < K_w), \quad \text{then} \quad
η_k = η_e + ½ (η − η_e) (1 + \cos π u), \quad
u = \tfrac{k − K_w}{K − K_w} \qquad(4.5)$$
*/
static double sgm__rate(const sgm_train_options *o, long step) {
    if (step < o->warmup) return o->lr * (double)(step + 1) / (double)o->warmup;
    if (!o->cosine && o->lr_end == 0) return o->lr;
    const double u = (double)(step - o->warmup) / (double)(o->steps - o->warmup);
    return o->lr_end + 0.5 * (o->lr - o->lr_end) * (1 + sgm__cos_turns(0.5 * (u < 1 ? u : 1)));
}

/*
## §4.5 The optimisers

**SGD**, stochastic gradient descent, is $θ ← θ − η \hat g$. With a running sum of gradients, whose
noise partly cancels while their common direction adds up, it has *momentum* μ (`beta1`):

$$M ← μ M + g, \qquad θ ← θ − η M \qquad(4.6)$$

One η must then do for all parameters, though the derivative by one may be a thousand times that by
another. **Adam** (Kingma and Ba 2015) gives each its own scale: it divides a running mean M of the
gradient by the root of a running mean V of its square. What is left is about 1 where the gradient's
sign is steady and less where it is mostly noise, so that η is the length of a step whatever the
units of the loss.

$$M ← β_1 M + (1−β_1) g, \quad V ← β_2 V + (1−β_2) g², \quad
θ ← θ − η \frac{M/b_1}{\sqrt{V/b_2} + δ}, \quad b_i = 1 − β_i^k \qquad(4.7)$$

($β_1 = .9$ and $β_2 = .999$ are Adam's letters, not chapter 1's β(t); δ is `eps`, 10⁻⁸, against a
division by 0; k counts from 1.) Why the $b_i$? M starts at 0. After k steps it is a weighted sum
of the gradients so far, and the weights are a geometric series:

$$M_k = (1−β) \sum_{i=1}^{k} β^{k−i} g_i, \qquad (1−β) \sum_{i=1}^{k} β^{k−i} = 1 − β^k
\qquad(4.8)$$

So $E M_k = (1 − β^k)\, E g$ while the gradient's law stays, and the division makes the weights add
up to 1. Without it the first step would be $.1 g / \sqrt{.001 g²}$: 3.2 η long instead of η.

**AdamW** (Loshchilov and Hutter 2019) also shrinks the parameters by themselves,
$θ ← (1 − η w_d) θ$ with a `weight_decay` $w_d$. **AdaBelief** (Zhuang et al. 2020) divides by how
far the gradient strays from its mean: where it came as expected, the step may be long.

$$V ← β_2 V + (1−β_2) (g − M)² + δ, \qquad \text{and } θ \text{ as in (4.7)} \qquad(4.9)$$

All four are one loop. $b_1$ and $b_2$ are the same for all parameters, so (4.7) is computed as
$θ − (η\sqrt{b_2}/b_1)\, M / (\sqrt V + δ\sqrt{b_2})$: one root and one quotient each. Every
sixteenth step sets moments that have faded below $2^{−100}$ to zero, before they slow the processor
(§B.6).
*/
#define SGM__FADED 7.8886091e-31f /* 2^-100 */
enum { SGM__SWEEP = 16 };         /* steps between two looks for faded moments */

typedef struct sgm__adam_rates { /* fresh = 1 - beta, bias = 1 - beta^t, of 1 and 2 */
    float lr, beta1, beta2, fresh1, fresh2, eps, bias1, bias2, decay, grad_scale;
    int sweep; /* 1: set faded moments to zero */
} sgm__adam_rates;

typedef struct sgm__adam_plan { /* worked out from them, once a step */
    float step, eps, shrink, faded; /* faded: what v is swept below */
    int sweep, scales, shrinks;
} sgm__adam_plan;

static sgm__adam_plan sgm__adam_plan_from(const sgm__adam_rates *c) {
    const float root = sqrtf(c->bias2), eps = c->eps * root, faded = eps * eps * 1.42108547e-14f;
    const sgm__adam_plan plan = {-(c->lr * root / c->bias1), eps, -(c->lr * c->decay),
        faded < SGM__FADED ? faded : SGM__FADED, c->sweep, c->grad_scale != 1.0f, c->decay != 0.0f};
    return plan;
}

static void sgm__moments_ref(
    int kind, long n, float *p, const float *g, float *m, float *v, const sgm__adam_rates *c) {
    const sgm__adam_plan plan = sgm__adam_plan_from(c);
    for (long i = 0; i < n; i++) {
        const float grad = g[i] * c->grad_scale;
        m[i] = sgm__fmaf(c->beta1, m[i], kind == SGM_OPTIMISER_SGD ? grad : c->fresh1 * grad);
        if (kind == SGM_OPTIMISER_SGD) {
            p[i] = sgm__fmaf(-c->lr, m[i], p[i]); /* (4.6) */
            continue;
        }
        if (plan.sweep && fabsf(m[i]) < SGM__FADED) m[i] = 0.0f;
        const float away = kind == SGM_OPTIMISER_ADABELIEF ? grad - m[i] : grad; /* (4.9) */
        v[i] = sgm__fmaf(c->beta2, v[i], c->fresh2 * away * away);
        if (plan.sweep && m[i] == 0.0f && v[i] < plan.faded) v[i] = 0.0f;
        if (kind == SGM_OPTIMISER_ADABELIEF) v[i] += c->eps;
        if (plan.shrinks) p[i] = sgm__fmaf(plan.shrink, p[i], p[i]);
        p[i] = sgm__fmaf(plan.step, m[i] / (sqrtf(v[i]) + plan.eps), p[i]); /* (4.7) */
    }
}

/* What all parameters share in this step; clipping is a factor on g. */
static sgm__adam_rates sgm__rates(const sgm_optimiser *q) {
    const sgm_train_options *o = &q->o;
    double k = (double)q->step + 1, clip = o->clip;
    sgm__adam_rates c;
    memset(&c, 0, sizeof c);
    c.lr = (float)sgm__rate(o, q->step), c.eps = (float)o->eps;
    c.beta1 = (float)o->beta1, c.beta2 = (float)o->beta2;
    c.fresh1 = (float)(1 - o->beta1), c.fresh2 = (float)(1 - o->beta2); /* not of a rounded β */
    if (o->optimiser != SGM_OPTIMISER_SGD) {
        c.bias1 = (float)-sgm__expm1(k * sgm__log(o->beta1)); /* 1 − β^k */
        c.bias2 = (float)-sgm__expm1(k * sgm__log(o->beta2));
    }
    c.decay = o->optimiser == SGM_OPTIMISER_ADAMW ? (float)o->weight_decay : 0;
    c.grad_scale = clip > 0 && q->grad_norm > clip ? (float)(clip / q->grad_norm) : 1;
    c.sweep = q->step % SGM__SWEEP == 0;
    return c;
}

/*
## §4.6 The average of the parameters

The last parameters carry the noise of the last batches: $θ_i = θ^* + ξ_i$ dances around the place
θ* that all steps together point to. An average over many steps keeps θ* and loses most of ξ. The
*exponential moving average* (EMA) forgets old steps by a factor γ per step (here the decay, .999).
As in (4.8), start at zero and divide by the sum of the weights; then e is right from the first
step:

$$E_k = γ E_{k−1} + (1 − γ) θ_k, \quad e_k = \frac{E_k}{1 − γ^k}, \qquad
e ← e + \frac{1 − γ}{1 − γ^k} (θ − e) \qquad(4.10)$$

(The third form is the first divided by $1 − γ^k$, as $γ(1 − γ^{k−1}) = (1 − γ^k) − (1 − γ)$.)
If the $ξ_i$ were independent with variance $v_ξ$, the average's would be the sum of the squared
weights times $v_ξ$,

$$(1 − γ)² \sum_{i ≥ 0} γ^{2i}\, v_ξ = \frac{1 − γ}{1 + γ}\, v_ξ \qquad(4.11)$$

a two-thousandth for γ = .999. They are not, for neighbours differ by one step; where ξ takes τ
steps to turn around it is about τ times as much, still far below 1. A small η would calm the dance
too, but then nothing is learnt: the average has long steps *and* a quiet end. A model can keep
several with different memories 1/(1−γ); the first is the one that is judged and shown.
*/
/* Of n parameters, from the `at`-th on. */
static void sgm__average(const sgm_optimiser *q, size_t at, long n) {
    for (int i = 0; i < q->n_ema; i++) {
        double decay = q->o.ema[i], k = (double)q->step + 1;
        double share = (1 - decay) / -sgm__expm1(k * sgm__log(decay)); /* (4.10) */
        sgm__toward(n, (float)share, q->params + at, q->ema[i] + at);
    }
}

/*
## §4.7 When to stop

With few points and many steps a network stops learning the law and learns the points by heart:
*overfitting*. The score of the points themselves, noise on each and nothing between them, is what
(2.8) has as its exact minimum. The loss of training does not show it: it goes on falling while new
points become ever less likely under the model. So some points are *held out*, never trained on, and
every now and then the loss is measured on these. It falls while the law is learnt, and rises when
the network begins to learn the points. The parameters of the least such loss are kept: this is
*early stopping*.

To see small changes, nothing but the parameters may change between two looks: the noise and the
times are drawn once (as many pairs as four batches hold), and what is common to two looks cancels
in their difference. The first average is judged, or without one the parameters, since that is what
one samples with. A look is taken so often that all of them cost a twentieth of the run.

Left to itself (`held_out` 0) the trainer holds out a tenth of the points, but no more than a look
takes, if the loss is denoising and the run makes 50 epochs or more of at least 50 points. With
fewer points each is too dear to keep apart.
*/
struct sgm_held {
    long n, every, worse; /* draws; steps between two looks; looks since the best */
    float *x, *eps, *t, *w, *s, *cond, *best;
    float state[9]; /* for a checkpoint: best loss, last loss and the two counts */
    double *logp;
    int *label;
};

static sgm_status sgm__trainer_look(sgm_trainer *trainer) {
    struct sgm_held *h = trainer->watch;
    if (!h || (trainer->step % h->every && trainer->step != trainer->o.steps)) return SGM_OK;
    SGM__TRY(sgm__held_loss(trainer, &trainer->held_loss));
    h->worse++;
    if (trainer->held_loss == trainer->held_loss && !(trainer->best_loss <= trainer->held_loss)) {
        trainer->best_loss = trainer->held_loss, trainer->best_step = trainer->step, h->worse = 0;
        sgm__held_copy(trainer->model, h->best, 0); /* parameters and averages */
    }
    trainer->stopped = trainer->o.patience > 0 && h->worse >= trainer->o.patience;
    return SGM_OK;
}

SGM_API sgm_status sgm_trainer_best(sgm_trainer *trainer) {
    if (!trainer || !trainer->watch || trainer->best_step == 0)
        return sgm__bad("no look at points held out yet: set held_out, and make some steps");
    sgm__held_copy(trainer->model, trainer->watch->best, 1);
    return SGM_OK;
}

/*
## §4.8 The step, and the run

This is all of it. A step whose gradient fails changes nothing; a look at the points held out that
fails comes after the step, which stands. Either says why, and ends the run.

**A loss of your own** has a first half of its own: a forward pass on your tape, your loss's
derivative by what the network said as the seed, and the pass back, into the `grads` of an
`sgm_optimiser`. The second half, §4.5 and §4.6, does not ask where a gradient came from: the
trainer's own step ends in the code of `sgm_optimiser_step`. `examples/own_loss.c` is such a loop.
*/
SGM_API sgm_status sgm_trainer_step(sgm_trainer *trainer) {
    SGM__TRY(sgm__trainer_made(trainer));
    trainer->status = sgm__gradient_or_nothing(trainer); /* §4.1 to §4.3 */
    if (trainer->status != SGM_OK) return trainer->status;
    sgm__trainer_update(trainer); /* §4.5 and §4.6, of all parameters by the kernels */
    trainer->step++;
    trainer->status = sgm__trainer_look(trainer); /* §4.7 */
    if (trainer->status == SGM_OK) sgm__trainer_tell(trainer);
    return trainer->status;
}

SGM_API int sgm_trainer_done(const sgm_trainer *trainer) {
    return !trainer || !trainer->grads || trainer->status != SGM_OK || trainer->stopped ||
        trainer->step >= trainer->o.steps;
}

/* The run: with a checkpoint (§F.9) it begins where that was written. */
SGM_API sgm_status sgm_train(
    sgm_model *model, const float *data, long n, const sgm_train_options *options, sgm_key key) {
    sgm_trainer trainer;
    sgm_progress bar;
    SGM__TRY(sgm_trainer_init(&trainer, model, data, n, options, key));
    sgm_status status = sgm__train_resume(&trainer);
    sgm_progress_init(&bar, trainer.o.progress, trainer.o.steps);
    while (status == SGM_OK && !sgm_trainer_done(&trainer)) {
        status = sgm_trainer_step(&trainer);
        if (status == SGM_OK) status = sgm__train_checkpoint(&trainer);
        sgm__train_show(&bar, &trainer);
    }
    sgm_progress_done(&bar);
    if (status == SGM_OK && trainer.best_step) status = sgm_trainer_best(&trainer);
    sgm__train_report(&trainer);
    sgm_trainer_free(&trainer);
    return status;
}

/*
## §4.9 Learning by the other objectives

The losses of §2.6 contain derivatives of the network by x, so their gradients need second
derivatives; the tape has them. Write the score (3.10) as $s = c_x x + c_o\, \mathrm{out}$, with
$c_x = −a/s_t$ and $c_o = −b/s_t$. Its tangent along a direction v is
$c_x v + c_o\, \dot{\mathrm{out}}$. The summand of (2.16), and its derivatives by both, are

$$ℓ = ω \left( \|s\|² + 2 v^T (c_x v + c_o\, \dot{\mathrm{out}}) \right): \qquad
\frac{∂ℓ}{∂\dot{\mathrm{out}}} = 2 ω c_o v, \qquad
\frac{∂ℓ}{∂\mathrm{out}} = 2 ω c_o s \qquad(4.12)$$

The sliced loss (2.17) has $(v·s)²$ in place of $\|s\|²$; the chain rule gives
$∂ℓ/∂\mathrm{out} = 2 ω c_o (v·s)\, v$. One direction after the other is carried forward and back
over one tape, and the gradients add up.
*/

/* The loss ω‖s − τ‖² of a piece, τ = exact, −ε/s_t or (both NULL) 0, and its derivative by what the
network said. An energy says its score: with c_o = 1, the derivative is r of (4.14). */
static void sgm__square_seed(const sgm_trainer *trainer, sgm__piece *p, const float *s,
    const float *exact, const float *eps, float *adjoint, double factor) {
    const sgm_model_options *o = &trainer->model->o;
    for (long i = 0; i < p->n; i++) {
        double lambda = factor * sgm__score_weight(&o->sde, p->t[i], p->w[i]);
        double sd = sgm_sde_s(&o->sde, p->t[i]);
        double push = 2 * lambda * (o->energy ? 1 : p->c[2 * i + 1]);
        for (long j = i * o->d; j < (i + 1) * o->d; j++) {
            double off = s[j];
            if (exact) off -= exact[j];
            if (eps) off += eps[j] / sd;
            p->loss[i] += lambda * off * off;
            adjoint[j] = (float)(push * off);
        }
    }
}

/* One direction of (4.12): seeds the adjoints by the tangent and, if sliced, by the value. */
static void sgm__direction_seed(const sgm_trainer *trainer, sgm__piece *p, const float *s,
    const float *v, const float *out_j, float *adjoint, float *bend, double factor) {
    const double *c = p->c;
    int d = trainer->model->o.d, sliced = trainer->o.loss.objective == SGM_OBJECTIVE_SSM;
    for (long i = 0; i < p->n; i++, c += 2) {
        double lambda = factor * sgm__score_weight(&trainer->model->o.sde, p->t[i], p->w[i]);
        double vs = sgm__row_dot(v + i * d, s + i * d, d);
        if (sliced) p->loss[i] += lambda * vs * vs;
        for (long j = i * d; j < (i + 1) * d; j++) {
            p->loss[i] += 2 * lambda * v[j] * (c[0] * v[j] + c[1] * out_j[j]);
            bend[j] = (float)(2 * lambda * c[1] * v[j]);
            if (sliced) adjoint[j] = (float)(2 * lambda * c[1] * vs * v[j]);
        }
    }
}

/* The work space of these losses: s, target, v of shape (n,D), and the coefficients. */
static sgm_status sgm__objective_gradient(const sgm_trainer *trainer, sgm__piece *p,
    const sgm_net_in *in, sgm_tensor *out, double factor, sgm_key key) {
    const sgm_model_options *o = &trainer->model->o;
    const sgm_loss *how = &trainer->o.loss;
    sgm_tape *tape = p->tape;
    int n = p->n, d = o->d, K = sgm__n_directions(how, d);
    long size = (long)n * d;
    float *s = p->work, *miss = s, *v = s + 2 * size;
    factor *= how->scale / trainer->o.batch;
    sgm__piece_score(trainer, s, p, out->v);
    if (how->objective == SGM_OBJECTIVE_ESM) {
        SGM__TRY(sgm__exact_eval(trainer, miss = s + size, p));
        for (long j = 0; j < size; j++) miss[j] = s[j] - miss[j];
    }
    for (int k = 0; k < K || k == 0; k++) {
        float *adjoint = sgm_tape_gradient_of(tape, out);
        if (k == 0 && how->objective != SGM_OBJECTIVE_SSM && adjoint)
            sgm__square_seed(trainer, p, miss, NULL, NULL, adjoint, factor);
        if (K > 0) {
            sgm__directions(v, n, d, how, k, key);
            sgm__tangent_along(tape, in, o, v, p->t, n);
            float *bend = sgm_tape_tangent_gradient_of(tape, out);
            if (!bend || !adjoint || tape->status != SGM_OK) return sgm_tape_status(tape);
            sgm__direction_seed(trainer, p, s, v, out->j, adjoint, bend,
                how->objective == SGM_OBJECTIVE_ISM ? factor : factor / K);
        }
        if (!sgm__piece_is_finite(p)) return SGM_OK; /* the watch will look at it */
        SGM__TRY(sgm_tape_backward(tape));
        if (k + 1 < K) sgm__tape_again(tape);
    }
    return SGM_OK;
}

/*
## §4.10 Energies

An *energy-based* model is a network with one output, U(x, t), that stands for the density
$e^{−U}/Z$, where Z is the integral that makes it 1. Nobody can compute Z, and nobody needs to: the
score is −∇U, one backward pass from U to x, and MALA (§6.2) compares energies of two points, in
which it cancels. Along v, start with the tangent v: the tangent of U is $\dot U = v·∇U(x)$, a
function of v and x, and one backward pass from it gives

$$\frac{∂\dot U}{∂v} = ∇U, \qquad \frac{∂\dot U}{∂x} = \frac{∂²U}{∂x²} v \qquad(4.13)$$

To train by any of the losses, differentiate $ω \|s − τ\|²$ by θ: by the chain rule this is
$2ω (s − τ)^T ∂s/∂θ$, in which the first factor, $r = 2ω(s − τ)$, is taken as it stands. With
$s = −∇U$ that is the gradient of a tangent of U along r,

$$\frac{∂}{∂θ} ω \| −∇U − τ \|² = −\frac{∂}{∂θ} (r·∇U) \Big|_{r \text{ fixed}} \qquad(4.14)$$

The trace in ISM and SSM is a second derivative of U, and its gradient would need a third. It is
taken as a central difference of two first ones, the only derivative by x in the library that is not
exact; the error is of the order h² with h = 0.02 s_t. In (2.16) it counts 2ω times:

$$−v^T \frac{∂²U}{∂x²} v ≈ −\frac{∇U(x + hv)·v − ∇U(x − hv)·v}{2h} \qquad(4.15)$$
*/

/* Adds the gradient by the parameters of Σ_i c_i r_i·∇U(x_i) (with c NULL, −1 for c_i), and with c
these terms to the loss of their rows. */
static sgm_status sgm__energy_push(const sgm_trainer *trainer, sgm__piece *p, const float *x,
    const float *r, const double *c, sgm_key dropout, int *flags) {
    const sgm_model *model = trainer->model;
    sgm_tape *tape = p->tape;
    sgm_net_in in;
    sgm_tape_reset(tape, model->params, p->grads, model->n_params, dropout, *flags);
    sgm__net_in(tape, &in, &p->ask, x, p->t, p->n);
    float *move = sgm_tape_tangent_of(tape, in.x);
    sgm_tensor *out = sgm__net_run(tape, &in, &model->o);
    if (!move || !out) return sgm_tape_status(tape);
    memcpy(move, r, (size_t)p->n * (size_t)model->o.d * sizeof *move);
    SGM__TRY(sgm_tape_tangent(tape));
    float *adjoint = sgm_tape_tangent_gradient_of(tape, out);
    if (!adjoint) return sgm_tape_status(tape);
    for (long i = 0; i < p->n; i++) {
        adjoint[i] = c ? (float)c[i] : -1;
        if (c) p->loss[i] += adjoint[i] * out->j[i];
    }
    *flags |= SGM_TAPE_ACCUMULATE;
    return sgm_tape_backward(tape);
}

/* The trace term along v, by (4.15): two pushes at x ± hv. */
static sgm_status sgm__energy_bend(const sgm_trainer *trainer, sgm__piece *p, const float *v,
    float *moved, double factor, sgm_key dropout, int *flags) {
    const sgm_sde *sde = &trainer->model->o.sde;
    long d = trainer->model->o.d;
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (long i = 0; i < p->n; i++) {
            double h = 0.02 * sgm_sde_s(sde, p->t[i]);
            for (long j = i * d; j < (i + 1) * d; j++)
                moved[j] = (float)(p->x[j] + sign * h * v[j]);
            p->c[i] = -sign * factor * sgm__score_weight(sde, p->t[i], p->w[i]) / h; /* 2ω/(2h) */
        }
        SGM__TRY(sgm__energy_push(trainer, p, moved, v, p->c, dropout, flags));
    }
    return SGM_OK;
}

static sgm_status sgm__energy_gradient(const sgm_trainer *trainer, sgm__piece *p, double factor,
    sgm_key dropout, sgm_key probes) {
    const sgm_model *model = trainer->model;
    const sgm_loss *how = &trainer->o.loss;
    const sgm_sde *sde = &model->o.sde;
    int n = p->n, d = model->o.d, K = sgm__n_directions(how, d), flags = p->flags;
    long size = (long)n * d;
    float *s = p->work, *r = s + size, *v = r + size, *moved = v + size;
    factor *= how->scale / trainer->o.batch;
    SGM__TRY(sgm__energy_chunk(
        &p->ask, p->tape, s, NULL, NULL, p->x, NULL, p->t, n, dropout, SGM_TAPE_TRAINING));
    if (how->objective == SGM_OBJECTIVE_ESM) SGM__TRY(sgm__exact_eval(trainer, r, p));
    if (how->objective != SGM_OBJECTIVE_SSM) {
        sgm__square_seed(trainer, p, s, how->objective == SGM_OBJECTIVE_ESM ? r : NULL,
            how->objective == SGM_OBJECTIVE_DSM ? p->eps : NULL, r, factor);
        SGM__TRY(sgm__energy_push(trainer, p, p->x, r, NULL, dropout, &flags));
    }
    for (int k = 0; k < K; k++) {
        double share = how->objective == SGM_OBJECTIVE_ISM ? factor : factor / K;
        sgm__directions(v, n, d, how, k, probes);
        SGM__TRY(sgm__energy_bend(trainer, p, v, moved, share, dropout, &flags));
        if (how->objective != SGM_OBJECTIVE_SSM) continue;
        for (long i = 0; i < n; i++) {
            double lambda = share * sgm__score_weight(sde, p->t[i], p->w[i]);
            double vs = sgm__row_dot(v + i * d, s + i * d, d);
            p->loss[i] += lambda * vs * vs;
            for (long j = i * d; j < (i + 1) * d; j++) r[j] = (float)(2 * lambda * vs * v[j]);
        }
        SGM__TRY(sgm__energy_push(trainer, p, p->x, r, NULL, dropout, &flags));
    }
    return SGM_OK;
}

/*
## §4.11 Details that have caused bugs

- Sampling with the raw parameters after training for the averaged ones, or the other way about:
  `sgm_model_score` asks which.
- An average that starts at the random initial parameters remembers them for thousands of steps;
  (4.10) forgets them in the first.
- Clipping after the update, or a clip that is applied to each tensor: here it is the norm of the
  whole gradient, before the update.
- $1 − β$ of a β that was rounded to a float: for β = .9999999 it is off by a fifth. It is taken
  from the double.
- Restoring parameters but not moments, step or key: the loss jumps, and nobody knows why.
- Comparing two looks at held-out points with fresh noise in each: the noise is larger than what
  you look for.
- A loss that is the mean over d where the other is a sum: the gradient is d times smaller. Adam
  hides it, since it divides by its size; clipping and weight decay do not.

## §4.12 Something to run

`make 06` trains and looks at the noise of the loss; `make 14` trains on eight points in two ways.
*/

/*
# 5. The reverse SDE

Film points that diffuse, and run the film backwards: they gather out of a Gaussian blob and settle
on the data. To make such a film one need not have shot it. Anderson (1982) found that the reversed
process is itself a diffusion, whose drift is known but for one thing, the score of the noised data.

## §5.1 Time reversed

Forwards, (1.11) says, the density moves as if its points had the velocity $f x − ½ g² ∇\log p_t$.
Let τ = T − t be the time shown by a clock that runs backwards. In τ the same densities, in the
opposite order, move with the opposite velocity:

$$\frac{∂p}{∂τ} = −∇·\left( (−f x + ½ g² ∇\log p)\, p \right) \qquad(5.1)$$

Which diffusions in τ do that? Say one has the drift v and noise of strength η g, where η ≥ 0 is for
you to choose. By (1.11) once more its density has the velocity $v − ½ η² g² ∇\log p$. That is the
one in (5.1) if and only if the drift makes up for the noise,

$$v = −f x + ½ (1 + η²)\, g²\, ∇\log p_t \qquad(5.2)$$

All of these end in the data. η = 0 needs no noise at all; it is the flow of chapter 7. η = 1 is
Anderson's: its paths, too, have the law of the film run backwards, not only the densities at each
time. Written with t, which now falls, so that dt < 0:

$$dx = \left[ f(t)\, x − g(t)² ∇_x \log p_t(x) \right] dt + g(t)\, d\bar W, \qquad t \text{ from } T
\text{ down to } 0 \qquad(5.3)$$

where $d\bar W$ over a step of length Δ is $\sqrt{Δ}\,z$ with a fresh z, as forwards. With a Δ > 0
it is the loop $x ← x − (f x − g² ∇\log p_t) Δ + g\sqrt{Δ}\,z$. Note the whole g², not ½g²: one
half is the reversed velocity, the other makes up for the noise on the way back, which spreads the
points again.

Three errors stand between the samples and the data, and it pays to keep them apart: the prior that
we start from is not $p_T$ (1.10), the score is learnt, and the steps are finite. With an exact
score the second is gone; that is what `sgm_mixture` is for.

Here is a film of one point, by hand. The data are −1 and 1, half and half, and the process is
EDM's, m = 1 and s = t. The mean of the clean point given x is then $\hat x_0 = \tanh(x/t²)$, and a
step from t to t' (the ancestral one of §5.2) is $x' = x + (1 − t'^2/t²)(\hat x_0 − x) + t'\sqrt{1 −
t'^2/t²}\, z$:

| t    | x     | $\hat x_0$ | z    |                                        |
|------|-------|-------|------|----------------------------------------|
| 3    | 2.400 | .261  | 0.6  | all is noise, the mean hardly leans    |
| 1.5  | 1.575 | .604  | −1.0 | it leans, and is pushed back           |
| 0.75 | 0.197 | .337  | 0.3  | it could still become −1               |
| 0.3  | 0.397 | .9997 | –    | now it is decided; the last step is x̂0 |
| 0    | .9997 |       |      | a sample                               |

## §5.2 Three ways to take a step

From the time t to an earlier time t' every method of this section has the form
$x ← c_x x + c_s s(x,t) + c_z z$ with a fresh normal z; they differ in the three numbers.
**Euler–Maruyama** (Euler's method, with noise) takes (5.3) at its word: the drift and g are those
of t for all of Δ = t − t'. The noise has the standard deviation g√Δ, so that its variance g²Δ adds
up to the same over two half steps as over one whole.

$$c_x = 1 − f Δ, \quad c_s = g² Δ, \quad c_z = g √Δ \qquad(5.4)$$

**Reverse diffusion** (Song et al. 2021, appendix E) takes the exact forward step in place of f and
g. By (1.8) that from t' to t is x ← a x + b z: over the whole step, fΔ is a − 1 and g²Δ is b². Put
these into (5.4), $c_x = 1 − (a − 1)$:

$$c_x = 2 − a, \quad c_s = b², \quad c_z = b \qquad(5.5)$$

which respects the schedule over the whole step, not only where it starts. The **ancestral** step
asks Bayes instead. Suppose first that we knew the clean point $x_0$. Before we look at $x_t$, the
point at t' has the law $N(m' x_0, s'^2 I)$ by (1.5), and $x_t = a\, x_{t'} + b z$ tells more about
it. Bayes' rule multiplies the two densities; as a function of $x_{t'}$ the product is
$\exp(−½ Q)$ with

$$Q = \frac{\| x_{t'} − m' x_0 \|²}{s'^2} + \frac{\| x_t − a x_{t'} \|²}{b²}$$

A sum of squares is a square again, so this is a Gaussian. Its precision (one over the variance) is
the factor of $\|x_{t'}\|²$, $1/s'^2 + a²/b² = s²/(b² s'^2)$ since $s² = a² s'^2 + b²$, and its
mean is $m' x_0/s'^2 + a x_t/b²$ divided by that:

$$x_{t'} | x_t, x_0 ∼ N\!\left( \frac{a s'^2}{s²} x_t + \frac{m' b²}{s²} x_0,\;
\frac{b² s'^2}{s²} I \right)
\qquad(5.6)$$

We do not know $x_0$, but the score tells its mean: by (2.6) it is the mean of $−(x − m x_0)/s²$
given x; solve for $x_0$ (*Tweedie's formula*):

$$\hat x_0 = E[x_0 | x] = \frac{x + s² ∇\log p_t(x)}{m} \qquad(5.7)$$

Put this mean for $x_0$. (How $x_0$ scatters about it is left out: $x_0$ enters with a factor of the
order of b², so its scatter would add a variance of the order of b⁴, which is of second order in the
step.) With $m'/m = 1/a$ the coefficient of x is $(a² s'^2 + b²)/(a s²) = 1/a$, that of the score
$m' b²/m$:

$$c_x = \frac1a, \quad c_s = \frac{b²}{a}, \quad c_z = \frac{b s'}{s} \qquad(5.8)$$

For the discrete VP process this is the sampler of DDPM (Ho, Jain, Abbeel 2020), term by term. All
three agree to first order in the step.
*/
static void sgm__reverse_step(
    double c[3], sgm_method method, const sgm_sde *sde, double t, double to) {
    double a, b;
    if (method == SGM_METHOD_EULER_MARUYAMA) {
        double g2 = sgm_sde_g2(sde, t), step = t - to;
        c[0] = 1 - sgm_sde_f(sde, t) * step; /* (5.4) */
        c[1] = g2 * step;
        c[2] = sqrt(g2 * step);
        return;
    }
    sgm_sde_transition(sde, to, t, &a, &b);
    if (method == SGM_METHOD_REVERSE_DIFFUSION) {
        c[0] = 2 - a, c[1] = b * b, c[2] = b; /* (5.5) */
    } else {
        c[0] = 1 / a, c[1] = b * b / a; /* (5.8) */
        c[2] = b * sgm_sde_s(sde, to) / sgm_sde_s(sde, t);
    }
}

/*
**The last step.** From t_min to 0 there is nothing left to discretise: the best guess at the clean
point is (5.7) itself,

$$c_x = \frac1m, \quad c_s = \frac{s²}{m}, \quad c_z = 0 \qquad(5.9)$$

Adding noise in the last step, as a plain Euler–Maruyama step would, blurs the samples by g√Δ for
nothing. The ancestral step to t' = 0 has s' = 0 and is (5.9) already.
*/
static void sgm__denoise_step(double c[3], const sgm_sde *sde, double t) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    c[0] = 1 / m, c[1] = s * s / m, c[2] = 0;
}

/*
## §5.3 Time grids

A run makes K = `steps` updates. The rule that all samplers here obey:

$$T = t_0 > t_1 > … > t_{K−1} = t_{min}, \quad\text{and one closed-form update from } t_{min}
\text{ to } 0 \qquad(5.10)$$

so each update asks the score at the time where it starts (a method with several evaluations, also
within the step), and none ever at t = 0, where the score of a point mass is infinite. A *plain* end
instead makes all K updates by the method, from T to an end that you choose. It can be t = 0 only
for a method that evaluates nowhere but where its steps start; others, as Heun's (§7.2), are refused
there. Grids are laid evenly in some function of t:

| grid      | even in       | good for |
|-----------|---------------|----------------------------------------------|
| uniform   | t             | the textbook's choice |
| log-SNR   | λ(t) of (1.7) | few steps: every step removes the same share |
| EDM       | $(s/m)^{1/7}$ | few steps, with the small ones at the end |
| quadratic | √t            | between the two |

Left to itself (`SGM_GRID_AUTO`) a method gets the log-SNR grid, which is right in every family, and
the churn of §5.4 EDM's; a plain end at t = 0, where log-SNR ends, the uniform one, or √t where t is
a σ. In λ, EDM's function is $(s/m)^{1/7} = e^{−λ/14}$.
*/
SGM_API sgm_status sgm_time_grid(
    double *t, int steps, sgm_grid_kind kind, const sgm_sde *sde, double t_start, double t_end) {
    SGM__TRY(sgm__grid_check(t, steps, kind, sde, t_start, t_end));
    if (kind == SGM_GRID_AUTO) kind = sgm__grid_kind(sde, SGM_METHOD_AUTO, t_end);
    double from = 0, to = 0;
    if (kind == SGM_GRID_LOGSNR || kind == SGM_GRID_EDM) {
        from = sgm_sde_logsnr(sde, t_start), to = sgm_sde_logsnr(sde, t_end);
        if (kind == SGM_GRID_EDM) from = sgm__exp(-from / 14), to = sgm__exp(-to / 14);
    }
    for (int i = 0; i <= steps; i++) {
        double share = (double)i / steps, u = from + share * (to - from);
        switch (kind) {
        case SGM_GRID_LOGSNR: t[i] = sgm_sde_t_from_logsnr(sde, u); break;
        case SGM_GRID_EDM: t[i] = sgm_sde_t_from_logsnr(sde, -14 * sgm__log(u)); break;
        case SGM_GRID_QUADRATIC:
            u = sqrt(t_start) + share * (sqrt(t_end) - sqrt(t_start));
            t[i] = u * u;
            break;
        default: t[i] = t_start + share * (t_end - t_start);
        }
    }
    t[0] = t_start, t[steps] = t_end;
    return SGM_OK;
}

/*
## §5.4 Two steps that remember or correct

The ancestral step holds $\hat x_0$ still. Let $h = ½(λ' − λ)$, half of what the log-SNR (1.7) gains
in the step; then $e^{−h} = s' m/(m' s) = a s'/s$, and (5.6) reads

$$x' = \tfrac{s'}{s} e^{−h} x + m' (1 − e^{−2h})\, \hat x_0 + s' \sqrt{1 − e^{−2h}}\, z$$

an exact solution of (5.3) for a constant $\hat x_0$, which near the data changes far less than the
score does. **SDE-DPM-Solver++(2M)** (Lu et al. 2022) remembers one step more and lets $\hat x_0$
move on a straight line through its last two values, $D_0$ now and $D_1$ before, which lie
$r = h_{last}/h$ steps apart. Half way through the step the line is at

$$D = D_0 + \tfrac1{2r} (D_0 − D_1), \qquad
x' = \tfrac{s'}{s} e^{−h} x + m' (1 − e^{−2h})\, D + s' \sqrt{1 − e^{−2h}}\, z \qquad(5.11)$$

which makes the part without noise one of second order. For the line itself this is not exact:
$D_0 − D_1$ has $1/r$ times the weight $½(1 − e^{−2h})$ here, 0.432 at h = 1. If one integrates the
line u/h against the weight $2 e^{−2(h−u)}$ that a moment u of the step has (§7.3), it is
$1 − (1 − e^{−2h})/2h$, 0.568. The two differ by h²/3 for small h, and $D_0 − D_1$ is itself of the
order of h: a step is wrong by h³, a run by h². §7.3 has the code, that of the twin without noise.

**Churn** (Karras et al. 2022) separates the two jobs of a reverse step, noise and denoising. In
y = x/m and σ = s/m the flow without noise is $dy/dσ = \hat ε$ (7.2), where $\hat ε = −s\,∇\log p_t$
is the noise that the score sees. Each step first throws the point up to a higher noise, with as
much variance as is missing there, and then takes a step of Heun's method down: Euler's step, done
again with the mean of the derivatives at its start and where it ended.

$$\hat σ = (1 + γ) σ, \quad \hat y = y + \sqrt{\hat σ² − σ²}\, S_{noise} z, \quad y' = \hat y +
\tfrac{σ' − \hat σ}2 (\hat ε + ε'), \quad γ = \min(S_{churn}/K, √2 − 1) \qquad(5.12)$$

Up and down again at one level is a way of walking about there, and (6.2) will show that such walks
draw any density nearer to $p_t$, so errors made before fade. A **corrector** does so with the score
alone: after each step down, a few Langevin steps (6.8) at the level reached.

These steps, and all of chapter 7, work on a *flow state*: the points in double precision, some
arrays of the same size for what a solver remembers, and the floats that a score wants to see. A
solver asks for one of three things, each of the form $k = a y + b\, s(y,t)$.
*/
enum { SGM__RATE, SGM__EPS, SGM__CLEAN }; /* F of (7.1), ε̂ and x̂0: what a solver asks for */

typedef struct sgm_flow_state {
    sgm_score score;
    const sgm_sde *sde; /* the score's */
    sgm_sample_options o;
    long n, size, state; /* points; n D; and with n·sums numbers for a likelihood */
    int d, sums, probes; /* sums: 0, 1 for an exact trace, or as many as probes */
    double *memory, *y, *stage, *k[7], *grid; /* grid: steps + 1 times */
    double past[3], h, error; /* times or λ of k[1], k[2] …; RK45's next step and last error */
    int n_past;
    float *x, *s, *t, *v, *js;
    long evals;
} sgm__flow;

/* to = a·x + scale·Σ c_j k_j over the whole state; to may be x. */
static void sgm__blend(
    sgm__flow *w, double *to, double a, const double *x, double scale, const double *c, int terms) {
    for (long i = 0; i < w->state; i++) {
        double sum = a * x[i];
        for (int j = 0; j < terms; j++) sum += scale * c[j] * w->k[j][i];
        to[i] = sum;
    }
}

static sgm_status sgm__flow_divergence(sgm__flow *w, double *k, double t);

/* One evaluation at y and t, as k = a y + b s(y, t). */
static sgm_status sgm__flow_ask(sgm__flow *w, double *k, const double *y, double t, int what) {
    double m = sgm_sde_m(w->sde, t), s = sgm_sde_s(w->sde, t), a = 1 / m, b = s * s / m; /* (5.7) */
    if (what == SGM__EPS) a = 0, b = -s;
    if (what == SGM__RATE) a = sgm_sde_f(w->sde, t), b = -0.5 * sgm_sde_g2(w->sde, t); /* (7.1) */
    for (long i = 0; i < w->size; i++) w->x[i] = (float)y[i];
    for (long i = 0; i < w->n; i++) w->t[i] = (float)t;
    w->evals++;
    if (w->sums) SGM__TRY(sgm__flow_divergence(w, k, t));
    else SGM__TRY(w->score.eval(&w->score, w->s, w->x, w->t, w->n));
    for (long i = 0; i < w->size; i++) k[i] = a * y[i] + b * w->s[i];
    return SGM_OK;
}

static void sgm__flow_shake(sgm__flow *w, double scale, sgm_key key) { /* y += scale·z */
    if (scale == 0) return;
    sgm__normal_rows(w->x, w->n, w->d, &w->score, key);
    for (long i = 0; i < w->size; i++) w->y[i] += scale * w->x[i];
}

static sgm_status sgm__churn_step(sgm__flow *w, double t, double to, sgm_key key) {
    const sgm_sample_options *o = &w->o;
    double m = sgm_sde_m(w->sde, t), sigma = sgm_sde_s(w->sde, t) / m, up = t, top = sigma;
    double m2 = sgm_sde_m(w->sde, to), end = sgm_sde_s(w->sde, to) / m2, c[2];
    if (o->churn > 0 && sigma >= o->churn_low && !(o->churn_high > 0 && sigma > o->churn_high)) {
        double gamma = fmin(o->churn / o->steps, 0.41421356237309504880);
        up = sgm_sde_t_from_logsnr(w->sde, -2 * sgm__log((1 + gamma) * sigma));
        if (up > t) top = sgm_sde_s(w->sde, up) / sgm_sde_m(w->sde, up);
        else up = t;
        sgm__flow_shake(w,
            m * sqrt(top * top - sigma * sigma) * (o->churn_noise > 0 ? o->churn_noise : 1), key);
    }
    double m1 = sgm_sde_m(w->sde, up);
    sgm__blend(w, w->y, m1 / m, w->y, 0, NULL, 0);
    SGM__TRY(sgm__flow_ask(w, w->k[0], w->y, up, SGM__EPS));
    c[0] = end - top;
    sgm__blend(w, w->stage, m2 / m1, w->y, m2, c, 1);
    if (end > 0) {
        SGM__TRY(sgm__flow_ask(w, w->k[1], w->stage, to, SGM__EPS));
        c[0] = c[1] = 0.5 * (end - top);
    }
    sgm__blend(w, w->y, m2 / m1, w->y, m2, c, end > 0 ? 2 : 1); /* (5.12) */
    return SGM_OK;
}

/*
## §5.5 The sampler

The sampler is a loop over such steps, from points drawn from the prior (1.9). If you name no method
it is DPM-Solver++(2M) of §7.3, which adds no noise at all, on 100 steps even in log-SNR: with exact
scores of all families it is within the noise of two exact sets, and the race of `make 17` shows it
among the cheapest. (Or it is the method that an option belongs to which you set: path_steps
Euler–Maruyama's, corrector reverse diffusion's, churn, eta DDIM's, rtol RK45's.) Noise is keyed by
the step and the row of the point in your set, so the same key draws the same samples whether you
call `sgm_sample` or step by hand, on one core or many; or in blocks, on as many machines, if each
score's `first` says where its block begins (only RK45 and a corrector look at the crowd).

A program that draws again and again, a game for one, sets its sampler up once. `sgm_sampler_reset`
gives it a new key and puts it back at the start, without a call of malloc; what it draws then is
what a new sampler with that key would draw.
*/
SGM_API void sgm_sampler_prior(sgm_sampler *sampler, float *x) {
    if (!sampler || !sampler->t || !x) return;
    long d = sampler->score.d, size = sampler->n * d;
    float std = (float)sgm_sde_prior(&sampler->score.sde);
    sgm__normal_rows(x, sampler->n, d, &sampler->score, sgm_key_split(sampler->key, 0));
    for (long i = 0; i < size; i++) x[i] *= std;
    sampler->step = 0, sampler->n_evals = 0, sampler->placed = 1;
}

SGM_API void sgm_sampler_reset(sgm_sampler *sampler, sgm_key key) {
    if (!sampler) return;
    sampler->key = key;
    sampler->step = 0, sampler->n_evals = 0, sampler->placed = sampler->o.x_given;
}

SGM_API int sgm_sampler_done(const sgm_sampler *sampler) {
    return !sampler || sampler->step >= sampler->o.steps;
}

/*
To compare step sizes on one and the same path, let all noise come from one Brownian motion, cut
into `path_steps` increments between t_start and the end of a uniform grid. A step that spans M of
them uses their sum, which has the variance M, and so, made normal again,

$$z = \frac1{√M} \sum_{j=1}^M z_j \qquad(5.13)$$
*/
static void sgm__sampler_noise(const sgm_sampler *sampler, float *z, float *add, long i) {
    const sgm_sample_options *o = &sampler->o;
    long d = sampler->score.d, size = sampler->n * d, updates = o->steps - !o->plain_end;
    long M = o->path_steps ? o->path_steps / updates : 1;
    for (long j = 0; j < M; j++) {
        sgm_key key = sgm_key_split(sampler->key, (uint64_t)(i * M + j) + 1);
        sgm__normal_rows(j ? add : z, sampler->n, d, &sampler->score, key);
        for (long k = 0; j && k < size; k++) z[k] += add[k];
    }
    for (long k = 0; M > 1 && k < size; k++) z[k] = (float)(z[k] / sqrt((double)M)); /* (5.13) */
}

/* Langevin steps at the time that the predictor has reached, as chapter 6 explains them. */
static double sgm__snr_step(const float *s, long n, int d, double snr);
static void sgm__langevin_move(
    float *y, const float *x, const float *s, const float *z, long size, double gamma);

static sgm_status sgm__sampler_correct(sgm_sampler *sampler, float *x, double t) {
    const sgm_score *score = &sampler->score;
    long n = sampler->n, size = n * score->d;
    float *s = sampler->buffer, *z = s + size, *times = z + size;
    sgm_key key = sgm_key_split(sgm_key_split(sampler->key, (uint64_t)-1), (uint64_t)sampler->step);
    for (long k = 0; k < n; k++) times[k] = (float)t;
    for (int c = 0; c < sampler->o.corrector && t > 0; c++) {
        SGM__TRY(score->eval(score, s, x, times, n));
        double gamma = sgm__snr_step(s, n, score->d, sampler->o.snr > 0 ? sampler->o.snr : 0.16);
        sgm__normal_rows(z, n, score->d, score, sgm_key_split(key, (uint64_t)c));
        sgm__langevin_move(x, x, s, z, size, gamma);
        sampler->n_evals++;
    }
    return SGM_OK;
}

/*
One update, then. Between two of them the points are yours to move: a method that remembers earlier
steps notices it, and begins anew.
*/
SGM_API sgm_status sgm_sampler_step(sgm_sampler *sampler, float *x) {
    SGM__TRY(sgm__sampler_ready(sampler, x));
    const sgm_sample_options *o = &sampler->o;
    const sgm_sde *sde = &sampler->score.sde;
    long n = sampler->n, size = n * sampler->score.d, i = sampler->step;
    float *s = sampler->buffer, *z = s + size, *times = z + size;
    double t = sampler->t[i], to = sampler->t[i + 1], c[3];
    int last = !o->plain_end && i + 1 == o->steps;
    if (sampler->flow && !last) SGM__TRY(sgm__sampler_flow(sampler, x));
    else {
        for (long k = 0; k < n; k++) times[k] = (float)t;
        SGM__TRY(sampler->score.eval(&sampler->score, s, x, times, n));
        if (last) sgm__denoise_step(c, sde, t);
        else sgm__reverse_step(c, o->method, sde, t, to);
        if (c[2] > 0) sgm__sampler_noise(sampler, z, times + n, i);
        else memset(z, 0, (size_t)size * sizeof *z);
        for (long k = 0; k < size; k++) x[k] = (float)(c[0] * x[k] + c[1] * s[k] + c[2] * z[k]);
        sampler->n_evals++;
    }
    if (o->corrector && !last) SGM__TRY(sgm__sampler_correct(sampler, x, to));
    sampler->step++;
    return sgm_sampler_done(sampler) ? sgm__sampler_end(sampler, x) : SGM_OK;
}

/* All of them, with the progress bar; §G.4 also looks at what came out, by (5.14). */
SGM_API sgm_status sgm_sample(
    float *x, long n, const sgm_score *score, const sgm_sample_options *options, sgm_key key) {
    sgm_sampler sampler;
    SGM__TRY(sgm_sampler_init(&sampler, score, n, options, key));
    sgm_status status = sgm__sampler_run(&sampler, x, NULL, NULL);
    sgm_sampler_free(&sampler);
    return status;
}

/*
Does what comes out look like what went in? A network that is off by little at every step may be off
by much at the end, and nothing on the way is infinite. So a model remembers three numbers of the
data it was trained on: the mean of $|x|²/D$, the κ in $E|x|⁴ = κ (E|x|²)²$, and the largest |x|.
By (1.6) samples at t have, up to their scatter, the ratio

$$q = \frac{\overline{|x|²}/D}{m_t² \overline{|x_0|²}/D + s_t²} ≈ 1 ± \sqrt{(κ−1)/n} \qquad(5.14)$$

since κ is defined so that $|x|²$ has the variance $(κ−1)(E|x|²)²$, and their mean an n-th of it. A
quarter more or less is for you to judge (`spread`). Beyond a factor of 4 (of 2 in |x|) and five
such deviations the call fails. Samples given a condition may come from a small part of the data:
they fail only if their mean square is also beyond that of the furthest point (`sgm__gone_far`,
§G.4).

## §5.6 Details that have caused bugs

- `linspace(T, 0, N)` has N−1 intervals and its last point is the singular one. Count evaluations,
  not points.
- The drift of the reversed process is evaluated at t, every part of it at the same t. A tutorial
  that sets `t = T − t` and then passes `T − t` to the drift mixes the two ends of the schedule.
- ½g² in place of g² in (5.3), with the noise left in: no number of steps hides it, for the samples
  are those of another process.
- Reporting the noisy last iterate of a predictor, not (5.9), adds noise of size s(t_min) to every
  sample.
- A step in a loop of your own on points that nobody drew: zeros in x gather where the score carries
  the origin, and all look alike but for their noise. Here the first step refuses until
  `sgm_sampler_prior` has filled x, or `x_given` says that you have.
- The multistep memory of one run carried into the next. `sgm_sampler_reset` forgets it.

## §5.7 Something to run

`make 07` shows the three errors of a sampler one by one. `make 17` measures the orders of all
methods on one exact score, as slopes, and races them on three learned ones. Set its GRID to
SGM_GRID_UNIFORM. With `MODE=test` already, Heun and RK4 no longer arrive in the race and DDIM does,
and two slopes leave their order (the checks say so): nearly all steps are spent where there is only
noise.
*/

/*
# 6. Langevin dynamics

The reverse SDE walks through all noise levels. If you know the score of *one* density p you can
also stay at that one and let points wander until they are spread like p: pushed uphill by the
score, shaken by noise. As a walk in continuous time it is the SDE

$$dX = ∇\log p(X)\, dt + \sqrt2\, dW \qquad(6.1)$$

Points spread like some density r move, says (1.11) with u = ∇log p and g² = 2, as if with the
velocity $v = ∇\log p − ∇\log r$. It is 0 where r = p (that is what the √2 is for): spread like p,
they stay spread like p. And
from any other r they come nearer all the time. With $∂r/∂t = −∇·(v r)$ and an integration by parts,

$$\frac{d}{dt} \mathrm{KL}(r ‖ p) = ∫ \frac{∂r}{∂t} \log\frac rp\, dx =
∫ r\, v·∇\log\frac rp\, dx = −E_r \left\| ∇\log\frac rp \right\|² \qquad(6.2)$$

which is negative until r = p. How fast is another question (§6.3).

## §6.1 The unadjusted walk (ULA)

A step of length γ of (6.1), by the rule of the opening page:

$$x ← x + γ\, ∇\log p(x) + \sqrt{2γ}\, z, \qquad z ∼ N(0, I) \qquad(6.3)$$

This *unadjusted Langevin algorithm* has the one step convention of the library; in this chapter γ
is always the length of a step. Others write ε for twice that, and ε/2 and √ε in (6.3): the same
walk. For any γ > 0 the walk settles on something that is *nearly* p. On N(0, σ²) it is a linear
recursion, $x ← (1 − γ/σ²) x + \sqrt{2γ} z$, whose variance settles where $V = (1 − γ/σ²)² V + 2γ$.
Multiply out, $V (2γ/σ² − γ²/σ⁴) = 2γ$:

$$V = \frac{σ²}{1 − γ/(2σ²)} \qquad(6.4)$$

So ULA is too wide by a share of γ/2σ², to first order, and diverges for γ > 2σ²: the step has to be
small against the *narrowest* direction of p, and the number of steps large against the widest.

## §6.2 The adjusted walk (MALA)

Metropolis and Hastings remove the bias (the *M* of MALA; all such walks are *Markov chain Monte
Carlo*). Take (6.3) as a proposal y, whose density given x is q(y|x), accept it with the probability

$$α = \min\left(1,\, \frac{p(y)\, q(x|y)}{p(x)\, q(y|x)}\right), \qquad
\log q(y|x) = −\frac{\|y − x − γ ∇\log p(x)\|²}{4γ} + \mathrm{const} \qquad(6.5)$$

and else stay at x. Why this keeps p: among points that are spread like p, as many go from x to y as
from y to x. For the share that is at x, proposes y and is accepted is

$$p(x)\, q(y|x)\, α(x → y) = \min\left( p(x)\, q(y|x),\; p(y)\, q(x|y) \right) \qquad(6.6)$$

and that does not change if x and y change places. Such *detailed balance* of every pair leaves p as
it is, for every γ. A bad step shows as a low acceptance instead of a wrong answer. The price is
log p up to a constant, which the ratio does not see: mixtures and energy networks have one, a
network that gives only a score has none. Short steps are accepted and go nowhere, long ones are
refused; in high dimension the walk gets furthest where 0.574 of them are accepted (Roberts and
Rosenthal 1998). With `step` 0 the warm-up looks for that,

$$\log γ ← \log γ + \frac{\bar α − 0.574}{\sqrt k} \qquad(6.7)$$

with the mean acceptance ᾱ of the crowd in its k-th step. Then γ is frozen: (6.6) holds for a γ
that is fixed beforehand. If it went on following the walkers it would depend on where they are, and
p would no longer be kept.
*/
/* y = x + γ s + √(2γ) z: (6.3), for all coordinates of the crowd. */
static void sgm__langevin_move(
    float *y, const float *x, const float *s, const float *z, long size, double gamma) {
    double shake = sqrt(2 * gamma);
    for (long i = 0; i < size; i++) y[i] = (float)(x[i] + gamma * s[i] + shake * z[i]);
}

/* log q(to|from) of (6.5); the constant is the same both ways. */
static double sgm__langevin_log_q(
    const float *to, const float *from, const float *s, int d, double gamma) {
    double square = 0;
    for (int j = 0; j < d; j++) {
        double off = (double)to[j] - from[j] - gamma * s[j];
        square += off * off;
    }
    return -square / (4 * gamma);
}

/* One step of MALA. The buffer holds the scores at x, those at y, the proposals y, scratch, and the
points as the last step left them: of those that you have moved since, all is worked out anew. */
static sgm_status sgm__mala_step(
    sgm_langevin *walk, float *x, const float *t, sgm_key key, double *accepted) {
    const sgm_score *score = &walk->score;
    long n = walk->n, d = score->d, size = n * d;
    float *sx = walk->buffer, *sy = sx + size, *y = sy + size, *z = y + size, *left = z + size;
    double *lx = walk->logp, *ly = lx + n, gamma = walk->step_size;
    if (walk->step == 0 || memcmp(x, left, (size_t)size * sizeof *x) != 0) {
        SGM__TRY(score->eval(score, sx, x, t, n));
        SGM__TRY(score->logp(score, lx, x, t, n));
        SGM__TRY(sgm__walk_start(walk, sx, lx));
    }
    sgm__normal_rows(z, n, d, score, sgm_key_split(key, 0));
    sgm__langevin_move(y, x, sx, z, size, gamma);
    SGM__TRY(score->eval(score, sy, y, t, n));
    SGM__TRY(score->logp(score, ly, y, t, n));
    *accepted = 0;
    for (long i = 0, at = 0; i < n; i++, at += d) {
        double log_a = ly[i] - lx[i] + sgm__langevin_log_q(x + at, y + at, sy + at, (int)d, gamma) -
            sgm__langevin_log_q(y + at, x + at, sx + at, (int)d, gamma);
        double chance = log_a < 0 ? sgm__exp(log_a) : log_a == log_a; /* (6.5); NaN: never */
        *accepted += chance / (double)n;
        if (!(sgm__uniform53(sgm_key_split(key, 1), sgm__row(score, i)) < chance)) continue;
        memcpy(x + at, y + at, (size_t)d * sizeof *x);
        memcpy(sx + at, sy + at, (size_t)d * sizeof *sx);
        lx[i] = ly[i];
    }
    memcpy(left, x, (size_t)size * sizeof *x);
    return SGM_OK;
}

/*
Where the score's size is not known beforehand, as between the steps of another sampler, the step
can be set by the ratio r of signal to noise that a move shall have (Song et al. 2021, algorithm 4).
The signal γ s against the noise $\sqrt{2γ}\,z$, in the mean of their norms, is r if

$$γ = 2 \left( r\, \frac{E\|z\|}{\overline{\|s\|}} \right)², \qquad
E\|z\| = \sqrt2\, \frac{Γ((D+1)/2)}{Γ(D/2)} \qquad(6.8)$$

with the mean norm of the score over the crowd, and that of the noise: 0.798 for D = 1, then ever
nearer to √D, and from D to D + 2 it grows by (D+1)/D. On N(0, V), let the walk settle at V'. The
score −x/V then has the mean norm $\sqrt{V'} E\|z\|/V$, so γ = 2r²V²/V', and the balance of (6.4),
$V' (2/V − γ/V²) = 2$, gives V' = V(1 + r²) whatever V and D are. A walker's step depends on the
others', and the mean must be one of many numbers: a single walker near a mode, where its score is
almost 0, would leap.
*/
static double sgm__snr_step(const float *s, long n, int d, double snr) {
    double norm = 0;
    for (long i = 0; i < n; i++) norm += sqrt(sgm__square_sum(s + i * d, d)) / (double)n;
    double noise = sqrt(d % 2 ? 2 / SGM__PI : SGM__PI / 2);
    for (int k = 2 - d % 2; k < d; k += 2) noise *= (k + 1.0) / k;
    return norm > 0 ? 2 * snr * snr * noise * noise / (norm * norm) : 0;
}

static sgm_status sgm__ula_step(sgm_langevin *walk, float *x, const float *t, sgm_key key) {
    long n = walk->n, size = n * walk->score.d;
    float *s = walk->buffer, *z = s + size;
    SGM__TRY(walk->score.eval(&walk->score, s, x, t, n));
    if (walk->step == 0) SGM__TRY(sgm__walk_start(walk, s, NULL));
    if (walk->o.snr > 0) walk->step_size = sgm__snr_step(s, n, walk->score.d, walk->o.snr);
    sgm__normal_rows(z, n, walk->score.d, &walk->score, key);
    sgm__langevin_move(x, x, s, z, size, walk->step_size);
    return SGM_OK;
}

SGM_API sgm_status sgm_langevin_step(sgm_langevin *walk, float *x) {
    if (!walk || !walk->buffer || !x)
        return sgm__empty("a step of no walk: sgm_langevin_init, and give it x");
    const sgm_langevin_options *o = &walk->o;
    float *t = walk->buffer + 5 * walk->n * walk->score.d;
    double accepted = 1, k = (double)walk->step + 1;
    sgm_key key = sgm_key_split(walk->key, (uint64_t)walk->step);
    for (long i = 0; i < walk->n; i++) t[i] = (float)o->t;
    if (o->metropolis) SGM__TRY(sgm__mala_step(walk, x, t, key, &accepted));
    else SGM__TRY(sgm__ula_step(walk, x, t, sgm_key_split(key, 0)));
    walk->step++;
    if (walk->step > o->warmup) {
        walk->accepted += accepted, walk->counted++;
        walk->acceptance = walk->accepted / (double)walk->counted;
    } else if (o->metropolis && o->step == 0) {
        walk->step_size *= sgm__exp((accepted - 0.574) / sqrt(k)); /* (6.7) */
    }
    return SGM_OK;
}

/*
## §6.3 Annealed Langevin dynamics

Two far modes and a small step: a walker has to cross the valley between them, against the score,
and the time that takes grows exponentially with the depth of log p that it must descend. The shares
of the modes stay what they were at the start, and nothing in a single walk tells you. Song and
Ermon (2019) walk first where the modes have melted into one, and cool down: a ladder of noise
levels $σ_1 > σ_2 > … > σ_L$, K steps on each, starting where the last level ended. A move's signal
is γ s, and s is of the order of 1/σ where the noise is what spreads the points; its noise is
$\sqrt{2γ}$. For the two to stand in the same ratio on all levels, $\sqrt{γ}/σ$ must be the same:

$$γ_i = γ_L \frac{σ_i²}{σ_L²} \qquad(6.9)$$

In the paper's α = ε σ²/σ_L² and x + ½α s + √α z, the last step γ_L is ε/2. Finally the points,
which still carry noise of size σ_L, can be denoised by (5.7).

The levels are times of an SDE; with `sgm_sde_edm` a time *is* a σ, and this is the paper's setting.
*/
static sgm_status sgm__anneal_walk(
    sgm_langevin *walk, float *x, float *t, const sgm_anneal_options *o, sgm_progress *bar) {
    const sgm_sde *sde = &walk->score.sde;
    double c[3], last = sgm_sde_s(sde, o->levels[o->n_levels - 1]);
    for (int i = 0; i < o->n_levels; i++) {
        double sigma = sgm_sde_s(sde, o->levels[i]);
        walk->step_size = o->last_step * sigma * sigma / (last * last); /* (6.9) */
        for (long k = 0; k < walk->n; k++) t[k] = (float)o->levels[i];
        for (int k = 0; k < o->steps_per_level; k++) {
            sgm_key key = sgm_key_split(walk->key, (uint64_t)++walk->step);
            SGM__TRY(sgm__ula_step(walk, x, t, key));
            sgm_progress_step(bar, walk->step, NAN, NAN);
        }
    }
    if (!o->denoise) return SGM_OK;
    SGM__TRY(walk->score.eval(&walk->score, walk->buffer, x, t, walk->n));
    sgm__denoise_step(c, sde, o->levels[o->n_levels - 1]);
    for (long k = 0; k < walk->n * walk->score.d; k++)
        x[k] = (float)(c[0] * x[k] + c[1] * walk->buffer[k]);
    return SGM_OK;
}

/*
## §6.4 How good is a walk?

Successive points of a walk are alike, so n of them are worth fewer independent ones. Let ρ_k be the
correlation of values k steps apart, and ς² their variance. The mean of n values has the variance
$\frac1{n²} \sum_{ij} ς² ρ_{|i−j|}$, and each of the n values i has, but near the ends, a neighbour
at each distance k on either side:

$$\mathrm{var}\,\bar x ≈ \frac{ς² τ}{n}, \qquad τ = 1 + 2 \sum_{k≥1} ρ_k, \qquad
n_{eff} = \frac{n}{τ} \qquad(6.10)$$

The sum stops at the first k beyond 5τ, with τ what it has come to by then (Sokal 1997): further out
there is only noise. A walk that swings to and fro has τ < 1; it is counted as 1, no better than
independent points. Neither number sees a mode that the walk has never visited; for that, start many
walkers apart and compare the shares of the modes.
*/
SGM_API double sgm_autocorrelation_time(const float *series, long n) {
    double mean = 0, variance = 0, tau = 1;
    long same = 1;
    if (!series || n < 2 || sgm__first_bad(series, (size_t)n) >= 0) return NAN;
    while (same < n && series[same] == series[0]) same++;
    if (same == n) return (double)n; /* it never moved: one value in all */
    for (long i = 0; i < n; i++) mean += series[i] / (double)n;
    for (long i = 0; i < n; i++) variance += (series[i] - mean) * (series[i] - mean);
    for (long k = 1; k < n && (double)k < 5 * tau; k++) {
        double sum = 0;
        for (long i = 0; i + k < n; i++) sum += (series[i] - mean) * (series[i + k] - mean);
        tau += 2 * sum / variance; /* (6.10) */
    }
    return tau > 1 ? tau : 1;
}

SGM_API double sgm_effective_size(const float *series, long n) {
    return (double)n / sgm_autocorrelation_time(series, n);
}

/*
## §6.5 Details that have caused bugs

- The factor 2 between the conventions: a step of 2·10⁻⁵ "of the paper" is γ = 10⁻⁵ here.
- √γ z in place of √(2γ) z: on N(0, 1) with γ = .2 the variance is .556, not the 1.11 of (6.4). The
  walk settles and looks healthy; only a known answer tells.
- A corrected walk that recomputes log p(x) with another batch's dropout, or other weights, than the
  proposal's: acceptance then means nothing. Scores here have no dropout.
- The ratio q(x|y)/q(y|x) left out of (6.5): the push uphill makes the two differ, and p is not
  kept.
- Judging mixing by looking at one walker.

## §6.6 Something to run

`make 03` has both walks in ten lines each. `make 12` holds the variance of ULA against (6.4) and
the acceptance of MALA against its law, and shows two far modes where a walk stays in the one it
began in.
*/

/*
# 7. The probability-flow ODE

The reverse SDE pushes with the whole g² because its noise spreads the points again. Leave out the
noise, and half the push suffices. That is the second form of Fokker–Planck's equation (1.11) with
u = f x: the density of the points that diffuse moves as if each had the velocity

$$\frac{dx}{dt} = F(x, t) = f(t)\, x − ½ g(t)² ∇_x \log p_t(x) \qquad(7.1)$$

and no noise. So points that do follow F, the *probability flow*, have the same density $p_t$ at
every time as those that diffuse, though no path is the same (it is η = 0 in (5.2)). The flow has
three virtues that the SDE lacks. It is a map: two solutions of an ODE never meet, so every point of
data goes to one point at T, its *latent*, and comes back from there. It is smooth, so methods of
high order need few evaluations. And it carries its density along, which gives the likelihood of any
point (§7.4).

## §7.1 The clock matters

Write it for $y = x/m$ against $σ = s/m$. By (1.3) $\dot m = f m$ and $d(s²)/dt = 2 f s² + g²$, so

$$\dot y = \frac{F − f x}{m} = −\frac{g²}{2m} ∇\log p_t = \frac{g²}{2 m s}\, \hat ε, \qquad
\dot{(σ²)} = \frac{2 f s² + g² − 2 f s²}{m²} = \frac{g²}{m²}, \quad \dot σ = \frac{g²}{2 m s}$$

with $\hat ε = −s\, ∇\log p_t$. The linear part is gone, and so is g:

$$\frac{dy}{dσ} = \hat ε(x, t) \qquad(7.2)$$

Euler's method *in these variables*, $y' = y + (σ' − σ)\, \hat ε$, is **DDIM** (Song, Meng, Ermon
2021), and also DPM-Solver-1. With $\hat x_0 = (x − s \hat ε)/m$ it reads $x' = m' \hat x_0 + s'
\hat ε$: the clean point, and the noise it had, as much as the new time asks for. A share of that
noise may be fresh, as long as the variances add up to s'²:

$$x' = m' \hat x_0 + \sqrt{s'^2 − v²}\, \hat ε + v z, \qquad v = η\, \frac{b\, s'}{s} \qquad(7.3)$$

where η = 0 is the flow and η = 1 has the noise of the ancestral step (5.8). It is not Euler's
method in t: the two agree to first order only.

## §7.2 Solvers of any smooth ODE

Here and in the tables below $y' = y(t + h)$, of $dy/dt = F(y, t)$. Taylor's series says

$$y' = y + h F + ½ h² \dot F + \tfrac16 h³ \ddot F + …$$

with the derivatives along the solution. **Euler** takes two terms, and errs by ½h² a step. **Heun**
takes the mean of F at both ends, $½(F + F') ≈ F + ½h \dot F$, which is the third term as well. If
the error of a step, the *local* error, is of the size of $h^{p+1}$, that of a run, which makes 1/h
steps, is of the size of $h^p$, and p is the *order* of the method. You can see it: double the
number of steps, and the error falls to $2^{−p}$ of what it was. If it does not, there is a mistake
in the step, or in its first one.

A **Runge–Kutta** method asks for F at a few places within a step and adds up what it hears,

$$k_i = F\Big(y + h \sum_{j<i} a_{ij} k_j,\; t + c_i h\Big), \qquad
y' = y + h \sum_i b_i k_i \qquad(7.4)$$

with numbers $a_{ij}, b_i, c_i$ that match Taylor's series up to $h^p$. Euler, Heun and the
classical RK4 have p = 1, 2, 4. Dormand and Prince's, **RK45**, has seven k, the last of them the
first of the next step, and two sets of b, of orders 5 and 4. Their difference $h \sum e_i k_i$ is
the local error of the worse one, of the size of $h^5$. Measure it by what you allow, an absolute
error and a share of y:

$$E = \max_{points} \mathrm{rms}\, \frac{h \sum_i e_i k_i}{\mathrm{atol} + \mathrm{rtol}\,
\max(|y|, |y'|)} ≤ 1, \qquad h ← h \cdot 0.9\, E^{−0.17} E_{last}^{0.04} \qquad(7.5)$$

A step with E > 1 is made again. Since E grows like h⁵, the step that would have had E = 1 is
$h E^{−1/5}$, and 0.9 of that is safe; the error of the step before joins in with the small power
0.04, at a cost of ¾ of it in the other, so that steps do not swing between too long and too short.
No step is more than twice as long as the last, nor longer than one that was made again just before:
else, where the flow asks for ever shorter steps, every other one would be in vain. The first step
has $h^5 \max(‖F‖, ‖\dot F‖) = 1$ in the norm of (7.5), with $\dot F$ from a short step of Euler's
(all this after Hairer, Nørsett and Wanner). One step serves all points of the batch, so it must
suit the one that needs the shortest: a mean over all of them would let a thousand easy points
outvote a hard one. A point's answer so depends on which others are solved with it, by the tolerance
and no more. A score in float has noise of its own, 10⁻⁷ of its size; to ask for less than that is
to ask in vain.
*/
typedef struct sgm__tableau {
    int stages;
    double c[7], a[7][6], b[7];
} sgm__tableau;

static const sgm__tableau sgm__rk_euler = {1, {0}, {{0}}, {1}};
static const sgm__tableau sgm__rk_heun = {2, {0, 1}, {{0}, {1}}, {0.5, 0.5}};
static const sgm__tableau sgm__rk_four = {
    4, {0, 0.5, 0.5, 1}, {{0}, {0.5}, {0, 0.5}, {0, 0, 1}}, {1. / 6, 1. / 3, 1. / 3, 1. / 6}};
static const sgm__tableau sgm__rk_dopri = {7, {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
    {{0}, {1. / 5}, {3. / 40, 9. / 40}, {44. / 45, -56. / 15, 32. / 9},
        {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
        {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
        {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0}};
static const double sgm__rk_dopri_error[7] = {
    71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40};

/* (7.4) into `to`, which may be w->y; of the k, `known` have been computed already. */
static sgm_status sgm__rk_step(
    sgm__flow *w, const sgm__tableau *rk, double t, double h, int known, double *to) {
    for (int i = known; i < rk->stages; i++) {
        if (i > 0) sgm__blend(w, w->stage, 1, w->y, h, rk->a[i], i);
        SGM__TRY(sgm__flow_ask(w, w->k[i], i ? w->stage : w->y, t + rk->c[i] * h, SGM__RATE));
    }
    sgm__blend(w, to, 1, w->y, h, rk->b, rk->stages);
    return SGM_OK;
}

static void sgm__swap(double **a, double **b) {
    double *c = *a;
    *a = *b, *b = c;
}

/* The mean square in (7.5) of h Σ c_j k_j, of `count` numbers from `at` on. */
static double sgm__rk_square(const sgm__flow *w, double h, const double *c, int terms, long at,
    long count, double atol, double rtol) {
    double sum = 0;
    for (long i = at; i < at + count; i++) {
        double off = 0, size = fmax(fabs(w->y[i]), fabs(w->stage[i]));
        for (int j = 0; j < terms; j++) off += h * c[j] * w->k[j][i];
        off /= atol + rtol * size;
        sum += off * off;
    }
    return sum / (double)count;
}

static double sgm__rk_norm(const sgm__flow *w, double h, const double *c, int terms) {
    double most = 0, nats = w->o.atol * (1 + w->d);
    for (long i = 0; i < w->n; i++) {
        double sums = 0;
        double point = sgm__rk_square(w, h, c, terms, i * w->d, w->d, w->o.atol, w->o.rtol);
        if (w->sums)
            sums = sgm__rk_square(w, h, c, terms, w->size + i * w->sums, w->sums, nats, 0);
        if (!(point + sums < HUGE_VAL)) return NAN;
        most = fmax(most, fmax(point, sums));
    }
    return sqrt(most);
}

static sgm_status sgm__rk45(sgm__flow *w, double t, double to) {
    long first = w->evals;
    int known = w->h == 0 || (w->h > 0) != (to > t), again = 0;
    if (known) SGM__TRY(sgm__rk_start(w, t, to));
    while (t != to) {
        int ends = fabs(w->h) >= fabs(to - t) * (1 - 1e-9);
        double h = ends ? to - t : w->h;
        SGM__TRY(sgm__rk_step(w, &sgm__rk_dopri, t, h, known, w->stage));
        double error = sgm__rk_norm(w, h, sgm__rk_dopri_error, 7), grow = 0.2;
        if (error < 1e-8) error = 1e-8;
        if (error == error) /* x^p as e^(p log x): a NaN asks for a smaller step, too */
            grow = 0.9 * sgm__exp(0.04 * sgm__log(w->error) - 0.17 * sgm__log(error)); /* (7.5) */
        grow = grow < 0.2 ? 0.2 : grow > 2 ? 2 : grow;
        if (again && grow > 1) grow = 1;
        known = 1, again = !(error <= 1);
        if (!again) {
            sgm__swap(&w->y, &w->stage), sgm__swap(&w->k[0], &w->k[6]);
            t = ends ? to : t + h, w->error = error;
        } else if (grow > 0.9) grow = 0.5;
        if (!ends || again) w->h = h * grow;
        if (w->evals - first > 100000 || fabs(w->h) < 1e-13 * (fabs(t) + fabs(to)))
            return sgm__fail(SGM_NOT_FINITE, "RK45 is stuck at t = %g with rtol %g: %s", t,
                w->o.rtol,
                error == error
                    ? "take a larger tolerance (a float score allows 1e-6) or t_min"
                    : "the score is not finite there: raise t_min, or look at the model");
    }
    return SGM_OK;
}

/*
**Adams and Bashforth** remember instead of asking: put a polynomial through the last four values
$k_0$ (now), $k_1, k_2, k_3$ of F, at the times $t_0$ to $t_3$ of the last steps, and integrate it
over this one. That takes one evaluation per step, and order 4 if the first three are RK4's:

$$y' = y + \sum_{j=0}^{3} k_j \int_t^{t'} \prod_{i≠j} \frac{u − t_i}{t_j − t_i}\, du \qquad(7.6)$$

where the j-th product is 1 at $t_j$ and 0 at the other three.
*/
/* What is remembered is in k[1] to k[3], the newest first; RK4 works in k[0], k[4] … . */
static sgm_status sgm__adams(sgm__flow *w, double t, double to) {
    double node[4], c[4];
    SGM__TRY(sgm__flow_ask(w, w->k[0], w->y, t, SGM__RATE));
    if (w->n_past < 3) {
        for (int i = 1; i < 4; i++) sgm__swap(&w->k[i], &w->k[i + 3]);
        sgm_status status = sgm__rk_step(w, &sgm__rk_four, t, to - t, 1, w->y);
        for (int i = 1; i < 4; i++) sgm__swap(&w->k[i], &w->k[i + 3]);
        if (status != SGM_OK) return status;
    } else {
        node[0] = t;
        for (int i = 1; i < 4; i++) node[i] = w->past[i - 1];
        sgm__lagrange(c, node, 4, t, to);
        sgm__blend(w, w->y, 1, w->y, 1, c, 4); /* (7.6) */
    }
    for (int i = 3; i > 0; i--) sgm__swap(&w->k[i], &w->k[i - 1]);
    w->past[2] = w->past[1], w->past[1] = w->past[0], w->past[0] = t, w->n_past++;
    return SGM_OK;
}

/*
## §7.3 Solvers made for this ODE

(7.2) is worth more than its first step. In this section ℓ is half the log-SNR (1.7), $ℓ = ½λ =
−\log σ$; $h = ℓ' − ℓ$ is a step's; and u is any ℓ between. Then $dσ = −e^{−u} du$, and (7.2) says

$$x' = \frac{m'}{m} x − m' \int_ℓ^{ℓ'} e^{−u}\, \hat ε_u\, du \qquad(7.7)$$

exactly. This is the old trick of the *variation of constants*: what the linear part of an ODE does
is known, so divide it out, and what is left is an integral. Only $\hat ε$ must be guessed between
its values, not the linear part that dominates at low noise; and for a guess that is a polynomial
the integral has a closed form. Since $m' e^{−ℓ'} = s'$, that of $1$ and that of $u − ℓ$ are

$$m' \int_ℓ^{ℓ'} e^{−u} du = s' (e^h − 1), \qquad
m' \int_ℓ^{ℓ'} e^{−u} (u − ℓ)\, du = s' (e^h − 1 − h) \qquad(7.8)$$

(divided by $s'h$ and $s'h²$ they are called φ₁(h) and φ₂(h) in the books).

**DPM-Solver** (Lu et al. 2022) of order 2 takes for all of the step the value half way. If $\hat ε$
is a straight line with the inclination q, that is $s' (e^h − 1)\, ½ h q$ where (7.8) has
$s' (e^h − 1 − h)\, q$: they differ by h³/12, the local error of a method of order 2. Order 3 takes
the line through the value now and the one at two thirds, $q = (\hat ε(x_⅔) − \hat ε)/⅔h$; the
parabola that it misses, $u(u − ⅔)$ on a step of length 1, has the integral 0 there.

$$x_½ = \tfrac{m_½}{m} x − s_½ (e^{h/2} − 1) \hat ε, \qquad
x' = \tfrac{m'}{m} x − s' (e^h − 1)\, \hat ε(x_½) \qquad(7.9)$$
$$x' = \tfrac{m'}{m} x − s' (e^h − 1)\, \hat ε −
\tfrac{3 s'}{2} \left( \tfrac{e^h − 1}{h} − 1 \right)
\left( \hat ε(x_⅔) − \hat ε \right) \qquad(7.10)$$

where $x_⅔$ comes from such a step, too, of length ⅔h, whose line goes through $\hat ε$ now and at
$x_⅓$, a step of first order: $q = (\hat ε(x_⅓) − \hat ε)/⅓h$.

**DPM-Solver++** does the same for $\hat x_0$ instead, whose size is that of the data at every
noise, and remembers it from earlier steps. Put $\hat ε = (y − \hat x_0)/σ$ into (7.2); then
$d(y/σ) = −\hat x_0\, dσ/σ²$, and with $y/σ = x/s$ and $−dσ/σ² = e^u du$

$$x' = \frac{s'}{s} x + s' \int_ℓ^{ℓ'} e^u\, \hat x_{0,u}\, du \qquad(7.11)$$

Let $D_0, D_1, D_2$ be the last three values of $\hat x_0$. In $τ = (u − ℓ)/h$ they lie at 0, $−r_0$
and $−r_0 − r_1$, and the parabola through them is, with *divided differences*
$D_{01} = (D_0 − D_1)/r_0$, $D_{12} = (D_1 − D_2)/r_1$, $D_{012} = (D_{01} − D_{12})/(r_0 + r_1)$,
$D_0 + τ D_{01} + τ (τ + r_0) D_{012}$. Three integrals are needed; by parts one gives the next:

$$x' = \tfrac{s'}{s} x + m' \left[ I_0 D_0 + I_1 (D_{01} + r_0 D_{012}) + I_2 D_{012} \right], \quad
I_j = e^{−h} \int_0^h e^v \left(\tfrac{v}{h}\right)^j dv, \quad
I_0 = 1 − e^{−h},\; I_j = 1 − \tfrac{j}{h} I_{j−1} \qquad(7.12)$$

This is (3M). (2M) stops after $D_{01}$, and its authors take ½I₀ for I₁, which is less by h²/12:
with $D_{01}$, itself of the size of h, that is a local error of h³ and leaves the order at 2. So
neither (2M) nor its noisy twin (5.11), whose h is twice as long in these formulas, is exact for an
$\hat x_0$ on a straight line. In (3M) take care of the last term: with half of $I_2$, as it is
found in print, the order is 2. Both methods grow into their order; the first step of (3M), which
must not be of order 1, asks half way, too.
*/
static double sgm__half_logsnr(const sgm__flow *w, double t) {
    return 0.5 * sgm_sde_logsnr(w->sde, t);
}

static sgm_status sgm__ddim_step(sgm__flow *w, double t, double to, sgm_key key) {
    double m = sgm_sde_m(w->sde, t), s = sgm_sde_s(w->sde, t), v = 0, a, b, c;
    double m2 = sgm_sde_m(w->sde, to), s2 = sgm_sde_s(w->sde, to);
    SGM__TRY(sgm__flow_ask(w, w->k[0], w->y, t, SGM__EPS));
    if (w->o.eta > 0) {
        sgm_sde_transition(w->sde, to, t, &a, &b);
        v = w->o.eta * b * s2 / s;
    }
    c = sqrt(s2 * s2 - v * v) - m2 * s / m;
    sgm__blend(w, w->y, m2 / m, w->y, 1, &c, 1); /* (7.3) */
    sgm__flow_shake(w, v, key);
    return SGM_OK;
}

/* A step of `share` of the way from t to `to` in ℓ, into w->stage: of first order, or, given the
value k[1] at a third of the way, along its line to x_⅔. */
static sgm_status sgm__dpm_part(sgm__flow *w, double t, double h, double share, double *at) {
    double m = sgm_sde_m(w->sde, t), c[2];
    *at = sgm_sde_t_from_logsnr(w->sde, 2 * (sgm__half_logsnr(w, t) + share * h));
    double s1 = sgm_sde_s(w->sde, *at), grow = sgm__expm1(share * h), q = grow / (share * h) - 1;
    c[0] = -s1 * (grow - (share > 0.6 ? 2 * q : 0)), c[1] = -s1 * 2 * q; /* (7.10), of ε̂ */
    sgm__blend(w, w->stage, sgm_sde_m(w->sde, *at) / m, w->y, 1, c, share > 0.6 ? 2 : 1);
    return SGM_OK;
}

static sgm_status sgm__dpm_step(sgm__flow *w, double t, double to) {
    double h = sgm__half_logsnr(w, to) - sgm__half_logsnr(w, t), s2 = sgm_sde_s(w->sde, to), at,
           c[3];
    double ratio = sgm_sde_m(w->sde, to) / sgm_sde_m(w->sde, t), grow = sgm__expm1(h);
    int third = w->o.method == SGM_METHOD_DPM_3;
    SGM__TRY(sgm__flow_ask(w, w->k[0], w->y, t, SGM__EPS));
    SGM__TRY(sgm__dpm_part(w, t, h, third ? 1. / 3 : 0.5, &at));
    SGM__TRY(sgm__flow_ask(w, w->k[1], w->stage, at, SGM__EPS));
    c[0] = 0, c[1] = -s2 * grow; /* (7.9) */
    if (third) {
        SGM__TRY(sgm__dpm_part(w, t, h, 2. / 3, &at));
        SGM__TRY(sgm__flow_ask(w, w->k[2], w->stage, at, SGM__EPS));
        c[2] = -1.5 * s2 * (grow / h - 1), c[1] = 0, c[0] = -s2 * grow - c[2]; /* (7.10) */
    }
    sgm__blend(w, w->y, ratio, w->y, 1, c, third ? 3 : 2);
    return SGM_OK;
}

static sgm_status sgm__dpmpp_step(sgm__flow *w, double t, double to, sgm_key key) {
    int noisy = w->o.method == SGM_METHOD_DPM_SDE,
        order = w->o.method == SGM_METHOD_DPMPP_3M ? 3 : 2;
    double l = sgm__half_logsnr(w, t), h = sgm__half_logsnr(w, to) - l, c[3];
    double m2 = sgm_sde_m(w->sde, to), s2 = sgm_sde_s(w->sde, to), s = sgm_sde_s(w->sde, t);
    double i0 = -sgm__expm1(noisy ? -2 * h : -h), r0 = (l - w->past[0]) / h;
    int terms = w->n_past + 1 < order ? w->n_past + 1 : order;
    SGM__TRY(sgm__flow_ask(w, w->k[0], w->y, t, SGM__CLEAN));
    c[0] = i0, c[1] = c[2] = 0;
    if (order == 3 && terms == 1) { /* x̂0 half way, by a half step with D_0 */
        double mid = sgm_sde_t_from_logsnr(w->sde, 2 * l + h), half = -sgm__expm1(-0.5 * h);
        sgm__blend(w, w->stage, sgm_sde_s(w->sde, mid) / s, w->y, sgm_sde_m(w->sde, mid), &half, 1);
        SGM__TRY(sgm__flow_ask(w, w->k[1], w->stage, mid, SGM__CLEAN));
        c[0] = 0, c[1] = i0, terms = 2;
    } else if (terms == 2) c[0] = i0 * (1 + 0.5 / r0), c[1] = -i0 * 0.5 / r0; /* (5.11) */
    if (terms == 3) {
        double i1 = 1 - i0 / h, i2 = 1 - 2 * i1 / h, r1 = (w->past[0] - w->past[1]) / h;
        double bend = (i1 * r0 + i2) / (r0 + r1); /* of D_01 − D_12 in (7.12) */
        c[0] += (i1 + bend) / r0, c[1] = -(i1 + bend) / r0 - bend / r1, c[2] = bend / r1;
    }
    sgm__blend(w, w->y, s2 / s * (noisy ? sgm__exp(-h) : 1), w->y, m2, c, terms);
    if (noisy) sgm__flow_shake(w, s2 * sqrt(i0), key);
    sgm__swap(&w->k[1], &w->k[2]), sgm__swap(&w->k[0], &w->k[1]);
    w->past[1] = w->past[0], w->past[0] = l, w->n_past++;
    return SGM_OK;
}

/* From one time to the other, up or down. */
static sgm_status sgm__flow_run(sgm__flow *w, double from, double to) {
    double low = from < to ? from : to, high = from < to ? to : from, *grid = w->grid;
    int steps = w->o.steps;
    w->n_past = 0, w->h = 0, w->evals = 0;
    SGM__TRY(sgm_time_grid(grid, steps, w->o.grid, w->sde, high, low));
    SGM__TRY(sgm__grid_reaches(grid, steps, &w->o, w->sde));
    for (int i = 0; i < steps; i++) {
        double t = grid[from < to ? steps - i : i], next = grid[from < to ? steps - i - 1 : i + 1];
        SGM__TRY(sgm__flow_step(w, t, next, sgm_key_init(0)));
    }
    return SGM_OK;
}

/*
## §7.4 Likelihood

Where the flow draws points apart the density falls. Its law is (1.11) without noise, $∂p/∂t =
−∇·(p F) = −p\, ∇·F − F·∇p$; and a point that moves with F sees $∂p/∂t + F·∇p$. What remains is the
*change of variables* of a flow,

$$\frac{d}{dt} \log p_t(x_t) = −∇·F \qquad(7.13)$$

In words: a small box around the point grows at the rate of the *divergence* $∇·F = \sum_j ∂F_j/
∂x_j$, and the points that it holds stay inside. So log p of a data point is that of its latent, and
what was gained on the way; f x has the divergence f in each of D coordinates, and the score that of
the trace of its Jacobian:

$$\log p_{t_{min}}(x) = \log N(x_T;\, 0, σ_T² I) + \int_{t_{min}}^T ∇·F\, dt, \qquad
∇·F = D f − ½ g²\, \mathrm{tr} \frac{∂s}{∂x} \qquad(7.14)$$

F is the *flow's* drift, with the score in it, not f alone, and the sign is plus. The trace costs D
Jacobian–vector products, one along each axis. Or estimate it with K random directions v whose
coordinates are independent, of mean 0 and variance 1 (Hutchinson 1989; Grathwohl et al. 2019):

$$E\, v^T J v = \sum_{ij} J_{ij}\, E\, v_i v_j = \mathrm{tr}\, J, \qquad
\mathrm{tr}\, J ≈ \frac1K \sum_{k=1}^K v_k^T J v_k \qquad(7.15)$$

They stay the same along a path, so that it remains an ODE. Each direction gives a whole likelihood,
and their scatter the standard error. The integrals are solved together with the points, as more
coordinates of y. Each has an error norm (7.5) of its own, for beside 784 coordinates it would not
be heard; and since an error of log p counts as it is, its tolerance is (1 + D) atol and has no
relative part.

log p is counted in *nats*: natural logarithms, of a density per unit of volume. Divided by log 2
they are bits; bits per dimension are $−\log p/(D \log 2)$. No model can have a higher mean of log p
than the data itself, whose own is minus its *entropy*, $E \log p$: the difference is the KL
divergence (1.10). A solver with few steps reports nonsense, and it errs on the flattering side as
readily as on the other: it can beat the entropy of the data. So 256 of the points, spread over all,
are computed once more with half the step or a tenth of the tolerance, and the result says what
changed, in the mean and at worst. If $p_T$ is not the prior, this likelihood is that of the
*model*, whose latents are drawn from the prior.
*/
/* The rates of the sums: (7.14) with the exact trace, or one for each probe. */
static sgm_status sgm__flow_divergence(sgm__flow *w, double *k, double t) {
    double f = sgm_sde_f(w->sde, t), half_g2 = 0.5 * sgm_sde_g2(w->sde, t), *rate = k + w->size;
    long d = w->d, directions = w->probes ? w->probes : d;
    for (long i = 0; i < w->n * w->sums; i++) rate[i] = (double)d * f;
    if (!w->probes && w->score.trace) {
        SGM__TRY(w->score.trace(&w->score, w->s, w->js, w->x, w->t, w->n));
        for (long i = 0; i < w->n; i++) rate[i] -= half_g2 * w->js[i];
        return SGM_OK;
    }
    for (long l = 0; l < directions; l++) {
        float *v = w->probes ? w->v + l * w->size : w->v;
        for (long i = 0; !w->probes && i < w->size; i++) v[i] = i % d == l;
        SGM__TRY(sgm__flow_tangent(w, v, t));
        for (long i = 0; i < w->n; i++)
            rate[w->probes ? i * w->sums + l : i] -=
                half_g2 * sgm__row_dot(v + i * d, w->js + i * d, w->d);
    }
    return SGM_OK;
}

typedef struct sgm__odds { /* a run of likelihoods: what goes in, what comes out, the sums */
    const sgm_score *score;
    sgm_likelihood_options o;
    double prior, log_det;
    double nats, nats2, prior_part, probe_square; /* sums over the points */
    double mismatch;
    long n, nfe;
    int draw; /* 1: points are drawn; 0: given */
    sgm_key key;
} sgm__odds;

/* (7.14) and (9.2) for a point: where it is at T, and what each probe's integral is. */
static double sgm__odds_point(const sgm__odds *q, const float *latent, const double *gained,
    int sums, double *prior, double *error) {
    const double half_log_2pi = 0.91893853320467274178, d = q->score->d;
    double mean = 0, squares = 0;
    *prior = -d * (half_log_2pi + sgm__log(q->prior));
    *prior -= sgm__square_sum(latent, q->score->d) / (2 * q->prior * q->prior);
    for (int k = 0; k < sums; k++) sgm__mean_add(&mean, &squares, (q->draw ? -1 : 1) * gained[k]);
    sgm__mean_get(&mean, &squares, sums);
    *error = q->o.probes ? squares : 0;
    return *prior + mean - q->log_det;
}

/*
## §7.5 Between two latents

In many dimensions two latents, independent draws of $N(0, σ_T² I)$, have nearly the same length,
√D·σ_T, and are nearly orthogonal: squares and products of D coordinates average out. Their straight
average would be √½ of that long, where the prior has no mass, and decode to no data. Between them
one walks on the sphere: with the angle ω between a and b,

$$\frac{\sin((1−q) ω)}{\sin ω}\, a + \frac{\sin(q ω)}{\sin ω}\, b \qquad(7.16)$$

The code, with its care for points that are opposite or nearly so, is in §G.7.

## §7.6 A bound without an ODE

The *reverse SDE* draws by another law than the flow, unless its score is exact. That law's density
nobody can compute, but it has a bound from below that costs no more than a loss. Let x be a point
at $t_{min}$, shake it up to T, and ask how likely the sampler is to walk that path down. Given x,
the noisy point is $x_t = a x + b z$ (1.8), whose score is −z/b; run backwards, its walk differs
from the sampler's only in that the sampler has s for it. In a step Δ both shake with the variance
g²Δ about means g²Δ(s + z/b) apart, and two Gaussians of variance v at a distance r have the KL
divergence r²/2v. *Jensen's inequality*, log E ≥ E log, gives, with a last step of length δ,

$$−\log p(x) ≤ \tfrac D2 \log(2πe\, g²δ) + \int_{t_{min}+δ}^T \tfrac{g²}2\, E \left\| s +
\tfrac zb \right\|² dt + \mathrm{KL}\left( N(a_T x, b_T² I) ‖ N(0, σ_T² I) \right) \qquad(7.17)$$

whose first term is that step's. As δ → 0 it falls without end, and the integral grows. But by (1.7)
for this kernel $∫ g²/b² dt = \log(a²/b²)$ from T down to $t_{min} + δ$, where b² = g²δ: take D/b²
out of the square, and what is infinite cancels. Left is the *evidence lower bound* (ELBO)

$$\log p(x) ≥ −\tfrac D2 \log 2πσ_T² − \frac{a_T² \|x\|² + D b_T²}{2σ_T²} + D \log a_T −
\int_{t_{min}}^T \tfrac{g²}2\, E \left( \left\| s + \tfrac zb \right\|² − \tfrac D{b²} \right) dt
\qquad(7.18)$$

If s is exact and $p_T$ is the prior, both walks are one: (7.18) is then log p at every point. In
the mean over x of density $p_{t_{min}}$ it is by (2.13) less than E log p by $\mathrm{KL}(p_T ‖
prior)$ and $½ ∫ g² E \|s − ∇\log p_t\|² dt$: the price of a score, whatever it is the score of.

To estimate it, draw times by (2.14) and let −z follow z. Near $t_{min}$ the square of s + z/b has
the variance 1/b², but $\|z\|² − D$ over b² has the mean 0, and the mean over ± z of what remains,
with $s_± = s(a x ± b z)$ and $e, o = ½(s_+ ± s_-)$, is

$$\|e\|² + \|o\|² + \tfrac2b z·o \qquad(7.19)$$

where o ≈ b J z: Hutchinson's trace (7.15), by a difference. Where there is little else than noise,
its part in o is nearly proportional to ‖z‖². So each draw tells its neighbour by how much, and the
neighbour takes as much of ‖z‖² − D out of its own: it has the mean 0 and is independent of that
factor. Two draws share one of `draws/2` equal slices of λ, and their difference tells the error.
*/
/* (7.19) of one draw: ‖e‖². In part: what o adds, and ‖z‖² − D. */
static double sgm__bound_draw(double part[2], const float *s, const float *z, int d, double b) {
    double even = 0, odd = 0, square = 0;
    for (int j = 0; j < d; j++) {
        double e = 0.5 * ((double)s[j] + s[d + j]), o = 0.5 * ((double)s[j] - s[d + j]);
        even += e * e, odd += o * (o + 2 * z[j] / b), square += (double)z[j] * z[j];
    }
    part[0] = odd, part[1] = square - d;
    return even;
}

/* The mean of two draws at noise levels[l] with b[l], and half their difference. */
static double sgm__bound_pair(
    double *half, const float *s, const float *z, int d, const double *level, const double *b) {
    double part[2][2], value[2];
    for (int l = 0; l < 2; l++) {
        value[l] = sgm__bound_draw(part[l], s + 2 * l * d, z + l * d, d, b[l]) + part[l][0];
        value[l] *= level[l] * level[l], part[l][0] *= level[l] * level[l];
    }
    for (int l = 0; l < 2; l++) value[l] -= part[1 - l][0] / (part[1 - l][1] + d) * part[l][1];
    *half = 0.5 * (value[0] - value[1]);
    return 0.5 * (value[0] + value[1]);
}

/* The terms of (7.18) that need no draw; of raw points, as (9.2) counts. */
static double sgm__bound_ends(sgm__odds *q, const float *x) {
    const sgm_sde *sde = &q->score->sde;
    double d = q->score->d, v = q->prior * q->prior, a, b;
    sgm_sde_transition(sde, sde->t_min, sde->T, &a, &b);
    double square = a * a * sgm__square_sum(x, q->score->d) + d * b * b;
    double prior = -0.5 * (d * (1.83787706640934548356 + sgm__log(v)) + square / v);
    q->prior_part += prior;
    return prior + d * sgm__log(a) - q->log_det;
}

/*
## §7.7 Details that have caused bugs

- The drift inside the divergence is that of the flow, f x − ½g²s; with the forward drift alone the
  "likelihood" is the prior's, moved by a constant.
- New random directions at every evaluation: the right-hand side is then no function, and an
  adaptive solver grinds to a halt.
- Bits per dimension without the scaler's Jacobian (9.2), or of data that was never dequantised
  (9.7).
- A multistep method of order p whose first step is of order 1 has order 2 in the end. Adams starts
  with RK4 here, and (3M) with a step of order 2.
- A mean over the batch in the error norm: one hard point among a thousand goes unnoticed.
- A clean point handed in where $m(t_{min})$ is not 1, as with sub-VP: it is taken as one of t_min.
  Ask about m x, and add D log m.

## §7.8 Something to run

`make 08` has Euler, Heun and a density on a law that is known. `make 17` prints the order of every
method on a score that is exact, and fails where one is not what theory says; `make 18` holds
likelihoods against the entropy, with the trap: few steps of Euler beat it; `make 35` asks a U-Net
how probable digits are. They take minutes, with `MODE=test` before them seconds.
*/

/*
# 8. Guidance

So far every sample was a draw from p(x), the whole of the data. What one wants is a seven, or the
picture behind this blurred one: a draw from p(x|y). All of this chapter is Bayes' rule,
$p(x|y) = p(x)\, p(y|x)/p(y)$, applied to the noisy points at time t. Take the logarithm and the
gradient by x, with which p(y) goes:

$$∇_x \log p_t(x|y) = ∇_x \log p_t(x) + ∇_x \log p_t(y|x) \qquad(8.1)$$

Here $p_t(y|x)$ is the probability of y for the clean point that became the noisy x. So there are
three ways: learn the left side (§8.1), learn the last term (§8.2), or, where y is a measurement
whose law you know, work the last term out (§8.4). Each makes a score that any sampler takes.

## §8.1 A network that is told

Train on pairs $(x_0, y)$ and give the network y beside x and t. The argument of (2.6), with
everything conditioned on y, holds word for word: $∇ \log p_t(x|y)$ is the minimiser of

$$E_{t, (x_0, y), ε}\; w(t)\, s_t² \left\| s_θ(x_t, t, y) + ε / s_t \right\|² \qquad(8.2)$$

A label is given *one-hot*, as K numbers of which one is 1, since classes have no order; a vector is
given as it is. An image that lies pixel for pixel on x, as what a mask, a blur or noise has left of
it, comes first, brought to the unit of x by you, and `cond_image` says how many of the numbers it
has: a network for images then reads it beside x. With `cond_dropout` the condition of some points
is hidden: the network sees zeros, and a 0 in a second input, `known`, which tells "nothing is
known" from "y is zero". One network then holds both p(x|y) and p(x). Without it the branch for p(x)
has never been trained, and nothing in the model can tell you.
*/
SGM_API sgm_status sgm_one_hot(float *out, const int *label, long n, int classes) {
    SGM__TRY(sgm__labels_check(label, n, classes));
    if (!out) return sgm__bad("one-hot labels need a place for n of them, %d wide", classes);
    for (long i = 0; i < n * classes; i++) out[i] = i % classes == label[i / classes];
    return SGM_OK;
}

SGM_API sgm_score sgm_condition_score(const sgm_condition *c) {
    return sgm__model_score(c ? c->model : NULL, SGM__GIVEN, c);
}

/*
## §8.2 A classifier for noisy points

The last term of (8.1) is a classifier's, but one that answers for *noisy* points: which class did
the clean point come from? Its network returns a number $o_k$ for each class, a *logit*, of which
probabilities are made by $p_k = e^{o_k} / \sum_l e^{o_l}$. It is trained like everything here, with
fresh times and noise, only by another loss, *cross-entropy* (φ are the network's parameters):

$$L = −E\, w(t) \log p_φ(y|x_t, t), \qquad \frac{∂L}{∂o_k} = w(t)\,(p_k − 1_{k=y}) \qquad(8.3)$$

for $−\log p_y = \log \sum_l e^{o_l} − o_y$, and the derivative of the first term is $p_k$. Given x
and t, the mean of −log p_φ over the y's is the entropy of the true law and its KL divergence from
$p_φ$ (§1.3), so the minimiser is p(y|x,t) for every positive w. Since −log p(y|x,t) is an energy
like those of §4.10, its gradient by x, and the change of that, come from the same code, with one
operation more at the end of the tape.
*/
static double sgm__log_sum_exp(const float *out, int K) {
    double top = out[0], sum = 0;
    for (int k = 1; k < K; k++) top = out[k] > top ? out[k] : top;
    for (int k = 0; k < K; k++) sum += sgm__exp(out[k] - top);
    return top + sgm__log(sum);
}

static void sgm__log_probs(double *logp, const sgm_tensor *logits) {
    int K = logits->cols;
    for (long i = 0; i < logits->rows; i++) {
        double all = sgm__log_sum_exp(logits->v + i * K, K);
        for (long k = i * K; k < (i + 1) * K; k++) logp[k] = logits->v[k] - all;
    }
}

/*
With the target e, one-hot, the operation is $U = \log \sum_k \exp a_k − a·e$, row by row. `aux`
keeps its gradient, $p − e$. The tangent is the product of that with $\dot a$; its own gradient by a
is what p changes by along $\dot a$:

$$\dot U = (p − e)·\dot a, \qquad \frac{∂\dot U}{∂\dot a_k} = p_k − e_k, \qquad
\frac{∂\dot U}{∂a_k} = p_k \Big( \dot a_k − \sum_l p_l \dot a_l \Big) \qquad(8.4)$$
*/
static void sgm__cross_entropy_back(sgm_tape *tape, const sgm_tensor *y, float *up) {
    sgm_tensor *a = y->a;
    const float *e = y->b->v, *gradient = y->aux;
    int K = a->cols;
    for (int which = SGM_ADJOINT_D; which <= SGM_ADJOINT_JD; which++) {
        const float *up_y = which == SGM_ADJOINT_D ? y->d : y->jd;
        if (!(y->set & which)) continue;
        for (long k = 0; k < a->rows * K; k++) up[k] = up_y[k / K] * gradient[k];
        sgm_tape_give(tape, a, which, NULL, up);
    }
    if (!(y->set & SGM_ADJOINT_JD) || !a->j) return;
    for (long i = 0; i < a->rows; i++) {
        double mean = 0; /* Σ p ȧ */
        for (long k = i * K; k < (i + 1) * K; k++) mean += ((double)gradient[k] + e[k]) * a->j[k];
        for (long k = i * K; k < (i + 1) * K; k++)
            up[k] = (float)(y->jd[i] * ((double)gradient[k] + e[k]) * (a->j[k] - mean));
    }
    sgm_tape_give(tape, a, SGM_ADJOINT_D, NULL, up);
}

static void sgm__op_cross_entropy(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *a = y->a;
    const float *target = y->b->v;
    int K = a->cols;
    float *up = sgm_tape_floats(tape, a);
    if (!up) return;
    if (pass == SGM_PASS_FORWARD) y->aux = up;
    for (long i = 0; i < y->rows && pass != SGM_PASS_BACKWARD; i++) {
        double all = pass == SGM_PASS_FORWARD ? sgm__log_sum_exp(a->v + i * K, K) : 0, sum = all;
        for (long k = i * K; k < (i + 1) * K; k++) {
            if (pass == SGM_PASS_TANGENT) sum += (double)y->aux[k] * a->j[k];
            else sum -= (double)target[k] * a->v[k];
            if (pass == SGM_PASS_FORWARD) up[k] = (float)(sgm__exp(a->v[k] - all) - target[k]);
        }
        (pass == SGM_PASS_FORWARD ? y->v : y->j)[i] = (float)sum;
    }
    if (pass == SGM_PASS_BACKWARD) sgm__cross_entropy_back(tape, y, up);
}

static sgm_tensor *sgm__label_loss(sgm_tape *tape, sgm_tensor *logits, const sgm__ask *ask) {
    sgm_tensor *target = logits ? sgm_tape_input(tape, NULL, logits->rows, logits->cols) : NULL;
    if (!target) return NULL;
    for (long i = 0; i < logits->rows; i++)
        target->v[i * logits->cols + ask->label[sgm__ask_row(ask, i)]] = 1;
    return sgm_tape_run(tape,
        sgm_tape_make(
            tape, "cross_entropy", sgm__op_cross_entropy, logits->rows, 1, logits, target, NULL));
}

SGM_API sgm_score sgm_classifier_score(const sgm_classifier *c) {
    return sgm__model_score(c ? c->model : NULL, SGM__LABEL, c);
}

SGM_API sgm_status sgm_classifier_probs(
    const sgm_model *model, int which, double *probs, const float *x, const float *t, long n) {
    SGM__TRY(sgm__classifier_check(model, which));
    if (n < 0 || (n > 0 && (!probs || !x || !t)))
        return sgm__bad("a classifier needs points, times and a place for the answer, and n >= 0");
    sgm__ask ask = sgm__ask_of(model, which);
    if (n > 0) SGM__TRY(sgm__model_all(&ask, NULL, NULL, probs, x, NULL, t, n));
    for (long i = 0; i < n * model->o.classes; i++) probs[i] = sgm__exp(probs[i]);
    return SGM_OK;
}

/*
## §8.3 More than Bayes

$p(y|x)^γ$ with a γ > 1 falls off more steeply from where y is likely, so samples look more typical
of y if the last term of (8.1) is multiplied by γ: with a classifier
(Dhariwal and Nichol 2021), and without one, the term then being the difference of the two scores of
§8.1 (Ho and Salimans 2022, who write w for γ − 1),

$$s = ∇ \log p_t(x) + γ\, ∇ \log p_t(y|x) \qquad(8.5)$$
$$s = (1 − γ)\, ∇ \log p_t(x) + γ\, ∇ \log p_t(x|y) \qquad(8.6)$$

By (8.1) the two are the same if their parts are exact. γ = 0 forgets y and γ = 1 is Bayes' rule.

At each single t, s is the score of a density $q_t ∝ p_t(x)\, p_t(y|x)^γ$. It is tempting to
conclude that samples follow q at t = 0. **They do not**, for any γ but 0 and 1: the q at different
t do not belong to one forward process, so the reverse SDE is the reverse of nothing. To see it,
divide (1.11) by p. For ℓ = log p it says

$$\frac{∂ℓ}{∂t} = −∇·u − u·∇ℓ + ½ g² \left( ∇·∇ℓ + \|∇ℓ\|² \right) \qquad(8.7)$$

The ℓ of p(x) and of p(x|y) both solve it. Of log q, which is their mean with the
weights 1 − γ and γ (and a constant), all terms are the same mean of theirs but the square, and the
mean of squares is not the square of the mean: q misses (8.7) by
$½ g² γ(1−γ) \|∇\log p_t(y|x)\|²$, that is 0 only for γ = 0 and 1.

One case can be worked out: data N(0, 1), a y that leaves the variance c, and VE, with the variance
v of the noise as the clock, so that g² is 1. Then $∂s/∂x = −A$ with $A = (1−γ)/(1+v) + γ/(c+v)$. A
step of (5.3) down by Δ multiplies deviations by $1 − AΔ$ and adds the variance Δ, so the samples'
variance P follows $dP/dv = 2AP − 1$; without noise, along the flow, where half the score pushes,
$dP/dv = AP$. For γ = 2 the latter has the solution $(c+v)²/(1+v)$, which at large v is v, as it
must be; its square solves the former without the −1, and so P is that times $∫_v^∞ (1+u)²/(c+u)^4\,
du$. At v = 0:

$$P_{SDE} = c² + \tfrac13 c(1−c)², \qquad P_{flow} = c², \qquad
P_{p(x)p(y|x)²} = \frac{c}{2−c} \qquad(8.8)$$

For c = ½ these are 7/24, 1/4 and 1/3: three laws where one would expect one. Guidance is a way to
steer, not to sample a density that you could write down. It can be limited to the times where it is
of use, neither at much noise, where it moves all samples to one place, nor at little, where nothing
is left to decide; outside of them γ is 1 (Kynkäänniemi et al. 2024).
*/
static void sgm__guided_mix(
    const sgm_guided *g, float *out, const float *b, const float *t, long n) {
    int d = g->a.d;
    for (long i = 0; i < n; i++) {
        double gamma = t[i] >= g->t_low && t[i] <= g->t_high ? g->gamma : 1;
        double keep = g->classifier ? 1 : 1 - gamma; /* (8.5), (8.6) */
        for (long j = i * d; j < (i + 1) * d; j++) out[j] = (float)(keep * out[j] + gamma * b[j]);
    }
}

/* The two scores, or their products with v, mixed: the mix is linear, so its Jacobian is theirs. */
static sgm_status sgm__guided_all(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n, int back) {
    const sgm_guided *g = (const sgm_guided *)self->ctx;
    sgm_score a = sgm__same_rows(&g->a, self), b = sgm__same_rows(&g->b, self);
    size_t size = (size_t)n * (size_t)a.d;
    float *sb = (float *)sgm__alloc((v ? 2 : 1) * size, sizeof *sb), *jb = sb ? sb + size : NULL;
    if (!sb) return SGM_NO_MEMORY;
    sgm_status status;
    if (!v) {
        status = a.eval(&a, s, x, t, n);
        if (status == SGM_OK) status = b.eval(&b, sb, x, t, n);
    } else {
        status = (back ? a.vjp : a.jvp)(&a, s, js, x, v, t, n);
        if (status == SGM_OK) status = (back ? b.vjp : b.jvp)(&b, sb, jb, x, v, t, n);
        if (status == SGM_OK) sgm__guided_mix(g, js, jb, t, n);
    }
    if (status == SGM_OK) sgm__guided_mix(g, s, sb, t, n);
    sgm__free(sb);
    return status;
}

/*
## §8.4 Measurements

Now y is a measurement, $y = A x_0 + τ z$ with a known (m, D) matrix A, and nothing has to be
trained. *Inpainting*: each row of A picks a number that was seen. *Colourisation*: each row
averages the colours of a pixel. *Blur*, *upsampling*, a projection: other rows. Every A is the same
problem in disguise: m directions at right angles, each measured by itself. The *singular value
decomposition* finds them (§G.6): $A = U^T S V$, where U turns the m measurements into each other
($U U^T = I$), S is a diagonal of positive numbers, and the m rows $V_i$ of V are the directions, of
length 1. Multiply $y = U^T S V x_0 + τ z$ by $S^{-1} U$, and note that Uz is as normal as z:

$$u_i = V_i · x_0 + τ_i z_i, \qquad u = S^{-1} U y, \quad τ_i = τ / S_i \qquad(8.9)$$

**Replacement** (Song et al. 2021): after every step, overwrite what was measured with what it would
look like at the new time. That is $m_t V_i·x_0$ and noise of $s_t$ in all, of which $m_t u_i$ has
$m_t τ_i$ already:

$$V_i·x ← m_t u_i + \sqrt{s_t² − m_t² τ_i²}\; z_i \qquad(8.10)$$

Where $m_t τ_i > s_t$ the sample knows better, and is left alone. Without noise in y the samples fit
it exactly. But they are *not* draws from p(x|y): the noise on the measured part is fresh each time,
so the rest of x only ever hears of y through it, too faintly. **RePaint** (Lugmayr et al. 2022)
lets the parts settle: forth to t by (1.8) and back, U times in each step, as long as all of y is
overwritten (what is left alone would be forgotten on the way). That helps, and is no exact method
either.
*/
static double sgm__along(const sgm_inverse *p, int i, const double *x) { /* V_i·x */
    double sum = 0;
    const double *v = p->v + (long)i * p->d;
    for (int j = p->span[2 * i]; j < p->span[2 * i + 1]; j++) sum += v[j] * x[j];
    return sum;
}

static void sgm__move(const sgm_inverse *p, int i, double step, double *x) { /* x += step V_i */
    const double *v = p->v + (long)i * p->d;
    for (int j = p->span[2 * i]; j < p->span[2 * i + 1]; j++) x[j] += step * v[j];
}

static void sgm__inverse_replace(
    const sgm_inverse *p, double *row, float *x, const float *z, double m, double s) {
    for (int j = 0; j < p->d; j++) row[j] = x[j];
    for (int i = 0; i < p->m; i++) {
        double rest = s * s - m * m * p->sigma[i] * p->sigma[i];
        if (rest < 0) continue;
        double want = m * p->target[i] + sqrt(rest) * z[i]; /* (8.10) */
        sgm__move(p, i, want - sgm__along(p, i, row), row);
    }
    for (int j = 0; j < p->d; j++) x[j] = (float)row[j];
}

typedef struct sgm__inverse_run {
    const sgm_inverse *problem;
    const sgm_inverse_options *o;
    sgm_key key;
    uint64_t draws; /* every use of randomness gets a key of its own */
    double *row;    /* (2,D) */
    float *work;    /* 4 blocks of (n,D), and (n) */
} sgm__inverse_run;

static void sgm__inverse_noise(sgm__inverse_run *run, long n, long cols, const sgm_score *rows) {
    sgm__normal_rows(run->work, n, cols, rows, sgm_key_split(run->key, run->draws++));
}

static sgm_status sgm__replace_step(sgm_sampler *sampler, float *x, void *user) {
    sgm__inverse_run *run = (sgm__inverse_run *)user;
    const sgm_inverse *p = run->problem;
    const sgm_sde *sde = &sampler->score.sde;
    long n = sampler->n, size = n * p->d;
    for (int u = 1;; u++) {
        double t = sampler->t[sampler->step], a, b;
        if (run->o->resample > 1) sampler->key = sgm_key_split(run->key, run->draws++);
        SGM__TRY(sgm_sampler_step(sampler, x));
        double to = sampler->t[sampler->step], m = sgm_sde_m(sde, to), s = sgm_sde_s(sde, to);
        sgm__inverse_noise(run, n, p->m, &sampler->score);
        for (long i = 0; i < n; i++)
            sgm__inverse_replace(p, run->row, x + i * p->d, run->work + i * p->m, m, s);
        int left = 0; /* measured, but not overwritten */
        for (int i = 0; i < p->m; i++) left += s < m * p->sigma[i];
        if (left || u >= run->o->resample || sgm_sampler_done(sampler)) return SGM_OK;
        sgm_sde_transition(sde, to, t, &a, &b);
        sgm__inverse_noise(run, n, p->d, &sampler->score);
        for (long j = 0; j < size; j++) x[j] = (float)(a * x[j] + b * run->work[j]);
        sampler->step--;
    }
}

/*
The other two ask for the last term of (8.1),

$$p_t(y|x) = ∫ p(y|x_0)\, p(x_0|x)\, dx_0 \qquad(8.11)$$

of whose second factor the score only tells the mean, $\hat x_0(x)$ of (5.7). **DPS** (Chung et al.
2023) puts all of it there, so that $\log p_t(y|x) ≈ −\| y − A \hat x_0 \|²/2τ²$, and takes the
norm for its square. After each step of the sampler, with x from before it on the right,

$$x ← x − ζ\, ∇_x \| y − A \hat x_0(x) \| \qquad(8.12)$$

where ζ is tuned, not derived. The gradient of a norm is as long near y as far from it. So ζ is the
length of a step, in the data's unit, and near y the samples step over it and swing about it by as
much.

**ΠGDM** (Song, Vahdat, Mardani, Kautz 2023) puts $N(\hat x_0, r² I)$ there. Then
$V_i·x_0 = V_i·\hat x_0 + r z'$, with independent z' for different i since the $V_i$ are
orthonormal, and by (8.9) $u_i$ is that and $τ_i z$: Gaussian with the mean $V_i·\hat x_0$ and the
variance $r² + τ_i²$. So the integral is a product of Gaussians,
$\log p_t(y|x) = −½ \sum_i (u_i − V_i·\hat x_0)²/(r² + τ_i²)$ and a constant; by the chain rule

$$s = ∇ \log p_t(x) + \left( \frac{∂\hat x_0}{∂x} \right)^T \sum_i V_i
\frac{u_i − V_i·\hat x_0}{r² + τ_i²}, \quad r² = \frac{σ² σ_d²}{σ² + σ_d²}, \quad
σ = \frac{s_t}{m_t} \qquad(8.13)$$

The r² is that of data N(μ, σ_d² I), where x/m measures $x_0$ with noise σ: precisions add,
$1/r² = 1/σ_d² + 1/σ²$. For such data (8.13) is the exact score given y. For other data it is an
approximation, whose error you cannot see from inside; the referee below can.
$∂\hat x_0/∂x = (I + s_t² ∂s/∂x)/m_t$, and its transpose times a vector is the score's `vjp`.
*/
/* Into w, row by row: the sum of (8.13) at the x̂0 of (5.7), and into psi, if not NULL, its
log p_t(u|x); or, with sigma_data 0, minus the gradient of (8.12)'s norm by x̂0. */
static void sgm__posterior_pull(const sgm_inverse *p, double *row, const sgm_sde *sde,
    double sigma_data, double *psi, float *w, const float *s, const float *x, const float *t,
    long n) {
    double *x0 = row, *pull = x0 + p->d, m = 0, sd = 0;
    for (long k = 0; k < n; k++, x += p->d, s += p->d, w += p->d) {
        if (k == 0 || t[k] != t[k - 1]) m = sgm_sde_m(sde, t[k]), sd = sgm_sde_s(sde, t[k]);
        double a = sd * sd / (m * m), b = sigma_data * sigma_data, r2 = a * b / (a + b);
        double square = 0, logp = 0;
        for (int j = 0; j < p->d; j++) x0[j] = (x[j] + sd * sd * s[j]) / m, pull[j] = 0;
        for (int i = 0; i < p->m; i++) {
            double miss = p->target[i] - sgm__along(p, i, x0), c = p->size[i] * p->size[i];
            square += c * miss * miss;
            if (sigma_data > 0) c = 1 / (r2 + p->sigma[i] * p->sigma[i]);
            if (psi) logp -= 0.5 * (c * miss * miss - sgm__log(c / (2 * SGM__PI)));
            sgm__move(p, i, c * miss, pull);
        }
        if (psi) psi[k] = logp;
        double norm = sigma_data > 0 || square == 0 ? 1 : sqrt(square);
        for (int j = 0; j < p->d; j++) w[j] = (float)(pull[j] / norm);
    }
}

/* y += c (∂x̂0/∂x)ᵀ w, from w and js = (∂s/∂x)ᵀ w. */
static void sgm__posterior_add(float *y, double c, const sgm_sde *sde, const float *w,
    const float *js, const float *t, long n, int d) {
    double m = 0, sd = 0;
    for (long i = 0; i < n; i++) {
        if (i == 0 || t[i] != t[i - 1]) m = sgm_sde_m(sde, t[i]), sd = sgm_sde_s(sde, t[i]);
        for (long j = i * d; j < (i + 1) * d; j++)
            y[j] = (float)(y[j] + c * (w[j] + sd * sd * js[j]) / m);
    }
}

static sgm_status sgm__dps_step(sgm_sampler *sampler, float *x, void *user) {
    sgm__inverse_run *run = (sgm__inverse_run *)user;
    long n = sampler->n, d = sampler->score.d, size = n * d;
    float *from = run->work, *w = from + size, *js = w + size, *s = js + size, *t = s + size;
    for (long i = 0; i < n; i++) t[i] = (float)sampler->t[sampler->step];
    memcpy(from, x, (size_t)size * sizeof *x);
    SGM__TRY(sampler->score.eval(&sampler->score, s, from, t, n));
    const sgm_sde *sde = &sampler->score.sde;
    sgm__posterior_pull(run->problem, run->row, sde, 0, NULL, w, s, from, t, n);
    SGM__TRY(sampler->score.vjp(&sampler->score, s, js, from, w, t, n));
    SGM__TRY(sgm_sampler_step(sampler, x));
    sgm__posterior_add(x, run->o->zeta, sde, w, js, t, n, (int)d); /* (8.12) */
    return SGM_OK;
}

static sgm_status sgm__posterior_eval(
    const sgm_score *self, float *s, const float *x, const float *t, long n) {
    const sgm_posterior *p = (const sgm_posterior *)self->ctx;
    sgm_score score = sgm__same_rows(&p->score, self);
    size_t d = (size_t)self->d, size = (size_t)n * d;
    double *row = (double *)sgm__alloc(2 * d * sizeof *row + 2 * size * sizeof(float), 1);
    if (!row) return SGM_NO_MEMORY;
    float *w = (float *)(void *)(row + 2 * d), *js = w + size;
    sgm_status status = score.eval(&score, s, x, t, n);
    if (status == SGM_OK) {
        sgm__posterior_pull(&p->problem, row, &self->sde, p->sigma_data, NULL, w, s, x, t, n);
        status = score.vjp(&score, s, js, x, w, t, n);
    }
    if (status == SGM_OK) sgm__posterior_add(s, 1, &self->sde, w, js, t, n, self->d); /* (8.13) */
    sgm__free(row);
    return status;
}

SGM_API sgm_score sgm_posterior_score(const sgm_posterior *p) {
    return sgm__score_around(p ? &p->score : NULL, p, sgm__posterior_eval);
}

/*
*Denoising*, A = I, needs none of this: a point with noise of known size σ is, but for a factor, a
point of the forward process,

$$x_t = m_t (x_0 + σ z) \quad\text{at the t where}\quad s_t / m_t = σ \qquad(8.14)$$

(`sgm_sde_t_from_logsnr` of −2 log σ), and the reverse SDE from there, by `t_start` and `x_given`,
draws from $p(x_0|x_t)$ with no error but that of the steps and the score.

## §8.5 The referee

Let $x_0 ∼ N(μ, C)$, and let $u = h·x_0 + τ z$ be measured. The vector $x_0 − (Ch/q)\, u$, with
$q = h·Ch + τ²$ the variance of u, is uncorrelated with u, since $x_0$ and u have the covariance Ch;
and as all is Gaussian, it is independent of u. So once u is known, all of $x_0$ that is still
random is this vector, with the covariance $C − Ch(Ch)^T/q$ (Kalman's update). In a mixture the
weight of each component is multiplied by how well it foretold u, which is Bayes' rule again:

$$μ ← μ + \frac{Ch}{q} (u − h·μ), \quad C ← C − \frac{Ch\,(Ch)^T}{q}, \quad
w ← w\, N(u;\, h·μ,\, q), \quad q = h·Ch + τ² \qquad(8.15)$$

The directions of (8.9) are independent measurements, taken one after the other. The result is a
mixture, whose score is $∇ \log p_t(x|y)$ itself: hold any of the methods against it.

What is left of C after a sharp measurement is a small difference of large numbers, and may come out
negative. So C is kept as $\sum_l G_l G_l^T$, and with $f_l = G_l·h$ its update is one of the G
(Potter 1963): $G_l ← G_l − f_l\, Ch / (q + τ\sqrt q)$. Multiplied out and summed, with
$\sum_l f_l² = q − τ²$, that is (8.15); and a sum of squares cannot be negative.
*/
/* One direction; G is (n,D), f n + D numbers of room. What was measured without noise must have
had more than `least` of variance. */
static double sgm__kalman(
    double *mean, double *G, long n, double *f, double least, const sgm_inverse *p, int i) {
    long d = p->d;
    double *Ch = f + n, tau = p->sigma[i], q = tau * tau;
    double miss = p->target[i] - sgm__along(p, i, mean);
    for (long j = 0; j < d; j++) Ch[j] = 0;
    for (long l = 0; l < n; l++) {
        f[l] = sgm__along(p, i, G + l * d), q += f[l] * f[l];
        for (long j = 0; j < d; j++) Ch[j] += f[l] * G[l * d + j];
    }
    if (!(q > (tau > 0 ? 0 : least))) return NAN;
    for (long j = 0; j < d; j++) mean[j] += Ch[j] * miss / q;
    for (long l = 0; l < n; l++)
        for (long j = 0; j < d; j++) G[l * d + j] -= f[l] * Ch[j] / (q + tau * sqrt(q));
    return -0.5 * (sgm__log(q) + miss * miss / q); /* (8.15), up to a constant */
}

/* The posterior of component k: its mean and C(d,d), NULL for points; the return value is the log
of its weight. G is (d,d), f 2d numbers of room. */
static double sgm__mix_measured(const sgm_mixture *mix, size_t k, const sgm_inverse *p,
    double *mean, double *C, double *G, double *f) {
    size_t d = (size_t)mix->d, n = C ? d : 0;
    double log_weight = mix->log_weight[k], least = 0;
    memcpy(mean, mix->mean + k * d, d * sizeof *mean);
    for (size_t l = 0; l < n; l++) {
        double v = mix->shape >= SGM_COV_DIAGONAL ? mix->var[k * d + l] : mix->var[k];
        for (size_t j = 0; j < d; j++)
            G[l * d + j] = sqrt(v) * (mix->axes ? mix->axes[(k * d + l) * d + j] : l == j);
        if (mix->axes) least = fmax(least, 1e-15 * v); /* the axes are as good as that */
    }
    for (int i = 0; i < p->m; i++) log_weight += sgm__kalman(mean, G, (long)n, f, least, p, i);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t l = 0; l < n; l++) sum += G[l * d + i] * G[l * d + j];
            C[i * d + j] = C[j * d + i] = sum;
        }
    return log_weight;
}

/*
## §8.6 Particles: exact in the limit

The steps of §5.2, started from the prior, are a chain whose densities are known: $x'$ given $x$ is
$N(c_x x + c_s s,\, c_z² I)$. Draw many runs, weigh each by $p(y|x_0)$, and you have the posterior
of the chain, but for that nearly all weights are nearly 0. So push the runs towards y, and let the
weights make up for the push. Take for ψ(x) the $p_t(y|x)$ of (8.13). Were $\log ψ$ linear in x',
the step given y would be the Gaussian times $e^{x'·∇\log ψ}$, which is the same Gaussian moved by
$c_z² ∇\log ψ$. Let that be q(x'|x), with the gradient at x, and p(x'|x) the step itself:

$$x' = c_x x + c_s s + c_z (z + e), \quad e = c_z ∇\log ψ(x), \qquad
\log \frac{p(x'|x)}{q(x'|x)} = −e·z − ½ |e|² \qquad(8.16)$$

A run, from x_T to x_0, then has the weight

$$w = p(y|x_0) \prod \frac{p(x'|x)}{q(x'|x)} = ψ(x_T) \prod \frac{p(x'|x)\, ψ(x')}{q(x'|x)\, ψ(x)}
\qquad(8.17)$$

*whatever ψ is*, if only the last, where r is 0, is $p(y|x_0)$: the others cancel. A bad ψ bends
nothing, it makes weights uneven. This is *twisted* sequential Monte Carlo (Wu, Trippe, Naesseth,
Blei, Cunningham 2023). Step by step the weights drift apart nevertheless. The number of particles
that count is the *effective* one,

$$n_{eff} = \Big( \sum_k w_k \Big)^2 \Big/ \sum_k w_k², \qquad 1 ≤ n_{eff} ≤ n \qquad(8.18)$$

Where it falls below ½n, *resample*: particle k leaves about $n w_k / \sum w$ copies, each with the
mean weight $\bar w$, and the light ones die. Systematic resampling lays these shares end to end on
a line of length n and picks whose lie at $U, U + 1, …, U + n − 1$, with one U ~ U(0,1): right on
average, and never off by 1. So neither this nor a step changes a sum $\sum_k w_k f(x_k)$ on
average. With R resamplings, and the last $\bar w$ at the end, the *evidence* p(y) is estimated by

$$\hat Z = \prod_{r=1}^{R+1} \bar w_r, \qquad E \hat Z = ∫ p(x_0)\, p(y|x_0)\, dx_0 = p(y)
\qquad(8.19)$$

for every n. (Its logarithm is biased, by about minus half its variance.) The particles follow
p(x_0|y) up to an error of the order of $n^{-1/2}$. *Of the chain*, that is: p(x_0) is what
`sgm_sample` draws with these steps, whose errors (§5.1) are all that more particles leave.
*/
typedef struct sgm__smc {
    sgm_sampler sampler;       /* for its grid, its start and its scratch    */
    sgm_score score;           /* the same, asked about the particles' runs  */
    const sgm_inverse *problem;
    sgm_key key;
    double sigma_data;
    double *logw, *psi, *row;  /* (n), (n), (2,D) */
    float *w, *push;           /* (n,D): scratch, and ∇ log ψ */
    long *ancestor, *pick;     /* (n) */
} sgm__smc;

/* At a level: score, log ψ, its gradient by (8.13). At t = 0, where r is 0, only ψ_0 = p(y|x_0). */
static sgm_status sgm__smc_look(sgm__smc *r, const float *x) {
    const sgm_sde *sde = &r->score.sde;
    long n = r->sampler.n, d = r->score.d, size = n * d;
    float *s = r->sampler.buffer, *js = s + size, *times = js + size;
    double t = r->sampler.t[r->sampler.step];
    for (long k = 0; k < n; k++) times[k] = (float)t;
    memset(r->push, 0, (size_t)size * sizeof *r->push);
    if (t > 0) SGM__TRY(r->score.eval(&r->score, s, x, times, n));
    else memset(s, 0, (size_t)size * sizeof *s);
    sgm__posterior_pull(r->problem, r->row, sde, r->sigma_data, r->psi, r->w, s, x, times, n);
    for (long k = 0; k < n; k++) r->logw[k] += r->psi[k]; /* (8.17) */
    if (t > 0) {
        SGM__TRY(r->score.vjp(&r->score, s, js, x, r->w, times, n));
        sgm__posterior_add(r->push, 1, sde, r->w, js, times, n, (int)d);
    }
    return SGM_OK;
}

static void sgm__smc_step(sgm__smc *r, float *x) {
    sgm_sampler *sampler = &r->sampler;
    long n = sampler->n, d = r->score.d, i = sampler->step++;
    float *s = sampler->buffer, *z = s + n * d;
    double c[3];
    if (sgm_sampler_done(sampler)) sgm__denoise_step(c, &r->score.sde, sampler->t[i]);
    else sgm__reverse_step(c, sampler->o.method, &r->score.sde, sampler->t[i], sampler->t[i + 1]);
    sgm__normal_rows(z, n, d, &sampler->score, sgm_key_split(r->key, (uint64_t)i));
    for (long k = 0; k < n; k++) {
        double along = 0, square = 0;
        for (long j = k * d; j < (k + 1) * d; j++) {
            double e = c[2] * r->push[j]; /* 0 in the last step, as c_z is */
            x[j] = (float)(c[0] * x[j] + c[1] * s[j] + c[2] * (z[j] + e)); /* (8.16) */
            along += e * z[j], square += e * e;
        }
        r->logw[k] -= r->psi[k] + along + 0.5 * square; /* (8.17) */
    }
}

/* n_eff of (8.18); the logs become those of weights of the sum 1, and their mean was e^log_mean. */
static double sgm__smc_weigh(double *logw, long n, double *log_mean) {
    double top = logw[0], sum = 0, square = 0;
    for (long k = 1; k < n; k++) top = logw[k] > top ? logw[k] : top;
    for (long k = 0; k < n; k++) {
        double w = sgm__exp(logw[k] - top);
        sum += w, square += w * w;
    }
    for (long k = 0; k < n; k++) logw[k] -= top + sgm__log(sum);
    *log_mean = top + sgm__log(sum / (double)n);
    return sum * sum / square;
}

/*
## §8.7 Details that have caused bugs

- Guidance with a network that was trained without condition dropout: its unconditional branch is
  whatever the initial weights say.
- γ and w = γ − 1 mixed up: "scale 1" is Bayes' rule in one paper and twice that in the next.
- A classifier trained on clean points only: its gradient at noisy ones is noise.
- Taking samples that fit y for samples from p(x|y): (8.10) fits y exactly and has another law.
- Ranks of coordinates to judge a posterior: draws that ignore y pass. Rank log p(y|x), too.
- One condition per point, and a sampler or a likelihood that cuts the set into blocks: the score
  must be asked about the rows of the block, not about the first n. That is what `first` is for.

## §8.8 Something to run

`make 09` has guidance and a measurement in one dimension. `make 23` draws given a measurement by
all four methods, and holds each against the exact law of (8.15). `make 30` does so with particles,
and ranks the truth among the draws of each: replacement, RePaint and ΠGDM are under-confident
there, DPS and guidance by 2 over-confident. `make 19` shows that the three variances of (8.8) are
three. In its `closed_forms` set c to 0.9, a y that says little: they nearly meet.
*/

/*
# 9. Data and measures

A generative model is a claim about a distribution, and a loss curve does not prove it. You need
data whose distribution you know, and numbers that say how far your samples are from it. One such
number you have met: the mean log p of fresh data (§7.4), which falls short of the best there is by
a KL divergence (1.10). But that says little of samples: a model that draws every second of them
from noise loses only log 2. The measures of this chapter look at samples.

## §9.1 Toy sets

Each set below is a recipe in the plane. Point i depends on the key and on i alone, so every prefix
of a draw is a fair, shorter draw (but the ring is not drawn: its n points are even on the circle).
One key makes a set; its two children keep the shape and the noise apart. Where they lie follows
with pencil and paper, and the tests hold them to it (a half circle has mean height 2/π, a uniform
number on an interval of length l variance l²/12):

    set                          mean        variance of x, of y, to which the noise's is added
    ring, Gaussians (modes ≥ 3)  0, 0        r²/2, r²/2
    moons                        1/2, 1/4    3/4, 9/16 − 1/π
    Swiss roll                   .200, .021  .439, .483
    checkerboard                 0, 0        4/3, 4/3
*/
static void sgm__toy_point(float *xy, double x, double y, double noise, sgm_key key, uint64_t i) {
    float z[2];
    sgm_normal(z, 2, sgm_key_split(key, 1), 2 * i);
    xy[0] = (float)(x + noise * z[0]), xy[1] = (float)(y + noise * z[1]);
}

SGM_API void sgm_data_ring(float *x, long n) {
    for (long i = 0; x && i < n; i++) {
        double s, c;
        sgm__sincos_turns((double)i / (double)n, &s, &c);
        x[2 * i] = (float)c, x[2 * i + 1] = (float)s;
    }
}

/* A circle without modes has no points: you get NaN, which everything downstream refuses. */
SGM_API void sgm_data_gaussians(float *x, long n, int modes, double r, double std, sgm_key key) {
    if (modes < 1) sgm__bad("a mixture needs modes >= 1, got %d", modes);
    for (long i = 0; x && i < n; i++) {
        double s = NAN, c = NAN, u = sgm__uniform53(sgm_key_split(key, 0), (uint64_t)i);
        if (modes >= 1) sgm__sincos_turns(floor(u * modes) / modes, &s, &c);
        sgm__toy_point(x + 2 * i, r * c, r * s, std, key, (uint64_t)i);
    }
}

/* The two moons: a fair coin chooses the arc of each point, half a turn times u its place there. */
SGM_API void sgm_data_moons(float *x, long n, double noise, sgm_key key) {
    sgm_key shape = sgm_key_split(key, 0);
    for (long i = 0; x && i < n; i++) {
        double s, c, coin = sgm__uniform53(shape, 2 * (uint64_t)i);
        sgm__sincos_turns(0.5 * sgm__uniform53(shape, 2 * (uint64_t)i + 1), &s, &c);
        if (coin < 0.5) c = 1 - c, s = 0.5 - s;
        sgm__toy_point(x + 2 * i, c, s, noise, key, (uint64_t)i);
    }
}

/* The angle of the roll is its radius: r = 1.5π(1 + 2u) radians are 0.75(1 + 2u) turns. */
SGM_API void sgm_data_swiss_roll(float *x, long n, double noise, sgm_key key) {
    sgm_key shape = sgm_key_split(key, 0);
    for (long i = 0; x && i < n; i++) {
        double s, c, turns = 0.75 * (1 + 2 * sgm__uniform53(shape, (uint64_t)i));
        double r = 2 * SGM__PI * turns;
        sgm__sincos_turns(turns, &s, &c);
        sgm__toy_point(x + 2 * i, r * c / 10, r * s / 10, noise, key, (uint64_t)i);
    }
}

/*
The checkerboard is uniform on eight squares, the lower left one among them.

Images too should come from a law that you can draw from without end. `sgm_data_digits` writes with
a shaky hand: every corner of a stroke trembles, and size, width, slant, turn, shift and the radius
r of the pen are drawn. With δ the way from a pixel's middle to the nearest stroke, its ink is

$$\min\left(1, \max\left(0,\; \tfrac12 + \frac{r − δ}{1.3} \right)\right) \qquad(9.1)$$

so edges are soft and no pixel jumps as a stroke moves. Board, font and pen are in §G.8.

## §9.2 The scaler

The noise of chapter 1 is as large along one coordinate as along another, so the data should be too.
The scaler takes coordinate k to $y_k = (x_k − \mathrm{shift}_k)/\mathrm{scale}_k$, of mean 0 and
variance 1. An interval of length dx becomes one of length dx/scale and holds the same probability,
so p(x) dx = p(y) dx/scale; with D coordinates

$$\log p(x) = \log p(y) − \sum_k \log \mathrm{scale}_k \qquad(9.2)$$

(The product of the scales is the determinant of the Jacobian ∂x/∂y.) Forget the sum and your
log-likelihood is off by a constant that no plot shows.

The columns of a table have units of their own, and each needs its own shift and scale. An image has
one unit in all of its pixels, and some of them, near the border, are black in nearly all images:
divided by that pixel's own tiny deviation, the one image of n that lights it lies √(n − 1)
deviations out. So let all pixels of a channel share a shift and a scale, those of all the channel's
numbers: say how many channels there are, to `sgm_scaler_init_channels` or in a scaler of zeros that
a training is to fit. (9.2) stays as it is.
*/
SGM_API void sgm_scaler_apply(const sgm_scaler *scaler, float *out, const float *x, long n) {
    if (!sgm__scales(scaler, out, x, n)) return;
    for (long i = 0, d = scaler->d; i < n * d; i++)
        out[i] = (float)((x[i] - scaler->shift[i % d]) / scaler->scale[i % d]);
}
SGM_API void sgm_scaler_undo(const sgm_scaler *scaler, float *out, const float *x, long n) {
    if (!sgm__scales(scaler, out, x, n)) return;
    for (long i = 0, d = scaler->d; i < n * d; i++)
        out[i] = (float)(x[i] * scaler->scale[i % d] + scaler->shift[i % d]);
}
SGM_API double sgm_scaler_log_det(const sgm_scaler *scaler) {
    double sum = sgm__scales(scaler, NULL, NULL, 0) ? 0 : NAN;
    for (int k = 0; sum == sum && k < scaler->d; k++) sum += sgm__log(scaler->scale[k]);
    return sum;
}

/*
## §9.3 How far apart are two samples?

No single number answers that. Each measure below sees some differences and is blind to others, and
each has a *noise floor*: what it reads for two samples of one distribution. Print that reading,
exact against exact at the same sizes, beside every result: a number is small only compared with it.
Sums are in double and in a fixed order, so threads change the speed and no bit.

### Sliced Wasserstein

The *2-Wasserstein distance* is the root of the least mean squared way that mass must travel to turn
one sample into the other. On a line, mass that crosses other mass could as well have stopped in its
place, so the best plan keeps the order: quantile goes to quantile, and no search is needed. (The
*quantile* Q(u) is the number with the share u of the mass below it.) In many dimensions you look
along random directions e of length 1, and average:

$$\mathrm{SW}_2^2 = E_e \int_0^1 \left( Q_{e·a}(u) − Q_{e·b}(u) \right)^2 du \qquad(9.3)$$

Its unit is the data's. It sees *how far* mass is misplaced: a shift by v moves each projection by
e·v, of mean square |v|²/D since the D coordinates of e share a length of 1, and so reads |v|/√D. It
hardly sees a lost mode that is light or near, and in high dimension, where projections of almost
anything look Gaussian, little beyond means and variances. Its floor is positive and falls like
1/√n.

Both Q are staircases, with steps of 1/n_a and 1/n_b. Counting mass in units of 1/(n_a n_b) makes
the corners of both whole numbers, and the integral exact.
*/
static double sgm__w2_sorted(const double *a, long na, const double *b, long nb) {
    uint64_t at = 0, end_a = (uint64_t)nb, end_b = (uint64_t)na;
    double sum = 0;
    for (long i = 0, j = 0; i < na && j < nb;) {
        uint64_t end = end_a < end_b ? end_a : end_b;
        sum += (double)(end - at) * (a[i] - b[j]) * (a[i] - b[j]);
        if (end == end_a) i++, end_a += (uint64_t)nb;
        if (end == end_b) j++, end_b += (uint64_t)na;
        at = end;
    }
    return sum / ((double)na * (double)nb);
}

/* One slice. A vector of normals points everywhere alike; its length is divided out at the end. */
static double sgm__w2_along(
    double *work, const float *a, long na, const float *b, long nb, int d, sgm_key key) {
    double *direction = work, *pa = work + d, *pb = pa + na, length2 = 0;
    for (int k = 0; k < d; k++) direction[k] = sgm__normal1(key, (uint64_t)k);
    for (int k = 0; k < d; k++) length2 += direction[k] * direction[k];
    sgm__project(pa, a, na, d, direction);
    sgm__project(pb, b, nb, d, direction);
    return sgm__w2_sorted(pa, na, pb, nb) / length2;
}

/*
### Energy distance

Strangers against siblings (Székely & Rizzo 2013): are points of a farther from b than from a?

$$\mathcal{E} = 2E|a - b| - E|a - a'| - E|b - b'| \qquad(9.4)$$

On a line let P_a(u) be the share of a below u. The way from a to b crosses u if one of them lies
below it and the other does not, so $E|a − b| = ∫ P_a(1 − P_b) + P_b(1 − P_a)\, du$. Put that into
(9.4) three times, and what is left is $2 ∫ (P_a − P_b)²\, du$: never negative, and zero only for
equal laws. In D dimensions |x| is, up to a factor, the mean of |e·x| over all directions e, so the
same holds along each of them, and laws whose projections all agree are equal.

It has the unit of the data, needs no setting, and reads 2|v| for two point masses v apart. Large
scales drown fine texture in it: a thin manifold grown a little thick goes unnoticed. Pairs of a
point with itself are left out, so the estimate is unbiased: its floor scatters around zero like
1/n, and it may read negative. One point has no pairs: NaN.

### Maximum mean discrepancy

The same comparison with a similarity in place of the distance (Gretton et al. 2012, who call it a
kernel; it is none in the sense of (1.5)), one that falls off over a length h, the `width`:

$$\mathrm{MMD}^2 = E k(a, a') + E k(b, b') - 2 E k(a, b), \quad
k(x, y) = e^{−|x − y|²/2h²} \qquad(9.5)$$

With frequencies $f ∼ N(0, I/h²)$, $k(x, y) = E_f \cos f·(x − y)$. So MMD² is the mean squared
difference of the averages of sines and cosines over a and over b, those that change over a length
of h or more. It has no unit and lies between 0 and 2, up to noise. It sees differences at the scale
of h and little else: a large h sees means, a small one texture, until every point is alone and
nothing is similar. Look with several widths. Its floor scatters around zero like 1/n. Width 0 takes
the median distance of 500 pairs of points (§G.8).

Of two sets, the energy distance is twice the mean over pairs (a, b) less the means over pairs
within a and within b; MMD² is the same with the other sign, for k falls where distance grows:
*/
static double sgm__of_pair(double dist2, double width) {
    return width > 0 ? sgm__exp(-0.5 * (dist2 / width / width)) : sqrt(dist2);
}

static double sgm__excess(const float *a, long na, const float *b, long nb, int d, double w) {
    return 2 * sgm__pair_mean(a, na, b, nb, d, w) - sgm__pair_mean(a, na, NULL, 0, d, w) -
        sgm__pair_mean(b, nb, NULL, 0, d, w);
}

SGM_API double sgm_energy_distance(const float *a, long na, const float *b, long nb, int d) {
    const char *who = "sgm_energy_distance";
    if (sgm__usable(who, a, na, d, 2) || sgm__usable(who, b, nb, d, 2)) return NAN;
    return sgm__excess(a, na, b, nb, d, 0);
}

SGM_API double sgm_mmd2(const float *a, long na, const float *b, long nb, int d, double width) {
    if (!(width >= 0)) return sgm__bad("sgm_mmd2: width >= 0, got %g", width), NAN;
    if (sgm__usable("sgm_mmd2", a, na, d, 2) || sgm__usable("sgm_mmd2", b, nb, d, 2)) return NAN;
    if (width == 0) width = sgm__median_distance(a, na, b, nb, d);
    return -sgm__excess(a, na, b, nb, d, width);
}

/*
Against a law on a line that can be written down, compare distribution functions (Kolmogorov and
Smirnov) or counts in bins (χ²): `tutorial/statistics.h` has both, with their p-values.

## §9.4 Fisher divergence: two scores

Where you have scores, compare them directly, at points of the law whose score you trust:

$$\mathrm{FD}(t) = E_{x∼p_t} ‖ s_a(x, t) - s_b(x, t) ‖² \qquad(9.6)$$

Its unit is 1/data². It is the excess that score matching minimises (2.9), and its floor is zero:
equal scores differ nowhere. But it is local: inside a far mode no score knows that mode's weight,
so at small t mixtures with weights 1:1 and 9:1 look alike to it. The standard error is a mean's;
mean and squares are brought up to date point by point (Welford), so that no digits are lost.
*/
SGM_API sgm_status sgm_fisher(double *divergence, double *se, const sgm_score *a,
    const sgm_score *b, const float *x, double t, long n) {
    float *s[2] = {NULL, NULL};
    double mean = 0, squares = 0;
    if (divergence) *divergence = NAN;
    if (se) *se = NAN;
    if (!divergence) return sgm__bad("sgm_fisher needs a place for the divergence");
    SGM__TRY(sgm__two_scores(s, a, b, x, t, n));
    for (long i = 0, d = a->d; i < n; i++) {
        double q = sgm__dist2(s[0] + i * d, s[1] + i * d, a->d), off = q - mean; /* (9.6) */
        mean += off / (double)(i + 1);
        squares += off * (q - mean);
    }
    sgm__free(s[0]);
    *divergence = mean;
    if (se && n > 1) *se = sqrt(squares / (double)(n - 1) / (double)n);
    return SGM_OK;
}

/*
## §9.5 Images

An image is a point in as many dimensions as it has pixels, and there neighbouring pixels tell the
same story: distances between raw images say little. So train a small classifier on the labels, a
network of chapter 3, and note the values of the last layer before its logits, (n,D) numbers called
*features* (proof 22 does it in thirty lines). The measures below take any features, whoever made
them; two results compare only under one network.

### Pixels are whole numbers

A density on $[0,1]^D$ can put as much mass on the 256 values of a pixel as it likes, and then
log p(x) has no bound. Add noise u, uniform on (0,1), that fills the gaps: $x = (k + u)/L$ for level
k of L. The probability of image k is the mass in its cell, of volume $L^{−D}$, so
$P(k) = L^{−D} E_u p(x)$; and the logarithm of a mean is no less than the mean of the logarithms
(Jensen's inequality), so

$$\log P(k) ≥ E_u \log p(x) − D \log L, \qquad
\mathrm{bits/dim} = \frac{−\log p(y) + \sum_k \log \mathrm{scale}_k + D \log L}{D \log 2}
\qquad(9.7)$$

where y is x after the scaler of (9.2), and log 2 turns nats into bits. Forget D log L and the
result is log₂ L bits too good, 8 for bytes. The noise takes as many values as a float can tell
apart, so that ⌊xL⌋ gives back the level, whatever it was.
*/
SGM_API sgm_status sgm_dequantise(float *x, long n, int levels, sgm_key key) {
    SGM__TRY(sgm__on_levels(x, n, levels));
    double cells = floor(8388608.0 / levels);
    for (long i = 0; i < n; i++) {
        double u = (floor(sgm__uniform53(key, (uint64_t)i) * cells) + 0.5) / cells;
        x[i] = (float)((floor((double)x[i] * (levels - 1) + 0.5) + u) / levels);
    }
    return SGM_OK;
}

SGM_API double sgm_bits_per_dim(double logp, int d, double log_det, int levels) {
    if (d < 1 || levels < 1) return sgm__bad("sgm_bits_per_dim: d >= 1, levels >= 1"), NAN;
    return ((log_det - logp) / d + sgm__log(levels)) / SGM__LN2;
}

/*
### Fréchet distance

Take two sets of features for Gaussians of means μ and covariances C. A linear map takes one to the
other: the symmetric $T = C_a^{−½} (C_a^{½} C_b C_a^{½})^{½} C_a^{−½}$, for which $T C_a T = C_b$.
Symmetric and positive, it is the gradient of a convex function, and such a map is to many
dimensions what one that keeps the order is to a line: no exchange of targets shortens the way. So
the squared 2-Wasserstein distance is $|μ_a − μ_b|² + E|a − Ta|²$ for the centred a. Its cross term
is $E\, a·Ta = \mathrm{tr}\, T C_a$, which leaves (Dowson & Landau 1982; FID in Heusel et al. 2017)

$$|μ_a − μ_b|² + \mathrm{tr}\left( C_a + C_b − 2 (C_a^{½} C_b C_a^{½})^{½} \right) \qquad(9.8)$$

It sees means and covariances of features and nothing else. Its floor is positive. For D independent
features of variance 1 and two samples of n, the means differ by 2D/n; the second term is
¼‖C_a − C_b‖² for matrices near I, where D² entries differ by 1/n + 1/n and those of the diagonal by
twice that: in all (D² + 5D)/(2n) while n ≫ D. Never compare across sizes. A covariance without full
rank leaves roots of rounding errors, 10⁻⁸ of its largest variance in each dimension.
*/
SGM_API double sgm_frechet(const float *a, long na, const float *b, long nb, int d) {
    const char *who = "sgm_frechet";
    if (sgm__usable(who, a, na, d, 2) || sgm__usable(who, b, nb, d, 2)) return NAN;
    size_t D = (size_t)d, square = sgm__times(D, D);
    double sum = 0, *mean_a = (double *)sgm__alloc(sgm__times(4, square) + 2 * D, sizeof sum);
    if (!mean_a) return NAN;
    double *mean_b = mean_a + d, *ca = mean_b + d, *cb = ca + square;
    sgm__mean_cov(mean_a, ca, a, na, d);
    sgm__mean_cov(mean_b, cb, b, nb, d);
    for (size_t k = 0; k < D; k++)
        sum += (mean_a[k] - mean_b[k]) * (mean_a[k] - mean_b[k]) + ca[k * D + k] + cb[k * D + k];
    sum -= 2 * sgm__trace_root(ca, cb, cb + square, cb + 2 * square, d);
    sgm__free(mean_a);
    return fmax(0, sum);
}

/*
### Neighbours: fidelity, variety, memory

Around each point of a set draw the ball that reaches to its k-th neighbour in the set; the union is
a picture of where the set lives. *Precision* is the share of generated points that lie in the
picture of the real ones, *recall* the share of real points in that of the generated ones
(Kynkäänniemi et al. 2019):

$$\mathrm{precision} = \frac1{n_b} \#\{ b : |b - a| ≤ r_k(a) \text{ for some } a \}, \qquad
\mathrm{recall} = \text{the same, } a \text{ and } b \text{ exchanged} \qquad(9.9)$$

A lost mode lowers recall alone, a blurred one precision. Two samples of one law read below 1, the
less the higher D: print that floor. One far outlier draws a huge ball.

A model that learnt its data by heart has perfect marks in all of that. Look at the distance of each
generated point from its nearest *training* point (`sgm_nearest`): if it tends to be below that of
fresh points of the same law, the model remembers, and a Kolmogorov–Smirnov test of the two lists of
distances says how sure that is.
*/
/* Whether point a lies within the radius of some point of b. */
static int sgm__is_covered(const float *a, const float *b, const double *radius, long nb, int d) {
    long j = 0;
    while (j < nb && !(sqrt(sgm__dist2(a, b + j * d, d)) <= radius[j])) j++;
    return j < nb;
}

/*
## §9.6 Details that have caused bugs

- Pairs of a point with itself bias energy distance and MMD by 1/n, the size of what you look for.
- Distance to the *training* points rewards copying them: measure against fresh ones.
- A number without its floor, or compared with one of another n or of another network's features.
- A scaler fitted to test data or samples for themselves hides a shift of their mean.
- Columns of an image scaled each for itself: dead pixels at the border become the largest numbers.

## §9.7 Something to run

`make 17` prints the energy distance of samples to exact ones beside that of two exact sets, and
fails where it is more than five of its standard deviations. `make 22` draws digits, trains on them,
and prints Fréchet distance, precision, recall and the test of memory beside those of fresh digits.
*/

/*
# 10. A fitted model

Nine chapters gave you parts. This one is their summary: a table goes in, with whole numbers, words,
gaps and weights as people have them, or a set of small pictures; everything that must be chosen is
chosen by the data and told; and the fitted model then answers every question that a density can
answer. Each answer below is a few calls of the chapters before.

## §10.1 A row becomes a point

The process of chapter 1 moves points of $R^D$ whose coordinates are alike. The rows of a table are
not such points, so each is *encoded*, by steps that can all be undone.

**A number** v may be skewed or have heavy tails, and the noise of one size suits it badly. It is
centred, divided by a unit and *bent* by the sinh–arcsinh map (Jones & Pewsey 2009), which is smooth
and goes from −∞ to ∞ whatever its tail weight δ > 0 and its skew ε are:

$$y = \frac{\sinh(δ \mathrm{asinh}(x) − ε) − \mathrm{shift}}{\mathrm{scale}}, \quad
x = \frac{v − \mathrm{centre}}{\mathrm{unit}} \qquad(10.1)$$

δ < 1 pulls long tails in, as a logarithm does; ε ≠ 0 treats the two sides differently; δ = 1 and
ε = 0 change nothing. All four are chosen so that y is as likely as possible under N(0,1).

**A whole number** k stands for the interval [k − ½, k + ½]: a draw of U(−½, ½) is added
(*dequantisation*, as of pixels in §9.5), and the result is a number. The density of the sum, averaged over
the interval, is the probability of k.

**A category** of K levels becomes the ⌈log₂ K⌉ bits of its index, each ±1 plus normal noise of
standard deviation ¼. So the levels lie as clouds four deviations from the planes between them; a
sample's level is that of the nearest cloud. Rounding errs in one of 30 000.

If w is what was added and q its density, the probability of a row whose categories and
whole numbers are known is an integral over what might have been added, and a mean over draws of it
is right on the average:

$$p(\mathrm{row}) = ∫ p_v(\mathrm{row} + w)\, dw = E_{w ∼ q} \frac{p_v(\mathrm{row} + w)}{q(w)}
\qquad(10.2)$$

For a model that has learnt q every draw gives the same. Bending changes densities by its slope, and
with u = asinh(x) and y before shift and scale, $dy/dx = δ \cosh(δu − ε)/\sqrt{1 + x^2}$, so

$$\log p_v = \log p_z + \log |\det \mathrm{turn}| + \sum_k \left( \log δ_k
+ ½ \log \frac{1 + y_k^2}{1 + x_k^2} − \log \mathrm{unit}_k\, \mathrm{scale}_k \right)
\qquad(10.3)$$

**Turning.** Columns are correlated, sometimes so much that the cloud of rows is a pancake. Noise of
one size then drowns the thin directions long before it reaches the wide ones. With C the covariance of
y = the bent coordinates, shrunk a little towards its diagonal so that few rows do not invent thin directions,
and its eigenvalues Λ along axes U,

$$z = Λ^{−½} U^T y, \qquad C = U Λ U^T \qquad(10.4)$$

has unit covariance, and a Gaussian table becomes the standard normal law. For that law the network's part
F of (2.10) is zero: a network whose last layer starts at zero *is* the Gaussian with
the table's means and covariances, and training can only add to it.
*/
static double sgm__asinh(double x) {
    const double a = fabs(x), r = sgm__log1p(a + a * a / (1 + sqrt(1 + a * a)));
    return x < 0 ? -r : r;
}
static double sgm__sinh(double x) { /* as far as ±1e13 */
    const double e = sgm__expm1(fmin(fabs(x), 30)), r = 0.5 * (e + e / (1 + e));
    return x < 0 ? -r : r;
}

/* (10.1), and log |dy/dv|, the bracket of (10.3). */
static double sgm__bend(const sgm_coordinate *c, double v, double *log_slope) {
    const double x = (v - c->centre) / c->unit;
    const int straight = c->tail == 1 && c->skew == 0;
    const double y = straight ? x : sgm__sinh(c->tail * sgm__asinh(x) - c->skew);
    *log_slope = -sgm__log(c->unit * c->scale);
    if (!straight)
        *log_slope += sgm__log(c->tail) + 0.5 * (sgm__log1p(y * y) - sgm__log1p(x * x));
    return (y - c->shift) / c->scale;
}

static double sgm__unbend(const sgm_coordinate *c, double y) {
    double x = y * c->scale + c->shift;
    if (c->tail != 1 || c->skew != 0) x = sgm__sinh((sgm__asinh(x) + c->skew) / c->tail);
    return c->centre + c->unit * x;
}

enum { SGM__NOISE_IN = 4 }; /* 1/standard deviation of what is added to a bit */

/* The number that coordinate k of a row is about, with what is added to it drawn; NaN: not known.
log_q: log density of the addition. */
static double sgm__code_value(const sgm_code *code, const sgm_column *column, const double *row,
    int k, sgm_key key, uint64_t i, double *log_q) {
    const sgm_coordinate *c = &code->at[k];
    const double v = row[c->column];
    const uint64_t draw = i * (uint64_t)code->width + (uint64_t)k;
    *log_q = 0;
    if (v != v || column[c->column].kind == SGM_KIND_NUMBER) return v;
    if (c->bit < 0) return v + sgm__uniform53(key, draw) - 0.5;
    const double z = sgm__normal1(key, draw);
    *log_q = -0.5 * z * z - SGM__HALF_LOG_2PI + sgm__log(SGM__NOISE_IN);
    return ((int)v >> c->bit & 1 ? 1 : -1) + z / SGM__NOISE_IN;
}

/* Row i of a call → y(width) before it is turned; the sum of (10.3) less log q. known(width), if not
NULL: 1 where it is. What is not known is a draw of N(0,1): §10.4. */
static double sgm__code_row(const sgm_fitted *f, double *y, float *known, const double *row,
    sgm_key key, uint64_t i) {
    const sgm_code *code = &f->code;
    const sgm_key fill = sgm_key_split(key, 1);
    double sum = code->log_turn, slope, log_q;
    for (int k = 0; k < code->width; k++) {
        double v = sgm__code_value(code, f->table.column, row, k, key, i, &log_q);
        if (known) known[k] = v == v;
        if (v == v) {
            y[k] = sgm__bend(&code->at[k], v, &slope);
            sum += slope - log_q;
        } else {
            y[k] = sgm__normal1(fill, i * (uint64_t)code->width + (uint64_t)k);
            sum += 0.5 * y[k] * y[k] + SGM__HALF_LOG_2PI;
        }
    }
    return sum;
}

/* z = m y of one row, or z = y where there is no m. */
static void sgm__code_turn(const sgm_code *code, const double *m, float *z, const double *y) {
    for (long k = 0, n = code->width; k < n; k++) {
        double sum = m ? 0 : y[k];
        for (long j = 0; m && j < n; j++) sum += m[k * n + j] * y[j];
        z[k] = (float)sum;
    }
}

/* The level whose bits are nearest to the coordinates from v on. */
static int sgm__nearest_level(const double *v, int bits, int levels) {
    int best = 0;
    double least = HUGE_VAL;
    for (int k = 0; k < levels; k++) {
        double far = 0;
        for (int b = 0; b < bits; b++) {
            const double miss = v[b] - (k >> b & 1 ? 1 : -1);
            far += miss * miss;
        }
        if (far < least) least = far, best = k;
    }
    return best;
}

/* The way back: y = back z, unbent; whole numbers and levels by rounding, within what was seen. */
static void sgm__decode_row(const sgm_fitted *f, double *row, double *v, const float *z) {
    const sgm_code *code = &f->code;
    const long n = code->width;
    for (int j = 0; j < code->columns; j++) row[j] = code->low[j]; /* of those that are constant */
    for (long k = 0; k < n; k++) {
        double y = code->back ? 0 : z[k];
        for (long j = 0; code->back && j < n; j++) y += code->back[k * n + j] * z[j];
        v[k] = sgm__unbend(&code->at[k], y);
    }
    for (int k = 0; k < n; k++) {
        const int j = code->at[k].column, bit = code->at[k].bit;
        if (f->table.column[j].kind == SGM_KIND_NUMBER) row[j] = v[k];
        else if (bit < 0) row[j] = fmin(code->high[j], fmax(code->low[j], floor(v[k] + 0.5)));
        else if (bit == 0)
            row[j] = sgm__nearest_level(
                v + k, sgm__level_bits(f->table.column[j].n_levels), f->table.column[j].n_levels);
    }
}

/*
## §10.2 What is chosen, and by what

A part of the rows, drawn by the key, is *held out*: nothing is learnt from it, and it chooses.

| what | how it is chosen |
|------|------------------|
| the bends (10.1) of each column | greatest likelihood of its values under N(0,1), if it gains more than a straight line by three halves of log n |
| the shrinkage before (10.4) | least mean −log p of the rows held out, under the Gaussian |
| $σ_{max}$ | the least at which (1.10) is below a thousandth of a nat |
| width and depth of the network, batch, the most steps | by the size of the table: more rows can feed more parameters |
| the number of steps | least loss of the rows held out (§4.7), of the averaged parameters |
| $σ_{min}$, where the density is read | least mean −log p of the rows held out |
| steps of the sampler | the fewest of 8, 16, … after which twice as many move no sample by more than 2 % of a deviation, in the root mean square |

All of it stands in the report, beside two baselines that every density must beat: the Gaussian of
all columns, and a *kernel density estimate*, a normal law of one width around each row.

Rows have *weights* where some count more than others: a row of weight 2 is one that is there twice.
So before each *epoch* (as many draws as there are rows) rows are drawn in proportion to their weights, by one uniform
number and equal steps through the sum: none that is due twice is drawn fewer than two times.
What is added to whole numbers and bits is drawn anew at the same time, so that no
network can learn one addition by heart.
*/
/* The rows of the next epoch: all, or those on which equal steps through the weights fall. */
static void sgm__fit_draw(sgm__fitting *q, uint64_t epoch) {
    const sgm_key key = sgm_key_split(q->key, 3);
    const double each = q->weights ? q->weights[q->n - 1] / (double)q->n : 0;
    const double start = sgm__uniform53(key, epoch);
    for (long i = 0, j = 0; i < q->n; i++) {
        while (q->weights && j < q->n - 1 && q->weights[j] <= (start + (double)i) * each) j++;
        q->pick[i] = q->row[q->weights ? j : i];
    }
}

/* One epoch's points, from rows and additions drawn for it. */
static sgm_status sgm__fit_epoch(sgm__fitting *q, uint64_t epoch) {
    if (epoch > 0 && !q->again) return SGM_OK; /* nothing is drawn: they are those of before */
    sgm__fit_draw(q, epoch);
    return sgm__encode(q->f, q->z, q->known, NULL, q->table->x, q->pick, q->n,
        sgm_key_split(sgm_key_split(q->key, 4), epoch));
}

/* The loss of the rows held out, by the averaged parameters and always the same noise. The best
parameters so far are kept. */
static sgm_status sgm__fit_look(sgm__fitting *q) {
    sgm_dsm_result r;
    sgm_condition told;
    sgm_score score;
    SGM__TRY(sgm__fitted_told(q->f, &told, &score, q->known_held, q->held));
    SGM__TRY(sgm_dsm(&r, &score, NULL, q->z_held, q->held, &q->run.o.loss, q->draws,
        sgm_key_split(q->key, 5)));
    q->news.held_loss = r.loss, q->worse++;
    if (r.loss < q->news.best_loss || q->run.step == 0) {
        q->news.best_loss = r.loss, q->worse = 0, q->f->report.best_step = q->run.step;
        sgm__held_copy(q->f->model, q->best, 0);
    }
    return SGM_OK;
}

/* The steps of §4.8, a look now and then, and the end: all are done, patience is, or the user. */
static sgm_status sgm__fit_train(sgm__fitting *q) {
    sgm_fit_report *r = &q->f->report;
    const long epoch = (q->n + q->run.o.batch - 1) / q->run.o.batch;
    SGM__TRY(sgm__fit_look(q));
    while (!sgm_trainer_done(&q->run) && !r->stopped) {
        if (q->run.step % epoch == 0)
            SGM__TRY(sgm__fit_epoch(q, (uint64_t)(q->run.step / epoch)));
        SGM__TRY(sgm_trainer_step(&q->run));
        if (q->run.step % q->every && q->run.step < q->run.o.steps) continue;
        SGM__TRY(sgm__fit_look(q));
        if (q->o.patience > 0 && q->worse >= q->o.patience) r->stopped = 2;
        if (sgm__fit_tell(q, "training")) r->stopped = 1;
    }
    r->steps = q->run.step;
    sgm__held_copy(q->f->model, q->best, 1);
    return SGM_OK;
}

/* Where the density is read: from the roughest σ_min down, as long as the rows held out gain. */
static sgm_status sgm__fit_sigma(sgm__fitting *q) {
    static const double sigma[] = {0.2, 0.1, 0.05, 0.02, 0.01, 0.005};
    sgm_sde *sde = &q->f->model->o.sde;
    double best = HUGE_VAL, found = q->o.sigma_min, nll;
    for (int i = 0; q->o.sigma_min <= 0 && i < 6; i++) {
        sde->a = sde->t_min = sigma[i];
        SGM__TRY(sgm__fit_nll(q, q->held < 200 ? q->held : 200, &nll));
        if (!(nll < best)) break;
        best = nll, found = sigma[i];
    }
    sde->a = sde->t_min = q->f->report.sigma_min = found;
    return SGM_OK;
}

/* The fewest steps of DPM-Solver++(2M) that twice as many hardly improve, from the same noise. */
static sgm_status sgm__fit_sampler(sgm__fitting *q) {
    enum { N = 256 };
    const long D = q->f->code.width;
    const sgm_key key = sgm_key_split(q->key, 6);
    sgm_fit_report *r = &q->f->report;
    float *z = (float *)sgm__alloc(sgm__times(2 * N, (size_t)D), sizeof *z);
    if (!z) return SGM_NO_MEMORY;
    sgm_status status = sgm__fitted_draw(q->f, z, N, 0, N, 8, key);
    r->method = SGM_METHOD_DPMPP_2M, r->sample_steps = 8;
    for (double move = 1; !status && move > 0.02 && r->sample_steps < 256;) {
        status = sgm__fitted_draw(q->f, z + N * D, N, 0, N, 2 * r->sample_steps, key);
        move = 0;
        for (long i = 0; i < N * D; i++) {
            const double by = z[i] - z[N * D + i];
            move += by * by / (double)(N * D);
        }
        move = sqrt(move);
        if (move > 0.02) r->sample_steps *= 2;
        memcpy(z, z + N * D, (size_t)(N * D) * sizeof *z);
    }
    sgm__free(z);
    return status;
}

SGM_API sgm_status sgm_fit(
    sgm_fitted *fitted, const sgm_table *table, const sgm_fit_options *options, sgm_key key) {
    sgm__fitting q;
    SGM__TRY(sgm__fit_start(&q, fitted, table, options, key)); /* checks; which rows are held out */
    sgm_status status = sgm__fit_code(&q);                     /* §10.1 */
    if (!status) status = sgm__fit_model(&q);                  /* network, σ_max, trainer */
    if (!status) status = sgm__fit_epoch(&q, 0);
    if (!status) status = sgm__fit_train(&q);
    if (!status) status = sgm__fit_sigma(&q);
    if (!status) status = sgm__fit_sampler(&q);
    if (!status) status = sgm__fit_measure(&q); /* the rest of the report */
    sgm__fit_end(&q, status);
    return status;
}

/*
## §10.3 Two questions: new rows, and how likely a row is

**Sampling** is chapter 5's and 7's: noise of $σ_{max}$, the chosen steps, then the way back from z
to a row. The steps are those of the probability-flow ODE, so samples and densities belong to one law.

**The log density** is (7.14) at the encoded row, plus (10.3); with whole numbers or categories the
mean of (10.2) over a few draws. Its error has three parts, whose squares add up: what the draws
leave, what the probes of the trace leave (7.15, where there are many coordinates; else none), and
what the steps leave: the change from half as many, over 15, for a solver of order 4 leaves a
sixteenth.
*/
SGM_API sgm_status sgm_fitted_sample(const sgm_fitted *f, double *x, long n, sgm_key key) {
    SGM__TRY(sgm__fitted_check(f, x, n));
    const long D = f->code.width, most = 1 + 1048576 / D;
    float *z = (float *)sgm__alloc(sgm__times((size_t)(n < most ? n : most), (size_t)D), sizeof *z);
    sgm_status status = z ? SGM_OK : SGM_NO_MEMORY;
    for (long first = 0; first < n && !status; first += most) {
        const long m = n - first < most ? n - first : most;
        status = sgm__fitted_draw(f, z, m, first, n, f->report.sample_steps, key);
        if (!status) sgm_fitted_decode(f, x + first * f->table.d, z, m);
    }
    sgm__free(z);
    return status;
}

/* log p of m ≤ SGM__ASKED rows, of which each has `draws` additions, into logp and se. */
static sgm_status sgm__logp_block(const sgm__asking *q, double *logp, double *se, const double *x,
    long first, long m) {
    const long K = q->draws, all = m * K;
    SGM__TRY(sgm__logp_encode(q, x, first, m)); /* q->z, q->known, q->slope of all draws */
    SGM__TRY(sgm__logp_ode(q, q->fine, q->fine_se, all, q->steps));
    if (se) SGM__TRY(sgm__logp_ode(q, q->rough, NULL, all, q->steps / 2));
    for (long i = 0; i < m; i++) {
        double top = -HUGE_VAL, sum = 0, square = 0, probes = 0, steps = 0;
        for (long k = i * K; k < (i + 1) * K; k++) {
            q->fine[k] += q->slope[k]; /* (10.3) */
            top = fmax(top, q->fine[k]);
        }
        for (long k = i * K; k < (i + 1) * K && top > -HUGE_VAL; k++) {
            const double p = sgm__exp(q->fine[k] - top);
            sum += p, square += p * p;
            if (!se) continue;
            probes += p * p * q->fine_se[k] * q->fine_se[k];
            steps += p * (q->fine[k] - q->slope[k] - q->rough[k]) / 15;
        }
        logp[i] = top + (top > -HUGE_VAL ? sgm__log(sum / (double)K) : 0); /* (10.2) */
        if (!se) continue;
        const double spread = K > 1 ? (square / (sum * sum) * (double)K - 1) / (double)(K - 1) : 0;
        se[i] = sqrt(fmax(0, spread) + probes / (sum * sum) + steps * steps / (sum * sum));
        if (top == -HUGE_VAL) se[i] = 0;
    }
    return SGM_OK;
}

SGM_API sgm_status sgm_fitted_logp(const sgm_fitted *f, double *logp, double *se, const double *x,
    long n, sgm_key key) {
    sgm__asking q;
    SGM__TRY(sgm__fitted_check(f, x, n));
    if (!logp) return sgm__bad("log densities need a place for n values");
    SGM__TRY(sgm__rows_check(f, x, n));
    SGM__TRY(sgm__asking_init(&q, f, n, key));
    const long most = q.most / q.draws;
    sgm_status status = SGM_OK;
    for (long i = 0; i < n && !status; i += most)
        status = sgm__logp_block(&q, logp + i, se ? se + i : NULL, x, i, n - i < most ? n - i : most);
    sgm__free(q.fine);
    if (!status) status = sgm__logp_known(f, logp, se, x, n, key); /* §10.4; and what is impossible */
    return status;
}

/*
## §10.4 Values that are missing

A row with gaps still says something about the columns it has, and about their joint law. Give every
missing coordinate a law of its own, N(0, 1) and independent of all else, and tell the network which
they are, by a *mask* of ones and zeros as its condition (§8.1). For each pattern of gaps O the
points then have one law,

$$p(z \mid O) = p(z_O) ∏_{k ∉ O} N(z_k; 0, 1) \qquad(10.5)$$

and denoising score matching learns its score: of $z_O$ what the rows that know O say, of the others
F = 0, which needs no learning: the network multiplies x and F by the mask. Rows of all
patterns teach one network. Told that all is known it is the score of whole rows; told O it is that
of the part, so $\log p(z_O)$ is the ODE's answer less that of the filled coordinates. This rests on
gaps that do not depend on the values they hide (*missing at random*, given what is known).

A turn (10.4) would mix known and unknown, so a table with gaps is not turned.
*/
SGM_API sgm_tensor *sgm_table_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_net_in seen = *in;
    if (!in->cond) return sgm_tape_refuse(tape, "sgm_table_net needs a mask: set the model's cond to d");
    seen.x = sgm_mul(tape, in->x, in->cond);
    return sgm_mul(tape, sgm_residual_mlp(tape, &seen), in->cond);
}

/*
# Part III: the workshop

What makes the library fast and safe. Nothing here changes what Part II says: each fast form is held
against the plain one by a test.
*/

/*
# A. Ground

## §A.1 Errors and memory

Every error of the library passes through the one function below: set a breakpoint on it and you see
any of them happen. It keeps the message for `sgm_error` and returns the status, so that the place
of the error reads `return sgm__fail(SGM_BAD_ARGUMENT, "…")`.
*/
static SGM__THREAD_LOCAL char sgm__message[512];

/* How many bytes the UTF-8 character at s takes; 0 where there is none, or the text ends. */
static int sgm__utf8(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    const int n = *s < 0x80 ? *s > 0 : *s < 0xc2 || *s > 0xf4 ? 0 : 2 + (*s >= 0xe0) + (*s >= 0xf0);
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || /* too long; a surrogate */
            (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f)
        ? 0
        : n;
}

static size_t sgm__utf8_bytes(const char *s) {
    const char *end = s;
    for (int n; (n = sgm__utf8(end)) > 0;) end += n;
    return (size_t)(end - s);
}

/* A message may quote a file or a name: what would command a terminal is written as \xNN. */
static sgm_status sgm__fail(sgm_status status, const char *format, ...) {
    char text[sizeof sgm__message], *to = sgm__message;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const char *s = text; *s && to < sgm__message + sizeof text - 8;) {
        const unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];
        int n = c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0) ? 0 : sgm__utf8(s);
        if (n == 0) s++, to += snprintf(to, 5, "\\x%02x", c);
        for (; n > 0; n--) *to++ = *s++;
    }
    *to = 0;
    return status;
}

/* An empty score, model or sampler is what a call left that failed. If nobody looked, this is the
place where it shows: the reason, which was said then, must not be lost. */
static sgm_status sgm__empty(const char *need) {
    char first[sizeof sgm__message];
    memcpy(first, sgm__message, sizeof first);
    if (!first[0] || strstr(first, need)) return sgm__bad("%s", first[0] ? first : need);
    return sgm__bad("%.300s (and then: %s)", first, need);
}

SGM_API const char *sgm_error(void) { return sgm__message; }

SGM_API const char *sgm_status_name(sgm_status status) {
    static const char *const names[] = {"SGM_OK", "SGM_BAD_ARGUMENT", "SGM_NO_MEMORY",
        "SGM_NO_FILE", "SGM_BAD_FILE", "SGM_MISMATCH", "SGM_NOT_FINITE", "SGM_NOT_LEARNT"};
    return (unsigned)status <= SGM_NOT_LEARNT ? names[status] : "unknown status";
}

/* Zeroed memory for count things of a size, or NULL with the error set: also where their product
would overflow. It starts at a whole cache line, so that no vector straddles two; where the
allocator's own block starts is noted just before it. */
static void *sgm__alloc(size_t count, size_t size) {
    char *block = NULL;
    size_t room = 64 + sizeof block;
    if (count == 0) count = 1;
    if (size > 0 && count <= ((size_t)-1 / 2 - room) / size)
        block = (char *)SGM_MALLOC(count * size + room);
    if (!block) {
        sgm__fail(
            SGM_NO_MEMORY, "no memory for %.0f things of %.0f bytes", (double)count, (double)size);
        return NULL;
    }
    char *p = (char *)(((size_t)block + room) & ~(size_t)63);
    memcpy(p - sizeof block, &block, sizeof block);
    return memset(p, 0, count * size);
}

/* A count for sgm__alloc: a·b, or so many that it will say no, and room to add some. */
static size_t sgm__times(size_t a, size_t b) {
    size_t most = (size_t)-1 / 4;
    return a > 0 && b > most / a ? most : a * b;
}

static void sgm__free(void *p) {
    void *block;
    if (!p) return;
    memcpy(&block, (char *)p - sizeof block, sizeof block);
    SGM_FREE(block);
}
SGM__FULLY

/*
NaN and infinity are the floats whose exponent bits are all ones. Looking at the bits costs nothing
and no compiler flag can talk the test away. The answer is the index of the first, or -1.
*/
static long sgm__first_bad(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        if ((bits & 0x7f800000u) == 0x7f800000u) return (long)i;
    }
    return -1;
}

/* n rows of width numbers, all finite: or which is not, and the cure. */
static sgm_status sgm__finite(
    const char *what, const float *x, long n, long width, const char *cure) {
    long bad = sgm__first_bad(x, (size_t)n * (size_t)width);
    if (bad < 0) return SGM_OK;
    return sgm__fail(SGM_NOT_FINITE, "%s %ld is not finite: %s", what, bad / width, cure);
}

/* No square of a float, nor a sum of them, is too large or too small for a double. */
static double sgm__square_sum(const float *x, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sum;
}

/* What a function that cannot report an error leaves in x(n,d) where it was asked for nonsense. */
static void sgm__unknown(float *x, long n, int d) {
    for (long i = 0; x && d > 0 && i < n; i++)
        for (int j = 0; j < d; j++) *x++ = (float)NAN;
}

#if defined(_WIN32) /* as <windows.h> has it, which may come before or after */
union _LARGE_INTEGER;
#ifdef __cplusplus
extern "C" {
#endif
__declspec(dllimport) int __stdcall QueryPerformanceCounter(union _LARGE_INTEGER *);
__declspec(dllimport) int __stdcall QueryPerformanceFrequency(union _LARGE_INTEGER *);
#ifdef __cplusplus
}
#endif
#endif

SGM_API double sgm_seconds(void) {
#if defined(SGM__UNIX)
    struct timeval now;
    gettimeofday(&now, NULL);
    return (double)now.tv_sec + 1e-6 * (double)now.tv_usec;
#elif defined(_WIN32)
    int64_t ticks = 0, rate = 1;
    QueryPerformanceCounter((union _LARGE_INTEGER *)(void *)&ticks);
    QueryPerformanceFrequency((union _LARGE_INTEGER *)(void *)&rate);
    return (double)ticks / (double)rate;
#else
    return (double)time(NULL);
#endif
}

/*
**Threads.** Work is divided into *parts* that do not touch one another, and never between two terms
of one sum. Threads take part after part until none is left. So a result does not depend on who
computes it, nor on how many they are. Three rules make this cheap, also on a machine that others
use:

- Who calls takes parts too, and waits only for parts that others have *begun*. A helper that the
  system does not let run is not missed.
- Who waits, for work or for the last part, looks again and again for some 30 μs (to be put to sleep
  and woken takes as long), and then sleeps. A thread that went on looking would use up the time
  that the system grants it, and have none when there is work.
- A part that asks for threads gets none, and so does a call that finds them taken by another.

Helpers are made when they are first wanted. They do not survive a `fork()`: a child makes its own.
`-fopenmp` asks for threads, and OMP_NUM_THREADS and omp_set_num_threads say how many; where there
are no POSIX threads, OpenMP makes them as well.
*/
static int sgm__most_threads;

SGM_API sgm_status sgm_set_threads(int n) {
    if (n < 0 || n > 1024)
        return sgm__bad("sgm_set_threads(%d): needs 1 to 1024 threads, or 0 for the default", n);
    SGM__STORE(&sgm__most_threads, n);
    return SGM_OK;
}

#ifdef SGM__THREADS
static SGM__THREAD_LOCAL int sgm__in_part;
static long sgm__joins; /* how often a thread has waited for others: tests count */
#endif

SGM_API int sgm_threads(void) {
    int n = 1;
#ifdef SGM__THREADS
    n = sgm__in_part ? 1 : SGM__LOAD(&sgm__most_threads);
    if (n == 0) n = omp_get_max_threads();
    if (n > 1 && omp_in_parallel()) n = 1;
#endif
    return n;
}

#ifdef SGM__THREADS
static int sgm__team(int most, long parts) { /* how many threads so many parts are for */
    const int n = parts < 2 ? 1 : sgm_threads();
    return (int)(n < most ? n < parts ? n : parts : most < parts ? most : parts);
}
#endif

#ifdef SGM__POOL
enum { SGM__LOOKS = 1500 };
#if defined(__x86_64__) || defined(__i386__)
#define SGM__PAUSE() __builtin_ia32_pause()
#else
#define SGM__PAUSE() __asm__ volatile("" ::: "memory")
#endif

typedef struct sgm__pool_state {
    pthread_mutex_t owner, lock; /* held by who has the pool; for all that follows */
    pthread_cond_t work, done;
    long ticket;                           /* of the job */
    int helpers, asleep, let_in, inside;   /* exist, sleep, may still enter, have begun */
    sgm__job job;
    void *what;
    long parts, next;
} sgm__pool_state;

#define SGM__NEW_POOL \
    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, \
        PTHREAD_COND_INITIALIZER, 0, 0, 0, 0, 0, NULL, NULL, 0, 0}
static sgm__pool_state sgm__pool = SGM__NEW_POOL;

static void sgm__in_child(void) {
    static const sgm__pool_state fresh = SGM__NEW_POOL;
    sgm__pool = fresh;
}

static void sgm__take_parts(int hand) {
    const sgm__job job = sgm__pool.job;
    void *what = sgm__pool.what;
    for (long i; (i = SGM__TAKE(&sgm__pool.next)) < sgm__pool.parts;) job(what, i, hand);
}

static void *sgm__helper(void *unused) {
    sgm__pool_state *p = &sgm__pool;
    long seen = 0;
    sgm__in_part = 1;
    for (;;) {
        for (int i = 0; i < SGM__LOOKS && SGM__LOAD(&p->ticket) == seen; i++) SGM__PAUSE();
        pthread_mutex_lock(&p->lock);
        p->asleep++;
        while (p->ticket == seen) pthread_cond_wait(&p->work, &p->lock);
        p->asleep--, seen = p->ticket;
        const int hand = p->let_in;
        if (hand) p->let_in--, SGM__STORE(&p->inside, p->inside + 1);
        pthread_mutex_unlock(&p->lock);
        if (!hand) continue;
        sgm__take_parts(hand);
        pthread_mutex_lock(&p->lock);
        SGM__STORE(&p->inside, p->inside - 1);
        if (p->inside == 0) pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->lock);
    }
    return unused;
}

/* More helpers, up to so many, if the system has them; the caller's signals are not for them. */
static void sgm__helpers(int wanted) {
    static int watched;
    sigset_t all, before;
    pthread_attr_t how;
    pthread_t thread;
    if (sgm__pool.helpers >= wanted || pthread_attr_init(&how)) return;
    if (!watched) watched = pthread_atfork(NULL, NULL, sgm__in_child) == 0;
    sigfillset(&all), pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&how, (size_t)4 << 20);
    while (sgm__pool.helpers < wanted && !pthread_create(&thread, &how, sgm__helper, NULL))
        sgm__pool.helpers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL), pthread_attr_destroy(&how);
}

static void sgm__share_among(int most, long parts, sgm__job job, void *what) {
    sgm__pool_state *p = &sgm__pool;
    const int team = sgm__team(most, parts);
    if (team < 2 || pthread_mutex_trylock(&p->owner)) {
        for (long i = 0; i < parts; i++) job(what, i, 0);
        return;
    }
    sgm__helpers(team - 1);
    pthread_mutex_lock(&p->lock);
    p->job = job, p->what = what, p->parts = parts, p->next = 0, p->let_in = team - 1;
    SGM__STORE(&p->ticket, p->ticket + 1);
    if (p->asleep) pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    sgm__in_part = 1, sgm__take_parts(0), sgm__in_part = 0;
    pthread_mutex_lock(&p->lock);
    p->let_in = 0;
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < SGM__LOOKS && SGM__LOAD(&p->inside); i++) SGM__PAUSE();
    pthread_mutex_lock(&p->lock);
    while (p->inside) pthread_cond_wait(&p->done, &p->lock);
    sgm__joins++;
    pthread_mutex_unlock(&p->lock), pthread_mutex_unlock(&p->owner);
}
#else
static void sgm__share_among(int most, long parts, sgm__job job, void *what) {
#ifdef SGM__THREADS
    const int team = sgm__team(most, parts);
    sgm__joins += team > 1;
#pragma omp parallel for schedule(dynamic) num_threads(team) if (team > 1)
    for (long i = 0; i < parts; i++) job(what, i, omp_get_thread_num());
#else
    for (long i = 0; i < parts; i++) job(what, i, 0);
    (void)most;
#endif
}
#endif

static void sgm__share(long parts, sgm__job job, void *what) {
    sgm__share_among(INT_MAX, parts, job, what);
}

/*
## §A.2 Keys: random numbers without a state

A generator with a hidden state gives thread 2 whatever thread 1 left over. A *counter-based* one is
a function: draw number i under key k is `philox(i, k)`, whoever asks and whenever. So a run repeats
exactly, on one thread or eight, and a sampler can be stopped, resumed or cut into chunks without
changing a bit.

Philox4x32 (Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3*, 2011) is ten
rounds of two 32×32→64 bit multiplications. Each round keeps the high halves as mixing and the low
halves as a bijection, and the key moves on by two odd constants (the golden ratio and √3 − 1).
*/
SGM_API void sgm_philox(uint32_t out[4], const uint32_t counter[4], sgm_key key) {
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
    uint32_t k0 = key.k[0], k1 = key.k[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * x0, p1 = (uint64_t)0xCD9E8D57u * x2;
        x0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0;
        x2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)p1;
        x3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

/* The counter's last word says what the draw is for, so that draws, children and shuffles of one
key never meet. */
enum { SGM__DRAWS = 0, SGM__CHILDREN = 1, SGM__SHUFFLE = 2 };

static void sgm__block(uint32_t out[4], sgm_key key, uint64_t i, uint32_t purpose) {
    const uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 32), 0, purpose};
    sgm_philox(out, counter, key);
}

SGM_API sgm_key sgm_key_init(uint64_t seed) {
    const sgm_key key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return key;
}

SGM_API sgm_key sgm_key_split(sgm_key key, uint64_t i) {
    uint32_t out[4];
    sgm_key child;
    sgm__block(out, key, i, SGM__CHILDREN);
    child.k[0] = out[0], child.k[1] = out[1];
    return child;
}

/*
## §A.3 Uniform and normal draws

A float holds 24 bits. 23 random bits and a half, `(w + ½)/2²³`, are exact in it and lie strictly
inside (0,1). The normals come in pairs from Box and Muller (1958):

$$z_1 = \sqrt{-2 \log u} \cos 2πv, \qquad z_2 = \sqrt{-2 \log u} \sin 2πv \qquad(A.1)$$

Rejection methods use an unknown number of words per draw, and then draw i would no longer be a
function of i; nor would they fill vector lanes. A pair has two words. An angle of more than 24 bits
would not be seen in a float, so the last 8 of the second word are the last of u, which has 40: the
largest value is √(2·41·log 2) = 7.54, beyond which one expects .05 of 10¹² normals. u lies in the
middle of its 2⁻⁴⁰, and v of its 2⁻²⁴.

The radius keeps its digits at both ends: where u ≥ ½, the word less 2³² becomes a float, which is
−g = u − 1 times 2³², and k = 0; elsewhere u is split into $2^{-k}(1 − g)$. Either way 0 < g ≤ ½ in

$$−2 \log u = 2 k \log 2 + g Q(g), \qquad Q(g) = −2 \log(1 − g)/g \qquad(A.2)$$

whose two terms are positive; Q, and sine and cosine of an eighth of a turn, are polynomials of
which the largest relative error is smallest: 2.4·10⁻⁸, 3.6·10⁻⁹ and 3.8·10⁻⁸. A normal's relative
error is below 3.5·10⁻⁷ and on average .5·10⁻⁷. There is no fused multiply-add here, so that
these bits are the same on processors without one.
*/
static const float sgm__q_c[] = {2.0f, 0.9999904633f, 0.6672642231f, 0.4873651564f, 0.5273824334f,
    -0.3619070053f, 2.417433739f, -3.279186487f, 2.829098940f};
static const float sgm__sin_c[] = {6.283185307f, -41.34167480f, 81.59394073f, -75.45339966f};
static const float sgm__cos_c[] = {1.0f, -19.73916245f, 64.92242432f, -83.62918854f};

static float sgm__horner(float x, const float *c, int n) {
    float p = c[n - 1];
    for (int i = n - 2; i >= 0; i--) p = p * x + c[i];
    return p;
}

/* (A.1) from two words: w the first 32 bits of u, v those of the angle and the rest of u. */
static void sgm__pair_ref(float z[2], uint32_t w, uint32_t v) {
    const float rest = (float)(v & 0xff) * (1 / 256.0f) + 1 / 512.0f;
    float t = (w >> 31 ? -(float)(0u - w) : (float)w) + rest, g = -t * (1 / 4294967296.0f), k = 0;
    if (w >> 31 == 0) {
        uint32_t bits;
        memcpy(&bits, &t, sizeof bits);
        k = (float)(158 - (int)(bits >> 23));
        bits = (bits & 0x7fffff) | 0x3f000000;
        memcpy(&t, &bits, sizeof t);
        g = 1 - t;
    }
    const float r = sqrtf(k * (float)(2 * SGM__LN2) + g * sgm__horner(g, sgm__q_c, 9));
    const uint32_t q = v + 0x20000000, quarter = q >> 30; /* the nearest; a: turns from there */
    const float from = (float)((int)((q & 0x3fffffff) >> 8) - 0x200000);
    const float a = (from + 0.5f) * (1 / 16777216.0f), a2 = a * a;
    const float s = a * sgm__horner(a2, sgm__sin_c, 4), c = sgm__horner(a2, sgm__cos_c, 4);
    const float along = quarter & 1 ? s : c, up = quarter & 1 ? c : s;
    z[0] = r * ((quarter + 1) & 2 ? -along : along);
    z[1] = r * (quarter & 2 ? -up : up);
}

/* The three laws: 4 draws from a block of words, but 8 numbers of a mask of 0, and 1/(1 - rate)
with probability 1 - rate: 16 bits must do for each, so the rate is kept to within 2⁻¹⁷. */
enum { SGM__LAW_UNIFORM, SGM__LAW_NORMAL, SGM__LAW_KEEP };

static uint32_t sgm__keep_least(float rate) { return (uint32_t)(rate * 65536.0 + 0.5); }

static void sgm__draw_ref(int law, size_t n, uint64_t first, sgm_key key, float rate, float *y) {
    const unsigned each = law == SGM__LAW_KEEP ? 8 : 4;
    const uint32_t least = sgm__keep_least(rate);
    const float kept = 1 / (1 - rate);
    while (n > 0) {
        const unsigned skip = (unsigned)(first % each);
        const size_t some = n < each - skip ? n : each - skip;
        uint32_t w[4];
        float x[8];
        sgm__block(w, key, first / each, SGM__DRAWS);
        for (int i = 0; i < 4 && law == SGM__LAW_UNIFORM; i++)
            x[i] = ((float)(w[i] >> 9) + 0.5f) * (1.0f / 8388608.0f);
        for (int i = 0; i < 4 && law == SGM__LAW_NORMAL; i += 2)
            sgm__pair_ref(x + i, w[i], w[i + 1]);
        for (int i = 0; i < 4 && law == SGM__LAW_KEEP; i++) {
            x[2 * i] = (w[i] & 0xffff) < least ? 0 : kept;
            x[2 * i + 1] = w[i] >> 16 < least ? 0 : kept;
        }
        memcpy(y, x + skip, some * sizeof *y);
        y += some, n -= some, first += some;
    }
}

static void sgm__draw(int law, size_t n, uint64_t first, sgm_key key, float rate, float *y);
/* The same, fast (§B.9). */

SGM_API void sgm_normal(float *z, size_t n, sgm_key key, uint64_t first) {
    if (z) sgm__draw(SGM__LAW_NORMAL, n, first, key, 0, z);
}

SGM_API void sgm_uniform(float *u, size_t n, sgm_key key, uint64_t first) {
    if (u) sgm__draw(SGM__LAW_UNIFORM, n, first, key, 0, u);
}

static void sgm__keep(float *mask, long n, float rate, sgm_key key) {
    if (n > 0) sgm__draw(SGM__LAW_KEEP, (size_t)n, 0, key, rate, mask);
}

/* One draw at a time, in double precision: 52 bits from two words, and a half. */
static double sgm__uniform53(sgm_key key, uint64_t i) {
    uint32_t w[4];
    sgm__block(w, key, i, SGM__DRAWS);
    uint64_t bits = ((uint64_t)w[0] << 20) ^ (w[1] >> 12);
    return ((double)bits + 0.5) * (1.0 / 4503599627370496.0);
}

static double sgm__normal1(sgm_key key, uint64_t i) {
    float z;
    sgm_normal(&z, 1, key, i);
    return z;
}

SGM_API uint64_t sgm_below(sgm_key key, uint64_t i, uint64_t n) {
    uint64_t at = (uint64_t)(sgm__uniform53(key, i) * (double)n);
    return n > 0 && at >= n ? n - 1 : at; /* (double)n may be above n */
}

/*
## §A.4 A shuffle without a table

Training wants each epoch's points in a new order. A table of the order must be stored, and restored
on resume; a *bijection* of {0, …, n−1} that the key chooses need not. Cut i into two halves of b
bits and mix them in turn, (l, r) → (r, l ⊕ hash(r)): whatever the hash, that step can be undone, so
it is a bijection of 2^(2b) numbers. If the result is ≥ n, apply it again: it must come back below
n, since a bijection's orbits are cycles. As 4^b < 4n + 4, a few rounds do.
*/
static uint32_t sgm__hash(uint32_t x) {
    x ^= x >> 16, x *= 0x7feb352du;
    x ^= x >> 15, x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

SGM_API uint64_t sgm_permute(uint64_t i, uint64_t n, sgm_key key) {
    int b = 1;
    if (i >= n) return i;
    while (b < 32 && ((uint64_t)1 << (2 * b)) < n) b++;
    uint32_t mask = b == 32 ? 0xffffffffu : ((uint32_t)1 << b) - 1;
    do {
        uint32_t l = (uint32_t)(i >> b) & mask, r = (uint32_t)i & mask;
        for (uint32_t round = 0; round < 8; round++) {
            uint32_t h = sgm__hash(r ^ key.k[round % 2] ^ (round * 0x9E3779B9u));
            uint32_t next = (l ^ sgm__hash(h + key.k[(round + 1) % 2])) & mask;
            l = r, r = next;
        }
        i = ((uint64_t)l << b) | r;
    } while (i >= n);
    return i;
}

/*
## §A.5 exp, log, sin and cos

The C library's versions differ in the last bit from one system to the next, and a compiler may
evaluate `exp(2.)` itself with yet another rounding. These are ours, in plain double arithmetic;
their relative error is below 4·10⁻¹⁶ (log: near 1 the absolute one is). The recipe is always the
same: reduce the argument to a short interval where a Taylor polynomial is exact to rounding, then
undo the reduction.

$$e^x = 2^k e^r, \quad r = x − k \log 2 ∈ [−0.35, 0.35] \qquad(A.3)$$

log 2 is split in two so that k times its first part is exact and r loses nothing.
*/
static double sgm__pow2(int k) {
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double p;
    memcpy(&p, &bits, sizeof p);
    return p;
}

static const double sgm__ln2_hi = 6.93147180369123816490e-01; /* 33 bits */
static const double sgm__ln2_lo = 1.90821492927058770002e-10;

/* 1/n!, exact to rounding: the factorials themselves are exact in a double up to 22!. */
static const double sgm__over_factorial[18] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120,
    1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800,
    1.0 / 479001600, 1.0 / 6227020800.0, 1.0 / 87178291200.0, 1.0 / 1307674368000.0,
    1.0 / 20922789888000.0, 1.0 / 355687428096000.0};

/* (eʳ − 1)/r by Horner's rule, for |r| ≤ 0.35; the first term left out is r¹⁴/15! < 4·10⁻¹⁹. */
static double sgm__expm1_over(double r) {
    double p = 0;
    for (int n = 14; n >= 1; n--) p = p * r + sgm__over_factorial[n];
    return p;
}

static double sgm__exp(double x) {
    if (x != x) return x;
    if (x > 709.8) return HUGE_VAL;
    if (x < -745.2) return 0;
    int k = (int)(x * (1 / SGM__LN2) + (x < 0 ? -0.5 : 0.5));
    double r = (x - k * sgm__ln2_hi) - k * sgm__ln2_lo;
    double y = 1 + r * sgm__expm1_over(r);
    int half = k / 2; /* in two factors: 2^k itself may be beyond the range of double */
    return y * sgm__pow2(half) * sgm__pow2(k - half);
}

/* eˣ − 1 without the cancellation near 0, where 1 − ᾱ of a little noise would lose its digits. */
static double sgm__expm1(double x) {
    if (fabs(x) < 0.34) return x * sgm__expm1_over(x);
    return sgm__exp(x) - 1;
}

/*
$$\log x = k \log 2 + 2 \,\mathrm{artanh}\, z, \quad z = \frac{y − 1}{y + 1},\; x = 2^k y,\;
y ∈ [√½, √2) \qquad(A.4)$$
*/
static double sgm__artanh_tail(double z) { /* artanh z = z (1 + tail), |z| < 0.18 */
    static const double over[10] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
        1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3};
    double z2 = z * z, p = 0;
    for (int i = 0; i < 10; i++) p = (p + over[i]) * z2;
    return p;
}

static double sgm__log(double x) {
    if (x != x || x < 0) return NAN;
    if (x == 0) return -HUGE_VAL;
    if (x > 1.7976931348623157e308) return x;
    int k = 0;
    if (x < 2.2250738585072014e-308) x *= 18014398509481984.0, k = -54; /* subnormal: times 2^54 */
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
    memcpy(&x, &bits, sizeof x);
    if (x > 1.41421356237309504880) x *= 0.5, k++;
    double z = (x - 1) / (x + 1);
    return k * sgm__ln2_hi + (2 * z + (2 * z * sgm__artanh_tail(z) + k * sgm__ln2_lo));
}

/* log(1 + x) without forming 1 + x where that would lose the digits of x: z = x/(2 + x). */
static double sgm__log1p(double x) {
    double z = x / (2 + x);
    return fabs(x) < 0.3 ? 2 * z + 2 * z * sgm__artanh_tail(z) : sgm__log(1 + x);
}

/*
Angles are measured in turns, 2π each: then the reduction to an eighth of a turn is exact, and no
digits of π are needed but in the last product. A quarter turn takes (cos, sin) to (−sin, cos).
*/
static void sgm__sincos_turns(double turns, double *s, double *c) {
    turns -= floor(turns);
    if (!(turns >= 0)) *s = *c = NAN; /* of NaN and infinity */
    if (!(turns >= 0)) return;
    int quarter = (int)(4 * turns + 0.5);
    double a = 2 * SGM__PI * (turns - 0.25 * quarter), a2 = -a * a, sn = 0, cs = 0;
    for (int n = 16; n >= 0; n -= 2) {
        cs = cs * a2 + sgm__over_factorial[n];
        sn = sn * a2 + sgm__over_factorial[n + 1];
    }
    sn *= a;
    const double along = quarter % 2 ? sn : cs, up = quarter % 2 ? cs : sn;
    *s = quarter & 2 ? -up : up;
    *c = (quarter + 1) & 2 ? -along : along;
}

static double sgm__cos_turns(double turns) {
    double s, c;
    sgm__sincos_turns(turns, &s, &c);
    return c;
}

/*
# B. Kernels

A network spends its time in a handful of loops over floats: one matrix product, a few functions of
one variable, the step of an optimiser. This appendix holds those loops. Each exists twice: as a
scalar twin with the suffix `_ref`, a few lines of plain C that *define* the result down to the last
bit, and as a fast version that must give the same bits. If you want to know what a kernel means,
read the twin; if you want to know why it is fast, read on.

## §B.1 Why the order of additions is part of the meaning

Addition of floats is not associative: $(10^8 - 10^8) + 1 = 1$, but $10^8 + (-10^8 + 1) = 0$,
because the inner sum is rounded to a multiple of 8. A result is therefore reproducible only if
three things are fixed: which numbers are added, in which order, and where each rounding happens.

Every kernel here fixes all three. A matrix product adds its terms with ascending p. A dot product
keeps sixteen sums, element i going to sum i mod 16, and adds the sixteen in a fixed tree. Outside
the matrix product no sum of floats has more than `SGM__RUN` terms: each is rounded with an error in
proportion to the sum so far, so longer sums are made in runs, and the runs are added as doubles.
Vector lanes and threads only decide *which element* of the result is worked on *when*, never how
its sum is ordered.

Rounding is fixed by naming it. A fused multiply-add computes $a b + c$ with one rounding instead of
two, so it matters whether the compiler fuses. It is told never to do so on its own, and the kernels
ask for it by name. The one exception is `sse2`, for processors that have no fused multiply-add:
there $a b + c$ rounds twice and the last bits differ. It would be a third of what the fast kernels
cost a compiler, for few machines, so it is there only if you define `SGM_SSE2`.
*/
/* $a b + c$ with one rounding: one instruction, or in double, where the product is exact. Then only
the sum is rounded twice, and the first time does harm only if it leaves the half between two floats
(or below the least normal one, where floats lie elsewhere). There the second term that the sum lost
is found, and the sum made odd in its last bit, after which rounding it again does none. */
static float sgm__fmaf(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return fmaf(a, b, c);
#else
    double product = (double)a * b, sum = product + c;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if ((bits & 0x1fffffff) == 0x10000000 || fabs(sum) < FLT_MIN) {
        double back = sum - product, rest = (product - (sum - back)) + ((double)c - back);
        if ((rest > 0 || rest < 0) && !(bits & 1))
            bits += (rest > 0) == (sum > 0) ? 1 : (uint64_t)-1;
        memcpy(&sum, &bits, sizeof bits);
    }
    return (float)sum;
#endif
}

/* What each set of kernels holds. */
typedef struct sgm__tile sgm__tile; /* of §E.3 */

#define SGM__OUTER_MOST 16

typedef struct sgm__outer { /* a weight p of shape (in, out), its moments, and its gradient x^T d */
    int n, in, out;         /* n <= SGM__OUTER_MOST */
    long x_row;             /* x has n rows, this far apart; d is (n, out) */
    const float *x, *d;
    float *p, *m, *v;
} sgm__outer;

typedef struct sgm__kernels {
    const char *name;
    int lanes;
    void (*matmul)(const sgm__product *);
    void (*act)(int kind, long n, const float *x, float *y, float *d1, float *d2);
    void (*softmax)(long T, long n, float scale, float *s);
    void (*softmax_slope)(long T, long n, float scale, const float *a, const float *aj, float *g,
        float *b);
    void (*turn)(long rows, long cols, const float *x, long x_row, float *y, long y_row);
    void (*map)(int kind, long n, float s, const float *a, const float *b, float *y);
    double (*dot)(long n, const float *a, const float *b);
    void (*center)(long n, const float *x, int add, float *y);
    void (*colsum)(long rows, long cols, const float *x, long x_row, float *y);
    void (*coldot)(long rows, long cols, const float *a, const float *ma, const float *b,
        const float *mb, float *y);
    void (*colmix)(long rows, long cols, const float *a, const float *p, const float *b,
        const float *x, const float *m, const float *d, int add, float *y);
    void (*colsilu)(long rows, long cols, const float *b, const float *x, const float *m,
        const float *d, const float *p, float *y, float *sums);
    void (*tile_map)(const sgm__tile *);
    void (*moments)(
        int kind, long n, float *p, const float *g, float *m, float *v, const sgm__adam_rates *);
    void (*outer_moments)(int kind, const sgm__outer *, const sgm__adam_rates *);
    void (*draw)(int law, size_t n, uint64_t first, sgm_key, float rate, float *y);
} sgm__kernels;

static const sgm__kernels *sgm__k(void); /* those of this machine; below, with threads and names */

/*
## §B.2 The matrix product

It is (3.5), and its twin stands there as three loops, `sgm__matmul_ref`: p ascending, every step
fused. Since each array comes with its strides, the same function is all three products of a linear
layer $Y = X W + b$: forward with I = b repeated (init_row = 0), the gradient of the input
$dX = dY\, W^T$ with the strides of W exchanged, and the gradient of the weights $dW = X^T dY$ with
the strides of X exchanged. The tile of §3.3 runs where $a b + c$ is one instruction; where it is a
call, the sums would travel from the registers to memory and back with each.
*/
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
enum { SGM__FUSED = 1 };
#else
enum { SGM__FUSED = 0 };
#endif

static void sgm__matmul_plain(const sgm__product *q) {
    (SGM__FUSED ? sgm__matmul_tile : sgm__matmul_ref)(q);
}

/*
## §B.3 The exponential

The C library's exp may differ in the last bit from machine to machine; this one may not. Write

$e^x = 2^n e^r,\quad x = n \ln 2 + r,\quad |r| ≤ \frac{1}{2} \ln 2\qquad(B.1)$

with n whole. The power of two is exact, and a polynomial of degree 6 in r, fitted so that its
largest error is smallest, is good to $3·10^{-9}$:

$e^r - 1 ≈ r + r^2 (c_2 + c_3 r + c_4 r^2 + c_5 r^3 + c_6 r^4)\qquad(B.2)$

Two details. Adding $1.5 · 2^{23}$ to a small float leaves no room for a fraction: the sum is
rounded to a whole number, which then stands in its low bits. And ln 2 is subtracted in two parts,
the first of them short enough that n times it is exact, so that r keeps its digits.
*/
#define SGM__EXP_MAGIC 12582912.0f
#define SGM__LOG2_E 1.44269504f
#define SGM__LN2_HI 0.693359375f
#define SGM__LN2_LO -2.12194440e-4f
static const float sgm__exp_c[] = {
    0.4999999341f, 0.1666652011f, 0.0416683942f, 0.008368780031f, 0.001381446638f};

static float sgm__poly_ref(float x, const float *c, int n) {
    float p = c[n - 1];
    for (int i = n - 2; i >= 0; i--) p = sgm__fmaf(x, p, c[i]);
    return p;
}

static unsigned sgm__bits(float x) {
    unsigned u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float sgm__float(unsigned u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Comparisons with a NaN are false, so clamping keeps it. */
static float sgm__clamp(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* Returns $e^r - 1$ and sets n, so that $e^x = 2^n + 2^n (e^r - 1)$. */
static float sgm__exp_rest_ref(float x, int *n) {
    const float t = sgm__fmaf(x, SGM__LOG2_E, SGM__EXP_MAGIC), whole = t - SGM__EXP_MAGIC;
    float r = sgm__fmaf(whole, -SGM__LN2_HI, x);
    r = sgm__fmaf(whole, -SGM__LN2_LO, r);
    *n = (int)(sgm__bits(t) - sgm__bits(SGM__EXP_MAGIC));
    return sgm__fmaf(r * r, sgm__poly_ref(r, sgm__exp_c, 5), r);
}

static float sgm__power_of_two(int n) { return sgm__float((unsigned)(n + 127) << 23); }

/*
Two factors $2^{n/2}$ carry the result past the ends: to infinity above, through subnormals below.
*/
static float sgm__exp_ref(float x) {
    int n;
    const float y = sgm__exp_rest_ref(sgm__clamp(x, -104.0f, 89.0f), &n) + 1.0f;
    const int half = n >> 1;
    return y * sgm__power_of_two(half) * sgm__power_of_two(n - half);
}

/*
## §B.4 Activations and their two derivatives

The gradient of a network needs $f'$, and the divergence of a score needs $f''$ as well. Four of the
six functions are built on the sigmoid $σ(x) = 1 / (1 + e^{-x})$. With $e = e^{-|x|} ≤ 1$ and
$q = 1 / (1 + e)$ nothing can overflow and no digits cancel:

$σ = q \text{ or } e q,\quad σ' = e q^2,\quad σ'' = ∓ σ' (1 - e) q\qquad(B.3)$

with the first choice and the minus sign for $x ≥ 0$.
*/
static float sgm__abs(float x) { return sgm__float(sgm__bits(x) & 0x7fffffffu); }

static float sgm__sigmoid_ref(float x, float *d1, float *d2) {
    const float e = sgm__exp_ref(-sgm__abs(x)), q = 1.0f / (1.0f + e);
    const float slope = e * q * q, tilt = (1.0f - e) * q;
    *d1 = slope;
    *d2 = slope * (x >= 0.0f ? -tilt : tilt);
    return x >= 0.0f ? q : e * q;
}

/*
SiLU and GELU are the same idea, an input that is let through a soft gate:

$f = x σ(z),\quad f' = σ + x z' σ',\quad f'' = (2 z' + x z'') σ' + x z'^2 σ''\qquad(B.4)$

with $z = x$ for SiLU and $z = \sqrt{8/π} (x + 0.044715 x^3)$ for GELU, because
$\frac{1}{2} (1 + \tanh u) = σ(2u)$. Far out the gate is shut or open to the last bit; clamping x
there keeps $∞ · 0$ out of the formulas.
*/
#define SGM__GELU_1 1.59576912f
#define SGM__GELU_3 0.0713548163f

static float sgm__gate_ref(int kind, float x, float *d1, float *d2) {
    const float beyond = kind == SGM_ACTIVATION_SILU ? 105.0f : 20.0f;
    const float xc = sgm__clamp(x, -beyond, beyond);
    float z = xc, z1 = 1.0f, z2 = 0.0f, s, s1, s2;
    if (kind == SGM_ACTIVATION_GELU) {
        const float q = xc * xc;
        z = xc * sgm__fmaf(q, SGM__GELU_3, SGM__GELU_1);
        z1 = sgm__fmaf(q, 3.0f * SGM__GELU_3, SGM__GELU_1);
        z2 = xc * (6.0f * SGM__GELU_3);
    }
    s = sgm__sigmoid_ref(z, &s1, &s2);
    *d1 = sgm__fmaf(xc * z1, s1, s);
    *d2 = sgm__fmaf(xc * z1 * z1, s2, s1 * sgm__fmaf(xc, z2, 2.0f * z1));
    return (x < xc ? xc : x) * s;
}

/*
$\tanh |x| = -m q,\quad f' = 4 e q^2,\quad f'' = -2 f f'$ with $e = e^{-2|x|}$, $m = e - 1$ and
$q = 1 / (2 + m)$. Both e and m come straight from (B.2), so that neither a small x nor a large one
costs digits.
*/
static float sgm__tanh_ref(float x, float *d1, float *d2) {
    int n;
    const float z = sgm__clamp(sgm__abs(x) * -2.0f, -104.0f, 0.0f);
    const float rest = sgm__exp_rest_ref(z, &n);
    const float scale = sgm__power_of_two(n >> 1) * sgm__power_of_two(n - (n >> 1));
    const float e = sgm__fmaf(scale, rest, scale), m = sgm__fmaf(scale, rest, scale - 1.0f);
    const float q = 1.0f / (2.0f + m);
    const float y = sgm__float(sgm__bits((0.0f - m) * q) | (sgm__bits(x) & 0x80000000u));
    *d1 = e * 4.0f * q * q;
    *d2 = -2.0f * y * *d1;
    return y;
}

/*
Softplus is $\max(x, 0) + \ln(1 + u)$ with $u = e^{-|x|}$, and a logarithm near 1 is best taken as

$\ln(1 + u) = 2 \operatorname{artanh} s = 2 s + c_3 s^3 + c_5 s^5 + c_7 s^7 + c_9 s^9, \quad s =
\frac{u}{2 + u} ≤ \frac{1}{3}\qquad(B.5)$
*/
static const float sgm__atanh_c[] = {0.6666641628f, 0.4002152726f, 0.2800180582f, 0.2801198127f};

static float sgm__softplus_ref(float x, float *d1, float *d2) {
    const float u = sgm__exp_ref(-sgm__abs(x)), s = u / (2.0f + u), w = s * s;
    const float p = sgm__fmaf(s * w, sgm__poly_ref(w, sgm__atanh_c, 4), 2.0f * s);
    float bend;
    *d1 = sgm__sigmoid_ref(x, d2, &bend);
    return (x <= 0.0f ? 0.0f : x) + p;
}

static void sgm__act_ref(int kind, long n, const float *x, float *y, float *d1, float *d2) {
    for (long i = 0; i < n; i++) {
        const float v = x[i];
        float f, f1, f2;
        switch (kind) {
        case SGM_ACTIVATION_RELU: f = v <= 0.0f ? 0.0f : v, f1 = v > 0.0f, f2 = 0.0f; break;
        case SGM_ACTIVATION_TANH: f = sgm__tanh_ref(v, &f1, &f2); break;
        case SGM_ACTIVATION_SOFTPLUS: f = sgm__softplus_ref(v, &f1, &f2); break;
        case SGM_ACTIVATION_SIGMOID: f = sgm__sigmoid_ref(v, &f1, &f2); break;
        default: f = sgm__gate_ref(kind, v, &f1, &f2); break;
        }
        if (y) y[i] = f;
        if (d1) d1[i] = f1;
        if (d2) d2[i] = f2;
    }
}

/*
## §B.5 Element by element, and sums

Products that feed a sum are fused; everything else is one operation. The dot product is

$\text{lane}_l = ∑_{i \bmod 16 = l} a_i b_i\qquad(B.6)$

with ascending i in each lane, and then a tree: lane l takes lane l + 8, then l + 4, l + 2, l + 1.
After `SGM__RUN` numbers in each lane comes the next run.
*/
#define SGM__RUN 256

static void sgm__map_ref(int kind, long n, float s, const float *a, const float *b, float *y) {
    for (long i = 0; i < n; i++) switch (kind) {
        case SGM__ADD: y[i] = a[i] + b[i]; break;
        case SGM__MUL: y[i] = a[i] * b[i]; break;
        case SGM__MULADD: y[i] = sgm__fmaf(a[i], b[i], y[i]); break;
        case SGM__AXPY: y[i] = sgm__fmaf(s, a[i], y[i]); break;
        case SGM__SCALE: y[i] = s * a[i]; break;
        default: y[i] = sgm__fmaf(s, a[i] - y[i], y[i]); /* toward θ, (B.8) */
        }
}

static float sgm__tree16(float *lane) {
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

static double sgm__dot_ref(long n, const float *a, const float *b) {
    double total = 0.0;
    for (long from = 0, to; from < n; from = to) {
        float lane[16];
        to = n - from < 16 * SGM__RUN ? n : from + 16 * SGM__RUN;
        for (int l = 0; l < 16; l++) lane[l] = 0.0f;
        for (long i = from; i < to; i++) lane[i % 16] = sgm__fmaf(a[i], b[i], lane[i % 16]);
        total += sgm__tree16(lane);
    }
    return total;
}

/* x less its mean, set or added to y: four sums of doubles, since an addition waits for the one
before it, and two floats for the mean, since one has too few digits. */
static void sgm__center_ref(long n, const float *x, int add, float *y) {
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    for (long j = 0; j < n; j++) sum[j % 4] += x[j];
    const double mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) / n;
    const float most = (float)mean, rest = (float)(mean - most);
    for (long j = 0; j < n; j++) y[j] = add ? y[j] + (x[j] - most - rest) : x[j] - most - rest;
}

/* Adds every row of x to y: the gradient of a bias. The first run starts with y. */
static void sgm__colsum_ref(long rows, long cols, const float *x, long x_row, float *y) {
    for (long j = 0; j < cols; j++) {
        double total = -0.0; /* nothing: -0 + -0 is -0 */
        for (long i = 0; i < rows;) {
            float sum = i ? 0.0f : y[j];
            for (long left = SGM__RUN; left > 0 && i < rows; left--) sum += x[i++ * x_row + j];
            total += sum;
        }
        if (rows > 0) y[j] = (float)total;
    }
}

/*
Two more treat the columns of a matrix alike, the channels of an image: products summed down each
column, and mixtures with coefficients per column. Numbers down a column are added in four lanes,
row i in lane i mod 4, so that no addition waits for the one before it. A run is `SGM__RUN` rows.

$\text{coldot}_j = ∑_i (a_{ij} - α_j) (b_{ij} - β_j), \quad
\text{colmix}_{ij} = a_j p_{ij} + b_j (x_{ij} - μ_j) + d_j\qquad(B.7)$

Where α and β are NULL they are 0; without b the sum is that of a - α. Without a or b its term is
left out. Both subtract before they multiply: a mean of 10⁴ leaves nothing of a deviation of .01
that was multiplied first.
*/
static void sgm__coldot_ref(long rows, long cols, const float *a, const float *ma, const float *b,
    const float *mb, float *y) {
    for (long j = 0; j < cols; j++) {
        const float ca = ma ? ma[j] : 0.0f, cb = mb ? mb[j] : 0.0f;
        double total = 0.0;
        for (long i = 0; i < rows;) {
            float lane[4] = {0.0f, 0.0f, 0.0f, 0.0f};
            for (long left = SGM__RUN; left > 0 && i < rows; left--, i++) {
                const float v = b ? b[i * cols + j] - cb : 1.0f;
                lane[i % 4] = sgm__fmaf(a[i * cols + j] - ca, v, lane[i % 4]);
            }
            total += (lane[0] + lane[2]) + (lane[1] + lane[3]);
        }
        y[j] = (float)total;
    }
}

static void sgm__colmix_ref(long rows, long cols, const float *a, const float *p, const float *b,
    const float *x, const float *m, const float *d, int add, float *y) {
    for (long i = 0; i < rows * cols; i++) {
        const long j = i % cols;
        float sum = b ? sgm__fmaf(b[j], x[i] - m[j], d[j]) : d[j];
        if (a) sum = sgm__fmaf(a[j], p[i], sum);
        y[i] = add ? y[i] + sum : sum;
    }
}

/*
SiLU of a mixture $z_{ij} = b_j (x_{ij} - μ_j) + d_j$ need not be written and read again: y = φ(z),
or, where p is the adjoint of that, y = φ'(z) p and its sums $∑_i y_{ij}$ and then
$∑_i y_{ij} (x_{ij} - μ_j)$, those of coldot.
*/
static void sgm__colsilu_ref(long rows, long cols, const float *b, const float *x, const float *m,
    const float *d, const float *p, float *y, float *sums) {
    for (long i = 0; i < rows * cols; i++) {
        const long j = i % cols;
        float slope, bend, z = sgm__fmaf(b[j], x[i] - m[j], d[j]);
        z = sgm__gate_ref(SGM_ACTIVATION_SILU, z, &slope, &bend);
        y[i] = p ? slope * p[i] : z;
    }
    if (p) sgm__coldot_ref(rows, cols, y, NULL, NULL, NULL, sums);
    if (p) sgm__coldot_ref(rows, cols, y, NULL, x, m, sums + cols);
}

/*
The maps of a tiled convolution (E.1): Y = L X Lᵀ, first down the columns and then along the rows,
for n channels at once. A tile of an image may hang over its border: bit 4i + j of `x_in` says that
x has a number at (i, j), or there is a zero, and that of `y_in` that y wants it.
*/
enum { SGM__MAP_BT, SGM__MAP_B, SGM__MAP_AT, SGM__MAP_A, SGM__MAP_G, SGM__MAP_GT };

struct sgm__tile { /* a map of 4 by 4 numbers, or fewer, of n channels */
    int map, add;
    long n, x_at, x_row, x_col, y_at, y_row, y_col;
    const float *x, *plus; /* plus: n numbers added to each, or NULL */
    float *y;
    unsigned x_in, y_in;
};

static const float sgm__maps[6][4][4] = {
    {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},           /* Bᵀ */
    {{1, 0, 0, 0}, {0, 1, -1, 1}, {-1, 1, 1, 0}, {0, 0, 0, -1}},           /* B  */
    {{1, 1, 1, 0}, {0, 1, -1, -1}, {0, 0, 0, 0}, {0, 0, 0, 0}},            /* Aᵀ */
    {{1, 0, 0, 0}, {1, 1, 0, 0}, {1, -1, 0, 0}, {0, -1, 0, 0}},            /* A  */
    {{1, 0, 0, 0}, {.5f, .5f, .5f, 0}, {.5f, -.5f, .5f, 0}, {0, 0, 1, 0}}, /* G  */
    {{1, .5f, .5f, 0}, {0, .5f, -.5f, 0}, {0, .5f, .5f, 1}, {0, 0, 0, 0}}  /* Gᵀ */
};

static float sgm__map_row_ref(const float *l, const float *x, int step) {
    float sum = 0.0f;
    for (int i = 0, any = 0; i < 4; i++) {
        if (l[i] == 0.0f) continue;
        sum = any++ ? sgm__fmaf(l[i], x[i * step], sum) : l[i] * x[i * step];
    }
    return sum;
}

static void sgm__tile_map_ref(const sgm__tile *q) {
    for (long c = 0; c < q->n; c++) {
        float x[16], half[16];
        for (int k = 0; k < 16; k++)
            x[k] =
                q->x_in >> k & 1 ? q->x[q->x_at + k / 4 * q->x_row + k % 4 * q->x_col + c] : 0.0f;
        for (int k = 0; k < 16; k++)
            half[k] = sgm__map_row_ref(sgm__maps[q->map][k / 4], x + k % 4, 4);
        for (int k = 0; k < 16; k++) {
            float *y = q->y + (q->y_at + k / 4 * q->y_row + k % 4 * q->y_col + c);
            float sum = sgm__map_row_ref(sgm__maps[q->map][k % 4], half + k / 4 * 4, 1);
            if (!(q->y_in >> k & 1)) continue;
            if (q->plus) sum += q->plus[c];
            *y = q->add ? *y + sum : sum;
        }
    }
}

/*
Attention's softmax (3.16) and its Jacobian go down columns, too: the scores of n queries stand side
by side, n a multiple of 16, each with its T keys below it, and none waits for another. The
exponential is a power of two, so that the scale of the scores is part of a constant; its exponent
is at most 0, and from −126.5 down the weight is 0. With a polynomial of degree 6, $2^f$ for
|f| ≤ ½ is good to 2·10⁻⁸. The Jacobian takes g and b to

$g ← σ [A ⊙ (g − ⟨A, g⟩ − ⟨\dot A, b⟩) + \dot A ⊙ (b − ⟨A, b⟩)], \quad b ← σ A ⊙ (b − ⟨A, b⟩)$

where σ is the scale; $\dot A$ and b may be NULL for 0. §E.5 says why.
*/
static const float sgm__exp2_c[] = {1.0f, 0.6931471825f, 0.2402264774f, 0.05550332367f,
    0.009618436918f, 0.001339887385f, 0.0001535336196f};

static float sgm__exp2_ref(float u, float c) { /* 2^(c u), c u from -127 to 0 */
    const float t = sgm__fmaf(u, c, SGM__EXP_MAGIC), f = sgm__fmaf(u, c, SGM__EXP_MAGIC - t);
    return sgm__poly_ref(f, sgm__exp2_c, 7) * sgm__float((sgm__bits(t) << 23) + (127u << 23));
}

static void sgm__softmax_ref(long T, long n, float scale, float *s) {
    const float c = scale * SGM__LOG2_E, low = -127.0f / c;
    for (long i = 0; i < n; i++) {
        float most = s[i];
        double total = 0.0;
        for (long j = i; j < T * n; j += n) most = s[j] > most ? s[j] : most;
        for (long j = i; j < T * n;) {
            float sum = 0.0f;
            for (long left = SGM__RUN; left > 0 && j < T * n; left--, j += n) {
                const float u = s[j] - most;
                sum += s[j] = sgm__exp2_ref(u < low ? low : u, c);
            }
            total += sum;
        }
        for (long j = i; j < T * n; j += n) s[j] *= 1.0f / (float)total;
    }
}

static void sgm__softmax_slope_ref(
    long T, long n, float scale, const float *a, const float *aj, float *g, float *b) {
    for (long i = 0; i < n; i++) {
        double total = 0.0, total_b = 0.0;
        for (long j = i; j < T * n;) {
            float sum = 0.0f, sum_b = 0.0f;
            for (long left = SGM__RUN; left > 0 && j < T * n; left--, j += n) {
                sum = sgm__fmaf(a[j], g[j], sum);
                if (b) sum = sgm__fmaf(aj[j], b[j], sum), sum_b = sgm__fmaf(a[j], b[j], sum_b);
            }
            total += sum, total_b += sum_b;
        }
        for (long j = i; j < T * n; j += n) {
            const float more = b ? aj[j] * (b[j] - (float)total_b) : 0.0f;
            g[j] = scale *
                (b ? sgm__fmaf(a[j], g[j] - (float)total, more) : a[j] * (g[j] - (float)total));
            if (b) b[j] = scale * (a[j] * (b[j] - (float)total_b));
        }
    }
}

/* y = xᵀ */
static void sgm__turn_ref(long rows, long cols, const float *x, long x_row, float *y, long y_row) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < cols; j++) y[j * y_row + i] = x[i * x_row + j];
}

/*
## §B.6 The step of an optimiser

The plain text is `sgm__moments_ref` of §4.5; the vector text of §B.8 does the same with many
parameters at a time. Its root and its quotient are the processor's own, which IEEE 754 rounds
correctly everywhere. The running average of the parameters is the last kind of `sgm__map`:

$e ← e + w (θ - e)\qquad(B.8)$

A parameter whose gradient is exactly zero for thousands of steps (the weights of a ReLU that never
fires) sees its M and V decay by a constant factor per step, until they are *subnormal*: numbers
below 10⁻³⁸, on which many processors are twenty times slower. Both are set to zero well before
that, below 2⁻¹⁰⁰; V only with M, and only where $\sqrt V$ is no more than 2⁻²³ of eps, so that with
an eps of 10⁻²⁰ the quotient of two small moments stays what it is. So nothing moves by more than
the last bit. To look for them every sixteenth step is enough: from 2⁻¹⁰⁰ to
subnormal it takes more for every $β_1$ above ⅓. A NaN has not faded, and stays.

A weight that keeps no gradient gets one here, the sum (3.5) over the few rows of x and d, and uses
it at once. The sums of one block are made while the roots and quotients of the block before it are
still under way, because multiplication and division are done by different parts of the processor.
*/
/* The product, a stretch of a row at a time, and then the moments: what both mean together. */
static void sgm__outer_moments_ref(int kind, const sgm__outer *q, const sgm__adam_rates *c) {
    float g[64];
    sgm__product s;
    memset(&s, 0, sizeof s);
    s.m = 1, s.k = q->n, s.a_col = q->x_row, s.b_row = q->out, s.b_col = 1, s.c = g;
    for (long i = 0; i < q->in; i++)
        for (long j = 0, at = i * q->out; j < q->out; j += s.n, at += s.n) {
            s.n = q->out - j < 64 ? (int)(q->out - j) : 64;
            s.a = q->x + i, s.b = q->d + j;
            sgm__matmul_ref(&s);
            sgm__moments_ref(kind, s.n, q->p + at, g, q->m + at, q->v + at, c);
        }
}

static const sgm__kernels sgm__kernels_ref = {"ref", 1, sgm__matmul_plain, sgm__act_ref,
    sgm__softmax_ref, sgm__softmax_slope_ref, sgm__turn_ref, sgm__map_ref, sgm__dot_ref,
    sgm__center_ref, sgm__colsum_ref, sgm__coldot_ref, sgm__colmix_ref, sgm__colsilu_ref,
    sgm__tile_map_ref, sgm__moments_ref, sgm__outer_moments_ref, sgm__draw_ref};

/*
## §B.7 Tiles: how a matrix product reaches the peak of the processor

A core of today can do one or two vector multiply-adds per cycle and about as many loads. The twin
above needs two loads for each multiply-add and waits for the sum before it: it is slow by a factor
of a hundred or more. The cure is to hold a whole *tile* of C in registers. With a tile of r rows
and c registers of columns, one step of p loads c registers of B, broadcasts r numbers of A, and
does $r c$ multiply-adds with them:

$\frac{\text{loads}}{\text{multiply-adds}} = \frac{r + c}{r c}\qquad(B.9)$

With 32 registers, 8 × 2 gives 10 loads for 16 multiply-adds; with 16 registers, 6 × 2 gives 8 for
twelve. Either way the multiply-adds are the limit. The tile does a second thing: its 16 or 12 sums
are independent, and since a multiply-add takes about four cycles from start to finish, you need at
least four, on some machines eight, in flight.

What remains is to feed it. B is read in *panels*, two registers wide and k deep. Where many tiles
read the same panel it is first copied so that its rows lie one after the other: then the tile walks
through memory in a straight line. The panel, at most 48 KiB, lives on the stack, so no call
allocates.

Each instruction set that this machine's family may have is compiled below from one text, that of
§B.8, for which the header includes itself. Which runs, the program decides (§B.9).
*/
#define SGM__DEEP 384  /* rows of B in a panel */
#define SGM__BLOCK 512 /* rows of A that share the panels */
#define SGM__SHEET 48  /* rows of C that are worked on in a copy */
#define SGM__FEW 128   /* so few rows do not pay for copying a panel */
#define SGM__AHEAD 32  /* steps of p, until memory has answered */
#define SGM__LARGE 4e6 /* multiply-adds of a product that is worth two parts */
#define SGM__JOIN_TEXT(a, b) a##_##b
#define SGM__JOIN(a, b) SGM__JOIN_TEXT(a, b)
#define SGM__K(name) SGM__JOIN(sgm__##name, SGM__ISA)
#define SGM__STRING_TEXT(a) #a
#define SGM__STRING(a) SGM__STRING_TEXT(a)
#define SGM__FN static SGM__TARGET
#define SGM__APART static __attribute__((noinline)) SGM__TARGET
#define SGM__INLINE static inline __attribute__((always_inline)) SGM__TARGET
#define SGM__PANEL (2 * SGM__LANES)
#define sgm__vf SGM__K(vf)
#define sgm__vi SGM__K(vi)
#define sgm__vu SGM__K(vu)
#define sgm__vw SGM__K(vw)
#define sgm__vget SGM__K(vget)
#define sgm__vput SGM__K(vput)
#define sgm__vload SGM__K(vload)
#define sgm__vstore SGM__K(vstore)
#define sgm__vpick SGM__K(vpick)
#if defined(__clang__)
#define SGM__UNROLL _Pragma("clang loop unroll(full)")
#else
#define SGM__UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(SGM__X86)
#define SGM__ISA avx2
#define SGM__ISA_AVX2 1
#include SGM__TEXT
#ifdef SGM__ISA /* not read: another file's guard stands around this text */
#undef SGM__ISA
#undef SGM__X86
#else
#define SGM__ISA avx512
#define SGM__ISA_AVX512 1
#include SGM__TEXT
#ifdef SGM_SSE2
#define SGM__ISA sse2
#include SGM__TEXT
#endif
#endif
#elif defined(SGM__ARM)
#define SGM__ISA neon
#define SGM__ISA_NEON 1
#include SGM__TEXT
#ifdef SGM__ISA
#undef SGM__ISA
#undef SGM__ARM
#endif
#elif defined(SGM__WASM)
#define SGM__ISA wasm
#define SGM__ISA_WASM 1
#include SGM__TEXT
#ifdef SGM__ISA
#undef SGM__ISA
#undef SGM__WASM
#endif
#endif

#endif /* of Parts II and III, so far: the text of §B.8 is read by itself */

#ifdef SGM__ISA
/*
## §B.8 The text that is compiled once per instruction set

Everything below is plain C over one machine register of `SGM__LANES` floats. The compiler's vector
types give you arithmetic and comparison on all lanes at once; only fused multiply-add, square root,
broadcast and the two conversions of random words are named per instruction set, and the order in
which two registers interleave.
`SGM__K(tile)` is `sgm__tile_avx2` when the text is compiled for AVX2, and so on; there is no macro
longer than a line, and a debugger steps through a kernel as through any other function.
*/
#if defined(SGM__ISA_AVX512)
#define SGM__TARGET __attribute__((target("avx2,fma,avx512f,avx512vl")))
#define SGM__LANES 16
#define SGM__TALL 8
#define SGM__ZIP_LO 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SGM__ZIP_HI 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define sgm__vall(x) ((sgm__vf)_mm512_set1_ps(x))
#define sgm__vroot(x) ((sgm__vf)_mm512_maskz_sqrt_ps(0xffff, (__m512)(x)))
#define sgm__vfour(x) ((SGM__K(doubles))_mm256_cvtps_pd(_mm_loadu_ps(x)))
#define sgm__vfma(a, b, c) ((sgm__vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define sgm__vmin(a, b) ((sgm__vf)_mm512_maskz_min_ps(0xffff, (__m512)(a), (__m512)(b)))
#define sgm__vmax(a, b) ((sgm__vf)_mm512_maskz_max_ps(0xffff, (__m512)(a), (__m512)(b)))
#define sgm__vfloat(x) ((sgm__vf)_mm512_maskz_cvtepi32_ps(0xffff, (__m512i)(x)))
#define sgm__vwide(x, c) \
    ((sgm__vw)_mm512_maskz_mul_epu32(0xff, (__m512i)(x), _mm512_set1_epi32((int)(c))))
#elif defined(SGM__ISA_AVX2)
#define SGM__TARGET __attribute__((target("avx2,fma")))
#define SGM__LANES 8
#define SGM__TALL 6
#define SGM__ZIP_LO 0, 8, 1, 9, 2, 10, 3, 11
#define SGM__ZIP_HI 4, 12, 5, 13, 6, 14, 7, 15
#define sgm__vall(x) ((sgm__vf)_mm256_set1_ps(x))
#define sgm__vroot(x) ((sgm__vf)_mm256_sqrt_ps((__m256)(x)))
#define sgm__vfour(x) ((SGM__K(doubles))_mm256_cvtps_pd(_mm_loadu_ps(x)))
#define sgm__vfma(a, b, c) ((sgm__vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define sgm__vmin(a, b) ((sgm__vf)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define sgm__vmax(a, b) ((sgm__vf)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define sgm__vfloat(x) ((sgm__vf)_mm256_cvtepi32_ps((__m256i)(x)))
#define sgm__vwide(x, c) ((sgm__vw)_mm256_mul_epu32((__m256i)(x), _mm256_set1_epi32((int)(c))))
#else
#define SGM__TARGET
#define SGM__LANES 4
#define SGM__ZIP_LO 0, 4, 1, 5
#define SGM__ZIP_HI 2, 6, 3, 7
#define sgm__vfour(x) __builtin_convertvector(*(const SGM__K(vf_any) *)(x), SGM__K(doubles))
#if defined(SGM__ISA_NEON)
#define SGM__TALL 8
#define sgm__vall(x) ((sgm__vf)vdupq_n_f32(x))
#define sgm__vroot(x) ((sgm__vf)vsqrtq_f32((float32x4_t)(x)))
#define sgm__vfma(a, b, c) (sgm__vf) vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b))
#define sgm__vmin(a, b) ((sgm__vf)vminq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define sgm__vmax(a, b) ((sgm__vf)vmaxq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define sgm__vfloat(x) ((sgm__vf)vcvtq_f32_s32((int32x4_t)(x)))
#define sgm__vwide(x, c) ((sgm__vw)vmull_u32(vmovn_u64((uint64x2_t)(x)), vdup_n_u32(c)))
#elif defined(SGM__ISA_WASM)
#define SGM__TALL 2
#define sgm__vall(x) ((sgm__vf)wasm_f32x4_splat(x))
#define sgm__vroot(x) ((sgm__vf)wasm_f32x4_sqrt((v128_t)(x)))
#define sgm__vfma(a, b, c) SGM__K(fma)(a, b, c)
#define sgm__vmin(a, b) ((sgm__vf)wasm_f32x4_pmin((v128_t)(b), (v128_t)(a)))
#define sgm__vmax(a, b) ((sgm__vf)wasm_f32x4_pmax((v128_t)(b), (v128_t)(a)))
#define sgm__vfloat(x) ((sgm__vf)wasm_f32x4_convert_i32x4((v128_t)(x)))
#define sgm__vwide(x, c) \
    ((sgm__vw)wasm_u64x2_extmul_low_u32x4( \
        wasm_i32x4_shuffle((v128_t)(x), (v128_t)(x), 0, 2, 0, 2), wasm_i32x4_splat((int)(c))))
#else
#define SGM__TALL 6
#define sgm__vall(x) ((sgm__vf)_mm_set1_ps(x))
#define sgm__vroot(x) ((sgm__vf)_mm_sqrt_ps((__m128)(x)))
#define sgm__vfma(a, b, c) ((a) * (b) + (c))
#define sgm__vmin(a, b) ((sgm__vf)_mm_min_ps((__m128)(a), (__m128)(b)))
#define sgm__vmax(a, b) ((sgm__vf)_mm_max_ps((__m128)(a), (__m128)(b)))
#define sgm__vfloat(x) ((sgm__vf)_mm_cvtepi32_ps((__m128i)(x)))
#define sgm__vwide(x, c) ((sgm__vw)_mm_mul_epu32((__m128i)(x), _mm_set1_epi32((int)(c))))
#endif
#endif

typedef float sgm__vf __attribute__((vector_size(4 * SGM__LANES)));
typedef int sgm__vi __attribute__((vector_size(4 * SGM__LANES)));
typedef unsigned sgm__vu __attribute__((vector_size(4 * SGM__LANES)));
typedef uint64_t sgm__vw __attribute__((vector_size(4 * SGM__LANES)));
typedef float SGM__K(vf_any) __attribute__((vector_size(4 * SGM__LANES), aligned(4), may_alias));
typedef double SGM__K(doubles) __attribute__((vector_size(32)));

SGM__INLINE sgm__vf sgm__vget(const float *x) { return *(const SGM__K(vf_any) *)x; }
SGM__INLINE void sgm__vput(float *y, sgm__vf v) { *(SGM__K(vf_any) *)y = v; }

#if defined(SGM__ISA_WASM)
/* WebAssembly has no fused multiply-add. As in `sgm__fmaf` the sum is made in double; to round it
to float after that does harm only where the sum ends in a half, or where the result lies below the
least normal float and is not 0. Both are seen in all lanes at once, and are rare. */
SGM__INLINE v128_t SGM__K(harm)(v128_t lo, v128_t hi, v128_t f) {
    const v128_t tail = wasm_v128_and(
        wasm_i32x4_shuffle(lo, hi, 0, 2, 4, 6), wasm_i32x4_splat(0x1fffffff));
    const v128_t size = wasm_i32x4_sub(wasm_i32x4_shl(f, 1), wasm_i32x4_splat(1));
    return wasm_v128_or(wasm_i32x4_eq(tail, wasm_i32x4_splat(0x10000000)),
        wasm_u32x4_lt(size, wasm_i32x4_splat(0x01000000)));
}

SGM__APART sgm__vf SGM__K(fma_lanes)(sgm__vf a, sgm__vf b, sgm__vf c) {
    for (int l = 0; l < SGM__LANES; l++) c[l] = sgm__fmaf(a[l], b[l], c[l]);
    return c;
}

#define SGM__LOW(x) wasm_f64x2_promote_low_f32x4((v128_t)(x))
#define SGM__HIGH(x) SGM__LOW(wasm_i32x4_shuffle((v128_t)(x), (v128_t)(x), 2, 3, 2, 3))

SGM__INLINE sgm__vf SGM__K(fma)(sgm__vf a, sgm__vf b, sgm__vf c) {
    const v128_t lo = wasm_f64x2_add(wasm_f64x2_mul(SGM__LOW(a), SGM__LOW(b)), SGM__LOW(c));
    const v128_t hi = wasm_f64x2_add(wasm_f64x2_mul(SGM__HIGH(a), SGM__HIGH(b)), SGM__HIGH(c));
    const v128_t f = wasm_i32x4_shuffle(
        wasm_f32x4_demote_f64x2_zero(lo), wasm_f32x4_demote_f64x2_zero(hi), 0, 1, 4, 5);
    return wasm_v128_any_true(SGM__K(harm)(lo, hi, f)) ? SGM__K(fma_lanes)(a, b, c) : (sgm__vf)f;
}
#endif

/*
The last few numbers of an array rarely fill a register. Loading fewer than a registerful pads with
zeros, storing fewer leaves the rest of memory alone, and so one loop body serves the whole array:
an element's bits do not depend on where in the array it stands.
*/
#if defined(SGM__ISA_AVX512)
SGM__INLINE __mmask16 SGM__K(first)(long count) {
    return (__mmask16)(count > 0 ? (1u << count) - 1 : 0);
}

SGM__INLINE sgm__vf SGM__K(vload_part)(const float *x, long count) {
    return (sgm__vf)_mm512_maskz_loadu_ps(SGM__K(first)(count), x);
}

SGM__INLINE void SGM__K(vstore_part)(float *y, sgm__vf v, long count) {
    _mm512_mask_storeu_ps(y, SGM__K(first)(count), (__m512)v);
}
#elif defined(SGM__ISA_AVX2)
SGM__INLINE __m256i SGM__K(first)(long count) {
    return _mm256_cmpgt_epi32(
        _mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

SGM__INLINE sgm__vf SGM__K(vload_part)(const float *x, long count) {
    return (sgm__vf)_mm256_maskload_ps(x, SGM__K(first)(count));
}

SGM__INLINE void SGM__K(vstore_part)(float *y, sgm__vf v, long count) {
    _mm256_maskstore_ps(y, SGM__K(first)(count), (__m256)v);
}
#else
SGM__APART sgm__vf SGM__K(vload_part)(const float *x, long count) {
    float part[SGM__LANES];
    memset(part, 0, sizeof part);
    for (long l = 0; l < count; l++) part[l] = x[l];
    return sgm__vget(part);
}

SGM__APART void SGM__K(vstore_part)(float *y, sgm__vf v, long count) {
    for (long l = 0; l < count; l++) y[l] = v[l];
}
#endif

SGM__INLINE sgm__vf sgm__vload(const float *x, long count) {
    return count >= SGM__LANES ? sgm__vget(x) : SGM__K(vload_part)(x, count);
}

SGM__INLINE void sgm__vstore(float *y, sgm__vf v, long count) {
    if (count >= SGM__LANES) sgm__vput(y, v);
    else SGM__K(vstore_part)(y, v, count);
}

/* A comparison fills a lane with ones or zeros; pick takes a where it is ones and b elsewhere. */
SGM__INLINE sgm__vf sgm__vpick(sgm__vi mask, sgm__vf a, sgm__vf b) {
    return (sgm__vf)((mask & (sgm__vi)a) | (~mask & (sgm__vi)b));
}

SGM__INLINE sgm__vf SGM__K(zip)(sgm__vf a, sgm__vf b, int upper) {
#if defined(__clang__)
    return upper ? __builtin_shufflevector(a, b, SGM__ZIP_HI)
                 : __builtin_shufflevector(a, b, SGM__ZIP_LO);
#else
    const sgm__vi lo = {SGM__ZIP_LO}, hi = {SGM__ZIP_HI};
    return upper ? __builtin_shuffle(a, b, hi) : __builtin_shuffle(a, b, lo);
#endif
}

/* The same in every four lanes by themselves. */
SGM__INLINE sgm__vf SGM__K(zip_quads)(sgm__vf a, sgm__vf b, int upper) {
#if defined(SGM__ISA_AVX512)
    return (sgm__vf)(upper ? _mm512_maskz_unpackhi_ps(0xffff, (__m512)a, (__m512)b)
                           : _mm512_maskz_unpacklo_ps(0xffff, (__m512)a, (__m512)b));
#elif defined(SGM__ISA_AVX2)
    return (sgm__vf)(upper ? _mm256_unpackhi_ps((__m256)a, (__m256)b)
                           : _mm256_unpacklo_ps((__m256)a, (__m256)b));
#else
    return SGM__K(zip)(a, b, upper);
#endif
}

/* Four numbers from x on, four from x + row on, and so on, side by side. */
SGM__INLINE sgm__vf SGM__K(quads)(const float *x, long row) {
#if defined(SGM__ISA_AVX512)
    __m512 v = _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(x));
    v = _mm512_mask_broadcast_f32x4(v, 0x00f0, _mm_loadu_ps(x + row));
    v = _mm512_mask_broadcast_f32x4(v, 0x0f00, _mm_loadu_ps(x + 2 * row));
    return (sgm__vf)_mm512_mask_broadcast_f32x4(v, 0xf000, _mm_loadu_ps(x + 3 * row));
#elif defined(SGM__ISA_AVX2)
    const __m256 v = _mm256_castps128_ps256(_mm_loadu_ps(x));
    return (sgm__vf)_mm256_insertf128_ps(v, _mm_loadu_ps(x + row), 1);
#else
    return (void)row, sgm__vget(x);
#endif
}

/*
Transposition is a card trick. Lay the rows of a 4 by 4 square in a deck, cut the deck in half, and
riffle each card of the first half with its partner in the second: one element of this, one of that.
After two riffles every element has arrived at its transposed place. A register holds a row of
several squares, which stand below each other in x.
*/
SGM__INLINE void SGM__K(turn_square)(
    long cols, const float *x, long x_row, float *y, long y_row) {
    for (long j = 0; j < cols; j += 4) {
        sgm__vf card[4], next[4];
        SGM__UNROLL for (int r = 0; r < 4; r++) card[r] =
            SGM__K(quads)(x + r * x_row + j, 4 * x_row);
        SGM__UNROLL for (int riffle = 0; riffle < 2; riffle++) {
            SGM__UNROLL for (int r = 0; r < 2; r++) {
                next[2 * r] = SGM__K(zip_quads)(card[r], card[r + 2], 0);
                next[2 * r + 1] = SGM__K(zip_quads)(card[r], card[r + 2], 1);
            }
            SGM__UNROLL for (int r = 0; r < 4; r++) card[r] = next[r];
        }
        SGM__UNROLL for (int r = 0; r < 4; r++) sgm__vput(y + (j + r) * y_row, card[r]);
    }
}

SGM__APART void SGM__K(turn_part)(
    long rows, long cols, const float *x, long x_row, float *y, long y_row) {
    enum { L = SGM__LANES };
    float from[L * L] = {0}, to[L * L];
    for (long r = 0; r < rows && r < L; r++)
        sgm__vput(from + r * L, sgm__vload(x + r * x_row, cols));
    SGM__K(turn_square)(L, from, L, to, L);
    for (long r = 0; r < cols && r < L; r++)
        sgm__vstore(y + r * y_row, sgm__vget(to + r * L), rows);
}

SGM__FN void SGM__K(turn)(long rows, long cols, const float *x, long x_row, float *y, long y_row) {
    enum { L = SGM__LANES };
    long i = 0;
    for (; i + L / 4 < rows; i += L)
        for (long j = 0; j < cols; j += L) {
            const float *xj = x + i * x_row + j;
            float *yj = y + j * y_row + i;
            if (i + L <= rows && j + L <= cols) SGM__K(turn_square)(L, xj, x_row, yj, y_row);
            else if (i + L <= rows && cols % 4 == 0)
                SGM__K(turn_square)(cols - j, xj, x_row, yj, y_row);
            else SGM__K(turn_part)(rows - i, cols - j, xj, x_row, yj, y_row);
        }
    for (; i < rows; i++) /* so few do not pay for it */
        for (long j = 0; j < cols; j++) y[j * y_row + i] = x[i * x_row + j];
}

/*
The tile of (B.9): `rows` by `vecs` sums that live in registers for all of p. Both sizes are
constants where this function is inlined, so every loop over them unrolls. Three rows of A share one
pointer because x86 addresses base, base + stride and base + 2 stride for free. No processor knows
where the next tile's rows of A begin, so each step asks for a few of their numbers: in the time of
this tile, all of them. If A is transposed, it asks for what this tile reads some steps later, but
not where p is short: A is near then, and what lies beyond it would push something out.
*/
#if defined(SGM__ISA_WASM)
/* Here the sums live as doubles, every pair of registers of them, and what would have done harm is
only noted: then the twin does the tile again. */
SGM__INLINE void SGM__K(tile)(int rows, int vecs, const sgm__product *q) {
    const float *a = q->a, *b = q->b;
    v128_t acc[4 * SGM__TALL], bv[4], harm = wasm_i32x4_splat(0);
    SGM__UNROLL for (int r = 0; r < rows; r++)
        SGM__UNROLL for (int v = 0; v < 2 * vecs; v++) acc[2 * vecs * r + v] =
            q->init ? SGM__LOW(wasm_v128_load64_zero(q->init + r * q->init_row + 2 * v))
                    : wasm_i32x4_splat(0);
    for (int p = q->k; p > 0; p--, a += q->a_col, b += q->b_row) {
        SGM__UNROLL for (int v = 0; v < 2 * vecs; v++) bv[v] =
            SGM__LOW(wasm_v128_load64_zero(b + 2 * v));
        SGM__UNROLL for (int r = 0; r < rows; r++) {
            const v128_t av = wasm_f64x2_splat((double)a[r * q->a_row]);
            SGM__UNROLL for (int v = 0; v < 2 * vecs; v += 2) {
                v128_t *s = acc + (2 * vecs * r + v);
                const v128_t lo = wasm_f64x2_add(wasm_f64x2_mul(av, bv[v]), s[0]);
                const v128_t hi = wasm_f64x2_add(wasm_f64x2_mul(av, bv[v + 1]), s[1]);
                const v128_t f = wasm_f32x4_demote_f64x2_zero(lo);
                const v128_t g = wasm_f32x4_demote_f64x2_zero(hi);
                harm = wasm_v128_or(
                    harm, SGM__K(harm)(lo, hi, wasm_i32x4_shuffle(f, g, 0, 1, 4, 5)));
                s[0] = SGM__LOW(f), s[1] = SGM__LOW(g);
            }
        }
    }
    if (wasm_v128_any_true(harm)) {
        sgm__product s = *q;
        s.m = rows, s.n = vecs * SGM__LANES, s.b_col = 1;
        sgm__matmul_ref(&s);
        return;
    }
    SGM__UNROLL for (int r = 0; r < rows; r++)
        SGM__UNROLL for (int v = 0; v < 2 * vecs; v++) wasm_v128_store64_lane(
            q->c + r * q->c_row + 2 * v, wasm_f32x4_demote_f64x2_zero(acc[2 * vecs * r + v]), 0);
}
#else
SGM__INLINE void SGM__K(tile)(int rows, int vecs, const sgm__product *q) {
    sgm__vf acc[2 * SGM__TALL], bv[2];
    const float *ap[6], *b = q->b, *init = q->init;
    float *c = q->c;
    const long a_row = q->a_row, a_col = q->a_col, b_row = q->b_row;
    SGM__UNROLL for (int r = 0; r < rows * vecs; r++) acc[r] = sgm__vall(0.0f);
    if (init)
        SGM__UNROLL for (int r = 0; r < rows; r++, init += q->init_row)
            SGM__UNROLL for (int v = 0; v < vecs; v++) acc[r * vecs + v] =
                sgm__vget(init + v * SGM__LANES);
    SGM__UNROLL for (int g = 0; g < (rows + 2) / 3; g++) ap[g] = q->a + 3 * g * a_row;
    const float *ahead = q->a + (a_row == 1 ? SGM__AHEAD * a_col : rows * a_row);
    long step = a_row == 1 ? a_col : rows;
    if (a_row == 1 && q->k <= 8 * SGM__AHEAD) ahead = q->a, step = 0;
    for (int p = q->k; p > 0; p--, ahead += step) {
        __builtin_prefetch(ahead);
        SGM__UNROLL for (int v = 0; v < vecs; v++) bv[v] = sgm__vget(b + v * SGM__LANES);
        SGM__UNROLL for (int r = 0; r < rows; r++) {
            const sgm__vf av = sgm__vall(ap[r / 3][(r % 3) * a_row]);
            SGM__UNROLL for (int v = 0; v < vecs; v++) acc[r * vecs + v] =
                sgm__vfma(av, bv[v], acc[r * vecs + v]);
        }
        SGM__UNROLL for (int g = 0; g < (rows + 2) / 3; g++) ap[g] += a_col;
        b += b_row;
    }
    SGM__UNROLL for (int r = 0; r < rows; r++, c += q->c_row)
        SGM__UNROLL for (int v = 0; v < vecs; v++) sgm__vput(c + v * SGM__LANES, acc[r * vecs + v]);
}
#endif

SGM__INLINE void SGM__K(down)(sgm__product *q, int rows) {
    q->m -= rows;
    q->a += rows * q->a_row;
    q->c += rows * q->c_row;
    if (q->init) q->init += rows * q->init_row;
}

/*
All rows of C against one panel of B: tall tiles while they fit, then lower ones. A panel one
register wide gets tiles of twice the height, which keeps as many sums in flight.
*/
SGM__INLINE void SGM__K(strip_of)(int vecs, sgm__product q) {
    const int tall = SGM__TALL * 2 / vecs, left = tall == 6 && q.m % 6 == 2 ? 8 : 0;
    for (; q.m >= tall && q.m > left; SGM__K(down)(&q, tall)) SGM__K(tile)(tall, vecs, &q);
    for (; vecs == 1 && q.m >= 8; SGM__K(down)(&q, 8)) SGM__K(tile)(8, 1, &q);
    for (; q.m >= 4; SGM__K(down)(&q, 4)) SGM__K(tile)(4, vecs, &q);
    for (; q.m >= 2; SGM__K(down)(&q, 2)) SGM__K(tile)(2, vecs, &q);
    if (q.m > 0) SGM__K(tile)(1, vecs, &q);
}

SGM__FN void SGM__K(strip)(const sgm__product *q) {
    if (q->n > SGM__LANES) SGM__K(strip_of)(2, *q);
    else SGM__K(strip_of)(1, *q);
}

SGM__INLINE long SGM__K(width)(const sgm__product *q) {
    return q->n > SGM__LANES ? SGM__PANEL : SGM__LANES;
}

/* Tiles write whole registers, so a C that ends in the middle of one is worked on in a copy. */
SGM__INLINE void SGM__K(rows_copy)(
    long rows, long cols, const float *x, long x_row, float *y, long y_row) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < cols; j += SGM__LANES)
            sgm__vstore(y + i * y_row + j, sgm__vload(x + i * x_row + j, cols - j), cols - j);
}

SGM__FN void SGM__K(strip_ragged)(const sgm__product *q) {
    float sheet[SGM__SHEET * SGM__PANEL] __attribute__((aligned(64)));
    const long width = SGM__K(width)(q);
    sgm__product s = *q;
    memset(sheet, 0, sizeof sheet);
    for (long i = 0; i < q->m; i += SGM__SHEET) {
        s.m = (int)(q->m - i < SGM__SHEET ? q->m - i : SGM__SHEET);
        s.a = q->a + i * q->a_row;
        if (q->init) {
            SGM__K(rows_copy)(s.m, q->n, q->init + i * q->init_row, q->init_row, sheet, width);
            s.init = sheet, s.init_row = width;
        }
        s.c = sheet, s.c_row = width;
        SGM__K(strip)(&s);
        SGM__K(rows_copy)(s.m, q->n, sheet, width, q->c + i * q->c_row, q->c_row);
    }
}

/* Copy k rows of B, n wide, into a panel of whole registers with zeros at the right. */
SGM__FN void SGM__K(pack)(const sgm__product *q, float *panel) {
    const long width = SGM__K(width)(q), whole = q->n / SGM__LANES * SGM__LANES;
    for (long p = 0; p < q->k && q->b_col == 1; p++)
        for (long j = 0; j < whole; j += SGM__LANES) {
            const float *b = q->b + p * q->b_row + j;
            __builtin_prefetch(b + width); /* of the next panel */
            sgm__vput(panel + p * width + j, sgm__vget(b));
        }
    for (long p = 0; p < q->k && q->b_col == 1 && whole < width; p++)
        sgm__vput(panel + p * width + whole,
            SGM__K(vload_part)(q->b + p * q->b_row + whole, q->n - whole));
    if (q->b_col == 1) return;
    if (q->n < width) memset(panel, 0, (size_t)(q->k * width) * sizeof *panel);
    if (q->b_row == 1) SGM__K(turn)(q->n, q->k, q->b, q->b_col, panel, width);
    for (long p = 0; p < q->k && q->b_row != 1; p++)
        for (long j = 0; j < q->n; j++) panel[p * width + j] = q->b[p * q->b_row + j * q->b_col];
}

/*
The plain way through (3.5): blocks of rows, so that their part of A stays in the second-level
cache; within a block, one panel of B after the other. A panel that only a few tiles will read is
not worth a copy: it is read in place, if its rows are contiguous and fill the registers. Rows that
are whole pages apart would all lie in the same few lines of the cache; they are copied sooner.
*/
SGM__FN void SGM__K(matmul_rows)(const sgm__product *q) {
    float panel[SGM__DEEP * SGM__PANEL] __attribute__((aligned(64)));
    for (long i = 0; i < q->m; i += SGM__BLOCK) {
        const int rows = (int)(q->m - i < SGM__BLOCK ? q->m - i : SGM__BLOCK);
        for (long j = 0; j < q->n; j += SGM__PANEL) {
            sgm__product s = *q;
            int ragged;
            s.m = rows;
            s.n = (int)(q->n - j < SGM__PANEL ? q->n - j : SGM__PANEL);
            s.a += i * q->a_row;
            s.b += j * q->b_col;
            s.c += i * q->c_row + j;
            if (s.init) s.init += i * q->init_row + j;
            const long wide = SGM__K(width)(&s), few = q->b_row % 1024 ? SGM__FEW : SGM__FEW / 4;
            ragged = s.n != wide;
            if (s.b_col != 1 || (rows > few && s.b_row != wide) || ragged) {
                SGM__K(pack)(&s, panel);
                s.b = panel, s.b_row = wide;
            }
            if (ragged) SGM__K(strip_ragged)(&s);
            else SGM__K(strip)(&s);
        }
    }
}

/*
The way through $Y = X W^T$ when X has few rows: $Y^T = W X^T$. Now W, the large one, is read in
place as broadcasts, and only the small ones, X and Y, are transposed. Each element of Y still adds
the same products in the same order.
*/
SGM__FN void SGM__K(matmul_turned)(const sgm__product *q) {
    float panel[SGM__DEEP * SGM__PANEL] __attribute__((aligned(64)));
    float turned[SGM__SHEET * SGM__PANEL] __attribute__((aligned(64)));
    memset(turned, 0, sizeof turned);
    for (long j = 0; j < q->m; j += SGM__PANEL) {
        sgm__product s = *q;
        s.n = (int)(q->m - j < SGM__PANEL ? q->m - j : SGM__PANEL);
        s.b = q->a + j * q->a_row, s.b_row = q->a_col, s.b_col = q->a_row;
        SGM__K(pack)(&s, panel);
        s.b = panel, s.b_row = s.init_row = s.c_row = SGM__K(width)(&s);
        for (long i = 0; i < q->n; i += SGM__SHEET) {
            const float *init = q->init ? q->init + j * q->init_row + i : NULL;
            s.m = (int)(q->n - i < SGM__SHEET ? q->n - i : SGM__SHEET);
            s.a = q->b + i * q->b_col, s.a_row = q->b_col, s.a_col = q->b_row;
            if (init) SGM__K(turn)(s.n, s.m, init, q->init_row, turned, s.c_row);
            s.init = init ? turned : NULL;
            s.c = turned;
            SGM__K(strip)(&s);
            SGM__K(turn)(s.m, s.n, turned, s.c_row, q->c + j * q->c_row + i, q->c_row);
        }
    }
}

/*
A sum longer than a panel is deep is done in pieces: C holds the sums so far and the next piece
starts from them, which is exact. Rows so few that, turned, they fill at most half of a register are
worth a transposition of W, in pieces that stay in the first-level cache. Sixteen lanes for eight
columns or fewer would be half idle; since both sections give the same bits, AVX-512 hands such
products to its neighbour.
*/
SGM__FN void SGM__K(matmul)(const sgm__product *q) {
    const int few = q->b_col != 1 && 2 * q->m <= SGM__LANES, deep = few ? SGM__DEEP / 3 : SGM__DEEP;
    const int pieces = q->k > 0 ? (q->k + deep - 1) / deep : 1;
    const double m = q->m, n = q->n, k = q->k;
    const int turn = q->b_col != 1 ? !few && m * (k + n) < n * k : q->a_row == 1 && n <= 8 && n < m;
    sgm__product s = *q;
#if defined(SGM__ISA_AVX512)
    if ((turn ? q->m : q->n) <= 8) {
        sgm__matmul_avx2(q);
        return;
    }
#endif
    for (int piece = 0; piece < pieces; piece++) {
        s.k = (int)((long)q->k * (piece + 1) / pieces - (long)q->k * piece / pieces);
        if (turn) SGM__K(matmul_turned)(&s);
        else SGM__K(matmul_rows)(&s);
        s.a += s.k * s.a_col;
        s.b += s.k * s.b_row;
        s.init = s.c, s.init_row = s.c_row;
    }
}

/* Lane by lane the steps of the twins, from the inside of each polynomial to the outside. */
SGM__INLINE sgm__vf SGM__K(poly)(sgm__vf x, const float *c, int n) {
    sgm__vf p = sgm__vall(c[n - 1]);
    SGM__UNROLL for (int i = n - 2; i >= 0; i--) p = sgm__vfma(x, p, sgm__vall(c[i]));
    return p;
}

/* At most 4 registers of columns, whose sums are banked after each run, if there are several. */
SGM__INLINE void SGM__K(bank)(int vecs, int last, sgm__vf *sum, double *total) {
    SGM__UNROLL for (int v = 0; v < vecs; v++) {
        double *at = total + v * SGM__LANES;
        for (int l = 0; l < SGM__LANES; l++) at[l] += sum[v][l];
        sum[v] = sgm__vall(0.0f);
        for (int l = 0; l < SGM__LANES && last; l++) sum[v][l] = (float)at[l];
    }
}

SGM__INLINE void SGM__K(softmax_of)(int vecs, long T, long n, float c, float *s) {
    enum { L = SGM__LANES };
    const sgm__vf low = sgm__vall(-127.0f / c), cv = sgm__vall(c);
    const sgm__vf magic = sgm__vall(SGM__EXP_MAGIC);
    double total[4 * SGM__LANES] = {0};
    sgm__vf most[4], sum[4];
    SGM__UNROLL for (int v = 0; v < vecs; v++) most[v] = sgm__vget(s + v * L), sum[v] = cv - cv;
    for (long j = 1; j < T; j++)
        SGM__UNROLL for (int v = 0; v < vecs; v++) most[v] =
            sgm__vmax(sgm__vget(s + j * n + v * L), most[v]);
    for (long j = 0; j < T;) {
        const long end = T - j < SGM__RUN ? T : j + SGM__RUN;
        for (; j < end; j++) SGM__UNROLL for (int v = 0; v < vecs; v++) {
                float *at = s + j * n + v * L;
                const sgm__vf u = sgm__vmax(low, sgm__vget(at) - most[v]);
                const sgm__vf t = sgm__vfma(u, cv, magic), f = sgm__vfma(u, cv, magic - t);
                const sgm__vf power = (sgm__vf)(((sgm__vu)t << 23) + (127u << 23));
                const sgm__vf e = SGM__K(poly)(f, sgm__exp2_c, 7) * power;
                sgm__vput(at, e), sum[v] += e;
            }
        if (T > SGM__RUN) SGM__K(bank)(vecs, j == T, sum, total);
    }
    SGM__UNROLL for (int v = 0; v < vecs; v++) sum[v] = sgm__vall(1.0f) / sum[v];
    for (long j = 0; j < T; j++) SGM__UNROLL for (int v = 0; v < vecs; v++) {
            float *at = s + j * n + v * L;
            sgm__vput(at, sgm__vget(at) * sum[v]);
        }
}

/* n is a multiple of 16. */
SGM__FN void SGM__K(softmax)(long T, long n, float scale, float *s) {
    const float c = scale * SGM__LOG2_E;
    long i = 0;
    for (; i + 4 * SGM__LANES <= n; i += 4 * SGM__LANES) SGM__K(softmax_of)(4, T, n, c, s + i);
    for (; i + 2 * SGM__LANES <= n; i += 2 * SGM__LANES) SGM__K(softmax_of)(2, T, n, c, s + i);
    for (; i < n; i += SGM__LANES) SGM__K(softmax_of)(1, T, n, c, s + i);
}

SGM__INLINE void SGM__K(softmax_slope_of)(int vecs, int bent, long T, long n, float scale,
    const float *a, const float *aj, float *g, float *b) {
    enum { L = SGM__LANES };
    double total[4 * SGM__LANES] = {0}, total_b[4 * SGM__LANES] = {0};
    const sgm__vf sv = sgm__vall(scale);
    sgm__vf sum[4], sum_b[4];
    SGM__UNROLL for (int v = 0; v < vecs; v++) sum[v] = sum_b[v] = sgm__vall(0.0f);
    for (long j = 0; j < T;) {
        const long end = T - j < SGM__RUN ? T : j + SGM__RUN;
        for (; j < end; j++) SGM__UNROLL for (int v = 0; v < vecs; v++) {
                const long at = j * n + v * L;
                const sgm__vf av = sgm__vget(a + at);
                sum[v] = sgm__vfma(av, sgm__vget(g + at), sum[v]);
                if (bent) sum[v] = sgm__vfma(sgm__vget(aj + at), sgm__vget(b + at), sum[v]);
                if (bent) sum_b[v] = sgm__vfma(av, sgm__vget(b + at), sum_b[v]);
            }
        if (T > SGM__RUN) SGM__K(bank)(vecs, j == T, sum, total);
        if (T > SGM__RUN && bent) SGM__K(bank)(vecs, j == T, sum_b, total_b);
    }
    for (long j = 0; j < T; j++) SGM__UNROLL for (int v = 0; v < vecs; v++) {
            const long at = j * n + v * L;
            const sgm__vf av = sgm__vget(a + at), gv = sgm__vget(g + at) - sum[v];
            const sgm__vf bv = bent ? sgm__vget(b + at) - sum_b[v] : sv;
            if (bent) sgm__vput(b + at, sv * (av * bv));
            sgm__vput(g + at, sv * (bent ? sgm__vfma(av, gv, sgm__vget(aj + at) * bv) : av * gv));
        }
}

SGM__FN void SGM__K(softmax_slope)(
    long T, long n, float scale, const float *a, const float *aj, float *g, float *b) {
    enum { L = SGM__LANES };
    long i = 0;
    for (; i + 4 * L <= n && !b; i += 4 * L)
        SGM__K(softmax_slope_of)(4, 0, T, n, scale, a + i, NULL, g + i, NULL);
    for (; i < n && !b; i += L)
        SGM__K(softmax_slope_of)(1, 0, T, n, scale, a + i, NULL, g + i, NULL);
    for (; i < n; i += L) SGM__K(softmax_slope_of)(1, 1, T, n, scale, a + i, aj + i, g + i, b + i);
}

SGM__INLINE sgm__vf SGM__K(abs)(sgm__vf x) { return (sgm__vf)((sgm__vi)x & 0x7fffffff); }

/*
The sigmoid is a long chain in which every step waits for the one before it. So n registers, up to
four, go through it side by side.

exp(-|x|) needs no second factor with n: $2^{n + 64}$ is in range for all n from -150 to 0, and then
comes the constant $2^{-64}$. With 64 and the bias 127 of an exponent added to the magic number, the
low bits of the sum are where an exponent wants them, but for a shift.
*/
#define SGM__EACH(n) SGM__UNROLL for (int v = 0; v < (n); v++)

/* For x ≤ 0, $e^x = 2^{-64}$ power (1 + rest), and the rest takes x's place. */
SGM__INLINE void SGM__K(exp_rest)(int n, sgm__vf *x, sgm__vf *power) {
    const sgm__vf magic = sgm__vall(SGM__EXP_MAGIC + 191.0f);
    sgm__vf t[4], r[4], p[4];
    SGM__EACH(n) x[v] = sgm__vmax(sgm__vall(-104.0f), x[v]);
    SGM__EACH(n) t[v] = sgm__vfma(x[v], sgm__vall(SGM__LOG2_E), magic);
    SGM__EACH(n) p[v] = t[v] - magic;
    SGM__EACH(n) r[v] = sgm__vfma(p[v], sgm__vall(-SGM__LN2_HI), x[v]);
    SGM__EACH(n) r[v] = sgm__vfma(p[v], sgm__vall(-SGM__LN2_LO), r[v]);
    SGM__EACH(n) p[v] = sgm__vall(sgm__exp_c[4]);
    SGM__UNROLL for (int i = 3; i >= 0; i--)
        SGM__EACH(n) p[v] = sgm__vfma(r[v], p[v], sgm__vall(sgm__exp_c[i]));
    SGM__EACH(n) x[v] = sgm__vfma(r[v] * r[v], p[v], r[v]);
    SGM__EACH(n) power[v] = (sgm__vf)((sgm__vu)t[v] << 23);
}

SGM__INLINE void SGM__K(exp_down)(int n, const sgm__vf *x, sgm__vf *e) {
    sgm__vf power[4];
    SGM__EACH(n) e[v] = (sgm__vf)((sgm__vu)x[v] | 0x80000000u);
    SGM__K(exp_rest)(n, e, power);
    SGM__EACH(n) e[v] = (e[v] + sgm__vall(1.0f)) * power[v];
    SGM__EACH(n) e[v] *= sgm__vall(5.42101086e-20f);
}

/* sigma, sigma' and, if `second`, sigma'' as in sgm__sigmoid_ref (B.3), from e = exp(-|x|), whose
array is used up; for -0 both s are ½. */
SGM__INLINE void SGM__K(sigmoid_of)(
    int n, const sgm__vf *x, sgm__vf *e, sgm__vf *s, sgm__vf *s1, sgm__vf *s2, int second) {
    const sgm__vf one = sgm__vall(1.0f), zero = sgm__vall(0.0f);
    sgm__vf q[4];
    SGM__EACH(n) q[v] = one / (one + e[v]);
    if (second) SGM__EACH(n) s2[v] = (one - e[v]) * q[v];
    SGM__EACH(n) e[v] *= q[v];
    SGM__EACH(n) s1[v] = e[v] * q[v];
    if (second) SGM__EACH(n) s2[v] = s1[v] * sgm__vpick(x[v] >= zero, -s2[v], s2[v]);
    SGM__EACH(n) s[v] = sgm__vpick((sgm__vi)x[v] >> 31, e[v], q[v]);
}

SGM__INLINE void SGM__K(sigmoid)(
    int n, const sgm__vf *x, sgm__vf *s, sgm__vf *s1, sgm__vf *s2, int second) {
    sgm__vf e[4];
    SGM__K(exp_down)(n, x, e);
    SGM__K(sigmoid_of)(n, x, e, s, s1, s2, second);
}

/* x sigma(z(x)): SiLU with z = x, GELU with the cubic z (B.4). */
SGM__INLINE void SGM__K(gate)(
    int kind, int n, const sgm__vf *x, sgm__vf *f, sgm__vf *d1, sgm__vf *d2, int second) {
    const float beyond = kind == SGM_ACTIVATION_SILU ? 105.0f : 20.0f;
    const sgm__vf two = sgm__vall(2.0f), low = sgm__vall(-beyond), high = sgm__vall(beyond);
    sgm__vf xc[4], z[4], z1[4], z2[4], s[4];
    SGM__EACH(n) f[v] = sgm__vmax(low, x[v]), xc[v] = sgm__vmin(high, f[v]);
    SGM__EACH(n) z[v] = x[v], z1[v] = sgm__vall(1.0f), z2[v] = sgm__vall(0.0f);
    SGM__EACH(n) if (kind == SGM_ACTIVATION_GELU) {
        const sgm__vf q = xc[v] * xc[v];
        z[v] = xc[v] * sgm__vfma(q, sgm__vall(SGM__GELU_3), sgm__vall(SGM__GELU_1));
        z1[v] = sgm__vfma(q, sgm__vall(3.0f * SGM__GELU_3), sgm__vall(SGM__GELU_1));
        z2[v] = xc[v] * sgm__vall(6.0f * SGM__GELU_3);
    }
    SGM__K(sigmoid)(n, z, s, d1, d2, second);
    if (second)
        SGM__EACH(n) d2[v] = sgm__vfma(
            xc[v] * z1[v] * z1[v], d2[v], d1[v] * sgm__vfma(xc[v], z2[v], two * z1[v]));
    SGM__EACH(n) d1[v] = sgm__vfma(xc[v] * z1[v], d1[v], s[v]);
    SGM__EACH(n) f[v] *= s[v];
}

SGM__INLINE void SGM__K(tanh)(int n, const sgm__vf *x, sgm__vf *f, sgm__vf *d1, sgm__vf *d2) {
    const sgm__vf one = sgm__vall(1.0f), two = sgm__vall(2.0f), zero = sgm__vall(0.0f);
    sgm__vf e[4], m[4], scale[4];
    SGM__EACH(n) e[v] = (sgm__vf)((sgm__vu)x[v] | 0x80000000u) * two;
    SGM__K(exp_rest)(n, e, scale);
    SGM__EACH(n) scale[v] *= sgm__vall(5.42101086e-20f);
    SGM__EACH(n) m[v] = sgm__vfma(scale[v], e[v], scale[v] - one);
    SGM__EACH(n) e[v] = sgm__vfma(scale[v], e[v], scale[v]) * sgm__vall(4.0f);
    SGM__EACH(n) {
        const sgm__vf q = one / (two + m[v]), t = (zero - m[v]) * q;
        f[v] = (sgm__vf)((sgm__vu)t | ((sgm__vu)x[v] & 0x80000000u));
        d1[v] = e[v] * q * q;
        d2[v] = -two * f[v] * d1[v];
    }
}

SGM__INLINE void SGM__K(softplus)(int n, const sgm__vf *x, sgm__vf *f, sgm__vf *d1, sgm__vf *d2) {
    const sgm__vf two = sgm__vall(2.0f), zero = sgm__vall(0.0f);
    sgm__vf u[4], bend[4];
    SGM__K(exp_down)(n, x, u);
    SGM__EACH(n) {
        const sgm__vf s = u[v] / (two + u[v]), w = s * s;
        f[v] = sgm__vfma(s * w, SGM__K(poly)(w, sgm__atanh_c, 4), two * s);
        f[v] = sgm__vpick(x[v] <= zero, zero, x[v]) + f[v];
    }
    SGM__K(sigmoid_of)(n, x, u, d1, d2, bend, 0);
}

/* Compiled once for each kind, so that the loop holds no choice and its constants stay at hand. */
SGM__INLINE void SGM__K(act_of)(
    int kind, int n, long size, const float *x, float *y, float *d1, float *d2) {
    const sgm__vf zero = sgm__vall(0.0f);
    enum { L = SGM__LANES };
    for (; size >= n * L; size -= n * L) {
        sgm__vf a[4], f[4], f1[4], f2[4];
        SGM__EACH(n) a[v] = sgm__vget(x + v * L), f2[v] = zero;
        if (kind == SGM_ACTIVATION_SILU || kind == SGM_ACTIVATION_GELU)
            SGM__K(gate)(kind, n, a, f, f1, f2, d2 != NULL);
        else if (kind == SGM_ACTIVATION_SIGMOID) SGM__K(sigmoid)(n, a, f, f1, f2, d2 != NULL);
        else if (kind == SGM_ACTIVATION_TANH) SGM__K(tanh)(n, a, f, f1, f2);
        else if (kind == SGM_ACTIVATION_SOFTPLUS) SGM__K(softplus)(n, a, f, f1, f2);
        else SGM__EACH(n) f[v] = sgm__vpick(a[v] <= zero, zero, a[v]),
            f1[v] = sgm__vpick(a[v] > zero, sgm__vall(1.0f), zero);
        SGM__EACH(n) if (y) sgm__vput(y + v * L, f[v]);
        SGM__EACH(n) if (d1) sgm__vput(d1 + v * L, f1[v]);
        SGM__EACH(n) if (d2) sgm__vput(d2 + v * L, f2[v]);
        x += n * L;
        if (y) y += n * L;
        if (d1) d1 += n * L;
        if (d2) d2 += n * L;
    }
}

/* The last numbers, which do not fill four registers, go through a copy that does. */
SGM__FN void SGM__K(act)(int kind, long n, const float *x, float *y, float *d1, float *d2) {
    enum { L = 4 * SGM__LANES };
    const long left = n % L, whole = n - left;
    if (left > 0) {
        const size_t bytes = (size_t)left * sizeof *x;
        float part[4 * L];
        memset(part, 0, sizeof part);
        memcpy(part, x + whole, bytes);
        SGM__K(act)(kind, L, part, part + L, part + 2 * L, part + 3 * L);
        if (y) memcpy(y + whole, part + L, bytes);
        if (d1) memcpy(d1 + whole, part + 2 * L, bytes);
        if (d2) memcpy(d2 + whole, part + 3 * L, bytes);
    }
    n = whole;
    switch (kind) {
    case SGM_ACTIVATION_RELU: SGM__K(act_of)(SGM_ACTIVATION_RELU, 1, n, x, y, d1, d2); break;
    case SGM_ACTIVATION_SILU: SGM__K(act_of)(SGM_ACTIVATION_SILU, 4, n, x, y, d1, d2); break;
    case SGM_ACTIVATION_TANH: SGM__K(act_of)(SGM_ACTIVATION_TANH, 4, n, x, y, d1, d2); break;
    case SGM_ACTIVATION_GELU: SGM__K(act_of)(SGM_ACTIVATION_GELU, 4, n, x, y, d1, d2); break;
    case SGM_ACTIVATION_SOFTPLUS:
        SGM__K(act_of)(SGM_ACTIVATION_SOFTPLUS, 4, n, x, y, d1, d2);
        break;
    default: SGM__K(act_of)(SGM_ACTIVATION_SIGMOID, 4, n, x, y, d1, d2); break;
    }
}

SGM__INLINE void SGM__K(map_at)(
    int kind, long n, sgm__vf s, const float *a, const float *b, float *y) {
    const sgm__vf av = sgm__vload(a, n);
    sgm__vf v;
    switch (kind) {
    case SGM__ADD: v = av + sgm__vload(b, n); break;
    case SGM__MUL: v = av * sgm__vload(b, n); break;
    case SGM__MULADD: v = sgm__vfma(av, sgm__vload(b, n), sgm__vload(y, n)); break;
    case SGM__AXPY: v = sgm__vfma(s, av, sgm__vload(y, n)); break;
    case SGM__SCALE: v = s * av; break;
    default: v = sgm__vload(y, n), v = sgm__vfma(s, av - v, v); break;
    }
    sgm__vstore(y, v, n);
}

SGM__INLINE void SGM__K(map_of)(
    int kind, long n, float s, const float *a, const float *b, float *y) {
    const sgm__vf sv = sgm__vall(s);
    long i = 0;
    for (; i + SGM__LANES <= n; i += SGM__LANES)
        SGM__K(map_at)(kind, SGM__LANES, sv, a + i, b + i, y + i);
    if (i < n) SGM__K(map_at)(kind, n - i, sv, a + i, b + i, y + i);
}

SGM__FN void SGM__K(map)(int kind, long n, float s, const float *a, const float *b, float *y) {
    switch (kind) {
    case SGM__ADD: SGM__K(map_of)(SGM__ADD, n, s, a, b, y); break;
    case SGM__MUL: SGM__K(map_of)(SGM__MUL, n, s, a, b, y); break;
    case SGM__MULADD: SGM__K(map_of)(SGM__MULADD, n, s, a, b, y); break;
    case SGM__AXPY: SGM__K(map_of)(SGM__AXPY, n, s, a, b, y); break;
    case SGM__SCALE: SGM__K(map_of)(SGM__SCALE, n, s, a, b, y); break;
    default: SGM__K(map_of)(SGM__TOWARD, n, s, a, b, y); break;
    }
}

/* Four doubles, as the twin has them. */
SGM__FN void SGM__K(center)(long n, const float *x, int add, float *y) {
    SGM__K(doubles) sum = {0.0, 0.0, 0.0, 0.0};
    long j = 0;
    for (; j + 4 <= n; j += 4) sum += sgm__vfour(x + j);
    for (int l = 0; j + l < n; l++) sum[l] += x[j + l];
    const double mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (double)n;
    const float most = (float)mean, rest = (float)(mean - most);
    const sgm__vf mv = sgm__vall(most), rv = sgm__vall(rest);
    for (j = 0; j < n; j += SGM__LANES) {
        const sgm__vf c = sgm__vload(x + j, n - j) - mv - rv;
        sgm__vstore(y + j, add ? sgm__vload(y + j, n - j) + c : c, n - j);
    }
}

/* Sixteen sums whatever the width of a register, then the tree of (B.6); n is a run, or less. */
SGM__INLINE float SGM__K(dot_run)(long n, const float *a, const float *b) {
    sgm__vf acc[16 / SGM__LANES], last;
    float lane[16];
    long i = 0;
    SGM__UNROLL for (int v = 0; v < 16 / SGM__LANES; v++) acc[v] = sgm__vall(0.0f);
    for (; i + 16 <= n; i += 16)
        SGM__UNROLL for (int v = 0; v < 16 / SGM__LANES; v++) acc[v] =
            sgm__vfma(sgm__vget(a + i + v * SGM__LANES), sgm__vget(b + i + v * SGM__LANES), acc[v]);
    SGM__UNROLL for (int v = 0; v < 16 / SGM__LANES; v++) sgm__vput(lane + v * SGM__LANES, acc[v]);
    for (; i < n; i++) {
        last = sgm__vfma(sgm__vall(a[i]), sgm__vall(b[i]), sgm__vall(lane[i % 16]));
        lane[i % 16] = last[0];
    }
    return sgm__tree16(lane);
}

SGM__FN double SGM__K(dot)(long n, const float *a, const float *b) {
    const long run = 16 * SGM__RUN;
    double total = 0.0;
    for (; n > run; n -= run, a += run, b += run) total += SGM__K(dot_run)(run, a, b);
    return total + SGM__K(dot_run)(n, a, b);
}

/* `vecs` registers of columns side by side, so that one need not wait for the other; `left` of the
last one's columns are there. */
SGM__INLINE void SGM__K(colsum_of)(
    int vecs, long left, long rows, const float *x, long x_row, float *y) {
    enum { L = SGM__LANES };
    double total[4 * SGM__LANES];
    sgm__vf sum[4];
    long i = 0;
    SGM__UNROLL for (int v = 0; v < vecs; v++) sum[v] = sgm__vload(y + v * L, left - v * L);
    for (int l = 0; l < 4 * L && rows > SGM__RUN; l++) total[l] = -0.0;
    while (i < rows) {
        const int last = rows - i <= SGM__RUN, runs = rows > SGM__RUN;
        for (const long end = last ? rows : i + SGM__RUN; i < end; i++)
            SGM__UNROLL for (int v = 0; v < vecs; v++) sum[v] +=
                sgm__vload(x + i * x_row + v * L, left - v * L);
        SGM__UNROLL for (int v = 0; v < vecs && runs; v++) {
            for (int l = 0; l < L; l++) total[v * L + l] += sum[v][l];
            sum[v] = sgm__vall(0.0f);
            for (int l = 0; l < L && last; l++) sum[v][l] = (float)total[v * L + l];
        }
    }
    SGM__UNROLL for (int v = 0; v < vecs; v++) sgm__vstore(y + v * L, sum[v], left - v * L);
}

SGM__FN void SGM__K(colsum)(long rows, long cols, const float *x, long x_row, float *y) {
    const long wide = 4 * SGM__LANES;
    long j = 0;
    for (; j + wide <= cols; j += wide) SGM__K(colsum_of)(4, wide, rows, x + j, x_row, y + j);
    for (; j + SGM__LANES < cols; j += SGM__PANEL)
        SGM__K(colsum_of)(2, cols - j, rows, x + j, x_row, y + j);
    if (j < cols) SGM__K(colsum_of)(1, cols - j, rows, x + j, x_row, y + j);
}

/* Lane by lane (B.7): a run of four sums for each column, and then one. */
SGM__INLINE sgm__vf SGM__K(coldot_run)(
    long rows, long cols, const float *a, sgm__vf ca, const float *b, sgm__vf cb, long left) {
    const sgm__vf one = sgm__vall(1.0f);
    sgm__vf lane[4];
    long i = 0;
    SGM__UNROLL for (int l = 0; l < 4; l++) lane[l] = sgm__vall(0.0f);
    for (; i + 4 <= rows && b; i += 4)
        SGM__UNROLL for (int l = 0; l < 4; l++) lane[l] =
            sgm__vfma(sgm__vload(a + (i + l) * cols, left) - ca,
                sgm__vload(b + (i + l) * cols, left) - cb, lane[l]);
    for (; i + 4 <= rows; i += 4)
        SGM__UNROLL for (int l = 0; l < 4; l++) lane[l] +=
            sgm__vload(a + (i + l) * cols, left) - ca;
    SGM__UNROLL for (int l = 0; l < 3; l++, i++) {
        if (i >= rows) continue;
        const sgm__vf v = b ? sgm__vload(b + i * cols, left) - cb : one;
        lane[l] = sgm__vfma(sgm__vload(a + i * cols, left) - ca, v, lane[l]);
    }
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

SGM__FN void SGM__K(coldot)(long rows, long cols, const float *a, const float *ma, const float *b,
    const float *mb, float *y) {
    for (long j = 0; j < cols; j += SGM__LANES) {
        const long left = cols - j;
        const sgm__vf ca = ma ? sgm__vload(ma + j, left) : sgm__vall(0.0f);
        const sgm__vf cb = mb ? sgm__vload(mb + j, left) : sgm__vall(0.0f);
        const float *aj = a + j, *bj = b ? b + j : NULL;
        double total[SGM__LANES] = {0};
        for (long i = 0; i < rows; i += SGM__RUN, aj += SGM__RUN * cols) {
            const long run = rows - i < SGM__RUN ? rows - i : SGM__RUN;
            const sgm__vf sum = SGM__K(coldot_run)(run, cols, aj, ca, bj, cb, left);
            for (int l = 0; l < SGM__LANES; l++) total[l] += sum[l];
            if (bj) bj += SGM__RUN * cols;
        }
        for (int l = 0; l < SGM__LANES && l < left; l++) y[j + l] = (float)total[l];
    }
}

/* Two registers of columns, or one, whose coefficients stay in registers down all rows. */
SGM__INLINE void SGM__K(colmix_of)(int vecs, long left, long rows, long cols, const float *a,
    const float *p, const float *b, const float *x, const float *m, const float *d, int add,
    float *y) {
    enum { L = SGM__LANES };
    sgm__vf av[2], bv[2], mv[2], dv[2];
    SGM__UNROLL for (int v = 0; v < vecs; v++) {
        av[v] = a ? sgm__vload(a + v * L, left - v * L) : sgm__vall(0.0f);
        bv[v] = b ? sgm__vload(b + v * L, left - v * L) : sgm__vall(0.0f);
        mv[v] = b ? sgm__vload(m + v * L, left - v * L) : sgm__vall(0.0f);
        dv[v] = sgm__vload(d + v * L, left - v * L);
    }
    for (long at = 0; at < rows * cols; at += cols) SGM__UNROLL for (int v = 0; v < vecs; v++) {
            const long i = at + v * L, n = left - v * L;
            sgm__vf sum = dv[v];
            if (b) sum = sgm__vfma(bv[v], sgm__vload(x + i, n) - mv[v], sum);
            if (a) sum = sgm__vfma(av[v], sgm__vload(p + i, n), sum);
            sgm__vstore(y + i, add ? sgm__vload(y + i, n) + sum : sum, n);
        }
}

SGM__FN void SGM__K(colmix)(long rows, long cols, const float *a, const float *p, const float *b,
    const float *x, const float *m, const float *d, int add, float *y) {
    for (long j = 0, left; (left = cols - j) > 0;
         j += left < SGM__PANEL ? SGM__LANES : SGM__PANEL) {
        const float *aj = a ? a + j : NULL, *pj = a ? p + j : NULL, *bj = b ? b + j : NULL;
        const float *xj = b ? x + j : NULL, *mj = b ? m + j : NULL;
        if (left >= SGM__PANEL)
            SGM__K(colmix_of)(2, SGM__PANEL, rows, cols, aj, pj, bj, xj, mj, d + j, add, y + j);
        else SGM__K(colmix_of)(1, left, rows, cols, aj, pj, bj, xj, mj, d + j, add, y + j);
    }
}

/* n rows, up to four, of one register of columns; what is added up waits in lanes as in coldot. */
SGM__INLINE void SGM__K(colsilu_rows)(int n, long cols, long left, sgm__vf b, const float *x,
    sgm__vf m, sgm__vf d, const float *p, float *y, sgm__vf *sum, sgm__vf *dot) {
    sgm__vf c[4], z[4], f[4], d1[4], d2[4];
    SGM__EACH(4) c[v] = v < n ? sgm__vload(x + v * cols, left) - m : m;
    SGM__EACH(4) z[v] = sgm__vfma(b, c[v], d);
    SGM__K(gate)(SGM_ACTIVATION_SILU, 4, z, f, d1, d2, 0);
    SGM__EACH(4) if (v < n) {
        if (p) {
            f[v] = d1[v] * sgm__vload(p + v * cols, left);
            sum[v] += f[v], dot[v] = sgm__vfma(f[v], c[v], dot[v]);
        }
        sgm__vstore(y + v * cols, f[v], left);
    }
}

/* One register of columns, down all rows; p may be NULL. */
SGM__INLINE void SGM__K(colsilu_of)(long left, long rows, long cols, const float *b,
    const float *x, const float *m, const float *d, const float *p, float *y, float *sums) {
    const sgm__vf bv = sgm__vload(b, left), mv = sgm__vload(m, left), dv = sgm__vload(d, left);
    double total[2][SGM__LANES] = {{0}};
    for (long i = 0; i < rows;) {
        const long end = rows - i < SGM__RUN ? rows : i + SGM__RUN, step = 4 * cols;
        sgm__vf sum[4], dot[4];
        SGM__EACH(4) sum[v] = dot[v] = sgm__vall(0.0f);
        for (; i + 4 <= end; i += 4, x += step, y += step) {
            SGM__K(colsilu_rows)(4, cols, left, bv, x, mv, dv, p, y, sum, dot);
            if (p) p += step;
        }
        if (i < end)
            SGM__K(colsilu_rows)((int)(end - i), cols, left, bv, x, mv, dv, p, y, sum, dot);
        i = end;
        sum[0] = (sum[0] + sum[2]) + (sum[1] + sum[3]);
        dot[0] = (dot[0] + dot[2]) + (dot[1] + dot[3]);
        for (int l = 0; l < SGM__LANES && p; l++)
            total[0][l] += sum[0][l], total[1][l] += dot[0][l];
    }
    for (int l = 0; l < SGM__LANES && l < left && p; l++)
        sums[l] = (float)total[0][l], sums[cols + l] = (float)total[1][l];
}

SGM__FN void SGM__K(colsilu)(long rows, long cols, const float *b, const float *x, const float *m,
    const float *d, const float *p, float *y, float *sums) {
    for (long j = 0; j < cols; j += SGM__LANES)
        if (p)
            SGM__K(colsilu_of)
            (cols - j, rows, cols, b + j, x + j, m + j, d + j, p + j, y + j, sums + j);
        else
            SGM__K(colsilu_of)(cols - j, rows, cols, b + j, x + j, m + j, d + j, NULL, y + j, NULL);
}

/* One of sgm__maps for four numbers a to d, without its zeros and ones. */
SGM__INLINE void SGM__K(map_row)(
    int map, sgm__vf a, sgm__vf b, sgm__vf c, sgm__vf d, sgm__vf *y, int step) {
    const sgm__vf h = sgm__vall(0.5f);
    switch (map) {
    case SGM__MAP_BT:
        y[0] = a - c, y[step] = b + c, y[2 * step] = c - b, y[3 * step] = b - d;
        break;
    case SGM__MAP_B:
        y[0] = a, y[step] = b - c + d, y[2 * step] = b - a + c, y[3 * step] = -d;
        break;
    case SGM__MAP_AT: y[0] = a + b + c, y[step] = b - c - d; break;
    case SGM__MAP_A: y[0] = a, y[step] = a + b, y[2 * step] = a - b, y[3 * step] = -b; break;
    case SGM__MAP_G:
        y[0] = a, y[step] = sgm__vfma(h, c, sgm__vfma(h, b, h * a));
        y[2 * step] = sgm__vfma(h, c, sgm__vfma(-h, b, h * a)), y[3 * step] = c;
        break;
    default:
        y[0] = sgm__vfma(h, c, sgm__vfma(h, b, a)), y[step] = sgm__vfma(-h, c, h * b);
        y[2 * step] = sgm__vfma(h, c, h * b) + d;
    }
}

/* A register of channels, from c on. */
SGM__INLINE void SGM__K(tile_map_at)(int map, int rows, int cols, const sgm__tile q, long c) {
    const sgm__vf zero = sgm__vall(0.0f);
    const float *x = q.x + (q.x_at + c);
    float *y = q.y + (q.y_at + c);
    sgm__vf v[16], half[16];
    SGM__UNROLL for (int k = 0; k < 16; k++) v[k] = zero;
    SGM__UNROLL for (int i = 0; i < rows; i++, x += q.x_row)
        SGM__UNROLL for (int j = 0; j < rows; j++) if (q.x_in >> (4 * i + j) & 1) v[4 * i + j] =
            sgm__vget(x + j * q.x_col);
    SGM__UNROLL for (int j = 0; j < rows; j++)
        SGM__K(map_row)(map, v[j], v[4 + j], v[8 + j], v[12 + j], half + j, 4);
    SGM__UNROLL for (int i = 0; i < cols; i++) SGM__K(map_row)(map, half[4 * i], half[4 * i + 1],
        rows > 2 ? half[4 * i + 2] : zero, rows > 3 ? half[4 * i + 3] : zero, v + 4 * i, 1);
    SGM__UNROLL for (int i = 0; i < cols; i++, y += q.y_row)
        SGM__UNROLL for (int j = 0; j < cols; j++) {
        if (!(q.y_in >> (4 * i + j) & 1)) continue;
        if (q.plus) v[4 * i + j] += sgm__vget(q.plus + c);
        if (q.add) v[4 * i + j] += sgm__vget(y + j * q.y_col);
        sgm__vput(y + j * q.y_col, v[4 * i + j]);
    }
}

/* Copies n channels of those of the 4 by 4 places that are in the image. */
SGM__APART void SGM__K(tile_copy)(
    unsigned in, long n, const float *x, long x_row, long x_col, float *y, long y_row, long y_col) {
    for (int k = 0; k < 16; k++)
        if (in >> k & 1)
            memcpy(y + k / 4 * y_row + k % 4 * y_col, x + k / 4 * x_row + k % 4 * x_col,
                (size_t)n * sizeof *y);
}

/* The last channels, which do not fill a register, go through a copy that does: x, y and plus. */
SGM__APART sgm__tile SGM__K(tile_padded)(const sgm__tile *q, long c, float *room) {
    enum { L = SGM__LANES };
    const long left = q->n - c;
    sgm__tile s = *q;
    s.x = room, s.y = room + 16 * L, s.plus = q->plus ? room + 32 * L : NULL;
    s.x_at = s.y_at = 0, s.x_row = s.y_row = 4 * L, s.x_col = s.y_col = L;
    memset(room, 0, 33 * L * sizeof *room);
    SGM__K(tile_copy)(q->x_in, left, q->x + (q->x_at + c), q->x_row, q->x_col, room, 4 * L, L);
    if (q->add)
        SGM__K(tile_copy)(q->y_in, left, q->y + (q->y_at + c), q->y_row, q->y_col, s.y, 4 * L, L);
    if (q->plus) memcpy(room + 32 * L, q->plus + c, (size_t)left * sizeof *room);
    return s;
}

/* Most tiles lie inside the image, where nothing need be asked about their places. */
SGM__INLINE void SGM__K(tile_map_of)(int map, int rows, int cols, const sgm__tile q) {
    enum { L = SGM__LANES };
    const unsigned x_all = (1u << rows) - 1, y_all = (1u << cols) - 1;
    sgm__tile inside = q;
    long c = 0;
    inside.x_in = x_all * (rows > 3 ? 0x1111u : rows > 2 ? 0x111u : 0x11u);
    inside.y_in = y_all * (cols > 3 ? 0x1111u : cols > 2 ? 0x111u : 0x11u);
    if ((q.x_in & inside.x_in) == inside.x_in && (q.y_in & inside.y_in) == inside.y_in)
        for (; c + L <= q.n; c += L) SGM__K(tile_map_at)(map, rows, cols, inside, c);
    for (; c < q.n; c += L) {
        float room[33 * L];
        const int padded = q.n - c < L;
        const sgm__tile s = padded ? SGM__K(tile_padded)(&q, c, room) : q;
        SGM__K(tile_map_at)(map, rows, cols, s, padded ? 0 : c);
        if (padded)
            SGM__K(tile_copy)(q.y_in, q.n - c, s.y, 4 * L, L, q.y + (q.y_at + c), q.y_row, q.y_col);
    }
}

SGM__FN void SGM__K(tile_map)(const sgm__tile *q) {
    switch (q->map) {
    case SGM__MAP_BT: SGM__K(tile_map_of)(SGM__MAP_BT, 4, 4, *q); break;
    case SGM__MAP_B: SGM__K(tile_map_of)(SGM__MAP_B, 4, 4, *q); break;
    case SGM__MAP_AT: SGM__K(tile_map_of)(SGM__MAP_AT, 4, 2, *q); break;
    case SGM__MAP_A: SGM__K(tile_map_of)(SGM__MAP_A, 2, 4, *q); break;
    case SGM__MAP_G: SGM__K(tile_map_of)(SGM__MAP_G, 3, 4, *q); break;
    default: SGM__K(tile_map_of)(SGM__MAP_GT, 4, 3, *q); break;
    }
}

/* x, but 0 in the lanes of a mask. */
SGM__INLINE sgm__vf SGM__K(zero_where)(sgm__vi mask, sgm__vf x) {
    return (sgm__vf)((sgm__vi)x & ~mask);
}

/* (4.7) and (4.9) for one register of each array, whose gradients are g. */
SGM__INLINE void SGM__K(moments_at)(int kind, long i, long n, float *p, sgm__vf g, float *m,
    float *v, const sgm__adam_rates *c, const sgm__adam_plan *plan) {
    sgm__vf mean = sgm__vload(m + i, n), square, x = sgm__vload(p + i, n);
    if (plan->scales) g *= sgm__vall(c->grad_scale);
    if (kind == SGM_OPTIMISER_SGD) {
        mean = sgm__vfma(sgm__vall(c->beta1), mean, g);
        x = sgm__vfma(sgm__vall(-c->lr), mean, x);
    } else {
        mean = sgm__vfma(sgm__vall(c->beta1), mean, sgm__vall(c->fresh1) * g);
        if (plan->sweep) mean = SGM__K(zero_where)(SGM__K(abs)(mean) < sgm__vall(SGM__FADED), mean);
        if (kind == SGM_OPTIMISER_ADABELIEF) g -= mean;
        square = sgm__vfma(sgm__vall(c->beta2), sgm__vload(v + i, n), sgm__vall(c->fresh2) * g * g);
        if (plan->sweep)
            square = SGM__K(zero_where)(
                (mean == sgm__vall(0.0f)) & (square < sgm__vall(plan->faded)), square);
        if (kind == SGM_OPTIMISER_ADABELIEF) square += sgm__vall(c->eps);
        if (plan->shrinks) x = sgm__vfma(sgm__vall(plan->shrink), x, x);
        x = sgm__vfma(sgm__vall(plan->step), mean / (sgm__vroot(square) + sgm__vall(plan->eps)), x);
        sgm__vstore(v + i, square, n);
    }
    sgm__vstore(m + i, mean, n);
    sgm__vstore(p + i, x, n);
}

SGM__FN void SGM__K(moments)(
    int kind, long n, float *p, const float *g, float *m, float *v, const sgm__adam_rates *rates) {
    const sgm__adam_rates c = *rates;
    const sgm__adam_plan plan = sgm__adam_plan_from(&c);
    long i = 0;
    for (; i + SGM__LANES <= n; i += SGM__LANES)
        SGM__K(moments_at)(kind, i, SGM__LANES, p, sgm__vget(g + i), m, v, &c, &plan);
    if (i < n) SGM__K(moments_at)(kind, i, n - i, p, sgm__vload(g + i, n - i), m, v, &c, &plan);
}

/* (3.5) for four registers of row i of the weight: the terms of rows `from` to `to` of x, d. */
SGM__INLINE void SGM__K(outer_sums)(
    const sgm__outer *q, long i, long j, int from, int to, sgm__vf *sum) {
    const float *x = q->x + from * q->x_row + i, *d = q->d + (long)from * q->out + j;
    SGM__UNROLL for (int r = from; r < to; r++, x += q->x_row, d += q->out) {
        if (r >= q->n) return;
        const sgm__vf xv = sgm__vall(*x);
        SGM__UNROLL for (int v = 0; v < 4; v++) sum[v] =
            sgm__vfma(xv, sgm__vget(d + v * SGM__LANES), sum[v]);
    }
}

/* The last columns, from j on, too few for a block: one register at a time. */
SGM__APART void SGM__K(outer_last)(
    int kind, const sgm__outer *q, long j, const sgm__adam_rates *c, const sgm__adam_plan *plan) {
    for (; j < q->out; j += SGM__LANES)
        for (long i = 0, left = q->out - j; i < q->in; i++) {
            sgm__vf g = sgm__vall(0.0f);
            for (long r = 0; r < q->n; r++)
                g = sgm__vfma(
                    sgm__vall(q->x[r * q->x_row + i]), sgm__vload(q->d + r * q->out + j, left), g);
            SGM__K(moments_at)(kind, i * q->out + j, left, q->p, g, q->m, q->v, c, plan);
        }
}

/*
Blocks of four registers, two of them under way at any time: a quarter of the next block's sums goes
to the multipliers, then one register of this block to the divider, and neither waits for the other.
`few` is a constant, no less than the rows of x, so that a quarter of it has a fixed place in the
code. After the last block comes one that nobody uses.
*/
SGM__INLINE void SGM__K(outer_walk)(
    int kind, int few, const sgm__outer q, const sgm__adam_rates *c, const sgm__adam_plan *plan) {
    const long block = 4 * SGM__LANES, whole = q.out - q.out % block;
    const sgm__vf zero = sgm__vall(0.0f);
    sgm__vf g[4], next[4];
    long i = 0, j = 0;
    SGM__UNROLL for (int v = 0; v < 4; v++) next[v] = zero;
    if (whole > 0) SGM__K(outer_sums)(&q, 0, 0, 0, few, next);
    for (long at = 0, blocks = q.in * (whole / block); blocks > 0; blocks--) {
        const long here = at + j;
        j += block;
        if (j == whole) j = 0, at += q.out, i += i + 1 < q.in;
        SGM__UNROLL for (int v = 0; v < 4; v++) g[v] = next[v], next[v] = zero;
        SGM__UNROLL for (int v = 0; v < 4; v++) {
            SGM__K(outer_sums)(&q, i, j, v * few / 4, (v + 1) * few / 4, next);
            SGM__K(moments_at)
            (kind, here + v * SGM__LANES, SGM__LANES, q.p, g[v], q.m, q.v, c, plan);
        }
    }
    SGM__K(outer_last)(kind, &q, whole, c, plan);
}

SGM__FN void SGM__K(outer_moments)(int kind, const sgm__outer *q, const sgm__adam_rates *rates) {
    const sgm__adam_rates c = *rates;
    sgm__adam_plan plan = sgm__adam_plan_from(&c);
    const int plain = kind <= SGM_OPTIMISER_ADAMW && !plan.sweep && !plan.scales && !plan.shrinks;
    if (q->in < 1) return;
    if (!plain) {
        SGM__K(outer_walk)(kind, SGM__OUTER_MOST, *q, &c, &plan);
        return;
    }
    plan.sweep = plan.scales = plan.shrinks = 0; /* which the compiler knows from here on */
    if (q->n > 8) SGM__K(outer_walk)(SGM_OPTIMISER_ADAM, SGM__OUTER_MOST, *q, &c, &plan);
    else SGM__K(outer_walk)(SGM_OPTIMISER_ADAM, 8, *q, &c, &plan);
}

/*
Philox (§A.2) of `SGM__LANES` blocks at once. A multiplication reads the lower half of 64 bits and
fills both, so a block owns 64, and what stands in an upper half is never looked at. Each round must
wait for the one before, so two registers of blocks go side by side. The words leave as pairs that
(A.1) wants: w holds words 0 and 2 of each block, u words 1 and 3.
*/
SGM__INLINE void SGM__K(words)(uint64_t block, const uint64_t *keys, sgm__vu *w, sgm__vu *u) {
    static const uint64_t ascending[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    sgm__vw x0[2], x1[2], x2[2], x3[2];
    SGM__EACH(2) {
        x0[v] = (sgm__vw)sgm__vget((const float *)(const void *)ascending) + block;
        x1[v] = x0[v] >> 32, x2[v] = x3[v] = x0[v] ^ x0[v];
        block += SGM__LANES / 2;
    }
    SGM__UNROLL for (int round = 0; round < 20; round += 2) SGM__EACH(2) {
        const sgm__vw p0 = sgm__vwide(x0[v], 0xD2511F53u), p1 = sgm__vwide(x2[v], 0xCD9E8D57u);
        x0[v] = (p1 >> 32) ^ x1[v] ^ keys[round];
        x2[v] = (p0 >> 32) ^ x3[v] ^ keys[round + 1];
        x1[v] = p1, x3[v] = p0;
    }
    SGM__EACH(2) w[v] = (sgm__vu)((x0[v] & 0xffffffff) | (x2[v] << 32));
    SGM__EACH(2) u[v] = (sgm__vu)((x1[v] & 0xffffffff) | (x3[v] << 32));
}

SGM__INLINE sgm__vf SGM__K(horner)(sgm__vf x, const float *c, int n) {
    sgm__vf p = sgm__vall(c[n - 1]);
    SGM__UNROLL for (int i = n - 2; i >= 0; i--) p = p * x + sgm__vall(c[i]);
    return p;
}

/* As in the twin; the angle's lower 22 bits are taken with their sign by a shift to the left and
back. */
SGM__INLINE void SGM__K(pair)(sgm__vu w, sgm__vu v, sgm__vf *z) {
    const sgm__vi below = (sgm__vi)w >> 31;
    const sgm__vf one = sgm__vall(1.0f);
    const sgm__vf rest = sgm__vfloat(v & 0xff) * sgm__vall(1 / 256.0f) + sgm__vall(1 / 512.0f);
    const sgm__vf t = sgm__vfloat(w) + rest;
    const sgm__vf k = sgm__vfloat((158 - ((sgm__vi)t >> 23)) & ~below);
    const sgm__vf g = sgm__vpick(below, t * sgm__vall(-1 / 4294967296.0f),
        one - (sgm__vf)(((sgm__vi)t & 0x7fffff) | 0x3f000000));
    const sgm__vf r = sgm__vroot(
        k * sgm__vall((float)(2 * SGM__LN2)) + g * SGM__K(horner)(g, sgm__q_c, 9));
    const sgm__vu q = v + 0x20000000;
    const sgm__vi odd = (sgm__vi)(q << 1) >> 31;
    const sgm__vf half = sgm__vfloat((sgm__vi)(v << 2) >> 10) + sgm__vall(0.5f);
    const sgm__vf a = half * sgm__vall(1 / 16777216.0f), a2 = a * a;
    const sgm__vf s = a * SGM__K(horner)(a2, sgm__sin_c, 4), c = SGM__K(horner)(a2, sgm__cos_c, 4);
    const sgm__vu along = (sgm__vu)sgm__vpick(odd, s, c), up = (sgm__vu)sgm__vpick(odd, c, s);
    const sgm__vf x = r * (sgm__vf)(along ^ ((q + 0x40000000) & 0x80000000));
    const sgm__vf y = r * (sgm__vf)(up ^ (q & 0x80000000));
    z[0] = SGM__K(zip)(x, y, 0), z[1] = SGM__K(zip)(x, y, 1);
}

/* The draws of `SGM__LANES` blocks, in their order: four registers, of a mask eight. */
SGM__INLINE void SGM__K(draw_some)(
    int law, uint64_t block, const uint64_t *keys, float rate, sgm__vf *y) {
    sgm__vu w[2], v[2];
    SGM__K(words)(block, keys, w, v);
    if (law == SGM__LAW_NORMAL) {
        SGM__K(pair)(w[0], v[0], y);
        SGM__K(pair)(w[1], v[1], y + 2);
        return;
    }
    SGM__UNROLL for (int i = 0; i < 4; i++) {
        const int at = law == SGM__LAW_KEEP ? 2 * i : i;
        const sgm__vu x = (sgm__vu)SGM__K(zip)((sgm__vf)w[i / 2], (sgm__vf)v[i / 2], i % 2);
        if (law == SGM__LAW_UNIFORM) {
            y[i] = (sgm__vfloat(x >> 9) + sgm__vall(0.5f)) * sgm__vall(1.0f / 8388608.0f);
            continue;
        }
        const sgm__vi least = (sgm__vi)x * 0 + (int)sgm__keep_least(rate);
        const sgm__vf kept = sgm__vall(1 / (1 - rate));
        const sgm__vf low = (sgm__vf)(~((sgm__vi)(x & 0xffff) < least) & (sgm__vi)kept);
        const sgm__vf high = (sgm__vf)(~((sgm__vi)(x >> 16) < least) & (sgm__vi)kept);
        y[at] = SGM__K(zip)(low, high, 0), y[at + 1] = SGM__K(zip)(low, high, 1);
    }
}

SGM__INLINE void SGM__K(draw_of)(
    int law, size_t n, uint64_t first, sgm_key key, float rate, float *y) {
    const int vecs = law == SGM__LAW_KEEP ? 8 : 4;
    const unsigned each = (unsigned)vecs;
    uint64_t keys[20];
    for (uint32_t i = 0; i < 10; i++) {
        keys[2 * i] = (uint32_t)(key.k[0] + i * 0x9E3779B9u);
        keys[2 * i + 1] = (uint32_t)(key.k[1] + i * 0xBB67AE85u);
    }
    while (n > 0) {
        const size_t skip = (size_t)(first % each), left = (size_t)(vecs * SGM__LANES) - skip;
        const size_t some = n < left ? n : left;
        float part[8 * SGM__LANES];
        sgm__vf z[8];
        SGM__K(draw_some)(law, first / each, keys, rate, z);
        if (some == (size_t)(vecs * SGM__LANES)) {
            SGM__UNROLL for (int i = 0; i < vecs; i++) sgm__vput(y + i * SGM__LANES, z[i]);
        } else {
            SGM__UNROLL for (int i = 0; i < vecs; i++) sgm__vput(part + i * SGM__LANES, z[i]);
            memcpy(y, part + skip, some * sizeof *y);
        }
        y += some, n -= some, first += some;
    }
}

SGM__FN void SGM__K(draw)(
    int law, size_t n, uint64_t first, sgm_key key, float rate, float *y) {
    if (law == SGM__LAW_NORMAL) SGM__K(draw_of)(SGM__LAW_NORMAL, n, first, key, rate, y);
    else if (law == SGM__LAW_UNIFORM) SGM__K(draw_of)(SGM__LAW_UNIFORM, n, first, key, rate, y);
    else SGM__K(draw_of)(SGM__LAW_KEEP, n, first, key, rate, y);
}

static const sgm__kernels SGM__K(kernels) = {SGM__STRING(SGM__ISA), SGM__LANES, SGM__K(matmul),
    SGM__K(act), SGM__K(softmax), SGM__K(softmax_slope), SGM__K(turn), SGM__K(map), SGM__K(dot),
    SGM__K(center), SGM__K(colsum), SGM__K(coldot), SGM__K(colmix), SGM__K(colsilu),
    SGM__K(tile_map), SGM__K(moments), SGM__K(outer_moments), SGM__K(draw)};

#undef SGM__ISA
#undef SGM__ISA_AVX2
#undef SGM__ISA_AVX512
#undef SGM__ISA_NEON
#undef SGM__ISA_WASM
#undef SGM__LOW
#undef SGM__HIGH
#undef SGM__TARGET
#undef SGM__LANES
#undef SGM__TALL
#undef SGM__ZIP_LO
#undef SGM__ZIP_HI
#undef sgm__vall
#undef sgm__vroot
#undef sgm__vfour
#undef sgm__vfma
#undef sgm__vmin
#undef sgm__vmax
#undef sgm__vfloat
#undef sgm__vwide

#elif defined(SGM__IMPLEMENTING) /* the rest of Part III; not when §B.8 is read by itself */
#undef SGM__IMPLEMENTING
/*
## §B.9 Choosing at run time

The first kernel that runs asks the processor what it can do, and the environment whether you want
something else: `SGM_ISA=avx2` makes an AVX-512 machine behave like its elder sister, `SGM_ISA=ref`
runs the twins. A wish that cannot be granted is passed over. Two threads that arrive at once both
find the same answer and store the same pointer.
*/
static const sgm__kernels *sgm__kernels_for(const char *name) {
#if defined(SGM__X86)
    __builtin_cpu_init();
    if (!strcmp(name, "avx512") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
        return &sgm__kernels_avx512;
    if (!strcmp(name, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &sgm__kernels_avx2;
#ifdef SGM_SSE2
    if (!strcmp(name, "sse2")) return &sgm__kernels_sse2;
#endif
#elif defined(SGM__ARM)
    if (!strcmp(name, "neon")) return &sgm__kernels_neon;
#elif defined(SGM__WASM)
    if (!strcmp(name, "wasm")) return &sgm__kernels_wasm;
#endif
    return strcmp(name, "ref") ? NULL : &sgm__kernels_ref;
}

static const sgm__kernels *sgm__kernels_choose(void) {
    static const char *const best_first[] = {"avx512", "avx2", "neon", "wasm", "sse2", "ref"};
    const char *wish = getenv("SGM_ISA");
    const sgm__kernels *found = wish ? sgm__kernels_for(wish) : NULL;
    for (int i = 0; !found && i < 6; i++) found = sgm__kernels_for(best_first[i]);
    return found;
}

static const sgm__kernels *sgm__k(void) {
    static const sgm__kernels *chosen;
    const sgm__kernels *k = SGM__LOAD(&chosen);
    if (!k) {
        k = sgm__kernels_choose();
        SGM__STORE(&chosen, k);
    }
    return k;
}

SGM_API const char *sgm_isa(void) { return sgm__k()->name; }

static void sgm__draw(int law, size_t n, uint64_t first, sgm_key key, float rate, float *y) {
    sgm__k()->draw(law, n, first, key, rate, y);
}

/*
## §B.10 Threads

A product is divided among threads by rows or by columns of C, never by p: each element of C still
has one owner who adds all of its terms. A product too small to pay for waking the others stays with
you, and so does one that is asked for inside a parallel region.
*/
/* Part t of T of C: whole tiles of rows or columns, whichever are more. */
static sgm__product sgm__part_of(const sgm__product *q, long t, long T) {
    const int by_rows = q->m >= q->n;
    const long n = by_rows ? q->m : q->n, from = n * t / T / 16 * 16;
    const long to = t + 1 == T ? n : n * (t + 1) / T / 16 * 16;
    sgm__product s = *q;
    if (by_rows) s.m = (int)(to - from), s.a += from * q->a_row, s.c += from * q->c_row;
    else s.n = (int)(to - from), s.b += from * q->b_col, s.c += from;
    if (s.init) s.init += by_rows ? from * q->init_row : from;
    return s;
}

typedef struct sgm__shared_product {
    sgm__product whole;
    long parts;
} sgm__shared_product;

static void sgm__share_job(void *what, long part, int hand) {
    const sgm__shared_product *p = (const sgm__shared_product *)what;
    const sgm__product s = sgm__part_of(&p->whole, part, p->parts);
    (void)hand, sgm__k()->matmul(&s);
}

/* (3.5) with all its strides spelt out. */
static void sgm__matmul(int m, int n, int k, const float *a, long a_row, long a_col, const float *b,
    long b_row, long b_col, const float *init, long init_row, float *c, long c_row) {
    const sgm__product q = {m, n, k, a, a_row, a_col, b, b_row, b_col, init, init_row, c, c_row};
    const double work = (double)m * (n | 15) * k / SGM__LARGE;
    const double threads = work < 2 ? 1 : sgm_threads();
    if (m <= 0 || n <= 0) return;
    if (threads < 2) {
        sgm__k()->matmul(&q);
        return;
    }
    sgm__shared_product p;
    p.whole = q, p.parts = (long)(work < threads ? work : threads); /* each packs B anew */
    sgm__share(p.parts, sgm__share_job, &p);
}

static void sgm__act(int kind, long n, const float *x, float *y, float *d1, float *d2) {
    sgm__k()->act(kind, n, x, y, d1, d2);
}

static void sgm__map(int kind, long n, float s, const float *a, const float *b, float *y) {
    sgm__k()->map(kind, n, s, a, b, y);
}

static void sgm__map_alone(int kind, long n, float s, const float *a, const float *b, float *y) {
    sgm__k()->map(kind, n, s, a, b, y);
}

static double sgm__dot_alone(long n, const float *a, const float *b) {
    return sgm__k()->dot(n, a, b);
}

static void sgm__turn_alone(
    long rows, long cols, const float *x, long x_row, float *y, long y_row) {
    sgm__k()->turn(rows, cols, x, x_row, y, y_row);
}

static void sgm__colsum(long rows, long cols, const float *x, long x_row, float *y) {
    sgm__k()->colsum(rows, cols, x, x_row, y);
}

SGM__LIGHTLY
/*
# C. Files

## §C.1 What must never happen to a file

A save that fails half way must not cost you the file that was there before: it may be hours of
work. A damaged file must not load as if it were whole. And a file that someone sends you must not
crash the program, whatever its bytes are.

So you look before you write. A link is followed to the file it names. A pipe or a terminal has
nothing to lose and is written through. A directory, a disk, a socket, a file that is marked as
read-only, or one with a second name that a replacement would part from it, is refused. What is left
is a file, and a new one: you write to a temporary beside it, have the disk confirm it, give it the
rights of the old file, and rename it, which replaces the old one in one step. Every write is
checked, and so is the close, where a full disk often shows first.
*/
#include <errno.h>

#ifndef SGM_NO_STDIO
#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#ifdef __cplusplus
extern "C" {
#endif
__declspec(dllimport) unsigned long __stdcall GetFileAttributesA(const char *name);
__declspec(dllimport) int __stdcall MoveFileExA(const char *, const char *, unsigned long how);
#ifdef __cplusplus
}
#endif
#elif defined(__unix__) || defined(__APPLE__)
#define SGM__POSIX
#include <fcntl.h>
#include <sys/stat.h>
#if defined(__GLIBC__) && !defined(__USE_XOPEN_EXTENDED) && !defined(__USE_XOPEN2K)
extern ssize_t readlink(const char *path, char *to, size_t n); /* -std=c99 hides it */
#endif
#endif
#endif

enum { SGM__PATH = 4096 };

typedef struct sgm__file {
    FILE *file;
    char target[SGM__PATH], temporary[SGM__PATH]; /* the same if it is written through        */
    size_t bytes;                                 /* written; without a file, only counted    */
    int error, through, old;                      /* errno of the first failure; is there one? */
#ifdef SGM__POSIX
    struct stat stat;                             /* of the old file */
#endif
} sgm__file;

static sgm_status sgm__file_no(const char *verb, const char *path, int error) {
    return sgm__fail(SGM_NO_FILE,
        "cannot %s '%.200s': %s; check that its directory exists, with room and the right to %s",
        verb, path, strerror(error ? error : EIO), verb);
}

static void sgm__file_put(sgm__file *f, const void *bytes, size_t n) {
    if (f->file && !f->error && fwrite(bytes, 1, n, f->file) != n) f->error = errno ? errno : EIO;
    f->bytes += n;
}

#ifndef SGM_NO_STDIO
/* Where the name begins, behind its folders. */
static char *sgm__file_base(char *path) {
#ifdef _WIN32
    static const char slashes[] = "/\\:";
#else
    static const char slashes[] = "/";
#endif
    for (char *s; (s = strpbrk(path, slashes)) != NULL;) path = s + 1;
    return path;
}

#if defined(SGM__POSIX)
/* What /proc and /dev/fd hold look like links, but lead to what is open already. */
static int sgm__is_open_file(const char *name) {
    return !strncmp(name, "/proc/", 6) || !strncmp(name, "/dev/fd/", 8);
}

/* Finds the target; the answer is NULL or why it must not be replaced, and the cure. */
static const char *sgm__file_look(sgm__file *f) {
    char link[SGM__PATH], *to = f->target;
    for (int links = 0; !sgm__is_open_file(to); links++) {
        const ssize_t n = links < 40 ? readlink(to, link, sizeof link - 1) : -1;
        if (links >= 40) return "its links go round in a circle: remove one";
        if (n < 0) break;
        char *base = *link == '/' ? to : sgm__file_base(to);
        if (base - to + n >= SGM__PATH - 16) return "its path is too long: shorten it";
        memcpy(base, link, (size_t)n), base[n] = 0;
    }
    f->old = stat(to, &f->stat) == 0;
    if (!f->old) return errno == EOVERFLOW ? "it is too large to look at: take another name" : NULL;
    const int is_file = S_ISREG(f->stat.st_mode);
    f->through =
        S_ISFIFO(f->stat.st_mode) || S_ISCHR(f->stat.st_mode) || (is_file && sgm__is_open_file(to));
    if (!is_file && !f->through) return "it is a directory, a disk or a socket: name a file";
    if (f->through) return NULL;
    if (!(f->stat.st_mode & 0222) || access(to, W_OK))
        return "it is read-only: run chmod u+w on it, or save under another name";
    return f->stat.st_nlink > 1
        ? "it has a second name (a hard link), which would keep the old contents: remove one name"
        : NULL;
}

/* The disk has what was written; some file systems cannot be asked, which is no failure. */
static void sgm__file_sync(sgm__file *f, const char *name, int flags) {
    const int fd = open(name, flags);
    if (fd < 0 && flags != O_RDONLY && !f->error) f->error = errno;
    if (fd < 0) return;
    if (fsync(fd) && (errno == EIO || errno == ENOSPC) && !f->error) f->error = errno;
    close(fd);
}

static int sgm__file_new(const char *name, int is_private) {
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, is_private ? 0600 : 0666);
    return fd >= 0 && !close(fd);
}

static void sgm__file_replace(sgm__file *f) {
    sgm__file_sync(f, f->temporary, O_WRONLY);
    if (!f->error && f->old) { /* another's file may become yours; its rights stay */
        if (chown(f->temporary, f->stat.st_uid, f->stat.st_gid)) errno = 0;
        if (chmod(f->temporary, f->stat.st_mode & 07777)) f->error = errno;
    }
    if (!f->error && rename(f->temporary, f->target)) f->error = errno;
    if (f->error) return;
    strcpy(sgm__file_base(f->target), "."); /* and so has the folder */
    sgm__file_sync(f, f->target, O_RDONLY);
}
#elif defined(_WIN32)
/* Attributes: 1 read-only, 16 a directory, 1024 a link. */
static const char *sgm__file_look(sgm__file *f) {
    const unsigned long a = GetFileAttributesA(f->target);
    f->through = !_stricmp(f->target, "nul") || !_stricmp(f->target, "con");
    if (f->through || a == 0xffffffffu) return NULL;
    return a & 16  ? "it is a directory: name a file"
        : a & 1024 ? "it is a link: name the file it leads to"
        : a & 1    ? "it is read-only: run attrib -r on it, or save under another name"
                   : NULL;
}

static int sgm__file_new(const char *name, int is_private) {
    const int fd = _open(name, _O_WRONLY | _O_CREAT | _O_EXCL, _S_IREAD | _S_IWRITE);
    return (void)is_private, fd >= 0 && !_close(fd);
}

static void sgm__file_replace(sgm__file *f) { /* 1: replace what is there, 8: return when done */
    const int fd = _open(f->temporary, _O_WRONLY);
    if (fd < 0 || _commit(fd)) f->error = errno;
    if (fd >= 0) _close(fd);
    if (!f->error && !MoveFileExA(f->temporary, f->target, 1 | 8)) f->error = EACCES;
}
#else
static const char *sgm__file_look(sgm__file *f) { return (void)f, NULL; }
static int sgm__file_new(const char *name, int is_private) {
    FILE *file = fopen(name, "rb");
    if (file) fclose(file), errno = EEXIST;
    return (void)is_private, !file;
}
static void sgm__file_replace(sgm__file *f) {
    if (rename(f->temporary, f->target)) f->error = errno;
}
#endif

/* A temporary's name is drawn until nobody has it: those of killed runs are in no one's way. */
static sgm_status sgm__file_open(sgm__file *f, const char *path) {
    memset(f, 0, sizeof *f);
    if (strlen(path) >= SGM__PATH - 16) return sgm__file_no("write", path, ENAMETOOLONG);
    strcpy(f->target, path);
    const char *why = *sgm__file_base(f->target) ? sgm__file_look(f) : "it ends without a name";
    if (why) return sgm__fail(SGM_NO_FILE, "cannot write '%.200s': %s", path, why);
    const char *base = sgm__file_base(f->target), *stem = strlen(base) > 200 ? "sgm" : base;
    uint32_t draw = (uint32_t)(uint64_t)(1e6 * sgm_seconds()) ^ (uint32_t)(size_t)f;
    strcpy(f->temporary, f->target);
    errno = f->through ? 0 : EEXIST;
    for (int i = 0; errno == EEXIST && i < 1000; i++) {
        snprintf(f->temporary + (base - f->target), 220, "%s.%08x.tmp", stem, (unsigned)draw);
        if (sgm__file_new(f->temporary, f->old)) errno = 0;
        draw = sgm__hash(draw + 1);
    }
    if (!errno) f->file = fopen(f->temporary, f->through ? "ab" : "wb");
    return f->file ? SGM_OK : sgm__file_no("write", path, errno);
}

static sgm_status sgm__file_close(sgm__file *f, const char *path) {
    errno = 0;
    if (fclose(f->file) && !f->error) f->error = errno ? errno : EIO;
    if (!f->error && !f->through) sgm__file_replace(f);
    if (!f->error) return SGM_OK;
    if (!f->through) remove(f->temporary);
    return sgm__file_no("write", path, f->error);
}
#else
static sgm_status sgm__file_open(sgm__file *f, const char *path) {
    memset(f, 0, sizeof *f);
    return sgm__fail(SGM_NO_FILE, "no file '%.200s': compile sgm.h without SGM_NO_STDIO", path);
}
#define sgm__file_close sgm__file_open
#endif

static void sgm__file_text(sgm__file *f, const char *s) { sgm__file_put(f, s, strlen(s)); }

SGM_API sgm_status sgm_dat_save(
    const char *path, const char *header, const float *x, long rows, int cols) {
    sgm__file f;
    char text[40];
    if (!path || rows < 0 || cols < 1 || (!x && rows > 0))
        return sgm__bad("sgm_dat_save needs a path, x, rows >= 0, cols >= 1");
    SGM__TRY(sgm__file_open(&f, path));
    for (const char *c = header; c && *c; c++) {
        if (c == header || c[-1] == '\n') sgm__file_text(&f, "# ");
        sgm__file_put(&f, c, 1);
    }
    if (header) sgm__file_text(&f, *header ? "\n" : "#\n");
    for (long i = 0; i < rows && !f.error; i++)
        for (int j = 0; j < cols; j++) {
            sgm__file_text(&f, sgm__number_text(text, *x++, 9));
            sgm__file_text(&f, j + 1 < cols ? " " : "\n");
        }
    return sgm__file_close(&f, path);
}

SGM__COLDLY
/*
## §C.2 The archive

Arrays are kept as *safetensors*, because other tools read it and because it is small enough to be
checked completely. A file is

    8 bytes      length of the header, little-endian
    header       JSON: {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, ...}
    the rest     the numbers, little-endian; the offsets count from here

with spaces after the JSON, so that the numbers start at a multiple of 8. `__metadata__` is reserved
for pairs of strings. One is ours: `sgm.checksum`, the FNV-1a hash of the numbers' bytes (Fowler,
Noll and Vo), which starts from a fixed h and takes in byte after byte:

$$h ← (h ⊕ \mathrm{byte}) · (2^{40} + 435) \bmod 2^{64} \qquad(C.1)$$

It needs no table, and each step is a bijection of h, so a change within one byte is always noticed;
anything else escapes with a chance near 2⁻⁶⁴. It does not cover the header, nor stop someone who
forges the file; a model's file has a checksum of its settings too. Names are UTF-8, as the format
asks.
*/
static uint64_t sgm__fnv(uint64_t h, const unsigned char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * ((1ull << 40) + 435);
    return h;
}

static const uint64_t sgm__fnv_start = 0xcbf29ce484222325ull;
enum {
    SGM__NAMES_MAX = 10000,      /* to save, where each is compared with all before it */
    SGM__HEADER_MAX = 100000000, /* bytes, as in other programs                        */
};

SGM_API void sgm_archive_free(sgm_archive *archive) {
    if (!archive) return;
    sgm__free(archive->arrays); /* the pairs lie behind the arrays */
    sgm__free(archive->memory), sgm__free(archive->numbers);
    memset(archive, 0, sizeof *archive);
}

SGM_API const sgm_array *sgm_archive_find(const sgm_archive *archive, const char *name) {
    for (int i = 0; archive && name && i < archive->n_arrays; i++)
        if (strcmp(archive->arrays[i].name, name) == 0) return archive->arrays + i;
    return NULL;
}

SGM_API const char *sgm_archive_meta(const sgm_archive *archive, const char *key) {
    for (int i = 0; archive && key && i < archive->n_meta; i++)
        if (strcmp(archive->meta[2 * i], key) == 0) return archive->meta[2 * i + 1];
    return NULL;
}

static int sgm__is_text(const char *s) { return s && sgm__utf8_bytes(s) == strlen(s); }

static sgm_status sgm__archive_check(const sgm_archive *archive) {
    sgm_archive sound = *archive; /* of the pairs, those before the one that is looked at */
    long room = (size_t)-1 / 8 < LONG_MAX ? (long)((size_t)-1 / 8) : LONG_MAX;
    for (sound.n_meta = 0; sound.n_meta < archive->n_meta; sound.n_meta++) {
        const char **pair = &archive->meta[2 * sound.n_meta];
        if (!sgm__is_text(pair[0]) || !sgm__is_text(pair[1]) || sgm_archive_meta(&sound, pair[0]))
            return sgm__bad("sgm_archive_save: each pair needs a value and a key, once, in UTF-8");
    }
    for (int i = 0; i < archive->n_arrays; i++) {
        const sgm_array *a = &archive->arrays[i];
        const long rows = a->rows, cols = a->cols;
        if (!sgm__is_text(a->name) || !strcmp(a->name, "__metadata__") ||
            sgm_archive_find(archive, a->name) != a || rows < 0 || cols < 0 ||
            (cols && rows > room / cols) || (rows && cols && !a->data))
            return sgm__bad(
                "sgm_archive_save: array %d needs data, a size, a name of its own, in UTF-8", i);
        room -= rows * cols;
    }
    return SGM_OK;
}

static void sgm__put_string(sgm__file *f, const char *before, const char *s) {
    char escape[8];
    for (sgm__file_text(f, before); *s; s++) {
        const int plain = (unsigned char)*s >= 0x20 && *s != '"' && *s != '\\';
        if (!plain) snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*s);
        sgm__file_put(f, plain ? s : escape, plain ? 1 : 6);
    }
    sgm__file_text(f, "\"");
}

/* An archive that was loaded and is saved again brings its old checksum along: it is left out. */
static void sgm__put_header(sgm__file *f, const sgm_archive *archive, const char *checksum) {
    char entry[128];
    unsigned long long begin = 0;
    sgm__put_string(f, "{\"__metadata__\":{\"sgm.checksum\":\"", checksum);
    for (int i = 0; i < archive->n_meta; i++) {
        if (strcmp(archive->meta[2 * i], "sgm.checksum") == 0) continue;
        sgm__put_string(f, ",\"", archive->meta[2 * i]);
        sgm__put_string(f, ":\"", archive->meta[2 * i + 1]);
    }
    sgm__file_text(f, "}");
    for (int i = 0; i < archive->n_arrays; i++) {
        const sgm_array *a = &archive->arrays[i];
        const unsigned long long end = begin + 4 * (unsigned long long)(a->rows * a->cols);
        sgm__put_string(f, ",\"", a->name);
        snprintf(entry, sizeof entry,
            ":{\"dtype\":\"F32\",\"shape\":[%ld,%ld],\"data_offsets\":[%llu,%llu]}", a->rows,
            a->cols, begin, end);
        sgm__file_text(f, entry);
        begin = end;
    }
    sgm__file_text(f, "}");
    while (f->bytes % 8) sgm__file_text(f, " ");
}

/* Writes the numbers and returns their hash; shifts make them little-endian on every machine. */
static uint64_t sgm__put_data(sgm__file *f, const sgm_archive *archive) {
    uint64_t hash = sgm__fnv_start;
    for (int k = 0; k < archive->n_arrays; k++) {
        const sgm_array *a = &archive->arrays[k];
        for (long i = 0; i < a->rows * a->cols && !f->error; i++) {
            unsigned char bytes[4];
            uint32_t bits;
            memcpy(&bits, a->data + i, sizeof bits);
            for (int b = 0; b < 4; b++) bytes[b] = (unsigned char)(bits >> 8 * b);
            hash = sgm__fnv(hash, bytes, sizeof bytes);
            sgm__file_put(f, bytes, sizeof bytes);
        }
    }
    return hash;
}

SGM_API sgm_status sgm_archive_save(
    const char *path, const sgm_array *arrays, int n_arrays, const char *const *meta, int n_meta) {
    sgm__file f;
    sgm_archive a;
    char checksum[17];
    unsigned char length[8];
    a.arrays = (sgm_array *)arrays, a.n_arrays = n_arrays;
    a.meta = (const char **)meta, a.n_meta = n_meta;
    if (!path || n_arrays < 0 || n_arrays > SGM__NAMES_MAX || (n_arrays > 0 && !arrays) ||
        n_meta < 0 || n_meta > SGM__NAMES_MAX || (n_meta > 0 && !meta))
        return sgm__bad("sgm_archive_save needs a path, and 0 to 10000 arrays and pairs of meta");
    SGM__TRY(sgm__archive_check(&a));
    memset(&f, 0, sizeof f);
    snprintf(checksum, 17, "%016llx", (unsigned long long)sgm__put_data(&f, &a));
    f.bytes = 0;
    sgm__put_header(&f, &a, checksum);
    if (f.bytes > SGM__HEADER_MAX)
        return sgm__bad("sgm_archive_save: cut the metadata to 10^8 bytes");
    for (int b = 0; b < 8; b++) length[b] = (unsigned char)((uint64_t)f.bytes >> 8 * b);
    SGM__TRY(sgm__file_open(&f, path));
    sgm__file_put(&f, length, sizeof length);
    sgm__put_header(&f, &a, checksum);
    sgm__put_data(&f, &a);
    return sgm__file_close(&f, path);
}

/*
## §C.3 Reading what you do not trust

The reader assumes that the file wants to harm it. A pipe or a device, which has no end or no size,
is not opened. A file's size is known before its first byte is believed, and what its head claims is
held against that before memory is taken: a hole of a terabyte, or a few bytes that unpack to
gigabytes, cost nothing but the message.

A file that gzip has compressed says so in its first two bytes. Define SGM_ZLIB, link -lz, and it is
unpacked on the way: once to nowhere, which tells its size and whether it is whole, and then again.
Honest data shrinks by less than 200.
*/
typedef struct sgm__source {
    const char *path;
    const sgm_csv_options *csv;
    FILE *file;
    void *packed;  /* in its place, where gzip was at work */
    uint64_t size; /* of all that it holds, unpacked       */
} sgm__source;

/* What is wrong with it, and the cure. */
static sgm_status sgm__broken(const sgm__source *s, const char *format, ...) SGM__PRINTF(2, 3);
static sgm_status sgm__broken(const sgm__source *s, const char *format, ...) {
    char wrong[400];
    va_list args;
    va_start(args, format);
    vsnprintf(wrong, sizeof wrong, format, args);
    va_end(args);
    return sgm__fail(SGM_BAD_FILE, "'%.200s' %s", s->path, wrong);
}

#ifndef SGM_NO_STDIO
#ifdef SGM_ZLIB
#include <zlib.h>
static sgm_status sgm__unpack(sgm__source *s) {
    const uint64_t most = ((uint64_t)1 << 26) + 200 * s->size;
    char bytes[16384];
    int got = -1, error = Z_OK;
    s->size = 0;
    if (!(s->packed = gzopen(s->path, "rb"))) return sgm__file_no("read", s->path, errno);
    while (s->size <= most && (got = gzread((gzFile)s->packed, bytes, sizeof bytes)) > 0)
        s->size += (unsigned)got;
    gzerror((gzFile)s->packed, &error);
    if (s->size > most)
        return sgm__broken(s, "unpacks to 200 times its size: if that is right, run gunzip on it");
    if (got || error != Z_OK || gzrewind((gzFile)s->packed))
        return sgm__broken(s, "is cut or damaged inside: download it again");
    return SGM_OK;
}
#else
static sgm_status sgm__unpack(sgm__source *s) {
    return sgm__broken(s, "is compressed: run gunzip on it, or define SGM_ZLIB and link -lz");
}
#endif

/* The next n bytes. */
static sgm_status sgm__get(sgm__source *s, void *to, size_t n) {
#ifdef SGM_ZLIB
    for (unsigned part; s->packed && n > 0; n -= part, to = (char *)to + part) {
        part = n < 1u << 30 ? (unsigned)n : 1u << 30;
        if (gzread((gzFile)s->packed, to, part) != (int)part) break;
    }
    if (s->packed) return n ? sgm__file_no("read", s->path, errno) : SGM_OK;
#endif
    return n && fread(to, 1, n, s->file) != n ? sgm__file_no("read", s->path, errno) : SGM_OK;
}

static sgm_status sgm__rewind(sgm__source *s) {
    int failed = fseek(s->file, 0, SEEK_SET);
#ifdef SGM_ZLIB
    if (s->packed) failed = gzrewind((gzFile)s->packed);
#endif
    return failed ? sgm__file_no("read", s->path, errno) : SGM_OK;
}

static void sgm__source_close(sgm__source *s) {
#ifdef SGM_ZLIB
    if (s->packed) gzclose((gzFile)s->packed);
#endif
    if (s->file) fclose(s->file);
}

/* To be closed whatever the answer. A directory opens like a file, but has no first byte. An
archive is not asked if it is packed: its length may begin with the same two bytes. */
static sgm_status sgm__source_open(sgm__source *s, const char *path, int may_be_packed) {
    unsigned char magic[2] = {0, 0};
    memset(s, 0, sizeof *s);
    s->path = path;
    errno = 0;
#ifdef SGM__POSIX
    struct stat st;
    if (stat(path, &st)) return sgm__file_no("read", path, errno);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return sgm__fail(SGM_NO_FILE, "'%.200s' has no size: copy it to a file first", path);
#endif
    if (!(s->file = fopen(path, "rb"))) return sgm__file_no("read", path, errno);
    const size_t got = fread(magic, 1, 2, s->file);
    if (ferror(s->file)) return sgm__file_no("read", path, errno);
#if defined(SGM__POSIX)
    s->size = (uint64_t)st.st_size;
#elif defined(_WIN32)
    _fseeki64(s->file, 0, SEEK_END), s->size = (uint64_t)_ftelli64(s->file);
#else
    const long end = fseek(s->file, 0, SEEK_END) ? -1 : ftell(s->file);
    s->size = (uint64_t)(end < 0 ? 0 : end);
#endif
    SGM__TRY(sgm__rewind(s));
    may_be_packed = may_be_packed && got == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    return may_be_packed ? sgm__unpack(s) : SGM_OK;
}
#else
static sgm_status sgm__source_open(sgm__source *s, const char *path, int may_be_packed) {
    sgm__file none;
    (void)may_be_packed, memset(s, 0, sizeof *s);
    return sgm__file_open(&none, path);
}
static sgm_status sgm__get(sgm__source *s, void *to, size_t n) {
    return (void)to, n ? sgm__file_no("read", s->path, 0) : SGM_OK;
}
static sgm_status sgm__rewind(sgm__source *s) { return sgm__file_no("read", s->path, 0); }
static void sgm__source_close(sgm__source *s) { (void)s; }
#endif

static const double sgm__float_end = 3.4028235677973366e38; /* from here on a float is infinite */

/* What safetensors and numpy call the types of numbers; f float, b bfloat16 (a float's upper half),
i signed, u unsigned, ? truth; how many bytes. */
typedef struct sgm__type {
    char name[5], numpy[3], kind;
    int wide;
} sgm__type;

static const sgm__type sgm__types[] = {{"F32", "f4", 'f', 4}, {"F16", "f2", 'f', 2},
    {"BF16", "", 'b', 2}, {"F64", "f8", 'f', 8}, {"BOOL", "b1", '?', 1}, {"I8", "i1", 'i', 1},
    {"I16", "i2", 'i', 2}, {"I32", "i4", 'i', 4}, {"I64", "i8", 'i', 8}, {"U8", "u1", 'u', 1},
    {"U16", "u2", 'u', 2}, {"U32", "u4", 'u', 4}, {"U64", "u8", 'u', 8}, {"", "", 0, 0}};

/* The one of that name, or the last, of no bytes. */
static const sgm__type *sgm__type_of(const char *name, int numpy) {
    const sgm__type *t = sgm__types;
    while (t->wide && (!*name || strcmp(numpy ? t->numpy : t->name, name))) t++;
    return t;
}

/* Whole numbers beyond 24 bits are rounded to the nearest float. */
static float sgm__number(uint64_t bits, char kind, int wide) {
    const uint64_t sign = (uint64_t)1 << (8 * wide - 1);
    uint32_t word = (uint32_t)bits;
    float x;
    double wider;
    if (kind == '?') return bits != 0;
    if (kind == 'u' || (kind == 'i' && bits < sign)) return (float)bits;
    if (kind == 'i') return -(float)(2 * sign - bits); /* 2·2⁶³ wraps to 0, rightly */
    if (wide == 8) {
        memcpy(&wider, &bits, sizeof wider);
        return fabs(wider) < sgm__float_end || wider != wider ? (float)wider
            : wider > 0                                       ? HUGE_VALF
                                                              : -HUGE_VALF;
    }
    if (kind == 'b') word <<= 16;
    else if (wide == 2) { /* a sign, 5 bits of exponent, 10 of fraction */
        const uint32_t exponent = word >> 10 & 31, fraction = word & 1023;
        const float tiny = (float)fraction / 16777216.0f; /* exponent 0: no leading 1, 2⁻²⁴ each */
        word = (word & 0x8000) << 16;
        if (!exponent) return word ? -tiny : tiny;
        word |= (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    }
    memcpy(&x, &word, sizeof x);
    return x;
}

/* Reads and converts n numbers; SGM_NOT_FINITE, all read and no message, if a finite one is beyond
float. If hash is given, it takes in their bytes by (C.1). */
static sgm_status sgm__get_numbers(
    sgm__source *s, float *to, size_t n, const sgm__type *type, int big, uint64_t *hash) {
    const int wide = type->wide, plain = type->kind == 'f' && wide == 4 && !big;
    unsigned char bytes[8192];
    int beyond = 0;
    for (size_t part; n > 0; n -= part) {
        part = n < sizeof bytes / 8 ? n : sizeof bytes / 8;
        SGM__TRY(sgm__get(s, bytes, part * (size_t)wide));
        if (hash) *hash = sgm__fnv(*hash, bytes, part * (size_t)wide);
        for (unsigned char *b = bytes; b < bytes + part * (size_t)wide; b += wide, to++) {
            uint64_t bits = 0;
            if (plain) { /* nearly every file */
                const uint32_t word = b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
                memcpy(to, &word, sizeof word);
                continue;
            }
            for (int i = 0; i < wide; i++) bits = bits << 8 | b[big ? i : wide - 1 - i];
            *to = sgm__number(bits, type->kind, wide);
            beyond |= wide == 8 && (bits >> 52 & 2047) < 2047 && sgm__first_bad(to, 1) == 0;
        }
    }
    return beyond ? SGM_NOT_FINITE : SGM_OK;
}

/*
What people write down in text, JSON or Python's dictionaries, is taken apart by a scanner. A zero
byte ends it that no step passes, and the first error sticks and moves it there, where nothing more
matches. Strings are decoded where they stand, as an escape is never shorter than what it means.
*/
typedef struct sgm__scan {
    char *at, *end, wrong[160]; /* the first error              */
    const char *name;           /* the name that was read last  */
    int python; /* '…' is a string, (…) a list, and a comma may follow the last */
} sgm__scan;

#define sgm__scan_bad(j, ...) \
    ((void)(*(j)->wrong || snprintf((j)->wrong, sizeof(j)->wrong, __VA_ARGS__)), (j)->at = (j)->end)

static int sgm__take(sgm__scan *j, char c) {
    j->at += strspn(j->at, " \n\r\t");
    if (*j->at != c || !c) return 0;
    j->at++;
    return 1;
}

/* Does another item follow the n that were read, or does the list end? */
static int sgm__more(sgm__scan *j, char close, int n) {
    if (*j->wrong || sgm__take(j, close)) return 0;
    if (n > 0 && !sgm__take(j, ',')) return sgm__scan_bad(j, "a comma or %c is missing", close), 0;
    return !(j->python && n > 0 && sgm__take(j, close));
}

/* The 16 bits of \uXXXX, 0 if they are none. */
static uint32_t sgm__scan_hex(const char *s) {
    char hex[5] = "";
    if (strncmp(s, "\\u", 2) || strspn(s + 2, "0123456789abcdefABCDEF") < 4) return 0;
    return (uint32_t)strtoul((const char *)memcpy(hex, s + 2, 4), NULL, 16);
}

/* Two escapes may stand for one character beyond 16 bits. No byte of a string is zero. */
static char *sgm__scan_escape(char *to, char **at) {
    static const char escapes[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    static const unsigned char lead[4] = {0, 0xc0, 0xe0, 0xf0};
    const char *simple = (*at)[1] ? strchr(escapes, (*at)[1]) : NULL;
    uint32_t u = sgm__scan_hex(*at);
    if (simple) return *at += 2, *to = meaning[simple - escapes], to + 1;
    if (u >> 10 == 0x36) {
        const uint32_t low = sgm__scan_hex(*at += 6);
        u = low >> 10 == 0x37 ? 0x10000 + ((u & 1023) << 10 | (low & 1023)) : 0;
    } else if (u >> 10 == 0x37) u = 0;
    if (!u) return NULL;
    int rest = u < 0x80 ? 0 : u < 0x800 ? 1 : u < 0x10000 ? 2 : 3;
    *at += 6, *to++ = (char)(lead[rest] | u >> 6 * rest);
    while (rest-- > 0) *to++ = (char)(0x80 | (u >> 6 * rest & 63));
    return to;
}

static const char *sgm__scan_string(sgm__scan *j) {
    if (!sgm__take(j, '"') && !(j->python && sgm__take(j, '\'')))
        return sgm__scan_bad(j, "a string is missing");
    char *string = j->at, *s = string, *to = string, quote = string[-1];
    while (*s != quote) {
        if ((unsigned char)*s < 0x20) return sgm__scan_bad(j, "a string has no end");
        if (*s != '\\') *to++ = *s++;
        else if (j->python || !(to = sgm__scan_escape(to, &s)))
            return sgm__scan_bad(j, "a string has a wrong escape: write it in UTF-8");
    }
    *to = 0, j->at = s + 1;
    return string;
}

/* A list of whole numbers: how many there are, and the first `most`; the rest of a shape, whose
product is asked for, multiplies the last of these. */
static int sgm__scan_sizes(sgm__scan *j, uint64_t *size, int most, uint64_t *product) {
    const int round = j->python && sgm__take(j, '(');
    uint64_t all = 1;
    int n = 0;
    for (int i = 0; i < most; i++) size[i] = 1;
    if (!round && !sgm__take(j, '[')) sgm__scan_bad(j, "a list of sizes is missing");
    for (; sgm__more(j, round ? ')' : ']', n); n++) {
        uint64_t x = 0, *to = &size[n < most ? n : most - 1];
        const char *first = j->at += strspn(j->at, " \n\r\t");
        int over = 0;
        for (; *j->at >= '0' && *j->at <= '9'; j->at++)
            over |= x > (UINT64_MAX - 9) / 10, x = 10 * x + (unsigned)(*j->at - '0');
        if (product) over |= x > 0 && (all > UINT64_MAX / x || *to > UINT64_MAX / x);
        if (j->at == first || (*first == '0' && j->at > first + 1) || over)
            sgm__scan_bad(j, "a size is no whole number, or negative, or too large");
        if (j->python && *j->at == 'L') j->at++; /* as Python 2 writes them */
        if (product || n < most) *to *= x;
        all *= x;
    }
    if (product) *product = all;
    return n;
}

static const char *sgm__scan_key(sgm__scan *j) {
    const char *key = sgm__scan_string(j);
    if (!*j->wrong && !sgm__take(j, ':')) sgm__scan_bad(j, "a colon is missing");
    return key;
}

static int sgm__scan_word(sgm__scan *j, const char *word) {
    const size_t n = strlen(word);
    const int is = !sgm__take(j, 0) && strncmp(j->at, word, n) == 0;
    if (is) j->at += n;
    return is;
}

/* Passes the value of a key that is not known. */
static void sgm__scan_skip(sgm__scan *j, int depth) {
    static const char digits[] = "0123456789";
    const int close = sgm__take(j, '{') ? '}' : sgm__take(j, '[') ? ']' : 0;
    if (close && depth > 127) sgm__scan_bad(j, "lists are nested more than 127 deep");
    for (int n = 0; close && sgm__more(j, (char)close, n); n++) {
        if (close == '}') sgm__scan_key(j);
        sgm__scan_skip(j, depth + 1);
    }
    if (close || sgm__scan_word(j, "true") || sgm__scan_word(j, "false")) return;
    if (sgm__scan_word(j, "null")) return;
    char *s = j->at + (*j->at == '-');
    if (*s == '"' && s == j->at) s = NULL, sgm__scan_string(j);
    if (!s) return;
    size_t n = strspn(s, digits);
    int good = n == 1 || (n > 1 && *s != '0');
    if (*(s += n) == '.') n = strspn(++s, digits), good &= n > 0, s += n;
    if (*s == 'e' || *s == 'E')
        s += 1 + (s[1] == '-' || s[1] == '+'), n = strspn(s, digits), good &= n > 0, s += n;
    if (good) j->at = s;
    else sgm__scan_bad(j, "a value is no JSON");
}

/* What is known of an array before its numbers are read. The name comes first, to sort by. */
typedef struct sgm__place {
    const char *name;
    uint64_t begin, end, count;
    sgm_array *array;
    const sgm__type *type;
} sgm__place;

static void sgm__scan_array(sgm__scan *j, sgm_array *a, sgm__place *e) {
    uint64_t shape[2] = {0, 0}, offset[2] = {0, 0};
    const char *dtype = "";
    int seen = 0;
    if (!sgm__take(j, '{')) sgm__scan_bad(j, "a { is missing");
    for (int n = 0; sgm__more(j, '}', n); n++) {
        const char *key = sgm__scan_key(j);
        const int is =
            !strcmp(key, "dtype") + 2 * !strcmp(key, "shape") + 4 * !strcmp(key, "data_offsets");
        if (is & seen) sgm__scan_bad(j, "%s occurs twice", key);
        else if (is == 1) dtype = sgm__scan_string(j);
        else if (is == 2) sgm__scan_sizes(j, shape, 2, &e->count);
        else if (is == 0) sgm__scan_skip(j, 3);
        else if (sgm__scan_sizes(j, offset, 2, NULL) != 2)
            sgm__scan_bad(j, "data_offsets are not two");
        seen |= is;
    }
    e->type = sgm__type_of(dtype, 0);
    const uint64_t wide = (uint64_t)e->type->wide, bytes = offset[1] - offset[0];
    if (seen != 7) sgm__scan_bad(j, "dtype, shape or data_offsets is missing");
    if (!wide) sgm__scan_bad(j, "the dtype %.20s is not read: convert it to float32", dtype);
    else if (offset[1] < offset[0] || bytes % wide || bytes / wide != e->count)
        sgm__scan_bad(j, "shape and data_offsets disagree");
    if (shape[0] > LONG_MAX || shape[1] > LONG_MAX) sgm__scan_bad(j, "a size is too large");
    e->array = a;
    a->name = e->name = j->name, a->rows = (long)shape[0], a->cols = (long)shape[1];
    e->begin = offset[0], e->end = offset[1];
}

/* The text of a file's head: pairs into meta, and what is told of arrays. */
static void sgm__scan_header(sgm__scan *j, sgm_archive *archive, sgm__place *entries) {
    int seen = 0;
    if (!sgm__take(j, '{')) sgm__scan_bad(j, "the first { is missing");
    for (int n = 0; sgm__more(j, '}', n); n++) {
        j->name = sgm__scan_key(j);
        if (strcmp(j->name, "__metadata__")) {
            sgm__scan_array(j, &archive->arrays[archive->n_arrays], &entries[archive->n_arrays]);
            archive->n_arrays++;
            continue;
        }
        if (seen++) sgm__scan_bad(j, "a name occurs twice");
        if (sgm__scan_word(j, "null")) continue;
        if (!sgm__take(j, '{')) sgm__scan_bad(j, "a { is missing");
        for (int k = 0; sgm__more(j, '}', k); k++) {
            const char **pair = &archive->meta[2 * archive->n_meta++];
            pair[0] = sgm__scan_key(j), pair[1] = sgm__scan_string(j);
        }
    }
    if (sgm__take(j, 0) || j->at != j->end) sgm__scan_bad(j, "something follows its end");
}

static int sgm__by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sgm__by_place(const void *a, const void *b) {
    const sgm__place *x = (const sgm__place *)a, *y = (const sgm__place *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Sorts a table of things that begin with their name; is one there twice? */
static const char *sgm__twice(void *table, int n, size_t size) {
    char *at = (char *)table;
    qsort(table, (size_t)n, size, sgm__by_name);
    for (int i = 1; i < n; i++, at += size)
        if (sgm__by_name(at, at + size) == 0) return *(const char **)(void *)at;
    return NULL;
}

/* Names are different, and the arrays lie side by side, without a gap, from the first byte to the
last: no byte has two meanings, or none. */
static sgm_status sgm__archive_check_places(
    sgm_archive *archive, sgm__scan *j, sgm__place *entries, uint64_t bytes) {
    const int n = archive->n_arrays;
    const size_t pairs = 2 * sizeof(char *) * (size_t)archive->n_meta;
    void *copy = sgm__alloc(pairs, 1);
    if (!copy) return SGM_NO_MEMORY;
    const char *twice =
        sgm__twice(memcpy(copy, archive->meta, pairs), archive->n_meta, 2 * sizeof(char *));
    sgm__free(copy);
    if (!twice) twice = sgm__twice(entries, n, sizeof *entries);
    if (twice) j->name = twice, sgm__scan_bad(j, "a name occurs twice: rename one");
    qsort(entries, (size_t)n, sizeof *entries, sgm__by_place);
    uint64_t end = 0;
    for (int i = 0; i < n && !*j->wrong; end = entries[i++].end)
        if (j->name = entries[i].name, entries[i].begin != end)
            sgm__scan_bad(j, "data_offsets leave a gap, or overlap those of another array");
    if (end != bytes) sgm__scan_bad(j, "the file is not as long as its header says: it may be cut");
    return SGM_OK;
}

/* The numbers, in the order of the file, and their checksum. */
static sgm_status sgm__archive_numbers(sgm_archive *archive, sgm__source *s, sgm__place *entries) {
    uint64_t hash = sgm__fnv_start, count = 0;
    char checksum[17];
    for (int i = 0; i < archive->n_arrays; i++) count += entries[i].count;
    archive->numbers = (float *)sgm__alloc(count < (size_t)-1 ? (size_t)count : (size_t)-1, 4);
    if (!archive->numbers) return SGM_NO_MEMORY;
    float *to = archive->numbers;
    for (sgm__place *e = entries; e < entries + archive->n_arrays; to += e++->count) {
        const sgm_status status =
            sgm__get_numbers(s, e->array->data = to, (size_t)e->count, e->type, 0, &hash);
        if (status == SGM_NOT_FINITE)
            return sgm__broken(
                s, "cannot be read: %.60s has a number beyond float32: scale it", e->name);
        SGM__TRY(status);
    }
    snprintf(checksum, 17, "%016llx", (unsigned long long)hash);
    const char *saved = sgm_archive_meta(archive, "sgm.checksum");
    if (!saved || strcmp(saved, checksum) == 0) return SGM_OK;
    return sgm__broken(s,
        "is damaged (if another program changed its numbers, have it drop "
        "sgm.checksum from the metadata): take another copy");
}

/* Every array has a brace and 49 bytes or more, every pair a colon and 5: so many are the most. */
static sgm_status sgm__archive_read(sgm_archive *archive, sgm__source *s, sgm__place **entries) {
    unsigned char bytes[8] = {0};
    uint64_t length = 0;
    sgm__scan j;
    if (s->size >= 8) SGM__TRY(sgm__get(s, bytes, 8));
    for (int b = 7; b >= 0; b--) length = length << 8 | bytes[b];
    if (s->size < 8 || length > s->size - 8 || length > SGM__HEADER_MAX)
        return sgm__broken(s, "is no whole safetensors file: get another");
    const size_t n = (size_t)length;
    size_t arrays = 1, pairs = 1;
    memset(&j, 0, sizeof j);
    if (!(archive->memory = j.at = (char *)sgm__alloc(n + 1, 1))) return SGM_NO_MEMORY;
    SGM__TRY(sgm__get(s, j.at, n));
    j.end = j.at + n, j.name = "";
    if (sgm__utf8_bytes(j.at) < n) sgm__scan_bad(&j, "a byte is no UTF-8, or zero");
    for (const char *c = j.at; *c; c++)
        arrays += *c == '{' && arrays <= n / 49, pairs += *c == ':' && pairs <= n / 5;
    archive->arrays =
        (sgm_array *)sgm__alloc(arrays * sizeof(sgm_array) + pairs * 2 * sizeof(char *), 1);
    *entries = (sgm__place *)sgm__alloc(arrays, sizeof **entries);
    if (!archive->arrays || !*entries) return SGM_NO_MEMORY;
    archive->meta = (const char **)(void *)(archive->arrays + arrays);
    if (!*j.wrong) sgm__scan_header(&j, archive, *entries);
    if (!*j.wrong) SGM__TRY(sgm__archive_check_places(archive, &j, *entries, s->size - 8 - length));
    if (!*j.wrong) return sgm__archive_numbers(archive, s, *entries);
    return sgm__broken(
        s, "cannot be read: in '%.60s' %s; get another copy, or write it anew", j.name, j.wrong);
}

SGM_API sgm_status sgm_archive_load(sgm_archive *archive, const char *path) {
    sgm__source s;
    sgm__place *entries = NULL;
    if (archive) memset(archive, 0, sizeof *archive);
    if (!archive || !path) return sgm__bad("sgm_archive_load needs an archive and a path");
    sgm_status status = sgm__source_open(&s, path, 0);
    if (!status) status = sgm__archive_read(archive, &s, &entries);
    sgm__source_close(&s), sgm__free(entries);
    if (status) sgm_archive_free(archive);
    return status;
}

/*
## §C.4 Other people's files

Each reader below turns bytes into numbers. Pixels become x/255, and colours lie side by side, red,
green, blue, in the order row, column, channel.
*/
SGM_API void sgm_images_free(sgm_images *images) {
    if (!images) return;
    sgm__free(images->x), sgm__free(images->label), sgm__free(images->names);
    memset(images, 0, sizeof *images);
}

typedef sgm_status sgm__parser(sgm_images *out, sgm__source *s);

static sgm_status sgm__read(
    sgm_images *out, const char *path, sgm__parser *parse, const sgm_csv_options *o) {
    sgm__source s;
    if (out) memset(out, 0, sizeof *out);
    if (!out || !path) return sgm__bad("to load a file takes a path and a place for its numbers");
    sgm_status status = sgm__source_open(&s, path, 1);
    s.csv = o;
    if (!status) status = parse(out, &s);
    sgm__source_close(&s);
    long bad = -1; /* a table names the line itself, and may have NaN */
    if (!status && out->x && !o) bad = sgm__first_bad(out->x, (size_t)out->n * (size_t)out->d);
    if (bad >= 0)
        status = sgm__fail(SGM_NOT_FINITE,
            "'%.200s': row %ld holds NaN, or a number beyond float: drop or fill it", path,
            bad / out->d);
    if (status) sgm_images_free(out);
    return status;
}

/* Every product below fits: d into an int, n·d into a long, the bytes into a size_t. */
static sgm_status sgm__images_alloc(
    sgm_images *out, uint64_t n, uint64_t h, uint64_t w, uint64_t channels, int labels) {
    const uint64_t most = (size_t)-1 / 8 < LONG_MAX ? (size_t)-1 / 8 : LONG_MAX;
    if (h * w > INT_MAX || (h * w > 0 && channels > INT_MAX / (h * w)) || n > most ||
        (h * w * channels > 0 && n > most / (h * w * channels)))
        return sgm__fail(SGM_NO_MEMORY, "no memory for so many numbers: cut the file in parts");
    out->n = (long)n, out->h = (int)h, out->w = (int)w, out->channels = (int)channels;
    out->d = (int)(h * w * channels);
    if (out->d > 0) out->x = (float *)sgm__alloc((size_t)n * (size_t)out->d, sizeof *out->x);
    if (labels) out->label = (int *)sgm__alloc((size_t)n, sizeof *out->label);
    return (out->d > 0 && !out->x) || (labels && !out->label) ? SGM_NO_MEMORY : SGM_OK;
}

/* IDX, the format of MNIST: big-endian words 0x803, n, h, w and the bytes, or 0x801, n and n bytes.
*/
static sgm_status sgm__parse_idx(sgm_images *out, sgm__source *s) {
    unsigned char b[16] = {0};
    uint64_t word[4] = {0, 0, 1, 1};
    if (s->size >= 8) SGM__TRY(sgm__get(s, b, 8));
    const int labels = b[2] == 8 && b[3] == 1, head = labels ? 8 : 16;
    if (!labels && s->size >= 16) SGM__TRY(sgm__get(s, b + 8, 8));
    for (int i = 0; i < head; i++) word[i / 4] = (word[i / 4] << 8 | b[i]) & 0xffffffffu;
    const uint64_t n = word[1], h = word[2], w = word[3], rest = s->size - (uint64_t)head;
    if (s->size < (uint64_t)head || word[0] != (labels ? 0x801 : 0x803))
        return sgm__broken(s,
            "begins with %08lx, not 00000803 or 00000801 (IDX): another kind of file?",
            (unsigned long)word[0]);
    if (h < 1 || w < 1 || h > 32767 || w > 32767 || n < 1 || n * h * w != rest)
        return sgm__broken(s, "says %.0f items of %.0f x %.0f bytes, not %.0f: download it again",
            (double)n, (double)h, (double)w, (double)rest);
    SGM__TRY(sgm__images_alloc(out, n, labels ? 0 : h, w, labels ? 0 : 1, labels));
    for (long i = 0; labels && i < out->n; out->label[i++] = b[0]) SGM__TRY(sgm__get(s, b, 1));
    if (labels) return SGM_OK;
    SGM__TRY(sgm__get_numbers(s, out->x, (size_t)rest, sgm__type_of("U8", 0), 0, NULL));
    for (uint64_t i = 0; i < rest; i++) out->x[i] /= 255.0f;
    return SGM_OK;
}

/* CIFAR-10: records of a label and 32×32 bytes of red, of green and of blue. */
static sgm_status sgm__parse_cifar(sgm_images *out, sgm__source *s) {
    unsigned char b[3073];
    if (s->size == 0 || s->size % sizeof b)
        return sgm__broken(s,
            "has %.0f bytes, not 3073 an image: get the binary version of CIFAR-10",
            (double)s->size);
    SGM__TRY(sgm__images_alloc(out, s->size / sizeof b, 32, 32, 3, 1));
    for (long i = 0; i < out->n; i++) {
        SGM__TRY(sgm__get(s, b, sizeof b));
        if (b[0] > 9)
            return sgm__broken(
                s, "gives image %ld the label %d, not 0 to 9: take CIFAR-10", i, b[0]);
        out->label[i] = b[0];
        for (int k = 0; k < 3072; k++)
            out->x[3072 * i + k] = (float)b[1 + k % 3 * 1024 + k / 3] / 255.0f;
    }
    return SGM_OK;
}

/*
`strtod` would read numbers by the user's locale. Fifteen digits fit a double exactly; the error of
what follows is some 10⁻¹⁵, so nine digits give every float back. NULL where no number begins.
*/
static const char *sgm__decimal(const char *s, char mark, double *value) {
    double x = 0, sign = *s == '-' ? -1 : 1;
    long scale = 0, power = 0;
    int digits = 0, point = 0;
    for (s += *s == '-' || *s == '+'; (*s >= '0' && *s <= '9') || (*s == mark && !point); s++) {
        if (*s == mark) point = 1;
        else if (digits = 1, x < 9e14) x = 10 * x + (*s - '0'), scale -= point;
        else scale += !point;
    }
    if (digits && (*s == 'e' || *s == 'E')) {
        int minus = s[1] == '-';
        s += 1 + (minus || s[1] == '+');
        if (*s < '0' || *s > '9') return NULL;
        for (; *s >= '0' && *s <= '9'; s++) power = power < 99999 ? 10 * power + (*s - '0') : power;
        scale += minus ? -power : power;
    }
    for (; scale > 0 && x > 0 && x < 1e300; scale--) x *= 10;
    for (; scale < 0 && x > 0; scale++) x /= 10;
    *value = sign * x;
    return digits ? s : NULL;
}

/*
A table of text has as many forms as there are programs that write one. A field may stand in quotes
and then contain anything, a quote twice, even the end of a line; a line ends with LF, CR or both;
Excel writes 1,5 for 1.5 where semicolons lie between the fields. What is doubtful is an error that
names its line and column, since a number that was read wrongly looks like any other.
*/
typedef struct sgm__csv {
    sgm_csv_options o; /* with the separator that was found, and the first decimal mark seen */
    const sgm__source *source;
    const char *at;
    long line;
} sgm__csv;

typedef struct sgm__field {
    const char *begin, *end;
    long line;
    int quoted, last; /* last: nothing follows in its line */
} sgm__field;

/* A name has a letter and does not begin like a number: 0x1F, 5 % and 1,5 may be spoilt ones. */
enum { SGM__NONSENSE, SGM__A_NAME, SGM__A_NUMBER, SGM__NOTHING, SGM__UNCLOSED };

static int sgm__ends_line(char c) { return c == '\n' || c == '\r' || !c; }

static const char *sgm__csv_blanks(const sgm__csv *c, const char *s) {
    while (*s == ' ' || (*s == '\t' && c->o.separator != '\t')) s++;
    return s;
}

/* Moves beyond a character, or the end of a line, which may be two. */
static void sgm__csv_pass(sgm__csv *c) {
    c->line += sgm__ends_line(*c->at);
    if (c->at[0] == '\r' && c->at[1] == '\n') c->at++;
    if (*c->at) c->at++;
}

/* The next field, without what is around it; 0 where a quote is not closed, or not by its field. */
static int sgm__csv_field(sgm__csv *c, sgm__field *f) {
    const char separator = c->o.separator, *s = sgm__csv_blanks(c, c->at);
    f->begin = f->end = c->at = s, f->line = c->line, f->quoted = *s == '"';
    if (f->quoted) {
        for (f->begin = ++c->at; *c->at && (*c->at != '"' || c->at[1] == '"'); sgm__csv_pass(c))
            c->at += *c->at == '"';
        f->end = c->at;
        if (!*c->at++) return c->at--, 0;
    } else {
        const char other = separator == ' ' ? '\t' : separator;
        while (!sgm__ends_line(*s) && *s != separator && *s != other) s++;
        f->end = c->at = s;
    }
    while (f->end > f->begin && sgm__csv_blanks(c, f->end - 1) >= f->end) f->end--;
    s = c->at, c->at = sgm__csv_blanks(c, s);
    f->last = sgm__ends_line(*c->at);
    if (!f->last && separator != ' ' && *c->at++ != separator) return 0;
    return f->last || s < c->at;
}

/* Is this one of the words, whatever its case? Each stands between blanks. */
static int sgm__one_of(const char *s, size_t n, const char *words) {
    char word[16] = " ";
    if (n == 0 || n > 12 || memchr(s, ' ', n)) return 0;
    for (size_t i = 0; i < n; i++)
        word[i + 1] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 32 : s[i]);
    word[n + 1] = ' ';
    return strstr(words, word) != NULL;
}

/* What the next field is, and its number. */
static int sgm__csv_next(sgm__csv *c, sgm__field *f, double *x) {
    if (!sgm__csv_field(c, f)) return SGM__UNCLOSED;
    const char *s = f->begin;
    while (s < f->end && (*s == ' ' || *s == '\t')) s++; /* in quotes */
    const size_t n = (size_t)(f->end - s);
    const int comma = c->o.separator == ';' && memchr(s, ',', n);
    const char mark = (char)(c->o.decimal ? c->o.decimal : comma ? ',' : '.');
    const char *end = n ? sgm__decimal(s, mark, x) : NULL;
    if (n && end == s + n) {
        if (c->o.separator == ';' && !c->o.decimal && memchr(s, mark, n)) c->o.decimal = mark;
        return SGM__A_NUMBER;
    }
    if (!n || sgm__one_of(s, n, " na n/a nan -nan null none <na> #n/a ")) return SGM__NOTHING;
    *x = HUGE_VAL;
    if (sgm__one_of(s, n, " inf +inf -inf infinity +infinity -infinity ")) return SGM__A_NUMBER;
    end = s + (*s == '+' || *s == '-' || *s == '.');
    for (int digit = *end >= '0' && *end <= '9'; !digit && s < f->end; s++) {
        const unsigned char byte = (unsigned char)*s, letter = byte | 32;
        if ((letter >= 'a' && letter <= 'z') || (byte >= 0xc3 && byte != 0xe2)) return SGM__A_NAME;
    }
    return SGM__NONSENSE;
}

/* Moves to a line that holds something; 0 at the end. Excel's words for errors are no comments. */
static int sgm__csv_line(sgm__csv *c) {
    const char stops[] = {'\r', '\n', '\t', ',', ';', ' ', c->o.separator, 0};
    for (;; sgm__csv_pass(c)) {
        const char *s = sgm__csv_blanks(c, c->at);
        const int error = *s == '#' &&
            sgm__one_of(s, strcspn(s, stops), " #n/a #div/0! #value! #ref! #name? #num! #null! ");
        if (!*s) return 0;
        if (!sgm__ends_line(*s) && (*s != '#' || error)) return 1;
        c->at = s + strcspn(s, "\r\n");
    }
}

static const char *sgm__csv_cure(int kind, int first) {
    if (kind == SGM__UNCLOSED) return "close its quotes, and double those inside";
    if (kind == SGM__NOTHING)
        return first ? "fill it, set .missing to read a NaN, or .header to SGM_HEADER_LINE"
                     : "fill it, drop the line, or set .missing to read a NaN";
    return first ? "fill it, or set .header to SGM_HEADER_LINE for names, or .decimal"
                 : "fill it or drop the line, set .decimal, or keep to one kind of separator";
}

/* One line of numbers, appended to x. */
static sgm_status sgm__csv_row(sgm_images *out, sgm__csv *c) {
    float *row = out->x + out->n * out->d;
    const int first = !out->n && !out->names;
    long column = 0;
    sgm__field f;
    for (f.last = 0; !f.last; column++) {
        double x = 0;
        const int kind = sgm__csv_next(c, &f, &x);
        const int room = (int)(f.end - f.begin > 40 ? 40 : f.end - f.begin);
        if (kind == SGM__NOTHING && c->o.missing) x = (double)NAN;
        else if (kind != SGM__A_NUMBER)
            return sgm__broken(c->source, "has no number at line %ld, column %ld, but '%.*s': %s",
                f.line, column + 1, room, f.begin, sgm__csv_cure(kind, first));
        else if (x == x && !(fabs(x) < sgm__float_end))
            return sgm__fail(SGM_NOT_FINITE,
                "'%.200s': '%.*s' at line %ld, column %ld is beyond float: drop or scale it",
                c->source->path, room, f.begin, f.line, column + 1);
        row[column] = (float)x;
    }
    if (first) out->d = out->w = column < INT_MAX ? (int)column : 0;
    if (column != out->d)
        return sgm__broken(c->source, "has %ld numbers in line %ld, %d in those before%s: fill it",
            column, f.line, out->d, out->n == 0 ? ", the header" : "");
    out->n++;
    return SGM_OK;
}

/* Into how many fields the line falls, and beyond it; 0 where quotes are wrong, or at the end. */
static size_t sgm__csv_count(sgm__csv *c) {
    size_t n = 0;
    sgm__field f;
    for (f.last = !sgm__csv_line(c); !f.last; n++)
        if (!sgm__csv_field(c, &f)) return 0;
    sgm__csv_pass(c);
    return n;
}

/* What cuts this line and the next into equally many parts, or at least this one; else blanks. */
static char sgm__csv_separator(sgm__csv c) {
    char found = ' ';
    for (const char *kinds = ";\t,"; *kinds; kinds++) {
        sgm__csv look = c, begin = c;
        sgm__field f;
        look.o.separator = begin.o.separator = *kinds;
        if (*kinds == c.o.decimal || !sgm__csv_field(&begin, &f) || f.last) continue;
        const size_t parts = sgm__csv_count(&look);
        if (parts > 1 && parts == sgm__csv_count(&look)) return *kinds;
        if (found == ' ') found = *kinds;
    }
    return found;
}

/* What separates, and the names of the columns, if the first line has them: if no field of it is a
number and one is a word. Names may have blanks in them, so the numbers tell if blanks separate. */
static sgm_status sgm__csv_first(sgm_images *out, sgm__csv *c) {
    const char given = c->o.separator;
    sgm__csv look = *c;
    sgm__field f;
    int count[5] = {0, 0, 0, 0, 0};
    double x;
    c->o.separator = look.o.separator = given ? given : sgm__csv_separator(look);
    for (f.last = 0; !count[SGM__UNCLOSED] && !f.last;) count[sgm__csv_next(&look, &f, &x)]++;
    if (c->o.header == SGM_HEADER_NONE || count[SGM__UNCLOSED] ||
        (c->o.header == SGM_HEADER_AUTO && (count[SGM__A_NUMBER] || !count[SGM__A_NAME])))
        return SGM_OK;
    if (!given && c->o.separator == ' ' && (sgm__csv_pass(&look), sgm__csv_line(&look))) {
        c->o.separator = look.o.separator = sgm__csv_separator(look);
        if (sgm__csv_count(&look) == 1) c->o.separator = c->o.decimal == ',' ? ';' : ',';
    }
    look = *c;
    const size_t n = sgm__csv_count(&look);
    const size_t bytes = n * sizeof(char *) + (size_t)(look.at - c->at) + n;
    if (n == 0) return SGM_OK; /* the row will say why */
    char **names = out->names = (char **)sgm__alloc(bytes, 1), *to = (char *)(names + n);
    if (!names) return SGM_NO_MEMORY;
    for (size_t i = 0; i < n; i++, *to++ = 0) {
        sgm__csv_field(c, &f);
        names[i] = to;
        for (const char *from = f.begin; from < f.end; from++) {
            from += f.quoted && *from == '"'; /* two of them are one */
            *to++ = *from;
        }
    }
    out->d = out->w = (int)n;
    return SGM_OK;
}

static sgm_status sgm__csv_usable(const sgm_csv_options *o) {
    static const char never[] = "+-.\"#\r\n0123456789eE";
    if ((unsigned)o->header > SGM_HEADER_NONE || (o->separator && strchr(never, o->separator)) ||
        (o->decimal && o->decimal != '.' && o->decimal != ',') ||
        (o->separator && o->separator == o->decimal))
        return sgm__bad("sgm_csv_load: header is an SGM_HEADER_..., decimal '.' or ',', separator "
                        "a character of no number, and another one");
    return SGM_OK;
}

/* The first walk looks for zero bytes and counts what may end a field, which bounds how many there
are; then the text is taken into memory. */
static sgm_status sgm__parse_csv(sgm_images *out, sgm__source *s) {
    const sgm_csv_options *o = s->csv;
    unsigned char bytes[4096];
    uint64_t fields = 1;
    sgm__csv c;
    SGM__TRY(sgm__csv_usable(o));
    for (uint64_t left = s->size, n; left > 0; left -= n) {
        n = left < sizeof bytes ? left : sizeof bytes;
        SGM__TRY(sgm__get(s, bytes, (size_t)n));
        for (const unsigned char *b = bytes; b < bytes + n; b++) {
            if (!*b) return sgm__broken(s, "is no text: it holds a zero byte; save it as UTF-8");
            fields += (*b < '0' && *b != '.') || *b == ';' || *b == (unsigned char)o->separator;
        }
    }
    SGM__TRY(sgm__images_alloc(out, fields, 1, 1, 1, 0));
    char *text = s->size < (size_t)-1 ? (char *)sgm__alloc((size_t)s->size + 1, 1) : NULL;
    if (!text) return SGM_NO_MEMORY;
    memset(&c, 0, sizeof c);
    c.o = *o, c.at = text, c.source = s, c.line = 1;
    out->n = 0, out->d = 0;
    sgm_status status = sgm__rewind(s);
    if (!status) status = sgm__get(s, text, (size_t)s->size);
    if (strncmp(c.at, "\xef\xbb\xbf", 3) == 0) c.at += 3; /* some programs mark UTF-8 so */
    if (strncmp(c.at, "sep=", 4) == 0 && c.at[4] && sgm__ends_line(c.at[5])) /* and Excel its own */
        c.o.separator = c.at[4], c.at += 5, sgm__csv_pass(&c);
    if (!status && sgm__csv_line(&c)) status = sgm__csv_first(out, &c);
    while (!status && sgm__csv_line(&c)) status = sgm__csv_row(out, &c);
    if (!status && out->n == 0)
        status = sgm__broken(s, "holds no numbers: write a row for each point");
    sgm__free(text);
    return status;
}

/* NPY: the text of a Python dictionary, then the numbers. */
typedef struct sgm__npy {
    const char *type; /* '<f4' and so on: perhaps an order of bytes, then the type */
    uint64_t size[4], count;
    int dims, by_columns;
} sgm__npy;

static sgm_status sgm__npy_head(sgm__npy *a, sgm__source *s, char text[10001]) {
    unsigned char b[12] = {0};
    size_t length = 0, head = 10;
    sgm__scan j;
    int seen = 0;
    if (s->size >= 10) SGM__TRY(sgm__get(s, b, 10));
    if (b[6] > 1) head = 12;
    if (b[6] > 1 && s->size >= 12) SGM__TRY(sgm__get(s, b + 10, 2));
    for (size_t i = head; i-- > 8;) length = length << 8 | b[i];
    if (memcmp(b, "\x93NUMPY", 6) || b[6] < 1 || b[6] > 3 || length > 10000 ||
        s->size < head + length)
        return sgm__broken(s, "does not begin like an NPY file: save it with numpy.save");
    SGM__TRY(sgm__get(s, text, length));
    s->size -= head + length;
    memset(&j, 0, sizeof j);
    j.at = text, j.end = text + length, j.python = 1;
    if (!sgm__take(&j, '{')) sgm__scan_bad(&j, "the first { is missing");
    for (int n = 0; sgm__more(&j, '}', n); n++) {
        const char *key = sgm__scan_key(&j);
        if (!strcmp(key, "shape")) a->dims = sgm__scan_sizes(&j, a->size, 4, &a->count), seen |= 1;
        else if (!strcmp(key, "fortran_order")) {
            a->by_columns = sgm__scan_word(&j, "True"), seen |= 2;
            if (!a->by_columns && !sgm__scan_word(&j, "False"))
                sgm__scan_bad(&j, "no True or False");
        } else if (strcmp(key, "descr")) sgm__scan_bad(&j, "%.20s is no key", key);
        else if (sgm__take(&j, '[')) sgm__scan_bad(&j, "a type is a record: save one field");
        else a->type = sgm__scan_string(&j), seen |= 4;
    }
    if (seen != 7) sgm__scan_bad(&j, "descr, fortran_order or shape is missing");
    if (!*j.wrong) return SGM_OK;
    return sgm__broken(s, "cannot be read: in its head %s; save it with numpy.save", j.wrong);
}

/* Fortran's order: the first index runs fastest. */
static int sgm__npy_turn(float *x, const sgm__npy *a) {
    const size_t n = (size_t)a->count, s0 = (size_t)a->size[0], s1 = (size_t)a->size[1];
    const size_t s2 = (size_t)a->size[2], s3 = (size_t)a->size[3];
    float *copy = (float *)sgm__alloc(n, sizeof *x);
    if (!copy) return 0;
    memcpy(copy, x, n * sizeof *x);
    for (size_t k = 0; k < n; k++)
        x[((k % s0 * s1 + k / s0 % s1) * s2 + k / s0 / s1 % s2) * s3 + k / s0 / s1 / s2] = copy[k];
    sgm__free(copy);
    return 1;
}

static sgm_status sgm__parse_npy(sgm_images *out, sgm__source *s) {
    const uint16_t one = 1;
    char text[10001];
    sgm__npy a;
    memset(text, 0, sizeof text), memset(&a, 0, sizeof a), a.type = text;
    SGM__TRY(sgm__npy_head(&a, s, text));
    const int order = *a.type && strchr("<>=|", *a.type);
    const sgm__type *type = sgm__type_of(a.type + order, 1);
    if (!type->wide) return sgm__broken(s, "is of type '%.20s': save x.astype('float32')", a.type);
    if (a.dims > 4 || a.count == 0 || a.count > s->size ||
        a.count * (unsigned)type->wide != s->size)
        return sgm__broken(s,
            "has %d dimensions and %.0f numbers of %d bytes, in %.0f bytes: reshape it to at most "
            "4 dimensions, none of them 0, or copy it again",
            a.dims, (double)a.count, type->wide, (double)s->size);
    const int images = a.dims > 2, big = *a.type == '>' || (*a.type != '<' && !*(const char *)&one);
    SGM__TRY(sgm__images_alloc(
        out, a.size[0], images ? a.size[1] : 1, a.size[images ? 2 : 1], a.size[3], 0));
    const sgm_status status = sgm__get_numbers(s, out->x, (size_t)a.count, type, big, NULL);
    if (status && status != SGM_NOT_FINITE) return status; /* who calls names the row */
    return a.by_columns && !sgm__npy_turn(out->x, &a) ? SGM_NO_MEMORY : SGM_OK;
}

SGM_API sgm_status sgm_idx_load(sgm_images *out, const char *path) {
    return sgm__read(out, path, sgm__parse_idx, NULL);
}

SGM_API sgm_status sgm_cifar_load(sgm_images *out, const char *path) {
    return sgm__read(out, path, sgm__parse_cifar, NULL);
}

SGM_API sgm_status sgm_csv_load(sgm_images *out, const char *path, const sgm_csv_options *options) {
    sgm_csv_options none;
    memset(&none, 0, sizeof none);
    return sgm__read(out, path, sgm__parse_csv, options ? options : &none);
}

SGM_API sgm_status sgm_npy_load(sgm_images *out, const char *path) {
    return sgm__read(out, path, sgm__parse_npy, NULL);
}

SGM__WARMLY
/*
## §C.5 Pictures

The simplest picture file is a line of text and then the bytes: PGM for gray, PPM for colour. PNG
needs a compressor, and you bring it: the signature is that of stb_image_write's `stbi_write_png`.
The grid runs row by row, with gray lines, one pixel wide, between the images.
*/
static unsigned char sgm__pixel(float x) { /* NaN is drawn black */
    return (unsigned char)(x > 0 ? x < 1 ? 255 * x + 0.5f : 255 : 0);
}

static void sgm__grid(
    unsigned char *to, const float *x, long n, int h, int w, int channels, long columns) {
    long stride = (columns * (w + 1) - 1) * channels, line = (long)w * channels;
    for (long i = 0; i < n; i++) {
        unsigned char *at = to + i / columns * (h + 1) * stride + i % columns * (line + channels);
        for (int row = 0; row < h; row++, at += stride)
            for (long k = 0; k < line; k++) at[k] = sgm__pixel(*x++);
    }
}

typedef int sgm__png_writer(
    char const *path, int w, int h, int channels, const void *data, int stride);

/* PNM where png is NULL. A writer of PNG is given the temporary name; that of stb does not notice a
full disk. */
static sgm_status sgm__grid_save(const char *path, const float *x, long n, int h, int w,
    int channels, int columns, sgm__png_writer *png) {
    if (!path || !x || n < 1 || h < 1 || w < 1 || (channels != 1 && channels != 3) || columns < 1)
        return sgm__bad("a grid needs a path, images, columns >= 1 and 1 or 3 channels: got %ld "
                        "images of %d x %d, %d channels, %d columns",
            n, h, w, channels, columns);
    long across = columns < n ? columns : n, rows = (n - 1) / across + 1;
    if ((double)across * (w + 1.0) * channels * (double)rows * (h + 1.0) > INT_MAX)
        return sgm__bad("a grid of %ld images of %d x %d is too large: draw fewer", n, h, w);
    int width = (int)(across * (w + 1L) - 1), height = (int)(rows * (h + 1L) - 1);
    size_t bytes = (size_t)width * (size_t)height * (size_t)channels;
    unsigned char *grid = (unsigned char *)sgm__alloc(bytes, 1);
    if (!grid) return SGM_NO_MEMORY;
    sgm__grid((unsigned char *)memset(grid, 128, bytes), x, n, h, w, channels, across);
    sgm__file f;
    char head[64];
    sgm_status status = sgm__file_open(&f, path);
    snprintf(head, sizeof head, "P%d\n%d %d\n255\n", channels == 1 ? 5 : 6, width, height);
    if (!status && !png) sgm__file_text(&f, head), sgm__file_put(&f, grid, bytes);
    errno = 0;
    if (!status && png && !png(f.temporary, width, height, channels, grid, width * channels))
        f.error = errno ? errno : EIO;
    sgm__free(grid);
    return status ? status : sgm__file_close(&f, path);
}

SGM_API sgm_status sgm_pnm_save(
    const char *path, const float *x, long n, int h, int w, int channels, int columns) {
    return sgm__grid_save(path, x, n, h, w, channels, columns, NULL);
}

SGM_API sgm_status sgm_png_grid(const char *path, const float *x, long n, int h, int w,
    int channels, int columns, sgm__png_writer *write_png) {
    if (!write_png) return sgm__bad("sgm_png_grid: write_png is NULL: pass stbi_write_png");
    return sgm__grid_save(path, x, n, h, w, channels, columns, write_png);
}

/*
## §C.6 Tables
*/
typedef struct sgm__table_block {
    struct sgm__table_block *next;
} sgm__table_block;

/* Zeros that live as long as the table. */
static void *sgm__table_get(sgm_table *table, size_t n, size_t size) {
    char *block = (char *)sgm__alloc(sgm__times(n, size) + 64, 1);
    if (!block) return NULL;
    ((sgm__table_block *)(void *)block)->next = (sgm__table_block *)table->memory;
    table->memory = block;
    return block + 64;
}

SGM_API void sgm_table_free(sgm_table *table) {
    if (!table) return;
    for (sgm__table_block *b = (sgm__table_block *)table->memory, *next; b; b = next)
        next = b->next, sgm__free(b);
    memset(table, 0, sizeof *table);
}

static char *sgm__table_text(sgm_table *table, const char *text) {
    const size_t n = strlen(text) + 1;
    char *copy = (char *)sgm__table_get(table, n, 1);
    return copy ? (char *)memcpy(copy, text, n) : NULL;
}

static sgm_status sgm__table_columns(sgm_table *table, const sgm_column *like, int d) {
    sgm_column *column = (sgm_column *)sgm__table_get(table, (size_t)d, sizeof *column);
    table->column = column;
    for (int j = 0; j < d; j++) {
        if (!column) return SGM_NO_MEMORY;
        const sgm_column *of = &like[j];
        column[j].kind = of->kind, column[j].n_levels = of->n_levels;
        if (of->name && !(column[j].name = sgm__table_text(table, of->name))) return SGM_NO_MEMORY;
        if (!of->level) continue;
        column[j].level = (char **)sgm__table_get(table, (size_t)of->n_levels, sizeof(char *));
        for (int k = 0; k < of->n_levels; k++)
            if (!column[j].level || !(column[j].level[k] = sgm__table_text(table, of->level[k])))
                return SGM_NO_MEMORY;
    }
    return SGM_OK;
}

SGM_API sgm_status sgm_table_init(sgm_table *table, const sgm_table *like, long n) {
    if (table) memset(table, 0, sizeof *table);
    if (!table || !like || n < 0 || like->d < 1)
        return sgm__bad("sgm_table_init needs a table, one that it is like, with columns, n >= 0");
    table->n = n, table->d = like->d;
    table->h = like->h, table->w = like->w, table->channels = like->channels;
    const size_t numbers = sgm__times((size_t)n, (size_t)like->d);
    if (n > 0) table->x = (double *)sgm__table_get(table, numbers, sizeof *table->x);
    sgm_status status = n > 0 && !table->x ? SGM_NO_MEMORY : SGM_OK;
    for (size_t i = 0; !status && i < numbers; i++) table->x[i] = (double)NAN;
    if (!status && like->column) status = sgm__table_columns(table, like->column, like->d);
    if (status) sgm_table_free(table);
    return status;
}

SGM_API sgm_status sgm_table_load(
    sgm_table *table, const char *path, const sgm_table_options *options) {
    sgm_images in;
    sgm_csv_options csv;
    if (table) memset(table, 0, sizeof *table);
    if (!table || !path) return sgm__bad("sgm_table_load needs a table and a path");
    memset(&csv, 0, sizeof csv);
    if (options) csv = options->csv;
    csv.missing = 1;
    SGM__TRY(sgm_csv_load(&in, path, &csv));
    table->n = in.n, table->d = in.d;
    const size_t numbers = (size_t)in.n * (size_t)in.d;
    table->x = (double *)sgm__table_get(table, numbers, sizeof *table->x);
    sgm_status status = table->x ? SGM_OK : SGM_NO_MEMORY;
    for (size_t i = 0; !status && i < numbers; i++) table->x[i] = (double)in.x[i];
    sgm_column *column =
        (sgm_column *)sgm__table_get(table, (size_t)in.d, sizeof *column);
    table->column = column;
    if (!column) status = SGM_NO_MEMORY;
    for (int j = 0; !status && j < in.d; j++) {
        column[j].kind = SGM_KIND_INTEGER;
        for (long i = 0; i < in.n; i++) {
            const double x = table->x[i * in.d + j];
            if (x == x && x != floor(x)) column[j].kind = SGM_KIND_NUMBER;
        }
        if (in.names) column[j].name = sgm__table_text(table, in.names[j]);
        if (in.names && !column[j].name) status = SGM_NO_MEMORY;
    }
    sgm_images_free(&in);
    if (status) sgm_table_free(table);
    return status;
}

static void sgm__table_name(char name[24], int j) { snprintf(name, 24, "x%d", j + 1); }

SGM_API sgm_status sgm_table_save(const char *path, const sgm_table *table) {
    sgm__file f;
    char text[40];
    if (!path || !table || !table->x || table->n < 1 || table->d < 1)
        return sgm__bad("sgm_table_save needs a path and a table with rows");
    SGM__TRY(sgm__file_open(&f, path));
    const sgm_column *column = table->column;
    for (int j = 0; j < table->d; j++) {
        char name[24];
        sgm__table_name(name, j);
        sgm__file_text(&f, column && column[j].name ? column[j].name : name);
        sgm__file_text(&f, j + 1 < table->d ? "," : "\n");
    }
    const double *x = table->x;
    for (long i = 0; i < table->n; i++)
        for (int j = 0; j < table->d; j++, x++) {
            const int k = *x >= 0 && column && *x < column[j].n_levels ? (int)*x : -1;
            if (k >= 0 && column[j].level) sgm__file_text(&f, column[j].level[k]);
            else if (*x == *x) sgm__file_text(&f, sgm__number_text(text, *x, 17));
            sgm__file_text(&f, j + 1 < table->d ? "," : "\n");
        }
    return sgm__file_close(&f, path);
}

/*
# D. The tape's storage

What the operations of chapter 3 rest on: where their memory comes from, how adjoints travel without
being copied, what rows that repeat save, and how an operation is entered and told as a text.

## §D.1 The arena

The tape takes all its memory from an *arena*: big blocks that are handed out piece by piece and
taken back all at once by a reset. After the first pass has shown how much is needed, no pass
allocates again.
*/
typedef struct sgm__arena_block {
    struct sgm__arena_block *next;
    size_t size, used; /* bytes after this header */
} sgm__arena_block;

static void *sgm__arena(sgm_tape *tape, size_t bytes) {
    bytes = (bytes + 63) & ~(size_t)63; /* whole cache lines */
    sgm__arena_block *block = tape->current, *fresh;
    while (block && block->size - block->used < bytes && block->next) block = block->next;
    if (!block || block->size - block->used < bytes) {
        size_t size = block ? block->size : (size_t)1 << 15;
        size = size < ((size_t)1 << 26) ? 2 * size : size; /* not much more than is needed */
        if (size < bytes) size = bytes;
        fresh = (sgm__arena_block *)SGM_MALLOC(sizeof *fresh + 64 + size);
        tape->n_allocs++;
        if (!fresh)
            return (void *)sgm__tape_fail(
                tape, SGM_NO_MEMORY, "no memory for %.0f bytes of a network's tape", (double)size);
        fresh->next = NULL, fresh->size = size, fresh->used = 0;
        *(block ? &block->next : &tape->blocks) = fresh;
        block = fresh;
    }
    tape->current = block, block->used += bytes;
    return (char *)(((size_t)(block + 1) + 63) & ~(size_t)63) + block->used - bytes;
}

SGM_API float *sgm_tape_floats(sgm_tape *tape, const sgm_tensor *like) {
    if (!tape || !like) return NULL;
    return (float *)sgm__arena(tape, (size_t)like->rows * (size_t)like->cols * sizeof(float));
}

static float *sgm__zeros(sgm_tape *tape, const sgm_tensor *x) {
    float *zeros = sgm_tape_floats(tape, x);
    if (zeros) memset(zeros, 0, (size_t)sgm__size(x) * sizeof *zeros);
    return zeros;
}

SGM_API sgm_tape *sgm_tape_new(void) { return (sgm_tape *)sgm__alloc(1, sizeof(sgm_tape)); }

SGM_API void sgm_tape_free(sgm_tape *tape) {
    if (!tape) return;
    for (sgm__arena_block *b = tape->blocks, *next; b; b = next) {
        next = b->next;
        SGM_FREE(b);
    }
    SGM_FREE(tape->list);
    SGM_FREE(tape->layers);
    sgm__free(tape);
}

SGM_API void sgm_tape_reset(
    sgm_tape *tape, float *params, float *grads, size_t n_params, sgm_key key, int flags) {
    if (!tape) return;
    for (sgm__arena_block *b = tape->blocks; b; b = b->next) b->used = 0;
    tape->current = tape->blocks;
    tape->n = 0, tape->n_ops = 0, tape->cursor = 0, tape->n_nothing = 0;
    tape->params = params, tape->grads = grads, tape->n_params = params ? n_params : 0;
    tape->key = key, tape->flags = flags;
    tape->status = SGM_OK, tape->message[0] = 0;
}

SGM__COLDLY
/*
## §D.2 Errors and entries

The first error sticks, with its message: all later ones follow from it.
*/
static sgm_tensor *sgm__tape_fail(sgm_tape *tape, sgm_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (tape && tape->status == SGM_OK) {
        vsnprintf(tape->message, sizeof tape->message, format, args);
        tape->status = sgm__fail(status, "%s", tape->message);
    }
    va_end(args);
    return NULL;
}

SGM_API sgm_tensor *sgm_tape_refuse(sgm_tape *tape, const char *format, ...) {
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return sgm__tape_fail(tape, SGM_BAD_ARGUMENT, "%s", message);
}

SGM_API sgm_status sgm_tape_status(const sgm_tape *tape) {
    if (!tape) return sgm__bad("no tape: sgm_tape_new found no memory for one");
    if (tape->status != SGM_OK) sgm__fail(tape->status, "%s", tape->message);
    return tape->status;
}

/* The most numbers of a tensor: 256 GB, or what a few times as much can be counted in a long. */
#define SGM__MOST_NUMBERS \
    (sizeof(size_t) < 8 ? 16777216.0 : sizeof(long) < 8 ? 134217728.0 : 68719476736.0)

/* A list that doubles when it is full, with room for one more; NULL: no memory. */
static void *sgm__room_in(sgm_tape *tape, void *list, int n, int *capacity, size_t size) {
    if (n < *capacity) return list;
    int more = *capacity ? 2 * *capacity : 64;
    void *longer = SGM_REALLOC(list, (size_t)more * size);
    tape->n_allocs++;
    if (!longer) return (void *)sgm__tape_fail(tape, SGM_NO_MEMORY, "no memory for a long tape");
    *capacity = more;
    return longer;
}

static size_t sgm__tape_bytes(const sgm_tape *tape) { /* that it has asked for */
    size_t bytes = 0;
    for (const sgm__arena_block *b = tape->blocks; b; b = b->next) bytes += b->size;
    return bytes;
}

/* As much memory as another tape has, so that it can hold the same. */
static sgm_status sgm__tape_like(sgm_tape *tape, const sgm_tape *other) {
    const size_t bytes = sgm__tape_bytes(other), has = sgm__tape_bytes(tape);
    if (bytes <= has && other->capacity <= tape->capacity) return SGM_OK;
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    if (bytes > has) sgm__arena(tape, bytes - has < 64 ? 64 : bytes - has - 64);
    while (tape->status == SGM_OK && tape->capacity < other->capacity) {
        void *list = sgm__room_in(
            tape, tape->list, tape->capacity, &tape->capacity, sizeof *tape->list);
        if (list) tape->list = (sgm_tensor **)list;
    }
    return sgm_tape_status(tape);
}

/* A new entry of the tape, without values yet. The shape comes as the product that it is, not as
what is left of it in an int. */
static sgm_tensor *sgm__entry(sgm_tape *tape, const char *name, double rows, double cols) {
    if (tape->status != SGM_OK) return NULL;
    if (!(rows >= 1 && cols >= 1 && rows <= INT_MAX && cols <= INT_MAX) ||
        rows * cols > SGM__MOST_NUMBERS)
        return sgm_tape_refuse(tape,
            "%s of %.0f by %.0f numbers: needs at least one row and column, and no more than can "
            "be counted; give fewer points at a time, or use smaller images and layers",
            name, rows, cols);
    void *list = sgm__room_in(tape, tape->list, tape->n, &tape->capacity, sizeof *tape->list);
    if (list) tape->list = (sgm_tensor **)list;
    sgm_tensor *y = list ? (sgm_tensor *)sgm__arena(tape, sizeof *y) : NULL;
    if (!y) return NULL;
    memset(y, 0, sizeof *y);
    y->name = name, y->rows = (int)rows, y->cols = (int)cols;
    return tape->list[tape->n++] = y;
}

/* Memory for y's values; a dry run computes none, and has the same memory for all. */
static float *sgm__values(sgm_tape *tape, const sgm_tensor *y) {
    if (!tape->dry) return sgm_tape_floats(tape, y);
    if (sgm__size(y) > tape->n_nothing)
        tape->nothing = sgm_tape_floats(tape, y),
        tape->n_nothing = tape->nothing ? sgm__size(y) : 0;
    return tape->nothing;
}

/* The entry of a parameter, not pointing anywhere yet; a dry run notes it down. */
static sgm_tensor *sgm__param_entry(sgm_tape *tape, const char *op, int number, const char *part,
    double rows, double cols, float spread, int is_normal) {
    if (!tape) return NULL;
    if (rows < 1 || cols < 1 || !(fabsf(spread) < 1e30f && spread >= 0))
        return sgm_tape_refuse(tape,
            "%s%d%s of %.0f by %.0f, starting within %g: needs at least one row and column, and a "
            "finite start >= 0",
            op, number, part, rows, cols, (double)spread);
    sgm_tensor *p = sgm__entry(tape, "parameter", rows, cols);
    if (p && !tape->dry && (size_t)sgm__size(p) > tape->n_params - tape->cursor)
        return sgm__tape_fail(tape, SGM_MISMATCH,
            "the network asks for more parameters than the %.0f it did at first, which the tape "
            "was given: it must do the same operations every time",
            (double)tape->n_params);
    if (!p || !tape->dry) return p;
    struct sgm_layer l = {"", p->rows, p->cols, tape->cursor, spread, is_normal};
    snprintf(l.name, sizeof l.name, "%s%d%s", op, number, part);
    void *list = sgm__room_in(tape, tape->layers, tape->n_layers, &tape->layer_capacity, sizeof l);
    if (!list) return NULL;
    tape->layers = (struct sgm_layer *)list;
    tape->layers[tape->n_layers++] = l;
    return p;
}

SGM_API sgm_tensor *sgm_param(sgm_tape *tape, int rows, int cols, float std) {
    return sgm__param(tape, "param", tape ? tape->n_layers : 0, "", rows, cols, std, 1);
}

SGM__WARMLY
/*
## §D.3 Adjoints on their way

`sgm__adjoint` returns the array to contribute to and says through `first` whether anything is there
yet; `x->set` remembers. A tensor that no parameter and no watched input leads to needs no adjoint,
and gets NULL.

The gradient of a weight, $x^T \bar y$, may be left as the product that it is, for the trainer to
work out when it uses it (§F.6). A trainer that will use each gradient once, and at once, asks for
this by SGM__DEFER. Then w remembers x (in `a`) and y (in `b`), and whoever else wants the gradient,
or has more to add, first *settles* it. Not if x is itself a parameter, which the update would
change before the product is made; not for many rows, where the product costs more than the update
it hides behind; nor for rows of W that do not fill the registers, whose ragged ends cost more than
is won. The circle of eight points, 256 units wide, is trained by this in 87 μs a step for 122
(AVX-512, one thread, medians of eleven pairs of runs); 128 units wide, in 25 for 31.
*/
#define SGM__ABREAST 4 /* directions at once */
#define SGM__LATER 4   /* beside SGM_ADJOINT_D and _JD, bits of set */
#define SGM__YOURS 8

static void sgm__settle(sgm_tensor *w) { /* w->a is x, and w->b is y = x w */
    if (!(w->set & SGM__LATER)) return;
    sgm__matmul(w->rows, w->cols, w->a->rows, w->a->v, 1, w->a->cols, w->b->d, w->cols, 1, NULL, 0,
        w->d, w->cols);
    w->set &= ~SGM__LATER;
}

static int sgm__defer(sgm_tape *tape, sgm_tensor *y, int which) {
    sgm_tensor *x = y->a, *w = y->b;
    if (which != SGM_ADJOINT_D || !(tape->flags & SGM__DEFER)) return 0;
    if (!w->is_param || !w->d || w->set || x->is_param) return 0;
    if (x->rows > SGM__OUTER_MOST || w->cols % 16 != 0) return 0;
    w->a = x, w->b = y, w->set = SGM_ADJOINT_D | SGM__LATER;
    return 1;
}

static float *sgm__adjoint(sgm_tape *tape, sgm_tensor *x, int which, int *first) {
    float **slot = which == SGM_ADJOINT_D ? &x->d : &x->jd;
    if (which != SGM_ADJOINT_D && which != SGM_ADJOINT_JD)
        sgm_tape_refuse(tape, "there is no adjoint %d: SGM_ADJOINT_D or SGM_ADJOINT_JD", which);
    if (tape->status != SGM_OK || !x->needs || (which == SGM_ADJOINT_JD && !x->j)) return NULL;
    if (!*slot) *slot = sgm_tape_floats(tape, x);
    sgm__settle(x);
    *first = !(x->set & which);
    x->set |= which;
    return *slot;
}

/*
When an operation has passed an adjoint on, its own array has done its work. So the first receiver
keeps the array itself, if it can: nothing is copied, and the numbers are still in the cache. Not if
you asked to see y's own.
*/
static void sgm__hand_on(sgm_tape *tape, const sgm_tensor *y, sgm_tensor *x, int which,
    const float *factor, float *adjoint) {
    float **slot = which == SGM_ADJOINT_D ? &x->d : &x->jd;
    int first, yours = y->set & SGM__YOURS && (adjoint == y->d || adjoint == y->jd);
    if (!adjoint || !x->needs || (which == SGM_ADJOINT_JD && !x->j)) return;
    if (factor && !yours) sgm__mul(sgm__size(x), factor, adjoint, adjoint), factor = NULL;
    if (yours || *slot) sgm_tape_give(tape, x, which, factor, adjoint);
    else *slot = adjoint, sgm__adjoint(tape, x, which, &first);
}

/* b's adjoint is the sum of the rows. */
static void sgm__give_sum(sgm_tape *tape, sgm_tensor *b, const float *adjoint, long rows) {
    int first;
    float *db = adjoint ? sgm__adjoint(tape, b, SGM_ADJOINT_D, &first) : NULL;
    if (db && first) memset(db, 0, (size_t)b->cols * sizeof *db);
    if (db) sgm__colsum(rows, b->cols, adjoint, b->cols, db);
}

/*
A sum over very many rows is made in *stretches*, each from 0, that are then added: in one go, the
millionth number would be added to a sum that a float no longer moves in its digits (§B.1).
*/
#define SGM__STRETCH 2048

/* dw (+)= inᵀ adjoint, over the rows of x; in NULL: 0. */
static void sgm__outer_sum(sgm_tape *tape, const sgm_tensor *x, const float *in,
    const float *adjoint, float *dw, int cols, int first) {
    const size_t bytes = (size_t)x->cols * (size_t)cols * sizeof *dw;
    float *more = in && x->rows > SGM__STRETCH ? (float *)sgm__arena(tape, bytes) : dw;
    if (!in && first) memset(dw, 0, bytes);
    for (long i = 0; in && more && i < x->rows; i += SGM__STRETCH) {
        int n = (int)(x->rows - i < SGM__STRETCH ? x->rows - i : SGM__STRETCH);
        sgm__matmul(x->cols, cols, n, in + i * x->cols, 1, x->cols, adjoint + i * cols, cols, 1,
            i || first ? NULL : dw, cols, i ? more : dw, cols);
        if (i) sgm__add((long)x->cols * cols, dw, more, dw);
    }
}

/* Whether a layer may work on the rows that x repeats: not if you want to see x's own adjoint. */
static int sgm__repeats(const sgm_tensor *x) { return x->row_of && !(x->set & SGM__YOURS); }

SGM_API float *sgm_tape_tangent_of(sgm_tape *tape, sgm_tensor *x) {
    if (x && sgm__repeats(x))
        sgm__tape_fail(tape, SGM_BAD_ARGUMENT,
            "a tangent of a tensor with repeated rows, as a time is that many points share: call "
            "sgm_tape_watch on it before it is used");
    if (x && !x->j) x->j = sgm__zeros(tape, x);
    if (x) x->set |= SGM__YOURS;
    return x ? x->j : NULL;
}

/* Room for all directions of x's tangent. */
static float *sgm__tangents(sgm_tape *tape, const sgm_tensor *x) {
    return (float *)sgm__arena(
        tape, (size_t)(1 + tape->more) * (size_t)sgm__size(x) * sizeof(float));
}

/*
A trace wants D tangents of one point (§7.4). So tangents may have several directions at once:
those of the l-th stand l times the tensor's size after the first. A linear layer, which treats all
rows alike, takes them as one taller matrix; any other operation, yours too, is asked for one after
the other, and finds all other things in the cache. The axes along which a trace moves are the same
for all points, and so are the tangents up to the first curve. Such tangents are *still*: of each
direction there is one row, until an operation comes that treats rows differently.
*/
#define SGM__STILL 16 /* of set: the tangents are still */

static void sgm__unstill(const sgm_tape *tape, sgm_tensor *x) {
    const long n = x ? x->cols : 0, rows = x ? x->rows : 0;
    if (!x || !(x->set & SGM__STILL)) return;
    for (long i = (1 + tape->more) * rows - 1; i >= 0; i--)
        memmove(x->j + i * n, x->j + i / rows * n, (size_t)n * sizeof *x->j);
    x->set &= ~SGM__STILL;
}

static void sgm__op_concat(sgm_tape *tape, sgm_tensor *y, sgm_pass pass);
static int sgm__stays_still(const sgm_tensor *y) {
    const sgm_tensor *in[3] = {y->a, y->b, y->c};
    if (y->op != sgm__op_linear && y->op != sgm__op_add && y->op != sgm__op_concat) return 0;
    for (int k = 0; k < 3; k++)
        if (in[k] && in[k]->j && !(in[k]->set & SGM__STILL)) return 0;
    return 1;
}

static void sgm__tangent_op(sgm_tape *tape, sgm_tensor *y) {
    sgm_tensor *x[4] = {y->a, y->b, y->c, y};
    const int linear = y->op == sgm__op_linear, still = sgm__stays_still(y);
    float *j[4];
    int rows[4];
    for (int k = 0; k < 4; k++) {
        if (k < 3 && !still) sgm__unstill(tape, x[k]);
        j[k] = x[k] ? x[k]->j : NULL, rows[k] = x[k] ? x[k]->rows : 0;
    }
    for (int k = 0; still && k < 4; k++)
        if (j[k]) x[k]->rows = 1;
    for (long l = 0; l <= (linear ? 0 : tape->more); l++) {
        for (int k = 0; k < 4; k++)
            if (j[k]) x[k]->j = j[k] + l * sgm__size(x[k]);
        y->j[0] = NAN; /* as y->v */
        y->op(tape, y, SGM_PASS_TANGENT);
    }
    for (int k = 0; k < 4; k++)
        if (x[k]) x[k]->j = j[k], x[k]->rows = rows[k];
    y->set = still ? y->set | SGM__STILL : y->set & ~SGM__STILL;
}

SGM_API float *sgm_tape_gradient_of(sgm_tape *tape, sgm_tensor *x) {
    if (!tape || !x) return NULL;
    if (!x->d)
        x->d = sgm_tape_floats(tape, x); /* a parameter has its place in the gradient block */
    if (x->d && !(x->set & SGM_ADJOINT_D)) memset(x->d, 0, (size_t)sgm__size(x) * sizeof *x->d);
    x->set |= SGM_ADJOINT_D | SGM__YOURS;
    return x->d;
}

SGM_API float *sgm_tape_tangent_gradient_of(sgm_tape *tape, sgm_tensor *x) {
    if (!x || !sgm_tape_tangent_of(tape, x)) return NULL;
    if (!x->jd || !(x->set & SGM_ADJOINT_JD)) x->jd = sgm__zeros(tape, x);
    x->set |= SGM_ADJOINT_JD | SGM__YOURS;
    return x->jd;
}

/*
## §D.4 Rows that repeat

Many rows are often the same: when you sample, all points have one time, and a ladder of twelve
noise levels has twelve. Such a tensor *repeats*: its row i is a copy of row `row_of[i]` of a short
one, `a`. Who does not know this sees a tensor like any other. A layer that does know works on the
short one and repeats the result, since f(repeat a) = repeat f(a), to the last bit. Back through a
repetition, the adjoints of all copies add up.
*/
static void sgm__copy_rows(const int *row_of, long rows, long cols, const float *few, float *out) {
    for (long i = 0; i < rows; i++)
        memcpy(out + i * cols, few + row_of[i] * cols, (size_t)cols * sizeof *out);
}

/* Of the copies that x makes, as rows of so many columns. */
static void sgm__sum_copies(
    sgm_tape *tape, const sgm_tensor *x, long cols, const float *adjoint, float *few) {
    const int *row_of = x->row_of;
    const long rows = x->rows, size = x->a->rows * cols;
    const size_t bytes = rows > SGM__STRETCH ? (size_t)size * sizeof *few : 0;
    float *more = bytes ? (float *)sgm__arena(tape, bytes) : few;
    for (long from = 0, to; more && from < rows; from = to) {
        float *sums = from ? more : few;
        to = rows - from < SGM__STRETCH ? rows : from + SGM__STRETCH;
        if (from) memset(more, 0, bytes);
        for (long i = from; i < to; i++) {
            float *at = sums + row_of[i] * cols;
            sgm__add(cols, at, adjoint + i * cols, at);
        }
        if (from) sgm__add(size, few, more, few);
    }
}

static void sgm__op_repeat(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *few = y->a;
    int first;
    if (pass == SGM_PASS_FORWARD) sgm__copy_rows(y->row_of, y->rows, y->cols, few->v, y->v);
    if (pass == SGM_PASS_TANGENT) sgm__copy_rows(y->row_of, y->rows, y->cols, few->j, y->j);
    for (int which = SGM_ADJOINT_D; pass == SGM_PASS_BACKWARD && which <= SGM_ADJOINT_JD; which++) {
        float *to = y->set & which ? sgm__adjoint(tape, few, which, &first) : NULL;
        if (to && first) memset(to, 0, (size_t)sgm__size(few) * sizeof *to);
        if (to) sgm__sum_copies(tape, y, y->cols, which == SGM_ADJOINT_D ? y->d : y->jd, to);
    }
}

/* row_of NULL: the one row there is, `rows` times. */
static sgm_tensor *sgm__repeat(sgm_tape *tape, sgm_tensor *few, const int *row_of, int rows) {
    if (!few || rows < 1) return NULL;
    size_t bytes = (size_t)rows * sizeof(int);
    int *own = row_of ? NULL : (int *)sgm__arena(tape, bytes);
    if (own) memset(own, 0, bytes);
    sgm_tensor *y = sgm_tape_make(tape, "repeat", sgm__op_repeat, rows, few->cols, few, NULL, NULL);
    if (!y) return NULL;
    y->row_of = row_of ? row_of : own;
    return sgm_tape_run(tape, y);
}

SGM_API sgm_tensor *sgm_repeat(sgm_tape *tape, sgm_tensor *row, int rows) {
    if (row && (row->rows != 1 || rows < 1))
        return sgm__tape_fail(tape, SGM_MISMATCH,
            "%d repeats of (%d, %d): needs one row, and rows >= 1", rows, row->rows, row->cols);
    return sgm__repeat(tape, row, NULL, rows);
}

/* The times of n points, as a tensor that repeats if they are few. For few points, or where most
times differ, nothing would be won. */
#define SGM__FEW_TIMES 32

static sgm_tensor *sgm__times_in(sgm_tape *tape, const float *t, int n) {
    float few[SGM__FEW_TIMES];
    int found = 0, most = n / 4 < SGM__FEW_TIMES ? n / 4 : SGM__FEW_TIMES;
    int *row_of = n > SGM__OUTER_MOST ? (int *)sgm__arena(tape, (size_t)n * sizeof *row_of) : NULL;
    if (!row_of) return sgm_tape_input(tape, t, n, 1);
    for (int i = 0, k = 0; i < n; row_of[i++] = k) {
        if (i > 0 && t[i] == few[k]) continue;
        for (k = 0; k < found && few[k] != t[i]; k++) continue;
        if (k < found) continue;
        if (found == most) return sgm_tape_input(tape, t, n, 1);
        few[found++] = t[i];
    }
    return sgm__repeat(tape, sgm_tape_input(tape, few, found, 1), row_of, n);
}

static void sgm__op_feature(sgm_tape *tape, sgm_tensor *y, sgm_pass pass);

/* A network that watches its time comes late: log σ is made from it already. It is told here. */
SGM_API void sgm_tape_watch(sgm_tape *tape, sgm_tensor *x) {
    if (!tape || !x) return;
    x->needs |= 2, x->set |= SGM__YOURS;
    for (int i = 0; i < tape->n; i++) {
        sgm_tensor *y = tape->list[i], *few = y->a;
        if (y->op == sgm__op_repeat && few->op == sgm__op_feature && x->op == sgm__op_repeat &&
            few->a == x->a && y->row_of == x->row_of) /* the same rows, no longer repeated */
            y->op = sgm__op_feature, y->i = few->i, y->s = few->s, y->aux = few->aux, y->a = x,
            y->row_of = NULL;
        if (y->op == sgm__op_feature && y->a == x) y->needs |= 2;
    }
}

/*
If x = [t, z] where t repeats, as where a network is told the time beside other things, t's share of
the products of a linear layer is made once for each row that it repeats:

$$[R\,a, z] \begin{pmatrix} W_a \\ W_z \end{pmatrix} + b = R\,(a W_a + b) + z W_z \qquad(D.1)$$

Since t stands first, the sum over the columns keeps its order, and no bit of y changes. A residual
MLP, which is told the time in each block, samples 5 % faster by it.
*/
/* (D.1), of values or of tangents; a or z may be NULL for zero. */
static void sgm__parts_nn(sgm_tape *tape, const sgm_tensor *x, const sgm_tensor *w, const float *a,
    const float *z, const float *init, float *out) {
    const sgm_tensor *few = x->a->a;
    const int all = z && few->rows == 1; /* one row for all: no copies needed */
    const int in = few->cols, rest = x->b->cols, cols = w->cols;
    float *part = (float *)sgm__arena(tape, (size_t)few->rows * (size_t)cols * sizeof *part);
    if (!part) return;
    if (a) sgm__matmul(few->rows, cols, in, a, in, 1, w->v, cols, 1, init, 0, part, cols);
    if (a && !all) sgm__copy_rows(x->a->row_of, x->rows, cols, part, out);
    const float *so_far = !a ? NULL : all ? part : out, *rest_of_w = w->v + (long)in * cols;
    const int rows = x->rows * (a ? 1 : 1 + tape->more);
    if (z)
        sgm__matmul(
            rows, cols, rest, z, rest, 1, rest_of_w, cols, 1, so_far, all ? 0 : cols, out, cols);
}

/* z's share is summed apart, then added, as x would hand it on: the bits of few rows, with (D.1) or
without. */
static void sgm__give_apart(sgm_tape *tape, sgm_tensor *z, const sgm_tensor *w, long from,
    int which, const float *adjoint, float *dw, int first) {
    float **slot = which == SGM_ADJOINT_D ? &z->d : &z->jd, *sum = z->set & which ? *slot : NULL;
    if (sum) *slot = NULL, z->set &= ~which;
    sgm__linear_give(tape, z, w, from, which, adjoint, dw, first);
    for (long i = 0; sum && *slot && i < sgm__size(z); i++) sum[i] += (*slot)[i];
    if (sum) *slot = sum, z->set |= which;
}

/* 1: done, for x has two such parts. You have not asked to see x's own derivatives. */
static int sgm__linear_by_parts(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a, *w = y->b, *b = y->c, *part = x->a;
    if (tape->flags & SGM_TAPE_PLAIN || x->op != sgm__op_concat) return 0;
    if (x->set & SGM__YOURS || !sgm__repeats(part)) return 0;
    sgm_tensor *few = part->a;
    if (pass == SGM_PASS_TANGENT && few->j && tape->more) return 0;
    if (pass == SGM_PASS_FORWARD) sgm__parts_nn(tape, x, w, few->v, x->b->v, b->v, y->v);
    if (pass == SGM_PASS_TANGENT) sgm__parts_nn(tape, x, w, few->j, x->b->j, NULL, y->j);
    if (pass != SGM_PASS_BACKWARD) return 1;
    sgm__give_sum(tape, b, y->d, y->rows);
    for (int which = SGM_ADJOINT_D; which <= SGM_ADJOINT_JD; which++) {
        const float *adjoint = which == SGM_ADJOINT_D ? y->d : y->jd;
        if (!adjoint || (which == SGM_ADJOINT_JD && !x->j)) continue;
        int first = 0;
        float *dw = sgm__adjoint(tape, w, SGM_ADJOINT_D, &first);
        if (dw || few->needs) {
            size_t bytes = (size_t)few->rows * (size_t)w->cols * sizeof(float);
            float *sums = (float *)sgm__arena(tape, bytes);
            if (!sums) return 1;
            memset(sums, 0, bytes);
            sgm__sum_copies(tape, part, w->cols, adjoint, sums);
            sgm__linear_give(tape, few, w, 0, which, sums, dw, first);
        }
        sgm__give_apart(tape, x->b, w, few->cols, which, adjoint, dw, first);
    }
    return 1;
}

SGM__COLDLY
/*
## §D.5 Operations are entered

What is left of the operations of chapter 3 when their equations are taken away: shapes, settings
and refusals, and those that only move numbers.
*/
/* y with x's shape, and two settings. */
static sgm_tensor *sgm__of_one(
    sgm_tape *tape, const char *name, sgm_operation op, sgm_tensor *x, int i, float setting) {
    if (!tape || !x) return NULL;
    sgm_tensor *y = sgm_tape_make(tape, name, op, x->rows, x->cols, x, NULL, NULL);
    if (y) y->i = i, y->s = setting;
    return sgm_tape_run(tape, y);
}

static int sgm__same_shape(
    sgm_tape *tape, const char *op, const sgm_tensor *a, const sgm_tensor *b) {
    if (a->rows == b->rows && a->cols == b->cols) return 1;
    sgm__tape_fail(tape, SGM_MISMATCH, "%s of (%d, %d) and (%d, %d): the shapes must agree", op,
        a->rows, a->cols, b->rows, b->cols);
    return 0;
}

/* y of two that have its shape. */
static sgm_tensor *sgm__of_two(sgm_tape *tape, const char *what, const char *name, sgm_operation op,
    sgm_tensor *a, sgm_tensor *b) {
    if (!a || !b || !sgm__same_shape(tape, what, a, b)) return NULL;
    return sgm_tape_run(tape, sgm_tape_make(tape, name, op, a->rows, a->cols, a, b, NULL));
}

/* W starts uniform in ±start/√in, b in ±1/√in; both at 0 for start 0. */
SGM_API sgm_tensor *sgm_linear_start(sgm_tape *tape, sgm_tensor *x, int out, float start) {
    if (!tape || !x) return NULL;
    if (sgm__repeats(x))
        return sgm__repeat(tape, sgm_linear_start(tape, x->a, out, start), x->row_of, x->rows);
    int number = tape->n_ops++;
    float spread = start > 0 ? 1 / sqrtf((float)x->cols) : 0;
    sgm_tensor *w = sgm__param(tape, "linear", number, ".weight", x->cols, out, start * spread, 0);
    sgm_tensor *b = sgm__param(tape, "linear", number, ".bias", 1, out, spread, 0);
    if (!w || !b) return NULL;
    return sgm_tape_run(tape, sgm_tape_make(tape, "linear", sgm__op_linear, x->rows, out, x, w, b));
}

SGM_API sgm_tensor *sgm_linear(sgm_tape *tape, sgm_tensor *x, int out) {
    return sgm_linear_start(tape, x, out, 1);
}

SGM_API sgm_tensor *sgm_linear_zero(sgm_tape *tape, sgm_tensor *x, int out) {
    return sgm_linear_start(tape, x, out, 0);
}

SGM_API sgm_tensor *sgm_activate(sgm_tape *tape, sgm_tensor *x, sgm_activation kind) {
    static const char *const names[] = {"relu", "silu", "tanh", "gelu", "softplus", "sigmoid"};
    int i = kind == SGM_ACTIVATION_AUTO ? (int)SGM_ACTIVATION_SILU : (int)kind;
    if (!tape || !x) return NULL;
    if (i < SGM_ACTIVATION_RELU || i > SGM_ACTIVATION_SIGMOID)
        return sgm_tape_refuse(tape, "there is no activation %d: see sgm_activation", i);
    if (sgm__repeats(x))
        return sgm__repeat(tape, sgm_activate(tape, x->a, kind), x->row_of, x->rows);
    return sgm__of_one(tape, names[i - SGM_ACTIVATION_RELU], sgm__op_activation, x, i, 0);
}

SGM_API sgm_tensor *sgm_relu(sgm_tape *t, sgm_tensor *x) {
    return sgm_activate(t, x, SGM_ACTIVATION_RELU);
}
SGM_API sgm_tensor *sgm_silu(sgm_tape *t, sgm_tensor *x) {
    return sgm_activate(t, x, SGM_ACTIVATION_SILU);
}
SGM_API sgm_tensor *sgm_tanh(sgm_tape *t, sgm_tensor *x) {
    return sgm_activate(t, x, SGM_ACTIVATION_TANH);
}
SGM_API sgm_tensor *sgm_gelu(sgm_tape *t, sgm_tensor *x) {
    return sgm_activate(t, x, SGM_ACTIVATION_GELU);
}
SGM_API sgm_tensor *sgm_softplus(sgm_tape *t, sgm_tensor *x) {
    return sgm_activate(t, x, SGM_ACTIVATION_SOFTPLUS);
}
SGM_API sgm_tensor *sgm_sigmoid(sgm_tape *t, sgm_tensor *x) {
    return sgm_activate(t, x, SGM_ACTIVATION_SIGMOID);
}

SGM_API sgm_tensor *sgm_add(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b) {
    return sgm__of_two(tape, "the sum", "add", sgm__op_add, a, b);
}

SGM_API sgm_tensor *sgm_mul(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b) {
    return sgm__of_two(tape, "the product", "mul", sgm__op_mul, a, b);
}

static void sgm__op_scale(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    const long n = sgm__size(y);
    if (pass == SGM_PASS_FORWARD) sgm__scale(n, y->s, y->a->v, y->v);
    if (pass == SGM_PASS_TANGENT) sgm__scale(n, y->s, y->a->j, y->j);
    for (int which = SGM_ADJOINT_D; pass == SGM_PASS_BACKWARD && which <= SGM_ADJOINT_JD; which++) {
        const float *from = which == SGM_ADJOINT_D ? y->d : y->jd;
        int first;
        float *to = from ? sgm__adjoint(tape, y->a, which, &first) : NULL;
        if (to) sgm__map(first ? SGM__SCALE : SGM__AXPY, n, y->s, from, from, to);
    }
}

SGM_API sgm_tensor *sgm_mul_by(sgm_tape *tape, sgm_tensor *x, float factor) {
    if (x && !(fabs((double)factor) < HUGE_VAL))
        return sgm_tape_refuse(tape, "%g times a tensor: needs a finite factor", (double)factor);
    return sgm__of_one(tape, "scale", sgm__op_scale, x, 0, factor);
}

/* Columns [from, from + cols) of a wider array, copied out or in. */
static void sgm__columns(float *to, int to_cols, const float *x, int x_cols, int cols, int rows) {
    for (long i = 0; i < rows; i++)
        memcpy(to + i * to_cols, x + i * x_cols, (size_t)cols * sizeof *to);
}

static void sgm__op_concat(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    for (int i = 0, from = 0; i < 2; from += (i++ ? y->b : y->a)->cols) {
        sgm_tensor *x = i ? y->b : y->a;
        if (pass == SGM_PASS_FORWARD)
            sgm__columns(y->v + from, y->cols, x->v, x->cols, x->cols, y->rows);
        if (pass == SGM_PASS_TANGENT && x->j)
            sgm__columns(y->j + from, y->cols, x->j, x->cols, x->cols, y->rows);
        for (long r = 0; pass == SGM_PASS_TANGENT && !x->j && r < y->rows; r++)
            memset(y->j + r * y->cols + from, 0, (size_t)x->cols * sizeof(float));
        for (int which = 1; pass == SGM_PASS_BACKWARD && which <= SGM_ADJOINT_JD; which++) {
            const float *adjoint = which == SGM_ADJOINT_D ? y->d : y->jd;
            float *cut = x->needs && adjoint ? sgm_tape_floats(tape, x) : NULL;
            if (!cut) continue;
            sgm__columns(cut, x->cols, adjoint + from, y->cols, x->cols, y->rows);
            sgm__hand_on(tape, y, x, which, NULL, cut);
        }
    }
}

SGM_API sgm_tensor *sgm_concat(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b) {
    if (!a || !b) return NULL;
    if (a->rows != b->rows)
        return sgm__tape_fail(tape, SGM_MISMATCH, "(%d, %d) beside (%d, %d): the rows must agree",
            a->rows, a->cols, b->rows, b->cols);
    const double cols = (double)a->cols + b->cols;
    return sgm_tape_run(
        tape, sgm_tape_make(tape, "concat", sgm__op_concat, a->rows, cols, a, b, NULL));
}

static void sgm__center(const sgm_tensor *y, float *to, const float *x, int add) {
    int n = y->cols;
    for (long i = 0; i < sgm__size(y); i += n) sgm__k()->center(n, x + i, add, to + i);
}

static void sgm__op_center(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a;
    if (pass == SGM_PASS_FORWARD) sgm__center(y, y->v, x->v, 0);
    if (pass == SGM_PASS_TANGENT) sgm__center(y, y->j, x->j, 0);
    for (int which = SGM_ADJOINT_D; pass == SGM_PASS_BACKWARD && which <= SGM_ADJOINT_JD; which++) {
        int first;
        float *to = y->set & which ? sgm__adjoint(tape, x, which, &first) : NULL;
        if (to) sgm__center(y, to, which == SGM_ADJOINT_D ? y->d : y->jd, !first);
    }
}

/* Squares of 10²⁰ leave the range of floats, and those of 10⁻²⁰ vanish in it: then in doubles. */
static double sgm__row_dot(const float *a, const float *b, int n) {
    double sum = sgm__k()->dot(n, a, b);
    if (fabs(sum) > 1e-26 && fabs(sum) < 1e38) return sum;
    sum = 0;
    for (int j = 0; j < n; j++) sum += (double)a[j] * b[j];
    return sum;
}

/* Both in turn. */
static sgm_tensor *sgm__row_norm(sgm_tape *tape, sgm_tensor *x) {
    x = sgm__of_one(tape, "center", sgm__op_center, x, 0, 0);
    return sgm__of_one(tape, "rms", sgm__op_rms, x, 0, 0);
}

/* The features of §3.8 that other texts use. */
enum { SGM__CIRCLE, SGM__SINUSOIDAL, SGM__FOURIER, SGM__LOG_SIGMA, SGM__SIGMA, SGM__STEPS };
typedef void (*sgm__feature)(
    const sgm_tensor *y, float *out, float *d1, float *d2, double t); /* width: y->cols */

static void sgm__feature_circle(const sgm_tensor *y, float *out, float *d1, float *d2, double t) {
    double s, c, w = 2 * SGM__PI;
    (void)y;
    out[0] = (float)(t - 0.5);
    if (d1) d1[0] = 1, d2[0] = 0;
    sgm__sincos_turns(t, &s, &c);
    sgm__wave(out, d1, d2, 1, 1, w, c, -s), sgm__wave(out, d1, d2, 2, 1, w, s, c);
    sgm__sincos_turns(2 * t, &s, &c);
    sgm__wave(out, d1, d2, 3, -1, 2 * w, c, -s);
}

/* Sinusoidal: frequencies from s down to 10⁻⁴ s; Fourier: drawn at random, s their deviation. */
static void sgm__feature_waves(const sgm_tensor *y, float *out, float *d1, float *d2, double t) {
    const sgm_key key = sgm_key_init(0x5367c0deULL);
    const int random = y->i == SGM__FOURIER, half = (y->cols + 1) / 2;
    for (int j = 0; j < half; j++) {
        double s, c, down = half > 1 ? (double)j / (half - 1) : 0, scale = y->s;
        double turns = random ? scale * sgm__normal1(key, (uint64_t)j) : 0;
        double frequency = random ? 0 : sgm__exp(-9.2103403719761836 * down);
        double omega = random ? 2 * SGM__PI * turns : scale * frequency;
        sgm__sincos_turns(random ? turns * t : scale * t * frequency / (2 * SGM__PI), &s, &c);
        sgm__wave(out, d1, d2, j, 1, omega, s, c);
        if (half + j < y->cols) sgm__wave(out, d1, d2, half + j, 1, omega, c, -s);
    }
}

/* Log σ is an operation itself: with log-SNR = −2 log σ, (1.7) and (1.3) give it the derivative
$g²/2s²$, and a difference gives the derivative of that. */
static void sgm__feature_log_sigma(
    const sgm_tensor *y, float *out, float *d1, float *d2, double t) {
    const sgm_sde *sde = (const sgm_sde *)(const void *)y->aux;
    double at[3], h = 1e-4 * t, middle = t + h < sde->T ? t : sde->T - h;
    *out = (float)(-0.5 * sgm_sde_logsnr(sde, t));
    for (int i = 0; d1 && i < 3; i++) {
        double u = i ? middle + (i == 1 ? -h : h) : t, s = sgm_sde_s(sde, u);
        at[i] = sgm_sde_g2(sde, u) / (2 * s * s);
    }
    if (d1) *d1 = (float)at[0], *d2 = (float)((at[2] - at[1]) / (2 * h));
}

/* Those of §F.10, in floats as the package has them; y->i: which comes first, and ω's divisor. */
static void sgm__feature_steps(const sgm_tensor *y, float *out, float *d1, float *d2, double t) {
    const int half = y->cols / 2, sin_first = (y->i - SGM__STEPS) & 1, last = y->cols - 1;
    const float k = (float)(y->s * t - 1), end = (float)(half - (y->i - SGM__STEPS) / 2);
    out[last] = 0; /* of an odd width */
    if (d1) d1[last] = d2[last] = 0;
    for (int j = 0; j < half; j++) {
        const float down = -9.2103403719761836f * (float)j, omega = (float)sgm__exp(down / end);
        const float angle = k * omega;
        double s, c;
        sgm__sincos_turns(angle / (2 * SGM__PI), &s, &c);
        sgm__wave(out, d1, d2, sin_first ? j : half + j, 1, y->s * omega, s, c);
        sgm__wave(out, d1, d2, sin_first ? half + j : j, 1, y->s * omega, c, -s);
    }
}

static void sgm__feature_at(const sgm_tensor *y, float *out, float *d1, float *d2, double t) {
    static const sgm__feature kinds[] = {sgm__feature_circle, sgm__feature_waves,
        sgm__feature_waves, sgm__feature_log_sigma, sgm__feature_sigma, sgm__feature_steps};
    kinds[y->i < SGM__STEPS ? y->i : SGM__STEPS](y, out, d1, d2, t);
}

static void sgm__op_feature(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *t = y->a;
    const long n = y->cols;
    const size_t bytes = (size_t)n * sizeof(float);
    int first = 0, first_j = 0, back = pass == SGM_PASS_BACKWARD;
    float *f = pass == SGM_PASS_FORWARD ? NULL : (float *)sgm__arena(tape, 3 * bytes);
    float *d1 = f ? f + n : NULL; /* and φ'' behind it */
    float *to = back ? sgm__adjoint(tape, t, SGM_ADJOINT_D, &first) : NULL;
    float *to_j = back && y->jd ? sgm__adjoint(tape, t, SGM_ADJOINT_JD, &first_j) : NULL;
    if (tape->status != SGM_OK) return;
    for (long i = 0; i < t->rows; i++) {
        const float *d = y->d ? y->d + i * n : NULL, *jd = to_j ? y->jd + i * n : NULL;
        double sum = 0, sum_j = 0;
        if (!d1 && i > 0 && t->v[i] == t->v[i - 1]) memcpy(y->v + i * n, y->v + (i - 1) * n, bytes);
        else sgm__feature_at(y, d1 ? f : y->v + i * n, d1, d1 ? d1 + n : NULL, t->v[i]);
        for (long j = 0; j < n && pass == SGM_PASS_TANGENT; j++) y->j[i * n + j] = d1[j] * t->j[i];
        for (long j = 0; j < n && back; j++) { /* (3.6) */
            if (d) sum += (double)d1[j] * d[j];
            if (jd) sum += (double)d1[n + j] * t->j[i] * jd[j], sum_j += (double)d1[j] * jd[j];
        }
        if (to) to[i] = (float)(first ? sum : to[i] + sum);
        if (to_j) to_j[i] = (float)(first_j ? sum_j : to_j[i] + sum_j);
    }
}

static sgm_tensor *sgm__time_features(
    sgm_tape *tape, sgm_tensor *t, int width, float scale, int kind, const sgm_sde *sde) {
    static const char *const names[] = {
        "time_circle", "time_sinusoidal", "time_fourier", "log_sigma", "time_sigma", "time_steps",
        "time_steps_sin", "time_steps_shift", "time_steps_sin_shift"};
    const char *name = names[kind];
    if (!t) return NULL;
    if (sgm__repeats(t))
        return sgm__repeat(
            tape, sgm__time_features(tape, t->a, width, scale, kind, sde), t->row_of, t->rows);
    if (t->cols != 1 || width < 1 || !(fabs(scale) < 1e30))
        return sgm_tape_refuse(tape,
            "%s of width %d and scale %g from (%d, %d): needs width >= 1, a finite scale, and "
            "times of shape (n, 1)",
            name, width, (double)scale, t->rows, t->cols);
    sgm_tensor *y = sgm_tape_make(tape, name, sgm__op_feature, t->rows, width, t, NULL, NULL);
    if (y) y->i = kind, y->s = scale, y->aux = (float *)(uintptr_t)sde;
    if (y && sde && tape->dry && (y->v = sgm_tape_floats(tape, y)) != NULL)
        y->op(tape, y, SGM_PASS_FORWARD); /* a network may look at it */
    return sgm_tape_run(tape, y);
}

SGM_API sgm_tensor *sgm_time_circle(sgm_tape *tape, sgm_tensor *t) {
    return sgm__time_features(tape, t, 4, 1, SGM__CIRCLE, NULL);
}

SGM_API sgm_tensor *sgm_time_sinusoidal(sgm_tape *tape, sgm_tensor *t, int width) {
    return sgm__time_features(tape, t, width, 1000, SGM__SINUSOIDAL, NULL);
}

SGM_API sgm_tensor *sgm_time_fourier(sgm_tape *tape, sgm_tensor *t, int width, float scale) {
    return sgm__time_features(tape, t, width, scale, SGM__FOURIER, NULL);
}

SGM_API sgm_tensor *sgm_time_learned(sgm_tape *tape, sgm_tensor *log_sigma, int width) {
    if (log_sigma && sgm__repeats(log_sigma))
        return sgm__repeat(
            tape, sgm_time_learned(tape, log_sigma->a, width), log_sigma->row_of, log_sigma->rows);
    sgm_tensor *h = sgm_silu(tape, sgm_linear(tape, log_sigma, width));
    return sgm_silu(tape, sgm_linear(tape, h, width));
}

SGM_API sgm_tensor *sgm_time_sigma(sgm_tape *tape, sgm_tensor *log_sigma) {
    return sgm__time_features(tape, log_sigma, 9, 0.25f, SGM__SIGMA, NULL);
}

/*
## §D.6 The text of a network

In the order of §3.16. It is made twice: once to see how long it is.
*/
static size_t sgm__text_of_setting(char *text, size_t room, const char *name, double value) {
    char number[40];
    if (value == 0) return 0;
    return (size_t)snprintf(text, room, " %s %s", name, sgm__number_text(number, value, 9));
}

static size_t sgm__text_of_op(const sgm_tape *tape, int i, char *text, size_t room) {
    static const char *const names[] = {"h", "w", "channels", "out", "patch", "stride", "groups",
        "heads", "silu", "one_plus", "tokens"}; /* in the order of sgm__shape */
    const sgm_tensor *y = tape->list[i], *from[3];
    int n = snprintf(text, room, "%s%d %s %dx%d", i ? "; " : "", i, y->name, y->rows, y->cols);
    size_t at = (size_t)n;
#define SGM__SAY text ? text + at : NULL, room - (text ? at : 0)
    at += sgm__text_of_setting(SGM__SAY, "by", y->s);
    int shaped = y->op == sgm__op_walk || y->op == sgm__op_conv || y->op == sgm__op_norm ||
        y->op == sgm__op_heads;
    const int *settings = (const int *)(const void *)y->aux;
    for (int k = 0; shaped && k < 11; k++)
        at += sgm__text_of_setting(SGM__SAY, names[k], settings[k]);
    from[0] = y->a, from[1] = y->b, from[2] = y->c;
    for (int k = 0; k < 3; k++) {
        int of = from[k] ? i - 1 : -1;
        while (of >= 0 && tape->list[of] != from[k]) of--;
        if (of < 0) continue;
        n = snprintf(SGM__SAY, "%s %d", k ? "" : " of", of);
        at += (size_t)n;
    }
#undef SGM__SAY
    return at;
}

/* The text, to be freed by sgm__free; NULL: no memory. */
static char *sgm__tape_text(const sgm_tape *tape) {
    size_t length = 0, at = 0;
    for (int i = 0; i < tape->n; i++) length += sgm__text_of_op(tape, i, NULL, 0);
    char *text = (char *)sgm__alloc(length + 1, 1);
    for (int i = 0; text && i < tape->n; i++)
        at += sgm__text_of_op(tape, i, text + at, length + 1 - at);
    return text;
}

SGM__WARMLY
/*
# E. Layers, fast

How operations on images know their shapes, and the fast forms of convolution, norm and attention.
Each does what the text of chapter 3 does, and is held against it at odd sizes.

## §E.1 Shapes and walks
*/
static sgm__shape *sgm__shape_of(const sgm_tensor *y) { return (sgm__shape *)(void *)y->aux; }

/* sgm_tape_make and _run, for an operation that must know its shape before it runs. */
static sgm_tensor *sgm__shaped(sgm_tape *tape, const char *name, sgm_operation op, double rows,
    double cols, sgm_tensor *a, sgm_tensor *b, sgm_tensor *c, const sgm__shape *shape) {
    sgm_tensor *y = sgm_tape_make(tape, name, op, rows, cols, a, b, c);
    if (!y || !(y->aux = (float *)sgm__arena(tape, sizeof *shape))) return NULL;
    memcpy(y->aux, shape, sizeof *shape);
    return sgm_tape_run(tape, y);
}

static void sgm__op_walk(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    const sgm__shape *s = sgm__shape_of(y);
    for (int part = 0; part < (y->b ? 2 : 1); part++) {
        sgm_tensor *x = part ? y->b : y->a;
        const long *n = s->n[part];
        const int once = n[0] * n[1] * n[2] * n[3] * n[4] == sgm__size(x); /* each goes somewhere */
        if (pass == SGM_PASS_FORWARD) sgm__walk(s, part, x->v, y->v, 0, 0);
        if (pass == SGM_PASS_TANGENT && !x->j) x->j = sgm__zeros(tape, x);
        if (pass == SGM_PASS_TANGENT && x->j) sgm__walk(s, part, x->j, y->j, 0, 0);
        for (int which = SGM_ADJOINT_D; pass == SGM_PASS_BACKWARD && which <= SGM_ADJOINT_JD;
             which++) {
            int first;
            float *to = y->set & which ? sgm__adjoint(tape, x, which, &first) : NULL;
            if (to && first && !once) memset(to, 0, (size_t)sgm__size(x) * sizeof *to);
            if (to)
                sgm__walk(s, part, to, which == SGM_ADJOINT_D ? y->d : y->jd, 1, !once || !first);
        }
    }
}

static void sgm__loops(sgm__shape *s, int part, const long *n, const long *x, const long *y) {
    memcpy(s->n[part], n, sizeof s->n[0]), memcpy(s->x[part], x, sizeof s->x[0]);
    memcpy(s->y[part], y, sizeof s->y[0]);
}

static sgm_tensor *sgm__walked(sgm_tape *tape, const char *name, sgm_tensor *x, double rows,
    double cols, int h, int w, const long *n, const long *from, const long *to) {
    sgm__shape s;
    if (!tape || !x) return NULL;
    memset(&s, 0, sizeof s), s.h = h, s.w = w;
    sgm__loops(&s, 0, n, from, to);
    return sgm__shaped(tape, name, sgm__op_walk, rows, cols, x, NULL, NULL, &s);
}

/* The channels of x as images of h by w; 0, and an error, if it cannot be. */
static int sgm__channels(sgm_tape *tape, const char *op, const sgm_tensor *x, int h, int w) {
    if (!x) return 0;
    long long pixels = (long long)h * w;
    if (h > 0 && w > 0 && x->cols % pixels == 0) return (int)(x->cols / pixels);
    sgm_tape_refuse(tape,
        "%s: rows of %d numbers are no images of %d by %d: give the height and width that the "
        "image has at this place (their product must divide %d)",
        op, x->cols, h, w, x->cols);
    return 0;
}

/* The same numbers as rows of another length: y has x's own values, and hands its adjoints on. */
static void sgm__op_reshape(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    if (pass == SGM_PASS_TANGENT) memcpy(y->j, y->a->j, (size_t)sgm__size(y) * sizeof *y->j);
    if (pass != SGM_PASS_BACKWARD) return;
    sgm__hand_on(tape, y, y->a, SGM_ADJOINT_D, NULL, y->d);
    sgm__hand_on(tape, y, y->a, SGM_ADJOINT_JD, NULL, y->jd);
}

static sgm_tensor *sgm__reshape(
    sgm_tape *tape, const char *name, sgm_tensor *x, double rows, double cols) {
    sgm_tensor *y = sgm__entry(tape, name, rows, cols);
    if (y) y->op = sgm__op_reshape, y->a = x, y->v = x->v, y->needs = x->needs;
    return y;
}

static sgm_tensor *sgm__patches(sgm_tape *tape, sgm_tensor *x, int h, int w, int p, int back) {
    const char *name = back ? "unpatchify" : "patchify";
    if (!tape || !x) return NULL;
    if (p < 1 || h < 1 || w < 1 || h % p || w % p)
        return sgm_tape_refuse(tape,
            "patches of %d by %d do not tile an image of %d by %d: choose a patch that divides "
            "both",
            p, p, h, w);
    long long tokens = (long long)(h / p) * (w / p), square = (long long)p * p;
    if (back && (x->cols % square || x->rows % tokens))
        return sgm_tape_refuse(tape,
            "(%d, %d) are no patches of %d by %d from images of %d by %d: needs %lld rows for each "
            "image, and columns that %lld divides",
            x->rows, x->cols, p, p, h, w, tokens, square);
    double rows = back ? x->rows / tokens : (double)x->rows * (double)tokens;
    double cols = back ? (double)x->cols * (double)tokens : x->cols / tokens;
    if (p == 1) return sgm__reshape(tape, name, x, rows, cols);
    long c = (long)((back ? x->cols : x->cols / tokens) / square);
    long n = rows > INT_MAX || cols > INT_MAX ? 0 : (long)(back ? rows : x->rows); /* 0: refused */
    long line = n ? (long)w * c : 0, run = (long)p * c, size = h * line;
    const long count[] = {n, h / p, w / p, p, run}, image[] = {size, p * line, run, line, 1};
    const long patch[] = {size, p * line, p * run, run, 1};
    x = sgm__walked(
        tape, name, x, rows, cols, h, w, count, back ? patch : image, back ? image : patch);
    if (x) sgm__shape_of(x)->patch = p;
    return x;
}

SGM_API sgm_tensor *sgm_patchify(sgm_tape *tape, sgm_tensor *x, int h, int w, int p) {
    return sgm__channels(tape, "patchify", x, h, w) ? sgm__patches(tape, x, h, w, p, 0) : NULL;
}

SGM_API sgm_tensor *sgm_unpatchify(sgm_tape *tape, sgm_tensor *x, int h, int w, int p) {
    return sgm__patches(tape, x, h, w, p, 1);
}

SGM_API sgm_tensor *sgm_transpose(sgm_tape *tape, sgm_tensor *x, int rows) {
    if (!tape || !x) return NULL;
    if (rows < 1 || x->rows % rows)
        return sgm_tape_refuse(tape,
            "transpose: %d rows are no blocks of %d: give the rows of one point", x->rows, rows);
    long c = x->cols, blocks = x->rows / rows;
    const long n[] = {blocks, c, 1, 1, rows}, from[] = {rows * c, 1, 0, 0, c};
    const long to[] = {rows * c, rows, 0, 0, 1};
    x = sgm__walked(tape, "transpose", x, (double)blocks * (double)c, rows, 0, 0, n, from, to);
    if (x) sgm__shape_of(x)->tokens = rows; /* for the text of §3.16 */
    return x;
}

SGM_API sgm_tensor *sgm_concat_channels(
    sgm_tape *tape, sgm_tensor *a, sgm_tensor *b, int h, int w) {
    sgm__shape s;
    long ca = sgm__channels(tape, "concat_channels", a, h, w);
    long cb = sgm__channels(tape, "concat_channels", b, h, w);
    if (!ca || !cb) return NULL;
    long pixels = a->cols / ca;
    if (a->rows != b->rows)
        return sgm_tape_refuse(tape, "%d images beside %d: the rows must agree", a->rows, b->rows);
    memset(&s, 0, sizeof s), s.h = h, s.w = w;
    for (int part = 0; part < 2; part++) {
        long c = part ? cb : ca;
        const long n[] = {a->rows, 1, 1, pixels, c}, from[] = {pixels * c, 0, 0, c, 1};
        const long to[] = {pixels * (ca + cb), 0, 0, ca + cb, 1};
        sgm__loops(&s, part, n, from, to);
        s.start[part] = part ? ca : 0;
    }
    return sgm__shaped(
        tape, "concat_channels", sgm__op_walk, a->rows, (double)a->cols + b->cols, a, b, NULL, &s);
}

/* Every other pixel of every other row. */
static sgm_tensor *sgm__thin_out(sgm_tape *tape, sgm_tensor *x, int h, int w, long c) {
    const long rows = (h + 1) / 2, cols = (w + 1) / 2, n[] = {x->rows, rows, 1, cols, c};
    const long from[] = {x->cols, 2 * (w * c), 0, 2 * c, 1};
    const long to[] = {rows * cols * c, cols * c, 0, c, 1};
    return sgm__walked(tape, "thin_out", x, x->rows, rows * cols * c, h, w, n, from, to);
}

/*
## §E.2 Scratch memory

It is taken from the tape and given back when an operation ends. Adjoints live longer: an operation
asks for them before its first mark.
*/
typedef struct sgm__arena_mark {
    sgm__arena_block *block;
    size_t used;
} sgm__arena_mark;

static sgm__arena_mark sgm__arena_here(const sgm_tape *tape) {
    sgm__arena_mark mark;
    mark.block = tape->current, mark.used = tape->current->used;
    return mark;
}

static void sgm__arena_back(sgm_tape *tape, sgm__arena_mark mark) {
    for (sgm__arena_block *b = mark.block->next; b; b = b->next) b->used = 0;
    tape->current = mark.block, mark.block->used = mark.used;
}

/*
## §E.3 Convolution: fewer products

With k = 3 and stride 1, nine products of (pixels, in) and (in, out) are made for an image. Four
pixels at a time need fewer (Winograd 1980; Lavin and Gray 2016). Two neighbours in a row, $y_a$ and
$y_{a+1}$, see four pixels, $x_{a-1} … x_{a+2}$, and with the maps

$$B^T = \begin{pmatrix} 1 & 0 & -1 & 0 \\ 0 & 1 & 1 & 0 \\ 0 & -1 & 1 & 0 \\ 0 & 1 & 0 & -1
\end{pmatrix}, \quad G = \begin{pmatrix} 1 & 0 & 0 \\ ½ & ½ & ½ \\ ½ & -½ & ½ \\ 0 & 0 & 1
\end{pmatrix}, \quad A^T = \begin{pmatrix} 1 & 1 & 1 & 0 \\ 0 & 1 & -1 & -1 \end{pmatrix}$$

they are $A^T (G w ⊙ B^T x)$: four products, not six, as you can check by writing them out. Along
both axes, a tile of 2 × 2 outputs is

$$Y = A^T M A, \qquad M = U ⊙ V, \qquad U = G\, W G^T, \qquad V = B^T X B \qquad(E.1)$$

where ⊙ multiplies sixteen matrices (tiles, in) by sixteen (in, out): 16 products for what took 36.
The maps only add and subtract, and U is made once per call. Tiles are done by the dozen, so that V
and M stay in the second-level cache. With stride 2, where tiles would win nothing, V holds the nine
pixels themselves, a row for each output pixel, and (3.12) is one product of it with W.

Backward every map becomes its transpose: $\bar M = A \bar Y A^T$, $\bar W = G^T (V^T \bar M)\, G$,
$\bar X = B (\bar M U^T) B^T$, added up where tiles overlap. Backward, many images have eight parts,
whose adjoints of W are added in order at the end: shorter sums, and so smaller errors.
*/
typedef struct sgm__conv { /* n images of h by w, to images of rows by cols in high by wide tiles */
    int n, h, w, in, out, stride, rows, cols, high, wide; /* with stride 2, a tile is a pixel */
    int maps, deep; /* so many products of (tiles, deep) and (deep, out): 16 of in, or 1 of 9 in */
    long chunk, room, size; /* tiles at a time; numbers of their V and M, some 400 KB; of U */
} sgm__conv;

enum { SGM__CONV_PARTS = 8 };

/* From one of the sixteen parts of V or M to the next. A cache line more than they need, for arrays
whole pages apart would all lie in the same few lines of the cache. */
static long sgm__conv_apart(long tiles, long channels) { return tiles * channels + 16; }

static sgm__conv sgm__conv_of(const sgm__shape *s, int n) {
    sgm__conv g;
    const int tiled = s->stride == 1;
    g.n = n, g.h = s->h, g.w = s->w, g.in = s->c, g.out = s->out, g.stride = s->stride;
    g.rows = (s->h - 1) / s->stride + 1, g.high = tiled ? (s->h + 1) / 2 : g.rows;
    g.cols = (s->w - 1) / s->stride + 1, g.wide = tiled ? (s->w + 1) / 2 : g.cols;
    g.maps = tiled ? 16 : 1, g.deep = tiled ? s->c : 9 * s->c;
    g.chunk = (tiled ? 6144 / (g.in + g.out) : 98304 / g.deep) / 8 * 8;
    if (g.chunk < 32) g.chunk = 32;
    g.room = tiled ? 16 * (sgm__conv_apart(g.chunk, g.in) + sgm__conv_apart(g.chunk, g.out))
                   : g.chunk * g.deep;
    g.size = (long)g.maps * g.deep * g.out;
    return g;
}

/* U from W, or with `back` the adjoint of W, (9 in, out), from that of U, (16, in, out). */
static void sgm__conv_weights(const sgm__conv *g, int back, float *w, float *u) {
    sgm__tile q;
    long size = (long)g->in * g->out;
    memset(&q, 0, sizeof q);
    q.map = back ? SGM__MAP_GT : SGM__MAP_G, q.n = size, q.add = back;
    q.x = back ? u : w, q.y = back ? w : u, q.x_col = q.y_col = size;
    q.x_row = back ? 4 * size : 3 * size, q.y_row = back ? 3 * size : 4 * size;
    q.x_in = back ? 0xffff : 0x777, q.y_in = back ? 0x777 : 0xffff;
    sgm__k()->tile_map(&q);
}

/* A map between `count` tiles, from `first` on, of images of c channels, and (16, count, c). Those
of x (is_x) are 4 by 4 pixels and start one pixel early; those of y are 2 by 2. */
static void sgm__conv_map(const sgm__conv *g, int map, int is_x, int c, long first, long count,
    float *image, float *parts, const float *bias) {
    int most = is_x ? 4 : 2;
    int h = is_x ? g->h : g->rows, w = is_x ? g->w : g->cols;
    int image_is_x = map == SGM__MAP_BT || map == SGM__MAP_A;
    const long apart = sgm__conv_apart(count, c);
    sgm__tile q;
    q.map = map, q.n = c, q.add = map == SGM__MAP_B, q.plus = bias;
    for (long t = first; t < first + count; t++) {
        long top = t / g->wide % g->high * 2 - is_x, left = t % g->wide * 2 - is_x;
        long at = ((t / g->wide / g->high * h + top) * w + left) * c, line = (long)w * c;
        float *part = parts + (t - first) * c;
        unsigned in = 0;
        for (int i = 0; i < most; i++)
            for (int j = 0; j < most; j++)
                if (top + i >= 0 && top + i < h && left + j >= 0 && left + j < w)
                    in |= 1u << (4 * i + j);
        q.x = image_is_x ? image : part, q.y = image_is_x ? part : image;
        q.x_at = image_is_x ? at : 0, q.y_at = image_is_x ? 0 : at;
        q.x_row = image_is_x ? line : 4 * apart, q.y_row = image_is_x ? 4 * apart : line;
        q.x_col = image_is_x ? c : apart, q.y_col = image_is_x ? apart : c;
        q.x_in = image_is_x ? in : 0xffff, q.y_in = image_is_x ? 0xffff : in;
        sgm__k()->tile_map(&q);
    }
}

/* What each tile sees, from x to V: with stride 2, rows of 3 × 3 × in numbers, of which three
pixels lie side by side; or, with `back`, added from V to x. */
static void sgm__conv_see(
    const sgm__conv *g, int back, long first, long count, float *x, float *V) {
    const long C = g->in, w = g->w, h = g->h;
    if (g->stride == 1)
        sgm__conv_map(g, back ? SGM__MAP_B : SGM__MAP_BT, 1, g->in, first, count, x, V, NULL);
    for (long t = first; g->stride == 2 && t < first + count; t++)
        for (long i = 0; i < 3; i++, V += 3 * C) {
            long row = t / g->wide % g->high * 2 + i - 1, column = t % g->wide * 2 - 1;
            long from = column < 0 ? 1 : 0, to = column + 3 > w ? w - column : 3;
            long size = row < 0 || row >= h ? 0 : (to - from) * C;
            long at = ((t / g->wide / g->high * h + row) * w + column + from) * C;
            if (!back && size < 3 * C) memset(V, 0, (size_t)(3 * C) * sizeof *V);
            if (!back && size) memcpy(V + from * C, x + at, (size_t)size * sizeof *V);
            if (back && size) sgm__add(size, x + at, V + from * C, x + at);
        }
}

static void sgm__convolve(sgm_tape *tape, const sgm__conv *g, const float *x, const float *w,
    const float *bias, float *y) {
    const long In = g->deep, O = g->out, end = (long)g->n * g->high * g->wide;
    const int tiled = g->maps > 1;
    sgm__arena_mark mark = sgm__arena_here(tape);
    float *u = (float *)sgm__arena(tape, (size_t)g->size * sizeof *u);
    float *V = (float *)sgm__arena(tape, (size_t)g->room * sizeof *V);
    if (!u || !V) return;
    if (tiled) sgm__conv_weights(g, 0, (float *)(uintptr_t)w, u);
    for (long first = 0, count; first < end; first += count) {
        count = end - first < g->chunk ? end - first : g->chunk;
        const long v = sgm__conv_apart(count, In), m = sgm__conv_apart(count, O);
        float *M = tiled ? V + 16 * v : y + first * O;
        sgm__conv_see(g, 0, first, count, (float *)(uintptr_t)x, V);
        for (long k = 0; k < g->maps; k++)
            sgm__matmul((int)count, g->out, g->deep, V + k * v, In, 1,
                (tiled ? u : w) + k * In * O, O, 1, tiled ? NULL : bias, 0, M + k * m, O);
        if (tiled) sgm__conv_map(g, SGM__MAP_AT, 0, g->out, first, count, y, M, bias);
    }
    sgm__arena_back(tape, mark);
}

/* What part p of the batch adds: to dx (may be NULL), to its own du and db. Behind V lies room for
a stretch of du. */
static void sgm__convolve_part(const sgm__conv *g, int p, int parts, const float *x,
    const float *dy, const float *u, float *dx, float *du, float *db, float *V) {
    const long In = g->deep, O = g->out, per = (long)g->high * g->wide;
    const long from = (long)g->n * p / parts, to = (long)g->n * (p + 1) / parts, end = to * per;
    const long pixels = (long)g->rows * g->cols;
    float *to_u = du, *more = V + g->room, *d = (float *)(uintptr_t)dy;
    memset(db, 0, (size_t)O * sizeof *db);
    sgm__colsum((to - from) * pixels, O, dy + from * pixels * O, O, db);
    for (long first = from * per, done = 0, count; first < end; first += count) {
        count = end - first < g->chunk ? end - first : g->chunk;
        if (done >= SGM__STRETCH) {
            if (to_u == more) sgm__add(g->size, du, more, du);
            to_u = more, done = 0;
        }
        const float *so_far = done ? to_u : NULL;
        const long v = sgm__conv_apart(count, In), m = sgm__conv_apart(count, O);
        float *M = g->maps > 1 ? V + 16 * v : d + first * O;
        done += count;
        if (g->maps > 1) sgm__conv_map(g, SGM__MAP_A, 0, g->out, first, count, d, M, NULL);
        sgm__conv_see(g, 0, first, count, (float *)(uintptr_t)x, V);
        for (long k = 0; k < g->maps; k++) {
            float *Vk = V + k * v, *Mk = M + k * m;
            sgm__matmul(g->deep, g->out, (int)count, Vk, 1, In, Mk, O, 1,
                so_far ? so_far + k * In * O : NULL, O, to_u + k * In * O, O);
            if (dx)
                sgm__matmul(
                    (int)count, g->deep, g->out, Mk, O, 1, u + k * In * O, 1, O, NULL, 0, Vk, In);
        }
        if (dx) sgm__conv_see(g, 1, first, count, dx, V);
    }
    if (to_u == more) sgm__add(g->size, du, more, du);
}

/* Adds to dw, db and dx (each may be NULL) for the adjoint dy. */
static void sgm__convolve_back(sgm_tape *tape, const sgm__conv *g, const float *x, const float *w,
    const float *dy, float *dx, float *dw, float *db) {
    const long size = g->size, each = size + g->out, room = g->room + size;
    const int parts = g->n < SGM__CONV_PARTS ? g->n : SGM__CONV_PARTS;
    sgm__arena_mark mark = sgm__arena_here(tape);
    float *u = (float *)sgm__arena(tape, (size_t)(size + parts * each) * sizeof *u), *du = u + size;
    float *V = (float *)sgm__arena(tape, (size_t)room * sizeof *V);
    if (!u || !V) return;
    if (g->stride == 1) sgm__conv_weights(g, 0, (float *)(uintptr_t)w, u);
    for (int p = 0; p < parts; p++)
        sgm__convolve_part(g, p, parts, x, dy, g->stride == 1 ? u : w, dx, du + p * each,
            du + p * each + size, V);
    for (int p = 1; p < parts; p++) sgm__add(each, du, du + p * each, du);
    if (db) sgm__add(g->out, db, du + size, db);
    if (dw && g->stride == 1) sgm__conv_weights(g, 1, dw, du);
    else if (dw) sgm__add(size, dw, du, dw);
    sgm__arena_back(tape, mark);
}

/* An adjoint to add to: 0 if nothing is in it yet. */
static float *sgm__to_add(sgm_tape *tape, sgm_tensor *x, int which) {
    int first;
    float *to = x ? sgm__adjoint(tape, x, which, &first) : NULL;
    if (to && first) memset(to, 0, (size_t)sgm__size(x) * sizeof *to);
    return to;
}

/* All passes, where this form applies; else 0. */
static int sgm__conv_fast(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a, *w = y->b, *b = y->c;
    const sgm__shape *s = sgm__shape_of(y);
    if (s->kernel != 3 || tape->flags & SGM_TAPE_PLAIN) return 0;
    const sgm__conv g = sgm__conv_of(s, y->rows);
    if (pass == SGM_PASS_FORWARD) sgm__convolve(tape, &g, x->v, w->v, b->v, y->v);
    if (pass == SGM_PASS_TANGENT && x->j) sgm__convolve(tape, &g, x->j, w->v, NULL, y->j);
    for (int which = SGM_ADJOINT_D; pass == SGM_PASS_BACKWARD && which <= SGM_ADJOINT_JD; which++) {
        const float *in = which == SGM_ADJOINT_D ? x->v : x->j;
        const float *adjoint = which == SGM_ADJOINT_D ? y->d : y->jd;
        if (!(y->set & which) || !in) continue;
        float *db = which == SGM_ADJOINT_D ? sgm__to_add(tape, b, which) : NULL;
        float *dw = sgm__to_add(tape, w, SGM_ADJOINT_D), *dx = sgm__to_add(tape, x, which);
        sgm__convolve_back(tape, &g, in, w->v, adjoint, dx, dw, db);
    }
    return 1;
}

/* One of the sums of (3.12), as floats, with a bias if there is one. */
static void sgm__conv_sum(sgm_tape *tape, const sgm_tensor *y, int into, const float *x,
    const float *w, const float *adjoint, const float *bias, float *to) {
    const sgm_tensor *of = into == SGM__INTO_X ? y->a : into == SGM__INTO_W ? y->b : y;
    const long n = sgm__size(of);
    sgm__arena_mark mark = sgm__arena_here(tape);
    double *sum = (double *)sgm__arena(tape, (size_t)n * sizeof *sum);
    if (!sum || !to) return;
    memset(sum, 0, (size_t)n * sizeof *sum);
    sgm__triples(sgm__shape_of(y), y->rows, into, x, w, adjoint, sum);
    for (long i = 0; i < n; i++) to[i] = (float)(sum[i] + (bias ? bias[i % y->c->cols] : 0));
    sgm__arena_back(tape, mark);
}

SGM_API sgm_tensor *sgm_conv2d(
    sgm_tape *tape, sgm_tensor *x, int h, int w, int out, int kernel, int stride) {
    sgm__shape s;
    memset(&s, 0, sizeof s);
    s.c = sgm__channels(tape, "conv2d", x, h, w);
    if (!s.c) return NULL;
    if (out < 1 || kernel < 1 || kernel % 2 == 0 || (stride != 1 && stride != 2))
        return sgm_tape_refuse(tape,
            "conv2d to %d channels, kernel %d, stride %d: needs channels >= 1, an odd kernel, and "
            "stride 1 or 2",
            out, kernel, stride);
    int rows = (h - 1) / stride + 1, cols = (w - 1) / stride + 1;
    if (kernel == 1) { /* a linear layer whose rows are the pixels */
        if (stride == 2) x = sgm__thin_out(tape, x, h, w, s.c);
        x = sgm_linear(tape, sgm_patchify(tape, x, rows, cols, 1), out);
        return sgm_unpatchify(tape, x, rows, cols, 1);
    }
    int number = tape->n_ops++;
    double in = (double)kernel * kernel * s.c, pixels = (double)rows * cols;
    float spread = 1 / sqrtf((float)in);
    s.h = h, s.w = w, s.out = out, s.stride = stride, s.kernel = kernel;
    sgm_tensor *weight = sgm__param(tape, "conv", number, ".weight", in, out, spread, 0);
    sgm_tensor *bias = sgm__param(tape, "conv", number, ".bias", 1, out, spread, 0);
    if (!weight || !bias) return NULL;
    return sgm__shaped(tape, "conv2d", sgm__op_conv, x->rows, pixels * out, x, weight, bias, &s);
}

/*
## §E.4 Norm, gain, bias and SiLU at once

With tangents, (3.13) moves by its gain and bias, too: with $κ = ⟨u \dot x⟩$,

$$\dot z = γ ⊙ \dot u + \dot γ ⊙ u + \dot β, \qquad
\dot u = r (\dot x − ⟨\dot x⟩ − κ u) \qquad(E.2)$$

Let $P = φ' \bar y + φ'' \dot z \bar{\dot y}$ and $Q = φ' \bar{\dot y}$ be the adjoints of z and
$\dot z$, and $p = γP + \dot γ Q$ and $q = γQ$ those of u and $\dot u$. Then

$$\bar γ = \sum (P u + Q \dot u), \quad \bar β = \sum P, \quad \bar{\dot γ} = \sum Q u, \quad
\bar{\dot β} = \sum Q, \quad \bar{\dot x} = r (q − ⟨q⟩ − ⟨q u⟩ u) \qquad(E.3)$$
$$\bar x = r (p − ⟨p⟩ − ⟨p u⟩ u) − r² \left[ κ (q − ⟨q⟩) + ⟨q u⟩ (\dot x − ⟨\dot x⟩) +
(⟨q (\dot x − ⟨\dot x⟩)⟩ − 3 κ ⟨q u⟩)\, u \right] \qquad(E.4)$$

(E.4) is the derivative of $q · \dot u$ by x. With $δr = −r² ⟨u\, δx⟩$ and
$δu = r (δx − ⟨δx⟩ − ⟨u\, δx⟩ u)$, each of r, κ and u in $\dot u$ moves: r gives the term
$−⟨q(\dot x − ⟨\dot x⟩)⟩ u$ and a first $κ⟨qu⟩u$; κ = ⟨uẋ⟩ gives $−⟨qu⟩(\dot x − ⟨\dot x⟩)$ and a
second; u gives $−κ(q − ⟨q⟩)$ and a third; all of them times r².

Long as they are, these lines hold two things only: sums over pixels, channel by channel, and
mixtures of arrays with one coefficient per channel. Both are kernels (B.7); the rest is arithmetic
on a few numbers per channel.
*/
typedef struct sgm__normed { /* one image, of h pixels by c channels; numbers per channel: */
    const sgm__shape *s;
    const float *x, *xj;                  /* xj may be NULL */
    float *mu, *lo, *r;                   /* μ as a float, what it lacks, and r */
    float *gain, *gain_j, *bias, *bias_j; /* γ, β and their tangents, from the row of this image */
    float *mean_j, *kappa;                /* ⟨ẋ⟩ and κ */
    float *p, *pu, *q, *qu, *qx; /* Σ P, Σ P u, Σ Q, Σ Q u, Σ Q (ẋ - ⟨ẋ⟩); then as of p and q */
    float *mp, *mpu, *mq, *mqu, *mqx; /* their means over the group: ⟨p⟩, ⟨p u⟩, ... */
    float *a, *b, *c, *e, *zero;      /* what multiplies P, x - μ, 1 and ẋ in a mixture */
    float *z;                         /* room for four images */
} sgm__normed;

enum { SGM__NORM_ROWS = 24 };

static sgm__normed sgm__normed_of(const sgm_tensor *y, long i, float *room) {
    sgm__normed m;
    const sgm_tensor *x = y->a;
    const sgm__shape *s = sgm__shape_of(y);
    const long c = s->c, size = (long)s->h * c, n = sgm__size(x) / size;
    memset(room, 0, SGM__NORM_ROWS * (size_t)c * sizeof *room);
    m.s = s, m.x = x->v + i * size, m.xj = x->j ? x->j + i * size : NULL;
    m.mu = room, m.lo = m.mu + c, m.r = m.lo + c, m.gain = m.r + c, m.gain_j = m.gain + c;
    m.bias = m.gain_j + c, m.bias_j = m.bias + c, m.mean_j = m.bias_j + c, m.kappa = m.mean_j + c;
    m.p = m.kappa + c, m.pu = m.p + c, m.q = m.pu + c, m.qu = m.q + c, m.qx = m.qu + c;
    m.mp = m.qx + c, m.mpu = m.mp + c, m.mq = m.mpu + c, m.mqu = m.mq + c, m.mqx = m.mqu + c;
    m.a = m.mqx + c, m.b = m.a + c, m.c = m.b + c, m.e = m.c + c, m.zero = m.e + c;
    m.z = m.zero + c;
    for (int k = 0; k < 4; k++) { /* gain to bias_j */
        const sgm_tensor *p = k < 2 ? y->b : y->c;
        const float *from = !p ? NULL : k % 2 ? p->j : p->v;
        const float plus = k == 0 && (!p || s->one_plus) ? 1.0f : 0.0f;
        if (from) from += i / (n / p->rows) * c;
        for (long j = 0; j < c; j++) m.gain[k * c + j] = (from ? from[j] : 0) + plus;
    }
    return m;
}

/* Sums down the columns: of a, or a·(b - less); and of a·(x - μ), given those of a. */
static void sgm__normed_sum(
    const sgm__normed *m, float *to, const float *a, const float *b, const float *less) {
    if (a) sgm__k()->coldot(m->s->h, m->s->c, a, NULL, b, less, to);
}

static void sgm__normed_sum_x(const sgm__normed *m, float *to, const float *a, const float *sums) {
    sgm__normed_sum(m, to, a, m->x, m->mu);
    for (int c = 0; c < m->s->c && a; c++) to[c] -= m->lo[c] * sums[c];
}

/* The means over groups of weight·sum; weight NULL: 1. */
static void sgm__normed_mean(
    const sgm__normed *m, float *to, const float *weight, const float *from) {
    const sgm__shape *s = m->s;
    int each = s->groups ? s->c / s->groups : s->c;
    for (int c = 0; c < s->c && s->groups; c += each) {
        double total = 0;
        for (int k = c; k < c + each; k++) total += (weight ? (double)weight[k] : 1) * from[k];
        for (int k = c; k < c + each; k++) to[k] = (float)(total / ((double)each * s->h));
    }
}

/* y = (A p) + B (x - μ) + C, or added to y; p may be NULL. */
static void sgm__normed_mix(const sgm__normed *m, const float *p, int x_too, int add, float *y) {
    sgm__k()->colmix(
        m->s->h, m->s->c, p ? m->a : NULL, p, x_too ? m->b : NULL, m->x, m->mu, m->c, add, y);
}

/* Σ (x - less)^power of the channels from c on, all in doubles. */
static double sgm__normed_power(const sgm__normed *m, int c, int each, double less, int power) {
    double sum = 0;
    for (long i = 0; i < m->s->h; i++)
        for (long k = i * m->s->c + c; k < i * m->s->c + c + each; k++)
            sum += power == 1 ? m->x[k] - less : (m->x[k] - less) * (m->x[k] - less);
    return sum;
}

/*
μ and r. The sums run over differences from each channel's first pixel, and then from the mean: no
digits are spent on what all pixels have in common. μ itself is kept as a float and the rest that
it lacks, so that $x − μ$ is right to the last digit. Squares beyond a float's range are done again.
*/
static void sgm__normed_moments(const sgm__normed *m) {
    const sgm__shape *s = m->s;
    int each = s->c / s->groups;
    double count = (double)each * s->h;
    sgm__k()->coldot(s->h, s->c, m->x, m->x, NULL, NULL, m->p);
    for (int c = 0; c < s->c; c += each) {
        double sum = 0;
        for (int k = c; k < c + each; k++) sum += (double)s->h * m->x[k] + m->p[k];
        if (!(fabs(sum) < 1e38)) sum = sgm__normed_power(m, c, each, 0, 1);
        for (int k = c; k < c + each; k++)
            m->mu[k] = (float)(sum / count), m->lo[k] = (float)(sum / count - m->mu[k]);
    }
    sgm__k()->coldot(s->h, s->c, m->x, m->mu, m->x, m->mu, m->p);
    for (int c = 0; c < s->c; c += each) {
        double sum = 0, lo = m->lo[c];
        for (int k = c; k < c + each; k++) sum += m->p[k];
        sum -= count * lo * lo;
        if (!(sum < 1e38)) sum = sgm__normed_power(m, c, each, m->mu[c] + lo, 2);
        double r = 1 / sqrt((sum > 0 ? sum / count : sum) + 1e-5);
        for (int k = c; k < c + each; k++) m->r[k] = (float)r;
    }
}

/* z of (3.13); μ and r are computed at first, and later taken from what was kept. */
static void sgm__normed_z(const sgm__normed *m, float *kept, int fresh, float *z) {
    const sgm__shape *s = m->s;
    int each = s->groups ? s->c / s->groups : s->c;
    if (fresh && s->groups) sgm__normed_moments(m);
    for (int c = 0, in = 0; c < s->c; c++, in++) {
        if (in == each) kept += 3, in = 0;
        for (int k = 0; k < 3; k++) { /* mu, lo, r */
            float *row = m->mu + (long)k * s->c;
            if (!s->groups) row[c] = k == 2;
            else if (fresh) kept[k] = row[c];
            else row[c] = kept[k];
        }
        m->b[c] = m->gain[c] * m->r[c];
        m->c[c] = m->bias[c] - m->lo[c] * m->b[c];
    }
    if (z) sgm__normed_mix(m, NULL, 1, 0, z);
}

/* ⟨ẋ⟩ and κ, and the tangent of z (E.2). */
static void sgm__normed_zj(const sgm__normed *m, float *zj) {
    sgm__normed_sum(m, m->p, m->xj, NULL, NULL), sgm__normed_mean(m, m->mean_j, NULL, m->p);
    sgm__normed_sum_x(m, m->pu, m->xj, m->p), sgm__normed_mean(m, m->kappa, m->r, m->pu);
    for (int c = 0; c < m->s->c; c++) {
        float a = m->xj ? m->gain[c] * m->r[c] : 0;
        float b = m->r[c] * (m->gain_j[c] - a * m->kappa[c]);
        m->a[c] = a, m->b[c] = b;
        m->c[c] = m->bias_j[c] - a * m->mean_j[c] - b * m->lo[c];
    }
    sgm__normed_mix(m, m->xj, 1, 0, zj);
}

/* φ(z) or, of a p, φ'(z) p, with the coefficients of z as they stand. */
static void sgm__normed_silu(const sgm__normed *m, const float *p, float *y) {
    sgm__k()->colsilu(m->s->h, m->s->c, m->b, m->x, m->mu, m->c, p, y, m->p); /* and m->pu */
}

/* P and Q of (E.3) from the adjoints of y and its tangent; either may be NULL, then only Q. And the
sums of P. */
static void sgm__normed_adjoints(
    const sgm__normed *m, float *kept, const float **P, const float **Q) {
    long n = (long)m->s->h * m->s->c;
    float *z = m->z, *zj = z + n, *d1 = z + 2 * n, *bend = z + 3 * n;
    const float *p = *P, *q = *Q;
    sgm__normed_z(m, kept, 0, m->s->silu && q ? z : NULL);
    if (m->s->silu && !q) {
        sgm__normed_silu(m, p, d1), *P = d1;
        for (int c = 0; c < m->s->c; c++) m->pu[c] -= m->lo[c] * m->p[c];
        return;
    }
    if (q) sgm__normed_zj(m, zj);
    if (!p || m->s->silu) memset(bend, 0, (size_t)n * sizeof *bend), *P = bend;
    if (m->s->silu) {
        sgm__act(SGM_ACTIVATION_SILU, n, z, NULL, d1, bend);
        sgm__mul(n, bend, zj, bend), sgm__mul(n, bend, q, bend), sgm__mul(n, d1, q, z), *Q = z;
        if (p) sgm__muladd(n, d1, p, bend);
    }
    sgm__normed_sum(m, m->p, *P, NULL, NULL), sgm__normed_sum_x(m, m->pu, *P, m->p);
}

/* (E.3) and (E.4) for one image; out: the adjoints of γ, β and their tangents, `step` apart. */
static void sgm__normed_back(const sgm__normed *m, const float *P, const float *Q, float *out,
    long step, float *dx, int first, float *dxj, int first_j) {
    const sgm__shape *s = m->s;
    sgm__normed_sum(m, m->q, Q, NULL, NULL), sgm__normed_sum_x(m, m->qu, Q, m->q);
    if (m->xj) sgm__normed_sum(m, m->qx, Q, m->xj, m->mean_j);
    for (int c = 0; c < s->c; c++, out++) {
        float r = m->r[c], g = m->gain[c], gj = m->gain_j[c];
        float pu = m->pu[c] * r, qu = m->qu[c] * r;
        out[0] = pu + r * (m->qx[c] - m->kappa[c] * qu), out[step] = m->p[c];
        if (Q) out[2 * step] = qu, out[3 * step] = m->q[c];
        m->p[c] = g * m->p[c] + gj * m->q[c], m->pu[c] = g * pu + gj * qu;
        m->qu[c] = qu;
    }
    sgm__normed_mean(m, m->mp, NULL, m->p), sgm__normed_mean(m, m->mpu, NULL, m->pu);
    sgm__normed_mean(m, m->mq, m->gain, m->q), sgm__normed_mean(m, m->mqu, m->gain, m->qu);
    sgm__normed_mean(m, m->mqx, m->gain, m->qx);
    for (int c = 0; c < s->c; c++) {
        float r = m->r[c], k = m->kappa[c], mqu = m->mqu[c], lo = m->lo[c];
        float b = -r * r * (m->mpu[c] + r * (m->mqx[c] - 3 * k * mqu));
        m->a[c] = r * m->gain[c], m->b[c] = b, m->e[c] = -r * r * mqu;
        m->c[c] = r * (r * k * m->mq[c] - m->mp[c]) - b * lo - m->e[c] * m->mean_j[c];
        m->p[c] = r * (m->gain_j[c] - r * k * m->gain[c]); /* of Q */
    }
    if (dx) sgm__normed_mix(m, P, s->groups, !first, dx);
    if (dx && Q)
        sgm__k()->colmix(s->h, s->c, m->p, Q, m->xj ? m->e : NULL, m->xj, m->zero, m->zero, 1, dx);
    for (int c = 0; c < s->c && dxj; c++)
        m->b[c] = m->e[c], m->c[c] = -m->r[c] * m->mq[c] - m->e[c] * m->lo[c];
    if (dxj) sgm__normed_mix(m, Q, s->groups, !first_j, dxj);
}

/* One row from each of n images, added up in order to the rows of p's adjoint. */
static void sgm__sum_shared(const sgm_tensor *p, const float *rows, long n, float *to) {
    for (long i = 0, each = to ? n / p->rows : 1; to && i < p->rows; i++)
        sgm__colsum(each, p->cols, rows + i * each * p->cols, p->cols, to + i * p->cols);
}

static void sgm__op_norm(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    const sgm__shape *s = sgm__shape_of(y);
    long cols = (long)s->h * s->c, n = sgm__size(y) / cols, step = n * s->c,
         parts = (y->set & SGM_ADJOINT_JD) && y->j ? 4 : 2;
    int first = 0, first_j = 0, back = pass == SGM_PASS_BACKWARD;
    float *dx = back ? sgm__adjoint(tape, y->a, SGM_ADJOINT_D, &first) : NULL;
    float *dxj = parts == 4 && back ? sgm__adjoint(tape, y->a, SGM_ADJOINT_JD, &first_j) : NULL;
    float *to[4] = {NULL, NULL, NULL, NULL}; /* the adjoints of γ, β, and of their tangents */
    for (int i = 0; i < parts && back; i++)
        to[i] = sgm__to_add(tape, i % 2 ? y->c : y->b, i / 2 + 1);
    sgm__arena_mark mark = sgm__arena_here(tape);
    size_t room = (size_t)s->c * (SGM__NORM_ROWS + 4 * (size_t)s->h);
    float *sums = (float *)sgm__arena(tape, (size_t)(back * parts * step) * sizeof *sums);
    float *scratch = (float *)sgm__arena(tape, room * sizeof *scratch);
    if (!scratch || !sums) return;
    for (long i = 0; i < n; i++) {
        sgm__normed m = sgm__normed_of(y, i, scratch);
        float *kept = s->kept + i * 3 * (s->groups + 1), *v = y->v + i * cols;
        const float *P = y->set & SGM_ADJOINT_D ? y->d + i * cols : NULL;
        const float *Q = parts == 4 ? y->jd + i * cols : NULL;
        if (pass == SGM_PASS_FORWARD) {
            sgm__normed_z(&m, kept, 1, s->silu ? NULL : v);
            if (s->silu) sgm__normed_silu(&m, NULL, v);
        } else if (pass == SGM_PASS_TANGENT) {
            float *zj = y->j + i * cols;
            sgm__normed_z(&m, kept, 0, NULL), sgm__normed_zj(&m, zj);
            if (s->silu) sgm__normed_z(&m, kept, 0, NULL), sgm__normed_silu(&m, zj, zj);
        } else {
            sgm__normed_adjoints(&m, kept, &P, &Q);
            sgm__normed_back(&m, P, Q, sums + i * s->c, step, dx ? dx + i * cols : NULL, first,
                dxj ? dxj + i * cols : NULL, first_j);
        }
    }
    for (int i = 0; i < parts && back; i++)
        sgm__sum_shared(i % 2 ? y->c : y->b, sums + i * step, n, to[i]);
    sgm__arena_back(tape, mark);
}

/* Enters the operation for x as rows of pixels by c channels; groups = 0 leaves out the norm. */
static sgm_tensor *sgm__norm(sgm_tape *tape, const char *name, sgm_tensor *x, int c, int groups,
    sgm_tensor *gain, sgm_tensor *bias, int one_plus, int act) {
    sgm__shape s;
    memset(&s, 0, sizeof s);
    s.h = x->cols / c, s.c = c, s.groups = groups, s.one_plus = one_plus, s.silu = act;
    if (groups == 0 && c == x->cols && gain && x->rows % gain->rows == 0 &&
        (!bias || bias->rows == gain->rows))
        s.h = x->rows / gain->rows; /* without a norm, rows that share γ and β are one image */
    for (int i = 0; i < 2; i++) {
        const sgm_tensor *p = i ? bias : gain;
        if (p && (p->cols != c || x->cols % c || x->rows % p->rows))
            return sgm_tape_refuse(tape,
                "%s of (%d, %d) by (%d, %d): needs one row per point and one column per channel",
                name, x->rows, x->cols, p->rows, p->cols);
    }
    if (tape->flags & SGM_TAPE_PLAIN)
        return sgm__norm_plain(tape, x, c, groups, gain, bias, one_plus, act);
    s.kept = (float *)sgm__arena(tape, 3 * (size_t)x->rows * (size_t)(groups + 1) * sizeof(float));
    if (!s.kept) return NULL;
    return sgm__shaped(tape, name, sgm__op_norm, x->rows, x->cols, x, gain, bias, &s);
}

/* A gain and a bias of the layer's own. */
static int sgm__own(sgm_tape *tape, int c, sgm_tensor **gain, sgm_tensor **bias) {
    int number = tape->n_ops++;
    *gain = sgm__param(tape, "norm", number, ".gain", 1, c, 1, 2);
    *bias = sgm__param(tape, "norm", number, ".bias", 1, c, 0, 0);
    return *gain && *bias;
}

SGM_API sgm_tensor *sgm_group_norm(sgm_tape *tape, sgm_tensor *x, int h, int w, int groups, int how,
    sgm_tensor *shift, sgm_tensor *scale) {
    int c = sgm__channels(tape, "group norm", x, h, w), silu = how & SGM_NORM_SILU ? 1 : 0;
    int own = how & SGM_NORM_OWN, told = shift || scale;
    if (!c) return NULL;
    if (groups < 1 || c % groups)
        return sgm_tape_refuse(tape,
            "a norm of %d channels in %d groups: choose a number of groups that divides the "
            "channels",
            c, groups);
    if (how & ~(SGM_NORM_OWN | SGM_NORM_SILU) || (own && told))
        return sgm_tape_refuse(tape,
            "a group norm of kind %d%s: SGM_NORM_OWN and SGM_NORM_SILU may be added up, and only "
            "without SGM_NORM_OWN it is told shift and scale",
            how, told ? " with a shift or scale" : "");
    if (own && sgm__own(tape, c, &scale, &shift))
        return sgm__norm(tape, "group_norm", x, c, groups, scale, shift, 0, silu);
    if (own) return NULL;
    if (!told && !silu && h == 1 && w == 1 && groups == 1) return sgm__row_norm(tape, x);
    return sgm__norm(
        tape, told ? "norm_silu" : "normalize", x, c, groups, scale, shift, told, silu);
}

SGM_API sgm_tensor *sgm_layer_norm(sgm_tape *tape, sgm_tensor *x) {
    sgm_tensor *gain, *bias;
    if (!x || !sgm__own(tape, x->cols, &gain, &bias)) return NULL;
    x = sgm__row_norm(tape, x);
    return x ? sgm__norm(tape, "layer_norm", x, x->cols, 0, gain, bias, 0, 0) : NULL;
}

SGM_API sgm_tensor *sgm_modulate(
    sgm_tape *tape, sgm_tensor *x, sgm_tensor *shift, sgm_tensor *scale) {
    if (!x || !shift || !scale) return NULL;
    return sgm__norm(tape, "modulate", x, scale->cols, 0, scale, shift, 1, 0);
}

SGM_API sgm_tensor *sgm_gate(sgm_tape *tape, sgm_tensor *x, sgm_tensor *gate) {
    return x && gate ? sgm__norm(tape, "gate", x, gate->cols, 0, gate, NULL, 0, 0) : NULL;
}

/*
## §E.5 Attention: step by step, and at once

Scores and mixing are one operation with another role for its result (§3.14):

| y | a | b | forward | to a's adjoint | to b's adjoint |
|---|---|---|---|---|---|
| scores, M | X = Q | Y = K | $M = X Y^T$ | $\bar X = \bar M Y$ | $\bar Y = \bar M^T X$ |
| mixture, X | M = A | Y = V | $X = M Y$ | $\bar M = \bar X Y^T$ | $\bar Y = M^T \bar X$ |

Each product is made for values and for tangents: $\bar y$ meets the other's values and gives
adjoints of values; $\bar{\dot y}$ meets its values and gives those of tangents, and meets its
tangents and gives more to those of values.
*/
static void sgm__op_heads(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    const sgm__shape *s = sgm__shape_of(y);
    const int role[3] = {s->mixes, 1 - s->mixes, 2}; /* of y, a and b */
    sgm_tensor *in[2];
    float *p[3];
    in[0] = y->a, in[1] = y->b;
    p[role[0]] = y->v, p[role[1]] = in[0]->v, p[role[2]] = in[1]->v;
    if (pass == SGM_PASS_FORWARD) sgm__heads(s, role[0], p, 0);
    for (int i = 0, add = 0; i < 2; i++) {
        const sgm_tensor *other = in[1 - i];
        p[role[2 - i]] = other->v;
        if (pass == SGM_PASS_TANGENT && in[i]->j) {
            p[role[0]] = y->j, p[role[1 + i]] = in[i]->j;
            sgm__heads(s, role[0], p, add++);
        }
        for (int k = 0; pass == SGM_PASS_BACKWARD && k < 3; k++) { /* d by d, jd by jd, d by jd */
            int which = k == 1 ? SGM_ADJOINT_JD : SGM_ADJOINT_D, first;
            if (!(y->set & (k ? SGM_ADJOINT_JD : SGM_ADJOINT_D)) || (k == 2 && !other->j)) continue;
            p[role[0]] = k ? y->jd : y->d, p[role[2 - i]] = k == 2 ? other->j : other->v;
            p[role[1 + i]] = sgm__adjoint(tape, in[i], which, &first);
            if (p[role[1 + i]]) sgm__heads(s, role[1 + i], p, !first);
        }
        p[role[1 + i]] = in[i]->v;
    }
}

static sgm_tensor *sgm__headed(sgm_tape *tape, const char *name, int mixes, sgm_tensor *a,
    sgm_tensor *b, int tokens, int heads) {
    sgm__shape s;
    if (!a || !b) return NULL;
    memset(&s, 0, sizeof s), s.h = b->rows / tokens, s.w = b->cols;
    s.tokens = tokens, s.heads = heads, s.mixes = mixes;
    double rows = mixes ? b->rows : (double)b->rows * heads;
    return sgm__shaped(tape, name, sgm__op_heads, rows, mixes ? b->cols : tokens, a, b, NULL, &s);
}

static void sgm__op_softmax(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *x = y->a;
    const long T = y->cols;
    const int back = pass == SGM_PASS_BACKWARD, bent = back && y->set & SGM_ADJOINT_JD && x->j;
    float *d = back ? sgm_tape_floats(tape, y) : NULL, *jd = bent ? sgm_tape_floats(tape, y) : NULL;
    if ((back && !d) || (bent && !jd)) return;
    for (long i = 0; i < sgm__size(y); i += T) {
        const float *A = y->v + i;
        if (pass == SGM_PASS_FORWARD) sgm__softmax(x->v + i, y->v + i, T);
        if (pass == SGM_PASS_TANGENT) sgm__softmax_j(A, x->j + i, y->j + i, T);
        if (!back) continue;
        for (long j = i; j < i + T; j++) d[j] = y->set & SGM_ADJOINT_D ? y->d[j] : 0;
        sgm__softmax_back(
            A, bent ? x->j + i : NULL, bent ? y->jd + i : NULL, d + i, bent ? jd + i : NULL, T);
    }
    sgm__hand_on(tape, y, x, SGM_ADJOINT_D, NULL, d);
    sgm__hand_on(tape, y, x, SGM_ADJOINT_JD, NULL, jd);
}

static sgm_tensor *sgm__softmax_rows(sgm_tape *tape, sgm_tensor *x) {
    if (!tape || !x) return NULL;
    return sgm_tape_run(
        tape, sgm_tape_make(tape, "softmax", sgm__op_softmax, x->rows, x->cols, x, NULL, NULL));
}

/*
All steps at once are made for one head of a point after the other, and of it for 64 queries at a
time, whose scores stay in the cache. Each query has a column, $S^T = K Q^T$, and the softmax and
its sums run down the columns (§B.5). With G and B the adjoints of A and $\dot A$ and σ = 1/√d,

$$\bar S = σ \left[A ⊙ (G − ⟨A, G⟩ − ⟨\dot A, B⟩) + \dot A ⊙ (B − ⟨A, B⟩)\right], \qquad
\bar{\dot S} = σ A ⊙ (B − ⟨A, B⟩) \qquad(E.5)$$

This is (3.17) put into (3.16) and ordered, and reads as the derivative of a product. Where adjoints
will be wanted, A is kept; or made again, if a head has more than `SGM__KEPT` numbers of it: that
costs 3 % of the time, and memory grows with T instead of T². Nothing else of this size leaves the
cache.
*/
enum { SGM__QUERIES = 64, SGM__KEPT = 1 << 18 };

typedef struct sgm__head { /* one head of one point, and n of its queries */
    long W, wide, most;    /* numbers of a row; n rounded up, of this block and at most */
    int T, d, n, heads;
    float scale;
    const float *v[3], *j[3], *d_y, *jd_y; /* of q (these queries), k and v; j may be NULL */
    float *to[3][2];                       /* their adjoints, or NULL */
    int add[3][2];                         /* 1: something is there already */
    float *turned, *a, *aj, *g, *b;        /* beyond column n they mean nothing */
} sgm__head;

/* M (T, n) (+)= X (T, d) times the transposed rows of queries. */
static void sgm__head_meet(
    const sgm__head *h, const float *x, const float *queries, float *m, int add) {
    sgm__k()->turn(h->n, h->d, queries, h->W, h->turned, h->most);
    sgm__matmul(h->T, (int)h->wide, h->d, x, h->W, 1, h->turned, h->most, 1, add ? m : NULL,
        h->wide, m, h->wide);
}

/* Rows of queries (+)= Mᵀ X. */
static void sgm__head_mix(
    const sgm__head *h, const float *m, const float *x, float *queries, int add) {
    sgm__matmul(
        h->n, h->d, h->T, m, 1, h->wide, x, h->W, 1, add ? queries : NULL, h->W, queries, h->W);
}

/* The adjoint of q, k or v (+)= Mᵀ X or M X. */
static void sgm__head_give(sgm__head *h, int role, int which, const float *m, const float *x) {
    float *to = h->to[role][which];
    if (!to || !m || !x) return;
    if (role == 0) sgm__head_mix(h, m, x, to, h->add[role][which]);
    else
        sgm__matmul(h->T, h->d, h->n, m, h->wide, 1, x, h->W, 1, h->add[role][which] ? to : NULL,
            h->W, to, h->W);
    h->add[role][which] = 1;
}

static void sgm__head_weights(const sgm__head *h) {
    sgm__head_meet(h, h->v[1], h->v[0], h->a, 0);
    sgm__k()->softmax(h->T, h->wide, h->scale, h->a);
}

/* Their tangents; 0: they have none. */
static int sgm__head_tangents(const sgm__head *h) {
    if (h->j[0]) sgm__head_meet(h, h->v[1], h->j[0], h->aj, 0);
    if (h->j[1]) sgm__head_meet(h, h->j[1], h->v[0], h->aj, h->j[0] != NULL);
    if (!h->j[0] && !h->j[1]) return 0;
    sgm__k()->softmax_slope(h->T, h->wide, h->scale, h->a, NULL, h->aj, NULL);
    return 1;
}

static void sgm__head_back(sgm__head *h) {
    const int bent = h->jd_y && sgm__head_tangents(h);
    const float *aj = bent ? h->aj : NULL;
    float *b = bent ? h->b : NULL;
    int add = 0;
    sgm__head_give(h, 2, 0, h->a, h->d_y), sgm__head_give(h, 2, 0, aj, h->jd_y);
    sgm__head_give(h, 2, 1, h->a, h->jd_y);
    if (!h->to[0][0] && !h->to[1][0]) return;
    if (h->d_y) sgm__head_meet(h, h->v[2], h->d_y, h->g, add++);
    if (h->jd_y && h->j[2]) sgm__head_meet(h, h->j[2], h->jd_y, h->g, add++);
    if (!add) memset(h->g, 0, (size_t)(h->T * h->wide) * sizeof *h->g);
    if (b) sgm__head_meet(h, h->v[2], h->jd_y, b, 0);
    sgm__k()->softmax_slope(h->T, h->wide, h->scale, h->a, aj, h->g, b); /* (E.5) */
    for (int role = 1; role >= 0; role--) {
        const float *x = h->v[1 - role], *xj = h->j[1 - role];
        sgm__head_give(h, role, 0, h->g, x), sgm__head_give(h, role, 0, b, xj);
        sgm__head_give(h, role, 1, b, x);
    }
}

/* The queries of a head, `from` on. */
static sgm__head sgm__head_at(const sgm__head *all, const sgm_tensor *y, long i, int from) {
    const sgm_tensor *in[3];
    sgm__head h = *all;
    const long head = i / h.heads * h.T * h.W + i % h.heads * h.d, first = head + from * h.W;
    in[0] = y->a, in[1] = y->b, in[2] = y->c;
    h.n = h.T - from < SGM__QUERIES ? h.T - from : SGM__QUERIES, h.wide = (h.n + 15) / 16 * 16;
    for (int k = 0; k < 3; k++) {
        const long at = k ? head : first;
        h.v[k] = in[k]->v + at, h.j[k] = in[k]->j ? in[k]->j + at : NULL;
        for (int which = 0; which < 2; which++) {
            if (h.to[k][which]) h.to[k][which] += at;
            h.add[k][which] |= k && from;
        }
    }
    if (h.d_y) h.d_y += first;
    if (h.jd_y) h.jd_y += first;
    if (sgm__shape_of(y)->kept)
        h.a = sgm__shape_of(y)->kept + (i * ((h.T + 15) / 16 * 16) + from) * h.T;
    return h;
}

/* Which adjoints are wanted, and what there is to make them of. */
static void sgm__heads_adjoints(sgm_tape *tape, sgm_tensor *y, sgm__head *all) {
    sgm_tensor *in[3];
    in[0] = y->a, in[1] = y->b, in[2] = y->c;
    all->d_y = y->set & SGM_ADJOINT_D ? y->d : NULL;
    all->jd_y = y->set & SGM_ADJOINT_JD ? y->jd : NULL;
    for (int k = 2; k >= 0; k--)
        for (int which = 0, first = 0; which < (all->jd_y ? 2 : 1); which++) {
            if (k == 2 && !which && !all->d_y && !in[0]->j && !in[1]->j) continue; /* no share */
            all->to[k][which] =
                sgm__adjoint(tape, in[k], which ? SGM_ADJOINT_JD : SGM_ADJOINT_D, &first);
            all->add[k][which] = !first;
        }
}

static void sgm__op_attention(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    const sgm__shape *s = sgm__shape_of(y);
    const int d = y->cols / s->heads, some = s->tokens < SGM__QUERIES ? s->tokens : SGM__QUERIES;
    const size_t most = (size_t)(some + 15) / 16 * 16, size = (size_t)s->tokens * most;
    const size_t room = (size_t)d * most + (pass == SGM_PASS_FORWARD ? 1 : 4) * size;
    sgm__head all;
    memset(&all, 0, sizeof all);
    all.W = y->cols, all.T = s->tokens, all.d = d, all.heads = s->heads, all.most = (long)most;
    all.scale = (float)(1 / sqrt((double)d));
    if (pass == SGM_PASS_BACKWARD) sgm__heads_adjoints(tape, y, &all);
    const sgm__arena_mark mark = sgm__arena_here(tape);
    all.turned = (float *)sgm__arena(tape, room * sizeof(float));
    if (!all.turned) return;
    memset(all.turned, 0, (size_t)d * most * sizeof(float));
    all.a = all.turned + (size_t)d * most, all.aj = all.a + size, all.g = all.aj + size;
    all.b = all.g + size;
    for (long i = 0; i < (long)s->h * s->heads; i++)
        for (int from = 0; from < s->tokens; from += SGM__QUERIES) {
            sgm__head h = sgm__head_at(&all, y, i, from);
            const long at = h.v[0] - y->a->v;
            if (pass == SGM_PASS_FORWARD || !s->kept) sgm__head_weights(&h);
            if (pass == SGM_PASS_FORWARD) sgm__head_mix(&h, h.a, h.v[2], y->v + at, 0);
            if (pass == SGM_PASS_BACKWARD) sgm__head_back(&h);
            if (pass != SGM_PASS_TANGENT) continue;
            const int moves = sgm__head_tangents(&h);
            if (moves) sgm__head_mix(&h, h.aj, h.v[2], y->j + at, 0);
            if (h.j[2]) sgm__head_mix(&h, h.a, h.j[2], y->j + at, moves);
        }
    sgm__arena_back(tape, mark);
}

static sgm_tensor *sgm__attention_at_once(
    sgm_tape *tape, sgm_tensor *q, sgm_tensor *k, sgm_tensor *v, int tokens, int heads) {
    sgm__shape s;
    memset(&s, 0, sizeof s), s.h = q->rows / tokens, s.tokens = tokens, s.heads = heads;
    const long wide = ((long)tokens + 15) / 16 * 16;
    const double size = (double)q->rows * heads * (double)wide;
    if ((q->needs | k->needs | v->needs) && (double)wide * tokens <= (double)SGM__KEPT &&
        size <= SGM__MOST_NUMBERS &&
        !(s.kept = (float *)sgm__arena(tape, (size_t)size * sizeof *s.kept)))
        return NULL;
    return sgm__shaped(tape, "attention", sgm__op_attention, q->rows, q->cols, q, k, v, &s);
}

static int sgm__attends(sgm_tape *tape, const sgm_tensor *q, const sgm_tensor *k,
    const sgm_tensor *v, int tokens, int heads) {
    if (!q || !k || !v || !sgm__same_shape(tape, "attention", q, k)) return 0;
    if (!sgm__same_shape(tape, "attention", q, v)) return 0;
    if (heads >= 1 && q->cols % heads == 0 && tokens >= 1 && q->rows % tokens == 0) return 1;
    sgm_tape_refuse(tape,
        "attention of (%d, %d) by %d heads over %d tokens: choose heads that divide the columns, "
        "and give the rows that one point has, which divide the rows",
        q->rows, q->cols, heads, tokens);
    return 0;
}

SGM__COLDLY
/*
## §E.6 The options of ready networks, and two more of them

Of an MLP for points of dimension d: many numbers want width, not depth. Hidden layers start in
±1/√in where you name the activation, as is the custom; SiLU by default starts 2.4 times as wide,
for it halves what passes through it near 0, and the first thousand steps would go to making up for
that. Many numbers are carried badly through the layers, so above 32 the last one sees them, too, if
you named no activation.
*/
enum { SGM__DEEPEST = 1000, SGM__WIDEST = 1 << 20 };

static void sgm__mlp_defaults(sgm_mlp_options *o, const void *user, int d) {
    memset(o, 0, sizeof *o);
    if (user) *o = *(const sgm_mlp_options *)user;
    if (o->width == 0) o->width = d <= 32 ? 128 : d <= 128 ? 256 : d <= 256 ? 2 * d : 512;
    if (o->depth == 0) o->depth = d <= 32 ? 4 : 2;
    if (o->embedding_width == 0) o->embedding_width = 32;
    if (o->shortcut == 0) o->shortcut = d > 32 && o->activation == SGM_ACTIVATION_AUTO ? 1 : -1;
    if (o->start == 0 && o->activation != SGM_ACTIVATION_AUTO) o->start = 1;
    if (o->activation == SGM_ACTIVATION_AUTO) o->activation = SGM_ACTIVATION_SILU;
}

SGM_API sgm_status sgm_mlp_options_init(sgm_mlp_options *o, sgm_tape *tape, const sgm_net_in *in) {
    sgm__mlp_defaults(o, in->user, in->x ? in->x->cols : 1);
    if (!(o->start >= 0 && o->start < 1e6f))
        sgm_tape_refuse(tape, "an MLP that starts %g times as wide: needs a number >= 0", o->start);
    if (o->width < 1 || o->width > SGM__WIDEST || o->depth < 1 || o->depth > SGM__DEEPEST ||
        o->embedding_width < 1 || o->embedding_width > SGM__WIDEST)
        sgm_tape_refuse(tape,
            "an MLP of width %d, depth %d and embedding_width %d: needs at least 1 of each, or 0 "
            "for the default, and at most widths of %d and depth %d",
            o->width, o->depth, o->embedding_width, SGM__WIDEST, SGM__DEEPEST);
    return sgm_tape_status(tape);
}

SGM_API sgm_tensor *sgm_embed_time(
    sgm_tape *tape, const sgm_net_in *in, sgm_embedding kind, int width) {
    switch (kind) {
    case SGM_EMBEDDING_RAW: return in->t;
    case SGM_EMBEDDING_CIRCLE: return sgm_time_circle(tape, in->t);
    case SGM_EMBEDDING_SINUSOIDAL: return sgm_time_sinusoidal(tape, in->t, width);
    case SGM_EMBEDDING_FOURIER: return sgm_time_fourier(tape, in->log_sigma, width, 1);
    case SGM_EMBEDDING_LEARNED: return sgm_time_learned(tape, in->log_sigma, width);
    case SGM_EMBEDDING_AUTO: return sgm_time_sigma(tape, in->log_sigma);
    default: return sgm_tape_refuse(tape, "there is no embedding %d: see sgm_embedding", (int)kind);
    }
}

static int sgm__or(int value, int normal) { return value ? value : normal; }

SGM_API sgm_status sgm_image_net_init(
    sgm_image_net *o, sgm_tape *tape, const sgm_net_in *in, int width, int depth) {
    memset(o, 0, sizeof *o);
    if (!in->x) return sgm_tape_refuse(tape, "a network got no points"), sgm_tape_status(tape);
    if (in->user) *o = *(const sgm_image_net *)in->user;
    o->channels = sgm__or(o->channels, 1), o->width = sgm__or(o->width, width);
    o->heads = sgm__or(o->heads, 4), o->patch = sgm__or(o->patch, 4);
    o->groups = sgm__or(o->groups, 8), o->depth = sgm__or(o->depth, depth);
    if (o->h == 0 && o->channels > 0) {
        o->h = (int)(sqrt((double)in->x->cols / o->channels) + 0.5);
        o->w = sgm__or(o->w, o->h);
    }
    const double pixels = (double)o->h * o->w;
    if (o->h < 1 || o->w < 1 || pixels * o->channels != in->x->cols)
        sgm_tape_refuse(tape,
            "a network for images of %d by %d with %d channels got rows of %d: set h, w and "
            "channels of sgm_image_net so that their product is the model's d",
            o->h, o->w, o->channels, in->x->cols);
    else if (in->image && fmod(in->image->cols, pixels) != 0)
        sgm_tape_refuse(tape,
            "a condition of which %d numbers are an image, for images of %d by %d pixels: set "
            "cond_image to a multiple of %.0f",
            in->image->cols, o->h, o->w, pixels);
    else if (o->width < 1 || o->width > SGM__WIDEST || o->depth < 1 || o->depth > SGM__DEEPEST ||
        o->heads < 1 || o->patch < 1 || o->groups < 1)
        sgm_tape_refuse(tape,
            "a network for images of width %d, depth %d, heads %d, patch %d and groups %d: needs "
            "at least 1 of each, or 0 for the default, and at most width %d and depth %d",
            o->width, o->depth, o->heads, o->patch, o->groups, SGM__WIDEST, SGM__DEEPEST);
    return sgm_tape_status(tape);
}

SGM_API sgm_tensor *sgm_image_in(sgm_tape *tape, const sgm_net_in *in, int h, int w) {
    return in->image ? sgm_concat_channels(tape, in->x, in->image, h, w) : in->x;
}

SGM_API sgm_tensor *sgm_tokens(
    sgm_tape *tape, const sgm_net_in *in, int h, int w, int patch, int width) {
    sgm_tensor *x = sgm_patchify(tape, sgm_image_in(tape, in, h, w), h, w, patch);
    if (!tape || !x) return NULL;
    int n = in->x->rows, tokens = x->rows / n;
    x = sgm_linear(tape, x, width);
    if ((double)tokens * width > 1e9)
        return sgm_tape_refuse(tape, "%d tokens of width %d: use larger patches", tokens, width);
    sgm_tensor *place = sgm_repeat(tape, sgm_param(tape, 1, tokens * width, 0.02f), n);
    return sgm_add(tape, x, sgm_patchify(tape, place, tokens, 1, 1));
}

SGM_API sgm_tensor *sgm_resnet(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    if (sgm_image_net_init(&o, tape, in, 32, 4) != SGM_OK) return NULL;
    sgm_tensor *time = sgm_image_time(tape, in, 4 * o.width);
    sgm_tensor *h = sgm_image_in(tape, in, o.h, o.w);
    h = sgm_conv2d(tape, h, o.h, o.w, o.width, 3, 1);
    for (int i = 0; i < o.depth; i++) h = sgm_res_block(tape, h, o.h, o.w, o.width, o.groups, time);
    h = sgm_group_norm(tape, h, o.h, o.w, o.groups, SGM_NORM_OWN | SGM_NORM_SILU, NULL, NULL);
    return sgm_conv2d(tape, h, o.h, o.w, o.channels, 3, 1);
}

SGM_API sgm_tensor *sgm_mixer(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    if (sgm_image_net_init(&o, tape, in, 128, 4) != SGM_OK) return NULL;
    sgm_tensor *time = sgm_image_time(tape, in, o.width);
    sgm_tensor *x = sgm_tokens(tape, in, o.h, o.w, o.patch, o.width);
    int tokens = o.h / o.patch * (o.w / o.patch);
    if (!x) return NULL;
    for (int i = 0; i < o.depth; i++) {
        sgm_tensor *y = sgm_transpose(tape, sgm_ada_norm(tape, x, time), tokens);
        y = sgm_transpose(tape, sgm_two_layers(tape, y, o.width), o.width);
        x = sgm_add(tape, x, y);
        y = sgm_two_layers(tape, sgm_ada_norm(tape, x, time), 2 * o.width);
        x = sgm_add(tape, x, y);
    }
    x = sgm_linear(tape, sgm_ada_norm(tape, x, time), o.patch * o.patch * o.channels);
    return sgm_unpatchify(tape, x, o.h, o.w, o.patch);
}

SGM__WARMLY
/*
# F. Models and their training

What stands around §3.10 and chapter 4: how points reach a network and how its parameters are kept,
the checks of options, what a trainer owns, the watch, the update without a stored gradient,
progress and reports, and the files.

## §F.1 A model is asked

Points go through the network in *pieces*. A large piece does not stay in the cache of one core, and
leaves nothing for other threads. A small one pays for what every layer does once a piece: packing W
(§B.7), or turning it into U (§E.3). The network alone decides: the dry run (§F.2) has counted the
numbers that one point puts on the tape, its `width`; there are about twice as many where tangents
or adjoints follow. A piece has as many points as fill 2 MB with them, which was best on a core with
1 MB of cache, since only neighbouring layers meet; but not fewer than four. A thread takes a piece,
and a tape that is free, or for want of one a new one: any number of threads may ask one model at
once. (Where the compiler has no atomic exchange, each asker gets a new one.)
*/
enum { SGM__PIECE_BYTES = 2 << 20 };

static long sgm__piece_rows(const sgm_model *model, int back) {
    const long each = (long)sizeof(float) * (back ? 2 : 1) * model->width;
    const long rows = SGM__PIECE_BYTES / (each > 0 ? each : 1);
    return rows < 4 ? 4 : rows < 8 ? rows : rows < 1024 ? rows / 8 * 8 : 1024;
}

static sgm__ask sgm__ask_of(const sgm_model *model, int which) {
    sgm__ask ask;
    memset(&ask, 0, sizeof ask);
    ask.model = model, ask.which = which;
    return ask;
}

static long sgm__ask_row(const sgm__ask *ask, long i) {
    return !ask->each ? 0 : ask->row ? ask->row[i] : ask->first + i;
}

/* The width of what the network returns. */
static int sgm__net_width(const sgm_model_options *o) {
    return o->classes > 0 ? o->classes : o->energy ? 1 : o->d;
}

/* Puts the condition on the tape, zeros where there is none. */
static void sgm__net_cond(sgm_tape *tape, sgm_net_in *in, const sgm__ask *ask, int n) {
    const int C = ask->model->o.cond, cut = ask->model->o.cond_image, rest = C - cut;
    in->cond = in->known = in->image = NULL;
    if (cut) in->image = sgm_tape_input(tape, NULL, n, cut);
    if (rest) in->cond = sgm_tape_input(tape, NULL, n, rest);
    if (C) in->known = sgm_tape_input(tape, ask->known, n, 1);
    for (long i = 0; in->known && ask->cond && i < n; i++) {
        const float *row = ask->cond + sgm__ask_row(ask, i) * C;
        if (!ask->known) in->known->v[i] = 1;
        if (in->image) memcpy(in->image->v + i * cut, row, (size_t)cut * sizeof *row);
        if (in->cond) memcpy(in->cond->v + i * rest, row + cut, (size_t)rest * sizeof *row);
    }
}

/* Puts x, t, log σ and the condition on the tape; x scaled as the output wants it. */
static void sgm__net_in(
    sgm_tape *tape, sgm_net_in *in, const sgm__ask *ask, const float *x, const float *t, int n) {
    const sgm_model_options *o = &ask->model->o;
    in->x = sgm_tape_input(tape, x, n, o->d);
    in->t = sgm__times_in(tape, t, n);
    in->log_sigma = sgm__time_features(tape, in->t, 1, 1, SGM__LOG_SIGMA, &o->sde);
    in->user = o->user, in->out = sgm__net_width(o);
    sgm__net_cond(tape, in, ask, n);
    if (!in->x) return;
    double scale = 1;
    for (long i = 0; i < n; i++) {
        if (i == 0 || t[i] != t[i - 1])
            scale = sgm__input_scale(o->output, &o->sde, t[i], o->sigma_data);
        for (long j = i * o->d; scale != 1 && j < (i + 1) * o->d; j++)
            in->x->v[j] = (float)(scale * in->x->v[j]);
    }
}

static sgm_tensor *sgm__net_run(sgm_tape *tape, const sgm_net_in *in, const sgm_model_options *o) {
    if (tape->status != SGM_OK) return NULL;
    sgm_tensor *out = o->net(tape, in);
    if (tape->status != SGM_OK) return NULL;
    if (!out) sgm__tape_fail(tape, SGM_BAD_ARGUMENT, "the network returned NULL, not a tensor");
    else if (out->rows != in->x->rows || out->cols != in->out)
        sgm__tape_fail(tape, SGM_MISMATCH,
            "the network returned (%d, %d) where (%d, %d) is needed: end it with sgm_linear(tape, "
            "h, %s)",
            out->rows, out->cols, in->x->rows, in->out,
            o->energy        ? "1"
                : o->classes ? "in->out"
                             : "in->x->cols");
    else if (!tape->dry && tape->cursor != tape->n_params)
        sgm__tape_fail(tape, SGM_MISMATCH,
            "the network used %.0f of its %.0f parameters: it must do the same operations every "
            "time",
            (double)tape->cursor, (double)tape->n_params);
    return tape->status == SGM_OK ? out : NULL;
}

/* An empty tape with the weights that are asked for, and no gradients. */
static void sgm__ask_reset(const sgm__ask *ask, sgm_tape *tape, sgm_key dropout, int flags) {
    const sgm_model *model = ask->model;
    sgm_tape_reset(tape, ask->which < 0 ? model->params : model->ema[ask->which], NULL,
        model->n_params, dropout, flags);
}

/* The sum of D tangents, one along each axis of what the network is given; SGM__ABREAST at once. A
network that works with tangents of its own has room for one. */
static void sgm__trace_pass(sgm_tape *tape, const sgm_net_in *in, const sgm_model_options *o,
    const sgm_tensor *out, float *trace, const float *t, int n) {
    const long d = o->d;
    long most = d < SGM__ABREAST ? d : SGM__ABREAST;
    for (int i = 0; i < tape->n; i++)
        if (tape->list[i]->j) most = 1;
    for (long from = 0, l; from < d && tape->status == SGM_OK; from += most) {
        tape->more = (int)(d - from < most ? d - from : most) - 1;
        if (!in->x->j && !(in->x->j = sgm__tangents(tape, in->x))) return;
        for (long k = 0; k < (1 + tape->more) * d; k++) in->x->j[k] = k % d == from + k / d;
        in->x->set |= SGM__STILL;
        sgm_tape_tangent(tape);
        for (l = 0; l <= tape->more; l++)
            for (long i = 0; i < n; i++) {
                const long at = out->set & SGM__STILL ? l : l * n + i;
                trace[i] = (from + l ? trace[i] : 0) + (out->j ? out->j[at * d + from + l] : 0);
            }
    }
    tape->more = 0;
    double a = 0, b = 1, sd = 1, scale = 1;
    for (long i = 0; i < n; i++) {
        if (i == 0 || t[i] != t[i - 1]) {
            sgm_output_affine(&a, &b, o->output, &o->sde, t[i], o->sigma_data);
            sd = sgm_sde_s(&o->sde, t[i]);
            scale = sgm__input_scale(o->output, &o->sde, t[i], o->sigma_data);
        }
        trace[i] = (float)((a * o->d + b * scale * trace[i]) / -sd);
    }
}

/* (4.13): s = −∇U, and with v its change, from one backward pass. A classifier's energy is the
−log p of a label (8.3); asked for no label, it tells log p of all. */
static sgm_status sgm__energy_chunk(const sgm__ask *ask, sgm_tape *tape, float *s, float *js,
    double *logp, const float *x, const float *v, const float *t, int n, sgm_key dropout,
    int flags) {
    const sgm_model_options *o = &ask->model->o;
    long size = (long)n * o->d;
    sgm_net_in in;
    sgm__ask_reset(ask, tape, dropout, flags);
    sgm__net_in(tape, &in, ask, x, t, n);
    if (s) sgm_tape_watch(tape, in.x);
    sgm_tensor *out = sgm__net_run(tape, &in, o);
    if (o->classes && ask->label) out = sgm__label_loss(tape, out, ask);
    else if (o->classes && out) return sgm__log_probs(logp, out), SGM_OK;
    for (int i = 0; logp && out && i < n; i++) logp[i] = -(double)out->v[i];
    float *move = v && out ? sgm_tape_tangent_of(tape, in.x) : NULL;
    if (!out || !s || (v && !move)) return sgm_tape_status(tape);
    if (v) {
        memcpy(move, v, (size_t)size * sizeof *move);
        SGM__TRY(sgm_tape_tangent(tape));
    }
    float *seed = v ? sgm_tape_tangent_gradient_of(tape, out) : sgm_tape_gradient_of(tape, out);
    if (!seed) return sgm_tape_status(tape);
    for (int i = 0; i < n; i++) seed[i] = 1;
    SGM__TRY(sgm_tape_backward(tape));
    const float *up = v ? in.x->jd : in.x->d;
    for (long j = 0; j < size; j++) {
        s[j] = up ? -up[j] : 0;
        if (js) js[j] = in.x->set & SGM_ADJOINT_D ? -in.x->d[j] : 0;
    }
    return SGM_OK;
}

/* The same hand gets the same tape, if it can: its memory is in that core's cache. */
static sgm_tape *sgm__tape_take(const sgm_model *model, int hand) {
#if defined(__GNUC__)
    for (int i = hand; i < hand + model->n_tapes; i++) {
        sgm_tape *tape = model->tapes[i % model->n_tapes];
        if (!__atomic_exchange_n(&tape->busy, 1, __ATOMIC_ACQUIRE)) return tape;
    }
#else
    (void)model, (void)hand;
#endif
    return sgm_tape_new();
}

static void sgm__tape_give(sgm_tape *tape) {
#if defined(__GNUC__)
    if (tape && tape->lends) __atomic_store_n(&tape->busy, 0, __ATOMIC_RELEASE);
    else sgm_tape_free(tape);
#else
    sgm_tape_free(tape);
#endif
}

typedef struct sgm__question {
    const sgm__ask *ask;
    float *s, *js;
    double *logp;
    const float *x, *v, *t;
    long n, each;
    int failures;
    sgm_status status;
    char message[sizeof((sgm_tape *)0)->message];
} sgm__question;

static void sgm__question_part(void *what, long part, int hand) {
    sgm__question *q = (sgm__question *)what;
    const sgm_model *model = q->ask->model;
    const long d = model->o.d, from = part * q->each, to = from + q->each;
    const long at = q->ask->trace ? from : from * d;
    const long logs = model->o.classes && !q->ask->label ? model->o.classes : 1;
    sgm__ask ask = *q->ask;
    if (ask.row) ask.row += from;
    else ask.first += from;
    sgm_tape *tape = sgm__tape_take(model, hand);
    if (!tape ||
        sgm__model_chunk(&ask, tape, q->s ? q->s + from * d : NULL, q->js ? q->js + at : NULL,
            q->logp ? q->logp + from * logs : NULL, q->x + from * d, q->v ? q->v + from * d : NULL,
            q->t + from, (int)((to < q->n ? to : q->n) - from)) != SGM_OK) {
        if (SGM__TAKE(&q->failures) == 0) {
            q->status = tape ? tape->status : SGM_NO_MEMORY;
            if (tape) memcpy(q->message, tape->message, sizeof q->message);
        }
    }
    sgm__tape_give(tape);
}

static sgm_status sgm__model_all(const sgm__ask *ask, float *s, float *js, double *logp,
    const float *x, const float *v, const float *t, long n) {
    const long each = sgm__piece_rows(ask->model, v || ask->trace || ask->model->o.energy);
    sgm__question q = {
        ask, s, js, logp, x, v, t, n, each, 0, SGM_OK, "no memory for a network's tape"};
    sgm__share((n + each - 1) / each, sgm__question_part, &q);
    return q.failures ? sgm__fail(q.status, "%s", q.message) : SGM_OK;
}

static sgm_status sgm__same_process(const sgm_sde *a, const sgm_sde *b);
static sgm_status sgm__asked(const sgm_score *self, sgm__ask *ask, long n) {
    long rows = 1, of = self->of ? self->of : n;
    if (self->which == SGM__GIVEN) {
        const sgm_condition *c = (const sgm_condition *)self->ctx;
        *ask = sgm__ask_of(c->model, c->which);
        ask->cond = c->cond, rows = c->rows;
    } else if (self->which == SGM__LABEL) {
        const sgm_classifier *c = (const sgm_classifier *)self->ctx;
        *ask = sgm__ask_of(c->model, c->which);
        ask->label = c->labels, rows = c->rows;
    } else {
        *ask = sgm__ask_of((const sgm_model *)self->ctx, self->which);
    }
    const sgm_sde *sde = &ask->model->o.sde;
    SGM__TRY(sgm__same_process(&self->sde, sde));
    if (!(self->sde.T <= sde->T * (1 + 1e-9)))
        return sgm__bad("a model trained to T = %g is asked about T = %g: lower the score's sde.T",
            sde->T, self->sde.T);
    ask->row = self->row, ask->first = self->first, ask->each = rows > 1;
    if (rows == 1 || rows == of) return SGM_OK;
    return sgm__fail(SGM_MISMATCH,
        "%ld points for %ld conditions: bring as many, or give one condition for all", of, rows);
}

static sgm_status sgm__answer(const sgm_score *self, float *s, float *js, double *logp,
    const float *x, const float *v, const float *t, long n, int back, int trace) {
    sgm__ask ask;
    SGM__TRY(sgm__asked(self, &ask, n));
    ask.back = back, ask.trace = trace;
    return sgm__model_all(&ask, s, js, logp, x, v, t, n);
}
static sgm_status sgm__model_eval(
    const sgm_score *self, float *s, const float *x, const float *t, long n) {
    return sgm__answer(self, s, NULL, NULL, x, NULL, t, n, 0, 0);
}
static sgm_status sgm__model_trace(
    const sgm_score *self, float *s, float *trace, const float *x, const float *t, long n) {
    return sgm__answer(self, s, trace, NULL, x, NULL, t, n, 0, 1);
}
static sgm_status sgm__model_jvp(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    return sgm__answer(self, s, js, NULL, x, v, t, n, 0, 0);
}
static sgm_status sgm__model_vjp(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    return sgm__answer(self, s, js, NULL, x, v, t, n, 1, 0);
}
static sgm_status sgm__model_logp(
    const sgm_score *self, double *logp, const float *x, const float *t, long n) {
    return sgm__answer(self, NULL, NULL, logp, x, NULL, t, n, 0, 0);
}

static sgm_score sgm__model_score(const sgm_model *model, int which, const void *ctx) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    if (!model) { /* of a condition whose init failed, or what sgm_model_score said */
        if (!sgm_error()[0]) sgm__bad("a score of no model: look at what init returned");
        return score;
    }
    score.d = model->o.d, score.which = which, score.ctx = ctx;
    score.sde = model->o.sde, score.scaler = model->o.scaler;
    score.eval = sgm__model_eval, score.jvp = sgm__model_jvp, score.vjp = sgm__model_vjp;
    if (!model->o.energy && !model->o.classes) score.trace = sgm__model_trace;
    if (model->o.energy || which == SGM__LABEL) score.logp = sgm__model_logp;
    return score;
}

static sgm_status sgm__which_check(const sgm_model *model, int which) {
    if (!model || !model->params)
        return sgm__bad("a score of no model: look at what sgm_model_init returned");
    if (which < SGM_RAW || which >= model->o.n_ema)
        return sgm__bad(
            "moving average %d of a model that keeps %d: set n_ema", which, model->o.n_ema);
    return SGM_OK;
}

SGM_API sgm_score sgm_model_score(const sgm_model *model, int which) {
    sgm_status status = sgm__which_check(model, which);
    if (status == SGM_OK && model->o.classes)
        status = sgm__bad("a classifier's score is sgm_classifier_score");
    return sgm__model_score(status == SGM_OK ? model : NULL, which, model);
}

SGM__COLDLY
/*
## §F.2 A model is made

The network runs once on a dry tape, which has shapes and no numbers. So the parameters are counted
and named, and it is seen at once whether the network can run at all. Then there is one block for
them, and one for each average.
*/
typedef struct sgm__opened {
    sgm_mlp_options mlp;
    sgm_image_net image;
    sgm_diffusers diffusers;
    sgm_ddpm table;
    sgm_scaler scaler;
} sgm__opened;

SGM_API void sgm_model_free(sgm_model *model) {
    for (int i = 0; model->tapes && i < model->n_tapes; i++) sgm_tape_free(model->tapes[i]);
    sgm__free(model->tapes);
    sgm__free(model->params);
    for (int i = 0; i < SGM_MAX_EMA; i++) sgm__free(model->ema[i]);
    SGM_FREE(model->layers);
    sgm__free(model->operations);
    if (model->own) sgm_scaler_free(&model->own->scaler), sgm_ddpm_free(&model->own->table);
    sgm__free(model->own);
    memset(model, 0, sizeof *model);
}

/* Uniform within ±spread, normal with that standard deviation, or the constant itself. */
static void sgm__layer_start(float *p, const struct sgm_layer *layer, sgm_key key) {
    size_t n = (size_t)layer->rows * (size_t)layer->cols;
    if (layer->is_normal == 1) sgm_normal(p, n, key, 0);
    else sgm_uniform(p, n, key, 0);
    for (size_t i = 0; i < n; i++) {
        if (layer->is_normal == 2) p[i] = layer->spread;
        else p[i] = layer->spread * (layer->is_normal ? p[i] : 2 * p[i] - 1);
    }
}

static sgm_status sgm__model_memory(sgm_model *model) {
    int ok = 1;
    model->n_tapes = sgm_threads() > 16 ? sgm_threads() : 16; /* empty ones cost little */
    model->tapes = (sgm_tape **)sgm__alloc((size_t)model->n_tapes, sizeof *model->tapes);
    for (int i = 0; model->tapes && i < model->n_tapes; i++)
        if (!(model->tapes[i] = sgm_tape_new())) ok = 0;
        else model->tapes[i]->lends = 1;
    model->params = (float *)sgm__alloc(model->n_params, sizeof(float));
    for (int i = 0; i < model->o.n_ema; i++)
        ok &= (model->ema[i] = (float *)sgm__alloc(model->n_params, sizeof(float))) != NULL;
    return ok && model->tapes && model->params ? SGM_OK : SGM_NO_MEMORY;
}

static long sgm__tape_width(const sgm_tape *tape) { /* numbers that operations made */
    double sum = 0;
    for (int i = 0; i < tape->n; i++)
        if (!tape->list[i]->is_param) sum += (double)sgm__size(tape->list[i]);
    return sum < 1e9 ? (long)sum : 1000000000L;
}

static sgm_status sgm__model_dry_run(sgm_model *model) {
    float t[2];
    sgm_net_in in;
    sgm__ask ask = sgm__ask_of(model, SGM_RAW);
    sgm_tape *tape = sgm_tape_new();
    if (!tape) return SGM_NO_MEMORY;
    t[0] = t[1] = (float)model->o.sde.T;
    tape->dry = 1;
    sgm__net_in(tape, &in, &ask, NULL, t, 2);
    sgm__net_run(tape, &in, &model->o);
    sgm_status status = sgm_tape_status(tape);
    if (status == SGM_OK && tape->cursor == 0)
        status = sgm__bad("the network has no parameters to train: give it a sgm_linear");
    if (status == SGM_OK && !(model->operations = sgm__tape_text(tape))) status = SGM_NO_MEMORY;
    model->n_params = tape->cursor, model->width = sgm__tape_width(tape) / 2;
    model->layers = tape->layers, model->n_layers = tape->n_layers;
    tape->layers = NULL;
    sgm_tape_free(tape);
    return status;
}

static sgm_status sgm__model_options_check(const sgm_model_options *o) {
    if (!o) return sgm__bad("a model needs options: set net, d and sde");
    SGM__TRY(sgm_sde_check(&o->sde));
    if (!o->net) return sgm__bad("a model needs a network: set net, to sgm_mlp for one");
    if (o->d < 1) return sgm__bad("points of dimension %d: set d to at least 1", o->d);
    if (o->n_ema < 0 || o->n_ema > SGM_MAX_EMA)
        return sgm__bad("%d moving averages: n_ema is 0 to %d", o->n_ema, SGM_MAX_EMA);
    if ((int)o->output < 0 || o->output > SGM_OUTPUT_EDM_F)
        return sgm__bad("there is no output kind %d: see sgm_output", (int)o->output);
    if (!(o->sigma_data >= 0 && o->sigma_data < 1e15))
        return sgm__bad(
            "a sigma_data of %g: needs the data's std, or 0 to have it measured", o->sigma_data);
    const sgm_scaler *scaler = o->scaler;
    if (scaler && !(scaler->d == 0 && !scaler->shift) &&
        (scaler->d != o->d || !scaler->shift || !scaler->scale))
        return sgm__fail(SGM_MISMATCH,
            "a scaler of dimension %d for points of %d: sgm_scaler_init, or all zeros, fits",
            scaler->d, o->d);
    if (o->energy && o->output != SGM_OUTPUT_SCORE && o->output != SGM_OUTPUT_AUTO)
        return sgm__bad("an energy's gradient is a score: leave output 0, or set SGM_OUTPUT_SCORE");
    if (o->cond < 0 || o->classes < 0 ||
        (o->classes > 0 && (o->energy || o->output != SGM_OUTPUT_AUTO)))
        return sgm__bad("cond %d, classes %d: needs >= 0; a classifier has no energy, output 0",
            o->cond, o->classes);
    if (o->cond_image < 0 || o->cond_image > o->cond)
        return sgm__bad("cond_image %d of cond %d: the image is part of the condition, so cond "
                        "counts its numbers too", o->cond_image, o->cond);
    return SGM_OK;
}

SGM_API sgm_status sgm_model_init(sgm_model *model, const sgm_model_options *options, sgm_key key) {
    if (!model) return sgm__bad("sgm_model_init needs a model to fill");
    memset(model, 0, sizeof *model);
    SGM__TRY(sgm__model_options_check(options));
    model->o = *options;
    if (options->output == SGM_OUTPUT_AUTO) {
        model->o.output = options->energy ? SGM_OUTPUT_SCORE
            : options->classes            ? SGM_OUTPUT_NOISE
                                          : SGM_OUTPUT_EDM_F;
    }
    model->measure = options->sigma_data == 0;
    if (model->measure) model->o.sigma_data = 1;
    sgm_status status = sgm__model_dry_run(model);
    if (status == SGM_OK) status = sgm__model_memory(model);
    if (status != SGM_OK) {
        sgm_model_free(model);
        return status;
    }
    for (int i = 0; i < model->n_layers; i++)
        sgm__layer_start(model->params + model->layers[i].offset, &model->layers[i],
            sgm_key_split(key, (uint64_t)i));
    for (int i = 0; i < model->o.n_ema; i++)
        memcpy(model->ema[i], model->params, model->n_params * sizeof(float));
    return SGM_OK;
}

/*
The first training of a model settles what its options left open: a scaler of zeros is fitted to the
data, and a sigma_data of zero becomes the root of the (scaled) data's mean variance. Both go into
the file with the model, and no later training changes them.
*/
static sgm_status sgm__model_measure(sgm_model *model, const float *data, long n) {
    long d = model->o.d;
    double square = 0;
    sgm_scaler *scaler = model->o.scaler;
    const int channels = scaler ? scaler->channels : 0; /* asked for, also after a failure */
    if (scaler && scaler->d == 0) {
        const sgm_status status = sgm_scaler_init_channels(
            scaler, data, n, model->o.d, channels ? channels : model->o.d);
        if (status) scaler->channels = channels;
        SGM__TRY(status);
    }
    if (!model->measure) return SGM_OK;
    for (long j = 0; j < d; j++) {
        double scale = scaler ? scaler->scale[j] : 1, sum = 0, squares = 0;
        for (long i = 0; i < n; i++) {
            double off = ((double)data[i * d + j] - data[j]) / scale; /* variance has no shift */
            sum += off, squares += off * off;
        }
        square += (squares - sum * sum / (double)n) / (double)n / (double)d;
    }
    model->o.sigma_data = square > 0 ? sqrt(square) : 1;
    model->measure = 0;
    return SGM_OK;
}

/* What samples are compared with (5.14): the data's root mean square, its largest |x|, and how far
its |x|² scatter. */
static void sgm__data_moments(sgm_model *model, const float *data, long n) {
    double second = 0, fourth = 0, most = 0;
    int d = model->o.d;
    for (long i = 0; i < n; i++, data += d) {
        double square = sgm__row_dot(data, data, d);
        second += square / (double)n, fourth += square * square / (double)n;
        most = fmax(most, square);
    }
    model->rms = sqrt(second / d), model->reach = sqrt(most);
    model->fourth = second > 0 ? fmax(fourth / (second * second), 1) : 1;
}

/*
## §F.3 Options of a training
*/
static sgm_status sgm__train_defaults(sgm_train_options *o, int n_ema) {
    if (o->batch == 0) o->batch = 128;
    if (o->lr == 0) o->lr = 2e-3;
    if (o->optimiser != SGM_OPTIMISER_SGD && o->beta1 == 0) o->beta1 = 0.9;
    if (o->beta2 == 0) o->beta2 = 0.999;
    if (o->eps == 0) o->eps = o->optimiser == SGM_OPTIMISER_ADABELIEF ? 1e-16 : 1e-8;
    if (o->accumulate == 0) o->accumulate = 1;
    if (o->loss.directions == 0) o->loss.directions = 1;
    if (o->loss.scale == 0) o->loss.scale = 1;
    for (int i = 0; i < SGM_MAX_EMA; i++)
        if (o->ema[i] == 0) o->ema[i] = 0.999;
    const char *bad = NULL;
    if (o->steps < 1) bad = "needs steps >= 1";
    else if (o->batch < 1) bad = "needs batch >= 1";
    else if (!(o->lr >= 1e-30 && o->lr < 1e3 && o->lr_end >= 0 && o->lr_end < 1e3))
        bad = "needs lr > 0 and lr_end >= 0, both below 1000 and lr at least 1e-30";
    else if (o->warmup < 0 || o->warmup >= o->steps + (o->warmup == 0))
        bad = "needs 0 <= warmup < steps";
    else if (!(o->beta1 >= 0 && (float)o->beta1 < 1 && o->beta2 > 0 && (float)o->beta2 < 1))
        bad = "needs betas in (0, 1), no nearer to 1 than floats tell: at most 0.9999999";
    else if (!(o->eps >= 1e-20 && o->eps < 1e10))
        bad = "needs eps > 0, from 1e-20 (whose square a float still sees) to 1e10";
    else if (o->accumulate < 1) bad = "needs accumulate >= 1";
    else if (o->rank < 0 || o->ranks < 0 || o->rank >= o->ranks + (o->ranks == 0))
        bad = "needs 0 <= rank < ranks, or neither";
    else if (o->ranks > 1 && !o->share) bad = "with several ranks needs share, to join them";
    else if (!(o->clip >= 0 && o->weight_decay >= 0 && o->weight_decay * o->lr <= 1))
        bad = "needs clip >= 0 and weight_decay >= 0, at most 1/lr";
    else if ((int)o->optimiser < 0 || o->optimiser > SGM_OPTIMISER_SGD)
        bad = "has no such optimiser";
    else if (o->checkpoint_every < 0 || (o->checkpoint_every > 0 && !o->checkpoint))
        bad = "with checkpoint_every needs it >= 0, and a checkpoint to write";
    else if (o->weight_decay > 0 && o->optimiser != SGM_OPTIMISER_ADAMW)
        bad = "with a weight_decay needs the optimiser SGM_OPTIMISER_ADAMW, the others have none";
    for (int i = 0; i < n_ema && !bad; i++)
        if (!(o->ema[i] > 0 && o->ema[i] < 1)) bad = "needs ema decays in (0, 1)";
    return bad ? sgm__bad("training %s", bad) : SGM_OK;
}

static sgm_status sgm__labels_check(const int *label, long n, int classes) {
    if (!label || n < 1 || classes < 1)
        return sgm__bad("%ld labels of %d classes: needs at least 1 of each", n, classes);
    for (long i = 0; i < n; i++)
        if (label[i] < 0 || label[i] >= classes)
            return sgm__bad("label %ld is %d: labels are 0 to %d", i, label[i], classes - 1);
    return SGM_OK;
}

/* What is given beside the data fits what the model takes. */
static sgm_status sgm__train_conditions(
    const sgm_train_options *o, const sgm_model *model, long n) {
    int C = model->o.cond, K = model->o.classes;
    if ((C > 0) != (o->cond != NULL) || (K > 0) != (o->labels != NULL))
        return sgm__bad("conditions of width %d, %d classes: training needs cond where the "
                        "first is not 0, labels where the second is not, and else none",
            C, K);
    if (!(o->cond_dropout >= 0 && o->cond_dropout <= 1) || (o->cond_dropout > 0 && C == 0))
        return sgm__bad(
            "cond_dropout %g: needs 0 to 1, and a model with a condition to drop", o->cond_dropout);
    if (C > 0) SGM__TRY(sgm__finite("the condition of point", o->cond, n, C, "repair it"));
    if (K > 0 && o->loss.objective != SGM_OBJECTIVE_DSM)
        return sgm__bad("a classifier learns by cross-entropy: leave the loss's objective 0");
    return K > 0 ? sgm__labels_check(o->labels, n, K) : SGM_OK;
}

/* What the loss leaves open, in training: F, its weight and times belong together (§2.4). */
static void sgm__loss_auto(sgm_loss *loss, const sgm_model_options *o) {
    int edm = o->output == SGM_OUTPUT_EDM_F && loss->objective == SGM_OBJECTIVE_DSM &&
        !o->classes && !o->energy;
    if (loss->sigma_data == 0) loss->sigma_data = o->sigma_data;
    if (loss->weight == SGM_WEIGHT_AUTO) loss->weight = edm ? SGM_WEIGHT_EDM : SGM_WEIGHT_SIGMA2;
    if (loss->times == SGM_TIMES_AUTO && edm) loss->times = SGM_TIMES_LOGNORMAL;
    loss->times = sgm__times_of(loss, &o->sde);
}

/* ISM and SSM see second derivatives, of which a ReLU has none. */
static sgm_status sgm__objective_suits(const sgm_loss *loss, const sgm_model *model) {
    if (loss->objective < SGM_OBJECTIVE_ISM || !strstr(model->operations, "relu")) return SGM_OK;
    return sgm__fail(SGM_MISMATCH,
        "ISM and SSM learn nothing from ReLU, whose second derivative is 0: set its "
        "activation to SGM_ACTIVATION_SILU, or the objective to SGM_OBJECTIVE_DSM");
}

/*
## §F.4 What a trainer owns
*/
static long sgm__sum_rows(const sgm_trainer *trainer) { /* the most that an accumulator has */
    const long rows = (long)trainer->o.batch * trainer->o.accumulate;
    return (rows + trainer->n_sums - 1) / trainer->n_sums;
}

static size_t sgm__loss_room(const sgm_trainer *trainer) {
    return ((size_t)sgm__sum_rows(trainer) * 3 + 15) / 16 * 16;
}

static double *sgm__sum_losses(const sgm_trainer *trainer, long sum) {
    const size_t room = (trainer->model->n_params + 15) / 16 * 16, k = (size_t)trainer->together;
    return (double *)(void *)(trainer->grads + (size_t)sum / k * trainer->stride + room +
        (size_t)sum % k * sgm__loss_room(trainer));
}

/* Hand `hand` turns to accumulator `sum`: behind its gradient lie its rows' losses and times. */
static sgm__piece *sgm__piece_of(sgm_trainer *trainer, long sum, int hand) {
    sgm__piece *p = &trainer->hands[hand];
    p->grads = trainer->grads + (size_t)sum * trainer->stride;
    p->loss = sgm__sum_losses(trainer, sum);
    p->t = (float *)(p->loss + sgm__sum_rows(trainer));
    p->flags = SGM_TAPE_TRAINING | (sgm__one_pass(trainer) ? SGM__DEFER : 0);
    return p;
}

static int sgm__piece_is_finite(const sgm__piece *p) {
    double sum = 0;
    for (int i = 0; i < p->n; i++) sum += p->loss[i];
    return fabs(sum) < HUGE_VAL;
}

/* The first accumulator that failed is what a single thread would have met. */
static void sgm__piece_failed(sgm__piece *p, long sum, sgm_status status) {
    if (p->failed >= 0 && p->failed < sum) return;
    p->failed = sum, p->status = status;
    snprintf(p->message, sizeof p->message, "%s", sgm_error());
}

/* The rows from … to of a step, which are those of k batches, piece by piece. */
static sgm_status sgm__sum_pieces(const sgm_trainer *trainer, sgm__piece *p, long from, long to,
    sgm_status (*work)(const sgm_trainer *, sgm__piece *)) {
    const long B = trainer->o.batch, k = trainer->o.accumulate;
    const long most = sgm__piece_rows(trainer->model, 1);
    for (long row = from, n; row < to; row += n, p->loss += n, p->t += n) {
        const long end = (row / B + 1) * B, left = (end < to ? end : to) - row;
        const long pieces = (left + most - 1) / most;
        n = (left + pieces - 1) / pieces;
        p->batch = (uint64_t)(trainer->step * k + row / B), p->first = row % B, p->n = (int)n;
        sgm__piece_draw(trainer, p);
        SGM__TRY(work(trainer, p));
        p->flags |= SGM_TAPE_ACCUMULATE;
    }
    return SGM_OK;
}

static void sgm__accumulate(void *what, long part, int hand) {
    sgm_trainer *trainer = (sgm_trainer *)what;
    const long a = trainer->first_sum + part, A = trainer->n_sums;
    const long rows = (long)trainer->o.batch * trainer->o.accumulate;
    sgm__piece *p = sgm__piece_of(trainer, a, hand);
    const sgm_status status =
        sgm__sum_pieces(trainer, p, rows * a / A, rows * (a + 1) / A, sgm__piece_gradient);
    if (status != SGM_OK) sgm__piece_failed(p, a, status);
}

/* What chapter 8 tells the network about the points of the piece, or hides. */
static void sgm__piece_told(const sgm_trainer *trainer, sgm__piece *p) {
    const sgm_train_options *o = &trainer->o;
    const long C = trainer->model->o.cond;
    const size_t bytes = (size_t)C * sizeof(float);
    sgm_key hide = sgm__train_key(trainer, SGM__KEY_CONDITION, p->batch);
    for (long i = 0; i < p->n && (o->labels || C); i++) {
        if (o->labels) p->label[i] = o->labels[p->row[i]];
        if (!C) continue;
        p->known[i] = !(sgm__uniform53(hide, (uint64_t)(p->first + i)) < o->cond_dropout);
        if (p->known[i] == 0) memset(p->cond + i * C, 0, bytes);
        else memcpy(p->cond + i * C, o->cond + p->row[i] * C, bytes);
    }
}

/* (4.2) of a classifier: L = (c/B) Σ w U, with U = −log p of the label (8.3) in `out`. */
static void sgm__label_seed(
    const sgm_trainer *trainer, sgm__piece *p, const float *out, float *grad, double share) {
    const double factor = trainer->o.loss.scale * share / trainer->o.batch;
    for (int i = 0; i < p->n; i++) {
        grad[i] = (float)(factor * p->w[i]);
        p->loss[i] = factor * p->w[i] * out[i];
    }
}

/* The step's loss, row by row, and its slices by time. */
static void sgm__trainer_loss(sgm_trainer *trainer) {
    const sgm_train_options *o = &trainer->o;
    const long rows = (long)o->batch * o->accumulate, A = trainer->n_sums;
    const int sliced = o->loss.objective == SGM_OBJECTIVE_DSM && !trainer->model->o.energy;
    double edge[SGM_BINS + 1];
    for (int bin = 0; bin <= SGM_BINS; bin++) edge[bin] = sgm_bin_edge(&trainer->model->o.sde, bin);
    trainer->loss = 0;
    for (long a = 0; a < A; a++) {
        const double *loss = sgm__sum_losses(trainer, a);
        const float *t = (const float *)(loss + sgm__sum_rows(trainer));
        for (long i = 0, n = rows * (a + 1) / A - rows * a / A; i < n; i++) {
            int bin = 0;
            trainer->loss += loss[i];
            if (!sliced) continue;
            while (bin + 1 < SGM_BINS && t[i] >= edge[bin + 1]) bin++;
            trainer->bin_sum[bin] += loss[i] * (double)rows, trainer->bin_n[bin]++;
        }
    }
}

#define SGM__BLOCK_OF_SUM 16384L /* numbers, in (4.3) and in the gradient's norm */

static long sgm__sum_blocks(const sgm_trainer *trainer) {
    return ((long)trainer->model->n_params - 1) / SGM__BLOCK_OF_SUM + 1;
}

#define SGM__HALF 1024L
/* to = x_1 + … + x_count, a power of two and `step` apart, by halves (4.3); `to` may be x_1. */
static void sgm__add_halves(const float *x, size_t step, int count, long n, float *to) {
    float second[SGM__HALF];
    if (count == 1 && to != x) memcpy(to, x, (size_t)n * sizeof *to);
    if (count == 2) sgm__add(n, x, x + step, to);
    if (count < 4) return;
    sgm__add_halves(x, step, count / 2, n, to);
    sgm__add_halves(x + (size_t)(count / 2) * step, step, count / 2, n, second);
    sgm__add(n, to, second, to);
}

/* A block of the sum of `count` accumulators, to where it is shared; or of what all have shared. */
static long sgm__add_block(const sgm_trainer *trainer, long part, int first, int count) {
    const size_t step = trainer->stride, from = (size_t)part * SGM__BLOCK_OF_SUM;
    const long rest = (long)(trainer->model->n_params - from);
    const long n = rest < SGM__BLOCK_OF_SUM ? rest : SGM__BLOCK_OF_SUM;
    const float *x = trainer->grads + (size_t)first * step + from;
    float *to = trainer->grads + (size_t)(first / trainer->together) * step + from;
    for (long i = 0; i < n; i += SGM__HALF)
        sgm__add_halves(x + i, step, count, n - i < SGM__HALF ? n - i : SGM__HALF, to + i);
    return n;
}

static void sgm__add_own_sums(void *what, long part, int hand) {
    const sgm_trainer *trainer = (const sgm_trainer *)what;
    (void)hand, (void)sgm__add_block(trainer, part, trainer->first_sum, trainer->own_sums);
}

static sgm_status sgm__pieces_done(sgm_trainer *trainer) {
    const sgm_train_options *o = &trainer->o;
    const sgm__piece *first = NULL, *used = &trainer->hands[0];
    for (int h = 0; h < trainer->n_hands; h++) {
        const sgm__piece *p = &trainer->hands[h];
        if (p->failed >= 0 && (!first || p->failed < first->failed)) first = p;
        if (sgm__tape_bytes(p->tape) > sgm__tape_bytes(used->tape)) used = p;
    }
    if (first) return sgm__fail(first->status, "%s", first->message);
    for (int h = 0; h < trainer->n_hands; h++) /* the next step may need what this one did */
        SGM__TRY(sgm__tape_like(trainer->hands[h].tape, used->tape));
    if (o->share) {
        const int k = trainer->together;
        if (k > 1) sgm__share_among(INT_MAX, sgm__sum_blocks(trainer), sgm__add_own_sums, trainer);
        SGM__TRY(o->share(o->share_user, trainer->grads, trainer->stride, trainer->n_sums / k,
            trainer->first_sum / k, trainer->own_sums / k));
    }
    sgm__trainer_loss(trainer);
    return SGM_OK;
}

/* Forgets all adjoints but the parameters', for another pass back over the same values. */
static void sgm__tape_again(sgm_tape *tape) {
    for (int i = 0; i < tape->n; i++)
        if (!tape->list[i]->is_param) tape->list[i]->set = 0;
}

/* s of (3.10) for the piece, into s; c_x and c_o of each row into c. */
static void sgm__piece_score(
    const sgm_trainer *trainer, float *s, const sgm__piece *p, const float *out) {
    const sgm_model_options *o = &trainer->model->o;
    double *c = p->c;
    for (long i = 0; i < p->n; i++, c += 2) {
        double sd = sgm_sde_s(&o->sde, p->t[i]);
        sgm_output_affine(&c[0], &c[1], o->output, &o->sde, p->t[i], o->sigma_data);
        c[0] /= -sd, c[1] /= -sd;
        for (long j = i * o->d; j < (i + 1) * o->d; j++)
            s[j] = (float)(c[0] * p->x[j] + c[1] * out[j]);
    }
}

/* What ESM compares with, at the piece's points. */
static sgm_status sgm__exact_eval(const sgm_trainer *trainer, float *s, const sgm__piece *p) {
    sgm_score exact = sgm__rows(trainer->o.loss.exact, p->row, 0, trainer->n);
    return sgm_score_eval(&exact, s, p->x, p->t, p->n);
}

static void sgm__held_free(struct sgm_held *h) {
    if (!h) return;
    sgm__free(h->x), sgm__free(h->best), sgm__free(h->logp), sgm__free(h->label), sgm__free(h);
}

/* How many points are held out, and how many draws a look takes. */
static sgm_status sgm__held_size(sgm_trainer *trainer, long *draws) {
    const sgm_train_options *o = &trainer->o;
    double n = (double)trainer->n, batch = (double)o->batch * o->accumulate;
    double share = o->held_out, most = fmin(fmax(4 * batch, 64), 2048);
    if (!(share < 1) || o->patience < 0)
        return sgm__bad("held_out %g, patience %ld: needs a share below 1, and patience >= 0",
            share, o->patience);
    if (share == 0 && n >= 50 && (double)o->steps * batch >= 50 * n &&
        o->loss.objective == SGM_OBJECTIVE_DSM)
        trainer->held = (long)fmin(n / 10, most);
    if (share > 0) {
        trainer->held = (long)(share * n + 0.5);
        if (trainer->held < 1 || trainer->held >= trainer->n)
            return sgm__bad(
                "a share of %g of %ld points leaves none: set held_out to -1", share, trainer->n);
        if (o->loss.objective != SGM_OBJECTIVE_DSM)
            return sgm__bad("points are held out where the loss is denoising: set held_out to -1");
    }
    if (trainer->held) *draws = (((long)most + trainer->held - 1) / trainer->held) * trainer->held;
    return SGM_OK;
}

static sgm_status sgm__held_init(sgm_trainer *trainer) {
    const sgm_model *model = trainer->model;
    const size_t d = (size_t)model->o.d, C = (size_t)model->o.cond, P = model->n_params;
    long n = 0, batch = (long)trainer->o.batch * trainer->o.accumulate;
    trainer->held_loss = trainer->best_loss = NAN;
    SGM__TRY(sgm__held_size(trainer, &n));
    if (n == 0) return SGM_OK;
    struct sgm_held *h = trainer->watch = (struct sgm_held *)sgm__alloc(1, sizeof *h);
    if (!h) return SGM_NO_MEMORY;
    const size_t many = (size_t)n;
    h->n = n, h->every = (20 * n + batch - 1) / batch; /* n is .05 of the points between two */
    h->x = (float *)sgm__alloc(many * (3 * d + 2 + C), sizeof(float));
    h->best = (float *)sgm__alloc((size_t)(1 + model->o.n_ema) * P, sizeof(float));
    h->logp = (double *)sgm__alloc(many, sizeof(double));
    h->label = (int *)sgm__alloc(many, sizeof(int));
    trainer->order = (long *)sgm__alloc((size_t)trainer->n, sizeof(long));
    if (!h->x || !h->best || !h->logp || !h->label || !trainer->order) return SGM_NO_MEMORY;
    for (long i = 0; i < trainer->n; i++)
        trainer->order[i] = (long)sgm_permute(
            (uint64_t)i, (uint64_t)trainer->n, sgm__train_key(trainer, SGM__KEY_HELD, 0));
    h->eps = h->x + many * d, h->s = h->eps + many * d, h->t = h->s + many * d, h->w = h->t + n;
    h->cond = h->w + n;
    for (long i = 0; i < n; i++) {
        long row = trainer->order[trainer->n - trainer->held + i % trainer->held];
        memcpy(h->s + (size_t)i * d, trainer->data + (size_t)row * d, d * sizeof(float));
        if (trainer->o.labels) h->label[i] = trainer->o.labels[row];
        if (C)
            memcpy(h->cond + (size_t)i * C, trainer->o.cond + (size_t)row * C, C * sizeof(float));
    }
    if (model->o.scaler) sgm_scaler_apply(model->o.scaler, h->s, h->s, n);
    sgm_loss loss = trainer->o.loss;
    if (loss.times == SGM_TIMES_UNIFORM) loss.times = SGM_TIMES_STRATIFIED; /* the same law */
    sgm_normal(h->eps, many * d, sgm__train_key(trainer, SGM__KEY_HELD, 1), 0);
    sgm__loss_times(
        &loss, &model->o.sde, h->t, h->w, n, sgm__train_key(trainer, SGM__KEY_HELD, 2), 0, 0, n);
    sgm_sde_perturb(h->x, h->s, h->eps, h->t, n, (int)d, &model->o.sde);
    return SGM_OK;
}

/* (2.11) of the points held out, or a classifier's loss of them. */
static sgm_status sgm__held_loss(const sgm_trainer *trainer, double *mean) {
    const sgm_model *model = trainer->model;
    const struct sgm_held *h = trainer->watch;
    int d = model->o.d, K = model->o.classes;
    sgm__ask ask = sgm__ask_of(model, model->o.n_ema > 0 ? 0 : SGM_RAW);
    ask.cond = model->o.cond ? h->cond : NULL, ask.label = K ? h->label : NULL, ask.each = 1;
    SGM__TRY(
        sgm__model_all(&ask, K ? NULL : h->s, NULL, K ? h->logp : NULL, h->x, NULL, h->t, h->n));
    double sum = 0;
    for (long i = 0; i < h->n; i++) {
        double square = 0, sd = sgm_sde_s(&model->o.sde, h->t[i]);
        for (long j = i * d; j < (i + 1) * d && !K; j++) {
            double miss = h->eps[j] + sd * h->s[j];
            square += miss * miss;
        }
        sum += h->w[i] * (K ? -h->logp[i] : square);
    }
    *mean = trainer->o.loss.scale * sum / (double)h->n;
    return SGM_OK;
}

/* Copies the blocks of a model's parameters and averages to `best`, or back. */
static void sgm__held_copy(const sgm_model *model, float *best, int back) {
    const size_t bytes = model->n_params * sizeof(float);
    for (int i = SGM_RAW; i < model->o.n_ema; i++, best += model->n_params) {
        float *block = i < 0 ? model->params : model->ema[i];
        memcpy(back ? block : best, back ? best : block, bytes);
    }
}

SGM_API void sgm_trainer_free(sgm_trainer *trainer) {
    sgm__free(trainer->grads);
    sgm__free(trainer->moment1);
    sgm__free(trainer->moment2);
    for (int h = 0; h < trainer->n_hands; h++) {
        sgm__free(trainer->hands[h].x0), sgm__free(trainer->hands[h].c);
        sgm__free(trainer->hands[h].row), sgm__free(trainer->hands[h].label);
        sgm_tape_free(trainer->hands[h].tape);
    }
    sgm__free(trainer->hands), sgm__free(trainer->squares);
    sgm__held_free(trainer->watch), sgm__free(trainer->order);
    memset(trainer, 0, sizeof *trainer);
}

static sgm_status sgm__exact_fits(const sgm_loss *loss, const sgm_score *score); /* of ESM */
/* What all that is given must be, before anything is taken from it. */
static sgm_status sgm__train_check(sgm_trainer *trainer, const float *data, long n) {
    sgm_model *model = trainer->model;
    const long d = model->o.d;
    if (n < 1 || !data) return sgm__bad("training on %ld points: needs at least 1", n);
    long bad = sgm__first_bad(data, (size_t)n * (size_t)d);
    if (bad >= 0)
        return sgm__fail(SGM_NOT_FINITE,
            "point %ld of the training data is not finite (coordinate %ld): remove or repair it",
            bad / d, bad % d);
    sgm_score score = sgm__model_score(model, SGM_RAW, model);
    SGM__TRY(sgm__train_defaults(&trainer->o, model->o.n_ema));
    SGM__TRY(sgm_loss_check(&trainer->o.loss, &model->o.sde));
    SGM__TRY(sgm__exact_fits(&trainer->o.loss, &score));
    SGM__TRY(sgm__train_conditions(&trainer->o, model, n));
    return sgm__objective_suits(&trainer->o.loss, model);
}

/* Into how many accumulators a step is divided: a power of two, so that it may be shared evenly, of
no more than 16. Each costs a visit to all parameters, and a thread that is woken for it: it must be
worth both. So its rows put more numbers on the tape than there are parameters, and take more than
some 10⁷ multiply-adds. */
static int sgm__how_many_sums(const sgm_trainer *trainer) {
    const double P = (double)trainer->model->n_params, width = (double)trainer->model->width;
    const double least = fmax(P / width, 7e6 / (P + 64 * width));
    const double rows = (double)trainer->o.batch * trainer->o.accumulate;
    int n = 1;
    while (n < 16 && 2 * n * least <= rows) n *= 2;
    return n;
}

static sgm_status sgm__hand_init(sgm__piece *p, const sgm_trainer *trainer) {
    const size_t d = (size_t)trainer->model->o.d, C = (size_t)trainer->model->o.cond;
    const long most = sgm__piece_rows(trainer->model, 1), batch = trainer->o.batch;
    const size_t n = (size_t)(most < batch ? most : batch);
    p->failed = -1;
    p->ask = sgm__ask_of(trainer->model, SGM_RAW), p->ask.each = 1;
    p->x0 = (float *)sgm__alloc(n * (7 * d + 2 + C), sizeof(float));
    p->c = (double *)sgm__alloc(2 * n, sizeof(double));
    p->row = (long *)sgm__alloc(n, sizeof(long));
    p->label = (int *)sgm__alloc(n, sizeof(int));
    p->tape = sgm_tape_new();
    if (!p->x0 || !p->c || !p->row || !p->label || !p->tape) return SGM_NO_MEMORY;
    p->eps = p->x0 + n * d, p->x = p->eps + n * d, p->work = p->x + n * d;
    p->w = p->work + 4 * n * d, p->known = p->w + n, p->cond = p->known + n;
    p->ask.cond = p->cond, p->ask.known = p->known, p->ask.label = p->label;
    return SGM_OK;
}

static sgm_status sgm__trainer_memory(sgm_trainer *trainer) {
    const sgm_train_options *o = &trainer->o;
    const size_t P = trainer->model->n_params;
    const int ranks = o->ranks > 0 ? o->ranks : 1, threads = sgm_threads();
    const int n = trainer->n_sums = sgm__how_many_sums(trainer);
    if (ranks > n)
        return sgm__bad(
            "a step of %.0f rows of this network has %d parts for %d ranks: raise batch or "
            "accumulate, or start fewer",
            (double)o->batch * o->accumulate, n, ranks);
    trainer->first_sum = n * o->rank / ranks;
    trainer->own_sums = n * (o->rank + 1) / ranks - trainer->first_sum;
    trainer->n_hands = threads < n ? threads : n;
    trainer->together = o->share && (ranks & (ranks - 1)) == 0 ? n / ranks : 1;
    trainer->stride = (P + 15) / 16 * 16 + (size_t)trainer->together * sgm__loss_room(trainer);
    trainer->grads =
        (float *)sgm__alloc(sgm__times((size_t)n, trainer->stride), sizeof(float));
    trainer->moment1 = (float *)sgm__alloc(P, sizeof(float));
    trainer->moment2 =
        (float *)sgm__alloc(o->optimiser == SGM_OPTIMISER_SGD ? 1 : P, sizeof(float));
    trainer->squares = (double *)sgm__alloc(P / SGM__BLOCK_OF_SUM + 1, sizeof(double));
    trainer->hands = (sgm__piece *)sgm__alloc((size_t)trainer->n_hands, sizeof *trainer->hands);
    if (!trainer->grads || !trainer->moment1 || !trainer->moment2 || !trainer->squares ||
        !trainer->hands) {
        if (!trainer->hands) trainer->n_hands = 0;
        return SGM_NO_MEMORY;
    }
    for (int h = 0; h < trainer->n_hands; h++)
        SGM__TRY(sgm__hand_init(&trainer->hands[h], trainer));
    return SGM_OK;
}

SGM_API sgm_status sgm_trainer_init(sgm_trainer *trainer, sgm_model *model, const float *data,
    long n, const sgm_train_options *options, sgm_key key) {
    if (!trainer) return sgm__bad("sgm_trainer_init needs a trainer to fill");
    memset(trainer, 0, sizeof *trainer);
    trainer->loss = trainer->mean_loss = trainer->slow_loss = trainer->grad_norm = NAN;
    for (int i = 0; i < SGM_BINS; i++) trainer->bin_loss[i] = NAN; /* not known before a step */
    if (!options) return sgm__bad("training needs options: set steps");
    if (!model || !model->params)
        return sgm__empty("training needs a model: call sgm_model_init first and look at its "
                          "status");
    trainer->model = model, trainer->o = *options, trainer->data = data, trainer->n = n;
    trainer->key = key;
    SGM__TRY(sgm__train_check(trainer, data, n));
    SGM__TRY(sgm__model_measure(model, data, n));
    sgm__loss_auto(&trainer->o.loss, &model->o);
    sgm_status status = sgm__trainer_memory(trainer);
    if (status == SGM_OK) status = sgm__held_init(trainer);
    if (status != SGM_OK) sgm_trainer_free(trainer);
    else sgm__data_moments(model, data, n);
    return status;
}

static sgm_status sgm__trainer_made(const sgm_trainer *trainer) {
    if (trainer && trainer->model && trainer->grads) return SGM_OK;
    return sgm__bad("there is no such trainer: look at what sgm_trainer_init returned");
}

/*
## §F.5 A watch for numbers gone wrong

The tape still holds every intermediate result when a loss or a norm is not finite, so the first of
them that went wrong is named, with the time t of its row.
*/
/* The point that a row of entry i belongs to: tokens of one point stand together, and a row that
points share belongs to the first of them. */
static long sgm__point_of(const sgm_tape *tape, int i, long row, int B) {
    const sgm_tensor *y = tape->list[i];
    for (int k = i + 1; k < tape->n && y->rows < B; k++) {
        const sgm_tensor *copies = tape->list[k];
        for (long r = 0; copies->row_of && copies->a == y && r < copies->rows; r++)
            if (copies->row_of[r] == row) return r;
    }
    return row / (y->rows > B ? y->rows / B : 1) % B;
}

#define SGM__CURE "lower lr, set clip, or raise t_min"

/* The forward pass of a piece again, and the first of its numbers that is not finite. */
static sgm_status sgm__watch_piece(const sgm_trainer *trainer, sgm__piece *p) {
    const sgm_model *model = trainer->model;
    float *grads = p->grads;
    p->grads = NULL, sgm__piece_gradient(trainer, p), p->grads = grads;
    for (int i = 0; i < p->tape->n; i++) {
        const sgm_tensor *y = p->tape->list[i];
        long bad = y->is_param ? -1 : sgm__first_bad(y->v, (size_t)sgm__size(y));
        if (bad < 0) continue;
        double t = p->t[sgm__point_of(p->tape, i, bad / y->cols, p->n)];
        return sgm__fail(SGM_NOT_FINITE,
            "step %ld: the first number that is not finite came out of operation %d (%s) at t = "
            "%.4g, sigma = %.4g: " SGM__CURE,
            trainer->step, i, y->name, t, sgm_sde_s(&model->o.sde, t));
    }
    return SGM_OK;
}

static sgm_status sgm__watch(sgm_trainer *trainer) {
    const sgm_model *model = trainer->model;
    const char *broken = NULL;
    for (int i = 0; i < model->n_layers; i++) {
        const struct sgm_layer *layer = &model->layers[i];
        size_t n = (size_t)layer->rows * (size_t)layer->cols;
        if (sgm__first_bad(model->params + layer->offset, n) >= 0)
            return sgm__fail(SGM_NOT_FINITE,
                "step %ld: the parameter %s is not finite before the step", trainer->step,
                layer->name);
        if (sgm__first_bad(trainer->grads + layer->offset, n) >= 0) broken = layer->name;
    }
    const long A = trainer->n_sums, rows = (long)trainer->o.batch * trainer->o.accumulate;
    for (long a = 0; a < A; a++)
        SGM__TRY(sgm__sum_pieces(trainer, sgm__piece_of(trainer, a, 0), rows * a / A,
            rows * (a + 1) / A, sgm__watch_piece));
    if (broken)
        return sgm__fail(SGM_NOT_FINITE, "step %ld: the gradient of %s is not finite: " SGM__CURE,
            trainer->step, broken);
    return sgm__fail(SGM_NOT_FINITE,
        "step %ld: the loss %g or the gradient's norm %g is not finite: " SGM__CURE, trainer->step,
        trainer->loss, trainer->grad_norm);
}

/* A step that fails leaves the slices' sums as they were. */
static sgm_status sgm__gradient_or_nothing(sgm_trainer *trainer) {
    double sum[SGM_BINS];
    long n[SGM_BINS];
    memcpy(sum, trainer->bin_sum, sizeof sum), memcpy(n, trainer->bin_n, sizeof n);
    for (int h = 0; h < trainer->n_hands; h++) trainer->hands[h].failed = -1;
    sgm_status status = sgm__trainer_gradient(trainer);
    if (status != SGM_OK)
        memcpy(trainer->bin_sum, sum, sizeof sum), memcpy(trainer->bin_n, n, sizeof n);
    return status;
}

SGM__WARMLY
/*
## §F.6 Two passes in one

With few points to a batch, most of a step is spent on each parameter and not on each point. The
gradient of a weight is then a short sum, $\bar W = x^T \bar y$ over the batch's few rows, and the
update takes one root and one quotient from it. The first keeps the multipliers busy while the
divider rests; the second keeps the divider busy while the multipliers rest. Between the two, the
gradient travels to memory and back.

So the two passes become one. The backward pass leaves x and $\bar y$ where they are, and the
update works out each element of $\bar W$ just before it needs it (§B.6): while one row's roots are
being taken, the next one's sums are made, and no gradient is ever stored. Nothing is computed
differently, only later, so the bits stay: each element is the same sum, from 0, over the same rows
in the same order. Clipping needs the norm of all before the first is used, and accumulation has
more to add, so there the passes stay apart.

That all derivatives are finite was read off the stored ones. For a product Cauchy and Schwarz tell
it from its two factors,

$$\sum_{ij} \left( \sum_r x_{ri} \bar y_{rj} \right)^2 ≤ \sum_{ri} x_{ri}^2 \cdot
\sum_{rj} \bar y_{rj}^2 \qquad(F.1)$$

and if these bounds and the squares of what is stored add up to less than 10³⁶, then nothing can
have left the range of floats, 3·10³⁸. If they do not (or are NaN), the products are made and the
norm is taken as ever. A step succeeds or fails exactly as with two passes.
*/
/* Which trainings use each gradient once, and at once. */
static int sgm__one_pass(const sgm_trainer *trainer) {
    const sgm_train_options *o = &trainer->o;
    return trainer->n_sums == 1 && o->accumulate == 1 && o->clip == 0 &&
        o->batch <= sgm__piece_rows(trainer->model, 1) && o->optimiser != SGM_OPTIMISER_SGD &&
        o->loss.objective == SGM_OBJECTIVE_DSM && !trainer->model->o.energy;
}

static sgm_tensor *sgm__next_deferred(const sgm_tape *tape, int *i) {
    while (*i < tape->n) {
        sgm_tensor *w = tape->list[(*i)++];
        if (w->set & SGM__LATER) return w;
    }
    return NULL;
}

static double sgm__square(const float *x, size_t n) { return sgm__k()->dot((long)n, x, x); }

/* Whether gradients are deferred and (F.1) bounds the square of the norm. */
static int sgm__norm_is_finite(const sgm_trainer *trainer) {
    const float *done = trainer->grads;
    double most = 0;
    int any = 0;
    for (int i = 0;;) {
        const sgm_tensor *w = sgm__next_deferred(trainer->hands[0].tape, &i);
        const float *until = w ? w->d : trainer->grads + trainer->model->n_params;
        most += sgm__square(done, (size_t)(until - done));
        if (!w) return any && most < 1e36; /* and by (F.1) for what is deferred: */
        most += sgm__square(w->a->v, (size_t)sgm__size(w->a)) *
            sgm__square(w->b->d, (size_t)sgm__size(w->b));
        done = until + sgm__size(w), any = 1;
    }
}

/* A block of (4.3), and its squares. */
static void sgm__add_sums(void *what, long part, int hand) {
    const sgm_trainer *trainer = (const sgm_trainer *)what;
    const long n = sgm__add_block(trainer, part, 0, trainer->n_sums / trainer->together);
    (void)hand;
    trainer->squares[part] = sgm__square(trainer->grads + part * SGM__BLOCK_OF_SUM, (size_t)n);
}

#define SGM__MANY_PARAMS 1000000 /* parameters */
/* A step of one accumulator is small, and so is what follows it, unless the network is large. */
static int sgm__update_hands(const sgm_trainer *trainer) {
    return trainer->n_sums > 1 || trainer->model->n_params > SGM__MANY_PARAMS ? INT_MAX : 1;
}

/* The norm of the whole gradient, which is NaN where (F.1) makes it unnecessary. */
static sgm_status sgm__trainer_norm(sgm_trainer *trainer) {
    const long parts = sgm__sum_blocks(trainer);
    double square = 0;
    trainer->grad_norm = NAN;
    if (sgm__one_pass(trainer)) {
        sgm_tape *tape = trainer->hands[0].tape;
        if (sgm__norm_is_finite(trainer)) return SGM_OK;
        for (int i = 0; i < tape->n; i++) sgm__settle(tape->list[i]);
    }
    sgm__share_among(sgm__update_hands(trainer), parts, sgm__add_sums, trainer);
    for (long i = 0; i < parts; i++) square += trainer->squares[i];
    trainer->grad_norm = sqrt(square);
    return trainer->grad_norm < HUGE_VAL ? SGM_OK : sgm__watch(trainer);
}

typedef struct sgm__update {
    const sgm_optimiser *q;
    const sgm_tape *tape; /* of deferred weights, or NULL */
    sgm__adam_rates rates;
    long parts;
} sgm__update;

/* Rows `from` … `to` of a deferred weight. */
static void sgm__update_outer(const sgm__update *u, const sgm_tensor *w, long from, long to) {
    size_t at = (size_t)(w->v - u->q->params) + (size_t)from * (size_t)w->cols;
    sgm__outer q;
    q.n = w->a->rows, q.in = (int)(to - from), q.out = w->cols, q.x_row = w->a->cols;
    q.x = w->a->v + from, q.d = w->b->d, q.p = u->q->params + at;
    q.m = u->q->moment1 + at, q.v = u->q->moment2 + at;
    sgm__k()->outer_moments((int)u->q->o.optimiser, &q, &u->rates);
    sgm__average(u->q, at, (to - from) * w->cols);
}

/* Part t of T: of each deferred weight so many rows, of all that lies between so many numbers. */
static void sgm__update_part(void *what, long t, int hand) {
    const sgm__update *u = (const sgm__update *)what;
    const sgm_optimiser *q = u->q;
    const int kind = (int)q->o.optimiser;
    const long T = u->parts;
    size_t done = 0;
    (void)hand;
    for (int i = 0;;) {
        const sgm_tensor *w = u->tape ? sgm__next_deferred(u->tape, &i) : NULL;
        size_t until = w ? (size_t)(w->v - q->params) : q->n_params;
        long n = (long)(until - done), length = n * (t + 1) / T - n * t / T;
        size_t at = done + (size_t)(n * t / T);
        sgm__k()->moments(kind, length, q->params + at, q->grads + at, q->moment1 + at,
            q->moment2 + (kind == SGM_OPTIMISER_SGD ? 0 : at), &u->rates);
        sgm__average(q, at, length);
        if (!w) return;
        sgm__update_outer(u, w, w->rows * t / T, w->rows * (t + 1) / T);
        done = until + (size_t)sgm__size(w);
    }
}

static void sgm__optimiser_update(const sgm_optimiser *q, const sgm_tape *tape, int alone) {
    sgm__update u;
    u.q = q, u.tape = tape, u.rates = sgm__rates(q);
    u.parts = alone ? 1 : (long)q->n_params / 32768 + 1;
    sgm__share(u.parts, sgm__update_part, &u);
}

/* The trainer's own fields, seen as an optimiser's. */
static void sgm__trainer_update(sgm_trainer *trainer) {
    const sgm_model *model = trainer->model;
    sgm_optimiser q;
    q.o = trainer->o, q.step = trainer->step, q.grad_norm = trainer->grad_norm;
    q.params = model->params, q.n_params = model->n_params, q.n_ema = model->o.n_ema;
    memcpy(q.ema, model->ema, sizeof q.ema);
    q.grads = trainer->grads, q.moment1 = trainer->moment1, q.moment2 = trainer->moment2;
    sgm__optimiser_update(&q, trainer->hands[0].tape, sgm__update_hands(trainer) == 1);
}

/* The norm as sgm__trainer_norm takes it, block after block. */
SGM_API sgm_status sgm_optimiser_step(sgm_optimiser *optimiser) {
    sgm_optimiser *q = optimiser;
    if (!q || !q->params || !q->grads)
        return sgm__bad("there is no such optimiser: look at what sgm_optimiser_init returned");
    double square = 0;
    for (size_t i = 0, n; i < q->n_params; i += n) {
        n = q->n_params - i < SGM__BLOCK_OF_SUM ? q->n_params - i : (size_t)SGM__BLOCK_OF_SUM;
        square += sgm__square(q->grads + i, n);
    }
    if (!(square < HUGE_VAL)) {
        const long bad = sgm__first_bad(q->grads, q->n_params);
        return sgm__fail(SGM_NOT_FINITE,
            "step %ld: the gradient's norm is %g, and of its numbers the first that is not finite "
            "is %ld (-1: none): " SGM__CURE, q->step, sqrt(square), bad);
    }
    q->grad_norm = sqrt(square);
    sgm__optimiser_update(q, NULL, q->n_params <= SGM__MANY_PARAMS);
    q->step++;
    return SGM_OK;
}

SGM__COLDLY
SGM_API sgm_status sgm_optimiser_init(sgm_optimiser *optimiser, float *params, size_t n_params,
    float *const *ema, int n_ema, const sgm_train_options *options) {
    sgm_optimiser *q = optimiser;
    if (!q) return sgm__bad("sgm_optimiser_init needs an optimiser to fill");
    memset(q, 0, sizeof *q);
    q->grad_norm = NAN;
    if (!options) return sgm__bad("an optimiser needs options: set steps");
    if (!params || n_params == 0 || n_params > LONG_MAX / sizeof *params)
        return sgm__empty("an optimiser needs parameters to move: a block of at least one");
    if (n_ema < 0 || n_ema > SGM_MAX_EMA || (n_ema > 0 && !ema))
        return sgm__bad("%d averages: needs 0 to %d, and a block for each", n_ema, SGM_MAX_EMA);
    for (int i = 0; i < n_ema; i++)
        if (!(q->ema[i] = ema[i])) return sgm__bad("average %d has no block: it is NULL", i);
    q->o = *options, q->o.rank = q->o.ranks = 0, q->o.checkpoint_every = 0; /* your loop's */
    SGM__TRY(sgm__train_defaults(&q->o, n_ema));
    q->o.rank = options->rank, q->o.ranks = options->ranks;
    q->o.checkpoint_every = options->checkpoint_every;
    q->grads = (float *)sgm__alloc(n_params, sizeof(float));
    q->moment1 = (float *)sgm__alloc(n_params, sizeof(float));
    q->moment2 = (float *)sgm__alloc(
        q->o.optimiser == SGM_OPTIMISER_SGD ? 1 : n_params, sizeof(float));
    q->params = params, q->n_params = n_params, q->n_ema = n_ema;
    if (q->grads && q->moment1 && q->moment2) return SGM_OK;
    sgm_optimiser_free(q);
    return SGM_NO_MEMORY;
}

SGM_API double sgm_trainer_lr(const sgm_trainer *trainer) {
    return sgm__rate(&trainer->o, trainer->step);
}

SGM_API double sgm_optimiser_lr(const sgm_optimiser *optimiser) {
    return optimiser && optimiser->grads ? sgm__rate(&optimiser->o, optimiser->step) : NAN;
}

SGM_API void sgm_optimiser_free(sgm_optimiser *optimiser) {
    if (!optimiser) return;
    sgm__free(optimiser->grads), sgm__free(optimiser->moment1), sgm__free(optimiser->moment2);
    memset(optimiser, 0, sizeof *optimiser);
}

/*
## §F.7 Progress and reports

The bar is quiet when stderr is not a terminal, redrawn ten times a second when it is: share done,
rate, time left, the loss averaged over some 500 steps and, if you gave it, the floor that it cannot
go below.
*/
static void sgm__trainer_tell(sgm_trainer *trainer) {
    const sgm_train_options *o = &trainer->o;
    double slow = trainer->slow_loss;
    trainer->slow_loss = slow == slow ? slow + 0.002 * (trainer->loss - slow) : trainer->loss;
    trainer->loss_sum += trainer->loss, trainer->loss_n++;
    if (o->log_every > 0 && trainer->step % o->log_every) return;
    trainer->mean_loss = trainer->loss_sum / (double)trainer->loss_n;
    if (o->log_every <= 0) return;
    for (int i = 0; i < SGM_BINS; i++) {
        long n = trainer->bin_count[i] = trainer->bin_n[i];
        trainer->bin_loss[i] = n ? trainer->bin_sum[i] / (double)n : NAN;
        trainer->bin_sum[i] = 0, trainer->bin_n[i] = 0;
    }
    trainer->loss_sum = 0, trainer->loss_n = 0;
    if (o->on_log) o->on_log(trainer, o->user);
}

static void sgm__train_show(sgm_progress *bar, const sgm_trainer *trainer) {
    if (trainer->best_step)
        snprintf(bar->note, sizeof bar->note, "  held out %.4f, best %.4f at %ld",
            trainer->held_loss, trainer->best_loss, trainer->best_step);
    sgm_progress_step(
        bar, trainer->step, trainer->slow_loss, trainer->o.floor > 0 ? trainer->o.floor : NAN);
}

static void sgm__train_report(const sgm_trainer *trainer) {
    sgm_train_report *r = trainer->o.report;
    if (!r) return;
    r->steps = trainer->step, r->held = trainer->held, r->stopped = trainer->stopped;
    r->best_step = trainer->best_step ? trainer->best_step : trainer->step;
    r->loss = trainer->slow_loss, r->held_loss = trainer->held_loss;
    r->best_loss = trainer->best_loss;
}

SGM_API void sgm_progress_init(sgm_progress *p, const char *label, long total) {
    if (!p) return;
    memset(p, 0, sizeof *p);
    p->label = label, p->total = total;
#if !defined(SGM_NO_STDIO) && defined(SGM__UNIX)
    p->active = label && total > 0 && isatty(2);
#elif !defined(SGM_NO_STDIO) && defined(_WIN32)
    p->active = label && total > 0 && _isatty(2);
#endif
    if (p->active) p->started = sgm_seconds();
}

SGM_API void sgm_progress_step(sgm_progress *p, long done, double loss, double floor) {
#ifndef SGM_NO_STDIO
    if (!p || !p->active) return;
    double now = sgm_seconds(), passed = now - p->started, rate = (double)done / (passed + 1e-9);
    if (done < p->total && now - p->drawn < 0.1) return;
    p->drawn = now;
    char bar[21];
    for (int i = 0; i < 20; i++) bar[i] = i * (double)p->total < 20.0 * (double)done ? '#' : '.';
    bar[20] = 0;
    fprintf(stderr, "\r%-14s [%s] %3.0f%%  %.*f/s  %.0f s left", p->label, bar,
        100.0 * (double)done / (double)p->total, rate < 100 ? 1 : 0, rate,
        (double)(p->total - done) / (rate + 1e-9));
    if (loss == loss) fprintf(stderr, "  loss %.4f", loss);
    if (floor == floor) fprintf(stderr, " (floor %.4f)", floor);
    fprintf(stderr, "%s    ", p->note); /* over the end of a longer line */
    fflush(stderr);
#else
    (void)p, (void)done, (void)loss, (void)floor;
#endif
}

SGM_API void sgm_progress_done(sgm_progress *p) {
#ifndef SGM_NO_STDIO
    if (p && p->active) fprintf(stderr, "\n");
#endif
    if (p) p->active = 0;
}

/*
## §F.8 Files of models and checkpoints

A checkpoint holds what the next step depends on and nothing else: raw parameters, averages, the
optimiser's two moments, the key and the step, and what did best on points held out. The step's own
randomness comes from the key, so a run that was stopped and resumed ends with the same bits as one
that was not; a test compares them. The settings lie beside them as text, so that a resume under
other settings is refused by name: 17 digits bring every double back exactly (and nine every float),
with a point in every locale.
*/
static const char *sgm__number_text(char text[40], double x, int digits) {
    char *to = text;
    if (x != x) return "nan"; /* printf may say -nan */
    snprintf(text, 40, "%.*g", digits, x);
    for (const char *c = text; *c; c++)
        if (strchr("0123456789+-efin", *c)) *to++ = *c;
        else if (to == text || to[-1] != '.') *to++ = '.';
    *to = 0;
    return text;
}

enum { SGM__PAIRS = 96 };

struct sgm__record;
static sgm_status sgm__record_fitted(
    struct sgm__record *c, const sgm_fitted *f, char **memory); /* §H.8 */

/* What a file holds: the settings as pairs of strings, and arrays in the model and the trainer. */
typedef struct sgm__record {
    const char *meta[2 * SGM__PAIRS];
    char text[SGM__PAIRS][40], (*names)[64];
    sgm_array *arrays; /* names, scaler and table lie behind them, in the same block */
    float *scaler, *table;
    int n_meta, n_arrays, n_table;
} sgm__record;

static void sgm__to_three(float *to, double x) { /* a double is the sum of three floats */
    for (int k = 0; k < 3; k++) x -= to[k] = (float)x;
}
static double sgm__of_three(const float *f) { return (double)f[0] + f[1] + f[2]; }

static void sgm__set(sgm__record *c, const char *name, double value) {
    const char **pair = &c->meta[2 * c->n_meta];
    SGM_ASSERT(c->n_meta < SGM__PAIRS);
    pair[0] = name, pair[1] = sgm__number_text(c->text[c->n_meta++], value, 17);
}

static void sgm__set_text(sgm__record *c, const char *name, const char *text) {
    SGM_ASSERT(c->n_meta < SGM__PAIRS);
    c->meta[2 * c->n_meta] = name, c->meta[2 * c->n_meta + 1] = text, c->n_meta++;
}

#define SGM__SET(x) sgm__set(c, #x, (double)(x))

/* The ready networks, and their options with the defaults filled in, so that no later default can
change what a file means. In files, enums count from 0 for the first that is not AUTO. */
static const struct sgm__ready {
    const char *name;
    sgm_net net;
    int width; /* of the image networks their default, else 0; -1: its levels have their own */
} sgm__ready[] = {{"mlp", sgm_mlp, 0}, {"residual_mlp", sgm_residual_mlp, 0},
    {"resnet", sgm_resnet, 32}, {"unet", sgm_unet, 32}, {"mixer", sgm_mixer, 128},
    {"dit", sgm_dit, 128}, {"diffusers", sgm_diffusers_net, -1},
    {"table", sgm_table_net, 0}};
enum { SGM__N_READY = 8 };

static const char *sgm__diffusers_of(sgm_diffusers *o, const void *user, long d);
static double sgm__table_curve(double t, void *user);

static const char *const sgm__widths[8] = {"net.width0", "net.width1", "net.width2", "net.width3",
    "net.width4", "net.width5", "net.width6", "net.width7"};

/* Bit i of down and up: whether level i has attention. One head, -1, is told as 0. */
static void sgm__set_diffusers(sgm__record *c, const sgm_model *model) {
    sgm_diffusers net;
    int down = 0, up = 0;
    if (sgm__diffusers_of(&net, model->o.user, model->o.d)) return;
    SGM__SET(net.h), SGM__SET(net.w), SGM__SET(net.channels), SGM__SET(net.levels);
    for (int i = 0; i < net.levels; i++) {
        sgm__set(c, sgm__widths[i], net.width[i]);
        down |= (net.down[i] != 0) << i, up |= (net.up[i] != 0) << i;
    }
    sgm__set(c, "net.down", down), sgm__set(c, "net.up", up);
    sgm__set(c, "net.head", net.head > 0 ? net.head : 0), SGM__SET(net.layers);
    sgm__set(c, "net.no_middle", net.no_middle != 0), SGM__SET(net.groups), SGM__SET(net.dropout);
    sgm__set(c, "net.pad_after", net.pad_after != 0), SGM__SET(net.eps), SGM__SET(net.steps);
    sgm__set(c, "net.sin_first", net.sin_first != 0), SGM__SET(net.freq_shift);
}

static void sgm__set_net(sgm__record *c, const sgm_model *model) {
    int i = 0;
    const void *user = model->o.user;
    while (i < SGM__N_READY && sgm__ready[i].net != model->o.net) i++;
    if (i == SGM__N_READY) return;
    sgm__set_text(c, "net", sgm__ready[i].name);
    if (sgm__ready[i].width == 0) {
        sgm_mlp_options net;
        sgm__mlp_defaults(&net, user, model->o.d);
        SGM__SET(net.width), SGM__SET(net.depth), sgm__set(c, "net.activation", net.activation);
        sgm__set(c, "net.embedding", net.embedding), SGM__SET(net.embedding_width);
        sgm__set(c, "net.dropout", net.dropout), sgm__set(c, "net.shortcut", net.shortcut > 0);
    } else if (sgm__ready[i].width < 0) {
        sgm__set_diffusers(c, model);
    } else {
        sgm_image_net net;
        memset(&net, 0, sizeof net);
        if (user) net = *(const sgm_image_net *)user;
        SGM__SET(net.h), SGM__SET(net.w), SGM__SET(net.channels), SGM__SET(net.width);
        SGM__SET(net.depth), SGM__SET(net.heads), SGM__SET(net.patch), SGM__SET(net.groups);
    }
}

/* One number for data, conditions and labels, in 53 bits. */
static double sgm__data_hash(const sgm_trainer *trainer) {
    const sgm_model_options *m = &trainer->model->o;
    const void *from[3] = {trainer->data, trainer->o.cond, trainer->o.labels};
    const int words[3] = {m->d, m->cond, m->classes > 0};
    uint64_t h = sgm__fnv_start;
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; from[k] && i < (size_t)trainer->n * (size_t)words[k]; i++) {
            uint32_t word;
            memcpy(&word, (const char *)from[k] + 4 * i, 4);
            h = (h ^ word) * ((1ull << 40) + 435), h ^= h >> 32;
        }
    return (double)(h >> 11);
}

/* What must agree for a model, and for a run; the steps only where the learning rate needs them. */
static void sgm__settings(sgm__record *c, sgm_model_options model, const sgm_trainer *trainer) {
    const sgm_sde sde = model.sde;
    sgm__set(c, "sgm.format", 1);
    sgm__set(c, "model.output", (double)model.output - 1);
    SGM__SET(model.d), SGM__SET(model.energy), SGM__SET(model.sigma_data);
    SGM__SET(model.cond), SGM__SET(model.cond_image), SGM__SET(model.classes);
    SGM__SET(sde.family), SGM__SET(sde.a), SGM__SET(sde.b), SGM__SET(sde.t_min), SGM__SET(sde.T);
    if (!trainer) return;
    const sgm_train_options train = trainer->o;
    const sgm_loss loss = train.loss;
    uint32_t grid = 0, words[2]; /* grid: one number for all its times */
    for (int i = 0; loss.times == SGM_TIMES_GRID && i < loss.n_grid; i++)
        memcpy(words, loss.grid + i, 8), grid = sgm__hash(sgm__hash(grid ^ words[0]) ^ words[1]);
    SGM__SET(train.batch), SGM__SET(train.accumulate), SGM__SET(train.optimiser);
    SGM__SET(train.lr), SGM__SET(train.lr_end), SGM__SET(train.warmup), SGM__SET(train.cosine);
    SGM__SET(train.clip), SGM__SET(train.beta1), SGM__SET(train.beta2), SGM__SET(train.eps);
    SGM__SET(train.weight_decay), SGM__SET(train.cond_dropout);
    sgm__set(c, "train.weight", (double)loss.weight - 1);
    sgm__set(c, "train.times", (double)sgm__times_of(&loss, &sde) - 1);
    sgm__set(c, "train.points", (double)trainer->n);
    if (train.checkpoint) sgm__set(c, "train.data", sgm__data_hash(trainer));
    sgm__set(c, "train.steps", train.cosine || train.lr_end > 0 ? (double)train.steps : 0);
    sgm__set(c, "train.key0", trainer->key.k[0]), sgm__set(c, "train.key1", trainer->key.k[1]);
    sgm__set(c, "train.ema0", train.ema[0]), sgm__set(c, "train.ema1", train.ema[1]);
    sgm__set(c, "train.ema2", train.ema[2]), sgm__set(c, "train.ema3", train.ema[3]);
    sgm__set(c, "train.step", (double)trainer->step);
    sgm__set(c, "train.slow_loss", trainer->slow_loss);
    if (trainer->held) SGM__SET(train.patience), sgm__set(c, "train.held", (double)trainer->held);
    SGM__SET(loss.objective), SGM__SET(loss.directions), SGM__SET(loss.probe), SGM__SET(loss.scale);
    SGM__SET(loss.min_snr), SGM__SET(loss.sigma_data), SGM__SET(loss.mean), SGM__SET(loss.std);
    sgm__set(c, "loss.grid", grid);
}

/* Parameters are stored tensor by tensor, as `raw/linear0.weight` and `ema0/linear0.weight`, for
any reader of safetensors to use; what only a resume needs is stored as one block. */
static void sgm__record_add(
    sgm__record *c, const char *kind, const char *name, float *data, long rows, long cols) {
    sgm_array *a = &c->arrays[c->n_arrays];
    snprintf(c->names[c->n_arrays], sizeof *c->names, "%s%s", kind, name);
    a->name = c->names[c->n_arrays++], a->data = data, a->rows = rows, a->cols = cols;
}

/* What a resume must know of the looks, as floats: a count is the sum of two. */
static void sgm__held_state(const sgm_trainer *trainer) {
    float *to = trainer->watch->state;
    sgm__to_three(to, trainer->best_step ? trainer->best_loss : 0);
    sgm__to_three(to + 3, trainer->best_step ? trainer->held_loss : 0), to += 6;
    *to++ = (float)(trainer->best_step >> 20), *to++ = (float)(trainer->best_step & 0xfffff);
    *to = (float)trainer->watch->worse;
}

static void sgm__held_resume(sgm_trainer *trainer) {
    const float *f = trainer->watch->state;
    trainer->best_step = (long)f[6] * 0x100000 + (long)f[7], trainer->watch->worse = (long)f[8];
    if (trainer->best_step == 0) return;
    trainer->best_loss = sgm__of_three(f), trainer->held_loss = sgm__of_three(f + 3);
    trainer->stopped = trainer->o.patience > 0 && trainer->watch->worse >= trainer->o.patience;
}

static sgm_status sgm__record_init(sgm__record *c, const sgm_model *model, const sgm_trainer *run) {
    static const char *const kinds[1 + SGM_MAX_EMA] = {"raw/", "ema0/", "ema1/", "ema2/", "ema3/"};
    const size_t room = (size_t)model->n_layers * (size_t)(1 + model->o.n_ema) + 12;
    const sgm_scaler *scaler = model->o.scaler;
    const int d = scaler ? scaler->d : 0, is_table = model->o.sde.curve == sgm__table_curve;
    const sgm_ddpm *table = is_table ? (const sgm_ddpm *)model->o.sde.user : NULL;
    memset(c, 0, sizeof *c);
    if (table && table->integral) c->n_table = table->n + 1;
    sgm__settings(c, model->o, run);
    sgm__set_text(c, "sgm.version", SGM_VERSION);
    sgm__set_text(c, "model.operations", model->operations);
    sgm__set(c, "model.n_ema", model->o.n_ema);
    sgm__set_net(c, model);
    c->arrays = (sgm_array *)sgm__alloc(
        room * (sizeof *c->arrays + sizeof *c->names) +
            ((size_t)d * 6 + (size_t)c->n_table * 3) * sizeof(float), 1);
    if (!c->arrays) return SGM_NO_MEMORY;
    c->names = (char(*)[64])(void *)(c->arrays + room);
    c->scaler = (float *)(void *)(c->names + room), c->table = c->scaler + (size_t)d * 6;
    for (int which = SGM_RAW; which < model->o.n_ema; which++)
        for (const struct sgm_layer *l = model->layers; l < model->layers + model->n_layers; l++)
            sgm__record_add(c, kinds[which + 1], l->name,
                (which < 0 ? model->params : model->ema[which]) + l->offset, l->rows, l->cols);
    if (run) sgm__record_add(c, "adam/", "m", run->moment1, 1, (long)model->n_params);
    if (run && run->o.optimiser != SGM_OPTIMISER_SGD)
        sgm__record_add(c, "adam/", "v", run->moment2, 1, (long)model->n_params);
    if (run && run->watch) {
        sgm__held_state(run);
        sgm__record_add(c, "held/", "state", run->watch->state, 1, 9);
        sgm__record_add(
            c, "held/", "best", run->watch->best, 1 + model->o.n_ema, (long)model->n_params);
    }
    if (scaler) sgm__record_add(c, "", "scaler", c->scaler, 2 * d, 3);
    for (int i = 0; i < 2 * d; i++)
        sgm__to_three(c->scaler + 3 * i, i < d ? scaler->shift[i] : scaler->scale[i - d]);
    for (int i = 0; i < c->n_table; i++) sgm__to_three(c->table + 3 * i, table->integral[i]);
    return SGM_OK;
}

/* Whether a setting may differ: where a file is read for more than it was made with, or the setting
is only said for sgm_model_open, or it belongs to what a file of 0.1.0 did not say. */
static int sgm__may_differ(const char *name, const char *there, const sgm_model *model) {
    if (!strncmp(name, "net", 3) || !strcmp(name, "sgm.version")) return 1;
    if (!strcmp(name, "model.n_ema") || !strcmp(name, "train.step")) return 1;
    if (!strcmp(name, "train.slow_loss") || !strcmp(name, "train.data")) return 1;
    if (!strcmp(name, "model.sigma_data")) return model->measure;
    return !strcmp(name, "model.operations") && !there;
}

/* "operation 3 is `relu`, but here `silu`", from two texts of §3.16. */
static sgm_status sgm__operations_differ(const char *path, const char *there, const char *here) {
    int from = 0, a = 0, b = 0;
    for (int i = 0; there[i] && there[i] == here[i]; i++)
        if (there[i] == ';') from = i + 2;
    while (there[from + a] && there[from + a] != ';' && a < 100) a++;
    while (here[from + b] && here[from + b] != ';' && b < 100) b++;
    return sgm__fail(SGM_MISMATCH,
        "%s is of a network that does \"%.*s\" where this one does \"%.*s\": make them the same, "
        "or open the file with sgm_model_open",
        path, a, there + from, b, here + from);
}

/* The step may differ, but must be one. */
static sgm_status sgm__fits(
    const sgm__record *c, const sgm_archive *file, const char *path, const sgm_model *model) {
    const int has = sgm_archive_find(file, "scaler") != NULL;
    for (int i = 0; i < c->n_meta; i++) {
        const char *name = c->meta[2 * i], *here = c->meta[2 * i + 1];
        const char *there = sgm_archive_meta(file, name);
        if (!there && !strcmp(name, "model.cond_image")) there = "0"; /* of 0.1.0 */
        const size_t is_step = strcmp(name, "train.step") == 0, n = there ? strlen(there) : 0;
        if (!is_step && sgm__may_differ(name, there, model)) continue;
        if (n == 0 || (is_step && (n > 15 || strspn(there, "0123456789") < n)))
            return sgm__fail(SGM_BAD_FILE,
                "%s has no sound %s: take a file that was saved as what you load", path, name);
        if (!strcmp(name, "model.operations") && strcmp(there, here))
            return sgm__operations_differ(path, there, here);
        if (!is_step && strcmp(there, here))
            return sgm__fail(SGM_MISMATCH, "%s has %s = %s, but here it is %s: make them equal",
                path, name, there, here);
    }
    if (has != (model->o.scaler != NULL))
        return sgm__fail(SGM_MISMATCH, "%s was trained %s a scaler, and this model is made %s: %s",
            path, has ? "with" : "without", has ? "without" : "with",
            has ? "set scaler in its options, to one of zeros for example" : "set scaler to NULL");
    for (const sgm_array *here = c->arrays; here < c->arrays + c->n_arrays; here++) {
        const sgm_array *there = sgm_archive_find(file, here->name);
        if (!there || there->rows != here->rows || there->cols != here->cols)
            return sgm__fail(SGM_MISMATCH,
                "%s has no %s of (%ld, %ld): make network, averages (n_ema) and scaler the same",
                path, here->name, here->rows, here->cols);
        if (sgm__first_bad(there->data, (size_t)there->rows * (size_t)there->cols) >= 0)
            return sgm__fail(SGM_NOT_FINITE,
                "%s has a number in %s that is not finite: take an earlier file", path, here->name);
    }
    return SGM_OK;
}

/* A number as sgm__number_text wrote it, whatever point the user's locale wants; NaN if it is
none. */
static double sgm__text_number(const char *text) {
    char half[16], copy[64], *end;
    size_t n = 0;
    if (!text || strlen(text) > 40) return NAN;
    snprintf(half, sizeof half, "%.1f", 0.5);
    half[strcspn(half + 1, "5") + 1] = 0;
    for (; *text; text++) {
        if (*text != '.') copy[n++] = *text;
        else
            for (const char *p = half + 1; *p; p++) copy[n++] = *p;
    }
    copy[n] = 0;
    double x = strtod(copy, &end);
    return n && !*end ? x : NAN;
}

/* (C.1) does not cover the settings, where a changed digit would go unseen. Here each pair, and
each name of an array, is hashed alone, and the sum is kept: other programs write them in another
order. */
static void sgm__settings_hash(
    char text[17], const char *const *meta, int n_meta, const sgm_array *arrays, int n_arrays) {
    uint64_t sum = 0;
    for (int i = 0; i < n_meta; i++) {
        const char *key = meta[2 * i], *value = meta[2 * i + 1];
        if (strstr(key, "checksum")) continue;
        uint64_t h = sgm__fnv(1, (const unsigned char *)key, strlen(key) + 1);
        sum += sgm__fnv(h, (const unsigned char *)value, strlen(value));
    }
    for (const sgm_array *a = arrays; a < arrays + n_arrays; a++)
        sum += sgm__fnv(1, (const unsigned char *)a->name, strlen(a->name));
    snprintf(text, 17, "%016llx", (unsigned long long)sum);
}

static sgm_status sgm__model_file(sgm_archive *file, const char *path) {
    char text[17];
    SGM__TRY(sgm_archive_load(file, path));
    const char *saved = sgm_archive_meta(file, "model.checksum");
    sgm__settings_hash(text, file->meta, file->n_meta, file->arrays, file->n_arrays);
    if (!saved || !strcmp(saved, text)) return SGM_OK;
    sgm_archive_free(file);
    return sgm__fail(SGM_BAD_FILE,
        "%.150s is damaged: its settings lack their checksum; take another copy, or drop "
        "model.checksum if you changed them",
        path);
}

static sgm_status sgm__save(const sgm_model *model, const sgm_trainer *trainer, const char *path,
    const sgm_fitted *fitted) {
    if (!model || !model->params)
        return sgm__bad("there is no model to save: look at what sgm_model_init returned");
    sgm__record c;
    float moments[9];
    char checksum[17];
    const double number[3] = {model->rms, model->fourth, model->reach};
    SGM__TRY(sgm__record_init(&c, model, trainer));
    for (int i = 0; i < 3; i++) sgm__to_three(moments + 3 * i, number[i]);
    if (model->rms > 0) sgm__record_add(&c, "", "data", moments, 1, 9);
    if (c.n_table) sgm__record_add(&c, "", "ddpm", c.table, c.n_table, 3);
    char *memory = NULL;
    sgm_status status = fitted ? sgm__record_fitted(&c, fitted, &memory) : SGM_OK; /* §H.8 */
    sgm__settings_hash(checksum, c.meta, c.n_meta, c.arrays, c.n_arrays);
    sgm__set_text(&c, "model.checksum", checksum);
    if (!status) status = sgm_archive_save(path, c.arrays, c.n_arrays, c.meta, c.n_meta);
    sgm__free(c.arrays), sgm__free(memory);
    return status;
}

/* What samples are compared with, as a file has it: 0 if it does not, as before they were kept. */
static void sgm__file_moments(const sgm_archive *file, double number[3]) {
    const sgm_array *data = sgm_archive_find(file, "data");
    const int has = data && data->rows == 1 && data->cols == 9 && sgm__first_bad(data->data, 9) < 0;
    for (int i = 0; i < 3; i++)
        number[i] = has ? fabs(sgm__of_three(data->data + 3 * i)) : 0;
}

/* What a checkpoint must have beside its settings: points held out where the run holds some; and
for sgm_train to go on from it unasked, the same data, conditions and labels, as many averages, and
no more steps than the run has. */
static sgm_status sgm__run_fits(
    const sgm_trainer *trainer, const sgm_archive *file, const char *path) {
    const double here[3] = {trainer->model->rms, trainer->model->fourth, trainer->model->reach};
    const char *held = sgm_archive_meta(file, "train.held");
    double step = sgm__text_number(sgm_archive_meta(file, "train.step")), there[3];
    int same = 1;
    if (!(step >= 0)) return SGM_OK; /* no checkpoint, as sgm__fits will say */
    if (!held != !trainer->held)
        return sgm__fail(SGM_MISMATCH,
            "%s held %s points out, but here %ld are: set held_out to %.9g", path,
            held ? held : "no", trainer->held, held ? atof(held) / (double)trainer->n : -1);
    if (path != trainer->o.checkpoint) return SGM_OK;
    if (step > (double)trainer->o.steps)
        return sgm__fail(SGM_MISMATCH, "%s has done %.0f steps, more than the %ld of this run: "
                                       "raise steps", path, step, trainer->o.steps);
    sgm__file_moments(file, there);
    for (int i = 0; i < 3 && there[0] > 0; i++)
        same &= fabs(there[i] - here[i]) <= 1e-9 * here[i];
    const double hash = sgm__text_number(sgm_archive_meta(file, "train.data"));
    const double n_ema = sgm__text_number(sgm_archive_meta(file, "model.n_ema"));
    if (same && n_ema > trainer->model->o.n_ema) /* they would be lost with the next file */
        return sgm__fail(SGM_MISMATCH, "%s has %.0f averages where this model has %d: set n_ema to "
                                       "%.0f", path, n_ema, trainer->model->o.n_ema, n_ema);
    if (same && hash >= 0 && hash != sgm__data_hash(trainer))
        return sgm__fail(SGM_MISMATCH,
            "%s is of a run on other data, conditions or labels: bring those, in the same order",
            path);
    if (same) return SGM_OK;
    return sgm__fail(SGM_MISMATCH,
        "%s is of a run on other data, of root mean square %.7g where these have %.7g: bring those",
        path, there[0], here[0]);
}

/* First all is checked, then all is copied: a file that does not fit changes nothing. */
static sgm_status sgm__load_from(
    sgm_model *model, sgm_trainer *trainer, const sgm_archive *file, const char *path) {
    sgm__record c;
    double moments[3];
    sgm_scaler *scaler = model->o.scaler, fresh;
    const int d = model->o.d, empty = scaler && scaler->d == 0 && sgm_archive_find(file, "scaler");
    float *zeros = empty ? (float *)sgm__alloc((size_t)d, sizeof *zeros) : NULL;
    sgm_status status = empty && !zeros ? SGM_NO_MEMORY : SGM_OK;
    if (zeros) status = sgm_scaler_init(&fresh, zeros, 1, d);
    sgm__free(zeros);
    const int channels = scaler ? scaler->channels : 0; /* taken back if the file does not fit */
    if (empty && status == SGM_OK) *scaler = fresh;
    if (!status) status = sgm__record_init(&c, model, trainer);
    if (!status) {
        status = sgm__fits(&c, file, path, model);
        for (sgm_array *a = c.arrays; !status && a < c.arrays + c.n_arrays; a++)
            memcpy(a->data, sgm_archive_find(file, a->name)->data,
                (size_t)a->rows * (size_t)a->cols * sizeof(float));
        for (int i = 0; !status && scaler && i < 2 * d; i++)
            *(i < d ? &scaler->shift[i] : &scaler->scale[i - d]) = sgm__of_three(c.scaler + 3 * i);
        sgm__free(c.arrays);
    }
    if (status != SGM_OK) {
        if (empty && scaler->d) sgm_scaler_free(scaler), scaler->channels = channels;
        return status;
    }
    if (trainer) {
        trainer->step = atol(sgm_archive_meta(file, "train.step"));
        trainer->slow_loss = sgm__text_number(sgm_archive_meta(file, "train.slow_loss"));
    }
    if (trainer && trainer->watch) sgm__held_resume(trainer);
    sgm__file_moments(file, moments);
    model->rms = moments[0], model->fourth = moments[1], model->reach = moments[2];
    if (model->measure) {
        model->o.sigma_data = sgm__text_number(sgm_archive_meta(file, "model.sigma_data"));
        model->measure = 0;
    }
    return SGM_OK;
}

static sgm_status sgm__load(sgm_model *model, sgm_trainer *trainer, const char *path) {
    sgm_archive file;
    if (!model || !model->params)
        return sgm__bad("a file is loaded into a model: call sgm_model_init first, or "
                        "sgm_model_open");
    SGM__TRY(sgm__model_file(&file, path));
    sgm_status status = SGM_OK;
    if (trainer) status = sgm__run_fits(trainer, &file, path);
    if (status == SGM_OK) status = sgm__load_from(model, trainer, &file, path);
    sgm_archive_free(&file);
    return status;
}

/* A setting of a file as a number of 0 to `most`. */
static int sgm__file_int(const sgm_archive *file, const char *name, double most, int *bad) {
    double x = sgm__text_number(sgm_archive_meta(file, name));
    if (x >= 0 && x <= most && x == (double)(int)x) return (int)x;
    *bad = 1;
    return 0;
}

#define SGM__GET(x, most) x = sgm__file_int(file, #x, most, bad)

static void sgm__file_diffusers(const sgm_archive *file, sgm__opened *own, int d, int *bad) {
    sgm_diffusers net;
    memset(&net, 0, sizeof net);
    SGM__GET(net.h, 1e8), SGM__GET(net.w, 1e8), SGM__GET(net.channels, 1e8);
    SGM__GET(net.levels, 8), SGM__GET(net.layers, 8), SGM__GET(net.groups, 1e8);
    const int down = sgm__file_int(file, "net.down", (1 << net.levels) - 1, bad);
    const int up = sgm__file_int(file, "net.up", (1 << net.levels) - 1, bad);
    for (int i = 0; i < net.levels; i++) {
        net.width[i] = sgm__file_int(file, sgm__widths[i], 1e8, bad);
        net.down[i] = down >> i & 1, net.up[i] = up >> i & 1;
    }
    SGM__GET(net.no_middle, 1), SGM__GET(net.pad_after, 1), SGM__GET(net.sin_first, 1);
    SGM__GET(net.freq_shift, 1), SGM__GET(net.head, 1e8);
    if (net.head == 0) net.head = -1;
    net.dropout = (float)sgm__text_number(sgm_archive_meta(file, "net.dropout"));
    net.eps = sgm__text_number(sgm_archive_meta(file, "net.eps"));
    net.steps = sgm__text_number(sgm_archive_meta(file, "net.steps"));
    *bad |= sgm__diffusers_of(&own->diffusers, &net, d) != NULL;
}

/* The table of sgm_ddpm_sde: ∫β, which starts at 0 and never falls. */
static sgm_status sgm__file_table(
    const sgm_archive *file, sgm__opened *own, sgm_sde *sde, int *bad) {
    const sgm_array *a = sgm_archive_find(file, "ddpm");
    if (!a || sde->family != SGM_FAMILY_USER_BETA) return SGM_OK;
    if (a->cols != 3 || a->rows < 5 || a->rows > 1000001) return *bad = 1, SGM_OK;
    double *B = own->table.integral = (double *)sgm__alloc((size_t)a->rows, sizeof *B);
    if (!B) return SGM_NO_MEMORY;
    for (long k = 0; k < a->rows; k++) {
        B[k] = sgm__of_three(a->data + 3 * k);
        *bad |= !(k ? B[k] >= B[k - 1] && B[k] < 1e30 : B[k] == 0);
    }
    own->table.n = (int)a->rows - 1, sde->curve = sgm__table_curve, sde->user = &own->table;
    return SGM_OK;
}

static void sgm__file_net(const sgm_archive *file, sgm__opened *own, int image, int *bad) {
    if (!image) {
        sgm_mlp_options net;
        memset(&net, 0, sizeof net);
        SGM__GET(net.width, 1e8), SGM__GET(net.depth, 1e6), SGM__GET(net.embedding_width, 1e8);
        net.activation =
            (sgm_activation)sgm__file_int(file, "net.activation", SGM_ACTIVATION_SIGMOID, bad);
        net.embedding =
            (sgm_embedding)sgm__file_int(file, "net.embedding", SGM_EMBEDDING_LEARNED, bad);
        net.dropout = (float)sgm__text_number(sgm_archive_meta(file, "net.dropout"));
        net.shortcut = sgm__file_int(file, "net.shortcut", 1, bad) ? 1 : -1;
        own->mlp = net;
    } else {
        sgm_image_net net;
        SGM__GET(net.h, 1e8), SGM__GET(net.w, 1e8), SGM__GET(net.channels, 1e8);
        SGM__GET(net.width, 1e8), SGM__GET(net.depth, 1e6), SGM__GET(net.heads, 1e6);
        SGM__GET(net.patch, 1e6), SGM__GET(net.groups, 1e6);
        own->image = net;
    }
}

static void sgm__file_model(const sgm_archive *file, sgm_model_options *o, int *bad) {
    sgm_model_options model = *o;
    sgm_sde sde = model.sde;
    SGM__GET(model.d, 1e9), SGM__GET(model.energy, 1), SGM__GET(model.cond, 1e9);
    SGM__GET(model.classes, 1e9), SGM__GET(model.n_ema, SGM_MAX_EMA);
    if (sgm_archive_meta(file, "model.cond_image")) SGM__GET(model.cond_image, 1e9);
    model.output = (sgm_output)(sgm__file_int(file, "model.output", SGM_OUTPUT_EDM_F - 1, bad) + 1);
    if (model.classes) model.output = SGM_OUTPUT_AUTO;
    sde.family = (sgm_family)sgm__file_int(file, "sde.family", SGM_FAMILY_USER_SIGMA2, bad);
    sde.a = sgm__text_number(sgm_archive_meta(file, "sde.a"));
    sde.b = sgm__text_number(sgm_archive_meta(file, "sde.b"));
    sde.t_min = sgm__text_number(sgm_archive_meta(file, "sde.t_min"));
    sde.T = sgm__text_number(sgm_archive_meta(file, "sde.T"));
    model.sigma_data = sgm__text_number(sgm_archive_meta(file, "model.sigma_data"));
    model.sde = sde, *o = model;
}

static sgm_status sgm__open_from(sgm_model *model, const sgm_archive *file, const char *path) {
    const char *net = sgm_archive_meta(file, "net");
    int i = 0, bad = 0;
    sgm_model_options o;
    memset(&o, 0, sizeof o);
    while (net && i < SGM__N_READY && strcmp(net, sgm__ready[i].name)) i++;
    if (!net || i == SGM__N_READY)
        return sgm__fail(SGM_MISMATCH,
            "%s names no ready network: make the model with sgm_model_init, then sgm_model_load",
            path);
    sgm__opened *own = (sgm__opened *)sgm__alloc(1, sizeof *own);
    if (!own) return SGM_NO_MEMORY;
    sgm__file_model(file, &o, &bad);
    const int width = sgm__ready[i].width;
    if (width < 0) sgm__file_diffusers(file, own, o.d, &bad);
    else sgm__file_net(file, own, width, &bad);
    o.net = sgm__ready[i].net;
    o.user = width < 0 ? (void *)&own->diffusers : width ? (void *)&own->image : (void *)&own->mlp;
    if (sgm_archive_find(file, "scaler")) o.scaler = &own->scaler;
    sgm_status status = sgm__file_table(file, own, &o.sde, &bad);
    if (bad) status = sgm__fail(SGM_BAD_FILE, "%s has a setting of its model that is none", path);
    else if (!status && o.sde.family >= SGM_FAMILY_USER_BETA && !o.sde.curve)
        status = sgm__fail(SGM_MISMATCH,
            "%s has a curve of its maker's: sgm_model_init with that curve, then sgm_model_load",
            path);
    if (status == SGM_OK) status = sgm_model_init(model, &o, sgm_key_init(0));
    if (status != SGM_OK) return sgm_ddpm_free(&own->table), sgm__free(own), status;
    model->own = own;
    return sgm__load_from(model, NULL, file, path);
}

SGM_API sgm_status sgm_model_open(sgm_model *model, const char *path) {
    sgm_archive file;
    if (!model) return sgm__bad("sgm_model_open needs a model to fill");
    memset(model, 0, sizeof *model);
    SGM__TRY(sgm__model_file(&file, path));
    sgm_status status = sgm__open_from(model, &file, path);
    sgm_archive_free(&file);
    if (status != SGM_OK && model->params) sgm_model_free(model);
    return status;
}

SGM_API sgm_status sgm_trainer_save(const sgm_trainer *trainer, const char *path) {
    SGM__TRY(sgm__trainer_made(trainer));
    return sgm__save(trainer->model, trainer, path, NULL);
}
SGM_API sgm_status sgm_trainer_load(sgm_trainer *trainer, const char *path) {
    SGM__TRY(sgm__trainer_made(trainer));
    return sgm__load(trainer->model, trainer, path);
}
SGM_API sgm_status sgm_model_save(const sgm_model *model, const char *path) {
    return sgm__save(model, NULL, path, NULL);
}
SGM_API sgm_status sgm_model_load(sgm_model *model, const char *path) {
    return sgm__load(model, NULL, path);
}
/*
## §F.9 A run that goes on

With a `checkpoint`, sgm_train looks for that file before its first step. If it is there, the run
goes on from it, or is refused if it belongs to another run: a file is never written over unless it
was read. If it is not, it is written at once, so that a name that cannot be written fails now and
not after an hour. From then on it is written anew every twentieth of the run (or as often as
`checkpoint_every` says: counted in steps and not in minutes, so that two runs write the same files)
and at the end. Each file appears whole or not at all (§C.1), so a crash costs what was done since
the last one. Of several processes (§4.3) rank 0 writes, and all read.

A finished run goes on if `steps` is raised. It ends in the same bits as one that was longer from
the start, with two exceptions, which are said where they meet: a rate that falls to the last step
depends on how many there are, so another number is refused; and with points held out, the last look
of the shorter run is one that the longer would not have taken.
*/
static int sgm__is_absent(const char *path) {
#if defined(SGM_NO_STDIO)
    return (void)path, 0;
#elif defined(SGM__UNIX)
    struct stat st;
    return stat(path, &st) && errno == ENOENT;
#else
    FILE *file = fopen(path, "rb");
    if (file) fclose(file);
    return !file && errno == ENOENT;
#endif
}

static sgm_status sgm__train_resume(sgm_trainer *trainer) {
    const char *path = trainer->o.checkpoint;
    char why[512];
    if (!path) return SGM_OK;
    if (sgm__is_absent(path)) return trainer->o.rank ? SGM_OK : sgm_trainer_save(trainer, path);
    sgm_status status = sgm_trainer_load(trainer, path);
    if (status == SGM_OK) return SGM_OK;
    snprintf(why, sizeof why, "%s", sgm_error());
    return sgm__fail(status, "%s; or set checkpoint to a new file", why);
}

static sgm_status sgm__train_checkpoint(const sgm_trainer *trainer) {
    const sgm_train_options *o = &trainer->o;
    long every = o->checkpoint_every > 0 ? o->checkpoint_every : (o->steps + 19) / 20;
    if (!o->checkpoint || o->rank) return SGM_OK;
    if (trainer->step % every && !sgm_trainer_done(trainer)) return SGM_OK;
    return sgm_trainer_save(trainer, o->checkpoint);
}

/*
## §F.10 A network that another program trained

`UNet2DModel` of HuggingFace's diffusers is a U-Net of the tape's operations in another order:
several residual blocks a level, each of which keeps its result for the way up; attention among the
pixels, on the levels that have it; the time added to the channels between two convolutions. So one
function builds it. On a tape, it is a network like any other, to be sampled or trained. Without a
tape, which every operation passes over, it only tells the layers, in order, by the package's names;
that is what a file is read by. Its numbers need two exchanges, for torch keeps an image as channel,
row, column and a layer's weights as (out, in, rows, columns), where here $W$ is (rows·columns·in,
out). Three options need a thought:

- `norm_eps`. The norm of x with ε is that of $x \sqrt{10^{−5}/ε}$ with $10^{−5}$.
- `downsample_padding` 0. The window of an output is then that of row 2a to 2a + 2, not from 2a − 1.
  Seen upside down and from behind, where rows and columns count from the other end, the windows of
  an even number of rows lie as (3.12) has them. All else commutes with turning the image by 180°.
  So the image is turned when it comes and when it goes, and every 3 × 3 kernel when it is read.
- Timesteps. $x_k$ of the package has k + 1 steps of noise, and the clean image none: t = k + 1.
  Its waves are $\sin k ω_j$ and $\cos k ω_j$ with ω in floats: a k of 999 would show their error.
*/
typedef struct sgm__unit { /* a layer: its weight and its bias */
    char name[80];
    int in, out, kernel; /* 0: a norm */
} sgm__unit;

typedef struct sgm__builder {
    sgm_tape *tape;
    const sgm_diffusers *o;
    sgm_tensor *time, *skip[80];
    sgm__unit *units; /* to be told, or NULL */
    int turns, n_units, h, w, channels, n_skips, skip_channels[80];
    char at[48]; /* the block */
} sgm__builder;

static void sgm__enter(sgm__builder *b, const char *format, int i, int j) {
    if (b->units) snprintf(b->at, sizeof b->at, format, i, j);
}

static void sgm__unit_is(sgm__builder *b, const char *name, int in, int out, int kernel) {
    sgm__unit *u = b->units ? &b->units[b->n_units] : NULL;
    b->n_units++;
    if (!u) return;
    snprintf(u->name, sizeof u->name, "%s%s", b->at, name);
    u->in = in, u->out = out, u->kernel = kernel;
}

static sgm_tensor *sgm__unit_conv(
    sgm__builder *b, sgm_tensor *x, const char *name, int in, int out, int kernel, int stride) {
    sgm__unit_is(b, name, in, out, kernel);
    return sgm_conv2d(b->tape, x, b->h, b->w, out, kernel, stride);
}

static sgm_tensor *sgm__unit_linear(
    sgm__builder *b, sgm_tensor *x, const char *name, int in, int out) {
    sgm__unit_is(b, name, in, out, 1);
    return sgm_linear(b->tape, x, out);
}

static sgm_tensor *sgm__unit_norm(
    sgm__builder *b, sgm_tensor *x, const char *name, int channels, int silu) {
    sgm__unit_is(b, name, 1, channels, 0);
    if (b->o->eps != 1e-5) x = sgm_mul_by(b->tape, x, (float)sqrt(1e-5 / b->o->eps));
    const int how = SGM_NORM_OWN | (silu ? SGM_NORM_SILU : 0);
    return sgm_group_norm(b->tape, x, b->h, b->w, b->o->groups, how, NULL, NULL);
}

static sgm_tensor *sgm__unit_block(sgm__builder *b, sgm_tensor *x, int in, int out) {
    sgm_tensor *y = sgm__unit_norm(b, x, ".norm1", in, 1);
    y = sgm__unit_conv(b, y, ".conv1", in, out, 3, 1);
    sgm_tensor *time = sgm__unit_linear(b, b->time, ".time_emb_proj", 4 * b->o->width[0], out);
    if (y && time) y = sgm__norm(b->tape, "shift", y, out, 0, NULL, time, 0, 0);
    y = sgm__unit_norm(b, y, ".norm2", out, 1);
    if (b->o->dropout > 0) y = sgm_dropout(b->tape, y, b->o->dropout);
    y = sgm__unit_conv(b, y, ".conv2", out, out, 3, 1);
    if (in != out) x = sgm__unit_conv(b, x, ".conv_shortcut", in, out, 1, 1);
    b->channels = out;
    return sgm_add(b->tape, x, y);
}

static sgm_tensor *sgm__unit_attention(sgm__builder *b, sgm_tensor *x) {
    const int c = b->channels, head = b->o->head < 0 ? c : b->o->head;
    sgm_tensor *y = sgm__unit_norm(b, x, ".group_norm", c, 0);
    if (y) y = sgm_patchify(b->tape, y, b->h, b->w, 1);
    sgm_tensor *q = sgm__unit_linear(b, y, ".to_q", c, c);
    sgm_tensor *k = sgm__unit_linear(b, y, ".to_k", c, c);
    sgm_tensor *v = sgm__unit_linear(b, y, ".to_v", c, c);
    if (y) y = sgm_attention(b->tape, q, k, v, b->h * b->w, c / head);
    y = sgm__unit_linear(b, y, ".to_out.0", c, c);
    if (y) y = sgm_unpatchify(b->tape, y, b->h, b->w, 1);
    return sgm_add(b->tape, x, y);
}

static void sgm__keep_skip(sgm__builder *b, sgm_tensor *x) {
    b->skip[b->n_skips] = x, b->skip_channels[b->n_skips++] = b->channels;
}

static sgm_tensor *sgm__way_down(sgm__builder *b, sgm_tensor *x) {
    const sgm_diffusers *o = b->o;
    for (int i = 0; i < o->levels; i++) {
        for (int j = 0; j < o->layers; j++) {
            sgm__enter(b, "down_blocks.%d.resnets.%d", i, j);
            x = sgm__unit_block(b, x, b->channels, o->width[i]);
            sgm__enter(b, "down_blocks.%d.attentions.%d", i, j);
            if (o->down[i]) x = sgm__unit_attention(b, x);
            sgm__keep_skip(b, x);
        }
        if (i + 1 == o->levels) break;
        sgm__enter(b, "down_blocks.%d.downsamplers.%d", i, 0);
        x = sgm__unit_conv(b, x, ".conv", b->channels, b->channels, 3, 2);
        b->h /= 2, b->w /= 2;
        sgm__keep_skip(b, x);
    }
    return x;
}

static sgm_tensor *sgm__way_up(sgm__builder *b, sgm_tensor *x) {
    const sgm_diffusers *o = b->o;
    for (int i = 0; i < o->levels; i++) {
        for (int j = 0; j <= o->layers; j++) {
            const int n = --b->n_skips, in = b->channels + b->skip_channels[n];
            if (x) x = sgm_concat_channels(b->tape, x, b->skip[n], b->h, b->w);
            sgm__enter(b, "up_blocks.%d.resnets.%d", i, j);
            x = sgm__unit_block(b, x, in, o->width[o->levels - 1 - i]);
            sgm__enter(b, "up_blocks.%d.attentions.%d", i, j);
            if (o->up[i]) x = sgm__unit_attention(b, x);
        }
        if (i + 1 == o->levels) break;
        if (x) x = sgm_upsample(b->tape, x, b->h, b->w);
        b->h *= 2, b->w *= 2;
        sgm__enter(b, "up_blocks.%d.upsamplers.%d", i, 0);
        x = sgm__unit_conv(b, x, ".conv", b->channels, b->channels, 3, 1);
    }
    return x;
}

/* The image turned by 180 degrees. */
static sgm_tensor *sgm__turned(sgm_tape *tape, sgm_tensor *x, int h, int w) {
    sgm__shape s;
    const long c = x ? x->cols / ((long)h * w) : 0, line = w * c, size = h * line;
    const long n[] = {x ? x->rows : 0, h, w, 1, c}, from[] = {size, line, c, 0, 1};
    const long to[] = {size, -line, -c, 0, 1};
    if (!tape || !x) return NULL;
    memset(&s, 0, sizeof s), s.h = h, s.w = w, s.start[0] = size - c;
    sgm__loops(&s, 0, n, from, to);
    return sgm__shaped(tape, "turned", sgm__op_walk, x->rows, x->cols, x, NULL, NULL, &s);
}

static sgm_tensor *sgm__diffusers_build(sgm__builder *b, sgm_tensor *x, sgm_tensor *time) {
    const sgm_diffusers *o = b->o;
    const int width = 4 * o->width[0];
    b->h = o->h, b->w = o->w, b->channels = o->width[0], b->n_units = b->n_skips = 0;
    b->turns = o->pad_after && o->levels > 1;
    time = sgm__unit_linear(b, time, "time_embedding.linear_1", o->width[0], width);
    time = sgm_silu(b->tape, time);
    time = sgm__unit_linear(b, time, "time_embedding.linear_2", width, width);
    b->time = sgm_silu(b->tape, time);
    if (b->turns) x = sgm__turned(b->tape, x, o->h, o->w);
    x = sgm__unit_conv(b, x, "conv_in", o->channels, o->width[0], 3, 1);
    sgm__keep_skip(b, x);
    x = sgm__way_down(b, x);
    for (int i = 0; i < 2; i++) {
        sgm__enter(b, "mid_block.resnets.%d", i, 0);
        x = sgm__unit_block(b, x, b->channels, b->channels);
        sgm__enter(b, "mid_block.attentions.%d", i, 0);
        if (i == 0 && !o->no_middle) x = sgm__unit_attention(b, x);
    }
    x = sgm__way_up(b, x);
    sgm__enter(b, "", 0, 0);
    x = sgm__unit_norm(b, x, "conv_norm_out", o->width[0], 1);
    x = sgm__unit_conv(b, x, "conv_out", o->width[0], o->channels, 3, 1);
    return b->turns ? sgm__turned(b->tape, x, o->h, o->w) : x;
}

/* The package's defaults for zeros; the field that cannot be, with its cure, or NULL. */
static const char *sgm__diffusers_fault(sgm_diffusers *o) {
    if (o->channels == 0) o->channels = 3;
    if (o->layers == 0) o->layers = 2;
    if (o->groups == 0) o->groups = 32;
    if (o->head == 0) o->head = 8;
    if (o->eps == 0) o->eps = 1e-5;
    if (o->steps == 0) o->steps = 1;
    if (o->levels < 1 || o->levels > 8) return "block_out_channels: needs 1 to 8 levels";
    if (o->layers < 1 || o->layers > 8) return "layers_per_block: needs 1 to 8";
    const int halved = 1 << (o->levels - 1);
    if (o->h < 1 || o->w < 1 || o->channels < 1 || 1e9 < (double)o->h * o->w * o->channels)
        return "sample_size, in_channels: need the height and width of an image, in pixels";
    if (o->h % halved || o->w % halved)
        return "sample_size: each level but the last must halve an even number of pixels";
    if (o->groups < 1 || (o->head < 1 && o->head != -1))
        return "norm_num_groups, attention_head_dim: need 1 or more";
    for (int i = 0; i < o->levels; i++) {
        if (o->width[i] < 4 || o->width[i] > 16384 || o->width[i] % o->groups)
            return "block_out_channels: needs 4 to 16384, which norm_num_groups divides";
        const int middle = i + 1 == o->levels && !o->no_middle;
        const int attends = o->down[i] || o->up[o->levels - 1 - i] || middle;
        if (attends && o->head > 0 && o->width[i] % o->head)
            return "attention_head_dim: must divide block_out_channels where there is attention";
    }
    if (!(o->eps > 1e-30 && o->eps < 1)) return "norm_eps: needs a number between 1e-30 and 1";
    if (!(o->dropout >= 0 && o->dropout < 1)) return "dropout: needs 0 <= dropout < 1";
    if (o->freq_shift < 0 || o->freq_shift > 1) return "freq_shift: needs 0 or 1";
    if (!(fabs(o->steps) < 1e30)) return "steps: needs a finite number";
    return NULL;
}

/* The options of a network for d numbers, with all defaults filled in; what is wrong, or NULL. */
static const char *sgm__diffusers_of(sgm_diffusers *o, const void *user, long d) {
    *o = *(const sgm_diffusers *)user;
    if (o->channels == 0) o->channels = 3;
    if (o->h == 0 && o->channels > 0) {
        o->h = (int)(sqrt((double)d / o->channels) + 0.5);
        if (o->w == 0) o->w = o->h;
    }
    const char *fault = sgm__diffusers_fault(o);
    if (!fault && (double)o->h * o->w * o->channels != d)
        fault = "h, w, channels: their product must be the model's d";
    return fault;
}

SGM_API sgm_tensor *sgm_diffusers_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm__builder b;
    sgm_diffusers o;
    if (!tape || !in || !in->x) return NULL;
    if (!in->user) return sgm_tape_refuse(tape, "sgm_diffusers_net wants user, an sgm_diffusers");
    memset(&b, 0, sizeof b);
    const char *fault = sgm__diffusers_of(&o, in->user, in->x->cols);
    if (!fault && (in->cond || in->image || in->out != in->x->cols))
        fault = "the model: this network has no condition, energy or classes; leave them 0";
    if (fault) return sgm_tape_refuse(tape, "a network of diffusers has a wrong %s", fault);
    b.tape = tape, b.o = &o;
    const int kind = SGM__STEPS + (o.sin_first ? 1 : 0) + 2 * o.freq_shift;
    sgm_tensor *k = sgm__time_features(tape, in->t, o.width[0], (float)o.steps, kind, NULL);
    return sgm__diffusers_build(&b, in->x, k);
}

/*
A configuration is JSON. What it may say is a table: numbers that are taken over, words that must be
these, and the rest is refused by its name: a network that differs in what is not known here would
be read without complaint and say something else.
*/
typedef struct sgm__config {
    sgm__scan j;
    sgm_diffusers o;
    int out, blocks[2], outside; /* out_channels; how many blocks down and up; 1: valid, unknown */
} sgm__config;

#define sgm__outside(c, ...) ((c)->outside |= !*(c)->j.wrong, sgm__scan_bad(&(c)->j, __VA_ARGS__))

/* A value that is no list: its text, and its number, or NaN. A string ends where it stood. */
static const char *sgm__scan_value(sgm__scan *j, char text[48], double *x) {
    sgm__take(j, 0);
    const char *start = j->at, *end;
    text[0] = 0, *x = NAN;
    if (*start == '"') return sgm__scan_string(j), start + 1;
    sgm__scan_skip(j, 0);
    if (*j->wrong) return text;
    snprintf(text, 48, "%.*s", (int)(j->at - start < 40 ? j->at - start : 40), start);
    end = sgm__decimal(text, '.', x);
    if (!end || *end) *x = NAN;
    return text;
}

static void sgm__config_sizes(sgm__config *c, const char *key, int *to, int most) {
    uint64_t size[8];
    const int n = sgm__scan_sizes(&c->j, size, 8, NULL);
    if (n < 1 || n > most) sgm__outside(c, "%s has %d numbers, and can have 1 to %d", key, n, most);
    for (int i = 0; i < n && i < most; i++) to[i] = size[i] < 65536 ? (int)size[i] : 65536;
    if (to == c->o.width) c->o.levels = n;
}

static void sgm__config_blocks(sgm__config *c, const char *key, int up) {
    static const char *const known[2][2] = {
        {"DownBlock2D", "AttnDownBlock2D"}, {"UpBlock2D", "AttnUpBlock2D"}};
    int n = 0;
    if (!sgm__take(&c->j, '[')) sgm__scan_bad(&c->j, "%s is no list", key);
    for (; sgm__more(&c->j, ']', n); n++) {
        const char *name = sgm__scan_string(&c->j);
        const int attends = !*c->j.wrong && !strcmp(name, known[up][1]);
        if (!*c->j.wrong && !attends && strcmp(name, known[up][0]))
            sgm__outside(c, "%s has a %.40s, and only %s and %s are known", key, name, known[up][0],
                known[up][1]);
        if (n < 8) (up ? c->o.up : c->o.down)[n] = attends;
    }
    c->blocks[up] = n;
}

/* The other fields: those that are taken over, and 0; or those that must have one value. */
static int sgm__config_number(sgm__config *c, const char *key, const char *text, double x) {
    sgm_diffusers *o = &c->o;
    const char *const keys[] = {"in_channels", "out_channels", "layers_per_block",
        "norm_num_groups", "attention_head_dim", "freq_shift"};
    int *const to[] = {
        &o->channels, &c->out, &o->layers, &o->groups, &o->head, &o->freq_shift};
    int i = 0;
    if (!strcmp(key, "norm_eps")) o->eps = x > 0 ? x : -1;
    else if (!strcmp(key, "dropout")) o->dropout = x >= 0 && x < 1 ? (float)x : -1;
    else if (!strcmp(key, "flip_sin_to_cos")) o->sin_first = !strcmp(text, "false");
    else if (!strcmp(key, "add_attention")) o->no_middle = !strcmp(text, "false");
    else if (!strcmp(key, "downsample_padding") && (x == 0 || x == 1)) o->pad_after = x == 0;
    else {
        while (i < 6 && strcmp(key, keys[i])) i++;
        if (i == 6) return 0;
        *to[i] = x >= (i < 5) && x <= 65536 && x == floor(x) ? (int)x : -2;
        if (i == 4 && !strcmp(text, "null")) o->head = -1;
    }
    return 1;
}

static void sgm__config_only(sgm__config *c, const char *key, const char *text, double x) {
    static const char *const only[][2] = {{"_class_name", "UNet2DModel"}, {"act_fn", "silu"},
        {"center_input_sample", "false"}, {"downsample_padding", "0 or 1"},
        {"downsample_type", "conv"}, {"mid_block_type", "UNetMidBlock2D"},
        {"resnet_time_scale_shift", "default"}, {"time_embedding_type", "positional"},
        {"upsample_type", "conv"}};
    enum { MOST = sizeof only / sizeof *only };
    int i = 0;
    while (i < MOST && strcmp(key, only[i][0])) i++;
    if (i < MOST && !strcmp(text, only[i][1])) return;
    if (i < MOST) sgm__outside(c, "%.40s is %.40s, and only %s is known", key, text, only[i][1]);
    else if (!strcmp(key, "mid_block_scale_factor") ? x != 1 : *key != '_' && strcmp(text, "null"))
        sgm__outside(c, "%.40s is %.40s, which is not known", key, text);
}

static void sgm__config_scan(sgm__config *c) {
    sgm__scan *j = &c->j;
    char text[48];
    double x;
    if (!sgm__take(j, '{')) sgm__scan_bad(j, "the first { is missing");
    for (int n = 0; sgm__more(j, '}', n); n++) {
        const char *key = sgm__scan_key(j);
        sgm__take(j, 0);
        if (*j->wrong) break;
        if (!strcmp(key, "block_out_channels")) sgm__config_sizes(c, key, c->o.width, 8);
        else if (!strcmp(key, "sample_size") && *j->at == '[')
            sgm__config_sizes(c, key, &c->o.h, 2);
        else if (!strcmp(key, "down_block_types")) sgm__config_blocks(c, key, 0);
        else if (!strcmp(key, "up_block_types")) sgm__config_blocks(c, key, 1);
        else {
            const char *value = sgm__scan_value(j, text, &x);
            if (!strcmp(key, "sample_size")) c->o.h = c->o.w = x >= 1 && x < 65536 ? (int)x : -1;
            else if (!sgm__config_number(c, key, value, x)) sgm__config_only(c, key, value, x);
        }
    }
    if (sgm__take(j, 0) || j->at != j->end) sgm__scan_bad(j, "something follows its end");
    if (c->o.h > 0 && c->o.w == 0) c->o.w = c->o.h;
    if (*j->wrong) return;
    const char *fault = sgm__diffusers_fault(&c->o);
    if (c->blocks[0] != c->o.levels || c->blocks[1] != c->o.levels)
        fault = "block_out_channels, down_block_types, up_block_types: need as many entries each";
    if (c->out != c->o.channels) fault = "out_channels: must be in_channels, for a score of images";
    if (fault) sgm__outside(c, "%s", fault);
}

static sgm_status sgm__config_read(sgm__config *c, sgm__source *s) {
    enum { MOST = 1 << 20 };
    if (s->size > MOST) return sgm__broken(s, "is too large for a config.json: give its folder");
    const size_t n = (size_t)s->size;
    char *text = (char *)sgm__alloc(n + 1, 1);
    memset(c, 0, sizeof *c), c->out = 3;
    if (!text) return SGM_NO_MEMORY;
    sgm_status status = sgm__get(s, text, n);
    c->j.at = text, c->j.end = text + n;
    if (!status && sgm__utf8_bytes(text) < n) sgm__scan_bad(&c->j, "a byte is no UTF-8, or zero");
    if (!status && !*c->j.wrong) sgm__config_scan(c);
    sgm__free(text);
    if (status || !*c->j.wrong) return status;
    if (!c->outside) return sgm__broken(s, "cannot be read: %s; get another copy", c->j.wrong);
    return sgm__fail(SGM_MISMATCH,
        "'%.200s' is of a network that is not built here: %s. Take another checkpoint, or write "
        "the network with the operations of chapter 3",
        s->path, c->j.wrong);
}

/* The weight or the bias of a layer; older files call the four of attention otherwise. */
static const sgm_array *sgm__unit_find(const sgm_archive *file, const sgm__unit *u, int bias) {
    static const char *const names[4][2] = {{".to_q", ".query"}, {".to_k", ".key"},
        {".to_v", ".value"}, {".to_out.0", ".proj_attn"}};
    char name[100];
    const sgm_array *found;
    const size_t n = strlen(u->name);
    snprintf(name, sizeof name, "%s%s", u->name, bias ? ".bias" : ".weight");
    found = sgm_archive_find(file, name);
    for (int i = 0; !found && i < 4; i++) {
        const size_t tail = strlen(names[i][0]);
        if (n < tail || strcmp(u->name + n - tail, names[i][0])) continue;
        snprintf(name, sizeof name, "%.*s%s%s", (int)(n - tail), u->name, names[i][1],
            bias ? ".bias" : ".weight");
        found = sgm_archive_find(file, name);
    }
    return found;
}

/* Every layer is there, in its shape, and nothing else is. */
static sgm_status sgm__units_check(
    const sgm_archive *file, const sgm__builder *b, const char *path) {
    for (int i = 0; i < 2 * b->n_units; i++) {
        const sgm__unit *u = &b->units[i / 2];
        const sgm_array *a = sgm__unit_find(file, u, i % 2);
        const long cols = i % 2 || !u->kernel ? 1 : (long)u->in * u->kernel * u->kernel;
        if (a && a->rows == u->out && a->cols == cols) continue;
        return sgm__fail(SGM_MISMATCH,
            "'%.200s' has %s%s of (%ld, %ld) where its config.json asks for (%d, %ld): get both of "
            "one checkpoint",
            path, u->name, i % 2 ? ".bias" : ".weight", a ? a->rows : 0, a ? a->cols : 0, u->out,
            cols);
    }
    if (file->n_arrays == 2 * b->n_units) return SGM_OK;
    return sgm__fail(SGM_MISMATCH,
        "'%.200s' has %d tensors, and the network of its config.json %d: get both of one "
        "checkpoint",
        path, file->n_arrays, 2 * b->n_units);
}

/* (out, in, rows, columns) → (rows, columns, in, out), turned where the images are. */
static void sgm__units_copy(float *to, const sgm_archive *file, const sgm__builder *b) {
    for (const sgm__unit *u = b->units; u < b->units + b->n_units; u++) {
        const float *w = sgm__unit_find(file, u, 0)->data;
        const long in = u->in, out = u->out, taps = u->kernel ? u->kernel * u->kernel : 1;
        for (long o = 0; o < out; o++)
            for (long c = 0; c < in; c++)
                for (long k = 0; k < taps; k++)
                    to[((b->turns ? taps - 1 - k : k) * in + c) * out + o] = *w++;
        to += taps * in * out;
        memcpy(to, sgm__unit_find(file, u, 1)->data, (size_t)out * sizeof *to);
        to += out;
    }
}

static sgm_status sgm__diffusers_load(sgm_model *model, sgm__builder *b, const char *path,
    const sgm_model_options *options, sgm__opened *own) {
    sgm_archive file;
    sgm_model_options o = *options;
    sgm__diffusers_build(b, NULL, NULL); /* how many layers */
    b->units = (sgm__unit *)sgm__alloc((size_t)b->n_units, sizeof *b->units);
    if (!b->units) return SGM_NO_MEMORY;
    sgm__diffusers_build(b, NULL, NULL);
    SGM__TRY(sgm_archive_load(&file, path));
    sgm_status status = sgm__units_check(&file, b, path);
    o.net = sgm_diffusers_net, o.user = &own->diffusers;
    o.d = own->diffusers.h * own->diffusers.w * own->diffusers.channels;
    if (o.output == SGM_OUTPUT_AUTO) o.output = SGM_OUTPUT_NOISE;
    if (!status) status = sgm_model_init(model, &o, sgm_key_init(0));
    if (!status) sgm__units_copy(model->params, &file, b);
    for (int i = 0; !status && i < o.n_ema; i++)
        memcpy(model->ema[i], model->params, model->n_params * sizeof(float));
    sgm_archive_free(&file);
    return status;
}

SGM_API sgm_status sgm_diffusers_unet(
    sgm_model *model, const char *directory, const sgm_model_options *options) {
    static const char *const names[] = {"config.json", "diffusion_pytorch_model.safetensors"};
    char path[2][1100];
    sgm__source s;
    sgm__config c;
    sgm__builder b;
    if (model) memset(model, 0, sizeof *model);
    if (!model || !directory || !options)
        return sgm__bad("sgm_diffusers_unet needs a model, a directory and options: set their sde");
    if (strlen(directory) > 1000) return sgm__bad("the directory's name is longer than 1000 bytes");
    for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "%s/%s", directory, names[i]);
    sgm_status status = sgm__source_open(&s, path[0], 0);
    if (!status) status = sgm__config_read(&c, &s);
    sgm__source_close(&s);
    if (status) return status;
    sgm__opened *own = (sgm__opened *)sgm__alloc(1, sizeof *own);
    if (!own) return SGM_NO_MEMORY;
    memset(&b, 0, sizeof b), own->diffusers = c.o, b.o = &own->diffusers;
    status = sgm__diffusers_load(model, &b, path[1], options, own);
    sgm__free(b.units);
    if (status) return sgm__free(own), status;
    model->own = own;
    return SGM_OK;
}

/*
DDPM has a table of β and no SDE. The process with $∫_0^{k+1} β = −\sum_{i≤k} \log(1 − β_i)$ at
every whole t is the VP process whose $m²$ there is $\bar α_k$; between them goes a cubic that does
not fall, whatever the table: its slopes at whole t are harmonic means (Fritsch and Butland 1984).
So (1.8) from any timestep to any other is the package's, and (5.8), (7.3) and (7.12) are the steps
of its schedulers.
*/
SGM_API void sgm_ddpm_free(sgm_ddpm *table) {
    if (table) sgm__free(table->integral), memset(table, 0, sizeof *table);
}

SGM_API sgm_status sgm_ddpm_init(sgm_ddpm *table, const double *beta, int n) {
    if (!table) return sgm__bad("sgm_ddpm_init needs a table to fill");
    memset(table, 0, sizeof *table);
    if (n < 4 || n > 1000000) return sgm__bad("a table of %d steps: needs 4 to 1000000", n);
    double *B = table->integral = (double *)sgm__alloc((size_t)n + 1, sizeof *B);
    if (!B) return SGM_NO_MEMORY;
    table->n = n;
    for (int k = 0; k < n; k++) {
        const double b = beta ? beta[k] : 1e-4 + k * (0.02 - 1e-4) / (n - 1);
        if (!(b > 0 && b < 1)) {
            sgm_ddpm_free(table);
            return sgm__bad("beta[%d] = %g: needs numbers between 0 and 1", k, b);
        }
        B[k + 1] = B[k] - sgm__log1p(-b);
    }
    return SGM_OK;
}

static double sgm__table_at(const sgm_ddpm *table, double t, int slope) {
    const int k = (int)fmin(fmax(t, 0), table->n - 1), end = k == table->n - 1;
    const double *B = table->integral + k, u = t - k, d = B[1] - B[0];
    const double l = k ? B[0] - B[-1] : 0, r = end ? 0 : B[2] - B[1];
    const double a = k ? 2 * l * d / (l + d + DBL_MIN) : fmax(0, 1.5 * d - 0.5 * r);
    const double b = !end ? 2 * d * r / (d + r + DBL_MIN) : fmax(0, 1.5 * d - 0.5 * l);
    const double square = 3 * d - 2 * a - b, cube = a + b - 2 * d;
    if (slope) return fmax(0, a + u * (2 * square + 3 * u * cube));
    return B[0] + u * (a + u * (square + u * cube));
}

static double sgm__table_curve(double t, void *table) {
    return sgm__table_at((const sgm_ddpm *)table, t, 0);
}

SGM_API sgm_sde sgm_ddpm_sde(const sgm_ddpm *table) {
    sgm_sde sde = sgm_sde_user_beta(sgm__table_curve, (void *)(uintptr_t)table);
    if (table && table->integral) sde.T = table->n, sde.t_min = 1;
    else sde.curve = NULL; /* sgm_sde_check tells */
    return sde;
}

SGM_API sgm_status sgm_ddpm_times(double *t, int steps, sgm_spacing spacing, int n) {
    if (!t || steps < 1 || steps > n || (int)spacing < 0 || spacing > SGM_SPACING_LINSPACE)
        return sgm__bad("%d of %d timesteps by spacing %d: needs 1 to %d, a place, an sgm_spacing",
            steps, n, (int)spacing, n);
    for (int i = 0; i < steps; i++) {
        const double left = steps - 1 - i, even = steps > 1 ? left * ((n - 1.0) / (steps - 1)) : 0;
        t[i] = spacing == SGM_SPACING_LEADING ? left * (n / steps) + 1
            : spacing == SGM_SPACING_TRAILING ? rint(n - i * ((double)n / steps))
                                              : rint(even) + 1;
    }
    t[steps] = 0;
    return SGM_OK;
}

SGM__WARMLY
/*
# G. Mixtures, samplers, measures

## §G.1 Processes: from λ to t, and numbers that define none

The way back from λ to t inverts $σ = s/m = e^{−λ/2}$: for VP $σ² = e^{∫β} − 1$, for sub-VP
$σ = 2\sinh(½∫β)$. It keeps its digits too where σ² is far below 1, for $1 + σ²$ is never formed.
Where there is no formula, halve the interval of the times until no double is left in it. The bits
of positive doubles, read as integers, are ordered as the doubles are; so halve those, which is as
precise at $10^{−12}$ as at 1.
*/
static double sgm__time_by_halves(const sgm_sde *sde, double logsnr) {
    uint64_t low = 0, high, middle;
    double t = sde->T;
    memcpy(&high, &t, sizeof high);
    while (high - low > 1) {
        middle = low + (high - low) / 2;
        memcpy(&t, &middle, sizeof t);
        if (sgm_sde_logsnr(sde, t) > logsnr) low = middle;
        else high = middle;
    }
    memcpy(&t, &high, sizeof t);
    return low ? t : 0;
}

/* Where the linear ∫β reaches a value: the root of ½(b−a)t² + at = it, without dividing by b−a. */
static double sgm__linear_beta_time(const sgm_sde *sde, double integral) {
    double root = sqrt(sde->a * sde->a + 2 * (sde->b - sde->a) * integral);
    return integral > 0 ? 2 * integral / (sde->a + root) : 0;
}

SGM_API double sgm_sde_t_from_logsnr(const sgm_sde *sde, double logsnr) {
    if (!sde || logsnr != logsnr) return NAN;
    double sigma = sgm__exp(-0.5 * logsnr), square = sigma * sigma, half = 0.5 * sigma, beta, t;
    double root, over = sigma / sde->a;
    switch (sde->family) {
    case SGM_FAMILY_VP: /* ∫β = log(1 + σ²) */
        beta = logsnr < 0 ? sgm__log1p(1 / square) - logsnr : sgm__log1p(square);
        t = sgm__linear_beta_time(sde, beta);
        break;
    case SGM_FAMILY_SUBVP: /* ∫β = 2 arsinh(σ/2) */
        root = sqrt(1 + half * half);
        beta = half < 1 ? sgm__log1p(half + half * half / (1 + root)) : sgm__log(half + root);
        t = sgm__linear_beta_time(sde, 2 * beta);
        break;
    case SGM_FAMILY_VE: t = 0.5 * sgm__log1p(over * over) / sgm__ve_rate(sde); break;
    case SGM_FAMILY_EDM: t = sigma; break;
    case SGM_FAMILY_RECTIFIED: t = sigma / (1 + sigma); break;
    default: t = sgm__time_by_halves(sde, logsnr);
    }
    return t < sde->T ? t : sde->T;
}

/* The derivative of a user's curve, which does not fall: that of the quartic through five points of
[0,T], the middle one t where there is room, by Newton's differences. */
static double sgm__curve_rate(const sgm_sde *sde, double t) {
    double T = sde->T, h = 0.5 * (t < T - t ? t : T - t), c[5];
    if (sde->curve == sgm__table_curve) return sgm__table_at((const sgm_ddpm *)sde->user, t, 1);
    h = fmax(5e-4 * T, fmin(h, 1e-3 * T));
    double start = fmax(0, fmin(t - 2 * h, T - 4 * h)), u = (t - start) / h;
    for (int i = 0; i < 5; i++) c[i] = sde->curve(fmin(start + i * h, T), sde->user);
    for (int k = 1; k < 5; k++)
        for (int i = 4; i >= k; i--) c[i] -= c[i - 1];
    double third = (0.5 * u - 1) * u + 1.0 / 3;
    double fourth = ((u / 6 - 0.75) * u + 11.0 / 12) * u - 0.25;
    return sgm__not_below_0((c[1] + (u - 0.5) * c[2] + third * c[3] + fourth * c[4]) / h);
}

/* What a user's curve does that ∫β and σ² never do, at 65 times; NULL if nothing. */
static const char *sgm__curve_fault(const sgm_sde *sde) {
    double first = sde->curve(0, sde->user), end = sde->curve(sde->T, sde->user), last = first;
    double old_rate = sgm__curve_rate(sde, 0), sum = 0;
    for (int i = 0; i <= 64; i++) {
        double t = sde->T * i / 64, c = sde->curve(t, sde->user), rate = sgm__curve_rate(sde, t);
        if (!(fabs(c) < 1e30 && rate < 1e30))
            return "has a curve that is not finite everywhere in [0,T]: check its numbers";
        if (c < last - 1e-12 * fabs(last))
            return "has a falling curve: give the integral of beta, or sigma^2, which grows with t";
        sum += i ? 0.5 * (rate + old_rate) * sde->T / 64 : 0;
        last = c, old_rate = rate;
    }
    if (sde->family == SGM_FAMILY_USER_BETA && fabs(first) > 1e-12 * end)
        return "has a curve that is not 0 at t = 0: give the integral of beta, not beta itself";
    if (first < -1e-12 * end) return "has a negative sigma^2 at t = 0: add what makes it >= 0";
    if (sde->curve != sgm__table_curve && fabs(sum - (end - first)) > 0.25 * (end - first))
        return "has a curve with jumps, whose derivative cannot make g^2: give a smooth one";
    return NULL;
}

static const char *sgm__numbers_fault(const sgm_sde *sde) {
    double a = sde->a, b = sde->b, T = sde->T;
    sgm_family kind = sde->family;
    if ((int)kind < SGM_FAMILY_VP || kind > SGM_FAMILY_USER_SIGMA2)
        return "has no family: start from a preset such as sgm_sde_vp(0.1, 20)";
    if ((kind == SGM_FAMILY_VP || kind == SGM_FAMILY_SUBVP) &&
        !(a >= 0 && b >= a && b > 0 && b < 1e30))
        return "needs 0 <= beta_min <= beta_max";
    if (kind == SGM_FAMILY_VE && !(a > 0 && b > a && b < 1e12))
        return "needs 0 < sigma_min < sigma_max < 1e12: check its numbers";
    if (!(fabs(a) < 1e30 && fabs(b) < 1e30))
        return "has an a or b that is not finite: start from its preset";
    if (!(sde->t_min >= 0 && (float)sde->t_min < (float)T && T < 1e30))
        return "needs 0 <= t_min < T, both finite, and apart also as floats";
    if ((kind == SGM_FAMILY_COSINE || kind == SGM_FAMILY_RECTIFIED) && !((float)T < 1))
        return "is singular at t = 1: set T below 1, such as 0.999";
    if ((kind == SGM_FAMILY_USER_BETA || kind == SGM_FAMILY_USER_SIGMA2) && !sde->curve)
        return "needs its curve: a function of t";
    return NULL;
}

SGM_API sgm_status sgm_sde_check(const sgm_sde *sde) {
    if (!sde) return sgm__bad("the SDE is NULL: pass the address of a preset");
    const char *fault = sgm__numbers_fault(sde);
    if (!fault && sde->curve && sde->family >= SGM_FAMILY_USER_BETA) fault = sgm__curve_fault(sde);
    if (fault) return sgm__bad("the SDE %s", fault);
    double m = sgm_sde_m(sde, sde->T), s = sgm_sde_s(sde, sde->T);
    if (!(s > 1e-18 && s < 1e12)) /* squares of both are floats */
        return sgm__bad("the SDE has no noise at T, or an infinite amount: s(T) = %g", s);
    if (!(m > 1e-30))
        return sgm__bad("the SDE leaves no data at T, m(T) = %g: make beta or T smaller", m);
    if (sde->t_min > 0 && !(sgm_sde_s(sde, sde->t_min) > 1e-18))
        return sgm__bad("the SDE has no noise at t_min = %g yet: make t_min larger", sde->t_min);
    return SGM_OK;
}

SGM__COLDLY
/*
## §G.2 Scores and losses: what is asked, and what is answered
*/
static sgm_status sgm__score_made(const sgm_score *score) {
    if (score && score->d >= 1 && score->eval) return SGM_OK;
    return sgm__empty("a score is missing: make it with sgm_model_score, or fill in d and eval");
}

/* A score that has a process, and one that fits together. */
static sgm_status sgm__score_process(const sgm_score *score) {
    SGM__TRY(sgm__score_made(score));
    if (score->sde.family == SGM_FAMILY_NONE)
        return sgm__bad("this score knows no process: set its sde, or walk with sgm_langevin_run");
    if (score->scaler && (score->scaler->d != score->d || !score->scaler->shift))
        return sgm__fail(SGM_MISMATCH, "a scaler of dimension %d for points of %d: fit one to them",
            score->scaler->d, score->d);
    return sgm_sde_check(&score->sde);
}

/* Whether two processes have one kernel; t_min, T may differ. Of two tables the numbers count. */
static sgm_status sgm__same_process(const sgm_sde *a, const sgm_sde *b) {
    const int one = a->curve == b->curve, tables = one && a->curve == sgm__table_curve;
    const sgm_ddpm *p = tables ? (const sgm_ddpm *)a->user : NULL;
    const sgm_ddpm *q = tables ? (const sgm_ddpm *)b->user : NULL;
    if (a->family == b->family && a->a == b->a && a->b == b->b && one &&
        (a->user == b->user ||
            (p && q && p->n == q->n && p->integral && q->integral &&
                !memcmp(p->integral, q->integral, ((size_t)p->n + 1) * sizeof *p->integral))))
        return SGM_OK;
    return sgm__fail(SGM_MISMATCH, "a score of one process in another: only t_min, T may differ");
}

/* Scores that are to be compared or joined live in the same space, scaled alike. */
static sgm_status sgm__same_space(const sgm_score *a, const sgm_score *b) {
    if (a->d != b->d)
        return sgm__fail(SGM_MISMATCH, "a score in %d dimensions beside one in %d", a->d, b->d);
    if (a->scaler != b->scaler)
        return sgm__fail(SGM_MISMATCH, "two scores of points scaled apart: give both one scaler");
    if (a->sde.family == SGM_FAMILY_NONE || b->sde.family == SGM_FAMILY_NONE) return SGM_OK;
    return sgm__same_process(&a->sde, &b->sde);
}

static sgm_status sgm__score_check(const sgm_score *score, const float *x, const float *t, long n,
    const void *out, const void *also) {
    SGM__TRY(sgm__score_made(score));
    if (n < 0 || (n > 0 && !(x && t && out && also)))
        return sgm__bad("a score needs points, times and a place for what it says, and n >= 0");
    double T = score->sde.family == SGM_FAMILY_NONE ? HUGE_VAL : score->sde.T * (1 + 1e-6);
    for (long i = 0; i < n; i++)
        if (!(t[i] >= 0 && t[i] <= T))
            return sgm__bad("a score at t = %g: needs 0 <= t <= T = %g", (double)t[i], T);
    return SGM_OK;
}

/* What a score said of n points at t, width numbers each: all finite. */
static sgm_status sgm__score_said(const float *s, const float *t, long n, int width) {
    long bad = sgm__first_bad(s, (size_t)n * (size_t)width);
    if (bad < 0) return SGM_OK;
    return sgm__fail(SGM_NOT_FINITE,
        "the score of point %ld at t = %g is not finite: ask at t_min or above, of finite points",
        bad / width, (double)t[bad / width]);
}

#define SGM__TOO_COARSE "its score may not be, or take more steps, a log-SNR grid or a larger t_min"

/* Points that a caller hands over: enough of them, and every number finite. */
static sgm_status sgm__usable(const char *who, const float *x, long n, int d, long least) {
    if (!x) n = 0;
    if (n < least || d < 1)
        return sgm__bad("%s: n >= %ld points of dimension >= 1, got %ld of %d", who, least, n, d);
    long bad = sgm__first_bad(x, (size_t)n * (size_t)d);
    if (bad < 0) return SGM_OK;
    return sgm__fail(SGM_NOT_FINITE, "%s: point %ld is NaN or infinite: remove it", who, bad / d);
}

/* (∂s/∂x) v, or vᵀ ∂s/∂x. */
static sgm_status sgm__score_directional(const sgm_score *score, int left, float *s, float *js,
    const float *x, const float *v, const float *t, long n) {
    SGM__TRY(sgm__score_check(score, x, t, n, s, js && v ? js : NULL));
    if (!(left ? score->vjp : score->jvp))
        return sgm__bad("this score has no %s: models and mixtures have",
            left ? "vjp (gradient of v·s)" : "jvp (directional derivative)");
    if (n) SGM__TRY((left ? score->vjp : score->jvp)(score, s, js, x, v, t, n));
    SGM__TRY(sgm__score_said(s, t, n, score->d));
    return sgm__score_said(js, t, n, score->d);
}

SGM_API sgm_status sgm_score_jvp(const sgm_score *score, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    return sgm__score_directional(score, 0, s, js, x, v, t, n);
}

SGM_API sgm_status sgm_score_vjp(const sgm_score *score, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    return sgm__score_directional(score, 1, s, js, x, v, t, n);
}

SGM_API sgm_status sgm_score_logp(
    const sgm_score *score, double *logp, const float *x, const float *t, long n) {
    SGM__TRY(sgm__score_check(score, x, t, n, logp, logp));
    if (!score->logp) return sgm__bad("this score has no log density: mixtures and energies have");
    if (n) SGM__TRY(score->logp(score, logp, x, t, n));
    for (long i = 0; i < n; i++)
        if (!(fabs(logp[i]) < HUGE_VAL))
            return sgm__fail(SGM_NOT_FINITE,
                "the log density of point %ld at t = %g is not finite: ask at t_min or above", i,
                (double)t[i]);
    return SGM_OK;
}

/* Noise levels are times of the process at which there is noise. */
static sgm_status sgm__levels_check(const double *level, int n, const sgm_sde *sde) {
    for (int i = 0; i < n; i++)
        if (!(level[i] > 0 && level[i] <= sde->T * (1 + 1e-12)))
            return sgm__bad("level %d is %g: needs 0 < t <= T = %g", i, level[i], sde->T);
    return SGM_OK;
}

static const char *sgm__loss_fault(const sgm_loss *loss, const sgm_sde *sde) {
    if ((unsigned)loss->objective > SGM_OBJECTIVE_SSM_VR ||
        (unsigned)loss->weight > SGM_WEIGHT_USER || (unsigned)loss->times > SGM_TIMES_IMPORTANCE ||
        (unsigned)loss->probe > SGM_PROBE_GAUSSIAN)
        return "has an objective, weight, times or probe that is not one of the list";
    if (loss->objective == SGM_OBJECTIVE_ESM && !loss->exact)
        return "needs the exact score for SGM_OBJECTIVE_ESM: set exact, to sgm_mixture_score's";
    if (loss->directions < 0) return "needs at least 1 direction";
    if (loss->weight == SGM_WEIGHT_USER && !loss->user_weight) return "needs user_weight(t)";
    if (loss->times != SGM_TIMES_GRID && !(sde->t_min > 0))
        return "is asked at t = 0, where there is no noise: set t_min";
    if (loss->times == SGM_TIMES_GRID && (!loss->grid || loss->n_grid < 1))
        return "needs grid and n_grid >= 1";
    return NULL;
}

SGM_API sgm_status sgm_loss_check(const sgm_loss *loss, const sgm_sde *sde) {
    SGM__TRY(sgm_sde_check(sde));
    if (!loss) return sgm__bad("no loss: one that is all zeros is denoising score matching");
    const double size[4] = {loss->std, loss->scale, loss->min_snr, loss->sigma_data};
    for (int i = 0; i < 4; i++)
        if (!(size[i] >= 0 && size[i] < 1e30 && fabs(loss->mean) < 1e30))
            return sgm__bad("the loss has a std of %g, scale %g, min_snr %g, sigma_data %g, mean "
                            "%g: needs finite ones, the first four not below 0",
                size[0], size[1], size[2], size[3], loss->mean);
    const char *fault = sgm__loss_fault(loss, sde);
    if (fault) return sgm__bad("the loss %s", fault);
    return sgm__levels_check(loss->grid, loss->times == SGM_TIMES_GRID ? loss->n_grid : 0, sde);
}

/* The exact score of ESM lives where the score to be matched does. */
static sgm_status sgm__exact_fits(const sgm_loss *loss, const sgm_score *score) {
    if (loss->objective != SGM_OBJECTIVE_ESM) return SGM_OK;
    SGM__TRY(sgm__score_made(loss->exact));
    return sgm__same_space(loss->exact, score);
}

static sgm_status sgm__loss_is_none(void) {
    return sgm__fail(
        SGM_NOT_FINITE, "the loss is not finite: raise t_min, or look at sigma_data and scale");
}

/* Room for the draws of a measurement of score, or of exact where that is all there is. */
static sgm_status sgm__draws_init(sgm__draws *b, const float *data, long n, const sgm_score *score,
    const sgm_score *exact, const sgm_loss *loss, long draws, long most, sgm_key key) {
    const sgm_score *of = score ? score : exact;
    SGM__TRY(sgm__score_process(of));
    SGM__TRY(sgm_loss_check(loss, &of->sde));
    if (exact) SGM__TRY(sgm__score_made(exact));
    if (exact) SGM__TRY(sgm__same_space(exact, of));
    if (draws < 1) return sgm__bad("%ld draws: needs at least 1", draws);
    SGM__TRY(sgm__usable("the data of a loss", data, n, of->d, 1));
    if (most > draws) most = draws;
    if (most > (1 << 22) / of->d) most = of->d < 1 << 22 ? (1 << 22) / of->d : 1; /* 80 MB */
    size_t size = (size_t)most * (size_t)of->d;
    b->data = data, b->loss = loss, b->sde = &of->sde, b->key = key, b->first = b->count = 0;
    b->n = n, b->draws = draws, b->most = most, b->d = of->d, b->scaler = of->scaler;
    b->row = (long *)sgm__alloc(
        (size_t)most * (sizeof(long) + 2 * sizeof(float)) + 5 * size * sizeof(float), 1);
    if (!b->row) return SGM_NO_MEMORY;
    b->x0 = (float *)(void *)(b->row + most);
    b->eps = b->x0 + size, b->x = b->eps + size, b->s = b->x + size, b->exact = b->s + size;
    b->t = b->exact + size, b->w = b->t + most;
    return SGM_OK;
}

SGM_API sgm_status sgm_loss_times(const sgm_loss *loss, const sgm_sde *sde, float *t, float *w,
    long n, sgm_key key, uint64_t first) {
    SGM__TRY(sgm_loss_check(loss, sde));
    if (n < 0 || (n > 0 && !(t && w))) return sgm__bad("times need places for n >= 0 of them");
    sgm__loss_times(loss, sde, t, w, n, key, first, 0, n);
    return SGM_OK;
}

SGM__WARMLY
SGM__FULLY
/* A result of which nothing is known. */
static void sgm__dsm_unknown(sgm_dsm_result *r) {
    memset(r, 0, sizeof *r);
    r->loss = r->loss_se = r->floor = r->floor_se = r->excess = r->excess_se = NAN;
    for (int i = 0; i < SGM_BINS; i++) r->bin_loss[i] = r->bin_floor[i] = r->bin_excess[i] = NAN;
}

SGM_API sgm_status sgm_dsm(sgm_dsm_result *r, const sgm_score *score, const sgm_score *exact,
    const float *data, long n, const sgm_loss *loss, long draws, sgm_key key) {
    sgm__draws b;
    if (!r) return sgm__bad("sgm_dsm needs a place for its result");
    sgm__dsm_unknown(r);
    if (!score && !exact) return sgm__bad("sgm_dsm needs a score, an exact score or both");
    SGM__TRY(sgm__draws_init(&b, data, n, score, exact, loss, draws, 4096, key));
    sgm_status status = SGM_OK;
    memset(r, 0, sizeof *r);
    while (status == SGM_OK && sgm__draws_next(&b)) status = sgm__dsm_batch(r, &b, score, exact);
    sgm__mean_get(&r->loss, &r->loss_se, draws);
    sgm__mean_get(&r->floor, &r->floor_se, draws);
    sgm__mean_get(&r->excess, &r->excess_se, draws);
    for (int i = 0; i < SGM_BINS; i++) {
        double count = (double)r->bin_count[i];
        r->bin_loss[i] /= count, r->bin_floor[i] /= count, r->bin_excess[i] /= count;
    }
    if (status == SGM_OK && score && !(fabs(r->loss) < HUGE_VAL)) status = sgm__loss_is_none();
    if (status != SGM_OK) sgm__dsm_unknown(r);
    sgm__free(b.row);
    return status;
}

SGM_API sgm_status sgm_objective_value(double *mean, double *se, const sgm_score *score,
    const float *data, long n, const sgm_loss *loss, long draws, sgm_key key) {
    enum { MOST = 1024 };
    double value[MOST];
    sgm__draws b;
    if (!mean || !se) return sgm__bad("sgm_objective_value needs a place for mean and error");
    *mean = *se = NAN;
    SGM__TRY(sgm__score_made(score));
    int explicit_one = loss && loss->objective == SGM_OBJECTIVE_ESM;
    SGM__TRY(sgm__draws_init(
        &b, data, n, score, explicit_one ? loss->exact : NULL, loss, draws, MOST, key));
    sgm_status status = SGM_OK;
    *mean = *se = 0;
    while (status == SGM_OK && sgm__draws_next(&b)) {
        sgm_key probes = sgm_key_split(sgm_key_split(key, 3), (uint64_t)b.first);
        status = sgm__objective_batch(value, score, &b, probes);
        for (long i = 0; i < b.count && status == SGM_OK; i++)
            sgm__mean_add(mean, se, (loss->scale > 0 ? loss->scale : 1) * value[i]);
    }
    sgm__mean_get(mean, se, draws);
    if (status == SGM_OK && !(fabs(*mean) < HUGE_VAL)) status = sgm__loss_is_none();
    if (status != SGM_OK) *mean = *se = NAN;
    sgm__free(b.row);
    return status;
}

/*
## §G.3 Mixtures: their axes, their storage, their threads

A covariance is diagonalised by Jacobi's rotations: turn the plane of each off-diagonal element
$c_{ij}$ by the angle φ that makes it zero, which has $\cot 2φ = (c_{jj} − c_{ii})/2c_{ij}$, and
repeat until all are. A turn spoils zeros that others made, but each takes $2c_{ij}²$ from the sum
of squares off the diagonal.
*/
static void sgm__turn(double *a, double *b, double cosine, double sine) {
    double x = *a, y = *b;
    *a = cosine * x - sine * y, *b = sine * x + cosine * y;
}

/* The turn after which the off-diagonal element between these two is 0. */
static double sgm__turn_angle(double ii, double jj, double off, double *sine) {
    double theta = (jj - ii) / (2 * off);
    double tangent = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double cosine = 1 / sqrt(tangent * tangent + 1);
    *sine = tangent * cosine;
    return cosine;
}

static void sgm__jacobi_rotate(double *c, double *q, long d, long i, long j) {
    double sine, cosine;
    cosine = sgm__turn_angle(c[i * d + i], c[j * d + j], c[i * d + j], &sine);
    for (long k = 0; k < d; k++) sgm__turn(&c[k * d + i], &c[k * d + j], cosine, sine);
    for (long k = 0; k < d; k++) sgm__turn(&c[i * d + k], &c[j * d + k], cosine, sine);
    for (long k = 0; k < d; k++) sgm__turn(&q[i * d + k], &q[j * d + k], cosine, sine);
}

/* c(d,d) becomes diagonal, the rows of q(d,d) its axes. */
static void sgm__jacobi(double *c, double *q, long d) {
    for (long i = 0; i < d * d; i++) q[i] = i % (d + 1) == 0;
    for (int sweep = 0; sweep < 50; sweep++) {
        double off = 0, all = 0;
        for (long i = 0; i < d * d; i++) all += c[i] * c[i], off += i % (d + 1) ? c[i] * c[i] : 0;
        if (off <= 1e-30 * all) return;
        for (long i = 0; i < d; i++)
            for (long j = i + 1; j < d; j++)
                if (c[i * d + j] != 0) sgm__jacobi_rotate(c, q, d, i, j);
    }
}

/* log_weight is the first of its arrays, which lie in one block. */
SGM_API void sgm_mixture_free(sgm_mixture *mix) {
    if (!mix) return;
    sgm__free(mix->log_weight);
    memset(mix, 0, sizeof *mix);
}

static sgm_status sgm__mix_new(sgm_mixture *mix, int k, int d, sgm_cov cov, const sgm_sde *sde) {
    if (!mix) return sgm__bad("the mixture to fill is NULL");
    memset(mix, 0, sizeof *mix);
    SGM__TRY(sgm_sde_check(sde));
    if (k < 1 || d < 1)
        return sgm__bad("%d components in %d dimensions: needs at least 1 of each", k, d);
    if ((int)cov < 0 || cov > SGM_COV_FULL)
        return sgm__bad("there is no covariance shape %d: see sgm_cov", (int)cov);
    size_t K = (size_t)k, D = (size_t)d, axes = cov == SGM_COV_FULL ? sgm__times(D, D) : 0;
    size_t var = cov >= SGM_COV_DIAGONAL ? D : 1, all = sgm__times(K, 1 + D + var + axes) + axes;
    mix->log_weight = (double *)sgm__alloc(all, sizeof(double));
    if (!mix->log_weight) return SGM_NO_MEMORY;
    mix->k = k, mix->d = d, mix->sde = *sde, mix->shape = cov;
    mix->mean = mix->log_weight + K, mix->var = mix->mean + K * D;
    mix->axes = axes ? mix->var + K * var : NULL;
    return SGM_OK;
}

/* A symmetric c(d,d): what rounding left of one is mended, of more is told. Rounding is relative to
the standard deviations, or to the largest entry where large numbers were subtracted. */
static sgm_status sgm__symmetrise(double *c, size_t d, size_t which) {
    double most = 0;
    for (size_t i = 0; i < d * d; i++) {
        most = fmax(most, fabs(c[i]));
        if (!(fabs(c[i]) < 1e300))
            return sgm__bad("covariance %ld of the mixture has the entry %g", (long)which, c[i]);
    }
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < i; j++) {
            double *a = c + i * d + j, *b = c + j * d + i;
            double scale = sqrt(fabs(c[i * d + i]) * fabs(c[j * d + j]));
            if (fabs(*a - *b) > 1e-9 * scale + 1e-13 * most)
                return sgm__bad("covariance %ld of the mixture is not symmetric: its entries "
                                "(%ld,%ld) and (%ld,%ld) are %g and %g",
                    (long)which, (long)i, (long)j, (long)j, (long)i, *a, *b);
            *a = *b = 0.5 * (*a + *b);
        }
    return SGM_OK;
}

/* Component k's covariance into variances along axes, behind which there is room for one more. */
static sgm_status sgm__mix_cov(sgm_mixture *mix, size_t k, const double *cov) {
    size_t d = (size_t)mix->d, n_var = mix->shape >= SGM_COV_DIAGONAL ? d : 1;
    double *var = mix->var + k * n_var, *work = NULL, most = 0;
    if (mix->axes) {
        work = mix->axes + (size_t)mix->k * d * d;
        memcpy(work, cov + k * d * d, d * d * sizeof *work);
        SGM__TRY(sgm__symmetrise(work, d, k));
        sgm__jacobi(work, mix->axes + k * d * d, mix->d);
    }
    for (size_t j = 0; j < n_var; j++) {
        var[j] = work ? work[j * d + j] : cov[k * n_var + j];
        most = fmax(most, var[j]);
    }
    for (size_t j = 0; j < n_var; j++) {
        if (!(var[j] >= -1e-12 * most && var[j] < 1e300)) /* rounding may go below 0 */
            return sgm__bad("covariance %ld of the mixture has the variance %g", (long)k, var[j]);
        if (var[j] < 0) var[j] = 0;
    }
    return SGM_OK;
}

/* The weights, the covariances, and the means where they are not there yet; or a freed mixture. */
static sgm_status sgm__mix_fill(
    sgm_mixture *mix, const double *weight, const double *mean, const double *cov) {
    sgm_status status = SGM_OK;
    double sum = 0;
    for (int k = 0; k < mix->k; sum += weight ? weight[k] : 1, k++)
        if (weight && !(weight[k] > 0 && weight[k] < 1e300) && status == SGM_OK)
            status =
                sgm__bad("weight %d of the mixture is %g: needs a positive number", k, weight[k]);
    for (int k = 0; k < mix->k; k++) mix->log_weight[k] = sgm__log((weight ? weight[k] : 1) / sum);
    for (long i = 0; mean && i < (long)mix->k * mix->d && status == SGM_OK; i++) {
        mix->mean[i] = mean[i];
        if (!(fabs(mean[i]) < 1e150))
            status =
                sgm__fail(SGM_NOT_FINITE, "mean %ld of the mixture is %g", i / mix->d, mean[i]);
    }
    for (int k = 0; k < mix->k && cov && status == SGM_OK; k++)
        status = sgm__mix_cov(mix, (size_t)k, cov);
    if (status != SGM_OK) sgm_mixture_free(mix);
    return status;
}

SGM_API sgm_status sgm_mixture_init(sgm_mixture *mix, int k, int d, const double *weight,
    const double *mean, const double *cov, sgm_cov shape, const sgm_sde *sde) {
    if (mix && (!mean || (shape != SGM_COV_POINTS && !cov))) {
        memset(mix, 0, sizeof *mix);
        return sgm__bad("a mixture needs means, and it needs covariances but for points");
    }
    SGM__TRY(sgm__mix_new(mix, k, d, shape, sde));
    return sgm__mix_fill(mix, weight, mean, shape == SGM_COV_POINTS ? NULL : cov);
}

SGM_API sgm_status sgm_mixture_from_data(
    sgm_mixture *mix, const float *data, long n, int d, const sgm_sde *sde) {
    if (mix) memset(mix, 0, sizeof *mix);
    if (n > 0x7fffffff) return sgm__bad("a mixture of %ld points: at most 2147483647", n);
    if (mix) SGM__TRY(sgm__usable("sgm_mixture_from_data", data, n, d, 1));
    SGM__TRY(sgm__mix_new(mix, (int)n, d, SGM_COV_POINTS, sde));
    for (long i = 0; i < n * d; i++) mix->mean[i] = data[i];
    return sgm__mix_fill(mix, NULL, NULL, NULL);
}

/* The scratch of one thread: a logarithm for each component, and five vectors of dimension d. It
lies on the stack where it is small. */
enum { SGM__SMALL = 1024 };

static double *sgm__mix_thread(sgm__mix_at *at, const sgm_mixture *mix, double *nearby) {
    size_t d = (size_t)mix->d, room = (size_t)mix->k + 5 * d;
    double *scratch = room <= SGM__SMALL ? nearby : (double *)sgm__alloc(room, sizeof(double));
    memset(at, 0, sizeof *at);
    if (!scratch) return NULL;
    at->mix = mix, at->t = -1, at->log_norm = scratch;
    at->y = at->log_norm + mix->k, at->a = at->y + d, at->civ = at->a + d;
    at->sum_a = at->civ + d, at->sum_b = at->sum_a + d;
    return scratch;
}

typedef struct sgm__mix_question {
    const sgm_mixture *mix;
    float *s, *js;
    double *logp;
    const float *x, *v, *t;
    long n, each;
    int failed;
} sgm__mix_question;

static void sgm__mix_points(void *what, long part, int hand) {
    sgm__mix_question *q = (sgm__mix_question *)what;
    const long d = q->mix->d, from = part * q->each, to = from + q->each;
    sgm__mix_at at;
    double nearby[SGM__SMALL], *scratch = sgm__mix_thread(&at, q->mix, nearby);
    (void)hand;
    if (!scratch) SGM__STORE(&q->failed, 1);
    for (long i = from; scratch && i < (to < q->n ? to : q->n); i++) {
        sgm__mix_at_time(&at, q->t[i]);
        double l = sgm__mix_row(&at, q->s ? q->s + i * d : NULL, q->js ? q->js + i * d : NULL,
            q->x + i * d, q->v ? q->v + i * d : NULL);
        if (q->logp) q->logp[i] = l;
    }
    if (scratch != nearby) sgm__free(scratch);
}

static sgm_status sgm__mix_all(const sgm_score *self, float *s, float *js, double *logp,
    const float *x, const float *v, const float *t, long n) {
    const sgm_mixture *mix = (const sgm_mixture *)self->ctx;
    SGM__TRY(sgm__same_process(&self->sde, &mix->sde));
    long each = 16384 / ((long)mix->k * mix->d) + 1; /* points that are worth a part */
    sgm__mix_question q = {mix, s, js, logp, x, v, t, n, each, 0};
    sgm__share((n + each - 1) / each, sgm__mix_points, &q);
    return q.failed ? sgm__fail(SGM_NO_MEMORY, "no memory for the score of a mixture") : SGM_OK;
}

/* An exact draw: choose a component, then a Gaussian along its axes. */
SGM_API sgm_status sgm_mixture_sample(
    const sgm_mixture *mix, float *x, int *label, long n, double t, sgm_key key) {
    if (n < 1) return sgm__bad("%ld samples: ask for at least 1", n);
    if (!mix || !mix->mean || !x)
        return sgm__empty("samples of no mixture, or to nowhere: sgm_mixture_init");
    if (!(t >= 0 && t <= mix->sde.T * (1 + 1e-6)))
        return sgm__bad("samples at t = %g: needs 0 <= t <= T = %g", t, mix->sde.T);
    size_t d = (size_t)mix->d;
    sgm_key choice = sgm_key_split(key, 0), noise = sgm_key_split(key, 1);
    sgm__mix_at at;
    double nearby[SGM__SMALL], *scratch = sgm__mix_thread(&at, mix, nearby);
    if (!scratch) return SGM_NO_MEMORY;
    at.m = sgm_sde_m(&mix->sde, t), at.s = sgm_sde_s(&mix->sde, t);
    for (long i = 0; i < n; i++, x += d) {
        double u = sgm__uniform53(choice, (uint64_t)i);
        size_t k = 0, last = (size_t)mix->k - 1;
        while (k < last && (u -= sgm__exp(mix->log_weight[k])) >= 0) k++;
        sgm_normal(x, d, noise, (uint64_t)i * d);
        for (size_t j = 0; j < d; j++) at.y[j] = sqrt(sgm__mix_var(&at, k, j)) * x[j];
        sgm__rotate(at.a, mix->axes ? mix->axes + k * d * d : NULL, at.y, d, 1);
        for (size_t j = 0; j < d; j++) x[j] = (float)(at.m * mix->mean[k * d + j] + at.a[j]);
        if (label) label[i] = (int)k;
    }
    if (scratch != nearby) sgm__free(scratch);
    return SGM_OK;
}

SGM__LIGHTLY
SGM__COLDLY
/*
## §G.4 Samplers: what was asked for, and what can be granted

The methods as one table: what each is called, how many steps it looks back on (its own included),
how many arrays of the points' size it needs, the steps it takes if none are named, and whether a
step asks for the score at its end, too. (Of Adams' steps the first three do, which are RK4's.)
*/
static const struct sgm__method {
    const char *name;
    int back, arrays, steps, at_end;
} sgm__methods[] = {{"AUTO", 1, 0, 100, 0}, {"Euler-Maruyama", 1, 0, 1000, 0},
    {"reverse diffusion", 1, 0, 1000, 0}, {"ancestral", 1, 0, 1000, 0},
    {"SDE-DPM-Solver++", 2, 3, 100, 0}, {"churn", 1, 2, 100, 0}, {"DDIM", 1, 1, 500, 0},
    {"Euler", 1, 1, 1000, 0}, {"Heun", 1, 2, 100, 1}, {"RK4", 1, 4, 100, 1},
    {"RK45", 1, 7, 2, 1}, {"Adams-Bashforth", 4, 7, 100, 0}, {"DPM-Solver-2", 1, 2, 100, 0},
    {"DPM-Solver-3", 1, 3, 100, 0}, {"DPM-Solver++(2M)", 2, 3, 100, 0},
    {"DPM-Solver++(3M)", 3, 3, 100, 0}};

/* A call that makes something begins with this: a place that is there, and empty. */
static sgm_status sgm__blank(void *p, size_t size, const char *who) {
    if (!p) return sgm__bad("%s needs a place for what it makes", who);
    memset(p, 0, size);
    return SGM_OK;
}

static int sgm__time_is_sigma(const sgm_sde *sde) {
    return sde->family == SGM_FAMILY_EDM || sde->family == SGM_FAMILY_USER_SIGMA2;
}

static sgm_grid_kind sgm__grid_kind(const sgm_sde *sde, sgm_method method, double t_end) {
    if (t_end == 0) return sgm__time_is_sigma(sde) ? SGM_GRID_QUADRATIC : SGM_GRID_UNIFORM;
    return method == SGM_METHOD_CHURN ? SGM_GRID_EDM : SGM_GRID_LOGSNR;
}

static sgm_status sgm__grid_check(const double *t, int steps, sgm_grid_kind kind,
    const sgm_sde *sde, double t_start, double t_end) {
    SGM__TRY(sgm_sde_check(sde));
    if (steps < 1) return sgm__bad("a time grid of %d steps: ask for at least 1", steps);
    if ((int)kind < 0 || kind > SGM_GRID_QUADRATIC)
        return sgm__bad("there is no time grid %d: see sgm_grid_kind", (int)kind);
    if (!t) return sgm__bad("a time grid needs a place for steps + 1 times");
    if (!(t_start <= sde->T * (1 + 1e-12) && t_start > t_end && t_end >= 0))
        return sgm__bad(
            "a time grid from %g to %g: needs T = %g >= start > end >= 0", t_start, t_end, sde->T);
    if (t_end == 0 && (kind == SGM_GRID_LOGSNR || kind == SGM_GRID_EDM))
        return sgm__bad("this grid cannot end at t = 0, where log-SNR is infinite: end at t_min");
    return SGM_OK;
}

/* Even steps from σ = 80 may have not one between the size of the data and the end. */
static sgm_status sgm__grid_reaches(
    const double *t, int steps, const sgm_sample_options *o, const sgm_sde *sde) {
    if (!sgm__time_is_sigma(sde) || o->grid != SGM_GRID_UNIFORM || o->method == SGM_METHOD_RK45 ||
        !(sde->t_min > 0) || steps < 2)
        return SGM_OK;
    double from = sgm_sde_s(sde, t[steps - 1]);
    double end = sgm_sde_s(sde, t[steps] > 0 ? t[steps] : sde->t_min);
    if (from <= 64 * end) return SGM_OK;
    double enough = steps; /* the last of so many starts at no more than 64 ends */
    while (sgm_sde_s(sde, t[steps] + (t[0] - t[steps]) / enough) > 64 * end)
        enough = ceil(1.02 * enough);
    return sgm__bad("%d uniform steps in a t that is a noise level: none is between %g and the "
                    "end, %g, where the data is; leave grid 0, or take %.0f steps",
        o->steps, from, end, enough + o->steps - steps);
}

static void sgm__flow_free(sgm__flow *w) {
    if (!w) return;
    sgm__free(w->memory);
    sgm__free(w->x);
    sgm__free(w);
}

static sgm__flow *sgm__flow_new(
    const sgm_score *score, long n, const sgm_sample_options *o, int exact, int probes) {
    sgm__flow *w = (sgm__flow *)sgm__alloc(1, sizeof *w);
    if (!w) return NULL;
    int arrays = sgm__methods[o->method].arrays;
    w->score = *score, w->sde = &w->score.sde, w->o = *o, w->n = n, w->d = score->d;
    w->size = n * w->d;
    if (!(o->rtol > 0)) w->o.rtol = 1e-5;
    if (!(o->atol > 0)) w->o.atol = 1e-5;
    w->probes = probes, w->sums = exact ? 1 : probes, w->state = w->size + n * w->sums;
    size_t directions = (size_t)(w->sums ? 2 + (probes ? probes : 1) : 0);
    size_t room = (size_t)(arrays + 2) * (size_t)w->state, times = (size_t)o->steps + 1;
    w->memory = (double *)sgm__alloc(room + times, sizeof(double));
    w->x = (float *)sgm__alloc((2 + directions) * (size_t)w->size + (size_t)n, sizeof(float));
    if (!w->memory || !w->x) return sgm__flow_free(w), (sgm__flow *)NULL;
    w->y = w->memory, w->stage = w->y + w->state, w->grid = w->y + room;
    for (int i = 0; i < arrays; i++) w->k[i] = w->stage + (i + 1) * w->state;
    w->s = w->x + w->size, w->t = w->s + w->size, w->js = w->t + n, w->v = w->js + w->size;
    return w;
}

/* The method, steps and grid that options ask for without naming them. */
static void sgm__sampler_auto(sgm_sample_options *o, const sgm_sde *sde) {
    if (o->method == SGM_METHOD_AUTO)
        o->method = o->path_steps   ? SGM_METHOD_EULER_MARUYAMA
            : o->corrector          ? SGM_METHOD_REVERSE_DIFFUSION
            : o->churn > 0          ? SGM_METHOD_CHURN
            : o->eta > 0            ? SGM_METHOD_DDIM
            : o->rtol + o->atol > 0 ? SGM_METHOD_RK45
                                    : SGM_METHOD_DPMPP_2M;
    if (o->t_start == 0) o->t_start = sde->T;
    if (o->grid == SGM_GRID_AUTO && o->path_steps) o->grid = SGM_GRID_UNIFORM;
    if ((int)o->method < 0 || o->method > SGM_METHOD_DPMPP_3M) return;
    if (o->steps == 0) o->steps = sgm__methods[o->method].steps;
    if (o->grid == SGM_GRID_AUTO)
        o->grid = sgm__grid_kind(sde, o->method, o->plain_end ? o->t_end : sde->t_min);
}

/* Numbers that say nothing to the method chosen are more likely a slip than a wish. */
static sgm_status sgm__sampler_contradicts(const sgm_sample_options *o) {
    const char *name = sgm__methods[o->method].name;
    if (!(o->rtol >= 0 && o->atol >= 0 && o->rtol < 1 && o->atol < 1e30))
        return sgm__bad("rtol %g, atol %g: need numbers >= 0 (0 means 1e-5)", o->rtol, o->atol);
    if (o->rtol + o->atol > 0 && o->method != SGM_METHOD_RK45)
        return sgm__bad("%s has no tolerance: set steps, or take SGM_METHOD_RK45", name);
    if (!(o->eta >= 0 && o->eta <= 1) || (o->eta > 0 && o->method != SGM_METHOD_DDIM))
        return sgm__bad("eta = %g: needs 0 to 1, with SGM_METHOD_DDIM", o->eta);
    if (o->corrector < 0 || !(o->snr >= 0 && o->snr < 1e6) || (o->snr > 0 && !o->corrector))
        return sgm__bad("corrector %d and snr %g: neither is negative, and snr is the corrector's",
            o->corrector, o->snr);
    if (!(o->churn >= 0 && o->churn < 1e30 && o->churn_noise >= 0 && o->churn_noise < 1e6 &&
            o->churn_low >= 0 && o->churn_high >= 0) ||
        (o->churn > 0 && o->method != SGM_METHOD_CHURN))
        return sgm__bad("churn %g: needs SGM_METHOD_CHURN, and numbers not negative", o->churn);
    return SGM_OK;
}

static sgm_status sgm__sampler_check(const sgm_sample_options *o, const sgm_sde *sde) {
    if ((int)o->method < 0 || o->method > SGM_METHOD_DPMPP_3M)
        return sgm__bad("there is no sampling method %d: see sgm_method", (int)o->method);
    const struct sgm__method *method = &sgm__methods[o->method];
    if (o->steps < 1) return sgm__bad("%d sampling steps: ask for at least 1", o->steps);
    int updates = o->steps - !o->plain_end, zero = o->plain_end && o->t_end == 0;
    if (method->back > 1 && updates < method->back)
        return sgm__bad(
            "%s looks back over %d steps, and %d are left%s: take more steps, %d at least",
            method->name, method->back, updates, o->plain_end ? "" : " when one denoises",
            method->back + !o->plain_end);
    if (!(o->t_start > 0 && o->t_start <= sde->T * (1 + 1e-12)))
        return sgm__bad("sampling from t = %g: needs 0 < t_start <= T = %g", o->t_start, sde->T);
    if (o->t_start < sde->T * (1 - 1e-9) && !o->x_given)
        return sgm__bad(
            "sampling from t = %g: x needs its noisy points, and x_given; or lower T", o->t_start);
    if (!o->plain_end && !(sde->t_min > 0))
        return sgm__bad("t_min is 0, where a score is infinite: set the SDE's t_min, or plain_end");
    if (!(o->t_end >= 0) || (o->t_end > 0 && !o->plain_end))
        return sgm__bad("t_end %g: needs a time >= 0, and plain_end", o->t_end);
    if (zero && (o->method == SGM_METHOD_DPM_SDE || o->method >= SGM_METHOD_DPM_2))
        return sgm__bad("%s steps in log-SNR, which is infinite at t = 0: set t_end", method->name);
    if (zero && (method->at_end || (o->method == SGM_METHOD_ADAMS && o->steps <= 3)))
        return sgm__bad("%s asks for the score at t = 0, where it is infinite: set t_end, to t_min",
            method->name);
    SGM__TRY(sgm__sampler_contradicts(o));
    if (o->path_steps &&
        (o->method > SGM_METHOD_ANCESTRAL || o->grid != SGM_GRID_UNIFORM || updates < 1 ||
            o->path_steps < updates || o->path_steps % updates))
        return sgm__bad("%ld increments, %d steps: needs a multiple of the steps, a uniform grid, "
                        "and one of the first three methods",
            o->path_steps, updates);
    return SGM_OK;
}

static sgm_status sgm__snr_check(long n, int d) {
    if ((double)n * d >= 64) return SGM_OK;
    return sgm__bad("a step by signal to noise from %ld points in %d dimensions: needs n·D >= 64: "
                    "walk more at once, or set a step of Langevin's",
        n, d);
}

SGM_API sgm_status sgm_sampler_init(sgm_sampler *sampler, const sgm_score *score, long n,
    const sgm_sample_options *options, sgm_key key) {
    SGM__TRY(sgm__blank(sampler, sizeof *sampler, "sgm_sampler_init"));
    SGM__TRY(sgm__score_process(score));
    if (n < 1) return sgm__bad("%ld samples: ask for at least 1", n);
    const sgm_sde *sde = &score->sde;
    sgm_sample_options *o = &sampler->o;
    sampler->score = *score, sampler->n = n;
    if (options) *o = *options;
    sgm__sampler_auto(o, sde);
    SGM__TRY(sgm__sampler_check(o, sde));
    if (o->corrector > 0) SGM__TRY(sgm__snr_check(n, score->d));
    size_t blocks = o->path_steps ? 3 : 2;
    int flows = sgm__methods[o->method].arrays > 0;
    sampler->t = (double *)sgm__alloc((size_t)o->steps + 1, sizeof(double));
    sampler->buffer =
        (float *)sgm__alloc((size_t)n * (blocks * (size_t)score->d + 1), sizeof(float));
    if (flows) sampler->flow = sgm__flow_new(score, n, o, 0, 0);
    sgm_status status = SGM_OK;
    const int updates = o->steps - !o->plain_end;
    const double end = o->plain_end ? o->t_end : sde->t_min;
    if (!sampler->t || !sampler->buffer || (flows && !sampler->flow)) status = SGM_NO_MEMORY;
    else if (updates == 0) sampler->t[0] = o->t_start;
    else status = sgm_time_grid(sampler->t, updates, o->grid, sde, o->t_start, end);
    if (status == SGM_OK) status = sgm__grid_reaches(sampler->t, updates, o, sde);
    if (status != SGM_OK) sgm_sampler_free(sampler); /* in (5.10) t[steps] = 0, as memory comes */
    else sgm_sampler_reset(sampler, key);
    return status;
}

SGM_API void sgm_sampler_free(sgm_sampler *sampler) {
    if (!sampler) return;
    sgm__free(sampler->t);
    sgm__free(sampler->buffer);
    sgm__flow_free(sampler->flow);
    sampler->t = NULL, sampler->buffer = NULL, sampler->flow = NULL;
}

/* Normals from draw `from` on, by all threads: draw i is a function of i. */
typedef struct sgm__normals {
    float *z;
    long n;
    sgm_key key;
    uint64_t from;
} sgm__normals;

static void sgm__normal_part(void *what, long part, int hand) {
    const sgm__normals *q = (const sgm__normals *)what;
    const long each = 1L << 16, first = part * each, left = q->n - first;
    (void)hand;
    sgm_normal(
        q->z + first, (size_t)(left < each ? left : each), q->key, q->from + (uint64_t)first);
}

static void sgm__normal_parallel(float *z, long n, sgm_key key, uint64_t from) {
    sgm__normals q = {z, n, key, from};
    sgm__share((n + 65535) / 65536, sgm__normal_part, &q);
}

/* z(n,cols) of the rows that a score is asked about: the same for a row in whatever block. */
static void sgm__normal_rows(float *z, long n, long cols, const sgm_score *rows, sgm_key key) {
    const size_t d = (size_t)cols;
    if (!rows->row) sgm__normal_parallel(z, n * cols, key, (uint64_t)rows->first * d);
    else
        for (long i = 0; i < n; i++)
            sgm_normal(z + i * cols, d, key, (uint64_t)rows->row[i] * d);
}

static sgm_status sgm__sampler_ready(const sgm_sampler *sampler, const float *x) {
    if (!sampler || !sampler->t || !sampler->buffer || !x)
        return sgm__empty("a step of no sampler: sgm_sampler_init, and give it x");
    if (sgm_sampler_done(sampler))
        return sgm__bad("the sampler has done all its %d steps: sgm_sampler_reset starts it again",
            sampler->o.steps);
    if (sampler->placed) return SGM_OK;
    return sgm__bad("nobody placed the points: call sgm_sampler_prior, or set x_given if you did");
}

/* A step of those methods that have a flow state: the points in double, and what they remember. */
static sgm_status sgm__sampler_flow(sgm_sampler *sampler, float *x) {
    sgm__flow *flow = sampler->flow;
    long i = sampler->step, size = flow->size;
    flow->evals = 0;
    if (i == 0) flow->n_past = 0, flow->h = 0;
    for (long k = 0; k < size; k++) {
        if (x[k] != (float)flow->y[k]) flow->n_past = 0; /* moved since: its memory lies */
        flow->y[k] = x[k];
    }
    sgm_key key = sgm_key_split(sampler->key, (uint64_t)i + 1);
    SGM__TRY(sgm__flow_step(flow, sampler->t[i], sampler->t[i + 1], key));
    for (long k = 0; k < size; k++) x[k] = (float)flow->y[k];
    sampler->n_evals += flow->evals;
    return SGM_OK;
}

/* After the last step: every number must be one, and scaled points become the data's. */
static sgm_status sgm__sampler_end(const sgm_sampler *sampler, float *x) {
    const sgm_score *score = &sampler->score;
    SGM__TRY(sgm__finite("sample", x, sampler->n, score->d, SGM__TOO_COARSE));
    if (score->scaler) sgm_scaler_undo(score->scaler, x, x, sampler->n);
    return SGM_OK;
}

/* (5.14), of a sampler that is done: √q into spread, and whether it is too far off. */
static int sgm__gone_far(const sgm_sampler *sampler, const float *x, double *spread) {
    const sgm_score *score = &sampler->score;
    const sgm_sample_options *o = &sampler->o;
    const int given = score->which == SGM__GIVEN, D = score->d;
    *spread = NAN;
    if (score->eval != sgm__model_eval || score->which == SGM__LABEL || o->x_given) return 0;
    if (score->scaler && o->plain_end && o->t_end > 0) return 0; /* noisy, scaled: not the data's */
    const sgm_model *model =
        given ? ((const sgm_condition *)score->ctx)->model : (const sgm_model *)score->ctx;
    if (!(model->rms > 0) || sampler->n < 1) return 0;
    double t = o->plain_end ? o->t_end : 0, m = sgm_sde_m(&score->sde, t);
    double s = t > 0 ? sgm_sde_s(&score->sde, t) : 0, mean = 0, n = (double)sampler->n;
    for (long i = 0; i < sampler->n * D; i++) mean += (double)x[i] * x[i] / n;
    double q = mean / D / (m * m * model->rms * model->rms + s * s); /* (5.14) */
    double bound = m * model->reach + s * (sqrt((double)D) + 5);
    *spread = sqrt(q); /* of |x|, where q is of its square */
    if (given) return q > 4 && mean > bound * bound;
    return (q > 4 || q < 0.25) && fabs(q - 1) > 5 * sqrt((model->fourth - 1) / n);
}

/* All the steps, by `advance` if there is one, with the progress bar and a look at the points. */
static sgm_status sgm__sampler_run(sgm_sampler *sampler, float *x,
    sgm_status (*advance)(sgm_sampler *, float *, void *), void *user) {
    const sgm_sample_options *o = &sampler->o;
    double spread = NAN;
    sgm_progress bar;
    if (!x) return sgm__bad("sampling needs a place for %ld points", sampler->n);
    if (o->x_given) SGM__TRY(sgm__usable("x_given", x, sampler->n, sampler->score.d, 1));
    else sgm_sampler_prior(sampler, x);
    sgm_status status = SGM_OK;
    sgm_progress_init(&bar, o->progress, o->steps);
    while (status == SGM_OK && !sgm_sampler_done(sampler)) {
        status = advance ? advance(sampler, x, user) : sgm_sampler_step(sampler, x);
        if (status == SGM_OK && o->on_step)
            o->on_step(sampler->step, sampler->t[sampler->step], x, sampler->n, o->user);
        sgm_progress_step(&bar, sampler->step, NAN, NAN);
    }
    sgm_progress_done(&bar);
    if (status == SGM_OK && !advance && sgm__gone_far(sampler, x, &spread))
        status = sgm__fail(SGM_NOT_LEARNT,
            "the samples' rms is %.3g times that of the training data: standardise them, set the "
            "output to SGM_OUTPUT_EDM_F, train longer or wider, take more sampling steps",
            spread);
    if (o->spread) *o->spread = spread;
    return status;
}

/*
## §G.5 Walks: their checks and their memory
*/
static sgm_status sgm__walk_check(const sgm_score *score, long n, const sgm_langevin_options *o) {
    SGM__TRY(sgm__score_made(score));
    if (n < 1) return sgm__bad("%ld walkers: ask for at least 1", n);
    if (!o) return sgm__bad("a walk needs options: set step and steps");
    double T = score->sde.family == SGM_FAMILY_NONE ? HUGE_VAL : score->sde.T * (1 + 1e-12);
    if (!(o->t >= 0 && o->t <= T))
        return sgm__bad("a walk at t = %g: needs 0 <= t <= T = %g", o->t, T);
    if (o->steps < 0 || o->warmup < 0) return sgm__bad("a walk needs steps >= 0 and warmup >= 0");
    if (!(o->step >= 0 && o->step < 1e30))
        return sgm__bad("a Langevin step of %g: needs a positive one", o->step);
    if (o->metropolis && !score->logp)
        return sgm__bad("MALA needs a log density: use a mixture, an energy, or metropolis = 0");
    if (!(o->snr >= 0 && o->snr < 1e15) || (o->snr > 0 && (o->metropolis || o->step > 0)))
        return sgm__bad("snr %g: needs a positive one, and neither step nor metropolis", o->snr);
    if (o->snr > 0) SGM__TRY(sgm__snr_check(n, score->d));
    if (o->steps > LONG_MAX - o->warmup) return sgm__bad("more steps than can be counted");
    if (o->step == 0 && o->snr == 0 && !(o->metropolis && o->warmup > 0))
        return sgm__bad("a Langevin step of 0: set step; only MALA with a warmup finds its own");
    return SGM_OK;
}

SGM_API void sgm_langevin_reset(sgm_langevin *walk, sgm_key key) {
    if (!walk) return;
    walk->key = key, walk->step = walk->counted = 0, walk->accepted = 0;
    walk->step_size = walk->o.step > 0 ? walk->o.step : walk->o.snr > 0 ? NAN : 0.1;
    walk->acceptance = walk->o.metropolis ? NAN : 1;
}

/* One block: the log densities at x and at y, then the floats: five crowds, and the times. */
SGM_API sgm_status sgm_langevin_init(sgm_langevin *walk, const sgm_score *score, long n,
    const sgm_langevin_options *options, sgm_key key) {
    SGM__TRY(sgm__blank(walk, sizeof *walk, "sgm_langevin_init"));
    SGM__TRY(sgm__walk_check(score, n, options));
    walk->score = *score, walk->o = *options, walk->n = n;
    sgm_langevin_reset(walk, key);
    walk->logp = (double *)sgm__alloc((size_t)n, (5 * (size_t)score->d + 5) * sizeof(float));
    walk->buffer = walk->logp ? (float *)(walk->logp + 2 * n) : NULL;
    return walk->logp ? SGM_OK : SGM_NO_MEMORY;
}

SGM_API void sgm_langevin_free(sgm_langevin *walk) {
    if (!walk) return;
    sgm__free(walk->logp);
    walk->buffer = NULL, walk->logp = NULL;
}

/* Where a walk starts there must be a score, and for MALA a density. */
static sgm_status sgm__walk_start(const sgm_langevin *walk, const float *s, const double *logp) {
    long n = walk->n, bad = sgm__first_bad(s, (size_t)n * (size_t)walk->score.d);
    for (long i = 0; i < n && logp && bad < 0; i++)
        if (!(fabs(logp[i]) < HUGE_VAL)) bad = i * walk->score.d;
    if (bad < 0) return SGM_OK;
    return sgm__fail(SGM_NOT_FINITE,
        "the score or log density of point %ld at t = %g is not finite: move it, or set t above 0",
        bad / walk->score.d, walk->o.t);
}

SGM_API sgm_status sgm_langevin_run(float *x, long n, const sgm_score *score,
    const sgm_langevin_options *options, sgm_langevin *report, sgm_key key) {
    sgm_langevin walk;
    sgm_progress bar;
    if (report) memset(report, 0, sizeof *report), report->acceptance = report->step_size = NAN;
    SGM__TRY(sgm__walk_check(score, n, options));
    SGM__TRY(sgm__usable("sgm_langevin_run starts at x", x, n, score->d, 1));
    long total = options->warmup + options->steps;
    if (total < 1) return sgm__bad("a walk of no steps: set steps");
    SGM__TRY(sgm_langevin_init(&walk, score, n, options, key));
    sgm_status status = SGM_OK;
    sgm_progress_init(&bar, options->progress, total);
    while (status == SGM_OK && walk.step < total) {
        status = sgm_langevin_step(&walk, x);
        if (status == SGM_OK && options->on_step && walk.step > options->warmup)
            options->on_step(walk.step - options->warmup, x, n, options->user);
        sgm_progress_step(&bar, walk.step, NAN, NAN);
    }
    sgm_progress_done(&bar);
    sgm_langevin_free(&walk);
    if (report) *report = walk;
    if (status == SGM_OK && sgm__first_bad(x, (size_t)n * (size_t)score->d) >= 0)
        status = sgm__fail(SGM_NOT_FINITE,
            "the walk diverged with step %g: take a smaller one (ULA: below twice the least "
            "variance)",
            walk.step_size);
    return status;
}

static sgm_status sgm__anneal_check(
    const float *x, const sgm_score *score, const sgm_anneal_options *o) {
    SGM__TRY(sgm__score_process(score));
    if (!o || !x) return sgm__bad("annealing needs options, levels and steps, and x to fill");
    if (!o->levels || o->n_levels < 1) return sgm__bad("annealing needs levels and n_levels >= 1");
    if (!(o->last_step > 0))
        return sgm__bad("a last_step of %g: needs a positive one", o->last_step);
    if (o->steps_per_level < 1)
        return sgm__bad("%d steps per level: ask for at least 1", o->steps_per_level);
    for (int i = 1; i < o->n_levels; i++)
        if (o->levels[i] >= o->levels[i - 1])
            return sgm__bad(
                "level %d is not below the one before: go from much noise to little", i);
    return sgm__levels_check(o->levels, o->n_levels, &score->sde);
}

SGM_API sgm_status sgm_anneal(
    float *x, long n, const sgm_score *score, const sgm_anneal_options *options, sgm_key key) {
    sgm_langevin walk;
    sgm_langevin_options first;
    sgm_progress bar;
    SGM__TRY(sgm__anneal_check(x, score, options));
    memset(&first, 0, sizeof first), first.step = 1, first.t = options->levels[0];
    SGM__TRY(sgm_langevin_init(&walk, score, n, &first, key));
    long size = n * score->d;
    sgm_progress_init(&bar, options->progress, (long)options->n_levels * options->steps_per_level);
    sgm__normal_rows(x, n, score->d, score, sgm_key_split(key, 0));
    double start = sgm_sde_s(&score->sde, options->levels[0]);
    for (long i = 0; i < size; i++) x[i] = (float)(start * x[i]);
    sgm_status status = sgm__anneal_walk(&walk, x, walk.buffer + 2 * size, options, &bar);
    sgm_progress_done(&bar);
    sgm_langevin_free(&walk);
    if (status == SGM_OK)
        status = sgm__finite("walker", x, n, score->d, "take a smaller last_step");
    if (status == SGM_OK && score->scaler) sgm_scaler_undo(score->scaler, x, x, n);
    return status;
}

SGM__WARMLY
SGM_API void sgm_mode_weights(
    double *weight, const float *x, long n, int d, const float *centres, int modes) {
    int known = x && centres && n > 0 && d > 0;
    for (int k = 0; weight && k < modes; k++) weight[k] = known ? 0 : NAN;
    for (long i = 0; weight && known && i < n; i++, x += d) {
        int nearest = -1;
        double best = HUGE_VAL;
        for (int k = 0; k < modes; k++) {
            const float *centre = centres + (long)k * d;
            double square = 0;
            for (int j = 0; j < d; j++)
                square += ((double)x[j] - centre[j]) * ((double)x[j] - centre[j]);
            if (square < best) best = square, nearest = k;
        }
        if (nearest >= 0) weight[nearest] += 1.0 / (double)n;
    }
}

/*
## §G.6 Scores made of scores, and measurements
*/
/* A score that is asked where another one is: in its space, under its process, scaled as it. What
has no inner score was not made; the call that should have made it said why. */
static sgm_score sgm__score_around(const sgm_score *inner, const void *ctx,
    sgm_status (*eval)(const sgm_score *, float *, const float *, const float *, long)) {
    sgm_score score;
    memset(&score, 0, sizeof score);
    if (!inner || !inner->eval) return score;
    score.d = inner->d, score.sde = inner->sde, score.scaler = inner->scaler;
    score.ctx = ctx, score.eval = eval;
    return score;
}

SGM_API sgm_status sgm_condition_init(
    sgm_condition *c, const sgm_model *model, int which, const float *cond, long rows) {
    SGM__TRY(sgm__blank(c, sizeof *c, "sgm_condition_init"));
    SGM__TRY(sgm__which_check(model, which));
    if (model->o.cond == 0)
        return sgm__bad("this network is unconditional: set cond, and train it with conditions");
    if (!cond || rows < 1)
        return sgm__bad("%ld conditions: give one for all points, or one for each", rows);
    SGM__TRY(sgm__finite("condition", cond, rows, model->o.cond, "repair it"));
    c->model = model, c->which = which, c->cond = cond, c->rows = rows;
    return SGM_OK;
}

static sgm_status sgm__classifier_check(const sgm_model *model, int which) {
    SGM__TRY(sgm__which_check(model, which));
    if (model->o.classes > 0) return SGM_OK;
    return sgm__bad("this model is no classifier: set classes, and train it with labels");
}

SGM_API sgm_status sgm_classifier_init(
    sgm_classifier *c, const sgm_model *model, int which, const int *labels, long rows) {
    SGM__TRY(sgm__blank(c, sizeof *c, "sgm_classifier_init"));
    SGM__TRY(sgm__classifier_check(model, which));
    if (rows < 1) return sgm__bad("%ld labels: give one for all points, or one for each", rows);
    SGM__TRY(sgm__labels_check(labels, rows, model->o.classes));
    c->model = model, c->which = which, c->labels = labels, c->rows = rows;
    return SGM_OK;
}

SGM_API sgm_status sgm_guided_init(sgm_guided *g, const sgm_score *unconditional,
    const sgm_score *other, int classifier, double gamma) {
    SGM__TRY(sgm__blank(g, sizeof *g, "sgm_guided_init"));
    SGM__TRY(sgm__score_made(unconditional));
    SGM__TRY(sgm__score_made(other));
    SGM__TRY(sgm__same_space(unconditional, other));
    if (classifier != 0 && classifier != 1)
        return sgm__bad(
            "classifier %d: needs 0, or 1 if the second score is a classifier's", classifier);
    if (!(fabs(gamma) < 1e30)) return sgm__bad("guidance by %g: needs a finite number", gamma);
    g->a = *unconditional, g->b = *other, g->classifier = classifier, g->gamma = gamma;
    g->t_high = HUGE_VAL;
    return SGM_OK;
}

/*
Hestenes (1958) finds (8.9) by turning pairs of rows of A into each other, as Jacobi does, until all
are at right angles: their lengths are the S_i, whatever the units of the rows were, and y turns
with them. Gram and Schmidt's A = L Q first makes the rows short. Of each V_i the zeros at both ends
are skipped: a mask costs little.
*/
SGM_API void sgm_inverse_free(sgm_inverse *p) {
    if (!p) return;
    sgm__free(p->size);
    sgm__free(p->span);
    memset(p, 0, sizeof *p);
}

static double sgm__dot(const double *a, const double *b, long n) {
    double sum = 0;
    for (long j = 0; j < n; j++) sum += a[j] * b[j];
    return sum;
}

/* A = L Q by Gram and Schmidt, each row taken at length 1, and twice, so that Q(m,D) is orthogonal
to the last digits. A row that cannot be told from those before is named. */
static sgm_status sgm__rows_lq(double *l, double *q, const float *A, long m, long d) {
    for (long i = 0; i < m; i++) {
        double *now = q + i * d, *li = l + i * m, scale = sqrt(sgm__square_sum(A + i * d, d));
        for (long j = 0; j < d; j++) now[j] = scale > 0 ? A[i * d + j] / scale : 0;
        for (long k = 0; k < 2 * i; k++) {
            const double *old = q + k % i * d;
            double along = sgm__dot(now, old, d);
            for (long j = 0; along != 0 && j < d; j++) now[j] -= along * old[j];
            li[k % i] += along * scale;
        }
        double left = sqrt(sgm__dot(now, now, d));
        if (!(left > 1e-5))
            return sgm__bad("row %ld of A is zero or a combination of the others: leave it out", i);
        for (long j = 0; j < d; j++) now[j] /= left;
        li[i] = left * scale;
    }
    return SGM_OK;
}

/* Rows v(m,d) turn until they are orthogonal, with u; square(m) are their lengths². */
static void sgm__orthogonalise(double *v, double *u, double *square, long m, long d) {
    int turned = 1;
    double least = 4 * 2.2e-16 * sqrt((double)d); /* as near to 0 as rounding lets a product be */
    for (long i = 0; i < m; i++) square[i] = sgm__dot(v + i * d, v + i * d, d);
    for (int sweep = 0; sweep < 50 && turned; sweep++) {
        turned = 0;
        for (long i = 0; i < m; i++)
            for (long j = i + 1; j < m; j++) {
                double *a = v + i * d, *b = v + j * d, off = sgm__dot(a, b, d);
                if (fabs(off) <= least * sqrt(square[i]) * sqrt(square[j])) continue;
                double s, at, c = sgm__turn_angle(square[i], square[j], off, &s);
                sgm__turn(&u[i], &u[j], c, s);
                for (long k = 0; k < d; k++)
                    at = a[k], a[k] = c * at - s * b[k], b[k] = s * at + c * b[k];
                square[i] = sgm__dot(a, a, d), square[j] = sgm__dot(b, b, d), turned = 1;
            }
    }
}

/* (8.9), as the rows of L turn: q is (m,D), l (m,m), both of zeros. */
static sgm_status sgm__inverse_svd(
    sgm_inverse *p, double *l, double *q, const float *A, const float *y) {
    long m = p->m, d = p->d;
    for (long i = 0; i < m; i++) p->target[i] = y[i];
    SGM__TRY(sgm__rows_lq(l, q, A, m, d));
    sgm__orthogonalise(l, p->target, p->size, m, m);
    for (long i = 0; i < m; i++) {
        double *v = p->v + i * d;
        int *span = p->span + 2 * i;
        p->size[i] = sqrt(p->size[i]), p->sigma[i] = p->noise / p->size[i];
        p->target[i] /= p->size[i];
        for (long k = 0; k < m; k++)
            for (long j = 0; l[i * m + k] != 0 && j < d; j++)
                v[j] += l[i * m + k] / p->size[i] * q[k * d + j];
        for (span[1] = p->d; span[1] > 1 && v[span[1] - 1] == 0;) span[1]--;
        while (span[0] < span[1] - 1 && v[span[0]] == 0) span[0]++;
    }
    return SGM_OK;
}

SGM_API sgm_status sgm_inverse_init(
    sgm_inverse *p, int d, int m, const float *A, const float *y, double noise) {
    SGM__TRY(sgm__blank(p, sizeof *p, "sgm_inverse_init"));
    if (m < 1 || m > d || !A || !y)
        return sgm__bad("%d measurements in %d dimensions: A is (m,D) with 1 <= m <= D", m, d);
    if (!(noise >= 0 && noise < 1e30))
        return sgm__bad("a measurement with noise %g: needs a number >= 0", noise);
    size_t M = (size_t)m, D = (size_t)d;
    if (sgm__first_bad(A, M * D) >= 0 || sgm__first_bad(y, M) >= 0)
        return sgm__fail(SGM_NOT_FINITE, "A or y has a number that is not finite: repair it");
    p->d = d, p->m = m, p->noise = noise;
    p->size = (double *)sgm__alloc(sgm__times(M, 3 + D), sizeof(double));
    p->span = (int *)sgm__alloc(M, 2 * sizeof(int));
    double *work = (double *)sgm__alloc(sgm__times(M, M + D), sizeof(double));
    sgm_status status = p->size && p->span && work ? SGM_OK : SGM_NO_MEMORY;
    if (status == SGM_OK) {
        p->target = p->size + m, p->sigma = p->target + m, p->v = p->sigma + m;
        status = sgm__inverse_svd(p, work, work + M * M, A, y);
    }
    sgm__free(work);
    if (status != SGM_OK) sgm_inverse_free(p);
    return status;
}

static sgm_status sgm__inverse_fits(
    const sgm_inverse *problem, const sgm_score *score, int needs_vjp) {
    SGM__TRY(sgm__score_process(score));
    if (!problem || !problem->size)
        return sgm__empty("a measurement needs sgm_inverse_init: look at its status");
    if (problem->d != score->d)
        return sgm__fail(SGM_MISMATCH,
            "A has %d columns for a score in %d dimensions: make A (m,D)", problem->d, score->d);
    if (needs_vjp && !score->vjp)
        return sgm__bad("DPS and PiGDM need a score with a vjp: use SGM_INVERSE_REPLACEMENT");
    return SGM_OK;
}

/* A measurement as the score sees it. With x = shift + c ⊙ x', y = A x is row by row of (8.9)
S_i (u_i − V_i·shift) = S_i (V_i ⊙ c)·x'. */
static sgm_status sgm__inverse_scaled(
    sgm_posterior *out, const sgm_inverse *p, const sgm_scaler *scaler) {
    size_t d = (size_t)p->d, m = (size_t)p->m;
    if (!scaler) return out->problem = *p, SGM_OK;
    float *A = (float *)sgm__alloc(m * (d + 1), sizeof *A), *y = A ? A + m * d : NULL;
    if (!A) return SGM_NO_MEMORY;
    for (size_t i = 0; i < m; i++) {
        const double *v = p->v + i * d;
        for (size_t j = 0; j < d; j++) A[i * d + j] = (float)(p->size[i] * v[j] * scaler->scale[j]);
        y[i] = (float)(p->size[i] * (p->target[i] - sgm__along(p, (int)i, scaler->shift)));
    }
    sgm_status status = sgm_inverse_init(&out->problem, p->d, p->m, A, y, p->noise);
    sgm__free(A);
    out->own = status == SGM_OK;
    return status;
}

SGM_API sgm_status sgm_posterior_init(
    sgm_posterior *p, const sgm_score *score, const sgm_inverse *problem, double sigma_data) {
    SGM__TRY(sgm__blank(p, sizeof *p, "sgm_posterior_init"));
    SGM__TRY(sgm__inverse_fits(problem, score, 1));
    if (!(sigma_data >= 0 && sigma_data < 1e15))
        return sgm__bad("a sigma_data of %g: needs the data's std, or 0 for 1", sigma_data);
    SGM__TRY(sgm__inverse_scaled(p, problem, score->scaler));
    p->score = *score, p->sigma_data = sigma_data > 0 ? sigma_data : 1;
    return SGM_OK;
}

SGM_API void sgm_posterior_free(sgm_posterior *p) {
    if (!p) return;
    if (p->own) sgm_inverse_free(&p->problem);
    memset(p, 0, sizeof *p);
}

static sgm_status sgm__inverse_options(sgm_inverse_options *o) {
    if ((int)o->method < 0 || o->method > SGM_INVERSE_PIGDM || o->resample < 0 ||
        !(o->zeta >= 0 && o->zeta < 1e30))
        return sgm__bad("method %d, resample %d, zeta %g: needs a method of the list, numbers >= 0",
            (int)o->method, o->resample, o->zeta);
    if ((o->resample > 0 && o->method != SGM_INVERSE_REPAINT) ||
        (o->zeta > 0 && o->method != SGM_INVERSE_DPS) ||
        (o->sigma_data != 0 && o->method != SGM_INVERSE_PIGDM))
        return sgm__bad("resample: RePaint, zeta: DPS, sigma_data: PiGDM; leave the others' 0");
    if (o->sample.path_steps && o->method == SGM_INVERSE_REPAINT)
        return sgm__bad("RePaint goes many times, not along one path: leave path_steps 0");
    if (o->zeta == 0) o->zeta = 1;
    if (o->resample == 0) o->resample = o->method == SGM_INVERSE_REPAINT ? 10 : 1;
    sgm_sample_options *how = &o->sample;
    if (how->method == SGM_METHOD_AUTO && !how->path_steps && !how->corrector && how->churn == 0 &&
        how->eta == 0 && how->rtol + how->atol == 0)
        how->method = SGM_METHOD_ANCESTRAL;
    if (how->steps == 0) how->steps = 1000; /* y is looked at once a step */
    return SGM_OK;
}

SGM_API sgm_status sgm_inverse_sample(float *x, long n, const sgm_score *score,
    const sgm_inverse *problem, const sgm_inverse_options *options, sgm_key key) {
    sgm_inverse_options o;
    sgm_posterior p; /* for the other methods only its problem */
    sgm_sampler sampler;
    sgm__inverse_run run;
    memset(&o, 0, sizeof o), memset(&p, 0, sizeof p);
    if (options) o = *options;
    SGM__TRY(sgm__inverse_options(&o));
    SGM__TRY(sgm__inverse_fits(problem, score, o.method >= SGM_INVERSE_DPS));
    int joined = o.method == SGM_INVERSE_PIGDM;
    if (joined) SGM__TRY(sgm_posterior_init(&p, score, problem, o.sigma_data));
    else SGM__TRY(sgm__inverse_scaled(&p, problem, score->scaler));
    sgm_score given = joined ? sgm_posterior_score(&p) : *score;
    given = sgm__same_rows(&given, score);
    if (!joined) given.scaler = NULL; /* undone at the end, when all is measured */
    run.problem = &p.problem, run.o = &o, run.draws = 0, run.key = sgm_key_split(key, 1);
    sgm_status status = sgm_sampler_init(&sampler, &given, n, &o.sample, sgm_key_split(key, 0));
    size_t d = (size_t)score->d, room = 2 * d * sizeof(double) + (size_t)n * sizeof(float);
    run.row = status == SGM_OK && (size_t)n < (size_t)-1 / (32 * d)
        ? (double *)sgm__alloc(room + (size_t)n * 4 * d * sizeof(float), 1)
        : NULL;
    if (status == SGM_OK && !run.row) status = SGM_NO_MEMORY;
    if (status == SGM_OK) {
        run.work = (float *)(void *)(run.row + 2 * d);
        status = sgm__sampler_run(&sampler, x,
            joined                            ? NULL
                : o.method == SGM_INVERSE_DPS ? sgm__dps_step
                                              : sgm__replace_step,
            &run);
    }
    if (status == SGM_OK && !joined && score->scaler) sgm_scaler_undo(score->scaler, x, x, n);
    sgm__free(run.row);
    sgm_sampler_free(&sampler);
    sgm_posterior_free(&p);
    return status;
}

SGM_API sgm_status sgm_mixture_posterior(
    sgm_mixture *posterior, const sgm_mixture *prior, const sgm_inverse *problem) {
    if (!posterior || !prior || posterior == prior)
        return sgm__bad("a posterior needs a mixture to fill, and another one as prior");
    memset(posterior, 0, sizeof *posterior);
    sgm_score score = sgm_mixture_score(prior); /* NULL or empty: it says so below */
    SGM__TRY(sgm__inverse_fits(problem, &score, 0));
    size_t K = (size_t)prior->k, d = (size_t)prior->d;
    size_t square = prior->shape == SGM_COV_POINTS ? 0 : sgm__times(d, d);
    size_t all = sgm__times(K, 1 + d + square) + square + 2 * d;
    double *weight = (double *)sgm__alloc(all, sizeof(double));
    if (!weight) return SGM_NO_MEMORY;
    double top = -HUGE_VAL, *mean = weight + K, *G = mean + K * d, *f = G + square, *C = f + 2 * d;
    sgm_status status = SGM_OK;
    for (size_t k = 0; k < K && status == SGM_OK; k++) {
        double *Ck = square ? C + k * square : NULL;
        weight[k] = sgm__mix_measured(prior, k, problem, mean + k * d, Ck, G, f);
        if (!(fabs(weight[k]) < HUGE_VAL))
            status = sgm__bad(
                "component %d has no width, y no noise: give the measurement some", (int)k);
        if (weight[k] > top) top = weight[k];
    }
    for (size_t k = 0; k < K && status == SGM_OK; k++) { /* a mixture wants positive weights */
        weight[k] = sgm__exp(weight[k] - top);
        if (weight[k] < 1e-300) weight[k] = 1e-300;
    }
    if (status == SGM_OK)
        status = sgm_mixture_init(posterior, prior->k, prior->d, weight, mean, C,
            square ? SGM_COV_FULL : SGM_COV_POINTS, &prior->sde);
    sgm__free(weight);
    return status;
}

static sgm_status sgm__guided_eval(
    const sgm_score *self, float *s, const float *x, const float *t, long n) {
    return sgm__guided_all(self, s, NULL, x, NULL, t, n, 0);
}
static sgm_status sgm__guided_jvp(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    return sgm__guided_all(self, s, js, x, v, t, n, 0);
}
static sgm_status sgm__guided_vjp(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    return sgm__guided_all(self, s, js, x, v, t, n, 1);
}

SGM_API sgm_score sgm_guided_score(const sgm_guided *g) {
    sgm_score score = sgm__score_around(g ? &g->a : NULL, g, sgm__guided_eval);
    if (score.eval && g->a.jvp && g->b.jvp) score.jvp = sgm__guided_jvp;
    if (score.eval && g->a.vjp && g->b.vjp) score.vjp = sgm__guided_vjp;
    return score;
}

/* Particles (§8.6). Systematic resampling: whose copy stands in place i, of n whose weights sum to
1, for a U of its own. */
static void sgm__smc_pick(long *pick, const double *logw, long n, double u) {
    double reached = 0;
    long i = 0, heaviest = 0;
    for (long k = 0; k < n; k++) {
        reached += (double)n * sgm__exp(logw[k]);
        if (logw[k] > logw[heaviest]) heaviest = k;
        while (i < n && (double)i + u < reached) pick[i++] = k;
    }
    while (i < n) pick[i++] = heaviest; /* of a sum that rounding left below n */
}

/* A run's rows first … first + each, all that belongs to them, as `pick` says. */
static void sgm__smc_copy(sgm__smc *r, float *x, long first, long each) {
    long d = r->score.d, *pick = r->pick;
    float *moved[3];
    moved[0] = x, moved[1] = r->sampler.buffer, moved[2] = r->push;
    for (int q = 0; q < 3; q++) {
        float *a = moved[q] + first * d;
        for (long i = 0; i < each; i++)
            memcpy(r->w + i * d, a + pick[i] * d, (size_t)d * sizeof *a);
        memcpy(a, r->w, (size_t)(each * d) * sizeof *a);
    }
    double *psi = r->psi + first, *logw = r->logw + first;
    for (long i = 0; i < each; i++) logw[i] = psi[pick[i]], pick[i] = r->ancestor[first + pick[i]];
    memcpy(psi, logw, (size_t)each * sizeof *psi);
    memcpy(r->ancestor + first, pick, (size_t)each * sizeof *pick);
    memset(logw, 0, (size_t)each * sizeof *logw);
}

/* Of each run at a level: n_eff, and a resampling where that is too small, or `all` is done. */
static sgm_status sgm__smc_resample(sgm__smc *r, float *x, const sgm_smc_options *o, int keep,
    double *log_z, sgm_smc_result *result) {
    long each = o->particles, runs = r->sampler.n / each, step = r->sampler.step;
    int done = sgm_sampler_done(&r->sampler);
    sgm_key key = sgm_key_split(r->key, (uint64_t)-1 - (uint64_t)step);
    if (o->ess) o->ess[step] = 0;
    for (long run = 0; run < runs; run++) {
        double log_mean, *logw = r->logw + run * each;
        double ess = sgm__smc_weigh(logw, each, &log_mean);
        if (!(fabs(log_mean) < HUGE_VAL))
            return sgm__fail(SGM_NOT_FINITE, "all particles of run %ld lost y at t = %g: %s", run,
                r->sampler.t[step], "give y more noise, or take more steps");
        if (o->ess) o->ess[step] += ess / (double)runs;
        if (ess < result->ess_least) result->ess_least = ess;
        if (done) result->ess += ess / (double)runs;
        if (done ? !keep : ess < o->threshold * (double)each) {
            sgm__smc_pick(r->pick, logw, each, sgm__uniform53(key, (uint64_t)run));
            sgm__smc_copy(r, x, run * each, each);
            log_z[run] += log_mean, result->resamplings += 1 / (double)runs;
        } else if (done) log_z[run] += log_mean;
        else
            for (long k = 0; k < each; k++) logw[k] += log_mean + sgm__log((double)each);
    }
    return SGM_OK;
}

/* (8.19) of all runs, each measured by its largest; and of how few a run descends. */
static void sgm__smc_sum(
    sgm_smc_result *result, const double *log_z, const sgm__smc *r, long each) {
    long runs = r->sampler.n / each;
    double top = log_z[0], mean = 0, var = 0, log_size = 0;
    for (long run = 1; run < runs; run++) top = log_z[run] > top ? log_z[run] : top;
    for (long run = 0; run < runs; run++) mean += sgm__exp(log_z[run] - top) / (double)runs;
    for (long run = 0; run < runs; run++) {
        double off = sgm__exp(log_z[run] - top) / mean - 1;
        var += off * off;
    }
    /* from u of (8.9) to y: |det S| between their densities */
    for (int i = 0; i < r->problem->m; i++) log_size += sgm__log(r->problem->size[i]);
    result->log_evidence = top + sgm__log(mean) - log_size;
    result->evidence_se = runs > 1 ? sqrt(var / (double)runs / (double)(runs - 1)) : NAN;
    result->ancestors = each;
    for (long run = 0; run < runs; run++) {
        long distinct = 1, *from = r->ancestor + run * each; /* rising: copies stand together */
        for (long i = 1; i < each; i++) distinct += from[i] != from[i - 1];
        if (distinct < result->ancestors) result->ancestors = distinct;
    }
    result->nfe = 3L * r->sampler.o.steps; /* the vjp is a second evaluation and a product */
}

static sgm_status sgm__smc_check(
    sgm_smc_options *o, const sgm_score *score, const sgm_inverse *problem, long n) {
    SGM__TRY(sgm__inverse_fits(problem, score, 1));
    if (!(problem->noise > 0))
        return sgm__bad("particles weigh by p(y|x0), which y without noise has not: give it some");
    if (score->row || score->first || score->of)
        return sgm__bad("particles change places: leave the score's row, first and of 0");
    if (n < 1) return sgm__bad("%ld particles: ask for at least 1", n);
    if (o->particles < 0 || o->particles > n || (o->particles > 0 && n % o->particles))
        return sgm__bad("%ld points in runs of %ld particles: n must be a multiple, particles >= 0",
            n, o->particles);
    if (!(o->threshold >= 0 && o->threshold <= 1))
        return sgm__bad("a threshold of %g: needs a share in [0,1], 0 for 1/2", o->threshold);
    if (!(o->sigma_data >= 0 && o->sigma_data < 1e15))
        return sgm__bad("a sigma_data of %g: needs the data's std, or 0 for 1", o->sigma_data);
    if ((int)o->method < 0 || o->method > SGM_METHOD_ANCESTRAL)
        return sgm__bad("particles need a step whose density is known: one of the first three");
    if (o->method == SGM_METHOD_AUTO) o->method = SGM_METHOD_ANCESTRAL;
    if (o->particles == 0) o->particles = n;
    if (o->threshold == 0) o->threshold = 0.5;
    if (o->sigma_data == 0) o->sigma_data = 1;
    if (o->steps == 0) o->steps = 200;
    return SGM_OK;
}

static sgm_status sgm__smc_run(sgm__smc *r, float *x, double *weight, const sgm_smc_options *o,
    double *log_z, sgm_smc_result *result) {
    sgm_progress bar;
    sgm_status status = SGM_OK;
    long n = r->sampler.n, last = r->sampler.o.steps;
    sgm_sampler_prior(&r->sampler, x);
    sgm_progress_init(&bar, o->progress, last);
    for (;;) {
        status = sgm__smc_look(r, x);
        if (status == SGM_OK) status = sgm__smc_resample(r, x, o, weight != NULL, log_z, result);
        if (status != SGM_OK || sgm_sampler_done(&r->sampler)) break;
        sgm__smc_step(r, x);
        sgm_progress_step(&bar, r->sampler.step, NAN, NAN);
    }
    sgm_progress_done(&bar);
    if (status == SGM_OK) status = sgm__finite("particle", x, n, r->score.d, SGM__TOO_COARSE);
    if (status != SGM_OK) return status;
    for (long k = 0; weight && k < n; k++) weight[k] = sgm__exp(r->logw[k]);
    sgm__smc_sum(result, log_z, r, o->particles);
    return SGM_OK;
}

SGM_API sgm_status sgm_smc(float *x, double *weight, long n, const sgm_score *score,
    const sgm_inverse *problem, const sgm_smc_options *options, sgm_smc_result *result,
    sgm_key key) {
    sgm_smc_options o;
    sgm_smc_result own;
    sgm_sample_options how;
    sgm_posterior p; /* only its problem, in the score's space */
    sgm__smc r;
    memset(&o, 0, sizeof o), memset(&how, 0, sizeof how), memset(&p, 0, sizeof p);
    memset(&r, 0, sizeof r), memset(&own, 0, sizeof own);
    if (options) o = *options;
    if (result) {
        *result = own, result->log_evidence = result->evidence_se = NAN;
        result->ess = result->ess_least = result->resamplings = NAN; /* until it is known */
    }
    if (!x) return sgm__bad("particles need a place for %ld points", n);
    SGM__TRY(sgm__smc_check(&o, score, problem, n));
    sgm_score plain = *score;
    plain.scaler = NULL, how.method = o.method, how.steps = o.steps, how.grid = o.grid;
    SGM__TRY(sgm__inverse_scaled(&p, problem, score->scaler));
    sgm_status status = sgm_sampler_init(&r.sampler, &plain, n, &how, sgm_key_split(key, 0));
    size_t d = (size_t)score->d, all_n = (size_t)n, runs = all_n / (size_t)o.particles;
    size_t longs = sgm__times(all_n, 3), doubles = sgm__times(all_n, 2) + 2 * d + runs;
    double *numbers = NULL;
    if (status == SGM_OK) {
        numbers = (double *)sgm__alloc(doubles, sizeof *numbers);
        r.w = (float *)sgm__alloc(sgm__times(all_n, 2 * d), sizeof *r.w);
        r.pick = (long *)sgm__alloc(longs, sizeof *r.pick);
        if (!numbers || !r.w || !r.pick) status = SGM_NO_MEMORY;
    }
    if (status == SGM_OK) {
        long *run_of = r.pick + 2 * n;
        r.problem = &p.problem, r.sigma_data = o.sigma_data, r.key = sgm_key_split(key, 1);
        r.psi = numbers, r.logw = r.psi + n, r.row = r.logw + n, r.push = r.w + all_n * d;
        r.ancestor = r.pick + n, own.ess_least = (double)o.particles;
        for (long k = 0; k < n; k++) r.ancestor[k] = k, run_of[k] = k / o.particles;
        r.score = sgm__rows(&plain, run_of, 0, (long)runs);
        status = sgm__smc_run(&r, x, weight, &o, r.row + 2 * d, &own);
    }
    if (status == SGM_OK && score->scaler) sgm_scaler_undo(score->scaler, x, x, n);
    if (status == SGM_OK && result) *result = own;
    sgm__free(numbers), sgm__free(r.w), sgm__free(r.pick);
    sgm_sampler_free(&r.sampler);
    sgm_posterior_free(&p);
    return status;
}

/*
## §G.7 Flows and likelihoods: what was asked, and blocks of points
*/
static sgm_status sgm__flow_options(sgm_sample_options *o, const sgm_sample_options *given,
    const sgm_score *score, long n, double end) {
    SGM__TRY(sgm__score_process(score));
    if (n < 1) return sgm__bad("a flow of %ld points: needs at least 1", n);
    memset(o, 0, sizeof *o);
    if (given) *o = *given;
    if (o->eta > 0 || o->corrector || o->churn > 0 || o->path_steps ||
        (o->method > SGM_METHOD_AUTO && o->method < SGM_METHOD_DDIM))
        return sgm__bad("the flow has no noise: leave eta, corrector, churn and path_steps 0, and "
                        "take a method without, such as SGM_METHOD_RK45");
    if (o->x_given || o->t_start != 0 || o->t_end != 0)
        return sgm__bad("a flow has two ends of its own: leave x_given, t_start and t_end 0");
    if (o->method == SGM_METHOD_AUTO) o->method = SGM_METHOD_RK45;
    if (o->steps == 0 && o->method == SGM_METHOD_RK45) o->steps = 1;
    o->plain_end = 1, o->t_end = end; /* for the check below */
    sgm__sampler_auto(o, &score->sde);
    return sgm__sampler_check(o, &score->sde);
}

SGM_API sgm_status sgm_flow(float *x, long n, const sgm_score *score, double from, double to,
    const sgm_sample_options *options, long *nfe) {
    sgm_sample_options o;
    SGM__TRY(sgm__score_process(score));
    const sgm_sde *sde = &score->sde;
    double low = sde->t_min * (1 - 1e-12), high = sde->T * (1 + 1e-12), data = sde->t_min;
    if (!(from >= low && from <= high && to >= low && to <= high && from != to))
        return sgm__bad("a flow from t = %g to %g: needs two times within [t_min, T] = [%g, %g]",
            from, to, sde->t_min, sde->T);
    SGM__TRY(sgm__flow_options(&o, options, score, n, from < to ? from : to));
    SGM__TRY(sgm__usable("the flow", x, n, score->d, 1));
    sgm__flow *w = sgm__flow_new(score, n, &o, 0, 0);
    sgm_status status = w ? SGM_OK : SGM_NO_MEMORY;
    int scaled = score->scaler != NULL;
    if (status == SGM_OK) {
        memcpy(w->x, x, (size_t)w->size * sizeof *x);
        if (scaled && fabs(from - data) <= 1e-12 * data)
            sgm_scaler_apply(score->scaler, w->x, x, n);
        for (long i = 0; i < w->size; i++) w->y[i] = w->x[i];
        status = sgm__flow_run(w, from, to);
    }
    for (long i = 0; status == SGM_OK && i < w->size; i++) w->x[i] = (float)w->y[i];
    if (status == SGM_OK) status = sgm__finite("the flow's point", w->x, n, w->d, SGM__TOO_COARSE);
    if (status == SGM_OK) {
        memcpy(x, w->x, (size_t)w->size * sizeof *x);
        if (scaled && fabs(to - data) <= 1e-12 * data) sgm_scaler_undo(score->scaler, x, x, n);
    }
    if (nfe) *nfe = w ? w->evals : 0;
    sgm__flow_free(w);
    return status;
}

/*
Between latents (7.16) on the sphere: the angle is best measured by $\tan ½ω = ‖â − b̂‖ / ‖â + b̂‖$
of the two directions, which knows small angles and nearly straight ones. If a and b are opposite,
every great circle through a is one to b: take that towards the axis on which a is smallest. Where
sin ω is small, lengths that differ make (7.16) leap; so the length is kept between theirs.
*/
static double sgm__half_angle(double plus, double minus) { /* in turns, by halving */
    double low = 0, high = 0.25, sine, cosine;
    for (int k = 0; k < 60; k++) {
        double middle = 0.5 * (low + high);
        sgm__sincos_turns(middle, &sine, &cosine);
        if (sine * plus < cosine * minus) low = middle;
        else high = middle;
    }
    return low;
}

static void sgm__between(float *out, const float *a, const float *b, double q, long d) {
    double la = sqrt(sgm__square_sum(a, d)), lb = sqrt(sgm__square_sum(b, d)), length = 0;
    double plus = 0, minus = 0, u = 1 - q, v = q, sine, cosine, side = 0;
    long axis = 0;
    for (long j = 0; j < d && la > 0 && lb > 0; j++) {
        double x = a[j] / la, y = b[j] / lb;
        plus += (x + y) * (x + y), minus += (x - y) * (x - y);
        axis = fabs(a[j]) < fabs(a[axis]) ? j : axis;
    }
    plus = sqrt(plus), minus = sqrt(minus);
    if (minus > 0 && plus < 1e-9) { /* opposite: a's direction, and one across it */
        double on_axis = a[axis] / la, across = sqrt(fmax(0, 1 - on_axis * on_axis));
        length = fmin(fmax((1 - q) * la + q * lb, fmin(la, lb)), fmax(la, lb));
        sgm__sincos_turns(0.5 * q, &sine, &cosine);
        sine = d > 1 ? sine / across : 0, cosine = d > 1 ? cosine : cosine < 0 ? -1 : 1;
        u = (cosine - sine * on_axis) * length / la, v = 0, side = sine * length;
    } else if (minus > 1e-9) {
        double half = sgm__half_angle(plus, minus);
        sgm__sincos_turns(2 * (1 - q) * half, &u, &cosine);
        sgm__sincos_turns(2 * q * half, &v, &cosine);
        u /= 0.5 * plus * minus, v /= 0.5 * plus * minus; /* sin ω */
    }
    length = 0;
    for (long j = 0; j < d; j++) {
        double x = u * a[j] + v * b[j] + (j == axis ? side : 0);
        length += x * x;
    }
    length = sqrt(length);
    double kept = fmin(fmax(length, fmin(la, lb)), fmax(la, lb));
    double scale = length > 0 ? kept / length : length; /* or NaN, all over */
    for (long j = 0; j < d; j++)
        out[j] = (float)(scale * (u * a[j] + v * b[j] + (j == axis ? side : 0)));
}

SGM_API void sgm_interpolate(
    float *out, const float *a, const float *b, double share, long n, int d) {
    if (!a || !b || !(fabs(share) < 1e6)) sgm__unknown(out, n, d), n = 0;
    for (long i = 0; i < n && out && d > 0; i++)
        sgm__between(out + i * d, a + i * d, b + i * d, share, d);
}

static sgm_status sgm__flow_step(sgm__flow *w, double t, double to, sgm_key key) {
    switch (w->o.method) {
    case SGM_METHOD_EULER: return sgm__rk_step(w, &sgm__rk_euler, t, to - t, 0, w->y);
    case SGM_METHOD_HEUN: return sgm__rk_step(w, &sgm__rk_heun, t, to - t, 0, w->y);
    case SGM_METHOD_RK4: return sgm__rk_step(w, &sgm__rk_four, t, to - t, 0, w->y);
    case SGM_METHOD_RK45: return sgm__rk45(w, t, to);
    case SGM_METHOD_ADAMS: return sgm__adams(w, t, to);
    case SGM_METHOD_DDIM: return sgm__ddim_step(w, t, to, key);
    case SGM_METHOD_CHURN: return sgm__churn_step(w, t, to, key);
    case SGM_METHOD_DPM_2:
    case SGM_METHOD_DPM_3: return sgm__dpm_step(w, t, to);
    default: return sgm__dpmpp_step(w, t, to, key);
    }
}

/* The integrals in (7.6), exact by Gauss's rule with four points. */
static void sgm__lagrange(double *c, const double *node, int n, double from, double to) {
    static const double at[4] = {-0.86113631159405257522, -0.33998104358485626480,
        0.33998104358485626480, 0.86113631159405257522};
    static const double weight[4] = {0.34785484513745385737, 0.65214515486254614263,
        0.65214515486254614263, 0.34785484513745385737};
    for (int j = 0; j < n; j++) {
        c[j] = 0;
        for (int g = 0; g < 4; g++) {
            double u = 0.5 * (from + to) + 0.5 * (to - from) * at[g];
            double part = 0.5 * (to - from) * weight[g];
            for (int i = 0; i < n; i++)
                if (i != j) part *= (u - node[i]) / (node[j] - node[i]);
            c[j] += part;
        }
    }
}

/* k[0] at t, and the length of the first step. */
static sgm_status sgm__rk_start(sgm__flow *w, double t, double to) {
    static const double now[2] = {1, 0}, next[2] = {0, 1}, change[2] = {-1, 1};
    double left = fabs(to - t), sign = to > t ? 1 : -1, steep, probe;
    SGM__TRY(sgm__flow_ask(w, w->k[0], w->y, t, SGM__RATE));
    sgm__blend(w, w->stage, 1, w->y, 0, NULL, 0), sgm__blend(w, w->k[1], 1, w->y, 0, NULL, 0);
    steep = sgm__rk_norm(w, 1, now, 1);
    probe = fmin(fmax(0.01 * sgm__rk_norm(w, 1, next, 2) / steep, 1e-6 * left), 0.01 * left);
    sgm__blend(w, w->stage, 1, w->y, sign * probe, now, 1);
    SGM__TRY(sgm__flow_ask(w, w->k[1], w->stage, t + sign * probe, SGM__RATE));
    steep = fmax(fmax(steep, sgm__rk_norm(w, 1 / probe, change, 2)), DBL_MIN);
    w->h = sign * fmin(fmin(sgm__exp(-0.2 * sgm__log(steep)), 100 * probe), left);
    w->error = 1;
    return SGM_OK;
}

/* The probes of a point are those of its row in the set, whatever block it is in. */
static void sgm__flow_probes(sgm__flow *w, sgm_probe law, sgm_key key) {
    size_t d = (size_t)w->d, run = w->score.row ? d : (size_t)w->size;
    for (long k = 0; k < w->probes; k++) {
        float *v = w->v + k * w->size;
        sgm_key child = sgm_key_split(key, (uint64_t)k);
        for (size_t i = 0; i < (size_t)w->size; i += run) {
            uint64_t at = (uint64_t)(w->score.row ? w->score.row[i / d] : w->score.first) * d;
            if (law == SGM_PROBE_GAUSSIAN) sgm_normal(v + i, run, child, at);
            else sgm_uniform(v + i, run, child, at);
        }
        for (long i = 0; i < w->size && law != SGM_PROBE_GAUSSIAN; i++) v[i] = v[i] < 0.5f ? -1 : 1;
    }
}

static sgm_status sgm__flow_tangent(sgm__flow *w, const float *v, double t) {
    const sgm_score *score = &w->score;
    if (score->jvp) return score->jvp(score, w->s, w->js, w->x, v, w->t, w->n);
    double h = 0.004 * sgm_sde_s(w->sde, t);
    float *moved = w->v + (w->probes ? w->probes : 1) * w->size;
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (long i = 0; i < w->size; i++) moved[i] = (float)(w->x[i] + sign * h * v[i]);
        SGM__TRY(score->eval(score, w->s, moved, w->t, w->n));
        for (long i = 0; i < w->size; i++)
            w->js[i] = sign > 0 ? w->s[i] : (float)((w->js[i] - w->s[i]) / (2 * h));
    }
    return score->eval(score, w->s, w->x, w->t, w->n);
}

#define SGM__ODDS_BLOCK 1024  /* points that are solved together */
#define SGM__ODDS_CHECKED 256 /* points that are solved twice */

/* A score that is itself asked about rows of a larger set: what counts are that set's. */
static sgm_score sgm__rows_within(
    const sgm_score *score, const long *row, long first, long n, long of, long *place) {
    if (!score->row && !score->first && !score->of) return sgm__rows(score, row, first, of);
    for (long i = 0; i < n; i++) place[i] = (long)sgm__row(score, row ? row[i] : first + i);
    return sgm__rows(score, place, 0, score->of ? score->of : of);
}

/* The points of some rows, up from x or, drawing them, down to x; `row` NULL: the n from `first`
on. latent holds where they are at T. */
static sgm_status sgm__odds_block(sgm__odds *q, sgm__flow *w, float *x, float *latent, double *logp,
    double *se, long n, const long *row, long first) {
    double t_min = w->sde->t_min, T = w->sde->T, prior, error;
    const sgm_scaler *scaler = q->score->scaler;
    long d = w->d, draw = q->draw, place[SGM__ODDS_BLOCK];
    w->n = n, w->size = n * d, w->state = w->size + n * w->sums;
    w->score = sgm__rows_within(q->score, row, first, n, q->n, place);
    sgm__flow_probes(w, q->o.law, sgm_key_split(q->key, 0));
    if (draw) sgm__normal_rows(x, n, d, &w->score, sgm_key_split(q->key, 1));
    for (long i = 0; i < w->size; i++) w->x[i] = draw ? (float)(q->prior * x[i]) : x[i];
    if (draw) memcpy(latent, w->x, (size_t)w->size * sizeof *latent);
    if (!draw && scaler) sgm_scaler_apply(scaler, w->x, w->x, n);
    for (long i = 0; i < w->state; i++) w->y[i] = i < w->size ? w->x[i] : 0;
    SGM__TRY(sgm__flow_run(w, draw ? T : t_min, draw ? t_min : T));
    for (long i = 0; i < w->size; i++) (draw ? x : latent)[i] = (float)w->y[i];
    if (draw && scaler) sgm_scaler_undo(scaler, x, x, n);
    if (w->evals > q->nfe) q->nfe = w->evals;
    for (long i = 0; i < n; i++) w->t[i] = (float)T;
    int known = w->score.logp == sgm__mixture_logp; /* an energy lacks log Z */
    if (known) SGM__TRY(w->score.logp(&w->score, logp, latent, w->t, n));
    for (long i = 0; i < n; i++) {
        double at_T = known ? logp[i] : NAN;
        logp[i] = sgm__odds_point(
            q, latent + i * d, w->y + w->size + i * w->sums, w->sums, &prior, &error);
        if (!(fabs(at_T - prior) <= q->mismatch)) q->mismatch = fabs(at_T - prior);
        if (se) se[i] = error;
        sgm__mean_add(&q->nats, &q->nats2, logp[i]);
        q->prior_part += prior;
        q->probe_square += error * error;
    }
    return SGM_OK;
}

/* All n points, or `rows` of them that are listed in row. */
static sgm_status sgm__odds_all(
    sgm__odds *q, float *x, float *latent, double *logp, double *se, long n, const long *row) {
    long d = q->score->d, most = n < SGM__ODDS_BLOCK ? n : SGM__ODDS_BLOCK;
    sgm__flow *w = sgm__flow_new(q->score, most, &q->o.solve, q->o.probes == 0, q->o.probes);
    float *place = (float *)sgm__alloc((size_t)most * (size_t)d, sizeof *place);
    sgm_status status = w && place ? SGM_OK : SGM_NO_MEMORY;
    sgm_progress bar;
    sgm_progress_init(&bar, q->o.progress, n);
    for (long i = 0; i < n && status == SGM_OK; i += most) {
        long count = n - i < most ? n - i : most;
        float *to = latent ? latent + i * d : place;
        status = sgm__odds_block(
            q, w, x + i * d, to, logp + i, se ? se + i : NULL, count, row ? row + i : NULL, i);
        sgm_progress_step(&bar, i + count, NAN, NAN);
    }
    sgm_progress_done(&bar);
    sgm__flow_free(w);
    sgm__free(place);
    return status;
}

static sgm_status sgm__odds_init(sgm__odds *q, sgm_likelihood_result *r, const sgm_score *score,
    long n, const sgm_likelihood_options *options, sgm_key key) {
    if (r) {
        memset(r, 0, sizeof *r);
        r->nats = r->nats_se = r->bits_per_dim = r->probe_se = NAN;
        r->prior = r->divergence = r->change = r->change_most = r->mismatch = NAN;
    }
    memset(q, 0, sizeof *q);
    if (options) q->o = *options;
    SGM__TRY(sgm__flow_options(
        &q->o.solve, options ? &options->solve : NULL, score, n, score ? score->sde.t_min : 0));
    q->score = score, q->key = key, q->prior = sgm_sde_prior(&score->sde), q->n = n;
    if (q->o.solve.method == SGM_METHOD_DDIM || q->o.solve.method >= SGM_METHOD_DPM_2)
        return sgm__bad("%s moves points alone: a likelihood needs RK45, RK4, Heun, Euler or Adams",
            sgm__methods[q->o.solve.method].name);
    if (!(score->sde.t_min > 0)) return sgm__bad("a likelihood needs t_min > 0: set the SDE's");
    if (q->o.probes < 0 || (unsigned)q->o.law > SGM_PROBE_GAUSSIAN || q->o.levels < 0)
        return sgm__bad("%d probes of law %d, %d levels: 0 probes for the exact trace, or more; a "
                        "law of the list; levels >= 0",
            q->o.probes, (int)q->o.law, q->o.levels);
    if (q->o.prior != 0 && !(fabs(q->o.prior / q->prior - 1) < 0.01))
        return sgm__fail(SGM_MISMATCH,
            "a prior of std %g: this SDE ends in N(0, %g²): leave prior 0, or change the SDE's T",
            q->o.prior, q->prior);
    if (q->o.prior > 0) q->prior = q->o.prior;
    if (score->scaler) q->log_det = sgm_scaler_log_det(score->scaler);
    return SGM_OK;
}

/* Some of the points once more, with half the step or a tenth of the tolerance. */
static sgm_status sgm__odds_change(
    const sgm__odds *q, const float *x, const double *logp, sgm_likelihood_result *r) {
    sgm__odds finer = *q;
    sgm_sample_options *o = &finer.o.solve;
    long n = q->n, m = n < SGM__ODDS_CHECKED ? n : SGM__ODDS_CHECKED;
    size_t d = (size_t)q->score->d, bytes = sizeof(double) + sizeof(long) + d * sizeof(float);
    double *again = (double *)sgm__alloc((size_t)m, bytes);
    if (!again) return SGM_NO_MEMORY;
    long *row = (long *)(void *)(again + m);
    float *some = (float *)(void *)(row + m);
    for (long i = 0; i < m; i++) {
        row[i] = i * n / m;
        memcpy(some + (size_t)i * d, x + (size_t)row[i] * d, d * sizeof *some);
    }
    if (o->method == SGM_METHOD_RK45) o->rtol = (o->rtol > 0 ? o->rtol : 1e-5) / 10;
    if (o->method == SGM_METHOD_RK45) o->atol = (o->atol > 0 ? o->atol : 1e-5) / 10;
    else o->steps *= 2;
    finer.o.progress = NULL, finer.draw = 0;
    sgm_status status = sgm__odds_all(&finer, some, NULL, again, NULL, m, row);
    r->change = r->change_most = 0;
    for (long i = 0; i < m; i++) {
        double change = fabs(again[i] - logp[row[i]]);
        r->change += change / (double)m;
        if (!(change <= r->change_most)) r->change_most = change;
    }
    sgm__free(again);
    return status;
}

static sgm_status sgm__odds_mean(const sgm__odds *q, sgm_likelihood_result *r) {
    double d = q->score->d, n = (double)q->n;
    r->nats = q->nats, r->nats_se = q->nats2;
    sgm__mean_get(&r->nats, &r->nats_se, q->n);
    r->prior = q->prior_part / n, r->divergence = r->nats + q->log_det - r->prior;
    r->bits_per_dim = -r->nats / (d * SGM__LN2);
    if (q->o.levels > 0) r->bits_per_dim += sgm__log(q->o.levels) / SGM__LN2;
    r->probe_se = sqrt(q->probe_square / n);
    r->nfe = q->nfe, r->change = r->change_most = NAN, r->mismatch = q->mismatch;
    if (!(fabs(r->nats) < HUGE_VAL))
        return sgm__fail(SGM_NOT_FINITE, "the log likelihood is not finite: " SGM__TOO_COARSE);
    return SGM_OK;
}

static sgm_status sgm__odds_run(
    sgm__odds *q, float *x, float *latent, double *logp, double *se, sgm_likelihood_result *r) {
    sgm_likelihood_result unused;
    double d = q->score->d;
    if (!r) r = &unused;
    SGM__TRY(sgm__odds_all(q, x, latent, logp, se, q->n, NULL));
    SGM__TRY(sgm__odds_mean(q, r));
    r->differences = !q->score->jvp && (q->o.probes > 0 || !q->score->trace);
    if (!q->o.unchecked) SGM__TRY(sgm__odds_change(q, x, logp, r));
    r->suspect = !q->o.unchecked && !(r->change <= 0.01 * d && r->change_most <= 0.1 * d);
    return SGM_OK;
}

SGM_API sgm_status sgm_likelihood(double *logp, double *se, float *latent, const float *x, long n,
    const sgm_score *score, const sgm_likelihood_options *options, sgm_likelihood_result *result,
    sgm_key key) {
    sgm__odds q;
    SGM__TRY(sgm__odds_init(&q, result, score, n, options, key));
    if (!logp) return sgm__bad("a likelihood needs a place for n values of log p");
    SGM__TRY(sgm__usable("sgm_likelihood", x, n, score->d, 1));
    return sgm__odds_run(&q, (float *)x, latent, logp, se, result); /* x: only read, not drawing */
}

SGM_API sgm_status sgm_sample_likelihood(float *x, double *logp, double *se, long n,
    const sgm_score *score, const sgm_likelihood_options *options, sgm_likelihood_result *result,
    sgm_key key) {
    sgm__odds q;
    SGM__TRY(sgm__odds_init(&q, result, score, n, options, key));
    if (!x || !logp) return sgm__bad("samples and their log p need places");
    q.draw = 1;
    return sgm__odds_run(&q, x, NULL, logp, se, result);
}

/* Draws of the bound: two to a slice of λ, each in two rows of x, s, t and row, at a x ± b z. */
typedef struct sgm__bounds {
    long slices, most; /* of a point; the most that are asked at once */
    double fall, *b;   /* fall: of λ from t_min to T */
    long *row;
    float *x, *s, *z, *t;
} sgm__bounds;

/* What to ask for `count` slices, from `first` on, of all points in turn. A point's bound begins at
what needs no draw. */
static void sgm__bound_places(sgm__odds *q, const sgm__bounds *w, double *bound, const float *x,
    uint64_t first, long count) {
    const sgm_sde *sde = &q->score->sde;
    long d = q->score->d, slices = w->slices;
    double from = sgm_sde_logsnr(sde, sde->t_min), a;
    const sgm_score *score = q->score;
    const sgm_key key = sgm_key_split(q->key, 0); /* a draw belongs to the row of its point */
    uint64_t begin = first + (uint64_t)score->first * (uint64_t)slices;
    if (!score->row) sgm_normal(w->z, (size_t)(2 * count * d), key, 2 * begin * (uint64_t)d);
    for (long k = 0; k < 2 * count; k++) {
        long slice = (long)first + k / 2, point = slice / slices;
        uint64_t draw = sgm__row(score, point) * (uint64_t)slices + (uint64_t)(slice % slices);
        draw = 2 * draw + (uint64_t)(k % 2);
        if (score->row) sgm_normal(w->z + k * d, (size_t)d, key, draw * (uint64_t)d);
        double u = sgm__uniform53(sgm_key_split(q->key, 1), draw);
        u = ((double)(slice % slices) + u) / (double)slices;
        float t = (float)sgm_sde_t_from_logsnr(sde, from - u * w->fall), *at = w->x + 2 * k * d;
        while (!(t > sde->t_min)) t *= 1 + FLT_EPSILON; /* at t_min there is no b */
        sgm_sde_transition(sde, sde->t_min, t, &a, w->b + k);
        w->t[2 * k] = w->t[2 * k + 1] = t, w->row[2 * k] = w->row[2 * k + 1] = point;
        if (q->score->scaler) sgm_scaler_apply(q->score->scaler, at, x + point * d, 1);
        else memcpy(at, x + point * d, (size_t)d * sizeof *at);
        if (k % 2 == 0 && slice % slices == 0) bound[point] = sgm__bound_ends(q, at);
        for (long j = 0; j < d; j++) {
            double mid = a * at[j], off = w->b[k] * w->z[k * d + j];
            at[j] = (float)(mid + off), at[d + j] = (float)(mid - off);
        }
    }
}

static sgm_status sgm__bound_all(
    sgm__odds *q, const sgm__bounds *w, double *bound, double *se, const float *x) {
    double square = 0, half, s[2], share = 0.5 * w->fall / (double)w->slices;
    long d = q->score->d, all = q->n * w->slices;
    sgm_progress bar;
    sgm_progress_init(&bar, q->o.progress, all);
    sgm_status status = SGM_OK;
    for (long first = 0; first < all && status == SGM_OK; first += w->most) {
        long count = all - first < w->most ? all - first : w->most;
        sgm__bound_places(q, w, bound, x, (uint64_t)first, count);
        sgm_score here = sgm__rows_within(q->score, w->row, 0, 4 * count, q->n, w->row);
        status = sgm_score_eval(&here, w->s, w->x, w->t, 4 * count);
        for (long k = 0; k < count && status == SGM_OK; k++) {
            long i = (first + k) / w->slices;
            for (int l = 0; l < 2; l++) s[l] = sgm_sde_s(&q->score->sde, w->t[4 * k + 2 * l]);
            bound[i] -= share * /* (7.18) */
                sgm__bound_pair(
                    &half, w->s + 4 * k * d, w->z + 2 * k * d, (int)d, s, w->b + 2 * k);
            square += share * share * half * half;
            if ((first + k + 1) % w->slices) continue;
            if (se) se[i] = sqrt(square);
            sgm__mean_add(&q->nats, &q->nats2, bound[i]);
            q->probe_square += square, square = 0;
        }
        sgm_progress_step(&bar, first + count, NAN, NAN);
    }
    sgm_progress_done(&bar);
    return status;
}

SGM_API sgm_status sgm_likelihood_bound(double *bound, double *se, const float *x, long n,
    const sgm_score *score, const sgm_likelihood_options *options, sgm_likelihood_result *result,
    sgm_key key) {
    sgm_likelihood_result unused;
    sgm__bounds w;
    sgm__odds q;
    if (!result) result = &unused;
    SGM__TRY(sgm__odds_init(&q, result, score, n, options, key));
    if (!bound) return sgm__bad("a bound of likelihoods needs a place for n values");
    if (q.o.draws < 0 || q.o.draws % 2 || q.o.draws > 1 << 29)
        return sgm__bad("%d draws for each point: they go in pairs, so an even number", q.o.draws);
    SGM__TRY(sgm__usable("sgm_likelihood_bound", x, n, score->d, 1));
    size_t d = (size_t)score->d;
    if (q.o.draws == 0) q.o.draws = 64;
    w.slices = q.o.draws / 2, w.most = 1024 < (1 << 20) / score->d ? 1024 : (1 << 20) / score->d;
    if (w.most < 1 || n < w.most / w.slices) w.most = w.most < 1 ? 1 : n * w.slices;
    size_t most = (size_t)w.most, each = 2 * sizeof *w.b + 4 * sizeof *w.row + 4 * sizeof *w.t;
    w.fall = sgm_sde_logsnr(&score->sde, score->sde.t_min);
    w.fall -= sgm_sde_logsnr(&score->sde, score->sde.T);
    w.b = (double *)sgm__alloc(most, each + 10 * d * sizeof *w.x);
    if (!w.b) return SGM_NO_MEMORY;
    w.row = (long *)(void *)(w.b + 2 * most), w.t = (float *)(void *)(w.row + 4 * most);
    w.x = w.t + 4 * most, w.s = w.x + 4 * most * d, w.z = w.s + 4 * most * d;
    q.nfe = 2 * q.o.draws, q.mismatch = NAN;
    sgm_status status = sgm__bound_all(&q, &w, bound, se, x);
    sgm__free(w.b);
    return status == SGM_OK ? sgm__odds_mean(&q, result) : status;
}

/*
## §G.8 Data and measures

The board's squares: the place within one is an odd multiple of 2⁻²³, which a float holds exactly
here, so that rounding pushes no point over an edge.
*/
static double sgm__off_edge(double u) { return (floor(u * 4194304.0) + 0.5) / 4194304.0; }

SGM_API void sgm_data_checkerboard(float *x, long n, sgm_key key) {
    sgm_key shape = sgm_key_split(key, 0);
    for (long i = 0; x && i < n; i++) {
        uint64_t at = 3 * (uint64_t)i;
        int square = (int)sgm_below(shape, at, 8), row = square / 2;
        int column = 2 * (square % 2) + row % 2;
        x[2 * i] = (float)(column - 2 + sgm__off_edge(sgm__uniform53(shape, at + 1)));
        x[2 * i + 1] = (float)(row - 2 + sgm__off_edge(sgm__uniform53(shape, at + 2)));
    }
}

/*
The pen that draws digits. Its font is in two hands. Two letters are a corner, `aa` the upper left,
and a space lifts the pen. A stroke runs from its first corner to its last and bends towards each
one between, as a quadratic spline; a corner written twice is sharp.
*/
static const char *const sgm__font[10][2] = {{"gacaaeakcohokkkeiafa", "jcgabaaioogolalfca"},
    {"hafo", "cdgagago coko"}, {"bdcaiajfgjbobojo", "bdcajajgdmboblfmhokn"},
    {"bccajajgdhdhkhkodoam", "aaiaiadfdfkgkobobm"}, {"dabibiki haho", "hahaajajkj hahoho"},
    {"cacabgbgiclhinfoeoan jaca", "jacacabgbgjfkkhodobm"},
    {"jadaahaohokjhfdgaj", "hacgakcojokjggbibk"}, {"aakakagfeo", "abkakageeo dhih"},
    {"jcgabaaejhkoaoajigjbjb", "eaaaagkgkogoaoaiihkdiaea"},
    {"jdiabaahhjjejdjdio", "jchabaahjijcjckjhocobm"}};

typedef struct sgm__pose { /* pixel = a (x, y, 1) for a corner (x, y) of the font */
    double a[2][3], radius;
    int label, hand;
} sgm__pose;

/* The middle of the font's box, (5, 7), goes to the middle of the image, up to the shift. */
static sgm__pose sgm__digit_pose(sgm_key key) {
    sgm__pose p;
    double u[7], s, c;
    for (uint64_t k = 0; k < 7; k++) u[k] = 2 * sgm__uniform53(key, k) - 1;
    double high = 1.25 * (1 + 0.12 * u[0]), wide = high * (1 + 0.2 * u[1]);
    double slant = -0.15 - 0.2 * u[2];
    sgm__sincos_turns(0.03 * u[3], &s, &c);
    p.a[0][0] = c * wide, p.a[0][1] = (c * slant - s) * high;
    p.a[1][0] = s * wide, p.a[1][1] = (s * slant + c) * high;
    for (int k = 0; k < 2; k++) p.a[k][2] = 14 + 1.5 * u[4 + k] - 5 * p.a[k][0] - 7 * p.a[k][1];
    p.radius = 1.15 + 0.4 * u[6];
    p.label = (int)sgm_below(key, 7, 10), p.hand = (int)sgm_below(key, 8, 2);
    return p;
}

/* The squared distance of every pixel from the nearest stroke, as far as the pen may reach. */
static void sgm__pen_line(double *near2, const double a[2], const double b[2]) {
    double dx = b[0] - a[0], dy = b[1] - a[1], length2 = dx * dx + dy * dy;
    int left = (int)fmax(0, fmin(a[0], b[0]) - 3), right = (int)fmin(28, fmax(a[0], b[0]) + 3);
    int top = (int)fmax(0, fmin(a[1], b[1]) - 3), below = (int)fmin(28, fmax(a[1], b[1]) + 3);
    for (int row = top; row < below; row++)
        for (int column = left; column < right; column++) {
            double x = column + 0.5 - a[0], y = row + 0.5 - a[1];
            double along = length2 > 0 ? (x * dx + y * dy) / length2 : 0;
            along = along < 0 ? 0 : along > 1 ? 1 : along;
            x -= along * dx, y -= along * dy;
            near2[28 * row + column] = fmin(near2[28 * row + column], x * x + y * y);
        }
}

/* From the pen's place to `to`, bending towards `by`. */
static void sgm__pen_bend(double *near2, double pen[2], const double by[2], const double to[2]) {
    double from[2], next[2];
    memcpy(from, pen, sizeof from);
    for (int s = 1; s <= 5; s++) {
        double u = s / 5.0, v = 1 - u;
        for (int k = 0; k < 2; k++) next[k] = v * v * from[k] + 2 * u * v * by[k] + u * u * to[k];
        sgm__pen_line(near2, pen, next);
        memcpy(pen, next, sizeof next);
    }
}

static void sgm__digit(float *x, int *label, sgm_key key) {
    double near2[784], pen[2] = {0, 0}, last[2] = {0, 0}, corner[2], half[2];
    sgm__pose p = sgm__digit_pose(key);
    sgm_key hand = sgm_key_split(key, 0);
    int start = 1;
    uint64_t drawn = 0;
    for (int i = 0; i < 784; i++) near2[i] = 784;
    for (const char *c = sgm__font[p.label][p.hand]; *c; c += 2, drawn += 2) {
        float z[2];
        sgm_normal(z, 2, hand, drawn);
        double fx = *c - 'a' + 0.3 * z[0], fy = c[1] - 'a' + 0.3 * z[1];
        for (int k = 0; k < 2; k++) {
            corner[k] = p.a[k][0] * fx + p.a[k][1] * fy + p.a[k][2];
            half[k] = 0.5 * (last[k] + corner[k]);
        }
        if (start) memcpy(pen, corner, sizeof pen);
        else sgm__pen_bend(near2, pen, last, half);
        memcpy(last, corner, sizeof last);
        start = c[2] == ' ';
        if (start || !c[2]) sgm__pen_line(near2, pen, last);
        if (start) c++;
    }
    for (int i = 0; i < 784; i++)
        x[i] = (float)fmin(1, fmax(0, 0.5 + (p.radius - sqrt(near2[i])) / 1.3));
    if (label) *label = p.label;
}

typedef struct sgm__digits {
    float *x;
    int *label;
    sgm_key key;
} sgm__digits;

static void sgm__digit_part(void *what, long i, int hand) {
    const sgm__digits *q = (const sgm__digits *)what;
    (void)hand;
    sgm__digit(
        q->x + 784 * i, q->label ? q->label + i : NULL, sgm_key_split(q->key, (uint64_t)i));
}

SGM_API void sgm_data_digits(float *x, int *label, long n, sgm_key key) {
    sgm__digits q = {x, label, key};
    if (x) sgm__share(n, sgm__digit_part, &q);
}

/* Sums are of x − x₁, the way from the first number: a constant column has variance zero exactly,
not 10⁻³², and a cloud far from the origin loses no digits. */
SGM_API sgm_status sgm_scaler_init_channels(
    sgm_scaler *scaler, const float *x, long n, int d, int channels) {
    if (!scaler) return sgm__bad("sgm_scaler_init: scaler is NULL");
    memset(scaler, 0, sizeof *scaler);
    SGM__TRY(sgm__usable("sgm_scaler_init", x, n, d, 1));
    if (channels < 1 || d % channels)
        return sgm__bad(
            "sgm_scaler_init_channels: %d channels do not divide %d numbers: pass 1", channels, d);
    double *shift = (double *)sgm__alloc(2 * (size_t)d, sizeof *shift);
    if (!shift) return SGM_NO_MEMORY;
    double *scale = shift + d;
    const long c = channels, rows = n * (d / c); /* a pixel is a row of c numbers */
    for (long i = 0; i < rows; i++)
        for (long k = 0; k < c; k++) shift[k] += (double)x[i * c + k] - x[k];
    for (long k = 0; k < c; k++) shift[k] = x[k] + shift[k] / (double)rows;
    for (long i = 0; i < rows; i++)
        for (long k = 0; k < c; k++)
            scale[k] += (x[i * c + k] - shift[k]) * (x[i * c + k] - shift[k]);
    for (long k = 0; k < c; k++) scale[k] = scale[k] > 0 ? sqrt(scale[k] / (double)rows) : 1;
    for (long k = c; k < d; k++) shift[k] = shift[k - c], scale[k] = scale[k - c];
    scaler->d = d, scaler->shift = shift, scaler->scale = scale;
    scaler->channels = channels < d ? channels : 0;
    return SGM_OK;
}

SGM_API sgm_status sgm_scaler_init(sgm_scaler *scaler, const float *x, long n, int d) {
    return sgm_scaler_init_channels(scaler, x, n, d, d < 1 ? 1 : d);
}

SGM_API void sgm_scaler_free(sgm_scaler *scaler) {
    if (!scaler) return;
    sgm__free(scaler->shift); /* scale lies in the same block */
    memset(scaler, 0, sizeof *scaler);
}

/* A scaler without numbers scales nothing: NaN, as far as it knows how many. */
static int sgm__scales(const sgm_scaler *scaler, float *out, const float *x, long n) {
    int made = scaler && scaler->d > 0 && scaler->shift && scaler->scale;
    if (!made) sgm__empty("this scaler has no numbers: look at what sgm_scaler_init returned");
    if (scaler && !(made && x)) sgm__unknown(out, n, scaler->d);
    return made && (n == 0 || (out && x));
}

/* Are the numbers levels of [0,1]? */
static sgm_status sgm__on_levels(const float *x, long n, int levels) {
    if (!x || n < 0 || levels < 2 || levels > 65536)
        return sgm__bad("sgm_dequantise needs x and 2 to 65536 levels, got %d", levels);
    for (long i = 0; i < n; i++) {
        double level = floor((double)x[i] * (levels - 1) + 0.5);
        if (!(level >= 0 && level < levels) || fabs(x[i] * (levels - 1.0) - level) > 0.01)
            return sgm__bad(
                "sgm_dequantise: number %ld is %g, not one of %d levels: round x to them first", i,
                (double)x[i], levels);
    }
    return SGM_OK;
}

/* What two scores say of n points at t, s[0] and s[1], in one block. */
static sgm_status sgm__two_scores(float *s[2], const sgm_score *a, const sgm_score *b,
    const float *x, double t, long n) {
    if (!a || !b || !x || n < 1 || a->d < 1)
        return sgm__bad("sgm_fisher needs two scores and n >= 1 points");
    SGM__TRY(sgm__same_space(a, b));
    s[0] = (float *)sgm__alloc(sgm__times((size_t)n, 2 * (size_t)a->d + 1), sizeof **s);
    if (!s[0]) return SGM_NO_MEMORY;
    long size = n * a->d;
    float *times = (s[1] = s[0] + size) + size;
    for (long i = 0; i < n; i++) times[i] = (float)t;
    sgm_status status = sgm_score_eval(a, s[0], x, times, n);
    if (status == SGM_OK) status = sgm_score_eval(b, s[1], x, times, n);
    if (status == SGM_OK && sgm__first_bad(s[0], (size_t)(2 * size)) >= 0)
        status = sgm__fail(SGM_NOT_FINITE, "sgm_fisher: a score is not finite");
    if (status) sgm__free(s[0]);
    return status;
}

static double sgm__dist2(const float *a, const float *b, int d) {
    double sum[4] = {0, 0, 0, 0};
    for (int k = 0; k < d; k++) {
        double off = (double)a[k] - b[k];
        sum[k & 3] += off * off;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static int sgm__ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sgm__project(double *out, const float *x, long n, int d, const double *direction) {
    for (long i = 0; i < n; i++) {
        double sum[4] = {0, 0, 0, 0};
        for (int k = 0; k < d; k++) sum[k & 3] += x[i * d + k] * direction[k];
        out[i] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    qsort(out, (size_t)n, sizeof *out, sgm__ascending);
}

/* Two clouds of points, and what is asked about each point of a, or each direction, by threads. */
typedef struct sgm__clouds {
    const float *a, *b;
    long na, nb;
    int d, k;
    double w, *mean, *out; /* out: a number for each; or a matrix, or a direction's sums */
    const double *radius;
    long *index;
    sgm_key key;
} sgm__clouds;

static void sgm__slice_part(void *what, long l, int hand) {
    const sgm__clouds *c = (const sgm__clouds *)what;
    double *room = c->out + c->k + hand * (c->na + c->nb + c->d);
    c->out[l] = sgm__w2_along(
        room, c->a, c->na, c->b, c->nb, c->d, sgm_key_split(c->key, (uint64_t)l));
}

SGM_API double sgm_sliced_w2(
    const float *a, long na, const float *b, long nb, int d, int directions, sgm_key key) {
    const char *who = "sgm_sliced_w2";
    if (sgm__usable(who, a, na, d, 1) || sgm__usable(who, b, nb, d, 1)) return NAN;
    if (directions < 1) return sgm__bad("%s: directions >= 1, got %d", who, directions), NAN;
    long count = d == 1 ? 1 : directions; /* a line has one direction only */
    long workers = sgm_threads() < count ? sgm_threads() : count;
    long each = na + nb + d;
    size_t all = (size_t)count + sgm__times((size_t)workers, (size_t)each);
    double sum = 0, *slice = (double *)sgm__alloc(all, sizeof sum);
    if (!slice) return NAN;
    sgm__clouds c = {a, b, na, nb, d, (int)count, 0, NULL, slice, NULL, NULL, key};
    sgm__share_among((int)workers, count, sgm__slice_part, &c);
    for (long l = 0; l < count; l++) sum += slice[l];
    sgm__free(slice);
    return sqrt(sum / (double)count);
}

static void sgm__pair_part(void *what, long i, int hand) {
    const sgm__clouds *c = (const sgm__clouds *)what;
    const long d = c->d;
    double sum = 0;
    (void)hand;
    for (long j = c->b ? 0 : i + 1; j < (c->b ? c->nb : c->na); j++)
        sum += sgm__of_pair(
            sgm__dist2(c->a + i * d, (c->b ? c->b : c->a) + j * d, c->d), c->w);
    c->out[i] = sum;
}

static double sgm__pair_mean(const float *a, long na, const float *b, long nb, int d, double w) {
    double *row = (double *)sgm__alloc((size_t)na, sizeof *row);
    if (!row) return NAN;
    sgm__clouds c = {a, b, na, nb, d, 0, w, NULL, row, NULL, NULL, sgm_key_init(0)};
    sgm__share(na, sgm__pair_part, &c);
    double sum = 0, pairs = b ? (double)na * (double)nb : (double)na * (double)(na - 1) / 2;
    for (long i = 0; i < na; i++) sum += row[i];
    sgm__free(row);
    return sum / pairs;
}

/* Of 500 pooled pairs, drawn with a key of their own: the same data, the same width. Where most
pairs coincide the largest stands in; where all do, any width will do. */
static double sgm__median_distance(const float *a, long na, const float *b, long nb, int d) {
    enum { PAIRS = 500 };
    double distance[PAIRS];
    uint64_t n = (uint64_t)na + (uint64_t)nb;
    sgm_key key = sgm_key_init(94);
    for (uint64_t p = 0; p < PAIRS; p++) {
        uint64_t i = sgm_below(key, 2 * p, n), j = sgm_below(key, 2 * p + 1, n - 1);
        if (j >= i) j++; /* any point but i */
        const float *x = (long)i < na ? a + (long)i * d : b + ((long)i - na) * d;
        const float *y = (long)j < na ? a + (long)j * d : b + ((long)j - na) * d;
        distance[p] = sqrt(sgm__dist2(x, y, d));
    }
    qsort(distance, PAIRS, sizeof distance[0], sgm__ascending);
    double median = distance[PAIRS / 2], most = distance[PAIRS - 1];
    return median > 0 ? median : most > 0 ? most : 1;
}

static void sgm__cov_part(void *what, long k, int hand) {
    const sgm__clouds *c = (const sgm__clouds *)what;
    const float *x = c->a;
    double *row = c->out + k * c->d;
    (void)hand;
    for (long i = 0; i < c->na; i++, x += c->d)
        for (int l = 0; l <= k; l++) row[l] += (x[k] - c->mean[k]) * (x[l] - c->mean[l]);
    for (int l = 0; l <= k; l++) row[l] /= (double)(c->na - 1);
}

static void sgm__mean_cov(double *mean, double *cov, const float *x, long n, int d) {
    for (long i = 0; i < n; i++)
        for (int k = 0; k < d; k++) mean[k] += x[i * d + k];
    for (int k = 0; k < d; k++) mean[k] /= (double)n;
    sgm__clouds c = {x, NULL, n, 0, d, 0, 0, mean, cov, NULL, NULL, sgm_key_init(0)};
    sgm__share(d, sgm__cov_part, &c);
    for (int k = 0; k < d; k++)
        for (int l = k + 1; l < d; l++) cov[(size_t)k * d + l] = cov[(size_t)l * d + k];
}

/* tr (A½ B A½)½ of (9.8). In the axes of A, found by Jacobi's rotations, its root is diagonal, and
only a second symmetric matrix must be diagonalised. q and w are (d,d) of room; a, b are used up. */
static double sgm__trace_root(double *a, double *b, double *q, double *w, int d) {
    double sum = 0;
    sgm__jacobi(a, q, d);
    for (int i = 0; i < d; i++) /* w = Q B: row i of it is axis i times B */
        for (int k = 0; k < d; k++)
            for (int l = 0; l < d; l++)
                w[(size_t)i * d + l] += q[(size_t)i * d + k] * b[(size_t)k * d + l];
    for (int i = 0; i < d; i++)
        for (int j = 0; j <= i; j++) {
            double m = 0, scale = fmax(0, a[(size_t)i * d + i]) * fmax(0, a[(size_t)j * d + j]);
            for (int k = 0; k < d; k++) m += w[(size_t)i * d + k] * q[(size_t)j * d + k];
            b[(size_t)i * d + j] = b[(size_t)j * d + i] = sqrt(scale) * m;
        }
    sgm__jacobi(b, q, d);
    for (int i = 0; i < d; i++) sum += sqrt(fmax(0, b[(size_t)i * d + i]));
    return sum;
}

enum { SGM__MOST_NEIGHBOURS = 64 };

static void sgm__nearest_part(void *what, long i, int hand) {
    const sgm__clouds *c = (const sgm__clouds *)what;
    const float *b = c->b ? c->b : c->a;
    double best[SGM__MOST_NEIGHBOURS + 1];
    long at[SGM__MOST_NEIGHBOURS + 1], d = c->d;
    int found = 0, k = c->k;
    (void)hand;
    for (long j = 0; j < (c->b ? c->nb : c->na); j++) {
        if (!c->b && j == i) continue;
        double dist2 = sgm__dist2(c->a + i * d, b + j * d, c->d);
        if (found == k && !(dist2 < best[k - 1])) continue;
        int to = found < k ? found++ : k - 1; /* insert: the k best, nearest first */
        for (; to > 0 && dist2 < best[to - 1]; to--) best[to] = best[to - 1], at[to] = at[to - 1];
        best[to] = dist2, at[to] = j;
    }
    if (c->index) c->index[i] = at[k - 1];
    if (c->out) c->out[i] = sqrt(best[k - 1]);
}

SGM_API sgm_status sgm_nearest(
    long *index, double *distance, const float *a, long na, const float *b, long nb, int d, int k) {
    if (k < 1 || k > SGM__MOST_NEIGHBOURS || (!index && !distance))
        return sgm__bad("sgm_nearest needs 1 <= k <= 64 and index or distance, got k = %d", k);
    SGM__TRY(sgm__usable("sgm_nearest", a, na, d, b ? 1 : k + 1));
    if (b) SGM__TRY(sgm__usable("sgm_nearest", b, nb, d, k));
    sgm__clouds c = {a, b, na, nb, d, k, 0, NULL, distance, NULL, index, sgm_key_init(0)};
    sgm__share(na, sgm__nearest_part, &c);
    return SGM_OK;
}

static void sgm__covered_part(void *what, long i, int hand) {
    const sgm__clouds *c = (const sgm__clouds *)what;
    (void)hand;
    c->out[i] = sgm__is_covered(c->a + i * c->d, c->b, c->radius, c->nb, c->d);
}

/* The share of points a that some point of b covers; hit(na) is room. */
static double sgm__covered(const float *a, long na, const float *b, const double *radius, long nb,
    int d, double *hit) {
    sgm__clouds c = {a, b, na, nb, d, 0, 0, NULL, hit, radius, NULL, sgm_key_init(0)};
    double sum = 0;
    sgm__share(na, sgm__covered_part, &c);
    for (long i = 0; i < na; i++) sum += hit[i];
    return sum / (double)na;
}

SGM_API sgm_status sgm_precision_recall(double *precision, double *recall, const float *real,
    long n_real, const float *made, long n_made, int d, int k) {
    const char *who = "sgm_precision_recall";
    if (!precision || !recall) return sgm__bad("%s: precision or recall is NULL", who);
    *precision = *recall = NAN;
    SGM__TRY(sgm__usable(who, real, n_real, d, 2));
    SGM__TRY(sgm__usable(who, made, n_made, d, 2));
    const long most = n_real > n_made ? n_real : n_made;
    double *r = (double *)sgm__alloc(sgm__times(2, (size_t)most), sizeof *r);
    if (!r) return SGM_NO_MEMORY;
    sgm_status status = sgm_nearest(NULL, r, real, n_real, NULL, 0, d, k);
    double within = status ? NAN : sgm__covered(made, n_made, real, r, n_real, d, r + most);
    if (!status) status = sgm_nearest(NULL, r, made, n_made, NULL, 0, d, k);
    if (!status) *recall = sgm__covered(real, n_real, made, r, n_made, d, r + most);
    if (!status) *precision = within;
    sgm__free(r);
    return status;
}

/*
# H. Fitted models

Checks, bookkeeping, baselines and files of chapter 10.

## §H.1 Rows and points, by all threads
*/
static int sgm__rising(const void *a, const void *b);
static sgm_status sgm__fit_hold(sgm__fitting *q);
static sgm_status sgm__fit_room(sgm__fitting *q);
static sgm_status sgm__fit_baselines(sgm__fitting *q);
static double sgm__memory(const float *z, long n, const float *x, long m, int d);
enum { SGM__FEWEST = 5 };
static sgm_status sgm__known_logp(
    const sgm_fitted *f, double *logp, double *se, const double *row, sgm_key key) {
    (void)f, (void)row, (void)key;
    *logp = (double)NAN;
    if (se) *se = (double)NAN;
    return sgm__bad("the log density of a row with gaps needs particles: fill it with NaNs nowhere");
}

static int sgm__level_bits(int levels) { /* of an index below `levels`; 0 for a single level */
    int bits = 0;
    while (bits < 30 && 1 << bits < levels) bits++;
    return bits;
}

typedef struct sgm__encoding {
    const sgm_fitted *f;
    float *z, *known;
    double *slope, *scratch;
    const double *x;
    const long *pick; /* point i is of x's row pick[i]; NULL: of row i / copies */
    long n, first, copies;
    sgm_key key;
} sgm__encoding;

enum { SGM__ENCODED = 64 }; /* points that a thread takes at once */

static void sgm__encode_part(void *what, long part, int hand) {
    const sgm__encoding *q = (const sgm__encoding *)what;
    const sgm_code *code = &q->f->code;
    double *y = q->scratch + (long)hand * code->width;
    for (long i = part * SGM__ENCODED; i < (part + 1) * SGM__ENCODED && i < q->n; i++) {
        const double *row = q->x + (q->pick ? q->pick[i] : i / q->copies) * code->columns;
        const uint64_t draw = (uint64_t)(q->first * q->copies + i);
        const double slope =
            sgm__code_row(q->f, y, q->known ? q->known + i * code->width : NULL, row, q->key, draw);
        if (q->slope) q->slope[i] = slope;
        sgm__code_turn(code, code->turn, q->z + i * code->width, y);
    }
}

static sgm_status sgm__encode_all(sgm__encoding *q) {
    const size_t hands = (size_t)sgm_threads();
    q->scratch = (double *)sgm__alloc(sgm__times(hands, (size_t)q->f->code.width), sizeof(double));
    if (!q->scratch) return SGM_NO_MEMORY;
    sgm__share((q->n + SGM__ENCODED - 1) / SGM__ENCODED, sgm__encode_part, q);
    sgm__free(q->scratch);
    return SGM_OK;
}

/* known, slope and pick may be NULL. */
static sgm_status sgm__encode(const sgm_fitted *f, float *z, float *known, double *slope,
    const double *x, const long *pick, long n, sgm_key key) {
    sgm__encoding q = {f, z, known, slope, NULL, x, pick, n, 0, 1, key};
    return sgm__encode_all(&q);
}

SGM_API sgm_status sgm_fitted_encode(
    const sgm_fitted *f, float *z, double *log_slope, const double *x, long n, sgm_key key) {
    SGM__TRY(sgm__fitted_check(f, x, n));
    if (!z) return sgm__bad("encoded rows need a place of n times code.width numbers");
    SGM__TRY(sgm__rows_check(f, x, n));
    return sgm__encode(f, z, NULL, log_slope, x, NULL, n, key);
}

typedef struct sgm__decoding {
    const sgm_fitted *f;
    double *x, *scratch;
    const float *z;
    long n;
} sgm__decoding;

static void sgm__decode_part(void *what, long part, int hand) {
    const sgm__decoding *q = (const sgm__decoding *)what;
    const long d = q->f->table.d, D = q->f->code.width;
    for (long i = part * SGM__ENCODED; i < (part + 1) * SGM__ENCODED && i < q->n; i++)
        sgm__decode_row(q->f, q->x + i * d, q->scratch + (long)hand * D, q->z + i * D);
}

SGM_API void sgm_fitted_decode(const sgm_fitted *f, double *x, const float *z, long n) {
    if (!f || !x || !z || n < 1 || !f->code.at) return;
    sgm__decoding q = {f, x, NULL, z, n};
    const size_t hands = (size_t)sgm_threads();
    q.scratch = (double *)sgm__alloc(sgm__times(hands, (size_t)f->code.width), sizeof(double));
    if (q.scratch) sgm__share((n + SGM__ENCODED - 1) / SGM__ENCODED, sgm__decode_part, &q);
    else
        for (long i = 0; i < n * f->table.d; i++) x[i] = NAN;
    sgm__free(q.scratch);
}

/*
## §H.2 What is asked, and of what
*/
static const char *sgm__column_name(const sgm_fitted *f, int j, char text[24]) {
    if (f->table.column[j].name) return f->table.column[j].name;
    snprintf(text, 24, "x%d", j + 1);
    return text;
}

static sgm_status sgm__fitted_check(const sgm_fitted *f, const void *x, long n) {
    if (!f || !f->code.at || (!f->model && !f->instead))
        return sgm__bad("there is no fitted model: look at what sgm_fit or sgm_fitted_open returned");
    if (!x || n < 1)
        return sgm__bad("%ld rows of %d columns: needs a place, and at least one", n, f->table.d);
    return SGM_OK;
}

/* Rows that are asked about: no infinities, whole numbers and levels where these belong. */
static sgm_status sgm__rows_check(const sgm_fitted *f, const double *x, long n) {
    char text[24];
    for (long i = 0; i < n; i++)
        for (int j = 0; j < f->table.d; j++) {
            const double v = x[i * f->table.d + j];
            const sgm_column *c = &f->table.column[j];
            const char *name = sgm__column_name(f, j, text);
            if (v != v) continue;
            if (!(fabs(v) < 1e300))
                return sgm__fail(SGM_NOT_FINITE, "row %ld has %g in %.60s: write NaN if it is not "
                                                 "known", i, v, name);
            if (c->kind == SGM_KIND_CATEGORY && (v != floor(v) || v < 0 || v >= c->n_levels))
                return sgm__bad("row %ld has level %g in %.60s, which knows 0 to %d", i, v, name,
                    c->n_levels - 1);
            if (c->kind == SGM_KIND_INTEGER && v != floor(v))
                return sgm__bad("row %ld has %g in %.60s, which holds whole numbers", i, v, name);
        }
    return SGM_OK;
}

/* The model's score of `rows` points, told what is known of each: known NULL: all of it is. */
static sgm_status sgm__fitted_told(const sgm_fitted *f, sgm_condition *told, sgm_score *score,
    const float *known, long rows) {
    if (f->instead || !f->code.masked || !known) {
        *score = sgm_fitted_score(f);
        return SGM_OK;
    }
    SGM__TRY(sgm_condition_init(told, f->model, 0, known, rows));
    *score = sgm_condition_score(told);
    return SGM_OK;
}

SGM_API sgm_score sgm_fitted_score(const sgm_fitted *f) {
    sgm_score none;
    memset(&none, 0, sizeof none);
    if (f && f->instead) return *f->instead;
    if (!f || !f->model) return none;
    return f->code.masked ? sgm_condition_score(&f->own->whole) : sgm_model_score(f->model, 0);
}

/* Samples first … first + n of `of`, as points. */
static sgm_status sgm__fitted_draw(
    const sgm_fitted *f, float *z, long n, long first, long of, int steps, sgm_key key) {
    sgm_sample_options o;
    sgm_score score = sgm_fitted_score(f);
    memset(&o, 0, sizeof o);
    o.method = SGM_METHOD_DPMPP_2M, o.steps = steps;
    score.first = first, score.of = of;
    return sgm_sample(z, n, &score, &o, key);
}

enum { SGM__ASKED = 512, SGM__EXACT_TRACE = 64, SGM__PROBES = 16, SGM__ADDED = 8 };

static int sgm__is_drawn(const sgm_fitted *f) { /* 1: something is added to a column (10.2) */
    int drawn = 0;
    for (int k = 0; k < f->code.width; k++)
        drawn |= f->table.column[f->code.at[k].column].kind != SGM_KIND_NUMBER;
    return drawn;
}

static sgm_status sgm__asking_init(sgm__asking *q, const sgm_fitted *f, long n, sgm_key key) {
    memset(q, 0, sizeof *q);
    q->f = f, q->key = key, q->steps = 24, q->draws = sgm__is_drawn(f) ? SGM__ADDED : 1;
    q->probes = f->code.width <= SGM__EXACT_TRACE ? 0 : SGM__PROBES;
    q->most = n < SGM__ASKED / q->draws ? n * q->draws : SGM__ASKED;
    const size_t m = (size_t)q->most, D = (size_t)f->code.width;
    q->fine = (double *)sgm__alloc(m, 4 * sizeof *q->fine + 2 * D * sizeof *q->z);
    if (!q->fine) return SGM_NO_MEMORY;
    q->fine_se = q->fine + m, q->rough = q->fine_se + m, q->slope = q->rough + m;
    q->z = (float *)(void *)(q->slope + m), q->known = q->z + m * D;
    return SGM_OK;
}

static sgm_status sgm__logp_encode(const sgm__asking *q, const double *x, long first, long m) {
    sgm__encoding e = {q->f, q->z, q->f->code.masked ? q->known : NULL, q->slope, NULL, NULL, NULL,
        m * q->draws, first, q->draws, sgm_key_split(q->key, 0)};
    e.x = x + first * q->f->table.d;
    return sgm__encode_all(&e);
}

static sgm_status sgm__logp_ode(
    const sgm__asking *q, double *logp, double *se, long n, int steps) {
    sgm_likelihood_options o;
    sgm_condition told;
    sgm_score score;
    memset(&o, 0, sizeof o);
    o.probes = q->probes, o.unchecked = 1;
    o.solve.method = SGM_METHOD_RK4, o.solve.steps = steps, o.solve.grid = SGM_GRID_LOGSNR;
    SGM__TRY(sgm__fitted_told(q->f, &told, &score, q->known, n));
    if (se) memset(se, 0, (size_t)n * sizeof *se);
    return sgm_likelihood(
        logp, q->probes > 1 ? se : NULL, NULL, q->z, n, &score, &o, NULL, sgm_key_split(q->key, 1));
}

/* What the ODE cannot say: rows that are impossible, and the known part of rows with gaps, of a
model that was not told of gaps. */
static sgm_status sgm__logp_known(const sgm_fitted *f, double *logp, double *se, const double *x,
    long n, sgm_key key) {
    const int d = f->table.d;
    for (long i = 0; i < n; i++) {
        int gaps = 0, none = 0;
        for (int j = 0; j < d; j++) {
            const double v = x[i * d + j];
            gaps |= v != v, none |= f->code.low[j] == f->code.high[j] && v == v && v != f->code.low[j];
        }
        if (none) logp[i] = -HUGE_VAL;
        if (none && se) se[i] = 0;
        if (gaps && !none && (!f->code.masked || f->instead))
            SGM__TRY(sgm__known_logp(
                f, logp + i, se ? se + i : NULL, x + i * d, sgm_key_split(key, 2 + (uint64_t)i)));
    }
    return SGM_OK;
}

/*
## §H.3 A fit begins: kinds, and which rows are held out
*/
static sgm_status sgm__fit_column(sgm_column *c, const sgm_table *table, int j, double range[2]) {
    char text[24];
    int whole = 1;
    long there = 0;
    range[0] = HUGE_VAL, range[1] = -HUGE_VAL;
    snprintf(text, sizeof text, "x%d", j + 1);
    for (long i = 0; i < table->n; i++) {
        const double v = table->x[i * table->d + j];
        if (v != v || (table->weight && !(table->weight[i] > 0))) continue;
        there++, whole &= v == floor(v);
        range[0] = fmin(range[0], v), range[1] = fmax(range[1], v);
    }
    const char *name = c->name ? c->name : text;
    if (!there) return sgm__bad("column %.60s holds nothing: drop it", name);
    if (!(fmax(-range[0], range[1]) < 1e300))
        return sgm__fail(SGM_NOT_FINITE, "column %.60s holds an infinity: write NaN for what is not "
                                         "known", name);
    if (c->kind == SGM_KIND_AUTO)
        c->kind = c->level ? SGM_KIND_CATEGORY
            : whole && table->h == 0 && fmax(-range[0], range[1]) < 1e9 ? SGM_KIND_INTEGER
                                                                        : SGM_KIND_NUMBER;
    if (c->kind < SGM_KIND_AUTO || c->kind > SGM_KIND_CATEGORY)
        return sgm__bad("column %.60s is of kind %d: see sgm_kind", name, (int)c->kind);
    if (c->kind != SGM_KIND_NUMBER && !whole)
        return sgm__bad("column %.60s holds numbers that are not whole: its kind is number", name);
    if (c->kind == SGM_KIND_CATEGORY && c->n_levels == 0) c->n_levels = (int)fmin(range[1], 1e6) + 1;
    if (c->kind == SGM_KIND_CATEGORY &&
        (range[0] < 0 || range[1] >= c->n_levels || c->n_levels > 100000))
        return sgm__bad("column %.60s has levels %g to %g, where 0 to %d (at most 99999) may stand",
            name, range[0], range[1], c->n_levels - 1);
    return SGM_OK;
}

static sgm_status sgm__fit_columns(sgm__fitting *q) {
    sgm_fitted *f = q->f;
    const sgm_table *table = q->table;
    int width = 0;
    for (int j = 0; j < table->d; j++) {
        double range[2];
        SGM__TRY(sgm__fit_column(&f->table.column[j], table, j, range));
        f->code.low[j] = range[0], f->code.high[j] = range[1];
        const sgm_column *c = &f->table.column[j];
        if (range[0] < range[1]) width += c->kind == SGM_KIND_CATEGORY ? sgm__level_bits(c->n_levels) : 1;
        for (long i = 0; i < table->n && !f->code.masked; i++)
            f->code.masked = table->x[i * table->d + j] != table->x[i * table->d + j];
    }
    if (width == 0) return sgm__bad("no column varies: there is nothing to learn");
    if (f->code.masked && table->h) return sgm__bad("a picture has a pixel that is NaN: leave it out");
    f->code.at = (sgm_coordinate *)sgm__alloc((size_t)width, sizeof *f->code.at);
    if (!f->code.at) return SGM_NO_MEMORY;
    for (int j = 0; j < table->d; j++) {
        const sgm_column *c = &f->table.column[j];
        const int bits = c->kind == SGM_KIND_CATEGORY ? sgm__level_bits(c->n_levels) : 1;
        for (int b = 0; b < bits && f->code.low[j] < f->code.high[j]; b++) {
            sgm_coordinate *at = &f->code.at[f->code.width++];
            at->column = j, at->bit = c->kind == SGM_KIND_CATEGORY ? b : -1;
            at->centre = at->skew = at->shift = 0, at->unit = at->tail = at->scale = 1;
        }
    }
    return SGM_OK;
}

/* Rows that count, in the order of the key: those to learn from first, then those held out. */
static sgm_status sgm__fit_split(sgm__fitting *q) {
    const sgm_table *table = q->table;
    long n = 0;
    q->row = (long *)sgm__alloc(sgm__times(2, (size_t)table->n), sizeof *q->row);
    if (!q->row) return SGM_NO_MEMORY;
    for (long i = 0; i < table->n; i++) {
        const long at = (long)sgm_permute((uint64_t)i, (uint64_t)table->n, sgm_key_split(q->key, 0));
        const double w = table->weight ? table->weight[at] : 1;
        if (!(w >= 0 && w < 1e300))
            return sgm__bad("row %ld has weight %g: weights are numbers >= 0", at, w);
        if (w > 0) q->row[n++] = at;
    }
    if (n < SGM__FEWEST)
        return sgm__bad("%ld rows that count: a fit needs at least %d samples", n, SGM__FEWEST);
    double share = q->o.held_out > 0 ? q->o.held_out : n < 1000 ? 0.2 : 0.1;
    q->held = (long)(share * (double)n + 0.5);
    if (q->held > 5000 && q->o.held_out <= 0) q->held = 5000;
    if (q->held < 2) q->held = 2;
    if (q->held > n - 2) q->held = n - 2;
    q->n = n - q->held, q->pick = q->row + table->n;
    if (!table->weight) return SGM_OK;
    q->weights = (double *)sgm__alloc((size_t)q->n, sizeof *q->weights);
    if (!q->weights) return SGM_NO_MEMORY;
    for (long i = 0; i < q->n; i++)
        q->weights[i] = table->weight[q->row[i]] + (i ? q->weights[i - 1] : 0);
    return SGM_OK;
}

static sgm_status sgm__fit_start(sgm__fitting *q, sgm_fitted *f, const sgm_table *table,
    const sgm_fit_options *options, sgm_key key) {
    memset(q, 0, sizeof *q);
    if (!f) return sgm__bad("sgm_fit needs a sgm_fitted to fill");
    memset(f, 0, sizeof *f);
    q->f = f, q->table = table, q->key = key, q->started = sgm_seconds();
    if (options) q->o = *options;
    if (!table || !table->x || table->n < 1 || table->d < 1)
        return sgm__bad("a fit needs a table of rows and columns");
    if (q->o.quality < SGM_QUALITY_AUTO || q->o.quality > SGM_QUALITY_BEST || q->o.steps < 0 ||
        q->o.width < 0 || q->o.depth < 0 || !(q->o.held_out >= 0 && q->o.held_out < 1) ||
        !(q->o.sigma_min >= 0 && q->o.sigma_min < 1))
        return sgm__bad("options of a fit: quality of sgm_quality, steps, width and depth >= 0, "
                        "held_out and sigma_min in [0, 1)");
    if (q->o.quality == SGM_QUALITY_AUTO) q->o.quality = SGM_QUALITY_GOOD;
    f->own = (struct sgm__fitted_own *)sgm__alloc(1, sizeof *f->own);
    sgm_status status = f->own ? sgm_table_init(&f->table, table, 0) : SGM_NO_MEMORY;
    if (!status && !f->table.column)
        f->table.column = (sgm_column *)sgm__table_get(
            &f->table, (size_t)table->d, sizeof *f->table.column);
    if (!status && !f->table.column) status = SGM_NO_MEMORY;
    if (f->table.h > 0 && f->table.channels == 0) f->table.channels = 1;
    f->code.columns = table->d;
    f->code.low = (double *)sgm__alloc(sgm__times(2, (size_t)table->d), sizeof(double));
    if (!f->code.low) status = SGM_NO_MEMORY;
    else f->code.high = f->code.low + table->d;
    if (!status) status = sgm__fit_split(q);
    if (!status) status = sgm__fit_columns(q);
    if (!status) status = sgm__fit_room(q);
    if (status) sgm__fit_end(q, status);
    return status;
}

static sgm_status sgm__fit_room(sgm__fitting *q) {
    const size_t D = (size_t)q->f->code.width, masks = q->f->code.masked ? 2 : 1;
    uint64_t h = sgm__fnv_start;
    q->z = (float *)sgm__alloc(sgm__times((size_t)q->n, D), masks * sizeof *q->z);
    q->z_held = (float *)sgm__alloc(sgm__times((size_t)q->held, D), masks * sizeof *q->z);
    q->slope_held = (double *)sgm__alloc((size_t)q->held, sizeof(double));
    if (!q->z || !q->z_held || !q->slope_held) return SGM_NO_MEMORY;
    if (masks > 1) q->known = q->z + (size_t)q->n * D, q->known_held = q->z_held + (size_t)q->held * D;
    q->again = q->f->code.masked || q->weights || sgm__is_drawn(q->f);
    h = sgm__fnv(h, (const unsigned char *)q->table->x,
        (size_t)q->table->n * (size_t)q->table->d * sizeof(double));
    q->f->report.data[0] = (uint32_t)h, q->f->report.data[1] = (uint32_t)(h >> 32);
    memcpy(q->f->report.key, q->key.k, sizeof q->key.k);
    q->f->report.rows = q->n, q->f->report.held = q->held;
    q->news.nll = q->news.nll_gauss = q->news.nll_kde = q->news.held_loss = NAN;
    q->news.best_loss = HUGE_VAL;
    sgm_progress_init(&q->bar, q->o.progress, 0);
    return SGM_OK;
}

static void sgm__fit_end(sgm__fitting *q, sgm_status status) {
    if (q->run.model) sgm_trainer_free(&q->run);
    sgm__free(q->row), sgm__free(q->weights), sgm__free(q->z), sgm__free(q->z_held);
    sgm__free(q->slope_held), sgm__free(q->best);
    sgm_progress_done(&q->bar);
    if (status != SGM_OK) sgm_fitted_free(q->f);
}

static int sgm__fit_tell(sgm__fitting *q, const char *doing) {
    sgm_fit_news *news = &q->news;
    news->doing = doing, news->step = q->run.step, news->steps = q->run.o.steps;
    news->seconds = sgm_seconds() - q->started;
    news->left = news->step > 0
        ? news->seconds * (double)(news->steps - news->step) / (double)news->step : NAN;
    q->bar.total = news->steps;
    snprintf(q->bar.note, sizeof q->bar.note, "%s", doing);
    sgm_progress_step(&q->bar, news->step, news->held_loss, NAN);
    return q->o.on_step ? q->o.on_step(news, q->o.user) : 0;
}

SGM_API void sgm_fitted_free(sgm_fitted *f) {
    if (!f) return;
    if (f->model) sgm_model_free(f->model);
    sgm__free(f->own), sgm__free(f->code.at), sgm__free(f->code.low), sgm__free(f->code.turn);
    sgm__free(f->held_logp), sgm__free(f->note);
    sgm_table_free(&f->table);
    memset(f, 0, sizeof *f);
}

/*
## §H.4 Bends and turns
*/
/* Mean log likelihood of x(n), ascending, bent, under the normal law of the bent values' own mean
and variance; which it writes to c. */
static double sgm__bend_likelihood(sgm_coordinate *c, const double *x, long n) {
    double mean = 0, square = 0, slope = 0, one;
    c->shift = 0, c->scale = 1;
    for (long i = 0; i < n; i++) {
        const double y = sgm__bend(c, x[i], &one);
        const double off = y - mean;
        mean += off / (double)(i + 1), square += off * (y - mean), slope += one;
    }
    c->shift = mean, c->scale = sqrt(square / (double)n);
    if (!(c->scale > 1e-150 && c->scale < 1e150)) return -HUGE_VAL;
    return slope / (double)n - sgm__log(c->scale);
}

/* (10.1) by steps along unit, skew and tail that are halved where none helps. */
static void sgm__bend_fit(sgm_coordinate *c, const double *x, long n) {
    double straight, best;
    sgm_coordinate at = *c;
    at.centre = x[n / 2];
    at.unit = (x[n * 3 / 4] - x[n / 4]) / 1.349;
    straight = sgm__bend_likelihood(c, x, n);
    if (!(at.unit > 1e-3 * c->scale)) at.unit = c->scale;
    best = sgm__bend_likelihood(&at, x, n);
    for (double step = 0.5; step > 0.01; step /= 2)
        for (int moved = 1, rounds = 0; moved && rounds < 20; rounds++) {
            moved = 0;
            for (int way = 0; way < 6; way++) {
                sgm_coordinate to = at;
                const double by = way % 2 ? step : -step;
                if (way < 2) to.unit *= sgm__exp(by);
                else if (way < 4) to.skew = fmin(3, fmax(-3, to.skew + by));
                else to.tail = fmin(2, fmax(0.25, to.tail * sgm__exp(by)));
                const double gain = sgm__bend_likelihood(&to, x, n);
                if (gain > best + 1e-9) best = gain, at = to, moved = 1;
            }
        }
    if ((best - straight) * (double)n > 1.5 * sgm__log((double)n)) *c = at;
}

enum { SGM__BENT = 2000 }; /* values that choose a bend */

/* The values of coordinate k, ascending; returns how many are known. */
static long sgm__fit_values(sgm__fitting *q, double *v, int k) {
    double log_q;
    long m = 0;
    for (long i = 0; i < q->n; i++) {
        const double *row = q->table->x + q->pick[i] * q->table->d;
        v[m] = sgm__code_value(
            &q->f->code, q->f->table.column, row, k, sgm_key_split(q->key, 1), (uint64_t)i, &log_q);
        m += v[m] == v[m];
    }
    qsort(v, (size_t)m, sizeof *v, sgm__rising);
    return m;
}

static int sgm__rising(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Shift and scale of each coordinate; with bends = 1 its bend, too. */
static sgm_status sgm__fit_bends(sgm__fitting *q, int bends) {
    sgm_code *code = &q->f->code;
    double *v = (double *)sgm__alloc((size_t)q->n, sizeof *v);
    if (!v) return SGM_NO_MEMORY;
    for (int k = 0; k < code->width; k++) {
        sgm_coordinate *c = &code->at[k];
        const long m = sgm__fit_values(q, v, k), few = m < SGM__BENT ? m : SGM__BENT;
        if (!bends) sgm__bend_likelihood(c, v, m);
        if (bends && (c->bit >= 0 || few < 20)) continue;
        for (long i = 0; i < few && bends; i++) v[i] = v[(2 * i + 1) * m / (2 * few)];
        if (bends) sgm__bend_fit(c, v, few);
        if (!(c->scale > 0)) c->scale = 1; /* one value in all rows learnt from */
    }
    sgm__free(v);
    return SGM_OK;
}

/* Pixels share a shift and a scale, as those of §9.2. */
static void sgm__fit_pixels(sgm__fitting *q) {
    sgm_code *code = &q->f->code;
    const int channels = q->table->channels > 0 ? q->table->channels : 1;
    for (int c = 0; c < channels; c++) {
        double mean = 0, square = 0, count = 0;
        for (int k = 0; k < code->width; k++) {
            if (code->at[k].column % channels != c) continue;
            mean += code->at[k].shift, count++;
            square += code->at[k].scale * code->at[k].scale + code->at[k].shift * code->at[k].shift;
        }
        mean /= fmax(count, 1);
        const double scale = sqrt(fmax(square / fmax(count, 1) - mean * mean, 1e-12));
        for (int k = 0; k < code->width; k++)
            if (code->at[k].column % channels == c) code->at[k].shift = mean, code->at[k].scale = scale;
    }
}

/* c(d,d), symmetric, becomes L with L Lᵀ = c below its diagonal; returns log det c, or NaN. */
static double sgm__cholesky(double *c, long d) {
    double log_det = 0;
    for (long i = 0; i < d; i++)
        for (long j = 0; j <= i; j++) {
            double sum = c[i * d + j];
            for (long k = 0; k < j; k++) sum -= c[i * d + k] * c[j * d + k];
            if (i > j) c[i * d + j] = sum / c[j * d + j];
            else if (sum > 0) c[i * d + i] = sqrt(sum), log_det += sgm__log(sum);
            else return NAN;
        }
    return log_det;
}

/* Mean -log density of y(n,d) under N(mean, C), C(d,d) = (1-shrink) cov + shrink its diagonal. */
static double sgm__gauss_nll(double *work, const double *mean, const double *cov, double shrink,
    const float *y, long n, long d) {
    double *x = work + d * d, sum = 0;
    for (long i = 0; i < d * d; i++) work[i] = (i % (d + 1) ? 1 - shrink : 1) * cov[i];
    const double log_det = sgm__cholesky(work, d);
    for (long i = 0; i < n; i++, y += d)
        for (long k = 0; k < d; k++) {
            x[k] = y[k] - mean[k];
            for (long j = 0; j < k; j++) x[k] -= work[k * d + j] * x[j];
            x[k] /= work[k * d + k], sum += x[k] * x[k];
        }
    return 0.5 * (log_det + sum / (double)n) + (double)d * SGM__HALF_LOG_2PI;
}

enum { SGM__TURNED = 256 }; /* the widest rows that are turned */

/* (10.4): first the shrinkage, by the rows held out; then axes and their lengths. */
static sgm_status sgm__fit_turn(sgm__fitting *q) {
    static const double shrinks[] = {1e-4, 1e-3, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1};
    sgm_code *code = &q->f->code;
    const size_t D = (size_t)code->width;
    const long d = code->width;
    double *mean = (double *)sgm__alloc(D * (4 * D + 2), sizeof *mean), best = HUGE_VAL;
    if (!mean) return SGM_NO_MEMORY;
    double *cov = mean + D, *work = cov + D * D, *axes = work + D * D + D;
    sgm_status status = sgm__fit_epoch(q, 0);
    if (!status) status = sgm__fit_hold(q);
    if (!status) sgm__mean_cov(mean, cov, q->z, q->n, code->width);
    for (int i = 0; i < 9 && !status; i++) {
        double nll = sgm__gauss_nll(work, mean, cov, shrinks[i], q->z_held, q->held, d);
        if (nll < best) best = nll, q->f->report.shrink = shrinks[i];
    }
    code->turn = status ? NULL : (double *)sgm__alloc(2 * D * D, sizeof *mean);
    if (!code->turn) return sgm__free(mean), status ? status : SGM_NO_MEMORY;
    code->back = code->turn + D * D;
    for (size_t i = 0; i < D * D; i++) cov[i] *= i % (D + 1) ? 1 - q->f->report.shrink : 1;
    sgm__jacobi(cov, axes, d);
    for (size_t k = 0; k < D; k++) {
        const double size = sqrt(fmax(cov[k * D + k], 1e-12)); /* of this axis */
        for (size_t j = 0; j < D; j++) {
            code->turn[k * D + j] = axes[k * D + j] / size;
            code->back[j * D + k] = axes[k * D + j] * size;
        }
        code->log_turn -= sgm__log(size);
    }
    sgm__free(mean);
    return SGM_OK;
}

/* The rows held out as points, once and for all. */
static sgm_status sgm__fit_hold(sgm__fitting *q) {
    return sgm__encode(q->f, q->z_held, q->known_held, q->slope_held, q->table->x, q->row + q->n,
        q->held, sgm_key_split(q->key, 2));
}

static sgm_status sgm__fit_code(sgm__fitting *q) {
    sgm_code *code = &q->f->code;
    const int picture = q->table->h > 0;
    sgm__fit_draw(q, 0);
    SGM__TRY(sgm__fit_bends(q, 0));
    if (picture) sgm__fit_pixels(q);
    else if (!code->masked && code->width <= SGM__TURNED) SGM__TRY(sgm__fit_baselines(q));
    if (!picture && !q->o.straight) SGM__TRY(sgm__fit_bends(q, 1));
    if (!picture && !code->masked && code->width <= SGM__TURNED && q->o.straight < 2)
        SGM__TRY(sgm__fit_turn(q));
    return sgm__fit_hold(q);
}

/*
## §H.5 Baselines: what a density must beat

Both see the columns centred and scaled, not bent. A gap is filled with its column's mean, and the
baselines of a table with gaps are not told.
*/
enum { SGM__KERNELS = 2000, SGM__KERNELS_ASKED = 500 };

/* Mean -log of kernel densities of standard deviation h around the rows x(n,d), at y(m,d). */
static double sgm__kde_nll(const float *x, long n, const float *y, long m, int d, double h) {
    double nll = 0;
    for (long i = 0; i < m; i++) {
        double top = -HUGE_VAL, sum = 0;
        for (int pass = 0; pass < 2; pass++)
            for (long j = 0; j < n; j++) {
                const double at = -0.5 * sgm__dist2(x + j * d, y + i * d, d) / (h * h);
                if (pass) sum += sgm__exp(at - top);
                else top = fmax(top, at);
            }
        nll -= top + sgm__log(sum / (double)n);
    }
    return nll / (double)m + d * (sgm__log(h) + SGM__HALF_LOG_2PI);
}

static sgm_status sgm__fit_baselines(sgm__fitting *q) {
    sgm_fit_report *r = &q->f->report;
    const size_t D = (size_t)q->f->code.width;
    double *mean = (double *)sgm__alloc(D * (2 * D + 2), sizeof *mean), slope = 0;
    if (!mean) return SGM_NO_MEMORY;
    sgm_status status = sgm__fit_epoch(q, 0);
    if (!status) status = sgm__fit_hold(q);
    if (!status) {
        sgm__mean_cov(mean, mean + D, q->z, q->n, (int)D);
        for (long i = 0; i < q->held; i++) slope += q->slope_held[i] / (double)q->held;
        r->nll_gauss = sgm__gauss_nll(mean + D + D * D, mean, mean + D, 1e-6, q->z_held, q->held,
            (long)D) - slope;
        const long n = q->n < SGM__KERNELS ? q->n : SGM__KERNELS;
        const long m = q->held < SGM__KERNELS_ASKED ? q->held : SGM__KERNELS_ASKED;
        r->nll_kde = HUGE_VAL;
        for (double h = 1.3; h > 0.03; h /= 1.3)
            r->nll_kde = fmin(r->nll_kde, sgm__kde_nll(q->z, n, q->z_held, m, (int)D, h) - slope);
    }
    sgm__free(mean);
    q->news.nll_gauss = r->nll_gauss, q->news.nll_kde = r->nll_kde;
    return status;
}

/*
## §H.6 The network, its training, and the rest of the report
*/
/* The settings of a training by the size of the table; a user's width, depth, steps and patience
replace them. */
static void sgm__fit_sizes(sgm__fitting *q, sgm_train_options *run) {
    static const long most[] = {0, 1500, 6000, 24000};
    sgm_fit_report *r = &q->f->report;
    const long n = q->n, D = q->f->code.width;
    const int width = n < 500 ? 64 : n < 5000 ? 128 : 256;
    r->width = q->o.width ? q->o.width : D > 32 && width < 256 ? 2 * width : width;
    r->depth = q->o.depth ? q->o.depth : 3;
    run->steps = q->o.steps ? q->o.steps : most[q->o.quality];
    run->batch = n < 5000 ? 128 : 256;
    run->lr = 2e-3, run->lr_end = 2e-5, run->cosine = 1, run->warmup = run->steps / 50;
    run->ema[0] = 0.995, run->held_out = -1, run->clip = 10;
    q->draws = 8 * q->held < 2048 ? 2048 : q->held * 2 < 8192 ? 8192 : 16384;
    q->every = run->steps / 60 + 1;
    if (q->every < q->draws / (run->batch / 2)) q->every = q->draws / (run->batch / 2);
    if (q->o.patience == 0) q->o.patience = q->o.quality == SGM_QUALITY_BEST ? 20 : 10;
}

/* The last layer says nothing at first: the model is the Gaussian of (10.4). */
static void sgm__fit_gaussian(sgm_model *model) {
    const size_t from = model->n_layers > 1 ? model->layers[model->n_layers - 2].offset : 0;
    memset(model->params + from, 0, (model->n_params - from) * sizeof(float));
    for (int i = 0; i < model->o.n_ema; i++)
        memcpy(model->ema[i], model->params, model->n_params * sizeof(float));
}

static sgm_status sgm__fitted_network(sgm_fitted *f, sgm_model_options *o) {
    const int h = f->table.h, w = f->table.w;
    memset(o, 0, sizeof *o);
    f->own->net.width = f->report.width, f->own->net.depth = f->report.depth;
    f->own->image.h = h, f->own->image.w = w, f->own->image.channels = f->table.channels;
    f->own->image.width = f->report.width, f->own->image.depth = f->report.depth;
    o->d = f->code.width, o->sigma_data = 1, o->n_ema = 1, o->output = SGM_OUTPUT_EDM_F;
    o->sde = sgm_sde_edm(f->report.sigma_min, f->report.sigma_max);
    o->cond = f->code.masked ? f->code.width : 0;
    o->net = f->code.masked ? sgm_table_net : sgm_residual_mlp, o->user = &f->own->net;
    if (h && f->code.width == h * w * f->table.channels) {
        o->user = &f->own->image;
        o->net = h % (1 << (f->report.depth - 1)) || w % (1 << (f->report.depth - 1)) ? sgm_resnet
                                                                                      : sgm_unet;
    }
    return SGM_OK;
}

/* The mask of a row of which all is known. */
static sgm_status sgm__fitted_whole(sgm_fitted *f) {
    if (!f->code.masked) return SGM_OK;
    f->own->ones = (float *)sgm__alloc((size_t)f->code.width, sizeof(float));
    if (!f->own->ones) return SGM_NO_MEMORY;
    for (int k = 0; k < f->code.width; k++) f->own->ones[k] = 1;
    return sgm_condition_init(&f->own->whole, f->model, 0, f->own->ones, 1);
}

static sgm_status sgm__fit_model(sgm__fitting *q) {
    sgm_fitted *f = q->f;
    sgm_fit_report *r = &f->report;
    sgm_model_options o;
    sgm_train_options run;
    memset(&run, 0, sizeof run);
    sgm__fit_sizes(q, &run);
    r->sigma_min = q->o.sigma_min > 0 ? q->o.sigma_min : 0.005;
    for (r->sigma_max = 5; r->sigma_max < 1e4; r->sigma_max *= 1.25) {
        const sgm_sde sde = sgm_sde_edm(r->sigma_min, r->sigma_max);
        if (sgm_sde_prior_kl(&sde, q->z_held, q->held, f->code.width) < 1e-3) break;
    }
    SGM__TRY(sgm__fitted_network(f, &o));
    SGM__TRY(sgm_model_init(&f->own->model, &o, sgm_key_split(q->key, 7)));
    f->model = &f->own->model;
    if (!q->table->h) sgm__fit_gaussian(f->model);
    SGM__TRY(sgm__fitted_whole(f));
    run.cond = q->known;
    q->best = (float *)sgm__alloc(sgm__times(2, f->model->n_params), sizeof(float));
    if (!q->best) return SGM_NO_MEMORY;
    SGM__TRY(sgm__fit_epoch(q, 0));
    return sgm_trainer_init(&q->run, f->model, q->z, q->n, &run, sgm_key_split(q->key, 8));
}

/* Mean -log p of the first m rows held out, with few steps: to choose by. */
static sgm_status sgm__fit_nll(sgm__fitting *q, long m, double *nll) {
    sgm_likelihood_options o;
    sgm_condition told;
    sgm_score score;
    double *logp = (double *)sgm__alloc((size_t)m, sizeof *logp);
    if (!logp) return SGM_NO_MEMORY;
    memset(&o, 0, sizeof o);
    o.probes = q->f->code.width <= 8 ? 0 : 4, o.unchecked = 1;
    o.solve.method = SGM_METHOD_RK4, o.solve.steps = 12, o.solve.grid = SGM_GRID_LOGSNR;
    sgm_status status = sgm__fitted_told(q->f, &told, &score, q->known_held, m);
    if (!status)
        status = sgm_likelihood(
            logp, NULL, NULL, q->z_held, m, &score, &o, NULL, sgm_key_split(q->key, 9));
    *nll = 0;
    for (long i = 0; i < m; i++) *nll -= (logp[i] + q->slope_held[i]) / (double)m;
    sgm__free(logp);
    return status;
}

enum { SGM__MEASURED = 1000 }; /* rows held out that are measured, and kept as log densities */

static sgm_status sgm__fit_measure(sgm__fitting *q) {
    sgm_fitted *f = q->f;
    sgm_fit_report *r = &f->report;
    const long m = q->held < SGM__MEASURED ? q->held : SGM__MEASURED, D = f->code.width;
    double *rows = (double *)sgm__alloc((size_t)m, (size_t)f->table.d * sizeof *rows), square = 0;
    float *z = (float *)sgm__alloc((size_t)m, (size_t)D * sizeof *z);
    f->held_logp = (double *)sgm__alloc((size_t)m, sizeof(double));
    sgm_status status = rows && z && f->held_logp ? SGM_OK : SGM_NO_MEMORY;
    for (long i = 0; i < m && !status; i++)
        memcpy(rows + i * f->table.d, q->table->x + q->row[q->n + i] * f->table.d,
            (size_t)f->table.d * sizeof *rows);
    if (!status) sgm__fit_tell(q, "measuring");
    if (!status) status = sgm_fitted_logp(f, f->held_logp, NULL, rows, m, sgm_key_split(q->key, 10));
    if (!status) status = sgm__fitted_draw(f, z, m, 0, m, r->sample_steps, sgm_key_split(q->key, 11));
    if (!status) {
        r->nll = 0, r->held = m;
        for (long i = 0; i < m; i++) r->nll -= f->held_logp[i], square += f->held_logp[i] * f->held_logp[i];
        sgm__mean_get(&r->nll, &square, m);
        r->nll_se = square, qsort(f->held_logp, (size_t)m, sizeof *f->held_logp, sgm__rising);
        r->distance = sgm_energy_distance(z, m, q->z_held, m, (int)D);
        r->floor = sgm_energy_distance(q->z, q->n < m ? q->n : m, q->z_held, m, (int)D);
        r->memory = sgm__memory(z, m, q->z, q->n < 10000 ? q->n : 10000, (int)D);
    }
    sgm__free(rows), sgm__free(z);
    return status;
}

/* Median distance of z(n,d) to the nearest of x(m,d), over that of the x to each other. */
static double sgm__memory(const float *z, long n, const float *x, long m, int d) {
    double *far = (double *)sgm__alloc((size_t)(n + m), sizeof *far), ratio = NAN;
    if (far && !sgm_nearest(NULL, far, z, n, x, m, d, 1) &&
        !sgm_nearest(NULL, far + n, x, m, NULL, 0, d, 1)) {
        qsort(far, (size_t)n, sizeof *far, sgm__rising);
        qsort(far + n, (size_t)m, sizeof *far, sgm__rising);
        ratio = far[n / 2] / far[n + m / 2];
    }
    sgm__free(far);
    return ratio;
}

SGM_API sgm_status sgm_fitted_memory(
    const sgm_fitted *f, double *ratio, const sgm_table *train, long n, sgm_key key) {
    SGM__TRY(sgm__fitted_check(f, ratio, n));
    *ratio = NAN;
    if (!train || !train->x || train->n < 3 || train->d != f->table.d)
        return sgm__bad("the test of memory needs the table that was learnt from");
    SGM__TRY(sgm__rows_check(f, train->x, train->n));
    const size_t D = (size_t)f->code.width;
    float *z = (float *)sgm__alloc(sgm__times((size_t)n + (size_t)train->n, D), sizeof *z);
    if (!z) return SGM_NO_MEMORY;
    float *x = z + (size_t)n * D;
    sgm_status status = sgm__fitted_draw(f, z, n, 0, n, f->report.sample_steps, key);
    if (!status) status = sgm__encode(f, x, NULL, NULL, train->x, NULL, train->n, sgm_key_split(key, 1));
    if (!status) *ratio = sgm__memory(z, n, x, train->n, f->code.width);
    sgm__free(z);
    return status;
}

/*
## §H.7 The choices, told
*/
typedef struct sgm__telling { /* snprintf after snprintf */
    char *text;
    size_t bytes, used;
} sgm__telling;

static void sgm__say(sgm__telling *t, const char *format, ...) SGM__PRINTF(2, 3);
static void sgm__say(sgm__telling *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const size_t left = t->used < t->bytes ? t->bytes - t->used : 0;
    const int n = vsnprintf(left ? t->text + t->used : NULL, left, format, args);
    va_end(args);
    t->used += n > 0 ? (size_t)n : 0;
}

static void sgm__say_columns(sgm__telling *t, const sgm_fitted *f) {
    int kinds[4] = {0, 0, 0, 0}, bent = 0, constant = 0;
    for (int j = 0; j < f->table.d; j++) {
        kinds[f->table.column[j].kind]++;
        constant += f->code.low[j] == f->code.high[j];
    }
    for (int k = 0; k < f->code.width; k++) bent += f->code.at[k].tail != 1 || f->code.at[k].skew != 0;
    sgm__say(t, "Columns: %d of numbers, %d of whole numbers, %d of categories", kinds[1], kinds[2],
        kinds[3]);
    if (constant) sgm__say(t, "; %d never vary and are kept as they are", constant);
    sgm__say(t, ". A row becomes %d coordinates; %d of them are bent to the shape of a bell.\n",
        f->code.width, bent);
    if (f->code.turn)
        sgm__say(t, "They are turned to unit covariance, which is shrunk by %g.\n", f->report.shrink);
    else if (f->code.masked)
        sgm__say(t, "Values are missing: the network is told which, and nothing is turned.\n");
}

SGM_API int sgm_fitted_print(const sgm_fitted *f, char *text, size_t bytes) {
    sgm__telling t = {text, text ? bytes : 0, 0};
    static const char *const ends[] = {"all steps were done", "it was stopped",
        "the rows held out gained no more"};
    if (sgm__fitted_check(f, f, 1)) return -1;
    const sgm_fit_report *r = &f->report;
    sgm__say_columns(&t, f);
    sgm__say(&t, "Rows: %ld to learn from, %ld held out.\n", r->rows, r->held);
    if (f->model)
        sgm__say(&t, "Network: %d wide, %d deep, %lu parameters. Steps: %ld, best after %ld; %s.\n",
            r->width, r->depth, (unsigned long)f->model->n_params, r->steps, r->best_step,
            ends[r->stopped >= 0 && r->stopped <= 2 ? r->stopped : 0]);
    sgm__say(&t, "Noise from %.3g down to %.3g, in encoded units.\n", r->sigma_max, r->sigma_min);
    sgm__say(&t, "Held out: %.3f +- %.3f nats a row", r->nll, r->nll_se);
    if (r->nll_gauss == r->nll_gauss)
        sgm__say(&t, "; a Gaussian has %.3f, kernels have %.3f", r->nll_gauss, r->nll_kde);
    sgm__say(&t, " (the fewer, the better).\n");
    sgm__say(&t, "Samples: %d steps of DPM-Solver++(2M). Energy distance to the rows held out %.4f; "
                 "of the rows learnt from %.4f.\n", r->sample_steps, r->distance, r->floor);
    sgm__say(&t, "Memory: samples are %.2f times as far from the nearest row as rows are from each "
                 "other%s.\n", r->memory, r->memory < 0.5 ? ": near 0 means copies" : "");
    return (int)t.used;
}

SGM_API sgm_status sgm_fitted_note(sgm_fitted *f, const char *note) {
    SGM__TRY(sgm__fitted_check(f, f, 1));
    char *copy = note ? (char *)sgm__alloc(strlen(note) + 1, 1) : NULL;
    if (note && !copy) return SGM_NO_MEMORY;
    if (note) memcpy(copy, note, strlen(note) + 1);
    sgm__free(f->note);
    f->note = copy;
    return SGM_OK;
}

/*
## §H.8 Files of fitted models

The file of §F.8 with more arrays (`fit/…`, each double as four floats of sixteen bits, so that it
comes back exactly) and the columns as a text: a line for each, its kind and name, and a line for each
level, with \\n and \\\\ in names where these characters stand.
*/
enum { SGM__REPORTED = 22, SGM__AT = 8 };

static void sgm__put_doubles(float *to, const double *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i], 8);
        for (int k = 0; k < 4; k++) to[4 * i + (size_t)k] = (float)(bits >> 16 * k & 0xffff);
    }
}

static int sgm__get_doubles(double *v, const sgm_archive *file, const char *name, size_t n) {
    const sgm_array *a = sgm_archive_find(file, name);
    if (!a || (size_t)a->rows != n || a->cols != 4) return 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        for (int k = 0; k < 4; k++) {
            const float word = a->data[4 * i + (size_t)k];
            if (!(word >= 0 && word <= 65535)) return 0;
            bits |= (uint64_t)word << 16 * k;
        }
        memcpy(&v[i], &bits, 8);
    }
    return 1;
}

/* The report as numbers in the order of the file, or back. */
static void sgm__report_numbers(sgm_fit_report *r, double v[SGM__REPORTED], int back) {
    double *const real[] = {&r->shrink, &r->sigma_min, &r->sigma_max, &r->nll, &r->nll_se,
        &r->nll_gauss, &r->nll_kde, &r->distance, &r->floor, &r->memory};
    long *const count[] = {&r->rows, &r->held, &r->steps, &r->best_step};
    int *const small[] = {&r->stopped, &r->width, &r->depth, &r->sample_steps};
    uint32_t *const word[] = {&r->key[0], &r->key[1], &r->data[0], &r->data[1]};
    for (int i = 0; i < 10; i++) *(back ? real[i] : &v[i]) = *(back ? &v[i] : real[i]);
    for (int i = 0; i < 4; i++)
        if (back) {
            *count[i] = (long)fmin(fmax(v[10 + i], 0), 2e9);
            *small[i] = (int)fmin(fmax(v[14 + i], 0), 1e6);
            *word[i] = (uint32_t)fmin(fmax(v[18 + i], 0), 4294967295.0);
        } else {
            v[10 + i] = (double)*count[i], v[14 + i] = *small[i], v[18 + i] = *word[i];
        }
}

static void sgm__coordinate_numbers(sgm_coordinate *c, double v[SGM__AT], int back) {
    double *const real[] = {&c->centre, &c->unit, &c->tail, &c->skew, &c->shift, &c->scale};
    for (int i = 0; i < 6; i++) *(back ? real[i] : &v[2 + i]) = *(back ? &v[2 + i] : real[i]);
    if (back) c->column = (int)fmin(fmax(v[0], 0), 1e9), c->bit = (int)fmin(fmax(v[1], -1), 30);
    else v[0] = c->column, v[1] = c->bit;
}

static void sgm__say_name(sgm__telling *t, const char *lead, const char *name) {
    sgm__say(t, "%s", lead);
    for (; name && *name; name++)
        if (*name == '\\' || *name == '\n') sgm__say(t, "\\%c", *name == '\n' ? 'n' : '\\');
        else sgm__say(t, "%c", *name);
    sgm__say(t, "\n");
}

/* The columns as a text; of a column without a name or levels, an empty name and a count. */
static size_t sgm__say_table(const sgm_table *table, char *text, size_t bytes) {
    sgm__telling t = {text, bytes, 0};
    for (int j = 0; j < table->d; j++) {
        const sgm_column *c = &table->column[j];
        sgm__say(&t, "%d %d %d ", (int)c->kind, c->n_levels, c->level != NULL);
        sgm__say_name(&t, c->name ? "." : "", c->name);
        for (int k = 0; c->level && k < c->n_levels; k++) sgm__say_name(&t, "", c->level[k]);
    }
    return t.used;
}

/* The next line of a text, its escapes undone, or NULL. */
static char *sgm__next_line(char **text) {
    char *line = *text, *to = line, *at = line;
    if (!line || !*line) return NULL;
    for (; *at && *at != '\n'; at++)
        if (*at == '\\' && at[1]) at++, *to++ = *at == 'n' ? '\n' : *at;
        else *to++ = *at;
    *text = at + (*at != 0), *to = 0;
    return line;
}

/* Columns from their text, which is taken apart; 0 if it is none. */
static sgm_status sgm__hear_table(sgm_table *table, char *text) {
    for (int j = 0; j < table->d; j++) {
        sgm_column *c = &table->column[j];
        char *line = sgm__next_line(&text), *at = line;
        const long kind = line ? strtol(line, &at, 10) : 0, n = line ? strtol(at, &at, 10) : -1;
        const long named = line ? strtol(at, &at, 10) : 0;
        if (kind < 1 || kind > SGM_KIND_CATEGORY || n < 0 || n > 100000 || *at++ != ' ')
            return SGM_BAD_FILE;
        c->kind = (sgm_kind)kind, c->n_levels = (int)n;
        if (*at == '.' && !(c->name = sgm__table_text(table, at + 1))) return SGM_NO_MEMORY;
        if (!named) continue;
        c->level = (char **)sgm__table_get(table, (size_t)n, sizeof(char *));
        if (!c->level) return SGM_NO_MEMORY;
        for (int k = 0; k < n; k++) {
            if (!(line = sgm__next_line(&text))) return SGM_BAD_FILE;
            if (!(c->level[k] = sgm__table_text(table, line))) return SGM_NO_MEMORY;
        }
    }
    return SGM_OK;
}

/* What a fitted model adds to its network's file. */
static sgm_status sgm__record_fitted(sgm__record *c, const sgm_fitted *f, char **memory) {
    const sgm_code *code = &f->code;
    const size_t D = (size_t)code->width, d = (size_t)f->table.d, turns = code->turn ? 2 * D * D : 0;
    const size_t held = (size_t)f->report.held, text = sgm__say_table(&f->table, NULL, 0) + 1;
    const size_t n = SGM__AT * D + 2 * d + turns + held + SGM__REPORTED;
    sgm_fit_report report = f->report;
    double *v = (double *)sgm__alloc(sgm__times(n, 1), sizeof *v);
    float *to = (float *)sgm__alloc(4 * n * sizeof *to + text, 1);
    *memory = (char *)to;
    if (!v || !to) return sgm__free(v), SGM_NO_MEMORY;
    for (size_t k = 0; k < D; k++) {
        sgm_coordinate at = code->at[k];
        sgm__coordinate_numbers(&at, v + SGM__AT * k, 0);
    }
    memcpy(v + SGM__AT * D, code->low, 2 * d * sizeof *v);
    if (turns) memcpy(v + n - SGM__REPORTED - held - turns, code->turn, turns * sizeof *v);
    if (held) memcpy(v + n - SGM__REPORTED - held, f->held_logp, held * sizeof *v);
    sgm__report_numbers(&report, v + n - SGM__REPORTED, 0);
    sgm__put_doubles(to, v, n);
    sgm__free(v);
    const size_t count[] = {SGM__AT * D, 2 * d, turns, held, SGM__REPORTED};
    static const char *const name[] = {"at", "range", "turn", "held", "report"};
    for (int i = 0; i < 5; to += 4 * count[i++])
        if (count[i]) sgm__record_add(c, "fit/", name[i], to, (long)count[i], 4);
    sgm__say_table(&f->table, (char *)to, text);
    sgm__set_text(c, "fit.columns", (char *)to);
    sgm__set(c, "fit.format", 1), sgm__set(c, "fit.d", (double)d), sgm__set(c, "fit.h", f->table.h);
    sgm__set(c, "fit.w", f->table.w), sgm__set(c, "fit.channels", f->table.channels);
    sgm__set(c, "fit.held", (double)held);
    if (f->note) sgm__set_text(c, "fit.note", f->note);
    return SGM_OK;
}

SGM_API sgm_status sgm_fitted_save(const sgm_fitted *f, const char *path) {
    SGM__TRY(sgm__fitted_check(f, f, 1));
    if (!f->model) return sgm__bad("a score of your own has no file: save what it is made of");
    return sgm__save(f->model, NULL, path, f);
}

/* What a file says of the coordinates must be what its columns say. */
static int sgm__code_sound(const sgm_fitted *f) {
    const sgm_code *code = &f->code;
    int k = 0;
    for (int j = 0; j < code->columns; j++) {
        const sgm_column *c = &f->table.column[j];
        const int bits = c->kind == SGM_KIND_CATEGORY ? sgm__level_bits(c->n_levels) : 1;
        if (!(code->low[j] <= code->high[j] && fabs(code->low[j]) < 1e300 && fabs(code->high[j]) < 1e300))
            return 0;
        if (c->kind == SGM_KIND_CATEGORY && !(code->low[j] >= 0 && code->high[j] < c->n_levels)) return 0;
        for (int b = 0; b < bits && code->low[j] < code->high[j]; b++, k++) {
            const sgm_coordinate *at = &code->at[k];
            if (k >= code->width || at->column != j) return 0;
            if (at->bit != (c->kind == SGM_KIND_CATEGORY ? b : -1)) return 0;
            if (!(at->unit > 0 && at->scale > 0 && at->tail >= 0.25 && at->tail <= 2 &&
                    fabs(at->skew) <= 3 && fabs(at->centre) < 1e300 && at->unit < 1e300 &&
                    fabs(at->shift) < 1e300 && at->scale < 1e300))
                return 0;
        }
    }
    for (long i = 0; code->turn && i < 2L * code->width * code->width; i++)
        if (!(fabs(code->turn[i]) < 1e300)) return 0;
    return k == code->width && f->report.sample_steps >= 1 && f->report.sample_steps <= 1000;
}

/* The numbers of the code, once its sizes are known; log_turn from the rows of `back`. */
static sgm_status sgm__open_code(sgm_fitted *f, const sgm_archive *file, long held) {
    sgm_code *code = &f->code;
    const size_t D = (size_t)code->width, d = (size_t)f->table.d;
    const size_t turns = sgm_archive_find(file, "fit/turn") ? 2 * D * D : 0;
    double *v = (double *)sgm__alloc(sgm__times(SGM__AT, D) + SGM__REPORTED, sizeof *v);
    code->at = (sgm_coordinate *)sgm__alloc(D, sizeof *code->at);
    code->low = (double *)sgm__alloc(2 * d, sizeof *code->low), code->high = code->low + d;
    if (turns) code->turn = (double *)sgm__alloc(turns, sizeof *v), code->back = code->turn + D * D;
    f->held_logp = held ? (double *)sgm__alloc((size_t)held, sizeof *v) : NULL;
    int bad = !v || !code->at || !code->low || (turns && !code->turn) || (held && !f->held_logp);
    if (bad) return sgm__free(v), SGM_NO_MEMORY;
    double *numbers = v + SGM__AT * D;
    bad |= !sgm__get_doubles(v, file, "fit/at", SGM__AT * D);
    for (size_t k = 0; k < D && !bad; k++) sgm__coordinate_numbers(&code->at[k], v + SGM__AT * k, 1);
    bad |= !sgm__get_doubles(code->low, file, "fit/range", 2 * d);
    bad |= turns && !sgm__get_doubles(code->turn, file, "fit/turn", turns);
    bad |= held && !sgm__get_doubles(f->held_logp, file, "fit/held", (size_t)held);
    bad |= !sgm__get_doubles(numbers, file, "fit/report", SGM__REPORTED);
    if (!bad) sgm__report_numbers(&f->report, numbers, 1), f->report.held = held;
    sgm__free(v);
    f->report.method = SGM_METHOD_DPMPP_2M;
    for (size_t k = 0; k < D && turns; k++) { /* each row of turn has length 1/size */
        double square = 0;
        for (size_t j = 0; j < D; j++) square += code->turn[k * D + j] * code->turn[k * D + j];
        code->log_turn += 0.5 * sgm__log(square);
    }
    return !bad && sgm__code_sound(f) ? SGM_OK : SGM_BAD_FILE;
}

static sgm_status sgm__open_fitted(sgm_fitted *f, const sgm_archive *file, const char *path) {
    const char *columns = sgm_archive_meta(file, "fit.columns"), *note = sgm_archive_meta(file, "fit.note");
    int bad = 0;
    if (!columns)
        return sgm__fail(SGM_MISMATCH, "%.150s has a network, but no table: open it with sgm_model_open",
            path);
    f->own = (struct sgm__fitted_own *)sgm__alloc(1, sizeof *f->own);
    if (!f->own) return SGM_NO_MEMORY;
    SGM__TRY(sgm__open_from(&f->own->model, file, path));
    f->model = &f->own->model;
    f->table.d = f->code.columns = sgm__file_int(file, "fit.d", 1e8, &bad);
    f->table.h = sgm__file_int(file, "fit.h", 1e5, &bad), f->table.w = sgm__file_int(file, "fit.w", 1e5, &bad);
    f->table.channels = sgm__file_int(file, "fit.channels", 1e5, &bad);
    const int held = sgm__file_int(file, "fit.held", 1e9, &bad);
    const sgm_array *range = sgm_archive_find(file, "fit/range");
    bad |= f->table.d < 1 || !range || range->rows != 2L * f->table.d;
    f->code.width = f->model->o.d, f->code.masked = f->model->o.cond > 0;
    bad |= f->model->o.cond != 0 && f->model->o.cond != f->code.width;
    bad |= f->model->o.classes || f->model->o.scaler || f->model->o.n_ema < 1;
    sgm_status status = bad ? SGM_BAD_FILE : SGM_OK;
    if (!status) {
        f->table.column = (sgm_column *)sgm__table_get(&f->table, (size_t)f->table.d, sizeof(sgm_column));
        char *text = sgm__table_text(&f->table, columns);
        status = f->table.column && text ? sgm__hear_table(&f->table, text) : SGM_NO_MEMORY;
    }
    if (!status) status = sgm__open_code(f, file, held);
    if (status == SGM_BAD_FILE)
        sgm__fail(status, "%.150s does not hold together: its columns and its numbers differ", path);
    if (!status) status = sgm__fitted_whole(f);
    return status || !note ? status : sgm_fitted_note(f, note);
}

SGM_API sgm_status sgm_fitted_open(sgm_fitted *f, const char *path) {
    sgm_archive file;
    if (!f) return sgm__bad("sgm_fitted_open needs a sgm_fitted to fill");
    memset(f, 0, sizeof *f);
    if (!path) return sgm__bad("sgm_fitted_open needs a path");
    SGM__TRY(sgm__model_file(&file, path));
    sgm_status status = sgm__open_fitted(f, &file, path);
    sgm_archive_free(&file);
    if (status) sgm_fitted_free(f);
    return status;
}

SGM__FULLY
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#elif defined(__clang__)
#pragma STDC FP_CONTRACT DEFAULT
#if __clang_major__ >= 12 && !defined(__wasm__)
#pragma float_control(pop)
#endif
#endif
#endif /* SGM__ISA, SGM__IMPLEMENTING */
