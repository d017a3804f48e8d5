/* SPDX-License-Identifier: Apache-2.0 */
/* loop_def.h - the definition of a loop (闭环): what kinds of matter there are, as
 * data. One YAML file a loop under definitions/loops/; this is what a file becomes once
 * read.
 *
 * Units    durations ms; rungs in per cent of a clock's budget plus an offset in ms.
 * Owner    a loop_defs owns its definitions until loop_defs_free(); all of it constant.
 * Threads  filled before threads start (files, then what the ledger holds); then any.
 * Errors   ERR_INPUT: FILE:LINE:COLUMN, path, what was expected, in both languages.
 * See      docs/loops.md (the format), docs/why/loops.md, tests in loop_def_test.c.
 *
 * States, roles, clocks and moves are numbered in the order of the file. The numbers go
 * into the journal: safe, because a matter is pinned to its definition by content hash.
 */
#ifndef TQ_LOOPS_LOOP_DEF_H
#define TQ_LOOPS_LOOP_DEF_H

#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"
#include "core/span.h"

#define LOOP_MAX_STATES 64
#define LOOP_MAX_MOVES 128
#define LOOP_MAX_FIELDS 96
#define LOOP_MAX_CLOCKS 16
#define LOOP_MAX_ROLES 32
#define LOOP_MAX_RUNGS 16   /* of one clock */
#define LOOP_MAX_EFFECTS 12 /* of one move or rung */
#define LOOP_HASH 32

struct loop_text {
    const char *zh, *en;
};

/* Where in the file a thing stands, for messages. */
struct loop_pos {
    uint32_t line, column;
};

struct loop_expr; /* loop_expr.h */

/* ---- roles: who may do it ---- */
enum loop_org { /* where the actor stands to the unit that must act now */
                LOOP_ORG_ANY,
                LOOP_ORG_OWNER,     /* belongs to that very unit */
                LOOP_ORG_ABOVE,     /* belongs to it or to a unit above it */
                LOOP_ORG_HANDED_BY, /* belongs to the unit that handed it down last */
};
enum loop_who { /* who the actor is in this matter */
                LOOP_WHO_ANY,
                LOOP_WHO_OWNER,        /* the person it is assigned to */
                LOOP_WHO_PREVIOUS,     /* the person of the last move */
                LOOP_WHO_NOT_PREVIOUS, /* four eyes */
                LOOP_WHO_OPENER,
                LOOP_WHO_NOT_OPENER,
                LOOP_WHO_CREW, /* crews the unit that was sent */
};
struct loop_selector {
    unsigned posts;     /* enum role bits (model/user.h) */
    unsigned org_kinds; /* bits 1 << enum org_kind of the actor's unit; 0 = any */
    uint8_t org;        /* enum loop_org */
    uint8_t who;        /* enum loop_who */
};
struct loop_role {
    const char *name;
    struct loop_text label;
    const struct loop_selector *any_of; /* holds the role who fits one of them */
    uint8_t any_of_n;
    struct loop_pos pos;
};

/* ---- fields: what a matter carries and forms ask ---- */
enum loop_type {
    LOOP_TEXT = 1, /* one line */
    LOOP_NOTE,     /* many lines */
    LOOP_CHOICE,   /* one of options */
    LOOP_FLAG,
    LOOP_NUMBER,
    LOOP_TIME, /* epoch ms */
    LOOP_UNIT,
    LOOP_USER,
    LOOP_ORG,
    LOOP_PLATE,
    LOOP_POINT, /* lon, lat */
    LOOP_FILES, /* document references */
};
enum loop_verdict { /* what an outcome says about the finding that opened the matter */
                    LOOP_VERDICT_NONE, /* counts neither way */
                    LOOP_VERDICT_TRUE,
                    LOOP_VERDICT_FALSE,
};
struct loop_option {
    const char *value;
    struct loop_text label;
    uint8_t verdict; /* enum loop_verdict */
};
struct loop_field {
    const char *name;
    struct loop_text label;
    struct loop_text why; /* why a form asks; both NULL: nothing to say */
    const struct loop_option *options;
    const char *unit; /* of a number that is a duration: ms, s, min, h, d; else NULL */
    double min, max;  /* number: bounds; text, note: characters; files: count */
    uint8_t options_n;
    uint8_t type; /* enum loop_type */
    bool input;   /* given by whoever opens the matter, not by a form */
    struct loop_pos pos;
};

