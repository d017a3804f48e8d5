/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding: a draft of the event is made beside the matter, which is only read.
 * Whatever is resolved on the way (unit, distance, node, due time) goes into the draft;
 * a draft that passes every check is encoded, one that does not leaves nothing behind.
 */
#include "loops/matter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/text.h"
#include "loops/matter_facts.h"
#include "model/alarm.h"
#include "model/plate.h"

#define DRAFT_CAP (256u << 10)
#define EXTEND_MAX_MIN (366 * 24 * 60)

struct draft {
    const struct matter *m; /* as it stands */
    const struct loop_def *def;
    const struct matter_actor *by; /* NULL: the machine */
    const struct loops_env *env;
    struct note *note;
    struct arena arena;
    struct matter_event e;
    struct matter_clock clocks[LOOP_MAX_CLOCKS]; /* as they will stand */
    uint32_t touched;                            /* bits by clock */
};

static void
draft_init(
    struct draft *d, const struct matter *m, enum matter_event_kind kind,
    const struct matter_actor *by, const struct loops_env *env, struct note *note)
{
    memset(d, 0, sizeof *d);
    d->m = m;
    d->def = m->def;
    d->by = by;
    d->env = env;
    d->note = note;
    arena_init(&d->arena, DRAFT_CAP);
    memcpy(d->clocks, m->clocks, m->def->clocks_n * sizeof d->clocks[0]);
    d->e.kind = (uint8_t)kind;
    d->e.seq = m->seq + 1;
    d->e.at_ms = env->now;
    d->e.by = by ? by->user : (struct user_id){0};
    d->e.posts = by ? by->roles : 0;
    d->e.role = d->e.move = d->e.clock = d->e.rung = -1;
    d->e.outcome = d->e.outcome_field = -1;
    d->e.from = d->e.to = m->state;
    d->e.unit_dist_m = d->e.unit_eta_s = -1;
}

/* Ends a draft: its bytes when err is OK. */
static enum err
draft_end(struct draft *d, enum err err, struct buf *event)
{
    if (!err) {
        for (unsigned k = 0; k < d->def->clocks_n; k++) {
            if (!(d->touched >> k & 1))
                continue;
            struct matter_event_clock *c = &d->e.clocks[d->e.clocks_n++];
            c->n = (uint8_t)k;
            c->c = d->clocks[k];
        }
        matter_event_encode(event, d->def, &d->e);
        if (event->bad)
            err = note_set(d->note, ERR_NOMEM, "", "out of memory", "内存不足");
    }
    arena_release(&d->arena);
    return err;
}

/* ---- the values of a draft ---- */

static const struct matter_value *
draft_value(const struct draft *d, unsigned field)
{
    for (unsigned i = d->e.values_n; i--;)
        if (d->e.values[i].field == field)
            return &d->e.values[i];
    return matter_value(d->m, field);
}

static void
draft_set(struct draft *d, struct matter_value v)
{
    for (unsigned i = 0; i < d->e.values_n; i++) {
        if (d->e.values[i].field == v.field) {
            d->e.values[i] = v;
            return;
        }
    }
    must(d->e.values_n < LOOP_MAX_FIELDS);
    d->e.values[d->e.values_n++] = v;
}

/* The id a field of a form holds; 0 none. */
static uint64_t
draft_id(const struct draft *d, unsigned field)
{
    const struct matter_value *v = draft_value(d, field);
    return v && v->type ? v->id : 0;
}

static struct loop_value
facts_field(void *ctx, unsigned field)
{
    const struct draft *d = ctx;
    return matter_value_of(d->def, draft_value(d, field));
}

static int64_t
facts_age(void *ctx, unsigned clock)
{
    const struct draft *d = ctx;
    return matter_consumed(&d->clocks[clock], d->env->now);
}

