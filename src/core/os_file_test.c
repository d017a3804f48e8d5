/* SPDX-License-Identifier: Apache-2.0 */
#include "core/os_file.h"

#include "kit/kit.h"

#include <fcntl.h>
#include <stdlib.h>

static void
files_live(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH];
    kit_temp_dir(dir);
    struct os_fs *fs = os_fs_real();
    struct note note = {0};
    kit_ok(os_join(path, sizeof path, dir, "a"), NULL);
    kit_ok(os_write_file(fs, path, SPAN("hello"), "test", &note), &note);
    kit_ok(os_write_file(fs, path, SPAN("hello again"), "test", &note), &note);
    char *text;
    size_t n;
    kit_ok(os_read_file(fs, path, 100, &text, &n, &note), &note);
    assert_string_equal(text, "hello again");
    free(text);
    assert_int_equal(os_read_file(fs, path, 5, &text, &n, &note), ERR_TOOBIG);

    struct os_file *f = NULL;
    kit_ok(os_open(fs, path, OS_WRITE, &f, &note), &note);
    kit_ok(os_preallocate(f, 200000), NULL);
    kit_ok(os_write_at(f, 131072, "tail", 4), NULL);
    kit_ok(os_sync(f, "test"), NULL);
    const void *map;
    kit_ok(os_map(f, 65536, 131072, &map), NULL);
    os_need(f, (const char *)map + 65000, 1000); /* a wish, over a page */
    assert_memory_equal((const char *)map + 65536, "tail", 4);
    os_unmap(f, map, 131072);
    char five[5];
    size_t got;
    kit_ok(os_read_at(f, 199998, five, 5, &got), NULL);
    assert_int_equal(got, 2);
    assert_int_equal(os_read_full(f, 199998, five, 5), ERR_CORRUPT);
    kit_ok(os_lock(f), NULL);
    struct os_file *other = NULL;
    kit_ok(os_open(fs, path, OS_WRITE, &other, &note), &note);
    assert_int_equal(os_lock(other), ERR_CONFLICT);
    os_close(&other);
    os_close(&f);
    os_close(&f);
    assert_true(f == NULL);
    kit_remove_tree(dir);
}

static void
errors_name_the_path(void **state)
{
    (void)state;
    struct note note = {0};
    struct os_file *f = NULL;
    assert_int_equal(
        os_open(os_fs_real(), "/nonexistent/x", OS_READ, &f, &note), ERR_NOTFOUND);
    assert_non_null(strstr(note.en, "/nonexistent/x"));
    assert_non_null(strstr(note.zh, "/nonexistent/x"));
    char small[4];
    assert_int_equal(os_join(small, sizeof small, "abc", "d"), ERR_TOOBIG);
}

/* Thousands of mapped segments need no descriptor each. */
static void
maps_outlive_their_descriptor(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH], b[4];
    struct note note = {0};
    struct os_file *f;
    const void *map;
    size_t got;
    kit_temp_dir(dir);
    kit_ok(os_join(path, sizeof path, dir, "f"), NULL);
    kit_ok(os_write_file(os_fs_real(), path, SPAN("abcd"), "test", &note), &note);
    kit_ok(os_open(os_fs_real(), path, OS_READ, &f, &note), &note);
    kit_ok(os_map(f, 0, 4, &map), NULL);
    assert_true(os_fd(f) >= 0);
    int fd = os_fd(f);
    os_only_map(f);
    os_only_map(f);
    assert_int_equal(os_fd(f), -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(os_read_at(f, 0, b, 4, &got), ERR_IO);
    kit_ok(os_unlink(os_fs_real(), path), NULL);
    os_need(f, map, 4);
    assert_memory_equal(map, "abcd", 4);
    os_unmap(f, map, 4);
    os_close(&f);
    kit_remove_tree(dir);
}

static void
count_names(void *arg, const char *name)
{
    char *seen = arg;
    strncat(seen, name, 8);
}

static void
directories_list_sorted(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH], seen[64] = "";
    struct note note = {0};
    kit_temp_dir(dir);
    for (const char *name = "c\0a\0b\0"; *name; name += 2) {
        kit_ok(os_join(path, sizeof path, dir, name), NULL);
        kit_ok(os_mkdir(os_fs_real(), path, &note), &note);
        kit_ok(os_mkdir(os_fs_real(), path, &note), &note);
    }
    kit_ok(os_list(os_fs_real(), dir, count_names, seen), NULL);
    assert_string_equal(seen, "abc");
    uint64_t free_bytes, total;
    kit_ok(os_space(os_fs_real(), dir, &free_bytes, &total), NULL);
    assert_true(free_bytes > 0 && free_bytes <= total);
    kit_remove_tree(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_live),
        cmocka_unit_test(errors_name_the_path),
        cmocka_unit_test(maps_outlive_their_descriptor),
        cmocka_unit_test(directories_list_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
