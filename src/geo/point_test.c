/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "geo/point.h"

static void
test_distances(void **state)
{
    (void)state;
    /* One degree of latitude on this sphere is 111,195.08 m. */
    struct geo_point a = {1125500000, 378700000}, b = {1125500000, 388700000};
    assert_true(fabs(geo_dist_m(a, b) - 111195.08) < 0.5);
    assert_true(geo_dist_m(a, a) == 0);
    /* One degree of longitude at 60 north is half of that. */
    struct geo_point c = {0, 600000000}, d = {10000000, 600000000};
    assert_true(fabs(geo_dist_m(c, d) - 55595.4) < 5);
    assert_true(geo_dist_m(c, d) == geo_dist_m(d, c));
    /* Antipodes: half the circumference, and no NaN. */
    struct geo_point e = {0, 0}, f = {1800000000, 0};
    assert_true(fabs(geo_dist_m(e, f) - 20015114.4) < 5);
}

static void
test_box(void **state)
{
    (void)state;
    struct geo_point p[3] = {{-5, 7}, {10, -2}, {3, 3}};
    struct geo_box box = geo_box_of(p, 3);
    assert_int_equal(box.lon0, -5);
    assert_int_equal(box.lat0, -2);
    assert_int_equal(box.lon1, 10);
    assert_int_equal(box.lat1, 7);
    assert_true(geo_box_holds(box, (struct geo_point){10, 7}));
    assert_false(geo_box_holds(box, (struct geo_point){11, 7}));
    assert_false(geo_box_holds(geo_box_of(NULL, 0), (struct geo_point){0, 0}));
}

static void
test_ring(void **state)
{
    (void)state;
    /* An L: a square with its upper right quarter missing. */
    struct geo_point l[] = {{0, 0}, {100, 0}, {100, 50}, {50, 50}, {50, 100}, {0, 100}};
    struct geo_ring ring = {l, 6};
    assert_true(geo_ring_holds(ring, (struct geo_point){25, 75}));
    assert_true(geo_ring_holds(ring, (struct geo_point){75, 25}));
    assert_false(geo_ring_holds(ring, (struct geo_point){75, 75}));
    assert_true(geo_ring_holds(ring, (struct geo_point){50, 75}));   /* border */
    assert_true(geo_ring_holds(ring, (struct geo_point){0, 0}));     /* corner */
    assert_true(geo_ring_holds(ring, (struct geo_point){100, 25}));  /* right border */
    assert_false(geo_ring_holds(ring, (struct geo_point){101, 25})); /* just past it */
    assert_false(geo_ring_holds(ring, (struct geo_point){-1, 50}));
    /* The other way round, and with the first point repeated: the same. */
    struct geo_point r[] = {{0, 100}, {50, 100}, {50, 50}, {100, 50},
                            {100, 0}, {0, 0},    {0, 100}};
    for (int x = -10; x <= 110; x += 5)
        for (int y = -10; y <= 110; y += 5) {
            struct geo_point p = {x, y};
            assert_int_equal(
                geo_ring_holds(ring, p), geo_ring_holds((struct geo_ring){r, 7}, p));
        }
    assert_false(geo_ring_holds((struct geo_ring){l, 2}, (struct geo_point){0, 0}));
}

static void
test_ring_far_corners(void **state)
{
    (void)state;
    /* Differences past 32 bits must not overflow. */
    struct geo_point w[] = {
        {-1800000000, -900000000},
        {1800000000, -900000000},
        {1800000000, 900000000},
        {-1800000000, 900000000}};
    struct geo_ring ring = {w, 4};
    assert_true(geo_ring_holds(ring, (struct geo_point){1125500000, 378700000}));
    assert_true(geo_ring_holds(ring, (struct geo_point){-1799999999, -899999999}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_box),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_ring_far_corners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
