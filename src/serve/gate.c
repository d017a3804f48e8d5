/* SPDX-License-Identifier: Apache-2.0 */
/* From a device's message to its answer. The body is decoded on the loop (about half a
 * microsecond a pass), the batch goes to the store, and the answer is written when it
 * comes home durable. A body that is huge, or large and no plain JSON, may take a fifth
 * of a second: it is decoded on a work thread, and no other camera waits for it. */
#include "serve/gate.h"

#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#include "core/counter.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/os_clock.h"
#include "feeds/digest.h"
#include "feeds/feed.h"
#include "serve/call.h"

/* Decoded pictures lie in the batch; this holds ids and objects. */
#define INTAKE_ARENA (24u << 20)
#define IDLE_INTAKES 32u
#define BEAT_MS 90000
#define BEATS_MISSED 3
#define DEBT_US 1000000
#define LARGE_BODY (64u << 10)
#define HUGE_BODY (1u << 20)
#define SLOW_READS 4u /* bodies of a loop that are on work threads at once */
#define TELL_FAULT_US (24 * 3600 * INT64_C(1000000)) /* a fault is logged so often */
#define TELL_US 10000000 /* a device that is there is told so this often */
#define DEVICES_FIRST 1024u
#define CODE_MAX 32u

struct told {                   /* what stands in the log of a sender's faults */
    dur_us at_us[FAULT_COUNT];  /* 0: never */
    uint64_t held[FAULT_COUNT]; /* since then */
};

struct device_row { /* a device heard of since start */
    char code[CODE_MAX];
    char peer[64]; /* registered from there; "" = not registered */
    struct device_id id;
    dur_us last_us; /* monotonic: a jump of our clock sends no device offline */
    dur_us free_us; /* when its broken bodies will have been worked off */
    bool online;
    struct told *told; /* NULL: it sent nothing wrong */
};

struct reader { /* a thread's decoder */
    struct feed_needs needs;
    struct feeds *feeds;
    struct site_table *sites; /* during one decode */
};

struct intake { /* one message under way */
    struct job job;
    struct intake *next; /* idle list */
    struct gate *g;
    struct req *r;
    const struct feed *row;
    struct feed_in in;
    struct feed_out out;
    struct arena arena;
    char code[CODE_MAX];
    const struct sender *who; /* lives with r */
    dur_us cost;              /* of decoding it */
    enum err read;            /* what a work thread made of it */
    void (*done)(struct req *r, enum err e);
};

struct gate {
    struct serve *serve;
    enum net net;
    struct reader reader; /* the loop's */
    unsigned slow;        /* bodies on work threads */
    struct digest *digest;
    struct device_row *devices; /* open addressing by code */
    uint32_t devices_n, devices_room;
    dur_us others_free_us; /* of senders on this machine that nobody registered */
    struct told others_told;
    struct intake *idle;
    unsigned idle_n;
};

/* ---- devices ---- */

static struct device_row *
device_slot(struct device_row *rows, uint32_t room, struct span code)
{
    uint64_t h = hash_span(code, 0);
    for (uint32_t i = 0; i < room; i++) {
        struct device_row *d = &rows[(h + i) & (room - 1)];
        if (!d->code[0] || span_eq_cstr(code, d->code))
            return d;
    }
    must(false); /* half of them are kept free */
    return NULL;
}

static bool
devices_grow(struct gate *g)
{
    uint32_t room = g->devices_room ? g->devices_room * 2 : DEVICES_FIRST;
    struct device_row *rows = calloc(room, sizeof *rows);
    if (!rows)
        return false;
    for (uint32_t i = 0; i < g->devices_room; i++)
        if (g->devices[i].code[0])
            *device_slot(rows, room, span_cstr(g->devices[i].code)) = g->devices[i];
    free(g->devices);
    g->devices = rows;
    g->devices_room = room;
    return true;
}

