/* SPDX-License-Identifier: Apache-2.0 */
/* A change is checked against the newest seq first, so that of two movers who read the
 * same state one is told to load again; then events, row and timers are written in that
 * order. */
#include "store/ledger_matter.h"

#include "store/ledger_sql.h"

#define MATTER_COLUMNS                                                                 \
    "id, number, kind, definition, state, open, drill, level, seq, org, owner_user,"   \
    " owner_unit, owner_org, opened_by, alarm, parent, opened_ms, closed_ms,"          \
    " state_since_ms, due_ms, clock, title, place, lon, lat, outcome"

/* ---- writing ---- */

static enum err
newest_seq(struct ledger_reader *r, uint64_t id, uint32_t *seq)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT seq FROM matter WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, id);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    *seq = get_u32(&q);
    sql_done(&q);
    return OK;
}

static enum err
write_events(
    struct ledger *l, const struct matter_change *c, uint64_t id, uint64_t *journal)
{
    for (size_t i = 0; i < c->events_n; i++) {
        const struct matter_entry *x = &c->events[i];
        struct ledger_entry entry = {
            .topic = TOPIC_MATTER,
            .kind = x->kind,
            .seq = c->expect_seq + (uint32_t)i + 1,
            .object = id,
            .actor = x->actor.v,
            .at_ms = x->at_ms,
            .payload = x->payload,
        };
        memcpy(entry.name, x->name, sizeof entry.name);
        enum err e = ledger_note(l, &entry, journal);
        if (e)
            return e;
    }
    return OK;
}

static enum err
write_row(
    struct ledger *l, const struct matter_row *m, uint64_t id, uint32_t seq,
    struct span body)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO matter (" MATTER_COLUMNS ", body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET number = excluded.number,"
        " kind = excluded.kind, definition = excluded.definition,"
        " state = excluded.state, open = excluded.open, drill = excluded.drill,"
        " level = excluded.level, seq = excluded.seq, org = excluded.org,"
        " owner_user = excluded.owner_user, owner_unit = excluded.owner_unit,"
        " owner_org = excluded.owner_org, opened_by = excluded.opened_by,"
        " alarm = excluded.alarm, parent = excluded.parent,"
        " opened_ms = excluded.opened_ms, closed_ms = excluded.closed_ms,"
        " state_since_ms = excluded.state_since_ms, due_ms = excluded.due_ms,"
        " clock = excluded.clock, title = excluded.title, place = excluded.place,"
        " lon = excluded.lon, lat = excluded.lat, outcome = excluded.outcome,"
        " body = excluded.body",
        &q);
    if (e)
        return e;
    put_u64(&q, id);
    put_text(&q, m->number);
    put_text(&q, m->kind);
    put_blob(&q, m->definition, sizeof m->definition);
    put_text(&q, m->state);
    put_i64(&q, m->open);
    put_i64(&q, m->drill);
    put_i64(&q, m->level);
    put_i64(&q, seq);
    put_i64(&q, m->org.v);
    put_i64(&q, m->owner_user.v);
    put_i64(&q, m->owner_unit.v);
    put_i64(&q, m->owner_org.v);
    put_i64(&q, m->opened_by.v);
    put_u64(&q, m->alarm.v);
    put_u64(&q, m->parent);
    put_i64(&q, m->opened_ms);
    put_i64(&q, m->closed_ms);
    put_i64(&q, m->state_since_ms);
    put_i64(&q, m->due_ms);
    put_text(&q, m->clock);
    put_text(&q, m->title);
    put_text(&q, m->place);
    put_i64(&q, m->lon);
    put_i64(&q, m->lat);
    put_text(&q, m->outcome);
    put_blob(&q, body.p, body.n);
    return sql_run(&q);
}

static enum err
write_timers(struct ledger *l, const struct matter_change *c, uint64_t id)
{
    struct sql q;
    enum err e = OK;
    if (c->expect_seq) {
        e = sql_use(&l->r, "DELETE FROM timer WHERE matter = ?", &q);
        if (e)
            return e;
        put_u64(&q, id);
        e = sql_run(&q);
    }
    for (size_t i = 0; i < c->due_n && !e; i++) {
        e = sql_use(
            &l->r, "INSERT INTO timer (matter, clock, at_ms) VALUES (?, ?, ?)", &q);
        if (e)
            return e;
        put_u64(&q, id);
        put_text(&q, c->due[i].clock);
        put_i64(&q, c->due[i].at_ms);
        e = sql_run(&q);
    }
    return e;
}

