static const char lab_file[] = "lab14.tmp"; /* the only file that this program can open */
#define LAB_FILE lab_file
#include "check.h"

uint64_t fnv(uint64_t h, const unsigned char *bytes, size_t n);
long craft(int flaw, const float *x, unsigned char *file, long room);
int read_table(const unsigned char *bytes, long n, float *to, long room, long *rows, long *cols);

enum { ROOM = 4096, FILES = 12000, MOST = 16, REPLIES = 7 };
#define END \
    { NULL, NULL, NULL }

/* What the library's reader says of these bytes, and what it has found in them. */
typedef struct reply {
    int status, checksum;
    float w[6];
    char said[400];
} reply;

static void ask(reply *r, const unsigned char *bytes, long n) {
    sgm_archive archive;
    memset(r, 0, sizeof *r);
    r->status = -1, snprintf(r->said, sizeof r->said, "(no file could be written here)");
    FILE *f = fopen(lab_file, "wb");
    if (!f) return;
    size_t put = fwrite(bytes, 1, (size_t)n, f);
    if (fclose(f) || put != (size_t)n) return;
    r->status = (int)sgm_archive_load(&archive, lab_file);
    if (r->status) snprintf(r->said, sizeof r->said, "%s", sgm_error());
    const sgm_array *w = r->status ? NULL : sgm_archive_find(&archive, "w");
    if (w && w->rows == 2 && w->cols == 3) memcpy(r->w, w->data, sizeof r->w);
    r->checksum = !r->status && sgm_archive_meta(&archive, "sgm.checksum");
    sgm_archive_free(&archive);
}

/* The checksum of three texts, in halves that a double holds. */
static uint64_t sum_of(uint64_t h, const unsigned char *b, size_t n, int way) {
    for (size_t i = 0; i < n; i++) {
        uint64_t byte = way == 1 && b[i] > 127 ? (uint64_t)b[i] - 256 : b[i];
        if (way == 2) h = h * 1099511628211u ^ byte;
        else if (way == 3) h = (uint32_t)((h ^ byte) * 1099511628211u);
        else if (way == 4) h = (h + byte) * 1099511628211u;
        else h = (h ^ byte) * 1099511628211u;
    }
    return h;
}
static int check_sum(void) {
    unsigned char text[3][40];
    double got[6], truth[6], e[5][6];
    for (int k = 0; k < 3; k++) {
        size_t n = (size_t)lab_whole(k, 20, 40);
        uint64_t h = 0xcbf29ce484222325u + (uint64_t)k;
        for (int i = 0; i < 40; i++)
            text[k][i] = (unsigned char)lab_whole(100 + 40 * k + i, 0, 255);
        for (int way = -1; way < 5; way++) {
            uint64_t s = way < 0 ? fnv(h, text[k], n) : sum_of(h, text[k], n, way);
            double *to = way < 0 ? got : way ? e[way] : truth;
            to[2 * k] = (double)(s >> 32), to[2 * k + 1] = (double)(s & 0xffffffffu);
        }
    }
    lab_guess guesses[] = {{"signed-bytes", e[1], "Bytes above 127 are taken as negative: read "
            "them as unsigned char."},
        {"fnv-order", e[2], "It is multiplied before the byte comes in: another hash, FNV-1."},
        {"fnv-32", e[3], "The upper half is lost: h has 64 bits."},
        {"fnv-plus", e[4], "The byte is added; (C.1) has an exclusive or."}, END};
    return lab_compare(LAB_UNIT, "checksums of three texts", got, truth, 6, 1e-12, guesses);
}

/* What the reader shall say of each flaw, and the same for a person. */
static const struct {
    const char *name, *said, *id;
} flaws[] = {{"a sound file is taken", "", "sound-refused"},
    {"flaw 1, cut: what the reader says", "not as long as its header says", "cut-not-noticed"},
    {"flaw 2, the header's length", "no whole safetensors file", "length-not-noticed"},
    {"flaw 3, a product beyond 64 bits", "or too large", "product-not-noticed"},
    {"flaw 4, two meanings of one byte", "leave a gap, or overlap", "overlap-not-noticed"},
    {"flaw 5, a name twice", "a name occurs twice", "twice-not-noticed"},
    {"flaw 6, nested too deep", "nested more than 127 deep", "depth-not-noticed"},
    {"flaw 7, one bit of the numbers", "is damaged", "damage-not-noticed"},
    {"flaw 8, a name that is no UTF-8", "no UTF-8", "text-not-noticed"}};

