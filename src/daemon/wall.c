/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/wall.h"

#define STEP_MS 2000             /* a jump worth a word */
#define TOLD_US (HOUR_MS * 1000) /* so long it is spoken of */
#define STEADY_US (DAY_MS * 1000)
#define REFUSED_US (10 * MINUTE_MS * 1000)
#define BEHIND_MS (5 * MINUTE_MS) /* senders may be two ahead, and ours may drift */

/* How far the clock moved beyond the monotonic one since the last look, when it is
 * worth a word. */
static int64_t
step_of(ts_ms now, ts_ms at_ms, dur_us mono, dur_us at_us)
{
    int64_t step = now - at_ms - (mono - at_us) / 1000;
    return step > STEP_MS || step < -STEP_MS ? step : 0;
}

int64_t
wall_look(struct wall *w, ts_ms now, dur_us mono, ts_ms newest_ms, uint64_t future)
{
    int64_t step = w->looked ? step_of(now, w->at_ms, mono, w->at_us) : 0;
    if (!w->looked || step)
        w->since_us = mono;
    if (step) {
        w->step_ms = step;
        w->step_us = mono;
        w->step_at_ms = now;
    }
    if (future > w->future)
        w->future_us = mono;
    w->future = future;
    w->looked = true;
    w->at_ms = now;
    w->at_us = mono;
    w->newest_ms = newest_ms;
    return step;
}

int64_t
wall_step(const struct wall *w)
{
    return w->step_ms && w->at_us - w->step_us < TOLD_US ? w->step_ms : 0;
}

int64_t
wall_behind(const struct wall *w)
{
    bool refused = w->future_us && w->at_us - w->future_us < REFUSED_US;
    bool is =
        refused && w->newest_ms != INT64_MIN && w->newest_ms > w->at_ms + BEHIND_MS;
    return is ? w->newest_ms - w->at_ms : 0;
}

void
wall_course_look(struct wall_course *c, ts_ms now, dur_us mono, ts_ms newest_ms)
{
    int64_t step = c->looked ? step_of(now, c->at_ms, mono, c->at_us) : 0;
    if (!c->looked) {
        bool behind = newest_ms != INT64_MIN && newest_ms > now + BEHIND_MS;
        c->held_ms = behind ? newest_ms : INT64_MIN;
    }
    if (!c->looked || step)
        c->since_us = mono;
    c->net_ms += step;
    c->looked = true;
    c->at_ms = now;
    c->at_us = mono;
    bool steady = mono - c->since_us >= STEADY_US;
    if (steady)
        c->net_ms = 0;
    if (steady || c->held_ms <= now + BEHIND_MS)
        c->held_ms = INT64_MIN;
}

int64_t
wall_course_lost(const struct wall_course *c)
{
    return c->net_ms < 0 ? -c->net_ms : 0;
}

bool
wall_course_held(const struct wall_course *c)
{
    return c->held_ms != INT64_MIN;
}

bool
wall_steady(const struct wall *w)
{
    return w->looked && w->at_us - w->since_us >= STEADY_US;
}
