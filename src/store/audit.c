/* SPDX-License-Identifier: Apache-2.0 */
/* Appending gives a record its number and its place in the chain under the lock and
 * copies it into the running batch; one writer at a time (the own thread, or whoever
 * waits first) writes and syncs what has gathered while the next batch fills.
 *
 * Opening after a crash: the last file is read to its first bad byte. What lies behind
 * it was never acknowledged if it belongs to the last write; it is set aside in
 * torn-<number> and the chain says so. It was acknowledged, and is damage, if a later
 * write begins behind it (a record flagged AUDIT_FIRST_OF_WRITE), if a signed head
 * names it, or if it is longer than one write can be. */
#include "store/audit.h"

#include "store/audit_core.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- parts ---- */

enum err
audit_part_path(const struct audit *a, uint64_t first, char dst[OS_PATH])
{
    char name[32];
    snprintf(name, sizeof name, "%012llu.tqa", (unsigned long long)first);
    return os_join(dst, OS_PATH, a->dir, name);
}

static struct audit_part *
part_add(struct audit *a, uint64_t first)
{
    if (a->parts_n == a->parts_room) {
        size_t room = a->parts_room ? 2 * a->parts_room : 8;
        struct audit_part *p = realloc(a->parts, room * sizeof *p);
        if (!p)
            return NULL;
        a->parts = p;
        a->parts_room = room;
    }
    struct audit_part *p = &a->parts[a->parts_n++];
    *p = (struct audit_part){.first = first};
    return p;
}

/* Remembers where record `number` begins when it is one of the remembered ones. */
static bool
part_note(struct audit_part *p, uint64_t number, uint64_t offset)
{
    if ((number - p->first) % AUDIT_INDEX_EVERY)
        return true;
    if (p->offsets == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        uint64_t *o = realloc(p->offset, room * sizeof *o);
        if (!o)
            return false;
        p->offset = o;
        p->room = room;
    }
    p->offset[p->offsets++] = offset;
    return true;
}

static void
note_name(void *arg, const char *name)
{
    struct audit *a = arg;
    uint64_t first = 0;
    struct span s = span_cstr(name);
    if (s.n == 16 && strcmp(name + 12, ".tqa") == 0 &&
        span_u64((struct span){s.p, 12}, &first))
        (void)part_add(a, first);
}

/* A new empty part, durable with its name. */
static enum err
part_make(struct audit *a, uint64_t first, const uint8_t prev[32], struct os_file **out)
{
    char path[OS_PATH];
    uint8_t bytes[AUDIT_FILE_HEAD];
    struct audit_file_head head = {.first = first};
    struct os_file *f = NULL;
    memcpy(head.prev, prev, 32);
    memcpy(head.key, a->key, 32);
    audit_file_head_encode(bytes, &head);
    enum err e = audit_part_path(a, first, path);
    if (!e)
        e = os_open(a->fs, path, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNC, &f, NULL);
    if (!e)
        e = os_write_at(f, 0, bytes, sizeof bytes);
    if (!e)
        e = os_sync(f, "audit.new");
    if (!e)
        e = os_sync_dir(a->fs, a->dir, "audit.dir");
    if (e)
        os_close(&f);
    else
        *out = f;
    return e;
}

/* ---- writing ---- */

/* Begins a new part when the last one is large; called by the writer, unlocked except
 * for the list. */
static enum err
roll(struct audit *a, uint64_t first, const uint8_t prev[32])
{
    struct os_file *f = NULL;
    if (a->end < AUDIT_FILE_MAX)
        return OK;
    enum err e = part_make(a, first, prev, &f);
    if (e)
        return e;
    pthread_mutex_lock(&a->lock);
    struct audit_part *p = part_add(a, first);
    if (p) {
        p->indexed = true;
        p->end = AUDIT_FILE_HEAD;
    }
    pthread_mutex_unlock(&a->lock);
    if (!p) {
        os_close(&f);
        return ERR_NOMEM;
    }
    os_close(&a->file);
    a->file = f;
    a->end = AUDIT_FILE_HEAD;
    return OK;
}

