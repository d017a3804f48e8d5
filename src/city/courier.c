/* SPDX-License-Identifier: Apache-2.0 */
/* courier.c - blocking HTTP over one socket. */
#include "city/courier.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "core/os_clock.h"

#define REPLY_MOST (16u << 20)

void
courier_init(struct courier *c, const char *host, int port, int timeout_ms)
{
    memset(c, 0, sizeof *c);
    snprintf(c->host, sizeof c->host, "%s", host);
    c->port = port;
    c->timeout_ms = timeout_ms;
    c->fd = -1;
}

static void
hang_up(struct courier *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void
courier_release(struct courier *c)
{
    hang_up(c);
    buf_release(&c->in);
    memset(c, 0, sizeof *c);
    c->fd = -1;
}

/* ---- the socket ---- */

static enum err
dial(struct courier *c)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    char port[8];
    snprintf(port, sizeof port, "%d", c->port);
    if (getaddrinfo(c->host, port, &hints, &all) != 0)
        return ERR_IO;
    for (struct addrinfo *a = all; a && c->fd < 0; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0)
            continue;
        struct timeval patience = {c->timeout_ms / 1000, c->timeout_ms % 1000 * 1000};
        int one = 1;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            c->fd = fd;
        else
            close(fd);
    }
    freeaddrinfo(all);
    return c->fd < 0 ? ERR_IO : OK;
}

static enum err
send_all(struct courier *c, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t k = send(c->fd, at, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_IO;
        at += k;
        n -= (size_t)k;
    }
    return OK;
}

/* At least one more byte into c->in. */
static enum err
receive(struct courier *c, dur_us until)
{
    dur_us left = until - os_mono_us();
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (left <= 0 || poll(&p, 1, (int)(left / 1000) + 1) == 0)
        return ERR_TIMEOUT;
    if (c->in.n > REPLY_MOST)
        return ERR_CORRUPT;
    uint8_t *room = buf_room(&c->in, 16384);
    if (!room)
        return ERR_NOMEM;
    ssize_t k = recv(c->fd, room, 16384, 0);
    if (k <= 0)
        return ERR_IO;
    c->in.n += (size_t)k;
    return OK;
}

/* ---- the answer ---- */

struct head {
    size_t end; /* where the body begins */
    int status;
    bool chunked, close;
    size_t length;
    bool has_length;
};

static bool
header_is(struct span line, const char *name, struct span *value)
{
    size_t n = strlen(name);
    if (line.n <= n || strncasecmp(line.p, name, n) != 0 || line.p[n] != ':')
        return false;
    *value = span_trim(span_skip(line, n + 1));
    return true;
}

static enum err
read_head(struct courier *c, struct head *h, struct courier_reply *reply)
{
    struct span all = span_of(c->in.p, h->end), line = span_cut(&all, '\n'), value;
    memset(reply->challenge, 0, sizeof reply->challenge);
    if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0)
        return ERR_CORRUPT;
    for (int i = 9; i < 12; i++)
        h->status = h->status * 10 + (line.p[i] - '0');
    if (h->status < 100 || h->status > 999)
        return ERR_CORRUPT;
    while (all.n) {
        uint64_t n;
        line = span_trim(span_cut(&all, '\n'));
        if (header_is(line, "content-length", &value) && span_u64(value, &n)) {
            h->length = (size_t)n;
            h->has_length = true;
        } else if (header_is(line, "transfer-encoding", &value)) {
            h->chunked = value.n >= 7 && strncasecmp(value.p, "chunked", 7) == 0;
        } else if (header_is(line, "connection", &value)) {
            h->close = value.n == 5 && strncasecmp(value.p, "close", 5) == 0;
        } else if (
            header_is(line, "www-authenticate", &value) && value.n > 6 &&
            strncasecmp(value.p, "digest", 6) == 0 && !*reply->challenge) {
            span_copy(reply->challenge, sizeof reply->challenge, value);
        }
    }
    return h->length > REPLY_MOST ? ERR_CORRUPT : OK;
}

/* Takes the chunks behind h->end together in place. */
static enum err
read_chunks(struct courier *c, struct head *h, dur_us until)
{
    size_t from = h->end, to = h->end;
    for (;;) {
        uint8_t *nl;
        while (!(nl = memchr(c->in.p + from, '\n', c->in.n - from))) {
            enum err e = receive(c, until);
            if (e)
                return e;
        }
        size_t n = strtoul((char *)c->in.p + from, NULL, 16);
        from = (size_t)(nl - c->in.p) + 1;
        if (n > REPLY_MOST)
            return ERR_CORRUPT;
        while (c->in.n < from + n + 2) {
            enum err e = receive(c, until);
            if (e)
                return e;
        }
        if (n == 0)
            break;
        memmove(c->in.p + to, c->in.p + from, n);
        to += n;
        from += n + 2;
    }
    h->length = to - h->end;
    return OK;
}

