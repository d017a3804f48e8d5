/* SPDX-License-Identifier: Apache-2.0 */
/* What every table's functions share: a list that does not fit says so, a statement is
 * free again after any end, a disk that fails at any operation gives an error and no
 * half row. */
#include "store/ledger_sql.h"

#include "kit/crash_disk.h"
#include "kit/kit.h"
#include "store/ledger_alarm.h"
#include "store/ledger_fixture.h"
#include "store/ledger_look.h"
#include "store/ledger_matter.h"
#include "store/ledger_people.h"
#include "store/ledger_place.h"
#include "store/ledger_watch.h"

#include <stdio.h>

/* One row in every table. */
static enum err
fill(struct ledger *l, unsigned i)
{
    char text[16];
    uint64_t n;
    enum alarm_write what;
    struct zone_point ring[3] = {{1, 1}, {2, 2}, {3, 1}};
    struct zone_window window = {127, 0, 60};
    snprintf(text, sizeof text, "T%u", i);
    struct org org = {0};
    struct unit_row unit = {0};
    struct user_row user = {.user = {.roles = ROLE_DUTY, .plate = "晋A12345"}};
    struct session_row session = {.user = {1}, .hash = {(uint8_t)i}};
    struct device device = {0};
    struct site site = {0};
    struct zone_row zone = {
        .points = ring, .points_n = 3, .windows = &window, .windows_n = 1};
    struct permit_row permit = {.plate = {7}};
    struct section_row section = {.dist_m = 5};
    struct watch_row watch = {
        .watch = {.level = 1, .to_ms = 9, .plate_text = "晋A12345"}};
    struct alarm alarm = {.id = {i + 1}, .rule = "watch"};
    struct look_row look = {.number = i + 1, .at_ms = 5, .user = {1}, .plate = {7}};
    struct matter_row matter = {.open = true};
    struct matter_entry event = {.name = "open", .payload = SPAN("some bytes")};
    struct matter_timer due = {"sign", 5};
    struct matter_change change = {
        .m = &matter,
        .events = &event,
        .events_n = 1,
        .due = &due,
        .due_n = 1,
        .body = SPAN("some bytes")};
    struct model_row model = {.number = i + 1, .day = 1, .bytes = SPAN("some bytes")};
    (void)span_copy(org.code, sizeof org.code, span_cstr(text));
    (void)span_copy(unit.unit.callsign, sizeof unit.unit.callsign, span_cstr(text));
    (void)span_copy(user.user.login, sizeof user.user.login, span_cstr(text));
    (void)span_copy(device.code, sizeof device.code, span_cstr(text));
    (void)span_copy(site.code, sizeof site.code, span_cstr(text));
    (void)span_copy(zone.code, sizeof zone.code, span_cstr(text));
    (void)span_copy(permit.number, sizeof permit.number, span_cstr(text));
    (void)span_copy(section.code, sizeof section.code, span_cstr(text));
    (void)span_copy(matter.number, sizeof matter.number, span_cstr(text));
    enum err e = ledger_org_put(l, &org);
    e = e ? e : ledger_unit_put(l, &unit);
    e = e ? e : ledger_user_put(l, &user);
    e = e ? e : ledger_session_put(l, &session);
    e = e ? e : ledger_device_put(l, &device);
    e = e ? e : ledger_site_put(l, &site);
    e = e ? e : ledger_zone_put(l, &zone);
    e = e ? e : ledger_permit_put(l, &permit);
    e = e ? e : ledger_section_put(l, &section);
    e = e ? e : ledger_watch_propose(l, &watch, NULL);
    e = e ? e : ledger_alarm_put(l, &alarm, SPAN(""), 5, &what, &n);
    e = e ? e : ledger_alarm_close(l, alarm.id, false, "x", 1, 6);
    e = e ? e : ledger_look_put(l, &look);
    e = e ? e : ledger_matter_put(l, &change, &n);
    e = e ? e : ledger_model_put(l, &model);
    e = e ? e : ledger_rules_mark(l, 0, i);
    e = e ? e : ledger_rules_checkpoint_put(l, 0, i, 1, SPAN("some bytes"));
    e = e ? e : ledger_meta_put(l, "key", SPAN("some bytes"));
    return e ? e : ledger_once_put(l, i, SPAN("once"), 1, 200, SPAN("some bytes"));
}

