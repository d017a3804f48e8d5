/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies: what a handler sees. A request keeps its own copy of the head,
 * so it outlives the connection; its reply is made into bytes only when it is sent. */
#include "serve/conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>

#include "core/counter.h"
#include "core/log.h"
#include "core/os_clock.h"

#define FREE_REQS 256
/* Smaller bodies are copied behind the head: one write, no reference. */
#define COPY_BODY 4096u
#define FIRST_BODY (256u << 10)
#define STREAM_COPY 1024u

/* ---- life ---- */

struct req *
req_new(struct http *h)
{
    struct req *r = h->free_reqs;
    if (r) {
        h->free_reqs = r->free_next;
        h->free_reqs_n--;
    } else {
        r = calloc(1, sizeof *r);
        if (!r)
            return NULL;
        arena_init(&r->arena, REQ_ARENA_CAP);
    }
    r->h = h;
    r->conn = NULL;
    r->head.headers_n = 0;
    r->head.method = METHOD_GET;
    r->head.keep_alive = false;
    r->path = r->out_static = span_of(NULL, 0);
    r->query_n = r->sets_n = 0;
    r->body_n = r->body_room = 0;
    r->chunks = (struct guard_chunks){0};
    r->at_ms = h->conf.now();
    r->peer[0] = 0;
    r->secure = r->out_is_static = r->closing = r->sent = false;
    r->slot = NULL;
    r->on_free = NULL;
    r->status = 0;
    r->refusal = REFUSE_NOTHING;
    r->note = (struct note){0};
    return r;
}

void
req_free(struct req *r)
{
    struct http *h = r->h;
    if (r->on_free)
        r->on_free(r);
    if (r->body) {
        atomic_fetch_sub_explicit(
            &h->count.body_bytes, r->body_room, memory_order_relaxed);
        free(r->body);
        r->body = NULL;
    }
    arena_reset(&r->arena);
    if (r->out.room > COPY_BODY)
        buf_release(&r->out);
    buf_clear(&r->out);
    if (h->free_reqs_n >= FREE_REQS) {
        arena_release(&r->arena);
        buf_release(&r->out);
        free(r);
        return;
    }
    r->free_next = h->free_reqs;
    h->free_reqs = r;
    h->free_reqs_n++;
}

/* ---- reading the head ---- */

static void
address_text(const struct sockaddr_storage *ss, char *dst, size_t cap)
{
    const void *a = &((const struct sockaddr_in *)ss)->sin_addr;
    int family = ss->ss_family;
    if (family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)ss)->sin6_addr;
        a = six;
        if (IN6_IS_ADDR_V4MAPPED(six)) {
            family = AF_INET;
            a = six->s6_addr + 12;
        }
    }
    if (!inet_ntop(family, a, dst, (socklen_t)cap))
        span_copy(dst, cap, SPAN("?"));
}

static bool
text_address(struct span s, struct sockaddr_storage *out)
{
    char text[64];
    if (!span_copy(text, sizeof text, s))
        return false;
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        out->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
        out->ss_family = AF_INET6;
    else
        return false;
    return true;
}

/* Behind trusted proxies: the rightmost forwarded address that no trusted proxy wrote.
 */
static void
forwarded(struct req *r)
{
    const struct sockaddr *sa = (const struct sockaddr *)&r->conn->peer;
    if (!r->h->conf.proxies || !http_proxy_trusted(r->h, sa))
        return;
    if (span_eq_cstr(req_header(r, "X-Forwarded-Proto"), "https"))
        r->secure = true;
    struct span list = req_header(r, "X-Forwarded-For");
    while (list.n) {
        const char *comma = memrchr(list.p, ',', list.n);
        size_t from = comma ? (size_t)(comma - list.p) + 1 : 0;
        struct sockaddr_storage ss = {0};
        if (!text_address(span_trim(span_skip(list, from)), &ss))
            return;
        address_text(&ss, r->peer, sizeof r->peer);
        if (!http_proxy_trusted(r->h, (const struct sockaddr *)&ss))
            return;
        list.n = comma ? from - 1 : 0;
    }
}

