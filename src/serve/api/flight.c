/* SPDX-License-Identifier: Apache-2.0 */
/* Hit-and-run (肇事逃逸): the funnel from a place and a span of time to the few
 * vehicles that can have been there. */
#include "serve/api_kit.h"
#include "serve/funnel.h"
#include "store/ledger_look.h"

static enum err
written(struct req *r, struct api_env *env)
{
    struct look_row *row = *api_keep(r);
    return ledger_look_put(env->ledger, row);
}

static enum err
read_ask(struct req *r, const struct kit *k, struct funnel_ask *q)
{
    q->plate = api_text(r, "plate");
    q->damage = api_text(r, "damage");
    q->site.v = (uint32_t)api_int(r, "site", 0);
    q->flight = (struct flight_ask){
        .lon = (int32_t)(api_number(r, "lon", 0) * 1e7),
        .lat = (int32_t)(api_number(r, "lat", 0) * 1e7),
        .vehicle_color = (uint8_t)api_int(r, "vehicle_color", 0),
        .limit = (size_t)api_int(r, "limit", FLIGHT_LIMIT),
    };
    if (!code3_parse(api_text(r, "vehicle_class"), &q->flight.vehicle_class))
        return req_refuse(r, REFUSE_BAD_REQUEST, "vehicle_class", NULL, NULL);
    if (!code3_parse(api_text(r, "brand"), &q->flight.brand))
        return req_refuse(r, REFUSE_BAD_REQUEST, "brand", NULL, NULL);
    if (q->site.v && !site_get(k->sites, q->site))
        return req_refuse(r, REFUSE_BAD_REQUEST, "site", NULL, NULL);
    if (!q->site.v && (!api_has(r, "lon") || !api_has(r, "lat")))
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "lon", "say where: lon and lat, or a site",
            "请给出经纬度或点位");
    return OK;
}

static void
answer_json(
    struct req *r, const struct kit *k, const struct funnel_ask *q,
    const struct flight *f, const struct look_row *row)
{
    struct buf *out = req_out(r);
    const struct site *s = site_get(k->sites, q->site);
    buf_fmt(
        out, "{\"n\":%llu,\"at_ms\":%lld,\"count\":%zu,\"matter\":",
        (unsigned long long)row->number, (long long)row->at_ms, f->n);
    if (api_text(r, "matter").n)
        buf_json(out, api_text(r, "matter"));
    else
        buf_text(out, "null");
    buf_fmt(
        out,
        ",\"purpose\":\"%s\",\"from_ms\":%lld,\"to_ms\":%lld,\"lon\":%.7f,\"lat\":%.7f,"
        "\"damage\":",
        row->purpose, (long long)q->who.from_ms, (long long)q->who.to_ms,
        (s ? s->lon : q->flight.lon) / 1e7, (s ? s->lat : q->flight.lat) / 1e7);
    buf_json(out, q->damage.n ? q->damage : SPAN(""));
    buf_text(out, ",");
    funnel_json(out, f, k->sites, k->live, k->orgs, api_user(r)->org);
    buf_text(out, "}");
}

static enum err
ask(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena arena;
    struct flight f;
    struct funnel_ask q = {0};
    bool recorded = false;
    struct look_row *row = ARENA_NEW(req_arena(r), struct look_row);
    if (!row)
        return ERR_TOOBIG;
    *api_keep(r) = row;
    kit_open(&k, env, r);
    arena_init(&arena, 512 << 20);
    enum err e = read_ask(r, &k, &q);
    if (e == OK)
        e = kit_who(r, env, LOOK_ANALYSIS, &q.who);
    if (e == OK) {
        e = funnel_run(k.house, env->reader, &q, &arena, &f, row, req_note(r));
        recorded = e != ERR_INPUT;
    }
    if (e == ERR_DENIED && req_note(r)->code[0])
        e = kit_look_refused(r, looks_refusal(req_note(r)->code));
    if (e == OK) {
        answer_json(r, &k, &q, &f, row);
        e = api_then(r, ON_LEDGER, written);
    }
    if (recorded)
        api_looked(r);
    arena_release(&arena);
    kit_close(&k);
    return e;
}

static const struct api_value ask_body[] = {
    {"matter", API_TEXT, 1, 40, false, true, NULL, NULL, "事项编号",
     "number of an open matter"},
    {"purpose", API_TEXT, 1, 24, false, true, NULL, NULL, "事由",
     "code of the purpose"},
    {"lon", API_NUMBER, -180, 180, false, true, NULL, NULL, "经度", "longitude"},
    {"lat", API_NUMBER, -90, 90, false, true, NULL, NULL, "纬度", "latitude"},
    {"site", API_INT, 1, 4e9, false, true, NULL, NULL, "点位（代替经纬度）",
     "a site instead of a position"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "案发不早于",
     "it happened after"},
    {"to_ms", API_TIME, 0, 0, true, false, NULL, NULL, "案发不晚于",
     "it happened before"},
    {"plate", API_TEXT, 1, 24, false, true, NULL, NULL, "号牌片段",
     "part of the plate"},
    {"vehicle_class", API_TEXT, 0, 3, false, true, NULL, NULL, "车辆类型", "class"},
    {"vehicle_color", API_INT, 0, 99, false, true, NULL, NULL, "车身颜色",
     "body colour"},
    {"brand", API_TEXT, 0, 3, false, true, NULL, NULL, "品牌", "brand"},
    {"damage", API_TEXT, 0, 200, false, true, NULL, NULL, "车损描述",
     "what is broken, in words"},
    {"limit", API_INT, 1, 250, false, true, NULL, NULL, "最多候选车辆",
     "candidates at most"},
    {"emergency", API_FLAG, 0, 0, false, true, NULL, NULL, "紧急查询", "emergency"},
    {"why", API_REASON, 2, 400, false, true, NULL, NULL, "紧急原因", "why it is one"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/flight/funnel",
     .roles = KIT_LOOKERS,
     .audit = API_LOOK,
     .where = ON_QUERY_BATCH,
     .body = ask_body,
     .cost = 50,
     .reply = "FunnelAnswer",
     .zh = "肇事逃逸筛选",
     .en = "who can have been at a place in a span of time",
     .fn = ask},
    {0},
};
const struct api api_flight = {"肇事逃逸", "hit-and-run", routes};
