/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger thread: whatever jobs wait share one commit; only then do they go home,
 * are events sent, and snapshots published. Clocks that have run out fire here, in the
 * same groups. */
#include "daemon/parts.h"

#include "core/counter.h"
#include "core/log.h"
#include "core/os_clock.h"
#include "serve/desk.h"
#include "serve/rows.h"
#include "store/ledger_matter.h"

#include <stdlib.h>

#define GROUP 256
#define DUE_AT_ONCE 100
#define EVENTS_AT_ONCE 500
#define WAIT_US 1000000

struct pending { /* a job that has run and waits for its group */
    struct job *job;
    struct http *home; /* NULL: a task of ours */
    bool kept;
};

void
ledger_home(struct api_env *env, struct http *h, struct job *job, bool keep)
{
    struct house *house = env->daemon;
    struct daemon *d = house->ctx;
    must(d->pending_n < d->pending_room); /* one place a job, made before it ran */
    d->pending[d->pending_n++] = (struct pending){job, h, keep};
    d->keep_job = keep;
}

static void
settle(struct daemon *d, enum err e)
{
    size_t n = d->pending_n;
    d->pending_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct pending *p = &d->pending[i];
        if (p->home) {
            p->job->failed =
                p->kept ? e : OK; /* a refused job has its answer already */
            http_post(p->home, p->job);
        } else {
            struct task *t = (struct task *)p->job;
            t->settled(t, d, t->e != OK ? t->e : e);
        }
    }
}

static struct desk
desk_of(struct daemon *d, struct site_table *sites, struct org_table *orgs)
{
    return (struct desk){
        .defs = d->base->loops,
        .orgs = orgs,
        .sites = sites,
        .zone = &d->base->zone,
        .ledger = d->base->ledger,
        .reader = ledger_as_reader(d->base->ledger),
        .now = os_now_ms(),
    };
}

/* Fires what is due, at most so many matters a group; *more says that some are left. */
static void
fire_due(struct daemon *d, bool *more)
{
    struct arena a;
    struct due_row *rows;
    size_t n;
    struct site_table *sites = base_sites(d->base);
    struct org_table *orgs = base_org(d->base);
    struct desk desk = desk_of(d, sites, orgs);
    arena_init(&a, 1 << 20);
    ts_ms next = 0;
    enum err e = ledger_due(desk.reader, desk.now, DUE_AT_ONCE, &a, &rows, &n, &next);
    for (size_t i = 0; e == OK && i < n; i++) {
        struct note note = {0};
        unsigned fired = 0;
        e = ledger_job_begin(d->base->ledger);
        if (e != OK)
            break;
        enum err one = desk_fire(&desk, rows[i].matter, &fired, &note);
        e = ledger_job_end(d->base->ledger, one == OK);
        if (one != OK)
            log_note(EV_ledger_failed, one, &note);
        else if (fired)
            log_event(
                EV_timer_fired, log_n("matter", (int64_t)rows[i].matter),
                log_n("rungs", fired));
    }
    *more = e == OK && n == DUE_AT_ONCE;
    d->next_due_ms = next;
    arena_release(&a);
    site_table_unref(sites);
    org_table_unref(orgs);
}

/* ---- after the commit ---- */

static void
account_event(struct daemon *d, const struct ledger_entry *entry)
{
    struct account a;
    if (d->needs.account_get(
            d->base->ledger, (struct user_id){(uint32_t)entry->object}, &a) == OK)
        serve_account_changed(d->serve, &a, "role_changed");
}

/* What a page of the journal makes stale. */
struct stale {
    bool org, roster, sites;
    bool all_watches; /* a bulk import; else the ones below */
    uint64_t watches[EVENTS_AT_ONCE];
    size_t watches_n;
};

static void
stale_of(
    struct daemon *d, const struct ledger_entry *entries, size_t n, struct stale *s)
{
    *s = (struct stale){.watches_n = 0};
    for (size_t i = 0; i < n; i++) {
        const struct ledger_entry *entry = &entries[i];
        switch (entry->topic) {
        case TOPIC_ORG:
            s->org = true;
            break;
        case TOPIC_SITE:
            s->sites = true;
            break;
        case TOPIC_UNIT:
        case TOPIC_DEVICE:
            s->roster = true;
            break;
        case TOPIC_USER:
            s->roster = true;
            account_event(d, entry);
            break;
        case TOPIC_WATCH:
            if (entry->object)
                s->watches[s->watches_n++] = entry->object;
            else
                s->all_watches = true;
            break;
        default:
            break;
        }
    }
}

static void
log_failed(enum err e)
{
    if (e != OK)
        log_note(EV_ledger_failed, e, NULL);
}

static void
refresh(struct daemon *d, const struct stale *s)
{
    if (s->org)
        log_failed(base_refresh_org(d->base));
    if (s->sites)
        log_failed(base_refresh_sites(d->base));
    if (s->all_watches)
        log_failed(base_refresh_watches(d->base, os_now_ms()));
    else if (s->watches_n)
        log_failed(base_refresh_watch(d->base, s->watches, s->watches_n));
    if (s->roster)
        log_failed(daemon_refresh_roster(d));
}

