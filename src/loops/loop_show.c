/* SPDX-License-Identifier: Apache-2.0 */
/* A definition for people: the row of GET /meta, and a diagram. */
#include "loops/loop_json.h"
#include "model/user.h"

void
loop_json_label(struct buf *b, struct loop_text t)
{
    buf_text(b, ",\"zh\":");
    buf_json(b, span_cstr(t.zh));
    buf_text(b, ",\"en\":");
    buf_json(b, span_cstr(t.en));
}

void
loop_json_text(struct buf *b, struct loop_text t)
{
    if (!t.zh) {
        buf_text(b, "null");
        return;
    }
    buf_text(b, "{\"zh\":");
    buf_json(b, span_cstr(t.zh));
    buf_text(b, ",\"en\":");
    buf_json(b, span_cstr(t.en));
    buf_u8(b, '}');
}

void
loop_json_maybe(struct buf *b, const char *s)
{
    if (s)
        buf_json(b, span_cstr(s));
    else
        buf_text(b, "null");
}

void
loop_json_id(struct buf *b, const char *key, uint64_t id)
{
    if (id)
        buf_fmt(b, ",\"%s\":%llu", key, (unsigned long long)id);
    else
        buf_fmt(b, ",\"%s\":null", key);
}

static bool
counted(uint8_t type)
{
    return type == LOOP_TEXT || type == LOOP_NOTE || type == LOOP_FILES;
}

void
loop_json_field(struct buf *b, const struct loop_field *f)
{
    buf_text(b, "{\"name\":");
    buf_json(b, span_cstr(f->name));
    loop_json_label(b, f->label);
    buf_fmt(b, ",\"type\":\"%s\"", loop_type_name((enum loop_type)f->type));
    if (f->type == LOOP_CHOICE) {
        buf_text(b, ",\"options\":[");
        for (unsigned i = 0; i < f->options_n; i++) {
            buf_text(b, i ? ",{\"value\":" : "{\"value\":");
            buf_json(b, span_cstr(f->options[i].value));
            loop_json_label(b, f->options[i].label);
            buf_u8(b, '}');
        }
        buf_u8(b, ']');
    }
    if (counted(f->type))
        buf_fmt(b, ",\"max\":%.0f", f->max);
    if (f->unit)
        buf_fmt(b, ",\"unit\":\"%s\"", f->unit);
    buf_text(b, ",\"why\":");
    loop_json_text(b, f->why);
    buf_u8(b, '}');
}

static void
put_states(struct buf *b, const struct loop_def *d)
{
    static const char *const kinds[] = {
        "start", "active", "waiting", "suspended", "terminal"};
    static const char *const levels[] = {NULL, "blue", "yellow", "orange", "red"};
    buf_text(b, ",\"states\":[");
    for (unsigned i = 0; i < d->states_n; i++) {
        const struct loop_state *s = &d->states[i];
        buf_text(b, i ? ",{\"name\":" : "{\"name\":");
        buf_json(b, span_cstr(s->name));
        loop_json_label(b, s->label);
        buf_fmt(
            b, ",\"kind\":\"%s\",\"public\":\"%s\",\"level\":", kinds[s->kind],
            s->open ? "open" : "closed");
        loop_json_maybe(b, levels[s->level]);
        buf_u8(b, '}');
    }
    buf_u8(b, ']');
}

static void
put_names(
    struct buf *b, const struct loop_def *d, const struct loop_ask *asks, unsigned n)
{
    buf_u8(b, '[');
    for (unsigned i = 0; i < n; i++) {
        if (i)
            buf_u8(b, ',');
        buf_json(b, span_cstr(d->fields[asks[i].field].name));
    }
    buf_u8(b, ']');
}

