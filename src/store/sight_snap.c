/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots, the budget of a question, and the questions about one vehicle or one
 * record. */
#include "store/sight_ask.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ASK_EVERY 4096u

/* ---- snapshots ---- */

struct sight_snap *
sight_snapshot(struct sight *s)
{
    struct sight_snap *snap = calloc(1, sizeof *snap);
    if (!snap)
        return NULL;
    snap->zone = s->zone;
    snap->rolls = s->rolls;
    snap->pair = s->pair;
    pthread_mutex_lock(&s->lock);
    snap->view = view_ref(s->view);
    snap->newest = s->health.newest_ms;
    pthread_mutex_unlock(&s->lock);
    snap->head_n = calloc(snap->view->heads_n + 1, sizeof *snap->head_n);
    if (!snap->head_n) {
        sight_snap_free(snap);
        return NULL;
    }
    for (size_t i = 0; i < snap->view->heads_n; i++)
        snap->head_n[i] =
            atomic_load_explicit(&snap->view->heads[i]->n, memory_order_acquire);
    return snap;
}

void
sight_snap_free(struct sight_snap *snap)
{
    if (!snap)
        return;
    view_unref(snap->view);
    free(snap->head_n);
    free(snap);
}

uint64_t
sight_snap_rows(const struct sight_snap *snap)
{
    uint64_t n = 0;
    for (size_t i = 0; i < snap->view->runs_n; i++)
        n += snap->view->runs[i]->meta.rows;
    for (size_t i = 0; i < snap->view->heads_n; i++)
        n += snap->head_n[i];
    return n;
}

ts_ms
sight_snap_newest(const struct sight_snap *snap)
{
    return snap->newest;
}

uint32_t
sight_snap_missing(const struct sight_snap *snap)
{
    const struct view *v = snap->view;
    uint32_t n = v->missing;
    for (size_t i = 0; i < v->places_n; i++)
        n += atomic_load(&v->places[i]->bad);
    for (size_t i = 0; i < v->runs_n; i++)
        n += atomic_load(&v->runs[i]->bad);
    return n;
}

/* ---- the budget ---- */

void
asked_init(struct asked *a, const struct sight_snap *snap, const struct sight_ask *ask)
{
    *a = (struct asked){.snap = snap, .ask = ask, .from = ask->from};
    a->from = ask->from ? ask->from : INT64_MIN;
    a->to = ask->to ? ask->to : INT64_MAX;
}

bool
asked_spend(struct asked *a, uint64_t rows)
{
    uint64_t before = a->ticks / ASK_EVERY;
    a->ticks += rows;
    if (a->err == OK && a->ticks / ASK_EVERY != before && a->ask->stop &&
        a->ask->stop(a->ask->stop_arg))
        a->err = ERR_TIMEOUT;
    return a->err == OK;
}

bool
asked_go_on(struct asked *a)
{
    return asked_spend(a, 1);
}

bool
list_room(struct asked *a, struct list *l, size_t n)
{
    size_t room = l->room ? l->room : 64;
    size_t cap = a->ask->arena ? a->ask->arena->cap : SIZE_MAX;
    while (room - l->n < n)
        room *= 2;
    if (room == l->room)
        return true;
    void *p =
        room <= cap / l->size ? realloc(l->lent ? NULL : l->p, room * l->size) : NULL;
    if (!p) {
        a->err = ERR_TOOBIG;
        return false;
    }
    if (l->lent && l->n)
        memcpy(p, l->p, l->n * l->size);
    l->lent = false;
    l->p = p;
    l->room = room;
    return true;
}

bool
list_expect(struct asked *a, struct list *l, size_t n)
{
    size_t bytes;
    must(!l->p);
    if (!n)
        return true;
    void *p = __builtin_mul_overflow(n, l->size, &bytes)
                  ? NULL
                  : arena_raw(a->ask->arena, bytes);
    if (!p) {
        a->err = ERR_TOOBIG;
        return false;
    }
    l->p = p;
    l->room = n;
    l->lent = true;
    return true;
}

void *
list_add(struct asked *a, struct list *l)
{
    if (l->n == l->room && !list_room(a, l, 1))
        return NULL;
    void *item = (char *)l->p + l->n++ * l->size;
    memset(item, 0, l->size);
    return item;
}

