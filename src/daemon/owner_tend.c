/* SPDX-License-Identifier: Apache-2.0 */
/* Housekeeping: positions and devices as they come, once a second the disk, the clock
 * and the published picture, now and then signed heads and retention. It never waits
 * for anybody. */
#include "daemon/parts.h"
#include "daemon/shipped.h"

#include "core/counter.h"
#include "core/log.h"
#include "core/os_clock.h"
#include "daemon/nightly.h"
#include "daemon/quality.h"
#include "serve/rows.h"

#include <stdio.h>
#include <stdlib.h>

#define TICK_US 1000000
#define SIGN_EVERY_US (HOUR_MS * 1000)
#define SEEN_EVERY_US (MINUTE_MS * 1000)
#define MAINTAIN_EVERY_US (MINUTE_MS * 1000)
#define LAG_WARN_MS (5 * SECOND_MS)

/* ---- messages ---- */

struct fix_msg {
    struct job job;
    struct unit_id unit;
    struct live_unit at;
};

static void
grow(void **rows, uint32_t *n, uint32_t need, size_t size)
{
    if (need <= *n)
        return;
    uint32_t room = need < 64 ? 64 : need + need / 2;
    char *p = realloc(*rows, room * size);
    must(p != NULL);
    memset(p + *n * size, 0, (room - *n) * size);
    *rows = p;
    *n = room;
}

static void
run_fix(struct job *job, struct api_env *env)
{
    struct fix_msg *m = (struct fix_msg *)job;
    struct daemon *d = ((struct house *)env->daemon)->ctx;
    grow(
        (void **)&d->tend_units, &d->tend_units_n, m->unit.v + 1,
        sizeof *d->tend_units);
    if (m->at.fix_ms >= d->tend_units[m->unit.v].fix_ms)
        d->tend_units[m->unit.v] = m->at;
    counter_add(CTR_fixes_received, 1);
    free(m);
}

enum err
tend_fix(
    struct daemon *d, struct span code, struct user_id user, ts_ms at_ms, e7 lon,
    e7 lat, int speed_kmh, int heading_deg, struct note *note)
{
    struct roster *roster = daemon_roster(d);
    const struct unit_row *unit = NULL;
    if (code.n)
        unit = roster_callsign(roster, code);
    else if (user.v)
        unit = roster_crewed(roster, user);
    struct unit_id id = unit ? unit->unit.id : (struct unit_id){0};
    roster_unref(roster);
    if (id.v == 0 && code.n == 0)
        return note_set(
            note, ERR_NOTFOUND, "unit", "you crew no unit now: ask the command centre",
            "您当前未编入警力单元，请联系指挥中心");
    if (id.v == 0)
        return note_fmt(
            note, ERR_NOTFOUND, "unit", "there is no unit with the callsign \"%.*s\"",
            "没有呼号为“%.*s”的警力单元", SPAN_ARG(code));
    struct fix_msg *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    *m = (struct fix_msg){
        {.run = run_fix},
        id,
        {lon, lat, at_ms, (int16_t)speed_kmh, (int16_t)heading_deg}};
    enum err e = mbox_send(daemon_owner(d, OWNER_TEND)->box, &m->job.msg);
    if (e != OK)
        free(m); /* positions come again in a few seconds */
    return e;
}

struct device_msg {
    struct job job;
    struct device_id id;
    bool state, online; /* state: came or went; otherwise it only sent */
    struct device_report report;
    struct feed_faults *faults; /* NULL: none */
    ts_ms at;
};

static void
run_device(struct job *job, struct api_env *env)
{
    struct device_msg *m = (struct device_msg *)job;
    struct daemon *d = ((struct house *)env->daemon)->ctx;
    grow(
        (void **)&d->tend_devices, &d->tend_devices_n, m->id.v + 1,
        sizeof *d->tend_devices);
    struct live_device *dev = &d->tend_devices[m->id.v];
    dev->known = true;
    if (m->state)
        dev->online = m->online;
    bool heard = !m->state || m->online;
    if (heard && m->at > dev->last_ms)
        dev->last_ms = m->at;
    if (!m->state) {
        m->report.faults = m->faults;
        dev->objects += m->report.objects;
        dev->faults += quality_faults(&m->report);
        quality_add(d->quality, m->id, &m->report, m->at, &d->base->zone);
    }
    free(m->faults);
    free(m);
}

