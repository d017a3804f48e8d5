/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/traffic.h"

#include "kit/kit.h"

#define HOUR0 492328 /* 2026-03-01 16:00 UTC */

static void
test_counts(void **state)
{
    (void)state;
    struct traffic t;
    assert_int_equal(traffic_init(&t), OK);
    for (uint32_t site = 1; site < 300; site += 7)
        for (int32_t h = 0; h < 5; h++)
            for (int32_t i = 0; i <= h; i++)
                traffic_add(&t, site, HOUR0 + h);
    assert_int_equal(traffic_near(&t, 1, HOUR0), 1 + 2);
    assert_int_equal(traffic_near(&t, 295, HOUR0 + 2), 2 + 3 + 4);
    assert_int_equal(traffic_near(&t, 2, HOUR0 + 2), 0);
    assert_int_equal(traffic_near(&t, 1000000, HOUR0), 0);
    /* A later hour takes the place of what is forgotten; older reads then count
     * nowhere. */
    traffic_add(&t, 1, HOUR0 + TRAFFIC_HOURS);
    traffic_add(&t, 1, HOUR0);
    assert_int_equal(traffic_near(&t, 1, HOUR0), 2);
    assert_int_equal(traffic_near(&t, 1, HOUR0 + TRAFFIC_HOURS), 1);
    for (unsigned i = 0; i < 70000; i++)
        traffic_add(&t, 3, HOUR0);
    assert_int_equal(traffic_near(&t, 3, HOUR0), UINT16_MAX);
    traffic_release(&t);
    traffic_release(&t);
}

static void
test_stored(void **state)
{
    (void)state;
    struct traffic t, back;
    struct buf b = {0};
    assert_int_equal(traffic_init(&t), OK);
    for (unsigned i = 0; i < 5000; i++)
        traffic_add(&t, 1 + i * 37 % 900, HOUR0 + (int32_t)(i % 60));
    traffic_encode(&b, &t);
    struct cur c = cur_of(b.p, b.n);
    assert_int_equal(traffic_init(&back), OK);
    assert_int_equal(traffic_decode(&c, &back), OK);
    assert_int_equal(cur_left(&c), 0);
    for (uint32_t site = 0; site < 1000; site++)
        for (int32_t h = -2; h < 62; h++)
            assert_int_equal(
                traffic_near(&t, site, HOUR0 + h),
                traffic_near(&back, site, HOUR0 + h));
    traffic_release(&back);
    for (size_t cut = 0; cut < b.n; cut += 1 + b.n / 300) {
        struct cur some = cur_of(b.p, cut);
        assert_int_equal(traffic_init(&back), OK);
        assert_int_equal(traffic_decode(&some, &back), ERR_CORRUPT);
        traffic_release(&back);
    }
    traffic_release(&t);
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts), cmocka_unit_test(test_stored)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
