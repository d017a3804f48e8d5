/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "analysis/together.h"

#include <math.h>

static void
the_tail_is_that_of_coins(void **state)
{
    (void)state;
    const double coin[] = {0.5, 0.5, 0.5, 0.5};
    assert_true(fabs(together_tail(coin, 4, 0) - (1)) < 1e-12);
    assert_true(fabs(together_tail(coin, 4, 1) - (15.0 / 16)) < 1e-12);
    assert_true(fabs(together_tail(coin, 4, 3) - (5.0 / 16)) < 1e-12);
    assert_true(fabs(together_tail(coin, 4, 4) - (1.0 / 16)) < 1e-12);
    assert_true(fabs(together_tail(coin, 4, 5) - (0)) < 1e-12);
    const double mixed[] = {0.1, 0.3}; /* both, or at least one */
    assert_true(fabs(together_tail(mixed, 2, 2) - (0.03)) < 1e-12);
    assert_true(fabs(together_tail(mixed, 2, 1) - (1 - 0.9 * 0.7)) < 1e-12);
}

static void
many_trips_stay_numbers(void **state)
{
    (void)state;
    static double q[2000];
    for (size_t i = 0; i < 2000; i++)
        q[i] = 1.0 / 30;
    double few = together_tail(q, 2000, 10), most = together_tail(q, 2000, 1500);
    assert_true(few > 0.999 && few <= 1);
    assert_true(most >= 0 && most < 1e-9);
}

static void
chance_findings_are_bounded(void **state)
{
    (void)state;
    const double p[] = {1e-9, 1e-6, 1e-3, 0.02, 0.5};
    assert_int_equal(together_chosen(p, 5, 5, 0.05), 4);
    assert_int_equal(together_chosen(p, 5, 1000, 0.05), 2);
    assert_int_equal(together_chosen(p, 5, 1000000000, 0.001), 0);
    assert_int_equal(together_chosen(p, 0, 10, 0.05), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_is_that_of_coins),
        cmocka_unit_test(many_trips_stay_numbers),
        cmocka_unit_test(chance_findings_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
