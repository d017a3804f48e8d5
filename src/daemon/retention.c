/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence is copied on query-batch, a few matters at a time so that questions get
 * their turn; the store's thread only drops. */
#include "daemon/retention.h"

#include "core/cur.h"
#include "core/log.h"
#include "core/os_clock.h"
#include "daemon/parts.h"
#include "store/ledger_alarm.h"

#include <stdio.h>
#include <stdlib.h>

#define KEEP_DAYS 365
#define STEP_MATTERS 8u
#define RETRY_US (HOUR_MS * 1000)
#define LOOK_US (10 * SECOND_MS * 1000) /* while it waits for a steady clock */
#define AT_ONCE_DAYS 7 /* a service that stood still for a week goes on at once */
#define COPIES 20u
/* An alarm's evidence may be this much older than its deciding pass. */
#define REACH_MS (2 * DAY_MS)

struct dropped {
    struct sight_receipt sum;
    struct buf files;
};

struct retention {
    struct task task;
    int64_t passes_day, pictures_day;
    ts_ms passes_ms, pictures_ms; /* their first instants */
    struct arena arena;
    struct alarm_evidence *rows[2]; /* of passes, of pictures */
    size_t n[2];
    unsigned class; /* which of them is being held, and how far */
    size_t at;
    uint32_t held_matters;
    bool gathered, dropped;
    struct dropped passes, pictures;
};

struct retention *
retention_new(int64_t passes_day, int64_t pictures_day)
{
    struct retention *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    arena_init(&r->arena, 256u << 20);
    r->passes_day = passes_day;
    r->pictures_day = pictures_day > passes_day ? pictures_day : passes_day;
    return r;
}

void
retention_free(struct retention *r)
{
    if (!r)
        return;
    arena_release(&r->arena);
    buf_release(&r->passes.files);
    buf_release(&r->pictures.files);
    free(r);
}

static int64_t
days_of(ts_ms oldest, int64_t limit, const struct zone *z)
{
    int64_t day = oldest == INT64_MAX ? limit : civil_day(oldest, z);
    return day < limit ? limit - day : 0;
}

int64_t
retention_days(const struct retention *r, struct sight *s, const struct zone *z)
{
    ts_ms pass, picture;
    struct note note = {0};
    if (sight_oldest(s, &pass, &picture, &note) != OK)
        return 0; /* gather says what is wrong */
    int64_t passes = days_of(pass, r->passes_day, z);
    int64_t pictures = days_of(picture, r->pictures_day, z);
    return passes > pictures ? passes : pictures;
}

/* ---- evidence first ---- */

enum err
retention_gather(
    struct retention *r, struct sight *s, struct ledger_reader *l, const struct zone *z,
    struct note *note)
{
    ts_ms pass, picture;
    r->passes_ms = civil_day_start(r->passes_day, z);
    r->pictures_ms = civil_day_start(r->pictures_day, z);
    enum err e = sight_oldest(s, &pass, &picture, note);
    if (e == OK && pass < r->passes_ms)
        e = ledger_alarm_evidence(
            l, pass, r->passes_ms + REACH_MS, &r->arena, &r->rows[0], &r->n[0]);
    if (e == OK && picture < r->pictures_ms)
        e = ledger_alarm_evidence(
            l, picture, r->pictures_ms + REACH_MS, &r->arena, &r->rows[1], &r->n[1]);
    r->gathered = e == OK;
    return e;
}

/* The evidence of one matter that lies before the limit: all its rows stand together.
 */
static enum err
hold_matter(
    struct retention *r, struct sight *s, const struct alarm_evidence *rows, size_t n,
    struct note *note)
{
    struct sighting_id ids[ALARM_EVIDENCE];
    ts_ms limit = r->class ? r->pictures_ms : r->passes_ms;
    bool any = false;
    enum err e = OK;
    for (size_t i = 0; i < n && e == OK; i++) {
        size_t k = 0;
        for (uint32_t j = 0; j < rows[i].n; j++)
            if (rows[i].ids[j].pass_ms < limit)
                ids[k++] = rows[i].ids[j];
        if (k)
            e = sight_hold(s, span_cstr(rows[i].matter), ids, k, note);
        if (e == ERR_NOTFOUND)
            e = OK; /* went with an earlier day */
        any = any || k;
    }
    r->held_matters += any;
    return e;
}

enum err
retention_hold(
    struct retention *r, struct sight *s, unsigned matters, bool *more,
    struct note *note)
{
    must(r->gathered);
    enum err e = OK;
    while (e == OK && matters && r->class < 2) {
        const struct alarm_evidence *rows = r->rows[r->class];
        size_t from = r->at, n = r->n[r->class];
        if (from == n) {
            r->class ++;
            r->at = 0;
            continue;
        }
        while (r->at < n && strcmp(rows[r->at].matter, rows[from].matter) == 0)
            r->at++;
        e = hold_matter(r, s, rows + from, r->at - from, note);
        matters--;
    }
    *more = r->class < 2;
    return e;
}

/* ---- dropping ---- */

enum err
retention_drop(struct retention *r, struct sight *s, struct note *note)
{
    must(r->gathered && r->class == 2); /* evidence first */
    enum err e =
        sight_purge_named(s, r->passes_day, &r->passes.sum, &r->passes.files, note);
    if (e == OK)
        e = sight_purge_pictures(
            s, r->pictures_day, &r->pictures.sum, &r->pictures.files, note);
    r->dropped = e == OK;
    return e;
}

/* Copies made earlier, by hand or by a timer: "/srv/copy@20261121". They are not ours
 * to purge; the receipt says that they are there. */
