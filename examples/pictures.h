/*
pictures.h - a folder of pictures as a table for sgm_fit - public domain or MIT, as sgm.h

    #include "sgm.h"
    #include "pictures.h"

    pictures_options how = {.h = 16, .w = 16};
    sgm_table table;
    if (pictures_load(&table, "folder", &how, stderr)) puts(pictures_error());

Every PNG, JPEG, BMP, PGM and PPM of the folder becomes a row, in the order of their names: row,
column, channel, 0 black, 1 white. What is no picture is skipped, and told. All must be of one size,
or are brought to the size that you ask for: the largest middle part of its proportions, each new
pixel the mean of the area that it covers. What is transparent lies on white paper.

PNG, JPEG and BMP are decoded by stb_image (Debian: libstb-dev; without it, PGM and PPM alone are
read). It does not promise to withstand files made to harm it, and some versions do not; so what
stands in front of it lets through sound chunks and tables only, 2^24 pixels, 100 scans, and blocks
of 256 MiB. POSIX, or Windows with <dirent.h>.
*/
#ifndef SGM_PICTURES_H
#define SGM_PICTURES_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef __has_include
#if __has_include(<stb/stb_image.h>)
#define PICTURES_STB
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 32768
#define STBI_MALLOC(n) ((n) >> 28 ? NULL : malloc(n))
#define STBI_REALLOC(p, n) ((n) >> 28 ? NULL : realloc(p, n))
#define STBI_FREE(p) free(p)
#ifdef __GNUC__ /* a program may have its own; static, it would warn of what it leaves out */
#define STBIDEF extern __attribute__((weak))
#else
#define STB_IMAGE_STATIC
#endif
#include <stb/stb_image.h>
#endif
#endif

typedef struct pictures_options {
    int h, w; /* the size to bring them to; 0: their own, which must be the same */
    int gray; /* 1: without colours; 0: with them, if one of the pictures has    */
} pictures_options;

enum { PICTURES_BYTES = 1 << 26, PICTURES_PIXELS = 1 << 24 }; /* the most of one picture */

static char pictures_message[512];

/* Why the last pictures_load failed, and the cure; where sgm.h is compiled in the same file,
sgm_error() says so, too. */
static inline const char *pictures_error(void) { return pictures_message; }

static sgm_status pictures_fail(sgm_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(pictures_message, sizeof pictures_message, format, args);
    va_end(args);
#ifdef SGM__IMPLEMENTED
    return sgm__fail(status, "%s", pictures_message);
#else
    return status;
#endif
}

/* A picture as it is stored: 1 gray, 2 gray and alpha, 3 colours, 4 colours and alpha. */
typedef struct pictures_one {
    int h, w, channels, most; /* most: what white is */
    unsigned char *byte;      /* (h,w,channels); or  */
    unsigned short *word;
} pictures_one;

static void pictures_drop(pictures_one *p) {
    free(p->byte), free(p->word);
    p->byte = NULL, p->word = NULL;
}

/* The next number of a PGM or PPM, between blanks and comments; -1: there is none. */
static long pictures_number(const unsigned char **at, const unsigned char *end) {
    long x = -1;
    const unsigned char *s = *at;
    for (; s < end && (isspace(*s) || *s == '#'); s++)
        if (*s == '#')
            while (s + 1 < end && *s != '\n') s++;
    for (; s < end && isdigit(*s) && x < 1000000; s++) x = 10 * (x < 0 ? 0 : x) + (*s - '0');
    *at = s;
    return x;
}

/* P2, P3: numbers as text; P5, P6: one byte, or two where most is beyond 255. NULL, or what is
wrong; without `decode`, only the sizes are read. */
static const char *pictures_pnm(pictures_one *p, const unsigned char *s, size_t n, int decode) {
    const unsigned char *end = s + n, *at = s + 2;
    const int text = s[1] < '4';
    const long w = pictures_number(&at, end), h = pictures_number(&at, end);
    const long most = pictures_number(&at, end);
    if (w < 1 || h < 1 || most < 1 || most > 65535 || w > 32768 || h > 32768) return "damaged";
    p->h = (int)h, p->w = (int)w, p->channels = s[1] == '2' || s[1] == '5' ? 1 : 3;
    p->most = (int)most;
    const size_t count = (size_t)h * (size_t)w * (size_t)p->channels, wide = most > 255 ? 2 : 1;
    if (h * w > PICTURES_PIXELS) return NULL; /* who calls says so */
    const size_t left = (size_t)(end - at); /* a blank stands before, or each number has one */
    if (text ? left < 2 * count : left < 1 + count * wide) return "cut";
    if (!decode) return NULL;
    if (!(p->word = (unsigned short *)malloc(count * sizeof *p->word))) return "too large";
    at += !text; /* one blank */
    for (size_t i = 0; i < count; i++) {
        const long x = text ? pictures_number(&at, end)
            : wide == 2     ? at[2 * i] << 8 | at[2 * i + 1]
                            : at[i];
        if (x < 0 || x > most) return pictures_drop(p), "damaged";
        p->word[i] = (unsigned short)x;
    }
    return NULL;
}

