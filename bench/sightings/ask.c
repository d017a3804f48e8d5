/* SPDX-License-Identifier: Apache-2.0 */
/* Questions composed of the engine's primitives, as src/analysis composes them. */
#include "ask.h"

#include "core/hash.h"

#include <stdio.h>
#include <stdlib.h>

static const struct zone ZONE = {"Asia/Shanghai", 480};

/* ---- draws ---- */

static uint64_t
rnd(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_u64(*state);
}

static void
draw_one(struct draw *d, unsigned q, unsigned i, uint64_t *rng, struct plate plate)
{
    static const char digits[] = "0123456789";
    plate_format(d->plate, plate);
    snprintf(
        d->like, sizeof d->like, "晋A_%c%%%c", digits[rnd(rng) % 10],
        digits[rnd(rng) % 10]);
    for (unsigned k = 0; k < 5; k++)
        d->site[k] = 1 + (uint32_t)(rnd(rng) % SITES);
    d->brand = 1 + (unsigned)(rnd(rng) % 20);
    d->color = 1 + (unsigned)(rnd(rng) % 6);
    ts_ms day = T0 + (ts_ms)(rnd(rng) % DAYS) * DAY_MS;
    ts_ms hour = day + (7 + (ts_ms)(rnd(rng) % 12)) * HOUR_MS;
    d->from = hour;
    d->to = hour + (q == 1 ? 20 : 30) * MINUTE_MS;
    d->end = d->to + 15 * MINUTE_MS;
    if (q >= 5) { /* every day in turn, the last one first */
        d->from = T0 + (ts_ms)((DAYS - 1 - i % DAYS) % DAYS) * DAY_MS;
        d->to = d->from + DAY_MS;
    }
}

void
asker_init(struct asker *a, const struct city *city)
{
    static const unsigned draws[QUESTIONS] = {100, 100, 100, 100, 100, 7, 14, 14, 7};
    static struct plate plates[4096];
    uint64_t rng = 20260302;
    size_t n = rows_sample(city, plates, 4096);
    a->city = city;
    arena_init(&a->arena, (size_t)1 << 30);
    if (!n) {
        fprintf(stderr, "bench-sightings: no rows\n");
        exit(1);
    }
    for (unsigned q = 0; q < QUESTIONS; q++) {
        a->draws[q] = draws[q];
        for (unsigned i = 0; i < draws[q]; i++)
            draw_one(&a->draw[q][i], q, i, &rng, plates[rnd(&rng) % n]);
    }
}

void
asker_release(struct asker *a)
{
    arena_release(&a->arena);
}

/* ---- answers ---- */

struct asking {
    struct asker *a;
    struct sight_snap *snap;
    const struct draw *d;
    bool mark;
    struct answer answer;
};

static void
must_ok(enum err e)
{
    if (e != OK) {
        fprintf(stderr, "bench-sightings: a question failed: %s\n", err_row(e)->en);
        exit(1);
    }
}

