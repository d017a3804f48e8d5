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

#include "core/cur.h"
#include "store/audit_format.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BATCH_MAX (1u << 20) /* bytes of one write, at least one record */
#define FILE_MAX (64u << 20) /* then a new file is begun */
#define HEADS_MAX (64u << 20)
#define INDEX_EVERY 256u /* records between remembered offsets */
#define READ_MAX (64u << 20)

struct part {         /* one file of the chain */
    uint64_t first;   /* number of its first record */
    uint64_t *offset; /* of records first, first + INDEX_EVERY, ... */
    size_t offsets, room;
    bool indexed;
    uint64_t records; /* indexed only */
    uint64_t end;     /* bytes that are whole and durable; indexed only */
};

struct audit {
    struct os_fs *fs;
    char dir[OS_PATH], base[OS_PATH]; /* DIR/audit, DIR */
    uint8_t key[32], secret[64];
    pthread_mutex_t lock;
    pthread_mutex_t signing; /* one head at a time; taken before lock */
    pthread_cond_t moved;    /* durable, failed or room in the batch */
    pthread_cond_t work;     /* for the own thread */
    pthread_t thread;
    bool has_thread, stop, writing;
    enum err failed;
    uint64_t
        full; /* records up to this found the disk full and wait for the next try */
    struct buf batch, flight;
    bool batch_open;  /* a record was put since the last write began */
    uint64_t last;    /* number given last */
    uint8_t hash[32]; /* of that record */
    ts_ms at_ms;
    uint64_t durable;
    uint8_t durable_hash[32];
    ts_ms durable_ms;
    struct os_file *file; /* the last part */
    uint64_t end;
    struct part *parts;
    size_t parts_n, parts_room;
    struct audit_head sign; /* last signed head */
};

/* ---- parts ---- */

static enum err
part_path(const struct audit *a, uint64_t first, char dst[OS_PATH])
{
    char name[32];
    snprintf(name, sizeof name, "%012llu.tqa", (unsigned long long)first);
    return os_join(dst, OS_PATH, a->dir, name);
}

static struct part *
part_add(struct audit *a, uint64_t first)
{
    if (a->parts_n == a->parts_room) {
        size_t room = a->parts_room ? 2 * a->parts_room : 8;
        struct part *p = realloc(a->parts, room * sizeof *p);
        if (!p)
            return NULL;
        a->parts = p;
        a->parts_room = room;
    }
    struct part *p = &a->parts[a->parts_n++];
    *p = (struct part){.first = first};
    return p;
}

/* Remembers where record `number` begins when it is one of the remembered ones. */
static bool
part_note(struct part *p, uint64_t number, uint64_t offset)
{
    if ((number - p->first) % INDEX_EVERY)
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
    enum err e = part_path(a, first, path);
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
    if (a->end < FILE_MAX)
        return OK;
    enum err e = part_make(a, first, prev, &f);
    if (e)
        return e;
    pthread_mutex_lock(&a->lock);
    struct part *p = part_add(a, first);
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
    struct part *p = &a->parts[a->parts_n - 1];
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

/* The disk was full before anything was synced: the batch goes back to the head of the
 * queue, its waiters are told, and the next append tries again. */
static void
hold_back(struct audit *a, uint64_t last)
{
    buf_put(&a->flight, a->batch.p, a->batch.n);
    if (a->flight.bad) {
        a->failed = ERR_NOMEM;
        return;
    }
    struct buf swap = a->batch;
    a->batch = a->flight;
    a->flight = swap;
    buf_clear(&a->flight);
    a->full = last;
}

/* Writes what has gathered. Called with the lock held and !writing; returns with it
 * held. */
static void
pump(struct audit *a)
{
    struct buf swap = a->flight;
    uint8_t prev[32], hash[32];
    a->flight = a->batch;
    a->batch = swap;
    buf_clear(&a->batch);
    a->writing = true;
    a->batch_open = false;
    uint64_t first = a->durable + 1, last = a->last;
    ts_ms at = a->at_ms;
    memcpy(prev, a->durable_hash, sizeof prev);
    memcpy(hash, a->hash, sizeof hash);
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
    if (full) {
        hold_back(a, last);
    } else if (e) {
        a->failed = e;
    } else {
        a->full = 0;
        a->end = from + a->flight.n;
        index_flight(a, from);
        a->durable = last;
        a->durable_ms = at;
        memcpy(a->durable_hash, hash, sizeof hash);
    }
    pthread_cond_broadcast(&a->moved);
}

static void *
writer(void *arg)
{
    struct audit *a = arg;
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->stop && (a->failed || a->writing || a->batch.n == 0))
            pthread_cond_wait(&a->work, &a->lock);
        if (a->stop && (a->failed || a->batch.n == 0))
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
    if (!a->has_thread && !a->writing && a->batch.n)
        pump(a);
    else
        pthread_cond_wait(&a->moved, &a->lock);
}