enum err
ledger_matter_put(struct ledger *l, const struct matter_change *c, uint64_t *journal)
{
    struct matter_row *m = c->m;
    uint32_t seq = 0;
    uint64_t id = m->id;
    must(c->events_n > 0);
    enum err e = OK;
    if (c->expect_seq) {
        e = newest_seq(&l->r, id, &seq);
        if (!e && seq != c->expect_seq)
            e = ERR_CONFLICT;
    } else if (id && id <= l->last[ID_MATTER]) {
        /* The number was drawn beforehand (ledger_matter_id); a row must not be there.
         */
        e = newest_seq(&l->r, id, &seq);
        e = e == ERR_NOTFOUND ? OK : e ? e : ERR_CONFLICT;
    } else if (id) {
        e = ERR_NOTFOUND;
    } else {
        id = ledger_id(l, ID_MATTER);
    }
    if (e)
        return e;
    seq = c->expect_seq + (uint32_t)c->events_n;
    e = write_events(l, c, id, journal);
    if (!e)
        e = write_row(l, m, id, seq, c->body);
    if (!e)
        e = write_timers(l, c, id);
    if (!e) {
        m->id = id;
        m->seq = seq;
    }
    return e;
}

uint64_t
ledger_matter_id(struct ledger *l)
{
    return ledger_id(l, ID_MATTER);
}

/* ---- reading ---- */

static void
read_row(struct sql *q, struct matter_row *m)
{
    m->id = get_u64(q);
    GET_TEXT(q, m->number);
    GET_TEXT(q, m->kind);
    get_bytes(q, m->definition, sizeof m->definition);
    GET_TEXT(q, m->state);
    m->open = get_bool(q);
    m->drill = get_bool(q);
    m->level = get_u8(q);
    m->seq = get_u32(q);
    m->org.v = get_u32(q);
    m->owner_user.v = get_u32(q);
    m->owner_unit.v = get_u32(q);
    m->owner_org.v = get_u32(q);
    m->opened_by.v = get_u32(q);
    m->alarm.v = get_u64(q);
    m->parent = get_u64(q);
    m->opened_ms = get_i64(q);
    m->closed_ms = get_i64(q);
    m->state_since_ms = get_i64(q);
    m->due_ms = get_i64(q);
    GET_TEXT(q, m->clock);
    GET_TEXT(q, m->title);
    GET_TEXT(q, m->place);
    m->lon = (int32_t)get_i64(q);
    m->lat = (int32_t)get_i64(q);
    GET_TEXT(q, m->outcome);
}

