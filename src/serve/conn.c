/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: bytes in, the strict reader, the hooks, bytes out. conn_step() is a
 * loop over the states drawn in conn.h; it ends when bytes are missing, a handler has
 * the request, or the kernel takes no more. Nothing here blocks, and no connection gets
 * more than CONN_READ_STEP a turn. */
#include "serve/conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/counter.h"
#include "core/log.h"

#define LINGER_MS 2000
#define TLS_RECORD 16384
#define READ_AGAIN (-1)
#define READ_END (-2)

/* ---- lists and deadlines ---- */

static void
relist(struct conn *c, bool waiting)
{
    struct http *h = c->h;
    TAILQ_REMOVE(c->waiting ? &h->waiting : &h->working, c, link);
    c->waiting = waiting;
    TAILQ_INSERT_TAIL(waiting ? &h->waiting : &h->working, c, link);
}

void
conn_go(struct conn *c, enum conn_state state, int ms)
{
    c->state = state;
    relist(c, state == CONN_HEAD || state == CONN_TLS);
    c->deadline_us = ms ? http_mono(c->h) + (dur_us)ms * 1000 : 0;
}

void
conn_want_write(struct conn *c, bool on)
{
    if (on == c->want_write)
        return;
    c->want_write = on;
    if (on)
        event_add(&c->wr, NULL);
    else
        event_del(&c->wr);
}

/* In BUSY nothing is read: what a client pipelines waits in the kernel. */
static void
listen_for_bytes(struct conn *c)
{
    bool on = c->state != CONN_BUSY && c->state != CONN_SEND;
    if (on)
        event_add(&c->rd, NULL);
    else
        event_del(&c->rd);
}

void
conn_free(struct conn *c)
{
    struct http *h = c->h;
    TAILQ_REMOVE(c->waiting ? &h->waiting : &h->working, c, link);
    event_del(&c->rd);
    event_del(&c->wr);
    if (c->stream)
        stream_closed(c->stream);
    if (c->req) {
        c->req->conn = NULL;
        if (c->state != CONN_BUSY)
            req_free(c->req); /* in BUSY it comes back by req_send() */
    }
    if (c->ssl)
        SSL_free(c->ssl);
    close(c->fd);
    evbuffer_free(c->out);
    free(c->in);
    atomic_fetch_sub_explicit(&h->count.conns, 1, memory_order_relaxed);
    counter_add(
        CTR_http_connections, UINT64_MAX); /* both loops share the gauge: one less */
    free(c);
}

/* ---- bytes from and to the kernel ---- */