static void
put_move(struct buf *b, const struct loop_def *d, const struct loop_move *m)
{
    buf_text(b, "{\"name\":");
    buf_json(b, span_cstr(m->name));
    loop_json_label(b, m->label);
    buf_text(b, ",\"from\":[");
    bool first = true;
    for (unsigned i = 0; i < d->states_n; i++) {
        if (!(m->from >> i & 1))
            continue;
        if (!first)
            buf_u8(b, ',');
        buf_json(b, span_cstr(d->states[i].name));
        first = false;
    }
    buf_text(b, "],\"to\":");
    loop_json_maybe(b, m->stays ? NULL : d->states[m->to].name);
    buf_text(b, ",\"roles\":[");
    unsigned posts = loop_move_posts(d, m);
    first = true;
    for (const struct role_row *r = role_rows(); r->role; r++) {
        if (!(posts & (unsigned)r->role))
            continue;
        if (!first)
            buf_u8(b, ',');
        buf_json(b, span_cstr(r->name));
        first = false;
    }
    buf_text(b, "],\"key\":");
    loop_json_maybe(b, m->key);
    buf_fmt(b, ",\"tone\":\"%s\",\"fields\":", m->tone);
    put_names(b, d, m->asks, m->asks_n);
    buf_fmt(b, ",\"phone\":%s}", m->phone ? "true" : "false");
}

void
loop_def_json(struct buf *b, const struct loop_def *d)
{
    bool first = true;
    buf_text(b, "{\"kind\":");
    buf_json(b, span_cstr(d->kind));
    buf_fmt(b, ",\"version\":%u", d->version);
    loop_json_label(b, d->title);
    buf_fmt(b, ",\"by_hand\":%s,\"form\":", d->by_hand ? "true" : "false");
    put_names(b, d, d->asks, d->asks_n);
    put_states(b, d);
    buf_text(b, ",\"moves\":[");
    for (unsigned i = 0; i < d->moves_n; i++) {
        if (d->moves[i].on != LOOP_ON_ACTION)
            continue;
        if (!first)
            buf_u8(b, ',');
        put_move(b, d, &d->moves[i]);
        first = false;
    }
    buf_text(b, "],\"fields\":[");
    for (unsigned i = 0; i < d->fields_n; i++) {
        if (i)
            buf_u8(b, ',');
        loop_json_field(b, &d->fields[i]);
    }
    buf_text(b, "],\"clocks\":[");
    for (unsigned i = 0; i < d->clocks_n; i++) {
        buf_text(b, i ? ",{\"name\":" : "{\"name\":");
        buf_json(b, span_cstr(d->clocks[i].name));
        loop_json_label(b, d->clocks[i].label);
        buf_fmt(b, ",\"budget_ms\":%lld}", (long long)d->clocks[i].budget_ms);
    }
    buf_text(b, "]}");
}

/* ---- diagram ---- */

static void
put_duration(struct buf *b, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
        if (ms >= units[i].ms && (ms % units[i].ms == 0)) {
            buf_fmt(b, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
            return;
        }
    }
    buf_fmt(b, "%lld ms", (long long)ms);
}

static void
put_arrow(
    struct buf *b, const struct loop_def *d, const struct loop_move *m, unsigned from,
    bool zh)
{
    buf_fmt(
        b, "    %s --> %s: %s%s\n", d->states[from].name, d->states[m->to].name,
        zh ? m->label.zh : m->label.en, m->on == LOOP_ON_ACTION ? "" : " *");
}

void
loop_def_diagram(struct buf *b, const struct loop_def *d, bool zh)
{
    buf_text(b, "stateDiagram-v2\n");
    for (unsigned i = 0; i < d->states_n; i++) {
        buf_fmt(
            b, "    %s: %s", d->states[i].name,
            zh ? d->states[i].label.zh : d->states[i].label.en);
        for (unsigned k = 0; k < d->clocks_n; k++) {
            if (!(d->clocks[k].start_on >> i & 1))
                continue;
            buf_fmt(b, " (%s ", zh ? d->clocks[k].label.zh : d->clocks[k].label.en);
            put_duration(b, d->clocks[k].budget_ms);
            buf_u8(b, ')');
        }
        buf_u8(b, '\n');
    }
    buf_fmt(b, "    [*] --> %s\n", d->states[d->start].name);
    for (unsigned i = 0; i < d->moves_n; i++)
        for (unsigned s = 0; s < d->states_n && !d->moves[i].stays; s++)
            if (d->moves[i].from >> s & 1)
                put_arrow(b, d, &d->moves[i], s, zh);
    for (unsigned i = 0; i < d->states_n; i++)
        if (d->states[i].kind == LOOP_TERMINAL)
            buf_fmt(b, "    %s --> [*]\n", d->states[i].name);
}
