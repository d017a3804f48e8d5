/* SPDX-License-Identifier: Apache-2.0 */
/* Days join, old ones go, slips keep their newest sample, vendors are shown. */
#include "serve/quality_rows.h"
#include "kit/kit.h"
#include "store/ledger_fixture.h"

#include <jansson.h>

#define TODAY 20514

static json_t *
row_of(struct fixture *f, const struct quality_ask *ask, struct device_id id)
{
    struct buf out = {0};
    struct device d = {.id = id, .code = "14010000001190000001", .protocol = "viid"};
    json_error_t fault;
    (void)f;
    kit_ok(quality_json(&out, ask, &d), NULL);
    json_t *row = json_loadb((const char *)out.p, out.n, 0, &fault);
    assert_non_null(row);
    buf_release(&out);
    return row;
}

static json_int_t
number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static void
days_join(void **state)
{
    (void)state;
    struct fixture f;
    struct device_id one = {1}, two = {2};
    struct quality_day n = {.objects = 10, .stored = 8, .duplicates = 1, .late = 2};
    fixture_open(&f);
    for (int day = 0; day < QUALITY_DAYS + 4; day++)
        for (int twice = 0; twice < 2; twice++)
            kit_ok(
                quality_put(f.l, one, TODAY - QUALITY_DAYS - 3 + day, &n, NULL, 0),
                NULL);
    kit_ok(quality_put(f.l, two, TODAY, &n, NULL, 0), NULL);
    struct quality_ask ask = {.reader = f.r, .today = TODAY, .days = 1, .full = true};
    json_t *row = row_of(&f, &ask, one);
    assert_int_equal(number(row, "objects"), 20);
    assert_int_equal(number(row, "stored"), 16);
    assert_int_equal(number(row, "late"), 4);
    assert_int_equal(number(row, "unread"), 0);
    assert_true(json_is_null(json_object_get(row, "misread_rate")));
    json_decref(row);
    ask.days = QUALITY_DAYS;
    row = row_of(&f, &ask, one);
    assert_int_equal(number(row, "objects"), 20 * QUALITY_DAYS);
    assert_int_equal(json_array_size(json_object_get(row, "days")), QUALITY_DAYS);
    json_decref(row);
    row = row_of(&f, &ask, (struct device_id){9}); /* never sent anything */
    assert_int_equal(number(row, "objects"), 0);
    assert_int_equal(json_array_size(json_object_get(row, "kinds")), 0);
    json_decref(row);
    fixture_close(&f);
}

static void
slips_keep_the_newest_sample(void **state)
{
    (void)state;
    struct fixture f;
    struct device_id one = {1};
    struct quality_day n = {.objects = 1};
    struct feed_faults faults;
    fixture_open(&f);
    feed_faults_clear(&faults);
    feed_fault(&faults, FAULT_BAD_CODE, "PlateColor", SPAN("77"));
    feed_fault(&faults, FAULT_BAD_CODE, "PlateColor", SPAN("78"));
    kit_ok(quality_put(f.l, one, TODAY - 1, &n, &faults, 1000), NULL);
    feed_faults_clear(&faults);
    feed_fault(&faults, FAULT_BAD_CODE, "PlateColor", SPAN("99"));
    feed_fault(&faults, FAULT_TIME_FORM, "PassTime", SPAN("2026-03-02"));
    kit_ok(quality_put(f.l, one, TODAY, &n, &faults, 2000), NULL);
    kit_ok(quality_vendor_put(f.l, one, SPAN("某\"厂")), NULL);
    struct quality_ask ask = {.reader = f.r, .today = TODAY, .days = 2, .full = true};
    json_t *row = row_of(&f, &ask, one);
    assert_int_equal(number(row, "faults"), 4);
    assert_string_equal(json_string_value(json_object_get(row, "vendor")), "某\"厂");
    json_t *kinds = json_object_get(row, "kinds");
    assert_int_equal(json_array_size(kinds), 2);
    json_t *first = json_array_get(kinds, 0);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "bad_code");
    assert_int_equal(number(first, "n"), 3);
    assert_int_equal(number(first, "at_ms"), 2000);
    assert_string_equal(
        json_string_value(json_object_get(first, "sample")), "PlateColor=99");
    json_decref(row);
    ask.days = 1;
    row = row_of(&f, &ask, one);
    assert_int_equal(number(row, "faults"), 2);
    json_decref(row);
    fixture_close(&f);
}

static void
a_damaged_row_begins_anew(void **state)
{
    (void)state;
    struct fixture f;
    struct device_id one = {1};
    struct quality_day n = {.objects = 3};
    fixture_open(&f);
    kit_ok(ledger_meta_put(f.l, "quality:0000000001", SPAN("{\"days\":7}")), NULL);
    kit_ok(quality_put(f.l, one, TODAY, &n, NULL, 0), NULL);
    struct quality_ask ask = {.reader = f.r, .today = TODAY, .days = 1};
    json_t *row = row_of(&f, &ask, one);
    assert_int_equal(number(row, "objects"), 3);
    assert_null(json_object_get(row, "kinds"));
    json_decref(row);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_join),
        cmocka_unit_test(slips_keep_the_newest_sample),
        cmocka_unit_test(a_damaged_row_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
