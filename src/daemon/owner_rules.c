/* SPDX-License-Identifier: Apache-2.0 */
/* The rules thread: stored rows in, alarms out to the ledger together with how far the
 * rules have come. It also counts what each site does, since it sees every row once. */
#include "daemon/parts.h"

#include "core/counter.h"
#include "core/log.h"
#include "core/os_clock.h"
#include "daemon/places.h"
#include "daemon/pulse.h"
#include "daemon/spells.h"
#include "serve/desk.h"
#include "store/ledger_alarm.h"

#include <stdlib.h>

#define MARK_EVERY_US (2 * SECOND_MS * 1000)
#define SAVE_EVERY_US (10 * MINUTE_MS * 1000)
#define TICK_EVERY_MS SECOND_MS
#define STOP_WITHIN_US INT64_C(2000000)
#define WORK_WITHIN_MS                                                                 \
    DAY_MS /* older findings are evidence, nobody can intercept them */

/* ---- what the rules ask ---- */

static enum err
history(
    void *ctx, struct plate plate, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct daemon *d = ctx;
    struct arena a;
    arena_init(&a, 64 << 20);
    struct sight_snap *snap = sight_snapshot(d->base->sight);
    struct sight_rows rows;
    struct sight_ask ask = {.from = from, .to = to, .arena = &a};
    enum err e = snap ? sight_trajectory(snap, plate, &ask, &rows) : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < rows.n; i++)
        if (!row(arg, &rows.rows[i]))
            break;
    sight_snap_free(snap);
    arena_release(&a);
    return e;
}

static enum err
place(
    void *ctx, struct site_id site, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct daemon *d = ctx;
    struct arena a;
    arena_init(&a, 64 << 20);
    struct sight_snap *snap = sight_snapshot(d->base->sight);
    struct sight_rows rows;
    struct sight_ask ask = {.from = from, .to = to, .arena = &a};
    enum err e = snap ? sight_window(snap, &site, 1, NULL, &ask, &rows) : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < rows.n; i++)
        if (!row(arg, &rows.rows[i]))
            break;
    sight_snap_free(snap);
    arena_release(&a);
    return e;
}

static void
found(void *ctx, const struct alarm *a)
{
    struct daemon *d = ctx;
    if (d->found_n == d->found_room) {
        size_t room = d->found_room ? d->found_room * 2 : 64;
        struct alarm *p = realloc(d->found, room * sizeof *p);
        must(p != NULL); /* an alarm may not be lost: stop and replay */
        d->found = p;
        d->found_room = room;
    }
    d->found[d->found_n++] = *a;
}

/* ---- alarms and marks to the ledger ---- */

struct findings {
    struct task task;
    struct findings *next; /* while it is held */
    struct alarm *alarms;
    char (*pictures)[128];
    size_t n;
    uint64_t lsn;
};

/* Wrong with this alarm alone; anything else is the ledger's and is tried again. */
static bool
is_alarms_own(enum err e)
{
    return e != ERR_IO && e != ERR_FULL && e != ERR_NOMEM && e != ERR_BUSY;
}

static enum err
write_findings(struct daemon *d, const struct findings *f)
{
    struct note note = {0};
    struct site_table *sites = base_sites(d->base);
    struct org_table *orgs = base_org(d->base);
    struct desk desk = {
        .defs = d->base->loops,
        .orgs = orgs,
        .sites = sites,
        .zone = &d->base->zone,
        .ledger = d->base->ledger,
        .reader = ledger_as_reader(d->base->ledger),
        .now = os_now_ms(),
    };
    enum err e = OK;
    for (size_t i = 0; i < f->n && e == OK; i++) {
        const struct alarm *a = &f->alarms[i];
        enum alarm_write what = ALARM_SAME;
        e = desk_alarm(
            &desk, a, span_cstr(f->pictures[i]), desk.now - a->pass_ms < WORK_WITHIN_MS,
            &what, &note);
        if (e != OK && is_alarms_own(e)) {
            log_note(EV_ledger_failed, e, &note);
            e = OK;
        } else if (e == OK && what != ALARM_SAME) {
            counter_add(
                a->state == ALARM_RAISED    ? CTR_alarms_raised
                : a->state == ALARM_REVISED ? CTR_alarms_revised
                                            : CTR_alarms_withdrawn,
                1);
        }
    }
    if (e == OK)
        e = ledger_rules_mark(d->base->ledger, 0, f->lsn);
    if (e != OK)
        log_note(EV_ledger_failed, e, &note);
    site_table_unref(sites);
    org_table_unref(orgs);
    return e;
}

/* Findings that could not be written are held, and everything behind them with them:
 * an alarm's newer state is never overtaken by an older one, and no checkpoint passes
 * what is not in the ledger yet. */
