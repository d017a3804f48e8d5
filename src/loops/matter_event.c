/* SPDX-License-Identifier: Apache-2.0 */
/* Event bytes. Numbers are varints unless said; +1 means that 0 stands for none.
 *
 *   head       u8 format (1), u8 kind, seq, zigzag at_ms, by, posts, role+1, move+1,
 *              clock+1, rung+1, from, to, has
 *   opening    32 bytes hash, id, code, title, place, org, u8 level, zigzag lon,
 *              zigzag lat, u64 alarm, parent, u8 drill
 *   has org    org, u8 path_op
 *   has owner  user
 *   has unit   unit, freed, zigzag distance, zigzag eta
 *   has level  u8
 *   has outcome  field, option, u8 verdict
 *   has status  u8
 *   values     n, each: field, u8 type, then by type
 *   notices    n, each: role, u8 flags (1 climb, 2 of the rung), u8 effect
 *   clocks     n, each: u8 clock, u8 state, budget, zigzag consumed, zigzag since -
 * at_ms, (zigzag due - at_ms)+1, fired, climbed
 */
#include "loops/matter_event.h"

#include <string.h>

#define FORMAT 1

/* ---- writing ---- */

static void
put_value(struct buf *b, const struct matter_value *v)
{
    uint64_t bits;
    buf_varint(b, v->field);
    buf_u8(b, v->type);
    switch (v->type) {
    case 0:
        break;
    case LOOP_FLAG:
        buf_u8(b, v->flag);
        break;
    case LOOP_NUMBER:
        memcpy(&bits, &v->number, sizeof bits);
        buf_le(b, bits, 8);
        break;
    case LOOP_TIME:
        buf_varint(b, zigzag_encode(v->time_ms));
        break;
    case LOOP_CHOICE:
    case LOOP_UNIT:
    case LOOP_USER:
    case LOOP_ORG:
        buf_varint(b, v->id);
        break;
    case LOOP_POINT:
        buf_varint(b, zigzag_encode(v->point.lon));
        buf_varint(b, zigzag_encode(v->point.lat));
        break;
    default:
        buf_span(b, span_of(v->text.p, v->text.n));
        break;
    }
}

static void
put_opening(struct buf *b, const struct loop_def *def, const struct matter_opening *o)
{
    buf_put(b, def->hash, LOOP_HASH);
    buf_varint(b, o->id.v);
    buf_span(b, o->code);
    buf_span(b, o->title);
    buf_span(b, o->place);
    buf_varint(b, o->org.v);
    buf_u8(b, o->level);
    buf_varint(b, zigzag_encode(o->lon));
    buf_varint(b, zigzag_encode(o->lat));
    buf_le(b, o->alarm, 8);
    buf_varint(b, o->parent);
    buf_u8(b, o->drill);
}

static void
put_parts(struct buf *b, const struct matter_event *e)
{
    if (e->has & MATTER_HAS_ORG) {
        buf_varint(b, e->org.v);
        buf_u8(b, e->path_op);
    }
    if (e->has & MATTER_HAS_OWNER)
        buf_varint(b, e->owner.v);
    if (e->has & MATTER_HAS_UNIT) {
        buf_varint(b, e->unit.v);
        buf_varint(b, e->freed.v);
        buf_varint(b, zigzag_encode(e->unit_dist_m));
        buf_varint(b, zigzag_encode(e->unit_eta_s));
    }
    if (e->has & MATTER_HAS_LEVEL)
        buf_u8(b, e->level);
    if (e->has & MATTER_HAS_OUTCOME) {
        buf_varint(b, (uint64_t)e->outcome_field);
        buf_varint(b, (uint64_t)e->outcome);
        buf_u8(b, e->verdict);
    }
    if (e->has & MATTER_HAS_STATUS)
        buf_u8(b, e->status);
}

