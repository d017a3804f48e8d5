/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a plate is all of its rows or nothing, whatever is added, let go or
 * asked for in between. */
#include "core/hash.h"
#include "kit/kit.h"
#include "rules/kept.h"

#include <stdio.h>

#define T0 INT64_C(1772380800000)

static struct plate
plate_number(unsigned n)
{
    struct plate p;
    char text[32];
    bool differs;
    snprintf(text, sizeof text, "晋A%05u", n);
    (void)plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static struct sighting
row_at(unsigned plate, unsigned i, char id[24])
{
    snprintf(id, 24, "%u-%u-%.*s", plate, i, (int)(i % 9), "xxxxxxxxx");
    return (struct sighting){
        .plate = plate_number(plate),
        .pass_ms = T0 + i * MINUTE_MS,
        .arrive_ms = T0 + i * MINUTE_MS + i,
        .site = {1 + i % 7},
        .device = {i % 3},
        .speed_dkmh = (uint16_t)i,
        .vehicle_class = (code3)(i % 50),
        .brand = (code3)(i % 40),
        .plate_color = 2,
        .vehicle_color = (uint8_t)(i % 9),
        .lane = (uint8_t)(i % 4),
        .direction = 3,
        .confidence = (uint8_t)(i % 100),
        .flags = i % 5 == 0 ? SIGHTING_TAG : 0,
        .record_id = span_cstr(id),
        .image = SPAN("note of the tag")};
}

static void
check_row(const struct kept *k, const struct kept_row *r, unsigned plate, unsigned i)
{
    char id[24];
    struct sighting want = row_at(plate, i, id), got = kept_sighting(k, r);
    assert_int_equal(got.pass_ms, want.pass_ms);
    assert_int_equal(got.arrive_ms, want.arrive_ms);
    assert_int_equal(got.plate.v, want.plate.v);
    assert_int_equal(got.site.v, want.site.v);
    assert_int_equal(got.device.v, want.device.v);
    assert_int_equal(got.speed_dkmh, want.speed_dkmh);
    assert_int_equal(got.vehicle_class, want.vehicle_class);
    assert_int_equal(got.brand, want.brand);
    assert_int_equal(got.plate_color, want.plate_color);
    assert_int_equal(got.vehicle_color, want.vehicle_color);
    assert_int_equal(got.lane, want.lane);
    assert_int_equal(got.direction, want.direction);
    assert_int_equal(got.confidence, want.confidence);
    assert_int_equal(got.flags, want.flags);
    assert_true(span_eq(got.record_id, want.record_id));
    assert_int_equal(got.image.n, want.flags & SIGHTING_TAG ? want.image.n : 0);
}

static void
add_rows(struct kept_table *t, unsigned plate, unsigned from, unsigned to)
{
    char id[24];
    for (unsigned i = from; i < to; i++) {
        struct sighting s = row_at(plate, i, id);
        assert_true(kept_add(t, &s));
    }
}

static void
rows_come_back(void **state)
{
    struct kept_table t;
    char id[24];
    (void)state;
    assert_int_equal(kept_init(&t, 1 << 20), OK);
    struct sighting stranger = row_at(9, 1, id);
    assert_false(kept_add(&t, &stranger));
    assert_null(kept_find(&t, plate_number(1), T0));
    assert_true(kept_begin(&t, plate_number(1), T0));
    add_rows(&t, 1, 0, 100);
    add_rows(&t, 1, 50, 120); /* the store was ahead of what is fed */
    const struct kept *k = kept_find(&t, plate_number(1), T0);
    assert_non_null(k);
    assert_int_equal(k->n, 120);
    for (unsigned i = 0; i < k->n; i++)
        check_row(k, &k->rows[i], 1, i);
    assert_null(kept_find(&t, plate_number(1), T0 - 1));     /* not known so far back */
    k = kept_find(&t, plate_number(1), T0 + 30 * MINUTE_MS); /* the next day */
    assert_int_equal(k->n, 90);
    for (unsigned i = 0; i < k->n; i++)
        check_row(k, &k->rows[i], 1, 30 + i);
    assert_null(kept_find(&t, plate_number(1), T0));
    add_rows(&t, 1, 0, 30); /* before what is kept: nobody asks */
    assert_int_equal(kept_find(&t, plate_number(1), T0 + 30 * MINUTE_MS)->n, 90);
    assert_true(kept_begin(&t, plate_number(1), T0)); /* asked anew */
    assert_int_equal(kept_find(&t, plate_number(1), T0)->n, 0);
    kept_drop(&t, plate_number(1));
    kept_drop(&t, plate_number(1));
    assert_null(kept_find(&t, plate_number(1), T0));
    assert_int_equal(t.bytes, 0);
    kept_release(&t);
}

/* Plates are judged at random: what is found is whole, and the bytes are kept. */
static void
bytes_are_bounded(void **state)
{
    enum { PLATES = 400, STEPS = 20000 };
    static unsigned rows[PLATES];
    struct kept_table t;
    uint64_t found = 0;
    (void)state;
    assert_int_equal(kept_init(&t, 200000), OK);
    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t r = hash_u64(step);
        unsigned plate = (unsigned)(r % (r >> 40 & 1 ? 8 : PLATES));
        const struct kept *k = kept_find(&t, plate_number(plate), T0);
        if (k) {
            assert_int_equal(k->n, rows[plate]);
            for (unsigned i = 0; i < k->n; i++)
                check_row(k, &k->rows[i], plate, i);
            found++;
            if (k->n > 60) {
                kept_drop(&t, plate_number(plate));
                continue;
            }
        } else {
            assert_true(kept_begin(&t, plate_number(plate), T0));
            rows[plate] = 0;
        }
        add_rows(&t, plate, rows[plate], rows[plate] + 3);
        rows[plate] += 3;
        assert_true(t.bytes <= t.cap);
    }
    assert_true(found > STEPS / 3); /* those asked often stay */
    kept_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back), cmocka_unit_test(bytes_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
