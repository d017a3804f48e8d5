/* SPDX-License-Identifier: Apache-2.0 */
/* The scorer on a small truth written by hand, and on alarms made from a city's own
 * truth. */
#include "city/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_ONE (INT64_C(1772380800000) + 10 * HOUR_MS)

static char dir[64];

static void
put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/truth/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    fclose(f);
}

static int
begin(void **state)
{
    char path[128];
    (void)state;
    memcpy(dir, "/tmp/tongqu-score-XXXXXX", sizeof "/tmp/tongqu-score-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/truth", dir);
    assert_int_equal(mkdir(path, 0777), 0);
    /* Headers as other writers may spell them: blanks, and a byte order mark. */
    put("watch_hits.csv", "\xEF\xBB\xBFwatch,record id,read\n"
                          "BK1,r1,exact\nBK1,r2,exact\nBK1,r3,misread\nBK2,r4,exact\n");
    put("status.csv", "plate,status,record ids\n晋A11111,Q,s1 s2 s3\n晋A22222,C,s4\n");
    put("bans.csv", "plate,zone,from,to,permit,record_ids\n"
                    "晋B33333,Z1,1,2,0,b1 b2\n晋B44444,Z1,1,2,1,b3 b4\n");
    put("curfew.csv", "plate,record ids\n晋C55555,c1 c2\n");
    put("clones.csv",
        "plate,vehicle_a,vehicle_b,record ids,detectable\n晋A66666,1,2,x1,1\n"
        "晋A77777,3,4,x2,0\n晋A88888,5,6,x3,1\n");
    put("fakes.csv", "plate,record ids\n京B99999,f1 f2\n");
    put("speed.csv", "plate,section,kmh\n晋A12121,S01,99.5\n晋A12121,S01,98.0\n");
    put("gantry.csv", "kind,plate,vehicle,detectable\nplate,晋A31313,晋A32323,1\n"
                      "plate,晋A33333,晋A34343,0\nclass,晋A35353,晋A35353,1\n"
                      "path,晋A31313,晋A32323,1\npath,晋A36363,晋A32323,0\n");
    put("misreads.csv",
        "record_id,plate,read\nr3,晋A00001,misread\nr9,晋A00001,partial\n");
    put("site_faults.csv", "site,from,kind,value\n140,0,clock_skew_ms,50000\n");
    return 0;
}

