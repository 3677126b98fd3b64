/* says: The compiler does not take it */
static void attack(void) { one would think that "\x1b[31m" é }
