/*
examples/pictures.h: a folder of pictures as a table. Pixels are written here and must come back;
resized ones are held to means over a fine grid; whatever the files are, nothing crashes.

    cc -O1 -I. tests/test_c_pictures.c -lcmocka -lm -o test_c_pictures && ./test_c_pictures
*/
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "../examples/pictures.h"

#ifdef PICTURES_STB
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>
#endif

static char folder[256];
static sgm_table t;

static const char *in_folder(const char *name) {
    static char path[2][400];
    static int which;
    which = !which;
    snprintf(path[which], sizeof path[which], "%s/%s", folder, name);
    return path[which];
}

static int empty_folder(void) {
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) remove(in_folder(e->d_name));
    return dir ? closedir(dir) : -1;
}

static int set_up(void **state) {
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%.200s/sgm_pictures_XXXXXX", base ? base : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return empty_folder() || rmdir(folder);
}

static int before_each(void **state) {
    (void)state;
    alloc_calls = fail_at = live_blocks = 0;
    return empty_folder();
}

static int after_each(void **state) {
    (void)state;
    sgm_table_free(&t);
    if (live_blocks) print_error("%d blocks leaked\n", live_blocks);
    return live_blocks;
}

static void put(const char *name, const void *bytes, size_t n) {
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static size_t read_file(unsigned char *bytes, size_t room, const char *path) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, room, f);
    fclose(f);
    assert_true(n > 50 && n < room);
    return n;
}

/* A binary PGM or PPM of pixels 0 to most, two bytes each where most is beyond 255. */
static void put_pnm(const char *name, int h, int w, int channels, int most, const int *pixel) {
    unsigned char text[4000];
    size_t n = (size_t)sprintf((char *)text, "P%d\n# told\n%d %d\n%d\n", channels == 1 ? 5 : 6, w,
                               h, most);
    for (int i = 0; i < h * w * channels; i++) {
        if (most > 255) text[n++] = (unsigned char)(pixel[i] >> 8);
        text[n++] = (unsigned char)pixel[i];
    }
    put(name, text, n);
}

static const char *load(int h, int w, int gray) { /* what was told */
    static char said[4000];
    const pictures_options how = {h, w, gray};
    FILE *told = tmpfile();
    assert_non_null(told);
    sgm_table_free(&t);
    CHECK_OK(pictures_load(&t, folder, &how, told));
    rewind(told);
    said[fread(said, 1, sizeof said - 1, told)] = 0;
    fclose(told);
    assert_true(t.d == t.h * t.w * t.channels && t.memory && !t.column && !t.weight);
    for (long i = 0; i < t.n * t.d; i++) assert_true(t.x[i] >= 0 && t.x[i] <= 1);
    return said;
}

static void refuse(int h, int w, sgm_status status, const char *cure) {
    const pictures_options how = {h, w, 0};
    const sgm_table none = {0};
    sgm_table_free(&t);
    CHECK_FAILS(pictures_load(&t, folder, &how, NULL), status, cure);
    assert_string_equal(pictures_error(), sgm_error());
    assert_memory_equal(&t, &none, sizeof none);
}

static int differ(const double *x, const int *pixel, int n, double most) {
    int bad = 0;
    for (int i = 0; i < n; i++) bad += x[i] != pixel[i] / most;
    return bad;
}

