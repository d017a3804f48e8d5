/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_next_sites;
#define Q question_next_sites
#define H 60.0
#define D (24 * H)

static void
shares_and_times_of_what_follows(void **state)
{
    (void)state;
    char plate[40];
    fake_clear();
    for (int i = 0; i < 10; i++) { /* seven go on to S4 and S5, three to S6 */
        snprintf(plate, sizeof plate, "晋AZQ%03d", i);
        fake_seen(plate, 3, H + i);
        fake_seen(plate, 3, H + i + 0.1); /* the same passage once more */
        fake_seen(plate, i < 7 ? 4 : 6, H + i + 4);
        if (i < 7)
            fake_seen(plate, 5, H + i + 9);
        fake_seen(plate, 9, H + i + 50); /* too late */
    }
    kit_ok(FAKE_ASK(Q, 0, D, "site=S3"), &fake.note);
    assert_int_equal(fake.answer.n, 3);
    const union question_cell *r = fake_row(&Q, 0);
    assert_int_equal(r[0].site.v, 4);
    assert_true(r[1].x > 0.69 && r[1].x < 0.71);
    assert_int_equal(r[3].n, 7);
    assert_true(r[5].n == 4 * MINUTE_MS);
    assert_true(r[7].x > 900 && r[7].x < 1100);
    assert_int_equal(fake_row(&Q, 1)[0].site.v, 6);
    r = fake_row(&Q, 2); /* reached, never next */
    assert_int_equal(r[0].site.v, 5);
    assert_true(r[1].x == 0 && r[2].x > 0.69);
    assert_true(fake.answer.facts[0].value == 10);
    kit_ok(FAKE_ASK(Q, 0, D, "site=S3", "plates=晋AZQ009"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    assert_true(fake_row(&Q, 0)[1].x == 1);
    kit_ok(FAKE_ASK(Q, 0, D, "site=S3", "minutes=60", "passes=5"), &fake.note);
    assert_int_equal(fake.answer.n, 3);
    assert_int_equal(FAKE_ASK(Q, 0, D, "site=S3,S4"), ERR_INPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_and_times_of_what_follows),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