/* Chunks of a PNG: a length, a name, the bytes, a checksum; the last is IEND. */
static const char *pictures_png(const unsigned char *s, size_t n) {
    for (size_t at = 8; n - at >= 12;) {
        const size_t length = (size_t)s[at] << 24 | s[at + 1] << 16 | s[at + 2] << 8 | s[at + 3];
        if (length > n - at - 12) return "cut";
        if (!memcmp(s + at + 4, "IEND", 4)) return NULL;
        at += 12 + length;
    }
    return "cut";
}

/* Huffman's tables in a segment of a JPEG: each at most 256 symbols, as its 16 counts say. */
static int pictures_huffman(const unsigned char *s, size_t n) {
    const size_t length = n < 4 ? 0 : (size_t)s[2] << 8 | s[3];
    const unsigned char *end = s + 2 + length;
    if (length < 2 || length + 2 > n) return 0;
    for (s += 4; s < end;) {
        size_t sum = 0;
        if (end - s < 17 || s[0] >> 4 > 1 || (s[0] & 15) > 3) return 0;
        for (int i = 1; i <= 16; i++) sum += s[i];
        if (sum > 256 || (size_t)(end - s) < 17 + sum) return 0;
        s += 17 + sum;
    }
    return 1;
}

/* Leaves of a JPEG, in its place, what a decoder needs, with sound tables wherever it may look. */
static const char *pictures_jpeg(unsigned char *s, size_t *bytes) {
    const size_t n = *bytes;
    size_t at = 2, to = 2;
    int scans = 0;
    while (n - at >= 4 && s[at] == 0xff && s[at + 1] != 0xd9) {
        const int mark = s[at + 1];
        size_t length = 2 + ((size_t)s[at + 2] << 8 | s[at + 3]);
        if (mark == 0xff) length = 1;
        else if (length < 4 || length > n - at) return "cut";
        else if (mark == 0xda) { /* a scan ends before the next mark */
            if (++scans > 100) return "of more than 100 scans";
            for (; n - at > length + 1; length++)
                if (s[at + length] == 0xff && s[at + length + 1] && s[at + length + 1] >> 3 != 26)
                    break;
        }
        if ((mark >= 0xc0 && mark <= 0xc2) || mark == 0xc4 || mark == 0xda || mark == 0xdb ||
            mark == 0xdd || mark == 0xe0 || mark == 0xee)
            memmove(s + to, s + at, length), to += length;
        else if (mark < 0xe0) return "damaged, or of a rare kind";
        at += length;
    }
    if (n - at < 2 || s[at] != 0xff || s[at + 1] != 0xd9) return "cut";
    s[to++] = 0xff, s[to++] = 0xd9;
    *bytes = to;
    for (size_t i = 2; i + 1 < to; i++)
        if (s[i] == 0xff && s[i + 1] == 0xc4 && !pictures_huffman(s + i, to - i)) return "damaged";
    return scans ? NULL : "damaged";
}

/* NULL, and the picture or only its sizes; or why it is none. */
static const char *pictures_read(pictures_one *p, unsigned char *s, size_t n, int decode) {
    const char *wrong = NULL;
    memset(p, 0, sizeof *p), p->most = 255;
    if (n > 8 && s[0] == 'P' && strchr("2356", s[1]) && s[1] && isspace(s[2]))
        wrong = pictures_pnm(p, s, n, decode);
    else if (n > 8 && !memcmp(s, "\x89PNG\r\n\x1a\n", 8)) wrong = pictures_png(s, n);
    else if (n > 8 && !memcmp(s, "\xff\xd8\xff", 3)) wrong = pictures_jpeg(s, &n);
    else if (n < 9 || memcmp(s, "BM", 2)) wrong = "no picture";
#ifdef PICTURES_STB
    if (!wrong && s[0] != 'P' &&
        !stbi_info_from_memory(s, (int)n, &p->w, &p->h, &p->channels))
        wrong = "damaged";
#else
    if (!wrong && s[0] != 'P') wrong = "not PGM or PPM (others are read where libstb-dev is)";
#endif
    if (!wrong && (p->h < 1 || p->w < 1 || p->channels < 1 || p->channels > 4)) wrong = "damaged";
    if (!wrong && (double)p->h * p->w > (double)PICTURES_PIXELS) wrong = "of more than 2^24 pixels";
    if (wrong || !decode || p->word) return wrong;
#ifdef PICTURES_STB
    const int h = p->h, w = p->w, channels = p->channels;
    if (s[0] == 0x89 && stbi_is_16_bit_from_memory(s, (int)n)) {
        p->word = stbi_load_16_from_memory(s, (int)n, &p->w, &p->h, &p->channels, channels);
        p->most = 65535;
    } else p->byte = stbi_load_from_memory(s, (int)n, &p->w, &p->h, &p->channels, channels);
    if (!p->byte && !p->word) return stbi_failure_reason() ? stbi_failure_reason() : "damaged";
    p->channels = channels;
    if (p->h != h || p->w != w) return pictures_drop(p), "damaged";
#endif
    return NULL;
}

