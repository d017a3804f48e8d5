/* SPDX-License-Identifier: Apache-2.0 */
/* town_test.h - a small police force for tests of loops: one city, two brigades, three
 * squads, a few people and units, a clock that only moves when told, and one matter
 * with its journal. A test includes "kit/kit.h" before it.
 *
 * Owner    town_begin() fills the caller's struct; town_end() frees it.
 * Threads  one test, one thread.
 */
#ifndef TQ_LOOPS_TOWN_TEST_H
#define TQ_LOOPS_TOWN_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "loops/matter.h"

enum { /* org nodes, in the order they are put in */
       TOWN_CITY = 1,
       TOWN_NORTH,       /* brigade */
       TOWN_SOUTH,       /* brigade */
       TOWN_NORTH_FIRST, /* squad */
       TOWN_NORTH_SECOND,
       TOWN_SOUTH_FIRST,
};

enum { /* people: user ids */
       TOWN_NOBODY,
       TOWN_CITY_DUTY,
       TOWN_CITY_DUTY_2,
       TOWN_CITY_ANALYST,
       TOWN_CITY_BOSS,
       TOWN_NORTH_DUTY,
       TOWN_NORTH_BOSS,
       TOWN_SOUTH_DUTY,
       TOWN_SOUTH_BOSS,
       TOWN_FIRST_LEADER, /* of the first squad of the north */
       TOWN_CREW_1,       /* crews unit 1, first squad of the north */
       TOWN_CREW_3,       /* crews unit 3, first squad of the south */
       TOWN_ADMIN,
       TOWN_AUDITOR,
       TOWN_PEOPLE,
};

#define TOWN_UNITS 4
#define TOWN_EVENTS 256
#define TOWN_NOON INT64_C(1780286400000) /* 2026-06-01T12:00:00+08:00 */

struct town {
    struct loop_defs *defs;
    struct org_table *orgs;
    struct loops_needs needs;
    struct loops_env env;
    struct loops_unit units[TOWN_UNITS + 1];
    struct matter m;
    struct buf journal;
    size_t
        starts[TOWN_EVENTS + 1]; /* event i is journal.p[starts[i] .. starts[i + 1]) */
    unsigned events;
    struct note note;
    uint64_t next_id;
};

static inline struct matter_actor
town_actor(unsigned person)
{
    static const struct matter_actor people[TOWN_PEOPLE] = {
        [TOWN_CITY_DUTY] = {{TOWN_CITY_DUTY}, ROLE_DUTY, {TOWN_CITY}, {0}},
        [TOWN_CITY_DUTY_2] = {{TOWN_CITY_DUTY_2}, ROLE_DUTY, {TOWN_CITY}, {0}},
        [TOWN_CITY_ANALYST] = {{TOWN_CITY_ANALYST}, ROLE_ANALYST, {TOWN_CITY}, {0}},
        [TOWN_CITY_BOSS] = {{TOWN_CITY_BOSS}, ROLE_SUPERVISOR, {TOWN_CITY}, {0}},
        [TOWN_NORTH_DUTY] = {{TOWN_NORTH_DUTY}, ROLE_DUTY, {TOWN_NORTH}, {0}},
        [TOWN_NORTH_BOSS] = {{TOWN_NORTH_BOSS}, ROLE_SUPERVISOR, {TOWN_NORTH}, {0}},
        [TOWN_SOUTH_DUTY] = {{TOWN_SOUTH_DUTY}, ROLE_DUTY, {TOWN_SOUTH}, {0}},
        [TOWN_SOUTH_BOSS] = {{TOWN_SOUTH_BOSS}, ROLE_SUPERVISOR, {TOWN_SOUTH}, {0}},
        [TOWN_FIRST_LEADER] =
            {{TOWN_FIRST_LEADER}, ROLE_SQUAD, {TOWN_NORTH_FIRST}, {0}},
        [TOWN_CREW_1] = {{TOWN_CREW_1}, ROLE_SQUAD, {TOWN_NORTH_FIRST}, {1}},
        [TOWN_CREW_3] = {{TOWN_CREW_3}, ROLE_SQUAD, {TOWN_SOUTH_FIRST}, {3}},
        [TOWN_ADMIN] = {{TOWN_ADMIN}, ROLE_ADMIN, {TOWN_CITY}, {0}},
        [TOWN_AUDITOR] = {{TOWN_AUDITOR}, ROLE_AUDITOR, {TOWN_CITY}, {0}},
    };
    return people[person];
}

static inline bool
town_unit(
    void *ctx, struct unit_id id, int32_t lon, int32_t lat, struct loops_unit *out)
{
    struct town *t = ctx;
    if (id.v == 0 || id.v > TOWN_UNITS)
        return false;
    *out = t->units[id.v];
    if (!lon && !lat)
        out->dist_m = -1;
    return true;
}

