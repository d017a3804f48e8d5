/* SPDX-License-Identifier: Apache-2.0 */
/* All sources in step. */
#include "store/sight_scan.h"

#include <stdatomic.h>
#include <stdlib.h>

static int
head_row_order(const void *x, const void *y)
{
    const struct head_row *a = x, *b = y;
    if (a->plate != b->plate)
        return a->plate < b->plate ? -1 : 1;
    if (a->t != b->t)
        return a->t < b->t ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

#define DIGIT_BITS 11u
#define SHORT_ROWS 512u /* below: a comparison sort is as good */

static inline unsigned
head_digit(const struct head_row *r, bool by_time, ts_ms least, unsigned shift)
{
    uint64_t v = by_time ? (uint64_t)(r->t - least) : r->plate;
    return (unsigned)(v >> shift) & ((1u << DIGIT_BITS) - 1);
}

/* One stable pass by a digit of the plate or of the time; nothing when all agree. */
static void
head_pass(
    struct head_row **rows, struct head_row **spare, size_t n, bool by_time,
    ts_ms least, unsigned shift)
{
    uint32_t count[(1u << DIGIT_BITS) + 1] = {0};
    const struct head_row *from = *rows;
    for (size_t i = 0; i < n; i++)
        count[head_digit(&from[i], by_time, least, shift) + 1]++;
    if (count[head_digit(&from[0], by_time, least, shift) + 1] == n)
        return;
    for (unsigned d = 1; d < 1u << DIGIT_BITS; d++)
        count[d] += count[d - 1];
    for (size_t i = 0; i < n; i++)
        (*spare)[count[head_digit(&from[i], by_time, least, shift)]++] = from[i];
    struct head_row *t = *rows;
    *rows = *spare;
    *spare = t;
}

/* By (plate, time, site). A full head takes milliseconds instead of tens of them. */
static void
head_sort(struct list *l)
{
    struct head_row *rows = l->p;
    struct head_row *spare = l->n > SHORT_ROWS ? malloc(l->n * sizeof *spare) : NULL;
    ts_ms least = INT64_MAX, most = INT64_MIN;
    if (!spare) {
        if (l->n)
            qsort(rows, l->n, l->size, head_row_order);
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        least = rows[i].t < least ? rows[i].t : least;
        most = rows[i].t > most ? rows[i].t : most;
    }
    uint64_t range = (uint64_t)most - (uint64_t)least;
    for (unsigned shift = 0; shift < 64 && range >> shift; shift += DIGIT_BITS)
        head_pass(&rows, &spare, l->n, true, least, shift);
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS)
        head_pass(&rows, &spare, l->n, false, least, shift);
    for (size_t i = 1; i < l->n; i++) /* same plate and time: by site */
        for (size_t k = i; k > 0 && head_row_order(&rows[k - 1], &rows[k]) > 0; k--) {
            struct head_row t = rows[k];
            rows[k] = rows[k - 1];
            rows[k - 1] = t;
        }
    free(spare);
    l->p = rows;
}

void
source_next(struct scan *sc, struct source *s)
{
    if (s->groups) {
        s->live = group_next(s->groups, &s->group);
        s->plate = s->group.plate;
        if (!s->live && sc->a->err == OK)
            sc->a->err = group_error(s->groups) == ERR_NOMEM ? ERR_NOMEM : OK;
        return;
    }
    if (s->seg) {
        s->live = run_plates_next(s->walk, &s->at);
        s->plate = s->at.plate;
        return;
    }
    while (s->row_at < s->row_n && s->row[s->row_at].plate == s->plate)
        s->row_at++;
    s->live = s->row_at < s->row_n;
    s->plate = s->live ? s->row[s->row_at].plate : 0;
}

static bool
source_run(struct scan *sc, struct source *s, struct seg *seg, uint32_t cols)
{
    s->seg = seg;
    s->walk = malloc(sizeof *s->walk);
    s->opened = s->walk && run_rows_init(&s->rows, seg, &sc->a->snap->zone, true);
    if (!s->opened)
        return false;
    run_plates_init(s->walk, seg, 1, cols);
    source_next(sc, s);
    return true;
}