static int
end(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static struct score *
load(void)
{
    struct score *s;
    struct note note;
    assert_int_equal(score_new(dir, &s, &note), OK);
    return s;
}

static struct alarm
alarm_of(uint64_t id, const char *rule, const char *plate, double p, const char *record)
{
    struct alarm a = {.id = {id}, .probability = p, .evidence_n = 1};
    bool differs;
    snprintf(a.rule, sizeof a.rule, "%s", rule);
    plate_parse(span_cstr(plate), &a.plate, &differs);
    a.read = a.plate;
    snprintf(a.evidence[0].record_id, sizeof a.evidence[0].record_id, "%s", record);
    return a;
}

static struct alarm
watch_of(uint64_t id, const char *watch, const char *record, const char *read, double p)
{
    struct alarm a = alarm_of(id, "watch", "晋A00001", p, record);
    bool differs;
    plate_parse(span_cstr(read), &a.read, &differs);
    snprintf(a.watch_code, sizeof a.watch_code, "%s", watch);
    return a;
}

static const struct score_row *
row(const struct score_sum *sum, const char *kind, const char *reads)
{
    for (size_t i = 0; i < sum->rows_n; i++)
        if (!strcmp(sum->rows[i].kind, kind) && !strcmp(sum->rows[i].reads, reads))
            return &sum->rows[i];
    fail_msg("no row %s %s", kind, reads);
    return NULL;
}

static void
tags_by_plate(void **state)
{
    struct score *s = load();
    struct score_sum sum;
    (void)state;
    const struct alarm all[] = {
        alarm_of(1, "etc_plate", "晋A31313", 0.9, "p1"),
        alarm_of(2, "etc_plate", "晋A32323", 0.9, "p2"), /* the vehicle, not the tag */
        alarm_of(3, "etc_class", "晋A31313", 0.9, "p3"), /* the other kind */
        alarm_of(4, "etc_path", "晋A31313", 0.9, "p4"),
        alarm_of(5, "etc_path", "晋A36363", 0.9, "p5"), /* right, if hard to find */
        alarm_of(6, "etc_path", "晋A35353", 0.9, "p6"), /* one tag only */
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        score_alarm(s, &all[i]);
    score_sum(s, &sum);
    const struct score_row *plate = row(&sum, "etc_plate", "all");
    assert_int_equal(plate->truth, 1);
    assert_int_equal(plate->found, 1);
    assert_int_equal(plate->alarms, 2);
    assert_int_equal(plate->right, 1);
    const struct score_row *class = row(&sum, "etc_class", "all");
    assert_int_equal(class->truth, 1);
    assert_int_equal(class->found, 0);
    assert_int_equal(class->right, 0);
    const struct score_row *path = row(&sum, "etc_path", "all");
    assert_int_equal(path->truth, 1);
    assert_int_equal(path->found, 1);
    assert_int_equal(path->alarms, 3);
    assert_int_equal(path->right, 2);
    score_free(s);
}

static void
watches_exact_and_misread(void **state)
{
    struct score *s = load();
    struct score_sum sum;
    (void)state;
    const struct alarm all[] = {
        watch_of(1, "BK1", "r1", "晋A00001", 1.0),
        watch_of(2, "BK2", "r1", "晋A00001", 1.0), /* not that watch */
        watch_of(3, "BK1", "r3", "晋A0000L", 0.6), /* the misread one */
        watch_of(4, "BK1", "r8", "晋A000O7", 0.4), /* a wrong guess */
        watch_of(5, "BK1", "r9", "晋A0?001", 0.5), /* partial, and right: neutral */
        watch_of(6, "BK2", "r4", "晋A00001", 1.0), /* withdrawn below */
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        score_alarm(s, &all[i]);
    struct alarm gone = all[5];
    gone.state = ALARM_WITHDRAWN;
    gone.evidence_n = 0;
    score_alarm(s, &gone);
    score_alarm(s, &all[0]); /* the same again is one */
    score_sum(s, &sum);
    const struct score_row *r = row(&sum, "watch", "exact");
    assert_int_equal(r->truth, 3);
    assert_int_equal(r->found, 1);
    assert_int_equal(r->alarms, 2);
    assert_int_equal(r->right, 1);
    r = row(&sum, "watch", "misread");
    assert_int_equal(r->truth, 1);
    assert_int_equal(r->found, 1);
    assert_int_equal(r->alarms, 2);
    assert_int_equal(r->right, 1);
    assert_int_equal(r->neutral, 1);
    assert_true(r->recall == 1 && r->precision == 0.5);
    score_free(s);
}

static void
status_counts_a_day_once(void **state)
{
    struct score *s = load();
    struct score_sum sum;
    (void)state;
    score_seen(s, SPAN("s1"), SPAN("1"), DAY_ONE);
    score_seen(s, SPAN("s2"), SPAN("1"), DAY_ONE + HOUR_MS);
    score_seen(s, SPAN("s3"), SPAN("1"), DAY_ONE + DAY_MS);
    score_seen(s, SPAN("s4"), SPAN("1"), DAY_ONE);
    struct alarm a = alarm_of(1, "status", "晋A11111", 0.99, "s2");
    score_alarm(s, &a);
    a = alarm_of(2, "status", "晋A33333", 0.99, "s9");
    score_alarm(s, &a);
    score_sum(s, &sum);
    const struct score_row *r = row(&sum, "status", "exact");
    assert_int_equal(r->truth, 3);
    assert_int_equal(r->found, 1);
    assert_int_equal(r->alarms, 2);
    assert_int_equal(r->right, 1);
    score_free(s);
}

static void
the_other_kinds(void **state)
{
    struct score *s = load();
    struct score_sum sum;
    (void)state;
    score_seen(s, SPAN("x9"), SPAN("140"), DAY_ONE);
    struct alarm all[] = {
        alarm_of(1, "truck_ban", "晋B33333", 0.95, "b2"),
        alarm_of(2, "truck_ban", "晋B44444", 0.95, "b3"), /* has a permit */
        alarm_of(3, "coach_curfew", "晋C55555", 0.95, "c1"),
        alarm_of(4, "cloned_plate", "晋A66666", 0.95, "x1"),
        alarm_of(5, "cloned_plate", "晋A77777", 0.95, "x2"), /* found though hard */
        alarm_of(6, "cloned_plate", "晋A00000", 0.95, "x9"), /* a wrong clock */
        alarm_of(7, "fake_plate", "京B99999", 0.95, "f1"),
        alarm_of(8, "average_speed", "晋A12121", 0.95, "v1"),
        alarm_of(9, "average_speed", "晋A12121", 0.95, "v1"),
        alarm_of(10, "something_else", "晋A12121", 0.95, "v1"),
    };
    snprintf(all[7].subject, sizeof all[7].subject, "S01");
    snprintf(all[8].subject, sizeof all[8].subject, "S02");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        score_alarm(s, &all[i]);
    score_sum(s, &sum);
    const struct score_row *r = row(&sum, "truck_ban", "exact");
    assert_true(r->truth == 1 && r->found == 1 && r->alarms == 2 && r->right == 1);
    r = row(&sum, "coach_curfew", "exact");
    assert_true(r->truth == 1 && r->found == 1 && r->right == 1);
    r = row(&sum, "cloned_plate", "all");
    assert_true(r->truth == 2 && r->found == 1 && r->alarms == 3 && r->right == 2);
    r = row(&sum, "fake_plate", "all");
    assert_true(r->truth == 1 && r->found == 1 && r->alarms == 1 && r->right == 1);
    r = row(&sum, "average_speed", "all");
    assert_true(r->truth == 1 && r->found == 1 && r->alarms == 2 && r->right == 1);
    r = row(&sum, "unread_cluster", "all"); /* no file: nothing to find */
    assert_true(r->truth == 0 && r->recall == 1);
    assert_int_equal(sum.clock_alarms, 1);
    /* 9 alarms of known kinds, all stated at 0.95 */
    assert_int_equal(sum.bins[9].n, 9);
    assert_int_equal(sum.bins[9].right, 6);
    score_free(s);
}

static void
prints_and_json(void **state)
{
    struct score *s = load();
    struct score_sum sum;
    struct buf b = {0};
    char *text = NULL;
    size_t n = 0;
    (void)state;
    struct alarm a = watch_of(1, "BK2", "r1", "晋A00001", 0.97);
    score_alarm(s, &a);
    score_sum(s, &sum);
    score_json(&sum, &b);
    buf_u8(&b, 0);
    assert_non_null(strstr(
        (char *)b.p, "{\"name\":\"detectors.watch.exact.recall\","
                     "\"value\":0.00000,\"unit\":\"share\","
                     "\"bar\":0.999,\"better\":\"higher\"}"));
    assert_null(strstr((char *)b.p, "tenth_9")); /* one alarm tells nothing */
    buf_release(&b);
    FILE *f = open_memstream(&text, &n);
    score_print(&sum, f);
    score_explain(s, "watch", 10, f);
    fclose(f);
    assert_non_null(strstr(text, "watch wrong: 晋A00001"));
    assert_non_null(strstr(text, "watch not found: BK1 r3 (misread)"));
    free(text);
    score_free(s);
}

static void
tenths_are_told(void **state)
{
    struct score_sum all = {0}, one = {0};
    (void)state;
    one.rows_n = 1;
    one.rows[0] =
        (struct score_row){.kind = "watch", .reads = "exact", .truth = 10, .found = 5};
    one.bins[9] = (struct score_bin){50, 48, 0.96};
    score_add(&all, &one);
    assert_false(score_verdict(&all.bins[9]).enough); /* 48 of 50: 0.87 .. 0.99 */
    for (int i = 0; i < 3; i++)
        score_add(&all, &one);
    assert_int_equal(all.bins[9].n, 200);
    assert_int_equal(all.bins[9].right, 192);
    assert_int_equal(all.rows[0].truth, 40);
    assert_true(all.rows[0].recall == 0.5);
    struct score_verdict v = score_verdict(&all.bins[9]);
    assert_true(v.enough && !v.apart && v.low > 0.92 && v.low < 0.93 && v.high > 0.97);
    all.bins[9].stated = 0.80; /* said less than it is */
    assert_true(score_verdict(&all.bins[9]).apart);
    struct score_bin few = {8, 0, 0.97}, none = {0, 0, 0};
    assert_true(score_verdict(&few).apart && !score_verdict(&few).enough);
    assert_false(score_verdict(&none).apart || score_verdict(&none).enough);
}

static void
bad_directories_are_told(void **state)
{
    struct score *s;
    struct note note;
    (void)state;
    assert_int_equal(score_new("/no/such/place", &s, &note), ERR_IO);
    put("clones.csv", "plate,who\n晋A66666,1\n");
    assert_int_equal(score_new(dir, &s, &note), ERR_INPUT);
    assert_non_null(strstr(note.en, "detectable"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(watches_exact_and_misread, begin, end),
        cmocka_unit_test_setup_teardown(tags_by_plate, begin, end),
        cmocka_unit_test_setup_teardown(status_counts_a_day_once, begin, end),
        cmocka_unit_test_setup_teardown(the_other_kinds, begin, end),
        cmocka_unit_test_setup_teardown(prints_and_json, begin, end),
        cmocka_unit_test(tenths_are_told),
        cmocka_unit_test_setup_teardown(bad_directories_are_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
