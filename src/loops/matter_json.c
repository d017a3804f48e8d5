/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of docs/api.md "Matters" that the definition knows how to say. */
#include <stdio.h>

#include "loops/loop_json.h"
#include "loops/matter.h"
#include "loops/matter_facts.h"

/* ---- values ---- */

static void
put_files(struct buf *b, struct span all)
{
    buf_u8(b, '[');
    for (bool first = true; all.n; first = false) {
        struct span one = span_cut(&all, '\n');
        if (!first)
            buf_u8(b, ',');
        buf_json(b, one);
    }
    buf_u8(b, ']');
}

static void
put_number(struct buf *b, double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.15g", v);
    buf_text(b, text);
}

static void
put_value(struct buf *b, const struct loop_def *def, const struct matter_value *v)
{
    switch (v ? v->type : 0) {
    case 0:
        buf_text(b, "null");
        break;
    case LOOP_FLAG:
        buf_text(b, v->flag ? "true" : "false");
        break;
    case LOOP_NUMBER:
        put_number(b, v->number);
        break;
    case LOOP_TIME:
        buf_fmt(b, "%lld", (long long)v->time_ms);
        break;
    case LOOP_CHOICE:
        buf_json(b, span_cstr(def->fields[v->field].options[v->id].value));
        break;
    case LOOP_UNIT:
    case LOOP_USER:
    case LOOP_ORG:
        buf_fmt(b, "%llu", (unsigned long long)v->id);
        break;
    case LOOP_POINT:
        buf_fmt(
            b, "{\"lon\":%.7f,\"lat\":%.7f}", v->point.lon / 1e7, v->point.lat / 1e7);
        break;
    case LOOP_FILES:
        put_files(b, span_of(v->text.p, v->text.n));
        break;
    default:
        buf_json(b, span_of(v->text.p, v->text.n));
        break;
    }
}

static void
put_values(
    struct buf *b, const struct loop_def *def, const struct matter_value *v, unsigned n)
{
    buf_u8(b, '{');
    for (unsigned i = 0; i < n; i++) {
        if (i)
            buf_u8(b, ',');
        buf_json(b, span_cstr(def->fields[v[i].field].name));
        buf_u8(b, ':');
        put_value(b, def, &v[i]);
    }
    buf_u8(b, '}');
}

void
matter_fields_json(struct buf *out, const struct matter *m)
{
    put_values(out, m->def, m->values, m->values_n);
}

/* ---- clocks ---- */

static const char *
clock_word(uint8_t state)
{
    switch (state) {
    case CLOCK_RUNNING:
        return "running";
    case CLOCK_PAUSED:
    case CLOCK_HELD:
        return "paused";
    default:
        return "stopped";
    }
}

static void
put_rung(struct buf *b, const struct loop_rung *r, ts_ms at)
{
    buf_fmt(
        b, "{\"at_ms\":%lld,\"percent\":%lld,\"text\":", (long long)at,
        (long long)r->percent);
    loop_json_text(b, r->label);
    buf_u8(b, '}');
}

/* The next rung of a running clock, and those that fired. */
static void
put_ladder(struct buf *b, const struct loop_clock *def, const struct matter_clock *c)
{
    int next = -1;
    for (int i = def->rungs_n; c->state == CLOCK_RUNNING && i--;)
        if (!(c->fired >> i & 1))
            next = i;
    buf_text(b, ",\"next_rung\":");
    if (next >= 0)
        put_rung(b, &def->rungs[next], matter_rung_due(def, c, (unsigned)next));
    else
        buf_text(b, "null");
    buf_text(b, ",\"fired\":[");
    bool first = true;
    for (unsigned i = 0; i < def->rungs_n; i++) {
        if (!(c->fired >> i & 1))
            continue;
        if (!first)
            buf_u8(b, ',');
        put_rung(b, &def->rungs[i], c->fired_ms[i]);
        first = false;
    }
    buf_u8(b, ']');
}

