/* says: it waits|asked the system for something */
unsigned sleep(unsigned);
static void attack(void) { sleep(1000); }
