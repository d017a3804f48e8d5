/* SPDX-License-Identifier: Apache-2.0 */
/* The event stream: who sees what, resuming from ring and ledger, reset, lossy topics,
 * ends. */
#include "core/os_clock.h"
#include "kit/kit.h"

#include "serve/fake_test.h"

#include "serve/events.h"

static struct fake fake;
static struct talk t;
static uint64_t journal = 100;

static int
setup(void **state)
{
    (void)state;
    static const struct serve_conf conf = {.journal = 100};
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
publish(const char *topic, unsigned roles, uint32_t org, bool lossy, const char *data)
{
    struct event_out e = {
        .journal = lossy ? 0 : ++journal,
        .topic = topic,
        .name = topic,
        .roles = roles,
        .org = {org},
        .data = span_cstr(data)};
    serve_publish(fake.serve, &e);
}

/* A stream under way; `last` is what Last-Event-ID says, 0 = nothing. */
static int
follow(struct talk *who, const char *query, uint64_t last)
{
    char path[128], extra[64] = "";
    if (last)
        snprintf(
            extra, sizeof extra, "Last-Event-ID: %llu\r\n", (unsigned long long)last);
    snprintf(path, sizeof path, "/api/v1/events%s", query);
    who->extra = extra;
    int fd = talk_say(who, "GET", path, NULL);
    who->extra = NULL;
    return fd;
}

/* Reads on until `until` has come (or 10 s); keeps everything in text. */
static void
hear(int fd, char *text, size_t cap, const char *until)
{
    size_t n = strlen(text);
    dur_us end = os_mono_us() + 10000000; /* heartbeats keep recv() from timing out */
    while (!strstr(text, until) && n + 1 < cap && os_mono_us() < end) {
        ssize_t got = recv(fd, text + n, cap - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = 0;
    }
    if (!strstr(text, until))
        print_message("no %s in: %s\n", until, text);
    assert_non_null(strstr(text, until));
}

static void
filters(void **state)
{
    (void)state;
    static char duty[65536], squad[65536], maps[65536];
    struct talk a = t, b = t;
    assert_int_equal(talk_sign_in(&a, "duty", PASSWORD), 200);
    assert_int_equal(talk_sign_in(&b, "squad", PASSWORD), 200); /* org 2 below 1 */
    int fd[3] = {follow(&a, "", 0), follow(&b, "", 0), follow(&a, "?topics=map", 0)};
    char *texts[] = {duty, squad, maps};
    for (int i = 0; i < 3; i++)
        hear(fd[i], texts[i], 65536, "event: hello\ndata: {\"journal\":100,");
    assert_non_null(strstr(duty, "Content-Type: text/event-stream; charset=utf-8\r\n"));
    assert_non_null(strstr(duty, "retry: 2000\n\n"));
    publish("alarm", ROLE_DUTY, 0, false, "{\"for\":\"duty\"}");
    publish("alarm", ROLES_PEOPLE, 3, false, "{\"of\":\"three\"}");
    publish("matter", ROLES_PEOPLE, 2, false, "{\"of\":\"two\"}");
    publish("map", ROLES_PEOPLE, 0, true, "{\"rows\":[]}");
    publish("system", ROLES_PEOPLE, 0, false, "{\"end\":1}");
    hear(fd[0], duty, sizeof duty, "{\"end\":1}");
    hear(fd[1], squad, sizeof squad, "{\"end\":1}");
    hear(fd[2], maps, sizeof maps, "event: map\ndata: {\"rows\":[]}\n\n");
    assert_non_null(
        strstr(duty, "id: 101\nevent: alarm\ndata: {\"for\":\"duty\"}\n\n"));
    assert_null(strstr(squad, "\"for\":\"duty\""));
    assert_non_null(strstr(duty, "\"of\":\"three\""));
    assert_null(strstr(squad, "\"of\":\"three\"")); /* another squad's */
    assert_non_null(strstr(squad, "\"of\":\"two\""));
    assert_null(strstr(maps, "alarm"));
    const char *map = strstr(duty, "event: map");
    assert_non_null(map);
    assert_memory_equal(map - 2, "\n\n", 2); /* no id before it */
    for (int i = 0; i < 3; i++)
        close(fd[i]);
}

static void
resumes_from_the_ring(void **state)
{
    (void)state;
    char text[65536] = "";
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    uint64_t seen = journal;
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"n\":1}");
    publish("alarm", ROLE_ADMIN, 0, false, "{\"n\":2}");
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"n\":3}");
    usleep(50000);
    int fd = follow(&t, "", seen);
    hear(fd, text, sizeof text, "{\"n\":3}");
    assert_non_null(strstr(text, "{\"n\":1}"));
    assert_null(strstr(text, "{\"n\":2}"));
    assert_null(strstr(text, "reset"));
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"n\":4}");
    hear(fd, text, sizeof text, "{\"n\":4}");
    close(fd);
    /* nothing missed: nothing sent; and by query as the worker of the console asks */
    char query[64];
    snprintf(query, sizeof query, "?since=%llu", (unsigned long long)journal);
    text[0] = 0;
    fd = follow(&t, query, 0);
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"n\":5}");
    hear(fd, text, sizeof text, "{\"n\":5}");
    assert_null(strstr(text, "{\"n\":4}"));
    close(fd);
    /* a number of another life */
    text[0] = 0;
    fd = follow(&t, "", journal + 1000);
    hear(fd, text, sizeof text, "event: reset\ndata: {}\n\n");
    close(fd);
}

