/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "core/cur.h"
#include "model/sighting.h"

#include <jansson.h>

static struct sighting
example(void)
{
    struct sighting s = {
        .pass_ms = 1772380856875,
        .site = {385},
        .device = {7},
        .speed_dkmh = 805,
        .lane = 4,
        .direction = 1,
        .confidence = 93,
        .plate_color = 5,
        .vehicle_color = 2,
        .record_id = SPAN("rec-\"1\""),
        .image = SPAN("http://127.0.0.1/a.jpg"),
    };
    bool differs;
    plate_parse(SPAN("晋A·12345"), &s.plate, &differs);
    s.plate_text = SPAN("晋A·12345");
    assert_true(code3_parse(SPAN("K33"), &s.vehicle_class));
    assert_true(code3_parse(SPAN("13"), &s.brand));
    return s;
}

static void
test_id_round_trip(void **state)
{
    (void)state;
    struct kit_rand r = {5};
    for (int i = 0; i < 20000; i++) {
        struct sighting_id id = {
            (ts_ms)kit_rand_u64(&r) >> kit_rand_below(&r, 40),
            (uint32_t)kit_rand_u64(&r),
            (uint32_t)kit_rand_u64(&r),
        };
        char text[SIGHTING_ID_TEXT];
        struct sighting_id back;
        if (id.pass_ms == INT64_MIN)
            continue;
        assert_true(sighting_id_parse(span_cstr(sighting_id_format(text, id)), &back));
        assert_true(sighting_id_eq(id, back));
    }
    static const char *const bad[] = {
        "",
        "-",
        "1-2",
        "1-2-3",
        "1-2-0000000g",
        "+1-2-00000000",
        "x-2-00000000",
        "1-x-00000000",
        "1-2-00000000-",
        "1-4294967296-00000000",
        "--1-2-00000000"};
    struct sighting_id back;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(sighting_id_parse(span_cstr(bad[i]), &back));
}

static void
test_tag_depends_on_device_and_record(void **state)
{
    (void)state;
    uint32_t a = sighting_tag((struct device_id){1}, SPAN("A1"));
    assert_int_equal(a, sighting_tag((struct device_id){1}, SPAN("A1")));
    assert_int_not_equal(a, sighting_tag((struct device_id){2}, SPAN("A1")));
    assert_int_not_equal(a, sighting_tag((struct device_id){1}, SPAN("A2")));
    /* stored in ids that people keep: the value may never change */
    assert_int_equal(sighting_tag((struct device_id){0}, SPAN("")), 0xd3bca084);
}

static void
test_batch(void **state)
{
    (void)state;
    struct sighting_batch *b = sighting_batch_new(3, 1 << 20);
    assert_non_null(b);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) {
            struct sighting *s = sighting_batch_add(b);
            assert_non_null(s);
            assert_int_equal(s->speed_dkmh, SPEED_UNKNOWN);
            assert_int_equal(s->confidence, CONFIDENCE_UNKNOWN);
            assert_int_equal(s->site.v, 0);
            s->site.v = 9;
        }
        assert_null(sighting_batch_add(b));
        for (uint32_t i = 0; i < 20; i++)
            assert_true(sighting_batch_picture(b, i % 3, SPAN("jpeg"), 1));
        assert_int_equal(b->pictures_n, 20);
        assert_int_equal(b->pictures[19].row, 1);
        for (uint32_t i = 0; i < 9; i++)
            assert_true(sighting_batch_unplaced(b, i, SPAN("K1")));
        assert_int_equal(b->unplaced_n, 9);
        assert_int_equal(b->unplaced[8].row, 8);
        sighting_batch_clear(b);
        assert_int_equal(b->n, 0);
        assert_int_equal(b->pictures_n, 0);
        assert_int_equal(b->unplaced_n, 0);
    }
    sighting_batch_free(b);
    sighting_batch_free(NULL);
    assert_null(sighting_batch_new(1000, 1000)); /* the cap holds */
}

static void
test_json(void **state)
{
    (void)state;
    struct sighting s = example();
    struct buf out = {0};
    sighting_json(&out, &s, SPAN("14010\x01"));
    json_error_t err;
    json_t *o = json_loadb((const char *)out.p, out.n, 0, &err);
    assert_non_null(o);
    const char *id, *plate, *cls, *brand, *site, *record, *image;
    int plate_color, color, lane, direction, confidence;
    json_int_t time;
    double speed;
    assert_int_equal(
        json_unpack(
            o, "{s:s s:s s:i s:s s:i s:s s:s s:i s:i s:I s:F s:i s:s s:s !}", "id", &id,
            "plate", &plate, "plate_color", &plate_color, "vehicle_class", &cls,
            "vehicle_color", &color, "brand", &brand, "site", &site, "lane", &lane,
            "direction", &direction, "time_ms", &time, "speed_kmh", &speed,
            "confidence", &confidence, "record_id", &record, "image", &image),
        0);
    char text[SIGHTING_ID_TEXT];
    assert_string_equal(id, sighting_id_format(text, sighting_id_of(&s)));
    assert_string_equal(plate, "晋A12345");
    assert_string_equal(cls, "K33");
    assert_string_equal(brand, "13");
    assert_string_equal(site, "14010\x01");
    assert_string_equal(record, "rec-\"1\"");
    assert_string_equal(image, "http://127.0.0.1/a.jpg");
    assert_int_equal(plate_color, 5);
    assert_int_equal(color, 2);
    assert_int_equal(lane, 4);
    assert_int_equal(direction, 1);
    assert_int_equal(confidence, 93);
    assert_true(time == s.pass_ms);
    assert_true(speed == 80.5);
    json_decref(o);
    buf_release(&out);
}

static void
test_json_of_an_unknown_vehicle(void **state)
{
    (void)state;
    struct sighting s = {
        .speed_dkmh = SPEED_UNKNOWN, .confidence = CONFIDENCE_UNKNOWN, .pass_ms = -5};
    struct buf out = {0};
    sighting_json(&out, &s, SPAN(""));
    json_t *o = json_loadb((const char *)out.p, out.n, 0, NULL);
    assert_non_null(o);
    assert_true(json_is_null(json_object_get(o, "speed_kmh")));
    assert_true(json_is_null(json_object_get(o, "confidence")));
    assert_string_equal(json_string_value(json_object_get(o, "plate")), "");
    assert_int_equal(json_integer_value(json_object_get(o, "time_ms")), -5);
    json_decref(o);
    buf_clear(&out);
    bool differs;
    plate_parse(SPAN("出租车123"), &s.plate, &differs); /* foreign: shown as sent */
    s.plate_text = SPAN("出租车123");
    sighting_json(&out, &s, SPAN(""));
    o = json_loadb((const char *)out.p, out.n, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(o, "plate")), "出租车123");
    json_decref(o);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_round_trip),
        cmocka_unit_test(test_tag_depends_on_device_and_record),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_of_an_unknown_vehicle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
