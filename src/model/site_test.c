/* SPDX-License-Identifier: Apache-2.0 */
#include "model/site.h"

#include "kit/kit.h"

#include <math.h>
#include <stdio.h>

static void
put_find_copy(void **state)
{
    (void)state;
    struct site_table *t = site_table_new(0);
    assert_non_null(t);
    for (unsigned i = 1; i <= 2000; i++) {
        struct site s = {.lanes = (uint8_t)(i % 8)};
        snprintf(s.code, sizeof s.code, "1401%08u", i * 7);
        assert_int_equal(site_table_put(t, &s).v, i);
    }
    struct site again = {.lanes = 77};
    snprintf(again.code, sizeof again.code, "1401%08u", 10 * 7);
    assert_int_equal(site_table_put(t, &again).v, 10); /* by code: replaced */
    assert_int_equal(site_get(t, (struct site_id){10})->lanes, 77);
    struct site far = {.id = {2500}, .code = "far"};
    assert_int_equal(site_table_put(t, &far).v, 2500);
    assert_null(site_get(t, (struct site_id){2400})); /* a hole */
    assert_null(site_get(t, (struct site_id){0}));
    assert_null(site_get(t, (struct site_id){2501}));
    assert_int_equal(site_find(t, SPAN("far")).v, 2500);
    assert_int_equal(site_find(t, SPAN("near")).v, 0);
    assert_int_equal(site_find(t, SPAN("")).v, 0);
    struct site_table *copy = site_table_copy(t, 1);
    site_table_unref(t);
    for (unsigned i = 1; i <= 2000; i++) {
        char code[32];
        snprintf(code, sizeof code, "1401%08u", i * 7);
        assert_int_equal(site_find(copy, span_cstr(code)).v, i);
    }
    site_table_unref(site_table_ref(copy));
    site_table_unref(copy);
    site_table_unref(NULL);
}

static void
distances(void **state)
{
    (void)state;
    struct site a = {.lon = 1125500000, .lat = 378700000}, b = a;
    assert_true(site_dist_m(&a, &b) == 0);
    b.lat += 10000000; /* one degree of a meridian */
    assert_true(fabs(site_dist_m(&a, &b) - 111195) < 20);
    b = a;
    b.lon += 10000000;
    assert_true(
        fabs(site_dist_m(&a, &b) - 111195 * cos(37.87 / 180 * 3.14159265)) < 30);
    assert_true(site_is_placed(&a));
    b.lon = b.lat = 0;
    assert_false(site_is_placed(&b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_find_copy),
        cmocka_unit_test(distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
