/* SPDX-License-Identifier: Apache-2.0 */
/* Who travels with these vehicles (伴随车).
 *
 * Definition  a vehicle that on at least `trips` trips of `days` days passes the
 *             same sites within `gap_s`, at `sites` different ones in all, so often
 *             that the flow of the corridor does not explain it
 *             (analysis/together.h). Of those, as many are shown as keep the
 *             expected share of chance findings at most `chance` (Benjamini and
 *             Hochberg over all vehicles that were near once).
 * Pitfalls    corridor: whoever drives the same way at the same hour is near every
 *             day; that is what p corrects for. A colleague on the same shift bus is
 *             a true companion and no accomplice. Misreads and holes lose meetings.
 * Source      the analytics catalogue (伴随车); the national query needs.
 * Cost        one look-up by plate; who was near at enough sites is asked of the store
 *             at once, and is mostly nobody; else one scan by place a pass of it.
 */
#include "analysis/plate_set.h"
#include "analysis/question.h"
#include "analysis/together.h"

#include <stdlib.h>

enum { PLATES, GAP, TRIPS, DAYS, LEAST, CHANCE };
static const struct question_param params[] = {
    [PLATES] = {"plates", ASK_PLATES, true, 1, 64, NULL, "", NULL, "号牌", "plates"},
    [GAP] =
        {"gap_s", ASK_NUMBER, false, 5, 600, "60", "s", NULL, "同点位相隔至多",
         "apart at a site at most"},
    [TRIPS] =
        {"trips", ASK_NUMBER, false, 1, 1000, "3", "", NULL, "同行次数至少",
         "trips together at least"},
    [DAYS] =
        {"days", ASK_NUMBER, false, 1, 31, "2", "d", NULL, "同行天数至少",
         "on so many days at least"},
    [LEAST] =
        {"sites", ASK_NUMBER, false, 1, 100, "3", "", NULL, "共同点位至少",
         "at so many different sites at least"},
    [CHANCE] =
        {"chance", ASK_NUMBER, false, 0.0001, 0.5, "0.05", "", NULL,
         "结果中偶然同行的期望占比", "expected share of chance findings"},
    {0},
};

enum { PLATE, OTHER, INSIDE, NEAR, ON, AT, OFFSET, P, EXPECTED, LAST_SITE, LAST };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [OTHER] = {"companion", COL_PLATE, "", "伴随车", "companion"},
    [INSIDE] = {"trips", COL_COUNT, "", "同行次数", "trips together"},
    [NEAR] = {"near", COL_COUNT, "", "同走廊次数", "trips on the same way"},
    [ON] = {"days", COL_COUNT, "d", "同行天数", "days"},
    [AT] = {"sites", COL_COUNT, "", "共同点位", "sites in common"},
    [OFFSET] =
        {"offset_s", COL_NUMBER, "s", "平均相隔（负为在前）",
         "mean offset (negative: ahead)"},
    [P] = {"p", COL_NUMBER, "", "p 值", "p-value"},
    [EXPECTED] =
        {"expected", COL_NUMBER, "", "偶然同行的期望车数",
         "vehicles expected by chance"},
    [LAST_SITE] = {"last_site", COL_SITE, "", "最近同行点位", "last site together"},
    [LAST] = {"last_ms", COL_TIME, "", "最近同行时间", "last time together"},
    {0},
};

/* One pass of another vehicle at a site of ours, within the half hour. */
struct meeting {
    struct plate plate;
    uint32_t trip, pass; /* of ours */
    int32_t offset_ms;
};
struct trip {
    uint64_t inside, near; /* passes of everybody */
    int64_t day;
};
struct found {
    struct plate plate;
    uint32_t trips, near, days, sites, last; /* last: our pass */
    double offset_ms, p;
};
struct work {
    struct question_call *c;
    struct arena *arena;       /* of one plate */
    struct arena *short_lived; /* of one pass of it */
    const struct sighting *own;
    size_t own_n;
    struct trip *trip;
    uint32_t *trip_of; /* by pass */
    size_t trips;
    struct plate_set near; /* at enough sites: only these can be found */
    struct plate_set tested;
    struct meeting *meet; /* of those who can be found */
    size_t meet_n, meet_room;
    struct found *found;
    size_t found_n, found_room;
    double *chance; /* scratch: q of the trips */
    int32_t gap_ms;
};

static int
by_vehicle(const void *x, const void *y)
{
    const struct meeting *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    if (a->pass != b->pass)
        return a->pass < b->pass ? -1 : 1;
    int32_t da = abs(a->offset_ms), db = abs(b->offset_ms);
    return (da > db) - (da < db);
}

static int
by_p(const void *x, const void *y)
{
    const struct found *a = x, *b = y;
    if (a->p < b->p || a->p > b->p)
        return a->p < b->p ? -1 : 1;
    if (a->trips != b->trips)
        return a->trips > b->trips ? -1 : 1;
    return (a->plate.v > b->plate.v) - (a->plate.v < b->plate.v);
}

