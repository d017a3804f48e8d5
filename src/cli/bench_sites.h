/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sites.h - how soon silent and degraded sites are found: the file's records in
 * their order go through the same judgement as the daemon's (rules/vital.h), with the
 * models that the import froze day by day.
 *
 * Owner    adds rows to the caller's sum.
 * Threads  one.
 * Errors   ERR_INPUT (a file without its columns); those of the data directory.
 * Pitfall  a file has no times of arrival: score_clock stands in.
 */
#ifndef TQ_CLI_BENCH_SITES_H
#define TQ_CLI_BENCH_SITES_H

#include "city/score.h"

/* data: the filled data directory. A directory without sites_health.csv and
 * site_faults.csv adds nothing. explain: a kind to show what went wrong of, or NULL. */
enum err bench_sites(
    const char *data, const char *truth, const char *explain, struct score_sum *sum,
    struct note *note) MUST_USE;

#endif
