/* SPDX-License-Identifier: Apache-2.0 */
/* The loop against raw sockets: keep-alive, pipelines, bodies of every kind, slow and
 * hostile senders, many connections, work on other threads, streams, TLS. */
#include "kit/kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/os_clock.h"
#include "core/os_file.h"
#include "serve/http.h"
#include "serve/tls.h"

/* ---- a loop that echoes ---- */

struct later {
    struct job job;
    struct req *r;
};

struct rig {
    struct http *h;
    pthread_t thread;
    unsigned port;
    struct tls *tls;
    char dir[OS_PATH];
    struct stream *stream;
    atomic_int streams_closed, gone;
};

static void
reply_echo(struct req *r)
{
    struct span body = req_body(r);
    struct buf *out = req_out(r);
    req_set(r, "Content-Type", "text/plain");
    buf_fmt(
        out, "%s %.*s %.*s %zu:", method_name(req_method(r)), SPAN_ARG(req_path(r)),
        SPAN_ARG(req_peer(r)), body.n);
    for (size_t i = 0; i < REQ_BODY_PAD && body.p; i++)
        assert_int_equal(body.p[body.n + i], 0);
    buf_put(out, body.p, body.n < 64 ? body.n : 64);
    req_send(r);
}

static void
come_home(struct job *job, struct api_env *env)
{
    (void)env;
    struct later *l = (struct later *)job;
    buf_text(req_out(l->r), req_gone(l->r) ? "gone" : "late");
    req_send(l->r);
    free(l);
}

static void *
work_elsewhere(void *arg)
{
    struct later *l = arg;
    usleep(100000);
    l->job.run = come_home;
    http_post(req_http(l->r), &l->job);
    return NULL;
}

static void
stream_gone(void *ctx)
{
    struct rig *rig = ctx;
    rig->stream = NULL;
    atomic_fetch_add(&rig->streams_closed, 1);
}

static void
on_request(void *ctx, struct req *r)
{
    struct rig *rig = ctx;
    struct span path = req_path(r);
    if (span_eq_cstr(path, "/late")) {
        struct later *l = calloc(1, sizeof *l);
        pthread_t t;
        l->r = r;
        pthread_create(&t, NULL, work_elsewhere, l);
        pthread_detach(t);
    } else if (span_eq_cstr(path, "/stream")) {
        req_set(r, "Content-Type", "text/event-stream");
        rig->stream = req_stream(r, 1u << 20, stream_gone, rig);
    } else if (span_eq_cstr(path, "/big")) {
        for (int i = 0; i < 4 << 20; i += 16)
            buf_text(req_out(r), "0123456789abcdef");
        req_send(r);
    } else if (span_eq_cstr(path, "/fail")) {
        /* what an answer of ours would have said before it failed */
        req_set(r, "Content-Type", "application/zip");
        req_set(r, "Content-Disposition", "attachment; filename=\"half.zip\"");
        req_set(r, "Cache-Control", "private, max-age=86400");
        req_set(r, "ETag", "\"1\"");
        req_add(r, "Set-Cookie", "half=1");
        req_set(r, "Allow", "GET");
        req_fail(
            r,
            note_set(
                req_note(r), ERR_INPUT, "lane", "lane is 1 to 20", "车道号为 1 至 20"));
        req_send(r);
    } else {
        reply_echo(r);
    }
}

static enum err
on_head(void *ctx, struct req *r, size_t *cap)
{
    (void)ctx;
    if (span_eq_cstr(req_path(r), "/closed"))
        return req_refuse(r, REFUSE_UNAUTHENTICATED, NULL, NULL, NULL);
    if (span_eq_cstr(req_path(r), "/small"))
        *cap = 10;
    return OK;
}

static void *
run_loop(void *arg)
{
    http_run(arg);
    return NULL;
}

