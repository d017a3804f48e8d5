/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_sites.h"

#include "city/score_sites.h"
#include "core/hash.h"
#include "core/os_clock.h"
#include "core/text.h"
#include "daemon/base.h"
#include "feeds/csv.h"
#include "rules/vital.h"
#include "store/ledger_alarm.h"

#include <stdlib.h>

#define EXPLAINED 20
#define SURE_OF_DAY 1000 /* records before the first day is believed */

/* What was seen: records are sent again, and stored once. */
struct seen {
    uint64_t *key;
    size_t n, mask;
};

struct watcher {
    struct base *base;
    struct score_sites *score;
    struct vital *vital;
    struct site_table *sites;
    struct model *model; /* of the newest day */
    struct score_clock clock;
    struct seen seen;
    int64_t first_day, day;
    size_t rows;
};

static bool
seen_grow(struct seen *s)
{
    struct seen bigger = {.n = s->n, .mask = s->mask ? s->mask * 2 + 1 : 65535};
    bigger.key = calloc(bigger.mask + 1, sizeof *bigger.key);
    if (!bigger.key)
        return false;
    for (size_t i = 0; s->mask && i <= s->mask; i++) {
        size_t at = s->key[i] & bigger.mask;
        while (s->key[i] && bigger.key[at])
            at = (at + 1) & bigger.mask;
        if (s->key[i])
            bigger.key[at] = s->key[i];
    }
    free(s->key);
    *s = bigger;
    return true;
}

/* False for one that came before. */
static bool
seen_put(struct seen *s, uint64_t key)
{
    key |= !key;
    if (s->n * 2 >= s->mask && !seen_grow(s))
        return true;
    size_t at = key & s->mask;
    while (s->key[at] && s->key[at] != key)
        at = (at + 1) & s->mask;
    if (s->key[at])
        return false;
    s->key[at] = key;
    s->n++;
    return true;
}

/* ---- what is said ---- */

/* Radios are left out: the file has what cameras saw. */
static void
changed(
    void *arg, struct site_id id, const struct vital_site *was,
    const struct vital_site *now)
{
    static const enum site_trouble as[] = {
        [VITAL_CLOCK] = TROUBLE_CLOCK,
        [VITAL_DEGRADED] = TROUBLE_DEGRADED,
        [VITAL_SILENT] = TROUBLE_SILENT};
    struct watcher *w = arg;
    const struct site *s = site_get(w->sites, id);
    (void)was;
    if (!s || s->kind == SITE_RSU)
        return;
    /* Without times of arrival only the learned clocks can be scored. */
    if (now->state != VITAL_OK && (now->state != VITAL_CLOCK || now->clock_sd_ms))
        score_sites_said(w->score, span_cstr(s->code), as[now->state], now->said_ms);
}

static double
usual(void *arg, struct span code, ts_ms from, ts_ms to)
{
    struct watcher *w = arg;
    struct site_id id = site_find(w->sites, code);
    return habit_expected(model_habit(w->model, id), &w->base->zone, from, to);
}

/* ---- the days ---- */

static enum err
begin_day(struct watcher *w, int64_t day)
{
    struct arena a;
    struct model_row row;
    struct model *m = NULL;
    arena_init(&a, 256 << 20);
    enum err e =
        ledger_model_on(ledger_as_reader(w->base->ledger), (int32_t)day, &a, &row);
    if (e == OK)
        e = model_decode(row.bytes, &m);
    arena_release(&a);
    if (e == ERR_NOTFOUND)
        return OK; /* nothing is known yet */
    if (e != OK)
        return e;
    model_unref(w->model);
    w->model = m;
    vital_set_model(w->vital, m);
    return OK;
}

/* The first day does not count: its model has seen its own outages. */
static enum err
turn_day(struct watcher *w)
{
    int64_t day = civil_day(w->clock.now, &w->base->zone);
    if (w->rows < SURE_OF_DAY || day <= w->day)
        return OK;
    if (w->day == INT64_MIN) {
        w->first_day = day;
        score_sites_from(w->score, civil_day_start(day + 1, &w->base->zone));
    }
    w->day = day;
    return begin_day(w, day);
}

