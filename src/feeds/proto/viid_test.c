/* SPDX-License-Identifier: Apache-2.0 */
/* Samples written by other people (skipped where they are absent), then our own forms
 * of every fault. */
#include "kit/kit.h"

#include "core/os_clock.h"
#include "feeds/feed.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct feed feed_viid;

static const struct zone shanghai = {"Asia/Shanghai", 480};
static const struct color_map *map_of_k9;

/* Codes that begin with "K" are known sites: K7 is 7. */
static bool
site_of(void *ctx, struct span code, struct feed_site *out)
{
    uint64_t n;
    ++*(unsigned *)ctx;
    if (code.n < 2 || code.p[0] != 'K' || !span_u64(span_skip(code, 1), &n))
        return false;
    *out = (struct feed_site){{(uint32_t)n}, n == 9 ? map_of_k9 : NULL};
    return true;
}

struct bench {
    unsigned asked;
    struct feed_needs needs;
    struct feeds *feeds;
    struct arena arena;
    char path[128];
    char body[1 << 16];
    char *big;   /* a larger body, when made */
    bool nobody; /* without a header that says who sends */
    struct feed_in in;
    struct feed_out out;
    struct buf reply;
    struct feed_reply head;
};

static struct bench *
bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->needs = (struct feed_needs){&b->asked, site_of, NULL};
    b->feeds = feeds_new(&b->needs);
    assert_non_null(b->feeds);
    arena_init(&b->arena, 64u << 20);
    map_of_k9 = color_map_find(SPAN("sdk0"));
    return b;
}

static void
bench_free(struct bench *b)
{
    feed_out_release(&b->out);
    feeds_free(b->feeds);
    arena_release(&b->arena);
    free(b->big);
    buf_release(&b->reply);
    free(b);
}

/* Decodes a message; every row is taken to be stored. */
static void
send_to(struct bench *b, const char *path, enum feed_method method, struct span body)
{
    char *text = b->big ? b->big : b->body;
    assert_true(b->big || body.n + DOM_PAD <= sizeof b->body);
    feed_out_release(&b->out);
    arena_reset(&b->arena);
    if (body.n)
        memcpy(text, body.p, body.n);
    assert_true(span_copy(b->path, sizeof b->path, span_cstr(path)));
    memset(text + body.n, 0x7F, DOM_PAD);
    b->in = (struct feed_in){
        .method = method,
        .path = span_cstr(b->path),
        .body = span_of(text, body.n),
        .device = {3},
        .device_code = b->nobody ? SPAN("") : SPAN("14010000001190000001"),
        .now_ms = 1772380800000,
        .zone = &shanghai,
    };
    feed_out_init(&b->out, &b->arena);
    assert_ptr_equal(feed_find(b->in.path), &feed_viid);
    kit_ok(feed_decode(b->feeds, &feed_viid, &b->in, &b->out), NULL);
}

static void
post(struct bench *b, const char *resource, const char *body)
{
    char path[64];
    snprintf(path, sizeof path, "/VIID/%s", resource);
    send_to(b, path, FEED_POST, span_cstr(body));
}

static json_t *
reply_of(struct bench *b)
{
    struct feed_about about = {
        1772380800000, &shanghai, SPAN("14010000002000000001"), false};
    buf_clear(&b->reply);
    feed_viid.reply(&b->in, &b->out, &about, &b->reply, &b->head);
    json_t *o = json_loadb((const char *)b->reply.p, b->reply.n, 0, NULL);
    assert_non_null(o);
    return o;
}

/* StatusCode of the i-th object of a list answer. */
static int
code_of(json_t *reply, size_t i)
{
    json_t *list = json_object_get(
        json_object_get(reply, "ResponseStatusListObject"), "ResponseStatusObject");
    json_t *code = json_object_get(json_array_get(list, i), "StatusCode");
    assert_true(json_is_integer(code));
    return (int)json_integer_value(code);
}

/* ---- samples of others ---- */

static const char *
said(json_t *expect, const char *key)
{
    return json_string_value(json_object_get(expect, key));
}

static void
check_span(struct span s, json_t *expect, const char *key)
{
    const char *want = said(expect, key);
    if (!want)
        return;
    if (!span_eq_cstr(s, want))
        fail_msg("%s: \"%.*s\", expected \"%s\"", key, SPAN_ARG(s), want);
}

static void
check_time(ts_ms t, json_t *expect, const char *key)
{
    const char *want = said(expect, key);
    ts_ms w;
    if (!want)
        return;
    kit_ok(ts_parse(span_cstr(want), &shanghai, &w, NULL), NULL);
    assert_true(t == w);
}

static void
check_count(struct bench *b, json_t *expect)
{
    json_t *n = json_object_get(expect, "count");
    if (n)
        assert_int_equal(b->out.objects_n, json_integer_value(n));
}

static void
check_vehicle(struct bench *b, json_t *expect)
{
    const struct sighting *s = &b->out.batch->rows[0];
    assert_int_equal(b->out.what, FEED_PASSES);
    check_span(s->record_id, expect, "motor_vehicle_id");
    check_time(s->pass_ms, expect, "pass_time_iso");
    char plate[PLATE_TEXT];
    check_span(span_cstr(plate_format(plate, s->plate)), expect, "plate_no");
    char number[16];
    snprintf(number, sizeof number, "%u", s->plate_color);
    check_span(span_cstr(number), expect, "plate_color");
    snprintf(number, sizeof number, "%u", s->direction);
    check_span(span_cstr(number), expect, "direction");
    assert_int_equal(
        s->speed_dkmh, 10 * json_number_value(json_object_get(expect, "speed")));
    assert_int_equal(s->lane, json_integer_value(json_object_get(expect, "lane_no")));
    assert_true(s->image.n > 0);
}

static void
check_ask(struct bench *b, json_t *expect)
{
    const struct feed_ask *a = b->out.asks;
    assert_int_equal(b->out.what, FEED_ASKS);
    if (b->out.asks_n == 0)
        return;
    check_span(a->subscribe_id, expect, "subscribe_id");
    check_span(a->detail, expect, "subscribe_detail");
    check_span(a->address, expect, "receive_addr");
    check_time(a->begin_ms, expect, "begin_iso");
    check_time(a->end_ms, expect, "end_iso");
    check_time(a->appear_ms, expect, "appear_time_iso");
    if (json_object_get(expect, "resource_class"))
        assert_int_equal(
            a->resource_class,
            json_integer_value(json_object_get(expect, "resource_class")));
    if (json_object_get(expect, "result_feature_declare"))
        assert_int_equal(
            a->result_feature,
            json_integer_value(json_object_get(expect, "result_feature_declare")));
    if (json_object_get(expect, "duration_s"))
        assert_int_equal(
            a->end_ms - a->begin_ms,
            1000 * json_integer_value(json_object_get(expect, "duration_s")));
    if (a->kind == ASK_DISPOSITION)
        check_span(a->id, expect, "disposition_id");
    assert_int_equal(a->operate, 0);
}

