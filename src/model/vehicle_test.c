/* SPDX-License-Identifier: Apache-2.0 */
/* The index against a plain array that is searched from end to end. */
#include "model/vehicle.h"

#include "kit/kit.h"

#include <stdio.h>
#include <stdlib.h>

#define PLATES 3000u

struct model { /* the truth: what is registered under (plate, colour) */
    bool there;
    struct vehicle v;
    char owner[16];
};

static struct plate
plate_no(unsigned i)
{
    struct plate p;
    char text[32];
    bool differs;
    snprintf(text, sizeof text, "晋A%05u", 10000 + i);
    assert_int_equal(plate_parse(span_cstr(text), &p, &differs), PLATE_ORDINARY);
    return p;
}

static struct vehicle
make(struct kit_rand *r, unsigned i, uint8_t color)
{
    return (struct vehicle){
        .plate = plate_no(i),
        .plate_color = color,
        .status = (uint32_t)kit_rand_below(r, 1u << 20),
        .inspection_day = (int32_t)kit_rand_below(r, 20000),
        .vehicle_color = (uint8_t)kit_rand_below(r, 14),
        .use_nature = 'A',
    };
}

static void
same(const struct vehicle_index *x, const struct model *m)
{
    const struct vehicle *v = vehicle_find(x, m->v.plate, m->v.plate_color);
    if (!m->there) {
        assert_null(v);
        return;
    }
    assert_non_null(v);
    assert_int_equal(v->plate.v, m->v.plate.v);
    assert_int_equal(v->status, m->v.status);
    assert_int_equal(v->vehicle_color, m->v.vehicle_color);
    assert_span_equal(vehicle_owner(x, v->owner), m->owner);
}

static bool
count_row(void *arg, const struct vehicle *v)
{
    assert_int_not_equal(v->plate.v, 0);
    ++*(size_t *)arg;
    return true;
}

static void
all_same(const struct vehicle_index *x, const struct model *m, size_t n)
{
    size_t there = 0, seen = 0;
    for (size_t i = 0; i < n; i++) {
        same(x, &m[i]);
        there += m[i].there;
    }
    assert_int_equal(vehicle_count(x), there);
    vehicle_each(x, count_row, &seen);
    assert_int_equal(seen, there);
}

/* 2 models a plate: blue (5) and yellow (6). */
static struct vehicle_index *
base_of(struct kit_rand *r, struct model *m)
{
    struct vehicle rows[PLATES * 2 + 10];
    struct span owners[3] = {SPAN("张**"), SPAN("运输一公司"), SPAN("李*")};
    const char *const text[3] = {"张**", "运输一公司", "李*"};
    size_t n = 0;
    for (unsigned i = 0; i < 2 * PLATES; i++) {
        m[i] = (struct model){0};
        m[i].v = make(r, i / 2, (uint8_t)(5 + i % 2));
        m[i].there = kit_rand_below(r, 10) < (i % 2 ? 2 : 8);
        if (!m[i].there)
            continue;
        unsigned owner = kit_rand_below(r, 4);
        m[i].v.owner = owner;
        if (owner)
            snprintf(m[i].owner, sizeof m[i].owner, "%s", text[owner - 1]);
        rows[n++] = m[i].v;
    }
    for (unsigned i = 0; i < 10; i++) { /* given twice: the later row counts */
        for (size_t k = 0; k < 2 * PLATES; k++) {
            if (m[k].there && m[k].v.plate.v == rows[i].plate.v &&
                m[k].v.plate_color == rows[i].plate_color) {
                m[k].v.status ^= 1;
                rows[n++] = m[k].v;
            }
        }
    }
    struct vehicle_index *x = vehicle_index_new(rows, n, owners, 3, 7);
    assert_non_null(x);
    return x;
}

static void
finds_what_is_there(void **state)
{
    (void)state;
    struct kit_rand r = {1};
    static struct model m[2 * PLATES];
    struct vehicle_index *x = base_of(&r, m);
    all_same(x, m, 2 * PLATES);
    assert_int_equal(vehicle_version(x), 7);
    assert_null(vehicle_find(x, PLATE_NONE, 0));
    assert_null(vehicle_find(x, plate_no(PLATES + 5), 0));
    assert_null(vehicle_find(NULL, plate_no(1), 0));
    for (unsigned i = 0; i < PLATES; i++) { /* any colour */
        const struct vehicle *v = vehicle_find(x, m[2 * i].v.plate, 0);
        assert_true((v != NULL) == (m[2 * i].there || m[2 * i + 1].there));
    }
    vehicle_index_unref(x);
}

