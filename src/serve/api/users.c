/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts (账号): made by the administrator, given their role by security, read by
 * audit. Nobody does two of these, and nobody does any of them to the own account. */
#include "serve/api_kit.h"

#include <sodium.h>

#define SECRET 21

static void
make_secret(char dst[SECRET])
{
    static const char letters[] =
        "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    for (int i = 0; i < SECRET - 1; i++)
        dst[i] = letters[randombytes_uniform(sizeof letters - 1)];
    dst[SECRET - 1] = 0;
}

static const char *
role_name(unsigned roles)
{
    for (const struct role_row *row = role_rows(); row->role; row++)
        if (roles & row->role)
            return row->name;
    return NULL;
}

static void
role_json(struct buf *out, const char *key, unsigned roles)
{
    const char *name = role_name(roles);
    if (name)
        buf_fmt(out, ",\"%s\":\"%s\"", key, name);
    else
        buf_fmt(out, ",\"%s\":null", key);
}

static void
user_json(struct buf *out, struct kit *k, const struct user_row *u)
{
    struct unit_row unit;
    const char *state = u->user.disabled                   ? "disabled"
                        : u->locked_until_ms > k->desk.now ? "locked"
                        : u->user.roles == 0               ? "waiting"
                                                           : "active";
    buf_fmt(out, "{\"id\":%u,\"name\":", u->user.id.v);
    buf_json(out, span_cstr(u->user.login));
    buf_text(out, ",\"display\":");
    buf_json(out, span_cstr(u->user.name));
    role_json(out, "role", u->user.roles);
    role_json(out, "role_asked", u->roles_asked);
    buf_text(out, ",\"org\":");
    rows_org(out, k->orgs, u->user.org);
    buf_text(out, ",\"callsign\":");
    if (u->user.unit.v && ledger_unit_find(k->desk.reader, u->user.unit, &unit) == OK)
        buf_json(out, span_cstr(unit.unit.callsign));
    else
        buf_text(out, "null");
    buf_fmt(out, ",\"state\":\"%s\"", state);
    if (u->last_ms)
        buf_fmt(out, ",\"last_ms\":%lld", (long long)u->last_ms);
    else
        buf_text(out, ",\"last_ms\":null");
    buf_fmt(out, ",\"created_ms\":%lld}", (long long)u->created_ms);
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct user_row *rows;
    size_t n;
    struct span q = api_text(r, "q");
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    enum err e = ledger_users(env->reader, &a, &rows, &n);
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            bool fits =
                !q.n ||
                memmem(rows[i].user.login, strlen(rows[i].user.login), q.p, q.n) ||
                memmem(rows[i].user.name, strlen(rows[i].user.name), q.p, q.n);
            if (!fits)
                continue;
            api_list_row(r);
            user_json(req_out(r), &k, &rows[i]);
        }
        api_list_close(r, SPAN(""), k.desk.now);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

struct fresh { /* a password on its way from the work thread to the ledger */
    char secret[SECRET];
    char hash[USER_HASH];
};

static enum err
crew(struct req *r, struct api_env *env, struct span callsign, struct unit_id *out)
{
    struct arena a;
    struct unit_row *rows;
    size_t n;
    *out = (struct unit_id){0};
    if (!callsign.n)
        return OK;
    arena_init(&a, 64 << 20);
    enum err e = ledger_units(env->reader, &a, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++)
        if (span_eq_cstr(callsign, rows[i].unit.callsign))
            *out = rows[i].unit.id;
    arena_release(&a);
    if (e == OK && out->v == 0)
        e = req_refuse(r, REFUSE_BAD_REQUEST, "callsign", NULL, NULL);
    return e;
}

static enum err
saved(
    struct req *r, struct api_env *env, struct kit *k, struct user_row *u,
    const char *secret)
{
    enum err e = ledger_user_put(env->ledger, u);
    if (e == ERR_CONFLICT)
        return req_refuse(
            r, REFUSE_EXISTS, "name", "this user name is taken", "该用户名已被使用");
    if (e == OK)
        e = kit_told(env, r, TOPIC_USER, u->user.id.v);
    if (e != OK)
        return e;
    struct buf *out = req_out(r);
    api_audit(r, span_cstr(u->user.login), SPAN(""));
    user_json(out, k, u);
    if (secret) {
        out->n--;
        buf_fmt(out, ",\"password\":\"%s\"}", secret);
    }
    return OK;
}

