/*
Pictures out: a grid as PGM or PPM, or as PNG (W3C, Portable Network Graphics, third edition) with
its bytes stored, not compressed: small grids need no library for that. The origin is a comment, or
a chunk tEXt.
*/

static uint32_t crc32_of(uint32_t crc, const unsigned char *p, size_t n) {
    crc = ~crc;
    for (; n; n--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++) crc = crc & 1 ? 0xedb88320u ^ crc >> 1 : crc >> 1;
    }
    return ~crc;
}

static void text_u32(text *t, uint32_t x) {
    const char b[4] = {(char)(x >> 24), (char)(x >> 16), (char)(x >> 8), (char)x};
    text_bytes(t, b, 4);
}

static void png_chunk(text *png, const char *kind, const char *bytes, size_t n) {
    text_u32(png, (uint32_t)n);
    const size_t begin = png->n;
    text_bytes(png, kind, 4), text_bytes(png, bytes, n);
    text_u32(png, crc32_of(0, (const unsigned char *)png->s + begin, n + 4));
}

static void png_origin(text *png, const char *origin) {
    text t = {0};
    text_bytes(&t, "sgm", 4); /* with its 0: the keyword */
    text_bytes(&t, origin, strlen(origin));
    png_chunk(png, "tEXt", t.s, t.n);
    free(t.s);
}

/* zlib's frame around blocks that are stored as they are (RFC 1950, RFC 1951). */
static void text_stored(text *t, const unsigned char *p, size_t n) {
    uint32_t a = 1, b = 0;
    text_bytes(t, "\x78\x01", 2);
    for (size_t i = 0; i < n; i++) a = (a + p[i]) % 65521, b = (b + a) % 65521;
    for (size_t i = 0; i < n;) {
        const size_t m = n - i < 65535 ? n - i : 65535;
        const char head[5] = {(char)(i + m == n), (char)m, (char)(m >> 8), (char)~m,
                              (char)(~m >> 8)};
        text_bytes(t, head, 5), text_bytes(t, (const char *)p + i, m);
        i += m;
    }
    text_u32(t, b << 16 | a);
}

static unsigned char gray_of(double x) {
    return (unsigned char)(x > 1 ? 255 : x > 0 ? (int)(255 * x + .5) : 0);
}

/* How many columns and pixels a grid of n pictures has, with one dark pixel between them. */
static int grid_size(const sgm_table *t, long n, size_t *high, size_t *wide) {
    const size_t h = (size_t)t->h, w = (size_t)t->w;
    int columns = 1;
    while ((long)columns * columns < n && columns < 100000) columns++;
    const size_t rows = ((size_t)n + (size_t)columns - 1) / (size_t)columns;
    *high = rows * (h + 1) - 1, *wide = (size_t)columns * (w + 1) - 1;
    if (*high > 100000000 / (*wide * (size_t)t->channels))
        fail(END_USAGE, "a grid of %ld pictures is too large: ask for fewer, or --format npy", n);
    return columns;
}

/* n pictures (h,w,channels) side by side: (H,W,channels). */
static unsigned char *grid_of(const sgm_table *t, size_t *high, size_t *wide) {
    const size_t h = (size_t)t->h, w = (size_t)t->w, c = (size_t)t->channels;
    const int columns = grid_size(t, t->n, high, wide);
    unsigned char *g = (unsigned char *)room(*high * *wide, c);
    for (size_t i = 0; i < (size_t)t->n; i++) {
        const size_t top = i / (size_t)columns * (h + 1), left = i % (size_t)columns * (w + 1);
        for (size_t y = 0; y < h; y++)
            for (size_t k = 0; k < w * c; k++)
                g[((top + y) * *wide + left) * c + k] = gray_of(t->x[(i * h + y) * w * c + k]);
    }
    return g;
}

static void write_picture(FILE *f, const sgm_table *t, const char *origin, int is_png) {
    size_t high, wide;
    const size_t c = (size_t)t->channels;
    unsigned char *grid = grid_of(t, &high, &wide);
    if (!is_png) {
        fprintf(f, "%s\n# sgm %s\n%lu %lu\n255\n", c == 1 ? "P5" : "P6", origin,
                (unsigned long)wide, (unsigned long)high);
        fwrite(grid, c, high * wide, f);
    } else {
        text png = {0}, lines = {0}, packed = {0}, head = {0};
        for (size_t y = 0; y < high; y++) /* each line begins with its filter: none */
            text_bytes(&lines, "", 1), text_bytes(&lines, (char *)grid + y * wide * c, wide * c);
        text_stored(&packed, (unsigned char *)lines.s, lines.n);
        text_u32(&head, (uint32_t)wide), text_u32(&head, (uint32_t)high);
        text_bytes(&head, c == 1 ? "\x08\x00\0\0" : "\x08\x02\0\0", 4), text_bytes(&head, "", 1);
        text_bytes(&png, "\x89PNG\r\n\x1a\n", 8);
        png_chunk(&png, "IHDR", head.s, head.n);
        png_origin(&png, origin);
        png_chunk(&png, "IDAT", packed.s, packed.n);
        png_chunk(&png, "IEND", "", 0);
        fwrite(png.s, 1, png.n, f);
        free(png.s), free(lines.s), free(packed.s), free(head.s);
    }
    free(grid);
}
