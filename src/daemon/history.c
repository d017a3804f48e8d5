/* SPDX-License-Identifier: Apache-2.0 */
/* One rules object walks the days in order; alarms go to the ledger by the thousand. */
#include "daemon/history.h"

#include "core/os_clock.h"
#include "daemon/nightly.h"
#include "daemon/places.h"
#include "rules/rules.h"
#include "serve/desk.h"
#include "store/ledger_alarm.h"

#include <stdlib.h>

/* A slice is read by one scan of the day's runs: as long as memory allows. */
#define SLICE_ROWS 300000u
#define SLICE_LEAST_MS (10 * MINUTE_MS)
#define SLICE_MOST_MS (8 * HOUR_MS)
#define FLUSH_ALARMS 2000

struct walk {
    struct op_call *call;
    struct base *b;
    struct note *note;
    struct rules *rules;
    struct vehicle_index *registry;
    struct site_table *sites;
    struct model *model; /* of the day before the one that is walked */
    struct alarm *found;
    size_t found_n, found_room;
    uint64_t raised, rows, lsn;
    int64_t slice_ms;
    enum err failed;
};

/* ---- what the rules ask ---- */

static enum err
give_rows(const struct sight_rows *rows, rules_row_fn *row, void *arg)
{
    for (size_t i = 0; i < rows->n; i++)
        if (!row(arg, &rows->rows[i]))
            break;
    return OK;
}

static enum err
history(
    void *ctx, struct plate plate, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct walk *w = ctx;
    struct arena a;
    struct sight_rows rows;
    arena_init(&a, 64 << 20);
    struct sight_ask ask = {.from = from, .to = to, .arena = &a};
    struct sight_snap *snap = sight_snapshot(w->b->sight);
    enum err e = snap ? sight_trajectory(snap, plate, &ask, &rows) : ERR_NOMEM;
    if (e == OK)
        e = give_rows(&rows, row, arg);
    sight_snap_free(snap);
    arena_release(&a);
    return e;
}

static enum err
place(
    void *ctx, struct site_id site, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct walk *w = ctx;
    struct arena a;
    struct sight_rows rows;
    arena_init(&a, 64 << 20);
    struct sight_ask ask = {.from = from, .to = to, .arena = &a};
    struct sight_snap *snap = sight_snapshot(w->b->sight);
    enum err e = snap ? sight_window(snap, &site, 1, NULL, &ask, &rows) : ERR_NOMEM;
    if (e == OK)
        e = give_rows(&rows, row, arg);
    sight_snap_free(snap);
    arena_release(&a);
    return e;
}

static void
found(void *ctx, const struct alarm *a)
{
    struct walk *w = ctx;
    if (w->found_n == w->found_room) {
        size_t room = w->found_room ? w->found_room * 2 : 256;
        struct alarm *p = realloc(w->found, room * sizeof *p);
        if (!p) {
            w->failed = ERR_NOMEM;
            return;
        }
        w->found = p;
        w->found_room = room;
    }
    w->found[w->found_n++] = *a;
}

/* ---- alarms to the ledger ---- */

static enum err
write_found(struct base *b, void *arg, struct note *note)
{
    struct walk *w = arg;
    struct org_table *orgs = base_org(b);
    struct desk desk = {
        .defs = b->loops,
        .orgs = orgs,
        .sites = w->sites,
        .zone = &b->zone,
        .ledger = b->ledger,
        .reader = ledger_as_reader(b->ledger),
        .now = os_now_ms(),
    };
    enum err e = OK;
    for (size_t i = 0; i < w->found_n && e == OK; i++) {
        enum alarm_write what;
        e = desk_alarm(&desk, &w->found[i], SPAN(""), false, &what, note);
        w->raised += e == OK && what == ALARM_NEW;
    }
    org_table_unref(orgs);
    return e;
}

static enum err
flush(struct walk *w)
{
    if (w->failed != OK)
        return w->failed;
    enum err e = w->found_n ? door_ledger(w->call->door, write_found, w, w->note) : OK;
    w->found_n = 0;
    return e;
}

/* ---- models ---- */

static enum err
put_model(struct base *b, void *arg, struct note *note)
{
    (void)note;
    return nightly_keep(b->ledger, arg);
}

/* Freezes the model of `day` from the day before it, unless one was frozen already (or
 * one of an earlier day stands when the import begins). */
static enum err
model_for(struct walk *w, int64_t day, bool first)
{
    struct arena a;
    struct model_row row;
    struct model *m = NULL;
    struct model_build *build = NULL;
    arena_init(&a, 256 << 20);
    enum err e = ledger_model_on(w->call->door->reader, (int32_t)day, &a, &row);
    bool there = e == OK && (row.day == day || first);
    if (there) {
        e = model_decode(row.bytes, &m);
        goto out;
    }
    /* The first day of an import has none before it: it is learned from itself. */
    ts_ms from = civil_day_start(first && !w->model ? day : day - 1, &w->b->zone);
    e = model_build_new(w->model, w->sites, w->registry, &w->b->zone, &build);
    if (e == OK)
        e = nightly_feed(w->b->sight, build, from, from + DAY_MS, w->note);
    if (e == OK)
        e = model_build_finish(build, 0, (int32_t)day, &m);
    if (e == OK)
        e = door_ledger(w->call->door, put_model, m, w->note);
out:
    model_build_free(build);
    if (e == OK) {
        model_unref(w->model);
        w->model = m;
        e = rules_set_model(w->rules, m);
    } else {
        model_unref(m);
    }
    arena_release(&a);
    return e;
}

/* ---- days ---- */

/* By the traffic of the last slice. */
static void
fit_slice(struct walk *w, size_t rows)
{
    if (rows > SLICE_ROWS && w->slice_ms > SLICE_LEAST_MS)
        w->slice_ms /= 2;
    else if (rows < SLICE_ROWS / 4 && w->slice_ms < SLICE_MOST_MS)
        w->slice_ms *= 2;
}

