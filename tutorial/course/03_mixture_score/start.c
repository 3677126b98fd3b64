#include "lab.h"

#define MOST 16 /* no mixture here has more components, and no point more coordinates */

/*
The logarithm of p_t(x) of (2.1), in nats, and in r(k) the posterior r_k of (2.2): numbers from 0 to
1 whose sum is 1. The mixture's fields: k, d, log_weight(k) (logarithms of weights whose sum is 1),
mean(k, d), var(k), one variance for all directions, which may be 0 (points), and sde, for
sgm_sde_m(&mix->sde, t) and sgm_sde_s. x has d numbers. By log-sum-exp (2.4) it is a number even at
1000 standard deviations.
*/
double mixture_logp(double *r, const sgm_mixture *mix, const double *x, double t) {
    (void)r, (void)mix, (void)x, (void)t;
    return 0;
}

/*
The score (2.2) at n points x(n, d), each at its own time t(n), into s(n, d), in 1/data. The mixture
is self->ctx. This is the eval of the library's sgm_score: all of it will call it. Return SGM_OK.
*/
sgm_status sgm__mixture_eval(const sgm_score *self, float *s, const float *x, const float *t,
    long n) {
    (void)self, (void)s, (void)x, (void)t, (void)n;
    return SGM_OK;
}

/*
(2.3): the derivative of the score along v(n, d) into js(n, d), and the score itself into s(n, d).
*/
sgm_status sgm__mixture_jvp(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    (void)self, (void)s, (void)js, (void)x, (void)v, (void)t, (void)n;
    return SGM_OK;
}

const char lab_why[] = "";
