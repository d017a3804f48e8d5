/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are written straight into the reply: a list of a thousand never becomes a tree.
 */
#include "serve/rows.h"

#include "rules/rule.h"
#include "store/ledger_place.h"

#include <math.h>
#include <stdio.h>

#define SILENT_MS (30 * MINUTE_MS) /* until a site's own habit is learned */
#define LATE_MS MINUTE_MS
#define CLOCK_UNKNOWN_SD_MS 20000u /* so doubtful a clock is not shown */

const char *
rows_level(uint8_t level)
{
    static const char *const names[] = {"blue", "blue", "yellow", "orange", "red"};
    return names[level < 5 ? level : 4];
}

void
rows_words(struct buf *out, double probability)
{
    static const struct {
        double from;
        const char *zh, *en;
    } rows[] = {
        {0.97, "几乎确定", "almost certain"},    {0.8, "很可能", "likely"},
        {0.6, "较可能", "more likely than not"}, {0.4, "可能", "even chance"},
        {0.2, "较不可能", "less likely"},        {0, "不大可能", "unlikely"},
    };
    size_t i = 0;
    while (probability < rows[i].from && i + 1 < sizeof rows / sizeof *rows)
        i++;
    buf_fmt(out, "{\"zh\":\"%s\",\"en\":\"%s\"}", rows[i].zh, rows[i].en);
}

char *
rows_alarm_id(char dst[ALARM_ID_TEXT], struct alarm_id id)
{
    snprintf(dst, ALARM_ID_TEXT, "%016llx", (unsigned long long)id.v);
    return dst;
}

bool
rows_alarm_parse(struct span s, struct alarm_id *out)
{
    uint64_t v = 0;
    if (s.n != 16)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;
        if (digit > 15)
            return false;
        v = v << 4 | digit;
    }
    out->v = v;
    return true;
}

void
rows_lonlat(struct buf *out, int32_t lon, int32_t lat)
{
    if (lon == 0 && lat == 0)
        buf_text(out, "\"lon\":null,\"lat\":null");
    else
        buf_fmt(out, "\"lon\":%.7f,\"lat\":%.7f", lon / 1e7, lat / 1e7);
}

static void
text(struct buf *out, const char *key, const char *value)
{
    buf_fmt(out, "\"%s\":", key);
    buf_json(out, span_cstr(value));
}

/* ,"key":N or null when 0. */
static void
ms_or_null(struct buf *out, const char *key, ts_ms t)
{
    if (t)
        buf_fmt(out, ",\"%s\":%lld", key, (long long)t);
    else
        buf_fmt(out, ",\"%s\":null", key);
}

void
rows_org(struct buf *out, const struct org_table *orgs, struct org_id id)
{
    const struct org *o = org_get(orgs, id);
    if (!o) {
        buf_text(out, "null");
        return;
    }
    buf_fmt(out, "{\"id\":%u,", id.v);
    text(out, "name", o->name);
    buf_text(out, "}");
}

/* ---- sightings ---- */

bool
rows_has_picture(const struct sighting *s)
{
    return span_starts(s->image, SPAN("pack:"));
}

static void
picture_ref(struct buf *out, const struct sighting *s)
{
    char id[SIGHTING_ID_TEXT];
    if (rows_has_picture(s))
        buf_fmt(out, ",\"picture\":\"%s\"", sighting_id_format(id, sighting_id_of(s)));
    else
        buf_text(out, ",\"picture\":null");
}

void
rows_sighting(struct buf *out, const struct sighting *s, const struct site_table *sites)
{
    const struct site *site = site_get(sites, s->site);
    sighting_json(out, s, site ? span_cstr(site->code) : SPAN(""));
    if (out->bad || out->n == 0)
        return;
    out->n--; /* goes on inside the object */
    buf_fmt(out, ",\"site_id\":%u,", s->site.v);
    text(out, "site_name", site ? site->name : "");
    buf_text(out, ",");
    rows_lonlat(out, site ? site->lon : 0, site ? site->lat : 0);
    buf_fmt(out, ",\"received_ms\":%lld", (long long)s->arrive_ms);
    picture_ref(out, s);
    if (s->flags & SIGHTING_BY_HAND)
        buf_text(out, ",\"by_hand\":true");
    if (s->plate_text.n) {
        buf_text(out, ",\"plate_original\":");
        buf_json(out, s->plate_text);
    }
    buf_text(out, "}");
}

