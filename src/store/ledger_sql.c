/* SPDX-License-Identifier: Apache-2.0 */
/* Statements are cached by the address of their text: a call site is a literal, so the
 * second use costs one probe. */
#include "store/ledger_sql.h"

#include "core/hash.h"

#include <stdio.h>

static enum err
err_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY
                   ? ERR_CONFLICT
                   : ERR_INPUT;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_TOOBIG:
        return ERR_TOOBIG;
    default:
        return ERR_IO;
    }
}

enum err
sql_exec(struct ledger_reader *r, const char *text)
{
    int rc = sqlite3_exec(r->db, text, NULL, NULL, NULL);
    return rc ? err_of(sqlite3_extended_errcode(r->db)) : OK;
}

/* Without its group a change would be kept by itself, and its job told that it failed.
 */
static bool
may_run(struct ledger_reader *r, sqlite3_stmt *st)
{
    r->refuses |= r->grouped && sqlite3_get_autocommit(r->db);
    return !r->refuses || sqlite3_stmt_readonly(st);
}

enum err
sql_use(struct ledger_reader *r, const char *text, struct sql *q)
{
    *q = (struct sql){.r = r, .in = 1};
    size_t i = hash_u64((uint64_t)(uintptr_t)text) & (SQL_CACHE - 1);
    while (r->cache[i].text && r->cache[i].text != text)
        i = (i + 1) & (SQL_CACHE - 1);
    if (!r->cache[i].text) {
        sqlite3_stmt *st = NULL;
        int rc =
            sqlite3_prepare_v3(r->db, text, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
        /* A statement that does not compile is our mistake, unless memory or disk
         * failed. */
        must(rc != SQLITE_ERROR);
        if (rc)
            return err_of(sqlite3_extended_errcode(r->db));
        r->cache[i].text = text;
        r->cache[i].st = st;
    }
    if (!may_run(r, r->cache[i].st))
        return ERR_IO;
    q->st = r->cache[i].st;
    return OK;
}

static void
bound(struct sql *q, int rc)
{
    must(rc != SQLITE_RANGE && rc != SQLITE_MISUSE);
    if (rc && !q->e)
        q->e = err_of(rc);
}

void
put_i64(struct sql *q, int64_t v)
{
    bound(q, sqlite3_bind_int64(q->st, q->in++, v));
}

void
put_u64(struct sql *q, uint64_t v)
{
    put_i64(q, (int64_t)v);
}

void
put_f64(struct sql *q, double v)
{
    bound(q, sqlite3_bind_double(q->st, q->in++, v));
}

void
put_span(struct sql *q, struct span s)
{
    bound(
        q, sqlite3_bind_text64(
               q->st, q->in++, s.n ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8));
}

void
put_text(struct sql *q, const char *s)
{
    put_span(q, span_cstr(s));
}

void
put_blob(struct sql *q, const void *p, size_t n)
{
    bound(q, sqlite3_bind_blob64(q->st, q->in++, n ? p : "", n, SQLITE_STATIC));
}

void
sql_done(struct sql *q)
{
    if (q->st) {
        sqlite3_reset(q->st);
        sqlite3_clear_bindings(q->st);
    }
    q->st = NULL;
}

enum err
sql_next(struct sql *q, bool *row)
{
    *row = false;
    if (!q->e) {
        int rc = sqlite3_step(q->st);
        if (rc == SQLITE_ROW) {
            q->out = 0;
            *row = true;
            return OK;
        }
        if (rc != SQLITE_DONE)
            q->e = err_of(sqlite3_extended_errcode(q->r->db));
    }
    sql_done(q);
    return q->e;
}

enum err
sql_run(struct sql *q)
{
    bool row;
    enum err e = sql_next(q, &row);
    if (row)
        sql_done(q);
    return e;
}

enum err
sql_run_count(struct sql *q, int *changed)
{
    enum err e = sql_run(q);
    *changed = e ? 0 : sqlite3_changes(q->r->db);
    return e;
}

int64_t
get_i64(struct sql *q)
{
    return sqlite3_column_int64(q->st, q->out++);
}

uint64_t
get_u64(struct sql *q)
{
    return (uint64_t)get_i64(q);
}

uint32_t
get_u32(struct sql *q)
{
    return (uint32_t)get_i64(q);
}

uint16_t
get_u16(struct sql *q)
{
    return (uint16_t)get_i64(q);
}

uint8_t
get_u8(struct sql *q)
{
    return (uint8_t)get_i64(q);
}

bool
get_bool(struct sql *q)
{
    return get_i64(q) != 0;
}

double
get_f64(struct sql *q)
{
    return sqlite3_column_double(q->st, q->out++);
}

struct span
get_borrowed(struct sql *q)
{
    int i = q->out++;
    const void *p = sqlite3_column_blob(q->st, i); /* text is given as it is, too */
    return span_of(p, p ? (size_t)sqlite3_column_bytes(q->st, i) : 0);
}

void
get_text(struct sql *q, char *dst, size_t cap)
{
    span_copy_fit(dst, cap, get_borrowed(q));
}

void
get_bytes(struct sql *q, void *dst, size_t n)
{
    struct span s = get_borrowed(q);
    if (s.n == n)
        memcpy(dst, s.p, n);
    else
        memset(dst, 0, n);
}

struct span
get_span(struct sql *q, struct arena *a)
{
    struct span copy = arena_span(a, get_borrowed(q));
    if (!copy.p && !q->e)
        q->e = ERR_TOOBIG;
    return copy;
}

void *
rows_add(struct rows *rows)
{
    if (rows->n == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 16;
        char *p = arena_array(rows->a, room, rows->size);
        if (!p)
            return NULL;
        if (rows->n)
            memcpy(p, rows->p, rows->n * rows->size);
        rows->p = p;
        rows->room = room;
    }
    return rows->p + rows->size * rows->n++;
}

struct span
like_pattern(struct arena *a, struct span text)
{
    char *p = arena_take(a, 2 * text.n + 3);
    size_t n = 0;
    if (!p)
        return (struct span){NULL, 0};
    p[n++] = '%';
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '%' || text.p[i] == '_' || text.p[i] == '\\')
            p[n++] = '\\';
        p[n++] = text.p[i];
    }
    p[n++] = '%';
    return (struct span){p, n};
}

uint64_t
ledger_id(struct ledger *l, enum ledger_id which)
{
    must(l->in_group || l->r.refuses);
    return ++l->last[which];
}
