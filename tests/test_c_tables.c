/*
§C.6: tables of words, numbers and gaps. What a file should become is written here, cell by cell, or
computed as the file is made; numbers are held to the C library's, bit for bit; what was saved must
come back, and what is doubtful must be refused by line, column and cure.

    cc -O1 tests/test_c_tables.c -lcmocka -lm -o test_c_tables && ./test_c_tables
*/
#define _XOPEN_SOURCE 700

#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdlib.h>
#include <string.h>

/* What the library's allocator takes, with how many bytes are alive, and were at most. */
static size_t live_bytes, peak_bytes;

static void *count_malloc(size_t n) {
    double *p = (double *)malloc(n + 16);
    if (!p) return NULL;
    memcpy(p, &n, sizeof n), live_bytes += n;
    if (live_bytes > peak_bytes) peak_bytes = live_bytes;
    return p + 2;
}

static void count_free(void *block) {
    double *p = (double *)block;
    size_t n;
    if (!p) return;
    memcpy(&n, p - 2, sizeof n), live_bytes -= n;
    free(p - 2);
}

#define malloc(n) count_malloc(n)
#define free(p) count_free(p)
#define CHECK_ALLOCATOR
#include "check.h"
#undef malloc
#undef free

#define SGM_IMPLEMENTATION
#include "../sgm.h"

static char directory[256], path[300];
static sgm_table t;
static sgm_table_options o;

