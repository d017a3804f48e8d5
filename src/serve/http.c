/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: listeners, jobs from other threads, the sweep of deadlines, stopping. */
#include "serve/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/os_clock.h"

#define SWEEP_MS 250
#define DRAIN_MS 2000
#define INBOX_CAP 65536
#define SPARE_FILES 64u /* descriptors that files, timers and logs need */

dur_us
http_mono(struct http *h)
{
    return h->now_us = os_mono_us();
}

const char *
http_date(struct http *h)
{
    ts_ms s = h->conf.now() / 1000;
    if (s != h->date_s) {
        time_t t = (time_t)s;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(h->date, sizeof h->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        h->date_s = s;
    }
    return h->date;
}

/* ---- addresses ---- */

static bool
prefix_eq(const unsigned char *a, const unsigned char *b, int bits)
{
    int bytes = bits / 8, rest = bits % 8;
    if (memcmp(a, b, (size_t)bytes) != 0)
        return false;
    return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

/* The address as 16 bytes, IPv4 mapped. */
static bool
address_bytes(const struct sockaddr *sa, unsigned char out[16])
{
    if (sa->sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
        return true;
    }
    if (sa->sa_family != AF_INET)
        return false;
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    memcpy(out + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
    return true;
}

/* "10.0.0.0/8" or "fd00::1" to bytes and prefix length over 128 bits. */
static bool
network_parse(struct span s, unsigned char out[16], int *bits)
{
    struct span addr = span_cut(&s, '/');
    char text[64];
    int64_t n = -1;
    if (!span_copy(text, sizeof text, addr) || (s.n && !span_i64(s, &n)))
        return false;
    memset(out, 0, 16);
    if (inet_pton(AF_INET6, text, out) == 1) {
        *bits = n < 0 ? 128 : (int)n;
        return n <= 128;
    }
    out[10] = out[11] = 0xff;
    *bits = n < 0 ? 128 : 96 + (int)n;
    return inet_pton(AF_INET, text, out + 12) == 1 && n <= 32;
}

bool
http_proxy_trusted(const struct http *h, const struct sockaddr *sa)
{
    unsigned char peer[16], net[16];
    int bits;
    if (!h->conf.proxies || !address_bytes(sa, peer))
        return false;
    struct span rest = span_cstr(h->conf.proxies);
    while (rest.n) {
        struct span one = span_cut(&rest, ' ');
        if (one.n && network_parse(one, net, &bits) && prefix_eq(peer, net, bits))
            return true;
    }
    return false;
}

static enum err
proxies_check(const char *proxies, struct note *note)
{
    struct span rest = span_cstr(proxies);
    while (rest.n) {
        struct span one = span_cut(&rest, ' ');
        unsigned char net[16];
        int bits;
        if (one.n && !network_parse(one, net, &bits))
            return note_fmt(
                note, ERR_USAGE, "proxies",
                "trusted proxy \"%.*s\" is no address or network like 10.0.0.0/8",
                "可信代理 \"%.*s\" 不是地址或网段（如 10.0.0.0/8）", SPAN_ARG(one));
    }
    return OK;
}

static bool
is_loopback(const struct sockaddr *sa)
{
    unsigned char a[16], net[16];
    int bits;
    if (!address_bytes(sa, a))
        return false;
    bool four =
        network_parse(SPAN("127.0.0.0/8"), net, &bits) && prefix_eq(a, net, bits);
    return four || (network_parse(SPAN("::1"), net, &bits) && prefix_eq(a, net, bits));
}

/* ---- listeners ---- */

static void
on_accept(
    struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len,
    void *arg)
{
    (void)l;
    struct http_listener *at = arg;
    conn_accept(at->h, at->tls, fd, sa, len);
}

/* Out of descriptors: the longest waiting connection goes, so that accepting does not
 * spin. */
static void
on_accept_error(struct evconnlistener *l, void *arg)
{
    (void)l;
    struct http_listener *at = arg;
    struct conn *c = TAILQ_FIRST(&at->h->waiting);
    HTTP_COUNT(at->h, refused_full, 1);
    if (c)
        conn_free(c);
    else
        usleep(1000);
}

/* "HOST:PORT", "[v6]:PORT", ":PORT" into host (may be empty) and port. */
static bool
split_at(struct span at, char host[256], char port[16])
{
    const char *colon = memrchr(at.p, ':', at.n);
    if (!colon)
        return false;
    size_t n = (size_t)(colon - at.p);
    struct span h = span_of(at.p, n), p = span_skip(at, n + 1);
    uint64_t v;
    if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = span_of(h.p + 1, h.n - 2);
    else if (memchr(h.p, ':', h.n))
        return false;
    return span_u64(p, &v) && v <= 65535 && span_copy(host, 256, h) &&
           span_copy(port, 16, p);
}

static enum err
bind_one(
    struct http *h, const char *at, const struct addrinfo *ai, int *out,
    struct note *note)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, off = 0;
    if (fd < 0)
        return note_fmt(
            note, ERR_IO, "listen", "no socket: %s", "无法建立套接字：%s",
            strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by accept */
    if (h->conf.reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 4096) < 0) {
        int e = errno;
        close(fd);
        return note_fmt(
            note, ERR_IO, "listen", "cannot listen at %s: %s", "无法在 %s 监听：%s", at,
            strerror(e));
    }
    *out = fd;
    return OK;
}

static void
make_url(struct http_listener *l, int fd, const char *host)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof ss;
    char text[64] = "?";
    getsockname(fd, (struct sockaddr *)&ss, &len);
    bool six = ss.ss_family == AF_INET6;
    const struct sockaddr_in *s4 = (const struct sockaddr_in *)&ss;
    const struct sockaddr_in6 *s6 = (const struct sockaddr_in6 *)&ss;
    unsigned port = ntohs(six ? s6->sin6_port : s4->sin_port);
    inet_ntop(
        ss.ss_family, six ? (const void *)&s6->sin6_addr : (const void *)&s4->sin_addr,
        text, sizeof text);
    const char *show = !*host ? "localhost" : strcmp(host, "localhost") ? text : host;
    bool braces = six && *host && strchr(show, ':');
    snprintf(
        l->url, sizeof l->url, "%s://%s%.100s%s:%u", l->tls ? "https" : "http",
        braces ? "[" : "", show, braces ? "]" : "", port);
}

static enum err
add_listener(
    struct http *h, int fd, const char *host, struct tls *tls, struct note *note)
{
    struct http_listener *l = calloc(1, sizeof *l);
    if (l)
        l->ev = evconnlistener_new(
            h->base, on_accept, l, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0,
            fd);
    if (!l || !l->ev) {
        free(l);
        close(fd);
        return note_set(note, ERR_NOMEM, "listen", "out of memory", "内存不足");
    }
    l->h = h;
    l->tls = tls;
    make_url(l, fd, host);
    evconnlistener_set_error_cb(l->ev, on_accept_error);
    struct http_listener **end = &h->listeners;
    while (*end)
        end = &(*end)->next;
    *end = l;
    return OK;
}

enum err
http_listen(struct http *h, struct span at, struct tls *tls, struct note *note)
{
    char host[256], port[16];
    if (!split_at(at, host, port))
        return note_fmt(
            note, ERR_USAGE, "listen", "\"%.*s\" is not HOST:PORT (IPv6: [::1]:8080)",
            "“%.*s” 不是 主机:端口（IPv6 写作 [::1]:8080）", SPAN_ARG(at));
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    const char *name = *host ? host : "::";
    int gai = getaddrinfo(name, port, &hints, &list);
    if (gai != 0 && !*host)
        gai = getaddrinfo("0.0.0.0", port, &hints, &list);
    if (gai != 0)
        return note_fmt(
            note, ERR_USAGE, "listen", "unknown host \"%s\": %s",
            "无法解析主机 “%s”：%s", host, gai_strerror(gai));
    enum err e = OK;
    int fd = -1;
    if (!tls && !h->conf.plain_anywhere && !is_loopback(list->ai_addr))
        e = note_fmt(
            note, ERR_USAGE, "listen",
            "plain HTTP at \"%.*s\" would carry passwords in the clear: give "
            "--tls-cert and "
            "--tls-key, or listen on 127.0.0.1",
            "在“%.*s”上使用明文 HTTP 会泄露口令：请指定 --tls-cert 与 "
            "--tls-key，或仅监听 127.0.0.1",
            SPAN_ARG(at));
    char where[288];
    snprintf(where, sizeof where, "%.*s", SPAN_ARG(at));
    if (!e)
        e = bind_one(h, where, list, &fd, note);
    if (e == ERR_IO && !*host &&
        list->ai_family == AF_INET6) { /* a host without IPv6 */
        freeaddrinfo(list);
        list = NULL;
        if (getaddrinfo("0.0.0.0", port, &hints, &list) == 0)
            e = bind_one(h, where, list, &fd, note);
    }
    if (list)
        freeaddrinfo(list);
    return e ? e : add_listener(h, fd, host, tls, note);
}

bool
http_url(const struct http *h, size_t i, char *dst)
{
    const struct http_listener *l = h->listeners;
    while (l && i--)
        l = l->next;
    return l && span_copy(dst, HTTP_URL, span_cstr(l->url));
}

/* ---- jobs, timers, stopping ---- */

static void
wake_loop(void *arg)
{
    struct http *h = arg;
    uint64_t one = 1;
    ssize_t done = write(h->wake_fd, &one, sizeof one);
    (void)done; /* EAGAIN: it is awake already */
}

void
http_post(struct http *h, struct job *job)
{
    enum err e = mbox_reply(h->inbox, &job->msg);
    must(e == OK); /* the inbox is closed by http_free() only */
}

static void
run_jobs(struct http *h)
{
    struct msg *m = mbox_take_all(h->inbox, 0);
    while (m) {
        struct job *job = (struct job *)m;
        m = m->next;
        job->run(job, h->conf.env);
    }
}

/* No new connections; idle ones go; requests being handled get DRAIN_MS. */
static void
begin_drain(struct http *h)
{
    if (h->conf.on_stop)
        h->conf.on_stop(h->conf.ctx);
    h->draining = true;
    h->drain_until_us = http_mono(h) + (dur_us)DRAIN_MS * 1000;
    for (struct http_listener *l = h->listeners; l; l = l->next)
        evconnlistener_disable(l->ev);
    struct conn *c;
    while ((c = TAILQ_FIRST(&h->waiting)))
        conn_free(c);
    struct conn *next;
    for (c = TAILQ_FIRST(&h->working); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->stream)
            stream_end(c->stream);
    }
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct http *h = arg;
    uint64_t n;
    ssize_t got = read(fd, &n, sizeof n);
    (void)got;
    run_jobs(h);
    if (atomic_load(&h->stopping) && !h->draining)
        begin_drain(h);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http *h = arg;
    conn_sweep(h);
    if (!h->draining)
        return;
    if (TAILQ_EMPTY(&h->working) || h->now_us > h->drain_until_us)
        event_base_loopbreak(h->base);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http_timer *t = arg;
    t->fn(t->ctx);
}