static enum err
walk_day(struct walk *w, int64_t day, ts_ms to)
{
    struct arena a;
    ts_ms from = civil_day_start(day, &w->b->zone),
          end = from + DAY_MS < to ? from + DAY_MS : to;
    enum err e = OK;
    arena_init(&a, (size_t)1 << 30);
    for (ts_ms at = from, next; at < end && e == OK; at = next) {
        struct sight_rows rows;
        next = at + w->slice_ms < end ? at + w->slice_ms : end;
        if (door_stopping(w->call->door)) {
            e = note_set(
                w->note, ERR_STOPPING, NULL,
                "the daemon stops: import the file again, and the rules go on",
                "守护进程正在停止：请重新导入，规则将继续运行");
            break;
        }
        arena_reset(&a);
        struct sight_ask ask = {.from = at, .to = next, .arena = &a};
        struct sight_snap *snap = sight_snapshot(w->b->sight);
        e = snap ? sight_window(snap, NULL, 0, NULL, &ask, &rows) : ERR_NOMEM;
        sight_snap_free(snap);
        if (e == ERR_TOOBIG && w->slice_ms > SLICE_LEAST_MS) {
            w->slice_ms /= 2;
            next = at;
            e = OK;
            continue;
        }
        if (e != OK)
            break;
        rules_feed(w->rules, rows.rows, rows.n, NULL, w->lsn);
        rules_tick(w->rules, next);
        w->rows += rows.n;
        fit_slice(w, rows.n);
        if (w->found_n >= FLUSH_ALARMS)
            e = flush(w);
    }
    arena_release(&a);
    return e == OK ? flush(w) : e;
}

static enum err
save(struct base *b, void *arg, struct note *note)
{
    struct walk *w = arg;
    struct buf state = {0};
    (void)note;
    rules_checkpoint(w->rules, &state);
    enum err e =
        state.bad ? ERR_NOMEM
                  : ledger_rules_checkpoint_put(
                        b->ledger, 0, w->lsn, os_now_ms(), span_of(state.p, state.n));
    if (e == OK)
        e = ledger_rules_mark(b->ledger, 0, w->lsn);
    buf_release(&state);
    return e;
}

/* A daemon keeps its own state, and what is older than the newest day says nothing of
 * what comes next. */
static bool
leads_to_now(const struct walk *w, ts_ms to)
{
    struct sight_snap *snap = sight_snapshot(w->b->sight);
    bool newest = snap && to + RULES_HORIZON_MS >= sight_snap_newest(snap);
    sight_snap_free(snap);
    return newest && !w->call->door->daemon;
}

static enum err
first_and_last(struct walk *w, ts_ms *from, ts_ms *to)
{
    struct sight_snap *snap = sight_snapshot(w->b->sight);
    if (!snap)
        return ERR_NOMEM;
    ts_ms newest = sight_snap_newest(snap);
    if (*to == 0)
        *to = newest;
    if (*from == 0) { /* the first five minutes that hold a pass */
        struct arena a;
        struct sight_cell *cells;
        size_t n;
        arena_init(&a, (size_t)1 << 30);
        struct sight_ask ask = {.arena = &a};
        enum err e = sight_flow(
            snap, (struct site_id){1}, (struct site_id){UINT32_MAX}, &ask, &cells, &n);
        *from = newest;
        for (size_t i = 0; e == OK && i < n; i++)
            if (cells[i].at < *from)
                *from = cells[i].at;
        arena_release(&a);
        if (e != OK) {
            sight_snap_free(snap);
            return e;
        }
    }
    sight_snap_free(snap);
    return OK;
}

enum err
history_run(struct op_call *c, ts_ms from, ts_ms to, struct note *note)
{
    struct base *b = c->door->base;
    struct walk w = {
        .call = c,
        .b = b,
        .note = note,
        .lsn = sight_lsn(b->sight),
        .slice_ms = HOUR_MS};
    struct rules_opts opts = {.zone = b->zone, .book = &b->rules};
    struct rules_needs needs = {&w, history, place, found};
    dur_us began = os_mono_us();
    enum err e = first_and_last(&w, &from, &to);
    if (e != OK || to == 0)
        return e;
    w.registry = registry_snapshot(b->registry);
    w.sites = base_sites(b);
    struct watch_set *watches = base_watches(b);
    e = rules_new(&opts, &needs, &w.rules);
    if (e == OK) {
        e = rules_set_sites(w.rules, w.sites);
        rules_set_registry(w.rules, w.registry);
        rules_set_watches(w.rules, watches);
    }
    if (e == OK)
        e = places_give(c->door->reader, w.rules);
    int64_t first = civil_day(from, &b->zone), last = civil_day(to, &b->zone);
    for (int64_t day = first; day <= last && e == OK; day++) {
        e = model_for(&w, day, day == first);
        if (e == OK)
            e = walk_day(&w, day, to + 1);
    }
    if (e == OK && leads_to_now(&w, to))
        e = door_ledger(c->door, save, &w, note);
    double seconds = (double)(os_mono_us() - began) / 1e6;
    if (e == OK)
        fprintf(
            c->out,
            "rules: %llu passes of %lld days, %llu alarms, %.1f s, %.0f passes/s\n",
            (unsigned long long)w.rows, (long long)(last - first + 1),
            (unsigned long long)w.raised, seconds,
            (double)w.rows / (seconds > 0 ? seconds : 1));
    rules_free(w.rules);
    vehicle_index_unref(w.registry);
    site_table_unref(w.sites);
    watch_set_unref(watches);
    model_unref(w.model);
    free(w.found);
    return e;
}
