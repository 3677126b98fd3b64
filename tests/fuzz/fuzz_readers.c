/*
Appendix C.4, fuzzed: no bytes whatever may crash a reader of other people's files, leak, or make it
lie. The first byte of the input chooses the reader, and whether what every such file begins with is
put in front (or, for CIFAR-10, the image filled up), so that the fuzzer reaches the parser at once;
its higher bits are the options of a table. What loads must be finite (but where NaN was asked for),
of the size it says, and come back from an NPY and a CSV file unchanged.

    clang -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_readers.c -lm -o fuzz_readers
    mkdir found; TMPDIR=/dev/shm ./fuzz_readers -max_total_time=180 -max_len=1024 found tests/fuzz/readers
*/
#define _XOPEN_SOURCE 700
#define SGM_IMPLEMENTATION
#include "../../sgm.h"

typedef sgm_status loader(sgm_images *out, const char *path);
static sgm_csv_options options;

static sgm_status csv_load(sgm_images *out, const char *path) {
    return sgm_csv_load(out, path, &options);
}

static loader *const loaders[4] = {sgm_idx_load, sgm_cifar_load, csv_load, sgm_npy_load};

static void must(int truth) {
    if (!truth) abort();
}

static void write_file(const char *path, const uint8_t *bytes, size_t n, int kind, int help) {
    static const uint8_t zeros[3073];
    uint8_t npy[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
    const uint8_t *end = n ? (const uint8_t *)memchr(bytes, '\n', n) : NULL;
    size_t header = end ? (size_t)(end - bytes) + 1 : n; /* one line; the data follows */
    FILE *f = fopen(path, "wb");
    must(f != NULL);
    npy[8] = (uint8_t)header, npy[9] = (uint8_t)(header >> 8);
    if (help && kind == 0) fwrite("\0\0\x08\x03\0\0\0\0\0\0\0\0\0", 1, 7, f); /* n < 256 */
    if (help && kind == 3) fwrite(npy, 1, 10, f);
    if (n) fwrite(bytes, 1, n, f);
    if (help && kind == 1) fwrite(zeros, 1, (3073 - n % 3073) % 3073, f);
    fclose(f);
}

static void write_npy(const char *path, const sgm_images *a) {
    char text[256];
    uint8_t head[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
    int n = snprintf(text, sizeof text,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%ld, %d, %d, %d), }\n",
                     a->n, a->h, a->w, a->channels);
    FILE *f = fopen(path, "wb");
    must(f != NULL);
    head[8] = (uint8_t)n;
    fwrite(head, 1, 10, f), fputs(text, f);
    fwrite(a->x, sizeof *a->x, (size_t)a->n * (size_t)a->d, f);
    fclose(f);
}

static void write_csv(const char *path, const sgm_images *a) {
    FILE *f = fopen(path, "wb");
    must(f != NULL);
    for (long i = 0; i < a->n * a->d; i++)
        fprintf(f, "%.9g%c", (double)a->x[i], (i + 1) % a->d ? ',' : '\n');
    fclose(f);
}

static void must_come_back(const char *path, const sgm_images *a) {
    sgm_images again;
    for (int csv = 0; csv < 2; csv++) {
        if (csv) write_csv(path, a);
        else write_npy(path, a);
        must((csv ? csv_load : sgm_npy_load)(&again, path) == SGM_OK);
        must(again.n == a->n && again.d == a->d);
        must(csv || (again.h == a->h && again.w == a->w && again.channels == a->channels));
        must(!memcmp(again.x, a->x, (size_t)a->n * (size_t)a->d * sizeof *a->x));
        sgm_images_free(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static char path[300];
    const char *base = getenv("TMPDIR");
    sgm_images a;
    if (n == 0) return 0;
    int kind = bytes[0] & 3, help = bytes[0] >> 2 & 1;
    memset(&options, 0, sizeof options);
    if (kind == 2) {
        options.missing = help, options.header = (sgm_csv_header)(bytes[0] >> 3 & 3);
        options.separator = "\0;|\t"[bytes[0] >> 5 & 3], options.decimal = bytes[0] >> 7 ? ',' : 0;
    }
    snprintf(path, sizeof path, "%.200s/sgm_fuzz_%ld", base ? base : "/tmp", (long)getpid());
    write_file(path, bytes + 1, n - 1, kind, help);
    sgm_status status = loaders[kind](&a, path);
    must(status == SGM_OK || status == SGM_BAD_FILE || status == SGM_NOT_FINITE ||
         (status == SGM_BAD_ARGUMENT && options.header > SGM_HEADER_NONE));
    must(sgm__utf8_bytes(sgm_error()) == strlen(sgm_error()));
    if (status == SGM_OK) {
        must(a.n > 0 && a.d == a.h * a.w * a.channels && (a.x || a.label));
        for (long i = 0; a.label && i < a.n; i++)
            must(a.label[i] >= 0 && a.label[i] <= (kind == 1 ? 9 : 255));
        for (long i = 0; a.x && kind < 2 && i < a.n * a.d; i++) must(a.x[i] >= 0 && a.x[i] <= 1);
        for (int i = 0; a.names && i < a.d; i++) must(strlen(a.names[i]) < n);
        memset(&options, 0, sizeof options);
        if (a.x && kind == 2 && sgm__first_bad(a.x, (size_t)a.n * (size_t)a.d) >= 0) must(help);
        else if (a.x) must_come_back(path, &a);
    } else {
        must(!a.x && !a.label && a.n == 0 && a.d == 0 && sgm_error()[0] != 0);
    }
    sgm_images_free(&a);
    remove(path);
    return 0;
}
