/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h - the inside of the daemon, shared by its owner threads' files and by nobody
 * else.
 *
 * Owner    each field says which thread owns it.
 * Threads  a thread of ours is a struct owner: a mailbox, a loop, an environment for
 * jobs.
 * See      daemon.h has the picture.
 */
#ifndef TQ_DAEMON_PARTS_H
#define TQ_DAEMON_PARTS_H

#include "core/mbox.h"
#include "daemon/base.h"
#include "daemon/daemon.h"
#include "daemon/head_out.h"
#include "daemon/roster.h"
#include "daemon/wall.h"
#include "rules/rules.h"
#include "serve/api.h"
#include "serve/house.h"
#include "serve/serve.h"
#include "store/reserve.h"

#include <pthread.h>
#include <stdatomic.h>

struct daemon;

struct owner {
    const char *name, *zh, *en;
    struct daemon *d;
    struct mbox *box;
    size_t cap;
    void *(*loop)(void *owner);
    pthread_t thread;
    bool started;
    struct api_env env; /* handed to jobs that run here */
    struct ledger_reader
        *reader; /* opened before the thread starts, this thread's own */
    atomic_uint_least64_t busy_us; /* working time since start */
    uint64_t busy_seen_us;         /* tend's: at the last look */
    double busy;                   /* tend's: share of the last look */
};

enum owner_name {
    OWNER_STORE,
    OWNER_RULES,
    OWNER_LEDGER,
    OWNER_FAST,
    OWNER_BATCH,
    OWNER_WORK,
    OWNER_WORK2,
    OWNER_AUDIT,
    OWNER_TEND,
    OWNERS
};

/* Work of ours for an owner. run() is set by task_init(); apply() runs on the owner,
 * settled() after it (on the ledger: after the group is durable, with its fate) and
 * owns the task's memory. */
struct task {
    struct job job;
    enum err (*apply)(struct task *t, struct daemon *d);
    void (*settled)(struct task *t, struct daemon *d, enum err e);
    struct daemon *d;
    enum err e;
    bool alone; /* on the ledger: outside any group */
};
void task_init(
    struct task *t, struct daemon *d, enum err (*apply)(struct task *, struct daemon *),
    void (*settled)(struct task *, struct daemon *, enum err));
/* Never refused while the owner lives: for work whose amount is bounded by what caused
 * it. When the owner has stopped, settled() gets ERR_STOPPING at once. */
void task_post(struct daemon *d, enum owner_name to, struct task *t);
/* Runs fn(arg) on the owner and waits for it (on the ledger: for its group). Not from
 * an owner's own thread. */
enum err daemon_call(
    struct daemon *d, enum owner_name to, enum err (*fn)(struct daemon *d, void *arg),
    void *arg);

/* The same on the ledger's thread outside any group. */
enum err daemon_call_alone(
    struct daemon *d, enum err (*fn)(struct daemon *d, void *arg), void *arg);
/* Must this message of the ledger's mailbox run outside a group? */
bool task_is_alone(const struct job *job);

struct daemon {
    /* set once before threads start */
    struct daemon_opts opts;
    struct base *base;
    struct serve *serve;
    struct serve_needs needs;
    struct house house;
    struct tls *tls;
    ts_ms started_ms;
    char url[8][HTTP_URL];
    size_t urls;
    char ingest_url[HTTP_URL];
    char *roads;
    size_t roads_n;
    struct owner owners[OWNERS];
    struct ctl *ctl;
    struct public_face *public_face;
    pthread_t net[2];
    bool net_started[2];
    bool ran; /* it was told that it started */
    atomic_bool stopping;
    atomic_llong stopping_us; /* since when */

    /* published snapshots, under lock */
    pthread_mutex_t lock;
    struct live *live;
    struct roster *roster;
    struct model *model;
    struct house_state state; /* as tend saw it last */
    struct health health;

    /* owned by store */
    uint64_t forwarded_lsn; /* newest batch given to the rules */
    uint64_t forwarded_rows;
    bool behind; /* rules must be caught up from the journal */
    struct wall_course course;

