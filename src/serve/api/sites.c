/* SPDX-License-Identifier: Apache-2.0 */
/* Sites (点位): list, one, its flow, and where it stands. */
#include "serve/api_kit.h"
#include "serve/site_flow.h"
#include "store/ledger_place.h"

#include <math.h>

static bool
matches(const struct site *s, struct span q)
{
    if (!q.n)
        return true;
    return memmem(s->name, strlen(s->name), q.p, q.n) ||
           memmem(s->code, strlen(s->code), q.p, q.n) ||
           memmem(s->road, strlen(s->road), q.p, q.n);
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    kit_open(&k, env, r);
    struct model *model = k.house->model(k.house->ctx);
    int64_t limit = api_int(r, "limit", 100), shown = 0;
    uint64_t from = 1;
    struct span cursor = api_text(r, "cursor"), q = api_text(r, "q"),
                state = api_text(r, "state");
    char next[24] = "";
    if (cursor.n && (!span_u64(cursor, &from) || from == 0)) {
        model_unref(model);
        kit_close(&k);
        return req_refuse(r, REFUSE_BAD_REQUEST, "cursor", NULL, NULL);
    }
    api_list_open(r);
    for (uint32_t i = (uint32_t)from; i <= k.sites->n && !next[0]; i++) {
        const struct site *s = site_get(k.sites, (struct site_id){i});
        if (!s || !matches(s, q) || (s->org.v && !api_sees(r, k.orgs, s->org)))
            continue;
        if (state.n && !span_eq_cstr(state, rows_site_state(k.live, s, k.desk.now)))
            continue;
        if (shown == limit) {
            snprintf(next, sizeof next, "%u", i);
            continue;
        }
        api_list_row(r);
        rows_site(req_out(r), k.orgs, k.live, model, s, k.desk.now);
        shown++;
    }
    api_list_close(r, span_cstr(next), k.live->as_of_ms);
    model_unref(model);
    kit_close(&k);
    return OK;
}

static const struct site *
asked(struct req *r, struct kit *k)
{
    const struct site *s =
        site_get(k->sites, (struct site_id){(uint32_t)api_int(r, "id", 0)});
    return s && (!s->org.v || api_sees(r, k->orgs, s->org)) ? s : NULL;
}

static void
device_rows(struct buf *out, struct kit *k, struct arena *a, struct site_id site)
{
    struct device *rows;
    size_t n;
    const char *comma = "";
    buf_text(out, ",\"device_list\":[");
    if (ledger_devices(k->desk.reader, a, &rows, &n) != OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].site.v != site.v)
            continue;
        buf_text(out, comma);
        rows_device(out, k->sites, k->live, &rows[i]);
        comma = ",";
    }
    buf_text(out, "]");
}

static enum err
flow(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    const int64_t step = SIGHT_FLOW_MS;
    struct site_flow_ask ask = {
        .from = api_int(r, "from_ms", 0) / step * step, .to = api_int(r, "to_ms", 0)};
    kit_open(&k, env, r);
    const struct site *s = asked(r, &k);
    enum err e = OK;
    if (!s)
        e = req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    else if (ask.to <= ask.from || ask.to - ask.from > SITE_FLOW_MAX_MS)
        e = req_refuse(
            r, REFUSE_BAD_REQUEST, "to_ms",
            "the end must lie behind the beginning, at most 8 days",
            "结束时间须晚于开始时间，且不超过 8 天");
    if (s && ask.to > ask.from && ask.to - ask.from <= SITE_FLOW_MAX_MS) {
        struct model *model = k.house->model(k.house->ctx);
        arena_init(&a, 64 << 20);
        ask.site = s->id;
        ask.now = k.desk.now;
        ask.model = model;
        ask.live = k.live;
        e = site_flow_json(k.house, &ask, &a, req_out(r));
        arena_release(&a);
        model_unref(model);
    }
    kit_close(&k);
    return e;
}

