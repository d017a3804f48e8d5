/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/habit.h"

static const struct zone zone = {"Asia/Shanghai", 480};
#define MONDAY INT64_C(20514) /* 2026-03-02 */

static void
count(struct habit_day *d, int64_t day, int slot, unsigned n, ts_ms late)
{
    ts_ms at = civil_day_start(day, &zone) + slot * 30 * MINUTE_MS;
    for (unsigned i = 0; i < n; i++) {
        struct sighting s = {.pass_ms = at + i, .arrive_ms = at + i + late};
        habit_count(d, &zone, &s);
    }
}

static ts_ms
at(int64_t day, int hour, int minute)
{
    return civil_day_start(day, &zone) + hour * HOUR_MS + minute * MINUTE_MS;
}

static void
test_kinds(void **state)
{
    (void)state;
    assert_int_equal(habit_kind(MONDAY), 0);
    assert_int_equal(habit_kind(MONDAY + 4), 0);
    assert_int_equal(habit_kind(MONDAY + 5), 1);
    assert_int_equal(habit_kind(MONDAY + 6), 1);
    assert_int_equal(habit_kind(MONDAY - 1), 1);
    assert_int_equal(habit_kind(0), 0);  /* Thursday 1970-01-01 */
    assert_int_equal(habit_kind(-4), 1); /* Sunday before */
}

/* Flat: 60 passes each half hour are 120 an hour at any moment, and sums are exact. */
static void
test_flat(void **state)
{
    struct site_habit h = {0};
    struct habit_day d = {0};
    unsigned kinds[HABIT_KINDS] = {1, 0};
    (void)state;
    assert_true(habit_rate(&h, &zone, at(MONDAY, 8, 0)) < 0);
    assert_true(habit_expected(&h, &zone, at(MONDAY, 8, 0), at(MONDAY, 9, 0)) < 0);
    assert_true(habit_rate(NULL, &zone, 0) < 0);
    for (int i = 0; i < HABIT_SLOTS; i++)
        count(&d, MONDAY, i, 60, 500);
    habit_learn(&h, &d, kinds);
    assert_true(fabs(habit_rate(&h, &zone, at(MONDAY, 8, 7)) - 120) < 0.01);
    double day = habit_expected(&h, &zone, at(MONDAY, 0, 0), at(MONDAY + 1, 0, 0));
    assert_true(fabs(day - 2880) < 0.5);
    assert_true(fabsf(h.prompt - 1) < 1e-6F);
    /* A day of rest was never seen: it is judged by working days. */
    assert_true(fabs(habit_rate(&h, &zone, at(MONDAY + 5, 8, 7)) - 120) < 0.01);
    assert_true(habit_days(&h, &zone, at(MONDAY + 5, 8, 7)) == 1);
}

static void
test_outage_is_not_learned(void **state)
{
    struct site_habit h = {0};
    struct habit_day good = {0}, bad = {0};
    unsigned kinds[HABIT_KINDS] = {1, 0};
    (void)state;
    for (int i = 0; i < HABIT_SLOTS; i++) {
        count(&good, MONDAY, i, 60, 500);
        count(&bad, MONDAY + 1, i, i >= 20 && i < 24 ? 0 : 60, 500);
    }
    habit_learn(&h, &good, kinds);
    habit_learn(&h, &bad, kinds);
    assert_true(h.pass[0][21] >= 45); /* a quarter less, not half */
    assert_true(fabsf(h.pass[0][10] - 60) < 0.01F);
    for (int day = 0; day < 12; day++)
        habit_learn(&h, &bad, kinds);
    assert_true(h.pass[0][21] < 20); /* a road that stays closed is learned */
}

static void
test_late_uploads(void **state)
{
    struct site_habit h = {0};
    struct habit_day d = {0};
    unsigned kinds[HABIT_KINDS] = {1, 0};
    (void)state;
    count(&d, MONDAY, 20, 75, 500);
    count(&d, MONDAY, 21, 25, HOUR_MS);
    habit_learn(&h, &d, kinds);
    assert_true(fabsf(h.prompt - 0.75F) < 1e-6F);
}

static void
test_past(void **state)
{
    struct site_habit h = {0};
    (void)state;
    for (int i = 0; i < HABIT_PAST + 3; i++) {
        struct habit_past p = {.day = 100 + i, .reads = (uint32_t)i};
        habit_remember(&h, &p);
        habit_remember(&h, &p); /* twice is once */
    }
    assert_int_equal(h.past_n, HABIT_PAST);
    assert_int_equal(h.past[0].day, 103);
    assert_int_equal(h.past[HABIT_PAST - 1].day, 100 + HABIT_PAST + 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_outage_is_not_learned),
        cmocka_unit_test(test_late_uploads),
        cmocka_unit_test(test_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
