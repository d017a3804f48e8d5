/* SPDX-License-Identifier: Apache-2.0 */
/* Every pass that was not in the answer, one by one. */
#include "model/look_scope.h"

#include "kit/kit.h"

#define T0 INT64_C(1763690000000)

static struct sighting
pass(const char *plate, uint32_t site, ts_ms at, const char *record)
{
    bool differs;
    struct sighting s = {
        .pass_ms = at,
        .arrive_ms = at,
        .site = {site},
        .plate_color = 5,
        .vehicle_color = 2,
        .record_id = span_cstr(record)};
    (void)plate_parse(span_cstr(plate), &s.plate, &differs);
    (void)code3_parse(SPAN("K33"), &s.vehicle_class);
    (void)code3_parse(SPAN("13"), &s.brand);
    return s;
}

static struct look_scope
at_sites(void)
{
    struct look_scope sc = {
        .from_ms = T0, .to_ms = T0 + HOUR_MS, .sites = {{3}, {4}}, .sites_n = 2};
    look_scope_answered(&sc, NULL, 0, false, T0 + HOUR_MS);
    return sc;
}

static void
an_empty_scope_holds_nothing(void **state)
{
    (void)state;
    struct look_scope sc = {.from_ms = 0, .to_ms = INT64_MAX};
    struct sighting s = pass("晋A12345", 3, T0, "1");
    assert_false(look_scope_holds(&sc, &s)); /* never answered */
    look_scope_answered(&sc, NULL, 0, false, T0);
    assert_false(look_scope_holds(&sc, &s)); /* bound to nothing */
}

static void
a_look_at_sites(void **state)
{
    (void)state;
    struct look_scope sc = at_sites();
    struct sighting s = pass("晋A12345", 3, T0, "1");
    assert_true(look_scope_holds(&sc, &s));
    s.site.v = 5; /* another site */
    assert_false(look_scope_holds(&sc, &s));
    s.site.v = 4;
    s.pass_ms = s.arrive_ms = T0 - 1; /* another time: before, and the end itself */
    assert_false(look_scope_holds(&sc, &s));
    s.pass_ms = s.arrive_ms = T0 + HOUR_MS;
    assert_false(look_scope_holds(&sc, &s));
    s.pass_ms = s.arrive_ms = T0 + HOUR_MS - 1;
    assert_true(look_scope_holds(&sc, &s));
    s.arrive_ms = T0 + HOUR_MS + 1; /* arrived when the answer had left */
    assert_false(look_scope_holds(&sc, &s));
    s = pass("", 3, T0, "1"); /* unread plates stand in an answer by place */
    assert_true(look_scope_holds(&sc, &s));
}

static void
the_body_narrows(void **state)
{
    (void)state;
    struct sighting s = pass("晋A12345", 3, T0, "1");
    for (int i = 0; i < 4; i++) {
        struct look_scope sc = at_sites();
        sc.plate_color = i == 0 ? 1 : 0;
        sc.vehicle_color = i == 1 ? 1 : 0;
        if (i == 2)
            (void)code3_parse(SPAN("H11"), &sc.vehicle_class);
        if (i == 3)
            (void)code3_parse(SPAN("14"), &sc.brand);
        assert_false(look_scope_holds(&sc, &s));
    }
    struct look_scope sc = at_sites();
    sc.plate_color = 5;
    sc.vehicle_color = 2;
    sc.vehicle_class = s.vehicle_class;
    sc.brand = s.brand;
    assert_true(look_scope_holds(&sc, &s));
}

static void
a_look_at_a_plate_or_part_of_one(void **state)
{
    (void)state;
    struct look_scope sc = {.from_ms = T0, .to_ms = T0 + HOUR_MS};
    struct sighting s = pass("晋A12345", 9, T0, "1"),
                    twin = pass("晋A12346", 9, T0, "2"),
                    other = pass("晋B12345", 9, T0, "3"), none = pass("", 9, T0, "4");
    sc.plate = s.plate;
    look_scope_answered(&sc, NULL, 0, false, T0 + HOUR_MS);
    assert_true(look_scope_holds(&sc, &s));
    assert_false(look_scope_holds(&sc, &twin));
    assert_false(look_scope_holds(&sc, &none));
    sc.plate = PLATE_NONE;
    assert_true(plate_pattern_parse(SPAN("晋A1234?"), &sc.pattern));
    assert_true(look_scope_holds(&sc, &s));
    assert_true(look_scope_holds(&sc, &twin));
    assert_false(look_scope_holds(&sc, &other));
    assert_false(look_scope_holds(&sc, &none));
    sc.sites[0].v = 8;
    sc.sites_n = 1;
    assert_false(look_scope_holds(&sc, &s));
}

