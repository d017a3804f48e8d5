/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the flow cells of each site. */
#include "analysis/coverage.h"

#define CELL ANALYSIS_CELL_MS
#define LOOK_MS (3 * HOUR_MS) /* how far to both sides the usual flow is taken */
#define LEAST_CELLS 2         /* ten minutes: shorter silences happen to anybody */
#define SURE 13.8             /* -ln(1e-6) */
#define WINDOW_MS (31 * DAY_MS)

/* Passes of cells[lo..hi) that lie in [from, to). */
static uint64_t
passes_in(const struct analysis_cell *cells, size_t lo, size_t hi, ts_ms from, ts_ms to)
{
    uint64_t n = 0;
    for (size_t i = lo; i < hi; i++)
        if (cells[i].at_ms >= from && cells[i].at_ms < to)
            n += cells[i].n;
    return n;
}

struct judge {
    const struct analysis_cell *cells;
    struct coverage *out;
    size_t room;
    ts_ms read_from, read_to; /* of the cells: the window and three hours around it */
};

/* Is the silence [from, to) between cells lo..hi of one site too long to be chance? */
static void
judge_gap(struct judge *j, size_t lo, size_t hi, ts_ms from, ts_ms to)
{
    ts_ms inside_from = from > j->out->from_ms ? from : j->out->from_ms;
    ts_ms inside_to = to < j->out->to_ms ? to : j->out->to_ms;
    if (to - from < LEAST_CELLS * CELL || inside_from >= inside_to)
        return;
    ts_ms before = from - LOOK_MS > j->read_from ? from - LOOK_MS : j->read_from;
    ts_ms behind = to + LOOK_MS < j->read_to ? to + LOOK_MS : j->read_to;
    ts_ms around = (from - before) + (behind - to);
    if (around <= 0)
        return;
    uint64_t n = passes_in(j->cells, lo, hi, before, from) +
                 passes_in(j->cells, lo, hi, to, behind);
    double expected = (double)n / (double)around * (double)(to - from);
    if (expected >= SURE && j->out->gaps_n < j->room)
        j->out->gaps[j->out->gaps_n++] =
            (struct coverage_gap){j->cells[lo].site, inside_from, inside_to};
}

static void
judge_site(struct judge *j, size_t lo, size_t hi)
{
    bool inside = false;
    ts_ms last = j->read_from;
    for (size_t i = lo; i < hi; i++) {
        judge_gap(j, lo, hi, last, j->cells[i].at_ms);
        last = j->cells[i].at_ms + CELL;
        inside |= j->cells[i].at_ms >= j->out->from_ms - CELL &&
                  j->cells[i].at_ms < j->out->to_ms;
    }
    judge_gap(j, lo, hi, last, j->read_to);
    j->out->sites += inside;
}

enum err
coverage_of(
    const struct analysis_needs *needs, ts_ms from, ts_ms to, struct arena *arena,
    struct coverage *out)
{
    struct coverage c = {
        .from_ms = to - from > WINDOW_MS ? to - WINDOW_MS : from, .to_ms = to};
    struct judge j = {
        .out = &c,
        .read_from = (c.from_ms - LOOK_MS) / CELL * CELL,
        .read_to = (c.to_ms + LOOK_MS) / CELL * CELL,
    };
    struct analysis_cell *cells;
    size_t n;
    enum err e = needs->flow(needs->ctx, j.read_from, j.read_to, arena, &cells, &n);
    if (e != OK)
        return e;
    /* What nobody has sent yet is no silence. */
    ts_ms newest = j.read_from;
    for (size_t i = 0; i < n; i++)
        newest = cells[i].at_ms > newest ? cells[i].at_ms : newest;
    if (newest + CELL < j.read_to)
        j.read_to = newest + CELL;
    /* Every gap lies between two cells of a site or at its two ends. */
    j.room = n + 2;
    for (size_t i = 1; i < n; i++)
        j.room += cells[i].site.v != cells[i - 1].site.v;
    c.gaps = arena_array(arena, j.room, sizeof *c.gaps);
    if (!c.gaps)
        return ERR_TOOBIG;
    j.cells = cells;
    for (size_t lo = 0, hi; lo < n; lo = hi) {
        for (hi = lo + 1; hi < n && cells[hi].site.v == cells[lo].site.v; hi++)
            continue;
        judge_site(&j, lo, hi);
    }
    *out = c;
    return OK;
}