/* ---- alarms ---- */

static void
alarm_look(struct buf *out, struct sight_snap *snap, const struct alarm *a)
{
    struct arena arena;
    struct sighting s = {0};
    char code[CODE3_TEXT];
    arena_init(&arena, 1 << 20);
    bool found =
        snap && a->evidence_n && sight_fetch(snap, a->evidence[0].id, &arena, &s) == OK;
    buf_fmt(
        out, ",\"vehicle_class\":\"%s\",\"vehicle_color\":%u",
        found ? code3_format(code, s.vehicle_class) : "", found ? s.vehicle_color : 0);
    if (found)
        picture_ref(out, &s);
    else
        buf_text(out, ",\"picture\":null");
    arena_release(&arena);
}

static void
alarm_title(struct buf *out, const struct alarm *a)
{
    struct buf words = {0};
    buf_text(out, ",\"title\":{\"zh\":");
    desk_alarm_title(&words, a, true);
    buf_json(out, span_of(words.p, words.n));
    buf_clear(&words);
    buf_text(out, ",\"en\":");
    desk_alarm_title(&words, a, false);
    buf_json(out, span_of(words.p, words.n));
    buf_text(out, "}");
    buf_release(&words);
}

static void
alarm_site(struct buf *out, const struct site_table *sites, struct site_id id)
{
    const struct site *site = site_get(sites, id);
    if (!site) {
        buf_text(out, ",\"site\":null");
        return;
    }
    buf_fmt(out, ",\"site\":{\"id\":%u,", id.v);
    text(out, "name", site->name);
    buf_text(out, ",");
    rows_lonlat(out, site->lon, site->lat);
    buf_text(out, "}");
}

void
rows_alarm(
    struct buf *out, struct desk *d, struct sight_snap *snap,
    const struct alarm_row *row)
{
    static const char *const states[] = {"raised", "revised", "withdrawn"};
    const struct alarm *a = &row->alarm;
    char id[ALARM_ID_TEXT], plate[PLATE_TEXT];
    buf_fmt(
        out, "{\"id\":\"%s\",\"kind\":\"%s\",\"level\":\"%s\",\"state\":\"%s\"",
        rows_alarm_id(id, a->id), a->rule, rows_level(a->level), states[a->state]);
    alarm_title(out, a);
    buf_fmt(
        out, ",\"time_ms\":%lld,\"raised_ms\":%lld,\"late_ms\":%lld",
        (long long)a->pass_ms, (long long)row->raised_ms,
        (long long)(a->late_us / 1000));
    alarm_site(out, d->sites, a->site);
    buf_fmt(
        out, ",\"plate\":\"%s\",\"plate_color\":%u", plate_format(plate, a->plate),
        a->plate_color);
    alarm_look(out, snap, a);
    buf_fmt(
        out, ",\"probability\":%.4f,\"passes\":%u", a->probability,
        row->passes ? row->passes : a->evidence_n);
    struct matter m = {0};
    struct desk_env de;
    struct note note;
    bool loaded = row->matter && desk_load(d, row->matter, &m, &note) == OK;
    buf_fmt(
        out, ",\"stop_blocked\":%s,\"matter\":",
        loaded && matter_stop_blocked(&m, d->now) ? "true" : "false");
    if (loaded)
        matter_brief_json(out, &m, desk_env(d, &de));
    else
        buf_text(out, "null");
    buf_text(out, "}");
    matter_release(&m);
}

/* ---- matters ---- */

