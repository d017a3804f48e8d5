/* SPDX-License-Identifier: Apache-2.0 */
/* quality_rows.h - data quality per device (数据治理): kept in the ledger day by day,
 * written as rows for the console and the command line.
 *
 * Shape    one meta row a device, "quality:<id>": the last 14 days in counts and slips
 * by kind, and one sample a kind; "vendor:<id>" is what a person entered. Units counts;
 * shares 0..1; offsets in milliseconds.
 * Threads  quality_put(): the ledger thread; quality_json(): any, with its reader.
 * Errors   those of the ledger; a row that cannot be read any more begins anew.
 * See      docs/api.md "Data quality"; quality_rows_test.c.
 */
#ifndef TQ_SERVE_QUALITY_ROWS_H
#define TQ_SERVE_QUALITY_ROWS_H

#include "feeds/fault.h"
#include "rules/models.h"
#include "store/ledger_people.h"

#define QUALITY_DAYS 14

struct quality_day {
    uint64_t objects, stored, duplicates, conflicts, future, expired, refused, late,
        unread;
};

/* Adds to a device's day (civil day number); faults may be NULL. */
enum err quality_put(
    struct ledger *l, struct device_id id, int64_t day, const struct quality_day *n,
    const struct feed_faults *faults, ts_ms fault_ms) MUST_USE;
enum err
quality_vendor_put(struct ledger *l, struct device_id id, struct span vendor) MUST_USE;

/* One device's row over its last `days` days up to `today`: QualityRow of docs/api.md,
 * with `full` also its days and slips with their samples. */
struct quality_ask {
    struct ledger_reader *reader;
    const struct site_table *sites;
    const struct model *model; /* may be NULL */
    int64_t today;
    int days;
    bool full;
};
enum err
quality_json(struct buf *out, const struct quality_ask *ask, const struct device *d);

#endif
