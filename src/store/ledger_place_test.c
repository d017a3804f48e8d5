/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_place.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"

static void
sites(void **state)
{
    (void)state;
    struct fixture f;
    struct site_table *t;
    struct site_id id;
    bool made = false;
    fixture_open(&f);
    struct site s = {
        .code = "140100000012",
        .name = "迎泽大街",
        .lon = 1125500000,
        .lat = 378700000,
        .kind = SITE_GANTRY,
        .lanes = 4,
        .limit_kmh = 60,
        .directions = 6,
        .color_map = "sdk0",
        .road = "迎泽大街",
        .org = {2}};
    kit_ok(ledger_site_put(f.l, &s), NULL);
    assert_int_equal(s.id.v, 1);
    struct site again = s; /* an import repeated: the same row */
    again.id.v = 0;
    again.lanes = 5;
    kit_ok(ledger_site_put(f.l, &again), NULL);
    assert_int_equal(again.id.v, 1);
    kit_ok(ledger_site_ensure(f.l, SPAN("140100000012"), &id, &made), NULL);
    assert_false(made);
    kit_ok(ledger_site_ensure(f.l, SPAN("NEW-7"), &id, &made), NULL);
    assert_true(made);
    assert_int_equal(id.v, 2);
    struct site nameless = {0}, unknown = {.id = {9}, .code = "x"};
    assert_int_equal(ledger_site_put(f.l, &nameless), ERR_INPUT);
    assert_int_equal(ledger_site_put(f.l, &unknown), ERR_NOTFOUND);
    assert_int_equal(
        ledger_site_ensure(
            f.l, SPAN("a code that is far too long to be a site"), &id, &made),
        ERR_INPUT);
    fixture_again(&f);
    kit_ok(ledger_site_table(f.r, 4, &t), NULL);
    assert_int_equal(t->n, 2);
    const struct site *got = site_get(t, (struct site_id){1});
    assert_int_equal(got->lanes, 5);
    assert_int_equal(got->lat, 378700000);
    assert_string_equal(got->color_map, "sdk0");
    assert_int_equal(got->directions, 6);
    assert_false(site_is_placed(site_get(t, (struct site_id){2})));
    assert_string_equal(site_get(t, (struct site_id){2})->name, "NEW-7");
    site_table_unref(t);
    fixture_close(&f);
}

/* A gantry is two sites, and its radio stands where it stands. */
static void
gantries(void **state)
{
    (void)state;
    struct fixture f;
    struct site_table *t;
    struct site_id id;
    bool made = false;
    fixture_open(&f);
    kit_ok(ledger_site_ensure(f.l, SPAN("G000514001000110010-RSU"), &id, &made), NULL);
    kit_ok(ledger_site_ensure(f.l, SPAN("G000514001000110010"), &id, &made), NULL);
    kit_ok(ledger_site_ensure(f.l, SPAN("K1-RSU"), &id, &made), NULL);
    kit_ok(ledger_site_table(f.r, 1, &t), NULL);
    assert_int_equal(site_get(t, (struct site_id){1})->kind, SITE_RSU);
    assert_int_equal(site_get(t, (struct site_id){2})->kind, SITE_GANTRY);
    assert_false(site_is_placed(site_get(t, (struct site_id){1})));
    site_table_unref(t);
    struct site s = {
        .code = "G000514001000110010",
        .lon = 1125500000,
        .lat = 378700000,
        .kind = SITE_GANTRY,
        .road = "京昆高速",
        .org = {2}};
    kit_ok(ledger_site_put(f.l, &s), NULL);
    kit_ok(ledger_site_table(f.r, 2, &t), NULL);
    const struct site *radio = site_get(t, (struct site_id){1});
    assert_int_equal(radio->lat, 378700000);
    assert_string_equal(radio->road, "京昆高速");
    assert_int_equal(radio->org.v, 2);
    assert_false(site_is_placed(site_get(t, (struct site_id){3})));
    site_table_unref(t);
    fixture_close(&f);
}

static void
zones(void **state)
{
    (void)state;
    struct fixture f;
    struct zone_row *rows;
    struct permit_row *permits;
    size_t n;
    struct zone_point ring[4] = {
        {1125000000, 378000000},
        {1126000000, 378000000},
        {-5, -6},
        {1125000000, 379000000}};
    struct zone_window windows[2] = {{31, 420, 540}, {127, 1320, 360}};
    fixture_open(&f);
    struct zone_row z = {
        .code = "centre",
        .name = "中心城区",
        .kind = "truck_ban",
        .classes = "H,Q",
        .points = ring,
        .points_n = 4,
        .windows = windows,
        .windows_n = 2,
        .from_ms = 1};
    kit_ok(ledger_zone_put(f.l, &z), NULL);
    z.to_ms = 99;
    z.id = 0;
    kit_ok(ledger_zone_put(f.l, &z), NULL); /* by code */
    assert_int_equal(z.id, 1);
    struct zone_row line = {.code = "line", .points = ring, .points_n = 2};
    assert_int_equal(ledger_zone_put(f.l, &line), ERR_INPUT);
    struct permit_row p = {
        .zone = 1, .plate = {0x1234}, .plate_color = 6, .to_ms = 50, .number = "T-1"};
    kit_ok(ledger_permit_put(f.l, &p), NULL);
    p.id = 0;
    p.to_ms = 60;
    kit_ok(ledger_permit_put(f.l, &p), NULL); /* by number */
    struct permit_row nameless = {.plate = {0x77}};
    kit_ok(ledger_permit_put(f.l, &nameless), NULL);
    fixture_again(&f);
    kit_ok(ledger_zones(f.r, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].to_ms, 99);
    assert_int_equal(rows[0].points_n, 4);
    assert_int_equal(rows[0].points[2].lat, -6);
    assert_int_equal(rows[0].windows[1].from_min, 1320);
    assert_int_equal(rows[0].windows[0].days, 31);
    assert_string_equal(rows[0].classes, "H,Q");
    kit_ok(ledger_permits(f.r, &f.a, &permits, &n), NULL);
    assert_int_equal(n, 2);
    assert_int_equal(permits[0].to_ms, 60);
    assert_int_equal(permits[0].plate.v, 0x1234);
    fixture_close(&f);
}

static void
sections(void **state)
{
    (void)state;
    struct fixture f;
    struct section_row *rows;
    size_t n;
    fixture_open(&f);
    struct section_row s = {
        .code = "S1",
        .name = "环线北段",
        .from = {1},
        .to = {2},
        .dist_m = 5200,
        .limit_kmh = 80,
        .limit_truck_kmh = 60,
        .direction = 1};
    kit_ok(ledger_section_put(f.l, &s), NULL);
    s.id = 0;
    s.dist_m = 5300;
    kit_ok(ledger_section_put(f.l, &s), NULL);
    struct section_row bad = {.code = "S2"};
    assert_int_equal(ledger_section_put(f.l, &bad), ERR_INPUT);
    fixture_again(&f);
    kit_ok(ledger_sections(f.r, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].dist_m, 5300);
    assert_int_equal(rows[0].limit_truck_kmh, 60);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites),
        cmocka_unit_test(gantries),
        cmocka_unit_test(zones),
        cmocka_unit_test(sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