/* Every read that fills an arena, with this one. */
static void
read_all(struct ledger_reader *r, struct arena *a, enum err want)
{
    void *rows = NULL;
    size_t n = 0;
    uint64_t number;
    int status;
    ts_ms next;
    struct span s;
    struct model_row model;
    struct watch_query watches = {.state = -1, .cap = 9};
    struct alarm_query alarms = {.list = ALARMS_ALL, .cap = 9};
    struct look_query looks = {.cap = 9};
    struct matter_query matters = {.list = MATTERS_ALL, .cap = 9};
    struct misuse_limits limits = misuse_limits_default();
#define READ(call)                                                                     \
    do {                                                                               \
        arena_reset(a);                                                                \
        assert_int_equal(call, want);                                                  \
    } while (0)
    READ(ledger_units(r, a, (struct unit_row **)&rows, &n));
    READ(ledger_users(r, a, (struct user_row **)&rows, &n));
    READ(ledger_sessions(r, a, (struct session_row **)&rows, &n));
    READ(ledger_devices(r, a, (struct device **)&rows, &n));
    READ(ledger_zones(r, a, (struct zone_row **)&rows, &n));
    READ(ledger_permits(r, a, (struct permit_row **)&rows, &n));
    READ(ledger_sections(r, a, (struct section_row **)&rows, &n));
    READ(ledger_watches(r, &watches, a, (struct watch_row **)&rows, &n));
    READ(ledger_alarms(r, &alarms, a, (struct alarm_row **)&rows, &n));
    READ(ledger_alarm_revisions(
        r, (struct alarm_id){1}, a, (struct alarm_revision **)&rows, &n));
    READ(ledger_outcome_rows(r, a, (struct outcome_stat **)&rows, &n));
    READ(ledger_looks(r, &looks, a, (struct look_row **)&rows, &n));
    READ(ledger_matters(r, &matters, a, (struct matter_row **)&rows, &n));
    READ(ledger_matter_events(r, 1, 0, a, (struct ledger_entry **)&rows, &n));
    READ(ledger_matter_body(r, 1, a, &s));
    READ(ledger_journal_since(r, 0, 9, a, (struct ledger_entry **)&rows, &n));
    READ(ledger_due(r, 9, 9, a, (struct due_row **)&rows, &n, &next));
    READ(ledger_model_on(r, 5, a, &model));
    READ(ledger_model_newest(r, a, &model));
    READ(ledger_rules_checkpoint(r, 0, a, &number, &s));
    READ(ledger_meta_find(r, "key", a, &s));
    READ(ledger_once_find(r, 0, SPAN("once"), a, &status, &s));
    READ(ledger_misuse(r, &limits, 0, 9, a, (struct misuse_finding **)&rows, &n));
#undef READ
}

static void
what_does_not_fit_is_said(void **state)
{
    (void)state;
    struct fixture f;
    struct arena tight;
    fixture_open(&f);
    kit_ok(fill(f.l, 0), NULL);
    kit_ok(fill(f.l, 1), NULL);
    arena_init(&tight, 4);
    read_all(f.r, &tight, ERR_TOOBIG);
    read_all(f.r, &f.a, OK); /* and no statement was left in the midst */
    arena_release(&tight);
    fixture_close(&f);
}

static void
a_failing_disk_gives_errors(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (unsigned n = 1; n < 40; n++) {
        struct crash_disk *disk = crash_disk_new(n);
        struct ledger *l = NULL;
        crash_disk_root(disk, "/d");
        kit_ok(ledger_open(crash_disk_fs(disk), "/d", &l, NULL), NULL);
        crash_disk_fail_once(disk, n, n % 2 ? ERR_IO : ERR_FULL);
        enum err e = ledger_begin(l);
        e = e ? e : fill(l, 0);
        if (!e)
            e = ledger_commit(l, NULL);
        else if (ledger_in_group(l))
            ledger_rollback(l);
        failed += e != OK;
        ledger_close(&l);
        kit_ok(ledger_open(crash_disk_fs(disk), "/d", &l, NULL), NULL);
        kit_ok(ledger_check(ledger_as_reader(l), NULL), NULL);
        struct arena a; /* all of it, or nothing */
        struct span s;
        arena_init(&a, 1u << 20);
        enum err there = ledger_meta_find(ledger_as_reader(l), "key", &a, &s);
        assert_int_equal(there, e ? ERR_NOTFOUND : OK);
        if (!e)
            read_all(ledger_as_reader(l), &a, OK);
        arena_release(&a);
        ledger_close(&l);
        crash_disk_free(disk);
    }
    assert_true(failed >= 3);
}

static void
patterns_are_escaped(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct span p = like_pattern(&a, SPAN("5%_\\x"));
    assert_span_equal(p, "%5\\%\\_\\\\x%");
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(a_failing_disk_gives_errors),
        cmocka_unit_test(patterns_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
