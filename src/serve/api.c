/* SPDX-License-Identifier: Apache-2.0 */
/* The machine behind the rows of serve/api. Everything that must hold for every route
 * is done here once: a row cannot forget it. */
#include "serve/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/log.h"

#define BASE "/api/v1"
#define BODY_PRESET (64u << 10)
#define BODY_EMPTY 1024u /* rows without body keys still take "{}" */

struct call *
call_of(const struct req *r)
{
    return *(struct call **)req_slot((struct req *)(uintptr_t)r);
}

bool
api_is_path(struct span path)
{
    return span_starts(path, SPAN(BASE)) && (path.n == 7 || path.p[7] == '/');
}

/* ---- routing ---- */

/* Matches "/sites/{id}" and takes the parts in the order of the braces. */
static bool
path_matches(const char *pattern, struct span path, struct span parts[CALL_PARTS])
{
    struct span want = span_cstr(pattern);
    unsigned n = 0;
    while (want.n || path.n) {
        struct span a = span_cut(&want, '/'), b = span_cut(&path, '/');
        bool hole = a.n > 2 && a.p[0] == '{';
        if (hole ? b.n == 0 || n == CALL_PARTS : !span_eq(a, b))
            return false;
        if (hole)
            parts[n++] = b;
        if ((want.n == 0) != (path.n == 0))
            return false;
    }
    return true;
}

/* The row, or NULL with the methods that the path does have. */
static const struct api_route *
find_route(
    enum method method, struct span path, struct span parts[CALL_PARTS],
    unsigned *allow)
{
    *allow = 0;
    for (const struct api *const *a = api_rows; *a; a++) {
        for (const struct api_route *t = (*a)->routes; t->path; t++) {
            if (!path_matches(t->path, path, parts))
                continue;
            if (t->method == method)
                return t;
            *allow |= t->method;
        }
    }
    return NULL;
}

static void
set_allow(struct req *r, unsigned allow)
{
    static const enum method all[] = {
        METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE};
    char text[64] = "OPTIONS";
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!(allow & all[i]))
            continue;
        size_t n = strlen(text);
        snprintf(
            text + n, sizeof text - n, ", %s%s", method_name(all[i]),
            all[i] == METHOD_GET ? ", HEAD" : "");
    }
    req_set(r, "Allow", text);
}

static enum err
route_of(struct call *c, struct req *r)
{
    unsigned allow = 0;
    struct span path = span_skip(req_path(r), sizeof BASE - 1);
    c->route = find_route(req_method(r), path, c->parts, &allow);
    if (c->route)
        return OK;
    if (!allow)
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    set_allow(r, allow);
    if (req_method(r) == METHOD_OPTIONS)
        return OK;
    return req_refuse(r, REFUSE_METHOD, NULL, NULL, NULL);
}

/* ---- who ---- */

static struct span
bearer(const struct req *r)
{
    struct span s = req_header(r, "Authorization");
    if (s.n < 7 || strncasecmp(s.p, "Bearer ", 7) != 0)
        return span_of(NULL, 0);
    return span_trim(span_skip(s, 7));
}

static enum err
by_key(struct call *c, struct req *r, struct span key)
{
    const struct serve_needs *n = c->serve->needs;
    uint8_t hash[32];
    session_hash(key, hash);
    if (!n->device_by_key(n->ctx, hash, &c->sender) || c->sender.disabled)
        return req_refuse(
            r, REFUSE_UNAUTHENTICATED, NULL, "unknown device key", "设备密钥无效");
    c->by_device = true;
    c->role = ROLE_DEVICE;
    return OK;
}

/* The Origin of a browser must be this host, or one that the operator named. */
static bool
origin_is_ours(const struct call *c, const struct req *r, struct span origin)
{
    struct span host = req_header(r, "Host"), rest = origin;
    if (span_starts(rest, SPAN("https://")))
        rest = span_skip(rest, 8);
    else if (span_starts(rest, SPAN("http://")) && !req_secure(r))
        rest = span_skip(rest, 7);
    else
        rest.n = 0;
    if (rest.n && span_eq(rest, host))
        return true;
    struct span list = span_cstr(c->serve->origins);
    while (list.n) {
        struct span one = span_cut(&list, ' ');
        if (one.n && span_eq(one, origin))
            return true;
    }
    return false;
}

