/* SPDX-License-Identifier: Apache-2.0 */
/* public.h - the port that faces outside: whether the service is up, and nothing else.
 * The public's own page comes with its issue; until then this port proves that nothing
 * leaks through it.
 *
 * Owner    the daemon; one thread.
 * Threads  open and close on the main thread.
 * Errors   a listener that cannot be had.
 */
#ifndef TQ_DAEMON_PUBLIC_H
#define TQ_DAEMON_PUBLIC_H

#include "core/err.h"

struct daemon;

/* Nothing when no public address is asked for. */
enum err public_start(struct daemon *d, struct note *note) MUST_USE;
void public_stop(struct daemon *d);

#endif
