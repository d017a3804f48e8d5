/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_matter.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"

#include <stdio.h>

static struct matter_row
matter(unsigned i)
{
    struct matter_row m = {.open = true, .level = 2, .opened_ms = 1000 + i};
    snprintf(m.number, sizeof m.number, "YJ-20261121-%04u", i);
    snprintf(m.kind, sizeof m.kind, i % 2 ? "alarm" : "inquiry");
    snprintf(m.state, sizeof m.state, "waiting");
    snprintf(m.title, sizeof m.title, "套牌嫌疑 %u", i);
    m.org.v = 1 + i % 3;
    m.owner_user.v = i % 4;
    m.owner_unit.v = i % 5;
    memset(m.definition, 7, sizeof m.definition);
    return m;
}

static enum err
put(struct fixture *f, struct matter_row *m, uint32_t seq, const char *move,
    const struct matter_timer *due, size_t due_n, uint64_t *journal)
{
    struct matter_entry e = {
        .kind = 1, .actor = {7}, .at_ms = 2000 + seq, .payload = SPAN("bytes")};
    snprintf(e.name, sizeof e.name, "%s", move);
    struct matter_change c = {
        .m = m,
        .expect_seq = seq,
        .events = &e,
        .events_n = 1,
        .body = SPAN("body"),
        .due = due,
        .due_n = due_n};
    return ledger_matter_put(f->l, &c, journal);
}

static void
moves_and_conflicts(void **state)
{
    (void)state;
    struct fixture f;
    struct matter_row got;
    struct ledger_entry *list;
    struct span body;
    uint64_t journal = 0;
    size_t n;
    fixture_open(&f);
    struct matter_row m = matter(1), stale;
    m.alarm.v = UINT64_C(0xffffffffffffff01);
    kit_ok(put(&f, &m, 0, "open", NULL, 0, &journal), NULL);
    assert_int_equal(m.id, 1);
    assert_int_equal(m.seq, 1);
    assert_int_equal(journal, 1);
    stale = m;
    snprintf(m.state, sizeof m.state, "signed");
    kit_ok(put(&f, &m, 1, "sign", NULL, 0, &journal), NULL);
    assert_int_equal(m.seq, 2);
    assert_int_equal(put(&f, &stale, 1, "sign", NULL, 0, &journal), ERR_CONFLICT);
    assert_int_equal(stale.seq, 1);
    struct matter_row twin = matter(1); /* the number is taken */
    assert_int_equal(put(&f, &twin, 0, "open", NULL, 0, &journal), ERR_CONFLICT);
    ledger_rollback(f.l); /* as its job would be */
    kit_ok(ledger_begin(f.l), NULL);
    m = matter(1);
    m.alarm.v = UINT64_C(0xffffffffffffff01);
    kit_ok(put(&f, &m, 0, "open", NULL, 0, &journal), NULL);
    kit_ok(put(&f, &m, 1, "sign", NULL, 0, &journal), NULL);
    fixture_again(&f);
    kit_ok(ledger_matter_find(f.r, m.id, &got), NULL);
    assert_int_equal(got.seq, 2);
    assert_int_equal(got.alarm.v, m.alarm.v);
    assert_string_equal(got.title, "套牌嫌疑 1");
    assert_memory_equal(got.definition, m.definition, 32);
    kit_ok(ledger_matter_by_number(f.r, SPAN("YJ-20261121-0001"), &got), NULL);
    assert_int_equal(ledger_matter_by_number(f.r, SPAN("YJ-1"), &got), ERR_NOTFOUND);
    kit_ok(ledger_matter_body(f.r, m.id, &f.a, &body), NULL);
    assert_span_equal(body, "body");
    kit_ok(ledger_matter_events(f.r, m.id, 0, &f.a, &list, &n), NULL);
    assert_int_equal(n, 2);
    assert_string_equal(list[1].name, "sign");
    assert_int_equal(list[1].seq, 2);
    assert_int_equal(list[1].actor, 7);
    assert_span_equal(list[1].payload, "bytes");
    kit_ok(ledger_matter_events(f.r, m.id, 1, &f.a, &list, &n), NULL);
    assert_int_equal(n, 1);
    struct matter_row ghost = matter(9);
    ghost.id = 55;
    assert_int_equal(put(&f, &ghost, 3, "x", NULL, 0, &journal), ERR_NOTFOUND);
    assert_int_equal(put(&f, &ghost, 0, "x", NULL, 0, &journal), ERR_NOTFOUND);
    fixture_close(&f);
}

static void
an_id_drawn_beforehand(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t journal;
    fixture_open(&f);
    struct matter_row m = matter(1), other = matter(2);
    m.id = ledger_matter_id(f.l);
    kit_ok(put(&f, &m, 0, "open", NULL, 0, &journal), NULL);
    assert_int_equal(m.id, 1);
    other.id = 1;
    assert_int_equal(put(&f, &other, 0, "open", NULL, 0, &journal), ERR_CONFLICT);
    other.id = 0;
    kit_ok(put(&f, &other, 0, "open", NULL, 0, &journal), NULL);
    assert_int_equal(other.id, 2);
    fixture_close(&f);
}

static size_t
count(struct fixture *f, const struct matter_query *q)
{
    struct matter_row *rows;
    size_t n = 0;
    kit_ok(ledger_matters(f->r, q, &f->a, &rows, &n), NULL);
    for (size_t i = 1; i < n; i++)
        assert_true(rows[i].id < rows[i - 1].id);
    return n;
}

