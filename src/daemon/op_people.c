/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu user|device: accounts and senders from the keyboard of the machine, for the
 * first day and for emergencies. Every change is in the audit chain. */
#include "core/os_clock.h"
#include "daemon/op_list.h"
#include "feeds/digest.h"
#include "store/ledger_people.h"
#include "store/ledger_place.h"

#include <sodium.h>
#include <stdio.h>

#define SECRET_TEXT 33

/* A secret a person can type: 20 letters and digits without look-alikes, about 116
 * bits. */
static void
make_secret(char dst[SECRET_TEXT])
{
    static const char letters[] =
        "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    must(sodium_init() >= 0);
    for (int i = 0; i < 20; i++)
        dst[i] = letters[randombytes_uniform(sizeof letters - 1)];
    dst[20] = 0;
}

static enum err
note_journal(struct base *b, enum ledger_topic topic, uint64_t object)
{
    struct ledger_entry entry = {
        .topic = (uint8_t)topic, .object = object, .at_ms = os_now_ms()};
    uint64_t n;
    return ledger_note(b->ledger, &entry, &n);
}

/* ---- users ---- */

struct user_add {
    const char *login, *name, *roles, *org, *password, *unit;
    struct user_row row;
};

static enum err
read_roles(const char *text, unsigned *out, struct note *note)
{
    unsigned roles = 0;
    struct span rest = span_cstr(text);
    while (rest.n) {
        struct span name = span_trim(span_cut(&rest, ','));
        const struct role_row *row = role_find(name);
        if (!row || row->role == ROLE_DEVICE)
            return note_fmt(
                note, ERR_USAGE, "role",
                "\"%.*s\" is not a role: duty, analyst, squad, supervisor, auditor, "
                "security "
                "or admin",
                "“%.*s”不是角色：应为 "
                "duty、analyst、squad、supervisor、auditor、security 或 admin",
                SPAN_ARG(name));
        roles |= row->role;
    }
    if (!roles)
        return note_set(
            note, ERR_USAGE, "role", "an account has at least one role",
            "账号至少须有一个角色");
    if (!roles_compatible(roles))
        return note_set(
            note, ERR_USAGE, "role",
            "admin, security, auditor and working roles are held by different users",
            "系统管理、安全、审计与业务角色须由不同用户担任（三员分立）");
    *out = roles;
    return OK;
}

/* The unit with this callsign: the person is its crew. */
static enum err
find_crew(struct base *b, const char *callsign, struct unit_id *out, struct note *note)
{
    struct arena a;
    struct unit_row *rows;
    size_t n;
    arena_init(&a, 64 << 20);
    enum err e = ledger_units(ledger_as_reader(b->ledger), &a, &rows, &n);
    for (size_t i = 0; e == OK && i < n && out->v == 0; i++)
        if (span_eq_cstr(span_cstr(callsign), rows[i].unit.callsign))
            *out = rows[i].unit.id;
    arena_release(&a);
    return e != OK || out->v
               ? e
               : note_fmt(
                     note, ERR_INPUT, "unit", "there is no unit called \"%s\"",
                     "没有呼号为“%s”的警力单元", callsign);
}

static enum err
add_user(struct base *b, void *arg, struct note *note)
{
    struct user_add *u = arg;
    struct org_table *orgs = base_org(b);
    struct org_id org = u->org ? org_find(orgs, span_cstr(u->org))
                               : (struct org_id){orgs->n ? orgs->rows[1].id.v : 0};
    org_table_unref(orgs);
    if (u->org && org.v == 0)
        return note_fmt(
            note, ERR_INPUT, "org", "there is no unit with the code \"%s\"",
            "没有代码为“%s”的单位", u->org);
    u->row.user.org = org;
    enum err e = u->unit ? find_crew(b, u->unit, &u->row.user.unit, note) : OK;
    if (e == OK)
        e = ledger_user_put(b->ledger, &u->row);
    if (e == ERR_CONFLICT)
        return note_fmt(
            note, e, "login", "the name \"%s\" is taken", "用户名“%s”已被使用",
            u->login);
    if (e == OK)
        e = note_journal(b, TOPIC_USER, u->row.user.id.v);
    return e;
}

