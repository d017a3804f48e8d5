/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about places with plate lists in memory and without: the same answers, and
 * those that a plain walk over the rows gives; filters on looks that some rows of a
 * plate do not share. */
#include "core/hash.h"
#include "kit/kit.h"
#include "store/sight_kit_test.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS 12000
#define PLATES 500
#define SITES 12u
#define DAYS 3

static const struct zone Z = {"", 480};
static char root[OS_PATH];
static struct sighting rows[ROWS];
static char ids[ROWS][16];

static void
make_rows(uint64_t start)
{
    struct kit_rand seed = {start};
    for (size_t i = 0; i < ROWS; i++) {
        char text[32];
        uint64_t v = kit_rand_u64(&seed) % PLATES, look = kit_rand_u64(&seed);
        rows[i] = sight_kit_row();
        snprintf(text, sizeof text, "晋A%03u88", (unsigned)v);
        rows[i].plate = sight_kit_plate(text);
        int64_t day = civil_day(NOW, &Z) - 1 - (int64_t)(kit_rand_u64(&seed) % DAYS);
        rows[i].pass_ms =
            civil_day_start(day, &Z) + (ts_ms)(kit_rand_u64(&seed) % DAY_MS);
        rows[i].arrive_ms = rows[i].pass_ms;
        rows[i].site.v = 1 + (uint32_t)(kit_rand_u64(&seed) % SITES);
        rows[i].brand = (code3)(look % 9 ? v % 6 + 1 : look / 9 % 7);
        rows[i].vehicle_color = (uint8_t)(look % 11 ? v % 4 + 1 : look / 11 % 5);
        rows[i].vehicle_class = (code3)(look % 13 ? v % 3 + 1 : look / 13 % 4);
        rows[i].plate_color = (uint8_t)(look % 17 ? v % 2 + 5 : look / 17 % 3);
        snprintf(ids[i], sizeof ids[i], "R%zu", i);
        rows[i].record_id = span_cstr(ids[i]);
    }
}

static struct sight *
open_it(size_t rolls, bool thread)
{
    struct sight_opts o = {
        .dir = root,
        .zone = Z,
        .head_rows = 3000,
        .roll_bytes = rolls,
        .thread = thread,
        .journal_file = 1u << 20};
    return sight_kit_open(&o);
}

static void
fill(struct sight *s)
{
    struct sighting_batch *b = sighting_batch_new(500, 1u << 20);
    struct note note = {0};
    for (size_t i = 0; i < ROWS;) {
        sighting_batch_clear(b);
        for (; i < ROWS && b->n < 500; i++)
            *sighting_batch_add(b) = rows[i];
        kit_ok(sight_append(s, &b, 1, NOW, &note), &note);
        sight_kit_settle(s, i == ROWS);
    }
    sighting_batch_free(b);
}

/* ---- windows with a look ---- */

static bool
agrees(const struct sight_filter *f, const struct sighting *s)
{
    return (!f->brand || f->brand == s->brand) &&
           (!f->vehicle_color || f->vehicle_color == s->vehicle_color) &&
           (!f->vehicle_class || f->vehicle_class == s->vehicle_class) &&
           (!f->plate_color || f->plate_color == s->plate_color);
}

static uint64_t
mark(const struct sighting *s)
{
    return hash_span(s->record_id, (uint64_t)s->pass_ms ^ s->brand);
}

static void
one_window(struct sight_snap *snap, struct arena *arena, struct kit_rand *seed)
{
    uint64_t h = kit_rand_u64(seed), want = 0, got = 0;
    struct sight_filter f = {
        .brand = (code3)(h & 1 ? h / 2 % 7 : 0),
        .vehicle_color = (uint8_t)(h & 16 ? h / 32 % 5 : 0),
        .vehicle_class = (code3)(h & 256 ? h / 512 % 4 : 0),
        .plate_color = (uint8_t)(h & 4096 ? 5 + h / 8192 % 2 : 0)};
    struct site_id sites[2] = {{1 + (uint32_t)(h >> 20) % SITES}, {1}};
    size_t n = 1 + (h >> 30 & 1), found = 0;
    struct sight_ask a = {.arena = arena};
    struct sight_rows r;
    a.from = civil_day_start(civil_day(NOW, &Z) - 1 - DAYS, &Z) +
             (ts_ms)(kit_rand_u64(seed) % (DAYS * DAY_MS));
    a.to = a.from + (ts_ms)(kit_rand_u64(seed) % DAY_MS) + 1;
    kit_ok(sight_window(snap, sites, n, &f, &a, &r), NULL);
    for (size_t i = 0; i < ROWS; i++) {
        bool here = rows[i].site.v == sites[0].v || (n > 1 && rows[i].site.v == 1);
        if (here && rows[i].pass_ms >= a.from && rows[i].pass_ms < a.to &&
            agrees(&f, &rows[i])) {
            want += mark(&rows[i]);
            found++;
        }
    }
    for (size_t i = 0; i < r.n; i++)
        got += mark(&r.rows[i]);
    assert_int_equal(r.n, found);
    assert_true(got == want);
    arena_reset(arena);
}

