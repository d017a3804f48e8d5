/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/abreast.h"
#include "analysis/fake_test.h"
#include "analysis/together.h"
#include "core/hash.h"

#define VEHICLES 60
#define DAYS 3

/* Half an hour of streets: everybody drives along a part of the row of sites. */
static void
seed_city(uint64_t seed)
{
    char plate[40];
    fake_clear();
    for (int day = 0; day < DAYS; day++)
        for (int v = 0; v < VEHICLES; v++) {
            uint64_t r = hash_u64(seed + (uint64_t)(day * 1000 + v));
            snprintf(plate, sizeof plate, "晋B%05d", v * 7);
            double at = day * 1440.0 + 60 + (double)(r % 300) / 10;
            uint32_t first = 1 + (uint32_t)(r >> 20) % 6;
            for (uint32_t s = first; s < first + 2 + (r >> 30) % 5; s++) {
                fake_seen(plate, s, at);
                at += 1 + (double)(r >> (s + 8) & 7) / 10;
            }
        }
}

struct way {
    uint32_t a, b;
    ts_ms at, done;
    struct plate plate;
};

static size_t
ways_of_day(int day, struct way *out)
{
    size_t n = 0;
    ts_ms from = fake_ms(day * 1440.0), to = fake_ms((day + 1) * 1440.0);
    for (size_t i = 0; i < fake.n; i++) {
        const struct sighting *x = &fake.pass[i], *y = x + 1;
        if (i + 1 < fake.n && plate_eq(x->plate, y->plate) && x->pass_ms >= from &&
            y->pass_ms < to && y->pass_ms - x->pass_ms <= TOGETHER_TRIP_MS)
            out[n++] =
                (struct way){x->site.v, y->site.v, x->pass_ms, y->pass_ms, x->plate};
    }
    return n;
}

/* Different sites from which x and y drove the same way side by side. */
static uint32_t
sites_together(
    const struct way *w, size_t n, struct plate x, struct plate y, int64_t gap)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (plate_eq(w[i].plate, x) && plate_eq(w[k].plate, y) &&
                w[i].a == w[k].a && w[i].b == w[k].b &&
                llabs(w[i].at - w[k].at) <= gap && llabs(w[i].done - w[k].done) <= gap)
                seen |= 1u << w[i].a;
    return (uint32_t)__builtin_popcount(seen);
}

#define PAIRS (VEHICLES * VEHICLES)
struct expected {
    struct plate x, y;
    uint32_t days;
};
static struct expected want[PAIRS];
static size_t want_n, got;

static void
count_all(int32_t gap_ms, uint32_t sites)
{
    static struct way way[DAYS][VEHICLES * 8];
    size_t n[DAYS];
    char plate[40];
    want_n = 0;
    for (int d = 0; d < DAYS; d++)
        n[d] = ways_of_day(d, way[d]);
    for (int i = 0; i < VEHICLES; i++)
        for (int k = i + 1; k < VEHICLES; k++) {
            struct expected e = {0};
            snprintf(plate, sizeof plate, "晋B%05d", i * 7);
            e.x = fake_plate(plate);
            snprintf(plate, sizeof plate, "晋B%05d", k * 7);
            e.y = fake_plate(plate);
            assert_true(e.x.v < e.y.v);
            for (int d = 0; d < DAYS; d++)
                e.days += sites_together(way[d], n[d], e.x, e.y, gap_ms) >= sites;
            if (e.days)
                want[want_n++] = e;
        }
}

/* Every pair of the join is one of those counted, with enough days, once. */
static void
see_all(const struct abreast_day *found, uint32_t least, bool *seen)
{
    struct pair_reader r;
    uint32_t y[VEHICLES];
    pair_reader_init(&r, &found->pairs);
    while (pair_reader_next(&r)) {
        assert_true(r.n <= VEHICLES);
        pair_reader_take(&r, y);
        for (uint32_t i = 0; i < r.n; i++) {
            size_t k = 0;
            while (k < want_n && !(plate_eq(want[k].x, found->plate[r.x]) &&
                                   plate_eq(want[k].y, found->plate[y[i]])))
                k++;
            assert_true(k < want_n);
            assert_true(want[k].days >= least);
            assert_false(seen[k]);
            seen[k] = true;
            got++;
        }
    }
}

