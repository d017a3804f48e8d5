/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - the simulator's loop.
 *
 *   waiting records (natural, scenes) -> a message for one platform -> POST -> gone
 * when answered
 *
 * A message that fails stays and is sent again, as a camera does; the daemon must know
 * duplicates. Every platform registers with Digest, keeps alive, and registers again
 * when it is told to.
 */
#include "city/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "city/courier.h"
#include "city/message.h"
#include "city/patrol.h"
#include "core/os_clock.h"

#define TICK_MS 200
#define BEAT_MS (30 * SECOND_MS)
#define FIX_MS (5 * SECOND_MS)
#define BACKOFF_MS 2000
#define LIST_MOST 100
#define PICTURES_MOST 8     /* in one message */
#define WAITING_MOST 200000 /* then the oldest are lost, and counted as refused */
#define FIRST_SCENE_MS 3500
#define LATER_SCENE_MS 40000

struct waiting {
    struct city_rec rec;
    bool picture;
};

struct platform {
    const struct sim_device *device;
    struct courier courier;
    bool registered;
    dur_us beat_us, retry_us; /* next; mono */
};

struct sim {
    const struct sim_opts *o;
    struct city *city;
    struct watchlist watches;
    struct stage stage;
    struct city_stream *stream;
    const struct city_rec *next; /* of the stream, not yet due */
    struct platform *platforms;
    struct patrol patrol;
    struct courier fix_courier;
    struct waiting *waiting;
    size_t waiting_n, waiting_room;
    struct buf body, jpeg;
    struct sim_counts counts;
    uint64_t naturals;
    dur_us fix_us, move_us, scene_us;
    unsigned scenes_tried;
};

static void
tell(const struct sim *s, const char *line)
{
    if (s->o->tell)
        s->o->tell(s->o->tell_ctx, line);
}

static bool
stopped(const struct sim *s)
{
    return s->o->stop && atomic_load(s->o->stop);
}

