/* SPDX-License-Identifier: Apache-2.0 */
/* Grants of looks (查询授权): records past the second age tier need a second person,
 * who names who may look, for which matter, how far back and until when. */
#include "serve/api_kit.h"
#include "store/ledger_look.h"

#define GRANT_DAYS 30

static const char *
state_of(const struct look_grant *g, ts_ms now)
{
    if (g->by.v == 0)
        return "asked";
    return g->until_ms == 0 ? "refused" : g->until_ms > now ? "given" : "ended";
}

static void
person_json(struct buf *out, struct api_env *env, const char *key, struct user_id id)
{
    struct user_row row;
    if (id.v == 0) {
        buf_fmt(out, ",\"%s\":null", key);
        return;
    }
    if (ledger_user_find(env->reader, id, &row) != OK)
        row = (struct user_row){0};
    buf_fmt(out, ",\"%s\":{\"id\":%u,\"name\":", key, id.v);
    buf_json(out, span_cstr(row.user.name));
    buf_text(out, "}");
}

static void
grant_json(struct buf *out, struct api_env *env, const struct look_grant *g, ts_ms now)
{
    struct matter_row m;
    buf_fmt(out, "{\"id\":%llu,\"matter\":", (unsigned long long)g->id);
    if (ledger_matter_find(env->reader, g->matter, &m) == OK)
        buf_json(out, span_cstr(m.number));
    else
        buf_text(out, "null");
    person_json(out, env, "user", g->user);
    person_json(out, env, "by", g->by);
    buf_fmt(
        out, ",\"from_ms\":%lld,\"at_ms\":%lld,\"until_ms\":", (long long)g->from_ms,
        (long long)g->given_ms);
    if (g->until_ms)
        buf_fmt(out, "%lld", (long long)g->until_ms);
    else
        buf_text(out, "null");
    buf_fmt(out, ",\"state\":\"%s\",\"note\":", state_of(g, now));
    buf_json(out, span_cstr(g->note));
    buf_text(out, "}");
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct arena a;
    struct look_grant *rows;
    size_t n;
    const struct user *u = api_user(r);
    struct span cursor = api_text(r, "cursor");
    struct grant_query q = {.cap = (size_t)api_int(r, "limit", 100)};
    if (!(u->roles & (ROLE_SUPERVISOR | ROLE_AUDITOR)))
        q.user = u->id;
    if (cursor.n && !span_u64(cursor, &q.before))
        return req_refuse(r, REFUSE_BAD_REQUEST, "cursor", NULL, NULL);
    arena_init(&a, 64 << 20);
    enum err e = ledger_grants(env->reader, &q, &a, &rows, &n);
    char next[24] = "";
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            api_list_row(r);
            grant_json(req_out(r), env, &rows[i], req_at(r));
        }
        /* Those that wait stand on the first page whatever their number. */
        if (n == q.cap && rows[n - 1].by.v)
            snprintf(next, sizeof next, "%llu", (unsigned long long)rows[n - 1].id);
        api_list_close(r, span_cstr(next), req_at(r));
    }
    arena_release(&a);
    return e;
}

static enum err
check_until(struct req *r, ts_ms until)
{
    if (until > req_at(r) && until - req_at(r) <= GRANT_DAYS * DAY_MS)
        return OK;
    return req_refuse(
        r, REFUSE_BAD_REQUEST, "until_ms", "at most 30 days from now",
        "自现在起至多 30 天");
}

/* A grant by hand (by = the supervisor), or the wish for one (by = 0). */
static enum err
put(struct req *r, struct api_env *env, struct user_id user, struct user_id by)
{
    struct kit k;
    struct matter_row m;
    struct user_row who;
    struct look_grant g = {
        .user = user,
        .by = by,
        .from_ms = api_int(r, "from_ms", 0),
        .given_ms = req_at(r),
        .until_ms = api_int(r, "until_ms", 0),
    };
    kit_open(&k, env, r);
    enum err e = kit_matter(r, &k, api_text(r, "matter"), &m);
    if (e == OK && ledger_user_find(env->reader, g.user, &who) != OK)
        e = req_refuse(r, REFUSE_BAD_REQUEST, "user", NULL, NULL);
    if (e == OK)
        e = check_until(r, g.until_ms);
    if (e == OK && !m.open)
        e = req_refuse(r, REFUSE_LOOK_MATTER_CLOSED, "matter", NULL, NULL);
    (void)span_copy(g.note, sizeof g.note, api_text(r, "note"));
    g.matter = e == OK ? m.id : 0;
    if (e == OK)
        e = ledger_grant_put(env->ledger, &g, req_note(r));
    if (e == ERR_DENIED)
        e = kit_conflict(r, REFUSE_SAME_PERSON, req_note(r));
    if (e == OK) {
        api_audit(r, span_cstr(who.user.login), span_cstr(m.number));
        grant_json(req_out(r), env, &g, req_at(r));
        api_created(r);
    }
    kit_close(&k);
    return e;
}

