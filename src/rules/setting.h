/* SPDX-License-Identifier: Apache-2.0 */
/* setting.h - what a city sets of the rules: which run, and their parameters, as
 * numbered versions that come into force with a civil day.
 *
 * Shape    a version holds every parameter of every rule, so that an older version
 * stays what it was when a release changes a default. A pass is judged by the version
 * in force on its civil day, as it is by the model of that day.
 * Owner    values: copy them.
 * Threads  pure.
 * Errors   ERR_INPUT, with what is allowed.
 * See      definitions/rules.yaml, which rule_settings_template() writes; man 5
 * tongqu-config; tests in setting_test.c.
 */
#ifndef TQ_RULES_SETTING_H
#define TQ_RULES_SETTING_H

#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"
#include "rules/rule.h"

struct rule_settings {
    uint32_t number;    /* of the version, from 1; 0: the defaults, never numbered */
    int32_t day;        /* first civil day judged by it; INT32_MIN from the beginning */
    bool off[RULE_MAX]; /* by index of rule_rows, as the values */
    double value[RULE_MAX][RULE_PARAMS];
};

/* The defaults of the rules' rows. */
void rule_settings_init(struct rule_settings *s);
enum err rule_settings_put(
    struct rule_settings *s, const struct rule *rule, struct span param, double value,
    struct note *note) MUST_USE;
/* "2026-03-02" of the first day judged by it; "" from the beginning. dst[11]. */
char *rule_settings_since(char *dst, const struct rule_settings *s);
/* Same values and same rules running, whatever the numbers. */
bool rule_settings_same(const struct rule_settings *a, const struct rule_settings *b);

/* The last versions, newest first. */
#define RULE_BOOK 6
struct rule_book {
    struct rule_settings at[RULE_BOOK];
    unsigned n;
};
/* One version, the defaults, from the beginning. */
void rule_book_init(struct rule_book *b);
/* The version in force on a civil day; before the oldest kept, the oldest. */
const struct rule_settings *rule_book_on(const struct rule_book *b, int32_t day);
/* Puts `s` in front under the next number, unless the newest is the same. From the
 * beginning when nothing was judged yet, else from the day after `today`; what waited
 * to come into force is dropped. True when the book changed. */
bool rule_book_take(
    struct rule_book *b, const struct rule_settings *s, bool judged, int32_t today);

/* A book as text for the ledger and back. What a release does not know any more is
 * passed over; what it knows anew has its default. */
void rule_book_encode(struct buf *out, const struct rule_book *b);
enum err rule_book_decode(struct span text, struct rule_book *out) MUST_USE;

/* definitions/rules.yaml with every parameter as a comment. */
void rule_settings_template(struct buf *out);

#endif
