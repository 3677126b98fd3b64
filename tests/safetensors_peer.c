/*
Reads the paths of safetensors files, a line each, and prints what sgm.h makes of them, for
safetensors_peer.py to compare: `bad MESSAGE`, or `ok N` and N lines `NAME ROWS COLS BITS`, names and
the floats' bits in hexadecimal, then `meta KEY VALUE` lines and `end`. What loads is saved again,
beside the file, as PATH.again.
*/
#define SGM_IMPLEMENTATION
#include "../sgm.h"

static void hex(const char *s) {
    printf(" =");
    for (; *s; s++) printf("%02x", (unsigned char)*s);
}

int main(void) {
    char path[4096], again[4200];
    sgm_archive a;
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        if (sgm_archive_load(&a, path)) {
            printf("bad %s\n", sgm_error());
            continue;
        }
        printf("ok %d\n", a.n_arrays);
        for (int i = 0; i < a.n_arrays; i++) {
            hex(a.arrays[i].name);
            printf(" %ld %ld =", a.arrays[i].rows, a.arrays[i].cols);
            for (long k = 0; k < a.arrays[i].rows * a.arrays[i].cols; k++) {
                uint32_t bits;
                memcpy(&bits, a.arrays[i].data + k, 4);
                printf("%08lx", (unsigned long)bits);
            }
            printf("\n");
        }
        for (int i = 0; i < a.n_meta; i++)
            printf("meta"), hex(a.meta[2 * i]), hex(a.meta[2 * i + 1]), printf("\n");
        printf("end\n");
        snprintf(again, sizeof again, "%s.again", path);
        if (sgm_archive_save(again, a.arrays, a.n_arrays, (const char *const *)a.meta, a.n_meta))
            return fprintf(stderr, "%s: %s\n", again, sgm_error()), 1;
        sgm_archive_free(&a);
    }
    return 0;
}
