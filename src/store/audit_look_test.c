/* SPDX-License-Identifier: Apache-2.0 */
/* A look from question to answer, and what is written of it. */
#include "store/audit_look.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"
#include "store/ledger_matter.h"

#include <stdio.h>

#define NOW INT64_C(1763690000000)

struct desk {
    struct fixture f;
    struct audit *a;
    struct look_rules rules;
    struct org_table *orgs;
    struct look_request q;
    struct look_permit *permit;
    struct look_row row;
    enum look_refusal refusal;
};

static uint64_t
open_matter(struct desk *d, const char *kind, bool open, uint32_t org)
{
    static unsigned number;
    uint64_t journal;
    struct matter_row m = {.open = open, .org = {org}};
    struct matter_entry e = {.kind = 1, .name = "open"};
    struct matter_change c = {.m = &m, .events = &e, .events_n = 1};
    snprintf(m.number, sizeof m.number, "M-%u", ++number);
    snprintf(m.kind, sizeof m.kind, "%s", kind);
    kit_ok(ledger_matter_put(d->f.l, &c, &journal), NULL);
    return m.id;
}

static void
open_desk(struct desk *d, bool thread)
{
    memset(d, 0, sizeof *d);
    fixture_open(&d->f);
    struct audit_options opt = {.thread = thread, .make_key = true};
    kit_ok(
        audit_open(os_fs_real(), d->f.dir, &opt, NOW, &d->a, &d->f.note), &d->f.note);
    d->rules.purposes_n = 1;
    snprintf(d->rules.purposes[0].code, sizeof d->rules.purposes[0].code, "inquiry");
    d->rules.tiers_n = 2;
    d->rules.tiers[0].to_days = 7;
    d->rules.tiers[1].approver = true;
    d->rules.emergency_confirm_h = 24;
    d->rules.emergency_days = 7;
    d->orgs = org_table_new(4);
    struct org city = {.code = "c"}, brigade = {.code = "b", .parent = {1}};
    (void)org_table_put(d->orgs, &city);
    (void)org_table_put(d->orgs, &brigade);
    d->q = (struct look_request){
        .kind = LOOK_TRAJECTORY,
        .user = {7},
        .roles = ROLE_DUTY,
        .login = "zhou",
        .address = "::1",
        .org = {1},
        .purpose = SPAN("inquiry"),
        .subject = SPAN("晋A12345"),
        .plate = {77},
        .from_ms = NOW - DAY_MS,
        .to_ms = NOW,
        .parameters = {9, 8, 7},
        .now_ms = NOW};
    d->q.matter = open_matter(d, "inquiry", true, 2);
}

static void
close_desk(struct desk *d)
{
    org_table_unref(d->orgs);
    audit_close(&d->a, NOW + 9);
    fixture_close(&d->f);
}

static enum err
begin(struct desk *d)
{
    memset(&d->f.note, 0, sizeof d->f.note);
    return audit_look_begin(
        d->a, d->f.r, &d->rules, d->orgs, &d->q, &d->permit, &d->refusal, &d->f.note);
}

static struct audit_row *
newest(struct desk *d, size_t *n)
{
    struct audit_row *rows;
    struct audit_query q = {.cap = 10};
    kit_ok(audit_read(d->a, &q, &d->f.a, &rows, n), NULL);
    return rows;
}

static void
from_question_to_answer(void **state)
{
    (void)state;
    for (unsigned thread = 0; thread < 2; thread++) {
        struct desk d;
        size_t n;
        open_desk(&d, thread);
        kit_ok(begin(&d), &d.f.note);
        const struct look_limits *l = look_permit_limits(d.permit);
        assert_int_equal(l->number, 1);
        assert_int_equal(l->user.v, 7);
        assert_int_equal(l->plate.v, 77);
        kit_ok(
            look_permit_covers(d.permit, LOOK_TRAJECTORY, NOW - DAY_MS, NOW, NULL),
            NULL);
        audit_look_row(&d.rules, &d.q, &d.row);
        kit_ok(audit_look_end(d.a, &d.permit, 14, AUDIT_OK, NOW + 3, &d.row), NULL);
        assert_null(d.permit);
        assert_int_equal(audit_durable(d.a), 2); /* both, before a byte leaves */
        struct audit_row *rows = newest(&d, &n);
        assert_int_equal(n, 2);
        assert_span_equal(rows[0].record.action, "look.end");
        assert_int_equal(rows[0].record.link, 1);
        assert_int_equal(rows[0].record.count, 14);
        assert_span_equal(rows[1].record.action, "look.begin");
        assert_span_equal(rows[1].record.subject, "晋A12345");
        assert_span_equal(rows[1].record.purpose, "inquiry");
        assert_span_equal(rows[1].record.login, "zhou");
        assert_int_equal(rows[1].record.matter, d.q.matter);
        assert_int_equal(d.row.number, 1);
        assert_int_equal(d.row.state, LOOK_DONE);
        assert_string_equal(d.row.purpose, "inquiry");
        assert_int_equal(d.row.confirm_by_ms, 0);
        kit_ok(ledger_look_put(d.f.l, &d.row), NULL);
        close_desk(&d);
    }
}

