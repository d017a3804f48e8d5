/* SPDX-License-Identifier: Apache-2.0 */
/* mbox.h - the one bounded mailbox: messages move between threads, memory does not.
 *
 * Shape    a message begins with struct msg; sending gives it away, taking makes it the
 * taker's.
 * Owner    the daemon owns mailboxes; messages in a released mailbox are handed to
 * `drop`.
 * Threads  many senders, one taker. A taker may sleep in mbox_take(), or own an event
 * loop and be woken through `wake` (called by the sender that finds the box empty).
 * Errors   mbox_send() answers ERR_BUSY when full and ERR_STOPPING when closed: the
 * message stays the sender's, whose policy (drop oldest, hold, 503) is in its row.
 */
#ifndef TQ_CORE_MBOX_H
#define TQ_CORE_MBOX_H

#include "core/civil.h"
#include "core/err.h"

struct msg {
    struct msg *next; /* the mailbox's own */
};

struct mbox;

struct mbox *
mbox_new(const char *name, size_t cap, void (*wake)(void *arg), void *wake_arg);
void mbox_free(struct mbox *m, void (*drop)(struct msg *)); /* NULL is fine */

enum err mbox_send(struct mbox *m, struct msg *msg) MUST_USE;
/* Like mbox_send() but never full: for answers, whose number is bounded by the
 * questions. */
enum err mbox_reply(struct mbox *m, struct msg *msg) MUST_USE;

/* All waiting messages in order as a chain (NULL: none). Waits up to wait_us for the
 * first one; 0 does not wait, negative waits until a message or mbox_close(). */
struct msg *mbox_take_all(struct mbox *m, dur_us wait_us);
/* The first waiting message, or NULL as above. */
struct msg *mbox_take(struct mbox *m, dur_us wait_us);

/* No message gets in any more; waiting takers wake; what is inside can still be taken.
 */
void mbox_close(struct mbox *m);
bool mbox_closed(struct mbox *m);
size_t mbox_count(struct mbox *m);
const char *mbox_name(const struct mbox *m);

#endif
