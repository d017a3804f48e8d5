/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar is written a second time here, as strings, so that a slip in plate.c's
 * rows shows. */
#include "kit/kit.h"

#include "core/os_clock.h"
#include "core/text.h"
#include "model/plate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PROV "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
#define OFFICE "ABCDEFGHJKLMNOPQRSTUVWXYZ"
#define SEQ "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
#define DIGIT "0123456789"
#define NEV "DABCEFGHJK"

struct kind_row {
    enum plate_kind kind;
    const char *at[PLATE_CHARS + 1];
};
static const struct kind_row kinds[] = {
    {PLATE_ORDINARY, {PROV, OFFICE, SEQ, SEQ, SEQ, SEQ, SEQ}},
    {PLATE_NEV_SMALL, {PROV, OFFICE, NEV, SEQ, DIGIT, DIGIT, DIGIT, DIGIT}},
    {PLATE_NEV_LARGE, {PROV, OFFICE, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, NEV}},
    {PLATE_COACH, {PROV, OFFICE, SEQ, SEQ, SEQ, SEQ, "学"}},
    {PLATE_TRAILER, {PROV, OFFICE, SEQ, SEQ, SEQ, SEQ, "挂"}},
    {PLATE_POLICE, {PROV, OFFICE, SEQ, SEQ, SEQ, SEQ, "警"}},
    {PLATE_HK_MACAU, {"粤", "Z", SEQ, SEQ, SEQ, SEQ, "港澳"}},
    {PLATE_EMBASSY, {DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, "使"}},
    {PLATE_EMBASSY, {"使", DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT}},
    {PLATE_CONSULATE, {PROV, OFFICE, DIGIT, DIGIT, DIGIT, DIGIT, "领"}},
    {PLATE_WJ, {"W", "J", DIGIT, DIGIT, DIGIT, DIGIT, DIGIT "TDSHBXJ"}},
    {PLATE_WJ, {"W", "J", PROV, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT "TDSHBXJ"}},
    {PLATE_MILITARY,
     {"VKHBSLJNGCE", "ABCDJKLMNOPRSTVY", DIGIT, DIGIT, DIGIT, DIGIT, DIGIT}},
    {PLATE_EMERGENCY, {PROV, "XS", SEQ, SEQ, SEQ, SEQ, "应", "急"}},
    {PLATE_AVIATION, {"民", "航", SEQ, SEQ, SEQ, SEQ, SEQ}},
    {PLATE_TEMPORARY, {PROV, OFFICE, SEQ, SEQ, SEQ, SEQ, "临试超"}},
    {PLATE_TEMPORARY, {PROV, DIGIT, DIGIT, SEQ, SEQ, SEQ, SEQ, SEQ}},
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* The i-th character of a set given as UTF-8. */
static struct span
pick(const char *set, size_t i)
{
    struct span s = span_cstr(set);
    for (; i; i--)
        s = span_skip(s, utf8_step(s));
    return span_of(s.p, utf8_step(s));
}

static size_t
count(const char *set)
{
    return utf8_count(span_cstr(set));
}

/* A text of a kind from a mixed-radix number; `blank` (or -1) is replaced by a '?'. */
static void
spell(char *dst, const struct kind_row *k, uint64_t number, int blank)
{
    for (int i = 0; k->at[i]; i++) {
        size_t n = count(k->at[i]);
        struct span c = i == blank ? SPAN("?") : pick(k->at[i], number % n);
        memcpy(dst, c.p, c.n);
        dst += c.n;
        number /= n;
    }
    *dst = 0;
}

static uint64_t
space_of(const struct kind_row *k)
{
    uint64_t n = 1;
    for (int i = 0; k->at[i]; i++)
        n *= count(k->at[i]);
    return n;
}

static void
check_round(const char *text, enum plate_kind kind)
{
    char back[PLATE_TEXT];
    struct plate p, again;
    bool differs;
    enum plate_kind got = plate_parse(span_cstr(text), &p, &differs);
    if (got != kind || differs)
        fail_msg("%s: kind %d, expected %d, differs %d", text, got, kind, differs);
    assert_string_equal(plate_format(back, p), text);
    assert_int_equal(plate_parse(span_cstr(back), &again, &differs), kind);
    assert_true(plate_eq(p, again));
    assert_int_equal(plate_kind(p), kind);
    assert_false(plate_is_hashed(p));
}

static void
test_round_trip_over_every_kind(void **state)
{
    (void)state;
    struct kit_rand r = {20260302};
    char text[64];
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t space = space_of(&kinds[k]);
        unsigned rounds = kit_rounds(20000, 2000000);
        for (unsigned i = 0; i < rounds; i++) {
            spell(text, &kinds[k], kit_rand_u64(&r) % space, -1);
            check_round(text, kinds[k].kind);
        }
    }
}

