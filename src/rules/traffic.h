/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.h - how many exact reads each site had in each hour of the last days: so many
 * vehicles can vouch for its clock.
 *
 * Units    whole hours since the epoch.
 * Owner    traffic_init() / traffic_release().
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_TRAFFIC_H
#define TQ_RULES_TRAFFIC_H

#include "core/cur.h"
#include "core/err.h"

#define TRAFFIC_HOURS 128 /* remembered, a power of two */

struct traffic {
    struct traffic_cell {
        uint16_t hour, n; /* low bits of the hour; reads, no more than fit */
    } * cells;            /* site * TRAFFIC_HOURS + hour modulo TRAFFIC_HOURS */
    uint32_t sites;
};

enum err traffic_init(struct traffic *t) MUST_USE;
void traffic_release(struct traffic *t);

/* One read more. Not counted when older than what is remembered, or without memory. */
void traffic_add(struct traffic *t, uint32_t site, int32_t hour);
/* Reads in the hour and its two neighbours. */
unsigned traffic_near(const struct traffic *t, uint32_t site, int32_t hour);

void traffic_encode(struct buf *out, const struct traffic *t);
enum err traffic_decode(struct cur *c, struct traffic *t) MUST_USE;

#endif
