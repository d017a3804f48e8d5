/* SPDX-License-Identifier: Apache-2.0 */
/* A year in four steps: what a matter holds outlives passes and pictures, nothing else
 * does, and the receipts say what went. */
#include "daemon/retention.h"

#include "core/os_clock.h"
#include "daemon/base.h"
#include "daemon/op.h"
#include "kit/kit.h"
#include "store/ledger_alarm.h"
#include "store/ledger_matter.h"

#include <stdio.h>
#include <stdlib.h>

#define PASSES 6

struct rig {
    char dir[OS_PATH], data[OS_PATH];
    struct base *b;
    struct arena a;
    ts_ms now;
    int64_t today;
    struct sighting_id id[PASSES];
    struct span image[PASSES];
};

/* Pass i lies i * 10 days back and brings a picture. */
static void
store_passes(struct rig *r)
{
    static char bytes[PASSES][300];
    struct note note = {0};
    struct sighting_batch *b = sighting_batch_new(PASSES, 1u << 20);
    for (unsigned i = 0; i < PASSES; i++) {
        struct sighting *s = sighting_batch_add(b);
        bool differs;
        (void)plate_parse(SPAN("晋A00001"), &s->plate, &differs);
        s->site.v = 1;
        s->pass_ms = s->arrive_ms = r->now - i * 10 * DAY_MS;
        s->record_id = arena_fmt(&b->arena, "r%u", i);
        memset(bytes[i], 'a' + (int)i, sizeof bytes[i]);
        assert_true(
            sighting_batch_picture(b, i, span_of(bytes[i], sizeof bytes[i]), 1));
    }
    kit_ok(sight_append(r->b->sight, &b, 1, r->now, &note), &note);
    for (unsigned i = 0; i < PASSES; i++) {
        assert_int_equal(b->fate[i], FATE_STORED);
        r->id[i] = sighting_id_of(&b->rows[i]);
        r->image[i] = arena_span(&r->a, b->rows[i].image);
    }
    sighting_batch_free(b);
}

/* An alarm whose evidence is one pass, with a matter of its own. */
static void
alarm_about(struct rig *r, unsigned pass, const char *number)
{
    uint64_t journal;
    enum alarm_write what;
    struct alarm a = {
        .id = {pass + 1},
        .pass_ms = r->id[pass].pass_ms,
        .site = {1},
        .evidence_n = 1,
        .evidence = {{.id = r->id[pass]}}};
    struct matter_row m = {.open = true, .org = {1}};
    struct matter_entry e = {.kind = 1, .name = "open"};
    struct matter_change c = {.m = &m, .events = &e, .events_n = 1};
    snprintf(a.rule, sizeof a.rule, "watch");
    snprintf(m.number, sizeof m.number, "%s", number);
    snprintf(m.kind, sizeof m.kind, "alarm");
    kit_ok(ledger_begin(r->b->ledger), NULL);
    kit_ok(ledger_alarm_put(r->b->ledger, &a, SPAN(""), r->now, &what, &journal), NULL);
    kit_ok(ledger_matter_put(r->b->ledger, &c, &journal), NULL);
    kit_ok(ledger_alarm_link(r->b->ledger, a.id, m.id), NULL);
    kit_ok(ledger_commit(r->b->ledger, NULL), NULL);
}

static int
setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct zone zone;
    struct note note = {0};
    arena_init(&r->a, 16u << 20);
    r->now = os_now_ms();
    kit_temp_dir(r->dir);
    kit_ok(os_join(r->data, sizeof r->data, r->dir, "data"), NULL);
    kit_ok(zone_parse(SPAN("Asia/Shanghai"), &zone, &note), &note);
    r->today = civil_day(r->now, &zone);
    kit_ok(base_init(r->data, &zone, r->now, &note), &note);
    kit_ok(base_finish(r->data, &note), &note);
    struct base_opts opts = {.dir = r->data, .now = r->now};
    kit_ok(base_open(&opts, &r->b, &note), &note);
    store_passes(r);
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct rig *r = *state;
    base_close(&r->b, r->now);
    arena_release(&r->a);
    kit_remove_tree(r->dir);
    free(r);
    return 0;
}

static unsigned
walk(struct rig *r, int keep_passes, int keep_pictures)
{
    struct note note = {0};
    struct retention *plan =
        retention_new(r->today - keep_passes, r->today - keep_pictures);
    unsigned steps = 0;
    bool more = true;
    kit_ok(
        retention_gather(
            plan, r->b->sight, ledger_as_reader(r->b->ledger), &r->b->zone, &note),
        &note);
    for (; more; steps++)
        kit_ok(retention_hold(plan, r->b->sight, 1, &more, &note), &note);
    kit_ok(retention_drop(plan, r->b->sight, &note), &note);
    assert_int_equal(retention_days(plan, r->b->sight, &r->b->zone), 0);
    kit_ok(retention_receipts(plan, r->b->audit, r->now), NULL);
    retention_free(plan);
    return steps;
}

