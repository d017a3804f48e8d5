/* SPDX-License-Identifier: Apache-2.0 */
/* Two merges. Place segments are in (site, time) order, so the rows are sorted so, and
 * what a segment has of their moments is met walking: it costs what lies between two of
 * them, or a search where that is much. A segment says plate and time; these are sorted
 * in turn and met in the vehicle runs, which are in (plate, time) order. They are met a
 * million at a time, so that memory does not follow what is stored.
 *
 * Of a moment and a site every stored row is given, whatever its plate: a record that
 * comes again with another plate is found by its key, and a thousand rows of one moment
 * cost a thousand steps and not a million. */
#include "store/sight_known.h"

#include "store/sight_sort.h"

#include <stdlib.h>

#define MET_MOST (1u << 20) /* plates and times met before the runs are asked */
#define WHOLE_RATIO 24u     /* a row in so many is wanted: blocks are decoded whole */
#define STEPS_MOST 256u     /* plain steps before a search */
#define TEXTS_MOST (8u << 20)

struct known {
    struct sight *s;
    const struct view *v;
    known_fn fn;
    void *arg;
    ts_ms base;                /* times in pairs count from it */
    struct pair *want, *spare; /* a site, b time */
    size_t want_n;
    size_t *site_at, sites;       /* where each site begins in `want`, and the end */
    struct pair *met, *met_spare; /* a plate, b time */
    size_t met_n;
    struct run_plates plates;
    struct place_rows place;
    struct sighting got[KNOWN_ROWS]; /* stored rows to be given */
    size_t got_n;
    struct arena texts; /* theirs */
};

/* ---- the runs: stored rows of (plate, time) ---- */

struct run_walk {
    struct known *k;
    struct run_rows rows;
    struct run_plate plate;
    uint64_t row, end;
    bool have; /* `at` is the time of `row` */
    ts_ms at;
};

/* Goes to the plate's first row that is not before t; false: damaged. */
static bool
run_walk_to(struct run_walk *w, ts_ms t)
{
    for (unsigned steps = 0; w->row < w->end; steps++) {
        if (!w->have &&
            !run_rows_time(&w->rows, w->row, w->row == w->plate.row, &w->at))
            return false;
        w->have = true;
        if (w->at >= t)
            return true;
        w->row++;
        w->have = false;
        if (steps < STEPS_MOST || w->end - w->row < COL_ROWS)
            continue;
        uint64_t jump;
        if (!run_seek(&w->rows, &w->plate, t, &jump))
            return false;
        w->row = jump > w->row ? jump : w->row;
        steps = 0;
    }
    return true;
}

static enum err
got_flush(struct known *k)
{
    enum err e = k->got_n ? k->fn(k->arg, k->got, k->got_n) : OK;
    k->got_n = 0;
    arena_reset(&k->texts);
    return e;
}

static enum err
run_walk_give(struct run_walk *w, bool *good)
{
    struct vrow v;
    struct known *k = w->k;
    struct seg *seg = w->rows.seg;
    *good = run_rows_get(&w->rows, w->row, w->at, w->plate.look, &v);
    if (!*good)
        return OK;
    if (!run_sighting(
            run_dict(seg), w->rows.zone, w->plate.plate, &v, &k->texts,
            &k->got[k->got_n]))
        return ERR_TOOBIG;
    return ++k->got_n == KNOWN_ROWS ? got_flush(k) : OK;
}

/* The rows of one plate at the times of n pairs; *good false: damaged. */
static enum err
run_walk_plate(struct run_walk *w, const struct pair *met, size_t n, bool *good)
{
    enum err e = OK;
    w->row = w->plate.row;
    w->end = w->rows.stop = w->plate.row + w->plate.rows;
    w->have = false;
    for (size_t i = 0; i < n && e == OK && *good; i++) {
        ts_ms t = w->k->base + (ts_ms)met[i].b;
        *good = run_walk_to(w, t);
        while (*good && e == OK && w->row < w->end && w->at == t) {
            e = run_walk_give(w, good);
            w->row++;
            w->have = false;
            if (*good && e == OK)
                *good = run_walk_to(w, t);
        }
    }
    return e;
}

/* All plates that were met, in one run. */
static enum err
run_meet(struct known *k, struct seg *seg)
{
    struct run_walk *w = malloc(sizeof *w); /* it is large */
    bool whole = k->met_n >= seg->meta.rows / WHOLE_RATIO, good = true;
    enum err e = OK;
    if (!w || !run_rows_init(&w->rows, seg, &k->s->zone, whole)) {
        free(w);
        return ERR_NOMEM;
    }
    w->k = k;
    w->plate.plate = 0;
    run_plates_init(&k->plates, seg, k->met[0].a, PLATES_ALL);
    bool any = false;
    for (size_t i = 0, end; i < k->met_n && e == OK && good; i = end) {
        uint64_t plate = k->met[i].a;
        for (end = i; end < k->met_n && k->met[end].a == plate; end++)
            ;
        if (!any || w->plate.plate < plate)
            good = any = run_plates_seek(&k->plates, plate, &w->plate);
        if (good && w->plate.plate == plate)
            e = run_walk_plate(w, k->met + i, end - i, &good);
    }
    run_rows_release(&w->rows);
    free(w);
    return e == OK ? got_flush(k) : e;
}

