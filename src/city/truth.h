/* SPDX-License-Identifier: Apache-2.0 */
/* truth.h - writes down what was planted and what naturally follows from the records:
 * the files of truth/.
 *
 * Owner    truth_new() gives a collector to truth_free(); it is an observer of the
 * city's stream.
 * Errors   ERR_IO from truth_finish().
 * See      docs/city.md, "Truth"; truth/README in each city.
 */
#ifndef TQ_CITY_TRUTH_H
#define TQ_CITY_TRUTH_H

#include "city/city.h"
#include "city/watchlist.h"

struct truth;

/* dir is the city's directory; truth/ under it exists. NULL without memory. */
struct truth *truth_new(struct city *c, const struct watchlist *w, const char *dir);
void truth_free(struct truth *t);
struct city_observer truth_observer(struct truth *t);
/* Status letters of a plate as the registry has them ("A", "Q", "E" ...). */
const char *truth_status(const struct city *c, uint32_t worn);
/* Writes what is only known at the end, and closes everything. */
enum err truth_finish(struct truth *t, struct note *note) MUST_USE;

#endif
