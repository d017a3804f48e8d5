/* SPDX-License-Identifier: Apache-2.0 */
/* One path for every change of a matter: fold, decide, apply to a copy, write. The loop
 * machine never sees the ledger and the ledger never sees a loop. */
#include "serve/desk.h"

#include "core/counter.h"
#include "model/codes.h"
#include "rules/rule.h"
#include "store/ledger_people.h"

#include <stdio.h>

#define PASSES_NOW_MS (10 * MINUTE_MS)

/* ---- what the machine may ask ---- */

static bool
ask_unit(void *ctx, struct unit_id id, int32_t lon, int32_t lat, struct loops_unit *out)
{
    struct desk *d = ctx;
    struct unit_row row;
    if (ledger_unit_find(d->reader, id, &row) != OK)
        return false;
    struct loops_unit u = {
        .org = row.unit.org,
        .status = row.unit.status,
        .matter = row.matter,
        .dist_m = -1,
        .eta_s = -1,
    };
    must(span_copy(u.callsign, sizeof u.callsign, span_cstr(row.unit.callsign)));
    int32_t at_lon = row.unit.lon, at_lat = row.unit.lat;
    if (d->where)
        (void)d->where(d->where_ctx, id, &at_lon, &at_lat);
    bool placed = (lon || lat) && (at_lon || at_lat);
    if (placed) {
        struct site from = {.lon = lon, .lat = lat},
                    to = {.lon = at_lon, .lat = at_lat};
        u.dist_m = (int32_t)site_dist_m(&from, &to);
    }
    *out = u;
    return true;
}

static bool
ask_user(void *ctx, struct user_id id, struct loops_user *out)
{
    struct desk *d = ctx;
    struct user_row row;
    if (ledger_user_find(d->reader, id, &row) != OK || row.user.disabled)
        return false;
    struct loops_user u = {.org = row.user.org, .roles = row.user.roles};
    must(span_copy(u.name, sizeof u.name, span_cstr(row.user.name)));
    *out = u;
    return true;
}

const struct loops_env *
desk_env(struct desk *d, struct desk_env *e)
{
    e->needs = (struct loops_needs){.ctx = d, .unit = ask_unit, .user = ask_user};
    e->env = (struct loops_env){.now = d->now, .orgs = d->orgs, .needs = &e->needs};
    return &e->env;
}

/* ---- folding ---- */

enum err
desk_load(struct desk *d, uint64_t id, struct matter *out, struct note *note)
{
    struct arena a;
    struct matter m = {0};
    struct ledger_entry *events;
    size_t n;
    arena_init(&a, 16 << 20);
    enum err e = ledger_matter_events(d->reader, id, 0, &a, &events, &n);
    if (e == OK && n == 0)
        e = note_set(
            note, ERR_NOTFOUND, "matter", "there is no such matter", "没有这个事项");
    if (e != OK)
        goto out;
    uint8_t hash[LOOP_HASH];
    const struct loop_def *def = NULL;
    if (matter_event_pin(events[0].payload, hash))
        def = loop_def_pinned(d->defs, hash);
    if (!def) {
        e = note_set(
            note, ERR_CORRUPT, "matter",
            "the definition this matter is pinned to is missing",
            "该事项所固定的流程定义缺失");
        goto out;
    }
    for (size_t i = 0; i < n && e == OK; i++)
        e = matter_apply(&m, def, events[i].payload);
    m.id.v = id;
out:
    arena_release(&a);
    if (e == OK)
        *out = m;
    else
        matter_release(&m);
    return e;
}

/* ---- writing ---- */

static void
row_of(const struct matter *m, const struct matter *before, struct matter_row *row)
{
    struct matter_row r = {
        .id = m->id.v,
        .open = m->def->states[m->state].open,
        .drill = m->drill,
        .level = m->level,
        .seq = m->seq,
        .org = m->org,
        .owner_user = m->owner,
        .owner_unit = m->unit,
        .owner_org = m->org,
        .opened_by = m->opener,
        .alarm = {m->alarm},
        .parent = m->parent,
        .opened_ms = m->opened_ms,
        .closed_ms = m->closed_ms,
        .state_since_ms = m->state_ms,
        .lon = m->lon,
        .lat = m->lat,
    };
    (void)before;
    /* Texts that are longer than their column are cut for lists only; the journal has
     * them whole. */
    snprintf(r.number, sizeof r.number, "%s", m->code);
    snprintf(r.kind, sizeof r.kind, "%s", m->def->kind);
    snprintf(r.state, sizeof r.state, "%s", m->def->states[m->state].name);
    snprintf(r.title, sizeof r.title, "%s", m->title ? m->title : "");
    snprintf(r.place, sizeof r.place, "%s", m->place ? m->place : "");
    memcpy(r.definition, m->def->hash, sizeof r.definition);
    int pressing = matter_pressing(m);
    if (pressing >= 0) {
        r.due_ms = m->clocks[pressing].due_ms;
        snprintf(r.clock, sizeof r.clock, "%s", m->def->clocks[pressing].name);
    }
    if (m->outcome >= 0 && m->outcome_field >= 0)
        snprintf(
            r.outcome, sizeof r.outcome, "%s",
            m->def->fields[m->outcome_field].options[m->outcome].value);
    *row = r;
}

