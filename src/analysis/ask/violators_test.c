/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_violators;
#define Q question_violators
#define H 60.0
#define D (24 * H)

static void
finding(const char *rule, const char *plate, double at, double probability)
{
    must(fake.alarms_n < sizeof fake.alarm / sizeof *fake.alarm);
    struct alarm *a = &fake.alarm[fake.alarms_n++];
    *a = (struct alarm){
        .id = {fake.alarms_n},
        .state = ALARM_RAISED,
        .plate = fake_plate(plate),
        .site = {(uint32_t)fake.alarms_n},
        .pass_ms = fake_ms(at),
        .probability = probability,
    };
    snprintf(a->rule, sizeof a->rule, "%s", rule);
}

static void
counted_by_vehicle(void **state)
{
    (void)state;
    fake_clear();
    finding("truck_ban", "晋AZQ001", D + H, 0.9);
    finding("average_speed", "晋AZQ001", 2 * H, 0.8);     /* the first, another rule */
    finding("truck_ban", "晋AZQ001", D + 5 * H, 0.95);    /* goes on */
    finding("average_speed", "晋AZQ001", D + 4 * H, 0.6); /* each time anew */
    finding("truck_ban", "晋AZQ002", H, 0.9);
    finding("truck_ban", "晋AZQ002", D + 2 * H, 0.9);
    finding("cloned_plate", "晋AZQ002", 3 * H, 0.9);  /* no violation of its own */
    finding("truck_ban", "晋AZQ002", 2 * D + H, 0.3); /* too unlikely */
    finding("truck_ban", "晋AZQ002", 10 * D, 0.9);    /* behind the window */
    kit_ok(FAKE_ASK(Q, 0, 3 * D), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[0].plate, "晋AZQ001");
    assert_int_equal(r[1].n, 3);
    assert_int_equal(r[2].n, 2);
    assert_true(span_eq_cstr(r[3].word, "truck_ban,average_speed"));
    assert_true(r[4].x > 2.34 && r[4].x < 2.36);
    assert_int_equal(r[5].site.v, 3);
    assert_true(r[6].at == fake_ms(2 * H) && r[7].at == fake_ms(D + 5 * H));
    kit_ok(FAKE_ASK(Q, 0, 3 * D, "findings=2"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    fake_plate_is(fake_row(&Q, 1)[0].plate, "晋AZQ002");
    kit_ok(FAKE_ASK(Q, 0, 3 * D, "findings=3", "kind=average_speed"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
    kit_ok(FAKE_ASK(Q, 0, 3 * D, "findings=3", "probability=0"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    assert_int_equal(fake_row(&Q, 1)[1].n, 3);
}

static void
withdrawn_ones_and_parts_of_plates_do_not_count(void **state)
{
    (void)state;
    fake_clear();
    for (int i = 0; i < 3; i++)
        finding("truck_ban", "晋AZQ001", i * D + H, 0.9);
    for (int i = 0; i < 3; i++)
        finding("truck_ban", "晋AZQ?01", i * D + H, 0.9);
    kit_ok(FAKE_ASK(Q, 0, 3 * D), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    fake.alarm[1].state = ALARM_WITHDRAWN;
    kit_ok(FAKE_ASK(Q, 0, 3 * D), &fake.note);
    assert_int_equal(fake.answer.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_by_vehicle),
        cmocka_unit_test(withdrawn_ones_and_parts_of_plates_do_not_count),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
