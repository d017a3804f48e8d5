/* SPDX-License-Identifier: Apache-2.0 */
/* Devices over a real socket: registration by Digest, passes durable before the answer,
 * busy stores, senders on this machine, NDJSON by key, samples of other people. */
#include "kit/kit.h"

#include "serve/fake_test.h"

#include <poll.h>
#include <semaphore.h>
#include <time.h>

#include "core/counter.h"
#include "core/log.h"
#include "core/os_file.h"
#include "feeds/digest.h"

static struct fake fake;
static struct talk t;

#define HA1_PASSWORD "device pass word"
#define VIID_TYPE "application/VIID+JSON;charset=UTF-8"

static void
start(bool strict)
{
    struct serve_conf conf = {.strict_devices = strict};
    char ha1[DIGEST_HEX];
    fake = (struct fake){0};
    digest_ha1(
        DIGEST_MD5, SPAN(DEVICE_CODE), SPAN(DIGEST_REALM), SPAN(HA1_PASSWORD), ha1);
    assert_true(span_copy(
        fake.device.digest_ha1, sizeof fake.device.digest_ha1, span_cstr(ha1)));
    fake_start(&fake, &conf, true);
    t = (struct talk){.f = &fake, .net = NET_INGEST, .type = VIID_TYPE};
}

/* A list of n passes with ids of their own. */
static void
passes(char *dst, size_t cap, unsigned n, const char *time)
{
    size_t used = (size_t)snprintf(
        dst, cap, "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[");
    for (unsigned i = 0; i < n; i++)
        used += (size_t)snprintf(
            dst + used, cap - used,
            "%s{\"MotorVehicleID\":\"%s02%s%05u02%05u\",\"InfoKind\":1,\"SourceID\":"
            "\"s\","
            "\"TollgateID\":\"140100000012\",\"DeviceID\":\"%s\",\"LaneNo\":1,"
            "\"HasPlate\":\"1\",\"PlateClass\":\"02\",\"PlateColor\":\"5\",\"PlateNo\":"
            "\"晋A0T%03u\",\"Speed\":40,\"Direction\":\"1\",\"VehicleColor\":\"2\","
            "\"PassTime\":\"%s\"}",
            i ? "," : "", DEVICE_CODE, time, i, i, DEVICE_CODE, i % 1000, time);
    snprintf(dst + used, cap - used, "]}}");
}

static const char *
now_text(char dst[TS_TEXT])
{
    struct zone zone = {"Asia/Shanghai", 480};
    return ts_format_viid(dst, os_now_ms() - 2000, &zone, false);
}

static void
register_device(const char *password, int want)
{
    static const char body[] = "{\"RegisterObject\":{\"DeviceID\":\"" DEVICE_CODE
                               "\",\"ProtocolVersion\":\"2.0\"}}";
    t.extra = "User-Identify: " DEVICE_CODE "\r\n";
    assert_int_equal(talk(&t, "POST", "/VIID/System/Register", body), 401);
    char *ask = strstr(t.text, "WWW-Authenticate: Digest ");
    assert_non_null(ask);
    char nonce[128], extra[1024], ha1[DIGEST_HEX], response[DIGEST_HEX];
    char *from = strstr(ask, "nonce=\"");
    assert_non_null(from);
    snprintf(nonce, sizeof nonce, "%.*s", (int)strcspn(from + 7, "\""), from + 7);
    struct digest_auth auth = {
        .username = SPAN(DEVICE_CODE),
        .realm = SPAN(DIGEST_REALM),
        .qop = SPAN("auth"),
        .nc = SPAN("00000001"),
        .cnonce = SPAN("abcdef"),
        .uri = SPAN("/VIID/System/Register"),
        .nonce = span_cstr(nonce)};
    digest_ha1(
        DIGEST_MD5, SPAN(DEVICE_CODE), SPAN(DIGEST_REALM), span_cstr(password), ha1);
    digest_response(&auth, SPAN("POST"), ha1, response);
    snprintf(
        extra, sizeof extra,
        "User-Identify: " DEVICE_CODE
        "\r\nAuthorization: Digest username=\"" DEVICE_CODE "\", realm=\"" DIGEST_REALM
        "\", nonce=\"%s\", uri=\"/VIID/System/Register\", "
        "response=\"%s\", qop=auth, nc=00000001, cnonce=\"abcdef\"\r\n",
        nonce, response);
    t.extra = extra;
    assert_int_equal(talk(&t, "POST", "/VIID/System/Register", body), want);
    if (want == 200) { /* the same answer again is a replay */
        assert_int_equal(talk(&t, "POST", "/VIID/System/Register", body), 401);
        assert_true(talk_has(&t, "stale=true"));
    }
    t.extra = "User-Identify: " DEVICE_CODE "\r\n";
}