    /* owned by rules */
    struct rules *rules;
    struct pulse *pulse;
    struct vehicle_index *rules_registry; /* held while the rules use it */
    struct alarm *found;                  /* alarms of this round */
    size_t found_n, found_room;
    uint64_t marked_lsn;
    dur_us marked_us, saved_us;
    ts_ms pulsed_ms;
    struct spells *spells; /* changes of sites' health that wait to be journaled */
    atomic_uint_least64_t rules_at_lsn, rules_rows;

    /* owned by ledger */
    uint64_t published; /* newest journal number sent as an event */
    ts_ms next_due_ms;
    struct pending *pending;
    size_t pending_n, pending_room;
    bool keep_job;
    struct findings *held;     /* alarms the ledger could not take, oldest first */
    atomic_bool findings_held; /* there are some, or one has just failed */

    /* owned by tend */
    struct reserve *reserve;
    struct live_site *tend_sites;
    uint32_t tend_sites_n;
    struct quality *quality;
    struct live_device *tend_devices;
    uint32_t tend_devices_n;
    struct live_unit *tend_units;
    uint32_t tend_units_n;
    struct wall wall;
    struct head_out head_out;
    dur_us signed_us, seen_saved_us, maintained_us; /* 0: not yet */
    int64_t purged_day, model_day;
    dur_us retention_tried_us;
    uint64_t history_failed;      /* of the rules, as seen last ... */
    dur_us history_failed_us;     /* ... and when it grew; 0 never */
    int64_t retention_waits_days; /* so many wait for a steady clock; 0 none */
    atomic_bool retention_runs, retention_failed;
    atomic_bool store_failed, ledger_failed, audit_failed;
};

struct owner *daemon_owner(struct daemon *d, enum owner_name name);
enum err owners_start(struct daemon *d, struct note *note) MUST_USE;
void owners_stop(struct daemon *d);

/* Loops of the owners (owner_*.c). */
void *owner_store(void *owner);
void *owner_rules(void *owner);
void *owner_ledger(void *owner);
void *owner_jobs(void *owner);
void *owner_audit(void *owner); /* plug_serve.c */
void *owner_tend(void *owner);

/* owner_store.c: what serve_needs.append does. */
enum err store_append(
    struct daemon *d, struct sighting_batch *b, struct http *home, struct job *done);
/* owner_store.c: before threads start. */
void store_begin(struct daemon *d, uint64_t from_lsn);

/* owner_rules.c */
enum err rules_begin(struct daemon *d) MUST_USE;
void rules_end(struct daemon *d);
/* Takes the batch; false when the mailbox is full (the batch stays the caller's). */
bool rules_take(struct daemon *d, struct sighting_batch *stored);
/* Any thread: tell the rules to take the newest snapshots of what changed. */
enum rules_change {
    RULES_SITES = 1,
    RULES_WATCHES = 2,
    RULES_REGISTRY = 4,
    RULES_PLACES = 8,
    RULES_MODEL = 16,
};
void rules_changed(struct daemon *d, unsigned changes);

/* owner_ledger.c */
enum err ledger_begin_owner(struct daemon *d, struct note *note) MUST_USE;
void ledger_home(struct api_env *env, struct http *h, struct job *job, bool keep);

/* owner_tend.c: any thread. */
enum err tend_fix(
    struct daemon *d, struct span code, struct user_id user, ts_ms at_ms, e7 lon,
    e7 lat, int speed_kmh, int heading_deg, struct note *note) MUST_USE;
void tend_device_state(struct daemon *d, struct device_id id, bool online, ts_ms at);
void tend_device_sent(
    struct daemon *d, struct device_id id, const struct device_report *report,
    ts_ms at);
void
tend_sites(struct daemon *d, struct live_site *sites, uint32_t n); /* takes sites */

/* plug_serve.c */
void plug_serve(struct daemon *d);
/* Snapshots: any thread, referenced. */
struct live *daemon_live(struct daemon *d);
struct roster *daemon_roster(struct daemon *d);
struct model *daemon_model(struct daemon *d);
/* Ledger thread: reads units and devices again and publishes. */
enum err daemon_refresh_roster(struct daemon *d) MUST_USE;

#endif
