/* SPDX-License-Identifier: Apache-2.0 */
/* The container: tables, keys, texts and blobs come back; anything else is said to be
 * damaged. */
#include "store/sight_seg.h"

#include "core/hash.h"
#include "kit/crash_disk.h"
#include "kit/kit.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH "/d/v-0000000000000001.tqs"
#define ROWS 3000u

static const struct seg_shape shapes[2] = {{3, 1, 1024}, {1, 0, 256}};

static void
write_one(struct os_fs *fs)
{
    struct seg_writer *w;
    struct note note = {0};
    struct seg_meta meta = {.kind = SEG_VEHICLE, .seq = 1, .rows = ROWS, .min_ms = -5};
    kit_ok(seg_writer_open(fs, PATH, shapes, 2, &w, &note), &note);
    for (uint64_t i = 0; i < ROWS; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "row %u", (unsigned)i);
        if (seg_writer_first(w, 0))
            seg_writer_key(w, 0, 0, i * 10);
        uint64_t at = i % 7 ? 0 : 1 + seg_writer_text(w, 0, span_of(text, (size_t)n));
        seg_writer_row(w, 0, (uint64_t[]){hash_u64(i), i / 3, at});
        if (i % 2)
            seg_writer_row(w, 1, &i);
    }
    seg_writer_blob(w, 2, "hello", 5);
    kit_ok(seg_writer_finish(w, &meta, &note), &note);
}

static void
test_round_trip(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(1);
    struct seg *s;
    struct note note = {0};
    struct buf texts = {0};
    uint64_t v[3][COL_ROWS];
    crash_disk_root(d, "/d");
    write_one(crash_disk_fs(d));
    kit_ok(seg_open(crash_disk_fs(d), PATH, &s, &note), &note);
    assert_int_equal(s->meta.rows, ROWS);
    assert_int_equal(s->meta.min_ms, -5);
    assert_int_equal(s->table[0].blocks, 3);
    assert_int_equal(s->table[1].rows, ROWS / 2);
    assert_true(span_eq(s->blob[2], SPAN("hello")));
    for (uint64_t i = 0; i < ROWS; i++) {
        struct blk b;
        unsigned k = (unsigned)(i % 1024);
        assert_true(seg_block(s, 0, (size_t)(i / 1024), &b));
        if (k == 0) {
            assert_int_equal(seg_key(&s->table[0], (size_t)(i / 1024), 0), i * 10);
            for (unsigned c = 0; c < 3; c++)
                assert_true(blk_values(s, &b, c, v[c]));
            assert_true(blk_texts(s, &b, &texts));
        }
        assert_int_equal(v[0][k], hash_u64(i));
        assert_int_equal(v[1][k], i / 3);
        assert_int_equal(v[2][k] != 0, i % 7 == 0);
        if (!v[2][k])
            continue;
        struct cur c = cur_of(texts.p + v[2][k] - 1, texts.n - (size_t)v[2][k] + 1);
        uint64_t said;
        assert_true(span_u64(span_skip(cur_span(&c), 4), &said));
        assert_int_equal(said, i);
    }
    assert_true(seg_check(s));
    struct blk none;
    assert_false(seg_block(s, 0, 3, &none));
    buf_release(&texts);
    seg_unref(s);
    crash_disk_free(d);
}

/* Every byte of the file is either covered by a checksum or does not matter. */
static void
test_every_byte(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(1);
    struct os_fs *fs = crash_disk_fs(d);
    struct os_file *f;
    uint64_t size;
    crash_disk_root(d, "/d");
    write_one(fs);
    assert_int_equal(os_open(fs, PATH, OS_READ | OS_WRITE, &f, NULL), OK);
    assert_int_equal(os_size(f, &size), OK);
    size_t noticed = 0;
    for (uint64_t at = 0; at < size; at += 1 + at % 13) {
        uint8_t was, is;
        size_t got;
        struct seg *s;
        assert_int_equal(os_read_at(f, at, &was, 1, &got), OK);
        is = was ^ 0x40;
        assert_int_equal(os_write_at(f, at, &is, 1), OK);
        enum err e = seg_open(fs, PATH, &s, NULL);
        if (e == OK) {
            noticed += !seg_check(s);
            seg_unref(s);
        } else {
            assert_true(e == ERR_CORRUPT || e == ERR_NEWER);
            noticed++;
        }
        assert_int_equal(os_write_at(f, at, &was, 1), OK);
        (void)is;
    }
    /* what goes unnoticed: the reserved bytes of the head and the padding of
     * directories */
    assert_true(noticed > 1500);
    os_close(&f);
    crash_disk_free(d);
}

static void
test_cut_off(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(1);
    struct os_fs *fs = crash_disk_fs(d);
    struct os_file *f;
    uint64_t size;
    crash_disk_root(d, "/d");
    write_one(fs);
    assert_int_equal(os_open(fs, PATH, OS_READ | OS_WRITE, &f, NULL), OK);
    assert_int_equal(os_size(f, &size), OK);
    for (uint64_t n = size - 1; n > 0; n = n > 997 ? n - 997 : n - 1) {
        struct seg *s;
        assert_int_equal(os_truncate(f, n), OK);
        assert_int_equal(seg_open(fs, PATH, &s, NULL), ERR_CORRUPT);
    }
    os_close(&f);
    crash_disk_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
