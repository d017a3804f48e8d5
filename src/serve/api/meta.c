/* SPDX-License-Identifier: Apache-2.0 */
/* What a console needs to draw anything (元数据): codes, roles, purposes, rules, loops;
 * and the roads. */
#include "core/hash.h"
#include "core/version.h"
#include "rules/rule.h"
#include "serve/api_kit.h"

#include <math.h>

static void
code(
    struct buf *out, const char **comma, const char *name, bool number, const char *zh,
    const char *en)
{
    buf_fmt(
        out, number ? "%s{\"code\":%s,\"zh\":" : "%s{\"code\":\"%s\",\"zh\":", *comma,
        name);
    buf_json(out, span_cstr(zh));
    buf_text(out, ",\"en\":");
    buf_json(out, span_cstr(en));
    buf_text(out, "}");
    *comma = ",";
}

struct word {
    const char *code, *zh, *en;
};

static void
words(struct buf *out, const char *key, const struct word *w)
{
    const char *comma = "";
    buf_fmt(out, ",\"%s\":[", key);
    for (; w->code; w++)
        code(out, &comma, w->code, false, w->zh, w->en);
    buf_text(out, "]");
}

static void
codes(struct buf *out)
{
    static const struct word unit_kind[] = {
        {"car", "警车", "car"},       {"motorcycle", "摩托车", "motorcycle"},
        {"foot", "徒步", "foot"},     {"tow", "清障车", "tow truck"},
        {"drone", "无人机", "drone"}, {0}};
    static const struct word unit_state[] = {
        {"off", "未在勤", "off duty"},
        {"free", "空闲", "available"},
        {"assigned", "已派警", "assigned"},
        {"en_route", "途中", "en route"},
        {"on_scene", "到场", "on scene"},
        {"busy", "忙碌", "busy"},
        {0}};
    static const struct word site_kind[] = {
        {"camera", "卡口", "camera"},
        {"gantry", "门架", "gantry"},
        {"detector", "检测器", "detector"},
        {"mobile", "移动", "mobile"},
        {"rsu", "门架天线（RSU）", "gantry radio (RSU)"},
        {0}};
    static const struct word org_kind[] = {
        {"province", "总队", "province"},
        {"corps", "支队", "city"},
        {"brigade", "大队", "brigade"},
        {"squad", "中队", "squad"},
        {0}};
    static const struct word device_kind[] = {
        {"camera", "卡口相机", "camera"},
        {"platform", "平台", "platform"},
        {"gateway", "网关", "gateway"},
        {"phone", "终端", "terminal"},
        {0}};
    bool first = true;
    buf_text(out, "\"codes\":{");
    for (const struct code_table *t = code_tables(); t->name; t++) {
        bool number =
            strstr(t->name, "color") != NULL || strcmp(t->name, "direction") == 0;
        const char *comma = "";
        buf_fmt(out, "%s\"%s\":[", first ? "" : ",", t->name);
        for (size_t i = 0; i < t->n; i++)
            code(out, &comma, t->rows[i].code, number, t->rows[i].zh, t->rows[i].en);
        buf_text(out, "]");
        first = false;
    }
    words(out, "unit_kind", unit_kind);
    words(out, "unit_state", unit_state);
    words(out, "site_kind", site_kind);
    words(out, "org_kind", org_kind);
    words(out, "device_kind", device_kind);
    buf_text(out, "}");
}

static void
strings(struct buf *out, const char *key, const char (*names)[24], unsigned n)
{
    if (n == 0) {
        buf_fmt(out, ",\"%s\":null", key);
        return;
    }
    buf_fmt(out, ",\"%s\":[", key);
    for (unsigned i = 0; i < n; i++)
        buf_fmt(out, "%s\"%s\"", i ? "," : "", names[i]);
    buf_text(out, "]");
}

static void
looks(struct buf *out, const struct look_rules *rules)
{
    buf_text(out, ",\"purposes\":[");
    for (unsigned i = 0; i < rules->purposes_n; i++) {
        const struct look_purpose *p = &rules->purposes[i];
        buf_fmt(
            out, "%s{\"code\":\"%s\",\"zh\":\"%s\",\"en\":\"%s\"", i ? "," : "",
            p->code, p->zh, p->en);
        strings(out, "kinds", p->kinds, p->kinds_n);
        buf_text(out, "}");
    }
    buf_text(out, "],\"age_tiers\":[");
    for (unsigned i = 0; i < rules->tiers_n; i++) {
        const struct look_tier *t = &rules->tiers[i];
        buf_text(out, i ? ",{\"to_days\":" : "{\"to_days\":");
        if (t->to_days)
            buf_fmt(out, "%d", t->to_days);
        else
            buf_text(out, "null");
        buf_fmt(out, ",\"zh\":\"%s\",\"en\":\"%s\"", t->zh, t->en);
        strings(out, "kinds", t->kinds, t->kinds_n);
        buf_fmt(out, ",\"approver\":%s}", t->approver ? "true" : "false");
    }
    buf_text(out, "],\"look_kinds\":[");
    const char *comma = "";
    for (const struct look_kind_row *k = look_kind_rows(); k->kind; k++)
        if (k->kind == LOOK_TRAJECTORY || k->kind == LOOK_SIGHTINGS ||
            k->kind == LOOK_PLATE_CHECK)
            code(out, &comma, k->name, false, k->zh, k->en);
    buf_text(out, "]");
}

