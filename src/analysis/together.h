/* SPDX-License-Identifier: Apache-2.0 */
/* together.h - do two vehicles travel together, or do they only share a corridor?
 *
 * Model    a trip is a run of passes less than half an hour apart. On each trip on
 * which the other one shows at the same sites within half an hour it is inside (at
 *          least half of the shared sites within the gap) or only near. By chance it is
 *          inside as often as the flow of the corridor says: q, the passes inside the
 *          gap over those inside the half hours. A trip is one trial, however many
 * sites it has, because an offset persists along it. p is the chance of so many trips
 *          inside (Poisson binomial): neighbours with the same way are near on every
 *          trip and inside on few.
 * Units    milliseconds; p in 0..1.
 * Owner    all values and arrays are the caller's.
 * Threads  pure functions.
 * See      ask/companions.c; Benjamini and Hochberg 1995 for together_chosen().
 */
#ifndef TQ_ANALYSIS_TOGETHER_H
#define TQ_ANALYSIS_TOGETHER_H

#include "model/site.h"

#define TOGETHER_TRIP_MS (30 * MINUTE_MS) /* a longer pause begins another trip */
#define TOGETHER_NEAR_MS (30 * MINUTE_MS)

/* The probability of at least k successes in n trials of chances q[0..n). */
double together_tail(const double *q, size_t n, size_t k);

/* How many of n p-values, ascending, can be called found so that the expected share of
 * false ones is at most `share`, when `tests` were made in all. */
size_t together_chosen(const double *p, size_t n, size_t tests, double share);

#endif
