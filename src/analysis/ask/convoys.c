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
 * Cost        two scans by vehicle a day; memory for the ways of one day at a time.
 */
#include "analysis/question.h"
#include "analysis/together.h"

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

struct way { /* one vehicle from a site to its next one */
    uint32_t a, b;
    ts_ms at;
    struct plate plate;
    int32_t took_ms;
};
struct pair {
    struct plate x, y; /* x < y */
    uint32_t a;        /* a day: where the way began; then: days */
};
struct found {
    struct plate x, y;
    uint32_t trips, near, days;
    double p;
};
struct work {
    struct question_call *c;
    int32_t gap_ms;
    struct analysis_cell *cell; /* flow of the window: by site, then by time */
    size_t cells;
    double *q; /* chances of the trips of one pair */
    struct way *way;
    size_t ways, ways_room;
    struct pair *day; /* pairs of single days, then of the window */
    size_t days, days_room;
    struct found *found;
    size_t found_n, found_room;
};

static int
by_way(const void *p, const void *q)
{
    const struct way *x = p, *y = q;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->plate.v > y->plate.v) - (x->plate.v < y->plate.v);
}

static int
by_pair(const void *p, const void *q)
{
    const struct pair *x = p, *y = q;
    if (x->x.v != y->x.v)
        return x->x.v < y->x.v ? -1 : 1;
    if (x->y.v != y->y.v)
        return x->y.v < y->y.v ? -1 : 1;
    return (x->a > y->a) - (x->a < y->a);
}

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

static bool
same_pair(const struct pair *p, const struct pair *q)
{
    return plate_eq(p->x, q->x) && plate_eq(p->y, q->y);
}

/* ---- one day ---- */

/* way NULL: only counts. */
static enum err
see_ways(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct work *w = arg;
    if (!plate_is_exact(plate))
        return OK;
    for (size_t i = 1; i < n; i++) {
        if (at[i] - at[i - 1] > TOGETHER_TRIP_MS || site[i] == site[i - 1])
            continue;
        if (w->way && w->ways < w->ways_room)
            w->way[w->ways] = (struct way){
                site[i - 1], site[i], at[i - 1], plate, (int32_t)(at[i] - at[i - 1])};
        w->ways++;
    }
    return OK;
}

/* Pairs on the same way within the gap at both ends; out NULL: only counts. */
static size_t
see_pairs(const struct work *w, struct pair *out)
{
    size_t n = 0;
    for (size_t i = 0; i < w->ways; i++)
        for (size_t k = i + 1; k < w->ways; k++) {
            const struct way *x = &w->way[i], *y = &w->way[k];
            ts_ms behind = y->at - x->at;
            if (y->a != x->a || y->b != x->b || behind > w->gap_ms)
                break;
            if (llabs(behind + y->took_ms - x->took_ms) > w->gap_ms ||
                plate_eq(x->plate, y->plate))
                continue;
            bool order = x->plate.v < y->plate.v;
            if (out)
                out[n] = (struct pair){
                    order ? x->plate : y->plate, order ? y->plate : x->plate, x->a};
            n++;
        }
    return n;
}

/* Pairs with enough ways in common are kept for this day. */
static enum err
keep_day(struct work *w, struct pair *pair, size_t n)
{
    if (n)
        qsort(pair, n, sizeof *pair, by_pair);
    for (size_t lo = 0, hi; lo < n; lo = hi) {
        double sites = 0;
        for (hi = lo; hi < n && same_pair(&pair[hi], &pair[lo]); hi++)
            sites += hi == lo || pair[hi].a != pair[hi - 1].a;
        if (sites < w->c->v[SITES].number)
            continue;
        void *p = w->day;
        if (!question_grow(w->c->arena, &p, &w->days_room, w->days, sizeof *pair))
            return ERR_TOOBIG;
        w->day = p;
        w->day[w->days++] = (struct pair){pair[lo].x, pair[lo].y, 1};
    }
    return OK;
}

static enum err
see_day(struct work *w, ts_ms from, ts_ms to, struct arena *arena)
{
    const struct analysis_needs *needs = w->c->needs;
    w->way = NULL;
    w->ways = 0;
    enum err e = needs->reads(needs->ctx, from, to, see_ways, w);
    if (e != OK)
        return e;
    w->ways_room = w->ways;
    w->ways = 0;
    w->way = arena_array(arena, w->ways_room + 1, sizeof *w->way);
    if (!w->way)
        return ERR_TOOBIG;
    e = needs->reads(needs->ctx, from, to, see_ways, w);
    if (e != OK)
        return e;
    must(w->ways == w->ways_room); /* a snapshot does not change */
    if (w->ways)
        qsort(w->way, w->ways, sizeof *w->way, by_way);
    size_t n = see_pairs(w, NULL);
    struct pair *pair = arena_array(arena, n + 1, sizeof *pair);
    if (!pair)
        return ERR_TOOBIG;
    must(see_pairs(w, pair) == n);
    return keep_day(w, pair, n);
}

/* ---- pairs of enough days ---- */

/* The offset of y's pass that is nearest to one of x's at the same site; false when
 * there is none within the half hour. */
static bool
nearest(const struct sighting *at, const struct analysis_rows *y, ts_ms *offset)
{
    size_t lo = 0, hi = y->n;
    bool any = false;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (y->rows[mid].pass_ms < at->pass_ms - TOGETHER_NEAR_MS)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < y->n && y->rows[lo].pass_ms <= at->pass_ms + TOGETHER_NEAR_MS; lo++) {
        ts_ms d = llabs(y->rows[lo].pass_ms - at->pass_ms);
        if (y->rows[lo].site.v != at->site.v || (any && d >= *offset))
            continue;
        *offset = d;
        any = true;
    }
    return any;
}

