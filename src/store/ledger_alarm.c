/* SPDX-License-Identifier: Apache-2.0 */
/* alarm   one row an id, holding the newest bytes; alarm_revision   every version of
 * the bytes.
 *
 * The writing is idempotent: start-up runs rules again from `rules_applied_lsn`, and
 * what comes out a second time byte for byte changes nothing. */
#include "store/ledger_alarm.h"

#include "core/cur.h"
#include "store/ledger_sql.h"

#include <stdlib.h>

#define ALARM_COLUMNS                                                                  \
    "raised_ms, changed_ms, revision, matter, open, passes, outcome, truth, picture,"  \
    " body"

/* ---- writing ---- */

struct known {
    bool found, same;
    uint32_t revision;
    ts_ms raised_ms;
    uint64_t matter;
    bool open;
};

static enum err
look_up(
    struct ledger_reader *r, struct alarm_id id, struct span bytes, struct known *out)
{
    struct sql q;
    bool row = false;
    *out = (struct known){0};
    enum err e = sql_use(
        r, "SELECT revision, raised_ms, matter, open, body FROM alarm WHERE id = ?",
        &q);
    if (e)
        return e;
    put_u64(&q, id.v);
    e = sql_next(&q, &row);
    if (!row)
        return e;
    out->found = true;
    out->revision = get_u32(&q);
    out->raised_ms = get_i64(&q);
    out->matter = get_u64(&q);
    out->open = get_bool(&q);
    out->same = span_eq(get_borrowed(&q), bytes);
    sql_done(&q);
    return OK;
}

static enum err
list_of(struct ledger_reader *r, uint64_t watch, char list[24])
{
    struct sql q;
    bool row = false;
    list[0] = 0;
    if (!watch)
        return OK;
    enum err e = sql_use(r, "SELECT list FROM watch WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, watch);
    e = sql_next(&q, &row);
    if (row) {
        get_text(&q, list, 24);
        sql_done(&q);
    }
    return e;
}

static enum err
count_watch(struct ledger *l, uint64_t watch, int alarms, int confirmed)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "UPDATE watch SET alarms = alarms + ?, confirmed = confirmed + ? WHERE id = ?",
        &q);
    if (e)
        return e;
    put_i64(&q, alarms);
    put_i64(&q, confirmed);
    put_u64(&q, watch);
    return sql_run(&q);
}

static enum err
write_alarm(
    struct ledger *l, const struct alarm *x, struct span picture, struct span bytes,
    ts_ms at, const struct known *k)
{
    struct sql q;
    char list[24];
    enum err e = list_of(&l->r, x->watch, list);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO alarm (id, rule, state, level, plate, site, pass_ms, "
            "raised_ms,"
            " changed_ms, revision, matter, open, passes, outcome, truth, list, watch,"
            " picture, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', -1, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state,"
            " level = excluded.level, plate = excluded.plate, site = excluded.site,"
            " pass_ms = excluded.pass_ms, changed_ms = excluded.changed_ms,"
            " revision = excluded.revision, open = excluded.open,"
            " passes = excluded.passes, list = excluded.list, watch = excluded.watch,"
            " picture = CASE WHEN excluded.picture = '' THEN alarm.picture"
            " ELSE excluded.picture END, body = excluded.body",
            &q);
    if (e)
        return e;
    put_u64(&q, x->id.v);
    put_text(&q, x->rule);
    put_i64(&q, x->state);
    put_i64(&q, x->level);
    put_u64(&q, x->plate.v);
    put_i64(&q, x->site.v);
    put_i64(&q, x->pass_ms);
    put_i64(&q, k->found ? k->raised_ms : at);
    put_i64(&q, at);
    put_i64(&q, k->revision + 1);
    put_u64(&q, k->matter);
    /* Open as long as its matter is; what opened none is evidence, not work. */
    put_i64(&q, k->matter && k->open);
    put_i64(&q, x->evidence_n ? x->evidence_n : 1);
    put_text(&q, list);
    put_u64(&q, x->watch);
    put_span(&q, picture);
    put_blob(&q, bytes.p, bytes.n);
    e = sql_run(&q);
    if (!e && !k->found && x->watch)
        e = count_watch(l, x->watch, 1, 0);
    return e;
}