static void
put_clock(struct buf *b, const struct matter *m, unsigned k, ts_ms now, bool ladder)
{
    const struct loop_clock *def = &m->def->clocks[k];
    const struct matter_clock *c = &m->clocks[k];
    buf_text(b, "{\"name\":");
    buf_json(b, span_cstr(def->name));
    loop_json_label(b, def->label);
    buf_fmt(
        b, ",\"state\":\"%s\",\"budget_ms\":%lld,\"consumed_ms\":%lld,\"due_ms\":",
        clock_word(c->state), (long long)c->budget_ms,
        (long long)matter_consumed(c, now));
    if (c->state == CLOCK_RUNNING)
        buf_fmt(b, "%lld", (long long)c->due_ms);
    else
        buf_text(b, "null");
    buf_fmt(b, ",\"as_of_ms\":%lld", (long long)now);
    if (ladder)
        put_ladder(b, def, c);
    buf_u8(b, '}');
}

void
matter_clock_json(struct buf *out, const struct matter *m, int n, ts_ms now)
{
    if (n < 0)
        buf_text(out, "null");
    else
        put_clock(out, m, (unsigned)n, now, false);
}

void
matter_clocks_json(struct buf *out, const struct matter *m, ts_ms now)
{
    bool first = true;
    buf_u8(out, '[');
    for (unsigned k = 0; k < m->def->clocks_n; k++) {
        if (m->clocks[k].state == CLOCK_IDLE)
            continue;
        if (!first)
            buf_u8(out, ',');
        put_clock(out, m, k, now, true);
        first = false;
    }
    buf_u8(out, ']');
}

/* ---- moves ---- */

/* Why a move is not possible now; false when it is. */
static bool
blocked(
    const struct matter *m, const struct loop_move *mv, const struct loops_env *env,
    struct loop_text *why)
{
    for (unsigned i = 0; i < mv->gates_n; i++) {
        if (matter_gate(m, mv->gates[i], env->now))
            continue;
        *why = m->def->gates[mv->gates[i]].text;
        return true;
    }
    for (unsigned i = 0; i < mv->effects_n; i++) {
        if (mv->effects[i].kind == LOOP_HAND_BACK && m->path_n == 0) {
            *why = (struct loop_text){"该事项并非上级下发", "nobody handed it down"};
            return true;
        }
        if (mv->effects[i].kind != LOOP_HAND_DOWN)
            continue;
        bool below = false;
        for (uint32_t o = 1; env->orgs && o <= env->orgs->n && !below; o++) {
            const struct org *row = org_get(env->orgs, (struct org_id){o});
            below = row && row->parent.v == m->org.v;
        }
        if (!below || m->path_n == MATTER_PATH) {
            *why = (struct loop_text){"没有下级单位", "there is no unit below"};
            return true;
        }
    }
    return false;
}

static void
put_move(
    struct buf *b, const struct matter *m, const struct loop_move *mv,
    const struct loops_env *env)
{
    struct loop_text why = {0};
    bool no = blocked(m, mv, env, &why);
    buf_text(b, "{\"name\":");
    buf_json(b, span_cstr(mv->name));
    loop_json_label(b, mv->label);
    buf_text(b, ",\"key\":");
    loop_json_maybe(b, mv->key);
    buf_fmt(b, ",\"tone\":\"%s\",\"to\":", mv->tone);
    buf_json(b, span_cstr(m->def->states[mv->stays ? m->state : mv->to].name));
    buf_fmt(b, ",\"allowed\":%s,\"reason\":", no ? "false" : "true");
    if (no)
        loop_json_text(b, why);
    else
        buf_text(b, "null");
    buf_text(b, ",\"fields\":[");
    for (unsigned i = 0; i < mv->asks_n; i++) {
        if (i)
            buf_u8(b, ',');
        loop_json_field(b, &m->def->fields[mv->asks[i].field]);
        b->n -= b->bad ? 0 : 1; /* its closing brace comes behind what follows */
        buf_fmt(
            b, ",\"required\":%s,\"value\":", mv->asks[i].required ? "true" : "false");
        put_value(b, m->def, matter_value(m, mv->asks[i].field));
        buf_u8(b, '}');
    }
    buf_fmt(b, "],\"phone\":%s,\"undo\":false}", mv->phone ? "true" : "false");
}

