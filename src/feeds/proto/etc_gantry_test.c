/* SPDX-License-Identifier: Apache-2.0 */
/* What the captures of tests/replay/etc_gantry do not show: known sites, ids, limits.
 */
#include "kit/kit.h"

#include "feeds/feed.h"
#include "model/toll.h"

#include <jansson.h>
#include <stdlib.h>

extern const struct feed feed_etc_gantry;

static const struct zone shanghai = {"Asia/Shanghai", 480};

static bool
site_of(void *ctx, struct span code, struct feed_site *out)
{
    (void)ctx;
    if (span_eq_cstr(code, "G000514001000110010"))
        *out = (struct feed_site){{3}, NULL};
    else if (span_eq_cstr(code, "G000514001000110010-RSU"))
        *out = (struct feed_site){{4}, NULL};
    else
        return false;
    return true;
}

struct bench {
    struct feeds *feeds;
    struct arena arena;
    char *body;
    struct feed_in in;
    struct feed_out out;
    struct feed_reply head;
};

static const struct feed_needs needs = {NULL, site_of, NULL};

static void
start(struct bench *b)
{
    *b = (struct bench){.feeds = feeds_new(&needs)};
    assert_non_null(b->feeds);
    arena_init(&b->arena, 64u << 20);
}

static void
stop(struct bench *b)
{
    feed_out_release(&b->out);
    feeds_free(b->feeds);
    arena_release(&b->arena);
    free(b->body);
}

static void
post(struct bench *b, struct span body, uint32_t device)
{
    feed_out_release(&b->out);
    arena_reset(&b->arena);
    free(b->body);
    b->body = malloc(body.n + DOM_PAD);
    assert_non_null(b->body);
    memcpy(b->body, body.p, body.n);
    memset(b->body + body.n, '}', DOM_PAD);
    b->in = (struct feed_in){
        .method = FEED_POST,
        .path = SPAN("/api/v1/gantry"),
        .body = span_of(b->body, body.n),
        .device = {device},
        .now_ms = 1772415009000,
        .zone = &shanghai,
    };
    feed_out_init(&b->out, &b->arena);
    assert_ptr_equal(feed_find(b->in.path), &feed_etc_gantry);
    kit_ok(feed_decode(b->feeds, &feed_etc_gantry, &b->in, &b->out), NULL);
}

static json_t *
reply_of(struct bench *b, bool english)
{
    struct feed_about about = {5, &shanghai, SPAN("x"), english};
    struct buf body = {0};
    feed_etc_gantry.reply(&b->in, &b->out, &about, &body, &b->head);
    json_t *o = json_loadb((const char *)body.p, body.n, 0, NULL);
    assert_non_null(o);
    buf_release(&body);
    return o;
}

#define TRADE                                                                          \
    "{\"tradeId\":\"T1\",\"gantryId\":\"G000514001000110010\",\"transTime\":"          \
    "\"2026-03-02T09:30:01\",\"mediaType\":1,\"vehiclePlate\":\"晋A12345_0\","        \
    "\"vehicleType\":1,\"antennaId\":2,\"tradeResult\":1}"
#define PICTURE                                                                        \
    "{\"picId\":\"P1\",\"gantryId\":\"G000514001000110010\",\"picTime\":"              \
    "\"2026-03-02T09:30:02\",\"vehiclePlate\":\"晋A12345_0\",\"laneNum\":\"2\"}"

static void
test_two_sites(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    post(&b, SPAN("[" TRADE "," PICTURE "]"), 7);
    assert_int_equal(b.out.batch->n, 2);
    assert_int_equal(b.out.batch->unplaced_n, 0);
    assert_int_equal(b.out.faults.seen, 0);
    const struct sighting *tag = &b.out.batch->rows[0], *seen = &b.out.batch->rows[1];
    assert_int_equal(tag->site.v, 4);
    assert_int_equal(seen->site.v, 3);
    assert_int_equal(tag->flags, SIGHTING_TAG);
    assert_int_equal(seen->flags, 0);
    assert_true(plate_eq(tag->plate, seen->plate));
    assert_int_equal(tag->plate_color, COLOR_BLUE);
    assert_int_equal(toll_number(tag->vehicle_class), 1);
    assert_int_equal(tag->lane, 2);
    assert_true(tag->pass_ms == 1772415001000 && tag->arrive_ms == 1772415009000);
    struct tag_note note;
    assert_true(tag_note_parse(tag->image, &note));
    assert_int_equal(note.medium, TAG_OBU);
    assert_int_equal(note.result, TAG_DONE);
    stop(&b);
}

/* The same record from a gantry, its platform and a file is one record. */
static void
test_same_whoever_sends(void **state)
{
    (void)state;
    struct bench b;
    struct sighting_id first[2];
    start(&b);
    for (uint32_t device = 0; device < 3; device++) {
        post(&b, SPAN(TRADE "\n" PICTURE "\n"), device);
        assert_int_equal(b.out.batch->n, 2);
        for (int i = 0; i < 2; i++) {
            struct sighting_id id = sighting_id_of(&b.out.batch->rows[i]);
            if (device == 0)
                first[i] = id;
            assert_true(sighting_id_eq(id, first[i]));
        }
    }
    stop(&b);
}

static void
test_answers(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    post(&b, SPAN("[" TRADE "," PICTURE "]"), 7);
    b.out.batch->fate[0] = FATE_DUPLICATE;
    b.out.batch->fate[1] = FATE_FUTURE;
    json_t *o = reply_of(&b, true);
    assert_int_equal(json_integer_value(json_object_get(o, "taken")), 0);
    assert_int_equal(json_integer_value(json_object_get(o, "duplicates")), 1);
    json_t *refused = json_array_get(json_object_get(o, "refused"), 0);
    assert_int_equal(json_integer_value(json_object_get(refused, "line")), 2);
    json_decref(o);
    b.out.batch->fate[0] = b.out.batch->fate[1] = FATE_REFUSED;
    json_decref(reply_of(&b, false));
    assert_int_equal(b.head.status, 503);
    assert_true(b.head.retry);
    post(&b, SPAN("nothing"), 7);
    o = reply_of(&b, true);
    assert_int_equal(b.head.status, 400);
    assert_non_null(strstr(
        json_string_value(json_object_get(json_object_get(o, "error"), "message")),
        "send a list"));
    json_decref(o);
    stop(&b);
}

static void
test_too_many(void **state)
{
    (void)state;
    struct bench b;
    struct buf body = {0};
    start(&b);
    buf_u8(&body, '[');
    for (unsigned i = 0; i < 100002; i++)
        buf_text(&body, i ? ",{}" : "{}");
    buf_u8(&body, ']');
    post(&b, span_of(body.p, body.n), 7);
    assert_int_equal(b.out.objects_n, 100002);
    assert_int_equal(b.out.batch->n, 0);
    assert_int_equal(feed_fault_count(&b.out.faults, FAULT_TOO_MANY), 2);
    assert_int_equal(feed_fault_count(&b.out.faults, FAULT_NO_TIME), 100000);
    buf_release(&body);
    stop(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_sites),
        cmocka_unit_test(test_same_whoever_sends),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
