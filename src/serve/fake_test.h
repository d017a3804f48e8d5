/* SPDX-License-Identifier: Apache-2.0 */
/* fake_test.h - a daemon small enough for a test: accounts, sessions, devices, events
 * and a store in memory, one thread as ledger and queries, one as work; and a client
 * over a real socket.
 *
 * Includes kit/kit.h comes before it.
 * Threads  fake.lock guards what the owner thread and the test both touch.
 */
#ifndef TQ_SERVE_FAKE_TEST_H
#define TQ_SERVE_FAKE_TEST_H

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mbox.h"
#include "core/os_clock.h"
#include "serve/api.h"
#include "serve/serve.h"
#include "serve/session.h"

#define PASSWORD "correct horse 9"
#define DEVICE_CODE "14010000001190000001"
#define DEVICE_KEY "key-of-the-test-device"
#define FAKE_USERS 16
#define FAKE_EVENTS 64

struct fake_event {
    uint64_t journal;
    const char *topic;
    char data[64];
};

struct fake {
    struct serve *serve;
    struct serve_needs needs;
    struct api_env env;
    struct mbox *boxes[2]; /* ledger and queries; work */
    pthread_t owners[2], nets[NETS];
    bool running[NETS];
    unsigned port[NETS];
    pthread_mutex_t lock;
    struct account users[FAKE_USERS];
    unsigned users_n;
    struct kept_session sessions[64];
    unsigned sessions_n;
    struct sender device;
    struct org_table *org;
    struct site_table *sites;
    struct fake_event events[FAKE_EVENTS];
    unsigned events_n;
    uint64_t lsn;
    unsigned facts, facts_refused, fixes, passes, online, offline;
    char last_fact[128];
    struct device_report report; /* of the last message */
    enum err append_answer;
    bool sick, full_box;
};

/* ---- needs ---- */

static inline enum err
fake_post(void *ctx, enum where where, struct job *job)
{
    struct fake *f = ctx;
    if (where == ON_NET) {
        serve_post(f->serve, NET_CONSOLE, job);
        return OK;
    }
    return f->full_box ? ERR_BUSY : mbox_send(f->boxes[where == ON_WORK], &job->msg);
}

static inline ts_ms
fake_now(void *ctx)
{
    (void)ctx;
    return os_now_ms();
}

static inline struct org_table *
fake_org(void *ctx)
{
    return org_table_ref(((struct fake *)ctx)->org);
}

static inline struct site_table *
fake_sites(void *ctx)
{
    return site_table_ref(((struct fake *)ctx)->sites);
}

struct fake_append {
    struct job job;
    struct fake *f;
    struct sighting_batch *b;
    struct http *home;
    struct job *done;
};

static inline void
fake_stored(struct job *job, struct api_env *env)
{
    (void)env;
    struct fake_append *a = (struct fake_append *)job;
    pthread_mutex_lock(&a->f->lock);
    a->f->passes += (unsigned)a->b->n;
    a->b->lsn = ++a->f->lsn;
    pthread_mutex_unlock(&a->f->lock);
    if (!a->b->fate)
        a->b->fate = arena_take(&a->b->arena, a->b->n);
    memset(a->b->fate, FATE_STORED, a->b->n);
    http_post(a->home, a->done);
    free(a);
}

static inline enum err
fake_append(void *ctx, struct sighting_batch *b, struct http *home, struct job *done)
{
    struct fake *f = ctx;
    if (f->append_answer)
        return f->append_answer;
    struct fake_append *a = calloc(1, sizeof *a);
    *a = (struct fake_append){{.run = fake_stored}, f, b, home, done};
    return mbox_send(f->boxes[0], &a->job.msg);
}

static inline struct site_id
fake_site_for(void *ctx, struct span tollgate, struct span device)
{
    (void)ctx, (void)tollgate, (void)device;
    return (struct site_id){1};
}

static inline bool
fake_by_code(void *ctx, struct span code, struct sender *out)
{
    struct fake *f = ctx;
    if (!span_eq_cstr(code, f->device.code))
        return false;
    *out = f->device;
    return true;
}

static inline bool
fake_by_key(void *ctx, const uint8_t hash[32], struct sender *out)
{
    struct fake *f = ctx;
    if (memcmp(hash, f->device.key_hash, 32) != 0)
        return false;
    *out = f->device;
    return true;
}

static inline void
fake_state(void *ctx, struct device_id id, bool online, ts_ms at)
{
    struct fake *f = ctx;
    (void)id, (void)at;
    if (online)
        f->online++;
    else
        f->offline++;
}

static inline void
fake_sent(void *ctx, struct device_id id, const struct device_report *report, ts_ms at)
{
    (void)id, (void)at;
    ((struct fake *)ctx)->report = *report;
    ((struct fake *)ctx)->report.faults = NULL;
}