static void
matter_place(struct buf *out, const struct matter_row *row)
{
    if (!row->place[0] && row->lon == 0 && row->lat == 0) {
        buf_text(out, ",\"place\":null");
        return;
    }
    buf_text(out, ",\"place\":{");
    text(out, "text", row->place);
    buf_text(out, ",");
    rows_lonlat(out, row->lon, row->lat);
    buf_text(out, "}");
}

void
rows_matter(struct buf *out, struct desk *d, const struct matter_row *row)
{
    struct matter m = {0};
    struct desk_env de;
    struct note note;
    bool loaded = desk_load(d, row->id, &m, &note) == OK;
    buf_text(out, "{");
    text(out, "id", row->number);
    buf_text(out, ",");
    text(out, "kind", row->kind);
    buf_text(out, ",");
    text(out, "title", row->title);
    buf_text(out, ",");
    text(out, "state", row->state);
    buf_fmt(
        out, ",\"state_since_ms\":%lld,\"level\":\"%s\",\"opened_ms\":%lld",
        (long long)row->state_since_ms, rows_level(row->level),
        (long long)row->opened_ms);
    ms_or_null(out, "closed_ms", row->closed_ms);
    buf_fmt(
        out, ",\"seq\":%u,\"open\":%s,\"owner\":", row->seq,
        row->open ? "true" : "false");
    if (loaded)
        matter_owner_json(out, &m, desk_env(d, &de));
    else
        buf_text(out, "null");
    buf_text(out, ",\"org\":");
    rows_org(out, d->orgs, row->org);
    char id[ALARM_ID_TEXT];
    if (row->alarm.v)
        buf_fmt(out, ",\"alarm\":\"%s\"", rows_alarm_id(id, row->alarm));
    else
        buf_text(out, ",\"alarm\":null");
    buf_fmt(out, ",\"mode\":\"%s\",\"clock\":", row->drill ? "drill" : "live");
    if (loaded)
        matter_clock_json(out, &m, matter_pressing(&m), d->now);
    else
        buf_text(out, "null");
    matter_place(out, row);
    buf_text(out, "}");
    matter_release(&m);
}

/* ---- units ---- */

static const char *
unit_kind(uint8_t kind)
{
    static const char *const names[] = {"car", "motorcycle", "foot", "tow", "drone"};
    return kind < sizeof names / sizeof *names ? names[kind] : "car";
}

const char *
rows_unit_state(uint8_t status)
{
    static const char *const names[] = {"off",      "free",     "assigned",
                                        "en_route", "on_scene", "busy"};
    return status < sizeof names / sizeof *names ? names[status] : "off";
}

static void
unit_crew(struct buf *out, struct ledger_reader *reader, struct unit_id id)
{
    struct arena a;
    struct user_row *users;
    size_t n;
    const char *comma = "";
    arena_init(&a, 64 << 20);
    buf_text(out, ",\"officers\":[");
    if (ledger_users(reader, &a, &users, &n) == OK)
        for (size_t i = 0; i < n; i++) {
            if (users[i].user.unit.v != id.v || users[i].user.disabled)
                continue;
            buf_fmt(out, "%s{\"id\":%u,", comma, users[i].user.id.v);
            text(out, "name", users[i].user.name);
            buf_text(out, "}");
            comma = ",";
        }
    buf_text(out, "]");
    arena_release(&a);
}

static void
unit_position(struct buf *out, const struct live *live, const struct unit *u)
{
    const struct live_unit *at = live_unit(live, u->id);
    bool fresh = at->fix_ms > u->fix_ms;
    buf_text(out, ",");
    rows_lonlat(out, fresh ? at->lon : u->lon, fresh ? at->lat : u->lat);
    ms_or_null(out, "fix_ms", fresh ? at->fix_ms : u->fix_ms);
    if (fresh && at->speed_kmh >= 0)
        buf_fmt(out, ",\"speed_kmh\":%d", at->speed_kmh);
    else
        buf_text(out, ",\"speed_kmh\":null");
    if (fresh && at->heading_deg >= 0)
        buf_fmt(out, ",\"heading_deg\":%d", at->heading_deg);
    else
        buf_text(out, ",\"heading_deg\":null");
}