static void
lists(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t journal;
    fixture_open(&f);
    for (unsigned i = 0; i < 60; i++) {
        struct matter_row m = matter(i);
        m.open = i < 40;
        m.parent = i == 59 ? 1 : 0;
        kit_ok(put(&f, &m, 0, "open", NULL, 0, &journal), NULL);
    }
    struct matter_query q = {.list = MATTERS_OPEN, .cap = 100};
    assert_int_equal(count(&f, &q), 40);
    q.list = MATTERS_CLOSED;
    assert_int_equal(count(&f, &q), 20);
    q.list = MATTERS_ALL;
    assert_int_equal(count(&f, &q), 60);
    q.kind = SPAN("alarm");
    assert_int_equal(count(&f, &q), 30);
    q.kind = SPAN("");
    q.text = SPAN("0007");
    assert_int_equal(count(&f, &q), 1);
    q.text = SPAN("嫌疑 1");
    assert_int_equal(count(&f, &q), 11);
    q.text = SPAN("");
    q.user.v = 3; /* 15 by user */
    assert_int_equal(count(&f, &q), 15);
    q.unit.v = 2; /* or 12 by unit, 3 of them both */
    assert_int_equal(count(&f, &q), 24);
    q = (struct matter_query){.list = MATTERS_ALL, .cap = 100, .since_ms = 1050};
    assert_int_equal(count(&f, &q), 10);
    q = (struct matter_query){.list = MATTERS_ALL, .cap = 100, .parent = 1};
    assert_int_equal(count(&f, &q), 1);
    const struct org_id orgs[2] = {{1}, {3}};
    q = (struct matter_query){
        .list = MATTERS_ALL, .cap = 100, .orgs = orgs, .orgs_n = 2};
    assert_int_equal(count(&f, &q), 40);
    q = (struct matter_query){.list = MATTERS_ALL, .cap = 7, .before = 11};
    assert_int_equal(count(&f, &q), 7);
    fixture_close(&f);
}

/* What waits is counted however old it is and however many there are; what was closed
 * since a moment says when a person first moved it. */
static void
alarms_worked(void **state)
{
    (void)state;
    struct fixture f;
    struct worked_row *rows;
    uint64_t journal;
    size_t n, waits = 0;
    const ts_ms since = 1190 * DAY_MS;
    fixture_open(&f);
    for (unsigned i = 0; i < 1200; i++) { /* one a day: three years */
        struct matter_row m = matter(i);
        m.alarm.v = i + 1;
        m.opened_ms = (ts_ms)i * DAY_MS;
        m.open = i % 2;
        m.closed_ms = m.open ? 0 : i == 10 ? since + 1 : m.opened_ms + 1;
        kit_ok(put(&f, &m, 0, "open", NULL, 0, &journal), NULL);
        if (i >= 1100 || i == 10) /* the old one was signed and closed now */
            kit_ok(put(&f, &m, 1, "sign", NULL, 0, &journal), NULL);
    }
    struct matter_row other = matter(3000); /* of no alarm */
    kit_ok(put(&f, &other, 0, "open", NULL, 0, &journal), NULL);
    kit_ok(ledger_worked(f.r, since, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 600 + 5 + 1);
    for (size_t i = 0; i < n; i++) {
        bool old = rows[i].opened_ms == 10 * DAY_MS;
        assert_true(rows[i].open || old || rows[i].opened_ms >= since);
        assert_int_equal(
            rows[i].worked_ms, old || rows[i].opened_ms >= 1100 * DAY_MS ? 2001 : 0);
        waits += rows[i].worked_ms == 0;
    }
    assert_int_equal(waits, 550);
    /* The same list by its bound, and past the newest. */
    struct matter_query q = {.list = MATTERS_CLOSED, .cap = 2000, .since_ms = since};
    assert_int_equal(count(&f, &q), 5);
    q.since_ms = 1200 * DAY_MS;
    assert_int_equal(count(&f, &q), 0);
    fixture_close(&f);
}

static void
clocks_come_due(void **state)
{
    (void)state;
    struct fixture f;
    struct due_row *rows;
    uint64_t journal;
    ts_ms next = 1;
    size_t n;
    fixture_open(&f);
    struct matter_row a = matter(1), b = matter(2);
    const struct matter_timer two[2] = {{"sign", 500}, {"feedback", 900}};
    const struct matter_timer one[1] = {{"sign", 400}};
    kit_ok(put(&f, &a, 0, "open", two, 2, &journal), NULL);
    kit_ok(put(&f, &b, 0, "open", one, 1, &journal), NULL);
    kit_ok(ledger_due(f.r, 100, 10, &f.a, &rows, &n, &next), NULL);
    assert_int_equal(n, 0);
    assert_int_equal(next, 400);
    kit_ok(ledger_due(f.r, 500, 10, &f.a, &rows, &n, &next), NULL);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].matter, b.id);
    assert_string_equal(rows[1].clock, "sign");
    assert_int_equal(next, 900);
    kit_ok(put(&f, &a, 1, "sign", two + 1, 1, &journal), NULL);
    kit_ok(put(&f, &b, 1, "close", NULL, 0, &journal), NULL);
    fixture_again(&f);
    kit_ok(ledger_due(f.r, 5000, 10, &f.a, &rows, &n, &next), NULL);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].clock, "feedback");
    assert_int_equal(next, 0);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_and_conflicts),
        cmocka_unit_test(an_id_drawn_beforehand),
        cmocka_unit_test(lists),
        cmocka_unit_test(alarms_worked),
        cmocka_unit_test(clocks_come_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
