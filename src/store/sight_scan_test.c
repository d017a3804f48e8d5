/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about all plates against the plainest possible answers, in every state of
 * the engine: rows in the head, sealed, merged over weeks, late ones on top; with and
 * without a census. */
#include "core/hash.h"
#include "kit/kit.h"
#include "store/sight_kit_test.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS 9000
#define PLATES 700
#define SITES 24
#define DAYS 12

static const struct zone Z = {"", 480};
static char root[OS_PATH];
static struct sighting rows[ROWS];
static char ids[ROWS][16];
static uint16_t of_vehicle[ROWS]; /* the number that make_rows() drew */

static void
make_rows(uint64_t start)
{
    struct kit_rand seed = {start};
    for (size_t i = 0; i < ROWS; i++) {
        char text[32];
        uint64_t v = kit_rand_u64(&seed) % PLATES;
        bool night = v % 10 == 3;
        of_vehicle[i] = (uint16_t)v;
        rows[i] = sight_kit_row();
        snprintf(
            text, sizeof text, v % 40 == 7 ? "晋A%03u?%u" : "晋A%03u8%u", (unsigned)v,
            (unsigned)(v % 10));
        if (kit_rand_u64(&seed) % 30)
            rows[i].plate = sight_kit_plate(text);
        int64_t day = civil_day(NOW, &Z) - 1 - (int64_t)(kit_rand_u64(&seed) % DAYS);
        if (v % 5 == 0) /* not before its day */
            day = civil_day(NOW, &Z) - 1 -
                  (int64_t)(kit_rand_u64(&seed) % (1 + v % DAYS));
        ts_ms hour =
            (ts_ms)(night ? kit_rand_u64(&seed) % 5 : 6 + kit_rand_u64(&seed) % 18);
        rows[i].pass_ms = civil_day_start(day, &Z) + hour * HOUR_MS +
                          (ts_ms)(kit_rand_u64(&seed) % 60) * MINUTE_MS +
                          (ts_ms)(kit_rand_u64(&seed) % 60000);
        rows[i].arrive_ms = rows[i].pass_ms;
        rows[i].site.v = 1 + (uint32_t)(kit_rand_u64(&seed) % SITES);
        snprintf(ids[i], sizeof ids[i], "R%zu", i);
        rows[i].record_id = span_cstr(ids[i]);
    }
}

static struct sight *
open_it(size_t census)
{
    struct sight_opts o = {
        .dir = root,
        .zone = Z,
        .keep_days = 200,
        .head_rows = 1500,
        .census_plates = census,
        .journal_file = 1u << 20};
    return sight_kit_open(&o);
}

/* ---- plain answers ---- */

struct plain {
    struct plate plate;
    uint32_t hours;
    int64_t first;
    uint64_t passes;
};

static bool
plain_fits(const struct sight_fit *f, const struct plain *p)
{
    return p->passes && (!f->hours_any || p->hours & f->hours_any) &&
           !(p->hours & f->hours_none) &&
           (!f->first_hi || (p->first >= f->first_lo && p->first < f->first_hi)) &&
           p->passes >= f->n_min && (!f->exact || plate_is_exact(p->plate));
}

static uint64_t
plain_sum(const struct sight_fit *f, size_t n)
{
    static struct plain all[PLATES];
    uint64_t sum = 0;
    memset(all, 0, sizeof all);
    for (size_t i = 0; i < n; i++) {
        struct plain *p = &all[of_vehicle[i]];
        int64_t day = civil_day(rows[i].pass_ms, &Z);
        if (plate_is_none(rows[i].plate))
            continue;
        p->first = p->passes && p->first < day ? p->first : day;
        p->plate = rows[i].plate;
        p->hours |= 1u << civil_of(rows[i].pass_ms, &Z).hour;
        p->passes++;
    }
    for (size_t v = 0; v < PLATES; v++)
        if (plain_fits(f, &all[v]))
            sum += hash_pair(all[v].plate.v, all[v].passes);
    return sum;
}

struct sum {
    uint64_t want, days;
};

