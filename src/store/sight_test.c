/* SPDX-License-Identifier: Apache-2.0 */
/* The engine from outside: what goes in comes out, through every door, in any order,
 * across restarts, seals, merges and purges. */
#include "core/cur.h"
#include "core/hash.h"
#include "kit/crash_disk.h"
#include "kit/kit.h"
#include "store/sight_kit_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a throw-away directory ---- */

static char root[OS_PATH];

static void
fresh(void)
{
    if (root[0])
        kit_remove_tree(root);
    kit_temp_dir(root);
}

static struct sight_opts
opts(void)
{
    return (struct sight_opts){
        .dir = root,
        .zone = {"Asia/Shanghai", 480},
        .keep_days = 30,
        .head_rows = 1000,
        .bulk_rows = 1500,
        .journal_file = 1u << 20};
}

/* ---- made-up rows ---- */

struct city {
    struct sighting *rows;
    size_t n;
    struct arena texts;
};

static struct span
make_id(struct city *c, struct kit_rand *rng, const struct sighting *s, size_t i)
{
    switch (kit_rand_u64(rng) % 8) {
    case 0:
        return arena_fmt(&c->texts, "weird \x01 id %zu \xE8\xBD\xA6", i);
    case 1:
        return arena_fmt(
            &c->texts, "%016llx-%zu", (unsigned long long)kit_rand_u64(rng), i);
    default:
        return arena_fmt(
            &c->texts, "1401%02u%04u%02u%lld%03zu", s->site.v % 23, s->site.v,
            s->direction, (long long)s->pass_ms + (long long)(kit_rand_u64(rng) % 300),
            i % 1000);
    }
}

static struct span
make_image(struct city *c, struct kit_rand *rng, const struct sighting *s)
{
    struct zone z = {"", 480};
    char day[TS_TEXT];
    switch (kit_rand_u64(rng) % 6) {
    case 0:
        return (struct span){"", 0};
    case 1:
        return arena_fmt(
            &c->texts, "ftp://x/%llu?%c", (unsigned long long)kit_rand_u64(rng),
            (int)(kit_rand_u64(rng) % 94 + 33));
    default:
        return arena_fmt(
            &c->texts, "http://10.1.%u.2/kk/%s/%.*s.jpg", s->site.v % 250,
            day_format(day, civil_day(s->pass_ms, &z)), SPAN_ARG(s->record_id));
    }
}

static void
make_city(struct city *c, uint64_t seed, size_t n, int days)
{
    static const char *const chars[] = {"A", "B", "8", "3", "0", "7", "K", "5"};
    struct kit_rand rng = {seed};
    arena_init(&c->texts, 1u << 30);
    c->rows = calloc(n, sizeof *c->rows);
    c->n = n;
    for (size_t i = 0; i < n; i++) {
        struct sighting *s = &c->rows[i];
        char plate[40];
        uint64_t v = kit_rand_u64(&rng) % (n / 12 + 1);
        uint64_t h = hash_u64(v * 77 + 5);
        snprintf(
            plate, sizeof plate, "晋A%s%s%s%s%s", chars[h % 8], chars[h / 8 % 8],
            chars[h / 64 % 8], chars[h / 512 % 8], chars[h / 4096 % 8]);
        bool differs = false;
        if (kit_rand_u64(&rng) % 40 == 0)
            s->plate = PLATE_NONE;
        else if (kit_rand_u64(&rng) % 100 == 0) {
            s->plate_text = arena_fmt(&c->texts, "junk-%zu-\xC3\xA9", i);
            (void)plate_parse(s->plate_text, &s->plate, &differs);
        } else
            (void)plate_parse(span_cstr(plate), &s->plate, &differs);
        if (!s->plate_text.p)
            s->plate_text = (struct span){"", 0};
        s->pass_ms = NOW - (ts_ms)(kit_rand_u64(&rng) % ((uint64_t)days * 86400000));
        s->site.v = 1 + (uint32_t)(kit_rand_u64(&rng) % 40);
        s->direction = (uint8_t)(1 + kit_rand_u64(&rng) % 4);
        s->device.v = kit_rand_u64(&rng) % 5 ? s->site.v * 4 + s->direction : 0;
        s->lane = (uint8_t)(kit_rand_u64(&rng) % 5);
        s->speed_dkmh = kit_rand_u64(&rng) % 20 ? (uint16_t)(kit_rand_u64(&rng) % 1200)
                                                : SPEED_UNKNOWN;
        s->vehicle_class = (code3)(h % 5 + (kit_rand_u64(&rng) % 30 == 0));
        s->brand = (code3)(h / 7 % 30);
        s->plate_color = (uint8_t)(h % 4);
        s->vehicle_color =
            (uint8_t)(kit_rand_u64(&rng) % 15 ? h % 10 : kit_rand_u64(&rng) % 10);
        s->confidence = kit_rand_u64(&rng) % 9 ? (uint8_t)(kit_rand_u64(&rng) % 101)
                                               : CONFIDENCE_UNKNOWN;
        s->flags = kit_rand_u64(&rng) % 50 ? 0 : SIGHTING_DECKED;
        s->arrive_ms = s->pass_ms + (ts_ms)(kit_rand_u64(&rng) % 50) * 1000;
        s->record_id = make_id(c, &rng, s, i);
        s->image = make_image(c, &rng, s);
    }
}

static void
free_city(struct city *c)
{
    free(c->rows);
    arena_release(&c->texts);
}

static enum err
send(struct sight *s, const struct sighting *rows, size_t n, uint8_t *fate, ts_ms now)
{
    struct sighting_batch *b = sighting_batch_new(n, n * 400 + 65536);
    struct note note = {0};
    assert_non_null(b);
    for (size_t i = 0; i < n; i++)
        *sighting_batch_add(b) = rows[i];
    enum err e = sight_append(s, &b, 1, now, &note);
    if (fate)
        memcpy(fate, b->fate, n);
    sighting_batch_free(b);
    return e;
}

static void
send_all(struct sight *s, const struct city *c)
{
    uint8_t fate[256];
    for (size_t i = 0; i < c->n; i += 200) {
        size_t n = c->n - i < 200 ? c->n - i : 200;
        assert_int_equal(send(s, c->rows + i, n, fate, NOW), OK);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(fate[k], FATE_STORED);
    }
}

/* ---- comparing ---- */

static int
order(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    if (a->pass_ms != b->pass_ms)
        return a->pass_ms < b->pass_ms ? -1 : 1;
    if (a->site.v != b->site.v)
        return a->site.v < b->site.v ? -1 : 1;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    size_t n = a->record_id.n < b->record_id.n ? a->record_id.n : b->record_id.n;
    int c = n ? memcmp(a->record_id.p, b->record_id.p, n) : 0;
    return c ? c
             : (a->record_id.n > b->record_id.n) - (a->record_id.n < b->record_id.n);
}

/* Everything the engine holds, through the window of all sites, equals the rows. */
static void
same_all(struct sight *s, const struct city *c)
{
    struct sight_snap *snap = sight_snapshot(s);
    struct arena a;
    struct sight_rows got;
    arena_init(&a, 1u << 30);
    struct sight_ask ask = {.arena = &a};
    assert_int_equal(sight_snap_rows(snap), c->n);
    assert_int_equal(sight_window(snap, NULL, 0, NULL, &ask, &got), OK);
    assert_int_equal(got.n, c->n);
    struct sighting *want = malloc(c->n * sizeof *want);
    memcpy(want, c->rows, c->n * sizeof *want);
    qsort(want, c->n, sizeof *want, order);
    for (size_t i = 0; i < c->n; i++)
        sight_kit_same(&got.rows[i], &want[i]);
    free(want);
    arena_release(&a);
    sight_snap_free(snap);
}

/* ---- tests ---- */

static void
test_round_trip(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 1, 6000, 5);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    send_all(s, &c);
    same_all(s, &c);
    sight_kit_settle(s, false);
    same_all(s, &c);
    sight_close(s);
    s = sight_kit_open(&o);
    same_all(s, &c);
    sight_kit_settle(s, true);
    same_all(s, &c);
    struct sight_health h;
    sight_health(s, &h);
    assert_int_equal(h.head_rows, 0);
    assert_int_equal(h.rows, c.n);
    struct note note = {0};
    assert_int_equal(sight_verify(s, true, &note), OK);
    sight_close(s);
    s = sight_kit_open(&o);
    same_all(s, &c);
    sight_close(s);
    free_city(&c);
}

