/* SPDX-License-Identifier: Apache-2.0 */
/* Scans with a second thread, without it, and by several askers at once of whom one has
 * it: the same answers, which a plain walk over the rows gives too. */
#include "core/hash.h"
#include "kit/kit.h"
#include "store/sight_kit_test.h"
#include "store/sight_pair.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PLATES 70000u /* enough to wake the second thread */
#define ROWS (2 * PLATES)
#define SITES 40u
#define DAYS 3

static const struct zone Z = {"", 480};
static char root[OS_PATH];
static struct sighting rows[ROWS];
static char ids[ROWS][16];

static void
make_rows(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        char text[32];
        unsigned v = (unsigned)(i % PLATES);
        uint64_t h = hash_pair(i, 9);
        rows[i] = sight_kit_row();
        snprintf(text, sizeof text, "晋%c%05u", 'A' + (int)(v / 35000), v % 35000);
        rows[i].plate = sight_kit_plate(text);
        /* the last day has nearly all of them */
        int64_t day = civil_day(NOW, &Z) - 1 - (int64_t)(h % 20 ? 0 : h / 20 % DAYS);
        rows[i].pass_ms = civil_day_start(day, &Z) + (ts_ms)(h / 64 % DAY_MS);
        rows[i].arrive_ms = rows[i].pass_ms;
        rows[i].site.v = 1 + (uint32_t)(h >> 40) % SITES;
        rows[i].speed_dkmh = (uint16_t)(h % 900);
        snprintf(ids[i], sizeof ids[i], "R%zu", i);
        rows[i].record_id = span_cstr(ids[i]);
    }
}

static struct sight *
open_it(bool one_thread)
{
    struct sight_opts o = {.dir = root, .zone = Z, .one_thread = one_thread};
    return sight_kit_open(&o);
}

static void
fill(struct sight *s)
{
    struct sight_bulk *bulk;
    struct note note = {0};
    kit_ok(sight_bulk_begin(s, &bulk), &note);
    kit_ok(sight_bulk_add(bulk, rows, ROWS, NOW, &note), &note);
    kit_ok(sight_bulk_commit(bulk, NULL, &note), &note);
    sight_kit_settle(s, true);
}

struct sum {
    uint64_t mark, n;
    struct plate last;
};

static enum err
add_reads(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct sum *s = arg;
    assert_true(plate.v > s->last.v);
    s->last = plate;
    for (size_t i = 0; i < n; i++)
        s->mark += hash_pair(hash_pair(plate.v, (uint64_t)at[i]), site[i]);
    s->n += n;
    return OK;
}

static bool
add_plate(void *arg, const struct sight_summary *p)
{
    struct sum *s = arg;
    assert_true(p->plate.v > s->last.v);
    s->last = p->plate;
    s->mark += hash_pair(p->plate.v, p->n);
    s->n++;
    return false;
}

static const struct sight_fit FIT = {.hours_any = 0xF0F0, .n_min = 2};

/* The last day's reads, then the plates that fit. */
static void
ask(struct sight_snap *snap, struct sum got[2])
{
    struct arena arena;
    int64_t day = civil_day(NOW, &Z) - 1;
    arena_init(&arena, 64u << 20);
    struct sight_ask a = {
        .from = civil_day_start(day, &Z) + HOUR_MS,
        .to = civil_day_start(day, &Z) + 20 * HOUR_MS,
        .arena = &arena};
    memset(got, 0, 2 * sizeof *got);
    kit_ok(sight_reads(snap, &a, add_reads, &got[0]), NULL);
    a.from = a.to = 0;
    kit_ok(sight_days_fit(snap, &FIT, &a, add_plate, NULL, &got[1]), NULL);
    arena_release(&arena);
}

