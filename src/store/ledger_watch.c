/* SPDX-License-Identifier: Apache-2.0 */
/*            approve
 * PROPOSED ---------> APPROVED --- to_ms passes: "ended", no row changes
 *    |  \                |
 *    |   \ reject        | withdraw
 *    |    v              v
 *    |  REJECTED     WITHDRAWN
 *    +--- withdraw ------^
 *
 * Author and approver are two persons, whichever way the row came in. */
#include "store/ledger_watch.h"

#include "store/ledger_sql.h"

#include <stdlib.h>

#define WATCH_COLUMNS                                                                  \
    "id, code, plate, plate_color, level, state, from_ms, to_ms, list_ms, reason,"     \
    " author_login, approver_login, matter, list, one_misread, author, approver,"      \
    " created_ms, decided_ms, note, expected_false_day, alarms, confirmed, seq"

static enum err
check_interval(const struct watch *w, struct note *note)
{
    if (w->to_ms == 0)
        return note_set(
            note, ERR_INPUT, "to_ms", "a watch needs an end date",
            "布控须设定截止时间");
    if (w->to_ms <= w->from_ms)
        return note_set(
            note, ERR_INPUT, "to_ms", "the watch ends before it begins",
            "布控截止时间须晚于开始时间");
    return OK;
}

static enum err
check_watch(struct watch_row *w, struct note *note)
{
    enum err e = check_interval(&w->watch, note);
    if (e)
        return e;
    struct watch *x = &w->watch;
    if (!plate_pattern_parse(span_cstr(x->plate_text), &x->pattern))
        return note_set(
            note, ERR_INPUT, "pattern", "this is no plate or pattern (? and *)",
            "号牌或通配符（? 与 *）无法识别");
    if (x->level < 1 || x->level > 3)
        return note_set(
            note, ERR_INPUT, "level", "level is 1, 2 or 3", "布控级别为 1、2 或 3");
    return OK;
}

static enum err
write_row(struct ledger *l, const struct watch_row *w)
{
    struct sql q;
    const struct watch *x = &w->watch;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO watch (" WATCH_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET code = excluded.code, plate = excluded.plate,"
        " plate_color = excluded.plate_color, level = excluded.level,"
        " state = excluded.state, from_ms = excluded.from_ms, to_ms = excluded.to_ms,"
        " list_ms = excluded.list_ms, reason = excluded.reason,"
        " author_login = excluded.author_login,"
        " approver_login = excluded.approver_login, matter = excluded.matter,"
        " list = excluded.list, one_misread = excluded.one_misread,"
        " author = excluded.author, approver = excluded.approver,"
        " created_ms = excluded.created_ms, decided_ms = excluded.decided_ms,"
        " note = excluded.note, expected_false_day = excluded.expected_false_day,"
        " alarms = excluded.alarms, confirmed = excluded.confirmed, seq = excluded.seq",
        &q);
    if (e)
        return e;
    put_u64(&q, x->id.v);
    put_text(&q, x->code);
    put_text(&q, x->plate_text);
    put_i64(&q, x->plate_color);
    put_i64(&q, x->level);
    put_i64(&q, x->state);
    put_i64(&q, x->from_ms);
    put_i64(&q, x->to_ms);
    put_i64(&q, x->list_ms);
    put_text(&q, w->why[0] ? w->why : x->reason);
    put_text(&q, x->author);
    put_text(&q, x->approver);
    put_u64(&q, x->matter);
    put_text(&q, w->list);
    put_i64(&q, w->one_misread);
    put_i64(&q, w->author.v);
    put_i64(&q, w->approver.v);
    put_i64(&q, w->created_ms);
    put_i64(&q, w->decided_ms);
    put_text(&q, w->note);
    put_f64(&q, w->expected_false_day);
    put_i64(&q, w->alarms);
    put_i64(&q, w->confirmed);
    put_i64(&q, w->seq);
    return sql_run(&q);
}

static void
read_row(struct sql *q, struct watch_row *w)
{
    struct watch *x = &w->watch;
    *w = (struct watch_row){0};
    x->id.v = get_u64(q);
    GET_TEXT(q, x->code);
    GET_TEXT(q, x->plate_text);
    x->plate_color = get_u8(q);
    x->level = get_u8(q);
    x->state = get_u8(q);
    x->from_ms = get_i64(q);
    x->to_ms = get_i64(q);
    x->list_ms = get_i64(q);
    GET_TEXT(q, w->why);
    span_copy_fit(x->reason, sizeof x->reason, span_cstr(w->why));
    GET_TEXT(q, x->author);
    GET_TEXT(q, x->approver);
    x->matter = get_u64(q);
    GET_TEXT(q, w->list);
    w->one_misread = get_bool(q);
    w->author.v = get_u32(q);
    w->approver.v = get_u32(q);
    w->created_ms = get_i64(q);
    w->decided_ms = get_i64(q);
    GET_TEXT(q, w->note);
    w->expected_false_day = get_f64(q);
    w->alarms = get_u32(q);
    w->confirmed = get_u32(q);
    w->seq = get_u32(q);
    (void)plate_pattern_parse(span_cstr(x->plate_text), &x->pattern);
}

