/* SPDX-License-Identifier: Apache-2.0 */
/* The machine: groups, jobs, readers, journal, schema. */
#include "store/ledger.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"
#include "store/ledger_look.h"
#include "store/ledger_sql.h"

#include <pthread.h>
#include <stdio.h>

static uint64_t
note_one(struct ledger *l, uint64_t object, const char *name)
{
    uint64_t n = 0;
    struct ledger_entry e = {
        .topic = TOPIC_SYSTEM, .object = object, .at_ms = 5, .payload = SPAN("ab\0c")};
    snprintf(e.name, sizeof e.name, "%s", name);
    kit_ok(ledger_note(l, &e, &n), NULL);
    return n;
}

static void
a_failed_job_is_undone_alone(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t value;
    struct ledger_entry *list;
    size_t n;
    fixture_open(&f);
    kit_ok(ledger_job_begin(f.l), NULL);
    assert_int_equal(note_one(f.l, 1, "first"), 1);
    kit_ok(ledger_next(f.l, "c", &value), NULL);
    kit_ok(ledger_job_end(f.l, true), NULL);
    kit_ok(ledger_job_begin(f.l), NULL);
    assert_int_equal(note_one(f.l, 2, "undone"), 2);
    kit_ok(ledger_next(f.l, "c", &value), NULL);
    assert_int_equal(value, 2);
    kit_ok(ledger_job_end(f.l, false), NULL);
    kit_ok(ledger_job_begin(f.l), NULL);
    assert_int_equal(note_one(f.l, 3, "third"), 2); /* the number came back */
    kit_ok(ledger_next(f.l, "c", &value), NULL);
    assert_int_equal(value, 2);
    kit_ok(ledger_job_end(f.l, true), NULL);
    fixture_again(&f);
    assert_int_equal(ledger_last(f.l), 2);
    kit_ok(ledger_journal_since(f.r, 0, 10, &f.a, &list, &n), NULL);
    assert_int_equal(n, 2);
    assert_string_equal(list[1].name, "third");
    assert_int_equal(list[1].object, 3);
    assert_int_equal(list[1].payload.n, 4);
    assert_memory_equal(list[1].payload.p, "ab\0c", 4);
    kit_ok(ledger_journal_since(f.r, 1, 10, &f.a, &list, &n), NULL);
    assert_int_equal(n, 1);
    fixture_close(&f);
}

static void
a_group_is_all_or_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct span v;
    fixture_open(&f);
    note_one(f.l, 1, "gone");
    kit_ok(ledger_meta_put(f.l, "k", SPAN("v")), NULL);
    ledger_rollback(f.l);
    assert_int_equal(ledger_last(f.l), 0);
    assert_int_equal(ledger_meta_find(f.r, "k", &f.a, &v), ERR_NOTFOUND);
    kit_ok(ledger_begin(f.l), NULL);
    kit_ok(ledger_meta_put(f.l, "k", SPAN("v1")), NULL);
    kit_ok(ledger_meta_put(f.l, "k", SPAN("v2")), NULL);
    fixture_again(&f);
    kit_ok(ledger_meta_find(f.r, "k", &f.a, &v), NULL);
    assert_span_equal(v, "v2");
    fixture_close(&f);
}

