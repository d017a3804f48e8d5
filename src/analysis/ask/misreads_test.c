/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_misreads;
#define Q question_misreads
#define H 60.0
#define D (24 * H)

/* Cars drive S3 S4 S5 S6, five minutes a site; every tenth 8 is a B at S4. */
static void
a_bad_camera_is_found_without_truth(void **state)
{
    (void)state;
    char plate[40];
    fake_clear();
    for (int d = 0; d < 2; d++)
        for (int i = 0; i < 200; i++) {
            double at = d * D + H + i;
            snprintf(plate, sizeof plate, "晋AZ%03d8", i);
            for (uint32_t s = 3; s <= 6; s++)
                if (s != 4 || i % 10 != d)
                    fake_seen(plate, s, at + (s - 3) * 5);
            if (i % 10 == d) {
                snprintf(plate, sizeof plate, "晋AZ%03dB", i);
                fake_seen(plate, 4, at + 5);
            }
        }
    fake_seen("晋BQQ777", 5, H); /* a guest, read once */
    kit_ok(FAKE_ASK(Q, 0, 2 * D, "reads=100"), &fake.note);
    assert_int_equal(fake.answer.n, 4);
    for (size_t i = 0; i < 4; i++) {
        const union question_cell *r = fake_row(&Q, i);
        if (r[0].site.v == 4) {
            assert_int_equal(r[2].n, 40);
            assert_true(r[3].x > 0.09 && r[3].x < 0.13);
            assert_true(r[4].x > 0.06 && r[4].x < r[3].x && r[5].x > r[3].x);
        } else {
            assert_int_equal(r[2].n, 0);
        }
    }
    assert_true(fake.answer.facts[1].value == 41);
    kit_ok(FAKE_ASK(Q, 0, 2 * D, "reads=100000"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
}

/* The car must be read around the stray, within the minutes, and not at its site. */
static void
only_who_was_on_the_way_explains_a_stray(void **state)
{
    (void)state;
    static const struct {
        double before, behind; /* minutes from the stray */
        uint32_t site;         /* of the car's third read, an hour later or beside */
        double third;
        int found;
    } cases[] = {
        {-5, 5, 8, 90, 1},   {-30, 5, 8, 90, 0},
        {-5, 30, 8, 90, 0},  {-5, 5, 4, 3, 0}, /* read there itself */
        {-0.3, 5, 8, 90, 0}, /* nobody drives a site in so short a time */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_clear();
        double at = D + 5 * H;
        fake_seen("晋AZ1238", 3, at + cases[i].before);
        fake_seen("晋AZ1238", 5, at + cases[i].behind);
        fake_seen("晋AZ1238", cases[i].site, at + cases[i].third);
        fake_seen("晋AZ123B", 4, at);
        kit_ok(FAKE_ASK(Q, 0, 2 * D, "reads=1"), &fake.note);
        for (size_t k = 0; k < fake.answer.n; k++)
            if (fake_row(&Q, k)[0].site.v == 4)
                assert_int_equal(fake_row(&Q, k)[2].n, cases[i].found);
        assert_true(fake.answer.facts[1].value == 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_camera_is_found_without_truth),
        cmocka_unit_test(only_who_was_on_the_way_explains_a_stray),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