static void
tell_device(struct daemon *d, const struct device_msg *what)
{
    struct device_msg *m = malloc(sizeof *m);
    if (!m) {
        free(what->faults);
        return;
    }
    *m = *what;
    m->job = (struct job){.run = run_device};
    if (mbox_send(daemon_owner(d, OWNER_TEND)->box, &m->job.msg) != OK) {
        free(m->faults); /* a flood: the network thread's own counters go on */
        free(m);
    }
}

void
tend_device_state(struct daemon *d, struct device_id id, bool online, ts_ms at)
{
    tell_device(
        d, &(struct device_msg){.id = id, .state = true, .online = online, .at = at});
}

void
tend_device_sent(
    struct daemon *d, struct device_id id, const struct device_report *report, ts_ms at)
{
    struct device_msg m = {.id = id, .report = *report, .at = at};
    m.report.faults = NULL;
    if (report->faults && report->faults->seen) {
        m.faults = malloc(sizeof *m.faults);
        if (m.faults)
            *m.faults = *report->faults;
    }
    tell_device(d, &m);
}

struct sites_msg {
    struct job job;
    struct live_site *sites;
    uint32_t n;
};

static void
run_sites(struct job *job, struct api_env *env)
{
    struct sites_msg *m = (struct sites_msg *)job;
    struct daemon *d = ((struct house *)env->daemon)->ctx;
    free(d->tend_sites);
    d->tend_sites = m->sites;
    d->tend_sites_n = m->n;
    free(m);
}

void
tend_sites(struct daemon *d, struct live_site *sites, uint32_t n)
{
    struct sites_msg *m = calloc(1, sizeof *m);
    if (m) {
        *m = (struct sites_msg){{.run = run_sites}, sites, n};
        if (mbox_send(daemon_owner(d, OWNER_TEND)->box, &m->job.msg) == OK)
            return;
    }
    free(sites);
    free(m);
}

/* ---- once a second ---- */

static void
finding(
    struct house_state *st, enum level level, ts_ms since, const char *en,
    const char *zh)
{
    if (st->findings_n == HOUSE_FINDINGS)
        return;
    struct house_finding *f = &st->findings[st->findings_n++];
    f->level = (uint8_t)level;
    f->since_ms = since;
    snprintf(f->en, sizeof f->en, "%.*s", (int)sizeof f->en - 1, en);
    snprintf(f->zh, sizeof f->zh, "%.*s", (int)sizeof f->zh - 1, zh);
}

struct low_task {
    struct task task;
    bool low;
};

static enum err
low_apply(struct task *t, struct daemon *d)
{
    sight_set_low(d->base->sight, ((struct low_task *)t)->low);
    return OK;
}

static void
free_settled(struct task *t, struct daemon *d, enum err e)
{
    (void)d, (void)e;
    free(t);
}

static void
look_at_disk(struct daemon *d, struct house_state *st, ts_ms now)
{
    enum reserve_state before = reserve_state(d->reserve), after = before;
    if (reserve_look(d->reserve, false, &after) != OK)
        finding(st, LEVEL_RED, now, "the data disk does not answer", "数据盘无响应");
    if ((before == RESERVE_PLENTY) != (after == RESERVE_PLENTY)) {
        bool low = after != RESERVE_PLENTY;
        struct low_task *t = calloc(1, sizeof *t);
        if (t) {
            task_init(&t->task, d, low_apply, free_settled);
            t->low = low;
            task_post(d, OWNER_STORE, &t->task);
        }
        log_event(low ? EV_disk_low : EV_disk_ok, log_w("dir", d->base->dir));
    }
    reserve_space(d->reserve, &st->disk);
    counter_set(CTR_disk_free, st->disk.free_bytes);
    if (after != RESERVE_PLENTY)
        finding(
            st, LEVEL_RED, now,
            "the data disk is nearly full: passes are refused until there is room; "
            "senders retry",
            "数据盘空间不足：暂停接收过车，前端将自动重传");
}

