/* SPDX-License-Identifier: Apache-2.0 */
/* rules_own.h - the inside of the machine, for rules*.c alone. A judgement goes through
 * them in this order:
 *
 *   rules.c        which plate, look or tag is worth it
 *   rules_judge.c  a scene of it: every rule steps
 *   rules_rows.c     its rows, from what is kept or from the store
 *   rules_fold.c     rows folded into passages, in order of corrected time
 *   rules_settle.c   what was found against what stands: raised, revised, withdrawn
 *   rules_clock.c    who else rests on a clock that came into doubt or out of it
 *
 * Owner    rules.h; all pointers of the judgement under way die with the next one.
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_RULES_OWN_H
#define TQ_RULES_RULES_OWN_H

#include "rules/held.h"
#include "rules/kept.h"
#include "rules/marks.h"
#include "rules/rules.h"
#include "rules/scene.h"
#include "rules/suspects.h"
#include "rules/traffic.h"
#include "rules/unread.h"

#define ALARMS_A_JUDGEMENT 512u
#define LEAPS_A_JUDGEMENT 128u
/* Reads of one text at one site within it are one passage. */
#define FOLD_MS (10 * SECOND_MS)

struct plate_row { /* one stored record of the plate under judgement */
    struct sighting s;
    struct sighting_id id; /* if has_id: else it follows from s when it is needed */
    ts_ms at_ms;
    bool has_id;
};

struct rules {
    struct rules_needs needs;
    struct zone zone;
    size_t plates_max;
    struct rule_book book;
    size_t rules_n;
    /* snapshots */
    struct ground ground;
    struct vehicle_index *registry;
    struct watch_set *watches, *no_watches;
    uint8_t epoch; /* of the registry, for struct seen */
    struct census census;
    struct twin_table twins;
    /* live tables */
    struct seen_table seen;
    struct held_table held;
    struct kept_table kept;
    struct marks marks;
    struct unread unread;
    struct suspects suspects;
    struct traffic traffic;
    ts_ms newest_ms;    /* pass time */
    int32_t newest_day; /* of arrival */
    uint64_t lsn;
    struct rules_counts counts;
    /* the day of the record at hand */
    int32_t day;
    ts_ms day_from_ms, day_to_ms;
    const struct view *view;
    const struct rule_settings *settings;
    struct weigher at_hand; /* what glances weigh by */
    /* the judgement under way */
    struct arena scratch;
    struct plate_row *rows;
    size_t rows_n, rows_room;
    bool partial; /* not all of them could be had: what stands is left alone */
    struct passage *passages;
    size_t passages_n, passages_room;
    struct alarm *made;
    size_t made_n;
    const struct sighting *trigger;
    struct weigher weigher;
    struct company company;
    struct buf bytes;
    struct leap_at leaps[LEAPS_A_JUDGEMENT];
    unsigned leaps_n;
    uint16_t settled;          /* bit i: rule_rows[i] has said all of the day */
    const struct view *judged; /* the view of the day under judgement */
};

/* ---- rules_rows.c ---- */

/* The rows of a plate in [from, to), and among them the trigger, which the store may
 * not answer yet; NULL: no trigger. When the store fails, r->partial and what there is. */
void rules_rows_fetch(
    struct rules *r, struct plate p, ts_ms from, ts_ms to,
    const struct sighting *trigger);
/* The unread rows of a look in [from, to). */
void rules_rows_unread(struct rules *r, uint64_t look, ts_ms from, ts_ms to);
bool rules_rows_same(const struct sighting *a, const struct sighting *b);

/* ---- rules_fold.c ---- */

/* Folds what was fetched into s->passages and, for RULE_BY_TAG, s->tags. */
void rules_fold(struct rules *r, struct scene *s, enum rule_key how);

/* ---- rules_settle.c ---- */

/* Compares what was made with what stands of the group (held.h) and says the
 * difference; of r->partial rows only what is new. */
void rules_settle(struct rules *r, uint64_t key, int32_t day);

/* ---- rules_judge.c ---- */

/* Judges one plate on one civil day and nothing else; true when it stays under
 * observation. `trigger` is the record that gave occasion; NULL none. */
bool rules_judge(
    struct rules *r, struct plate p, int32_t day, const struct sighting *trigger,
    enum rule_key how);
/* ... and whoever rests on a clock that its leaps bring into doubt or out of it. */
bool rules_judge_day(
    struct rules *r, struct plate p, int32_t day, const struct sighting *trigger);
/* The unread passes that look like the trigger. */
void rules_judge_look(struct rules *r, const struct sighting *trigger, int32_t day);
/* What weighs a read by the snapshots of now and the model of a view. */
struct weigher rules_weigher(struct rules *r, const struct view *view);

/* ---- rules_clock.c ---- */

/* A leap of p at a place was made or ended. */
void
rules_clock_turned(struct rules *r, struct leap_at at, struct plate p, int32_t day);
/* An exact read at a place where somebody leapt of late. */
void rules_clock_passed(struct rules *r, struct leap_at at);

static inline struct leap_at
leap_place(uint32_t site, ts_ms at_ms)
{
    return (struct leap_at){.site = site, .hour = (int32_t)(at_ms / HOUR_MS)};
}

#endif