static void give(struct asking *k, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void
give(struct asking *k, const char *fmt, ...)
{
    char row[ANSWER_ROW];
    va_list ap;
    k->answer.rows += !k->mark;
    if (!k->mark)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(row, sizeof row, fmt, ap);
    va_end(ap);
    answer_add(&k->answer, span_of(row, (size_t)n));
}

static struct sight_ask
whole(struct asking *k)
{
    return (struct sight_ask){.arena = &k->a->arena};
}

static struct plate
plate_of(const char *text)
{
    struct plate p;
    bool differs;
    (void)plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static void
q1(struct asking *k)
{
    struct sight_ask a = whole(k);
    struct sight_rows r;
    must_ok(sight_trajectory(k->snap, plate_of(k->d->plate), &a, &r));
    k->answer.rows = k->mark ? 0 : r.n;
    for (size_t i = 0; k->mark && i < r.n; i++) {
        char line[512];
        size_t n = row_line(&r.rows[i], line);
        for (size_t c = 0, commas = 0; c < n && commas < 12; c++)
            if (line[c] == ',') {
                line[c] = '|';
                commas++;
            }
        answer_add(&k->answer, span_of(line, n - 1));
    }
}

static void
q2(struct asking *k)
{
    struct site_id sites[5];
    struct sight_filter f = {
        .brand = (code3)k->d->brand, .vehicle_color = (uint8_t)k->d->color};
    struct sight_ask a = whole(k);
    struct sight_rows r;
    for (unsigned i = 0; i < 5; i++)
        sites[i].v = k->d->site[i];
    a.from = k->d->from;
    a.to = k->d->to;
    must_ok(sight_window(k->snap, sites, 5, &f, &a, &r));
    for (size_t i = 0; i < r.n; i++) {
        const struct sighting *s = &r.rows[i];
        char plate[PLATE_TEXT];
        struct span p = row_plate(s, plate);
        give(
            k, "%.*s|%u|%lld|%u|%.*s|%.*s", SPAN_ARG(p), s->site.v,
            (long long)s->pass_ms, s->lane, SPAN_ARG(s->record_id), SPAN_ARG(s->image));
    }
}

static int
pass_by_plate(const void *x, const void *y)
{
    const struct sight_pass *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    return (a->pass_ms > b->pass_ms) - (a->pass_ms < b->pass_ms);
}

/* At A in [from, to], then at B until `end`: first A before last B. */
static void
q3(struct asking *k)
{
    struct site_id s[2] = {{k->d->site[0]}, {k->d->site[1]}};
    struct sight_ask a = whole(k);
    struct sight_pass *p;
    size_t n;
    a.from = k->d->from;
    a.to = k->d->end + 1;
    must_ok(sight_passes(k->snap, s, 2, &a, &p, &n));
    qsort(p, n, sizeof *p, pass_by_plate);
    for (size_t i = 0, end; i < n; i = end) {
        ts_ms at_a = 0, at_b = 0;
        for (end = i; end < n && plate_eq(p[end].plate, p[i].plate); end++) {
            if (p[end].site.v == s[0].v && p[end].pass_ms <= k->d->to && !at_a)
                at_a = p[end].pass_ms;
            if (p[end].site.v == s[1].v)
                at_b = p[end].pass_ms;
        }
        char text[PLATE_TEXT];
        if (at_a && at_b && at_a < at_b && plate_is_exact(p[i].plate))
            give(
                k, "%s|%lld|%lld", plate_format(text, p[i].plate), (long long)at_a,
                (long long)at_b);
    }
}

static void
q4(struct asking *k)
{
    char text[PLATE_TEXT], *at = text;
    struct plate_pattern p;
    struct sight_ask a = whole(k);
    struct sight_count *c;
    size_t n;
    for (const char *l = k->d->like; *l; l++)
        *at++ = *l == '_' ? '?' : *l == '%' ? '*' : *l;
    *at = 0;
    if (!plate_pattern_parse(span_cstr(text), &p))
        must_ok(ERR_INPUT);
    must_ok(sight_plates(k->snap, &p, &a, &c, &n));
    for (size_t i = 0; i < n; i++)
        give(k, "%s|%u", k->mark ? plate_format(text, c[i].plate) : "", c[i].n);
}

/* Plates seen within 60 s of the target at >= 5 sites. */
static void
q5(struct asking *k)
{
    struct sight_ask a = whole(k);
    struct sight_rows r;
    struct plate plate = plate_of(k->d->plate);
    struct sight_near *near;
    size_t n;
    must_ok(sight_trajectory(k->snap, plate, &a, &r));
    struct sight_pass *at = arena_array(&k->a->arena, r.n ? r.n : 1, sizeof *at);
    for (size_t i = 0; i < r.n; i++)
        at[i] = (struct sight_pass){r.rows[i].pass_ms, plate, r.rows[i].site};
    must_ok(sight_near(k->snap, at, r.n, MINUTE_MS, 5, &a, &near, &n));
    for (size_t i = 0; i < n; i++) {
        char text[PLATE_TEXT];
        if (!plate_eq(near[i].plate, plate) && plate_is_exact(near[i].plate))
            give(
                k, "%s|%u", k->mark ? plate_format(text, near[i].plate) : "",
                near[i].sites);
    }
}

static enum err
clone_reads(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct asking *k = arg;
    const struct city *c = k->a->city;
    for (size_t i = 1; i < n; i++) {
        if (site[i] == site[i - 1] || site[i] > SITES || site[i - 1] > SITES)
            continue;
        double dx = c->x[site[i]] - c->x[site[i - 1]];
        double dy = c->y[site[i]] - c->y[site[i - 1]];
        double dt = (double)(at[i] - at[i - 1]);
        if ((dx * dx + dy * dy) * 12960000.0 > 32400.0 * dt * dt) {
            char text[PLATE_TEXT];
            if (plate_is_exact(plate))
                give(k, "%s", plate_format(text, plate));
            return OK;
        }
    }
    return OK;
}

static void
q6(struct asking *k)
{
    struct sight_ask a = whole(k);
    a.from = k->d->from;
    a.to = k->d->to;
    must_ok(sight_reads(k->snap, &a, clone_reads, k));
}

static void
q7(struct asking *k)
{
    struct sight_ask a = whole(k);
    struct sight_cell *c;
    size_t n;
    a.from = k->d->from;
    a.to = k->d->to;
    must_ok(sight_flow(
        k->snap, (struct site_id){0}, (struct site_id){UINT32_MAX}, &a, &c, &n));
    k->answer.rows = k->mark ? 0 : n;
    for (size_t i = 0; k->mark && i < n; i++)
        give(
            k, "%u|%lld|%u|%llu", c[i].site.v, (long long)(c[i].at / SIGHT_FLOW_MS),
            c[i].n, (unsigned long long)c[i].speed_sum_dkmh / 10);
}

static bool
count_it(void *arg, const struct sight_summary *s)
{
    (void)s;
    ++*(uint64_t *)arg;
    return false;
}

static void
q8(struct asking *k)
{
    struct sight_ask a = whole(k);
    uint64_t hits = 0;
    int64_t day = civil_day(k->d->from, &ZONE);
    struct sight_fit fit = {.first_lo = day, .first_hi = day + 1, .exact = true};
    must_ok(sight_days_fit(k->snap, &fit, &a, count_it, NULL, &hits));
    give(k, "%llu", (unsigned long long)hits);
}

static enum err
nights(void *arg, struct plate plate, const struct sight_day *days, size_t n)
{
    struct asking *k = arg;
    size_t found = 0;
    char text[PLATE_TEXT];
    for (size_t i = 0; i < n; i++)
        found += (days[i].hours & 0x1F) != 0;
    if (found >= 3)
        give(k, "%s", plate_format(text, plate));
    return OK;
}

static void
q9(struct asking *k)
{
    struct sight_ask a = whole(k);
    struct sight_fit fit = {
        .hours_any = 0x1F,
        .hours_none = 0x3FF00,
        .n_min = 3,
        .days_min = 3,
        .exact = true};
    must_ok(sight_days_fit(k->snap, &fit, &a, NULL, nights, k));
}

struct answer
ask_ours(struct asker *a, struct sight *s, unsigned q, unsigned i, bool mark)
{
    static void (*const question[QUESTIONS])(struct asking *) = {q1, q2, q3, q4, q5,
                                                                 q6, q7, q8, q9};
    arena_reset(&a->arena);
    struct asking k = {a, sight_snapshot(s), &a->draw[q][i], mark, {0, 0}};
    if (!k.snap)
        must_ok(ERR_NOMEM);
    question[q](&k);
    sight_snap_free(k.snap);
    return k.answer;
}
