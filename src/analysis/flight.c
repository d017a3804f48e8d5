/* SPDX-License-Identifier: Apache-2.0 */
/* Which sites, which passes, in order of vehicle and true time; flight_link.c and
 * flight_rank.c do the rest. */
#include "analysis/flight.h"

#include <stdlib.h>

#include "analysis/flight_own.h"
#include "geo/point.h"

#define AGAIN_MS (30 * SECOND_MS) /* the same site twice within this: one pass */

const struct flight_reason_row flight_reasons[FLIGHT_REASONS] = {
    {"place", "位置", "place"},        {"time", "时间", "time"},
    {"late", "行程偏长", "late"},      {"gone", "下游未见", "not seen on"},
    {"class", "车型", "class"},        {"color", "颜色", "colour"},
    {"brand", "品牌", "brand"},        {"plate", "号牌", "plate"},
    {"change", "状态变化", "changed"},
};
const struct flight_reason_row flight_steps[FLIGHT_STEPS] = {
    {"around", "周边过车", "read around the place"},
    {"there", "时空可达", "can have been there"},
    {"fits", "外观不矛盾", "look not contradicted"},
    {"number", "号牌不矛盾", "plate not contradicted"},
    {"striking", "行程或状态异常", "late, gone or changed"},
};

/* ---- which sites ---- */

static int
by_distance(const void *a, const void *b)
{
    const struct flight_place *x = a, *y = b;
    if (x->dist_m != y->dist_m)
        return x->dist_m < y->dist_m ? -1 : 1;
    return x->id.v < y->id.v ? -1 : x->id.v > y->id.v;
}

static enum err
choose_sites(struct flight_work *w, struct note *note)
{
    const struct site_table *t = w->needs->sites;
    struct geo_point here = {w->ask->lon, w->ask->lat};
    size_t n = 0;
    struct flight_place *all = arena_array(w->arena, t->n + 1, sizeof *all);
    if (!all)
        return ERR_TOOBIG;
    for (uint32_t i = 1; i <= t->n; i++) {
        const struct site *s = &t->rows[i];
        double m = geo_dist_m(here, (struct geo_point){s->lon, s->lat});
        if (site_is_placed(s) && m <= FLIGHT_NEAR_M)
            all[n++] = (struct flight_place){.id = s->id, .dist_m = m, .site = s};
    }
    if (n < 2)
        return note_set(
            note, ERR_INPUT, "lon",
            "fewer than two sites stand within 5 km of this place",
            "该位置 5 公里内点位不足两个");
    qsort(all, n, sizeof *all, by_distance);
    w->places_n = n < FLIGHT_SITES ? n : FLIGHT_SITES;
    for (size_t i = 0; i < w->places_n; i++) {
        struct analysis_learned learned;
        w->place[i] = all[i];
        w->needs->learned(w->needs->ctx, all[i].id, &learned);
        w->place[i].offset_ms = learned.offset_ms;
        w->place[i].sd_ms = learned.offset_sd_ms;
    }
    return OK;
}

/* ---- which passes ---- */

static int
by_vehicle(const void *a, const void *b)
{
    const struct flight_hit *x = a, *y = b;
    if (x->plate != y->plate)
        return x->plate < y->plate ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static int
by_time(const void *a, const void *b)
{
    const struct flight_hit *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static size_t
fold_again(struct flight_hit *h, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = k && h[k - 1].plate == h[i].plate && h[k - 1].site == h[i].site &&
                     h[i].at - h[k - 1].at < AGAIN_MS;
        if (!again)
            h[k++] = h[i];
    }
    return k;
}

static enum err
read_passes(struct flight_work *w)
{
    struct site_id ids[FLIGHT_SITES];
    struct analysis_rows rows;
    const struct analysis_filter all = {0};
    uint16_t *index = arena_array(w->arena, w->needs->sites->n + 1, sizeof *index);
    if (!index)
        return ERR_TOOBIG;
    for (size_t i = 0; i < w->places_n; i++) {
        ids[i] = w->place[i].id;
        index[ids[i].v] = (uint16_t)i;
    }
    enum err e = w->needs->by_place(
        w->needs->ctx, ids, w->places_n, &all, w->read_from, w->read_to, 0, w->arena,
        &rows);
    if (e != OK)
        return e;
    w->hit = arena_array(w->arena, rows.n + 1, sizeof *w->hit);
    w->blank = arena_array(w->arena, rows.n + 1, sizeof *w->blank);
    if (!w->hit || !w->blank)
        return ERR_TOOBIG;
    for (size_t i = 0; i < rows.n; i++) {
        const struct sighting *s = &rows.rows[i];
        unsigned at = index[s->site.v];
        struct flight_hit h = {
            s->plate.v, s->pass_ms - (ts_ms)w->place[at].offset_ms, s, (uint16_t)at};
        w->place[at].passes++;
        if (plate_is_exact(s->plate))
            w->hit[w->hits_n++] = h;
        else
            w->blank[w->blanks_n++] = h;
    }
    if (w->hits_n > 1)
        qsort(w->hit, w->hits_n, sizeof *w->hit, by_vehicle);
    if (w->blanks_n > 1)
        qsort(w->blank, w->blanks_n, sizeof *w->blank, by_time);
    w->hits_n = fold_again(w->hit, w->hits_n);
    return OK;
}

/* ---- the whole ---- */

static enum err
tell_sites(const struct flight_work *w, struct flight *out)
{
    out->sites_n = w->places_n;
    out->sites = arena_array(w->arena, w->places_n + 1, sizeof *out->sites);
    if (!out->sites)
        return ERR_TOOBIG;
    for (size_t i = 0; i < w->places_n; i++) {
        struct analysis_learned learned;
        w->needs->learned(w->needs->ctx, w->place[i].id, &learned);
        out->sites[i] = (struct flight_site){
            w->place[i].id, (uint32_t)w->place[i].dist_m, w->place[i].passes,
            (float)learned.unread};
    }
    return OK;
}

static enum err
check(const struct flight_ask *ask, struct note *note)
{
    if (ask->to <= ask->from)
        return note_set(
            note, ERR_INPUT, "to_ms", "the span ends before it begins",
            "时段的结束早于开始");
    if (ask->to - ask->from > FLIGHT_SPAN_MS)
        return note_set(
            note, ERR_INPUT, "to_ms",
            "at most two hours: say as closely as you can when it happened",
            "时段至多两小时：请尽量准确给出案发时间");
    return OK;
}

enum err
flight_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    const struct flight_ask *ask, struct arena *arena, struct flight *out,
    struct note *note)
{
    struct flight f = {0};
    struct flight_work *w = ARENA_NEW(arena, struct flight_work);
    if (!w)
        return ERR_TOOBIG;
    *w = (struct flight_work){.needs = needs, .ask = ask, .arena = arena};
    w->read_from = ask->from - FLIGHT_REACH_MS;
    w->read_to = ask->to + FLIGHT_REACH_MS;
    enum err e =
        look_permit_covers(permit, LOOK_ANALYSIS, w->read_from, w->read_to, note);
    if (e == OK)
        e = check(ask, note);
    if (e == OK)
        e = choose_sites(w, note);
    if (e == OK)
        e = read_passes(w);
    if (e == OK)
        e = flight_links_make(w);
    if (e == OK)
        e = flight_rank(w, &f);
    if (e == OK)
        e = tell_sites(w, &f);
    if (e == OK)
        e = coverage_of(needs, w->read_from, w->read_to, arena, &f.coverage);
    f.unread = (uint32_t)w->blanks_n;
    if (e == OK)
        *out = f;
    return e;
}
