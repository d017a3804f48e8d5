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
        enum when_form form;
    } rows[] = {
        {"20260302080000", 1772409600000, WHEN_STANDARD},
        {"20260302080000123", 1772409600123, WHEN_STANDARD},
        {" 20260302080000 ", 1772409600000, WHEN_STANDARD},
        {"1772409600", 1772409600000, WHEN_OTHER},
        {"1772409600123", 1772409600123, WHEN_OTHER},
        {"1772409600123456", 1772409600123, WHEN_OTHER},
        {"2026-03-02T08:00:00+08:00", 1772409600000, WHEN_OTHER},
        {"2026-03-02T00:00:00Z", 1772409600000, WHEN_OTHER},
        {"2026-03-02T00:00:00.5Z", 1772409600500, WHEN_OTHER},
        {"2026-03-02T08:00:00", 1772409600000, WHEN_OTHER},
        {"2026-03-02 08:00:00", 1772409600000, WHEN_OTHER},
        {"2026-03-02 08:00:00.123", 1772409600123, WHEN_OTHER},
        {"2026/3/2 8:00", 1772409600000, WHEN_OTHER},
        {"2026/03/02  08:00:00", 1772409600000, WHEN_OTHER},
        {"20261302080000", 0, 0},
        {"20260230080000", 0, 0},
        {"20260302250000", 0, 0},
        {"20260302080060", 0, 0}, /* no day ends here, in no zone of the message */
        {"20260302080060000", 0, 0},
        {"2016-12-31T12:30:60Z", 0, 0},
        {"20260302075961", 0, 0},
        {"20170101075960", 1483228799999, WHEN_LEAP}, /* 2016-12-31T23:59:60Z */
        {"20170101075960500", 1483228799999, WHEN_LEAP},
        {"2016-12-31T23:59:60Z", 1483228799999, WHEN_LEAP},
        {"2016-12-31T23:59:60.25+00:00", 1483228799999, WHEN_LEAP},
        {"2017-01-01 07:59:60", 1483228799999, WHEN_LEAP},
        {"20161231235960", 1483199999999, WHEN_LEAP}, /* the camera's own midnight */
        {"20161231235959999", 1483199999999, WHEN_STANDARD},
        {"2017-01-01T08:59:60+09:00", 1483228799999, WHEN_LEAP},
        {"202603020800", 0, 0},
        {"19700101080000", 0, 0}, /* a clock that was never set */
        {"00000000000000", 0, 0},
        {"99991231235959", 0, 0},
        {"2026-03-02", 0, 0},
        {"-772409600123", 0, 0},
        {"2026-03-02 08:00:00 pm", 0, 0},
        {"2026-03-02T", 0, 0},
        {"2026", 0, 0},
        {"", 0, 0},
        {"yesterday", 0, 0},
        {"99999999999999999999", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ts_ms t = 0;
        enum when_form form;
        bool read = when_parse(span_cstr(rows[i].text), &shanghai, &t, &form);
        if (read != (rows[i].t != 0) || (read && t != rows[i].t))
            fail_msg("\"%s\" gives %lld", rows[i].text, (long long)t);
        if (read)
            assert_int_equal(form, rows[i].form);
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
        enum when_form form;
        assert_true(when_parse(
            span_cstr(ts_format_viid(text, t, &shanghai, true)), &shanghai, &back,
            &form));
        assert_true(form == WHEN_STANDARD && back == t);
        assert_true(when_parse(
            span_cstr(ts_format(text, t, &shanghai)), &shanghai, &back, &form));
        assert_true(form == WHEN_OTHER && back == t);
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
