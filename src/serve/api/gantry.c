/* SPDX-License-Identifier: Apache-2.0 */
/* ETC gantries (门架): records come in as messages of the etc_gantry feed, whose answer
 * waits until they are durable; how well a gantry works is counted from what is stored.
 */
#include "model/toll.h"
#include "serve/api_kit.h"
#include "serve/call.h"
#include "serve/gantry_hours.h"
#include "serve/gate.h"

static enum err
take_gantry(struct req *r, struct api_env *env)
{
    struct call *c = call_of(r);
    api_wait(r);
    gate_take(
        env->serve->gates[c->net], r, SPAN("/api/v1/gantry"), &c->sender, api_done);
    return OK;
}

/* ---- health ---- */

#define HEALTH_MOST_MS (8 * DAY_MS)
#define HOUR_ARENA ((size_t)256 << 20)

struct both {
    const struct site *gantry, *radio;
};

/* Its cameras and its radio, whichever of them was named. */
static struct both
both_of(const struct site_table *t, const struct site *s)
{
    struct span code;
    char radio[sizeof s->code + sizeof RSU_SUFFIX];
    struct both b = {s, NULL};
    if (rsu_code(span_cstr(s->code), &code)) {
        b.radio = s;
        b.gantry = site_get(t, site_find(t, code));
        return b;
    }
    snprintf(radio, sizeof radio, "%s" RSU_SUFFIX, s->code);
    b.radio = site_get(t, site_find(t, span_cstr(radio)));
    return b;
}

static enum err
count_hour(
    struct kit *k, struct sight_snap *snap, const struct both *b,
    const struct model *model, ts_ms at, struct gantry_hour *hour)
{
    struct arena a;
    struct site_id ids[2];
    size_t n = 0;
    struct sight_rows rows;
    if (b->gantry)
        ids[n++] = b->gantry->id;
    if (b->radio)
        ids[n++] = b->radio->id;
    const struct site_model *m = b->gantry ? model_site(model, b->gantry->id) : NULL;
    int32_t offset = m ? m->offset_ms : 0;
    ts_ms margin = GANTRY_PAIR_MS + (offset < 0 ? -offset : offset);
    arena_init(&a, HOUR_ARENA);
    struct sight_ask ask = {
        .from = at - margin, .to = at + HOUR_MS + margin, .arena = &a};
    enum err e = sight_window(snap, ids, n, NULL, &ask, &rows);
    if (!e)
        e = gantry_hours(
            &a, rows.rows, rows.n, at, at + HOUR_MS, k->desk.now, offset, hour);
    arena_release(&a);
    return e;
}

static void
put_site(struct buf *out, const char *key, const struct site *s)
{
    if (!s) {
        buf_fmt(out, "\"%s\":null,", key);
        return;
    }
    buf_fmt(out, "\"%s\":{\"id\":%u,\"name\":", key, s->id.v);
    buf_json(out, span_cstr(s->name));
    buf_text(out, "},");
}

static void
put_hours(struct buf *out, const struct gantry_hour *hours, size_t n)
{
    static const struct {
        const char *key;
        size_t at;
    } columns[] = {
        {"passes", offsetof(struct gantry_hour, passes)},
        {"read", offsetof(struct gantry_hour, read)},
        {"tags", offsetof(struct gantry_hour, tags)},
        {"known", offsetof(struct gantry_hour, known)},
        {"done", offsetof(struct gantry_hour, done)},
        {"failed", offsetof(struct gantry_hour, failed)},
        {"obu", offsetof(struct gantry_hour, obu)},
        {"cpc", offsetof(struct gantry_hour, cpc)},
        {"paired", offsetof(struct gantry_hour, paired)},
        {"quiet_s", offsetof(struct gantry_hour, quiet_s)},
        {"tag_quiet_s", offsetof(struct gantry_hour, tag_quiet_s)},
    };
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        buf_fmt(out, "%s\"%s\":[", c ? "," : "", columns[c].key);
        for (size_t i = 0; i < n; i++) {
            uint32_t v;
            memcpy(&v, (const char *)&hours[i] + columns[c].at, sizeof v);
            buf_fmt(out, "%s%u", i ? "," : "", v);
        }
        buf_text(out, "]");
    }
}

static enum err
write_health(struct req *r, struct kit *k, const struct both *b, ts_ms from, ts_ms to)
{
    size_t n = (size_t)((to - from) / HOUR_MS);
    struct buf *out = req_out(r);
    struct gantry_hour *hours = arena_array(req_arena(r), n + 1, sizeof *hours);
    struct sight_snap *snap = sight_snapshot(k->house->sight);
    struct model *model = k->house->model(k->house->ctx);
    enum err e = hours && snap ? OK : ERR_NOMEM;
    for (size_t i = 0; !e && i < n; i++)
        e = count_hour(k, snap, b, model, from + (ts_ms)i * HOUR_MS, &hours[i]);
    if (!e) {
        buf_fmt(
            out, "{\"as_of_ms\":%lld,\"from_ms\":%lld,\"step_ms\":%lld,",
            (long long)k->desk.now, (long long)from, (long long)HOUR_MS);
        put_site(out, "gantry", b->gantry);
        put_site(out, "radio", b->radio);
        put_hours(out, hours, n);
        buf_text(out, "}");
    }
    sight_snap_free(snap);
    model_unref(model);
    return e;
}

static enum err
health(struct req *r, struct api_env *env)
{
    struct kit k;
    ts_ms from = api_int(r, "from_ms", 0) / HOUR_MS * HOUR_MS;
    ts_ms to = (api_int(r, "to_ms", 0) + HOUR_MS - 1) / HOUR_MS * HOUR_MS;
    kit_open(&k, env, r);
    const struct site *s =
        site_get(k.sites, (struct site_id){(uint32_t)api_int(r, "id", 0)});
    bool seen = s && (!s->org.v || api_sees(r, k.orgs, s->org));
    struct both b = seen ? both_of(k.sites, s) : (struct both){0};
    enum err e;
    if (!b.radio)
        e = req_refuse(
            r, REFUSE_NOT_FOUND, "id",
            seen ? "no gantry: no radio reports under the code of this site" : NULL,
            seen ? "没有门架天线以该点位的编号上报" : NULL);
    else if (to <= from || to - from > HEALTH_MOST_MS)
        e = req_refuse(
            r, REFUSE_BAD_REQUEST, "to_ms",
            "the end must lie behind the beginning, at most 8 days",
            "结束时间须晚于开始时间，且不超过 8 天");
    else
        e = write_health(r, &k, &b, from, to);
    kit_close(&k);
    return e;
}

static const struct api_value health_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "门架或其天线",
     "gantry or its radio"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, true, false, NULL, NULL, "截止", "to"},
    {0},
};

static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/gantry",
     .roles = ROLE_DEVICE,
     .audit = API_NONE,
     .where = ON_NET,
     .body_type = "application/json",
     .body_cap = 16u << 20,
     .reply = "Taken",
     .zh = "上报 ETC 门架通行流水与牌识流水",
     .en = "records of ETC gantries: transactions and picture records",
     .fn = take_gantry},
    {.method = METHOD_GET,
     .path = "/sites/{id}/gantry",
     .roles = KIT_LOOKERS | ROLE_ADMIN,
     .audit = API_NONE,
     .where = ON_QUERY_BATCH,
     .params = health_params,
     .reply = "GantryHours",
     .zh = "门架健康（逐小时）",
     .en = "a gantry's health, hour by hour",
     .fn = health},
    {0},
};
const struct api api_gantry = {"门架", "gantry", routes};
