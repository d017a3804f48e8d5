/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_foothold;
#define Q question_foothold
#define H 60.0
#define D (24 * H)
/* The zone is eight hours east: civil hour h of day d. */
#define CIVIL(d, h) ((d)*D + ((h)-8) * H)

static void
the_site_before_most_stays_is_the_foothold(void **state)
{
    (void)state;
    fake_clear();
    for (int d = 0; d < 4; d++) { /* home behind S3, work behind S7 */
        fake_seen("晋AZQ001", 4, CIVIL(d, 19));
        fake_seen("晋AZQ001", 3, CIVIL(d, 19.5));
        fake_seen("晋AZQ001", 3, CIVIL(d + 1, 7));
        fake_seen("晋AZQ001", 7, CIVIL(d + 1, 8));
    }
    fake_seen("晋AZQ002", 5, CIVIL(0, 1));
    fake_seen("晋AZQ002", 5, CIVIL(1, 1));
    kit_ok(FAKE_ASK(Q, -D, 6 * D, "plate=晋AZQ001"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    const union question_cell *r = fake_row(&Q, 0);
    assert_int_equal(r[1].site.v, 3);
    assert_int_equal(r[2].n, 4);
    assert_true(r[4].n == 690 * MINUTE_MS);
    assert_true(r[5].at == fake_ms(CIVIL(3, 19.5)));
    assert_int_equal(r[6].site.v, 3);
    kit_ok(FAKE_ASK(Q, -D, 6 * D, "plate=晋AZQ001", "which=every"), &fake.note);
    assert_int_equal(fake.answer.n, 2); /* three times at work */
    kit_ok(FAKE_ASK(Q, -D, 6 * D, "plate=*", "stays=1"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    kit_ok(FAKE_ASK(Q, -D, 6 * D, "plate=晋AZQ001", "gap_h=12"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
    assert_int_equal(FAKE_ASK(Q, -D, 6 * D, "gap_h=5"), ERR_INPUT);
}

static void
on_a_tie_the_site_registered_first(void **state)
{
    (void)state;
    fake_clear();
    for (int d = 0; d < 6; d++)
        fake_seen("晋AZQ001", d % 2 ? 4 : 9, CIVIL(d, 12));
    fake_seen("晋AZQ001", 1, CIVIL(6, 12));
    kit_ok(FAKE_ASK(Q, -D, 7 * D, "plate=晋AZQ00?"), &fake.note);
    assert_int_equal(fake_row(&Q, 0)[1].site.v, 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_site_before_most_stays_is_the_foothold),
        cmocka_unit_test(on_a_tie_the_site_registered_first),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
