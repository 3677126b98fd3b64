/* says: It crashed */
static void attack(void) {
    volatile char small[8];
    volatile char *at = small;
    for (long i = 0; i < 1 << 24; i++) at[i] = 'x';
}
