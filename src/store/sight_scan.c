/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about all plates: patterns, and the days of every vehicle. The census
 * answers what it can; else all runs are walked in step. */
#include "store/sight_scan.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ASK_PLATES 65536u  /* plates between two looks at the budget */
#define PAIR_PLATES 65536u /* from here on a second thread is worth waking */

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

/* Does the window hold every run whole, so that the census's sums are the answer's? */
static bool
census_serves(const struct asked *a)
{
    const struct view *v = a->snap->view;
    bool whole = v->census;
    for (size_t i = 0; whole && i < v->runs_n; i++) {
        const struct seg_meta *m = &v->runs[i]->meta;
        whole = !m->rows || (m->min_ms >= a->from && m->max_ms < a->to);
    }
    return whole;
}

static void
count_census(struct asked *a, const struct plate_pattern *pattern, struct list *out)
{
    const struct census *r = a->snap->view->census;
    struct quick q = quick_of(pattern);
    size_t i = census_find(r, pattern->lo.v), end = census_find(r, pattern->hi.v);
    end += end < r->n && r->plate[end] == pattern->hi.v;
    while (i < end && asked_go_on(a)) {
        size_t part = end - i > 1024 ? i + 1024 : end;
        for (; i < part; i++)
            if ((r->plate[i] & q.mask) == q.want &&
                plate_pattern_match(pattern, (struct plate){r->plate[i]}) &&
                !count_add(a, out, r->plate[i], r->rows[i]))
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
    bool whole = census_serves(&a);
    if (whole)
        count_census(&a, pattern, &all);
    for (size_t i = 0; !whole && i < v->runs_n && a.err == OK; i++)
        if (asked_overlaps(&a, v->runs[i]))
            count_run(&a, v->runs[i], pattern, &all);
    count_heads(&a, pattern, &all);
    struct sight_count *c = all.p;
    bool sorted = true;
    for (size_t i = 1; i < all.n && sorted; i++)
        sorted = c[i - 1].plate.v < c[i].plate.v;
    if (!sorted)
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

/* ---- days ---- */

/* Days are decoded a few ahead: a question may skip to a plate here and there. */
static bool
day_at(struct source *s, uint64_t i, struct sight_day *out)
{
    if (i - s->day_from >= s->day_n) {
        unsigned k = (unsigned)(i % COL_ROWS);
        struct blk b;
        struct col col;
        s->day_n = 0;
        if (!seg_block(s->seg, RUN_DAYS, (size_t)(i / COL_ROWS), &b) || k >= b.n)
            return false;
        unsigned n = b.n - k < SOURCE_DAYS ? b.n - k : SOURCE_DAYS;
        for (unsigned c = 0; c < DAY_COLS; c++) {
            if (!blk_col(s->seg, &b, c, &col))
                return false;
            col_range(&col, k, n, s->day[c]);
        }
        s->day_from = i;
        s->day_n = n;
    }
    size_t k = (size_t)(i - s->day_from);
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
    const struct sight_fit *fit;
    sight_want_fn want;
    sight_days_fn fn;
    void *arg;
};

static bool
fit_is(const struct sight_fit *f, const struct sight_summary *s)
{
    return (!f->hours_any || s->hours & f->hours_any) && !(s->hours & f->hours_none) &&
           (!f->first_hi ||
            (s->first_day >= f->first_lo && s->first_day < f->first_hi)) &&
           s->n >= f->n_min && (!f->exact || plate_is_exact(s->plate));
}

static bool
wanted(const struct days_ask *q, const struct sight_summary *s)
{
    return fit_is(q->fit, s) && (!q->want || q->want(q->arg, s));
}

static enum err
days_plate(struct scan *sc, uint64_t plate, const struct days_ask *q, struct list *days)
{
    struct sight_summary s;
    bool quick = summary_quick(sc, plate, &s);
    if (quick && (!wanted(q, &s) || !q->fn))
        return OK;
    days_collect(sc, plate, q->lo, q->hi, days);
    if (!days->n)
        return OK;
    if (!quick) {
        summary_slow(days, plate, &s);
        if (!wanted(q, &s))
            return OK;
    }
    return q->fn ? q->fn(q->arg, (struct plate){plate}, days->p, days->n) : OK;
}

static void
days_by_runs(struct asked *a, const struct days_ask *q)
{
    struct scan sc = {0};
    struct list days = {.size = sizeof(struct sight_day)};
    uint64_t plate;
    if (scan_open(&sc, a, PLATES_TIMES))
        while (scan_plate(&sc, &plate)) {
            enum err e = days_plate(&sc, plate, q, &days);
            if (a->err == OK)
                a->err = e;
            scan_step(&sc, plate);
        }
    list_release(&days);
    scan_release(&sc);
}

/* The same as fit_is() over the census, 64 plates at a time without a branch. */
struct sieve {
    const struct census *census;
    uint32_t any, mask, want; /* hours & any, and hours & mask == want */
    uint32_t first_lo, first_span, n_min;
    uint8_t days_min;
    bool by_first, by_rows;
};

static struct sieve
sieve_of(const struct census *r, const struct sight_fit *f)
{
    uint32_t exact = f->exact ? CENSUS_EXACT : 0;
    struct sieve v = {
        .census = r,
        .any = f->hours_any ? f->hours_any & CENSUS_HOURS : CENSUS_HOURS,
        .mask = (f->hours_none & CENSUS_HOURS) | exact,
        .want = exact,
        .by_first = f->first_hi,
        .n_min = f->n_min > UINT32_MAX ? UINT32_MAX : (uint32_t)f->n_min,
        .days_min = f->days_min > UINT8_MAX ? UINT8_MAX : (uint8_t)f->days_min,
        .by_rows = f->n_min > 1 || f->days_min > 1,
    };
    int64_t lo = f->first_lo > INT32_MIN ? f->first_lo : INT32_MIN;
    int64_t hi = f->first_hi < INT32_MAX ? f->first_hi : INT32_MAX;
    v.first_lo = (uint32_t)lo;
    v.first_span = hi > lo ? (uint32_t)(hi - lo) : 0;
    return v;
}

/* Which of the plates [64 * w, 64 * w + 64) fit. */
static uint64_t
sieve_word(const struct sieve *v, size_t w)
{
    uint8_t fits[CENSUS_STEP];
    const uint32_t *hours = v->census->hours + w * CENSUS_STEP;
    for (unsigned i = 0; i < CENSUS_STEP; i++)
        fits[i] =
            (uint8_t)(((hours[i] & v->any) != 0) & ((hours[i] & v->mask) == v->want));
    if (v->by_first) {
        const int32_t *first = v->census->first + w * CENSUS_STEP;
        for (unsigned i = 0; i < CENSUS_STEP; i++)
            fits[i] &= (uint8_t)((uint32_t)first[i] - v->first_lo < v->first_span);
    }
    uint64_t word = 0, eight;
    for (unsigned i = 0; i < CENSUS_STEP; i += 8) {
        memcpy(&eight, fits + i, 8);
        word |= (le64toh(eight) * UINT64_C(0x0102040810204080)) >> 56 << i;
    }
    if (!word || !v->by_rows)
        return word;
    for (uint64_t left = word; left; left &= left - 1) {
        size_t i = w * CENSUS_STEP + (size_t)__builtin_ctzll(left);
        if (v->census->rows[i] < v->n_min || v->census->days[i] < v->days_min)
            word &= ~(left & (0 - left));
    }
    return word;
}

/* Walks what fits; the second thread sieves the second half meanwhile. */
struct sift {
    struct sieve sieve;
    struct pair *pair;
    bool beside;
    size_t half, words; /* [half, words) are the second thread's, in `word` */
    uint64_t *word;
    size_t at; /* the open word; SIZE_MAX = none */
    uint64_t open;
};

static void
sift_half(void *arg)
{
    struct sift *s = arg;
    for (size_t w = s->half; w < s->words; w++)
        s->word[w - s->half] = sieve_word(&s->sieve, w);
}

static void
sift_begin(
    struct sift *s, struct pair *pair, const struct census *r,
    const struct sight_fit *f)
{
    *s = (struct sift){.sieve = sieve_of(r, f), .pair = pair, .at = SIZE_MAX};
    s->words = (r->n + CENSUS_STEP - 1) / CENSUS_STEP;
    s->half = s->words / 2;
    if (r->n >= PAIR_PLATES)
        s->word = malloc((s->words - s->half) * sizeof *s->word);
    s->beside = s->word && pair_begin(pair, sift_half, s);
    if (!s->beside)
        s->half = s->words;
}

static void
sift_join(struct sift *s)
{
    if (s->beside)
        pair_end(s->pair);
    s->beside = false;
}

static void
sift_end(struct sift *s)
{
    sift_join(s);
    free(s->word);
}

/* First index in [i, end) that fits; end when there is none. */
static size_t
sift_next(struct sift *s, size_t i, size_t end)
{
    for (; i < end; i = (i / CENSUS_STEP + 1) * CENSUS_STEP) {
        size_t w = i / CENSUS_STEP;
        if (w != s->at) {
            if (w >= s->half)
                sift_join(s);
            s->open = w < s->half ? sieve_word(&s->sieve, w) : s->word[w - s->half];
            s->at = w;
        }
        uint64_t left = s->open >> (i % CENSUS_STEP);
        if (!left)
            continue;
        i += (size_t)__builtin_ctzll(left);
        return i < end ? i : end;
    }
    return end;
}

/* Runs are asked for the days of wanted plates only: their cursors skip to them. */
static enum err
census_plate(
    struct scan *sc, const struct sight_summary *s, const struct days_ask *q,
    struct list *days)
{
    uint64_t plate = s->plate.v;
    if ((q->want && !q->want(q->arg, s)) || !q->fn)
        return OK;
    for (size_t i = 0; i < sc->n; i++) {
        struct source *src = sc->src[i];
        if (src->seg && src->live && src->plate < plate) {
            src->live = run_plates_seek(src->walk, plate, &src->at);
            src->plate = src->at.plate;
        }
    }
    days_collect(sc, plate, q->lo, q->hi, days);
    return days->n ? q->fn(q->arg, s->plate, days->p, days->n) : OK;
}

/* Rows of the heads, of the plate at which they stand. */
static void
summary_head(const struct asked *a, const struct source *h, struct sight_summary *out)
{
    const struct zone *z = &a->snap->zone;
    for (size_t i = h->row_at; i < h->row_n && h->row[i].plate == h->plate; i++)
        summary_add(
            out, civil_day(h->row[i].t, z), 1u << civil_of(h->row[i].t, z).hour, 1);
}

static struct sight_summary
summary_at(const struct census *r, size_t i)
{
    return (struct sight_summary){
        {r->plate[i]}, r->first[i], r->hours[i] & CENSUS_HOURS, r->rows[i]};
}

static void
days_by_census(struct asked *a, const struct days_ask *q)
{
    const struct census *r = a->snap->view->census;
    struct scan sc = {0};
    struct list days = {.size = sizeof(struct sight_day)};
    struct sift sift;
    size_t i = 0;
    sift_begin(&sift, a->snap->pair, r, q->fit);
    bool good = scan_open(&sc, a, q->fn ? PLATES_DAYS : 0);
    struct source *head = good ? sc.src[sc.n - 1] : NULL;
    while (good && (i < r->n || head->live) && asked_go_on(a)) {
        size_t stop = head->live ? census_find(r, head->plate) : r->n;
        stop = stop - i > ASK_PLATES ? i + ASK_PLATES : stop;
        struct sight_summary s = {0};
        i = sift_next(&sift, i, stop);
        bool own = i < stop;
        if (own) {
            s = summary_at(r, i++);
        } else if (head->live && (i == r->n || r->plate[i] >= head->plate)) {
            s.plate.v = head->plate;
            if (i < r->n && r->plate[i] == head->plate)
                s = summary_at(r, i++);
            summary_head(a, head, &s);
        } else {
            continue;
        }
        enum err e = own || fit_is(q->fit, &s) ? census_plate(&sc, &s, q, &days) : OK;
        if (a->err == OK)
            a->err = e;
        if (!own)
            source_next(&sc, head);
    }
    sift_end(&sift);
    list_release(&days);
    scan_release(&sc);
}

enum err
sight_days_fit(
    struct sight_snap *snap, const struct sight_fit *fit, const struct sight_ask *ask,
    sight_want_fn want, sight_days_fn fn, void *arg)
{
    struct asked a;
    struct days_ask q = {.fit = fit, .want = want, .fn = fn, .arg = arg};
    asked_init(&a, snap, ask);
    round_days(&a, &q.lo, &q.hi);
    if (census_serves(&a))
        days_by_census(&a, &q);
    else
        days_by_runs(&a, &q);
    return a.err;
}

enum err
sight_days_where(
    struct sight_snap *snap, const struct sight_ask *ask, sight_want_fn want,
    sight_days_fn fn, void *arg)
{
    struct sight_fit all = {0};
    return sight_days_fit(snap, &all, ask, want, fn, arg);
}

enum err
sight_days(
    struct sight_snap *snap, const struct sight_ask *ask, sight_days_fn fn, void *arg)
{
    return sight_days_where(snap, ask, NULL, fn, arg);
}
