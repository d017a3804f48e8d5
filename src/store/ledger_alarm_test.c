/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_alarm.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"
#include "store/ledger_matter.h"
#include "store/ledger_watch.h"

#include <stdio.h>

static struct alarm
alarm_of(uint64_t id, const char *rule, uint32_t site)
{
    struct alarm a = {
        .id = {id},
        .state = ALARM_RAISED,
        .level = LEVEL_ORANGE,
        .plate = {0x1234567},
        .read = {0x1234567},
        .site = {site},
        .pass_ms = 5000 + (ts_ms)id,
        .probability = 0.75,
        .lsn = id,
    };
    snprintf(a.rule, sizeof a.rule, "%s", rule);
    return a;
}

static uint64_t
put(struct fixture *f, const struct alarm *a, ts_ms at, enum alarm_write want)
{
    enum alarm_write what;
    uint64_t journal = 0;
    kit_ok(ledger_alarm_put(f->l, a, SPAN("pack:1"), at, &what, &journal), NULL);
    assert_int_equal(what, want);
    return journal;
}

static void
written_twice_is_one_row(void **state)
{
    (void)state;
    struct fixture f;
    struct alarm_row row;
    struct alarm_revision *rev;
    size_t n;
    fixture_open(&f);
    struct alarm a = alarm_of(UINT64_C(0xfedcba9876543210), "cloned_plate", 3);
    assert_int_equal(put(&f, &a, 100, ALARM_NEW), 1);
    assert_int_equal(put(&f, &a, 200, ALARM_SAME), 0);
    a.state = ALARM_REVISED;
    a.probability = 0.9;
    assert_int_equal(put(&f, &a, 300, ALARM_CHANGED), 2);
    a.state = ALARM_WITHDRAWN;
    put(&f, &a, 400, ALARM_CHANGED);
    fixture_again(&f);
    assert_int_equal(put(&f, &a, 500, ALARM_SAME), 0);
    kit_ok(ledger_alarm_find(f.r, a.id, &row), NULL);
    assert_int_equal(row.alarm.state, ALARM_WITHDRAWN);
    assert_int_equal(row.raised_ms, 100);
    assert_int_equal(row.changed_ms, 400);
    assert_int_equal(row.revision, 3);
    assert_false(row.open);
    assert_string_equal(row.picture, "pack:1");
    kit_ok(ledger_alarm_revisions(f.r, a.id, &f.a, &rev, &n), NULL);
    assert_int_equal(n, 3);
    assert_true(rev[0].alarm.probability == 0.75);
    assert_true(rev[1].alarm.probability == 0.9);
    assert_int_equal(rev[2].at_ms, 400);
    struct alarm_id none = {5};
    assert_int_equal(ledger_alarm_find(f.r, none, &row), ERR_NOTFOUND);
    fixture_close(&f);
}