static void
test_bulk(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 2, 7000, 9);
    struct sight_opts o = opts();
    o.thread = true;
    struct sight *s = sight_kit_open(&o);
    struct sight_bulk *b;
    struct sight_bulk_sum sum;
    struct note note = {0};
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(sight_bulk_begin(s, &b), OK);
        assert_int_equal(sight_bulk_add(b, c.rows, c.n, NOW, &note), OK);
        assert_int_equal(sight_bulk_add(b, c.rows, 500, NOW, &note), OK);
        assert_int_equal(sight_bulk_commit(b, &sum, &note), OK);
        assert_int_equal(sum.stored, turn ? 0 : c.n);
        assert_int_equal(sum.duplicates, turn ? c.n + 500 : 500);
        same_all(s, &c);
    }
    bool more;
    assert_int_equal(sight_maintain(s, NOW, true, &more, &note), OK);
    same_all(s, &c);
    sight_close(s);
    s = sight_kit_open(&o);
    same_all(s, &c);
    sight_close(s);
    free_city(&c);
}

static void
told(void *arg, uint64_t number, struct span record_id)
{
    assert_true(record_id.n > 0);
    buf_fmt(arg, "%llu ", (unsigned long long)number);
}

/* Every row that contradicts a known one is told by its number: known from the same run
 * or from long ago. */
static void
test_bulk_conflicts(void **state)
{
    (void)state;
    struct city c;
    struct sight_opts o = opts();
    struct note note = {0};
    struct buf said = {0};
    fresh();
    make_city(&c, 2, 3000, 9); /* two runs of the test's size */
    o.thread = true;
    struct sight *s = sight_kit_open(&o);
    struct sighting odd[3] = {c.rows[7], c.rows[2500], c.rows[9]};
    uint64_t numbers[3000], odd_numbers[3] = {70007, 70008, 70009};
    for (size_t i = 0; i < 3000; i++)
        numbers[i] = i + 2;
    odd[0].lane ^= 1;
    odd[1].lane ^= 1; /* the third is the same as before */
    for (int turn = 0; turn < 2; turn++) {
        struct sight_bulk *b;
        struct sight_bulk_sum sum;
        buf_clear(&said);
        assert_int_equal(sight_bulk_begin(s, &b), OK);
        sight_bulk_tell(b, told, &said);
        if (turn == 0)
            kit_ok(
                sight_bulk_add_numbered(b, c.rows, numbers, 3000, NOW, &note), &note);
        kit_ok(sight_bulk_add_numbered(b, odd, odd_numbers, 3, NOW, &note), &note);
        kit_ok(sight_bulk_commit(b, &sum, &note), &note);
        assert_int_equal(sum.conflicts, 2);
        assert_int_equal(sum.duplicates, 1);
        buf_u8(&said, 0);
        assert_string_equal((char *)said.p, "70007 70008 ");
    }
    buf_release(&said);
    same_all(s, &c);
    sight_close(s);
    free_city(&c);
}

struct heap_file {
    char name[64];
    char *p;
    size_t n;
};
struct heap_dir {
    struct heap_file file[64];
    size_t n;
};

static void
read_segment(void *arg, const char *name)
{
    struct heap_dir *d = arg;
    struct heap_file *f = &d->file[d->n++];
    char path[OS_PATH];
    assert_true(d->n <= 64 && strlen(name) < sizeof f->name);
    strncpy(f->name, name, sizeof f->name);
    assert_true(snprintf(path, OS_PATH, "%s/segments/%s", root, name) < OS_PATH);
    assert_int_equal(
        os_read_file(os_fs_real(), path, 1u << 26, &f->p, &f->n, NULL), OK);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(
        ((const struct heap_file *)a)->name, ((const struct heap_file *)b)->name);
}

/* The files of a bulk load with so many builders (0: none, the feeder itself). Rows
 * come twice, a few runs apart: what is still being built is looked at too. */
static void
bulk_files(const struct city *c, size_t threads, struct heap_dir *out)
{
    struct sight_opts o = opts();
    struct sight_bulk *b;
    struct sight_bulk_sum sum;
    struct note note = {0};
    fresh();
    o.thread = threads;
    o.threads = threads;
    o.bulk_rows = 700;
    o.keep_days = 13; /* weeks are not merged, and no day has enough to be */
    struct sight *s = sight_kit_open(&o);
    assert_int_equal(sight_bulk_begin(s, &b), OK);
    for (size_t i = 0; i < c->n; i += 100) {
        size_t n = c->n - i < 100 ? c->n - i : 100, back = i < 1500 ? i : 1500;
        kit_ok(sight_bulk_add(b, c->rows + i, n, NOW, &note), &note);
        kit_ok(sight_bulk_add(b, c->rows + i - back, 10, NOW, &note), &note);
    }
    kit_ok(sight_bulk_commit(b, &sum, &note), &note);
    assert_int_equal(sum.stored, c->n);
    assert_int_equal(sum.duplicates, c->n / 100 * 10);
    same_all(s, c);
    sight_close(s);
    out->n = 0;
    char dir[OS_PATH];
    assert_int_equal(os_join(dir, sizeof dir, root, "segments"), OK);
    assert_int_equal(os_list(os_fs_real(), dir, read_segment, out), OK);
    qsort(out->file, out->n, sizeof *out->file, by_name);
}

static void
test_bulk_builders(void **state)
{
    (void)state;
    struct city c;
    static struct heap_dir want, got;
    make_city(&c, 23, 6000, 9);
    qsort(c.rows, c.n, sizeof *c.rows, order);
    bulk_files(&c, 0, &want);
    assert_true(want.n >= 16);
    for (size_t threads = 1; threads < 6; threads += 2) {
        bulk_files(&c, threads, &got);
        assert_int_equal(got.n, want.n);
        for (size_t i = 0; i < got.n; i++) {
            assert_string_equal(got.file[i].name, want.file[i].name);
            assert_int_equal(got.file[i].n, want.file[i].n);
            assert_memory_equal(got.file[i].p, want.file[i].p, want.file[i].n);
            free(got.file[i].p);
        }
    }
    for (size_t i = 0; i < want.n; i++)
        free(want.file[i].p);
    free_city(&c);
}

/* A bulk run on a disk that fails says so, frees what it holds, and the engine goes on.
 */
static void
test_bulk_failures(void **state)
{
    (void)state;
    struct city c;
    make_city(&c, 16, 4000, 2);
    for (unsigned turn = 0; turn < 60; turn++) {
        struct crash_disk *d = crash_disk_new(turn);
        struct note note = {0};
        struct sight_bulk *b;
        struct sight_bulk_sum sum;
        struct sight_opts o = opts();
        o.fs = crash_disk_fs(d);
        o.dir = "/d";
        o.thread = turn % 2;
        crash_disk_root(d, "/d");
        struct sight *s = sight_kit_open(&o);
        assert_int_equal(send(s, c.rows, 900, NULL, NOW), OK);
        crash_disk_fail_once(d, 1 + turn / 2, ERR_FULL);
        assert_int_equal(sight_bulk_begin(s, &b), OK);
        enum err e = sight_bulk_add(b, c.rows, c.n, NOW, &note);
        if (e == OK)
            e = sight_bulk_commit(b, &sum, &note);
        else
            sight_bulk_drop(b);
        assert_true(e == OK || e == ERR_FULL);
        assert_int_equal(sight_bulk_begin(s, &b), OK);
        kit_ok(sight_bulk_add(b, c.rows, c.n, NOW, &note), &note);
        kit_ok(sight_bulk_commit(b, &sum, &note), &note);
        same_all(s, &c);
        sight_close(s);
        crash_disk_free(d);
    }
    free_city(&c);
}

/* ---- questions against the plainest possible answers ---- */

static void
same_rows(const struct sight_rows *got, const struct sighting *want, size_t n)
{
    assert_int_equal(got->n, n);
    for (size_t i = 0; i < n; i++)
        sight_kit_same(&got->rows[i], &want[i]);
}

/* Rows of the city that fit, in time order; heap. */
static struct sighting *
pick(
    const struct city *c, bool (*fits)(const struct sighting *s, const void *arg),
    const void *arg, size_t *n)
{
    struct sighting *out = malloc((c->n + 1) * sizeof *out);
    *n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (fits(&c->rows[i], arg))
            out[(*n)++] = c->rows[i];
    qsort(out, *n, sizeof *out, order);
    return out;
}

struct want {
    struct plate plate;
    ts_ms from, to;
    const struct site_id *sites;
    size_t sites_n;
    struct sight_filter filter;
};