static enum err
one_row(struct sql *q, struct matter_row *out)
{
    bool row = false;
    enum err e = sql_next(q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    read_row(q, out);
    sql_done(q);
    return OK;
}

enum err
ledger_matter_find(struct ledger_reader *r, uint64_t id, struct matter_row *out)
{
    struct sql q;
    enum err e = sql_use(r, "SELECT " MATTER_COLUMNS " FROM matter WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, id);
    return one_row(&q, out);
}

enum err
ledger_matter_by_number(
    struct ledger_reader *r, struct span number, struct matter_row *out)
{
    struct sql q;
    enum err e =
        sql_use(r, "SELECT " MATTER_COLUMNS " FROM matter WHERE number = ?", &q);
    if (e)
        return e;
    put_span(&q, number);
    return one_row(&q, out);
}

enum err
ledger_matter_body(
    struct ledger_reader *r, uint64_t id, struct arena *a, struct span *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT body FROM matter WHERE id = ?", &q);
    if (e)
        return e;
    put_u64(&q, id);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    struct span body = get_span(&q, a);
    sql_done(&q);
    if (!q.e)
        *out = body;
    return q.e;
}

enum err
ledger_matter_events(
    struct ledger_reader *r, uint64_t id, uint32_t after, struct arena *a,
    struct ledger_entry **out, size_t *n)
{
    return ledger_journal_of(r, TOPIC_MATTER, id, after, a, out, n);
}

static bool
in_orgs(const struct matter_query *w, uint32_t org)
{
    if (w->orgs_n == 0)
        return true;
    for (size_t i = 0; i < w->orgs_n; i++)
        if (w->orgs[i].v == org)
            return true;
    return false;
}

/* A bound of the walk from the newest down: without it a list of the last minutes reads
 * the matters of all years. The sign in min(+id) has it found by matter_opened; plain
 * min(id) would walk up from the oldest. */
#define MATTER_SINCE                                                                   \
    " AND id >= CASE WHEN ? = 0 THEN 0 ELSE"                                           \
    " (SELECT min(+id) FROM matter WHERE opened_ms >= ?) END"
#define MATTER_FILTER                                                                  \
    " AND (? = '' OR kind = ?) AND opened_ms >= ?"                                     \
    " AND (number LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\')"                     \
    " AND ((? = 0 AND ? = 0) OR (? <> 0 AND owner_user = ?)"                           \
    " OR (? <> 0 AND owner_unit = ?)) AND (? = 0 OR parent = ?)"                       \
    " ORDER BY id DESC"

/* Three texts, so that each list has a plan of its own (an open matter is found by its
 * small index). */
static const char *
list_text(const struct matter_query *w)
{
    switch (w->list) {
    case MATTERS_OPEN:
        return "SELECT " MATTER_COLUMNS
               " FROM matter WHERE open = 1 AND id < ?" MATTER_FILTER;
    case MATTERS_CLOSED:
        return "SELECT " MATTER_COLUMNS
               " FROM matter WHERE open = 0 AND id < ?" MATTER_SINCE MATTER_FILTER;
    default:
        return "SELECT " MATTER_COLUMNS
               " FROM matter WHERE id < ?" MATTER_SINCE MATTER_FILTER;
    }
}

enum err
ledger_matters(
    struct ledger_reader *r, const struct matter_query *w, struct arena *a,
    struct matter_row **out, size_t *n)
{
    struct sql q;
    bool row = false;
    struct matter_row m;
    struct rows rows = {.a = a, .size = sizeof **out};
    struct span like = w->text.n ? like_pattern(a, w->text) : (struct span){"%", 1};
    if (!like.p)
        return ERR_TOOBIG;
    enum err e = sql_use(r, list_text(w), &q);
    if (e)
        return e;
    put_i64(&q, w->before ? (int64_t)w->before : INT64_MAX);
    if (w->list != MATTERS_OPEN) {
        put_i64(&q, w->since_ms);
        put_i64(&q, w->since_ms);
    }
    put_span(&q, w->kind);
    put_span(&q, w->kind);
    put_i64(&q, w->since_ms);
    put_span(&q, like);
    put_span(&q, like);
    put_i64(&q, w->user.v);
    put_i64(&q, w->unit.v);
    put_i64(&q, w->user.v);
    put_i64(&q, w->user.v);
    put_i64(&q, w->unit.v);
    put_i64(&q, w->unit.v);
    put_u64(&q, w->parent);
    put_u64(&q, w->parent);
    while (rows.n < w->cap && !(e = sql_next(&q, &row)) && row) {
        read_row(&q, &m);
        if (!in_orgs(w, m.org.v))
            continue;
        struct matter_row *x = rows_add(&rows);
        if (!x) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        *x = m;
    }
    sql_done(&q);
    *out = (struct matter_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

/* Three lists of one shape: what is open by its small index, what was closed by when it
 * was opened, what is older by when it was closed; +alarm, lest the index of all alarms'
 * matters be walked. */
#define WORKED_COLUMNS                                                                 \
    "SELECT id, number, kind, state, place, open, org, opened_ms,"                     \
    " (SELECT a.site FROM alarm a WHERE a.id = matter.alarm),"                         \
    " (SELECT j.at_ms FROM journal j WHERE j.topic = ? AND j.object = matter.id"       \
    " AND j.seq > 1 AND j.actor <> 0 ORDER BY j.seq LIMIT 1) FROM matter"

static void
read_worked(struct sql *q, struct worked_row *w)
{
    w->id = get_u64(q);
    GET_TEXT(q, w->number);
    GET_TEXT(q, w->kind);
    GET_TEXT(q, w->state);
    GET_TEXT(q, w->place);
    w->open = get_bool(q);
    w->org.v = get_u32(q);
    w->opened_ms = get_i64(q);
    w->site.v = get_u32(q);
    w->worked_ms = get_i64(q); /* NULL: nobody yet, 0 */
}

enum err
ledger_worked(
    struct ledger_reader *r, ts_ms since, struct arena *a, struct worked_row **out,
    size_t *n)
{
    struct sql q;
    bool row = false;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(
        r,
        WORKED_COLUMNS " WHERE open = 1 AND +alarm <> 0 UNION ALL " WORKED_COLUMNS
                       " WHERE open = 0 AND +alarm <> 0 AND opened_ms >= ?"
                       " UNION ALL " WORKED_COLUMNS
                       " WHERE open = 0 AND +alarm <> 0 AND +opened_ms < ?"
                       " AND closed_ms >= ?",
        &q);
    if (e)
        return e;
    put_i64(&q, TOPIC_MATTER);
    put_i64(&q, TOPIC_MATTER);
    put_i64(&q, since);
    put_i64(&q, TOPIC_MATTER);
    put_i64(&q, since);
    put_i64(&q, since);
    while (!(e = sql_next(&q, &row)) && row) {
        struct worked_row *x = rows_add(&rows);
        if (!x) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        read_worked(&q, x);
    }
    sql_done(&q);
    *out = (struct worked_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

enum err
ledger_due(
    struct ledger_reader *r, ts_ms now, size_t cap, struct arena *a,
    struct due_row **out, size_t *n, ts_ms *next)
{
    struct sql q;
    bool row = false;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(
        r,
        "SELECT matter, clock, at_ms FROM timer WHERE at_ms <= ?"
        " ORDER BY at_ms, matter, clock LIMIT ?",
        &q);
    if (e)
        return e;
    put_i64(&q, now);
    put_u64(&q, cap);
    while (!(e = sql_next(&q, &row)) && row) {
        struct due_row *d = rows_add(&rows);
        if (!d) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        d->matter = get_u64(&q);
        GET_TEXT(&q, d->clock);
        d->at_ms = get_i64(&q);
    }
    if (!e)
        e = sql_use(r, "SELECT min(at_ms) FROM timer WHERE at_ms > ?", &q);
    if (e)
        return e;
    put_i64(&q, now);
    e = sql_next(&q, &row);
    if (e)
        return e;
    *next = get_i64(&q);
    sql_done(&q);
    *out = (struct due_row *)(void *)rows.p;
    *n = rows.n;
    return OK;
}