static void
compare_least(
    int32_t gap_ms, uint32_t sites, uint32_t slices, uint32_t least, uint32_t batch)
{
    bool seen[PAIRS] = {false};
    uint64_t pairs = 0;
    size_t enough = 0;
    struct abreast_ask ask = {
        .needs = &fake_needs,
        .gap_ms = gap_ms,
        .sites = sites,
        .slices = slices,
        .cap = 64 << 20,
        .days = DAYS,
        .room = 100,
        .batch = batch,
    };
    got = 0;
    do {
        struct abreast_day day[DAYS], found;
        struct arena arena;
        uint64_t some;
        arena_init(&arena, 64 << 20);
        for (int d = 0; d < DAYS; d++) {
            ask.from = fake_ms(d * 1440.0);
            ask.to = fake_ms((d + 1) * 1440.0);
            kit_ok(abreast_of_day(&ask, &arena, &day[d]), NULL);
        }
        kit_ok(abreast_join(day, DAYS, least, &arena, &found, &some), NULL);
        see_all(&found, least, seen);
        pairs += some;
        arena_release(&arena);
    } while (++ask.slice < ask.slices);
    for (size_t i = 0; i < want_n; i++)
        enough += want[i].days >= least;
    assert_int_equal(pairs, want_n);
    assert_int_equal(got, enough);
}

static void
compare(int32_t gap_ms, uint32_t sites, uint32_t slices)
{
    count_all(gap_ms, sites);
    assert_true(want_n > 20);
    for (uint32_t least = 1; least <= DAYS; least++)
        compare_least(gap_ms, sites, slices, least, least == 1 ? 40 : 0);
}

static void
pairs_are_those_of_counting_them_all(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        seed_city(seed * 7919);
        compare(60000, 1, 1);
        compare(60000, 2, 1);
        compare(60000, 2, 3);
        compare(60000, 2, 0); /* chosen */
        compare(90000, 2, 1);
        compare(240000, 3, 7);
        compare(1800000, 1, 1); /* more at once than has room */
    }
}

static void
limits_and_errors_are_told(void **state)
{
    (void)state;
    struct abreast_day day, found;
    struct arena arena;
    uint64_t pairs;
    struct abreast_ask ask = {
        .needs = &fake_needs,
        .from = fake_ms(0),
        .to = fake_ms(1440),
        .gap_ms = 60000,
        .sites = 2,
        .slices = 1,
        .cap = 4096,
    };
    seed_city(1);
    arena_init(&arena, 64 << 20);
    assert_int_equal(abreast_of_day(&ask, &arena, &day), ERR_TOOBIG);
    ask.cap = 64 << 20;
    kit_ok(abreast_of_day(&ask, &arena, &day), NULL);
    assert_true(day.pairs.pairs > 0);
    kit_ok(abreast_join(&day, 1, 2, &arena, &found, &pairs), NULL);
    assert_int_equal(pairs, day.pairs.pairs); /* none on two days */
    assert_int_equal(found.pairs.pairs, 0);
    ask.slices = 0; /* of pairs that no number of slices makes fit */
    ask.sites = 1;
    ask.days = 200;
    ask.room = 1;
    assert_int_equal(abreast_of_day(&ask, &arena, &day), ERR_TOOBIG);
    ask.slices = 1;
    arena_release(&arena);
    arena_init(&arena, 1024);
    assert_int_equal(abreast_of_day(&ask, &arena, &day), ERR_TOOBIG);
    fake.fails = ERR_TIMEOUT;
    assert_int_equal(abreast_of_day(&ask, &arena, &day), ERR_TIMEOUT);
    fake_clear();
    arena_release(&arena);
    arena_init(&arena, 64 << 20);
    kit_ok(abreast_of_day(&ask, &arena, &day), NULL); /* nobody */
    kit_ok(abreast_join(&day, 1, 1, &arena, &found, &pairs), NULL);
    assert_true(pairs == 0 && found.pairs.pairs == 0);
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_those_of_counting_them_all),
        cmocka_unit_test(limits_and_errors_are_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
