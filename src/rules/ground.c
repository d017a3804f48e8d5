/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ground.h"

#include <math.h>
#include <stdlib.h>

#include "model/toll.h"

#define RADIAN_PER_E7 (M_PI / 180e7)
#define EARTH_RADIUS_M 6371008.8
/* Of the highest speed: still fair on a straight line through a city. */
#define FAIR_SHARE 0.6
/* Listed positions are wrong by so much now and then. */
#define SLACK_UNKNOWN_M 1000.0
#define SLACK_CHECKED_M 250.0 /* ... when travel times agree with them */

/* ---- views ---- */

static void
row_of_site(struct ground *g, struct view *v, uint32_t i)
{
    const struct site_model *m = model_site(v->model, (struct site_id){i});
    struct site_row *r = &v->rows[i];
    *r = (struct site_row){
        .offset_ms = m->offset_ms,
        .sd_ms = m->offset_sd_ms,
        .right = m->right,
        .misread = m->misread,
        .one_off = m->one_off,
        .many_off = m->many_off,
        .color_trusted = m->color_trusted,
        .moved = m->moved,
    };
    const struct site *s = g->sites ? site_get(g->sites, (struct site_id){i}) : NULL;
    if (!s || !site_is_placed(s))
        return;
    r->placed = true;
    r->lon_rad = (float)(s->lon * RADIAN_PER_E7);
    r->lat_rad = (float)(s->lat * RADIAN_PER_E7);
    r->cos_lat = cosf(r->lat_rad);
    for (size_t z = 0; z < g->zones_n && !r->moved; z++)
        if (geo_ring_holds(g->zones[z].ring, (struct geo_point){s->lon, s->lat}))
            r->zones |= UINT64_C(1) << z;
}

static enum err
fill_view(struct ground *g, struct view *v)
{
    uint32_t n = g->sites ? g->sites->n : 0;
    struct site_row *rows = calloc((size_t)n + 1, sizeof *rows);
    if (!rows)
        return ERR_NOMEM;
    free(v->rows);
    v->rows = rows;
    v->n = n;
    for (uint32_t i = 0; i <= n; i++)
        row_of_site(g, v, i);
    for (size_t i = 0; i < g->sections_n; i++) {
        if (g->sections[i].from.v <= n)
            rows[g->sections[i].from.v].section_from = true;
        if (g->sections[i].to.v <= n)
            rows[g->sections[i].to.v].section_to = true;
    }
    return OK;
}

static enum err
fill_views(struct ground *g)
{
    for (unsigned i = 0; i < g->views_n; i++) {
        enum err e = fill_view(g, &g->views[i]);
        if (e)
            return e;
    }
    return OK;
}

enum err
ground_init(struct ground *g)
{
    *g = (struct ground){.views_n = 1};
    g->views[0].day = INT32_MIN;
    return fill_view(g, &g->views[0]);
}

static void
release_places(struct ground *g)
{
    free(g->zones);
    free(g->zone_points);
    free(g->permits);
    free(g->sections);
    g->zones = NULL;
    g->zone_points = NULL;
    g->permits = NULL;
    g->sections = NULL;
    g->zones_n = g->permits_n = g->sections_n = 0;
}

void
ground_release(struct ground *g)
{
    for (unsigned i = 0; i < g->views_n; i++) {
        free(g->views[i].rows);
        model_unref(g->views[i].model);
    }
    release_places(g);
    free(g->peers);
    site_table_unref(g->sites);
    *g = (struct ground){0};
}

/* Which sites are a gantry's cameras and radio: their codes say so. */
static enum err
find_peers(struct ground *g, const struct site_table *sites)
{
    uint32_t n = sites ? sites->n + 1 : 1;
    uint32_t *peers = calloc(n, sizeof *peers);
    if (!peers)
        return ERR_NOMEM;
    for (uint32_t i = 1; i < n; i++) {
        const struct site *s = site_get(sites, (struct site_id){i});
        struct span code;
        if (!s || !rsu_code(span_cstr(s->code), &code))
            continue;
        uint32_t gantry = site_find(sites, code).v;
        if (!gantry)
            continue;
        peers[i] = gantry;
        peers[gantry] = i;
    }
    free(g->peers);
    g->peers = peers;
    g->peers_n = n;
    return OK;
}

