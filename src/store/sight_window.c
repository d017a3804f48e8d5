/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about places: who passed some sites in a window, and flow. Place rows name
 * plate and time; only rows that may pass the filter are fetched in full. A long window
 * of all sites is read from the runs instead (sight_each.h). */
#include "store/sight_each.h"

#include <stdatomic.h>
#include <stdlib.h>

/* ---- thin passes ---- */

struct thin {
    struct asked *a;
    const struct sight_filter *filter; /* NULL: everything */
    struct list *out;                  /* struct sight_pass */
};

static bool
code_fits(unsigned want, unsigned got)
{
    return !want || want == got;
}

static bool
filter_fits(const struct sight_filter *f, const struct sighting *s)
{
    if (f->pattern && !plate_pattern_match(f->pattern, s->plate))
        return false;
    if (f->speed_min_dkmh &&
        (s->speed_dkmh == SPEED_UNKNOWN || s->speed_dkmh < f->speed_min_dkmh))
        return false;
    return code_fits(f->plate_color, s->plate_color) &&
           code_fits(f->vehicle_color, s->vehicle_color) &&
           code_fits(f->lane, s->lane) && code_fits(f->direction, s->direction) &&
           code_fits(f->vehicle_class, s->vehicle_class) &&
           code_fits(f->brand, s->brand) && (s->flags & f->flags_all) == f->flags_all;
}

/* The look a filter asks for; rows whose own look differs from the usual one are asked
 * in full. */
static bool
filter_look(const struct sight_filter *f, struct looks *look)
{
    if (!f)
        return false;
    *look =
        (struct looks){f->plate_color, f->vehicle_color, f->vehicle_class, f->brand};
    return look->plate_color || look->paint || look->class || look->brand;
}

static bool
thin_add(struct thin *t, ts_ms at, uint64_t plate, uint32_t site)
{
    if (t->filter && t->filter->pattern &&
        !plate_pattern_match(t->filter->pattern, (struct plate){plate}))
        return true;
    struct sight_pass *p = list_add(t->a, t->out);
    if (p)
        *p = (struct sight_pass){at, {plate}, {site}};
    return p;
}

struct thin_work {
    struct place_rows rows;
    struct roll *roll; /* or NULL */
    struct place_batch batch;
    bool fits[COL_ROWS];
    uint64_t plate[COL_ROWS];
};

/* Drops what the usual look rules out; rows whose own look may fit stay. */
static bool
thin_looks(struct thin *t, struct thin_work *w, const struct looks *want)
{
    struct place_batch *b = &w->batch;
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++)
        w->fits[i] = true;
    if (!roll_looks(w->roll, w->rows.seg, b->rank, b->odd, b->n, want, w->fits))
        return false;
    for (unsigned i = 0; i < b->n; i++) {
        b->at[kept] = b->at[i];
        b->rank[kept] = b->rank[i];
        kept += w->fits[i];
    }
    b->n = kept;
    return t->a->err == OK;
}

static void
thin_site(struct thin *t, struct thin_work *w, const struct place_site *site)
{
    uint64_t row;
    struct looks want;
    bool looks = filter_look(t->filter, &want);
    struct place_batch *b = &w->batch;
    if (!place_seek(&w->rows, site, t->a->from, &row))
        return;
    while (asked_spend(t->a, COL_ROWS)) {
        if (!place_read(&w->rows, site, t->a->to, &row, b) || !b->n)
            return;
        if (looks && !thin_looks(t, w, &want))
            return;
        if (!roll_plates(w->roll, w->rows.seg, b->rank, b->n, w->plate))
            return;
        for (unsigned i = 0; i < b->n; i++)
            if (!thin_add(t, b->at[i], w->plate[i], site->site))
                return;
    }
}