static enum err
write_revision(
    struct ledger *l, const struct alarm *x, struct span bytes, ts_ms at,
    uint32_t revision)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO alarm_revision (alarm, revision, state, at_ms, body)"
        " VALUES (?, ?, ?, ?, ?)",
        &q);
    if (e)
        return e;
    put_u64(&q, x->id.v);
    put_i64(&q, revision);
    put_i64(&q, x->state);
    put_i64(&q, at);
    put_blob(&q, bytes.p, bytes.n);
    return sql_run(&q);
}

enum err
ledger_alarm_put(
    struct ledger *l, const struct alarm *alarm, struct span picture, ts_ms at,
    enum alarm_write *what, uint64_t *journal)
{
    struct known k;
    struct buf b = {0};
    alarm_encode(&b, alarm);
    struct span bytes = span_of(b.p, b.n);
    enum err e = b.bad ? ERR_NOMEM : look_up(&l->r, alarm->id, bytes, &k);
    if (!e && k.found && k.same) {
        *what = ALARM_SAME;
        *journal = 0;
        buf_release(&b);
        return OK;
    }
    if (!e)
        e = write_alarm(l, alarm, picture, bytes, at, &k);
    if (!e)
        e = write_revision(l, alarm, bytes, at, k.revision + 1);
    if (!e) {
        struct ledger_entry entry = {
            .topic = TOPIC_ALARM,
            .kind = alarm->state,
            .seq = k.revision + 1,
            .object = alarm->id.v,
            .at_ms = at,
        };
        e = ledger_note(l, &entry, journal);
    }
    if (!e)
        *what = k.found ? ALARM_CHANGED : ALARM_NEW;
    buf_release(&b);
    return e;
}

enum err
ledger_alarm_link(struct ledger *l, struct alarm_id alarm, uint64_t matter)
{
    struct known k;
    struct sql q;
    enum err e = look_up(&l->r, alarm, (struct span){NULL, 0}, &k);
    if (e || !k.found)
        return e ? e : ERR_NOTFOUND;
    if (k.matter)
        return k.matter == matter ? OK : ERR_CONFLICT;
    e = sql_use(&l->r, "UPDATE alarm SET matter = ?, open = 1 WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, matter);
    put_u64(&q, alarm.v);
    return sql_run(&q); /* ERR_CONFLICT: the matter has another alarm */
}

/* ---- closing and what is learned from it ---- */

struct closing {
    char rule[24], list[24];
    struct site_id site;
    uint64_t watch;
    int truth; /* before */
};

static enum err
read_closing(struct ledger_reader *r, struct alarm_id id, struct closing *out)
{
    struct sql q;
    bool row = false;
    enum err e =
        sql_use(r, "SELECT rule, list, site, watch, truth FROM alarm WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, id.v);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    GET_TEXT(&q, out->rule);
    GET_TEXT(&q, out->list);
    out->site.v = get_u32(&q);
    out->watch = get_u64(&q);
    out->truth = (int)get_i64(&q);
    sql_done(&q);
    return OK;
}

static enum err
count_outcome(struct ledger *l, const struct closing *c, int good, int bad)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO outcome (rule, site, list, good, bad) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (rule, site, list) DO UPDATE SET"
        " good = outcome.good + excluded.good, bad = outcome.bad + excluded.bad",
        &q);
    if (e)
        return e;
    put_text(&q, c->rule);
    put_i64(&q, c->site.v);
    put_text(&q, c->list);
    put_i64(&q, good);
    put_i64(&q, bad);
    e = sql_run(&q);
    return e || !c->watch || !good ? e : count_watch(l, c->watch, 0, good);
}

enum err
ledger_alarm_close(
    struct ledger *l, struct alarm_id alarm, bool open, const char *outcome, int truth,
    ts_ms at)
{
    struct closing c = {0};
    struct sql q;
    enum err e = read_closing(&l->r, alarm, &c);
    if (open)
        truth = -1;
    if (!e)
        e = sql_use(
            &l->r,
            "UPDATE alarm SET open = ?, outcome = ?, truth = ?, changed_ms = ?"
            " WHERE id = ?",
            &q);
    if (e)
        return e;
    put_i64(&q, open);
    put_text(&q, open ? "" : outcome);
    put_i64(&q, truth);
    put_i64(&q, at);
    put_u64(&q, alarm.v);
    e = sql_run(&q);
    int good = (truth == 1) - (c.truth == 1), bad = (truth == 0) - (c.truth == 0);
    return e || (!good && !bad) ? e : count_outcome(l, &c, good, bad);
}

