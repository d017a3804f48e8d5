/* SPDX-License-Identifier: Apache-2.0 */
/* op.h - operations on a data directory that commands ask for: rows of a table, written
 * once for both ways in.
 *
 * Owner    arguments are borrowed; the operation prints to `out`.
 * Threads  see door.h.
 * See      src/daemon/op_*.c; cli/cmd/ maps words to arguments.
 */
#ifndef TQ_DAEMON_OP_H
#define TQ_DAEMON_OP_H

#include <jansson.h>
#include <stdio.h>

#include "daemon/door.h"

struct op_call {
    const struct door *door;
    json_t *args;      /* object */
    int in;            /* descriptor of the input, -1 none */
    FILE *out;         /* what the person reads */
    FILE *log;         /* progress and counts */
    const char *login; /* "cli:NAME": who asks, for the audit chain */
};

struct op {
    const char *name;
    enum err (*fn)(struct op_call *c, struct note *note);
    bool heavy; /* beside a daemon one of these runs at a time */
};
extern const struct op *const op_rows[]; /* ended by NULL; daemon/op.c */
const struct op *op_find(const char *name);

/* Arguments: text (NULL when absent), number, flag. "zh" is set by the command line:
 * words for people are Chinese. */
const char *op_text(const struct op_call *c, const char *key);
int64_t op_number(const struct op_call *c, const char *key, int64_t absent);
bool op_flag(const struct op_call *c, const char *key);
/* What was written into the buffer, nothing when nothing was. */
struct buf;
void op_write(FILE *out, const struct buf *b);
/* A record in the audit chain about what a command did. */
enum err op_audit(
    const struct op_call *c, const char *action, const char *object, const char *detail,
    uint64_t count) MUST_USE;

#endif
