/* SPDX-License-Identifier: Apache-2.0 */
/* trajectory.h - where one vehicle passed, in order (车辆轨迹), with what the cameras
 * could not see: gaps between passes, and how likely it passed a camera there unseen.
 *
 * Units    window [from, to) in ts_ms, by the cameras' clocks.
 * Owner    the answer lies in the arena.
 * Errors   ERR_DENIED without a permit for exactly this; those of the primitives.
 * Definition  A gap stands between two passes one after the other when sites lie on the
 * quickest learned way between them (least times to and from add up to a tenth more at
 * most) and did not read it, or when half an hour or more is not accounted for by the
 * least time. `unseen` of a gap: seven of ten vehicles are taken to go the quickest
 * way; those are missed by each site between with its learned share of reads without a
 * whole plate, surely by one that was blind then; the rest went another way. Of the
 * whole: that there is such a gap at all. `missed`: mean learned share of passes, at
 * the sites it passed, that leave no whole plate. Pitfall  a read may be a misread of
 * another plate, and records may still be on their way: both are said in the answer's
 * coverage, never hidden.
 */
#ifndef TQ_ANALYSIS_TRAJECTORY_H
#define TQ_ANALYSIS_TRAJECTORY_H

#include "analysis/coverage.h"

#define TRAJECTORY_BETWEEN 8
struct trajectory_gap {
    size_t after;      /* between rows[after] and the next */
    int64_t took_ms;   /* by corrected clocks */
    uint32_t least_ms; /* learned; 0 not known */
    int64_t free_ms;   /* not accounted for: took less least */
    struct site_id between[TRAJECTORY_BETWEEN];
    uint8_t between_n;
    bool blind; /* one of them delivered nothing then */
    double unseen;
};
struct trajectory {
    struct analysis_rows rows;
    struct coverage coverage;
    struct trajectory_gap *gaps; /* by time */
    size_t gaps_n;
    double unseen, missed;
};

enum err trajectory_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    struct plate plate, ts_ms from, ts_ms to, size_t limit, struct arena *arena,
    struct trajectory *out, struct note *note) MUST_USE;

#endif
