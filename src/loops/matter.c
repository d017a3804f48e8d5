/* SPDX-License-Identifier: Apache-2.0 */
/* The fold, and the questions that only read. Deciding is matter_decide.c, faces
 * matter_json.c. */
#include "loops/matter.h"

#include <stdlib.h>
#include <string.h>

#include "loops/loop_expr.h"
#include "loops/matter_facts.h"

/* ---- memory ---- */

static bool
has_text(const struct matter_value *v)
{
    return v->type == LOOP_TEXT || v->type == LOOP_NOTE || v->type == LOOP_PLATE ||
           v->type == LOOP_FILES;
}

static char *
own_text(const char *p, size_t n)
{
    char *own = malloc(n + 1);
    if (own) {
        if (n)
            memcpy(own, p, n);
        own[n] = 0;
    }
    return own;
}

/* A copy whose text is its own; false without memory. */
static bool
own_value(struct matter_value *dst, const struct matter_value *src)
{
    *dst = *src;
    if (!has_text(src))
        return true;
    dst->text.p = own_text(src->text.p, src->text.n);
    return dst->text.p != NULL;
}

static void
drop_value(struct matter_value *v)
{
    if (has_text(v))
        free((void *)(uintptr_t)v->text.p);
}

void
matter_release(struct matter *m)
{
    for (unsigned i = 0; i < m->values_n; i++)
        drop_value(&m->values[i]);
    free(m->values);
    free(m->clocks);
    free(m->title);
    free(m->place);
    *m = (struct matter){0};
}

enum err
matter_copy(struct matter *dst, const struct matter *src)
{
    *dst = *src;
    dst->title = dst->place = NULL;
    dst->clocks = NULL;
    dst->values = NULL;
    dst->values_n = dst->values_room = 0;
    if (!src->def)
        return OK;
    size_t clocks = (src->def->clocks_n + 1u) * sizeof *dst->clocks;
    dst->title = own_text(src->title, strlen(src->title));
    dst->place = own_text(src->place, strlen(src->place));
    dst->clocks = malloc(clocks);
    dst->values = malloc((src->values_n + 1u) * sizeof *dst->values);
    if (!dst->title || !dst->place || !dst->clocks || !dst->values)
        goto out;
    memcpy(dst->clocks, src->clocks, clocks);
    dst->values_room = (uint16_t)(src->values_n + 1);
    for (unsigned i = 0; i < src->values_n; i++) {
        if (!own_value(&dst->values[i], &src->values[i]))
            goto out;
        dst->values_n++;
    }
    return OK;
out:
    matter_release(dst);
    return ERR_NOMEM;
}

/* ---- folding ---- */

/* Where the value of a field stands, or should stand. */
static unsigned
value_place(const struct matter *m, unsigned field)
{
    unsigned i = 0;
    while (i < m->values_n && m->values[i].field < field)
        i++;
    return i;
}

/* Takes v over (its text too). Room was reserved. */
static void
set_value(struct matter *m, struct matter_value v)
{
    unsigned at = value_place(m, v.field);
    bool there = at < m->values_n && m->values[at].field == v.field;
    if (there)
        drop_value(&m->values[at]);
    if (v.type == 0 && there) {
        m->values_n--;
        memmove(
            &m->values[at], &m->values[at + 1], (m->values_n - at) * sizeof *m->values);
    } else if (v.type) {
        if (!there) {
            memmove(
                &m->values[at + 1], &m->values[at],
                (m->values_n - at) * sizeof *m->values);
            m->values_n++;
        }
        m->values[at] = v;
    }
}

static enum err
reserve_values(struct matter *m, unsigned more)
{
    size_t room = (size_t)m->values_n + more;
    if (room <= m->values_room)
        return OK;
    struct matter_value *p = realloc(m->values, room * sizeof *p);
    if (!p)
        return ERR_NOMEM;
    m->values = p;
    m->values_room = (uint16_t)room;
    return OK;
}

