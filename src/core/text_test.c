/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text.h"

#include "kit/kit.h"

static void
utf8_by_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n, step;
    } rows[] = {
        {"a", 1, 1},
        {"\xC2\x80", 2, 2},
        {"\xC1\x80", 2, 0}, /* overlong */
        {"\xE0\xA0\x80", 3, 3},
        {"\xE0\x9F\xBF", 3, 0}, /* overlong */
        {"\xED\xA0\x80", 3, 0}, /* surrogate */
        {"\xED\x9F\xBF", 3, 3},
        {"\xF0\x90\x80\x80", 4, 4},
        {"\xF0\x8F\xBF\xBF", 4, 0}, /* overlong */
        {"\xF4\x8F\xBF\xBF", 4, 4},
        {"\xF4\x90\x80\x80", 4, 0}, /* past U+10FFFF */
        {"\xE6\x99", 2, 0},         /* cut off */
        {"\x80", 1, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(utf8_step(span_of(rows[i].bytes, rows[i].n)), rows[i].step);
    assert_true(utf8_valid(SPAN("晋A12345")));
    assert_false(utf8_valid(SPAN("晋A\xFF")));
    assert_int_equal(utf8_count(SPAN("晋A\xFF")), 3);
}

static void
points_round_trip(void **state)
{
    (void)state;
    struct buf b = {0};
    for (uint32_t p = 1; p < 0x110000; p += p < 0x3000 ? 1 : 97) {
        if (p >= 0xD800 && p < 0xE000)
            continue;
        buf_clear(&b);
        utf8_put(&b, p);
        uint32_t back = 0;
        assert_int_equal(utf8_decode(span_of(b.p, b.n), &back), b.n);
        assert_int_equal(back, p);
    }
    buf_release(&b);
}

static void
a_reason_is_two_chinese_characters_or_five_letters(void **state)
{
    (void)state;
    static const char *const enough[] = {"肇逃",    "check",   "查 A1b2",
                                         " 核 查 ", "ab 12 c", "поиск"};
    static const char *const little[] = {
        "",        "查",     "查。。。", "abcd",
        "a b c d", "......", "     ",    "\xFF\xFF\xFF\xFF\xFF"};
    for (size_t i = 0; i < sizeof enough / sizeof *enough; i++)
        assert_true(utf8_is_reason(span_cstr(enough[i])));
    for (size_t i = 0; i < sizeof little / sizeof *little; i++)
        assert_false(utf8_is_reason(span_cstr(little[i])));
}

static void
gb18030_reads_and_refuses(void **state)
{
    (void)state;
    struct buf b = {0};
    struct note note = {0};
    kit_ok(gb18030_decode(SPAN("\xBD\xFA\x41"), &b, &note), &note); /* 晋A */
    assert_span_equal(span_of(b.p, b.n), "晋A");
    buf_clear(&b);
    assert_int_equal(gb18030_decode(SPAN("ab\xFF\xFF"), &b, &note), ERR_INPUT);
    assert_string_equal(note.en, "byte 2 is not GB18030");
    buf_release(&b);
    assert_span_equal(text_skip_bom(SPAN("\xEF\xBB\xBFx")), "x");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_by_the_table),
        cmocka_unit_test(points_round_trip),
        cmocka_unit_test(a_reason_is_two_chinese_characters_or_five_letters),
        cmocka_unit_test(gb18030_reads_and_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
