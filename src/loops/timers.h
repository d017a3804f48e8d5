/* SPDX-License-Identifier: Apache-2.0 */
/* timers.h - which matter is due next: one instant a matter, the earliest first.
 *
 * Units    instants ts_ms; keys are matter ids (not 0). About 64 bytes a matter.
 * Owner    the caller's memory; timers_release() is safe on zeroed and twice.
 * Threads  the ledger thread's.
 * Errors   ERR_NOMEM from timers_set().
 * See      docs/why/loops.md "Timers"; tests in timers_test.c.
 *
 * The order is (instant, id), so a restart that puts the same matters in fires them in
 * the same order.
 */
#ifndef TQ_LOOPS_TIMERS_H
#define TQ_LOOPS_TIMERS_H

#include "core/civil.h"
#include "core/err.h"

#define TIMERS_NEVER INT64_MAX

struct timer {
    ts_ms due_ms;
    uint64_t id;
};

struct timers {
    struct timer *heap;
    size_t n, room;
    struct timer_slot {
        uint64_t id; /* 0: free */
        size_t at;   /* place in the heap */
    } * slots;       /* open addressing */
    size_t slots_n;  /* a power of two */
};

void timers_init(struct timers *t);
void timers_release(struct timers *t);
/* Puts or moves the instant of id; TIMERS_NEVER takes it out. */
enum err timers_set(struct timers *t, uint64_t id, ts_ms due_ms) MUST_USE;
void timers_drop(struct timers *t, uint64_t id);
/* The earliest; false when there is none. It stays until timers_set() moves it. */
bool timers_next(const struct timers *t, struct timer *out);

#endif
