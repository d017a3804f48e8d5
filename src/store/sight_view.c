/* SPDX-License-Identifier: Apache-2.0 */
/* Views, and the step from the thin place rows to the full vehicle rows. */
#include "store/sight_core.h"

#include <stdatomic.h>
#include <stdlib.h>

struct view *
view_new(size_t segments, size_t heads)
{
    struct view *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    atomic_init(&v->refs, 1);
    v->places = calloc(segments ? segments : 1, sizeof(struct seg *));
    v->runs = calloc(segments ? segments : 1, sizeof(struct seg *));
    v->heads = calloc(heads ? heads : 1, sizeof(struct head *));
    if (!v->places || !v->runs || !v->heads) {
        view_unref(v);
        return NULL;
    }
    return v;
}

struct view *
view_ref(struct view *v)
{
    atomic_fetch_add(&v->refs, 1);
    return v;
}

void
view_unref(struct view *v)
{
    if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
        return;
    for (size_t i = 0; i < v->places_n; i++)
        seg_unref(v->places[i]);
    for (size_t i = 0; i < v->runs_n; i++)
        seg_unref(v->runs[i]);
    for (size_t i = 0; i < v->heads_n; i++)
        head_unref(v->heads[i]);
    census_unref(v->census);
    free(v->places);
    free(v->runs);
    free(v->heads);
    free(v);
}

static int
by_day(const void *a, const void *b)
{
    const struct seg_meta *x = &(*(struct seg *const *)a)->meta;
    const struct seg_meta *y = &(*(struct seg *const *)b)->meta;
    if (x->day_lo != y->day_lo)
        return x->day_lo < y->day_lo ? -1 : 1;
    if (x->day_hi != y->day_hi)
        return x->day_hi > y->day_hi ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

void
view_sort(struct view *v)
{
    qsort(v->places, v->places_n, sizeof(struct seg *), by_day);
    qsort(v->runs, v->runs_n, sizeof(struct seg *), by_day);
}

/* ---- full rows of one moment ---- */

static enum err
run_rows_at(
    struct seg *s, const struct zone *zone, const struct view_at *want,
    struct arena *arena, view_row_fn fn, void *arg, bool *more)
{
    struct run_plate p;
    struct run_rows r;
    enum err e = OK;
    uint64_t row;
    if (!run_find(s, want->plate, &p) || !run_rows_init(&r, s, zone, false))
        return OK;
    if (!run_seek(&r, &p, want->t, &row) || !run_skip(&r, &p, want->t, &row))
        goto out;
    for (; row < p.row + p.rows && *more; row++) {
        ts_ms at;
        struct vrow v;
        struct sighting full;
        bool fits = true;
        if (!run_rows_time(&r, row, row == p.row, &at) || at > want->t)
            break;
        if (want->look && !run_rows_fit(&r, row, p.look, want->look, &fits))
            break;
        if (!fits || r.site != want->site)
            continue;
        if (!run_rows_get(&r, row, at, p.look, &v))
            break;
        if (!run_sighting(run_dict(s), zone, want->plate, &v, arena, &full)) {
            e = ERR_TOOBIG;
            break;
        }
        *more = fn(arg, &full);
    }
out:
    run_rows_release(&r);
    return e;
}

enum err
view_rows_at(
    const struct view *v, const struct zone *zone, const struct view_at *want,
    struct arena *arena, view_row_fn fn, void *arg)
{
    bool more = true;
    enum err e = OK;
    for (size_t i = 0; i < v->runs_n && e == OK && more; i++) {
        const struct seg_meta *m = &v->runs[i]->meta;
        if (m->min_ms <= want->t && want->t <= m->max_ms)
            e = run_rows_at(v->runs[i], zone, want, arena, fn, arg, &more);
    }
    return e;
}

/* ---- is this record there? ---- */

struct key_search {
    const struct sighting *want;
    struct sighting *found;
    bool is;
};

static bool
key_fits(void *arg, const struct sighting *row)
{
    struct key_search *k = arg;
    if (!head_same_key(k->want, row))
        return true;
    *k->found = *row;
    k->is = true;
    return false;
}

/* The place rows of exactly that moment name the plates to look at; usually there are
 * none. */
static enum err
place_find_key(
    const struct view *v, struct seg *s, const struct zone *zone, struct key_search *k,
    struct arena *arena)
{
    const struct place_site *site = place_site_find(s, k->want->site.v);
    if (!site)
        return OK;
    struct place_rows *r = malloc(sizeof *r); /* not zeroed: it is large */
    if (!r)
        return ERR_NOMEM;
    place_rows_init(r, s);
    uint64_t row, rank, plate, last = 0;
    uint8_t odd;
    bool any = false;
    enum err e = OK;
    bool found = place_seek(r, site, k->want->pass_ms, &row);
    for (; found && row < site->row + site->rows && e == OK && !k->is; row++) {
        ts_ms t;
        if (!place_time(r, row, row == site->row, &t) || t > k->want->pass_ms ||
            !place_rank(r, row, &rank, &odd) || !place_plate(r, rank, &plate))
            break;
        if (any && plate == last)
            continue;
        any = true;
        last = plate;
        struct view_at want = {plate, t, site->site, NULL};
        e = view_rows_at(v, zone, &want, arena, key_fits, k);
    }
    free(r);
    return e;
}

/* The first place segment of the civil day or a later one. */
static size_t
places_from(const struct view *v, int64_t day)
{
    size_t lo = 0, hi = v->places_n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (v->places[mid]->meta.day_lo < day)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

enum err
view_find_key(
    const struct view *v, const struct zone *zone, const struct sighting *s,
    struct arena *arena, struct sighting *found, bool *is)
{
    struct key_search k = {s, found, false};
    enum err e = OK;
    int64_t day = civil_day(s->pass_ms, zone);
    for (size_t i = places_from(v, day); i < v->places_n && e == OK && !k.is; i++) {
        const struct seg_meta *m = &v->places[i]->meta;
        if (m->day_lo > day)
            break;
        if (m->min_ms <= s->pass_ms && s->pass_ms <= m->max_ms)
            e = place_find_key(v, v->places[i], zone, &k, arena);
    }
    *is = k.is;
    return e;
}
