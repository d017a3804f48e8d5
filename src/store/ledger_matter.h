/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_matter.h - matters (事项): the row for lists, the journal they are folded
 * from, and due clocks.
 *
 * Shape    a matter changes only by ledger_matter_put(): the new row, the events that
 *          made it, its folded body and its due clocks, together, against the seq that
 *          the mover had read.
 * Units    times ts_ms; events are ledger entries of TOPIC_MATTER with seq 1.. without
 *          gaps.
 * Threads  as ledger.h.
 * See      ARCHITECTURE.md, docs/why/truth.md; loops own struct matter and the meaning
 * of names, payloads, bodies: the rows here are struct matter_row and struct
 *          matter_entry.
 */
#ifndef TQ_STORE_LEDGER_MATTER_H
#define TQ_STORE_LEDGER_MATTER_H

#include "model/alarm.h"
#include "model/user.h"
#include "store/ledger.h"

struct matter_row {
    uint64_t id;            /* 0 before the first put */
    char number[32];        /* "YJ-20261121-0042": what people say */
    char kind[24];          /* name of its loop */
    uint8_t definition[32]; /* hash of the definition's bytes: its version */
    char state[32];
    bool open, drill;
    uint8_t level;     /* enum level; 0 none */
    uint32_t seq;      /* of the newest event */
    struct org_id org; /* whose it is: the scope of lists */
    struct user_id owner_user;
    struct unit_id owner_unit;
    struct org_id owner_org;
    struct user_id opened_by; /* 0 the machine */
    struct alarm_id alarm;    /* 0 none */
    uint64_t parent;
    ts_ms opened_ms, closed_ms, state_since_ms;
    ts_ms due_ms;    /* of the most pressing running clock; 0 none */
    char clock[32];  /* its name */
    char title[608]; /* up to 200 characters */
    char place[128];
    int32_t lon, lat; /* 1e-7 degree; both 0 none */
    char outcome[24];
};

struct matter_entry { /* becomes a ledger_entry */
    uint8_t kind;     /* loops' code: move, clock, ladder, note ... */
    char name[32];
    struct user_id actor;
    ts_ms at_ms;
    struct span payload;
};

struct matter_timer { /* the next instant at which the machine must look at this clock
                       */
    char clock[32];
    ts_ms at_ms;
};

struct matter_change {
    struct matter_row *m; /* the row after the change; id, seq are written back */
    uint32_t expect_seq;  /* as the mover read it; 0 = a new matter */
    const struct matter_entry *events; /* at least one */
    size_t events_n;
    struct span body;               /* folded state of the loop machine; may be empty */
    const struct matter_timer *due; /* replaces all */
    size_t due_n;
};
/* The id of a matter about to be put (its opening event names it); without it the put
 * draws one. */
uint64_t ledger_matter_id(struct ledger *l);
/* ERR_CONFLICT when expect_seq is not the newest. `journal` gets the number of the last
 * event. */
enum err ledger_matter_put(
    struct ledger *l, const struct matter_change *c, uint64_t *journal) MUST_USE;

enum err ledger_matter_find(
    struct ledger_reader *r, uint64_t id, struct matter_row *out) MUST_USE;
enum err ledger_matter_by_number(
    struct ledger_reader *r, struct span number, struct matter_row *out) MUST_USE;
enum err ledger_matter_body(
    struct ledger_reader *r, uint64_t id, struct arena *a, struct span *out) MUST_USE;
/* Events with seq > after, oldest first. */
enum err ledger_matter_events(
    struct ledger_reader *r, uint64_t id, uint32_t after, struct arena *a,
    struct ledger_entry **out, size_t *n) MUST_USE;

enum matter_list { MATTERS_OPEN, MATTERS_CLOSED, MATTERS_ALL };
struct matter_query {
    enum matter_list list;
    struct span kind;          /* empty all */
    struct span text;          /* part of number or title; empty all */
    ts_ms since_ms;            /* opened at or after; 0 all */
    struct user_id user;       /* owned by this user ... */
    struct unit_id unit;       /* ... or this unit; both 0: all */
    uint64_t parent;           /* children of; 0 all */
    const struct org_id *orgs; /* only these (the caller expands the scope); n 0: all */
    size_t orgs_n;
    uint64_t before; /* ids below; 0 from the newest */
    size_t cap;
};
enum err ledger_matters(
    struct ledger_reader *r, const struct matter_query *q, struct arena *a,
    struct matter_row **out, size_t *n) MUST_USE;

/* Of an alarm's matter, what tells how long it waited for a person. */
struct worked_row {
    uint64_t id;
    char number[32], kind[24], state[32], place[128];
    bool open;
    struct org_id org;
    struct site_id site; /* of the alarm */
    ts_ms opened_ms;
    ts_ms worked_ms; /* a person's first move; 0 none yet */
};
/* Matters of alarms: all that are open, and those closed that were opened or closed at
 * or after `since`. No cap but the arena's. */
enum err ledger_worked(
    struct ledger_reader *r, ts_ms since, struct arena *a, struct worked_row **out,
    size_t *n) MUST_USE;

struct due_row {
    uint64_t matter;
    char clock[32];
    ts_ms at_ms;
};
/* Clocks due at or before now, earliest first, at most cap; *next gets the earliest
 * later one (0 none). */
enum err ledger_due(
    struct ledger_reader *r, ts_ms now, size_t cap, struct arena *a,
    struct due_row **out, size_t *n, ts_ms *next) MUST_USE;

#endif