static const char *
read_query(struct req *r, struct span query)
{
    char *text = query.n ? arena_take(&r->arena, 2 * query.n) : NULL;
    if (query.n && !text)
        return "query";
    while (query.n) {
        struct span pair = span_cut(&query, '&');
        if (pair.n == 0)
            continue;
        struct span name = span_cut(&pair, '=');
        struct guard_header *q = &r->query[r->query_n];
        if (r->query_n == REQ_QUERIES || name.n == 0)
            return "query";
        if (!guard_query(name, text, name.n, &q->name))
            return "query";
        text += name.n;
        if (!guard_query(pair, text, pair.n, &q->value))
            return "query";
        text += pair.n;
        r->query_n++;
    }
    return NULL;
}

void
req_begin(struct req *r, struct span head)
{
    const char *fault = NULL;
    if (r->conn) {
        address_text(&r->conn->peer, r->peer, sizeof r->peer);
        r->secure = r->conn->ssl != NULL;
    }
    struct span own = arena_span(&r->arena, head);
    r->refusal = own.p ? guard_head(own, &r->head, &fault) : REFUSE_BUSY;
    if (!r->refusal) {
        struct span t = r->head.target;
        char *path = arena_take(&r->arena, t.n + 1);
        if (!path || !guard_path(t, path, t.n, &r->path))
            fault = "path";
        const char *mark = memchr(t.p, '?', t.n);
        if (!fault && mark)
            fault = read_query(r, span_skip(t, (size_t)(mark - t.p) + 1));
        if (fault)
            r->refusal = REFUSE_BAD_REQUEST;
    }
    if (r->refusal)
        span_copy(
            r->note.field, sizeof r->note.field, span_cstr(fault ? fault : "head"));
    else if (r->conn)
        forwarded(r);
}

/* ---- accessors ---- */

enum method
req_method(const struct req *r)
{
    return r->head.method == METHOD_HEAD ? METHOD_GET : r->head.method;
}

struct span
req_path(const struct req *r)
{
    return r->path;
}

struct span
req_target(const struct req *r)
{
    return r->head.target;
}

struct span
req_header(const struct req *r, const char *name)
{
    size_t n = strlen(name);
    for (unsigned i = 0; i < r->head.headers_n; i++) {
        struct span h = r->head.headers[i].name;
        if (h.n == n && strncasecmp(h.p, name, n) == 0)
            return r->head.headers[i].value;
    }
    return span_of(NULL, 0);
}

struct span
req_cookie(const struct req *r, const char *name)
{
    struct span all = req_header(r, "Cookie");
    while (all.n) {
        struct span pair = span_trim(span_cut(&all, ';'));
        struct span key = span_cut(&pair, '=');
        if (span_eq_cstr(key, name))
            return pair;
    }
    return span_of(NULL, 0);
}

struct span
req_query(const struct req *r, const char *name)
{
    for (unsigned i = 0; i < r->query_n; i++)
        if (span_eq_cstr(r->query[i].name, name))
            return r->query[i].value;
    return span_of(NULL, 0);
}

bool
req_query_at(const struct req *r, size_t i, struct span *name, struct span *value)
{
    if (i >= r->query_n)
        return false;
    *name = r->query[i].name;
    *value = r->query[i].value;
    return true;
}

struct span
req_body(const struct req *r)
{
    return span_of(r->body, r->body_n);
}

void *
req_take_body(struct req *r, size_t *n)
{
    void *p = r->body;
    *n = r->body_n;
    atomic_fetch_sub_explicit(
        &r->h->count.body_bytes, r->body_room, memory_order_relaxed);
    r->body = NULL;
    r->body_n = r->body_room = 0;
    return p;
}

/* Grows by doubling, so that a sender holds no more memory than about twice what he
 * sent. */