static void
check_device(struct bench *b, json_t *expect)
{
    const struct feed_place *p = b->out.places;
    char number[8];
    assert_int_equal(b->out.what, FEED_PLACES);
    check_span(p->code, expect, "ape_id");
    check_span(p->name, expect, "name");
    check_span(p->address, expect, "ip");
    check_span(p->functions, expect, "function_type");
    snprintf(number, sizeof number, "%u", p->online);
    check_span(span_cstr(number), expect, "is_online");
    assert_false(p->has_position); /* 0, 0 is "not given" */
}

static void
send_json(struct bench *b, const char *uri, json_t *body)
{
    char *text = body && !json_is_null(body) ? json_dumps(body, JSON_COMPACT) : NULL;
    send_to(b, uri, FEED_POST, text ? span_cstr(text) : SPAN(""));
    free(text);
}

static void
check_exchange(struct bench *b, json_t *sample, json_t *expect)
{
    json_t *steps = json_object_get(json_object_get(sample, "body"), "steps");
    json_t *step;
    size_t i;
    json_array_foreach(steps, i, step)
    {
        if (strcmp(said(step, "direction"), "outbound") != 0)
            continue;
        send_json(b, said(step, "path"), json_object_get(step, "body"));
        assert_int_equal(b->out.what, FEED_REGISTER);
        check_span(b->out.device_code, expect, "device_id");
        json_t *reply = reply_of(b);
        json_t *status = json_object_get(reply, "ResponseStatusObject");
        check_span(
            span_cstr(said(status, "StatusString")), expect, "step3.body.StatusString");
        check_span(
            span_cstr(said(status, "RequestURL")), expect, "step3.body.RequestURL");
        assert_int_equal(json_integer_value(json_object_get(status, "StatusCode")), 0);
        assert_int_equal(strlen(said(status, "LocalTime")), 14);
        json_decref(reply);
    }
}

static void
check_sample(struct bench *b, json_t *sample)
{
    json_t *expect = json_object_get(sample, "expect");
    const char *resource = said(sample, "resource");
    if (strcmp(said(sample, "method"), "EXCHANGE") == 0) {
        check_exchange(b, sample, expect);
        return;
    }
    send_json(b, said(sample, "uri"), json_object_get(sample, "body"));
    check_count(b, expect);
    if (strcmp(resource, "MotorVehicles") == 0)
        check_vehicle(b, expect);
    else if (
        strcmp(resource, "Subscribes") == 0 || strcmp(resource, "Dispositions") == 0)
        check_ask(b, expect);
    else if (strcmp(resource, "APEs") == 0)
        check_device(b, expect);
    else if (strcmp(resource, "Faces") == 0)
        check_span(b->out.objects[0].id, expect, "face_id");
    else if (strcmp(resource, "Register") == 0)
        check_span(b->out.device_code, expect, "device_id");
    json_t *reply = reply_of(b);
    assert_int_equal(b->head.status, 200);
    for (size_t i = 0; i < b->out.objects_n; i++)
        assert_int_equal(code_of(reply, i), 0);
    json_decref(reply);
}

static void
test_samples_of_others(void **state)
{
    (void)state;
    char path[512], *line = NULL;
    size_t room = 0;
    unsigned n = 0;
    const char *file = kit_shared(path, "data/protocols/viid/viid_samples.jsonl");
    if (!file)
        skip();
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    struct bench *b = bench_new();
    while (getline(&line, &room, f) > 0) {
        json_t *sample = json_loads(line, 0, NULL);
        assert_non_null(sample);
        print_message("%s %s\n", said(sample, "id"), said(sample, "resource"));
        check_sample(b, sample);
        json_decref(sample);
        n++;
    }
    assert_int_equal(n, 12);
    bench_free(b);
    free(line);
    fclose(f);
}

/* ---- our own ---- */

#define ID1 "330101010012100000010220171018080608022060269801"
#define ID2 "330101010012100000010220171018080608022060269802"
#define ID3 "330101010012100000010220171018080608022060269803"
#define GOOD(id)                                                                       \
    "{\"MotorVehicleID\":\"" id                                                        \
    "\",\"InfoKind\":1,\"TollgateID\":\"K7\",\"PlateNo\":\"晋A12345\","               \
    "\"PlateColor\":\"5\",\"VehicleClass\":\"K33\",\"VehicleBrand\":\"13\","           \
    "\"VehicleColor\":\"2\","                                                          \
    "\"LaneNo\":2,\"Direction\":\"3\",\"Speed\":61.5,\"PlateReliability\":\"93\","     \
    "\"StorageUrl1\":\"/a/1.jpg\",\"PassTime\":\"20260302080000\"}"
#define LIST(objects)                                                                  \
    "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[" objects "]}}"

static uint32_t
faults(struct bench *b, enum feed_fault kind)
{
    return feed_fault_count(&b->out.faults, kind);
}

static void
test_standard_list(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(b, "MotorVehicles", LIST(GOOD(ID1) "," GOOD(ID2)));
    assert_int_equal(b->out.what, FEED_PASSES);
    assert_int_equal(b->out.faults.seen, 0);
    assert_int_equal(b->asked, 1); /* one site, one question */
    assert_int_equal(b->out.batch->n, 2);
    const struct sighting *s = &b->out.batch->rows[1];
    char text[PLATE_TEXT];
    assert_string_equal(plate_format(text, s->plate), "晋A12345");
    assert_span_equal(s->record_id, ID2);
    assert_span_equal(s->image, "/a/1.jpg");
    assert_null(s->plate_text.p);
    assert_int_equal(s->site.v, 7);
    assert_int_equal(s->device.v, 3);
    assert_int_equal(s->plate_color, COLOR_BLUE);
    assert_int_equal(s->vehicle_color, COLOR_WHITE);
    assert_string_equal(code3_format(text, s->vehicle_class), "K33");
    assert_string_equal(code3_format(text, s->brand), "13");
    assert_int_equal(s->lane, 2);
    assert_int_equal(s->direction, 3);
    assert_int_equal(s->speed_dkmh, 615);
    assert_int_equal(s->confidence, 93);
    assert_int_equal(s->flags, 0);
    assert_true(s->pass_ms == 1772409600000);
    assert_true(s->arrive_ms == 1772380800000);
    json_t *reply = reply_of(b);
    assert_int_equal(code_of(reply, 0), 0);
    assert_int_equal(code_of(reply, 1), 0);
    assert_int_equal(b->head.status, 200);
    assert_string_equal(b->head.type, "application/VIID+JSON;charset=UTF-8");
    json_decref(reply);
    bench_free(b);
}