static enum err
add_write(struct req *r, struct api_env *env)
{
    struct kit k;
    struct fresh *f = *api_keep(r);
    struct user_row u = {0};
    kit_open(&k, env, r);
    const struct role_row *role = role_find(api_text(r, "role"));
    u.roles_asked = role ? role->role : 0;
    u.user.org.v = (uint32_t)api_int(r, "org", 0);
    u.user.must_change = true;
    u.created_ms = u.user.password_ms = req_at(r);
    memcpy(u.hash, f->hash, sizeof u.hash);
    enum err e = OK;
    if (!org_get(k.orgs, u.user.org))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "org", NULL, NULL);
    if (e == OK &&
        (!span_copy(u.user.login, sizeof u.user.login, api_text(r, "name")) ||
         !span_copy(u.user.name, sizeof u.user.name, api_text(r, "display"))))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "display", NULL, NULL);
    for (const char *p = u.user.login; e == OK && *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", *p))
            e = req_refuse(
                r, REFUSE_BAD_REQUEST, "name",
                "a user name has a-z, 0-9, dot, dash, underscore",
                "用户名仅限小写字母、数字、点、横线与下划线");
    if (e == OK)
        e = crew(r, env, api_text(r, "callsign"), &u.user.unit);
    if (e == OK)
        e = saved(r, env, &k, &u, f->secret);
    if (e == OK)
        api_created(r);
    sodium_memzero(f, sizeof *f);
    kit_close(&k);
    return e;
}

static enum err
hash_then(struct req *r, api_fn write)
{
    struct fresh *f = ARENA_NEW(req_arena(r), struct fresh);
    if (!f)
        return ERR_TOOBIG;
    *api_keep(r) = f;
    make_secret(f->secret);
    enum err e = user_hash(span_cstr(f->secret), f->hash);
    return e == OK ? api_then(r, ON_LEDGER, write) : e;
}

static enum err
add(struct req *r, struct api_env *env)
{
    (void)env;
    return hash_then(r, add_write);
}

/* The account in the path; never the caller's own where `other` is set. */
static enum err
asked(struct req *r, struct api_env *env, bool other, struct user_row *out)
{
    struct user_id id = {(uint32_t)api_int(r, "id", 0)};
    if (other && id.v == api_user(r)->id.v)
        return req_refuse(r, REFUSE_SAME_PERSON, "id", NULL, NULL);
    enum err e = ledger_user_find(env->reader, id, out);
    return e == ERR_NOTFOUND ? req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL) : e;
}

static enum err
change(struct req *r, struct api_env *env)
{
    struct kit k;
    struct user_row u;
    kit_open(&k, env, r);
    enum err e = asked(r, env, api_has(r, "disabled"), &u);
    if (e == OK && api_has(r, "display") &&
        !span_copy(u.user.name, sizeof u.user.name, api_text(r, "display")))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "display", NULL, NULL);
    if (e == OK && api_has(r, "org")) {
        u.user.org.v = (uint32_t)api_int(r, "org", 0);
        if (!org_get(k.orgs, u.user.org))
            e = req_refuse(r, REFUSE_BAD_REQUEST, "org", NULL, NULL);
    }
    if (e == OK && api_has(r, "callsign"))
        e = crew(r, env, api_text(r, "callsign"), &u.user.unit);
    if (e == OK && api_has(r, "disabled"))
        u.user.disabled = api_int(r, "disabled", 0) != 0;
    if (e == OK)
        e = saved(r, env, &k, &u, NULL);
    kit_close(&k);
    return e;
}

static enum err
give_role(struct req *r, struct api_env *env)
{
    struct kit k;
    struct user_row u;
    kit_open(&k, env, r);
    enum err e = asked(r, env, true, &u);
    const struct role_row *role = role_find(api_text(r, "role"));
    if (e == OK && (!role || role->role == ROLE_DEVICE))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "role", NULL, NULL);
    if (e == OK) {
        u.user.roles = role->role;
        u.roles_asked = 0;
        e = saved(r, env, &k, &u, NULL);
    }
    if (e == OK)
        e = ledger_sessions_drop_user(env->ledger, u.user.id, NULL);
    kit_close(&k);
    return e;
}

static enum err
reset_write(struct req *r, struct api_env *env)
{
    struct fresh *f = *api_keep(r);
    struct user_row u;
    enum err e = asked(r, env, true, &u);
    if (e == OK) {
        memcpy(u.hash, f->hash, sizeof u.hash);
        /* Whoever resets a password could sign in with it: the account waits, as a new
         * one does, until the security officer gives its roles again. */
        u.roles_asked |= u.user.roles;
        u.user.roles = 0;
        u.user.must_change = true;
        u.user.password_ms = req_at(r);
        u.failures = 0;
        u.locked_until_ms = 0;
        e = ledger_user_put(env->ledger, &u);
    }
    if (e == OK)
        e = ledger_sessions_drop_user(env->ledger, u.user.id, NULL);
    if (e == OK)
        e = kit_told(env, r, TOPIC_USER, u.user.id.v);
    if (e == OK) {
        api_audit(r, span_cstr(u.user.login), SPAN(""));
        buf_fmt(req_out(r), "{\"password\":\"%s\"}", f->secret);
    }
    sodium_memzero(f, sizeof *f);
    return e;
}

