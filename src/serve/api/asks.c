/* SPDX-License-Identifier: Apache-2.0 */
/* What other platforms ask (订阅与布控请求): GA/T 1400 subscriptions and dispositions
 * are kept as said; a person decides. Nothing is sent to them by a decision: it is on
 * record here, and a disposition that is taken becomes a watch only when somebody
 * proposes one. */
#include "core/text.h"
#include "serve/api_kit.h"

#include <jansson.h>

#define ASKS 5000

static json_t *
load(struct span value)
{
    json_error_t fault;
    json_t *row = json_loadb(value.p, value.n, 0, &fault);
    return json_is_object(row) ? row : (json_decref(row), NULL);
}

static void
ask_json(struct buf *out, const json_t *row)
{
    static const char *const texts[] = {"id",      "title",     "detail", "resource",
                                        "address", "applicant", "reason"};
    static const char *const times[] = {"at_ms", "begin_ms", "end_ms", "decided_ms"};
    const char *state = json_string_value(json_object_get(row, "state"));
    const char *by = json_string_value(json_object_get(row, "by"));
    const char *note = json_string_value(json_object_get(row, "note"));
    const char *kind = json_string_value(json_object_get(row, "kind"));
    buf_fmt(
        out, "{\"kind\":\"%s\",\"cancel\":%s,\"state\":\"%s\"", kind ? kind : "other",
        json_integer_value(json_object_get(row, "operate")) == 1 ? "true" : "false",
        state ? state : "waiting");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *s = json_string_value(json_object_get(row, texts[i]));
        buf_fmt(out, ",\"%s\":", texts[i]);
        buf_json(out, span_cstr(s ? s : ""));
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        json_int_t t = json_integer_value(json_object_get(row, times[i]));
        buf_fmt(out, ",\"%s\":", times[i]);
        if (t)
            buf_fmt(out, "%lld", (long long)t);
        else
            buf_text(out, "null");
    }
    buf_text(out, ",\"by\":");
    buf_json(out, span_cstr(by ? by : ""));
    buf_text(out, ",\"note\":");
    buf_json(out, span_cstr(note ? note : ""));
    buf_text(out, "}");
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct arena a;
    struct ledger_meta_row *rows;
    size_t n;
    arena_init(&a, 64 << 20);
    enum err e = ledger_meta_list(env->reader, "ask:", ASKS, &a, &rows, &n);
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            json_t *row = load(rows[i].value);
            if (!row)
                continue;
            api_list_row(r);
            ask_json(req_out(r), row);
            json_decref(row);
        }
        api_list_close(r, SPAN(""), req_at(r));
    }
    arena_release(&a);
    return e;
}

static enum err
keep(struct req *r, struct api_env *env, const char *key, json_t *row)
{
    char text[401];
    (void)span_copy(text, sizeof text, api_text(r, "note"));
    int bad = json_object_set_new(
        row, "state", json_string(api_int(r, "accept", 0) ? "taken" : "refused"));
    bad |= json_object_set_new(row, "by", json_string(api_user(r)->name));
    bad |= json_object_set_new(row, "decided_ms", json_integer(req_at(r)));
    bad |= json_object_set_new(row, "note", json_string(text));
    char *bytes = bad ? NULL : json_dumps(row, JSON_COMPACT);
    enum err e =
        bytes ? ledger_meta_put(env->ledger, key, span_cstr(bytes)) : ERR_NOMEM;
    free(bytes);
    return e;
}

static enum err
decide(struct req *r, struct api_env *env)
{
    struct arena a;
    struct span value, id = api_text(r, "id");
    char key[96];
    json_t *row = NULL;
    snprintf(key, sizeof key, "ask:%.*s", SPAN_ARG(id));
    arena_init(&a, 1 << 20);
    enum err e = ledger_meta_find(env->reader, key, &a, &value);
    if (e == OK)
        row = load(value);
    if (e == ERR_NOTFOUND || (e == OK && !row))
        e = req_refuse(r, REFUSE_NOT_FOUND, "id", NULL, NULL);
    if (e == OK && json_object_get(row, "state"))
        e = req_refuse(r, REFUSE_STATE, "id", NULL, NULL);
    if (e == OK)
        e = keep(r, env, key, row);
    if (e == OK) {
        api_audit(r, id, SPAN(""));
        ask_json(req_out(r), row);
    }
    json_decref(row);
    arena_release(&a);
    return e;
}

static const struct api_value decide_body[] = {
    {"id", API_TEXT, 1, 80, true, false, NULL, NULL, "请求标识", "its id"},
    {"accept", API_FLAG, 0, 0, true, false, NULL, NULL, "受理", "taken"},
    {"note", API_LINES, 0, 400, false, true, NULL, NULL, "说明", "note"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/asks",
     .roles = ROLE_ADMIN | ROLE_DUTY | ROLE_SUPERVISOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .reply = "list of Ask",
     .zh = "其他平台的订阅与布控请求",
     .en = "subscriptions and dispositions of other platforms",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/asks",
     .roles = ROLE_SUPERVISOR | ROLE_ADMIN,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .body = decide_body,
     .reply = "Ask",
     .zh = "办理其他平台的请求",
     .en = "take or refuse one",
     .fn = decide},
    {0},
};
const struct api api_asks = {"外部请求", "asks of other platforms", routes};
