/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

static struct span
rule_param_name(size_t rule, size_t p)
{
    return span_cstr(rule_rows[rule]->params[p].name);
}

static void
test_bounds(void **state)
{
    (void)state;
    struct rule_settings s;
    struct note note;
    rule_settings_init(&s);
    for (size_t i = 0; rule_rows[i]; i++)
        for (size_t p = 0; p < rule_rows[i]->params_n; p++) {
            const struct rule_param *q = &rule_rows[i]->params[p];
            assert_true(q->initial >= q->min && q->initial <= q->max);
            assert_int_equal(
                rule_settings_put(
                    &s, rule_rows[i], rule_param_name(i, p), q->max, &note),
                OK);
            assert_true(s.value[i][p] >= q->max);
            note = (struct note){0};
            assert_int_equal(
                rule_settings_put(
                    &s, rule_rows[i], rule_param_name(i, p), q->max * 1.01 + 1, &note),
                ERR_INPUT);
            assert_true(note.en[0] && note.zh[0]);
            assert_int_equal(
                rule_settings_put(
                    &s, rule_rows[i], rule_param_name(i, p), q->min - 1, &note),
                ERR_INPUT);
        }
    assert_int_equal(
        rule_settings_put(&s, rule_rows[0], SPAN("nothing"), 1, &note), ERR_INPUT);
    assert_non_null(strstr(note.en, "nothing"));
}

static void
test_versions(void **state)
{
    (void)state;
    struct rule_book b, back;
    struct rule_settings s;
    struct note note;
    rule_book_init(&b);
    rule_settings_init(&s);
    assert_true(rule_book_take(&b, &s, true, 100)); /* the first has a number */
    assert_int_equal(b.n, 1);
    assert_int_equal(rule_book_on(&b, -5)->number, 1);
    assert_false(rule_book_take(&b, &s, true, 100));

    assert_int_equal(
        rule_settings_put(
            &s, rule_rows[0], rule_param_name(0, 0), rule_rows[0]->params[0].min,
            &note),
        OK);
    assert_true(rule_book_take(&b, &s, true, 100));
    assert_int_equal(rule_book_on(&b, 100)->number, 1); /* today goes on as it began */
    assert_int_equal(rule_book_on(&b, 101)->number, 2);
    s.off[1] = true; /* changed again before midnight: 2 never comes into force */
    assert_true(rule_book_take(&b, &s, true, 100));
    assert_int_equal(b.n, 2);
    assert_int_equal(rule_book_on(&b, 100)->number, 1);
    assert_int_equal(rule_book_on(&b, 101)->number, 3);
    assert_true(rule_book_on(&b, 101)->off[1]);

    struct buf text = {0};
    rule_book_encode(&text, &b);
    assert_int_equal(rule_book_decode(span_of(text.p, text.n), &back), OK);
    assert_int_equal(back.n, b.n);
    for (unsigned v = 0; v < b.n; v++) {
        assert_int_equal(back.at[v].number, b.at[v].number);
        assert_int_equal(back.at[v].day, b.at[v].day);
        assert_true(rule_settings_same(&back.at[v], &b.at[v]));
    }
    buf_release(&text);
    for (int day = 102; day < 120; day++) { /* only the last few are kept */
        s.off[2] = !s.off[2];
        assert_true(rule_book_take(&b, &s, true, day));
        assert_true(b.n <= RULE_BOOK);
    }
    assert_int_equal(rule_book_on(&b, 121)->number, 21);
    assert_int_equal(rule_book_on(&b, 1)->number, 16); /* the oldest kept */

    s.off[1] = false; /* nothing judged yet: in force at once, and alone */
    assert_true(rule_book_take(&b, &s, false, 130));
    assert_int_equal(b.n, 1);
    assert_int_equal(rule_book_on(&b, 1)->number, 22);
}

static void
test_other_releases(void **state)
{
    (void)state;
    struct rule_book b;
    assert_int_equal(
        rule_book_decode(
            SPAN("version 7 20000\nno_such_rule on 1\nno_such_rule x 5\nwatch gone 3\n"
                 "watch on 0\n"),
            &b),
        OK);
    assert_int_equal(b.at[0].number, 7);
    assert_true(b.at[0].off[rule_index(SPAN("watch"))]);
    assert_int_equal(rule_book_decode(SPAN(""), &b), ERR_CORRUPT);
    assert_int_equal(rule_book_decode(SPAN("watch on 1\n"), &b), ERR_CORRUPT);
    assert_int_equal(rule_book_decode(SPAN("version x 1\n"), &b), ERR_CORRUPT);
    assert_int_equal(rule_book_decode(SPAN("version 0 1\n"), &b), ERR_CORRUPT);
    assert_int_equal(
        rule_book_decode(SPAN("version 1 1\nwatch on\n"), &b), ERR_CORRUPT);
}

/* The shipped file is what the rows say: `tongqu rules --yaml` writes it anew. */
static void
test_shipped(void **state)
{
    (void)state;
    struct buf made = {0};
    FILE *f = fopen("definitions/rules.yaml", "rb");
    assert_non_null(f);
    char *text = malloc(1 << 16);
    assert_non_null(text);
    size_t n = fread(text, 1, 1 << 16, f);
    fclose(f);
    rule_settings_template(&made);
    assert_int_equal(n, made.n);
    assert_memory_equal(text, made.p, n);
    free(text);
    buf_release(&made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_versions),
        cmocka_unit_test(test_other_releases), cmocka_unit_test(test_shipped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