static void
refused(struct desk *d, enum look_refusal want)
{
    size_t n;
    assert_int_equal(begin(d), ERR_DENIED);
    assert_int_equal(d->refusal, want);
    assert_null(d->permit);
    struct audit_row *rows = newest(d, &n); /* written down, and durable already */
    assert_span_equal(rows[0].record.action, "look.refused");
    assert_int_equal(rows[0].record.outcome, AUDIT_REFUSED);
    assert_span_equal(rows[0].record.detail, look_refusal_code(want));
    assert_int_equal(rows[0].record.user, 7);
}

static void
refusals_are_written_down(void **state)
{
    (void)state;
    struct desk d;
    open_desk(&d, false);
    uint64_t good = d.q.matter;
    d.q.matter = 0;
    refused(&d, LOOK_NO_MATTER);
    d.q.matter = 4711;
    refused(&d, LOOK_NO_MATTER);
    d.q.matter = open_matter(&d, "inquiry", false, 2);
    refused(&d, LOOK_MATTER_CLOSED);
    d.q.matter = good;
    d.q.org.v = 0; /* somebody without a place in the tree */
    refused(&d, LOOK_SCOPE);
    d.q.org.v = 1;
    d.q.purpose = SPAN("curiosity");
    refused(&d, LOOK_PURPOSE);
    d.q.purpose = SPAN("inquiry");
    d.q.roles = ROLE_ADMIN;
    refused(&d, LOOK_ROLE);
    d.q.roles = ROLE_DUTY;
    d.q.from_ms = NOW - 8 * DAY_MS;
    refused(&d, LOOK_AGE_TIER);
    struct look_grant g = {
        .matter = good,
        .user = {7},
        .by = {8},
        .from_ms = NOW - 100 * DAY_MS,
        .until_ms = NOW + 1};
    kit_ok(ledger_grant_put(d.f.l, &g, NULL), NULL);
    kit_ok(begin(&d), &d.f.note);
    kit_ok(audit_look_end(d.a, &d.permit, 0, AUDIT_FAILED, NOW, &d.row), NULL);
    assert_int_equal(d.row.state, LOOK_FAILED);
    close_desk(&d);
}

static void
who_is_refused_again_and_again(void **state)
{
    (void)state;
    struct desk d;
    struct misuse_finding *found;
    struct misuse_limits limits = misuse_limits_default();
    size_t n;
    open_desk(&d, false);
    d.q.purpose = SPAN("curiosity");
    for (unsigned i = 0; i < limits.refused_n; i++) {
        kit_ok(audit_refusals(d.a, &limits, 0, NOW + 1, &d.f.a, &found, &n), NULL);
        assert_int_equal(n, 0);
        assert_int_equal(begin(&d), ERR_DENIED);
    }
    d.q.user.v = 8; /* once is nobody's business */
    assert_int_equal(begin(&d), ERR_DENIED);
    kit_ok(audit_refusals(d.a, &limits, 0, NOW + 1, &d.f.a, &found, &n), NULL);
    assert_int_equal(n, 1);
    assert_int_equal(found[0].user.v, 7);
    assert_int_equal(found[0].kind, MISUSE_REFUSED);
    assert_int_equal(found[0].n, limits.refused_n);
    assert_int_equal(found[0].looks_n, limits.refused_n);
    assert_int_equal(found[0].looks[0], 1);
    assert_int_not_equal(found[0].zh[0], 0);
    kit_ok(audit_refusals(d.a, &limits, NOW + 1, NOW + 9, &d.f.a, &found, &n), NULL);
    assert_int_equal(n, 0);
    close_desk(&d);
}

/* ---- looking again into what was answered ---- */

