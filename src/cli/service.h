/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - running the daemon in the foreground until Ctrl-C, SIGTERM or a time.
 *
 * Threads  the main thread.
 * Errors   those of daemon_open().
 */
#ifndef TQ_CLI_SERVICE_H
#define TQ_CLI_SERVICE_H

#include "daemon/daemon.h"

struct service {
    struct daemon_opts daemon;
    double seconds; /* stop by itself after so long; 0: never */
    /* Called once it answers, before "ready URL" is printed; NULL: nothing. */
    enum err (*ready)(void *arg, const struct daemon *d, struct note *note);
    void (*stopping)(void *arg); /* called before it stops; NULL */
    void *arg;
};
enum err service_run(const struct service *s, struct note *note) MUST_USE;

#endif
