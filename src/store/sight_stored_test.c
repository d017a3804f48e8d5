/* SPDX-License-Identifier: Apache-2.0 */
/* Files of every version that was ever written stay readable: tests/segments/v<number>
 * holds a small engine directory of that version, and its rows are known.
 *
 * A new version gets its directory once, from the first release that writes it:
 * TONGQU_STORE=1 build/dev/tests/store_sight_stored_test
 */
#include "core/hash.h"
#include "kit/kit.h"
#include "store/sight_kit_test.h"
#include "store/sight_seg.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS 600u
#define OLDEST 1u

static struct sighting rows[ROWS];
static char texts[ROWS][4][80];

static struct span
text(size_t row, unsigned k, const char *fmt, unsigned a, long long t)
{
    return span_of(
        texts[row][k],
        (size_t)snprintf(texts[row][k], sizeof texts[row][k], fmt, a, t));
}

/* Rows that use every layout: patterns and verbatim texts, unread, partial and junk
 * plates, looks that change, unknown speeds, devices, late arrivals. */
static void
make_rows(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        struct sighting *s = &rows[i];
        uint64_t h = hash_u64(i * 97 + 3);
        char plate[40];
        bool differs;
        unsigned v = (unsigned)(h % 41);
        *s = (struct sighting){.plate_text = {"", 0}, .image = {"", 0}};
        snprintf(plate, sizeof plate, v % 9 ? "晋A%05u" : "晋A%03u?5", v * 211);
        if (h >> 8 & 15)
            (void)plate_parse(span_cstr(plate), &s->plate, &differs);
        else if (h >> 12 & 1) {
            s->plate_text = text(i, 0, "junk-%u-\xE8\xBD\xA6-%lld", v, (long long)i);
            (void)plate_parse(s->plate_text, &s->plate, &differs);
        }
        s->pass_ms = NOW - 1 - (ts_ms)(h >> 16 & 0xfffffff);
        s->arrive_ms = s->pass_ms + (ts_ms)(h >> 13 & 63) * 1000;
        s->flags = s->arrive_ms - s->pass_ms > MINUTE_MS ? SIGHTING_LATE : 0;
        s->site.v = 1 + (uint32_t)(h >> 20 & 7);
        s->direction = (uint8_t)(1 + (h >> 23 & 3));
        s->device.v = h >> 25 & 7 ? s->site.v * 10 + s->direction : 0;
        s->lane = (uint8_t)(h >> 28 & 3);
        s->speed_dkmh = h >> 30 & 15 ? (uint16_t)(h >> 34 & 1023) : SPEED_UNKNOWN;
        s->vehicle_class = (code3)(v % 7);
        s->brand = (code3)(h >> 44 & 15 ? v % 30 : h >> 48 & 31);
        s->plate_color = (uint8_t)(v % 4);
        s->vehicle_color = (uint8_t)(h >> 53 & 7 ? v % 10 : h >> 56 & 7);
        s->confidence = h >> 59 ? (uint8_t)(h >> 57) : CONFIDENCE_UNKNOWN;
        if (i % 11 == 5)
            s->record_id = text(i, 1, "odd \x01 %u/%lld", v, (long long)(h >> 1));
        else
            s->record_id =
                text(i, 1, "1401%02u%lld", s->site.v, (long long)s->pass_ms + i % 300);
        if (i % 6)
            s->image = text(i, 2, "http://10.1.%u.2/%lld.jpg", s->site.v, (long long)i);
    }
}

static int
order(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    if (a->pass_ms != b->pass_ms)
        return a->pass_ms < b->pass_ms ? -1 : 1;
    return (a->site.v > b->site.v) - (a->site.v < b->site.v);
}

static struct sight_opts
opts(const char *dir)
{
    return (struct sight_opts){
        .dir = dir,
        .zone = {"Asia/Shanghai", 480},
        .keep_days = 200,
        .head_rows = 200,
        .journal_file = 1u << 16};
}

/* Some runs merged, the rest sealed only. The journal holds nothing that the segments
 * lack. */
static void
store(const char *dir)
{
    struct sight *s = NULL;
    struct note note = {0};
    struct sight_opts o = opts(dir);
    kit_ok(sight_open(&o, NOW, &s, &note), &note);
    for (unsigned from = 0; from < ROWS; from += 200) {
        struct sighting_batch *b = sighting_batch_new(200, 1u << 18);
        for (unsigned i = from; i < from + 200; i++)
            *sighting_batch_add(b) = rows[i];
        kit_ok(sight_append(s, &b, 1, NOW, &note), &note);
        sighting_batch_free(b);
        bool more = true;
        while (more)
            kit_ok(sight_maintain(s, NOW, from < 400, &more, &note), &note);
    }
    kit_ok(sight_maintain(s, NOW, true, &(bool){false}, &note), &note);
    sight_close(s);
}

static void
same_rows(const struct sight_rows *got)
{
    assert_int_equal(got->n, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        sight_kit_same(&got->rows[i], &rows[i]);
}

static void
test_stored(void **state)
{
    (void)state;
    make_rows();
    qsort(rows, ROWS, sizeof *rows, order);
    for (unsigned version = OLDEST; version <= SEG_VERSION; version++) {
        char dir[OS_PATH];
        struct sight *s = NULL;
        struct note note = {0};
        struct arena a;
        struct sight_rows got;
        snprintf(dir, sizeof dir, "tests/segments/v%u", version);
        if (version == SEG_VERSION && getenv("TONGQU_STORE"))
            store(dir);
        struct sight_opts o = opts(dir);
        o.read_only = true;
        kit_ok(sight_open(&o, NOW, &s, &note), &note);
        kit_ok(sight_verify(s, false, &note), &note);
        struct sight_snap *snap = sight_snapshot(s);
        arena_init(&a, 1u << 26);
        struct sight_ask ask = {.arena = &a};
        kit_ok(sight_window(snap, NULL, 0, NULL, &ask, &got), &note);
        same_rows(&got);
        /* and by vehicle */
        size_t n = 0;
        for (size_t i = 0; i < ROWS; i++)
            n += plate_eq(rows[i].plate, rows[7].plate);
        kit_ok(sight_trajectory(snap, rows[7].plate, &ask, &got), &note);
        assert_int_equal(got.n, n);
        sight_snap_free(snap);
        sight_close(s);
        arena_release(&a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stored)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
