/* SPDX-License-Identifier: Apache-2.0 */
/* All rows alike: words in both languages, nothing without a permit or outside it,
 * what is given is checked, a spent budget says what to narrow. */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_first_seen;

static bool
both(const struct question_text *t)
{
    return t->zh && t->zh[0] && t->en && t->en[0] && strcmp(t->zh, t->en) != 0;
}

static void
each_row_is_whole(void **state)
{
    (void)state;
    for (const struct question *const *p = question_rows; *p; p++) {
        const struct question *q = *p;
        assert_true(both(&q->title) && both(&q->what) && both(&q->pitfall));
        assert_ptr_equal(question_find(span_cstr(q->name)), q);
        assert_true(q->answer && q->days_max >= 1 && q->seconds >= 1);
        assert_true(question_columns(q) >= 2);
        for (const struct question_column *c = q->columns; c->name; c++)
            assert_true(c->shape && c->unit && c->zh && c->en);
        for (const struct question_param *x = q->params; x->name; x++) {
            assert_true(x->type && x->zh && x->en && x->unit);
            assert_true((x->type == ASK_WORD) == (x->words != NULL));
            assert_true(x->type == ASK_WORD || x->type == ASK_PATTERN || x->max > 0);
        }
    }
}

/* Something a parameter accepts. */
static const char *
fitting(const struct question_param *p)
{
    switch (p->type) {
    case ASK_PLATES:
        return "晋AZQ001,晋AZQ002";
    case ASK_PATTERN:
        return "晋AZQ00?";
    case ASK_SITES:
        return p->max == 1 ? "S3" : "S3 S4";
    case ASK_WINDOWS:
        return "S3@2024-10-04T00:00:00Z/2024-10-04T01:00:00Z;"
               "S4@2024-10-04T00:00:00Z/2024-10-04T01:00:00Z";
    default:
        return p->initial ? p->initial : "1";
    }
}

static enum err
ask_fitting(const struct question *q, const struct look_permit *permit)
{
    static char text[QUESTION_PARAMS][200];
    const char *words[QUESTION_PARAMS + 1] = {0};
    for (size_t i = 0; q->params[i].name; i++) {
        snprintf(
            text[i], sizeof text[i], "%s=%s", q->params[i].name,
            fitting(&q->params[i]));
        words[i] = text[i];
    }
    return fake_ask_as(q, permit, 0, 60, words);
}

