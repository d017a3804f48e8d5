/* SPDX-License-Identifier: Apache-2.0 */
/* The chain as its writer and its readers see it. What a stranger's eye sees:
 * audit_verify_test.c. */
#include "store/audit.h"

#include "kit/kit.h"
#include "store/audit_format.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct audit_options made = {.make_key = true};

static struct audit *
open_at(const char *dir, bool thread)
{
    struct audit *a = NULL;
    struct note note = {0};
    struct audit_options opt = {.thread = thread, .make_key = true};
    kit_ok(audit_open(os_fs_real(), dir, &opt, 1000, &a, &note), &note);
    return a;
}

static uint64_t
put(struct audit *a, unsigned i, const char *action)
{
    uint64_t n = 0;
    char subject[64];
    snprintf(subject, sizeof subject, "subject %u", i);
    struct audit_record r = {
        .at_ms = 1000 + i,
        .class = i % 2 ? AUDIT_LOOK : AUDIT_CHANGE,
        .role = 2,
        .user = i % 5,
        .matter = i,
        .count = i % 3 ? i : AUDIT_NO_COUNT,
        .login = SPAN("zhou"),
        .address = SPAN("127.0.0.1"),
        .action = span_cstr(action),
        .object = SPAN("watch:1"),
        .purpose = SPAN("inquiry"),
        .subject = span_cstr(subject),
        .detail = SPAN("a \"detail\""),
    };
    kit_ok(audit_write(a, &r, &n), NULL);
    return n;
}

static void
numbers_and_links(void **state)
{
    (void)state;
    char dir[OS_PATH];
    kit_temp_dir(dir);
    struct audit *a = open_at(dir, false);
    for (unsigned i = 1; i <= 600; i++)
        assert_int_equal(put(a, i, "look.end"), i);
    assert_int_equal(audit_durable(a), 600);
    audit_close(&a, 2000);
    a = open_at(dir, false);
    assert_int_equal(audit_durable(a), 600);
    struct audit_head newest, sign;
    audit_heads(a, &newest, &sign);
    assert_int_equal(newest.number, 600);
    assert_int_equal(sign.number, 600); /* closing signed it */
    assert_memory_equal(newest.hash, sign.hash, 32);
    assert_int_equal(put(a, 601, "x"), 601);
    kit_ok(audit_sign(a, 3000, &sign), NULL);
    assert_int_equal(sign.number, 601);
    struct audit_head parsed;
    kit_ok(audit_head_parse(span_cstr(sign.line), &parsed), NULL);
    assert_int_equal(parsed.number, 601);
    sign.line[20] ^= 1;
    assert_int_equal(audit_head_parse(span_cstr(sign.line), &parsed), ERR_CORRUPT);
    audit_close(&a, 4000);
    kit_remove_tree(dir);
}

static bool
follow(void *arg, const struct audit_row *row)
{
    uint64_t *want = arg;
    assert_int_equal(row->record.number, *want);
    ++*want;
    return *want <= 900;
}

static void
reading_finds_what_was_written(void **state)
{
    (void)state;
    char dir[OS_PATH];
    struct arena arena;
    struct audit_row *rows;
    size_t n;
    kit_temp_dir(dir);
    arena_init(&arena, 64u << 20);
    struct audit *a = open_at(dir, true);
    for (unsigned i = 1; i <= 1000; i++)
        put(a, i, i % 10 ? "look.end" : "user.role");
    struct audit_query q = {.cap = 50};
    kit_ok(audit_read(a, &q, &arena, &rows, &n), NULL);
    assert_int_equal(n, 50);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows[i].record.number, 1000 - i);
    assert_span_equal(rows[0].record.subject, "subject 1000");
    assert_span_equal(rows[0].record.detail, "a \"detail\"");
    assert_int_equal(rows[0].record.count, 1000);
    q = (struct audit_query){.cap = 500, .action = SPAN("user."), .before = 501};
    kit_ok(audit_read(a, &q, &arena, &rows, &n), NULL);
    assert_int_equal(n, 50);
    assert_int_equal(rows[0].record.number, 500);
    assert_int_equal(rows[49].record.number, 10);
    q = (struct audit_query){
        .cap = 500, .user = 3, .class = AUDIT_LOOK, .from_ms = 1100, .to_ms = 1200};
    kit_ok(audit_read(a, &q, &arena, &rows, &n), NULL);
    assert_int_equal(n, 10); /* odd, 3 mod 5, 100..199 */
    q = (struct audit_query){.cap = 5, .object = SPAN("watch:2")};
    kit_ok(audit_read(a, &q, &arena, &rows, &n), NULL);
    assert_int_equal(n, 0);
    uint64_t want = 301;
    kit_ok(audit_each(a, 300, follow, &want), NULL);
    assert_int_equal(want, 901);
    audit_close(&a, 2000);
    arena_release(&arena);
    kit_remove_tree(dir);
}

