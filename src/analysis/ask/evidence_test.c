/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_evidence;
#define Q question_evidence
#define H 60.0
#define D (24 * H)

static void
finding(const char *rule, const char *plate, double at, double probability)
{
    struct alarm *a = &fake.alarm[fake.alarms_n++];
    *a = (struct alarm){
        .id = {fake.alarms_n},
        .state = ALARM_RAISED,
        .plate = fake_plate(plate),
        .site = {4},
        .pass_ms = fake_ms(at),
        .probability = probability,
    };
    snprintf(a->rule, sizeof a->rule, "%s", rule);
}

static void
findings_with_their_numbers(void **state)
{
    (void)state;
    fake_clear();
    finding("cloned_plate", "晋AZQ001", H, 0.97);
    fake.alarm[0].evidence[0].id = (struct sighting_id){fake_ms(H), 4, 7};
    fake.alarm[0].evidence[1].id = (struct sighting_id){fake_ms(H - 3), 9, 8};
    fake.alarm[0].evidence[1].role = 1;
    fake.alarm[0].evidence_n = 2;
    fake.alarm[0].numbers[0] = (struct alarm_number){"gap_s", 180};
    fake.alarm[0].numbers[1] = (struct alarm_number){"speed_kmh", 212};
    fake.alarm[0].numbers_n = 2;
    finding("fake_plate", "晋AZQ002", 2 * H, 0.6);
    finding("cloned_plate", "晋AZQ003", 3 * H, 0.9);
    fake.alarm[2].state = ALARM_WITHDRAWN;
    finding("watch", "晋AZQ004", 3 * H, 0.9);
    finding("cloned_plate", "晋AZQ005", 30 * H, 0.9); /* behind the window */
    kit_ok(FAKE_ASK(Q, 0, D), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[0].plate, "晋AZQ001");
    assert_true(span_eq_cstr(r[1].word, "cloned_plate"));
    assert_int_equal(r[5].site.v, 9);
    assert_true(r[6].at == fake_ms(H - 3));
    assert_int_equal(r[7].n, 180000);
    assert_true(r[8].n < 0); /* not said */
    assert_true(r[10].x == 212);
    assert_int_equal(r[17].id.tag, 8);
    assert_true(span_eq_cstr(r[18].word, "0000000000000001"));
    kit_ok(FAKE_ASK(Q, 0, D, "kind=fake_plate"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    kit_ok(FAKE_ASK(Q, 0, D, "probability=0.8"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_with_their_numbers),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
