/* Found before the compiler's own: see library.c. */
static int omp_get_max_threads(void) { return 1; }
static int omp_in_parallel(void) { return 0; }
