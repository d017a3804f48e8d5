/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_look.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"
#include "store/ledger_people.h"
#include "store/ledger_sql.h"

#include <stdio.h>

#define T0 INT64_C(1763690000000)

static struct look_row
look(uint64_t number, uint32_t user, uint64_t plate, ts_ms at)
{
    struct look_row x = {
        .number = number,
        .at_ms = at,
        .user = {user},
        .matter = 3,
        .kind = LOOK_TRAJECTORY,
        .state = LOOK_RUNNING,
        .plate = {plate},
        .from_ms = at - 10,
        .to_ms = at,
        .parameters = {1, 2},
        .accepted = -1};
    snprintf(x.purpose, sizeof x.purpose, "inquiry");
    return x;
}

static void
begun_then_done(void **state)
{
    (void)state;
    struct fixture f;
    struct look_row x = look(12, 7, 99, T0), got;
    fixture_open(&f);
    kit_ok(ledger_look_put(f.l, &x), NULL);
    x.state = LOOK_DONE;
    x.count = 41;
    kit_ok(ledger_look_put(f.l, &x), NULL);
    x.state = LOOK_RUNNING; /* healed again: the end stays */
    x.count = 0;
    kit_ok(ledger_look_put(f.l, &x), NULL);
    fixture_again(&f);
    kit_ok(ledger_look_find(f.r, 12, &got), NULL);
    assert_int_equal(got.state, LOOK_DONE);
    assert_int_equal(got.count, 41);
    assert_int_equal(got.plate.v, 99);
    assert_int_equal(got.parameters[1], 2);
    assert_int_equal(got.accepted, -1);
    uint64_t newest;
    kit_ok(ledger_look_newest(f.r, &newest), NULL);
    assert_int_equal(newest, 12);
    assert_int_equal(ledger_look_find(f.r, 13, &got), ERR_NOTFOUND);
    fixture_close(&f);
}

