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
 * stored; future = passes since start that were ahead of time: refused, put off, taken. The step since the look
 * before, 0 when there was none worth a word. */
int64_t
wall_look(struct wall *w, ts_ms now, dur_us mono, ts_ms newest_ms, uint64_t future);
/* The last step while it is less than an hour old, else 0. */
int64_t wall_step(const struct wall *w);
/* How far the clock stands before the newest pass, beyond what senders' clocks are
 * allowed; else 0. */
int64_t wall_behind(const struct wall *w);
bool wall_steady(const struct wall *w);

/* The wall clock beside its own course: what it would say had nobody set it since the
 * last steady day. Of two times that contradict one another it cannot know the right
 * one, so the store refuses no pass that was good by either.
 *
 *   lost     it was set back by so much in all: passes so far ahead are taken
 *   held     it began before the newest pass that is stored and has not passed it:
 *            senders of what is ahead are told to come again, since nothing here says
 *            what time it is
 *
 * Both end by themselves: when it is set right, passes what is stored, or has run on for
 * a day without a step. Owner, threads: as of struct wall; another one's. */
struct wall_course {
    ts_ms at_ms;
    dur_us at_us, since_us;
    int64_t net_ms; /* sum of the steps */
    ts_ms held_ms;  /* the newest pass it began behind; INT64_MIN not held */
    bool looked;
};
/* newest_ms as of wall_look(); only the first look reads it. */
void wall_course_look(struct wall_course *c, ts_ms now, dur_us mono, ts_ms newest_ms);
int64_t wall_course_lost(const struct wall_course *c); /* ms; 0 */
bool wall_course_held(const struct wall_course *c);

#endif
