/*
An integral by importance sampling with a learnt density: for whoever has a Markov chain, and wants
what it does not tell, the normalising constant (a model's evidence, a free energy). Here
f(x) = exp(-x₁²/2 - (x₂ - x₁²)²/2s²), bent like a banana; its integral is 2πs.

    cc -O2 -fopenmp -I. examples/gallery/monte_carlo.c -o monte_carlo -lm
    ./monte_carlo banana.safetensors
*/
#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
enum { CHAIN = 3000, THIN = 20, N = 2000 };
static const double S = 0.4, PI = 3.14159265358979323846;

static double log_f(const double *x) {
    double bend = x[1] - x[0] * x[0];
    return -x[0] * x[0] / 2 - bend * bend / (2 * S * S);
}
static void chain(double *x, sgm_key key) { /* Metropolis */
    static float move[CHAIN * THIN * 2], u[CHAIN * THIN];
    double at[2] = {0, 0};
    sgm_normal(move, CHAIN * THIN * 2, sgm_key_split(key, 0), 0);
    sgm_uniform(u, CHAIN * THIN, sgm_key_split(key, 1), 0);
    for (int i = 0; i < CHAIN * THIN; i++) {
        double to[2] = {at[0] + 0.7 * move[2 * i], at[1] + 0.7 * move[2 * i + 1]};
        if (log(u[i]) < log_f(to) - log_f(at)) at[0] = to[0], at[1] = to[1];
        if (i % THIN == 0) x[i / THIN * 2] = at[0], x[i / THIN * 2 + 1] = at[1];
    }
}
static void must(sgm_status status) {
    if (status) fprintf(stderr, "%s\n", sgm_error()), exit(1);
}

int main(int argc, char **argv) {
    static double seen[CHAIN * 2], x[N * 2], logp[N];
    double sum = 0, squares = 0, truth = 2 * PI * S;
    sgm_fitted fitted;
    sgm_fit_options how = {.quality = SGM_QUALITY_FAST, .members = 1};
    sgm_table table = {.x = seen, .n = CHAIN, .d = 2};
    chain(seen, sgm_key_init(1));
    must(sgm_fit(&fitted, &table, &how, sgm_key_init(2)));
    if (argc > 1) must(sgm_fitted_save(&fitted, argv[1]));
    must(sgm_fitted_sample(&fitted, x, N, sgm_key_init(3)));
    must(sgm_fitted_logp(&fitted, logp, NULL, x, N, sgm_key_init(4)));
    for (int i = 0; i < N; i++) {
        double w = exp(log_f(x + 2 * i) - logp[i]); /* its mean under the learnt density is ∫f */
        sum += w, squares += w * w;
    }
    double z = sum / N, se = sqrt((squares / N - z * z) / N);
    printf("integral %.4f ± %.4f, truth %.4f\n", z, se, truth);
    printf("%d draws are worth %.0f of the law itself\n", (int)N, sum * sum / squares);
    printf("a row and its log density %.6f %.6f %.6f\n", x[0], x[1], logp[0]);
    sgm_fitted_free(&fitted);
    return !(fabs(z - truth) < 4 * se && se < 0.03 * truth);
}
