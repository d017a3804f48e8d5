/* SPDX-License-Identifier: Apache-2.0 */
/* base.h - an opened data directory: ledger, registry, sightings, audit, definitions,
 * and the snapshots that everybody reads.
 *
 * Owner    base_open() gives the caller a base to base_close(). Snapshots handed out
 * are referenced: the taker unrefs.
 * Threads  the stores belong to their threads (store/ledger.h, store/sight.h);
 * snapshots may be taken from any thread; base_refresh_*() is the ledger thread's.
 * Errors   ERR_NOTFOUND no data directory; ERR_CONFLICT another process holds it;
 * ERR_NEWER; ERR_CORRUPT; ERR_INPUT (a definition: file, line, column).
 * See      docs/why/truth.md; man 8 tongqu.
 */
#ifndef TQ_DAEMON_BASE_H
#define TQ_DAEMON_BASE_H

#include "loops/loop_def.h"
#include "model/look.h"
#include "model/site.h"
#include "model/watch.h"
#include "rules/setting.h"
#include "store/audit.h"
#include "store/format.h"
#include "store/ledger.h"
#include "store/registry.h"
#include "store/sight.h"

struct base {
    /* set once before threads start */
    char dir[OS_PATH];
    struct os_fs *fs;
    struct zone zone;
    struct data *data;
    struct ledger *ledger;
    struct registry *registry;
    struct sight *sight;
    struct audit *audit;
    struct loop_defs *loops;
    struct look_rules looks;
    struct rule_book rules; /* settings of the live rules, in force and to come */
    bool backup_holds; /* atomic: a backup runs, the sighting journal stays untrimmed */
    /* under lock: published snapshots */
    struct base_shared *shared;
};

struct base_opts {
    const char *dir;
    const char *definitions; /* NULL: DIR/definitions */
    bool threads;            /* engines get their own threads (the daemon) */
    bool unfinished;         /* between base_init() and base_finish() */
    int keep_days;           /* retention of passes; 0 the default */
    ts_ms now;
};

/* Begins an empty data directory with zone and definitions. Until base_finish() it is
 * opened as `unfinished` only, and is none for everybody else. */
enum err base_init(
    const char *dir, const struct zone *zone, ts_ms now, struct note *note) MUST_USE;
enum err base_finish(const char *dir, struct note *note) MUST_USE;
enum err
base_open(const struct base_opts *opts, struct base **out, struct note *note) MUST_USE;
void base_close(struct base **b, ts_ms now);
/* ERR_CORRUPT when the ledger knows a look that the audit record does not hold any
 * more: its tail was cut. */
enum err base_audit_reaches(
    struct base *b, struct ledger_reader *reader, struct note *note) MUST_USE;

/* ---- snapshots: any thread, referenced ---- */
struct site_table *base_sites(struct base *b);
struct org_table *base_org(struct base *b);
struct watch_set *base_watches(struct base *b);

/* Reads the tables again from the ledger (writer's thread, after its commit) and
 * publishes them. */
enum err base_refresh_sites(struct base *b) MUST_USE;
enum err base_refresh_org(struct base *b) MUST_USE;
enum err base_refresh_watches(struct base *b, ts_ms now) MUST_USE;
/* The same when only these watches changed: reads no others. */
enum err base_refresh_watch(struct base *b, const uint64_t *ids, size_t n) MUST_USE;

#endif