enum err
ground_set_sites(struct ground *g, struct site_table *sites)
{
    enum err e = find_peers(g, sites);
    if (e)
        return e;
    struct site_table *old = g->sites;
    g->sites = sites ? site_table_ref(sites) : NULL;
    site_table_unref(old);
    return fill_views(g);
}

enum err
ground_set_model(struct ground *g, struct model *m)
{
    unsigned at = 0;
    while (at < g->views_n && g->views[at].day > model_day(m))
        at++;
    if (g->views[at].day == model_day(m) && g->views[at].model) {
        model_unref(g->views[at].model); /* the same day again: the newer number wins */
        g->views[at].model = model_ref(m);
        return fill_view(g, &g->views[at]);
    }
    struct view fresh = {.model = model_ref(m), .day = model_day(m)};
    enum err e = fill_view(g, &fresh);
    if (e) {
        model_unref(m);
        return e;
    }
    /* The last view (no model) stays; of those with one the oldest goes. */
    if (g->views_n == GROUND_MODELS + 1) {
        struct view *oldest = &g->views[GROUND_MODELS - 1];
        if (at >= GROUND_MODELS) {
            free(fresh.rows);
            model_unref(fresh.model);
            return OK;
        }
        free(oldest->rows);
        model_unref(oldest->model);
        memmove(
            &g->views[at + 1], &g->views[at],
            (GROUND_MODELS - 1 - at) * sizeof g->views[0]);
    } else {
        memmove(
            &g->views[at + 1], &g->views[at], (g->views_n - at) * sizeof g->views[0]);
        g->views_n++;
    }
    g->views[at] = fresh;
    return OK;
}

const struct view *
ground_view(const struct ground *g, int32_t day)
{
    unsigned i = 0;
    while (i + 1 < g->views_n && g->views[i].day > day)
        i++;
    return &g->views[i];
}

/* ---- travel ---- */

double
view_dist_m(const struct view *v, uint32_t a, uint32_t b)
{
    const struct site_row *x = view_site(v, a), *y = view_site(v, b);
    if (!x->placed || !y->placed || x->moved || y->moved)
        return 0;
    double dy = (double)y->lat_rad - x->lat_rad;
    double dx = ((double)y->lon_rad - x->lon_rad) * (x->cos_lat + y->cos_lat) / 2;
    return EARTH_RADIUS_M * sqrt(dx * dx + dy * dy);
}

/* The learned minimum is a way along sites that vehicles were seen to take; where few
 * were seen it is a detour, so it never counts for more than the straight line at a
 * fair speed. */
double
view_least_ms(
    const struct view *v, uint32_t a, uint32_t b, double margin, double max_kmh)
{
    if (a == b)
        return 0;
    uint32_t learned =
        v->model ? model_least_ms(v->model, (struct site_id){a}, (struct site_id){b})
                 : 0;
    double slack = v->model ? SLACK_CHECKED_M : SLACK_UNKNOWN_M;
    double dist = view_dist_m(v, a, b) - slack;
    if (dist <= 0)
        return 0;
    double kmh = learned ? max_kmh * FAIR_SHARE : max_kmh;
    double straight = dist / (kmh / 3600);
    return learned && learned * margin < straight ? learned * margin : straight;
}

/* ---- zones and permits ---- */

static int
by_plate(const void *a, const void *b)
{
    const struct ban_permit *x = a, *y = b;
    return x->plate.v < y->plate.v ? -1 : x->plate.v > y->plate.v;
}

