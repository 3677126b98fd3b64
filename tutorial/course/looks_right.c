/*
Which wrong answer looks right? Eight points on a circle, their exact score, 800 steps back by (5.4)
and the closed form (5.9) at the end: once as they should be, and nine times with one of the three
numbers wrong, as in assignment 8. What a picture shows of each, and what a law says.

    looks_right FILE    writes the points; prints a row for each step, in Markdown

near: the share of the points that end within .15 of one of the eight, as proof 14 counts them.
p: how often a fair draw would be as uneven between the eight, by χ² (to three digits).
V/C: the variance after the same 800 steps on N(0, C) data, C = ¼, by a recursion, without a sample:
the number that the checker sees. off: by how many standard errors 2000 samples would be off.
*/
#include "lab.h"
#include <stdio.h>

enum { POINTS = 8, N = 240, STEPS = 800, KINDS = 10 };
static const double pi = 3.14159265358979323846;

/* The names are those that the checker gives them. */
static const struct { const char *id, *what; } kind[KINDS] = {
    {"right", "c_x = 1 − fΔ, c_s = g²Δ, c_z = g√Δ"}, {"half-score", "c_s = ½g²Δ"},
    {"sqrt2", "c_z = g√(2Δ)"}, {"noise-step", "c_z = gΔ"}, {"noise-variance", "c_z = g²Δ"},
    {"no-noise", "c_z = 0"}, {"drift-sign", "c_x = 1 + fΔ"}, {"drift-missing", "c_x = 1"},
    {"drift-beta", "c_x = 1 − 2fΔ"}, {"other-end", "c_x with f at T − t"}};

static void step_of(double c[3], int k, const sgm_sde *sde, double t, double to) {
    double h = t - to, f = sgm_sde_f(sde, t), g2 = sgm_sde_g2(sde, t), g = sqrt(g2);
    if (k == 6) f = -f;
    if (k == 7) f = 0;
    if (k == 8) f *= 2;
    if (k == 9) f = sgm_sde_f(sde, sde->T - t);
    c[0] = 1 - f * h, c[1] = (k == 1 ? 0.5 : 1) * g2 * h;
    c[2] = k == 2 ? g * sqrt(2 * h) : k == 3 ? g * h : k == 4 ? g2 * h : k == 5 ? 0 : g * sqrt(h);
}

static double variance_after(int k, const sgm_sde *sde, double C) {
    double w = 1, c[3], h = (sde->T - sde->t_min) / STEPS;
    for (int i = 0; i < STEPS; i++) {
        double t = sde->T - i * h, m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
        double keep;
        step_of(c, k, sde, t, t - h);
        keep = c[0] - c[1] / (m * m * C + s * s);
        w = keep * keep * w + c[2] * c[2];
    }
    return w;
}

/* χ² of 7 degrees of freedom is larger than that with the chance p: a sum of three terms and a
tail, since the number of degrees is odd. */
static double chance(double chi2) {
    double term = sqrt(2 * chi2 / pi) * exp(-chi2 / 2), sum = 0;
    for (int k = 1; k < 7; k += 2) sum += term, term *= chi2 / (k + 2);
    return erfc(sqrt(chi2 / 2)) + sum;
}

int main(int argc, char **argv) {
    static float x[2 * N], z[2 * N], s[2 * N], times[N];
    sgm_sde sde = sgm_sde_vp(.1, 20);
    sgm_mixture mix;
    float ring[2 * POINTS];
    double h = (sde.T - sde.t_min) / STEPS, C = .25, c[3];
    sgm_key key = sgm_key_init(17);
    FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (!out) return fprintf(stderr, "usage: looks_right FILE (to be written)\n"), 2;
    sgm_data_ring(ring, POINTS);
    if (sgm_mixture_from_data(&mix, ring, POINTS, 2, &sde) != SGM_OK) return 1;
    sgm_score score = sgm_mixture_score(&mix);
    printf("| step | what it writes | near | p | V/C | off |\n");
    printf("|---|---|---|---|---|---|\n");
    for (int k = 0; k < KINDS; k++) {
        sgm_key own = sgm_key_split(key, 1); /* the same noise for all */
        double count[POINTS] = {0}, near = 0, chi2 = 0, V = variance_after(k, &sde, C) / C;
        sgm_normal(x, 2 * N, sgm_key_split(own, 0), 0);
        for (int i = 0; i < STEPS; i++) {
            double t = sde.T - i * h;
            for (int j = 0; j < N; j++) times[j] = (float)t;
            if (sgm_score_eval(&score, s, x, times, N) != SGM_OK) return 1;
            sgm_normal(z, 2 * N, sgm_key_split(own, (uint64_t)i + 1), 0);
            step_of(c, k, &sde, t, t - h);
            for (int j = 0; j < 2 * N; j++) x[j] = (float)(c[0] * x[j] + c[1] * s[j] + c[2] * z[j]);
        }
        double m = sgm_sde_m(&sde, sde.t_min), v = pow(sgm_sde_s(&sde, sde.t_min), 2);
        for (int j = 0; j < N; j++) times[j] = (float)sde.t_min;
        if (sgm_score_eval(&score, s, x, times, N) != SGM_OK) return 1;
        for (int j = 0; j < 2 * N; j++) x[j] = (float)((x[j] + v * s[j]) / m); /* (5.9) */
        for (int j = 0; j < N; j++) {
            int best = 0;
            double r2 = HUGE_VAL;
            for (int p = 0; p < POINTS; p++) {
                double dx = x[2 * j] - ring[2 * p], dy = x[2 * j + 1] - ring[2 * p + 1];
                if (dx * dx + dy * dy < r2) r2 = dx * dx + dy * dy, best = p;
            }
            near += r2 < .15 * .15, count[best]++;
            fprintf(out, "%.4f %.4f\n", x[2 * j], x[2 * j + 1]);
        }
        fprintf(out, "\n\n");
        double e = (double)N / POINTS;
        for (int p = 0; p < POINTS; p++) chi2 += (count[p] - e) * (count[p] - e) / e;
        /* √(2/2000) of itself is the standard error of a variance of 2000 normals */
        double right = variance_after(0, &sde, C) / C;
        printf("| %s | %s | %.3f | %.2f | %.4g | %.0f |\n", kind[k].id, kind[k].what,
            near / N, chance(chi2), V, fabs(V / right - 1) / sqrt(2. / 2000));
    }
    sgm_mixture_free(&mix);
    return fclose(out) != 0;
}