void
matter_moves_json(
    struct buf *out, const struct matter *m, const struct matter_actor *by,
    const struct loops_env *env)
{
    bool first = true;
    buf_u8(out, '[');
    for (unsigned i = 0; i < m->def->moves_n; i++) {
        const struct loop_move *mv = &m->def->moves[i];
        bool mine = mv->on == LOOP_ON_ACTION && (mv->from >> m->state & 1);
        bool holds = false;
        for (unsigned r = 0; mine && r < m->def->roles_n && !holds; r++)
            holds = (mv->roles >> r & 1) && matter_holds(m, r, by, env->orgs);
        if (!holds)
            continue;
        if (!first)
            buf_u8(out, ',');
        put_move(out, m, mv, env);
        first = false;
    }
    buf_u8(out, ']');
}

/* ---- journal ---- */

/* The post by which the person held the role that was used (any post, when no role was
 * needed). */
static const char *
post_used(const struct loop_def *def, const struct matter_event *e)
{
    unsigned posts = e->role < 0 ? e->posts : 0;
    for (unsigned i = 0; e->role >= 0 && i < def->roles[e->role].any_of_n; i++)
        posts |= def->roles[e->role].any_of[i].posts & e->posts;
    for (const struct role_row *r = role_rows(); r->role; r++)
        if (posts & (unsigned)r->role)
            return r->name;
    return NULL;
}

static void
put_by(
    struct buf *b, const struct loop_def *def, const struct matter_event *e,
    const struct loops_env *env)
{
    struct loops_user u = {0};
    if (!e->by.v) {
        buf_text(b, "null");
        return;
    }
    if (!env->needs || !env->needs->user(env->needs->ctx, e->by, &u))
        snprintf(u.name, sizeof u.name, "#%u", e->by.v);
    buf_fmt(b, "{\"id\":%u,\"name\":", e->by.v);
    buf_json(b, span_cstr(u.name));
    buf_text(b, ",\"role\":");
    loop_json_maybe(b, post_used(def, e));
    buf_u8(b, '}');
}

static struct loop_text
event_label(const struct loop_def *def, const struct matter_event *e)
{
    if (e->kind == MATTER_RUNG)
        return def->clocks[e->clock].rungs[e->rung].label;
    if (e->move >= 0)
        return def->moves[e->move].label;
    return (struct loop_text){"立项", "opened"};
}

static void
unit_text(
    const struct matter_event *e, const struct loops_env *env, char *zh, char *en,
    size_t n)
{
    struct loops_unit u = {0};
    struct unit_id id = e->unit.v ? e->unit : e->freed;
    if (!env->needs || !env->needs->unit(env->needs->ctx, id, 0, 0, &u))
        snprintf(u.callsign, sizeof u.callsign, "#%u", id.v);
    if (!e->unit.v) {
        snprintf(zh, n, "%s 解除任务", u.callsign);
        snprintf(en, n, "%s set free", u.callsign);
    } else if (e->unit_dist_m < 0) {
        snprintf(zh, n, "派出 %s", u.callsign);
        snprintf(en, n, "%s sent", u.callsign);
    } else {
        snprintf(zh, n, "派出 %s，距离 %.1f 公里", u.callsign, e->unit_dist_m / 1000.0);
        snprintf(en, n, "%s sent, %.1f km away", u.callsign, e->unit_dist_m / 1000.0);
    }
}

