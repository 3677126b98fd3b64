/*
Appendix C: files. What is saved comes back bit for bit, a save that fails costs nothing, and no
file, whatever its bytes, does more harm than an error.

    cc -O2 tests/test_c_files.c -lcmocka -lm -o test_c_files && ./test_c_files
*/
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <fcntl.h>
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

/* A close that fails, as on a network's disk, and may not say why. */
static int close_fails;

static int fail_fclose(FILE *f) {
    int status = fclose(f);
    if (close_fails) errno = 0;
    return close_fails ? EOF : status;
}

#define fclose(f) fail_fclose(f)
#define SGM_MALLOC(n) count_malloc(n)
#define SGM_REALLOC(p, n) realloc(p, n)
#define SGM_FREE(p) count_free(p)
#define SGM_IMPLEMENTATION
#include "../sgm.h"
#undef fclose

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
#define AT(name, n, offsets) \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" n "],\"data_offsets\":[" offsets "]}"
#define NAME(n) "{\"" n "\":{" OK_BODY "}}"

static const hostile cases[] = {
    {"", "the first { is missing"},
    {"x", "the first { is missing"},
    {"[]", "the first { is missing"},
    {"\xef\xbb\xbf{" OK "}", "the first { is missing"},
    {"{", "a string is missing"},
    {"{}", "not as long as its header"},
    {"{" OK, "a comma or } is missing"},
    {"{" OK "}}", "follows its end"},
    {"{" OK "} {}", "follows its end"},
    {"{ok:{" OK_BODY "}}", "a string is missing"},
    {"{'ok':{" OK_BODY "}}", "a string is missing"},
    {"{\"ok\":[" OK_BODY "]}", "'ok' a { is missing"},
    {"{\"ok\":null}", "'ok' a { is missing"},
    {"{\"ok\":[\"F32\",[4],[0,16]]}", "'ok' a { is missing"},
    {"{\"w\":{}}", "'w' dtype, shape or data_offsets is missing"},
    {"{\"w\":{\"shape\":[4],\"data_offsets\":[0,16]}}", "'w' dtype, shape or"},
    {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", "'w' dtype, shape or"},
    {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}", "'w' dtype, shape or"},
    {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4]}}", "'w' dtype, shape or data_offsets is missing"},
    {"{\"w\":{" OK_BODY ",\"shape\":[4]}}", "shape occurs twice"},
    {"{\"w\":{" OK_BODY ",\"dtype\":\"F32\"}}", "dtype occurs twice"},
    {"{\"w\":{" OK_BODY ",\"data_offsets\":[0,16]}}", "data_offsets occurs twice"},
    {"{" OK "," OK "}", "'ok' a name occurs twice"},
    {"{" OK ",\"p\":{" OK_BODY "}," OK "}", "'ok' a name occurs twice"},
    {"{" OK ",\"\\u006fk\":{" OK_BODY "}}", "'ok' a name occurs twice"},
    {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}," OK "}", "'a' a name occurs twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}," OK "}", "'__metadata__' a name occurs twice"},
    {"{\"__metadata__\":{\"a\":1}," OK "}", "a string is missing"},
    {"{\"__metadata__\":{\"a\":null}," OK "}", "a string is missing"},
    {"{\"__metadata__\":{\"a\":{}}," OK "}", "a string is missing"},
    {"{\"__metadata__\":{\"a\"}," OK "}", "a colon is missing"},
    {"{\"__metadata__\":\"a\"," OK "}", "a { is missing"},
    {"{\"__metadata__\":[]," OK "}", "a { is missing"},
    {"{\"__metadata__\":{\"sgm.checksum\":\"\"}," OK "}", "is damaged"},
    {"{\"__metadata__\":{\"sgm.checksum\":\"88201fb960ff6466\"}," OK "}", "is damaged"},
    {DTYPE("C64"), "'w' the dtype C64 is not read: convert it to float32"},
    {DTYPE("F8_E4M3"), "the dtype F8_E4M3 is not read: convert it"},
    {DTYPE("f32"), "the dtype f32 is not read"},
    {DTYPE("F32 "), "the dtype F32  is not read"},
    {DTYPE(""), "the dtype  is not read"},
    {DTYPE("F64"), "'w' shape and data_offsets disagree"},
    {"{\"w\":{\"dtype\":32,\"shape\":[4],\"data_offsets\":[0,16]}}", "a string is missing"},
    {WITH("[5]", "[0,16]"), "disagree"},
    {WITH("[3]", "[0,16]"), "disagree"},
    {WITH("[2,3]", "[0,16]"), "disagree"},
    {WITH("[0]", "[0,16]"), "disagree"},
    {WITH("[4,0]", "[0,16]"), "disagree"},
    {WITH("[4]", "[0,0]"), "disagree"},
    {WITH("[4611686018427387904,4]", "[0,16]"), "too large"}, /* 2^64 numbers: 0 if it wraps */
    {WITH("[4611686018427387908]", "[0,16]"), "disagree"},    /* (2^62+4)·4: 16 if it wraps  */
    {WITH("[4611686018427387904,4]", "[0,0]"), "too large"},
    {WITH("[1,4294967296,4294967296,4]", "[0,16]"), "too large"},
    {WITH("[4294967296,4294967296,0]", "[0,0]"), "too large"}, /* the product, as it is made */
    {WITH("[0,4294967296,4294967296]", "[0,0]"), "too large"},
    {WITH("[9223372036854775808,0]", "[0,0]"), "too large"}, /* beyond a long */
    {WITH("[18446744073709551616,0]", "[0,0]"), "no whole number"},
    {WITH("[99999999999999999999999]", "[0,16]"), "no whole number"},
    {WITH("[-4]", "[0,16]"), "no whole number"},
    {WITH("[-2,-2]", "[0,16]"), "no whole number"},
    {WITH("[-0]", "[0,0]"), "no whole number"},
    {WITH("[+4]", "[0,16]"), "no whole number"},
    {WITH("[04]", "[0,16]"), "no whole number"},
    {WITH("[00]", "[0,0]"), "no whole number"},
    {WITH("[4]", "[00,16]"), "no whole number"},
    {WITH("[0x4]", "[0,16]"), "a comma or ] is missing"},
    {WITH("[4.0]", "[0,16]"), "a comma or ] is missing"},
    {WITH("[4e0]", "[0,16]"), "a comma or ] is missing"},
    {WITH("[4L]", "[0,16]"), "a comma or ] is missing"},
    {WITH("(4)", "[0,16]"), "a list of sizes is missing"},
    {WITH("[\"4\"]", "[0,16]"), "no whole number"},
    {WITH("4", "[0,16]"), "a list of sizes is missing"},
    {WITH("null", "[0,16]"), "a list of sizes is missing"},
    {WITH("[[4]]", "[0,16]"), "no whole number"},
    {WITH("[4", "[0,16]"), "no whole number"},
    {WITH("[4,]", "[0,16]"), "no whole number"},
    {WITH("[,4]", "[0,16]"), "no whole number"},
    {WITH("[2,,2]", "[0,16]"), "no whole number"},
    {WITH("[2 2]", "[0,16]"), "a comma or ] is missing"},
    {WITH("[4]", "[0 16]"), "a comma or ] is missing"},
    {WITH("[4]", "[0:16]"), "a comma or ] is missing"},
    {WITH("[4]", "[0,20]"), "disagree"},
    {WITH("[5]", "[0,20]"), "not as long as its header says: it may be cut"},
    {WITH("[4]", "[4,20]"), "leave a gap"},
    {WITH("[0]", "[16,0]"), "disagree"},
    {WITH("[3]", "[1,13]"), "leave a gap"},
    {WITH("[3]", "[1,16]"), "disagree"},
    {WITH("[4]", "[-16,0]"), "no whole number"},
    {WITH("[4]", "[9223372036854775792,9223372036854775807]"), "disagree"},
    {WITH("[4]", "[18446744073709551600,0]"), "disagree"},
    {WITH("[0]", "[99,99]"), "leave a gap"},
    {WITH("[4]", "[0]"), "are not two"},
    {WITH("[4]", "[0,16,1]"), "are not two"},
    {WITH("[4]", "[]"), "are not two"},
    {WITH("[2]", "[0,8]"), "not as long as its header"},
    {"{" AT("a", "3", "0,12") "," AT("b", "3", "4,16") "}",
     "'b' data_offsets leave a gap, or overlap"},
    {"{" AT("a", "4", "0,16") "," AT("b", "4", "0,16") "}", "data_offsets leave a gap, or overlap"},
    {"{" AT("a", "4", "0,16") "," AT("b", "1", "4,8") "}",
     "'b' data_offsets leave a gap, or overlap"},
    {"{" AT("a", "1", "0,4") "," AT("b", "2", "8,16") "}",
     "'b' data_offsets leave a gap, or overlap"},
    {"{" AT("a", "4", "0,16") "," AT("b", "0", "8,8") "}",
     "'b' data_offsets leave a gap, or overlap"},
    {"{" OK ",}", "a string is missing"},
    {"{," OK "}", "a string is missing"},
    {"{\"ok\" {" OK_BODY "}}", "a colon is missing"},
    {"{" OK ":,: }", "a comma or } is missing"},
    {"{\"ok\":{\"dtype\"\"F32\"\"shape\"[4]\"data_offsets\"[0 16]}}", "a colon is missing"},
    {"{\"__metadata__\":{\"a\" \"b\"}," OK "}", "a colon is missing"},
    {"{\"__metadata__\":{\"a\":\"b\",}," OK "}", "a string is missing"},
    {"{\"w\":{" OK_BODY ",\"x\":01}}", "a value is no JSON"},
    {"{\"w\":{" OK_BODY ",\"x\":1.}}", "a value is no JSON"},
    {"{\"w\":{" OK_BODY ",\"x\":.5}}", "a value is no JSON"},
    {"{\"w\":{" OK_BODY ",\"x\":1e}}", "a value is no JSON"},
    {"{\"w\":{" OK_BODY ",\"x\":nul}}", "a value is no JSON"},
    {"{\"w\":{" OK_BODY ",\"x\":True}}", "a value is no JSON"},
    {"{\"w\":{" OK_BODY ",\"x\":[1,]}}", "a value is no JSON"},
    {"{\"w\":{" OK_BODY ",\"x\":{1:2}}}", "a string is missing"},
    {"{\"w\":{" OK_BODY ",\"x\":\"\\q\"}}", "wrong escape"},
    {"{\"w\":{" OK_BODY ",\"x\":}}", "a value is no JSON"},
    {NAME("\\"), "a colon is missing"}, /* the quote after it is part of the name */
    {NAME("\\x"), "wrong escape: write it in UTF-8"},
    {NAME("\\u12"), "wrong escape"},
    {NAME("\\u00g4"), "wrong escape"},
    {NAME("\\u004"), "wrong escape"},
    {NAME("\\U0041"), "wrong escape"},
    {NAME("\\u0000"), "wrong escape"}, /* JSON has it, a string of C has not */
    {NAME("\\ud83c"), "wrong escape"}, /* half a pair, three times, and a wrong pair */
    {NAME("\\udfb2"), "wrong escape"},
    {NAME("\\ud83c\\u0041"), "wrong escape"},
    {NAME("\\ud83cx"), "wrong escape"},
    {NAME("\\udfb2\\ud83c"), "wrong escape"},
    {NAME("a\nb"), "a string has no end"},
    {NAME("a\tb"), "a string has no end"},
    {NAME("\x1b[2J"), "a string has no end"},
    {NAME("\xff"), "a byte is no UTF-8"},
    {NAME("\x80"), "a byte is no UTF-8"},
    {NAME("\xc3("), "a byte is no UTF-8"},
    {NAME("\xc0\xaf"), "a byte is no UTF-8"}, /* longer than it must be */
    {NAME("\xe0\x80\xaf"), "a byte is no UTF-8"},
    {NAME("\xf0\x80\x80\xaf"), "a byte is no UTF-8"},
    {NAME("\xed\xa0\xbc\xed\xbe\xb2"), "a byte is no UTF-8"}, /* surrogates */
    {NAME("\xf4\x90\x80\x80"), "a byte is no UTF-8"},         /* beyond U+10FFFF */
    {NAME("\xf8\x88\x80\x80\x80"), "a byte is no UTF-8"},
    {"{\"", "a string has no end"},
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

