/* SPDX-License-Identifier: Apache-2.0 */
/* drive.h - one day of one car: its trips by habit, and the sites it passes.
 *
 * Units    milliseconds since the city's first midnight; km/h.
 * Owner    passes are appended to the caller's vector inside struct drive.
 * Threads  one struct drive, one thread; fleet, shape and plan are only read (scenes
 * are filled).
 * See      docs/city.md, "Habits".
 */
#ifndef TQ_CITY_DRIVE_H
#define TQ_CITY_DRIVE_H

#include "city/plan.h"
#include "city/rnd.h"

enum {
    DRIVE_KEEP = 1,  /* planted: the camera takes it, and it is not thinned away */
    DRIVE_EXACT = 2, /* planted: read without error */
};

struct drive_pass {
    int64_t t_ms;
    uint32_t car;
    uint16_t site;
    uint8_t dir, lane, speed_kmh, flags;
};

struct drive {
    const struct shape *shape;
    const struct plan *plan;
    uint64_t seed;
    int weekday0;           /* of day 0: 0 Monday .. 6 Sunday */
    struct drive_pass *out; /* heap; drive_release() */
    size_t n, room;

    /* of the running car-day */
    uint32_t car;
    int day;
    struct rnd r;
    int32_t shift_ms; /* a follower behind its leader */
    char vehicle_class[4];
    bool lorry;                           /* of a class that some zone bans */
    bool licensed;                        /* planted: may break the ban */
    bool broke;                           /* the running trip would break a ban */
    uint8_t keep;                         /* flags for the passes of the running leg */
    uint8_t fast_from, fast_to, fast_kmh; /* edges of the way driven at a fixed speed */
    struct plan_scene *scene;             /* to happen on this trip */
    uint8_t scene_edge;
};

void drive_init(
    struct drive *d, const struct shape *shape, const struct plan *plan, uint64_t seed,
    int weekday0);
void drive_release(struct drive *d);

/* Appends the passes of a car on a day; those after midnight run on into the next day.
 */
void drive_day(struct drive *d, uint32_t car, int day);

#endif
