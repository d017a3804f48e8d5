/* SPDX-License-Identifier: Apache-2.0 */
/* The event stream (事件流): the request turns into a stream on the console loop. */
#include "serve/call.h"

static enum err
follow(struct req *r, struct api_env *env)
{
    struct call *c = call_of(r);
    struct events_client who = {
        .user = c->user.id,
        .roles = c->user.roles,
        .org = c->user.org,
        .unit = c->user.unit,
    };
    memcpy(who.session, c->session_hash, sizeof who.session);
    struct span names = api_text(r, "topics"), last = req_header(r, "Last-Event-ID");
    if (names.p && !(who.topics = events_topics(names)))
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "topics",
            "topics are alarm, matter, unit, site, system, map",
            "主题可为 alarm、matter、unit、site、system、map");
    if (!last.p)
        last = api_text(r, "since");
    if (last.p) {
        if (!span_u64(last, &who.after))
            return req_refuse(
                r, REFUSE_BAD_REQUEST, "Last-Event-ID", "a journal number",
                "应为日志编号");
        who.resume = true;
    }
    api_taken(r);
    enum err e = events_attach(env->serve->events, r, &who);
    if (e) { /* refused: still an ordinary reply */
        req_fail(r, e);
        req_send(r);
    }
    return OK;
}

static const struct api_value params[] = {
    {"topics", API_TEXT, 1, 64, false, false, NULL, NULL, "主题，逗号分隔",
     "topics, separated by commas"},
    {"since", API_TEXT, 1, 20, false, false, NULL, NULL, "从该编号之后续传",
     "go on after this journal number"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/events",
     .roles = ROLES_SIGNED,
     .audit = API_NONE,
     .where = ON_NET,
     .params = params,
     .cost = 100,
     .reply = "event stream",
     .reply_type = "text/event-stream",
     .zh = "事件流（SSE）",
     .en = "event stream (SSE)",
     .fn = follow},
    {0},
};
const struct api api_events = {"事件流", "event stream", routes};
