/* What Fortran cannot do: make room for a struct whose size only C knows, and look into it. */
#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <stdlib.h>

sgm_fitted *sgm_fortran_open(const char *path);
void sgm_fortran_close(sgm_fitted *fitted);
int sgm_fortran_columns(const sgm_fitted *fitted);

sgm_fitted *sgm_fortran_open(const char *path) { /* NULL: sgm_error tells */
    sgm_fitted *fitted = (sgm_fitted *)malloc(sizeof *fitted);
    if (fitted && sgm_fitted_open(fitted, path) == SGM_OK) return fitted;
    free(fitted);
    return NULL;
}
void sgm_fortran_close(sgm_fitted *fitted) {
    if (fitted) sgm_fitted_free(fitted);
    free(fitted);
}
int sgm_fortran_columns(const sgm_fitted *fitted) { return fitted->table.d; }