static ssize_t
read_tls(struct conn *c, void *p, size_t n)
{
    ERR_clear_error();
    int got = SSL_read(c->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
    if (got > 0)
        return got;
    int e = SSL_get_error(c->ssl, got);
    if (e == SSL_ERROR_WANT_READ)
        return READ_AGAIN;
    if (e == SSL_ERROR_WANT_WRITE) {
        c->tls_stuck = true;
        conn_want_write(c, true);
        return READ_AGAIN;
    }
    return READ_END;
}

static ssize_t
read_some(struct conn *c, void *p, size_t n)
{
    ssize_t got;
    if (c->ssl) {
        got = read_tls(c, p, n);
    } else {
        do
            got = recv(c->fd, p, n, 0);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            got = errno == EAGAIN || errno == EWOULDBLOCK ? READ_AGAIN : READ_END;
        else if (got == 0)
            got = READ_END;
    }
    if (got > 0)
        HTTP_COUNT(c->h, bytes_in, (uint64_t)got);
    return got;
}

/* Writes from the out buffer; -1 broken, 0 the kernel is full, 1 all is out. */
static int
write_out(struct conn *c)
{
    while (evbuffer_get_length(c->out)) {
        int n;
        if (c->ssl) {
            size_t most = evbuffer_get_length(c->out);
            most = most < TLS_RECORD ? most : TLS_RECORD;
            unsigned char *p = evbuffer_pullup(c->out, (ssize_t)most);
            if (!p)
                return -1;
            ERR_clear_error();
            n = SSL_write(c->ssl, p, (int)most);
            if (n <= 0) {
                int e = SSL_get_error(c->ssl, n);
                return e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ? 0 : -1;
            }
            evbuffer_drain(c->out, (size_t)n);
        } else {
            n = evbuffer_write(c->out, c->fd);
            if (n < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0
                                                                                 : -1;
            if (n == 0)
                return 0;
        }
        HTTP_COUNT(c->h, bytes_out, (uint64_t)n);
        if (c->state == CONN_SEND || c->state == CONN_STREAM)
            c->deadline_us = http_mono(c->h) + (dur_us)c->h->conf.send_ms * 1000;
    }
    return 1;
}

/* ---- the buffer of unread bytes ---- */

static bool
in_room(struct conn *c, size_t room)
{
    if (c->in_at == c->in_n)
        c->in_at = c->in_n = 0;
    if (c->in_room - c->in_n >= room)
        return true;
    if (c->in_at) {
        memmove(c->in, c->in + c->in_at, c->in_n - c->in_at);
        c->in_n -= c->in_at;
        c->in_at = 0;
        if (c->in_room - c->in_n >= room)
            return true;
    }
    size_t size = c->in_room ? c->in_room * 2 : CONN_HEAD_ROOM;
    while (size - c->in_n < room)
        size *= 2;
    char *p = realloc(c->in, size);
    if (!p)
        return false;
    c->in = p;
    c->in_room = size;
    return true;
}

/* A connection that waits for its next request holds no buffer. */
static void
in_drop(struct conn *c)
{
    if (c->in_at < c->in_n)
        return;
    free(c->in);
    c->in = NULL;
    c->in_at = c->in_n = c->in_room = 0;
}

/* ---- refusing ---- */

/* Answers why and closes: what follows on this connection cannot be trusted to be a
 * request. */
static void
refuse_and_close(struct conn *c, enum refusal why, const char *fault)
{
    HTTP_COUNT(c->h, bad, 1);
    counter_add(CTR_http_bad, 1);
    if (!c->req)
        c->req = req_new(c->h);
    struct req *r = c->req;
    if (!r) {
        c->close_after = true;
        conn_go(c, CONN_LINGER, 1);
        return;
    }
    r->conn = c;
    log_event(
        EV_http_bad, log_w("loop", c->h->conf.name), log_w("fault", fault),
        log_s("peer", req_peer(r)));
    r->refusal = REFUSE_NOTHING;
    (void)req_refuse(r, why, NULL, NULL, NULL);
    r->closing = true;
    conn_go(c, CONN_BUSY, 0);
    req_send(r);
}

/* ---- steps ---- */

enum step { STEP_ON, STEP_WAIT, STEP_GONE };

static enum step
step_tls(struct conn *c)
{
    ERR_clear_error();
    int ok = SSL_accept(c->ssl);
    if (ok == 1) {
        conn_go(c, CONN_HEAD, c->h->conf.head_ms);
        conn_want_write(c, false);
        return STEP_ON;
    }
    int e = SSL_get_error(c->ssl, ok);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
        conn_want_write(c, e == SSL_ERROR_WANT_WRITE);
        return STEP_WAIT;
    }
    conn_free(c);
    return STEP_GONE;
}

/* How long this body may take: its own time plus its size at the slowest rate. */
static void
body_deadline(struct conn *c)
{
    struct req *r = c->req;
    const struct http_conf *f = &c->h->conf;
    c->deadline_us = r->body_from_us + (dur_us)f->body_ms * 1000 +
                     (dur_us)(r->body_n * 1000000u / (size_t)f->body_rate);
}

/* The head is whole: the hook says who it is and what he may send. */
static enum step
begin_request(struct conn *c, size_t head_n)
{
    struct http *h = c->h;
    struct req *r = c->req = req_new(h);
    if (!r) {
        conn_free(c);
        return STEP_GONE;
    }
    r->conn = c;
    req_begin(r, span_of(c->in + c->in_at, head_n));
    c->in_at += head_n;
    c->in_seen = 0;
    HTTP_COUNT(h, requests, 1);
    if (r->refusal) {
        refuse_and_close(c, r->refusal, r->note.field[0] ? r->note.field : "head");
        return STEP_ON;
    }
    r->body_cap = h->conf.body_max;
    enum err e = h->conf.on_head ? h->conf.on_head(h->conf.ctx, r, &r->body_cap) : OK;
    bool body = r->head.chunked || r->head.length > 0;
    if (!e && body && r->head.length > (int64_t)r->body_cap)
        e = req_refuse(r, REFUSE_TOO_BIG, NULL, NULL, NULL);
    if (e) {
        r->closing =
            r->closing || body; /* the unread body must not be read as a request */
        conn_go(c, CONN_BUSY, 0);
        if (!r->status)
            req_fail(r, e);
        req_send(r);
        return STEP_ON;
    }
    if (!body) {
        conn_go(c, CONN_BUSY, 0);
        h->conf.on_request(h->conf.ctx, r);
        return STEP_ON;
    }
    r->body_want = r->head.chunked ? -1 : r->head.length;
    r->body_from_us = http_mono(h);
    conn_go(c, CONN_BODY, 0);
    body_deadline(c);
    if (r->head.expect_continue && c->in_at == c->in_n) {
        evbuffer_add(c->out, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        if (write_out(c) < 0) {
            conn_free(c);
            return STEP_GONE;
        }
        conn_want_write(c, evbuffer_get_length(c->out) > 0);
    }
    return STEP_ON;
}

static enum step
step_head(struct conn *c)
{
    const struct http_conf *f = &c->h->conf;
    for (;;) {
        char *p = c->in + c->in_at;
        size_t n = c->in_n - c->in_at;
        /* One empty line before a request line is an old client's, and harmless (RFC
         * 9112 2.2). */
        if (c->in_seen == 0 && c->served && n >= 2 && p[0] == '\r' && p[1] == '\n') {
            c->served = false;
            c->in_at += 2;
            continue;
        }
        if (c->in_seen == 0 && c->served && n == 1 && p[0] == '\r')
            n = 0;
        enum refusal why = REFUSE_NOTHING;
        const char *fault = NULL;
        size_t head_n = n ? guard_head_end(p, n, &c->in_seen, &why, &fault) : 0;
        if (!why && !head_n && n > f->head_max)
            why = REFUSE_HEAD_TOO_BIG, fault = "head_long";
        if (why) {
            refuse_and_close(c, why, fault);
            return STEP_ON;
        }
        if (head_n)
            return begin_request(c, head_n);
        if (!in_room(c, CONN_HEAD_ROOM / 2)) {
            conn_free(c);
            return STEP_GONE;
        }
        ssize_t got = read_some(c, c->in + c->in_n, c->in_room - c->in_n);
        if (got == READ_AGAIN) {
            in_drop(c);
            return STEP_WAIT;
        }
        if (got < 0) {
            conn_free(c);
            return STEP_GONE;
        }
        if (c->in_n == c->in_at) /* the first byte of a request starts its clock */
            c->deadline_us = http_mono(c->h) + (dur_us)f->head_ms * 1000;
        c->in_n += (size_t)got;
    }
}

static enum step
body_whole(struct conn *c)
{
    struct req *r = c->req;
    if (!req_body_room(r, 0)) {
        refuse_and_close(c, REFUSE_BUSY, "body_memory");
        return STEP_ON;
    }
    memset(r->body + r->body_n, 0, REQ_BODY_PAD);
    conn_go(c, CONN_BUSY, 0);
    c->h->conf.on_request(c->h->conf.ctx, r);
    return STEP_ON;
}

/* Decodes what lies in the in buffer. */
static enum step
take_chunks(struct conn *c)
{
    struct req *r = c->req;
    while (c->in_at < c->in_n && r->chunks.state != CHUNK_DONE) {
        const char *fault = NULL;
        struct span data;
        c->in_at += guard_chunk(
            &r->chunks, span_of(c->in + c->in_at, c->in_n - c->in_at), &data, &fault);
        if (fault) {
            refuse_and_close(c, REFUSE_BAD_REQUEST, fault);
            return STEP_ON;
        }
        if (data.n > r->body_cap - r->body_n) {
            refuse_and_close(c, REFUSE_TOO_BIG, "body_long");
            return STEP_ON;
        }
        if (data.n && !req_body_room(r, data.n)) {
            refuse_and_close(c, REFUSE_BUSY, "body_memory");
            return STEP_ON;
        }
        if (data.n)
            memcpy(r->body + r->body_n, data.p, data.n);
        r->body_n += data.n;
    }
    return r->chunks.state == CHUNK_DONE ? body_whole(c) : STEP_WAIT;
}

static enum step
step_chunked(struct conn *c, size_t *budget)
{
    for (;;) {
        enum step s = take_chunks(c);
        if (s != STEP_WAIT)
            return s;
        body_deadline(c);
        if (*budget == 0)
            return STEP_WAIT;
        if (!in_room(c, CONN_RAW_ROOM)) {
            conn_free(c);
            return STEP_GONE;
        }
        ssize_t got = read_some(c, c->in + c->in_n, c->in_room - c->in_n);
        if (got == READ_AGAIN)
            return STEP_WAIT;
        if (got < 0) {
            conn_free(c);
            return STEP_GONE;
        }
        c->in_n += (size_t)got;
        *budget -= *budget < (size_t)got ? *budget : (size_t)got;
    }
}

/* Bytes go straight from the kernel to their place: no copy but for those that came
 * with the head. */
static enum step
step_sized(struct conn *c, size_t *budget)
{
    struct req *r = c->req;
    size_t want = (size_t)r->body_want;
    size_t early = c->in_n - c->in_at;
    early = early < want - r->body_n ? early : want - r->body_n;
    if (early) {
        if (!req_body_room(r, early)) {
            refuse_and_close(c, REFUSE_BUSY, "body_memory");
            return STEP_ON;
        }
        memcpy(r->body + r->body_n, c->in + c->in_at, early);
        r->body_n += early;
        c->in_at += early;
    }
    while (r->body_n < want) {
        if (*budget == 0) {
            body_deadline(c);
            return STEP_WAIT;
        }
        if (!req_body_room(r, 1)) {
            refuse_and_close(c, REFUSE_BUSY, "body_memory");
            return STEP_ON;
        }
        size_t room = r->body_room - r->body_n;
        ssize_t got = read_some(
            c, r->body + r->body_n, room < want - r->body_n ? room : want - r->body_n);
        if (got == READ_AGAIN) {
            body_deadline(c);
            return STEP_WAIT;
        }
        if (got < 0) {
            conn_free(c);
            return STEP_GONE;
        }
        r->body_n += (size_t)got;
        *budget -= *budget < (size_t)got ? *budget : (size_t)got;
    }
    return body_whole(c);
}

/* Everything is out: next request, or the end. */
static enum step
step_sent(struct conn *c)
{
    int all = write_out(c);
    if (all < 0) {
        conn_free(c);
        return STEP_GONE;
    }
    conn_want_write(c, !all);
    if (!all)
        return STEP_WAIT;
    if (!c->close_after && !c->h->draining) {
        conn_go(c, CONN_HEAD, c->h->conf.idle_ms);
        c->served = true;
        return STEP_ON;
    }
    if (c->ssl)
        SSL_shutdown(c->ssl);
    if (c->h->draining) { /* the kernel sends what it has */
        conn_free(c);
        return STEP_GONE;
    }
    shutdown(c->fd, SHUT_WR);
    conn_go(c, CONN_LINGER, LINGER_MS);
    return STEP_ON;
}

/* What a refused client is still sending is read into nothing, so that it sees the
 * reply and no reset. */
static enum step
step_linger(struct conn *c, size_t *budget)
{
    while (*budget) {
        ssize_t got = recv(c->fd, c->h->scratch, CONN_RAW_ROOM, 0);
        if (got > 0) {
            *budget -= *budget < (size_t)got ? *budget : (size_t)got;
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return STEP_WAIT;
        conn_free(c);
        return STEP_GONE;
    }
    return STEP_WAIT;
}

/* A stream's client says nothing any more; an end of file means it has left. */
static enum step
step_stream(struct conn *c)
{
    int all = write_out(c);
    bool over = c->stream && (c->stream->dropped || (all > 0 && c->stream->ending));
    char nothing[512];
    ssize_t got = READ_AGAIN;
    for (int i = 0; i < 8 && c->readable; i++) {
        got = read_some(c, nothing, sizeof nothing);
        if (got < 0)
            break;
    }
    if (all < 0 || over || got == READ_END) {
        conn_free(c);
        return STEP_GONE;
    }
    if (all > 0)
        c->deadline_us = 0;
    else if (!c->deadline_us)
        c->deadline_us = http_mono(c->h) + (dur_us)c->h->conf.send_ms * 1000;
    conn_want_write(c, !all);
    return STEP_WAIT;
}

void
conn_step(struct conn *c)
{
    must(!c->stepping);
    c->stepping = true;
    size_t budget = CONN_READ_STEP;
    enum step s = STEP_ON;
    for (int turn = 0; s == STEP_ON; turn++) {
        if (turn >= 64) { /* a long pipeline: others first */
            event_active(&c->rd, EV_READ, 0);
            break;
        }
        switch (c->state) {
        case CONN_TLS:
            s = step_tls(c);
            break;
        case CONN_HEAD:
            s = step_head(c);
            break;
        case CONN_BODY:
            s = c->req->body_want < 0 ? step_chunked(c, &budget)
                                      : step_sized(c, &budget);
            break;
        case CONN_BUSY:
            s = STEP_WAIT;
            break;
        case CONN_SEND:
            s = step_sent(c);
            break;
        case CONN_STREAM:
            s = step_stream(c);
            break;
        case CONN_LINGER:
            s = step_linger(c, &budget);
            break;
        }
    }
    if (s == STEP_GONE)
        return;
    c->stepping = false;
    listen_for_bytes(c);
    /* Bytes that OpenSSL holds already make no descriptor readable. */
    bool more = c->ssl && SSL_pending(c->ssl) > 0 &&
                (c->state == CONN_BODY || c->state == CONN_HEAD);
    if (more)
        event_active(&c->rd, EV_READ, 0);
}

/* ---- arriving, and the sweep ---- */

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    struct conn *c = arg;
    http_mono(c->h);
    c->readable = (what & EV_READ) != 0;
    if ((what & EV_WRITE) && c->tls_stuck) {
        c->tls_stuck = false;
        conn_want_write(c, evbuffer_get_length(c->out) > 0);
    }
    conn_step(c);
}

/* Room for one more: the connection that has waited longest for its next request goes.
 */
static bool
make_room(struct http *h)
{
    if (atomic_load(&h->count.conns) < h->conf.conns_max)
        return true;
    HTTP_COUNT(h, refused_full, 1);
    struct conn *c = TAILQ_FIRST(&h->waiting);
    if (!c)
        return false;
    conn_free(c);
    return true;
}

void
conn_accept(struct http *h, struct tls *tls, int fd, struct sockaddr *sa, int len)
{
    HTTP_COUNT(h, accepted, 1);
    struct conn *c = h->draining || !make_room(h) ? NULL : calloc(1, sizeof *c);
    struct evbuffer *out = c ? evbuffer_new() : NULL;
    SSL *ssl = out && tls ? SSL_new(tls_ctx(tls)) : NULL;
    if (!out || (tls && !ssl) || (ssl && !SSL_set_fd(ssl, fd))) {
        if (ssl)
            SSL_free(ssl);
        if (out)
            evbuffer_free(out);
        free(c);
        close(fd);
        return;
    }
    *c = (struct conn){.h = h, .fd = fd, .ssl = ssl, .out = out, .waiting = true};
    memcpy(&c->peer, sa, (size_t)len < sizeof c->peer ? (size_t)len : sizeof c->peer);
    event_assign(&c->rd, h->base, fd, EV_READ | EV_PERSIST, on_ready, c);
    event_assign(&c->wr, h->base, fd, EV_WRITE | EV_PERSIST, on_ready, c);
    TAILQ_INSERT_TAIL(&h->waiting, c, link);
    atomic_fetch_add_explicit(&h->count.conns, 1, memory_order_relaxed);
    counter_add(CTR_http_connections, 1);
    http_mono(h);
    conn_go(c, ssl ? CONN_TLS : CONN_HEAD, h->conf.head_ms);
    conn_step(c);
}

static void
overdue(struct conn *c)
{
    HTTP_COUNT(c->h, slow, 1);
    bool answer =
        c->state == CONN_BODY || (c->state == CONN_HEAD && c->in_n > c->in_at);
    if (!answer) {
        conn_free(c);
        return;
    }
    refuse_and_close(c, REFUSE_REQUEST_TIMEOUT, "slow");
}

static void
sweep_list(struct http *h, struct conn_list *list)
{
    struct conn *c = TAILQ_FIRST(list), *next;
    for (; c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->deadline_us && h->now_us > c->deadline_us)
            overdue(c);
    }
}

void
conn_sweep(struct http *h)
{
    http_mono(h);
    sweep_list(h, &h->waiting);
    sweep_list(h, &h->working);
}
