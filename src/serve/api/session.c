/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in and out (登录). The exemplar of a resource whose functions cross threads:
 * sign-in looks the account up on the ledger thread, computes argon2id on a work
 * thread, writes the outcome on the ledger thread and enters the session on the console
 * loop. */
#include <sodium.h>
#include <stdio.h>

#include "core/counter.h"
#include "core/log.h"
#include "serve/call.h"

struct entry { /* one sign-in or change of password on its way */
    struct account account;
    char token[TOKEN_TEXT];
    struct kept_session kept;
    bool known, right;
    char fresh[128]; /* verifier of the new password */
};

static void
write_id_name(struct buf *out, const char *key, uint32_t id, const char *name)
{
    buf_fmt(out, "\"%s\":{\"id\":%u,\"name\":", key, id);
    buf_json(out, span_cstr(name));
    buf_u8(out, '}');
}

static const char *
role_name(unsigned roles)
{
    for (const struct role_row *row = role_rows(); row->role; row++)
        if (roles & row->role)
            return row->name;
    return "";
}

static void
write_user(struct buf *out, const struct serve_needs *n, const struct user *u)
{
    struct org_table *table = n->org(n->ctx);
    const struct org *org = table ? org_get(table, u->org) : NULL;
    char callsign[24] = "";
    bool unit = u->unit.v && n->callsign && n->callsign(n->ctx, u->unit, callsign);
    buf_fmt(out, "\"user\":{\"id\":%u,\"name\":", u->id.v);
    buf_json(out, span_cstr(u->login));
    buf_text(out, ",\"display\":");
    buf_json(out, span_cstr(u->name));
    buf_fmt(out, ",\"role\":\"%s\",", role_name(u->roles));
    write_id_name(out, "org", u->org.v, org ? org->name : "");
    buf_text(out, ",\"callsign\":");
    if (unit)
        buf_json(out, span_cstr(callsign));
    else
        buf_text(out, "null");
    if (u->unit.v)
        buf_fmt(out, ",\"unit\":%u}", u->unit.v);
    else
        buf_text(out, ",\"unit\":null}");
    if (table)
        org_table_unref(table);
}

static void
write_session(struct req *r, struct api_env *env, const struct session *s)
{
    struct buf *out = req_out(r);
    struct sessions *t = env->serve->sessions;
    buf_u8(out, '{');
    write_user(out, env->needs, &s->user);
    buf_fmt(
        out,
        ",\"csrf\":\"%s\",\"must_change_password\":%s,\"idle_ms\":%lld,\"expires_ms\":%"
        "lld,"
        "\"now_ms\":%lld,\"may\":[",
        s->csrf, s->user.must_change ? "true" : "false", (long long)sessions_idle_ms(t),
        (long long)(s->made_ms + env->serve->conf.session_us / 1000),
        (long long)req_at(r));
    api_may(out, s->user.roles);
    buf_text(out, "]}");
}

static void
set_cookie(struct req *r, const char *token, int64_t age_s)
{
    char text[256];
    snprintf(
        text, sizeof text,
        SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; "
                       "Max-Age=%lld%s",
        token, (long long)age_s, req_secure(r) ? "; Secure" : "");
    req_add(r, "Set-Cookie", text);
}

static struct entry *
entry_new(struct req *r)
{
    struct entry *e = ARENA_NEW(req_arena(r), struct entry);
    *api_keep(r) = e;
    return e;
}

static void
entry_fresh_session(struct req *r, struct entry *e)
{
    session_token(e->token);
    session_hash(span_cstr(e->token), e->kept.hash);
    randombytes_buf(e->kept.csrf, sizeof e->kept.csrf);
    e->kept.user = e->account.user.id;
    e->kept.made_ms = e->kept.seen_ms = req_at(r);
    e->kept.epoch = e->account.epoch;
}

/* ---- POST /session ---- */

static enum err
sign_in_refused(struct req *r, struct api_env *env, enum refusal why)
{
    struct span login = api_text(r, "user");
    counter_add(CTR_sign_ins_failed, 1);
    sign_in_wrong(env->serve->sign_ins, login, req_peer(r), req_at(r));
    log_event(
        why == REFUSE_LOCKED ? EV_lockout : EV_sign_in_failed,
        log_s("from", req_peer(r)));
    return req_refuse(r, why, NULL, NULL, NULL);
}

