/*
Appendix C on Windows, where a rename does not replace, a name may have a drive, and a long has 32
bits. tests/portable.sh builds it with mingw and runs it under wine; the answer is the number of
things that are not as they should be.
*/
#define SGM_IMPLEMENTATION
#include "../sgm.h"
#include <direct.h>

static int wrong;

static void must(const char *what, int good) {
    if (good) return;
    wrong++;
    printf("%s: %s\n", what, sgm_error());
}

static int write_png(char const *name, int w, int h, int channels, const void *data, int stride) {
    FILE *f = fopen(name, "wb");
    (void)w, (void)h, (void)channels, (void)data, (void)stride;
    if (f) fputs("PNG", f);
    return f && !fclose(f);
}

/* A file of `text`, and, far beyond, one byte more. */
static void write_file(const char *name, const char *text, size_t n, long long far_off) {
    FILE *f = fopen(name, "wb");
    fwrite(text, 1, n, f);
    if (far_off) _fseeki64(f, far_off, SEEK_SET), fputc('2', f);
    fclose(f);
}

int main(void) {
    static const char *const names[] = {"a", "folder\\a", "folder/b c", ".\\folder/..\\a"};
    static const char idx[] = "\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\2";
    float x[4] = {1, 2, 3, 4};
    sgm_array a;
    sgm_archive back;
    sgm_images table;
    a.name = "w", a.data = x, a.rows = a.cols = 2;
    _mkdir("folder");
    for (int i = 0; i < 12; i++) { /* three times each: a save replaces what is there */
        x[0] = (float)i;
        must(names[i % 4], !sgm_archive_save(names[i % 4], &a, 1, NULL, 0));
        must("it comes back", !sgm_archive_load(&back, names[i % 4]) &&
             back.arrays[0].data[0] == (float)i);
        sgm_archive_free(&back);
        must("dat", !sgm_dat_save("t", "h", x, 2, 2));
        must("pnm", !sgm_pnm_save("t", x, 1, 2, 2, 1, 1));
        must("png", !sgm_png_grid("t", x, 1, 2, 2, 1, 1, write_png));
    }
    must("a folder", sgm_archive_save("folder", &a, 1, NULL, 0) == SGM_NO_FILE);
    must("a folder: the cure", strstr(sgm_error(), "it is a directory: name a file") != NULL);
    must("no folder", sgm_dat_save("none\\a", "h", x, 2, 2) == SGM_NO_FILE);
    must("NUL", !sgm_dat_save("NUL", "h", x, 2, 2));
    system("attrib +r t");
    must("read-only", sgm_dat_save("t", "h", x, 2, 2) == SGM_NO_FILE);
    must("read-only: the cure", strstr(sgm_error(), "attrib -r") != NULL);
    system("attrib -r t");
    must("the cure helps", !sgm_dat_save("t", "h", x, 2, 2));
    write_file("t", "a;b\r\n1,5;2\r\n", 12, 0);
    must("a table", !sgm_csv_load(&table, "t", NULL) && table.x[0] == 1.5f);
    sgm_images_free(&table);
    write_file("t", idx, 16, (1ll << 32) + 17); /* 2 bytes behind the head, mod 2^32 */
    must("4 GB", sgm_idx_load(&table, "t") == SGM_BAD_FILE);
    must("its size", strstr(sgm_error(), "not 4294967298") != NULL);
    remove("t"), remove("a"), remove("folder\\a"), remove("folder\\b c");
    must("nothing is left", !_rmdir("folder"));
    return wrong;
}
