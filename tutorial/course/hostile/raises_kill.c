/* says: asked the system for something|It crashed .killed. */
int raise(int);
static void attack(void) { raise(9); }