static enum err
same_site(struct call *c, struct req *r, const struct session *s)
{
    struct span origin = req_header(r, "Origin");
    struct span site = req_header(r, "Sec-Fetch-Site");
    if (origin.p && !origin_is_ours(c, r, origin))
        return req_refuse(r, REFUSE_ORIGIN, NULL, NULL, NULL);
    if (span_eq_cstr(site, "cross-site"))
        return req_refuse(r, REFUSE_ORIGIN, NULL, NULL, NULL);
    if (s && !session_csrf_ok(s, req_header(r, "X-CSRF-Token")))
        return req_refuse(r, REFUSE_CSRF, NULL, NULL, NULL);
    return OK;
}

static bool
is_session_route(const struct api_route *t)
{
    return strncmp(t->path, "/session", 8) == 0;
}

static enum err
by_cookie(struct call *c, struct req *r)
{
    const struct api_route *t = c->route;
    bool open = t->roles & ROLES_OPEN;
    struct span cookie = req_cookie(r, SESSION_COOKIE);
    struct session *s = NULL;
    if (c->net == NET_CONSOLE && cookie.p)
        s = sessions_find(c->serve->sessions, cookie, req_at(r));
    if (t->method != METHOD_GET) {
        enum err e = same_site(c, r, open ? NULL : s);
        if (e)
            return e;
    }
    if (!s && !open && cookie.n &&
        !c->serve->loaded) /* just started: the table is being read */
        return req_refuse(r, REFUSE_BUSY, NULL, NULL, NULL);
    if (!s)
        return open ? OK : req_refuse(r, REFUSE_UNAUTHENTICATED, NULL, NULL, NULL);
    c->signed_in = true;
    c->user = s->user;
    c->role = s->user.roles;
    memcpy(c->session_hash, s->hash, sizeof c->session_hash);
    if (open)
        return OK;
    s->seen_ms = req_at(r);
    if (!session_pay(s, t->cost ? t->cost : 1, req_at(r)))
        return req_refuse(r, REFUSE_THROTTLED, NULL, NULL, NULL);
    if (s->user.must_change && !is_session_route(t))
        return req_refuse(r, REFUSE_PASSWORD_CHANGE, NULL, NULL, NULL);
    return OK;
}

/* A signed-in person who knocks at a door that changes something is on record. */
static void audit_refused(struct call *c, struct req *r);

static enum err
who_is_it(struct call *c, struct req *r)
{
    struct span key = bearer(r);
    enum err e = key.p ? by_key(c, r, key) : by_cookie(c, r);
    if (e || (c->route->roles & ROLES_OPEN) || (c->role & c->route->roles))
        return e;
    audit_refused(c, r);
    return req_refuse(r, REFUSE_FORBIDDEN, NULL, NULL, NULL);
}

/* ---- hooks of the loop ---- */

static void
call_release(struct req *r)
{
    struct call *c = call_of(r);
    if (c->on_end)
        c->on_end(r);
    if (c->body)
        json_decref(c->body);
}

static bool
type_fits(const struct api_route *t, struct span type)
{
    const char *want = t->body_type ? t->body_type : "application/json";
    size_t n = strlen(want);
    if (type.n < n || strncasecmp(type.p, want, n) != 0)
        return false;
    return type.n == n || type.p[n] == ';' || type.p[n] == ' ';
}

enum err
api_head(struct serve *s, enum net net, struct req *r, size_t *cap)
{
    struct call *c = ARENA_NEW(req_arena(r), struct call);
    if (!c)
        return ERR_NOMEM;
    c->r = r;
    c->serve = s;
    c->net = net;
    *req_slot(r) = c;
    req_on_free(r, call_release);
    req_set(r, "Cache-Control", "no-store");
    *cap = 0;
    enum err e = route_of(c, r);
    if (e || !c->route)
        return e;
    const struct api_route *t = c->route;
    if (net == NET_INGEST &&
        !(t->roles & ROLE_DEVICE)) /* people knock at the console's port */
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    e = who_is_it(c, r);
    if (e)
        return e;
    bool takes = t->body || t->body_type;
    *cap = t->body_cap ? t->body_cap : takes ? BODY_PRESET : BODY_EMPTY;
    if (t->method == METHOD_GET)
        *cap = 0;
    bool sends = req_header(r, "Transfer-Encoding").p ||
                 (req_header(r, "Content-Length").p &&
                  !span_eq_cstr(req_header(r, "Content-Length"), "0"));
    if (sends && t->method != METHOD_GET &&
        !type_fits(t, req_header(r, "Content-Type")))
        return req_refuse(r, REFUSE_BAD_TYPE, "Content-Type", NULL, NULL);
    return OK;
}

