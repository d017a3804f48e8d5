/* SPDX-License-Identifier: Apache-2.0 */
/* Fan-out. An event is made into bytes once; clients share them by count. A client is
 * LIVE (every event it may see is pushed) or RESUMING (its past is being read from the
 * ledger; what happens meanwhile lies in the ring and follows). */
#include "serve/events.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "core/counter.h"
#include "core/version.h"
#include "serve/call.h"

#define POSTS_MAX 20000u /* events on their way to the loop */
/* A client with more unsent than this misses a lossy one. */
#define LOSSY_WAITING (64u << 10)

static const char *const topics[] = {"alarm", "matter", "unit",
                                     "site",  "system", "map"};
#define TOPICS (sizeof topics / sizeof topics[0])
#define TOPICS_ALL ((1u << TOPICS) - 1)

struct event { /* in the ring, or read from the ledger */
    uint64_t journal;
    unsigned topic; /* bit */
    unsigned roles;
    struct org_id org;
    struct user_id user;
    struct unit_id unit;
    struct chunk *chunk;
};

struct client {
    TAILQ_ENTRY(client) link;
    struct events *e;
    struct stream *stream; /* NULL when it has gone */
    struct events_client who;
    bool resuming;
};
TAILQ_HEAD(client_list, client);

struct events {
    struct serve *serve;
    struct client_list clients;
    size_t clients_n;
    struct event ring[EVENTS_RING];
    size_t ring_n, ring_at;     /* ring_at: where the next one goes */
    uint64_t floor;             /* every event above it is in the ring */
    uint64_t journal;           /* newest seen */
    atomic_uint_fast32_t posts; /* any thread */
    atomic_bool lost;           /* any thread: numbered events were dropped */
};

struct events *
events_new(struct serve *s, uint64_t journal)
{
    struct events *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->serve = s;
    e->floor = e->journal = journal;
    TAILQ_INIT(&e->clients);
    return e;
}

static void
ring_clear(struct events *e)
{
    for (size_t i = 0; i < EVENTS_RING; i++)
        chunk_unref(e->ring[i].chunk);
    memset(e->ring, 0, sizeof e->ring);
    e->ring_n = e->ring_at = 0;
    e->floor = e->journal;
}

void
events_free(struct events *e)
{
    if (!e)
        return;
    must(TAILQ_EMPTY(&e->clients));
    ring_clear(e);
    free(e);
}

size_t
events_count(const struct events *e)
{
    return e->clients_n;
}

uint64_t
events_journal(const struct events *e)
{
    return e->journal;
}

unsigned
events_topics(struct span names)
{
    unsigned bits = 0;
    while (names.n) {
        struct span one = span_cut(&names, ',');
        unsigned bit = 0;
        for (unsigned i = 0; i < TOPICS; i++)
            if (span_eq_cstr(one, topics[i]))
                bit = 1u << i;
        if (!bit)
            return 0;
        bits |= bit;
    }
    return bits;
}

static struct chunk *
make_chunk(uint64_t journal, const char *name, struct span data)
{
    struct buf b = {0};
    if (journal)
        buf_fmt(&b, "id: %llu\n", (unsigned long long)journal);
    buf_fmt(&b, "event: %s\ndata: ", name);
    buf_put(&b, data.p, data.n);
    buf_text(&b, "\n\n");
    struct chunk *c = b.bad ? NULL : chunk_new(b.p, b.n);
    buf_release(&b);
    return c;
}

static void
push_text(struct client *c, uint64_t journal, const char *name, const char *data)
{
    struct chunk *chunk = make_chunk(journal, name, span_cstr(data));
    if (chunk)
        stream_push(c->stream, chunk);
    chunk_unref(chunk);
}

static bool
may_see(const struct client *c, const struct event *ev, const struct org_table *orgs)
{
    if (!(c->who.topics & ev->topic) || !(c->who.roles & ev->roles))
        return false;
    if (ev->user.v && ev->user.v != c->who.user.v)
        return false;
    if (ev->unit.v && ev->unit.v == c->who.unit.v)
        return true;
    return !ev->org.v || (orgs && org_covers(orgs, c->who.org, ev->org));
}

/* ---- clients ---- */

static void
client_free(struct client *c)
{
    if (!c->stream && !c->resuming)
        free(c);
}

static void
on_closed(void *ctx)
{
    struct client *c = ctx;
    TAILQ_REMOVE(&c->e->clients, c, link);
    c->e->clients_n--;
    c->stream = NULL;
    counter_set(CTR_sse_clients, c->e->clients_n);
    client_free(c); /* a resuming one waits for its job */
}

static void
push_event(struct client *c, const struct event *ev)
{
    bool lossy = ev->journal == 0;
    if (lossy && stream_waiting(c->stream) > LOSSY_WAITING)
        return;
    if (!stream_push(c->stream, ev->chunk))
        counter_add(CTR_sse_dropped, 1);
}

