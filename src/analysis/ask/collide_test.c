/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_collide;
#define Q question_collide
#define H 60.0
#define D (24 * H)
/* The zone is eight hours east: civil hour h of day d. */
#define CIVIL(d, h) ((d)*D + ((h)-8) * H)

#define W(join, sites, a, b) join sites "@" a "/" b
#define AT8 "2024-10-04T08:00:00Z"
#define AT9 "2024-10-04T09:00:00Z"
#define AT10 "2024-10-04T10:00:00Z"

static size_t
ask(const char *windows)
{
    char text[512];
    snprintf(text, sizeof text, "windows=%s", windows);
    kit_ok(FAKE_ASK(Q, 0, D, text), &fake.note);
    return fake.answer.n;
}

static void
sets_of_windows(void **state)
{
    (void)state;
    fake_clear();
    assert_true(fake_ms(8 * H) == INT64_C(1728028800000)); /* the day of AT8 */
    fake_seen("晋AZQ001", 3, 8 * H + 5);
    fake_seen("晋AZQ001", 4, 9 * H + 5);
    fake_seen("晋AZQ002", 3, 8 * H + 6);
    fake_seen("晋AZQ003", 4, 9 * H + 6);
    fake_seen("晋AZQ003", 5, 9 * H + 7);
    fake_seen("晋AZ?004", 3, 8 * H + 7);
    assert_int_equal(ask(W("+", "S3", AT8, AT9) ";" W("+", "S4", AT9, AT10)), 1);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[0].plate, "晋AZQ001");
    assert_int_equal(r[1].n, 2);
    assert_int_equal(r[3].site.v, 3);
    assert_int_equal(r[5].site.v, 4);
    assert_int_equal(ask(W("|", "S3", AT8, AT9) ";" W("|", "S4,S5", AT9, AT10)), 3);
    assert_int_equal(ask(W("+", "S3", AT8, AT9) ";" W("-", "S4", AT9, AT10)), 1);
    fake_plate_is(fake_row(&Q, 0)[0].plate, "晋AZQ002");
    assert_int_equal(
        ask(W("+", "S4", AT9, AT10) ";" W("|", "S3", AT8, AT9) ";" W(
            "|", "S5", AT9, AT10)),
        2);
}

static void
windows_that_cannot_be_are_refused(void **state)
{
    (void)state;
    fake_clear();
    assert_int_equal(
        FAKE_ASK(Q, 0, D, "windows=" W("-", "S3", AT8, AT9) ";" W("-", "S4", AT8, AT9)),
        ERR_INPUT);
    assert_int_equal(
        FAKE_ASK(Q, 9 * H, D, "windows=" W("+", "S3", AT8, AT9)), ERR_INPUT);
    assert_non_null(strstr(fake.note.en, "window 1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_of_windows),
        cmocka_unit_test(windows_that_cannot_be_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
