/* SPDX-License-Identifier: Apache-2.0 */
/* coverage.h - how far "not seen" means "was not there" (覆盖说明): which cameras gave
 * nothing in the window although they usually do.
 *
 * Shape    a site counts as blind in a gap when, by its own flow in the three hours
 * before and behind the gap, the chance of so long a silence is under one in a million
 * (Poisson). Nights are compared with the hours around them, so a quiet road at 3 a.m.
 * is not called blind.
 * Units    windows ts_ms; gaps rounded to five minutes.
 * Owner    results lie in the arena.
 * Errors   those of the primitives. Pitfall a window of more than 31 days is judged by
 * its last 31 days (`from_ms` says so).
 */
#ifndef TQ_ANALYSIS_COVERAGE_H
#define TQ_ANALYSIS_COVERAGE_H

#include "analysis/needs.h"

struct coverage_gap {
    struct site_id site;
    ts_ms from_ms, to_ms;
};
struct coverage {
    ts_ms from_ms, to_ms; /* what was judged */
    uint32_t sites;       /* that gave anything in it */
    struct coverage_gap *gaps;
    size_t gaps_n;
};

enum err coverage_of(
    const struct analysis_needs *needs, ts_ms from, ts_ms to, struct arena *arena,
    struct coverage *out) MUST_USE;

#endif
