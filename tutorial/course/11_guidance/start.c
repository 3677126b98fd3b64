#include "lab.h"

#define MOST 8 /* no point of 2. has more coordinates */

/* Given: the score s(D) at the point x(D) and time t, and js(D) = (∂s/∂x) v along v(D). The library
   computes in floats; this takes and gives doubles. v and js may both be NULL: s alone. */
void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t);

/* 1. The mix of two scores, for n points of g->a.d = D coordinates: out(n,D) holds the
      unconditional score and gets the guided one; b(n,D) is the other, t(n) the times.
      g->classifier 0: b is the score given y, (8.6); 1: b is ∇log p(y|x), (8.5).
      γ is g->gamma for times from g->t_low to g->t_high, both included, and 1 for all others. */
void sgm__guided_mix(const sgm_guided *g, float *out, const float *b, const float *t, long n) {
    (void)g, (void)out, (void)b, (void)t, (void)n;
}

/* 2. ∇_x log p_t(y|x) into out(D), where y = a·x0 + τ z was measured, with a(D) and z from N(0, 1):
      exactly, if the data are Gaussian. m = sgm_sde_m, s = sgm_sde_s of score->sde at t. */
void measured_score(const sgm_score *score, double *out, const double *x, double t,
                    const double *a, double y, double tau) {
    (void)score, (void)out, (void)x, (void)t, (void)a, (void)y, (void)tau;
}

/* One sentence: why does the reverse SDE with γ = 2 not draw from p(x) p(y|x)²? */
const char lab_why[] = "";