static const char *
event_name(const struct loop_def *def, const struct matter_event *e)
{
    if (e->move >= 0)
        return def->moves[e->move].name;
    return e->clock >= 0 ? def->clocks[e->clock].name : "";
}

static enum err
unit_follows(struct desk *d, struct unit_id id, uint8_t status, uint64_t matter)
{
    enum err e = ledger_unit_state(d->ledger, id, status, matter);
    if (e == OK) {
        struct ledger_entry entry = {
            .topic = TOPIC_UNIT, .object = id.v, .at_ms = d->now};
        uint64_t n;
        e = ledger_note(d->ledger, &entry, &n);
    }
    return e;
}

/* What an event means outside its matter: units sent and freed, the alarm's outcome. */
static enum err
follow(
    struct desk *d, const struct matter *m, const struct matter_event *ev,
    bool was_open)
{
    enum err e = OK;
    if (ev->freed.v)
        e = unit_follows(d, ev->freed, UNIT_READY, 0);
    if (e == OK && (ev->has & MATTER_HAS_UNIT) && ev->unit.v)
        e = unit_follows(d, ev->unit, UNIT_ASSIGNED, m->id.v);
    if (e == OK && (ev->has & MATTER_HAS_STATUS) && m->unit.v)
        e = unit_follows(d, m->unit, ev->status, m->id.v);
    bool open = m->def->states[m->state].open;
    if (e != OK || !m->alarm || (open && was_open))
        return e;
    if (open != was_open || (ev->has & MATTER_HAS_OUTCOME)) {
        int truth = m->verdict == LOOP_VERDICT_TRUE    ? 1
                    : m->verdict == LOOP_VERDICT_FALSE ? 0
                                                       : -1;
        const char *outcome =
            m->outcome >= 0 && m->outcome_field >= 0
                ? m->def->fields[m->outcome_field].options[m->outcome].value
                : "";
        e = ledger_alarm_close(
            d->ledger, (struct alarm_id){m->alarm}, open, outcome, truth, d->now);
    }
    return e;
}

/* Applies one event to a copy of m, writes it, and makes m the copy. */
static enum err
put(struct desk *d, struct matter *m, const struct loop_def *def, struct span event,
    struct note *note)
{
    struct matter after = {0};
    struct matter_event ev;
    bool fresh = m->def == NULL;
    bool was_open = !fresh && m->def->states[m->state].open;
    enum err e = fresh ? OK : matter_copy(&after, m);
    if (e == OK)
        e = matter_event_decode(def, event, &ev);
    if (e == OK)
        e = matter_apply(&after, def, event);
    if (e != OK)
        goto out;
    if (!fresh)
        after.id = m->id;
    struct matter_row row;
    row_of(&after, m, &row);
    if (fresh)
        row.id = 0;
    struct matter_entry entry = {
        .kind = ev.kind, .actor = ev.by, .at_ms = ev.at_ms, .payload = event};
    snprintf(entry.name, sizeof entry.name, "%s", event_name(def, &ev));
    ts_ms next = matter_due(&after);
    struct matter_timer due = {.at_ms = next};
    if (row.clock[0])
        memcpy(due.clock, row.clock, sizeof due.clock);
    struct matter_change change = {
        .m = &row,
        .expect_seq = m->seq,
        .events = &entry,
        .events_n = 1,
        .due = &due,
        .due_n = next == INT64_MAX ? 0 : 1,
    };
    uint64_t journal;
    e = ledger_matter_put(d->ledger, &change, &journal);
    if (e == ERR_CONFLICT)
        note_set(
            note, e, "seq",
            "somebody moved this matter in the meantime: look at it again",
            "该事项已被他人处理，请刷新后再操作");
    after.id.v = row.id;
    if (e == OK)
        e = follow(d, &after, &ev, was_open);
    if (e == OK && !fresh && after.alarm) { /* its row in the queue changed too */
        struct ledger_entry told = {
            .topic = TOPIC_ALARM, .object = after.alarm, .at_ms = d->now};
        e = ledger_note(d->ledger, &told, &journal);
    }
    if (e == OK)
        counter_add(CTR_moves, 1);
out:
    if (e == OK) {
        matter_release(m);
        *m = after;
    } else {
        matter_release(&after);
    }
    return e;
}