/* From the ring: everything above `after`, oldest first. */
static void
push_ring(struct client *c, uint64_t after)
{
    const struct serve_needs *n = c->e->serve->needs;
    struct org_table *orgs = n->org(n->ctx);
    size_t first = (c->e->ring_at + EVENTS_RING - c->e->ring_n) % EVENTS_RING;
    for (size_t i = 0; i < c->e->ring_n; i++) {
        const struct event *ev = &c->e->ring[(first + i) % EVENTS_RING];
        if (ev->journal > after && may_see(c, ev, orgs))
            push_event(c, ev);
    }
    if (orgs)
        org_table_unref(orgs);
}

/* ---- resuming from the ledger ---- */

struct fetch {
    struct job job;
    struct client *client;
    uint64_t after, last;
    struct event *events;
    size_t n, room, bytes;
    bool more;
    enum err err;
};

static void
fetch_free(struct fetch *f)
{
    for (size_t i = 0; i < f->n; i++)
        chunk_unref(f->events[i].chunk);
    free(f->events);
    free(f);
}

static unsigned
topic_bit(const char *topic)
{
    return events_topics(span_cstr(topic));
}

static void
fetch_each(void *arg, const struct event_out *e)
{
    struct fetch *f = arg;
    if (f->n == f->room) {
        size_t room = f->room ? f->room * 2 : 64;
        struct event *p = realloc(f->events, room * sizeof *p);
        if (!p) {
            f->err = ERR_NOMEM;
            return;
        }
        f->events = p;
        f->room = room;
    }
    struct event ev = {
        .journal = e->journal,
        .topic = topic_bit(e->topic),
        .roles = e->roles,
        .org = e->org,
        .user = e->user,
        .unit = e->unit,
        .chunk = make_chunk(e->journal, e->name, e->data),
    };
    if (!ev.chunk) {
        f->err = ERR_NOMEM;
        return;
    }
    f->bytes += ev.chunk->n;
    if (e->journal > f->last)
        f->last = e->journal;
    f->events[f->n++] = ev;
}

/* On the loop: what was read, then the ring. */
static void
fetch_home(struct job *job, struct api_env *env)
{
    (void)env;
    struct fetch *f = (struct fetch *)job;
    struct client *c = f->client;
    struct events *e = c->e;
    c->resuming = false;
    if (!c->stream) {
        client_free(c);
        fetch_free(f);
        return;
    }
    bool whole = !f->err && !job->failed && !f->more && f->bytes < EVENTS_OUT_MAX / 2;
    if (!whole || e->floor > f->last) {
        push_text(c, e->journal, "reset", "{}");
        fetch_free(f);
        return;
    }
    const struct serve_needs *n = e->serve->needs;
    struct org_table *orgs = n->org(n->ctx);
    for (size_t i = 0; i < f->n; i++)
        if (may_see(c, &f->events[i], orgs))
            push_event(c, &f->events[i]);
    if (orgs)
        org_table_unref(orgs);
    push_ring(c, f->last);
    fetch_free(f);
}

static void
fetch_run(struct job *job, struct api_env *env)
{
    struct fetch *f = (struct fetch *)job;
    struct http *h = f->client->e->serve->http[NET_CONSOLE];
    enum err e = env->needs->events_since(
        env->needs->ctx, env->ledger, f->after, EVENTS_RESUME, fetch_each, f, &f->more);
    f->err = f->err ? f->err : e;
    job->run = fetch_home;
    if (env->home)
        env->home(env, h, job, true);
    else
        http_post(h, job);
}

static void
resume(struct client *c)
{
    struct events *e = c->e;
    uint64_t after = c->who.after;
    if (after == e->journal)
        return;
    if (after > e->journal) { /* of another data directory, or one restored to an
                                 earlier state */
        push_text(c, e->journal, "reset", "{}");
        return;
    }
    if (after >= e->floor) {
        push_ring(c, after);
        return;
    }
    struct fetch *f = calloc(1, sizeof *f);
    if (f) {
        *f = (struct fetch){
            .job = {.run = fetch_run}, .client = c, .after = after, .last = after};
        /* Numbers up to the floor that nobody may see leave no rows: they count as
         * read. */
        f->last = e->floor;
        const struct serve_needs *n = e->serve->needs;
        if (n->post(n->ctx, ON_LEDGER, &f->job) == OK) {
            c->resuming = true;
            return;
        }
        free(f);
    }
    push_text(c, e->journal, "reset", "{}");
}

