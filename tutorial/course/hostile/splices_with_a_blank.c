/* says: Refused: it contains the word __asm__ */
static void attack(void) { __as\ 
m__("nop"); }
