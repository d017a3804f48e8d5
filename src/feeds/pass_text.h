/* SPDX-License-Identifier: Apache-2.0 */
/* pass_text.h - a sighting as named texts: the columns of the CSV and the keys of
 * NDJSON.
 *
 * Units    as the names say: time_ms epoch milliseconds (other forms are read, see
 * when.h), speed_kmh with one decimal.
 * Owner    a struct pass_reader is one thread's; rows copy their texts into the batch.
 * Threads  one.
 * Errors   a record that cannot be placed or dated is refused with its fault and
 * column; everything else that is odd is counted and left unknown.
 * See      man 5 tongqu-json; tests in csv_test.c.
 */
#ifndef TQ_FEEDS_PASS_TEXT_H
#define TQ_FEEDS_PASS_TEXT_H

#include "core/civil.h"
#include "feeds/fault.h"
#include "feeds/needs.h"

enum pass_key {
    PASS_PLATE,
    PASS_PLATE_COLOR,
    PASS_VEHICLE_CLASS,
    PASS_VEHICLE_COLOR,
    PASS_BRAND,
    PASS_SITE,
    PASS_LANE,
    PASS_DIRECTION,
    PASS_TIME,
    PASS_SPEED,
    PASS_CONFIDENCE,
    PASS_RECORD_ID,
    PASS_IMAGE,
    PASS_KEYS
};
/* "plate", "plate_color", ... in the order of the CSV; ended by NULL. */
extern const char *const pass_names[PASS_KEYS + 1];

struct pass_reader;
struct pass_reader *pass_reader_new(void); /* NULL without memory */
void pass_reader_free(struct pass_reader *r);

struct pass_from {
    const struct feed_needs *needs; /* NULL: every site is unplaced */
    const struct zone *zone;
    struct device_id device; /* the sender (0 for a file) */
    struct site_id site;     /* where the sender stands, for records without a site */
    struct span device_code; /* the same as a code; may be empty */
    ts_ms arrive_ms;
};

struct pass_refusal {
    enum feed_fault fault;
    enum pass_key key;
    bool cut; /* the record was taken, but not with this text as it stands */
};

/* One record: fields[key] (empty = absent) to a row. ERR_INPUT: refused, *why says so;
 * ERR_TOOBIG: the batch is full (the row was not taken). OK with why->cut: a text was
 * longer than is kept, or a time that has no instant of its own. */
enum err pass_read(
    struct pass_reader *r, const struct span *fields, const struct pass_from *from,
    struct sighting_batch *b, struct feed_faults *faults,
    struct pass_refusal *why) MUST_USE;

#endif
