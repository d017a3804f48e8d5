/* SPDX-License-Identifier: Apache-2.0 */
/* fake_test.h - a store small enough to read: passes in an array behind
 * analysis/needs.h, a row of sites on a line, and a permit, for tests of questions.
 *
 * Includes kit/kit.h and model/look_mint.h come before it.
 * Owner    one fake a test; fake_clear() begins anew.
 * Threads  one.
 */
#ifndef TQ_ANALYSIS_FAKE_TEST_H
#define TQ_ANALYSIS_FAKE_TEST_H

#include "analysis/question.h"

#include <stdio.h>
#include <stdlib.h>

#define FAKE_PASSES 50000
#define FAKE_SITES 12

struct fake {
    struct sighting pass[FAKE_PASSES];
    size_t n;
    struct alarm alarm[12];
    size_t alarms_n;
    struct site_table *sites;
    struct zone zone;
    struct arena arena;
    struct question_answer answer;
    struct note note;
    enum err fails; /* what reads() says instead of an answer */
};
static struct fake fake;

static inline int
fake_order(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    if (a->pass_ms != b->pass_ms)
        return a->pass_ms < b->pass_ms ? -1 : 1;
    return (a->site.v > b->site.v) - (a->site.v < b->site.v);
}

static inline int
fake_plate_order(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    return fake_order(x, y);
}

static inline enum err
fake_rows(ts_ms from, ts_ms to, struct arena *arena, struct sighting **out, size_t *n)
{
    *out = arena_array(arena, fake.n + 1, sizeof **out);
    *n = 0;
    if (!*out)
        return ERR_TOOBIG;
    for (size_t i = 0; i < fake.n; i++)
        if (fake.pass[i].pass_ms >= from && fake.pass[i].pass_ms < to)
            (*out)[(*n)++] = fake.pass[i];
    qsort(*out, *n, sizeof **out, fake_order);
    return OK;
}

static inline bool
fake_at(const struct site_id *sites, size_t n, struct site_id site)
{
    bool in = n == 0;
    for (size_t i = 0; i < n; i++)
        in |= sites[i].v == site.v;
    return in;
}

static inline enum err
fake_by_plate(
    void *ctx, struct plate plate, ts_ms from, ts_ms to, size_t limit,
    struct arena *arena, struct analysis_rows *out)
{
    (void)ctx;
    struct sighting *rows;
    size_t n;
    enum err e = fake_rows(from, to, arena, &rows, &n);
    *out = (struct analysis_rows){rows, 0, false};
    for (size_t i = 0; e == OK && i < n; i++)
        if (plate_eq(rows[i].plate, plate)) {
            out->more = limit && out->n == limit;
            if (!out->more)
                rows[out->n++] = rows[i];
        }
    return e;
}

static inline int
fake_site_order(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    if (a->site.v != b->site.v)
        return a->site.v < b->site.v ? -1 : 1;
    return fake_order(x, y);
}

static inline enum err
fake_flow(
    void *ctx, ts_ms from, ts_ms to, struct arena *arena, struct analysis_cell **out,
    size_t *n)
{
    (void)ctx;
    struct sighting *rows;
    size_t all;
    enum err e = fake_rows(from, to, arena, &rows, &all);
    struct analysis_cell *mine = arena_array(arena, all + 1, sizeof *mine);
    *out = mine;
    *n = 0;
    if (e == OK)
        qsort(rows, all, sizeof *rows, fake_site_order);
    for (size_t i = 0; e == OK && i < all; i++) {
        ts_ms at = rows[i].pass_ms / ANALYSIS_CELL_MS * ANALYSIS_CELL_MS;
        struct analysis_cell *last = *n ? &mine[*n - 1] : NULL;
        if (last && last->site.v == rows[i].site.v && last->at_ms == at)
            last->n++;
        else
            mine[(*n)++] = (struct analysis_cell){rows[i].site, at, 1};
    }
    return e;
}

static inline enum err
fake_passes(
    void *ctx, const struct site_id *sites, size_t n, ts_ms from, ts_ms to,
    struct arena *arena, struct analysis_pass **out, size_t *out_n)
{
    (void)ctx;
    struct sighting *rows;
    size_t all;
    enum err e = fake_rows(from, to, arena, &rows, &all);
    struct analysis_pass *mine = arena_array(arena, all + 1, sizeof *mine);
    *out = mine;
    *out_n = 0;
    for (size_t i = 0; e == OK && i < all; i++)
        if (fake_at(sites, n, rows[i].site))
            mine[(*out_n)++] =
                (struct analysis_pass){rows[i].pass_ms, rows[i].plate, rows[i].site};
    return e;
}

