/* SPDX-License-Identifier: Apache-2.0 */
/* question.h - the row of one question about sets of vehicles (研判): what a person
 * reads about it, what it asks for, what its answer looks like, and its function.
 *
 * Shape    src/analysis/ask/NAME.c defines `const struct question question_NAME`; the
 *          build collects them in question_rows[]. The API, the command line, the
 *          console's page and docs/analysis.md are made of the rows.
 * Units    windows [from, to) in ts_ms; columns say theirs.
 * Owner    rows are constant; values and answers lie in the asker's arena.
 * Threads  the thread that asks.
 * Errors   ERR_DENIED without a permit; ERR_INPUT names the parameter; ERR_TIMEOUT and
 *          ERR_TOOBIG past the budget, the note says what to narrow.
 * See      ask/first_seen.c is the smallest one to imitate; docs/analysis.md.
 */
#ifndef TQ_ANALYSIS_QUESTION_H
#define TQ_ANALYSIS_QUESTION_H

#include "analysis/coverage.h"

struct question_text {
    const char *zh, *en;
};

enum question_type {
    ASK_NUMBER = 1, /* min..max */
    ASK_WORD,       /* one of words */
    ASK_PLATES,     /* min..max whole plates, blank or comma between */
    ASK_PATTERN,    /* a plate, or part of one with ? and * */
    ASK_SITES,      /* min..max codes of sites, blank or comma between */
    ASK_WINDOWS,    /* min..max of "CODE,CODE@FROM/TO", semicolon between; each may
                       begin with + (all), | (any) or - (none) */
};
const char *question_type_name(enum question_type t); /* "number" ... */

struct question_word { /* ended by a NULL name */
    const char *name;
    const char *zh, *en;
};

struct question_param {
    const char *name; /* ended by NULL */
    enum question_type type;
    bool required;
    double min, max;                   /* of a number; of a list: how many */
    const char *initial;               /* text used when absent; NULL none */
    const char *unit;                  /* "" none */
    const struct question_word *words; /* ASK_WORD */
    const char *zh, *en;
};

enum question_join { JOIN_ALL, JOIN_ANY, JOIN_NONE };
struct question_window {
    enum question_join join;
    ts_ms from, to;
    struct site_id *sites;
    size_t sites_n;
};

struct question_value { /* parallel to the parameters; text empty: absent */
    struct span text;   /* also an ASK_WORD */
    double number;
    struct plate_pattern pattern;
    struct plate *plates;
    struct site_id *sites;
    struct question_window *windows;
    size_t n; /* of plates, sites or windows */
};
#define QUESTION_PARAMS 12

enum question_shape {
    COL_PLATE = 1,
    COL_SITE,
    COL_TIME,     /* ts_ms; 0 empty */
    COL_SPAN,     /* milliseconds; negative empty */
    COL_COUNT,    /* whole number */
    COL_NUMBER,   /* NaN empty */
    COL_SHARE,    /* 0..1; NaN empty */
    COL_WORD,     /* text */
    COL_SIGHTING, /* the id of a pass; site 0 empty */
};
const char *question_shape_name(enum question_shape s);

struct question_column {
    const char *name; /* ended by NULL */
    enum question_shape shape;
    const char *unit; /* "" none */
    const char *zh, *en;
};
#define QUESTION_COLUMNS 20

union question_cell {
    struct plate plate;
    struct site_id site;
    ts_ms at;
    int64_t n;
    double x;
    struct span word;
    struct sighting_id id;
};

/* A figure of the whole answer ("share of exits that are missed"). */
struct question_fact {
    const char *name, *unit;
    double value; /* NaN: not known */
    const char *zh, *en;
};
#define QUESTION_FACTS 8

struct question_answer {
    union question_cell *cells; /* rows one behind the other */
    size_t n, room;
    bool more; /* the limit cut the answer */
    struct question_fact facts[QUESTION_FACTS];
    size_t facts_n;
    struct coverage coverage;
};

struct question;
struct question_call {
    const struct question *q;
    const struct look_permit *permit;
    const struct analysis_needs *needs;
    const struct zone *zone;
    ts_ms from, to;
    size_t limit; /* rows */
    const struct question_value *v;
    struct arena *arena;
    struct question_answer *out;
    struct note *note;
};

struct question {
    const char *name; /* equals the file's */
    struct question_text title;
    struct question_text what;    /* the definition */
    struct question_text pitfall; /* when it misleads */
    const struct question_param *params;
    const struct question_column *columns;
    int days_max; /* the widest window */
    int seconds;  /* the time it may take */
    /* How far before `from` it reads, ms; NULL: not at all. */
    ts_ms (*back_ms)(const struct question_value *v);
    enum err (*answer)(struct question_call *c);
};
extern const struct question *const question_rows[];    /* by name, ended by NULL */
const struct question *question_find(struct span name); /* NULL when none */
size_t question_columns(const struct question *q);

/* One named parameter as text. */
struct question_given {
    struct span name, text;
};
/* Reads and checks what was given against the row into out[QUESTION_PARAMS]. */
enum err question_read(
    const struct question *q, const struct question_given *given, size_t n,
    const struct site_table *sites, const struct zone *zone, struct arena *arena,
    struct question_value *out, struct note *note) MUST_USE;
/* The earliest instant the question reads. */
ts_ms
question_reach(const struct question *q, const struct question_value *v, ts_ms from);
/* Is the window one that it takes? ERR_INPUT otherwise. */
enum err question_window(
    const struct question *q, ts_ms from, ts_ms to, struct note *note) MUST_USE;
/* The permit, the window, the answer, its coverage; c->out is filled. */
enum err question_ask(struct question_call *c) MUST_USE;

/* ---- for the rows ---- */

/* The next row's cells (zeroed); NULL at the limit (`more` is set) or past the arena
 * (*e says ERR_TOOBIG). */
union question_cell *question_row(struct question_call *c, enum err *e);
void question_fact(
    struct question_call *c, const char *name, const char *unit, double value,
    const char *zh, const char *en);

/* needs->reads() for one plate. */
enum err question_reads_of(
    struct question_call *c, struct plate plate, analysis_reads_fn fn,
    void *arg) MUST_USE;
/* needs->reads() for the plates that fit and whose days `want` takes (NULL: all): by
 * their days first, which is far cheaper; fn must judge them anew. */
typedef bool (*question_want_fn)(void *arg, const struct analysis_day *days, size_t n);
enum err question_reads_where(
    struct question_call *c, ts_ms from, const struct analysis_fit *fit,
    question_want_fn want, analysis_reads_fn fn, void *arg) MUST_USE;
/* Letter of the registered use (GA 24.3), 0 when it is not registered or unknown. */
char question_use_nature(const struct question_call *c, struct plate plate);

/* A list in the arena that grows by doubling; false past the cap. */
bool question_grow(
    struct arena *arena, void **p, size_t *room, size_t n, size_t size) MUST_USE;

#endif
