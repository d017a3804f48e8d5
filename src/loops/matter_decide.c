/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding: who may, whether it is possible now, and what comes of it. Whatever is
 * resolved on the way (unit, distance, node, due time) goes into the draft; a draft
 * that passes every check is encoded, one that does not leaves nothing behind. */
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "loops/draft.h"
#include "model/alarm.h"

/* ---- moves ---- */

static bool
gate_open(struct draft *d, unsigned gate)
{
    struct loop_facts f = draft_facts(d);
    return loop_expr_holds(d->def->gates[gate].when, &f);
}

/* The first gate of a move that is closed, or NULL. */
static const struct loop_gate *
closed_gate(struct draft *d, const struct loop_move *mv)
{
    for (unsigned i = 0; i < mv->gates_n; i++)
        if (!gate_open(d, mv->gates[i]))
            return &d->def->gates[mv->gates[i]];
    return NULL;
}

/* Effects of a move, then the state it leads to. */
static enum err
make(struct draft *d, unsigned move)
{
    const struct loop_move *mv = &d->def->moves[move];
    d->e.move = (int16_t)move;
    for (unsigned i = 0; i < mv->effects_n; i++) {
        enum err e = draft_effect(d, &mv->effects[i], false, i);
        if (e)
            return e;
    }
    if (!mv->stays)
        draft_enter(d, mv->to);
    return OK;
}

static int
role_used(const struct draft *d, const struct loop_move *mv)
{
    for (unsigned r = 0; r < d->def->roles_n; r++)
        if ((mv->roles >> r & 1) && matter_holds(d->m, r, d->by, d->env->orgs))
            return (int)r;
    return -1;
}

static enum err
denied(struct draft *d, const struct loop_move *mv)
{
    char en[160] = "", zh[160] = "";
    for (unsigned r = 0; r < d->def->roles_n; r++) {
        if (!(mv->roles >> r & 1))
            continue;
        size_t a = strlen(en), b = strlen(zh);
        snprintf(
            en + a, sizeof en - a, "%s%s", a ? ", " : "", d->def->roles[r].label.en);
        snprintf(
            zh + b, sizeof zh - b, "%s%s", b ? "、" : "", d->def->roles[r].label.zh);
    }
    return note_fmt(
        d->note, ERR_DENIED, "move", "\"%1$s\" is for: %3$s", "“%2$s”仅限：%4$s",
        mv->label.en, mv->label.zh, en, zh);
}

static enum err
decide_move(struct draft *d, unsigned move, const json_t *fields)
{
    const struct loop_move *mv = &d->def->moves[move];
    const struct loop_state *now = &d->def->states[d->m->state];
    int role = role_used(d, mv);
    if (role < 0)
        return denied(d, mv);
    if (!(mv->from >> d->m->state & 1)) {
        enum err wrong = note_fmt(
            d->note, ERR_GATE, "move", "\"%1$s\" is not possible while it is: %3$s",
            "当前状态“%4$s”下不能“%2$s”", mv->label.en, mv->label.zh, now->label.en,
            now->label.zh);
        return note_code(d->note, wrong, "state");
    }
    d->e.role = (int16_t)role;
    enum err e = draft_read_form(d, mv->asks, mv->asks_n, fields, false);
    if (e)
        return e;
    const struct loop_gate *gate = closed_gate(d, mv);
    if (gate)
        return note_set(d->note, ERR_GATE, gate->name, gate->text.en, gate->text.zh);
    return make(d, move);
}

enum err
matter_move(
    const struct matter *m, struct span move, uint32_t seq, const json_t *fields,
    const struct matter_actor *by, const struct loops_env *env, struct buf *event,
    struct note *note)
{
    must(m->def);
    int n = loop_move_find(m->def, move);
    if (n < 0 || m->def->moves[n].on != LOOP_ON_ACTION)
        return note_fmt(
            note, ERR_NOTFOUND, "move", "there is no move \"%.*s\"", "没有操作“%.*s”",
            (int)(move.n < 40 ? move.n : 40), move.p);
    if (seq != m->seq)
        return note_set(
            note, ERR_CONFLICT, "seq",
            "somebody moved it in the meantime: look again, what you typed is kept",
            "事项已被他人处理，请查看最新状态，已填内容会保留");
    struct draft d;
    draft_init(&d, m, MATTER_MOVED, by, env, note);
    return draft_end(&d, decide_move(&d, (unsigned)n, fields), event);
}

enum err
matter_tell(
    const struct matter *m, struct span message, const json_t *fields, uint8_t level,
    const struct loops_env *env, struct buf *event, struct note *note)
{
    must(m->def && level <= LEVEL_RED);
    for (unsigned i = 0; i < m->def->moves_n; i++) {
        const struct loop_move *mv = &m->def->moves[i];
        if (mv->on != LOOP_ON_MESSAGE || !span_eq_cstr(message, mv->message) ||
            !(mv->from >> m->state & 1))
            continue;
        struct draft d;
        draft_init(&d, m, MATTER_TOLD, NULL, env, note);
        if (level && level != m->level) {
            d.e.has |= MATTER_HAS_LEVEL;
            d.e.level = level;
        }
        enum err e = draft_read_form(&d, mv->asks, mv->asks_n, fields, true);
        if (!e && closed_gate(&d, mv)) {
            arena_release(&d.arena);
            continue;
        }
        return draft_end(&d, e ? e : make(&d, i), event);
    }
    return OK;
}

