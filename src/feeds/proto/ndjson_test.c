/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "feeds/feed.h"

#include <jansson.h>
#include <stdlib.h>

extern const struct feed feed_ndjson;

static const struct zone shanghai = {"Asia/Shanghai", 480};

static bool
site_of(void *ctx, struct span code, struct feed_site *out)
{
    ++*(unsigned *)ctx;
    if (!span_eq_cstr(code, "K1"))
        return false;
    *out = (struct feed_site){{1}, NULL};
    return true;
}

static uint64_t
version_of(void *ctx)
{
    (void)ctx;
    return 3;
}

struct bench {
    unsigned asked;
    struct feed_needs needs;
    struct feeds *feeds;
    struct arena arena;
    char body[1 << 16];
    struct feed_in in;
    struct feed_out out;
    struct feed_reply head;
};

static struct bench *
bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->needs = (struct feed_needs){&b->asked, site_of, version_of};
    b->feeds = feeds_new(&b->needs);
    assert_non_null(b->feeds);
    arena_init(&b->arena, 16u << 20);
    return b;
}

static void
bench_free(struct bench *b)
{
    feed_out_release(&b->out);
    feeds_free(b->feeds);
    arena_release(&b->arena);
    free(b);
}

static void
post(struct bench *b, struct span body)
{
    assert_true(body.n + DOM_PAD <= sizeof b->body);
    feed_out_release(&b->out);
    arena_reset(&b->arena);
    memcpy(b->body, body.p, body.n);
    memset(b->body + body.n, '}', DOM_PAD);
    b->in = (struct feed_in){
        .method = FEED_POST,
        .path = SPAN("/api/v1/sightings"),
        .body = span_of(b->body, body.n),
        .device = {4},
        .now_ms = 9,
        .zone = &shanghai,
    };
    feed_out_init(&b->out, &b->arena);
    assert_ptr_equal(feed_find(b->in.path), &feed_ndjson);
    kit_ok(feed_decode(b->feeds, &feed_ndjson, &b->in, &b->out), NULL);
}

static json_t *
reply_of(struct bench *b, bool english)
{
    struct feed_about about = {5, &shanghai, SPAN("x"), english};
    struct buf body = {0};
    feed_ndjson.reply(&b->in, &b->out, &about, &body, &b->head);
    json_t *o = json_loadb((const char *)body.p, body.n, 0, NULL);
    assert_non_null(o);
    buf_release(&body);
    return o;
}

#define GOOD(id)                                                                       \
    "{\"plate\":\"晋A12345\",\"plate_color\":5,\"vehicle_class\":\"K33\",\"vehicle_"  \
    "color\":2,"                                                                       \
    "\"brand\":13,\"site\":\"K1\",\"lane\":2,\"direction\":\"3\",\"time_ms\":"         \
    "1772409600000,"                                                                   \
    "\"speed_kmh\":61.5,\"confidence\":93,\"record_id\":\"" id                         \
    "\",\"image\":\"/1.jpg\"}\n"

static void
test_lines(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(b, SPAN("\xEF\xBB\xBF" GOOD("a") "\r\n" GOOD("b")));
    assert_int_equal(b->out.what, FEED_PASSES);
    assert_int_equal(b->out.batch->n, 2);
    assert_int_equal(b->out.faults.seen, 0);
    assert_int_equal(b->asked, 1);
    const struct sighting *s = &b->out.batch->rows[1];
    char text[PLATE_TEXT];
    assert_string_equal(plate_format(text, s->plate), "晋A12345");
    assert_int_equal(s->plate_color, 5);
    assert_int_equal(s->vehicle_color, 2);
    assert_string_equal(code3_format(text, s->vehicle_class), "K33");
    assert_string_equal(code3_format(text, s->brand), "13");
    assert_int_equal(s->site.v, 1);
    assert_int_equal(s->device.v, 4);
    assert_int_equal(s->lane, 2);
    assert_int_equal(s->direction, 3);
    assert_int_equal(s->speed_dkmh, 615);
    assert_int_equal(s->confidence, 93);
    assert_span_equal(s->record_id, "b");
    assert_span_equal(s->image, "/1.jpg");
    assert_true(s->pass_ms == 1772409600000 && s->arrive_ms == 9);
    b->out.batch->lsn = 77;
    b->out.batch->fate[1] = FATE_DUPLICATE;
    json_t *o = reply_of(b, true);
    assert_int_equal(json_integer_value(json_object_get(o, "taken")), 1);
    assert_int_equal(json_integer_value(json_object_get(o, "duplicates")), 1);
    assert_int_equal(json_integer_value(json_object_get(o, "lsn")), 77);
    assert_int_equal(json_array_size(json_object_get(o, "refused")), 0);
    assert_int_equal(b->head.status, 200);
    json_decref(o);
    bench_free(b);
}

