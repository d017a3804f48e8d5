/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/trajectory.h"

#include "kit/kit.h"
#include "model/look_mint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sites 1..5 in a row, 60 seconds apart; 9 stands aside. */
static struct sighting rows[8];
static size_t rows_n;
static struct site_table *sites;
static struct analysis_cell cells[2000];
static size_t cells_n;

static enum err
by_plate(
    void *ctx, struct plate plate, ts_ms from, ts_ms to, size_t limit,
    struct arena *arena, struct analysis_rows *out)
{
    (void)ctx, (void)plate, (void)from, (void)to, (void)limit, (void)arena;
    *out = (struct analysis_rows){rows, rows_n, false};
    return OK;
}

static enum err
flow(
    void *ctx, ts_ms from, ts_ms to, struct arena *arena, struct analysis_cell **out,
    size_t *n)
{
    (void)ctx, (void)from, (void)to;
    *out = arena_array(arena, cells_n + 1, sizeof **out);
    *n = cells_n;
    memcpy(*out, cells, cells_n * sizeof *cells);
    return OK;
}

static uint32_t
least_ms(void *ctx, struct site_id a, struct site_id b)
{
    (void)ctx;
    if (a.v == 9 || b.v == 9)
        return 600000;
    return a.v > 5 || b.v > 5 ? 0 : (uint32_t)abs((int)a.v - (int)b.v) * 60000;
}

static void
learned(void *ctx, struct site_id site, struct analysis_learned *out)
{
    (void)ctx, (void)site;
    *out = (struct analysis_learned){.unread = 0.02, .misread = 0.01};
}

static struct analysis_needs needs = {
    .by_plate = by_plate, .flow = flow, .least_ms = least_ms, .learned = learned};

static void
pass(uint32_t site, ts_ms at)
{
    rows[rows_n++] = (struct sighting){.pass_ms = at, .plate = {5}, .site = {site}};
}

static struct trajectory
ask(struct arena *a)
{
    struct trajectory t;
    struct note note = {0};
    struct look_limits l = {
        .number = 1, .kinds = LOOK_TRAJECTORY, .from_ms = 0, .to_ms = DAY_MS};
    struct look_permit *p = look_permit_new(&l);
    assert_non_null(p);
    kit_ok(
        trajectory_of(p, &needs, (struct plate){5}, 0, DAY_MS, 100, a, &t, &note),
        &note);
    look_permit_free(p);
    return t;
}

static int
setup(void **state)
{
    (void)state;
    sites = site_table_new(16);
    for (uint32_t i = 1; i <= 9; i++) {
        struct site s = {.id = {i}, .code = {(char)('A' + i), 0}};
        site_table_put(sites, &s);
    }
    needs.sites = sites;
    rows_n = cells_n = 0;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    site_table_unref(sites);
    return 0;
}

static void
sites_on_the_way_are_named_with_their_chance(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 24);
    pass(1, 10 * HOUR_MS);
    pass(2, 10 * HOUR_MS + MINUTE_MS);
    pass(4, 10 * HOUR_MS + 3 * MINUTE_MS); /* 3 did not read it */
    struct trajectory t = ask(&a);
    assert_int_equal(t.gaps_n, 1);
    assert_int_equal(t.gaps[0].after, 1);
    assert_int_equal(t.gaps[0].between_n, 1);
    assert_int_equal(t.gaps[0].between[0].v, 3);
    assert_int_equal(t.gaps[0].free_ms, 0);
    double want = 0.7 * 0.03 / (0.7 * 0.03 + 0.3);
    assert_true(fabs(t.gaps[0].unseen - want) < 1e-9 && fabs(t.unseen - want) < 1e-9);
    assert_true(fabs(t.missed - 0.02) < 1e-9);
    arena_release(&a);
}

static void
a_blind_site_sees_nobody(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 24);
    /* Site 3 gives ten passes every five minutes but for the hour from ten. */
    for (int i = 0; i < 288; i++)
        if (i < 120 || i >= 132)
            cells[cells_n++] = (struct analysis_cell){{3}, i * ANALYSIS_CELL_MS, 10};
    pass(2, 10 * HOUR_MS + 20 * MINUTE_MS);
    pass(4, 10 * HOUR_MS + 22 * MINUTE_MS);
    struct trajectory t = ask(&a);
    assert_int_equal(t.gaps_n, 1);
    assert_true(t.gaps[0].blind);
    assert_true(fabs(t.gaps[0].unseen - 0.7) < 1e-9);
    arena_release(&a);
}

static void
time_that_is_not_accounted_for(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 24);
    pass(1, 10 * HOUR_MS);
    pass(2, 11 * HOUR_MS);
    pass(2, 11 * HOUR_MS + MINUTE_MS); /* the same place: no gap */
    struct trajectory t = ask(&a);
    assert_int_equal(t.gaps_n, 1);
    assert_int_equal(t.gaps[0].between_n, 0);
    assert_int_equal(t.gaps[0].free_ms, 59 * MINUTE_MS);
    assert_true(t.unseen < 1e-9);
    rows_n = 0;
    t = ask(&a);
    assert_int_equal(t.gaps_n, 0);
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            sites_on_the_way_are_named_with_their_chance, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blind_site_sees_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(
            time_that_is_not_accounted_for, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
