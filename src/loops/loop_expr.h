/* SPDX-License-Identifier: Apache-2.0 */
/* loop_expr.h - the expressions of a definition: comparison, and/or/not, in, + - * /,
 * fields, a few facts of the matter, has(field), age(clock). Total: every expression
 * has a value in bounded time; no loops, no calls, no way to name anything outside.
 *
 * Units    numbers are doubles; instants and durations are ms (`2min` is 120000).
 * Owner    compiled into the definition's arena; borrowed texts live as long.
 * Threads  constant once compiled.
 * Errors   ERR_INPUT with the column inside the expression.
 * See      docs/loops.md "Expressions"; tests in loop_expr_test.c.
 *
 * What is absent: a field nobody set, a division by zero, a sum with something absent.
 * Absent is not true, equals only what is absent too, and is neither less nor greater
 * than anything. So a gate on something unknown stays closed.
 */
#ifndef TQ_LOOPS_LOOP_EXPR_H
#define TQ_LOOPS_LOOP_EXPR_H

#include "core/arena.h"
#include "core/err.h"
#include "loops/loop_def.h"

#define LOOP_EXPR_STACK 16 /* values held at once; checked when compiled */
#define LOOP_EXPR_OPS 96

enum loop_value_kind { LOOP_V_NONE, LOOP_V_FLAG, LOOP_V_NUMBER, LOOP_V_TEXT };
struct loop_value {
    uint8_t kind; /* enum loop_value_kind */
    bool flag;
    double number;
    struct span text;
};

/* What an expression is asked about. */
struct loop_facts {
    void *ctx;
    struct loop_value (*field)(void *ctx, unsigned field);
    int64_t (*age)(void *ctx, unsigned clock); /* ms consumed */
    ts_ms now, opened;
    unsigned level;  /* enum level */
    unsigned handed; /* levels it was handed down */
    bool sent;       /* a unit is sent */
};

/* Compiles text against the fields and clocks of d (already read). want: LOOP_V_NONE =
 * any kind. *at gets the byte offset of what is wrong, for the position in the file. */
enum err loop_expr_compile(
    struct arena *a, const struct loop_def *d, struct span text,
    enum loop_value_kind want, const struct loop_expr **out, size_t *at,
    struct note *note) MUST_USE;
enum loop_value_kind loop_expr_kind(const struct loop_expr *e);
bool loop_expr_uses(const struct loop_expr *e, unsigned field);
struct loop_value loop_expr_eval(const struct loop_expr *e, const struct loop_facts *f);
/* Its truth: absent is not true. */
bool loop_expr_holds(const struct loop_expr *e, const struct loop_facts *f);

#endif