static bool
fits_plate(const struct sighting *s, const void *arg)
{
    const struct want *w = arg;
    return plate_eq(s->plate, w->plate) && s->pass_ms >= w->from && s->pass_ms < w->to;
}

static bool
fits_window(const struct sighting *s, const void *arg)
{
    const struct want *w = arg;
    const struct sight_filter *f = &w->filter;
    bool site = !w->sites_n;
    for (size_t i = 0; i < w->sites_n; i++)
        site = site || w->sites[i].v == s->site.v;
    return site && s->pass_ms >= w->from && s->pass_ms < w->to &&
           (!f->brand || f->brand == s->brand) &&
           (!f->vehicle_color || f->vehicle_color == s->vehicle_color) &&
           (!f->vehicle_class || f->vehicle_class == s->vehicle_class) &&
           (!f->lane || f->lane == s->lane) &&
           (!f->speed_min_dkmh ||
            (s->speed_dkmh != SPEED_UNKNOWN && s->speed_dkmh >= f->speed_min_dkmh)) &&
           (s->flags & f->flags_all) == f->flags_all;
}

static void
random_window(struct kit_rand *rng, struct want *w)
{
    w->from = NOW - (ts_ms)(kit_rand_u64(rng) % (6 * (uint64_t)DAY_MS));
    w->to = w->from + (ts_ms)(kit_rand_u64(rng) % (uint64_t)DAY_MS);
    if (kit_rand_u64(rng) % 4 == 0) {
        w->from = INT64_C(1);
        w->to = NOW + DAY_MS;
    }
}

static void
ask_plates(struct sight_snap *snap, const struct city *c, struct kit_rand *rng)
{
    struct arena a;
    arena_init(&a, 1u << 28);
    for (unsigned turn = 0; turn < 60; turn++) {
        struct want w = {.plate = c->rows[kit_rand_u64(rng) % c->n].plate};
        if (turn == 0)
            w.plate = PLATE_NONE;
        random_window(rng, &w);
        size_t n;
        struct sighting *want = pick(c, fits_plate, &w, &n);
        struct sight_ask ask = {.from = w.from, .to = w.to, .arena = &a};
        struct sight_rows got;
        assert_int_equal(sight_trajectory(snap, w.plate, &ask, &got), OK);
        assert_false(got.more);
        same_rows(&got, want, n);
        ask.limit = 1 + n / 2;
        assert_int_equal(sight_trajectory(snap, w.plate, &ask, &got), OK);
        assert_int_equal(got.more, n > ask.limit);
        same_rows(&got, want, n < ask.limit ? n : ask.limit);
        ask.limit = 0;
        assert_int_equal(sight_last(snap, w.plate, 3, &ask, &got), OK);
        assert_int_equal(got.n, n < 3 ? n : 3);
        for (size_t i = 0; i < got.n; i++)
            sight_kit_same(&got.rows[i], &want[n - 1 - i]);
        free(want);
        arena_reset(&a);
    }
    arena_release(&a);
}

static void
ask_windows(struct sight_snap *snap, const struct city *c, struct kit_rand *rng)
{
    struct arena a;
    arena_init(&a, 1u << 28);
    for (unsigned turn = 0; turn < 60; turn++) {
        struct site_id sites[4] = {
            {3}, {3}, {1 + (uint32_t)(kit_rand_u64(rng) % 45)}, {7}};
        struct want w = {.sites = sites, .sites_n = turn % 5};
        random_window(rng, &w);
        if (turn % 2)
            w.filter.brand = c->rows[kit_rand_u64(rng) % c->n].brand;
        if (turn % 3 == 1)
            w.filter.vehicle_color = (uint8_t)(kit_rand_u64(rng) % 10);
        if (turn % 7 == 1)
            w.filter.lane = 2;
        if (turn % 11 == 3)
            w.filter.speed_min_dkmh = 700;
        if (turn % 13 == 3)
            w.filter.flags_all = SIGHTING_DECKED;
        size_t n, passes_n;
        struct sighting *want = pick(c, fits_window, &w, &n);
        struct sight_ask ask = {.from = w.from, .to = w.to, .arena = &a};
        struct sight_rows got;
        assert_int_equal(
            sight_window(snap, sites, w.sites_n, &w.filter, &ask, &got), OK);
        same_rows(&got, want, n);
        ask.limit = 1 + n / 3;
        assert_int_equal(
            sight_window(snap, sites, w.sites_n, &w.filter, &ask, &got), OK);
        assert_int_equal(got.more, n > ask.limit);
        same_rows(&got, want, n < ask.limit ? n : ask.limit);
        ask.limit = 0;
        free(want);
        memset(&w.filter, 0, sizeof w.filter);
        want = pick(c, fits_window, &w, &n);
        struct sight_pass *p;
        assert_int_equal(sight_passes(snap, sites, w.sites_n, &ask, &p, &passes_n), OK);
        assert_int_equal(passes_n, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i].pass_ms, want[i].pass_ms);
            assert_int_equal(p[i].site.v, want[i].site.v);
            assert_int_equal(p[i].plate.v, want[i].plate.v);
        }
        free(want);
        arena_reset(&a);
    }
    arena_release(&a);
}

static void
ask_ids(struct sight_snap *snap, const struct city *c)
{
    struct arena a;
    struct sighting got;
    arena_init(&a, 1u << 28);
    for (size_t i = 0; i < c->n; i += 7) {
        struct sighting_id id = sighting_id_of(&c->rows[i]);
        assert_int_equal(sight_fetch(snap, id, &a, &got), OK);
        sight_kit_same(&got, &c->rows[i]);
        id.tag ^= 1;
        assert_int_equal(sight_fetch(snap, id, &a, &got), ERR_NOTFOUND);
        id.tag ^= 1;
        id.pass_ms += 1;
        assert_int_equal(sight_fetch(snap, id, &a, &got), ERR_NOTFOUND);
    }
    arena_release(&a);
}

static void
ask_patterns(struct sight_snap *snap, const struct city *c, struct kit_rand *rng)
{
    static const char *const texts[] = {"晋A?8*3",  "晋A*", "*",
                                        "晋A?????", "*8?",  "晋A8383"};
    struct arena a;
    arena_init(&a, 1u << 28);
    for (unsigned turn = 0; turn < 24; turn++) {
        struct plate_pattern p;
        struct want w = {0};
        assert_true(plate_pattern_parse(span_cstr(texts[turn % 6]), &p));
        random_window(rng, &w);
        struct sight_ask ask = {.from = w.from, .to = w.to, .arena = &a};
        struct sight_count *got;
        size_t n, all = 0, want = 0;
        assert_int_equal(sight_plates(snap, &p, &ask, &got, &n), OK);
        for (size_t i = 0; i < n; i++) {
            assert_true(plate_pattern_match(&p, got[i].plate));
            assert_true(i == 0 || got[i - 1].plate.v < got[i].plate.v);
            all += got[i].n;
        }
        for (size_t i = 0; i < c->n; i++)
            want += c->rows[i].pass_ms >= w.from && c->rows[i].pass_ms < w.to &&
                    plate_pattern_match(&p, c->rows[i].plate);
        assert_int_equal(all, want);
        arena_reset(&a);
    }
    arena_release(&a);
}

/* A checksum of a plate's reads or days that does not depend on how they were found. */
struct tally {
    uint64_t sum, plates;
    struct plate last;
    const struct zone *zone;
};

static enum err
tally_days(void *arg, struct plate plate, const struct sight_day *d, size_t n)
{
    struct tally *t = arg;
    assert_true(plate.v > t->last.v);
    t->last = plate;
    t->plates++;
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || d[i - 1].day < d[i].day);
        t->sum +=
            hash_pair(plate.v, hash_pair((uint64_t)d[i].day, d[i].hours)) * d[i].n;
    }
    return OK;
}

static enum err
tally_reads(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    struct tally *t = arg;
    assert_true(plate.v > t->last.v);
    t->last = plate;
    t->plates++;
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || at[i - 1] <= at[i]);
        t->sum += hash_pair(plate.v, hash_pair((uint64_t)at[i], site[i]));
    }
    return OK;
}

/* The summary is what the days add up to. */
struct summing {
    struct sight_summary s;
    uint64_t all;
};

static bool
sum_want(void *arg, const struct sight_summary *s)
{
    struct summing *t = arg;
    t->s = *s;
    t->all += s->n;
    return s->plate.v % 3 != 0;
}