static void
a_cut_answer_ends_at_its_last_row(void **state)
{
    (void)state;
    struct look_scope sc = at_sites();
    struct sighting rows[] = {
        pass("晋A00001", 3, T0, "1"), pass("晋A00002", 3, T0 + 1, "2"),
        pass("晋A00005", 4, T0 + 1, "3")};
    look_scope_answered(&sc, rows, 3, true, T0 + HOUR_MS);
    for (unsigned i = 0; i < 3; i++)
        assert_true(look_scope_holds(&sc, &rows[i]));
    struct sighting later = pass("晋A00001", 3, T0 + 2, "4"),
                    place = pass("晋A00009", 3, T0 + 1, "5"),
                    plate = pass("晋A00006", 4, T0 + 1, "6"),
                    twin = pass("晋A00005", 4, T0 + 1, "7");
    assert_false(look_scope_holds(&sc, &later));
    assert_true(look_scope_holds(&sc, &place)); /* sorts before the last row */
    assert_false(look_scope_holds(&sc, &plate));
    assert_false(look_scope_holds(&sc, &twin)); /* in doubt: no */
    look_scope_answered(&sc, rows, 3, false, T0 + HOUR_MS);
    assert_true(look_scope_holds(&sc, &later));
}

static void
a_camera_ahead_of_our_clock(void **state)
{
    (void)state;
    struct look_scope sc = at_sites();
    struct sighting row = pass("晋A00001", 3, T0 + MINUTE_MS, "1"),
                    next = pass("晋A00001", 3, T0 + MINUTE_MS + 1, "2");
    look_scope_answered(&sc, &row, 1, false, T0);
    assert_true(look_scope_holds(&sc, &row));
    assert_false(look_scope_holds(&sc, &next)); /* came behind the look */
}

static void
passes_one_by_one(void **state)
{
    (void)state;
    struct look_scope sc, got;
    struct sighting a = pass("晋A00001", 3, T0, "1"), b = pass("晋A00002", 4, T0, "2"),
                    c = pass("晋A00002", 4, T0, "3");
    struct sighting_id ids[LOOK_IDS + 1] = {sighting_id_of(&a), sighting_id_of(&b)};
    struct buf out = {0};
    look_scope_listed(&sc, ids, 2, T0);
    look_scope_encode(&out, &sc);
    kit_ok(look_scope_decode(span_of(out.p, out.n), &got), NULL);
    assert_true(look_scope_holds(&got, &a) && look_scope_holds(&got, &b));
    assert_false(look_scope_holds(&got, &c)); /* another record of the same moment */
    for (size_t n = 1; n < out.n; n++)
        assert_int_equal(look_scope_decode(span_of(out.p, n), &got), ERR_CORRUPT);
    ids[LOOK_IDS] = sighting_id_of(&c);
    look_scope_listed(&sc, ids, LOOK_IDS + 1, T0);
    assert_false(look_scope_holds(&sc, &c)); /* past what is kept */
    look_scope_listed(&sc, ids, 0, T0);
    assert_false(look_scope_holds(&sc, &a));
    buf_release(&out);
}

static bool
same(const struct look_scope *a, const struct look_scope *b)
{
    struct buf x = {0}, y = {0};
    look_scope_encode(&x, a);
    look_scope_encode(&y, b);
    bool is = x.n == y.n && (!x.n || memcmp(x.p, y.p, x.n) == 0);
    buf_release(&x);
    buf_release(&y);
    return is;
}

static void
bytes_and_back(void **state)
{
    (void)state;
    struct look_scope sc = at_sites(), got;
    struct sighting row = pass("晋A00001", 3, T0 + 7, "1"),
                    past = pass("晋A00001", 3, T0 + 8, "2");
    struct buf b = {0};
    assert_true(plate_pattern_parse(SPAN("晋A*1"), &sc.pattern));
    sc.vehicle_color = 2;
    sc.brand = row.brand;
    look_scope_answered(&sc, &row, 1, true, T0 + HOUR_MS);
    look_scope_encode(&b, &sc);
    kit_ok(look_scope_decode(span_of(b.p, b.n), &got), NULL);
    assert_true(same(&sc, &got));
    assert_true(look_scope_holds(&got, &row));
    assert_false(look_scope_holds(&got, &past));
    for (size_t n = 1; n < b.n; n++) /* cut short, it is no scope */
        assert_int_equal(look_scope_decode(span_of(b.p, n), &got), ERR_CORRUPT);
    buf_u8(&b, 0);
    assert_int_equal(look_scope_decode(span_of(b.p, b.n), &got), ERR_CORRUPT);
    b.p[0] = 2;
    assert_int_equal(look_scope_decode(span_of(b.p, b.n), &got), ERR_NEWER);
    buf_clear(&b);
    sc = (struct look_scope){.from_ms = 5};
    look_scope_encode(&b, &sc);
    assert_int_equal(b.n, 0);
    kit_ok(look_scope_decode(SPAN(""), &got), NULL);
    assert_false(got.answered);
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_scope_holds_nothing),
        cmocka_unit_test(a_look_at_sites),
        cmocka_unit_test(the_body_narrows),
        cmocka_unit_test(a_look_at_a_plate_or_part_of_one),
        cmocka_unit_test(a_cut_answer_ends_at_its_last_row),
        cmocka_unit_test(a_camera_ahead_of_our_clock),
        cmocka_unit_test(passes_one_by_one),
        cmocka_unit_test(bytes_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
