/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are written straight into the reply: a list of a thousand never becomes a tree.
 */
#include "serve/rows.h"

#include "store/ledger_place.h"

#include <stdio.h>

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

void
rows_text(struct buf *out, const char *key, const char *value)
{
    buf_fmt(out, "\"%s\":", key);
    buf_json(out, span_cstr(value));
}

void
rows_ms(struct buf *out, const char *key, ts_ms t)
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
    rows_text(out, "name", o->name);
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
    rows_text(out, "site_name", site ? site->name : "");
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

void
rows_alarm_title(struct buf *out, const struct alarm *a)
{
    struct buf words = {0};
    buf_text(out, "{\"zh\":");
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
    rows_text(out, "name", site->name);
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
    buf_text(out, ",\"title\":");
    rows_alarm_title(out, a);
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
    rows_text(out, "text", row->place);
    buf_text(out, ",");
    rows_lonlat(out, row->lon, row->lat);
    buf_text(out, "}");
}

void
rows_matter_title(struct buf *out, struct desk *d, const struct matter_row *row)
{
    struct alarm_row a;
    if (row->alarm.v && ledger_alarm_find(d->reader, row->alarm, &a) == OK) {
        rows_alarm_title(out, &a.alarm);
        return;
    }
    buf_text(out, "{");
    rows_text(out, "zh", row->title);
    buf_text(out, ",");
    rows_text(out, "en", row->title);
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
    rows_text(out, "id", row->number);
    buf_text(out, ",");
    rows_text(out, "kind", row->kind);
    buf_text(out, ",");
    rows_text(out, "title", row->title);
    buf_text(out, ",\"title_text\":");
    rows_matter_title(out, d, row);
    buf_text(out, ",");
    rows_text(out, "state", row->state);
    buf_fmt(
        out, ",\"state_since_ms\":%lld,\"level\":\"%s\",\"opened_ms\":%lld",
        (long long)row->state_since_ms, rows_level(row->level),
        (long long)row->opened_ms);
    rows_ms(out, "closed_ms", row->closed_ms);
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
            rows_text(out, "name", users[i].user.name);
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
    rows_ms(out, "fix_ms", fresh ? at->fix_ms : u->fix_ms);
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
    rows_text(out, "callsign", u->callsign);
    buf_fmt(out, ",\"kind\":\"%s\",\"org\":", unit_kind(u->kind));
    rows_org(out, d->orgs, u->org);
    unit_crew(out, d->reader, u->id);
    buf_fmt(out, ",\"state\":\"%s\"", rows_unit_state(u->status));
    unit_position(out, live, u);
    struct matter_row m;
    if (row->matter && ledger_matter_find(d->reader, row->matter, &m) == OK) {
        buf_text(out, ",");
        rows_text(out, "matter", m.number);
    } else {
        buf_text(out, ",\"matter\":null");
    }
    buf_text(out, "}");
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
    rows_text(out, "code", row->code);
    buf_text(out, ",");
    rows_text(out, "name", row->name);
    buf_text(out, ",");
    rows_text(out, "kind", row->kind);
    buf_text(out, ",\"site\":");
    if (site) {
        buf_fmt(out, "{\"id\":%u,", site->id.v);
        rows_text(out, "name", site->name);
        buf_text(out, "}");
    } else {
        buf_text(out, "null");
    }
    buf_fmt(out, ",\"state\":\"%s\"", state);
    rows_ms(out, "last_ms", l->last_ms > row->last_ms ? l->last_ms : row->last_ms);
    buf_fmt(
        out, ",\"faults\":%llu,\"objects\":%llu,",
        (unsigned long long)(row->faults + l->faults),
        (unsigned long long)(row->objects + l->objects));
    rows_text(out, "protocol", row->protocol);
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
    rows_text(out, "plate", plate_format(plate, v->plate));
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
    rows_text(out, "use_nature", use);
    rows_ms(
        out, "inspection_ms",
        v->inspection_day ? civil_day_start(v->inspection_day, zone) : 0);
    rows_ms(out, "scrap_ms", v->scrap_day ? civil_day_start(v->scrap_day, zone) : 0);
    buf_text(out, ",\"owner\":");
    buf_json(out, vehicle_owner(registry, v->owner));
    buf_text(out, ",\"picture\":null}");
}
