/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in: one answer for every cause, lock-out, first password, CSRF and Origin,
 * ends of sessions, passwords. */
#include "kit/kit.h"

#include "serve/fake_test.h"
#include "serve/sign_in.h"

static struct fake fake;
static struct talk t;

static int
setup(void **state)
{
    (void)state;
    static const struct serve_conf conf = {
        .origins = "https://board.test https://x.test"};
    fake_start(&fake, &conf, false);
    t = (struct talk){.f = &fake};
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

static void
signing_in_and_out(void **state)
{
    (void)state;
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    assert_true(talk_has(&t, "; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200\r\n"));
    assert_false(talk_has(&t, "; Secure")); /* plain HTTP on loopback */
    assert_true(talk_has(
        &t, "\"user\":{\"id\":1,\"name\":\"duty\",\"display\":\"人员1\",\"role\":"
            "\"duty\",\"org\":{\"id\":1,\"name\":\"支队\"},\"callsign\":null,"
            "\"unit\":null}"));
    assert_true(talk_has(&t, "\"must_change_password\":false,\"idle_ms\":1800000"));
    assert_true(talk_has(&t, "\"GET /events\""));
    assert_false(talk_has(&t, "\"POST /sightings\"")); /* a device's */
    pthread_mutex_lock(&fake.lock);
    assert_string_equal(fake.last_fact, "POST /session duty duty 0");
    pthread_mutex_unlock(&fake.lock);
    assert_int_equal(talk(&t, "GET", "/api/v1/session", NULL), 200);
    assert_int_equal(fake.sessions_n, 1);
    assert_memory_not_equal(fake.sessions[0].hash, t.cookie, 32);
    assert_int_equal(talk(&t, "DELETE", "/api/v1/session", NULL), 204);
    assert_true(talk_has(
        &t, "Set-Cookie: tongqu_session=; Path=/; HttpOnly; SameSite=Strict; "
            "Max-Age=0\r\n"));
    assert_int_equal(fake.sessions_n, 0);
    talk(&t, "GET", "/api/v1/session", NULL);
    talk_refused(&t, 401, "unauthenticated");
    t.cookie[0] = 0;
    talk(&t, "GET", "/api/v1/session", NULL);
    talk_refused(&t, 401, "unauthenticated");
}

/* Known and unknown names are answered alike at every step, also when locked. */
static void
one_answer_for_every_cause(void **state)
{
    (void)state;
    static const char *const names[] = {"analyst", "nobody-of-that-name"};
    char bodies[2][8][512];
    for (int who = 0; who < 2; who++) {
        for (int i = 0; i < 7; i++) {
            talk_sign_in(&t, names[who], "wrong password");
            if (i < SIGN_IN_TRIES)
                talk_refused(&t, 401, "sign_in_failed");
            else
                talk_refused(&t, 429, "locked");
            snprintf(bodies[who][i], 512, "%.500s", t.body);
        }
    }
    for (int i = 0; i < 7; i++)
        assert_string_equal(bodies[0][i], bodies[1][i]);
    talk_sign_in(&t, "analyst", PASSWORD); /* the right password does not help now */
    talk_refused(&t, 429, "locked");
    assert_true(fake.users[1].locked_ms > 0); /* and it holds over a restart */
    struct account open = fake.users[1];
    open.failures = 0;
    open.locked_ms = 0;
    fake.users[1] = open;
    serve_account_changed(
        fake.serve, &open, "unlocked"); /* an administrator lifts it */
    usleep(50000);
    assert_int_equal(talk_sign_in(&t, "analyst", PASSWORD), 200);
    fake.users[4].user.disabled = true;
    talk_sign_in(&t, "auditor", PASSWORD);
    talk_refused(&t, 401, "sign_in_failed");
    fake.users[4].user.disabled = false;
}

static void
tokens_and_origins(void **state)
{
    (void)state;
    static const char fix[] = "{\"fixes\":[{}]}";
    assert_int_equal(talk_sign_in(&t, "squad", PASSWORD), 200);
    struct talk other = t;
    other.csrf[0] = 0;
    talk(&other, "POST", "/api/v1/fixes", fix);
    talk_refused(&other, 403, "csrf");
    snprintf(other.csrf, sizeof other.csrf, "%032d", 0);
    talk(&other, "POST", "/api/v1/fixes", fix);
    talk_refused(&other, 403, "csrf");
    static const struct {
        const char *extra;
        bool ours;
    } rows[] = {
        {"Origin: http://console.test\r\n", true},
        {"Origin: https://console.test\r\n", true},
        {"Origin: https://board.test\r\n", true},
        {"Origin: http://console.test.evil.test\r\n", false},
        {"Origin: http://evil.test\r\n", false},
        {"Origin: null\r\n", false},
        {"Sec-Fetch-Site: cross-site\r\n", false},
        {"Sec-Fetch-Site: same-origin\r\n", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t.extra = rows[i].extra;
        talk(&t, "POST", "/api/v1/fixes", fix);
        if (rows[i].ours)
            assert_int_equal(t.status, 200);
        else
            talk_refused(&t, 403, "origin");
    }
    t.extra = "Origin: http://evil.test\r\n"; /* signing in somebody else's browser */
    talk(
        &t, "POST", "/api/v1/session",
        "{\"user\":\"duty\",\"password\":\"" PASSWORD "\"}");
    talk_refused(&t, 403, "origin");
    t.extra = NULL;
}

static void
first_password_is_changed(void **state)
{
    (void)state;
    assert_int_equal(talk_sign_in(&t, "fresh", PASSWORD), 200);
    assert_true(talk_has(&t, "\"must_change_password\":true"));
    talk(&t, "GET", "/api/v1/events", NULL);
    talk_refused(&t, 403, "password_change_required");
    assert_int_equal(talk(&t, "GET", "/api/v1/session", NULL), 200);
    static const struct {
        const char *body, *field;
    } bad[] = {
        {"{\"old\":\"wrong\",\"new\":\"a new phrase 77\"}", "\"field\":\"old\""},
        {"{\"old\":\"" PASSWORD "\",\"new\":\"" PASSWORD "\"}", "\"field\":\"new\""},
        {"{\"old\":\"" PASSWORD "\",\"new\":\"short 1\"}", "\"field\":\"new\""},
        {"{\"old\":\"" PASSWORD "\",\"new\":\"my FRESH word 1\"}", "\"field\":\"new\""},
        {"{\"old\":\"" PASSWORD "\",\"new\":\"aaaaaaaaaaaaaa\"}", "\"field\":\"new\""},
        {"{\"old\":\"" PASSWORD "\",\"new\":\"abcdefghijkl\"}", "\"field\":\"new\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        talk(&t, "POST", "/api/v1/session/password", bad[i].body);
        talk_refused(&t, 400, "bad_request");
        assert_true(talk_has(&t, bad[i].field));
    }
    struct talk old = t;
    assert_int_equal(
        talk(
            &t, "POST", "/api/v1/session/password",
            "{\"old\":\"" PASSWORD "\",\"new\":\"a new phrase 77\"}"),
        200);
    assert_true(talk_has(&t, "\"must_change_password\":false"));
    talk_keep(&t);
    assert_int_equal(talk(&t, "GET", "/api/v1/session", NULL), 200);
    talk(&old, "GET", "/api/v1/session", NULL);
    talk_refused(&old, 401, "unauthenticated");
    talk_sign_in(&old, "fresh", PASSWORD);
    talk_refused(&old, 401, "sign_in_failed");
    assert_int_equal(talk_sign_in(&old, "fresh", "a new phrase 77"), 200);
}

static void
changed_accounts_lose_their_sessions(void **state)
{
    (void)state;
    struct talk a = t, b = t;
    assert_int_equal(talk_sign_in(&a, "supervisor", PASSWORD), 200);
    assert_int_equal(talk_sign_in(&b, "supervisor", PASSWORD), 200);
    fake.users[3].epoch++;
    serve_account_changed(fake.serve, &fake.users[3], "role_changed");
    usleep(50000);
    talk(&a, "GET", "/api/v1/session", NULL);
    talk_refused(&a, 401, "unauthenticated");
    talk(&b, "GET", "/api/v1/session", NULL);
    talk_refused(&b, 401, "unauthenticated");
}

static void
count_end(void *arg, const struct session *s)
{
    (void)s;
    (*(int *)arg)++;
}

static void
limits_of_time(void **state)
{
    (void)state;
    struct sessions *table = sessions_new(30 * MINUTE_MS, 12 * HOUR_MS);
    char token[TOKEN_TEXT];
    struct kept_session kept = {.user = {7}, .made_ms = 1000, .epoch = 1};
    struct user user = {.id = {7}};
    session_token(token);
    assert_int_equal(strlen(token), 64);
    session_hash(span_cstr(token), kept.hash);
    struct session *s = sessions_add(table, &kept, &user, 1000);
    assert_non_null(s);
    assert_ptr_equal(
        sessions_find(table, span_cstr(token), 1000 + 30 * MINUTE_MS - 1), s);
    assert_null(sessions_find(table, span_cstr(token), 1000 + 30 * MINUTE_MS));
    assert_null(sessions_find(table, SPAN("0000"), 1000));
    for (ts_ms at = 1000; at < 1000 + 12 * HOUR_MS; at += 20 * MINUTE_MS)
        s->seen_ms = at; /* used all the time: the absolute limit ends it */
    assert_null(sessions_find(table, span_cstr(token), 1000 + 12 * HOUR_MS));
    int ended = 0;
    sessions_sweep(table, 1000 + 11 * HOUR_MS, count_end, &ended);
    assert_int_equal(ended, 0);
    sessions_sweep(table, 1000 + 12 * HOUR_MS, count_end, &ended);
    assert_int_equal(ended, 1);
    assert_int_equal(sessions_count(table), 0);
    /* cost: a burst, then the rate */
    s = sessions_add(table, &kept, &user, 1000);
    unsigned paid = 0;
    while (session_pay(s, 100, 1000))
        paid++;
    assert_int_equal(paid, 40);
    assert_false(session_pay(s, 100, 1050));
    assert_true(session_pay(s, 100, 1150));
    sessions_free(table);
}

static void
sessions_outlive_a_restart(void **state)
{
    (void)state;
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    struct talk before = t;
    struct kept_session kept[64];
    unsigned n = fake.sessions_n;
    memcpy(kept, fake.sessions, sizeof kept);
    fake_stop(&fake);
    fake = (struct fake){0};
    memcpy(fake.sessions, kept, sizeof kept);
    fake.sessions_n = n;
    fake_start(&fake, NULL, false);
    before.f = &fake;
    for (int i = 0; i < 50 && talk(&before, "GET", "/api/v1/session", NULL) == 503; i++)
        usleep(10000);
    assert_int_equal(before.status, 200);
    assert_true(
        talk_has(&before, before.csrf)); /* the page goes on without signing in again */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_in_and_out),
        cmocka_unit_test(tokens_and_origins),
        cmocka_unit_test(first_password_is_changed),
        cmocka_unit_test(changed_accounts_lose_their_sessions),
        cmocka_unit_test(one_answer_for_every_cause),
        cmocka_unit_test(limits_of_time),
        cmocka_unit_test(sessions_outlive_a_restart),
    };
    return cmocka_run_group_tests_name("serve/session", tests, setup, teardown);
}
