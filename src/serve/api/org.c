/* SPDX-License-Identifier: Apache-2.0 */
/* Organisation (组织): the tree that scope, signing and measures follow. */
#include "serve/api_kit.h"

static const char *const kind_names[] = {"province", "corps", "brigade", "squad"};

static void
count_under(
    struct arena *a, struct api_env *env, struct org_id id, uint32_t *users,
    uint32_t *units)
{
    struct user_row *u;
    struct unit_row *w;
    size_t n;
    *users = *units = 0;
    if (ledger_users(env->reader, a, &u, &n) == OK)
        for (size_t i = 0; i < n; i++)
            *users += u[i].user.org.v == id.v && !u[i].user.disabled;
    if (ledger_units(env->reader, a, &w, &n) == OK)
        for (size_t i = 0; i < n; i++)
            *units += w[i].unit.org.v == id.v;
}

static void
org_json(struct buf *out, const struct org *o, uint32_t users, uint32_t units)
{
    buf_fmt(out, "{\"id\":%u,\"parent\":", o->id.v);
    if (o->parent.v)
        buf_fmt(out, "%u", o->parent.v);
    else
        buf_text(out, "null");
    buf_fmt(out, ",\"kind\":\"%s\",\"name\":", kind_names[o->kind < 4 ? o->kind : 3]);
    buf_json(out, span_cstr(o->name));
    buf_fmt(out, ",\"lon\":null,\"lat\":null,\"users\":%u,\"units\":%u}", users, units);
}

struct walk {
    struct req *r;
    const struct org_table *orgs;
    uint32_t *users, *units; /* by org id */
};

/* Tree order without recursion on depth: a parent stands before its children by id, so
 * each level is found by scanning; four levels at most. */
static void
children(struct walk *w, uint32_t parent, int depth)
{
    for (uint32_t i = 1; i <= w->orgs->n && depth < 8; i++) {
        const struct org *o = &w->orgs->rows[i];
        if (o->parent.v != parent)
            continue;
        api_list_row(w->r);
        org_json(req_out(w->r), o, w->users[o->id.v], w->units[o->id.v]);
        children(w, o->id.v, depth + 1);
    }
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct user_row *users;
    struct unit_row *units;
    size_t n;
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    struct walk w = {.r = r, .orgs = k.orgs};
    w.users = arena_array(&a, k.orgs->n + 2, sizeof *w.users);
    w.units = arena_array(&a, k.orgs->n + 2, sizeof *w.units);
    enum err e =
        w.users && w.units ? ledger_users(env->reader, &a, &users, &n) : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < n; i++)
        if (users[i].user.org.v <= k.orgs->n && !users[i].user.disabled)
            w.users[users[i].user.org.v]++;
    if (e == OK)
        e = ledger_units(env->reader, &a, &units, &n);
    for (size_t i = 0; e == OK && i < n; i++)
        if (units[i].unit.org.v <= k.orgs->n)
            w.units[units[i].unit.org.v]++;
    if (e == OK) {
        api_list_open(r);
        children(&w, 0, 0);
        api_list_close(r, SPAN(""), k.desk.now);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

static enum err
put(struct req *r, struct api_env *env, struct kit *k, struct org *o)
{
    struct arena a;
    uint32_t users, units;
    (void)k;
    enum err e = ledger_org_put(env->ledger, o);
    if (e == ERR_CONFLICT)
        return kit_conflict(r, REFUSE_EXISTS, req_note(r));
    if (e == OK)
        e = kit_told(env, r, TOPIC_ORG, o->id.v);
    if (e == OK) {
        arena_init(&a, 64 << 20);
        count_under(&a, env, o->id, &users, &units);
        arena_release(&a);
        api_audit(r, span_cstr(o->name), SPAN(""));
        org_json(req_out(r), o, users, units);
    }
    return e;
}

static enum err
add(struct req *r, struct api_env *env)
{
    struct kit k;
    struct org o = {.parent = {(uint32_t)api_int(r, "parent", 0)}};
    kit_open(&k, env, r);
    struct span kind = api_text(r, "kind");
    while (o.kind < 3 && !span_eq_cstr(kind, kind_names[o.kind]))
        o.kind++;
    const struct org *parent = org_get(k.orgs, o.parent);
    enum err e = OK;
    if (!parent || parent->kind >= o.kind)
        e = req_refuse(
            r, REFUSE_BAD_REQUEST, "parent", "the parent must be of a higher kind",
            "上级单位层级须更高");
    if (e == OK && !span_copy(o.name, sizeof o.name, api_text(r, "name")))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "name", NULL, NULL);
    if (e == OK) {
        snprintf(
            o.code, sizeof o.code, "o%lld", (long long)(req_at(r) % 1000000000000));
        e = put(r, env, &k, &o);
    }
    if (e == OK)
        api_created(r);
    kit_close(&k);
    return e;
}

static enum err
change(struct req *r, struct api_env *env)
{
    struct kit k;
    kit_open(&k, env, r);
    const struct org *old =
        org_get(k.orgs, (struct org_id){(uint32_t)api_int(r, "id", 0)});
    enum err e = old ? OK : req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    struct org o = old ? *old : (struct org){0};
    if (e == OK && api_has(r, "name") &&
        !span_copy(o.name, sizeof o.name, api_text(r, "name")))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "name", NULL, NULL);
    if (api_has(r, "parent"))
        o.parent.v = (uint32_t)api_int(r, "parent", 0);
    const struct org *parent = org_get(k.orgs, o.parent);
    bool loop = parent && org_covers(k.orgs, o.id, o.parent);
    if (e == OK && o.parent.v && (!parent || loop))
        e = req_refuse(
            r, REFUSE_BAD_REQUEST, "parent", "a unit cannot stand below itself",
            "单位不能隶属于自身或下级");
    if (e == OK)
        e = put(r, env, &k, &o);
    kit_close(&k);
    return e;
}

static const struct api_value add_body[] = {
    {"parent", API_INT, 1, 4e9, true, false, NULL, NULL, "上级单位", "parent"},
    {"kind", API_WORD, 0, 0, true, false, "corps|brigade|squad", NULL, "层级", "kind"},
    {"name", API_TEXT, 1, 20, true, false, NULL, NULL, "名称", "name"},
    {"lon", API_NUMBER, -180, 180, false, true, NULL, NULL, "经度", "longitude"},
    {"lat", API_NUMBER, -90, 90, false, true, NULL, NULL, "纬度", "latitude"},
    {0},
};
static const struct api_value change_body[] = {
    {"parent", API_INT, 1, 4e9, false, true, NULL, NULL, "上级单位", "parent"},
    {"name", API_TEXT, 1, 20, false, true, NULL, NULL, "名称", "name"},
    {"lon", API_NUMBER, -180, 180, false, true, NULL, NULL, "经度", "longitude"},
    {"lat", API_NUMBER, -90, 90, false, true, NULL, NULL, "纬度", "latitude"},
    {0},
};
static const struct api_value id_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "单位", "unit of the organisation"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/org",
     .roles = ROLES_SIGNED,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .reply = "list of Org",
     .zh = "组织机构",
     .en = "organisation tree",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/org",
     .roles = ROLE_ADMIN,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .body = add_body,
     .reply = "Org",
     .status = 201,
     .zh = "新增单位",
     .en = "add a node",
     .fn = add},
    {.method = METHOD_POST,
     .path = "/org/{id}",
     .roles = ROLE_ADMIN,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = id_params,
     .body = change_body,
     .reply = "Org",
     .zh = "修改单位",
     .en = "rename or move a node",
     .fn = change},
    {0},
};
const struct api api_org = {"组织", "organisation", routes};
