/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/flight.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/kit.h"
#include "model/look_mint.h"

#define ROOM 4000
#define FROM (100 * HOUR_MS)
#define LAT 378700000
#define LON 1125000000
#define KM 113766 /* 1 km of longitude at 37.87 N, 1e-7 degree */

static struct sighting rows[ROOM];
static size_t rows_n;
static struct site_table *sites;

static int
by_time(const void *a, const void *b)
{
    const struct sighting *x = a, *y = b;
    return x->pass_ms < y->pass_ms ? -1 : x->pass_ms > y->pass_ms;
}

static enum err
by_place(
    void *ctx, const struct site_id *ids, size_t n,
    const struct analysis_filter *filter, ts_ms from, ts_ms to, size_t limit,
    struct arena *arena, struct analysis_rows *out)
{
    (void)ctx, (void)filter, (void)limit;
    struct analysis_rows r = {.rows = arena_array(arena, rows_n + 1, sizeof *r.rows)};
    if (!r.rows)
        return ERR_TOOBIG;
    for (size_t i = 0; i < rows_n; i++)
        for (size_t k = 0; k < n; k++)
            if (rows[i].site.v == ids[k].v && rows[i].pass_ms >= from &&
                rows[i].pass_ms < to)
                r.rows[r.n++] = rows[i];
    qsort(r.rows, r.n, sizeof *r.rows, by_time);
    *out = r;
    return OK;
}

static enum err
flow(
    void *ctx, ts_ms from, ts_ms to, struct arena *arena, struct analysis_cell **out,
    size_t *n)
{
    (void)ctx, (void)from, (void)to;
    *out = arena_array(arena, 1, sizeof **out);
    *n = 0;
    return *out ? OK : ERR_TOOBIG;
}

static uint32_t
least_ms(void *ctx, struct site_id a, struct site_id b)
{
    (void)ctx, (void)a, (void)b;
    return 0;
}

static int32_t clock_of_3;

static void
learned(void *ctx, struct site_id site, struct analysis_learned *out)
{
    (void)ctx;
    *out = (struct analysis_learned){
        .unread = 0.03, .offset_ms = site.v == 3 ? clock_of_3 : 0};
}

static struct analysis_needs needs = {
    .by_place = by_place, .flow = flow, .least_ms = least_ms, .learned = learned};

static struct look_permit *
permit(void)
{
    struct look_limits l = {
        .number = 1,
        .kinds = LOOK_ANALYSIS,
        .from_ms = FROM - DAY_MS,
        .to_ms = FROM + DAY_MS,
    };
    struct look_permit *p = look_permit_new(&l);
    assert_non_null(p);
    return p;
}

static struct plate
plate_of(unsigned i)
{
    char text[24];
    struct plate p;
    bool differs;
    snprintf(text, sizeof text, "晋A%05u", i);
    (void)plate_parse(span_cstr(text), &p, &differs);
    assert_true(plate_is_exact(p));
    return p;
}

/* Sites 1..6 stand a kilometre apart on one road, 7 and 8 on another 2 km north. */
static int
setup(void **state)
{
    (void)state;
    sites = site_table_new(16);
    for (unsigned i = 1; i <= 8; i++) {
        struct site s = {.id = {i}, .lon = LON + (int32_t)i * KM, .lat = LAT};
        if (i > 6) {
            s.lon = LON + (int32_t)(i - 4) * KM;
            s.lat = LAT + 180000;
        }
        snprintf(s.code, sizeof s.code, "S%u", i);
        site_table_put(sites, &s);
    }
    needs.sites = sites;
    rows_n = 0;
    clock_of_3 = 0;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    site_table_unref(sites);
    return 0;
}