static inline bool
town_user(void *ctx, struct user_id id, struct loops_user *out)
{
    (void)ctx;
    if (id.v == 0 || id.v >= TOWN_PEOPLE)
        return false;
    struct matter_actor a = town_actor(id.v);
    *out = (struct loops_user){.org = a.org, .roles = a.roles};
    snprintf(out->name, sizeof out->name, "person %u", id.v);
    return true;
}

static inline void
town_org(
    struct town *t, const char *code, const char *name, unsigned parent, unsigned kind)
{
    struct org o = {.parent = {parent}, .kind = (uint8_t)kind};
    snprintf(o.code, sizeof o.code, "%s", code);
    snprintf(o.name, sizeof o.name, "%s", name);
    snprintf(o.name_en, sizeof o.name_en, "%s", code);
    org_table_put(t->orgs, &o);
}

static inline void
town_begin(struct town *t, const char *dir)
{
    memset(t, 0, sizeof *t);
    t->defs = loop_defs_new();
    assert_non_null(t->defs);
    kit_ok(loop_defs_load(t->defs, dir, &t->note), &t->note);
    t->orgs = org_table_new(8);
    assert_non_null(t->orgs);
    town_org(t, "city", "支队", 0, ORG_CITY);
    town_org(t, "north", "一大队", TOWN_CITY, ORG_BRIGADE);
    town_org(t, "south", "二大队", TOWN_CITY, ORG_BRIGADE);
    town_org(t, "north-1", "一中队", TOWN_NORTH, ORG_SQUAD);
    town_org(t, "north-2", "二中队", TOWN_NORTH, ORG_SQUAD);
    town_org(t, "south-1", "三中队", TOWN_SOUTH, ORG_SQUAD);
    static const uint32_t homes[TOWN_UNITS + 1] = {
        0, TOWN_NORTH_FIRST, TOWN_NORTH_SECOND, TOWN_SOUTH_FIRST, TOWN_SOUTH_FIRST};
    for (unsigned i = 1; i <= TOWN_UNITS; i++) {
        t->units[i] = (struct loops_unit){
            .org = {homes[i]},
            .status = UNIT_READY,
            .dist_m = 400 * (int)i,
            .eta_s = -1};
        snprintf(t->units[i].callsign, sizeof t->units[i].callsign, "长风0%u", i);
    }
    t->units[4].status = UNIT_OFF;
    t->needs = (struct loops_needs){.ctx = t, .unit = town_unit, .user = town_user};
    t->env = (struct loops_env){.now = TOWN_NOON, .orgs = t->orgs, .needs = &t->needs};
    t->next_id = 1;
}

static inline void
town_end(struct town *t)
{
    matter_release(&t->m);
    buf_release(&t->journal);
    org_table_unref(t->orgs);
    loop_defs_free(t->defs);
}

static inline struct span
town_event(const struct town *t, unsigned i)
{
    return span_of(t->journal.p + t->starts[i], t->starts[i + 1] - t->starts[i]);
}

/* What the daemon does with an event: journal it, fold it, move the units. */
static inline void
town_take(struct town *t)
{
    static struct matter_event e;
    if (t->journal.n == t->starts[t->events])
        return;
    assert_true(t->events < TOWN_EVENTS);
    t->starts[++t->events] = t->journal.n;
    struct span bytes = town_event(t, t->events - 1);
    const struct loop_def *def = t->m.def;
    uint8_t hash[LOOP_HASH];
    if (!def) {
        assert_true(matter_event_pin(bytes, hash));
        def = loop_def_pinned(t->defs, hash);
        assert_non_null(def);
    }
    assert_int_equal(matter_apply(&t->m, def, bytes), OK);
    assert_int_equal(matter_event_decode(def, bytes, &e), OK);
    if (e.has & MATTER_HAS_STATUS)
        t->units[t->m.unit.v].status = e.status;
    if (e.has & MATTER_HAS_UNIT) {
        if (e.freed.v && e.freed.v <= TOWN_UNITS) {
            t->units[e.freed.v].status = UNIT_READY;
            t->units[e.freed.v].matter = 0;
        }
        if (e.unit.v) {
            t->units[e.unit.v].status = UNIT_ASSIGNED;
            t->units[e.unit.v].matter = t->m.id.v;
        }
    }
}

static inline json_t *
town_json(const char *text)
{
    json_error_t e;
    json_t *j = text ? json_loads(text, 0, &e) : NULL;
    if (text && !j)
        fail_msg("%s: %s", text, e.text);
    return j;
}

/* Opens a matter of a kind in the place of the matter before. person 0: a rule opens
 * it. */
