/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu import: tables of a city, and passes by the million. Every kind is a row: its
 * columns, and what one record becomes (import_town.c, import_zone.c, import_lists.c).
 * A record that cannot be taken goes to the rejects file with its line and the reason;
 * the others go on. Importing the same file again changes nothing. */
#include "core/os_clock.h"
#include "daemon/history.h"
#include "daemon/import.h"
#include "daemon/op.h"
#include "feeds/csv.h"
#include "store/ledger_people.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the table ---- */

static const char *const pass_required[] = {"plate", "site", "time_ms", NULL};

static const struct import_kind import_sightings = {
    "sightings", pass_names, pass_required, NULL, NULL, IMPORT_PASSES};
static const struct import_kind import_tags = {"gantry", NULL, NULL,
                                               NULL,     NULL, IMPORT_GANTRY};

static const struct import_kind *const kinds[] = {
    &import_org,       &import_units,    &import_sites,   &import_zones,
    &import_permits,   &import_sections, &import_watches, &import_registry,
    &import_sightings, &import_tags,
};

const struct import_kind *
import_kind_at(size_t i)
{
    return i < sizeof kinds / sizeof *kinds ? kinds[i] : NULL;
}

static const struct import_kind *
kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

static enum err
read_all(struct import *im)
{
    struct csv_record record;
    enum err e;
    while ((e = csv_next(im->csv, &record, im->note)) == OK) {
        im->record = &record;
        if (record.fault) {
            import_reject_record(im, &record);
            continue;
        }
        e = im->kind->take(im);
        if (e != OK)
            return e;
    }
    if (e == ERR_NOTFOUND)
        e = im->kind->flush ? im->kind->flush(im) : OK;
    return e;
}

static enum err
in_ledger(struct base *b, void *arg, struct note *note)
{
    (void)b, (void)note;
    return read_all(arg);
}

static enum err
in_registry(struct base *b, void *arg, struct note *note)
{
    enum err e = registry_import_begin(b->registry);
    if (e != OK)
        return e;
    e = read_all(arg);
    enum err end = registry_import_end(b->registry, e == OK, note);
    return e != OK ? e : end;
}

/* The file, looked at twice a second: a sender that says nothing does not keep the
 * daemon from stopping. */
