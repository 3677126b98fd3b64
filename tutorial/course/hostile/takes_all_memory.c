/* says: segmentation fault|memory|processor time */
#include <stdlib.h>
#include <string.h>
static void attack(void) {
    for (;;) memset(malloc(1 << 24), 1, 1 << 24);
}
