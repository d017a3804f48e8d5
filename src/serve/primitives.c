/* SPDX-License-Identifier: Apache-2.0 */
/* Each primitive is one question of the store with the asker's arena and deadline. */
#include "serve/primitives.h"

#include "store/ledger_alarm.h"

#define ALARMS_BYTES (64u << 20) /* of a page of alarms */

static bool
past(void *arg)
{
    const struct primitives *p = arg;
    return p->until_us && os_mono_us() > p->until_us;
}

static struct sight_ask
ask_of(struct primitives *p, ts_ms from, ts_ms to, size_t limit, struct arena *arena)
{
    return (struct sight_ask){
        .from = from,
        .to = to,
        .limit = limit,
        .arena = arena,
        .stop = past,
        .stop_arg = p,
    };
}

static enum err
by_plate(
    void *ctx, struct plate plate, ts_ms from, ts_ms to, size_t limit,
    struct arena *arena, struct analysis_rows *out)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, from, to, limit, arena);
    struct sight_rows rows;
    enum err e = sight_trajectory(p->snap, plate, &ask, &rows);
    if (e == OK)
        *out = (struct analysis_rows){rows.rows, rows.n, rows.more};
    return e;
}

static enum err
by_place(
    void *ctx, const struct site_id *sites, size_t n,
    const struct analysis_filter *filter, ts_ms from, ts_ms to, size_t limit,
    struct arena *arena, struct analysis_rows *out)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, from, to, limit, arena);
    struct sight_filter f = {
        .plate_color = filter->plate_color,
        .vehicle_color = filter->vehicle_color,
        .vehicle_class = filter->vehicle_class,
        .brand = filter->brand,
        .pattern = filter->pattern,
    };
    struct sight_rows rows;
    enum err e = sight_window(p->snap, sites, n, &f, &ask, &rows);
    if (e == OK)
        *out = (struct analysis_rows){rows.rows, rows.n, rows.more};
    return e;
}

static enum err
flow(
    void *ctx, ts_ms from, ts_ms to, struct arena *arena, struct analysis_cell **out,
    size_t *n)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, from, to, 0, arena);
    struct sight_cell *cells;
    size_t count;
    enum err e = sight_flow(
        p->snap, (struct site_id){1}, (struct site_id){UINT32_MAX}, &ask, &cells,
        &count);
    if (e != OK)
        return e;
    struct analysis_cell *mine = arena_array(arena, count + 1, sizeof *mine);
    if (!mine)
        return ERR_TOOBIG;
    for (size_t i = 0; i < count; i++)
        mine[i] = (struct analysis_cell){cells[i].site, cells[i].at, cells[i].n};
    *out = mine;
    *n = count;
    return OK;
}

static enum err
passes(
    void *ctx, const struct site_id *sites, size_t n, ts_ms from, ts_ms to,
    struct arena *arena, struct analysis_pass **out, size_t *out_n)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, from, to, 0, arena);
    struct sight_pass *rows;
    size_t count;
    enum err e = sight_passes(p->snap, sites, n, &ask, &rows, &count);
    if (e != OK)
        return e;
    struct analysis_pass *mine = arena_array(arena, count + 1, sizeof *mine);
    if (!mine)
        return ERR_TOOBIG;
    for (size_t i = 0; i < count; i++)
        mine[i] = (struct analysis_pass){rows[i].pass_ms, rows[i].plate, rows[i].site};
    *out = mine;
    *out_n = count;
    return OK;
}

static enum err
near(
    void *ctx, const struct analysis_pass *at, size_t n, int64_t within_ms,
    uint32_t sites_min, struct arena *arena, struct plate **out, size_t *out_n)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, 0, 0, 0, arena);
    struct sight_pass *pass = arena_array(arena, n + 1, sizeof *pass);
    struct sight_near *rows;
    size_t count;
    if (!pass)
        return ERR_TOOBIG;
    for (size_t i = 0; i < n; i++)
        pass[i] = (struct sight_pass){at[i].pass_ms, at[i].plate, at[i].site};
    enum err e =
        sight_near(p->snap, pass, n, within_ms, sites_min, &ask, &rows, &count);
    if (e != OK)
        return e;
    struct plate *mine = arena_array(arena, count + 1, sizeof *mine);
    if (!mine)
        return ERR_TOOBIG;
    for (size_t i = 0; i < count; i++)
        mine[i] = rows[i].plate;
    *out = mine;
    *out_n = count;
    return OK;
}

static enum err
reads(void *ctx, ts_ms from, ts_ms to, analysis_reads_fn fn, void *arg)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, from, to, 0, NULL);
    return sight_reads(p->snap, &ask, fn, arg);
}

#define DAYS_MOST 800 /* of one plate: a window and what a question reads before it */