static void
emergencies_are_confirmed_by_another(void **state)
{
    (void)state;
    struct fixture f;
    struct look_row x = look(12, 7, 99, T0), plain = look(13, 7, 99, T0), got, *rows;
    size_t n;
    fixture_open(&f);
    x.emergency = true;
    x.matter = 0;
    x.confirm_by_ms = T0 + DAY_MS;
    snprintf(x.why, sizeof x.why, "儿童被困车内");
    kit_ok(ledger_look_put(f.l, &x), NULL);
    kit_ok(ledger_look_put(f.l, &plain), NULL);
    struct look_query q = {.unconfirmed = true, .cap = 10};
    kit_ok(ledger_looks(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].why, "儿童被困车内");
    struct user_id self = {7}, other = {8};
    assert_int_equal(
        ledger_look_confirm(f.l, 12, self, true, 0, "", T0 + 1, &got, &f.note),
        ERR_DENIED);
    assert_string_equal(f.note.code, "same_person");
    assert_int_equal(
        ledger_look_confirm(f.l, 13, other, true, 0, "", T0 + 1, &got, &f.note),
        ERR_GATE);
    kit_ok(
        ledger_look_confirm(f.l, 12, other, false, 55, "不当", T0 + 1, &got, &f.note),
        &f.note);
    assert_int_equal(
        ledger_look_confirm(f.l, 12, other, true, 0, "", T0 + 2, &got, &f.note),
        ERR_GATE);
    kit_ok(ledger_looks(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 0);
    kit_ok(ledger_look_find(f.r, 12, &got), NULL);
    assert_int_equal(got.accepted, 0);
    assert_int_equal(got.matter, 55);
    assert_int_equal(got.confirmed_by.v, 8);
    assert_string_equal(got.confirm_note, "不当");
    q = (struct look_query){.matter = 55, .cap = 10};
    kit_ok(ledger_looks(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    q = (struct look_query){.user = self, .from_ms = T0, .to_ms = T0 + 1, .cap = 1};
    kit_ok(ledger_looks(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].number, 13);
    q.before = 13;
    kit_ok(ledger_looks(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(rows[0].number, 12);
    fixture_close(&f);
}

/* What an answer covered is kept with its end; bytes that are none hold nothing. */
static void
what_it_covered_is_kept(void **state)
{
    (void)state;
    struct fixture f;
    struct look_row x = look(12, 7, 0, T0), got;
    struct sighting in = {.pass_ms = T0, .arrive_ms = T0, .site = {4}}, out = in;
    struct sql q;
    fixture_open(&f);
    kit_ok(ledger_look_put(f.l, &x), NULL);
    kit_ok(ledger_look_find(f.r, 12, &got), NULL);
    assert_false(got.scope.answered);
    x.state = LOOK_DONE;
    x.scope = (struct look_scope){
        .from_ms = T0, .to_ms = T0 + 1, .sites = {{4}}, .sites_n = 1};
    look_scope_answered(&x.scope, &in, 1, false, T0);
    kit_ok(ledger_look_put(f.l, &x), NULL);
    x.scope.sites[0].v = 5; /* an ended look is not widened afterwards */
    kit_ok(ledger_look_put(f.l, &x), NULL);
    fixture_again(&f);
    kit_ok(ledger_look_find(f.r, 12, &got), NULL);
    out.site.v = 5;
    assert_true(look_scope_holds(&got.scope, &in));
    assert_false(look_scope_holds(&got.scope, &out));
    kit_ok(sql_use(f.r, "UPDATE look SET scope = x'0102' WHERE number = 12", &q), NULL);
    kit_ok(sql_run(&q), NULL);
    kit_ok(ledger_look_find(f.r, 12, &got), NULL);
    assert_false(look_scope_holds(&got.scope, &in));
    fixture_close(&f);
}

static bool
granted(struct fixture *f, uint64_t matter, uint32_t user, ts_ms from, ts_ms now)
{
    bool g = false;
    struct user_id u = {user};
    kit_ok(ledger_granted(f->r, matter, u, from, now, &g), NULL);
    return g;
}

static void
grants(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct look_grant g = {
        .matter = 3,
        .user = {7},
        .by = {7},
        .from_ms = 100,
        .given_ms = 500,
        .until_ms = 900};
    assert_int_equal(ledger_grant_put(f.l, &g, &f.note), ERR_DENIED);
    g.by.v = 8;
    kit_ok(ledger_grant_put(f.l, &g, &f.note), NULL);
    assert_true(granted(&f, 3, 7, 100, 899));
    assert_false(granted(&f, 3, 7, 99, 899));  /* further back */
    assert_false(granted(&f, 3, 7, 100, 900)); /* over */
    assert_false(granted(&f, 3, 8, 100, 600)); /* another person */
    assert_false(granted(&f, 4, 7, 100, 600)); /* another matter */
    fixture_close(&f);
}

/* Asked for, decided by another, ended: each once. */
static void
asked_grants(void **state)
{
    (void)state;
    struct fixture f;
    struct look_grant *rows, out;
    struct user_id chief = {8}, self = {7};
    size_t n;
    fixture_open(&f);
    struct look_grant g = {
        .matter = 3, .user = {7}, .from_ms = 100, .given_ms = 500, .until_ms = 900};
    kit_ok(ledger_grant_put(f.l, &g, &f.note), NULL);
    assert_false(granted(&f, 3, 7, 100, 600)); /* a wish is no grant */
    assert_int_equal(
        ledger_grant_decide(f.l, g.id, self, true, 0, 600, "", &out, &f.note),
        ERR_DENIED);
    assert_int_equal(
        ledger_grant_decide(f.l, g.id + 1, chief, true, 0, 600, "", &out, &f.note),
        ERR_NOTFOUND);
    kit_ok(
        ledger_grant_decide(f.l, g.id, chief, true, 800, 600, "ok", &out, &f.note),
        NULL);
    assert_int_equal(out.until_ms, 800);
    assert_true(granted(&f, 3, 7, 100, 700));
    assert_int_equal(
        ledger_grant_decide(f.l, g.id, chief, true, 0, 650, "", &out, &f.note),
        ERR_GATE);
    kit_ok(
        ledger_grant_decide(f.l, g.id, chief, false, 0, 700, "", &out, &f.note), NULL);
    assert_false(granted(&f, 3, 7, 100, 701));
    assert_int_equal(
        ledger_grant_decide(f.l, g.id, chief, false, 0, 710, "", &out, &f.note),
        ERR_GATE);
    struct look_grant h = {.matter = 4, .user = {9}, .given_ms = 500, .until_ms = 900};
    kit_ok(ledger_grant_put(f.l, &h, &f.note), NULL);
    struct look_grant last = {
        .matter = 4, .user = {7}, .by = {8}, .given_ms = 500, .until_ms = 900};
    kit_ok(ledger_grant_put(f.l, &last, &f.note), NULL);
    struct grant_query q = {.cap = 10};
    kit_ok(ledger_grants(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].id, h.id); /* it waits */
    assert_int_equal(rows[1].id, last.id);
    q.user = self;
    kit_ok(ledger_grants(f.r, &q, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 2);
    kit_ok(
        ledger_grant_decide(f.l, h.id, chief, false, 0, 700, "no", &out, &f.note),
        NULL);
    assert_int_equal(out.until_ms, 0);
    assert_string_equal(out.note, "no");
    fixture_close(&f);
}

/* ---- misuse ---- */

static struct plate
plate_of(const char *text)
{
    struct plate p;
    bool differs;
    (void)plate_parse(span_cstr(text), &p, &differs);
    return p;
}

static void
add_user(struct fixture *f, const char *login, const char *plate)
{
    struct user_row u = {0};
    snprintf(u.user.login, sizeof u.user.login, "%s", login);
    snprintf(u.user.plate, sizeof u.user.plate, "%s", plate);
    u.user.roles = ROLE_DUTY;
    kit_ok(ledger_user_put(f->l, &u), NULL);
}

static bool
by_day(void *arg, struct user_id user, ts_ms at)
{
    (void)arg;
    (void)user;
    return at < T0 + 10 * HOUR_MS;
}

static size_t
of_kind(
    const struct misuse_finding *x, size_t n, enum misuse_kind kind,
    const struct misuse_finding **one)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i].kind == kind) {
            *one = &x[i];
            found++;
        }
    }
    return found;
}

static void
searchers_are_watched(void **state)
{
    (void)state;
    struct fixture f;
    struct misuse_finding *found;
    const struct misuse_finding *one = NULL;
    size_t n;
    uint64_t number = 0;
    fixture_open(&f);
    add_user(&f, "zhou", "晋A11111"); /* 1 */
    add_user(&f, "wang", "晋A22222"); /* 2 */
    add_user(&f, "li", "");           /* 3 */
    struct look_row x;
    for (unsigned i = 0; i < 6; i++) { /* user 3: the same plate on six days */
        x = look(++number, 3, plate_of("晋A55555").v, T0 + i * DAY_MS);
        x.matter = 10 + i % 2;
        kit_ok(ledger_look_put(f.l, &x), NULL);
    }
    x = look(++number, 1, plate_of("晋A11111").v, T0 + 1); /* user 1: the own car */
    kit_ok(ledger_look_put(f.l, &x), NULL);
    x = look(++number, 1, plate_of("晋A22222").v, T0 + 2); /* and a colleague's */
    kit_ok(ledger_look_put(f.l, &x), NULL);
    for (unsigned i = 0; i < 40; i++) { /* user 2: forty plates in forty minutes */
        char text[32];
        snprintf(text, sizeof text, "晋B1%04u", i);
        x = look(++number, 2, plate_of(text).v, T0 + 11 * HOUR_MS + i * MINUTE_MS);
        kit_ok(ledger_look_put(f.l, &x), NULL);
    }
    struct misuse_limits limits = misuse_limits_default();
    ts_ms end = T0 + 10 * DAY_MS;
    kit_ok(ledger_misuse(f.r, &limits, T0, end, &f.a, &found, &n), NULL);
    assert_int_equal(n, 4);
    assert_int_equal(of_kind(found, n, MISUSE_REPEAT, &one), 1);
    assert_int_equal(one->user.v, 3);
    assert_int_equal(one->n, 6);
    assert_int_equal(one->looks_n, 6);
    assert_int_equal(one->looks[0], 1);
    assert_int_equal(of_kind(found, n, MISUSE_OWN, &one), 1);
    assert_int_equal(one->user.v, 1);
    assert_int_equal(of_kind(found, n, MISUSE_COLLEAGUE, &one), 1);
    assert_int_equal(one->about.v, 2);
    assert_int_equal(of_kind(found, n, MISUSE_FAN_OUT, &one), 1);
    assert_int_equal(one->user.v, 2);
    assert_int_equal(one->n, 40);
    assert_int_equal(one->looks_n, MISUSE_LOOKS);
    assert_int_not_equal(one->zh[0], 0);
    assert_int_not_equal(one->en[0], 0);
    for (size_t i = 1; i < n; i++)
        assert_true(found[i].at_ms <= found[i - 1].at_ms);
    limits.on_shift = by_day;
    kit_ok(ledger_misuse(f.r, &limits, T0, end, &f.a, &found, &n), NULL);
    assert_int_equal(of_kind(found, n, MISUSE_OFF_SHIFT, &one), 2); /* users 2 and 3 */
    limits.repeat_ms = 3 * DAY_MS; /* four looks in three days are below five */
    kit_ok(ledger_misuse(f.r, &limits, T0, end, &f.a, &found, &n), NULL);
    assert_int_equal(of_kind(found, n, MISUSE_REPEAT, &one), 0);
    kit_ok(ledger_misuse(f.r, &limits, end, end + 1, &f.a, &found, &n), NULL);
    assert_int_equal(n, 0);
    for (unsigned k = 0; k < MISUSE_KINDS; k++)
        assert_int_not_equal(misuse_name((enum misuse_kind)k)[0], 0);
    fixture_close(&f);
}

/* Leaving a character out is no way round. */
static void
part_of_a_plate_counts_like_one(void **state)
{
    (void)state;
    struct fixture f;
    struct misuse_finding *found;
    const struct misuse_finding *one = NULL;
    size_t n;
    uint64_t number = 0;
    static const char *const own[] = {"晋A1111?", "*A1111*", "晋A???11", "晋B1111?"};
    fixture_open(&f);
    add_user(&f, "zhou", "晋A11111"); /* 1 */
    add_user(&f, "li", "");           /* 2 */
    for (unsigned i = 0; i < 4; i++) {
        struct look_row x = look(++number, 1, 0, T0 + i);
        x.state = LOOK_DONE;
        x.scope.answered = true;
        assert_true(plate_pattern_parse(span_cstr(own[i]), &x.scope.pattern));
        kit_ok(ledger_look_put(f.l, &x), NULL);
    }
    for (unsigned i = 0; i < 5; i++) {
        struct look_row x = look(++number, 2, 0, T0 + i * DAY_MS);
        x.state = LOOK_DONE;
        x.scope.answered = true;
        assert_true(plate_pattern_parse(SPAN("晋A9999?"), &x.scope.pattern));
        kit_ok(ledger_look_put(f.l, &x), NULL);
    }
    struct misuse_limits limits = misuse_limits_default();
    kit_ok(ledger_misuse(f.r, &limits, T0, T0 + 10 * DAY_MS, &f.a, &found, &n), NULL);
    assert_int_equal(of_kind(found, n, MISUSE_OWN, &one), 2); /* too vague, another */
    assert_int_equal(one->user.v, 1);
    assert_int_equal(of_kind(found, n, MISUSE_REPEAT, &one), 1);
    assert_int_equal(one->user.v, 2);
    assert_int_equal(one->n, 5);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begun_then_done),
        cmocka_unit_test(emergencies_are_confirmed_by_another),
        cmocka_unit_test(what_it_covered_is_kept),
        cmocka_unit_test(grants),
        cmocka_unit_test(asked_grants),
        cmocka_unit_test(searchers_are_watched),
        cmocka_unit_test(part_of_a_plate_counts_like_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
