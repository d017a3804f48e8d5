/* SPDX-License-Identifier: Apache-2.0 */
/* Every row against every wrong role, parameters and bodies against their rows, OpenAPI
 * against the rows, the console's files, health and metrics: over a real socket against
 * a fake daemon. */
#include "kit/kit.h"

#include "serve/fake_test.h"

static struct fake fake;
static struct talk t;

static int
setup(void **state)
{
    (void)state;
    fake_start(&fake, NULL, true);
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

/* "/sites/{id}" with something in each hole, as far as the check of the head goes. */
static void
fill_path(const char *pattern, char *dst, size_t cap)
{
    size_t n = (size_t)snprintf(dst, cap, "/api/v1");
    for (const char *p = pattern; *p && n + 2 < cap; p++) {
        if (*p == '{') {
            p = strchr(p, '}');
            dst[n++] = '1';
        } else {
            dst[n++] = *p;
        }
    }
    dst[n] = 0;
}

static void
ask_row(const struct api_route *row)
{
    char path[256];
    fill_path(row->path, path, sizeof path);
    talk(&t, method_name(row->method), path, NULL);
}

static void
wrong_roles_are_refused_everywhere(void **state)
{
    (void)state;
    unsigned asked = 0;
    for (const struct role_row *role = role_rows(); role->role; role++) {
        t.cookie[0] = t.csrf[0] = 0;
        t.extra = NULL;
        if (role->role == ROLE_DEVICE)
            t.extra = "Authorization: Bearer " DEVICE_KEY "\r\n";
        else
            assert_int_equal(talk_sign_in(&t, role->name, PASSWORD), 200);
        for (const struct api *const *a = api_rows; *a; a++) {
            for (const struct api_route *row = (*a)->routes; row->path; row++) {
                if (row->roles & (role->role | ROLES_OPEN))
                    continue;
                ask_row(row);
                talk_refused(&t, 403, "forbidden");
                asked++;
            }
        }
    }
    t.extra = NULL;
    t.cookie[0] = t.csrf[0] = 0;
    for (const struct api *const *a = api_rows; *a; a++) {
        for (const struct api_route *row = (*a)->routes; row->path; row++) {
            if (row->roles & ROLES_OPEN)
                continue;
            ask_row(row);
            talk_refused(&t, 401, "unauthenticated");
            asked++;
        }
    }
    print_message("%u refusals\n", asked);
    assert_true(asked > 10);
    pthread_mutex_lock(&fake.lock);
    assert_true(fake.facts_refused > 0); /* who knocks at SECURITY rows is on record */
    pthread_mutex_unlock(&fake.lock);
}

static void
openapi_is_the_rows(void **state)
{
    (void)state;
    assert_int_equal(talk(&t, "GET", "/api/v1/openapi.json", NULL), 200);
    json_error_t fault;
    json_t *doc = json_loads(t.body, JSON_REJECT_DUPLICATES, &fault);
    if (!doc)
        print_message("%s at %d\n", fault.text, fault.position);
    assert_non_null(doc);
    const json_t *paths = json_object_get(doc, "paths");
    size_t rows = 0, operations = 0;
    for (const struct api *const *a = api_rows; *a; a++) {
        for (const struct api_route *row = (*a)->routes; row->path; row++, rows++) {
            char verb[8] = {0};
            for (size_t i = 0; method_name(row->method)[i]; i++)
                verb[i] = (char)(method_name(row->method)[i] | 0x20);
            assert_non_null(json_object_get(json_object_get(paths, row->path), verb));
        }
    }
    const char *path;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)paths, path, item) operations +=
        json_object_size(item);
    assert_int_equal(rows, operations);
    json_decref(doc);
}

static void
routing(void **state)
{
    (void)state;
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    talk(&t, "GET", "/api/v1/nothing", NULL);
    talk_refused(&t, 404, "not_found");
    talk(&t, "GET", "/api/v2/session", NULL);
    talk_refused(&t, 404, "not_found");
    talk(&t, "PUT", "/api/v1/session", NULL);
    talk_refused(&t, 405, "method");
    assert_true(talk_has(&t, "Allow: OPTIONS, GET, HEAD, POST, DELETE\r\n"));
    assert_int_equal(talk(&t, "OPTIONS", "/api/v1/session", NULL), 204);
    assert_int_equal(talk(&t, "HEAD", "/api/v1/session", NULL), 200);
    assert_string_equal(t.body, "");
    assert_int_equal(talk(&t, "GET", "/api/v1/session", NULL), 200);
    assert_true(talk_has(&t, "Cache-Control: no-store\r\n"));
    assert_true(talk_has(&t, "\"may\":["));
}

