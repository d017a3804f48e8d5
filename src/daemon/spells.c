/* SPDX-License-Identifier: Apache-2.0 */
/* Changes wait a few seconds: an event's row is written from the published picture,
 * which must hold the change by then. */
#include "daemon/spells.h"

#include "core/log.h"

#include <stdlib.h>

#define WAIT_MS (3 * SECOND_MS)

struct spell {
    struct site_id site;
    struct vital_site now;
};
struct spells {
    struct task task;
    ts_ms first_ms; /* the oldest of them was noted */
    size_t n, room;
    struct spell *rows;
};

static struct spells *
waiting(struct daemon *d)
{
    if (!d->spells)
        d->spells = calloc(1, sizeof *d->spells);
    return d->spells;
}

static bool
room_for_one(struct spells *s)
{
    if (s->n < s->room)
        return true;
    size_t room = s->room ? s->room * 2 : 16;
    struct spell *p = realloc(s->rows, room * sizeof *p);
    if (!p)
        return false;
    s->rows = p;
    s->room = room;
    return true;
}

void
spells_note(
    void *arg, struct site_id site, const struct vital_site *was,
    const struct vital_site *now)
{
    struct daemon *d = arg;
    struct spells *s = waiting(d);
    (void)was;
    if (!s || !room_for_one(s))
        return;
    if (s->n == 0)
        s->first_ms = now->said_ms;
    s->rows[s->n++] = (struct spell){site, *now};
}

static enum err
spells_apply(struct task *t, struct daemon *d)
{
    struct spells *s = (struct spells *)t;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < s->n; i++) {
        struct buf bytes = {0};
        const struct vital_site *v = &s->rows[i].now;
        vital_encode(&bytes, v);
        struct ledger_entry entry = {
            .topic = TOPIC_VITAL,
            .kind = v->state,
            .seq = (uint32_t)(v->said_ms / MINUTE_MS),
            .object = s->rows[i].site.v,
            .at_ms = v->said_ms,
            .payload = span_of(bytes.p, bytes.n),
        };
        uint64_t n;
        e = bytes.bad ? ERR_NOMEM : ledger_note(d->base->ledger, &entry, &n);
        buf_release(&bytes);
    }
    return e;
}

static void
spells_settled(struct task *t, struct daemon *d, enum err e)
{
    struct spells *s = (struct spells *)t;
    (void)d;
    if (e != OK)
        log_note(EV_ledger_failed, e, NULL);
    free(s->rows);
    free(s);
}

void
spells_send(struct daemon *d, ts_ms now, bool all)
{
    struct spells *s = d->spells;
    if (!s || (!all && s->n && now - s->first_ms < WAIT_MS))
        return;
    if (s->n == 0 && !all)
        return;
    d->spells = NULL;
    task_init(&s->task, d, spells_apply, spells_settled);
    task_post(d, OWNER_LEDGER, &s->task);
}