static void
put_clock(struct buf *b, unsigned n, const struct matter_clock *c, ts_ms at_ms)
{
    buf_u8(b, (uint8_t)n);
    buf_u8(b, c->state);
    buf_varint(b, (uint64_t)c->budget_ms);
    buf_varint(b, zigzag_encode(c->consumed_ms));
    buf_varint(b, zigzag_encode(c->since_ms - at_ms));
    buf_varint(b, c->due_ms ? zigzag_encode(c->due_ms - at_ms) + 1 : 0);
    buf_varint(b, c->fired);
    buf_varint(b, c->climbed);
}

void
matter_event_encode(
    struct buf *b, const struct loop_def *def, const struct matter_event *e)
{
    buf_u8(b, FORMAT);
    buf_u8(b, e->kind);
    buf_varint(b, e->seq);
    buf_varint(b, zigzag_encode(e->at_ms));
    buf_varint(b, e->by.v);
    buf_varint(b, e->posts);
    buf_varint(b, (uint64_t)(e->role + 1));
    buf_varint(b, (uint64_t)(e->move + 1));
    buf_varint(b, (uint64_t)(e->clock + 1));
    buf_varint(b, (uint64_t)(e->rung + 1));
    buf_varint(b, e->from);
    buf_varint(b, e->to);
    buf_varint(b, e->has);
    if (e->kind == MATTER_OPENED)
        put_opening(b, def, &e->opening);
    put_parts(b, e);
    buf_varint(b, e->values_n);
    for (unsigned i = 0; i < e->values_n; i++)
        put_value(b, &e->values[i]);
    buf_varint(b, e->notices_n);
    for (unsigned i = 0; i < e->notices_n; i++) {
        buf_varint(b, e->notices[i].role);
        buf_u8(b, (uint8_t)(e->notices[i].climb | e->notices[i].rung << 1));
        buf_u8(b, e->notices[i].effect);
    }
    buf_varint(b, e->clocks_n);
    for (unsigned i = 0; i < e->clocks_n; i++)
        put_clock(b, e->clocks[i].n, &e->clocks[i].c, e->at_ms);
}

/* ---- reading ---- */

/* A varint below limit; anything else makes the cursor bad. */
static uint64_t
below(struct cur *c, uint64_t limit)
{
    uint64_t v = cur_varint(c);
    if (v >= limit) {
        c->bad = true;
        return 0;
    }
    return v;
}

static int16_t
optional(struct cur *c, unsigned n)
{
    return (int16_t)((int)below(c, (uint64_t)n + 1) - 1);
}

static int32_t
signed32(struct cur *c)
{
    int64_t v = zigzag_decode(cur_varint(c));
    if (v < INT32_MIN || v > INT32_MAX) {
        c->bad = true;
        return 0;
    }
    return (int32_t)v;
}

static void
get_value(struct cur *c, const struct loop_def *def, struct matter_value *v)
{
    uint64_t bits;
    struct span s;
    *v = (struct matter_value){.field = (uint16_t)below(c, def->fields_n)};
    v->type = cur_u8(c);
    if (c->bad || (v->type && v->type != def->fields[v->field].type)) {
        c->bad = true;
        return;
    }
    switch (v->type) {
    case 0:
        break;
    case LOOP_FLAG:
        v->flag = cur_u8(c) != 0;
        break;
    case LOOP_NUMBER:
        bits = cur_u64_le(c);
        memcpy(&v->number, &bits, sizeof bits);
        break;
    case LOOP_TIME:
        v->time_ms = zigzag_decode(cur_varint(c));
        break;
    case LOOP_CHOICE:
        v->id = below(c, def->fields[v->field].options_n);
        break;
    case LOOP_UNIT:
    case LOOP_USER:
    case LOOP_ORG:
        v->id = cur_varint(c);
        break;
    case LOOP_POINT:
        v->point.lon = signed32(c);
        v->point.lat = signed32(c);
        break;
    default:
        s = cur_span(c);
        c->bad = c->bad || s.n > MATTER_TEXT_MAX;
        v->text.p = s.p;
        v->text.n = (uint32_t)s.n;
        break;
    }
}

