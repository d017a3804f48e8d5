/* SPDX-License-Identifier: Apache-2.0 */
/* watchlist.h - the demo city's watches: plates of vehicles that drive here, patterns
 * with unread characters, and many plates that never come.
 *
 * Owner    watchlist_init() fills the caller's struct with heap tables;
 * watchlist_release() frees.
 * Threads  immutable after init.
 */
#ifndef TQ_CITY_WATCHLIST_H
#define TQ_CITY_WATCHLIST_H

#include "city/city.h"

struct watchlist_row {
    char pattern[FLEET_PLATE]; /* '?' = any one character */
    uint8_t reason;            /* watchlist_reason() */
    uint8_t level;             /* 1 intercept, 2 may intercept, 3 do not stop */
    ts_ms from_ms, to_ms;
};

struct watchlist_link {
    uint32_t worn; /* plate id that matches the pattern */
    uint32_t row;
};

struct watchlist {
    struct watchlist_row *rows;
    uint32_t n;
    struct watchlist_link *links; /* by plate id, then row */
    uint32_t links_n, links_room;
    uint64_t seed;
};

enum err watchlist_init(
    struct watchlist *w, const struct city *c, uint32_t n, struct note *note) MUST_USE;
void watchlist_release(struct watchlist *w);
const char *watchlist_reason(int reason); /* Chinese words of a list */
/* The watch's own number: "BK000042". dst of 16. */
char *watchlist_code(uint32_t row, char *dst);
/* The links of a plate: first in *out, count returned. */
uint32_t watchlist_of(
    const struct watchlist *w, uint32_t worn, const struct watchlist_link **out);
/* Does the pattern match a plate text, character by character? */
bool watchlist_match(const char *pattern, const char *plate);

#endif
