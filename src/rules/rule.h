/* SPDX-License-Identifier: Apache-2.0 */
/* rule.h - the row of one live rule: what a person reads about it, and its two
 * functions.
 *
 * Shape    src/rules/live/NAME.c defines `const struct rule rule_NAME`; the build
 * collects them in rule_rows[]. Alarm kind = rule name. glance() sees every record and
 * says whether it can matter; it must never miss one (a rule may run in vain, not stay
 * silent). step() then judges all passages of one vehicle in a window again, whatever
 * order they came in: so alarms are a function of the record set.
 * Owner    constant tables.
 * Threads  read by all.
 * See      docs/rules.md; docs/why/truth.md "Truth under late records";
 * live/coach_curfew.c is the smallest one to imitate.
 */
#ifndef TQ_RULES_RULE_H
#define TQ_RULES_RULE_H

#include "core/span.h"

struct glance; /* rules/scene.h: for rules only */
struct scene;

struct rule_text {
    const char *zh, *en;
};

/* A setting a city may change; values outside min..max are refused. */
struct rule_param {
    const char *name, *unit;
    double min, max, initial;
    const char *zh, *en;
};

/* A number that alarms of this rule carry (struct alarm_number.name). `op` and `limit`
 * say which other number it was compared with ("" and NULL: none), for the line "212
 * km/h > 150 km/h". */
struct rule_number {
    const char *name, *unit;
    const char *zh, *en;
    const char *op, *limit;
};

enum rule_input {
    RULE_SIGHTINGS = 1,
    RULE_REGISTRY = 2,
    RULE_WATCHES = 4,
    RULE_ZONES = 8,
    RULE_PERMITS = 16,
    RULE_SECTIONS = 32,
    RULE_MODEL = 64,
    RULE_TAGS = 128,
};

enum rule_key {
    RULE_BY_PLATE, /* judged on all passages of one plate text */
    RULE_BY_LOOK,  /* judged on unread passages of one look */
    RULE_BY_TAG,   /* judged on tag reads of one plate, with its passages */
};

#define RULE_PARAMS 8

struct rule {
    const char *name;
    struct rule_text title;
    struct rule_text legal; /* the ground on which a person may act */
    struct rule_text what;  /* one sentence: when it fires */
    unsigned inputs;        /* enum rule_input bits */
    enum rule_key key;
    const struct rule_param *params;
    size_t params_n; /* at most RULE_PARAMS */
    const struct rule_number *numbers;
    size_t numbers_n;
    const struct rule_text *roles; /* what evidence role 0, 1, ... is */
    size_t roles_n;
    const char
        *subject_codes; /* code table of what stands in an alarm's subject, or NULL */
    bool (*glance)(const struct glance *g);
    void (*step)(struct scene *s);
};

/* All rules, sorted by name, ended by NULL. */
extern const struct rule *const rule_rows[];
#define RULE_MAX 24

size_t rule_count(void);
/* Index in rule_rows; rule_count() when there is none. */
size_t rule_index(struct span name);
const struct rule *rule_find(struct span name); /* NULL when none */
const struct rule_number *
rule_number_find(const struct rule *r, const char *name); /* NULL when none */
const struct rule_text *
rule_role(const struct rule *r, unsigned role); /* NULL when none */

#endif