struct load {
    struct audit *a;
    unsigned from;
};

static void *
write_some(void *arg)
{
    struct load *l = arg;
    for (unsigned i = 0; i < 200; i++)
        put(l->a, l->from + i, "look.end");
    return NULL;
}

static void
many_threads_share_syncs(void **state)
{
    (void)state;
    for (unsigned thread = 0; thread < 2; thread++) {
        char dir[OS_PATH];
        kit_temp_dir(dir);
        struct audit *a = open_at(dir, thread);
        pthread_t threads[8];
        struct load load[8];
        for (unsigned i = 0; i < 8; i++) {
            load[i] = (struct load){a, 1000 * i};
            pthread_create(&threads[i], NULL, write_some, &load[i]);
        }
        for (unsigned i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(audit_durable(a), 1600);
        audit_close(&a, 1);
        a = open_at(dir, false);
        assert_int_equal(audit_durable(a), 1600);
        audit_close(&a, 1);
        kit_remove_tree(dir);
    }
}

static void
long_texts_are_cut(void **state)
{
    (void)state;
    char dir[OS_PATH], big[6000];
    struct arena arena;
    struct audit_row *rows;
    size_t n;
    uint64_t number;
    kit_temp_dir(dir);
    arena_init(&arena, 1u << 20);
    struct audit *a = open_at(dir, false);
    memset(big, 0, sizeof big);
    for (size_t i = 0; i + 3 < sizeof big; i += 3)
        memcpy(big + i, "京", 3);
    struct audit_record r = {.action = SPAN("x"), .detail = span_cstr(big)};
    kit_ok(audit_write(a, &r, &number), NULL);
    struct audit_query q = {.cap = 1};
    kit_ok(audit_read(a, &q, &arena, &rows, &n), NULL);
    struct span d = rows[0].record.detail;
    assert_true(d.n <= AUDIT_TEXT_MAX && d.n > AUDIT_TEXT_MAX - 4);
    assert_memory_equal(d.p + d.n - 3, "…", 3);
    assert_int_equal((d.n - 3) % 3, 0);
    audit_close(&a, 1);
    arena_release(&arena);
    kit_remove_tree(dir);
}

/* ---- after a crash ---- */

static void
part_path(char dst[OS_PATH + 40], const char *dir)
{
    snprintf(dst, OS_PATH + 40, "%s/audit/000000000001.tqa", dir);
}

static void
forget_heads(const char *dir)
{
    char path[OS_PATH + 40];
    snprintf(path, sizeof path, "%s/audit/heads", dir);
    assert_int_equal(unlink(path), 0);
}

static void
a_torn_tail_is_set_aside(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH + 40];
    kit_temp_dir(dir);
    struct audit *a = open_at(dir, false);
    for (unsigned i = 1; i <= 20; i++)
        put(a, i, "look.end");
    audit_close(&a, 1);
    forget_heads(dir); /* as if it had never been closed */
    part_path(path, dir);
    char *text;
    size_t n;
    kit_ok(os_read_file(os_fs_real(), path, 1u << 20, &text, &n, NULL), NULL);
    free(text);
    assert_int_equal(truncate(path, (off_t)n - 10), 0);
    a = open_at(dir, false);
    assert_int_equal(audit_durable(a), 20); /* 19, and the one that says so */
    struct arena arena;
    struct audit_row *rows;
    arena_init(&arena, 1u << 20);
    struct audit_query q = {.cap = 1};
    kit_ok(audit_read(a, &q, &arena, &rows, &n), NULL);
    assert_span_equal(rows[0].record.action, "audit.torn");
    char torn[OS_PATH + 40];
    snprintf(torn, sizeof torn, "%s/audit/torn-000000000020", dir);
    assert_int_equal(access(torn, R_OK), 0);
    audit_close(&a, 1);
    arena_release(&arena);
    kit_remove_tree(dir);
}

