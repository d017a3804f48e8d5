/* SPDX-License-Identifier: Apache-2.0 */
/* One upsert a table: a new row gets its id from the writer, a known one is replaced.
 */
#include "store/ledger_people.h"

#include "store/ledger_sql.h"

#include <sodium.h>

/* The id to write: a new one for 0; ERR_NOTFOUND for one that was never given. */
static enum err
row_id(struct ledger *l, enum ledger_id which, uint32_t asked, uint32_t *id)
{
    if (asked > l->last[which])
        return ERR_NOTFOUND;
    *id = asked ? asked : (uint32_t)ledger_id(l, which);
    return OK;
}

/* ---- organisation ---- */

enum err
ledger_org_put(struct ledger *l, struct org *o)
{
    struct sql q;
    uint32_t id;
    enum err e = row_id(l, ID_ORG, o->id.v, &id);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO org (id, parent, code, name, name_en, kind, sub_centre)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " parent = excluded.parent, code = excluded.code, name = excluded.name,"
            " name_en = excluded.name_en, kind = excluded.kind,"
            " sub_centre = excluded.sub_centre",
            &q);
    if (e)
        return e;
    put_i64(&q, id);
    put_i64(&q, o->parent.v);
    put_text(&q, o->code);
    put_text(&q, o->name);
    put_text(&q, o->name_en);
    put_i64(&q, o->kind);
    put_i64(&q, o->sub_centre);
    e = sql_run(&q);
    if (!e)
        o->id.v = id;
    return e;
}

enum err
ledger_org_table(struct ledger_reader *r, uint64_t version, struct org_table **out)
{
    struct sql q;
    bool row;
    struct org_table *t = org_table_new(64);
    if (!t)
        return ERR_NOMEM;
    t->version = version;
    enum err e = sql_use(
        r,
        "SELECT id, parent, code, name, name_en, kind, sub_centre FROM org ORDER BY id",
        &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct org o = {0};
        o.id.v = get_u32(&q);
        o.parent.v = get_u32(&q);
        GET_TEXT(&q, o.code);
        GET_TEXT(&q, o.name);
        GET_TEXT(&q, o.name_en);
        o.kind = get_u8(&q);
        o.sub_centre = get_bool(&q);
        if (org_table_put(t, &o).v == 0) {
            sql_done(&q);
            e = ERR_NOMEM;
        }
    }
    if (e)
        org_table_unref(t);
    else
        *out = t;
    return e;
}

/* ---- units ---- */

#define UNIT_COLUMNS "id, callsign, name, kind, status, org, lon, lat, fix_ms, matter"

enum err
ledger_unit_put(struct ledger *l, struct unit_row *u)
{
    struct sql q;
    uint32_t id;
    enum err e = row_id(l, ID_UNIT, u->unit.id.v, &id);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO unit (" UNIT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET callsign = excluded.callsign,"
            " name = excluded.name, kind = excluded.kind, status = excluded.status,"
            " org = excluded.org, lon = excluded.lon, lat = excluded.lat,"
            " fix_ms = excluded.fix_ms, matter = excluded.matter",
            &q);
    if (e)
        return e;
    put_i64(&q, id);
    put_text(&q, u->unit.callsign);
    put_text(&q, u->unit.name);
    put_i64(&q, u->unit.kind);
    put_i64(&q, u->unit.status);
    put_i64(&q, u->unit.org.v);
    put_i64(&q, u->unit.lon);
    put_i64(&q, u->unit.lat);
    put_i64(&q, u->unit.fix_ms);
    put_u64(&q, u->matter);
    e = sql_run(&q);
    if (!e)
        u->unit.id.v = id;
    return e;
}

static enum err
changed_one(struct sql *q)
{
    int n = 0;
    enum err e = sql_run_count(q, &n);
    return e ? e : n ? OK : ERR_NOTFOUND;
}

enum err
ledger_unit_state(struct ledger *l, struct unit_id id, uint8_t status, uint64_t matter)
{
    struct sql q;
    enum err e =
        sql_use(&l->r, "UPDATE unit SET status = ?, matter = ? WHERE id = ?", &q);
    if (e)
        return e;
    put_i64(&q, status);
    put_u64(&q, matter);
    put_i64(&q, id.v);
    return changed_one(&q);
}

