/* SPDX-License-Identifier: Apache-2.0 */
/* One writer connection and its readers over one database file in write-ahead mode.
 *
 * Every id is given by the writer from memory (loaded at open), so a job that is undone
 * gives its numbers back: the state at the begin of the group and of the job is kept
 * and restored. */
#include "store/ledger.h"

#include "store/ledger_sql.h"
#include "store/vfs.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_READ_ROWS 100000u

/* ---- connections ---- */

static enum err
connect(
    struct ledger_reader *r, const char *path, const char *vfs, bool create,
    struct note *note)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc =
        sqlite3_open_v2(path, &r->db, flags | (create ? SQLITE_OPEN_CREATE : 0), vfs);
    if (rc)
        return note_fmt(
            note, rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO, "",
            "the ledger %s cannot be opened", "无法打开台账 %s", path);
    sqlite3_busy_timeout(r->db, 5000);
    enum err e = sql_exec(
        r, "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
           "PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;");
    if (e == ERR_CORRUPT)
        return note_fmt(
            note, e, "", "the ledger %s is damaged: restore it from a backup",
            "台账 %s 已损坏，请从备份恢复", path);
    return e;
}

static void
disconnect(struct ledger_reader *r)
{
    for (size_t i = 0; i < SQL_CACHE; i++)
        sqlite3_finalize(r->cache[i].st);
    sqlite3_close(r->db);
    memset(r, 0, sizeof *r);
}

/* ---- schema ---- */

static enum err
schema_version(struct ledger_reader *r, unsigned *out)
{
    struct sql q;
    bool row = false;
    *out = 0;
    if (sqlite3_table_column_metadata(
            r->db, NULL, "meta", "key", NULL, NULL, NULL, NULL, NULL)) {
        /* No such table, or a file that is no database: reading it tells. */
        return sql_exec(r, "PRAGMA schema_version");
    }
    enum err e = sql_use(r, "SELECT value FROM meta WHERE key = 'schema'", &q);
    if (!e)
        e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_CORRUPT;
    uint64_t v = 0;
    bool good = span_u64(get_borrowed(&q), &v) && v < 1000000;
    sql_done(&q);
    if (!good)
        return ERR_CORRUPT;
    *out = (unsigned)v;
    return OK;
}

