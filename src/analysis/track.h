/* SPDX-License-Identifier: Apache-2.0 */
/* track.h - the passes of many plates in about five bytes each: time as a difference to
 * the pass before, then the site, numbers of seven bits a byte.
 *
 * Units    milliseconds; a window of less than 49 days.
 * Owner    bytes lie in the arena of whoever puts.
 * Threads  one.
 * Errors   false past the arena.
 */
#ifndef TQ_ANALYSIS_TRACK_H
#define TQ_ANALYSIS_TRACK_H

#include "core/arena.h"
#include "core/civil.h"

struct track { /* of one plate */
    const uint8_t *p;
    uint32_t n; /* passes */
};
struct tracks {
    struct arena *arena;
    ts_ms base; /* no pass is earlier */
    uint8_t *at, *end;
    size_t bytes; /* of all */
};
/* Passes by time. */
bool tracks_put(
    struct tracks *t, const ts_ms *at, const uint32_t *site, size_t n,
    struct track *out) MUST_USE;
/* Into at[track.n], milliseconds behind the base, and site[track.n]. */
void track_get(struct track track, uint32_t *at, uint32_t *site);

#endif
