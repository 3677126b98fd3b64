#include "check.h"

double half(double x); /* the answer's */

static void lab_checks(void) {
    const double x = lab_real(0, 1, 9);
    lab_unit("half of x", half(x), x / 2, 1e-9, NULL);
    /* as on every machine: compiler and processor do what the library needs */
    const double known[3] = {0.380400717, -0.29627794, -0.249233291};
    float z[3] = {0, 0, 0};
    sgm_normal(z, 3, sgm_key_init(1), 0);
    const double got[3] = {z[0], z[1], z[2]};
    lab_compare(LAB_UNIT, "three random numbers", got, known, 3, 1e-8, NULL);
    /* VP keeps the variance: what is cut out of the header is in its place */
    const sgm_sde sde = sgm_sde_vp(.1, 20);
    const double m = sgm_sde_m(&sde, .4), s = sgm_sde_s(&sde, .4);
    lab_law("m² + s² of the library's process", m * m + s * s, 1, 1e-9, NULL);
}
