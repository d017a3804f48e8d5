/* SPDX-License-Identifier: Apache-2.0 */
/* Two persons, an end date, and no way round either. */
#include "store/ledger_watch.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"

#include <stdio.h>

static struct watch_row
watch(const char *plate, const char *code)
{
    struct watch_row w = {
        .watch = {.level = 1, .from_ms = 1000, .to_ms = 1000 + 30 * DAY_MS},
        .list = "stolen",
        .author = {7},
        .expected_false_day = 0.25,
        .created_ms = 999,
    };
    snprintf(w.watch.plate_text, sizeof w.watch.plate_text, "%s", plate);
    snprintf(w.watch.code, sizeof w.watch.code, "%s", code);
    snprintf(w.watch.author, sizeof w.watch.author, "zhou");
    snprintf(w.why, sizeof w.why, "盗抢车辆协查");
    return w;
}

static enum err
decide(
    struct fixture *f, struct watch_row *w, enum watch_decision what, uint32_t by,
    const char *login, uint32_t seq)
{
    struct watch_decide d = {
        .id = w->watch.id,
        .seq = seq,
        .what = what,
        .by = {by},
        .login = login,
        .at_ms = 2000,
        .note = what == WATCH_APPROVE ? "" : "理由"};
    memset(&f->note, 0, sizeof f->note);
    return ledger_watch_decide(f->l, &d, w, &f->note);
}

static void
a_second_person_decides(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct watch_row w = watch("晋A·T1?34", "W-1");
    kit_ok(ledger_watch_propose(f.l, &w, &f.note), &f.note);
    assert_int_equal(w.watch.state, WATCH_PROPOSED);
    assert_int_equal(decide(&f, &w, WATCH_APPROVE, 7, "zhou", 1), ERR_DENIED);
    assert_string_equal(f.note.code, "same_person");
    assert_int_equal(decide(&f, &w, WATCH_APPROVE, 9, "zhou", 1), ERR_DENIED);
    assert_int_equal(decide(&f, &w, WATCH_REJECT, 7, "zhou", 1), ERR_DENIED);
    assert_int_equal(decide(&f, &w, WATCH_APPROVE, 8, "wang", 5), ERR_CONFLICT);
    kit_ok(decide(&f, &w, WATCH_APPROVE, 8, "wang", 1), &f.note);
    assert_int_equal(w.watch.state, WATCH_APPROVED);
    assert_string_equal(w.watch.approver, "wang");
    assert_int_equal(decide(&f, &w, WATCH_APPROVE, 8, "wang", 0), ERR_GATE);
    assert_int_equal(decide(&f, &w, WATCH_REJECT, 8, "wang", 0), ERR_GATE);
    kit_ok(decide(&f, &w, WATCH_WITHDRAW, 7, "zhou", 0), &f.note);
    assert_int_equal(decide(&f, &w, WATCH_WITHDRAW, 7, "zhou", 0), ERR_GATE);
    fixture_again(&f);
    struct watch_row got;
    kit_ok(ledger_watch_find(f.r, w.watch.id, &got), NULL);
    assert_int_equal(got.watch.state, WATCH_WITHDRAWN);
    assert_int_equal(got.seq, 3);
    assert_string_equal(got.why, "盗抢车辆协查");
    assert_string_equal(got.watch.reason, "盗抢车辆协查");
    assert_string_equal(got.note, "理由");
    assert_int_equal(got.approver.v, 8);
    fixture_close(&f);
}

static void
what_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct watch_row w = watch("晋A12345", "");
    w.watch.to_ms = 0;
    assert_int_equal(ledger_watch_propose(f.l, &w, &f.note), ERR_INPUT);
    assert_string_equal(f.note.field, "to_ms");
    w.watch.to_ms = 1000;
    assert_int_equal(ledger_watch_propose(f.l, &w, &f.note), ERR_INPUT);
    w.watch.to_ms = 1001 + WATCH_MAX_MS;
    assert_int_equal(ledger_watch_propose(f.l, &w, &f.note), ERR_INPUT);
    w = watch("this is no plate at all, far too long", "");
    assert_int_equal(ledger_watch_propose(f.l, &w, &f.note), ERR_INPUT);
    assert_string_equal(f.note.field, "pattern");
    w = watch("晋A12345", "");
    w.watch.level = 9;
    assert_int_equal(ledger_watch_propose(f.l, &w, &f.note), ERR_INPUT);
    w = watch("晋A12345", "W-1");
    kit_ok(ledger_watch_propose(f.l, &w, &f.note), &f.note);
    w = watch("晋A12346", "W-1");
    assert_int_equal(ledger_watch_propose(f.l, &w, &f.note), ERR_CONFLICT);
    struct watch_decide d = {
        .id = {1}, .what = WATCH_REJECT, .by = {8}, .login = "w", .note = " "};
    assert_int_equal(ledger_watch_decide(f.l, &d, &w, &f.note), ERR_INPUT);
    d.id.v = 77;
    assert_int_equal(ledger_watch_decide(f.l, &d, &w, &f.note), ERR_NOTFOUND);
    fixture_close(&f);
}

