/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/head_out.h"

#include "core/log.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (64u << 20)

/* The newest head in FILE. */
static enum err
newest_outside(const char *path, struct audit_head *out, struct note *note)
{
    char *text = NULL;
    size_t n = 0;
    enum err e = os_read_file(os_fs_real(), path, FILE_MAX, &text, &n, note);
    struct span rest = {text, n};
    while (e == OK && rest.n) {
        struct audit_head h;
        struct span line = span_cut(&rest, '\n');
        if (line.n && audit_head_read(line, &h) != OK)
            e = note_fmt(
                note, ERR_USAGE, "head-to",
                "%s holds something else than signed heads: name another file",
                "%s 中的内容不是签名记录头，请另指定文件", path);
        else if (line.n && h.number >= out->number)
            *out = h;
    }
    free(text);
    return e;
}

/* The head stays beside FILE, the record and the log say so. */
static enum err
keep_ahead(
    struct head_out *o, struct audit *a, const struct audit_head *h, ts_ms now,
    struct note *note)
{
    char kept[OS_PATH], detail[2 * OS_PATH];
    uint64_t number;
    struct audit_head newest, sign;
    int n = snprintf(
        kept, sizeof kept, "%s.ahead-%llu", o->path, (unsigned long long)h->number);
    if (n < 0 || (size_t)n >= sizeof kept)
        return ERR_TOOBIG;
    audit_heads(a, &newest, &sign);
    snprintf(
        detail, sizeof detail,
        "the head outside names record %llu, this record ends at %llu; kept in %s",
        (unsigned long long)h->number, (unsigned long long)newest.number, kept);
    struct audit_record r = {
        .at_ms = now,
        .class = AUDIT_SYSTEM,
        .outcome = AUDIT_FAILED,
        .count = AUDIT_NO_COUNT,
        .action = SPAN("audit.behind"),
        .detail = span_cstr(detail),
    };
    o->ahead = *h;
    log_event(
        EV_audit_behind, log_n("outside", (int64_t)h->number),
        log_n("record", (int64_t)newest.number), log_w("kept", kept));
    enum err e = audit_write(a, &r, &number);
    return e != OK ? e : os_rename(os_fs_real(), o->path, kept, note);
}

static enum err
compare(struct head_out *o, struct audit *a, ts_ms now, struct note *note)
{
    struct audit_head h = {0};
    enum audit_fit fit = AUDIT_FITS;
    enum err e = newest_outside(o->path, &h, note);
    if (e == ERR_NOTFOUND)
        e = OK;
    if (e == OK && h.number)
        e = audit_fit(a, &h, &fit);
    if (e == OK && fit != AUDIT_FITS)
        e = keep_ahead(o, a, &h, now, note);
    o->compared = e == OK;
    return e;
}

enum err
head_out_open(
    struct head_out *o, struct audit *a, const char *path, ts_ms now, struct note *note)
{
    struct note why = {0};
    o->path = path;
    enum err e = path ? compare(o, a, now, &why) : OK;
    if (e == ERR_USAGE)
        *note = why;
    else if (e != OK)
        log_note(EV_audit_failed, e, &why);
    return e == ERR_USAGE ? e : OK;
}

enum err
head_out_put(
    struct head_out *o, struct audit *a, const struct audit_head *head, ts_ms now,
    struct note *note)
{
    enum err e = o->path && !o->compared ? compare(o, a, now, note) : OK;
    if (e == OK && o->path)
        e = os_write_file(os_fs_real(), o->path, span_cstr(head->line), "head", note);
    return e;
}