static void
test_fates_are_answered(void **state)
{
    (void)state;
    static const struct {
        enum sighting_fate fate;
        int code;
    } rows[] = {{FATE_STORED, 0}, {FATE_DUPLICATE, 0}, {FATE_CONFLICT, 0},
                {FATE_FUTURE, 8}, {FATE_EXPIRED, 8},   {FATE_REFUSED, 2}};
    struct bench *b = bench_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        post(b, "MotorVehicles", LIST(GOOD(ID1) "," GOOD(ID2)));
        b->out.batch->fate[1] = (uint8_t)rows[i].fate;
        json_t *reply = reply_of(b);
        assert_int_equal(code_of(reply, 0), 0);
        assert_int_equal(code_of(reply, 1), rows[i].code);
        assert_int_equal(b->head.status, 200);
        json_decref(reply);
    }
    post(b, "MotorVehicles", LIST(GOOD(ID1) "," GOOD(ID2)));
    b->out.batch->fate[0] = b->out.batch->fate[1] = FATE_REFUSED;
    json_decref(reply_of(b));
    assert_int_equal(b->head.status, 503); /* all must come again */
    assert_true(b->head.retry);
    bench_free(b);
}

/* Every wrapping gives the one record; which fault is counted. */
static void
test_wrappings(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int fault; /* -1 none */
    } rows[] = {
        {LIST(GOOD(ID1)), -1},
        {"\xEF\xBB\xBF" LIST(GOOD(ID1)), -1},
        {"{\"MotorVehicleListObject\":{\"MotorVehicleObject\":" GOOD(ID1) "}}",
         FAULT_SINGLE},
        {"{\"MotorVehicleListObject\":[" GOOD(ID1) "]}", FAULT_WRAPPER},
        {"{\"MotorVehicleObject\":[" GOOD(ID1) "]}", FAULT_WRAPPER},
        {"{\"MotorVehicleObject\":" GOOD(ID1) "}", FAULT_WRAPPER},
        {"{\"MotorVehicleList\":{\"MotorVehicleObject\":[" GOOD(ID1) "]}}",
         FAULT_WRAPPER},
        {"{\"data\":{\"list\":[" GOOD(ID1) "]},\"code\":0}", FAULT_WRAPPER},
        {"[" GOOD(ID1) "]", FAULT_WRAPPER},
        {GOOD(ID1), FAULT_WRAPPER},
        {"{\"motorvehiclelistobject\":{\"motorVehicleObject\":[" GOOD(ID1) "]}}", -1},
    };
    struct bench *b = bench_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        post(b, "MotorVehicles", rows[i].body);
        if (b->out.what != FEED_PASSES || b->out.batch->n != 1)
            fail_msg("wrapping %zu was not read", i);
        assert_span_equal(b->out.batch->rows[0].record_id, ID1);
        if (rows[i].fault < 0)
            assert_int_equal(b->out.faults.seen, 0);
        else
            assert_int_equal(faults(b, (enum feed_fault)rows[i].fault), 1);
    }
    send_to(
        b, "/viid/motorvehicles/" ID1 "/", FEED_PUT,
        SPAN("{\"MotorVehicleObject\":" GOOD(ID1) "}"));
    assert_int_equal(b->out.batch->n, 1);
    assert_int_equal(b->out.faults.seen, 0);
    json_t *reply = reply_of(b); /* one asked, one answered */
    assert_non_null(json_object_get(reply, "ResponseStatusObject"));
    json_decref(reply);
    bench_free(b);
}

/* One member of a record changed: what the row then holds, and the fault that is
 * counted. */
