#include "lab.h"

#define MOST 8 /* no point has more coordinates, and no call more directions */

/* Given: the score s(D) at the point x(D) and time t, and js(D) = (∂s/∂x) v along v(D). The library
   computes in floats; this takes and gives doubles. v and js may both be NULL: s alone. */
void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t);

/* 1. n random signs into v: each is 1 or -1 with probability ½, independent of all others. The same
      key gives the same signs: sgm_below(key, i, 2) is the i-th throw of a coin, 0 or 1. */
void draw_probes(double *v, long n, sgm_key key) {
    (void)v, (void)n, (void)key;
}

/* 2. tr ∂s/∂x at x(D), t. By (7.15) from the directions v(probes,D): the mean of v_k·(∂s/∂x) v_k.
      probes = 0 (v is not looked at): exactly, the sum of e_j·(∂s/∂x) e_j over the D axes. */
double trace_estimate(const sgm_score *score, const double *x, double t, const double *v,
                      long probes) {
    (void)score, (void)x, (void)t, (void)v, (void)probes;
    return 0;
}

/* 3. The flow's velocity F = f x - ½ g² s into F(D); returns ∇·F (7.14), its trace by 2. */
double flow_rate(const sgm_score *score, double *F, const double *x, double t, const double *v,
                 long probes) {
    (void)score, (void)F, (void)x, (void)t, (void)v, (void)probes;
    return 0;
}

/* 4. log p of x(D) in nats (7.14), as of score->sde.t_min, by `steps` steps of Heun from there to
      score->sde.T, all of one length. Directions: draw_probes(v, probes·D, key), before the first
      step. probes = 0: the exact trace. */
double flow_logp(const sgm_score *score, const double *x, long steps, long probes, sgm_key key) {
    (void)score, (void)x, (void)steps, (void)probes, (void)key;
    return 0;
}

/* 5. Bits per dimension of a point of d coordinates whose log p is `nats`. */
double bits_per_dim(double nats, int d) {
    (void)nats, (void)d;
    return 0;
}

/* One sentence: why is a density by a few steps of Euler better than the truth? */
const char lab_why[] = "";
