/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_alarm.h - alarms with their revisions, outcome statistics, and the rules' own
 * marks.
 *
 * Shape    an alarm is kept as bytes of alarm_encode(); columns exist for lists.
 *          Writing the same alarm twice is one row; a changed one is a revision, and
 *          the earlier bytes stay.
 * Threads  as ledger.h.
 * See      docs/why/truth.md "From alarm to matter without a gap".
 */
#ifndef TQ_STORE_LEDGER_ALARM_H
#define TQ_STORE_LEDGER_ALARM_H

#include "model/alarm.h"
#include "store/ledger.h"

enum alarm_write { ALARM_NEW, ALARM_CHANGED, ALARM_SAME };

struct alarm_row {
    struct alarm alarm;
    ts_ms raised_ms, changed_ms; /* our clock at the first and last write */
    uint32_t revision;           /* from 1 */
    uint64_t matter;             /* 0 none */
    bool open;                   /* its matter is open */
    uint32_t passes;             /* folded passes */
    char outcome[24];            /* how it was closed; "" open */
    int8_t truth;                /* 1 confirmed, 0 false, -1 unknown */
    char picture[128];           /* reference of the deciding picture; may be empty */
};

/* Idempotent by id. `journal` gets the number of the entry made (0 for ALARM_SAME). A
 * withdrawn alarm that has an open matter stays linked: the caller tells the matter. */
enum err ledger_alarm_put(
    struct ledger *l, const struct alarm *alarm, struct span picture, ts_ms at,
    enum alarm_write *what, uint64_t *journal) MUST_USE;
/* Links alarm and matter: at most one matter per alarm, for ever. ERR_CONFLICT when
 * linked otherwise. */
enum err
ledger_alarm_link(struct ledger *l, struct alarm_id alarm, uint64_t matter) MUST_USE;
/* The matter closed (or was reopened: open = true): outcome and truth for the
 * statistics, counted once. */
enum err ledger_alarm_close(
    struct ledger *l, struct alarm_id alarm, bool open, const char *outcome, int truth,
    ts_ms at) MUST_USE;
enum err ledger_alarm_find(
    struct ledger_reader *r, struct alarm_id id, struct alarm_row *out) MUST_USE;

enum alarm_list { ALARMS_OPEN, ALARMS_CLOSED, ALARMS_WITHDRAWN, ALARMS_ALL };
struct alarm_query {
    enum alarm_list list;
    struct span rule;       /* empty: all */
    struct site_id site;    /* 0 all */
    struct plate plate;     /* PLATE_NONE all */
    ts_ms from_ms, to_ms;   /* of pass_ms; to 0 = open */
    ts_ms before_raised_ms; /* page: rows (raised, id) before this pair; 0 from the
                               newest */
    uint64_t before_id;
    size_t cap;
};
enum err ledger_alarms(
    struct ledger_reader *r, const struct alarm_query *q, struct arena *a,
    struct alarm_row **out, size_t *n) MUST_USE;
struct alarm_revision {
    uint32_t revision;
    uint8_t state;
    ts_ms at_ms;
    struct alarm alarm;
};
enum err ledger_alarm_revisions(
    struct ledger_reader *r, struct alarm_id id, struct arena *a,
    struct alarm_revision **out, size_t *n) MUST_USE;
/* Alarms with no matter yet that are not withdrawn (start-up: open their matters). */
enum err ledger_alarms_unlinked(
    struct ledger_reader *r, size_t cap, struct arena *a, struct alarm_row **out,
    size_t *n) MUST_USE;

/* The evidence of a matter: what it holds when passes or pictures are dropped. Alarms
 * with a matter and a pass time in [from, to), in the order of matters; a matter closed
 * as a false alarm holds nothing any longer. */
struct alarm_evidence {
    char matter[32]; /* its number */
    uint32_t n;
    struct sighting_id ids[ALARM_EVIDENCE];
};
enum err ledger_alarm_evidence(
    struct ledger_reader *r, ts_ms from, ts_ms to, struct arena *a,
    struct alarm_evidence **out, size_t *n) MUST_USE;

/* ---- measured precision ---- */
struct outcome_stat {
    char rule[24];
    struct site_id site;
    char list[24];      /* watch list; "" else */
    uint32_t good, bad; /* closed as confirmed, as false */
};
/* Sums over what is not given (rule empty, site 0, list empty = all). */
enum err ledger_outcomes(
    struct ledger_reader *r, struct span rule, struct site_id site, struct span list,
    struct outcome_stat *out) MUST_USE;
enum err ledger_outcome_rows(
    struct ledger_reader *r, struct arena *a, struct outcome_stat **out,
    size_t *n) MUST_USE;

/* ---- rules: how far, from what state, with which models ---- */
/* In the same group as the alarms that came of the records up to lsn. */
enum err ledger_rules_mark(struct ledger *l, uint32_t shard, uint64_t lsn) MUST_USE;
/* 0 when the shard was never marked. */
enum err
ledger_rules_applied(struct ledger_reader *r, uint32_t shard, uint64_t *lsn) MUST_USE;
/* Rule state at lsn; replaces the shard's older checkpoint. */
enum err ledger_rules_checkpoint_put(
    struct ledger *l, uint32_t shard, uint64_t lsn, ts_ms at,
    struct span state) MUST_USE;
enum err ledger_rules_checkpoint(
    struct ledger_reader *r, uint32_t shard, struct arena *a, uint64_t *lsn,
    struct span *state) MUST_USE;
/* Numbered models, frozen once a day: never replaced (ERR_CONFLICT). `day` is the first
 * civil day that uses it. */
struct model_row {
    uint32_t number;
    int32_t day;
    ts_ms made_ms;
    struct span bytes;
};
enum err ledger_model_put(struct ledger *l, const struct model_row *m) MUST_USE;
/* The model in force on a civil day (newest with day <= it); ERR_NOTFOUND before the
 * first. */
enum err ledger_model_on(
    struct ledger_reader *r, int32_t day, struct arena *a,
    struct model_row *out) MUST_USE;
/* The model of the latest day. An import of older days leaves higher numbers behind. */
enum err ledger_model_newest(
    struct ledger_reader *r, struct arena *a, struct model_row *out) MUST_USE;
/* The highest number given, 0 none. */
enum err ledger_model_last(struct ledger_reader *r, uint32_t *number) MUST_USE;

#endif
