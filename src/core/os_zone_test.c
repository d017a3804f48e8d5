/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include <stdio.h>

#include "core/os_file.h"
#include "core/os_zone.h"

static void
rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int minutes; /* 9999: not taken */
        bool changes;
    } rows[] = {
        {"CST-8", 480, false},
        {"JST-9", 540, false},
        {"<+0530>-5:30", 330, false},
        {"<-03>3", -180, false},
        {"UTC0", 0, false},
        {"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", 9999, true},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 9999, true},
        {"", 9999, false},
        {"CST", 9999, false},
        {"CST-8:10:30", 9999, false},
        {"-8", 9999, false},
        {"CST-99", 9999, false},
        {"<CST-8", 9999, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char file[128];
        int got = 9999;
        bool changes;
        int n = snprintf(file, sizeof file, "TZif2 body\n%s\n", rows[i].rule);
        enum err e = os_zone_rule(span_of(file, (size_t)n), &got, &changes);
        if ((e == OK) != (rows[i].minutes != 9999) || got != rows[i].minutes ||
            changes != rows[i].changes)
            fail_msg("\"%s\": %d %d", rows[i].rule, got, changes);
    }
    int got;
    bool changes;
    assert_int_equal(os_zone_rule(SPAN("TZif\n"), &got, &changes), ERR_INPUT);
    assert_int_equal(os_zone_rule(SPAN("no zone\nCST-8\n"), &got, &changes), ERR_INPUT);
}

/* A folder of files as the machine has one. */
static void
by_name(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH];
    struct zone z;
    struct note note;
    kit_temp_dir(dir);
    kit_ok(os_join(path, sizeof path, dir, "Asia"), NULL);
    kit_ok(os_mkdir(os_fs_real(), path, &note), &note);
    kit_ok(os_join(path, sizeof path, dir, "Asia/Tokyo"), NULL);
    kit_ok(
        os_write_file(os_fs_real(), path, SPAN("TZif2...\nJST-9\n"), "t", &note),
        &note);
    kit_ok(os_join(path, sizeof path, dir, "Berlin"), NULL);
    kit_ok(
        os_write_file(
            os_fs_real(), path, SPAN("TZif2...\nCET-1CEST,M3.5.0,M10.5.0/3\n"), "t",
            &note),
        &note);
    kit_ok(os_zone(dir, SPAN("Asia/Tokyo"), &z, &note), &note);
    assert_int_equal(z.offset_min, 540);
    assert_string_equal(z.name, "Asia/Tokyo");
    kit_ok(os_zone(dir, SPAN("Asia/Shanghai"), &z, &note), &note); /* without a file */
    assert_int_equal(z.offset_min, 480);
    kit_ok(os_zone(dir, SPAN("+05:30"), &z, &note), &note);
    assert_int_equal(z.offset_min, 330);
    assert_int_equal(os_zone(dir, SPAN("Berlin"), &z, &note), ERR_INPUT);
    assert_non_null(strstr(note.en, "summer time"));
    static const char *const none[] = {"Mars",  "../Berlin", "/etc/passwd",   "Asia",
                                       "Asia/", "",          "Asia/../Berlin"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(os_zone(dir, span_cstr(none[i]), &z, &note), ERR_INPUT);
        assert_string_equal(note.field, "zone");
    }
    kit_remove_tree(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
