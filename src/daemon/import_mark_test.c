/* SPDX-License-Identifier: Apache-2.0 */
/* Marks never run ahead of what is settled, and never stop following it. */
#include "daemon/import_mark.h"

#include "kit/kit.h"

/* A file of which record i begins at byte 100 * i. */
static struct import_spot
spot(uint64_t rows)
{
    return (struct import_spot){rows, rows * 100, rows + 2};
}

static void
test_nothing_settled(void **state)
{
    (void)state;
    struct import_spots s = {.n = 0};
    struct import_spot at;
    assert_false(import_spots_settle(&s, 1000000, &at));
    import_spots_put(&s, spot(65536));
    assert_false(import_spots_settle(&s, 65535, &at));
    assert_true(import_spots_settle(&s, 65536, &at));
    assert_int_equal(at.offset, 6553600);
    assert_int_equal(at.line, 65538);
    assert_false(import_spots_settle(&s, 65536, &at));
}

/* Records that give no rows (refused, blank) move the spot on. */
static void
test_without_rows(void **state)
{
    (void)state;
    struct import_spots s = {.n = 0};
    struct import_spot at;
    import_spots_put(&s, spot(0));
    import_spots_put(&s, (struct import_spot){0, 777, 9});
    assert_int_equal(s.n, 1);
    assert_true(import_spots_settle(&s, 0, &at));
    assert_int_equal(at.offset, 777);
}

/* Reading runs ahead by any distance, builders finish in any steps: the mark is at or
 * behind what is settled, less than a quarter of a run and a batch behind it while the
 * reader is not further ahead than there are spots. */
static void
test_follows(void **state)
{
    (void)state;
    struct kit_rand rng = {7};
    for (unsigned turn = 0; turn < 200; turn++) {
        struct import_spots s = {.n = 0};
        struct import_spot at = {0};
        uint64_t read = 0, settled = 0, ahead = kit_rand_u64(&rng) % 60 * 1000000;
        for (unsigned i = 0; i < 2000; i++) {
            read += kit_rand_u64(&rng) % 65537;
            import_spots_put(&s, spot(read));
            assert_true(s.n <= IMPORT_SPOTS);
            if (read > ahead && kit_rand_u64(&rng) % 8 == 0)
                settled += kit_rand_u64(&rng) % (read - settled + 1);
            struct import_spot before = at;
            if (import_spots_settle(&s, settled, &at))
                assert_true(at.rows >= before.rows);
            assert_true(at.rows <= settled);
            assert_int_equal(at.offset, at.rows * 100);
            if (ahead < IMPORT_SPOTS / 2 * 262144)
                assert_true(settled - at.rows <= 262144 + 65536);
        }
        (void)import_spots_settle(&s, read, &at);
        assert_true(read - at.rows <= 262144 + 65536);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_settled),
        cmocka_unit_test(test_without_rows),
        cmocka_unit_test(test_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