/* Every pair of neighbouring characters of every kind, the others at their first value.
 */
static void
test_round_trip_exhaustive_in_pairs(void **state)
{
    (void)state;
    char text[64];
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t before = 1;
        for (int i = 0; kinds[k].at[i] && kinds[k].at[i + 1]; i++) {
            uint64_t pairs = count(kinds[k].at[i]) * count(kinds[k].at[i + 1]);
            for (uint64_t v = 0; v < pairs; v++) {
                spell(text, &kinds[k], v * before, -1);
                check_round(text, kinds[k].kind);
            }
            before *= count(kinds[k].at[i]);
        }
    }
}

static void
test_one_unread_character_is_partial(void **state)
{
    (void)state;
    struct kit_rand r = {7};
    char text[64], back[PLATE_TEXT];
    for (size_t k = 0; k < KINDS; k++) {
        if (kinds[k].kind == PLATE_TEMPORARY && kinds[k].at[6] &&
            count(kinds[k].at[6]) == 3)
            continue; /* a loose form needs its mark */
        for (int i = 0; kinds[k].at[i]; i++) {
            spell(text, &kinds[k], kit_rand_u64(&r) % space_of(&kinds[k]), i);
            struct plate p;
            bool differs;
            assert_int_equal(plate_parse(span_cstr(text), &p, &differs), PLATE_PARTIAL);
            assert_false(differs);
            assert_int_equal(plate_unread(p), 1);
            assert_false(plate_is_exact(p));
            assert_string_equal(plate_format(back, p), text);
        }
    }
}

static void
test_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *said, *meant;
        enum plate_kind kind;
    } rows[] = {
        {"晋A·12345", "晋A12345", PLATE_ORDINARY},
        {"晋A 123 45", "晋A12345", PLATE_ORDINARY},
        {"晋A-12345", "晋A12345", PLATE_ORDINARY},
        {"晋a1234b", "晋A1234B", PLATE_ORDINARY},
        {"晋Ａ１２３４５", "晋A12345", PLATE_ORDINARY},
        {"晋AO1I45", "晋A01145", PLATE_ORDINARY},
        {"晋O12345", "晋O12345", PLATE_ORDINARY},
        {"\xEF\xBB\xBF晋A12345", "晋A12345", PLATE_ORDINARY},
        {"蓝晋A12345", "晋A12345", PLATE_ORDINARY},
        {"黑晋A12345", "晋A12345", PLATE_ORDINARY},
        {"黑A12345", "黑A12345", PLATE_ORDINARY},
        {"晋AD-12345", "晋AD12345", PLATE_NEV_SMALL},
        {"晋A12-45", "晋A12?45", PLATE_PARTIAL},
        {"晋A12*45", "晋A12?45", PLATE_PARTIAL},
        {"晋A12＿45", "晋A12?45", PLATE_PARTIAL},
        {"粤Z·1234港", "粤Z1234港", PLATE_HK_MACAU},
        {"WJ晋-1234X", "WJ晋1234X", PLATE_WJ},
        {"wj晋1234x", "WJ晋1234X", PLATE_WJ},
        {"使·123456", "使123456", PLATE_EMBASSY},
        {"12345O使", "123450使", PLATE_EMBASSY},
        {"VA·1234O", "VA12340", PLATE_MILITARY},
        {"京X·0001应急", "京X0001应急", PLATE_EMERGENCY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plate p;
        bool differs;
        char text[PLATE_TEXT];
        enum plate_kind kind = plate_parse(span_cstr(rows[i].said), &p, &differs);
        if (kind != rows[i].kind)
            fail_msg("%s: kind %d", rows[i].said, kind);
        assert_string_equal(plate_format(text, p), rows[i].meant);
        assert_int_equal(differs, strcmp(rows[i].said, rows[i].meant) != 0);
    }
    struct plate p;
    bool differs;
    char text[PLATE_TEXT];
    /* a hyphen between sequence characters: unread where a form allows it, else it
     * separates */
    assert_int_equal(plate_parse(SPAN("晋A1-3456"), &p, &differs), PLATE_ORDINARY);
    assert_string_equal(plate_format(text, p), "晋A13456");
    assert_int_equal(plate_parse(SPAN("晋A1-345"), &p, &differs), PLATE_PARTIAL);
    assert_string_equal(plate_format(text, p), "晋A1?345");
}

