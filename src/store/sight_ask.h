/* SPDX-License-Identifier: Apache-2.0 */
/* sight_ask.h - what the questions share: the snapshot, the window, the budget, growing
 * lists.
 *
 * Owner    a list is heap until list_give() copies it into the asker's arena.
 * Threads  one question, one thread.
 */
#ifndef TQ_STORE_SIGHT_ASK_H
#define TQ_STORE_SIGHT_ASK_H

#include "store/sight_core.h"

struct sight_snap {
    struct view *view;
    struct rolls *rolls; /* of the engine, which outlives its snapshots */
    struct pair *pair;   /* so is this */
    struct zone zone;
    size_t *head_n; /* rows of each head that belong to the snapshot */
    ts_ms newest;
};

struct asked {
    const struct sight_snap *snap;
    const struct sight_ask *ask;
    ts_ms from, to; /* [from, to) */
    uint64_t ticks;
    enum err err;
};
void
asked_init(struct asked *a, const struct sight_snap *snap, const struct sight_ask *ask);
/* False when the budget is spent (a->err says which); cheap enough to ask a row. */
bool asked_go_on(struct asked *a);
/* The same for `rows` rows at once. */
bool asked_spend(struct asked *a, uint64_t rows);
static inline bool
asked_in(const struct asked *a, ts_ms t)
{
    return t >= a->from && t < a->to;
}
static inline bool
asked_overlaps(const struct asked *a, const struct seg *s)
{
    return s->meta.rows && s->meta.min_ms < a->to && s->meta.max_ms >= a->from;
}

/* A growing heap array of fixed-size items; the arena's cap bounds it. */
struct list {
    void *p;
    size_t n, room, size;
    bool lent; /* p lies in the arena */
};
/* Room for one more (zeroed), or NULL with a->err set. */
void *list_add(struct asked *a, struct list *l);
/* Room for n more, which the caller writes and counts; false with a->err set. */
bool list_room(struct asked *a, struct list *l, size_t n);
/* Of an empty list that will most likely have n: they need not move any more. */
bool list_expect(struct asked *a, struct list *l, size_t n);
void list_release(struct list *l);
/* Copies into the arena. */
enum err list_give(struct asked *a, struct list *l, void **out, size_t *n) MUST_USE;

/* Rows into a list: deep copy of a head row's texts is not needed while the snapshot
 * lives, but answers outlive it, so texts are copied into the arena. */
bool
asked_add_row(struct asked *a, struct list *rows, const struct sighting *s, bool copy);
/* Sorts by (time, site, plate, record id), cuts at the limit and gives. */
enum err asked_give_rows(
    struct asked *a, struct list *rows, bool newest_first, size_t limit,
    struct sight_rows *out) MUST_USE;

#endif
