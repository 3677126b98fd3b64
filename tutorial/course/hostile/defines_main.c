/* says: 99_mini.c defines main, which stands elsewhere too */
int main(void) { return 0; }
static void attack(void) {}