static enum err
take_step(struct ledger_reader *r, const struct ledger_step *step, unsigned to)
{
    char text[16];
    struct sql q;
    snprintf(text, sizeof text, "%u", to);
    enum err e = sql_exec(r, "BEGIN IMMEDIATE");
    if (e)
        return e;
    e = sql_exec(r, step->sql);
    if (!e)
        e = sql_use(
            r,
            "INSERT INTO meta (key, value) VALUES ('schema', ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            &q);
    if (!e) {
        put_blob(&q, text, strlen(text));
        e = sql_run(&q);
    }
    if (!e)
        e = sql_exec(r, "COMMIT");
    if (e)
        (void)!sql_exec(r, "ROLLBACK");
    return e;
}

enum err
ledger_migrate(
    struct ledger_reader *r, const struct ledger_step *steps, unsigned n,
    enum err (*before)(void *arg, unsigned from, struct note *note), void *arg,
    struct note *note)
{
    unsigned from = 0;
    enum err e = schema_version(r, &from);
    if (e)
        return note_set(
            note, e, "", "the ledger is damaged: restore it from a backup",
            "台账已损坏，请从备份恢复");
    if (from > n)
        return note_fmt(
            note, ERR_NEWER, "",
            "the ledger has schema %u, this release knows %u: use the newer release",
            "台账版本为 %u，本程序只支持到 %u，请使用更新的版本", from, n);
    if (from > 0 && from < n && before && (e = before(arg, from, note)))
        return e;
    for (unsigned v = from; v < n; v++) {
        e = take_step(r, &steps[v], v + 1);
        if (e)
            return note_fmt(
                note, e, "", "bringing the ledger from schema %u to %u failed",
                "台账从版本 %u 升级到 %u 失败", v, v + 1);
    }
    return OK;
}

static enum err
keep_copy(void *arg, unsigned from, struct note *note)
{
    struct ledger *l = arg;
    char path[OS_PATH + 32];
    size_t stem = strlen(l->path) - strlen(".db");
    snprintf(path, sizeof path, "%.*s-%u.bak", (int)stem, l->path, from);
    enum err e = os_unlink(l->fs, path); /* of a try that was cut off */
    if (e && e != ERR_NOTFOUND)
        return e;
    return ledger_copy(&l->r, path, note);
}

static enum err
load_ids(struct ledger *l)
{
    static const char *const newest[LEDGER_IDS] = {
        [ID_JOURNAL] = "SELECT max(n) FROM journal",
        [ID_ORG] = "SELECT max(id) FROM org",
        [ID_UNIT] = "SELECT max(id) FROM unit",
        [ID_SITE] = "SELECT max(id) FROM site",
        [ID_USER] = "SELECT max(id) FROM account",
        [ID_DEVICE] = "SELECT max(id) FROM device",
        [ID_ZONE] = "SELECT max(id) FROM zone",
        [ID_PERMIT] = "SELECT max(id) FROM permit",
        [ID_SECTION] = "SELECT max(id) FROM section",
        [ID_WATCH] = "SELECT max(id) FROM watch",
        [ID_MATTER] = "SELECT max(id) FROM matter",
        [ID_GRANT] = "SELECT max(id) FROM look_grant",
    };
    for (unsigned i = 0; i < LEDGER_IDS; i++) {
        struct sql q;
        bool row;
        enum err e = sql_use(&l->r, newest[i], &q);
        if (!e)
            e = sql_next(&q, &row);
        if (e)
            return e;
        l->last[i] = get_u64(&q); /* NULL of an empty table reads as 0 */
        sql_done(&q);
    }
    return OK;
}

enum err
ledger_open(struct os_fs *fs, const char *dir, struct ledger **out, struct note *note)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->fs = fs;
    l->r.owner = l;
    enum err e = os_join(l->path, sizeof l->path, dir, "ledger.db");
    if (!e)
        e = vfs_register(fs, &l->vfs);
    if (!e)
        e = connect(&l->r, l->path, vfs_name(l->vfs), true, note);
    if (!e)
        e = sql_exec(
            &l->r, "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536;"
                   "PRAGMA wal_autocheckpoint = 4000;"
                   "PRAGMA journal_size_limit = 67108864;");
    if (e == ERR_CORRUPT)
        (void)note_set(
            note, e, "", "the ledger is damaged: restore it from a backup",
            "台账已损坏，请从备份恢复");
    if (!e)
        e = ledger_migrate(&l->r, ledger_steps, LEDGER_SCHEMA, keep_copy, l, note);
    if (!e)
        e = load_ids(l);
    if (e) {
        ledger_close(&l);
        return e;
    }
    *out = l;
    return OK;
}

void
ledger_close(struct ledger **l)
{
    if (!*l)
        return;
    if ((*l)->in_group)
        ledger_rollback(*l);
    disconnect(&(*l)->r);
    vfs_unregister(&(*l)->vfs);
    free(*l);
    *l = NULL;
}

enum err
ledger_reader_open(struct ledger *l, struct ledger_reader **out, struct note *note)
{
    struct ledger_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->owner = l;
    enum err e = connect(r, l->path, vfs_name(l->vfs), false, note);
    if (!e)
        e = sql_exec(r, "PRAGMA query_only = ON; PRAGMA cache_size = -16384;");
    if (e) {
        ledger_reader_close(&r);
        return e;
    }
    *out = r;
    return OK;
}

void
ledger_reader_close(struct ledger_reader **r)
{
    if (!*r)
        return;
    disconnect(*r);
    free(*r);
    *r = NULL;
}

struct ledger_reader *
ledger_as_reader(struct ledger *l)
{
    return &l->r;
}

enum err
ledger_reader_begin(struct ledger_reader *r)
{
    must(!r->in_read);
    enum err e = sql_exec(r, "BEGIN");
    r->in_read = !e;
    return e;
}

void
ledger_reader_end(struct ledger_reader *r)
{
    if (r->in_read)
        (void)!sql_exec(r, "COMMIT");
    r->in_read = false;
}

/* ---- groups ---- */

