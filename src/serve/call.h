/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - inside of the API machine: one request on its way through sign-in, checks,
 * threads, audit. Only api*.c, session.c, events.c and serve.c include it.
 *
 *   on_head: route -> who (session or device) -> role -> CSRF, origin -> cost (loop)
 *   on_request: parameters, body -> fn on its thread -> [fn2 ...] -> audit -> send
 *
 * Owner    a call lives in its request's arena and dies with it.
 * Threads  belongs to the thread that runs its job; the session table to the console
 * loop.
 */
#ifndef TQ_SERVE_CALL_H
#define TQ_SERVE_CALL_H

#include "serve/api.h"
#include "serve/events.h"
#include "serve/session.h"
#include "serve/sign_in.h"
#include "serve/serve.h"

#include <semaphore.h>

#define CALL_PARTS 4   /* {names} of one path */
#define CALL_VALUES 24 /* parameters of one route */

struct call {
    struct job job;
    struct req *r;
    struct serve *serve;
    enum net net;
    const struct api_route *route;
    /* who */
    bool signed_in, by_device;
    struct user user;
    struct sender sender;
    unsigned role;
    uint8_t session_hash[32];
    /* what */
    struct span parts[CALL_PARTS];
    struct span values[CALL_VALUES]; /* parallel to route->params */
    json_t *body;
    /* how it goes on */
    api_fn fn;
    enum where where;
    api_fn next;
    enum where next_where;
    enum err err;
    bool waiting; /* api_wait(): the answer comes by api_done() */
    bool running; /* inside fn() */
    enum err done;
    bool taken; /* the request is a stream now */
    bool looked, listed;
    struct span audit_object, audit_matter;
    void *keep;
    void (*on_end)(struct req *r);
};

struct serve {
    struct serve_conf conf;
    const struct serve_needs *needs;
    struct http *http[NETS];
    bool listening[NETS];
    struct api_env env[NETS];
    struct serve_net {
        struct serve *serve;
        enum net net;
    } nets[NETS];
    struct sessions *sessions; /* owned by the console loop */
    struct sign_ins *sign_ins; /* owned by the console loop */
    bool signing_in;           /* those that wait are being let in: likewise */
    struct events *events;     /* owned by the console loop */
    struct gate *gates[NETS];  /* devices' protocols: each owned by its loop */
    struct assets *assets;     /* constant */
    char *proxies, *origins, *server_id, *realm;
    bool loaded; /* the sessions of before the start are here: owned by the console loop
                  */
    sem_t ready; /* posted once with it */
};

/* The call of a request, NULL before its head was routed. */
struct call *call_of(const struct req *r);

/* api.c: hooks of the loops for paths below /api/v1. */
enum err api_head(struct serve *s, enum net net, struct req *r, size_t *cap);
void api_request(struct serve *s, struct req *r);
bool api_is_path(struct span path);

/* api_value.c: checks query, path parts and body against the row. */
enum err call_values(struct call *c) MUST_USE;
enum err call_body(struct call *c) MUST_USE;

#endif
