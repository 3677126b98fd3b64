#include "lab.h"

/* An answer that is right, for `lab ready`: it shows that your compiler, the library and the checker
work together. Assignments look like this, but for what stands between the braces. */
double half(double x) { return x / 2; }

const char lab_why[] = "Two halves of a number, added, are the number again.";