static void
lists_and_the_snapshot(void **state)
{
    (void)state;
    struct fixture f;
    struct watch_row *rows, w;
    size_t n;
    fixture_open(&f);
    for (unsigned i = 0; i < 30; i++) {
        char plate[32], code[16];
        snprintf(plate, sizeof plate, "晋A1%04u", i);
        snprintf(code, sizeof code, "C%u", i);
        w = watch(plate, code);
        kit_ok(ledger_watch_propose(f.l, &w, &f.note), &f.note);
        if (i % 3 == 0)
            kit_ok(decide(&f, &w, WATCH_APPROVE, 8, "wang", 0), &f.note);
    }
    struct watch_query q = {.state = -1, .cap = 7};
    kit_ok(ledger_watches(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 7);
    assert_int_equal(rows[0].watch.id.v, 30);
    q.before = rows[6].watch.id.v;
    kit_ok(ledger_watches(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(rows[0].watch.id.v, 23);
    q = (struct watch_query){.state = WATCH_APPROVED, .cap = 100};
    kit_ok(ledger_watches(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 10);
    q = (struct watch_query){.state = -1, .live_at_ms = 500, .cap = 100};
    kit_ok(ledger_watches(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 0); /* not yet */
    q = (struct watch_query){.state = -1, .text = SPAN("0007"), .cap = 100};
    kit_ok(ledger_watches(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    q.text = SPAN("%");
    kit_ok(ledger_watches(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 0); /* a percent sign is a percent sign */
    struct watch_set *set;
    kit_ok(ledger_watch_set(f.r, 1500, 6, &set), NULL);
    assert_int_equal(watch_set_count(set), 10);
    assert_int_equal(watch_set_version(set), 6);
    struct watch_set *next; /* one more approved, one withdrawn, one that never was */
    const uint64_t ids[] = {2, 1, 99, 2};
    struct watch_row changed = {.watch = {.id = {2}}};
    kit_ok(decide(&f, &changed, WATCH_APPROVE, 8, "wang", 0), &f.note);
    changed.watch.id.v = 1;
    kit_ok(decide(&f, &changed, WATCH_WITHDRAW, 8, "wang", 0), &f.note);
    kit_ok(ledger_watch_set_with(f.r, set, ids, 4, 8, &next), NULL);
    assert_int_equal(watch_set_count(next), 10);
    assert_int_equal(watch_set_version(next), 8);
    const struct watch *hit[2];
    bool differs;
    struct plate p;
    (void)plate_parse(SPAN("晋A10001"), &p, &differs);
    assert_int_equal(watch_set_exact(next, p, hit, 2), 1);
    assert_int_equal(watch_set_exact(set, p, hit, 2), 0);
    (void)plate_parse(SPAN("晋A10000"), &p, &differs);
    assert_int_equal(watch_set_exact(next, p, hit, 2), 0);
    watch_set_unref(next);
    watch_set_unref(set);
    kit_ok(ledger_watch_set(f.r, 1000 + 31 * DAY_MS, 7, &set), NULL);
    assert_int_equal(watch_set_count(set), 0); /* all ended */
    watch_set_unref(set);
    fixture_close(&f);
}

static void
imports_have_two_persons(void **state)
{
    (void)state;
    struct fixture f;
    struct watch_import sum = {0};
    fixture_open(&f);
    struct watch_row rows[3] = {
        watch("晋A11111", "L1"), watch("晋A2??22", "L2"), watch("晋A33333", "L3")};
    assert_int_equal(ledger_watch_import(f.l, rows, 3, &sum, &f.note), ERR_DENIED);
    for (unsigned i = 0; i < 3; i++)
        rows[i].approver = rows[i].author;
    assert_int_equal(ledger_watch_import(f.l, rows, 3, &sum, &f.note), ERR_DENIED);
    for (unsigned i = 0; i < 3; i++)
        rows[i].approver.v = 8;
    rows[1].watch.to_ms = 0; /* counted, not taken */
    kit_ok(ledger_watch_import(f.l, rows, 3, &sum, &f.note), &f.note);
    assert_int_equal(sum.added, 2);
    assert_int_equal(sum.refused, 1);
    kit_ok(ledger_watch_import(f.l, rows, 3, &sum, &f.note), &f.note);
    assert_int_equal(sum.replaced, 2);
    struct watch_set *set;
    kit_ok(ledger_watch_set(f.r, 1500, 1, &set), NULL);
    assert_int_equal(watch_set_count(set), 2);
    watch_set_unref(set);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_person_decides),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(lists_and_the_snapshot),
        cmocka_unit_test(imports_have_two_persons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