static void
test_loose_members(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        int fault;
        enum {
            PLATE_COLOR,
            COLOR,
            LANE,
            DIRECTION,
            SPEED,
            CONFIDENCE,
            FLAGS,
            TIME,
            SITE
        } what;
        int64_t value;
    } rows[] = {
        {"\"PlateColor\":5", FAULT_NUMBER_FOR_STRING, PLATE_COLOR, 5},
        {"\"PlateColor\":\"99\"", -1, PLATE_COLOR, 99},
        {"\"PlateColor\":\"\"", -1, PLATE_COLOR, 0},
        {"\"PlateColor\":\"77\"", FAULT_BAD_CODE, PLATE_COLOR, 0},
        {"\"PlateColor\":\"蓝色\"", FAULT_BAD_CODE, PLATE_COLOR, 5},
        {"\"PlateColor\":\"2\",\"TollgateID\":\"K9\"", -1, PLATE_COLOR, 5},
        {"\"VehicleColor\":\"A\"", FAULT_BAD_CODE, COLOR, 2},
        {"\"VehicleColor\":[]", FAULT_BAD_CODE, COLOR, 0},
        {"\"LaneNo\":\"3\"", FAULT_STRING_FOR_NUMBER, LANE, 3},
        {"\"LaneNo\":\"\"", FAULT_EMPTY_FOR_NUMBER, LANE, 0},
        {"\"LaneNo\":3.0", -1, LANE, 3},
        {"\"LaneNo\":3.5", FAULT_BAD_NUMBER, LANE, 0},
        {"\"LaneNo\":-1", FAULT_BAD_NUMBER, LANE, 0},
        {"\"LaneNo\":999999999999999999999", FAULT_BAD_NUMBER, LANE, 0},
        {"\"LaneNo\":null", -1, LANE, 0},
        {"\"Direction\":3", FAULT_NUMBER_FOR_STRING, DIRECTION, 3},
        {"\"Direction\":\"12\"", FAULT_BAD_CODE, DIRECTION, 12},
        {"\"Direction\":\"W\"", FAULT_BAD_CODE, DIRECTION, 0},
        {"\"Speed\":\"61.25\"", FAULT_STRING_FOR_NUMBER, SPEED, 613},
        {"\"Speed\":-3", FAULT_BAD_NUMBER, SPEED, SPEED_UNKNOWN},
        {"\"Speed\":\"fast\"", FAULT_BAD_NUMBER, SPEED, SPEED_UNKNOWN},
        {"\"Speed\":0", -1, SPEED, 0},
        {"\"PlateReliability\":88", -1, CONFIDENCE, 88},
        {"\"PlateReliability\":\"0.97\"", -1, CONFIDENCE, 97},
        {"\"PlateReliability\":\"\"", -1, CONFIDENCE, CONFIDENCE_UNKNOWN},
        {"\"PlateReliability\":\"999\"", FAULT_BAD_NUMBER, CONFIDENCE,
         CONFIDENCE_UNKNOWN},
        {"\"PlateReliability\":{}", FAULT_BAD_NUMBER, CONFIDENCE, CONFIDENCE_UNKNOWN},
        {"\"IsDecked\":\"1\"", FAULT_BOOLEAN_FORM, FLAGS, SIGHTING_DECKED},
        {"\"IsCovered\":1,\"IsAltered\":true", FAULT_BOOLEAN_FORM, FLAGS,
         SIGHTING_COVERED | SIGHTING_ALTERED},
        {"\"IsCovered\":\"false\"", FAULT_BOOLEAN_FORM, FLAGS, 0},
        {"\"IsCovered\":\"perhaps\"", FAULT_BAD_NUMBER, FLAGS, 0},
        {"\"InfoKind\":\"2\"", FAULT_STRING_FOR_NUMBER, FLAGS, SIGHTING_BY_HAND},
        {"\"HasPlate\":false,\"PlateNo\":\"无车牌\"", -1, FLAGS, SIGHTING_NO_PLATE},
        {"\"PassTime\":\"20260302080000123\"", -1, TIME, 1772409600123},
        {"\"PassTime\":20260302080000", FAULT_TIME_FORM, TIME, 1772409600000},
        {"\"PassTime\":\"2026-03-02T08:00:00+08:00\"", FAULT_TIME_FORM, TIME,
         1772409600000},
        {"\"PassTime\":\"2026-03-02 08:00:00.5\"", FAULT_TIME_FORM, TIME,
         1772409600500},
        {"\"PassTime\":1772409600", FAULT_TIME_FORM, TIME, 1772409600000},
        {"\"PassTime\":\"1772409600000\"", FAULT_TIME_FORM, TIME, 1772409600000},
        {"\"PassTime\":\"20261302080000\",\"AppearTime\":\"20260302080000\"",
         FAULT_BAD_TIME, TIME, 1772409600000},
        {"\"PassTime\":\"\",\"MarkTime\":\"20260302080000\"", -1, TIME, 1772409600000},
        {"\"PassTime\":\"\",\"SubImageList\":{\"SubImageInfoObject\":[{\"ShotTime\":"
         "\"20260302080000\"}]}",
         -1, TIME, 1772409600000},
        {"\"TollgateID\":\"\",\"DeviceID\":\"K5\"", -1, SITE, 5},
        {"\"TollgateID\":7", FAULT_NUMBER_FOR_STRING, SITE, 0},
        {"\"tollgateid\":\"K6\"", FAULT_KEY_CASE, SITE, 6},
    };
    struct bench *b = bench_new();
    char body[2048];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(
            body, sizeof body,
            LIST("{\"MotorVehicleID\":\"" ID1 "\",\"TollgateID\":\"K7\",\"PassTime\":"
                 "\"20260302080000\",\"PlateNo\":\"晋A12345\",%s}"),
            rows[i].members);
        post(b, "MotorVehicles", body);
        if (b->out.what != FEED_PASSES || b->out.batch->n != 1)
            fail_msg("row %zu: %s was lost", i, rows[i].members);
        const struct sighting *s = &b->out.batch->rows[0];
        const int64_t got[] = {s->plate_color, s->vehicle_color, s->lane,
                               s->direction,   s->speed_dkmh,    s->confidence,
                               s->flags,       s->pass_ms,       s->site.v};
        if (got[rows[i].what] != rows[i].value)
            fail_msg("%s gives %lld", rows[i].members, (long long)got[rows[i].what]);
        if (rows[i].fault >= 0 && !faults(b, (enum feed_fault)rows[i].fault))
            fail_msg("%s: fault not counted", rows[i].members);
        if (rows[i].fault < 0 && b->out.faults.seen)
            fail_msg("%s: a fault was counted", rows[i].members);
    }
    bench_free(b);
}

static void
test_a_good_record_beside_bad_ones(void **state)
{
    (void)state;
    static const struct {
        const char *bad;
        int code;
        enum feed_fault fault;
    } rows[] = {
        {"null", 8, FAULT_NOT_OBJECT},
        {"\"x\"", 8, FAULT_NOT_OBJECT},
        {"{\"MotorVehicleID\":\"" ID2
         "\",\"TollgateID\":\"K7\",\"PassTime\":\"yesterday\"}",
         8, FAULT_NO_TIME},
        {"{\"MotorVehicleID\":\"" ID2
         "\",\"TollgateID\":\"K7\",\"PassTime\":\"19700101080000\"}",
         8, FAULT_BAD_TIME},
    };
    struct bench *b = bench_new();
    char body[4096];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(body, sizeof body, LIST(GOOD(ID1) ",%s," GOOD(ID3)), rows[i].bad);
        post(b, "MotorVehicles", body);
        assert_int_equal(b->out.batch->n, 2);
        assert_int_equal(b->out.objects_n, 3);
        assert_true(faults(b, rows[i].fault) > 0);
        json_t *reply = reply_of(b);
        assert_int_equal(b->head.status, 200);
        assert_int_equal(code_of(reply, 0), 0);
        assert_int_equal(code_of(reply, 1), rows[i].code);
        assert_int_equal(code_of(reply, 2), 0);
        json_decref(reply);
    }
    bench_free(b);
}