/* 4: on the console loop, with the outcome durable. */
static enum err
sign_in_done(struct req *r, struct api_env *env)
{
    struct entry *e = *api_keep(r);
    struct serve *s = env->serve;
    if (!e->right)
        return sign_in_refused(r, env, REFUSE_SIGN_IN_FAILED);
    struct session *now =
        sessions_add(s->sessions, &e->kept, &e->account.user, req_at(r));
    if (!now)
        return ERR_BUSY;
    sign_in_right(s->sign_ins, api_text(r, "user"), req_peer(r), req_at(r));
    counter_add(CTR_sign_ins, 1);
    log_event(
        EV_sign_in, log_n("user", e->account.user.id.v), log_s("from", req_peer(r)));
    call_of(r)->user = e->account.user; /* the audit record names who it was */
    call_of(r)->role = e->account.user.roles;
    set_cookie(r, e->token, s->conf.session_us / 1000000);
    write_session(r, env, now);
    return OK;
}

/* 3: ledger. Wrong tries are written although the request fails, so this stage itself
 * succeeds. */
static enum err
sign_in_write(struct req *r, struct api_env *env)
{
    struct entry *e = *api_keep(r);
    ts_ms at = req_at(r), locked = 0;
    uint32_t failures = 0;
    if (e->known && !e->right) {
        failures = e->account.failures + 1;
        locked = failures % SIGN_IN_TRIES == 0 ? at + SIGN_IN_LOCK_MS : 0;
    }
    enum err err = OK;
    if (e->known && e->account.locked_ms <= at)
        err = env->needs->account_tried(
            env->ledger, e->account.user.id, failures, locked, at);
    if (!err && e->right) {
        entry_fresh_session(r, e);
        err = env->needs->session_put(env->ledger, &e->kept);
    }
    return err ? err : api_then(r, ON_NET, sign_in_done);
}

/* 2: work thread. */
static enum err
sign_in_compute(struct req *r, struct api_env *env)
{
    (void)env;
    struct entry *e = *api_keep(r);
    const struct user *u = &e->account.user;
    bool open =
        e->known && !u->disabled && u->roles && e->account.locked_ms <= req_at(r);
    e->right = password_ok(open ? e->account.verifier : "", api_text(r, "password"));
    return api_then(r, ON_LEDGER, sign_in_write);
}

/* 1: ledger. */
static enum err
sign_in_find(struct req *r, struct api_env *env)
{
    struct entry *e = *api_keep(r);
    enum err err =
        env->needs->account_find(env->ledger, api_text(r, "user"), &e->account);
    e->known = err == OK;
    if (err && err != ERR_NOTFOUND)
        return err;
    return api_then(r, ON_WORK, sign_in_compute);
}

static enum err
sign_in_busy(struct req *r)
{
    return req_refuse(
        r, REFUSE_BUSY, NULL, "too many sign-ins at once: try again",
        "同时登录人数过多，请稍后重试");
}

/* A place is free: the next goes on. What ends meanwhile is found by the loop that is
 * running already, however many end. */
static void
sign_in_over(struct req *r)
{
    struct serve *s = call_of(r)->serve;
    struct req *next;
    sign_in_leave(s->sign_ins, r);
    if (s->signing_in)
        return;
    s->signing_in = true;
    while ((next = sign_in_next(s->sign_ins)))
        api_done(next, req_gone(next) ? sign_in_busy(next) : OK);
    s->signing_in = false;
}

/* 0: console loop. */
static enum err
sign_in(struct req *r, struct api_env *env)
{
    struct sign_ins *t = env->serve->sign_ins;
    struct span login = api_text(r, "user");
    void *out;
    api_audit(r, login, span_of(NULL, 0));
    enum refusal why = sign_in_may(t, login, req_peer(r), req_at(r));
    if (why)
        return req_refuse(r, why, NULL, NULL, NULL);
    struct entry *e = entry_new(r);
    if (!e)
        return ERR_NOMEM;
    enum sign_in_place place = sign_in_enter(t, login, req_peer(r), req_at(r), r, &out);
    if (place == SIGN_IN_FULL)
        return sign_in_busy(r);
    api_on_end(r, sign_in_over);
    if (place == SIGN_IN_WAITS)
        api_wait(r);
    if (out)
        api_done(out, sign_in_busy(out));
    return api_then(r, ON_LEDGER, sign_in_find);
}

/* ---- GET and DELETE /session ---- */

static enum err
who_am_i(struct req *r, struct api_env *env)
{
    struct session *s =
        sessions_by_hash(env->serve->sessions, call_of(r)->session_hash);
    if (!s)
        return ERR_AUTH;
    write_session(r, env, s);
    return OK;
}

static enum err
sign_out_here(struct req *r, struct api_env *env)
{
    const uint8_t *hash = call_of(r)->session_hash;
    struct session *s = sessions_by_hash(env->serve->sessions, hash);
    events_end_session(env->serve->events, hash, "signed_out");
    if (s)
        sessions_drop(env->serve->sessions, s);
    set_cookie(r, "", 0);
    api_empty(r);
    return OK;
}

