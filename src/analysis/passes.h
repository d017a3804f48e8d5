/* SPDX-License-Identifier: Apache-2.0 */
/* passes.h - who passed these places in this window, or who fits this part of a plate
 * (过车查询).
 *
 * Units    window [from, to) in ts_ms; at most 24 h by place, 31 days by partial plate.
 * Owner    the answer lies in the arena.
 * Errors   ERR_DENIED without a permit for exactly this; ERR_INPUT for a window that is
 * too wide.
 */
#ifndef TQ_ANALYSIS_PASSES_H
#define TQ_ANALYSIS_PASSES_H

#include "analysis/coverage.h"
#include "model/look_scope.h"

#define PASSES_PLACE_MS DAY_MS
#define PASSES_PATTERN_MS (31 * DAY_MS)
#define PASSES_SITES LOOK_SITES
#define PASSES_KNOWN 3 /* characters a pattern must know where no site is named */

struct passes_ask {
    const struct site_id *sites; /* none: everywhere, then a pattern that knows
                                    PASSES_KNOWN characters is needed */
    size_t sites_n;
    struct analysis_filter filter;
    ts_ms from, to;
    size_t limit;
};
struct passes {
    struct analysis_rows rows;
    struct coverage coverage;
};

enum err passes_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    const struct passes_ask *ask, struct arena *arena, struct passes *out,
    struct note *note) MUST_USE;

#endif
