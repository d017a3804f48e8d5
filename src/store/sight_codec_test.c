/* SPDX-License-Identifier: Apache-2.0 */
/* Columns: what goes in comes out at every row, in every layout, and damage stays
 * inside. */
#include "store/sight_codec.h"

#include "kit/kit.h"

#include <stdlib.h>

static unsigned
round_trip(const uint64_t *v, unsigned n)
{
    static uint8_t bytes[COL_ROOM + COL_SLACK];
    uint64_t out[COL_ROWS];
    struct col c;
    memset(bytes, 0xA5, sizeof bytes);
    size_t len = col_encode(bytes, v, n);
    assert_true(len <= COL_ROOM);
    memset(bytes + len, 0xFF, sizeof bytes - len);
    assert_true(col_open(&c, bytes, len, n));
    col_all(&c, out);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(out[i], v[i]);
        assert_int_equal(col_get(&c, i), v[i]);
    }
    for (unsigned from = 0; from < n; from += 1 + from / 3) { /* any part of it */
        unsigned part = from % 5 ? (n - from + 1) / 2 : n - from;
        col_range(&c, from, part, out);
        for (unsigned i = 0; i < part; i++)
            assert_int_equal(out[i], v[from + i]);
    }
    return c.kind;
}

static void
fill(uint64_t *v, unsigned n, unsigned shape, struct kit_rand *rng)
{
    uint64_t base = kit_rand_u64(rng) >> (kit_rand_u64(rng) % 64);
    unsigned width = (unsigned)(kit_rand_u64(rng) % 65);
    for (unsigned i = 0; i < n; i++) {
        uint64_t r = kit_rand_u64(rng);
        if (shape == 0)
            v[i] = width ? r >> (64 - width) : base;
        else if (shape == 1)
            v[i] = base + 10 * (r % 100);
        else if (shape == 2)
            v[i] = r % 40 ? base : r;
        else if (shape == 3)
            v[i] = (r >> 8) >> (20 + r % 43);
        else
            v[i] = r % 5 ? r % 300 : r % 100000000;
    }
}

static void
test_random(void **state)
{
    (void)state;
    struct kit_rand rng = {7};
    uint64_t v[COL_ROWS];
    unsigned seen = 0;
    for (unsigned turn = 0; turn < 3000; turn++) {
        unsigned n =
            turn % 3 ? 1 + (unsigned)(kit_rand_u64(&rng) % COL_ROWS) : COL_ROWS;
        fill(v, n, turn % 5, &rng);
        seen |= 1u << round_trip(v, n);
    }
    assert_int_equal(seen, 15); /* every layout was used */
}

static void
test_edges(void **state)
{
    (void)state;
    uint64_t one = UINT64_MAX;
    round_trip(&one, 1);
    uint64_t two[2] = {0, UINT64_MAX};
    round_trip(two, 2);
    uint64_t v[COL_ROWS];
    for (unsigned i = 0; i < COL_ROWS; i++)
        v[i] = i == 1023;
    assert_int_equal(round_trip(v, COL_ROWS), COL_SPARSE);
    for (unsigned i = 0; i < COL_ROWS; i++)
        v[i] = i % 2 ? UINT64_MAX : i;
    round_trip(v, COL_ROWS);
}

/* Any bytes: open refuses or every read stays inside (ASan watches). */
static void
test_damage(void **state)
{
    (void)state;
    struct kit_rand rng = {99};
    uint64_t v[COL_ROWS], out[COL_ROWS];
    for (unsigned turn = 0; turn < 4000; turn++) {
        unsigned n = 1 + (unsigned)(kit_rand_u64(&rng) % COL_ROWS);
        fill(v, n, turn % 5, &rng);
        uint8_t bytes[COL_ROOM];
        size_t len = col_encode(bytes, v, n);
        size_t cut = turn % 2 ? len : kit_rand_u64(&rng) % (len + 1);
        for (unsigned k = 0; k < 4; k++)
            bytes[kit_rand_u64(&rng) % (turn % 3 ? 12 : len)] =
                (uint8_t)kit_rand_u64(&rng);
        uint8_t *exact = malloc(cut + COL_SLACK);
        memcpy(exact, bytes, cut);
        memset(exact + cut, 0, COL_SLACK);
        struct col c;
        if (col_open(&c, exact, cut, n)) {
            col_all(&c, out);
            col_range(&c, c.n / 2, c.n - c.n / 2, out);
            for (unsigned i = 0; i < n; i += 7)
                (void)col_get(&c, i);
        }
        free(exact);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
