/* says: Refused: it defines __libc_start_main */
int __libc_start_main(void) { return 0; }
static void attack(void) {}