/* JSON that is damaged somewhere: whole objects are still taken. */
static void
test_damaged_json(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t rows;
        enum feed_fault fault;
    } rows[] = {
        {"{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[" GOOD(ID1) "," GOOD(
             ID2),
         2, FAULT_SALVAGED},
        {LIST(GOOD(ID1) ",{\"MotorVehicleID\":\"x\",\"Speed\":,\"PassTime\":"
                        "\"20260302080000\"}," GOOD(ID3)),
         3, FAULT_MENDED},
        {LIST(GOOD(ID1) "," GOOD(ID2) ","), 2, FAULT_MENDED},
        {LIST(GOOD(ID1) "," GOOD(ID2)) "trailing", 2, FAULT_SALVAGED},
        {LIST(GOOD(ID1) ",{\"MotorVehicleID\":\"cut"), 1, FAULT_SALVAGED},
        {LIST(GOOD(ID1) ",{\"PlateNo\":\"a\nb\"}," GOOD(ID2)), 2, FAULT_MENDED},
    };
    struct bench *b = bench_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        post(b, "MotorVehicles", rows[i].body);
        if (b->out.what != FEED_PASSES || b->out.batch->n != rows[i].rows)
            fail_msg("damaged %zu: %zu rows", i, b->out.batch ? b->out.batch->n : 0);
        assert_int_equal(faults(b, rows[i].fault), 1);
        assert_span_equal(b->out.batch->rows[0].record_id, ID1);
    }
    post(b, "MotorVehicles", "<xml/>");
    assert_int_equal(b->out.what, FEED_BROKEN);
    json_t *reply = reply_of(b);
    assert_int_equal(b->head.status, 400);
    json_t *status = json_object_get(reply, "ResponseStatusObject");
    assert_int_equal(json_integer_value(json_object_get(status, "StatusCode")), 7);
    json_decref(reply);
    post(b, "MotorVehicles", "{\"hello\":1}");
    assert_int_equal(b->out.what, FEED_BROKEN);
    reply = reply_of(b);
    status = json_object_get(reply, "ResponseStatusObject");
    assert_int_equal(json_integer_value(json_object_get(status, "StatusCode")), 8);
    json_decref(reply);
    bench_free(b);
}

/* However a body is broken, reading it costs in proportion to its size: one message
 * must not hold up the others. By counting processor time, two sizes of each. */
static void
test_broken_bodies_cost_their_size(void **state)
{
    static const char *const bits[] = {"[{},", "{\"a\":", "{",        "{}",
                                       "\"",   "'",       "[{\"b\":["};
    (void)state;
    struct bench *b = bench_new();
    b->big = malloc(900000);
    assert_non_null(b->big);
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        dur_us took[2];
        for (int big = 0; big < 2; big++) {
            struct buf body = {0};
            while (body.n < (big ? 800000u : 100000u))
                buf_text(&body, bits[i]);
            buf_u8(&body, 0);
            dur_us began = os_thread_cpu_us();
            post(b, "MotorVehicles", (const char *)body.p);
            took[big] = os_thread_cpu_us() - began;
            assert_int_equal(b->out.what, FEED_BROKEN);
            buf_release(&body);
        }
        if (took[1] > took[0] * 24 + 50000) /* 8 times the size */
            fail_msg(
                "%s: %lld us, %lld us", bits[i], (long long)took[0],
                (long long)took[1]);
    }
    bench_free(b);
}

static void
test_other_encodings(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    char text[PLATE_TEXT];
    /* 晋 in GB18030 is BD FA */
    post(
        b, "MotorVehicles",
        LIST("{\"MotorVehicleID\":\"" ID1 "\",\"TollgateID\":\"K7\",\"PassTime\":"
             "\"20260302080000\",\"PlateNo\":\"\xBD\xFA"
             "A12345\"}"));
    assert_int_equal(b->out.batch->n, 1);
    assert_int_equal(faults(b, FAULT_GB18030), 1);
    assert_string_equal(plate_format(text, b->out.batch->rows[0].plate), "晋A12345");
    /* one broken byte in UTF-8 */
    post(
        b, "MotorVehicles",
        LIST("{\"MotorVehicleID\":\"" ID1 "\",\"TollgateID\":\"K7\",\"PassTime\":"
             "\"20260302080000\",\"PlateNo\":\"晋A12345\",\"NameOfPassedRoad\":"
             "\"路\xE8\"}"));
    assert_int_equal(b->out.batch->n, 1);
    assert_int_equal(faults(b, FAULT_NOT_UTF8), 1);
    assert_string_equal(plate_format(text, b->out.batch->rows[0].plate), "晋A12345");
    bench_free(b);
}

static void
test_plates_and_ids(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "MotorVehicles",
        LIST("{\"MotorVehicleID\":\"1\",\"TollgateID\":\"K7\",\"PassTime\":"
             "\"20260302080000\","
             "\"PlateNo\":\"晋A·12345\"},"
             "{\"TollgateID\":\"K7\",\"PassTime\":\"20260302080000\",\"PlateNo\":"
             "\"出租车123\"},"
             "{\"TollgateID\":\"K7\",\"PassTime\":\"20260302080000\",\"PlateNo\":"
             "\"出租车123\"},"
             "{\"MotorVehicleID\":12,\"PassTime\":\"20260302080000\",\"PlateNo\":"
             "\"无车牌\"}"));
    assert_int_equal(b->out.batch->n, 4);
    const struct sighting *s = b->out.batch->rows;
    assert_span_equal(s[0].plate_text, "晋A·12345");
    assert_span_equal(s[0].record_id, "1");
    assert_int_equal(faults(b, FAULT_ID_LENGTH), 2);
    assert_int_equal(faults(b, FAULT_NO_ID), 2);
    assert_int_equal(faults(b, FAULT_ODD_PLATE), 2);
    assert_span_equal(s[1].plate_text, "出租车123");
    assert_true(span_starts(s[1].record_id, SPAN("auto-")));
    assert_true(span_eq(s[1].record_id, s[2].record_id)); /* a retry is seen as one */
    assert_span_equal(s[3].record_id, "12");
    assert_span_equal(s[3].plate_text, "无车牌");
    /* without any place in the record the sender is the place */
    assert_int_equal(s[3].site.v, 0);
    assert_int_equal(b->out.batch->unplaced_n, 1);
    assert_int_equal(b->out.batch->unplaced[0].row, 3);
    assert_span_equal(b->out.batch->unplaced[0].code, "14010000001190000001");
    bench_free(b);
}

