/* SPDX-License-Identifier: Apache-2.0 */
/* The model of a day is learned from the rows of the day before it, and frozen: a rule
 * judges a pass by the model of its day, however late the pass comes. */
#include "daemon/nightly.h"

#include "core/log.h"
#include "core/os_clock.h"
#include "daemon/parts.h"
#include "daemon/retention.h"
#include "store/ledger_alarm.h"

#include <stdlib.h>

#define SETTLE_MS (5 * MINUTE_MS) /* after midnight: the last minutes have arrived */

static enum err
learn_row(void *build, const struct sighting *s)
{
    return model_build_rows(build, s, 1);
}

enum err
nightly_feed(
    struct sight *sight, struct model_build *b, ts_ms from, ts_ms to, struct note *note)
{
    struct sight_ask ask = {.from = from, .to = to};
    struct sight_snap *snap = sight_snapshot(sight);
    enum err e = snap ? sight_each(snap, &ask, learn_row, b) : ERR_NOMEM;
    sight_snap_free(snap);
    if (e != OK)
        note_set(
            note, e, NULL, "reading the day for the site model failed",
            "读取当日过车以建立点位模型失败");
    return e;
}

/* ---- the model ---- */

enum err
nightly_keep(struct ledger *l, struct model *m)
{
    struct buf bytes = {0};
    uint32_t last;
    enum err e = ledger_model_last(ledger_as_reader(l), &last);
    if (e != OK)
        return e;
    model_set_number(m, last + 1);
    model_encode(&bytes, m);
    struct model_row row = {
        .number = model_number(m),
        .day = model_day(m),
        .made_ms = os_now_ms(),
        .bytes = span_of(bytes.p, bytes.n),
    };
    e = bytes.bad ? ERR_NOMEM : ledger_model_put(l, &row);
    buf_release(&bytes);
    return e;
}

struct model_task {
    struct task task;
    int64_t day; /* first day that uses it */
    struct model *model;
};

static void
model_free(struct model_task *t)
{
    model_unref(t->model);
    free(t);
}

static enum err
put_apply(struct task *task, struct daemon *d)
{
    struct model_task *t = (struct model_task *)task;
    return nightly_keep(d->base->ledger, t->model);
}

static void
put_settled(struct task *task, struct daemon *d, enum err e)
{
    struct model_task *t = (struct model_task *)task;
    if (e == OK) {
        must(pthread_mutex_lock(&d->lock) == 0);
        struct model *old = d->model;
        d->model = model_ref(t->model);
        pthread_mutex_unlock(&d->lock);
        model_unref(old);
        log_event(
            EV_model_built, log_n("number", model_number(t->model)),
            log_n("day", t->day));
        rules_changed(d, RULES_MODEL);
    }
    model_free(t);
}

static enum err
build_apply(struct task *task, struct daemon *d)
{
    struct model_task *t = (struct model_task *)task;
    struct model *before = daemon_model(d);
    struct site_table *sites = base_sites(d->base);
    struct vehicle_index *registry = registry_snapshot(d->base->registry);
    struct model_build *b = NULL;
    struct note note = {0};
    ts_ms from = civil_day_start(t->day - 1, &d->base->zone);
    enum err e = model_build_new(before, sites, registry, &d->base->zone, &b);
    if (e == OK)
        e = nightly_feed(d->base->sight, b, from, from + DAY_MS, &note);
    if (e == OK)
        e = model_build_finish(b, 0, (int32_t)t->day, &t->model);
    if (e != OK)
        log_note(EV_store_failed, e, &note);
    model_build_free(b);
    vehicle_index_unref(registry);
    site_table_unref(sites);
    model_unref(before);
    return e;
}

static void
build_settled(struct task *task, struct daemon *d, enum err e)
{
    struct model_task *t = (struct model_task *)task;
    if (e != OK) {
        model_free(t);
        return;
    }
    struct model *made = t->model;
    int64_t day = t->day;
    task_init(&t->task, d, put_apply, put_settled);
    t->model = made;
    t->day = day;
    task_post(d, OWNER_LEDGER, &t->task);
}

static void
start_model(struct daemon *d, int64_t day)
{
    struct model_task *t = calloc(1, sizeof *t);
    if (!t)
        return;
    task_init(&t->task, d, build_apply, build_settled);
    t->day = day;
    task_post(d, OWNER_BATCH, &t->task);
}

void
nightly_look(struct daemon *d, ts_ms now, dur_us mono)
{
    int64_t today = civil_day(now - SETTLE_MS, &d->base->zone);
    if (d->model_day != today) {
        struct model *m = daemon_model(d);
        /* A model of days to come was frozen under a clock that ran ahead. */
        if (!m || model_day(m) < today || model_day(m) > today + 1)
            start_model(d, today);
        model_unref(m);
        d->model_day = today;
    }
    retention_look(d, today, mono);
}
