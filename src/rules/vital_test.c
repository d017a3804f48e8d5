/* SPDX-License-Identifier: Apache-2.0 */
/* A town of twelve sites with a hundred passes an hour each: who falls silent is named
 * in a quarter of an hour, who reads badly too, and a storm blames nobody. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/hash.h"
#include "rules/vital.h"

#define SITES 12
#define RATE 100 /* passes an hour and site */
#define DAY0 INT64_C(1772380800000)

static const struct zone zone = {"Asia/Shanghai", 480};

struct town {
    struct site_table *sites;
    struct model *model;
    struct vital *vital;
    struct plate plate;
    ts_ms now;
    uint64_t seed;
    unsigned changes;
    /* how each site does */
    double flow[SITES + 1];   /* times the usual */
    double unread[SITES + 1]; /* share */
    ts_ms skew[SITES + 1], late[SITES + 1];
};

static double
draw(struct town *t)
{
    t->seed = hash_u64(t->seed + 0x9e3779b97f4a7c15);
    return (double)(t->seed >> 11) / (double)(UINT64_C(1) << 53);
}

static struct sighting
row(struct town *t, uint32_t site, ts_ms at)
{
    return (struct sighting){
        .pass_ms = at + t->skew[site] - t->late[site],
        .arrive_ms = at + 500,
        .plate = draw(t) < t->unread[site] ? PLATE_NONE : t->plate,
        .site = {site}};
}

static void
changed(
    void *arg, struct site_id site, const struct vital_site *was,
    const struct vital_site *now)
{
    struct town *t = arg;
    (void)site;
    assert_int_not_equal(was->state, now->state);
    t->changes++;
}

/* Drives for so many minutes. */
static void
drive(struct town *t, unsigned minutes)
{
    for (unsigned s = 0; s < minutes * 60; s++) {
        t->now += SECOND_MS;
        for (uint32_t i = 1; i <= SITES; i++)
            if (draw(t) < t->flow[i] * RATE / 3600) {
                struct sighting r = row(t, i, t->now);
                vital_row(t->vital, &r);
            }
        vital_tick(t->vital, t->now, changed, t);
    }
}

static unsigned
state(const struct town *t, uint32_t site)
{
    return vital_of(t->vital, (struct site_id){site})->state;
}

static int
setup(void **st)
{
    struct town *t = calloc(1, sizeof *t);
    struct model_build *b;
    bool differs;
    t->seed = 11;
    plate_parse(SPAN("晋A10001"), &t->plate, &differs);
    t->sites = site_table_new(SITES);
    for (uint32_t i = 1; i <= SITES; i++) {
        struct site s = {.id = {i}, .lon = 1125000000 + (int32_t)i * 90000, .lat = 1};
        snprintf(s.code, sizeof s.code, "S%02u", i);
        site_table_put(t->sites, &s);
        t->flow[i] = 1;
        t->unread[i] = 0.03;
    }
    assert_int_equal(model_build_new(NULL, t->sites, NULL, &zone, &b), OK);
    for (unsigned s = 0; s < 86400; s++)
        for (uint32_t i = 1; i <= SITES; i++)
            if (draw(t) < (double)RATE / 3600) {
                struct sighting r = row(t, i, DAY0 + s * SECOND_MS);
                assert_int_equal(model_build_rows(b, &r, 1), OK);
            }
    assert_int_equal(model_build_finish(b, 1, 20515, &t->model), OK);
    model_build_free(b);
    t->vital = vital_new(&zone);
    vital_set_model(t->vital, t->model);
    t->now = DAY0 + DAY_MS + 9 * HOUR_MS;
    *st = t;
    return 0;
}

static int
teardown(void **st)
{
    struct town *t = *st;
    vital_free(t->vital);
    model_unref(t->model);
    site_table_unref(t->sites);
    free(t);
    return 0;
}

static void
test_well(void **st)
{
    struct town *t = *st;
    drive(t, 12 * 60);
    assert_int_equal(t->changes, 0);
    assert_true(fabs(vital_city(t->vital) - 1) < 0.2);
}

static void
test_silent(void **st)
{
    struct town *t = *st;
    drive(t, 60);
    ts_ms from = t->now;
    t->flow[5] = 0;
    drive(t, 15);
    const struct vital_site *v = vital_of(t->vital, (struct site_id){5});
    assert_int_equal(v->state, VITAL_SILENT);
    assert_true(llabs(v->since_ms - from) < 3 * MINUTE_MS);
    assert_true(v->expected > 10 && v->expected < 30);
    assert_true(v->said_ms - from <= 15 * MINUTE_MS);
    t->flow[5] = 1;
    drive(t, 5);
    assert_int_equal(state(t, 5), VITAL_OK);
    assert_int_equal(t->changes, 2);
}

/* One latecomer of before the silence does not say that the site lives. */
static void
test_latecomer(void **st)
{
    struct town *t = *st;
    drive(t, 60);
    t->flow[5] = 0;
    drive(t, 12);
    struct sighting r = row(t, 5, t->now - 13 * MINUTE_MS);
    r.arrive_ms = t->now;
    vital_row(t->vital, &r);
    drive(t, 3);
    assert_int_equal(state(t, 5), VITAL_SILENT);
}

