/* SPDX-License-Identifier: Apache-2.0 */
/* Which face answers a path: rows of the API, devices' protocols, the console's files,
 * metrics and health; and the life of the two loops. */
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>

#include "core/log.h"
#include "feeds/digest.h"
#include "serve/assets.h"
#include "serve/call.h"
#include "serve/gate.h"
#include "serve/status.h"

#define BEAT_MS 10000
#define SWEEP_MS 15000
#define IDLE_US (INT64_C(1800) * 1000000)
#define SESSION_US (INT64_C(43200) * 1000000)
#define SERVER_ID "14010000002000000001"
#define CONSOLE_BODY (8u << 20)
#define INGEST_BODY (16u << 20)

/* ---- paths ---- */

static bool
takes_devices(const struct serve *s, enum net net)
{
    return net == NET_INGEST || !s->listening[NET_INGEST];
}

static enum err
head_other(struct req *r)
{
    enum method m = req_method(r);
    if (m == METHOD_GET)
        return OK;
    req_set(r, "Allow", "GET, HEAD");
    return req_refuse(r, REFUSE_METHOD, NULL, NULL, NULL);
}

static enum err
on_head(void *ctx, struct req *r, size_t *cap)
{
    struct serve_net *n = ctx;
    if (api_is_path(req_path(r)))
        return api_head(n->serve, n->net, r, cap);
    if (takes_devices(n->serve, n->net) && gate_is_path(req_path(r)))
        return gate_head(n->serve->gates[n->net], r, cap);
    *cap = 0;
    return head_other(r);
}

static bool
is_loopback(struct span peer)
{
    return span_starts(peer, SPAN("127.")) || span_eq_cstr(peer, "::1");
}

/* Numbers about the system are for this machine, or for whoever holds a device key. */
static bool
may_read_metrics(const struct serve *s, struct req *r)
{
    struct span key = req_header(r, "Authorization");
    struct sender who;
    uint8_t hash[32];
    if (is_loopback(req_peer(r)))
        return true;
    if (!span_starts(key, SPAN("Bearer ")))
        return false;
    session_hash(span_skip(key, 7), hash);
    return s->needs->device_by_key(s->needs->ctx, hash, &who) && !who.disabled;
}

static void
reply_other(const struct serve_net *n, struct req *r)
{
    const struct serve *s = n->serve;
    struct span path = req_path(r);
    if (span_eq_cstr(path, "/health")) {
        status_health(r, s->needs);
    } else if (span_eq_cstr(path, "/metrics")) {
        if (may_read_metrics(s, r)) {
            req_set(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
            status_metrics(req_out(r));
        } else {
            (void)req_refuse(r, REFUSE_FORBIDDEN, NULL, NULL, NULL);
        }
    } else if (n->net != NET_CONSOLE || !assets_reply(s->assets, r)) {
        (void)req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    }
    req_send(r);
}

static void
on_request(void *ctx, struct req *r)
{
    struct serve_net *n = ctx;
    if (api_is_path(req_path(r)))
        api_request(n->serve, r);
    else if (takes_devices(n->serve, n->net) && gate_is_path(req_path(r)))
        gate_request(n->serve->gates[n->net], r);
    else
        reply_other(n, r);
}

/* ---- sessions: expiry, changes, reading back at start ---- */

struct drop { /* a session leaves the ledger too */
    struct job job;
    struct serve *serve;
    uint8_t hash[32];
};

static void
drop_home(struct job *job, struct api_env *env)
{
    (void)env;
    free(job);
}

static void
drop_run(struct job *job, struct api_env *env)
{
    struct drop *d = (struct drop *)job;
    struct http *h = d->serve->http[NET_CONSOLE];
    enum err e = env->needs->session_drop(env->ledger, d->hash);
    job->run = drop_home;
    if (env->home)
        env->home(env, h, job, e == OK);
    else
        http_post(h, job);
}

static void
forget(struct serve *s, const uint8_t hash[32])
{
    struct drop *d = calloc(1, sizeof *d);
    if (!d)
        return;
    *d = (struct drop){.job = {.run = drop_run}, .serve = s};
    memcpy(d->hash, hash, sizeof d->hash);
    if (s->needs->post(s->needs->ctx, ON_LEDGER, &d->job) != OK)
        free(d); /* it is over in any case: its times are in its row */
}

static void
on_expired(void *arg, const struct session *session)
{
    struct serve *s = arg;
    events_end_session(s->events, session->hash, "expired");
    forget(s, session->hash);
}

struct change {
    struct job job;
    struct serve *serve;
    struct account account;
    char reason[16];
};

static void
on_changed(void *arg, const struct session *session)
{
    struct change *c = arg;
    events_end_session(c->serve->events, session->hash, c->reason);
    forget(c->serve, session->hash);
}

static void
change_run(struct job *job, struct api_env *env)
{
    (void)env;
    struct change *c = (struct change *)job;
    struct sessions *t = c->serve->sessions;
    sessions_end_user(t, c->account.user.id, c->account.epoch, on_changed, c);
    if (c->account.failures == 0 && c->account.locked_ms == 0)
        sign_in_forgive(c->serve->sign_ins, span_cstr(c->account.user.login));
    sodium_memzero(&c->account, sizeof c->account);
    free(c);
}

void
serve_account_changed(struct serve *s, const struct account *a, const char *reason)
{
    struct change *c = calloc(1, sizeof *c);
    must(c);
    *c = (struct change){.job = {.run = change_run}, .serve = s, .account = *a};
    (void)span_copy(c->reason, sizeof c->reason, span_cstr(reason));
    http_post(s->http[NET_CONSOLE], &c->job);
}

struct kept {
    struct kept_session row;
    struct user user;
};
struct load {
    struct job job;
    struct serve *serve;
    struct kept *rows;
    size_t n, room;
};

static void
load_each(void *arg, const struct kept_session *row, const struct account *a)
{
    struct load *l = arg;
    if (row->epoch != a->epoch || a->user.disabled)
        return;
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct kept *p = realloc(l->rows, room * sizeof *p);
        if (!p)
            return;
        l->rows = p;
        l->room = room;
    }
    l->rows[l->n++] = (struct kept){*row, a->user};
}

