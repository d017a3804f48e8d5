/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: order, positions, new files, trimming, pins, a torn end and a hole in
 * the middle. */
#include "store/sight_journal.h"

#include "kit/crash_disk.h"
#include "kit/kit.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned reports;

static void
report(void *arg, enum err e, const struct note *what)
{
    (void)arg;
    assert_int_equal(e, ERR_CORRUPT);
    assert_true(what->en[0] && what->zh[0]);
    reports++;
}

static struct journal *
open_it(struct crash_disk *d)
{
    struct journal_opts o = {
        .fs = crash_disk_fs(d),
        .dir = "/d/journal",
        .file_bytes = 4096,
        .report = report};
    struct journal *j;
    struct note note = {0};
    kit_ok(journal_open(&o, 0, &j, &note), &note);
    return j;
}

/* A group of `batches` batches with rows numbered from *n on. */
static uint64_t
add_group(struct journal *j, unsigned batches, uint64_t *n)
{
    uint64_t lsn = 0;
    struct note note = {0};
    for (unsigned k = 0; k < batches; k++) {
        struct sighting_batch *b = sighting_batch_new(4, 1u << 16);
        for (unsigned i = 0; i < 4; i++) {
            char text[40];
            struct sighting *s = sighting_batch_add(b);
            int len = snprintf(text, sizeof text, "id-%llu", (unsigned long long)*n);
            s->pass_ms = (ts_ms)++ * n;
            s->record_id = arena_span(&b->arena, span_of(text, (size_t)len));
            b->fate[i] = i == 2 ? FATE_DUPLICATE : FATE_STORED;
        }
        assert_int_equal(journal_add(j, b, &lsn), OK);
        sighting_batch_free(b);
    }
    kit_ok(journal_commit(j, &note), &note);
    assert_int_equal(journal_lsn(j), lsn);
    return lsn;
}

struct seen {
    uint64_t batches, rows, last_lsn;
    ts_ms last;
};

static enum err
see(void *arg, struct sighting_batch *b)
{
    struct seen *s = arg;
    assert_true(b->lsn > s->last_lsn);
    s->last_lsn = b->lsn;
    s->batches++;
    for (size_t i = 0; i < b->n; i++) {
        uint64_t number;
        assert_true(b->rows[i].pass_ms > s->last);
        s->last = b->rows[i].pass_ms;
        assert_true(span_u64(span_skip(b->rows[i].record_id, 3), &number));
        assert_int_equal(number + 1, b->rows[i].pass_ms);
        s->rows++;
    }
    return OK;
}

static struct seen
read_all(struct journal *j, uint64_t from)
{
    struct seen s = {.last_lsn = from};
    struct note note = {0};
    kit_ok(journal_read(j, from, see, &s, &note), &note);
    return s;
}

static void
test_order(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(3);
    uint64_t n = 0, middle = 0;
    crash_disk_root(d, "/d");
    struct journal *j = open_it(d);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t lsn = add_group(j, 1 + i % 3, &n);
        middle = i == 30 ? lsn : middle;
    }
    assert_int_equal(read_all(j, 0).rows, n / 4 * 3);
    uint64_t behind = read_all(j, middle).batches;
    uint64_t end = journal_lsn(j);
    journal_close(j);
    j = open_it(d);
    assert_int_equal(journal_lsn(j), end);
    assert_int_equal(read_all(j, middle).batches, behind);
    /* nothing goes while a pin is held */
    struct note note = {0};
    struct journal_pin *pin = journal_pin(j);
    assert_int_equal(journal_pin_lsn(pin), end);
    assert_int_equal(journal_trim(j, end, &note), OK);
    assert_int_equal(journal_first(j), 0);
    assert_int_equal(journal_check(j, pin, &note), OK);
    journal_unpin(j, pin);
    assert_int_equal(journal_trim(j, middle, &note), OK);
    assert_true(journal_first(j) > 0 && journal_first(j) <= middle);
    assert_int_equal(read_all(j, middle).batches, behind);
    uint64_t lsn, bytes;
    uint32_t damaged;
    journal_stat(j, &lsn, &bytes, &damaged);
    assert_int_equal(lsn, end);
    assert_int_equal(damaged, 0);
    journal_close(j);
    crash_disk_free(d);
}

/* A group refused for a failing write never comes back, also when the bytes reached the
 * disk. */
static void
test_refused(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 4; k++) {
        struct crash_disk *d = crash_disk_new(k);
        uint64_t n = 0, lsn;
        crash_disk_root(d, "/d");
        struct journal *j = open_it(d);
        struct note note = {0};
        (void)add_group(j, 2, &n);
        struct sighting_batch *b = sighting_batch_new(1, 1u << 16);
        sighting_batch_add(b)->pass_ms = 7777;
        b->fate[0] = FATE_STORED;
        assert_int_equal(journal_add(j, b, &lsn), OK);
        crash_disk_fail_once(d, k, ERR_FULL);
        enum err e = journal_commit(j, &note);
        if (k < 3)
            assert_int_equal(e, ERR_FULL);
        sighting_batch_free(b);
        if (e == OK) {
            journal_close(j);
            crash_disk_free(d);
            continue;
        }
        assert_true(note.zh[0]);
        (void)add_group(j, 1, &n);
        assert_int_equal(read_all(j, 0).rows, 9);
        journal_close(j);
        crash_disk_crash(d, CRASH_KEEP);
        j = open_it(d);
        assert_int_equal(read_all(j, 0).rows, 9);
        journal_close(j);
        crash_disk_free(d);
    }
}