static enum err
from_input(void *ctx, char *dst, size_t cap, size_t *n, struct note *note)
{
    struct import *im = ctx;
    struct pollfd p = {.fd = fileno(im->file), .events = POLLIN};
    for (;;) {
        if (door_stopping(im->call->door))
            return note_set(
                note, ERR_STOPPING, NULL, "the daemon stops: import the file again",
                "守护进程正在停止，请稍后重新导入");
        int ready = poll(&p, 1, 500);
        if (ready < 0 && errno != EINTR)
            return note_set(
                note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
        if (ready > 0)
            break;
    }
    ssize_t got = read(p.fd, dst, cap);
    while (got < 0 && errno == EINTR)
        got = read(p.fd, dst, cap);
    if (got < 0)
        return note_set(
            note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
    *n = (size_t)got;
    return OK;
}

/* theirs=ours,... with both names in every pair. */
static bool
map_reads(const char *map)
{
    struct span rest = span_cstr(map);
    while (rest.n) {
        struct span ours = span_cut(&rest, ',');
        struct span theirs = span_trim(span_cut(&ours, '='));
        if (theirs.n == 0 || span_trim(ours).n == 0)
            return false;
    }
    return true;
}

enum err
import_open(struct import *im, int in)
{
    struct op_call *c = im->call;
    int fd = dup(in);
    im->file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!im->file)
        return note_set(
            im->note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
    if (im->kind->way == IMPORT_GANTRY)
        return OK; /* no table */
    const char *coding = op_text(c, "encoding");
    if (coding && strcmp(coding, "gb18030") != 0 && strcmp(coding, "utf-8") != 0)
        return note_fmt(
            im->note, ERR_USAGE, "encoding",
            "--encoding is utf-8 or gb18030, not \"%s\"",
            "--encoding 须为 utf-8 或 gb18030，而不是“%s”", coding);
    if (!map_reads(op_text(c, "map")))
        return note_set(
            im->note, ERR_USAGE, "map", "write --map as theirs=ours,theirs=ours",
            "--map 写作 对方列名=本系统列名,...");
    struct csv_conf conf = {
        .source = from_input,
        .ctx = im,
        .code = !coding                          ? CSV_AUTO
                : strcmp(coding, "gb18030") == 0 ? CSV_GB18030
                : strcmp(coding, "utf-8") == 0   ? CSV_UTF8
                                                 : CSV_AUTO,
        .header = op_text(c, "header"),
        .map = op_text(c, "map"),
    };
    enum err e = csv_new(&conf, &im->csv, im->note);
    if (e == OK && im->kind->names)
        e = csv_columns(
            im->csv, im->kind->names, im->kind->required, im->column, im->note);
    return e;
}

static void
close_import(struct import *im)
{
    if (im->csv)
        csv_free(im->csv);
    if (im->file)
        fclose(im->file);
    if (im->rejects)
        fclose(im->rejects);
    free(im->vehicles);
    free(im->owners);
    free(im->watches);
}

static enum err
run_kind(struct import *im)
{
    const struct door *door = im->call->door;
    enum err e = OK;
    switch (im->kind->way) {
    case IMPORT_IN_LEDGER:
        im->watches = calloc(IMPORT_ROWS, sizeof *im->watches);
        e = im->watches ? door_ledger(door, in_ledger, im, im->note) : ERR_NOMEM;
        if (e == OK)
            e = door_refresh(door);
        door_places_changed(door);
        break;
    case IMPORT_REGISTRY:
        im->vehicles = calloc(IMPORT_ROWS, sizeof *im->vehicles);
        im->owners = calloc(IMPORT_ROWS, sizeof *im->owners);
        e = im->vehicles && im->owners
                ? door_ledger_alone(door, in_registry, im, im->note)
                : ERR_NOMEM;
        door_registry_changed(door);
        break;
    case IMPORT_PASSES:
        e = import_passes(im);
        break;
    case IMPORT_GANTRY:
        e = import_gantry(im);
        break;
    }
    return e;
}

/* A name in a watch is somebody who can be asked about it, and whose it is to ask for
 * one or to approve it. */
static enum err
account(
    const struct import *im, const char *field, const char *login, unsigned roles,
    const char *en, const char *zh)
{
    struct user_row row;
    enum err e = ledger_user_by_login(im->call->door->reader, span_cstr(login), &row);
    if (e == ERR_NOTFOUND)
        return note_fmt(
            im->note, ERR_INPUT, field,
            "there is no account \"%s\": tongqu user list shows those there are",
            "没有账号“%s”：用 tongqu user list 查看现有账号", login);
    if (e == OK && row.user.disabled)
        return note_fmt(
            im->note, ERR_INPUT, field, "the account \"%s\" is disabled",
            "账号“%s”已停用", login);
    if (e == OK && !(row.user.roles & roles))
        return note_set(im->note, ERR_DENIED, field, en, zh);
    return e;
}

static enum err
two_persons(const struct import *im)
{
    if (!im->author || !im->approver || strcmp(im->author, im->approver) == 0)
        return note_set(
            im->note, ERR_USAGE, "approver",
            "watches need two different persons: --author U --approver U",
            "布控须两人办理：--author 与 --approver 为不同人员");
    enum err e = account(
        im, "author", im->author, ROLES_WATCH,
        "watches are asked for by duty, analyst or supervisor",
        "布控由 duty、analyst 或 supervisor 申请");
    if (e == OK)
        e = account(
            im, "approver", im->approver, ROLE_SUPERVISOR,
            "watches are approved by a supervisor", "布控由 supervisor 审批");
    return e;
}

static enum err
run(struct op_call *c, struct note *note)
{
    const char *what = op_text(c, "what");
    struct import *im = calloc(1, sizeof *im);
    if (!im)
        return ERR_NOMEM;
    *im = (struct import){
        .call = c,
        .note = note,
        .kind = kind_find(what),
        .now = os_now_ms(),
        .author = op_text(c, "author"),
        .approver = op_text(c, "approver"),
    };
    enum err e = OK;
    if (!im->kind)
        e = note_fmt(
            note, ERR_USAGE, "what",
            "\"%s\" cannot be imported: org, units, sites, registry, watches, zones, "
            "permits, sections, sightings or gantry",
            "无法导入“%s”：可导入 "
            "org、units、sites、registry、watches、zones、permits、sections、"
            "sightings、gantry",
            what);
    if (im->kind && im->kind == &import_watches)
        e = two_persons(im);
    if (e == OK)
        e = import_open(im, c->in);
    dur_us began = os_mono_us();
    if (e == OK)
        e = run_kind(im);
    double seconds = (double)(os_mono_us() - began) / 1e6;
    if (e == OK) {
        fprintf(
            c->out,
            "%s: %llu rows taken, %llu known already, %llu rejected, %.2f s, %.0f "
            "rows/s\n",
            what, (unsigned long long)im->taken, (unsigned long long)im->known,
            (unsigned long long)im->rejected, seconds,
            (double)(im->taken + im->known) / (seconds > 0 ? seconds : 1));
        if (im->cut)
            fprintf(
                c->out, "%llu taken without a text that was too long\n",
                (unsigned long long)im->cut);
        if (im->leap)
            fprintf(
                c->out, "%llu taken at the last millisecond before a leap second\n",
                (unsigned long long)im->leap);
        if (im->rejects)
            fprintf(c->out, "rejects: %s\n", im->rejects_path);
        e = op_audit(c, "import", what, im->rejects_path, im->taken);
    }
    bool passes =
        im->kind && (im->kind->way == IMPORT_PASSES || im->kind->way == IMPORT_GANTRY);
    bool walk = passes && !op_flag(c, "no_rules");
    if (e == OK && walk && im->first_ms) {
        e = history_run(c, im->first_ms, im->last_ms, note);
        if (e == OK)
            e = import_ruled(im);
    }
    close_import(im);
    free(im);
    return e;
}

const struct op op_import = {.name = "import", .fn = run, .heavy = true};

/* Runs the rules again over stored passes: what imports do by themselves. */
static enum err
run_history(struct op_call *c, struct note *note)
{
    return history_run(c, op_number(c, "from", 0), op_number(c, "to", 0), note);
}

const struct op op_rules_history = {
    .name = "rules_history", .fn = run_history, .heavy = true};
