/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a data directory in the order of what depends on what; closing it the other
 * way round. */
#include "daemon/base.h"

#include "core/log.h"
#include "core/version.h"
#include "daemon/purposes.h"
#include "daemon/rule_file.h"
#include "daemon/shipped.h"
#include "store/audit_look.h"
#include "store/ledger_people.h"
#include "store/ledger_place.h"
#include "store/ledger_watch.h"
#include "store/reserve.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct base_shared {
    pthread_mutex_t lock;
    /* under lock */
    struct site_table *sites;
    struct org_table *org;
    struct watch_set *watches;
    uint64_t versions[3];
};

/* ---- making one ---- */

/* With its offset: the directory means the same on a machine without that zone. */
static enum err
put_zone(struct ledger *l, const struct zone *zone)
{
    char offset[16];
    int m = zone->offset_min < 0 ? -zone->offset_min : zone->offset_min;
    snprintf(
        offset, sizeof offset, "%c%02d:%02d", zone->offset_min < 0 ? '-' : '+', m / 60,
        m % 60);
    enum err e = ledger_meta_put(l, "zone", span_cstr(zone->name));
    return e == OK ? ledger_meta_put(l, "zone_offset", span_cstr(offset)) : e;
}

enum err
base_init(const char *dir, const struct zone *zone, ts_ms now, struct note *note)
{
    struct os_fs *fs = os_fs_real();
    struct ledger *ledger = NULL;
    struct audit *audit = NULL;
    enum err e = data_init(fs, dir, note);
    if (e == OK)
        e = ledger_open(fs, dir, &ledger, note);
    if (e == OK)
        e = ledger_begin(ledger);
    if (e == OK)
        e = shipped_write(dir, ledger, note);
    if (e == OK)
        e = put_zone(ledger, zone);
    if (e == OK)
        e = ledger_commit(ledger, note);
    ledger_close(&ledger);
    if (e == OK) {
        struct audit_options opt = {.make_key = true};
        e = audit_open(fs, dir, &opt, now, &audit, note);
    }
    audit_close(&audit, now);
    return e;
}

enum err
base_finish(const char *dir, struct note *note)
{
    return data_finish(os_fs_real(), dir, TQ_VERSION, note);
}

/* ---- opening ---- */

static enum err
read_zone(struct base *b, struct note *note)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    struct span name, offset;
    struct ledger_reader *r = ledger_as_reader(b->ledger);
    enum err e = ledger_meta_find(r, "zone", &a, &name);
    if (e == ERR_NOTFOUND) /* 0.1.0 wrote its format first */
        e = note_fmt(
            note, e, "",
            "%s was not made to its end: empty it and run tongqu init again",
            "%s 尚未创建完成：请清空该目录后重新执行 tongqu init", b->dir);
    if (e == OK) {
        e = ledger_meta_find(r, "zone_offset", &a, &offset);
        if (e ==
            ERR_NOTFOUND) { /* before 0.2.0 its zones were those that are built in */
            offset = name;
            e = OK;
        }
    }
    if (e == OK)
        e = zone_parse(offset, &b->zone, note);
    if (e == OK && !span_copy(b->zone.name, sizeof b->zone.name, name))
        e = ERR_CORRUPT;
    arena_release(&a);
    return e;
}

/* Definitions of open matters that the files no longer hold come from the ledger. */
static enum err
pinned_definitions(struct base *b, struct note *note)
{
    struct arena a;
    arena_init(&a, 64 << 20);
    struct span list;
    enum err e = ledger_meta_find(ledger_as_reader(b->ledger), "loops", &a, &list);
    if (e == ERR_NOTFOUND)
        list = SPAN("");
    else if (e != OK)
        goto out;
    e = OK;
    while (list.n && e == OK) {
        struct span key = span_cut(&list, '\n');
        char name[96];
        struct span text;
        if (!span_copy(name, sizeof name, key) || key.n == 0)
            continue;
        e = ledger_meta_find(ledger_as_reader(b->ledger), name, &a, &text);
        if (e == OK)
            e = loop_defs_add(b->loops, text, name, note);
    }
out:
    arena_release(&a);
    return e;
}

static void
hex(char *dst, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(dst + 2 * i, 3, "%02x", p[i]);
}

/* Every definition in force is kept in the ledger by its hash, so that its matters can
 * be read for ever, whatever becomes of the file. */