static enum err
next_code(struct desk *d, const struct loop_def *def, char code[MATTER_CODE])
{
    char day[TS_TEXT], counter[64];
    uint64_t n;
    day_format(day, civil_day(d->now, d->zone));
    snprintf(counter, sizeof counter, "matter:%.16s:%s", def->prefix, day);
    enum err e = ledger_next(d->ledger, counter, &n);
    if (e == OK)
        snprintf(
            code, MATTER_CODE, "%.10s-%.8s-%04llu", def->prefix, day,
            (unsigned long long)n);
    return e;
}

static enum err
open_matter(
    struct desk *d, const struct loop_def *def, struct matter_opening *o,
    const struct matter_actor *by, uint64_t *id, struct note *note)
{
    struct desk_env de;
    struct buf event = {0};
    struct matter m = {0};
    char code[MATTER_CODE];
    uint64_t number;
    enum err e = next_code(d, def, code);
    if (e == OK)
        e = ledger_next(d->ledger, "matter", &number);
    if (e == OK) {
        o->id.v = number;
        o->code = span_cstr(code);
        e = matter_open(def, o, by, desk_env(d, &de), &event, note);
    }
    if (e == OK)
        e = put(d, &m, def, span_of(event.p, event.n), note);
    if (e == OK)
        *id = m.id.v;
    matter_release(&m);
    buf_release(&event);
    return e;
}

enum err
desk_open(
    struct desk *d, struct span kind, struct span title, const json_t *fields,
    const struct matter_actor *by, uint64_t *id, struct note *note)
{
    const struct loop_def *def = loop_def_find(d->defs, kind);
    if (!def)
        return note_fmt(
            note, ERR_INPUT, "kind", "there is no kind of matter \"%.*s\"",
            "没有“%.*s”这种事项", SPAN_ARG(kind));
    enum err e = matter_may_open(def, by, note);
    if (e != OK)
        return e;
    struct matter_opening o = {.title = title, .org = by->org, .fields = fields};
    return open_matter(d, def, &o, by, id, note);
}

enum err
desk_move(
    struct desk *d, uint64_t id, struct span move, uint32_t seq, const json_t *fields,
    const struct matter_actor *by, struct note *note)
{
    struct desk_env de;
    struct matter m = {0};
    struct buf event = {0};
    enum err e = desk_load(d, id, &m, note);
    if (e == OK)
        e = matter_move(&m, move, seq, fields, by, desk_env(d, &de), &event, note);
    if (e == OK)
        e = put(d, &m, m.def, span_of(event.p, event.n), note);
    matter_release(&m);
    buf_release(&event);
    return e;
}

enum err
desk_fire(struct desk *d, uint64_t id, unsigned *fired, struct note *note)
{
    struct desk_env de;
    struct matter m = {0};
    struct buf event = {0};
    unsigned n = 0;
    enum err e = desk_load(d, id, &m, note);
    while (e == OK && matter_due(&m) <= d->now) {
        buf_clear(&event);
        e = matter_fire(&m, desk_env(d, &de), &event);
        if (e != OK || event.n == 0)
            break;
        e = put(d, &m, m.def, span_of(event.p, event.n), note);
        n++;
    }
    matter_release(&m);
    buf_release(&event);
    if (e == OK)
        *fired = n;
    return e;
}

/* ---- alarms ---- */

/* One code as its word, or each letter of it when every letter is a code of its own. */
static void
put_code(struct buf *out, const char *table, struct span code, bool zh)
{
    const struct code_row *row = code_find(table, code);
    size_t known = 0;
    while (!row && known < code.n && code_find(table, (struct span){code.p + known, 1}))
        known++;
    if (row)
        buf_text(out, zh ? row->zh : row->en);
    else if (known < code.n)
        buf_fmt(out, "%.*s", (int)code.n, code.p);
    else
        for (size_t i = 0; i < code.n; i++) {
            row = code_find(table, (struct span){code.p + i, 1});
            buf_text(out, i ? (zh ? "、" : ", ") : "");
            buf_text(out, zh ? row->zh : row->en);
        }
}

/* What an alarm is about, its codes in words: "Q" of a status, "K33 / H11" of two
 * classes. */
static void
put_subject(struct buf *out, const char *table, const char *text, bool zh)
{
    while (*text) {
        size_t n = strcspn(text, " /"), gap = strspn(text + n, " /");
        put_code(out, table, (struct span){text, n}, zh);
        buf_fmt(out, "%.*s", (int)gap, text + n);
        text += n + gap;
    }
}

