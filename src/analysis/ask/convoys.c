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
 * Cost        two scans by vehicle a day; memory for the ways of one day at a time and
 *             a few bytes a pair and day (analysis/abreast.h). Pairs of one day that do
 *             not fit are worked off in slices, each of which reads the days again.
 */
#include "analysis/abreast.h"
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
    double *q;       /* chances of the trips of one pair */
    struct plate of; /* whose passes `rows` are */
    struct analysis_rows rows;
    struct arena own, other; /* passes of the two of a pair */
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
rows_of(
    struct work *w, struct plate plate, struct arena *arena, struct analysis_rows *out)
{
    const struct question_call *c = w->c;
    arena_reset(arena);
    return c->needs->by_plate(
        c->needs->ctx, plate, c->from, c->to, PASSES_MAX, arena, out);
}

/* A pair of enough days: all of its trips, also those of other days. */
static enum err
test_pair(void *arg, struct plate x, struct plate y, uint32_t days)
{
    struct work *w = arg;
    struct question_call *c = w->c;
    struct analysis_rows others;
    struct found f = {.x = x, .y = y};
    enum err e = OK;
    (void)days;
    if (!plate_eq(w->of, x)) /* pairs come by their lesser plate */
        e = rows_of(w, x, &w->own, &w->rows);
    if (e == OK)
        w->of = x;
    if (e == OK)
        e = rows_of(w, y, &w->other, &others);
    if (e != OK)
        return e;
    count_trips(w, &w->rows, &others, &f);
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

/* ---- all pairs, day by day ---- */

#define PAIR_BYTES ((size_t)96 << 20) /* of the pairs of all days at once */
#define SLICES_MOST 64
#define WINDOW_DAYS 32

/* The pairs of one slice of the plates. Too many bytes after the first day: *slices
 * says how many slices there should be instead. */
static enum err
see_slice(
    struct work *w, struct abreast_ask *ask, struct arena *arena,
    struct abreast_day *day, size_t *n)
{
    struct question_call *c = w->c;
    size_t bytes = 0;
    enum err e = OK;
    *n = 0;
    for (ts_ms at = c->from; e == OK && at < c->to; at = ask->to) {
        ts_ms next = civil_day_start(civil_day(at, c->zone) + 1, c->zone);
        ask->from = at;
        ask->to = next < c->to ? next : c->to;
        must(*n < WINDOW_DAYS);
        e = abreast_of_day(ask, arena, &day[*n]);
        bytes += day[(*n)++].bytes;
        size_t whole = bytes / *n * (size_t)((c->to - c->from) / DAY_MS + 1);
        if (e == OK && ask->slices == 1 && whole > PAIR_BYTES) {
            ask->slices = (uint32_t)(whole / PAIR_BYTES) + 1;
            return ask->slices > SLICES_MOST ? ERR_TOOBIG : OK;
        }
    }
    return e;
}

static enum err
see_pairs(struct work *w, uint64_t *tests)
{
    struct question_call *c = w->c;
    struct abreast_day day[WINDOW_DAYS];
    struct abreast_ask ask = {
        .needs = c->needs,
        .gap_ms = w->gap_ms,
        .sites = (uint32_t)c->v[SITES].number,
        .slices = 1,
        .cap = c->arena->cap,
    };
    struct arena arena;
    enum err e = OK;
    *tests = 0;
    arena_init(&arena, c->arena->cap);
    for (; e == OK && ask.slice < ask.slices; ask.slice++) {
        uint32_t slices = ask.slices;
        uint64_t pairs = 0;
        size_t n;
        arena_release(&arena);
        e = see_slice(w, &ask, &arena, day, &n);
        if (e == OK && ask.slices != slices) { /* begin anew, in slices */
            arena_release(&arena);
            e = see_slice(w, &ask, &arena, day, &n);
        }
        if (e == OK)
            e = abreast_walk(
                day, n, (uint32_t)c->v[DAYS].number, &arena, test_pair, w, &pairs);
        *tests += pairs;
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
    uint64_t tests = 0;
    arena_init(&w.own, c->arena->cap);
    arena_init(&w.other, c->arena->cap);
    w.q = arena_array(c->arena, TRIPS_MAX, sizeof *w.q);
    enum err e = w.q ? OK : ERR_TOOBIG;
    if (e == OK)
        e = c->needs->flow(c->needs->ctx, c->from, c->to, c->arena, &w.cell, &w.cells);
    if (e == OK)
        e = see_pairs(&w, &tests);
    arena_release(&w.own);
    arena_release(&w.other);
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
