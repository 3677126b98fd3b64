/* says: asked the system for something */
#include <stdlib.h>
static void attack(void) { exit(system("echo ha")); }
