/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "core/cur.h"
#include "model/alarm.h"

static struct alarm
sample(void)
{
    struct alarm a = {
        .id = {UINT64_C(0x0123456789abcdef)},
        .rule = "cloned_plate",
        .state = ALARM_REVISED,
        .level = LEVEL_ORANGE,
        .contradiction = CONTRA_COLOR | CONTRA_BRAND,
        .stop = true,
        .plate_color = 5,
        .site = {12},
        .pass_ms = 1772380800123,
        .late_us = 7200000000,
        .probability = 0.8375,
        .watch = 99,
        .watch_code = "BK-7",
        .subject = "a \"quoted\" subject",
        .evidence_n = 2,
        .numbers_n = 1,
        .passage = 77,
        .model = 3,
        .registry_version = 5,
        .watch_version = 6,
        .lsn = 1234567,
    };
    bool differs;
    plate_parse(SPAN("晋A12345"), &a.plate, &differs);
    plate_parse(SPAN("晋A1234S"), &a.read, &differs);
    a.evidence[0].id = (struct sighting_id){1772380800123, 12, 0xdeadbeef};
    memcpy(a.evidence[0].record_id, "r-1", sizeof "r-1");
    a.evidence[0].read = a.read;
    a.evidence[1].id = (struct sighting_id){-5, 3, 1};
    a.evidence[1].role = 2;
    a.numbers[0].name = "speed_kmh";
    a.numbers[0].value = 212.25;
    return a;
}

static void
test_round_trip(void **state)
{
    (void)state;
    struct alarm a = sample(), b;
    struct buf out = {0}, again = {0};
    alarm_encode(&out, &a);
    assert_int_equal(alarm_decode(span_of(out.p, out.n), &b), OK);
    assert_string_equal(b.rule, a.rule);
    assert_int_equal(b.pass_ms, a.pass_ms);
    assert_int_equal(b.late_us, a.late_us);
    assert_true(b.probability == a.probability);
    assert_string_equal(b.numbers[0].name, "speed_kmh");
    assert_true(b.numbers[0].value == 212.25);
    assert_int_equal(b.evidence[1].id.pass_ms, -5);
    alarm_encode(&again, &b);
    assert_int_equal(again.n, out.n);
    assert_memory_equal(again.p, out.p, out.n);
    buf_release(&out);
    buf_release(&again);
}

static void
test_damage(void **state)
{
    (void)state;
    struct alarm a = sample(), b;
    struct buf out = {0};
    alarm_encode(&out, &a);
    for (size_t n = 0; n < out.n; n++)
        assert_int_equal(alarm_decode(span_of(out.p, n), &b), ERR_CORRUPT);
    for (size_t i = 0; i < out.n;
         i++) { /* any flipped byte: refused or read, never worse */
        out.p[i] ^= 0xff;
        enum err e = alarm_decode(span_of(out.p, out.n), &b);
        assert_true(e == OK || e == ERR_CORRUPT);
        assert_true(e != OK || b.evidence_n <= ALARM_EVIDENCE);
        out.p[i] ^= 0xff;
    }
    buf_u8(&out, 0);
    assert_int_equal(alarm_decode(span_of(out.p, out.n), &b), ERR_CORRUPT);
    buf_release(&out);
}

static void
test_json(void **state)
{
    (void)state;
    struct alarm a = sample();
    struct buf out = {0};
    alarm_json(&out, &a, NULL);
    json_error_t error;
    json_t *j = json_loadb((const char *)out.p, out.n, 0, &error);
    assert_non_null(j);
    assert_string_equal(
        json_string_value(json_object_get(j, "id")), "0123456789abcdef");
    assert_string_equal(json_string_value(json_object_get(j, "state")), "revised");
    assert_string_equal(json_string_value(json_object_get(j, "level")), "orange");
    assert_string_equal(json_string_value(json_object_get(j, "read")), "晋A1234S");
    assert_string_equal(
        json_string_value(json_object_get(j, "subject")), "a \"quoted\" subject");
    assert_int_equal(json_array_size(json_object_get(j, "evidence")), 2);
    assert_int_equal(json_array_size(json_object_get(j, "contradiction")), 2);
    assert_int_equal(json_integer_value(json_object_get(j, "late_ms")), 7200000);
    json_decref(j);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
