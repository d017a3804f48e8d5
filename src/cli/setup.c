/* SPDX-License-Identifier: Apache-2.0 */
/* The first three accounts are three people by law of the house: administration,
 * security, audit. */
#include "cli/setup.h"

#include "core/os_clock.h"
#include "core/os_file.h"
#include "daemon/base.h"
#include "daemon/door.h"
#include "serve/tls.h"

#include <jansson.h>

#define CERTIFICATE_DAYS 825

static json_t *
user_args(const struct setup_person *who)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:b}", "login", who->login, "name",
        who->name, "role", who->role, "org", who->org, "unit", who->unit, "password",
        who->password, "keep_password", !who->must_change);
}

enum err
setup_user(
    const char *dir, const struct setup_person *who, FILE *out, struct note *note)
{
    json_t *args = user_args(who);
    if (!args)
        return ERR_NOMEM;
    enum err e = door_run(dir, "user_add", args, -1, out, note);
    json_decref(args);
    return e;
}

static enum err
certificate(const struct setup *s, struct note *note)
{
    char cert[OS_PATH], key[OS_PATH], fingerprint[TLS_FINGERPRINT];
    struct tls *tls = NULL;
    enum err e = os_join(cert, sizeof cert, s->dir, "tls.crt");
    if (e == OK)
        e = os_join(key, sizeof key, s->dir, "tls.key");
    if (e == OK)
        e = tls_self_signed(
            cert, key, span_cstr(s->tls_names), CERTIFICATE_DAYS, os_now_ms(), note);
    if (e == OK)
        e = tls_open(cert, key, &tls, note);
    if (e == OK) {
        tls_fingerprint(tls, fingerprint);
        fprintf(s->out, "certificate %s\nSHA-256 %s\n", cert, fingerprint);
    }
    tls_free(tls);
    return e;
}

static enum err
first_users(const struct setup *s, struct note *note)
{
    const struct setup_person first[] = {
        {.login = "admin",
         .name = "系统管理员",
         .role = "admin",
         .password = s->password,
         .must_change = true},
        {.login = "security",
         .name = "安全员",
         .role = "security",
         .must_change = true},
        {.login = "auditor", .name = "审计员", .role = "auditor", .must_change = true},
    };
    struct base *base = NULL;
    struct base_opts bo = {.dir = s->dir, .unfinished = true, .now = os_now_ms()};
    enum err e = base_open(&bo, &base, note);
    for (size_t i = 0; e == OK && i < sizeof first / sizeof *first; i++) {
        json_t *args = user_args(&first[i]);
        e = args ? door_run_on(base, "user_add", args, -1, s->out, note) : ERR_NOMEM;
        json_decref(args);
    }
    base_close(&base, os_now_ms());
    return e;
}

/* The marker that makes it a data directory is written when everything else is there:
 * whatever cuts this off leaves a directory that every command refuses. */
enum err
setup_data(const struct setup *s, struct note *note)
{
    /* What can be refused is refused before anything is made. */
    enum err e = s->tls_names ? tls_names_check(span_cstr(s->tls_names), note) : OK;
    if (e == OK)
        e = base_init(s->dir, &s->zone, os_now_ms(), note);
    if (e == OK)
        e = first_users(s, note);
    if (e == OK && s->tls_names)
        e = certificate(s, note);
    return e == OK ? base_finish(s->dir, note) : e;
}
