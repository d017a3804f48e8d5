/* SPDX-License-Identifier: Apache-2.0 */
/* What a move does: clocks, and the closed list of effects. */
#include "loops/draft.h"
#include "model/alarm.h"

#define EXTEND_MAX_MIN (366 * 24 * 60)

/* ---- clocks ---- */

static void
clock_start(struct draft *d, unsigned k)
{
    int64_t budget = d->def->clocks[k].budget_ms;
    d->clocks[k] = (struct matter_clock){
        .budget_ms = budget,
        .since_ms = d->env->now,
        .due_ms = d->env->now + budget,
        .state = CLOCK_RUNNING,
    };
    d->touched |= 1u << k;
}

/* Out of running (or pausing) into `state`, keeping what was consumed. */
static void
clock_leave(struct draft *d, unsigned k, enum matter_clock_state state)
{
    struct matter_clock *c = &d->clocks[k];
    c->consumed_ms = matter_consumed(c, d->env->now);
    c->since_ms = d->env->now;
    c->due_ms = 0;
    c->state = (uint8_t)state;
    if (state == CLOCK_STOPPED)
        c->climbed = 0;
    d->touched |= 1u << k;
}

static void
clock_run(struct draft *d, unsigned k)
{
    struct matter_clock *c = &d->clocks[k];
    c->since_ms = d->env->now;
    c->due_ms = d->env->now + c->budget_ms - c->consumed_ms;
    c->state = CLOCK_RUNNING;
    d->touched |= 1u << k;
}

static bool
clock_lives(const struct matter_clock *c)
{
    return c->state == CLOCK_RUNNING || c->state == CLOCK_PAUSED ||
           c->state == CLOCK_HELD;
}

/* What entering a state does to one clock. */
static void
clock_enter(struct draft *d, unsigned k, unsigned state)
{
    const struct loop_clock *def = &d->def->clocks[k];
    struct matter_clock *c = &d->clocks[k];
    uint64_t bit = UINT64_C(1) << state;
    if (d->def->states[state].kind == LOOP_TERMINAL || (def->stop_on & bit)) {
        if (clock_lives(c))
            clock_leave(d, k, CLOCK_STOPPED);
        return;
    }
    if (def->start_on & bit) {
        if (c->state == CLOCK_IDLE || !def->keep)
            clock_start(d, k);
        else if (c->state == CLOCK_STOPPED)
            clock_run(d, k);
    }
    if (c->state == CLOCK_RUNNING && (def->pause_in & bit))
        clock_leave(d, k, CLOCK_PAUSED);
    else if (c->state == CLOCK_PAUSED && !(def->pause_in & bit))
        clock_run(d, k);
}

void
draft_enter(struct draft *d, unsigned state)
{
    d->e.to = (uint16_t)state;
    for (unsigned k = 0; k < d->def->clocks_n; k++)
        clock_enter(d, k, state);
    uint32_t unit = d->e.has & MATTER_HAS_UNIT ? d->e.unit.v : d->m->unit.v;
    if (d->def->states[state].kind == LOOP_TERMINAL &&
        unit) { /* closing frees the unit */
        d->e.has |= MATTER_HAS_UNIT;
        d->e.freed.v = unit;
        d->e.unit.v = 0;
    }
}

/* ---- effects ---- */

static enum err
do_assign(struct draft *d, const struct loop_effect *fx)
{
    d->e.has |= MATTER_HAS_OWNER;
    d->e.owner.v = 0;
    if (fx->assignee == LOOP_TO_ACTOR)
        d->e.owner = d->e.by;
    else if (fx->assignee == LOOP_TO_FIELD)
        d->e.owner.v = (uint32_t)draft_id(d, fx->target);
    return OK;
}