/* Index of what was just written; under the lock. */
static void
index_flight(struct audit *a, uint64_t from)
{
    struct audit_part *p = &a->parts[a->parts_n - 1];
    uint64_t number = p->first + p->records;
    for (size_t at = 0; at < a->flight.n;) {
        struct cur c = cur_of(a->flight.p + at, a->flight.n - at);
        if (!part_note(p, number, from + at))
            p->indexed = false; /* without memory: read anew when asked */
        number++;
        p->records++;
        at += cur_u32_le(&c);
    }
    p->end = from + a->flight.n;
}

/* Makes what has gathered the next write. */
static void
take_off(struct audit *a)
{
    struct buf swap = a->flight;
    a->flight = a->batch;
    a->batch = swap;
    buf_clear(&a->batch);
    a->batch_open = false;
    a->flight_last = a->last;
    a->flight_ms = a->at_ms;
    memcpy(a->flight_hash, a->hash, sizeof a->hash);
}

/* Is there something to write? */
static bool
has_work(const struct audit *a)
{
    return a->held || a->batch.n;
}

/* Writes what has gathered. Called with the lock held and !writing; returns with it
 * held. What a full disk held back goes again as the write that it was: a write begins
 * with its flagged record, and a reader tells a torn one by that. */
static void
pump(struct audit *a)
{
    uint8_t prev[32];
    if (!a->held)
        take_off(a);
    a->writing = true;
    uint64_t first = a->durable + 1;
    memcpy(prev, a->durable_hash, sizeof prev);
    pthread_mutex_unlock(&a->lock);
    enum err e = roll(a, first, prev);
    uint64_t from = a->end;
    if (!e)
        e = os_write_at(a->file, from, a->flight.p, a->flight.n);
    bool full = e == ERR_FULL;
    if (!e)
        e = os_sync(a->file, "audit.write");
    pthread_mutex_lock(&a->lock);
    a->writing = false;
    a->held = full; /* nothing was synced: those who wait are told, and it waits */
    if (full) {
        a->full = a->last;
    } else if (e) {
        a->failed = e;
    } else {
        a->full = 0;
        a->end = from + a->flight.n;
        index_flight(a, from);
        a->durable = a->flight_last;
        a->durable_ms = a->flight_ms;
        memcpy(a->durable_hash, a->flight_hash, sizeof a->flight_hash);
    }
    pthread_cond_broadcast(&a->moved);
}