static void
earlier_copies(struct buf *out, struct audit *a)
{
    struct arena arena;
    struct audit_row *rows;
    size_t n;
    struct zone utc = {"UTC", 0};
    struct audit_query q = {.action = SPAN("backup"), .cap = COPIES};
    arena_init(&arena, 4u << 20);
    if (audit_read(a, &q, &arena, &rows, &n) != OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        char day[TS_TEXT];
        day_format(day, civil_day(rows[i].record.at_ms, &utc));
        buf_fmt(
            out, "%s%.*s@%s", i ? "," : " copies=", SPAN_ARG(rows[i].record.object),
            day);
    }
    arena_release(&arena);
}

static enum err
receipt(
    struct retention *r, const struct dropped *x, const char *prefix, struct audit *a,
    ts_ms now)
{
    const struct sight_receipt *sum = &x->sum;
    struct buf detail = {0};
    char object[TS_TEXT + 24];
    uint64_t number;
    if (sum->rows == 0 && sum->segments == 0 && sum->packs == 0)
        return OK;
    size_t n = (size_t)snprintf(object, sizeof object, "%sbefore:", prefix);
    day_format(object + n, sum->before_day);
    buf_fmt(
        &detail,
        "segments=%u packs=%u rows=%llu bytes=%llu picture_bytes=%llu rewritten=%llu "
        "held_matters=%u",
        sum->segments, sum->packs, (unsigned long long)sum->rows,
        (unsigned long long)sum->bytes, (unsigned long long)sum->picture_bytes,
        (unsigned long long)sum->rewritten, r->held_matters);
    log_event(EV_purged, log_w("receipt", object), log_n("packs", sum->packs));
    buf_fmt(&detail, " files=%.*s", (int)x->files.n, (const char *)x->files.p);
    earlier_copies(&detail, a);
    struct audit_record rec = {
        .at_ms = now,
        .class = AUDIT_SYSTEM,
        .outcome = AUDIT_OK,
        .count = sum->rows ? sum->rows : sum->packs,
        .action = SPAN("purge"),
        .object = span_cstr(object),
        .detail = span_of(detail.p, detail.n),
    };
    enum err e = detail.bad || x->files.bad ? ERR_NOMEM : audit_write(a, &rec, &number);
    buf_release(&detail);
    return e;
}

enum err
retention_receipts(struct retention *r, struct audit *a, ts_ms now)
{
    must(r->dropped);
    enum err e = receipt(r, &r->passes, "", a, now);
    return e ? e : receipt(r, &r->pictures, "pictures-", a, now);
}

/* ---- through the owners ---- */

static void
finished(struct task *task, struct daemon *d, enum err e)
{
    d->retention_failed = e != OK && e != ERR_STOPPING;
    d->retention_runs = false;
    retention_free((struct retention *)task);
}

static enum err
said(enum err e, const struct note *note)
{
    if (e != OK)
        log_note(EV_purge_failed, e, note);
    return e;
}

static enum err
receipts_apply(struct task *task, struct daemon *d)
{
    struct note note = {0};
    struct retention *r = (struct retention *)task;
    return said(retention_receipts(r, d->base->audit, os_now_ms()), &note);
}

static enum err
drop_apply(struct task *task, struct daemon *d)
{
    struct note note = {0};
    struct retention *r = (struct retention *)task;
    return said(retention_drop(r, d->base->sight, &note), &note);
}

static void
drop_settled(struct task *task, struct daemon *d, enum err e)
{
    if (e != OK) {
        finished(task, d, e);
        return;
    }
    task_init(task, d, receipts_apply, finished);
    task_post(d, OWNER_WORK, task);
}

static enum err
hold_apply(struct task *task, struct daemon *d)
{
    struct note note = {0};
    struct retention *r = (struct retention *)task;
    bool more;
    enum err e = OK;
    if (!r->gathered)
        e = retention_gather(
            r, d->base->sight, daemon_owner(d, OWNER_BATCH)->reader, &d->base->zone,
            &note);
    if (e == OK)
        e = retention_hold(r, d->base->sight, STEP_MATTERS, &more, &note);
    return said(e, &note);
}

static void
hold_settled(struct task *task, struct daemon *d, enum err e)
{
    struct retention *r = (struct retention *)task;
    if (e != OK) {
        finished(task, d, e);
        return;
    }
    bool more = r->class < 2;
    if (more)
        task_init(task, d, hold_apply, hold_settled);
    else
        task_init(task, d, drop_apply, drop_settled);
    task_post(d, more ? OWNER_BATCH : OWNER_STORE, task);
}

void
retention_look(struct daemon *d, int64_t today, dur_us mono)
{
    bool again = d->retention_failed && mono - d->retention_tried_us >= RETRY_US;
    if (d->retention_runs || (d->purged_day == today && !again))
        return;
    if (d->retention_waits_days && mono - d->retention_tried_us < LOOK_US)
        return;
    int passes = d->opts.keep_days ? d->opts.keep_days : KEEP_DAYS;
    int pictures = d->opts.keep_pictures_days ? d->opts.keep_pictures_days : passes;
    struct retention *r = retention_new(today - passes, today - pictures);
    if (!r)
        return;
    /* A jump of the clock must not cost a year of passes. */
    int64_t days = retention_days(r, d->base->sight, &d->base->zone);
    bool wait = days > AT_ONCE_DAYS && !wall_steady(&d->wall);
    d->retention_waits_days = wait ? days : 0;
    d->retention_tried_us = mono;
    if (wait) {
        retention_free(r);
        return;
    }
    d->purged_day = today;
    d->retention_runs = true;
    task_init(&r->task, d, hold_apply, hold_settled);
    task_post(d, OWNER_BATCH, &r->task);
}
