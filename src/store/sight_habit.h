/* SPDX-License-Identifier: Apache-2.0 */
/* sight_habit.h - what is usual at a place: the device of a site and direction and how
 * it writes its texts, and which sites follow which. Rows that keep to it cost next to
 * nothing.
 *
 * Owner    maps are the holder's; release is safe on a zeroed one.
 * Threads  a map is its writer's until it is frozen in a segment; then any thread.
 * Errors   NULL or false without memory; decoding answers false on malformed bytes.
 * See      docs/format-segment.md section 4; tests in sight_test.c.
 */
#ifndef TQ_STORE_SIGHT_HABIT_H
#define TQ_STORE_SIGHT_HABIT_H

#include "core/cur.h"

/* What the device of a site and direction usually is and how it writes its texts. */
struct usual {
    uint64_t key;              /* (site << 8 | direction) + 1; 0 = empty slot */
    uint32_t device, rec, img; /* templates of the run's dictionary */
    uint32_t votes;            /* while learning */
};
struct usual_map {
    struct usual *slots;
    uint32_t n, room; /* room is a power of two */
    /* When read from a segment whose sites are small numbers: the slots are the n in
     * key order, and those of a site begin at first[site], for site < sites. */
    uint32_t *first, sites;
};
void usual_release(struct usual_map *m);
/* The slot of a key, added when new; NULL without memory. */
struct usual *usual_at(struct usual_map *m, uint32_t site, uint8_t direction);
const struct usual *
usual_find(const struct usual_map *m, uint32_t site, uint8_t direction);
/* usual_find() of it is asked soon. */
void usual_ahead(const struct usual_map *m, uint32_t site, uint8_t direction);

/* Which sites a vehicle is mostly seen at next: a row's site is its rank in the list of
 * the site before, or FOLLOW_FAN + site when it is not in it. */
#define FOLLOW_FAN 15u
struct follow {
    uint32_t site; /* + 1; 0 = empty slot */
    uint32_t n;
    uint32_t next[FOLLOW_FAN];
    uint64_t weight; /* while merging: rows of the run the list is from */
};
struct follow_map {
    struct follow *slots;
    uint32_t n, room; /* room is a power of two */
    /* When read from a segment whose sites are few and small numbers, the same by site:
     * half a line of the cache each, since a plate's rows ask one after the other. */
    struct follow_row {
        uint16_t next[FOLLOW_FAN], n;
    } * row;
    uint32_t row_n;
};
void follow_release(struct follow_map *m);
struct follow *
follow_at(struct follow_map *m, uint32_t site); /* added when new; NULL: memory */
const struct follow *
follow_find(const struct follow_map *m, uint32_t site); /* may be NULL */

/* The site of a code below FOLLOW_FAN behind `from`; false: there is none. */
bool
follow_next(const struct follow_map *m, uint32_t from, uint64_t code, uint32_t *to);

/* Learns lists from steps (from, to) counted in a heap table. */
struct follow_count {
    struct {
        uint64_t key; /* (from << 32 | to) + 1 */
        uint64_t n;
    } * slots;
    uint32_t n, room;
};
bool follow_count_step(struct follow_count *c, uint32_t from, uint32_t to);
/* The lists, most frequent first; releases the counts. */
bool follow_learn(struct follow_count *c, struct follow_map *out);
/* The code of `to` behind `from`: its rank, or FOLLOW_FAN + to (always when whole). */
uint64_t
follow_code(const struct follow_map *m, bool whole, uint32_t from, uint32_t to);

/* Maps as bytes in key order, so that equal maps are equal bytes; and back. */
void usual_encode(const struct usual_map *m, struct buf *out);
bool usual_decode(struct usual_map *m, struct span bytes);
void follow_encode(const struct follow_map *m, struct buf *out);
bool follow_decode(struct follow_map *m, struct span bytes);

#endif
