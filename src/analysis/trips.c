/* SPDX-License-Identifier: Apache-2.0 */
/* A scan keeps the passes of lesser plates until they do not fit; the next
 * one begins where it stopped. */
#include "analysis/trips.h"

#include "analysis/together.h"

#define PASSES_MAX 20000u /* of one vehicle */
#define TRIPS_MAX 2000u

/* ---- flow by sums ---- */

static ts_ms
cell_before(ts_ms t)
{
    ts_ms k = t / ANALYSIS_CELL_MS;
    return (k - (t < 0 && t % ANALYSIS_CELL_MS)) * ANALYSIS_CELL_MS;
}

enum err
trips_flow(
    const struct analysis_needs *needs, ts_ms from, ts_ms to, struct arena *arena,
    struct trips_flow *out)
{
    struct trips_flow f = {.begin = cell_before(from), .sites = needs->sites->n};
    struct analysis_cell *cell;
    struct arena own;
    size_t n;
    f.cells = (uint32_t)((to - f.begin + ANALYSIS_CELL_MS - 1) / ANALYSIS_CELL_MS);
    f.sum = arena_array(
        arena, ((size_t)f.sites + 1) * ((size_t)f.cells + 1), sizeof *f.sum);
    if (!f.sum)
        return ERR_TOOBIG;
    arena_init(&own, arena->cap);
    enum err e = needs->flow(needs->ctx, from, to, &own, &cell, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        int64_t k = (cell[i].at_ms - f.begin) / ANALYSIS_CELL_MS;
        if (cell[i].site.v <= f.sites && k >= 0 && k < f.cells)
            f.sum[cell[i].site.v * ((size_t)f.cells + 1) + (size_t)k + 1] += cell[i].n;
    }
    arena_release(&own);
    for (uint32_t s = 0; e == OK && s <= f.sites; s++)
        for (uint32_t k = 0; k < f.cells; k++)
            f.sum[s * ((size_t)f.cells + 1) + k + 1] +=
                f.sum[s * ((size_t)f.cells + 1) + k];
    if (e == OK)
        *out = f;
    return e;
}

static size_t
cell_at(const struct trips_flow *f, ts_ms t)
{
    ts_ms k = (t - f->begin) / ANALYSIS_CELL_MS;
    return k < f->cells ? (size_t)k : f->cells;
}

/* Passes of everybody at a site in [from, to), by whole cells. */
static uint32_t
flow_in(const struct trips_flow *f, uint32_t site, ts_ms from, ts_ms to)
{
    if (site > f->sites)
        return 0;
    const uint32_t *sum = f->sum + site * ((size_t)f->cells + 1);
    size_t lo = cell_at(f, from > f->begin ? from : f->begin);
    return sum[cell_at(f, to + ANALYSIS_CELL_MS - 1)] - sum[lo];
}

/* ---- one pair ---- */

/* An even flow weighs as much as so many passes, and is the least chance. */
#define EVEN_PASSES 20

struct corridor { /* of one trip: passes of others inside the gap, and near */
    double inside, near;
};
struct passes { /* of one vehicle: milliseconds behind the window's begin */
    uint32_t *at, *site;
    uint16_t *slot; /* of the site and the half hour */
    uint32_t n;
};
#define SLOTS 65536u
struct by_site {     /* of one vehicle: the times at each site, ascending */
    uint32_t *begin; /* by site, then the end of all */
    uint32_t *at;
    uint32_t sites;
    uint64_t near[SLOTS / 64]; /* slots within half an hour of a pass */
};
struct work {
    const struct trips_ask *ask;
    const struct abreast_day *pairs;
    struct arena arena;
    uint32_t *begin, *x; /* by greater plate: its lesser ones */
    uint8_t *is_x;
    struct by_site other;
    double *q;
    /* one scan: of lesser plates [lo, hi) */
    struct arena kept;
    size_t bytes;
    struct passes *passes; /* by number */
    uint32_t lo, hi, at;
};

static void
see_corridor(const struct work *w, uint32_t at, uint32_t site, struct corridor *k)
{
    const struct trips_flow *f = w->ask->flow;
    ts_ms t = w->ask->from + at;
    double cell = (double)flow_in(f, site, t, t + 1) - 2; /* without the pair */
    double near =
        (double)flow_in(f, site, t - TOGETHER_NEAR_MS, t + TOGETHER_NEAR_MS) - 2;
    k->inside +=
        (cell > 0 ? cell : 0) * 2 * (double)w->ask->gap_ms / (double)ANALYSIS_CELL_MS;
    k->near += near > 0 ? near : 0;
}

static double
chance_of(const struct work *w, const struct corridor *k)
{
    double even = (double)w->ask->gap_ms / (double)TOGETHER_NEAR_MS;
    double q = (k->inside + EVEN_PASSES * even) / (k->near + EVEN_PASSES);
    return q > even ? (q < 1 ? q : 1) : even;
}

