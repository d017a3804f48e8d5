/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the ledger in the rules' form: the two rooms do not know each other. */
#include "daemon/places.h"

#include <stdio.h>
#include <stdlib.h>

static bool
zone_of(const struct zone_row *row, struct arena *a, struct ban_zone *z)
{
    struct geo_point *ring = arena_array(a, row->points_n + 1, sizeof *ring);
    if (!ring || row->windows_n > ZONE_WINDOWS)
        return false;
    for (uint32_t i = 0; i < row->points_n; i++)
        ring[i] = (struct geo_point){row->points[i].lon, row->points[i].lat};
    *z = (struct ban_zone){
        .id = row->id,
        .ring = {ring, row->points_n},
        .windows_n = (uint8_t)row->windows_n,
        .from_ms = row->from_ms,
        .to_ms = row->to_ms,
    };
    snprintf(z->code, sizeof z->code, "%s", row->code);
    (void)span_copy(z->name, sizeof z->name, span_cstr(row->name));
    for (uint32_t i = 0; i < row->windows_n; i++)
        z->windows[i] = (struct zone_hours){
            row->windows[i].days, row->windows[i].from_min, row->windows[i].to_min};
    return row->classes[0] == 0 || zone_classes_parse(span_cstr(row->classes), z);
}

enum err
places_give(struct ledger_reader *r, struct rules *rules)
{
    struct arena a;
    struct zone_row *zones;
    struct permit_row *permits;
    struct section_row *sections;
    size_t zones_n, permits_n, sections_n;
    arena_init(&a, 256 << 20);
    enum err e = ledger_zones(r, &a, &zones, &zones_n);
    if (e == OK)
        e = ledger_permits(r, &a, &permits, &permits_n);
    if (e == OK)
        e = ledger_sections(r, &a, &sections, &sections_n);
    if (e != OK)
        goto out;
    struct ban_zone *bz = arena_array(&a, zones_n + 1, sizeof *bz);
    struct ban_permit *bp = arena_array(&a, permits_n + 1, sizeof *bp);
    struct speed_section *ss = arena_array(&a, sections_n + 1, sizeof *ss);
    e = ERR_NOMEM;
    if (!bz || !bp || !ss)
        goto out;
    size_t n = 0;
    for (size_t i = 0; i < zones_n; i++)
        n += zone_of(&zones[i], &a, &bz[n]);
    for (size_t i = 0; i < permits_n; i++)
        bp[i] = (struct ban_permit){
            permits[i].plate, permits[i].plate_color, permits[i].zone,
            permits[i].from_ms, permits[i].to_ms};
    for (size_t i = 0; i < sections_n; i++) {
        ss[i] = (struct speed_section){
            .id = sections[i].id,
            .from = sections[i].from,
            .to = sections[i].to,
            .dist_m = sections[i].dist_m,
            .limit_kmh = sections[i].limit_kmh,
            .limit_truck_kmh = sections[i].limit_truck_kmh,
        };
        snprintf(ss[i].code, sizeof ss[i].code, "%s", sections[i].code);
        (void)span_copy(ss[i].name, sizeof ss[i].name, span_cstr(sections[i].name));
    }
    e = rules_set_places(rules, bz, n, bp, permits_n, ss, sections_n);
out:
    arena_release(&a);
    return e;
}