static void call_run(struct job *job, struct api_env *env);
static void call_home(struct job *job, struct api_env *env);

static void
ship(struct call *c)
{
    const struct serve_needs *n = c->serve->needs;
    c->job.run = call_run;
    c->job.failed = OK;
    enum err e = OK;
    if (c->where == ON_NET)
        call_run(&c->job, &c->serve->env[c->net]);
    else
        e = n->post(n->ctx, c->where, &c->job);
    if (e) {
        c->err = e;
        c->next = NULL;
        call_home(&c->job, NULL);
    }
}

void
api_request(struct serve *s, struct req *r)
{
    struct call *c = call_of(r);
    (void)s;
    if (!c->route) { /* OPTIONS */
        req_status(r, 204);
        req_send(r);
        return;
    }
    enum err e = call_values(c);
    if (!e)
        e = call_body(c);
    if (e) {
        req_fail(r, e);
        req_send(r);
        return;
    }
    c->fn = c->route->fn;
    c->where = c->route->where;
    ship(c);
}

/* On the thread of the row. */
static void
call_run(struct job *job, struct api_env *env)
{
    struct call *c = (struct call *)job;
    c->next = NULL;
    c->done = OK;
    c->running = true;
    c->err = c->fn(c->r, env);
    c->running = false;
    if (!c->err)
        c->err = c->done; /* api_done() before fn() came back */
    if (c->taken || (c->waiting && !c->err))
        return;
    c->waiting = false;
    job->run = call_home;
    if (c->where == ON_NET)
        call_home(job, env);
    else if (env->home)
        env->home(env, req_http(c->r), job, c->err == OK);
    else
        http_post(req_http(c->r), job);
}

/* ---- audit and sending ---- */

static const char *
role_text(unsigned role)
{
    for (const struct role_row *row = role_rows(); row->role; row++)
        if (role & row->role)
            return row->name;
    return "";
}

static struct audit_fact
fact_of(struct call *c)
{
    struct span what = arena_fmt(
        req_arena(c->r), "%s %s", method_name(c->route->method), c->route->path);
    struct span login = span_cstr(c->user.login);
    return (struct audit_fact){
        .class = c->route->audit,
        .at_ms = req_at(c->r),
        .what = what,
        .user = c->user.id,
        .login = c->by_device ? span_cstr(c->sender.code) : login,
        .role = span_cstr(role_text(c->role)),
        .from = req_peer(c->r),
        .object = c->audit_object,
        .matter = c->audit_matter,
        .count = -1,
    };
}

static void
fact_kept(struct job *job, struct api_env *env)
{
    (void)env;
    free(job);
}

static void
audit_refused(struct call *c, struct req *r)
{
    const struct serve_needs *n = c->serve->needs;
    struct job *job = c->route->audit == API_NONE ? NULL : calloc(1, sizeof *job);
    if (!job)
        return;
    struct audit_fact f = fact_of(c);
    f.outcome = OUTCOME_REFUSED;
    job->run = fact_kept;
    n->audit(n->ctx, &f, req_http(r), job);
}

static void
call_send(struct call *c)
{
    if (c->err)
        req_fail(c->r, c->err);
    req_send(c->r);
}

static void
call_audited(struct job *job, struct api_env *env)
{
    (void)env;
    struct call *c = (struct call *)job;
    if (job->failed && !c->err) /* done, but not on record: say so rather than "done" */
        c->err = job->failed;
    call_send(c);
}

static void
call_audit(struct call *c)
{
    const struct serve_needs *n = c->serve->needs;
    enum api_audit class = c->route->audit;
    if (class == API_LOOK && !c->err && !c->looked) {
        log_event(
            EV_http_failed, log_w("err", "look without record"),
            log_w("route", c->route->path));
        c->err = ERR_IO;
    }
    enum refusal why = req_refusal(c->r);
    bool flood = why == REFUSE_THROTTLED || why == REFUSE_LOCKED || why == REFUSE_BUSY;
    if (flood || (class != API_CHANGE && class != API_SECURITY)) {
        call_send(c);
        return;
    }
    struct audit_fact f = fact_of(c);
    f.outcome = !c->err                              ? OUTCOME_OK
                : err_row(c->err)->http_status < 500 ? OUTCOME_REFUSED
                                                     : OUTCOME_FAILED;
    c->job.run = call_audited;
    c->job.failed = OK;
    n->audit(n->ctx, &f, req_http(c->r), &c->job);
}