static void
test_unread(void **state)
{
    (void)state;
    static const char *const words[] = {
        "",        "-", "无牌",     "无车牌", "未识别", "?",    "-------",
        "???????", " ", "00000000", "无号牌", "null",   "未知", "noplate"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct plate p = {1};
        bool differs;
        if (plate_parse(span_cstr(words[i]), &p, &differs) != PLATE_UNREAD)
            fail_msg("\"%s\" is unread", words[i]);
        assert_true(plate_is_none(p));
        assert_int_equal(differs, words[i][0] != 0);
    }
}

static void
test_junk_keeps_an_identity(void **state)
{
    (void)state;
    struct plate a, b;
    bool differs;
    char text[PLATE_TEXT];
    assert_int_equal(plate_parse(SPAN("出租车123"), &a, &differs), PLATE_JUNK);
    assert_true(differs);
    assert_true(plate_is_hashed(a));
    assert_string_equal(plate_format(text, a), "");
    assert_int_equal(plate_kind(a), PLATE_JUNK);
    assert_int_equal(plate_parse(SPAN("出租车 123"), &b, &differs), PLATE_JUNK);
    assert_true(plate_eq(a, b)); /* the same characters, spelt otherwise */
    assert_int_equal(plate_parse(SPAN("ABC"), &a, &differs), PLATE_JUNK);
    assert_false(differs); /* in the alphabet: packed, nothing to keep */
    assert_string_equal(plate_format(text, a), "ABC");
    char lots[400];
    memset(lots, 'A', sizeof lots);
    assert_int_equal(plate_parse(span_of(lots, 200), &a, &differs), PLATE_JUNK);
    assert_int_equal(plate_parse(span_of(lots, 201), &b, &differs), PLATE_JUNK);
    assert_false(plate_eq(a, b));
    assert_int_equal(plate_parse(SPAN("\xFF\xFE\x00\x41"), &a, &differs), PLATE_JUNK);
    assert_true(plate_is_hashed(a));
}

/* Any bytes: parsing is total, and what it formats it reads again as the same value and
 * kind. */
