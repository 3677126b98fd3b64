/*
An exported model against what the library said: -DMODEL='"NAME.c"' names it, NAME.truth is read.
Prints how many numbers differ in any bit.
*/
#include MODEL
#include <stdio.h>

static FILE *truth;

static void get(void *p, size_t bytes) {
    if (fread(p, 1, bytes, truth) != bytes) printf("the truth is cut off\n"), exit(1);
}

static long differ(const double *a, const double *b, long n) {
    long bad = 0;
    for (long i = 0; i < n; i++)
        bad += memcmp(a + i, b + i, sizeof *a) != 0 && !(a[i] != a[i] && b[i] != b[i]);
    return bad;
}

/* a b + c without an instruction for it, where the product lies half way between two floats, or
below the least normal one, and c decides. */
static long fused_differ(void) {
    long bad = 0;
    for (int i = 1; i < 12; i++)
        for (int j = 1; j < 12; j++)
            for (int k = -160; k < 30; k++) {
                const float a = 1 + ldexpf(1, -i), one = 1 + ldexpf(1, -2 * j - 1);
                const float b = i % 2 ? ldexpf(one, -70) : one, c = ldexpf(k % 2 ? 1 : -1, k);
                for (int low = 0; low < 2; low++) {
                    const float x = low ? ldexpf(a, -62) : a;
                    const float made = fma_by(0, x, b, c), right = fmaf(x, b, c);
                    bad += memcmp(&made, &right, sizeof made) != 0;
                }
            }
    return bad;
}

int main(int argc, char **argv) {
    const long d = MODEL_COLUMNS;
    long n, rows = 0, densities = 0;
    truth = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!truth) return printf("usage: export_check NAME.truth\n"), 2;
    get(&n, sizeof n);
    double *x = (double *)malloc((size_t)(2 * n * d + 2 * n) * sizeof *x), *y = x + n * d;
    double *said = y + n * d, *logp = said + n, one;
    if (!x) return 1;
    get(x, (size_t)d * sizeof *x), get(&one, sizeof one);
    rows += model_sample(y, 1, 77) + differ(x, y, d);
    densities += model_logp(logp, x, 1) + differ(&one, logp, 1);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        get(x, (size_t)(n * d) * sizeof *x);
        rows += model_sample(y, n, seed + (seed << 40)) + differ(x, y, n * d);
    }
    get(x, (size_t)(n * d) * sizeof *x), get(said, (size_t)n * sizeof *said);
    densities += model_logp(logp, x, n) + differ(said, logp, n);
    rows += model_sample(y, 0, 1) + (model_column_name(0) == NULL) +
        (model_column_name(-1) != NULL) + (model_column_name(MODEL_COLUMNS) != NULL) +
        (model_level(0, -1) != NULL);
    x[0] = HUGE_VAL; /* a row that cannot be */
    densities += model_logp(logp, x, 1) + (logp[0] == logp[0]);
    if (fused_differ()) printf("%ld fused products differ\n", fused_differ()), rows++;
    if (rows + densities)
        printf("%ld numbers of rows and %ld log densities differ\n", rows, densities);
    free(x), fclose(truth);
    return rows + densities > 0;
}
