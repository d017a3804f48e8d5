/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "analysis/order.h"
#include "core/hash.h"

#define NUMBERS 20000u

/* Every so manieth number, shuffled, comes out in order, again and again. */
static void
numbers_come_in_order(void **state)
{
    (void)state;
    static uint32_t v[NUMBERS];
    struct arena arena;
    struct order o;
    arena_init(&arena, 1 << 20);
    assert_true(order_init(&o, &arena, NUMBERS));
    for (uint32_t step = 1; step < 3000; step = step * 2 + 1) {
        uint32_t least = step * 3 % NUMBERS, n = 0;
        for (uint32_t i = least; i < NUMBERS; i += step)
            v[n++] = i;
        for (uint32_t i = n; i > 1; i--) {
            uint32_t k = (uint32_t)(hash_u64(i * 977u + step) % i), swap = v[k];
            v[k] = v[i - 1];
            v[i - 1] = swap;
        }
        order_sort(&o, v, n, least);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(v[i], least + i * step);
    }
    order_sort(&o, v, 0, 0); /* none */
    arena_release(&arena);
    arena_init(&arena, 64);
    assert_false(order_init(&o, &arena, NUMBERS));
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
