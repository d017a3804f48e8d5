/* SPDX-License-Identifier: Apache-2.0 */
/* ground.h - where the sites stand, as rules need it at every pass: one row per site
 * and model day with clock, error rates, zones and sections; least travel times;
 * permits.
 *
 * Units    milliseconds, metres, shares 0..1.
 * Owner    struct ground belongs to struct rules; a view is valid until the next
 * ground_set_*().
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_GROUND_H
#define TQ_RULES_GROUND_H

#include "rules/models.h"
#include "rules/places.h"

#define GROUND_MODELS 4

struct site_row {
    int32_t offset_ms;
    uint32_t sd_ms;
    float right; /* share of belief that the clock is set right */
    float misread, one_off, many_off;
    float lon_rad, lat_rad, cos_lat;
    uint64_t zones; /* bit i: inside ground.zones[i] */
    bool placed, moved, color_trusted;
    bool section_from, section_to;
};

/* All sites under one model. */
struct view {
    struct model *model;   /* referenced; NULL: before the first */
    int32_t day;           /* first civil day */
    struct site_row *rows; /* n + 1; row 0 stands for unknown sites */
    uint32_t n;
};

struct ground {
    struct site_table *sites; /* referenced; may be NULL */
    uint32_t *peers; /* by site: of a gantry its radio, of a radio its gantry; 0 none */
    uint32_t peers_n;
    struct view
        views[GROUND_MODELS + 1]; /* newest first; the last used one has no model */
    unsigned views_n;
    struct ban_zone *zones;
    size_t zones_n;
    struct geo_point *zone_points;
    struct ban_permit *permits; /* by plate */
    size_t permits_n;
    struct speed_section *sections;
    size_t sections_n;
};

enum err ground_init(struct ground *g) MUST_USE;
void ground_release(struct ground *g);
enum err ground_set_sites(struct ground *g, struct site_table *sites) MUST_USE;
enum err ground_set_model(struct ground *g, struct model *m) MUST_USE;
enum err ground_set_places(
    struct ground *g, const struct ban_zone *zones, size_t zones_n,
    const struct ban_permit *permits, size_t permits_n,
    const struct speed_section *sections, size_t sections_n) MUST_USE;

/* The view of a civil day: never NULL. */
const struct view *ground_view(const struct ground *g, int32_t day);

static inline const struct site_row *
view_site(const struct view *v, uint32_t site)
{
    return &v->rows[site <= v->n ? site : 0];
}

/* The other half of a gantry; 0: the site is none. */
static inline uint32_t
ground_peer(const struct ground *g, uint32_t site)
{
    return site < g->peers_n ? g->peers[site] : 0;
}

/* Straight-line metres; 0 when one of them has no usable position. */
double view_dist_m(const struct view *v, uint32_t a, uint32_t b);
/* The least time from a to b that is not yet called impossible: `margin` of the learned
 * minimum, at most the straight line at a fair speed; where nothing is learned, the
 * straight line at max_kmh, less what a position may be wrong by. 0 where a position is
 * missing or not believed. */
double view_least_ms(
    const struct view *v, uint32_t a, uint32_t b, double margin, double max_kmh);

bool ground_permitted(
    const struct ground *g, struct plate p, uint8_t plate_color, uint32_t zone,
    ts_ms at);
bool zone_names_class(const struct ban_zone *z, code3 vehicle_class);
/* Is the zone's ban in force at an instant of zone z? */
bool zone_open(const struct ban_zone *b, ts_ms at, const struct zone *z);

#endif
