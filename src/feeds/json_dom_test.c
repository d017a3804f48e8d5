/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "feeds/json_dom.h"

#include <stdlib.h>
#include <string.h>

struct text {
    char p[4096];
};

static enum err
parse(
    struct dom *d, struct text *t, const char *json, struct dom_node *root,
    enum dom_fault *f)
{
    memset(t->p, '#', sizeof t->p);
    memcpy(t->p, json, strlen(json));
    return dom_parse(d, span_of(t->p, strlen(json)), root, f);
}

static void
test_values(void **state)
{
    (void)state;
    static const enum dom_type types[] = {DOM_NULL, DOM_BOOL,   DOM_INT,
                                          DOM_INT,  DOM_NUMBER, DOM_NUMBER,
                                          DOM_TEXT, DOM_LIST,   DOM_OBJECT};
    struct dom *d = dom_new();
    struct text t;
    struct dom_node root, node;
    enum dom_fault f;
    struct dom_value v;
    kit_ok(
        parse(
            d, &t,
            "[null,true,7,-9223372036854775808,1.5,18446744073709551615,"
            "\"a\\u00e9\\n\",[1],{}]",
            &root, &f),
        NULL);
    assert_int_equal(dom_type_of(root), DOM_LIST);
    assert_int_equal(dom_size(root), 9);
    struct dom_iter it = dom_walk(root);
    for (size_t i = 0; i < 9; i++) {
        assert_true(dom_next(&it, &node));
        dom_get(node, &v);
        assert_int_equal(v.type, types[i]);
        if (i == 1)
            assert_true(v.b);
        if (i == 3)
            assert_true(v.i == INT64_MIN);
        if (i == 4)
            assert_true(v.d == 1.5);
        if (i == 5)
            assert_true(v.d == 18446744073709551615.0);
        if (i == 6)
            assert_span_equal(v.s, "aé\n");
        if (i == 7)
            assert_int_equal(dom_size(v.node), 1);
    }
    assert_false(dom_next(&it, &node));
    it = dom_walk(node); /* an object has members but no elements that are not pairs */
    struct span key;
    assert_false(dom_next_pair(&it, &key, &node));
    dom_free(d);
}

static void
test_fields(void **state)
{
    (void)state;
    static const char *const names[] = {"PlateNo", "Speed", "LaneNo", "Missing"};
    struct dom *d = dom_new();
    struct text t;
    struct dom_node root;
    enum dom_fault f;
    struct dom_keys k;
    struct dom_value v[4];
    bool other_case = false;
    dom_keys_init(&k, names, 4);
    kit_ok(
        parse(
            d, &t,
            "{\"x\":1,\"Speed\":1,\"Speed\":2,\"y\":{\"LaneNo\":9},\"PlateNo\":\"p\","
            "\"\":0}",
            &root, &f),
        NULL);
    assert_int_equal(dom_fields(root, &k, v, &other_case), 3);
    assert_false(other_case);
    assert_span_equal(v[0].s, "p");
    assert_int_equal(v[1].i, 2); /* the last of equal keys counts */
    assert_int_equal(v[2].type, DOM_NONE);
    assert_int_equal(v[3].type, DOM_NONE);
    kit_ok(parse(d, &t, "{\"plateno\":\"q\",\"LANENO\":3}", &root, &f), NULL);
    assert_int_equal(dom_fields(root, &k, v, &other_case), 0);
    assert_true(other_case);
    assert_span_equal(v[0].s, "q");
    assert_int_equal(v[2].i, 3);
    kit_ok(parse(d, &t, "[1]", &root, &f), NULL);
    assert_int_equal(dom_fields(root, &k, v, &other_case), 0);
    assert_int_equal(v[0].type, DOM_NONE);
    dom_free(d);
}

static void
test_what_is_no_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum dom_fault fault;
    } rows[] = {
        {"", DOM_EMPTY},
        {"{", DOM_BAD_JSON},
        {"{\"a\":}", DOM_BAD_JSON},
        {"[1,]", DOM_BAD_JSON},
        {"nul", DOM_BAD_JSON},
        {"[1] 2", DOM_BAD_JSON},
        {"\"\xFF\"", DOM_BAD_UTF8},
        {"[01]", DOM_BAD_JSON}};
    struct dom *d = dom_new();
    struct text t;
    struct dom_node root;
    enum dom_fault f;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(parse(d, &t, rows[i].text, &root, &f), ERR_INPUT);
        if (f != rows[i].fault)
            fail_msg("%s: fault %d", rows[i].text, f);
    }
    char deep[2 * DOM_DEPTH + 8];
    memset(deep, '[', DOM_DEPTH + 1);
    memset(deep + DOM_DEPTH + 1, ']', DOM_DEPTH + 1);
    deep[2 * DOM_DEPTH + 2] = 0;
    assert_int_equal(parse(d, &t, deep, &root, &f), ERR_INPUT);
    kit_ok(parse(d, &t, "{}", &root, &f), NULL); /* and it goes on */
    dom_free(d);
    dom_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_what_is_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