static enum err
cut_trips(struct work *w)
{
    w->trip = arena_array(w->arena, w->own_n + 1, sizeof *w->trip);
    w->trip_of = arena_array(w->arena, w->own_n + 1, sizeof *w->trip_of);
    w->chance = arena_array(w->arena, w->own_n + 1, sizeof *w->chance);
    if (!w->trip || !w->trip_of || !w->chance)
        return ERR_TOOBIG;
    for (size_t i = 0; i < w->own_n; i++) {
        if (i == 0 || w->own[i].pass_ms - w->own[i - 1].pass_ms > TOGETHER_TRIP_MS)
            w->trip[w->trips++].day = civil_day(w->own[i].pass_ms, w->c->zone);
        w->trip_of[i] = (uint32_t)(w->trips - 1);
    }
    return OK;
}

/* Who passed enough of our sites within the gap. */
static enum err
find_near(struct work *w)
{
    const struct question_call *c = w->c;
    struct plate *near;
    size_t n;
    struct analysis_pass *at = arena_array(w->short_lived, w->own_n + 1, sizeof *at);
    if (!at)
        return ERR_TOOBIG;
    for (size_t i = 0; i < w->own_n; i++)
        at[i] =
            (struct analysis_pass){w->own[i].pass_ms, w->own[i].plate, w->own[i].site};
    enum err e = c->needs->near(
        c->needs->ctx, at, w->own_n, w->gap_ms, (uint32_t)c->v[LEAST].number,
        w->short_lived, &near, &n);
    for (size_t i = 0; e == OK && i < n; i++)
        if (plate_is_exact(near[i]) && !plate_eq(near[i], w->own[0].plate) &&
            !plate_set_add(&w->near, w->arena, near[i]))
            e = ERR_TOOBIG;
    return e;
}

/* Everybody around one pass of ours. */
static enum err
meet(struct work *w, size_t i)
{
    struct question_call *c = w->c;
    const struct sighting *own = &w->own[i];
    struct trip *trip = &w->trip[w->trip_of[i]];
    struct analysis_pass *pass;
    size_t n;
    void *p;
    ts_ms from = own->pass_ms - TOGETHER_NEAR_MS, to = own->pass_ms + TOGETHER_NEAR_MS;
    enum err e = c->needs->passes(
        c->needs->ctx, &own->site, 1, from > c->from ? from : c->from,
        to < c->to ? to : c->to, w->short_lived, &pass, &n);
    for (size_t k = 0; e == OK && k < n; k++) {
        int32_t offset = (int32_t)(pass[k].pass_ms - own->pass_ms);
        if (plate_eq(pass[k].plate, own->plate))
            continue;
        trip->near++;
        trip->inside += abs(offset) <= w->gap_ms;
        if (!plate_is_exact(pass[k].plate))
            continue;
        if (!plate_set_add(&w->tested, w->arena, pass[k].plate))
            return ERR_TOOBIG;
        if (!plate_set_has(&w->near, pass[k].plate))
            continue;
        p = w->meet;
        if (!question_grow(w->arena, &p, &w->meet_room, w->meet_n, sizeof *w->meet))
            return ERR_TOOBIG;
        w->meet = p;
        w->meet[w->meet_n++] =
            (struct meeting){pass[k].plate, w->trip_of[i], (uint32_t)i, offset};
    }
    return e;
}

/* The chance of being inside, given near: the flow of the corridor without the vehicle
 * in question (it would hide itself on a thin road). An even flow weighs as much as so
 * many passes, since a few passes say little, and is the least. */
#define EVEN_PASSES 20

static double
chance_of(const struct work *w, const struct trip *t, size_t shared, size_t inside)
{
    double even = (double)w->gap_ms / (double)TOGETHER_NEAR_MS;
    double near = (double)(t->near - shared) + EVEN_PASSES;
    double q = ((double)(t->inside - inside) + EVEN_PASSES * even) / near;
    return q > even ? (q < 1 ? q : 1) : even;
}

/* Is the site of this pass among those of the passes marked before it? */
static bool
new_site(const struct work *w, const uint32_t *pass, size_t n, uint32_t site)
{
    for (size_t i = 0; i < n; i++)
        if (w->own[pass[i]].site.v == site)
            return false;
    return true;
}

#define SITES_COUNTED 128

