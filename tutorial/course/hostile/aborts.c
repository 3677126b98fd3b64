/* says: It crashed .abort.|asked the system */
#include <stdlib.h>
static void attack(void) { abort(); }