void
list_release(struct list *l)
{
    if (!l->lent)
        free(l->p);
    l->p = NULL;
    l->n = l->room = 0;
    l->lent = false;
}

enum err
list_give(struct asked *a, struct list *l, void **out, size_t *n)
{
    void *p = l->lent ? l->p : NULL;
    if (a->err == OK && !p) {
        p = arena_array(a->ask->arena, l->n ? l->n : 1, l->size);
        if (!p)
            a->err = ERR_TOOBIG;
        else if (l->n)
            memcpy(p, l->p, l->n * l->size);
    }
    if (a->err == OK) {
        *out = p;
        *n = l->n;
    }
    list_release(l);
    return a->err;
}

/* ---- rows ---- */

static bool
copy_text(struct asked *a, struct span *s)
{
    if (s->n)
        *s = arena_span(a->ask->arena, *s);
    if (!s->p)
        a->err = ERR_TOOBIG;
    return s->p;
}

bool
asked_add_row(struct asked *a, struct list *rows, const struct sighting *s, bool copy)
{
    struct sighting *r = list_add(a, rows);
    if (!r)
        return false;
    *r = *s;
    return !copy || (copy_text(a, &r->record_id) && copy_text(a, &r->image) &&
                     copy_text(a, &r->plate_text));
}

