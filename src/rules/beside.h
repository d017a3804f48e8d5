/* SPDX-License-Identifier: Apache-2.0 */
/* beside.h - what a gantry's cameras and radio read about one moment, and which of it
 * belongs to one passage (门架标签与牌识配对).
 *
 * Shape    two reads of one plate at camera and radio are one passage when they are
 * near in time, whatever the lanes. A tag without its own picture belongs to the one
 * picture in its lane that has no tag of its own, if nothing else there can claim
 * either. Everything is found anew from stored rows, so halves may come in any order.
 * Units    corrected instants.
 * Owner    rows lie in the machine's scratch memory until the next judgement.
 * Threads  the owner thread of the rules.
 * See      docs/rules.md "Gantries"; rules_test.c.
 */
#ifndef TQ_RULES_BESIDE_H
#define TQ_RULES_BESIDE_H

#include "model/alarm.h"
#include "rules/ground.h"

/* Bounds of what a city may set: what lies further apart never belongs together, what
 * is nearer always does. */
#define PAIR_LEAST_S 5
#define PAIR_MOST_S 20
#define LANE_MOST_S 5
#define BESIDE_REACH_MS ((PAIR_MOST_S + 2 * LANE_MOST_S) * SECOND_MS)

struct beside_row {
    struct sighting s; /* record_id kept, other texts not */
    ts_ms at_ms;
};
struct beside {
    struct beside_row *cameras, *tags;
    unsigned cameras_n, tags_n;
};

/* Reads what lies within BESIDE_REACH_MS of at_ms. False without memory, or where the
 * store cannot say. */
bool beside_read(
    void *machine, const struct ground *g, const struct view *v, uint32_t gantry,
    ts_ms at_ms, struct beside *out);

/* Is there a row of this plate within so much of the moment? NULL: none. */
const struct beside_row *beside_find(
    const struct beside_row *rows, unsigned n, struct plate p, ts_ms at_ms,
    ts_ms within_ms);

/* The picture of another plate that belongs to the tag read `tag` of at_ms, which has
 * no picture of its own; NULL when there is none or more than one could. */
const struct beside_row *beside_other(
    const struct beside *b, const struct sighting *tag, ts_ms at_ms, ts_ms pair_ms,
    ts_ms lane_ms);

/* Tags whose judgement the row `s` may change, without its own plate's: those without a
 * picture of their own. Writes at most `room` plates with the instants of their reads.
 */
struct beside_tag {
    struct plate plate;
    ts_ms pass_ms;
};
unsigned beside_touched(
    const struct beside *b, const struct sighting *s, struct beside_tag *out,
    unsigned room);

#endif
