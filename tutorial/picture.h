/*
Grids of images for the tutorials that draw some: PNG where <stb/stb_image_write.h> is installed
(`make setup` does it), else PGM.
*/

#ifndef PICTURE_H
#define PICTURE_H

#ifdef __has_include
#if __has_include(<stb/stb_image_write.h>)
#define HAS_PNG
#ifdef __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
#endif
#endif

/* The tile that ends a grid of a smoke test: TEST, in letters of 3 by 5 pixels. */

static void tut_quick_tile(float *pixels, int h, int w) {
    static const char *const letters[5] = {"*** *** *** ***", " *  *   *    * ", " *  **  ***  * ",
                                           " *  *     *  * ", " *  *** ***  * "};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 15 && j < w && i < h; j++)
            pixels[(h > 5 ? (h - 5) / 2 + i : i) * w + (w > 15 ? (w - 15) / 2 + j : j)] = letters[i][j] == '*';
}

/* Writes n grey images x(n, h·w) as out/MODE/NN_topic/`name`.png (or .pgm); black is -mean/spread, since
a pixel in [0,1] is mean + spread · number. */

static void tut_picture(const char *name, const float *x, long n, int h, int w, int columns, double mean,
                        double spread) {
    char file[128];
    size_t one = (size_t)h * (size_t)w, size = (size_t)n * one;
    float *pixels = (float *)tut_memory((size + one) * sizeof *pixels);
    for (size_t i = 0; i < size; i++) pixels[i] = (float)(mean + spread * x[i]);
    if (tut_quick()) tut_quick_tile(pixels + size, h, w), n++;
#ifdef HAS_PNG
    snprintf(file, sizeof file, "%s.png", name);
    tut_must(sgm_png_grid(tut_path(file), pixels, n, h, w, 1, columns, stbi_write_png));
#else
    snprintf(file, sizeof file, "%s.pgm", name);
    tut_must(sgm_pnm_save(tut_path(file), pixels, n, h, w, 1, columns));
#endif
    free(pixels);
}

#endif
