/* SPDX-License-Identifier: Apache-2.0 */
/* sight_codec.h - one column of one block: up to COL_ROWS unsigned values as few bits
 * as four simple layouts allow, each readable at any row without touching the others.
 *
 *   CONST   one value
 *   PACK    (v - base) / scale in a fixed number of bits
 *   CLASS   steps up from the least or down from the largest value in four widths; two
 * bit planes tell each row's width, so a row's place in the payload is four population
 * counts away SPARSE  one value almost everywhere, positions and values of the others
 *
 * Owner    a col borrows the bytes it reads.
 * Threads  pure functions.
 * Errors   col_open() answers false on anything malformed; after true, reads stay
 * inside.
 * See      docs/format-segment.md section 3; tests in sight_codec_test.c.
 */
#ifndef TQ_STORE_SIGHT_CODEC_H
#define TQ_STORE_SIGHT_CODEC_H

#include "core/span.h"

#define COL_ROWS 1024u
#define COL_SLACK 8u /* bytes that must be readable behind an encoded column */
#define COL_ROOM (COL_ROWS * 8 + 512)

enum col_kind { COL_CONST = 0, COL_PACK = 1, COL_CLASS = 2, COL_SPARSE = 3 };

/* Writes n (1..COL_ROWS) values to dst[COL_ROOM] in the cheapest layout; returns bytes.
 */
size_t col_encode(uint8_t *dst, const uint64_t *v, unsigned n);

struct col {
    const uint8_t *bits; /* payload */
    const uint8_t *more; /* CLASS: bit planes; SPARSE: positions */
    uint64_t base, scale, usual;
    uint16_t n, exceptions;
    uint8_t kind, width[4];
};

/* Reads the head of an encoded column of n rows in p[0..len). */
bool col_open(struct col *c, const uint8_t *p, size_t len, unsigned n);
/* The same of bytes that col_open() has accepted before: lengths are not tested again.
 */
bool col_known(struct col *c, const uint8_t *p, unsigned n);
uint64_t col_get(const struct col *c, unsigned i); /* i < n */
/* All n values at once, or the first few. */
void col_all(const struct col *c, uint64_t *out);
void col_first(const struct col *c, unsigned n, uint64_t *out);
/* Values [from, from + n), at least one, all below the column's n. */
void col_range(const struct col *c, unsigned from, unsigned n, uint64_t *out);

#endif
