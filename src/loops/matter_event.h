/* SPDX-License-Identifier: Apache-2.0 */
/* matter_event.h - one event of a matter: what the journal keeps. It carries everything
 * that was resolved when it was decided (person, role used, unit, distance, due times),
 * so that folding it asks nobody.
 *
 * Units    instants ts_ms; positions e7; distances metres; durations ms.
 * Owner    a decoded event borrows its texts from the bytes and from the definition.
 * Threads  values.
 * Errors   ERR_CORRUPT: no release of ours wrote these bytes for this definition.
 * See      docs/why/loops.md "Event bytes"; tests in matter_event_test.c.
 */
#ifndef TQ_LOOPS_MATTER_EVENT_H
#define TQ_LOOPS_MATTER_EVENT_H

#include <jansson.h>

#include "core/cur.h"
#include "loops/loop_def.h"
#include "model/org.h"
#include "model/user.h"

#define MATTER_CODE 32
#define MATTER_NOTICES (2 * LOOP_MAX_EFFECTS)
#define MATTER_TEXT_MAX 16384 /* bytes of one text value */
#define MATTER_FILES_MAX 16

struct matter_id {
    uint64_t v; /* 1..; the ledger numbers them */
};

struct matter_value {
    uint16_t field; /* number in the definition */
    uint8_t type;   /* enum loop_type; 0: the field has no value any more */
    union {
        bool flag;
        double number;
        int64_t time_ms;
        uint64_t id; /* unit, user, org, or the number of an option */
        struct {
            int32_t lon, lat;
        } point;
        struct {
            const char *p; /* matter: owned; event: borrowed */
            uint32_t n;
        } text; /* text, note, plate; files: references joined by '\n' */
    };
};

enum matter_clock_state {
    CLOCK_IDLE, /* never started */
    CLOCK_RUNNING,
    CLOCK_PAUSED, /* by the state the matter is in */
    CLOCK_HELD,   /* by an effect, until another effect */
    CLOCK_STOPPED,
};
struct matter_clock {
    int64_t budget_ms, consumed_ms; /* consumed before since_ms */
    ts_ms since_ms;                 /* running since; of the last change otherwise */
    ts_ms due_ms;                   /* while running; 0 otherwise */
    uint32_t fired;                 /* bits by rung */
    uint32_t climbed;               /* roles (bits) whose list it stands on */
    uint8_t state;                  /* enum matter_clock_state */
    ts_ms fired_ms[LOOP_MAX_RUNGS];
};

struct matter_opening {
    struct matter_id id;
    struct span code; /* the number people say: "YJ-20261121-0042"; under MATTER_CODE */
    struct span title, place;
    struct org_id org; /* the unit that must act first */
    uint8_t level;     /* 0: blue */
    int32_t lon, lat;  /* both 0: no place */
    uint64_t alarm, parent;
    bool drill;
    const json_t *fields; /* {"name": value}; NULL none */
    bool inputs; /* fields come from a rule or feed: input fields may be set and names
                  * the definition does not have are left out; false: a person's form */
};

enum matter_event_kind { MATTER_OPENED = 1, MATTER_MOVED, MATTER_TOLD, MATTER_RUNG };
enum { /* which of the optional parts an event has */
       MATTER_HAS_ORG = 1,
       MATTER_HAS_OWNER = 2,
       MATTER_HAS_UNIT = 4, /* sent, or with unit 0 set free */
       MATTER_HAS_LEVEL = 8,
       MATTER_HAS_OUTCOME = 16,
       MATTER_HAS_STATUS = 32, /* of the unit that stays sent */
       MATTER_HAS_ALL = 63,
};
struct matter_notice {
    uint16_t role;
    bool climb;            /* it stands on the role's list from now */
    bool rung;             /* the effect is the rung's, not the move's */
    uint8_t effect;        /* number of the effect */
    struct loop_text text; /* of the definition */
};
struct matter_event {
    uint8_t kind; /* enum matter_event_kind */
    uint32_t seq;
    ts_ms at_ms;
    struct user_id by;   /* 0: the machine */
    unsigned posts;      /* enum role bits the person had */
    int16_t role;        /* role of the definition used; -1 */
    int16_t move;        /* -1: opening, or a rung that makes no move */
    int16_t clock, rung; /* MATTER_RUNG; -1 */
    uint16_t from, to;
    unsigned has;
    struct org_id org;
    uint8_t path_op; /* 0 none, 1 the unit before was put on the path, 2 taken off it */
    struct user_id owner;
    struct unit_id unit, freed; /* freed: the unit that was set free */
    int32_t unit_dist_m, unit_eta_s;
    uint8_t status; /* enum unit_status */
    uint8_t level, verdict;
    int16_t outcome, outcome_field;
    uint16_t values_n;
    uint8_t notices_n, clocks_n;
    struct matter_value values[LOOP_MAX_FIELDS];
    struct matter_notice notices[MATTER_NOTICES];
    struct matter_event_clock {
        uint8_t n;
        struct matter_clock c; /* fired_ms is not filled */
    } clocks[LOOP_MAX_CLOCKS];
    struct matter_opening opening; /* MATTER_OPENED only; fields NULL */
};

/* Appends the bytes of e (of a matter pinned to def). */
void matter_event_encode(
    struct buf *out, const struct loop_def *def, const struct matter_event *e);
enum err matter_event_decode(
    const struct loop_def *def, struct span event, struct matter_event *out) MUST_USE;
/* The definition an opening event is pinned to; false when the bytes are no opening
 * event. */
bool matter_event_pin(struct span event, uint8_t hash[LOOP_HASH]);

#endif
