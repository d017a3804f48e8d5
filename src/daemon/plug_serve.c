/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP machine needs, given by the stores and the owner threads. */
#include "daemon/parts.h"
#include "daemon/plug_places.h"

#include "core/counter.h"
#include "core/os_clock.h"
#include "serve/desk.h"
#include "serve/rows.h"
#include "store/ledger_people.h"
#include "store/ledger_place.h"

#include <stdio.h>
#include <stdlib.h>

static struct daemon *
of(void *ctx)
{
    return ctx;
}

/* ---- jobs ---- */

static enum err
post(void *ctx, enum where where, struct job *job)
{
    static const enum owner_name owner_of[WHERE_COUNT] = {
        [ON_LEDGER] = OWNER_LEDGER,
        [ON_QUERY_FAST] = OWNER_FAST,
        [ON_QUERY_BATCH] = OWNER_BATCH,
        [ON_WORK] = OWNER_WORK,
    };
    struct daemon *d = of(ctx);
    if (where == ON_NET) {
        serve_post(d->serve, NET_CONSOLE, job);
        return OK;
    }
    enum owner_name to = owner_of[where];
    if (where == ON_WORK &&
        mbox_count(d->owners[OWNER_WORK].box) > mbox_count(d->owners[OWNER_WORK2].box))
        to = OWNER_WORK2;
    return mbox_send(daemon_owner(d, to)->box, &job->msg);
}

static ts_ms
now(void *ctx)
{
    (void)ctx;
    return os_now_ms();
}

/* ---- snapshots ---- */

static struct site_table *
sites(void *ctx)
{
    return base_sites(of(ctx)->base);
}

static struct org_table *
org(void *ctx)
{
    return base_org(of(ctx)->base);
}

static struct watch_set *
watches(void *ctx)
{
    return base_watches(of(ctx)->base);
}

struct live *
daemon_live(struct daemon *d)
{
    must(pthread_mutex_lock(&d->lock) == 0);
    struct live *l = live_ref(d->live);
    pthread_mutex_unlock(&d->lock);
    return l;
}

struct roster *
daemon_roster(struct daemon *d)
{
    must(pthread_mutex_lock(&d->lock) == 0);
    struct roster *r = roster_ref(d->roster);
    pthread_mutex_unlock(&d->lock);
    return r;
}

struct model *
daemon_model(struct daemon *d)
{
    must(pthread_mutex_lock(&d->lock) == 0);
    struct model *m = d->model ? model_ref(d->model) : NULL;
    pthread_mutex_unlock(&d->lock);
    return m;
}

enum err
daemon_refresh_roster(struct daemon *d)
{
    struct roster *r = NULL;
    enum err e = roster_read(ledger_as_reader(d->base->ledger), &r);
    if (e != OK)
        return e;
    must(pthread_mutex_lock(&d->lock) == 0);
    struct roster *old = d->roster;
    d->roster = r;
    pthread_mutex_unlock(&d->lock);
    roster_unref(old);
    return OK;
}

static struct live *
live(void *ctx)
{
    return daemon_live(of(ctx));
}

static struct model *
model(void *ctx)
{
    return daemon_model(of(ctx));
}

static void
state(void *ctx, struct house_state *out)
{
    struct daemon *d = of(ctx);
    must(pthread_mutex_lock(&d->lock) == 0);
    *out = d->state;
    pthread_mutex_unlock(&d->lock);
    out->sessions = serve_sessions(d->serve);
    out->streams = serve_streams(d->serve);
}

static void
health(void *ctx, struct health *out)
{
    struct daemon *d = of(ctx);
    must(pthread_mutex_lock(&d->lock) == 0);
    *out = d->health;
    pthread_mutex_unlock(&d->lock);
}

/* ---- passes ---- */

static enum err
append(void *ctx, struct sighting_batch *b, struct http *home, struct job *done)
{
    return store_append(of(ctx), b, home, done);
}

struct ensure {
    struct span code;
    struct site_id id;
    bool made;
};

