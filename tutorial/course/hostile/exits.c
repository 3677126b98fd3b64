/* says: It ended .exit status 0. before the checker was done */
#include <stdlib.h>
static void attack(void) { exit(0); }
