/* SPDX-License-Identifier: Apache-2.0 */
/* The shim against SQLite itself: locks between connections, rollback journals, odd
 * corners. */
#include "store/vfs.h"

#include "kit/crash_disk.h"
#include "kit/kit.h"

#include <sqlite3.h>
#include <stdio.h>

static sqlite3 *
open_db(struct vfs *v, const char *path)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs_name(v));
    assert_int_equal(rc, SQLITE_OK);
    return db;
}

static int
run(sqlite3 *db, const char *text)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL);
}

static int
number(sqlite3 *db, const char *text)
{
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return n;
}

static void
with_mode(const char *mode)
{
    struct vfs *v = NULL;
    struct crash_disk *disk = crash_disk_new(3);
    crash_disk_root(disk, "/d");
    kit_ok(vfs_register(crash_disk_fs(disk), &v), NULL);
    sqlite3 *a = open_db(v, "/d/x.db"), *b = open_db(v, "/d/x.db");
    assert_int_equal(run(a, mode), SQLITE_OK);
    assert_int_equal(run(a, "CREATE TABLE t (n INTEGER)"), SQLITE_OK);
    assert_int_equal(run(a, "BEGIN IMMEDIATE"), SQLITE_OK);
    assert_int_equal(run(b, "BEGIN IMMEDIATE"), SQLITE_BUSY); /* one writer */
    assert_int_equal(run(a, "INSERT INTO t VALUES (1), (2)"), SQLITE_OK);
    assert_int_equal(number(b, "SELECT count(*) FROM t"), 0);
    assert_int_equal(run(a, "COMMIT"), SQLITE_OK);
    assert_int_equal(number(b, "SELECT count(*) FROM t"), 2);
    assert_int_equal(run(b, "BEGIN IMMEDIATE; INSERT INTO t VALUES (3)"), SQLITE_OK);
    assert_int_equal(run(b, "ROLLBACK"), SQLITE_OK);
    assert_int_equal(number(a, "SELECT count(*) FROM t"), 2);
    assert_int_equal(run(a, "PRAGMA temp_store = MEMORY; VACUUM"), SQLITE_OK);
    sqlite3_close(a);
    assert_int_equal(number(b, "SELECT count(*) FROM t"), 2);
    sqlite3_close(b);
    crash_disk_crash(disk, CRASH_LOSE);
    b = open_db(v, "/d/x.db");
    assert_int_equal(number(b, "SELECT count(*) FROM t"), 2);
    sqlite3_close(b);
    vfs_unregister(&v);
    vfs_unregister(&v);
    crash_disk_free(disk);
}

static void
write_ahead(void **state)
{
    (void)state;
    with_mode("PRAGMA journal_mode = WAL");
}

static void
rollback_journal(void **state)
{
    (void)state;
    with_mode("PRAGMA journal_mode = DELETE");
}

static void
full_disk_is_said(void **state)
{
    (void)state;
    struct vfs *v = NULL;
    struct crash_disk *disk = crash_disk_new(4);
    crash_disk_root(disk, "/d");
    kit_ok(vfs_register(crash_disk_fs(disk), &v), NULL);
    sqlite3 *a = open_db(v, "/d/x.db");
    assert_int_equal(
        run(a, "PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)"), SQLITE_OK);
    crash_disk_fail_once(disk, 1, ERR_FULL);
    assert_int_equal(run(a, "INSERT INTO t VALUES (1)"), SQLITE_FULL);
    assert_int_equal(run(a, "INSERT INTO t VALUES (1)"), SQLITE_OK);
    assert_int_equal(number(a, "SELECT count(*) FROM t"), 1);
    sqlite3_close(a);
    vfs_unregister(&v);
    crash_disk_free(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_ahead),
        cmocka_unit_test(rollback_journal),
        cmocka_unit_test(full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
