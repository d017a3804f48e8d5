/* SPDX-License-Identifier: Apache-2.0 */
/* unread.h - passes of the last two days whose plate could not be read, by look.
 *
 * Owner    unread_init() / unread_release(); rows are valid until the next
 * unread_add().
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_UNREAD_H
#define TQ_RULES_UNREAD_H

#include "core/cur.h"
#include "model/alarm.h"

struct unread_row {
    uint64_t look;
    struct sighting_id id;
    ts_ms arrive_ms;
    code3 vehicle_class, brand;
    uint8_t vehicle_color, plate_color, lane, direction, flags;
    uint32_t next; /* index + 1 */
    char record_id[ALARM_RECORD_ID];
};

struct unread {
    struct unread_row *rows;
    uint32_t n, room;
    uint32_t *heads; /* by look and hour, index + 1 */
    uint32_t mask;
};

enum err unread_init(struct unread *u) MUST_USE;
void unread_release(struct unread *u);

/* Colour, class and brand are all read: else nothing can be said about the vehicle. */
bool unread_has_look(const struct sighting *s);
uint64_t
unread_look(const struct sighting *s); /* bit 63 set, as in no readable plate */
/* False when it is there already or memory ran out. */
bool unread_add(struct unread *u, const struct sighting *s);
/* Rows of a look within one hour since the epoch. */
const struct unread_row *
unread_first(const struct unread *u, uint64_t look, int64_t hour);
const struct unread_row *
unread_next(const struct unread *u, const struct unread_row *row);
/* How many rows of a look have from <= pass_ms < to; counts to `cap`. */
uint32_t
unread_count(const struct unread *u, uint64_t look, ts_ms from, ts_ms to, uint32_t cap);
/* The row as a sighting; its record id is borrowed from the row. */
struct sighting unread_sighting(const struct unread_row *row);
void unread_forget(struct unread *u, ts_ms before);

void unread_encode(struct buf *out, const struct unread *u);
enum err unread_decode(struct cur *c, struct unread *u) MUST_USE;

#endif