static bool
pictured(struct rig *r, unsigned pass)
{
    struct span bytes;
    enum err e = sight_picture(r->b->sight, r->image[pass], &r->a, &bytes, NULL);
    assert_true(e == OK || e == ERR_NOTFOUND);
    return e == OK;
}

static bool
stored(struct rig *r, unsigned pass)
{
    struct sighting s;
    struct sight_snap *snap = sight_snapshot(r->b->sight);
    enum err e = sight_fetch(snap, r->id[pass], &r->a, &s);
    sight_snap_free(snap);
    assert_true(e == OK || e == ERR_NOTFOUND);
    return e == OK;
}

static bool
held(struct rig *r, const char *matter, unsigned pass)
{
    struct sighting *rows;
    struct span bytes;
    size_t n;
    struct note note;
    if (sight_held(r->b->sight, span_cstr(matter), &r->a, &rows, &n, &note) != OK)
        return false;
    assert_int_equal(n, 1);
    assert_true(sighting_id_eq(sighting_id_of(&rows[0]), r->id[pass]));
    kit_ok(
        sight_held_picture(
            r->b->sight, span_cstr(matter), r->image[pass], &r->a, &bytes, &note),
        &note);
    assert_int_equal(bytes.n, 300);
    assert_int_equal(bytes.p[299], 'a' + (int)pass);
    return true;
}

static const struct audit_record *
newest_receipt(struct rig *r, size_t *n)
{
    struct audit_row *rows;
    struct audit_query q = {.action = SPAN("purge"), .cap = 10};
    kit_ok(audit_read(r->b->audit, &q, &r->a, &rows, n), NULL);
    return *n ? &rows[0].record : NULL;
}

static int64_t
reach(struct rig *r, int keep_passes, int keep_pictures)
{
    struct retention *plan =
        retention_new(r->today - keep_passes, r->today - keep_pictures);
    int64_t days = retention_days(plan, r->b->sight, &r->b->zone);
    retention_free(plan);
    return days;
}

static bool
says(const struct audit_record *rec, const char *words)
{
    return memmem(rec->detail.p, rec->detail.n, words, strlen(words)) != NULL;
}

static void
pictures_go_before_passes(void **state)
{
    struct rig *r = *state;
    size_t n;
    uint64_t number;
    alarm_about(r, 4, "YJ-4");
    alarm_about(r, 2, "YJ-2");
    struct audit_record copy = {
        .at_ms = r->now,
        .class = AUDIT_CHANGE,
        .action = SPAN("backup"),
        .object = SPAN("/srv/copy")};
    kit_ok(audit_write(r->b->audit, &copy, &number), NULL);
    (void)walk(r, 365, 365);
    assert_null(newest_receipt(r, &n)); /* nothing went, nothing is said */
    assert_false(held(r, "YJ-4", 4));
    assert_int_equal(reach(r, 365, 365), 0);
    assert_int_equal(reach(r, 365, 25), 25);
    (void)walk(r, 365, 25); /* pictures of the passes 3, 4, 5 */
    for (unsigned i = 0; i < PASSES; i++) {
        assert_true(stored(r, i));
        assert_int_equal(pictured(r, i), i < 3);
    }
    assert_true(held(r, "YJ-4", 4));
    assert_false(held(r, "YJ-2", 2)); /* its day has not come */
    const struct audit_record *rec = newest_receipt(r, &n);
    assert_int_equal(n, 1);
    char day[TS_TEXT];
    day_format(day, r->today - 25);
    assert_int_equal(memcmp(rec->object.p, "pictures-before:", 16), 0);
    assert_memory_equal(rec->object.p + 16, day, 8);
    assert_true(says(rec, "packs=3 rows=0 "));
    assert_true(says(rec, "held_matters=1"));
    assert_true(says(rec, ".tqp"));
    assert_true(says(rec, "copies=/srv/copy@"));
    kit_ok(sight_verify(r->b->sight, true, NULL), NULL);
    /* then the passes themselves: what is held stays held */
    assert_int_equal(reach(r, 35, 15), 15);
    (void)walk(r, 35, 15);
    assert_int_equal(stored(r, 3), true);
    assert_false(stored(r, 4) || stored(r, 5));
    assert_true(held(r, "YJ-4", 4) && held(r, "YJ-2", 2));
    rec = newest_receipt(r, &n);
    assert_int_equal(n, 3); /* one a class that lost something */
    (void)walk(r, 35, 15);  /* the same night again: nothing left to do */
    (void)newest_receipt(r, &n);
    assert_int_equal(n, 3);
}