static void
registered_devices_only(void **state)
{
    (void)state;
    static char body[65536];
    char at[TS_TEXT];
    start(true);
    passes(body, sizeof body, 3, now_text(at));
    t.extra = "User-Identify: " DEVICE_CODE "\r\n";
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 401);
    assert_true(talk_has(&t, "WWW-Authenticate: Digest "));
    assert_true(talk_has(&t, "\"StatusCode\":4"));
    assert_int_equal(fake.passes, 0);
    register_device("wrong", 401);
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 401);
    register_device(HA1_PASSWORD, 200);
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 200);
    assert_true(
        talk_has(&t, "{\"ResponseStatusListObject\":{\"ResponseStatusObject\":[{"));
    assert_int_equal(fake.passes, 3);
    assert_int_equal(fake.online, 1);
    static const char beat[] =
        "{\"KeepaliveObject\":{\"DeviceID\":\"" DEVICE_CODE "\"}}";
    assert_int_equal(talk(&t, "POST", "/VIID/System/Keepalive", beat), 200);
    assert_true(talk_has(&t, "\"ResponseStatusObject\""));
    assert_int_equal(talk(&t, "GET", "/VIID/System/Time", NULL), 200);
    assert_true(talk_has(&t, "\"SystemTimeObject\""));
    t.extra = "User-Identify: 14010000001190000009\r\n"; /* unknown */
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 401);
    t.extra = "User-Identify: " DEVICE_CODE "\r\n";
    static const char bye[] =
        "{\"UnRegisterObject\":{\"DeviceID\":\"" DEVICE_CODE "\"}}";
    assert_int_equal(talk(&t, "POST", "/VIID/System/UnRegister", bye), 200);
    assert_int_equal(fake.offline, 1);
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 401);
    fake_stop(&fake);
}

static void
the_answer_waits_for_the_store(void **state)
{
    (void)state;
    static char body[262144];
    char at[TS_TEXT];
    start(false);
    passes(body, sizeof body, 100, now_text(at));
    t.extra = "User-Identify: " DEVICE_CODE "\r\n";
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 200);
    assert_int_equal(fake.passes, 100);
    unsigned ok = 0;
    for (const char *p = t.body; (p = strstr(p, "\"StatusCode\":0")); p++)
        ok++;
    assert_int_equal(ok, 100);
    assert_int_equal(fake.report.objects, 100);
    assert_int_equal(fake.report.stored, 100);
    assert_int_equal(fake.report.refused, 0);
    assert_int_equal(fake.report.late, 0);
    fake.append_answer = ERR_BUSY; /* nothing is acknowledged that is not stored */
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 503);
    assert_true(talk_has(&t, "Retry-After: "));
    assert_true(talk_has(&t, "Retry-After: 1\r\n"));
    assert_null(strstr(t.body, "\"StatusCode\":0"));
    assert_int_equal(fake.passes, 100);
    fake.append_answer = ERR_FULL;
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 503);
    assert_true(talk_has(&t, "\"StatusCode\":2"));
    assert_true(talk_has(&t, "Retry-After: 30\r\n"));
    fake.append_answer = OK;
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", "{\"broken"), 400);
    assert_true(talk_has(&t, "\"StatusCode\":7"));
    assert_int_equal(talk(&t, "POST", "/VIID/Nothing", body), 404);
    assert_int_equal(talk(&t, "GET", "/api/v1/session", NULL), 404);
    t.type = NULL;
    assert_int_equal(
        talk_sign_in(&t, "duty", PASSWORD), 404); /* people go to the other port */
    t.type = VIID_TYPE;
    t.net = NET_CONSOLE; /* there is an ingest port: the console's has no such door */
    assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 405);
    fake_stop(&fake);
}