/* ---- states ---- */
enum loop_state_kind {
    LOOP_START,
    LOOP_ACTIVE,
    LOOP_WAITING,
    LOOP_SUSPENDED,
    LOOP_TERMINAL
};
struct loop_state {
    const char *name;
    struct loop_text label;
    uint8_t kind;  /* enum loop_state_kind */
    uint8_t level; /* enum level (model/alarm.h) it is drawn in; 0 none */
    bool open;     /* public status */
    struct loop_pos pos;
};

/* ---- effects: the closed list ---- */
enum loop_effect_kind {
    LOOP_ASSIGN = 1,  /* owner = actor, nobody, or the user of a field */
    LOOP_HAND_DOWN,   /* the unit that must act = the one of a field, below the present
                         one */
    LOOP_HAND_BACK,   /* ... = the one that handed it down */
    LOOP_CLOCK_START, /* from the full budget */
    LOOP_CLOCK_STOP,
    LOOP_CLOCK_PAUSE, /* until resumed or started, whatever the state */
    LOOP_CLOCK_RESUME,
    LOOP_CLOCK_EXTEND, /* budget += minutes of a number field */
    LOOP_NOTIFY,       /* tell the holders of a role */
    LOOP_CLIMB, /* rungs: on the list of the holders of a role until the clock stops */
    LOOP_SET,   /* field = value of an expression */
    LOOP_RAISE, /* one level up (red stays red) */
    LOOP_COUNT, /* the outcome of a choice field counts */
    LOOP_DISPATCH, /* the unit of a field is sent */
    LOOP_RELEASE,  /* the unit that was sent is free again */
    LOOP_UNIT_IS,  /* the unit that was sent: under way, on scene ... (target: its
                      status) */
    LOOP_MOVE,     /* a rung makes a move of its own (marked so) */
};
enum loop_assignee { LOOP_TO_ACTOR, LOOP_TO_NOBODY, LOOP_TO_FIELD };
struct loop_effect {
    uint8_t kind;          /* enum loop_effect_kind */
    uint8_t assignee;      /* enum loop_assignee */
    uint16_t target;       /* number of the field, clock, role or move it names */
    uint16_t field;        /* LOOP_CLOCK_EXTEND: the number field with the minutes */
    struct loop_text text; /* of a notice; both NULL: the label of the move or rung */
    const struct loop_expr *value; /* LOOP_SET */
};

/* ---- gates and moves ---- */
struct loop_gate { /* a condition with the sentence a person reads while it is closed */
    const char *name;
    struct loop_text text;
    const struct loop_expr *when; /* open while true */
    struct loop_pos pos;
    bool
        blocks_stop; /* while it is closed the alarm shows that nobody may be stopped */
};
enum loop_on { LOOP_ON_ACTION, LOOP_ON_TIMER, LOOP_ON_MESSAGE };
struct loop_ask {
    uint16_t field;
    bool required;
};
struct loop_move {
    const char *name;
    struct loop_text label;
    const char *key;     /* one letter; NULL only in the menu */
    const char *tone;    /* plain, good, bad, send */
    const char *message; /* LOOP_ON_MESSAGE: its name */
    uint8_t on;          /* enum loop_on */
    bool phone;
    bool stays;     /* keeps the state it was made in (a note, a message) */
    uint64_t from;  /* bits by state number */
    uint16_t to;    /* not read when stays */
    uint32_t roles; /* bits by role number; who may make it */
    const uint16_t *gates;
    const struct loop_ask *asks; /* in the order of the form */
    const struct loop_effect *effects;
    uint8_t gates_n, asks_n, effects_n;
    struct loop_pos pos;
};

/* ---- clocks and ladders ---- */
struct loop_rung {
    struct loop_text label;
    int64_t percent;   /* of the budget */
    int64_t offset_ms; /* added; may be negative */
    const struct loop_effect *effects;
    uint8_t effects_n;
    struct loop_pos pos;
};
struct loop_clock {
    const char *name;
    struct loop_text label;
    int64_t budget_ms;
    uint64_t start_on, stop_on,
        pause_in; /* bits by state number; no stop_on in the file: every
                   * state outside start_on and pause_in */
    bool keep;    /* coming back to start_on does not start it anew */
    const struct loop_rung *rungs; /* in the order they fall due */
    uint8_t rungs_n;
    struct loop_pos pos;
};

