/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu verify, backup, status: is the data whole, where is a second copy, how is it
 * doing. */
#include "core/os_clock.h"
#include "core/version.h"
#include "daemon/op.h"
#include "daemon/shipped.h"
#include "store/backup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- verify ---- */

static enum err
run_verify(struct op_call *c, struct note *note)
{
    struct base *b = c->door->base;
    struct sight_health h;
    enum err e = ledger_check(c->door->reader, note);
    if (e == OK)
        fprintf(c->out, "ledger: whole\n");
    if (e == OK)
        e = sight_verify(b->sight, !op_flag(c, "skip_pictures"), note);
    sight_health(b->sight, &h);
    if (e == OK && h.quarantined)
        e = note_fmt(
            note, ERR_CORRUPT, "sight",
            "%u segments are damaged and set aside as *.bad: restore them from a "
            "backup",
            "有 %u 个分段文件损坏并隔离为 *.bad：请从备份恢复", h.quarantined);
    if (e == OK)
        fprintf(
            c->out, "sightings: whole, %llu rows in %u segments\n",
            (unsigned long long)h.rows, h.segments);
    if (e == OK && h.quarantined_journal)
        e = note_fmt(
            note, ERR_CORRUPT, "sight",
            "%u journal files are damaged, kept as *.bad: restore a backup",
            "有 %u 个日志文件损坏，原样保留为 *.bad：请从备份恢复",
            h.quarantined_journal);
    if (e == OK)
        e = base_audit_reaches(b, c->door->reader, note);
    struct audit_head newest, sign;
    audit_heads(b->audit, &newest, &sign);
    if (e == OK)
        fprintf(
            c->out, "audit: %llu records; prove them with tongqu-verify %s\n",
            (unsigned long long)newest.number, b->dir);
    return e;
}

/* ---- backup ---- */

static void
hold_journal(void *arg, bool on)
{
    struct base *b = arg;
    __atomic_store_n(&b->backup_holds, on, __ATOMIC_RELEASE);
}

/* Does a path, which need not be there yet, lie in the directory? */
static bool
lies_in(const char *dir, const char *path)
{
    char whole[PATH_MAX], real[PATH_MAX], part[PATH_MAX];
    size_t n = strlen(path);
    if (!realpath(dir, whole) || n >= sizeof part)
        return false;
    memcpy(part, path, n + 1);
    while (!realpath(part, real)) {
        char *slash = strrchr(part, '/');
        if (!slash || slash == part)
            return false;
        *slash = 0;
    }
    size_t d = strlen(whole);
    return strncmp(real, whole, d) == 0 && (real[d] == '/' || real[d] == 0);
}

static enum err
run_backup(struct op_call *c, struct note *note)
{
    struct base *b = c->door->base;
    if (lies_in(b->dir, op_text(c, "to")))
        return note_set(
            note, ERR_USAGE, "to", "a backup lies outside the data directory",
            "备份须放在数据目录之外");
    struct backup_job job = {
        .fs = b->fs,
        .dir = b->dir,
        .out = op_text(c, "to"),
        .ledger = c->door->reader,
        .audit = b->audit,
        .sight = b->sight,
        .hold = hold_journal,
        .arg = b,
        .release = TQ_VERSION,
        .at_ms = os_now_ms(),
    };
    struct backup_result r;
    enum err e = backup_run(&job, &r, note);
    if (e == OK)
        e = op_audit(c, "backup", job.out, "", r.files);
    if (e == OK)
        fprintf(
            c->out,
            "%s: %llu files, %llu bytes; journal position %llu, audit record %llu\n",
            job.out, (unsigned long long)r.files, (unsigned long long)r.bytes,
            (unsigned long long)r.lsn, (unsigned long long)r.audit);
    return e;
}

/* ---- status ---- */

/* Definitions of this release that wait beside the city's own. */
static void
put_waiting(const struct op_call *c)
{
    const char *path, *dir = c->door->base->dir;
    fprintf(c->out, ",\"definitions_new\":[");
    for (size_t i = 0; (path = shipped_waits(dir, i)); i++) {
        fprintf(c->out, "%s\"%s\"", i ? "," : "", path);
        fprintf(
            c->log,
            op_flag(c, "zh")
                ? "%s/definitions/%s 已在本地修改：新版本随附的定义存为 "
                  "%s.new，请比较、"
                  "合并后删除该 .new 文件\n"
                : "%s/definitions/%s was changed here: compare it with this release's, "
                  "%s.new, take over what you want and remove the .new file\n",
            dir, path, path);
    }
    fprintf(c->out, "]}\n");
}

static enum err
run_status(struct op_call *c, struct note *note)
{
    struct base *b = c->door->base;
    struct sight_health h;
    struct ledger_size size;
    sight_health(b->sight, &h);
    ledger_size(b->ledger, &size);
    struct vehicle_index *registry = registry_snapshot(b->registry);
    struct watch_set *watches = base_watches(b);
    struct site_table *sites = base_sites(b);
    (void)note;
    fprintf(
        c->out,
        "{\"version\":\"%s\",\"rows\":%llu,\"lsn\":%llu,\"applied_lsn\":%llu,"
        "\"bytes\":%llu,\"bytes_per_row\":%.2f,\"segments\":%u,\"quarantined\":%u,"
        "\"pack_bytes\":%llu,\"sites\":%u,\"vehicles\":%llu,\"watches\":%zu,"
        "\"ledger_bytes\":%llu,\"stored\":%llu,\"duplicates\":%llu,\"conflicts\":%llu",
        TQ_VERSION, (unsigned long long)h.rows, (unsigned long long)h.lsn,
        (unsigned long long)h.applied_lsn, (unsigned long long)h.segment_bytes,
        h.bytes_per_row, h.segments, h.quarantined, (unsigned long long)h.pack_bytes,
        sites->n, (unsigned long long)vehicle_count(registry), watch_set_count(watches),
        (unsigned long long)size.file_bytes, (unsigned long long)h.stored,
        (unsigned long long)h.duplicates, (unsigned long long)h.conflicts);
    put_waiting(c);
    vehicle_index_unref(registry);
    watch_set_unref(watches);
    site_table_unref(sites);
    return OK;
}

const struct op op_verify = {.name = "verify", .fn = run_verify};
const struct op op_backup = {.name = "backup", .fn = run_backup, .heavy = true};
const struct op op_status = {.name = "status", .fn = run_status};
