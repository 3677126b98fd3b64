/* says: asked the system for something */
int mprotect(void *, unsigned long, int);
static void attack(void) {
    static char page[8192];
    mprotect(page + 4096 - (unsigned long)page % 4096, 4096, 7);
}