static void
test_refused_lines(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int line;
    } want[] = {{"not_json", 2}, {"not_object", 3}, {"no_time", 4},
                {"bad_time", 5}, {"no_place", 6},   {"future", 8}};
    struct bench *b = bench_new();
    post(
        b,
        SPAN(GOOD(
            "a") "{\"plate\"\n[1]\n{\"site\":\"K1\"}\n"
                 "{\"site\":\"K1\",\"time_ms\":\"noon\"}\n{\"time_ms\":1772409600000}\n"
                 "\n" GOOD("b")));
    assert_int_equal(b->out.batch->n, 2);
    b->out.batch->fate[1] = FATE_FUTURE;
    json_t *o = reply_of(b, true);
    json_t *refused = json_object_get(o, "refused");
    assert_int_equal(json_array_size(refused), 6);
    for (size_t i = 0; i < 6; i++) {
        json_t *r = json_array_get(refused, i);
        assert_string_equal(
            json_string_value(json_object_get(r, "code")), want[i].code);
        assert_int_equal(json_integer_value(json_object_get(r, "line")), want[i].line);
        assert_true(json_string_length(json_object_get(r, "message")) > 0);
    }
    assert_int_equal(json_integer_value(json_object_get(o, "taken")), 1);
    json_t *zh = reply_of(b, false);
    assert_string_equal(
        json_string_value(json_object_get(
            json_array_get(json_object_get(zh, "refused"), 5), "message")),
        "过车时间超前两分钟以上，请校时");
    json_decref(zh);
    json_decref(o);
    bench_free(b);
}

static void
test_texts_with_nul(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(b, SPAN(GOOD("a\\u0000") GOOD("a\\u0000b")));
    assert_int_equal(b->out.batch->n, 1);
    assert_span_equal(b->out.batch->rows[0].record_id, "a");
    assert_int_equal(feed_fault_count(&b->out.faults, FAULT_NUL_BYTE), 2);
    json_t *o = reply_of(b, true);
    json_t *refused = json_array_get(json_object_get(o, "refused"), 0);
    assert_string_equal(
        json_string_value(json_object_get(refused, "code")), "nul_byte");
    assert_int_equal(json_integer_value(json_object_get(refused, "line")), 2);
    json_decref(o);
    bench_free(b);
}

static void
test_all_busy_is_503(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(b, SPAN(GOOD("a") GOOD("b")));
    b->out.batch->fate[0] = b->out.batch->fate[1] = FATE_REFUSED;
    json_decref(reply_of(b, true));
    assert_int_equal(b->head.status, 503);
    assert_true(b->head.retry);
    b->in.method = FEED_GET;
    feed_out_release(&b->out);
    feed_out_init(&b->out, &b->arena);
    kit_ok(feed_decode(b->feeds, &feed_ndjson, &b->in, &b->out), NULL);
    json_decref(reply_of(b, true));
    assert_int_equal(b->head.status, 405);
    bench_free(b);
}

static void
test_unknown_sites_wait(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, SPAN("{\"site\":4711,\"time_ms\":1772409600000,\"plate\":null}\n"
                "{\"site\":\"K1\",\"time_ms\":1772409600000,\"plate\":[],\"speed_kmh\":"
                "-1}\n"));
    assert_int_equal(b->out.batch->n, 2);
    assert_int_equal(b->out.batch->unplaced_n, 1);
    assert_span_equal(b->out.batch->unplaced[0].code, "4711");
    assert_int_equal(feed_fault_count(&b->out.faults, FAULT_NO_ID), 2);
    assert_int_equal(feed_fault_count(&b->out.faults, FAULT_BAD_CODE), 1);
    assert_int_equal(feed_fault_count(&b->out.faults, FAULT_BAD_NUMBER), 1);
    assert_int_equal(b->out.batch->rows[1].speed_dkmh, SPEED_UNKNOWN);
    bench_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refused_lines),
        cmocka_unit_test(test_texts_with_nul),
        cmocka_unit_test(test_all_busy_is_503),
        cmocka_unit_test(test_unknown_sites_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
