/* SPDX-License-Identifier: Apache-2.0 */
/* Which vehicles travel in convoy (车队), among all.
 *
 * Definition  two vehicles that on at least `days` days drive the same way, site to
 *             next site, at least `sites` times within `gap_s` at both ends, and so
 *             many trips together that sharing a corridor does not explain it
 *             (analysis/together.h); convoys are what such pairs join. Of the pairs
 *             as many are shown as keep the expected share of chance findings at
 *             most `chance`, over all pairs that met on one day.
 * Pitfalls    buses of a line and colleagues of one shift travel together truly; on
 *             a road where the flow comes in pulses behind a signal the five-minute
 *             flow is kind to chance, so ask `companions` about a pair that matters.
 * Source      the analytics catalogue (伴随车), sets without a given plate.
 * Cost        a scan by vehicle of each day and one of the window; memory for the ways
 *             of one day at a time and two bytes a pair and day (analysis/abreast.h).
 *             Pairs of all days that do not fit are worked off in slices of the plates,
 *             each of which reads all again.
 */
#include "analysis/question.h"
#include "analysis/together.h"
#include "analysis/trips.h"

#include <stdlib.h>

enum { GAP, SITES, DAYS, TRIPS, CHANCE };
static const struct question_param params[] = {
    [GAP] =
        {"gap_s", ASK_NUMBER, false, 5, 300, "60", "s", NULL, "相隔至多",
         "apart at most"},
    [SITES] =
        {"sites", ASK_NUMBER, false, 1, 50, "2", "", NULL, "每日共同路段至少",
         "ways in common a day at least"},
    [DAYS] =
        {"days", ASK_NUMBER, false, 2, 31, "2", "d", NULL, "天数至少",
         "on so many days at least"},
    [TRIPS] =
        {"trips", ASK_NUMBER, false, 2, 1000, "3", "", NULL, "同行次数至少",
         "trips together at least"},
    [CHANCE] =
        {"chance", ASK_NUMBER, false, 0.0001, 0.5, "0.05", "", NULL,
         "结果中偶然同行的期望占比", "expected share of chance findings"},
    {0},
};

enum { CONVOY, PLATE, MEMBERS, WITH, INSIDE, NEAR, ON, P, LAST_SITE, LAST };
static const struct question_column columns[] = {
    [CONVOY] = {"convoy", COL_COUNT, "", "车队序号", "convoy"},
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [MEMBERS] = {"members", COL_COUNT, "", "车队车数", "vehicles of the convoy"},
    [WITH] = {"with", COL_PLATE, "", "最紧密的同行车", "closest companion"},
    [INSIDE] = {"trips", COL_COUNT, "", "与其同行次数", "trips with it"},
    [NEAR] = {"near", COL_COUNT, "", "同走廊次数", "trips on the same way"},
    [ON] = {"days", COL_COUNT, "d", "同行天数", "days"},
    [P] = {"p", COL_NUMBER, "", "p 值", "p-value"},
    [LAST_SITE] = {"last_site", COL_SITE, "", "最近点位", "last site"},
    [LAST] = {"last_ms", COL_TIME, "", "最近时间", "last pass"},
    {0},
};

struct found {
    struct plate x, y;
    uint32_t trips, near, days;
    double p;
};
struct work {
    struct question_call *c;
    int32_t gap_ms;
    struct found *found;
    size_t found_n, found_room;
};

static int
by_p(const void *p, const void *q)
{
    const struct found *x = p, *y = q;
    if (x->p < y->p || x->p > y->p)
        return x->p < y->p ? -1 : 1;
    if (x->x.v != y->x.v)
        return x->x.v < y->x.v ? -1 : 1;
    return (x->y.v > y->y.v) - (x->y.v < y->y.v);
}

/* ---- all pairs, slice by slice ---- */

/* A pair of enough days, with all of its trips, also those of other days. */
static enum err
see_pair(void *arg, const struct trips_pair *pair)
{
    struct work *w = arg;
    struct question_call *c = w->c;
    if (pair->days < c->v[DAYS].number)
        return OK;
    void *v = w->found;
    if (!question_grow(c->arena, &v, &w->found_room, w->found_n, sizeof *w->found))
        return ERR_TOOBIG;
    w->found = v;
    w->found[w->found_n++] = (struct found){
        .x = pair->x,
        .y = pair->y,
        .trips = pair->trips,
        .near = pair->near,
        .days = pair->days,
        .p = together_tail(pair->q, pair->near, pair->trips),
    };
    return OK;
}

