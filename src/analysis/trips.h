/* SPDX-License-Identifier: Apache-2.0 */
/* trips.h - how many trips two vehicles have together and how likely that is by chance
 * (together.h), for many pairs at once.
 *
 * Two vehicles that are near on a trip of the first one are one trial of it; the chance
 * of a trial comes from the flow of the sites where they were. The passes of the lesser
 * vehicles are kept while all plates go by in their order, and the greater one of a
 * pair meets them there: one scan for all pairs, or several where the passes do not fit.
 *
 *   flow --trips_flow--> sums; pairs + sums --trips_of_pairs--> fn of each pair
 *
 * Units    milliseconds; p in 0..1.
 * Owner    sums lie in the asker's arena.
 * Threads  the thread that runs the analysis.
 * Errors   those of the needs and of fn; ERR_TOOBIG past the arena.
 * See      ask/convoys.c; trips_test.c compares with single pairs.
 */
#ifndef TQ_ANALYSIS_TRIPS_H
#define TQ_ANALYSIS_TRIPS_H

#include "analysis/abreast.h"

/* Passes of everybody at each site before each five minutes of a window. */
struct trips_flow {
    ts_ms begin;
    uint32_t sites, cells;
    uint32_t *sum; /* sites + 1 rows of cells + 1 */
};
enum err trips_flow(
    const struct analysis_needs *needs, ts_ms from, ts_ms to, struct arena *arena,
    struct trips_flow *out) MUST_USE;

struct trips_pair {
    struct plate x, y;
    uint32_t near, trips, days; /* trials; successes, and on how many days */
    const double *q;            /* the chance of each trial */
};
typedef enum err (*trips_fn)(void *arg, const struct trips_pair *pair);

struct trips_ask {
    const struct analysis_needs *needs;
    const struct zone *zone;
    const struct trips_flow *flow;
    ts_ms from, to;
    int32_t gap_ms;
    uint32_t least; /* pairs with fewer successes are passed over */
    size_t room;    /* of the passes kept in one scan */
    size_t cap;     /* of all memory */
    trips_fn fn;
    void *arg;
};
enum err
trips_of_pairs(const struct trips_ask *ask, const struct abreast_day *pairs) MUST_USE;

#endif
