/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that passed in a window, whole rows: the runs are read from end to end, a
 * column at a time. What a place row names costs a look-up in a run; here it costs a
 * step, so a window that holds more than a few of a run's rows is read this way. */
#include "store/sight_each.h"

#include <stdlib.h>

#define ROW_STEPS 200u /* stepping over so many rows costs as much as one look-up */

struct each {
    struct asked *a;
    struct run_rows rows;
    struct run_plates plates;
    struct arena texts; /* of one row */
    sight_each_fn fn;
    void *arg;
};

static bool
each_row(struct each *e, const struct run_plate *p, uint64_t row, ts_ms t)
{
    struct vrow v;
    struct sighting s;
    if (!run_rows_get(&e->rows, row, t, p->look, &v))
        return false;
    arena_reset(&e->texts);
    if (!run_sighting(run_dict(e->rows.seg), e->rows.zone, p->plate, &v, &e->texts, &s))
        e->a->err = ERR_TOOBIG;
    else
        e->a->err = e->fn(e->arg, &s);
    return e->a->err == OK;
}

/* A damaged block reads as an end: the segment is then marked. */
static bool
each_plate(struct each *e, const struct run_plate *p)
{
    for (uint64_t row = p->row; row < p->row + p->rows; row++) {
        ts_ms t;
        if (!run_rows_time(&e->rows, row, row == p->row, &t))
            return false;
        if (t >= e->a->to)
            return true;
        if (t >= e->a->from && !each_row(e, p, row, t))
            return false;
    }
    return true;
}

static void
each_run(struct each *e, struct seg *s)
{
    struct run_plate p;
    if (!run_rows_init(&e->rows, s, &e->a->snap->zone, true)) {
        e->a->err = ERR_NOMEM;
        return;
    }
    run_plates_init(&e->plates, s, 0, PLATES_ALL);
    while (run_plates_next(&e->plates, &p) && asked_spend(e->a, p.rows) &&
           each_plate(e, &p))
        ;
    run_rows_release(&e->rows);
}

void
asked_each(struct asked *a, sight_each_fn fn, void *arg)
{
    const struct view *v = a->snap->view;
    struct each *e = malloc(sizeof *e);
    if (!e) {
        a->err = ERR_NOMEM;
        return;
    }
    e->a = a;
    e->fn = fn;
    e->arg = arg;
    arena_init(&e->texts, 1 << 20);
    for (size_t i = 0; i < v->runs_n && a->err == OK; i++)
        if (asked_overlaps(a, v->runs[i]))
            each_run(e, v->runs[i]);
    arena_release(&e->texts);
    free(e);
}

/* Of passes evenly spread over a run's time, how many lie in the window? */
static double
rows_in(const struct asked *a, const struct seg_meta *m)
{
    double lo = (double)(m->min_ms > a->from ? m->min_ms : a->from);
    double hi = (double)(m->max_ms + 1 < a->to ? m->max_ms + 1 : a->to);
    return (double)m->rows * (hi - lo) / (double)(m->max_ms + 1 - m->min_ms);
}

bool
asked_is_dense(const struct asked *a)
{
    const struct view *v = a->snap->view;
    double all = 0, in = 0;
    for (size_t i = 0; i < v->runs_n; i++)
        if (asked_overlaps(a, v->runs[i])) {
            all += (double)v->runs[i]->meta.rows;
            in += rows_in(a, &v->runs[i]->meta);
        }
    return in * ROW_STEPS >= all;
}

enum err
sight_each(
    struct sight_snap *snap, const struct sight_ask *ask, sight_each_fn fn, void *arg)
{
    struct asked a;
    const struct view *v = snap->view;
    asked_init(&a, snap, ask);
    asked_each(&a, fn, arg);
    for (size_t h = 0; h < v->heads_n; h++)
        for (size_t i = 0; i < snap->head_n[h] && asked_go_on(&a); i++)
            if (asked_in(&a, v->heads[h]->rows[i].pass_ms))
                a.err = fn(arg, &v->heads[h]->rows[i]);
    return a.err;
}