static inline enum err
town_open(struct town *t, const char *kind, unsigned person, const char *fields)
{
    matter_release(&t->m);
    buf_clear(&t->journal);
    t->events = 0;
    json_t *j = town_json(fields);
    char code[MATTER_CODE];
    snprintf(code, sizeof code, "T-%llu", (unsigned long long)t->next_id);
    struct matter_actor by = town_actor(person);
    struct matter_opening o = {
        .id = {t->next_id++},
        .code = span_cstr(code),
        .title = SPAN("一件事"),
        .place = SPAN("迎泽大街"),
        .org = {TOWN_CITY},
        .lon = 1125500000,
        .lat = 378700000,
        .alarm = person ? 0 : 77,
        .fields = j,
        .inputs = person == 0,
    };
    const struct loop_def *def = loop_def_find(t->defs, span_cstr(kind));
    assert_non_null(def);
    memset(&t->note, 0, sizeof t->note);
    enum err e =
        matter_open(def, &o, person ? &by : NULL, &t->env, &t->journal, &t->note);
    json_decref(j);
    town_take(t);
    return e;
}

static inline enum err
town_try(
    struct town *t, unsigned person, const char *move, uint32_t seq, const char *fields)
{
    json_t *j = town_json(fields);
    struct matter_actor by = town_actor(person);
    memset(&t->note, 0, sizeof t->note);
    enum err e = matter_move(
        &t->m, span_cstr(move), seq, j, &by, &t->env, &t->journal, &t->note);
    if (e) /* a refusal leaves nothing behind */
        assert_int_equal(t->journal.n, t->starts[t->events]);
    town_take(t);
    json_decref(j);
    return e;
}

static inline enum err
town_move(struct town *t, unsigned person, const char *move, const char *fields)
{
    return town_try(t, person, move, t->m.seq, fields);
}

static inline enum err
town_tell(struct town *t, const char *message, const char *fields, uint8_t level)
{
    json_t *j = town_json(fields);
    memset(&t->note, 0, sizeof t->note);
    enum err e = matter_tell(
        &t->m, span_cstr(message), j, level, &t->env, &t->journal, &t->note);
    town_take(t);
    json_decref(j);
    return e;
}

/* Lets the clock run to an instant and fires every rung at its own instant. Returns how
 * many. */
static inline unsigned
town_until(struct town *t, ts_ms end)
{
    unsigned fired = 0;
    for (ts_ms due = matter_due(&t->m); due <= end; due = matter_due(&t->m)) {
        t->env.now = due > t->env.now ? due : t->env.now;
        assert_int_equal(matter_fire(&t->m, &t->env, &t->journal), OK);
        town_take(t);
        fired++;
    }
    t->env.now = end > t->env.now ? end : t->env.now;
    return fired;
}

static inline unsigned
town_wait(struct town *t, int64_t ms)
{
    return town_until(t, t->env.now + ms);
}

static inline void
town_in(const struct town *t, const char *state)
{
    assert_string_equal(t->m.def->states[t->m.state].name, state);
}

static inline const struct matter_clock *
town_clock(const struct town *t, const char *name)
{
    int n = loop_clock_find(t->m.def, span_cstr(name));
    assert_true(n >= 0);
    return &t->m.clocks[n];
}

/* Everything a matter holds, as text to compare. */
static inline void
town_dump(const struct matter *m, struct buf *out)
{
    buf_clear(out);
    buf_fmt(
        out,
        "%llu %s %s %s %u %u %u %d %u %d %d %d %d %llu %llu %u/%u %u %u %u %u %d %lld "
        "%lld %lld",
        (unsigned long long)m->id.v, m->code, m->title, m->place, m->seq, m->state,
        m->level, m->drill, m->verdict, m->outcome, m->outcome_field, m->lon, m->lat,
        (unsigned long long)m->alarm, (unsigned long long)m->parent, m->org.v,
        m->path_n, m->owner.v, m->opener.v, m->previous.v, m->unit.v, m->unit_dist_m,
        (long long)m->opened_ms, (long long)m->state_ms, (long long)m->closed_ms);
    for (unsigned i = 0; i < m->path_n; i++)
        buf_fmt(out, " p%u", m->path[i].v);
    for (unsigned k = 0; k < m->def->clocks_n; k++) {
        const struct matter_clock *c = &m->clocks[k];
        buf_fmt(
            out, " c%u:%u,%lld,%lld,%lld,%lld,%x,%x", k, c->state,
            (long long)c->budget_ms, (long long)c->consumed_ms, (long long)c->since_ms,
            (long long)c->due_ms, c->fired, c->climbed);
        for (unsigned i = 0; i < LOOP_MAX_RUNGS; i++)
            buf_fmt(out, ",%lld", (long long)c->fired_ms[i]);
    }
    matter_fields_json(out, m);
}

/* The fold of the journal, from nothing, is the matter as it stands. */
static inline void
town_replays(const struct town *t)
{
    struct matter again = {0};
    struct buf a = {0}, b = {0};
    for (unsigned i = 0; i < t->events; i++)
        assert_int_equal(
            matter_apply(&again, i ? NULL : t->m.def, town_event(t, i)), OK);
    town_dump(&t->m, &a);
    town_dump(&again, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    matter_release(&again);
    buf_release(&a);
    buf_release(&b);
}

#endif
