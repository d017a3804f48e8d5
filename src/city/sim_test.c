/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator against a small HTTP server of the test's own: Digest, lists with
 * pictures, keeping what was not taken, positions of units. */
#include "city/sim.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "city/courier.h"
#include "city/message.h"
#include "city/patrol.h"
#include "core/os_clock.h"

/* ---- a server that answers one connection after another ---- */

struct server {
    int fd, port;
    pthread_t thread[4];
    pthread_mutex_t lock;
    unsigned registered, vehicles, pictures, fixes, bad, posts, refuse;
    bool chunked;
};

static size_t
count(const char *p, size_t n, const char *what)
{
    size_t found = 0, len = strlen(what);
    for (const char *end = p + n; (p = memmem(p, (size_t)(end - p), what, len));
         p += len)
        found++;
    return found;
}

static void
answer(struct server *s, int fd, int status, const char *headers, const char *body)
{
    char text[1024];
    int n;
    if (s->chunked && *body)
        n = snprintf(
            text, sizeof text,
            "HTTP/1.1 %d X\r\n%sTransfer-Encoding: "
            "chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
            status, headers, strlen(body), body);
    else
        n = snprintf(
            text, sizeof text, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s",
            status, headers, strlen(body), body);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

static void
handle(struct server *s, int fd, const char *head, const char *body, size_t n)
{
    static const char challenge[] = "WWW-Authenticate: Digest realm=\"viid\", "
                                    "qop=\"auth\", nonce=\"n1\", opaque=\"o\"\r\n";
    static const char fine[] = "{\"ResponseStatusObject\":{\"StatusCode\":\"0\"}}";
    pthread_mutex_lock(&s->lock);
    s->posts++;
    if (strstr(head, "/System/Register")) {
        if (!strstr(head, "Authorization: Digest username=\"cam\"")) {
            answer(s, fd, 401, challenge, "");
        } else {
            s->registered++;
            s->bad += !strstr(head, "nc=00000001") || !strstr(head, "opaque=\"o\"");
            answer(s, fd, 200, "", fine);
        }
    } else if (strstr(head, "/VIID/MotorVehicles")) {
        if (s->refuse) { /* busy: they must come again */
            s->refuse--;
            answer(s, fd, 503, "", "{}");
        } else {
            s->vehicles += (unsigned)count(body, n, "\"MotorVehicleID\"");
            s->pictures += (unsigned)count(body, n, "\"Data\":\"/9j/");
            s->bad += !strstr(head, "User-Identify: 14010000001190000001") ||
                      body[n - 1] != '}';
            answer(s, fd, 200, "", fine);
        }
    } else if (strstr(head, "/api/v1/fixes")) {
        s->fixes += (unsigned)count(body, n, "\"unit\"");
        s->bad += !strstr(head, "Authorization: Bearer key1");
        answer(s, fd, 200, "", "{\"taken\":126,\"refused\":[]}");
    } else {
        answer(s, fd, 200, "", fine);
    }
    pthread_mutex_unlock(&s->lock);
}

static void *
serve(void *arg)
{
    struct server *s = arg;
    size_t room = 8u << 20;
    char *in = malloc(room);
    for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0; close(fd)) {
        size_t n = 0;
        for (ssize_t k; (k = recv(fd, in + n, room - n - 1, 0)) > 0;) {
            n += (size_t)k;
            in[n] = 0;
            char *blank = strstr(in, "\r\n\r\n"), *len;
            if (!blank || !(len = strstr(in, "Content-Length: ")))
                continue;
            size_t body = strtoul(len + 16, NULL, 10), head = (size_t)(blank - in) + 4;
            if (n < head + body)
                continue;
            blank[2] = 0;
            handle(s, fd, in, in + head, body);
            memmove(in, in + head + body, n - head - body);
            n -= head + body;
        }
    }
    free(in);
    return NULL;
}

static void
server_start(struct server *s)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 16), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&s->thread[i], NULL, serve, s), 0);
}

static void
server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    for (int i = 0; i < 4; i++)
        pthread_join(s->thread[i], NULL);
    close(s->fd);
}

/* ---- the tests ---- */

