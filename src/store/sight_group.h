/* SPDX-License-Identifier: Apache-2.0 */
/* sight_group.h - the rows of a place segment regrouped by plate: who was where when on
 * one day, for questions about all plates of a few days while the vehicle runs hold
 * weeks. Rows become keys (plate rank, time, site) of 64 bits; one scatter by rank puts
 * them into parts that fit the cache, and each part is sorted on its own. With a pair
 * (sight_pair.h) both threads make and scatter half of the keys each, and parts are
 * sorted ahead of the asker.
 *
 * Units    times ts_ms; memory 16 bytes a row.
 * Owner    group_new() gives a group to group_free().
 * Threads  one question; go_on is asked on the asker's thread only.
 * Errors   ERR_NOMEM, ERR_CORRUPT (the segment is marked bad), what `go_on` says.
 * See      docs/why/sightings.md; tests in sight_scan_test.c.
 */
#ifndef TQ_STORE_SIGHT_GROUP_H
#define TQ_STORE_SIGHT_GROUP_H

#include "store/sight_pair.h"
#include "store/sight_place.h"

#define GROUP_ROW_BYTES 16u

struct group_of;
/* Can the segment's rows be keyed in 64 bits? */
bool group_possible(const struct seg *s);
/* Rows of [from, to). go_on: asked every few thousand rows, false gives ERR_TIMEOUT;
 * pair may be NULL. */
enum err group_new(
    struct seg *s, struct pair *pair, ts_ms from, ts_ms to, bool (*go_on)(void *arg),
    void *arg, struct group_of **out) MUST_USE;
void group_free(struct group_of *g); /* NULL is fine */

/* The next plate in plate order with its rows by (time, site); arrays live until the
 * next call. The unread plate is left out. False at the end. */
struct group {
    uint64_t plate;
    const ts_ms *at;
    const uint32_t *site;
    size_t n;
};
bool group_next(struct group_of *g, struct group *out);
/* Did the end come from damage or lack of memory? */
enum err group_error(const struct group_of *g);

#endif