/* Few at a time; and what cannot be copied is not dropped. */
static void
evidence_first(void **state)
{
    struct rig *r = *state;
    struct note note = {0};
    bool more;
    char path[OS_PATH];
    alarm_about(r, 3, "YJ-3");
    alarm_about(r, 4, "YJ-4");
    alarm_about(r, 5, "YJ-5");
    kit_ok(os_join(path, sizeof path, r->data, "sight/held/YJ-5.tqh"), NULL);
    kit_ok(
        os_write_file(os_fs_real(), path, SPAN("not what it was"), "test", NULL), NULL);
    struct retention *plan = retention_new(r->today - 365, r->today - 15);
    kit_ok(
        retention_gather(
            plan, r->b->sight, ledger_as_reader(r->b->ledger), &r->b->zone, &note),
        &note);
    kit_ok(retention_hold(plan, r->b->sight, 2, &more, &note), &note);
    assert_true(more);
    assert_true(held(r, "YJ-3", 3) && held(r, "YJ-4", 4));
    assert_int_equal(retention_hold(plan, r->b->sight, 2, &more, &note), ERR_CORRUPT);
    retention_free(plan); /* stopped here: all is still there */
    for (unsigned i = 0; i < PASSES; i++)
        assert_true(pictured(r, i));
    kit_ok(os_unlink(os_fs_real(), path), NULL);
    unsigned steps = walk(r, 365, 15);
    assert_true(steps >= 3);
    assert_true(held(r, "YJ-5", 5));
    assert_false(pictured(r, 5));
}

/* Runs an operation of the command line; what it prints is in the arena. */
static enum err
run(struct rig *r, const char *op, json_t *args, struct span *out, struct note *note)
{
    struct door door = {.base = r->b, .reader = ledger_as_reader(r->b->ledger)};
    struct op_call call = {
        .door = &door,
        .args = args,
        .in = -1,
        .out = tmpfile(),
        .log = stderr,
        .login = "cli:test",
    };
    enum err e = op_find(op)->fn(&call, note);
    long n = ftell(call.out);
    char *bytes = arena_take(&r->a, (size_t)n + 1);
    rewind(call.out);
    assert_int_equal(fread(bytes, 1, (size_t)n, call.out), n);
    bytes[n] = 0;
    *out = span_of(bytes, (size_t)n);
    fclose(call.out);
    json_decref(args);
    return e;
}

/* A matter somebody looks under: its number. */
static const char *
inquiry(struct rig *r)
{
    struct span number;
    struct note note = {0};
    kit_ok(
        run(r, "matter_open",
            json_pack("{s:s, s:s}", "kind", "inquiry", "title", "old evidence"),
            &number, &note),
        &note);
    ((char *)(uintptr_t)number.p)[number.n - 1] = 0; /* its line feed */
    return number.p;
}

/* The archive of `tongqu export evidence`. */
static enum err
archive(
    struct rig *r, const char *alarm, const char *matter, struct span *out,
    struct note *note)
{
    return run(
        r, "evidence",
        json_pack(
            "{s:s, s:s, s:s}", "alarm", alarm, "matter", matter, "purpose", "inquiry"),
        out, note);
}

static bool
holds(struct span all, const void *part, size_t n)
{
    return memmem(all.p, all.n, part, n) != NULL;
}

static void
an_archive_has_what_the_matter_kept(void **state)
{
    struct rig *r = *state;
    struct note note = {0};
    struct span zip;
    char picture[300], id[SIGHTING_ID_TEXT];
    alarm_about(r, 1, "YJ-1");
    alarm_about(r, 2, "YJ-2");
    const char *matter = inquiry(r);
    (void)walk(r, 5, 5);
    assert_false(stored(r, 1) || pictured(r, 1));
    kit_ok(archive(r, "0000000000000002", matter, &zip, &note), &note);
    memset(picture, 'b', sizeof picture);
    sighting_id_format(id, r->id[1]);
    assert_true(holds(zip, picture, sizeof picture) && holds(zip, id, strlen(id)));
    /* What nobody held is gone, and that is said. */
    char path[OS_PATH];
    kit_ok(os_join(path, sizeof path, r->data, "sight/held/YJ-2.tqh"), NULL);
    kit_ok(os_unlink(os_fs_real(), path), NULL);
    assert_int_equal(archive(r, "0000000000000003", matter, &zip, &note), ERR_NOTFOUND);
    assert_non_null(strstr(note.en, "is not stored"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pictures_go_before_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(evidence_first, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_archive_has_what_the_matter_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
