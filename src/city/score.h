/* SPDX-License-Identifier: Apache-2.0 */
/* score.h - how well alarms find what a city's truth says: precision, recall,
 * calibration.
 *
 * Shape    score_new() reads truth/; score_seen() tells the time of each record (once,
 * as the bench reads sightings.csv); score_alarm() takes each alarm as it is raised,
 * revised or withdrawn; score_sum() counts. Any directory in the truth format will do,
 * whoever made it.
 * Owner    score_new() gives the caller a score to score_free().
 * Threads  one.
 * Errors   ERR_IO (no truth directory), ERR_INPUT (a file without the columns it
 * needs).
 * See      docs/city.md, "Score"; tests in score_test.c.
 */
#ifndef TQ_CITY_SCORE_H
#define TQ_CITY_SCORE_H

#include <stdio.h>

#include "core/cur.h"
#include "model/alarm.h"

struct score;

/* dir holds truth/, or is that directory itself. */
enum err score_new(const char *dir, struct score **out, struct note *note) MUST_USE;
void score_free(struct score *s);

/* Place (its code) and time of a record: groups the records of a vehicle into days, and
 * knows those from cameras with wrong clocks. */
void
score_seen(struct score *s, struct span record_id, struct span site, ts_ms time_ms);
/* The newest state of an alarm (by its id). */
void score_alarm(struct score *s, const struct alarm *a);

#define SCORE_BINS 10
#define SCORE_KINDS 12 /* those of alarms, and the candidates of the funnel */
struct score_row {
    const char *kind;         /* rule name */
    const char *reads;        /* "exact", "misread", "all" */
    uint64_t truth, found;    /* things to find, and those found */
    uint64_t alarms, right;   /* alarms that stand, and those that are true */
    uint64_t neutral;         /* alarms on partial reads: neither right nor wrong */
    double recall, precision; /* 1 where there is nothing to find or nothing was said */
    double recall_bar, precision_bar; /* 0: none */
    double site_weeks; /* wrong ones are counted against these; 0: not asked */
};
struct score_bin { /* alarms whose stated probability lies in one tenth */
    uint64_t n, right;
    double stated; /* mean of the stated probabilities */
};
/* What can be said of a tenth: the share that was right with its 95 % interval
 * (Wilson), and whether that is narrow enough to tell 0.05 (half its width). */
struct score_verdict {
    double right, low, high;
    bool enough;
    bool apart; /* the stated mean is more than 0.05 from all of the interval */
};
struct score_sum {
    struct score_row rows[40];
    size_t rows_n;
    struct score_bin bins[SCORE_BINS];
    struct score_bin by_kind[SCORE_KINDS][SCORE_BINS]; /* score_kind() names them */
    /* Alarms of cloned_plate and average_speed that name no planted vehicle, have
     * evidence from a camera with a wrong clock (truth/site_faults.csv) and none that
     * was misread; 0 without that file. */
    uint64_t clock_alarms;
};

void score_sum(struct score *s, struct score_sum *out);
/* Adds what another city's alarms came to; `to` may be zeroed. */
void score_add(struct score_sum *to, const struct score_sum *more);
const char *score_kind(unsigned kind); /* rule name */
/* A candidate of the hit-and-run funnel, what was stated of it, and was it the one? Not
 * in the tenths of all: it is no alarm. */
void score_candidate(struct score_sum *sum, double probability, bool right);
/* Wrong alarms a site and week may have. */
#define SCORE_WRONG_A_WEEK 0.1
struct score_verdict score_verdict(const struct score_bin *b);
/* A table for people. */
void score_print(const struct score_sum *sum, FILE *to);
/* An array of {"name","value","unit","bar","better"} as ./dev bench writes them. */
void score_json(const struct score_sum *sum, struct buf *out);
/* Up to max wrong alarms of a kind and things not found, a line each, to look into. */
void score_explain(struct score *s, const char *kind, size_t max, FILE *to);

#endif
