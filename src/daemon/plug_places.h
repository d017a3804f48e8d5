/* SPDX-License-Identifier: Apache-2.0 */
/* plug_places.h - what devices say about places, and what other platforms ask, into the
 * ledger.
 *
 * Shape    a camera's word fills what nobody has entered; it never overwrites a
 * person's. Asks (subscriptions, dispositions) are kept as said under "ask:<id>": a
 * person decides.
 * Threads  places_keep() on a net loop; the writing on the ledger thread.
 * See      GA/T 1400.3 Tollgate, Lane, APE, Subscribe, Disposition; feeds/feed.h.
 */
#ifndef TQ_DAEMON_PLUG_PLACES_H
#define TQ_DAEMON_PLUG_PLACES_H

#include "feeds/feed.h"
#include "serve/needs.h"

/* ctx is the daemon: serve_needs.keep. */
enum err places_keep(
    void *ctx, struct feed_out *out, const struct sender *who, struct http *home,
    struct job *done) MUST_USE;

#endif