static enum err
keep_definitions(struct base *b, struct note *note)
{
    struct arena a;
    struct buf list = {0};
    enum err e = ledger_begin(b->ledger);
    if (e != OK)
        return e;
    arena_init(&a, 1 << 20);
    const struct loop_def *d;
    for (size_t i = 0; e == OK && (d = loop_defs_at(b->loops, i)); i++) {
        char key[80] = "loop:";
        hex(key + 5, d->hash, LOOP_HASH);
        buf_fmt(&list, "%s\n", key);
        e = ledger_meta_put(b->ledger, key, d->text);
    }
    if (e == OK)
        e = ledger_meta_put(b->ledger, "loops", span_of(list.p, list.n));
    if (e == OK)
        e = ledger_commit(b->ledger, note);
    else
        ledger_rollback(b->ledger);
    buf_release(&list);
    arena_release(&a);
    return e;
}

static enum err
load_definitions(struct base *b, const char *from, struct note *note)
{
    char dir[OS_PATH], path[OS_PATH];
    enum err e = from ? OK : os_join(dir, sizeof dir, b->dir, "definitions");
    if (e != OK)
        return e;
    b->loops = loop_defs_new();
    if (!b->loops)
        return ERR_NOMEM;
    e = os_join(path, sizeof path, from ? from : dir, "loops");
    if (e == OK)
        e = loop_defs_load(b->loops, path, note);
    if (e == OK)
        e = os_join(path, sizeof path, from ? from : dir, "purposes.yaml");
    if (e == OK)
        e = purposes_read(path, &b->looks, note);
    if (e == OK)
        e = pinned_definitions(b, note);
    if (e == OK)
        e = keep_definitions(b, note);
    return e;
}

/* What the file sets of the rules, as a version with a number: a new one when it says
 * something else than the newest. */
static enum err
number_settings(struct base *b, const struct base_opts *opts, struct note *note)
{
    char dir[OS_PATH], path[OS_PATH];
    const char *from = opts->definitions;
    struct rule_settings s;
    struct arena a;
    struct span text;
    struct sight_health sh;
    enum err e = from ? OK : os_join(dir, sizeof dir, b->dir, "definitions");
    if (e == OK)
        e = os_join(path, sizeof path, from ? from : dir, "rules.yaml");
    if (e == OK)
        e = rule_file_read(path, &s, note);
    if (e != OK)
        return e;
    arena_init(&a, 1 << 20);
    rule_book_init(&b->rules);
    e = ledger_meta_find(ledger_as_reader(b->ledger), "rule_settings", &a, &text);
    if (e == OK)
        e = rule_book_decode(text, &b->rules);
    else if (e == ERR_NOTFOUND)
        e = OK;
    arena_release(&a);
    sight_health(b->sight, &sh);
    int32_t today = (int32_t)civil_day(opts->now, &b->zone);
    if (e != OK || !rule_book_take(&b->rules, &s, sh.rows > 0, today))
        return e;
    struct buf out = {0};
    rule_book_encode(&out, &b->rules);
    e = out.bad ? ERR_NOMEM : ledger_begin(b->ledger);
    if (e == OK) {
        e = ledger_meta_put(b->ledger, "rule_settings", span_of(out.p, out.n));
        if (e == OK)
            e = ledger_commit(b->ledger, note);
        else
            ledger_rollback(b->ledger);
    }
    buf_release(&out);
    return e;
}

static void
sight_report(void *arg, enum err e, const struct note *what)
{
    (void)arg;
    log_note(EV_segment_damaged, e, what);
}

static enum err
open_sight(struct base *b, const struct base_opts *opts, bool lived, struct note *note)
{
    char path[OS_PATH];
    uint64_t size;
    bool is_dir;
    enum err e = os_join(path, sizeof path, b->dir, "sight");
    if (e == OK && lived && os_stat(b->fs, path, &size, &is_dir) == ERR_NOTFOUND)
        e = note_fmt(
            note, ERR_CORRUPT, "sight",
            "the passes in %s are missing: mount them or restore a backup; if they are "
            "lost for good, make an empty directory there to begin anew",
            "过车数据目录 %s 缺失：请挂载或从备份恢复；如确已丢失，在该处新建空目录即可"
            "重新开始",
            path);
    if (e != OK)
        return e;
    struct sight_opts so = {
        .fs = b->fs,
        .dir = path,
        .zone = b->zone,
        .keep_days = opts->keep_days,
        .thread = opts->threads,
        .report = sight_report,
    };
    return sight_open(&so, opts->now, &b->sight, note);
}

