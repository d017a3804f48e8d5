/* SPDX-License-Identifier: Apache-2.0 */
/* What a judgement found against what stands of its group: the difference is said. */
#include "rules/rules_own.h"

#include "core/hash.h"

static void
send(struct rules *r, struct alarm *a, enum alarm_state state)
{
    a->state = (uint8_t)state;
    a->lsn = r->lsn;
    if (state == ALARM_RAISED) {
        r->counts.raised++;
        r->counts.by_rule[rule_index(span_cstr(a->rule))]++;
    } else if (state == ALARM_REVISED) {
        r->counts.revised++;
    } else {
        r->counts.withdrawn++;
    }
    r->needs.alarm(r->needs.ctx, a);
}

/* Hash of what a person sees of an alarm: a change of it is a revision. */
static uint64_t
content_of(struct rules *r, const struct alarm *a)
{
    struct alarm bare = *a;
    bare.state = 0;
    bare.lsn = bare.registry_version = bare.watch_version = 0;
    buf_clear(&r->bytes);
    alarm_encode(&r->bytes, &bare);
    return hash64(r->bytes.p, r->bytes.n, 1);
}

static void
withdraw(struct rules *r, struct held *h)
{
    struct alarm a = {
        .id = {h->id},
        .level = LEVEL_BLUE,
        .plate = h->plate,
        .read = h->plate,
        .site = {h->site},
        .pass_ms = h->pass_ms};
    bool fits = span_copy(a.rule, sizeof a.rule, span_cstr(rule_rows[h->rule]->name));
    must(fits);
    h->state = ALARM_WITHDRAWN;
    if (r->trigger) {
        struct passage p = {.s = r->trigger};
        alarm_add(&a, &p, 0);
    }
    send(r, &a, ALARM_WITHDRAWN);
}

static struct held *
find_held(struct rules *r, uint64_t key, int32_t day, uint64_t id)
{
    struct held *h = held_first(&r->held, key, day);
    while (h && h->id != id)
        h = held_next(&r->held, h);
    return h;
}

static void
settle_one(struct rules *r, struct alarm *a, uint64_t key, int32_t day)
{
    uint64_t content = content_of(r, a);
    struct held *h = find_held(r, key, day, a->id.v);
    if (!h) {
        struct held row = {
            .id = a->id.v,
            .key = key,
            .content = content,
            .plate = a->plate,
            .pass_ms = a->pass_ms,
            .day = day,
            .site = a->site.v,
            .rule = (uint8_t)rule_index(span_cstr(a->rule)),
            .touched = true};
        bool is_held = held_add(&r->held, &row) == OK;
        (void)is_held; /* else the next judgement raises it again: its id is known */
        send(r, a, ALARM_RAISED);
        return;
    }
    if (h->touched || r->partial)
        return; /* the same finding twice in one judgement; or of too few rows */
    h->touched = true;
    if (h->content == content && h->state != ALARM_WITHDRAWN)
        return;
    h->content = content;
    h->state = ALARM_REVISED;
    h->site = a->site.v;
    h->pass_ms = a->pass_ms;
    send(r, a, ALARM_REVISED);
}

static bool
rests_on(const struct alarm *a, const struct sighting *s)
{
    struct sighting_id id = sighting_id_of(s);
    for (unsigned i = 0; i < a->evidence_n; i++)
        if (sighting_id_eq(a->evidence[i].id, id))
            return true;
    return false;
}

/* Past the horizon nothing is known of what was said before: only what the late record
 * itself brings is told; its id makes a repetition harmless. */
static void
settle_late(struct rules *r)
{
    for (size_t i = 0; i < r->made_n; i++)
        if (r->trigger && rests_on(&r->made[i], r->trigger))
            send(r, &r->made[i], ALARM_RAISED);
}

void
rules_settle(struct rules *r, uint64_t key, int32_t day)
{
    if (day < r->held.oldest_day) {
        settle_late(r);
        return;
    }
    for (struct held *h = held_first(&r->held, key, day); h; h = held_next(&r->held, h))
        h->touched = false;
    for (size_t i = 0; i < r->made_n; i++)
        settle_one(r, &r->made[i], key, day);
    for (struct held *h = r->partial ? NULL : held_first(&r->held, key, day); h;
         h = held_next(&r->held, h))
        if (!h->touched && h->state != ALARM_WITHDRAWN)
            withdraw(r, h);
}