/* Fixed fields sent whole: what lies before the padding counts, a hole inside does not. */
static void
test_texts_with_nul(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    char text[PLATE_TEXT];
    post(
        b, "MotorVehicles",
        LIST("{\"MotorVehicleID\":\"R1\\u0000\\u0000\",\"TollgateID\":\"K7\\u0000\","
             "\"PassTime\":\"20260302080000\",\"PlateNo\":\"晋A12345\\u0000\","
             "\"StorageUrl1\":\"/1.jpg\\u0000\"},"
             "{\"MotorVehicleID\":\"R\\u00002\",\"TollgateID\":\"K7\","
             "\"PassTime\":\"20260302080000\",\"PlateNo\":\"晋A1\\u00002345\","
             "\"StorageUrl1\":\"/\\u0000.jpg\",\"StorageUrl2\":\"/2.jpg\"}"));
    assert_int_equal(b->out.batch->n, 2);
    const struct sighting *s = b->out.batch->rows;
    assert_span_equal(s[0].record_id, "R1");
    assert_string_equal(plate_format(text, s[0].plate), "晋A12345");
    assert_span_equal(s[0].image, "/1.jpg");
    assert_int_equal(s[0].site.v, s[1].site.v);
    assert_true(span_starts(s[1].record_id, SPAN("auto-")));
    assert_true(plate_is_none(s[1].plate));
    assert_span_equal(s[1].image, "/2.jpg");
    assert_int_equal(faults(b, FAULT_NUL_BYTE), 7);
    bench_free(b);
}

static void
test_samples_are_masked(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "MotorVehicles",
        LIST("{\"MotorVehicleID\":\"X1\",\"TollgateID\":\"K7\",\"PassTime\":"
             "\"20260302080000\","
             "\"PlateNo\":\"出租车Ab12\",\"Direction\":\"W\"}"));
    assert_string_equal(b->out.faults.sample[FAULT_ODD_PLATE], "PlateNo=***Aa00");
    assert_string_equal(b->out.faults.sample[FAULT_BAD_CODE], "Direction=W");
    assert_string_equal(b->out.faults.sample[FAULT_ID_LENGTH], "MotorVehicleID=A0");
    bench_free(b);
}

static void
test_pictures(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "MotorVehicles",
        LIST("{\"MotorVehicleID\":\"" ID1
             "\",\"TollgateID\":\"K7\",\"PassTime\":\"20260302080000\","
             "\"SubImageList\":{\"SubImageInfoObject\":["
             "{\"ImageID\":\"a\",\"Type\":\"01\",\"Data\":\"/9j/4AAQ\"},"
             "{\"ImageID\":\"b\",\"Type\":2,\"Data\":\"data:image/jpeg;base64,/9j/"
             "\\n4AAQSkY=\"},"
             "{\"ImageID\":\"c\",\"Type\":\"11\",\"Data\":\"/9j/4AAQ\"},"
             "{\"ImageID\":\"d\",\"Type\":\"02\",\"Data\":\"图片数据\"},"
             "{\"ImageID\":\"e\",\"Type\":\"02\",\"StoragePath\":\"/p/e.jpg\"}]}}"));
    assert_int_equal(b->out.batch->n, 1);
    assert_int_equal(b->out.batch->pictures_n, 2);
    const struct batch_picture *p = b->out.batch->pictures;
    assert_int_equal(p[0].type, 1);
    assert_int_equal(p[0].bytes.n, 6);
    assert_memory_equal(p[0].bytes.p, "\xFF\xD8\xFF\xE0\x00\x10", 6);
    assert_int_equal(p[1].type, 2);
    assert_int_equal(p[1].bytes.n, 8);
    assert_memory_equal(p[1].bytes.p, "\xFF\xD8\xFF\xE0\x00\x10\x4A\x46", 8);
    assert_int_equal(faults(b, FAULT_OUT_OF_SCOPE), 1); /* a face is not kept */
    assert_int_equal(faults(b, FAULT_BAD_PICTURE), 1);
    assert_span_equal(b->out.batch->rows[0].image, "/p/e.jpg");
    bench_free(b);
}

static void
test_images(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "Images",
        "{\"ImageListObject\":{\"Image\":[{\"ImageInfo\":{\"ImageID\":\"i1\",\"Type\":"
        "\"01\","
        "\"ShotTime\":\"20260302080000\",\"DeviceID\":\"K3\"},\"Data\":\"/9j/4AAQ\"},"
        "{\"ImageInfo\":{\"ImageID\":\"i2\"},\"Data\":\"/9j/"
        "4AAQ\",\"MotorVehicleList\":"
        "{\"MotorVehicleObject\":[" GOOD(ID1) "]}}]}}");
    assert_int_equal(b->out.what, FEED_PASSES);
    assert_int_equal(b->out.batch->n, 1);
    assert_int_equal(b->out.batch->pictures_n, 1);
    assert_int_equal(b->out.pictures_n, 1);
    assert_span_equal(b->out.pictures[0].id, "i1");
    assert_true(b->out.pictures[0].shot_ms == 1772409600000);
    json_t *reply = reply_of(b);
    assert_int_equal(code_of(reply, 0), 4); /* nobody kept it */
    assert_int_equal(code_of(reply, 1), 0);
    json_decref(reply);
    b->out.objects[0].fault = 0; /* a caller that keeps it says so */
    reply = reply_of(b);
    assert_int_equal(code_of(reply, 0), 0);
    json_decref(reply);
    bench_free(b);
}

static void
test_notifications_carry_vehicles(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "SubscribeNotifications",
        "{\"SubscribeNotificationListObject\":{\"SubscribeNotificationObject\":["
        "{\"NotificationID\":\"n1\",\"SubscribeID\":\"s1\",\"MotorVehicleObjectList\":{"
        "\"MotorVehicleObject\":[" GOOD(ID1) "," GOOD(
            ID2) "]}},{\"NotificationID\":\"n2\"}]}}");
    assert_int_equal(b->out.what, FEED_PASSES);
    assert_int_equal(b->out.batch->n, 2);
    assert_int_equal(b->out.objects_n, 2);
    assert_int_equal(b->out.objects[0].rows, 2);
    b->out.batch->fate[1] = FATE_REFUSED;
    json_t *reply = reply_of(b);
    assert_int_equal(code_of(reply, 0), 2); /* it must come again */
    assert_int_equal(code_of(reply, 1), 0);
    json_decref(reply);
    bench_free(b);
}

static void
test_system(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "System/Keepalive",
        "{\"KeepaliveObject\":{\"DeviceID\":\"14010000001190000002\"}}");
    assert_int_equal(b->out.what, FEED_KEEPALIVE);
    assert_span_equal(b->out.device_code, "14010000001190000002");
    post(b, "System/UnRegister", "");
    assert_int_equal(b->out.what, FEED_UNREGISTER);
    assert_span_equal(b->out.device_code, "14010000001190000001"); /* from the header */
    post(b, "System/Register", "{\"DeviceID\":123}");
    assert_int_equal(b->out.what, FEED_REGISTER);
    assert_span_equal(b->out.device_code, "123");
    assert_int_equal(faults(b, FAULT_ID_LENGTH), 1);
    send_to(b, "/VIID/System/Time", FEED_GET, SPAN(""));
    assert_int_equal(b->out.what, FEED_TIME);
    json_t *reply = reply_of(b);
    json_t *time = json_object_get(reply, "SystemTimeObject");
    assert_string_equal(said(time, "LocalTime"), "20260302000000");
    assert_string_equal(said(time, "VIIDServerID"), "14010000002000000001");
    assert_string_equal(said(time, "TimeZone"), "Asia/Shanghai");
    json_decref(reply);
    bench_free(b);
}

