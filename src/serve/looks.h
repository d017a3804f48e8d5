/* SPDX-License-Identifier: Apache-2.0 */
/* looks.h - one look from question to answer, the same for the API and the command
 * line: the decision, the record before, the analysis, the record behind. There is no
 * other way to an analysis.
 *
 * Owner    the answer lies in the arena; snapshots it holds go with looks_release().
 * Threads  a query thread, with its own reader.
 * Errors   ERR_DENIED with the refusal's code in the note ("look_no_matter" ...),
 * durable in the chain; what the analysis says. Whatever happens, look.end is durable
 * when it returns.
 * See      store/audit_look.h, analysis/; docs/why/looks.md.
 */
#ifndef TQ_SERVE_LOOKS_H
#define TQ_SERVE_LOOKS_H

#include "analysis/passes.h"
#include "analysis/trajectory.h"
#include "serve/house.h"
#include "store/audit_look.h"

struct looks_ask {
    struct look_request who; /* kind, user, matter, purpose, from, to, emergency ...;
                                its subject, plate and parameters are filled here */
    struct span plate;       /* as typed; empty none */
    uint8_t plate_color;     /* 0 any */
    const struct site_id *sites;
    size_t sites_n;
    uint8_t vehicle_color;
    code3 vehicle_class, brand;
    size_t limit; /* 0: 5,000 */
};

struct looks_answer {
    struct look_row row; /* the ledger thread writes it with ledger_look_put() */
    struct analysis_rows rows;
    struct coverage coverage;
    bool covered;                /* coverage says something */
    struct trajectory_gap *gaps; /* of a trajectory */
    size_t gaps_n;
    double unseen, missed;
    struct vehicle_index *registry; /* held for `vehicle` */
    const struct vehicle *vehicle;  /* of one whole plate; NULL none */
    struct watch_set *watches;      /* held for `watch` */
    const struct watch *watch[8];
    size_t watch_n;
};

enum err looks_run(
    const struct house *house, struct ledger_reader *reader,
    const struct looks_ask *ask, struct arena *arena, struct looks_answer *out,
    struct note *note) MUST_USE;
/* The newest pass stored, from which ages count back; 0 when there is none. */
ts_ms looks_newest(const struct house *house);
void looks_release(struct looks_answer *a); /* safe on zeroed and twice */

/* Any other analysis inside a look: `q` is decided and recorded (its subject is the
 * caller's text; parameters and newest pass are filled here), fn answers from the needs
 * with the permit and says how many rows its answer has, the end is durable. `row` is
 * then written by the ledger thread. seconds: what it may take; 0 is what people wait
 * for. */
typedef enum err (*looks_fn)(
    void *arg, const struct look_permit *permit, const struct analysis_needs *needs,
    struct arena *arena, uint64_t *count, struct note *note);
enum err looks_through(
    const struct house *house, struct ledger_reader *reader,
    const struct look_request *q, int seconds, looks_fn fn, void *arg,
    struct arena *arena, struct look_row *row, struct note *note) MUST_USE;

/* The refusal behind a note's code ("look_no_matter" ...). */
enum look_refusal looks_refusal(const char *code);

/* The sentence of the coverage statement in both languages; the same as {"zh","en"}. */
void looks_coverage_note(struct note *out, const struct coverage *c);
void looks_coverage_text(struct buf *out, const struct coverage *c);

/* The statement as a person reads it, in one language: the sentence, then a line a gap
 * with site and times of the zone. Each line ends with a line feed. */
void looks_coverage_lines(
    struct buf *out, const struct coverage *c, const struct site_table *sites,
    const struct zone *zone, bool zh);

/* ,"gaps":[...],"unseen":0.1,"missed":0.03: what a trajectory could not see. */
void looks_gaps_json(
    struct buf *out, const struct looks_answer *a, const struct site_table *sites);
/* The whole statement as ,"coverage":{...} of an answer. NULL: nothing was scanned.
 * live (NULL: not known) adds the sites whose records come late. Sites are numbers; those
 * outside the part of the city of `reader` (orgs NULL: all) have their names beside
 * them. */
void looks_coverage_json(
    struct buf *out, const struct coverage *c, const struct site_table *sites,
    const struct live *live, const struct org_table *orgs, struct org_id reader);

#endif