static void *
writer(void *arg)
{
    struct audit *a = arg;
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->stop && (a->failed || a->writing || !has_work(a)))
            pthread_cond_wait(&a->work, &a->lock);
        if (a->stop && (a->failed || !has_work(a)))
            break;
        pump(a);
        if (a->full && a->stop)
            break;
        if (a->full)
            pthread_cond_wait(&a->work, &a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Waits, or writes when nobody else does; under the lock. */
static void
help(struct audit *a)
{
    if (!a->has_thread && !a->writing && has_work(a))
        pump(a);
    else
        pthread_cond_wait(&a->moved, &a->lock);
}

enum err
audit_append(struct audit *a, const struct audit_record *r, uint64_t *number)
{
    pthread_mutex_lock(&a->lock);
    while (!a->failed && !a->full && a->batch.n >= AUDIT_BATCH_MAX)
        help(a);
    enum err e = a->failed ? ERR_IO : a->batch.n >= AUDIT_BATCH_MAX ? ERR_FULL : OK;
    if (!e) {
        struct audit_record x = *r;
        uint8_t hash[32];
        size_t before = a->batch.n;
        x.number = a->last + 1;
        unsigned flags = a->batch_open ? 0 : AUDIT_FIRST_OF_WRITE;
        audit_record_encode(&a->batch, &x, flags, a->hash, hash);
        if (a->batch.bad) { /* nothing of it may stay: the chain goes on from before */
            a->batch.n = before;
            a->batch.bad = false;
            e = ERR_NOMEM;
        } else {
            a->last = x.number;
            a->at_ms = x.at_ms;
            a->batch_open = true;
            memcpy(a->hash, hash, sizeof hash);
            *number = x.number;
            if (a->has_thread)
                pthread_cond_signal(&a->work);
        }
    }
    pthread_mutex_unlock(&a->lock);
    return e;
}

enum err
audit_wait(struct audit *a, uint64_t number)
{
    pthread_mutex_lock(&a->lock);
    must(number <= a->last);
    bool tried = false; /* what found the disk full is tried once more by each waiter */
    while (a->durable < number && !a->failed && !(tried && a->full >= number)) {
        if (a->has_thread && a->full)
            pthread_cond_signal(&a->work);
        help(a);
        tried = true;
    }
    enum err e = a->durable >= number ? OK : a->failed ? ERR_IO : ERR_FULL;
    pthread_mutex_unlock(&a->lock);
    return e;
}

enum err
audit_write(struct audit *a, const struct audit_record *r, uint64_t *number)
{
    enum err e = audit_append(a, r, number);
    return e ? e : audit_wait(a, *number);
}

enum err
audit_flush(struct audit *a)
{
    pthread_mutex_lock(&a->lock);
    uint64_t last = a->last;
    pthread_mutex_unlock(&a->lock);
    return audit_wait(a, last);
}

uint64_t
audit_durable(struct audit *a)
{
    pthread_mutex_lock(&a->lock);
    uint64_t n = a->durable;
    pthread_mutex_unlock(&a->lock);
    return n;
}

/* ---- opening ---- */

enum err
audit_part_read(
    struct audit *a, const struct audit_part *p, struct audit_scan *s,
    struct note *note)
{
    char path[OS_PATH];
    enum err e = audit_part_path(a, p->first, path);
    if (e)
        return e;
    char *text = NULL;
    e = os_read_file(
        a->fs, path, (size_t)AUDIT_FILE_MAX + 2 * (AUDIT_BATCH_MAX + AUDIT_RECORD_MAX),
        &text, &s->n, note);
    s->bytes = (uint8_t *)text;
    return e;
}

void
audit_part_scan(struct audit_scan *s, struct audit_part *p)
{
    struct audit_raw raw;
    s->good = AUDIT_FILE_HEAD;
    s->next = s->head.first;
    memcpy(s->hash, s->head.prev, 32);
    while (s->good < s->n &&
           !audit_record_decode(s->bytes + s->good, s->n - s->good, true, &raw) &&
           raw.record.number == s->next && memcmp(raw.prev, s->hash, 32) == 0) {
        (void)part_note(p, s->next, s->good);
        s->good += raw.length;
        s->next++;
        s->at_ms = raw.record.at_ms;
        memcpy(s->hash, raw.hash, 32);
    }
    p->records = s->next - p->first;
    p->end = s->good;
    p->indexed = true;
}

/* Does a later write begin behind the first bad byte? Then what is bad was once
 * durable. */
static bool
later_write(const struct audit_scan *s)
{
    struct audit_raw raw;
    for (size_t i = s->good + 1; i + AUDIT_RECORD_MIN <= s->n; i++) {
        if (audit_record_decode(s->bytes + i, s->n - i, false, &raw) ||
            raw.record.number <= s->next || raw.record.number > s->next + s->n ||
            !(raw.flags & AUDIT_FIRST_OF_WRITE))
            continue;
        if (!audit_record_decode(s->bytes + i, s->n - i, true, &raw))
            return true;
    }
    return false;
}

static enum err
damaged(const struct audit_scan *s, struct note *note)
{
    return note_fmt(
        note, ERR_CORRUPT, "",
        "the audit record is damaged at number %llu: run tongqu-verify",
        "审计记录在第 %llu 条处损坏，请运行 tongqu-verify",
        (unsigned long long)s->next);
}

/* Keeps the torn bytes beside the chain and cuts them off; the record that says so
 * syncs the cut. */
static enum err
set_aside(struct audit *a, const struct audit_scan *s, struct note *note)
{
    char name[32], path[OS_PATH];
    snprintf(name, sizeof name, "torn-%012llu", (unsigned long long)s->next);
    enum err e = os_join(path, sizeof path, a->dir, name);
    if (!e)
        e = os_write_file(
            a->fs, path, span_of(s->bytes + s->good, s->n - s->good), "audit.torn",
            note);
    return e ? e : os_truncate(a->file, s->good);
}

static enum err
record_torn(struct audit *a, size_t bytes, ts_ms at)
{
    uint64_t number;
    struct audit_record r = {
        .at_ms = at,
        .class = AUDIT_SYSTEM,
        .outcome = AUDIT_FAILED,
        .count = bytes,
        .action = SPAN("audit.torn"),
        .detail = SPAN("bytes of an unfinished write, kept in audit/torn-<number>"),
    };
    return audit_write(a, &r, &number);
}

static enum err
open_last(struct audit *a, struct audit_scan *s, ts_ms at, struct note *note)
{
    char path[OS_PATH];
    struct audit_part *p = &a->parts[a->parts_n - 1];
    audit_part_scan(s, p);
    enum err e = audit_part_path(a, p->first, path);
    if (!e)
        e = os_open(a->fs, path, OS_READ | OS_WRITE, &a->file, note);
    if (e)
        return e;
    size_t torn = s->n - s->good;
    if (a->sign.number >= s->next ||
        (torn && (torn > AUDIT_BATCH_MAX + AUDIT_RECORD_MAX || later_write(s))))
        return damaged(s, note);
    a->end = s->good;
    a->last = a->durable = s->next - 1;
    a->at_ms = a->durable_ms = s->at_ms;
    memcpy(a->hash, s->hash, 32);
    memcpy(a->durable_hash, s->hash, 32);
    if (torn && !(e = set_aside(a, s, note)))
        e = record_torn(a, torn, at);
    return e;
}

/* A part whose head was never finished is the newest one and empty: it goes, the one
 * before is last. */
static enum err
drop_unborn(struct audit *a, const struct audit_scan *s, struct note *note)
{
    char path[OS_PATH];
    struct audit_part *p = &a->parts[a->parts_n - 1];
    if (s->n > AUDIT_FILE_HEAD || (a->parts_n == 1 && a->sign.number))
        return note_set(
            note, ERR_CORRUPT, "",
            "the head of the newest audit file is damaged: run tongqu-verify",
            "最新审计文件的文件头已损坏，请运行 tongqu-verify");
    enum err e = audit_part_path(a, p->first, path);
    if (!e)
        e = os_unlink(a->fs, path);
    if (!e)
        a->parts_n--;
    return e;
}

static enum err
begin_chain(struct audit *a)
{
    static const uint8_t zeros[32];
    struct audit_part *p = part_add(a, 1);
    if (!p)
        return ERR_NOMEM;
    p->indexed = true;
    p->end = AUDIT_FILE_HEAD;
    a->end = AUDIT_FILE_HEAD;
    return part_make(a, 1, zeros, &a->file);
}

static enum err
load_parts(struct audit *a, bool begun, ts_ms at, struct note *note)
{
    enum err e = os_list(a->fs, a->dir, note_name, a);
    while (!e && a->parts_n && !a->file) {
        struct audit_scan s = {0};
        struct audit_part *p = &a->parts[a->parts_n - 1];
        e = audit_part_read(a, p, &s, note);
        if (!e) {
            e = audit_file_head_decode(s.bytes, s.n, &s.head);
            if (e == ERR_CORRUPT)
                e = drop_unborn(a, &s, note);
            else if (!e && s.head.first != p->first)
                e = damaged(&s, note);
            else if (!e && sodium_memcmp(s.head.key, a->key, sizeof a->key) != 0)
                e = audit_key_other(note);
            else if (!e)
                e = open_last(a, &s, at, note);
        }
        free(s.bytes);
    }
    if (!e && !a->file)
        e = a->sign.number ? note_set(
                                 note, ERR_CORRUPT, "",
                                 "the audit record is missing though heads were signed",
                                 "审计记录缺失，但存在已签名的记录头")
            : begun ? note_fmt(
                          note, ERR_CORRUPT, "",
                          "the audit record %s is missing: put it back, or restore a "
                          "backup",
                          "审计记录 %s 缺失：请放回原处，或从备份恢复", a->dir)
                    : begin_chain(a);
    return e;
}

static enum err
start_writer(struct audit *a)
{
    pthread_mutex_lock(&a->lock);
    a->has_thread = pthread_create(&a->thread, NULL, writer, a) == 0;
    enum err e = a->has_thread ? OK : ERR_NOMEM;
    pthread_mutex_unlock(&a->lock);
    return e;
}

enum err
audit_open(
    struct os_fs *fs, const char *dir, const struct audit_options *opt, ts_ms at,
    struct audit **out, struct note *note)
{
    struct audit *a = sodium_init() < 0 ? NULL : calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->fs = fs;
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->signing, NULL);
    pthread_cond_init(&a->moved, NULL);
    pthread_cond_init(&a->work, NULL);
    enum err e = span_copy(a->base, sizeof a->base, span_cstr(dir)) ? OK : ERR_TOOBIG;
    if (!e)
        e = os_join(a->dir, sizeof a->dir, dir, "audit");
    if (!e)
        e = os_mkdir(fs, a->dir, note);
    if (!e)
        e = audit_key_load(a, opt->make_key && !opt->begun, note);
    if (e == ERR_NOTFOUND && opt->begun)
        e = ERR_CORRUPT;
    if (!e) /* names of audit/ and of the key, before any record counts on them */
        e = os_sync_dir(fs, dir, "audit.base");
    if (!e)
        e = audit_heads_load(a, note);
    if (!e)
        e = load_parts(a, opt->begun, at, note);
    if (!e && opt->thread)
        e = start_writer(a);
    if (e) {
        a->failed = ERR_IO; /* sign nothing */
        audit_close(&a, at);
        return e;
    }
    *out = a;
    return OK;
}