/* Channel c of 1 or 3 at one place, on white paper. */
static double pictures_at(const pictures_one *p, int row, int column, int c, int channels) {
    const size_t at = ((size_t)row * (size_t)p->w + (size_t)column) * (size_t)p->channels;
    double x[4] = {0, 0, 0, 1};
    for (int k = 0; k < p->channels; k++)
        x[k] = (p->word ? p->word[at + (size_t)k] : p->byte[at + (size_t)k]) / (double)p->most;
    const double alpha = p->channels == 2 ? x[1] : x[3];
    const double shade = p->channels < 3 ? x[0]
        : channels == 1                  ? 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2]
                                         : x[c];
    return alpha * shade + (1 - alpha);
}

/* From where to where the i-th of n pixels covers the middle `part` of m. */
static void pictures_span(double *from, double *to, int i, int n, double part, int m) {
    const double start = (m - part) / 2;
    *from = start + part * i / n, *to = start + part * (i + 1) / n;
    if (*from < 0) *from = 0;
    if (*to > m) *to = m;
}

/* The largest middle part of h : w, each pixel the mean of what it covers. */
static void pictures_resize(double *x, const pictures_one *p, int h, int w, int channels) {
    const double scale = (double)p->h / h < (double)p->w / w ? (double)p->h / h : (double)p->w / w;
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++, x += channels) {
            double y0, y1, x0, x1, area = 0;
            pictures_span(&y0, &y1, i, h, scale * h, p->h);
            pictures_span(&x0, &x1, j, w, scale * w, p->w);
            for (int c = 0; c < channels; c++) x[c] = 0;
            for (int row = (int)y0; row < y1 && row < p->h; row++)
                for (int column = (int)x0; column < x1 && column < p->w; column++) {
                    const double high = (row + 1 < y1 ? row + 1 : y1) - (row > y0 ? row : y0);
                    const double wide =
                        (column + 1 < x1 ? column + 1 : x1) - (column > x0 ? column : x0);
                    area += high * wide;
                    for (int c = 0; c < channels; c++)
                        x[c] += high * wide * pictures_at(p, row, column, c, channels);
                }
            for (int c = 0; c < channels; c++) x[c] = x[c] < area ? x[c] / area : 1;
        }
}

/* The file's bytes, to be freed; NULL, and why not. */
static unsigned char *pictures_file(const char *path, size_t *n, const char **wrong) {
    struct stat st;
    *n = 0, *wrong = NULL;
    if (stat(path, &st)) *wrong = strerror(errno);
    else if (S_ISDIR(st.st_mode)) *wrong = "a folder";
    else if (!S_ISREG(st.st_mode)) *wrong = "no file";
    else if (st.st_size > PICTURES_BYTES) *wrong = "longer than 64 MiB";
    if (*wrong) return NULL;
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = f ? (unsigned char *)malloc((size_t)st.st_size + 1) : NULL;
    if (bytes) *n = fread(bytes, 1, (size_t)st.st_size, f);
    if (!bytes || *n != (size_t)st.st_size) *wrong = f ? "not readable" : strerror(errno);
    if (f) fclose(f);
    if (*wrong) free(bytes), bytes = NULL;
    return bytes;
}

static int pictures_by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct pictures_list {
    char **name; /* (n) sorted */
    long n, room;
    int h, w, gray, told; /* of the first; are all without colours; lines told */
    const char *folder;
    FILE *to;
} pictures_list;

static void pictures_list_free(pictures_list *l) {
    for (long i = 0; i < l->n; i++) free(l->name[i]);
    free(l->name);
}