static void
thin_segment(struct thin *t, struct seg *s, const struct site_id *sites, size_t n)
{
    struct thin_work *w = malloc(sizeof *w);
    if (!w) {
        t->a->err = ERR_NOMEM;
        return;
    }
    place_rows_init(&w->rows, s);
    w->roll = rolls_take(t->a->snap->rolls, s);
    size_t all;
    const struct place_site *list = place_sites(s, &all);
    for (size_t i = 0; i < (n ? n : all) && t->a->err == OK; i++) {
        const struct place_site *site = n ? place_site_find(s, sites[i].v) : &list[i];
        if (site)
            thin_site(t, w, site);
    }
    roll_drop(w->roll);
    free(w);
}

/* Calls each(arg, row) for the head rows of the sites in the window; false stops. */
static void
head_rows(
    struct asked *a, const struct site_id *sites, size_t n,
    bool (*each)(void *arg, const struct sighting *s), void *arg)
{
    const struct view *v = a->snap->view;
    for (size_t h = 0; h < v->heads_n; h++) {
        const struct head *head = v->heads[h];
        size_t rows = a->snap->head_n[h];
        for (size_t i = 0; n == 0 && i < rows && asked_go_on(a); i++)
            if (asked_in(a, head->rows[i].pass_ms) && !each(arg, &head->rows[i]))
                return;
        for (size_t k = 0; k < n; k++) {
            uint32_t i = head_first_site(head, sites[k].v, rows);
            for (; i != HEAD_END && asked_go_on(a); i = head->next_site[i])
                if (head->rows[i].site.v == sites[k].v &&
                    asked_in(a, head->rows[i].pass_ms) && !each(arg, &head->rows[i]))
                    return;
        }
    }
}

static bool
thin_head(void *arg, const struct sighting *s)
{
    struct thin *t = arg;
    struct sight_pass *p = list_add(t->a, t->out);
    if (p)
        *p = (struct sight_pass){s->pass_ms, s->plate, s->site};
    return p;
}

static int
pass_order(const void *x, const void *y)
{
    const struct sight_pass *a = x, *b = y;
    if (a->pass_ms != b->pass_ms)
        return a->pass_ms < b->pass_ms ? -1 : 1;
    if (a->site.v != b->site.v)
        return a->site.v < b->site.v ? -1 : 1;
    return (a->plate.v > b->plate.v) - (a->plate.v < b->plate.v);
}

/* Sites in order and once each, in the arena. */
static int
site_order(const void *x, const void *y)
{
    const struct site_id *a = x, *b = y;
    return (a->v > b->v) - (a->v < b->v);
}

static const struct site_id *
sites_once(struct asked *a, const struct site_id *sites, size_t *n)
{
    struct site_id *s = arena_array(a->ask->arena, *n ? *n : 1, sizeof *s);
    if (!s) {
        a->err = ERR_TOOBIG;
        return sites;
    }
    if (!*n)
        return s;
    memcpy(s, sites, *n * sizeof *s);
    qsort(s, *n, sizeof *s, site_order);
    size_t k = 0;
    for (size_t i = 0; i < *n; i++)
        if (!k || s[k - 1].v != s[i].v)
            s[k++] = s[i];
    *n = k;
    return s;
}

static void
thin_segments(struct thin *t, const struct site_id *sites, size_t n)
{
    const struct view *v = t->a->snap->view;
    for (size_t i = 0; i < v->places_n && t->a->err == OK; i++)
        if (asked_overlaps(t->a, v->places[i]))
            thin_segment(t, v->places[i], sites, n);
    if (t->out->n)
        qsort(t->out->p, t->out->n, t->out->size, pass_order);
}

enum err
sight_passes(
    struct sight_snap *snap, const struct site_id *sites, size_t n,
    const struct sight_ask *ask, struct sight_pass **out, size_t *out_n)
{
    struct asked a;
    struct list passes = {.size = sizeof(struct sight_pass)};
    struct thin t = {&a, NULL, &passes};
    void *p;
    asked_init(&a, snap, ask);
    sites = sites_once(&a, sites, &n);
    head_rows(&a, sites, n, thin_head, &t);
    thin_segments(&t, sites, n);
    enum err e = list_give(&a, &passes, &p, out_n);
    if (e == OK)
        *out = p;
    return e;
}