static enum err
ensure_site(struct daemon *d, void *arg)
{
    struct ensure *want = arg;
    enum err e =
        ledger_site_ensure(d->base->ledger, want->code, &want->id, &want->made);
    if (e == OK && want->made) {
        struct ledger_entry entry = {
            .topic = TOPIC_SITE, .object = want->id.v, .at_ms = os_now_ms()};
        uint64_t n;
        e = ledger_note(d->base->ledger, &entry, &n);
    }
    return e;
}

/* A new site is made at once and waited for: it happens once in the life of a site. */
static struct site_id
site_for(void *ctx, struct span tollgate, struct span device)
{
    struct daemon *d = of(ctx);
    struct span code = tollgate.n ? tollgate : device;
    struct site_table *t = base_sites(d->base);
    struct site_id id = site_find(t, code);
    site_table_unref(t);
    if (id.v || code.n == 0)
        return id;
    struct ensure want = {.code = code};
    enum err e = daemon_call(d, OWNER_LEDGER, ensure_site, &want);
    return e == OK ? want.id : (struct site_id){0};
}

/* ---- devices ---- */

static void
sender_of(const struct device *row, struct sender *out)
{
    struct sender s = {.id = row->id, .site = row->site, .disabled = row->disabled};
    snprintf(s.code, sizeof s.code, "%s", row->code);
    memcpy(s.key_hash, row->key_hash, sizeof s.key_hash);
    snprintf(s.digest_ha1, sizeof s.digest_ha1, "%s", row->ha1_md5);
    *out = s;
}

static bool
device_by_code(void *ctx, struct span code, struct sender *out)
{
    struct roster *r = daemon_roster(of(ctx));
    const struct device *row = roster_device(r, code);
    if (row)
        sender_of(row, out);
    roster_unref(r);
    return row != NULL;
}

static bool
device_by_key(void *ctx, const uint8_t hash[32], struct sender *out)
{
    struct roster *r = daemon_roster(of(ctx));
    const struct device *row = roster_key(r, hash);
    if (row)
        sender_of(row, out);
    roster_unref(r);
    return row != NULL;
}

static bool
callsign(void *ctx, struct unit_id unit, char dst[24])
{
    struct roster *r = daemon_roster(of(ctx));
    const struct unit_row *row = roster_unit(r, unit);
    bool fits = row && span_copy(dst, 24, span_cstr(row->unit.callsign));
    roster_unref(r);
    return fits;
}

static void
device_state(void *ctx, struct device_id id, bool online, ts_ms at_ms)
{
    tend_device_state(of(ctx), id, online, at_ms);
}

static void
device_sent(
    void *ctx, struct device_id id, const struct device_report *report, ts_ms at_ms)
{
    tend_device_sent(of(ctx), id, report, at_ms);
}

static enum err
fix(void *ctx, struct span code, struct user_id user, ts_ms at_ms, e7 lon, e7 lat,
    int speed_kmh, int heading_deg, struct note *note)
{
    return tend_fix(of(ctx), code, user, at_ms, lon, lat, speed_kmh, heading_deg, note);
}

/* ---- accounts and sessions ---- */

static void
account_of(const struct user_row *row, struct account *out)
{
    struct account a = {
        .user = row->user,
        .failures = row->failures,
        .locked_ms = row->locked_until_ms,
        .epoch = row->epoch,
    };
    memcpy(a.verifier, row->hash, sizeof a.verifier);
    *out = a;
}

static enum err
account_find(struct ledger *l, struct span login, struct account *out)
{
    struct user_row row;
    enum err e = ledger_user_by_login(ledger_as_reader(l), login, &row);
    if (e == OK)
        account_of(&row, out);
    return e;
}

static enum err
account_get(struct ledger *l, struct user_id id, struct account *out)
{
    struct user_row row;
    enum err e = ledger_user_find(ledger_as_reader(l), id, &row);
    if (e == OK)
        account_of(&row, out);
    return e;
}

static enum err
account_tried(
    struct ledger *l, struct user_id id, uint32_t failures, ts_ms locked_ms,
    ts_ms at_ms)
{
    struct user_try t = {
        .good = failures == 0,
        .at_ms = at_ms,
        .limit = locked_ms ? 1 : UINT32_MAX, /* the HTTP machine has decided already */
        .lock_ms = locked_ms ? locked_ms - at_ms : 0,
    };
    return ledger_user_try(l, id, &t);
}

