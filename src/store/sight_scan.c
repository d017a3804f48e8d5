/* SPDX-License-Identifier: Apache-2.0 */
/* Scans by vehicle: all sources (runs, and the heads sorted on the spot) are walked
 * plate by plate in step, so each plate is handed out once with everything that is
 * known of it. */
#include "store/sight_ask.h"

#include <stdatomic.h>
#include <stdlib.h>

/* ---- plate patterns ---- */

/* A cheap test that every match passes: fixed characters under a mask. */
struct quick {
    uint64_t mask, want;
};

static struct quick
quick_of(const struct plate_pattern *p)
{
    struct quick q = {0, 0};
    unsigned i = 0;
    for (; i < p->n && i < PLATE_CHARS && p->code[i] != PLATE_CODE_RUN; i++) {
        unsigned shift = 56 - 7 * i;
        if (p->code[i] == PLATE_CODE_UNREAD)
            continue;
        q.mask |= UINT64_C(127) << shift;
        q.want |= (uint64_t)p->code[i] << shift;
    }
    if (i == p->n && i < PLATE_CHARS) { /* no run: nothing may follow */
        uint64_t rest = (UINT64_C(1) << (63 - 7 * i)) - 1;
        q.mask |= rest;
    }
    return q;
}

static uint32_t
count_window(
    struct asked *a, struct seg *s, struct run_rows *r, const struct run_plate *p)
{
    if (s->meta.min_ms >= a->from && s->meta.max_ms < a->to)
        return (uint32_t)p->rows;
    uint32_t n = 0;
    for (uint64_t row = p->row; row < p->row + p->rows && asked_go_on(a); row++) {
        ts_ms t;
        if (!run_rows_time(r, row, row == p->row, &t) || t >= a->to)
            break;
        n += t >= a->from;
    }
    return n;
}

static bool
count_add(struct asked *a, struct list *out, uint64_t plate, uint32_t n)
{
    struct sight_count *last = out->p;
    if (out->n && last[out->n - 1].plate.v == plate) {
        last[out->n - 1].n += n;
        return true;
    }
    struct sight_count *c = n ? list_add(a, out) : NULL;
    if (c)
        *c = (struct sight_count){{plate}, n};
    return c || !n;
}

static void
count_run(
    struct asked *a, struct seg *s, const struct plate_pattern *pattern,
    struct list *out)
{
    struct quick q = quick_of(pattern);
    struct run_plates *w = malloc(sizeof *w);
    struct run_rows r;
    struct run_plate p;
    if (!w || !run_rows_init(&r, s, &a->snap->zone, true)) {
        free(w);
        a->err = ERR_NOMEM;
        return;
    }
    run_plates_init(w, s, pattern->lo.v, PLATES_SLIM);
    while (asked_go_on(a) && run_plates_next(w, &p) && p.plate <= pattern->hi.v)
        if ((p.plate & q.mask) == q.want &&
            plate_pattern_match(pattern, (struct plate){p.plate}) &&
            !count_add(a, out, p.plate, count_window(a, s, &r, &p)))
            break;
    run_rows_release(&r);
    free(w);
}

static void
count_heads(struct asked *a, const struct plate_pattern *pattern, struct list *out)
{
    struct quick q = quick_of(pattern);
    const struct view *v = a->snap->view;
    for (size_t h = 0; h < v->heads_n; h++)
        for (size_t i = 0; i < a->snap->head_n[h] && asked_go_on(a); i++) {
            const struct sighting *s = &v->heads[h]->rows[i];
            if ((s->plate.v & q.mask) == q.want && asked_in(a, s->pass_ms) &&
                plate_pattern_match(pattern, s->plate) &&
                !count_add(a, out, s->plate.v, 1))
                return;
        }
}

static int
count_order(const void *x, const void *y)
{
    const struct sight_count *a = x, *b = y;
    return (a->plate.v > b->plate.v) - (a->plate.v < b->plate.v);
}

