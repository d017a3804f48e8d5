/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_look.h - the table of looks, the grants of second persons, and what is odd
 * about the searchers.
 *
 * Shape    a look's number is the number of its look.begin record in the audit chain.
 * Threads  as ledger.h.
 * See      docs/why/looks.md.
 */
#ifndef TQ_STORE_LEDGER_LOOK_H
#define TQ_STORE_LEDGER_LOOK_H

#include "model/look.h"
#include "model/look_scope.h"
#include "store/ledger.h"

enum look_state { LOOK_RUNNING, LOOK_DONE, LOOK_REFUSED, LOOK_FAILED };

struct look_row {
    uint64_t number;
    ts_ms at_ms;
    struct user_id user;
    uint64_t matter;
    char purpose[24];
    uint8_t kind;  /* enum look_kind */
    uint8_t state; /* enum look_state */
    bool emergency;
    uint8_t parameters[32];
    struct plate plate; /* PLATE_NONE: names none */
    ts_ms from_ms, to_ms;
    struct look_scope scope; /* what its answer covered; empty: opens no picture */
    uint64_t count;
    char why[LEDGER_TEXT];       /* of an emergency look */
    ts_ms confirm_by_ms;         /* 0: needs none */
    struct user_id confirmed_by; /* 0 open */
    ts_ms confirmed_ms;
    int8_t accepted; /* 1 accepted, 0 rejected, -1 open */
    char confirm_note[LEDGER_TEXT];
};
/* Idempotent by number: a later state replaces an earlier one, confirmations stay. */
enum err ledger_look_put(struct ledger *l, const struct look_row *row) MUST_USE;
/* ERR_DENIED when the confirmer is the looker, ERR_GATE when it needs none or has one.
 * A matter may be named afterwards (0 leaves it). */
enum err ledger_look_confirm(
    struct ledger *l, uint64_t number, struct user_id by, bool accept, uint64_t matter,
    const char *text, ts_ms at, struct look_row *out, struct note *note) MUST_USE;
enum err ledger_look_find(
    struct ledger_reader *r, uint64_t number, struct look_row *out) MUST_USE;
struct look_query {
    bool unconfirmed;     /* emergency looks nobody has confirmed */
    struct user_id user;  /* 0 all */
    uint64_t matter;      /* 0 all */
    ts_ms from_ms, to_ms; /* of at_ms; to 0 = open */
    uint64_t before;      /* numbers below; 0 newest */
    size_t cap;
};
enum err ledger_looks(
    struct ledger_reader *r, const struct look_query *q, struct arena *a,
    struct look_row **out, size_t *n) MUST_USE;
enum err ledger_look_newest(struct ledger_reader *r, uint64_t *number) MUST_USE;

/* ---- grants: the second person for old records ---- */
struct look_grant {
    uint64_t id;
    uint64_t matter;
    struct user_id user; /* who may look */
    struct user_id by;   /* another person; 0: asked for, nobody has decided */
    ts_ms from_ms;       /* how far back */
    ts_ms given_ms;      /* asked for, until somebody decides */
    ts_ms until_ms;      /* 0: refused */
    char note[LEDGER_TEXT];
};
/* ERR_DENIED when user == by. by = 0 asks for one. */
enum err
ledger_grant_put(struct ledger *l, struct look_grant *g, struct note *note) MUST_USE;
/* Decides what was asked for, or (yes = false) ends what was given. until_ms 0 keeps
 * what was asked. ERR_NOTFOUND; ERR_DENIED for one's own; ERR_GATE when it is over
 * already, or given a second time. */
enum err ledger_grant_decide(
    struct ledger *l, uint64_t id, struct user_id by, bool yes, ts_ms until_ms,
    ts_ms now, const char *text, struct look_grant *out, struct note *note) MUST_USE;
struct grant_query {
    struct user_id user; /* 0 all */
    uint64_t before;     /* ids below; 0 newest */
    size_t cap;
};
/* Newest first, those that wait before all others. */
enum err ledger_grants(
    struct ledger_reader *r, const struct grant_query *q, struct arena *a,
    struct look_grant **out, size_t *n) MUST_USE;
/* Does a grant in force let this user look back to `from` for this matter? */
enum err ledger_granted(
    struct ledger_reader *r, uint64_t matter, struct user_id user, ts_ms from,
    ts_ms now, bool *granted) MUST_USE;

/* ---- searchers are watched too ---- */
enum misuse_kind {
    MISUSE_REPEAT, /* the same plate again and again, under several matters or days */
    MISUSE_OWN,    /* the searcher's own vehicle */
    MISUSE_COLLEAGUE, /* a colleague's own vehicle */
    MISUSE_OFF_SHIFT, /* looks while not on duty */
    MISUSE_FAN_OUT,   /* many plates in a short time, unusual for the role */
    MISUSE_REFUSED,   /* looks that were refused, again and again */
    MISUSE_KINDS
};
const char *misuse_name(enum misuse_kind k); /* "repeat", "own", "colleague",
                                                "off_shift", "fan_out", "refused" */

struct misuse_limits {
    uint32_t repeat_n;    /* looks at one plate by one user ... */
    int64_t repeat_ms;    /* ... within; 5 in 7 days */
    uint32_t fan_out_n;   /* distinct plates by one user ... */
    int64_t fan_out_ms;   /* ... within; 30 in 1 hour */
    uint32_t off_shift_n; /* looks off shift in the window; 3 */
    uint32_t refused_n;   /* refused looks of one user in the window; 5 */
    /* Was the user on duty? NULL: not known, the signal is left out. */
    bool (*on_shift)(void *arg, struct user_id user, ts_ms at);
    void *arg;
};
struct misuse_limits misuse_limits_default(void);

#define MISUSE_LOOKS 16
struct misuse_finding {
    enum misuse_kind kind;
    struct user_id user;
    struct user_id about;         /* colleague; 0 */
    ts_ms at_ms;                  /* of the last look */
    uint32_t n;                   /* looks or plates counted */
    uint64_t looks[MISUSE_LOOKS]; /* the newest of them */
    uint32_t looks_n;
    char zh[200], en[240];
};
/* Findings over looks in [from, to), one per user and kind (per plate for repeat),
 * newest first. A look at part of a plate counts like one at a plate. Refused looks
 * stand in the chain only: audit_refusals() finds those. */
enum err ledger_misuse(
    struct ledger_reader *r, const struct misuse_limits *limits, ts_ms from, ts_ms to,
    struct arena *a, struct misuse_finding **out, size_t *n) MUST_USE;

#endif