static void pixels_come_as_they_are(void **state) {
    int gray[6] = {0, 255, 128, 7, 51, 200}, wide[6] = {0, 65535, 257, 1, 30000, 256};
    int ppm[18];
    (void)state;
    for (int i = 0; i < 18; i++) ppm[i] = 13 * i;
    put_pnm("b.pgm", 2, 3, 1, 255, gray), put_pnm("a.pgm", 2, 3, 1, 65535, wide);
    put("c.pgm", "P2 3 2 # a\n10\n0 10 5\n1 2 9", 27);
    load(0, 0, 0);
    assert_true(t.n == 3 && t.h == 2 && t.w == 3 && t.channels == 1);
    assert_int_equal(differ(t.x, wide, 6, 65535), 0); /* by name: a, b, c */
    assert_int_equal(differ(t.x + 6, gray, 6, 255), 0);
    gray[3]++; /* planted */
    assert_int_equal(differ(t.x + 6, gray, 6, 255), 1);
    gray[3]--;
    assert_true(t.x[13] == 1 && t.x[12] == 0 && t.x[17] == 0.9);
    put_pnm("d.ppm", 2, 3, 3, 255, ppm); /* one with colours: all have three channels */
    load(0, 0, 0);
    assert_true(t.n == 4 && t.channels == 3 && t.d == 18);
    assert_int_equal(differ(t.x + 54, ppm, 18, 255), 0);
    for (int i = 0; i < 18; i++) assert_true(t.x[18 + i] == gray[i / 3] / 255.0);
    load(0, 0, 1); /* without colours: Rec. 601 */
    assert_true(t.channels == 1 && t.x[6] == gray[0] / 255.0);
    for (int i = 0; i < 6; i++)
        CHECK_CLOSE(255 * t.x[18 + i],
                    .299 * ppm[3 * i] + .587 * ppm[3 * i + 1] + .114 * ppm[3 * i + 2], 3e-13);
}

/* The mean of a fine grid of K × K points in each new pixel: at these sizes all edges of old pixels
lie between the cells of the grid, so that the mean is exact. */
static void resized_pixels_are_means(void **state) {
    enum { K = 120 };
    static const int size[6][4] = {{4, 4, 2, 2}, {3, 3, 2, 2}, {2, 2, 3, 3}, {2, 6, 2, 2},
                                   {7, 4, 2, 3}, {5, 6, 4, 3}};
    int pixel[42];
    (void)state;
    for (int i = 0; i < 42; i++) pixel[i] = (37 * i + 11) % 256;
    for (int s = 0; s < 6; s++) {
        const int H = size[s][0], W = size[s][1], h = size[s][2], w = size[s][3];
        const double scale = fmin((double)H / h, (double)W / w);
        empty_folder(), put_pnm("a.pgm", H, W, 1, 255, pixel);
        load(h, w, 0);
        assert_true(t.n == 1 && t.h == h && t.w == w);
        for (int i = 0; i < h * w; i++) {
            double sum = 0;
            for (int k = 0; k < K * K; k++) {
                double y = (H - scale * h) / 2 + scale * (i / w + (k / K + .5) / K);
                double x = (W - scale * w) / 2 + scale * (i % w + (k % K + .5) / K);
                sum += pixel[(int)y * W + (int)x] / 255.0;
            }
            CHECK_CLOSE(t.x[i], sum / (K * K), 1e-11); /* sums of 14400 doubles up to 1 */
        }
        if (s == 0)
            CHECK_CLOSE(t.x[0], (pixel[0] + pixel[1] + pixel[4] + pixel[5]) / 1020.0, 1e-15);
        if (s == 3) assert_true(t.x[0] == pixel[2] / 255.0 && t.x[3] == pixel[9] / 255.0);
    }
    put_pnm("b.pgm", 3, 4, 1, 255, pixel);
    refuse(0, 0, SGM_BAD_FILE, "a.pgm is 5 x 6, and b.pgm is 3 x 4: ask for one size (--size 3x4)");
    load(2, 2, 0);
    assert_int_equal(t.n, 2);
}