static void
changes_hide_the_base(void **state)
{
    (void)state;
    struct kit_rand r = {2};
    static struct model m[2 * PLATES];
    struct vehicle_index *x = base_of(&r, m);
    for (unsigned round = 0; round < 200; round++) {
        unsigned i = kit_rand_below(&r, 2 * PLATES);
        bool remove = kit_rand_below(&r, 3) == 0;
        struct span owner = SPAN("新主*");
        if (remove) {
            m[i].there = false;
        } else {
            m[i].v = make(&r, i / 2, m[i].v.plate_color);
            m[i].there = true;
            snprintf(m[i].owner, sizeof m[i].owner, "新主*");
        }
        struct vehicle_index *y = vehicle_index_with(
            x, &m[i].v, remove ? NULL : &owner, 1, remove, 8 + round);
        assert_non_null(y);
        assert_int_equal(vehicle_version(y), 8 + round);
        vehicle_index_unref(x); /* the older snapshot may go first */
        x = y;
    }
    all_same(x, m, 2 * PLATES);
    assert_true(vehicle_delta(x) > 100);
    vehicle_index_unref(x);
}

static unsigned released;

static void
release(void *arg)
{
    free(arg);
    released++;
}

static void *
copy_of(const struct buf *b)
{
    void *p = malloc(b->n);
    assert_non_null(p);
    return memcpy(p, b->p, b->n);
}

static void
image_comes_back(void **state)
{
    (void)state;
    struct kit_rand r = {3};
    static struct model m[2 * PLATES];
    struct buf image = {0};
    struct vehicle_index *x = base_of(&r, m), *y = NULL;
    m[0].v = make(&r, 0, 5);
    m[0].there = true;
    snprintf(m[0].owner, sizeof m[0].owner, "王*");
    struct span owner = SPAN("王*");
    struct vehicle_index *z = vehicle_index_with(x, &m[0].v, &owner, 1, false, 99);
    vehicle_index_unref(x);
    vehicle_image(z, &image);
    assert_false(image.bad);
    vehicle_index_unref(z);
    released = 0;
    void *p = copy_of(&image);
    assert_int_equal(vehicle_index_open(p, image.n, release, p, &y), OK);
    assert_int_equal(vehicle_version(y), 99);
    assert_int_equal(vehicle_delta(y), 0);
    all_same(y, m, 2 * PLATES);
    vehicle_index_unref(y);
    assert_int_equal(released, 1);
    /* Any changed bit, and any cut, is refused. */
    for (unsigned i = 0; i < 64; i++) {
        p = copy_of(&image);
        ((uint8_t *)p)[kit_rand_below(&r, (uint32_t)image.n)] ^=
            (uint8_t)(1u << kit_rand_below(&r, 8));
        assert_int_not_equal(vehicle_index_open(p, image.n, release, p, &y), OK);
        p = copy_of(&image);
        size_t cut = kit_rand_below(&r, (uint32_t)image.n);
        assert_int_equal(vehicle_index_open(p, cut, release, p, &y), ERR_CORRUPT);
    }
    assert_int_equal(released, 129);
    image.p[8] = 2; /* layout */
    p = copy_of(&image);
    assert_int_equal(vehicle_index_open(p, image.n, release, p, &y), ERR_NEWER);
    buf_release(&image);
}

static void
empty_is_legal(void **state)
{
    (void)state;
    struct vehicle_index *x = vehicle_index_new(NULL, 0, NULL, 0, 0);
    assert_non_null(x);
    assert_int_equal(vehicle_count(x), 0);
    assert_null(vehicle_find(x, plate_no(1), 5));
    vehicle_index_unref(vehicle_index_ref(x));
    vehicle_index_unref(x);
    vehicle_index_unref(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(changes_hide_the_base),
        cmocka_unit_test(image_comes_back),
        cmocka_unit_test(empty_is_legal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
