/* says: The pipe to the grader was closed */
int close(int);
static void attack(void) {
    for (int i = 0; i < 256; i++) close(i);
}
