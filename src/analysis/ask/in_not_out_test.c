/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_in_not_out;
#define Q question_in_not_out
#define H 60.0
#define D (24 * H)
/* The zone is eight hours east: civil hour h of day d. */
#define CIVIL(d, h) ((d)*D + ((h)-8) * H)

static void
an_entry_without_exit_stays_and_its_doubt_is_a_number(void **state)
{
    (void)state;
    char plate[40];
    fake_clear();
    for (int i = 0; i < 90; i++) { /* guests of two hours; nine of ten exits are seen */
        snprintf(plate, sizeof plate, "晋AZ%03d", i);
        fake_seen(plate, 1, H);
        if (i % 10)
            fake_seen(plate, 2, 3 * H);
        else
            fake_seen(plate, 1, 8 * H), fake_seen(plate, 2, 10 * H);
    }
    fake_seen("晋AZQ001", 1, H); /* entered with the others, last seen at once */
    fake_seen("晋AZQ001", 5, H + 5);
    fake_seen("晋AZQ002", 1, 12 * H - 5); /* entered just now */
    fake_seen("晋AZQ003", 2, 2 * H);      /* left only */
    kit_ok(FAKE_ASK(Q, 0, 12 * H), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[0].plate, "晋AZQ001");
    assert_int_equal(r[3].site.v, 5);
    assert_int_equal(r[5].n, 2);
    assert_true(r[7].x > 0.9); /* all the others had left by then */
    r = fake_row(&Q, 1);
    fake_plate_is(r[0].plate, "晋AZQ002");
    assert_true(r[7].x < 0.01);
    assert_true(fake.answer.facts[0].value > 0.08 && fake.answer.facts[0].value < 0.12);
    kit_ok(FAKE_ASK(Q, 0, 12 * H, "missed_max=0.5"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    kit_ok(FAKE_ASK(Q, 0, 12 * H, "hours=2"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_without_exit_stays_and_its_doubt_is_a_number),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
