/* SPDX-License-Identifier: Apache-2.0 */
/* The engine from outside: what goes in comes out, through every door, in any order,
 * across restarts, seals, merges and purges. */
#include "store/sight.h"

#include "core/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1772700000000) /* 2026-03-05 16:40 +08:00 */

static uint64_t
rnd(uint64_t *s)
{
    *s += UINT64_C(0x9e3779b97f4a7c15);
    return hash_u64(*s);
}

/* ---- a throw-away directory ---- */

static char root[256];

static void
fresh(void)
{
    char cmd[320];
    if (root[0]) {
        snprintf(cmd, sizeof cmd, "rm -rf %s", root);
        assert_int_equal(system(cmd), 0);
    }
    snprintf(root, sizeof root, "/tmp/sight_test.XXXXXX");
    assert_non_null(mkdtemp(root));
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

static struct sight *
open_it(const struct sight_opts *o)
{
    struct sight *s = NULL;
    struct note note = {0};
    enum err e = sight_open(o, NOW, &s, &note);
    if (e != OK)
        print_message("open: %s\n", note.en);
    assert_int_equal(e, OK);
    return s;
}

/* ---- made-up rows ---- */

struct city {
    struct sighting *rows;
    size_t n;
    struct arena texts;
};

static struct span
make_id(struct city *c, uint64_t *rng, const struct sighting *s, size_t i)
{
    switch (rnd(rng) % 8) {
    case 0:
        return arena_fmt(&c->texts, "weird \x01 id %zu \xE8\xBD\xA6", i);
    case 1:
        return arena_fmt(&c->texts, "%016llx-%zu", (unsigned long long)rnd(rng), i);
    default:
        return arena_fmt(
            &c->texts, "1401%02u%04u%02u%lld%03zu", s->site.v % 23, s->site.v,
            s->direction, (long long)s->pass_ms + (long long)(rnd(rng) % 300),
            i % 1000);
    }
}

static struct span
make_image(struct city *c, uint64_t *rng, const struct sighting *s)
{
    struct zone z = {"", 480};
    char day[TS_TEXT];
    switch (rnd(rng) % 6) {
    case 0:
        return (struct span){"", 0};
    case 1:
        return arena_fmt(
            &c->texts, "ftp://x/%llu?%c", (unsigned long long)rnd(rng),
            (int)(rnd(rng) % 94 + 33));
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
    uint64_t rng = seed;
    arena_init(&c->texts, 1u << 30);
    c->rows = calloc(n, sizeof *c->rows);
    c->n = n;
    for (size_t i = 0; i < n; i++) {
        struct sighting *s = &c->rows[i];
        char plate[40];
        uint64_t v = rnd(&rng) % (n / 12 + 1);
        uint64_t h = hash_u64(v * 77 + 5);
        snprintf(
            plate, sizeof plate, "晋A%s%s%s%s%s", chars[h % 8], chars[h / 8 % 8],
            chars[h / 64 % 8], chars[h / 512 % 8], chars[h / 4096 % 8]);
        bool differs = false;
        if (rnd(&rng) % 40 == 0)
            s->plate = PLATE_NONE;
        else if (rnd(&rng) % 100 == 0) {
            s->plate_text = arena_fmt(&c->texts, "junk-%zu-\xC3\xA9", i);
            (void)plate_parse(s->plate_text, &s->plate, &differs);
        } else
            (void)plate_parse(span_cstr(plate), &s->plate, &differs);
        if (!s->plate_text.p)
            s->plate_text = (struct span){"", 0};
        s->pass_ms = NOW - (ts_ms)(rnd(&rng) % ((uint64_t)days * 86400000));
        s->site.v = 1 + (uint32_t)(rnd(&rng) % 40);
        s->direction = (uint8_t)(1 + rnd(&rng) % 4);
        s->device.v = rnd(&rng) % 5 ? s->site.v * 4 + s->direction : 0;
        s->lane = (uint8_t)(rnd(&rng) % 5);
        s->speed_dkmh = rnd(&rng) % 20 ? (uint16_t)(rnd(&rng) % 1200) : SPEED_UNKNOWN;
        s->vehicle_class = (code3)(h % 5 + (rnd(&rng) % 30 == 0));
        s->brand = (code3)(h / 7 % 30);
        s->plate_color = (uint8_t)(h % 4);
        s->vehicle_color = (uint8_t)(rnd(&rng) % 15 ? h % 10 : rnd(&rng) % 10);
        s->confidence = rnd(&rng) % 9 ? (uint8_t)(rnd(&rng) % 101) : CONFIDENCE_UNKNOWN;
        s->flags = rnd(&rng) % 50 ? 0 : SIGHTING_DECKED;
        s->arrive_ms = s->pass_ms + (ts_ms)(rnd(&rng) % 50) * 1000;
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

static void
same_row(const struct sighting *a, const struct sighting *b)
{
    assert_int_equal(a->pass_ms, b->pass_ms);
    assert_int_equal(a->arrive_ms, b->arrive_ms);
    assert_int_equal(a->plate.v, b->plate.v);
    assert_int_equal(a->site.v, b->site.v);
    assert_int_equal(a->device.v, b->device.v);
    assert_int_equal(a->speed_dkmh, b->speed_dkmh);
    assert_int_equal(a->vehicle_class, b->vehicle_class);
    assert_int_equal(a->brand, b->brand);
    assert_int_equal(a->plate_color, b->plate_color);
    assert_int_equal(a->vehicle_color, b->vehicle_color);
    assert_int_equal(a->lane, b->lane);
    assert_int_equal(a->direction, b->direction);
    assert_int_equal(a->confidence, b->confidence);
    assert_int_equal(a->flags, b->flags);
    assert_true(span_eq(a->plate_text, b->plate_text));
    assert_true(span_eq(a->record_id, b->record_id));
    assert_true(span_eq(a->image, b->image));
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
        same_row(&got.rows[i], &want[i]);
    free(want);
    arena_release(&a);
    sight_snap_free(snap);
}

static void
maintain_all(struct sight *s, bool force)
{
    bool more = true;
    struct note note = {0};
    while (more) {
        enum err e = sight_maintain(s, NOW, force, &more, &note);
        if (e != OK)
            print_message("maintain: %s\n", note.en);
        assert_int_equal(e, OK);
    }
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
    struct sight *s = open_it(&o);
    send_all(s, &c);
    same_all(s, &c);
    maintain_all(s, false);
    same_all(s, &c);
    sight_close(s);
    s = open_it(&o);
    same_all(s, &c);
    maintain_all(s, true);
    same_all(s, &c);
    struct sight_health h;
    sight_health(s, &h);
    assert_int_equal(h.head_rows, 0);
    assert_int_equal(h.rows, c.n);
    struct note note = {0};
    assert_int_equal(sight_verify(s, true, &note), OK);
    sight_close(s);
    s = open_it(&o);
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
    struct sight *s = open_it(&o);
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
    s = open_it(&o);
    same_all(s, &c);
    sight_close(s);
    free_city(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bulk),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fresh();
    rmdir(root);
    return failed;
}