/* ---- rungs ---- */

/* The earliest rung that is due at now; false when there is none. */
static bool
due_rung(const struct matter *m, ts_ms now, unsigned *clock, unsigned *rung)
{
    ts_ms best = INT64_MAX;
    for (unsigned k = 0; k < m->def->clocks_n; k++) {
        const struct matter_clock *c = &m->clocks[k];
        for (unsigned i = 0; c->state == CLOCK_RUNNING && i < m->def->clocks[k].rungs_n;
             i++) {
            ts_ms at = matter_rung_due(&m->def->clocks[k], c, i);
            if ((c->fired >> i & 1) || at > now || at >= best)
                continue;
            best = at;
            *clock = k;
            *rung = i;
        }
    }
    return best != INT64_MAX;
}

/* The move a rung makes, when it is possible here; -1 otherwise. */
static int
rung_move(struct draft *d, const struct loop_rung *r)
{
    for (unsigned i = 0; i < r->effects_n; i++) {
        if (r->effects[i].kind != LOOP_MOVE)
            continue;
        const struct loop_move *mv = &d->def->moves[r->effects[i].target];
        if ((mv->from >> d->m->state & 1) && !closed_gate(d, mv))
            return r->effects[i].target;
    }
    return -1;
}

enum err
matter_fire(const struct matter *m, const struct loops_env *env, struct buf *event)
{
    unsigned k = 0, i = 0;
    if (!m->def || !due_rung(m, env->now, &k, &i))
        return OK;
    struct draft d;
    draft_init(&d, m, MATTER_RUNG, NULL, env, NULL);
    const struct loop_rung *r = &m->def->clocks[k].rungs[i];
    d.e.clock = (int16_t)k;
    d.e.rung = (int16_t)i;
    d.clocks[k].fired |= 1u << i;
    d.touched |= 1u << k;
    enum err e = OK;
    for (unsigned n = 0; n < r->effects_n && !e; n++)
        e = draft_effect(&d, &r->effects[n], true, n);
    int move = e ? -1 : rung_move(&d, r);
    if (move >= 0)
        e = make(&d, (unsigned)move);
    return draft_end(&d, e, event);
}

/* ---- opening ---- */

enum err
matter_may_open(
    const struct loop_def *def, const struct matter_actor *by, struct note *note)
{
    for (unsigned r = 0; def->by_hand && r < def->roles_n; r++)
        for (unsigned i = 0; (def->openers >> r & 1) && i < def->roles[r].any_of_n; i++)
            if (def->roles[r].any_of[i].posts & by->roles)
                return OK;
    return note_fmt(
        note, ERR_DENIED, "kind", "you may not open \"%1$s\" by hand",
        "当前角色不能手工新建“%2$s”", def->title.en, def->title.zh);
}

static enum err
opening_fits(const struct matter_opening *o, struct note *note)
{
    size_t chars = utf8_count(o->title);
    if (chars < 1 || chars > 200 || !utf8_valid(o->title))
        return note_set(
            note, ERR_INPUT, "title", "a title of 1 to 200 characters is needed",
            "标题应为 1 到 200 个字符");
    if (o->place.n > MATTER_TEXT_MAX || !utf8_valid(o->place))
        return note_set(note, ERR_INPUT, "place", "the place is too long", "地点过长");
    if (o->level > LEVEL_RED)
        return note_set(
            note, ERR_INPUT, "level", "there is no such level", "没有这个等级");
    must(o->id.v && o->code.n < MATTER_CODE);
    return OK;
}

enum err
matter_open(
    const struct loop_def *def, const struct matter_opening *o,
    const struct matter_actor *by, const struct loops_env *env, struct buf *event,
    struct note *note)
{
    enum err e = opening_fits(o, note);
    if (e)
        return e;
    struct matter_clock none[LOOP_MAX_CLOCKS] = {0};
    struct matter empty = {
        /* what the first event starts from */
        .id = o->id,         .def = def,
        .state = def->start, .clocks = none,
        .org = o->org,       .level = o->level ? o->level : (uint8_t)LEVEL_BLUE,
        .lon = o->lon,       .lat = o->lat};
    struct draft d;
    draft_init(&d, &empty, MATTER_OPENED, by, env, note);
    d.e.opening = *o;
    d.e.opening.level = empty.level;
    if (o->inputs)
        e = draft_read_inputs(&d, o->fields);
    else
        e = draft_read_form(&d, def->asks, def->asks_n, o->fields, false);
    if (by && !o->inputs) { /* who opens one by hand owns it */
        d.e.has |= MATTER_HAS_OWNER;
        d.e.owner = by->user;
    }
    if (!e)
        draft_enter(&d, def->start);
    return draft_end(&d, e, event);
}