static void
drain(struct audit *a)
{
    pthread_mutex_lock(&a->lock);
    while (has_work(a) && !a->failed && !a->full)
        help(a);
    a->stop = true;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    if (a->has_thread)
        pthread_join(a->thread, NULL);
    a->has_thread = false;
}

struct at_number {
    uint64_t number;
    uint8_t hash[32];
    bool there;
};

static bool
keep_hash(void *arg, const struct audit_row *row)
{
    struct at_number *x = arg;
    x->there = row->record.number == x->number;
    memcpy(x->hash, row->hash, sizeof x->hash);
    return false;
}

enum err
audit_fit(struct audit *a, const struct audit_head *outside, enum audit_fit *fit)
{
    struct at_number x = {.number = outside->number};
    *fit = AUDIT_OTHER;
    if (outside->number == 0 || memcmp(outside->key, a->key, sizeof a->key) != 0)
        return OK;
    if (outside->number > audit_durable(a)) {
        *fit = AUDIT_BEHIND;
        return OK;
    }
    enum err e = audit_each(a, x.number - 1, keep_hash, &x);
    if (!e && x.there && memcmp(x.hash, outside->hash, sizeof x.hash) == 0)
        *fit = AUDIT_FITS;
    return e;
}

enum err
audit_head_read(struct span line, struct audit_head *out)
{
    return audit_head_parse(line, out);
}

void
audit_close(struct audit **audit, ts_ms at)
{
    struct audit *a = *audit;
    struct audit_head h;
    if (!a)
        return;
    drain(a);
    if (!a->failed && a->durable > a->sign.number)
        (void)!audit_sign(a, at, &h);
    os_close(&a->file);
    for (size_t i = 0; i < a->parts_n; i++)
        free(a->parts[i].offset);
    free(a->parts);
    buf_release(&a->batch);
    buf_release(&a->flight);
    sodium_memzero(a->secret, sizeof a->secret);
    pthread_cond_destroy(&a->work);
    pthread_cond_destroy(&a->moved);
    pthread_mutex_destroy(&a->signing);
    pthread_mutex_destroy(&a->lock);
    free(a);
    *audit = NULL;
}