#define PAIR_BYTES ((size_t)112 << 20)  /* of the pairs of all days at once */
#define TRACK_BYTES ((size_t)144 << 20) /* of the passes of a slice at once */
#define WINDOW_DAYS 32

/* The pairs of one slice of the plates, of every day. Where the first day told too
 * little of the others, there are more slices. */
static enum err
see_days(
    const struct question_call *c, struct abreast_ask *ask, struct arena *arena,
    struct abreast_day *day, size_t *n)
{
    size_t bytes = 0;
    enum err e = OK;
    *n = 0;
    for (ts_ms at = c->from; e == OK && at < c->to; at = ask->to) {
        ts_ms next = civil_day_start(civil_day(at, c->zone) + 1, c->zone);
        ask->from = at;
        ask->to = next < c->to ? next : c->to;
        must(*n < WINDOW_DAYS);
        e = abreast_of_day(ask, arena, &day[*n]);
        bytes += day[(*n)++].pairs.bytes;
        if (e != OK || ask->slice || bytes <= 2 * PAIR_BYTES)
            continue;
        ask->slices *= 2;
        e = ask->slices > ABREAST_SLICES ? ERR_TOOBIG : OK;
        arena_release(arena);
        ask->to = c->from;
        *n = bytes = 0;
    }
    return e;
}

/* Those of enough days, and how many pairs there were in all. */
static enum err
see_slice(
    const struct question_call *c, struct abreast_ask *ask, struct arena *arena,
    struct abreast_day *out, uint64_t *all)
{
    struct abreast_day day[WINDOW_DAYS];
    struct arena days;
    size_t n;
    arena_init(&days, c->arena->cap);
    enum err e = see_days(c, ask, &days, day, &n);
    if (e == OK)
        e = abreast_join(day, n, (uint32_t)c->v[DAYS].number, arena, out, all);
    arena_release(&days);
    return e;
}

static enum err
see_pairs(struct work *w, const struct trips_flow *flow, uint64_t *tests)
{
    struct question_call *c = w->c;
    struct abreast_ask ask = {
        .needs = c->needs,
        .gap_ms = w->gap_ms,
        .sites = (uint32_t)c->v[SITES].number,
        .cap = c->arena->cap,
        .days = (uint32_t)((c->to - c->from + DAY_MS - 1) / DAY_MS),
        .room = PAIR_BYTES,
    };
    struct trips_ask trips = {
        .needs = c->needs,
        .zone = c->zone,
        .flow = flow,
        .from = c->from,
        .to = c->to,
        .gap_ms = w->gap_ms,
        .least = (uint32_t)c->v[TRIPS].number,
        .room = TRACK_BYTES,
        .cap = c->arena->cap,
        .fn = see_pair,
        .arg = w,
    };
    enum err e = OK;
    *tests = 0;
    do {
        struct abreast_day pairs;
        struct arena arena;
        uint64_t all = 0;
        arena_init(&arena, c->arena->cap);
        e = see_slice(c, &ask, &arena, &pairs, &all);
        if (e == OK)
            e = trips_of_pairs(&trips, &pairs);
        arena_release(&arena);
        *tests += all;
    } while (e == OK && ++ask.slice < ask.slices);
    return e;
}

#define PASSES_MAX 20000

/* ---- what pairs join ---- */

struct member {
    struct plate plate;
    uint32_t best;  /* its closest pair */
    uint32_t group; /* index of the member that stands for its convoy */
};

static int
by_plate(const void *p, const void *q)
{
    const struct member *x = p, *y = q;
    if (x->plate.v != y->plate.v)
        return x->plate.v < y->plate.v ? -1 : 1;
    return (x->best > y->best) - (x->best < y->best);
}

static int
by_group(const void *p, const void *q)
{
    const struct member *x = p, *y = q;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->plate.v > y->plate.v) - (x->plate.v < y->plate.v);
}

static uint32_t
index_of(const struct member *m, size_t n, struct plate plate)
{
    size_t lo = 0, hi = n;
    while (lo + 1 < hi) {
        size_t mid = (lo + hi) / 2;
        if (m[mid].plate.v <= plate.v)
            lo = mid;
        else
            hi = mid;
    }
    return (uint32_t)lo;
}

static uint32_t
root(struct member *m, uint32_t i)
{
    while (m[i].group != i)
        i = m[i].group = m[m[i].group].group;
    return i;
}

