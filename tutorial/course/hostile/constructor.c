/* says: Refused: it contains the word __attribute__ */
#include <stdlib.h>
__attribute__((constructor)) static void early(void) { exit(0); }
static void attack(void) {}
