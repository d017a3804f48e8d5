/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cur.h"

#include "kit/kit.h"

static void
round_trips(void **state)
{
    (void)state;
    static const uint64_t values[] = {
        0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 63};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        buf_varint(&b, values[i]);
        buf_le(&b, values[i], 8);
        buf_span(&b, SPAN("text"));
        buf_varint(&b, zigzag_encode((int64_t)values[i]));
    }
    struct cur c = cur_of(b.p, b.n);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_true(cur_varint(&c) == values[i]);
        assert_true(cur_u64_le(&c) == values[i]);
        assert_span_equal(cur_span(&c), "text");
        assert_true(zigzag_decode(cur_varint(&c)) == (int64_t)values[i]);
    }
    assert_false(c.bad);
    assert_int_equal(cur_left(&c), 0);
    assert_int_equal(cur_u8(&c), 0);
    assert_true(c.bad);
    buf_release(&b);
    buf_release(&b);
}

static void
every_cut_is_noticed(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_varint(&b, UINT64_MAX);
    buf_span(&b, SPAN("hello"));
    buf_le(&b, 77, 4);
    for (size_t n = 0; n < b.n; n++) {
        struct cur c = cur_of(b.p, n);
        cur_varint(&c);
        cur_span(&c);
        cur_u32_le(&c);
        assert_true(c.bad);
    }
    buf_release(&b);
    struct cur overlong = cur_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    cur_varint(&overlong);
    assert_true(overlong.bad);
    struct cur huge = cur_of("\xff\xff\xff\xff\x0fxx", 7);
    assert_null(cur_span(&huge).p);
    assert_true(huge.bad);
}

static void
big_endian_and_take(void **state)
{
    (void)state;
    struct cur c = cur_of("\x01\x02\x03\x04", 4);
    assert_int_equal(cur_be(&c, 2), 0x0102);
    assert_int_equal(cur_le(&c, 2), 0x0403);
    assert_null(cur_take(&c, 1));
}

static void
json_strings_escape(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_json(&b, span_of("a\"\\\n\x01\xE6\x99\x8B\xFFz", 10));
    assert_span_equal(
        span_of(b.p, b.n), "\"a\\\"\\\\\\n\\u0001\xE6\x99\x8B\xEF\xBF\xBDz\"");
    buf_clear(&b);
    buf_json(&b, SPAN(""));
    buf_fmt(&b, "%s%d", "n", 5);
    assert_span_equal(span_of(b.p, b.n), "\"\"n5");
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(big_endian_and_take),
        cmocka_unit_test(json_strings_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