void
rows_unit(
    struct buf *out, struct desk *d, const struct live *live,
    const struct unit_row *row)
{
    const struct unit *u = &row->unit;
    buf_fmt(out, "{\"id\":%u,", u->id.v);
    text(out, "callsign", u->callsign);
    buf_fmt(out, ",\"kind\":\"%s\",\"org\":", unit_kind(u->kind));
    rows_org(out, d->orgs, u->org);
    unit_crew(out, d->reader, u->id);
    buf_fmt(out, ",\"state\":\"%s\"", rows_unit_state(u->status));
    unit_position(out, live, u);
    struct matter_row m;
    if (row->matter && ledger_matter_find(d->reader, row->matter, &m) == OK) {
        buf_text(out, ",");
        text(out, "matter", m.number);
    } else {
        buf_text(out, ",\"matter\":null");
    }
    buf_text(out, "}");
}

/* ---- sites ---- */

const char *
rows_vital_name(uint8_t state)
{
    static const char *const names[] = {
        [VITAL_OK] = "ok",
        [VITAL_CLOCK] = "clock",
        [VITAL_DEGRADED] = "degraded",
        [VITAL_SILENT] = "silent"};
    return names[state <= VITAL_SILENT ? state : VITAL_OK];
}

const char *
rows_site_state(const struct live *live, const struct site *s, ts_ms now)
{
    const struct live_site *l = live_site(live, s->id);
    if (!site_is_placed(s))
        return "unplaced";
    if (l->devices && !l->devices_online)
        return "offline";
    if (l->vital.state != VITAL_OK)
        return rows_vital_name(l->vital.state);
    /* Where the habit is known, its judge has spoken. */
    if (l->usual < 0 && now - l->last_arrive_ms > SILENT_MS)
        return "silent";
    return l->late_ms > LATE_MS ? "late" : "ok";
}

bool
rows_site_ails(const struct live *live, const struct site *s, ts_ms now)
{
    const char *state = rows_site_state(live, s, now);
    return strcmp(state, "ok") != 0 && strcmp(state, "late") != 0;
}

static void
both(struct buf *out, const char *zh, const char *en)
{
    buf_text(out, "{\"zh\":");
    buf_json(out, span_cstr(zh));
    buf_text(out, ",\"en\":");
    buf_json(out, span_cstr(en));
    buf_text(out, "}");
}

void
rows_vital_text(struct buf *out, const struct vital_site *v, ts_ms now)
{
    char zh[200] = "", en[200] = "";
    double clock_s = fabs(v->clock_ms / 1000.0), sd_s = v->clock_sd_ms / 1000.0;
    long long min = (long long)((now - v->since_ms) / MINUTE_MS);
    switch (v->state) {
    case VITAL_SILENT:
        snprintf(
            zh, sizeof zh,
            "已 %lld 分钟没有过车，平时此时每小时 %.0f 辆，应有约 %.0f 辆", min,
            (double)v->usual, (double)v->expected);
        snprintf(
            en, sizeof en,
            "no pass for %lld min; usually %.0f an hour now, so about %.0f are missing",
            min, (double)v->usual, (double)v->expected);
        break;
    case VITAL_DEGRADED:
        snprintf(
            zh, sizeof zh, "近期 %.0f%% 的过车没有完整号牌，平时为 %.1f%%",
            v->unread * 100.0, v->usual * 100.0);
        snprintf(
            en, sizeof en,
            "%.0f %% of the last reads have no whole plate; usually %.1f %%",
            v->unread * 100.0, v->usual * 100.0);
        break;
    case VITAL_CLOCK:
        if (v->clock_sd_ms) {
            snprintf(
                zh, sizeof zh, "时钟%s %.1f 秒（±%.1f），由车辆行程时间推得",
                v->clock_ms > 0 ? "偏快" : "偏慢", clock_s, sd_s);
            snprintf(
                en, sizeof en,
                "its clock is %.1f s %s (± %.1f), learned from travel times", clock_s,
                v->clock_ms > 0 ? "fast" : "slow", sd_s);
        } else {
            snprintf(zh, sizeof zh, "过车时间超前于本机 %.1f 秒：时钟偏快", clock_s);
            snprintf(
                en, sizeof en,
                "passes come from %.1f s in the future: its clock is fast", clock_s);
        }
        break;
    default:
        buf_text(out, "null");
        return;
    }
    both(out, zh, en);
}