static int set_up(void **state) {
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(directory, sizeof directory, "%.200s/sgm_tables_XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) return -1;
    snprintf(path, sizeof path, "%s/a.csv", directory);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    remove(path);
    return rmdir(directory); /* fails, and the test with it, if a temporary was left behind */
}

static int before_each(void **state) {
    (void)state;
    memset(&o, 0, sizeof o), memset(&t, 0, sizeof t);
    alloc_calls = fail_at = 0;
    return 0;
}

static int after_each(void **state) {
    (void)state;
    fail_at = 0;
    sgm_table_free(&t);
    const int leaked = live_blocks;
    if (leaked) print_error("%d blocks leaked\n", leaked);
    return live_blocks = 0, leaked;
}

static void write_bytes(const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void load(const char *text) {
    sgm_table_free(&t);
    write_bytes(text, strlen(text));
    CHECK_OK(sgm_table_load(&t, path, &o));
}

static void refuse(const char *text, sgm_status status, const char *cure) {
    const sgm_table none = {0};
    sgm_table_free(&t);
    write_bytes(text, strlen(text));
    CHECK_FAILS(sgm_table_load(&t, path, &o), status, cure);
    assert_memory_equal(&t, &none, sizeof none);
}

static const char *text_of_file(void) {
    static char text[100000];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

/* The table as a text: kinds and names, then rows; a level by its name in <>, ? for NaN. */
static const char *shown(const sgm_table *a) {
    static char text[4000];
    char *to = text;
    *to = 0;
    for (int j = 0; a->column && j < a->d; j++)
        to += sprintf(to, "%c:%s ", "anic"[a->column[j].kind],
                      a->column[j].name ? a->column[j].name : "-");
    for (long i = 0; i < a->n; i++) {
        to += sprintf(to, "|");
        for (int j = 0; j < a->d; j++) {
            double x = a->x[i * a->d + j];
            if (x != x) to += sprintf(to, " ?");
            else if (a->column && a->column[j].level)
                to += sprintf(to, " <%s>", a->column[j].level[(int)x]);
            else to += sprintf(to, " %.15g", x);
        }
        if (a->weight) to += sprintf(to, " w%g", a->weight[i]);
    }
    return text;
}

/* Is everything the same: bits, names, kinds (if asked), levels, weights? */
static int same_words(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static int same(const sgm_table *a, const sgm_table *b, int kinds) {
    if (a->n != b->n || a->d != b->d || a->h != b->h || a->w != b->w || !a->weight != !b->weight ||
        a->channels != b->channels || !a->column != !b->column)
        return 0;
    for (long i = 0; i < a->n * a->d; i++) { /* any NaN is like another */
        const double x = a->x[i], y = b->x[i];
        if (x == x || y == y ? memcmp(&x, &y, sizeof x) != 0 : 0) return 0;
    }
    if (a->weight && memcmp(a->weight, b->weight, (size_t)a->n * sizeof *a->weight)) return 0;
    for (int j = 0; a->column && j < a->d; j++) {
        const sgm_column *p = &a->column[j], *q = &b->column[j];
        if ((kinds && p->kind != q->kind) || p->n_levels != q->n_levels ||
            !same_words(p->name, q->name) || !p->level != !q->level)
            return 0;
        for (int k = 0; p->level && k < p->n_levels; k++)
            if (!same_words(p->level[k], q->level[k])) return 0;
    }
    return 1;
}

/* ---- what a column is ---- */

static void kinds_are_seen(void **state) {
    (void)state;
    load("sepal,n,species\n5.1,1,setosa\n4.9,2,virginica\n4,3,setosa\n");
    assert_string_equal(shown(&t), "n:sepal i:n c:species | 5.1 1 <setosa>| 4.9 2 <virginica>| 4 3 "
                                   "<setosa>");
    load("5.1,1,b\n4.9,2,a\n"); /* no names; levels are sorted: a is 0 */
    assert_string_equal(shown(&t), "n:- i:- c:- | 5.1 1 <b>| 4.9 2 <a>");
    assert_true(t.x[2] == 1 && t.x[5] == 0 && t.column[2].n_levels == 2);
    load("colour,size\nred,S\nblue,L\n"); /* words alone: the first line is names */
    assert_string_equal(shown(&t), "c:colour c:size | <red> <S>| <blue> <L>");
    o.csv.header = SGM_HEADER_NONE;
    load("colour,size\nred,S\n");
    assert_string_equal(shown(&t), "c:- c:- | <colour> <size>| <red> <S>");
    o.csv.header = SGM_HEADER_LINE;
    load("1990,1991\n1,2.5\n");
    assert_string_equal(shown(&t), "i:1990 n:1991 | 1 2.5");
    o.csv.header = SGM_HEADER_AUTO;
    load("age\n18-25\n3+\n<5\n18-25\n"); /* no numbers, and no names either: words all the same */
    assert_string_equal(shown(&t), "c:age | <18-25>| <3+>| <<5>| <18-25>");
    load("a,b\n1,9007199254740993\n5.0,1e300\n"); /* whole; beyond 2^53 nothing is */
    assert_true(t.column[0].kind == SGM_KIND_INTEGER && t.column[1].kind == SGM_KIND_NUMBER);
    load("a,b\n1,\n2,NA\n"); /* nothing is known of b */
    assert_string_equal(shown(&t), "i:a n:b | 1 ?| 2 ?");
    load(",b\n1,2\n"); /* as pandas names its index */
    assert_string_equal(shown(&t), "i:x1 i:b | 1 2");
}

static void forms_of_text(void **state) {
    (void)state;
    load("\xef\xbb\xbf# told\r\n\r\na,b\r\n1,x\r\n# between\r\n2,y\r\n");
    assert_string_equal(shown(&t), "i:a c:b | 1 <x>| 2 <y>");
    load("a;b;c\n1,5;x;2\n;NA;3,25\n");
    assert_string_equal(shown(&t), "n:a c:b n:c | 1.5 <x> 2| ? ? 3.25");
    load("sep=|\r\na|b\r\n1|\"x|y\"\r\n");
    assert_string_equal(shown(&t), "i:a c:b | 1 <x|y>");
    load("a\tb\n1\tx y\n2\tz\n");
    assert_string_equal(shown(&t), "i:a c:b | 1 <x y>| 2 <z>");
    load("a,b\n1,\"x, \"\"y\"\"\nz\"\n\"2\",w\n"); /* a level with a comma, quotes and a newline */
    assert_string_equal(shown(&t), "i:a c:b | 1 <x, \"y\"\nz>| 2 <w>");
    load("a,b\n1,x\nnan,N/A\n<NA>,None\nNULL,y");
    assert_string_equal(shown(&t), "i:a c:b | 1 <x>| ? ?| ? ?| ? <y>");
    load("a b\n1 x\n2  y\n"); /* blanks separate */
    assert_string_equal(shown(&t), "i:a c:b | 1 <x>| 2 <y>");
    load("M\xc3\xbcnchen,\xce\xb1\n\xc3\xa9t\xc3\xa9,1\n");
    assert_string_equal(shown(&t), "c:M\xc3\xbcnchen i:\xce\xb1 | <\xc3\xa9t\xc3\xa9> 1");
}

static void numbers_are_the_nearest(void **state) {
    static const char *const forms[] = {"%.17g", "%.15g", "%.25e", "%.3f", "%.0f", "%.60g"};
    static const char *const commas[] = {"C", "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    static char text[400000];
    (void)state;
    for (int l = 0; l < COUNT(commas); l++) {
        if (!setlocale(LC_NUMERIC, commas[l])) continue; /* not installed here */
        size_t n = 0;
        static double truth[4000];
        for (int i = 0; i < 4000; i++) {
            uint64_t bits = sgm_below(sgm_key_init(7), (uint64_t)i, UINT64_MAX);
            char number[400], *comma;
            double x;
            memcpy(&x, &bits, sizeof x);
            if (i % 3 == 0) x = ldexp(sin(i), i % 61 - 30);
            if (!(fabs(x) < (i % 6 < 3 ? 1e300 : 1e60))) x = i * 1e-7;
            snprintf(number, sizeof number, forms[i % 6], x);
            truth[i] = strtod(number, NULL); /* the C library's, in its locale */
            if ((comma = strchr(number, ',')) != NULL) *comma = '.';
            n += (size_t)sprintf(text + n, "%.90s\n", number);
            if (strlen(number) > 90) truth[i] = NAN;
        }
        setlocale(LC_NUMERIC, "C");
        for (int i = 0, at = 0; i < 4000; i++, at += (int)strcspn(text + at, "\n") + 1)
            if (truth[i] != truth[i]) truth[i] = strtod(text + at, NULL);
        if (l) setlocale(LC_NUMERIC, commas[l]);
        load(text);
        setlocale(LC_NUMERIC, "C");
        assert_int_equal(t.n, 4000);
        assert_memory_equal(t.x, truth, sizeof truth);
    }
    /* halves: the middle of 1 and its neighbour goes to the even one, a little more goes up */
    load("1.00000000000000011102230246251565404236316680908203125\n"
         "1.00000000000000011102230246251565404236316680908203126\n9007199254740993\n-0\n");
    assert_true(t.x[0] == 1 && t.x[1] == 1 + DBL_EPSILON && t.x[2] == 9007199254740992.0);
    assert_true(t.x[3] == 0 && signbit(t.x[3]));
    char *to = text + sprintf(text, "1."); /* and where 900 digits later something follows */
    to += sprintf(to, "00000000000000011102230246251565404236316680908203125%0900d", 1);
    load(text);
    assert_true(t.x[0] == 1 + DBL_EPSILON);
    load("4.9406564584124654e-324\n2.4703282292062327e-324\n1.7976931348623157e308\n");
    assert_true(t.x[0] == 4.9406564584124654e-324 && t.x[1] == 0 && t.x[2] == DBL_MAX);
}

/* ---- what is asked for ---- */

static void columns_are_asked_for(void **state) {
    static const char *const drop[] = {"id"}, *const kinds[] = {"k=category", "y=drop", "z=number"};
    static const char file[] = "id,k,w,y,z\nA1,10,.5,1,3\nA2,9,2,1,4\nA3,10,0,1,4\n";
    (void)state;
    o.drop = drop, o.n_drop = 1, o.kinds = kinds, o.n_kinds = 3, o.weight = "w";
    load(file);
    assert_string_equal(shown(&t), "c:k n:z | <10> 3 w0.5| <9> 4 w2| <10> 4 w0");
    o.n_kinds = 0, o.drop = NULL, o.n_drop = 0, o.weight = "x2";
    load("5,1\n6,2\n"); /* without names they are x1, x2, ... */
    assert_string_equal(shown(&t), "i:- | 5 w1| 6 w2");

    static const char *bad[] = {"sepal_lenght=drop"};
    o.weight = NULL, o.kinds = bad, o.n_kinds = 1;
    refuse("sepal_length,petal\n1,2\n", SGM_BAD_ARGUMENT, "has 'sepal_length'");
    assert_null(strstr(sgm_error(), "petal'"));
    bad[0] = "q=drop";
    refuse("sepal_length,petal\n1,2\n", SGM_BAD_ARGUMENT, "it has 'sepal_length', 'petal'");
    bad[0] = "petal=float";
    refuse("sepal_length,petal\n1,2\n", SGM_BAD_ARGUMENT, "name=number, name=integer");
    bad[0] = NULL;
    refuse("a\n1\n", SGM_BAD_ARGUMENT, "name=number");
    bad[0] = "a=drop";
    refuse("a\n1\n", SGM_BAD_ARGUMENT, "no column is left");
    bad[0] = "a=integer";
    refuse("a\n1\n2.5\n", SGM_BAD_FILE, "'2.5' in line 3, column 1 (a): it is not whole");
    bad[0] = "a=number";
    refuse("a\n1\nx\n", SGM_BAD_FILE, "'x' in line 3, column 1 (a): it is no number");
    o.n_kinds = 0, o.weight = "v";
    refuse("a,w\n1,2\n", SGM_BAD_ARGUMENT, "no column 'v'");
    o.weight = "w";
    refuse("a,w\n1,2\n1,-1\n", SGM_BAD_FILE, "'-1' in line 3, column 2 (w): a weight is negative");
    refuse("a,w\n1,\n", SGM_BAD_FILE, "in line 2, column 2 (w): a weight is missing");
    refuse("a,w\n1,0\n1,0\n", SGM_BAD_FILE, "one must be positive");
    refuse("a,w\n1,2\n2,x\n", SGM_BAD_FILE, "'x' in line 3, column 2 (w): it is no number");
}

static void a_table_like_another(void **state) {
    sgm_table first;
    (void)state;
    load("a,b,c\n1.5,2,x\n2.5,4,y\n3,5,z\n");
    first = t, memset(&t, 0, sizeof t), o.like = &first;
    load("c,a\ny,7\n,8\n"); /* any order; b is absent; x and z are levels all the same */
    assert_string_equal(shown(&t), "n:a i:b c:c | 7 ? <y>| 8 ? ?");
    assert_int_equal(t.column[2].n_levels, 3);
    load("4,5,z\n"); /* by place, without names */
    assert_string_equal(shown(&t), "n:a i:b c:c | 4 5 <z>");
    refuse("a,c\n1,q\n", SGM_BAD_FILE, "'q' in line 2, column 2 (c): its levels are x, y, z");
    refuse("a,b,c,d\n1,2,x,3\n", SGM_MISMATCH, "a column 4, 'd', which the table");
    refuse("a,b\n1,2.5\n", SGM_BAD_FILE, "'2.5' in line 2, column 2 (b): it is not whole");
    refuse("1,2\n", SGM_MISMATCH, "has 2 columns");
    static const char *const drop[] = {"d"}, *const kinds[] = {"a=category"};
    o.drop = drop, o.n_drop = 1;
    load("d,c\n3,z\n");
    assert_string_equal(shown(&t), "n:a i:b c:c | ? ? <z>");
    o.n_drop = 0, o.kinds = kinds, o.n_kinds = 1;
    refuse("a\n1\n", SGM_BAD_ARGUMENT, "its kind is that of");
    o.n_kinds = 0, o.weight = "w";
    load("w,b\n3,1\n");
    assert_string_equal(shown(&t), "n:a i:b c:c | ? 1 ? w3");
    o.weight = NULL;

    sgm_column column[2] = {{"u", SGM_KIND_CATEGORY, 3, NULL}, {NULL, SGM_KIND_AUTO, 0, NULL}};
    sgm_table numbers = {.column = column, .d = 2}; /* levels without names; a column without */
    o.like = &numbers;
    load("2,7.5\n0,\n");
    assert_true(t.x[0] == 2 && t.x[1] == 7.5 && t.x[2] == 0 && t.x[3] != t.x[3]);
    refuse("3,1\n", SGM_BAD_FILE, "no such level");
    refuse("1.5,1\n", SGM_BAD_FILE, "not whole");
    char *twice[] = {(char *)"q", (char *)"q"};
    column[0].level = twice, column[0].n_levels = 2;
    refuse("q,1\n", SGM_BAD_ARGUMENT, "the level 'q' twice");
    column[0].n_levels = 0;
    refuse("q,1\n", SGM_BAD_ARGUMENT, "n_levels too small");
    o.like = &first;

    sgm_table room;
    CHECK_OK(sgm_table_init(&room, &first, 2));
    assert_true(room.n == 2 && room.d == 3 && !room.weight && room.x[5] != room.x[5]);
    assert_string_equal(room.column[2].level[2], "z");
    assert_ptr_not_equal(room.column[2].level[2], first.column[2].level[2]);
    sgm_table_free(&room);
    CHECK_OK(sgm_table_init(&room, &first, 0));
    assert_true(!room.x && room.n == 0 && room.column[0].kind == SGM_KIND_NUMBER);
    sgm_table_free(&room);
    CHECK_FAILS(sgm_table_init(&room, &first, -1), SGM_BAD_ARGUMENT, "n >= 0");
    CHECK_FAILS(sgm_table_init(&room, &first, LONG_MAX), SGM_NO_MEMORY, "no memory");
    sgm_table_free(&first);
}

/* ---- there and back ---- */

static void what_is_saved_comes_back(void **state) {
    enum { N = 3000 };
    static const char *const word[] = {"a",          "b c",        " lead",    "x,y", "q\"q",
                                       "semi;colon", "two\nlines", "\xc3\xa9", "tab\there",
                                       "#n",         "cr\r",       "sep=,"};
    sgm_column column[4] = {{(char *)"#one", SGM_KIND_NUMBER, 0, NULL},
                            {(char *)"a \"quoted\", name", SGM_KIND_CATEGORY, 0, NULL},
                            {NULL, SGM_KIND_INTEGER, 0, NULL},
                            {(char *)"single", SGM_KIND_NUMBER, 0, NULL}};
    static double x[4 * N], weight[N];
    char *level[COUNT(word)];
    (void)state;
    for (int k = 0; k < COUNT(word); k++) level[k] = (char *)(size_t)word[k];
    qsort(level, COUNT(word), sizeof *level, sgm__by_name); /* as they will be after loading */
    column[1].level = level, column[1].n_levels = COUNT(word);
    for (int i = 0; i < N; i++) {
        uint64_t bits = sgm_below(sgm_key_init(8), (uint64_t)i, UINT64_MAX);
        memcpy(&x[4 * i], &bits, sizeof bits);
        if (!(fabs(x[4 * i]) <= DBL_MAX)) x[4 * i] = (double)NAN;
        x[4 * i + 1] = i % 7 ? i % COUNT(word) : (double)NAN;
        x[4 * i + 2] = i % 5 ? floor(1e14 * sin(i)) : (double)NAN;
        x[4 * i + 3] = (float)cos(i), weight[i] = fabs(sin(3 * i));
    }
    sgm_table made = {.x = x, .weight = weight, .column = column, .n = N, .d = 4}, again;
    CHECK_OK(sgm_table_save(path, &made));
    o.weight = "weight";
    CHECK_OK(sgm_table_load(&again, path, &o));
    column[2].name = (char *)"x3"; /* as it was saved */
    assert_true(same(&again, &made, 1));
    /* planted: a last bit, a sign of 0, a level's name, a weight */
    uint64_t bits;
    memcpy(&bits, &again.x[3], sizeof bits), bits ^= 1, memcpy(&again.x[3], &bits, sizeof bits);
    assert_false(same(&again, &made, 1));
    bits ^= 1, memcpy(&again.x[3], &bits, sizeof bits);
    again.weight[N - 1] += 1, assert_false(same(&again, &made, 1));
    again.weight[N - 1] -= 1, again.column[1].level[0] = (char *)"other";
    assert_false(same(&again, &made, 1));
    sgm_table_free(&again);

    made.d = 1, made.n = 3, made.weight = NULL, made.column = column + 1;
    double few[3] = {(double)NAN, 1, (double)NAN}; /* one column: no line may be empty */
    made.x = few, o.weight = NULL;
    CHECK_OK(sgm_table_save(path, &made));
    CHECK_OK(sgm_table_load(&again, path, NULL));
    assert_true(again.n == 3 && again.x[0] != again.x[0] && again.x[1] == 0);
    assert_string_equal(again.column[0].level[0], level[1]);
    sgm_table_free(&again);
    double plain[4] = {0.1, 1e15, 1.0 / 3, -0.0};
    made.x = plain, made.d = 2, made.n = 2, made.column = NULL;
    CHECK_OK(sgm_table_save(path, &made));
    assert_string_equal(text_of_file(), "x1,x2\n0.1,1e+15\n0.33333333333333331,-0\n");
}

static void what_cannot_be_saved(void **state) {
    char *level[2] = {(char *)"a", (char *)"b"};
    sgm_column column = {NULL, SGM_KIND_CATEGORY, 2, level};
    double few[3] = {(double)NAN, 12, 0};
    sgm_table made = {.x = few, .column = &column, .n = 3, .d = 1};
    (void)state;
    CHECK_FAILS(sgm_table_save(path, &made), SGM_BAD_ARGUMENT, "row 1, column 0 has 12");
    few[1] = 0.5;
    CHECK_FAILS(sgm_table_save(path, &made), SGM_BAD_ARGUMENT, "none of its levels 0 to 1");
    made.n = 0;
    CHECK_FAILS(sgm_table_save(path, &made), SGM_BAD_ARGUMENT, "no rows");
    made.n = 1, made.d = 0;
    CHECK_FAILS(sgm_table_save(path, &made), SGM_BAD_ARGUMENT, "d >= 1");
    made.d = 1, made.h = 2;
    CHECK_FAILS(sgm_table_save(path, &made), SGM_BAD_ARGUMENT, "d is not h w channels");
    made.h = 0, few[1] = 0, column.n_levels = 0;
    CHECK_FAILS(sgm_table_save(path, &made), SGM_BAD_ARGUMENT, "n_levels too small");
    column.n_levels = 2, level[1] = NULL;
    CHECK_FAILS(sgm_table_save(path, &made), SGM_BAD_ARGUMENT, "a level's name is NULL");
    level[1] = level[0];
    CHECK_FAILS(sgm_table_save("/", &made), SGM_NO_FILE, "cannot write");
}

/* ---- what is doubtful ---- */

static void doubtful_files_are_refused(void **state) {
    static char text[300000];
    static const char *const kind[] = {"b=category"};
    (void)state;
    refuse("", SGM_BAD_FILE, "no rows");
    refuse("a,b\n", SGM_BAD_FILE, "no rows");
    refuse("a,a\n1,2\n", SGM_BAD_FILE, "two columns are named 'a': rename one");
    refuse("a,b\n1,2\n1\n", SGM_BAD_FILE, "has 1 fields in line 3, 2 in those before");
    refuse("a,b\n1,2,3\n", SGM_BAD_FILE, "has 3 fields in line 2, 2 in those before, or names");
    refuse("a,b\n1,\"x\n", SGM_BAD_FILE, "line 2, column 2: close its quotes");
    refuse("a,b\n1,\"x\"y\n", SGM_BAD_FILE, "line 2, column 2: close its quotes");
    refuse("a,b\n1,1e999\n", SGM_BAD_FILE, "'1e999' in line 2, column 2 (b): it is not finite");
    refuse("a,b\n1,inf\n", SGM_BAD_FILE, "it is not finite");
    refuse("1,x\n2,3\n", SGM_BAD_FILE, "'x' in line 1, column 2 (x2), and 1 numbers"); /* names? */
    assert_non_null(strstr(sgm_error(), "SGM_HEADER_LINE"));
    refuse("a,b\n1,\xff\xfe\n", SGM_BAD_FILE, "it is no UTF-8");
    refuse("a\xff,b\n1,2\n", SGM_BAD_FILE, "no UTF-8");
    write_bytes("a\n\0\n", 4);
    CHECK_FAILS(sgm_table_load(&t, path, &o), SGM_BAD_FILE, "a zero byte; save it as CSV");
    o.csv.separator = '1';
    refuse("a\n", SGM_BAD_ARGUMENT, "separator");
    o.csv.separator = 0;

    size_t n = (size_t)sprintf(text, "a,b\n"); /* one misspelt number in forty */
    for (int i = 0; i < 40; i++) n += (size_t)sprintf(text + n, "%d,%s\n", i, i == 30 ? "5%" : "5");
    refuse(text, SGM_BAD_FILE, "'5%' in line 32, column 2 (b), and 39 numbers: mend it");
    o.kinds = kind, o.n_kinds = 1;
    load(text);
    assert_int_equal(t.column[1].n_levels, 2);
    o.n_kinds = 0;
    n = (size_t)sprintf(text, "a,b\n"); /* a new word in every row, and a date in every row */
    for (int i = 0; i < 3000; i++) n += (size_t)sprintf(text + n, "%d,id%d\n", i, i);
    refuse(text, SGM_BAD_FILE, "drop it ('b=drop'), or ask for 'b=category'");
    o.n_kinds = 1;
    load(text);
    assert_int_equal(t.column[1].n_levels, 3000);
    o.n_kinds = 0;
    n = (size_t)sprintf(text, "a,b\n");
    for (int i = 0; i < 90; i++) n += (size_t)sprintf(text + n, "%d,2024-%d-1\n", i, i);
    refuse(text, SGM_BAD_FILE, "new words all the time in column 2");
    n = (size_t)sprintf(text, "a,b\n"); /* fifty names are too few to tell */
    for (int i = 0; i < 50; i++) n += (size_t)sprintf(text + n, "%d,Ada %d\n", i, i);
    load(text);
    sprintf(text + n, "50,Ada 50\n");
    refuse(text, SGM_BAD_FILE, "as 'Ada 50' in line 52: drop it ('b=drop')");
    n = (size_t)sprintf(text, "a,b\n"); /* 1200 levels that come again are a category */
    for (int i = 0; i < 3000; i++) n += (size_t)sprintf(text + n, "%d,id%d\n", i, i % 1200);
    load(text);
    assert_int_equal(t.column[1].n_levels, 1200);
}

/* ---- NPY, IDX ---- */

static size_t npy_file(unsigned char *to, const char *dictionary, const void *data, size_t bytes) {
    memcpy(to, "\x93NUMPY\x01\0\x76\0", 10);
    memset(to + 10, ' ', 118), to[127] = '\n';
    memcpy(to + 10, dictionary, strlen(dictionary)), memcpy(to + 128, data, bytes);
    return 128 + bytes;
}

#define NPY(type, order, shape) \
    "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }"

static void load_npy(const char *dictionary, const void *data, size_t bytes) {
    unsigned char file[4096];
    sgm_table_free(&t);
    write_bytes(file, npy_file(file, dictionary, data, bytes));
    CHECK_OK(sgm_table_load(&t, path, &o));
}

static void arrays_of_numpy(void **state) {
    const double x[6] = {1, 0.1, -3, (double)NAN, 5, 1.0 / 3};
    const int64_t whole[4] = {INT64_MIN, -1, 9007199254740993, 7};
    const unsigned char pixel[12] = {0, 255, 51, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    unsigned char file[4096];
    sgm_table again;
    (void)state;
    load_npy(NPY("<f8", "False", "(3, 2)"), x, sizeof x);
    assert_string_equal(shown(&t), "i:- n:- | 1 0.1| -3 ?| 5 0.333333333333333");
    assert_memory_equal(&t.x[5], &x[5], 8);
    load_npy(NPY("<f8", "True", "(3, 2)"), x, sizeof x);
    assert_string_equal(shown(&t), "n:- n:- | 1 ?| 0.1 5| -3 0.333333333333333");
    load_npy(NPY("<i8", "False", "(4,)"), whole, sizeof whole);
    assert_true(t.n == 4 && t.d == 1 && t.x[0] == -9223372036854775808.0 && t.x[1] == -1);
    assert_true(t.x[2] == 9007199254740992.0 && t.x[3] == 7);
    static const char *const kinds[] = {"x1=category"};
    o.kinds = kinds, o.n_kinds = 1, o.weight = "x2";
    load_npy(NPY("|u1", "False", "(2, 3)"), pixel, 6);
    assert_string_equal(shown(&t), "c:- i:- | <0> 51 w255| <4> 6 w5");
    write_bytes(file, npy_file(file, NPY("|u1", "False", "(1, 2, 3)"), pixel, 6));
    CHECK_FAILS(sgm_table_load(&again, path, &o), SGM_BAD_ARGUMENT, "has pictures: no columns");
    o.n_kinds = 0, o.weight = NULL;
    load_npy(NPY("|u1", "False", "(1, 2, 2, 3)"), pixel, 12); /* pictures: pixels in [0,1] */
    assert_true(t.h == 2 && t.w == 2 && t.channels == 3 && t.d == 12 && t.x[1] == 1);
    CHECK_CLOSE(t.x[2], 0.2, 0);
    char npy[310];
    snprintf(npy, sizeof npy, "%s.npy", path);
    CHECK_OK(sgm_table_save(npy, &t)); /* and back */
    o.like = &t;
    CHECK_OK(sgm_table_load(&again, npy, &o));
    o.like = NULL;
    assert_true(same(&t, &again, 0));
    again.h = 1, again.w = 4;
    o.like = &again;
    sgm_table_free(&t);
    CHECK_FAILS(sgm_table_load(&t, npy, &o), SGM_MISMATCH, "pictures of 2 x 2");
    o.like = NULL;
    sgm_table_free(&again);
    load("a,b\n1,2\n0.1,x\n3,\n");
    CHECK_OK(sgm_table_save(npy, &t));
    o.like = &t; /* levels are numbers there, and are known by them */
    CHECK_OK(sgm_table_load(&again, npy, &o));
    assert_true(same(&t, &again, 1));
    sgm_table_free(&again), t.column[1].n_levels = 1, t.x[3] = 0, o.like = NULL;
    t.x[1] = 1, t.column[1].level = NULL; /* planted: a level that is not there */
    CHECK_OK(sgm_table_save(npy, &t));
    o.like = &t;
    CHECK_FAILS(sgm_table_load(&again, npy, &o), SGM_BAD_FILE, "no such level");
    o.like = NULL;
    CHECK_OK(sgm_table_load(&again, npy, &o));
    remove(npy);
    assert_true(again.n == 3 && again.x[2] == 0.1 && again.x[5] != again.x[5] && again.x[1] == 1);
    sgm_table_free(&again), sgm_table_free(&t);
}

static void arrays_that_are_refused_and_idx(void **state) {
    const double far[4] = {0, 0.5, 1.5, 0}, huge[2] = {1, HUGE_VAL};
    unsigned char file[4096];
    (void)state;
    write_bytes(file, npy_file(file, NPY("<f8", "False", "(2, 1, 2)"), far, sizeof far));
    CHECK_FAILS(sgm_table_load(&t, path, &o), SGM_BAD_FILE, "1.5 in picture 1: divide");
    write_bytes(file, npy_file(file, NPY("<f8", "False", "(2,)"), huge, sizeof huge));
    CHECK_FAILS(sgm_table_load(&t, path, &o), SGM_BAD_FILE, "'inf' in row 2, column 1");
    write_bytes("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\x33\xff\x01", 20);
    CHECK_OK(sgm_table_load(&t, path, &o));
    assert_true(t.n == 2 && t.h == 1 && t.w == 2 && t.channels == 1 && t.x[2] == 1);
    CHECK_CLOSE(t.x[1], 0.2, 1.5e-8); /* IDX comes as floats */
    sgm_table_free(&t);
    write_bytes("\0\0\x08\x01\0\0\0\x03\x07\x01\x07", 11);
    CHECK_OK(sgm_table_load(&t, path, &o));
    assert_string_equal(shown(&t), "i:- | 7| 1| 7");
}

/* ---- pipes, windows, memory ---- */

static void through_pipes(void **state) {
    int pipes[2], old = dup(0);
    const char *const texts[2] = {"a,b\n1,x\n2,y\n", "\x1f\x8b\x08"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes), 0);
        assert_int_equal(write(pipes[1], texts[i], strlen(texts[i])), strlen(texts[i]));
        close(pipes[1]), dup2(pipes[0], 0), close(pipes[0]), clearerr(stdin);
        if (i == 0) CHECK_OK(sgm_table_load(&t, "-", &o));
        else CHECK_FAILS(sgm_table_load(&t, "-", &o), SGM_BAD_FILE, "through gunzip");
        if (i == 0) assert_string_equal(shown(&t), "i:a c:b | 1 <x>| 2 <y>");
        sgm_table_free(&t);
    }
    dup2(old, 0), close(old), clearerr(stdin);
    remove(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* as a shell's <(...) */
    const pid_t child = fork();
    if (child == 0) {
        const int fd = open(path, O_WRONLY);
        _exit(write(fd, texts[0], 12) != 12);
    }
    int status = 1;
    CHECK_OK(sgm_table_load(&t, path, &o));
    assert_true(waitpid(child, &status, 0) == child && status == 0);
    assert_string_equal(shown(&t), "i:a c:b | 1 <x>| 2 <y>");
    remove(path);

    fflush(stdout); /* standard output into the file */
    const int out = dup(1), fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 1), close(fd);
    const sgm_status saved = sgm_table_save("-", &t);
    fflush(stdout), dup2(out, 1), close(out);
    assert_int_equal(saved, SGM_OK);
    assert_string_equal(text_of_file(), "a,b\n1,x\n2,y\n");
    sgm_table_free(&t);
    CHECK_FAILS(sgm_table_load(&t, directory, &o), SGM_NO_FILE, "cannot read");
    CHECK_FAILS(sgm_table_load(&t, "/no/such.csv", &o), SGM_NO_FILE, "cannot read");
}

/* Rows of all lengths, with CRLF and comments, quotes with newlines, over several windows: each is
what it was written as, and an error at the end has the right line. */
static void rows_across_windows(void **state) {
    enum { N = 12000 };
    FILE *f = fopen(path, "wb");
    long line = 2, lines_in_quotes = 0;
    (void)state;
    assert_non_null(f);
    fputs("n,word,x\r\n", f);
    for (int i = 0; i < N; i++) {
        const int newlines = i % 11 == 0;
        if (i % 50 == 1) fprintf(f, "# %0*d, \"\r\n", i % 700 + 1, i), line++;
        fprintf(f, "%d,\"%*s%d%s\",%.17g%s", i, i % 90 + 1, "w", i % 40, newlines ? "\r\n\"\"" : "",
                sin(i), i % 3 ? "\r\n" : "\n");
        line += 1 + newlines, lines_in_quotes += newlines;
    }
    fclose(f);
    struct stat st;
    assert_true(stat(path, &st) == 0 && st.st_size > 3 << 18 && lines_in_quotes > 1000);
    CHECK_OK(sgm_table_load(&t, path, &o));
    assert_true(t.n == N && t.d == 3);
    for (int i = 0; i < N; i++) {
        char word[200];
        snprintf(word, sizeof word, "%*s%d%s", i % 90 + 1, "w", i % 40, i % 11 ? "" : "\r\n\"");
        assert_true(t.x[3 * i] == i && t.x[3 * i + 2] == sin(i));
        assert_string_equal(t.column[1].level[(int)t.x[3 * i + 1]], word);
    }
    sgm_table_free(&t);
    f = fopen(path, "ab"), fputs("1,w,2,3\n", f), fclose(f);
    char where[60];
    snprintf(where, sizeof where, "has 4 fields in line %ld, 3", line);
    CHECK_FAILS(sgm_table_load(&t, path, &o), SGM_BAD_FILE, where);
}

/* A table costs its numbers (n d 8 bytes), its levels and one window, not its text. */
static void memory_is_the_table(void **state) {
    enum { N = 20000, D = 8 };
    FILE *f = fopen(path, "wb");
    (void)state;
    for (int j = 0; j < D; j++) fprintf(f, "column%d%c", j, j + 1 < D ? ',' : '\n');
    for (int i = 0; i < N; i++)
        for (int j = 1; j <= D; j++) fprintf(f, "%-60.17g%c", sin(i * D + j), j < D ? ',' : '\n');
    fclose(f);
    peak_bytes = live_bytes = 0;
    CHECK_OK(sgm_table_load(&t, path, &o));
    assert_true(t.n == N && peak_bytes < (size_t)N * D * 8 + (1 << 19));
    assert_true(peak_bytes > (size_t)N * D * 8); /* the count sees it */
    struct stat st;
    assert_true(stat(path, &st) == 0 && st.st_size > N * D * 60);
}

/* Many columns, found by their names in another order: no work that grows with their square. */
static void wide_tables(void **state) {
    enum { D = 20000 };
    FILE *f = fopen(path, "wb");
    sgm_table first;
    (void)state;
    for (int j = 0; j < D; j++) fprintf(f, "c%d%c", j, j + 1 < D ? ',' : '\n');
    for (int j = 0; j < D; j++) fprintf(f, "%d%c", j, j + 1 < D ? ',' : '\n');
    fclose(f);
    CHECK_OK(sgm_table_load(&first, path, &o));
    f = fopen(path, "wb");
    for (int j = D; j-- > 0;) fprintf(f, "c%d%c", j, j ? ',' : '\n');
    for (int j = D; j-- > 0;) fprintf(f, "%d%c", j, j ? ',' : '\n');
    fclose(f);
    o.like = &first;
    CHECK_OK(sgm_table_load(&t, path, &o));
    assert_true(same(&t, &first, 1) && t.x[D - 1] == D - 1);
    sgm_table_free(&first);
    f = fopen(path, "wb"); /* commas alone */
    for (int j = 0; j < 140000; j++) fputc(',', f);
    fclose(f);
    sgm_table_free(&t);
    CHECK_FAILS(sgm_table_load(&t, path, NULL), SGM_BAD_FILE, "2^17 columns in line 1");
}

static void without_memory(void **state) {
    static const char *const kinds[] = {"a=category"};
    unsigned char file[400];
    const double x[4] = {1, 0, 0.5, 0.25};
    sgm_table first;
    (void)state;
    load("a,b,c\n1,x,1\n2,y,2\n");
    first = t, memset(&t, 0, sizeof t);
    for (int kind = 0; kind < 4; kind++) {
        sgm_status status = SGM_NO_MEMORY;
        int refused = 0;
        o.weight = kind < 2 ? "c" : NULL, o.like = kind == 1 ? &first : NULL;
        o.kinds = kinds, o.n_kinds = kind == 0;
        if (kind < 2) write_bytes("a,b,c\n1,x,1\n2,y,2\n", 18);
        else write_bytes(file, npy_file(file, kind == 2 ? NPY("<f8", "False", "(2, 2)")
                                                        : NPY("<f8", "True", "(2, 2, 1)"), x, 32));
        for (int i = 1; status && i < 200; i++) {
            const int before = live_blocks;
            fail_at = i, alloc_calls = 0;
            status = sgm_table_load(&t, path, &o);
            if (!status) break;
            refused++;
            CHECK_FAILS(status, SGM_NO_MEMORY, "no memory");
            assert_true(live_blocks == before && !t.x && t.n == 0);
        }
        fail_at = 0;
        assert_true(status == SGM_OK && refused > (kind == 3 ? 0 : 6));
        sgm_table_free(&t);
    }
    sgm_table_free(&first);
}

/* Every cut and many flipped bytes of two files: an answer, and a table that can be saved. */
static void no_cut_and_no_flip_does_harm(void **state) {
    static const char text[] = "\xef\xbb\xbf"
                               "a,b;b,\"c\"\n1,\"x\r\n\"\"y\",-1e5\r\n,z,NA\n3,\"\",\t4 \n";
    const double x[4] = {0, .5, 1, .25};
    unsigned char file[400], copy[400];
    int loaded = 0, refused = 0;
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        size_t n = sizeof text - 1;
        if (kind) n = npy_file(file, NPY("<f8", "False", "(2, 1, 2)"), x, sizeof x);
        else memcpy(file, text, n);
        for (size_t i = 0; i < 7 * n; i++) {
            memcpy(copy, file, n);
            if (i >= n) copy[i % n] = ",\";\n\0009"[i / n - 1];
            write_bytes(copy, i < n ? i : n);
            const sgm_status status = sgm_table_load(&t, path, &o);
            loaded += !status, refused += status != 0;
            if (status) assert_true(!t.x && strlen(sgm_error()) > 20);
            else if (loaded % 16 == 0) CHECK_OK(sgm_table_save(path, &t)); /* it waits for a disk */
            sgm_table_free(&t);
        }
    }
    assert_true(loaded > 100 && refused > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(kinds_are_seen),
        TEST(forms_of_text),
        TEST(numbers_are_the_nearest),
        TEST(columns_are_asked_for),
        TEST(a_table_like_another),
        TEST(what_is_saved_comes_back),
        TEST(what_cannot_be_saved),
        TEST(doubtful_files_are_refused),
        TEST(arrays_of_numpy),
        TEST(arrays_that_are_refused_and_idx),
        TEST(through_pipes),
        TEST(rows_across_windows),
        TEST(memory_is_the_table),
        TEST(wide_tables),
        TEST(without_memory),
        TEST(no_cut_and_no_flip_does_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
