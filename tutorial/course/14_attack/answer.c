#include "lab.h"
#include <stdint.h>
#include <stdio.h>

uint64_t fnv(uint64_t h, const unsigned char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

/* The bytes of a word, the lowest first. */
static void put(unsigned char *to, uint64_t word, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(word >> 8 * i);
}

/* "key":{"dtype":"F32",…}: one array of the header. */
static void array(char *to, size_t room, const char *key, const char *shape, const char *place) {
    snprintf(to, room, "\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":%s}", key, shape,
        place);
}

long craft(int flaw, const float *x, unsigned char *file, long room) {
    char header[2600], all[1200], more[400] = "", nest[402];
    unsigned char numbers[24];
    for (int i = 0; i < 6; i++) {
        uint32_t word;
        memcpy(&word, x + i, 4), put(numbers + 4 * i, word, 4);
    }
    unsigned long long sum = fnv(0xcbf29ce484222325u, numbers, 24);
    array(all, sizeof all, flaw == 8 ? "w\xc0\xaf" : "w",
        flaw == 3 ? "[4294967296,4294967296]" : "[2,3]", flaw == 3 ? "[0,0]" : "[0,24]");
    if (flaw == 4) array(more, sizeof more, "v", "[2]", "[20,28]");
    if (flaw == 5) array(more, sizeof more, "w", "[0]", "[24,24]");
    snprintf(header, sizeof header, "{\"__metadata__\":{\"sgm.checksum\":\"%016llx\"},%s%s%s}",
        sum, all, *more ? "," : "", more);
    if (flaw == 6) { /* an array's key that the reader does not know */
        char *end = strstr(header, "[0,24]}");
        memset(nest, '[', 200), memset(nest + 200, ']', 200), nest[400] = 0;
        snprintf(end, sizeof header - (size_t)(end - header), "[0,24],\"u\":%s}}", nest);
    }
    size_t length = strlen(header);
    while (length % 8) header[length++] = ' ';
    if ((long)length + 32 > room) return 0;
    put(file, flaw == 2 ? 1000000 : length, 8);
    memcpy(file + 8, header, length);
    if (flaw == 7) numbers[5] ^= 16;
    memcpy(file + 8 + length, numbers, 24);
    return (long)length + (flaw == 1 ? 28 : flaw == 3 ? 8 : 32);
}

static uint64_t word_of(const unsigned char *bytes) {
    uint64_t word = 0;
    for (int i = 3; i >= 0; i--) word = word << 8 | bytes[i];
    return word;
}

int read_table(
    const unsigned char *bytes, long n, float *to, long room, long *rows, long *cols) {
    if (n < 12 || memcmp(bytes, "TAB1", 4) != 0) return 1;
    uint64_t r = word_of(bytes + 4), c = word_of(bytes + 8), count = r * c, rest = (uint64_t)n - 12;
    if (count == 0) return 2;
    if (count > rest / 4) return 3;
    if (rest > 4 * count) return 4;
    if (count > (uint64_t)room) return 5;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t word = (uint32_t)word_of(bytes + 12 + 4 * i);
        if ((word >> 23 & 255) == 255) return 6;
        memcpy(to + i, &word, 4);
    }
    *rows = (long)r, *cols = (long)c;
    return 0;
}

const char lab_why[] =
    "A reader must never believe a length that the file itself states, for whoever wrote the file "
    "chose that number: it is held against the bytes that are there before anything is done by it.";