/* Only devices that the ledger knows get a row: strangers cannot fill the table. */
static struct device_row *
device_of(struct gate *g, struct span code, bool make)
{
    if (code.n == 0 || code.n >= CODE_MAX)
        return NULL;
    if (make && (g->devices_n + 1) * 2 > g->devices_room && !devices_grow(g))
        return NULL;
    if (!g->devices_room)
        return NULL;
    struct device_row *d = device_slot(g->devices, g->devices_room, code);
    if (d->code[0] || !make)
        return d->code[0] ? d : NULL;
    (void)span_copy(d->code, sizeof d->code, code);
    g->devices_n++;
    return d;
}

static void
device_alive(struct gate *g, const struct sender *who, ts_ms now)
{
    struct device_row *d = who->id.v ? device_of(g, span_cstr(who->code), true) : NULL;
    if (!d)
        return;
    d->id = who->id;
    dur_us mono = os_mono_us();
    bool tell = !d->online || mono - d->last_us > TELL_US;
    if (!d->online)
        log_event(EV_device_online, log_w("code", d->code));
    d->online = true;
    if (!tell)
        return;
    d->last_us = mono;
    g->serve->needs->device_state(g->serve->needs->ctx, d->id, true, now);
}

static void
device_gone(struct gate *g, struct device_row *d, ts_ms now)
{
    if (d->online) {
        log_event(EV_device_offline, log_w("code", d->code));
        g->serve->needs->device_state(g->serve->needs->ctx, d->id, false, now);
    }
    d->online = false;
    d->peer[0] = 0; /* it has to register again */
}

void
gate_sweep(struct gate *g)
{
    dur_us mono = os_mono_us();
    for (uint32_t i = 0; i < g->devices_room; i++) {
        struct device_row *d = &g->devices[i];
        if (d->online && mono - d->last_us > (dur_us)BEAT_MS * 1000 * BEATS_MISSED)
            device_gone(g, d, g->serve->needs->now(g->serve->needs->ctx));
    }
}

/* ---- who may speak ---- */

bool
gate_is_path(struct span path)
{
    const struct feed *row = api_is_path(path) ? NULL : feed_find(path);
    return row && row->transport == FEED_HTTP;
}

static bool
is_here(const struct gate *g, const struct req *r)
{
    struct span peer = req_peer(r);
    return !g->serve->conf.strict_devices &&
           (span_starts(peer, SPAN("127.")) || span_eq_cstr(peer, "::1"));
}

/* The body of 401 in the standard's form. */
static void
challenge(struct gate *g, struct req *r, bool stale)
{
    char value[DIGEST_CHALLENGE], local[TS_TEXT];
    digest_challenge(g->digest, DIGEST_MD5, stale, req_at(r), value);
    req_set(r, "WWW-Authenticate", value);
    req_set(r, "Content-Type", "application/VIID+JSON;charset=UTF-8");
    req_status(r, 401);
    ts_format_viid(local, req_at(r), &g->serve->conf.zone, false);
    struct buf *out = req_out(r);
    buf_clear(out);
    buf_text(out, "{\"ResponseStatusObject\":{\"RequestURL\":");
    buf_json(out, req_path(r));
    buf_fmt(
        out, ",\"StatusCode\":4,\"StatusString\":\"请先注册\",\"LocalTime\":\"%s\"}}",
        local);
}

static bool
is_register(const struct req *r)
{
    static const char tail[] = "/system/register";
    struct span path = req_path(r);
    size_t n = sizeof tail - 1;
    return path.n >= n && strncasecmp(path.p + path.n - n, tail, n) == 0;
}

/* The device that a message is from: registered from this address, or a sender on this
 * machine. */
static bool
find_sender(struct gate *g, const struct req *r, struct sender *who)
{
    const struct serve_needs *n = g->serve->needs;
    struct span code = req_header(r, "User-Identify");
    *who = (struct sender){0};
    bool known = code.n && n->device_by_code(n->ctx, code, who);
    if (known && who->disabled)
        return false;
    if (!known)
        (void)span_copy(who->code, sizeof who->code, code);
    if (is_here(g, r))
        return true;
    const struct device_row *d = known ? device_of(g, code, false) : NULL;
    return d && d->peer[0] && span_eq(req_peer(r), span_cstr(d->peer));
}

