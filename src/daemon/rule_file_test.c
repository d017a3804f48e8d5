/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/rule_file.h"

#include <stdio.h>
#include <string.h>

#include "core/os_file.h"
#include "kit/kit.h"

static char dir[OS_PATH];

static enum err
read_text(const char *text, struct rule_settings *out, struct note *note)
{
    char path[OS_PATH];
    *note = (struct note){0};
    assert_int_equal(os_join(path, sizeof path, dir, "rules.yaml"), OK);
    kit_ok(os_write_file(os_fs_real(), path, span_cstr(text), "test", note), note);
    return rule_file_read(path, out, note);
}

/* The text is refused, at that place and with these words. */
static void
refused(const char *text, const char *place, const char *words)
{
    struct rule_settings s;
    struct note note;
    assert_int_equal(read_text(text, &s, &note), ERR_INPUT);
    if (!strstr(note.en, place) || !strstr(note.en, words) || !strstr(note.zh, place))
        fail_msg("%s: \"%s\" / \"%s\"", words, note.en, note.zh);
}

static void
test_reads(void **state)
{
    (void)state;
    struct rule_settings s, defaults;
    struct note note;
    rule_settings_init(&defaults);
    kit_ok(read_text("rules:\n", &s, &note), &note);
    assert_true(rule_settings_same(&s, &defaults));
    kit_ok(rule_file_read("definitions/rules.yaml", &s, &note), &note);
    assert_true(rule_settings_same(&s, &defaults));
    kit_ok(rule_file_read("no/such/rules.yaml", &s, &note), &note);
    assert_true(rule_settings_same(&s, &defaults));
    kit_ok(
        read_text(
            "rules:\n  watch:\n  average_speed:\n    on: false\n    "
            "tolerance_percent: 12.5\n",
            &s, &note),
        &note);
    size_t i = rule_index(SPAN("average_speed"));
    assert_true(s.off[i]);
    assert_true(s.value[i][0] > 12.4 && s.value[i][0] < 12.6);
    assert_false(s.off[rule_index(SPAN("watch"))]);
}

static void
test_refuses(void **state)
{
    (void)state;
    refused("rules:\n  spead:\n    on: true\n", "rules.yaml:2:3", "average_speed");
    refused(
        "rules:\n  average_speed:\n    tolerance: 5\n", "rules.yaml:3:5",
        "tolerance_percent");
    refused(
        "rules:\n  average_speed:\n    tolerance_percent: 51\n", "rules.yaml:3:24",
        "between 0 and 50");
    refused(
        "rules:\n  average_speed:\n    tolerance_percent: \"5\"\n", "rules.yaml:3:24",
        "expected a number");
    refused("rules:\n  average_speed:\n    on: 1\n", "rules.yaml:3:9", "true or false");
    refused("rules:\n  average_speed: 5\n", "rules.yaml:2:18", "");
    refused("rules: 5\n", "rules.yaml:1:8", "");
    refused("rule:\n", "rules.yaml:1:1", "");
}

static int
set_up(void **state)
{
    (void)state;
    kit_temp_dir(dir);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    kit_remove_tree(dir);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads), cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