/* After the store: its newest pass says what time it has been. */
static void
look_at_clock(
    struct daemon *d, struct house_state *st, struct health *h,
    const struct sight_health *sh, ts_ms now)
{
    int64_t jump = wall_look(
        &d->wall, now, os_mono_us(), sh->newest_ms, sh->future + sh->ahead + sh->held);
    counter_set(CTR_sightings_ahead, sh->ahead);
    counter_set(CTR_sightings_held, sh->held);
    if (jump)
        log_event(EV_clock_step, log_n("ms", jump));
    h->clock_step_ms = wall_step(&d->wall);
    h->clock_behind_ms = wall_behind(&d->wall);
    if (h->clock_step_ms) {
        char en[160], zh[160];
        double by_s = (double)h->clock_step_ms / 1000;
        snprintf(
            en, sizeof en,
            "the clock of this machine jumped by %.1f s: check its time source", by_s);
        snprintf(zh, sizeof zh, "本机时钟跳变 %.1f 秒，请检查授时", by_s);
        finding(st, LEVEL_ORANGE, d->wall.step_at_ms, en, zh);
    }
    if (h->clock_behind_ms)
        finding(
            st, LEVEL_RED, now,
            sh->held
                ? "the clock of this machine stands before the newest pass: set the "
                  "clock (/health says how far). Passes of the present are put off "
                  "until then: cameras send them again"
                : "the clock of this machine stands before the newest pass: set the "
                  "clock (/health says how far). Passes of the present are taken as "
                  "before it was set back, for a day",
            sh->held ? "本机时钟落后于最新过车记录，请立即校准（/health "
                       "给出落后时长）。校准前暂缓接收当前过车，由前端重传"
                     : "本机时钟落后于最新过车记录，请立即校准（/health "
                       "给出落后时长）。一天内仍按回拨前的时间接收过车");
}

static void
look_at_threads(struct daemon *d, struct house_state *st)
{
    for (int i = 0; i < OWNERS; i++) {
        struct owner *o = &d->owners[i];
        uint64_t busy = o->busy_us;
        o->busy = o->busy * 0.8 + 0.2 * (double)(busy - o->busy_seen_us) / TICK_US;
        o->busy_seen_us = busy;
        st->threads[st->threads_n++] = (struct house_thread){
            .name = o->name,
            .zh = o->zh,
            .en = o->en,
            .queue = (uint32_t)mbox_count(o->box),
            .queue_cap = (uint32_t)o->cap,
            .busy = o->busy < 1 ? o->busy : 1,
        };
    }
}

static void
retention_waits(struct house_state *st, ts_ms now, int64_t days)
{
    char en[200], zh[160];
    snprintf(
        en, sizeof en,
        "%lld days are past their retention at once: they go when the service has run "
        "for a day without a jump of the clock. Check the clock and --keep-days",
        (long long)days);
    snprintf(
        zh, sizeof zh,
        "到期数据达 %lld 天：服务持续运行满一天且时钟未跳变后清除，请检查时钟与 "
        "--keep-days",
        (long long)days);
    finding(st, LEVEL_ORANGE, now, en, zh);
}

/* What the rules could not read they judge when the vehicle passes again: said for an
 * hour after the last time, counted for ever. */
static void
look_at_history(struct daemon *d, struct house_state *st, ts_ms now)
{
    uint64_t failed = counter_get(CTR_rules_history_failed);
    dur_us mono = os_mono_us();
    if (failed != d->history_failed)
        d->history_failed_us = mono;
    d->history_failed = failed;
    if (d->history_failed_us && mono - d->history_failed_us < HOUR_MS * 1000)
        finding(
            st, LEVEL_ORANGE, now,
            "the rules could not read the earlier passes of some vehicles: those "
            "are judged when they pass again; see damaged segments, memory and the log",
            "规则未能读取部分车辆的历史过车，待其再次经过时重新判定；"
            "请查看分段损坏、内存与日志");
}

