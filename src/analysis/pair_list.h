/* SPDX-License-Identifier: Apache-2.0 */
/* pair_list.h - many pairs of numbers (x, y), x < y, in about two bytes each.
 *
 * Layout   x as a difference to the one before, how many y follow, each y as a
 *          difference to the one before (the first to x): numbers of seven bits a byte,
 *          in pieces that no number straddles.
 * Order    x ascending, the y of one x ascending.
 * Owner    pieces lie in the arena of whoever puts; a zeroed list is empty.
 * Threads  one.
 * Errors   false past the arena.
 */
#ifndef TQ_ANALYSIS_PAIR_LIST_H
#define TQ_ANALYSIS_PAIR_LIST_H

#include "core/arena.h"
#include "core/err.h"

struct pair_piece;
struct pair_list {
    struct pair_piece *first, *last;
    uint64_t pairs;
    size_t bytes;
    uint32_t x; /* the last one put */
};
/* All y of one x, n > 0; x behind those that were put before. */
bool pair_list_put(
    struct pair_list *l, struct arena *arena, uint32_t x, const uint32_t *y,
    uint32_t n) MUST_USE;

struct pair_reader {
    const struct pair_piece *piece;
    uint32_t at;
    uint64_t left;
    uint32_t x, n; /* where it stands: n pairs of x */
};
/* Stands before the first x. */
void pair_reader_init(struct pair_reader *r, const struct pair_list *l);
/* To the next x; false behind the last one. Its y must be read before. */
bool pair_reader_next(struct pair_reader *r);
/* All y of the x where it stands, into y[r->n]. */
void pair_reader_take(struct pair_reader *r, uint32_t *y);

#endif
