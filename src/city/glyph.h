/* SPDX-License-Identifier: Apache-2.0 */
/* glyph.h - the few letter shapes drawn on the demo city's pictures: digits, capital
 * letters, some signs (5 by 7 dots) and three provinces (11 by 12); other Chinese
 * characters become a mark of strokes of their own.
 *
 * Threads  constant tables.
 */
#ifndef TQ_CITY_GLYPH_H
#define TQ_CITY_GLYPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glyph {
    uint8_t width, height;
    uint16_t row[12]; /* bit 15 is the leftmost dot */
};

/* The glyph of one character; *next = bytes of UTF-8 it took. */
struct glyph glyph_of(const char *utf8, size_t *next);

#endif
