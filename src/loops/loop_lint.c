/* SPDX-License-Identifier: Apache-2.0 */
/* What can be read but cannot be meant. Reachability is worked out as bit sets of
 * states, so every check is a few loops over small tables. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loops/loop_expr.h"
#include "model/user.h"

struct lint {
    const struct loop_def *d;
    void (*tell)(void *ctx, const struct loop_finding *f);
    void *ctx;
    size_t errors;
};

#define ANY_STATE (~UINT64_C(0))

static void
say(struct lint *l, bool error, struct loop_pos pos, const char *path, const char *en,
    const char *zh, ...)
{
    struct loop_finding f = {
        .error = error, .file = l->d->file, .pos = pos, .path = path};
    va_list ap, again;
    va_start(ap, zh);
    va_copy(again, ap);
    vsnprintf(f.en, sizeof f.en, en, ap);
    vsnprintf(f.zh, sizeof f.zh, zh, again);
    va_end(again);
    va_end(ap);
    l->errors += error;
    l->tell(l->ctx, &f);
}

static const char *
path_of(char dst[80], const char *section, const char *name)
{
    snprintf(dst, 80, "%s.%s", section, name);
    return dst;
}

static uint64_t
bit(unsigned n)
{
    return UINT64_C(1) << n;
}

/* ---- walking the states ---- */

static bool
leads(const struct loop_move *m)
{
    return !m->stays;
}

/* All states reached from `set` without leaving those of `within`, `set` included. */
static uint64_t
reach(const struct loop_def *d, uint64_t set, uint64_t within)
{
    for (uint64_t before = 0; before != set;) {
        before = set;
        for (unsigned i = 0; i < d->moves_n; i++)
            if (leads(&d->moves[i]) && (d->moves[i].from & set & within))
                set |= bit(d->moves[i].to);
    }
    return set;
}

static uint64_t
terminals(const struct loop_def *d)
{
    uint64_t set = 0;
    for (unsigned i = 0; i < d->states_n; i++)
        if (d->states[i].kind == LOOP_TERMINAL)
            set |= bit(i);
    return set;
}

static void
check_states(struct lint *l)
{
    const struct loop_def *d = l->d;
    uint64_t reached = reach(d, bit(d->start), ANY_STATE), ends = terminals(d);
    char path[80];
    for (unsigned i = 0; i < d->states_n; i++) {
        const struct loop_state *s = &d->states[i];
        const char *at = path_of(path, "states", s->name);
        if (!(reached & bit(i)))
            say(l, true, s->pos, at,
                "no way leads to state %1$s from the start: add a move to it or take "
                "it out",
                "从起始状态无法到达状态 %1$s：请增加通向它的操作，或删除该状态",
                s->name);
        else if (!(ends & bit(i)) && !(reach(d, bit(i), ANY_STATE) & ends))
            say(l, true, s->pos, at,
                "state %1$s has no way out to an end: add a move or make it terminal",
                "状态 %1$s 无法走到终止状态：请增加操作或设为 terminal", s->name);
        if ((ends & bit(i)) && s->open)
            say(l, true, s->pos, at,
                "terminal state %1$s is shown as open to the public",
                "终止状态 %1$s 对外却显示为未办结", s->name);
    }
    if (!ends)
        say(l, true, d->states[d->start].pos, "states", "no state is terminal",
            "没有终止状态");
}

/* ---- clocks and ladders ---- */

static bool
started_by_effect(const struct loop_def *d, unsigned clock)
{
    for (unsigned i = 0; i < d->moves_n; i++)
        for (unsigned k = 0; k < d->moves[i].effects_n; k++)
            if (d->moves[i].effects[k].kind == LOOP_CLOCK_START &&
                d->moves[i].effects[k].target == clock)
                return true;
    return false;
}

/* States in which a clock may run. */
static uint64_t
runs_in(const struct loop_def *d, unsigned clock)
{
    const struct loop_clock *c = &d->clocks[clock];
    uint64_t end = c->stop_on | terminals(d);
    uint64_t from = started_by_effect(d, clock) ? ANY_STATE : c->start_on;
    return reach(d, from & ~end, ~end) & ~end & ~c->pause_in;
}

