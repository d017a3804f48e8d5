/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_first_seen;
#define Q question_first_seen
#define H 60.0
#define D (24 * H)

static void
new_ones_are_found_and_others_not(void **state)
{
    (void)state;
    fake_clear();
    fake_seen("晋AZQ001", 1, 5 * D + H);     /* new, by an entry */
    fake_seen("晋AZQ001", 4, 5 * D + 2 * H); /* ... and twice at one site */
    fake_seen("晋AZQ001", 4, 5 * D + 3 * H);
    fake_seen("晋AZQ002", 3, 5 * D + H); /* new, but not by an entry */
    fake_seen("晋AZQ003", 1, 2 * D);     /* here three days ago */
    fake_seen("晋AZQ003", 1, 5 * D + H);
    fake_seen("晋AZQ004", 1, 6 * D); /* behind the window */
    fake_seen("晋AZ?005", 1, 5 * D + H);
    kit_ok(FAKE_ASK(Q, 5 * D, 6 * D, "quiet_days=4"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[0].plate, "晋AZQ001");
    assert_int_equal(r[1].site.v, 1);
    assert_true(r[2].at == fake_ms(5 * D + H));
    assert_int_equal(r[3].n, 3);
    assert_int_equal(r[4].n, 2);
    assert_true(r[5].at == fake_ms(5 * D + 3 * H));
    /* Two quiet days let the third one in. */
    kit_ok(FAKE_ASK(Q, 5 * D, 6 * D, "quiet_days=2"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    kit_ok(FAKE_ASK(Q, 5 * D, 6 * D, "quiet_days=4", "where=anywhere"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    kit_ok(FAKE_ASK(Q, 5 * D, 6 * D, "quiet_days=4", "passes=4"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
}

static void
the_quiet_days_begin_at_their_minute(void **state)
{
    (void)state;
    fake_clear();
    /* The window begins at noon; a pass on the first quiet day, before noon. */
    fake_seen("晋AZQ001", 1, 2 * D + 2 * H);
    fake_seen("晋AZQ001", 1, 5 * D + 5 * H);
    fake_seen("晋AZQ002", 1, 2 * D + 5 * H); /* behind noon: known */
    fake_seen("晋AZQ002", 1, 5 * D + 5 * H);
    kit_ok(FAKE_ASK(Q, 5 * D + 4 * H, 6 * D, "quiet_days=3"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    fake_plate_is(fake_row(&Q, 0)[0].plate, "晋AZQ001");
}

/* So many that they are read by one scan: of their days only. */
static void
a_crowd_of_guests(void **state)
{
    (void)state;
    char plate[40];
    double midnight = 5 * D - 8 * H; /* the zone is eight hours east */
    fake_clear();
    for (int i = 0; i < 21000; i++) {
        snprintf(plate, sizeof plate, "晋B%05d", i);
        fake_seen(plate, 1, midnight + 10);
        if (i < 20) /* known */
            fake_seen(plate, 1, midnight - 2 * D);
        if (i >= 20 && i < 40) /* twice, and long before the quiet days */
            fake_seen(plate, 1, midnight + 20);
        if (i >= 20 && i < 40)
            fake_seen(plate, 1, midnight - 4 * D);
    }
    kit_ok(FAKE_ASK(Q, midnight, midnight + D, "quiet_days=3"), &fake.note);
    assert_int_equal(fake.answer.n, 1000); /* the limit of the fake */
    assert_true(fake.answer.more);
    fake_plate_is(fake_row(&Q, 0)[0].plate, "晋B00020");
    assert_int_equal(fake_row(&Q, 0)[3].n, 2);
    /* Those of two passes alone: every one, whatever the limit. */
    kit_ok(FAKE_ASK(Q, midnight, midnight + D, "quiet_days=3", "passes=2"), &fake.note);
    assert_int_equal(fake.answer.n, 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ones_are_found_and_others_not),
        cmocka_unit_test(the_quiet_days_begin_at_their_minute),
        cmocka_unit_test(a_crowd_of_guests),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
