/* SPDX-License-Identifier: Apache-2.0 */
/* matter.h - anything that must be closed (事项): a fold of its journal under a pinned
 * definition.
 *
 *      ask ---> matter_open / matter_move / matter_tell / matter_fire ---> event bytes
 *                (checks, asks needs, writes down all answers)                |
 *                                                                    caller journals
 * them struct matter <--------------------- matter_apply <--------------------+ (asks
 * nobody, cannot refuse what was journaled)
 *
 * Units    instants ts_ms; positions e7; seq counts the matter's events from 1.
 * Owner    the caller's memory: matter_release(); a zeroed matter is a legal empty one.
 * Threads  one writer (ledger). A matter handed to readers is a copy (matter_copy).
 * Errors   ERR_DENIED (never for this person), ERR_GATE (not now: the note says why),
 * ERR_INPUT (a field: named in the note), ERR_CONFLICT (seq is not the newest),
 * ERR_NOTFOUND (no such move), ERR_CORRUPT (bytes that no release of ours wrote). See
 * docs/why/loops.md, tests in matter_test.c and tests/.
 */
#ifndef TQ_LOOPS_MATTER_H
#define TQ_LOOPS_MATTER_H

#include <jansson.h>

#include "core/cur.h"
#include "loops/loop_def.h"
#include "loops/needs.h"

#define MATTER_PATH 6 /* levels a matter can be handed down */
#define MATTER_CODE 32
#define MATTER_NOTICES (2 * LOOP_MAX_EFFECTS)
#define MATTER_TEXT_MAX 4096 /* bytes of one text value */
#define MATTER_FILES_MAX 16

struct matter_id {
    uint64_t v; /* 1..; the ledger numbers them */
};

struct matter_value {
    uint16_t field; /* number in the definition */
    uint8_t type;   /* enum loop_type */
    union {
        bool flag;
        double number;
        int64_t time_ms;
        uint64_t id; /* unit, user, org, or the number of an option */
        struct {
            int32_t lon, lat;
        } point;
        struct {
            const char *p; /* matter: owned; event: borrowed from the bytes */
            uint32_t n;
        } text; /* text, note, plate; files: references joined by '\n' */
    };
};

enum matter_clock_state { CLOCK_IDLE, CLOCK_RUNNING, CLOCK_PAUSED, CLOCK_STOPPED };
struct matter_clock {
    int64_t budget_ms, consumed_ms; /* consumed before running_since */
    ts_ms since_ms;                 /* running since; of the last change otherwise */
    ts_ms due_ms;                   /* while running; 0 otherwise */
    uint8_t state;                  /* enum matter_clock_state */
    uint32_t fired;                 /* bits by rung */
    ts_ms fired_ms[LOOP_MAX_RUNGS];
};

struct matter {
    struct matter_id id;
    const struct loop_def *def; /* pinned; NULL: an empty matter */
    char code[MATTER_CODE];     /* the number people say: "YJ-20261121-0042" */
    char *title, *place;        /* owned; place may be "" */
    uint32_t seq;
    uint16_t state;
    uint8_t level; /* enum level */
    bool drill;
    uint8_t verdict; /* enum loop_verdict */
    int16_t outcome; /* number of the option that counted; -1 none */
    int16_t outcome_field;
    uint32_t climbed;                /* roles (bits) whose list it stands on */
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
    struct matter_clock *clocks;          /* def->clocks_n */
    struct matter_value *values;          /* by field number */
    uint16_t values_n, values_room;
};

void matter_release(struct matter *m);
enum err matter_copy(struct matter *dst, const struct matter *src) MUST_USE;

/* The person (or machine: user 0) who does something. */
struct matter_actor {
    struct user_id user;
    unsigned roles; /* enum role bits */
    struct org_id org;
    struct unit_id unit;
};

/* ---- making events ---- each appends one event to `event`; nothing is changed. */
struct matter_opening {
    struct matter_id id;
    struct span code, title, place;
    struct org_id org; /* the unit that must act first */
    uint8_t level;     /* 0: blue */
    int32_t lon, lat;
    uint64_t alarm, parent;
    bool drill;
    const json_t *fields; /* {"name": value}; NULL none */
    bool inputs; /* fields come from a rule or feed: input fields may be set, unknown
                  * names are left out; false: a person's form, unknown is ERR_INPUT */
};
enum err matter_open(
    const struct loop_def *def, const struct matter_opening *o,
    const struct matter_actor *by, const struct loops_env *env, struct buf *event,
    struct note *note) MUST_USE;
/* May this person open one by hand? */
enum err matter_may_open(
    const struct loop_def *def, const struct matter_actor *by,
    struct note *note) MUST_USE;

/* One move by a person. seq must be the matter's. fields as above (NULL none). */
enum err matter_move(
    const struct matter *m, struct span move, uint32_t seq, const json_t *fields,
    const struct matter_actor *by, const struct loops_env *env, struct buf *event,
    struct note *note) MUST_USE;