static void
look_at_store(
    struct daemon *d, struct house_state *st, struct health *h,
    const struct sight_health *sh, ts_ms now)
{
    st->rules_lsn = d->rules_at_lsn;
    bool lag = st->rules_lsn < sh->lsn;
    uint64_t stored = counter_get(CTR_sightings_stored), seen = d->rules_rows;
    h->rules_lag = lag && stored > seen ? stored - seen : 0;
    h->store_failed = d->store_failed;
    h->ledger_failed = d->ledger_failed;
    h->audit_failed = d->audit_failed;
    counter_set(CTR_rules_lag, h->rules_lag);
    counter_set(CTR_segments, sh->segments);
    counter_set(CTR_segments_damaged, sh->quarantined);
    counter_set(
        CTR_store_bytes, sh->segment_bytes + sh->journal_bytes + sh->pack_bytes);
    if (sh->quarantined)
        finding(
            st, LEVEL_RED, now,
            "a sighting segment is damaged and was set aside: restore it from a backup",
            "有过车分段文件损坏并已隔离，请从备份恢复");
    look_at_history(d, st, now);
    if (d->store_failed)
        finding(st, LEVEL_RED, now, "writing sightings fails", "过车数据写入失败");
    if (d->ledger_failed)
        finding(st, LEVEL_RED, now, "writing the ledger fails", "台账写入失败");
    if (d->retention_failed)
        finding(
            st, LEVEL_ORANGE, now,
            "what is past its retention could not be dropped: tried again each hour, "
            "the log says why",
            "超过保存期限的数据未能清除，每小时重试，原因见日志");
    if (d->retention_waits_days)
        retention_waits(st, now, d->retention_waits_days);
    if (d->head_out.ahead.number)
        finding(
            st, LEVEL_RED, now,
            "the audit record does not reach the head kept outside: it was cut, or "
            "this directory is an older copy; the log names the file to compare with",
            "审计记录短于外部留存的记录头：记录已被截断，或数据目录为旧副本；"
            "用于核对的文件见日志");
    if (d->audit_failed)
        finding(
            st, LEVEL_RED, now, "writing the audit chain fails: no look is possible",
            "审计链写入失败：暂停一切轨迹查询");
}

static void
look_at_devices(struct daemon *d, struct house_state *st, struct health *h, ts_ms now)
{
    uint32_t online = 0, offline = 0;
    for (uint32_t i = 0; i < d->tend_devices_n; i++) {
        online += d->tend_devices[i].known && d->tend_devices[i].online;
        offline += d->tend_devices[i].known && !d->tend_devices[i].online;
    }
    h->devices_online = online;
    h->devices_offline = offline;
    counter_set(CTR_devices_online, online);
    counter_set(CTR_devices_offline, offline);
    if (offline) {
        char en[96], zh[96];
        snprintf(en, sizeof en, "%u cameras or senders are offline", offline);
        snprintf(zh, sizeof zh, "%u 台前端设备离线", offline);
        finding(st, LEVEL_YELLOW, now, en, zh);
    }
}

/* What an upgrade left to compare. */
static void
look_at_definitions(
    struct daemon *d, struct house_state *st, struct health *h, ts_ms now)
{
    const char *path;
    if (d->opts.definitions)
        return;
    while ((path = shipped_waits(d->base->dir, h->definitions_new))) {
        char en[200], zh[160];
        h->definitions_new++;
        snprintf(
            en, sizeof en,
            "definitions/%s was changed here: compare it with this release's, %s.new, "
            "take over what you want, remove the .new file and start again",
            path, path);
        snprintf(
            zh, sizeof zh,
            "definitions/%s 已在本地修改：请与新版本 %s.new 比较合并，删除 .new "
            "文件后重启",
            path, path);
        finding(st, LEVEL_YELLOW, now, en, zh);
    }
}

/* The board's trend: one sample each five minutes, the running one renewed. */
static void
sample_sites(
    struct daemon *d, const struct house_state *before, struct house_state *st,
    ts_ms now)
{
    ts_ms step = now / (5 * MINUTE_MS) * (5 * MINUTE_MS);
    struct live *live = daemon_live(d);
    struct site_table *sites = base_sites(d->base);
    uint32_t placed = 0, good = 0;
    for (uint32_t i = 1; i <= sites->n; i++) {
        const struct site *s = &sites->rows[i];
        if (!site_is_placed(s))
            continue;
        placed++;
        good += !rows_site_ails(live, s, now);
    }
    int64_t moved =
        before->step_ms ? (step - before->step_ms) / (5 * MINUTE_MS) : HOUSE_STEPS;
    for (int64_t i = 0; i < HOUSE_STEPS; i++) {
        int64_t from = i + moved;
        st->delivering[i] =
            from >= 0 && from < HOUSE_STEPS ? before->delivering[from] : -1;
    }
    st->delivering[HOUSE_STEPS - 1] =
        placed ? 100.0F * (float)good / (float)placed : -1;
    st->step_ms = step;
    site_table_unref(sites);
    live_unref(live);
}

/* Since when each finding holds: as long as the same sentence stood at the last look.
 */
static void
keep_since(const struct house_state *before, struct house_state *st)
{
    for (unsigned i = 0; i < st->findings_n; i++)
        for (unsigned k = 0; k < before->findings_n; k++)
            if (strcmp(st->findings[i].en, before->findings[k].en) == 0)
                st->findings[i].since_ms = before->findings[k].since_ms;
}

