/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "core/text.h"
#include "model/codes.h"

static void
test_code3_round_trip(void **state)
{
    (void)state;
    static const char chars[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char text[4], back[CODE3_TEXT], before[CODE3_TEXT] = "";
    for (int a = 0; a < 36; a++)
        for (int b = -1; b < 36; b++)
            for (int c = -1; c < (b < 0 ? 0 : 36); c++) {
                int n = 0;
                text[n++] = chars[a];
                if (b >= 0)
                    text[n++] = chars[b];
                if (c >= 0)
                    text[n++] = chars[c];
                text[n] = 0;
                code3 v, w;
                assert_true(code3_parse(span_cstr(text), &v));
                assert_string_equal(code3_format(back, v), text);
                if (*before) { /* values sort as texts do */
                    assert_true(code3_parse(span_cstr(before), &w));
                    assert_true(w < v);
                }
                memcpy(before, text, sizeof text);
            }
}

static void
test_code3_refuses(void **state)
{
    (void)state;
    code3 v;
    char text[CODE3_TEXT];
    assert_true(code3_parse(SPAN(""), &v) && v == 0);
    assert_string_equal(code3_format(text, 0), "");
    assert_true(code3_parse(SPAN("k33"), &v));
    assert_string_equal(code3_format(text, v), "K33");
    assert_false(code3_parse(SPAN("K331"), &v));
    assert_false(code3_parse(SPAN("K-1"), &v));
    assert_false(code3_parse(SPAN("晋"), &v));
}

/* Every row has a code, both languages and well-formed text; codes of a table are
 * distinct. */
static void
test_tables_are_whole(void **state)
{
    (void)state;
    unsigned tables = 0;
    for (const struct code_table *t = code_tables(); t->name; t++, tables++) {
        assert_true(t->n > 0);
        for (size_t i = 0; i < t->n; i++) {
            assert_true(*t->rows[i].code && *t->rows[i].zh && *t->rows[i].en);
            assert_true(utf8_valid(span_cstr(t->rows[i].zh)));
            assert_ptr_equal(
                code_find(t->name, span_cstr(t->rows[i].code)), &t->rows[i]);
        }
    }
    assert_true(tables >= 8);
    assert_null(code_find("brand", SPAN("nothing")));
    assert_null(code_find("nothing", SPAN("1")));
    assert_string_equal(code_find("vehicle_class", SPAN("K33"))->zh, "小型轿车");
}

static void
test_color_maps(void **state)
{
    (void)state;
    const struct color_map *m = color_map_find(SPAN("sdk0"));
    assert_non_null(m);
    assert_int_equal(m->to[2], COLOR_BLUE);
    assert_int_equal(color_map_find(SPAN("ui1"))->to[1], COLOR_BLUE);
    assert_int_equal(color_map_find(SPAN("gat1400"))->to[5], COLOR_BLUE);
    assert_null(color_map_find(SPAN("")));
    size_t n = 0;
    for (; color_map_at(n); n++)
        assert_true(*color_map_at(n)->zh && *color_map_at(n)->en);
    assert_true(n >= 3);
    for (char c = 'A'; c <= 'J'; c++)
        assert_int_equal(color_to_ga24(color_of_ga24(c)), c);
    assert_int_equal(color_of_ga24('K'), COLOR_UNREAD);
    assert_int_equal(color_to_ga24(COLOR_UNREAD), 0);
}

static code3
code(const char *s)
{
    code3 v;
    assert_true(code3_parse(span_cstr(s), &v));
    return v;
}

static void
test_families(void **state)
{
    (void)state;
    assert_true(class_is_truck(code("H11")));
    assert_true(class_is_truck(code("Q11")));
    assert_false(class_is_truck(code("K11")));
    assert_false(class_is_truck(0));
    assert_true(class_is_coach(code("K11")) && class_is_coach(code("K21")));
    assert_false(class_is_coach(code("K33")) || class_is_coach(code("K")));
}

static void
test_agreement(void **state)
{
    (void)state;
    assert_true(class_agrees(code("K33"), code("K31")));
    assert_true(class_agrees(code("K33"), 0));
    assert_true(class_agrees(code("H11"), code("H21")));
    assert_true(class_agrees(code("Q11"), code("H11")));
    assert_true(class_agrees(code("K33"), code("X99")));
    assert_true(class_agrees(code("K39"), code("H31")));
    assert_true(class_agrees(code("H31"), code("K39")));
    assert_false(class_agrees(code("K33"), code("H11")));
    assert_false(class_agrees(code("K11"), code("K33")));
    assert_false(class_agrees(code("M21"), code("K33")));
    assert_true(color_agrees(COLOR_WHITE, COLOR_GRAY));
    assert_true(color_agrees(COLOR_GRAY, COLOR_WHITE));
    assert_true(color_agrees(COLOR_RED, COLOR_UNREAD));
    assert_false(color_agrees(COLOR_WHITE, COLOR_RED));
    assert_false(color_agrees(COLOR_BLACK, COLOR_WHITE));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code3_round_trip), cmocka_unit_test(test_code3_refuses),
        cmocka_unit_test(test_tables_are_whole), cmocka_unit_test(test_color_maps),
        cmocka_unit_test(test_families),         cmocka_unit_test(test_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