/* ---- reading ---- */

static enum err
read_row(struct sql *q, struct alarm_row *x)
{
    x->raised_ms = get_i64(q);
    x->changed_ms = get_i64(q);
    x->revision = get_u32(q);
    x->matter = get_u64(q);
    x->open = get_bool(q);
    x->passes = get_u32(q);
    GET_TEXT(q, x->outcome);
    x->truth = (int8_t)get_i64(q);
    GET_TEXT(q, x->picture);
    return alarm_decode(get_borrowed(q), &x->alarm);
}

enum err
ledger_alarm_find(struct ledger_reader *r, struct alarm_id id, struct alarm_row *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT " ALARM_COLUMNS " FROM alarm WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, id.v);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    e = read_row(&q, out);
    sql_done(&q);
    return e;
}

static enum err
gather_rows(struct sql *q, struct arena *a, struct alarm_row **out, size_t *n)
{
    bool row = false;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e;
    while (!(e = sql_next(q, &row)) && row) {
        struct alarm_row *x = rows_add(&rows);
        e = x ? read_row(q, x) : ERR_TOOBIG;
        if (e) {
            sql_done(q);
            return e;
        }
    }
    *out = (struct alarm_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

#define ALARM_FILTER                                                                   \
    " AND (? = '' OR rule = ?) AND (? = 0 OR site = ?) AND (? = 0 OR plate = ?)"       \
    " AND pass_ms >= ? AND (? = 0 OR pass_ms < ?)"                                     \
    " ORDER BY raised_ms DESC, id DESC LIMIT ?"
#define ALARM_PAGE " (raised_ms < ? OR (raised_ms = ? AND id < ?))"

static const char *
list_text(const struct alarm_query *w)
{
    switch (w->list) {
    case ALARMS_OPEN:
        return "SELECT " ALARM_COLUMNS
               " FROM alarm WHERE open = 1 AND" ALARM_PAGE ALARM_FILTER;
    case ALARMS_CLOSED:
        return "SELECT " ALARM_COLUMNS
               " FROM alarm WHERE open = 0 AND matter <> 0 AND" ALARM_PAGE ALARM_FILTER;
    case ALARMS_WITHDRAWN:
        return "SELECT " ALARM_COLUMNS
               " FROM alarm WHERE state = 2 AND" ALARM_PAGE ALARM_FILTER;
    default:
        return "SELECT " ALARM_COLUMNS " FROM alarm WHERE" ALARM_PAGE ALARM_FILTER;
    }
}

enum err
ledger_alarms(
    struct ledger_reader *r, const struct alarm_query *w, struct arena *a,
    struct alarm_row **out, size_t *n)
{
    struct sql q;
    enum err e = sql_use(r, list_text(w), &q);
    if (e)
        return e;
    ts_ms before = w->before_raised_ms ? w->before_raised_ms : INT64_MAX;
    put_i64(&q, before);
    put_i64(&q, before);
    put_i64(&q, (int64_t)w->before_id);
    put_span(&q, w->rule);
    put_span(&q, w->rule);
    put_i64(&q, w->site.v);
    put_i64(&q, w->site.v);
    put_u64(&q, w->plate.v);
    put_u64(&q, w->plate.v);
    put_i64(&q, w->from_ms);
    put_i64(&q, w->to_ms);
    put_i64(&q, w->to_ms);
    put_u64(&q, w->cap);
    return gather_rows(&q, a, out, n);
}

enum err
ledger_alarms_unlinked(
    struct ledger_reader *r, size_t cap, struct arena *a, struct alarm_row **out,
    size_t *n)
{
    struct sql q;
    enum err e = sql_use(
        r,
        "SELECT " ALARM_COLUMNS " FROM alarm WHERE matter = 0 AND state <> 2"
        " ORDER BY raised_ms, id LIMIT ?",
        &q);
    if (e)
        return e;
    put_u64(&q, cap);
    return gather_rows(&q, a, out, n);
}

static enum err
read_evidence(struct sql *q, struct alarm_evidence *x)
{
    struct alarm *alarm = malloc(sizeof *alarm);
    if (!alarm)
        return ERR_NOMEM;
    GET_TEXT(q, x->matter);
    enum err e = alarm_decode(get_borrowed(q), alarm);
    for (uint8_t i = 0; e == OK && i < alarm->evidence_n; i++)
        x->ids[x->n++] = alarm->evidence[i].id;
    free(alarm);
    return e;
}

enum err
ledger_alarm_evidence(
    struct ledger_reader *r, ts_ms from, ts_ms to, struct arena *a,
    struct alarm_evidence **out, size_t *n)
{
    struct sql q;
    bool row = false;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(
        r,
        "SELECT matter.number, alarm.body FROM alarm"
        " JOIN matter ON matter.id = alarm.matter"
        " WHERE alarm.matter <> 0 AND alarm.pass_ms >= ? AND alarm.pass_ms < ?"
        " AND NOT (alarm.open = 0 AND alarm.truth = 0)"
        " ORDER BY alarm.matter, alarm.id",
        &q);
    if (e)
        return e;
    put_i64(&q, from);
    put_i64(&q, to);
    while (!(e = sql_next(&q, &row)) && row) {
        struct alarm_evidence *x = rows_add(&rows);
        e = x ? read_evidence(&q, x) : ERR_TOOBIG;
        if (e) {
            sql_done(&q);
            return e;
        }
    }
    *out = (struct alarm_evidence *)(void *)rows.p;
    *n = rows.n;
    return e;
}

enum err
ledger_alarm_revisions(
    struct ledger_reader *r, struct alarm_id id, struct arena *a,
    struct alarm_revision **out, size_t *n)
{
    struct sql q;
    bool row = false;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(
        r,
        "SELECT revision, state, at_ms, body FROM alarm_revision WHERE alarm = ?"
        " ORDER BY revision",
        &q);
    if (e)
        return e;
    put_u64(&q, id.v);
    while (!(e = sql_next(&q, &row)) && row) {
        struct alarm_revision *x = rows_add(&rows);
        if (x) {
            x->revision = get_u32(&q);
            x->state = get_u8(&q);
            x->at_ms = get_i64(&q);
            e = alarm_decode(get_borrowed(&q), &x->alarm);
        }
        if (!x || e) {
            sql_done(&q);
            return x ? e : ERR_TOOBIG;
        }
    }
    *out = (struct alarm_revision *)(void *)rows.p;
    *n = rows.n;
    return e;
}

/* ---- precision ---- */

enum err
ledger_outcomes(
    struct ledger_reader *r, struct span rule, struct site_id site, struct span list,
    struct outcome_stat *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(
        r,
        "SELECT sum(good), sum(bad) FROM outcome WHERE (? = '' OR rule = ?)"
        " AND (? = 0 OR site = ?) AND (? = '' OR list = ?)",
        &q);
    if (e)
        return e;
    put_span(&q, rule);
    put_span(&q, rule);
    put_i64(&q, site.v);
    put_i64(&q, site.v);
    put_span(&q, list);
    put_span(&q, list);
    e = sql_next(&q, &row);
    if (e)
        return e;
    *out = (struct outcome_stat){.site = site};
    (void)span_copy(out->rule, sizeof out->rule, rule);
    (void)span_copy(out->list, sizeof out->list, list);
    out->good = get_u32(&q);
    out->bad = get_u32(&q);
    sql_done(&q);
    return OK;
}

enum err
ledger_outcome_rows(
    struct ledger_reader *r, struct arena *a, struct outcome_stat **out, size_t *n)
{
    struct sql q;
    bool row = false;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(
        r, "SELECT rule, site, list, good, bad FROM outcome ORDER BY rule, site, list",
        &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct outcome_stat *x = rows_add(&rows);
        if (!x) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        GET_TEXT(&q, x->rule);
        x->site.v = get_u32(&q);
        GET_TEXT(&q, x->list);
        x->good = get_u32(&q);
        x->bad = get_u32(&q);
    }
    *out = (struct outcome_stat *)(void *)rows.p;
    *n = rows.n;
    return e;
}

/* ---- rules ---- */

enum err
ledger_rules_mark(struct ledger *l, uint32_t shard, uint64_t lsn)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO rules_mark (shard, lsn) VALUES (?, ?)"
        " ON CONFLICT (shard) DO UPDATE SET lsn = excluded.lsn",
        &q);
    if (e)
        return e;
    put_i64(&q, shard);
    put_u64(&q, lsn);
    return sql_run(&q);
}