/* Members of the first n pairs (the closest first), in groups. */
static enum err
join(struct work *w, size_t n, struct member **out, size_t *members)
{
    struct member *m = arena_array(w->c->arena, 2 * n + 1, sizeof *m);
    size_t k = 0;
    if (!m)
        return ERR_TOOBIG;
    for (size_t i = 0; i < n; i++) {
        m[2 * i] = (struct member){w->found[i].x, (uint32_t)i, 0};
        m[2 * i + 1] = (struct member){w->found[i].y, (uint32_t)i, 0};
    }
    if (n)
        qsort(m, 2 * n, sizeof *m, by_plate);
    for (size_t i = 0; i < 2 * n; i++)
        if (i == 0 || !plate_eq(m[i].plate, m[k - 1].plate))
            m[k++] = m[i];
    for (uint32_t i = 0; i < k; i++)
        m[i].group = i;
    for (size_t i = 0; i < n; i++) {
        uint32_t a = root(m, index_of(m, k, w->found[i].x));
        uint32_t b = root(m, index_of(m, k, w->found[i].y));
        m[a > b ? a : b].group = a < b ? a : b;
    }
    for (uint32_t i = 0; i < k; i++)
        m[i].group = root(m, i);
    if (k)
        qsort(m, k, sizeof *m, by_group);
    *out = m;
    *members = k;
    return OK;
}

static enum err
say(struct work *w, const struct member *m, int64_t convoy, size_t members)
{
    enum err e = OK;
    struct question_call *c = w->c;
    const struct found *f = &w->found[m->best];
    struct arena arena;
    struct analysis_rows rows;
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[CONVOY].n = convoy;
    row[PLATE].plate = m->plate;
    row[MEMBERS].n = (int64_t)members;
    row[WITH].plate = plate_eq(f->x, m->plate) ? f->y : f->x;
    row[INSIDE].n = f->trips;
    row[NEAR].n = f->near;
    row[ON].n = f->days;
    row[P].x = f->p;
    arena_init(&arena, c->arena->cap);
    e = c->needs->by_plate(
        c->needs->ctx, m->plate, c->from, c->to, PASSES_MAX, &arena, &rows);
    if (e == OK && rows.n) {
        row[LAST_SITE].site = rows.rows[rows.n - 1].site;
        row[LAST].at = rows.rows[rows.n - 1].pass_ms;
    }
    arena_release(&arena);
    return e;
}

static enum err
say_all(struct work *w, uint64_t tests)
{
    struct question_call *c = w->c;
    struct member *m;
    size_t members;
    int64_t convoy = 0;
    double *p = arena_array(c->arena, w->found_n + 1, sizeof *p);
    if (!p)
        return ERR_TOOBIG;
    if (w->found_n)
        qsort(w->found, w->found_n, sizeof *w->found, by_p);
    for (size_t i = 0; i < w->found_n; i++)
        p[i] = w->found[i].p;
    size_t n = together_chosen(p, w->found_n, (size_t)tests, c->v[CHANCE].number);
    enum err e = join(w, n, &m, &members);
    for (size_t lo = 0, hi; e == OK && lo < members && !c->out->more; lo = hi) {
        for (hi = lo; hi < members && m[hi].group == m[lo].group;)
            hi++;
        convoy++;
        for (size_t i = lo; e == OK && i < hi; i++)
            e = say(w, &m[i], convoy, hi - lo);
    }
    question_fact(
        c, "pairs", "", (double)tests, "同日相伴的车对", "pairs that met on one day");
    question_fact(c, "convoys", "", (double)convoy, "车队数", "convoys");
    return e;
}

static enum err
answer(struct question_call *c)
{
    struct work w = {.c = c, .gap_ms = (int32_t)(c->v[GAP].number * 1000)};
    struct trips_flow flow;
    struct arena sums;
    uint64_t tests = 0;
    arena_init(&sums, c->arena->cap);
    enum err e = trips_flow(c->needs, c->from, c->to, &sums, &flow);
    if (e == OK)
        e = see_pairs(&w, &flow, &tests);
    arena_release(&sums);
    return e == OK ? say_all(&w, tests) : e;
}

const struct question question_convoys = {
    .name = "convoys",
    .title = {"车队", "convoys"},
    .what =
        {"全体车辆中多日反复同路同时行驶、且不能以共用走廊解释的车队",
         "groups among all vehicles that drive the same ways at the same time on "
         "several days, beyond what a shared corridor explains"},
    .pitfall =
        {"同线公交与同班通勤者确实同行；对重要的车对请再用“伴随车”核对",
         "buses of a line and colleagues of one shift travel together truly; ask "
         "companions about a pair that matters"},
    .params = params,
    .columns = columns,
    .days_max = 14,
    .seconds = 300,
    .answer = answer,
};
