/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_people.h"

#include "kit/kit.h"
#include "store/ledger_fixture.h"

#include <stdio.h>

static struct user_row
user(const char *login, unsigned roles)
{
    struct user_row u = {0};
    snprintf(u.user.login, sizeof u.user.login, "%s", login);
    snprintf(u.user.name, sizeof u.user.name, "周敏");
    u.user.roles = roles;
    u.user.must_change = true;
    u.created_ms = 5;
    return u;
}

static void
organisation(void **state)
{
    (void)state;
    struct fixture f;
    struct org_table *t;
    fixture_open(&f);
    struct org city = {
        .code = "1401", .name = "支队", .name_en = "corps", .kind = ORG_CITY};
    kit_ok(ledger_org_put(f.l, &city), NULL);
    struct org brigade = {
        .code = "140101", .parent = city.id, .kind = ORG_BRIGADE, .sub_centre = true};
    kit_ok(ledger_org_put(f.l, &brigade), NULL);
    struct org twice = {.code = "140101"};
    assert_int_equal(ledger_org_put(f.l, &twice), ERR_CONFLICT);
    struct org unknown = {.id = {99}, .code = "x"};
    assert_int_equal(ledger_org_put(f.l, &unknown), ERR_NOTFOUND);
    brigade.sub_centre = false;
    kit_ok(ledger_org_put(f.l, &brigade), NULL);
    fixture_again(&f);
    kit_ok(ledger_org_table(f.r, 3, &t), NULL);
    assert_int_equal(t->version, 3);
    assert_true(org_covers(t, city.id, brigade.id));
    assert_string_equal(org_get(t, city.id)->name, "支队");
    assert_false(org_get(t, brigade.id)->sub_centre);
    org_table_unref(t);
    fixture_close(&f);
}

static void
units(void **state)
{
    (void)state;
    struct fixture f;
    struct unit_row *rows, one;
    size_t n;
    fixture_open(&f);
    struct unit_row u = {.unit = {.callsign = "长风01", .kind = UNIT_MOTORCYCLE}};
    kit_ok(ledger_unit_put(f.l, &u), NULL);
    struct unit_row twin = {.unit = {.callsign = "长风01"}};
    assert_int_equal(ledger_unit_put(f.l, &twin), ERR_CONFLICT);
    kit_ok(ledger_unit_state(f.l, u.unit.id, UNIT_EN_ROUTE, 77), NULL);
    kit_ok(ledger_unit_fix(f.l, u.unit.id, 1125500000, -5, 9), NULL);
    struct unit_id none = {50};
    assert_int_equal(ledger_unit_state(f.l, none, 1, 0), ERR_NOTFOUND);
    assert_int_equal(ledger_unit_find(f.r, none, &one), ERR_NOTFOUND);
    fixture_again(&f);
    kit_ok(ledger_unit_find(f.r, u.unit.id, &one), NULL);
    assert_int_equal(one.unit.status, UNIT_EN_ROUTE);
    assert_int_equal(one.matter, 77);
    assert_int_equal(one.unit.lat, -5);
    kit_ok(ledger_units(f.r, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].unit.callsign, "长风01");
    fixture_close(&f);
}