static enum err
open_damaged(const char *dir)
{
    struct audit *a = NULL;
    struct note note = {0};
    enum err e = audit_open(os_fs_real(), dir, &made, 1, &a, &note);
    if (!e)
        audit_close(&a, 1);
    else
        assert_int_not_equal(note.zh[0], 0);
    return e;
}

static void
flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
    fputc(c ^ 1, f);
    fclose(f);
}

static void
durable_damage_is_refused(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH + 40];
    kit_temp_dir(dir);
    struct audit *a = open_at(dir, false);
    for (unsigned i = 1; i <= 20; i++)
        put(a, i, "look.end");
    audit_close(&a, 1);
    part_path(path, dir);
    flip(path, 400); /* a signed head names record 20 */
    assert_int_equal(open_damaged(dir), ERR_CORRUPT);
    forget_heads(dir); /* later writes began behind it */
    assert_int_equal(open_damaged(dir), ERR_CORRUPT);
    flip(path, 400);
    assert_int_equal(open_damaged(dir), OK);
    flip(path, 30); /* the head of the file */
    assert_int_equal(open_damaged(dir), ERR_CORRUPT);
    flip(path, 30);
    /* A cut tail is seen through the heads kept inside, too. */
    assert_int_equal(truncate(path, 2000), 0);
    assert_int_equal(open_damaged(dir), ERR_CORRUPT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_damaged(dir), ERR_CORRUPT);
    kit_remove_tree(dir);
}

static bool disk_full;

static enum err
write_if_room(struct os_file *f, uint64_t off, const void *p, size_t n)
{
    return disk_full ? ERR_FULL : os_fs_real()->ops->write_at(f, off, p, n);
}

/* What found the disk full waits, its waiter is told; with room again it is written when
 * somebody asks, with no further record. */
static void
a_full_disk(void **state)
{
    (void)state;
    for (int thread = 0; thread < 2; thread++) {
        char dir[OS_PATH];
        uint64_t n;
        struct audit *a = NULL;
        struct note note = {0};
        struct os_fs_ops ops = *os_fs_real()->ops;
        ops.write_at = write_if_room;
        struct os_fs fs = {&ops, os_fs_real()->ctx};
        struct audit_options opt = {.thread = thread, .make_key = true};
        struct audit_record r = {.at_ms = 1, .action = SPAN("x")};
        kit_temp_dir(dir);
        kit_ok(audit_open(&fs, dir, &opt, 1, &a, &note), &note);
        kit_ok(audit_write(a, &r, &n), NULL);
        kit_ok(audit_flush(a), NULL); /* nothing waits */
        disk_full = true;
        assert_int_equal(audit_write(a, &r, &n), ERR_FULL);
        assert_int_equal(audit_flush(a), ERR_FULL);
        assert_int_equal(audit_durable(a), 1);
        disk_full = false;
        kit_ok(audit_flush(a), NULL);
        assert_int_equal(audit_durable(a), 2);
        audit_close(&a, 2);
        kit_remove_tree(dir);
    }
}

/* A head kept outside is held against the record: what it names is here, is not here
 * any more, or is something else. */
