/*
From a sample to a p-value: what the tutorials and the tests ask of a law that can be written down. NaN where the question makes no sense.

A p-value is the chance that an exact sample looks at least as bad as yours; over exact samples it is uniform on (0,1). One 0.03 means
little, one 10⁻⁹ that something is wrong.
*/

#ifndef STATISTICS_H
#define STATISTICS_H

#include <float.h>
#include <math.h>
#include <stdlib.h>

static inline int stat_ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The n numbers of x, sorted, to be freed; NULL if there are none, or one is not finite. */
static inline double *stat_sorted(const float *x, long n) {
    double *sorted = x && n > 0 ? (double *)malloc((size_t)n * sizeof *sorted) : NULL;
    for (long i = 0; sorted && i < n; i++) {
        sorted[i] = x[i];
        if (!(fabs(sorted[i]) <= FLT_MAX)) free(sorted), sorted = NULL;
    }
    if (sorted) qsort(sorted, (size_t)n, sizeof *sorted, stat_ascending);
    return sorted;
}

/*
Kolmogorov and Smirnov look at the largest gap between distribution functions, sup|F_n - F|. It lives in one dimension, has no unit, and
does not change when you stretch the axis. It sees the bulk best and the tails worst; one exact sample in twenty exceeds 1.36/√n. F_n
jumps by 1/n at each point, so the gap has two sides; F must be continuous.
*/
static inline double stat_ks(const float *x, long n, double (*cdf)(double x, void *user), void *user) {
    double largest = 0, *sorted = cdf ? stat_sorted(x, n) : NULL;
    for (long i = 0; sorted && i < n && largest == largest; i++) {
        double f = cdf(sorted[i], user), above = (double)(i + 1) / (double)n - f, below = f - (double)i / (double)n;
        largest = f >= 0 && f <= 1 ? fmax(largest, fmax(above, below)) : NAN;
    }
    if (!sorted) largest = NAN;
    free(sorted);
    return largest;
}

/* Of two samples: step over each value in turn, with all the points that share it, and compare. */
static inline double stat_ks2(const float *a, long na, const float *b, long nb) {
    double largest = 0, *sa = stat_sorted(a, na), *sb = stat_sorted(b, nb);
    for (long i = 0, j = 0; sa && sb && i < na && j < nb;) {
        double value = sa[i] < sb[j] ? sa[i] : sb[j];
        while (i < na && sa[i] <= value) i++;
        while (j < nb && sb[j] <= value) j++;
        largest = fmax(largest, fabs((double)i / (double)na - (double)j / (double)nb));
    }
    if (!sa || !sb) largest = NAN;
    free(sa), free(sb);
    return largest;
}

/*
Its p-value is Kolmogorov's limit with Vrbik's correction (2018) for finite n, right to 3·10⁻³ from n = 10 on; for two samples n is
ab/(a + b). With x = D√n and l = x + 1/(6√n) + (x - 1)/(4n) it is one series or the other (they are equal; each is short on its side):

    p = 1 - √(2π)/l · Σ exp(-(2k-1)²π²/(8l²)) = 2 Σ (-1)^(k-1) exp(-2k²l²),   k = 1, 2, …
*/
static inline double stat_ks_p(double distance, double n) {
    const double pi = 3.14159265358979323846;
    double root = sqrt(n), x = distance * root, l = x + 1 / (6 * root) + (x - 1) / (4 * n), l2 = l * l;
    if (!(n > 0) || l != l) return NAN;
    if (l <= 0) return 1;
    if (l >= 1.18) return 2 * (exp(-2 * l2) - exp(-8 * l2) + exp(-18 * l2));
    double e = -pi * pi / (8 * l2);
    return 1 - sqrt(2 * pi) / l * (exp(e) + exp(9 * e) + exp(25 * e) + exp(49 * e));
}

/*
Pearson's χ² = Σ (N - E)²/E over bins that count N where E are expected sees any difference between bins and none inside one; trust it
where every E is 5 or more. With ν degrees of freedom its p-value is Q(ν/2, χ²/2), the regularised incomplete gamma function. Below its
bulk a series gives 1 - Q; above, a continued fraction (Lentz's way) gives Q:

    Q(a, x) = 1 - g Σ xⁿ/((a+1)…(a+n)),   Q(a, x) = a g/(x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - …)))

Both need g = xᵃ e⁻ˣ/Γ(a+1). Stirling's series gives it to 10⁻¹³ once a ≥ 16, and a smaller a climbs there by Γ(a+2) = (a+1)Γ(a+1).
*/
static inline double stat_gamma_front(double a, double x) {
    double log_climb = 0;
    for (; a < 16; a += 1) log_climb += log((a + 1) / x);
    double r2 = 1 / (a * a), stirling = 1.0 / 12 - r2 * (1.0 / 360 - r2 * (1.0 / 1260 - r2 / 1680));
    return exp(log_climb + a * log(x / a) + (a - x) - stirling / a) / sqrt(2 * 3.14159265358979323846 * a);
}

static inline double stat_gamma_q(double a, double x) {
    if (x <= 0 || x > 1e300) return x <= 0 ? 1 : 0;
    double g = stat_gamma_front(a, x);
    if (x < a + 1) {
        double term = 1, sum = 1;
        for (double n = 1; term > 1e-17 * sum; n++) term *= x / (a + n), sum += term;
        return 1 - g * sum;
    }
    double b = x + 1 - a, c = 1e300, f = 1 / b, h = f; /* c·f → 1 as the fraction settles */
    for (double i = 1; i < 1e6; i++) {
        b += 2;
        f = 1 / (b - i * (i - a) * f);
        c = b - i * (i - a) / c;
        h *= c * f;
        if (fabs(c * f - 1) < 1e-14) break;
    }
    return a * g * h;
}

/* Of bins - 1 - fitted degrees of freedom: a parameter that was fitted to the sample makes p too large. */
static inline double stat_chi2_p(const double *count, const double *expected, int bins, int fitted) {
    double chi2 = 0, freedom = (double)bins - 1 - fitted;
    if (!count || !expected || fitted < 0 || freedom < 1) return NAN;
    for (int k = 0; k < bins; k++) {
        if (!(expected[k] > 0) || !(count[k] >= 0)) return NAN;
        chi2 += (count[k] - expected[k]) * (count[k] - expected[k]) / expected[k];
    }
    return stat_gamma_q(0.5 * freedom, 0.5 * chi2);
}

#endif
