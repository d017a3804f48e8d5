/* SPDX-License-Identifier: Apache-2.0 */
/* wall.h - the wall clock, watched against the monotonic one and the newest pass.
 *
 *   step      the two clocks moved differently between two looks
 *   behind    it stands before the newest pass, and passes are being refused as ahead
 * of time. Either alone may be a clock that was wrong once, or a camera's steady    it
 * has run on for a day without a step: who could have corrected it has
 *
 * Units    wall clock ts_ms, monotonic clock dur_us.
 * Owner    the caller's memory; zeroed is ready.
 * Threads  one.
 * See      docs/why/truth.md "A wrong clock".
 */
#ifndef TQ_DAEMON_WALL_H
#define TQ_DAEMON_WALL_H

#include "core/civil.h"

#include <stdbool.h>

struct wall {
    ts_ms at_ms, newest_ms;
    uint64_t future;
    dur_us future_us;       /* when passes were last seen refused; 0 never */
    dur_us at_us, since_us; /* since_us: start, or the last step */
    dur_us step_us;         /* when the last step was seen */
    int64_t step_ms;        /* how far; 0 = none yet */
    ts_ms step_at_ms;
    bool looked;
};

/* A look at both clocks; newest_ms = largest pass time stored, INT64_MIN = nothing is
 * stored; future = passes refused as ahead of time since start. The step since the look
 * before, 0 when there was none worth a word. */
int64_t
wall_look(struct wall *w, ts_ms now, dur_us mono, ts_ms newest_ms, uint64_t future);
/* The last step while it is less than an hour old, else 0. */
int64_t wall_step(const struct wall *w);
/* How far the clock stands before the newest pass, beyond what senders' clocks are
 * allowed; else 0. */
int64_t wall_behind(const struct wall *w);
bool wall_steady(const struct wall *w);

#endif