static void
check_clock(struct lint *l, unsigned n)
{
    const struct loop_def *d = l->d;
    const struct loop_clock *c = &d->clocks[n];
    uint64_t all = d->states_n == 64 ? ANY_STATE : bit(d->states_n) - 1;
    uint64_t end = (c->stop_on & all) | terminals(d);
    char path[80];
    const char *at = path_of(path, "clocks", c->name);
    uint64_t reached = reach(d, bit(d->start), ANY_STATE);
    if (!(c->start_on & reached) && !started_by_effect(d, n)) {
        say(l, true, c->pos, at, "clock %1$s is never started", "时限 %1$s 从不启动",
            c->name);
        return;
    }
    if (c->start_on & c->stop_on)
        say(l, true, c->pos, at, "clock %1$s starts and stops in the same state",
            "时限 %1$s 在同一状态既启动又停止", c->name);
    for (unsigned i = 0; i < d->states_n; i++)
        if ((c->start_on & bit(i) & ~end) && !(reach(d, bit(i), ANY_STATE) & end))
            say(l, true, c->pos, at,
                "clock %1$s is never stopped once state %2$s starts it",
                "时限 %1$s 由状态 %2$s 启动后从不停止", c->name, d->states[i].name);
    if (c->rungs_n == 0)
        say(l, false, c->pos, at,
            "clock %1$s has no ladder: nobody is told when it runs out",
            "时限 %1$s 没有梯级：到期无人知晓", c->name);
}

static void
check_rung(struct lint *l, unsigned clock, unsigned n)
{
    const struct loop_def *d = l->d;
    const struct loop_clock *c = &d->clocks[clock];
    const struct loop_rung *r = &c->rungs[n];
    char path[80];
    const char *at = path_of(path, "ladders", c->name);
    uint64_t runs = runs_in(d, clock);
    if (c->budget_ms * r->percent / 100 + r->offset_ms <= 0)
        say(l, true, r->pos, at, "this rung is due before the clock starts",
            "该梯级在时限启动之前就到期");
    if (!runs)
        say(l, true, r->pos, at, "this rung cannot fire: clock %1$s never runs",
            "该梯级不会触发：时限 %1$s 从不计时", c->name);
    if (r->effects_n == 0)
        say(l, true, r->pos, at, "this rung does nothing", "该梯级没有任何效果");
    for (unsigned i = 0; i < r->effects_n; i++)
        if (r->effects[i].kind == LOOP_MOVE &&
            !(d->moves[r->effects[i].target].from & runs))
            say(l, true, r->pos, at,
                "move %1$s of this rung cannot happen: it starts in no state in which "
                "clock "
                "%2$s runs",
                "该梯级的操作 %1$s 不会发生：时限 %2$s 计时的状态都不在其 from 中",
                d->moves[r->effects[i].target].name, c->name);
}

static void
check_clocks(struct lint *l)
{
    for (unsigned k = 0; k < l->d->clocks_n; k++) {
        check_clock(l, k);
        for (unsigned i = 0; i < l->d->clocks[k].rungs_n; i++)
            check_rung(l, k, i);
    }
}

/* A matter that waits for somebody without a clock is forgotten. */
static void
check_watched(struct lint *l)
{
    const struct loop_def *d = l->d;
    uint64_t watched = 0;
    char path[80];
    for (unsigned k = 0; k < d->clocks_n; k++)
        watched |= runs_in(d, k);
    for (unsigned i = 0; d->clocks_n && i < d->states_n; i++)
        if (d->states[i].kind != LOOP_TERMINAL && d->states[i].kind != LOOP_SUSPENDED &&
            !(watched & bit(i)))
            say(l, false, d->states[i].pos, path_of(path, "states", d->states[i].name),
                "no clock runs in state %1$s: it can be forgotten",
                "状态 %1$s 没有时限在计时：事项可能被遗忘", d->states[i].name);
}

/* ---- roles ---- */

static bool
any_effect(const struct loop_def *d, uint8_t kind)
{
    for (unsigned i = 0; i < d->moves_n; i++)
        for (unsigned k = 0; k < d->moves[i].effects_n; k++)
            if (d->moves[i].effects[k].kind == kind)
                return true;
    return false;
}