enum err
audit_append(struct audit *a, const struct audit_record *r, uint64_t *number)
{
    pthread_mutex_lock(&a->lock);
    while (!a->failed && !a->full && a->batch.n >= BATCH_MAX)
        help(a);
    enum err e = a->failed ? ERR_IO : a->batch.n >= BATCH_MAX ? ERR_FULL : OK;
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

uint64_t
audit_durable(struct audit *a)
{
    pthread_mutex_lock(&a->lock);
    uint64_t n = a->durable;
    pthread_mutex_unlock(&a->lock);
    return n;
}

/* ---- keys ---- */

static enum err
write_secret(struct audit *a, const char *path)
{
    char temporary[OS_PATH + 8], text[130];
    struct os_file *f = NULL;
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    sodium_bin2hex(text, sizeof text, a->secret, sizeof a->secret);
    text[128] = '\n';
    enum err e = os_open(a->fs, temporary, OS_WRITE | OS_CREATE | OS_TRUNC, &f, NULL);
    if (!e && os_fd(f) >= 0 && fchmod(os_fd(f), 0600) != 0)
        e = ERR_IO;
    if (!e)
        e = os_write_at(f, 0, text, 129);
    if (!e)
        e = os_sync(f, "audit.key");
    os_close(&f);
    if (!e)
        e = os_rename(a->fs, temporary, path, NULL);
    sodium_memzero(text, sizeof text);
    return e;
}

static enum err
read_secret(struct audit *a, const char *path, struct note *note)
{
    char *text = NULL;
    size_t n = 0, got = 0;
    enum err e = os_read_file(a->fs, path, 4096, &text, &n, note);
    if (e)
        return e;
    if (n < 128 ||
        sodium_hex2bin(a->secret, sizeof a->secret, text, 128, NULL, &got, NULL) ||
        got != sizeof a->secret)
        e = note_fmt(
            note, ERR_CORRUPT, "", "the audit key %s is damaged", "审计密钥 %s 已损坏",
            path);
    sodium_memzero(text, n);
    free(text);
    if (!e)
        crypto_sign_ed25519_sk_to_pk(a->key, a->secret);
    return e;
}

static enum err
load_key(struct audit *a, bool make, struct note *note)
{
    char path[OS_PATH], public_path[OS_PATH], text[66];
    uint64_t size;
    bool is_dir;
    enum err e = os_join(path, sizeof path, a->base, "audit.key");
    if (!e)
        e = os_join(public_path, sizeof public_path, a->dir, "key.pub");
    if (e)
        return e;
    e = os_stat(a->fs, path, &size, &is_dir);
    bool there = e == OK;
    if (there)
        e = read_secret(a, path, note);
    else if (e != ERR_NOTFOUND || !make)
        return note_fmt(
            note, e, "", "the audit key %s is missing", "缺少审计密钥 %s", path);
    else if (crypto_sign_keypair(a->key, a->secret) == 0)
        e = write_secret(a, path);
    /* The public half may be missing after a stop between the two. */
    if (e || (there && os_stat(a->fs, public_path, &size, &is_dir) == OK))
        return e;
    sodium_bin2hex(text, sizeof text, a->key, sizeof a->key);
    text[64] = '\n';
    return os_write_file(
        a->fs, public_path, (struct span){text, 65}, "audit.key.pub", note);
}

/* ---- heads ---- */

static enum err
other_key(struct note *note)
{
    return note_set(
        note, ERR_CORRUPT, "",
        "the audit key is not the one this record was signed with: put it back",
        "审计密钥与既有审计记录不符，请恢复原密钥");
}

/* The last whole line of audit/heads whose signature is ours. */
static enum err
load_heads(struct audit *a, struct note *note)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    enum err e = os_join(path, sizeof path, a->dir, "heads");
    if (!e)
        e = os_read_file(a->fs, path, HEADS_MAX, &text, &n, note);
    if (e)
        return e == ERR_NOTFOUND ? OK : e;
    struct span rest = {text, n};
    while (rest.n) {
        struct span line = span_cut(&rest, '\n');
        struct audit_head h;
        if (audit_head_parse(line, &h)) {
            e = note_set(
                note, ERR_CORRUPT, "", "a line of audit/heads is damaged",
                "审计文件 audit/heads 已损坏");
            break;
        }
        if (sodium_memcmp(h.key, a->key, sizeof a->key) != 0) {
            e = other_key(note);
            break;
        }
        a->sign = h;
    }
    free(text);
    return e;
}

