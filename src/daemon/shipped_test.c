/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions over an upgrade: untouched ones are renewed, changed ones stay, removed
 * ones stay away. */
#include "daemon/shipped.h"

#include "daemon/builtin.h"
#include "kit/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ALARM "loops/alarm.yaml"
#define FLIGHT "loops/flight.yaml"
#define PURPOSES "purposes.yaml"

struct town {
    char dir[OS_PATH];
    struct ledger *ledger;
    struct note note;
};

static struct span
ours(const char *path)
{
    for (const struct builtin_file *f = builtin_definitions(); f->path; f++)
        if (strcmp(f->path, path) == 0)
            return f->text;
    fail_msg("%s is not shipped", path);
    return SPAN("");
}

static void
begin(struct town *t)
{
    *t = (struct town){0};
    kit_temp_dir(t->dir);
    kit_ok(ledger_open(os_fs_real(), t->dir, &t->ledger, &t->note), &t->note);
    kit_ok(ledger_begin(t->ledger), NULL);
    kit_ok(shipped_write(t->dir, t->ledger, &t->note), &t->note);
    kit_ok(ledger_commit(t->ledger, &t->note), &t->note);
}

static void
end(struct town *t)
{
    ledger_close(&t->ledger);
    kit_remove_tree(t->dir);
}

static const char *
file(const struct town *t, const char *name)
{
    static char path[OS_PATH];
    int n = snprintf(path, sizeof path, "%s/definitions/%s", t->dir, name);
    assert_true(n > 0 && n < OS_PATH);
    return path;
}

static void
put(struct town *t, const char *name, struct span text)
{
    kit_ok(os_write_file(os_fs_real(), file(t, name), text, "t", &t->note), &t->note);
}

static bool
is(struct town *t, const char *name, struct span text)
{
    char *have;
    size_t n;
    if (os_read_file(os_fs_real(), file(t, name), 1 << 20, &have, &n, NULL) != OK)
        return false;
    bool same = span_eq(span_of(have, n), text);
    free(have);
    return same;
}

/* What an earlier release noted, or would have. */
static void
noted(struct town *t, const char *path, const char *hash)
{
    char key[64];
    snprintf(key, sizeof key, "shipped:%s", path);
    kit_ok(ledger_begin(t->ledger), NULL);
    kit_ok(ledger_meta_put(t->ledger, key, span_cstr(hash)), NULL);
    kit_ok(ledger_commit(t->ledger, &t->note), &t->note);
}

static void
bring(struct town *t)
{
    kit_ok(shipped_bring(t->dir, t->ledger, &t->note), &t->note);
}

static void
the_same_release_changes_nothing(void **state)
{
    struct town t;
    (void)state;
    begin(&t);
    bring(&t);
    assert_true(is(&t, ALARM, ours(ALARM)));
    put(&t, ALARM, SPAN("mine")); /* a city edits: no newer one is there */
    assert_int_equal(unlink(file(&t, FLIGHT)), 0);
    bring(&t);
    assert_true(is(&t, ALARM, SPAN("mine")));
    assert_int_equal(access(file(&t, FLIGHT), F_OK), -1);
    assert_null(shipped_waits(t.dir, 0));
    end(&t);
}

static void
an_upgrade_renews_what_nobody_touched(void **state)
{
    struct town t;
    (void)state;
    begin(&t);
    put(&t, ALARM, SPAN("of the release before"));
    noted(&t, ALARM, "845507514f0b86c4a480e4f7359da50f"); /* BLAKE2b-128 of that */
    bring(&t);
    assert_true(is(&t, ALARM, ours(ALARM)));
    assert_null(shipped_waits(t.dir, 0));
    end(&t);
}

static void
an_upgrade_keeps_what_the_city_wrote(void **state)
{
    struct town t;
    (void)state;
    begin(&t);
    put(&t, ALARM, SPAN("mine"));
    noted(&t, ALARM, "00000000000000000000000000000001");
    bring(&t);
    assert_true(is(&t, ALARM, SPAN("mine")));
    assert_true(is(&t, ALARM ".new", ours(ALARM)));
    assert_string_equal(shipped_waits(t.dir, 0), ALARM);
    assert_null(shipped_waits(t.dir, 1));
    bring(&t); /* told until somebody has looked */
    assert_string_equal(shipped_waits(t.dir, 0), ALARM);
    assert_int_equal(unlink(file(&t, ALARM ".new")), 0);
    bring(&t);
    assert_null(shipped_waits(t.dir, 0));
    assert_true(is(&t, ALARM, SPAN("mine")));
    /* Or it is taken over: then there is nothing beside it. */
    put(&t, ALARM ".new", ours(ALARM));
    put(&t, ALARM, ours(ALARM));
    bring(&t);
    assert_null(shipped_waits(t.dir, 0));
    end(&t);
}

/* 0.1.0 noted nothing and had no flight.yaml. */
static void
the_first_release_is_known(void **state)
{
    struct town t;
    (void)state;
    begin(&t);
    for (const struct builtin_file *f = builtin_definitions(); f->path; f++)
        noted(&t, f->path, "");
    assert_int_equal(unlink(file(&t, FLIGHT)), 0);
    assert_int_equal(unlink(file(&t, PURPOSES)), 0); /* by the city */
    put(&t, ALARM, SPAN("mine"));
    bring(&t);
    assert_true(is(&t, FLIGHT, ours(FLIGHT)));
    assert_int_equal(access(file(&t, PURPOSES), F_OK), -1);
    assert_true(is(&t, ALARM, SPAN("mine")));
    assert_true(is(&t, ALARM ".new", ours(ALARM)));
    end(&t);
}

/* A disk that takes nothing leaves the old ones, and is no reason not to start. */
static void
what_cannot_be_written_stays(void **state)
{
    struct town t;
    (void)state;
    begin(&t);
    put(&t, ALARM, SPAN("of the release before"));
    noted(&t, ALARM, "845507514f0b86c4a480e4f7359da50f");
    put(&t, ALARM ".tmp", SPAN(""));
    assert_int_equal(unlink(file(&t, ALARM ".tmp")), 0);
    kit_ok(os_mkdir(os_fs_real(), file(&t, ALARM ".tmp"), &t.note), &t.note);
    bring(&t);
    assert_true(is(&t, ALARM, SPAN("of the release before")));
    assert_int_equal(rmdir(file(&t, ALARM ".tmp")), 0);
    bring(&t);
    assert_true(is(&t, ALARM, ours(ALARM)));
    end(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_release_changes_nothing),
        cmocka_unit_test(an_upgrade_renews_what_nobody_touched),
        cmocka_unit_test(an_upgrade_keeps_what_the_city_wrote),
        cmocka_unit_test(the_first_release_is_known),
        cmocka_unit_test(what_cannot_be_written_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