/* Why the state is as it is, in words; null when the word says it all. */
static void
site_reason(struct buf *out, const struct live_site *l, const char *state, ts_ms now)
{
    char zh[200], en[200];
    long long min = (long long)((now - l->last_arrive_ms) / MINUTE_MS);
    if (strcmp(state, "offline") == 0) {
        snprintf(zh, sizeof zh, "%u 台前端设备心跳中断", l->devices);
        snprintf(en, sizeof en, "%u devices have missed their heartbeats", l->devices);
        both(out, zh, en);
    } else if (strcmp(state, "late") == 0) {
        snprintf(
            zh, sizeof zh, "记录平均晚到 %lld 秒", (long long)(l->late_ms / SECOND_MS));
        snprintf(
            en, sizeof en, "records come %lld s late on average",
            (long long)(l->late_ms / SECOND_MS));
        both(out, zh, en);
    } else if (strcmp(state, "silent") == 0 && l->vital.state != VITAL_SILENT) {
        snprintf(
            zh, sizeof zh,
            l->last_arrive_ms ? "已 %lld 分钟没有过车，平时流量尚未学得"
                              : "本次启动以来没有过车",
            min);
        snprintf(
            en, sizeof en,
            l->last_arrive_ms
                ? "no pass for %lld min; its usual flow is not learned yet"
                : "no pass since the start of this server",
            min);
        both(out, zh, en);
    } else {
        rows_vital_text(out, &l->vital, now);
    }
}

static const char *
site_kind(uint8_t kind)
{
    static const char *const names[] = {
        "camera", "gantry", "detector", "mobile", "rsu"};
    return kind < sizeof names / sizeof *names ? names[kind] : "camera";
}

static void
site_directions(struct buf *out, uint16_t directions)
{
    static const int heading[] = {0, 90, 270, 180, 0, 45, 225, 135, 315, 0};
    int first = 0;
    const char *comma = "";
    for (int k = 1; k < 10; k++)
        if (!first && directions >> k & 1)
            first = k;
    if (first && first < 9)
        buf_fmt(out, ",\"heading_deg\":%d", heading[first]);
    else
        buf_text(out, ",\"heading_deg\":null");
    buf_text(out, ",\"directions\":[");
    for (int k = 1; k < 10; k++)
        if (directions >> k & 1) {
            buf_fmt(out, "%s%d", comma, k);
            comma = ",";
        }
    buf_text(out, "]");
}

/* Read rate of the moment while it is bad, else of today, or of the learned days while
 * today is young; misreads; the clock.
 */
static void
site_learned(struct buf *out, const struct live_site *l, const struct site_model *m)
{
    if (l->vital.state == VITAL_DEGRADED)
        buf_fmt(out, ",\"read_rate\":%.4f", 1 - (double)l->vital.unread);
    else if (l->today >= 20)
        buf_fmt(out, ",\"read_rate\":%.4f", 1 - (double)l->unread / l->today);
    else if (m)
        buf_fmt(out, ",\"read_rate\":%.4f", 1 - (double)m->unread);
    else
        buf_text(out, ",\"read_rate\":null");
    if (m)
        buf_fmt(
            out, ",\"misread_rate\":%.5f,\"clock_error_ms\":%d,\"clock_sd_ms\":%u",
            (double)m->misread, m->offset_ms, m->offset_sd_ms);
    else
        buf_text(
            out, ",\"misread_rate\":null,\"clock_error_ms\":null,\"clock_sd_ms\":null");
}

