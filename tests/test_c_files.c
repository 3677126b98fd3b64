/*
Appendix C: files. What is saved comes back bit for bit, a save that fails costs nothing, and no
file, whatever its bytes, does more harm than an error.

    cc -O2 tests/test_c_files.c -lcmocka -lm -o test_c_files && ./test_c_files
*/
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* An allocator that counts its live blocks, remembers the largest sum, and fails when told. */
static int live_blocks, alloc_calls, fail_at;
static size_t alloc_bytes;

static void *count_malloc(size_t n) {
    if (++alloc_calls == fail_at) return NULL;
    live_blocks++;
    alloc_bytes += n;
    return malloc(n);
}

static void count_free(void *p) {
    if (p) live_blocks--;
    free(p);
}

#define SGM_MALLOC(n) count_malloc(n)
#define SGM_REALLOC(p, n) realloc(p, n)
#define SGM_FREE(p) count_free(p)
#define SGM_IMPLEMENTATION
#include "../sgm.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static char directory[256], path[300];
static int first_free; /* the lowest file descriptor that is not in use */

static int lowest_descriptor(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

static int set_up(void **state) {
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(directory, sizeof directory, "%.200s/sgm_files_XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) return -1;
    snprintf(path, sizeof path, "%s/a.safetensors", directory);
    signal(SIGXFSZ, SIG_IGN);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    remove(path);
    return rmdir(directory); /* fails, and the test with it, if a temporary was left behind */
}

static int before_each(void **state) {
    (void)state;
    remove(path);
    fail_at = alloc_calls = 0;
    alloc_bytes = 0;
    first_free = lowest_descriptor();
    return 0;
}

/* No block and no open file may outlive its test, and nothing stays on disk but the saved file. */
static int after_each(void **state) {
    DIR *dir = opendir(directory);
    int files = 0;
    (void)state;
    if (!dir) return -1;
    while (readdir(dir)) files++;
    closedir(dir);
    int open_files = lowest_descriptor() != first_free;
    if (!live_blocks && !open_files && files <= 3) return 0; /* ".", ".." and the saved file */
    print_error("%d blocks, %d open and %d other files\n", live_blocks, open_files, files - 2);
    return -1;
}

static void write_file(const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static size_t read_file(char *bytes, size_t room) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    assert_true(n < room);
    bytes[n] = 0;
    return n;
}

/* length, header, zeros: a file with this header. */
static size_t make_file(char *file, const char *header, size_t header_bytes, size_t data_bytes) {
    for (int i = 0; i < 8; i++) file[i] = (char)(header_bytes >> 8 * i);
    memcpy(file + 8, header, header_bytes);
    memset(file + 8 + header_bytes, 0, data_bytes);
    return 8 + header_bytes + data_bytes;
}

static void assert_empty(const sgm_archive *archive) {
    assert_int_equal(archive->n_arrays, 0);
    assert_int_equal(archive->n_meta, 0);
    assert_null(archive->arrays);
    assert_null(archive->meta);
    assert_null(archive->memory);
}

static sgm_array array_of(const char *name, void *data, long rows, long cols) {
    sgm_array a;
    a.name = name, a.data = (float *)data, a.rows = rows, a.cols = cols;
    return a;
}

/* 1, -2.5, 0.15625, 3, a NaN and -inf: whole bytes of sign, exponent and fraction. */
static const uint32_t six[6] = {0x3f800000u, 0xc0200000u, 0x3e200000u,
                                0x40400000u, 0x7fc00000u, 0xff800000u};
static const char *const six_meta[2] = {"a\"b", "\xc3\xa9\n"};

static sgm_status save_six(float *numbers) {
    sgm_array arrays[2];
    memcpy(numbers, six, sizeof six);
    arrays[0] = array_of("w", numbers, 2, 2);
    arrays[1] = array_of("odd", numbers + 4, 1, 2);
    return sgm_archive_save(path, arrays, 2, six_meta, 1);
}

/* The whole file, byte for byte. Its checksum is (C.1) carried out with whole numbers elsewhere. */
static void the_bytes_of_an_archive(void **state) {
    static const char header[] =
        "\xc0\0\0\0\0\0\0\0" /* 189 bytes of JSON and 3 spaces */
        "{\"__metadata__\":{\"sgm.checksum\":\"34aae4dbbcc3b452\","
        "\"a\\u0022b\":\"\xc3\xa9\\u000a\"},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
        "\"odd\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[16,24]}}   "
        "\0\0\x80\x3f\0\0\x20\xc0\0\0\x20\x3e\0\0\x40\x40\0\0\xc0\x7f\0\0\x80\xff";
    char file[1000];
    float numbers[6];
    (void)state;
    assert_int_equal(save_six(numbers), SGM_OK);
    size_t n = read_file(file, sizeof file);
    assert_int_equal(n, sizeof header - 1);
    assert_memory_equal(file, header, n);
}

/* The numbers start at a multiple of 8, whatever the length of the names. */
static void the_header_is_padded(void **state) {
    char name[9] = "", file[200];
    float x = 1;
    (void)state;
    for (int i = 0; i < 8; i++) {
        sgm_array a = array_of(name, &x, 1, 1);
        assert_int_equal(sgm_archive_save(path, &a, 1, NULL, 0), SGM_OK);
        size_t n = read_file(file, sizeof file);
        assert_int_equal((unsigned char)file[0] + 8 + 4, n);
        assert_int_equal(file[0] % 8, 0);
        strcat(name, "n");
    }
}

/* Every kind of float: all 2^16 patterns of sign, exponent and leading fraction. */
static void every_bit_comes_back(void **state) {
    enum { N = 65536 };
    static uint32_t bits[N];
    sgm_array a = array_of("all", bits, 256, 256);
    sgm_archive archive;
    (void)state;
    for (uint32_t i = 0; i < N; i++) bits[i] = i << 16 | (i * 40503u & 0xffffu);
    assert_int_equal(sgm_archive_save(path, &a, 1, NULL, 0), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_int_equal(archive.n_arrays, 1);
    assert_int_equal(archive.arrays[0].rows, 256);
    assert_int_equal(archive.arrays[0].cols, 256);
    assert_memory_equal(archive.arrays[0].data, bits, sizeof bits);
    assert_ptr_equal(sgm_archive_find(&archive, "all"), archive.arrays);
    assert_null(sgm_archive_find(&archive, "al"));
    sgm_archive_free(&archive);
    assert_empty(&archive);
    sgm_archive_free(&archive);
    sgm_archive_free(NULL);
}

static void names_and_metadata_come_back(void **state) {
    static const char *const text[8] = {
        "", "empty key", "quotes \" \\ / \\u0041", "\b\f\n\r\t\x01\x1f\x7f", "step", "",
        "\xc3\xa9 \xe2\x88\x87\xcf\x81 \xf0\x9f\x8e\xb2", "__metadata__"};
    float x = 2.385f;
    sgm_array a[2];
    sgm_archive archive, again;
    (void)state;
    a[0] = array_of("net/0 \"\xe2\x88\x87\"\n", &x, 1, 1);
    a[1] = array_of("", &x, 1, 1);
    assert_int_equal(sgm_archive_save(path, a, 2, text, 4), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_int_equal(archive.n_meta, 5); /* the four and the checksum */
    for (int i = 0; i < 4; i++)
        assert_string_equal(sgm_archive_meta(&archive, text[2 * i]), text[2 * i + 1]);
    assert_null(sgm_archive_meta(&archive, "nothing"));
    assert_non_null(sgm_archive_find(&archive, a[0].name));
    assert_non_null(sgm_archive_find(&archive, ""));
    assert_memory_equal(archive.arrays[1].data, &x, sizeof x);
    /* A loaded archive can be saved as it is: its old checksum is not kept beside the new one. */
    archive.arrays[0].data[0] = 1;
    assert_int_equal(sgm_archive_save(path, archive.arrays, archive.n_arrays,
                                      (const char *const *)archive.meta, archive.n_meta), SGM_OK);
    assert_int_equal(sgm_archive_load(&again, path), SGM_OK);
    assert_int_equal(again.n_meta, 5);
    sgm_archive_free(&again);
    sgm_archive_free(&archive);
}

static void empty_archives(void **state) {
    sgm_array a[3];
    float x = -1;
    sgm_archive archive;
    (void)state;
    assert_int_equal(sgm_archive_save(path, NULL, 0, NULL, 0), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_int_equal(archive.n_arrays, 0);
    sgm_archive_free(&archive);
    a[0] = array_of("none", NULL, 0, 7);
    a[1] = array_of("one", &x, 1, 1);
    a[2] = array_of("wide", NULL, LONG_MAX, 0);
    assert_int_equal(sgm_archive_save(path, a, 3, NULL, 0), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_int_equal(archive.arrays[0].rows, 0);
    assert_int_equal(archive.arrays[0].cols, 7);
    assert_true(archive.arrays[1].data[0] == -1);
    assert_true(archive.arrays[2].rows == LONG_MAX);
    assert_int_equal(archive.arrays[2].cols, 0);
    sgm_archive_free(&archive);
}

/* A file as Python's safetensors 0.x writes it: other ranks, escapes, no checksum. */
static void a_file_from_python(void **state) {
    static const char header[] =
        "{\"__metadata__\":{\"tool\":\"\xc3\xa9 \\\"q\\\"\\n\"},"
        "\"cube\":{\"dtype\":\"F32\",\"shape\":[2,3,2],\"data_offsets\":[0,48]},"
        "\"four\":{\"dtype\":\"F32\",\"shape\":[2,1,2,2],\"data_offsets\":[48,80]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[80,80]},"
        "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[80,84]},"
        "\"vec\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[84,96]}}     ";
    static const long want[5][3] = {{2, 6, 11}, {2, 4, 7}, {0, 5, -1}, {1, 1, 0}, {3, 1, 2}};
    static const unsigned char eleven[4] = {0, 0, 0x30, 0x41}; /* 11 = 1.375 · 2^3 */
    char file[500];
    sgm_archive archive;
    (void)state;
    size_t n = make_file(file, header, sizeof header - 1, 96);
    assert_int_equal(n, 448);
    memcpy(file + 8 + 344 + 44, eleven, 4); /* the last number of cube */
    write_file(file, n);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_int_equal(archive.n_arrays, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(archive.arrays[i].rows, want[i][0]);
        assert_int_equal(archive.arrays[i].cols, want[i][1]);
    }
    assert_true(sgm_archive_find(&archive, "cube")->data[11] == 11);
    assert_true(sgm_archive_find(&archive, "four")->data == archive.arrays[0].data + 12);
    assert_string_equal(sgm_archive_meta(&archive, "tool"), "\xc3\xa9 \"q\"\n");
    sgm_archive_free(&archive);
}

/* Legal, though nobody writes it: white space, escapes, any order, data before the header's end. */
static void unusual_but_legal(void **state) {
    static const char header[] =
        " \t\n{ \"\\u0061\\u007a\\u002F\\\"\\b\\/\" : { \"data_offsets\" : [ 4 , 8 ] , "
        "\"shape\":[1 , 1],\r\"dtype\":\"F\\u00332\"} ,"
        "\"b\":{\"shape\":[],\"dtype\":\"F32\",\"data_offsets\":[0,4]},\"__metadata__\":{ } } \n";
    char file[500];
    sgm_archive archive;
    (void)state;
    write_file(file, make_file(file, header, sizeof header - 1, 8));
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_int_equal(archive.n_arrays, 2);
    assert_string_equal(archive.arrays[0].name, "az/\"\b/");
    assert_ptr_equal(archive.arrays[0].data, archive.arrays[1].data + 1);
    sgm_archive_free(&archive);
}

typedef struct hostile {
    const char *header;
    const char *why; /* a part of the message */
} hostile;

/* Every header stands before 16 bytes of data, which a sound entry (OK) covers. */
#define OK_BODY "\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]"
#define OK "\"ok\":{" OK_BODY "}"
#define WITH(shape, offsets) \
    "{\"w\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define DTYPE(d) "{\"w\":{\"dtype\":\"" d "\",\"shape\":[4],\"data_offsets\":[0,16]}}"
#define NAME(n) "{\"" n "\":{" OK_BODY "}}"

static const hostile cases[] = {
    {"", "the first { is missing"},
    {"x", "the first { is missing"},
    {"[]", "the first { is missing"},
    {"{", "a string is missing"},
    {"{}", "longer than its header"},
    {"{" OK, "a string is missing"},
    {"{" OK "}}", "follows its end"},
    {"{" OK "} {}", "follows its end"},
    {"{ok:{" OK_BODY "}}", "a string is missing"},
    {"{\"ok\":[" OK_BODY "]}", "'ok' a { is missing"},
    {"{\"ok\":null}", "'ok' a { is missing"},
    {"{\"w\":{}}", "'w' the dtype is not F32"},
    {"{\"w\":{\"shape\":[4],\"data_offsets\":[0,16]}}", "'w' the dtype is not F32"},
    {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", "'w' shape and data_offsets disagree"},
    {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}", "'w' shape and data_offsets disagree"},
    {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4]}}", "'w' data_offsets are no"},
    {"{\"w\":{" OK_BODY ",\"x\":1}}", "a key is not that of an array"},
    {"{\"w\":{" OK_BODY ",\"x\":[[1]]}}", "a key is not that of an array"},
    {"{" OK "," OK "}", "'ok' a name occurs twice"},
    {"{" OK ",\"p\":{" OK_BODY "}," OK "}", "'ok' a name occurs twice"},
    {"{" OK ",\"\\u006fk\":{" OK_BODY "}}", "'ok' a name occurs twice"},
    {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}," OK "}", "a key occurs twice"},
    {"{\"__metadata__\":{\"a\":1}," OK "}", "a string is missing"},
    {"{\"__metadata__\":{\"a\":{}}," OK "}", "a string is missing"},
    {"{\"__metadata__\":{\"a\"}," OK "}", "a string is missing"},
    {"{\"__metadata__\":\"a\"," OK "}", "a { is missing"},
    {"{\"__metadata__\":{\"sgm.checksum\":\"\"}," OK "}", "is damaged"},
    {"{\"__metadata__\":{\"sgm.checksum\":\"88201fb960ff6466\"}," OK "}", "is damaged"},
    {DTYPE("F64"), "'w' the dtype is not F32: convert it to float32"},
    {DTYPE("F16"), "convert it to float32"},
    {DTYPE("BF16"), "convert it to float32"},
    {DTYPE("I64"), "convert it to float32"},
    {DTYPE("BOOL"), "convert it to float32"},
    {DTYPE(""), "convert it to float32"},
    {"{\"w\":{\"dtype\":32,\"shape\":[4],\"data_offsets\":[0,16]}}", "a string is missing"},
    {WITH("[5]", "[0,16]"), "disagree"},
    {WITH("[3]", "[0,16]"), "disagree"},
    {WITH("[2,3]", "[0,16]"), "disagree"},
    {WITH("[0]", "[0,16]"), "disagree"},
    {WITH("[4,0]", "[0,16]"), "disagree"},
    {WITH("[4]", "[0,0]"), "disagree"},
    {WITH("[4611686018427387904,4]", "[0,16]"), "disagree"}, /* 2^64 numbers: 0 if it wraps */
    {WITH("[4611686018427387908]", "[0,16]"), "disagree"},   /* (2^62+4)·4: 16 if it wraps  */
    {WITH("[4611686018427387904,4]", "[0,0]"), "disagree"},
    {WITH("[1,4294967296,4294967296,4]", "[0,16]"), "too large"},
    {WITH("[9223372036854775808]", "[0,16]"), "no whole number"},
    {WITH("[99999999999999999999999]", "[0,16]"), "no whole number"},
    {WITH("[-4]", "[0,16]"), "no whole number"},
    {WITH("[-2,-2]", "[0,16]"), "no whole number"},
    {WITH("[+4]", "[0,16]"), "no whole number"},
    {WITH("[0x4]", "[0,16]"), "no whole number"},
    {WITH("[4.0]", "[0,16]"), "no whole number"},
    {WITH("[4e0]", "[0,16]"), "no whole number"},
    {WITH("[\"4\"]", "[0,16]"), "no whole number"},
    {WITH("4", "[0,16]"), "a list of sizes is missing"},
    {WITH("[[4]]", "[0,16]"), "no whole number"},
    {WITH("[4", "[0,16]"), "no whole number"},
    {WITH("[4]", "[0,20]"), "no multiples of 4 within"},
    {WITH("[4]", "[4,20]"), "no multiples of 4 within"},
    {WITH("[0]", "[16,0]"), "no multiples of 4 within"},
    {WITH("[3]", "[1,13]"), "no multiples of 4 within"},
    {WITH("[3]", "[1,16]"), "no multiples of 4 within"},
    {WITH("[4]", "[-16,0]"), "no whole number"},
    {WITH("[4]", "[9223372036854775792,9223372036854775807]"), "no multiples of 4 within"},
    {WITH("[4]", "[18446744073709551600,0]"), "no whole number"},
    {WITH("[4]", "[0]"), "no multiples of 4 within"},
    {WITH("[4]", "[0,16,1]"), "no multiples of 4 within"},
    {WITH("[4]", "[]"), "no multiples of 4 within"},
    {WITH("[2]", "[0,8]"), "longer than its header"},
    {NAME("\\"), "a { is missing"}, /* the quote after it is part of the name */
    {NAME("\\x"), "wrong escape"},
    {NAME("\\u12"), "wrong escape"},
    {NAME("\\u00g4"), "wrong escape"},
    {NAME("\\u004"), "wrong escape"},
    {NAME("\\u0000"), "wrong escape"},
    {NAME("\\u0080"), "wrong escape: use UTF-8"},
    {NAME("\\u00e9"), "wrong escape: use UTF-8"},
    {NAME("\\ud83c\\udfb2"), "wrong escape: use UTF-8"},
    {NAME("a\nb"), "no end, or a wrong escape"},
    {"{\"", "no end"},
    {"{\"\\", "wrong escape"},
    {"{\"\\u", "wrong escape"},
    {"{\"\\u00", "wrong escape"},
    {"{\"\\u004", "wrong escape"},
};

static void assert_bad(const char *what, const char *why) {
    sgm_archive archive;
    memset(&archive, 1, sizeof archive);
    sgm_status status = sgm_archive_load(&archive, path);
    if (status != SGM_BAD_FILE || !strstr(sgm_error(), why))
        fail_msg("%s: %s, \"%s\", want \"%s\"", what, sgm_status_name(status), sgm_error(), why);
    assert_empty(&archive);
    assert_int_equal(live_blocks, 0);
}

/* JSON would refuse these, but each can only mean the array ok, 16 bytes long. */
static const char *const sloppy[] = {
    "{" OK ",}", "{," OK "}", "{\"ok\" {" OK_BODY "}}", "{" OK ":,: }",
    "{\"ok\":{\"dtype\"\"F32\"\"shape\"[4]\"data_offsets\"[0 16]}}",
    "{\"ok\":{\"dtype\":\"F32\",\"shape\":[04,],\"data_offsets\":[0,16]}}",
    "{\"ok\":{" OK_BODY ",\"shape\":[4]}}",
    "{\"__metadata__\":{},\"__metadata__\":{\"a\" \"b\"}," OK "}"};

static void sloppy_headers(void **state) {
    char file[1000];
    sgm_archive archive;
    (void)state;
    for (int i = 0; i < COUNT(sloppy); i++) {
        write_file(file, make_file(file, sloppy[i], strlen(sloppy[i]), 16));
        if (sgm_archive_load(&archive, path) != SGM_OK) fail_msg("%s: %s", sloppy[i], sgm_error());
        assert_int_equal(archive.n_arrays, 1);
        assert_string_equal(archive.arrays[0].name, "ok");
        assert_true(archive.arrays[0].rows == 4 && archive.arrays[0].cols == 1);
        sgm_archive_free(&archive);
    }
}

/* A name passes byte for byte, UTF-8 or not. */
static void names_are_bytes(void **state) {
    float x = 1;
    sgm_array a = array_of("\xff\x80 \xc3\xa9 \x7f", &x, 1, 1);
    sgm_archive archive;
    (void)state;
    assert_int_equal(sgm_archive_save(path, &a, 1, NULL, 0), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_non_null(sgm_archive_find(&archive, a.name));
    sgm_archive_free(&archive);
}

/* 10000 arrays and pairs are saved and loaded; one more of either is refused by both. */
static void the_most_names(void **state) {
    enum { N = 10001 };
    static char names[N][16], header[60 * N], file[60 * N + 100];
    static const char *meta[2 * N];
    static sgm_array arrays[N];
    sgm_archive archive;
    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        arrays[i] = array_of(names[i], NULL, 0, 0);
        meta[2 * i] = meta[2 * i + 1] = names[i];
    }
    assert_int_equal(sgm_archive_save(path, arrays, N, NULL, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, NULL, 0, meta, N), SGM_BAD_ARGUMENT);
    assert_non_null(strstr(sgm_error(), "0 to 10000"));
    assert_int_equal(sgm_archive_save(path, arrays, N - 1, meta, N - 2), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_true(archive.n_arrays == N - 1 && archive.n_meta == N - 1);
    sgm_archive_free(&archive);
    for (int pairs = 0; pairs < 2; pairs++) {
        size_t n = (size_t)sprintf(header, pairs ? "{\"__metadata__\":{" : "{");
        for (int i = 0; i < N; i++)
            n += (size_t)sprintf(header + n,
                pairs ? "\"%d\"\"\"" : "\"%d\"{\"dtype\"\"F32\"\"shape\"[0]\"data_offsets\"[0 0]}",
                i);
        n += (size_t)sprintf(header + n, pairs ? "}}" : "}");
        write_file(file, make_file(file, header, n, 0));
        assert_bad("10001", "number 10001");
    }
}

static void hostile_headers(void **state) {
    char file[1000];
    sgm_archive archive;
    (void)state;
    write_file(file, make_file(file, "{" OK "}", strlen("{" OK "}"), 16)); /* OK is sound */
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    sgm_archive_free(&archive);
    for (int i = 0; i < COUNT(cases); i++) {
        write_file(file, make_file(file, cases[i].header, strlen(cases[i].header), 16));
        assert_bad(cases[i].header, cases[i].why);
    }
}

static void hostile_lengths(void **state) {
    static const unsigned char lengths[][8] = {
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, /* + 8 wraps to 0 */
        {0, 0, 0, 0, 0, 0, 0, 0x80},
        {0, 0, 0, 0, 1, 0, 0, 0},
        {3, 0, 0, 0, 0, 0, 0, 0}}; /* one byte more than there is */
    char file[16];
    (void)state;
    for (int i = 0; i < COUNT(lengths); i++) {
        memcpy(file, lengths[i], 8);
        memcpy(file + 8, "{}", 2);
        write_file(file, 10);
        assert_bad("length", "no whole safetensors file");
    }
    make_file(file, "{}\0 ", 4, 0);
    write_file(file, 12);
    assert_bad("a zero byte", "follows its end");
}

/* The bytes are at most the file and 16 more; the tables take 32 bytes per 44 of header and 16 per 4,
one of each over; each block has 72 more for itself: below 8 times the file in all. */
static void memory_is_bounded_by_the_file(void **state) {
    enum { N = 60000 };
    static char header[N], file[N + 100];
    static const char *const fill[4] = {"{", "\"\":\"\",", "\"\":{", "          "};
    (void)state;
    for (int i = 0; i < 4; i++) {
        size_t n = (size_t)snprintf(header, N, "{\"__metadata__\":{"), step = strlen(fill[i]);
        for (; n + step < N; n += step) memcpy(header + n, fill[i], step);
        alloc_bytes = 0;
        n = make_file(file, header, n, 0);
        write_file(file, n);
        assert_bad("large", "");
        assert_true(alloc_bytes < 8 * n);
    }
}

static void cut_short_at_every_byte(void **state) {
    char file[1000];
    float numbers[6];
    (void)state;
    assert_int_equal(save_six(numbers), SGM_OK);
    size_t n = read_file(file, sizeof file);
    for (size_t k = 0; k < n; k++) {
        write_file(file, k);
        assert_bad("cut", "");
    }
    file[n] = 0;
    write_file(file, n + 1);
    assert_bad("one byte more", "longer");
}

/* A flip in the numbers is always found (C.1). One in the header may go unseen, but never harms. */
static void every_flipped_bit(void **state) {
    char file[1000];
    float numbers[6];
    sgm_archive archive;
    (void)state;
    assert_int_equal(save_six(numbers), SGM_OK);
    size_t n = read_file(file, sizeof file);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        file[bit / 8] = (char)(file[bit / 8] ^ (1 << bit % 8));
        write_file(file, n);
        if (bit >= 8 * (n - sizeof six)) {
            assert_bad("flip", "is damaged");
        } else if (sgm_archive_load(&archive, path) == SGM_OK) {
            sgm_archive_free(&archive);
        } else {
            assert_empty(&archive);
        }
        file[bit / 8] = (char)(file[bit / 8] ^ (1 << bit % 8));
    }
}

static void wrong_arguments(void **state) {
    static const char *const pair[2] = {"k", "v"}, *const no_key[2] = {NULL, "v"};
    static const char *const no_value[2] = {"k", NULL}, *const twice[4] = {"k", "v", "k", "w"};
    static const char *const same[4] = {"k", "v", "k", "v"};
    float x[4] = {0, 0, 0, 0};
    sgm_array good = array_of("w", x, 2, 2), two[2];
    sgm_array bad[7];
    sgm_archive archive;
    (void)state;
    bad[0] = array_of(NULL, x, 2, 2), bad[1] = array_of("w", NULL, 2, 2);
    bad[2] = array_of("w", x, -1, 2), bad[3] = array_of("w", x, 2, -1);
    bad[4] = array_of("__metadata__", x, 2, 2), bad[5] = array_of("w", x, LONG_MAX, LONG_MAX);
    bad[6] = array_of("w", x, LONG_MAX / 4, 2);
    write_file("old", 3);
    for (int i = 0; i < COUNT(bad); i++)
        assert_int_equal(sgm_archive_save(path, bad + i, 1, NULL, 0), SGM_BAD_ARGUMENT);
    two[0] = two[1] = good;
    assert_int_equal(sgm_archive_save(path, two, 2, NULL, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(NULL, &good, 1, NULL, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, NULL, 1, NULL, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, &good, -1, NULL, 0), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, &good, 1, NULL, 1), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, &good, 1, pair, -1), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, &good, 1, no_key, 1), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, &good, 1, no_value, 1), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, &good, 1, twice, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_save(path, &good, 1, same, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_archive_load(&archive, NULL), SGM_BAD_ARGUMENT);
    assert_empty(&archive);
    assert_int_equal(sgm_archive_load(NULL, path), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_dat_save(NULL, "h", x, 2, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_dat_save(path, "h", NULL, 2, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_dat_save(path, "h", x, -1, 2), SGM_BAD_ARGUMENT);
    assert_int_equal(sgm_dat_save(path, "h", x, 2, 0), SGM_BAD_ARGUMENT);
    assert_null(sgm_archive_find(&archive, NULL));
    assert_null(sgm_archive_meta(NULL, "k"));
    char file[10];
    assert_int_equal(read_file(file, sizeof file), 3);
    assert_string_equal(file, "old");
}

/* The header's limit, 10^8 bytes, without a file of that size: one long value. */
static void a_header_too_long(void **state) {
    size_t n = 100000000;
    char *value = (char *)malloc(n + 1);
    const char *meta[2];
    (void)state;
    assert_non_null(value);
    memset(value, 'x', n);
    value[n] = 0;
    meta[0] = "k", meta[1] = value;
    assert_int_equal(sgm_archive_save(path, NULL, 0, meta, 1), SGM_BAD_ARGUMENT);
    free(value);
}

static void places_that_cannot_be_written(void **state) {
    static char place[5][5000];
    float x = 1;
    sgm_array a = array_of("w", &x, 1, 1);
    sgm_archive archive;
    (void)state;
    write_file("old", 3);
    snprintf(place[0], sizeof place[0], "%s/no/such/a", directory);
    snprintf(place[1], sizeof place[1], "%s/below_a_file", path);
    snprintf(place[2], sizeof place[2], "%s", directory); /* the rename fails */
    place[3][0] = 0;
    memset(place[4], 'a', sizeof place[4] - 1); /* longer than any path may be */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sgm_archive_save(place[i], &a, 1, NULL, 0), SGM_NO_FILE);
        assert_non_null(strstr(sgm_error(), "check that its directory"));
        assert_int_equal(sgm_dat_save(place[i], NULL, &x, 1, 1), SGM_NO_FILE);
        assert_int_equal(sgm_archive_load(&archive, place[i]), SGM_NO_FILE);
        assert_empty(&archive);
    }
    if (geteuid() == 0) return; /* root may write where nobody may */
    assert_int_equal(chmod(directory, 0555), 0);
    sgm_status status = sgm_archive_save(path, &a, 1, NULL, 0);
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(status, SGM_NO_FILE);
}

/* A disk that is full after some bytes: the failure shows in a write, or, when the whole file fits
into the C library's buffer (the six: 224 bytes), only in the flush. */
static void a_full_disk_keeps_the_old_file(void **state) {
    static float x[5000];
    static const rlim_t rooms[3] = {0, 100, 10000};
    char file[1000], now[1000];
    float numbers[6];
    sgm_array a = array_of("w", x, 50, 100); /* 20000 bytes */
    struct rlimit limit, old_limit;
    (void)state;
    assert_int_equal(save_six(numbers), SGM_OK);
    size_t n = read_file(file, sizeof file);
    getrlimit(RLIMIT_FSIZE, &old_limit);
    for (int i = 0; i < 3; i++) {
        limit = old_limit;
        limit.rlim_cur = rooms[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        sgm_status large = sgm_archive_save(path, &a, 1, NULL, 0);
        sgm_status table = sgm_dat_save(path, "w", x, 50, 100); /* 5000 times "0 ", and "# w" */
        sgm_status small = rooms[i] < 224 ? save_six(numbers) : SGM_NO_FILE;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
        assert_int_equal(large, SGM_NO_FILE);
        assert_int_equal(table, SGM_NO_FILE);
        assert_int_equal(small, SGM_NO_FILE);
        assert_int_equal(read_file(now, sizeof now), n);
        assert_memory_equal(now, file, n);
    }
}

static void a_temporary_left_by_the_dead(void **state) {
    float numbers[6];
    char stale[400], file[1000];
    FILE *f;
    (void)state;
    snprintf(stale, sizeof stale, "%s.0.tmp", path);
    f = fopen(stale, "wb");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(save_six(numbers), SGM_OK);
    assert_int_equal(read_file(file, sizeof file), 224);
    assert_int_equal(remove(stale), 0); /* it is still there: it might be another's */
}

/* Every allocation of a load fails once, each in its turn; a save needs none. */
static void no_memory(void **state) {
    float numbers[6];
    sgm_archive archive;
    (void)state;
    assert_int_equal(save_six(numbers), SGM_OK);
    assert_int_equal(sgm_dat_save(path, "h", numbers, 2, 2), SGM_OK);
    assert_int_equal(alloc_calls, 0);
    assert_int_equal(save_six(numbers), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    sgm_archive_free(&archive);
    int load_calls = alloc_calls;
    assert_true(load_calls > 0);
    for (int i = 1; i <= load_calls; i++) {
        alloc_calls = 0, fail_at = i;
        assert_int_equal(sgm_archive_load(&archive, path), SGM_NO_MEMORY);
        assert_empty(&archive);
        assert_int_equal(live_blocks, 0);
    }
}

static void tables(void **state) {
    static const char *const commas[3] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    float x[6] = {1, -2.5f, 0.1f, 1e-20f, 0, 0};
    char file[200];
    (void)state;
    x[4] = -NAN, x[5] = -INFINITY;
    for (int i = -1; i < 3; i++) {
        if (i >= 0 && !setlocale(LC_NUMERIC, commas[i])) continue; /* not installed here */
        assert_int_equal(sgm_dat_save(path, "x [m]\ty [s]", x, 3, 2), SGM_OK);
        setlocale(LC_NUMERIC, "C");
        read_file(file, sizeof file);
        /* 0.1 and 1e-20 rounded to float, to 9 digits */
        assert_string_equal(file, "# x [m]\ty [s]\n1 -2.5\n0.100000001 9.99999968e-21\nnan -inf\n");
    }
    assert_int_equal(sgm_dat_save(path, "one\ntwo", x, 1, 1), SGM_OK);
    read_file(file, sizeof file);
    assert_string_equal(file, "# one\n# two\n1\n");
    assert_int_equal(sgm_dat_save(path, NULL, NULL, 0, 3), SGM_OK);
    assert_int_equal(read_file(file, sizeof file), 0);
}

/* 9 digits suffice: floats of all exponents, read back by the C library, are the same floats. */
static void nine_digits_bring_a_float_back(void **state) {
    enum { N = 4000 };
    static float x[N];
    static char file[20 * N];
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        uint32_t bits = i * 1073691u; /* 2^32/4000, nearly: no multiple of it repeats below N */
        if ((bits & 0x7f800000u) == 0x7f800000u) bits &= 0xbfffffffu; /* no infinity, no NaN */
        memcpy(x + i, &bits, 4);
    }
    assert_int_equal(sgm_dat_save(path, NULL, x, N, 1), SGM_OK);
    read_file(file, sizeof file);
    char *at = file;
    for (int i = 0; i < N; i++) {
        float back = strtof(at, &at);
        assert_memory_equal(&back, x + i, sizeof back);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_bytes_of_an_archive),
        TEST(the_header_is_padded),
        TEST(every_bit_comes_back),
        TEST(names_and_metadata_come_back),
        TEST(empty_archives),
        TEST(a_file_from_python),
        TEST(unusual_but_legal),
        TEST(hostile_headers),
        TEST(sloppy_headers),
        TEST(names_are_bytes),
        TEST(the_most_names),
        TEST(hostile_lengths),
        TEST(memory_is_bounded_by_the_file),
        TEST(cut_short_at_every_byte),
        TEST(every_flipped_bit),
        TEST(wrong_arguments),
        TEST(a_header_too_long),
        TEST(places_that_cannot_be_written),
        TEST(a_full_disk_keeps_the_old_file),
        TEST(a_temporary_left_by_the_dead),
        TEST(no_memory),
        TEST(tables),
        TEST(nine_digits_bring_a_float_back),
    };
    return cmocka_run_group_tests_name("C files", tests, set_up, tear_down);
}
