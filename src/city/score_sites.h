/* SPDX-License-Identifier: Apache-2.0 */
/* score_sites.h - how soon silent and degraded sites are found, against
 * truth/sites_health.csv, and wrong clocks against truth/site_faults.csv.
 *
 * Shape    score_sites_new() reads the truth; score_sites_said() takes each finding
 * when it is made; score_sites_sum() appends its rows to the sum of score.h.
 * Pitfall  what counts as telling stands in score_sites.c and was fixed before any run.
 * Owner    score_sites_new() gives the caller one to score_sites_free().
 * Threads  one.
 * Errors   ERR_INPUT (a file without the columns it needs). A directory without the
 * files has nothing to find: no rows.
 * See      docs/city.md, "Score"; tests in score_sites_test.c.
 */
#ifndef TQ_CITY_SCORE_SITES_H
#define TQ_CITY_SCORE_SITES_H

#include "city/score.h"
#include "core/civil.h"

struct score_sites;

enum site_trouble { TROUBLE_SILENT, TROUBLE_DEGRADED, TROUBLE_CLOCK, TROUBLES };

/* dir holds truth/, or is that directory itself. */
enum err
score_sites_new(const char *dir, struct score_sites **out, struct note *note) MUST_USE;
void score_sites_free(struct score_sites *s);
/* Is there anything to find? */
bool score_sites_asks(const struct score_sites *s);
/* At `at_ms` it is said that the site (its code) is in such trouble. Passes that were
 * usual in the quarter of an hour behind the beginning of each planted trouble make
 * "telling" rows: usual() is asked once for each, -1 = not known. */
void score_sites_said(
    struct score_sites *s, struct span site, enum site_trouble what, ts_ms at_ms);
/* How many passes are usual at that site in [from, to); asked for every planted trouble
 * before the sum. */
typedef double
score_sites_usual(void *arg, struct span site, ts_ms from_ms, ts_ms to_ms);
void score_sites_weigh(struct score_sites *s, score_sites_usual *usual, void *arg);
/* Findings before this instant, and troubles that began before it, do not count: there
 * was no model to know better. */
void score_sites_from(struct score_sites *s, ts_ms from_ms);
/* The findings cover so many weeks of one site each. */
void score_sites_span(struct score_sites *s, double site_weeks);
void score_sites_sum(const struct score_sites *s, struct score_sum *out);
/* Up to max troubles not found in time and wrong findings of a kind, a line each. */
void score_sites_explain(
    const struct score_sites *s, const char *kind, size_t max, FILE *to);

/* A file in order of arrival has no times of it: a late one of the last pass times
 * stands in, with room above it for the few cameras that are ahead of time. Start with
 * {.now = INT64_MIN}. */
struct score_clock {
    ts_ms last[63];
    size_t n;
    ts_ms now; /* INT64_MIN: not yet known; never goes back */
};
void score_clock_saw(struct score_clock *c, ts_ms pass_ms);

#endif
