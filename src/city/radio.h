/* SPDX-License-Identifier: Apache-2.0 */
/* radio.h - ETC gantries of the demo city: one in four of the sites on the ring reads
 * tags by radio beside its cameras. Writes gantry.json (transactions, one a line, in
 * the interface's field names) and truth/gantry.csv: tags in other vehicles, tags of
 * another class, plates under which two tags were heard.
 *
 * Owner    radio_new() gives the caller a radio to radio_free(); it borrows the city.
 * Threads  one.
 * Errors   radio_finish() says whether everything was written.
 * See      docs/city.md.
 */
#ifndef TQ_CITY_RADIO_H
#define TQ_CITY_RADIO_H

#include "city/city.h"

struct radio;
enum err radio_new(
    const struct city *c, const char *dir, struct radio **out,
    struct note *note) MUST_USE;
/* The day's records as the observer of the stream gets them. */
void radio_day(struct radio *r, const struct city_rec *recs, size_t n);
enum err radio_finish(struct radio *r, const char *dir, struct note *note) MUST_USE;
void radio_free(struct radio *r); /* NULL is fine */

#endif
