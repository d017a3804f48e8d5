/* SPDX-License-Identifier: Apache-2.0 */
/* Alone, the functions simply call; beside a daemon they go to the owner's thread and
 * wait. */
#include "daemon/door.h"

#include "core/os_clock.h"
#include "daemon/ctl.h"
#include "daemon/op.h"
#include "daemon/parts.h"

#include <pwd.h>
#include <unistd.h>

struct visit {
    door_ledger_fn *fn;
    void *arg;
    struct note *note;
};

static enum err
on_owner(struct daemon *d, void *arg)
{
    struct visit *v = arg;
    return v->fn(d->base, v->arg, v->note);
}

enum err
door_ledger(const struct door *d, door_ledger_fn *fn, void *arg, struct note *note)
{
    if (d->daemon) {
        struct visit v = {fn, arg, note};
        return daemon_call(d->daemon, OWNER_LEDGER, on_owner, &v);
    }
    struct ledger *l = d->base->ledger;
    enum err e = ledger_begin(l);
    if (e != OK)
        return e;
    e = ledger_job_begin(l);
    if (e != OK) {
        ledger_rollback(l);
        return e;
    }
    enum err done = fn(d->base, arg, note);
    e = ledger_job_end(l, done == OK);
    if (e == OK)
        e = ledger_commit(l, note);
    else
        ledger_rollback(l);
    return done != OK ? done : e;
}

enum err
door_ledger_alone(
    const struct door *d, door_ledger_fn *fn, void *arg, struct note *note)
{
    if (!d->daemon)
        return fn(d->base, arg, note);
    struct visit v = {fn, arg, note};
    return daemon_call_alone(d->daemon, on_owner, &v);
}

enum err
door_store(const struct door *d, door_ledger_fn *fn, void *arg, struct note *note)
{
    if (!d->daemon)
        return fn(d->base, arg, note);
    struct visit v = {fn, arg, note};
    return daemon_call(d->daemon, OWNER_STORE, on_owner, &v);
}

bool
door_stopping(const struct door *d)
{
    return d->daemon && atomic_load(&d->daemon->stopping);
}

void
door_registry_changed(const struct door *d)
{
    if (d->daemon)
        rules_changed(d->daemon, RULES_REGISTRY);
}

void
door_places_changed(const struct door *d)
{
    if (d->daemon)
        rules_changed(d->daemon, RULES_PLACES);
}

enum err
door_refresh(const struct door *d)
{
    if (d->daemon)
        return OK;
    enum err e = base_refresh_org(d->base);
    if (e == OK)
        e = base_refresh_sites(d->base);
    if (e == OK)
        e = base_refresh_watches(d->base, os_now_ms());
    return e;
}

/* "cli:NAME": the person at the keyboard of this machine. */
static void
login_of(char *dst, size_t cap, uid_t uid)
{
    struct passwd pw, *found = NULL;
    char text[1024];
    if (getpwuid_r(uid, &pw, text, sizeof text, &found) == 0 && found)
        snprintf(dst, cap, "cli:%s", pw.pw_name);
    else
        snprintf(dst, cap, "cli:%u", (unsigned)uid);
}

enum err
door_run_on(
    struct base *base, const char *op, struct json_t *args, int in, FILE *out,
    struct note *note)
{
    char login[64];
    const struct op *row = op_find(op);
    must(row != NULL);
    struct door door = {base, NULL, ledger_as_reader(base->ledger)};
    login_of(login, sizeof login, getuid());
    struct op_call call = {&door, args, in, out, stderr, login};
    return row->fn(&call, note);
}

static enum err
run_alone(
    const char *dir, const char *op, json_t *args, int in, FILE *out, struct note *note)
{
    struct base *base = NULL;
    struct base_opts bo = {.dir = dir, .threads = true, .now = os_now_ms()};
    enum err e = base_open(&bo, &base, note);
    if (e != OK)
        return e;
    e = door_run_on(base, op, args, in, out, note);
    base_close(&base, os_now_ms());
    return e;
}

enum err
door_run(
    const char *dir, const char *op, struct json_t *args, int in, FILE *out,
    struct note *note)
{
    must(op_find(op) != NULL);
    enum err e;
    if (ctl_ask(dir, op, args, in, out, &e, note))
        return e;
    return run_alone(dir, op, args, in, out, note);
}
