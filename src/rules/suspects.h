/* SPDX-License-Identifier: Apache-2.0 */
/* suspects.h - which plates made an impossible leap from or to a site in an hour, and
 * of which something is said that rests on its clock. One plate leaping at a site is a
 * clone or a misread; many are its clock.
 *
 * Shape    a plate's leaps of one civil day replace those said before, so that the
 * counts are a function of the records.
 * Owner    suspects_init() / suspects_release().
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_SUSPECTS_H
#define TQ_RULES_SUSPECTS_H

#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"
#include "model/plate.h"

struct leap_at { /* where and when (whole hours since the epoch) */
    uint32_t site;
    int32_t hour;
    bool rests; /* no leap: something said of the plate rests on this clock */
};

struct suspect {
    struct plate plate;
    struct leap_at at;
    int32_t day;                     /* civil, that was judged */
    uint32_t next_plate, next_place; /* index + 1 */
};

struct suspects {
    struct suspect *rows;
    uint32_t n, room;
    uint32_t *by_plate, *by_place; /* heads, index + 1 */
    uint32_t mask;
};

enum err suspects_init(struct suspects *t) MUST_USE;
void suspects_release(struct suspects *t);

/* Other plates than p with a leap at the site in that hour or a neighbouring one;
 * counts to `cap`. */
unsigned suspects_count(
    const struct suspects *t, struct leap_at at, struct plate p, unsigned cap);
/* The leaps of a plate on a day are now these (sorted, no repeats). False when that
 * changed nothing. */
bool suspects_set(
    struct suspects *t, struct plate p, int32_t day, const struct leap_at *at,
    unsigned n);
/* May there be a row at the site? */
bool suspects_any(const struct suspects *t, uint32_t site);
/* Walks all rows at a site in hours [at.hour - 2, at.hour + 2]: first with from = 0,
 * then with what was returned; NULL at the end. */
const struct suspect *
suspects_near(const struct suspects *t, struct leap_at at, uint32_t *from);
void suspects_forget(struct suspects *t, int32_t before_day);

void suspects_encode(struct buf *out, const struct suspects *t);
enum err suspects_decode(struct cur *c, struct suspects *t) MUST_USE;

#endif
