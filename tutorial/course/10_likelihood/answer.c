#include "lab.h"

#define MOST 8
#define MANY 64

void ask_score(const sgm_score *score, double *s, double *js, const double *x, const double *v,
               double t);

void draw_probes(double *v, long n, sgm_key key) {
    for (long i = 0; i < n; i++) v[i] = sgm_below(key, (uint64_t)i, 2) ? 1 : -1;
}

double trace_estimate(const sgm_score *score, const double *x, double t, const double *v,
                      long probes) {
    long d = score->d, n = probes ? probes : d;
    double s[MOST], js[MOST], along[MOST], sum = 0;
    for (long k = 0; k < n; k++) {
        for (long j = 0; j < d; j++) along[j] = probes ? v[k * d + j] : j == k;
        ask_score(score, s, js, x, along, t);
        for (long j = 0; j < d; j++) sum += along[j] * js[j];
    }
    return probes ? sum / n : sum;
}

double flow_rate(const sgm_score *score, double *F, const double *x, double t, const double *v,
                 long probes) {
    double f = sgm_sde_f(&score->sde, t), half_g2 = .5 * sgm_sde_g2(&score->sde, t), s[MOST];
    ask_score(score, s, NULL, x, NULL, t);
    for (int j = 0; j < score->d; j++) F[j] = f * x[j] - half_g2 * s[j];
    return score->d * f - half_g2 * trace_estimate(score, x, t, v, probes);
}

double flow_logp(const sgm_score *score, const double *x, long steps, long probes, sgm_key key) {
    int d = score->d;
    double t = score->sde.t_min, h = (score->sde.T - t) / steps, sigma = sgm_sde_prior(&score->sde);
    double v[MANY], y[MOST], z[MOST], F0[MOST], F1[MOST], gain = 0, square = 0;
    draw_probes(v, probes * d, key);
    for (int j = 0; j < d; j++) y[j] = x[j];
    for (long i = 0; i < steps; i++, t += h) {
        double first = flow_rate(score, F0, y, t, v, probes);
        for (int j = 0; j < d; j++) z[j] = y[j] + h * F0[j];
        double second = flow_rate(score, F1, z, t + h, v, probes);
        for (int j = 0; j < d; j++) y[j] += h * (F0[j] + F1[j]) / 2;
        gain += h * (first + second) / 2;
    }
    for (int j = 0; j < d; j++) square += y[j] * y[j] / (sigma * sigma);
    double prior = -.5 * square - d * (log(sigma) + .5 * log(2 * acos(-1)));
    return prior + gain;
}

double bits_per_dim(double nats, int d) {
    return -nats / (d * log(2));
}

const char lab_why[] =
    "Euler's step stretches by 1 + u but counts u, which is more than log(1 + u), so the density "
    "that it reports integrates to more than 1.";
