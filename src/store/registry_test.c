/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry.h"

#include "core/os_clock.h"
#include "kit/kit.h"
#include "store/ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct plate
plate_no(unsigned i)
{
    /* 晋A and five of 34 characters: enough for millions, not in order. */
    static const char set[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    static const char *const city[] = {"晋A", "晋B", "晋C", "晋K"};
    struct plate p;
    char text[32];
    bool differs;
    unsigned v = (i * 7919u) % 45435424u;
    int n = snprintf(text, sizeof text, "%s", city[i % 4]);
    for (unsigned k = 0; k < 5; k++, v /= 34)
        text[n++] = set[v % 34];
    text[n] = 0;
    (void)plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static struct registry_row
row_of(unsigned i)
{
    static const char *const owners[] = {"", "张**", "市公交公司", "李*", "运输一公司"};
    return (struct registry_row){
        .vehicle =
            {.plate = plate_no(i),
             .plate_color = 5,
             .status = 1u << (i % 20),
             .inspection_day = (int32_t)i,
             .vehicle_color = (uint8_t)(1 + i % 10),
             .use_nature = 'A'},
        .owner = span_cstr(owners[i % 5]),
    };
}

static void
import(struct registry *r, unsigned from, unsigned n, bool keep)
{
    struct note note = {0};
    struct registry_row rows[1000];
    kit_ok(registry_import_begin(r), NULL);
    for (unsigned i = 0; i < n; i += 1000) {
        unsigned m = n - i < 1000 ? n - i : 1000;
        for (unsigned k = 0; k < m; k++)
            rows[k] = row_of(from + i + k);
        kit_ok(registry_import_rows(r, rows, m, &note), &note);
    }
    kit_ok(registry_import_end(r, keep, &note), &note);
}

static void
check(struct registry *r, unsigned i, bool there)
{
    struct vehicle_index *x = registry_snapshot(r);
    struct registry_row want = row_of(i);
    const struct vehicle *v = vehicle_find(x, want.vehicle.plate, 5);
    assert_true((v != NULL) == there);
    if (v) {
        assert_int_equal(v->inspection_day, want.vehicle.inspection_day);
        struct span owner = vehicle_owner(x, v->owner);
        assert_int_equal(owner.n, want.owner.n);
        assert_memory_equal(owner.p, want.owner.p, owner.n);
    }
    vehicle_index_unref(x);
}

static uint64_t
count(struct registry *r)
{
    struct vehicle_index *x = registry_snapshot(r);
    uint64_t n = vehicle_count(x);
    vehicle_index_unref(x);
    return n;
}

static void
again(struct fixture *f, struct registry **r)
{
    registry_close(r);
    ledger_close(&f->l);
    kit_ok(ledger_open(os_fs_real(), f->dir, &f->l, &f->note), &f->note);
    f->r = ledger_as_reader(f->l);
    kit_ok(registry_open(os_fs_real(), f->dir, f->l, r, &f->note), &f->note);
}

static void
imports_and_starts(void **state)
{
    (void)state;
    struct fixture f;
    struct registry *r = NULL;
    char path[OS_PATH + 32];
    fixture_open(&f);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    kit_ok(registry_open(os_fs_real(), f.dir, f.l, &r, &f.note), &f.note);
    assert_int_equal(count(r), 0);
    import(r, 0, 5000, true);
    assert_int_equal(count(r), 5000);
    import(r, 5000, 100, false); /* given up */
    assert_int_equal(count(r), 5000);
    import(r, 4000, 3000, true); /* a thousand of them again */
    assert_int_equal(count(r), 7000);
    for (unsigned i = 0; i < 7000; i += 37)
        check(r, i, true);
    check(r, 7001, false);
    again(&f, &r); /* from the image */
    assert_int_equal(count(r), 7000);
    check(r, 6999, true);
    snprintf(path, sizeof path, "%s/registry.img", f.dir);
    registry_close(&r);
    assert_int_equal(truncate(path, 5000), 0); /* damaged: made anew from the ledger */
    kit_ok(registry_open(os_fs_real(), f.dir, f.l, &r, &f.note), &f.note);
    assert_int_equal(count(r), 7000);
    registry_close(&r);
    assert_int_equal(unlink(path), 0); /* absent */
    kit_ok(registry_open(os_fs_real(), f.dir, f.l, &r, &f.note), &f.note);
    check(r, 4500, true);
    struct registry_row none = row_of(1);
    none.vehicle.plate = PLATE_NONE;
    kit_ok(registry_import_begin(r), NULL);
    assert_int_equal(registry_import_rows(r, &none, 1, &f.note), ERR_INPUT);
    kit_ok(registry_import_end(r, true, &f.note), &f.note);
    registry_close(&r);
    kit_ok(ledger_begin(f.l), NULL);
    fixture_close(&f);
}

static void
single_rows(void **state)
{
    (void)state;
    struct fixture f;
    struct registry *r = NULL;
    fixture_open(&f);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    kit_ok(registry_open(os_fs_real(), f.dir, f.l, &r, &f.note), &f.note);
    import(r, 0, 1000, true);
    struct vehicle_index *before = registry_snapshot(r);
    kit_ok(ledger_begin(f.l), NULL);
    struct registry_row row = row_of(2000);
    kit_ok(registry_put(r, &row), NULL);
    kit_ok(registry_drop(r, plate_no(7), 5), NULL);
    assert_int_equal(registry_drop(r, plate_no(99999), 5), ERR_NOTFOUND);
    kit_ok(ledger_job_begin(f.l), NULL); /* this one is undone */
    row = row_of(3000);
    kit_ok(registry_put(r, &row), NULL);
    kit_ok(registry_drop(r, plate_no(8), 5), NULL);
    kit_ok(ledger_job_end(f.l, false), NULL);
    check(r, 2000, false); /* not before it is committed */
    kit_ok(ledger_commit(f.l, NULL), NULL);
    registry_publish(r);
    check(r, 2000, true);
    check(r, 7, false);
    check(r, 3000, false);
    check(r, 8, true);
    assert_int_equal(count(r), 1000);
    assert_non_null(vehicle_find(before, plate_no(7), 5)); /* old snapshots stay */
    vehicle_index_unref(before);
    kit_ok(ledger_begin(f.l), NULL); /* a group that fails */
    row = row_of(4000);
    kit_ok(registry_put(r, &row), NULL);
    ledger_rollback(f.l);
    registry_forget(r);
    registry_publish(r);
    check(r, 4000, false);
    again(&f, &r); /* the image is stale now: read from the ledger */
    check(r, 2000, true);
    check(r, 7, false);
    kit_ok(registry_save(r, &f.note), &f.note);
    again(&f, &r);
    check(r, 2000, true);
    assert_int_equal(count(r), 1000);
    registry_close(&r);
    kit_ok(ledger_begin(f.l), NULL);
    fixture_close(&f);
}

/* The figures of the task: printed, and checked with room for a busy machine. */
static void
a_city_of_vehicles(void **state)
{
    (void)state;
    struct fixture f;
    struct registry *r = NULL;
    unsigned n = kit_rounds(200000, 1500000);
    fixture_open(&f);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    kit_ok(registry_open(os_fs_real(), f.dir, f.l, &r, &f.note), &f.note);
    dur_us t0 = os_mono_us();
    import(r, 0, n, true);
    dur_us t1 = os_mono_us();
    uint64_t there = count(r);
    again(&f, &r);
    dur_us t2 = os_mono_us();
    registry_close(&r);
    dur_us t3 = os_mono_us();
    kit_ok(registry_open(os_fs_real(), f.dir, f.l, &r, &f.note), &f.note);
    dur_us t4 = os_mono_us();
    struct vehicle_index *x = registry_snapshot(r);
    struct plate *ask = malloc(n * sizeof *ask);
    assert_non_null(ask);
    for (unsigned i = 0; i < n; i++)
        ask[i] = plate_no((i * 2654435761u) % n);
    dur_us t5 = os_mono_us();
    uint64_t found = 0;
    for (unsigned i = 0; i < n; i++)
        found += vehicle_find(x, ask[i], 5) != NULL;
    dur_us t6 = os_mono_us();
    assert_int_equal(found, n);
    struct buf image = {0};
    vehicle_image(x, &image);
    print_message(
        "%llu vehicles: import %.0f rows/s, start %.0f ms, look-up %.0f ns, %.1f bytes "
        "each\n",
        (unsigned long long)there, (double)n * 1e6 / (double)(t1 - t0),
        (double)(t4 - t3) / 1e3, (double)(t6 - t5) * 1e3 / n,
        (double)image.n / (double)there);
    (void)t2;
    buf_release(&image);
    free(ask);
    vehicle_index_unref(x);
    registry_close(&r);
    kit_ok(ledger_begin(f.l), NULL);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_and_starts),
        cmocka_unit_test(single_rows),
        cmocka_unit_test(a_city_of_vehicles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
