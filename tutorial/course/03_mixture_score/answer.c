#define MOST 16

double mixture_logp(double *r, const sgm_mixture *mix, const double *x, double t) {
    double m = sgm_sde_m(&mix->sde, t), s = sgm_sde_s(&mix->sde, t), top = -HUGE_VAL, sum = 0;
    for (int k = 0; k < mix->k; k++) {
        double var = m * m * mix->var[k] + s * s, square = 0;
        for (int j = 0; j < mix->d; j++) {
            double u = x[j] - m * mix->mean[k * mix->d + j];
            square += u * u;
        }
        r[k] = mix->log_weight[k] - 0.5 * mix->d * log(6.28318530717958647693 * var);
        r[k] -= square / (2 * var);
        if (r[k] > top) top = r[k];
    }
    for (int k = 0; k < mix->k; k++) {
        r[k] = exp(r[k] - top);
        sum += r[k];
    }
    for (int k = 0; k < mix->k; k++) r[k] /= sum;
    return top + log(sum);
}

sgm_status sgm__mixture_jvp(const sgm_score *self, float *s, float *js, const float *x,
    const float *v, const float *t, long n) {
    const sgm_mixture *mix = self->ctx;
    int d = mix->d;
    for (long i = 0; i < n; i++, s += d, js += d, x += d, v += d) {
        double r[MOST], at[MOST], mean[MOST] = {0}, turn[MOST] = {0}, along = 0;
        double m = sgm_sde_m(&mix->sde, t[i]), sd = sgm_sde_s(&mix->sde, t[i]);
        for (int j = 0; j < d; j++) at[j] = x[j];
        mixture_logp(r, mix, at, t[i]);
        for (int k = 0; k < mix->k; k++) {
            double var = m * m * mix->var[k] + sd * sd, av = 0;
            double a[MOST];
            for (int j = 0; j < d; j++) {
                a[j] = -(x[j] - m * mix->mean[k * d + j]) / var;
                av += a[j] * v[j];
            }
            for (int j = 0; j < d; j++) {
                mean[j] += r[k] * a[j];
                turn[j] += r[k] * (a[j] * av - v[j] / var);
            }
            along += r[k] * av;
        }
        for (int j = 0; j < d; j++) {
            s[j] = (float)mean[j];
            js[j] = (float)(turn[j] - mean[j] * along);
        }
    }
    return SGM_OK;
}

sgm_status sgm__mixture_eval(const sgm_score *self, float *s, const float *x, const float *t,
    long n) {
    float v[MOST] = {0}, js[MOST];
    for (long i = 0; i < n; i++)
        sgm__mixture_jvp(self, s + i * self->d, js, x + i * self->d, v, t + i, 1);
    return SGM_OK;
}

const char lab_why[] = "The constant that makes p integrate to one does not depend on x, so its "
    "logarithm is a number whose gradient is zero, and no one needs to know it for the score.";
