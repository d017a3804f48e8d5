/* SPDX-License-Identifier: Apache-2.0 */
/* os_run.h - runs a program of the machine that we do not link, and takes what it
 * prints.
 *
 * Shape    behind a fence: no shell, an empty environment, no standard input, its own
 * limits of CPU time, memory and output; past the deadline it is killed. Units limit_us
 * of the monotonic clock.
 * Owner    the output is appended to the caller's buffer.
 * Threads  any thread that may block that long; not a network loop.
 * Errors   ERR_NOTFOUND: no such program in PATH; ERR_TIMEOUT; ERR_TOOBIG: it printed
 * more than cap; ERR_INPUT: it ended with a failure.
 */
#ifndef TQ_CORE_OS_RUN_H
#define TQ_CORE_OS_RUN_H

#include "core/cur.h"
#include "core/err.h"
#include "core/os_file.h"
#include "core/os_clock.h"

/* Processors that this process may use, at least one. */
size_t os_cores(void);

/* Where PATH (else the usual places) has the program. */
bool os_which(const char *name, char path[OS_PATH]);

struct os_run {
    const char *const *argv; /* [0] the whole path; ended by NULL */
    dur_us limit_us;
    size_t cap; /* bytes of output */
};
enum err os_run(const struct os_run *what, struct buf *out) MUST_USE;

#endif
