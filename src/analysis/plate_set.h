/* SPDX-License-Identifier: Apache-2.0 */
/* plate_set.h - plates that were met, as a hash set of 64-bit values.
 *
 * Owner    memory of the asker's arena; a zeroed set is empty. Growing doubles it and
 *          leaves the smaller one in the arena.
 * Threads  one.
 * Errors   false past the arena.
 */
#ifndef TQ_ANALYSIS_PLATE_SET_H
#define TQ_ANALYSIS_PLATE_SET_H

#include "core/arena.h"
#include "core/err.h"
#include "model/plate.h"

struct plate_set {
    uint64_t *slot; /* open addressing; 0 empty */
    size_t n, mask;
};
/* PLATE_NONE is not taken. */
bool plate_set_add(struct plate_set *s, struct arena *arena, struct plate p) MUST_USE;
bool plate_set_has(const struct plate_set *s, struct plate p);
/* The same question will follow soon: fetches the slot meanwhile. */
void plate_set_ahead(const struct plate_set *s, struct plate p);

#endif