static bool
sum_want(void *arg, const struct sight_summary *s)
{
    ((struct sum *)arg)->want += hash_pair(s->plate.v, s->n);
    return true;
}

static enum err
sum_days(void *arg, struct plate plate, const struct sight_day *d, size_t n)
{
    uint64_t passes = 0;
    for (size_t i = 0; i < n; i++)
        passes += d[i].n;
    ((struct sum *)arg)->days += hash_pair(plate.v, passes);
    return OK;
}

static void
ask_fits(struct sight *s, size_t n)
{
    int64_t today = civil_day(NOW, &Z);
    const struct sight_fit fits[] = {
        {0},
        {.exact = true},
        {.hours_any = 0x1F, .hours_none = 0x3FF00, .n_min = 3, .exact = true},
        {.first_lo = today - 3, .first_hi = today - 1},
        {.first_lo = today - 2, .first_hi = today, .n_min = 4, .hours_none = 1u << 12},
    };
    struct sight_snap *snap = sight_snapshot(s);
    struct sight_ask ask = {0};
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        struct sum sum = {0, 0};
        uint64_t want = plain_sum(&fits[i], n);
        kit_ok(sight_days_fit(snap, &fits[i], &ask, sum_want, sum_days, &sum), NULL);
        assert_int_equal(sum.want, want);
        assert_int_equal(sum.days, want);
        sum = (struct sum){0, 0};
        kit_ok(sight_days_fit(snap, &fits[i], &ask, sum_want, NULL, &sum), NULL);
        assert_int_equal(sum.want, want);
    }
    sight_snap_free(snap);
}

/* Who was seen on so many days, however they lie in runs and heads: what days_min lets
 * through holds all of them. */
static enum err
sum_many(void *arg, struct plate plate, const struct sight_day *d, size_t n)
{
    (void)d;
    if (n >= 4)
        ((struct sum *)arg)->days += hash_pair(plate.v, n);
    return OK;
}

static void
ask_many_days(struct sight *s, size_t n)
{
    static uint64_t seen[PLATES][2]; /* days as bits; the plate */
    struct sum sum = {0, 0};
    uint64_t want = 0;
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < n; i++) {
        if (plate_is_none(rows[i].plate))
            continue;
        int64_t back = civil_day(NOW, &Z) - civil_day(rows[i].pass_ms, &Z);
        seen[of_vehicle[i]][0] |= UINT64_C(1) << back;
        seen[of_vehicle[i]][1] = rows[i].plate.v;
    }
    for (size_t v = 0; v < PLATES; v++) {
        unsigned days = (unsigned)__builtin_popcountll(seen[v][0]);
        want += days >= 4 ? hash_pair(seen[v][1], days) : 0;
    }
    struct sight_fit fit = {.n_min = 4, .days_min = 4};
    struct sight_snap *snap = sight_snapshot(s);
    struct sight_ask ask = {0};
    kit_ok(sight_days_fit(snap, &fit, &ask, sum_want, sum_many, &sum), NULL);
    assert_true(want != 0);
    assert_int_equal(sum.days, want);
    sight_snap_free(snap);
}

static bool
is_near(
    struct plate p, uint32_t site, size_t n, const struct sight_pass *at, size_t m,
    int64_t within)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            if (plate_eq(rows[i].plate, p) && rows[i].site.v == site &&
                at[k].site.v == site && rows[i].pass_ms >= at[k].pass_ms - within &&
                rows[i].pass_ms <= at[k].pass_ms + within)
                return true;
    return false;
}

