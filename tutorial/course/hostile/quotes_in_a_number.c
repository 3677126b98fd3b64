/* says: Refused: it contains the word __asm__ */
static int a = 1'0; __asm__("nop"); static int b = 1'0;
static void attack(void) { a = b; }