static void
a_head_from_outside(void **state)
{
    (void)state;
    char dir[OS_PATH], other[OS_PATH];
    struct audit_head h, wrong;
    enum audit_fit fit;
    kit_temp_dir(dir);
    kit_temp_dir(other);
    struct audit *a = open_at(dir, false), *b = open_at(other, false);
    for (unsigned i = 1; i <= 300; i++)
        put(a, i, "look.end");
    kit_ok(audit_sign(a, 7, &h), NULL);
    struct span line = span_cstr(h.line), first = span_cut(&line, '\n');
    kit_ok(audit_head_read(first, &wrong), NULL);
    assert_memory_equal(wrong.hash, h.hash, 32);
    kit_ok(audit_fit(a, &h, &fit), NULL);
    assert_int_equal(fit, AUDIT_FITS);
    put(a, 301, "look.end");
    kit_ok(audit_fit(a, &h, &fit), NULL);
    assert_int_equal(fit, AUDIT_FITS);
    wrong.number = 302;
    kit_ok(audit_fit(a, &wrong, &fit), NULL);
    assert_int_equal(fit, AUDIT_BEHIND);
    wrong.number = 299;
    kit_ok(audit_fit(a, &wrong, &fit), NULL);
    assert_int_equal(fit, AUDIT_OTHER);
    put(b, 1, "look.end");
    kit_ok(audit_fit(b, &h, &fit), NULL); /* of another key */
    assert_int_equal(fit, AUDIT_OTHER);
    audit_close(&a, 8);
    audit_close(&b, 8);
    kit_remove_tree(dir);
    kit_remove_tree(other);
}

/* A record that was begun and is not there is damage; one is not begun in its place. */
static void
a_begun_record_must_be_there(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH + 40];
    struct audit *a = NULL;
    struct note note = {0};
    const struct audit_options begun = {.make_key = true, .begun = true};
    kit_temp_dir(dir);
    assert_int_equal(audit_open(os_fs_real(), dir, &begun, 1, &a, &note), ERR_CORRUPT);
    snprintf(path, sizeof path, "%s/audit.key", dir);
    assert_int_not_equal(access(path, F_OK), 0);
    a = open_at(dir, false);
    audit_close(&a, 1);
    kit_ok(audit_open(os_fs_real(), dir, &begun, 1, &a, &note), &note);
    audit_close(&a, 1);
    snprintf(path, sizeof path, "%s/audit/000000000001.tqa", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(audit_open(os_fs_real(), dir, &begun, 1, &a, &note), ERR_CORRUPT);
    assert_non_null(strstr(note.en, "is missing: put it back"));
    kit_remove_tree(dir);
}

static void
without_its_key_it_does_not_open(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH + 40];
    struct audit *a = NULL;
    const struct audit_options opt = {0};
    struct note note = {0};
    kit_temp_dir(dir);
    assert_int_equal(audit_open(os_fs_real(), dir, &opt, 1, &a, &note), ERR_NOTFOUND);
    a = open_at(dir, false);
    audit_close(&a, 1);
    kit_ok(audit_open(os_fs_real(), dir, &opt, 1, &a, &note), &note);
    audit_close(&a, 1);
    snprintf(path, sizeof path, "%s/audit.key", dir);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(audit_open(os_fs_real(), dir, &opt, 1, &a, &note), ERR_CORRUPT);
    assert_int_equal(unlink(path), 0); /* nor with another one */
    assert_int_equal(audit_open(os_fs_real(), dir, &made, 1, &a, &note), ERR_CORRUPT);
    assert_non_null(strstr(note.en, "key"));
    kit_remove_tree(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_links),
        cmocka_unit_test(reading_finds_what_was_written),
        cmocka_unit_test(many_threads_share_syncs),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(a_torn_tail_is_set_aside),
        cmocka_unit_test(durable_damage_is_refused),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_head_from_outside),
        cmocka_unit_test(a_begun_record_must_be_there),
        cmocka_unit_test(without_its_key_it_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
