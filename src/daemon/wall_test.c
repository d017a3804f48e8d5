/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/wall.h"

#include "kit/kit.h"

#define T0 INT64_C(1795000000000)
#define S_US INT64_C(1000000)

static void
test_a_step_is_told_for_an_hour_of_real_time(void **state)
{
    struct wall w = {0};
    dur_us mono = 500 * S_US;
    (void)state;
    assert_int_equal(wall_look(&w, T0, mono, T0, 0), 0);
    assert_int_equal(wall_look(&w, T0 + 1000, mono += S_US, T0, 0), 0);
    assert_int_equal(wall_step(&w), 0);

    ts_ms back = T0 + 2000 - HOUR_MS;
    assert_int_equal(wall_look(&w, back, mono += S_US, T0, 0), -HOUR_MS);
    assert_int_equal(wall_step(&w), -HOUR_MS);
    mono += 3599 * S_US;
    assert_int_equal(wall_look(&w, back + 3599 * SECOND_MS, mono, T0, 0), 0);
    assert_int_equal(wall_step(&w), -HOUR_MS);
    (void)wall_look(&w, back + HOUR_MS, mono += S_US, T0, 0);
    assert_int_equal(wall_step(&w), 0);
}

static void
test_behind_is_where_passes_are_refused(void **state)
{
    struct wall w = {0};
    dur_us mono = 500 * S_US;
    (void)state;
    (void)wall_look(&w, T0 - HOUR_MS, mono, T0, 0);
    assert_int_equal(wall_behind(&w), 0); /* a clock that was ahead once */
    (void)wall_look(&w, T0 - HOUR_MS + 1000, mono += S_US, T0, 3);
    assert_int_equal(wall_behind(&w), HOUR_MS - 1000);
    (void)wall_look(&w, T0 - HOUR_MS + 2000, mono += S_US, INT64_MIN, 4);
    assert_int_equal(wall_behind(&w), 0); /* a camera's clock: nothing is stored */
    (void)wall_look(&w, T0 - MINUTE_MS, mono += 3538 * S_US, T0, 5);
    assert_int_equal(wall_behind(&w), 0); /* senders' clocks may be so */
    (void)wall_look(&w, T0 - HOUR_MS, mono += S_US, T0, 6);
    (void)wall_look(&w, T0 - HOUR_MS, mono += 600 * S_US, T0, 6);
    assert_int_equal(wall_behind(&w), 0); /* none was refused lately */
}

static void
test_a_day_without_a_step_is_steady(void **state)
{
    struct wall w = {0};
    dur_us day = DAY_MS * 1000, mono = 7 * S_US;
    (void)state;
    assert_false(wall_steady(&w));
    (void)wall_look(&w, T0, mono, T0, 0);
    assert_false(wall_steady(&w));
    (void)wall_look(&w, T0 + DAY_MS - 1, mono + day - 1000, T0, 0);
    assert_false(wall_steady(&w));
    struct wall again = w;
    (void)wall_look(&w, T0 + DAY_MS, mono + day, T0, 0);
    assert_true(wall_steady(&w));
    /* A step begins the day anew. */
    int64_t step = wall_look(&again, T0 + 400 * DAY_MS, mono + day, T0, 0);
    assert_int_equal(step, 399 * DAY_MS);
    assert_false(wall_steady(&again));
}

/* Set back by mistake: what is good by the course from before is good. Set right again,
 * or after a day, it is over. */
static void
test_a_course_goes_on_behind_a_step(void **state)
{
    struct wall_course c = {0};
    dur_us mono = 7 * S_US;
    (void)state;
    wall_course_look(&c, T0, mono, T0);
    assert_int_equal(wall_course_lost(&c), 0);
    wall_course_look(&c, T0 + 1000 - HOUR_MS, mono += S_US, T0);
    assert_int_equal(wall_course_lost(&c), HOUR_MS);
    struct wall_course stays = c;
    wall_course_look(&c, T0 + 2000, mono + S_US, T0);
    assert_int_equal(wall_course_lost(&c), 0);

    ts_ms now = T0 + 1000 - HOUR_MS;
    wall_course_look(&stays, now + DAY_MS - 1, mono + DAY_MS * 1000 - 1000, T0);
    assert_int_equal(wall_course_lost(&stays), HOUR_MS);
    wall_course_look(&stays, now + DAY_MS, mono + DAY_MS * 1000, T0);
    assert_int_equal(wall_course_lost(&stays), 0);
    assert_false(wall_course_held(&stays));
}

/* Ahead by mistake and corrected: nothing is lost by the way back. */
static void
test_a_correction_is_no_loss(void **state)
{
    struct wall_course c = {0};
    (void)state;
    wall_course_look(&c, T0, 0, T0);
    wall_course_look(&c, T0 + HOUR_MS, S_US, T0);
    assert_int_equal(wall_course_lost(&c), 0);
    wall_course_look(&c, T0 + 2000, 2 * S_US, T0);
    assert_int_equal(wall_course_lost(&c), 0);
    wall_course_look(&c, T0 + 1999, 2 * S_US, T0); /* slewed: no step */
    assert_int_equal(wall_course_lost(&c), 0);
}

/* Started before what is stored, as with a dead battery. */
static void
test_a_start_behind_is_held(void **state)
{
    struct wall_course c = {0}, fresh = {0}, near = {0}, stays = {0};
    (void)state;
    wall_course_look(&c, 1000, 0, T0);
    assert_true(wall_course_held(&c));
    assert_int_equal(wall_course_lost(&c), 0);
    wall_course_look(&c, 2000, S_US, T0 + DAY_MS);
    assert_true(wall_course_held(&c));
    wall_course_look(&c, T0 + 5000, 2 * S_US, T0); /* the time source answers */
    assert_false(wall_course_held(&c));
    assert_int_equal(wall_course_lost(&c), 0);
    wall_course_look(&fresh, 1000, 0, INT64_MIN);
    assert_false(wall_course_held(&fresh));
    wall_course_look(&near, T0 - 4 * MINUTE_MS, 0, T0); /* senders' clocks may be so */
    assert_false(wall_course_held(&near));
    wall_course_look(&stays, T0 - 2 * DAY_MS, 0, T0);
    wall_course_look(&stays, T0 - DAY_MS, DAY_MS * 1000, T0);
    assert_false(wall_course_held(&stays)); /* who could have set it has */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_is_told_for_an_hour_of_real_time),
        cmocka_unit_test(test_a_day_without_a_step_is_steady),
        cmocka_unit_test(test_a_course_goes_on_behind_a_step),
        cmocka_unit_test(test_a_correction_is_no_loss),
        cmocka_unit_test(test_a_start_behind_is_held),
        cmocka_unit_test(test_behind_is_where_passes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
