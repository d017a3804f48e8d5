/* SPDX-License-Identifier: Apache-2.0 */
/* scene.h - what a rule is given: one record at a glance, and all passages of one
 * vehicle in a window. Included by the rules in live/ and by the machine, by nobody
 * else.
 *
 * Shape    a passage (过车) folds all reads of one text at one site within a few
 * seconds. Passages are in the order of corrected time: the camera's clock less its
 * learned offset. A scene is judged for one civil day: alarms belong to passages of
 * that day; passages of the LOOKBACK_MS before it are there to be compared with.
 * Owner    everything lives for the call of step().
 * See      rules/rule.h; live/coach_curfew.c for the shape of a rule.
 */
#ifndef TQ_RULES_SCENE_H
#define TQ_RULES_SCENE_H

#include "rules/beside.h"
#include "rules/identity.h"
#include "rules/rule.h"
#include "rules/seen.h"
#include "rules/setting.h"

#define LOOKBACK_MS (2 * HOUR_MS)
/* Unread passes of a look in a window: more are too common. */
#define UNREAD_MOST 1024u

struct marks;

/* One record, before it is decided whether anybody judges it. */
struct glance {
    const struct sighting *s;
    const struct seen *seen; /* how the plate is registered; where it was before */
    ts_ms at_ms;             /* corrected */
    ts_ms
        prev_ms; /* corrected, of the read before; INT64_MIN none within LOOKBACK_MS */
    const struct site_row *site;
    bool registry; /* there is one at all */
    bool registered;
    unsigned off; /* OFF_* bits against the registry */
    bool settled; /* this rule said so of the day; nothing was judged anew since */
    const double *param;
    const struct view *view;
    const struct ground *ground;
    const struct watch_set *watches; /* never NULL */
    const struct weigher *weigher;
    struct marks *marks;
    const struct zone *zone;
};

struct passage {
    const struct sighting *s; /* the surest read of the passage */
    struct sighting_id id;    /* of it, if has_id */
    bool has_id;
    ts_ms at_ms;   /* corrected */
    ts_ms pass_ms; /* of its first read, as the camera said */
    uint64_t key;  /* what repeats of the passage have in common */
    const struct site_row *site;
    unsigned reads;
    bool in_day; /* of the civil day that is judged */
    unsigned off;
    bool weighed;
    struct identity who;
};

/* A vehicle the registry does not know under this text, so far as the day's strange reads
 * tell: those of a text nobody registered, or with another look than registered. */
struct wearer {
    bool known;
    double prior, log_odds;
    const struct passage *first; /* strange read; NULL none */
};

struct scene {
    const struct rule *rule;
    const struct rule_settings *settings;
    const double *param; /* of this rule */
    struct plate plate;
    const struct vehicle *vehicle; /* registered; NULL none */
    struct passage *passages;
    unsigned n;
    struct wearer wearer; /* made when first asked for */
    struct passage *tags; /* RULE_BY_TAG: reads of its tag, by time */
    unsigned tags_n;
    int32_t day;
    ts_ms day_from_ms, day_to_ms;
    const struct view *view;
    const struct ground *ground;
    const struct watch_set *watches; /* never NULL */
    const struct weigher *weigher;
    const struct zone *zone;
    /* Out: judge every further record of this plate today, though it looks harmless. */
    bool hot;
    /* Out: whatever passage may follow on this day, this rule says no more of what its
     * glance() asks for but when `settled`. */
    bool settled;
    void *machine;
};

/* Weighs the passage once. */
const struct identity *passage_who(struct scene *s, struct passage *p);
/* Probability that the plate worn was the plate read. What is read again and again with
 * one look is worn, not misread (docs/why/probability.md section 3). */
double passage_right(struct scene *s, struct passage *p);
/* Probability that it was the near twin t, registered as v (NULL: nowhere), misread. */
double passage_twin(
    struct scene *s, struct passage *p, const struct twin *t, const struct vehicle *v);
/* Did another read at the same site and moment have a text one character away, and was
 * that the better read? Then this one is no vehicle of its own. */
bool passage_shadowed(struct scene *s, const struct passage *p);
uint8_t passage_contradiction(const struct scene *s, const struct passage *p);

/* A new alarm of this rule with id = hash(rule, key, passage): rule, plate, level
 * yellow, site, times and versions are filled in from the deciding passage. NULL when
 * too many were made. */
struct alarm *
scene_alarm(struct scene *s, uint64_t key, uint64_t passage, struct passage *deciding);
/* Adds a passage as evidence; past the room the newest replaces the last. */
void alarm_add(struct alarm *a, const struct passage *p, uint8_t role);
void alarm_number(struct alarm *a, const char *name, double value);
void alarm_subject(struct alarm *a, const char *text);

/* ---- gantries: for RULE_BY_TAG ---- */

/* The gantry whose radio read the tag; 0 unknown. */
uint32_t scene_gantry(const struct scene *s, const struct passage *tag);
/* The passage of this plate that the gantry's cameras saw with the tag; NULL none. */
struct passage *
scene_picture(struct scene *s, const struct passage *tag, ts_ms pair_ms);
/* The picture of another plate that belongs to the tag (beside.h), as a passage whose
 * row lives as long as the scene. False when none surely does. */
bool scene_other(
    struct scene *s, const struct passage *tag, ts_ms pair_ms, ts_ms lane_ms,
    struct passage *out);
struct leap {
    double gap_ms;   /* corrected time between two passages */
    double least_ms; /* least time thought possible */
    double sd_ms;    /* of the gap */
};
/* Reports the leap at both ends, so that a wrong clock betrays itself by many plates.
 */
void scene_leap(struct scene *s, const struct passage *a, const struct passage *b);
/* Says that a finding rests on the clocks of both: it is judged again when either comes
 * into doubt or out of it. Say so whether the finding is made or not. */
void scene_rests(struct scene *s, const struct passage *a, const struct passage *b);
/* Is one of the two clocks in doubt because many plates leap there at that time? */
bool scene_clock_doubt(
    const struct scene *s, const struct passage *a, const struct passage *b);
/* Do other vehicles vouch for the clock of the passage's camera about then: so many
 * reads within three hours, and as many more for each plate that leaps? By night there
 * may be too few. VOUCH_FEW is enough where no more than the clock speaks against a
 * finding, VOUCH_MANY where the clock would explain all of it. */
#define VOUCH_FEW 16u
#define VOUCH_MANY 64u
bool
scene_clock_vouched(const struct scene *s, const struct passage *p, unsigned reads);
/* Is the way impossible in the time between, clocks considered (what they may be wrong
 * by)? */
bool leap_is_impossible(
    const struct view *v, ts_ms from_ms, uint32_t from, ts_ms to_ms, uint32_t to,
    double margin, double max_kmh, struct leap *out);
/* Is it odd, were the clocks right to a few seconds? Odd in many vehicles, it betrays
 * that they are not. */
bool leap_is_odd(const struct leap *leap);

/* Can a vehicle that hides its plate have been read at both sites one after the other?
 */
#define UNREAD_REACH_M 2500.0
#define UNREAD_LINK_MS (10 * MINUTE_MS) /* longest that a city may set */
bool unread_near(const struct view *v, uint32_t a, uint32_t b);

/* ---- marks: who passed the start of a speed section of late ---- */
void mark_put(struct marks *m, struct plate p, unsigned section, ts_ms at_ms);
ts_ms
mark_find(const struct marks *m, struct plate p, unsigned section); /* INT64_MIN none */

#endif
