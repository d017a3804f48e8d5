/* SPDX-License-Identifier: Apache-2.0 */
/* GET /health says up or down without a figure; everything else is not there. */
#include "daemon/public.h"

#include "daemon/parts.h"

#include <stdlib.h>

struct public_face {
    struct daemon *d;
    struct http *http;
    pthread_t thread;
    bool started;
};

static enum err
head(void *ctx, struct req *r, size_t *body_cap)
{
    (void)ctx, (void)r;
    *body_cap = 0;
    return OK;
}

static void
request(void *ctx, struct req *r)
{
    struct public_face *p = ctx;
    struct health h = {0};
    if (req_method(r) != METHOD_GET || !span_eq_cstr(req_path(r), "/health")) {
        req_fail(r, req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL));
        req_send(r);
        return;
    }
    p->d->needs.health(p->d, &h);
    req_status(r, h.ok ? 200 : 503);
    buf_text(req_out(r), h.ok ? "{\"ok\":true}" : "{\"ok\":false}");
    req_send(r);
}

static void *
run(void *arg)
{
    http_run(((struct public_face *)arg)->http);
    return NULL;
}

enum err
public_start(struct daemon *d, struct note *note)
{
    if (!d->opts.public_listen)
        return OK;
    struct public_face *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    d->public_face = p;
    p->d = d;
    struct http_conf conf = {
        .name = "net-public",
        .conns_max = 1000,
        .plain_anywhere = true, /* nothing secret is said here */
        .on_head = head,
        .on_request = request,
        .ctx = p,
    };
    enum err e = http_new(&conf, &p->http, note);
    if (e == OK)
        e = http_listen(p->http, span_cstr(d->opts.public_listen), d->tls, note);
    if (e == OK && pthread_create(&p->thread, NULL, run, p) != 0)
        e = ERR_NOMEM;
    p->started = e == OK;
    return e;
}

void
public_stop(struct daemon *d)
{
    struct public_face *p = d->public_face;
    if (!p)
        return;
    if (p->started) {
        http_stop(p->http);
        pthread_join(p->thread, NULL);
    }
    http_free(p->http);
    free(p);
    d->public_face = NULL;
}
