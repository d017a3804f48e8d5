/* SPDX-License-Identifier: Apache-2.0 */
/* Looks as a table: for the board of unconfirmed ones, for a matter's page and for what
 * is odd about the searchers. The record that counts is the audit chain; this table can
 * be made again from it. */
#include "store/ledger_look.h"

#include "store/ledger_sql.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_COLUMNS                                                                   \
    "number, at_ms, account, matter, purpose, kind, state, emergency, parameters,"     \
    " plate, from_ms, to_ms, count, why, confirm_by_ms, confirmed_by, confirmed_ms,"   \
    " accepted, confirm_note, scope"

enum err
ledger_look_put(struct ledger *l, const struct look_row *x)
{
    struct sql q;
    struct buf scope = {0};
    enum err e = sql_use(
        &l->r,
        "INSERT INTO look (" LOOK_COLUMNS ")"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, -1, '', ?)"
        " ON CONFLICT (number) DO UPDATE SET state = excluded.state,"
        " count = excluded.count, scope = excluded.scope WHERE look.state = 0",
        &q);
    if (e)
        return e;
    look_scope_encode(&scope, &x->scope);
    put_u64(&q, x->number);
    put_i64(&q, x->at_ms);
    put_i64(&q, x->user.v);
    put_u64(&q, x->matter);
    put_text(&q, x->purpose);
    put_i64(&q, x->kind);
    put_i64(&q, x->state);
    put_i64(&q, x->emergency);
    put_blob(&q, x->parameters, sizeof x->parameters);
    put_u64(&q, x->plate.v);
    put_i64(&q, x->from_ms);
    put_i64(&q, x->to_ms);
    put_u64(&q, x->count);
    put_text(&q, x->why);
    put_i64(&q, x->confirm_by_ms);
    put_blob(&q, scope.p, scope.n);
    e = sql_run(&q);
    bool bad = scope.bad;
    buf_release(&scope);
    return !e && bad ? ERR_NOMEM : e;
}

static void
read_look(struct sql *q, struct look_row *x)
{
    x->number = get_u64(q);
    x->at_ms = get_i64(q);
    x->user.v = get_u32(q);
    x->matter = get_u64(q);
    GET_TEXT(q, x->purpose);
    x->kind = get_u8(q);
    x->state = get_u8(q);
    x->emergency = get_bool(q);
    get_bytes(q, x->parameters, sizeof x->parameters);
    x->plate.v = get_u64(q);
    x->from_ms = get_i64(q);
    x->to_ms = get_i64(q);
    x->count = get_u64(q);
    GET_TEXT(q, x->why);
    x->confirm_by_ms = get_i64(q);
    x->confirmed_by.v = get_u32(q);
    x->confirmed_ms = get_i64(q);
    x->accepted = (int8_t)get_i64(q);
    GET_TEXT(q, x->confirm_note);
    /* Bytes that do not read are a scope that holds nothing. */
    if (look_scope_decode(get_borrowed(q), &x->scope) != OK)
        x->scope = (struct look_scope){0};
}

enum err
ledger_look_find(struct ledger_reader *r, uint64_t number, struct look_row *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT " LOOK_COLUMNS " FROM look WHERE number = ?", &q);
    if (e)
        return e;
    put_u64(&q, number);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    read_look(&q, out);
    sql_done(&q);
    return OK;
}

static enum err
check_confirm(const struct look_row *x, struct user_id by, struct note *note)
{
    if (!x->confirm_by_ms)
        return note_set(
            note, ERR_GATE, "", "this look needs no confirmation", "该查询无须确认");
    if (x->confirmed_by.v)
        return note_set(
            note, ERR_GATE, "", "this look was confirmed already", "该查询已办理确认");
    if (x->user.v != by.v)
        return OK;
    (void)note_set(
        note, ERR_DENIED, "", "a second person must confirm: not the one who looked",
        "须由查询人以外的第二人确认");
    return note_code(note, ERR_DENIED, "same_person");
}

