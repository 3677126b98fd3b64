/* says: asked the system for something */
#include <stdio.h>
static void attack(void) {
    FILE *f = fopen("/proc/self/cmdline", "r");
    if (f) puts("open");
}