static enum err
sum_days(void *arg, struct plate plate, const struct sight_day *d, size_t n)
{
    struct summing *t = arg;
    uint32_t hours = 0;
    uint64_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        hours |= d[i].hours;
        rows += d[i].n;
    }
    assert_int_equal(plate.v, t->s.plate.v);
    assert_true(plate.v % 3 != 0);
    assert_int_equal(hours, t->s.hours);
    assert_int_equal(rows, t->s.n);
    assert_int_equal(d[0].day, t->s.first_day);
    return OK;
}

static void
ask_scans(struct sight_snap *snap, const struct city *c, struct kit_rand *rng)
{
    struct zone z = {"", 480};
    for (unsigned turn = 0; turn < 10; turn++) {
        struct want w = {0};
        struct tally reads = {0}, days = {0};
        uint64_t want_reads = 0, want_days = 0;
        random_window(rng, &w);
        struct sight_ask ask = {.from = w.from, .to = w.to};
        assert_int_equal(sight_reads(snap, &ask, tally_reads, &reads), OK);
        assert_int_equal(sight_days(snap, &ask, tally_days, &days), OK);
        int64_t lo = civil_day(w.from, &z), hi = civil_day(w.to - 1, &z);
        struct summing sum = {.all = 0}, quiet = {.all = 0};
        assert_int_equal(sight_days_where(snap, &ask, sum_want, sum_days, &sum), OK);
        assert_int_equal(sight_days_where(snap, &ask, sum_want, NULL, &quiet), OK);
        assert_int_equal(sum.all, quiet.all);
        for (size_t i = 0; i < c->n; i++) {
            const struct sighting *s = &c->rows[i];
            int64_t day = civil_day(s->pass_ms, &z);
            uint32_t hours = 0;
            if (plate_is_none(s->plate))
                continue;
            if (s->pass_ms >= w.from && s->pass_ms < w.to)
                want_reads +=
                    hash_pair(s->plate.v, hash_pair((uint64_t)s->pass_ms, s->site.v));
            if (day < lo || day > hi)
                continue;
            for (size_t k = 0; k < c->n; k++)
                if (plate_eq(c->rows[k].plate, s->plate) &&
                    civil_day(c->rows[k].pass_ms, &z) == day)
                    hours |= 1u << civil_of(c->rows[k].pass_ms, &z).hour;
            want_days += hash_pair(s->plate.v, hash_pair((uint64_t)day, hours));
        }
        assert_int_equal(reads.sum, want_reads);
        assert_int_equal(days.sum, want_days);
    }
}

static void
ask_flow(struct sight_snap *snap, const struct city *c, struct kit_rand *rng)
{
    struct arena a;
    arena_init(&a, 1u << 28);
    for (unsigned turn = 0; turn < 12; turn++) {
        struct want w = {0};
        random_window(rng, &w);
        struct site_id lo = {turn % 2 ? 5 : 0}, hi = {turn % 2 ? 9 : UINT32_MAX};
        struct sight_ask ask = {.from = w.from, .to = w.to, .arena = &a};
        struct sight_cell *cells;
        size_t n;
        uint64_t rows = 0, speed = 0, want_rows = 0, want_speed = 0;
        assert_int_equal(sight_flow(snap, lo, hi, &ask, &cells, &n), OK);
        for (size_t i = 0; i < n; i++) {
            assert_true(
                i == 0 || cells[i - 1].site.v < cells[i].site.v ||
                (cells[i - 1].site.v == cells[i].site.v &&
                 cells[i - 1].at < cells[i].at));
            assert_int_equal(cells[i].at % SIGHT_FLOW_MS, 0);
            rows += cells[i].n;
            speed += cells[i].speed_sum_dkmh + cells[i].speed_n;
        }
        ts_ms from = w.from / SIGHT_FLOW_MS * SIGHT_FLOW_MS;
        ts_ms to = ((w.to - 1) / SIGHT_FLOW_MS + 1) * SIGHT_FLOW_MS;
        for (size_t i = 0; i < c->n; i++) {
            const struct sighting *s = &c->rows[i];
            if (s->pass_ms < from || s->pass_ms >= to || s->site.v < lo.v ||
                s->site.v > hi.v)
                continue;
            want_rows++;
            if (s->speed_dkmh != SPEED_UNKNOWN)
                want_speed += s->speed_dkmh + 1u;
        }
        assert_int_equal(rows, want_rows);
        assert_int_equal(speed, want_speed);
        arena_reset(&a);
    }
    arena_release(&a);
}

static void
ask_all(struct sight *s, const struct city *c, uint64_t seed)
{
    struct kit_rand rng = {seed};
    struct sight_snap *snap = sight_snapshot(s);
    ask_plates(snap, c, &rng);
    ask_windows(snap, c, &rng);
    ask_ids(snap, c);
    ask_patterns(snap, c, &rng);
    ask_scans(snap, c, &rng);
    ask_flow(snap, c, &rng);
    sight_snap_free(snap);
}

static void
test_questions(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 3, 4000, 5);
    struct sight_opts o = opts();
    o.head_rows = 5000;
    struct sight *s = sight_kit_open(&o);
    send_all(s, &c);
    ask_all(s, &c, 11); /* all in memory */
    sight_close(s);
    o.head_rows = 700;
    fresh();
    s = sight_kit_open(&o);
    send_all(s, &c);
    sight_kit_settle(s, false);
    ask_all(s, &c, 12); /* head and several segments a day */
    sight_kit_settle(s, true);
    ask_all(s, &c, 13); /* merged */
    sight_close(s);
    free_city(&c);
}

/* ---- duplicates and fates ---- */

static uint8_t
fate_of(struct sight *s, const struct sighting *row, ts_ms now)
{
    uint8_t fate;
    assert_int_equal(send(s, row, 1, &fate, now), OK);
    return fate;
}

/* Every row of the city again, changed rows too: nothing is stored twice. */
static void
retry_all(struct sight *s, const struct city *c)
{
    struct sight_health before, after;
    size_t conflicts = 0;
    sight_health(s, &before);
    for (size_t i = 0; i < c->n; i += 3) {
        struct sighting row = c->rows[i];
        assert_int_equal(fate_of(s, &row, NOW), FATE_DUPLICATE);
        row.arrive_ms += 999000; /* sent later: still the same record */
        assert_int_equal(fate_of(s, &row, NOW), FATE_DUPLICATE);
        if (i % 9)
            continue;
        row.lane = (uint8_t)(row.lane + 1);
        assert_int_equal(fate_of(s, &row, NOW), FATE_CONFLICT);
        conflicts++;
    }
    sight_health(s, &after);
    assert_int_equal(after.rows, before.rows);
    assert_int_equal(after.conflicts - before.conflicts, conflicts);
    assert_string_equal(after.conflict_field, "lane");
}

static void
test_duplicates(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 4, 1500, 4);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    struct sighting twice[2] = {c.rows[0], c.rows[0]};
    uint8_t fate[2];
    assert_int_equal(send(s, twice, 2, fate, NOW), OK); /* in one group */
    assert_int_equal(fate[0], FATE_STORED);
    assert_int_equal(fate[1], FATE_DUPLICATE);
    for (size_t i = 1; i < c.n; i += 100)
        assert_int_equal(
            send(s, c.rows + i, c.n - i < 100 ? c.n - i : 100, NULL, NOW), OK);
    retry_all(s, &c); /* head and frozen heads */
    sight_close(s);
    s = sight_kit_open(&o);
    retry_all(s, &c); /* after a restart */
    sight_kit_settle(s, false);
    retry_all(s, &c); /* sealed */
    sight_kit_settle(s, true);
    retry_all(s, &c); /* merged */
    same_all(s, &c);
    sight_close(s);
    free_city(&c);
}

/* A clock that may have been set back: what is good by its own course is stored and
 * counted, what is further ahead comes again, and later it is as ever. */
