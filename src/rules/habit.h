/* SPDX-License-Identifier: Apache-2.0 */
/* habit.h - what a site usually counts: passes in each half hour of the day, on working
 * days and on days of rest, and how its last days were. Part of the numbered model.
 *
 * Units    passes an hour; shares 0..1; offsets in milliseconds.
 * Owner    values; a habit_day belongs to its maker.
 * Threads  a habit is read by any thread; a habit_day is one thread's. Pitfall a day of
 * rest is a Saturday or Sunday: shifted working days of the public holidays are not
 * known here. The city's own ratio of the hour (vital.h) carries them.
 * See      models.h; tests in habit_test.c.
 */
#ifndef TQ_RULES_HABIT_H
#define TQ_RULES_HABIT_H

#include "model/sighting.h"

#define HABIT_SLOTS 48 /* half hours */
#define HABIT_KINDS 2  /* working day, day of rest */
#define HABIT_PAST 14  /* days remembered one by one */

/* One earlier day of a site, for its trends. */
struct habit_past {
    int32_t day;    /* civil day number */
    uint32_t reads; /* passes of that day */
    float unread;   /* share of them without a whole plate */
    int32_t offset_ms;
    uint32_t offset_sd_ms; /* 0: the clock could not be learned that day */
};

struct site_habit {
    float pass[HABIT_KINDS][HABIT_SLOTS]; /* usual passes of a civil half hour */
    float days[HABIT_KINDS];              /* days it was learned from; 0 none */
    float prompt; /* share of passes that reach us within 15 minutes */
    uint32_t past_n;
    struct habit_past past[HABIT_PAST]; /* oldest first */
};

#define HABIT_PROMPT_MS (15 * MINUTE_MS)

/* Is that civil day a day of rest (1) or not (0)? */
unsigned habit_kind(int64_t day);
/* Usual passes an hour at that moment, half hours joined by straight lines; -1 when
 * nothing was learned. A kind of day that was never seen is judged by the other. */
double habit_rate(const struct site_habit *h, const struct zone *z, ts_ms at);
/* Was a day of that kind ever learned from? */
bool habit_knows(const struct site_habit *h, const struct zone *z, ts_ms at);
/* Usual passes in [from, to), at most 14 days; -1 when nothing was learned. */
double
habit_expected(const struct site_habit *h, const struct zone *z, ts_ms from, ts_ms to);

/* What one site did on the days that are learned from. */
struct habit_day {
    uint32_t pass[HABIT_KINDS][HABIT_SLOTS];
    uint32_t prompt, all;
};
void habit_count(struct habit_day *d, const struct zone *z, const struct sighting *s);
/* Joins a new day to what is known; `kinds` says how many days of each kind were
 * counted. Half hours far below their habit were outages: they are not learned. */
void habit_learn(
    struct site_habit *h, const struct habit_day *own,
    const unsigned kinds[HABIT_KINDS]);
/* Days the habit of that moment was learned from; 0 none. */
double habit_days(const struct site_habit *h, const struct zone *z, ts_ms at);
void habit_remember(struct site_habit *h, const struct habit_past *day);

#endif
