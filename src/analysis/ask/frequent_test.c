/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_frequent;
#define Q question_frequent
#define H 60.0
#define D (24 * H)

static void
passages_are_folded_and_counted(void **state)
{
    (void)state;
    fake_clear();
    for (int i = 0; i < 4; i++) { /* twice a day for two days, each read twice */
        fake_seen("晋AZQ001", 3, i / 2 * D + i % 2 * H + 10);
        fake_seen("晋AZQ001", 3, i / 2 * D + i % 2 * H + 10.5);
    }
    fake_seen("晋AZQ001", 4, 2 * H);
    for (int i = 0; i < 6; i++)
        fake_seen("晋AZQ002", 4, 2 * H + i * 10);
    fake_seen("晋AZQ003", 9, H); /* elsewhere */
    kit_ok(FAKE_ASK(Q, 0, 3 * D, "sites=S3,S4", "passages=4"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[0].plate, "晋AZQ002");
    assert_int_equal(r[1].n, 6);
    r = fake_row(&Q, 1);
    assert_int_equal(r[1].n, 5);
    assert_int_equal(r[2].n, 2);
    assert_int_equal(r[3].n, 2);
    assert_true(r[4].at == fake_ms(10));
    assert_int_equal(r[6].site.v, 3);
    kit_ok(FAKE_ASK(Q, 0, 3 * D, "sites=S3", "passages=4", "fold_s=0"), &fake.note);
    assert_int_equal(fake_row(&Q, 0)[1].n, 8);
    kit_ok(FAKE_ASK(Q, 0, 3 * D, "sites=S3,S4", "passages=4", "days=2"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passages_are_folded_and_counted),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