static void
test_a_clock_in_doubt_loses_nothing(void **state)
{
    (void)state;
    struct city c;
    struct sight_health h;
    fresh();
    make_city(&c, 5, 10, 2);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    struct sighting row = c.rows[0];
    sight_set_doubt(s, HOUR_MS, true);
    row.pass_ms = NOW + HOUR_MS + 2 * MINUTE_MS;
    row.arrive_ms = NOW; /* an arrival before the passage is the mark that stays */
    assert_int_equal(fate_of(s, &row, NOW), FATE_STORED);
    assert_int_equal(fate_of(s, &row, NOW), FATE_DUPLICATE);
    row.pass_ms++;
    assert_int_equal(fate_of(s, &row, NOW), FATE_REFUSED);
    sight_set_doubt(s, HOUR_MS, false);
    assert_int_equal(fate_of(s, &row, NOW), FATE_FUTURE);
    row.pass_ms = NOW;
    assert_int_equal(fate_of(s, &row, NOW), FATE_STORED);
    sight_health(s, &h);
    assert_int_equal(h.ahead, 1);
    assert_int_equal(h.held, 1);
    assert_int_equal(h.future, 1);
    sight_set_doubt(s, 0, false);
    row.pass_ms = NOW + 2 * MINUTE_MS + 1;
    assert_int_equal(fate_of(s, &row, NOW), FATE_FUTURE);
    struct sight_snap *snap = sight_snapshot(s);
    struct arena a;
    struct sighting got;
    arena_init(&a, 1u << 20);
    row.pass_ms = NOW + HOUR_MS + 2 * MINUTE_MS;
    assert_int_equal(sight_fetch(snap, sighting_id_of(&row), &a, &got), OK);
    assert_int_equal(got.arrive_ms, NOW);
    sight_snap_free(snap);
    arena_release(&a);
    sight_close(s);
    free_city(&c);
}

static void
test_fates(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 5, 10, 2);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    struct sighting row = c.rows[0];
    row.pass_ms = NOW + 2 * MINUTE_MS + 1;
    assert_int_equal(fate_of(s, &row, NOW), FATE_FUTURE);
    row.pass_ms = NOW + 2 * MINUTE_MS;
    row.arrive_ms = 0;
    assert_int_equal(fate_of(s, &row, NOW), FATE_STORED);
    row.pass_ms = NOW - 31 * DAY_MS;
    assert_int_equal(fate_of(s, &row, NOW), FATE_EXPIRED);
    row.pass_ms = NOW - 30 * DAY_MS + DAY_MS / 4;
    row.arrive_ms = NOW;
    assert_int_equal(fate_of(s, &row, NOW), FATE_STORED);
    struct sight_snap *snap = sight_snapshot(s);
    struct arena a;
    struct sighting got;
    arena_init(&a, 1u << 20);
    assert_int_equal(sight_fetch(snap, sighting_id_of(&row), &a, &got), OK);
    assert_int_equal(got.flags & SIGHTING_LATE, SIGHTING_LATE);
    assert_int_equal((got.arrive_ms - got.pass_ms) % 1000, 0);
    sight_snap_free(snap);
    arena_release(&a);
    sight_set_low(s, true);
    uint8_t fate;
    assert_int_equal(send(s, &c.rows[1], 1, &fate, NOW), ERR_FULL);
    assert_int_equal(fate, FATE_REFUSED);
    sight_set_low(s, false);
    assert_int_equal(fate_of(s, &c.rows[1], NOW), FATE_STORED);
    /* without a device the site stands in: another site is another record */
    row = c.rows[1];
    row.device.v = 0;
    assert_int_equal(fate_of(s, &row, NOW), FATE_STORED);
    row.site.v++;
    assert_int_equal(fate_of(s, &row, NOW), FATE_STORED);
    struct sight_health h;
    sight_health(s, &h);
    assert_int_equal(h.rows, 5);
    assert_int_equal(h.future + h.expired + h.refused, 3);
    sight_close(s);
    free_city(&c);
}

/* The same records again after each thing that may happen between: more rows, midnight,
 * a restart, a seal, merges of days and weeks. */
static void
test_retries(void **state)
{
    (void)state;
    struct city c;
    uint8_t fate[200];
    fresh();
    make_city(&c, 18, 1800, 1);
    struct sight_opts o = opts();
    ts_ms midnight = civil_day_start(civil_day(NOW, &o.zone), &o.zone);
    for (size_t i = 0; i < 200; i++) /* about midnight */
        c.rows[i].arrive_ms = c.rows[i].pass_ms =
            midnight - 100000 + (ts_ms)(i * 1000) + (ts_ms)(i % 7);
    struct sight *s = sight_kit_open(&o);
    ts_ms now = midnight + MINUTE_MS;
    assert_int_equal(send(s, c.rows, 150, fate, now), OK);
    for (unsigned turn = 0; turn < 7; turn++) {
        struct note note = {0};
        bool more = true;
        assert_int_equal(
            send(s, c.rows, 200, fate, midnight + 2 * DAY_MS * (turn > 3)), OK);
        for (size_t i = 0; i < 200; i++)
            assert_int_equal(fate[i], turn || i < 150 ? FATE_DUPLICATE : FATE_STORED);
        if (turn == 0)
            assert_int_equal(send(s, c.rows + 200, 1600, NULL, NOW), OK);
        if (turn == 1 || turn == 4) {
            sight_close(s);
            s = sight_kit_open(&o);
        }
        if (turn == 2)
            kit_ok(sight_maintain(s, NOW, false, &more, &note), &note);
        if (turn == 3)
            sight_kit_settle(s, true);
        if (turn == 5) { /* another run beside the merged one, then both in one */
            struct sighting late = c.rows[199];
            late.record_id = SPAN("another");
            assert_int_equal(send(s, &late, 1, fate, NOW), OK);
            assert_int_equal(fate[0], FATE_STORED);
            sight_kit_settle(s, true);
        }
        struct sight_health h;
        sight_health(s, &h);
        assert_int_equal(h.rows, (turn < 5 ? 1800 : 1801));
    }
    sight_close(s);
    free_city(&c);
}

/* ---- order does not matter ---- */

static void
test_order(void **state)
{
    (void)state;
    struct city c;
    make_city(&c, 6, 3000, 4);
    for (uint64_t turn = 0; turn < kit_rounds(3, 100); turn++) {
        struct city mixed = c;
        struct kit_rand rng = {turn + 50};
        mixed.rows = malloc(c.n * sizeof *c.rows);
        memcpy(mixed.rows, c.rows, c.n * sizeof *c.rows);
        for (size_t i = c.n - 1; i > 0; i--) {
            size_t k = kit_rand_u64(&rng) % (i + 1);
            struct sighting t = mixed.rows[i];
            mixed.rows[i] = mixed.rows[k];
            mixed.rows[k] = t;
        }
        fresh();
        struct sight_opts o = opts();
        o.head_rows = 300 + 400 * (size_t)(turn % 4);
        struct sight *s = sight_kit_open(&o);
        for (size_t i = 0; i < c.n; i += 50) {
            bool more;
            assert_int_equal(send(s, mixed.rows + i, 50, NULL, NOW), OK);
            assert_int_equal(sight_maintain(s, NOW, false, &more, NULL), OK);
        }
        same_all(s, &c);
        ask_all(s, &c, 21 + turn);
        sight_close(s);
        free(mixed.rows);
    }
    free_city(&c);
}

/* ---- replay ---- */

struct heard {
    size_t rows, batches;
    uint64_t last;
    size_t stop_after;
};

static enum err
hear(void *arg, struct sighting_batch *b)
{
    struct heard *h = arg;
    assert_true(b->lsn > h->last);
    h->last = b->lsn;
    h->rows += b->n;
    h->batches++;
    return h->stop_after && h->batches == h->stop_after ? ERR_BUSY : OK;
}

static void
test_replay(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 7, 4000, 3);
    struct sight_opts o = opts();
    o.journal_file = 1u << 16;
    struct sight *s = sight_kit_open(&o);
    struct note note;
    send_all(s, &c);
    uint64_t middle = sight_lsn(s);
    struct heard h = {0};
    assert_int_equal(sight_replay(s, 0, hear, &h, &note), OK);
    assert_int_equal(h.rows, c.n);
    h = (struct heard){.stop_after = 3};
    assert_int_equal(sight_replay(s, 0, hear, &h, &note), ERR_BUSY);
    assert_int_equal(h.batches, 3);
    sight_kit_settle(s, true);
    h = (struct heard){0};
    assert_int_equal(sight_replay(s, 0, hear, &h, &note), OK); /* not yet applied */
    assert_int_equal(h.rows, c.n);
    sight_set_applied(s, middle);
    assert_int_equal(sight_replay(s, 0, hear, &h, &note), ERR_NOTFOUND);
    h = (struct heard){.last = middle};
    assert_int_equal(sight_replay(s, middle, hear, &h, &note), OK);
    assert_int_equal(h.rows, 0);
    struct sighting more = c.rows[0];
    more.pass_ms += 1;
    assert_int_equal(fate_of(s, &more, NOW), FATE_STORED);
    assert_true(sight_lsn(s) > middle);
    assert_int_equal(sight_replay(s, middle, hear, &h, &note), OK);
    assert_int_equal(h.rows, 1);
    struct sight_health health;
    sight_health(s, &health);
    assert_true(health.journal_bytes < 4u << 16);
    sight_close(s);
    free_city(&c);
}

