#include "lab.h"

double clip_factor(const float *g, long n, double longest) {
    double square = 0;
    for (long i = 0; i < n; i++) square += (double)g[i] * g[i];
    const double norm = sqrt(square);
    return longest > 0 && norm > longest ? longest / norm : 1;
}

void adam_step(float *p, float *m, float *v, const float *g, long n, long k, double rate,
    double factor, const sgm_train_options *o) {
    const double weights1 = 1 - pow(o->beta1, (double)k), weights2 = 1 - pow(o->beta2, (double)k);
    for (long i = 0; i < n; i++) {
        const double grad = factor * g[i];
        m[i] = (float)(o->beta1 * m[i] + (1 - o->beta1) * grad);
        v[i] = (float)(o->beta2 * v[i] + (1 - o->beta2) * grad * grad);
        const double mean = m[i] / weights1, square = v[i] / weights2;
        p[i] -= (float)(rate * mean / (sqrt(square) + o->eps));
    }
}

void average_step(float *e, const float *p, long n, double decay, long k) {
    const double share = (1 - decay) / (1 - pow(decay, (double)k));
    for (long i = 0; i < n; i++) e[i] = (float)((1 - share) * e[i] + share * p[i]);
}

void sgm__optimiser_update(const sgm_optimiser *q, const sgm_tape *tape, int alone) {
    const long n = (long)q->n_params, k = q->step + 1;
    const double factor = clip_factor(q->grads, n, q->o.clip);
    adam_step(
        q->params, q->moment1, q->moment2, q->grads, n, k, sgm_optimiser_lr(q), factor, &q->o);
    for (int i = 0; i < q->n_ema; i++) average_step(q->ema[i], q->params, n, q->o.ema[i], k);
    (void)tape, (void)alone;
}

const char lab_why[] = "Both means start at 0, so after k steps their weights add up to 1 - "
                       "beta^k, and dividing by that "
                       "makes them means.";