static struct sighting *
pass(unsigned car, unsigned site, ts_ms at, bool wanted_look)
{
    struct sighting *s = &rows[rows_n++];
    assert_true(rows_n < ROOM);
    *s = (struct sighting){.pass_ms = at, .plate = plate_of(car), .site = {site}};
    (void)code3_parse(
        wanted_look ? SPAN("K33")
        : car % 3   ? SPAN("K32")
                    : SPAN("H31"),
        &s->vehicle_class);
    s->vehicle_color = wanted_look || car % 4 == 0 ? COLOR_WHITE : COLOR_RED;
    return s;
}

/* From site 1 to 6, or along the other road, at 80 to 100 seconds a kilometre. */
static void
drive(unsigned car, ts_ms start, bool north, bool look, ts_ms stop_ms)
{
    ts_ms at = start;
    for (unsigned site = north ? 7 : 1; site <= (north ? 8U : 6U); site++) {
        pass(car, site, at, look)->pass_ms += site == 3 ? clock_of_3 : 0;
        at += 80 * SECOND_MS + (car * 7919 + site * 104729) % 20000;
        if (site == 3)
            at += stop_ms;
    }
}

static void
traffic(void)
{
    for (unsigned i = 0; i < 120; i++)
        drive(
            1000 + i, FROM - 20 * MINUTE_MS + i * 20 * SECOND_MS, i % 4 == 3, false, 0);
}

static struct flight_ask
asked(void)
{
    struct flight_ask q = {
        .lon = LON + 35 * KM / 10,
        .lat = LAT,
        .from = FROM - 5 * MINUTE_MS,
        .to = FROM + 5 * MINUTE_MS,
        .vehicle_color = COLOR_WHITE,
    };
    (void)code3_parse(SPAN("K33"), &q.vehicle_class);
    return q;
}

static struct flight
answer(const struct flight_ask *q, struct arena *a)
{
    struct flight f;
    struct note note = {0};
    struct look_permit *p = permit();
    kit_ok(flight_of(p, &needs, q, a, &f, &note), &note);
    look_permit_free(p);
    double sum = f.unseen;
    for (size_t i = 0; i < f.n; i++) {
        sum += f.candidates[i].probability;
        assert_true(
            i == 0 || f.candidates[i - 1].probability >= f.candidates[i].probability);
    }
    assert_true(f.n < FLIGHT_LIMIT && sum > 0.999 && sum < 1.001);
    for (int i = 1; i < FLIGHT_STEPS; i++)
        assert_true(f.steps[i] <= f.steps[i - 1]);
    return f;
}

static void
who_stopped_comes_first(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64 << 20);
    traffic();
    /* Four of the wanted look pass the place in the span; one of them took two minutes
     * longer. */
    for (unsigned i = 0; i < 4; i++)
        drive(
            9000 + i, FROM - 7 * MINUTE_MS + i * MINUTE_MS, false, true,
            i == 2 ? 2 * MINUTE_MS : 0);
    drive(9900, FROM - 3 * MINUTE_MS, true, true, 0); /* on the other road */
    struct flight_ask q = asked();
    struct flight f = answer(&q, &a);
    assert_int_equal(f.steps[FLIGHT_AROUND], 125);
    assert_true(f.steps[FLIGHT_THERE] > 20 && f.steps[FLIGHT_THERE] < 60);
    const struct flight_candidate *c = &f.candidates[0];
    assert_true(plate_eq(c->plate, plate_of(9002)));
    assert_int_equal(c->up->site.v, 3);
    assert_int_equal(c->down->site.v, 4);
    assert_true(c->probability > 0.6 && c->slower < 0.05 && c->ratio[FLIGHT_LATE] > 5);
    assert_true(c->took_ms > c->usual_ms + 90 * SECOND_MS);
    assert_true(c->at_ms >= q.from && c->at_ms < q.to);
    for (size_t i = 0; i < f.n; i++)
        assert_false(plate_eq(f.candidates[i].plate, plate_of(9900)));
    arena_release(&a);
}