static void
test_any_bytes(void **state)
{
    (void)state;
    static const char *const parts[] = {"晋", "A",  "1",    "·",    "-",    "?",  "O",
                                        "学", "Ｄ", "\xE6", "\x80", "WJ",   "使", "*",
                                        "z",  "车", " ",    "港",   "应急", "0"};
    struct kit_rand r = {99};
    unsigned rounds = kit_rounds(200000, 20000000);
    for (unsigned i = 0; i < rounds; i++) {
        char s[64], text[PLATE_TEXT];
        size_t used = 0;
        s[0] = 0;
        uint32_t n = kit_rand_below(&r, 12);
        for (uint32_t k = 0; k < n; k++)
            used += (size_t)snprintf(
                s + used, sizeof s - used, "%s",
                parts[kit_rand_below(&r, sizeof parts / sizeof *parts)]);
        struct plate p, again;
        bool differs, d2;
        enum plate_kind kind = plate_parse(span_cstr(s), &p, &differs);
        plate_format(text, p);
        assert_int_equal(differs, strcmp(text, s) != 0);
        assert_int_equal(plate_kind(p), kind);
        if (plate_is_hashed(p))
            continue;
        assert_int_equal(plate_parse(span_cstr(text), &again, &d2), kind);
        if (!plate_eq(p, again) || d2)
            fail_msg("\"%s\" -> \"%s\" is not stable", s, text);
    }
}

static void
test_values_sort_as_texts(void **state)
{
    (void)state;
    struct kit_rand r = {3};
    char a[64], b[64];
    for (int i = 0; i < 20000; i++) {
        struct plate p, q;
        bool d;
        const struct kind_row *k = &kinds[kit_rand_below(&r, 6)];
        spell(a, k, kit_rand_u64(&r) % space_of(k), -1);
        spell(b, &kinds[0], kit_rand_u64(&r) % space_of(&kinds[0]), -1);
        plate_parse(span_cstr(a), &p, &d);
        plate_parse(span_cstr(b), &q, &d);
        int by_text = strcmp(a, b); /* UTF-8 sorts as code points do */
        assert_int_equal(by_text < 0, p.v < q.v);
        assert_int_equal(by_text == 0, p.v == q.v);
    }
}

static void
test_real_plates(void **state)
{
    (void)state;
    char path[512], line[64], back[PLATE_TEXT];
    const char *file = kit_shared(path, "data/plates-cn/plates.txt");
    if (!file)
        skip();
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    unsigned n = 0;
    while (fgets(line, sizeof line, f)) {
        struct plate p;
        bool differs;
        line[strcspn(line, "\r\n")] = 0;
        if (plate_parse(span_cstr(line), &p, &differs) != PLATE_ORDINARY || differs)
            fail_msg("line %u is not read as an ordinary plate", n + 1);
        assert_string_equal(plate_format(back, p), line);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 712);
}

static struct plate
plate(const char *text)
{
    struct plate p;
    bool differs;
    plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static void
test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *plate;
        bool match;
    } rows[] = {
        {"晋A12345", "晋A12345", true},  {"晋A·12345", "晋A12345", true},
        {"晋a-12345", "晋A12345", true}, {"晋A12345", "晋A12346", false},
        {"晋A1234?", "晋A12346", true},  {"晋A1234?", "晋A1234", false},
        {"晋A*", "晋A12346", true},      {"晋A*", "晋A", true},
        {"晋A*", "晋B12346", false},     {"*12346", "晋A12346", true},
        {"*12346", "晋A123467", false},  {"晋A?8*3", "晋A18673", true},
        {"晋A?8*3", "晋A183", true},     {"晋A?8*3", "晋A12673", false},
        {"*8*8*", "晋A18180", true},     {"*8*8*", "晋A18190", false},
        {"*学", "晋A1234学", true},      {"晋AO*", "晋A01234", true},
        {"**", "晋A01234", true},        {"晋?12345", "晋O12345", true},
        {"晋A12345", "晋A1?345", false}, {"????????", "晋AD12345", true},
        {"????????", "晋A12345", false}, {"*", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plate_pattern p;
        assert_true(plate_pattern_parse(span_cstr(rows[i].pattern), &p));
        if (plate_pattern_match(&p, plate(rows[i].plate)) != rows[i].match)
            fail_msg("%s over %s", rows[i].pattern, rows[i].plate);
    }
    struct plate_pattern p;
    assert_true(plate_pattern_parse(SPAN("晋A12345"), &p) && p.exact);
    assert_true(plate_eq(p.lo, plate("晋A12345")) && plate_eq(p.hi, p.lo));
    assert_true(plate_pattern_parse(SPAN("晋A1*"), &p) && !p.exact);
    assert_true(p.lo.v <= plate("晋A10000").v && p.hi.v >= plate("晋A1ZZZZ").v);
    assert_true(p.hi.v < plate("晋A20000").v);
    assert_false(plate_pattern_parse(SPAN(""), &p));
    assert_false(plate_pattern_parse(SPAN("晋A\xFF"), &p));
    assert_false(plate_pattern_parse(SPAN("晋A车"), &p));
    assert_false(plate_pattern_parse(SPAN("晋A123456789"), &p));
    assert_false(plate_pattern_parse(SPAN("*1*2*3*4*5*6*7*8*9*1*2*3*4*5"), &p));
}