static int
span_order(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int
row_order(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    if (a->pass_ms != b->pass_ms)
        return a->pass_ms < b->pass_ms ? -1 : 1;
    if (a->site.v != b->site.v)
        return a->site.v < b->site.v ? -1 : 1;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    return span_order(a->record_id, b->record_id);
}

static int
row_order_newest(const void *x, const void *y)
{
    return row_order(y, x);
}

enum err
asked_give_rows(
    struct asked *a, struct list *rows, bool newest_first, size_t limit,
    struct sight_rows *out)
{
    void *p = NULL;
    size_t n = 0;
    int (*order)(const void *, const void *) =
        newest_first ? row_order_newest : row_order;
    bool sorted = true;
    const struct sighting *r = rows->p;
    for (size_t i = 1; i < rows->n && sorted; i++)
        sorted = order(&r[i - 1], &r[i]) <= 0;
    if (!sorted)
        qsort(rows->p, rows->n, sizeof(struct sighting), order);
    bool more = limit && rows->n > limit;
    if (more)
        rows->n = limit;
    enum err e = list_give(a, rows, &p, &n);
    if (e == OK)
        *out = (struct sight_rows){p, n, more};
    return e;
}

/* ---- one vehicle ---- */

/* Makes sightings of n rows of one part. */
static bool
add_rows(
    struct asked *a, struct run_rows *r, const struct run_plate *p, uint64_t row,
    unsigned n, const ts_ms *t, const uint32_t *site, struct list *rows)
{
    struct vrow v[RUN_PART];
    if (!run_rows_some(r, row, n, t, site, p->look, v))
        return false;
    if (rows->room - rows->n < n && !list_room(a, rows, n))
        return false;
    struct sighting *to = (struct sighting *)rows->p + rows->n;
    const struct text_dict *dict = run_dict(r->seg);
    for (unsigned i = 0; i < n; i++)
        if (!run_sighting(dict, r->zone, p->plate, &v[i], a->ask->arena, &to[i])) {
            a->err = ERR_TOOBIG;
            return false;
        }
    rows->n += n;
    return true;
}

/* Rows [row, end) of a plate that lie in the window; at most `limit` of them. */
static void
read_rows(
    struct asked *a, struct run_rows *r, const struct run_plate *p, uint64_t row,
    uint64_t end, size_t limit, struct list *rows)
{
    ts_ms t[RUN_PART];
    uint32_t site[RUN_PART];
    for (unsigned n; row < end && limit && asked_go_on(a); row += n) {
        r->stop = limit < end - row ? row + limit : end;
        n = run_rows_times(r, row, row == p->row, t, site);
        if (!n || !asked_spend(a, n - 1))
            return;
        must(n <= end - row);
        unsigned lo = 0, hi = n;
        while (lo < hi && t[lo] < a->from)
            lo++;
        while (hi > lo && t[hi - 1] >= a->to)
            hi--;
        if (hi > lo && !add_rows(a, r, p, row + lo, hi - lo, t + lo, site + lo, rows))
            return;
        if (hi < n)
            return;
        limit -= hi - lo;
    }
}

static void
run_trajectory(
    struct asked *a, struct seg *s, const struct run_plate *p, size_t limit,
    struct list *rows)
{
    struct run_rows r;
    uint64_t row;
    if (!run_rows_init(&r, s, &a->snap->zone, false))
        return;
    if (a->from == INT64_MIN)
        read_rows(a, &r, p, p->row, p->row + p->rows, limit, rows);
    else if (run_seek(&r, p, a->from, &row) && run_skip(&r, p, a->from, &row))
        read_rows(a, &r, p, row, p->row + p->rows, limit, rows);
    run_rows_release(&r);
}

#define RUNS_AT_ONCE 32

/* The plate in some runs. A year has a dozen and more, and what is not in memory would
 * be waited for one block after the other: all are asked of the disk first. */
static void
runs_trajectory(
    struct asked *a, struct seg *const *runs, size_t n, struct plate plate,
    size_t limit, struct list *rows)
{
    struct run_plate p[RUNS_AT_ONCE];
    size_t all = 0;
    for (size_t i = 0; n > 1 && i < n; i++)
        run_want(runs[i], plate.v);
    for (size_t i = 0; i < n; i++) {
        if (!run_find(runs[i], plate.v, &p[i]))
            p[i].rows = 0;
        else if (n > 1)
            run_want_rows(runs[i], &p[i]);
        all += p[i].rows;
    }
    bool whole = a->from == INT64_MIN && a->to == INT64_MAX && limit == SIZE_MAX;
    if (whole && !rows->p && !list_expect(a, rows, all))
        return;
    for (size_t i = 0; i < n && a->err == OK; i++)
        if (p[i].rows)
            run_trajectory(a, runs[i], &p[i], limit, rows);
}

static void
head_trajectory(struct asked *a, size_t h, struct plate plate, struct list *rows)
{
    const struct head *head = a->snap->view->heads[h];
    size_t n = a->snap->head_n[h];
    uint32_t i = head_first_plate(head, plate.v, n);
    for (; i != HEAD_END && asked_go_on(a); i = head->next_plate[i])
        if (plate_eq(head->rows[i].plate, plate) &&
            asked_in(a, head->rows[i].pass_ms) &&
            !asked_add_row(a, rows, &head->rows[i], true))
            return;
}

enum err
sight_trajectory(
    struct sight_snap *snap, struct plate plate, const struct sight_ask *ask,
    struct sight_rows *out)
{
    struct asked a;
    struct list rows = {.size = sizeof(struct sighting)};
    const struct view *v = snap->view;
    size_t limit = ask->limit ? ask->limit + 1 : SIZE_MAX;
    asked_init(&a, snap, ask);
    struct seg *some[RUNS_AT_ONCE];
    size_t n = 0;
    for (size_t i = 0; i < v->runs_n && a.err == OK; i++) {
        if (asked_overlaps(&a, v->runs[i]))
            some[n++] = v->runs[i];
        if (n == RUNS_AT_ONCE || (n && i + 1 == v->runs_n)) {
            runs_trajectory(&a, some, n, plate, limit, &rows);
            n = 0;
        }
    }
    for (size_t i = 0; i < v->heads_n && a.err == OK; i++)
        head_trajectory(&a, i, plate, &rows);
    return asked_give_rows(&a, &rows, false, ask->limit, out);
}

/* The last rows of a plate: from a block's or the plate's begin, so that times can be
 * summed. */
static void
run_last(
    struct asked *a, struct seg *s, struct plate plate, size_t n, struct list *rows)
{
    struct run_plate p;
    struct run_rows r;
    if (!run_find(s, plate.v, &p) || !run_rows_init(&r, s, &a->snap->zone, false))
        return;
    uint64_t end = p.row + p.rows, cut = a->to < INT64_MAX ? 0 : end;
    if (!cut && run_seek(&r, &p, a->to, &cut)) {
        ts_ms t;
        for (; cut < end && run_rows_time(&r, cut, cut == p.row, &t) && t < a->to;
             cut++)
            ;
    }
    uint64_t row = cut - p.row > n ? cut - n : p.row;
    uint64_t block = row / COL_ROWS * COL_ROWS, start = block > p.row ? block : p.row;
    ts_ms t;
    while (start < row && run_rows_time(&r, start, start == p.row, &t))
        start++;
    if (start == row)
        read_rows(a, &r, &p, row, cut, n, rows);
    run_rows_release(&r);
}

enum err
sight_last(
    struct sight_snap *snap, struct plate plate, size_t n, const struct sight_ask *ask,
    struct sight_rows *out)
{
    struct asked a;
    struct list rows = {.size = sizeof(struct sighting)};
    const struct view *v = snap->view;
    asked_init(&a, snap, ask);
    for (size_t i = 0; i < v->runs_n && a.err == OK; i++)
        if (asked_overlaps(&a, v->runs[i]))
            run_last(&a, v->runs[i], plate, n, &rows);
    for (size_t i = 0; i < v->heads_n && a.err == OK; i++)
        head_trajectory(&a, i, plate, &rows);
    enum err e = asked_give_rows(&a, &rows, true, n, out);
    if (e == OK)
        out->more = false;
    return e;
}

/* ---- one record ---- */

struct by_id {
    struct sighting_id want;
    struct arena *arena;
    struct sighting *out;
    bool is, full;
};

static bool
id_fits(void *arg, const struct sighting *row)
{
    struct by_id *b = arg;
    if (!sighting_id_eq(sighting_id_of(row), b->want))
        return true;
    *b->out = *row;
    b->is = true;
    return false;
}

static enum err
place_fetch(struct sight_snap *snap, struct seg *s, struct by_id *b)
{
    const struct place_site *site = place_site_find(s, b->want.site);
    struct place_rows *r = site ? malloc(sizeof *r) : NULL;
    uint64_t row, rank, plate;
    uint8_t odd;
    enum err e = OK;
    if (!r)
        return site ? ERR_NOMEM : OK;
    place_rows_init(r, s);
    if (place_seek(r, site, b->want.pass_ms, &row))
        for (; row < site->row + site->rows && e == OK && !b->is; row++) {
            ts_ms t;
            if (!place_time(r, row, row == site->row, &t) || t > b->want.pass_ms ||
                !place_rank(r, row, &rank, &odd) || !place_plate(r, rank, &plate))
                break;
            struct view_at want = {plate, t, site->site, NULL};
            e = view_rows_at(snap->view, &snap->zone, &want, b->arena, id_fits, b);
        }
    free(r);
    return e;
}

static bool
head_fetch(struct sight_snap *snap, size_t h, struct by_id *b)
{
    const struct head *head = snap->view->heads[h];
    uint32_t i = head_first_site(head, b->want.site, snap->head_n[h]);
    for (; i != HEAD_END && !b->is; i = head->next_site[i])
        if (head->rows[i].pass_ms == b->want.pass_ms)
            (void)id_fits(b, &head->rows[i]);
    if (!b->is)
        return false;
    struct sighting *o = b->out;
    o->record_id = arena_span(b->arena, o->record_id);
    o->image = arena_span(b->arena, o->image);
    o->plate_text = arena_span(b->arena, o->plate_text);
    b->full = !o->record_id.p || !o->image.p || !o->plate_text.p;
    return true;
}

enum err
sight_fetch(
    struct sight_snap *snap, struct sighting_id id, struct arena *arena,
    struct sighting *out)
{
    struct sighting found;
    struct by_id b = {.want = id, .arena = arena, .out = &found};
    const struct view *v = snap->view;
    enum err e = OK;
    for (size_t i = v->heads_n; i-- > 0;)
        if (head_fetch(snap, i, &b))
            break;
    for (size_t i = 0; i < v->places_n && e == OK && !b.is; i++)
        if (v->places[i]->meta.min_ms <= id.pass_ms &&
            id.pass_ms <= v->places[i]->meta.max_ms)
            e = place_fetch(snap, v->places[i], &b);
    if (e != OK)
        return e;
    if (!b.is)
        return ERR_NOTFOUND;
    if (b.full)
        return ERR_TOOBIG;
    *out = found;
    return OK;
}
