/* SPDX-License-Identifier: Apache-2.0 */
/* sight_known.h - what is stored of the sites and moments of many rows, for those who
 * ask of each whether it is there: segments are read in their own order, once for all
 * rows, where view_find_key() looks each one up.
 *
 *   rows by (site, time) -- place segments --> plates that passed there and then
 *   plates by (plate, time) -- vehicle runs --> the stored rows
 *
 * Units    none of its own.
 * Owner    rows and their texts live for the call.
 * Threads  one a call; the view is immutable. Memory: 32 bytes a row, 32 MB beside.
 * Errors   ERR_NOMEM; ERR_TOOBIG: a stored text past its limit. What is damaged reads
 * as absent, and its segment is marked.
 * See      docs/why/sightings.md "Known rows"; tests in sight_bulk_test.c.
 */
#ifndef TQ_STORE_SIGHT_KNOWN_H
#define TQ_STORE_SIGHT_KNOWN_H

#include "store/sight_core.h"

/* Up to KNOWN_ROWS stored rows. A row may be given twice, and it may be of another site
 * at that moment. */
#define KNOWN_ROWS 32u
typedef enum err (*known_fn)(void *arg, const struct sighting *stored, size_t n);

/* Calls fn with all rows in the segments that passed at the site and the time of one of
 * the n rows; those of which gone[i] is set do not count (gone may be NULL). */
enum err known_rows(
    struct sight *s, const struct view *v, const struct sighting *rows,
    const uint8_t *gone, size_t n, known_fn fn, void *arg) MUST_USE;

#endif