enum err
ledger_rules_applied(struct ledger_reader *r, uint32_t shard, uint64_t *lsn)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT lsn FROM rules_mark WHERE shard = ?", &q);
    if (e)
        return e;
    put_i64(&q, shard);
    e = sql_next(&q, &row);
    if (e)
        return e;
    *lsn = row ? get_u64(&q) : 0;
    if (row)
        sql_done(&q);
    return OK;
}

enum err
ledger_rules_checkpoint_put(
    struct ledger *l, uint32_t shard, uint64_t lsn, ts_ms at, struct span state)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO rules_checkpoint (shard, lsn, at_ms, state) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (shard) DO UPDATE SET lsn = excluded.lsn,"
        " at_ms = excluded.at_ms, state = excluded.state",
        &q);
    if (e)
        return e;
    put_i64(&q, shard);
    put_u64(&q, lsn);
    put_i64(&q, at);
    put_blob(&q, state.p, state.n);
    return sql_run(&q);
}

enum err
ledger_rules_checkpoint(
    struct ledger_reader *r, uint32_t shard, struct arena *a, uint64_t *lsn,
    struct span *state)
{
    struct sql q;
    bool row = false;
    enum err e =
        sql_use(r, "SELECT lsn, state FROM rules_checkpoint WHERE shard = ?", &q);
    if (e)
        return e;
    put_i64(&q, shard);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    uint64_t at = get_u64(&q);
    struct span bytes = get_span(&q, a);
    sql_done(&q);
    if (!q.e) {
        *lsn = at;
        *state = bytes;
    }
    return q.e;
}