static void
loaded(struct serve *s)
{
    s->loaded = true;
    must(sem_post(&s->ready) == 0);
}

static void
load_home(struct job *job, struct api_env *env)
{
    struct load *l = (struct load *)job;
    struct sessions *t = l->serve->sessions;
    ts_ms now = env->needs->now(env->needs->ctx);
    for (size_t i = 0; i < l->n; i++)
        if (!sessions_by_hash(t, l->rows[i].row.hash))
            sessions_add(t, &l->rows[i].row, &l->rows[i].user, now);
    loaded(l->serve);
    free(l->rows);
    free(l);
}

static void
load_run(struct job *job, struct api_env *env)
{
    struct load *l = (struct load *)job;
    struct http *h = l->serve->http[NET_CONSOLE];
    enum err e = env->needs->session_all(env->ledger, load_each, l);
    if (e)
        log_event(EV_ledger_failed, log_w("what", "sessions"));
    job->run = load_home;
    if (env->home)
        env->home(env, h, job, true);
    else
        http_post(h, job);
}

static void
load_sessions(struct serve *s)
{
    struct load *l = calloc(1, sizeof *l);
    if (l) {
        *l = (struct load){.job = {.run = load_run}, .serve = s};
        if (s->needs->post(s->needs->ctx, ON_LEDGER, &l->job) == OK)
            return;
        free(l);
    }
    loaded(s); /* without them people sign in anew */
}

/* ---- timers ---- */

static void
on_stop(void *ctx)
{
    struct serve_net *n = ctx;
    if (n->net == NET_CONSOLE)
        events_end_all(n->serve->events, "shutdown");
}

static void
on_beat(void *ctx)
{
    struct serve *s = ctx;
    events_beat(s->events);
}

static void
on_sweep(void *ctx)
{
    struct serve *s = ctx;
    sessions_sweep(s->sessions, s->needs->now(s->needs->ctx), on_expired, s);
}

static void
on_gate(void *ctx)
{
    struct serve_net *n = ctx;
    gate_sweep(n->serve->gates[n->net]);
}

/* ---- life ---- */

static enum err
make_loop(struct serve *s, enum net net, struct note *note)
{
    struct http_conf conf = {
        .name = net == NET_CONSOLE ? "net-console" : "net-ingest",
        .body_max = net == NET_CONSOLE ? CONSOLE_BODY : INGEST_BODY,
        .plain_anywhere = net == NET_INGEST,
        .proxies = s->conf.proxies,
        .on_head = on_head,
        .on_request = on_request,
        .on_stop = on_stop,
        .ctx = &s->nets[net],
        .env = &s->env[net],
    };
    s->nets[net] = (struct serve_net){s, net};
    s->env[net] = (struct api_env){
        .serve = s, .needs = s->needs, .here = ON_NET, .daemon = s->conf.daemon};
    enum err e = http_new(&conf, &s->http[net], note);
    if (e)
        return e;
    s->gates[net] = gate_new(s, net);
    if (!s->gates[net])
        return ERR_NOMEM;
    e = http_every(s->http[net], SWEEP_MS, on_gate, &s->nets[net]);
    if (!e && net == NET_CONSOLE)
        e = http_every(s->http[net], BEAT_MS, on_beat, s);
    if (!e && net == NET_CONSOLE)
        e = http_every(s->http[net], SWEEP_MS, on_sweep, s);
    return e;
}