static void
parameters_and_bodies(void **state)
{
    (void)state;
    assert_int_equal(talk_sign_in(&t, "squad", PASSWORD), 200);
    talk(&t, "GET", "/api/v1/session?plate=1", NULL);
    talk_refused(&t, 400, "bad_request");
    assert_true(talk_has(&t, "\"field\":\"plate\""));
    talk(&t, "GET", "/api/v1/events?topics=everything", NULL);
    talk_refused(&t, 400, "bad_request");
    assert_true(talk_has(&t, "\"field\":\"topics\""));
    static const struct {
        const char *body, *field;
    } bad[] = {
        {"{\"fixes\":[],\"x\":1}", "x"},
        {"{\"fixes\":[]}", "fixes"},
        {"{\"fixes\":{}}", "fixes"},
        {"{}", "fixes"},
        {"{\"fixes\":[1],\"once\":5}", "once"},
        {"{\"fixes\":[1],\"once\":\"\"}", "once"},
        {"{\"fixes\":[1],\"once\":\"a\\u0001b\"}", "once"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char want[64];
        talk(&t, "POST", "/api/v1/fixes", bad[i].body);
        talk_refused(&t, 400, "bad_request");
        snprintf(want, sizeof want, "\"field\":\"%s\"", bad[i].field);
        if (!talk_has(&t, want))
            print_message("%s: %s\n", bad[i].body, t.body);
        assert_true(talk_has(&t, want));
    }
    static const char *const broken[] = {
        "{", "[]", "1", "{\"fixes\":[1],\"fixes\":[1]}", "{}x"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        talk(&t, "POST", "/api/v1/fixes", broken[i]);
        talk_refused(&t, 400, "bad_request");
    }
    t.type = "text/plain";
    talk(&t, "POST", "/api/v1/fixes", "{}");
    talk_refused(&t, 415, "bad_type");
    t.type = NULL;
    char *big = malloc(300 << 10);
    memset(big, ' ', (300 << 10) - 1);
    big[(300 << 10) - 1] = 0;
    talk(&t, "POST", "/api/v1/fixes", big);
    talk_refused(&t, 413, "too_big");
    free(big);
    char good[512];
    long long now = (long long)os_now_ms();
    snprintf(
        good, sizeof good,
        "{\"fixes\":[{\"time_ms\":%lld,\"lon\":112.5,\"lat\":37.8,\"speed_kmh\":30},"
        "{\"time_ms\":%lld,\"lon\":112.5,\"lat\":137.8},{\"time_ms\":1,\"lon\":1,"
        "\"lat\":1}]}",
        now, now);
    assert_int_equal(talk(&t, "POST", "/api/v1/fixes", good), 200);
    assert_true(talk_has(&t, "{\"taken\":1,\"refused\":[{\"i\":1,"));
    assert_int_equal(fake.fixes, 1);
}

static void
devices_by_key(void **state)
{
    (void)state;
    t.cookie[0] = t.csrf[0] = 0;
    t.extra = "Authorization: Bearer " DEVICE_KEY "\r\n";
    char body[256];
    snprintf(
        body, sizeof body,
        "{\"fixes\":[{\"time_ms\":%lld,\"lon\":1,\"lat\":1,\"unit\":\"nobody\"}]}",
        (long long)os_now_ms());
    for (int net = 0; net < NETS; net++) {
        t.net = (enum net)net;
        assert_int_equal(talk(&t, "POST", "/api/v1/fixes", body), 200);
        assert_true(talk_has(&t, "\"taken\":0"));
        assert_true(talk_has(&t, "\"code\":\"not_found\""));
    }
    t.extra = "Authorization: Bearer wrong\r\n";
    talk(&t, "POST", "/api/v1/fixes", body);
    talk_refused(&t, 401, "unauthenticated");
    fake.device.disabled = true;
    t.extra = "Authorization: Bearer " DEVICE_KEY "\r\n";
    talk(&t, "POST", "/api/v1/fixes", body);
    talk_refused(&t, 401, "unauthenticated");
    fake.device.disabled = false;
    t.extra = NULL;
    t.net = NET_CONSOLE;
}

static void
busy_owners_answer_503(void **state)
{
    (void)state;
    fake.full_box = true;
    talk_sign_in(&t, "duty", PASSWORD);
    talk_refused(&t, 503, "busy");
    assert_true(talk_has(&t, "Retry-After: "));
    fake.full_box = false;
}

static void
console_health_metrics(void **state)
{
    (void)state;
    t.cookie[0] = t.csrf[0] = 0;
    assert_int_equal(talk(&t, "GET", "/", NULL), 200);
    assert_true(talk_has(&t, "Content-Type: text/html; charset=utf-8\r\n"));
    assert_true(talk_has(&t, "Content-Security-Policy: "));
    assert_false(talk_has(&t, "unsafe-eval"));
    assert_true(talk_has(&t, "X-Content-Type-Options: nosniff\r\n"));
    assert_true(talk_has(&t, "Referrer-Policy: no-referrer\r\n"));
    char extra[128];
    char *tag = strstr(t.text, "ETag: ");
    assert_non_null(tag);
    snprintf(
        extra, sizeof extra, "If-None-Match: W/%.*s\r\n", (int)strcspn(tag + 6, "\r"),
        tag + 6);
    t.extra = extra;
    assert_int_equal(talk(&t, "GET", "/", NULL), 304);
    assert_string_equal(t.body, "");
    t.extra = NULL;
    assert_int_equal(talk(&t, "POST", "/", NULL), 405);
    assert_int_equal(talk(&t, "GET", "/a/none.js", NULL), 404);
    assert_int_equal(talk(&t, "GET", "/health", NULL), 200);
    assert_true(talk_has(&t, "\"ok\":true"));
    fake.sick = true;
    assert_int_equal(talk(&t, "GET", "/health", NULL), 503);
    fake.sick = false;
    assert_int_equal(talk(&t, "GET", "/metrics", NULL), 200);
    assert_true(talk_has(&t, "# TYPE tongqu_http_requests_total counter\n"));
    t.net = NET_INGEST;
    assert_int_equal(talk(&t, "GET", "/health", NULL), 200);
    assert_int_equal(talk(&t, "GET", "/", NULL), 404);
    t.net = NET_CONSOLE;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_roles_are_refused_everywhere),
        cmocka_unit_test(openapi_is_the_rows),
        cmocka_unit_test(routing),
        cmocka_unit_test(parameters_and_bodies),
        cmocka_unit_test(devices_by_key),
        cmocka_unit_test(busy_owners_answer_503),
        cmocka_unit_test(console_health_metrics),
    };
    return cmocka_run_group_tests_name("serve/api", tests, setup, teardown);
}