/* ---- full rows ---- */

struct full {
    struct asked *a;
    const struct sight_filter *filter;
    struct list *rows;
};

static bool
full_row(void *arg, const struct sighting *s)
{
    struct full *f = arg;
    return (f->filter && !filter_fits(f->filter, s)) ||
           asked_add_row(f->a, f->rows, s, false);
}

static bool
full_head(void *arg, const struct sighting *s)
{
    struct full *f = arg;
    return (f->filter && !filter_fits(f->filter, s)) ||
           asked_add_row(f->a, f->rows, s, true);
}

static enum err
full_each(void *arg, const struct sighting *s)
{
    struct full *f = arg;
    (void)full_head(arg, s); /* its texts live for the call, as those of a head */
    return f->a->err;
}

/* Each (time, site, plate) once: the fetch gives all records that share it. */
static void
fetch_passes(struct full *f, const struct sight_pass *p, size_t n, size_t limit)
{
    size_t heads = f->rows->n;
    struct looks look;
    bool looks = filter_look(f->filter, &look);
    for (size_t i = 0; i < n && asked_go_on(f->a); i++) {
        if (i && pass_order(&p[i - 1], &p[i]) == 0)
            continue;
        if (limit && f->rows->n - heads > limit)
            return;
        struct view_at want = {
            p[i].plate.v, p[i].pass_ms, p[i].site.v, looks ? &look : NULL};
        enum err e = view_rows_at(
            f->a->snap->view, &f->a->snap->zone, &want, f->a->ask->arena, full_row, f);
        if (e != OK && f->a->err == OK)
            f->a->err = e;
    }
}

enum err
sight_window(
    struct sight_snap *snap, const struct site_id *sites, size_t n,
    const struct sight_filter *filter, const struct sight_ask *ask,
    struct sight_rows *out)
{
    struct asked a;
    struct list rows = {.size = sizeof(struct sighting)};
    struct list passes = {.size = sizeof(struct sight_pass)};
    struct thin t = {&a, filter, &passes};
    struct full f = {&a, filter, &rows};
    asked_init(&a, snap, ask);
    sites = sites_once(&a, sites, &n);
    head_rows(&a, sites, n, full_head, &f);
    if (n == 0 && !filter && !ask->limit && asked_is_dense(&a)) {
        asked_each(&a, full_each, &f);
    } else {
        thin_segments(&t, sites, n);
        fetch_passes(&f, passes.p, passes.n, ask->limit);
    }
    list_release(&passes);
    return asked_give_rows(&a, &rows, false, ask->limit, out);
}

/* ---- flow ---- */

struct flow {
    struct asked *a;
    uint32_t lo, hi;
    int64_t bin_lo, bin_hi; /* [lo, hi) */
    struct list *cells;
};

static int64_t
bin_floor(ts_ms t)
{
    return t / PLACE_BIN_MS - (t % PLACE_BIN_MS < 0);
}

static void
flow_put(struct sight_cell *out, const struct place_cell *c)
{
    *out = (struct sight_cell){
        .at = c->bin * PLACE_BIN_MS,
        .site = {c->site},
        .n = c->rows,
        .speed_n = c->rows - c->mute,
        .speed_sum_dkmh = c->speed_sum_dkmh};
}

static bool
flow_add(struct flow *f, const struct place_cell *c)
{
    struct sight_cell *out = list_add(f->a, f->cells);
    if (out)
        flow_put(out, c);
    return out;
}

