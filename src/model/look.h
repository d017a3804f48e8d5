/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - a person's accountable view of somebody's movements (查询): what is asked,
 * the rules it is held against, and the permit every analysis takes.
 *
 * Shape    rules come from definitions/purposes.yaml (read by the daemon). look_check()
 *          is the whole decision, pure; store/audit_look.h writes it down and makes the
 *          permit.
 * Permit   opaque: its limits are read here, it is made only by audit_look_begin() (the
 *          maker lies in model/look_mint.h, and a test refuses any other include of
 *          it).
 * Owner    a permit belongs to the look; audit_look_end() takes it back.
 * Threads  immutable: any thread of the look may read it.
 * See      docs/why/looks.md.
 */
#ifndef TQ_MODEL_LOOK_H
#define TQ_MODEL_LOOK_H

#include "model/org.h"
#include "model/plate.h"
#include "model/user.h"

/* Bits. */
enum look_kind {
    LOOK_TRAJECTORY = 1,  /* 车辆轨迹: one plate over time */
    LOOK_SIGHTINGS = 2,   /* 过车查询: sites and times, or part of a plate */
    LOOK_PLATE_CHECK = 4, /* 核查: registry record and watches of one plate */
    LOOK_CARD = 8,        /* 预警卡片: the evidence of one alarm */
    LOOK_PICTURE = 16,
    LOOK_ANALYSIS = 32, /* 研判: questions over many vehicles */
    LOOK_EXPORT = 64,   /* 导出: rows leave the system */
    LOOK_AUDIT = 128,   /* the auditor reads the record itself */
};
struct look_kind_row {
    enum look_kind kind;
    const char *name; /* "trajectory" */
    const char *zh, *en;
};
const struct look_kind_row *look_kind_rows(void); /* ended by kind 0 */
const struct look_kind_row *look_kind_find(struct span name);
const struct look_kind_row *
look_kind_get(enum look_kind kind); /* never NULL for one bit */

/* ---- rules ---- */
#define LOOK_KINDS 12 /* matter kinds a row may name */
#define LOOK_PURPOSES 32
#define LOOK_TIERS 6
struct look_purpose {
    char code[24];
    char zh[48], en[64];
    char kinds[LOOK_KINDS][24]; /* kinds of matter it may stand with; none = any */
    unsigned kinds_n;
};
struct look_tier {
    int32_t to_days; /* how far back it reaches; 0 = without end. Ascending */
    char zh[96], en[128];
    char kinds[LOOK_KINDS][24]; /* kinds of matter that open it; none = any */
    unsigned kinds_n;
    bool approver; /* needs a second person's grant for this matter */
};
struct look_rules {
    struct look_purpose purposes[LOOK_PURPOSES];
    unsigned purposes_n;
    struct look_tier tiers[LOOK_TIERS];
    unsigned tiers_n;
    int32_t emergency_confirm_h; /* a supervisor confirms within; 24 */
    int32_t emergency_days;      /* how far back an emergency look reaches; 7 */
};
const struct look_purpose *
look_purpose_find(const struct look_rules *rules, struct span code);
/* The tier that holds `from` seen from `now`; NULL when no tier reaches that far. */
const struct look_tier *
look_tier_of(const struct look_rules *rules, ts_ms from, ts_ms now);

/* ---- what is asked ---- */
struct look_request {
    enum look_kind kind;
    struct user_id user;
    unsigned roles;       /* enum role bits of the session */
    const char *login;    /* kept in the record */
    const char *address;  /* where the request came from */
    struct org_id org;    /* the user's */
    struct unit_id unit;  /* the unit the user crews; 0 none */
    uint64_t matter;      /* 0 only with emergency */
    struct span purpose;  /* code */
    struct span subject;  /* plate, sites, alarm ... as text: kept in the record */
    struct plate plate;   /* PLATE_NONE when the look names none */
    ts_ms from_ms, to_ms; /* both 0: no movements are read (plate check) */
    bool emergency;
    struct span why;        /* emergency: the reason */
    uint8_t parameters[32]; /* hash of all parameters */
    ts_ms now_ms;
    ts_ms newest_ms; /* newest pass stored: ages count back from it where it is older
                      * than now (an archive, a demo); 0: from now */
};

/* What the ledger knows about the matter named. */
struct look_matter {
    bool found, open;
    bool in_scope; /* its organisation lies in the asker's part of the tree */
    char kind[24];
    bool granted; /* a second person's grant for this user and matter reaches `from` */
};

enum look_refusal {
    LOOK_ALLOWED,
    LOOK_NO_MATTER,
    LOOK_MATTER_CLOSED,
    LOOK_PURPOSE,
    LOOK_AGE_TIER,
    LOOK_SCOPE,
    LOOK_ROLE,
    LOOK_WHY,         /* an emergency look without its reason */
    LOOK_UNCONFIRMED, /* an emergency look rejected, or not confirmed in its hours */
};
/* "look_no_matter" ... as in docs/api.md; "" for LOOK_ALLOWED. */
const char *look_refusal_code(enum look_refusal r);
/* The decision, and on refusal the sentence that says what is missing and how to get
 * it. */
enum look_refusal look_check(
    const struct look_rules *rules, const struct look_request *q,
    const struct look_matter *m, struct note *note);

/* ---- the permit ---- */
struct look_permit;
struct look_limits {
    uint64_t number; /* of the look: its record in the audit file */
    struct user_id user;
    uint64_t matter;
    unsigned kinds;       /* enum look_kind bits it is good for */
    ts_ms from_ms, to_ms; /* nothing outside may be read */
    struct plate plate;   /* PLATE_NONE: not bound to one */
    bool emergency;
    ts_ms begin_ms;
};
const struct look_limits *look_permit_limits(const struct look_permit *p);
/* Is p good for this kind over [from, to]? ERR_DENIED with the note otherwise. NULL is
 * refused. */
enum err look_permit_covers(
    const struct look_permit *p, enum look_kind kind, ts_ms from, ts_ms to,
    struct note *note) MUST_USE;

#endif