enum err
ledger_model_put(struct ledger *l, const struct model_row *m)
{
    struct sql q;
    enum err e = sql_use(
        &l->r, "INSERT INTO model (number, day, made_ms, bytes) VALUES (?, ?, ?, ?)",
        &q);
    if (e)
        return e;
    put_i64(&q, m->number);
    put_i64(&q, m->day);
    put_i64(&q, m->made_ms);
    put_blob(&q, m->bytes.p, m->bytes.n);
    return sql_run(&q);
}

static enum err
one_model(struct sql *q, struct arena *a, struct model_row *out)
{
    bool row = false;
    enum err e = sql_next(q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    struct model_row m = {0};
    m.number = get_u32(q);
    m.day = (int32_t)get_i64(q);
    m.made_ms = get_i64(q);
    m.bytes = get_span(q, a);
    sql_done(q);
    if (!q->e)
        *out = m;
    return q->e;
}

enum err
ledger_model_on(
    struct ledger_reader *r, int32_t day, struct arena *a, struct model_row *out)
{
    struct sql q;
    enum err e = sql_use(
        r,
        "SELECT number, day, made_ms, bytes FROM model WHERE day <= ?"
        " ORDER BY day DESC, number DESC LIMIT 1",
        &q);
    if (e)
        return e;
    put_i64(&q, day);
    return one_model(&q, a, out);
}

enum err
ledger_model_newest(struct ledger_reader *r, struct arena *a, struct model_row *out)
{
    struct sql q;
    enum err e = sql_use(
        r,
        "SELECT number, day, made_ms, bytes FROM model"
        " ORDER BY day DESC, number DESC LIMIT 1",
        &q);
    return e ? e : one_model(&q, a, out);
}

enum err
ledger_model_last(struct ledger_reader *r, uint32_t *number)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT coalesce(max(number), 0) FROM model", &q);
    if (!e)
        e = sql_next(&q, &row);
    if (e)
        return e;
    must(row);
    uint32_t last = get_u32(&q);
    sql_done(&q);
    if (!q.e)
        *number = last;
    return q.e;
}