static void
ndjson_by_key(void **state)
{
    (void)state;
    char body[1024];
    start(false);
    t.type = "application/x-ndjson";
    t.extra = "Authorization: Bearer " DEVICE_KEY "\r\n";
    long long now = (long long)os_now_ms() - 1000;
    snprintf(
        body, sizeof body,
        "{\"plate\":\"晋A0T001\",\"plate_color\":5,\"site\":\"140100000012\",\"lane\":"
        "1,"
        "\"time_ms\":%lld,\"record_id\":\"r1\"}\n{\"broken\n{\"plate\":\"晋A0T002\","
        "\"site\":"
        "\"140100000012\",\"time_ms\":%lld,\"record_id\":\"r2\"}\n",
        now, now);
    for (int net = 0; net < NETS; net++) {
        t.net = (enum net)net;
        assert_int_equal(talk(&t, "POST", "/api/v1/sightings", body), 200);
        assert_true(
            talk_has(&t, "{\"taken\":2,\"duplicates\":0,\"refused\":[{\"line\":2,"));
        assert_true(talk_has(&t, net ? "\"lsn\":2}" : "\"lsn\":1}"));
    }
    /* nothing to be stored: the answer does not wait for the store */
    assert_int_equal(talk(&t, "POST", "/api/v1/sightings", "\n"), 200);
    assert_true(talk_has(&t, "{\"taken\":0,\"duplicates\":0,\"refused\":[]"));
    assert_int_equal(talk(&t, "POST", "/api/v1/sightings", "{\"broken\n"), 200);
    assert_true(talk_has(&t, "\"refused\":[{\"line\":1,"));
    /* a full disk says so, what to do, and when to come again */
    fake.append_answer = ERR_FULL;
    talk(&t, "POST", "/api/v1/sightings", body);
    talk_refused(&t, 503, "low_disk");
    assert_true(talk_has(&t, "Retry-After: 30\r\n"));
    assert_true(talk_has(&t, "send them again"));
    assert_true(talk_has(&t, "清理磁盘"));
    assert_null(strstr(t.body, "busy"));
    fake.append_answer = ERR_BUSY;
    assert_int_equal(talk(&t, "POST", "/api/v1/sightings", "{\"broken\n"), 200);
    talk(&t, "POST", "/api/v1/sightings", body);
    assert_true(talk_has(&t, "\"code\":\"busy\""));
    fake.append_answer = OK;
    t.type = "application/json";
    assert_int_equal(talk(&t, "POST", "/api/v1/gantry", "[]"), 200);
    assert_int_equal(talk(&t, "POST", "/api/v1/gantry", "gantry"), 400);
    assert_true(talk_has(&t, "\"bad_body\""));
    talk(&t, "POST", "/api/v1/sightings", body);
    talk_refused(&t, 415, "bad_type");
    t.type = "application/x-ndjson";
    t.extra = NULL;
    talk(&t, "POST", "/api/v1/sightings", body);
    talk_refused(&t, 401, "unauthenticated");
    fake_stop(&fake);
}

