/* SPDX-License-Identifier: Apache-2.0 */
/* sight_roll.h - the plates of place segments in memory, for questions about places. A
 * place row names its plate by rank; in the file that rank lies in the middle of a
 * block of differences. A segment of which enough rows were asked gets a roll: the
 * plate and the usual look of every rank as plain arrays. Rolls are bounded together;
 * the one that was not used for longest goes first. Making one takes some 10 ms a half
 * million plates, which nobody waits for: a thread makes it, and until then the file is
 * read.
 *
 *   rolls_take(rolls, segment) --roll or NULL--> roll_plates() --> roll_drop()
 *
 * Owner    rolls_new() to rolls_free(); a taken roll is the asker's until roll_drop().
 * Threads  any thread takes and drops; a roll does not change.
 * Errors   without memory or past the bound there is no roll: the file is read instead.
 * See      docs/why/sightings.md "Rolls"; tests in sight_scan_test.c.
 */
#ifndef TQ_STORE_SIGHT_ROLL_H
#define TQ_STORE_SIGHT_ROLL_H

#include "store/sight_place.h"

#define ROLL_PLATE_BYTES (sizeof(uint64_t) + sizeof(struct looks))

struct roll {
    _Atomic uint32_t refs;
    uint64_t seq; /* of its segment's file */
    uint64_t used;
    size_t n;
    uint64_t *plate; /* by rank */
    struct looks *look;
};

struct rolls;
/* threaded: rolls are made by a thread, which starts with the first; else by askers. */
struct rolls *rolls_new(size_t bytes, bool threaded);
void rolls_free(struct rolls *r); /* NULL is fine */
/* The roll of the segment; NULL: it has none (yet). */
struct roll *rolls_take(struct rolls *r, struct seg *s);
void roll_drop(struct roll *roll); /* NULL is fine */
uint64_t rolls_bytes(struct rolls *r);

/* Plates of ranks, from the roll or (roll NULL) from the file; the rows asked are
 * remembered there. False when damaged. */
bool roll_plates(
    const struct roll *roll, struct seg *s, const uint32_t *rank, unsigned n,
    uint64_t *plate);
/* fits[i] is cleared where the usual look of rank[i] does not agree with what is asked,
 * apart from the members that odd[i] says the row's own look may differ in. */
bool roll_looks(
    const struct roll *roll, struct seg *s, const uint32_t *rank, const uint8_t *odd,
    unsigned n, const struct looks *want, bool *fits);

#endif
