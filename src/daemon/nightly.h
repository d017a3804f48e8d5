/* SPDX-License-Identifier: Apache-2.0 */
/* nightly.h - what happens once a civil day: the site model of the past day is frozen;
 * retention.h is asked.
 *
 * Threads  nightly_look() on tend; the model is built on query-batch, from a snapshot.
 * See      docs/why/truth.md "Truth under late records", "Retention".
 */
#ifndef TQ_DAEMON_NIGHTLY_H
#define TQ_DAEMON_NIGHTLY_H

#include "core/civil.h"
#include "rules/models.h"
#include "store/sight.h"

struct daemon;

void nightly_look(struct daemon *d, ts_ms now, dur_us mono);

/* Feeds every row of [from, to) into a builder; memory stays small. Any thread. */
enum err nightly_feed(
    struct sight *sight, struct model_build *b, ts_ms from, ts_ms to,
    struct note *note) MUST_USE;
/* Gives the model the next number and keeps it. The ledger's thread, inside a job. */
struct ledger;
enum err nightly_keep(struct ledger *l, struct model *m) MUST_USE;

#endif