enum err
ledger_unit_fix(struct ledger *l, struct unit_id id, int32_t lon, int32_t lat, ts_ms at)
{
    struct sql q;
    enum err e =
        sql_use(&l->r, "UPDATE unit SET lon = ?, lat = ?, fix_ms = ? WHERE id = ?", &q);
    if (e)
        return e;
    put_i64(&q, lon);
    put_i64(&q, lat);
    put_i64(&q, at);
    put_i64(&q, id.v);
    return changed_one(&q);
}

static void
read_unit(struct sql *q, struct unit_row *u)
{
    u->unit.id.v = get_u32(q);
    GET_TEXT(q, u->unit.callsign);
    GET_TEXT(q, u->unit.name);
    u->unit.kind = get_u8(q);
    u->unit.status = get_u8(q);
    u->unit.org.v = get_u32(q);
    u->unit.lon = (int32_t)get_i64(q);
    u->unit.lat = (int32_t)get_i64(q);
    u->unit.fix_ms = get_i64(q);
    u->matter = get_u64(q);
}

enum err
ledger_unit_find(struct ledger_reader *r, struct unit_id id, struct unit_row *out)
{
    struct sql q;
    bool row = false;
    enum err e = sql_use(r, "SELECT " UNIT_COLUMNS " FROM unit WHERE id = ?", &q);
    if (e)
        return e;
    put_i64(&q, id.v);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    read_unit(&q, out);
    sql_done(&q);
    return OK;
}