/* One statement without results or values. */
static enum err
run(struct ledger *l, const char *text)
{
    struct sql q;
    enum err e = sql_use(&l->r, text, &q);
    return e ? e : sql_run(&q);
}

/* The engine undoes a whole group by itself when the disk is full or fails inside a
 * statement. */
static bool
group_lost(const struct ledger *l)
{
    return l->in_group && sqlite3_get_autocommit(l->r.db);
}

enum err
ledger_begin(struct ledger *l)
{
    must(!l->in_group && !l->r.in_read);
    l->r.refuses = l->broken;
    enum err e = l->broken ? ERR_IO : run(l, "BEGIN IMMEDIATE");
    if (e) {
        l->r.refuses = true;
        return e;
    }
    l->in_group = l->r.grouped = true;
    memcpy(l->at_group, l->last, sizeof l->last);
    return OK;
}

void
ledger_rollback(struct ledger *l)
{
    must(l->in_group);
    if (!group_lost(l))
        (void)!run(l, "ROLLBACK");
    memcpy(l->last, l->at_group, sizeof l->last);
    l->in_group = l->in_job = l->r.grouped = false;
}

enum err
ledger_commit(struct ledger *l, struct note *note)
{
    must(l->in_group && !l->in_job);
    enum err e = group_lost(l) ? ERR_IO : run(l, "COMMIT");
    if (!e) {
        l->in_group = l->r.grouped = false;
        l->commits++;
        return OK;
    }
    ledger_rollback(l);
    /* After a failed sync nobody knows what the disk holds: reopening finds out. */
    if (e == ERR_IO)
        l->broken = true;
    if (e == ERR_FULL)
        return note_set(
            note, e, "",
            "the disk is full: the ledger could not be written, nothing of this was "
            "kept; make room",
            "磁盘已满：台账无法写入，本次内容均未保存，请清理磁盘空间");
    return note_set(
        note, e, "", "the ledger could not be written: nothing of this was kept",
        "台账写入失败，本次内容均未保存");
}

enum err
ledger_job_begin(struct ledger *l)
{
    must(l->in_group && !l->in_job);
    if (group_lost(l))
        return ERR_IO;
    enum err e = run(l, "SAVEPOINT job");
    if (e)
        return e;
    l->in_job = true;
    memcpy(l->at_job, l->last, sizeof l->last);
    return OK;
}

enum err
ledger_job_end(struct ledger *l, bool keep)
{
    must(l->in_job);
    l->in_job = false;
    if (group_lost(l))
        return ERR_IO;
    l->jobs++;
    if (keep)
        return run(l, "RELEASE job");
    l->undone++;
    memcpy(l->last, l->at_job, sizeof l->last);
    enum err e = run(l, "ROLLBACK TO job");
    return e ? e : run(l, "RELEASE job");
}

bool
ledger_in_group(const struct ledger *l)
{
    return l->in_group;
}

enum err
ledger_checkpoint(struct ledger *l)
{
    must(!l->in_group);
    int rc =
        sqlite3_wal_checkpoint_v2(l->r.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return rc == SQLITE_OK || rc == SQLITE_BUSY ? OK
           : rc == SQLITE_FULL                  ? ERR_FULL
                                                : ERR_IO;
}

/* ---- journal ---- */

enum err
ledger_note(struct ledger *l, const struct ledger_entry *entry, uint64_t *n)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO journal (n, topic, object, seq, kind, actor, at_ms, name, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &q);
    if (e)
        return e;
    uint64_t number = ledger_id(l, ID_JOURNAL);
    put_u64(&q, number);
    put_i64(&q, entry->topic);
    put_u64(&q, entry->object);
    put_i64(&q, entry->seq);
    put_i64(&q, entry->kind);
    put_i64(&q, entry->actor);
    put_i64(&q, entry->at_ms);
    put_text(&q, entry->name);
    put_blob(&q, entry->payload.p, entry->payload.n);
    e = sql_run(&q);
    if (!e)
        *n = number;
    return e;
}

enum err
ledger_journal_last(struct ledger_reader *r, uint64_t *n)
{
    struct sql q;
    bool row;
    enum err e = sql_use(r, "SELECT max(n) FROM journal", &q);
    if (!e)
        e = sql_next(&q, &row);
    if (e)
        return e;
    *n = get_u64(&q);
    sql_done(&q);
    return OK;
}