enum err
http_every(struct http *h, int ms, void (*fn)(void *ctx), void *ctx)
{
    struct http_timer *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    *t = (struct http_timer){.fn = fn, .ctx = ctx, .next = h->timers};
    t->ev = event_new(h->base, -1, EV_PERSIST, on_timer, t);
    if (!t->ev || event_add(t->ev, &tv) < 0) {
        if (t->ev)
            event_free(t->ev);
        free(t);
        return ERR_NOMEM;
    }
    h->timers = t;
    return OK;
}

void
http_stop(struct http *h)
{
    atomic_store(&h->stopping, true);
    wake_loop(h);
}

void
http_run(struct http *h)
{
    event_base_loop(h->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void
conf_presets(struct http_conf *f)
{
    f->head_max = f->head_max ? f->head_max : 16u << 10;
    f->body_max = f->body_max ? f->body_max : 8u << 20;
    f->body_budget = f->body_budget ? f->body_budget : 256u << 20;
    f->conns_max = f->conns_max ? f->conns_max : 10000;
    f->head_ms = f->head_ms ? f->head_ms : 10000;
    f->idle_ms = f->idle_ms ? f->idle_ms : 75000;
    f->body_ms = f->body_ms ? f->body_ms : 10000;
    f->body_rate = f->body_rate ? f->body_rate : 16384;
    f->send_ms = f->send_ms ? f->send_ms : 20000;
    f->now = f->now ? f->now : os_now_ms;
    struct rlimit rl;
    if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY) {
        rlim_t room =
            rl.rlim_cur > 2 * SPARE_FILES ? rl.rlim_cur - SPARE_FILES : SPARE_FILES;
        if (f->conns_max > room)
            f->conns_max = (uint32_t)room;
    }
}

enum err
http_new(const struct http_conf *conf, struct http **out, struct note *note)
{
    if (conf->proxies) {
        enum err e = proxies_check(conf->proxies, note);
        if (e)
            return e;
    }
    signal(SIGPIPE, SIG_IGN);
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return note_set(note, ERR_NOMEM, NULL, "out of memory", "内存不足");
    h->conf = *conf;
    conf_presets(&h->conf);
    TAILQ_INIT(&h->waiting);
    TAILQ_INIT(&h->working);
    h->date_s = -1;
    h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    h->base = event_base_new();
    h->scratch = malloc(CONN_RAW_ROOM);
    h->inbox = mbox_new(conf->name, INBOX_CAP, wake_loop, h);
    if (h->wake_fd >= 0 && h->base) {
        h->wake = event_new(h->base, h->wake_fd, EV_READ | EV_PERSIST, on_wake, h);
        h->sweep = event_new(h->base, -1, EV_PERSIST, on_sweep, h);
    }
    struct timeval tv = {0, SWEEP_MS * 1000};
    if (!h->scratch || !h->inbox || !h->wake || !h->sweep ||
        event_add(h->wake, NULL) < 0 || event_add(h->sweep, &tv) < 0) {
        http_free(h);
        return note_set(
            note, ERR_NOMEM, NULL, "no memory or descriptors for a loop",
            "内存或文件描述符不足");
    }
    *out = h;
    return OK;
}

static void
free_lists(struct http *h)
{
    struct conn *c;
    while ((c = TAILQ_FIRST(&h->waiting)))
        conn_free(c);
    while ((c = TAILQ_FIRST(&h->working)))
        conn_free(c);
    while (h->listeners) {
        struct http_listener *l = h->listeners;
        h->listeners = l->next;
        evconnlistener_free(l->ev);
        free(l);
    }
    while (h->timers) {
        struct http_timer *t = h->timers;
        h->timers = t->next;
        event_free(t->ev);
        free(t);
    }
    while (h->free_reqs) {
        struct req *r = h->free_reqs;
        h->free_reqs = r->free_next;
        arena_release(&r->arena);
        buf_release(&r->out);
        free(r);
    }
}

void
http_free(struct http *h)
{
    if (!h)
        return;
    struct conn *c;
    TAILQ_FOREACH(c, &h->working, link)
    if (c->state == CONN_BUSY && c->req)
        c->req->conn = NULL, c->req = NULL;
    if (h->inbox)
        run_jobs(h); /* requests that come home now find their client gone */
    free_lists(h);
    if (h->inbox)
        mbox_free(h->inbox, NULL);
    if (h->wake)
        event_free(h->wake);
    if (h->sweep)
        event_free(h->sweep);
    if (h->base)
        event_base_free(h->base);
    if (h->wake_fd >= 0)
        close(h->wake_fd);
    buf_release(&h->head);
    free(h->scratch);
    free(h);
}

struct http_count
http_counts(const struct http *h)
{
    const struct http_atoms *a = &h->count;
    struct http_count n = {
        .accepted = a->accepted,
        .refused_full = a->refused_full,
        .requests = a->requests,
        .bad = a->bad,
        .slow = a->slow,
        .bytes_in = a->bytes_in,
        .bytes_out = a->bytes_out,
        .conns = (uint32_t)a->conns,
        .streams = (uint32_t)a->streams,
        .body_bytes = a->body_bytes,
    };
    for (int i = 0; i < 6; i++)
        n.replies[i] = a->replies[i];
    return n;
}
