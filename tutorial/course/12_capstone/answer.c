#include "lab.h"

static double mean_distance(const float *a, long na, const float *b, long nb, int d) {
    double sum = 0;
    for (long i = 0; i < na; i++) {
        for (long j = 0; j < nb; j++) {
            double square = 0;
            for (int k = 0; k < d; k++) {
                double off = a[i * d + k] - b[j * d + k];
                square += off * off;
            }
            sum += sqrt(square);
        }
    }
    return sum / ((double)na * (double)nb);
}

double energy(const float *a, long na, const float *b, long nb, int d) {
    double between = mean_distance(a, na, b, nb, d);
    double within = mean_distance(a, na, a, na, d) + mean_distance(b, nb, b, nb, d);
    return 2 * between - within;
}

void step(float *x, const float *x0, double from, double to, long n, int d) {
    for (long i = 0; i < n * d; i++) x[i] = (float)(x0[i] + to / from * (x[i] - x0[i]));
}

/* DPM-Solver++(2M): the line through the last two clean points, read in the middle of the step. */
sgm_status draw(float *x, long n, const sgm_score *score, sgm_key key) {
    enum { ASKED = 8 };
    long size = n * score->d;
    float *s = malloc((3 * (size_t)size + (size_t)n) * sizeof *s);
    if (!s) return SGM_NO_MEMORY;
    float *clean = s + size, *old = clean + size, *t = old + size;
    double top = score->sde.T, ratio = pow(score->sde.t_min / top, 1. / (ASKED - 1)), sigma = top;
    sgm_status status = SGM_OK;
    sgm_normal(x, (size_t)size, key, 0);
    for (long i = 0; i < size; i++) x[i] *= (float)top;
    for (int k = 0; k < ASKED && status == SGM_OK; k++) {
        int middle = k > 0 && k + 1 < ASKED;
        double to = k + 1 < ASKED ? sigma * ratio : 0;
        for (long i = 0; i < n; i++) t[i] = (float)sigma;
        status = sgm_score_eval(score, s, x, t, n);
        for (long i = 0; i < size; i++) {
            double now = x[i] + sigma * sigma * s[i], line = middle ? now - old[i] : 0;
            old[i] = (float)now;
            clean[i] = (float)(now + 0.5 * line);
        }
        step(x, clean, sigma, to, n, score->d);
        sigma = to;
    }
    free(s);
    return status;
}

const char lab_why[] = "The clean point hardly moves from one noise level to the next if levels "
                       "fall by equal factors, so a line through the last two guesses it well.";