/* Bodies that other people's senders wrote, through the whole machine. */
static void
samples_of_others(void **state)
{
    (void)state;
    char path[OS_PATH], *text = NULL;
    size_t n = 0, asked = 0;
    if (!kit_shared(path, "data/protocols/viid/viid_samples.jsonl"))
        skip();
    assert_int_equal(os_read_file(os_fs_real(), path, 8u << 20, &text, &n, NULL), OK);
    start(false);
    struct span rest = span_of(text, n);
    while (rest.n) {
        struct span line = span_cut(&rest, '\n');
        json_t *row = json_loadb(line.p, line.n, 0, NULL);
        const char *method = json_string_value(json_object_get(row, "method"));
        const char *uri = json_string_value(json_object_get(row, "uri"));
        if (row && strcmp(method, "POST") == 0 &&
            strcmp(uri, "/VIID/System/Register") != 0) {
            char *body = json_dumps(json_object_get(row, "body"), JSON_ENCODE_ANY);
            talk(&t, "POST", uri, body);
            bool kept =
                t.status == 200 || t.status == 503; /* no `keep` in this daemon */
            if (!kept)
                print_message("%s %d %s\n", uri, t.status, t.body);
            assert_true(kept);
            assert_true(talk_has(&t, "ResponseStatus"));
            asked++;
            free(body);
        }
        json_decref(row);
    }
    assert_true(asked >= 8);
    free(text);
    fake_stop(&fake);
}

static dur_us
thread_us(pthread_t thread)
{
    clockid_t clock;
    struct timespec ts;
    pthread_getcpuclockid(thread, &clock);
    clock_gettime(clock, &ts);
    return (dur_us)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* What a pass costs the loop: lists of 100 on one kept connection, each answered when
 * stored. Prints the figure; it judges only that all were stored. */
static void
cost_of_a_pass(void **state)
{
    (void)state;
    enum { LISTS = 200, EACH = 100 };
    static char body[262144], reply[262144];
    char at[TS_TEXT], head[512];
    start(false);
    passes(body, sizeof body, EACH, now_text(at));
    int n = snprintf(
        head, sizeof head,
        "POST /VIID/MotorVehicles HTTP/1.1\r\nHost: a\r\nUser-Identify: " DEVICE_CODE
        "\r\nContent-Type: " VIID_TYPE "\r\nContent-Length: %zu\r\n\r\n",
        strlen(body));
    int fd = talk_dial(&t);
    dur_us from = thread_us(fake.nets[NET_INGEST]);
    for (int i = 0; i < LISTS; i++) {
        send(fd, head, (size_t)n, MSG_NOSIGNAL | MSG_MORE);
        send(fd, body, strlen(body), MSG_NOSIGNAL);
        size_t have = 0, want = SIZE_MAX;
        while (have < want) {
            ssize_t got = recv(fd, reply + have, sizeof reply - 1 - have, 0);
            assert_true(got > 0);
            have += (size_t)got;
            reply[have] = 0;
            char *end = strstr(reply, "\r\n\r\n"),
                 *size = strstr(reply, "Content-Length: ");
            if (end && size)
                want = (size_t)(end + 4 - reply) + strtoul(size + 16, NULL, 10);
        }
    }
    dur_us spent = thread_us(fake.nets[NET_INGEST]) - from;
    close(fd);
    print_message("%.2f us a pass\n", (double)spent / (LISTS * EACH));
    assert_int_equal(fake.passes, LISTS * EACH);
    fake_stop(&fake);
}

/* Lines of the flight recorder that hold a text. */
static int
logged(const char *part)
{
    static char text[1 << 20];
    int fd = fileno(tmpfile()), n = 0;
    log_dump(fd);
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    assert_true(got >= 0);
    text[got] = 0;
    for (char *at = text; (at = strstr(at, part)); at++)
        n++;
    close(fd);
    return n;
}

/* A fault that comes with every message stands in the log once; each is counted. */
static void
a_fault_is_logged_once(void **state)
{
    (void)state;
    static char body[65536];
    char at[TS_TEXT];
    start(false);
    t.extra = "User-Identify: " DEVICE_CODE "\r\n";
    passes(body, sizeof body, 3, now_text(at));
    int before = logged("kind=boolean_form");
    uint64_t counted = counter_get(CTR_ingest_faults);
    for (int i = 0; i < 5; i++)
        assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 200);
    t.extra = NULL; /* nobody: the same by itself */
    for (int i = 0; i < 5; i++)
        assert_int_equal(talk(&t, "POST", "/VIID/MotorVehicles", body), 200);
    assert_int_equal(logged("kind=boolean_form") - before, 2);
    assert_int_equal(counter_get(CTR_ingest_faults) - counted, 30);
    fake_stop(&fake);
}

