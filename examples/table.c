/*
A table in, every question answered (chapter 10 of sgm.h): new rows, how likely each row of the table
is, and its gaps filled. The command `sgm` (examples/sgm.c) does this and more without a program.

    cc -O2 -I. examples/table.c -lm -o table
    ./table wine.csv new.csv
*/
#include <stdio.h>
#include <stdlib.h>

#define SGM_IMPLEMENTATION
#include "sgm.h"

int main(int argc, char **argv) {
    sgm_table table, made;
    sgm_fitted fitted;
    char told[2000];
    if (argc < 3) return fprintf(stderr, "usage: table DATA.csv NEW.csv\n"), 2;
    if (sgm_table_load(&table, argv[1], NULL) || sgm_fit(&fitted, &table, NULL, sgm_key_init(1)))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    sgm_fitted_print(&fitted, told, sizeof told);
    fputs(told, stderr);

    double *logp = (double *)calloc((size_t)table.n * 2, sizeof *logp), *se = logp + table.n;
    if (!logp || sgm_fitted_logp(&fitted, logp, se, table.x, table.n, sgm_key_init(3)) ||
        sgm_fitted_impute(&fitted, table.x, NULL, table.x, table.n, SGM_IMPUTE_MEAN, sgm_key_init(4)))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    for (long i = 0; i < table.n; i++) printf("%g +- %g\n", logp[i], se[i]);

    if (sgm_table_init(&made, &fitted.table, 1000) ||
        sgm_fitted_sample(&fitted, made.x, made.n, sgm_key_init(2)) ||
        sgm_table_save(argv[2], &made))
        return fprintf(stderr, "%s\n", sgm_error()), 1;
    free(logp);
    sgm_table_free(&table), sgm_table_free(&made), sgm_fitted_free(&fitted);
    return 0;
}