static void
a_city_lives_over_http(void **state)
{
    static const struct sim_device device = {"14010000001190000001", "cam", "secret"};
    struct server s;
    struct sim_counts counts;
    struct note note;
    (void)state;
    server_start(&s);
    s.refuse = 1;
    struct sim_opts o = {
        .city = {.seed = 7, .days = 2, .per_day = 60000, .watches = 5000},
        .host = "127.0.0.1",
        .port = s.port,
        .devices = &device,
        .devices_n = 1,
        .fixes_port = s.port,
        .fixes_key = "key1",
        .run_ms = 9000,
    };
    o.city.from_ms = os_now_ms() - DAY_MS;
    assert_int_equal(sim_run(&o, &counts, &note), OK);
    server_stop(&s);
    assert_int_equal(s.bad, 0);
    assert_true(s.registered >= 1);
    assert_int_equal(counts.registered, s.registered);
    assert_true(counts.failed >= 1); /* the one that found the server busy */
    assert_true(counts.sent > 0);
    assert_int_equal(counts.sent, s.vehicles);
    assert_int_equal(counts.with_picture, s.pictures);
    assert_true(s.pictures > 0);
    assert_true(counts.scenes[STAGE_WATCH] + counts.scenes[STAGE_STATUS] >= 1);
    assert_true(counts.fixes >= STAFF_UNITS);
    assert_int_equal(counts.fixes, s.fixes);
}

static void
nobody_there_is_an_error(void **state)
{
    static const struct sim_device device = {"14010000001190000001", "cam", "secret"};
    struct note note;
    (void)state;
    struct sim_opts o = {
        .city = {.seed = 7, .days = 1, .per_day = 10000, .from_ms = os_now_ms()},
        .host = "127.0.0.1",
        .port = 1,
        .devices = &device,
        .devices_n = 1,
        .wait_ms = 300,
    };
    assert_int_equal(sim_run(&o, NULL, &note), ERR_IO);
    o.devices_n = 0;
    assert_int_equal(sim_run(&o, NULL, &note), ERR_INPUT);
}

/* Every kind of scene, at noon and at three in the morning. */
static void
scenes_are_what_they_say(void **state)
{
    struct city_opts o = {.seed = 21, .days = 2, .per_day = 100000};
    struct city *c;
    struct watchlist w;
    struct stage s;
    (void)state;
    assert_int_equal(city_new(&o, &c, NULL), OK);
    assert_int_equal(watchlist_init(&w, c, 5000, NULL), OK);
    assert_int_equal(stage_init(&s, c, &w, NULL), OK);
    for (int k = 0; k < STAGE_KINDS * 2; k++) {
        enum stage_kind kind = (enum stage_kind)(k % STAGE_KINDS);
        ts_ms now = c->opts.from_ms + DAY_MS + (k < STAGE_KINDS ? 12 : 3) * HOUR_MS;
        if (!stage_play(&s, kind, now))
            fail_msg("nobody plays %s", stage_name(kind));
        const struct city_rec *r;
        int n = 0, misread = 0, unread = 0, early = 0;
        while ((r = stage_next(&s, INT64_MAX)) != NULL) {
            n++;
            misread += r->read == CITY_MISREAD;
            unread += r->read == CITY_UNREAD;
            early += r->arrive_ms <= now + 20000;
            assert_true(r->arrive_ms >= now);
            assert_true(stage_has(&s, r->car));
        }
        assert_true(n >= 1);
        assert_true(early >= 1); /* something happens soon */
        assert_int_equal(misread, kind == STAGE_MISREAD);
        assert_int_equal(unread, kind == STAGE_UNREAD ? n : 0);
        if (kind == STAGE_SPEED || kind == STAGE_UNREAD)
            assert_true(n >= 3);
    }
    stage_release(&s);
    watchlist_release(&w);
    city_free(c);
}

