/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "analysis/pair_list.h"
#include "core/hash.h"

#define MOST 5000u
#define LISTS 1000u

static uint32_t
seed_list(uint32_t i, uint32_t *x, uint32_t *y)
{
    uint64_t r = hash_u64(i + 1);
    uint32_t n = 1 + (uint32_t)(r % (i % 50 ? 40 : MOST)), last;
    *x = last = i * (i < LISTS / 2 ? 3u : 2000000u);
    for (uint32_t k = 0; k < n; k++)
        y[k] = last += 1 + (uint32_t)(hash_u64(r + k) % (k % 7 ? 200 : 100000));
    return n;
}

static void
what_was_put_is_read(void **state)
{
    (void)state;
    static uint32_t want[MOST], got[MOST];
    struct pair_list l = {0};
    struct pair_reader r;
    struct arena arena;
    uint64_t pairs = 0;
    uint32_t x;
    arena_init(&arena, 16 << 20);
    pair_reader_init(&r, &l);
    assert_false(pair_reader_next(&r)); /* empty */
    for (uint32_t i = 0; i < LISTS; i++) {
        uint32_t n = seed_list(i, &x, want);
        assert_true(pair_list_put(&l, &arena, x, want, n));
        pairs += n;
    }
    assert_int_equal(l.pairs, pairs);
    assert_true(l.bytes > 65000 && l.bytes < pairs * 3); /* several pieces */
    pair_reader_init(&r, &l);
    for (uint32_t i = 0; i < LISTS; i++) {
        uint32_t n = seed_list(i, &x, want);
        assert_true(pair_reader_next(&r));
        assert_true(r.x == x && r.n == n);
        pair_reader_take(&r, got);
        assert_memory_equal(want, got, n * sizeof *got);
    }
    assert_false(pair_reader_next(&r));
    arena_release(&arena);
}

static void
too_much_is_told(void **state)
{
    (void)state;
    uint32_t y[] = {5, 9};
    struct pair_list l = {0};
    struct arena arena;
    arena_init(&arena, 1000);
    assert_false(pair_list_put(&l, &arena, 3, y, 2));
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_read),
        cmocka_unit_test(too_much_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
