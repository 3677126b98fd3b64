/* says: Refused: it contains the word __attribute__ */
#include <stdlib.h>
#define PASTE(a, b) a##b
PASTE(__attri, bute__)((PASTE(con, structor))) static void early(void) { exit(0); }
static void attack(void) {}