/* What was met so far, once each. */
static enum err
met_flush(struct known *k)
{
    enum err e = OK;
    uint64_t first = UINT64_MAX, last = 0;
    size_t n = 0;
    sort_pairs(&k->met, &k->met_spare, k->met_n, true, 0, 64);
    sort_pairs(&k->met, &k->met_spare, k->met_n, false, 0, 64);
    for (size_t i = 0; i < k->met_n; i++) {
        struct pair *p = &k->met[i];
        if (n && p->a == k->met[n - 1].a && p->b == k->met[n - 1].b)
            continue;
        first = p->b < first ? p->b : first;
        last = p->b > last ? p->b : last;
        k->met[n++] = *p;
    }
    k->met_n = n;
    for (size_t i = 0; n && i < k->v->runs_n && e == OK; i++) {
        const struct seg_meta *m = &k->v->runs[i]->meta;
        if (m->min_ms <= k->base + (ts_ms)last && k->base + (ts_ms)first <= m->max_ms)
            e = run_meet(k, k->v->runs[i]);
    }
    k->met_n = 0;
    return e;
}

/* ---- the place segments: plates of (site, time) ---- */

struct place_walk {
    struct known *k;
    struct roll *roll; /* or NULL */
    const struct place_site *site;
    uint64_t row;
    bool have; /* `at` is the time of `row` */
    ts_ms at;
    unsigned n;
    uint32_t rank[COL_ROWS];
    ts_ms time[COL_ROWS];
    uint64_t plate[COL_ROWS];
};

static bool
place_end(const struct place_walk *w)
{
    return w->row >= w->site->row + w->site->rows;
}

/* Goes to the site's first row that is not before t; false: damaged. */
static bool
place_walk_to(struct place_walk *w, ts_ms t)
{
    struct place_rows *r = &w->k->place;
    for (unsigned steps = 0; !place_end(w); steps++) {
        if (!w->have && !place_time(r, w->row, w->row == w->site->row, &w->at))
            return false;
        w->have = true;
        if (w->at >= t)
            return true;
        w->row++;
        w->have = false;
        if (steps < STEPS_MOST)
            continue;
        if (!place_seek(r, w->site, t, &w->row))
            return false;
        steps = 0;
    }
    return true;
}

/* Plates of what is waiting; *good false: damaged. */
static enum err
place_flush(struct place_walk *w, bool *good)
{
    struct known *k = w->k;
    enum err e = OK;
    *good = *good && roll_plates(w->roll, k->place.seg, w->rank, w->n, w->plate);
    for (unsigned i = 0; *good && e == OK && i < w->n; i++) {
        k->met[k->met_n++] =
            (struct pair){w->plate[i], (uint64_t)(w->time[i] - k->base)};
        if (k->met_n == MET_MOST)
            e = met_flush(k);
    }
    w->n = 0;
    return e;
}

static enum err
place_walk_take(struct place_walk *w, bool *good)
{
    uint64_t rank;
    uint8_t odd;
    *good = place_rank(&w->k->place, w->row, &rank, &odd);
    if (!*good)
        return OK;
    w->rank[w->n] = (uint32_t)rank;
    w->time[w->n++] = w->at;
    return w->n == COL_ROWS ? place_flush(w, good) : OK;
}

/* The moments of one site; *good false: damaged. */
static enum err
place_walk_site(struct place_walk *w, const struct pair *want, size_t n, bool *good)
{
    enum err e = OK;
    w->have = false;
    *good = place_seek(&w->k->place, w->site, w->k->base + (ts_ms)want[0].b, &w->row);
    for (size_t i = 0; i < n && e == OK && *good; i++) {
        ts_ms t = w->k->base + (ts_ms)want[i].b;
        *good = place_walk_to(w, t);
        while (*good && e == OK && !place_end(w) && w->at == t) {
            e = place_walk_take(w, good);
            w->row++;
            w->have = false;
            if (*good && e == OK)
                *good = place_walk_to(w, t);
        }
    }
    return e;
}