static char *
copy(const char *text, const char *preset)
{
    const char *from = text ? text : preset;
    return from ? strdup(from) : NULL;
}

static void
copy_conf(struct serve *s, const struct serve_conf *conf)
{
    s->conf = *conf;
    s->conf.idle_us = conf->idle_us ? conf->idle_us : IDLE_US;
    s->conf.session_us = conf->session_us ? conf->session_us : SESSION_US;
    s->conf.proxies = s->proxies = copy(conf->proxies, NULL);
    s->conf.origins = s->origins = copy(conf->origins, "");
    s->conf.server_id = s->server_id = copy(conf->server_id, SERVER_ID);
    s->conf.realm = s->realm = copy(conf->realm, DIGEST_REALM);
}

enum err
serve_new(
    const struct serve_conf *conf, const struct serve_needs *needs, struct serve **out,
    struct note *note)
{
    api_check();
    json_object_seed(0);
    if (sodium_init() < 0)
        return note_set(note, ERR_IO, NULL, "no randomness", "无法获得随机数");
    struct serve *s = calloc(1, sizeof *s);
    if (!s)
        return note_set(note, ERR_NOMEM, NULL, "out of memory", "内存不足");
    must(sem_init(&s->ready, 0, 0) == 0);
    s->needs = needs;
    copy_conf(s, conf);
    s->sessions = sessions_new(s->conf.idle_us / 1000, s->conf.session_us / 1000);
    s->sign_ins = sign_ins_new();
    s->events = events_new(s, conf->journal);
    enum err e = s->sessions && s->sign_ins && s->events ? OK : ERR_NOMEM;
    if (!e)
        e = assets_open(conf->web_root, &s->assets, note);
    for (int net = 0; !e && net < NETS; net++)
        e = make_loop(s, (enum net)net, note);
    if (e)
        serve_free(s);
    else
        *out = s;
    return e;
}

void
serve_free(struct serve *s)
{
    if (!s)
        return;
    for (int net = 0; net < NETS; net++)
        http_free(s->http[net]); /* may still run jobs that touch what follows */
    for (int net = 0; net < NETS; net++)
        gate_free(s->gates[net]);
    events_free(s->events);
    sessions_free(s->sessions);
    sign_ins_free(s->sign_ins);
    assets_free(s->assets);
    free(s->proxies);
    free(s->origins);
    free(s->server_id);
    free(s->realm);
    sem_destroy(&s->ready);
    free(s);
}

enum err
serve_listen(
    struct serve *s, enum net net, struct span at, struct tls *tls, struct note *note)
{
    enum err e = http_listen(s->http[net], at, tls, note);
    if (!e)
        s->listening[net] = true;
    return e;
}

bool
serve_url(const struct serve *s, enum net net, size_t i, char *dst)
{
    return http_url(s->http[net], i, dst);
}

bool
serve_has(const struct serve *s, enum net net)
{
    return s->listening[net];
}

struct http *
serve_http(struct serve *s, enum net net)
{
    return s->http[net];
}

uint32_t
serve_streams(const struct serve *s)
{
    return http_counts(s->http[NET_CONSOLE]).streams;
}

uint32_t
serve_sessions(const struct serve *s)
{
    return (uint32_t)sessions_count(s->sessions);
}

void
serve_run(struct serve *s, enum net net)
{
    if (net == NET_CONSOLE)
        load_sessions(s);
    http_run(s->http[net]);
}

void
serve_await(struct serve *s)
{
    while (sem_wait(&s->ready) != 0)
        continue; /* interrupted by a signal */
    must(sem_post(&s->ready) == 0);
}

void
serve_stop(struct serve *s)
{
    for (int net = 0; net < NETS; net++)
        http_stop(s->http[net]);
}

void
serve_post(struct serve *s, enum net net, struct job *job)
{
    http_post(s->http[net], job);
}

void
serve_publish(struct serve *s, const struct event_out *e)
{
    events_post(s->events, e);
}
