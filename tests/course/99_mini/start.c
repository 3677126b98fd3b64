#include "lab.h"

/* x/2 */
double half(double x) {
    (void)x;
    return 0;
}

/* 2x */
double twice(double x) {
    (void)x;
    return 0;
}

const char lab_why[] = "";