static struct loop_facts
facts_of(struct draft *d)
{
    return (struct loop_facts){
        .ctx = d,
        .field = facts_field,
        .age = facts_age,
        .now = d->env->now,
        .opened = d->m->seq ? d->m->opened_ms : d->env->now,
        .level = d->e.has & MATTER_HAS_LEVEL ? d->e.level : d->m->level,
        .handed = d->m->path_n,
        .sent = (d->e.has & MATTER_HAS_UNIT ? d->e.unit.v : d->m->unit.v) != 0,
    };
}

/* ---- forms ---- */

static enum err
field_wrong(struct draft *d, const struct loop_field *f, const char *en, const char *zh)
{
    return note_fmt(
        d->note, ERR_INPUT, f->name, "%1$s: %3$s", "%2$s：%4$s", f->label.en,
        f->label.zh, en, zh);
}

static enum err
read_text(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    if (!json_is_string(j))
        return field_wrong(d, f, "a text is needed", "应填写文字");
    struct span s = span_trim(span_of(json_string_value(j), json_string_length(j)));
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool line_break = c == '\n' || c == '\r' || c == '\t';
        if (c == 0x7f || (c < 0x20 && !(line_break && f->type == LOOP_NOTE)))
            return field_wrong(
                d, f, "it holds characters that cannot be kept", "含有无法保存的字符");
    }
    double n = (double)utf8_count(s);
    if (f->type != LOOP_PLATE && n && (n < f->min || n > f->max))
        return note_fmt(
            d->note, ERR_INPUT, f->name, "%1$s: %3$.0f to %4$.0f characters",
            "%2$s：应为 %3$.0f 到 %4$.0f 个字符", f->label.en, f->label.zh, f->min,
            f->max);
    if (s.n > MATTER_TEXT_MAX)
        return field_wrong(d, f, "it is too long", "内容过长");
    if (f->type == LOOP_PLATE && s.n) {
        struct plate_pattern p;
        if (!plate_pattern_parse(s, &p))
            return field_wrong(d, f, "this is no plate", "不是有效的号牌");
    }
    v->text.p = s.p;
    v->text.n = (uint32_t)s.n;
    if (s.n == 0)
        v->type = 0;
    return OK;
}

static enum err
read_number(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    double x = json_is_number(j) ? json_number_value(j) : NAN;
    if (!isfinite(x))
        return field_wrong(d, f, "a number is needed", "应填写数字");
    if (x < f->min || x > f->max)
        return note_fmt(
            d->note, ERR_INPUT, f->name, "%1$s: %3$g to %4$g",
            "%2$s：应在 %3$g 到 %4$g 之间", f->label.en, f->label.zh, f->min, f->max);
    v->number = x;
    return OK;
}

static enum err
read_id(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    json_int_t id = json_is_integer(j) ? json_integer_value(j) : 0;
    if (id <= 0 || id > UINT32_MAX)
        return field_wrong(d, f, "choose one from the list", "请从列表中选择");
    const struct loops_needs *needs = d->env->needs;
    struct loops_unit unit;
    struct loops_user user;
    bool there = false;
    if (f->type == LOOP_UNIT)
        there = needs && needs->unit(
                             needs->ctx, (struct unit_id){(uint32_t)id}, d->m->lon,
                             d->m->lat, &unit);
    else if (f->type == LOOP_USER)
        there = needs && needs->user(needs->ctx, (struct user_id){(uint32_t)id}, &user);
    else
        there = d->env->orgs && org_get(d->env->orgs, (struct org_id){(uint32_t)id});
    if (!there)
        return field_wrong(d, f, "there is no such entry", "所选项不存在");
    v->id = (uint64_t)id;
    return OK;
}