/* Passes of everybody at a site in [from, to), by whole cells. */
static uint64_t
flow_in(const struct work *w, struct site_id site, ts_ms from, ts_ms to)
{
    size_t lo = 0, hi = w->cells;
    uint64_t n = 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct analysis_cell *x = &w->cell[mid];
        if (x->site.v < site.v ||
            (x->site.v == site.v && x->at_ms + ANALYSIS_CELL_MS <= from))
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < w->cells && w->cell[lo].site.v == site.v && w->cell[lo].at_ms < to;
         lo++)
        n += w->cell[lo].n;
    return n;
}

/* An even flow weighs as much as so many passes, and is the least chance. */
#define EVEN_PASSES 20

struct corridor { /* of one trip: passes of others inside the gap, and near */
    double inside, near;
};

static void
see_corridor(const struct work *w, const struct sighting *at, struct corridor *k)
{
    ts_ms t = at->pass_ms;
    double cell = (double)flow_in(w, at->site, t, t + 1) - 2; /* without the pair */
    double near =
        (double)flow_in(w, at->site, t - TOGETHER_NEAR_MS, t + TOGETHER_NEAR_MS) - 2;
    k->inside +=
        (cell > 0 ? cell : 0) * 2 * (double)w->gap_ms / (double)ANALYSIS_CELL_MS;
    k->near += near > 0 ? near : 0;
}

static double
chance_of(const struct work *w, const struct corridor *k)
{
    double even = (double)w->gap_ms / (double)TOGETHER_NEAR_MS;
    double q = (k->inside + EVEN_PASSES * even) / (k->near + EVEN_PASSES);
    return q > even ? (q < 1 ? q : 1) : even;
}

#define TRIPS_MAX 2000

static void
count_trips(
    const struct work *w, const struct analysis_rows *x, const struct analysis_rows *y,
    struct found *f)
{
    int64_t last = INT64_MIN;
    for (size_t i = 0, k; i < x->n && f->near < TRIPS_MAX; i = k) {
        size_t shared = 0, inside = 0;
        struct corridor flow = {0};
        for (k = i; k < x->n; k++) {
            ts_ms offset = 0;
            if (k > i && x->rows[k].pass_ms - x->rows[k - 1].pass_ms > TOGETHER_TRIP_MS)
                break;
            if (!nearest(&x->rows[k], y, &offset))
                continue;
            shared++;
            inside += offset <= w->gap_ms;
            see_corridor(w, &x->rows[k], &flow);
        }
        int64_t day = civil_day(x->rows[i].pass_ms, w->c->zone);
        if (shared)
            w->q[f->near++] = chance_of(w, &flow);
        if (inside == 0 || inside * 2 < shared)
            continue;
        f->trips++;
        f->days += day != last;
        last = day;
    }
}

#define PASSES_MAX 20000

static enum err
test_pair(struct work *w, const struct pair *p, struct arena *arena)
{
    struct question_call *c = w->c;
    struct analysis_rows x, y;
    struct found f = {.x = p->x, .y = p->y};
    enum err e =
        c->needs->by_plate(c->needs->ctx, p->x, c->from, c->to, PASSES_MAX, arena, &x);
    if (e == OK)
        e = c->needs->by_plate(
            c->needs->ctx, p->y, c->from, c->to, PASSES_MAX, arena, &y);
    if (e != OK)
        return e;
    count_trips(w, &x, &y, &f);
    if (f.trips < c->v[TRIPS].number || f.days < c->v[DAYS].number)
        return OK;
    f.p = together_tail(w->q, f.near, f.trips);
    void *v = w->found;
    if (!question_grow(c->arena, &v, &w->found_room, w->found_n, sizeof f))
        return ERR_TOOBIG;
    w->found = v;
    w->found[w->found_n++] = f;
    return OK;
}

static enum err
test_pairs(struct work *w, size_t *tests)
{
    enum err e = OK;
    struct arena arena;
    arena_init(&arena, w->c->arena->cap);
    w->q = arena_array(w->c->arena, TRIPS_MAX, sizeof *w->q);
    if (w->days)
        qsort(w->day, w->days, sizeof *w->day, by_pair);
    *tests = 0;
    if (!w->q)
        e = ERR_TOOBIG;
    for (size_t lo = 0, hi; e == OK && lo < w->days; lo = hi) {
        for (hi = lo; hi < w->days && same_pair(&w->day[hi], &w->day[lo]);)
            hi++;
        ++*tests;
        arena_reset(&arena);
        if ((double)(hi - lo) >= w->c->v[DAYS].number)
            e = test_pair(w, &w->day[lo], &arena);
    }
    arena_release(&arena);
    return e;
}

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
say_all(struct work *w, size_t tests)
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
    size_t n = together_chosen(p, w->found_n, tests, c->v[CHANCE].number);
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
    enum err e = OK;
    size_t tests = 0;
    for (ts_ms day = c->from; e == OK && day < c->to;) {
        ts_ms next = civil_day_start(civil_day(day, c->zone) + 1, c->zone);
        struct arena arena;
        arena_init(&arena, c->arena->cap);
        e = see_day(&w, day, next < c->to ? next : c->to, &arena);
        arena_release(&arena);
        day = next;
    }
    if (e == OK)
        e = c->needs->flow(c->needs->ctx, c->from, c->to, c->arena, &w.cell, &w.cells);
    if (e == OK)
        e = test_pairs(&w, &tests);
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
