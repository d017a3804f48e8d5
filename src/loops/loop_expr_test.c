/* SPDX-License-Identifier: Apache-2.0 */
#include "loops/loop_expr.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/kit.h"

static const struct loop_field fields[] = {
    {.name = "n", .type = LOOP_NUMBER},    {.name = "absent", .type = LOOP_NUMBER},
    {.name = "flag", .type = LOOP_FLAG},   {.name = "word", .type = LOOP_TEXT},
    {.name = "place", .type = LOOP_POINT}, {.name = "unflag", .type = LOOP_FLAG},
};
static const struct loop_clock clocks[] = {{.name = "reply"}};
static const struct loop_def def = {
    .fields = fields, .fields_n = 6, .clocks = clocks, .clocks_n = 1};

static struct loop_value
field(void *ctx, unsigned n)
{
    (void)ctx;
    switch (n) {
    case 0:
        return (struct loop_value){.kind = LOOP_V_NUMBER, .number = 7};
    case 2:
    case 4:
        return (struct loop_value){.kind = LOOP_V_FLAG, .flag = true};
    case 3:
        return (struct loop_value){.kind = LOOP_V_TEXT, .text = SPAN("blue")};
    default:
        return (struct loop_value){.kind = LOOP_V_NONE};
    }
}

static int64_t
age(void *ctx, unsigned clock)
{
    (void)ctx;
    assert_int_equal(clock, 0);
    return 90000;
}

static const struct loop_facts facts = {
    .field = field,
    .age = age,
    .now = 1000000,
    .opened = 400000,
    .level = 3,
    .handed = 1,
    .sent = true};

static void
truths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool holds;
    } rows[] = {
        {"true", true},
        {"not true", false},
        {"n == 7", true},
        {"n != 7", false},
        {"n < 7 or n <= 7", true},
        {"n > 6 and n >= 7", true},
        {"1 + 2 * 3 == n", true},
        {"(1 + 2) * 3 == 9", true},
        {"10 - 2 - 1 == n", true}, /* from the left */
        {"-n == 0 - 7", true},
        {"--n == 7", true},
        {"14 / 2 == n", true},
        {"word == 'blue'", true},
        {"word == \"blue\"", true},
        {"word in ['red', 'blue']", true},
        {"word in ['red']", false},
        {"not word in ['red']", true},
        {"n in [1, 7]", true},
        {"flag", true},
        {"flag == true", true},
        {"not flag or flag", true},
        {"true or false and false", true}, /* and binds closer */
        {"(true or false) and false", false},
        {"not (n == 7 and flag)", false},
        {"now - opened == 10min", true},
        {"age(reply) >= 90s", true},
        {"age(reply) > 1min30s", false},
        {"level == 3 and handed == 1 and sent", true},
        {"has(n) and has(place) and not has(absent)", true},
        {"1.5 + 0.5 == 2", true},
        /* what is absent */
        {"absent == 0", false},
        {"absent != 0", true},
        {"absent < 0 or absent >= 0", false},
        {"absent == absent", true},
        {"absent + 1 == 1", false},
        {"-absent < 1", false},
        {"n / 0 == n / 0", true}, /* both absent */
        {"n / 0 > 0", false},
        {"unflag", false},
        {"not unflag", true},
        {"absent in [0, 1]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        const struct loop_expr *e = NULL;
        struct note note = {0};
        size_t at = 0;
        arena_init(&a, 1 << 20);
        enum err err = loop_expr_compile(
            &a, &def, span_cstr(rows[i].text), LOOP_V_FLAG, &e, &at, &note);
        if (err)
            fail_msg("%s: %zu: %s", rows[i].text, at, note.en);
        if (loop_expr_holds(e, &facts) != rows[i].holds)
            fail_msg("%s is not %d", rows[i].text, rows[i].holds);
        assert_int_equal(loop_expr_kind(e), LOOP_V_FLAG);
        arena_release(&a);
    }
}

