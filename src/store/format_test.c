/* SPDX-License-Identifier: Apache-2.0 */
#include "store/format.h"

#include "kit/kit.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void
write_file(const char *dir, const char *name, const char *text)
{
    char path[OS_PATH + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void
make(const char *dir)
{
    struct note note = {0};
    kit_ok(data_init(os_fs_real(), dir, &note), &note);
    kit_ok(data_finish(os_fs_real(), dir, "1.0", &note), &note);
}

static enum err
try_open(const char *dir, struct note *note)
{
    struct data *d = NULL;
    enum err e = data_open(os_fs_real(), dir, "1.0", NULL, NULL, &d, note);
    data_close(&d);
    return e;
}

static void
made_once(void **state)
{
    (void)state;
    char dir[OS_PATH];
    struct note note = {0};
    uint32_t format = 0;
    struct data *d = NULL;
    kit_temp_dir(dir);
    assert_int_equal(try_open(dir, &note), ERR_NOTFOUND);
    make(dir);
    assert_int_equal(data_init(os_fs_real(), dir, &note), ERR_CONFLICT);
    kit_ok(data_format(os_fs_real(), dir, &format, &note), &note);
    assert_int_equal(format, DATA_FORMAT);
    kit_ok(data_open(os_fs_real(), dir, "1.0", NULL, NULL, &d, &note), &note);
    assert_string_equal(data_dir(d), dir);
    assert_ptr_equal(data_fs(d), os_fs_real());
    data_close(&d);
    kit_remove_tree(dir);
}

static void
newer_and_damaged_are_refused(void **state)
{
    (void)state;
    char dir[OS_PATH];
    struct note note = {0};
    kit_temp_dir(dir);
    make(dir);
    write_file(dir, "format", "tongqu-data 2 9.9\n");
    assert_int_equal(try_open(dir, &note), ERR_NEWER);
    assert_int_equal(err_row(ERR_NEWER)->exit_status, 3);
    const char *const bad[] = {
        "", "tongqu-data", "tongqu-data x 1", "tongqu-data 0 1", "?"};
    for (unsigned i = 0; i < 5; i++) {
        write_file(dir, "format", bad[i]);
        assert_int_equal(try_open(dir, &note), ERR_CORRUPT);
    }
    kit_remove_tree(dir);
}

static void
one_process_at_a_time(void **state)
{
    (void)state;
    char dir[OS_PATH];
    struct note note = {0};
    struct data *d = NULL;
    int status = 0;
    kit_temp_dir(dir);
    make(dir);
    kit_ok(data_open(os_fs_real(), dir, "1.0", NULL, NULL, &d, &note), &note);
    pid_t child = fork();
    if (child == 0)
        _exit(try_open(dir, NULL) == ERR_CONFLICT ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
    data_close(&d);
    assert_int_equal(try_open(dir, &note), OK);
    kit_remove_tree(dir);
}

/* Cut off before its end it is none, and the sentence says what to do. */
static void
unfinished_is_none(void **state)
{
    (void)state;
    char dir[OS_PATH];
    struct note note = {0};
    struct data *d = NULL;
    kit_temp_dir(dir);
    kit_ok(data_init(os_fs_real(), dir, &note), &note);
    assert_int_equal(try_open(dir, &note), ERR_NOTFOUND);
    assert_non_null(strstr(note.en, "not made to its end"));
    kit_ok(data_open_new(os_fs_real(), dir, &d, &note), &note);
    data_close(&d);
    assert_int_equal(try_open(dir, &note), ERR_NOTFOUND);
    assert_int_equal(data_init(os_fs_real(), dir, &note), ERR_CONFLICT);
    kit_ok(data_finish(os_fs_real(), dir, "1.0", &note), &note);
    kit_ok(try_open(dir, &note), &note);
    kit_remove_tree(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once),
        cmocka_unit_test(unfinished_is_none),
        cmocka_unit_test(newer_and_damaged_are_refused),
        cmocka_unit_test(one_process_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