static void
first_file(void *arg, const char *name)
{
    char *dst = arg;
    if (!dst[0])
        assert_true(snprintf(dst, OS_PATH, "/d/journal/%s", name) < OS_PATH);
}

/* A damaged record loses the rest of its file, not of the journal, and is reported. */
static void
test_hole(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(5);
    uint64_t n = 0;
    char path[OS_PATH] = "";
    crash_disk_root(d, "/d");
    struct journal *j = open_it(d);
    for (unsigned i = 0; i < 60; i++)
        (void)add_group(j, 1, &n);
    uint64_t all = read_all(j, 0).rows;
    journal_close(j);
    assert_int_equal(os_list(crash_disk_fs(d), "/d/journal", first_file, path), OK);
    struct os_file *f;
    uint8_t byte = 0xEE;
    assert_int_equal(os_open(crash_disk_fs(d), path, OS_READ | OS_WRITE, &f, NULL), OK);
    assert_int_equal(os_write_at(f, 1200, &byte, 1), OK);
    os_close(&f);
    reports = 0;
    j = open_it(d);
    assert_int_equal(reports, 1);
    uint64_t left = read_all(j, 0).rows;
    assert_true(left > all / 2 && left < all);
    uint64_t lsn, bytes;
    uint32_t damaged;
    journal_stat(j, &lsn, &bytes, &damaged);
    assert_int_equal(damaged, 1);
    (void)add_group(j, 1, &n);
    assert_int_equal(read_all(j, 0).rows, left + 3);
    journal_close(j);
    crash_disk_free(d);
}

static void
spoil_at(struct crash_disk *d, const char *path, uint64_t at)
{
    struct os_file *f;
    uint8_t byte = 0xEE;
    assert_int_equal(os_open(crash_disk_fs(d), path, OS_READ | OS_WRITE, &f, NULL), OK);
    assert_int_equal(os_write_at(f, at, &byte, 1), OK);
    os_close(&f);
}

/* In the file that ends a life: a group behind the spot was written when all before it
 * was durable, so that it is damage; inside the last group it is a torn write. */
static void
test_damage_or_tear(void **state)
{
    (void)state;
    for (unsigned damage = 0; damage < 2; damage++) {
        struct crash_disk *d = crash_disk_new(7);
        uint64_t n = 0, lsn, bytes;
        uint32_t damaged;
        char path[OS_PATH] = "";
        crash_disk_root(d, "/d");
        struct journal *j = open_it(d);
        uint64_t whole = add_group(j, 1, &n), end = add_group(j, 5, &n);
        if (damage)
            end = add_group(j, 1, &n);
        journal_close(j);
        assert_int_equal(os_list(crash_disk_fs(d), "/d/journal", first_file, path), OK);
        spoil_at(d, path, 32 + whole + 40); /* behind the head of the file */
        reports = 0;
        j = open_it(d);
        journal_stat(j, &lsn, &bytes, &damaged);
        assert_int_equal(damaged, damage);
        assert_int_equal(reports, damage);
        assert_int_equal(lsn, damage ? end : whole); /* no position is given twice */
        assert_int_equal(read_all(j, 0).rows, 3);
        (void)add_group(j, 1, &n);
        assert_int_equal(read_all(j, 0).rows, 6);
        journal_close(j);
        crash_disk_free(d);
    }
}

static void
test_newer(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(6);
    uint64_t n = 0;
    char path[OS_PATH] = "";
    struct note note = {0};
    crash_disk_root(d, "/d");
    struct journal *j = open_it(d);
    (void)add_group(j, 1, &n);
    journal_close(j);
    assert_int_equal(os_list(crash_disk_fs(d), "/d/journal", first_file, path), OK);
    struct os_file *f;
    uint8_t version = 9;
    assert_int_equal(os_open(crash_disk_fs(d), path, OS_READ | OS_WRITE, &f, NULL), OK);
    assert_int_equal(os_write_at(f, 8, &version, 1), OK);
    os_close(&f);
    struct journal_opts o = {
        .fs = crash_disk_fs(d), .dir = "/d/journal", .file_bytes = 4096};
    assert_int_equal(journal_open(&o, 0, &j, &note), ERR_NEWER);
    crash_disk_free(d);
}

static enum err
no_space(struct os_fs *fs, const char *path, uint64_t *left, uint64_t *total)
{
    (void)fs;
    (void)path;
    *left = 0;
    *total = 1u << 30;
    return OK;
}

/* On a full disk it opens without a file to write to, and what it holds is read; the
 * first group makes the file when there is room again. */
static void
test_full(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(7);
    uint64_t n = 0;
    crash_disk_root(d, "/d");
    struct journal *j = open_it(d);
    uint64_t first = add_group(j, 2, &n);
    journal_close(j);
    struct os_fs_ops ops = *crash_disk_fs(d)->ops;
    ops.space = no_space;
    struct os_fs full = {&ops, crash_disk_fs(d)->ctx};
    struct journal_opts o = {
        .fs = &full, .dir = "/d/journal", .file_bytes = 4096, .report = report};
    struct note note = {0};
    for (int i = 0; i < 2; i++) {
        kit_ok(journal_open(&o, 0, &j, &note), &note);
        assert_int_equal(journal_lsn(j), first);
        assert_int_equal(read_all(j, 0).batches, 2);
        if (i == 1)
            assert_true(add_group(j, 1, &n) > first);
        journal_close(j);
    }
    j = open_it(d);
    assert_int_equal(read_all(j, 0).batches, 3);
    journal_close(j);
    crash_disk_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hole),  cmocka_unit_test(test_damage_or_tear),
        cmocka_unit_test(test_newer), cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