static void
test_places(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "Tollgates",
        "{\"TollgateListObject\":{\"TollgateObject\":[{\"TollgateID\":\"K8\",\"Name\":"
        "\"北口\","
        "\"Longitude\":\"112.55\",\"Latitude\":37.87,\"LaneNum\":\"4\",\"OrgCode\":"
        "\"1401\"},"
        "{\"Name\":\"no id\"}]}}");
    assert_int_equal(b->out.what, FEED_PLACES);
    assert_int_equal(b->out.places_n, 2);
    const struct feed_place *p = b->out.places;
    assert_true(p->has_position);
    assert_int_equal(p->lon, 1125500000);
    assert_int_equal(p->lat, 378700000);
    assert_int_equal(p->lanes, 4);
    assert_span_equal(p->name, "北口");
    json_t *reply = reply_of(b);
    assert_int_equal(code_of(reply, 0), 0);
    assert_int_equal(code_of(reply, 1), 8);
    json_decref(reply);
    post(
        b, "Lanes",
        "{\"LaneListObject\":{\"LaneObject\":[{\"TollgateID\":\"K8\",\"LaneId\":1,"
        "\"LaneNo\":2,"
        "\"Direction\":\"3\",\"MaxSpeed\":60,\"CityPass\":\"1\"}]}}");
    p = b->out.places;
    assert_span_equal(p->tollgate, "K8");
    assert_span_equal(p->code, "1");
    assert_int_equal(p->lane_no, 2);
    assert_int_equal(p->direction, 3);
    assert_int_equal(p->limit_kmh, 60);
    assert_int_equal(p->city_pass, 1);
    bench_free(b);
}

static void
test_what_is_not_served(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    send_to(b, "/VIID/MotorVehicles", FEED_GET, SPAN(""));
    assert_int_equal(b->out.what, FEED_REFUSED);
    json_decref(reply_of(b));
    assert_int_equal(b->head.status, 405);
    post(b, "MotorVehiclesX", "{}");
    assert_int_equal(b->out.what, FEED_REFUSED);
    json_decref(reply_of(b));
    assert_int_equal(b->head.status, 404);
    assert_int_equal(faults(b, FAULT_UNSUPPORTED), 1);
    post(
        b, "Persons",
        "{\"PersonListObject\":{\"PersonObject\":[{\"PersonID\":\"p1\"}]}}");
    assert_int_equal(b->out.what, FEED_UNKEPT);
    assert_null(b->out.batch);
    post(
        b, "NonMotorVehicles",
        "{\"NonMotorVehicleListObject\":{\"NonMotorVehicleObject\":[{"
        "\"NonMotorVehicleID\":\"n1\"}]}}");
    assert_int_equal(b->out.what, FEED_UNKEPT);
    assert_span_equal(b->out.objects[0].id, "n1");
    assert_int_equal(faults(b, FAULT_NOT_KEPT), 1);
    json_t *reply = reply_of(b);
    assert_int_equal(code_of(reply, 0), 0);
    json_decref(reply);
    bench_free(b);
}

/* Whatever is too long, too much or nowhere is refused or cut by itself; the rest is
 * taken. */
static void
test_limits(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct buf body = {0};
    buf_text(&body, "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[" GOOD(ID1));
    buf_text(&body, ",{\"MotorVehicleID\":\"");
    for (int i = 0; i < 300; i++)
        buf_u8(&body, '7');
    buf_text(&body, "\",\"TollgateID\":\"K7\",\"PassTime\":\"20260302080000\"}");
    buf_text(
        &body,
        ",{\"MotorVehicleID\":\"" ID2 "\",\"TollgateID\":\"K7\",\"PassTime\":"
        "\"20260302080000\",\"VehicleClass\":\"K331\",\"PlateReliability\":\"high\","
        "\"StorageUrl1\":\"");
    for (int i = 0; i < 1100; i++)
        buf_u8(&body, 'u');
    buf_text(&body, "\",\"PlateNo\":\"");
    for (int i = 0; i < 40; i++)
        buf_text(&body, "晋");
    buf_text(
        &body, "\",\"SubImageList\":[{\"Type\":\"9999\",\"Data\":\"/9j/4AAQ\"}]}]}}");
    send_to(b, "/VIID/MotorVehicles", FEED_POST, span_of(body.p, body.n));
    assert_int_equal(b->out.batch->n, 2);
    assert_int_equal(b->out.objects_n, 3);
    assert_int_equal(b->out.objects[1].fault, FAULT_TOO_BIG + 1);
    const struct sighting *s = &b->out.batch->rows[1];
    assert_int_equal(s->image.n, 0);
    assert_int_equal(s->vehicle_class, 0);
    assert_int_equal(s->confidence, CONFIDENCE_UNKNOWN);
    assert_int_equal(s->plate_text.n, 64);
    assert_int_equal(
        b->out.batch->pictures_n, 1); /* a list without its wrapper is read too */
    assert_int_equal(b->out.batch->pictures[0].type, 0);
    assert_int_equal(faults(b, FAULT_TOO_BIG), 3);
    buf_release(&body);
    b->nobody = true; /* a sender that says nothing of itself */
    post(
        b, "MotorVehicles",
        LIST("{\"MotorVehicleID\":\"" ID2
             "\",\"PassTime\":\"20260302080000\"}," GOOD(ID1)));
    assert_int_equal(b->out.batch->n, 1);
    assert_int_equal(faults(b, FAULT_NO_PLACE), 1);
    bench_free(b);
}

