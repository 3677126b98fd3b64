/* says: Refused: it contains the word __asm__ */
static void attack(void) { __asm__ volatile("nop"); }