/* Site by site, as the plates' different sites are counted. */
static inline enum err
fake_near(
    void *ctx, const struct analysis_pass *at, size_t n, int64_t within_ms,
    uint32_t sites_min, struct arena *arena, struct plate **out, size_t *out_n)
{
    (void)ctx;
    struct sighting *rows;
    size_t all;
    uint32_t seen = 0; /* sites of the plate, as bits */
    enum err e = fake_rows(INT64_MIN, INT64_MAX, arena, &rows, &all);
    *out = arena_array(arena, all + 1, sizeof **out);
    *out_n = 0;
    if (e != OK || !*out)
        return ERR_TOOBIG;
    qsort(rows, all, sizeof *rows, fake_plate_order);
    for (size_t i = 0; i < all; i++) {
        for (size_t k = 0; k < n; k++)
            if (rows[i].site.v == at[k].site.v &&
                llabs(rows[i].pass_ms - at[k].pass_ms) <= within_ms)
                seen |= UINT32_C(1) << rows[i].site.v;
        if (i + 1 < all && plate_eq(rows[i + 1].plate, rows[i].plate))
            continue;
        if ((uint32_t)__builtin_popcount(seen) >= sites_min &&
            !plate_is_none(rows[i].plate))
            (*out)[(*out_n)++] = rows[i].plate;
        seen = 0;
    }
    return OK;
}

static inline enum err
fake_reads(void *ctx, ts_ms from, ts_ms to, analysis_reads_fn fn, void *arg)
{
    (void)ctx;
    static ts_ms at[FAKE_PASSES];
    static uint32_t site[FAKE_PASSES];
    struct arena arena;
    struct sighting *rows;
    size_t n;
    arena_init(&arena, 64 << 20);
    enum err e = fake.fails ? fake.fails : fake_rows(from, to, &arena, &rows, &n);
    if (e == OK)
        qsort(rows, n, sizeof *rows, fake_plate_order);
    for (size_t i = 0, k; e == OK && i < n; i = k) {
        for (k = i; k < n && plate_eq(rows[k].plate, rows[i].plate); k++) {
            at[k - i] = rows[k].pass_ms;
            site[k - i] = rows[k].site.v;
        }
        if (!plate_is_none(rows[i].plate))
            e = fn(arg, rows[i].plate, at, site, k - i);
    }
    arena_release(&arena);
    return e;
}

struct fake_days {
    const struct analysis_fit *fit;
    analysis_days_fn fn;
    void *arg;
};

static inline enum err
fake_day(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct fake_days *d = arg;
    static struct analysis_day day[400];
    size_t k = 0;
    uint32_t hours = 0;
    (void)site;
    for (size_t i = 0; i < n; i++) {
        struct civil t = civil_of(at[i], &fake.zone);
        int64_t number = civil_day(at[i], &fake.zone);
        if (k == 0 || day[k - 1].day != number)
            day[k++] = (struct analysis_day){number, 0, 0};
        day[k - 1].hours |= UINT32_C(1) << t.hour;
        day[k - 1].n++;
        hours |= UINT32_C(1) << t.hour;
    }
    bool fits = plate_is_exact(plate) && n >= d->fit->n_min &&
                (!d->fit->hours_any || (hours & d->fit->hours_any)) &&
                (!d->fit->first_lo || day[0].day >= d->fit->first_lo);
    return fits ? d->fn(d->arg, plate, day, k) : OK;
}

static inline enum err
fake_days(
    void *ctx, const struct analysis_fit *fit, ts_ms from, ts_ms to,
    analysis_days_fn fn, void *arg)
{
    struct fake_days d = {fit, fn, arg};
    ts_ms lo = civil_day_start(civil_day(from, &fake.zone), &fake.zone);
    ts_ms hi = civil_day_start(civil_day(to - 1, &fake.zone) + 1, &fake.zone);
    return fake_reads(ctx, lo, hi, fake_day, &d);
}

static inline enum err
fake_plates(
    void *ctx, const struct plate_pattern *pattern, ts_ms from, ts_ms to,
    struct arena *arena, struct analysis_count **out, size_t *n)
{
    (void)ctx;
    struct sighting *rows;
    size_t all;
    enum err e = fake_rows(from, to, arena, &rows, &all);
    *out = arena_array(arena, all + 1, sizeof **out);
    *n = 0;
    if (e == OK)
        qsort(rows, all, sizeof *rows, fake_plate_order);
    for (size_t i = 0; e == OK && i < all; i++) {
        if (!plate_pattern_match(pattern, rows[i].plate))
            continue;
        if (*n && plate_eq((*out)[*n - 1].plate, rows[i].plate))
            (*out)[*n - 1].n++;
        else
            (*out)[(*n)++] = (struct analysis_count){rows[i].plate, 1};
    }
    return e;
}

