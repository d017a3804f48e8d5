/* SPDX-License-Identifier: Apache-2.0 */
/* Positions of units (警力定位): from an officer's phone for the own unit, from a
 * device for any unit by its callsign. */
#include <math.h>

#include "core/counter.h"
#include "serve/call.h"

#define AHEAD_MS (2 * MINUTE_MS)
#define BEHIND_MS (7 * DAY_MS)

static bool
number_in(
    const json_t *fix, const char *key, double low, double high, double absent,
    double *out)
{
    const json_t *j = json_object_get(fix, key);
    *out = absent;
    if (!j || json_is_null(j))
        return !isnan(absent);
    if (!json_is_number(j))
        return false;
    *out = json_number_value(j);
    return *out >= low && *out <= high;
}

static enum err
one_fix(struct req *r, struct api_env *env, const json_t *fix)
{
    const struct serve_needs *n = env->needs;
    struct note *note = req_note(r);
    double lon, lat, at, speed, heading;
    ts_ms now = req_at(r);
    if (!json_is_object(fix))
        return note_set(
            note, ERR_INPUT, "fixes", "a position is an object", "定位应为对象");
    if (!number_in(fix, "lon", -180, 180, NAN, &lon) ||
        !number_in(fix, "lat", -90, 90, NAN, &lat))
        return note_set(
            note, ERR_INPUT, "lon", "lon and lat in degrees are needed",
            "须给出经纬度（度）");
    if (!number_in(
            fix, "time_ms", (double)(now - BEHIND_MS), (double)(now + AHEAD_MS), NAN,
            &at))
        return note_set(
            note, ERR_INPUT, "time_ms",
            "epoch milliseconds, at most 7 days old and 2 minutes ahead",
            "毫秒时间戳，不早于 7 天、不超前 2 分钟");
    if (!number_in(fix, "speed_kmh", 0, 400, -1, &speed))
        return note_set(
            note, ERR_INPUT, "speed_kmh", "0 to 400 km/h",
            "速度应为 0 至 400 公里/小时");
    if (!number_in(fix, "heading_deg", 0, 360, -1, &heading))
        return note_set(
            note, ERR_INPUT, "heading_deg", "0 to 360 degrees", "方向应为 0 至 360 度");
    const struct user *user = api_user(r);
    const char *unit = json_string_value(json_object_get(fix, "unit"));
    if (user && unit)
        return note_set(
            note, ERR_INPUT, "unit", "a person reports the own unit only",
            "个人只能上报本人所在警力单元");
    if (!user && !unit)
        return note_set(
            note, ERR_INPUT, "unit", "the callsign of the unit is needed",
            "须给出警力单元呼号");
    return n->fix(
        n->ctx, span_cstr(unit ? unit : ""), user ? user->id : (struct user_id){0},
        (ts_ms)at, (e7)lround(lon * 1e7), (e7)lround(lat * 1e7), (int)lround(speed),
        (int)lround(heading), note);
}

static enum err
take_fixes(struct req *r, struct api_env *env)
{
    json_t *list = api_json(r, "fixes");
    struct buf *out = req_out(r), refused = {0};
    size_t taken = 0, missed = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        *req_note(r) = (struct note){0};
        enum err e = one_fix(r, env, json_array_get(list, i));
        if (e == OK) {
            taken++;
            continue;
        }
        buf_fmt(
            &refused, "%s{\"i\":%zu,\"code\":\"%s\",\"text\":", missed++ ? "," : "", i,
            refusal_row(refusal_of(e))->code);
        const struct note *note = req_note(r);
        api_texts(
            &refused, note->zh[0] ? note->zh : err_row(e)->zh,
            note->en[0] ? note->en : err_row(e)->en);
        buf_u8(&refused, '}');
    }
    *req_note(r) = (struct note){0};
    counter_add(CTR_fixes_received, taken);
    buf_fmt(out, "{\"taken\":%zu,\"refused\":[", taken);
    buf_put(out, refused.p, refused.n);
    buf_text(out, "]}");
    buf_release(&refused);
    return OK;
}

static const struct api_value body[] = {
    {"fixes", API_LIST, 1, 1000, true, false, NULL, NULL, "定位列表", "positions"},
    {"once", API_TEXT, 1, 64, false, false, NULL, NULL, "去重标识",
     "the sender's own mark"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/fixes",
     .roles = ROLE_SQUAD | ROLE_DEVICE,
     .audit = API_NONE,
     .where = ON_NET,
     .body = body,
     .body_cap = 256u << 10,
     .reply = "Taken",
     .zh = "上报定位",
     .en = "positions of units",
     .fn = take_fixes},
    {0},
};
const struct api api_fixes = {"定位", "positions", routes};
