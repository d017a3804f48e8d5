/* SPDX-License-Identifier: Apache-2.0 */
/* op_house.h - the house as looks need it, for operations that ask questions: built
 * from an opened data directory, alone or beside the daemon.
 *
 * Owner    op_house_open() references the newest model; op_house_close() gives it back,
 * safe on zeroed.
 * Threads  the operation's.
 * Errors   those of the ledger; no model yet is none.
 */
#ifndef TQ_DAEMON_OP_HOUSE_H
#define TQ_DAEMON_OP_HOUSE_H

#include "daemon/op.h"
#include "serve/house.h"
#include "store/ledger_look.h"

struct op_house {
    struct house house; /* its ctx is this struct: do not move it */
    struct base *base;
    struct model *model;
};
enum err op_house_open(const struct op_call *c, struct op_house *h) MUST_USE;
void op_house_close(struct op_house *h);

/* Who asks, for which matter ("matter": its number or id) and purpose, over "from" and
 * "to". Without a matter the look is refused where all looks are, and so on record. */
enum err op_house_who(
    struct op_call *c, enum look_kind kind, struct look_request *out,
    struct note *note) MUST_USE;
/* Writes the row of a look that has ended (struct look_row). */
enum err op_house_looked(
    const struct op_call *c, struct look_row *row, struct note *note) MUST_USE;

#endif