static void
wrong_ones_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
        const char *part;
    } rows[] = {
        {"", 0, "value is missing"},
        {"n ==", 4, "value is missing"},
        {"n == == 7", 5, "value is missing"},
        {"n 7", 2, "operator"},
        {"n = 7", 2, "operator"},
        {"nosuch == 7", 0, "no field"},
        {"n == 'a'", 2, "different kinds"},
        {"n and flag", 2, "different kinds"},
        {"word < 'b'", 5, "different kinds"},
        {"flag + 1 == 2", 5, "different kinds"},
        {"not n", 0, "different kinds"},
        {"-flag", 0, "different kinds"},
        {"(n == 7", 0, "never closed"},
        {"n == 7)", 7, ") without ("},
        {"word in 'a'", 8, "[ is missing"},
        {"word in [1]", 10, "same kind"},
        {"word in []", 9, "same kind"},
        {"word in ['a'", 12, "] is missing"},
        {"word == 'a", 8, "closing quote"},
        {"n == 7x", 5, "no number"},
        {"age(nosuch) > 1", 4, "no clock"},
        {"age reply", 4, "( is missing"},
        {"has(n", 5, ") is missing"},
        {"has(nosuch)", 4, "no field"},
        {"place == 1", 0, "has()"},
        {"n", 0, "another kind"},
        {"n == 7 # c", 7, "operator"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        const struct loop_expr *e = NULL;
        struct note note = {0};
        size_t at = 99;
        arena_init(&a, 1 << 20);
        enum err err = loop_expr_compile(
            &a, &def, span_cstr(rows[i].text), LOOP_V_FLAG, &e, &at, &note);
        if (err != ERR_INPUT || !strstr(note.en, rows[i].part) || at != rows[i].at)
            fail_msg("%s: %d at %zu: %s", rows[i].text, err, at, note.en);
        assert_true(note.zh[0]);
        arena_release(&a);
    }
}

static void
depth_and_length_are_bounded(void **state)
{
    (void)state;
    struct note note = {0};
    const struct loop_expr *e = NULL;
    size_t at;
    char text[4000] = "";
    for (int shape = 0; shape < 4; shape++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        text[0] = 0;
        size_t n = 0;
        for (int i = 0; i < 200; i++) {
            static const char *const parts[] = {"(", "n + (", "not ", "n + "};
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", parts[shape]);
        }
        snprintf(text + n, sizeof text - n, "n");
        assert_int_equal(
            loop_expr_compile(&a, &def, span_cstr(text), LOOP_V_NONE, &e, &at, &note),
            ERR_INPUT);
        arena_release(&a);
    }
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_int_equal(/* as deep as is allowed runs */
                     loop_expr_compile(
                         &a, &def,
                         SPAN("1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+(1))))))))))"
                              ")))))==16"),
                         LOOP_V_FLAG, &e, &at, &note),
                     OK);
    assert_true(loop_expr_holds(e, &facts));
    arena_release(&a);
}

/* Random tokens: either refused, or it runs. */
static void
random_tokens_never_break_it(void **state)
{
    (void)state;
    static const char *const tokens[] = {
        "n",    "absent", "flag", "word", "place", "==",  "!=",  "<",
        ">=",   "+",      "-",    "*",    "/",     "and", "or",  "not",
        "in",   "(",      ")",    "[",    "]",     ",",   "'a'", "1",
        "2min", "true",   "has(", "age(", "reply", "now", "sent"};
    struct kit_rand r = {42};
    unsigned good = 0;
    for (unsigned round = 0; round < kit_rounds(200000, 5000000); round++) {
        char text[200] = "";
        size_t n = 0, at;
        unsigned len = 1 + kit_rand_below(&r, 9);
        for (unsigned i = 0; i < len; i++)
            n += (size_t)snprintf(
                text + n, sizeof text - n, "%s ",
                tokens[kit_rand_below(&r, sizeof tokens / sizeof *tokens)]);
        struct arena a;
        const struct loop_expr *e = NULL;
        arena_init(&a, 1 << 16);
        if (loop_expr_compile(&a, &def, span_cstr(text), LOOP_V_NONE, &e, &at, NULL) ==
            OK) {
            loop_expr_eval(e, &facts);
            good++;
        }
        arena_release(&a);
    }
    assert_true(good > 100);
}

static void
an_expression_knows_its_fields(void **state)
{
    (void)state;
    struct arena a;
    const struct loop_expr *e = NULL;
    size_t at;
    arena_init(&a, 1 << 16);
    assert_int_equal(
        loop_expr_compile(
            &a, &def, SPAN("n > 1 and has(place)"), LOOP_V_FLAG, &e, &at, NULL),
        OK);
    assert_true(loop_expr_uses(e, 0));
    assert_true(loop_expr_uses(e, 4));
    assert_false(loop_expr_uses(e, 1));
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truths),
        cmocka_unit_test(wrong_ones_with_their_place),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(random_tokens_never_break_it),
        cmocka_unit_test(an_expression_knows_its_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