static void
one_alarm_one_matter(void **state)
{
    (void)state;
    struct fixture f;
    struct alarm_row row, *rows;
    size_t n;
    fixture_open(&f);
    struct alarm a = alarm_of(1, "watch", 3), b = alarm_of(2, "watch", 3),
                 c = alarm_of(3, "watch", 3);
    c.state = ALARM_WITHDRAWN;
    put(&f, &a, 100, ALARM_NEW);
    put(&f, &b, 101, ALARM_NEW);
    put(&f, &c, 102, ALARM_NEW);
    kit_ok(ledger_alarms_unlinked(f.r, 10, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 2); /* a withdrawn one opens nothing */
    kit_ok(ledger_alarm_link(f.l, a.id, 50), NULL);
    kit_ok(ledger_alarm_link(f.l, a.id, 50), NULL);
    assert_int_equal(ledger_alarm_link(f.l, a.id, 51), ERR_CONFLICT);
    assert_int_equal(ledger_alarm_link(f.l, b.id, 50), ERR_CONFLICT);
    struct alarm_id none = {9};
    assert_int_equal(ledger_alarm_link(f.l, none, 52), ERR_NOTFOUND);
    kit_ok(ledger_alarms_unlinked(f.r, 10, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].alarm.id.v, 2);
    /* Withdrawn while its matter is open: it stays linked and open, the matter is told.
     */
    a.state = ALARM_WITHDRAWN;
    put(&f, &a, 200, ALARM_CHANGED);
    kit_ok(ledger_alarm_find(f.r, a.id, &row), NULL);
    assert_int_equal(row.matter, 50);
    assert_true(row.open);
    fixture_close(&f);
}

static void
check_stat(
    struct fixture *f, struct span rule, uint32_t site, struct span list, unsigned good,
    unsigned bad)
{
    struct outcome_stat s;
    struct site_id id = {site};
    kit_ok(ledger_outcomes(f->r, rule, id, list, &s), NULL);
    assert_int_equal(s.good, good);
    assert_int_equal(s.bad, bad);
}

static void
outcomes_make_precision(void **state)
{
    (void)state;
    struct fixture f;
    struct outcome_stat *rows;
    struct watch_row w = {
        .watch = {.level = 1, .from_ms = 1, .to_ms = 999, .plate_text = "晋A12345"},
        .list = "stolen"};
    size_t n;
    fixture_open(&f);
    kit_ok(ledger_watch_propose(f.l, &w, NULL), NULL);
    for (unsigned i = 1; i <= 4; i++) {
        struct alarm a = alarm_of(i, i <= 2 ? "watch" : "status", i % 2 ? 3 : 4);
        a.watch = i <= 2 ? w.watch.id.v : 0;
        put(&f, &a, 100 + i, ALARM_NEW);
        kit_ok(ledger_alarm_link(f.l, a.id, 10 + i), NULL);
    }
    struct alarm_id one = {1}, two = {2}, three = {3}, four = {4};
    kit_ok(ledger_alarm_close(f.l, one, false, "caught", 1, 200), NULL);
    kit_ok(ledger_alarm_close(f.l, two, false, "misread", 0, 201), NULL);
    kit_ok(ledger_alarm_close(f.l, three, false, "caught", 1, 202), NULL);
    kit_ok(ledger_alarm_close(f.l, three, false, "caught", 1, 203), NULL); /* once */
    kit_ok(ledger_alarm_close(f.l, four, false, "lost", -1, 204), NULL);
    check_stat(&f, SPAN(""), 0, SPAN(""), 2, 1);
    check_stat(&f, SPAN("watch"), 0, SPAN(""), 1, 1);
    check_stat(&f, SPAN(""), 3, SPAN(""), 2, 0);
    check_stat(&f, SPAN(""), 0, SPAN("stolen"), 1, 1);
    struct watch_row got;
    kit_ok(ledger_watch_find(f.r, w.watch.id, &got), NULL);
    assert_int_equal(got.alarms, 2);
    assert_int_equal(got.confirmed, 1);
    /* Opened again: what it had counted for is taken back; then it counts otherwise. */
    kit_ok(ledger_alarm_close(f.l, three, true, "", -1, 205), NULL);
    check_stat(&f, SPAN("status"), 0, SPAN(""), 0, 0);
    kit_ok(ledger_alarm_close(f.l, three, false, "misread", 0, 206), NULL);
    check_stat(&f, SPAN("status"), 0, SPAN(""), 0, 1);
    kit_ok(ledger_outcome_rows(f.r, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 3);
    struct alarm_id none = {9};
    assert_int_equal(ledger_alarm_close(f.l, none, false, "x", 1, 1), ERR_NOTFOUND);
    fixture_close(&f);
}

static void
the_queue_in_pages(void **state)
{
    (void)state;
    struct fixture f;
    struct alarm_row *rows;
    size_t n;
    fixture_open(&f);
    for (unsigned i = 1; i <= 30; i++) { /* three in one millisecond */
        struct alarm a = alarm_of(i * UINT64_C(0x9e3779b97f4a7c15), "watch", i % 3);
        a.pass_ms = i;
        put(&f, &a, 1000 + i / 3, ALARM_NEW);
        kit_ok(ledger_alarm_link(f.l, a.id, 100 + i), NULL);
    }
    struct alarm evidence = alarm_of(77, "watch", 0);
    evidence.plate.v++;
    put(&f, &evidence, 5000, ALARM_NEW); /* opened no matter: nobody's work */
    struct alarm_query q = {.list = ALARMS_OPEN, .cap = 7};
    unsigned seen = 0;
    ts_ms last = INT64_MAX;
    for (;;) {
        kit_ok(ledger_alarms(f.r, &q, &f.a, &rows, &n), NULL);
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            assert_true(rows[i].raised_ms <= last);
            last = rows[i].raised_ms;
        }
        seen += (unsigned)n;
        q.before_raised_ms = rows[n - 1].raised_ms;
        q.before_id = rows[n - 1].alarm.id.v;
    }
    assert_int_equal(seen, 30);
    q = (struct alarm_query){.list = ALARMS_ALL, .site = {2}, .cap = 100};
    kit_ok(ledger_alarms(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 10);
    q = (struct alarm_query){
        .list = ALARMS_ALL,
        .rule = SPAN("watch"),
        .from_ms = 5,
        .to_ms = 10,
        .cap = 100};
    kit_ok(ledger_alarms(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 5);
    q = (struct alarm_query){.list = ALARMS_ALL, .plate = {0x1234567}, .cap = 100};
    kit_ok(ledger_alarms(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 30);
    q = (struct alarm_query){.list = ALARMS_WITHDRAWN, .cap = 100};
    kit_ok(ledger_alarms(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 0);
    q.list = ALARMS_CLOSED;
    kit_ok(ledger_alarms(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 0);
    fixture_close(&f);
}

static void
marks_checkpoints_models(void **state)
{
    (void)state;
    struct fixture f;
    struct span bytes;
    struct model_row m;
    uint64_t lsn = 9;
    fixture_open(&f);
    kit_ok(ledger_rules_applied(f.r, 0, &lsn), NULL);
    assert_int_equal(lsn, 0);
    kit_ok(ledger_rules_mark(f.l, 0, 100), NULL);
    kit_ok(ledger_rules_mark(f.l, 0, 200), NULL);
    kit_ok(ledger_rules_mark(f.l, 1, 50), NULL);
    assert_int_equal(ledger_rules_checkpoint(f.r, 0, &f.a, &lsn, &bytes), ERR_NOTFOUND);
    kit_ok(ledger_rules_checkpoint_put(f.l, 0, 90, 1, SPAN("old")), NULL);
    kit_ok(ledger_rules_checkpoint_put(f.l, 0, 150, 2, SPAN("new")), NULL);
    assert_int_equal(ledger_model_newest(f.r, &f.a, &m), ERR_NOTFOUND);
    uint32_t none = 9;
    kit_ok(ledger_model_last(f.r, &none), NULL);
    assert_int_equal(none, 0);
    for (unsigned i = 1; i <= 3; i++) {
        m = (struct model_row){
            .number = i, .day = (int32_t)(100 + 10 * i), .bytes = SPAN("m")};
        kit_ok(ledger_model_put(f.l, &m), NULL);
    }
    assert_int_equal(ledger_model_put(f.l, &m), ERR_CONFLICT); /* frozen */
    fixture_again(&f);
    kit_ok(ledger_rules_applied(f.r, 0, &lsn), NULL);
    assert_int_equal(lsn, 200);
    kit_ok(ledger_rules_checkpoint(f.r, 0, &f.a, &lsn, &bytes), NULL);
    assert_int_equal(lsn, 150);
    assert_span_equal(bytes, "new");
    assert_int_equal(ledger_model_on(f.r, 109, &f.a, &m), ERR_NOTFOUND);
    kit_ok(ledger_model_on(f.r, 125, &f.a, &m), NULL);
    assert_int_equal(m.number, 2);
    kit_ok(ledger_model_newest(f.r, &f.a, &m), NULL);
    assert_int_equal(m.number, 3);
    /* Older days come in later: the newest is still that of the latest day. */
    uint32_t last = 9;
    m = (struct model_row){.number = 4, .day = 50, .bytes = SPAN("m")};
    kit_ok(ledger_model_put(f.l, &m), NULL);
    kit_ok(ledger_model_last(f.r, &last), NULL);
    assert_int_equal(last, 4);
    kit_ok(ledger_model_newest(f.r, &f.a, &m), NULL);
    assert_int_equal(m.number, 3);
    kit_ok(ledger_model_on(f.r, 60, &f.a, &m), NULL);
    assert_int_equal(m.number, 4);
    fixture_close(&f);
}

/* ---- evidence ---- */

static uint64_t
matter_of(struct fixture *f, const char *number)
{
    uint64_t journal;
    struct matter_row m = {.open = true, .org = {1}};
    struct matter_entry e = {.kind = 1, .name = "open"};
    struct matter_change c = {.m = &m, .events = &e, .events_n = 1};
    snprintf(m.number, sizeof m.number, "%s", number);
    snprintf(m.kind, sizeof m.kind, "alarm");
    kit_ok(ledger_matter_put(f->l, &c, &journal), NULL);
    return m.id;
}

static void
matters_hold_evidence(void **state)
{
    (void)state;
    struct fixture f;
    struct alarm_evidence *rows;
    size_t n;
    fixture_open(&f);
    for (uint64_t i = 1; i <= 5; i++) { /* the last one has no matter */
        char number[32];
        struct alarm a = alarm_of(i, "watch", 3);
        a.evidence_n = 2;
        a.evidence[0].id = (struct sighting_id){a.pass_ms, 3, (uint32_t)i};
        a.evidence[1].id = (struct sighting_id){a.pass_ms - 900, 4, (uint32_t)i};
        put(&f, &a, 100, ALARM_NEW);
        snprintf(number, sizeof number, "YJ-%llu", (unsigned long long)i);
        if (i < 5)
            kit_ok(ledger_alarm_link(f.l, a.id, matter_of(&f, number)), NULL);
    }
    kit_ok(ledger_alarm_close(f.l, (struct alarm_id){2}, false, "false", 0, 200), NULL);
    kit_ok(ledger_alarm_close(f.l, (struct alarm_id){3}, false, "hit", 1, 200), NULL);
    fixture_again(&f);
    kit_ok(ledger_alarm_evidence(f.r, 0, 99999, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 3); /* closed as false: nothing is held */
    assert_string_equal(rows[0].matter, "YJ-1");
    assert_string_equal(rows[1].matter, "YJ-3");
    assert_string_equal(rows[2].matter, "YJ-4");
    assert_int_equal(rows[1].n, 2);
    assert_int_equal(rows[1].ids[0].pass_ms, 5003);
    assert_int_equal(rows[1].ids[1].site, 4);
    kit_ok(ledger_alarm_evidence(f.r, 5001, 5003, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].matter, "YJ-1");
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_twice_is_one_row),
        cmocka_unit_test(one_alarm_one_matter),
        cmocka_unit_test(outcomes_make_precision),
        cmocka_unit_test(the_queue_in_pages),
        cmocka_unit_test(marks_checkpoints_models),
        cmocka_unit_test(matters_hold_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