static void
publish_live(struct daemon *d, ts_ms now)
{
    struct live *l = live_new(d->tend_sites_n, d->tend_devices_n, d->tend_units_n);
    if (!l)
        return; /* the last picture stays and shows its age */
    l->as_of_ms = now;
    struct roster *roster = daemon_roster(d);
    if (d->tend_sites_n)
        memcpy(l->sites, d->tend_sites, d->tend_sites_n * sizeof *l->sites);
    if (d->tend_devices_n)
        memcpy(l->devices, d->tend_devices, d->tend_devices_n * sizeof *l->devices);
    if (d->tend_units_n)
        memcpy(l->units, d->tend_units, d->tend_units_n * sizeof *l->units);
    for (size_t i = 0; i < roster->devices_n; i++) {
        const struct device *dev = &roster->devices[i];
        if (dev->site.v == 0 || dev->site.v >= l->sites_n)
            continue;
        l->sites[dev->site.v].devices++;
        l->sites[dev->site.v].devices_online += live_device(l, dev->id)->online;
    }
    roster_unref(roster);
    must(pthread_mutex_lock(&d->lock) == 0);
    struct live *old = d->live;
    d->live = l;
    pthread_mutex_unlock(&d->lock);
    live_unref(old);
}

/* Positions that came since the last second, as the lossy `fix` event. */
static void
publish_fixes(struct daemon *d, ts_ms since)
{
    struct buf b = {0};
    const char *comma = "";
    buf_text(&b, "{\"rows\":[");
    for (uint32_t i = 1; i < d->tend_units_n; i++) {
        const struct live_unit *u = &d->tend_units[i];
        if (u->fix_ms <= since)
            continue;
        buf_fmt(
            &b, "%s{\"unit\":%u,\"lon\":%.7f,\"lat\":%.7f,\"time_ms\":%lld", comma, i,
            u->lon / 1e7, u->lat / 1e7, (long long)u->fix_ms);
        if (u->speed_kmh >= 0)
            buf_fmt(&b, ",\"speed_kmh\":%d", u->speed_kmh);
        if (u->heading_deg >= 0)
            buf_fmt(&b, ",\"heading_deg\":%d", u->heading_deg);
        buf_text(&b, "}");
        comma = ",";
    }
    buf_text(&b, "]}");
    if (*comma && !b.bad) {
        struct event_out ev = {
            .topic = "unit",
            .name = "fix",
            .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR,
            .data = span_of(b.p, b.n),
        };
        serve_publish(d->serve, &ev);
    }
    buf_release(&b);
}

static void
tick(struct daemon *d, ts_ms now)
{
    struct house_state st = {.started_ms = d->started_ms};
    struct health h = {0};
    look_at_disk(d, &st, now);
    look_at_threads(d, &st);
    struct sight_health sh;
    sight_health(d->base->sight, &sh);
    look_at_store(d, &st, &h, &sh, now);
    look_at_clock(d, &st, &h, &sh, now);
    look_at_devices(d, &st, &h, now);
    look_at_definitions(d, &st, &h, now);
    h.disk_free = st.disk.free_bytes;
    h.disk_total = st.disk.total_bytes;
    h.disk_reserve = st.disk.reserve_bytes;
    h.disk_low = reserve_state(d->reserve) != RESERVE_PLENTY;
    h.ok = !h.disk_low && !h.store_failed && !h.ledger_failed && !h.audit_failed;
    publish_live(d, now);
    sample_sites(d, &d->state, &st, now);
    publish_fixes(d, now - 1500);
    must(pthread_mutex_lock(&d->lock) == 0);
    keep_since(&d->state, &st);
    d->state = st;
    d->health = h;
    pthread_mutex_unlock(&d->lock);
}

/* ---- now and then ---- */

/* A full disk has room again: what waited is written at once, not with whatever somebody
 * does next, and the head that could not be signed follows. */
static void
retry_audit(struct daemon *d)
{
    if (d->audit_failed && audit_flush(d->base->audit) == OK) {
        d->audit_failed = false;
        d->signed_us = 0;
    }
}

