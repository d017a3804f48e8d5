/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/kit.h"

#include "model/look_mint.h"

#include "analysis/fake_test.h"
#include "analysis/together.h"
#include "analysis/trips.h"
#include "core/hash.h"

#include <math.h>

#define VEHICLES 40u
#define DAYS 3
#define GAP_MS 60000

static struct plate
vehicle(uint32_t i)
{
    char text[40];
    snprintf(text, sizeof text, "晋B%05u", i * 7);
    return fake_plate(text);
}

/* Trips up and down the row of sites; some vehicles follow their neighbour closely. */
static void
seed_city(uint64_t seed)
{
    char text[40];
    fake_clear();
    for (uint32_t v = 0; v < VEHICLES; v++)
        for (int trip = 0; trip < DAYS * 4; trip++) {
            uint32_t leader = v % 5 == 1 ? v - 1 : v;
            uint64_t r = hash_u64(seed + leader * 1000u + (uint64_t)trip);
            double at = trip * 360.0 + 30 + (double)(r % 900) / 10 + (leader < v) * 0.4;
            uint32_t s = 1 + (uint32_t)(r >> 20) % 6;
            snprintf(text, sizeof text, "晋B%05u", v * 7);
            for (uint32_t k = 0; k < 2 + (r >> 30) % 6; k++) {
                fake_seen(text, s + k, at);
                at += 1 + (double)(r >> (k + 8) & 7) / 10;
            }
        }
}

/* ---- what single pairs say, pass by pass ---- */

static uint64_t
flow_of(uint32_t site, ts_ms from, ts_ms to) /* whole cells that overlap */
{
    uint64_t n = 0;
    for (size_t i = 0; i < fake.n; i++) {
        ts_ms cell = fake.pass[i].pass_ms / ANALYSIS_CELL_MS * ANALYSIS_CELL_MS;
        n += fake.pass[i].site.v == site && cell + ANALYSIS_CELL_MS > from && cell < to;
    }
    return n;
}

static size_t
passes_of(struct plate plate, struct sighting *out)
{
    size_t n = 0;
    for (size_t i = 0; i < fake.n; i++)
        if (plate_eq(fake.pass[i].plate, plate))
            out[n++] = fake.pass[i];
    qsort(out, n, sizeof *out, fake_order);
    return n;
}

static int64_t
nearest_of(const struct sighting *x, const struct sighting *y, size_t n)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        int64_t d = llabs(y[i].pass_ms - x->pass_ms);
        if (y[i].site.v == x->site.v && d <= TOGETHER_NEAR_MS && d < least)
            least = d;
    }
    return least;
}

struct single {
    uint32_t near, trips, days;
    double q[DAYS * 8];
};

static void
count_single(struct plate a, struct plate b, struct single *out)
{
    struct sighting x[200], y[200];
    size_t n = passes_of(a, x), m = passes_of(b, y);
    int64_t last = -1;
    *out = (struct single){0};
    for (size_t i = 0, end; i < n; i = end) {
        double inside_flow = 0, near_flow = 0, even = GAP_MS / (30.0 * MINUTE_MS);
        uint32_t shared = 0, inside = 0;
        for (end = i; end < n && (end == i || x[end].pass_ms - x[end - 1].pass_ms <=
                                                  TOGETHER_TRIP_MS);
             end++) {
            int64_t d = nearest_of(&x[end], y, m);
            if (d == INT64_MAX)
                continue;
            ts_ms t = x[end].pass_ms;
            double here = (double)flow_of(x[end].site.v, t, t + 1) - 2;
            shared++;
            inside += d <= GAP_MS;
            inside_flow +=
                (here > 0 ? here : 0) * 2 * GAP_MS / (double)ANALYSIS_CELL_MS;
            near_flow +=
                (double)flow_of(
                    x[end].site.v, t - TOGETHER_NEAR_MS, t + TOGETHER_NEAR_MS) -
                2;
        }
        if (!shared)
            continue;
        double q = (inside_flow + 20 * even) / (near_flow + 20);
        out->q[out->near++] = q > even ? q : even;
        if (inside * 2 < shared || !inside)
            continue;
        int64_t day = civil_day(x[i].pass_ms, &fake.zone);
        out->trips++;
        out->days += day != last;
        last = day;
    }
}

/* ---- many pairs at once ---- */

static bool told[VEHICLES][VEHICLES];
static size_t told_n;

