/* SPDX-License-Identifier: Apache-2.0 */
/* Site models on a small grid with planted clocks: 6 by 6 sites 1 km apart, vehicles
 * driving along rows and columns both ways. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/hash.h"
#include "rules/models.h"

#define SIDE 6
#define SITES (SIDE * SIDE)
#define FLEET 1500
#define DAY0 INT64_C(1772380800000)

static const struct zone zone = {"Asia/Shanghai", 480};

struct town {
    struct site_table *sites;
    struct vehicle_index *registry;
    struct vehicle fleet[FLEET];
    struct sighting *rows;
    size_t n, room;
    int32_t skew_ms[SITES + 1];
    uint32_t blind; /* site with a tenth of its reads misread */
    uint64_t seed;
};

static uint64_t
draw(struct town *t)
{
    return t->seed = hash_u64(t->seed + 0x9e3779b97f4a7c15);
}

static struct plate
plate_of(const char *text)
{
    struct plate p;
    bool differs;
    plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static void
make_fleet(struct town *t)
{
    for (unsigned i = 0; i < FLEET; i++) {
        char plate[16];
        uint64_t h = draw(t);
        snprintf(plate, sizeof plate, "晋A%05u", 10000 + i * 53);
        t->fleet[i] = (struct vehicle){
            .plate = plate_of(plate),
            .plate_color = COLOR_BLUE,
            .vehicle_color = (uint8_t)(1 + h % 9)};
        code3_parse(SPAN("K33"), &t->fleet[i].vehicle_class);
        t->fleet[i].brand = (code3)(1000 + (h >> 8) % 40);
    }
    t->registry = vehicle_index_new(t->fleet, FLEET, NULL, 0, 1);
}

static int
setup(void **state)
{
    struct town *t = calloc(1, sizeof *t);
    t->seed = 5;
    t->sites = site_table_new(SITES);
    for (uint32_t i = 1; i <= SITES; i++) {
        struct site s = {.id = {i}};
        s.lon = 1125000000 + (int32_t)((i - 1) % SIDE * 113779);
        s.lat = 378000000 + (int32_t)((i - 1) / SIDE * 89932);
        snprintf(s.code, sizeof s.code, "S%02u", i);
        site_table_put(t->sites, &s);
    }
    make_fleet(t);
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    struct town *t = *state;
    site_table_unref(t->sites);
    vehicle_index_unref(t->registry);
    free(t->rows);
    free(t);
    return 0;
}

static void
add(struct town *t, const struct vehicle *v, uint32_t site, ts_ms at)
{
    if (t->n == t->room) {
        t->room = t->room ? t->room * 2 : 4096;
        t->rows = realloc(t->rows, t->room * sizeof *t->rows);
        assert_non_null(t->rows);
    }
    struct plate p = v->plate;
    uint64_t h = draw(t);
    if (site == t->blind && h % 10 == 0)
        p = plate_with(p, 6, plate_code('S')); /* no registered plate ends so */
    t->rows[t->n++] = (struct sighting){
        .pass_ms = at + t->skew_ms[site],
        .plate = (h >> 8) % 50 ? p : PLATE_NONE,
        .site = {site},
        .vehicle_class = v->vehicle_class,
        .brand = v->brand,
        .vehicle_color = v->vehicle_color,
        .plate_color = v->plate_color,
        .confidence = 90};
}

/* Trip k goes along a row or a column, either way, at 36 to 60 km/h; a vehicle makes
 * one trip in a stretch of an hour. */
static void
drive(struct town *t, unsigned k)
{
    uint64_t h = draw(t);
    const struct vehicle *v = &t->fleet[k % FLEET];
    int lane = (int)((h >> 16) % SIDE), from = (int)((h >> 24) % SIDE);
    int way = h >> 32 & 1 ? 1 : -1;
    bool row = h >> 33 & 1;
    ts_ms at = DAY0 + (k / FLEET) * HOUR_MS + (ts_ms)((h >> 34) % 2400) * 1000;
    for (int i = from; i >= 0 && i < SIDE; i += way) {
        uint32_t site = (uint32_t)(row ? lane * SIDE + i : i * SIDE + lane) + 1;
        add(t, v, site, at);
        at += 60000 + (ts_ms)(draw(t) % 40000);
    }
}

static struct model *
learn(struct town *t, const struct model *before, uint32_t number)
{
    struct model_build *b;
    struct model *m;
    assert_int_equal(model_build_new(before, t->sites, t->registry, &zone, &b), OK);
    assert_int_equal(model_build_rows(b, t->rows, t->n), OK);
    assert_int_equal(model_build_finish(b, number, 20000 + (int32_t)number, &m), OK);
    model_build_free(b);
    return m;
}

static void
test_clocks(void **state)
{
    struct town *t = *state;
    t->skew_ms[8] = 45000;
    t->skew_ms[22] = -110000; /* more than the travel time: passes seem turned round */
    t->skew_ms[29] = 93000;
    for (unsigned i = 0; i < 12000; i++)
        drive(t, i);
    struct model *m = learn(t, NULL, 1);
    for (uint32_t i = 1; i <= SITES; i++) {
        const struct site_model *s = model_site(m, (struct site_id){i});
        double apart = fabs((double)s->offset_ms - t->skew_ms[i]);
        if (apart > 4000 || apart > 4.0 * s->offset_sd_ms)
            fail_msg(
                "site %u: learned %d, is %d, sd %u", i, s->offset_ms, t->skew_ms[i],
                s->offset_sd_ms);
        assert_true(s->offset_sd_ms < 12000);
        assert_true(s->color_trusted);
        assert_false(s->moved);
    }
    model_unref(m);
}

static void
test_least_times(void **state)
{
    struct town *t = *state;
    for (unsigned i = 0; i < 12000; i++)
        drive(t, i);
    struct model *m = learn(t, NULL, 1);
    uint32_t near = model_least_ms(m, (struct site_id){1}, (struct site_id){2});
    assert_true(near > 59000 && near < 66000);
    /* Ten blocks to the other corner, no shorter way. */
    uint32_t far = model_least_ms(m, (struct site_id){1}, (struct site_id){SITES});
    assert_true(far > 590000 && far < 660000);
    assert_int_equal(model_least_ms(m, (struct site_id){1}, (struct site_id){99}), 0);
    assert_int_equal(model_least_ms(NULL, (struct site_id){1}, (struct site_id){2}), 0);
    model_unref(m);
}

static void
test_moved(void **state)
{
    struct town *t = *state;
    struct site s = *site_get(t->sites, (struct site_id){15});
    s.lon += 5 * 113779; /* listed 5 km too far east */
    struct site_table *other = site_table_copy(t->sites, 0);
    site_table_put(other, &s);
    site_table_unref(t->sites);
    t->sites = other;
    for (unsigned i = 0; i < 8000; i++)
        drive(t, i);
    struct model *m = learn(t, NULL, 1);
    for (uint32_t i = 1; i <= SITES; i++)
        assert_int_equal(model_site(m, (struct site_id){i})->moved, i == 15);
    model_unref(m);
}

static void
test_rates(void **state)
{
    struct town *t = *state;
    t->blind = 10;
    for (unsigned i = 0; i < 20000; i++)
        drive(t, i);
    struct model *m = learn(t, NULL, 1);
    double blind = model_site(m, (struct site_id){10})->misread;
    double other = model_site(m, (struct site_id){11})->misread;
    assert_true(blind > 0.02 && blind > 5 * other);
    assert_true(fabs(model_site(m, (struct site_id){11})->unread - 0.02) < 0.01);
    assert_true(model_covered(m, plate_of("晋A00000")) > 0.98);
    assert_true(model_seen(m, t->rows[0].plate) || plate_is_none(t->rows[0].plate));
    unsigned seen = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char plate[16];
        snprintf(plate, sizeof plate, "京B%05u", i);
        seen += model_seen(m, plate_of(plate));
    }
    assert_true(seen < 50);
    model_unref(m);
}