static enum err
password_set(
    struct ledger *l, struct user_id id, const char *verifier, bool must_change,
    ts_ms at_ms, struct account *out)
{
    struct user_row row;
    enum err e = ledger_user_find(ledger_as_reader(l), id, &row);
    if (e != OK)
        return e;
    if (!span_copy(row.hash, sizeof row.hash, span_cstr(verifier)))
        return ERR_TOOBIG;
    row.user.must_change = must_change;
    row.user.password_ms = at_ms;
    row.failures = 0;
    row.locked_until_ms = 0;
    e = ledger_user_put(l, &row);
    if (e == OK)
        account_of(&row, out);
    return e;
}

static enum err
session_put(struct ledger *l, const struct kept_session *s)
{
    struct session_row row = {
        .user = s->user,
        .created_ms = s->made_ms,
        .used_ms = s->seen_ms,
        .ends_ms =
            s->made_ms + DAY_MS, /* the machine ends it earlier by its own limits */
        .epoch = (uint32_t)s->epoch,
    };
    memcpy(row.hash, s->hash, sizeof row.hash);
    memcpy(row.csrf, s->csrf, sizeof row.csrf);
    return ledger_session_put(l, &row);
}

static enum err
session_drop(struct ledger *l, const uint8_t hash[32])
{
    enum err e = ledger_session_drop(l, hash);
    return e == ERR_NOTFOUND ? OK : e;
}

static enum err
session_all(
    struct ledger *l,
    void (*each)(void *arg, const struct kept_session *s, const struct account *a),
    void *arg)
{
    struct arena a;
    struct session_row *rows;
    size_t n;
    arena_init(&a, 64 << 20);
    enum err e = ledger_sessions(ledger_as_reader(l), &a, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        struct account acc;
        if (account_get(l, rows[i].user, &acc) != OK)
            continue;
        struct kept_session s = {
            .user = rows[i].user,
            .made_ms = rows[i].created_ms,
            .seen_ms = rows[i].used_ms,
            .epoch = rows[i].epoch,
        };
        memcpy(s.hash, rows[i].hash, sizeof s.hash);
        memcpy(s.csrf, rows[i].csrf, sizeof s.csrf);
        each(arg, &s, &acc);
    }
    arena_release(&a);
    return e;
}

static enum err
events_since(
    void *ctx, struct ledger *l, uint64_t after, size_t max,
    void (*each)(void *arg, const struct event_out *e), void *arg, bool *more)
{
    struct daemon *d = of(ctx);
    struct ledger_reader *reader = ledger_as_reader(l);
    struct arena a;
    struct ledger_entry *entries;
    size_t n;
    arena_init(&a, 64 << 20);
    struct site_table *site_tab = base_sites(d->base);
    struct org_table *orgs = base_org(d->base);
    struct desk desk = {
        .defs = d->base->loops,
        .orgs = orgs,
        .sites = site_tab,
        .zone = &d->base->zone,
        .reader = reader,
        .now = os_now_ms(),
    };
    enum err e = ledger_journal_since(reader, after, max, &a, &entries, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        struct buf data = {0};
        struct event_out ev;
        if (rows_event(&desk, &d->house, &entries[i], &data, &ev) && !data.bad)
            each(arg, &ev);
        buf_release(&data);
    }
    if (e == OK)
        *more = n == max;
    site_table_unref(site_tab);
    org_table_unref(orgs);
    arena_release(&a);
    return e;
}

/* ---- audit ---- */

struct fact_msg {
    struct job job;
    struct audit_record record;
    struct arena arena;
    struct http *home;
    struct job *then;
};

static void
run_fact(struct job *job, struct api_env *env)
{
    (void)job, (void)env;
    must(!"facts are gathered, never run alone");
}

static struct span
keep(struct fact_msg *m, struct span s)
{
    return s.n ? arena_span(&m->arena, s) : (struct span){"", 0};
}

static uint64_t
matter_number(struct span s)
{
    uint64_t v = 0;
    return span_u64(s, &v) ? v : 0;
}

static void
fact_home(struct fact_msg *m, enum err e)
{
    m->then->failed = e;
    http_post(m->home, m->then);
    arena_release(&m->arena);
    free(m);
}