static enum err
findings_apply(struct task *t, struct daemon *d)
{
    if (d->findings_held)
        return ERR_BUSY;
    enum err e = write_findings(d, (struct findings *)t);
    d->findings_held = e != OK;
    return e;
}

static void
findings_free(struct findings *f)
{
    free(f->alarms);
    free(f->pictures);
    free(f);
}

static void
findings_settled(struct task *t, struct daemon *d, enum err e)
{
    struct findings *f = (struct findings *)t;
    if (e == OK ||
        e == ERR_STOPPING) { /* a restart runs the rules from the checkpoint */
        findings_free(f);
        return;
    }
    struct findings **end = &d->held;
    while (*end)
        end = &(*end)->next;
    *end = f;
    d->findings_held = true;
}

struct retry {
    struct task task;
    struct findings *list;
};

static enum err
retry_apply(struct task *t, struct daemon *d)
{
    struct retry *r = (struct retry *)t;
    enum err e = OK;
    r->list = d->held;
    d->held = NULL;
    for (const struct findings *f = r->list; f && e == OK; f = f->next)
        e = write_findings(d, f);
    return e;
}

static void
retry_settled(struct task *t, struct daemon *d, enum err e)
{
    struct retry *r = (struct retry *)t;
    struct findings **end = &r->list;
    while (e == OK && r->list) {
        struct findings *f = r->list;
        r->list = f->next;
        findings_free(f);
    }
    while (*end) /* what is still held stays before what came since */
        end = &(*end)->next;
    *end = d->held;
    d->held = r->list;
    d->findings_held = d->held != NULL;
    free(r);
}

static void
retry_held(struct daemon *d)
{
    struct retry *r = d->findings_held ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return;
    task_init(&r->task, d, retry_apply, retry_settled);
    task_post(d, OWNER_LEDGER, &r->task);
}

/* The picture of the deciding pass, so that lists need no look-up. */
static void
picture_of(struct sight_snap *snap, const struct alarm *a, char dst[128])
{
    struct arena arena;
    struct sighting s;
    dst[0] = 0;
    if (!snap || a->evidence_n == 0)
        return;
    arena_init(&arena, 1 << 20);
    if (sight_fetch(snap, a->evidence[0].id, &arena, &s) == OK)
        (void)span_copy(dst, 128, s.image);
    arena_release(&arena);
}

static void
report(struct daemon *d, dur_us mono)
{
    uint64_t lsn = rules_lsn(d->rules);
    bool moved = lsn > d->marked_lsn && mono - d->marked_us >= MARK_EVERY_US;
    if (d->found_n == 0 && !moved)
        return;
    struct findings *f = calloc(1, sizeof *f);
    must(f != NULL);
    task_init(&f->task, d, findings_apply, findings_settled);
    f->alarms = d->found;
    f->n = d->found_n;
    f->lsn = lsn;
    f->pictures = calloc(f->n + 1, sizeof *f->pictures);
    must(f->pictures != NULL);
    struct sight_snap *snap = f->n ? sight_snapshot(d->base->sight) : NULL;
    for (size_t i = 0; i < f->n; i++)
        picture_of(snap, &f->alarms[i], f->pictures[i]);
    sight_snap_free(snap);
    d->found = NULL;
    d->found_n = d->found_room = 0;
    d->marked_lsn = lsn;
    d->marked_us = mono;
    task_post(d, OWNER_LEDGER, &f->task);
}

struct checkpoint {
    struct task task;
    struct buf state;
    uint64_t lsn;
};

static enum err
checkpoint_apply(struct task *t, struct daemon *d)
{
    struct checkpoint *c = (struct checkpoint *)t;
    if (d->findings_held)
        return ERR_BUSY; /* the next one, when all is written */
    return ledger_rules_checkpoint_put(
        d->base->ledger, 0, c->lsn, os_now_ms(), span_of(c->state.p, c->state.n));
}

struct applied {
    struct task task;
    uint64_t lsn;
};

static enum err
applied_apply(struct task *t, struct daemon *d)
{
    /* A later checkpoint says it again. */
    if (!__atomic_load_n(&d->base->backup_holds, __ATOMIC_ACQUIRE))
        sight_set_applied(d->base->sight, ((struct applied *)t)->lsn);
    return OK;
}

static void
applied_settled(struct task *t, struct daemon *d, enum err e)
{
    (void)d, (void)e;
    free(t);
}

static void
checkpoint_settled(struct task *t, struct daemon *d, enum err e)
{
    struct checkpoint *c = (struct checkpoint *)t;
    struct applied *a = e == OK ? calloc(1, sizeof *a) : NULL;
    if (a) { /* the journal below the checkpoint is no longer needed by the rules */
        task_init(&a->task, d, applied_apply, applied_settled);
        a->lsn = c->lsn;
        task_post(d, OWNER_STORE, &a->task);
    }
    buf_release(&c->state);
    free(c);
}

