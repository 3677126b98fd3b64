/* The one C file of the package. Threads are sgm.h's own: OpenMP, for which no library is wanted at
   run time, would only say how many there are, and sgm/_library.py says that. */
#ifndef _OPENMP
#define _OPENMP 201511
#endif
#ifdef _WIN32
#define SGM_API __declspec(dllexport)
#else
#define SGM_API __attribute__((visibility("default")))
#endif
#define SGM_SSE2 /* kernels also for processors without fused multiply-add, chosen at run time */
#define SGM_IMPLEMENTATION
#include "sgm.h"

SGM_API const char *sgm_python_version(void);
SGM_API const char *sgm_python_version(void) { return SGM_VERSION; }

/* Of what Python hands in, in the order of _library.py, which compares them with its own. */
SGM_API size_t sgm_python_size(int which);
SGM_API size_t sgm_python_size(int which) {
    const size_t size[] = {sizeof(sgm_key), sizeof(sgm_column), sizeof(sgm_table),
        sizeof(sgm_fit_news), sizeof(sgm_fit_options), sizeof(sgm_fitted), sizeof(sgm_given)};
    return size[which];
}
