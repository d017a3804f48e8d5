/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the rows: nothing here knows a resource but the matter, which several show.
 */
#include "serve/api_kit.h"

#include "store/ledger_look.h"

#include <sodium.h>

struct house *
kit_house(struct api_env *env)
{
    must(env->daemon != NULL);
    return env->daemon;
}

void
kit_open(struct kit *k, struct api_env *env, struct req *r)
{
    struct house *h = kit_house(env);
    *k = (struct kit){
        .house = h,
        .sites = h->sites(h->ctx),
        .orgs = h->org(h->ctx),
        .live = h->live(h->ctx),
    };
    k->desk = (struct desk){
        .defs = h->loops,
        .orgs = k->orgs,
        .sites = k->sites,
        .zone = &h->zone,
        .ledger = env->ledger,
        .reader = env->reader,
        .now = req_at(r),
    };
}

void
kit_close(struct kit *k)
{
    if (k->sites)
        site_table_unref(k->sites);
    if (k->orgs)
        org_table_unref(k->orgs);
    live_unref(k->live);
    *k = (struct kit){0};
}

struct matter_actor
kit_actor(const struct req *r)
{
    const struct user *u = api_user(r);
    must(u != NULL);
    return (struct matter_actor){u->id, u->roles, u->org, u->unit};
}

enum err
kit_scope(
    const struct req *r, const struct org_table *orgs, struct org_id **out, size_t *n)
{
    const struct user *u = api_user(r);
    const struct org *mine = org_get(orgs, u->org);
    *out = NULL;
    *n = 0;
    if (!mine || mine->parent.v == 0)
        return OK;
    /* req_arena() wants the request itself; it is only lent to us as const. */
    struct org_id *ids =
        arena_array(req_arena((struct req *)(uintptr_t)r), orgs->n + 1, sizeof *ids);
    if (!ids)
        return ERR_TOOBIG;
    for (uint32_t i = 1; i <= orgs->n; i++)
        if (org_covers(orgs, u->org, orgs->rows[i].id))
            ids[(*n)++] = orgs->rows[i].id;
    *out = ids;
    return OK;
}

/* Squads see what was sent to their unit even where another unit of the tree must act.
 */
static bool
may_see(const struct req *r, const struct kit *k, const struct matter_row *m)
{
    const struct user *u = api_user(r);
    return api_sees(r, k->orgs, m->org) ||
           (u->unit.v && u->unit.v == m->owner_unit.v) || m->owner_user.v == u->id.v;
}

enum err
kit_matter(struct req *r, struct kit *k, struct span number, struct matter_row *out)
{
    struct matter_row row;
    enum err e = ledger_matter_by_number(k->desk.reader, number, &row);
    if (e == OK && !may_see(r, k, &row))
        e = ERR_NOTFOUND;
    if (e == ERR_NOTFOUND)
        return note_set(
            req_note(r), e, "matter",
            "there is no such matter in your part of the organisation",
            "本单位范围内没有该事项");
    if (e == OK)
        *out = row;
    return e;
}

static void
journal_json(struct buf *out, struct kit *k, struct arena *a, const struct matter *m)
{
    struct desk_env de;
    const struct loops_env *env = desk_env(&k->desk, &de);
    struct ledger_entry *events;
    size_t n;
    const char *comma = "";
    buf_text(out, ",\"journal\":[");
    if (ledger_matter_events(k->desk.reader, m->id.v, 0, a, &events, &n) == OK)
        for (size_t i = 0; i < n; i++) {
            struct matter_event *ev = ARENA_NEW(a, struct matter_event);
            if (!ev || matter_event_decode(m->def, events[i].payload, ev) != OK)
                continue;
            buf_text(out, comma);
            matter_event_json(out, m->def, ev, env);
            comma = ",";
        }
    buf_text(out, "]");
}

static void
looks_json(struct buf *out, struct kit *k, struct arena *a, uint64_t matter)
{
    struct look_row *rows;
    size_t n;
    struct look_query q = {.matter = matter, .cap = 50};
    buf_text(out, ",\"looks\":[");
    if (ledger_looks(k->desk.reader, &q, a, &rows, &n) != OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        struct user_row by = {0};
        if (ledger_user_find(k->desk.reader, rows[i].user, &by) != OK)
            by = (struct user_row){0};
        buf_fmt(
            out, "%s{\"n\":%llu,\"at_ms\":%lld,\"by\":", i ? "," : "",
            (unsigned long long)rows[i].number, (long long)rows[i].at_ms);
        buf_json(out, span_cstr(by.user.name));
        buf_fmt(
            out, ",\"kind\":\"%s\",\"count\":%llu}",
            look_kind_get((enum look_kind)rows[i].kind)->name,
            (unsigned long long)rows[i].count);
    }
    buf_text(out, "]");
}

