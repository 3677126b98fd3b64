/* says: The compiler does not take it */
static volatile char much[1 << 30] = {1};
static void attack(void) { much[0]++; }