enum err
ledger_units(struct ledger_reader *r, struct arena *a, struct unit_row **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(r, "SELECT " UNIT_COLUMNS " FROM unit ORDER BY id", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct unit_row *u = rows_add(&rows);
        if (!u) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        read_unit(&q, u);
    }
    *out = (struct unit_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

/* ---- users ---- */

#define USER_COLUMNS                                                                   \
    "id, login, name, roles, roles_asked, org, unit, disabled, must_change,"           \
    " password_ms, plate, hash, failures, locked_until_ms, created_ms, last_ms, epoch"

enum err
ledger_user_put(struct ledger *l, struct user_row *u)
{
    struct sql q;
    uint32_t id;
    if (!roles_compatible(u->user.roles) || !u->user.login[0])
        return ERR_INPUT;
    enum err e = row_id(l, ID_USER, u->user.id.v, &id);
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO account (" USER_COLUMNS ")"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET login = excluded.login,"
            " name = excluded.name, roles = excluded.roles,"
            " roles_asked = excluded.roles_asked, org = excluded.org,"
            " unit = excluded.unit, disabled = excluded.disabled,"
            " must_change = excluded.must_change, password_ms = excluded.password_ms,"
            " plate = excluded.plate, hash = excluded.hash,"
            " failures = excluded.failures,"
            " locked_until_ms = excluded.locked_until_ms,"
            " created_ms = excluded.created_ms, last_ms = excluded.last_ms,"
            " epoch = excluded.epoch",
            &q);
    if (e)
        return e;
    put_i64(&q, id);
    put_text(&q, u->user.login);
    put_text(&q, u->user.name);
    put_i64(&q, u->user.roles);
    put_i64(&q, u->roles_asked);
    put_i64(&q, u->user.org.v);
    put_i64(&q, u->user.unit.v);
    put_i64(&q, u->user.disabled);
    put_i64(&q, u->user.must_change);
    put_i64(&q, u->user.password_ms);
    put_text(&q, u->user.plate);
    put_text(&q, u->hash);
    put_i64(&q, u->failures);
    put_i64(&q, u->locked_until_ms);
    put_i64(&q, u->created_ms);
    put_i64(&q, u->last_ms);
    put_i64(&q, u->epoch + 1);
    e = sql_run(&q);
    if (!e) {
        u->user.id.v = id;
        u->epoch++;
    }
    return e;
}

static void
read_user(struct sql *q, struct user_row *u)
{
    *u = (struct user_row){0};
    u->user.id.v = get_u32(q);
    GET_TEXT(q, u->user.login);
    GET_TEXT(q, u->user.name);
    u->user.roles = get_u32(q);
    u->roles_asked = get_u32(q);
    u->user.org.v = get_u32(q);
    u->user.unit.v = get_u32(q);
    u->user.disabled = get_bool(q);
    u->user.must_change = get_bool(q);
    u->user.password_ms = get_i64(q);
    GET_TEXT(q, u->user.plate);
    GET_TEXT(q, u->hash);
    u->failures = get_u32(q);
    u->locked_until_ms = get_i64(q);
    u->created_ms = get_i64(q);
    u->last_ms = get_i64(q);
    u->epoch = get_u32(q);
}

static enum err
one_user(struct sql *q, struct user_row *out)
{
    bool row = false;
    enum err e = sql_next(q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    read_user(q, out);
    sql_done(q);
    return OK;
}

enum err
ledger_user_find(struct ledger_reader *r, struct user_id id, struct user_row *out)
{
    struct sql q;
    enum err e = sql_use(r, "SELECT " USER_COLUMNS " FROM account WHERE id = ?", &q);
    if (e)
        return e;
    put_i64(&q, id.v);
    return one_user(&q, out);
}

enum err
ledger_user_by_login(struct ledger_reader *r, struct span login, struct user_row *out)
{
    struct sql q;
    enum err e = sql_use(r, "SELECT " USER_COLUMNS " FROM account WHERE login = ?", &q);
    if (e)
        return e;
    put_span(&q, login);
    return one_user(&q, out);
}

enum err
ledger_users(struct ledger_reader *r, struct arena *a, struct user_row **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(r, "SELECT " USER_COLUMNS " FROM account ORDER BY id", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct user_row *u = rows_add(&rows);
        if (!u) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        read_user(&q, u);
    }
    *out = (struct user_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

enum err
ledger_user_try(struct ledger *l, struct user_id id, const struct user_try *t)
{
    struct sql q;
    enum err e;
    if (t->good) {
        e = sql_use(
            &l->r,
            "UPDATE account SET failures = 0, locked_until_ms = 0, last_ms = ?"
            " WHERE id = ?",
            &q);
        if (e)
            return e;
        put_i64(&q, t->at_ms);
        put_i64(&q, id.v);
        return changed_one(&q);
    }
    e = sql_use(
        &l->r,
        "UPDATE account SET failures = failures + 1, locked_until_ms ="
        " CASE WHEN failures + 1 >= ? THEN ? ELSE locked_until_ms END WHERE id = ?",
        &q);
    if (e)
        return e;
    put_i64(&q, t->limit);
    put_i64(&q, t->at_ms + t->lock_ms);
    put_i64(&q, id.v);
    return changed_one(&q);
}

_Static_assert(USER_HASH >= crypto_pwhash_STRBYTES, "an argon2id string fits");

enum err
user_hash(struct span password, char dst[USER_HASH])
{
    memset(dst, 0, USER_HASH);
    if (sodium_init() < 0 ||
        crypto_pwhash_str(
            dst, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
            crypto_pwhash_MEMLIMIT_INTERACTIVE))
        return ERR_NOMEM;
    return OK;
}

bool
user_hash_ok(const char *hash, struct span password)
{
    if (hash[0])
        return crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
    /* Nobody: spend what a real one costs, so that names cannot be guessed by time. */
    char waste[USER_HASH];
    (void)!user_hash(password, waste);
    return false;
}

/* ---- sessions ---- */

#define SESSION_COLUMNS                                                                \
    "hash, csrf, account, created_ms, used_ms, ends_ms, epoch, address"

enum err
ledger_session_put(struct ledger *l, const struct session_row *s)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "INSERT INTO session (" SESSION_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (hash) DO UPDATE SET csrf = excluded.csrf,"
        " account = excluded.account, created_ms = excluded.created_ms,"
        " used_ms = excluded.used_ms, ends_ms = excluded.ends_ms,"
        " epoch = excluded.epoch, address = excluded.address",
        &q);
    if (e)
        return e;
    put_blob(&q, s->hash, sizeof s->hash);
    put_blob(&q, s->csrf, sizeof s->csrf);
    put_i64(&q, s->user.v);
    put_i64(&q, s->created_ms);
    put_i64(&q, s->used_ms);
    put_i64(&q, s->ends_ms);
    put_i64(&q, s->epoch);
    put_text(&q, s->from);
    return sql_run(&q);
}

static void
read_session(struct sql *q, struct session_row *s)
{
    get_bytes(q, s->hash, sizeof s->hash);
    get_bytes(q, s->csrf, sizeof s->csrf);
    s->user.v = get_u32(q);
    s->created_ms = get_i64(q);
    s->used_ms = get_i64(q);
    s->ends_ms = get_i64(q);
    s->epoch = get_u32(q);
    GET_TEXT(q, s->from);
}

enum err
ledger_session_find(
    struct ledger_reader *r, const uint8_t hash[32], struct session_row *out)
{
    struct sql q;
    bool row = false;
    enum err e =
        sql_use(r, "SELECT " SESSION_COLUMNS " FROM session WHERE hash = ?", &q);
    if (e)
        return e;
    put_blob(&q, hash, 32);
    e = sql_next(&q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    read_session(&q, out);
    sql_done(&q);
    return OK;
}

enum err
ledger_session_used(struct ledger *l, const uint8_t hash[32], ts_ms at)
{
    struct sql q;
    enum err e = sql_use(&l->r, "UPDATE session SET used_ms = ? WHERE hash = ?", &q);
    if (e)
        return e;
    put_i64(&q, at);
    put_blob(&q, hash, 32);
    return changed_one(&q);
}

enum err
ledger_session_drop(struct ledger *l, const uint8_t hash[32])
{
    struct sql q;
    enum err e = sql_use(&l->r, "DELETE FROM session WHERE hash = ?", &q);
    if (e)
        return e;
    put_blob(&q, hash, 32);
    return sql_run(&q);
}

enum err
ledger_sessions_drop_user(struct ledger *l, struct user_id user, const uint8_t *keep)
{
    static const uint8_t none[32];
    struct sql q;
    enum err e =
        sql_use(&l->r, "DELETE FROM session WHERE account = ? AND hash <> ?", &q);
    if (e)
        return e;
    put_i64(&q, user.v);
    put_blob(&q, keep ? keep : none, 32);
    return sql_run(&q);
}

enum err
ledger_sessions_purge(struct ledger *l, ts_ms now, ts_ms unused_since)
{
    struct sql q;
    enum err e =
        sql_use(&l->r, "DELETE FROM session WHERE ends_ms <= ? OR used_ms < ?", &q);
    if (e)
        return e;
    put_i64(&q, now);
    put_i64(&q, unused_since);
    return sql_run(&q);
}

enum err
ledger_sessions(
    struct ledger_reader *r, struct arena *a, struct session_row **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e =
        sql_use(r, "SELECT " SESSION_COLUMNS " FROM session ORDER BY created_ms", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct session_row *s = rows_add(&rows);
        if (!s) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        read_session(&q, s);
    }
    *out = (struct session_row *)(void *)rows.p;
    *n = rows.n;
    return e;
}

void
secret_hash(struct span secret, uint8_t out[32])
{
    crypto_generichash(out, 32, (const unsigned char *)secret.p, secret.n, NULL, 0);
}

/* ---- devices ---- */

#define DEVICE_COLUMNS                                                                 \
    "id, code, name, kind, protocol, site, disabled, key_hash, login, realm,"          \
    " ha1_md5, ha1_sha256, created_ms, last_ms, faults, objects"

enum err
ledger_device_put(struct ledger *l, struct device *d)
{
    struct sql q;
    uint32_t id;
    enum err e = d->code[0] ? row_id(l, ID_DEVICE, d->id.v, &id) : ERR_INPUT;
    if (!e)
        e = sql_use(
            &l->r,
            "INSERT INTO device (" DEVICE_COLUMNS ")"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET code = excluded.code,"
            " name = excluded.name, kind = excluded.kind,"
            " protocol = excluded.protocol, site = excluded.site,"
            " disabled = excluded.disabled, key_hash = excluded.key_hash,"
            " login = excluded.login, realm = excluded.realm,"
            " ha1_md5 = excluded.ha1_md5, ha1_sha256 = excluded.ha1_sha256,"
            " created_ms = excluded.created_ms, last_ms = excluded.last_ms,"
            " faults = excluded.faults, objects = excluded.objects",
            &q);
    if (e)
        return e;
    put_i64(&q, id);
    put_text(&q, d->code);
    put_text(&q, d->name);
    put_text(&q, d->kind);
    put_text(&q, d->protocol);
    put_i64(&q, d->site.v);
    put_i64(&q, d->disabled);
    put_blob(&q, d->key_hash, sizeof d->key_hash);
    put_text(&q, d->login);
    put_text(&q, d->realm);
    put_text(&q, d->ha1_md5);
    put_text(&q, d->ha1_sha256);
    put_i64(&q, d->created_ms);
    put_i64(&q, d->last_ms);
    put_u64(&q, d->faults);
    put_u64(&q, d->objects);
    e = sql_run(&q);
    if (!e)
        d->id.v = id;
    return e;
}

static void
read_device(struct sql *q, struct device *d)
{
    d->id.v = get_u32(q);
    GET_TEXT(q, d->code);
    GET_TEXT(q, d->name);
    GET_TEXT(q, d->kind);
    GET_TEXT(q, d->protocol);
    d->site.v = get_u32(q);
    d->disabled = get_bool(q);
    get_bytes(q, d->key_hash, sizeof d->key_hash);
    GET_TEXT(q, d->login);
    GET_TEXT(q, d->realm);
    GET_TEXT(q, d->ha1_md5);
    GET_TEXT(q, d->ha1_sha256);
    d->created_ms = get_i64(q);
    d->last_ms = get_i64(q);
    d->faults = get_u64(q);
    d->objects = get_u64(q);
}

static enum err
one_device(struct sql *q, struct device *out)
{
    bool row = false;
    enum err e = sql_next(q, &row);
    if (!row)
        return e ? e : ERR_NOTFOUND;
    read_device(q, out);
    sql_done(q);
    return OK;
}

enum err
ledger_device_find(struct ledger_reader *r, struct device_id id, struct device *out)
{
    struct sql q;
    enum err e = sql_use(r, "SELECT " DEVICE_COLUMNS " FROM device WHERE id = ?", &q);
    if (e)
        return e;
    put_i64(&q, id.v);
    return one_device(&q, out);
}

enum err
ledger_device_by_code(struct ledger_reader *r, struct span code, struct device *out)
{
    struct sql q;
    enum err e = sql_use(r, "SELECT " DEVICE_COLUMNS " FROM device WHERE code = ?", &q);
    if (e)
        return e;
    put_span(&q, code);
    return one_device(&q, out);
}

enum err
ledger_devices(struct ledger_reader *r, struct arena *a, struct device **out, size_t *n)
{
    struct sql q;
    bool row;
    struct rows rows = {.a = a, .size = sizeof **out};
    enum err e = sql_use(r, "SELECT " DEVICE_COLUMNS " FROM device ORDER BY id", &q);
    while (!e && !(e = sql_next(&q, &row)) && row) {
        struct device *d = rows_add(&rows);
        if (!d) {
            sql_done(&q);
            return ERR_TOOBIG;
        }
        read_device(&q, d);
    }
    *out = (struct device *)(void *)rows.p;
    *n = rows.n;
    return e;
}

enum err
ledger_device_seen(
    struct ledger *l, struct device_id id, ts_ms last, uint64_t faults,
    uint64_t objects)
{
    struct sql q;
    enum err e = sql_use(
        &l->r,
        "UPDATE device SET last_ms = ?, faults = faults + ?, objects = objects + ?"
        " WHERE id = ?",
        &q);
    if (e)
        return e;
    put_i64(&q, last);
    put_u64(&q, faults);
    put_u64(&q, objects);
    put_i64(&q, id.v);
    return changed_one(&q);
}
