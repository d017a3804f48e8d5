/* SPDX-License-Identifier: Apache-2.0 */
/* funnel.h - the hit-and-run funnel as a look: from what a person asks to its answer as
 * JSON, the same for the API and the command line.
 *
 * Owner    the answer lies in the arena.
 * Threads  a query thread, with its own reader.
 * Errors   as looks.h and analysis/flight.h.
 */
#ifndef TQ_SERVE_FUNNEL_H
#define TQ_SERVE_FUNNEL_H

#include "analysis/flight.h"
#include "serve/looks.h"

struct funnel_ask {
    struct look_request who;  /* from_ms, to_ms: the span of the deed */
    struct flight_ask flight; /* its span and pattern are filled here */
    struct site_id site;      /* the place is this site; 0: lon, lat */
    struct span plate;        /* part of a plate as typed; empty none */
    struct span damage;       /* words, kept in the record */
};

enum err funnel_run(
    const struct house *house, struct ledger_reader *reader,
    const struct funnel_ask *ask, struct arena *arena, struct flight *out,
    struct look_row *row, struct note *note) MUST_USE;

/* The members of the answer from "steps" on, without braces. */
void funnel_json(
    struct buf *out, const struct flight *f, const struct site_table *sites,
    const struct live *live, const struct org_table *orgs, struct org_id reader);

/* The codes and words of what differs between two passes: [{"name","label"}...]. */
void funnel_changes_json(struct buf *out, unsigned changes);

#endif
