/* SPDX-License-Identifier: Apache-2.0 */
/* held.h - the alarms that still stand or were withdrawn inside the horizon: what a new
 * judgement is compared with, to say raised, revised or withdrawn.
 *
 * Shape    a group is everything that was judged together: (key, civil day), where key
 * is a plate or a look. A judgement replaces its group.
 * Owner    held_init() / held_release().
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_HELD_H
#define TQ_RULES_HELD_H

#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"
#include "model/alarm.h"

struct held {
    uint64_t id, key, content; /* content: hash of what a person would see */
    struct plate plate;
    ts_ms pass_ms;
    int32_t day;
    uint32_t site;
    uint32_t next; /* of the same group chain, index + 1; 0 = end */
    uint8_t rule;
    uint8_t state; /* enum alarm_state */
    bool touched;
};

struct held_table {
    struct held *rows;
    uint32_t n, room;
    uint32_t *heads; /* index + 1 */
    uint32_t mask;
    int32_t oldest_day; /* groups of earlier days are forgotten */
};

enum err held_init(struct held_table *t) MUST_USE;
void held_release(struct held_table *t);

/* First row of a group's chain (other groups may be mixed in): walk with held_next().
 */
struct held *held_first(struct held_table *t, uint64_t key, int32_t day);
struct held *held_next(struct held_table *t, const struct held *h);
enum err held_add(struct held_table *t, const struct held *row) MUST_USE;
/* Forgets all groups of days before `day`. */
void held_forget(struct held_table *t, int32_t day);

void held_encode(struct buf *out, const struct held_table *t);
enum err held_decode(struct cur *c, struct held_table *t) MUST_USE;

#endif
