/* says: Refused: it names sgm_sde_s__own */
#define PASTE(a, b) a##b
double PASTE(sgm_sde_s__, own)(const sgm_sde *, double);
static double keep;
static void attack(void) { sgm_sde sde = sgm_sde_vp(1, 2); keep = PASTE(sgm_sde_s__, own)(&sde, 1); }