static void
test_parts(void **state)
{
    (void)state;
    struct plate p = plate("晋A12345");
    char text[PLATE_TEXT];
    assert_int_equal(plate_length(p), 7);
    assert_string_equal(plate_code_text(plate_at(p, 0)), "晋");
    assert_string_equal(
        plate_format(text, plate_with(p, 6, plate_code('8'))), "晋A12348");
    assert_int_equal(plate_at(p, 7), 0);
    assert_int_equal(plate_code('?'), PLATE_CODE_UNREAD);
    assert_int_equal(plate_code(0x8F66), 0); /* 车 is not on plates */
    assert_string_equal(plate_code_text(0), "");
    assert_string_equal(plate_code_text(126), "");
    assert_true(plate_is_exact(p));
    assert_false(plate_is_exact(PLATE_NONE));
    static const char *const asked[] = {"晋A12345", "晋AD12345", "粤Z1234港",
                                        "使014578", "AB1234",    "12345"};
    static const char *const not [] = {"zz",   "1",        "晋", "晋A12",
                                       "AB12", "晋A?2345", ""};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        assert_true(plate_is_askable(plate(asked[i])));
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        assert_false(plate_is_askable(plate(not [i])));
    assert_int_equal(plate_length((struct plate){UINT64_C(1) << 63 | 5}), 0);
}

static void
test_confusion_sums_to_one(void **state)
{
    (void)state;
    unsigned reals = 0;
    for (unsigned real = 2; real < 127; real++) {
        if (!*plate_code_text(real))
            continue;
        double sum = 0;
        for (unsigned got = 0; got < 128; got++) {
            double p = plate_confusion(real, got);
            bool other =
                *plate_code_text(got) && got != real && got != PLATE_CODE_UNREAD;
            assert_int_equal(p > 0, other);
            sum += p;
        }
        assert_true(fabs(sum - 1) < 1e-9);
        reals++;
    }
    assert_true(reals >= 36 + 31);
    assert_true(
        plate_confusion(plate_code('8'), plate_code('B')) >
        10 * plate_confusion(plate_code('8'), plate_code('K')));
}

static void
test_speed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "晋A12345", "晋AD12345", "鲁C6N123", "京QAB123"};
    struct plate p;
    bool differs;
    uint64_t sum = 0;
    dur_us from = os_thread_cpu_us();
    for (int i = 0; i < 1000000; i++) {
        plate_parse(span_cstr(texts[i & 3]), &p, &differs);
        sum += p.v;
    }
    double ns = (double)(os_thread_cpu_us() - from) / 1e3;
    print_message("plate_parse: %.1f ns (sum %llx)\n", ns, (unsigned long long)sum);
    assert_true(sum != 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_over_every_kind),
        cmocka_unit_test(test_round_trip_exhaustive_in_pairs),
        cmocka_unit_test(test_one_unread_character_is_partial),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_unread),
        cmocka_unit_test(test_junk_keeps_an_identity),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_values_sort_as_texts),
        cmocka_unit_test(test_real_plates),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_confusion_sums_to_one),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