static void
test_more_objects_than_are_taken(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct buf body = {0};
    buf_text(&body, "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[");
    for (unsigned i = 0; i < feed_viid.objects_max + 2; i++)
        buf_fmt(
            &body,
            "%s{\"MotorVehicleID\":\"%u\",\"TollgateID\":\"K1\",\"PassTime\":"
            "\"20260302080000\"}",
            i ? "," : "", i);
    buf_text(&body, "]}}");
    free(b->big);
    b->big = malloc(body.n + DOM_PAD);
    assert_non_null(b->big);
    send_to(b, "/VIID/MotorVehicles", FEED_POST, span_of(body.p, body.n));
    assert_int_equal(b->out.batch->n, feed_viid.objects_max);
    assert_int_equal(faults(b, FAULT_TOO_MANY), 2);
    json_t *reply = reply_of(b);
    assert_int_equal(code_of(reply, feed_viid.objects_max - 1), 0);
    assert_int_equal(code_of(reply, feed_viid.objects_max + 1), 8);
    json_decref(reply);
    buf_release(&body);
    bench_free(b);
}

/* Elements that are no objects, in every kind of list. */
static void
test_odd_elements_of_other_lists(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    post(
        b, "SubscribeNotifications",
        "{\"SubscribeNotificationListObject\":{\"SubscribeNotificationObject\":[1,{"
        "\"NotificationID\":\"n\",\"MotorVehicleObjectList\":{"
        "\"MotorVehicleObject\":" GOOD(
            ID1) "}},{\"NotificationID\":\"m\",\"MotorVehicleObjectList\":[{"
                 "\"MotorVehicleID\":\"x\"}]}]}}");
    assert_int_equal(b->out.objects_n, 3);
    assert_int_equal(b->out.batch->n, 1);
    json_t *reply = reply_of(b);
    assert_int_equal(code_of(reply, 0), 8);
    assert_int_equal(code_of(reply, 1), 0);
    assert_int_equal(code_of(reply, 2), 8);
    json_decref(reply);
    post(
        b, "Images",
        "{\"ImageListObject\":{\"Image\":[2,{\"ImageInfo\":{\"ImageID\":\"i\",\"Type\":"
        "\"999\",\"ShotTime\":\"x\"},\"Data\":\"/9j/"
        "4AAQ\"},{\"ImageInfo\":{\"ImageID\":\"j\"},\"Data\":\"!\"}]}}");
    assert_int_equal(b->out.what, FEED_PICTURES);
    assert_int_equal(b->out.pictures_n, 1);
    assert_int_equal(b->out.pictures[0].type, 0);
    assert_int_equal(faults(b, FAULT_BAD_PICTURE), 1);
    assert_int_equal(faults(b, FAULT_NOT_OBJECT), 1);
    post(
        b, "Subscribes",
        "{\"SubscribeListObject\":{\"SubscribeObject\":{\"SubscribeID\":\"s\"}}}");
    assert_int_equal(b->out.asks_n, 1);
    assert_int_equal(faults(b, FAULT_SINGLE), 1);
    post(
        b, "DispositionNotifications",
        "{\"DispositionNotificationListObject\":{\"DispositionNotificationObject\":["
        "null,{\"NotificationID\":\"d\"}]}}");
    assert_int_equal(b->out.asks[0].kind, ASK_NOTICE);
    assert_span_equal(b->out.asks[0].id, "d");
    post(
        b, "Lanes",
        "{\"LaneListObject\":{\"LaneObject\":[{\"LaneId\":\"1\",\"MaxSpeed\":\"fast\","
        "\"CityPass\":[]}]}}");
    assert_int_equal(b->out.places[0].limit_kmh, 0);
    assert_int_equal(faults(b, FAULT_BAD_NUMBER), 1);
    post(b, "System/UnRegister", "{\"UnRegisterObject\":{\"DeviceID\":[]}}");
    assert_span_equal(b->out.device_code, "14010000001190000001");
    json_decref(reply_of(b));
    bench_free(b);
}

/* Bytes of one record of a list are damaged at random: all the others are still taken.
 */
static void
test_damage_stays_in_its_record(void **state)
{
    (void)state;
    static const char damage[] = "\"\"\"{}[],:\\'\n\xFFx0 ";
    struct kit_rand r = {2026};
    struct bench *b = bench_new();
    unsigned rounds = kit_rounds(3000, 300000), lost = 0;
    for (unsigned round = 0; round < rounds; round++) {
        struct buf body = {0};
        uint32_t bad = kit_rand_below(&r, 5);
        buf_text(&body, "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[");
        for (uint32_t i = 0; i < 5; i++) {
            buf_text(&body, i ? "," : "");
            size_t from = body.n + 1; /* its opening brace stays */
            buf_fmt(
                &body,
                "{\"MotorVehicleID\":\"id-%u\",\"TollgateID\":\"K7\",\"PlateNo\":"
                "\"晋A12345\","
                "\"Speed\":50,\"SubImageList\":{\"SubImageInfoObject\":[{\"ImageID\":"
                "\"a\","
                "\"Type\":\"01\"}]},\"PassTime\":\"20260302080000\"}",
                i);
            for (uint32_t k = 0; i == bad && k < 1 + round % 3; k++)
                body.p[from + kit_rand_below(&r, (uint32_t)(body.n - from - 1))] =
                    (uint8_t)damage[kit_rand_below(&r, sizeof damage - 1)];
        }
        buf_text(&body, "]}}");
        send_to(b, "/VIID/MotorVehicles", FEED_POST, span_of(body.p, body.n));
        for (uint32_t i = 0; i < 5; i++) {
            char id[8];
            bool found = i == bad;
            snprintf(id, sizeof id, "id-%u", i);
            for (size_t k = 0; b->out.batch && k < b->out.batch->n; k++)
                found |= span_eq_cstr(b->out.batch->rows[k].record_id, id);
            lost += !found;
        }
        buf_release(&body);
    }
    print_message("%u of %u good records lost\n", lost, rounds * 4);
    assert_int_equal(lost, 0);
    bench_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_of_others),
        cmocka_unit_test(test_standard_list),
        cmocka_unit_test(test_fates_are_answered),
        cmocka_unit_test(test_wrappings),
        cmocka_unit_test(test_loose_members),
        cmocka_unit_test(test_a_good_record_beside_bad_ones),
        cmocka_unit_test(test_damaged_json),
        cmocka_unit_test(test_broken_bodies_cost_their_size),
        cmocka_unit_test(test_other_encodings),
        cmocka_unit_test(test_plates_and_ids),
        cmocka_unit_test(test_texts_with_nul),
        cmocka_unit_test(test_samples_are_masked),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_notifications_carry_vehicles),
        cmocka_unit_test(test_system),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_what_is_not_served),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_more_objects_than_are_taken),
        cmocka_unit_test(test_odd_elements_of_other_lists),
        cmocka_unit_test(test_damage_stays_in_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
