/* SPDX-License-Identifier: Apache-2.0 */
/* Devices (前端设备): cameras and other senders; a secret is shown once, kept only as
 * hashes. */
#include "feeds/digest.h"
#include "serve/api_kit.h"
#include "serve/quality_rows.h"

#include <sodium.h>

#define SECRET 21

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct device *rows;
    size_t n;
    kit_open(&k, env, r);
    arena_init(&a, 256 << 20);
    enum err e = ledger_devices(env->reader, &a, &rows, &n);
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            api_list_row(r);
            rows_device(req_out(r), k.sites, k.live, &rows[i]);
        }
        api_list_close(r, SPAN(""), k.live->as_of_ms);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

/* A new secret into the row's hashes; the text goes to the reply and nowhere else. */
static void
rekey(struct device *d, char secret[SECRET])
{
    static const char letters[] =
        "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    char ha1[DIGEST_HEX];
    for (int i = 0; i < SECRET - 1; i++)
        secret[i] = letters[randombytes_uniform(sizeof letters - 1)];
    secret[SECRET - 1] = 0;
    memcpy(d->login, d->code, sizeof d->code);
    memcpy(d->realm, DIGEST_REALM, sizeof DIGEST_REALM);
    struct span user = span_cstr(d->login), realm = SPAN(DIGEST_REALM);
    digest_ha1(DIGEST_MD5, user, realm, span_cstr(secret), ha1);
    must(span_copy(d->ha1_md5, sizeof d->ha1_md5, span_cstr(ha1)));
    digest_ha1(DIGEST_SHA256, user, realm, span_cstr(secret), ha1);
    must(span_copy(d->ha1_sha256, sizeof d->ha1_sha256, span_cstr(ha1)));
    secret_hash(span_cstr(secret), d->key_hash);
}

static enum err
save(struct req *r, struct api_env *env, struct device *d)
{
    enum err e = ledger_device_put(env->ledger, d);
    if (e == ERR_CONFLICT)
        return req_refuse(r, REFUSE_EXISTS, "code", NULL, NULL);
    if (e == OK)
        e = kit_told(env, r, TOPIC_DEVICE, d->id.v);
    if (e == OK)
        api_audit(r, span_cstr(d->code), SPAN(""));
    return e;
}

static enum err
add(struct req *r, struct api_env *env)
{
    struct kit k;
    struct device d = {.created_ms = req_at(r)};
    char secret[SECRET];
    kit_open(&k, env, r);
    d.site.v = (uint32_t)api_int(r, "site", 0);
    enum err e = OK;
    if (!span_copy(d.code, sizeof d.code, api_text(r, "code")) ||
        !span_copy(d.name, sizeof d.name, api_text(r, "name")) ||
        !span_copy(d.kind, sizeof d.kind, api_text(r, "kind")) ||
        !span_copy(d.protocol, sizeof d.protocol, api_text(r, "protocol")))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "code", NULL, NULL);
    if (e == OK && d.site.v && !site_get(k.sites, d.site))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "site", NULL, NULL);
    rekey(&d, secret);
    if (e == OK)
        e = save(r, env, &d);
    if (e == OK) {
        rows_device(req_out(r), k.sites, k.live, &d);
        req_out(r)->n--;
        buf_fmt(req_out(r), ",\"key\":\"%s\"}", secret);
        api_created(r);
    }
    sodium_memzero(secret, sizeof secret);
    kit_close(&k);
    return e;
}

static enum err
asked(struct req *r, struct api_env *env, struct device *out)
{
    enum err e = ledger_device_find(
        env->reader, (struct device_id){(uint32_t)api_int(r, "id", 0)}, out);
    return e == ERR_NOTFOUND ? req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL) : e;
}

static enum err
change(struct req *r, struct api_env *env)
{
    struct kit k;
    struct device d;
    kit_open(&k, env, r);
    enum err e = asked(r, env, &d);
    if (e == OK && api_has(r, "name") &&
        !span_copy(d.name, sizeof d.name, api_text(r, "name")))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "name", NULL, NULL);
    if (e == OK && api_has(r, "site")) {
        d.site.v = (uint32_t)api_int(r, "site", 0);
        if (d.site.v && !site_get(k.sites, d.site))
            e = req_refuse(r, REFUSE_BAD_REQUEST, "site", NULL, NULL);
    }
    if (e == OK && api_has(r, "disabled"))
        d.disabled = api_int(r, "disabled", 0) != 0;
    if (e == OK && api_has(r, "vendor"))
        e = quality_vendor_put(env->ledger, d.id, api_text(r, "vendor"));
    if (e == OK)
        e = save(r, env, &d);
    if (e == OK)
        rows_device(req_out(r), k.sites, k.live, &d);
    kit_close(&k);
    return e;
}

static enum err
key(struct req *r, struct api_env *env)
{
    struct device d;
    char secret[SECRET];
    enum err e = asked(r, env, &d);
    if (e == OK) {
        rekey(&d, secret);
        e = save(r, env, &d);
    }
    if (e == OK)
        buf_fmt(req_out(r), "{\"key\":\"%s\"}", secret);
    sodium_memzero(secret, sizeof secret);
    return e;
}

static const struct api_value list_params[] = {API_LIMIT_ROWS(1000), {0}};
static const struct api_value id_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "设备", "device"},
    {0},
};
static const struct api_value add_body[] = {
    {"code", API_TEXT, 1, 31, true, false, NULL, NULL, "设备编码", "code"},
    {"name", API_TEXT, 1, 31, true, false, NULL, NULL, "名称", "name"},
    {"kind", API_TEXT, 1, 15, true, false, NULL, NULL, "种类", "kind"},
    {"site", API_INT, 0, 4e9, false, true, NULL, NULL, "点位", "site"},
    {"protocol", API_WORD, 0, 0, true, false, "viid|ndjson|fixes", NULL, "协议",
     "protocol"},
    {0},
};
static const struct api_value change_body[] = {
    {"name", API_TEXT, 1, 31, false, true, NULL, NULL, "名称", "name"},
    {"site", API_INT, 0, 4e9, false, true, NULL, NULL, "点位", "site"},
    {"disabled", API_FLAG, 0, 0, false, true, NULL, NULL, "停用", "disabled"},
    {"vendor", API_TEXT, 0, 60, false, false, NULL, NULL, "厂商",
     "vendor, as the data quality report groups by"},
    {0},
};
static const struct api_value empty_body[] = {{0}};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/devices",
     .roles = ROLE_ADMIN | ROLE_DUTY | ROLE_SUPERVISOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of Device",
     .zh = "设备列表",
     .en = "cameras and other senders",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/devices",
     .roles = ROLE_ADMIN,
     .audit = API_SECURITY,
     .where = ON_LEDGER,
     .body = add_body,
     .reply = "Device",
     .status = 201,
     .zh = "新增设备",
     .en = "add a device",
     .fn = add},
    {.method = METHOD_POST,
     .path = "/devices/{id}",
     .roles = ROLE_ADMIN,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = id_params,
     .body = change_body,
     .reply = "Device",
     .zh = "修改设备",
     .en = "site, name, disable",
     .fn = change},
    {.method = METHOD_POST,
     .path = "/devices/{id}/key",
     .roles = ROLE_ADMIN,
     .audit = API_SECURITY,
     .where = ON_LEDGER,
     .params = id_params,
     .body = empty_body,
     .reply = "Key",
     .zh = "更换密钥",
     .en = "new key",
     .fn = key},
    {0},
};
const struct api api_devices = {"设备", "devices", routes};