static void
org_text(
    const struct matter_event *e, const struct loops_env *env, char *zh, char *en,
    size_t n)
{
    const struct org *o = env->orgs ? org_get(env->orgs, e->org) : NULL;
    const char *name = o ? o->name : "?";
    const char *name_en = o && o->name_en[0] ? o->name_en : name;
    snprintf(zh, n, e->path_op == 2 ? "退回 %s" : "下发 %s", name);
    snprintf(en, n, e->path_op == 2 ? "back to %s" : "handed down to %s", name_en);
}

/* What the event resolved, in a sentence; null when the label says it all. */
static void
put_text(
    struct buf *b, const struct loop_def *def, const struct matter_event *e,
    const struct loops_env *env)
{
    char zh[240] = "", en[240] = "";
    if (e->notices_n) {
        const struct matter_notice *n = &e->notices[0];
        snprintf(zh, sizeof zh, "%s：%s", def->roles[n->role].label.zh, n->text.zh);
        snprintf(en, sizeof en, "%s: %s", def->roles[n->role].label.en, n->text.en);
    }
    if (e->has & MATTER_HAS_ORG)
        org_text(e, env, zh, en, sizeof zh);
    if (e->has & MATTER_HAS_UNIT)
        unit_text(e, env, zh, en, sizeof zh);
    if (zh[0])
        loop_json_text(b, (struct loop_text){zh, en});
    else
        buf_text(b, "null");
}

void
matter_event_json(
    struct buf *b, const struct loop_def *def, const struct matter_event *e,
    const struct loops_env *env)
{
    buf_fmt(b, "{\"seq\":%u,\"at_ms\":%lld,\"move\":", e->seq, (long long)e->at_ms);
    loop_json_maybe(b, e->move < 0 ? NULL : def->moves[e->move].name);
    buf_text(b, ",\"label\":");
    loop_json_text(b, event_label(def, e));
    buf_text(b, ",\"from\":");
    loop_json_maybe(b, e->kind == MATTER_OPENED ? NULL : def->states[e->from].name);
    buf_text(b, ",\"to\":");
    buf_json(b, span_cstr(def->states[e->to].name));
    buf_text(b, ",\"by\":");
    put_by(b, def, e, env);
    buf_text(b, ",\"fields\":");
    put_values(b, def, e->values, e->values_n);
    buf_text(b, ",\"text\":");
    put_text(b, def, e, env);
    buf_u8(b, '}');
}

/* ---- the brief ---- */

void
matter_owner_json(struct buf *b, const struct matter *m, const struct loops_env *env)
{
    const struct loops_needs *needs = env->needs;
    const struct org *o = env->orgs ? org_get(env->orgs, m->org) : NULL;
    char text[160] = "";
    struct loops_user u;
    struct loops_unit unit;
    if (m->unit.v && needs && needs->unit(needs->ctx, m->unit, 0, 0, &unit))
        snprintf(text, sizeof text, "%s", unit.callsign);
    else if (m->owner.v && needs && needs->user(needs->ctx, m->owner, &u))
        snprintf(text, sizeof text, "%s", u.name);
    else if (o)
        snprintf(text, sizeof text, "%s", o->name);
    buf_text(b, "{\"text\":");
    buf_json(b, span_cstr(text));
    loop_json_id(b, "user", m->owner.v);
    loop_json_id(b, "unit", m->unit.v);
    loop_json_id(b, "org", m->org.v);
    buf_u8(b, '}');
}

void
matter_brief_json(struct buf *b, const struct matter *m, const struct loops_env *env)
{
    buf_text(b, "{\"id\":");
    buf_json(b, span_cstr(m->code));
    buf_text(b, ",\"kind\":");
    buf_json(b, span_cstr(m->def->kind));
    buf_text(b, ",\"state\":");
    buf_json(b, span_cstr(m->def->states[m->state].name));
    buf_fmt(b, ",\"seq\":%u,\"owner\":", m->seq);
    matter_owner_json(b, m, env);
    buf_fmt(
        b, ",\"open\":%s,\"clock\":", m->def->states[m->state].open ? "true" : "false");
    matter_clock_json(b, m, matter_pressing(m), env->now);
    buf_u8(b, '}');
}
