/* SPDX-License-Identifier: Apache-2.0 */
/* sight_merge.h - several segments of one kind become one.
 *
 * Owner    inputs stay the caller's; *out is a new reference.
 * Threads  any one thread; inputs may be read by others meanwhile.
 * Errors   ERR_CORRUPT when an input turns out damaged (it is marked bad, nothing is
 * made).
 * See      docs/why/sightings.md "Merging"; tests in sight_test.c.
 */
#ifndef TQ_STORE_SIGHT_MERGE_H
#define TQ_STORE_SIGHT_MERGE_H

#include "store/sight_build.h"

/* Rows before `keep_from` are left out (purge); *out stays NULL when nothing remains.
 * stop: asked now and then, true gives ERR_STOPPING. */
struct merge_job {
    const struct build_env *env;
    struct seg **in;
    size_t n;
    int64_t day_lo, day_hi;
    uint8_t level;
    ts_ms keep_from;
    bool (*stop)(void *arg);
    void *stop_arg;
};
enum err merge_runs(
    const struct merge_job *job, struct seg **out, uint64_t *dropped,
    struct note *note) MUST_USE;
enum err
merge_places(const struct merge_job *job, struct seg **out, struct note *note) MUST_USE;

#endif
