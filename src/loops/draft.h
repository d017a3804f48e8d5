/* SPDX-License-Identifier: Apache-2.0 */
/* draft.h - an event while it is being decided: beside the matter, which is only read.
 *
 * Owner    a draft lives on the stack of one decision; draft_end() frees what it took.
 * Threads  the deciding thread's.
 * Errors   those of matter.h; a draft that fails leaves nothing behind.
 * See      draft.c (the draft), draft_form.c (what was typed), draft_effect.c (what a
 *          move does), matter_decide.c (who may, when, and what comes of it).
 */
#ifndef TQ_LOOPS_DRAFT_H
#define TQ_LOOPS_DRAFT_H

#include "core/arena.h"
#include "loops/matter.h"
#include "loops/matter_facts.h"

struct draft {
    const struct matter *m; /* as it stands */
    const struct loop_def *def;
    const struct matter_actor *by; /* NULL: the machine */
    const struct loops_env *env;
    struct note *note;
    struct arena arena;
    struct matter_event e;
    struct matter_clock clocks[LOOP_MAX_CLOCKS]; /* as they will stand */
    uint32_t touched;                            /* bits by clock */
};

void draft_init(
    struct draft *d, const struct matter *m, enum matter_event_kind kind,
    const struct matter_actor *by, const struct loops_env *env, struct note *note);
/* Ends a draft: appends its bytes when err is OK; returns err. */
enum err draft_end(struct draft *d, enum err err, struct buf *event) MUST_USE;

/* A field as it will stand; NULL or type 0: no value. */
const struct matter_value *draft_value(const struct draft *d, unsigned field);
void draft_set(struct draft *d, struct matter_value v);
/* The id a unit, user or org field holds; 0 none. */
uint64_t draft_id(const struct draft *d, unsigned field);
/* What expressions see; valid as long as the draft stays where it is. */
struct loop_facts draft_facts(struct draft *d);

/* ERR_INPUT with the field's label before the sentence. */
enum err draft_field_wrong(
    struct draft *d, const struct loop_field *f, const char *en, const char *zh);
/* ERR_GATE, coded "field_required": what the form needs was not given. */
enum err draft_field_missing(struct draft *d, const struct loop_field *f);
/* Reads a form: nothing that is not asked, everything that is required, and given now:
 * a reason written for another move does not count. lenient: what is not asked is
 * passed over (the machine speaks). */
enum err draft_read_form(
    struct draft *d, const struct loop_ask *asks, unsigned n, const json_t *fields,
    bool lenient) MUST_USE;
/* What a rule or feed gives: the input fields it has a name for. */
enum err draft_read_inputs(struct draft *d, const json_t *fields) MUST_USE;

/* One effect of a move, or of the rung d->e is about; number: which one of it. */
enum err draft_effect(
    struct draft *d, const struct loop_effect *fx, bool rung, unsigned number) MUST_USE;
/* Goes into a state: clocks start, stop and pause; an end frees the unit. */
void draft_enter(struct draft *d, unsigned state);

#endif