static sgm_status pictures_find(pictures_list *l) {
    DIR *dir = opendir(l->folder);
    if (!dir)
        return pictures_fail(SGM_NO_FILE, "cannot read the folder '%.200s': %s", l->folder,
                             strerror(errno));
    errno = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        const size_t n = strlen(e->d_name) + 1;
        char **name = l->name;
        if (e->d_name[0] == '.') continue;
        if (l->n == l->room) {
            l->room = 2 * l->room + 64;
            name = (char **)realloc(l->name, (size_t)l->room * sizeof *name);
        }
        if (name) l->name = name, name[l->n] = (char *)malloc(n);
        if (!name || !name[l->n]) break;
        memcpy(name[l->n++], e->d_name, n), errno = 0;
    }
    const int full = errno == ENOMEM;
    closedir(dir);
    if (full) return pictures_fail(SGM_NO_MEMORY, "no memory for the names in '%.200s'", l->folder);
    if (l->n) qsort(l->name, (size_t)l->n, sizeof *l->name, pictures_by_name);
    return SGM_OK;
}

/* The i-th file as a picture, or 0, and it is told why it is skipped. */
static int pictures_open(pictures_list *l, long i, pictures_one *p, int decode) {
    char path[4096];
    const char *wrong = "its path is too long";
    unsigned char *bytes = NULL;
    size_t n = 0;
    memset(p, 0, sizeof *p);
    if (snprintf(path, sizeof path, "%s/%s", l->folder, l->name[i]) < (int)sizeof path)
        bytes = pictures_file(path, &n, &wrong);
    if (bytes) wrong = pictures_read(p, bytes, n, decode);
    free(bytes);
    if (!wrong) return 1;
    if (l->to && ++l->told <= 20) fprintf(l->to, "skipped %s: %s\n", l->name[i], wrong);
    free(l->name[i]), l->name[i] = NULL;
    return 0;
}

/* Which files are pictures, of what size. */
static sgm_status pictures_look(pictures_list *l, const pictures_options *o) {
    pictures_one p;
    long kept = 0;
    l->gray = 1;
    for (long i = 0; i < l->n; i++) {
        if (!pictures_open(l, i, &p, 0)) continue;
        l->name[kept] = l->name[i];
        if (i > kept) l->name[i] = NULL;
        if (kept++ == 0) l->h = p.h, l->w = p.w;
        if (p.channels > 2) l->gray = 0;
        if (!o->h && (p.h != l->h || p.w != l->w))
            return pictures_fail(SGM_BAD_FILE, "%.100s is %d x %d, and %.100s is %d x %d: ask for "
                "one size (--size %dx%d)", l->name[0], l->h, l->w, l->name[kept - 1], p.h, p.w,
                l->h < p.h ? l->h : p.h, l->w < p.w ? l->w : p.w);
    }
    for (long i = kept; i < l->n; i++) free(l->name[i]), l->name[i] = NULL;
    l->n = kept;
    return kept ? SGM_OK : pictures_fail(SGM_BAD_FILE, "the folder '%.200s' has no picture in it: "
        "it needs PNG, JPEG, BMP, PGM or PPM files", l->folder);
}

/* Reads a folder; told (may be NULL) is where it is said what was skipped. Free it by
sgm_table_free. SGM_NO_FILE, SGM_BAD_FILE, SGM_NO_MEMORY: *table is then empty. */
static sgm_status pictures_load(sgm_table *table, const char *folder,
                                const pictures_options *options, FILE *told) {
    pictures_options o = {0, 0, 0};
    pictures_list l;
    pictures_one p;
    sgm_table like;
    if (options) o = *options;
    if (table) memset(table, 0, sizeof *table);
    memset(&l, 0, sizeof l), memset(&like, 0, sizeof like);
    l.folder = folder, l.to = told;
    if (!table || !folder || o.h < 0 || o.w < 0 || !o.h != !o.w || o.h > 32768 || o.w > 32768)
        return pictures_fail(SGM_BAD_ARGUMENT, "pictures_load needs a table, a folder, and h and w "
                             "both 0 or from 1 to 32768: got %d x %d", o.h, o.w);
    sgm_status status = pictures_find(&l);
    if (!status) status = pictures_look(&l, &o);
    like.h = o.h ? o.h : l.h, like.w = o.w ? o.w : l.w, like.channels = o.gray || l.gray ? 1 : 3;
    like.d = like.h * like.w * (double)like.channels < 2e9 ? like.h * like.w * like.channels : 0;
    if (!status && (status = sgm_table_init(table, &like, l.n)) != SGM_OK)
        pictures_fail(status, "%.400s", sgm_error());
    long rows = 0;
    for (long i = 0; !status && i < l.n; i++) {
        if (!pictures_open(&l, i, &p, 1)) continue;
        pictures_resize(table->x + rows++ * like.d, &p, like.h, like.w, like.channels);
        pictures_drop(&p);
    }
    table->n = rows;
    if (!status && !rows)
        status = pictures_fail(SGM_BAD_FILE, "no picture in '%.200s' is whole", folder);
    if (told && l.told > 20) fprintf(told, "skipped %d files in all\n", l.told);
    pictures_list_free(&l);
    if (status) sgm_table_free(table);
    return status;
}

#endif
