/* SPDX-License-Identifier: Apache-2.0 */
/* taken.h - the answer of our own ways in: how many records were taken, which were
 * known, and each refused one by its place in the message with the reason.
 *
 * Owner    writes into the caller's buffer.
 * Threads  pure.
 * See      man 5 tongqu-json "Taken"; docs/api.md.
 */
#ifndef TQ_FEEDS_TAKEN_H
#define TQ_FEEDS_TAKEN_H

#include "feeds/feed.h"

/* {"taken":N,"duplicates":N,"refused":[{"line","code","message"}],"lsn":N}; 503 with
 * Retry-After when all of it is to be sent again, 405 when it was no POST. */
void taken_reply(
    const struct feed_out *out, const struct feed_about *about, struct buf *body,
    struct feed_reply *head);

#endif