/* A look that was made, at day `age` before now, with its rows shown. */
static uint64_t
made(struct desk *d, int age)
{
    struct look_row row;
    ts_ms now = d->q.now_ms;
    d->q.now_ms -= age * DAY_MS;
    kit_ok(begin(d), &d->f.note);
    audit_look_row(&d->rules, &d->q, &row);
    row.scope = (struct look_scope){
        .from_ms = d->q.from_ms, .to_ms = d->q.to_ms, .plate = d->q.plate};
    look_scope_answered(&row.scope, NULL, 0, false, d->q.now_ms);
    kit_ok(audit_look_end(d->a, &d->permit, 1, AUDIT_OK, d->q.now_ms, &row), NULL);
    kit_ok(ledger_look_put(d->f.l, &row), NULL);
    d->q.now_ms = now;
    return row.number;
}

static enum err
stands(struct desk *d, uint64_t number, struct look_row *row)
{
    struct look_request who = {
        .user = d->q.user, .roles = d->q.roles, .org = d->q.org, .now_ms = d->q.now_ms};
    d->refusal = LOOK_ALLOWED;
    return audit_look_stands(
        d->f.r, &d->rules, d->orgs, &who, number, row, &d->refusal, &d->f.note);
}

static void
closed(struct desk *d, uint64_t number, enum look_refusal want)
{
    struct look_row row;
    kit_ok(stands(d, number, &row), &d->f.note);
    assert_int_equal(d->refusal, want);
    assert_int_not_equal(d->f.note.zh[0], 0);
}

static void
an_answer_stands_while_its_reason_does(void **state)
{
    (void)state;
    struct desk d;
    struct look_row row, other;
    open_desk(&d, false);
    uint64_t n = made(&d, 0);
    kit_ok(stands(&d, n, &row), NULL);
    assert_int_equal(d.refusal, LOOK_ALLOWED);
    assert_int_equal(row.scope.plate.v, 77);
    assert_int_equal(stands(&d, 0, &row), ERR_NOTFOUND);
    assert_int_equal(stands(&d, n + 1, &row), ERR_NOTFOUND); /* its look.end */
    d.q.user.v = 8;                                          /* another person */
    assert_int_equal(stands(&d, n, &row), ERR_NOTFOUND);
    d.q.user.v = 7;
    d.q.org.v = 2; /* moved to another part of the tree: the matter is of node 2 */
    kit_ok(stands(&d, n, &row), NULL);
    assert_int_equal(d.refusal, LOOK_ALLOWED);
    d.q.org.v = 0;
    closed(&d, n, LOOK_SCOPE);
    d.q.org.v = 1;
    d.q.roles = ROLE_ADMIN; /* no longer one who looks */
    closed(&d, n, LOOK_ROLE);
    d.q.roles = ROLE_DUTY;
    other = row; /* one that was begun only, and one without rows */
    other.number = 900;
    other.state = LOOK_RUNNING;
    kit_ok(ledger_look_put(d.f.l, &other), NULL);
    assert_int_equal(stands(&d, 900, &row), ERR_NOTFOUND);
    other.number = 901;
    other.state = LOOK_DONE;
    other.scope = (struct look_scope){0};
    kit_ok(ledger_look_put(d.f.l, &other), NULL);
    assert_int_equal(stands(&d, 901, &row), ERR_NOTFOUND);
    uint64_t open = d.q.matter;
    d.q.matter = open_matter(&d, "inquiry", true, 2);
    n = made(&d, 0);
    struct matter_row m;
    uint64_t journal;
    kit_ok(ledger_matter_find(d.f.r, d.q.matter, &m), NULL);
    struct matter_entry e = {.kind = 1, .name = "close"};
    struct matter_change c = {
        .m = &m, .expect_seq = m.seq, .events = &e, .events_n = 1};
    m.open = false;
    kit_ok(ledger_matter_put(d.f.l, &c, &journal), NULL);
    closed(&d, n, LOOK_MATTER_CLOSED);
    d.q.matter = open;
    close_desk(&d);
}

/* The age counts from when the look was made; a grant has to hold still. */
static void
an_answer_of_old_records(void **state)
{
    (void)state;
    struct desk d;
    struct look_row row;
    open_desk(&d, false);
    d.q.from_ms = NOW - 9 * DAY_MS;
    d.q.to_ms = NOW - 8 * DAY_MS;
    uint64_t young = made(&d, 3); /* six days old then, nine now */
    kit_ok(stands(&d, young, &row), &d.f.note);
    assert_int_equal(d.refusal, LOOK_ALLOWED);
    struct look_grant g = {
        .matter = d.q.matter,
        .user = {7},
        .by = {8},
        .from_ms = NOW - 100 * DAY_MS,
        .until_ms = NOW + HOUR_MS};
    kit_ok(ledger_grant_put(d.f.l, &g, NULL), NULL);
    d.q.from_ms = NOW - 50 * DAY_MS;
    uint64_t old = made(&d, 0);
    kit_ok(stands(&d, old, &row), &d.f.note);
    assert_int_equal(d.refusal, LOOK_ALLOWED);
    d.q.now_ms = NOW + HOUR_MS; /* the grant has run out */
    closed(&d, old, LOOK_AGE_TIER);
    kit_ok(stands(&d, young, &row), &d.f.note);
    assert_int_equal(d.refusal, LOOK_ALLOWED);
    d.q.now_ms = NOW;
    close_desk(&d);
}