enum err
gate_head(struct gate *g, struct req *r, size_t *cap)
{
    const struct feed *row = feed_find(req_path(r));
    struct sender *who = ARENA_NEW(req_arena(r), struct sender);
    if (!who)
        return ERR_NOMEM;
    *req_slot(r) = who;
    *cap = *cap < row->body_max ? *cap : row->body_max;
    if (is_register(r)) {
        *cap = 64u << 10;
        return OK;
    }
    if (find_sender(g, r, who))
        return OK;
    challenge(g, r, false);
    return ERR_AUTH;
}

/* ---- one message ---- */

static bool
find_site(void *ctx, struct span code, struct feed_site *out)
{
    const struct reader *rd = ctx;
    struct site_id id = rd->sites ? site_find(rd->sites, code) : (struct site_id){0};
    const struct site *site = id.v ? site_get(rd->sites, id) : NULL;
    if (!site)
        return false;
    *out = (struct feed_site){
        id, site->color_map[0] ? color_map_find(span_cstr(site->color_map)) : NULL};
    return true;
}

static uint64_t
sites_version(void *ctx)
{
    const struct reader *rd = ctx;
    return rd->sites ? rd->sites->version : 0;
}

static bool
reader_init(struct reader *rd)
{
    *rd = (struct reader){.needs = {rd, find_site, sites_version}};
    rd->feeds = feeds_new(&rd->needs);
    return rd->feeds != NULL;
}

/* What the message says, and what it cost to find out. */
static enum err
reader_decode(struct reader *rd, struct intake *k)
{
    const struct serve_needs *n = k->g->serve->needs;
    dur_us began = os_mono_us();
    feed_out_init(&k->out, &k->arena);
    rd->sites = n->sites(n->ctx);
    enum err e = feed_decode(rd->feeds, k->row, &k->in, &k->out);
    if (rd->sites)
        site_table_unref(rd->sites);
    rd->sites = NULL;
    k->cost = os_mono_us() - began;
    return e;
}

static struct intake *
intake_new(struct gate *g)
{
    struct intake *k = g->idle;
    if (k) {
        g->idle = k->next;
        g->idle_n--;
        return k;
    }
    k = calloc(1, sizeof *k);
    if (k)
        arena_init(&k->arena, INTAKE_ARENA);
    return k;
}

static void
intake_free(struct intake *k)
{
    struct gate *g = k->g;
    feed_out_release(&k->out);
    arena_reset(&k->arena);
    if (g->idle_n >= IDLE_INTAKES) {
        arena_release(&k->arena);
        free(k);
        return;
    }
    k->next = g->idle;
    g->idle = k;
    g->idle_n++;
}

static void
count_row(struct device_report *r, const struct sighting *s, enum sighting_fate fate)
{
    switch (fate) {
    case FATE_STORED:
        r->stored++;
        r->late += s->arrive_ms - s->pass_ms > REPORT_LATE_MS;
        r->unread += !plate_is_exact(s->plate);
        break;
    case FATE_DUPLICATE:
        r->duplicates++;
        break;
    case FATE_CONFLICT:
        r->conflicts++;
        break;
    case FATE_FUTURE:
        r->future++;
        break;
    case FATE_EXPIRED:
        r->expired++;
        break;
    case FATE_REFUSED:
        break; /* ours: the disk is full, it comes again */
    }
}

/* Rows of the batch by their fate; objects that became no row were refused. */
static void
count_sent(const struct intake *k, struct device_report *r)
{
    const struct sighting_batch *b = k->out.batch;
    r->objects = k->out.objects_n;
    for (size_t i = 0; i < k->out.objects_n; i++)
        r->refused += k->out.objects[i].fault != 0;
    for (size_t i = 0; b && b->fate && i < b->n; i++)
        count_row(r, &b->rows[i], (enum sighting_fate)b->fate[i]);
}

static struct told *
told_of(struct gate *g, const struct intake *k)
{
    struct device_row *d =
        k->in.device.v ? device_of(g, span_cstr(k->code), true) : NULL;
    if (!d)
        return &g->others_told;
    if (!d->told)
        d->told = calloc(1, sizeof *d->told);
    return d->told;
}

/* The first fault of a kind is logged, the rest of the day's are counted: by device on
 * the page of data quality, in all in /metrics. */
