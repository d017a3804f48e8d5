/* SPDX-License-Identifier: Apache-2.0 */
/* What a person reads of a look on a terminal, to the byte. The printers are the file's
 * own, so it is part of this one. */
#include "kit/kit.h"

#include "daemon/op_query.c"

#include "core/civil.h"

#define T0 INT64_C(1772409600000) /* 2026-03-02T08:00:00+08:00 */

struct said {
    char *out, *log;
};

static struct site_table *
two_sites(void)
{
    struct site_table *t = site_table_new(2);
    static const char *const names[] = {"迎泽大街1号", "滨河东路2号"};
    for (unsigned i = 0; i < 2; i++) {
        struct site s = {.id = {i + 1}};
        snprintf(s.code, sizeof s.code, "14010000000%u", i + 1);
        snprintf(s.name, sizeof s.name, "%s", names[i]);
        site_table_put(t, &s);
    }
    return t;
}

static struct said
say(enum format f, bool zh, bool gap, bool more)
{
    struct said said;
    size_t n;
    struct base base = {0};
    struct note note = {0};
    kit_ok(zone_parse(SPAN("Asia/Shanghai"), &base.zone, &note), &note);
    struct door door = {.base = &base};
    struct op_call c = {
        .door = &door,
        .args = zh ? json_pack("{s:b}", "zh", 1) : json_object(),
        .out = open_memstream(&said.out, &n),
        .log = open_memstream(&said.log, &n)};
    struct coverage_gap gaps[] = {{{2}, T0 + HOUR_MS, T0 + 2 * HOUR_MS}};
    bool differs;
    struct sighting row = {
        .pass_ms = T0,
        .site = {1},
        .plate_color = 5,
        .speed_dkmh = 413,
        .confidence = 97,
        .lane = 1,
        .record_id = SPAN("r1")};
    (void)plate_parse(SPAN("晋A12345"), &row.plate, &differs);
    struct looks_answer a = {
        .rows = {&row, 1, more},
        .coverage =
            {.from_ms = T0,
             .to_ms = T0 + DAY_MS,
             .sites = 2,
             .gaps = gaps,
             .gaps_n = gap ? 1 : 0},
        .covered = true};
    a.row.number = 812;
    struct site_table *sites = two_sites();
    print_rows(&c, f, &a, sites);
    site_table_unref(sites);
    json_decref(c.args);
    fclose(c.out);
    fclose(c.log);
    return said;
}

static void
is(struct said said, const char *out, const char *log)
{
    assert_string_equal(said.out, out);
    assert_string_equal(said.log, log);
    free(said.out);
    free(said.log);
}

#define ROW                                                                            \
    "2026-03-02T08:00:00.000+08:00  晋A12345     140100000001          迎泽大街1号\n"

static void
a_table_ends_with_words(void **state)
{
    (void)state;
    is(say(FORMAT_TABLE, false, false, false),
       ROW "1 pass, 2026-03-02T08:00:00.000+08:00 to 2026-03-03T08:00:00.000+08:00\n"
           "all 2 sites delivered in this window; not seen does not prove it was not "
           "there\n",
       "");
    is(say(FORMAT_TABLE, true, true, true),
       ROW "共 1 条，2026-03-02T08:00:00.000+08:00 至 2026-03-03T08:00:00.000+08:00"
           "（已达 --limit 上限，结果不全）\n"
           "时段内 2 个点位中有 1 处数据中断，车辆可能经过而未被记录\n"
           "  无数据  2026-03-02T09:00:00.000+08:00 至 2026-03-02T10:00:00.000+08:00  "
           "140100000002  滨河东路2号\n",
       "");
}

#define HEAD                                                                           \
    "\xEF\xBB\xBFplate,plate_color,vehicle_class,vehicle_color,brand,site,lane,"       \
    "direction,time_ms,speed_kmh,confidence,record_id,image,id\n"

/* Rows only: what was not seen goes where progress goes. */
static void
csv_holds_rows_only(void **state)
{
    (void)state;
    char id[SIGHTING_ID_TEXT], out[512];
    struct sighting_id pass = {T0, 1, sighting_tag((struct device_id){0}, SPAN("r1"))};
    snprintf(
        out, sizeof out, HEAD "晋A12345,5,,0,,140100000001,1,0,%lld,41.3,97,r1,,%s\n",
        (long long)T0, sighting_id_format(id, pass));
    is(say(FORMAT_CSV, false, true, true), out,
       "1 pass, 2026-03-02T08:00:00.000+08:00 to 2026-03-03T08:00:00.000+08:00 (cut: "
       "--limit)\n"
       "1 gap(s) at the 2 sites of this window: the vehicle may have passed unseen\n"
       "  no data  2026-03-02T09:00:00.000+08:00 to 2026-03-02T10:00:00.000+08:00  "
       "140100000002  滨河东路2号\n");
}

/* What programs read says it in fields, in every format that has any. */
static void
json_says_it_in_fields(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        struct said said = say(f ? FORMAT_GEOJSON : FORMAT_JSON, false, true, true);
        json_t *o = json_loads(said.out, 0, NULL);
        assert_non_null(o);
        json_t *c = json_object_get(o, "coverage");
        assert_int_equal(json_integer_value(json_object_get(c, "sites")), 2);
        assert_int_equal(json_array_size(json_object_get(c, "offline")), 1);
        assert_true(json_is_string(json_object_get(json_object_get(c, "text"), "zh")));
        assert_true(json_is_true(json_object_get(o, "truncated")));
        assert_string_equal(said.log, "");
        json_decref(o);
        free(said.out);
        free(said.log);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_ends_with_words),
        cmocka_unit_test(csv_holds_rows_only),
        cmocka_unit_test(json_says_it_in_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