static void
children_json(struct buf *out, struct kit *k, struct arena *a, uint64_t matter)
{
    struct matter_row *rows;
    size_t n;
    struct matter_query q = {.list = MATTERS_ALL, .parent = matter, .cap = 50};
    buf_text(out, ",\"children\":[");
    if (ledger_matters(k->desk.reader, &q, a, &rows, &n) != OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_text(out, ",");
        rows_matter(out, &k->desk, &rows[i]);
    }
    buf_text(out, "]");
}

static void
unit_json(struct buf *out, struct kit *k, struct unit_id id, const char **comma)
{
    struct unit_row u;
    if (!id.v || ledger_unit_find(k->desk.reader, id, &u) != OK)
        return;
    buf_text(out, *comma);
    rows_unit(out, &k->desk, k->live, &u);
    *comma = ",";
}

/* The unit that is sent, then those that its fields name: who reads the matter when it is
 * closed wants a callsign, not a number. */
static void
units_json(
    struct buf *out, struct kit *k, const struct matter_row *row,
    const struct matter *m)
{
    const char *comma = "";
    buf_text(out, ",\"units\":[");
    unit_json(out, k, row->owner_unit, &comma);
    for (uint16_t i = 0; i < m->values_n; i++)
        if (m->values[i].type == LOOP_UNIT && m->values[i].id != row->owner_unit.v)
            unit_json(out, k, (struct unit_id){(uint32_t)m->values[i].id}, &comma);
    buf_text(out, "]");
}

enum err
kit_matter_json(
    struct req *r, struct kit *k, const struct matter_row *row, struct buf *out)
{
    struct matter m = {0};
    struct desk_env de;
    struct arena a;
    struct matter_actor by = kit_actor(r);
    enum err e = desk_load(&k->desk, row->id, &m, req_note(r));
    if (e != OK)
        return e;
    arena_init(&a, 32 << 20);
    rows_matter(out, &k->desk, row);
    must(out->n > 0);
    out->n--; /* goes on inside the object */
    buf_text(out, ",\"fields\":");
    matter_fields_json(out, &m);
    buf_text(out, ",\"clocks\":");
    matter_clocks_json(out, &m, k->desk.now);
    buf_text(out, ",\"moves\":");
    matter_moves_json(out, &m, &by, desk_env(&k->desk, &de));
    journal_json(out, k, &a, &m);
    units_json(out, k, row, &m);
    looks_json(out, k, &a, row->id);
    children_json(out, k, &a, row->id);
    struct matter_row parent;
    if (row->parent && ledger_matter_find(k->desk.reader, row->parent, &parent) == OK)
        buf_fmt(out, ",\"parent\":\"%s\"}", parent.number);
    else
        buf_text(out, ",\"parent\":null}");
    arena_release(&a);
    matter_release(&m);
    return OK;
}

enum err
kit_told(struct api_env *env, struct req *r, enum ledger_topic topic, uint64_t object)
{
    struct ledger_entry entry = {
        .topic = (uint8_t)topic,
        .object = object,
        .actor = api_user(r)->id.v,
        .at_ms = req_at(r),
    };
    uint64_t n;
    return ledger_note(env->ledger, &entry, &n);
}

bool
kit_once_seen(struct req *r, struct api_env *env)
{
    struct span once = api_text(r, "once"), reply;
    int status;
    if (!once.n ||
        ledger_once_find(
            env->reader, api_user(r)->id.v, once, req_arena(r), &status, &reply) != OK)
        return false;
    req_status(r, status);
    buf_put(req_out(r), reply.p, reply.n);
    return true;
}

enum err
kit_once_keep(struct req *r, struct api_env *env, int status)
{
    struct span once = api_text(r, "once");
    struct buf *out = req_out(r);
    if (!once.n)
        return OK;
    return ledger_once_put(
        env->ledger, api_user(r)->id.v, once, req_at(r), status,
        span_of(out->p, out->n));
}

enum err
kit_conflict(struct req *r, enum refusal why, const struct note *note)
{
    return req_refuse(
        r, why, note->field[0] ? note->field : NULL, note->en[0] ? note->en : NULL,
        note->zh[0] ? note->zh : NULL);
}

