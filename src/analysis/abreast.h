/* SPDX-License-Identifier: Apache-2.0 */
/* abreast.h - which vehicles drive the same ways at the same time, among all of a day
 * and over days, in memory that follows the vehicles and not their meetings.
 *
 * A way is one vehicle from a site to its next one. Ways of a day lie sorted by where
 * and when, so that those abreast of one lie beside it. Vehicles are worked off in plate
 * order: the neighbours of all ways of one are counted at once, and only pairs with
 * enough ways in common are kept, as differences of a few bytes. Days in this form are
 * walked in step, plate by plate.
 *
 *   abreast_of_day() a day --> struct abreast_day ... --> abreast_join() --> all days
 *
 * Memory   16 bytes a way of one day and 22 MB while it is read, then about 2 a pair. Where that
 *          does not fit, ask for one slice of the plates after another: a pair
 *          belongs to the slice of its lesser plate.
 * Owner    days lie in the asker's arena.
 * Threads  pure functions.
 * Errors   those of the needs; ERR_TOOBIG past the arena.
 * See      ask/convoys.c; abreast_test.c compares with counting all pairs.
 */
#ifndef TQ_ANALYSIS_ABREAST_H
#define TQ_ANALYSIS_ABREAST_H

#include "analysis/needs.h"
#include "analysis/pair_list.h"

#define ABREAST_SITES 50  /* most of `sites` */
#define ABREAST_DAYS 250  /* most at once */
#define ABREAST_SLICES 64 /* most that are chosen */

struct abreast_ask {
    const struct analysis_needs *needs;
    ts_ms from, to; /* at most a day apart, or so */
    int32_t gap_ms; /* at both ends of a way */
    uint32_t sites; /* ways from so many different sites in common */
    size_t cap;     /* of the memory while the day is read */
    uint32_t batch; /* so many ways are worked off at once; 0: the usual number */
    /* The slice. slices 0: so many are chosen by a sample of this day that the pairs of
     * `days` such days are about `room` bytes; ERR_TOOBIG when they are too many. */
    uint32_t slice, slices;
    uint32_t days;
    size_t room;
};

struct abreast_day {
    struct plate *plate; /* of the vehicles with enough ways, ascending */
    uint32_t plates;
    struct pair_list pairs; /* of numbers of these plates */
};

/* *out is written as far as it came also on an error (to be forgotten). */
enum err abreast_of_day(
    struct abreast_ask *ask, struct arena *arena, struct abreast_day *out) MUST_USE;

/* The pairs of at least `least` of the days, of one slice; *all is the number of
 * different pairs of all days. */
enum err abreast_join(
    const struct abreast_day *days, size_t n, uint32_t least, struct arena *arena,
    struct abreast_day *out, uint64_t *all) MUST_USE;

#endif
