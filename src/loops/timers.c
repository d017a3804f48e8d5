/* SPDX-License-Identifier: Apache-2.0 */
/* A four-ary heap of (instant, id) and a table from id to its place in the heap, so
 * that an instant can be moved or taken out in O(log n). */
#include "loops/timers.h"

#include <stdlib.h>

#include "core/hash.h"

#define ARITY 4
#define FIRST_ROOM 256

static bool
before(struct timer a, struct timer b)
{
    return a.due_ms != b.due_ms ? a.due_ms < b.due_ms : a.id < b.id;
}

/* The slot that holds id, or the free one where it would go. */
static struct timer_slot *
slot_of(const struct timers *t, uint64_t id)
{
    size_t mask = t->slots_n - 1;
    size_t s = (size_t)hash_u64(id) & mask;
    while (t->slots[s].id && t->slots[s].id != id)
        s = (s + 1) & mask;
    return &t->slots[s];
}

static void
put(struct timers *t, size_t i, struct timer x)
{
    t->heap[i] = x;
    slot_of(t, x.id)->at = i;
}

static void
sift_up(struct timers *t, size_t i, struct timer x)
{
    while (i) {
        size_t up = (i - 1) / ARITY;
        if (!before(x, t->heap[up]))
            break;
        put(t, i, t->heap[up]);
        i = up;
    }
    put(t, i, x);
}

static void
sift_down(struct timers *t, size_t i, struct timer x)
{
    for (;;) {
        size_t best = i * ARITY + 1;
        if (best >= t->n)
            break;
        size_t end = best + ARITY < t->n ? best + ARITY : t->n;
        for (size_t c = best + 1; c < end; c++)
            if (before(t->heap[c], t->heap[best]))
                best = c;
        if (!before(t->heap[best], x))
            break;
        put(t, i, t->heap[best]);
        i = best;
    }
    put(t, i, x);
}

/* Puts x, whose slot exists, into the hole at i. */
static void
settle(struct timers *t, size_t i, struct timer x)
{
    if (i && before(x, t->heap[(i - 1) / ARITY]))
        sift_up(t, i, x);
    else
        sift_down(t, i, x);
}

/* Room for one more in the heap and, at most half full, in the table. */
static enum err
grow(struct timers *t)
{
    if (t->n < t->room)
        return OK;
    size_t room = t->room ? 2 * t->room : FIRST_ROOM;
    struct timer *heap = realloc(t->heap, room * sizeof *heap);
    if (!heap)
        return ERR_NOMEM;
    t->heap = heap;
    struct timer_slot *slots = calloc(2 * room, sizeof *slots);
    if (!slots)
        return ERR_NOMEM;
    free(t->slots);
    t->slots = slots;
    t->slots_n = 2 * room;
    t->room = room;
    for (size_t i = 0; i < t->n; i++)
        *slot_of(t, t->heap[i].id) = (struct timer_slot){t->heap[i].id, i};
    return OK;
}

/* Frees the slot and closes the gap in its probe run. */
static void
slot_free(struct timers *t, struct timer_slot *gone)
{
    size_t mask = t->slots_n - 1;
    size_t hole = (size_t)(gone - t->slots);
    for (size_t s = (hole + 1) & mask; t->slots[s].id; s = (s + 1) & mask) {
        size_t home = (size_t)hash_u64(t->slots[s].id) & mask;
        if (((s - home) & mask) < ((s - hole) & mask))
            continue;
        t->slots[hole] = t->slots[s];
        hole = s;
    }
    t->slots[hole] = (struct timer_slot){0, 0};
}

void
timers_init(struct timers *t)
{
    *t = (struct timers){0};
}

void
timers_release(struct timers *t)
{
    free(t->heap);
    free(t->slots);
    *t = (struct timers){0};
}

enum err
timers_set(struct timers *t, uint64_t id, ts_ms due_ms)
{
    must(id);
    if (due_ms == TIMERS_NEVER) {
        timers_drop(t, id);
        return OK;
    }
    struct timer_slot *slot = t->n ? slot_of(t, id) : NULL;
    if (slot && slot->id) {
        settle(t, slot->at, (struct timer){due_ms, id});
        return OK;
    }
    enum err e = grow(t);
    if (e)
        return e;
    size_t last = t->n++;
    *slot_of(t, id) = (struct timer_slot){id, last};
    sift_up(t, last, (struct timer){due_ms, id});
    return OK;
}

void
timers_drop(struct timers *t, uint64_t id)
{
    struct timer_slot *slot = t->n ? slot_of(t, id) : NULL;
    if (!slot || !slot->id)
        return;
    size_t hole = slot->at;
    slot_free(t, slot);
    struct timer x = t->heap[--t->n];
    if (hole < t->n)
        settle(t, hole, x);
}

bool
timers_next(const struct timers *t, struct timer *out)
{
    if (t->n == 0)
        return false;
    *out = t->heap[0];
    return true;
}