static bool
source_heads(struct scan *sc, struct source *s)
{
    const struct view *v = sc->a->snap->view;
    struct list l = {.size = sizeof(struct head_row)};
    for (size_t h = 0; h < v->heads_n; h++)
        for (size_t i = 0; i < sc->a->snap->head_n[h] && asked_go_on(sc->a); i++) {
            const struct sighting *r = &v->heads[h]->rows[i];
            if (plate_is_none(r->plate) || !asked_in(sc->a, r->pass_ms))
                continue;
            struct head_row *row = list_add(sc->a, &l);
            if (row)
                *row = (struct head_row){r->plate.v, r->pass_ms, r->site.v};
        }
    head_sort(&l);
    s->row = l.p;
    s->row_n = l.n;
    s->live = l.n;
    s->plate = l.n ? s->row[0].plate : 0;
    return sc->a->err == OK;
}

void
scan_release(struct scan *sc)
{
    for (size_t i = 0; sc->src && i < sc->n; i++) {
        struct source *s = sc->src[i];
        if (!s)
            continue;
        if (s->opened)
            run_rows_release(&s->rows);
        free(s->walk);
        group_free(s->groups);
        free(s->row);
        free(s);
    }
    free(sc->src);
}

static struct source *
scan_add(struct scan *sc)
{
    struct source *s = calloc(1, sizeof *s);
    if (s)
        sc->src[sc->n++] = s;
    return s;
}

static bool
scan_end(struct scan *sc, bool good)
{
    struct source *s = good ? scan_add(sc) : NULL;
    good = s && source_heads(sc, s);
    if (!good && sc->a->err == OK)
        sc->a->err = ERR_NOMEM;
    return good;
}

bool
scan_open(struct scan *sc, struct asked *a, uint32_t cols)
{
    const struct view *v = a->snap->view;
    *sc = (struct scan){.a = a};
    sc->src = calloc(v->runs_n + 1, sizeof *sc->src);
    bool good = sc->src;
    for (size_t i = 0; good && cols && i < v->runs_n; i++) {
        if (!asked_overlaps(a, v->runs[i]))
            continue;
        struct source *s = scan_add(sc);
        good = s && source_run(sc, s, v->runs[i], cols);
    }
    return scan_end(sc, good);
}

static bool
places_go_on(void *arg)
{
    struct asked *a = arg;
    if (a->err == OK && a->ask->stop && a->ask->stop(a->ask->stop_arg))
        a->err = ERR_TIMEOUT;
    return a->err == OK;
}

bool
scan_open_places(struct scan *sc, struct asked *a)
{
    const struct view *v = a->snap->view;
    *sc = (struct scan){.a = a};
    sc->src = calloc(v->places_n + 1, sizeof *sc->src);
    bool good = sc->src;
    for (size_t i = 0; good && i < v->places_n; i++) {
        if (!asked_overlaps(a, v->places[i]))
            continue;
        struct source *s = scan_add(sc);
        enum err e = s ? group_new(
                             v->places[i], a->snap->pair, a->from, a->to, places_go_on,
                             a, &s->groups)
                       : ERR_NOMEM;
        if (e == ERR_CORRUPT) /* marked bad: the answer says that rows are missing */
            continue;
        good = e == OK;
        if (good)
            source_next(sc, s);
        else if (a->err == OK)
            a->err = e;
    }
    return scan_end(sc, good);
}

bool
scan_plate(struct scan *sc, uint64_t *plate)
{
    bool any = false;
    for (size_t i = 0; i < sc->n; i++)
        if (sc->src[i]->live && (!any || sc->src[i]->plate < *plate)) {
            *plate = sc->src[i]->plate;
            any = true;
        }
    return any && asked_go_on(sc->a);
}

void
scan_step(struct scan *sc, uint64_t plate)
{
    for (size_t i = 0; i < sc->n; i++)
        if (sc->src[i]->live && sc->src[i]->plate == plate)
            source_next(sc, sc->src[i]);
}
