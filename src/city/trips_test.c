/* SPDX-License-Identifier: Apache-2.0 */
#include "city/trips.h"

#include "core/os_file.h"
#include "kit/kit.h"
#include "model/plate.h"

#include <stdlib.h>

static const struct zone cn = {"Asia/Shanghai", 480};

static void
put(const char *dir, const char *name, const char *text)
{
    char path[OS_PATH];
    struct note note = {0};
    kit_ok(os_join(path, sizeof path, dir, name), NULL);
    kit_ok(os_write_file(os_fs_real(), path, span_cstr(text), "test", &note), &note);
}

static char *
get(const char *dir, const char *name, size_t *n)
{
    char path[OS_PATH], *text;
    struct note note = {0};
    kit_ok(os_join(path, sizeof path, dir, name), NULL);
    kit_ok(os_read_file(os_fs_real(), path, 64u << 20, &text, n, &note), &note);
    return text;
}

static void
a_small_network(void **state)
{
    (void)state;
    char dir[OS_PATH];
    struct trips_sum sum;
    struct note note = {0};
    size_t n;
    kit_temp_dir(dir);
    assert_int_equal(trips_write(dir, dir, 0, &sum, &note), ERR_NOTFOUND);
    put(dir, "nodes.csv",
        "node_id,lon,lat\n1,118.70,30.90\n2,118.71,30.90\nbroken\n3,118.71,30.91\n");
    put(dir, "edges.csv",
        "edge_id,from_node,to_node,lanes,speed_mps,length_m,polyline_lonlat\n"
        "a,1,2,2,10,1000,118.70 30.90;118.71 30.90;\n"
        "b,2,3,1,10,500,118.71 30.90;118.71 30.91;\n"
        "lost,2,9,1,10,500,\n");
    put(dir, "trips-hour-a.csv",
        "trip_id,depart_s,edges\n7,0.00,a b\n8,5.5,b nowhere\nbad,x,a\n");
    kit_ok(trips_write(dir, dir, 1000000, &sum, &note), &note);
    assert_int_equal(sum.sites, 3);
    assert_int_equal(sum.edges, 2);
    assert_int_equal(sum.trips, 2);
    assert_int_equal(sum.passes, 3);
    assert_int_equal(sum.skipped, 4); /* a node, an edge, an edge of a trip, a trip */
    assert_true(sum.first_ms > 1000000 && sum.last_ms < 1000000 + 250000);
    char *text = get(dir, "sightings.csv", &n);
    struct span rest = span_of(text, n);
    assert_true(span_starts(span_cut(&rest, '\n'), SPAN("plate,plate_color,")));
    ts_ms last = 0;
    while (rest.n) {
        struct span line = span_cut(&rest, '\n');
        struct plate p;
        bool differs;
        assert_int_equal(
            plate_parse(span_cut(&line, ','), &p, &differs), PLATE_ORDINARY);
        for (int i = 0; i < 7; i++)
            (void)span_cut(&line, ',');
        int64_t at;
        assert_true(span_i64(span_cut(&line, ','), &at) && at >= last);
        last = at;
    }
    free(text);
    text = get(dir, "sites.csv", &n);
    assert_non_null(strstr(text, "\n2,路口 2,118.710000,30.900000,camera,1,"));
    assert_non_null(strstr(text, "\n3,路口 3,118.710000,30.910000,camera,4,"));
    free(text);
    kit_remove_tree(dir);
}

static void
the_shared_network(void **state)
{
    (void)state;
    char path[OS_PATH], dir[OS_PATH];
    struct trips_sum sum;
    struct note note = {0};
    if (!kit_shared(path, "data/vehicle-trips-xuancheng"))
        skip();
    kit_temp_dir(dir);
    kit_ok(trips_write(path, dir, 1000, &sum, &note), &note);
    assert_int_equal(sum.sites, 344);
    assert_int_equal(sum.edges, 968);
    assert_int_equal(sum.trips, 17702);
    assert_int_equal(sum.skipped, 0);
    assert_true(sum.passes > 100000);
    kit_remove_tree(dir);
}

static void
starts_on_a_past_workday(void **state)
{
    (void)state;
    struct note note;
    ts_ms now, start;
    kit_ok(
        ts_parse(SPAN("2026-11-21T20:00:00+08:00"), &cn, &now, &note),
        &note); /* Saturday */
    start = trips_start(now, &cn);
    struct civil c = civil_of(start, &cn);
    assert_int_equal(c.day, 20);
    assert_int_equal(c.hour, 17);
    kit_ok(ts_parse(SPAN("2026-11-20T18:00:00+08:00"), &cn, &now, &note), &note);
    assert_int_equal(civil_of(trips_start(now, &cn), &cn).day, 19); /* not over yet */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_network),
        cmocka_unit_test(the_shared_network),
        cmocka_unit_test(starts_on_a_past_workday),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
