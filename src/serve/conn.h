/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - inside of the HTTP machine: what http.c (loop), conn.c (connection) and
 * req.c (request and reply) share. No other file includes it.
 *
 *      accept -> TLS -> HEAD --head whole--> BODY --body whole--> BUSY --req_send()-->
 * SEND ^                                          |                   | | +-> STREAM
 * +-> LINGER
 *                        +------------------ keep-alive
 * --------------------------------+
 *
 * Owner    a loop owns its connections; a connection owns its request, except in BUSY,
 * when the request is with a handler (r->conn is cleared if the client leaves
 * meanwhile).
 * Threads  the loop's, but for the fields marked.
 * See      http.h.
 */
#ifndef TQ_SERVE_CONN_H
#define TQ_SERVE_CONN_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "serve/guard.h"

#define CONN_READ_STEP (256u << 10) /* bytes of one turn, so that others get theirs */
#define CONN_HEAD_ROOM 2048u
#define CONN_RAW_ROOM (16u << 10) /* chunked bodies are decoded through this much */
#define REQ_ARENA_CAP (1u << 20)
#define REQ_SETS 24
#define REQ_QUERIES 64

enum conn_state {
    CONN_TLS,
    CONN_HEAD,
    CONN_BODY,
    CONN_BUSY,
    CONN_SEND,
    CONN_STREAM,
    CONN_LINGER,
};

struct conn {
    TAILQ_ENTRY(conn) link; /* in h->waiting (TLS, HEAD) or h->working */
    struct http *h;
    int fd;
    SSL *ssl; /* NULL = plain */
    struct event rd, wr;
    enum conn_state state;
    bool waiting;    /* which list */
    bool stepping;   /* conn_step() is on the stack: req_send() only marks */
    bool want_write; /* wr is added */
    bool tls_stuck;  /* SSL_read wants to write first */
    bool served; /* a reply went out: one empty line may come before the next request */
    bool readable;      /* this turn was for bytes, not for room to write */
    bool close_after;   /* this reply is the last */
    dur_us deadline_us; /* monotonic; the sweep closes what is past it */
    char *in;           /* unread bytes: in[in_at .. in_n) */
    size_t in_at, in_n, in_room, in_seen;
    struct evbuffer *out;
    struct req *req;
    struct stream *stream;
    struct sockaddr_storage peer;
};
TAILQ_HEAD(conn_list, conn);

struct req {
    struct conn *conn; /* NULL when the client has gone */
    struct http *h;
    struct guard_head head;
    struct span path;
    struct guard_header query[REQ_QUERIES];
    unsigned query_n;
    struct arena arena;
    char *body; /* heap, REQ_BODY_PAD behind body_n */
    size_t body_n, body_room, body_cap;
    int64_t body_want; /* Content-Length; -1 = chunked */
    struct guard_chunks chunks;
    dur_us body_from_us;
    ts_ms at_ms;
    char peer[64];
    bool secure;
    void *slot;
    void (*on_free)(struct req *r);
    /* the reply */
    int status;
    struct buf out;
    struct span out_static;
    bool out_is_static, closing, sent;
    enum refusal refusal;
    struct note note;
    struct {
        const char *name, *value;
    } sets[REQ_SETS];
    unsigned sets_n;
    struct req *free_next;
};

struct stream {
    struct conn *conn;
    size_t out_max;
    bool ending, dropped;
    void (*closed)(void *ctx);
    void *ctx;
};

struct http_listener {
    struct evconnlistener *ev;
    struct tls *tls;
    struct http *h;
    char url[HTTP_URL];
    struct http_listener *next;
};

struct http_timer {
    struct event *ev;
    void (*fn)(void *ctx);
    void *ctx;
    struct http_timer *next;
};

/* Written by the loop, read by any thread. */
struct http_atoms {
    atomic_uint_fast64_t accepted, refused_full, requests, replies[6], bad, slow,
        bytes_in, bytes_out, body_bytes;
    atomic_uint_fast32_t conns, streams;
};

struct http {
    struct http_conf conf;
    struct event_base *base;
    struct http_listener *listeners;
    struct http_timer *timers;
    struct conn_list waiting, working;
    struct req *free_reqs;
    unsigned free_reqs_n;
    struct mbox *inbox;
    int wake_fd;
    struct event *wake, *sweep;
    atomic_bool stopping;
    bool draining;
    dur_us drain_until_us;
    dur_us now_us; /* monotonic, at the beginning of this turn */
    char date[40];
    ts_ms date_s;
    struct http_atoms count;
    struct buf head;        /* reply heads are put together here */
    unsigned char *scratch; /* lingering bytes are read into nothing */
};

#define HTTP_COUNT(h, what, n)                                                         \
    atomic_fetch_add_explicit(&(h)->count.what, (n), memory_order_relaxed)

/* http.c */
dur_us http_mono(struct http *h);
const char *http_date(struct http *h);
bool http_proxy_trusted(const struct http *h, const struct sockaddr *sa);
struct ssl_ctx_st *tls_ctx(struct tls *t);

/* conn.c */
void conn_accept(struct http *h, struct tls *tls, int fd, struct sockaddr *sa, int len);
void conn_free(struct conn *c);
void conn_step(struct conn *c);  /* goes on as far as bytes and state allow */
void conn_sweep(struct http *h); /* deadlines */
void conn_go(struct conn *c, enum conn_state state, int ms); /* ms 0 = no deadline */
void conn_want_write(struct conn *c, bool on);

/* req.c */
struct req *req_new(struct http *h);
void req_free(struct req *r);
/* Reads the head into r; on a refusal r->refusal is set. */
void req_begin(struct req *r, struct span head);
/* Status line, headers and body into the connection's out buffer. */
void req_write(struct req *r);
bool req_body_room(struct req *r, size_t more);
/* The stream's client is gone: tells its owner. */
void stream_closed(struct stream *s);

#endif