/* The whole file anew, in one step: a line that is no valid head is then always damage,
 * never a write that was cut off. Some megabytes a year. */
static enum err
append_head(struct audit *a, const struct audit_head *h, struct note *note)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    struct buf all = {0};
    enum err e = os_join(path, sizeof path, a->dir, "heads");
    if (!e)
        e = os_read_file(a->fs, path, HEADS_MAX, &text, &n, note);
    if (e && e != ERR_NOTFOUND)
        return e;
    buf_put(&all, text, n);
    buf_text(&all, h->line);
    buf_u8(&all, '\n');
    e = all.bad
            ? ERR_NOMEM
            : os_write_file(a->fs, path, span_of(all.p, all.n), "audit.heads", note);
    free(text);
    buf_release(&all);
    return e;
}

enum err
audit_sign(struct audit *a, ts_ms at, struct audit_head *out)
{
    struct audit_head h = {.at_ms = at};
    pthread_mutex_lock(&a->signing);
    pthread_mutex_lock(&a->lock);
    h.number = a->durable;
    memcpy(h.hash, a->durable_hash, sizeof h.hash);
    pthread_mutex_unlock(&a->lock);
    memcpy(h.key, a->key, sizeof h.key);
    enum err e = h.number ? audit_head_sign(&h, a->secret) : ERR_NOTFOUND;
    if (!e)
        e = append_head(a, &h, NULL);
    if (!e) {
        pthread_mutex_lock(&a->lock);
        a->sign = h;
        pthread_mutex_unlock(&a->lock);
        *out = h;
    }
    pthread_mutex_unlock(&a->signing);
    return e;
}

void
audit_heads(struct audit *a, struct audit_head *newest, struct audit_head *sign)
{
    *newest = (struct audit_head){0};
    pthread_mutex_lock(&a->lock);
    newest->number = a->durable;
    newest->at_ms = a->durable_ms;
    memcpy(newest->hash, a->durable_hash, sizeof newest->hash);
    memcpy(newest->key, a->key, sizeof newest->key);
    *sign = a->sign;
    pthread_mutex_unlock(&a->lock);
}

/* ---- opening ---- */

struct scan { /* reading one part to its first bad byte */
    uint8_t *bytes;
    size_t n, good; /* bytes in the file; of whole records */
    struct audit_file_head head;
    uint64_t next; /* number expected at `good` */
    uint8_t hash[32];
    ts_ms at_ms;
};

static enum err
read_part(struct audit *a, const struct part *p, struct scan *s, struct note *note)
{
    char path[OS_PATH];
    enum err e = part_path(a, p->first, path);
    if (e)
        return e;
    char *text = NULL;
    e = os_read_file(
        a->fs, path, (size_t)FILE_MAX + 2 * (BATCH_MAX + AUDIT_RECORD_MAX), &text,
        &s->n, note);
    s->bytes = (uint8_t *)text;
    return e;
}

