/* says: segmentation fault */
static void attack(void) {
    double *volatile nowhere = 0;
    nowhere[3] = 1;
}
