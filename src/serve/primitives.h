/* SPDX-License-Identifier: Apache-2.0 */
/* primitives.h - our own engine as analyses see it: a snapshot, the newest model and a
 * deadline behind analysis/needs.h.
 *
 * Owner    primitives_open() holds its snapshots until primitives_close(), which
 * is safe on zeroed and twice; the sites and the
 * reader are borrowed.
 * Threads  the thread that runs the analysis.
 * Errors   ERR_TIMEOUT past the deadline.
 */
#ifndef TQ_SERVE_PRIMITIVES_H
#define TQ_SERVE_PRIMITIVES_H

#include "analysis/needs.h"
#include "core/os_clock.h"
#include "serve/house.h"

struct primitives {
    struct sight_snap *snap;
    struct ledger_reader *reader;
    struct model *model;
    struct vehicle_index *registry;
    dur_us until_us; /* on the monotonic clock; 0 never */
    struct analysis_needs needs;
};

/* p must stay where it is until it is closed; seconds 0: no deadline. */
enum err primitives_open(
    struct primitives *p, const struct house *house, struct ledger_reader *reader,
    const struct site_table *sites, int seconds) MUST_USE;
void primitives_close(struct primitives *p);

#endif
