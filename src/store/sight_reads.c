/* SPDX-License-Identifier: Apache-2.0 */
/* Every plate with its passes of a window: what pair questions (clones, journeys) are
 * composed of. */
#include "store/sight_scan.h"

#include <stdatomic.h>
#include <stdlib.h>

struct reads {
    struct list at, site; /* ts_ms, uint32_t */
};

static bool
read_add(struct asked *a, struct reads *r, ts_ms t, uint32_t site)
{
    ts_ms *at = list_add(a, &r->at);
    uint32_t *where = at ? list_add(a, &r->site) : NULL;
    if (where) {
        *at = t;
        *where = site;
    }
    return where;
}

static void
reads_of(struct asked *a, struct source *s, struct reads *out)
{
    if (s->groups) {
        for (size_t i = 0; i < s->group.n; i++)
            if (!read_add(a, out, s->group.at[i], s->group.site[i]))
                return;
        return;
    }
    if (!s->seg) {
        for (size_t i = s->row_at; i < s->row_n && s->row[i].plate == s->plate; i++)
            if (!read_add(a, out, s->row[i].t, s->row[i].site))
                return;
        return;
    }
    size_t n = (size_t)s->at.rows, k = out->at.n;
    if (!asked_spend(a, n) || !list_room(a, &out->at, n) ||
        !list_room(a, &out->site, n))
        return;
    ts_ms *at = out->at.p;
    uint32_t *site = out->site.p;
    if (!run_rows_many(&s->rows, s->at.row, n, true, at + k, site + k))
        return;
    for (size_t i = k, end = k + n; i < end; i++)
        if (asked_in(a, at[i])) {
            at[k] = at[i];
            site[k++] = site[i];
        }
    out->at.n = out->site.n = k;
}

/* Insertion sort by (time, site): parts are sorted, so only few move. */
static void
reads_sort(struct reads *r)
{
    ts_ms *t = r->at.p;
    uint32_t *s = r->site.p;
    for (size_t i = 1; i < r->at.n; i++) {
        ts_ms ti = t[i];
        uint32_t si = s[i];
        size_t k = i;
        for (; k > 0 && (t[k - 1] > ti || (t[k - 1] == ti && s[k - 1] > si)); k--) {
            t[k] = t[k - 1];
            s[k] = s[k - 1];
        }
        t[k] = ti;
        s[k] = si;
    }
}

/* One plate: a single group is handed on as it lies, everything else is collected. */
static enum err
reads_plate(
    struct scan *sc, uint64_t plate, struct reads *r, sight_reads_fn fn, void *arg)
{
    struct source *only = NULL;
    size_t parts = 0;
    for (size_t i = 0; i < sc->n; i++)
        if (sc->src[i]->live && sc->src[i]->plate == plate) {
            only = sc->src[i];
            parts++;
        }
    if (parts == 1 && only->groups && asked_spend(sc->a, only->group.n))
        return fn(
            arg, (struct plate){plate}, only->group.at, only->group.site,
            only->group.n);
    r->at.n = r->site.n = 0;
    for (size_t i = 0; i < sc->n; i++)
        if (sc->src[i]->live && sc->src[i]->plate == plate)
            reads_of(sc->a, sc->src[i], r);
    if (parts > 1)
        reads_sort(r);
    return r->at.n ? fn(arg, (struct plate){plate}, r->at.p, r->site.p, r->at.n) : OK;
}

/* Place segments hold one day, runs up to four weeks: a short window reads the first,
 * when regrouping fits the asker's memory. */
static bool
places_are_cheaper(const struct asked *a)
{
    const struct view *v = a->snap->view;
    uint64_t runs = 0, places = 0;
    for (size_t i = 0; i < v->runs_n; i++)
        runs += asked_overlaps(a, v->runs[i]) ? v->runs[i]->meta.rows : 0;
    for (size_t i = 0; i < v->places_n; i++) {
        if (!asked_overlaps(a, v->places[i]))
            continue;
        if (!group_possible(v->places[i]))
            return false;
        places += v->places[i]->meta.rows;
    }
    size_t cap = a->ask->arena ? a->ask->arena->cap : SIZE_MAX;
    return places * 2 <= runs && places <= cap / GROUP_ROW_BYTES;
}

enum err
sight_reads(
    struct sight_snap *snap, const struct sight_ask *ask, sight_reads_fn fn, void *arg)
{
    struct asked a;
    struct scan sc = {0};
    struct reads r = {
        .at = {.size = sizeof(ts_ms)}, .site = {.size = sizeof(uint32_t)}};
    asked_init(&a, snap, ask);
    uint64_t plate;
    bool good = places_are_cheaper(&a) ? scan_open_places(&sc, &a)
                                       : scan_open(&sc, &a, PLATES_SLIM);
    while (good && scan_plate(&sc, &plate)) {
        enum err e = reads_plate(&sc, plate, &r, fn, arg);
        if (a.err == OK)
            a.err = e;
        scan_step(&sc, plate);
    }
    list_release(&r.at);
    list_release(&r.site);
    scan_release(&sc);
    return a.err;
}
