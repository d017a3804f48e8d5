/* SPDX-License-Identifier: Apache-2.0 */
#include "loops/timers.h"

#include <stdlib.h>

#include "core/os_clock.h"
#include "kit/kit.h"

static void
the_earliest_first(void **state)
{
    (void)state;
    struct timers t;
    struct timer x;
    timers_init(&t);
    assert_false(timers_next(&t, &x));
    timers_drop(&t, 5);
    assert_int_equal(timers_set(&t, 3, 300), OK);
    assert_int_equal(timers_set(&t, 1, 100), OK);
    assert_int_equal(timers_set(&t, 2, 100), OK);
    assert_true(timers_next(&t, &x));
    assert_int_equal(x.id, 1); /* a tie goes by id */
    assert_int_equal(timers_set(&t, 1, 500), OK);
    timers_next(&t, &x);
    assert_int_equal(x.id, 2);
    assert_int_equal(timers_set(&t, 3, 50), OK);
    timers_next(&t, &x);
    assert_int_equal(x.id, 3);
    assert_int_equal(timers_set(&t, 3, TIMERS_NEVER), OK);
    timers_drop(&t, 2);
    timers_drop(&t, 2);
    timers_next(&t, &x);
    assert_int_equal(x.id, 1);
    assert_int_equal(x.due_ms, 500);
    timers_drop(&t, 1);
    assert_false(timers_next(&t, &x));
    timers_release(&t);
    timers_release(&t);
}

#define IDS 300

/* Beside a plain array that cannot be wrong. */
static void
random_use_beside_a_plain_model(void **state)
{
    (void)state;
    ts_ms model[IDS + 1];
    struct kit_rand r = {7};
    struct timers t = {0};
    for (unsigned i = 0; i <= IDS; i++)
        model[i] = TIMERS_NEVER;
    for (unsigned step = 0; step < kit_rounds(200000, 5000000); step++) {
        uint64_t id = 1 + kit_rand_below(&r, IDS);
        ts_ms due = kit_rand_below(&r, 3) ? (ts_ms)kit_rand_below(&r, 1000) - 500
                                          : TIMERS_NEVER;
        assert_int_equal(timers_set(&t, id, due), OK);
        model[id] = due;
        if (step % 16)
            continue;
        struct timer x, best = {TIMERS_NEVER, 0};
        size_t n = 0;
        for (unsigned i = 1; i <= IDS; i++) {
            n += model[i] != TIMERS_NEVER;
            if (model[i] < best.due_ms)
                best = (struct timer){model[i], i};
        }
        assert_int_equal(t.n, n);
        assert_int_equal(timers_next(&t, &x), n > 0);
        if (n)
            assert_true(x.due_ms == best.due_ms && x.id == best.id);
    }
    timers_release(&t);
}

static double
seconds(void)
{
    return (double)os_mono_us() / 1e6;
}

/* A million open clocks: in, all moved once (a calendar change), out in order. */
static void
a_million_clocks(void **state)
{
    (void)state;
    enum { N = 1000000 };
    struct timers t = {0};
    struct timer x, last = {INT64_MIN, 0};
    double t0 = seconds();
    for (uint64_t id = 1; id <= N; id++)
        assert_int_equal(timers_set(&t, id, (ts_ms)(id * 2654435761u % 86400000)), OK);
    double t1 = seconds();
    for (uint64_t id = 1; id <= N; id += 10)
        assert_int_equal(timers_set(&t, id, (ts_ms)(id * 40503u % 86400000)), OK);
    double t2 = seconds();
    for (size_t i = 0; i < N; i++) {
        assert_true(timers_next(&t, &x));
        assert_true(
            x.due_ms > last.due_ms || (x.due_ms == last.due_ms && x.id > last.id));
        last = x;
        timers_drop(&t, x.id);
    }
    double t3 = seconds();
    assert_false(timers_next(&t, &x));
    print_message(
        "1,000,000 in: %.2f s; 100,000 moved: %.3f s; all out in order: %.2f s\n",
        t1 - t0, t2 - t1, t3 - t2);
    timers_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_first),
        cmocka_unit_test(random_use_beside_a_plain_model),
        cmocka_unit_test(a_million_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