/* ---- pictures, holds, purge ---- */

static void
send_pictures(
    struct sight *s, const struct sighting *row, unsigned n, struct arena *a,
    struct span *image)
{
    static char bytes[3][50000];
    struct sighting_batch *b = sighting_batch_new(1, 1u << 20);
    struct note note = {0};
    *sighting_batch_add(b) = *row;
    for (unsigned i = 0; i < n; i++) {
        memset(bytes[i], 'a' + (int)i, sizeof bytes[i]);
        assert_true(sighting_batch_picture(
            b, 0, span_of(bytes[i], sizeof bytes[i] - i), (uint8_t)(i + 1)));
    }
    assert_int_equal(sight_append(s, &b, 1, NOW, &note), OK);
    assert_int_equal(b->fate[0], FATE_STORED);
    *image = arena_span(a, b->rows[0].image);
    /* a retry with its pictures again is the same record */
    sighting_batch_clear(b);
    *sighting_batch_add(b) = *row;
    assert_true(sighting_batch_picture(b, 0, span_of(bytes[0], 10), 1));
    assert_int_equal(sight_append(s, &b, 1, NOW, &note), OK);
    assert_int_equal(b->fate[0], FATE_DUPLICATE);
    sighting_batch_free(b);
}

static void
test_pictures(void **state)
{
    (void)state;
    struct city c;
    struct arena a;
    struct span image, bytes;
    struct note note;
    fresh();
    arena_init(&a, 1u << 24);
    make_city(&c, 8, 20, 6);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    send_pictures(s, &c.rows[0], 2, &a, &image);
    assert_int_equal(sight_picture(s, image, &a, &bytes, &note), OK);
    assert_int_equal(bytes.n, 50000);
    assert_int_equal(bytes.p[49999], 'a');
    struct span second = image;
    (void)span_cut(&second, ' ');
    assert_int_equal(sight_picture(s, second, &a, &bytes, &note), OK);
    assert_int_equal(bytes.n, 49999);
    assert_int_equal(bytes.p[0], 'b');
    assert_int_equal(sight_picture(s, SPAN("http://x/"), &a, &bytes, &note), ERR_INPUT);
    assert_int_equal(
        sight_picture(
            s, SPAN("pack:20260302/8/10/00000000000000000000000000000000"), &a, &bytes,
            &note),
        ERR_NOTFOUND);
    sight_kit_settle(s, true);
    /* held, then purged: the matter keeps row and pictures */
    struct sighting_id ids[2] = {sighting_id_of(&c.rows[0]), {NOW, 1, 1}};
    assert_int_equal(sight_hold(s, SPAN("A-17"), ids, 1, &note), OK);
    assert_int_equal(sight_hold(s, SPAN("A-17"), ids, 2, &note), ERR_NOTFOUND);
    assert_int_equal(sight_hold(s, SPAN("../A"), ids, 1, &note), ERR_INPUT);
    struct sight_receipt r;
    assert_int_equal(sight_purge(s, civil_day(NOW, &o.zone) + 1, &r, &note), OK);
    assert_int_equal(r.rows, 1);
    assert_int_equal(r.packs, 1);
    assert_true(r.picture_bytes > 99999);
    assert_int_equal(sight_picture(s, image, &a, &bytes, &note), ERR_NOTFOUND);
    struct sighting *held;
    size_t n;
    assert_int_equal(sight_held(s, SPAN("A-17"), &a, &held, &n, &note), OK);
    assert_int_equal(n, 1);
    assert_true(span_eq(held[0].image, image));
    assert_true(span_eq(held[0].record_id, c.rows[0].record_id));
    assert_int_equal(sight_held_picture(s, SPAN("A-17"), image, &a, &bytes, &note), OK);
    assert_int_equal(bytes.n, 50000);
    assert_int_equal(sight_held(s, SPAN("A-18"), &a, &held, &n, &note), ERR_NOTFOUND);
    sight_close(s);
    arena_release(&a);
    free_city(&c);
}

/* The picture packs of old days go whole; passes, verification and what is held stay;
 * a pass so late that its pictures are past keeping comes in without them. */
static void
test_purge_pictures(void **state)
{
    (void)state;
    struct city c;
    struct arena a;
    struct span image[2], bytes;
    struct note note;
    struct buf names = {0};
    struct sight_receipt r;
    struct sight_health h;
    ts_ms pass, picture;
    fresh();
    arena_init(&a, 1u << 24);
    make_city(&c, 8, 20, 6);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    int64_t today = civil_day(NOW, &o.zone);
    kit_ok(sight_oldest(s, &pass, &picture, &note), &note);
    assert_true(pass == INT64_MAX && picture == INT64_MAX);
    sight_health(s, &h);
    assert_int_equal(h.oldest_ms, 0);
    for (unsigned i = 0; i < 3; i++) {
        c.rows[i].pass_ms = NOW - (ts_ms)(3 - i) * 2 * DAY_MS; /* 6, 4, 2 days ago */
        if (i < 2)
            send_pictures(s, &c.rows[i], 2, &a, &image[i]);
    }
    sight_health(s, &h);
    assert_int_equal(h.oldest_ms, c.rows[0].pass_ms); /* in the head ... */
    sight_kit_settle(s, true);
    sight_health(s, &h);
    assert_int_equal(h.oldest_ms, c.rows[0].pass_ms); /* ... and in a segment */
    kit_ok(sight_oldest(s, &pass, &picture, &note), &note);
    assert_int_equal(pass, civil_day_start(today - 6, &o.zone));
    assert_int_equal(picture, pass);
    struct sighting_id id = sighting_id_of(&c.rows[0]);
    kit_ok(sight_hold(s, SPAN("A-17"), &id, 1, &note), &note);
    kit_ok(sight_purge_pictures(s, today - 4, &r, &names, &note), &note);
    assert_int_equal(r.packs, 1);
    assert_int_equal(r.rows, 0);
    assert_int_equal(r.before_day, today - 4);
    assert_true(r.picture_bytes > 99999);
    assert_int_equal(names.n, 12);
    assert_int_equal(sight_picture(s, image[0], &a, &bytes, &note), ERR_NOTFOUND);
    kit_ok(sight_picture(s, image[1], &a, &bytes, &note), &note);
    kit_ok(sight_held_picture(s, SPAN("A-17"), image[0], &a, &bytes, &note), &note);
    assert_int_equal(bytes.n, 50000);
    sight_health(s, &h);
    assert_int_equal(h.rows, 2); /* the passes are all there */
    kit_ok(sight_oldest(s, &pass, &picture, &note), &note);
    assert_int_equal(picture, civil_day_start(today - 4, &o.zone));
    sight_close(s);
    s = sight_kit_open(&o);
    kit_ok(sight_verify(s, true, &note), &note); /* gone on purpose is not damage */
    /* held once more: the row is there already, what is gone is left out */
    kit_ok(sight_hold(s, SPAN("A-18"), &id, 1, &note), &note);
    assert_int_equal(
        sight_held_picture(s, SPAN("A-18"), image[0], &a, &bytes, &note), ERR_NOTFOUND);
    c.rows[3].pass_ms = NOW - 5 * DAY_MS;
    c.rows[3].image = SPAN("");
    struct span none;
    send_pictures(s, &c.rows[3], 1, &a, &none);
    assert_int_equal(none.n, 0);
    kit_ok(sight_oldest(s, &pass, &picture, &note), &note);
    assert_int_equal(picture, civil_day_start(today - 4, &o.zone));
    buf_clear(&names);
    kit_ok(sight_purge_named(s, today - 5, &r, &names, &note), &note); /* the passes */
    assert_int_equal(r.rows, 1);
    assert_int_equal(r.packs, 0);
    assert_true(names.n > 0); /* segments, by name */
    sight_health(s, &h);
    assert_true(h.oldest_ms <= c.rows[3].pass_ms);
    assert_int_equal(civil_day(h.oldest_ms, &o.zone), today - 5);
    sight_close(s);
    buf_release(&names);
    arena_release(&a);
    free_city(&c);
}

