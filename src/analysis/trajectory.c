/* SPDX-License-Identifier: Apache-2.0 */
/* The permit first, then two primitives. */
#include "analysis/trajectory.h"

enum err
trajectory_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    struct plate plate, ts_ms from, ts_ms to, size_t limit, struct arena *arena,
    struct trajectory *out, struct note *note)
{
    enum err e = look_permit_covers(permit, LOOK_TRAJECTORY, from, to, note);
    if (e != OK)
        return e;
    struct plate bound = look_permit_limits(permit)->plate;
    if (!plate_is_none(bound) && !plate_eq(bound, plate))
        return note_set(
            note, ERR_DENIED, "plate", "the permit is for another plate",
            "许可对应的是另一号牌");
    struct trajectory t;
    e = needs->by_plate(needs->ctx, plate, from, to, limit, arena, &t.rows);
    if (e == OK)
        e = coverage_of(needs, from, to, arena, &t.coverage);
    if (e == OK)
        *out = t;
    return e;
}