static void
ask_near(struct sight *s, size_t n, struct plate plate)
{
    struct sight_pass at[64];
    struct arena arena;
    struct sight_near *got;
    size_t m = 0, got_n;
    const int64_t within = 40 * MINUTE_MS;
    arena_init(&arena, 1u << 26);
    for (size_t i = 0; i < n && m < 64; i++)
        if (plate_eq(rows[i].plate, plate))
            at[m++] = (struct sight_pass){rows[i].pass_ms, plate, rows[i].site};
    struct sight_snap *snap = sight_snapshot(s);
    struct sight_ask ask = {.arena = &arena};
    kit_ok(sight_near(snap, at, m, within, 2, &ask, &got, &got_n), NULL);
    assert_true(m == 0 || got_n > 0); /* itself */
    size_t found = 0;
    for (unsigned v = 0; v < n; v++) {
        struct plate p = rows[v].plate;
        uint32_t sites = 0;
        bool seen = plate_is_none(p);
        for (unsigned k = 0; k < v && !seen; k++)
            seen = plate_eq(rows[k].plate, p);
        for (uint32_t site = 1; site <= SITES && !seen; site++)
            sites += is_near(p, site, n, at, m, within);
        for (size_t i = 0; i < got_n && sites >= 2; i++)
            if (plate_eq(got[i].plate, p)) {
                assert_int_equal(got[i].sites, sites);
                found++;
            }
        if (v > 60) /* enough of the plain loops */
            break;
    }
    for (size_t i = 1; i < got_n; i++)
        assert_true(got[i - 1].plate.v < got[i].plate.v && got[i].sites >= 2);
    assert_true(found > 0 || got_n < 20);
    sight_snap_free(snap);
    arena_release(&arena);
}

struct reads {
    uint64_t sum;
};

static enum err
sum_reads(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(
            i == 0 || at[i - 1] < at[i] ||
            (at[i - 1] == at[i] && site[i - 1] <= site[i]));
        ((struct reads *)arg)->sum +=
            hash_pair(plate.v, hash_pair((uint64_t)at[i], site[i]));
    }
    return OK;
}

/* Windows far shorter than a merged run are read from the place segments. */
static void
ask_reads(struct sight *s, size_t n)
{
    for (int64_t back = 0; back < DAYS; back += 3) {
        struct reads got = {0};
        uint64_t want = 0;
        struct sight_ask ask = {
            .from = civil_day_start(civil_day(NOW, &Z) - 2 - back, &Z) + 7 * HOUR_MS};
        ask.to = ask.from + (back ? DAY_MS : 2 * DAY_MS);
        struct sight_snap *snap = sight_snapshot(s);
        for (size_t i = 0; i < n; i++)
            if (rows[i].pass_ms >= ask.from && rows[i].pass_ms < ask.to &&
                !plate_is_none(rows[i].plate))
                want += hash_pair(
                    rows[i].plate.v,
                    hash_pair((uint64_t)rows[i].pass_ms, rows[i].site.v));
        kit_ok(sight_reads(snap, &ask, sum_reads, &got), NULL);
        assert_int_equal(got.sum, want);
        sight_snap_free(snap);
    }
}

static void
ask_all(struct sight *s, size_t n)
{
    ask_fits(s, n);
    ask_many_days(s, n);
    ask_reads(s, n);
    for (unsigned i = 0; i < 4; i++)
        ask_near(s, n, rows[i * 31 % n].plate);
}

static void
test_states(void **state)
{
    struct sight_health h;
    (void)state;
    for (unsigned turn = 0; turn < 2; turn++) {
        kit_temp_dir(root);
        make_rows(11 + turn);
        struct sight *s = open_it(turn ? 100 : 0); /* the second has no census */
        sight_kit_send(s, rows, 1400);
        ask_all(s, 1400);
        sight_kit_send(s, rows + 1400, 6000 - 1400);
        sight_kit_settle(s, false);
        ask_all(s, 6000);
        sight_kit_settle(s, true);
        sight_health(s, &h);
        assert_int_equal(h.census_plates > 0, !turn);
        ask_all(s, 6000);
        sight_kit_send(s, rows + 6000, 7000 - 6000); /* some stay in the head */
        ask_all(s, 7000);
        sight_kit_send(s, rows + 7000, ROWS - 7000);
        sight_kit_settle(s, false);
        ask_all(s, ROWS);
        sight_health(s, &h);
        assert_int_equal(h.census_plates > 0, !turn);
        sight_close(s);
        s = open_it(turn ? 100 : 0);
        ask_all(s, ROWS);
        sight_kit_settle(s, true);
        ask_all(s, ROWS);
        sight_close(s);
        kit_remove_tree(root);
    }
}