enum err
ledger_watch_propose(struct ledger *l, struct watch_row *w, struct note *note)
{
    enum err e = check_watch(w, note);
    if (e)
        return e;
    if (w->watch.to_ms - w->watch.from_ms > WATCH_MAX_MS)
        return note_fmt(
            note, ERR_INPUT, "to_ms", "a watch lasts at most %d days",
            "布控时长不得超过 %d 天", (int)(WATCH_MAX_MS / DAY_MS));
    struct watch_row row = *w;
    row.watch.id.v = ledger_id(l, ID_WATCH);
    row.watch.state = WATCH_PROPOSED;
    row.approver.v = 0;
    row.watch.approver[0] = 0;
    row.decided_ms = 0;
    row.seq = 1;
    e = write_row(l, &row);
    if (e == ERR_CONFLICT)
        return note_set(
            note, e, "code", "a watch with this number exists", "该编号的布控已存在");
    if (!e)
        *w = row;
    return e;
}

static bool
may_decide(uint8_t state, enum watch_decision what)
{
    return state == WATCH_PROPOSED ||
           (state == WATCH_APPROVED && what == WATCH_WITHDRAW);
}

static bool
same_person(const struct watch_row *w, const struct watch_decide *d)
{
    return (w->author.v && w->author.v == d->by.v) ||
           strcmp(w->watch.author, d->login) == 0;
}

static enum err
check_decision(
    const struct watch_row *w, const struct watch_decide *d, struct note *note)
{
    if (d->seq && d->seq != w->seq)
        return note_set(
            note, ERR_CONFLICT, "seq",
            "somebody changed this watch in the meantime: load it again",
            "该布控已被他人修改，请刷新后重试");
    if (!may_decide(w->watch.state, d->what))
        return note_set(
            note, ERR_GATE, "state", "this watch was decided already",
            "该布控已办理，不能重复操作");
    if (d->what != WATCH_WITHDRAW && same_person(w, d)) {
        (void)note_set(
            note, ERR_DENIED, "", "a second person must decide: not the author",
            "须由提出人以外的第二人审批");
        return note_code(note, ERR_DENIED, "same_person");
    }
    if (d->what != WATCH_APPROVE && span_trim(span_cstr(d->note)).n == 0)
        return note_set(note, ERR_INPUT, "note", "say why", "请填写理由");
    return OK;
}

enum err
ledger_watch_decide(
    struct ledger *l, const struct watch_decide *d, struct watch_row *out,
    struct note *note)
{
    static const uint8_t next[] = {
        [WATCH_APPROVE] = WATCH_APPROVED,
        [WATCH_REJECT] = WATCH_REJECTED,
        [WATCH_WITHDRAW] = WATCH_WITHDRAWN,
    };
    struct watch_row w;
    enum err e = ledger_watch_find(&l->r, d->id, &w);
    if (!e)
        e = check_decision(&w, d, note);
    if (e)
        return e;
    w.watch.state = next[d->what];
    if (d->what != WATCH_WITHDRAW) {
        w.approver = d->by;
        (void)span_copy(w.watch.approver, sizeof w.watch.approver, span_cstr(d->login));
    }
    w.decided_ms = d->at_ms;
    if (!span_copy(w.note, sizeof w.note, span_cstr(d->note)))
        return note_set(
            note, ERR_TOOBIG, "note", "the note is too long", "说明文字过长");
    w.seq++;
    e = write_row(l, &w);
    if (!e)
        *out = w;
    return e;
}

enum err
ledger_watch_find(struct ledger_reader *r, struct watch_id id, struct watch_row *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT " WATCH_COLUMNS " FROM watch WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, id.v);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    read_row(&q, out);
    sql_done(&q);
    return OK;
}

