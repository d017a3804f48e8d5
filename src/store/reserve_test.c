/* SPDX-License-Identifier: Apache-2.0 */
/* A disk whose free space the test sets; everything else goes to the machine's own. */
#include "store/reserve.h"

#include "kit/kit.h"

#include <stdio.h>
#include <unistd.h>

static uint64_t room_left;
static struct os_fs_ops ops;

static enum err
told_space(struct os_fs *fs, const char *path, uint64_t *left, uint64_t *total)
{
    (void)fs;
    (void)path;
    *left = room_left;
    *total = 1u << 30;
    return OK;
}

static enum reserve_state
look(struct reserve *r, uint64_t left)
{
    enum reserve_state s;
    room_left = left;
    kit_ok(reserve_look(r, false, &s), NULL);
    assert_int_equal(reserve_state(r), s);
    return s;
}

static void
down_and_up_again(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH + 16];
    struct note note = {0};
    struct reserve *r = NULL;
    struct reserve_space space;
    enum reserve_state s;
    ops = *os_fs_real()->ops;
    ops.space = told_space;
    struct os_fs fs = {&ops, os_fs_real()->ctx};
    const struct reserve_limits limits = {
        .file = 1000, .refuse = 5000, .step = 2000, .spend = 500};
    kit_temp_dir(dir);
    snprintf(path, sizeof path, "%s/reserve", dir);
    room_left = 100000;
    kit_ok(reserve_open(&fs, dir, &limits, &r, &note), &note);
    assert_int_equal(reserve_state(r), RESERVE_PLENTY);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(look(r, 5001), RESERVE_PLENTY);
    assert_int_equal(look(r, 5000), RESERVE_REFUSE);
    assert_int_equal(access(path, F_OK), 0);         /* not given up yet */
    assert_int_equal(look(r, 7000), RESERVE_REFUSE); /* no flapping at the edge */
    assert_int_equal(look(r, 7001), RESERVE_PLENTY);
    assert_int_equal(look(r, 400), RESERVE_SPENT);
    assert_int_not_equal(access(path, F_OK), 0); /* its room is free now */
    reserve_space(r, &space);
    assert_int_equal(space.free_bytes, 400);
    assert_int_equal(space.reserve_bytes, 0);
    assert_int_equal(look(r, 1400), RESERVE_SPENT);
    assert_int_equal(look(r, 8000), RESERVE_SPENT); /* the file must fit besides */
    assert_int_equal(look(r, 8001), RESERVE_PLENTY);
    assert_int_equal(access(path, F_OK), 0);
    room_left = 90000; /* somebody met a full disk although the figure says otherwise */
    kit_ok(reserve_look(r, true, &s), NULL);
    assert_int_equal(s, RESERVE_SPENT);
    reserve_close(&r);
    room_left = 6000; /* opened at the edge: it starts as plenty, above the line */
    kit_ok(reserve_open(&fs, dir, &limits, &r, &note), &note);
    assert_int_equal(reserve_state(r), RESERVE_PLENTY);
    reserve_close(&r);
    reserve_close(&r);
    kit_remove_tree(dir);
}

static void
a_full_disk_can_be_opened(void **state)
{
    (void)state;
    char dir[OS_PATH], path[OS_PATH + 16];
    struct reserve *r = NULL;
    ops = *os_fs_real()->ops;
    ops.space = told_space;
    struct os_fs fs = {&ops, os_fs_real()->ctx};
    const struct reserve_limits limits = {
        .file = 1000, .refuse = 5000, .step = 2000, .spend = 500};
    kit_temp_dir(dir);
    snprintf(path, sizeof path, "%s/reserve", dir);
    room_left = 0;
    reserve_relieve(&fs, dir, &limits); /* nothing there to give */
    room_left = 100000;
    kit_ok(reserve_open(&fs, dir, &limits, &r, NULL), NULL);
    reserve_close(&r);
    room_left = 501;
    reserve_relieve(&fs, dir, &limits);
    assert_int_equal(access(path, F_OK), 0);
    room_left = 500;
    reserve_relieve(&fs, dir, &limits);
    assert_int_not_equal(access(path, F_OK), 0);
    kit_remove_tree(dir);
}

static void
defaults_make_sense(void **state)
{
    (void)state;
    struct reserve_limits l = reserve_limits_default();
    assert_true(l.spend < l.refuse && l.file > l.spend && l.step > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(down_and_up_again),
        cmocka_unit_test(a_full_disk_can_be_opened),
        cmocka_unit_test(defaults_make_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
