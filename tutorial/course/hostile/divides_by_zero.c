/* says: division by zero|segmentation|crashed */
static void attack(void) {
    volatile int zero = 0, one = 1;
    one = one / zero;
}
