/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - one HTTP/1.1 loop: listeners, connections, requests and their replies.
 * Handlers see struct req and these functions, never libevent, sockets or TLS.
 *
 * Shape    bytes -> guard.c (the one strict parser) -> head hook (before the body is
 * read: who is it, how much may he send) -> body, contiguous, padded -> request hook ->
 * req_send().
 * Units    bytes; durations in milliseconds.
 * Owner    the loop owns connections and requests; a request handed to another thread
 * comes back by
 *          http_post() and is freed by the loop, also when its client has gone
 * meanwhile.
 * Threads  everything on the loop's thread except where "any thread" is said; a request
 * belongs to the one thread that was handed it.
 * Errors   hostile input is answered 4xx and counted; nothing here asserts on it.
 * See      RFC 9110, RFC 9112; docs/http.md; tests in http_test.c, guard_test.c.
 */
#ifndef TQ_SERVE_HTTP_H
#define TQ_SERVE_HTTP_H

#include "core/arena.h"
#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"
#include "core/mbox.h"
#include "serve/refusal.h"

struct http;
struct req;
struct tls;

enum method {
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_POST = 4,
    METHOD_PUT = 8,
    METHOD_DELETE = 16,
    METHOD_OPTIONS = 32,
};
const char *method_name(enum method m);

/* ---- the loop ---- */

struct http_conf {
    const char *name;   /* "net-console": in the log and in counters */
    size_t head_max;    /* request line and headers; 0 = 16 kB */
    size_t body_max;    /* one body; 0 = 8 MB */
    size_t body_budget; /* all bodies being read at once; past it 503; 0 = 256 MB */
    uint32_t conns_max; /* past it the longest idle connection makes room; 0 = 10,000 */
    int head_ms;        /* from the first byte to the end of the head; 0 = 10,000 */
    int idle_ms;        /* a connection between requests; 0 = 75,000 */
    int body_ms; /* a body of any size gets this, plus its size / body_rate; 0 = 10,000
                  */
    int body_rate;       /* bytes a second that a sender must reach; 0 = 16,384 */
    int send_ms;         /* a reply without progress; 0 = 20,000 */
    bool reuse_port;     /* SO_REUSEPORT: several processes on one port */
    bool plain_anywhere; /* plain HTTP may listen beyond loopback (the ingest port) */
    const char
        *proxies; /* trusted proxies "127.0.0.1 10.0.0.0/8 fd00::/8"; NULL = none */
    /* Head hook: the head is whole, the body is not read yet. An error (with
     * req_refuse(), a note, or a reply of its own and req_status()) answers at once and
     * reads no body; OK reads up to *body_cap bytes (preset: body_max). */
    enum err (*on_head)(void *ctx, struct req *r, size_t *body_cap);
    /* The request is whole. The hook replies now or later with req_send(). */
    void (*on_request)(void *ctx, struct req *r);
    /* The loop begins to end: said once, on the loop. May be NULL. */
    void (*on_stop)(void *ctx);
    void *ctx;
    struct api_env *env; /* given to jobs */
    ts_ms (*now)(void);  /* NULL = os_now_ms */
};

/* A loop of its own; run it with http_run() on the thread that shall own it. */
enum err
http_new(const struct http_conf *conf, struct http **out, struct note *note) MUST_USE;
void http_free(struct http *h); /* after http_run() has returned; NULL is fine */
/* "HOST:PORT", "[::1]:8080", ":8080" (all addresses), port 0 = any. tls NULL = plain
 * HTTP, which is refused beyond loopback unless conf.plain_anywhere. Before http_run().
 */
enum err http_listen(
    struct http *h, struct span at, struct tls *tls, struct note *note) MUST_USE;
#define HTTP_URL 128
/* "http://127.0.0.1:8080" of the i-th listener into dst[HTTP_URL]; false past the last.
 */
bool http_url(const struct http *h, size_t i, char *dst);
void
http_run(struct http *h); /* until http_stop(); open requests are given up to 2 s */
void http_stop(struct http *h); /* any thread, also a signal handler's */

/* Work that moves between threads: the node is embedded in its owner, so that a job
 * that comes back cannot be refused. `env` is what the running thread owns
 * (serve/api.h). */
struct api_env;
struct job {
    struct msg msg; /* first: a job is a message of core/mbox.h */
    void (*run)(struct job *job, struct api_env *env);
    enum err failed; /* set by api_env.home() when the ledger could not keep it */
};
/* Any thread: runs the job on the loop's thread with conf.env. Never fails; after the
 * loop has ended the jobs still inside run in http_free(). */
