/* SPDX-License-Identifier: Apache-2.0 */
#include "core/span.h"

#include "kit/kit.h"

static void
cuts_and_trims(void **state)
{
    (void)state;
    struct span rest = SPAN("a,,bc");
    assert_span_equal(span_cut(&rest, ','), "a");
    assert_span_equal(span_cut(&rest, ','), "");
    assert_span_equal(span_cut(&rest, ','), "bc");
    assert_int_equal(rest.n, 0);
    assert_span_equal(span_trim(SPAN(" \t x y\r\n")), "x y");
    assert_span_equal(span_trim(SPAN("  ")), "");
    assert_span_equal(span_skip(SPAN("abc"), 9), "");
}

static void
copies_only_what_fits(void **state)
{
    (void)state;
    char dst[4] = "zzz";
    assert_true(span_copy(dst, sizeof dst, SPAN("abc")));
    assert_string_equal(dst, "abc");
    assert_false(span_copy(dst, sizeof dst, SPAN("abcd")));
    assert_string_equal(dst, "");
    assert_false(span_copy(dst, 0, SPAN("")));
}

static void
cuts_between_characters(void **state)
{
    (void)state;
    static const char bytes[] = "a车\xF0\xA0\x80\x80z"; /* 1, 3, 4 and 1 bytes */
    static const size_t ends[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9};
    char dst[sizeof bytes + 2];
    struct span text = span_cstr(bytes);
    for (size_t most = 0; most < sizeof ends / sizeof *ends; most++) {
        assert_int_equal(span_fit(text, most).n, ends[most]);
        span_copy_fit(dst, most + 1, text);
        assert_int_equal(strlen(dst), ends[most]);
        assert_memory_equal(dst, bytes, ends[most]);
    }
    span_copy_fit(dst, sizeof dst, span_cstr(NULL));
    assert_string_equal(dst, "");
}

static void
numbers_are_whole_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t v;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1 ", false, 0},
        {"1e3", false, 0},
        {"--1", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t v = 42;
        assert_int_equal(span_i64(span_cstr(rows[i].text), &v), rows[i].ok);
        assert_true(v == (rows[i].ok ? rows[i].v : 42));
    }
    double d = 0;
    assert_true(span_f64(SPAN("-1.5e2"), &d) && d == -150.0);
    assert_false(span_f64(SPAN("nan"), &d));
    assert_false(span_f64(SPAN("1e999"), &d));
    assert_false(span_f64(SPAN("0x10"), &d));
    assert_false(span_f64(SPAN(""), &d));
    assert_false(span_f64(SPAN("1.5 "), &d));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_and_trims),
        cmocka_unit_test(copies_only_what_fits),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(numbers_are_whole_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
