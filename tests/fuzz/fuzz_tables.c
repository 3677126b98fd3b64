/*
Appendix C.6, fuzzed: no bytes whatever may crash the reader of tables, leak, or make it lie. The
first byte of the input chooses what is asked for (a line of names, a separator, a table to be like,
columns left out, kinds and weights), and whether the head of an NPY file is put in front. What loads
must have levels and weights as they should be, and come back from a CSV and an NPY file unchanged.

    clang -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_tables.c -lm -o fuzz_tables
    mkdir found; TMPDIR=/dev/shm ./fuzz_tables -max_total_time=180 -max_len=1024 found tests/fuzz/tables
*/
#define _XOPEN_SOURCE 700
#define SGM_IMPLEMENTATION
#include "../../sgm.h"

static void must(int truth) {
    if (!truth) abort();
}

static void write_file(const char *path, const uint8_t *bytes, size_t n, int npy) {
    uint8_t head[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
    const uint8_t *end = n ? (const uint8_t *)memchr(bytes, '\n', n) : NULL;
    const size_t length = end ? (size_t)(end - bytes) + 1 : n;
    FILE *f = fopen(path, "wb");
    must(f != NULL);
    head[8] = (uint8_t)length, head[9] = (uint8_t)(length >> 8);
    if (npy) fwrite(head, 1, 10, f);
    if (n) fwrite(bytes, 1, n, f);
    fclose(f);
}

static void must_be_sound(const sgm_table *t) {
    must(t->n > 0 && t->d > 0 && t->x && t->memory);
    for (int j = 0; t->column && j < t->d; j++) {
        const sgm_column *c = &t->column[j];
        for (int k = 0; c->level && k < c->n_levels; k++) must(c->level[k] && *c->level[k]);
        for (long i = 0; i < t->n; i++) {
            const double x = t->x[i * t->d + j];
            must(x != x || fabs(x) <= DBL_MAX);
            must(x != x || c->kind <= SGM_KIND_NUMBER || x == floor(x));
            must(x != x || !c->level || (x >= 0 && x < c->n_levels));
        }
    }
    for (long i = 0; t->weight && i < t->n; i++) must(t->weight[i] >= 0);
}

static void must_be_same(const sgm_table *a, const sgm_table *b, int by_name) {
    must(a->n == b->n && a->d == b->d && !a->weight == !b->weight);
    for (long i = 0; i < a->n * a->d; i++) {
        const double x = a->x[i], y = b->x[i];
        char **p = a->column ? a->column[i % a->d].level : NULL;
        char **q = b->column ? b->column[i % b->d].level : NULL;
        must((x != x) == (y != y));
        if (x == x && p && by_name && q) must(!strcmp(p[(int)x], q[(int)y]));
        else if (x == x && !(p && by_name)) must(!memcmp(&x, &y, sizeof x));
    }
    for (long i = 0; a->weight && i < a->n; i++) must(a->weight[i] == b->weight[i]);
}

/* Like itself, so that levels which are all numbers are levels again. */
static void must_come_back(const char *path, const sgm_table *a) {
    char npy[330];
    sgm_table again, like = *a;
    sgm_table_options o;
    memset(&o, 0, sizeof o);
    o.csv.separator = ',', o.csv.header = SGM_HEADER_LINE, o.csv.decimal = '.';
    o.weight = a->weight ? "weight" : NULL;
    for (int j = 0; a->weight && a->column && j < a->d; j++)
        if (a->column[j].name && !strcmp(a->column[j].name, "weight")) return; /* is taken */
    if (!a->h) {
        must(sgm_table_save(path, a) == SGM_OK);
        o.like = &like, like.x = NULL;
        must(sgm_table_load(&again, path, &o) == SGM_OK);
        must_be_same(a, &again, 1);
        sgm_table_free(&again);
    }
    snprintf(npy, sizeof npy, "%s.npy", path);
    must(sgm_table_save(npy, a) == SGM_OK);
    must(sgm_table_load(&again, npy, NULL) == SGM_OK);
    like = *a, like.weight = NULL;
    must_be_same(&like, &again, 0);
    sgm_table_free(&again), remove(npy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static char path[300], level[3][2] = {"x", "y", "1"};
    static char *levels[3] = {level[0], level[1], level[2]};
    static char names[2][2] = {"a", "b"};
    static sgm_column column[2] = {{names[0], SGM_KIND_CATEGORY, 3, levels},
                                   {names[1], SGM_KIND_NUMBER, 0, NULL}};
    static const char *const drop[] = {"a"}, *const kinds[] = {"b=category", "c=integer"};
    const char *base = getenv("TMPDIR");
    sgm_table t, like;
    sgm_table_options o;
    if (n == 0) return 0;
    const int ask = bytes[0] >> 2 & 7;
    memset(&o, 0, sizeof o), memset(&like, 0, sizeof like), memset(&t, 0x55, sizeof t);
    like.column = column, like.d = 2;
    o.csv.header = (sgm_csv_header)(bytes[0] & 1), o.csv.separator = "\0;"[bytes[0] >> 1 & 1];
    if (ask & 1) o.weight = "w";
    if (ask == 2 || ask == 3) o.like = &like;
    if (ask == 4) o.drop = drop, o.n_drop = 1;
    if (ask == 5) o.kinds = kinds, o.n_kinds = 2;
    snprintf(path, sizeof path, "%.200s/sgm_fuzz_%ld", base ? base : "/tmp", (long)getpid());
    write_file(path, bytes + 1, n - 1, ask == 6);
    const sgm_status status = sgm_table_load(&t, path, &o);
    must(sgm__utf8_bytes(sgm_error()) == strlen(sgm_error()));
    if (status == SGM_OK) {
        must_be_sound(&t);
        must_come_back(path, &t);
    } else {
        sgm_table none;
        memset(&none, 0, sizeof none);
        must(status != SGM_NO_MEMORY && sgm_error()[0] && !memcmp(&t, &none, sizeof t));
    }
    sgm_table_free(&t);
    remove(path);
    return 0;
}
