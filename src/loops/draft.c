/* SPDX-License-Identifier: Apache-2.0 */
/* The draft of an event: what is known so far, and how it ends. */
#include "loops/draft.h"

#include <string.h>

#define DRAFT_CAP (256u << 10)

void
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
enum err
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

const struct matter_value *
draft_value(const struct draft *d, unsigned field)
{
    for (unsigned i = d->e.values_n; i--;)
        if (d->e.values[i].field == field)
            return &d->e.values[i];
    return matter_value(d->m, field);
}

void
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
uint64_t
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

struct loop_facts
draft_facts(struct draft *d)
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
