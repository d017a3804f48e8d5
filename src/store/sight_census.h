/* SPDX-License-Identifier: Apache-2.0 */
/* sight_census.h - every plate that the vehicle runs know, once, in plate order, with
 * what is most asked of it: passes, hours of the day, first day, number of days.
 * Questions about all plates (a pattern, first seen, never by day) read these arrays
 * instead of the directories of all runs; merging runs does not change them.
 *
 *   view { runs } --census_of--> census --census_add(new run)--> census' ...
 *
 * Units    first: civil day numbers; hours: bit h = seen in civil hour h, of all days.
 * Owner    refcounted; a view holds one reference.
 * Threads  immutable once made: any thread reads.
 * Errors   ERR_TOOBIG past the cap of plates (questions then read the runs),
 * ERR_CORRUPT when a run turns out damaged (it is marked bad), ERR_NOMEM, ERR_STOPPING.
 * See      docs/why/sightings.md "Census"; tests in sight_scan_test.c.
 */
#ifndef TQ_STORE_SIGHT_CENSUS_H
#define TQ_STORE_SIGHT_CENSUS_H

#include "store/sight_run.h"

/* Beside the 24 hours of a plate: it is whole (no '?', not hashed). */
#define CENSUS_EXACT (1u << 24)
#define CENSUS_HOURS (CENSUS_EXACT - 1)
#define CENSUS_PLATE_BYTES 21u /* memory of one plate */
#define CENSUS_STEP 64u        /* plates looked at together; arrays end with as many */

struct census {
    _Atomic uint32_t refs;
    size_t n;
    uint64_t *plate; /* ascending, without the unread */
    uint32_t *rows;  /* passes, at most UINT32_MAX */
    uint32_t *hours; /* and CENSUS_EXACT */
    int32_t *first;
    uint8_t *days; /* at most 255; one that two runs share counts twice */
};

struct census *census_ref(struct census *r);
void census_unref(struct census *r); /* NULL is fine */

/* Of all runs; at most `cap` plates. stop: asked now and then, may be NULL. */
enum err census_of(
    struct seg *const *runs, size_t n, size_t cap, bool (*stop)(void *arg), void *arg,
    struct census **out) MUST_USE;
/* The old one and one more run; old stays as it is. */
enum err census_add(
    const struct census *old, struct seg *run, size_t cap,
    struct census **out) MUST_USE;

/* First index with plate >= v (n when there is none). */
size_t census_find(const struct census *r, uint64_t v);

#endif