/* Each means the array ok, 16 bytes long, and perhaps some that are empty. */
static const char *const sound[] = {
    "{\"__metadata__\":null," OK "}", "{\"__metadata__\" : null , " OK "}\n\t ",
    "{\"__metadata__\":{\"a\":\"b\"}," OK "}", "{" OK ",\"__metadata__\":{}}",
    "{\"ok\":{\"x\":[{\"a\":null,\"b\":[]},-0.5e+3,1E2,0,\"\\u00e9\",true,false,{}]," OK_BODY "}}",
    "{\"ok\":{" OK_BODY ",\"x\":1e5,\"x\":2}}",
    "{" AT("n0", "0", "0,0") "," OK "," AT("n1", "5,0", "16,16") "}",
    "{" AT("n2", "0,4294967296", "0,0") "," OK "}"};

static void sound_headers(void **state) {
    char file[1000];
    sgm_archive archive;
    (void)state;
    for (int i = 0; i < COUNT(sound); i++) {
        if (sizeof(long) == 4 && strstr(sound[i], "4294967296")) continue;
        write_file(file, make_file(file, sound[i], strlen(sound[i]), 16));
        if (sgm_archive_load(&archive, path) != SGM_OK) fail_msg("%s: %s", sound[i], sgm_error());
        const sgm_array *ok = sgm_archive_find(&archive, "ok");
        assert_non_null(ok);
        assert_true(ok->rows == 4 && ok->cols == 1);
        sgm_archive_free(&archive);
    }
}