void http_post(struct http *h, struct job *job);
/* Calls fn(ctx) every ms milliseconds on the loop. Before http_run(). */
enum err http_every(struct http *h, int ms, void (*fn)(void *ctx), void *ctx) MUST_USE;

struct http_count {
    uint64_t accepted, refused_full, requests, replies[6], bad, slow, bytes_in,
        bytes_out;
    uint32_t conns, streams;
    uint64_t body_bytes; /* held by bodies being read or handled */
};
struct http_count http_counts(const struct http *h); /* any thread: a recent picture */

/* ---- the request ---- */

enum method
req_method(const struct req *r); /* HEAD is shown as GET; the body is cut at sending */
struct span
req_path(const struct req *r); /* percent-decoded, normal form, begins with '/' */
struct span req_target(const struct req *r); /* as it was sent, with the query */
/* First header of that name (any case), trimmed; .p NULL when there is none. */
struct span req_header(const struct req *r, const char *name);
struct span
req_cookie(const struct req *r, const char *name); /* .p NULL when there is none */
/* Decoded query parameter; .p NULL when there is none. i-th parameter: false past the
 * last. */
struct span req_query(const struct req *r, const char *name);
bool req_query_at(const struct req *r, size_t i, struct span *name, struct span *value);
/* The body: contiguous, with 64 readable zero bytes behind it. */
struct span req_body(const struct req *r);
#define REQ_BODY_PAD 64
/* The body leaves the request: heap memory the caller frees. */
void *req_take_body(struct req *r, size_t *n);
/* The sender's address as text ("192.0.2.7", "2001:db8::1"): behind trusted proxies the
 * one they forward. */
struct span req_peer(const struct req *r);
bool req_secure(const struct req *r);   /* came over TLS (or a trusted proxy says so) */
bool req_english(const struct req *r);  /* Accept-Language begins with "en" */
struct arena *req_arena(struct req *r); /* lives as long as the request; 1 MB cap */
struct http *req_http(const struct req *r);
ts_ms req_at(const struct req *r); /* when its head was whole */
void **req_slot(struct req *r);    /* one pointer for the layer above */
void
req_on_free(struct req *r, void (*fn)(struct req *r)); /* called once, on the loop */

/* ---- the reply ---- */

void req_status(struct req *r, int status); /* preset 200 */
/* Retry-After, in seconds, where the disk is full: it is not free again at once. */
#define REQ_RETRY_FULL "30"
/* Sets or replaces; name and value are copied. An error reply keeps Allow,
 * WWW-Authenticate and Retry-After of what was set before it failed. Line breaks in a value are refused by
 * must(). */
void req_set(struct req *r, const char *name, const char *value);
void req_add(
    struct req *r, const char *name,
    const char *value); /* may stand twice: Set-Cookie */
/* Where the body of the reply is written. Content-Type preset: application/json. */
struct buf *req_out(struct req *r);
/* The body is this memory, which outlives the reply (embedded assets). */
void req_out_static(struct req *r, struct span bytes);
/* Remembers why the request fails; the error body is made when it is sent. NULL texts:
 * the refusal's own sentence. Returns the refusal's enum err, so `return
 * req_refuse(...)`. */
enum err req_refuse(
    struct req *r, enum refusal why, const char *field, const char *en, const char *zh);
struct note *req_note(struct req *r); /* for functions that fill a note */
/* Fails with err and what the note says, unless req_refuse() said it already. */
void req_fail(struct req *r, enum err e);
enum refusal req_refusal(const struct req *r); /* REFUSE_NOTHING while all is well */
/* Sends the reply and gives the request back to the loop. */
void req_send(struct req *r);
/* Closes the connection after the reply. */
void req_close(struct req *r);
bool req_gone(const struct req *r); /* the client left meanwhile */

/* ---- a reply without end (event stream) ---- */

struct stream;
/* Sends status and headers now and keeps the connection for pushes. `closed` is called
 * once, when the client leaves, is dropped, or the loop ends; afterwards the stream is
 * no more. NULL when the client has gone already (the request is freed all the same).
 */
struct stream *
req_stream(struct req *r, size_t out_max, void (*closed)(void *ctx), void *ctx);
/* Bytes shared between streams, counted. */
struct chunk {
    uint32_t refs;
    uint32_t n;
    char bytes[];
};
struct chunk *chunk_new(const void *p, size_t n); /* refs = 1; NULL without memory */
void chunk_unref(struct chunk *c);                /* loop thread */
/* False: over out_max, the client is being dropped (closed() is called from the loop
 * later). */
bool stream_push(struct stream *s, struct chunk *c);
size_t stream_waiting(const struct stream *s); /* bytes not yet with the kernel */
void stream_end(struct stream *s);             /* after what is waiting */

#endif
