/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "feeds/json_dom.h"
#include "feeds/json_mend.h"

#include <stdio.h>
#include <stdlib.h>

static void
test_slips(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *mended;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2,{}],\"c\":\"x\\\"y\"}",
         "{\"a\":1,\"b\":[1,2,{}],\"c\":\"x\\\"y\"}"},
        {" { \"a\" : true } ", "{\"a\":true}"},
        {"{\"a\":007}", "{\"a\":\"007\"}"},
        {"{\"a\":1.}", "{\"a\":\"1.\"}"},
        {"{\"a\":-0.5e-3}", "{\"a\":-0.5e-3}"},
        {"{\"a\":99999999999999999999}", "{\"a\":\"99999999999999999999\"}"},
        {"{\"a\":NaN,\"b\":None}", "{\"a\":\"NaN\",\"b\":\"None\"}"},
        {"{\"a\":,\"b\":2}", "{\"a\":null,\"b\":2}"},
        {"{\"a\":}", "{\"a\":null}"},
        {"{\"a\":1,}", "{\"a\":1}"},
        {"[1,,2,]", "[1,2]"},
        {"[,1]", "[1]"},
        {"{'a':'it is so'}", "{\"a\":\"it is so\"}"},
        {"{\"a\":\"x\ny\"}", "{\"a\":\"x y\"}"},
        {"{\"a\":\"C:\\dir\"}", "{\"a\":\"C:dir\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = {0};
        json_mend(span_cstr(rows[i].sent), &b);
        buf_u8(&b, 0);
        assert_string_equal((const char *)b.p, rows[i].mended);
        buf_release(&b);
    }
}

/* What parses before parses after. */
static void
test_valid_json_stays_valid(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "{",    "}",   "[",    "]",    ",",    ":",           "\"k\"", "1",
        "-2.5", "1e9", "\"\"", "true", "null", "\"\\u00e9\"", " ",     "\"a,b\""};
    struct kit_rand r = {11};
    struct dom *d = dom_new();
    unsigned valid = 0, rounds = kit_rounds(300000, 10000000);
    for (unsigned i = 0; i < rounds; i++) {
        char text[256];
        size_t used = 0;
        uint32_t n = 1 + kit_rand_below(&r, 7);
        for (uint32_t k = 0; k < n; k++)
            used += (size_t)snprintf(
                text + used, sizeof text - used, "%s",
                parts[kit_rand_below(&r, sizeof parts / sizeof *parts)]);
        struct dom_node root;
        enum dom_fault fault;
        if (dom_parse(d, span_cstr(text), &root, &fault) != OK)
            continue;
        valid++;
        struct buf b = {0};
        json_mend(span_cstr(text), &b);
        size_t len = b.n;
        memset(buf_room(&b, DOM_PAD), 0, DOM_PAD);
        if (dom_parse(d, span_of(b.p, len), &root, &fault) != OK)
            fail_msg("%s is broken by mending", text);
        buf_release(&b);
    }
    assert_true(valid > 100);
    dom_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slips),
        cmocka_unit_test(test_valid_json_stays_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