static enum err
compare(void *arg, const struct trips_pair *p)
{
    struct single one;
    uint32_t x = 0, y = 0, *least = arg;
    while (!plate_eq(vehicle(x), p->x))
        x++;
    while (!plate_eq(vehicle(y), p->y))
        y++;
    assert_true(x < y && !told[x][y]);
    count_single(p->x, p->y, &one);
    assert_int_equal(p->near, one.near);
    assert_int_equal(p->trips, one.trips);
    assert_int_equal(p->days, one.days);
    for (uint32_t i = 0; i < one.near; i++)
        assert_true(fabs(p->q[i] - one.q[i]) < 1e-12);
    assert_true(p->trips >= *least);
    told[x][y] = true;
    told_n++;
    return OK;
}

static struct plate plates[VEHICLES];

/* Every vehicle but each third one with every one behind it but each fourth. */
static void
some_pairs(struct abreast_day *out, struct arena *arena)
{
    *out = (struct abreast_day){.plate = plates, .plates = VEHICLES};
    for (uint32_t x = 0; x < VEHICLES; x++) {
        uint32_t y[VEHICLES], n = 0;
        plates[x] = vehicle(x);
        for (uint32_t k = x + 1; k < VEHICLES; k++)
            if (x % 3 != 2 && k % 4 != 3)
                y[n++] = k;
        if (n)
            assert_true(pair_list_put(&out->pairs, arena, x, y, n));
    }
}

static struct trips_ask
ask_for(const struct trips_flow *flow, uint32_t *least, size_t room)
{
    return (struct trips_ask){
        .needs = &fake_needs,
        .zone = &fake.zone,
        .flow = flow,
        .from = fake_ms(0),
        .to = fake_ms(DAYS * 1440.0),
        .gap_ms = GAP_MS,
        .least = *least,
        .room = room,
        .cap = 64 << 20,
        .fn = compare,
        .arg = least,
    };
}

static void
all_pairs_say_what_single_ones_say(void **state)
{
    (void)state;
    struct arena arena;
    struct trips_flow flow;
    struct abreast_day pairs;
    seed_city(7919);
    arena_init(&arena, 64 << 20);
    kit_ok(
        trips_flow(&fake_needs, fake_ms(0), fake_ms(DAYS * 1440.0), &arena, &flow),
        NULL);
    some_pairs(&pairs, &arena);
    for (uint32_t least = 0; least <= 4; least += 2)
        for (size_t room = 1; room < 1 << 20; room *= 300) { /* one scan, or many */
            struct trips_ask ask = ask_for(&flow, &least, room);
            size_t want = 0;
            memset(told, 0, sizeof told);
            told_n = 0;
            kit_ok(trips_of_pairs(&ask, &pairs), NULL);
            for (uint32_t x = 0; x < VEHICLES; x++)
                for (uint32_t y = x + 1; y < VEHICLES; y++) {
                    struct single one;
                    count_single(vehicle(x), vehicle(y), &one);
                    want += x % 3 != 2 && y % 4 != 3 && one.trips >= least;
                }
            assert_true(want > 2);
            assert_int_equal(told_n, want);
        }
    arena_release(&arena);
}

static enum err
stop(void *arg, const struct trips_pair *p)
{
    (void)arg, (void)p;
    return ERR_STOPPING;
}

static void
limits_and_errors_are_told(void **state)
{
    (void)state;
    struct arena arena;
    struct trips_flow flow;
    struct abreast_day pairs, none = {0};
    uint32_t least = 0;
    seed_city(1);
    arena_init(&arena, 2000);
    assert_int_equal(
        trips_flow(&fake_needs, fake_ms(0), fake_ms(1440), &arena, &flow), ERR_TOOBIG);
    arena_init(&arena, 64 << 20);
    kit_ok(trips_flow(&fake_needs, fake_ms(0), fake_ms(1440), &arena, &flow), NULL);
    some_pairs(&pairs, &arena);
    struct trips_ask ask = ask_for(&flow, &least, 1 << 20);
    kit_ok(trips_of_pairs(&ask, &none), NULL);
    ask.fn = stop;
    assert_int_equal(trips_of_pairs(&ask, &pairs), ERR_STOPPING);
    ask.cap = 5000;
    assert_int_equal(trips_of_pairs(&ask, &pairs), ERR_TOOBIG);
    ask.cap = 64 << 20;
    fake.fails = ERR_TIMEOUT;
    assert_int_equal(trips_of_pairs(&ask, &pairs), ERR_TIMEOUT);
    fake_clear();
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_say_what_single_ones_say),
        cmocka_unit_test(limits_and_errors_are_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_free();
    return failed;
}
