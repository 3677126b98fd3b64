/*
What every part of the command shares: texts that grow, what is said and how the program ends, files
that must not stay behind, JSON, and SHA-256 (NIST, FIPS 180-4), the hash that `sha256sum` prints.
*/

enum { /* how the program ends; sgm.1 lists them */
    END_OK = 0, END_FAILED = 1, END_USAGE = 2, END_DATA = 3, END_MODEL = 4, END_INTERRUPTED = 130
};

static const char *subcommand = "";          /* of this run, for messages                       */
static int is_quiet;                         /* --quiet                                         */
static char left_over[4][4096];              /* temporary files, removed at any end             */
static char own_folder[4096];                /* where those are that nobody else may touch      */
static volatile sig_atomic_t interrupted;    /* how often Ctrl-C was pressed in a training      */
static volatile sig_atomic_t is_training;

static void remove_left_over(void) {
    for (int i = 0; i < 4; i++)
        if (left_over[i][0]) unlink(left_over[i]), left_over[i][0] = 0;
    if (own_folder[0]) rmdir(own_folder), own_folder[0] = 0;
}

/* The first Ctrl-C of a training only asks it to end; any other ends the program. */
static void on_signal(int number) {
    if (number == SIGINT && is_training && !interrupted++) return;
    for (int i = 0; i < 4; i++)
        if (left_over[i][0]) unlink(left_over[i]);
    if (own_folder[0]) rmdir(own_folder);
    _exit(number == SIGINT ? END_INTERRUPTED : 128 + number);
}

#ifdef __GNUC__ /* a format is held against its arguments */
#define FORMAT(where) __attribute__((format(printf, where, where + 1)))
#else
#define FORMAT(where)
#endif

FORMAT(1) static void say(const char *format, ...) {
    va_list list;
    if (is_quiet) return;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
}

/* Says what was wrong, and ends. */
FORMAT(2) static void fail(int code, const char *format, ...) {
    va_list list;
    fprintf(stderr, "sgm%s%s: ", *subcommand ? " " : "", subcommand);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    if (code == END_USAGE && *subcommand) fprintf(stderr, "try: sgm %s --help\n", subcommand);
    exit(code);
}

/* The same for what the library refused. `code` is of a file or table that cannot be used. */
static void check(sgm_status status, int code) {
    if (status == SGM_OK) return;
    if (status == SGM_NO_MEMORY) code = END_FAILED;
    fprintf(stderr, "sgm %s: %s\n", subcommand, sgm_error());
    say("more about it: sgm explain %s\n", sgm_status_name(status));
    exit(code);
}

static void *room(size_t count, size_t size) {
    void *p = size && count > SIZE_MAX / 2 / size ? NULL : calloc(count ? count : 1, size);
    if (!p)
        fail(END_FAILED, "no memory for %.3g MB: ask for fewer rows",
             (double)count * (double)size / 1e6);
    return p;
}

static double *doubles(long rows, long cols) {
    if (rows > 0 && cols > LONG_MAX / 16 / rows)
        fail(END_FAILED, "%ld rows of %ld numbers are more than memory can hold: ask for fewer",
             rows, cols);
    return (double *)room((size_t)rows * (size_t)cols, sizeof(double));
}

typedef struct text {
    char *s;
    size_t n, room;
} text;

static void text_bytes(text *t, const char *bytes, size_t n) {
    if (t->n + n + 1 > t->room) {
        t->room = 2 * (t->n + n + 1);
        t->s = (char *)realloc(t->s, t->room);
        if (!t->s) fail(END_FAILED, "no memory for a text of %lu bytes", (unsigned long)t->room);
    }
    if (n) memcpy(t->s + t->n, bytes, n);
    t->s[t->n += n] = 0;
}

FORMAT(2) static void text_add(text *t, const char *format, ...) {
    va_list list;
    char small[512];
    va_start(list, format);
    const int n = vsnprintf(small, sizeof small, format, list);
    va_end(list);
    if (n < 0) return;
    if ((size_t)n < sizeof small) {
        text_bytes(t, small, (size_t)n);
        return;
    }
    char *big = (char *)room((size_t)n + 1, 1);
    va_start(list, format);
    vsnprintf(big, (size_t)n + 1, format, list);
    va_end(list);
    text_bytes(t, big, (size_t)n);
    free(big);
}

/* One character of UTF-8; a byte that is none stands for itself. */
static unsigned long next_letter(const unsigned char **at) {
    const unsigned char *p = *at;
    const int more = p[0] >= 0xf0 && p[0] < 0xf5 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc2 ? 1 : 0;
    unsigned long c = more == 3 ? p[0] & 7u : more == 2 ? p[0] & 15u : more ? p[0] & 31u : p[0];
    for (int i = 1; i <= more; i++) {
        if (p[0] >= 0xf5 || (p[i] & 0xc0) != 0x80) return *at = p + 1, p[0];
        c = c << 6 | (p[i] & 63u);
    }
    *at = p + 1 + more;
    return c;
}