static void
get_opening(struct cur *c, const struct loop_def *def, struct matter_opening *o)
{
    const uint8_t *hash = cur_take(c, LOOP_HASH);
    if (!hash || memcmp(hash, def->hash, LOOP_HASH) != 0) {
        c->bad = true;
        return;
    }
    o->id.v = cur_varint(c);
    o->code = cur_span(c);
    o->title = cur_span(c);
    o->place = cur_span(c);
    o->org.v = (uint32_t)below(c, UINT64_C(1) << 32);
    o->level = cur_u8(c);
    o->lon = signed32(c);
    o->lat = signed32(c);
    o->alarm = cur_u64_le(c);
    o->parent = cur_varint(c);
    o->drill = cur_u8(c) != 0;
    c->bad = c->bad || o->code.n >= MATTER_CODE || o->title.n > MATTER_TEXT_MAX ||
             o->place.n > MATTER_TEXT_MAX;
}

static void
get_parts(struct cur *c, const struct loop_def *def, struct matter_event *e)
{
    if (e->has & MATTER_HAS_ORG) {
        e->org.v = (uint32_t)below(c, UINT64_C(1) << 32);
        e->path_op = cur_u8(c);
        c->bad = c->bad || e->path_op > 2;
    }
    if (e->has & MATTER_HAS_OWNER)
        e->owner.v = (uint32_t)below(c, UINT64_C(1) << 32);
    if (e->has & MATTER_HAS_UNIT) {
        e->unit.v = (uint32_t)below(c, UINT64_C(1) << 32);
        e->freed.v = (uint32_t)below(c, UINT64_C(1) << 32);
        e->unit_dist_m = signed32(c);
        e->unit_eta_s = signed32(c);
    }
    if (e->has & MATTER_HAS_LEVEL)
        e->level = cur_u8(c);
    if (e->has & MATTER_HAS_OUTCOME) {
        e->outcome_field = (int16_t)below(c, def->fields_n);
        e->outcome =
            (int16_t)below(c, c->bad ? 0 : def->fields[e->outcome_field].options_n);
        e->verdict = cur_u8(c);
    }
    if (e->has & MATTER_HAS_STATUS)
        e->status = cur_u8(c);
}

static const struct loop_effect *
effect_of(
    const struct loop_def *def, const struct matter_event *e, bool rung, unsigned i)
{
    if (rung) {
        if (e->clock < 0 || e->rung < 0)
            return NULL;
        const struct loop_rung *r = &def->clocks[e->clock].rungs[e->rung];
        return i < r->effects_n ? &r->effects[i] : NULL;
    }
    if (e->move < 0)
        return NULL;
    const struct loop_move *m = &def->moves[e->move];
    return i < m->effects_n ? &m->effects[i] : NULL;
}

static void
get_notice(
    struct cur *c, const struct loop_def *def, const struct matter_event *e,
    struct matter_notice *n)
{
    n->role = (uint16_t)below(c, def->roles_n);
    uint8_t flags = cur_u8(c);
    n->climb = flags & 1;
    n->rung = (flags >> 1) & 1;
    n->effect = cur_u8(c);
    const struct loop_effect *effect =
        c->bad ? NULL : effect_of(def, e, n->rung, n->effect);
    if (!effect) {
        c->bad = true;
        return;
    }
    n->text = effect->text;
    if (!n->text.zh)
        n->text = n->rung ? def->clocks[e->clock].rungs[e->rung].label
                          : def->moves[e->move].label;
}

/* at_ms moved by a zigzag number; any bytes give some instant. */
static ts_ms
later(ts_ms at_ms, uint64_t zigzag)
{
    return (ts_ms)((uint64_t)at_ms + (uint64_t)zigzag_decode(zigzag));
}

