/* SPDX-License-Identifier: Apache-2.0 */
#include "core/civil.h"

#include "kit/kit.h"

static const struct zone cn = {"Asia/Shanghai", 480};

static void
known_instants(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ts_ms t;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-02T00:00:00+08:00", INT64_C(1772380800000)},
        {"2026-03-02T00:00:00.5+08:00", INT64_C(1772380800500)},
        {"2024-02-29T23:59:59.999Z", INT64_C(1709251199999)},
        {"1969-12-31T23:59:59Z", -1000},
        {"1772380800000", INT64_C(1772380800000)},
        {"2026-03-02", INT64_C(1772380800000)},
        {"0", 0}, /* the beginning of the epoch, in milliseconds too */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ts_ms t = 1;
        struct note note;
        kit_ok(ts_parse(span_cstr(rows[i].text), &cn, &t, &note), &note);
        assert_true(t == rows[i].t);
    }
    char text[TS_TEXT];
    assert_string_equal(
        ts_format(text, INT64_C(1772380800123), &cn), "2026-03-02T00:00:00.123+08:00");
    assert_string_equal(
        ts_format_viid(text, INT64_C(1772380800123), &cn, true), "20260302000000123");
    struct civil c = civil_of(INT64_C(1772380800000), &cn);
    assert_int_equal(c.weekday, 1);
    assert_int_equal(civil_ms_of_day(INT64_C(1772380800123), &cn), 123);
    assert_string_equal(
        day_format(text, civil_day(INT64_C(1772380800000), &cn)), "20260302");
}

static void
what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "2026-02-29",
        "2026-13-01",
        "2026-03-02T24:00:00Z",
        "2026-03-02T00:00:00",
        "2026-03-02T00:00:60Z",
        "yesterday",
        "2026-03-02T00:00:00+99:00",
        "12345",
        "9223372036854775807",
        "-9223372036854775808",
        "253402300799999",
        "2026-03-02T00:00:00.Z"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ts_ms t;
        struct note note = {0};
        assert_int_equal(ts_parse(span_cstr(rows[i]), &cn, &t, &note), ERR_INPUT);
        assert_non_null(strstr(note.en, "write epoch milliseconds"));
    }
}

static void
viid_forms(void **state)
{
    (void)state;
    ts_ms t;
    assert_int_equal(ts_parse_viid(SPAN("20260302080000"), &cn, &t), OK);
    assert_true(t == INT64_C(1772380800000) + 8 * HOUR_MS);
    assert_int_equal(ts_parse_viid(SPAN("20260302080000250"), &cn, &t), OK);
    assert_true(t == INT64_C(1772380800250) + 8 * HOUR_MS);
    assert_int_equal(ts_parse_viid(SPAN("20261302080000"), &cn, &t), ERR_INPUT);
    assert_int_equal(ts_parse_viid(SPAN("2026030208000"), &cn, &t), ERR_INPUT);
    assert_int_equal(ts_parse_viid(SPAN("2026-09-28T10:30:00+08:00"), &cn, &t), OK);
}

static void
every_day_round_trips(void **state)
{
    (void)state;
    for (int64_t day = -200000; day < 200000; day += 37) {
        ts_ms t = civil_day_start(day, &cn) + 12345678;
        struct civil c = civil_of(t, &cn);
        ts_ms back;
        assert_int_equal(civil_ts(&c, &cn, &back), OK);
        assert_true(back == t);
        assert_true(civil_day(t, &cn) == day);
    }
}

static void
zones(void **state)
{
    (void)state;
    struct zone z;
    struct note note;
    assert_int_equal(zone_parse(SPAN("-03:30"), &z, &note), OK);
    assert_int_equal(z.offset_min, -210);
    assert_int_equal(zone_parse(SPAN("Mars"), &z, &note), ERR_INPUT);
    assert_int_equal(zone_parse(SPAN("+25:00"), &z, &note), ERR_INPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants), cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(viid_forms),     cmocka_unit_test(every_day_round_trips),
        cmocka_unit_test(zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