static void
rule_parameters(
    struct buf *out, const struct rule *x, const double *now, const double *next)
{
    buf_text(out, ",\"parameters\":[");
    for (size_t i = 0; i < x->params_n; i++) {
        const struct rule_param *q = &x->params[i];
        buf_fmt(
            out,
            "%s{\"name\":\"%s\",\"unit\":\"%s\",\"min\":%.10g,\"max\":%.10g,"
            "\"value\":%.10g,\"default\":%.10g,\"next\":%.10g,\"zh\":",
            i ? "," : "", q->name, q->unit, q->min, q->max, now[i], q->initial,
            next[i]);
        buf_json(out, span_cstr(q->zh));
        buf_text(out, ",\"en\":");
        buf_json(out, span_cstr(q->en));
        buf_text(out, "}");
    }
    buf_text(out, "]}");
}

static void
rule_version(struct buf *out, const char *key, const struct rule_settings *s)
{
    char day[11];
    buf_fmt(out, ",\"%s\":{\"number\":%u,\"since\":", key, s->number);
    if (s->day == INT32_MIN)
        buf_text(out, "null}");
    else
        buf_fmt(out, "\"%s\"}", rule_settings_since(day, s));
}

/* What judges the passes of today, and what will from the next midnight on. */
static void
rules(struct buf *out, const struct rule_book *book, int32_t today)
{
    const struct rule_settings *now = rule_book_on(book, today), *next = &book->at[0];
    rule_version(out, "rule_settings", now);
    rule_version(out, "rule_settings_next", next);
    buf_text(out, ",\"rules\":[");
    for (size_t i = 0; rule_rows[i]; i++) {
        const struct rule *x = rule_rows[i];
        buf_fmt(out, "%s{\"name\":\"%s\",\"zh\":", i ? "," : "", x->name);
        buf_json(out, span_cstr(x->title.zh));
        buf_text(out, ",\"en\":");
        buf_json(out, span_cstr(x->title.en));
        buf_fmt(
            out, ",\"level\":\"orange\",\"on\":%s,\"next_on\":%s,\"legal\":",
            now->off[i] ? "false" : "true", next->off[i] ? "false" : "true");
        api_texts(out, x->legal.zh, x->legal.en);
        rule_parameters(out, x, now->value[i], next->value[i]);
    }
    buf_text(out, "]");
}

static void
bounds(struct buf *out, const struct site_table *sites)
{
    int32_t box[4] = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};
    for (uint32_t i = 1; i <= sites->n; i++) {
        const struct site *s = &sites->rows[i];
        if (!site_is_placed(s))
            continue;
        box[0] = s->lon < box[0] ? s->lon : box[0];
        box[1] = s->lat < box[1] ? s->lat : box[1];
        box[2] = s->lon > box[2] ? s->lon : box[2];
        box[3] = s->lat > box[3] ? s->lat : box[3];
    }
    if (box[0] > box[2])
        buf_text(out, "\"map\":{\"bounds\":[73.5,18,135,53.6]},"); /* no site placed:
                                                                      the country */
    else
        buf_fmt(
            out, "\"map\":{\"bounds\":[%.7f,%.7f,%.7f,%.7f]},", box[0] / 1e7,
            box[1] / 1e7, box[2] / 1e7, box[3] / 1e7);
}

static enum err
meta(struct req *r, struct api_env *env)
{
    struct kit k;
    struct buf *out = req_out(r);
    char tag[32];
    kit_open(&k, env, r);
    buf_fmt(out, "{\"version\":\"%s\",\"city\":", TQ_VERSION);
    api_texts(out, k.house->city_zh, k.house->city_en);
    buf_fmt(
        out, ",\"zone\":\"%s\",\"now_ms\":%lld,", k.house->zone.name,
        (long long)k.desk.now);
    size_t from = out->n;
    bounds(out, k.sites);
    codes(out);
    buf_text(out, ",\"roles\":[");
    const char *comma = "";
    for (const struct role_row *x = role_rows(); x->role; x++)
        code(out, &comma, x->name, false, x->zh, x->en);
    buf_text(out, "]");
    looks(out, k.house->looks);
    rules(out, k.house->rules, (int32_t)civil_day(k.desk.now, &k.house->zone));
    buf_text(out, ",\"loops\":[");
    const struct loop_def *def;
    comma = "";
    for (size_t i = 0; (def = loop_defs_at(k.house->loops, i)); i++) {
        if (!loop_defs_current(k.house->loops, def))
            continue;
        buf_text(out, comma);
        loop_def_json(out, def);
        comma = ",";
    }
    buf_text(out, "]}");
    /* The clock is no part of it: what else there is decides. */
    snprintf(
        tag, sizeof tag, "%016llx",
        (unsigned long long)hash64(out->p + from, out->n - from, 1));
    kit_close(&k);
    if (api_etag(r, span_cstr(tag)))
        buf_clear(out);
    return OK;
}

static enum err
road(struct req *r, struct api_env *env)
{
    struct house *h = kit_house(env);
    char tag[32];
    snprintf(tag, sizeof tag, "%016llx", (unsigned long long)hash_span(h->roads, 2));
    if (api_etag(r, span_cstr(tag)))
        return OK;
    req_set(r, "Content-Type", "application/geo+json");
    if (h->roads.n)
        req_out_static(r, h->roads);
    else
        buf_text(req_out(r), "{\"type\":\"FeatureCollection\",\"features\":[]}");
    return OK;
}

static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/meta",
     .roles = ROLES_SIGNED,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .reply = "Meta",
     .zh = "元数据",
     .en = "code tables, loops, rules, purposes",
     .fn = meta},
    {.method = METHOD_GET,
     .path = "/road",
     .roles = ROLES_SIGNED,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .reply = "GeoJSON",
     .zh = "道路底图",
     .en = "road lines of the map",
     .fn = road},
    {0},
};
const struct api api_meta = {"元数据", "meta", routes};
