#include "lab.h"
#include <stdint.h>
#include <stdio.h>

/* The checksum (C.1) goes on from h over n bytes: h ← (h ⊕ byte) · (2^40 + 435), modulo 2^64. */
uint64_t fnv(uint64_t h, const unsigned char *bytes, size_t n) {
    (void)h, (void)bytes, (void)n;
    return 0;
}

/* Writes a safetensors file with the array "w" of 2 rows and 3 columns, the six numbers x, and the
metadata sgm.checksum, into file[room], and returns its length in bytes. flaw 0: a sound file. Else
with one flaw, 1 to 8, which the page of the assignment lists. room is 4096. */
long craft(int flaw, const float *x, unsigned char *file, long room) {
    (void)flaw, (void)x, (void)file, (void)room;
    return 0;
}

/* Reads a table of n bytes: "TAB1", rows and cols (32 bits each, no sign, lowest byte first), then
rows · cols floats, row by row (32 bits, lowest byte first), and no more. The numbers go to
to[room], the sizes to *rows and *cols, which stay as they are unless all is well. Returned is the
first that is true of: 1 not 12 bytes, or another word than TAB1; 2 a size of 0; 3 fewer numbers
than the sizes say; 4 more bytes than that; 5 more numbers than room; 6 a number that is infinite or
NaN; else 0. */
int read_table(
    const unsigned char *bytes, long n, float *to, long room, long *rows, long *cols) {
    (void)bytes, (void)n, (void)to, (void)room, (void)rows, (void)cols;
    return 0;
}

/* In one sentence: what must a reader never believe, and why? */
const char lab_why[] = "";