/* The first pair of [lo, hi) that is not before t; all of one site. */
static size_t
want_from(const struct known *k, size_t lo, size_t hi, ts_ms t)
{
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (k->base + (ts_ms)k->want[mid].b < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static enum err
place_meet(struct known *k, struct seg *seg)
{
    struct place_walk *w = malloc(sizeof *w);
    enum err e = OK;
    bool good = true;
    if (!w)
        return ERR_NOMEM;
    w->k = k;
    w->n = 0;
    w->roll = rolls_take(k->s->rolls, seg);
    place_rows_init(&k->place, seg);
    for (size_t i = 0; i < k->sites && e == OK && good; i++) {
        size_t end = k->site_at[i + 1];
        size_t from = want_from(k, k->site_at[i], end, seg->meta.min_ms);
        size_t to = want_from(k, from, end, seg->meta.max_ms + 1);
        w->site = place_site_find(seg, (uint32_t)k->want[k->site_at[i]].a);
        if (w->site && from < to)
            e = place_walk_site(w, k->want + from, to - from, &good);
    }
    if (e == OK)
        e = place_flush(w, &good);
    roll_drop(w->roll);
    free(w);
    return e;
}

/* ---- all of it ---- */

static bool
known_sites(struct known *k)
{
    for (size_t i = 0; i < k->want_n; i++)
        k->sites += !i || k->want[i].a != k->want[i - 1].a;
    k->site_at = malloc((k->sites + 1) * sizeof *k->site_at);
    if (!k->site_at)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < k->want_n; i++)
        if (!i || k->want[i].a != k->want[i - 1].a)
            k->site_at[n++] = i;
    k->site_at[n] = k->want_n;
    return true;
}

/* Times of which something is stored: [from, to], ascending, apart. */
struct times {
    struct {
        ts_ms from, to;
    } * at; /* heap */
    size_t n;
};

/* Of the place segments about [lo, hi]. */
static bool
times_init(struct times *t, const struct view *v, ts_ms lo, ts_ms hi)
{
    t->n = 0;
    t->at = malloc((v->places_n + 1) * sizeof *t->at);
    for (size_t i = 0; t->at && i < v->places_n; i++) {
        ts_ms from = v->places[i]->meta.min_ms, to = v->places[i]->meta.max_ms;
        if (from > hi || to < lo)
            continue;
        size_t at = t->n; /* ascending by day, so it goes near the end */
        while (at > 0 && t->at[at - 1].to >= from)
            at--;
        if (at == t->n) {
            t->at[t->n].from = from;
            t->at[t->n++].to = to;
            continue;
        }
        t->at[at].from = from < t->at[at].from ? from : t->at[at].from;
        ts_ms end = t->at[t->n - 1].to;
        t->at[at].to = to > end ? to : end;
        t->n = at + 1;
    }
    return t->at;
}

static bool
times_have(const struct times *t, ts_ms at)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->at[mid].to < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n && t->at[lo].from <= at;
}
static bool
is_gone(const uint8_t *gone, size_t i)
{
    return gone && gone[i];
}

/* The rows' sites and moments in order, as far as anything is stored of their time. */
static bool
known_want(
    struct known *k, const struct sighting *rows, const uint8_t *gone, size_t n,
    ts_ms *last)
{
    struct times stored;
    k->base = INT64_MAX;
    *last = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        if (is_gone(gone, i))
            continue;
        k->base = rows[i].pass_ms < k->base ? rows[i].pass_ms : k->base;
        *last = rows[i].pass_ms > *last ? rows[i].pass_ms : *last;
    }
    k->want = malloc((n + 1) * sizeof *k->want); /* of which few may be touched */
    k->spare = malloc((n + 1) * sizeof *k->spare);
    if (!times_init(&stored, k->v, k->base, *last) || !k->want || !k->spare) {
        free(stored.at);
        return false;
    }
    for (size_t i = 0; stored.n && i < n; i++)
        if (!is_gone(gone, i) && times_have(&stored, rows[i].pass_ms))
            k->want[k->want_n++] =
                (struct pair){rows[i].site.v, (uint64_t)(rows[i].pass_ms - k->base)};
    free(stored.at);
    sort_pairs(&k->want, &k->spare, k->want_n, true, 0, 64);
    sort_pairs(&k->want, &k->spare, k->want_n, false, 0, 64);
    return known_sites(k);
}

static enum err
known_meet(struct known *k, ts_ms last)
{
    enum err e = OK;
    k->met = malloc(MET_MOST * sizeof *k->met);
    k->met_spare = malloc(MET_MOST * sizeof *k->met_spare);
    if (!k->met || !k->met_spare)
        return ERR_NOMEM;
    for (size_t i = 0; i < k->v->places_n && e == OK; i++) {
        const struct seg_meta *m = &k->v->places[i]->meta;
        if (m->min_ms <= last && k->base <= m->max_ms)
            e = place_meet(k, k->v->places[i]);
    }
    return e == OK ? met_flush(k) : e;
}

enum err
known_rows(
    struct sight *s, const struct view *v, const struct sighting *rows,
    const uint8_t *gone, size_t n, known_fn fn, void *arg)
{
    struct known *k = calloc(1, sizeof *k);
    ts_ms last;
    if (!k)
        return ERR_NOMEM;
    k->s = s;
    k->v = v;
    k->fn = fn;
    k->arg = arg;
    arena_init(&k->texts, TEXTS_MOST);
    enum err e = known_want(k, rows, gone, n, &last) ? OK : ERR_NOMEM;
    if (e == OK && k->want_n)
        e = known_meet(k, last);
    arena_release(&k->texts);
    free(k->want);
    free(k->spare);
    free(k->site_at);
    free(k->met);
    free(k->met_spare);
    free(k);
    return e;
}