static struct checkpoint *
checkpoint_make(struct daemon *d)
{
    struct checkpoint *c = calloc(1, sizeof *c);
    must(c != NULL);
    task_init(&c->task, d, checkpoint_apply, checkpoint_settled);
    c->lsn = rules_lsn(d->rules);
    rules_checkpoint(d->rules, &c->state);
    must(!c->state.bad);
    return c;
}

/* ---- rows ---- */

struct rows_msg {
    struct job job;
    struct sighting_batch *batch;
};

/* A stop waits so long for the rules, no longer: the rows are in the journal, and the
 * next start goes on behind the last one that was judged. */
static bool
leave_for_the_next_start(const struct daemon *d)
{
    return d->stopping && os_mono_us() - d->stopping_us > STOP_WITHIN_US;
}

static void
run_rows(struct job *job, struct api_env *env)
{
    (void)env;
    struct rows_msg *m = (struct rows_msg *)job;
    struct daemon *d = m->batch->tag;
    struct sighting_batch *b = m->batch;
    if (!leave_for_the_next_start(d)) {
        rules_feed(d->rules, b->rows, b->n, NULL, b->lsn);
        pulse_rows(d->pulse, b->rows, b->n, NULL);
        d->rules_at_lsn = b->lsn;
    }
    d->rules_rows += b->n;
    sighting_batch_free(b);
    free(m);
}

bool
rules_take(struct daemon *d, struct sighting_batch *stored)
{
    struct rows_msg *m = malloc(sizeof *m);
    if (!m)
        return false;
    *m = (struct rows_msg){{.run = run_rows}, stored};
    stored->tag = d;
    if (mbox_send(daemon_owner(d, OWNER_RULES)->box, &m->job.msg) == OK)
        return true;
    free(m);
    return false;
}

/* ---- snapshots ---- */

struct change {
    struct task task;
    unsigned what;
};

static enum err
read_places(struct daemon *d)
{
    return places_give(daemon_owner(d, OWNER_RULES)->reader, d->rules);
}

static enum err
change_apply(struct task *t, struct daemon *d)
{
    unsigned what = ((struct change *)t)->what;
    enum err e = OK;
    if (what & RULES_SITES) {
        struct site_table *sites = base_sites(d->base);
        e = rules_set_sites(d->rules, sites);
        site_table_unref(sites);
    }
    if (what & RULES_WATCHES) {
        struct watch_set *watches = base_watches(d->base);
        rules_set_watches(d->rules, watches);
        watch_set_unref(watches);
    }
    if (what & RULES_REGISTRY) {
        struct vehicle_index *fresh = registry_snapshot(d->base->registry);
        rules_set_registry(d->rules, fresh);
        vehicle_index_unref(d->rules_registry);
        d->rules_registry = fresh;
    }
    if (what & RULES_MODEL) {
        struct model *m = daemon_model(d);
        if (m && e == OK)
            e = rules_set_model(d->rules, m);
        pulse_model(d->pulse, m);
        model_unref(m);
    }
    if (e == OK && (what & (RULES_PLACES | RULES_SITES)))
        e = read_places(d);
    if (e != OK)
        log_note(EV_ledger_failed, e, NULL);
    return e;
}

static void
change_settled(struct task *t, struct daemon *d, enum err e)
{
    (void)d, (void)e;
    free(t);
}

void
rules_changed(struct daemon *d, unsigned changes)
{
    struct change *c = calloc(1, sizeof *c);
    must(c != NULL);
    task_init(&c->task, d, change_apply, change_settled);
    c->what = changes;
    task_post(d, OWNER_RULES, &c->task);
}

/* ---- life ---- */

/* After a restart the map knows what the store knows of the last half hour. */
static void
seed_pulse(struct daemon *d)
{
    struct arena a;
    struct sight_cell *cells;
    size_t n;
    ts_ms now = os_now_ms();
    arena_init(&a, 64 << 20);
    struct sight_ask ask = {.from = now - 35 * MINUTE_MS, .to = now, .arena = &a};
    struct sight_snap *snap = sight_snapshot(d->base->sight);
    bool known = snap && sight_flow(
                             snap, (struct site_id){1}, (struct site_id){UINT32_MAX},
                             &ask, &cells, &n) == OK;
    for (size_t i = 0; known && i < n; i++)
        pulse_seed(d->pulse, cells[i].site, cells[i].at, cells[i].n);
    sight_snap_free(snap);
    arena_release(&a);
}