/* ---- who was near ---- */

static uint32_t
plain_sites(const struct sight_pass *at, size_t n, struct plate plate, ts_ms within)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; plate_eq(rows[i].plate, plate) && k < n; k++)
            if (rows[i].site.v == at[k].site.v &&
                llabs(rows[i].pass_ms - at[k].pass_ms) <= within)
                seen |= 1u << at[k].site.v;
    return (uint32_t)__builtin_popcount(seen);
}

static void
one_near(struct sight_snap *snap, struct arena *arena, struct kit_rand *seed)
{
    struct sight_pass at[20];
    struct sight_ask a = {.arena = arena};
    struct sight_near *near;
    size_t n, hits = 0;
    for (size_t i = 0; i < 20; i++) {
        const struct sighting *s = &rows[kit_rand_u64(seed) % ROWS];
        at[i] = (struct sight_pass){s->pass_ms, s->plate, s->site};
    }
    kit_ok(sight_near(snap, at, 20, HOUR_MS, 2, &a, &near, &n), NULL);
    for (unsigned v = 0; v < PLATES; v++) {
        char text[32];
        snprintf(text, sizeof text, "晋A%03u88", v);
        struct plate plate = sight_kit_plate(text);
        uint32_t sites = plain_sites(at, 20, plate, HOUR_MS);
        if (sites < 2)
            continue;
        assert_true(hits < n && plate_eq(near[hits].plate, plate));
        assert_int_equal(near[hits++].sites, sites);
    }
    assert_int_equal(hits, n);
    arena_reset(arena);
}

static void
test_equal(void **state)
{
    (void)state;
    /* never a roll; one at a time; all of them */
    static const size_t bytes[] = {1, PLATES * 16, 0};
    struct arena arena;
    arena_init(&arena, 32u << 20);
    make_rows(5);
    for (size_t k = 0; k < 3; k++) {
        kit_temp_dir(root);
        struct sight *s = open_it(bytes[k], false);
        struct kit_rand seed = {77};
        fill(s);
        struct sight_snap *snap = sight_snapshot(s);
        assert_non_null(snap);
        for (unsigned i = 0; i < 120; i++)
            one_window(snap, &arena, &seed);
        for (unsigned i = 0; i < 6; i++)
            one_near(snap, &arena, &seed);
        struct sight_health h;
        sight_health(s, &h);
        assert_int_equal(h.roll_bytes > 0, k > 0);
        assert_true(h.roll_bytes <= (k == 1 ? PLATES * 16u : 128u << 20));
        sight_snap_free(snap);
        sight_close(s);
        kit_remove_tree(root);
    }
    arena_release(&arena);
}

/* Made by a thread meanwhile: the same answers before and after, and a store that is
 * closed in between waits for it. */
static void
test_threaded(void **state)
{
    (void)state;
    struct arena arena;
    struct kit_rand seed = {78};
    struct sight_health h = {0};
    arena_init(&arena, 32u << 20);
    make_rows(6);
    kit_temp_dir(root);
    struct sight *s = open_it(0, false);
    fill(s);
    sight_close(s);
    for (unsigned asked = 0; asked < 3; asked++) { /* the last one waits for a roll */
        s = open_it(0, true);
        struct sight_snap *snap = sight_snapshot(s);
        assert_non_null(snap);
        for (unsigned i = 0; i < 4 + 20 * asked; i++)
            one_window(snap, &arena, &seed);
        for (unsigned i = 0; asked == 2 && h.roll_bytes == 0 && i < 100000; i++) {
            one_window(snap, &arena, &seed);
            sight_health(s, &h);
        }
        sight_snap_free(snap);
        sight_close(s);
    }
    assert_true(h.roll_bytes > 0);
    kit_remove_tree(root);
    arena_release(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal), cmocka_unit_test(test_threaded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