static void
resumes_from_the_ledger(void **state)
{
    (void)state;
    char text[65536] = "";
    for (unsigned i = 0; i < 5; i++) { /* journal 96..100: before this daemon started */
        fake.events[i].journal = 96 + i;
        fake.events[i].topic = "matter";
        snprintf(
            fake.events[i].data, sizeof fake.events[i].data, "{\"old\":%u}", 96 + i);
    }
    fake.events_n = 5;
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    int fd = follow(&t, "", 97);
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"meanwhile\":1}");
    hear(fd, text, sizeof text, "{\"meanwhile\":1}");
    assert_null(strstr(text, "{\"old\":97}"));
    const char *at = text;
    for (unsigned n = 98; n <= 100; n++) { /* in order, once, before what came later */
        char want[64];
        snprintf(
            want, sizeof want, "id: %u\nevent: matter\ndata: {\"old\":%u}\n\n", n, n);
        at = strstr(at, want);
        assert_non_null(at);
        assert_null(strstr(at + 1, want));
    }
    assert_non_null(strstr(at, "id: 101\n"));
    assert_null(strstr(text, "reset"));
    close(fd);
    /* the ledger is too busy to be asked: everything again */
    fake.full_box = true;
    text[0] = 0;
    fd = follow(&t, "", 97);
    hear(fd, text, sizeof text, "event: reset\n");
    fake.full_box = false;
    close(fd);
}

static void
ends(void **state)
{
    (void)state;
    char text[65536] = "", other[65536] = "";
    struct talk a = t, b = t;
    assert_int_equal(talk_sign_in(&a, "duty", PASSWORD), 200);
    assert_int_equal(talk_sign_in(&b, "duty", PASSWORD), 200);
    int fd = follow(&a, "", 0), fd2 = follow(&b, "", 0);
    hear(fd, text, sizeof text, "hello");
    hear(fd2, other, sizeof other, "hello");
    assert_int_equal(talk(&a, "DELETE", "/api/v1/session", NULL), 204);
    hear(fd, text, sizeof text, "event: bye\ndata: {\"reason\":\"signed_out\"}\n\n");
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 0);
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"still\":1}");
    hear(fd2, other, sizeof other, "{\"still\":1}");
    fake.users[0].epoch++;
    serve_account_changed(fake.serve, &fake.users[0], "role_changed");
    hear(fd2, other, sizeof other, "{\"reason\":\"role_changed\"}");
    assert_int_equal(recv(fd2, &c, 1, 0), 0);
    close(fd);
    close(fd2);
}