/* The values of an event with texts of their own, all or none. */
static enum err
own_values(const struct matter_event *e, struct matter_value *own)
{
    for (unsigned i = 0; i < e->values_n; i++) {
        if (own_value(&own[i], &e->values[i]))
            continue;
        while (i--)
            drop_value(&own[i]);
        return ERR_NOMEM;
    }
    return OK;
}

static enum err
begin(struct matter *m, const struct loop_def *def, const struct matter_opening *o)
{
    m->title = own_text(o->title.p, o->title.n);
    m->place = own_text(o->place.p, o->place.n);
    m->clocks = calloc(def->clocks_n + 1u, sizeof *m->clocks);
    if (!m->title || !m->place || !m->clocks) {
        matter_release(m);
        return ERR_NOMEM;
    }
    m->def = def;
    m->id = o->id;
    must(span_copy(m->code, sizeof m->code, o->code));
    m->org = o->org;
    m->level = o->level;
    m->lon = o->lon;
    m->lat = o->lat;
    m->alarm = o->alarm;
    m->parent = o->parent;
    m->drill = o->drill;
    m->outcome = m->outcome_field = -1;
    m->unit_dist_m = -1;
    return OK;
}

static void
fold_org(struct matter *m, const struct matter_event *e)
{
    if (e->path_op == 1 && m->path_n < MATTER_PATH)
        m->path[m->path_n++] = m->org;
    else if (e->path_op == 2 && m->path_n)
        m->path_n--;
    m->org = e->org;
}

static void
fold_clock(struct matter_clock *c, const struct matter_clock *now, ts_ms at_ms)
{
    uint32_t fresh = now->fired & ~c->fired;
    for (unsigned i = 0; i < LOOP_MAX_RUNGS; i++) {
        ts_ms was = c->fired_ms[i];
        c->fired_ms[i] = (fresh >> i & 1) ? at_ms : (now->fired >> i & 1) ? was : 0;
    }
    c->budget_ms = now->budget_ms;
    c->consumed_ms = now->consumed_ms;
    c->since_ms = now->since_ms;
    c->due_ms = now->due_ms;
    c->fired = now->fired;
    c->climbed = now->climbed;
    c->state = now->state;
}

static void
fold_state(struct matter *m, const struct matter_event *e)
{
    bool entered =
        e->kind == MATTER_OPENED || (e->move >= 0 && !m->def->moves[e->move].stays);
    m->state = e->to;
    if (!entered)
        return;
    m->state_ms = e->at_ms;
    m->closed_ms = m->def->states[e->to].kind == LOOP_TERMINAL ? e->at_ms : 0;
}

static void
fold_parts(struct matter *m, const struct matter_event *e)
{
    if (e->has & MATTER_HAS_ORG)
        fold_org(m, e);
    if (e->has & MATTER_HAS_OWNER)
        m->owner = e->owner;
    if (e->has & MATTER_HAS_UNIT) {
        m->unit = e->unit;
        m->unit_dist_m = e->unit.v ? e->unit_dist_m : -1;
    }
    if (e->has & MATTER_HAS_LEVEL)
        m->level = e->level;
    if (e->has & MATTER_HAS_OUTCOME) {
        m->outcome = e->outcome;
        m->outcome_field = e->outcome_field;
        m->verdict = e->verdict;
    }
}