static inline enum err
fake_fix(
    void *ctx, struct span code, struct user_id user, ts_ms at, e7 lon, e7 lat,
    int speed, int heading, struct note *note)
{
    (void)user, (void)at, (void)lon, (void)lat, (void)speed, (void)heading;
    if (span_eq_cstr(code, "nobody"))
        return note_set(note, ERR_NOTFOUND, "unit", "no such unit", "没有该警力单元");
    ((struct fake *)ctx)->fixes++;
    return OK;
}

/* The ledger's functions get the fake itself as their ledger. */
static inline enum err
fake_account_find(struct ledger *l, struct span login, struct account *out)
{
    struct fake *f = (struct fake *)(void *)l;
    for (unsigned i = 0; i < f->users_n; i++) {
        if (span_eq_cstr(login, f->users[i].user.login)) {
            *out = f->users[i];
            return OK;
        }
    }
    return ERR_NOTFOUND;
}

static inline enum err
fake_account_get(struct ledger *l, struct user_id id, struct account *out)
{
    struct fake *f = (struct fake *)(void *)l;
    if (id.v == 0 || id.v > f->users_n)
        return ERR_NOTFOUND;
    *out = f->users[id.v - 1];
    return OK;
}

static inline enum err
fake_tried(
    struct ledger *l, struct user_id id, uint32_t failures, ts_ms locked, ts_ms at)
{
    struct fake *f = (struct fake *)(void *)l;
    (void)at;
    f->users[id.v - 1].failures = failures;
    f->users[id.v - 1].locked_ms = locked;
    return OK;
}

static inline enum err
fake_password_set(
    struct ledger *l, struct user_id id, const char *verifier, bool must_change,
    ts_ms at, struct account *out)
{
    struct fake *f = (struct fake *)(void *)l;
    struct account *a = &f->users[id.v - 1];
    memcpy(a->verifier, verifier, sizeof a->verifier);
    a->user.must_change = must_change;
    a->user.password_ms = at;
    a->epoch++;
    *out = *a;
    return OK;
}

static inline enum err
fake_session_put(struct ledger *l, const struct kept_session *s)
{
    struct fake *f = (struct fake *)(void *)l;
    pthread_mutex_lock(&f->lock);
    if (f->sessions_n < 64)
        f->sessions[f->sessions_n++] = *s;
    pthread_mutex_unlock(&f->lock);
    return OK;
}

static inline enum err
fake_session_drop(struct ledger *l, const uint8_t hash[32])
{
    struct fake *f = (struct fake *)(void *)l;
    enum err e = ERR_NOTFOUND;
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->sessions_n; i++) {
        if (memcmp(f->sessions[i].hash, hash, 32) == 0) {
            f->sessions[i] = f->sessions[--f->sessions_n];
            e = OK;
            break;
        }
    }
    pthread_mutex_unlock(&f->lock);
    return e;
}

static inline enum err
fake_session_all(
    struct ledger *l,
    void (*each)(void *arg, const struct kept_session *s, const struct account *a),
    void *arg)
{
    struct fake *f = (struct fake *)(void *)l;
    for (unsigned i = 0; i < f->sessions_n; i++)
        each(arg, &f->sessions[i], &f->users[f->sessions[i].user.v - 1]);
    return OK;
}

static inline enum err
fake_events_since(
    void *ctx, struct ledger *l, uint64_t after, size_t max,
    void (*each)(void *arg, const struct event_out *e), void *arg, bool *more)
{
    struct fake *f = ctx;
    size_t n = 0;
    (void)l;
    for (unsigned i = 0; i < f->events_n && n < max; i++) {
        if (f->events[i].journal <= after)
            continue;
        struct event_out e = {
            .journal = f->events[i].journal,
            .topic = f->events[i].topic,
            .name = f->events[i].topic,
            .roles = ROLES_PEOPLE,
            .data = span_cstr(f->events[i].data)};
        each(arg, &e);
        n++;
    }
    *more = n == max;
    return OK;
}

static inline void
fake_audit(
    void *ctx, const struct audit_fact *fact, struct http *home, struct job *then)
{
    struct fake *f = ctx;
    pthread_mutex_lock(&f->lock);
    f->facts++;
    f->facts_refused += fact->outcome == OUTCOME_REFUSED;
    snprintf(
        f->last_fact, sizeof f->last_fact, "%.*s %.*s %.*s %d", SPAN_ARG(fact->what),
        SPAN_ARG(fact->login), SPAN_ARG(fact->object), fact->outcome);
    pthread_mutex_unlock(&f->lock);
    http_post(home, then);
}