static void what_is_no_picture_is_told(void **state) {
    const int pixel[4] = {1, 2, 3, 4};
    (void)state;
    refuse(0, 0, SGM_BAD_FILE, "has no picture in it");
    put_pnm("k.pgm", 2, 2, 1, 255, pixel);
    put(".hidden", "x", 1), put("empty.png", "", 0), put("notes.txt", "words of mine", 13);
    put("cut.pgm", "P5 2 2 255\nabc", 14), put("cut2.pgm", "P2 2 2 255\n1 2 3", 16);
    put("far.pgm", "P5 20000 20000 255\n  ", 21), put("bad.pgm", "P5 2 2 70000\nabcd", 17);
    put("over.pgm", "P2 2 2 9\n1 2 3 10", 17), put("text.ppm", "P3 4000 4000 9\n1 2 3", 20);
    assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    const char *said = load(0, 0, 0);
    assert_true(t.n == 1 && t.h == 2 && t.x[3] == 4 / 255.0);
    static const char *const lines[] = {
        "skipped bad.pgm: damaged\n", "skipped cut.pgm: cut\n", "skipped cut2.pgm: cut\n",
        "skipped empty.png: no picture\n", "skipped far.pgm: of more than 2^24 pixels\n",
        "skipped notes.txt: no picture\n", "skipped over.pgm: damaged\n", "skipped pipe: no file\n",
        "skipped sub: a folder\n", "skipped text.ppm: cut\n"};
    for (int i = 0; i < COUNT(lines); i++)
        if (!strstr(said, lines[i])) print_error("missing %s", lines[i]), fail();
    assert_null(strstr(said, "hidden"));
    remove(in_folder("k.pgm"));
    refuse(0, 0, SGM_BAD_FILE, "no picture in"); /* sizes were read, but none is whole */
    refuse(0, 2, SGM_BAD_ARGUMENT, "h and w both 0");
    refuse(40000, 2, SGM_BAD_ARGUMENT, "32768");
    CHECK_FAILS(pictures_load(&t, in_folder("none"), NULL, NULL), SGM_NO_FILE, "cannot read the");
    CHECK_FAILS(pictures_load(NULL, folder, NULL, NULL), SGM_BAD_ARGUMENT, "needs a table");
    CHECK_FAILS(pictures_load(&t, NULL, NULL, NULL), SGM_BAD_ARGUMENT, "a folder");
    put_pnm("k.pgm", 2, 2, 1, 255, pixel);
    for (fail_at = 1; fail_at < 3; fail_at++) {
        alloc_calls = 0;
        CHECK_FAILS(pictures_load(&t, folder, NULL, NULL), fail_at < 2 ? SGM_NO_MEMORY : SGM_OK,
                    "no memory");
    }
    for (int i = 0; i < 25; i++) { /* many are counted */
        char name[20];
        snprintf(name, sizeof name, "z%d", i), put(name, "?", 1);
    }
    assert_non_null(strstr(load(0, 0, 0), "skipped 35 files in all"));
}

#ifdef PICTURES_STB
static void png_bmp_and_jpeg(void **state) {
    unsigned char byte[4 * 8 * 8];
    int pixel[3 * 8 * 8];
    (void)state;
    for (int i = 0; i < 192; i++) byte[i] = (unsigned char)(pixel[i] = (i * 29 + 3) % 256);
    assert_true(stbi_write_png(in_folder("a.png"), 8, 8, 3, byte, 24));
    assert_true(stbi_write_bmp(in_folder("b.bmp"), 8, 8, 3, byte));
    load(0, 0, 0);
    assert_true(t.n == 2 && t.channels == 3 && t.h == 8);
    assert_int_equal(differ(t.x, pixel, 192, 255), 0);
    assert_int_equal(differ(t.x + 192, pixel, 192, 255), 0);
    empty_folder();
    /* Two JPEG of stb_image_write: 8 × 8 of gray 100, which it keeps but for a rounding or two; and
    24 × 20 of colour, red 10 x, green 12 y, which quality 60 keeps on average. */
    unsigned char file[2000];
    size_t n = read_file(file, sizeof file, "tests/data/pictures/even.jpg");
    put("a.jpg", file, n);
    load(0, 0, 1);
    for (int i = 0; i < 64; i++) CHECK_CLOSE(t.x[i], 100 / 255.0, 2 / 255.0 + 1e-12);
    for (size_t i = 2; i + 3 < n; i++)
        if (file[i] == 0xff && file[i + 1] == 0xc4) file[i + 5] = 255, file[i + 6] = 255, i = n;
    put("b.jpg", file, n); /* a table of 510 symbols: stb_image 2.27 has no room for them */
    assert_non_null(strstr(load(0, 0, 1), "skipped b.jpg: damaged"));
    empty_folder();
    put("a.jpg", file, read_file(file, sizeof file, "tests/data/pictures/colour.jpg"));
    load(0, 0, 0);
    double mean[3] = {0, 0, 0};
    assert_true(t.h == 20 && t.w == 24 && t.channels == 3);
    for (int i = 0; i < 1440; i++) mean[i % 3] += t.x[i] / 480;
    CHECK_CLOSE(mean[0], 115 / 255.0, 0.02); /* 5 levels: clipping and rounding of the blocks */
    CHECK_CLOSE(mean[1], 114 / 255.0, 0.02);
    empty_folder();
    for (int i = 0; i < 4; i++) byte[4 * i] = byte[4 * i + 1] = byte[4 * i + 2] = 51;
    byte[3] = 0, byte[7] = 255, byte[11] = 51, byte[15] = 255; /* alpha, on white paper */
    assert_true(stbi_write_png(in_folder("a.png"), 2, 2, 4, byte, 8));
    load(0, 0, 1);
    assert_true(t.x[0] == 1);
    CHECK_CLOSE(t.x[1], 0.2, 1e-15); /* .2 of gray .2, and .8 of white: */
    CHECK_CLOSE(t.x[2], 0.84, 1e-15);
}

