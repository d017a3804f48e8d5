/* SPDX-License-Identifier: Apache-2.0 */
/* history.h - the rules over stored passes, day by day, each with the model of the days
 * before: what an import of past days needs, and what repairs a change of rules.
 *
 * Threads  one, which waits for the ledger's. Beside a daemon it is its own rules
 *          object: what passes now never waits for the past.
 * Errors   those of the stores.
 * See      docs/why/truth.md "Truth under late records".
 */
#ifndef TQ_DAEMON_HISTORY_H
#define TQ_DAEMON_HISTORY_H

#include "daemon/op.h"

/* Everything that passed in [from, to]; both 0: all there is. Its alarms open no
 * matter: they are evidence of what nobody could act on when it happened. Alone, and
 * when it came to the newest pass, it leaves a rules checkpoint behind, so that a
 * daemon goes on from here. ERR_STOPPING when the daemon stops meanwhile. */
enum err
history_run(struct op_call *c, ts_ms from, ts_ms to, struct note *note) MUST_USE;

#endif
