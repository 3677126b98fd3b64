/* says: Refused: it defines write, which the checker takes */
long write(int to, const void *what, size_t n) { return (void)to, (void)what, (long)n; }
static void attack(void) {}