static void
rig_start(struct rig *rig, const struct http_conf *extra, bool tls)
{
    struct note note = {0};
    struct http_conf conf = extra ? *extra : (struct http_conf){0};
    conf.name = "test";
    conf.on_head = on_head;
    conf.on_request = on_request;
    conf.ctx = rig;
    kit_ok(http_new(&conf, &rig->h, &note), &note);
    if (tls) {
        char cert[OS_PATH], key[OS_PATH];
        kit_temp_dir(rig->dir);
        must(os_join(cert, sizeof cert, rig->dir, "cert.pem") == OK);
        must(os_join(key, sizeof key, rig->dir, "key.pem") == OK);
        kit_ok(
            tls_self_signed(
                cert, key, SPAN("localhost 127.0.0.1 ::1"), 30, os_now_ms(), &note),
            &note);
        kit_ok(tls_open(cert, key, &rig->tls, &note), &note);
    }
    kit_ok(http_listen(rig->h, SPAN("127.0.0.1:0"), rig->tls, &note), &note);
    char url[HTTP_URL];
    assert_true(http_url(rig->h, 0, url));
    rig->port = (unsigned)strtoul(strrchr(url, ':') + 1, NULL, 10);
    pthread_create(&rig->thread, NULL, run_loop, rig->h);
}

static void
rig_stop(struct rig *rig)
{
    http_stop(rig->h);
    pthread_join(rig->thread, NULL);
    http_free(rig->h);
    tls_free(rig->tls);
    if (rig->dir[0])
        kit_remove_tree(rig->dir);
}

/* ---- a client ---- */

static int
dial(const struct rig *rig)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)rig->port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    struct timeval tv = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    return fd;
}

static void
say(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t put = send(fd, text, n, MSG_NOSIGNAL);
        if (put <= 0)
            return;
        text += put;
        n -= (size_t)put;
    }
}
#define SAY(fd, text) say((fd), (text), sizeof(text) - 1)