static inline void
fake_health(void *ctx, struct health *out)
{
    *out = (struct health){.ok = !((struct fake *)ctx)->sick, .disk_free = 1000};
}

/* ---- life ---- */

struct fake_owner {
    struct fake *f;
    int box;
};

static inline void *
fake_owner_loop(void *arg)
{
    struct fake_owner *o = arg;
    struct api_env env = o->f->env;
    env.here = o->box ? ON_WORK : ON_LEDGER;
    struct msg *m;
    while ((m = mbox_take(o->f->boxes[o->box], -1))) {
        struct job *job = (struct job *)m;
        job->run(job, &env);
    }
    free(o);
    return NULL;
}

struct fake_net {
    struct serve *s;
    enum net net;
};

static inline void *
fake_net_loop(void *arg)
{
    struct fake_net *n = arg;
    serve_run(n->s, n->net);
    free(n);
    return NULL;
}

static inline void
fake_user(
    struct fake *f, const char *login, unsigned roles, uint32_t org, bool must_change)
{
    static char verifier[128];
    if (!verifier[0])
        assert_int_equal(password_verifier(SPAN(PASSWORD), verifier), OK);
    struct account *a = &f->users[f->users_n++];
    *a = (struct account){.epoch = 1};
    a->user.id.v = f->users_n;
    a->user.roles = roles;
    a->user.org.v = org;
    a->user.must_change = must_change;
    snprintf(a->user.login, sizeof a->user.login, "%s", login);
    snprintf(a->user.name, sizeof a->user.name, "人员%u", f->users_n);
    memcpy(a->verifier, verifier, sizeof verifier);
}

static inline void
fake_places(struct fake *f)
{
    f->org = org_table_new(4);
    f->sites = site_table_new(4);
    struct org root = {.id = {1}, .kind = ORG_CITY}, squad = {.id = {2}, .parent = {1}};
    struct org other = {.id = {3}, .parent = {1}};
    snprintf(root.code, sizeof root.code, "1");
    snprintf(squad.code, sizeof squad.code, "2");
    snprintf(other.code, sizeof other.code, "3");
    snprintf(root.name, sizeof root.name, "支队");
    org_table_put(f->org, &root);
    org_table_put(f->org, &squad);
    org_table_put(f->org, &other);
    struct site site = {.id = {1}};
    snprintf(site.code, sizeof site.code, "140100000012");
    site_table_put(f->sites, &site);
}

static inline void
fake_start(struct fake *f, const struct serve_conf *conf, bool ingest)
{
    struct note note = {0};
    pthread_mutex_init(&f->lock, NULL);
    fake_places(f);
    f->device.id.v = 1;
    snprintf(f->device.code, sizeof f->device.code, DEVICE_CODE);
    session_hash(SPAN(DEVICE_KEY), f->device.key_hash);
    for (const struct role_row *row = role_rows(); row->role; row++)
        if (row->role != ROLE_DEVICE)
            fake_user(f, row->name, row->role, row->role == ROLE_SQUAD ? 2 : 1, false);
    fake_user(f, "fresh", ROLE_DUTY, 1, true);
    f->needs = (struct serve_needs){
        .ctx = f,
        .post = fake_post,
        .now = fake_now,
        .sites = fake_sites,
        .org = fake_org,
        .append = fake_append,
        .site_for = fake_site_for,
        .device_by_code = fake_by_code,
        .device_by_key = fake_by_key,
        .device_state = fake_state,
        .device_sent = fake_sent,
        .fix = fake_fix,
        .account_find = fake_account_find,
        .account_get = fake_account_get,
        .account_tried = fake_tried,
        .password_set = fake_password_set,
        .session_put = fake_session_put,
        .session_drop = fake_session_drop,
        .session_all = fake_session_all,
        .events_since = fake_events_since,
        .audit = fake_audit,
        .health = fake_health};
    struct serve_conf c = conf ? *conf : (struct serve_conf){0};
    kit_ok(zone_parse(SPAN("Asia/Shanghai"), &c.zone, &note), &note);
    kit_ok(serve_new(&c, &f->needs, &f->serve, &note), &note);
    f->env = (struct api_env){.serve = f->serve, .needs = &f->needs};
    f->env.ledger = (struct ledger *)(void *)f;
    for (int i = 0; i < 2; i++) {
        struct fake_owner *o = calloc(1, sizeof *o);
        *o = (struct fake_owner){f, i};
        f->boxes[i] = mbox_new("fake", 1024, NULL, NULL);
        pthread_create(&f->owners[i], NULL, fake_owner_loop, o);
    }
    for (int net = 0; net < (ingest ? 2 : 1); net++) {
        char url[HTTP_URL];
        kit_ok(
            serve_listen(f->serve, (enum net)net, SPAN("127.0.0.1:0"), NULL, &note),
            &note);
        assert_true(serve_url(f->serve, (enum net)net, 0, url));
        f->port[net] = (unsigned)strtoul(strrchr(url, ':') + 1, NULL, 10);
    }
    for (int net = 0; net < NETS; net++) {
        struct fake_net *n = calloc(1, sizeof *n);
        *n = (struct fake_net){f->serve, (enum net)net};
        pthread_create(&f->nets[net], NULL, fake_net_loop, n);
    }
}

