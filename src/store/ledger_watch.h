/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_watch.h - watches (布控) with two persons and an end date.
 *
 * Shape    proposed -> approved | rejected; proposed, approved -> withdrawn. "Ended" is
 *          approved with to_ms in the past. Each decision moves seq; a stale seq is
 *          ERR_CONFLICT, a move that the state does not allow is ERR_GATE, author =
 *          approver is ERR_DENIED.
 * Threads  as ledger.h.
 * See      docs/why/looks.md; GA/T 1400.3 Disposition.
 */
#ifndef TQ_STORE_LEDGER_WATCH_H
#define TQ_STORE_LEDGER_WATCH_H

#include "model/user.h"
#include "model/watch.h"
#include "store/ledger.h"

#define WATCH_MAX_MS (90 * DAY_MS)

struct watch_row {
    struct watch watch;
    char list[24];    /* "stolen", "overdue" ... */
    bool one_misread; /* a read that differs in one character counts too */
    struct user_id author,
        approver; /* 0 for an import without accounts: then the logins count */
    ts_ms created_ms, decided_ms;
    char why[LEDGER_TEXT];      /* whole reason; watch.reason is its head */
    char note[LEDGER_TEXT];     /* of the decision */
    double expected_false_day;  /* shown before it was approved; -1 unknown */
    uint32_t alarms, confirmed; /* raised by it; of the closed ones, true */
    uint32_t seq;
};

/* New row in state proposed (id, seq written back). ERR_INPUT: no end date, end before
 * begin, longer than WATCH_MAX_MS, a pattern that cannot be read (watch.plate_text is
 * parsed here). */
enum err
ledger_watch_propose(struct ledger *l, struct watch_row *w, struct note *note) MUST_USE;

enum watch_decision { WATCH_APPROVE, WATCH_REJECT, WATCH_WITHDRAW };
struct watch_decide {
    struct watch_id id;
    uint32_t seq; /* as read; 0 = whatever it is */
    enum watch_decision what;
    struct user_id by;
    const char *login; /* of by */
    ts_ms at_ms;
    const char *note; /* may be "" for approval only */
};
enum err ledger_watch_decide(
    struct ledger *l, const struct watch_decide *d, struct watch_row *out,
    struct note *note) MUST_USE;
enum err ledger_watch_find(
    struct ledger_reader *r, struct watch_id id, struct watch_row *out) MUST_USE;

struct watch_query {
    int state;        /* enum watch_state, or -1 all */
    ts_ms live_at_ms; /* only approved ones whose interval holds it; 0 all */
    struct span text; /* part of plate text, code or reason; empty all */
    uint64_t before;  /* ids below; 0 from the newest */
    size_t cap;
};
enum err ledger_watches(
    struct ledger_reader *r, const struct watch_query *q, struct arena *a,
    struct watch_row **out, size_t *n) MUST_USE;
/* Snapshot of all approved watches that end after `since`, for the rules: a watch
 * matches pass times inside its interval, whenever the pass comes in. */
enum err ledger_watch_set(
    struct ledger_reader *r, ts_ms now, uint64_t version,
    struct watch_set **out) MUST_USE;

/* The same from an older snapshot and the ids that changed since: reads only those. */
enum err ledger_watch_set_with(
    struct ledger_reader *r, const struct watch_set *old, const uint64_t *ids, size_t n,
    uint64_t version, struct watch_set **out) MUST_USE;

/* Bulk import of approved rows by two named persons: one transaction per call, inside a
 * group. Counts the rows with a code already known as replaced. */
struct watch_import {
    uint64_t added, replaced, refused;
};
enum err ledger_watch_import(
    struct ledger *l, struct watch_row *rows, size_t n, struct watch_import *out,
    struct note *note) MUST_USE;

#endif
