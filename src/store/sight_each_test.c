/* SPDX-License-Identifier: Apache-2.0 */
/* Whole windows against the plainest answer, in every state of the engine: by the scan
 * that hands out each row, and by the window that chooses between scan and look-up. */
#include "core/hash.h"
#include "kit/kit.h"
#include "store/sight_each.h"
#include "store/sight_kit_test.h"

#include <stdio.h>

#define ROWS 8000
#define SPAN_MS (3 * DAY_MS)

static const struct zone Z = {"", 480};
static char root[OS_PATH];
static struct sighting rows[ROWS];
static char ids[ROWS][16];

static void
make_rows(uint64_t seed)
{
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t r = hash_u64(seed + i), v = r % 500;
        char text[32];
        rows[i] = sight_kit_row();
        snprintf(text, sizeof text, "晋A%05u", (unsigned)v);
        if (r >> 20 & 15)
            rows[i].plate = sight_kit_plate(text);
        rows[i].pass_ms = NOW - SPAN_MS + (ts_ms)(hash_u64(r) % SPAN_MS);
        rows[i].arrive_ms = rows[i].pass_ms + (ts_ms)(r >> 30 & 63) * SECOND_MS;
        rows[i].site.v = 1 + (uint32_t)(r >> 40) % 30;
        rows[i].lane = (uint8_t)(r >> 50 & 3);
        rows[i].vehicle_color = (uint8_t)(r >> 52 & 7);
        rows[i].confidence = (uint8_t)(r >> 56 & 63);
        snprintf(ids[i], sizeof ids[i], "R%zu", i);
        rows[i].record_id = span_cstr(ids[i]);
    }
}

static uint64_t
print_of(const struct sighting *s)
{
    uint64_t h = hash_span(s->record_id, s->plate.v);
    h = hash_pair(h, (uint64_t)s->pass_ms);
    h = hash_pair(h, (uint64_t)s->arrive_ms);
    h = hash_pair(h, s->site.v);
    return hash_pair(
        h, (uint64_t)s->lane | (uint64_t)s->vehicle_color << 8 |
               (uint64_t)s->confidence << 16);
}

struct sum {
    uint64_t print, n, most; /* fails behind `most` */
};

static enum err
add_row(void *arg, const struct sighting *s)
{
    struct sum *sum = arg;
    if (sum->n == sum->most)
        return ERR_FULL;
    sum->print += print_of(s);
    sum->n++;
    return OK;
}

static struct sum
plain_sum(size_t n, ts_ms from, ts_ms to)
{
    struct sum sum = {.most = ROWS};
    for (size_t i = 0; i < n; i++)
        if (rows[i].pass_ms >= from && rows[i].pass_ms < to)
            assert_int_equal(add_row(&sum, &rows[i]), OK);
    return sum;
}

static bool
is_dense(const struct sight_snap *snap, const struct sight_ask *ask)
{
    struct asked a;
    asked_init(&a, snap, ask);
    return asked_is_dense(&a);
}

static void
ask_window(struct sight_snap *snap, size_t n, ts_ms from, ts_ms to, unsigned dense[2])
{
    struct arena arena;
    struct sight_rows got;
    struct sight_ask ask = {.from = from, .to = to, .arena = &arena};
    struct sum want = plain_sum(n, from, to), each = {.most = ROWS},
               window = {.most = ROWS};
    arena_init(&arena, (size_t)16 << 20);
    kit_ok(sight_each(snap, &ask, add_row, &each), NULL);
    assert_int_equal(each.n, want.n);
    assert_int_equal(each.print, want.print);
    kit_ok(sight_window(snap, NULL, 0, NULL, &ask, &got), NULL);
    for (size_t i = 0; i < got.n; i++) {
        assert_int_equal(add_row(&window, &got.rows[i]), OK);
        assert_true(i == 0 || got.rows[i - 1].pass_ms <= got.rows[i].pass_ms);
    }
    assert_int_equal(window.n, want.n);
    assert_int_equal(window.print, want.print);
    dense[is_dense(snap, &ask)]++;
    if (want.n > 1) { /* an error of the caller ends it */
        struct sum cut = {.most = want.n / 2};
        assert_int_equal(sight_each(snap, &ask, add_row, &cut), ERR_FULL);
        assert_int_equal(cut.n, want.n / 2);
    }
    arena_release(&arena);
}

static void
ask_windows(struct sight *s, size_t n, bool sealed)
{
    unsigned dense[2] = {0, 0};
    struct sight_snap *snap = sight_snapshot(s);
    for (unsigned i = 0; i < 12; i++) {
        ts_ms long_ms = (ts_ms)(SPAN_MS >> i);
        ts_ms from = NOW - SPAN_MS + (ts_ms)(hash_u64(i + n) % (uint64_t)SPAN_MS);
        ask_window(snap, n, from, from + long_ms, dense);
    }
    ask_window(snap, n, 0, 0x7fffffffffff, dense);
    assert_true(!sealed || (dense[0] && dense[1])); /* both ways were shown */
    sight_snap_free(snap);
}

static void
windows_in_every_state(void **state)
{
    (void)state;
    kit_temp_dir(root);
    make_rows(7);
    struct sight_opts o = {.dir = root, .zone = Z, .keep_days = 200, .head_rows = 1500};
    struct sight *s = sight_kit_open(&o);
    sight_kit_send(s, rows, 1000);
    ask_windows(s, 1000, false); /* all in the head */
    sight_kit_send(s, rows + 1000, ROWS - 1000);
    ask_windows(s, ROWS, false); /* runs and head */
    sight_kit_settle(s, true);
    ask_windows(s, ROWS, true); /* sealed and merged */
    sight_close(s);
    kit_remove_tree(root);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows_in_every_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