static void
tell_fault(struct gate *g, const struct intake *k, enum feed_fault f, uint32_t count)
{
    struct told *t = told_of(g, k);
    dur_us now = os_mono_us();
    if (!t)
        return;
    t->held[f] += count;
    if (t->at_us[f] && now - t->at_us[f] < TELL_FAULT_US)
        return;
    log_event(
        EV_device_fault, log_n("device", (int64_t)k->in.device.v),
        log_w("kind", feed_fault_row(f)->name), log_n("n", (int64_t)t->held[f]),
        log_w("sample", k->out.faults.sample[f]));
    t->at_us[f] = now;
    t->held[f] = 0;
}

static void
tell_sent(struct gate *g, const struct intake *k)
{
    const struct feed_faults *f = &k->out.faults;
    const struct serve_needs *n = g->serve->needs;
    struct device_report report = {.faults = f};
    uint64_t all = 0;
    for (int i = 0; f->seen && i < FAULT_COUNT; i++) {
        uint32_t count = feed_fault_count(f, (enum feed_fault)i);
        if (!count)
            continue;
        all += count;
        tell_fault(g, k, (enum feed_fault)i, count);
    }
    if (all)
        counter_add(CTR_ingest_faults, all);
    if (!k->in.device.v || (!all && !k->out.objects_n))
        return;
    count_sent(k, &report);
    n->device_sent(n->ctx, k->in.device, &report, req_at(k->r));
}

/* Writes the answer and lets the request go on its way. */
static void
answer(struct intake *k, enum err e)
{
    struct gate *g = k->g;
    struct req *r = k->r;
    struct feed_reply head = {.status = 200};
    struct feed_about about = {
        .now_ms = req_at(r),
        .zone = &g->serve->conf.zone,
        .server_id = span_cstr(g->serve->conf.server_id),
        .english = req_english(r),
    };
    if (e == OK) {
        k->row->reply(&k->in, &k->out, &about, req_out(r), &head);
        req_status(r, head.status);
        if (head.type)
            req_set(r, "Content-Type", head.type);
        if (head.retry)
            req_set(r, "Retry-After", k->job.failed == ERR_FULL ? REQ_RETRY_FULL : "1");
    }
    tell_sent(g, k);
    void (*done)(struct req *, enum err) = k->done;
    intake_free(k);
    done(r, e);
}

static void
refuse_objects(struct feed_out *out)
{
    for (size_t i = 0; i < out->objects_n; i++)
        out->objects[i].refused = true;
    counter_add(CTR_ingest_refused, 1);
}

/* Nothing of the message was kept. A protocol of others has a word for "later" only;
 * ours says why, and what to do. */
static void
answer_unkept(struct intake *k, enum err e)
{
    k->job.failed = e;
    refuse_objects(&k->out);
    if (e == ERR_FULL && api_is_path(span_cstr(k->row->path)))
        answer(
            k, req_refuse(
                   k->r, REFUSE_LOW_DISK, NULL,
                   "the disk is nearly full: none of these records was kept. Keep them "
                   "and send them again after Retry-After; the administrator has to "
                   "free space or shorten retention",
                   "磁盘空间不足，本次记录均未保存：请保留并在 Retry-After "
                   "之后重发，同时请管理员清理磁盘或缩短保存期限"));
    else
        answer(k, OK);
}

static void
came_home(struct job *job, struct api_env *env)
{
    (void)env;
    struct intake *k = (struct intake *)job;
    if (job->failed)
        answer_unkept(k, job->failed);
    else
        answer(k, OK);
}

/* Sites that nobody knew are made before their first pass is stored. */
static enum err
make_sites(struct gate *g, struct sighting_batch *b)
{
    const struct serve_needs *n = g->serve->needs;
    for (size_t i = 0; i < b->unplaced_n; i++) {
        struct site_id id = n->site_for(n->ctx, b->unplaced[i].code, span_of(NULL, 0));
        if (!id.v)
            return ERR_BUSY;
        b->rows[b->unplaced[i].row].site = id;
    }
    return OK;
}

