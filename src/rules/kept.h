/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - the rows of vehicles that were judged of late, so that the store is asked
 * once a vehicle and not once a judgement.
 *
 * Shape    one entry a plate: all its stored rows from some instant on, 48 bytes and a
 * record id each; those not judged for longest go first when the bytes are used up.
 * Every row that is fed later must be added, or the entry is to be dropped.
 * Owner    kept_init() / kept_release(); what is handed out is valid until the next
 * call that changes the table.
 * Threads  the owner thread of the rules.
 * Errors   without memory a plate is not kept.
 */
#ifndef TQ_RULES_KEPT_H
#define TQ_RULES_KEPT_H

#include "core/err.h"
#include "model/sighting.h"

struct kept_row {
    ts_ms pass_ms, arrive_ms;
    uint32_t site, device;
    uint32_t text; /* offset of the record id, the image behind it */
    uint16_t record_n, image_n;
    uint16_t speed_dkmh;
    code3 vehicle_class, brand;
    uint8_t plate_color, vehicle_color, lane, direction, confidence, flags;
};

struct kept {
    struct plate plate;
    ts_ms from_ms; /* complete from here on */
    struct kept_row *rows;
    char *texts;
    uint32_t n, room, texts_n, texts_room;
    uint32_t chain;        /* of the same bucket, index + 1 */
    uint32_t newer, older; /* by last use, index + 1 */
};

struct kept_table {
    struct kept *at;
    uint32_t n, room;
    uint32_t *heads; /* index + 1 */
    uint32_t mask;
    uint32_t newest, oldest, spare; /* index + 1; spare ones are chained */
    size_t bytes, cap;
};

enum err kept_init(struct kept_table *t, size_t cap) MUST_USE;
void kept_release(struct kept_table *t);
/* The rows of p from `from` on; older ones are let go. NULL when not all of them are
 * kept. */
const struct kept *kept_find(struct kept_table *t, struct plate p, ts_ms from);
/* An empty entry of p that is complete from `from` on once its rows are added; replaces
 * what was there. False without memory. */
bool kept_begin(struct kept_table *t, struct plate p, ts_ms from);
/* One row more, unless it is there or before what is kept. False when p is not kept
 * (any more): without memory its entry is dropped. */
bool kept_add(struct kept_table *t, const struct sighting *s);
void kept_drop(struct kept_table *t, struct plate p);
/* A kept row as a sighting; its texts lie in the entry. */
struct sighting kept_sighting(const struct kept *k, const struct kept_row *row);

#endif