static void
users(void **state)
{
    (void)state;
    struct fixture f;
    struct user_row got, *rows;
    size_t n;
    fixture_open(&f);
    struct user_row u = user("zhou", ROLE_DUTY);
    kit_ok(user_hash(SPAN("correct horse"), u.hash), NULL);
    kit_ok(ledger_user_put(f.l, &u), NULL);
    assert_int_equal(u.user.id.v, 1);
    assert_int_equal(u.epoch, 1);
    struct user_row twin = user("zhou", ROLE_DUTY);
    assert_int_equal(ledger_user_put(f.l, &twin), ERR_CONFLICT);
    struct user_row mixed = user("mixed", ROLE_ADMIN | ROLE_DUTY);
    assert_int_equal(ledger_user_put(f.l, &mixed), ERR_INPUT);
    struct user_row nameless = user("", ROLE_DUTY);
    assert_int_equal(ledger_user_put(f.l, &nameless), ERR_INPUT);
    fixture_again(&f);
    kit_ok(ledger_user_by_login(f.r, SPAN("zhou"), &got), NULL);
    assert_true(user_hash_ok(got.hash, SPAN("correct horse")));
    assert_false(user_hash_ok(got.hash, SPAN("battery staple")));
    assert_false(user_hash_ok("", SPAN("")));
    assert_true(got.user.must_change);
    got.user.disabled = true;
    kit_ok(ledger_user_put(f.l, &got), NULL);
    kit_ok(ledger_user_find(f.r, got.user.id, &got), NULL);
    assert_true(got.user.disabled);
    assert_int_equal(got.epoch, 2); /* sessions of epoch 1 end */
    kit_ok(ledger_users(f.r, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    assert_int_equal(ledger_user_by_login(f.r, SPAN("nobody"), &got), ERR_NOTFOUND);
    fixture_close(&f);
}

static void
lockout(void **state)
{
    (void)state;
    struct fixture f;
    struct user_row u = user("zhou", ROLE_DUTY);
    struct user_try bad = {.at_ms = 100, .limit = 3, .lock_ms = 900};
    fixture_open(&f);
    kit_ok(ledger_user_put(f.l, &u), NULL);
    for (unsigned i = 1; i <= 3; i++) {
        kit_ok(ledger_user_try(f.l, u.user.id, &bad), NULL);
        kit_ok(ledger_user_find(f.r, u.user.id, &u), NULL);
        assert_int_equal(u.failures, i);
        assert_int_equal(u.locked_until_ms, i < 3 ? 0 : 1000);
    }
    struct user_try good = {.good = true, .at_ms = 2000};
    kit_ok(ledger_user_try(f.l, u.user.id, &good), NULL);
    kit_ok(ledger_user_find(f.r, u.user.id, &u), NULL);
    assert_int_equal(u.failures, 0);
    assert_int_equal(u.locked_until_ms, 0);
    assert_int_equal(u.last_ms, 2000);
    struct user_id nobody = {9};
    assert_int_equal(ledger_user_try(f.l, nobody, &bad), ERR_NOTFOUND);
    fixture_close(&f);
}

static struct session_row
session(uint8_t mark, struct user_id owner)
{
    struct session_row s = {
        .user = owner, .created_ms = 10, .used_ms = 10, .ends_ms = 1000, .epoch = 2};
    memset(s.hash, mark, sizeof s.hash);
    memset(s.csrf, mark, sizeof s.csrf);
    snprintf(s.from, sizeof s.from, "::1");
    return s;
}

static void
sessions(void **state)
{
    (void)state;
    struct fixture f;
    struct user_row u = user("zhou", ROLE_DUTY);
    struct session_row got, *rows;
    size_t n;
    fixture_open(&f);
    kit_ok(ledger_user_put(f.l, &u), NULL);
    struct session_row a = session(1, u.user.id), b = session(2, u.user.id),
                       c = session(3, u.user.id);
    kit_ok(ledger_session_put(f.l, &a), NULL);
    kit_ok(ledger_session_put(f.l, &b), NULL);
    kit_ok(ledger_session_put(f.l, &c), NULL);
    struct session_row orphan = session(9, (struct user_id){44});
    assert_int_equal(ledger_session_put(f.l, &orphan), ERR_INPUT); /* nobody's */
    kit_ok(ledger_session_used(f.l, b.hash, 500), NULL);
    fixture_again(&f);
    kit_ok(ledger_session_find(f.r, b.hash, &got), NULL);
    assert_int_equal(got.used_ms, 500);
    assert_int_equal(got.epoch, 2);
    assert_string_equal(got.from, "::1");
    assert_memory_equal(got.csrf, b.csrf, 16);
    kit_ok(ledger_sessions_drop_user(f.l, u.user.id, b.hash), NULL);
    kit_ok(ledger_sessions(f.r, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    kit_ok(ledger_sessions_purge(f.l, 600, 500), NULL);
    kit_ok(ledger_session_find(f.r, b.hash, &got), NULL);
    kit_ok(ledger_sessions_purge(f.l, 600, 501), NULL);
    assert_int_equal(ledger_session_find(f.r, b.hash, &got), ERR_NOTFOUND);
    kit_ok(ledger_session_put(f.l, &a), NULL);
    kit_ok(ledger_session_drop(f.l, a.hash), NULL);
    assert_int_equal(ledger_session_used(f.l, a.hash, 1), ERR_NOTFOUND);
    kit_ok(ledger_session_put(f.l, &c), NULL);
    kit_ok(ledger_sessions_purge(f.l, 1000, 0), NULL); /* its absolute end */
    assert_int_equal(ledger_session_find(f.r, c.hash, &got), ERR_NOTFOUND);
    fixture_close(&f);
}

static void
devices(void **state)
{
    (void)state;
    struct fixture f;
    struct device got, *rows;
    size_t n;
    fixture_open(&f);
    struct device d = {
        .code = "14010000001190000001",
        .name = "卡口相机",
        .kind = "camera",
        .protocol = "viid",
        .site = {3},
        .login = "cam1",
        .realm = "tongqu"};
    secret_hash(SPAN("key"), d.key_hash);
    snprintf(d.ha1_md5, sizeof d.ha1_md5, "0123456789abcdef0123456789abcdef");
    kit_ok(ledger_device_put(f.l, &d), NULL);
    struct device twin = {.code = "14010000001190000001"}, nameless = {0};
    assert_int_equal(ledger_device_put(f.l, &twin), ERR_CONFLICT);
    assert_int_equal(ledger_device_put(f.l, &nameless), ERR_INPUT);
    kit_ok(ledger_device_seen(f.l, d.id, 99, 2, 1000), NULL);
    fixture_again(&f);
    kit_ok(ledger_device_by_code(f.r, SPAN("14010000001190000001"), &got), NULL);
    assert_memory_equal(got.key_hash, d.key_hash, 32);
    assert_string_equal(got.ha1_md5, d.ha1_md5);
    assert_int_equal(got.objects, 1000);
    assert_int_equal(got.site.v, 3);
    kit_ok(ledger_device_find(f.r, d.id, &got), NULL);
    kit_ok(ledger_devices(f.r, &f.a, &rows, &n), NULL);
    assert_int_equal(n, 1);
    struct device_id none = {4};
    assert_int_equal(ledger_device_find(f.r, none, &got), ERR_NOTFOUND);
    assert_int_equal(ledger_device_seen(f.l, none, 1, 0, 0), ERR_NOTFOUND);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(organisation), cmocka_unit_test(units),
        cmocka_unit_test(users),        cmocka_unit_test(lockout),
        cmocka_unit_test(sessions),     cmocka_unit_test(devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