static enum err
read_reply(struct courier *c, struct courier_reply *reply)
{
    dur_us until = os_mono_us() + (dur_us)c->timeout_ms * 1000;
    struct head h;
    enum err e;
    buf_clear(&c->in);
    do {
        memset(&h, 0, sizeof h);
        const uint8_t *blank;
        while (!(blank = c->in.n ? memmem(c->in.p, c->in.n, "\r\n\r\n", 4) : NULL))
            if ((e = receive(c, until)) != OK)
                return e;
        h.end = (size_t)(blank - c->in.p) + 4;
        if ((e = read_head(c, &h, reply)) != OK)
            return e;
        if (h.status == 100) { /* go on: the real one follows */
            memmove(c->in.p, c->in.p + h.end, c->in.n - h.end);
            c->in.n -= h.end;
        }
    } while (h.status == 100);
    if (h.status == 204 || h.status == 304)
        h.length = 0;
    else if (h.chunked)
        e = read_chunks(c, &h, until);
    else if (h.has_length)
        while (c->in.n < h.end + h.length && !e)
            e = receive(c, until);
    else
        h.close = true; /* to the end of the connection: nobody sends us such */
    if (e)
        return e;
    reply->status = h.status;
    reply->body = span_of(c->in.p + h.end, h.length);
    if (h.close)
        hang_up(c);
    return OK;
}

enum err
courier_ask(
    struct courier *c, const char *method, const char *path, const char *headers,
    struct span body, struct courier_reply *reply)
{
    struct buf head = {0};
    enum err e = ERR_IO;
    buf_fmt(
        &head, "%s %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Length: %zu\r\n%s\r\n", method,
        path, c->host, c->port, body.n, headers);
    for (int tries = 0; tries < 2; tries++) {
        bool fresh = c->fd < 0;
        e = fresh ? dial(c) : OK;
        if (!e)
            e = send_all(c, head.p, head.n);
        if (!e && body.n)
            e = send_all(c, body.p, body.n);
        if (!e)
            e = read_reply(c, reply);
        if (!e)
            break;
        hang_up(c);
        if (fresh || e != ERR_IO ||
            c->in.n) /* once more only over a stale connection */
            break;
    }
    buf_release(&head);
    return e;
}

/* ---- Digest ---- */

static void
hex_of(const EVP_MD *md, const char *text, char *dst)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    must(EVP_Digest(text, strlen(text), sum, &n, md, NULL) == 1);
    for (unsigned i = 0; i < n; i++)
        snprintf(dst + 2 * i, 3, "%02x", sum[i]);
}

/* The value of name= in a challenge, with or without quotes; "" when it is not there.
 */
static void
part_of(const char *challenge, const char *name, char *dst, size_t cap)
{
    size_t n = strlen(name);
    *dst = 0;
    for (const char *p = challenge; (p = strcasestr(p, name)) != NULL; p += n) {
        if ((p > challenge && (isalnum((unsigned char)p[-1]) || p[-1] == '_')) ||
            p[n] != '=')
            continue;
        p += n + 1;
        size_t len = *p == '"' ? strcspn(++p, "\"") : strcspn(p, ", \t");
        span_copy(dst, cap, span_of(p, len));
        return;
    }
}

enum err
courier_digest(
    const char *challenge, const char *user, const char *password, const char *method,
    const char *uri, const char *cnonce, char *dst, size_t cap)
{
    char realm[128], nonce[256], qop[32], opaque[128], algorithm[32];
    char text[1024], ha1[65], ha2[65], answer[65];
    part_of(challenge, "realm", realm, sizeof realm);
    part_of(challenge, "nonce", nonce, sizeof nonce);
    part_of(challenge, "qop", qop, sizeof qop);
    part_of(challenge, "opaque", opaque, sizeof opaque);
    part_of(challenge, "algorithm", algorithm, sizeof algorithm);
    if (strncasecmp(challenge, "digest", 6) != 0 || !*nonce)
        return ERR_INPUT;
    const EVP_MD *md = EVP_md5();
    if (strcasecmp(algorithm, "SHA-256") == 0)
        md = EVP_sha256();
    else if (*algorithm && strcasecmp(algorithm, "MD5") != 0)
        return ERR_INPUT;
    snprintf(text, sizeof text, "%s:%s:%s", user, realm, password);
    hex_of(md, text, ha1);
    snprintf(text, sizeof text, "%s:%s", method, uri);
    hex_of(md, text, ha2);
    if (*qop)
        snprintf(
            text, sizeof text, "%s:%s:00000001:%s:auth:%s", ha1, nonce, cnonce, ha2);
    else
        snprintf(text, sizeof text, "%s:%s:%s", ha1, nonce, ha2);
    hex_of(md, text, answer);
    int n = snprintf(
        dst, cap,
        "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
        "uri=\"%s\", "
        "response=\"%s\", algorithm=%s",
        user, realm, nonce, uri, answer, md == EVP_md5() ? "MD5" : "SHA-256");
    if (*qop && n > 0 && (size_t)n < cap)
        n += snprintf(
            dst + n, cap - (size_t)n, ", qop=auth, nc=00000001, cnonce=\"%s\"", cnonce);
    if (*opaque && n > 0 && (size_t)n < cap)
        n += snprintf(dst + n, cap - (size_t)n, ", opaque=\"%s\"", opaque);
    if (n > 0 && (size_t)n < cap)
        n += snprintf(dst + n, cap - (size_t)n, "\r\n");
    return n > 0 && (size_t)n < cap ? OK : ERR_INPUT;
}
