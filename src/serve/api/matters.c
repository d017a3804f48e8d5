/* SPDX-License-Identifier: Apache-2.0 */
/* Matters (事项): the lists, one with all that can be done to it, opening, moving. */
#include "serve/api_kit.h"

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct matter_row *rows;
    size_t n;
    const struct user *u = api_user(r);
    struct span state = api_text(r, "state"), cursor = api_text(r, "cursor");
    struct matter_query q = {
        .list = span_eq_cstr(state, "closed") ? MATTERS_CLOSED
                : span_eq_cstr(state, "all")  ? MATTERS_ALL
                                              : MATTERS_OPEN,
        .kind = api_text(r, "kind"),
        .text = api_text(r, "q"),
        .since_ms = api_int(r, "since_ms", 0),
        .cap = (size_t)api_int(r, "limit", 100),
    };
    if (cursor.n && !span_u64(cursor, &q.before))
        return req_refuse(r, REFUSE_BAD_REQUEST, "cursor", NULL, NULL);
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    struct org_id *orgs;
    enum err e = kit_scope(r, k.orgs, &orgs, &q.orgs_n);
    q.orgs = orgs;
    bool mine = api_int(r, "mine", 0) != 0;
    if (mine && !(u->roles & ROLE_SUPERVISOR)) {
        q.user = u->id;
        q.unit = u->unit;
        q.orgs_n = 0; /* a crew works for whatever unit sent it */
    }
    if (e == OK)
        e = ledger_matters(env->reader, &q, &a, &rows, &n);
    char next[24] = "";
    if (e == OK) {
        struct matter_actor by = kit_actor(r);
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            if (mine && (u->roles & ROLE_SUPERVISOR)) {
                struct matter m = {0};
                bool own = desk_load(&k.desk, rows[i].id, &m, req_note(r)) == OK &&
                           matter_mine(&m, &by, k.orgs);
                matter_release(&m);
                if (!own)
                    continue;
            }
            api_list_row(r);
            rows_matter(req_out(r), &k.desk, &rows[i]);
        }
        if (n == q.cap)
            snprintf(next, sizeof next, "%llu", (unsigned long long)rows[n - 1].id);
        api_list_close(r, span_cstr(next), k.desk.now);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

static enum err
one(struct req *r, struct api_env *env)
{
    struct kit k;
    struct matter_row row;
    kit_open(&k, env, r);
    enum err e = kit_matter(r, &k, api_text(r, "id"), &row);
    if (e == OK)
        e = kit_matter_json(r, &k, &row, req_out(r));
    kit_close(&k);
    return e;
}

static enum err
open_one(struct req *r, struct api_env *env)
{
    struct kit k;
    struct matter_row row;
    uint64_t id = 0;
    if (kit_once_seen(r, env))
        return OK;
    kit_open(&k, env, r);
    struct matter_actor by = kit_actor(r);
    enum err e = desk_open(
        &k.desk, api_text(r, "kind"), api_text(r, "title"), api_json(r, "fields"), &by,
        &id, req_note(r));
    if (e == OK)
        e = ledger_matter_find(env->reader, id, &row);
    if (e == OK)
        e = kit_matter_json(r, &k, &row, req_out(r));
    if (e == OK) {
        api_audit(r, span_cstr(row.kind), span_cstr(row.number));
        api_created(r);
        e = kit_once_keep(r, env, 201);
    }
    kit_close(&k);
    return e;
}

static enum err
move(struct req *r, struct api_env *env)
{
    struct kit k;
    struct matter_row row;
    if (kit_once_seen(r, env))
        return OK;
    kit_open(&k, env, r);
    struct matter_actor by = kit_actor(r);
    struct span name = api_text(r, "move");
    enum err e = kit_matter(r, &k, api_text(r, "id"), &row);
    if (e == OK)
        e = desk_move(
            &k.desk, row.id, name, (uint32_t)api_int(r, "seq", 0),
            api_json(r, "fields"), &by, req_note(r));
    if (e == OK)
        e = ledger_matter_find(env->reader, row.id, &row);
    if (e == OK)
        e = kit_matter_json(r, &k, &row, req_out(r));
    if (e == OK) {
        api_audit(r, name, span_cstr(row.number));
        e = kit_once_keep(r, env, 200);
    }
    kit_close(&k);
    return e;
}

static const struct api_value list_params[] = {
    {"state", API_WORD, 0, 0, false, false, "open|closed|all", "open", "状态", "state"},
    {"mine", API_FLAG, 0, 0, false, false, NULL, "0", "仅与我有关",
     "only what is mine to do"},
    {"kind", API_TEXT, 1, 24, false, false, NULL, NULL, "种类", "kind"},
    {"since_ms", API_TIME, 0, 0, false, false, NULL, NULL, "建立时间不早于",
     "opened at or after"},
    {"q", API_TEXT, 1, 64, false, false, NULL, NULL, "编号或标题",
     "part of number or title"},
    API_LIMIT_ROWS(1000),
    {0},
};
static const struct api_value one_params[] = {
    {"id", API_TEXT, 1, 40, true, false, NULL, NULL, "事项编号",
     "number of the matter"},
    {0},
};
static const struct api_value open_body[] = {
    {"kind", API_TEXT, 1, 24, true, false, NULL, NULL, "种类", "kind"},
    {"title", API_TEXT, 1, 200, true, false, NULL, NULL, "标题", "title"},
    {"fields", API_OBJECT, 0, 0, false, true, NULL, NULL, "表单", "fields of its form"},
    {"once", API_TEXT, 1, 64, false, false, NULL, NULL, "重放标识", "repeat mark"},
    {0},
};
static const struct api_value move_body[] = {
    {"move", API_TEXT, 1, 40, true, false, NULL, NULL, "动作", "name of the move"},
    {"seq", API_INT, 0, 4e9, true, false, NULL, NULL, "所见版本", "seq as read"},
    {"fields", API_OBJECT, 0, 0, false, true, NULL, NULL, "表单", "fields of its form"},
    {"once", API_TEXT, 1, 64, false, false, NULL, NULL, "重放标识", "repeat mark"},
    {0},
};

static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/matters",
     .roles = KIT_LOOKERS,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of MatterRow",
     .zh = "事项列表",
     .en = "matters",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/matters",
     .roles = KIT_LOOKERS,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .body = open_body,
     .reply = "Matter",
     .status = 201,
     .zh = "建立事项",
     .en = "open one by hand",
     .fn = open_one},
    {.method = METHOD_GET,
     .path = "/matters/{id}",
     .roles = KIT_LOOKERS,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = one_params,
     .reply = "Matter",
     .zh = "单个事项",
     .en = "one matter with allowed moves",
     .fn = one},
    {.method = METHOD_POST,
     .path = "/matters/{id}/moves",
     .roles = KIT_LOOKERS,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = one_params,
     .body = move_body,
     .reply = "Matter",
     .zh = "办理动作",
     .en = "make a move",
     .fn = move},
    {0},
};
const struct api api_matters = {"事项", "matters", routes};
