/* SPDX-License-Identifier: Apache-2.0 */
#include "loops/ydoc.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/kit.h"

static struct ydoc *
reads(const char *text)
{
    struct ydoc *y = NULL;
    struct note note = {0};
    kit_ok(ydoc_parse(span_cstr(text), "f.yaml", &y, &note), &note);
    return y;
}

static void
refuses(const char *text, const char *where, const char *part)
{
    struct ydoc *y = NULL;
    struct note note = {0};
    enum err e = ydoc_parse(span_cstr(text), "f.yaml", &y, &note);
    if (e != ERR_INPUT && e != ERR_TOOBIG)
        fail_msg("%s was not refused", text);
    if (strncmp(note.en, where, strlen(where)) != 0 || !strstr(note.en, part))
        fail_msg("%s: not \"%s\" with \"%s\"", note.en, where, part);
    assert_int_equal(strncmp(note.zh, where, strlen(where)), 0);
    assert_null(y);
}

static void
nodes_know_where_they_stand(void **state)
{
    (void)state;
    struct ydoc *y = reads("# c\n一: [x, \"y z\"]\nb:\n  c: 'q'\n  d: {e: 1}\n");
    const struct ydoc_node *root = ydoc_root(y), *list = root->first;
    char path[64];
    assert_int_equal(root->kind, YDOC_MAP);
    assert_int_equal(root->n, 2);
    assert_span_equal(list->key, "一");
    assert_int_equal(list->line, 2);
    assert_int_equal(list->column, 4);
    assert_int_equal(list->key_column, 1);
    assert_int_equal(list->first->next->column, 8);
    assert_false(list->first->next->plain);
    assert_string_equal(ydoc_path(list->first->next, path, sizeof path), "一[1]");
    const struct ydoc_node *e = ydoc_find(ydoc_find(ydoc_find(root, "b"), "d"), "e");
    assert_string_equal(ydoc_path(e, path, sizeof path), "b.d.e");
    assert_int_equal(e->line, 5);
    assert_string_equal(ydoc_path(root, path, sizeof path), "");
    assert_string_equal(ydoc_path(e, path, 3), "b");
    assert_null(ydoc_find(root, "zz"));
    assert_null(ydoc_find(e, "zz"));
    assert_string_equal(ydoc_file(y), "f.yaml");
    ydoc_free(y);
    ydoc_free(NULL);
}

static void
scalars_stay_text(void **state)
{
    (void)state;
    struct ydoc *y = reads("a: no\nb: 08:30\nc: 1e3\nd: ~\ne: 0x10\n");
    static const char *const texts[] = {"no", "08:30", "1e3", "~", "0x10"};
    const struct ydoc_node *n = ydoc_root(y)->first;
    for (size_t i = 0; i < 5; i++, n = n->next)
        assert_span_equal(n->text, texts[i]);
    ydoc_free(y);
}

static void
json_is_read_too(void **state)
{
    (void)state;
    struct ydoc *y = reads("{\n\t\"a\": [1, 2.5, true, null, "
                           "\"x\\\"y\\u4e00\"],\n\t\"b\": {\"c\": {}}, \"d\": []}\n");
    const struct ydoc_node *a = ydoc_find(ydoc_root(y), "a");
    assert_int_equal(a->n, 5);
    assert_span_equal(a->last->text, "x\"y一");
    assert_int_equal(ydoc_find(ydoc_find(ydoc_root(y), "b"), "c")->kind, YDOC_MAP);
    assert_int_equal(ydoc_find(ydoc_root(y), "d")->n, 0);
    ydoc_free(y);
}

