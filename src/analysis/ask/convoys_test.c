/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"
#include "core/hash.h"

extern const struct question question_convoys;
#define Q question_convoys
#define H 60.0
#define D (24 * H)

static void
drive(const char *plate, double at)
{
    for (uint32_t s = 3; s <= 8; s++)
        fake_seen(plate, s, at + (s - 3) * 5);
}

static void
convoys_are_found_among_commuters(void **state)
{
    (void)state;
    char plate[40];
    fake_clear();
    for (int d = 0; d < 4; d++)
        for (int way = 0; way < 2; way++) {
            double at = d * D + H + way * 5 * H;
            drive("晋AZQ001", at); /* three in a row */
            drive("晋AZQ002", at + 0.2);
            drive("晋AZQ003", at + 0.4);
            drive("晋AZQ011", at + 12); /* and a pair */
            drive("晋AZQ012", at + 12.3);
            for (int i = 0; i < 20; i++) { /* the others come when they come */
                snprintf(plate, sizeof plate, "晋B%05d", i);
                uint64_t when = hash_u64((uint64_t)(i * 100 + d * 10 + way + 1));
                drive(plate, at + (double)(when % 280) / 10);
            }
        }
    kit_ok(FAKE_ASK(Q, 0, 4 * D, "chance=0.001"), &fake.note);
    assert_int_equal(fake.answer.n, 5);
    const union question_cell *r = fake_row(&Q, 0);
    assert_int_equal(r[2].n, fake_row(&Q, 1)[2].n);
    int threes = 0, twos = 0;
    for (size_t i = 0; i < 5; i++) {
        r = fake_row(&Q, i);
        threes += r[2].n == 3;
        twos += r[2].n == 2;
        assert_int_equal(r[4].n, 8);
        assert_int_equal(r[6].n, 4);
        assert_int_equal(r[8].site.v, 8);
    }
    assert_true(threes == 3 && twos == 2);
    kit_ok(FAKE_ASK(Q, 0, 4 * D, "days=5"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convoys_are_found_among_commuters),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
