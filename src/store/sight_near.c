/* SPDX-License-Identifier: Apache-2.0 */
/* Who else was there: the passes near some given ones. Sites are worked off one after
 * another, so a plate's different sites are counted by remembering its last one. */
#include "store/sight_ask.h"

#include "core/hash.h"

#include <stdlib.h>

struct meeting {
    uint64_t plate; /* 0 = empty slot */
    uint32_t last;  /* site + 1 */
    uint32_t sites, n;
};

/* One stretch of time at one site: given passes that overlap are one. */
struct stretch {
    uint32_t site;
    ts_ms from, to; /* [from, to) */
};

struct near_work {
    struct asked *a;
    struct meeting *slots;
    size_t n, room; /* room is a power of two */
    struct stretch *list;
    size_t list_n;
    struct place_batch batch;
    uint64_t plate[COL_ROWS];
    /* by place segment; made when first needed */
    struct near_seg {
        struct place_rows rows;
        struct roll *roll; /* or NULL */
    } * *segs;
};

static struct meeting *
slot_of(struct meeting *slots, size_t room, uint64_t plate)
{
    size_t h = hash_u64(plate) & (room - 1);
    while (slots[h].plate && slots[h].plate != plate)
        h = (h + 1) & (room - 1);
    return &slots[h];
}

static bool
slots_grow(struct near_work *w)
{
    size_t room = w->room ? w->room * 2 : 4096;
    size_t cap = w->a->ask->arena->cap;
    struct meeting *bigger =
        room <= cap / sizeof *bigger ? calloc(room, sizeof *bigger) : NULL;
    if (!bigger) {
        w->a->err = ERR_TOOBIG;
        return false;
    }
    for (size_t i = 0; i < w->room; i++)
        if (w->slots[i].plate)
            *slot_of(bigger, room, w->slots[i].plate) = w->slots[i];
    free(w->slots);
    w->slots = bigger;
    w->room = room;
    return true;
}

static bool
meet(struct near_work *w, uint64_t plate, uint32_t site)
{
    if (!plate)
        return true;
    if (w->n * 2 >= w->room && !slots_grow(w))
        return false;
    struct meeting *m = slot_of(w->slots, w->room, plate);
    w->n += !m->plate;
    m->plate = plate;
    m->sites += m->last != site + 1;
    m->last = site + 1;
    m->n++;
    return true;
}

/* ---- stretches ---- */

static int
stretch_order(const void *x, const void *y)
{
    const struct stretch *a = x, *b = y;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (a->from > b->from) - (a->from < b->from);
}

static bool
stretches(struct near_work *w, const struct sight_pass *at, size_t n, int64_t within)
{
    w->list = malloc((n ? n : 1) * sizeof *w->list);
    if (!w->list) {
        w->a->err = ERR_NOMEM;
        return false;
    }
    for (size_t i = 0; i < n; i++)
        w->list[i] = (struct stretch){
            at[i].site.v, at[i].pass_ms - within, at[i].pass_ms + within + 1};
    qsort(w->list, n, sizeof *w->list, stretch_order);
    for (size_t i = 0; i < n; i++) {
        struct stretch *last = w->list_n ? &w->list[w->list_n - 1] : NULL;
        if (!last || last->site != w->list[i].site || last->to < w->list[i].from)
            w->list[w->list_n++] = w->list[i];
        else if (last->to < w->list[i].to)
            last->to = w->list[i].to;
    }
    return true;
}

/* ---- rows ---- */

static void
near_segment(struct near_work *w, size_t k, const struct stretch *s)
{
    struct seg *seg = w->a->snap->view->places[k];
    const struct place_site *site = place_site_find(seg, s->site);
    uint64_t row;
    if (!site)
        return;
    if (!w->segs[k]) {
        w->segs[k] = malloc(sizeof *w->segs[k]);
        if (!w->segs[k]) {
            w->a->err = ERR_NOMEM;
            return;
        }
        place_rows_init(&w->segs[k]->rows, seg);
        w->segs[k]->roll = rolls_take(w->a->snap->rolls, seg);
    }
    struct place_rows *rows = &w->segs[k]->rows;
    if (!place_seek(rows, site, s->from, &row))
        return;
    while (asked_spend(w->a, 64)) {
        struct place_batch *b = &w->batch;
        if (!place_read(rows, site, s->to, &row, b) || !b->n ||
            !asked_spend(w->a, b->n) ||
            !roll_plates(w->segs[k]->roll, seg, b->rank, b->n, w->plate))
            return;
        for (unsigned i = 0; i < b->n; i++)
            if (!meet(w, w->plate[i], s->site))
                return;
    }
}

static void
near_heads(struct near_work *w, const struct stretch *s)
{
    const struct view *v = w->a->snap->view;
    for (size_t h = 0; h < v->heads_n; h++) {
        const struct head *head = v->heads[h];
        uint32_t i = head_first_site(head, s->site, w->a->snap->head_n[h]);
        for (; i != HEAD_END && asked_go_on(w->a); i = head->next_site[i]) {
            const struct sighting *r = &head->rows[i];
            if (r->site.v == s->site && r->pass_ms >= s->from && r->pass_ms < s->to &&
                !meet(w, r->plate.v, s->site))
                return;
        }
    }
}

static int
near_order(const void *x, const void *y)
{
    const struct sight_near *a = x, *b = y;
    return (a->plate.v > b->plate.v) - (a->plate.v < b->plate.v);
}

static enum err
near_give(
    struct near_work *w, uint32_t sites_min, struct sight_near **out, size_t *out_n)
{
    struct list l = {.size = sizeof(struct sight_near)};
    void *p;
    for (size_t i = 0; i < w->room && w->a->err == OK; i++) {
        const struct meeting *m = &w->slots[i];
        struct sight_near *o =
            m->plate && m->sites >= sites_min ? list_add(w->a, &l) : NULL;
        if (o)
            *o = (struct sight_near){{m->plate}, m->sites, m->n};
    }
    if (l.n)
        qsort(l.p, l.n, l.size, near_order);
    enum err e = list_give(w->a, &l, &p, out_n);
    if (e == OK)
        *out = p;
    return e;
}

enum err
sight_near(
    struct sight_snap *snap, const struct sight_pass *at, size_t n, int64_t within_ms,
    uint32_t sites_min, const struct sight_ask *ask, struct sight_near **out,
    size_t *out_n)
{
    struct asked a;
    const struct view *v = snap->view;
    struct near_work *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    asked_init(&a, snap, ask);
    w->a = &a;
    w->segs = calloc(v->places_n + 1, sizeof(struct near_seg *));
    if (!w->segs)
        a.err = ERR_NOMEM;
    bool good = a.err == OK && stretches(w, at, n, within_ms);
    for (size_t i = 0; good && i < w->list_n && a.err == OK; i++) {
        const struct stretch *s = &w->list[i];
        for (size_t k = 0; k < v->places_n && a.err == OK; k++)
            if (v->places[k]->meta.min_ms < s->to &&
                v->places[k]->meta.max_ms >= s->from)
                near_segment(w, k, s);
        near_heads(w, s);
    }
    enum err e = near_give(w, sites_min, out, out_n);
    for (size_t k = 0; w->segs && k < v->places_n; k++) {
        if (w->segs[k])
            roll_drop(w->segs[k]->roll);
        free(w->segs[k]);
    }
    free(w->segs);
    free(w->list);
    free(w->slots);
    free(w);
    return e;
}
