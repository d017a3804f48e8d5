/* SPDX-License-Identifier: Apache-2.0 */
/* look_scope.h - what the answer of a look covered (查询范围): enough to say of any
 * pass whether it was in that answer, as a picture of it asks later.
 *
 * Shape    the question as it was put (plate or pattern, places, window, body), the
 *          instant behind which nothing had arrived yet, and the last row where the
 *          limit cut the answer; or the passes one by one. An empty scope (zeroed)
 *          holds nothing.
 * Units    times ts_ms; the window is [from, to).
 * Owner    a value.
 * Threads  pure functions.
 * Errors   ERR_CORRUPT, ERR_NEWER for bytes of a later release.
 * See      store/ledger_look.h keeps it beside the look; docs/why/looks.md.
 */
#ifndef TQ_MODEL_LOOK_SCOPE_H
#define TQ_MODEL_LOOK_SCOPE_H

#include "core/cur.h"
#include "model/sighting.h"

#define LOOK_SITES 64 /* sites one question may name */
#define LOOK_IDS 512  /* passes an answer may name one by one */

struct look_scope {
    bool answered; /* rows were shown: without it nothing is held */
    ts_ms from_ms, to_ms;
    struct plate plate;           /* PLATE_NONE: not bound to one whole plate */
    struct plate_pattern pattern; /* n 0: none */
    uint8_t plate_color, vehicle_color;
    code3 vehicle_class, brand;
    struct site_id sites[LOOK_SITES];
    uint8_t sites_n; /* 0: everywhere, then plate or pattern is there */
    ts_ms seen_ms;   /* what arrived later was not in the answer */
    bool cut;        /* the limit cut the answer behind `last` */
    struct sighting_id last;
    struct plate last_plate;
    struct sighting_id ids[LOOK_IDS]; /* exactly these, whatever the question was */
    uint16_t ids_n;
};

/* The rows have been shown: n of them in the engine's order (time, site, plate), `cut`
 * when there were more. now is the look's instant. */
void look_scope_answered(
    struct look_scope *sc, const struct sighting *rows, size_t n, bool cut, ts_ms now);
/* The same for an answer that is no window of rows (an analysis, a contact sheet): the
 * scope holds these passes and no other; of more than LOOK_IDS the first. */
void look_scope_listed(
    struct look_scope *sc, const struct sighting_id *ids, size_t n, ts_ms now);
/* Was this pass among the rows? False in doubt. */
bool look_scope_holds(const struct look_scope *sc, const struct sighting *s);

/* Bytes for the ledger; an empty scope gives none. */
void look_scope_encode(struct buf *out, const struct look_scope *sc);
enum err look_scope_decode(struct span bytes, struct look_scope *out) MUST_USE;

#endif