static inline void
fake_stop(struct fake *f)
{
    serve_stop(f->serve);
    for (int net = 0; net < NETS; net++)
        pthread_join(f->nets[net], NULL);
    for (int i = 0; i < 2; i++) {
        mbox_close(f->boxes[i]);
        pthread_join(f->owners[i], NULL);
    }
    serve_free(f->serve);
    for (int i = 0; i < 2; i++)
        mbox_free(f->boxes[i], NULL);
    org_table_unref(f->org);
    site_table_unref(f->sites);
    pthread_mutex_destroy(&f->lock);
}

/* ---- a client ---- */

struct talk {
    struct fake *f;
    enum net net;
    char cookie[128], csrf[64];
    const char *extra; /* further header lines, each ended by CRLF */
    const char *type;  /* of the body; NULL = application/json */
    int status;
    char text[262144]; /* the whole reply */
    char *body;
};

static inline int
talk_dial(const struct talk *t)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)t->f->port[t->net])};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval tv = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static inline int
talk_say(struct talk *t, const char *method, const char *path, const char *body)
{
    char head[4096];
    int fd = talk_dial(t);
    int n = snprintf(
        head, sizeof head,
        "%s %s HTTP/1.1\r\nHost: console.test\r\nConnection: close\r\n%s%s%s%s%s%s%s",
        method, path, t->cookie[0] ? "Cookie: tongqu_session=" : "", t->cookie,
        t->cookie[0] ? "\r\n" : "", t->csrf[0] ? "X-CSRF-Token: " : "", t->csrf,
        t->csrf[0] ? "\r\n" : "", t->extra ? t->extra : "");
    if (body)
        n += snprintf(
            head + n, sizeof head - (size_t)n,
            "Content-Type: %s\r\nContent-Length: %zu\r\n",
            t->type ? t->type : "application/json", strlen(body));
    n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    send(fd, head, (size_t)n, MSG_NOSIGNAL);
    if (body)
        send(fd, body, strlen(body), MSG_NOSIGNAL);
    return fd;
}

/* One request and its whole reply; returns the status. */
static inline int
talk(struct talk *t, const char *method, const char *path, const char *body)
{
    int fd = talk_say(t, method, path, body);
    size_t n = 0;
    ssize_t got;
    while ((got = recv(fd, t->text + n, sizeof t->text - 1 - n, 0)) > 0)
        n += (size_t)got;
    t->text[n] = 0;
    close(fd);
    t->status = n > 12 ? (int)strtol(t->text + 9, NULL, 10) : 0;
    t->body = strstr(t->text, "\r\n\r\n");
    t->body = t->body ? t->body + 4 : t->text + n;
    return t->status;
}

static inline bool
talk_has(const struct talk *t, const char *part)
{
    return strstr(t->text, part) != NULL;
}

/* The error code of the reply must be this. */
#define talk_refused(t, want_status, want_code)                                        \
    do {                                                                               \
        if ((t)->status != (want_status) ||                                            \
            !strstr((t)->body, "{\"error\":{\"code\":\"" want_code "\""))              \
            print_message("reply: %s\n", (t)->text);                                   \
        assert_int_equal((t)->status, (want_status));                                  \
        assert_non_null(strstr((t)->body, "{\"error\":{\"code\":\"" want_code "\""));  \
    } while (0)

static inline void
talk_keep(struct talk *t)
{
    char *cookie = strstr(t->text, "Set-Cookie: tongqu_session=");
    char *csrf = strstr(t->body, "\"csrf\":\"");
    assert_non_null(cookie);
    assert_non_null(csrf);
    snprintf(t->cookie, sizeof t->cookie, "%.64s", cookie + 27);
    snprintf(t->csrf, sizeof t->csrf, "%.32s", csrf + 8);
}

static inline int
talk_sign_in(struct talk *t, const char *login, const char *password)
{
    char body[256];
    snprintf(
        body, sizeof body, "{\"user\":\"%s\",\"password\":\"%s\"}", login, password);
    t->cookie[0] = t->csrf[0] = 0;
    if (talk(t, "POST", "/api/v1/session", body) == 200)
        talk_keep(t);
    return t->status;
}

#endif
