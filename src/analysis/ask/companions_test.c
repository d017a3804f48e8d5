/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"

extern const struct question question_companions;
#define Q question_companions
#define H 60.0
#define D (24 * H)
/* The zone is eight hours east: civil hour h of day d. */
#define CIVIL(d, h) ((d)*D + ((h)-8) * H)

/* A corridor S3..S8 in five minutes a site. */
static void
drive(const char *plate, double at)
{
    for (uint32_t s = 3; s <= 8; s++)
        fake_seen(plate, s, at + (s - 3) * 5);
}

static void
a_companion_is_told_from_a_commuter(void **state)
{
    (void)state;
    char plate[40];
    fake_clear();
    for (int d = 0; d < 5; d++) {
        drive("晋AZQ001", d * D + H);
        drive("晋AZQ001", d * D + 10 * H);
        drive("晋AZQ002", d * D + H + 0.3); /* eighteen seconds behind, both ways */
        drive("晋AZQ002", d * D + 10 * H + 0.3);
        drive("晋AZQ003", d * D + H + (d == 2 ? 0.2 : 3 + 4 * d)); /* a neighbour */
        drive("晋AZQ003", d * D + 10 * H - (d == 4 ? 0.2 : 5 + 3 * d));
        for (int i = 0; i < 60; i++) { /* the flow of the corridor */
            snprintf(plate, sizeof plate, "晋B%d%04d", d, i);
            drive(plate, d * D + H - 28 + i);
            snprintf(plate, sizeof plate, "晋C%d%04d", d, i);
            drive(plate, d * D + 10 * H - 28 + i);
        }
    }
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ001"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    const union question_cell *r = fake_row(&Q, 0);
    fake_plate_is(r[1].plate, "晋AZQ002");
    assert_int_equal(r[2].n, 10);
    assert_int_equal(r[3].n, 10);
    assert_int_equal(r[4].n, 5);
    assert_int_equal(r[5].n, 6);
    assert_true(r[6].x > 17 && r[6].x < 19);
    assert_true(r[7].x < 1e-9 && r[8].x < 0.001);
    assert_int_equal(r[9].site.v, 8);
    /* Both of a group find each other. */
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ001,晋AZQ002"), &fake.note);
    assert_int_equal(fake.answer.n, 2);
    /* The neighbour is near on every trip and inside on two: chance. */
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ003", "trips=2"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ001", "days=6"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ001", "gap_s=10"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
    /* Six sites are enough, seven are not; nobody was near a plate never seen. */
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ001", "sites=6"), &fake.note);
    assert_int_equal(fake.answer.n, 1);
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ001", "sites=7"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
    kit_ok(FAKE_ASK(Q, 0, 6 * D, "plates=晋AZQ009"), &fake.note);
    assert_int_equal(fake.answer.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_companion_is_told_from_a_commuter),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
