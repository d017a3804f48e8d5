/* SPDX-License-Identifier: Apache-2.0 */
/* Picture packs: references, days, damage, purge. */
#include "store/sight_pack.h"

#include "kit/crash_disk.h"
#include "kit/kit.h"

#include <stdlib.h>

#define DAY INT64_C(20514) /* 2026-03-02 */

static void
test_references(void **state)
{
    (void)state;
    struct pack_ref ref = {20260302, 8, 77, {1, 2, 3, 0xFF}}, got;
    char text[PACK_REF];
    assert_true(pack_ref_parse(span_cstr(pack_ref_format(text, &ref)), &got));
    assert_int_equal(got.day, ref.day);
    assert_int_equal(got.offset, ref.offset);
    assert_int_equal(got.length, ref.length);
    assert_memory_equal(got.hash, ref.hash, 16);
    static const char *const bad[] = {
        "",
        "pack:",
        "pack:20260302/8/77/",
        "pack:x/8/77/00000000000000000000000000000000",
        "pack:20260302/8/77/0000000000000000000000000000000",
        "pack:20260302/8/77/000000000000000000000000000000000",
        "pack:20260302/8/99999999999/00000000000000000000000000000000",
        "pack:20260302/8/77/zz000000000000000000000000000000",
        "http://x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(pack_ref_parse(span_cstr(bad[i]), &got));
}

static void
test_days(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(1);
    struct os_fs *fs = crash_disk_fs(d);
    struct packs *p;
    struct note note = {0};
    struct pack_ref ref[12];
    struct arena a;
    arena_init(&a, 1u << 20);
    crash_disk_root(d, "/d");
    kit_ok(packs_open(fs, "/d/packs", false, &p, &note), &note);
    /* the container's own name is made durable by the store that opens it */
    assert_int_equal(os_sync_dir(fs, "/d", "open.dir"), OK);
    for (unsigned i = 0; i < 12; i++) { /* more days than files held open */
        char bytes[300];
        memset(bytes, 'a' + (int)i, sizeof bytes);
        kit_ok(
            packs_add(p, DAY + i % 6, span_of(bytes, 100 + i), &ref[i], &note), &note);
    }
    kit_ok(packs_commit(p, &note), &note);
    packs_close(p);
    crash_disk_crash(d, CRASH_LOSE);
    kit_ok(packs_open(fs, "/d/packs", false, &p, &note), &note);
    struct span got;
    for (unsigned i = 0; i < 12; i++) {
        kit_ok(pack_read(fs, "/d/packs", &ref[i], &a, &got, &note), &note);
        assert_int_equal(got.n, 100 + i);
        assert_int_equal(got.p[99 + i], 'a' + (int)i);
    }
    assert_int_equal(ref[0].day, 20260302);
    uint32_t files;
    uint64_t bytes, before = packs_bytes(p);
    struct buf names = {0};
    uint32_t oldest;
    kit_ok(packs_oldest(p, &oldest), NULL);
    assert_int_equal(oldest, 20260302);
    assert_false(packs_dropped(p, 20260302));
    kit_ok(packs_purge(p, DAY + 2, &files, &bytes, &names, &note), &note);
    assert_int_equal(files, 2);
    assert_int_equal(names.n, 2 * 12 + 1);
    assert_non_null(memmem(names.p, names.n, "20260303.tqp", 12));
    kit_ok(packs_oldest(p, &oldest), NULL);
    assert_int_equal(oldest, 20260304);
    buf_release(&names);
    assert_int_equal(packs_bytes(p), before - bytes);
    assert_int_equal(pack_read(fs, "/d/packs", &ref[0], &a, &got, &note), ERR_NOTFOUND);
    kit_ok(pack_read(fs, "/d/packs", &ref[2], &a, &got, &note), &note);
    packs_close(p);
    /* that it was on purpose outlives the power, and goes forward only */
    crash_disk_crash(d, CRASH_LOSE);
    kit_ok(packs_open(fs, "/d/packs", false, &p, &note), &note);
    assert_true(packs_dropped(p, 20260303));
    assert_false(packs_dropped(p, 20260304));
    kit_ok(packs_purge(p, DAY + 1, &files, &bytes, NULL, &note), &note);
    assert_int_equal(files, 0);
    assert_true(packs_dropped(p, 20260303));
    packs_close(p);
    arena_release(&a);
    crash_disk_free(d);
}

static void
test_damage(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(1);
    struct os_fs *fs = crash_disk_fs(d);
    struct packs *p;
    struct note note = {0};
    struct pack_ref ref;
    struct arena a;
    struct span got;
    arena_init(&a, 1u << 20);
    crash_disk_root(d, "/d");
    kit_ok(packs_open(fs, "/d/packs", false, &p, &note), &note);
    kit_ok(packs_add(p, DAY, SPAN("a picture"), &ref, &note), &note);
    kit_ok(packs_commit(p, &note), &note);
    packs_close(p);
    struct os_file *f;
    uint64_t size;
    assert_int_equal(
        os_open(fs, "/d/packs/20260302.tqp", OS_READ | OS_WRITE, &f, &note), OK);
    assert_int_equal(os_size(f, &size), OK);
    for (uint64_t at = ref.offset; at < size; at++) {
        uint8_t was, is;
        size_t n;
        assert_int_equal(os_read_at(f, at, &was, 1, &n), OK);
        is = was ^ 1;
        assert_int_equal(os_write_at(f, at, &is, 1), OK);
        assert_int_equal(pack_read(fs, "/d/packs", &ref, &a, &got, &note), ERR_CORRUPT);
        assert_int_equal(os_write_at(f, at, &was, 1), OK);
    }
    assert_int_equal(os_truncate(f, size - 1), OK);
    assert_int_equal(pack_read(fs, "/d/packs", &ref, &a, &got, &note), ERR_CORRUPT);
    os_close(&f);
    arena_release(&a);
    crash_disk_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
