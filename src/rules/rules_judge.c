/* SPDX-License-Identifier: Apache-2.0 */
/* Judging: a scene of one plate, look or tag on one civil day, and every rule steps
 * through it. The first half is what scene.c and beside.c ask of the machine then. */
#include "rules/rules_own.h"

#include "core/hash.h"
#include "rules/machine.h"

#define SHADOW_MS (2 * SECOND_MS)

struct alarm *
machine_alarm(void *machine)
{
    struct rules *r = machine;
    if (r->made_n == ALARMS_A_JUDGEMENT)
        return NULL;
    struct alarm *a = &r->made[r->made_n++];
    *a = (struct alarm){0};
    return a;
}

struct arena *
machine_arena(void *machine)
{
    return &((struct rules *)machine)->scratch;
}

bool
machine_place(
    void *machine, uint32_t site, ts_ms from, ts_ms to, rules_row_fn *row, void *arg)
{
    struct rules *r = machine;
    if (!r->needs.place)
        return false;
    enum err e =
        r->needs.place(r->needs.ctx, (struct site_id){site}, from, to, row, arg);
    if (e)
        r->counts.history_failed++;
    return e == OK;
}

struct shadow {
    const struct sighting *s;
    bool found;
};

static bool
one_apart(struct plate a, struct plate b)
{
    unsigned n = plate_length(a), differ = 0;
    if (n != plate_length(b))
        return false;
    for (unsigned i = 0; i < n; i++)
        differ += plate_at(a, i) != plate_at(b, i);
    return differ == 1;
}

static bool
shadow_row(void *arg, const struct sighting *s)
{
    struct shadow *w = arg;
    bool lane = !w->s->lane || !s->lane || w->s->lane == s->lane;
    bool surer = s->confidence != CONFIDENCE_UNKNOWN &&
                 w->s->confidence != CONFIDENCE_UNKNOWN &&
                 s->confidence > w->s->confidence;
    w->found =
        plate_is_exact(s->plate) && lane && surer && one_apart(s->plate, w->s->plate);
    return !w->found;
}

bool
machine_shadowed(void *machine, const struct sighting *s)
{
    struct shadow w = {.s = s};
    (void)machine_place(
        machine, s->site.v, s->pass_ms - SHADOW_MS, s->pass_ms + SHADOW_MS + 1,
        shadow_row, &w);
    return w.found;
}

/* ---- the judgement ---- */

struct weigher
rules_weigher(struct rules *r, const struct view *view)
{
    return (struct weigher){
        .registry = r->census.count ? r->registry : NULL,
        .company = &r->company,
        .census = &r->census,
        .twins = &r->twins,
        .model = view->model};
}

static struct scene
begin_scene(
    struct rules *r, struct plate p, int32_t day, const struct sighting *trigger)
{
    struct scene s = {
        .plate = p,
        .day = day,
        .day_from_ms = civil_day_start(day, &r->zone),
        .view = ground_view(&r->ground, day),
        .settings = rule_book_on(&r->book, day),
        .ground = &r->ground,
        .watches = r->watches,
        .weigher = &r->weigher,
        .zone = &r->zone,
        .machine = r};
    s.day_to_ms = s.day_from_ms + DAY_MS;
    r->weigher = rules_weigher(r, s.view);
    r->trigger = trigger;
    r->judged = s.view;
    r->leaps_n = 0;
    r->counts.judged++;
    return s;
}

static void
run_rules(struct rules *r, struct scene *s, enum rule_key key)
{
    r->settled = 0;
    for (size_t i = 0; i < r->rules_n; i++) {
        if (s->settings->off[i] || rule_rows[i]->key != key)
            continue;
        s->rule = rule_rows[i];
        s->param = s->settings->value[i];
        s->settled = false;
        s->rule->step(s);
        r->settled |= (uint16_t)(s->settled << i);
    }
}

/* Findings of tags are held under a key of their own: cameras are judged apart. */
static uint64_t
held_key(struct plate p, enum rule_key how)
{
    return how == RULE_BY_TAG ? hash_pair(p.v, RULE_BY_TAG) : p.v;
}

bool
rules_judge(
    struct rules *r, struct plate p, int32_t day, const struct sighting *trigger,
    enum rule_key how)
{
    struct scene s = begin_scene(r, p, day, trigger);
    s.vehicle = r->weigher.registry ? vehicle_find(r->weigher.registry, p, 0) : NULL;
    bool own = trigger && plate_eq(trigger->plate, p);
    rules_rows_fetch(
        r, p, s.day_from_ms - LOOKBACK_MS, s.day_to_ms, own ? trigger : NULL);
    rules_fold(r, &s, how);
    run_rules(r, &s, how);
    rules_settle(r, held_key(p, how), day);
    if (r->partial)
        r->settled = 0;
    return s.hot || r->partial; /* what was missed is judged with its next record */
}

bool
rules_judge_day(
    struct rules *r, struct plate p, int32_t day, const struct sighting *trigger)
{
    bool hot = rules_judge(r, p, day, trigger, RULE_BY_PLATE);
    uint16_t settled = r->settled;
    struct leap_at leaps[LEAPS_A_JUDGEMENT];
    unsigned n = r->leaps_n;
    memcpy(leaps, r->leaps, n * sizeof *leaps);
    if (!r->partial && suspects_set(&r->suspects, p, day, leaps, n))
        for (unsigned i = 0; i < n; i++)
            if (!leaps[i].rests)
                rules_clock_turned(r, leaps[i], p, day);
    r->settled = settled; /* the neighbours' own is not of this plate */
    return hot;
}

void
rules_judge_look(struct rules *r, const struct sighting *trigger, int32_t day)
{
    uint64_t look = unread_look(trigger);
    struct scene s = begin_scene(r, PLATE_NONE, day, trigger);
    rules_rows_unread(r, look, s.day_from_ms - LOOKBACK_MS, s.day_to_ms);
    rules_fold(r, &s, RULE_BY_LOOK);
    run_rules(r, &s, RULE_BY_LOOK);
    rules_settle(r, look, day);
}
