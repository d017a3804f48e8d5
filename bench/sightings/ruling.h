/* SPDX-License-Identifier: Apache-2.0 */
/* ruling.h - the live rules beside the stream: a million watches, of which one in five
 * hundred vehicles of the city is one, and the clone check, on every record.
 */
#ifndef TQ_BENCH_RULING_H
#define TQ_BENCH_RULING_H

#include "rows.h"

#include "store/sight.h"

#define RULING_WATCHES 1000000u

struct ruling;
/* plates: of the city, to be watched among others that never pass. */
struct ruling *ruling_new(
    const struct city *city, struct sight *s, const struct plate *plates, size_t n);
void ruling_feed(struct ruling *r, const struct sighting *rows, size_t n, uint64_t lsn);
/* Alarms raised. */
uint64_t ruling_free(struct ruling *r);

#endif
