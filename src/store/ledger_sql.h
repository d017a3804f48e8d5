/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_sql.h - inside the ledger: connections, prepared statements, values in and out
 * in order. Included by store/ledger*.c and registry.c only.
 *
 * Shape    struct sql is one use of a cached statement: sql_use(), put_*() for each
 *          '?', then sql_run(), or sql_next() with get_*() for each column. The
 *          statement goes back by sql_done(); sql_run() and the last sql_next() do that
 *          themselves.
 * Owner    the connection owns its statements; text is the literal's address, so pass
 *          literals only.
 * Threads  one connection, one thread.
 * Errors   as ledger.h; ERR_TOOBIG when the arena is full.
 */
#ifndef TQ_STORE_LEDGER_SQL_H
#define TQ_STORE_LEDGER_SQL_H

#include "store/ledger.h"

#include <sqlite3.h>

/* Tables with ids of ours; the writer knows the next of each. */
enum ledger_id {
    ID_JOURNAL,
    ID_ORG,
    ID_UNIT,
    ID_SITE,
    ID_USER,
    ID_DEVICE,
    ID_ZONE,
    ID_PERMIT,
    ID_SECTION,
    ID_WATCH,
    ID_MATTER,
    ID_GRANT,
    LEDGER_IDS
};

#define SQL_CACHE 512u /* power of two; far more than there are statements */

struct ledger_reader {
    sqlite3 *db;
    struct {
        const char *text;
        sqlite3_stmt *st;
    } cache[SQL_CACHE];
    struct ledger *owner; /* the writer of this file */
    bool in_read;
    bool grouped; /* the writer's: a group runs */
    bool refuses; /* the writer's: a group could not begin, or was lost: no change is
                     made until one begins */
};

struct ledger {
    struct ledger_reader r; /* first: ledger_as_reader() */
    struct vfs *vfs;
    struct os_fs *fs;
    char path[OS_PATH];
    bool in_group, in_job, broken;
    uint64_t last[LEDGER_IDS]; /* ids given so far */
    uint64_t at_group[LEDGER_IDS], at_job[LEDGER_IDS];
    /* The writer counts, ledger_size() reads from any thread. */
    _Atomic uint64_t commits, jobs, undone;
};

struct sql {
    struct ledger_reader *r;
    sqlite3_stmt *st;
    int in, out; /* next parameter, next column */
    enum err e;  /* first failure of a put_ or get_ */
};

/* A whole statement list without results. */
enum err sql_exec(struct ledger_reader *r, const char *text) MUST_USE;
enum err sql_use(struct ledger_reader *r, const char *text, struct sql *q) MUST_USE;
void put_i64(struct sql *q, int64_t v);
void put_u64(struct sql *q, uint64_t v); /* as the int64 of the same bits */
void put_f64(struct sql *q, double v);
void put_text(struct sql *q, const char *s);
void put_span(struct sql *q, struct span s);
void put_blob(struct sql *q, const void *p, size_t n);
/* Steps a statement that gives no rows and hands it back. */
enum err sql_run(struct sql *q) MUST_USE;
/* The same, and the number of rows changed. */
enum err sql_run_count(struct sql *q, int *changed) MUST_USE;
/* *row = false (and handed back) after the last one. */
enum err sql_next(struct sql *q, bool *row) MUST_USE;
void sql_done(struct sql *q);
int64_t get_i64(struct sql *q);
uint64_t get_u64(struct sql *q);
uint32_t get_u32(struct sql *q);
uint16_t get_u16(struct sql *q);
uint8_t get_u8(struct sql *q);
bool get_bool(struct sql *q);
double get_f64(struct sql *q);
void get_text(struct sql *q, char *dst, size_t cap); /* cut to fit */
void get_bytes(struct sql *q, void *dst, size_t n); /* zeroed when the length differs */
struct span
get_span(struct sql *q, struct arena *a); /* copied; e = ERR_TOOBIG when full */
struct span get_borrowed(struct sql *q);  /* until the next sql_next() */

#define GET_TEXT(q, field) get_text((q), (field), sizeof(field))

/* Rows of one result gathered in an arena: add() gives the next one zeroed, NULL past
 * the arena's cap. */
struct rows {
    struct arena *a;
    char *p;
    size_t size, n, room;
};
void *rows_add(struct rows *rows);

/* Next id of a table (writer, inside a group). */
uint64_t ledger_id(struct ledger *l, enum ledger_id which);
/* Pattern "%text%" with % _ and \ escaped, for LIKE ... ESCAPE '\'. */
struct span like_pattern(struct arena *a, struct span text);

/* Forward steps of the schema: step i brings version i to i + 1. */
struct ledger_step {
    const char *sql;
};
extern const struct ledger_step ledger_steps[LEDGER_SCHEMA];
/* Brings the database from its version to n; before is called once ahead of the first
 * step of an existing database. */
enum err ledger_migrate(
    struct ledger_reader *r, const struct ledger_step *steps, unsigned n,
    enum err (*before)(void *arg, unsigned from, struct note *note), void *arg,
    struct note *note) MUST_USE;

#endif
