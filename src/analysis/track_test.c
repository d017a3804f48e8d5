/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "analysis/track.h"
#include "core/hash.h"

#define BASE INT64_C(1772380800000)
#define MOST 3000u
#define TRACKS 300u

static uint32_t
seed_track(uint32_t i, ts_ms *at, uint32_t *site)
{
    uint64_t r = hash_u64(i + 1);
    uint32_t n = (uint32_t)(r % (i % 40 ? 60 : MOST));
    ts_ms t = BASE;
    for (uint32_t k = 0; k < n; k++) {
        uint64_t x = hash_u64(r + k);
        at[k] = t += (ts_ms)(k % 9 ? x % 300000 : x % 900000);
        site[k] = (uint32_t)(x >> 40) % (k % 11 ? 900 : UINT32_MAX);
    }
    return n;
}

static void
what_was_put_is_read(void **state)
{
    (void)state;
    static ts_ms at[MOST];
    static uint32_t site[MOST], got_at[MOST], got_site[MOST];
    static struct track track[TRACKS];
    struct arena arena;
    struct tracks t = {.arena = &arena, .base = BASE};
    size_t passes = 0;
    arena_init(&arena, 16 << 20);
    for (uint32_t i = 0; i < TRACKS; i++) {
        uint32_t n = seed_track(i, at, site);
        assert_true(tracks_put(&t, at, site, n, &track[i]));
        passes += n;
    }
    assert_true(t.bytes < passes * 6);
    for (uint32_t i = 0; i < TRACKS; i++) {
        uint32_t n = seed_track(i, at, site);
        assert_int_equal(track[i].n, n);
        track_get(track[i], got_at, got_site);
        for (uint32_t k = 0; k < n; k++)
            assert_true(BASE + got_at[k] == at[k] && got_site[k] == site[k]);
    }
    arena_release(&arena);
    arena_init(&arena, 1000);
    t = (struct tracks){.arena = &arena, .base = BASE};
    assert_false(tracks_put(&t, at, site, seed_track(3, at, site), track));
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