struct hold { /* keeps the work thread until it is let go */
    struct job job;
    sem_t held, go;
};

static void
hold_run(struct job *job, struct api_env *env)
{
    (void)env;
    struct hold *h = (struct hold *)job;
    sem_post(&h->held);
    sem_wait(&h->go);
}

/* A list of n bytes: one whole record, and braces that never end. */
static char *
broken_list(size_t n)
{
    char at[TS_TEXT], *body = malloc(n + 1);
    assert_non_null(body);
    now_text(at);
    size_t used = (size_t)snprintf(
        body, n,
        "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[{\"MotorVehicleID\":"
        "\"" DEVICE_CODE "02%s0000102%05u\",\"TollgateID\":\"140100000012\","
        "\"PlateNo\":\"晋A0T001\",\"PassTime\":\"%s\"},",
        at, 1u, at);
    for (; used < n; used++)
        body[used] = "{\"a\":[\"b\""[used % 9];
    body[n] = 0;
    return body;
}

#define SENDERS 6

/* Answers that come until none has for so long: those of 503, those of 200. */
static void
collect(int *fds, int quiet_ms, int *busy, int *taken)
{
    char reply[4096];
    struct pollfd p[SENDERS];
    for (;;) {
        for (int i = 0; i < SENDERS; i++)
            p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        if (poll(p, SENDERS, quiet_ms) == 0)
            return;
        for (int i = 0; i < SENDERS; i++) {
            if (!p[i].revents)
                continue;
            ssize_t got = recv(fds[i], reply, sizeof reply - 1, 0);
            reply[got > 0 ? got : 0] = 0;
            *busy += strncmp(reply, "HTTP/1.1 503", 12) == 0;
            *taken += strncmp(reply, "HTTP/1.1 200", 12) == 0;
            close(fds[i]);
            fds[i] = -1;
        }
    }
}

/* A camera's huge or broken body is read elsewhere: another camera on the same loop is
 * answered before, and the good record of the broken one is stored after. Four may
 * wait for a work thread, more are told to come again. */
static void
broken_bodies_hold_nobody(void **state)
{
    (void)state;
    static const size_t sizes[] = {100u << 10, 2u << 20};
    static const char beat[] =
        "{\"KeepaliveObject\":{\"DeviceID\":\"" DEVICE_CODE "\"}}";
    for (size_t i = 0; i < 2; i++) {
        int fds[SENDERS], busy = 0, taken = 0;
        start(false);
        char *body = broken_list(sizes[i]);
        struct hold h = {.job.run = hold_run};
        sem_init(&h.held, 0, 0);
        sem_init(&h.go, 0, 0);
        assert_int_equal(fake_post(&fake, ON_WORK, &h.job), OK);
        sem_wait(&h.held);
        t.extra = "User-Identify: " DEVICE_CODE "\r\n";
        for (int k = 0; k < SENDERS; k++)
            fds[k] = talk_say(&t, "POST", "/VIID/MotorVehicles", body);
        assert_int_equal(talk(&t, "POST", "/VIID/System/Keepalive", beat), 200);
        collect(fds, 500, &busy, &taken);
        assert_int_equal(busy, SENDERS - 4);
        assert_int_equal(taken, 0);
        sem_post(&h.go);
        collect(fds, 5000, &busy, &taken);
        assert_int_equal(busy, SENDERS - 4);
        assert_int_equal(taken, 4);
        assert_int_equal(fake.passes, 4); /* the whole record of each */
        fake_stop(&fake);
        sem_destroy(&h.held);
        sem_destroy(&h.go);
        free(body);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registered_devices_only),
        cmocka_unit_test(the_answer_waits_for_the_store),
        cmocka_unit_test(ndjson_by_key),
        cmocka_unit_test(samples_of_others),
        cmocka_unit_test(a_fault_is_logged_once),
        cmocka_unit_test(broken_bodies_hold_nobody),
        cmocka_unit_test(cost_of_a_pass),
    };
    return cmocka_run_group_tests_name("serve/gate", tests, NULL, NULL);
}