struct loop_def {
    const char *kind;
    uint32_t version;
    uint8_t hash[LOOP_HASH]; /* BLAKE2b-256 of the content: layout and comments do not
                                count */
    struct loop_text title;
    const char *prefix;    /* of matter numbers: "YJ" */
    const char *opened_by; /* name of the finding that opens one ("alarm"); NULL none */
    bool by_hand;          /* POST /matters may open one */
    uint32_t openers;      /* by_hand: bits by role number */
    const struct loop_ask *asks; /* by_hand: the form in its order */
    uint8_t asks_n;
    const struct loop_role *roles;
    const struct loop_field *fields;
    const struct loop_state *states;
    const struct loop_gate *gates;
    const struct loop_move *moves;
    const struct loop_clock *clocks;
    uint16_t roles_n, fields_n, states_n, gates_n, moves_n, clocks_n;
    uint16_t start;   /* number of the start state */
    const char *file; /* as given, for messages */
    struct span text; /* the file itself: the ledger keeps it with the hash */
};

/* ---- reading ---- */
/* Reads one definition from text (YAML or JSON). *out is freed with loop_def_free().
 * `file` is only for messages. Never touches a clock or another file. */
enum err loop_def_parse(
    struct span text, const char *file, struct loop_def **out,
    struct note *note) MUST_USE;
void loop_def_free(struct loop_def *d);

struct loop_defs;
struct loop_defs *loop_defs_new(void);
void loop_defs_free(struct loop_defs *s);
/* Reads every *.yaml, *.yml and *.json of dir, by name. Stops at the first wrong one.
 * Two files of one kind and version: ERR_CONFLICT. */
enum err
loop_defs_load(struct loop_defs *s, const char *dir, struct note *note) MUST_USE;
/* Adds one definition from text; the highest version of a kind is the current one. The
 * same content twice is one. ERR_CONFLICT: the version is there with other content
 * (raise the version). */
enum err loop_defs_add(
    struct loop_defs *s, struct span text, const char *file,
    struct note *note) MUST_USE;
/* The current version of a kind; NULL when there is none. */
const struct loop_def *loop_def_find(const struct loop_defs *s, struct span kind);
/* The very definition a matter is pinned to; NULL when there is none. */
const struct loop_def *
loop_def_pinned(const struct loop_defs *s, const uint8_t hash[LOOP_HASH]);
/* The current definition that a finding opens ("alarm"); NULL when there is none. */
const struct loop_def *
loop_def_opened_by(const struct loop_defs *s, struct span finding);
/* All of them, oldest version of a kind first, kinds by name; NULL past the end. */
const struct loop_def *loop_defs_at(const struct loop_defs *s, size_t i);
bool loop_defs_current(const struct loop_defs *s, const struct loop_def *d);

/* ---- looking up ---- (-1: there is none) */
int loop_state_find(const struct loop_def *d, struct span name);
int loop_move_find(const struct loop_def *d, struct span name);
int loop_field_find(const struct loop_def *d, struct span name);
int loop_clock_find(const struct loop_def *d, struct span name);
int loop_role_find(const struct loop_def *d, struct span name);
int loop_option_find(const struct loop_field *f, struct span value);
/* enum role bits of everybody who could hold one of the roles of the move. */
unsigned loop_move_posts(const struct loop_def *d, const struct loop_move *m);
const char *loop_type_name(enum loop_type t);

/* ---- checking and showing ---- */
struct loop_finding {
    bool error; /* false: a warning */
    const char *file;
    struct loop_pos pos;
    const char *path; /* "moves.note" */
    char en[256], zh[256];
};
/* Tells `tell` everything that is wrong or odd in a definition that could be read:
 * states nobody reaches, states without exit, clocks never stopped, rungs that cannot
 * fire, roles nobody can hold, fields nobody sets ... Returns the number of errors. */
size_t loop_lint(
    const struct loop_def *d, void (*tell)(void *ctx, const struct loop_finding *f),
    void *ctx);
/* Reads and lints every file of dir on its own. One that cannot be read is told as a
 * finding without a position: its texts begin with it. ERR_IO when dir cannot be read.
 */
enum err loop_lint_dir(
    const char *dir, void (*tell)(void *ctx, const struct loop_finding *f), void *ctx,
    size_t *errors, struct note *note) MUST_USE;
/* The row of GET /api/v1/meta "loops" (docs/api.md). */
void loop_def_json(struct buf *out, const struct loop_def *d);
/* A text diagram (Mermaid stateDiagram-v2) in one language. */
void loop_def_diagram(struct buf *out, const struct loop_def *d, bool zh);

#endif