static enum err
read_point(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    const json_t *lon = json_object_get(j, "lon"), *lat = json_object_get(j, "lat");
    double x = json_is_number(lon) ? json_number_value(lon) : NAN;
    double y = json_is_number(lat) ? json_number_value(lat) : NAN;
    if (!(x >= -180 && x <= 180 && y >= -90 && y <= 90))
        return field_wrong(
            d, f, "a point {lon, lat} in degrees is needed", "应为经纬度 {lon, lat}");
    v->point.lon = (int32_t)lround(x * 1e7);
    v->point.lat = (int32_t)lround(y * 1e7);
    return OK;
}

static bool
file_ref_fits(struct span s)
{
    bool ok = s.n >= 1 && s.n <= 200;
    for (size_t i = 0; ok && i < s.n; i++)
        ok = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
             (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] && strchr("._-:/", s.p[i]));
    return ok;
}

static enum err
read_files(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    size_t n = json_is_array(j) ? json_array_size(j) : MATTER_FILES_MAX + 1;
    if (n > MATTER_FILES_MAX || (double)n > f->max || (n && (double)n < f->min))
        return note_fmt(
            d->note, ERR_INPUT, f->name, "%1$s: a list of %3$.0f to %4$.0f documents",
            "%2$s：应有 %3$.0f 到 %4$.0f 份材料", f->label.en, f->label.zh, f->min,
            f->max);
    char *p = arena_take(&d->arena, MATTER_FILES_MAX * 201);
    if (!p)
        return note_set(d->note, ERR_TOOBIG, f->name, "too much", "内容过多");
    v->text.p = p;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(j, i);
        struct span s = span_of(
            json_is_string(item) ? json_string_value(item) : "",
            json_string_length(item));
        if (!file_ref_fits(s))
            return field_wrong(d, f, "this is no document reference", "材料编号无效");
        if (i)
            p[v->text.n++] = '\n';
        memcpy(p + v->text.n, s.p, s.n);
        v->text.n += (uint32_t)s.n;
    }
    if (n == 0)
        v->type = 0;
    return OK;
}

/* One value of a form into the draft. */
static enum err
read_value(struct draft *d, unsigned field, const json_t *j)
{
    const struct loop_field *f = &d->def->fields[field];
    struct matter_value v = {.field = (uint16_t)field, .type = f->type};
    enum err e = OK;
    int option;
    if (json_is_null(j)) {
        v.type = 0;
        draft_set(d, v);
        return OK;
    }
    switch (f->type) {
    case LOOP_CHOICE:
        option = json_is_string(j)
                     ? loop_option_find(
                           f, span_of(json_string_value(j), json_string_length(j)))
                     : -1;
        if (option < 0)
            return field_wrong(d, f, "choose one of the options", "请选择其中一项");
        v.id = (uint64_t)option;
        break;
    case LOOP_FLAG:
        if (!json_is_boolean(j))
            return field_wrong(d, f, "true or false is needed", "应为是或否");
        v.flag = json_is_true(j);
        break;
    case LOOP_NUMBER:
        e = read_number(d, f, j, &v);
        break;
    case LOOP_TIME:
        if (!json_is_integer(j) || json_integer_value(j) <= 0 ||
            json_integer_value(j) > INT64_C(253402300800000))
            return field_wrong(d, f, "a time is needed", "应填写时间");
        v.time_ms = json_integer_value(j);
        break;
    case LOOP_UNIT:
    case LOOP_USER:
    case LOOP_ORG:
        e = read_id(d, f, j, &v);
        break;
    case LOOP_POINT:
        e = read_point(d, f, j, &v);
        break;
    case LOOP_FILES:
        e = read_files(d, f, j, &v);
        break;
    default:
        e = read_text(d, f, j, &v);
        break;
    }
    if (!e)
        draft_set(d, v);
    return e;
}

static const struct loop_ask *
ask_of(const struct loop_ask *asks, unsigned n, unsigned field)
{
    for (unsigned i = 0; i < n; i++)
        if (asks[i].field == field)
            return &asks[i];
    return NULL;
}