enum err
ledger_look_confirm(
    struct ledger *l, uint64_t number, struct user_id by, bool accept, uint64_t matter,
    const char *text, ts_ms at, struct look_row *out, struct note *note)
{
    struct look_row x;
    struct sql q;
    enum err e = ledger_look_find(&l->r, number, &x);
    if (!e)
        e = check_confirm(&x, by, note);
    if (!e && !span_copy(x.confirm_note, sizeof x.confirm_note, span_cstr(text)))
        e = note_set(note, ERR_TOOBIG, "note", "the note is too long", "说明文字过长");
    if (!e)
        e = sql_use(
            &l->r,
            "UPDATE look SET confirmed_by = ?, confirmed_ms = ?, accepted = ?,"
            " confirm_note = ?, matter = ? WHERE number = ?",
            &q);
    if (e)
        return e;
    x.confirmed_by = by;
    x.confirmed_ms = at;
    x.accepted = accept;
    x.matter = matter ? matter : x.matter;
    put_i64(&q, by.v);
    put_i64(&q, at);
    put_i64(&q, accept);
    put_text(&q, x.confirm_note);
    put_u64(&q, x.matter);
    put_u64(&q, number);
    e = sql_run(&q);
    if (!e)
        *out = x;
    return e;
}

enum err
ledger_looks(
    struct ledger_reader *r, const struct look_query *w, struct arena *a,
    struct look_row **out, size_t *n)
{
    struct sql q;
    bool row = false;
    struct rows rows = {.a = a, .size = sizeof **out};
    const char *text =
        w->unconfirmed
            ? "SELECT " LOOK_COLUMNS " FROM look WHERE confirm_by_ms <> 0"
              " AND confirmed_by = 0 AND number < ? AND (? = 0 OR account = ?)"
              " AND (? = 0 OR matter = ?) AND at_ms >= ? AND (? = 0 OR at_ms < ?)"
              " ORDER BY number DESC LIMIT ?"
            : "SELECT " LOOK_COLUMNS " FROM look WHERE number < ?"
              " AND (? = 0 OR account = ?) AND (? = 0 OR matter = ?) AND at_ms >= ?"
              " AND (? = 0 OR at_ms < ?) ORDER BY number DESC LIMIT ?";
    enum err e = sql_use(r, text, &q);
    if (e)
        return e;
    put_i64(&q, w->before ? (int64_t)w->before : INT64_MAX);
    put_i64(&q, w->user.v);
    put_i64(&q, w->user.v);
    put_u64(&q, w->matter);
    put_u64(&q, w->matter);
    put_i64(&q, w->from_ms);
    put_i64(&q, w->to_ms);
    put_i64(&q, w->to_ms);
    put_u64(&q, w->cap);
    while (!(e = sql_next(&q, &row)) && row) {
        struct look_row *x = rows_add(&rows);
        if (!x) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        read_look(&q, x);
    }
    *out = (struct look_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

enum err
ledger_look_newest(struct ledger_reader *r, uint64_t *number)
{
    struct sql q;
    bool row;
    enum err e = sql_use(r, "SELECT max(number) FROM look", &q);
    if (!e)
        e = sql_next(&q, &row);
    if (e)
        return e;
    *number = get_u64(&q);
    sql_done(&q);
    return OK;
}

/* ---- grants ---- */

enum err
ledger_grant_put(struct ledger *l, struct look_grant *g, struct note *note)
{
    struct sql q;
    if (g->user.v == g->by.v) {
        (void)note_set(
            note, ERR_DENIED, "", "nobody grants a look to himself",
            "不得为本人审批授权");
        return note_code(note, ERR_DENIED, "same_person");
    }
    enum err e = sql_use(
        &l->r,
        "INSERT INTO look_grant (id, matter, account, given_by, from_ms, given_ms,"
        " until_ms, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &q);
    if (e)
        return e;
    uint64_t id = ledger_id(l, ID_GRANT);
    put_u64(&q, id);
    put_u64(&q, g->matter);
    put_i64(&q, g->user.v);
    put_i64(&q, g->by.v);
    put_i64(&q, g->from_ms);
    put_i64(&q, g->given_ms);
    put_i64(&q, g->until_ms);
    put_text(&q, g->note);
    e = sql_run(&q);
    if (!e)
        g->id = id;
    return e;
}

#define GRANT_COLUMNS "id, matter, account, given_by, from_ms, given_ms, until_ms, note"

static void
get_grant(struct sql *q, struct look_grant *g)
{
    *g = (struct look_grant){0};
    g->id = get_u64(q);
    g->matter = get_u64(q);
    g->user.v = get_u32(q);
    g->by.v = get_u32(q);
    g->from_ms = get_i64(q);
    g->given_ms = get_i64(q);
    g->until_ms = get_i64(q);
    GET_TEXT(q, g->note);
}

enum err
ledger_grants(
    struct ledger_reader *r, const struct grant_query *want, struct arena *a,
    struct look_grant **out, size_t *n)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(
        r,
        "SELECT " GRANT_COLUMNS " FROM look_grant WHERE (? = 0 OR account = ?)"
        " AND (? = 0 OR id < ?)"
        " ORDER BY CASE WHEN given_by = 0 THEN 0 ELSE 1 END, id DESC LIMIT ?",
        &q);
    if (e)
        return e;
    put_i64(&q, want->user.v);
    put_i64(&q, want->user.v);
    put_u64(&q, want->before);
    put_u64(&q, want->before);
    put_u64(&q, want->cap);
    struct look_grant *rows = arena_array(a, want->cap + 1, sizeof *rows);
    size_t got = 0;
    while (rows && got < want->cap && (e = sql_next(&q, &row)) == OK && row) {
        get_grant(&q, &rows[got++]);
        if (q.e)
            break;
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

static enum err
grant_find(struct ledger_reader *r, uint64_t id, struct look_grant *out)
{
    struct sql q;
    bool row = false;
    enum err e =
        sql_use(r, "SELECT " GRANT_COLUMNS " FROM look_grant WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, id);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    get_grant(&q, out);
    sql_done(&q);
    return q.e;
}

enum err
ledger_grant_decide(
    struct ledger *l, uint64_t id, struct user_id by, bool yes, ts_ms until_ms,
    ts_ms now, const char *text, struct look_grant *out, struct note *note)
{
    struct look_grant g;
    struct sql q;
    enum err e = grant_find(&l->r, id, &g);
    if (e)
        return e;
    if (g.user.v == by.v) {
        (void)note_set(
            note, ERR_DENIED, "", "nobody grants a look to himself",
            "不得为本人审批授权");
        return note_code(note, ERR_DENIED, "same_person");
    }
    bool waits = g.by.v == 0;
    if (waits ? yes && (until_ms ? until_ms : g.until_ms) <= now
              : yes || g.until_ms <= now)
        return note_set(
            note, ERR_GATE, "", "this grant is decided or over already",
            "该授权已审批或已到期");
    g.by = by;
    g.until_ms = yes ? (until_ms ? until_ms : g.until_ms) : waits ? 0 : now;
    g.given_ms = waits ? now : g.given_ms;
    if (text[0])
        snprintf(g.note, sizeof g.note, "%s", text);
    e = sql_use(
        &l->r,
        "UPDATE look_grant SET given_by = ?, given_ms = ?, until_ms = ?, note = ?"
        " WHERE id = ?",
        &q);
    if (e)
        return e;
    put_i64(&q, g.by.v);
    put_i64(&q, g.given_ms);
    put_i64(&q, g.until_ms);
    put_text(&q, g.note);
    put_u64(&q, id);
    e = sql_run(&q);
    if (!e)
        *out = g;
    return e;
}

enum err
ledger_granted(
    struct ledger_reader *r, uint64_t matter, struct user_id user, ts_ms from,
    ts_ms now, bool *granted)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(
        r,
        "SELECT id FROM look_grant WHERE matter = ? AND account = ? AND from_ms <= ?"
        " AND until_ms > ? AND given_by <> 0 LIMIT 1",
        &q);
    if (e)
        return e;
    put_u64(&q, matter);
    put_i64(&q, user.v);
    put_i64(&q, from);
    put_i64(&q, now);
    e = sql_next(&q, &row);
    if (e)
        return e;
    if (row)
        sql_done(&q);
    *granted = row;
    return OK;
}