/* Reads until the text holds `until`, the end, or a timeout; returns the bytes read. */
static size_t
hear(int fd, char *dst, size_t cap, const char *until)
{
    size_t n = 0;
    dst[0] = 0;
    while (n + 1 < cap && !(until && strstr(dst, until))) {
        ssize_t got = recv(fd, dst + n, cap - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        dst[n] = 0;
    }
    return n;
}

static bool
at_end(int fd)
{
    char c;
    ssize_t got = recv(fd, &c, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* One connection: says text, hears everything until the end. */
static void
exchange(const struct rig *rig, const char *text, size_t n, char *dst, size_t cap)
{
    int fd = dial(rig);
    say(fd, text, n);
    hear(fd, dst, cap, NULL);
    close(fd);
}

#define HOST "Host: a\r\n"
#define LAST "Host: a\r\nConnection: close\r\n"

static void
keep_alive_and_pipeline(void **state)
{
    (void)state;
    struct rig rig = {0};
    char text[4096];
    rig_start(&rig, NULL, false);
    int fd = dial(&rig);
    SAY(fd, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, text, sizeof text, "0:");
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(text, "GET /a 127.0.0.1 0:"));
    SAY(fd, "\r\nGET /b HTTP/1.1\r\n" HOST "\r\nPOST /c HTTP/1.1\r\n" HOST
            "Content-Length: 3\r\n\r\nxyzGET /d HTTP/1.1\r\n" LAST "\r\nGET /never");
    hear(fd, text, sizeof text, NULL);
    assert_non_null(strstr(text, "GET /b"));
    assert_non_null(strstr(text, "POST /c 127.0.0.1 3:xyz"));
    assert_non_null(strstr(text, "GET /d"));
    assert_null(strstr(text, "/never"));
    close(fd);
    static const char head[] = "HEAD /a HTTP/1.1\r\n" LAST "\r\n";
    exchange(&rig, head, sizeof head - 1, text, sizeof text);
    assert_non_null(strstr(text, "Content-Length: 19\r\n"));
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    rig_stop(&rig);
}

static void
bodies(void **state)
{
    (void)state;
    struct rig rig = {0};
    char text[4096];
    rig_start(&rig, NULL, false);
    static const char chunked[] =
        "POST /x HTTP/1.1\r\n" LAST
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;q\r\nde\r\n"
        "0\r\nT: v\r\n\r\n";
    exchange(&rig, chunked, sizeof chunked - 1, text, sizeof text);
    assert_non_null(strstr(text, "5:abcde"));
    /* byte by byte */
    int fd = dial(&rig);
    for (size_t i = 0; i < sizeof chunked - 1; i++)
        say(fd, chunked + i, 1);
    hear(fd, text, sizeof text, NULL);
    assert_non_null(strstr(text, "5:abcde"));
    close(fd);
    /* 100-continue */
    fd = dial(&rig);
    SAY(fd, "POST /x HTTP/1.1\r\n" LAST
            "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    hear(fd, text, sizeof text, "\r\n\r\n");
    assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
    SAY(fd, "ok");
    hear(fd, text, sizeof text, NULL);
    assert_non_null(strstr(text, "2:ok"));
    close(fd);
    /* 8 MB, and one byte more */
    size_t big = 8u << 20;
    char *body = calloc(1, big);
    memset(body, 'z', big);
    fd = dial(&rig);
    SAY(fd, "POST /x HTTP/1.1\r\n" LAST "Content-Length: 8388608\r\n\r\n");
    say(fd, body, big);
    hear(fd, text, sizeof text, NULL);
    assert_non_null(strstr(text, "8388608:zzz"));
    close(fd);
    fd = dial(&rig);
    SAY(fd, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 8388609\r\n\r\n");
    say(fd, body, 1u << 20);
    hear(fd, text, sizeof text, NULL);
    assert_non_null(strstr(text, "413"));
    assert_non_null(strstr(text, "Connection: close"));
    close(fd);
    /* a chunked body past the cap of its route; a head refused before its body */
    static const char over[] = "POST /small HTTP/1.1\r\n" HOST
                               "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n";
    exchange(&rig, over, sizeof over - 1, text, sizeof text);
    assert_non_null(strstr(text, "413"));
    fd = dial(&rig);
    SAY(fd, "POST /closed HTTP/1.1\r\n" HOST "Content-Length: 8000000\r\n"
            "Expect: 100-continue\r\n\r\n");
    hear(fd, text, sizeof text, NULL);
    assert_non_null(strstr(text, "HTTP/1.1 401"));
    assert_null(strstr(text, "100 Continue"));
    close(fd);
    /* a large reply to a reader that takes its time */
    fd = dial(&rig);
    SAY(fd, "GET /big HTTP/1.1\r\n" LAST "\r\n");
    usleep(200000);
    size_t got = 0;
    char *sink = malloc(1u << 16);
    for (ssize_t n; (n = recv(fd, sink, 1u << 16, 0)) > 0;)
        got += (size_t)n;
    assert_true(got > 4u << 20);
    close(fd);
    free(sink);
    free(body);
    assert_int_equal(http_counts(rig.h).body_bytes, 0);
    rig_stop(&rig);
}

static void
errors_have_one_shape(void **state)
{
    (void)state;
    struct rig rig = {0};
    char text[4096];
    rig_start(&rig, NULL, false);
    static const char zh[] = "GET /fail HTTP/1.1\r\n" LAST "\r\n";
    exchange(&rig, zh, sizeof zh - 1, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 400 Bad Request"));
    static const char *const gone[] = {"zip", "ETag", "private", "Set-Cookie"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_null(strstr(text, gone[i])); /* of the answer that did not come */
    assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(text, "\r\nCache-Control: no-store\r\n"));
    assert_non_null(strstr(text, "\r\nAllow: GET\r\n"));
    assert_non_null(strstr(
        text, "{\"error\":{\"code\":\"bad_request\",\"message\":\"车道号为 1 至 20\","
              "\"field\":\"lane\",\"text\":{\"zh\":\"车道号为 1 至 20\","
              "\"en\":\"lane is 1 to 20\"}}}"));
    static const char en[] =
        "GET /fail HTTP/1.1\r\nAccept-Language: en-GB\r\n" LAST "\r\n";
    exchange(&rig, en, sizeof en - 1, text, sizeof text);
    assert_non_null(strstr(text, "\"message\":\"lane is 1 to 20\""));
    rig_stop(&rig);
}

/* Each is answered 400 and the connection ends: nothing behind it is read as a request.
 */
static void
hostile_forms_end_the_connection(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc",
        "POST /x HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc",
        "GET /x HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\r\n" HOST HOST "\r\n",
        "GET /x HTTP/1.1\n" HOST "\n",
        "GET /x HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n",
        "POST /x HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n",
        "GET /../etc/passwd HTTP/1.1\r\n" HOST "\r\n",
        "GET /a%00b HTTP/1.1\r\n" HOST "\r\n",
        "GET /a?x=%zz HTTP/1.1\r\n" HOST "\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    };
    struct rig rig = {0};
    char text[8192];
    rig_start(&rig, NULL, false);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int fd = dial(&rig);
        say(fd, forms[i], i == 14 ? 11 : strlen(forms[i]));
        SAY(fd, "GET /smuggled HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, text, sizeof text, NULL);
        if (!strstr(text, "HTTP/1.1 400") || strstr(text, "smuggled"))
            print_message("form %zu: %s\n", i, text);
        assert_ptr_equal(strstr(text, "HTTP/1.1 400"), text);
        assert_non_null(strstr(text, "Connection: close\r\n"));
        assert_null(strstr(text, "smuggled"));
        close(fd);
    }
    static const char nul[] = "GET /x HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
    exchange(&rig, nul, sizeof nul - 1, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 400"));
    char *head = malloc(20000);
    int n = snprintf(head, 20000, "GET /x HTTP/1.1\r\n" HOST "X: ");
    memset(head + n, 'a', 18000);
    exchange(&rig, head, (size_t)n + 18000, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 431"));
    free(head);
    assert_true(http_counts(rig.h).bad >= sizeof forms / sizeof forms[0]);
    rig_stop(&rig);
}

/* Slow heads, slow bodies and silent connections are cut, and others are served
 * meanwhile. */
static void
slow_senders_are_cut(void **state)
{
    (void)state;
    struct rig rig = {0};
    struct http_conf conf = {
        .head_ms = 600, .idle_ms = 700, .body_ms = 600, .body_rate = 1 << 20};
    char text[4096];
    rig_start(&rig, &conf, false);
    int head = dial(&rig), body = dial(&rig), silent = dial(&rig), idle = dial(&rig);
    SAY(head, "GET /x HT");
    SAY(body, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\nabc");
    SAY(idle, "GET /x HTTP/1.1\r\n" HOST "\r\n");
    hear(idle, text, sizeof text, "0:");
    dur_us from = os_mono_us();
    for (int i = 0; i < 12; i++) {
        usleep(100000);
        SAY(body, "d");
        SAY(head, "T");
        static const char get[] = "GET /ok HTTP/1.1\r\n" LAST "\r\n";
        dur_us at = os_mono_us();
        exchange(&rig, get, sizeof get - 1, text, sizeof text);
        assert_non_null(strstr(text, "GET /ok"));
        assert_true(os_mono_us() - at < 500000);
    }
    assert_true(os_mono_us() - from > 1100000);
    hear(head, text, sizeof text, NULL);
    assert_non_null(strstr(text, "HTTP/1.1 408"));
    hear(body, text, sizeof text, NULL);
    assert_non_null(strstr(text, "HTTP/1.1 408"));
    assert_true(at_end(silent));
    assert_true(at_end(idle));
    assert_true(http_counts(rig.h).slow >= 4);
    close(head), close(body), close(silent), close(idle);
    rig_stop(&rig);
}

static void
raise_files(void)
{
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
}

/* Past the cap the longest silent connection makes room: newcomers are always served.
 */
static void
many_connections(void **state)
{
    (void)state;
    raise_files();
    enum { MANY = 3000, CAP = 1000 };
    struct rig rig = {0};
    struct http_conf conf = {.conns_max = CAP};
    char text[4096];
    rig_start(&rig, &conf, false);
    static int fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = dial(&rig);
    static const char get[] = "GET /ok HTTP/1.1\r\n" LAST "\r\n";
    for (int i = 0; i < 50; i++) {
        exchange(&rig, get, sizeof get - 1, text, sizeof text);
        assert_non_null(strstr(text, "GET /ok"));
    }
    struct http_count n = http_counts(rig.h);
    assert_true(n.conns <= CAP);
    assert_int_equal(n.accepted, MANY + 50);
    assert_true(n.refused_full >= MANY - CAP);
    assert_true(at_end(fds[0]));
    SAY(fds[MANY - 1], "GET /last HTTP/1.1\r\n" LAST "\r\n");
    hear(fds[MANY - 1], text, sizeof text, NULL);
    assert_non_null(strstr(text, "GET /last"));
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    rig_stop(&rig);
}

/* Bodies together stay inside their budget; who is over it gets 503 and may try again.
 */
static void
body_budget(void **state)
{
    (void)state;
    struct rig rig = {0};
    struct http_conf conf = {.body_budget = 4u << 20};
    char text[4096];
    rig_start(&rig, &conf, false);
    int fds[16];
    char *part = calloc(1, 700 << 10);
    for (int i = 0; i < 16; i++) {
        fds[i] = dial(&rig);
        SAY(fds[i], "POST /x HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n");
        say(fds[i], part, 700 << 10);
    }
    int busy = 0;
    for (int i = 0; i < 16; i++) {
        struct pollfd p = {.fd = fds[i], .events = POLLIN};
        if (poll(&p, 1, 100) == 1) {
            hear(fds[i], text, sizeof text, "\r\n\r\n");
            assert_non_null(strstr(text, "HTTP/1.1 503"));
            assert_non_null(strstr(text, "Retry-After: "));
            busy++;
        }
    }
    assert_true(busy >= 8 && busy < 16);
    assert_true(http_counts(rig.h).body_bytes <= 4u << 20);
    for (int i = 0; i < 16; i++)
        close(fds[i]);
    free(part);
    rig_stop(&rig);
}

static void
other_threads_answer(void **state)
{
    (void)state;
    struct rig rig = {0};
    char text[4096];
    rig_start(&rig, NULL, false);
    static const char get[] = "GET /late HTTP/1.1\r\n" LAST "\r\n";
    exchange(&rig, get, sizeof get - 1, text, sizeof text);
    assert_non_null(strstr(text, "\r\n\r\nlate"));
    for (int i = 0; i < 20; i++) { /* the client leaves before the answer */
        int fd = dial(&rig);
        say(fd, get, sizeof get - 1);
        struct linger off = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
        close(fd);
    }
    usleep(300000);
    exchange(&rig, get, sizeof get - 1, text, sizeof text);
    assert_non_null(strstr(text, "\r\n\r\nlate"));
    /* and the loop ends while an answer is on its way */
    int fd = dial(&rig);
    say(fd, get, sizeof get - 1);
    usleep(20000);
    rig_stop(&rig);
    close(fd);
}

struct push {
    struct job job;
    struct rig *rig;
    struct chunk *chunk;
    int times;
    bool end;
};

static void
push_run(struct job *job, struct api_env *env)
{
    (void)env;
    struct push *p = (struct push *)job;
    for (int i = 0; i < p->times && p->rig->stream; i++)
        if (!stream_push(p->rig->stream, p->chunk))
            break;
    if (p->end && p->rig->stream)
        stream_end(p->rig->stream);
    chunk_unref(p->chunk);
    free(p);
}

static void
push(struct rig *rig, size_t n, int times, bool end)
{
    struct push *p = calloc(1, sizeof *p);
    char *bytes = malloc(n + 1);
    memset(bytes, 'e', n);
    *p =
        (struct push){.job = {.run = push_run}, .rig = rig, .times = times, .end = end};
    p->chunk = chunk_new(bytes, n);
    free(bytes);
    http_post(rig->h, &p->job);
}

static void
streams(void **state)
{
    (void)state;
    struct rig rig = {0};
    char text[8192];
    rig_start(&rig, NULL, false);
    static const char get[] = "GET /stream HTTP/1.1\r\n" HOST "\r\n";
    int fd = dial(&rig);
    say(fd, get, sizeof get - 1);
    hear(fd, text, sizeof text, "\r\n\r\n");
    assert_non_null(strstr(text, "text/event-stream"));
    push(&rig, 2000, 2, true);
    assert_int_equal(hear(fd, text, sizeof text, NULL), 4000);
    close(fd);
    while (atomic_load(&rig.streams_closed) < 1)
        usleep(1000);
    /* the client leaves */
    fd = dial(&rig);
    say(fd, get, sizeof get - 1);
    hear(fd, text, sizeof text, "\r\n\r\n");
    close(fd);
    while (atomic_load(&rig.streams_closed) < 2)
        usleep(1000);
    /* the client reads nothing: it is dropped, and memory stays bounded */
    fd = dial(&rig);
    say(fd, get, sizeof get - 1);
    hear(fd, text, sizeof text, "\r\n\r\n");
    push(&rig, 100000, 200, false);
    while (atomic_load(&rig.streams_closed) < 3)
        usleep(1000);
    close(fd);
    assert_int_equal(http_counts(rig.h).streams, 0);
    rig_stop(&rig);
}

/* A handshake with these protocols named ("" none): what was chosen, or "refused". */
static void
shake(struct rig *rig, SSL_CTX *ctx, const char *protocols, unsigned n, char got[32])
{
    const unsigned char *chosen;
    unsigned chosen_n;
    SSL *ssl = SSL_new(ctx);
    int fd = dial(rig);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)protocols, n), 0);
    bool fine = SSL_connect(ssl) == 1;
    SSL_get0_alpn_selected(ssl, &chosen, &chosen_n);
    snprintf(
        got, 32, "%.*s", fine ? (int)chosen_n : 7,
        fine ? (const char *)chosen : "refused");
    SSL_free(ssl);
    close(fd);
}

static void
tls_names_its_protocol(void **state)
{
    (void)state;
    struct rig rig = {0};
    char got[32];
    rig_start(&rig, NULL, true);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    shake(&rig, ctx, "", 0, got);
    assert_string_equal(got, "");
    shake(&rig, ctx, "\x02h2\x08http/1.1", 12, got);
    assert_string_equal(got, "http/1.1");
    shake(&rig, ctx, "\x02h2", 3, got);
    assert_string_equal(got, "refused");
    shake(&rig, ctx, "\x04smtp", 5, got);
    assert_string_equal(got, "refused");
    SSL_CTX_free(ctx);
    rig_stop(&rig);
}

/* Answers are not held back for a fuller segment: every accepted socket of the listener
 * says so. They are found among this process's own descriptors. */
static void
small_answers_leave_at_once(void **state)
{
    (void)state;
    struct rig rig = {0};
    char text[4096];
    unsigned seen = 0;
    rig_start(&rig, NULL, false);
    int fd = dial(&rig);
    struct sockaddr_in ours, mine;
    socklen_t n = sizeof ours;
    assert_int_equal(getpeername(fd, (struct sockaddr *)&ours, &n), 0);
    n = sizeof mine;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&mine, &n), 0);
    SAY(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, text, sizeof text, "\r\n\r\n");
    for (int other = 3; other < 1024; other++) {
        struct sockaddr_in at, from;
        int on = 0;
        n = sizeof at;
        if (other == fd || getsockname(other, (struct sockaddr *)&at, &n) != 0 ||
            at.sin_family != AF_INET || at.sin_port != ours.sin_port)
            continue;
        n = sizeof from;
        if (getpeername(other, (struct sockaddr *)&from, &n) != 0 ||
            from.sin_port != mine.sin_port)
            continue; /* the listener */
        n = sizeof on;
        assert_int_equal(getsockopt(other, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
        assert_int_not_equal(on, 0);
        seen++;
    }
    assert_int_equal(seen, 1);
    close(fd);
    rig_stop(&rig);
}

static void
tls_serves(void **state)
{
    (void)state;
    struct rig rig = {0};
    rig_start(&rig, NULL, true);
    char print[TLS_FINGERPRINT];
    tls_fingerprint(rig.tls, print);
    assert_int_equal(strlen(print), 95);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    int fd = dial(&rig);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_true(SSL_version(ssl) >= TLS1_2_VERSION);
    char *body = calloc(1, 1u << 20);
    static const char head[] =
        "POST /tls HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n";
    char text[4096];
    for (int i = 0; i < 3; i++) {
        assert_true(SSL_write(ssl, head, sizeof head - 1) > 0);
        assert_true(SSL_write(ssl, body, 1 << 20) > 0);
        int n = SSL_read(ssl, text, sizeof text - 1);
        assert_true(n > 0);
        text[n] = 0;
        assert_non_null(strstr(text, "POST /tls 127.0.0.1 1048576:"));
    }
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    /* TLS 1.1 and plain text are refused */
    ssl = SSL_new(ctx);
    fd = dial(&rig);
    SSL_set_fd(ssl, fd);
    SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
    assert_int_not_equal(SSL_connect(ssl), 1);
    SSL_free(ssl);
    close(fd);
    SSL_CTX_free(ctx);
    fd = dial(&rig);
    SAY(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, text, sizeof text, NULL);
    assert_null(strstr(text, "HTTP/1.1"));
    close(fd);
    free(body);
    rig_stop(&rig);
}

static void
listening(void **state)
{
    (void)state;
    struct note note = {0};
    struct http *h = NULL;
    struct http_conf conf = {.name = "test", .on_request = on_request};
    kit_ok(http_new(&conf, &h, &note), &note);
    assert_int_equal(http_listen(h, SPAN("0.0.0.0:0"), NULL, &note), ERR_USAGE);
    assert_non_null(strstr(note.en, "--tls-cert"));
    assert_int_equal(http_listen(h, SPAN("nonsense"), NULL, &note), ERR_USAGE);
    assert_int_equal(http_listen(h, SPAN("127.0.0.1:70000"), NULL, &note), ERR_USAGE);
    char url[HTTP_URL];
    if (http_listen(h, SPAN("[::1]:0"), NULL, &note) == OK) {
        assert_true(http_url(h, 0, url));
        assert_ptr_equal(strstr(url, "http://[::1]:"), url);
    }
    http_free(h);
    conf.proxies = "10.0.0.0/8 nonsense";
    assert_int_equal(http_new(&conf, &h, &note), ERR_USAGE);
}

static void
forwarded_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *proxies, *forwarded, *want;
    } rows[] = {
        {NULL, "192.0.2.7", "127.0.0.1"},
        {"10.0.0.0/8", "192.0.2.7", "127.0.0.1"},
        {"127.0.0.0/8", "192.0.2.7", "192.0.2.7"},
        {"127.0.0.0/8 10.0.0.0/8", "198.51.100.1, 192.0.2.7, 10.1.2.3", "192.0.2.7"},
        {"127.0.0.1", "198.51.100.1, nonsense", "127.0.0.1"},
        {"::ffff:127.0.0.1", "2001:db8::1", "2001:db8::1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig rig = {0};
        struct http_conf conf = {.proxies = rows[i].proxies};
        char ask[256], text[4096], want[128];
        rig_start(&rig, &conf, false);
        int n = snprintf(
            ask, sizeof ask, "GET /x HTTP/1.1\r\n" LAST "X-Forwarded-For: %s\r\n\r\n",
            rows[i].forwarded);
        exchange(&rig, ask, (size_t)n, text, sizeof text);
        snprintf(want, sizeof want, "GET /x %s 0:", rows[i].want);
        assert_non_null(strstr(text, want));
        rig_stop(&rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keep_alive_and_pipeline),
        cmocka_unit_test(bodies),
        cmocka_unit_test(errors_have_one_shape),
        cmocka_unit_test(hostile_forms_end_the_connection),
        cmocka_unit_test(slow_senders_are_cut),
        cmocka_unit_test(many_connections),
        cmocka_unit_test(body_budget),
        cmocka_unit_test(other_threads_answer),
        cmocka_unit_test(streams),
        cmocka_unit_test(tls_serves),
        cmocka_unit_test(tls_names_its_protocol),
        cmocka_unit_test(small_answers_leave_at_once),
        cmocka_unit_test(listening),
        cmocka_unit_test(forwarded_addresses),
    };
    return cmocka_run_group_tests_name("serve/http", tests, NULL, NULL);
}
