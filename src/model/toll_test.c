/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/toll.h"

static code3
code(const char *text)
{
    code3 c = 0;
    assert_true(code3_parse(span_cstr(text), &c));
    return c;
}

static void
test_codes(void **state)
{
    (void)state;
    struct span gantry;
    assert_true(rsu_code(SPAN("G000514001000110010-RSU"), &gantry));
    assert_span_equal(gantry, "G000514001000110010");
    assert_false(rsu_code(SPAN("-RSU"), &gantry));
    assert_false(rsu_code(SPAN("G000514001000110010"), &gantry));
    assert_true(gantry_code(SPAN("G000514001000110010")));
    assert_true(gantry_code(SPAN("S0055140010001100")));
    assert_false(gantry_code(SPAN("14010000001190000001")));
    assert_false(gantry_code(SPAN("G0005140010001X0010")));
    assert_false(gantry_code(SPAN("G5")));
}

static void
test_classes(void **state)
{
    (void)state;
    unsigned known = 0;
    for (unsigned n = 0; n < 120; n++) {
        code3 c = toll_class(n);
        known += c != 0;
        if (!c)
            continue;
        char text[CODE3_TEXT];
        assert_int_equal(toll_number(c), n);
        assert_non_null(code_find("vehicle_class", span_cstr(code3_format(text, c))));
    }
    assert_int_equal(known, 18);
    for (unsigned c = 0; c <= UINT16_MAX; c++)
        if (toll_number((code3)c))
            assert_int_equal(toll_class(toll_number((code3)c)), c);
    assert_int_equal(toll_number(code("K33")), 0);
}

static void
test_fit(void **state)
{
    (void)state;
    static const struct {
        unsigned toll;
        const char *class;
        enum toll_fit want;
    } rows[] = {
        {1, "K33", TOLL_AGREES},  {1, "K43", TOLL_AGREES},  {1, "H31", TOLL_NEAR},
        {1, "H11", TOLL_FAR},     {1, "Q11", TOLL_FAR},     {1, "K11", TOLL_FAR},
        {1, "K21", TOLL_NEAR},    {3, "K11", TOLL_AGREES},  {4, "H11", TOLL_FAR},
        {11, "H31", TOLL_AGREES}, {11, "K39", TOLL_NEAR},   {11, "H11", TOLL_FAR},
        {12, "H21", TOLL_AGREES}, {13, "H11", TOLL_AGREES}, {16, "Q11", TOLL_AGREES},
        {21, "H31", TOLL_AGREES}, {23, "K33", TOLL_FAR},    {1, "X99", TOLL_UNKNOWN},
        {1, "E13", TOLL_FAR},     {1, "E01", TOLL_AGREES},  {1, "", TOLL_UNKNOWN},
        {1, "M21", TOLL_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        code3 tag = toll_class(rows[i].toll), seen = code(rows[i].class);
        if (toll_fit(tag, seen) != rows[i].want)
            fail_msg("%u against %s", rows[i].toll, rows[i].class);
        assert_int_equal(toll_fit(seen, tag), rows[i].want);
    }
}

static void
test_notes(void **state)
{
    (void)state;
    char text[TAG_NOTE_TEXT];
    struct tag_note n = {TAG_OBU,  TAG_DONE,      "2C0101",
                         "2C0100", 1772415000000, SPAN("G000514001000110010P7")};
    struct tag_note got, none = {0};
    assert_span_equal(
        tag_note_format(text, &n),
        "etc:obu;ok;own=2C0101;last=2C0100@1772415000000;pic=G000514001000110010P7");
    assert_true(tag_note_parse(tag_note_format(text, &n), &got));
    assert_int_equal(got.medium, TAG_OBU);
    assert_int_equal(got.result, TAG_DONE);
    assert_string_equal(got.own, n.own);
    assert_string_equal(got.last, n.last);
    assert_true(got.last_ms == n.last_ms);
    assert_span_equal(got.picture, "G000514001000110010P7");
    assert_true(tag_note_parse(tag_note_format(text, &none), &got));
    assert_int_equal(got.medium, TAG_UNSAID);
    assert_true(got.last_ms == 0 && got.picture.n == 0);
    char long_id[TAG_NOTE_TEXT];
    memset(long_id, '7', sizeof long_id);
    n.picture = span_of(long_id, sizeof long_id);
    assert_true(tag_note_parse(tag_note_format(text, &n), &got));
    assert_int_equal(got.picture.n, 0);
    assert_false(tag_note_parse(SPAN("http://x/1.jpg"), &got));
    assert_false(tag_note_parse(SPAN("etc:radio;ok;own="), &got));
    assert_false(tag_note_parse(SPAN("etc:obu;ok;last=2C@noon"), &got));
    assert_false(tag_note_parse(SPAN("etc:obu;ok;own=2C0101012345678"), &got));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
