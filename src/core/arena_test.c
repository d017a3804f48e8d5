/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"

#include "kit/kit.h"

static void
takes_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    unsigned char *last = NULL;
    for (size_t n = 0; n < 300; n++) {
        unsigned char *p = arena_take(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(p != last);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xEE, n);
        last = p;
    }
    arena_reset(&a);
    assert_true(a.held <= 1 << 20);
    unsigned char *again = arena_take(&a, 64);
    assert_int_equal(again[63], 0);
    arena_release(&a);
    arena_release(&a);
    assert_int_equal(a.held, 0);
}

static void
cap_holds(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 10000);
    size_t got = 0;
    while (arena_take(&a, 100))
        got += 100;
    assert_true(got >= 8000 && got <= 10000);
    assert_true(a.held <= 10000);
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_null(arena_take(&a, SIZE_MAX));
    arena_reset(&a);
    assert_non_null(arena_take(&a, 100));
    arena_release(&a);
    struct arena none;
    arena_init(&none, 0);
    assert_null(arena_take(&none, 1));
    arena_release(&none);
}

static void
texts_end_in_nul(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 16);
    struct span s = arena_span(&a, span_of("abcdef", 3));
    assert_span_equal(s, "abc");
    assert_int_equal(s.p[3], 0);
    assert_span_equal(arena_fmt(&a, "%d-%s", 7, "x"), "7-x");
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_are_zeroed_aligned_and_apart),
        cmocka_unit_test(cap_holds),
        cmocka_unit_test(texts_end_in_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
