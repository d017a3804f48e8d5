/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"
#include "analysis/points.h"

extern const struct question question_collide;
#define PLATE "晋AZQ001"

static uint32_t radio; /* of the gantry S3 */

/* S3 is a gantry with a radio; S9-RSU is a radio whose gantry nobody knows. */
static void
begin(void)
{
    fake_clear();
    struct site_table *t = site_table_copy(fake.sites, 2);
    struct site s = {.kind = SITE_RSU, .code = "S3-RSU"};
    assert_non_null(t);
    radio = site_table_put(t, &s).v;
    snprintf(s.code, sizeof s.code, "NOWHERE-RSU");
    (void)site_table_put(t, &s);
    site_table_unref(fake.sites);
    fake.sites = t;
    fake_needs.sites = t;
}

static const struct analysis_needs *
opened(void)
{
    const struct analysis_needs *n;
    kit_ok(points_open(&fake_needs, &fake.arena, &n), NULL);
    return n;
}

static struct {
    size_t n;
    uint32_t site[16];
    ts_ms at[16];
} seen;

static enum err
see(void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    (void)arg;
    (void)plate;
    seen.n = n;
    for (size_t i = 0; i < n && i < 16; i++) {
        seen.at[i] = at[i];
        seen.site[i] = site[i];
    }
    return OK;
}

static void
read_by_both_counts_once(void **state)
{
    (void)state;
    struct analysis_rows rows;
    begin();
    fake_seen(PLATE, 2, 0);
    fake_seen(PLATE, 3, 5);
    fake_seen(PLATE, radio, 5.1); /* behind the camera */
    fake_seen(PLATE, radio, 65);  /* before it */
    fake_seen(PLATE, 3, 65.5);
    fake_seen(PLATE, radio, 120); /* the camera missed it */
    const struct analysis_needs *n = opened();
    kit_ok(n->reads(n->ctx, fake_ms(0), fake_ms(600), see, NULL), NULL);
    assert_int_equal(seen.n, 4);
    assert_int_equal(seen.site[0], 2);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(seen.site[i], 3);
    assert_true(seen.at[2] == fake_ms(65.5) && seen.at[3] == fake_ms(120));
    kit_ok(
        n->by_plate(
            n->ctx, fake_plate(PLATE), fake_ms(0), fake_ms(600), 100, &fake.arena,
            &rows),
        NULL);
    assert_int_equal(rows.n, 4);
    assert_int_equal(rows.rows[3].site.v, 3);
    assert_true(rows.rows[3].pass_ms == fake_ms(120));
    assert_true(rows.rows[2].pass_ms == fake_ms(65.5));
}

static void
of_some_sites(void **state)
{
    (void)state;
    struct analysis_pass *p;
    size_t k;
    begin();
    struct site_id both[2] = {{3}, {radio}};
    fake_seen(PLATE, 3, 5);
    fake_seen(PLATE, radio, 5.1);
    fake_seen("晋AZQ002", radio, 5.2); /* another's camera read is not its own */
    const struct analysis_needs *n = opened();
    kit_ok(
        n->passes(n->ctx, both, 2, fake_ms(0), fake_ms(600), &fake.arena, &p, &k),
        NULL);
    assert_int_equal(k, 2);
    assert_int_equal(p[0].site.v, 3);
    assert_int_equal(p[1].site.v, 3);
    fake_plate_is(p[1].plate, "晋AZQ002");
    /* the radio by itself keeps its reads */
    kit_ok(
        n->passes(n->ctx, both + 1, 1, fake_ms(0), fake_ms(600), &fake.arena, &p, &k),
        NULL);
    assert_int_equal(k, 2);
    assert_int_equal(p[0].site.v, radio);
}

static void
who_was_near_is_asked_of_the_store(void **state)
{
    (void)state;
    struct plate *near;
    size_t k;
    begin();
    struct analysis_pass at[2] = {
        {fake_ms(5), fake_plate(PLATE), {3}}, {fake_ms(9), fake_plate(PLATE), {4}}};
    fake_seen(PLATE, 3, 5);
    fake_seen(PLATE, 4, 9);
    fake_seen("晋AZQ002", 3, 5.5);
    fake_seen("晋AZQ002", 4, 9.5);
    fake_seen("晋AZQ003", 3, 5.5);
    fake_seen("晋AZQ003", 4, 11);
    const struct analysis_needs *n = opened();
    kit_ok(n->near(n->ctx, at, 2, MINUTE_MS, 2, &fake.arena, &near, &k), NULL);
    assert_int_equal(k, 2);
    fake_plate_is(near[1], "晋AZQ002");
    kit_ok(n->near(n->ctx, at, 2, MINUTE_MS, 1, &fake.arena, &near, &k), NULL);
    assert_int_equal(k, 3);
}

static void
a_question_goes_through_it(void **state)
{
    (void)state;
    begin();
    fake_seen(PLATE, 3, 8 * 60 + 5);
    fake_seen(PLATE, radio, 8 * 60 + 5.1);
    kit_ok(
        FAKE_ASK(
            question_collide, 0, 1440,
            "windows=+S3,S3-RSU@2024-10-04T08:00:00Z/2024-10-04T09:00:00Z"),
        &fake.note);
    assert_int_equal(fake.answer.n, 1);
    assert_int_equal(fake_row(&question_collide, 0)[2].n, 1); /* passes */
}

static void
without_radios_nothing_changes(void **state)
{
    (void)state;
    fake_clear();
    assert_ptr_equal(opened(), &fake_needs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_by_both_counts_once),
        cmocka_unit_test(of_some_sites),
        cmocka_unit_test(who_was_near_is_asked_of_the_store),
        cmocka_unit_test(a_question_goes_through_it),
        cmocka_unit_test(without_radios_nothing_changes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
