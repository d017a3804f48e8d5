/* SPDX-License-Identifier: Apache-2.0 */
/* audit_look.h - looks: the decision held against our own ledger, its record in the
 * chain, and the permit that comes of it.
 *
 * Way      audit_look_begin() checks the matter in the ledger, decides, writes
 *          look.begin (or look.refused) and hands out a permit at once, so the scan
 *          runs while the record is being synced; audit_look_end() writes look.end and
 *          returns when both are durable: only then may a byte leave.
 * Owner    a permit belongs to its look until audit_look_end() takes it.
 * Threads  any; the ledger_reader is the calling thread's own.
 * Errors   ERR_DENIED with the refusal and its note; ERR_IO: nothing may leave.
 * See      model/look.h; store/ledger_look.h keeps the table; docs/why/looks.md.
 */
#ifndef TQ_STORE_AUDIT_LOOK_H
#define TQ_STORE_AUDIT_LOOK_H

#include "model/look.h"
#include "store/audit.h"
#include "store/ledger_look.h"

/* orgs is the tree in force (scope of the matter). A refusal is recorded and durable on
 * return. */
enum err audit_look_begin(
    struct audit *a, struct ledger_reader *ledger, const struct look_rules *rules,
    const struct org_table *orgs, const struct look_request *q,
    struct look_permit **out, enum look_refusal *refusal, struct note *note) MUST_USE;
/* The decision alone, nothing written: for what belongs to a look that stands in the
 * record already (its pictures), or to a card. LOOK_ALLOWED or why not. */
enum err audit_look_check(
    struct ledger_reader *ledger, const struct look_rules *rules,
    const struct org_table *orgs, const struct look_request *q,
    enum look_refusal *refusal, struct note *note) MUST_USE;
/* May this look's answer still be looked into? `who` is the person as he is now (user,
 * roles, org, unit, now_ms, newest_ms): the look must be his, answered, its matter
 * still open and in his part of the tree, a grant it needed still in force, and an
 * emergency neither rejected nor unconfirmed past its hours. Its age counts from when
 * it was made. ERR_NOTFOUND: not his look, or none that showed rows. */
enum err audit_look_stands(
    struct ledger_reader *ledger, const struct look_rules *rules,
    const struct org_table *orgs, const struct look_request *who, uint64_t number,
    struct look_row *out, enum look_refusal *refusal, struct note *note) MUST_USE;
/* What a request says about its row in the ledger's table (purpose, reason, when a
 * confirmation is due): before audit_look_end() fills in the rest. */
void audit_look_row(
    const struct look_rules *rules, const struct look_request *q, struct look_row *row);
/* Takes the permit, writes look.end, returns when it is durable: OK means the answer
 * may leave. `row` (begun by audit_look_row) is then what the ledger thread writes with
 * ledger_look_put(). */
enum err audit_look_end(
    struct audit *a, struct look_permit **permit, uint64_t count,
    enum audit_outcome outcome, ts_ms now, struct look_row *row) MUST_USE;
/* Looks in the chain that the ledger's table does not hold (a stop between the two):
 * written again at start-up, inside a group. *healed counts them. */
enum err audit_look_heal(
    struct audit *a, struct ledger *l, const struct look_rules *rules,
    uint64_t *healed) MUST_USE;

/* Who was refused looks (or pictures) limits->refused_n times or more in [from, to):
 * one finding a user, newest first; the numbers are those of the records. */
enum err audit_refusals(
    struct audit *a, const struct misuse_limits *limits, ts_ms from, ts_ms to,
    struct arena *arena, struct misuse_finding **out, size_t *n) MUST_USE;

#endif