/* A name of a person or sender that stands in lists, logs and the audit record. */
static enum err
check_name(const char *field, const char *text, size_t cap, struct note *note)
{
    bool bad = strlen(text) >= cap || !text[0];
    for (const char *p = text; *p; p++)
        bad |= (unsigned char)*p <= ' ' || *p == 127 || *p == ',' || *p == ':';
    return bad ? note_fmt(
                     note, ERR_USAGE, field,
                     "\"%s\" is no %s: 1 to %zu bytes without blanks, commas, colons",
                     "“%s”不能作为 %s：须为 1 至 %zu 字节，不含空格、逗号、冒号", text,
                     field, cap - 1)
               : OK;
}

static enum err
run_user_add(struct op_call *c, struct note *note)
{
    char made[SECRET_TEXT] = "";
    struct user_add u = {
        .login = op_text(c, "login"),
        .name = op_text(c, "name"),
        .roles = op_text(c, "role"),
        .org = op_text(c, "org"),
        .password = op_text(c, "password"),
        .unit = op_text(c, "unit"),
    };
    unsigned roles = 0;
    enum err e = check_name("login", u.login, sizeof u.row.user.login, note);
    if (e == OK)
        e = read_roles(u.roles, &roles, note);
    if (e != OK)
        return e;
    if (!u.password) {
        make_secret(made);
        u.password = made;
    }
    struct user *user = &u.row.user;
    if (!span_copy(user->login, sizeof user->login, span_cstr(u.login)) ||
        !span_copy(user->name, sizeof user->name, span_cstr(u.name ? u.name : u.login)))
        return note_set(
            note, ERR_INPUT, "login", "the person's name is too long", "姓名过长");
    user->roles = roles;
    user->must_change = !op_flag(c, "keep_password");
    user->password_ms = u.row.created_ms = os_now_ms();
    e = user_hash(span_cstr(u.password), u.row.hash);
    if (e == OK)
        e = door_ledger(c->door, add_user, &u, note);
    if (e == OK)
        e = op_audit(c, "user.add", u.login, u.roles, 1);
    if (e == OK && made[0])
        fprintf(c->out, "%s %s\n", u.login, made);
    else if (e == OK)
        fprintf(c->out, "%s\n", u.login);
    return e;
}

static const struct op_column user_columns[] = {
    {"login", 16},   {"name", 16},    {"roles", 20}, {"org", 14},
    {"disabled", 8}, {"last_ms", 13}, {NULL, 0},
};

static json_t *
roles_json(unsigned roles)
{
    json_t *list = json_array();
    for (const struct role_row *r = role_rows(); r->role; r++)
        if (roles & r->role)
            json_array_append_new(list, json_string(r->name));
    return list;
}

static json_t *
instant(ts_ms t)
{
    return t ? json_integer(t) : json_null();
}

static enum err
user_row(struct op_list *l, const struct user_row *u, const struct org_table *orgs)
{
    const struct org *org = org_get(orgs, u->user.org);
    json_t *row = json_pack(
        "{s:s, s:s, s:o, s:s, s:b, s:b, s:o}", "login", u->user.login, "name",
        u->user.name, "roles", roles_json(u->user.roles), "org", org ? org->code : "",
        "disabled", u->user.disabled, "must_change", u->user.must_change, "last_ms",
        instant(u->last_ms));
    if (!row)
        return ERR_NOMEM;
    op_list_row(l, row);
    json_decref(row);
    return OK;
}

static enum err
run_user_list(struct op_call *c, struct note *note)
{
    struct arena a;
    struct user_row *rows;
    struct op_list list;
    size_t n;
    struct org_table *orgs = base_org(c->door->base);
    arena_init(&a, 64 << 20);
    enum err e = op_list_begin(c, user_columns, &list, note);
    if (e == OK)
        e = ledger_users(c->door->reader, &a, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++)
        e = user_row(&list, &rows[i], orgs);
    if (e == OK)
        op_list_end(&list);
    arena_release(&a);
    org_table_unref(orgs);
    return e;
}

/* ---- devices ---- */

struct device_add {
    const char *site;
    struct device row;
};

static enum err
add_device(struct base *b, void *arg, struct note *note)
{
    struct device_add *d = arg;
    if (d->site) {
        bool made;
        enum err e =
            ledger_site_ensure(b->ledger, span_cstr(d->site), &d->row.site, &made);
        if (e == OK && made)
            e = note_journal(b, TOPIC_SITE, d->row.site.v);
        if (e != OK)
            return e;
    }
    enum err e = ledger_device_put(b->ledger, &d->row);
    if (e == ERR_CONFLICT)
        return note_fmt(
            note, e, "code", "the device \"%s\" is there already", "设备“%s”已存在",
            d->row.code);
    if (e == OK)
        e = note_journal(b, TOPIC_DEVICE, d->row.id.v);
    return e;
}

