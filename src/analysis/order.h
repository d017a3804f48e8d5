/* SPDX-License-Identifier: Apache-2.0 */
/* order.h - some of the numbers 0 .. n put in order, again and again: faster than by
 * comparing.
 *
 * Owner    memory of the asker's arena, n / 8 bytes.
 * Threads  one.
 * Errors   false past the arena.
 */
#ifndef TQ_ANALYSIS_ORDER_H
#define TQ_ANALYSIS_ORDER_H

#include "core/arena.h"
#include "core/err.h"

struct order {
    uint64_t *bit, *top; /* top: which words of `bit` are not empty */
};
/* For numbers below n. */
bool order_init(struct order *o, struct arena *arena, uint32_t n) MUST_USE;
/* Different numbers, none below `least`, ascending. */
void order_sort(struct order *o, uint32_t *v, uint32_t n, uint32_t least);

#endif