bool
req_body_room(struct req *r, size_t more)
{
    if (r->body && r->body_room - r->body_n >= more)
        return true;
    size_t want = r->body_want > 0 ? (size_t)r->body_want : r->body_n + more;
    size_t room = r->body_room ? r->body_room * 2 : FIRST_BODY;
    while (room < r->body_n + more)
        room *= 2;
    if (r->body_want > 0 && room > want)
        room = want;
    else if (r->body_want < 0 && !r->body && room > r->body_cap)
        room = r->body_cap;
    size_t held = atomic_load_explicit(&r->h->count.body_bytes, memory_order_relaxed);
    if (held + room - r->body_room > r->h->conf.body_budget)
        return false;
    char *p = realloc(r->body, room + REQ_BODY_PAD);
    if (!p)
        return false;
    atomic_fetch_add_explicit(
        &r->h->count.body_bytes, room - r->body_room, memory_order_relaxed);
    r->body = p;
    r->body_room = room;
    return true;
}

struct span
req_peer(const struct req *r)
{
    return span_cstr(r->peer);
}

bool
req_secure(const struct req *r)
{
    return r->secure;
}

bool
req_english(const struct req *r)
{
    struct span s = req_header(r, "Accept-Language");
    return s.n >= 2 && strncasecmp(s.p, "en", 2) == 0;
}

struct arena *
req_arena(struct req *r)
{
    return &r->arena;
}

struct http *
req_http(const struct req *r)
{
    return r->h;
}

ts_ms
req_at(const struct req *r)
{
    return r->at_ms;
}

void **
req_slot(struct req *r)
{
    return &r->slot;
}

void
req_on_free(struct req *r, void (*fn)(struct req *r))
{
    r->on_free = fn;
}

bool
req_gone(const struct req *r)
{
    return !r->conn;
}

enum refusal
req_refusal(const struct req *r)
{
    return r->refusal;
}

struct note *
req_note(struct req *r)
{
    return &r->note;
}

/* ---- the reply ---- */

void
req_status(struct req *r, int status)
{
    r->status = status;
}

static bool
is_header_value(const char *v)
{
    for (; *v; v++)
        if ((unsigned char)*v < ' ' && *v != '\t')
            return false;
    return true;
}

void
req_add(struct req *r, const char *name, const char *value)
{
    must(r->sets_n < REQ_SETS && is_header_value(name) && is_header_value(value));
    struct span n = arena_span(&r->arena, span_cstr(name));
    struct span v = arena_span(&r->arena, span_cstr(value));
    if (!n.p || !v.p)
        return; /* arena full: the reply goes without it */
    r->sets[r->sets_n].name = n.p;
    r->sets[r->sets_n++].value = v.p;
}

void
req_set(struct req *r, const char *name, const char *value)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < r->sets_n; i++)
        if (strcasecmp(r->sets[i].name, name) != 0)
            r->sets[kept++] = r->sets[i];
    r->sets_n = kept;
    req_add(r, name, value);
}

static const char *
set_value(const struct req *r, const char *name)
{
    for (unsigned i = 0; i < r->sets_n; i++)
        if (strcasecmp(r->sets[i].name, name) == 0)
            return r->sets[i].value;
    return NULL;
}

struct buf *
req_out(struct req *r)
{
    return &r->out;
}

void
req_out_static(struct req *r, struct span bytes)
{
    r->out_is_static = true;
    r->out_static = bytes;
}

void
req_close(struct req *r)
{
    r->closing = true;
}

enum err
req_refuse(
    struct req *r, enum refusal why, const char *field, const char *en, const char *zh)
{
    const struct refusal_row *row = refusal_row(why);
    if (r->refusal) /* the first reason is the closest to the fault */
        return refusal_row(r->refusal)->err;
    r->refusal = why;
    return note_set(&r->note, row->err, field, en ? en : row->en, zh ? zh : row->zh);
}