static void
nothing_without_a_permit_for_all_that_is_read(void **state)
{
    (void)state;
    fake_clear();
    for (const struct question *const *p = question_rows; *p; p++) {
        struct look_limits l = {
            .kinds = LOOK_ANALYSIS, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
        assert_int_equal(ask_fitting(*p, NULL), ERR_DENIED);
        l.from_ms = fake_ms(1); /* the window begins a minute before it */
        struct look_permit *permit = look_permit_new(&l);
        assert_int_equal(ask_fitting(*p, permit), ERR_DENIED);
        look_permit_free(permit);
        l.from_ms = INT64_MIN;
        l.kinds = LOOK_TRAJECTORY;
        permit = look_permit_new(&l);
        assert_int_equal(ask_fitting(*p, permit), ERR_DENIED);
        look_permit_free(permit);
        l.kinds = LOOK_ANALYSIS;
        permit = look_permit_new(&l);
        kit_ok(ask_fitting(*p, permit), &fake.note);
        look_permit_free(permit);
    }
}

static void
what_is_given_is_checked(void **state)
{
    (void)state;
    const struct question *q = &question_first_seen;
    fake_clear();
    assert_int_equal(FAKE_ASK(*q, 0, 60, "quiet_days=0"), ERR_INPUT);
    assert_string_equal(fake.note.field, "quiet_days");
    assert_non_null(strstr(fake.note.en, "1 to 365"));
    assert_int_equal(FAKE_ASK(*q, 0, 60, "quiet_days=many"), ERR_INPUT);
    assert_int_equal(FAKE_ASK(*q, 0, 60, "where=nowhere"), ERR_INPUT);
    assert_non_null(strstr(fake.note.en, "entry, anywhere"));
    assert_int_equal(FAKE_ASK(*q, 0, 60, "colour=red"), ERR_INPUT);
    assert_int_equal(FAKE_ASK(*q, 0, 40 * 1440, "quiet_days=1"), ERR_INPUT);
    assert_int_equal(FAKE_ASK(*q, 60, 60, "quiet_days=1"), ERR_INPUT);
    kit_ok(FAKE_ASK(*q, 0, 60, "quiet_days=  "), &fake.note); /* empty: the default */
}

static const struct question_param lists[] = {
    {"plates", ASK_PLATES, false, 1, 2, NULL, "", NULL, "甲", "a"},
    {"part", ASK_PATTERN, false, 0, 0, NULL, "", NULL, "乙", "b"},
    {"sites", ASK_SITES, true, 1, 3, NULL, "", NULL, "丙", "c"},
    {"windows", ASK_WINDOWS, false, 1, 2, NULL, "", NULL, "丁", "d"},
    {0},
};

static enum err
read_lists(const char *name, const char *text, struct question_value *v)
{
    struct question q = {.name = "lists", .params = lists};
    struct question_given g[2] = {
        {SPAN("sites"), SPAN("S1")}, {span_cstr(name), span_cstr(text)}};
    memset(&fake.note, 0, sizeof fake.note);
    if (strcmp(name, "sites") == 0)
        g[0] = g[1];
    return question_read(&q, g, 2, fake.sites, &fake.zone, &fake.arena, v, &fake.note);
}

static void
lists_and_windows_are_read(void **state)
{
    (void)state;
    struct question_value v[QUESTION_PARAMS];
    fake_clear();
    kit_ok(read_lists("plates", " 晋AZQ001, 晋A-ZQ002 ", v), &fake.note);
    assert_int_equal(v[0].n, 2);
    fake_plate_is(v[0].plates[1], "晋AZQ002");
    assert_int_equal(read_lists("plates", "晋AZQ001 晋AZQ002 晋AZQ003", v), ERR_INPUT);
    assert_int_equal(read_lists("plates", "晋AZQ0?1", v), ERR_INPUT);
    kit_ok(read_lists("part", "*Q0?1", v), &fake.note);
    assert_int_equal(read_lists("part", "晋A;1", v), ERR_INPUT);
    kit_ok(read_lists("sites", "S1,S12\nS3", v), &fake.note);
    assert_int_equal(v[2].n, 3);
    assert_int_equal(v[2].sites[1].v, 12);
    assert_int_equal(read_lists("sites", "S99", v), ERR_INPUT);
    assert_non_null(strstr(fake.note.en, "S99"));
    assert_int_equal(read_lists("sites", " ", v), ERR_INPUT);
    kit_ok(
        read_lists(
            "windows", "S1,S2@1728000001000/1728000002000; -S3@2024-10-04/2024-10-05",
            v),
        &fake.note);
    assert_int_equal(v[3].n, 2);
    assert_int_equal(v[3].windows[0].sites_n, 2);
    assert_true(
        v[3].windows[0].from == 1728000001000 && v[3].windows[0].to == 1728000002000);
    assert_int_equal(v[3].windows[1].join, JOIN_NONE);
    assert_true(v[3].windows[1].to - v[3].windows[1].from == DAY_MS);
    static const char *const bad[] = {
        "S1@2000/1000", "S1@1000", "@1/2", "S1", "S9x@1/2", "S1@1/2;S1@1/2;S1@1/2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_lists("windows", bad[i], v), ERR_INPUT);
}

static void
a_spent_budget_says_what_to_narrow(void **state)
{
    (void)state;
    fake_clear();
    fake.fails = ERR_TIMEOUT;
    assert_int_equal(FAKE_ASK(question_first_seen, 0, 60, "quiet_days=1"), ERR_TIMEOUT);
    assert_non_null(strstr(fake.note.en, "narrow"));
    fake.fails = ERR_TOOBIG;
    assert_int_equal(FAKE_ASK(question_first_seen, 0, 60, "quiet_days=1"), ERR_TOOBIG);
    assert_non_null(strstr(fake.note.zh, "缩小"));
}

static void
rows_past_the_limit_are_cut_and_said(void **state)
{
    (void)state;
    fake_clear();
    for (int i = 0; i < 1200; i++) {
        char plate[40];
        snprintf(plate, sizeof plate, "晋AZ%04d", i);
        fake_seen(plate, 1, 10);
    }
    kit_ok(FAKE_ASK(question_first_seen, 0, 60, "quiet_days=1"), &fake.note);
    assert_int_equal(fake.answer.n, 1000);
    assert_true(fake.answer.more);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_whole),
        cmocka_unit_test(nothing_without_a_permit_for_all_that_is_read),
        cmocka_unit_test(what_is_given_is_checked),
        cmocka_unit_test(lists_and_windows_are_read),
        cmocka_unit_test(a_spent_budget_says_what_to_narrow),
        cmocka_unit_test(rows_past_the_limit_are_cut_and_said),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
