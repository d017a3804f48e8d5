/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_plate_like;
#define Q question_plate_like
#define H 60.0
#define D (24 * H)

static void
parts_and_misreads_are_told_apart(void **state)
{
    (void)state;
    fake_clear();
    fake_seen("晋AZ8811", 3, H);
    fake_seen("晋AZ8811", 5, 2 * H);
    fake_seen("晋AZB811", 4, 3 * H); /* 8 read as B */
    fake_seen("晋AZ88?1", 4, 4 * H);
    fake_seen("晋AZ9911", 4, 5 * H); /* two characters off */
    kit_ok(FAKE_ASK(Q, 0, D, "plate=晋AZ8811"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    const union question_cell *r = fake_row(&Q, 0);
    assert_int_equal(r[1].n, 2);
    assert_true(r[2].x == 1);
    assert_true(r[4].at == fake_ms(H) && r[5].at == fake_ms(2 * H));
    assert_int_equal(r[6].site.v, 5);
    kit_ok(FAKE_ASK(Q, 0, D, "plate=晋AZ8811", "misread=one"), &fake.note);
    assert_true(fake.answer.n >= 2);
    fake_plate_is(fake_row(&Q, 0)[0].plate, "晋AZ8811");
    bool found = false;
    for (size_t i = 1; i < fake.answer.n; i++) {
        r = fake_row(&Q, i);
        assert_true(r[2].x > 0 && r[2].x < 1);
        assert_false(plate_eq(r[0].plate, fake_plate("晋AZ9911")));
        if (plate_eq(r[0].plate, fake_plate("晋AZB811"))) {
            found = true;
            assert_true(span_eq_cstr(r[3].word, "8->B"));
        }
    }
    assert_true(found);
}

static void
behind_a_run_characters_count_from_the_end(void **state)
{
    (void)state;
    fake_clear();
    fake_seen("晋AZQ881", 3, H);
    fake_seen("晋AZQB81", 3, H);
    kit_ok(FAKE_ASK(Q, 0, D, "plate=*881", "misread=one"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    assert_true(span_eq_cstr(fake_row(&Q, 1)[3].word, "8->B"));
    kit_ok(FAKE_ASK(Q, 0, D, "plate=*?81", "passes=2"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_and_misreads_are_told_apart),
        cmocka_unit_test(behind_a_run_characters_count_from_the_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
