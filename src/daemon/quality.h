/* SPDX-License-Identifier: Apache-2.0 */
/* quality.h - what each device sent, day by day: records stored, doubled, late, unread,
 * and its slips by kind with a kept sample (数据治理).
 *
 * Shape    counted in memory; quality_save() adds what came since the last time to the
 * ledger's "quality:<id>" (serve/quality_rows.h reads it).
 * Owner    quality_new() gives it to the caller; tend's.
 * Threads  one; the ledger's thread writes.
 * Errors   what cannot be written is logged and lost: counters, not evidence.
 */
#ifndef TQ_DAEMON_QUALITY_H
#define TQ_DAEMON_QUALITY_H

#include "core/civil.h"
#include "feeds/fault.h"
#include "model/sighting.h"
#include "serve/report.h"

struct daemon;
struct quality;

struct quality *quality_new(void); /* NULL without memory */
void quality_free(struct quality *q);
/* Slips of a report. */
uint64_t quality_faults(const struct device_report *r);
void quality_add(
    struct quality *q, struct device_id id, const struct device_report *r, ts_ms at,
    const struct zone *zone);
void quality_save(struct quality *q, struct daemon *d);

#endif