enum err
base_audit_reaches(struct base *b, struct ledger_reader *reader, struct note *note)
{
    struct audit_head newest, sign;
    uint64_t look = 0;
    enum err e = ledger_look_newest(reader, &look);
    audit_heads(b->audit, &newest, &sign); /* after it: the chain is always ahead */
    if (e == OK && look > newest.number)
        e = note_fmt(
            note, ERR_CORRUPT, "audit",
            "the ledger knows look %llu and the audit record ends at %llu: it was cut. "
            "Restore a backup",
            "台账记有查询 %llu，而审计记录止于 %llu：审计记录已被截断，请从备份恢复",
            (unsigned long long)look, (unsigned long long)newest.number);
    return e;
}

/* An audit record and no ledger: that was lost, and must not be begun anew. */
static enum err
ledger_is_there(const struct base *b, struct note *note)
{
    char path[OS_PATH], audit[OS_PATH];
    uint64_t size;
    bool is_dir;
    enum err e = os_join(path, sizeof path, b->dir, "ledger.db");
    if (e == OK)
        e = os_join(audit, sizeof audit, b->dir, "audit");
    if (e == OK && os_stat(b->fs, path, &size, &is_dir) == ERR_NOTFOUND &&
        os_stat(b->fs, audit, &size, &is_dir) == OK)
        e = note_fmt(
            note, ERR_CORRUPT, "ledger",
            "the ledger %s is missing: put it back, or restore a backup",
            "台账 %s 缺失：请放回原处，或从备份恢复", path);
    return e;
}

/* A directory with accounts was opened before: its record and its passes have been
 * begun, and what is not there now was lost. */
static enum err
has_lived(struct base *b, bool *lived)
{
    struct arena a;
    struct user_row *users;
    size_t n = 0;
    arena_init(&a, 64 << 20);
    enum err e = ledger_users(ledger_as_reader(b->ledger), &a, &users, &n);
    arena_release(&a);
    *lived = n > 0;
    return e;
}

static enum err
open_audit(struct base *b, const struct base_opts *opts, bool lived, struct note *note)
{
    struct audit_options ao = {
        .thread = opts->threads, .make_key = true, .begun = lived};
    enum err e = audit_open(b->fs, b->dir, &ao, opts->now, &b->audit, note);
    return e != OK ? e : base_audit_reaches(b, ledger_as_reader(b->ledger), note);
}

/* Looks whose row was not written before a stop come back from the chain. */
static enum err
heal_looks(struct base *b, struct note *note)
{
    uint64_t healed = 0;
    enum err e = ledger_begin(b->ledger);
    if (e != OK)
        return e;
    e = audit_look_heal(b->audit, b->ledger, &b->looks, &healed);
    if (e == OK)
        return ledger_commit(b->ledger, note);
    ledger_rollback(b->ledger);
    return e;
}

enum err
base_open(const struct base_opts *opts, struct base **out, struct note *note)
{
    struct base *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    b->fs = os_fs_real();
    enum err e = ERR_TOOBIG;
    b->shared = calloc(1, sizeof *b->shared);
    if (!b->shared) {
        free(b);
        return ERR_NOMEM;
    }
    must(pthread_mutex_init(&b->shared->lock, NULL) == 0);
    if (!span_copy(b->dir, sizeof b->dir, span_cstr(opts->dir)))
        goto out;
    e = opts->unfinished
            ? data_open_new(b->fs, b->dir, &b->data, note)
            : data_open(b->fs, b->dir, TQ_VERSION, NULL, NULL, &b->data, note);
    if (e == OK) {
        struct reserve_limits limits = reserve_limits_default();
        reserve_relieve(b->fs, b->dir, &limits);
        e = ledger_is_there(b, note);
    }
    if (e == OK)
        e = ledger_open(b->fs, b->dir, &b->ledger, note);
    if (e == OK)
        e = read_zone(b, note);
    if (e == OK && !opts->definitions)
        e = shipped_bring(b->dir, b->ledger, note);
    if (e == OK)
        e = load_definitions(b, opts->definitions, note);
    if (e == OK)
        e = registry_open(b->fs, b->dir, b->ledger, &b->registry, note);
    bool lived = false;
    if (e == OK)
        e = has_lived(b, &lived);
    if (e == OK)
        e = open_audit(b, opts, lived, note);
    if (e == OK)
        e = heal_looks(b, note);
    if (e == OK)
        e = open_sight(b, opts, lived, note);
    if (e == OK)
        e = number_settings(b, opts, note);
    if (e == OK)
        e = base_refresh_org(b);
    if (e == OK)
        e = base_refresh_sites(b);
    if (e == OK)
        e = base_refresh_watches(b, opts->now);
out:
    if (e != OK)
        base_close(&b, opts->now);
    else
        *out = b;
    return e;
}

