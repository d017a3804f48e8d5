/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "feeds/when.h"

static const struct zone shanghai = {"Asia/Shanghai", 480};

static void
test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ts_ms t; /* 0: not read */
        bool standard;
    } rows[] = {
        {"20260302080000", 1772409600000, true},
        {"20260302080000123", 1772409600123, true},
        {" 20260302080000 ", 1772409600000, true},
        {"1772409600", 1772409600000, false},
        {"1772409600123", 1772409600123, false},
        {"1772409600123456", 1772409600123, false},
        {"2026-03-02T08:00:00+08:00", 1772409600000, false},
        {"2026-03-02T00:00:00Z", 1772409600000, false},
        {"2026-03-02T00:00:00.5Z", 1772409600500, false},
        {"2026-03-02T08:00:00", 1772409600000, false},
        {"2026-03-02 08:00:00", 1772409600000, false},
        {"2026-03-02 08:00:00.123", 1772409600123, false},
        {"2026/3/2 8:00", 1772409600000, false},
        {"2026/03/02  08:00:00", 1772409600000, false},
        {"20261302080000", 0, false},
        {"20260230080000", 0, false},
        {"20260302250000", 0, false},
        {"20260302080060", 0, false},
        {"202603020800", 0, false},
        {"19700101080000", 0, false}, /* a clock that was never set */
        {"00000000000000", 0, false},
        {"99991231235959", 0, false},
        {"2026-03-02", 0, false},
        {"-772409600123", 0, false},
        {"2026-03-02 08:00:00 pm", 0, false},
        {"2026-03-02T", 0, false},
        {"2026", 0, false},
        {"", 0, false},
        {"yesterday", 0, false},
        {"99999999999999999999", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ts_ms t = 0;
        bool standard;
        bool read = when_parse(span_cstr(rows[i].text), &shanghai, &t, &standard);
        if (read != (rows[i].t != 0) || (read && t != rows[i].t))
            fail_msg("\"%s\" gives %lld", rows[i].text, (long long)t);
        if (read)
            assert_int_equal(standard, rows[i].standard);
    }
}

/* Every second form of a random instant is read back as that instant. */
static void
test_round_trip(void **state)
{
    (void)state;
    struct kit_rand r = {8};
    unsigned rounds = kit_rounds(50000, 5000000);
    for (unsigned i = 0; i < rounds; i++) {
        ts_ms t = INT64_C(700000000000) + (ts_ms)(kit_rand_u64(&r) % 3000000000000u),
              back;
        char text[TS_TEXT];
        bool standard;
        assert_true(when_parse(
            span_cstr(ts_format_viid(text, t, &shanghai, true)), &shanghai, &back,
            &standard));
        assert_true(standard && back == t);
        assert_true(when_parse(
            span_cstr(ts_format(text, t, &shanghai)), &shanghai, &back, &standard));
        assert_true(!standard && back == t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