enum err
sight_plates(
    struct sight_snap *snap, const struct plate_pattern *pattern,
    const struct sight_ask *ask, struct sight_count **out, size_t *out_n)
{
    struct asked a;
    struct list all = {.size = sizeof(struct sight_count)};
    const struct view *v = snap->view;
    asked_init(&a, snap, ask);
    for (size_t i = 0; i < v->runs_n && a.err == OK; i++)
        if (asked_overlaps(&a, v->runs[i]))
            count_run(&a, v->runs[i], pattern, &all);
    count_heads(&a, pattern, &all);
    struct sight_count *c = all.p;
    if (all.n)
        qsort(c, all.n, sizeof *c, count_order);
    size_t k = 0;
    for (size_t i = 1; i < all.n; i++) {
        if (c[k].plate.v == c[i].plate.v)
            c[k].n += c[i].n;
        else
            c[++k] = c[i];
    }
    all.n = all.n ? k + 1 : 0;
    void *p;
    enum err e = list_give(&a, &all, &p, out_n);
    if (e == OK)
        *out = p;
    return e;
}

/* ---- all sources in step ---- */

struct head_row {
    uint64_t plate;
    ts_ms t;
    uint32_t site;
};

struct source {
    struct seg *seg; /* NULL: the heads */
    struct run_plates *walk;
    struct run_rows rows;
    struct run_plate at;
    uint64_t plate; /* the next one */
    bool live, opened;
    /* days of a run, decoded block by block */
    size_t day_block;
    uint64_t day[DAY_COLS][COL_ROWS];
    /* the heads' rows, sorted */
    struct head_row *row;
    size_t row_n, row_at;
};

struct scan {
    struct asked *a;
    struct source **src; /* heap, n of them */
    size_t n;
};

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