static void
audit_fact(void *ctx, const struct audit_fact *f, struct http *home, struct job *then)
{
    static const uint8_t class_of[] = {
        [API_LOOK] = AUDIT_LOOK,
        [API_CHANGE] = AUDIT_CHANGE,
        [API_SECURITY] = AUDIT_SECURITY};
    static const uint8_t outcome_of[] = {
        [OUTCOME_OK] = AUDIT_OK,
        [OUTCOME_REFUSED] = AUDIT_REFUSED,
        [OUTCOME_FAILED] = AUDIT_FAILED};
    struct daemon *d = of(ctx);
    must(f->class == API_LOOK || f->class == API_CHANGE || f->class == API_SECURITY);
    struct fact_msg *m = calloc(1, sizeof *m);
    must(m != NULL); /* without its record the reply may not leave */
    arena_init(&m->arena, 1 << 20);
    m->job.run = run_fact;
    m->home = home;
    m->then = then;
    const struct role_row *role = role_find(f->role);
    m->record = (struct audit_record){
        .at_ms = f->at_ms,
        .class = class_of[f->class],
        .outcome = outcome_of[f->outcome],
        .role = role ? (uint8_t)role->role : 0,
        .user = f->user.v,
        .matter = matter_number(f->matter),
        .count = f->count < 0 ? AUDIT_NO_COUNT : (uint64_t)f->count,
        .login = keep(m, f->login),
        .address = keep(m, f->from),
        .action = keep(m, f->what),
        .object = keep(m, f->object),
        .purpose = keep(m, f->purpose),
        .detail = matter_number(f->matter) ? SPAN("") : keep(m, f->matter),
    };
    if (mbox_reply(daemon_owner(d, OWNER_AUDIT)->box, &m->job.msg) != OK)
        fact_home(m, ERR_STOPPING);
}

/* Appends all that wait and answers them after one sync. */
void *
owner_audit(void *arg)
{
    struct owner *o = arg;
    struct daemon *d = o->d;
    for (;;) {
        struct msg *chain = mbox_take_all(o->box, -1);
        if (!chain)
            return NULL;
        dur_us began = os_mono_us();
        uint64_t last = 0;
        enum err e = OK;
        for (struct msg *at = chain; at && e == OK; at = at->next)
            e = audit_append(d->base->audit, &((struct fact_msg *)at)->record, &last);
        if (e == OK)
            e = audit_wait(d->base->audit, last);
        d->audit_failed = e != OK;
        while (chain) {
            struct fact_msg *m = (struct fact_msg *)chain;
            chain = chain->next;
            counter_add(CTR_audit_records, 1);
            fact_home(m, e);
        }
        o->busy_us += (uint64_t)(os_mono_us() - began);
    }
}

/* ---- all together ---- */

void
plug_serve(struct daemon *d)
{
    d->needs = (struct serve_needs){
        .ctx = d,
        .post = post,
        .now = now,
        .sites = sites,
        .org = org,
        .append = append,
        .keep = places_keep,
        .site_for = site_for,
        .callsign = callsign,
        .device_by_code = device_by_code,
        .device_by_key = device_by_key,
        .device_state = device_state,
        .device_sent = device_sent,
        .fix = fix,
        .account_find = account_find,
        .account_get = account_get,
        .account_tried = account_tried,
        .password_set = password_set,
        .session_put = session_put,
        .session_drop = session_drop,
        .session_all = session_all,
        .events_since = events_since,
        .audit = audit_fact,
        .health = health,
    };
    d->house = (struct house){
        .ctx = d,
        .zone = d->base->zone,
        .fs = d->base->fs,
        .dir = d->base->dir,
        .city_zh = "演示市",
        .city_en = "Demo City",
        .loops = d->base->loops,
        .looks = &d->base->looks,
        .rules = &d->base->rules,
        .audit = d->base->audit,
        .sight = d->base->sight,
        .registry = d->base->registry,
        .sites = sites,
        .org = org,
        .watches = watches,
        .live = live,
        .model = model,
        .state = state,
        .roads = span_of(d->roads, d->roads_n),
    };
}