void
rows_site(
    struct buf *out, const struct org_table *orgs, const struct live *live,
    const struct model *model, const struct site *site, ts_ms now)
{
    const struct live_site *l = live_site(live, site->id);
    buf_fmt(out, "{\"id\":%u,", site->id.v);
    text(out, "code", site->code);
    buf_text(out, ",");
    text(out, "name", site->name);
    buf_fmt(out, ",\"kind\":\"%s\",", site_kind(site->kind));
    rows_lonlat(out, site->lon, site->lat);
    site_directions(out, site->directions);
    buf_fmt(out, ",\"lanes\":%u", site->lanes);
    if (site->limit_kmh)
        buf_fmt(out, ",\"limit_kmh\":%u", site->limit_kmh);
    else
        buf_text(out, ",\"limit_kmh\":null");
    buf_text(out, ",\"org\":");
    rows_org(out, orgs, site->org);
    const char *state = rows_site_state(live, site, now);
    buf_fmt(out, ",\"state\":\"%s\",\"reason\":", state);
    site_reason(out, l, state, now);
    ms_or_null(out, "since_ms", l->vital.since_ms);
    ms_or_null(out, "last_pass_ms", l->last_pass_ms);
    buf_fmt(out, ",\"flow\":%u,\"flow_usual\":", l->flow);
    if (l->usual >= 0 && l->last_arrive_ms)
        buf_fmt(out, "%.1f", (double)l->usual);
    else
        buf_text(out, "null");
    const struct site_model *m = model ? model_site(model, site->id) : NULL;
    site_learned(out, l, m && m->reads ? m : NULL);
    buf_fmt(
        out, ",\"devices\":%u,\"devices_online\":%u}", l->devices, l->devices_online);
}

/* ---- devices, vehicles ---- */

bool
rows_unit_state_parse(struct span s, uint8_t *out)
{
    for (uint8_t i = UNIT_OFF; i <= UNIT_BUSY; i++)
        if (span_eq_cstr(s, rows_unit_state(i))) {
            *out = i;
            return true;
        }
    return false;
}

void
rows_device(
    struct buf *out, const struct site_table *sites, const struct live *live,
    const struct device *row)
{
    const struct live_device *l = live_device(live, row->id);
    const struct site *site = site_get(sites, row->site);
    const char *state = row->disabled  ? "disabled"
                        : l->known     ? (l->online ? "online" : "offline")
                        : row->last_ms ? "offline"
                                       : "never";
    buf_fmt(out, "{\"id\":%u,", row->id.v);
    text(out, "code", row->code);
    buf_text(out, ",");
    text(out, "name", row->name);
    buf_text(out, ",");
    text(out, "kind", row->kind);
    buf_text(out, ",\"site\":");
    if (site) {
        buf_fmt(out, "{\"id\":%u,", site->id.v);
        text(out, "name", site->name);
        buf_text(out, "}");
    } else {
        buf_text(out, "null");
    }
    buf_fmt(out, ",\"state\":\"%s\"", state);
    ms_or_null(out, "last_ms", l->last_ms > row->last_ms ? l->last_ms : row->last_ms);
    buf_fmt(
        out, ",\"faults\":%llu,\"objects\":%llu,",
        (unsigned long long)(row->faults + l->faults),
        (unsigned long long)(row->objects + l->objects));
    text(out, "protocol", row->protocol);
    buf_text(out, "}");
}

