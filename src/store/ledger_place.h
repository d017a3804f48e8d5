/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_place.h - sites, ban zones with permits, and average-speed sections in the
 * ledger.
 *
 * Shape    put as in ledger_people.h. A site put with id 0 and a known code replaces
 *          that row and writes the id back, so that imports can be repeated.
 * Units    positions 1e-7 degree; minutes of the civil day; km/h; metres.
 * Threads  as ledger.h.
 */
#ifndef TQ_STORE_LEDGER_PLACE_H
#define TQ_STORE_LEDGER_PLACE_H

#include "model/site.h"
#include "store/ledger.h"

/* ---- sites ---- */
enum err ledger_site_put(struct ledger *l, struct site *s) MUST_USE;
/* The site of a code, made as "unplaced" when there is none: a record is never lost for
 * its site. */
enum err ledger_site_ensure(
    struct ledger *l, struct span code, struct site_id *out, bool *made) MUST_USE;
enum err ledger_site_table(
    struct ledger_reader *r, uint64_t version, struct site_table **out) MUST_USE;

/* ---- zones ---- */
struct zone_window { /* on civil days of `days`, [from, to) minutes; to < from goes past
                        midnight */
    uint8_t days;    /* bit 0 Monday .. 6 Sunday */
    uint16_t from_min, to_min;
};
struct zone_row {
    uint32_t id;
    char code[32];
    char name[96];
    char kind[24];    /* rule name: "truck_ban" */
    char classes[64]; /* class prefixes, comma: "H,Q" */
    struct zone_point {
        e7 lon, lat;
    } * points; /* closed ring without the repeated first point; in the arena on reads
                 */
    uint32_t points_n;
    struct zone_window *windows;
    uint32_t windows_n;
    ts_ms from_ms, to_ms; /* validity; to 0 = open */
};
enum err ledger_zone_put(struct ledger *l, struct zone_row *z) MUST_USE;
enum err ledger_zones(
    struct ledger_reader *r, struct arena *a, struct zone_row **out,
    size_t *n) MUST_USE;

struct permit_row { /* 通行证 */
    uint64_t id;
    uint32_t zone; /* 0: every zone */
    struct plate plate;
    uint8_t plate_color; /* 0 any */
    ts_ms from_ms, to_ms;
    char number[32];
};
enum err ledger_permit_put(struct ledger *l, struct permit_row *p) MUST_USE;
enum err ledger_permits(
    struct ledger_reader *r, struct arena *a, struct permit_row **out,
    size_t *n) MUST_USE;

/* ---- average-speed sections (区间测速) ---- */
struct section_row {
    uint32_t id;
    char code[32];
    char name[96];
    struct site_id from, to;
    uint8_t direction; /* enum direction at both; 0 any */
    uint32_t dist_m;
    uint8_t limit_kmh, limit_truck_kmh; /* truck 0: the same */
};
enum err ledger_section_put(struct ledger *l, struct section_row *s) MUST_USE;
enum err ledger_sections(
    struct ledger_reader *r, struct arena *a, struct section_row **out,
    size_t *n) MUST_USE;

#endif