static enum err
do_hand_down(struct draft *d, const struct loop_effect *fx)
{
    const struct loop_field *f = &d->def->fields[fx->target];
    struct org_id to = {(uint32_t)draft_id(d, fx->target)};
    const struct org *o = d->env->orgs ? org_get(d->env->orgs, to) : NULL;
    if (!o)
        return draft_field_missing(d, f);
    if (o->parent.v != d->m->org.v)
        return draft_field_wrong(
            d, f, "hand down one level at a time, to a unit directly below",
            "只能逐级下发到直属下级单位");
    if (d->m->path_n == MATTER_PATH)
        return note_set(
            d->note, ERR_GATE, f->name, "it was handed down as often as is possible",
            "已达到最大下发层级");
    d->e.has |= MATTER_HAS_ORG | MATTER_HAS_OWNER;
    d->e.org = to;
    d->e.path_op = 1;
    d->e.owner.v = 0;
    return OK;
}

static enum err
do_hand_back(struct draft *d)
{
    if (d->m->path_n == 0)
        return note_set(
            d->note, ERR_GATE, "", "nobody handed it down",
            "该事项并非上级下发，无法退回");
    d->e.has |= MATTER_HAS_ORG | MATTER_HAS_OWNER;
    d->e.org = d->m->path[d->m->path_n - 1];
    d->e.path_op = 2;
    d->e.owner.v = 0;
    return OK;
}

static enum err
do_dispatch(struct draft *d, const struct loop_effect *fx)
{
    const struct loop_field *f = &d->def->fields[fx->target];
    const struct loops_needs *needs = d->env->needs;
    struct unit_id id = {(uint32_t)draft_id(d, fx->target)};
    struct loops_unit u;
    if (!id.v)
        return draft_field_missing(d, f);
    if (!needs || !needs->unit(needs->ctx, id, d->m->lon, d->m->lat, &u))
        return draft_field_wrong(d, f, "there is no such unit", "没有这个警力单元");
    if (!d->env->orgs || !org_covers(d->env->orgs, d->m->org, u.org))
        return draft_field_wrong(
            d, f, "it belongs to another unit: hand the matter down or ask above",
            "该警力不属于本单位，请下发或报请上级");
    if (u.status != UNIT_READY && u.matter != d->m->id.v)
        return note_fmt(
            d->note, ERR_GATE, f->name, "%s is not available now", "%s 当前不可派",
            u.callsign);
    d->e.has |= MATTER_HAS_UNIT;
    d->e.unit = id;
    d->e.freed.v = d->m->unit.v == id.v ? 0 : d->m->unit.v;
    d->e.unit_dist_m = u.dist_m;
    d->e.unit_eta_s = u.eta_s;
    return OK;
}

static void
do_release(struct draft *d)
{
    if (!d->m->unit.v)
        return;
    d->e.has |= MATTER_HAS_UNIT;
    d->e.freed = d->m->unit;
    d->e.unit.v = 0;
}

static enum err
do_extend(struct draft *d, const struct loop_effect *fx)
{
    const struct loop_field *f = &d->def->fields[fx->field];
    const struct loop_clock *def = &d->def->clocks[fx->target];
    struct matter_clock *c = &d->clocks[fx->target];
    const struct matter_value *v = draft_value(d, fx->field);
    double minutes = v && v->type ? v->number : 0;
    if (!(minutes >= 1 && minutes <= EXTEND_MAX_MIN))
        return draft_field_wrong(
            d, f, "1 minute to 366 days", "应在 1 分钟到 366 天之间");
    if (!clock_lives(c))
        return note_fmt(
            d->note, ERR_GATE, f->name, "the clock \"%s\" does not run",
            "时限“%2$s”未在计时", def->label.en, def->label.zh);
    c->budget_ms += (int64_t)minutes * 60000;
    if (c->state == CLOCK_RUNNING)
        c->due_ms = c->since_ms + c->budget_ms - c->consumed_ms;
    for (unsigned i = 0; i < def->rungs_n;
         i++) /* what lies ahead again may fire again */
        if (c->state != CLOCK_RUNNING || matter_rung_due(def, c, i) > d->env->now)
            c->fired &= ~(1u << i);
    if (c->state != CLOCK_RUNNING || c->due_ms > d->env->now)
        c->climbed = 0;
    d->touched |= 1u << fx->target;
    return OK;
}

