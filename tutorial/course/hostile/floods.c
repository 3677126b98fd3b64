/* says: printed more than anybody reads */
#include <stdio.h>
static void attack(void) {
    for (int i = 0; i < 100000000 / 64; i++) puts("sixty-three letters, a hundred million of them in all: who reads?");
}