static enum err
copy_zones(struct ground *g, const struct ban_zone *zones, size_t n)
{
    size_t points = 0;
    for (size_t i = 0; i < n; i++)
        points += zones[i].ring.n;
    g->zones = malloc((n + 1) * sizeof *g->zones);
    g->zone_points = malloc((points + 1) * sizeof *g->zone_points);
    if (!g->zones || !g->zone_points)
        return ERR_NOMEM;
    struct geo_point *at = g->zone_points;
    for (size_t i = 0; i < n; i++) {
        g->zones[i] = zones[i];
        if (zones[i].ring.n)
            memcpy(at, zones[i].ring.points, zones[i].ring.n * sizeof *at);
        g->zones[i].ring.points = at;
        at += zones[i].ring.n;
    }
    g->zones_n = n;
    return OK;
}

enum err
ground_set_places(
    struct ground *g, const struct ban_zone *zones, size_t zones_n,
    const struct ban_permit *permits, size_t permits_n,
    const struct speed_section *sections, size_t sections_n)
{
    if (zones_n > ZONES_MAX)
        return ERR_TOOBIG;
    release_places(g);
    enum err e = copy_zones(g, zones, zones_n);
    g->permits = malloc((permits_n + 1) * sizeof *g->permits);
    g->sections = malloc((sections_n + 1) * sizeof *g->sections);
    if (e || !g->permits || !g->sections) {
        release_places(g);
        return ERR_NOMEM;
    }
    if (permits_n)
        memcpy(g->permits, permits, permits_n * sizeof *permits);
    qsort(g->permits, permits_n, sizeof *permits, by_plate);
    g->permits_n = permits_n;
    if (sections_n)
        memcpy(g->sections, sections, sections_n * sizeof *sections);
    g->sections_n = sections_n;
    return fill_views(g);
}

bool
ground_permitted(
    const struct ground *g, struct plate p, uint8_t plate_color, uint32_t zone,
    ts_ms at)
{
    size_t lo = 0, hi = g->permits_n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (g->permits[mid].plate.v < p.v)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < g->permits_n && g->permits[lo].plate.v == p.v; lo++) {
        const struct ban_permit *b = &g->permits[lo];
        bool colour = !b->plate_color || !plate_color || b->plate_color == plate_color;
        if (colour && (!b->zone || b->zone == zone) && at >= b->from_ms &&
            (!b->to_ms || at < b->to_ms))
            return true;
    }
    return false;
}

bool
zone_names_class(const struct ban_zone *z, code3 vehicle_class)
{
    char text[CODE3_TEXT];
    code3_format(text, vehicle_class);
    if (z->classes_n == 0)
        return class_is_truck(vehicle_class);
    for (unsigned i = 0; i < z->classes_n; i++) {
        size_t n = strlen(z->classes[i]);
        if (text[0] && strncmp(text, z->classes[i], n) == 0)
            return true;
    }
    return false;
}

static bool
window_open(const struct zone_hours *w, int minute, int weekday)
{
    uint8_t days = w->days ? w->days : 127;
    unsigned today = 1u << (weekday - 1), yesterday = 1u << (weekday + 5) % 7;
    if (w->from_min < w->to_min)
        return (days & today) && minute >= w->from_min && minute < w->to_min;
    return ((days & today) && minute >= w->from_min) ||
           ((days & yesterday) && minute < w->to_min);
}

bool
zone_open(const struct ban_zone *b, ts_ms at, const struct zone *z)
{
    if (at < b->from_ms || (b->to_ms && at >= b->to_ms))
        return false;
    if (b->windows_n == 0)
        return true;
    int minute = (int)(civil_ms_of_day(at, z) / MINUTE_MS);
    int weekday =
        (int)(((civil_day(at, z) + 3) % 7 + 7) % 7) + 1; /* day 0 was a Thursday */
    for (unsigned i = 0; i < b->windows_n; i++)
        if (window_open(&b->windows[i], minute, weekday))
            return true;
    return false;
}