/* What a purge takes out is out of the census too, and a new one is made. */
static void
test_purge(void **state)
{
    (void)state;
    struct note note = {0};
    struct sight_receipt r;
    struct sight_health h;
    kit_temp_dir(root);
    make_rows(5);
    struct sight *s = open_it(0);
    sight_kit_send(s, rows, ROWS);
    sight_kit_settle(s, true);
    int64_t day = civil_day(NOW, &Z) - 4;
    kit_ok(sight_purge(s, day, &r, &note), &note);
    size_t kept = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (civil_day(rows[i].pass_ms, &Z) >= day) {
            of_vehicle[kept] = of_vehicle[i];
            rows[kept++] = rows[i];
        }
    assert_int_equal(r.rows, ROWS - kept);
    ask_all(s, kept);
    sight_kit_settle(s, false);
    sight_health(s, &h);
    assert_true(h.census_plates > 0);
    ask_all(s, kept);
    sight_close(s);
    kit_remove_tree(root);
}

/* ---- budgets ---- */

static bool
at_once(void *arg)
{
    (void)arg;
    return true;
}

/* Every question stops when it is told to, and stays inside its memory. */
static void
test_budgets(void **state)
{
    (void)state;
    struct arena small, large;
    kit_temp_dir(root);
    make_rows(3);
    struct sight *s = open_it(0);
    sight_kit_send(s, rows, ROWS);
    struct sight_snap *snap = sight_snapshot(s); /* most rows in heads */
    for (unsigned turn = 0; turn < 2; turn++) {
        arena_init(&small, 512);
        arena_init(&large, 1u << 26);
        struct sight_ask slow = {.arena = &large, .stop = at_once};
        struct sight_ask tight = {.arena = &small};
        struct sight_pass *p, *all;
        struct sight_cell *cells;
        struct sight_near *near;
        struct sight_count *counts;
        struct sight_rows got;
        struct plate_pattern any;
        struct sum sum = {0, 0};
        struct reads reads = {0};
        size_t n, all_n;
        struct sight_ask free_ask = {.arena = &large};
        assert_true(plate_pattern_parse(SPAN("*"), &any));
        kit_ok(sight_passes(snap, NULL, 0, &free_ask, &all, &all_n), NULL);
        assert_int_equal(all_n, ROWS);
        struct site_id lo = {0}, hi = {UINT32_MAX};
        assert_int_equal(sight_window(snap, NULL, 0, NULL, &slow, &got), ERR_TIMEOUT);
        assert_int_equal(sight_window(snap, NULL, 0, NULL, &tight, &got), ERR_TOOBIG);
        assert_int_equal(sight_passes(snap, NULL, 0, &slow, &p, &n), ERR_TIMEOUT);
        assert_int_equal(sight_passes(snap, NULL, 0, &tight, &p, &n), ERR_TOOBIG);
        assert_int_equal(sight_flow(snap, lo, hi, &slow, &cells, &n), ERR_TIMEOUT);
        assert_int_equal(sight_flow(snap, lo, hi, &tight, &cells, &n), ERR_TOOBIG);
        assert_int_equal(sight_plates(snap, &any, &tight, &counts, &n), ERR_TOOBIG);
        assert_int_equal(
            sight_near(snap, all, all_n, MINUTE_MS, 1, &slow, &near, &n), ERR_TIMEOUT);
        assert_int_equal(
            sight_near(snap, all, all_n, MINUTE_MS, 1, &tight, &near, &n), ERR_TOOBIG);
        struct sight_ask dull = {.stop = at_once};
        assert_int_equal(sight_reads(snap, &dull, sum_reads, &reads), ERR_TIMEOUT);
        struct sight_fit fit = {0};
        enum err e = sight_days_fit(snap, &fit, &dull, sum_want, sum_days, &sum);
        assert_true(e == ERR_TIMEOUT || (e == OK && turn)); /* merged: few steps */
        arena_release(&small);
        arena_release(&large);
        sight_snap_free(snap);
        sight_kit_settle(s, true);
        snap = sight_snapshot(s);
    }
    sight_snap_free(snap);
    sight_close(s);
    kit_remove_tree(root);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_purge),
        cmocka_unit_test(test_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