static enum err
reset(struct req *r, struct api_env *env)
{
    (void)env;
    return hash_then(r, reset_write);
}

static enum err
unlock(struct req *r, struct api_env *env)
{
    struct kit k;
    struct user_row u;
    kit_open(&k, env, r);
    enum err e = asked(r, env, true, &u);
    if (e == OK) {
        struct user_try t = {.good = true, .at_ms = u.last_ms, .limit = UINT32_MAX};
        e = ledger_user_try(env->ledger, u.user.id, &t);
    }
    if (e == OK)
        e = asked(r, env, true, &u);
    if (e == OK)
        e = kit_told(env, r, TOPIC_USER, u.user.id.v);
    if (e == OK) {
        api_audit(r, span_cstr(u.user.login), SPAN(""));
        user_json(req_out(r), &k, &u);
    }
    kit_close(&k);
    return e;
}

#define ROLE_WORDS "duty|analyst|squad|supervisor|auditor|security|admin"

static const struct api_value list_params[] = {
    {"q", API_TEXT, 1, 64, false, false, NULL, NULL, "用户名或姓名", "part of a name"},
    API_LIMIT_ROWS(1000),
    {0},
};
static const struct api_value id_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "账号", "account"},
    {0},
};
static const struct api_value add_body[] = {
    {"name", API_TEXT, 2, 31, true, false, NULL, NULL, "用户名", "user name"},
    {"display", API_TEXT, 1, 15, true, false, NULL, NULL, "姓名", "the person's name"},
    {"org", API_INT, 1, 4e9, true, false, NULL, NULL, "单位",
     "unit of the organisation"},
    {"role", API_WORD, 0, 0, true, false, ROLE_WORDS, NULL, "申请的角色",
     "role asked for"},
    {"callsign", API_TEXT, 1, 23, false, true, NULL, NULL, "呼号",
     "unit the person crews"},
    {0},
};
static const struct api_value change_body[] = {
    {"display", API_TEXT, 1, 15, false, true, NULL, NULL, "姓名", "the person's name"},
    {"org", API_INT, 1, 4e9, false, true, NULL, NULL, "单位",
     "unit of the organisation"},
    {"callsign", API_TEXT, 1, 23, false, true, NULL, NULL, "呼号",
     "unit the person crews"},
    {"disabled", API_FLAG, 0, 0, false, true, NULL, NULL, "停用", "disabled"},
    {0},
};
static const struct api_value role_body[] = {
    {"role", API_WORD, 0, 0, true, false, ROLE_WORDS, NULL, "角色", "role"},
    {0},
};
static const struct api_value empty_body[] = {{0}};

static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/users",
     .roles = ROLE_ADMIN | ROLE_SECURITY | ROLE_SUPERVISOR | ROLE_AUDITOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of User",
     .zh = "账号列表",
     .en = "accounts",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/users",
     .roles = ROLE_ADMIN,
     .audit = API_SECURITY,
     .where = ON_WORK,
     .body = add_body,
     .cost = 50,
     .reply = "User",
     .status = 201,
     .zh = "新增账号",
     .en = "add an account",
     .fn = add},
    {.method = METHOD_POST,
     .path = "/users/{id}",
     .roles = ROLE_ADMIN,
     .audit = API_SECURITY,
     .where = ON_LEDGER,
     .params = id_params,
     .body = change_body,
     .reply = "User",
     .zh = "修改账号",
     .en = "name, unit, enable, disable",
     .fn = change},
    {.method = METHOD_POST,
     .path = "/users/{id}/role",
     .roles = ROLE_SECURITY,
     .audit = API_SECURITY,
     .where = ON_LEDGER,
     .params = id_params,
     .body = role_body,
     .reply = "User",
     .zh = "授予角色",
     .en = "give the role",
     .fn = give_role},
    {.method = METHOD_POST,
     .path = "/users/{id}/reset",
     .roles = ROLE_ADMIN,
     .audit = API_SECURITY,
     .where = ON_WORK,
     .params = id_params,
     .body = empty_body,
     .cost = 50,
     .reply = "Password",
     .zh = "重置口令",
     .en = "one-time password",
     .fn = reset},
    {.method = METHOD_POST,
     .path = "/users/{id}/unlock",
     .roles = ROLE_ADMIN | ROLE_SECURITY,
     .audit = API_SECURITY,
     .where = ON_LEDGER,
     .params = id_params,
     .body = empty_body,
     .reply = "User",
     .zh = "解除锁定",
     .en = "lift a lock-out",
     .fn = unlock},
    {0},
};
const struct api api_users = {"账号", "users", routes};