enum err
kit_who(
    struct req *r, struct api_env *env, enum look_kind kind, struct look_request *out)
{
    const struct user *u = api_user(r);
    struct matter_row m = {0};
    struct span matter = api_text(r, "matter");
    struct span address = arena_span(req_arena(r), req_peer(r));
    struct look_request q = {
        .kind = kind,
        .user = u->id,
        .roles = u->roles,
        .login = u->login,
        .address = address.p ? address.p : "",
        .org = u->org,
        .unit = u->unit,
        .purpose = api_text(r, "purpose"),
        .from_ms = kind == LOOK_EXPORT ? 0 : api_int(r, "from_ms", 0),
        .to_ms = kind == LOOK_EXPORT ? 0 : api_int(r, "to_ms", 0),
        .emergency = api_int(r, "emergency", 0) != 0,
        .why = api_text(r, "why"),
        .now_ms = req_at(r),
    };
    if (kind != LOOK_EXPORT && q.to_ms <= q.from_ms)
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "to_ms", "the end must lie behind the beginning",
            "结束时间须晚于开始时间");
    if (matter.n && ledger_matter_by_number(env->reader, matter, &m) != OK)
        return req_refuse(
            r, REFUSE_LOOK_NO_MATTER, "matter", "there is no such matter",
            "没有这个事项");
    q.matter = m.id;
    *out = q;
    return OK;
}

enum err
kit_look_refused(struct req *r, enum look_refusal refusal)
{
    static const enum refusal why[] = {
        [LOOK_ALLOWED] = REFUSE_FORBIDDEN,
        [LOOK_NO_MATTER] = REFUSE_LOOK_NO_MATTER,
        [LOOK_MATTER_CLOSED] = REFUSE_LOOK_MATTER_CLOSED,
        [LOOK_PURPOSE] = REFUSE_LOOK_PURPOSE,
        [LOOK_AGE_TIER] = REFUSE_LOOK_AGE_TIER,
        [LOOK_SCOPE] = REFUSE_LOOK_SCOPE,
        [LOOK_ROLE] = REFUSE_FORBIDDEN,
        [LOOK_WHY] = REFUSE_BAD_REQUEST,
        [LOOK_UNCONFIRMED] = REFUSE_LOOK_UNCONFIRMED,
    };
    struct note *note = req_note(r);
    return req_refuse(
        r, why[refusal], note->field[0] ? note->field : NULL,
        note->en[0] ? note->en : NULL, note->zh[0] ? note->zh : NULL);
}

enum err
kit_looked_at(struct req *r, struct api_env *env, const struct kit_looked *what)
{
    const struct user *u = api_user(r);
    struct audit_record rec = {
        .at_ms = req_at(r),
        .class = AUDIT_LOOK,
        .outcome = what->refused ? AUDIT_REFUSED : AUDIT_OK,
        .role = (uint8_t)u->roles,
        .user = u->id.v,
        .matter = what->matter,
        .link = what->look,
        .count = what->count,
        .login = span_cstr(u->login),
        .address = req_peer(r),
        .action = span_cstr(what->action),
        .object = what->object,
        .purpose = what->purpose,
    };
    uint64_t number;
    return audit_write(kit_house(env)->audit, &rec, &number);
}

/* A NUL-terminated copy in the request's arena; "" past its cap. */
static const char *
kept(struct req *r, struct span s)
{
    char *dst = arena_take(req_arena(r), s.n + 1);
    if (!dst)
        return "";
    (void)span_copy(dst, s.n + 1, s);
    return dst;
}

struct look_request
kit_looker(struct req *r)
{
    const struct user *u = api_user(r);
    return (struct look_request){
        .user = u->id,
        .roles = u->roles,
        .login = u->login,
        .address = kept(r, req_peer(r)),
        .org = u->org,
        .unit = u->unit,
        .now_ms = req_at(r),
    };
}

struct look_request
kit_card(struct req *r, const struct alarm_row *row)
{
    char plate[PLATE_TEXT];
    struct look_request q = kit_looker(r);
    q.kind = LOOK_CARD;
    q.matter = row->matter;
    q.purpose = SPAN("alarm");
    q.subject = span_cstr(kept(r, span_cstr(plate_format(plate, row->alarm.plate))));
    q.plate = row->alarm.plate;
    crypto_generichash(
        q.parameters, sizeof q.parameters, (const uint8_t *)&row->alarm.id,
        sizeof row->alarm.id, NULL, 0);
    return q;
}

enum err
kit_evidence(
    const struct kit *k, struct sight_snap *snap, struct span matter,
    struct sighting_id id, struct arena *arena, struct sighting *out)
{
    struct sighting *rows;
    struct note note;
    size_t n;
    enum err e = sight_fetch(snap, id, arena, out);
    if (e != ERR_NOTFOUND || !matter.n)
        return e;
    e = sight_held(k->house->sight, matter, arena, &rows, &n, &note);
    for (size_t i = 0; e == OK && i < n; i++)
        if (sighting_id_eq(sighting_id_of(&rows[i]), id)) {
            *out = rows[i];
            return OK;
        }
    return e ? e : ERR_NOTFOUND;
}