enum err
matter_apply(struct matter *m, const struct loop_def *def, struct span event)
{
    struct matter_event e;
    struct matter_value own[LOOP_MAX_FIELDS];
    bool fresh = m->def == NULL;
    must(!fresh || def);
    enum err err = matter_event_decode(fresh ? def : m->def, event, &e);
    if (err)
        return err;
    if (fresh != (e.kind == MATTER_OPENED) || e.seq != m->seq + 1 ||
        (!fresh && e.from != m->state))
        return ERR_CORRUPT;
    err = own_values(&e, own);
    if (err)
        return err;
    if (fresh)
        err = begin(m, def, &e.opening);
    if (!err)
        err = reserve_values(m, e.values_n);
    if (err) {
        for (unsigned i = 0; i < e.values_n; i++)
            drop_value(&own[i]);
        if (fresh)
            matter_release(m);
        return err;
    }
    m->seq = e.seq;
    if (fresh) {
        m->opened_ms = e.at_ms;
        m->opener = e.by;
    }
    if (e.by.v)
        m->previous = e.by;
    for (unsigned i = 0; i < e.values_n; i++)
        set_value(m, own[i]);
    fold_parts(m, &e);
    fold_state(m, &e);
    for (unsigned i = 0; i < e.clocks_n; i++)
        fold_clock(&m->clocks[e.clocks[i].n], &e.clocks[i].c, e.at_ms);
    return OK;
}

/* ---- clocks ---- */

int64_t
matter_consumed(const struct matter_clock *c, ts_ms now)
{
    if (c->state != CLOCK_RUNNING || now <= c->since_ms)
        return c->consumed_ms;
    return c->consumed_ms + (now - c->since_ms);
}

ts_ms
matter_rung_due(const struct loop_clock *def, const struct matter_clock *c, unsigned i)
{
    const struct loop_rung *r = &def->rungs[i];
    return c->since_ms + c->budget_ms / 100 * r->percent +
           c->budget_ms % 100 * r->percent / 100 + r->offset_ms - c->consumed_ms;
}

ts_ms
matter_due(const struct matter *m)
{
    ts_ms due = INT64_MAX;
    for (unsigned k = 0; m->def && k < m->def->clocks_n; k++) {
        const struct matter_clock *c = &m->clocks[k];
        for (unsigned i = 0; c->state == CLOCK_RUNNING && i < m->def->clocks[k].rungs_n;
             i++) {
            if (c->fired >> i & 1)
                continue;
            ts_ms at = matter_rung_due(&m->def->clocks[k], c, i);
            due = at < due ? at : due;
        }
    }
    return due;
}

int
matter_pressing(const struct matter *m)
{
    int best = -1;
    for (int k = 0; m->def && k < m->def->clocks_n; k++) {
        const struct matter_clock *c = &m->clocks[k];
        if (c->state == CLOCK_RUNNING &&
            (best < 0 || c->due_ms < m->clocks[best].due_ms))
            best = k;
    }
    return best;
}

/* ---- who ---- */

static bool
org_fits(
    const struct matter *m, const struct loop_selector *s,
    const struct matter_actor *by, const struct org_table *orgs)
{
    if (s->org_kinds) {
        const struct org *o = orgs ? org_get(orgs, by->org) : NULL;
        if (!o || !(s->org_kinds >> o->kind & 1))
            return false;
    }
    switch (s->org) {
    case LOOP_ORG_OWNER:
        return by->org.v == m->org.v;
    case LOOP_ORG_ABOVE:
        return orgs && org_covers(orgs, by->org, m->org);
    case LOOP_ORG_HANDED_BY:
        return m->path_n && by->org.v == m->path[m->path_n - 1].v;
    default:
        return true;
    }
}

static bool
who_fits(const struct matter *m, uint8_t who, const struct matter_actor *by)
{
    switch (who) {
    case LOOP_WHO_OWNER:
        return m->owner.v && by->user.v == m->owner.v;
    case LOOP_WHO_PREVIOUS:
        return m->previous.v && by->user.v == m->previous.v;
    case LOOP_WHO_NOT_PREVIOUS:
        return by->user.v != m->previous.v;
    case LOOP_WHO_OPENER:
        return m->opener.v && by->user.v == m->opener.v;
    case LOOP_WHO_NOT_OPENER:
        return by->user.v != m->opener.v;
    case LOOP_WHO_CREW:
        return m->unit.v && by->unit.v == m->unit.v;
    default:
        return true;
    }
}

