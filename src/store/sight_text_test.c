/* SPDX-License-Identifier: Apache-2.0 */
/* Texts come back to the byte, and the usual ones cost no own template. */
#include "store/sight_text.h"

#include "kit/kit.h"

#include <stdio.h>
#include <stdlib.h>

static const struct zone SHANGHAI = {"Asia/Shanghai", 480};

static struct text_val
check(struct text_dict *d, uint32_t hint, struct span s, const struct text_at *at)
{
    struct text_val v = text_split(d, hint, s, at);
    if (v.tpl == TEXT_LITERAL)
        return v;
    struct buf out = {0};
    assert_true(text_join(d, &v, at, &out));
    assert_int_equal(out.n, s.n);
    assert_true(out.n == 0 || memcmp(out.p, s.p, s.n) == 0);
    buf_release(&out);
    return v;
}

static struct text_val
record(struct text_dict *d, const char *s, ts_ms pass)
{
    struct text_at at = {pass, pass, {0}, &SHANGHAI};
    return check(d, 0, span_cstr(s), &at);
}

#define PASS INT64_C(1772380833158) /* 2026-03-02 00:00:33.158 +08:00 */

static void
test_ids(void **state)
{
    (void)state;
    struct text_dict d = {0};
    struct text_val v = record(&d, "1401230368011772380833309000", PASS);
    assert_int_equal(v.dt, 151);
    assert_int_equal(v.num, 0);
    struct text_val w = record(&d, "1401230368011772380893309917", PASS + 60000);
    assert_int_equal(w.tpl, v.tpl);
    assert_int_equal(w.num, 917);
    /* GA/T 1400: 20-digit device, kind, second, sequence, kind, sequence */
    v = record(&d, "140100000011900000010220260302000034000010200001", PASS);
    w = record(&d, "140100000011900000010220260302000035000020200001", PASS + 1000);
    assert_true(v.tpl >= TEXT_FIRST);
    assert_int_equal(v.tpl, w.tpl);
    assert_int_equal(v.dt, 1);
    v = record(&d, "cam7-20260302000033158-5", PASS);
    assert_int_equal(v.dt, 0);
    assert_int_equal(v.num, 5);
    assert_int_equal(record(&d, "", PASS).tpl, TEXT_NONE);
    assert_int_equal(
        record(
            &d,
            "a\x01"
            "b",
            PASS)
            .tpl,
        TEXT_LITERAL);
    record(&d, "99999999999999999999999999999999999999", PASS);
    record(&d, "00000", PASS);
    record(&d, "20260230250000", PASS);
    text_dict_release(&d);
}

static void
test_pictures(void **state)
{
    (void)state;
    struct text_dict d = {0};
    uint32_t first = 0;
    for (int i = 0; i < 400; i++) {
        ts_ms pass = PASS + i * INT64_C(1234567);
        char id[64], url[160], day[TS_TEXT];
        struct civil c = civil_of(pass + 99, &SHANGHAI);
        snprintf(id, sizeof id, "140123036801%lld%03d", (long long)(pass + 99), i);
        snprintf(
            url, sizeof url, "http://10.14.1.119:8088/kk/%s/%02d/%s.jpg",
            day_format(day, civil_day(pass + 99, &SHANGHAI)), c.hour, id);
        struct text_at at = {pass, pass, {0}, &SHANGHAI};
        struct text_val v = check(&d, 0, span_cstr(id), &at);
        at.ref = text_time(&d, &v, pass);
        assert_int_equal(at.ref, pass + 99);
        at.record = span_cstr(id);
        struct text_val w = check(&d, first, span_cstr(url), &at);
        if (!first)
            first = w.tpl;
        assert_int_equal(w.tpl, first);
        assert_int_equal(w.num, 0);
    }
    assert_int_equal(d.n, 2);
    text_dict_release(&d);
}

/* Weird texts of every kind: split and join are inverse, with any hint. */
static void
test_weird(void **state)
{
    (void)state;
    struct text_dict d = {0};
    struct kit_rand rng = {5};
    static const char *const bits[] = {
        "2026",     "0302", "000033",       "158", "/", "1772380833158", "-", "x", "0",
        "20260302", "00",   "\xE8\xBD\xA6", "%",   "17"};
    for (int turn = 0; turn < 20000; turn++) {
        char id[128] = "", url[256] = "";
        size_t n = 0;
        for (unsigned k = (unsigned)(kit_rand_u64(&rng) % 7); k > 0; k--)
            n += (size_t)snprintf(
                id + n, sizeof id - n, "%s",
                bits[kit_rand_u64(&rng) % (sizeof bits / sizeof *bits)]);
        snprintf(
            url, sizeof url, "%s%s%s%s", bits[kit_rand_u64(&rng) % 14], id,
            bits[kit_rand_u64(&rng) % 14], turn % 3 ? "" : id);
        ts_ms pass = PASS + (ts_ms)(kit_rand_u64(&rng) % 3) * 999;
        struct text_at at = {pass, pass, {0}, &SHANGHAI};
        struct text_val v =
            check(&d, (uint32_t)(kit_rand_u64(&rng) % (d.n + 2)), span_cstr(id), &at);
        at.ref = text_time(&d, &v, pass);
        at.record = span_cstr(id);
        check(&d, (uint32_t)(kit_rand_u64(&rng) % (d.n + 2)), span_cstr(url), &at);
    }
    struct buf bytes = {0};
    text_dict_encode(&d, &bytes);
    struct text_dict e = {0};
    assert_true(text_dict_decode(&e, span_of(bytes.p, bytes.n)));
    assert_int_equal(e.n, d.n);
    for (uint32_t i = 0; i < d.n; i++)
        assert_true(span_eq(d.tpl[i], e.tpl[i]));
    text_dict_release(&e);
    assert_false(text_dict_decode(&e, span_of(bytes.p, bytes.n - 1)));
    text_dict_release(&e);
    buf_release(&bytes);
    text_dict_release(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_weird),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