static void
test_nothing_known(void **state)
{
    struct town *t = *state;
    assert_int_equal(model_site(NULL, (struct site_id){3})->offset_ms, 0);
    assert_true(model_site(NULL, (struct site_id){3})->offset_sd_ms >= 30000);
    assert_true(model_seen(NULL, plate_of("晋A12345")));
    assert_true(model_covered(NULL, plate_of("晋A12345")) < 0);
    struct model *m = learn(t, NULL, 1); /* from no rows at all */
    assert_int_equal(model_site(m, (struct site_id){3})->offset_ms, 0);
    assert_true(model_site(m, (struct site_id){3})->offset_sd_ms >= 30000);
    assert_int_equal(model_number(m), 1);
    assert_int_equal(model_day(m), 20001);
    assert_int_equal(model_sites(m), SITES);
    model_unref(m);
}

static void
test_round_trip(void **state)
{
    struct town *t = *state;
    t->skew_ms[8] = 45000;
    for (unsigned i = 0; i < 6000; i++)
        drive(t, i);
    struct model *first = learn(t, NULL, 1), *m = learn(t, first, 2), *back;
    struct buf b = {0}, again = {0};
    model_encode(&b, m);
    assert_int_equal(model_decode(span_of(b.p, b.n), &back), OK);
    assert_int_equal(model_number(back), 2);
    for (uint32_t i = 1; i <= SITES; i++) {
        struct site_id id = {i}, to = {SITES + 1 - i};
        assert_int_equal(model_site(back, id)->offset_ms, model_site(m, id)->offset_ms);
        assert_int_equal(model_least_ms(back, id, to), model_least_ms(m, id, to));
    }
    model_encode(&again, back);
    assert_int_equal(again.n, b.n);
    assert_memory_equal(again.p, b.p, b.n);
    for (size_t n = 0; n < b.n; n += 1 + b.n / 200) {
        struct model *none;
        assert_int_equal(model_decode(span_of(b.p, n), &none), ERR_CORRUPT);
        b.p[n] ^= 1;
        assert_int_equal(model_decode(span_of(b.p, b.n), &none), ERR_CORRUPT);
        b.p[n] ^= 1;
    }
    model_unref(first);
    model_unref(m);
    model_unref(back);
    buf_release(&b);
    buf_release(&again);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_clocks), CASE(test_least_times),   CASE(test_moved),
        CASE(test_rates),  CASE(test_nothing_known), CASE(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