uint64_t
ledger_last(const struct ledger *l)
{
    return l->last[ID_JOURNAL];
}

/* Columns n, topic, object, seq, kind, actor, at_ms, name, payload. */
static enum err
read_entries(struct sql *q, struct arena *a, struct ledger_entry **out, size_t *n)
{
    struct rows rows = {.a = a, .size = sizeof(struct ledger_entry)};
    bool row;
    enum err e;
    while (!(e = sql_next(q, &row)) && row) {
        struct ledger_entry *x = rows_add(&rows);
        if (!x) {
            sql_done(q);
            return ERR_TOOBIG;
        }
        x->n = get_u64(q);
        x->topic = get_u8(q);
        x->object = get_u64(q);
        x->seq = get_u32(q);
        x->kind = get_u8(q);
        x->actor = get_u32(q);
        x->at_ms = get_i64(q);
        GET_TEXT(q, x->name);
        x->payload = get_span(q, a);
    }
    if (!e) {
        *out = (struct ledger_entry *)(void *)rows.p;
        *n = rows.n;
    }
    return e;
}

enum err
ledger_journal_since(
    struct ledger_reader *r, uint64_t n, size_t cap, struct arena *a,
    struct ledger_entry **out, size_t *count)
{
    struct sql q;
    enum err e = sql_use(
        r,
        "SELECT n, topic, object, seq, kind, actor, at_ms, name, payload"
        " FROM journal WHERE n > ? ORDER BY n LIMIT ?",
        &q);
    if (e)
        return e;
    put_u64(&q, n);
    put_u64(&q, cap < MAX_READ_ROWS ? cap : MAX_READ_ROWS);
    return read_entries(&q, a, out, count);
}

enum err
ledger_journal_of(
    struct ledger_reader *r, enum ledger_topic topic, uint64_t object, uint32_t after,
    struct arena *a, struct ledger_entry **out, size_t *count)
{
    struct sql q;
    enum err e = sql_use(
        r,
        "SELECT n, topic, object, seq, kind, actor, at_ms, name, payload"
        " FROM journal WHERE topic = ? AND object = ? AND seq > ? ORDER BY seq, n",
        &q);
    if (e)
        return e;
    put_i64(&q, topic);
    put_u64(&q, object);
    put_i64(&q, after);
    return read_entries(&q, a, out, count);
}

/* ---- small things ---- */

enum err
ledger_meta_put(struct ledger *l, const char *key, struct span value)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        &q);
    if (e)
        return e;
    put_text(&q, key);
    put_blob(&q, value.p, value.n);
    return sql_run(&q);
}

enum err
ledger_meta_find(
    struct ledger_reader *r, const char *key, struct arena *a, struct span *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT value FROM meta WHERE key = ?", &q);
    if (e)
        return e;
    put_text(&q, key);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    struct span value = get_span(&q, a);
    sql_done(&q);
    if (!q.e)
        *out = value;
    return q.e;
}

enum err
ledger_meta_list(
    struct ledger_reader *r, const char *prefix, size_t cap, struct arena *a,
    struct ledger_meta_row **out, size_t *n)
{
    struct sql q;
    bool row = false;
    char end[64];
    size_t len = strlen(prefix), got = 0;
    must(len > 0 && len < sizeof end && prefix[len - 1] < 0x7f);
    memcpy(end, prefix, len + 1);
    end[len - 1]++; /* the first key behind all that begin so */
    enum err e = sql_use(
        r,
        "SELECT key, value FROM meta WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
        &q);
    if (e)
        return e;
    put_text(&q, prefix);
    put_text(&q, end);
    put_u64(&q, cap);
    struct ledger_meta_row *rows = arena_array(a, cap + 1, sizeof *rows);
    while (rows && got < cap && (e = sql_next(&q, &row)) == OK && row) {
        rows[got].key = get_span(&q, a);
        rows[got].value = get_span(&q, a);
        if (q.e)
            break;
        got++;
    }
    if (row)
        sql_done(&q);
    e = e ? e : rows ? q.e : ERR_TOOBIG;
    if (e)
        return e;
    *out = rows;
    *n = got;
    return OK;
}