static void
an_emergency_that_nobody_confirms(void **state)
{
    (void)state;
    struct desk d;
    struct look_row row;
    open_desk(&d, false);
    d.q.emergency = true;
    d.q.matter = 0;
    d.q.why = SPAN("儿童被困车内");
    uint64_t late = made(&d, 0), rejected = made(&d, 0), good = made(&d, 0);
    kit_ok(stands(&d, late, &row), NULL);
    assert_int_equal(d.refusal, LOOK_ALLOWED);
    struct user_id chief = {8};
    kit_ok(
        ledger_look_confirm(
            d.f.l, rejected, chief, false, 0, "不当", NOW + 1, &row, &d.f.note),
        NULL);
    kit_ok(
        ledger_look_confirm(
            d.f.l, good, chief, true, 0, "属实", NOW + 1, &row, &d.f.note),
        NULL);
    closed(&d, rejected, LOOK_UNCONFIRMED);
    d.q.now_ms = NOW + DAY_MS + 1;
    closed(&d, late, LOOK_UNCONFIRMED);
    kit_ok(stands(&d, good, &row), NULL);
    assert_int_equal(d.refusal, LOOK_ALLOWED);
    d.q.now_ms = NOW;
    close_desk(&d);
}

/* A stop between the chain and the table: start-up writes the rows again. */
static void
the_table_is_healed(void **state)
{
    (void)state;
    struct desk d;
    struct look_row got;
    uint64_t healed = 99;
    open_desk(&d, false);
    for (unsigned i = 0; i < 3; i++) { /* numbers 1, 3, 5; the last one never ended */
        if (i == 1) {
            d.q.emergency = true;
            d.q.why = SPAN("人命关天 urgent");
        }
        kit_ok(begin(&d), &d.f.note);
        struct look_row row;
        audit_look_row(&d.rules, &d.q, &row);
        struct look_permit *p = d.permit;
        if (i < 2)
            kit_ok(audit_look_end(d.a, &p, 5 + i, AUDIT_OK, NOW + i, &row), NULL);
        else
            kit_ok(audit_wait(d.a, look_permit_limits(p)->number), NULL);
        if (i == 0)
            kit_ok(ledger_look_put(d.f.l, &row), NULL);
        if (p)
            (void)!audit_look_end(d.a, &p, 0, AUDIT_FAILED, NOW, &row);
    }
    kit_ok(audit_look_heal(d.a, d.f.l, &d.rules, &healed), NULL);
    assert_int_equal(healed, 2);
    kit_ok(ledger_look_find(d.f.r, 3, &got), NULL);
    assert_int_equal(got.state, LOOK_DONE);
    assert_int_equal(got.count, 6);
    assert_int_equal(got.kind, LOOK_TRAJECTORY);
    assert_false(got.scope.answered); /* its answer never left: no picture of it */
    assert_int_equal(got.plate.v, 77);
    assert_int_equal(got.from_ms, NOW - DAY_MS);
    assert_memory_equal(got.parameters, d.q.parameters, 32);
    assert_true(got.emergency);
    assert_int_equal(got.confirm_by_ms, NOW + DAY_MS);
    assert_string_equal(got.why, "人命关天 urgent");
    assert_string_equal(got.purpose, "inquiry");
    kit_ok(ledger_look_find(d.f.r, 5, &got), NULL);
    assert_int_equal(got.state, LOOK_FAILED);
    kit_ok(audit_look_heal(d.a, d.f.l, &d.rules, &healed), NULL);
    assert_int_equal(healed, 0);
    close_desk(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_question_to_answer),
        cmocka_unit_test(refusals_are_written_down),
        cmocka_unit_test(who_is_refused_again_and_again),
        cmocka_unit_test(an_answer_stands_while_its_reason_does),
        cmocka_unit_test(an_answer_of_old_records),
        cmocka_unit_test(an_emergency_that_nobody_confirms),
        cmocka_unit_test(the_table_is_healed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
