/* says: segmentation fault */
static int deeper(volatile int *above) {
    volatile int here[64] = {*above + 1};
    return deeper(here) + here[0];
}
static void attack(void) {
    volatile int none = 0;
    if (deeper(&none) == 1) none = 1;
}
