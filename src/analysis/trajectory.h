/* SPDX-License-Identifier: Apache-2.0 */
/* trajectory.h - where one vehicle passed, in order (车辆轨迹), with what the cameras
 * could not see.
 *
 * Units    window [from, to) in ts_ms, by the cameras' clocks.
 * Owner    the answer lies in the arena.
 * Errors   ERR_DENIED without a permit for exactly this; those of the primitives.
 * Pitfall  a read may be a misread of another plate, and records may still be on their
 * way: both are said in the answer's coverage, never hidden.
 */
#ifndef TQ_ANALYSIS_TRAJECTORY_H
#define TQ_ANALYSIS_TRAJECTORY_H

#include "analysis/coverage.h"

struct trajectory {
    struct analysis_rows rows;
    struct coverage coverage;
};

enum err trajectory_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    struct plate plate, ts_ms from, ts_ms to, size_t limit, struct arena *arena,
    struct trajectory *out, struct note *note) MUST_USE;

#endif