void
req_fail(struct req *r, enum err e)
{
    if (r->refusal)
        return;
    r->refusal = r->note.code[0] ? refusal_find(r->note.code) : REFUSE_NOTHING;
    if (!r->refusal)
        r->refusal = refusal_of(e);
    const struct refusal_row *row = refusal_row(r->refusal);
    if (row->status == 500)
        log_event(
            EV_http_failed, log_w("err", err_row(e)->name), log_w("why", r->note.en));
    if (!r->note.en[0] || r->refusal == REFUSE_INTERNAL)
        (void)note_set(&r->note, e, r->note.field, row->en, row->zh);
}

/* What was said of the answer that did not come (its type, name, age, a cookie) is not
 * true of the error: only how to ask rightly stays. */
static void
keep_for_error(struct req *r)
{
    static const char *const kept[] = {"Allow", "WWW-Authenticate", "Retry-After"};
    unsigned n = 0;
    for (unsigned i = 0; i < r->sets_n; i++)
        for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
            if (strcasecmp(r->sets[i].name, kept[k]) == 0)
                r->sets[n++] = r->sets[i];
    r->sets_n = n;
}

static const char *
retry_after(const struct refusal_row *row)
{
    if (row->status == 429)
        return "10";
    return row->err == ERR_FULL ? REQ_RETRY_FULL : "1";
}

/* {"error":{"code","message","field"?,"text":{"zh","en"}}} */
static void
write_error(struct req *r)
{
    const struct refusal_row *row = refusal_row(r->refusal);
    struct buf *b = &r->out;
    const char *say = req_english(r) ? r->note.en : r->note.zh;
    buf_clear(b);
    r->out_is_static = false;
    r->status = row->status;
    buf_fmt(b, "{\"error\":{\"code\":\"%s\",\"message\":", row->code);
    buf_json(b, span_cstr(say));
    if (r->note.field[0]) {
        buf_text(b, ",\"field\":");
        buf_json(b, span_cstr(r->note.field));
    }
    buf_text(b, ",\"text\":{\"zh\":");
    buf_json(b, span_cstr(r->note.zh));
    buf_text(b, ",\"en\":");
    buf_json(b, span_cstr(r->note.en));
    buf_text(b, "}}}\n");
    keep_for_error(r);
    req_set(r, "Content-Type", "application/json");
    req_set(r, "Cache-Control", "no-store");
    if ((row->status == 503 || row->status == 429) && !set_value(r, "Retry-After"))
        req_set(r, "Retry-After", retry_after(row));
}

static const char *
reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "Status";
}

/* Status line and headers into h->head. length < 0: a stream. */
static struct buf *
write_head(struct req *r, int64_t length)
{
    struct buf *b = &r->h->head;
    buf_clear(b);
    buf_fmt(
        b, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status, reason(r->status),
        http_date(r->h));
    if (length >= 0 && r->status != 204 && r->status != 304)
        buf_fmt(b, "Content-Length: %lld\r\n", (long long)length);
    if (length > 0 && !set_value(r, "Content-Type"))
        buf_text(b, "Content-Type: application/json\r\n");
    for (unsigned i = 0; i < r->sets_n; i++) {
        buf_text(b, r->sets[i].name);
        buf_text(b, ": ");
        buf_text(b, r->sets[i].value);
        buf_text(b, "\r\n");
    }
    buf_text(b, "X-Content-Type-Options: nosniff\r\n");
    if (length < 0 || r->conn->close_after)
        buf_text(b, "Connection: close\r\n");
    else if (r->head.http10)
        buf_text(b, "Connection: keep-alive\r\n");
    buf_text(b, "\r\n");
    return b;
}

static void
free_body(const void *p, size_t n, void *arg)
{
    (void)n;
    (void)arg;
    free((void *)(uintptr_t)p);
}