static void
test_purge(void **state)
{
    (void)state;
    struct city c;
    struct note note;
    struct sight_receipt r;
    fresh();
    make_city(&c, 9, 5000, 16);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    send_all(s, &c);
    sight_kit_settle(s, true); /* weeks */
    for (int64_t back = 14; back >= 2; back -= 4) {
        int64_t day = civil_day(NOW, &o.zone) - back;
        ts_ms from = civil_day_start(day, &o.zone);
        size_t keep = 0;
        for (size_t i = 0; i < c.n; i++)
            if (c.rows[i].pass_ms >= from)
                c.rows[keep++] = c.rows[i];
        size_t gone = c.n - keep;
        c.n = keep;
        assert_int_equal(sight_purge(s, day, &r, &note), OK);
        assert_int_equal(r.rows, gone);
        assert_true(r.segments > 0 && r.bytes > 0);
        same_all(s, &c);
        if (back == 6) {
            sight_close(s);
            s = sight_kit_open(&o);
            same_all(s, &c);
        }
    }
    assert_int_equal(sight_verify(s, true, &note), OK);
    sight_close(s);
    free_city(&c);
}

/* ---- damage ---- */

struct found {
    const char *root; /* of the data; NULL: the throw-away directory */
    char path[64][OS_PATH];
    size_t n;
};

static void
find_file(void *arg, const char *name)
{
    struct found *f = arg;
    if (f->n < 64 && strstr(name, ".tqs") && !strstr(name, ".bad"))
        assert_int_equal(
            snprintf(
                f->path[f->n++], OS_PATH, "%s/segments/%s", f->root ? f->root : root,
                name) < OS_PATH,
            1);
}

static void
spoil(struct os_fs *fs, const char *path, struct kit_rand *rng, unsigned n)
{
    struct os_file *f;
    uint64_t size;
    assert_int_equal(os_open(fs, path, OS_READ | OS_WRITE, &f, NULL), OK);
    assert_int_equal(os_size(f, &size), OK);
    for (unsigned i = 0; i < n; i++) {
        uint64_t at = kit_rand_u64(rng) % size;
        uint8_t byte = (uint8_t)kit_rand_u64(rng);
        assert_int_equal(os_write_at(f, at, &byte, 1), OK);
    }
    os_close(&f);
}

static void
count_report(void *arg, enum err e, const struct note *note)
{
    assert_int_equal(e, ERR_CORRUPT);
    assert_true(note->en[0] && note->zh[0]);
    ++*(unsigned *)arg;
}

/* One damaged file after the other: never a crash, never a wrong row, always said. */
static void
test_damage(void **state)
{
    (void)state;
    struct city c;
    struct kit_rand rng = {77};
    make_city(&c, 10, 3000, 3);
    for (unsigned turn = 0; turn < 24; turn++) {
        struct found f = {.root = "/d"};
        struct note note;
        unsigned reports = 0;
        struct crash_disk *d =
            crash_disk_new(turn); /* in memory: nothing is waited for */
        struct sight_opts o = opts();
        o.fs = crash_disk_fs(d);
        o.dir = "/d";
        o.report = count_report;
        o.report_arg = &reports;
        crash_disk_root(d, "/d");
        struct sight *s = sight_kit_open(&o);
        send_all(s, &c);
        sight_kit_settle(s, true);
        sight_close(s);
        assert_int_equal(os_list(o.fs, "/d/segments", find_file, &f), OK);
        assert_true(f.n >= 4);
        spoil(o.fs, f.path[turn % f.n], &rng, 1 + turn % 3);
        s = sight_kit_open(&o);
        struct sight_snap *snap = sight_snapshot(s);
        struct arena a;
        struct sight_rows got;
        arena_init(&a, 1u << 28);
        struct sight_ask ask = {.arena = &a};
        assert_int_equal(sight_window(snap, NULL, 0, NULL, &ask, &got), OK);
        bool lost = got.n != c.n;
        assert_true(!lost || sight_snap_missing(snap));
        struct sighting *want = malloc(c.n * sizeof *want);
        memcpy(want, c.rows, c.n * sizeof *want);
        qsort(want, c.n, sizeof *want, order);
        for (size_t i = 0, k = 0; i < got.n; i++, k++) {
            while (k < c.n && order(&want[k], &got.rows[i]) != 0)
                k++;
            assert_true(k < c.n);
            sight_kit_same(&got.rows[i], &want[k]);
        }
        free(want);
        sight_snap_free(snap);
        sight_kit_settle(s, false); /* takes it out */
        struct sight_health h;
        sight_health(s, &h);
        if (lost) {
            assert_true(h.quarantined > 0 && reports > 0);
            assert_int_equal(sight_verify(s, false, &note), ERR_CORRUPT);
        }
        assert_int_equal(
            fate_of(s, &(struct sighting){.pass_ms = NOW, .site = {999}}, NOW),
            FATE_STORED);
        arena_release(&a);
        sight_close(s);
        s = sight_kit_open(&o); /* and stays out */
        sight_close(s);
        crash_disk_free(d);
    }
    free_city(&c);
}

static void
find_pack(void *arg, const char *name)
{
    struct found *f = arg;
    if (f->n < 64 && strstr(name, ".tqp"))
        assert_true(
            snprintf(f->path[f->n++], OS_PATH, "%s/packs/%s", root, name) < OS_PATH);
}

/* Also of rows that lie in no segment yet. */
static void
test_picture_damaged(void **state)
{
    (void)state;
    struct city c;
    struct arena a;
    struct span image;
    struct note note = {0};
    struct found f = {.n = 0};
    char dir[OS_PATH];
    fresh();
    arena_init(&a, 1u << 24);
    make_city(&c, 8, 20, 6);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    send_pictures(s, &c.rows[0], 2, &a, &image);
    kit_ok(sight_verify(s, true, &note), &note);
    sight_close(s);
    assert_int_equal(os_join(dir, sizeof dir, root, "packs"), OK);
    assert_int_equal(os_list(os_fs_real(), dir, find_pack, &f), OK);
    FILE *file = fopen(f.path[0], "r+b");
    assert_non_null(file);
    fseek(file, 30000, SEEK_SET);
    fputc('z', file);
    fclose(file);
    s = sight_kit_open(&o);
    assert_int_equal(sight_verify(s, true, &note), ERR_CORRUPT);
    kit_ok(sight_verify(s, false, &note), &note);
    sight_close(s);
    arena_release(&a);
    free_city(&c);
}

/* Segments without the list of them are damage, not leftovers: nothing is swept. */
static void
test_manifest_gone(void **state)
{
    (void)state;
    struct city c;
    struct note note = {0};
    struct found before = {.n = 0}, after = {.n = 0};
    char dir[OS_PATH], manifest[OS_PATH];
    fresh();
    make_city(&c, 13, 300, 1);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    assert_int_equal(os_join(manifest, sizeof manifest, root, "manifest"), OK);
    assert_int_equal(access(manifest, F_OK), 0); /* there from the first moment */
    send_all(s, &c);
    sight_kit_settle(s, true);
    sight_close(s);
    assert_int_equal(os_join(dir, sizeof dir, root, "segments"), OK);
    assert_int_equal(os_list(os_fs_real(), dir, find_file, &before), OK);
    assert_true(before.n > 0);
    assert_int_equal(unlink(manifest), 0);
    assert_int_equal(sight_open(&o, NOW, &s, &note), ERR_CORRUPT);
    assert_true(note.zh[0]);
    assert_int_equal(os_list(os_fs_real(), dir, find_file, &after), OK);
    assert_int_equal(after.n, before.n);
    free_city(&c);
}

static void
test_newer(void **state)
{
    (void)state;
    struct found f = {.n = 0};
    struct city c;
    struct note note = {0};
    fresh();
    make_city(&c, 12, 300, 1);
    struct sight_opts o = opts();
    struct sight *s = sight_kit_open(&o);
    send_all(s, &c);
    sight_kit_settle(s, true);
    sight_close(s);
    char dir[OS_PATH];
    assert_int_equal(os_join(dir, sizeof dir, root, "segments"), OK);
    assert_int_equal(os_list(os_fs_real(), dir, find_file, &f), OK);
    FILE *file = fopen(f.path[0], "r+b");
    assert_non_null(file);
    fseek(file, 8, SEEK_SET);
    fputc(99, file);
    fclose(file);
    assert_int_equal(sight_open(&o, NOW, &s, &note), ERR_NEWER);
    assert_true(note.zh[0]);
    free_city(&c);
}

/* ---- looking only ---- */

