/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_travel_time;
#define Q question_travel_time
#define H 60.0
#define D (24 * H)

static void
medians_by_step_without_stops(void **state)
{
    (void)state;
    char plate[40];
    fake_clear();
    for (int i = 0; i < 40; i++) { /* free at first, twice as long in the jam */
        snprintf(plate, sizeof plate, "晋AZQ%03d", i);
        double from = i < 20 ? H + i * 0.5 : 2 * H + (i - 20) * 0.5;
        fake_seen(plate, 3, from);
        fake_seen(plate, 7, from + (i < 20 ? 4 : 8) + i % 5 * 0.1);
    }
    fake_seen("晋AZQ900", 3, H + 1); /* bought bread on the way */
    fake_seen("晋AZQ900", 7, H + 41);
    fake_seen("晋AZQ901", 7, H + 1); /* the other direction */
    fake_seen("晋AZQ901", 3, H + 5);
    kit_ok(FAKE_ASK(Q, 0, D, "sites=S3,S7"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    const union question_cell *r = fake_row(&Q, 0);
    assert_true(r[0].at == fake_ms(H));
    assert_int_equal(r[1].site.v, 3);
    assert_int_equal(r[2].site.v, 7);
    assert_int_equal(r[3].n, 20);
    assert_true(r[4].n >= 4 * MINUTE_MS && r[4].n <= 4.3 * MINUTE_MS);
    assert_true(r[7].x > 50 && r[7].x < 65); /* 4 km in 4.2 minutes */
    assert_true(r[8].x > 0.95);
    assert_int_equal(r[9].n, 1);
    r = fake_row(&Q, 1);
    assert_true(r[8].x > 0.45 && r[8].x < 0.55);
    assert_int_equal(r[9].n, 0);
    kit_ok(FAKE_ASK(Q, 0, D, "sites=S7,S3"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    kit_ok(FAKE_ASK(Q, 0, D, "sites=S8,S9"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_by_step_without_stops),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