static enum err
run_device_add(struct op_call *c, struct note *note)
{
    char secret[SECRET_TEXT];
    const char *code = op_text(c, "code"), *given = op_text(c, "password");
    const char *name = op_text(c, "name"), *protocol = op_text(c, "protocol");
    struct device_add d = {.site = op_text(c, "site")};
    enum err e = check_name("code", code, sizeof d.row.code, note);
    if (e != OK)
        return e;
    if (protocol && strcmp(protocol, "viid") != 0 && strcmp(protocol, "ndjson") != 0 &&
        strcmp(protocol, "fixes") != 0)
        return note_fmt(
            note, ERR_USAGE, "protocol",
            "--protocol is viid, ndjson or fixes, not \"%s\"",
            "--protocol 须为 viid、ndjson 或 fixes，而不是“%s”", protocol);
    if (given && !span_copy(secret, sizeof secret, span_cstr(given)))
        return note_set(
            note, ERR_INPUT, "password", "the password is longer than 32 bytes",
            "口令超过 32 字节");
    if (!given)
        make_secret(secret);
    if (!span_copy(d.row.code, sizeof d.row.code, span_cstr(code)) ||
        !span_copy(d.row.name, sizeof d.row.name, span_cstr(name ? name : code)) ||
        !span_copy(
            d.row.protocol, sizeof d.row.protocol,
            span_cstr(protocol ? protocol : "viid")))
        return note_set(
            note, ERR_INPUT, "code", "the code or name is too long", "编码或名称过长");
    snprintf(d.row.kind, sizeof d.row.kind, "camera");
    snprintf(d.row.login, sizeof d.row.login, "%s", code);
    snprintf(d.row.realm, sizeof d.row.realm, "%s", DIGEST_REALM);
    struct span user = span_cstr(code), realm = SPAN(DIGEST_REALM);
    char ha1[DIGEST_HEX];
    digest_ha1(DIGEST_MD5, user, realm, span_cstr(secret), ha1);
    must(span_copy(d.row.ha1_md5, sizeof d.row.ha1_md5, span_cstr(ha1)));
    digest_ha1(DIGEST_SHA256, user, realm, span_cstr(secret), ha1);
    must(span_copy(d.row.ha1_sha256, sizeof d.row.ha1_sha256, span_cstr(ha1)));
    secret_hash(span_cstr(secret), d.row.key_hash);
    d.row.created_ms = os_now_ms();
    e = door_ledger(c->door, add_device, &d, note);
    if (e == OK)
        e = op_audit(c, "device.add", code, d.row.protocol, 1);
    if (e == OK)
        fprintf(c->out, "%s %s\n", code, given ? "" : secret);
    sodium_memzero(secret, sizeof secret);
    return e;
}

static const struct op_column device_columns[] = {
    {"code", 24}, {"name", 20},    {"protocol", 8}, {"kind", 0},
    {"site", 20}, {"disabled", 8}, {"last_ms", 13}, {NULL, 0},
};

static enum err
device_row(struct op_list *l, const struct device *d, const struct site_table *sites)
{
    const struct site *site = site_get(sites, d->site);
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "code", d->code, "name", d->name,
        "protocol", d->protocol, "kind", d->kind, "site", site ? site->code : "",
        "disabled", d->disabled, "last_ms", instant(d->last_ms));
    if (!row)
        return ERR_NOMEM;
    op_list_row(l, row);
    json_decref(row);
    return OK;
}

static enum err
run_device_list(struct op_call *c, struct note *note)
{
    struct arena a;
    struct device *rows;
    struct op_list list;
    size_t n;
    struct site_table *sites = base_sites(c->door->base);
    arena_init(&a, 64 << 20);
    enum err e = op_list_begin(c, device_columns, &list, note);
    if (e == OK)
        e = ledger_devices(c->door->reader, &a, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++)
        e = device_row(&list, &rows[i], sites);
    if (e == OK)
        op_list_end(&list);
    arena_release(&a);
    site_table_unref(sites);
    return e;
}

const struct op op_user_add = {.name = "user_add", .fn = run_user_add};
const struct op op_user_list = {.name = "user_list", .fn = run_user_list};
const struct op op_device_add = {.name = "device_add", .fn = run_device_add};
const struct op op_device_list = {.name = "device_list", .fn = run_device_list};
