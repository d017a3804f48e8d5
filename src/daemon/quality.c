/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/quality.h"

#include <stdlib.h>

#include "core/log.h"
#include "daemon/parts.h"
#include "serve/quality_rows.h"

struct counted { /* of one device since the last save */
    bool any;
    int64_t day;
    struct quality_day n;
    ts_ms fault_ms;
    struct feed_faults *faults; /* NULL: none */
};
struct quality {
    struct counted *rows; /* by device id */
    uint32_t n;
};

struct quality *
quality_new(void)
{
    return calloc(1, sizeof(struct quality));
}

void
quality_free(struct quality *q)
{
    if (!q)
        return;
    for (uint32_t i = 0; i < q->n; i++)
        free(q->rows[i].faults);
    free(q->rows);
    free(q);
}

uint64_t
quality_faults(const struct device_report *r)
{
    uint64_t all = 0;
    for (int i = 0; r->faults && i < FAULT_COUNT; i++)
        all += feed_fault_count(r->faults, (enum feed_fault)i);
    return all;
}

static struct counted *
counted_of(struct quality *q, struct device_id id)
{
    if (id.v >= q->n) {
        uint32_t n = q->n ? q->n : 64;
        while (n <= id.v)
            n *= 2;
        struct counted *p = realloc(q->rows, n * sizeof *p);
        if (!p)
            return NULL;
        memset(p + q->n, 0, (n - q->n) * sizeof *p);
        q->rows = p;
        q->n = n;
    }
    return &q->rows[id.v];
}

void
quality_add(
    struct quality *q, struct device_id id, const struct device_report *r, ts_ms at,
    const struct zone *zone)
{
    struct counted *c = counted_of(q, id);
    if (!c)
        return;
    c->any = true;
    c->day = civil_day(at, zone); /* what is left of yesterday, a minute, joins today */
    c->n.objects += r->objects;
    c->n.stored += r->stored;
    c->n.duplicates += r->duplicates;
    c->n.conflicts += r->conflicts;
    c->n.future += r->future;
    c->n.expired += r->expired;
    c->n.refused += r->refused;
    c->n.late += r->late;
    c->n.unread += r->unread;
    if (!r->faults || !r->faults->seen)
        return;
    c->fault_ms = at;
    if (!c->faults)
        c->faults = calloc(1, sizeof *c->faults);
    if (c->faults)
        feed_faults_add(c->faults, r->faults);
}

/* ---- saving ---- */

#define AT_ONCE 500 /* devices of one job of the ledger */

struct save_task {
    struct task task;
    uint32_t n;
    struct {
        struct device_id id;
        struct counted c;
    } rows[AT_ONCE];
};

static enum err
save_apply(struct task *task, struct daemon *d)
{
    struct save_task *t = (struct save_task *)task;
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < t->n; i++) {
        const struct counted *c = &t->rows[i].c;
        e = quality_put(
            d->base->ledger, t->rows[i].id, c->day, &c->n, c->faults, c->fault_ms);
    }
    return e;
}

static void
save_settled(struct task *task, struct daemon *d, enum err e)
{
    struct save_task *t = (struct save_task *)task;
    (void)d;
    if (e != OK)
        log_note(EV_ledger_failed, e, NULL);
    for (uint32_t i = 0; i < t->n; i++)
        free(t->rows[i].c.faults);
    free(t);
}

void
quality_save(struct quality *q, struct daemon *d)
{
    struct save_task *t = NULL;
    for (uint32_t i = 0; i < q->n; i++) {
        if (!q->rows[i].any)
            continue;
        if (!t)
            t = calloc(1, sizeof *t);
        if (!t)
            return; /* it is counted on */
        t->rows[t->n].id = (struct device_id){i};
        t->rows[t->n++].c = q->rows[i];
        q->rows[i] = (struct counted){0};
        if (t->n == AT_ONCE) {
            task_init(&t->task, d, save_apply, save_settled);
            task_post(d, OWNER_LEDGER, &t->task);
            t = NULL;
        }
    }
    if (t) {
        task_init(&t->task, d, save_apply, save_settled);
        task_post(d, OWNER_LEDGER, &t->task);
    }
}