void
req_write(struct req *r)
{
    struct evbuffer *out = r->conn->out;
    if (r->refusal)
        write_error(r);
    else if (r->out.bad) {
        (void)req_refuse(r, REFUSE_BUSY, NULL, NULL, NULL);
        write_error(r);
    }
    if (!r->status)
        r->status = 200;
    struct span body = r->out_is_static ? r->out_static : span_of(r->out.p, r->out.n);
    bool none = r->status == 204 || r->status == 304;
    struct buf *head = write_head(r, none ? 0 : (int64_t)body.n);
    bool cut = none || r->head.method == METHOD_HEAD;
    if (!cut && body.n <= COPY_BODY)
        buf_put(head, body.p, body.n);
    evbuffer_add(out, head->p, head->n);
    if (cut || body.n <= COPY_BODY)
        return;
    if (r->out_is_static) {
        evbuffer_add_reference(out, body.p, body.n, NULL, NULL);
    } else {
        evbuffer_add_reference(out, body.p, body.n, free_body, NULL);
        r->out = (struct buf){0};
    }
}

static void
count_reply(struct http *h, int status)
{
    int kind = status / 100;
    HTTP_COUNT(h, replies[kind >= 0 && kind < 6 ? kind : 0], 1);
    counter_add(CTR_http_requests, 1);
}

void
req_send(struct req *r)
{
    must(!r->sent);
    r->sent = true;
    struct conn *c = r->conn;
    if (!c) {
        req_free(r);
        return;
    }
    c->close_after = r->closing || !r->head.keep_alive || c->h->draining;
    req_write(r);
    count_reply(r->h, r->status);
    c->req = NULL;
    req_free(r);
    conn_go(c, CONN_SEND, c->h->conf.send_ms);
    if (!c->stepping)
        conn_step(c);
}

/* ---- streams ---- */

struct chunk *
chunk_new(const void *p, size_t n)
{
    if (n > UINT32_MAX / 2)
        return NULL;
    struct chunk *c = malloc(sizeof *c + n);
    if (!c)
        return NULL;
    c->refs = 1;
    c->n = (uint32_t)n;
    memcpy(c->bytes, p, n);
    return c;
}

void
chunk_unref(struct chunk *c)
{
    if (c && --c->refs == 0)
        free(c);
}

static void
unref_chunk(const void *p, size_t n, void *arg)
{
    (void)p;
    (void)n;
    chunk_unref(arg);
}

struct stream *
req_stream(struct req *r, size_t out_max, void (*closed)(void *ctx), void *ctx)
{
    struct conn *c = r->conn;
    struct stream *s = c ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        (void)req_refuse(r, REFUSE_BUSY, NULL, NULL, NULL);
        req_send(r);
        return NULL;
    }
    *s = (struct stream){.conn = c, .out_max = out_max, .closed = closed, .ctx = ctx};
    r->status = r->status ? r->status : 200;
    struct buf *head = write_head(r, -1);
    evbuffer_add(c->out, head->p, head->n);
    count_reply(r->h, r->status);
    HTTP_COUNT(r->h, streams, 1);
    c->stream = s;
    c->req = NULL;
    c->close_after = true;
    req_free(r);
    conn_go(c, CONN_STREAM, 0);
    if (!c->stepping) {
        event_add(&c->rd, NULL);
        event_active(&c->wr, EV_WRITE, 0);
    }
    return s;
}

bool
stream_push(struct stream *s, struct chunk *c)
{
    if (s->dropped || s->ending)
        return false;
    struct evbuffer *out = s->conn->out;
    if (evbuffer_get_length(out) + c->n > s->out_max) {
        s->dropped = true;
    } else if (c->n <= STREAM_COPY) {
        evbuffer_add(out, c->bytes, c->n);
    } else {
        c->refs++;
        evbuffer_add_reference(out, c->bytes, c->n, unref_chunk, c);
    }
    /* Written at the end of this turn: several events leave in one write. */
    event_active(&s->conn->wr, EV_WRITE, 0);
    return !s->dropped;
}

size_t
stream_waiting(const struct stream *s)
{
    return evbuffer_get_length(s->conn->out);
}

void
stream_end(struct stream *s)
{
    s->ending = true;
    event_active(&s->conn->wr, EV_WRITE, 0);
}

void
stream_closed(struct stream *s)
{
    atomic_fetch_sub_explicit(&s->conn->h->count.streams, 1, memory_order_relaxed);
    s->conn->stream = NULL;
    if (s->closed)
        s->closed(s->ctx);
    free(s);
}