static enum err
one(struct watcher *w, const struct csv_record *rec, const int *column)
{
    struct sighting s = {0};
    struct zone utc = {"UTC", 0};
    bool differs;
    struct span id = csv_field(rec, column[0]), code = csv_field(rec, column[1]);
    if (ts_parse(csv_field(rec, column[2]), &utc, &s.pass_ms, NULL) != OK ||
        !seen_put(
            &w->seen,
            hash_pair(hash_span(id, 0) + hash_span(code, 1), (uint64_t)s.pass_ms)))
        return OK;
    w->rows++;
    score_clock_saw(&w->clock, s.pass_ms);
    if (w->clock.now == INT64_MIN)
        return OK;
    enum err e = turn_day(w);
    s.site = site_find(w->sites, code);
    (void)plate_parse(csv_field(rec, column[3]), &s.plate, &differs);
    s.arrive_ms = w->clock.now;
    vital_tick(w->vital, s.arrive_ms, changed, w);
    vital_row(w->vital, &s);
    return e;
}

static enum err
all(struct watcher *w, FILE *f, struct note *note)
{
    static const char *const names[] = {"record_id", "site", "time_ms", "plate", NULL};
    struct csv *csv = NULL;
    struct csv_record rec;
    int column[5];
    struct csv_conf conf = {.source = csv_from_file, .ctx = f};
    enum err e = csv_new(&conf, &csv, note);
    if (e == OK)
        e = csv_columns(csv, names, names, column, note);
    while (e == OK && (e = csv_next(csv, &rec, note)) == OK)
        e = one(w, &rec, column);
    if (csv)
        csv_free(csv);
    return e == ERR_NOTFOUND ? OK : e;
}

static void
sum_up(struct watcher *w, const char *explain, struct score_sum *sum)
{
    uint32_t known = 0;
    ts_ms from = civil_day_start(w->first_day + 1, &w->base->zone);
    for (uint32_t i = 1; i <= w->sites->n; i++)
        known +=
            habit_rate(
                model_habit(w->model, (struct site_id){i}), &w->base->zone, from) >= 0;
    double ms = w->day > w->first_day ? (double)(w->clock.now - from) : 0;
    score_sites_weigh(w->score, usual, w);
    score_sites_span(w->score, known * ms / (double)(7 * DAY_MS));
    score_sites_sum(w->score, sum);
    if (explain)
        score_sites_explain(w->score, explain, EXPLAINED, stdout);
}

static enum err
open_and_walk(struct watcher *w, const char *data, const char *truth, struct note *note)
{
    char file[OS_PATH];
    struct base_opts bo = {.dir = data, .now = os_now_ms()};
    enum err e = os_join(file, sizeof file, truth, "sightings.csv");
    FILE *f = e == OK ? fopen(file, "r") : NULL;
    if (!f)
        return note_fmt(
            note, ERR_NOTFOUND, "truth", "%s has no sightings.csv",
            "%s 中没有 sightings.csv", truth);
    e = base_open(&bo, &w->base, note);
    if (e == OK) {
        w->sites = base_sites(w->base);
        w->vital = vital_new(&w->base->zone);
        e = w->vital ? all(w, f, note) : ERR_NOMEM;
    }
    fclose(f);
    return e;
}

enum err
bench_sites(
    const char *data, const char *truth, const char *explain, struct score_sum *sum,
    struct note *note)
{
    struct watcher w = {.clock.now = INT64_MIN, .day = INT64_MIN};
    enum err e = score_sites_new(truth, &w.score, note);
    if (e != OK)
        return e;
    if (score_sites_asks(w.score))
        e = open_and_walk(&w, data, truth, note);
    if (e == OK && w.base && w.day != INT64_MIN)
        sum_up(&w, explain, sum);
    vital_free(w.vital);
    model_unref(w.model);
    site_table_unref(w.sites);
    if (w.base)
        base_close(&w.base, os_now_ms());
    score_sites_free(w.score);
    free(w.seen.key);
    return e;
}