static void
what_is_refused(void **state)
{
    (void)state;
    refuses("", "f.yaml:1:1", "empty");
    refuses("# only a comment\n", "f.yaml:1:1", "empty");
    refuses("a: &x 1\nb: *x\n", "f.yaml:1:4", "anchors");
    refuses("b: *x\n", "f.yaml:1:4", "aliases");
    refuses("a: !!str 1\n", "f.yaml:1:4", "tags");
    refuses("a: !t [1]\n", "f.yaml:1:4", "tags");
    refuses("a: &m {b: 1}\n", "f.yaml:1:4", "anchors");
    refuses("a: 1\n---\nb: 2\n", "f.yaml:", "one document");
    refuses("a: 1\nb:\n  c: 1\n  c: 2\n", "f.yaml:4:3 b", "twice (first in line 3)");
    refuses("[a]: 1\n", "f.yaml:1:1", "plain word");
    refuses("? {a: 1}\n: 2\n", "f.yaml:1:3", "plain word");
    refuses("\"\": 1\n", "f.yaml:1:1", "1 to 64");
    refuses("a: \"x\\0y\"\n", "f.yaml:1:4", "NUL");
    refuses("a: [1, 2\n", "f.yaml:2:1", "no YAML");
    refuses("a: 1\n b: 2\n", "f.yaml:2:", "no YAML");
    refuses("a: \xff\xfe\n", "f.yaml:1:1", "no YAML");
    refuses("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "f.yaml:1:17", "16 levels");
}

static void
size_is_bounded(void **state)
{
    (void)state;
    size_t n = YDOC_MAX_BYTES + 1;
    char *text = malloc(n + 1);
    assert_non_null(text);
    memset(text, 'x', n);
    text[n] = 0;
    refuses(text, "f.yaml:1:1", "1 MB");
    for (size_t i = 1; i < n - 1; i += 2)
        memcpy(text + i, "a,", 2);
    text[0] = '[';
    memcpy(text + 2 * YDOC_MAX_NODES + 101, "]", 2);
    refuses(text, "f.yaml:1:", "too many values");
    free(text);
}

/* ---- typed readers ---- */

static void
typed_readers_say_what_they_want(void **state)
{
    (void)state;
    struct ydoc *y = reads("t: word\nn: 12\nneg: -3\nf: 2.5\nyes: true\nq: "
                           "\"true\"\nqn: \"12\"\nd: 1h30min\n"
                           "bad: Word\nempty: ''\nlist: [1]\nmap: {a: 1}\n");
    const struct ydoc_node *r = ydoc_root(y);
    struct note note = {0};
    struct span s;
    int64_t i;
    double f;
    bool b;
    size_t w;
    static const char *const words[] = {"one", "word"};
    kit_ok(ydoc_get_text(y, ydoc_find(r, "t"), 4, &s, &note), &note);
    assert_span_equal(s, "word");
    assert_int_equal(ydoc_get_text(y, ydoc_find(r, "t"), 3, &s, &note), ERR_INPUT);
    assert_string_equal(note.en, "f.yaml:1:4 t: the text is longer than 3 bytes");
    assert_int_equal(ydoc_get_text(y, ydoc_find(r, "empty"), 9, &s, &note), ERR_INPUT);
    assert_int_equal(ydoc_get_text(y, ydoc_find(r, "list"), 9, &s, &note), ERR_INPUT);
    assert_string_equal(note.zh, "f.yaml:11:7 list：应为文字，实为列表");
    kit_ok(ydoc_get_name(y, ydoc_find(r, "t"), &s, &note), &note);
    assert_int_equal(ydoc_get_name(y, ydoc_find(r, "bad"), &s, &note), ERR_INPUT);
    kit_ok(ydoc_get_i64(y, ydoc_find(r, "neg"), -5, 5, &i, &note), &note);
    assert_int_equal(i, -3);
    assert_int_equal(ydoc_get_i64(y, ydoc_find(r, "n"), 0, 11, &i, &note), ERR_INPUT);
    assert_string_equal(
        note.en, "f.yaml:2:4 n: expected a whole number from 0 to 11, found \"12\"");
    assert_int_equal(ydoc_get_i64(y, ydoc_find(r, "qn"), 0, 99, &i, &note), ERR_INPUT);
    assert_int_equal(ydoc_get_i64(y, ydoc_find(r, "map"), 0, 99, &i, &note), ERR_INPUT);
    kit_ok(ydoc_get_number(y, ydoc_find(r, "f"), &f, &note), &note);
    assert_true(f == 2.5);
    assert_int_equal(ydoc_get_number(y, ydoc_find(r, "t"), &f, &note), ERR_INPUT);
    kit_ok(ydoc_get_flag(y, ydoc_find(r, "yes"), &b, &note), &note);
    assert_true(b);
    assert_int_equal(ydoc_get_flag(y, ydoc_find(r, "q"), &b, &note), ERR_INPUT);
    kit_ok(ydoc_get_duration(y, ydoc_find(r, "d"), &i, &note), &note);
    assert_int_equal(i, 5400000);
    assert_int_equal(ydoc_get_duration(y, ydoc_find(r, "n"), &i, &note), ERR_INPUT);
    kit_ok(ydoc_get_word(y, ydoc_find(r, "t"), words, 2, &w, &note), &note);
    assert_int_equal(w, 1);
    assert_int_equal(
        ydoc_get_word(y, ydoc_find(r, "bad"), words, 2, &w, &note), ERR_INPUT);
    assert_string_equal(
        note.en, "f.yaml:9:6 bad: expected one of one, word; found \"Word\"");
    assert_int_equal(ydoc_only(y, ydoc_find(r, "map"), words, 2, &note), ERR_INPUT);
    assert_string_equal(
        note.en, "f.yaml:12:7 map.a: unknown key; known here: one, word");
    const struct ydoc_node *c;
    assert_int_equal(ydoc_need(y, r, "zz", &c, &note), ERR_INPUT);
    kit_ok(ydoc_need(y, r, "t", &c, &note), &note);
    ydoc_free(y);
}

static void
durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"90s", 90000},
        {"2min", 120000},
        {"24h", 86400000},
        {"3d", 259200000},
        {"1h30min", 5400000},
        {"5ms", 5},
        {"", -1},
        {"5", -1},
        {"h", -1},
        {"1x", -1},
        {"30min1h", -1},
        {"1h1h", -1},
        {"-1h", -1},
        {"1 h", -1},
        {"9999999999s", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        bool ok = duration_parse(span_cstr(rows[i].text), &ms);
        if (ok != (rows[i].ms >= 0) || (ok && ms != rows[i].ms))
            fail_msg("%s gave %lld", rows[i].text, (long long)ms);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_know_where_they_stand),
        cmocka_unit_test(scalars_stay_text),
        cmocka_unit_test(json_is_read_too),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(typed_readers_say_what_they_want),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