/* Would a reader that multiplies in 64 bits find the only array of this file in order? */
static int simple_reader(const unsigned char *file, long n) {
    char text[ROOM + 1] = "";
    uint64_t head = 0, size[4];
    for (int b = 7; b >= 0; b--) head = head << 8 | file[b];
    if (n < 8 || head > (uint64_t)n - 8) return 0;
    memcpy(text, file + 8, (size_t)head), text[head] = 0;
    const char *at[] = {strstr(text, "\"shape\""), strstr(text, "\"data_offsets\"")};
    for (int k = 0; k < 2; k++) {
        char *end = at[k] ? strchr(at[k], '[') : NULL;
        if (!end) return 0;
        size[2 * k] = strtoull(end + 1, &end, 10);
        end += strspn(end, " ,");
        size[2 * k + 1] = strtoull(end, NULL, 10);
    }
    return size[0] * size[1] * 4 == size[3] - size[2] && (uint64_t)n == 8 + head + size[3];
}

static void check_files(int sums) {
    static unsigned char file[9][ROOM + 64];
    static float x[6];
    char text[600];
    long n[9], noticed = 0, of = 0;
    int sound = 0;
    reply r;
    for (int i = 0; i < 6; i++) x[i] = (float)lab_whole(200 + i, -99, 99) / 8;
    for (int k = 0; k < 9; k++) {
        n[k] = craft(k, x, file[k], ROOM);
        if (n[k] < 0 || n[k] > ROOM) n[k] = 0;
        ask(&r, file[k], n[k]);
        const char *more = "";
        int good = k ? r.status == SGM_BAD_FILE && strstr(r.said, flaws[k].said) != NULL
                     : r.status == SGM_OK && r.checksum && memcmp(r.w, x, sizeof x) == 0;
        uint64_t head = 0; /* the length of the header of your sound file */
        for (int b = 7; b >= 0; b--) head = head << 8 | file[0][b];
        const long numbers = head < ROOM ? 8 + (long)head : ROOM;
        if (k == 0 && !good && r.status == SGM_OK)
            more = "; but w is not 2 by 3 with the six numbers, or sgm.checksum is missing";
        if (k == 1 && good &&
            (n[1] >= n[0] || n[1] < numbers || memcmp(file[0], file[1], (size_t)n[1])))
            good = 0, more = "; but it is not your sound file cut within the numbers";
        if (k == 2 && good &&
            (n[2] < 40 || n[2] != n[0] || memcmp(file[0] + 8, file[2] + 8, (size_t)n[0] - 8)))
            good = 0, more = "; but it is not your sound file with eight other bytes in front";
        if (k == 3 && good && !simple_reader(file[3], n[3]))
            good = 0, more = "; but so would one that multiplies in 64 bits: look at all sizes";
        if (k == 7 && good) {
            long bits = 0, at = 0;
            for (long i = 0; i < n[0] && n[7] == n[0]; i++)
                for (int b = file[0][i] ^ file[7][i]; b; b &= b - 1) bits++, at = i;
            if (bits != 1 || at < numbers || !sound)
                good = 0, more = "; but it is no sound file with one bit of its numbers changed";
        }
        snprintf(text, sizeof text, "The reader says: %.300s%s",
            r.status == SGM_OK ? "nothing, it takes the file" : r.said, more);
        if (k == 0) sound = good;
        const char *id = !sums ? "checksum-first" : k && !sound ? "sound-first" : flaws[k].id;
        lab_true(LAB_UNIT, flaws[k].name, good, id, text);
        lab_point("%d %d", k, good);
        /* every single bit of the numbers of your sound file */
        for (long i = 8 * numbers; k == 0 && good && i < 8 * n[0]; i++, of++) {
            file[0][i / 8] ^= (unsigned char)(1 << i % 8);
            ask(&r, file[0], n[0]);
            file[0][i / 8] ^= (unsigned char)(1 << i % 8);
            noticed += r.status == SGM_BAD_FILE && strstr(r.said, "is damaged") != NULL;
        }
    }
    remove(lab_file);
    lab_law("changed bits that your checksum shows", of ? (double)noticed : -1, 192, .5, NULL);
}