enum err
ledger_watches(
    struct ledger_reader *r, const struct watch_query *w, struct arena *a,
    struct watch_row **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    struct span like = w->text.n ? like_pattern(a, w->text) : (struct span){"%", 1};
    if (!like.p)
        return ERR_TOOBIG;
    enum err e = sql_use(
        r,
        "SELECT " WATCH_COLUMNS " FROM watch WHERE id < ? AND (? < 0 OR state = ?)"
        " AND (? = 0 OR (state = 1 AND from_ms <= ? AND to_ms > ?))"
        " AND (plate LIKE ? ESCAPE '\\' OR code LIKE ? ESCAPE '\\'"
        " OR reason LIKE ? ESCAPE '\\') ORDER BY id DESC LIMIT ?",
        &q);
    if (e)
        return e;
    put_i64(&q, w->before ? (int64_t)w->before : INT64_MAX);
    put_i64(&q, w->state);
    put_i64(&q, w->state);
    put_i64(&q, w->live_at_ms);
    put_i64(&q, w->live_at_ms);
    put_i64(&q, w->live_at_ms);
    put_span(&q, like);
    put_span(&q, like);
    put_span(&q, like);
    put_u64(&q, w->cap);
    while (!(e = sql_next(&q, &row)) && row) {
        struct watch_row *x = rows_add(&rows);
        if (!x) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        read_row(&q, x);
    }
    *out = (struct watch_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

/* A growing heap array of watches: a hundred thousand is normal. */
struct gather {
    struct watch *rows;
    size_t n, room;
};

static bool
gather_add(struct gather *g, const struct watch *w)
{
    if (g->n == g->room) {
        size_t room = g->room ? g->room * 2 : 256;
        struct watch *rows = realloc(g->rows, room * sizeof *rows);
        if (!rows)
            return false;
        g->rows = rows;
        g->room = room;
    }
    g->rows[g->n++] = *w;
    return true;
}

enum err
ledger_watch_set(
    struct ledger_reader *r, ts_ms since, uint64_t version, struct watch_set **out)
{
    struct sql q;
    bool row;
    struct gather g = {0};
    struct watch_row w;
    enum err e = sql_use(
        r,
        "SELECT " WATCH_COLUMNS " FROM watch WHERE state = 1 AND to_ms > ? ORDER BY id",
        &q);
    if (e)
        return e;
    put_i64(&q, since);
    while (!(e = sql_next(&q, &row)) && row) {
        read_row(&q, &w);
        if (!gather_add(&g, &w.watch)) {
            sql_done(&q);
            e = ERR_NOMEM;
            break;
        }
    }
    if (!e) {
        struct watch_set *set = watch_set_new(g.rows, g.n, version);
        e = set ? OK : ERR_NOMEM;
        if (set)
            *out = set;
    }
    free(g.rows);
    return e;
}

static bool
among(const uint64_t *ids, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

enum err
ledger_watch_set_with(
    struct ledger_reader *r, const struct watch_set *old, const uint64_t *ids, size_t n,
    uint64_t version, struct watch_set **out)
{
    struct gather g = {0};
    struct watch_row w;
    enum err e = OK;
    for (size_t i = 0; !e && i < watch_set_count(old); i++) {
        const struct watch *x = watch_set_at(old, i);
        if (!among(ids, n, x->id.v) && !gather_add(&g, x))
            e = ERR_NOMEM;
    }
    for (size_t i = 0; !e && i < n; i++) {
        if (among(ids, i, ids[i])) /* twice in the list */
            continue;
        e = ledger_watch_find(r, (struct watch_id){ids[i]}, &w);
        if (e == ERR_NOTFOUND)
            e = OK;
        else if (!e && w.watch.state == WATCH_APPROVED && !gather_add(&g, &w.watch))
            e = ERR_NOMEM;
    }
    struct watch_set *set = e ? NULL : watch_set_new(g.rows, g.n, version);
    free(g.rows);
    if (set)
        *out = set;
    return e ? e : set ? OK : ERR_NOMEM;
}

/* ---- import ---- */

static enum err
id_of_code(struct ledger_reader *r, const char *code, uint64_t *id, uint32_t *seq)
{
    struct sql q;
    bool row = false;
    *id = 0;
    *seq = 0;
    if (!code[0])
        return OK;
    enum err e =
        sql_use(r, "SELECT id, seq FROM watch WHERE code = ? AND code <> ''", &q);
    if (e)
        return e;
    put_text(&q, code);
    e = sql_next(&q, &row);
    if (row) {
        *id = get_u64(&q);
        *seq = get_u32(&q);
        sql_done(&q);
    }
    return e;
}

static enum err
check_import(struct watch_row *w, struct note *note)
{
    enum err e = check_watch(w, note);
    if (e)
        return e;
    bool two = w->author.v || w->approver.v
                   ? w->author.v && w->approver.v && w->author.v != w->approver.v
                   : w->watch.author[0] && w->watch.approver[0] &&
                         strcmp(w->watch.author, w->watch.approver) != 0;
    if (two)
        return OK;
    (void)note_set(
        note, ERR_DENIED, "approver", "author and approver must be two persons",
        "提出人与审批人须为两人");
    return note_code(note, ERR_DENIED, "same_person");
}

enum err
ledger_watch_import(
    struct ledger *l, struct watch_row *rows, size_t n, struct watch_import *out,
    struct note *note)
{
    for (size_t i = 0; i < n; i++) {
        struct watch_row *w = &rows[i];
        enum err e = check_import(w, note);
        if (e == ERR_DENIED)
            return e;
        if (e) {
            out->refused++;
            continue;
        }
        uint64_t id;
        uint32_t seq;
        if ((e = id_of_code(&l->r, w->watch.code, &id, &seq)))
            return e;
        w->watch.id.v = id ? id : ledger_id(l, ID_WATCH);
        w->watch.state = WATCH_APPROVED;
        w->seq = seq + 1;
        if ((e = write_row(l, w)))
            return e;
        if (id)
            out->replaced++;
        else
            out->added++;
    }
    return OK;
}