static void
sign_head(struct daemon *d, ts_ms now, dur_us mono)
{
    struct audit_head head;
    if (d->signed_us && mono - d->signed_us < SIGN_EVERY_US)
        return;
    d->signed_us = mono;
    enum err e = audit_sign(d->base->audit, now, &head);
    d->audit_failed = e != OK;
    if (e == OK) {
        struct note note = {0};
        e = head_out_put(&d->head_out, d->base->audit, &head, now, &note);
        if (e != OK)
            log_note(EV_audit_failed, e, &note);
    }
    if (e == OK)
        log_event(EV_head_published, log_n("record", (int64_t)head.number));
}

struct seen_task {
    struct task task;
    struct live *live; /* units */
    struct live_device *devices;
    uint32_t devices_n;
};

static enum err
seen_apply(struct task *t, struct daemon *d)
{
    struct seen_task *s = (struct seen_task *)t;
    enum err e = OK;
    for (uint32_t i = 1; i < s->devices_n && e == OK; i++)
        if (s->devices[i].known)
            e = ledger_device_seen(
                d->base->ledger, (struct device_id){i}, s->devices[i].last_ms,
                s->devices[i].faults, s->devices[i].objects);
    for (uint32_t i = 1; i < s->live->units_n && e == OK; i++)
        if (s->live->units[i].fix_ms)
            e = ledger_unit_fix(
                d->base->ledger, (struct unit_id){i}, s->live->units[i].lon,
                s->live->units[i].lat, s->live->units[i].fix_ms);
    return e == ERR_NOTFOUND ? OK : e;
}

static void
seen_settled(struct task *t, struct daemon *d, enum err e)
{
    struct seen_task *s = (struct seen_task *)t;
    (void)d, (void)e;
    live_unref(s->live);
    free(s->devices);
    free(t);
}

/* The ledger's row is added to: what was counted since the last time goes with it. */
static void
save_seen(struct daemon *d)
{
    struct seen_task *t = calloc(1, sizeof *t);
    if (!t)
        return;
    t->devices = calloc(d->tend_devices_n + 1, sizeof *t->devices);
    if (!t->devices) {
        free(t);
        return;
    }
    task_init(&t->task, d, seen_apply, seen_settled);
    t->live = daemon_live(d);
    t->devices_n = d->tend_devices_n;
    for (uint32_t i = 0; i < d->tend_devices_n; i++) {
        t->devices[i] = d->tend_devices[i];
        d->tend_devices[i].objects = d->tend_devices[i].faults = 0;
    }
    task_post(d, OWNER_LEDGER, &t->task);
}

/* What devices sent and units said goes to the ledger once a minute. */
static void
save(struct daemon *d, dur_us mono)
{
    if (d->seen_saved_us && mono - d->seen_saved_us < SEEN_EVERY_US)
        return;
    d->seen_saved_us = mono;
    save_seen(d);
    quality_save(d->quality, d);
}

/* Sealing and merging go on also while nothing comes in. */
static enum err
maintain_apply(struct task *t, struct daemon *d)
{
    bool more;
    struct note note = {0};
    (void)t;
    enum err e = sight_maintain(d->base->sight, os_now_ms(), false, &more, &note);
    if (e != OK)
        log_note(EV_store_failed, e, &note);
    return e;
}

static void
maintain(struct daemon *d, dur_us mono)
{
    if (d->maintained_us && mono - d->maintained_us < MAINTAIN_EVERY_US)
        return;
    d->maintained_us = mono;
    struct task *t = calloc(1, sizeof *t);
    if (!t)
        return;
    task_init(t, d, maintain_apply, free_settled);
    task_post(d, OWNER_STORE, t);
}

void *
owner_tend(void *arg)
{
    struct owner *o = arg;
    struct daemon *d = o->d;
    dur_us next = 0;
    for (;;) {
        dur_us wait = next - os_mono_us();
        struct msg *chain = mbox_take_all(o->box, wait > 0 ? wait : 0);
        if (!chain && mbox_closed(o->box)) {
            save_seen(d);
            quality_save(d->quality, d);
            return NULL;
        }
        dur_us began = os_mono_us();
        while (chain) {
            struct job *job = (struct job *)chain;
            chain = chain->next;
            job->run(job, &o->env);
        }
        if (os_mono_us() >= next && !mbox_closed(o->box)) {
            ts_ms now = os_now_ms();
            tick(d, now);
            dur_us mono = os_mono_us();
            retry_audit(d);
            sign_head(d, now, mono);
            save(d, mono);
            maintain(d, mono);
            nightly_look(d, now, mono);
            next = mono + TICK_US;
        }
        o->busy_us += (uint64_t)(os_mono_us() - began);
    }
}