void
base_close(struct base **pb, ts_ms now)
{
    struct base *b = *pb;
    if (!b)
        return;
    sight_close(b->sight);
    audit_close(&b->audit, now);
    struct note note = {0};
    if (b->registry && registry_save(b->registry, &note) != OK)
        log_note(EV_ledger_failed, ERR_IO, &note);
    registry_close(&b->registry);
    ledger_close(&b->ledger);
    loop_defs_free(b->loops);
    data_close(&b->data);
    site_table_unref(b->shared->sites);
    org_table_unref(b->shared->org);
    watch_set_unref(b->shared->watches);
    pthread_mutex_destroy(&b->shared->lock);
    free(b->shared);
    free(b);
    *pb = NULL;
}

/* ---- snapshots ---- */

struct site_table *
base_sites(struct base *b)
{
    must(pthread_mutex_lock(&b->shared->lock) == 0);
    struct site_table *t = site_table_ref(b->shared->sites);
    pthread_mutex_unlock(&b->shared->lock);
    return t;
}

struct org_table *
base_org(struct base *b)
{
    must(pthread_mutex_lock(&b->shared->lock) == 0);
    struct org_table *t = org_table_ref(b->shared->org);
    pthread_mutex_unlock(&b->shared->lock);
    return t;
}

struct watch_set *
base_watches(struct base *b)
{
    must(pthread_mutex_lock(&b->shared->lock) == 0);
    struct watch_set *t = watch_set_ref(b->shared->watches);
    pthread_mutex_unlock(&b->shared->lock);
    return t;
}

enum err
base_refresh_sites(struct base *b)
{
    struct site_table *t = NULL;
    enum err e =
        ledger_site_table(ledger_as_reader(b->ledger), ++b->shared->versions[0], &t);
    if (e != OK)
        return e;
    must(pthread_mutex_lock(&b->shared->lock) == 0);
    struct site_table *old = b->shared->sites;
    b->shared->sites = t;
    pthread_mutex_unlock(&b->shared->lock);
    site_table_unref(old);
    return OK;
}

enum err
base_refresh_org(struct base *b)
{
    struct org_table *t = NULL;
    enum err e =
        ledger_org_table(ledger_as_reader(b->ledger), ++b->shared->versions[1], &t);
    if (e != OK)
        return e;
    must(pthread_mutex_lock(&b->shared->lock) == 0);
    struct org_table *old = b->shared->org;
    b->shared->org = t;
    pthread_mutex_unlock(&b->shared->lock);
    org_table_unref(old);
    return OK;
}

/* A watch that has ended still matches passes of its time that are imported or come
 * late: it stays as long as passes may (retention is a year unless told otherwise). */
#define WATCH_KEEP_MS (400 * DAY_MS)

static void
publish_watches(struct base *b, struct watch_set *t)
{
    must(pthread_mutex_lock(&b->shared->lock) == 0);
    struct watch_set *old = b->shared->watches;
    b->shared->watches = t;
    pthread_mutex_unlock(&b->shared->lock);
    watch_set_unref(old);
}

enum err
base_refresh_watches(struct base *b, ts_ms now)
{
    struct watch_set *t = NULL;
    enum err e = ledger_watch_set(
        ledger_as_reader(b->ledger), now - WATCH_KEEP_MS, ++b->shared->versions[2], &t);
    if (e == OK)
        publish_watches(b, t);
    return e;
}

enum err
base_refresh_watch(struct base *b, const uint64_t *ids, size_t n)
{
    struct watch_set *t = NULL, *old = base_watches(b);
    enum err e = ledger_watch_set_with(
        ledger_as_reader(b->ledger), old, ids, n, ++b->shared->versions[2], &t);
    watch_set_unref(old);
    if (e == OK)
        publish_watches(b, t);
    return e;
}
