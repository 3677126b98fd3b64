#include "lab.h"

/* The rank of a number among n others: how many of them are below it, 0 … n. */
long rank_of(double x, const double *others, long n) {
    (void)x, (void)others, (void)n;
    return 0;
}

/* count[0 … bins-1]: how many of the `runs` ranks, each 0 … n, fall into each bin. A bin is
(n+1)/bins ranks wide, a whole number. What stood in count before is overwritten. */
void histogram(double *count, int bins, const long *rank, long runs, long n) {
    (void)count, (void)bins, (void)rank, (void)runs, (void)n;
}

/* Pearson's χ² of counts that should be equal: the sum of (count - expected)²/expected. */
double chi2(const double *count, int bins) {
    (void)count, (void)bins;
    return 0;
}

/* The chance that a χ² with so many degrees of freedom, an even number, is at least x:
exp(-x/2) times the sum of (x/2)^k/k! over k = 0 … freedom/2 - 1. */
double chi2_p(double x, int freedom) {
    (void)x, (void)freedom;
    return 0;
}

/* A number made of x and y, yours: its ranks must be uniform for draws from p(x|y), and must tell
draws that never saw y. */
double quantity(double x, double y) {
    (void)x, (void)y;
    return 0;
}

const char lab_why[] = ""; /* why ranks of x do not see that draws ignore y */
