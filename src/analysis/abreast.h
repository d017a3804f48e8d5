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
 *   abreast_of_day() a day --> struct abreast_day ... --> abreast_walk()
 *
 * Memory   16 bytes a way of one day while it is read, then about 4 a pair. Where that
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

struct abreast_ask {
    const struct analysis_needs *needs;
    ts_ms from, to; /* at most a day apart, or so */
    int32_t gap_ms; /* at both ends of a way */
    uint32_t sites; /* ways from so many different sites in common */
    uint32_t slice, slices;
    size_t cap; /* of the memory while the day is read */
};

struct abreast_piece;
struct abreast_day {
    struct plate *plate; /* of the vehicles with enough ways, ascending */
    uint32_t plates;
    struct abreast_piece *first, *last; /* pairs */
    uint64_t pairs;
    size_t bytes;
};

/* *out is written as far as it came also on an error (to be forgotten). */
enum err abreast_of_day(
    const struct abreast_ask *ask, struct arena *arena,
    struct abreast_day *out) MUST_USE;

/* Calls fn with each pair, x < y, of at least `least` of the days, by x then y; *pairs
 * is the number of different pairs of all days. scratch is used up. */
typedef enum err (*abreast_fn)(
    void *arg, struct plate x, struct plate y, uint32_t days);
enum err abreast_walk(
    const struct abreast_day *days, size_t n, uint32_t least, struct arena *scratch,
    abreast_fn fn, void *arg, uint64_t *pairs) MUST_USE;

#endif