void
desk_alarm_title(struct buf *out, const struct alarm *a, bool zh)
{
    const struct rule *rule = rule_find(span_cstr(a->rule));
    char plate[PLATE_TEXT];
    buf_text(out, rule ? (zh ? rule->title.zh : rule->title.en) : a->rule);
    if (!plate_is_none(a->plate)) {
        buf_text(out, " ");
        buf_text(out, plate_format(plate, a->plate));
    }
    if (a->subject[0] && !strchr(a->subject, '\n')) {
        buf_text(out, " ");
        if (rule && rule->subject_codes)
            put_subject(out, rule->subject_codes, a->subject, zh);
        else
            buf_text(out, a->subject);
    }
}

/* What a loop may know of an alarm; it declares the ones it wants as input fields. */
static json_t *
alarm_fields(const struct alarm *a)
{
    char plate[PLATE_TEXT];
    return json_pack(
        "{s:s, s:s, s:i, s:b, s:f, s:s, s:s, s:i}", "rule", a->rule, "plate",
        plate_format(plate, a->plate), "contradiction",
        a->contradiction & ~CONTRA_UNREGISTERED, "stop", a->stop, "probability",
        a->probability, "watch", a->watch_code, "subject", a->subject, "level",
        (int)a->level);
}

/* Where alarms come in: the city's command centre, which hands them down. */
static struct org_id
command_centre(const struct org_table *orgs)
{
    for (uint32_t i = 1; i <= orgs->n; i++)
        if (orgs->rows[i].kind == ORG_CITY)
            return orgs->rows[i].id;
    return (struct org_id){orgs->n ? orgs->rows[1].id.v : 1};
}

static enum err
open_for_alarm(struct desk *d, const struct alarm *a, struct note *note)
{
    const struct loop_def *def = loop_def_opened_by(d->defs, SPAN("alarm"));
    if (!def)
        return OK; /* a city that works no alarms: they are evidence all the same */
    const struct site *site = site_get(d->sites, a->site);
    struct buf title = {0};
    json_t *fields = alarm_fields(a);
    desk_alarm_title(&title, a, true);
    struct matter_opening o = {
        .title = span_of(title.p, title.n),
        .place = site ? span_cstr(site->name) : SPAN(""),
        .org = command_centre(d->orgs),
        .level = a->level,
        .lon = site ? site->lon : 0,
        .lat = site ? site->lat : 0,
        .alarm = a->id.v,
        .fields = fields,
        .inputs = true,
    };
    uint64_t id;
    struct matter_actor machine = {0};
    enum err e = fields && !title.bad ? OK : ERR_NOMEM;
    if (e == OK)
        e = open_matter(d, def, &o, &machine, &id, note);
    if (e == OK)
        e = ledger_alarm_link(d->ledger, a->id, id);
    json_decref(fields);
    buf_release(&title);
    return e;
}

static enum err
tell_matter(struct desk *d, uint64_t id, const struct alarm *a, struct note *note)
{
    struct desk_env de;
    struct matter m = {0};
    struct buf event = {0};
    json_t *fields = alarm_fields(a);
    enum err e = fields ? desk_load(d, id, &m, note) : ERR_NOMEM;
    if (e == OK && m.def->states[m.state].open)
        e = matter_tell(
            &m, a->state == ALARM_WITHDRAWN ? SPAN("withdrawn") : SPAN("revised"),
            fields, a->state == ALARM_WITHDRAWN ? 0 : a->level, desk_env(d, &de),
            &event, note);
    if (e == OK && event.n)
        e = put(d, &m, m.def, span_of(event.p, event.n), note);
    json_decref(fields);
    matter_release(&m);
    buf_release(&event);
    return e;
}

static ts_ms
newest_pass(const struct alarm *a)
{
    ts_ms newest = a->pass_ms;
    for (uint8_t i = 0; i < a->evidence_n; i++)
        if (a->evidence[i].id.pass_ms > newest)
            newest = a->evidence[i].id.pass_ms;
    return newest;
}

enum err
desk_alarm(
    struct desk *d, const struct alarm *a, struct span picture, bool work,
    enum alarm_write *what, struct note *note)
{
    uint64_t journal;
    enum err e = ledger_alarm_put(d->ledger, a, picture, d->now, what, &journal);
    if (e != OK || *what == ALARM_SAME)
        return e;
    struct alarm_row row;
    e = ledger_alarm_find(d->reader, a->id, &row);
    if (e != OK)
        return e;
    if (row.matter)
        return *what == ALARM_CHANGED ? tell_matter(d, row.matter, a, note) : OK;
    /* A new finding is work; one that nobody was sent for when it was new becomes work
     * when the vehicle passes again now. */
    bool now = *what == ALARM_NEW || d->now - newest_pass(a) < PASSES_NOW_MS;
    bool opens = work && now && row.alarm.state != ALARM_WITHDRAWN;
    return opens ? open_for_alarm(d, a, note) : OK;
}