/* ---- the last days ---- */

#define SPELL_DAYS 7
#define SPELLS 50

/* Changes of its health, newest first, as the journal holds them. */
static void
spell_rows(struct buf *out, struct kit *k, struct arena *a, struct site_id site)
{
    static const char *const levels[] = {
        [VITAL_OK] = "blue",
        [VITAL_CLOCK] = "yellow",
        [VITAL_DEGRADED] = "yellow",
        [VITAL_SILENT] = "orange"};
    struct ledger_entry *rows;
    size_t n, shown = 0;
    uint32_t after = (uint32_t)((k->desk.now - SPELL_DAYS * DAY_MS) / MINUTE_MS);
    buf_text(out, ",\"health\":[");
    if (ledger_journal_of(k->desk.reader, TOPIC_VITAL, site.v, after, a, &rows, &n) !=
        OK)
        n = 0;
    for (size_t i = n; i-- > 0 && shown < SPELLS;) {
        struct vital_site v;
        if (vital_decode(rows[i].payload, &v) != OK)
            continue;
        buf_fmt(
            out, "%s{\"at_ms\":%lld,\"level\":\"%s\",\"state\":\"%s\",\"text\":",
            shown++ ? "," : "", (long long)rows[i].at_ms, levels[v.state],
            rows_vital_name(v.state));
        if (v.state == VITAL_OK)
            buf_text(out, "{\"zh\":\"恢复正常\",\"en\":\"well again\"}");
        else
            rows_vital_text(out, &v, v.said_ms);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

/* Its learned days, oldest first: clock, reading, flow. */
static void
past_rows(
    struct buf *out, const struct zone *z, const struct model *model,
    struct site_id site)
{
    const struct site_habit *h = model_habit(model, site);
    buf_text(out, ",\"days\":[");
    for (uint32_t i = 0; h && i < h->past_n; i++) {
        const struct habit_past *p = &h->past[i];
        buf_fmt(
            out,
            "%s{\"day_ms\":%lld,\"passes\":%u,\"read_rate\":%.4f,"
            "\"clock_error_ms\":",
            i ? "," : "", (long long)civil_day_start(p->day, z), p->reads,
            1 - (double)p->unread);
        if (p->offset_sd_ms)
            buf_fmt(out, "%d,\"clock_sd_ms\":%u}", p->offset_ms, p->offset_sd_ms);
        else
            buf_text(out, "null,\"clock_sd_ms\":null}");
    }
    buf_text(out, "]");
}

static enum err
one(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct outcome_stat stat = {0};
    kit_open(&k, env, r);
    const struct site *s = asked(r, &k);
    if (!s) {
        kit_close(&k);
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    }
    struct model *model = k.house->model(k.house->ctx);
    struct buf *out = req_out(r);
    arena_init(&a, 64 << 20);
    rows_site(out, k.orgs, k.live, model, s, k.desk.now);
    out->n--;
    const struct live_site *l = live_site(k.live, s->id);
    if (l->last_arrive_ms)
        buf_fmt(out, ",\"late_ms_p95\":%lld", (long long)l->late_ms);
    else
        buf_text(out, ",\"late_ms_p95\":null");
    enum err e = ledger_outcomes(env->reader, SPAN(""), s->id, SPAN(""), &stat);
    uint32_t closed = stat.good + stat.bad;
    if (closed)
        buf_fmt(
            out, ",\"precision\":{\"value\":%.4f,\"closed\":%u}",
            (double)stat.good / closed, closed);
    else
        buf_text(out, ",\"precision\":{\"value\":null,\"closed\":0}");
    buf_fmt(
        out, ",\"muted\":%s,\"model\":%u",
        closed >= 20 && stat.good * 2 < closed ? "true" : "false",
        model ? model_number(model) : 0);
    spell_rows(out, &k, &a, s->id);
    past_rows(out, &k.house->zone, model, s->id);
    device_rows(out, &k, &a, s->id);
    buf_text(out, "}");
    arena_release(&a);
    model_unref(model);
    kit_close(&k);
    return e;
}

static enum err
change(struct req *r, struct api_env *env)
{
    struct kit k;
    kit_open(&k, env, r);
    const struct site *old = asked(r, &k);
    enum err e = old ? OK : req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    struct site s = old ? *old : (struct site){0};
    if (e == OK && api_has(r, "name") &&
        !span_copy(s.name, sizeof s.name, api_text(r, "name")))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "name", NULL, NULL);
    if (api_has(r, "lon") != api_has(r, "lat") && e == OK)
        e = req_refuse(
            r, REFUSE_BAD_REQUEST, "lat", "a position needs lon and lat",
            "位置须同时给出 lon 与 lat");
    if (api_has(r, "lon")) {
        s.lon = (e7)lround(api_number(r, "lon", 0) * 1e7);
        s.lat = (e7)lround(api_number(r, "lat", 0) * 1e7);
    }
    s.limit_kmh = (uint8_t)api_int(r, "limit_kmh", s.limit_kmh);
    if (api_has(r, "org"))
        s.org.v = (uint32_t)api_int(r, "org", 0);
    if (e == OK && s.org.v && !org_get(k.orgs, s.org))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "org", NULL, NULL);
    if (e == OK)
        e = ledger_site_put(env->ledger, &s);
    if (e == OK)
        e = kit_told(env, r, TOPIC_SITE, s.id.v);
    if (e == OK) {
        api_audit(r, span_cstr(s.code), SPAN(""));
        rows_site(req_out(r), k.orgs, k.live, NULL, &s, k.desk.now);
    }
    kit_close(&k);
    return e;
}