void
rows_vehicle(
    struct buf *out, const struct vehicle_index *registry, const struct vehicle *v,
    const struct zone *zone)
{
    char plate[PLATE_TEXT], code[CODE3_TEXT];
    if (!v) {
        buf_text(out, "null");
        return;
    }
    buf_text(out, "{");
    text(out, "plate", plate_format(plate, v->plate));
    buf_fmt(
        out, ",\"plate_color\":%u,\"plate_class\":\"%02u\",\"vehicle_class\":\"%s\"",
        v->plate_color, v->plate_class, code3_format(code, v->vehicle_class));
    buf_fmt(
        out, ",\"brand\":\"%s\",\"vehicle_color\":%u,\"status\":[",
        code3_format(code, v->brand), v->vehicle_color);
    const char *comma = "";
    for (int i = 0; i < 26; i++)
        if (v->status >> i & 1) {
            buf_fmt(out, "%s\"%c\"", comma, 'A' + i);
            comma = ",";
        }
    char use[] = {v->use_nature ? v->use_nature : 0, 0};
    buf_text(out, "],");
    text(out, "use_nature", use);
    ms_or_null(
        out, "inspection_ms",
        v->inspection_day ? civil_day_start(v->inspection_day, zone) : 0);
    ms_or_null(out, "scrap_ms", v->scrap_day ? civil_day_start(v->scrap_day, zone) : 0);
    buf_text(out, ",\"owner\":");
    buf_json(out, vehicle_owner(registry, v->owner));
    buf_text(out, ",\"picture\":null}");
}

/* ---- events ---- */

#define LOOKERS (ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR)

static bool
alarm_event(
    struct desk *d, const struct house *house, struct alarm_id id, struct buf *data,
    struct event_out *ev)
{
    struct alarm_row row;
    if (ledger_alarm_find(d->reader, id, &row) != OK)
        return false;
    struct sight_snap *snap = house->sight ? sight_snapshot(house->sight) : NULL;
    rows_alarm(data, d, snap, &row);
    sight_snap_free(snap);
    const struct site *site = site_get(d->sites, row.alarm.site);
    ev->topic = ev->name = "alarm";
    ev->roles = LOOKERS;
    ev->org = site ? site->org : (struct org_id){0};
    struct matter_row m;
    if (row.matter && ledger_matter_find(d->reader, row.matter, &m) == OK)
        ev->unit = m.owner_unit;
    return true;
}

static bool
matter_event(struct desk *d, uint64_t id, struct buf *data, struct event_out *ev)
{
    struct matter_row row;
    if (ledger_matter_find(d->reader, id, &row) != OK)
        return false;
    rows_matter(data, d, &row);
    ev->topic = ev->name = "matter";
    ev->roles = LOOKERS;
    ev->org = row.org;
    ev->unit = row.owner_unit;
    return true;
}

static bool
unit_event(
    struct desk *d, const struct house *house, uint64_t id, struct buf *data,
    struct event_out *ev)
{
    struct unit_row row;
    if (ledger_unit_find(d->reader, (struct unit_id){(uint32_t)id}, &row) != OK)
        return false;
    struct live *live = house->live(house->ctx);
    rows_unit(data, d, live, &row);
    live_unref(live);
    ev->topic = ev->name = "unit";
    ev->roles = LOOKERS;
    ev->org = row.unit.org;
    return true;
}

static bool
site_event(
    struct desk *d, const struct house *house, uint64_t id, struct buf *data,
    struct event_out *ev)
{
    const struct site *site = site_get(d->sites, (struct site_id){(uint32_t)id});
    if (!site)
        return false;
    struct live *live = house->live(house->ctx);
    struct model *model = house->model(house->ctx);
    rows_site(data, d->orgs, live, model, site, d->now);
    model_unref(model);
    live_unref(live);
    ev->topic = ev->name = "site";
    ev->roles = LOOKERS | ROLE_ADMIN;
    ev->org = site->org;
    return true;
}

bool
rows_event(
    struct desk *d, const struct house *house, const struct ledger_entry *entry,
    struct buf *data, struct event_out *ev)
{
    *ev = (struct event_out){.journal = entry->n};
    bool told = false;
    switch (entry->topic) {
    case TOPIC_ALARM:
        told = alarm_event(d, house, (struct alarm_id){entry->object}, data, ev);
        break;
    case TOPIC_MATTER:
        told = matter_event(d, entry->object, data, ev);
        break;
    case TOPIC_UNIT:
        told = unit_event(d, house, entry->object, data, ev);
        break;
    case TOPIC_SITE:
    case TOPIC_VITAL:
        told = site_event(d, house, entry->object, data, ev);
        break;
    default:
        break;
    }
    ev->data = span_of(data->p, data->n);
    return told;
}
