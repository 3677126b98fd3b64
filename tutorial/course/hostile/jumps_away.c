/* says: It crashed */
void longjmp(void *, int);
static void attack(void) {
    static long nowhere[64];
    longjmp(nowhere, 1);
}