/* More than the ring holds while a client is away: the oldest come from the ledger, the
 * others from the ring, each once and in order. */
static void
ring_overflows(void **state)
{
    (void)state;
    enum { MORE = 10 };
    static char text[1 << 20];
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    uint64_t seen = journal;
    /* What the ledger holds: three in the middle changed nothing that anybody follows,
     * and it knows those too that leave the ring while it is being read. */
    fake.events_n = 0;
    for (unsigned i = 0; i < MORE + 1; i++) {
        if (i >= MORE - 3 && i < MORE)
            continue;
        unsigned at = fake.events_n++;
        fake.events[at].journal = seen + 1 + i;
        fake.events[at].topic = "unit";
        snprintf(fake.events[at].data, sizeof fake.events[at].data, "{}");
    }
    int other = follow(&t, "?topics=alarm", 0);
    hear(other, text, sizeof text, "hello");
    for (int i = 0; i < EVENTS_RING + MORE - 1; i++)
        publish("unit", ROLES_PEOPLE, 0, false, "{}");
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"last\":1}");
    hear(other, text, sizeof text, "{\"last\":1}"); /* all of them are in the ring */
    close(other);
    text[0] = 0;
    int fd = follow(&t, "", seen);
    hear(fd, text, sizeof text, "hello");
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"after\":1}");
    hear(fd, text, sizeof text, "{\"after\":1}");
    close(fd);
    assert_null(strstr(text, "reset"));
    uint64_t want = seen + 1;
    for (const char *at = strstr(text, "\nid: "); at; at = strstr(at + 1, "\nid: ")) {
        if (want == seen + 1 + MORE - 3)
            want += 3;
        assert_int_equal(strtoull(at + 5, NULL, 10), want);
        want++;
    }
    assert_int_equal(want, journal + 1);
}

/* Many clients get one event, and one that does not read holds up nobody. */
static void
many_clients(void **state)
{
    (void)state;
    enum { MANY = 400 };
    static int fds[MANY];
    static char text[65536];
    struct talk who[16];
    for (int i = 0; i < 16; i++) {
        who[i] = t;
        assert_int_equal(talk_sign_in(&who[i], "duty", PASSWORD), 200);
    }
    for (int i = 0; i < MANY; i++)
        fds[i] = follow(&who[i % 16], "?topics=alarm", 0);
    for (int i = 0; i < MANY; i++) {
        text[0] = 0;
        hear(fds[i], text, sizeof text, "hello");
    }
    dur_us from = os_mono_us();
    publish("alarm", ROLES_PEOPLE, 0, false, "{\"all\":1}");
    for (int i = 1; i < MANY; i++) {
        text[0] = 0;
        hear(fds[i], text, sizeof text, "{\"all\":1}");
    }
    print_message("%d clients in %lld us\n", MANY, (long long)(os_mono_us() - from));
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

static void *
stop_soon(void *arg)
{
    (void)arg;
    usleep(100000);
    serve_stop(fake.serve);
    return NULL;
}

static void
stopping_says_bye(void **state)
{
    (void)state;
    char text[65536] = "", c;
    pthread_t stopper;
    assert_int_equal(talk_sign_in(&t, "duty", PASSWORD), 200);
    int fd = follow(&t, "", 0);
    hear(fd, text, sizeof text, "hello");
    pthread_create(&stopper, NULL, stop_soon, NULL);
    hear(fd, text, sizeof text, "event: bye\ndata: {\"reason\":\"shutdown\"}\n\n");
    assert_int_equal(recv(fd, &c, 1, 0), 0);
    pthread_join(stopper, NULL);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters),
        cmocka_unit_test(resumes_from_the_ring),
        cmocka_unit_test(resumes_from_the_ledger),
        cmocka_unit_test(ends),
        cmocka_unit_test(ring_overflows),
        cmocka_unit_test(many_clients),
        cmocka_unit_test(stopping_says_bye),
    };
    return cmocka_run_group_tests_name("serve/events", tests, setup, teardown);
}