#define SITE_ROLES (KIT_LOOKERS | ROLE_ADMIN)

static const struct api_value list_params[] = {
    {"state", API_WORD, 0, 0, false, false,
     "ok|late|clock|degraded|silent|offline|unplaced", NULL, "状态", "state"},
    {"q", API_TEXT, 1, 64, false, false, NULL, NULL, "名称、编码或道路",
     "part of name, code or road"},
    API_LIMIT_ROWS(10000),
    {0},
};
static const struct api_value one_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "点位", "site"},
    {0},
};
static const struct api_value flow_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "点位", "site"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, true, false, NULL, NULL, "截止", "to"},
    {0},
};
static const struct api_value change_body[] = {
    {"name", API_TEXT, 1, 90, false, false, NULL, NULL, "名称", "name"},
    {"lon", API_NUMBER, -180, 180, false, false, NULL, NULL, "经度", "longitude"},
    {"lat", API_NUMBER, -90, 90, false, false, NULL, NULL, "纬度", "latitude"},
    {"limit_kmh", API_INT, 5, 200, false, true, NULL, NULL, "限速", "speed limit"},
    {"org", API_INT, 1, 4e9, false, false, NULL, NULL, "所属单位",
     "unit of the organisation"},
    {0},
};

static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/sites",
     .roles = SITE_ROLES,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of Site",
     .zh = "点位列表",
     .en = "sites with health",
     .fn = list},
    {.method = METHOD_GET,
     .path = "/sites/{id}",
     .roles = SITE_ROLES,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = one_params,
     .reply = "SiteWhole",
     .zh = "单个点位",
     .en = "one site",
     .fn = one},
    {.method = METHOD_POST,
     .path = "/sites/{id}",
     .roles = ROLE_ADMIN,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = one_params,
     .body = change_body,
     .reply = "Site",
     .zh = "修改点位",
     .en = "place or rename a site",
     .fn = change},
    {.method = METHOD_GET,
     .path = "/sites/{id}/flow",
     .roles = SITE_ROLES,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = flow_params,
     .reply = "Flow",
     .zh = "点位流量",
     .en = "flow per 5 minutes",
     .fn = flow},
    {0},
};
const struct api api_sites = {"点位", "sites", routes};