/* A message from the machine ("withdrawn", "revised"): the first move that listens to
 * it here and whose gates are open. Nothing listens: OK and no event. level 0:
 * unchanged. */
enum err matter_tell(
    const struct matter *m, struct span message, const json_t *fields, uint8_t level,
    const struct loops_env *env, struct buf *event, struct note *note) MUST_USE;
/* The instant of the next rung; INT64_MAX when nothing runs. */
ts_ms matter_due(const struct matter *m);
/* Fires the earliest rung that is due at env->now (one event); OK and no event when
 * none is. */
enum err matter_fire(
    const struct matter *m, const struct loops_env *env, struct buf *event) MUST_USE;

/* ---- folding ---- */
/* The definition an opening event is pinned to; false when the bytes are no opening
 * event. */
bool matter_event_pin(struct span event, uint8_t hash[LOOP_HASH]);
/* Folds one event into m. For the first one m is empty and `def` is the pinned
 * definition; later ones use m->def. ERR_CORRUPT leaves m as it was. */
enum err
matter_apply(struct matter *m, const struct loop_def *def, struct span event) MUST_USE;

/* ---- an event, opened for reading ---- spans and texts are borrowed from the bytes.
 */
enum matter_event_kind { MATTER_OPENED = 1, MATTER_MOVED, MATTER_TOLD, MATTER_RUNG };
enum { /* which of the optional parts an event has */
       MATTER_HAS_ORG = 1,
       MATTER_HAS_OWNER = 2,
       MATTER_HAS_UNIT = 4, /* sent, or with unit 0 set free */
       MATTER_HAS_LEVEL = 8,
       MATTER_HAS_OUTCOME = 16,
       MATTER_HAS_CLIMB = 32,
};
struct matter_notice {
    uint16_t role;
    bool climb;            /* it stands on the role's list from now */
    struct loop_text text; /* of the definition */
};
struct matter_event {
    uint8_t kind; /* enum matter_event_kind */
    uint32_t seq;
    ts_ms at_ms;
    struct user_id by;   /* 0: the machine */
    int16_t role;        /* role used; -1 */
    int16_t move;        /* -1: opening, or a rung that makes no move */
    int16_t clock, rung; /* MATTER_RUNG; -1 */
    uint16_t from, to;
    unsigned has;
    struct org_id org;
    uint8_t path_op; /* 1 pushed, 2 popped */
    struct user_id owner;
    struct unit_id unit, freed; /* freed: the unit that was set free */
    int32_t unit_dist_m, unit_eta_s;
    uint8_t level, verdict;
    int16_t outcome, outcome_field;
    struct matter_value values[LOOP_MAX_FIELDS];
    uint16_t values_n;
    struct matter_notice notices[MATTER_NOTICES];
    uint8_t notices_n;
    uint8_t clocks_n;
    struct {
        uint8_t n;
        struct matter_clock c; /* fired_ms is not filled */
    } clocks[LOOP_MAX_CLOCKS];
    /* MATTER_OPENED only */
    struct matter_opening opening; /* fields NULL */
};
enum err matter_event_decode(
    const struct loop_def *def, struct span event, struct matter_event *out) MUST_USE;

/* ---- questions ---- */
/* Does the person hold the role of the definition in this matter? */
bool matter_holds(
    const struct matter *m, unsigned role, const struct matter_actor *by,
    const struct org_table *orgs);
/* Is it this person's to do: owner, crew of the unit that was sent, or a rung climbed
 * to a role the person holds. */
bool matter_mine(
    const struct matter *m, const struct matter_actor *by,
    const struct org_table *orgs);
/* A gate that every sending of a unit must pass is closed. */
bool matter_stop_blocked(const struct matter *m, ts_ms now);
/* The most pressing running clock: number, or -1. */
int matter_pressing(const struct matter *m);
int64_t matter_consumed(const struct matter_clock *c, ts_ms now);
const struct matter_value *matter_value(const struct matter *m, unsigned field);

/* ---- JSON pieces of docs/api.md ---- each writes one value. Names of people, units
 * and nodes come from env->needs and env->orgs. */
void matter_fields_json(struct buf *out, const struct matter *m); /* {"name":value} */
void matter_clock_json(
    struct buf *out, const struct matter *m, int n, ts_ms now); /* or null */
void
matter_clocks_json(struct buf *out, const struct matter *m, ts_ms now); /* [clock] */
/* [move]: every move from this state that the person may make, with the reason while it
 * may not. */
void matter_moves_json(
    struct buf *out, const struct matter *m, const struct matter_actor *by,
    const struct loops_env *env);
/* One row of "journal". */
void matter_event_json(
    struct buf *out, const struct loop_def *def, const struct matter_event *e,
    const struct loops_env *env);
/* The brief of an alarm row; `owner` object included. */
void
matter_brief_json(struct buf *out, const struct matter *m, const struct loops_env *env);
/* {"text","user","unit","org"} */
void
matter_owner_json(struct buf *out, const struct matter *m, const struct loops_env *env);

#endif
