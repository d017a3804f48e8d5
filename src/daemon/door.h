/* SPDX-License-Identifier: Apache-2.0 */
/* door.h - one way to a data directory for commands: alone (the command holds DIR/lock)
 * or beside a running daemon (through DIR/ctl.sock). An operation is written once and
 * does not know which.
 *
 * Owner    door_open() gives the caller a door to door_close().
 * Threads  an operation runs on one thread: the command's own, or the daemon's ctl
 * thread.
 * Errors   those of base_open(); of the operation; ERR_STOPPING when the daemon goes
 * away meanwhile.
 * See      daemon/op.h has the operations; daemon/ctl.h the wire.
 */
#ifndef TQ_DAEMON_DOOR_H
#define TQ_DAEMON_DOOR_H

#include <stdio.h>

#include "daemon/base.h"

struct daemon;

struct door {
    struct base *base;
    struct daemon *daemon;        /* NULL: alone */
    struct ledger_reader *reader; /* of this thread */
};

/* Changes of the ledger as one durable group. */
typedef enum err door_ledger_fn(struct base *b, void *arg, struct note *note);
enum err door_ledger(
    const struct door *d, door_ledger_fn *fn, void *arg, struct note *note) MUST_USE;
/* On the ledger's thread outside any group: for work that makes its own (registry
 * import). */
enum err door_ledger_alone(
    const struct door *d, door_ledger_fn *fn, void *arg, struct note *note) MUST_USE;
/* On the store's thread. */
enum err door_store(
    const struct door *d, door_ledger_fn *fn, void *arg, struct note *note) MUST_USE;

/* The daemon wants to stop: long operations end. */
bool door_stopping(const struct door *d);

/* After changes that the journal does not tell of. */
void door_registry_changed(const struct door *d);
void door_places_changed(const struct door *d);
/* Reads sites, organisation and watches again (alone; a daemon does so by itself). */
enum err door_refresh(const struct door *d) MUST_USE;

/* Runs one operation on the data directory: through ctl.sock when a daemon holds it,
 * alone otherwise. in: descriptor of the input file, -1 none. What it prints goes to
 * stdout. */
struct json_t;
enum err door_run(
    const char *dir, const char *op, struct json_t *args, int in, FILE *out,
    struct note *note) MUST_USE;

/* The same on a base that the caller has opened and nobody else works on. */
enum err door_run_on(
    struct base *base, const char *op, struct json_t *args, int in, FILE *out,
    struct note *note) MUST_USE;

#endif