enum err
rules_begin(struct daemon *d)
{
    struct rules_opts opts = {.zone = d->base->zone, .book = &d->base->rules};
    struct rules_needs needs = {d, history, place, found};
    struct ledger_reader *reader = ledger_as_reader(d->base->ledger);
    struct arena a;
    arena_init(&a, (size_t)1 << 30);
    d->pulse = pulse_new(&d->base->zone);
    enum err e = d->pulse ? rules_new(&opts, &needs, &d->rules) : ERR_NOMEM;
    if (e != OK)
        goto out;
    seed_pulse(d);
    struct site_table *sites = base_sites(d->base);
    e = rules_set_sites(d->rules, sites);
    site_table_unref(sites);
    struct watch_set *watches = base_watches(d->base);
    rules_set_watches(d->rules, watches);
    watch_set_unref(watches);
    d->rules_registry = registry_snapshot(d->base->registry);
    rules_set_registry(d->rules, d->rules_registry);
    if (e == OK)
        e = places_give(reader, d->rules);
    struct model_row row;
    if (e == OK && ledger_model_newest(reader, &a, &row) == OK) {
        e = model_decode(row.bytes, &d->model);
        if (e == OK)
            e = rules_set_model(d->rules, d->model);
        if (e == OK)
            pulse_model(d->pulse, d->model);
    }
    uint64_t lsn = 0;
    struct span state;
    if (e == OK) {
        e = ledger_rules_checkpoint(reader, 0, &a, &lsn, &state);
        if (e == OK)
            e = rules_restore(d->rules, state);
        else if (e == ERR_NOTFOUND)
            e = OK;
        if (e == ERR_NEWER) { /* of other rules: what is asked for is read back */
            log_event(EV_rules_anew, log_n("lsn", (int64_t)lsn));
            e = OK;
        }
    }
    if (e == OK) {
        sight_set_applied(d->base->sight, lsn);
        d->rules_at_lsn = d->marked_lsn = lsn;
        store_begin(d, lsn);
    }
out:
    arena_release(&a);
    return e;
}

void
rules_end(struct daemon *d)
{
    rules_free(d->rules);
    d->rules = NULL;
    vehicle_index_unref(d->rules_registry);
    d->rules_registry = NULL;
    pulse_free(d->pulse);
    d->pulse = NULL;
    free(d->found);
    d->found = NULL;
    while (d->held) { /* a restart finds them again */
        struct findings *f = d->held;
        d->held = f->next;
        findings_free(f);
    }
}

static void
beat(struct daemon *d, ts_ms now)
{
    struct buf map = {0};
    if (pulse_map(d->pulse, now, &map) && !map.bad) {
        struct event_out ev = {
            .topic = "map",
            .name = "map",
            .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR,
            .data = span_of(map.p, map.n),
        };
        serve_publish(d->serve, &ev);
    }
    buf_release(&map);
    pulse_judge(d->pulse, now, spells_note, d);
    spells_send(d, now, false);
    uint32_t n = pulse_sites(d->pulse);
    struct live_site *sites = calloc(n + 1, sizeof *sites);
    if (sites) {
        pulse_copy(d->pulse, now, sites, n);
        tend_sites(d, sites, n);
    }
    rules_tick(d->rules, now);
    retry_held(d);
    counter_set(CTR_rules_lsn, rules_lsn(d->rules));
    counter_set(CTR_rules_history_failed, rules_counts(d->rules).history_failed);
    d->pulsed_ms = now;
}

void *
owner_rules(void *arg)
{
    struct owner *o = arg;
    struct daemon *d = o->d;
    d->saved_us = os_mono_us();
    for (;;) {
        struct msg *chain = mbox_take_all(o->box, TICK_EVERY_MS * 1000);
        bool closing = !chain && mbox_closed(o->box);
        dur_us began = os_mono_us();
        while (chain) {
            struct job *job = (struct job *)chain;
            chain = chain->next;
            job->run(job, &o->env);
            if (d->found_n)
                report(d, os_mono_us());
        }
        ts_ms now = os_now_ms();
        if (now - d->pulsed_ms >= TICK_EVERY_MS || now < d->pulsed_ms)
            beat(d, now);
        if (closing)
            retry_held(d);
        if (closing)
            d->marked_us = 0; /* whatever was not marked yet is now */
        dur_us mono = os_mono_us();
        report(d, mono);
        bool save = closing || mono - d->saved_us >= SAVE_EVERY_US;
        if (save && rules_lsn(d->rules) > 0) {
            d->saved_us = mono;
            task_post(d, OWNER_LEDGER, &checkpoint_make(d)->task);
        }
        o->busy_us += (uint64_t)(os_mono_us() - began);
        if (closing) {
            spells_send(d, now, true);
            return NULL;
        }
    }
}