static void
a_part_of_the_plate_decides(void **state)
{
    (void)state;
    struct arena a;
    struct plate_pattern part;
    arena_init(&a, 64 << 20);
    traffic();
    for (unsigned i = 0; i < 8; i++)
        drive(9000 + i, FROM - 7 * MINUTE_MS + i * 40 * SECOND_MS, false, true, 0);
    struct flight_ask q = asked();
    assert_true(plate_pattern_parse(SPAN("*05"), &part));
    q.pattern = &part;
    struct flight f = answer(&q, &a);
    assert_true(plate_eq(f.candidates[0].plate, plate_of(9005)));
    assert_true(f.candidates[0].probability > 0.8);
    assert_true(f.candidates[1].plate_off);
    arena_release(&a);
}

/* Behind the place the plate is covered: the pass of the same look is put beside it. */
static void
who_hides_is_found_by_the_look(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64 << 20);
    traffic();
    drive(9000, FROM - 5 * MINUTE_MS, false, true, 0);
    for (unsigned i = 1; i <= 3; i++)
        pass(9001, i, FROM - 4 * MINUTE_MS + i * 90 * SECOND_MS, true);
    struct sighting *hidden = pass(9001, 4, FROM + 4 * MINUTE_MS, true);
    hidden->plate = PLATE_NONE;
    hidden->flags = SIGHTING_COVERED;
    struct flight_ask q = asked();
    struct flight f = answer(&q, &a);
    const struct flight_candidate *c = &f.candidates[0];
    assert_true(plate_eq(c->plate, plate_of(9001)));
    assert_non_null(c->down);
    assert_true(plate_is_none(c->down->plate));
    assert_int_equal(c->changes & FLIGHT_PLATE_GONE, FLIGHT_PLATE_GONE);
    assert_true(c->ratio[FLIGHT_GONE] > 1);
    assert_int_equal(f.unread, 1);
    arena_release(&a);
}

/* A clock that is 10 minutes wrong, and known to be, changes nothing. */
static void
known_clocks_are_corrected(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64 << 20);
    clock_of_3 = 10 * MINUTE_MS;
    traffic();
    drive(9002, FROM - 5 * MINUTE_MS, false, true, 2 * MINUTE_MS);
    struct flight_ask q = asked();
    struct flight f = answer(&q, &a);
    assert_true(plate_eq(f.candidates[0].plate, plate_of(9002)));
    assert_int_equal(f.candidates[0].up->site.v, 3);
    assert_true(f.candidates[0].took_ms < 4 * MINUTE_MS);
    arena_release(&a);
}

static void
refusals(void **state)
{
    (void)state;
    struct arena a;
    struct flight f;
    struct note note = {0};
    struct flight_ask q = asked();
    struct look_permit *p = permit();
    arena_init(&a, 64 << 20);
    assert_int_equal(flight_of(NULL, &needs, &q, &a, &f, &note), ERR_DENIED);
    q.to = q.from + 3 * HOUR_MS;
    assert_int_equal(flight_of(p, &needs, &q, &a, &f, &note), ERR_INPUT);
    assert_string_equal(note.field, "to_ms");
    q = asked();
    q.to = q.from;
    assert_int_equal(flight_of(p, &needs, &q, &a, &f, &note), ERR_INPUT);
    q = asked();
    q.lat = 0;
    assert_int_equal(flight_of(p, &needs, &q, &a, &f, &note), ERR_INPUT);
    assert_string_equal(note.field, "lon");
    /* Nobody passed: no candidate, and the answer says that it was nobody seen. */
    q = asked();
    kit_ok(flight_of(p, &needs, &q, &a, &f, &note), &note);
    assert_int_equal(f.n, 0);
    assert_true(f.unseen > 0.999);
    look_permit_free(p);
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_stopped_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_part_of_the_plate_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(
            who_hides_is_found_by_the_look, setup, teardown),
        cmocka_unit_test_setup_teardown(known_clocks_are_corrected, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
