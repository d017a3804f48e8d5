/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - the one transactional record (台账): registry rows, matters, journal,
 * users, watches, looks. This header is the machine; the tables' functions lie in
 * ledger_people.h, ledger_place.h, ledger_watch.h, ledger_alarm.h, ledger_matter.h and
 * ledger_look.h.
 *
 * Shape    struct ledger is the only writer. Functions that change take a struct
 *          ledger; functions that only read take a struct ledger_reader: an own
 *          read-only connection, or the writer's own (ledger_as_reader), which sees the
 *          running group.
 * Group    ledger_begin(); for each waiting job: ledger_job_begin(), its changes,
 *          ledger_job_end(keep); then ledger_commit(); then, and only then, the
 *          replies. A job that fails is undone alone.
 * Units    times ts_ms; ids dense from 1, 0 = none; journal numbers are the SSE ids.
 * Owner    ledger_open() and ledger_reader_open() give objects for the close functions.
 *          Text fields have fixed room; blobs and arrays go into the caller's arena.
 * Threads  a struct ledger belongs to the ledger thread, a struct ledger_reader to the
 *          thread that opened it.
 * Errors   ERR_CONFLICT stale seq or taken name; ERR_NOTFOUND; ERR_INPUT (a constraint,
 *          said in the note); ERR_FULL; ERR_IO (the group is undone as a whole);
 *          ERR_CORRUPT; ERR_NEWER.
 * See      docs/why/ledger.md; facts on group commit there; tests in ledger_test.c.
 */
#ifndef TQ_STORE_LEDGER_H
#define TQ_STORE_LEDGER_H

#include "core/arena.h"
#include "core/civil.h"
#include "core/os_file.h"

struct ledger;
struct ledger_reader;

/* Room of a free text of up to 400 characters in UTF-8. */
#define LEDGER_TEXT 1204

/* Version of the schema that this build writes; older ones are migrated forward, newer
 * refused. */
#define LEDGER_SCHEMA 4

/* Opens or makes DIR/ledger.db. An older schema is migrated after a copy to
 * DIR/ledger-<old>.bak. Waits for nothing; the caller holds DIR/lock. */
enum err ledger_open(
    struct os_fs *fs, const char *dir, struct ledger **out, struct note *note) MUST_USE;
void ledger_close(struct ledger **l); /* undoes a running group */

/* Read-only connection beside a writer that is open in this process. */
enum err ledger_reader_open(
    struct ledger *l, struct ledger_reader **out, struct note *note) MUST_USE;
void ledger_reader_close(struct ledger_reader **r);
struct ledger_reader *ledger_as_reader(struct ledger *l);
/* Reads between begin and end see one state. Optional: a single read is consistent by
 * itself. */
enum err ledger_reader_begin(struct ledger_reader *r) MUST_USE;
void ledger_reader_end(struct ledger_reader *r);

/* ---- group commit ---- */
/* When it fails, jobs may run all the same: every change of theirs is ERR_IO. */
enum err ledger_begin(struct ledger *l) MUST_USE;
/* Durable when OK. On failure nothing of the group happened: answer every job with the
 * error. */
enum err ledger_commit(struct ledger *l, struct note *note) MUST_USE;
void ledger_rollback(struct ledger *l);
enum err ledger_job_begin(struct ledger *l) MUST_USE;
/* keep = false undoes this job only. */
enum err ledger_job_end(struct ledger *l, bool keep) MUST_USE;
bool ledger_in_group(const struct ledger *l);
/* Moves the write-ahead log into the database file (between groups, when idle); also
 * done by itself. */
enum err ledger_checkpoint(struct ledger *l) MUST_USE;

/* ---- journal: what changed, in one order ---- */
enum ledger_topic {
    TOPIC_MATTER = 1,
    TOPIC_ALARM,
    TOPIC_UNIT,
    TOPIC_SITE,
    TOPIC_SYSTEM,
    TOPIC_WATCH,
    TOPIC_USER,
    TOPIC_ORG,
    TOPIC_DEVICE,
    TOPIC_LOOK,
    TOPIC_VITAL, /* a site fell silent, reads badly ... or is well again; seq: minutes
                    since 1970 */
};

struct ledger_entry {
    uint64_t n;      /* journal number, set by ledger_note() */
    uint8_t topic;   /* enum ledger_topic */
    uint8_t kind;    /* the topic's own code (loops: move, clock, ladder ...) */
    uint32_t seq;    /* of the object; 0 where objects have none */
    uint64_t object; /* id in its table */
    uint32_t actor;  /* user id; 0 the machine */
    ts_ms at_ms;
    char name[32];       /* move, clock ... in the definition's words; may be empty */
    struct span payload; /* compact bytes of the topic's owner */
};
/* Appends one entry (matter events go through ledger_matter_put). *n gets the number.
 */
enum err
ledger_note(struct ledger *l, const struct ledger_entry *e, uint64_t *n) MUST_USE;
/* Newest committed number as this connection sees it; 0 = empty. */
enum err ledger_journal_last(struct ledger_reader *r, uint64_t *n) MUST_USE;
/* Number of the newest entry in the writer's running or last group. */
uint64_t ledger_last(const struct ledger *l);
/* Entries after n, oldest first, at most cap; payloads in the arena. */
enum err ledger_journal_since(
    struct ledger_reader *r, uint64_t n, size_t cap, struct arena *a,
    struct ledger_entry **out, size_t *count) MUST_USE;
/* Entries of one object, oldest first; seq > after. */
enum err ledger_journal_of(
    struct ledger_reader *r, enum ledger_topic topic, uint64_t object, uint32_t after,
    struct arena *a, struct ledger_entry **out, size_t *count) MUST_USE;

/* ---- small things ---- */
/* Key and value (zone, city name, VIID realm ...). A missing key is ERR_NOTFOUND. */
enum err ledger_meta_put(struct ledger *l, const char *key, struct span value) MUST_USE;
enum err ledger_meta_find(
    struct ledger_reader *r, const char *key, struct arena *a,
    struct span *out) MUST_USE;
/* Keys that begin so, with their values, in order of the keys, at most cap. */
struct ledger_meta_row {
    struct span key, value;
};
enum err ledger_meta_list(
    struct ledger_reader *r, const char *prefix, size_t cap, struct arena *a,
    struct ledger_meta_row **out, size_t *n) MUST_USE;
/* Next value of a named counter, from 1 ("matter:YJ:20261121"). */
enum err ledger_next(struct ledger *l, const char *counter, uint64_t *out) MUST_USE;
/* What a repeated POST with the same (user, once) was answered; ERR_NOTFOUND the first
 * time. */
enum err ledger_once_find(
    struct ledger_reader *r, uint32_t user, struct span once, struct arena *a,
    int *status, struct span *reply) MUST_USE;
enum err ledger_once_put(
    struct ledger *l, uint32_t user, struct span once, ts_ms at, int status,
    struct span reply) MUST_USE;
enum err ledger_once_purge(struct ledger *l, ts_ms before) MUST_USE;

/* Rows and bytes, for /system. */
struct ledger_size {
    uint64_t file_bytes, wal_bytes;
    uint64_t commits, jobs, jobs_undone;
};
void ledger_size(const struct ledger *l, struct ledger_size *out);

/* Full check of the database file (PRAGMA integrity_check and foreign keys):
 * ERR_CORRUPT with the first finding. Takes seconds on a large ledger. */
enum err ledger_check(struct ledger_reader *r, struct note *note) MUST_USE;
/* A consistent copy into path (absent before) while the writer goes on. */
enum err
ledger_copy(struct ledger_reader *r, const char *path, struct note *note) MUST_USE;

#endif