static void
scan_records(struct scan *s, struct part *p)
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
later_write(const struct scan *s)
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
damaged(const struct scan *s, struct note *note)
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
set_aside(struct audit *a, const struct scan *s, struct note *note)
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
open_last(struct audit *a, struct scan *s, ts_ms at, struct note *note)
{
    char path[OS_PATH];
    struct part *p = &a->parts[a->parts_n - 1];
    scan_records(s, p);
    enum err e = part_path(a, p->first, path);
    if (!e)
        e = os_open(a->fs, path, OS_READ | OS_WRITE, &a->file, note);
    if (e)
        return e;
    size_t torn = s->n - s->good;
    if (a->sign.number >= s->next ||
        (torn && (torn > BATCH_MAX + AUDIT_RECORD_MAX || later_write(s))))
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
drop_unborn(struct audit *a, const struct scan *s, struct note *note)
{
    char path[OS_PATH];
    struct part *p = &a->parts[a->parts_n - 1];
    if (s->n > AUDIT_FILE_HEAD || (a->parts_n == 1 && a->sign.number))
        return note_set(
            note, ERR_CORRUPT, "",
            "the head of the newest audit file is damaged: run tongqu-verify",
            "最新审计文件的文件头已损坏，请运行 tongqu-verify");
    enum err e = part_path(a, p->first, path);
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
    struct part *p = part_add(a, 1);
    if (!p)
        return ERR_NOMEM;
    p->indexed = true;
    p->end = AUDIT_FILE_HEAD;
    a->end = AUDIT_FILE_HEAD;
    return part_make(a, 1, zeros, &a->file);
}

static enum err
load_parts(struct audit *a, ts_ms at, struct note *note)
{
    enum err e = os_list(a->fs, a->dir, note_name, a);
    while (!e && a->parts_n && !a->file) {
        struct scan s = {0};
        struct part *p = &a->parts[a->parts_n - 1];
        e = read_part(a, p, &s, note);
        if (!e) {
            e = audit_file_head_decode(s.bytes, s.n, &s.head);
            if (e == ERR_CORRUPT)
                e = drop_unborn(a, &s, note);
            else if (!e && s.head.first != p->first)
                e = damaged(&s, note);
            else if (!e && sodium_memcmp(s.head.key, a->key, sizeof a->key) != 0)
                e = other_key(note);
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
        e = load_key(a, opt->make_key, note);
    if (!e) /* names of audit/ and of the key, before any record counts on them */
        e = os_sync_dir(fs, dir, "audit.base");
    if (!e)
        e = load_heads(a, note);
    if (!e)
        e = load_parts(a, at, note);
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
    while (a->batch.n && !a->failed && !a->full)
        help(a);
    a->stop = true;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    if (a->has_thread)
        pthread_join(a->thread, NULL);
    a->has_thread = false;
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

/* ---- copying ---- */

static enum err
copy_bytes(
    struct audit *a, const char *name, const char *to, uint64_t n, struct note *note)
{
    char from_path[OS_PATH], to_path[OS_PATH];
    struct os_file *in = NULL, *out = NULL;
    uint8_t *block = malloc(BATCH_MAX);
    enum err e = block ? os_join(from_path, sizeof from_path, a->dir, name) : ERR_NOMEM;
    if (!e)
        e = os_join(to_path, sizeof to_path, to, name);
    if (!e)
        e = os_open(a->fs, from_path, OS_READ, &in, note);
    if (!e)
        e = os_open(a->fs, to_path, OS_WRITE | OS_CREATE | OS_EXCL, &out, note);
    for (uint64_t at = 0; !e && at < n;) {
        size_t more = n - at < BATCH_MAX ? (size_t)(n - at) : BATCH_MAX;
        e = os_read_full(in, at, block, more);
        if (!e)
            e = os_write_at(out, at, block, more);
        at += more;
    }
    if (!e)
        e = os_sync(out, "audit.copy");
    os_close(&in);
    os_close(&out);
    free(block);
    return e;
}

/* How much of part i to copy: an old part is whole; the last one up to what is durable,
 * whose number goes to *number. 0: there is no such part. */
static uint64_t
part_size(struct audit *a, size_t i, uint64_t *first, uint64_t *number)
{
    char path[OS_PATH];
    uint64_t size = 0;
    bool is_dir;
    pthread_mutex_lock(&a->lock);
    bool there = i < a->parts_n, last = i + 1 == a->parts_n;
    *first = there ? a->parts[i].first : 0;
    if (there && last) {
        size = a->parts[i].end;
        *number = a->durable;
    }
    pthread_mutex_unlock(&a->lock);
    if (there && !last &&
        (part_path(a, *first, path) || os_stat(a->fs, path, &size, &is_dir)))
        size = 0;
    return size;
}

static enum err
copy_whole(struct audit *a, const char *name, const char *to, struct note *note)
{
    char path[OS_PATH];
    uint64_t size = 0;
    bool is_dir;
    enum err e = os_join(path, sizeof path, a->dir, name);
    if (!e)
        e = os_stat(a->fs, path, &size, &is_dir);
    return e ? e : copy_bytes(a, name, to, size, note);
}

enum err
audit_copy(
    struct audit *a, const char *to, ts_ms at, uint64_t *number, struct note *note)
{
    struct audit_head head;
    uint64_t first, size, last = 0;
    enum err e = audit_sign(a, at, &head);
    /* Heads first: none of them may name a record that the copy does not hold. */
    if (!e)
        e = copy_whole(a, "heads", to, note);
    if (!e)
        e = copy_whole(a, "key.pub", to, note);
    for (size_t i = 0; !e && (size = part_size(a, i, &first, &last)) > 0; i++) {
        char name[32];
        snprintf(name, sizeof name, "%012llu.tqa", (unsigned long long)first);
        e = copy_bytes(a, name, to, size, note);
    }
    if (!e)
        e = os_sync_dir(a->fs, to, "audit.copy.dir");
    if (!e)
        *number = last;
    return e;
}

/* ---- reading ---- */

struct piece { /* a run of records in one part: offsets and the number of the first */
    char path[OS_PATH];
    uint64_t from, to, first;
};

/* Reads an old part once to learn where its records are; under the lock (rare: a start
 * and a question about long ago). */
static enum err
index_part(struct audit *a, struct part *p)
{
    struct scan s = {0};
    enum err e = read_part(a, p, &s, NULL);
    if (!e)
        e = audit_file_head_decode(s.bytes, s.n, &s.head);
    if (!e) {
        p->offsets = 0;
        scan_records(&s, p);
    }
    free(s.bytes);
    return e;
}

/* The piece that holds record `number` (which must be durable). */
static enum err
find_piece(struct audit *a, uint64_t number, struct piece *out)
{
    pthread_mutex_lock(&a->lock);
    size_t i = a->parts_n;
    while (i > 1 && a->parts[i - 1].first > number)
        i--;
    struct part *p = &a->parts[i - 1];
    enum err e = p->indexed ? OK : index_part(a, p);
    if (!e && (number < p->first || number - p->first >= p->records))
        e = ERR_CORRUPT;
    if (!e)
        e = part_path(a, p->first, out->path);
    if (!e) {
        size_t k = (size_t)((number - p->first) / INDEX_EVERY);
        out->from = p->offset[k];
        out->to = k + 1 < p->offsets ? p->offset[k + 1] : p->end;
        out->first = p->first + k * INDEX_EVERY;
    }
    pthread_mutex_unlock(&a->lock);
    return e;
}

static enum err
load_piece(struct audit *a, const struct piece *p, struct buf *b)
{
    struct os_file *f = NULL;
    size_t n = (size_t)(p->to - p->from);
    if (n > READ_MAX)
        return ERR_TOOBIG;
    buf_clear(b);
    enum err e = buf_room(b, n) ? OK : ERR_NOMEM;
    if (!e)
        e = os_open(a->fs, p->path, OS_READ, &f, NULL);
    if (!e)
        e = os_read_full(f, p->from, b->p, n);
    os_close(&f);
    if (!e)
        b->n = n;
    return e;
}

/* Records of a loaded piece; the texts are borrowed from it. */
static enum err
split_piece(const struct buf *b, struct audit_raw *raws, size_t *n)
{
    *n = 0;
    for (size_t at = 0; at < b->n; (*n)++) {
        if (*n == INDEX_EVERY ||
            audit_record_decode(b->p + at, b->n - at, true, &raws[*n]))
            return ERR_CORRUPT;
        at += raws[*n].length;
    }
    return OK;
}

static bool
wanted(const struct audit_record *r, const struct audit_query *q)
{
    return (!q->before || r->number < q->before) && r->at_ms >= q->from_ms &&
           (!q->to_ms || r->at_ms < q->to_ms) && (!q->user || r->user == q->user) &&
           (!q->class || r->class == q->class) && span_starts(r->action, q->action) &&
           (!q->object.n || span_eq(r->object, q->object));
}

static bool
keep_text(struct arena *a, struct span *s)
{
    *s = arena_span(a, *s);
    return s->p != NULL;
}

static bool
keep_row(struct arena *a, const struct audit_raw *raw, struct audit_row *row)
{
    row->record = raw->record;
    memcpy(row->hash, raw->hash, sizeof row->hash);
    struct audit_record *r = &row->record;
    return keep_text(a, &r->login) && keep_text(a, &r->address) &&
           keep_text(a, &r->action) && keep_text(a, &r->object) &&
           keep_text(a, &r->purpose) && keep_text(a, &r->subject) &&
           keep_text(a, &r->detail);
}

enum err
audit_read(
    struct audit *a, const struct audit_query *q, struct arena *arena,
    struct audit_row **out, size_t *n)
{
    struct piece piece;
    struct buf b = {0};
    struct audit_raw *raws = malloc(INDEX_EVERY * sizeof *raws);
    struct audit_row *rows = arena_array(arena, q->cap, sizeof *rows);
    uint64_t number = audit_durable(a);
    size_t got = 0, have = 0;
    enum err e = raws && rows ? OK : ERR_TOOBIG;
    if (q->before && q->before <= number)
        number = q->before - 1;
    while (!e && number && got < q->cap) {
        e = find_piece(a, number, &piece);
        if (!e)
            e = load_piece(a, &piece, &b);
        if (!e)
            e = split_piece(&b, raws, &have);
        for (size_t i = have; !e && i-- && got < q->cap;)
            if (wanted(&raws[i].record, q) && !keep_row(arena, &raws[i], &rows[got++]))
                e = ERR_TOOBIG;
        number = piece.first - 1;
    }
    free(raws);
    buf_release(&b);
    if (!e) {
        *out = rows;
        *n = got;
    }
    return e;
}

enum err
audit_each(
    struct audit *a, uint64_t after,
    bool (*each)(void *arg, const struct audit_row *row), void *arg)
{
    struct piece piece;
    struct buf b = {0};
    struct audit_raw *raws = malloc(INDEX_EVERY * sizeof *raws);
    uint64_t last = audit_durable(a), number = after + 1;
    size_t have = 0;
    bool go = true;
    enum err e = raws ? OK : ERR_NOMEM;
    while (!e && go && number <= last) {
        e = find_piece(a, number, &piece);
        if (!e)
            e = load_piece(a, &piece, &b);
        if (!e)
            e = split_piece(&b, raws, &have);
        for (size_t i = 0; !e && go && i < have; i++) {
            struct audit_row row = {.record = raws[i].record};
            memcpy(row.hash, raws[i].hash, sizeof row.hash);
            if (row.record.number >= number && row.record.number <= last)
                go = each(arg, &row);
        }
        number = piece.first + have;
    }
    free(raws);
    buf_release(&b);
    return e;
}