static enum err
give(struct req *r, struct api_env *env)
{
    struct user_id who = {(uint32_t)api_int(r, "user", 0)};
    return put(r, env, who, api_user(r)->id);
}

static enum err
ask(struct req *r, struct api_env *env)
{
    return put(r, env, api_user(r)->id, (struct user_id){0});
}

static enum err
decide(struct req *r, struct api_env *env)
{
    struct look_grant g;
    struct matter_row m;
    char text[401];
    bool yes = api_int(r, "accept", 0) != 0;
    ts_ms until = api_int(r, "until_ms", 0);
    (void)span_copy(text, sizeof text, api_text(r, "note"));
    enum err e = until ? check_until(r, until) : OK;
    if (e == OK)
        e = ledger_grant_decide(
            env->ledger, (uint64_t)api_int(r, "id", 0), api_user(r)->id, yes, until,
            req_at(r), text, &g, req_note(r));
    if (e == ERR_NOTFOUND)
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    if (e == ERR_DENIED)
        return kit_conflict(r, REFUSE_SAME_PERSON, req_note(r));
    if (e == ERR_GATE)
        return kit_conflict(r, REFUSE_STATE, req_note(r));
    if (e == OK && ledger_matter_find(env->reader, g.matter, &m) != OK)
        m = (struct matter_row){0};
    if (e == OK) {
        api_audit(r, api_text(r, "id"), span_cstr(m.number));
        grant_json(req_out(r), env, &g, req_at(r));
    }
    return e;
}

static const struct api_value give_body[] = {
    {"matter", API_TEXT, 1, 40, true, false, NULL, NULL, "事项编号",
     "number of an open inquiry"},
    {"user", API_INT, 1, 4e9, true, false, NULL, NULL, "查询人", "who may look"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "可查起始", "how far back"},
    {"until_ms", API_TIME, 0, 0, true, false, NULL, NULL, "授权截止",
     "until when the grant holds"},
    {"note", API_REASON, 2, 400, true, false, NULL, NULL, "理由", "reason"},
    {0},
};
static const struct api_value ask_body[] = {
    {"matter", API_TEXT, 1, 40, true, false, NULL, NULL, "事项编号",
     "number of an open inquiry"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "可查起始", "how far back"},
    {"until_ms", API_TIME, 0, 0, true, false, NULL, NULL, "授权截止",
     "until when the grant is to hold"},
    {"note", API_REASON, 2, 400, true, false, NULL, NULL, "理由", "reason"},
    {0},
};
static const struct api_value list_params[] = {API_LIMIT_ROWS(1000), {0}};
static const struct api_value id_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "授权编号", "number of the grant"},
    {0},
};
static const struct api_value decide_body[] = {
    {"accept", API_FLAG, 0, 0, true, false, NULL, NULL, "同意",
     "given; false refuses what was asked, or ends what was given"},
    {"until_ms", API_TIME, 0, 0, false, true, NULL, NULL, "授权截止",
     "another end than was asked"},
    {"note", API_LINES, 0, 400, false, true, NULL, NULL, "说明", "note"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/looks/grants",
     .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR | ROLE_AUDITOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of LookGrant",
     .zh = "查询授权",
     .en = "own grants; a supervisor sees all, those that wait first",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/looks/grants",
     .roles = ROLE_SUPERVISOR,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .body = give_body,
     .reply = "LookGrant",
     .status = 201,
     .zh = "授权查询久远记录",
     .en = "let somebody look at records past the second age tier",
     .fn = give},
    {.method = METHOD_POST,
     .path = "/looks/grants/ask",
     .roles = ROLE_DUTY | ROLE_ANALYST,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .body = ask_body,
     .reply = "LookGrant",
     .status = 201,
     .zh = "申请查询久远记录",
     .en = "ask a supervisor for such a grant",
     .fn = ask},
    {.method = METHOD_POST,
     .path = "/looks/grants/{id}",
     .roles = ROLE_SUPERVISOR,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = id_params,
     .body = decide_body,
     .reply = "LookGrant",
     .zh = "审批或收回查询授权",
     .en = "decide what was asked for, or end a grant",
     .fn = decide},
    {0},
};
const struct api api_grants = {"查询授权", "grants of looks", routes};
