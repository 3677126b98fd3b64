#include "lab.h"

/* The factor that clipping puts on a gradient g of n numbers: 1 where its norm is at most
   `longest`, else what makes the norm `longest`. longest = 0 means: do not clip. */
double clip_factor(const float *g, long n, double longest) {
    (void)g, (void)n, (void)longest;
    return 0;
}

/* (4.7) for n parameters p with the running means m and v: step k (the first is 1) with the
   gradient factor · g. `rate` is η; o->beta1, o->beta2 and o->eps are β₁, β₂ and δ. */
void adam_step(float *p, float *m, float *v, const float *g, long n, long k, double rate,
    double factor, const sgm_train_options *o) {
    (void)p, (void)m, (void)v, (void)g, (void)n, (void)k, (void)rate, (void)factor, (void)o;
}

/* (4.10) for n parameters p and their average e after step k (the first is 1); decay is γ. Whatever
   e holds before the first step must not matter after it. */
void average_step(float *e, const float *p, long n, double decay, long k) {
    (void)e, (void)p, (void)n, (void)decay, (void)k;
}

/* One step of the library's optimiser q: clip, step, then each average. q has n_params numbers
   params, their gradient grads, the means moment1 and moment2, n_ema averages ema[i] with the
   decays o.ema[i], and the count `step` of the steps done before this one. sgm_optimiser_lr(q) is
   the rate of this step, and q->o.clip the longest norm. (Of tape and alone you need nothing.) */
void sgm__optimiser_update(const sgm_optimiser *q, const sgm_tape *tape, int alone) {
    (void)q, (void)tape, (void)alone;
}

/* One sentence: why are M and V divided by 1 − β^k? */
const char lab_why[] = "";
