/* says: Refused: it contains the word __asm__ */
#define PASTE(a, b) a##b
static void attack(void) { PASTE(__as, m__)("nop"); }
