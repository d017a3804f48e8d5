/* SPDX-License-Identifier: Apache-2.0 */
/* patrol.h - police units that move along the trunk roads, and their position reports.
 *
 * Units    metres, milliseconds, km/h, degrees clockwise from north.
 * Owner    the caller's struct; nothing on the heap.
 * Threads  one.
 * See      docs/api.md, POST /fixes.
 */
#ifndef TQ_CITY_PATROL_H
#define TQ_CITY_PATROL_H

#include "city/rnd.h"
#include "city/staff.h"
#include "core/civil.h"
#include "core/cur.h"

struct patrol {
    const struct shape *shape;
    struct rnd r;
    struct patrol_unit {
        uint8_t from, to; /* nodes */
        int32_t done_m;   /* of the way between them */
        uint8_t kmh;
    } unit[STAFF_UNITS];
};

void patrol_init(struct patrol *p, const struct shape *shape, uint64_t seed);
void patrol_move(struct patrol *p, int64_t dt_ms);
/* Position, heading and speed of unit i, 1e-7 degree. */
void patrol_at(
    const struct patrol *p, int i, int32_t *lon, int32_t *lat, int *heading_deg,
    int *kmh);
/* The body of POST /api/v1/fixes for all units. */
void patrol_json(const struct patrol *p, ts_ms now, struct buf *out);

#endif
