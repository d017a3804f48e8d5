/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "city/score_sites.h"

static char dir[64];

static void
write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int
setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/score-sites-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "%s/sites_health.csv", dir);
    unlink(command);
    snprintf(command, sizeof command, "%s/site_faults.csv", dir);
    unlink(command);
    return rmdir(dir);
}

#define M MINUTE_MS

static double
usual(void *arg, struct span site, ts_ms from, ts_ms to)
{
    (void)arg;
    assert_int_equal(to - from, 15 * M);
    return span_eq_cstr(site, "C") ? 1 : 50;
}

static const struct score_row *
row(const struct score_sum *sum, const char *kind, const char *reads)
{
    for (size_t i = 0; i < sum->rows_n; i++)
        if (!strcmp(sum->rows[i].kind, kind) && !strcmp(sum->rows[i].reads, reads))
            return &sum->rows[i];
    return NULL;
}

static void
test_score(void **state)
{
    struct score_sites *s;
    struct note note;
    struct score_sum sum = {0};
    (void)state;
    write_file(
        "sites_health.csv", "site,from,to,kind\n"
                            "A,6000000,9600000,silent\n"
                            "B,6000000,9600000,silent\n"
                            "C,6000000,9600000,silent\n"
                            "A,60000000,90000000,degraded\n");
    write_file(
        "site_faults.csv", "site,from,kind,value\nD,0,clock_skew_ms,-40000\n"
                           "E,0,clock_skew_ms,4000\nF,0,moved_m,800\n");
    assert_int_equal(score_sites_new(dir, &s, &note), OK);
    score_sites_said(s, SPAN("A"), TROUBLE_SILENT, 6000000 + 14 * M);
    score_sites_said(s, SPAN("B"), TROUBLE_SILENT, 6000000 + 20 * M);
    score_sites_said(s, SPAN("B"), TROUBLE_SILENT, 60000000); /* wrong */
    score_sites_said(s, SPAN("A"), TROUBLE_DEGRADED, 60000000 + M);
    score_sites_said(s, SPAN("D"), TROUBLE_CLOCK, 5);
    score_sites_said(s, SPAN("F"), TROUBLE_CLOCK, 5); /* wrong */
    score_sites_weigh(s, usual, NULL);
    score_sites_span(s, 50);
    assert_true(score_sites_asks(s));
    score_sites_sum(s, &sum);
    assert_true(row(&sum, "silent_site", "ever")->site_weeks == 50);
    assert_true(row(&sum, "clock_wrong", "all")->site_weeks == 0);
    const struct score_row *r = row(&sum, "silent_site", "telling");
    assert_int_equal(r->truth, 2); /* C is too quiet a road */
    assert_int_equal(r->found, 1);
    assert_int_equal(r->alarms, 3);
    assert_int_equal(r->right, 2);
    r = row(&sum, "silent_site", "15 min");
    assert_int_equal(r->truth, 3);
    assert_int_equal(r->found, 1);
    assert_int_equal(row(&sum, "silent_site", "ever")->found, 2);
    assert_int_equal(row(&sum, "degraded_site", "15 min")->found, 1);
    r = row(&sum, "clock_wrong", "all");
    assert_int_equal(r->truth, 1); /* 4 s harm nobody */
    assert_int_equal(r->found, 1);
    assert_int_equal(r->alarms, 2);
    assert_int_equal(r->right, 1);
    score_sites_free(s);
}

static void
test_from(void **state)
{
    struct score_sites *s;
    struct note note;
    struct score_sum sum = {0};
    (void)state;
    write_file(
        "sites_health.csv", "site,from,to,kind\nA,6000000,9600000,silent\n"
                            "A,90000000,99600000,silent\n");
    assert_int_equal(score_sites_new(dir, &s, &note), OK);
    score_sites_said(s, SPAN("A"), TROUBLE_SILENT, 5000000);
    score_sites_said(s, SPAN("A"), TROUBLE_SILENT, 90000000 + M);
    score_sites_from(s, 80000000);
    score_sites_sum(s, &sum);
    const struct score_row *r = row(&sum, "silent_site", "15 min");
    assert_int_equal(r->truth, 1);
    assert_int_equal(r->found, 1);
    assert_int_equal(r->alarms, 1);
    score_sites_free(s);
}

static void
test_bad_files(void **state)
{
    struct score_sites *s;
    struct note note;
    struct score_sum sum = {0};
    (void)state;
    assert_int_equal(score_sites_new(dir, &s, &note), OK); /* nothing there */
    score_sites_sum(s, &sum);
    assert_int_equal(sum.rows_n, 0);
    score_sites_free(s);
    write_file("sites_health.csv", "site,from,until,kind\nA,1,2,silent\n");
    assert_int_equal(score_sites_new(dir, &s, &note), ERR_INPUT);
}

/* An outage of four minutes is asked about its four minutes, not about fifteen. */
static double
four_minutes(void *arg, struct span site, ts_ms from, ts_ms to)
{
    (void)arg;
    (void)site;
    assert_int_equal(to - from, 4 * M);
    return 13;
}

static void
test_short(void **state)
{
    struct score_sites *s;
    struct note note;
    struct score_sum sum = {0};
    (void)state;
    write_file("sites_health.csv", "site,from,to,kind\nA,6000000,6240000,silent\n");
    assert_int_equal(score_sites_new(dir, &s, &note), OK);
    score_sites_weigh(s, four_minutes, NULL);
    score_sites_sum(s, &sum);
    assert_int_equal(row(&sum, "silent_site", "telling")->truth, 1);
    score_sites_free(s);
}

/* The clock follows the passes, and no camera that is ahead of time. */
static void
test_clock(void **state)
{
    struct score_clock c = {.now = INT64_MIN};
    (void)state;
    for (int64_t i = 1; i <= 62; i++)
        score_clock_saw(&c, i * 1000);
    assert_true(c.now == INT64_MIN);
    for (int64_t i = 63; i <= 400; i++)
        score_clock_saw(&c, i * 1000 + (i % 20 == 0 ? 90000 : 0));
    assert_true(c.now > 380000 && c.now <= 400000);
    ts_ms was = c.now;
    for (int64_t i = 0; i < 100; i++)
        score_clock_saw(&c, 5000);
    assert_true(c.now == was);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_short, setup, teardown),
        cmocka_unit_test(test_clock),
        cmocka_unit_test_setup_teardown(test_score, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
