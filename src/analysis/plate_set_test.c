/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "analysis/plate_set.h"

static void
has_what_was_added_and_nothing_else(void **state)
{
    (void)state;
    struct plate_set s = {0};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_false(plate_set_has(&s, (struct plate){1}));
    for (uint64_t v = 1; v <= 5000; v++)
        for (int twice = 0; twice < 2; twice++)
            assert_true(plate_set_add(&s, &arena, (struct plate){v << 20}));
    assert_int_equal(s.n, 5000);
    for (uint64_t v = 1; v <= 10000; v++) {
        plate_set_ahead(&s, (struct plate){v << 20});
        assert_int_equal(plate_set_has(&s, (struct plate){v << 20}), v <= 5000);
    }
    assert_true(plate_set_add(&s, &arena, PLATE_NONE));
    assert_false(plate_set_has(&s, PLATE_NONE));
    assert_int_equal(s.n, 5000);
    arena_release(&arena);
}

static void
memory_is_bounded(void **state)
{
    (void)state;
    struct plate_set s = {0};
    struct arena arena;
    bool fits = true;
    arena_init(&arena, 64 << 10);
    for (uint64_t v = 1; fits; v++)
        fits = plate_set_add(&s, &arena, (struct plate){v});
    assert_true(s.n >= 1024 && s.n < 8192);
    assert_true(plate_set_has(&s, (struct plate){s.n})); /* what was taken stays */
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_what_was_added_and_nothing_else),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