static uint16_t
slot_of(uint32_t site, uint32_t half_hour)
{
    return (
        uint16_t)((site * UINT32_C(0x9E3779B1) + half_hour * UINT32_C(0x85EBCA77)) >> 16);
}

/* No: y has no pass at the site of x's pass i within half an hour. */
static bool
may_be_near(const struct by_site *y, const struct passes *x, uint32_t i)
{
    return y->near[x->slot[i] / 64] >> x->slot[i] % 64 & 1;
}

/* The first of y's passes at a site at t or later; answers the end of those there. */
static uint32_t
find_pass(const struct by_site *y, uint32_t site, uint32_t t, uint32_t *first)
{
    uint32_t lo = site <= y->sites ? y->begin[site] : 0;
    uint32_t end = site <= y->sites ? y->begin[site + 1] : 0, hi = end;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (y->at[mid] < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    *first = lo;
    return end;
}

/* How far y's pass that is nearest to one of x's at the same site is; UINT32_MAX when
 * there is none within `most`. */
static uint32_t
nearest(const struct by_site *y, uint32_t at, uint32_t site, uint32_t most)
{
    uint32_t k, offset = UINT32_MAX, end;
    end = find_pass(y, site, at > most ? at - most : 0, &k);
    for (; k < end && y->at[k] <= at + most; k++) {
        uint32_t d = y->at[k] > at ? y->at[k] - at : at - y->at[k];
        offset = d < offset ? d : offset;
    }
    return offset;
}

/* Can there be so many successes? Each has a pass within the gap; most pairs go no
 * further. */
static bool
has_enough(const struct work *w, const struct passes *x, const struct by_site *y)
{
    uint32_t trips = 0, gap = (uint32_t)w->ask->gap_ms;
    bool counted = false; /* this trip */
    for (uint32_t i = 0; i < x->n && trips < w->ask->least; i++) {
        counted &= i > 0 && x->at[i] - x->at[i - 1] <= TOGETHER_TRIP_MS;
        if (counted || !may_be_near(y, x, i) ||
            nearest(y, x->at[i], x->site[i], gap) == UINT32_MAX)
            continue;
        counted = true;
        trips++;
    }
    return trips >= w->ask->least;
}

static void
count_trips(
    const struct work *w, const struct passes *x, const struct by_site *y,
    struct trips_pair *out)
{
    int64_t last = INT64_MIN;
    for (uint32_t i = 0, k; i < x->n && out->near < TRIPS_MAX; i = k) {
        uint32_t shared = 0, inside = 0;
        struct corridor flow = {0};
        for (k = i; k < x->n; k++) {
            if (k > i && x->at[k] - x->at[k - 1] > TOGETHER_TRIP_MS)
                break;
            if (!may_be_near(y, x, k))
                continue;
            uint32_t offset = nearest(y, x->at[k], x->site[k], TOGETHER_NEAR_MS);
            if (offset == UINT32_MAX)
                continue;
            shared++;
            inside += offset <= (uint32_t)w->ask->gap_ms;
            see_corridor(w, x->at[k], x->site[k], &flow);
        }
        if (shared)
            w->q[out->near++] = chance_of(w, &flow);
        if (inside == 0 || inside * 2 < shared)
            continue;
        int64_t day = civil_day(w->ask->from + x->at[i], w->ask->zone);
        out->trips++;
        out->days += day != last;
        last = day;
    }
}

/* ---- all pairs ---- */

/* The pair of x, whose passes are kept, and the plate that goes by. */
static enum err
test_pair(struct work *w, uint32_t x, struct plate y)
{
    struct trips_pair pair = {.x = w->pairs->plate[x], .y = y, .q = w->q};
    if (!has_enough(w, &w->passes[x], &w->other))
        return OK;
    count_trips(w, &w->passes[x], &w->other, &pair);
    return pair.trips < w->ask->least ? OK : w->ask->fn(w->ask->arg, &pair);
}

/* The passes of the plate that goes by, by site. */
static void
lay_other(struct work *w, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct by_site *y = &w->other;
    memset(y->begin, 0, ((size_t)y->sites + 3) * sizeof *y->begin);
    /* begin[site + 2] counts, so that begin[site + 1] can run along */
    for (size_t k = 0; k < n; k++)
        if (site[k] <= y->sites)
            y->begin[site[k] + 2]++;
    for (uint32_t s = 1; s < y->sites + 3; s++)
        y->begin[s] += y->begin[s - 1];
    for (size_t k = 0; k < n; k++)
        if (site[k] <= y->sites)
            y->at[y->begin[site[k] + 1]++] = (uint32_t)(at[k] - w->ask->from);
    memset(y->near, 0, sizeof y->near);
    for (size_t k = 0; k < n; k++)
        for (uint32_t about = 0; about < 3; about++) {
            uint32_t half_hour = (uint32_t)((at[k] - w->ask->from) / TOGETHER_NEAR_MS);
            uint16_t slot = slot_of(site[k], half_hour + about - 1);
            y->near[slot / 64] |= UINT64_C(1) << slot % 64;
        }
}

static bool
keep_passes(
    struct work *w, const ts_ms *at, const uint32_t *site, size_t n, struct passes *out)
{
    size_t size = n * (2 * sizeof(uint32_t) + sizeof(uint16_t));
    uint32_t *p = arena_raw(&w->kept, size);
    if (!p)
        return false;
    *out = (struct passes){p, p + n, (uint16_t *)(p + 2 * n), (uint32_t)n};
    for (size_t k = 0; k < n; k++) {
        out->at[k] = (uint32_t)(at[k] - w->ask->from);
        out->site[k] = site[k];
        out->slot[k] = slot_of(site[k], out->at[k] / TOGETHER_NEAR_MS);
    }
    w->bytes += size;
    return true;
}

static enum err
see_plate(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct work *w = arg;
    enum err e = OK;
    while (w->at < w->pairs->plates && w->pairs->plate[w->at].v < plate.v)
        w->at++;
    uint32_t i = w->at;
    if (i == w->pairs->plates || !plate_eq(w->pairs->plate[i], plate))
        return OK;
    n = n < PASSES_MAX ? n : PASSES_MAX;
    if (w->begin[i] < w->begin[i + 1])
        lay_other(w, at, site, n);
    for (uint32_t k = w->begin[i]; e == OK && k < w->begin[i + 1]; k++)
        if (w->x[k] >= w->lo && w->x[k] < w->hi)
            e = test_pair(w, w->x[k], plate);
    if (e != OK || !w->is_x[i] || i < w->lo || i >= w->hi)
        return e;
    if (!keep_passes(w, at, site, n, &w->passes[i]))
        return ERR_TOOBIG;
    if (w->bytes > w->ask->room)
        w->hi = i + 1;
    return OK;
}

/* Pairs by their greater plate. */
static bool
turn_pairs(struct work *w)
{
    const struct abreast_day *p = w->pairs;
    size_t n = (size_t)p->plates + 1;
    struct pair_reader r;
    w->begin = arena_array(&w->arena, n + 1, sizeof *w->begin);
    w->x = arena_raw(&w->arena, (size_t)p->pairs.pairs * sizeof *w->x);
    w->is_x = arena_array(&w->arena, n, sizeof *w->is_x);
    uint32_t *y = arena_array(&w->arena, n, sizeof *y);
    if (!w->begin || !w->x || !w->is_x || !y || p->pairs.pairs > UINT32_MAX)
        return false;
    /* begin[y + 2] counts, so that begin[y + 1] can run along while they are put */
    pair_reader_init(&r, &p->pairs);
    while (pair_reader_next(&r)) {
        w->is_x[r.x] = 1;
        pair_reader_take(&r, y);
        for (uint32_t i = 0; i < r.n; i++)
            w->begin[y[i] + 2]++;
    }
    for (size_t i = 1; i <= n; i++)
        w->begin[i] += w->begin[i - 1];
    pair_reader_init(&r, &p->pairs);
    while (pair_reader_next(&r)) {
        pair_reader_take(&r, y);
        for (uint32_t i = 0; i < r.n; i++)
            w->x[w->begin[y[i] + 1]++] = r.x;
    }
    return true;
}

static bool
make_room(struct work *w)
{
    w->passes = arena_array(&w->arena, (size_t)w->pairs->plates + 1, sizeof *w->passes);
    w->q = arena_array(&w->arena, TRIPS_MAX, sizeof *w->q);
    struct by_site *y = &w->other;
    y->sites = w->ask->needs->sites->n;
    y->begin = arena_array(&w->arena, (size_t)y->sites + 3, sizeof *y->begin);
    y->at = arena_array(&w->arena, PASSES_MAX, sizeof *y->at);
    return w->passes && w->q && y->begin && y->at;
}

enum err
trips_of_pairs(const struct trips_ask *ask, const struct abreast_day *pairs)
{
    struct work w = {.ask = ask, .pairs = pairs};
    const struct analysis_needs *needs = ask->needs;
    if (pairs->pairs.pairs == 0)
        return OK;
    arena_init(&w.arena, ask->cap);
    arena_init(&w.kept, ask->cap);
    enum err e = turn_pairs(&w) && make_room(&w) ? OK : ERR_TOOBIG;
    for (; e == OK && w.lo < pairs->plates; w.lo = w.hi) {
        arena_release(&w.kept);
        w.bytes = 0;
        w.hi = pairs->plates;
        w.at = 0;
        e = needs->reads(needs->ctx, ask->from, ask->to, see_plate, &w);
    }
    arena_release(&w.kept);
    arena_release(&w.arena);
    return e;
}
