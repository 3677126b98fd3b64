/*
Appendix C, fuzzed: no bytes whatever may crash the reader, leak, or make it lie. The first byte of
the input chooses: even, the rest is the file; odd, the rest is a header, one line long, and the
data behind it, and a length that fits is put in front, so that the fuzzer reaches the parser at
once. What loads must be sound to its last number and come back from a save unchanged.

    clang -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_archive.c -lm -o fuzz_archive
    mkdir found; TMPDIR=/dev/shm ./fuzz_archive -max_total_time=180 -max_len=1024 found tests/fuzz/archive
*/
#define _XOPEN_SOURCE 700
#define SGM_IMPLEMENTATION
#include "../../sgm.h"

static void must(int truth) {
    if (!truth) abort();
}

static void write_file(const char *path, const uint8_t *bytes, size_t n, int odd) {
    uint8_t length[8];
    const uint8_t *end = n ? (const uint8_t *)memchr(bytes, '\n', n) : NULL;
    size_t header = end ? (size_t)(end - bytes) + 1 : n; /* one line; the data follows */
    FILE *f = fopen(path, "wb");
    must(f != NULL);
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header >> 8 * i);
    if (odd) fwrite(length, 1, 8, f);
    if (n) fwrite(bytes, 1, n, f);
    fclose(f);
}

static void must_be_equal(const sgm_archive *a, const sgm_archive *b) {
    must(a->n_arrays == b->n_arrays);
    for (int i = 0; i < a->n_arrays; i++) {
        const sgm_array *x = a->arrays + i, *y = b->arrays + i;
        must(strcmp(x->name, y->name) == 0 && x->rows == y->rows && x->cols == y->cols);
        must(!memcmp(x->data, y->data, 4 * (size_t)x->rows * (size_t)x->cols));
        must(sgm_archive_find(a, x->name) == x);
    }
    for (int i = 0; i < a->n_meta; i++) {
        const char *key = a->meta[2 * i], *value = sgm_archive_meta(b, key);
        must(value != NULL);
        if (strcmp(key, "sgm.checksum")) must(strcmp(value, a->meta[2 * i + 1]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static char path[300];
    const char *base = getenv("TMPDIR");
    sgm_archive archive, again;
    if (n == 0) return 0;
    snprintf(path, sizeof path, "%.200s/sgm_fuzz_%ld", base ? base : "/tmp", (long)getpid());
    write_file(path, bytes + 1, n - 1, bytes[0] & 1);
    sgm_status status = sgm_archive_load(&archive, path);
    must(status == SGM_OK || status == SGM_BAD_FILE);
    if (status == SGM_OK) {
        const char *const *meta = (const char *const *)archive.meta;
        must(sgm_archive_save(path, archive.arrays, archive.n_arrays, meta, archive.n_meta) == 0);
        must(sgm_archive_load(&again, path) == SGM_OK);
        must_be_equal(&archive, &again);
        sgm_archive_free(&again);
    } else {
        must(archive.memory == NULL && archive.n_arrays == 0 && sgm_error()[0] != 0);
    }
    sgm_archive_free(&archive);
    remove(path);
    return 0;
}