static void
meta_by_prefix(void **state)
{
    (void)state;
    struct fixture f;
    struct ledger_meta_row *rows;
    size_t n;
    fixture_open(&f);
    kit_ok(ledger_meta_put(f.l, "ask:2", SPAN("b")), NULL);
    kit_ok(ledger_meta_put(f.l, "ask:1", SPAN("a")), NULL);
    kit_ok(ledger_meta_put(f.l, "ask", SPAN("no")), NULL);
    kit_ok(ledger_meta_put(f.l, "ask;", SPAN("no")), NULL);
    kit_ok(ledger_meta_list(f.r, "ask:", 10, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 2);
    assert_span_equal(rows[0].key, "ask:1");
    assert_span_equal(rows[1].value, "b");
    kit_ok(ledger_meta_list(f.r, "ask:", 1, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    kit_ok(ledger_meta_list(f.r, "none:", 10, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 0);
    fixture_close(&f);
}

static void
readers_see_what_is_committed(void **state)
{
    (void)state;
    struct fixture f;
    struct ledger_reader *r;
    uint64_t n = 9;
    fixture_open(&f);
    kit_ok(ledger_reader_open(f.l, &r, &f.note), &f.note);
    note_one(f.l, 1, "x");
    kit_ok(ledger_journal_last(r, &n), NULL);
    assert_int_equal(n, 0);
    kit_ok(ledger_journal_last(f.r, &n), NULL);
    assert_int_equal(n, 1);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    kit_ok(ledger_journal_last(r, &n), NULL);
    assert_int_equal(n, 1);
    /* One state from begin to end. */
    kit_ok(ledger_reader_begin(r), NULL);
    kit_ok(ledger_journal_last(r, &n), NULL);
    kit_ok(ledger_begin(f.l), NULL);
    note_one(f.l, 2, "y");
    kit_ok(ledger_commit(f.l, NULL), NULL);
    kit_ok(ledger_journal_last(r, &n), NULL);
    assert_int_equal(n, 1);
    ledger_reader_end(r);
    kit_ok(ledger_journal_last(r, &n), NULL);
    assert_int_equal(n, 2);
    ledger_reader_close(&r);
    kit_ok(ledger_checkpoint(f.l), NULL);
    kit_ok(ledger_begin(f.l), NULL);
    fixture_close(&f);
}

struct reading {
    struct ledger_reader *r;
    bool *stop;
    unsigned rounds;
};

static void *
read_all_the_time(void *arg)
{
    struct reading *x = arg;
    struct arena a;
    arena_init(&a, 16u << 20);
    while (!__atomic_load_n(x->stop, __ATOMIC_ACQUIRE)) {
        struct ledger_entry *list;
        size_t n = 0;
        uint64_t last = 0;
        kit_ok(ledger_reader_begin(x->r), NULL);
        kit_ok(ledger_journal_last(x->r, &last), NULL);
        kit_ok(ledger_journal_since(x->r, 0, 100000, &a, &list, &n), NULL);
        ledger_reader_end(x->r);
        assert_int_equal(n, last);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(list[i].n, i + 1);
        arena_reset(&a);
        x->rounds++;
    }
    arena_release(&a);
    return NULL;
}

static void
readers_run_beside_the_writer(void **state)
{
    (void)state;
    struct fixture f;
    struct reading reading[2];
    pthread_t thread[2];
    bool stop = false;
    fixture_open(&f);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    for (unsigned i = 0; i < 2; i++) {
        reading[i] = (struct reading){.stop = &stop};
        kit_ok(ledger_reader_open(f.l, &reading[i].r, NULL), NULL);
        pthread_create(&thread[i], NULL, read_all_the_time, &reading[i]);
    }
    for (unsigned group = 0; group < 60; group++) {
        kit_ok(ledger_begin(f.l), NULL);
        for (unsigned job = 0; job < 20; job++)
            note_one(f.l, job, "n");
        kit_ok(ledger_commit(f.l, NULL), NULL);
        if (group % 10 == 9)
            kit_ok(ledger_checkpoint(f.l), NULL);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        assert_true(reading[i].rounds > 0);
        ledger_reader_close(&reading[i].r);
    }
    kit_ok(ledger_begin(f.l), NULL);
    fixture_close(&f);
}

static void
repeated_posts_find_their_answer(void **state)
{
    (void)state;
    struct fixture f;
    int status = 0;
    struct span reply;
    fixture_open(&f);
    assert_int_equal(
        ledger_once_find(f.r, 7, SPAN("k1"), &f.a, &status, &reply), ERR_NOTFOUND);
    kit_ok(ledger_once_put(f.l, 7, SPAN("k1"), 100, 201, SPAN("{}")), NULL);
    assert_int_equal(
        ledger_once_put(f.l, 7, SPAN("k1"), 101, 201, SPAN("{}")), ERR_CONFLICT);
    kit_ok(ledger_once_put(f.l, 8, SPAN("k1"), 102, 200, SPAN("x")), NULL);
    fixture_again(&f);
    kit_ok(ledger_once_find(f.r, 7, SPAN("k1"), &f.a, &status, &reply), NULL);
    assert_int_equal(status, 201);
    assert_span_equal(reply, "{}");
    kit_ok(ledger_once_purge(f.l, 102), NULL);
    assert_int_equal(
        ledger_once_find(f.r, 7, SPAN("k1"), &f.a, &status, &reply), ERR_NOTFOUND);
    kit_ok(ledger_once_find(f.r, 8, SPAN("k1"), &f.a, &status, &reply), NULL);
    fixture_close(&f);
}

/* ---- schema ---- */

static void
newer_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct ledger *l = NULL;
    fixture_open(&f);
    kit_ok(ledger_meta_put(f.l, "schema", SPAN("99")), NULL);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    ledger_close(&f.l);
    assert_int_equal(ledger_open(os_fs_real(), f.dir, &l, &f.note), ERR_NEWER);
    assert_null(l);
    assert_int_not_equal(f.note.zh[0], 0);
    arena_release(&f.a);
    kit_remove_tree(f.dir);
}

static unsigned asked_before;

static enum err
count_before(void *arg, unsigned from, struct note *note)
{
    (void)arg;
    (void)note;
    assert_int_equal(from, 1);
    asked_before++;
    return OK;
}

static void
older_is_brought_forward(void **state)
{
    (void)state;
    struct fixture f;
    const struct ledger_step steps[] = {
        {"SELECT 1"},
        {"CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT;"},
        {"INSERT INTO extra (id) VALUES (5);"},
    };
    const struct ledger_step broken[] = {
        {"SELECT 1"}, {"SELECT 1"}, {"SELECT 1"}, {"INSERT INTO nowhere VALUES (1)"}};
    struct sql q;
    bool row = false;
    fixture_open(&f);
    kit_ok(ledger_meta_put(f.l, "schema", SPAN("1")), NULL);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    asked_before = 0;
    kit_ok(ledger_migrate(f.r, steps, 3, count_before, NULL, &f.note), &f.note);
    assert_int_equal(asked_before, 1);
    kit_ok(sql_use(f.r, "SELECT id FROM extra", &q), NULL);
    kit_ok(sql_next(&q, &row), NULL);
    assert_int_equal(get_i64(&q), 5);
    sql_done(&q);
    kit_ok(ledger_migrate(f.r, steps, 3, count_before, NULL, &f.note), &f.note);
    assert_int_equal(asked_before, 1); /* nothing to do */
    assert_int_not_equal(ledger_migrate(f.r, broken, 4, NULL, NULL, &f.note), OK);
    kit_ok(ledger_migrate(f.r, steps, 3, NULL, NULL, &f.note), &f.note);
    arena_release(&f.a);
    ledger_close(&f.l);
    kit_remove_tree(f.dir);
}

/* Makes DIR/ledger.db as the release that knew only the first `n` steps left it. */
static void
ledger_of_old(const char *dir, unsigned n, const char *more)
{
    char path[OS_PATH];
    static struct ledger_reader r;
    memset(&r, 0, sizeof r);
    kit_ok(os_join(path, sizeof path, dir, "ledger.db"), NULL);
    assert_int_equal(sqlite3_open(path, &r.db), SQLITE_OK);
    kit_ok(sql_exec(&r, "PRAGMA journal_mode = WAL"), NULL);
    kit_ok(ledger_migrate(&r, ledger_steps, n, NULL, NULL, NULL), NULL);
    kit_ok(sql_exec(&r, more), NULL);
    for (size_t i = 0; i < SQL_CACHE; i++)
        sqlite3_finalize(r.cache[i].st);
    assert_int_equal(sqlite3_close(r.db), SQLITE_OK);
}

/* A ledger of every earlier schema opens, keeps what it had, and leaves a copy. */
static void
each_earlier_schema_opens(void **state)
{
    (void)state;
    for (unsigned n = 1; n < LEDGER_SCHEMA; n++) {
        char dir[OS_PATH], name[32], path[OS_PATH];
        struct note note = {0};
        struct ledger *l;
        struct look_row look;
        uint64_t size;
        bool is_dir;
        kit_temp_dir(dir);
        ledger_of_old(
            dir, n,
            "INSERT INTO look (number, at_ms, account, matter, purpose, kind, state,"
            " emergency, parameters, plate, from_ms, to_ms, count, why, confirm_by_ms,"
            " confirmed_by, confirmed_ms, accepted, confirm_note) VALUES"
            " (12, 5, 7, 3, 'inquiry', 2, 1, 0, x'', 0, 1, 2, 41, '', 0, 0, 0, -1, "
            "'')");
        kit_ok(ledger_open(os_fs_real(), dir, &l, &note), &note);
        kit_ok(ledger_look_find(ledger_as_reader(l), 12, &look), NULL);
        assert_int_equal(look.count, 41);
        assert_false(look.scope.answered);
        kit_ok(ledger_check(ledger_as_reader(l), &note), &note);
        ledger_close(&l);
        snprintf(name, sizeof name, "ledger-%u.bak", n);
        kit_ok(os_join(path, sizeof path, dir, name), NULL);
        kit_ok(os_stat(os_fs_real(), path, &size, &is_dir), NULL);
        kit_ok(ledger_open(os_fs_real(), dir, &l, &note), &note); /* and again */
        ledger_close(&l);
        kit_remove_tree(dir);
    }
}

static void
damage_is_said(void **state)
{
    (void)state;
    struct fixture f;
    struct ledger *l = NULL;
    char path[OS_PATH];
    fixture_open(&f);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    ledger_close(&f.l);
    kit_ok(os_join(path, sizeof path, f.dir, "ledger.db"), NULL);
    struct os_file *file;
    kit_ok(os_open(os_fs_real(), path, OS_WRITE, &file, NULL), NULL);
    kit_ok(os_write_at(file, 0, "this is no database at all", 26), NULL);
    os_close(&file);
    assert_int_equal(ledger_open(os_fs_real(), f.dir, &l, &f.note), ERR_CORRUPT);
    assert_int_not_equal(f.note.en[0], 0);
    arena_release(&f.a);
    kit_remove_tree(f.dir);
}

static void
a_copy_is_a_whole_ledger(void **state)
{
    (void)state;
    struct fixture f;
    struct ledger_reader *r;
    char dir[OS_PATH], path[OS_PATH];
    struct ledger *l = NULL;
    kit_temp_dir(dir);
    fixture_open(&f);
    note_one(f.l, 4, "kept");
    kit_ok(ledger_commit(f.l, NULL), NULL);
    kit_ok(ledger_reader_open(f.l, &r, NULL), NULL);
    kit_ok(ledger_begin(f.l), NULL); /* the writer goes on meanwhile */
    note_one(f.l, 5, "later");
    kit_ok(os_join(path, sizeof path, dir, "ledger.db"), NULL);
    kit_ok(ledger_copy(r, path, &f.note), &f.note);
    ledger_reader_close(&r);
    kit_ok(ledger_open(os_fs_real(), dir, &l, &f.note), &f.note);
    assert_int_equal(ledger_last(l), 1);
    kit_ok(ledger_check(ledger_as_reader(l), &f.note), &f.note);
    ledger_close(&l);
    kit_remove_tree(dir);
    fixture_close(&f);
}

/* The engine takes a group back by itself when the disk fails inside a statement; a
 * change after that would be kept alone, while its job is told that it failed. */
static void
a_lost_group_keeps_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct ledger_entry e = {.topic = TOPIC_SYSTEM, .object = 1, .name = "late"};
    uint64_t n;
    fixture_open(&f);
    note_one(f.l, 1, "kept");
    fixture_again(&f);
    note_one(f.l, 2, "early");
    assert_int_equal(sqlite3_exec(f.r->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(ledger_note(f.l, &e, &n), ERR_IO);
    assert_int_equal(ledger_meta_put(f.l, "k", SPAN("v")), ERR_IO);
    assert_int_equal(ledger_job_begin(f.l), ERR_IO);
    kit_ok(ledger_journal_last(f.r, &n), NULL); /* reading goes on */
    assert_int_equal(n, 1);
    assert_int_equal(ledger_commit(f.l, &f.note), ERR_IO);
    assert_int_equal(ledger_last(f.l), 1);

    /* Nobody knows what the disk holds: no group begins, and no change is made. */
    assert_int_equal(ledger_begin(f.l), ERR_IO);
    assert_false(ledger_in_group(f.l));
    assert_int_equal(ledger_note(f.l, &e, &n), ERR_IO);
    assert_int_equal(ledger_meta_put(f.l, "k", SPAN("v")), ERR_IO);
    kit_ok(ledger_journal_last(f.r, &n), NULL);
    assert_int_equal(n, 1);

    ledger_close(&f.l);
    kit_ok(ledger_open(os_fs_real(), f.dir, &f.l, &f.note), &f.note);
    f.r = ledger_as_reader(f.l);
    kit_ok(ledger_begin(f.l), NULL);
    assert_int_equal(note_one(f.l, 3, "again"), 2);
    fixture_close(&f);
}

static void
sizes_are_told(void **state)
{
    (void)state;
    struct fixture f;
    struct ledger_size size;
    fixture_open(&f);
    kit_ok(ledger_job_begin(f.l), NULL);
    kit_ok(ledger_job_end(f.l, false), NULL);
    kit_ok(ledger_commit(f.l, NULL), NULL);
    ledger_size(f.l, &size);
    assert_int_equal(size.commits, 1);
    assert_int_equal(size.jobs, 1);
    assert_int_equal(size.jobs_undone, 1);
    assert_true(size.file_bytes + size.wal_bytes > 0);
    kit_ok(ledger_begin(f.l), NULL);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_job_is_undone_alone),
        cmocka_unit_test(a_group_is_all_or_nothing),
        cmocka_unit_test(meta_by_prefix),
        cmocka_unit_test(readers_see_what_is_committed),
        cmocka_unit_test(readers_run_beside_the_writer),
        cmocka_unit_test(repeated_posts_find_their_answer),
        cmocka_unit_test(newer_is_refused),
        cmocka_unit_test(older_is_brought_forward),
        cmocka_unit_test(each_earlier_schema_opens),
        cmocka_unit_test(damage_is_said),
        cmocka_unit_test(a_copy_is_a_whole_ledger),
        cmocka_unit_test(a_lost_group_keeps_nothing),
        cmocka_unit_test(sizes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