static void
test_read_only(void **state)
{
    (void)state;
    struct city c;
    struct note note = {0};
    struct crash_disk *d = crash_disk_new(1);
    make_city(&c, 17, 3000, 3);
    struct sight_opts o = opts();
    o.fs = crash_disk_fs(d);
    o.dir = "/d";
    crash_disk_root(d, "/d");
    o.read_only = true;
    struct sight *s = sight_kit_open(&o); /* nothing there yet */
    struct sight_snap *snap = sight_snapshot(s);
    assert_int_equal(sight_snap_rows(snap), 0);
    sight_snap_free(snap);
    sight_close(s);
    assert_int_equal(crash_disk_ops(d), 0);
    o.read_only = false;
    s = sight_kit_open(&o);
    send_all(s, &c);
    bool more;
    kit_ok(
        sight_maintain(s, NOW, false, &more, &note), &note); /* some sealed, some not */
    sight_close(s);
    uint64_t ops = crash_disk_ops(d);
    o.read_only = true;
    s = sight_kit_open(&o);
    same_all(s, &c);
    kit_ok(sight_verify(s, true, &note), &note);
    struct heard h = {0};
    kit_ok(sight_replay(s, 0, hear, &h, &note), &note);
    assert_int_equal(h.rows, c.n);
    sight_close(s);
    assert_int_equal(crash_disk_ops(d), ops); /* not one write */
    crash_disk_free(d);
    free_city(&c);
}

/* ---- budgets ---- */

static bool
always(void *arg)
{
    ++*(unsigned *)arg;
    return true;
}

static void
test_budget(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 13, 12000, 2);
    struct sight_opts o = opts();
    o.head_rows = 4000;
    struct sight *s = sight_kit_open(&o);
    send_all(s, &c);
    sight_kit_settle(s, true);
    struct sight_snap *snap = sight_snapshot(s);
    struct arena a;
    unsigned asked = 0;
    arena_init(&a, 1u << 28);
    struct sight_ask ask = {.arena = &a, .stop = always, .stop_arg = &asked};
    struct sight_rows rows;
    struct tally t = {0};
    assert_int_equal(sight_window(snap, NULL, 0, NULL, &ask, &rows), ERR_TIMEOUT);
    assert_true(asked > 0);
    ask.stop = NULL;
    arena_release(&a);
    arena_init(&a, 1u << 16);
    assert_int_equal(sight_window(snap, NULL, 0, NULL, &ask, &rows), ERR_TOOBIG);
    arena_release(&a);
    struct sight_ask days = {.to = NOW + DAY_MS};
    assert_int_equal(sight_days(snap, &days, tally_days, &t), OK);
    assert_true(t.plates > 100);
    sight_snap_free(snap);
    sight_close(s);
    free_city(&c);
}

/* ---- backup under load ---- */

struct backup {
    char dir[OS_PATH];
};

static enum err
backup_put(
    void *arg, const char *name, uint64_t off, const void *p, size_t n,
    struct note *note)
{
    struct backup *b = arg;
    char path[OS_PATH];
    struct os_file *f = NULL;
    enum err e = os_join(path, sizeof path, b->dir, name);
    if (e == OK)
        e = os_open(os_fs_real(), path, OS_WRITE | OS_CREATE, &f, note);
    if (e == OK)
        e = os_write_at(f, off, p, n);
    os_close(&f);
    return e;
}

struct load {
    struct sight *s;
    const struct city *c;
    _Atomic size_t sent;
    _Atomic bool done;
};

static void *
load_main(void *arg)
{
    struct load *l = arg;
    for (size_t i = 0; i < l->c->n; i += 20) {
        bool more;
        assert_int_equal(send(l->s, l->c->rows + i, 20, NULL, NOW), OK);
        if (i % 400 == 0)
            assert_int_equal(sight_maintain(l->s, NOW, false, &more, NULL), OK);
        atomic_store(&l->sent, i + 20);
    }
    atomic_store(&l->done, true);
    return NULL;
}

static void
test_backup(void **state)
{
    (void)state;
    struct city c;
    struct backup b;
    fresh();
    make_city(&c, 14, 8000, 3);
    struct sight_opts o = opts();
    o.thread = true;
    struct load l = {.c = &c, .s = sight_kit_open(&o)};
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, load_main, &l), 0);
    for (unsigned turn = 0; turn < 6; turn++) {
        static const char *const sub[] = {"segments", "journal", "packs", "held"};
        struct sight_sink sink = {backup_put, &b};
        struct note note = {0};
        uint64_t lsn;
        kit_temp_dir(b.dir);
        for (unsigned i = 0; i < 4; i++) {
            char path[OS_PATH];
            assert_int_equal(os_join(path, sizeof path, b.dir, sub[i]), OK);
            assert_int_equal(os_mkdir(os_fs_real(), path, NULL), OK);
        }
        size_t before = atomic_load(&l.sent);
        kit_ok(sight_backup(l.s, &sink, &lsn, &note), &note);
        struct sight_opts ro = o;
        ro.dir = b.dir;
        struct sight *copy = sight_kit_open(&ro);
        kit_ok(sight_verify(copy, true, &note), &note);
        assert_int_equal(sight_lsn(copy), lsn);
        struct sight_snap *snap = sight_snapshot(copy);
        uint64_t rows = sight_snap_rows(snap);
        assert_true(rows >= before && rows % 20 == 0);
        struct city part = {c.rows, (size_t)rows, {0}};
        same_all(copy, &part);
        sight_snap_free(snap);
        sight_close(copy);
        kit_remove_tree(b.dir);
    }
    pthread_join(t, NULL);
    same_all(l.s, &c);
    sight_close(l.s);
    free_city(&c);
}

/* ---- readers beside the writer ---- */

static void *
reader_main(void *arg)
{
    struct load *l = arg;
    struct arena a;
    struct kit_rand rng = {5};
    arena_init(&a, 1u << 28);
    while (!atomic_load(&l->done)) {
        struct sight_snap *snap = sight_snapshot(l->s);
        struct sight_health h;
        struct sight_rows rows;
        struct sight_cell *cells;
        struct sight_pass *passes;
        size_t n, m;
        struct sight_ask ask = {.arena = &a};
        struct plate p = l->c->rows[kit_rand_u64(&rng) % l->c->n].plate;
        struct site_id site = {3};
        struct tally t = {0};
        uint64_t all = sight_snap_rows(snap);
        assert_int_equal(sight_trajectory(snap, p, &ask, &rows), OK);
        assert_int_equal(sight_window(snap, &site, 1, NULL, &ask, &rows), OK);
        assert_int_equal(sight_passes(snap, &site, 1, &ask, &passes, &m), OK);
        assert_int_equal(rows.n, m);
        assert_int_equal(
            sight_flow(
                snap, (struct site_id){0}, (struct site_id){UINT32_MAX}, &ask, &cells,
                &n),
            OK);
        uint64_t flow = 0;
        for (size_t i = 0; i < n; i++)
            flow += cells[i].n;
        assert_int_equal(flow, all);
        assert_int_equal(sight_reads(snap, &ask, tally_reads, &t), OK);
        sight_health(l->s, &h);
        sight_snap_free(snap);
        arena_reset(&a);
    }
    arena_release(&a);
    return NULL;
}

static void
test_threads(void **state)
{
    (void)state;
    struct city c;
    fresh();
    make_city(&c, 15, 12000, 3);
    struct sight_opts o = opts();
    o.thread = true;
    struct load l = {.c = &c, .s = sight_kit_open(&o)};
    pthread_t t[3];
    assert_int_equal(pthread_create(&t[0], NULL, reader_main, &l), 0);
    assert_int_equal(pthread_create(&t[1], NULL, reader_main, &l), 0);
    assert_int_equal(pthread_create(&t[2], NULL, load_main, &l), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    same_all(l.s, &c);
    struct sight_receipt r;
    struct note note = {0};
    int64_t today = civil_day(NOW, &o.zone);
    kit_ok(sight_purge(l.s, today, &r, &note), &note); /* beside the background */
    struct city kept = {calloc(c.n, sizeof *c.rows), 0, {0}};
    for (size_t i = 0; i < c.n; i++)
        if (civil_day(c.rows[i].pass_ms, &o.zone) >= today)
            kept.rows[kept.n++] = c.rows[i];
    assert_int_equal(r.rows, c.n - kept.n);
    same_all(l.s, &kept);
    free(kept.rows);
    sight_close(l.s);
    free_city(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_bulk_conflicts),
        cmocka_unit_test(test_bulk_failures),
        cmocka_unit_test(test_bulk_builders),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_a_clock_in_doubt_loses_nothing),
        cmocka_unit_test(test_fates),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_purge),
        cmocka_unit_test(test_purge_pictures),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_picture_damaged),
        cmocka_unit_test(test_manifest_gone),
        cmocka_unit_test(test_newer),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_threads),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kit_remove_tree(root);
    return failed;
}