static void
plain(struct sum want[2])
{
    int64_t day = civil_day(NOW, &Z) - 1;
    ts_ms from = civil_day_start(day, &Z) + HOUR_MS;
    ts_ms to = civil_day_start(day, &Z) + 20 * HOUR_MS;
    memset(want, 0, 2 * sizeof *want);
    for (size_t i = 0; i < ROWS; i++) {
        const struct sighting *s = &rows[i];
        if (s->pass_ms < from || s->pass_ms >= to)
            continue;
        want[0].mark +=
            hash_pair(hash_pair(s->plate.v, (uint64_t)s->pass_ms), s->site.v);
        want[0].n++;
    }
    for (size_t i = 0; i < PLATES; i++) { /* rows i and i + PLATES are one vehicle's */
        uint32_t hours = 1u << civil_of(rows[i].pass_ms, &Z).hour;
        hours |= 1u << civil_of(rows[i + PLATES].pass_ms, &Z).hour;
        if (!(hours & FIT.hours_any))
            continue;
        want[1].mark += hash_pair(rows[i].plate.v, 2);
        want[1].n++;
    }
}

static struct sum want[2];

static void *
asker(void *arg)
{
    for (unsigned i = 0; i < 4; i++) {
        struct sum got[2];
        struct sight_snap *snap = sight_snapshot(arg);
        assert_non_null(snap);
        ask(snap, got);
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(got[k].n, want[k].n);
            assert_true(got[k].mark == want[k].mark);
        }
        sight_snap_free(snap);
    }
    return NULL;
}

static void
test_scans(void **state)
{
    (void)state;
    make_rows();
    plain(want);
    kit_temp_dir(root);
    for (unsigned turn = 0; turn < 2; turn++) {
        struct sight *s = open_it(turn);
        pthread_t thread[3];
        if (!turn)
            fill(s);
        sight_kit_settle(s, true);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, asker, s), 0);
        for (unsigned i = 0; i < 3; i++)
            pthread_join(thread[i], NULL);
        sight_close(s);
    }
    kit_remove_tree(root);
}

/* ---- a question that is stopped ---- */

static bool
stop_at_once(void *arg)
{
    ++*(unsigned *)arg;
    return true;
}

static void
test_stopped(void **state)
{
    (void)state;
    struct sum got = {0};
    struct arena arena;
    unsigned asked = 0;
    kit_temp_dir(root);
    struct sight *s = open_it(false);
    fill(s);
    arena_init(&arena, 64u << 20);
    int64_t day = civil_day(NOW, &Z) - 1;
    struct sight_ask a = {
        .from = civil_day_start(day, &Z),
        .to = civil_day_start(day + 1, &Z),
        .arena = &arena,
        .stop = stop_at_once,
        .stop_arg = &asked};
    struct sight_snap *snap = sight_snapshot(s);
    assert_int_equal(sight_reads(snap, &a, add_reads, &got), ERR_TIMEOUT);
    assert_true(asked > 0);
    a.stop = NULL; /* the second thread is free again */
    got = (struct sum){0};
    kit_ok(sight_reads(snap, &a, add_reads, &got), NULL);
    sight_snap_free(snap);
    sight_close(s);
    arena_release(&arena);
    kit_remove_tree(root);
}

/* ---- the pair itself ---- */

static void
count_up(void *arg)
{
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

static void
test_pair(void **state)
{
    (void)state;
    _Atomic unsigned own = 0, other = 0;
    struct pair *p = pair_new();
    assert_non_null(p);
    pair_both(NULL, count_up, (void *)&own, (void *)&other);
    for (unsigned i = 0; i < 1000; i++)
        pair_both(p, count_up, (void *)&own, (void *)&other);
    assert_int_equal(own, 1001);
    assert_int_equal(other, 1001);
    if (pair_begin(p, count_up, (void *)&own)) { /* a machine with two processors */
        assert_false(pair_begin(p, count_up, (void *)&other));
        pair_end(p);
        assert_int_equal(own, 1002);
    }
    pair_free(p);
    pair_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_scans),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