static void
tell(struct daemon *d, const struct ledger_entry *entries, size_t n)
{
    struct site_table *sites = base_sites(d->base);
    struct org_table *orgs = base_org(d->base);
    struct desk desk = desk_of(d, sites, orgs);
    for (size_t i = 0; i < n; i++) {
        struct buf data = {0};
        struct event_out ev;
        if (rows_event(&desk, &d->house, &entries[i], &data, &ev) && !data.bad)
            serve_publish(d->serve, &ev);
        buf_release(&data);
    }
    site_table_unref(sites);
    org_table_unref(orgs);
}

/* Entries of the journal that have not been told yet: to snapshots, and to consoles.
 * Snapshots first: what a console fetches after an event must hold it. */
static void
publish(struct daemon *d)
{
    struct arena a;
    struct ledger_entry *entries;
    struct stale stale;
    unsigned rules = 0;
    size_t n = EVENTS_AT_ONCE;
    arena_init(&a, 64 << 20);
    while (n == EVENTS_AT_ONCE) {
        arena_reset(&a);
        enum err e = ledger_journal_since(
            ledger_as_reader(d->base->ledger), d->published, EVENTS_AT_ONCE, &a,
            &entries, &n);
        if (e != OK) { /* told with the next group */
            log_note(EV_ledger_failed, e, NULL);
            break;
        }
        if (n == 0)
            break;
        d->published = entries[n - 1].n;
        stale_of(d, entries, n, &stale);
        refresh(d, &stale);
        tell(d, entries, n);
        rules |= (stale.sites ? RULES_SITES : 0) |
                 (stale.all_watches || stale.watches_n ? RULES_WATCHES : 0);
    }
    arena_release(&a);
    if (rules)
        rules_changed(d, rules);
}

static bool
room_for(struct daemon *d, size_t n)
{
    if (n <= d->pending_room)
        return true;
    struct pending *p = realloc(d->pending, n * sizeof *p);
    if (!p)
        return false;
    d->pending = p;
    d->pending_room = n;
    return true;
}

static void
run_group(struct owner *o, struct msg *chain, size_t n)
{
    struct daemon *d = o->d;
    struct note note = {0};
    must(room_for(d, n)); /* a few kilobytes at start; without them nothing can go on */
    enum err e = ledger_begin(d->base->ledger);
    while (chain) {
        struct job *job = (struct job *)chain;
        chain = chain->next;
        enum err mark = e == OK ? ledger_job_begin(d->base->ledger) : e;
        d->keep_job = true;
        job->run(job, &o->env); /* without a group its writes fail and it says so */
        if (mark == OK && ledger_job_end(d->base->ledger, d->keep_job) != OK)
            e = ERR_IO;
    }
    bool more = false;
    if (e == OK && d->next_due_ms <= os_now_ms())
        fire_due(d, &more);
    if (e == OK)
        e = ledger_commit(d->base->ledger, &note);
    else if (ledger_in_group(d->base->ledger))
        ledger_rollback(d->base->ledger);
    d->ledger_failed = e != OK && e != ERR_FULL;
    if (e != OK)
        log_note(EV_ledger_failed, e, &note);
    else if (ledger_last(d->base->ledger) > d->published)
        publish(d);
    settle(d, e);
    if (more)
        d->next_due_ms = 0;
}

/* Ends the chain after at most GROUP messages, or before or behind one that runs alone;
 * counts them and returns the rest. */
static struct msg *
cut(struct msg *chain, size_t *n)
{
    struct msg *last = NULL;
    bool alone = chain && task_is_alone((struct job *)chain);
    for (*n = 0; chain && *n < (alone ? 1 : GROUP); ++*n) {
        if (!alone && task_is_alone((struct job *)chain))
            break;
        last = chain;
        chain = chain->next;
    }
    if (last)
        last->next = NULL;
    return chain;
}

/* A task that makes its own groups. */
static void
run_alone(struct owner *o, struct job *job)
{
    must(room_for(o->d, 1));
    job->run(job, &o->env);
    if (ledger_last(o->d->base->ledger) > o->d->published)
        publish(o->d);
    settle(o->d, OK);
}

enum err
ledger_begin_owner(struct daemon *d, struct note *note)
{
    (void)note;
    struct ledger_reader *reader = ledger_as_reader(d->base->ledger);
    d->next_due_ms =
        0; /* looks at once: clocks that ran out while we were down fire now */
    return ledger_journal_last(reader, &d->published);
}

void *
owner_ledger(void *arg)
{
    struct owner *o = arg;
    struct daemon *d = o->d;
    for (;;) {
        struct msg *chain = mbox_take_all(o->box, WAIT_US);
        bool closing = !chain && mbox_closed(o->box);
        if (closing)
            break;
        dur_us began = os_mono_us();
        do { /* long chains become several groups: the first are not kept waiting */
            size_t n = 0;
            struct msg *rest = cut(chain, &n);
            if (chain && task_is_alone((struct job *)chain))
                run_alone(o, (struct job *)chain);
            else if (chain || d->next_due_ms <= os_now_ms())
                run_group(o, chain, n);
            chain = rest;
        } while (chain);
        o->busy_us += (uint64_t)(os_mono_us() - began);
    }
    free(d->pending);
    d->pending = NULL;
    return NULL;
}