static void
messages_have_the_standard_shape(void **state)
{
    struct city_opts o = {.seed = 2, .days = 1, .per_day = 5000};
    struct city *c;
    struct buf b = {0};
    char id[MESSAGE_ID], camera[32];
    (void)state;
    assert_int_equal(city_new(&o, &c, NULL), OK);
    struct city_stream *s = city_stream_new(c, 0, NULL);
    size_t n = 0, old = 0;
    message_begin(&b);
    for (const struct city_rec *r; n < 50 && (r = city_stream_next(s)) != NULL; n++) {
        old += r->site % 40 == 7; /* cameras told to write truths as text */
        assert_int_equal(strlen(message_id(c, r, id)), 48);
        message_camera(c, r->site, camera);
        assert_int_equal(strlen(camera), 20);
        message_vehicle(&b, c, r, span_of("abc", n % 2 ? 3 : 0), n == 0);
    }
    message_end(&b);
    assert_false(b.bad);
    assert_int_equal(count((char *)b.p, b.n, "\"TollgateID\""), 50);
    assert_int_equal(count((char *)b.p, b.n, "\"HasPlate\":\""), old);
    assert_int_equal(
        count((char *)b.p, b.n, "\"HasPlate\":true,") +
            count((char *)b.p, b.n, "\"HasPlate\":false,"),
        50 - old);
    assert_int_equal(count((char *)b.p, b.n, "\"Data\":\"YWJj\""), 25);
    assert_int_equal(count((char *)b.p, b.n, "{"), count((char *)b.p, b.n, "}"));
    buf_clear(&b);
    message_base64(&b, SPAN("a"));
    message_base64(&b, SPAN("ab"));
    assert_memory_equal(b.p, "YQ==YWI=", 8);
    buf_release(&b);
    city_stream_free(s);
    city_free(c);
}

/* RFC 7616 section 3.9.1: the worked examples. */
static void
digest_agrees_with_the_standard(void **state)
{
    char line[1024];
    (void)state;
    assert_int_equal(
        courier_digest(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
            "algorithm=MD5, "
            "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
            "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
            "Mufasa", "Circle of Life", "GET", "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", line, sizeof line),
        OK);
    assert_non_null(strstr(line, "response=\"8ca523f5e9506fed4657c9700eebdbec\""));
    assert_int_equal(
        courier_digest(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
            "algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"",
            "Mufasa", "Circle of Life", "GET", "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", line, sizeof line),
        OK);
    assert_non_null(strstr(
        line, "response="
              "\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
    assert_int_equal(
        courier_digest(
            "Basic realm=\"x\"", "a", "b", "GET", "/", "c", line, sizeof line),
        ERR_INPUT);
}

static void
answers_in_chunks_are_read(void **state)
{
    struct server s;
    struct courier c;
    struct courier_reply reply;
    (void)state;
    server_start(&s);
    s.chunked = true;
    courier_init(&c, "127.0.0.1", s.port, 2000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            courier_ask(&c, "POST", "/VIID/System/Keepalive", "", SPAN("{}"), &reply),
            OK);
        assert_int_equal(reply.status, 200);
        assert_true(span_eq_cstr(
            reply.body, "{\"ResponseStatusObject\":{\"StatusCode\":\"0\"}}"));
    }
    courier_release(&c);
    server_stop(&s);
}

static void
units_stay_on_the_roads(void **state)
{
    static struct shape shape;
    struct patrol p;
    struct buf b = {0};
    (void)state;
    shape_init(&shape, 3);
    patrol_init(&p, &shape, 3);
    for (int k = 0; k < 200; k++) {
        patrol_move(&p, 5000);
        for (int i = 0; i < STAFF_UNITS; i++) {
            int32_t lon, lat;
            int heading, kmh;
            patrol_at(&p, i, &lon, &lat, &heading, &kmh);
            assert_true(lon > 1124000000 && lon < 1127000000);
            assert_true(lat > 377500000 && lat < 379900000);
            assert_true(heading >= 0 && heading < 360 && kmh > 0 && kmh < 60);
        }
    }
    patrol_json(&p, 1, &b);
    assert_int_equal(count((char *)b.p, b.n, "\"unit\""), STAFF_UNITS);
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_city_lives_over_http),
        cmocka_unit_test(nobody_there_is_an_error),
        cmocka_unit_test(scenes_are_what_they_say),
        cmocka_unit_test(messages_have_the_standard_shape),
        cmocka_unit_test(digest_agrees_with_the_standard),
        cmocka_unit_test(answers_in_chunks_are_read),
        cmocka_unit_test(units_stay_on_the_roads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