static void
store_passes(struct intake *k)
{
    const struct serve_needs *n = k->g->serve->needs;
    struct sighting_batch *b = k->out.batch;
    if (!b || b->n == 0) {
        answer(k, OK);
        return;
    }
    enum err e = make_sites(k->g, b);
    if (!e)
        e = n->append(n->ctx, b, req_http(k->r), &k->job);
    if (e)
        answer_unkept(k, e);
}

static void
keep_others(struct intake *k, const struct sender *who)
{
    const struct serve_needs *n = k->g->serve->needs;
    enum err e =
        n->keep ? n->keep(n->ctx, &k->out, who, req_http(k->r), &k->job) : ERR_BUSY;
    if (e)
        answer_unkept(k, e);
}

static void
do_register(struct intake *k)
{
    struct gate *g = k->g;
    struct req *r = k->r;
    const struct serve_needs *n = g->serve->needs;
    struct sender who = {0};
    struct span code = k->out.device_code;
    bool known = n->device_by_code(n->ctx, code, &who) && !who.disabled;
    struct digest_auth auth;
    bool said = digest_parse(req_header(r, "Authorization"), &auth);
    enum digest_verdict verdict = DIGEST_WRONG;
    if (said)
        verdict = digest_check(
            g->digest, &auth, span_cstr(method_name(req_method(r))), req_target(r),
            known && who.digest_ha1[0] ? who.digest_ha1 : NULL, req_at(r));
    /* A sender on this machine that nobody added may still speak: it only has to say
     * who it is. */
    bool local = said && !known && is_here(g, r);
    if (verdict != DIGEST_RIGHT && !local) {
        challenge(g, r, verdict == DIGEST_STALE);
        void (*done)(struct req *, enum err) = k->done;
        intake_free(k);
        done(r, OK);
        return;
    }
    device_alive(g, &who, req_at(r));
    struct device_row *d = known ? device_of(g, code, true) : NULL;
    if (d)
        (void)span_copy(d->peer, sizeof d->peer, req_peer(r));
    answer(k, OK);
}

static void
act(struct intake *k, const struct sender *who)
{
    struct gate *g = k->g;
    struct device_row *d;
    switch (k->out.what) {
    case FEED_REGISTER:
        do_register(k);
        return;
    case FEED_PASSES:
        device_alive(g, who, req_at(k->r));
        store_passes(k);
        return;
    case FEED_PLACES:
    case FEED_ASKS:
        device_alive(g, who, req_at(k->r));
        keep_others(k, who);
        return;
    case FEED_UNREGISTER:
        d = device_of(g, span_cstr(who->code), false);
        if (d)
            device_gone(g, d, req_at(k->r));
        break;
    case FEED_KEEPALIVE:
    case FEED_TIME:
    case FEED_UNKEPT:
    case FEED_PICTURES: /* without their vehicles they are nobody's: the feed says so */
        device_alive(g, who, req_at(k->r));
        break;
    case FEED_BROKEN:
    case FEED_REFUSED:
        break;
    }
    answer(k, OK);
}

static enum feed_method
feed_method_of(enum method m)
{
    return m == METHOD_POST     ? FEED_POST
           : m == METHOD_PUT    ? FEED_PUT
           : m == METHOD_DELETE ? FEED_DELETE
                                : FEED_GET;
}

/* Reading a large body that is no JSON takes a hundred times as long as one that is.
 * Such time is paid back tenfold: past a second of it the sender has to wait, so that
 * no sender holds more than a tenth of what all cameras share. */
static dur_us *
debt_of(struct gate *g, const struct sender *who)
{
    struct device_row *d = who->id.v ? device_of(g, span_cstr(who->code), true) : NULL;
    return d ? &d->free_us : &g->others_free_us;
}

/* The body was read, here or elsewhere. */
static void
decoded(struct intake *k, enum err e)
{
    bool broken = k->out.what == FEED_BROKEN ||
                  feed_fault_count(&k->out.faults, FAULT_NOT_JSON) > 0;
    if (k->in.body.n > LARGE_BODY && broken) {
        dur_us *free_us = debt_of(k->g, k->who), now = os_mono_us();
        *free_us = (*free_us > now ? *free_us : now) + k->cost * 9;
    }
    if (e)
        answer(k, e);
    else
        act(k, k->who);
}

