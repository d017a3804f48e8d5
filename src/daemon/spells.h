/* SPDX-License-Identifier: Apache-2.0 */
/* spells.h - what became of a site's health, into the journal: consoles are told, and
 * the site's page shows its last days.
 *
 * Owner    the rules thread, which judges the sites.
 * Threads  one; the ledger's thread writes.
 * Errors   a change that cannot be written is logged and lost: the state itself is
 * judged anew from the stream.
 */
#ifndef TQ_DAEMON_SPELLS_H
#define TQ_DAEMON_SPELLS_H

#include "daemon/parts.h"
#include "rules/vital.h"

/* vital_changed() of the pulse; arg is the daemon. */
void spells_note(
    void *arg, struct site_id site, const struct vital_site *was,
    const struct vital_site *now);
/* Sends what has waited long enough for the published picture to hold it; `all`: at
 * once. */
void spells_send(struct daemon *d, ts_ms now, bool all);

#endif
