/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of one plate are few and sorted by time: the camera's is sought next to the
 * radio's. */
#include "analysis/points.h"

#include "model/toll.h"

#include <stdlib.h>

struct points {
    struct analysis_needs needs; /* as asked */
    const struct analysis_needs *store;
    struct arena *arena;
    uint32_t n;
    uint32_t *gantry; /* by site: the gantry of a radio, 0 of everything else */
    /* reads of one plate, folded */
    ts_ms *at;
    uint32_t *site;
    size_t room;
};
struct reading {
    struct points *p;
    analysis_reads_fn fn;
    void *arg;
};

static uint32_t
gantry_of(const struct points *p, uint32_t site)
{
    return site <= p->n ? p->gantry[site] : 0;
}

/* ---- one plate ---- */

static bool
camera_near(const ts_ms *at, const uint32_t *site, size_t n, size_t i, uint32_t gantry)
{
    for (size_t k = i; k-- > 0 && at[i] - at[k] <= POINT_MS;)
        if (site[k] == gantry)
            return true;
    for (size_t k = i + 1; k < n && at[k] - at[i] <= POINT_MS; k++)
        if (site[k] == gantry)
            return true;
    return false;
}

static bool
reads_room(struct points *p, size_t n)
{
    if (n <= p->room)
        return true;
    size_t room = p->room ? p->room : 1024;
    while (room < n)
        room *= 2;
    ts_ms *at = arena_array(p->arena, room, sizeof *at);
    uint32_t *site = arena_array(p->arena, room, sizeof *site);
    if (!at || !site)
        return false;
    p->at = at;
    p->site = site;
    p->room = room;
    return true;
}

static enum err
one(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    const struct reading *r = arg;
    struct points *p = r->p;
    size_t first = 0, kept = 0;
    while (first < n && !gantry_of(p, site[first]))
        first++;
    if (first == n)
        return r->fn(r->arg, plate, at, site, n);
    if (!reads_room(p, n))
        return ERR_TOOBIG;
    for (size_t i = 0; i < n; i++) {
        uint32_t gantry = gantry_of(p, site[i]);
        if (gantry && camera_near(at, site, n, i, gantry))
            continue;
        p->at[kept] = at[i];
        p->site[kept++] = gantry ? gantry : site[i];
    }
    return r->fn(r->arg, plate, p->at, p->site, kept);
}

static enum err
reads(void *ctx, ts_ms from, ts_ms to, analysis_reads_fn fn, void *arg)
{
    struct points *p = ctx;
    struct reading r = {p, fn, arg};
    return p->store->reads(p->store->ctx, from, to, one, &r);
}

static bool
row_near(const struct sighting *row, size_t n, size_t i, uint32_t gantry)
{
    for (size_t k = i; k-- > 0 && row[i].pass_ms - row[k].pass_ms <= POINT_MS;)
        if (row[k].site.v == gantry)
            return true;
    for (size_t k = i + 1; k < n && row[k].pass_ms - row[i].pass_ms <= POINT_MS; k++)
        if (row[k].site.v == gantry)
            return true;
    return false;
}

static enum err
by_plate(
    void *ctx, struct plate plate, ts_ms from, ts_ms to, size_t limit,
    struct arena *arena, struct analysis_rows *out)
{
    const struct points *p = ctx;
    enum err e = p->store->by_plate(p->store->ctx, plate, from, to, limit, arena, out);
    bool *gone = e == OK ? arena_array(arena, out->n + 1, sizeof *gone) : NULL;
    size_t kept = 0;
    if (!gone)
        return e == OK ? ERR_TOOBIG : e;
    for (size_t i = 0; i < out->n; i++) {
        uint32_t gantry = gantry_of(p, out->rows[i].site.v);
        gone[i] = gantry && row_near(out->rows, out->n, i, gantry);
    }
    for (size_t i = 0; i < out->n; i++) {
        uint32_t gantry = gantry_of(p, out->rows[i].site.v);
        if (gone[i])
            continue;
        out->rows[kept] = out->rows[i];
        if (gantry)
            out->rows[kept].site.v = gantry;
        kept++;
    }
    out->n = kept;
    return OK;
}

/* ---- some sites ---- */

static bool
asked_for(const struct site_id *sites, size_t n, uint32_t site)
{
    bool in = n == 0;
    for (size_t i = 0; i < n && !in; i++)
        in = sites[i].v == site;
    return in;
}

static bool
pass_near(const struct analysis_pass *pass, size_t n, size_t i, uint32_t gantry)
{
    ts_ms at = pass[i].pass_ms;
    for (size_t k = i; k-- > 0 && at - pass[k].pass_ms <= POINT_MS;)
        if (pass[k].site.v == gantry && plate_eq(pass[k].plate, pass[i].plate))
            return true;
    for (size_t k = i + 1; k < n && pass[k].pass_ms - at <= POINT_MS; k++)
        if (pass[k].site.v == gantry && plate_eq(pass[k].plate, pass[i].plate))
            return true;
    return false;
}

