/* What every package is tried with: the header and the library are of one version and work. */
#include <sgm.h>
#include <stdio.h>

int main(void) {
    float x[2];
    double variance = 1, mean = 0, logp = 0;
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm_mixture normal;
    sgm_score score;
    if (sgm_mixture_init(&normal, 1, 1, NULL, &mean, &variance, SGM_COV_ISOTROPIC, &sde) != SGM_OK)
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    score = sgm_mixture_score(&normal);
    x[0] = 0, x[1] = 0;
    if (sgm_score_logp(&score, &logp, x, x + 1, 1) != SGM_OK) return 1;
    sgm_mixture_free(&normal);
    printf("sgm %s: log N(0; 0, 1) = %.4f\n", SGM_VERSION, logp);
    return !(logp > -0.91894 && logp < -0.91893); /* -½ log 2π */
}
