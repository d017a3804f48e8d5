/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_night;
#define Q question_night
#define H 60.0
#define D (24 * H)
/* The zone is eight hours east: civil hour h of day d. */
#define CIVIL(d, h) ((d)*D + ((h)-8) * H)

static void
nights_are_counted_from_noon_to_noon(void **state)
{
    (void)state;
    fake_clear();
    for (int d = 1; d <= 3; d++) { /* three nights, on both sides of midnight */
        fake_seen("晋AZQ001", 3, CIVIL(d, 23));
        fake_seen("晋AZQ001", 4, CIVIL(d + 1, 2));
        fake_seen("晋AZQ002", 3, CIVIL(d, 23)); /* by day as often as by night */
        fake_seen("晋AZQ002", 3, CIVIL(d, 12));
        fake_seen("晋AZQ003", 3, CIVIL(1, 22 + d * 0.5)); /* one night only */
    }
    fake_seen("晋AZQ001", 5, CIVIL(4, 21)); /* neither day nor night */
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "nights=3"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[0].plate, "晋AZQ001");
    assert_int_equal(r[1].n, 3);
    assert_int_equal(r[2].n, 7);
    assert_true(r[3].x == 0);
    assert_int_equal(r[6].site.v, 5);
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "nights=3", "day_share=0.5"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "nights=4"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
    /* A later night, an earlier day. */
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "nights=3", "night_from=24", "night_to=1"), NULL);
    assert_int_equal(fake.answer.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nights_are_counted_from_noon_to_noon),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
