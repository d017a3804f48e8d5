/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h - small scenes for the live demo: vehicles with a part in the planted truth
 * come by now, so that alarms of every kind appear within a minute, day and night.
 *
 * Shape    a vehicle that plays a scene is taken out of the natural traffic
 * (stage_has()), and only one that was not seen for two hours may play, so nobody is in
 * two places but clones.
 * Units    milliseconds since the city's first midnight inside; epoch milliseconds in
 * records.
 * Owner    stage_init() fills the caller's struct with heap tables; stage_release()
 * frees them.
 * Threads  one.
 */
#ifndef TQ_CITY_STAGE_H
#define TQ_CITY_STAGE_H

#include "city/city.h"
#include "city/watchlist.h"

enum stage_kind {
    STAGE_WATCH,  /* a watched plate, read well */
    STAGE_STATUS, /* overdue, scrapped or stolen */
    STAGE_CLONE,  /* one plate at two far places */
    STAGE_BAN, /* a lorry in the ban zone; a coach when it is between 02:00 and 05:00 */
    STAGE_FAKE,    /* a plate that nobody registered */
    STAGE_MISREAD, /* a watched plate with one wrong character */
    STAGE_SPEED,   /* an average-speed section, too fast */
    STAGE_UNREAD,  /* a covered plate */
    STAGE_KINDS,
};

struct stage {
    struct city *city;
    const struct watchlist *watches;
    struct rnd r;
    ts_ms now;     /* when the scene is made */
    int64_t *seen; /* by car: last seen (true time); INT64_MIN never */
    int64_t
        *played; /* by car: last scene; INT64_MIN: none, the car is in the traffic */
    uint32_t *cast[PARTS]; /* cars by part */
    uint32_t cast_n[PARTS];
    struct city_rec *recs; /* prepared, by arrival from recs[at] */
    size_t n, at, room;
};

enum err stage_init(
    struct stage *s, struct city *c, const struct watchlist *w,
    struct note *note) MUST_USE;
void stage_release(struct stage *s);

/* A natural record goes out. */
void stage_saw(struct stage *s, const struct city_rec *r);
/* Does this car play scenes (then its natural records are left out)? */
bool stage_has(const struct stage *s, uint32_t car);
/* Prepares the records of a scene that begins now; false when nobody can play it now.
 */
bool stage_play(struct stage *s, enum stage_kind kind, ts_ms now);
/* The next record that has arrived by now; NULL when there is none. */
const struct city_rec *stage_next(struct stage *s, ts_ms now);

const char *stage_name(enum stage_kind kind);

#endif