enum err
ledger_next(struct ledger *l, const char *counter, uint64_t *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO counter (name, value) VALUES (?, 1)"
        " ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
        &q);
    if (e)
        return e;
    put_text(&q, counter);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_IO;
    *out = get_u64(&q);
    return sql_next(&q, &row);
}

enum err
ledger_once_find(
    struct ledger_reader *r, uint32_t user, struct span once, struct arena *a,
    int *status, struct span *reply)
{
    struct sql q;
    bool row = false;
    enum err e =
        sql_use(r, "SELECT status, reply FROM once WHERE account = ? AND once = ?", &q);
    if (e)
        return e;
    put_i64(&q, user);
    put_span(&q, once);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    int s = (int)get_i64(&q);
    struct span bytes = get_span(&q, a);
    sql_done(&q);
    if (!q.e) {
        *status = s;
        *reply = bytes;
    }
    return q.e;
}

enum err
ledger_once_put(
    struct ledger *l, uint32_t user, struct span once, ts_ms at, int status,
    struct span reply)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO once (account, once, at_ms, status, reply) VALUES (?, ?, ?, ?, ?)",
        &q);
    if (e)
        return e;
    put_i64(&q, user);
    put_span(&q, once);
    put_i64(&q, at);
    put_i64(&q, status);
    put_blob(&q, reply.p, reply.n);
    return sql_run(&q);
}

enum err
ledger_once_purge(struct ledger *l, ts_ms before)
{
    struct sql q;
    enum err e = sql_use(&l->r, "DELETE FROM once WHERE at_ms < ?", &q);
    if (e)
        return e;
    put_i64(&q, before);
    return sql_run(&q);
}

void
ledger_size(const struct ledger *l, struct ledger_size *out)
{
    char wal[OS_PATH + 8];
    bool is_dir;
    *out = (struct ledger_size){
        .commits = l->commits, .jobs = l->jobs, .jobs_undone = l->undone};
    snprintf(wal, sizeof wal, "%s-wal", l->path);
    if (os_stat(l->fs, l->path, &out->file_bytes, &is_dir))
        out->file_bytes = 0;
    if (os_stat(l->fs, wal, &out->wal_bytes, &is_dir))
        out->wal_bytes = 0;
}

/* ---- whole file ---- */

enum err
ledger_check(struct ledger_reader *r, struct note *note)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "PRAGMA integrity_check(1)", &q);
    if (!e)
        e = sql_next(&q, &row);
    if (e || !row)
        return note_set(
            note, e == ERR_NOMEM ? e : ERR_CORRUPT, "", "the ledger cannot be read",
            "台账无法读取");
    struct span said = get_borrowed(&q);
    if (!span_eq_cstr(said, "ok"))
        e = note_fmt(
            note, ERR_CORRUPT, "", "the ledger is damaged: %.*s", "台账已损坏：%.*s",
            SPAN_ARG(said));
    sql_done(&q);
    if (e)
        return e;
    e = sql_use(r, "PRAGMA foreign_key_check", &q);
    if (!e)
        e = sql_next(&q, &row);
    if (!e && row) {
        e = note_set(
            note, ERR_CORRUPT, "", "the ledger has rows that point at nothing",
            "台账中存在指向不存在对象的记录");
        sql_done(&q);
    }
    return e;
}

enum err
ledger_copy(struct ledger_reader *r, const char *path, struct note *note)
{
    struct ledger_reader copy = {0};
    enum err e = connect(&copy, path, vfs_name(r->owner->vfs), true, note);
    sqlite3_backup *b = NULL;
    if (!e && !(b = sqlite3_backup_init(copy.db, "main", r->db, "main")))
        e = ERR_IO;
    if (b) {
        int rc = sqlite3_backup_step(b, -1);
        int last = sqlite3_backup_finish(b);
        if (rc != SQLITE_DONE || last != SQLITE_OK)
            e = rc == SQLITE_FULL || last == SQLITE_FULL ? ERR_FULL : ERR_IO;
    }
    disconnect(&copy);
    if (e)
        (void)note_fmt(
            note, e, "", "the ledger could not be copied to %s", "无法将台账复制到 %s",
            path);
    return e;
}