static bool
can_be_held(const struct loop_def *d, const struct loop_selector *s)
{
    unsigned working = ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR;
    if (!(s->posts & working))
        return false;
    if (s->org == LOOP_ORG_HANDED_BY && !any_effect(d, LOOP_HAND_DOWN))
        return false;
    if (s->who == LOOP_WHO_CREW && !any_effect(d, LOOP_DISPATCH))
        return false;
    return s->who != LOOP_WHO_OWNER || any_effect(d, LOOP_ASSIGN);
}

static bool
role_used_in(const struct loop_effect *fx, unsigned n, unsigned role)
{
    for (unsigned i = 0; i < n; i++)
        if ((fx[i].kind == LOOP_NOTIFY || fx[i].kind == LOOP_CLIMB) &&
            fx[i].target == role)
            return true;
    return false;
}

static bool
role_used(const struct loop_def *d, unsigned role)
{
    bool used = d->openers >> role & 1;
    for (unsigned i = 0; i < d->moves_n; i++)
        used = used || (d->moves[i].roles >> role & 1) ||
               role_used_in(d->moves[i].effects, d->moves[i].effects_n, role);
    for (unsigned k = 0; k < d->clocks_n; k++)
        for (unsigned i = 0; i < d->clocks[k].rungs_n; i++)
            used = used || role_used_in(
                               d->clocks[k].rungs[i].effects,
                               d->clocks[k].rungs[i].effects_n, role);
    return used;
}

static void
check_roles(struct lint *l)
{
    char path[80];
    for (unsigned r = 0; r < l->d->roles_n; r++) {
        const struct loop_role *role = &l->d->roles[r];
        const char *at = path_of(path, "roles", role->name);
        bool held = false;
        for (unsigned i = 0; i < role->any_of_n; i++)
            held = held || can_be_held(l->d, &role->any_of[i]);
        if (!held)
            say(l, true, role->pos, at,
                "nobody can hold role %1$s: its post does not work matters, or nothing "
                "in this "
                "loop makes anybody fit",
                "没有人能担任角色 "
                "%1$s：所列岗位不办理事项，或本闭环中不会出现符合条件的人",
                role->name);
        if (!role_used(l->d, r))
            say(l, false, role->pos, at, "role %1$s is not used", "角色 %1$s 未被使用",
                role->name);
    }
}

/* ---- fields ---- */

static bool
asked(const struct loop_ask *asks, unsigned n, unsigned field, bool required)
{
    for (unsigned i = 0; i < n; i++)
        if (asks[i].field == field && (asks[i].required || !required))
            return true;
    return false;
}

static bool
set_by(const struct loop_effect *fx, unsigned n, unsigned field)
{
    for (unsigned i = 0; i < n; i++)
        if (fx[i].kind == LOOP_SET && fx[i].target == field)
            return true;
    return false;
}

/* Can the field ever have a value? */
static bool
field_filled(const struct loop_def *d, unsigned field)
{
    bool filled = d->fields[field].input || asked(d->asks, d->asks_n, field, false);
    for (unsigned i = 0; i < d->moves_n; i++)
        filled = filled || asked(d->moves[i].asks, d->moves[i].asks_n, field, false) ||
                 set_by(d->moves[i].effects, d->moves[i].effects_n, field);
    for (unsigned k = 0; k < d->clocks_n; k++)
        for (unsigned i = 0; i < d->clocks[k].rungs_n; i++)
            filled = filled || set_by(
                                   d->clocks[k].rungs[i].effects,
                                   d->clocks[k].rungs[i].effects_n, field);
    return filled;
}

static void
check_fields(struct lint *l)
{
    const struct loop_def *d = l->d;
    char path[80];
    for (unsigned f = 0; f < d->fields_n; f++) {
        if (field_filled(d, f))
            continue;
        say(l, false, d->fields[f].pos, path_of(path, "fields", d->fields[f].name),
            "nothing ever fills field %1$s", "字段 %1$s 从未被填写", d->fields[f].name);
        for (unsigned g = 0; g < d->gates_n; g++)
            if (loop_expr_uses(d->gates[g].when, f))
                say(l, true, d->gates[g].pos, path_of(path, "gates", d->gates[g].name),
                    "gate %1$s asks for field %2$s, which nothing ever fills",
                    "条件 %1$s 依赖字段 %2$s，但该字段从未被填写", d->gates[g].name,
                    d->fields[f].name);
    }
}