/* What is no UTF-8, as the format asks, is not written; what is, passes byte for byte. */
static void names_are_utf8(void **state) {
    static const char *const wrong[] = {"\xff",     "a\x80",        "\xc3",
                                        "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80"};
    float x = 1;
    sgm_array a = array_of("\xc3\xa9 \x7f \xef\xbf\xbf \xf4\x8f\xbf\xbf", &x, 1, 1);
    const char *pair[2] = {"k", "v"};
    sgm_archive archive;
    (void)state;
    assert_int_equal(sgm_archive_save(path, &a, 1, NULL, 0), SGM_OK);
    assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
    assert_non_null(sgm_archive_find(&archive, a.name));
    sgm_archive_free(&archive);
    for (int i = 0; i < COUNT(wrong); i++)
        for (int place = 0; place < 3; place++) {
            a.name = place == 0 ? wrong[i] : "w";
            pair[0] = place == 1 ? wrong[i] : "k", pair[1] = place == 2 ? wrong[i] : "v";
            assert_int_equal(sgm_archive_save(path, &a, 1, pair, 1), SGM_BAD_ARGUMENT);
            assert_non_null(strstr(sgm_error(), "in UTF-8"));
        }
}

/* JSON's escapes mean characters; each by its UTF-8 bytes (RFC 3629). */
static void escapes_are_decoded(void **state) {
    static const char *const names[][2] = {
        {"\\u0080", "\xc2\x80"}, {"\\u00e9\\u00E9", "\xc3\xa9\xc3\xa9"}, {"\\u07ff", "\xdf\xbf"},
        {"\\u0800", "\xe0\xa0\x80"}, {"\\u2207", "\xe2\x88\x87"}, {"\\uD7FF", "\xed\x9f\xbf"},
        {"\\ue000", "\xee\x80\x80"}, {"\\uffff", "\xef\xbf\xbf"},
        {"\\ud83c\\udfb2", "\xf0\x9f\x8e\xb2"}, {"\\ud800\\udc00", "\xf0\x90\x80\x80"},
        {"a\\udbff\\udfffb", "a\xf4\x8f\xbf\xbf" "b"}, {"\\u0001\\u001f\\u007F", "\x01\x1f\x7f"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"}};
    char file[500], header[300];
    sgm_archive archive;
    (void)state;
    for (int i = 0; i < COUNT(names); i++) {
        snprintf(header, sizeof header, "{\"%s\":{" OK_BODY "}}", names[i][0]);
        write_file(file, make_file(file, header, strlen(header), 16));
        if (sgm_archive_load(&archive, path)) fail_msg("%s: %s", header, sgm_error());
        assert_string_equal(archive.arrays[0].name, names[i][1]);
        sgm_archive_free(&archive);
    }
}

/* A terminal obeys what it is sent: names, dtypes and paths reach a message without commands. */
static void no_message_commands_a_terminal(void **state) {
    static const char *const headers[] = {
        NAME("\\u001b]0;x\\u0007\\u009b2J\\u007f\\n") "x", DTYPE("\\u001b[2J\\r\\n"),
        "{\"__metadata__\":{\"\\u001b\":\"\",\"\\u001b\":\"\"}," OK "}",
        "{\"w\":{\"dtype\":\"\\u0080\"}}"};
    char file[500], bad[400];
    sgm_archive archive;
    sgm_images images;
    (void)state;
    for (int i = 0; i < COUNT(headers) + 2; i++) {
        const char *text = i < 4 ? headers[i] : "1,2\n3,\x1b[2J\xff\x9b\n";
        if (i < 4) write_file(file, make_file(file, text, strlen(text), 16));
        else write_file(text, strlen(text));
        snprintf(bad, sizeof bad, "%s/\x1b[2J\r", directory);
        if (i < 4) assert_int_equal(sgm_archive_load(&archive, path), SGM_BAD_FILE);
        else if (i == 4) assert_int_equal(sgm_csv_load(&images, path, NULL), SGM_BAD_FILE);
        else assert_int_equal(sgm_archive_load(&archive, bad), SGM_NO_FILE);
        const char *message = sgm_error();
        assert_int_equal(sgm__utf8_bytes(message), strlen(message));
        for (const char *c = message; *c; c++) {
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
            assert_false((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0);
        }
        if (i != 3) assert_non_null(strstr(message, "\\x1b"));
    }
}

/* A number of every type, and what it is as a float. Halves: 2⁻²⁴ is the least, 65504 the largest;
whole numbers beyond 2²⁴ are rounded to the nearest float, of two the even one. */
static void every_type_is_widened(void **state) {
    static const struct {
        const char *dtype;
        int bytes;
        uint64_t bits;
        double truth;
    } numbers[] = {
        {"F16", 2, 0x3c00, 1}, {"F16", 2, 0xc100, -2.5}, {"F16", 2, 1, 5.9604644775390625e-8},
        {"F16", 2, 0x83ff, -6.0975551605224609e-5}, {"F16", 2, 0x0400, 6.103515625e-5},
        {"F16", 2, 0x7bff, 65504}, {"F16", 2, 0x8000, -0.0}, {"F16", 2, 0x7c00, INFINITY},
        {"F16", 2, 0xfc00, -INFINITY}, {"F16", 2, 0x7e00, NAN},
        {"BF16", 2, 0x3f80, 1}, {"BF16", 2, 0xc020, -2.5}, {"BF16", 2, 0x7f80, INFINITY},
        {"BF16", 2, 1, 9.183549615799121e-41},
        {"F64", 8, 0x3ff0000000000000u, 1}, {"F64", 8, 0xc004000000000000u, -2.5},
        {"F64", 8, 0x3fb999999999999au, 0.100000001490116119384765625}, /* 0.1 rounded */
        {"F64", 8, 0x47efffffefffffffu, 3.4028234663852886e38}, /* just rounds to the largest */
        {"F64", 8, 0x7ff0000000000000u, INFINITY}, {"F64", 8, 0x7ff8000000000000u, NAN},
        {"F64", 8, 1, 0},
        {"BOOL", 1, 0, 0}, {"BOOL", 1, 1, 1}, {"I8", 1, 0x80, -128}, {"I8", 1, 127, 127},
        {"U8", 1, 255, 255}, {"I16", 2, 0x8000, -32768}, {"U16", 2, 0xffff, 65535},
        {"I32", 4, 0xfffffffeu, -2}, {"I32", 4, 0x80000000u, -2147483648.0},
        {"U32", 4, 0xffffffffu, 4294967296.0}, {"I32", 4, 16777217, 16777216},
        {"I64", 8, UINT64_MAX, -1}, {"I64", 8, (uint64_t)1 << 63, -9223372036854775808.0},
        {"I64", 8, 16777219, 16777220}, {"U64", 8, UINT64_MAX, 18446744073709551616.0},
        {"U64", 8, 0x8000008000000001u, 9223373136366403584.0}, /* a bit above half: up */
    };
    char file[500], header[300];
    sgm_archive archive;
    (void)state;
    for (int i = 0; i < COUNT(numbers); i++) {
        const int wide = numbers[i].bytes; /* a byte before it: no multiple of its size */
        snprintf(header, sizeof header,
            "{\"w\":{\"dtype\":\"%s\",\"shape\":[2,1],\"data_offsets\":[1,%d]},\"o\":{\"dtype\":"
            "\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", numbers[i].dtype, 1 + 2 * wide);
        size_t n = make_file(file, header, strlen(header), (size_t)(1 + 2 * wide));
        for (int b = 0; b < wide; b++)
            file[n - (size_t)(wide - b)] = (char)(numbers[i].bits >> 8 * b);
        write_file(file, n);
        if (sgm_archive_load(&archive, path)) fail_msg("%s: %s", header, sgm_error());
        const float *x = archive.arrays[0].data, truth = (float)numbers[i].truth;
        assert_true(archive.arrays[0].rows == 2 && archive.arrays[0].cols == 1 && x[0] == 0);
        if (truth == truth ? x[1] != truth || signbit(x[1]) != signbit(truth) : x[1] == x[1])
            fail_msg("%s of %llx: %.9g, not %.9g", numbers[i].dtype,
                     (unsigned long long)numbers[i].bits, (double)x[1], (double)truth);
        sgm_archive_free(&archive);
    }
    for (int i = 0; i < 3; i++) { /* the double that rounds to 2^128, DBL_MAX, and its negative */
        static const uint64_t beyond[] = {0x47effffff0000000u, 0x7fefffffffffffffu,
                                          0xffefffffffffffffu};
        snprintf(header, sizeof header,
            "{\"w\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}");
        size_t n = make_file(file, header, strlen(header), 8);
        for (int b = 0; b < 8; b++) file[n - 8 + (size_t)b] = (char)(beyond[i] >> 8 * b);
        write_file(file, n);
        assert_bad("beyond", "w has a number beyond float32: scale it");
    }
}

/* 10000 arrays and pairs are saved, one more of either is not; a file may bring more. */
static void the_most_names(void **state) {
    enum { N = 10001 };
    static char names[N][16], header[80 * N], file[80 * N + 100];
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
    for (int twice = 0; twice < 2; twice++) { /* the last name once more */
        size_t n = (size_t)sprintf(header, "{\"__metadata__\":{\"\":\"\"");
        for (int i = 0; i < N; i++) n += (size_t)sprintf(header + n, ",\"%d\":\"\"", i);
        n += (size_t)sprintf(header + n, "}");
        for (int i = 0; i < N + twice; i++)
            n += (size_t)sprintf(header + n, "," AT("%d", "0", "0,0"), i < N ? i : 77);
        n += (size_t)sprintf(header + n, "}");
        write_file(file, make_file(file, header, n, 0));
        if (twice) assert_bad("twice", "'77' a name occurs twice");
        else assert_int_equal(sgm_archive_load(&archive, path), SGM_OK);
        if (!twice) assert_true(archive.n_arrays == N && archive.n_meta == N + 1);
        if (!twice) sgm_archive_free(&archive);
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

/* A length of 0x8b1f, or 0x088b1f, makes a file begin as one of gzip does, and it is none. */
static void a_length_like_gzip(void **state) {
    static const size_t lengths[2] = {0x8b1f, 0x88b1f};
    static char header[0x88b1f], file[0x88b1f + 100];
    sgm_archive archive;
    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(header, ' ', sizeof header);
        memcpy(header, "{" OK "}", strlen("{" OK "}"));
        write_file(file, make_file(file, header, lengths[i], 16));
        if (sgm_archive_load(&archive, path)) fail_msg("%s", sgm_error());
        assert_int_equal(archive.n_arrays, 1);
        sgm_archive_free(&archive);
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
    assert_bad("a zero byte", "no UTF-8, or zero");
}

/* The header's tables take 32 + 48 bytes per 49 of it and 16 per 5, and 16 for each pair that there
is, of 6 or more, to find names that are there twice; each block has 72 more for itself: below 9
times the file in all. */
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
        assert_true(alloc_bytes < 9 * n);
    }
}

/* A file of 2^40 bytes, nearly all a hole, is read up to where its header breaks its word; a header
of 10^8 bytes or more is none; and what claims more numbers than there are bytes gets none. */
static void holes_take_no_memory(void **state) {
    static const char *const headers[] = {"{" OK "}", "{}", "",
                                          "{" AT("w", "1099511627776", "0,4398046511104") "}"};
    char file[500];
    sgm_archive archive;
    (void)state;
    for (int i = 0; i < COUNT(headers) + 2; i++) {
        const char *header = headers[i % COUNT(headers)];
        size_t n = make_file(file, header, strlen(header), 16);
        if (i > 3) file[3] = 5, file[4] = (char)(i == 5); /* 84 MB, or 4 GB */
        write_file(file, n);
        if (truncate(path, (off_t)1 << (sizeof(off_t) > 4 ? 40 : 30))) skip();
        alloc_bytes = 0;
        sgm_status status = sgm_archive_load(&archive, path);
        if (status != SGM_BAD_FILE && status != SGM_NO_FILE) fail_msg("%d: %s", i, sgm_error());
        assert_true(alloc_bytes < (i == 4 ? 90000000 : 2000));
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
    assert_bad("one byte more", "not as long");
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
        assert_non_null(
            strstr(sgm_error(), i == 2   ? "it is a directory, a disk or a socket: name a file"
                                : i == 3 ? "ends without a name"
                                         : "check that its directory"));
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

/* Every function of the header that writes a file, with one number or pixel. */
static int write_png(char const *name, int w, int h, int channels, const void *data, int stride) {
    FILE *f = fopen(name, "wb");
    (void)w, (void)h, (void)channels, (void)data, (void)stride;
    if (!f) return 0;
    int good = fputs("PNG", f) >= 0;
    return !fclose(f) && good;
}

enum { WRITERS = 4 };

static sgm_status save_by(int writer, const char *to) {
    static const float x[1] = {0.5f};
    sgm_array a = array_of("w", NULL, 1, 1);
    float copy = x[0];
    a.data = &copy;
    return writer == 0 ? sgm_archive_save(to, &a, 1, NULL, 0)
        : writer == 1 ? sgm_dat_save(to, "h", x, 1, 1)
        : writer == 2 ? sgm_pnm_save(to, x, 1, 1, 1, 1, 1)
                      : sgm_png_grid(to, x, 1, 1, 1, 1, 1, write_png);
}

static size_t size_of(const char *name) {
    struct stat st;
    return stat(name, &st) ? 0 : (size_t)st.st_size;
}

static int mode_of(const char *name) {
    struct stat st;
    return lstat(name, &st) ? -1 : (int)(st.st_mode & 07777);
}

static const char *in_directory(const char *name) {
    static char full[8][700];
    static int next;
    char *to = full[next++ % 8];
    snprintf(to, sizeof full[0], "%s/%s", directory, name);
    return to;
}

/* The rights of a file outlive a save; a new one gets what umask leaves. */
static void rights_are_kept(void **state) {
    static const int modes[] = {0600, 0640, 0644, 0664, 0755, 0200, 04711};
    mode_t mask = umask(022);
    (void)state;
    for (int writer = 0; writer < WRITERS; writer++) {
        remove(path);
        assert_int_equal(save_by(writer, path), SGM_OK);
        assert_int_equal(mode_of(path), 0644);
        for (int i = 0; i < COUNT(modes); i++) {
            write_file("old", 3);
            assert_int_equal(chmod(path, (mode_t)modes[i]), 0);
            assert_int_equal(save_by(writer, path), SGM_OK);
            assert_int_equal(mode_of(path), modes[i]);
            assert_int_equal(chmod(path, 0644), 0);
            assert_true(size_of(path) > 0);
        }
        umask(077), remove(path);
        assert_int_equal(save_by(writer, path), SGM_OK);
        assert_int_equal(mode_of(path), 0600);
        umask(022);
    }
    umask(mask);
}

/* The owner too, where root saves over another's file. */
static void the_owner_is_kept(void **state) {
    struct stat st;
    (void)state;
    if (geteuid()) skip();
    write_file("old", 3);
    assert_int_equal(chown(path, 1234, 4321) || chmod(path, 06640), 0);
    assert_int_equal(save_by(0, path), SGM_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_uid == 1234 && st.st_gid == 4321 && (st.st_mode & 07777) == 06640);
}

/* A link, a link to a link, one that leads to nothing yet: the target is saved, the link stays. */
static void links_are_followed(void **state) {
    static const char *const targets[] = {"a.safetensors", NULL, "b", "./sub/../a.safetensors"};
    struct stat st;
    (void)state;
    assert_int_equal(mkdir(in_directory("sub"), 0755), 0);
    for (int writer = 0; writer < WRITERS; writer++)
        for (int i = 0; i < COUNT(targets); i++) {
            const char *a = in_directory("a"), *b = in_directory("b");
            remove(path);
            if (i != 2) write_file("old", 3);
            assert_int_equal(symlink(targets[i] ? targets[i] : path, a), 0);
            assert_int_equal(symlink("a.safetensors", b), 0);
            if (save_by(writer, a)) fail_msg("%s", sgm_error());
            assert_true(lstat(a, &st) == 0 && S_ISLNK(st.st_mode));
            assert_true(lstat(b, &st) == 0 && S_ISLNK(st.st_mode));
            assert_true(lstat(path, &st) == 0 && S_ISREG(st.st_mode));
            assert_true(size_of(path) != 3 || writer == 3);
            remove(a), remove(b);
        }
    assert_int_equal(symlink("b", in_directory("a")) || symlink("a", in_directory("b")), 0);
    assert_int_equal(save_by(0, in_directory("a")), SGM_NO_FILE);
    assert_non_null(strstr(sgm_error(), "links go round in a circle: remove one"));
    remove(in_directory("a")), remove(in_directory("b"));
    assert_int_equal(symlink("sub", in_directory("a")), 0); /* to a directory */
    assert_int_equal(save_by(0, in_directory("a")), SGM_NO_FILE);
    assert_non_null(strstr(sgm_error(), "it is a directory"));
    remove(in_directory("a")), rmdir(in_directory("sub"));
}

/* What has no contents to lose takes what is written and stays what it is. */
static void pipes_and_devices_are_written_through(void **state) {
    struct stat st;
    char got[500];
    (void)state;
    for (int writer = 0; writer < WRITERS; writer++) {
        const char *fifo = in_directory("fifo"), *link = in_directory("link");
        assert_int_equal(mkfifo(fifo, 0600) || symlink("fifo", link), 0);
        int reader = open(fifo, O_RDONLY | O_NONBLOCK);
        assert_true(reader >= 0);
        assert_int_equal(save_by(writer, fifo), SGM_OK);
        ssize_t n = read(reader, got, sizeof got);
        assert_int_equal(save_by(writer, link), SGM_OK);
        assert_int_equal(read(reader, got + n, sizeof got - (size_t)n), n);
        assert_true(n > 2 && !memcmp(got, got + n, (size_t)n));
        close(reader);
        assert_true(lstat(fifo, &st) == 0 && S_ISFIFO(st.st_mode));
        assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
        remove(fifo), remove(link);
        assert_int_equal(symlink("/dev/null", link), 0);
        assert_int_equal(save_by(writer, link), SGM_OK);
        assert_int_equal(save_by(writer, "/dev/null"), SGM_OK);
        assert_true(lstat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
        remove(link);
        if (stat("/dev/full", &st)) continue;
        assert_int_equal(save_by(writer, "/dev/full"), SGM_NO_FILE);
        assert_non_null(strstr(sgm_error(), writer < 3 ? strerror(ENOSPC) : "cannot write"));
        assert_true(lstat("/dev/full", &st) == 0 && S_ISCHR(st.st_mode));
    }
}

/* /dev/stdout is a link to a link to what the shell has opened: a pipe, or a file, behind what it
holds already. */
static void stdout_is_no_file_to_replace(void **state) {
    char got[500], before[500];
    (void)state;
    assert_int_equal(save_by(0, path), SGM_OK);
    size_t n = read_file(before, sizeof before);
    for (int file = 0; file < 2; file++) {
        int ends[2] = {-1, -1};
        if (!file) assert_int_equal(pipe(ends), 0);
        write_file("", 0);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            int to = file ? open(path, O_WRONLY) : ends[1];
            if (to < 0 || dup2(to, 1) < 0 || write(1, "before ", 7) != 7) _exit(9);
            _exit(save_by(0, "/dev/stdout"));
        }
        int status = -1;
        if (!file) close(ends[1]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SGM_OK);
        ssize_t bytes = file ? (ssize_t)read_file(got, sizeof got) : read(ends[0], got, sizeof got);
        if (!file) close(ends[0]);
        assert_int_equal(bytes, 7 + (ssize_t)n);
        assert_memory_equal(got, "before ", 7);
        assert_memory_equal(got + 7, before, n);
    }
}

/* What a replacement would destroy, part or overrule stays as it was. */
static void some_targets_are_refused(void **state) {
    char now[20];
    struct stat st;
    struct sockaddr_un address;
    (void)state;
    for (int writer = 0; writer < WRITERS; writer++) {
        const char *other = in_directory("other");
        write_file("old", 3);
        assert_int_equal(link(path, other), 0);
        assert_int_equal(save_by(writer, path), SGM_NO_FILE);
        assert_non_null(strstr(sgm_error(), "a second name (a hard link)"));
        assert_true(read_file(now, sizeof now) == 3 && size_of(other) == 3);
        assert_int_equal(remove(other), 0);
        assert_int_equal(chmod(path, 0444), 0);
        assert_int_equal(save_by(writer, path), SGM_NO_FILE);
        assert_non_null(strstr(sgm_error(), "it is read-only: run chmod u+w on it"));
        assert_true(read_file(now, sizeof now) == 3 && mode_of(path) == 0444);
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(save_by(writer, path), SGM_OK); /* the cure helps */
        const char *names[4] = {directory, in_directory("socket"), "", in_directory("")};
        memset(&address, 0, sizeof address);
        address.sun_family = AF_UNIX;
        snprintf(address.sun_path, sizeof address.sun_path, "%.100s", names[1]);
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(save_by(writer, names[i]), SGM_NO_FILE);
            assert_non_null(strstr(sgm_error(), i < 2
                                                    ? "a directory, a disk or a socket: name a file"
                                                    : "ends without a name"));
        }
        assert_true(lstat(names[1], &st) == 0 && S_ISSOCK(st.st_mode));
        close(s), remove(names[1]);
    }
}

/* A name may be as long as the system lets it, and hold what it likes. */
static void any_name_will_do(void **state) {
    static const char *const names[] = {"with a space", "-n", "\xc3\xa9\xe2\x88\x87",
                                        "a.tmp",        "'",  "%s%n"};
    char longest[256];
    (void)state;
    memset(longest, 'n', 255), longest[255] = 0;
    for (int i = 0; i <= COUNT(names); i++)
        for (int writer = 0; writer < WRITERS; writer++) {
            const char *name = in_directory(i < COUNT(names) ? names[i] : longest);
            if (save_by(writer, name)) fail_msg("%s", sgm_error());
            assert_true(size_of(name) > 0);
            assert_int_equal(remove(name), 0);
        }
    memset(longest, 'n', 255);
    assert_int_equal(save_by(0, in_directory(strcat(longest, ""))), SGM_OK);
    remove(in_directory(longest));
    char too_long[400];
    memset(too_long, 'n', 300), too_long[300] = 0;
    assert_int_equal(save_by(0, in_directory(too_long)), SGM_NO_FILE);
    char here[300]; /* a name without a folder */
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(save_by(0, "plain"), SGM_OK);
    assert_int_equal(remove("plain"), 0);
    assert_int_equal(chdir(here), 0);
}

/* Temporaries of killed runs, under any name that 0.1 or this version could have drawn, are
another's perhaps: they stay and are in no one's way. */
static void temporaries_left_by_the_dead(void **state) {
    enum { N = 1000 };
    float numbers[6];
    char stale[400];
    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(stale, sizeof stale, "%s.%d.tmp", path, i);
        int fd = open(stale, O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0 && write(fd, "dead", 4) == 4 && !close(fd));
    }
    sgm_status status = save_six(numbers);
    for (int i = 0; i < N; i++) {
        snprintf(stale, sizeof stale, "%s.%d.tmp", path, i);
        assert_true(size_of(stale) == 4 && remove(stale) == 0);
    }
    if (status) fail_msg("%s", sgm_error());
    assert_int_equal(size_of(path), 224);
}

/* A close that fails is a failure, also without a reason. */
static void a_close_that_fails(void **state) {
    char now[20];
    (void)state;
    for (int writer = 0; writer < WRITERS; writer++) {
        write_file("old", 3);
        close_fails = 1;
        sgm_status status = save_by(writer, path);
        close_fails = 0;
        assert_int_equal(status, SGM_NO_FILE);
        assert_non_null(strstr(sgm_error(), strerror(EIO)));
        assert_int_equal(read_file(now, sizeof now), 3);
    }
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
        TEST(sound_headers),
        TEST(names_are_utf8),
        TEST(escapes_are_decoded),
        TEST(no_message_commands_a_terminal),
        TEST(every_type_is_widened),
        TEST(the_most_names),
        TEST(hostile_lengths),
        TEST(a_length_like_gzip),
        TEST(memory_is_bounded_by_the_file),
        TEST(holes_take_no_memory),
        TEST(cut_short_at_every_byte),
        TEST(every_flipped_bit),
        TEST(wrong_arguments),
        TEST(a_header_too_long),
        TEST(places_that_cannot_be_written),
        TEST(a_full_disk_keeps_the_old_file),
        TEST(rights_are_kept),
        TEST(the_owner_is_kept),
        TEST(links_are_followed),
        TEST(pipes_and_devices_are_written_through),
        TEST(stdout_is_no_file_to_replace),
        TEST(some_targets_are_refused),
        TEST(any_name_will_do),
        TEST(temporaries_left_by_the_dead),
        TEST(a_close_that_fails),
        TEST(no_memory),
        TEST(tables),
        TEST(nine_digits_bring_a_float_back),
    };
    return cmocka_run_group_tests_name("C files", tests, set_up, tear_down);
}