/* One site's cells; the list has room for all of them. */
static void
flow_site(struct flow *f, struct place_cells *walk, const struct place_site *site)
{
    struct list *l = f->cells;
    struct sight_cell *out = (struct sight_cell *)l->p + l->n;
    struct place_cell c;
    place_cells_site(walk, site);
    while (place_cells_next(walk, &c) && c.bin < f->bin_hi)
        if (c.bin >= f->bin_lo) {
            flow_put(out++, &c);
            l->n++;
        }
}

static void
flow_segment(struct flow *f, struct seg *s)
{
    size_t n;
    const struct place_site *sites = place_sites(s, &n);
    struct place_cells *walk = malloc(sizeof *walk);
    if (!walk) {
        f->a->err = ERR_NOMEM;
        return;
    }
    place_cells_init(walk, s);
    for (size_t i = 0; i < n && f->a->err == OK; i++)
        if (sites[i].site >= f->lo && sites[i].site <= f->hi &&
            asked_spend(f->a, sites[i].cells) &&
            list_room(f->a, f->cells, (size_t)sites[i].cells))
            flow_site(f, walk, &sites[i]);
    free(walk);
}

static void
flow_heads(struct flow *f)
{
    const struct view *v = f->a->snap->view;
    for (size_t h = 0; h < v->heads_n; h++)
        for (size_t i = 0; i < f->a->snap->head_n[h] && asked_go_on(f->a); i++) {
            const struct sighting *s = &v->heads[h]->rows[i];
            struct place_cell c = {
                .site = s->site.v, .rows = 1, .bin = bin_floor(s->pass_ms)};
            if (c.site < f->lo || c.site > f->hi || c.bin < f->bin_lo ||
                c.bin >= f->bin_hi)
                continue;
            c.mute = s->speed_dkmh == SPEED_UNKNOWN;
            c.speed_sum_dkmh = c.mute ? 0 : s->speed_dkmh;
            if (!flow_add(f, &c))
                return;
        }
}

static int
cell_order(const void *x, const void *y)
{
    const struct sight_cell *a = x, *b = y;
    if (a->site.v != b->site.v)
        return a->site.v < b->site.v ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* Sorts when need be and adds up what falls into one cell. */
static void
flow_fold(struct list *l)
{
    struct sight_cell *c = l->p;
    bool sorted = true;
    for (size_t i = 1; i < l->n && sorted; i++)
        sorted = cell_order(&c[i - 1], &c[i]) < 0;
    if (sorted)
        return;
    qsort(c, l->n, sizeof *c, cell_order);
    size_t k = 0;
    for (size_t i = 1; i < l->n; i++) {
        if (cell_order(&c[k], &c[i]) != 0) {
            c[++k] = c[i];
            continue;
        }
        c[k].n += c[i].n;
        c[k].speed_n += c[i].speed_n;
        c[k].speed_sum_dkmh += c[i].speed_sum_dkmh;
    }
    l->n = k + 1;
}

enum err
sight_flow(
    struct sight_snap *snap, struct site_id lo, struct site_id hi,
    const struct sight_ask *ask, struct sight_cell **out, size_t *out_n)
{
    struct asked a;
    struct list cells = {.size = sizeof(struct sight_cell)};
    asked_init(&a, snap, ask);
    struct flow f = {&a, lo.v, hi.v, INT64_MIN, INT64_MAX, &cells};
    if (a.from != INT64_MIN)
        f.bin_lo = bin_floor(a.from);
    if (a.to != INT64_MAX)
        f.bin_hi = bin_floor(a.to - 1) + 1;
    const struct view *v = snap->view;
    for (size_t i = 0; i < v->places_n && a.err == OK; i++) {
        const struct seg_meta *m = &v->places[i]->meta;
        if (m->rows && bin_floor(m->min_ms) < f.bin_hi &&
            bin_floor(m->max_ms) >= f.bin_lo)
            flow_segment(&f, v->places[i]);
    }
    flow_heads(&f);
    flow_fold(&cells);
    void *p;
    enum err e = list_give(&a, &cells, &p, out_n);
    if (e == OK)
        *out = p;
    return e;
}