static inline enum err
fake_alarms(
    void *ctx, struct span rule, ts_ms from, ts_ms to, analysis_alarm_fn fn, void *arg)
{
    (void)ctx;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < fake.alarms_n; i++) {
        const struct alarm *a = &fake.alarm[i];
        if (span_eq_cstr(rule, a->rule) && a->pass_ms >= from && a->pass_ms < to)
            e = fn(arg, a);
    }
    return e;
}

static inline uint32_t
fake_least_ms(void *ctx, struct site_id a, struct site_id b)
{
    (void)ctx; /* a minute a site */
    return (uint32_t)abs((int)a.v - (int)b.v) * (uint32_t)MINUTE_MS;
}

static inline void
fake_learned(void *ctx, struct site_id site, struct analysis_learned *out)
{
    (void)ctx;
    (void)site;
    *out = (struct analysis_learned){.unread = 0.03, .misread = 0.004};
}

static inline struct plate
fake_plate(const char *text)
{
    struct plate p;
    bool differs;
    (void)plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static struct analysis_needs fake_needs = {
    .by_plate = fake_by_plate,
    .flow = fake_flow,
    .passes = fake_passes,
    .near = fake_near,
    .reads = fake_reads,
    .days = fake_days,
    .plates = fake_plates,
    .alarms = fake_alarms,
    .least_ms = fake_least_ms,
    .learned = fake_learned,
};

/* Sites S1..S12, 1 km apart from west to east; S1 leads into the city, S2 out of it. */
static inline void
fake_clear(void)
{
    arena_release(&fake.arena);
    site_table_unref(fake.sites);
    fake.n = fake.alarms_n = 0;
    fake.fails = OK;
    fake.zone = (struct zone){"Asia/Shanghai", 480};
    arena_init(&fake.arena, 256 << 20);
    fake.sites = site_table_new(FAKE_SITES);
    fake_needs.sites = fake.sites;
    for (int i = 1; i <= FAKE_SITES; i++) {
        struct site s = {
            .lon = 1125000000 + i * 113600,
            .lat = 378000000,
            .city_pass = i <= 2 ? (uint8_t)i : 3,
        };
        snprintf(s.code, sizeof s.code, "S%d", i);
        snprintf(s.name, sizeof s.name, "site %d", i);
        (void)site_table_put(fake.sites, &s);
    }
}

static inline void
fake_free(void)
{
    arena_release(&fake.arena);
    site_table_unref(fake.sites);
    fake.sites = NULL;
}

/* One pass, `at` minutes after midnight (UTC) of day 20,000. */
#define FAKE_DAY INT64_C(20000)
static inline ts_ms
fake_ms(double minutes)
{
    return FAKE_DAY * DAY_MS + (ts_ms)(minutes * MINUTE_MS);
}

static inline void
fake_seen(const char *plate, uint32_t site, double at)
{
    must(fake.n < FAKE_PASSES);
    fake.pass[fake.n++] = (struct sighting){
        .plate = fake_plate(plate), .site = {site}, .pass_ms = fake_ms(at)};
}

/* Asks with "name=value" words between from and to (minutes); NULL ends the words. */
static inline enum err
fake_ask_as(
    const struct question *q, const struct look_permit *permit, double from, double to,
    const char *const *words)
{
    struct question_given given[QUESTION_PARAMS];
    struct question_value values[QUESTION_PARAMS];
    size_t n = 0;
    for (; words && words[n]; n++) {
        struct span text = span_cstr(words[n]);
        given[n].name = span_cut(&text, '=');
        given[n].text = text;
    }
    memset(&fake.note, 0, sizeof fake.note);
    enum err e = question_read(
        q, given, n, fake.sites, &fake.zone, &fake.arena, values, &fake.note);
    struct question_call call = {
        .q = q,
        .permit = permit,
        .needs = &fake_needs,
        .zone = &fake.zone,
        .from = fake_ms(from),
        .to = fake_ms(to),
        .limit = 1000,
        .v = values,
        .arena = &fake.arena,
        .out = &fake.answer,
        .note = &fake.note,
    };
    return e == OK ? question_ask(&call) : e;
}

#define FAKE_ASK(q, from, to, ...)                                                     \
    fake_ask(&(q), (from), (to), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
static inline enum err
fake_ask(const struct question *q, double from, double to, const char *const *words)
{
    struct look_limits limits = {
        .kinds = LOOK_ANALYSIS, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    struct look_permit *permit = look_permit_new(&limits);
    must(permit != NULL);
    enum err e = fake_ask_as(q, permit, from, to, words);
    look_permit_free(permit);
    return e;
}

/* Row of the answer. */
static inline const union question_cell *
fake_row(const struct question *q, size_t i)
{
    assert_true(i < fake.answer.n);
    return fake.answer.cells + i * question_columns(q);
}

static inline void
fake_plate_is(struct plate p, const char *text)
{
    char got[PLATE_TEXT];
    assert_string_equal(plate_format(got, p), text);
}

#endif