/* The table's reader, as the task has it; or with a known mistake. */
enum { RIGHT, PRODUCT_32, BYTES_64, BIG_END, TAIL, NOT_FINITE, ROOM_FIRST, REMAINDER, MAGIC, ZERO,
    NEGATIVE, NAN_ONLY, WAYS };
static uint64_t word_at(const unsigned char *b, int way) {
    uint64_t w = 0;
    for (int i = 0; i < 4; i++) w = w << 8 | b[way == BIG_END ? i : 3 - i];
    return w;
}
static int judge(const unsigned char *b, long n, long room, int way) {
    if (n < 12 || memcmp(b, "TAB1", way == MAGIC ? 3 : 4)) return 1;
    uint64_t r = word_at(b + 4, way), c = word_at(b + 8, way), count = r * c;
    uint64_t rest = (uint64_t)n - 12;
    if (way == NEGATIVE && (r >> 31 || c >> 31)) return 2;
    if (way != ZERO && (r == 0 || c == 0)) return 2;
    if (way == PRODUCT_32) count = (uint32_t)count;
    if (way == ROOM_FIRST && count > (uint64_t)room) return 5;
    if (way == BYTES_64 ? 4 * count > rest : count > rest / 4) return 3;
    if (way != TAIL && (way == REMAINDER ? count < rest / 4 : 4 * count != rest)) return 4;
    if (count > (uint64_t)room) return 5;
    for (uint64_t i = 0; i < count && way != NOT_FINITE; i++) {
        uint64_t w = word_at(b + 12 + 4 * i, RIGHT);
        if ((w >> 23 & 255) == 255 && (way != NAN_ONLY || w & 0x7fffff)) return 6;
    }
    return 0;
}

/* The i-th file: a small table, then one or two changes. Returned is its length. */
static void put_word(unsigned char *to, uint64_t w) {
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(w >> 8 * i);
}
static long table(unsigned char *b, int i) {
    static const uint32_t sizes[] = {0, 1, 2, 65536, 0x40000000, 0x80000000u, 0xffffffffu, 5};
    static const uint32_t odd[] = {0x7f800000, 0xff800000u, 0x7fc00000, 0x7f7fffff, 1, 0x7f800001};
    sgm_key key = lab_key(300);
    uint64_t at = 16 * (uint64_t)i;
    long draw[6], r, c, n;
    for (int k = 0; k < 6; k++) draw[k] = (long)sgm_below(key, at++, 1u << 30);
    r = 1 + draw[0] % 4, c = 1 + draw[1] % 4, n = 12 + 4 * r * c;
    memcpy(b, "TAB1", 4), put_word(b + 4, (uint64_t)r), put_word(b + 8, (uint64_t)c);
    for (long k = 0; k < r * c; k++) {
        float x = (float)(k - 3) / 4;
        uint32_t w;
        memcpy(&w, &x, 4), put_word(b + 12 + 4 * k, w);
    }
    switch (draw[2] % 9) {
    case 0: break;
    case 1: n = draw[3] % n; break;
    case 2: n += 1 + draw[3] % 9; break;
    case 3: b[draw[3] % n] ^= (unsigned char)(1 << draw[4] % 8); break;
    case 4: put_word(b + 4 + 4 * (draw[3] % 2), sizes[draw[4] % 8]); break;
    case 5: put_word(b + 4, sizes[draw[3] % 8]), put_word(b + 8, sizes[draw[4] % 8]); break;
    case 6: put_word(b + 12 + 4 * (draw[3] % (r * c)), odd[draw[4] % 6]); break;
    case 7: put_word(b + 4, 65536), put_word(b + 8, 65536), n = 12; break;
    default: put_word(b + 4, 0x80000000u), put_word(b + 8, 0x80000000u), n = 12;
    }
    return n;
}

