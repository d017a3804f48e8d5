/* SPDX-License-Identifier: Apache-2.0 */
/* matter.h - anything that must be closed (事项): a fold of its journal under a pinned
 * definition.
 *
 *    matter_open, matter_move, matter_tell, matter_fire
 *              |        (check, ask needs, write all answers down: event bytes)
 *              v
 *    the caller journals the event
 *              |
 *              v
 *    matter_apply: struct matter
 *                       (asks nobody, refuses nothing that was journaled)
 *
 * Units    instants ts_ms; positions e7; seq counts the matter's events from 1.
 * Owner    the caller's memory: matter_release(); a zeroed matter is a legal empty one.
 * Threads  one writer (ledger). A matter handed to readers is a copy (matter_copy).
 * Errors   ERR_DENIED: never for this person. ERR_GATE: not now, the note says why.
 *          ERR_INPUT: a field, named in the note. ERR_CONFLICT: seq is not the newest.
 *          ERR_NOTFOUND: no such move. ERR_CORRUPT: bytes no release of ours wrote.
 * See      docs/why/loops.md, tests in matter_test.c and tests/loop_*_test.c.
 */
#ifndef TQ_LOOPS_MATTER_H
#define TQ_LOOPS_MATTER_H

#include "loops/loop_def.h"
#include "loops/matter_event.h"
#include "loops/needs.h"

#define MATTER_PATH 6 /* levels a matter can be handed down */

struct matter {
    struct matter_id id;
    const struct loop_def *def; /* pinned; NULL: an empty matter */
    char code[MATTER_CODE];
    char *title, *place; /* owned; place may be "" */
    uint32_t seq;
    uint16_t state;
    uint8_t level; /* enum level */
    bool drill;
    uint8_t verdict;                 /* enum loop_verdict */
    int16_t outcome;                 /* number of the option that counted; -1 none */
    int16_t outcome_field;           /* the field it belongs to; -1 none */
    int32_t lon, lat;                /* both 0: no place */
    uint64_t alarm;                  /* struct alarm_id that opened it; 0 */
    uint64_t parent;                 /* matter; 0 */
    struct org_id org;               /* the unit that must act now */
    struct org_id path[MATTER_PATH]; /* units that handed it down, highest first */
    uint8_t path_n;
    struct user_id owner, opener, previous;
    struct unit_id unit;                  /* sent; 0 none */
    int32_t unit_dist_m;                  /* when it was sent; -1 */
    ts_ms opened_ms, state_ms, closed_ms; /* closed 0: open */
    struct matter_clock *clocks;          /* def->clocks_n, owned */
    struct matter_value *values;          /* by field number, owned */
    uint16_t values_n, values_room;
};

void matter_release(struct matter *m);
/* dst is overwritten (it must be empty). ERR_NOMEM. */
enum err matter_copy(struct matter *dst, const struct matter *src) MUST_USE;

/* The person (or machine: user 0) who does something. */
struct matter_actor {
    struct user_id user;
    unsigned roles; /* enum role bits */
    struct org_id org;
    struct unit_id unit;
};

/* ---- deciding ---- each appends at most one event to `event`; nothing else changes.
 */

enum err matter_open(
    const struct loop_def *def, const struct matter_opening *o,
    const struct matter_actor *by, const struct loops_env *env, struct buf *event,
    struct note *note) MUST_USE;
/* May this person open one by hand? */
enum err matter_may_open(
    const struct loop_def *def, const struct matter_actor *by,
    struct note *note) MUST_USE;
/* One move by a person; seq must be the matter's; fields is {"name": value} or NULL. */
enum err matter_move(
    const struct matter *m, struct span move, uint32_t seq, const json_t *fields,
    const struct matter_actor *by, const struct loops_env *env, struct buf *event,
    struct note *note) MUST_USE;
/* A message of the machine (a finding was revised, taken back ...): the first move that
 * listens to it in this state and whose gates are open. Nothing listens: OK, no event.
 * level 0: unchanged. */
enum err matter_tell(
    const struct matter *m, struct span message, const json_t *fields, uint8_t level,
    const struct loops_env *env, struct buf *event, struct note *note) MUST_USE;
/* The instant of the next rung; INT64_MAX when nothing runs. */
ts_ms matter_due(const struct matter *m);
/* Fires the earliest rung that is due at env->now; OK and no event when none is. */
enum err matter_fire(
    const struct matter *m, const struct loops_env *env, struct buf *event) MUST_USE;

/* ---- folding ---- */

/* Folds one event into m. For the first one m is empty and `def` is the definition that
 * matter_event_pin() names; later ones use m->def. ERR_CORRUPT and ERR_NOMEM leave m as
 * it was. */
enum err
matter_apply(struct matter *m, const struct loop_def *def, struct span event) MUST_USE;

/* ---- questions ---- */

/* Does the person hold the role (number in the definition) in this matter? */
bool matter_holds(
    const struct matter *m, unsigned role, const struct matter_actor *by,
    const struct org_table *orgs);
/* Is it this person's to do: owner, crew of the unit that was sent, or a rung climbed
 * to a role the person holds. */
bool matter_mine(
    const struct matter *m, const struct matter_actor *by,
    const struct org_table *orgs);
/* An open matter with a closed gate that says `blocks_stop`. */
bool matter_stop_blocked(const struct matter *m, ts_ms now);
/* Is the gate open for this matter as it stands? */
bool matter_gate(const struct matter *m, unsigned gate, ts_ms now);
/* The most pressing running clock: its number, or -1. */
int matter_pressing(const struct matter *m);
int64_t matter_consumed(const struct matter_clock *c, ts_ms now);
/* The instant rung i of a running clock is due. */
ts_ms
matter_rung_due(const struct loop_clock *def, const struct matter_clock *c, unsigned i);
/* NULL: the field has no value. */
const struct matter_value *matter_value(const struct matter *m, unsigned field);

/* ---- JSON pieces of docs/api.md ---- each appends one value. Names of people, units
 * and nodes come from env->needs and env->orgs. */

void matter_fields_json(struct buf *out, const struct matter *m); /* {"name":value} */
/* One clock, or null when n is -1. */
void matter_clock_json(struct buf *out, const struct matter *m, int n, ts_ms now);
void
matter_clocks_json(struct buf *out, const struct matter *m, ts_ms now); /* [clock] */
/* [move]: every move from this state that the person may make, with the reason why not
 * now. */
void matter_moves_json(
    struct buf *out, const struct matter *m, const struct matter_actor *by,
    const struct loops_env *env);
/* One row of "journal". */
void matter_event_json(
    struct buf *out, const struct loop_def *def, const struct matter_event *e,
    const struct loops_env *env);
/* The brief that an alarm row carries, with owner and pressing clock. */
void
matter_brief_json(struct buf *out, const struct matter *m, const struct loops_env *env);
/* {"text","user","unit","org"} */
void
matter_owner_json(struct buf *out, const struct matter *m, const struct loops_env *env);

#endif