static void
slowly_read(struct job *job, struct api_env *env)
{
    (void)env;
    struct intake *k = (struct intake *)job;
    k->g->slow--;
    k->job.run = came_home;
    decoded(k, k->read);
}

/* On a work thread, with a decoder of its own. */
static void
read_slowly(struct job *job, struct api_env *env)
{
    (void)env;
    struct intake *k = (struct intake *)job;
    struct reader rd;
    k->read = reader_init(&rd) ? reader_decode(&rd, k) : ERR_NOMEM;
    feeds_free(rd.feeds);
    k->job.run = slowly_read;
    http_post(req_http(k->r), &k->job);
}

static enum err
send_to_work(struct intake *k)
{
    const struct serve_needs *n = k->g->serve->needs;
    if (k->g->slow == SLOW_READS)
        return ERR_BUSY;
    feed_out_release(&k->out);
    arena_reset(&k->arena);
    feed_out_init(&k->out, &k->arena);
    k->in.hurried = false;
    k->job.run = read_slowly;
    enum err e = n->post(n->ctx, ON_WORK, &k->job);
    k->g->slow += e == OK;
    return e;
}

static void
decode(struct gate *g, struct intake *k)
{
    enum err e = ERR_TIMEOUT;
    k->in.hurried = k->in.body.n > LARGE_BODY;
    if (*debt_of(g, k->who) - os_mono_us() > DEBT_US) {
        answer(k, ERR_BUSY);
        return;
    }
    if (k->in.body.n <= HUGE_BODY)
        e = reader_decode(&g->reader, k);
    if (e != ERR_TIMEOUT) {
        decoded(k, e);
        return;
    }
    e = send_to_work(k);
    if (e)
        answer(k, e);
}

static void
take(
    struct gate *g, struct req *r, const struct feed *row, struct span path,
    const struct sender *who, void (*done)(struct req *r, enum err e))
{
    struct intake *k = intake_new(g);
    if (!k) {
        done(r, ERR_NOMEM);
        return;
    }
    k->g = g;
    k->r = r;
    k->row = row;
    k->done = done;
    k->job.run = came_home;
    k->job.failed = OK;
    (void)span_copy(k->code, sizeof k->code, span_cstr(who->code));
    k->in = (struct feed_in){
        .method = feed_method_of(req_method(r)),
        .path = path,
        .body = req_body(r),
        .device = who->id,
        .device_code = span_cstr(k->code),
        .site = who->site,
        .now_ms = req_at(r),
        .zone = &g->serve->conf.zone,
    };
    k->who = who;
    feed_out_init(&k->out, &k->arena);
    decode(g, k);
}

void
gate_take(
    struct gate *g, struct req *r, struct span path, const struct sender *who,
    void (*done)(struct req *r, enum err e))
{
    const struct feed *row = feed_find(path);
    must(row);
    take(g, r, row, path, who, done);
}

static void
sent(struct req *r, enum err e)
{
    if (e)
        req_fail(r, e);
    req_send(r);
}

void
gate_request(struct gate *g, struct req *r)
{
    const struct sender *who = *req_slot(r);
    take(g, r, feed_find(req_path(r)), req_path(r), who, sent);
}

/* ---- life ---- */

struct gate *
gate_new(struct serve *s, enum net net)
{
    struct gate *g = calloc(1, sizeof *g);
    uint8_t secret[DIGEST_SECRET];
    if (!g)
        return NULL;
    randombytes_buf(secret, sizeof secret);
    g->serve = s;
    g->net = net;
    bool reads = reader_init(&g->reader);
    g->digest = digest_new(span_cstr(s->conf.realm), secret);
    if (!reads || !g->digest) {
        gate_free(g);
        return NULL;
    }
    return g;
}

void
gate_free(struct gate *g)
{
    if (!g)
        return;
    while (g->idle) {
        struct intake *k = g->idle;
        g->idle = k->next;
        arena_release(&k->arena);
        free(k);
    }
    feeds_free(g->reader.feeds);
    digest_free(g->digest);
    for (uint32_t i = 0; i < g->devices_room; i++)
        free(g->devices[i].told);
    free(g->devices);
    free(g);
}
