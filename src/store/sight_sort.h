/* SPDX-License-Identifier: Apache-2.0 */
/* sight_sort.h - pairs of words in order of some of their bits.
 *
 * Owner    both arrays are the caller's; sorting swaps them as often as it needs.
 * Threads  pure. See sight_build.c.
 */
#ifndef TQ_STORE_SIGHT_SORT_H
#define TQ_STORE_SIGHT_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair {
    uint64_t a, b;
};

/* Stable, by bits [from, to) of a (of b when by_b); n below 2^32. Bits on which all
 * agree cost one look. */
void sort_pairs(
    struct pair **pairs, struct pair **spare, size_t n, bool by_b, unsigned from,
    unsigned to);

#endif