static enum err
sign_out(struct req *r, struct api_env *env)
{
    enum err e = env->needs->session_drop(env->ledger, call_of(r)->session_hash);
    if (e && e != ERR_NOTFOUND)
        return e;
    return api_then(r, ON_NET, sign_out_here);
}

/* ---- POST /session/password ---- */

/* 3: console loop: other sessions of the account are over, this one goes on under a new
 * token. */
static enum err
password_done(struct req *r, struct api_env *env)
{
    struct entry *e = *api_keep(r);
    struct serve *s = env->serve;
    serve_account_changed(s, &e->account, "signed_out");
    struct session *old = sessions_by_hash(s->sessions, call_of(r)->session_hash);
    events_end_session(s->events, call_of(r)->session_hash, "signed_out");
    if (old)
        sessions_drop(s->sessions, old);
    struct session *now =
        sessions_add(s->sessions, &e->kept, &e->account.user, req_at(r));
    if (!now)
        return ERR_BUSY;
    set_cookie(r, e->token, s->conf.session_us / 1000000);
    write_session(r, env, now);
    return OK;
}

/* 2: ledger. */
static enum err
password_write(struct req *r, struct api_env *env)
{
    struct entry *e = *api_keep(r);
    const struct serve_needs *n = env->needs;
    enum err err = n->password_set(
        env->ledger, e->account.user.id, e->fresh, false, req_at(r), &e->account);
    if (!err)
        err = n->session_drop(env->ledger, call_of(r)->session_hash);
    if (err && err != ERR_NOTFOUND)
        return err;
    entry_fresh_session(r, e);
    err = n->session_put(env->ledger, &e->kept);
    return err ? err : api_then(r, ON_NET, password_done);
}

/* 1: work thread. */
static enum err
password_compute(struct req *r, struct api_env *env)
{
    (void)env;
    struct entry *e = *api_keep(r);
    struct span fresh = api_text(r, "new"), old = api_text(r, "old");
    if (!password_ok(e->account.verifier, old))
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "old", "the present password is wrong",
            "当前口令错误");
    if (span_eq(fresh, old))
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "new", "the new password is the old one",
            "新口令不能与旧口令相同");
    enum err err = password_rules(fresh, span_cstr(e->account.user.login), req_note(r));
    if (!err)
        err = password_verifier(fresh, e->fresh);
    return err ? err : api_then(r, ON_LEDGER, password_write);
}

/* 0: ledger. */
static enum err
password_change(struct req *r, struct api_env *env)
{
    struct entry *e = entry_new(r);
    if (!e)
        return ERR_NOMEM;
    enum err err = env->needs->account_get(env->ledger, api_user(r)->id, &e->account);
    return err ? err : api_then(r, ON_WORK, password_compute);
}

static const struct api_value sign_in_body[] = {
    {"user", API_TEXT, 1, 64, true, false, NULL, NULL, "用户名", "user name"},
    {"password", API_TEXT, 1, 256, true, false, NULL, NULL, "口令", "password"},
    {0},
};
static const struct api_value password_body[] = {
    {"old", API_TEXT, 1, 256, true, false, NULL, NULL, "当前口令", "present password"},
    {"new", API_TEXT, 1, 256, true, false, NULL, NULL, "新口令", "new password"},
    {0},
};

static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/session",
     .roles = ROLES_OPEN,
     .audit = API_SECURITY,
     .where = ON_NET,
     .body = sign_in_body,
     .body_cap = 4096,
     .reply = "Session",
     .zh = "登录",
     .en = "sign in",
     .fn = sign_in},
    {.method = METHOD_GET,
     .path = "/session",
     .roles = ROLES_SIGNED,
     .audit = API_NONE,
     .where = ON_NET,
     .reply = "Session",
     .zh = "我是谁，能做什么",
     .en = "who am I, what may I",
     .fn = who_am_i},
    {.method = METHOD_DELETE,
     .path = "/session",
     .roles = ROLES_SIGNED,
     .audit = API_SECURITY,
     .where = ON_LEDGER,
     .status = 204,
     .zh = "退出登录",
     .en = "sign out",
     .fn = sign_out},
    {.method = METHOD_POST,
     .path = "/session/password",
     .roles = ROLES_SIGNED,
     .audit = API_SECURITY,
     .where = ON_LEDGER,
     .body = password_body,
     .body_cap = 4096,
     .cost = 200,
     .reply = "Session",
     .zh = "修改自己的口令",
     .en = "change own password",
     .fn = password_change},
    {0},
};

const struct api api_session = {"会话", "session", routes};