static void
do_clock(struct draft *d, const struct loop_effect *fx)
{
    struct matter_clock *c = &d->clocks[fx->target];
    if (fx->kind == LOOP_CLOCK_START)
        clock_start(d, fx->target);
    else if (fx->kind == LOOP_CLOCK_STOP && clock_lives(c))
        clock_leave(d, fx->target, CLOCK_STOPPED);
    else if (fx->kind == LOOP_CLOCK_PAUSE && clock_lives(c))
        clock_leave(d, fx->target, CLOCK_HELD);
    else if (
        fx->kind == LOOP_CLOCK_RESUME &&
        (c->state == CLOCK_HELD || c->state == CLOCK_PAUSED))
        clock_run(d, fx->target);
}

static void
do_set(struct draft *d, const struct loop_effect *fx)
{
    const struct loop_field *f = &d->def->fields[fx->target];
    struct loop_facts facts = draft_facts(d);
    struct loop_value x = loop_expr_eval(fx->value, &facts);
    struct matter_value v = {.field = fx->target, .type = x.kind ? f->type : 0};
    int option;
    switch (v.type) {
    case 0:
        break;
    case LOOP_FLAG:
        v.flag = x.flag;
        break;
    case LOOP_NUMBER:
        v.number = x.number;
        break;
    case LOOP_TIME:
        v.time_ms = (int64_t)x.number;
        break;
    case LOOP_CHOICE:
        option = loop_option_find(f, x.text);
        v.id = option < 0 ? 0 : (uint64_t)option;
        v.type = option < 0 ? 0 : v.type;
        break;
    default:
        v.text.p = x.text.p;
        v.text.n = (uint32_t)x.text.n;
        break;
    }
    draft_set(d, v);
}

static void
do_count(struct draft *d, const struct loop_effect *fx)
{
    const struct matter_value *v = draft_value(d, fx->target);
    if (!v || !v->type)
        return;
    d->e.has |= MATTER_HAS_OUTCOME;
    d->e.outcome_field = (int16_t)fx->target;
    d->e.outcome = (int16_t)v->id;
    d->e.verdict = d->def->fields[fx->target].options[v->id].verdict;
}

static void
do_raise(struct draft *d)
{
    uint8_t level = d->e.has & MATTER_HAS_LEVEL ? d->e.level : d->m->level;
    d->e.has |= MATTER_HAS_LEVEL;
    d->e.level = level < LEVEL_RED ? (uint8_t)(level + 1) : (uint8_t)LEVEL_RED;
}

static void
do_notice(struct draft *d, const struct loop_effect *fx, bool rung, unsigned number)
{
    must(d->e.notices_n < MATTER_NOTICES);
    bool climb = fx->kind == LOOP_CLIMB;
    d->e.notices[d->e.notices_n++] = (struct matter_notice){
        .role = fx->target, .climb = climb, .rung = rung, .effect = (uint8_t)number};
    if (climb)
        d->clocks[d->e.clock].climbed |= 1u << fx->target;
}

enum err
draft_effect(struct draft *d, const struct loop_effect *fx, bool rung, unsigned number)
{
    switch (fx->kind) {
    case LOOP_ASSIGN:
        return do_assign(d, fx);
    case LOOP_HAND_DOWN:
        return do_hand_down(d, fx);
    case LOOP_HAND_BACK:
        return do_hand_back(d);
    case LOOP_DISPATCH:
        return do_dispatch(d, fx);
    case LOOP_CLOCK_EXTEND:
        return do_extend(d, fx);
    case LOOP_RELEASE:
        do_release(d);
        break;
    case LOOP_UNIT_IS:
        if (d->m->unit.v) {
            d->e.has |= MATTER_HAS_STATUS;
            d->e.status = (uint8_t)fx->target;
        }
        break;
    case LOOP_SET:
        do_set(d, fx);
        break;
    case LOOP_COUNT:
        do_count(d, fx);
        break;
    case LOOP_RAISE:
        do_raise(d);
        break;
    case LOOP_NOTIFY:
    case LOOP_CLIMB:
        do_notice(d, fx, rung, number);
        break;
    case LOOP_MOVE: /* matter_fire() makes it behind the other effects */
        break;
    default:
        do_clock(d, fx);
        break;
    }
    return OK;
}
