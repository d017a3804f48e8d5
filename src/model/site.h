/* SPDX-License-Identifier: Apache-2.0 */
/* site.h - a fixed place that senses (点位): camera, gantry, detector; and the table of
 * them.
 *
 * Units    positions 1e-7 degree WGS-84; limits km/h.
 * Owner    a site_table is an immutable refcounted snapshot; the ledger thread
 *          publishes new ones.
 * Threads  read from any thread that holds a reference.
 * See      GA/T 1400.3 Tollgate, Lane, APE.
 */
#ifndef TQ_MODEL_SITE_H
#define TQ_MODEL_SITE_H

#include "model/org.h"
#include "model/sighting.h"

typedef int32_t e7; /* 1e-7 degree */

enum site_kind {
    SITE_CAMERA,
    SITE_GANTRY,
    SITE_DETECTOR,
    SITE_MOBILE,
    SITE_RSU, /* the radio of a gantry: a site of its own beside its cameras (toll.h) */
};

struct site {
    struct site_id id;
    char code[32]; /* TollgateID or the CSV's site */
    char name[96];
    e7 lon, lat;  /* both 0: unplaced */
    uint8_t kind; /* enum site_kind */
    uint8_t lanes;
    uint8_t limit_kmh;   /* 0 unknown */
    uint8_t city_pass;   /* Lane.CityPass: 1 into the city, 2 out, 3 neither, 4 both; 0
                            unknown */
    uint16_t directions; /* bit d: direction code d is watched */
    char color_map[16];  /* vendor plate colour map: "" or "gat1400", ... */
    char road[64];       /* road name */
    struct org_id org;   /* brigade or squad */
    bool stopped;        /* taken out of service by a person */
};

static inline bool
site_is_placed(const struct site *s)
{
    return s->lon != 0 || s->lat != 0;
}

struct site_table {
    uint32_t refs; /* atomic */
    uint64_t version;
    uint32_t n; /* rows [1..n]; row 0 is empty */
    struct site *rows;
    uint32_t *by_code; /* open-addressing index over codes, private to site.c */
    uint32_t by_code_room;
};

struct site_table *site_table_new(uint32_t room); /* refs = 1; NULL without memory */
struct site_table *site_table_ref(struct site_table *t);
void site_table_unref(struct site_table *t);
struct site_table *site_table_copy(const struct site_table *t, uint32_t more);
/* Adds or replaces by code; the id is given. Only before publication. */
struct site_id site_table_put(struct site_table *t, const struct site *s);
const struct site *
site_get(const struct site_table *t, struct site_id id); /* NULL when none */
struct site_id
site_find(const struct site_table *t, struct span code); /* v = 0 when none */

/* Great-circle distance in metres between two 1e-7 degree points. */
double site_dist_m(const struct site *a, const struct site *b);

#endif
