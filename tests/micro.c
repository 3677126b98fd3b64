/* The floor of lesson 00's loss, by the library's exact score: no draws, but the trapezoid rule over the noise (its
square from -7 to 7) and Simpson's over t. Prints it for the ring of n points, and for its spiral (exercise 1). */
#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    enum { N = 8, GRID = 37, TIMES = 100 };
    static float x[N * GRID * GRID * 2], s[N * GRID * GRID * 2], t[N * GRID * GRID];
    float ring[2 * N];
    int spiral = argc > 1 && atoi(argv[1]);
    double floor = 0, edge = 7, h = 2 * edge / (GRID - 1);
    sgm_sde sde = sgm_sde_vp(.1, 20);
    sgm_mixture mix;
    sgm_data_ring(ring, N);
    for (int k = 0; k < N && spiral; k++)
        for (int j = 0; j < 2; j++) ring[2 * k + j] *= (float)(k + 1) / N;
    if (sgm_mixture_from_data(&mix, ring, N, 2, &sde)) return fprintf(stderr, "%s\n", sgm_error()), 1;
    sgm_score score = sgm_mixture_score(&mix);
    for (int i = 0; i <= TIMES; i++) {
        double time = .001 + .999 * i / TIMES, m = sgm_sde_m(&sde, time), sd = sgm_sde_s(&sde, time), sum = 0, all = 0;
        long n = 0;
        for (int k = 0; k < N; k++)
            for (int j = 0; j < GRID * GRID; j++, n++) {
                double e[2] = {j / GRID * h - edge, j % GRID * h - edge};
                for (int c = 0; c < 2; c++) x[2 * n + c] = (float)(m * ring[2 * k + c] + sd * e[c]);
                t[n] = (float)time;
            }
        if (sgm_score_eval(&score, s, x, t, n)) return fprintf(stderr, "%s\n", sgm_error()), 1;
        for (n = 0; n < N * GRID * GRID; n++) {
            int j = (int)(n % (GRID * GRID));
            double e[2] = {j / GRID * h - edge, j % GRID * h - edge}, w = exp(-(e[0] * e[0] + e[1] * e[1]) / 2);
            for (int c = 0; c < 2; c++) sum += w * pow(e[c] + sd * s[2 * n + c], 2);
            all += w;
        }
        floor += sum / all * (i == 0 || i == TIMES ? 1 : i % 2 ? 4 : 2) / (3. * TIMES);
    }
    printf("%.5f\n", floor);
    sgm_mixture_free(&mix);
    return 0;
}
