/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - what the rules know of the ground besides sites: ban zones, permits, speed
 * sections.
 *
 * Units    positions 1e-7 degree; minutes of the civil day; km/h; metres.
 * Owner    the rules copy what they are given.
 * See      store/ledger_place.h keeps the rows; daemon/plug_rules.c turns them into
 * these.
 */
#ifndef TQ_RULES_PLACES_H
#define TQ_RULES_PLACES_H

#include "geo/point.h"
#include "model/site.h"

#define ZONES_MAX 64 /* more are ERR_TOOBIG */
#define ZONE_WINDOWS 8
#define ZONE_CLASSES 16

struct ban_zone { /* 禁行区 */
    uint32_t id;
    char code[32];
    char name[64];
    struct geo_ring ring; /* borrowed for the call of rules_set_places() */
    struct zone_hours {
        uint8_t days;              /* bit 0 Monday .. 6 Sunday; 0 counts as all */
        uint16_t from_min, to_min; /* [from, to); to <= from goes past midnight */
    } windows[ZONE_WINDOWS];
    uint8_t windows_n; /* 0: at all hours */
    char classes[ZONE_CLASSES]
                [4]; /* class prefixes: "H", "Q", "H1"; none: trucks (H, Q) */
    uint8_t classes_n;
    ts_ms from_ms, to_ms; /* validity; to 0 = open */
};

struct ban_permit { /* 通行证 */
    struct plate plate;
    uint8_t plate_color; /* 0 any */
    uint32_t zone;       /* 0: every zone */
    ts_ms from_ms, to_ms;
};

struct speed_section { /* 区间测速 */
    uint32_t id;
    char code[32];
    char name[64];
    struct site_id from, to;
    uint32_t dist_m;
    uint8_t limit_kmh, limit_truck_kmh; /* truck 0: the same */
};

/* Parses "H,Q" or "H;Q" into prefixes; false when there are too many or one is no
 * class. */
bool zone_classes_parse(struct span s, struct ban_zone *z);
/* Parses "07:00-20:00;22:00-06:00" (every day) into windows. */
bool zone_windows_parse(struct span s, struct ban_zone *z);

#endif