/* 200 files with bytes flipped, cut off, or put in: each is a picture, or is skipped. */
static void mutilated_files_do_no_harm(void **state) {
    static unsigned char one[5][20000], copy[21000];
    static const char *const made[5] = {"0", "1", "tests/data/pictures/colour.jpg",
                                        "tests/data/pictures/even.jpg", "4"};
    unsigned char byte[3 * 24 * 20];
    size_t n[5];
    long skipped = 0;
    (void)state;
    for (size_t i = 0; i < sizeof byte; i++) byte[i] = (unsigned char)(i * i / 7 + (i % 3) * 40);
    stbi_write_png(in_folder("0"), 24, 20, 3, byte, 72);
    stbi_write_bmp(in_folder("1"), 24, 20, 3, byte);
    put("4", "P3 3 2 255\n255 0 0  0 255 0  0 0 255\n255 255 0  255 255 255  0 0 0\n", 68);
    for (int k = 0; k < 5; k++)
        n[k] = read_file(one[k], sizeof one[k], made[k][1] ? made[k] : in_folder(made[k]));
    empty_folder();
    for (int i = 0; i < 200; i++) {
        const sgm_key key = sgm_key_split(sgm_key_init(18), (uint64_t)i);
        const int k = i % 5;
        size_t length = n[k];
        char name[20];
        memcpy(copy, one[k], length);
        for (uint64_t j = 0; j < 1 + sgm_below(key, 0, 6); j++) { /* the head is hit more often */
            const size_t most = sgm_below(key, 4 * j + 1, 2) ? length : 60;
            const size_t at = (size_t)sgm_below(key, 4 * j + 2, most);
            copy[at] = (unsigned char)sgm_below(key, 4 * j + 3, 256);
        }
        if (i % 7 == 0) length = (size_t)sgm_below(key, 90, length);
        if (i % 11 == 0) memmove(copy + 41, copy + 40, length > 41 ? length - 41 : 0);
        snprintf(name, sizeof name, "%03d", i), put(name, copy, length);
    }
    const char *said = load(6, 5, 0), *many = strstr(said, "files in all");
    while (many && many[-1] != '\n') many--;
    assert_true(many && sscanf(many, "skipped %ld", &skipped) == 1);
    assert_true(t.n > 40 && t.n < 190 && t.n + skipped == 200); /* some are read, some are not */
    /* a claim of 30000 × 30000 in a head that is right otherwise */
    empty_folder();
    put("a.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x75\x30\0\0\x75\x30\x08\x02\0\0\0\0\0\0\0"
                 "\0\0\0\0IEND\0\0\0\0", 45);
    refuse(0, 0, SGM_BAD_FILE, "has no picture in it");
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(pixels_come_as_they_are),
        TEST(resized_pixels_are_means),
        TEST(what_is_no_picture_is_told),
#ifdef PICTURES_STB
        TEST(png_bmp_and_jpeg),
        TEST(mutilated_files_do_no_harm),
#endif
    };
#ifndef PICTURES_STB
    puts("skipped PNG, BMP and JPEG: libstb-dev is not here (make setup)");
#endif
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