static void
source_next(struct source *s)
{
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
source_run(struct scan *sc, struct source *s, struct seg *seg)
{
    s->seg = seg;
    s->day_block = SIZE_MAX;
    s->walk = malloc(sizeof *s->walk);
    s->opened = s->walk && run_rows_init(&s->rows, seg, &sc->a->snap->zone, true);
    if (!s->opened)
        return false;
    run_plates_init(s->walk, seg, 1, PLATES_TIMES);
    source_next(s);
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
    if (l.n)
        qsort(l.p, l.n, l.size, head_row_order);
    s->row = l.p;
    s->row_n = l.n;
    s->live = l.n;
    s->plate = l.n ? s->row[0].plate : 0;
    return sc->a->err == OK;
}

static void
scan_release(struct scan *sc)
{
    for (size_t i = 0; sc->src && i < sc->n; i++) {
        struct source *s = sc->src[i];
        if (!s)
            continue;
        if (s->opened)
            run_rows_release(&s->rows);
        free(s->walk);
        free(s->row);
        free(s);
    }
    free(sc->src);
}

static bool
scan_open(struct scan *sc, struct asked *a)
{
    const struct view *v = a->snap->view;
    *sc = (struct scan){.a = a};
    sc->src = calloc(v->runs_n + 1, sizeof *sc->src);
    bool good = sc->src;
    for (size_t i = 0; good && i < v->runs_n; i++) {
        if (!asked_overlaps(a, v->runs[i]))
            continue;
        struct source *s = sc->src[sc->n++] = calloc(1, sizeof *s);
        good = s && source_run(sc, s, v->runs[i]);
    }
    if (good) {
        struct source *s = sc->src[sc->n++] = calloc(1, sizeof *s);
        good = s && source_heads(sc, s);
    }
    if (!good && a->err == OK)
        a->err = ERR_NOMEM;
    return good;
}

/* The least plate that any source stands at; false at the end or past the budget. */
static bool
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

static void
scan_step(struct scan *sc, uint64_t plate)
{
    for (size_t i = 0; i < sc->n; i++)
        if (sc->src[i]->live && sc->src[i]->plate == plate)
            source_next(sc->src[i]);
}

/* ---- days ---- */

static bool
day_at(struct source *s, uint64_t i, struct sight_day *out)
{
    size_t block = (size_t)(i / COL_ROWS);
    struct blk b;
    if (block != s->day_block) {
        if (!seg_block(s->seg, RUN_DAYS, block, &b))
            return false;
        for (unsigned c = 0; c < DAY_COLS; c++)
            if (!blk_values(s->seg, &b, c, s->day[c]))
                return false;
        s->day_block = block;
    }
    unsigned k = (unsigned)(i % COL_ROWS);
    *out = (struct sight_day){
        run_base_day(s->seg) + (int64_t)s->day[DAY_DAY][k],
        (uint32_t)s->day[DAY_HOURS][k], (uint32_t)s->day[DAY_ROWS][k]};
    return true;
}

static void
days_of(struct asked *a, struct source *s, int64_t lo, int64_t hi, struct list *days)
{
    struct sight_day d;
    if (s->seg) {
        for (uint64_t i = 0; i < s->at.days && day_at(s, s->at.day + i, &d); i++) {
            struct sight_day *out =
                d.day >= lo && d.day < hi ? list_add(a, days) : NULL;
            if (out)
                *out = d;
        }
        return;
    }
    for (size_t i = s->row_at; i < s->row_n && s->row[i].plate == s->plate; i++) {
        struct civil c = civil_of(s->row[i].t, &a->snap->zone);
        struct sight_day *out = list_add(a, days);
        if (out)
            *out = (struct sight_day){
                civil_day(s->row[i].t, &a->snap->zone), 1u << c.hour, 1};
    }
}

static int
day_order(const void *x, const void *y)
{
    const struct sight_day *a = x, *b = y;
    return (a->day > b->day) - (a->day < b->day);
}

static void
days_fold(struct list *l)
{
    struct sight_day *d = l->p;
    bool sorted = true;
    for (size_t i = 1; i < l->n && sorted; i++)
        sorted = d[i - 1].day < d[i].day;
    if (sorted)
        return;
    qsort(d, l->n, sizeof *d, day_order);
    size_t k = 0;
    for (size_t i = 1; i < l->n; i++) {
        if (d[k].day != d[i].day) {
            d[++k] = d[i];
            continue;
        }
        d[k].hours |= d[i].hours;
        d[k].n += d[i].n;
    }
    l->n = k + 1;
}

/* Whole days; the window is rounded outward. */
static void
round_days(struct asked *a, int64_t *lo, int64_t *hi)
{
    const struct zone *z = &a->snap->zone;
    *lo = INT64_MIN;
    *hi = INT64_MAX;
    if (a->from != INT64_MIN) {
        *lo = civil_day(a->from, z);
        a->from = civil_day_start(*lo, z);
    }
    if (a->to != INT64_MAX) {
        *hi = civil_day(a->to - 1, z) + 1;
        a->to = civil_day_start(*hi, z);
    }
}

/* Days of one plate from all sources, in order. */
static void
days_collect(struct scan *sc, uint64_t plate, int64_t lo, int64_t hi, struct list *days)
{
    days->n = 0;
    for (size_t i = 0; i < sc->n; i++)
        if (sc->src[i]->live && sc->src[i]->plate == plate)
            days_of(sc->a, sc->src[i], lo, hi, days);
    days_fold(days);
}

static void
summary_add(struct sight_summary *s, int64_t day, uint32_t hours, uint64_t n)
{
    s->first_day = s->n && s->first_day < day ? s->first_day : day;
    s->hours |= hours;
    s->n += n;
}

/* From the plate directories; false when a source reaches out of the window, so that
 * only its days can tell. */
static bool
summary_quick(struct scan *sc, uint64_t plate, struct sight_summary *out)
{
    *out = (struct sight_summary){.plate = {plate}};
    for (size_t i = 0; i < sc->n; i++) {
        const struct source *s = sc->src[i];
        if (!s->live || s->plate != plate)
            continue;
        if (!s->seg || s->seg->meta.min_ms < sc->a->from ||
            s->seg->meta.max_ms >= sc->a->to)
            return false;
        summary_add(out, s->at.first_day, s->at.hours, s->at.rows);
    }
    return true;
}

static void
summary_slow(const struct list *days, uint64_t plate, struct sight_summary *out)
{
    const struct sight_day *d = days->p;
    *out = (struct sight_summary){.plate = {plate}};
    for (size_t i = 0; i < days->n; i++)
        summary_add(out, d[i].day, d[i].hours, d[i].n);
}

struct days_ask {
    int64_t lo, hi;
    sight_want_fn want;
    sight_days_fn fn;
    void *arg;
};

static enum err
days_plate(struct scan *sc, uint64_t plate, const struct days_ask *q, struct list *days)
{
    struct sight_summary s;
    bool quick = q->want && summary_quick(sc, plate, &s);
    if (quick && (!q->want(q->arg, &s) || !q->fn))
        return OK;
    days_collect(sc, plate, q->lo, q->hi, days);
    if (!days->n)
        return OK;
    if (q->want && !quick) {
        summary_slow(days, plate, &s);
        if (!q->want(q->arg, &s))
            return OK;
    }
    return q->fn ? q->fn(q->arg, (struct plate){plate}, days->p, days->n) : OK;
}

enum err
sight_days_where(
    struct sight_snap *snap, const struct sight_ask *ask, sight_want_fn want,
    sight_days_fn fn, void *arg)
{
    struct asked a;
    struct scan sc = {0};
    struct list days = {.size = sizeof(struct sight_day)};
    struct days_ask q = {.want = want, .fn = fn, .arg = arg};
    asked_init(&a, snap, ask);
    round_days(&a, &q.lo, &q.hi);
    uint64_t plate;
    if (scan_open(&sc, &a))
        while (scan_plate(&sc, &plate)) {
            enum err e = days_plate(&sc, plate, &q, &days);
            if (a.err == OK)
                a.err = e;
            scan_step(&sc, plate);
        }
    list_release(&days);
    scan_release(&sc);
    return a.err;
}

enum err
sight_days(
    struct sight_snap *snap, const struct sight_ask *ask, sight_days_fn fn, void *arg)
{
    return sight_days_where(snap, ask, NULL, fn, arg);
}

/* ---- reads ---- */

struct reads {
    struct list at, site; /* ts_ms, uint32_t */
    size_t parts;
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
    if (!s->seg) {
        for (size_t i = s->row_at; i < s->row_n && s->row[i].plate == s->plate; i++)
            if (!read_add(a, out, s->row[i].t, s->row[i].site))
                return;
        return;
    }
    for (uint64_t row = s->at.row; row < s->at.row + s->at.rows; row++) {
        ts_ms t;
        if (!run_rows_time(&s->rows, row, row == s->at.row, &t) || t >= a->to)
            return;
        if (t < a->from)
            continue;
        if (!read_add(a, out, t, s->rows.site))
            return;
    }
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
    if (scan_open(&sc, &a))
        while (scan_plate(&sc, &plate)) {
            r.at.n = r.site.n = 0;
            size_t parts = 0;
            for (size_t i = 0; i < sc.n; i++)
                if (sc.src[i]->live && sc.src[i]->plate == plate) {
                    reads_of(&a, sc.src[i], &r);
                    parts++;
                }
            if (parts > 1)
                reads_sort(&r);
            enum err e =
                r.at.n ? fn(arg, (struct plate){plate}, r.at.p, r.site.p, r.at.n) : OK;
            if (a.err == OK)
                a.err = e;
            scan_step(&sc, plate);
        }
    list_release(&r.at);
    list_release(&r.site);
    scan_release(&sc);
    return a.err;
}
