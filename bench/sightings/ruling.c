/* SPDX-License-Identifier: Apache-2.0 */
/* Only the two rules that the peers' figures have run; a doubtful vehicle's history
 * comes from the engine, as in the daemon. */
#include "ruling.h"

#include "core/hash.h"
#include "model/watch.h"
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>

struct ruling {
    struct sight *s;
    struct arena arena;
    struct rules *rules;
    struct site_table *sites;
    struct watch_set *watches;
    uint64_t alarms;
};

static void *
need(void *p)
{
    if (!p)
        abort();
    return p;
}

static enum err
history(
    void *ctx, struct plate plate, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct ruling *r = ctx;
    struct sight_snap *snap = need(sight_snapshot(r->s));
    struct sight_ask ask = {.from = from, .to = to, .arena = &r->arena};
    struct sight_rows rows;
    enum err e = sight_trajectory(snap, plate, &ask, &rows);
    for (size_t i = 0; e == OK && i < rows.n && row(arg, &rows.rows[i]); i++)
        ;
    sight_snap_free(snap);
    arena_reset(&r->arena);
    return e;
}

static void
take_alarm(void *ctx, const struct alarm *a)
{
    (void)a;
    ((struct ruling *)ctx)->alarms++;
}

static struct site_table *
site_rows(const struct city *c)
{
    struct site_table *t = need(site_table_new(SITES + 1));
    for (uint32_t i = 1; i <= SITES; i++) {
        struct site s = {
            .id = {i},
            .lon = (e7)(1125500000 + c->x[i] * 1e7 / 88000.0),
            .lat = (e7)(378700000 + c->y[i] * 1e7 / 111000.0),
            .limit_kmh = 80};
        snprintf(s.code, sizeof s.code, "%u", i);
        (void)site_table_put(t, &s);
    }
    return t;
}

static struct watch_set *
watch_rows(const struct plate *plates, size_t n)
{
    struct watch *w = need(calloc(RULING_WATCHES, sizeof *w));
    for (uint32_t i = 0; i < RULING_WATCHES; i++) {
        char text[PLATE_TEXT];
        if (i < n)
            plate_format(text, plates[i]);
        else /* of a place whose cars do not come here */
            snprintf(
                text, sizeof text, "藏%c%c%04u", 'A' + (int)(i / 10000 % 8),
                'A' + (int)(i / 80000 % 8), i % 10000);
        w[i].id.v = i + 1;
        w[i].state = WATCH_APPROVED;
        w[i].level = 1;
        w[i].from_ms = INT64_MIN;
        w[i].to_ms = INT64_MAX;
        snprintf(w[i].code, sizeof w[i].code, "W%u", i);
        if (!plate_pattern_parse(span_cstr(text), &w[i].pattern))
            abort();
    }
    struct watch_set *s = need(watch_set_new(w, RULING_WATCHES, 1));
    free(w);
    return s;
}

struct ruling *
ruling_new(
    const struct city *city, struct sight *s, const struct plate *plates, size_t n)
{
    struct ruling *r = need(calloc(1, sizeof *r));
    struct rule_book book;
    rule_book_init(&book);
    for (unsigned i = 0; i < rule_count(); i++)
        book.at[0].off[i] = strcmp(rule_rows[i]->name, "watch") != 0 &&
                            strcmp(rule_rows[i]->name, "cloned_plate") != 0;
    struct rules_opts opts = {.zone = {"Asia/Shanghai", 480}, .book = &book};
    struct rules_needs needs = {r, history, NULL, take_alarm};
    r->s = s;
    arena_init(&r->arena, 256u << 20);
    r->sites = site_rows(city);
    r->watches = watch_rows(plates, n);
    if (rules_new(&opts, &needs, &r->rules) != OK ||
        rules_set_sites(r->rules, r->sites) != OK)
        abort();
    rules_set_watches(r->rules, r->watches);
    return r;
}

void
ruling_feed(struct ruling *r, const struct sighting *rows, size_t n, uint64_t lsn)
{
    rules_feed(r->rules, rows, n, NULL, lsn);
}

uint64_t
ruling_free(struct ruling *r)
{
    uint64_t alarms = r->alarms;
    rules_free(r->rules);
    site_table_unref(r->sites);
    watch_set_unref(r->watches);
    arena_release(&r->arena);
    free(r);
    return alarms;
}