static enum err
passes(
    void *ctx, const struct site_id *sites, size_t n, ts_ms from, ts_ms to,
    struct arena *arena, struct analysis_pass **out, size_t *out_n)
{
    const struct points *p = ctx;
    enum err e = p->store->passes(p->store->ctx, sites, n, from, to, arena, out, out_n);
    uint32_t *gantry = e == OK ? arena_array(arena, *out_n + 1, sizeof *gantry) : NULL;
    struct analysis_pass *pass = e == OK ? *out : NULL;
    size_t kept = 0;
    if (!gantry)
        return e == OK ? ERR_TOOBIG : e;
    for (size_t i = 0; i < *out_n; i++) {
        uint32_t g = gantry_of(p, pass[i].site.v);
        gantry[i] = g && asked_for(sites, n, g) ? g : 0;
        if (gantry[i] && pass_near(pass, *out_n, i, g))
            gantry[i] = UINT32_MAX; /* goes */
    }
    for (size_t i = 0; i < *out_n; i++) {
        if (gantry[i] == UINT32_MAX)
            continue;
        pass[kept] = pass[i];
        if (gantry[i])
            pass[kept].site.v = gantry[i];
        kept++;
    }
    *out_n = kept;
    return OK;
}

/* ---- the rest goes through ---- */

static enum err
by_place(
    void *ctx, const struct site_id *sites, size_t n,
    const struct analysis_filter *filter, ts_ms from, ts_ms to, size_t limit,
    struct arena *arena, struct analysis_rows *out)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    return s->by_place(s->ctx, sites, n, filter, from, to, limit, arena, out);
}

static enum err
flow(
    void *ctx, ts_ms from, ts_ms to, struct arena *arena, struct analysis_cell **out,
    size_t *n)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    return s->flow(s->ctx, from, to, arena, out, n);
}

static enum err
near(
    void *ctx, const struct analysis_pass *at, size_t n, int64_t within_ms,
    uint32_t sites_min, struct arena *arena, struct plate **out, size_t *out_n)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    return s->near(s->ctx, at, n, within_ms, sites_min, arena, out, out_n);
}

static enum err
days(
    void *ctx, const struct analysis_fit *fit, ts_ms from, ts_ms to,
    analysis_days_fn fn, void *arg)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    return s->days(s->ctx, fit, from, to, fn, arg);
}

static enum err
plates(
    void *ctx, const struct plate_pattern *pattern, ts_ms from, ts_ms to,
    struct arena *arena, struct analysis_count **out, size_t *n)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    return s->plates(s->ctx, pattern, from, to, arena, out, n);
}

static enum err
alarms(
    void *ctx, struct span rule, ts_ms from, ts_ms to, analysis_alarm_fn fn, void *arg)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    return s->alarms(s->ctx, rule, from, to, fn, arg);
}

static uint32_t
least_ms(void *ctx, struct site_id a, struct site_id b)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    return s->least_ms(s->ctx, a, b);
}

static void
learned(void *ctx, struct site_id site, struct analysis_learned *out)
{
    const struct analysis_needs *s = ((const struct points *)ctx)->store;
    s->learned(s->ctx, site, out);
}

/* How many radios have their gantry in the table. */
static uint32_t
find_radios(struct points *p, const struct site_table *t)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i <= p->n; i++) {
        struct span code;
        if (t->rows[i].kind != SITE_RSU || !rsu_code(span_cstr(t->rows[i].code), &code))
            continue;
        p->gantry[i] = site_find(t, code).v;
        found += p->gantry[i] != 0;
    }
    return found;
}

enum err
points_open(
    const struct analysis_needs *needs, struct arena *arena,
    const struct analysis_needs **out)
{
    struct points *p = ARENA_NEW(arena, struct points);
    *out = needs;
    if (!p)
        return ERR_TOOBIG;
    p->store = needs;
    p->arena = arena;
    p->n = needs->sites->n;
    p->gantry = arena_array(arena, (size_t)p->n + 1, sizeof *p->gantry);
    if (!p->gantry)
        return ERR_TOOBIG;
    if (!find_radios(p, needs->sites))
        return OK;
    p->needs = *needs;
    p->needs.ctx = p;
    p->needs.by_plate = by_plate;
    p->needs.by_place = by_place;
    p->needs.flow = flow;
    p->needs.passes = passes;
    p->needs.near = near;
    p->needs.reads = reads;
    p->needs.days = days;
    p->needs.plates = plates;
    p->needs.alarms = alarms;
    p->needs.least_ms = least_ms;
    p->needs.learned = learned;
    *out = &p->needs;
    return OK;
}