static void check_table(void) {
    static unsigned char b[2][512];
    static float to[1 << 12];
    static double got[REPLIES], truth[REPLIES], e[WAYS][REPLIES];
    double wrong[3] = {0, 0, 0}, none[3] = {0, 0, 0}, room = MOST - 4;
    for (int i = 0; i < FILES; i++) {
        long rows[2] = {-5, -5}, cols[2] = {-5, -5}, n;
        int said[2];
        for (int k = 0; k < 2; k++) { /* behind the end lie other bytes each time */
            memset(b[k], k ? 0 : 0xff, sizeof b[k]);
            n = table(b[k], i);
            memset(b[k] + n, k ? 0 : 0xff, sizeof b[k] - (size_t)n);
            for (int j = 0; j < 24; j++) to[j] = -77;
            said[k] = read_table(b[k], n, to, (long)room, &rows[k], &cols[k]);
        }
        const int right = judge(b[0], n, (long)room, RIGHT);
        if (said[1] >= 0 && said[1] < REPLIES) got[said[1]]++;
        truth[right]++;
        for (int way = 1; way < WAYS; way++) e[way][judge(b[0], n, (long)room, way)]++;
        wrong[0] += said[0] != said[1];
        none[1] += !right, wrong[1] += !right && !said[1];
        if (!right && !said[1] && rows[1] == (long)word_at(b[1] + 4, RIGHT) &&
            cols[1] == (long)word_at(b[1] + 8, RIGHT)) { /* its numbers, and no others */
            const long count = rows[1] * cols[1];
            int same = to[count] == -77;
            for (long j = 0; j < count; j++) {
                uint32_t w = (uint32_t)word_at(b[1] + 12 + 4 * j, RIGHT);
                same &= memcmp(to + j, &w, 4) == 0;
            }
            wrong[2] += same;
        }
        if (right && (rows[1] != -5 || cols[1] != -5)) wrong[0]++;
        none[2] += !right;
    }
    lab_guess guesses[] = {
        {"product-32", e[PRODUCT_32], "rows · cols has lost its upper bits: 65536 · 65536 is 0 in "
            "32 bits."},
        {"bytes-64", e[BYTES_64], "4 · rows · cols does not fit into 64 bits: 2^31 by 2^31 numbers "
            "are 0 bytes. Divide what is there instead."},
        {"big-end", e[BIG_END], "The sizes are read with the highest byte first."},
        {"tail-believed", e[TAIL], "Bytes behind the numbers are passed over."},
        {"not-finite-believed", e[NOT_FINITE], "Infinities and NaN are taken."},
        {"infinity-believed", e[NAN_ONLY], "NaN is refused, but infinity is taken."},
        {"=room-first", e[ROOM_FIRST], "The room is asked about before 3 and 4: another order than "
            "the list's, but as safe."},
        {"remainder-lost", e[REMAINDER], "One to three bytes behind the numbers are passed over: a "
            "division loses them."},
        {"magic-short", e[MAGIC], "The first word is not compared to its end."},
        {"zero-believed", e[ZERO], "A size of 0 is taken."},
        {"negative", e[NEGATIVE], "Sizes from 2^31 on are taken as negative; they have no sign."},
        END};
    lab_compare(LAB_LAW, "answers to 12000 files, by kind", got, truth, REPLIES, 1e-9, guesses);
    lab_point("\n");
    for (int k = 0; k < REPLIES; k++) lab_point("%d %g %g", k, got[k], truth[k]);
    if (none[1] < 1) wrong[1] = -1;
    lab_compare(LAB_LAW, "beyond the end; taken; numbers right", wrong, none, 3, 1e-9, NULL);
}

static void lab_checks(void) {
    check_files(check_sum()), check_table();
}