/* On the loop again. */
static void
call_home(struct job *job, struct api_env *env)
{
    (void)env;
    struct call *c = (struct call *)job;
    if (job->failed) {
        c->err = job->failed;
        c->next = NULL;
    }
    if (!c->err && c->next) {
        c->fn = c->next;
        c->where = c->next_where;
        ship(c);
        return;
    }
    call_audit(c);
}

void
api_wait(struct req *r)
{
    struct call *c = call_of(r);
    must(c->where == ON_NET);
    c->waiting = true;
}

void
api_done(struct req *r, enum err e)
{
    struct call *c = call_of(r);
    must(c->waiting);
    c->waiting = false;
    if (c->running) { /* the row's function goes home by itself */
        c->done = e;
        return;
    }
    c->err = e;
    call_home(&c->job, NULL);
}

void
api_on_end(struct req *r, void (*fn)(struct req *r))
{
    call_of(r)->on_end = fn;
}

void
api_taken(struct req *r)
{
    struct call *c = call_of(r);
    must(c->where == ON_NET && c->route->audit == API_NONE);
    c->taken = true;
}

/* ---- for rows ---- */

const struct user *
api_user(const struct req *r)
{
    struct call *c = call_of(r);
    return c->signed_in ? &c->user : NULL;
}

unsigned
api_role(const struct req *r)
{
    return call_of(r)->role;
}

const struct sender *
api_device(const struct req *r)
{
    struct call *c = call_of(r);
    return c->by_device ? &c->sender : NULL;
}

bool
api_sees(const struct req *r, const struct org_table *org, struct org_id node)
{
    struct call *c = call_of(r);
    return c->signed_in && org_covers(org, c->user.org, node);
}

enum err
api_then(struct req *r, enum where where, api_fn fn2)
{
    struct call *c = call_of(r);
    c->next = fn2;
    c->next_where = where;
    return OK;
}

void **
api_keep(struct req *r)
{
    return &call_of(r)->keep;
}

void
api_audit(struct req *r, struct span object, struct span matter)
{
    struct call *c = call_of(r);
    c->audit_object = arena_span(req_arena(r), object);
    c->audit_matter = arena_span(req_arena(r), matter);
}

void
api_looked(struct req *r)
{
    call_of(r)->looked = true;
}

bool
api_etag(struct req *r, struct span tag)
{
    char text[80];
    snprintf(text, sizeof text, "\"%.*s\"", SPAN_ARG(tag));
    req_set(r, "ETag", text);
    req_set(r, "Cache-Control", "private, no-cache");
    struct span list = req_header(r, "If-None-Match");
    while (list.n) {
        struct span one = span_trim(span_cut(&list, ','));
        if (span_starts(one, SPAN("W/")))
            one = span_skip(one, 2);
        if (span_eq_cstr(one, text)) {
            req_status(r, 304);
            return true;
        }
    }
    return false;
}

void
api_created(struct req *r)
{
    req_status(r, 201);
}

void
api_empty(struct req *r)
{
    req_status(r, 204);
}

void
api_list_open(struct req *r)
{
    buf_text(req_out(r), "{\"items\":[");
    call_of(r)->listed = false;
}

void
api_list_row(struct req *r)
{
    struct call *c = call_of(r);
    if (c->listed)
        buf_u8(req_out(r), ',');
    c->listed = true;
}

void
api_list_close(struct req *r, struct span next, ts_ms as_of_ms)
{
    struct buf *out = req_out(r);
    buf_text(out, "],\"next\":");
    if (next.n)
        buf_json(out, next);
    else
        buf_text(out, "null");
    buf_fmt(out, ",\"as_of_ms\":%lld}", (long long)as_of_ms);
}

void
api_texts(struct buf *out, const char *zh, const char *en)
{
    buf_text(out, "{\"zh\":");
    buf_json(out, span_cstr(zh));
    buf_text(out, ",\"en\":");
    buf_json(out, span_cstr(en));
    buf_u8(out, '}');
}