enum err
events_attach(struct events *e, struct req *r, const struct events_client *who)
{
    if (e->clients_n >= EVENTS_CLIENTS)
        return req_refuse(
            r, REFUSE_BUSY, NULL, "too many consoles follow the stream",
            "事件流连接数已满");
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    *c = (struct client){.e = e, .who = *who};
    if (!c->who.topics)
        c->who.topics = TOPICS_ALL;
    ts_ms now = req_at(r);
    req_set(r, "Content-Type", "text/event-stream; charset=utf-8");
    req_set(r, "Cache-Control", "no-store");
    req_set(r, "X-Accel-Buffering", "no");
    TAILQ_INSERT_TAIL(&e->clients, c, link);
    e->clients_n++;
    counter_set(CTR_sse_clients, e->clients_n);
    c->stream = req_stream(r, EVENTS_OUT_MAX, on_closed, c);
    if (!c->stream) {
        on_closed(c);
        return OK; /* the request is gone already */
    }
    struct chunk *first = chunk_new("retry: 2000\n\n", 13);
    if (first)
        stream_push(c->stream, first);
    chunk_unref(first);
    char hello[128];
    snprintf(
        hello, sizeof hello, "{\"journal\":%llu,\"now_ms\":%lld,\"version\":\"%s\"}",
        (unsigned long long)e->journal, (long long)now, TQ_VERSION);
    push_text(c, 0, "hello", hello);
    if (c->who.resume)
        resume(c);
    return OK;
}

/* ---- publishing ---- */

static void
ring_put(struct events *e, const struct event *ev)
{
    struct event *at = &e->ring[e->ring_at];
    if (e->ring_n == EVENTS_RING) {
        e->floor = at->journal;
        chunk_unref(at->chunk);
    } else {
        e->ring_n++;
    }
    *at = *ev;
    at->chunk->refs++;
    e->ring_at = (e->ring_at + 1) % EVENTS_RING;
}

static void
fan_out(struct events *e, const struct event *ev)
{
    const struct serve_needs *n = e->serve->needs;
    struct org_table *orgs = n->org(n->ctx);
    struct client *c;
    TAILQ_FOREACH(c, &e->clients, link)
    if (!c->resuming && may_see(c, ev, orgs))
        push_event(c, ev);
    if (orgs)
        org_table_unref(orgs);
}

static void
reset_all(struct events *e)
{
    ring_clear(e);
    struct client *c;
    TAILQ_FOREACH(c, &e->clients, link)
    if (!c->resuming)
        push_text(c, e->journal, "reset", "{}");
}

struct post {
    struct job job;
    struct events *e;
    struct event ev;
    char name[16];
    size_t n;
    char data[];
};

static void
post_run(struct job *job, struct api_env *env)
{
    (void)env;
    struct post *p = (struct post *)job;
    struct events *e = p->e;
    atomic_fetch_sub(&e->posts, 1);
    if (p->ev.journal > e->journal)
        e->journal = p->ev.journal;
    if (atomic_exchange(&e->lost, false))
        reset_all(e);
    p->ev.chunk = make_chunk(p->ev.journal, p->name, span_of(p->data, p->n));
    if (p->ev.chunk) {
        if (p->ev.journal)
            ring_put(e, &p->ev);
        fan_out(e, &p->ev);
        chunk_unref(p->ev.chunk);
    }
    free(p);
}

void
events_post(struct events *e, const struct event_out *ev)
{
    unsigned topic = topic_bit(ev->topic);
    must(topic && ev->roles && strlen(ev->name) < sizeof((struct post *)0)->name);
    bool full = atomic_load(&e->posts) >= POSTS_MAX;
    struct post *p = full ? NULL : malloc(sizeof *p + ev->data.n);
    if (!p) {
        if (ev->journal)
            atomic_store(&e->lost, true);
        return;
    }
    *p = (struct post){.job = {.run = post_run}, .e = e, .n = ev->data.n};
    p->ev = (struct event){
        .journal = ev->journal,
        .topic = topic,
        .roles = ev->roles,
        .org = ev->org,
        .user = ev->user,
        .unit = ev->unit,
    };
    (void)span_copy(p->name, sizeof p->name, span_cstr(ev->name));
    memcpy(p->data, ev->data.p, ev->data.n);
    atomic_fetch_add(&e->posts, 1);
    http_post(e->serve->http[NET_CONSOLE], &p->job);
}

/* ---- ends ---- */

static void
say_bye(struct client *c, const char *reason)
{
    char data[64];
    snprintf(data, sizeof data, "{\"reason\":\"%s\"}", reason);
    push_text(c, 0, "bye", data);
    stream_end(c->stream);
}

void
events_end_session(struct events *e, const uint8_t hash[32], const char *reason)
{
    struct client *c;
    TAILQ_FOREACH(c, &e->clients, link)
    if (memcmp(c->who.session, hash, 32) == 0)
        say_bye(c, reason);
}

void
events_end_all(struct events *e, const char *reason)
{
    struct client *c;
    TAILQ_FOREACH(c, &e->clients, link)
    say_bye(c, reason);
}

void
events_beat(struct events *e)
{
    /* A browser shows its page no comments: an event tells it that the line lives, and
     * what time it is. */
    const struct serve_needs *n = e->serve->needs;
    char now[32];
    snprintf(now, sizeof now, "{\"now_ms\":%lld}", (long long)n->now(n->ctx));
    struct chunk *beat = make_chunk(0, "beat", span_cstr(now));
    struct client *c;
    TAILQ_FOREACH(c, &e->clients, link)
    if (beat)
        stream_push(c->stream, beat);
    chunk_unref(beat);
}