/* A JSON string of ASCII alone, so that it may stand in any header. */
static void text_json(text *t, const char *s) {
    const unsigned char *at = (const unsigned char *)s;
    text_add(t, "\"");
    while (*at) {
        const unsigned long c = next_letter(&at);
        if (c == '"' || c == '\\') text_add(t, "\\%c", (int)c);
        else if (c == '\n') text_add(t, "\\n");
        else if (c >= 32 && c < 127) text_add(t, "%c", (int)c);
        else if (c < 0x10000) text_add(t, "\\u%04lx", c);
        else
            text_add(t, "\\u%04lx\\u%04lx", 0xd800 + ((c - 0x10000) >> 10),
                     0xdc00 + (c & 0x3ff));
    }
    text_add(t, "\"");
}

/* A number as JSON has it, which knows no NaN, with the digits that give it back. */
static void text_number(text *t, double x) {
    static const int digits[3] = {9, 15, 17};
    char number[40];
    if (!isfinite(x)) {
        text_add(t, "null");
        return;
    }
    for (int i = 0; i < 3; i++) {
        snprintf(number, sizeof number, "%.*g", digits[i], x);
        if (strtod(number, NULL) == x) break;
    }
    text_add(t, "%s", number);
}

static void text_pair(text *t, const char *key, double x) { /* "key":x after a comma if needed */
    if (t->n && t->s[t->n - 1] != '{') text_add(t, ",");
    text_json(t, key), text_add(t, ":"), text_number(t, x);
}

static void text_pair_word(text *t, const char *key, const char *word) {
    if (t->n && t->s[t->n - 1] != '{') text_add(t, ",");
    text_json(t, key), text_add(t, ":");
    if (word) text_json(t, word);
    else text_add(t, "null");
}

/* Nine digits, as many as a float has: what is drawn or estimated is not known better. */
static double nine_digits(double x) {
    char number[40];
    snprintf(number, sizeof number, "%.9g", x);
    return strtod(number, NULL);
}

typedef struct sha256 {
    uint32_t h[8];
    uint64_t bytes;
    unsigned char block[64];
} sha256;

static const uint32_t sha256_start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* (64) the first 32 bits behind the point of the cube roots of the primes: found, not listed. */
static const uint32_t *sha256_constants(void) {
    static uint32_t k[64];
    for (int p = 2, n = 0; !k[63] && n < 64; p++) {
        int prime = 1;
        for (int q = 2; q * q <= p; q++) prime &= p % q != 0;
        if (!prime) continue;
        uint64_t root = 0; /* the largest with root³ <= p·2⁹⁶, by bits, from the integer part on */
        for (int bit = 35; bit >= 0; bit--) {
            const uint64_t r = root | 1ull << bit, hi = r >> 18, lo = r & 0x3ffff;
            /* r² in parts of 18 bits, times r: compared with p << 96 */
            const uint64_t s0 = lo * lo, s1 = 2 * hi * lo, s2 = hi * hi;
            uint64_t c[4] = {s0 * lo, s0 * hi + s1 * lo, s1 * hi + s2 * lo, s2 * hi};
            for (int j = 0; j < 3; j++) c[j + 1] += c[j] >> 18, c[j] &= 0x3ffff;
            if (c[3] < (uint64_t)p << 42) root = r; /* 2⁹⁶ = 2^(54 + 42) */
        }
        k[n++] = (uint32_t)root;
    }
    return k;
}

static uint32_t turn_right(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void sha256_block(sha256 *s) {
    const uint32_t *k = sha256_constants();
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn_right(a, 7) ^ turn_right(a, 18) ^ a >> 3) + w[i - 7] +
               (turn_right(b, 17) ^ turn_right(b, 19) ^ b >> 10);
    }
    memcpy(v, s->h, sizeof v);
    for (int i = 0; i < 64; i++) {
        const uint32_t a = v[0], e = v[4];
        const uint32_t t1 = v[7] + (turn_right(e, 6) ^ turn_right(e, 11) ^ turn_right(e, 25)) +
                            ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
        const uint32_t t2 = (turn_right(a, 2) ^ turn_right(a, 13) ^ turn_right(a, 22)) +
                            ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        for (int j = 7; j > 0; j--) v[j] = v[j - 1];
        v[4] += t1, v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) s->h[i] += v[i];
}

static void sha256_add(sha256 *s, const void *bytes, size_t n) {
    const unsigned char *p = (const unsigned char *)bytes;
    if (!s->bytes) memcpy(s->h, sha256_start, sizeof s->h);
    for (; n; n--) {
        s->block[s->bytes++ % 64] = *p++;
        if (s->bytes % 64 == 0) sha256_block(s);
    }
}

static void sha256_end(sha256 *s, char hex[65]) {
    const uint64_t bits = 8 * s->bytes;
    unsigned char tail[72] = {0x80};
    const size_t pad = 1 + (size_t)((119 - s->bytes % 64) % 64);
    for (int i = 0; i < 8; i++) tail[pad + (size_t)i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(s, tail, pad + 8);
    for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08lx", (unsigned long)s->h[i]);
}