struct days {
    analysis_days_fn fn;
    void *arg;
    struct analysis_day day[DAYS_MOST];
};

static enum err
one_plate(void *arg, struct plate plate, const struct sight_day *days, size_t n)
{
    struct days *d = arg;
    if (n > DAYS_MOST)
        return ERR_TOOBIG;
    for (size_t i = 0; i < n; i++)
        d->day[i] = (struct analysis_day){days[i].day, days[i].hours, days[i].n};
    return d->fn(d->arg, plate, d->day, n);
}

static enum err
days(
    void *ctx, const struct analysis_fit *fit, ts_ms from, ts_ms to,
    analysis_days_fn fn, void *arg)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, from, to, 0, NULL);
    struct sight_fit f = {
        .hours_any = fit->hours_any,
        .first_lo = fit->first_lo,
        .first_hi = fit->first_lo ? INT64_MAX : 0,
        .n_min = fit->n_min,
        .days_min = fit->days_min,
        .exact = true,
    };
    struct days d = {.fn = fn, .arg = arg};
    return sight_days_fit(p->snap, &f, &ask, NULL, one_plate, &d);
}

static enum err
plates(
    void *ctx, const struct plate_pattern *pattern, ts_ms from, ts_ms to,
    struct arena *arena, struct analysis_count **out, size_t *n)
{
    struct primitives *p = ctx;
    struct sight_ask ask = ask_of(p, from, to, 0, arena);
    struct sight_count *rows;
    size_t count;
    enum err e = sight_plates(p->snap, pattern, &ask, &rows, &count);
    if (e != OK)
        return e;
    struct analysis_count *mine = arena_array(arena, count + 1, sizeof *mine);
    if (!mine)
        return ERR_TOOBIG;
    for (size_t i = 0; i < count; i++)
        mine[i] = (struct analysis_count){rows[i].plate, rows[i].n};
    *out = mine;
    *n = count;
    return OK;
}

#define PAGE 500

static enum err
alarms(
    void *ctx, struct span rule, ts_ms from, ts_ms to, analysis_alarm_fn fn, void *arg)
{
    struct primitives *p = ctx;
    struct alarm_query q = {
        .list = ALARMS_ALL, .rule = rule, .from_ms = from, .to_ms = to, .cap = PAGE};
    struct alarm_row *rows;
    struct arena arena;
    size_t n = PAGE;
    enum err e = OK;
    arena_init(&arena, ALARMS_BYTES);
    while (e == OK && n == PAGE) {
        arena_reset(&arena);
        e = past(p) ? ERR_TIMEOUT : ledger_alarms(p->reader, &q, &arena, &rows, &n);
        for (size_t i = 0; e == OK && i < n; i++)
            e = fn(arg, &rows[i].alarm);
        if (e == OK && n) {
            q.before_raised_ms = rows[n - 1].raised_ms;
            q.before_id = rows[n - 1].alarm.id.v;
        }
    }
    arena_release(&arena);
    return e;
}

static uint32_t
least_ms(void *ctx, struct site_id a, struct site_id b)
{
    const struct primitives *p = ctx;
    return model_least_ms(p->model, a, b);
}

static void
learned(void *ctx, struct site_id site, struct analysis_learned *out)
{
    const struct primitives *p = ctx;
    const struct site_model *m = model_site(p->model, site);
    *out = (struct analysis_learned){
        .unread = m->unread,
        .misread = m->misread,
        .offset_ms = m->offset_ms,
        .offset_sd_ms = m->offset_sd_ms,
    };
}

enum err
primitives_open(
    struct primitives *p, const struct house *house, struct ledger_reader *reader,
    const struct site_table *sites, int seconds)
{
    *p = (struct primitives){
        .snap = sight_snapshot(house->sight),
        .reader = reader,
        .model = house->model ? house->model(house->ctx) : NULL,
        .registry = house->registry ? registry_snapshot(house->registry) : NULL,
        .until_us = seconds ? os_mono_us() + seconds * INT64_C(1000000) : 0,
        .needs =
            {
                .ctx = p,
                .by_plate = by_plate,
                .by_place = by_place,
                .flow = flow,
                .passes = passes,
                .near = near,
                .reads = reads,
                .days = days,
                .plates = plates,
                .alarms = alarms,
                .sites = sites,
                .least_ms = least_ms,
                .learned = learned,
            },
    };
    p->needs.registry = p->registry;
    return p->snap ? OK : ERR_NOMEM;
}

void
primitives_close(struct primitives *p)
{
    sight_snap_free(p->snap);
    model_unref(p->model);
    if (p->registry)
        vehicle_index_unref(p->registry);
    p->registry = NULL;
    p->snap = NULL;
    p->model = NULL;
}
