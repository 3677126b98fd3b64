#include "lab.h"

long rank_of(double x, const double *others, long n) {
    long rank = 0;
    for (long i = 0; i < n; i++) rank += others[i] < x;
    return rank;
}

void histogram(double *count, int bins, const long *rank, long runs, long n) {
    for (int b = 0; b < bins; b++) count[b] = 0;
    for (long r = 0; r < runs; r++) count[rank[r] * bins / (n + 1)] += 1;
}

double chi2(const double *count, int bins) {
    double all = 0, sum = 0;
    for (int b = 0; b < bins; b++) all += count[b];
    double expected = all / bins;
    for (int b = 0; b < bins; b++) {
        double off = count[b] - expected;
        sum += off * off / expected;
    }
    return sum;
}

double chi2_p(double x, int freedom) {
    double term = 1, sum = 0;
    for (int k = 0; k < freedom / 2; k++) {
        sum += term;
        term *= 0.5 * x / (k + 1);
    }
    return exp(-0.5 * x) * sum;
}

double quantity(double x, double y) {
    return (y - x) * (y - x);
}

const char lab_why[] = "Truths are drawn from p(x), and draws that never saw y are too, so their "
                       "order is pure chance: only a number that also looks at y can tell.";
