/* SPDX-License-Identifier: Apache-2.0 */
/* seen.h - the vehicles of the last hours: where each was read last, and how it is
 * registered.
 *
 * Shape    open addressing, 32 bytes a vehicle, so that a pass costs one cache miss.
 * Units    last_ms as the camera's clock said.
 * Owner    seen_init() / seen_release(); entries are valid until the next seen_at().
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_SEEN_H
#define TQ_RULES_SEEN_H

#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"
#include "model/plate.h"

enum seen_flag {
    SEEN_REGISTERED = 1,
    SEEN_STATUS = 2, /* stolen, scrapped or overdue letters, or scrapping date passed */
    SEEN_KNOWN = 4,  /* the registry part is filled */
    SEEN_KEPT = 8,   /* its rows may be kept (kept.h): new ones are to join them */
    SEEN_HOT = 16,   /* every further record of the day it was judged is judged */
};

struct seen {
    uint64_t plate; /* 0: empty slot */
    ts_ms last_ms;
    uint32_t last_site; /* 0: not read yet */
    uint16_t vehicle_class, brand;
    uint16_t judged_day; /* newest civil day (low bits) it was judged; 0 never */
    uint8_t vehicle_color, plate_color;
    uint8_t flags;    /* enum seen_flag */
    uint8_t epoch;    /* of the registry and model that the registry part is from */
    uint16_t settled; /* rules that have said all of that day, by their numbers */
};
_Static_assert(sizeof(struct seen) == 32, "two vehicles a cache line");

struct seen_table {
    struct seen *slots;
    size_t mask, n, max;
    ts_ms dropped_ms; /* newest last_ms of a forgotten vehicle */
    uint64_t dropped;
};

enum err seen_init(struct seen_table *t, size_t max) MUST_USE;
void seen_release(struct seen_table *t);
/* Brings the slot of p into the cache. */
void seen_prefetch(const struct seen_table *t, struct plate p);
/* The entry of p, made when there is none; NULL without memory and nothing to forget.
 * `now` is the newest pass time: when full, vehicles not read for `keep` before it are
 * forgotten. */
struct seen *seen_at(struct seen_table *t, struct plate p, ts_ms now, ts_ms keep);
struct seen *seen_change(struct seen_table *t, struct plate p); /* NULL: not there */
const struct seen *seen_find(const struct seen_table *t, struct plate p);

/* Entries read since `since`. */
void seen_encode(struct buf *out, const struct seen_table *t, ts_ms since);
enum err seen_decode(struct cur *c, struct seen_table *t) MUST_USE;

#endif