static void
check_gates(struct lint *l)
{
    const struct loop_def *d = l->d;
    char path[80];
    for (unsigned g = 0; g < d->gates_n; g++) {
        bool used = false;
        for (unsigned i = 0; i < d->moves_n; i++)
            for (unsigned k = 0; k < d->moves[i].gates_n; k++)
                used = used || d->moves[i].gates[k] == g;
        if (!used)
            say(l, false, d->gates[g].pos, path_of(path, "gates", d->gates[g].name),
                "gate %1$s is not used", "条件 %1$s 未被使用", d->gates[g].name);
    }
}

/* ---- moves ---- */

/* The field an effect takes from the form, or -1. */
static int
form_field(const struct loop_effect *fx)
{
    switch (fx->kind) {
    case LOOP_HAND_DOWN:
    case LOOP_DISPATCH:
    case LOOP_COUNT:
        return fx->target;
    case LOOP_CLOCK_EXTEND:
        return fx->field;
    case LOOP_ASSIGN:
        return fx->assignee == LOOP_TO_FIELD ? (int)fx->target : -1;
    default:
        return -1;
    }
}

static void
check_move(struct lint *l, unsigned n)
{
    const struct loop_def *d = l->d;
    const struct loop_move *m = &d->moves[n];
    char path[80];
    const char *at = path_of(path, "moves", m->name);
    bool counts = false;
    for (unsigned i = 0; i < m->effects_n; i++) {
        int f = form_field(&m->effects[i]);
        counts = counts || m->effects[i].kind == LOOP_COUNT;
        if (f >= 0 && !asked(m->asks, m->asks_n, (unsigned)f, true) &&
            !set_by(m->effects, i, (unsigned)f))
            say(l, true, m->pos, at,
                "an effect works on field %1$s: ask for it in the form of this move",
                "效果使用字段 %1$s，请在本操作的 form 中设为必填", d->fields[f].name);
    }
    if (m->on == LOOP_ON_ACTION && leads(m) && !counts && any_effect(d, LOOP_COUNT) &&
        d->states[m->to].kind == LOOP_TERMINAL)
        say(l, true, m->pos, at,
            "this move ends the matter without an outcome that counts",
            "该操作终止事项却没有计入结果");
    for (unsigned o = 0; m->key && o < n; o++)
        if (d->moves[o].key && d->moves[o].key[0] == m->key[0] &&
            (d->moves[o].from & m->from))
            say(l, true, m->pos, at, "key %1$s belongs to move %2$s in the same state",
                "快捷键 %1$s 在同一状态已用于操作 %2$s", m->key, d->moves[o].name);
    if (m->on != LOOP_ON_TIMER)
        return;
    bool made = false;
    for (unsigned k = 0; k < d->clocks_n; k++)
        for (unsigned i = 0; i < d->clocks[k].rungs_n; i++)
            for (unsigned e = 0; e < d->clocks[k].rungs[i].effects_n; e++)
                made = made || (d->clocks[k].rungs[i].effects[e].kind == LOOP_MOVE &&
                                d->clocks[k].rungs[i].effects[e].target == n);
    if (!made)
        say(l, true, m->pos, at, "no rung makes timer move %1$s",
            "没有梯级触发定时操作 %1$s", m->name);
}

size_t
loop_lint(
    const struct loop_def *d, void (*tell)(void *ctx, const struct loop_finding *f),
    void *ctx)
{
    struct lint l = {.d = d, .tell = tell, .ctx = ctx};
    check_states(&l);
    check_clocks(&l);
    check_watched(&l);
    check_roles(&l);
    check_fields(&l);
    check_gates(&l);
    for (unsigned i = 0; i < d->moves_n; i++)
        check_move(&l, i);
    return l.errors;
}
