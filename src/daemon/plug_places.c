/* SPDX-License-Identifier: Apache-2.0 */
/* One message is one job of the ledger: all of its places and asks, or none. */
#include "daemon/plug_places.h"

#include "core/os_clock.h"
#include "daemon/parts.h"
#include "store/ledger_people.h"
#include "store/ledger_place.h"

#include <stdio.h>
#include <stdlib.h>

struct keep {
    struct task task;
    struct feed_out *out;
    struct http *home;
    struct job *done;
    struct site *sites; /* changed by this message, by code */
    size_t sites_n;
};

/* The site of a code as this message has made it; ensured in the ledger. */
static enum err
site_of(struct keep *k, struct daemon *d, struct span code, struct site **out)
{
    for (size_t i = 0; i < k->sites_n; i++) {
        if (span_eq_cstr(code, k->sites[i].code)) {
            *out = &k->sites[i];
            return OK;
        }
    }
    struct site_id id;
    bool made;
    enum err e = ledger_site_ensure(d->base->ledger, code, &id, &made);
    if (e != OK)
        return e;
    struct site_table *t = base_sites(d->base);
    const struct site *known = site_get(t, id);
    struct site *s = &k->sites[k->sites_n++];
    *s = known ? *known : (struct site){.id = id};
    site_table_unref(t);
    if (!s->code[0])
        (void)span_copy(s->code, sizeof s->code, code);
    *out = s;
    return OK;
}

static void
fill_text(char *dst, size_t cap, const char *code, struct span said)
{
    if (said.n && (!dst[0] || strcmp(dst, code) == 0))
        (void)span_copy(dst, cap, said);
}

static void
fill_site(struct site *s, const struct feed_place *p)
{
    if (p->kind == PLACE_TOLLGATE)
        fill_text(s->name, sizeof s->name, s->code, p->name);
    fill_text(s->road, sizeof s->road, "", p->place);
    if (!site_is_placed(s) && p->has_position) {
        s->lon = p->lon;
        s->lat = p->lat;
    }
    uint8_t lanes = p->lanes > p->lane_no ? p->lanes : p->lane_no;
    s->lanes = s->lanes > lanes ? s->lanes : lanes;
    if (!s->limit_kmh)
        s->limit_kmh = p->limit_kmh;
    if (!s->city_pass)
        s->city_pass = p->city_pass;
    if (p->direction && p->direction < 16)
        s->directions = (uint16_t)(s->directions | 1u << p->direction);
}

/* A camera that somebody has added gets its name and its place; others are not made
 * here. */
static enum err
fill_device(struct keep *k, struct daemon *d, const struct feed_place *p)
{
    struct device row;
    enum err e =
        ledger_device_by_code(ledger_as_reader(d->base->ledger), p->code, &row);
    if (e == ERR_NOTFOUND)
        return OK;
    if (e != OK)
        return e;
    struct device was = row;
    fill_text(row.name, sizeof row.name, row.code, p->name);
    if (!row.site.v && p->tollgate.n) {
        struct site *s = NULL;
        e = site_of(k, d, p->tollgate, &s);
        if (e != OK)
            return e;
        row.site = s->id;
    }
    if (strcmp(was.name, row.name) == 0 && was.site.v == row.site.v)
        return OK;
    struct ledger_entry entry = {
        .topic = TOPIC_DEVICE, .object = row.id.v, .at_ms = os_now_ms()};
    uint64_t n;
    e = ledger_device_put(d->base->ledger, &row);
    return e == OK ? ledger_note(d->base->ledger, &entry, &n) : e;
}

static enum err
keep_place(struct keep *k, struct daemon *d, const struct feed_place *p)
{
    struct span code = p->kind == PLACE_TOLLGATE ? p->code : p->tollgate;
    if (code.n && code.n < sizeof((struct site *)0)->code) {
        struct site *s = NULL;
        enum err e = site_of(k, d, code, &s);
        if (e != OK)
            return e;
        fill_site(s, p);
    }
    return p->kind == PLACE_DEVICE && p->code.n ? fill_device(k, d, p) : OK;
}

static enum err
put_sites(struct keep *k, struct daemon *d)
{
    for (size_t i = 0; i < k->sites_n; i++) {
        struct ledger_entry entry = {
            .topic = TOPIC_SITE, .object = k->sites[i].id.v, .at_ms = os_now_ms()};
        uint64_t n;
        enum err e = ledger_site_put(d->base->ledger, &k->sites[i]);
        if (e == OK)
            e = ledger_note(d->base->ledger, &entry, &n);
        if (e != OK)
            return e;
    }
    return OK;
}

static void
put_text(struct buf *b, const char *key, struct span text)
{
    buf_fmt(b, ",\"%s\":", key);
    buf_json(b, text);
}

static enum err
keep_ask(struct daemon *d, const struct feed_ask *a, ts_ms now)
{
    static const char *const kinds[] = {
        [ASK_SUBSCRIBE] = "subscribe",
        [ASK_DISPOSITION] = "disposition",
        [ASK_NOTICE] = "notice",
        [ASK_OTHER] = "other"};
    char key[96];
    struct buf b = {0};
    snprintf(
        key, sizeof key, "ask:%.*s", a->id.n < 80 ? (int)a->id.n : 80,
        a->id.p ? a->id.p : "");
    buf_fmt(
        &b,
        "{\"kind\":\"%s\",\"at_ms\":%lld,\"operate\":%lld,\"begin_ms\":%lld,"
        "\"end_ms\":%lld",
        kinds[a->kind], (long long)now, (long long)a->operate, (long long)a->begin_ms,
        (long long)a->end_ms);
    put_text(&b, "id", a->id);
    put_text(&b, "title", a->title);
    put_text(&b, "detail", a->detail);
    put_text(&b, "resource", a->resource);
    put_text(&b, "address", a->address);
    put_text(&b, "applicant", a->applicant);
    put_text(&b, "reason", a->reason);
    buf_u8(&b, '}');
    enum err e =
        b.bad ? ERR_NOMEM : ledger_meta_put(d->base->ledger, key, span_of(b.p, b.n));
    buf_release(&b);
    return e;
}

static enum err
keep_apply(struct task *t, struct daemon *d)
{
    struct keep *k = (struct keep *)t;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < k->out->places_n; i++)
        e = keep_place(k, d, &k->out->places[i]);
    if (e == OK)
        e = put_sites(k, d);
    for (size_t i = 0; e == OK && i < k->out->asks_n; i++)
        e = keep_ask(d, &k->out->asks[i], os_now_ms());
    return e;
}

static void
keep_settled(struct task *t, struct daemon *d, enum err e)
{
    (void)d;
    struct keep *k = (struct keep *)t;
    k->done->failed = e;
    http_post(k->home, k->done);
    free(k->sites);
    free(k);
}

enum err
places_keep(
    void *ctx, struct feed_out *out, const struct sender *who, struct http *home,
    struct job *done)
{
    struct daemon *d = ctx;
    (void)who;
    struct keep *k = calloc(1, sizeof *k);
    if (!k)
        return ERR_NOMEM;
    k->sites = calloc(out->places_n + 1, sizeof *k->sites);
    if (!k->sites) {
        free(k);
        return ERR_NOMEM;
    }
    k->out = out;
    k->home = home;
    k->done = done;
    task_init(&k->task, d, keep_apply, keep_settled);
    task_post(d, OWNER_LEDGER, &k->task);
    return OK;
}
