/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "core/text.h"
#include "feeds/fault.h"

static void
test_rows_are_whole(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++) {
        const struct feed_fault_row *r = feed_fault_row((enum feed_fault)i);
        assert_true(*r->name && *r->en && *r->zh);
        assert_true(utf8_valid(span_cstr(r->zh)));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(r->name, feed_fault_row((enum feed_fault)k)->name);
    }
}

static void
test_counts_and_the_first_sample(void **state)
{
    (void)state;
    struct feed_faults a, b;
    feed_faults_clear(&a);
    feed_faults_clear(&b);
    assert_int_equal(feed_fault_count(&a, FAULT_BAD_TIME), 0);
    feed_fault(&a, FAULT_BAD_TIME, "PassTime", SPAN("2026-13-01"));
    feed_fault(&a, FAULT_BAD_TIME, "PassTime", SPAN("other"));
    assert_int_equal(feed_fault_count(&a, FAULT_BAD_TIME), 2);
    assert_string_equal(a.sample[FAULT_BAD_TIME], "PassTime=2026-13-01");
    feed_fault(&b, FAULT_BAD_TIME, "x", SPAN(""));
    feed_fault(&b, FAULT_ODD_PLATE, "PlateNo", SPAN("晋a-12"));
    feed_faults_add(&a, &b);
    assert_int_equal(feed_fault_count(&a, FAULT_BAD_TIME), 3);
    assert_int_equal(feed_fault_count(&a, FAULT_ODD_PLATE), 1);
    assert_string_equal(
        a.sample[FAULT_ODD_PLATE], "PlateNo=*a-00"); /* the shape only */
    assert_string_equal(b.sample[FAULT_BAD_TIME], "x");
}

/* Whatever comes, a sample is bounded, printable and valid UTF-8. */
static void
test_samples_are_bounded(void **state)
{
    (void)state;
    struct kit_rand r = {2};
    for (int i = 0; i < 20000; i++) {
        char text[300];
        size_t n = kit_rand_below(&r, sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = (char)kit_rand_u64(&r);
        if (i % 2)
            for (size_t k = 0; k + 3 <= n; k += 3)
                memcpy(text + k, "晋", 3);
        struct feed_faults f;
        feed_faults_clear(&f);
        enum feed_fault kind = (enum feed_fault)kit_rand_below(&r, FAULT_COUNT);
        feed_fault(
            &f, kind, "a field with a name longer than it should be", span_of(text, n));
        struct span s = span_cstr(f.sample[kind]);
        assert_true(s.n < FEED_SAMPLE);
        assert_true(utf8_valid(s));
        for (size_t k = 0; k < s.n; k++)
            assert_true((unsigned char)s.p[k] >= 0x20);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_counts_and_the_first_sample),
        cmocka_unit_test(test_samples_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
