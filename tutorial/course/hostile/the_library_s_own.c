/* says: Refused: it names sgm_sde_s__own */
double sgm_sde_s__own(const sgm_sde *, double);
static void attack(void) { sgm_sde sde = sgm_sde_vp(1, 2); sgm_sde_s__own(&sde, 1); }