static bool
given(const struct draft *d, unsigned field)
{
    for (unsigned i = 0; i < d->e.values_n; i++)
        if (d->e.values[i].field == field)
            return d->e.values[i].type != 0;
    return false;
}

/* Reads a form: nothing that is not asked, everything that is required, and given now:
 * a reason written for another move does not count. lenient: what is not asked is
 * passed over (the machine speaks). */
static enum err
read_form(
    struct draft *d, const struct loop_ask *asks, unsigned n, const json_t *fields,
    bool lenient)
{
    const char *key;
    json_t *value;
    if (fields && !json_is_object(fields))
        return note_set(
            d->note, ERR_INPUT, "fields", "an object of fields is needed",
            "fields 应为对象");
    json_object_foreach((json_t *)(uintptr_t)fields, key, value)
    {
        int field = loop_field_find(d->def, span_cstr(key));
        if (field >= 0 && ask_of(asks, n, (unsigned)field)) {
            enum err e = read_value(d, (unsigned)field, value);
            if (e)
                return e;
        } else if (!lenient) {
            return note_fmt(
                d->note, ERR_INPUT, key, "the form does not ask for \"%s\"",
                "表单中没有“%s”", key);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (asks[i].required && !given(d, asks[i].field))
            return field_wrong(
                d, &d->def->fields[asks[i].field], "it must be filled in", "必填");
    }
    return OK;
}

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

static void
enter(struct draft *d, unsigned state)
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
        return field_wrong(d, f, "it must be filled in", "必填");
    if (o->parent.v != d->m->org.v)
        return field_wrong(
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
        return field_wrong(d, f, "it must be filled in", "必填");
    if (!needs || !needs->unit(needs->ctx, id, d->m->lon, d->m->lat, &u))
        return field_wrong(d, f, "there is no such unit", "没有这个警力单元");
    if (!d->env->orgs || !org_covers(d->env->orgs, d->m->org, u.org))
        return field_wrong(
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
        return field_wrong(d, f, "1 minute to 366 days", "应在 1 分钟到 366 天之间");
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
    struct loop_facts facts = facts_of(d);
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

static enum err
do_effect(struct draft *d, const struct loop_effect *fx, bool rung, unsigned number)
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

/* ---- moves ---- */

static bool
gate_open(struct draft *d, unsigned gate)
{
    struct loop_facts f = facts_of(d);
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
        enum err e = do_effect(d, &mv->effects[i], false, i);
        if (e)
            return e;
    }
    if (!mv->stays)
        enter(d, mv->to);
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
    if (!(mv->from >> d->m->state & 1))
        return note_fmt(
            d->note, ERR_GATE, "move", "\"%1$s\" is not possible while it is: %3$s",
            "当前状态“%4$s”下不能“%2$s”", mv->label.en, mv->label.zh, now->label.en,
            now->label.zh);
    d->e.role = (int16_t)role;
    enum err e = read_form(d, mv->asks, mv->asks_n, fields, false);
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
        enum err e = read_form(&d, mv->asks, mv->asks_n, fields, true);
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
        e = do_effect(&d, &r->effects[n], true, n);
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

/* What a rule or feed gives: the input fields it has a name for. */
static enum err
read_inputs(struct draft *d, const json_t *fields)
{
    for (unsigned i = 0; i < d->def->fields_n; i++) {
        const struct loop_field *f = &d->def->fields[i];
        const json_t *j = f->input ? json_object_get(fields, f->name) : NULL;
        enum err e = j ? read_value(d, i, j) : OK;
        if (e)
            return e;
    }
    return OK;
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
        e = read_inputs(&d, o->fields);
    else
        e = read_form(&d, def->asks, def->asks_n, o->fields, false);
    if (by && !o->inputs) { /* who opens one by hand owns it */
        d.e.has |= MATTER_HAS_OWNER;
        d.e.owner = by->user;
    }
    if (!e)
        enter(&d, def->start);
    return draft_end(&d, e, event);
}
