/* SPDX-License-Identifier: Apache-2.0 */
/* courier.h - a small HTTP/1.1 client for the simulator: one connection kept open, one
 * request at a time, Digest sign-in.
 *
 * Owner    courier_init() fills the caller's struct; courier_release() closes and
 * frees.
 * Threads  one courier, one thread; a request blocks until the answer is there or the
 * time is over.
 * Errors   ERR_IO (no connection, cut off), ERR_TIMEOUT, ERR_CORRUPT (not HTTP).
 * See      RFC 9112; RFC 7616 (MD5 and SHA-256, qop=auth).
 */
#ifndef TQ_CITY_COURIER_H
#define TQ_CITY_COURIER_H

#include "core/cur.h"
#include "core/err.h"

struct courier {
    char host[128];
    int port;
    int timeout_ms;
    int fd; /* -1: not connected */
    struct buf in;
};

struct courier_reply {
    int status;
    char challenge[512]; /* WWW-Authenticate */
    struct span body;    /* in the courier; until the next request */
};

void courier_init(struct courier *c, const char *host, int port, int timeout_ms);
void courier_release(struct courier *c);

/* `headers` are whole lines ended by CRLF (may be ""). Connects when needed; a
 * connection that the other side has closed meanwhile is opened again once. */
enum err courier_ask(
    struct courier *c, const char *method, const char *path, const char *headers,
    struct span body, struct courier_reply *reply) MUST_USE;

/* The Authorization header line for a challenge into dst; ERR_INPUT when it is no
 * Digest that we know. */
enum err courier_digest(
    const char *challenge, const char *user, const char *password, const char *method,
    const char *uri, const char *cnonce, char *dst, size_t cap) MUST_USE;

#endif
