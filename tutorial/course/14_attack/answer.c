#include "lab.h"
#include <stdint.h>
#include <stdio.h>

uint64_t fnv(uint64_t h, const unsigned char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

/* What the header says of arrays, and how many bytes of numbers follow it, for each flaw. */
#define F32 "{\"dtype\":\"F32\","
#define SOUND "\"w\":" F32 "\"shape\":[2,3],\"data_offsets\":[0,24]}"
#define OPEN "[[[[[[[[[["
#define SHUT "]]]]]]]]]]"
#define DEEP OPEN OPEN OPEN OPEN OPEN OPEN OPEN OPEN OPEN OPEN OPEN OPEN OPEN OPEN
#define DONE SHUT SHUT SHUT SHUT SHUT SHUT SHUT SHUT SHUT SHUT SHUT SHUT SHUT SHUT
typedef struct lie {
    const char *arrays;
    int bytes;
} lie;

static const lie flaws[] = {{SOUND, 24}, {SOUND, 20}, {SOUND, 24},
    {"\"w\":" F32 "\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}", 0},
    {SOUND ",\"v\":" F32 "\"shape\":[2],\"data_offsets\":[16,24]}", 24},
    {SOUND ",\"w\":" F32 "\"shape\":[0],\"data_offsets\":[24,24]}", 24},
    {"\"w\":" F32 "\"shape\":[2,3],\"data_offsets\":[0,24],\"u\":" DEEP DONE "}", 24}, {SOUND, 24},
    {"\"w\xc0\xaf\":" F32 "\"shape\":[2,3],\"data_offsets\":[0,24]}", 24}};

long craft(int flaw, const float *x, unsigned char *file, long room) {
    char header[1500];
    unsigned char numbers[24];
    memcpy(numbers, x, 24); /* of a machine that has the lowest byte first, as nearly all have */
    unsigned long long sum = fnv(0xcbf29ce484222325u, numbers, 24);
    int length = snprintf(header, sizeof header,
        "{\"__metadata__\":{\"sgm.checksum\":\"%016llx\"},%s}", sum, flaws[flaw].arrays);
    (void)room; /* all of them are far shorter */
    for (int i = 0; i < 8; i++) file[i] = (unsigned char)((uint64_t)length >> 8 * i);
    if (flaw == 2) file[6] = 1;
    memcpy(file + 8, header, (size_t)length);
    memcpy(file + 8 + length, numbers, 24);
    if (flaw == 7) file[8 + length] ^= 1;
    return 8 + length + flaws[flaw].bytes;
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