bool
matter_holds(
    const struct matter *m, unsigned role, const struct matter_actor *by,
    const struct org_table *orgs)
{
    const struct loop_role *r = &m->def->roles[role];
    for (unsigned i = 0; i < r->any_of_n; i++) {
        const struct loop_selector *s = &r->any_of[i];
        if ((s->posts & by->roles) && org_fits(m, s, by, orgs) &&
            who_fits(m, s->who, by))
            return true;
    }
    return false;
}

bool
matter_mine(
    const struct matter *m, const struct matter_actor *by, const struct org_table *orgs)
{
    if ((m->owner.v && m->owner.v == by->user.v) ||
        (m->unit.v && m->unit.v == by->unit.v))
        return true;
    for (unsigned k = 0; k < m->def->clocks_n; k++)
        for (unsigned r = 0; r < m->def->roles_n; r++)
            if ((m->clocks[k].climbed >> r & 1) && matter_holds(m, r, by, orgs))
                return true;
    return false;
}

/* ---- values and gates ---- */

const struct matter_value *
matter_value(const struct matter *m, unsigned field)
{
    unsigned at = value_place(m, field);
    return at < m->values_n && m->values[at].field == field ? &m->values[at] : NULL;
}

struct loop_value
matter_value_of(const struct loop_def *def, const struct matter_value *v)
{
    struct loop_value out = {.kind = LOOP_V_NONE};
    switch (v ? v->type : 0) {
    case 0:
        break;
    case LOOP_FLAG:
        out = (struct loop_value){.kind = LOOP_V_FLAG, .flag = v->flag};
        break;
    case LOOP_NUMBER:
        out = (struct loop_value){.kind = LOOP_V_NUMBER, .number = v->number};
        break;
    case LOOP_TIME:
        out = (struct loop_value){.kind = LOOP_V_NUMBER, .number = (double)v->time_ms};
        break;
    case LOOP_CHOICE:
        out.kind = LOOP_V_TEXT;
        out.text = span_cstr(def->fields[v->field].options[v->id].value);
        break;
    case LOOP_UNIT:
    case LOOP_USER:
    case LOOP_ORG:
        out = (struct loop_value){.kind = LOOP_V_NUMBER, .number = (double)v->id};
        break;
    case LOOP_POINT:
    case LOOP_FILES: /* only has() may ask */
        out = (struct loop_value){.kind = LOOP_V_FLAG, .flag = true};
        break;
    default:
        out.kind = LOOP_V_TEXT;
        out.text = span_of(v->text.p, v->text.n);
        break;
    }
    return out;
}

struct reading {
    const struct matter *m;
    ts_ms now;
};

static struct loop_value
read_field(void *ctx, unsigned field)
{
    const struct reading *r = ctx;
    return matter_value_of(r->m->def, matter_value(r->m, field));
}

static int64_t
read_age(void *ctx, unsigned clock)
{
    const struct reading *r = ctx;
    return matter_consumed(&r->m->clocks[clock], r->now);
}

bool
matter_gate(const struct matter *m, unsigned gate, ts_ms now)
{
    struct reading r = {m, now};
    struct loop_facts f = {
        .ctx = &r,
        .field = read_field,
        .age = read_age,
        .now = now,
        .opened = m->opened_ms,
        .level = m->level,
        .handed = m->path_n,
        .sent = m->unit.v != 0,
    };
    return loop_expr_holds(m->def->gates[gate].when, &f);
}

bool
matter_stop_blocked(const struct matter *m, ts_ms now)
{
    bool open = m->def->states[m->state].kind != LOOP_TERMINAL;
    for (unsigned g = 0; open && g < m->def->gates_n; g++)
        if (m->def->gates[g].blocks_stop && !matter_gate(m, g, now))
            return true;
    return false;
}