static void
rest(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

/* ---- what waits to be sent ---- */

static void
wait_for_sending(struct sim *s, const struct city_rec *r, bool picture)
{
    if (s->waiting_n == WAITING_MOST) {
        memmove(s->waiting, s->waiting + 1, (s->waiting_n - 1) * sizeof *s->waiting);
        s->waiting_n--;
        s->counts.refused++;
    }
    if (s->waiting_n == s->waiting_room) {
        s->waiting_room = s->waiting_room ? s->waiting_room * 2 : 1024;
        s->waiting = realloc(s->waiting, s->waiting_room * sizeof *s->waiting);
        must(s->waiting != NULL);
    }
    s->waiting[s->waiting_n++] = (struct waiting){*r, picture};
}

/* Is this a vehicle whose picture somebody will want to see? */
static bool
worth_a_picture(struct sim *s, const struct city_rec *r)
{
    const struct watchlist_link *links;
    uint32_t every = s->o->picture_every ? s->o->picture_every : 25;
    const struct plan *p = &s->city->plan;
    if (r->car >= s->city->fleet.n)
        return true;
    int part = p->part[r->car];
    if (part != PART_NONE && part != PART_LEADER && part != PART_FOLLOWER)
        return true;
    return watchlist_of(&s->watches, r->worn, &links) > 0 || s->naturals % every == 0;
}

static void
collect_natural(struct sim *s, ts_ms now)
{
    while (s->next && s->next->arrive_ms <= now) {
        if (!stage_has(&s->stage, s->next->car)) {
            s->naturals++;
            stage_saw(&s->stage, s->next);
            wait_for_sending(s, s->next, worth_a_picture(s, s->next));
        }
        s->next = city_stream_next(s->stream);
    }
}

/* Scenes in turn: quickly once through all of them, then now and then. */
static void
collect_scenes(struct sim *s, ts_ms now)
{
    if (!s->o->no_scenes && os_mono_us() >= s->scene_us) {
        enum stage_kind kind = (enum stage_kind)(s->scenes_tried % STAGE_KINDS);
        s->scenes_tried++;
        bool played = stage_play(&s->stage, kind, now);
        s->counts.scenes[kind] += played;
        if (played) {
            char line[64];
            snprintf(line, sizeof line, "scene: %s", stage_name(kind));
            tell(s, line);
        }
        /* One that cannot be played now does not hold up the next. */
        int pause = !played                         ? TICK_MS
                    : s->scenes_tried < STAGE_KINDS ? FIRST_SCENE_MS
                                                    : LATER_SCENE_MS;
        s->scene_us = os_mono_us() + pause * 1000;
    }
    const struct city_rec *r;
    while ((r = stage_next(&s->stage, now)) != NULL)
        wait_for_sending(s, r, true);
}

/* ---- one platform ---- */

static enum err
post(
    struct sim *s, struct platform *p, const char *path, const char *extra,
    struct span body, struct courier_reply *reply)
{
    char headers[1536];
    snprintf(
        headers, sizeof headers,
        "Content-Type: application/VIID+JSON;charset=UTF-8\r\nUser-Identify: %s\r\n%s",
        p->device->code, extra);
    s->counts.posts++;
    return courier_ask(&p->courier, "POST", path, headers, body, reply);
}

/* POST with Digest when the other side asks for it. */
static enum err
post_signed(
    struct sim *s, struct platform *p, const char *path, struct span body,
    struct courier_reply *reply)
{
    enum err e = post(s, p, path, "", body, reply);
    if (e || reply->status != 401)
        return e;
    char line[1200], cnonce[20], challenge[sizeof reply->challenge];
    snprintf(
        cnonce, sizeof cnonce, "%016llx",
        (unsigned long long)rnd_hash((uint64_t)os_now_ms(), 1200, s->counts.posts));
    memcpy(challenge, reply->challenge, sizeof challenge);
    e = courier_digest(
        challenge, p->device->login, p->device->password, "POST", path, cnonce, line,
        sizeof line);
    return e ? ERR_AUTH : post(s, p, path, line, body, reply);
}

static enum err
sign_in(struct sim *s, struct platform *p)
{
    char body[128];
    struct courier_reply reply;
    int n = snprintf(
        body, sizeof body,
        "{\"RegisterObject\":{\"DeviceID\":\"%s\",\"ProtocolVersion\":\"2.0\"}}",
        p->device->code);
    enum err e =
        post_signed(s, p, "/VIID/System/Register", span_of(body, (size_t)n), &reply);
    if (e)
        return e;
    if (reply.status != 200)
        return reply.status == 401 || reply.status == 403 ? ERR_AUTH : ERR_IO;
    p->registered = true;
    p->beat_us = os_mono_us() + BEAT_MS * 1000;
    s->counts.registered++;
    return OK;
}

static void
keep_alive(struct sim *s, struct platform *p)
{
    char body[96];
    struct courier_reply reply;
    int n = snprintf(
        body, sizeof body, "{\"KeepaliveObject\":{\"DeviceID\":\"%s\"}}",
        p->device->code);
    enum err e =
        post_signed(s, p, "/VIID/System/Keepalive", span_of(body, (size_t)n), &reply);
    p->beat_us = os_mono_us() + BEAT_MS * 1000;
    if (e || reply.status != 200)
        p->registered = false;
    else
        s->counts.beats++;
}

/* How many StatusCode members of an answer are not 0, as a number or as text. */
static uint64_t
count_refused(struct span body)
{
    uint64_t n = 0;
    const char *p = body.p, *end = body.p + body.n;
    while ((
        p = p && p < end ? memmem(p, (size_t)(end - p), "\"StatusCode\"", 12) : NULL)) {
        p += 12;
        while (p < end && (*p == ':' || *p == ' ' || *p == '"'))
            p++;
        n += p < end && *p != '0';
    }
    return n;
}

/* Puts the waiting records of platform k into s->body, at most a list of them; marks
 * them by moving them to the front. How many. */
static size_t
fill_list(struct sim *s, size_t k)
{
    size_t n = 0, pictures = 0;
    buf_clear(&s->body);
    message_begin(&s->body);
    for (size_t i = 0; i < s->waiting_n && n < LIST_MOST; i++) {
        struct waiting w = s->waiting[i];
        if (w.rec.site % s->o->devices_n != k ||
            (w.picture && pictures == PICTURES_MOST))
            continue;
        buf_clear(&s->jpeg);
        if (w.picture) {
            struct picture_look look = message_look(s->city, &w.rec);
            pictures++;
            if (picture_draw(&look, &s->jpeg) != OK)
                buf_clear(&s->jpeg);
        }
        message_vehicle(
            &s->body, s->city, &w.rec, span_of(s->jpeg.p, s->jpeg.n), n == 0);
        memmove(s->waiting + n + 1, s->waiting + n, (i - n) * sizeof *s->waiting);
        s->waiting[n++] = w;
    }
    message_end(&s->body);
    return s->body.bad ? 0 : n;
}

static void
send_list(struct sim *s, struct platform *p, size_t n)
{
    struct courier_reply reply;
    enum err e =
        post_signed(s, p, "/VIID/MotorVehicles", span_of(s->body.p, s->body.n), &reply);
    bool again = e || reply.status >= 500 || reply.status == 401 || reply.status == 403;
    if (again) {
        s->counts.failed++;
        p->registered = !e && reply.status >= 500;
        p->retry_us = os_mono_us() + BACKOFF_MS * 1000;
        return;
    }
    uint64_t refused = reply.status / 100 == 2 ? count_refused(reply.body) : n;
    refused = refused < n ? refused : n;
    s->counts.refused += refused;
    s->counts.sent += n - refused;
    for (size_t i = 0; i < n; i++)
        s->counts.with_picture += s->waiting[i].picture;
    s->waiting_n -= n;
    memmove(s->waiting, s->waiting + n, s->waiting_n * sizeof *s->waiting);
}

static void
serve_platforms(struct sim *s)
{
    for (size_t k = 0; k < s->o->devices_n; k++) {
        struct platform *p = &s->platforms[k];
        if (os_mono_us() < p->retry_us)
            continue;
        if (!p->registered && sign_in(s, p) != OK) {
            p->retry_us = os_mono_us() + BACKOFF_MS * 1000;
            continue;
        }
        if (os_mono_us() >= p->beat_us)
            keep_alive(s, p);
        for (size_t n;
             p->registered && os_mono_us() >= p->retry_us && (n = fill_list(s, k)) > 0;)
            send_list(s, p, n);
    }
}

/* ---- units ---- */

static void
serve_units(struct sim *s, ts_ms now)
{
    dur_us mono = os_mono_us();
    if (!s->o->fixes_port || mono < s->fix_us)
        return;
    patrol_move(&s->patrol, s->move_us ? (mono - s->move_us) / 1000 : 0);
    s->move_us = mono;
    s->fix_us = mono + FIX_MS * 1000;
    char headers[400];
    struct courier_reply reply;
    snprintf(
        headers, sizeof headers,
        "Content-Type: application/json\r\nAuthorization: Bearer %s\r\n",
        s->o->fixes_key ? s->o->fixes_key : "");
    buf_clear(&s->body);
    patrol_json(&s->patrol, now, &s->body);
    enum err e = courier_ask(
        &s->fix_courier, "POST", "/api/v1/fixes", headers,
        span_of(s->body.p, s->body.n), &reply);
    if (e || reply.status / 100 != 2)
        s->counts.fixes_failed++;
    else
        s->counts.fixes += STAFF_UNITS;
}

/* ---- life ---- */

/* All platforms signed in, or nobody answered in time. */
static enum err
first_sign_in(struct sim *s, struct note *note)
{
    dur_us until =
        os_mono_us() + (dur_us)(s->o->wait_ms ? s->o->wait_ms : 30000) * 1000;
    for (size_t k = 0; k < s->o->devices_n;) {
        enum err e = sign_in(s, &s->platforms[k]);
        if (!e) {
            k++;
            continue;
        }
        if (e == ERR_AUTH)
            return note_fmt(
                note, ERR_AUTH, "devices",
                "the daemon refused the sign-in of device %s", "设备 %s 注册被拒绝",
                s->o->devices[k].code);
        if (stopped(s))
            return OK;
        if (os_mono_us() > until)
            return note_fmt(
                note, ERR_IO, "host", "nobody answers at %s:%d", "%s:%d 无响应",
                s->o->host, s->o->port);
        rest(TICK_MS);
    }
    return OK;
}

/* The stream up to now: today's records that are history, but tell who was where
 * lately. */
static enum err
begin(struct sim *s, struct note *note)
{
    enum err e = city_new(&s->o->city, &s->city, note);
    if (!e)
        e = watchlist_init(&s->watches, s->city, s->o->city.watches, note);
    if (!e)
        e = stage_init(&s->stage, s->city, &s->watches, note);
    if (e)
        return e;
    s->platforms = calloc(s->o->devices_n, sizeof *s->platforms);
    if (!s->platforms)
        return note_set(note, ERR_NOMEM, "", "not enough memory", "内存不足");
    for (size_t k = 0; k < s->o->devices_n; k++) {
        s->platforms[k].device = &s->o->devices[k];
        courier_init(&s->platforms[k].courier, s->o->host, s->o->port, 15000);
    }
    courier_init(&s->fix_courier, s->o->host, s->o->fixes_port, 5000);
    patrol_init(&s->patrol, &s->city->shape, s->o->city.seed);
    ts_ms now = os_now_ms();
    int today = (int)((now - s->city->opts.from_ms) / DAY_MS);
    s->stage.r.s =
        rnd_hash(s->o->city.seed, 1000, (uint64_t)now); /* another cast each time */
    if (now < s->city->opts.from_ms)
        return note_set(
            note, ERR_INPUT, "from", "the city begins in the future",
            "城市起始时间晚于当前时间");
    s->stream = city_stream_new(s->city, today > 0 ? today - 1 : today, NULL);
    if (!s->stream)
        return note_set(note, ERR_NOMEM, "", "not enough memory", "内存不足");
    city_stream_run_on(s->stream);
    while ((s->next = city_stream_next(s->stream)) != NULL && s->next->arrive_ms < now)
        stage_saw(&s->stage, s->next);
    return OK;
}

static void
release(struct sim *s)
{
    for (size_t k = 0; s->platforms && k < s->o->devices_n; k++)
        courier_release(&s->platforms[k].courier);
    courier_release(&s->fix_courier);
    free(s->platforms);
    free(s->waiting);
    buf_release(&s->body);
    buf_release(&s->jpeg);
    city_stream_free(s->stream);
    stage_release(&s->stage);
    watchlist_release(&s->watches);
    city_free(s->city);
}

enum err
sim_run(const struct sim_opts *o, struct sim_counts *counts, struct note *note)
{
    struct sim s = {.o = o};
    s.fix_courier.fd = -1;
    if (!o->devices_n)
        return note_set(
            note, ERR_INPUT, "devices", "at least one device is needed",
            "至少需要一个设备");
    enum err e = begin(&s, note);
    if (!e)
        e = first_sign_in(&s, note);
    if (!e)
        tell(&s, "simulator: signed in");
    dur_us began = os_mono_us();
    s.scene_us = began + SECOND_MS * 1000;
    while (!e && !stopped(&s) &&
           (!o->run_ms || os_mono_us() - began < o->run_ms * 1000)) {
        ts_ms now = os_now_ms();
        dur_us round = os_mono_us();
        collect_natural(&s, now);
        collect_scenes(&s, now);
        serve_platforms(&s);
        serve_units(&s, now);
        int64_t spent = (os_mono_us() - round) / 1000;
        if (spent < TICK_MS)
            rest((int)(TICK_MS - spent));
    }
    if (counts)
        *counts = s.counts;
    release(&s);
    return e;
}