static void
test_degraded(void **st)
{
    struct town *t = *st;
    drive(t, 60);
    t->unread[7] = 0.5;
    drive(t, 15);
    const struct vital_site *v = vital_of(t->vital, (struct site_id){7});
    assert_int_equal(v->state, VITAL_DEGRADED);
    assert_true(v->usual < 0.08F && v->unread > 0.15F);
    t->unread[7] = 0.03;
    drive(t, 90);
    assert_int_equal(state(t, 7), VITAL_OK);
}

/* A storm: everybody drives a third as much; and then our own link is cut. */
static void
test_city(void **st)
{
    struct town *t = *st;
    drive(t, 60);
    for (uint32_t i = 1; i <= SITES; i++)
        t->flow[i] = 0.35;
    drive(t, 180);
    assert_true(t->changes <= 1);
    assert_true(vital_city(t->vital) < 0.5);
    for (uint32_t i = 1; i <= SITES; i++)
        t->flow[i] = 0;
    unsigned before = t->changes;
    drive(t, 120);
    assert_true(vital_city(t->vital) < 0.1);
    assert_true(t->changes - before <= 1);
}

/* A road that drives a third of its habit since an hour (works, a school holiday) is
 * judged by what it does now, not by other days; and when it does fall silent, that is
 * found by its own pace. */
static void
test_quiet_road(void **st)
{
    struct town *t = *st;
    drive(t, 60);
    for (unsigned step = 0; step < 6; step++) {
        t->flow[5] *= 0.83;
        drive(t, 20);
    }
    drive(t, 300);
    assert_int_equal(state(t, 5), VITAL_OK);
    assert_int_equal(t->changes, 0);
    t->flow[5] = 0;
    drive(t, 40);
    assert_int_equal(state(t, 5), VITAL_SILENT);
}

/* What the site did of late makes a busy hour's silence plain sooner: 12 usual passes
 * are enough, even with one day of habit. */
static void
test_twelve(void **st)
{
    struct town *t = *st;
    drive(t, 180);
    t->flow[6] = 0;
    drive(t, 10); /* of 100 an hour */
    assert_int_equal(state(t, 6), VITAL_SILENT);
}

/* While we were away nothing is owed. */
static void
test_away(void **st)
{
    struct town *t = *st;
    drive(t, 60);
    t->now += 3 * HOUR_MS;
    drive(t, 30);
    assert_int_equal(t->changes, 0);
}

static void
test_clock(void **st)
{
    struct town *t = *st;
    drive(t, 30);
    t->skew[3] = 40 * SECOND_MS;  /* passes from the future */
    t->skew[4] = -10 * MINUTE_MS; /* set back: late, but alive */
    drive(t, 30);
    const struct vital_site *v = vital_of(t->vital, (struct site_id){3});
    assert_int_equal(v->state, VITAL_CLOCK);
    assert_true(v->clock_ms > 38000 && v->clock_ms < 41000);
    assert_int_equal(state(t, 4), VITAL_OK);
}

static void
test_nothing_known(void **st)
{
    struct town *t = *st;
    vital_set_model(t->vital, NULL);
    drive(t, 10);
    t->flow[5] = 0;
    drive(t, 120);
    assert_int_equal(t->changes, 0);
    assert_true(vital_city(t->vital) < 0);
    assert_int_equal(vital_of(t->vital, (struct site_id){999999})->state, VITAL_OK);
}

static void
test_bytes(void **st)
{
    struct vital_site v = {
        .state = VITAL_DEGRADED,
        .since_ms = DAY0,
        .said_ms = DAY0 + 5,
        .last_ms = 7,
        .expected = 12.5F,
        .unread = 0.5F,
        .usual = 0.031F,
        .clock_ms = -40000,
        .clock_sd_ms = 1200};
    struct vital_site back;
    struct buf out = {0};
    (void)st;
    vital_encode(&out, &v);
    assert_int_equal(vital_decode(span_of(out.p, out.n), &back), OK);
    assert_int_equal(back.state, v.state);
    assert_int_equal(back.since_ms, v.since_ms);
    assert_int_equal(back.clock_ms, v.clock_ms);
    assert_true(fabsf(back.unread - v.unread) < 1e-5F);
    assert_true(fabsf(back.usual - v.usual) < 1e-5F);
    for (size_t n = 1; n < out.n; n++)
        assert_int_equal(vital_decode(span_of(out.p, n), &back), ERR_CORRUPT);
    out.p[0] = 9;
    assert_int_equal(vital_decode(span_of(out.p, out.n), &back), ERR_NEWER);
    buf_release(&out);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_well),  T(test_silent),        T(test_latecomer), T(test_degraded),
        T(test_city),  T(test_quiet_road),    T(test_twelve),    T(test_away),
        T(test_clock), T(test_nothing_known), T(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