static void
get_clock(
    struct cur *c, const struct loop_def *def, struct matter_event_clock *k,
    ts_ms at_ms)
{
    k->n = cur_u8(c);
    k->c = (struct matter_clock){.state = cur_u8(c)};
    k->c.budget_ms = (int64_t)below(c, INT64_MAX);
    k->c.consumed_ms = zigzag_decode(cur_varint(c));
    k->c.since_ms = later(at_ms, cur_varint(c));
    uint64_t due = cur_varint(c);
    k->c.due_ms = due ? later(at_ms, due - 1) : 0;
    k->c.fired = (uint32_t)below(c, UINT64_C(1) << 32);
    k->c.climbed = (uint32_t)below(c, UINT64_C(1) << 32);
    c->bad = c->bad || k->n >= def->clocks_n || k->c.state > CLOCK_STOPPED;
}

static void
get_head(struct cur *c, const struct loop_def *def, struct matter_event *e)
{
    c->bad = c->bad || cur_u8(c) != FORMAT;
    e->kind = cur_u8(c);
    e->seq = (uint32_t)below(c, UINT64_C(1) << 32);
    e->at_ms = zigzag_decode(cur_varint(c));
    e->by.v = (uint32_t)below(c, UINT64_C(1) << 32);
    e->posts = (unsigned)below(c, UINT64_C(1) << 32);
    e->role = optional(c, def->roles_n);
    e->move = optional(c, def->moves_n);
    e->clock = optional(c, def->clocks_n);
    e->rung = optional(c, e->clock < 0 ? 0 : def->clocks[e->clock].rungs_n);
    e->from = (uint16_t)below(c, def->states_n);
    e->to = (uint16_t)below(c, def->states_n);
    e->has = (unsigned)below(c, MATTER_HAS_ALL + 1);
    c->bad = c->bad || e->kind < MATTER_OPENED || e->kind > MATTER_RUNG ||
             e->seq == 0 || (e->kind == MATTER_OPENED) != (e->seq == 1) ||
             ((e->kind == MATTER_MOVED || e->kind == MATTER_TOLD) && e->move < 0) ||
             (e->kind == MATTER_RUNG && e->rung < 0);
}

enum err
matter_event_decode(
    const struct loop_def *def, struct span event, struct matter_event *e)
{
    memset(e, 0, sizeof *e);
    if (event.n == 0)
        return ERR_CORRUPT;
    struct cur c = cur_of(event.p, event.n);
    e->outcome = e->outcome_field = -1;
    get_head(&c, def, e);
    if (!c.bad && e->kind == MATTER_OPENED)
        get_opening(&c, def, &e->opening);
    if (!c.bad)
        get_parts(&c, def, e);
    e->values_n = (uint16_t)below(&c, LOOP_MAX_FIELDS + 1);
    for (unsigned i = 0; i < e->values_n && !c.bad; i++)
        get_value(&c, def, &e->values[i]);
    e->notices_n = (uint8_t)below(&c, MATTER_NOTICES + 1);
    for (unsigned i = 0; i < e->notices_n && !c.bad; i++)
        get_notice(&c, def, e, &e->notices[i]);
    e->clocks_n = (uint8_t)below(&c, LOOP_MAX_CLOCKS + 1);
    for (unsigned i = 0; i < e->clocks_n && !c.bad; i++)
        get_clock(&c, def, &e->clocks[i], e->at_ms);
    return c.bad || cur_left(&c) ? ERR_CORRUPT : OK;
}

bool
matter_event_pin(struct span event, uint8_t hash[LOOP_HASH])
{
    if (event.n == 0)
        return false;
    struct cur c = cur_of(event.p, event.n);
    bool opening = cur_u8(&c) == FORMAT && cur_u8(&c) == MATTER_OPENED;
    for (int i = 0; i < 11; i++) /* seq .. has */
        cur_varint(&c);
    const uint8_t *p = cur_take(&c, LOOP_HASH);
    if (!opening || !p)
        return false;
    memcpy(hash, p, LOOP_HASH);
    return true;
}
