/* says: Stopped after . s of processor time */
static void attack(void) {
    for (volatile int i = 0; i < 10; i++) i--;
}
