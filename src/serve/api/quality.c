/* SPDX-License-Identifier: Apache-2.0 */
/* Data quality (数据治理): what each device sends, and how well. */
#include "serve/api_kit.h"
#include "serve/quality_rows.h"

static struct model *
begin(struct req *r, struct api_env *env, struct kit *k, struct quality_ask *ask)
{
    kit_open(k, env, r);
    struct model *model = k->house->model(k->house->ctx);
    *ask = (struct quality_ask){
        .reader = env->reader,
        .sites = k->sites,
        .model = model,
        .today = civil_day(k->desk.now, &k->house->zone),
        .days = (int)api_int(r, "days", 1),
    };
    return model;
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct quality_ask ask;
    struct device *rows;
    size_t n;
    struct model *model = begin(r, env, &k, &ask);
    arena_init(&a, 256 << 20);
    enum err e = ledger_devices(env->reader, &a, &rows, &n);
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n && e == OK; i++) {
            api_list_row(r);
            e = quality_json(req_out(r), &ask, &rows[i]);
        }
        api_list_close(r, SPAN(""), k.live->as_of_ms);
    }
    arena_release(&a);
    model_unref(model);
    kit_close(&k);
    return e;
}

static enum err
one(struct req *r, struct api_env *env)
{
    struct kit k;
    struct quality_ask ask;
    struct device d;
    enum err e = ledger_device_find(
        env->reader, (struct device_id){(uint32_t)api_int(r, "id", 0)}, &d);
    if (e == ERR_NOTFOUND)
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    if (e != OK)
        return e;
    struct model *model = begin(r, env, &k, &ask);
    ask.full = true;
    e = quality_json(req_out(r), &ask, &d);
    model_unref(model);
    kit_close(&k);
    return e;
}

#define DAYS                                                                           \
    {                                                                                  \
        "days", API_INT, 1, QUALITY_DAYS, false, false, NULL, "1", "天数",             \
            "civil days up to today"                                                   \
    }

static const struct api_value list_params[] = {DAYS, {0}};
static const struct api_value one_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "设备", "device"},
    DAYS,
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/quality",
     .roles = ROLE_ADMIN | ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR,
     .audit = API_NONE,
     .where = ON_QUERY_BATCH,
     .params = list_params,
     .cost = 20,
     .reply = "list of Quality",
     .zh = "各设备数据质量",
     .en = "data quality per device",
     .fn = list},
    {.method = METHOD_GET,
     .path = "/quality/{id}",
     .roles = ROLE_ADMIN | ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = one_params,
     .reply = "Quality",
     .zh = "单台设备数据质量",
     .en = "one device: slips by kind with a sample, day by day",
     .fn = one},
    {0},
};
const struct api api_quality = {"数据质量", "data quality", routes};
