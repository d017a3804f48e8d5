/* SPDX-License-Identifier: Apache-2.0 */
/* needs.h - what the rules need from elsewhere: rows of the store, and somebody who
 * takes alarms. daemon/plug_rules.c fills it; tests and the bench fill it from memory.
 *
 * Owner    the caller owns ctx; it outlives the rules.
 * Threads  called on the thread that feeds the rules; must not call back into them.
 */
#ifndef TQ_RULES_NEEDS_H
#define TQ_RULES_NEEDS_H

#include "model/alarm.h"

/* One stored row; its spans are borrowed for the call. False ends the walk. */
typedef bool rules_row_fn(void *arg, const struct sighting *s);

struct rules_needs {
    void *ctx;
    /* Every stored sighting of one plate with from <= pass_ms < to, in any order. All
     * records fed so far must be among them (later ones may be). After an error the
     * rules judge by the record at hand, count it, take nothing back, and judge the
     * plate anew with its next record. */
    enum err (*history)(
        void *ctx, struct plate plate, ts_ms from, ts_ms to, rules_row_fn *row,
        void *arg);
    /* Every stored sighting at one site with from <= pass_ms < to, in any order. May be
     * NULL: then two reads of one passage with different texts are not folded. */
    enum err (*place)(
        void *ctx, struct site_id site, ts_ms from, ts_ms to, rules_row_fn *row,
        void *arg);
    /* Takes one alarm: raised, revised or withdrawn (`state`). Called inside
     * rules_feed() in an order that depends only on the records. A withdrawn alarm
     * carries id, rule, plate, site, pass_ms, and as evidence the record that decided
     * it. */
    void (*alarm)(void *ctx, const struct alarm *a);
};

#endif
