/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.h - the door for commands beside a running daemon: DIR/ctl.sock, mode 0600, peer
 * credentials. A command sends the name of an operation, its arguments and its three
 * descriptors; the daemon runs the same operation that the command would run alone, and
 * answers with its error.
 *
 * Owner    the daemon; a thread for each command, one import or backup at a time.
 * Threads  ctl_start() and ctl_stop() on the main thread; ctl_ask() in the command.
 * Errors   ERR_DENIED when the peer is neither root nor the daemon's own user.
 * See      daemon/door.h; man 8 tongqu.
 */
#ifndef TQ_DAEMON_CTL_H
#define TQ_DAEMON_CTL_H

#include <stdio.h>

#include "core/err.h"
#include "core/span.h"

struct daemon;
struct json_t;

enum err ctl_start(struct daemon *d, struct note *note) MUST_USE;
void ctl_stop(struct daemon *d);

/* Asks the daemon of DIR to run an operation. False: no daemon is there. True: *e is
 * what came of it. */
bool ctl_ask(
    const char *dir, const char *op, struct json_t *args, int in, FILE *out,
    enum err *e, struct note *note);

#endif
