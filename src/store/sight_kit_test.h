/* SPDX-License-Identifier: Apache-2.0 */
/* sight_kit_test.h - what the tests of the sighting engine share: a fixed present, an
 * engine on the given options, rows in, upkeep to its end, two rows compared. A test
 * includes "kit/kit.h" before it.
 *
 * Owner    sight_kit_open() gives the caller an engine to sight_close().
 * Errors   everything must succeed: a failure fails the test with the note's sentence.
 */
#ifndef TQ_STORE_SIGHT_KIT_TEST_H
#define TQ_STORE_SIGHT_KIT_TEST_H

#include <stdio.h>

#include "store/sight.h"

#define NOW INT64_C(1772700000000) /* 2026-03-05 16:40 +08:00 */

static inline struct sight *
sight_kit_open(const struct sight_opts *o)
{
    struct sight *s = NULL;
    struct note note = {0};
    kit_ok(sight_open(o, NOW, &s, &note), &note);
    return s;
}

/* Rows in batches of at most 500, each acknowledged before the next. */
static inline void
sight_kit_send(struct sight *s, const struct sighting *rows, size_t n)
{
    struct sighting_batch *b = sighting_batch_new(500, 1u << 20);
    struct note note = {0};
    assert_non_null(b);
    for (size_t i = 0; i < n;) {
        sighting_batch_clear(b);
        for (; i < n && b->n < 500; i++)
            *sighting_batch_add(b) = rows[i];
        kit_ok(sight_append(s, &b, 1, NOW, &note), &note);
    }
    sighting_batch_free(b);
}

/* Seals and merges until nothing is due; force: until nothing is possible. */
static inline void
sight_kit_settle(struct sight *s, bool force)
{
    struct note note = {0};
    for (bool more = true; more;)
        kit_ok(sight_maintain(s, NOW, force, &more, &note), &note);
}

/* A row without texts, as they come from a feed: no span is NULL. */
static inline struct sighting
sight_kit_row(void)
{
    return (struct sighting){.plate_text = {"", 0}, .image = {"", 0}};
}

static inline struct plate
sight_kit_plate(const char *text)
{
    struct plate plate;
    bool differs;
    (void)plate_parse(span_cstr(text), &plate, &differs);
    return plate;
}

static inline void
sight_kit_same(const struct sighting *a, const struct sighting *b)
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

#endif