/* One vehicle's meetings lo..hi: trips near and inside, the tail. */
static enum err
judge(struct work *w, size_t lo, size_t hi)
{
    uint32_t at[SITES_COUNTED];
    struct found f = {.plate = w->meet[lo].plate};
    size_t sites = 0, offsets = 0;
    double sum = 0;
    int64_t day = INT64_MIN;
    for (size_t a = lo, b; a < hi; a = b) { /* a trip */
        size_t shared = 0, inside = 0;
        uint32_t trip = w->meet[a].trip;
        for (b = a; b < hi && w->meet[b].trip == trip; b++) {
            if (b > a && w->meet[b].pass == w->meet[b - 1].pass)
                continue; /* the nearest one of a pass counts */
            shared++;
            inside += abs(w->meet[b].offset_ms) <= w->gap_ms;
        }
        w->chance[f.near++] = chance_of(w, &w->trip[trip], shared, inside);
        if (inside == 0 || inside * 2 < shared)
            continue;
        f.trips++;
        f.days += w->trip[trip].day != day;
        day = w->trip[trip].day;
        for (size_t k = a; k < b; k++) {
            const struct meeting *m = &w->meet[k];
            if ((k > a && m->pass == m[-1].pass) || abs(m->offset_ms) > w->gap_ms)
                continue;
            sum += m->offset_ms;
            offsets++;
            f.last = m->pass;
            if (sites < SITES_COUNTED && new_site(w, at, sites, w->own[m->pass].site.v))
                at[sites++] = m->pass;
        }
    }
    const struct question_value *v = w->c->v;
    if (f.trips < v[TRIPS].number || f.days < v[DAYS].number ||
        (double)sites < v[LEAST].number)
        return OK;
    f.sites = (uint32_t)sites;
    f.offset_ms = sum / (double)offsets;
    f.p = together_tail(w->chance, f.near, f.trips);
    void *p = w->found;
    if (!question_grow(w->arena, &p, &w->found_room, w->found_n, sizeof f))
        return ERR_TOOBIG;
    w->found = p;
    w->found[w->found_n++] = f;
    return OK;
}

static enum err
say(struct work *w, struct plate plate)
{
    enum err e = OK;
    double *p = arena_array(w->arena, w->found_n + 1, sizeof *p);
    if (!p)
        return ERR_TOOBIG;
    if (w->found_n)
        qsort(w->found, w->found_n, sizeof *w->found, by_p);
    for (size_t i = 0; i < w->found_n; i++)
        p[i] = w->found[i].p;
    size_t n = together_chosen(p, w->found_n, w->tested.n, w->c->v[CHANCE].number);
    for (size_t i = 0; i < n; i++) {
        const struct found *f = &w->found[i];
        union question_cell *row = question_row(w->c, &e);
        if (!row)
            return e;
        row[PLATE].plate = plate;
        row[OTHER].plate = f->plate;
        row[INSIDE].n = f->trips;
        row[NEAR].n = f->near;
        row[ON].n = f->days;
        row[AT].n = f->sites;
        row[OFFSET].x = f->offset_ms / 1000;
        row[P].x = f->p;
        row[EXPECTED].x = f->p * (double)w->tested.n;
        row[LAST_SITE].site = w->own[f->last].site;
        row[LAST].at = w->own[f->last].pass_ms;
    }
    return OK;
}

#define OWN_MAX 20000

static enum err
companions_of(
    struct question_call *c, struct plate plate, struct arena *arena,
    struct arena *short_lived)
{
    struct work w = {
        .c = c,
        .arena = arena,
        .short_lived = short_lived,
        .gap_ms = (int32_t)(c->v[GAP].number * 1000)};
    struct analysis_rows rows;
    enum err e =
        c->needs->by_plate(c->needs->ctx, plate, c->from, c->to, OWN_MAX, arena, &rows);
    if (e != OK || rows.n == 0)
        return e;
    w.own = rows.rows;
    w.own_n = rows.n;
    e = cut_trips(&w);
    if (e == OK)
        e = find_near(&w);
    if (e != OK || w.near.n == 0)
        return e;
    for (size_t i = 0; e == OK && i < w.own_n; i++) {
        arena_reset(short_lived);
        e = meet(&w, i);
    }
    if (e != OK)
        return e;
    if (w.meet_n)
        qsort(w.meet, w.meet_n, sizeof *w.meet, by_vehicle);
    for (size_t lo = 0, hi; e == OK && lo < w.meet_n; lo = hi) {
        for (hi = lo; hi < w.meet_n && plate_eq(w.meet[hi].plate, w.meet[lo].plate);)
            hi++;
        e = judge(&w, lo, hi);
    }
    return e == OK ? say(&w, plate) : e;
}

static enum err
answer(struct question_call *c)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < c->v[PLATES].n; i++) {
        struct arena arena, short_lived;
        arena_init(&arena, c->arena->cap);
        arena_init(&short_lived, c->arena->cap);
        e = companions_of(c, c->v[PLATES].plates[i], &arena, &short_lived);
        arena_release(&arena);
        arena_release(&short_lived);
    }
    return e;
}

const struct question question_companions = {
    .name = "companions",
    .title = {"伴随车", "companions"},
    .what =
        {"与所给车辆多次同时经过相同点位、且不能以走廊车流解释的车辆",
         "vehicles that pass the same sites with the given ones, more often than the "
         "flow of the corridor explains"},
    .pitfall =
        {"同路通勤者天天相近，p 值即为此校正；班车上的同事是真伴随而非同伙",
         "whoever drives the same way at the same hour is near every day, which "
         "is what p corrects for; a colleague on the same shift is a true "
         "companion and no accomplice"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 120,
    .answer = answer,
};
