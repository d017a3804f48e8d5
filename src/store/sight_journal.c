/* SPDX-License-Identifier: Apache-2.0 */
/* The journal. Files are named after the position of their first byte of records, so
 * the start of the next file says where the one before ended: whatever lies behind that
 * (a torn group of an earlier life) is never read again. Opening always begins a new
 * file for that reason. */
#include "store/sight_journal.h"

#include "core/hash.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAGIC "TQJOURN\n"
#define FILE_VERSION 1u
#define FILE_HEAD 32u        /* magic 8, version 4, zero 4, start 8, crc 4, zero 4 */
#define RECORD_MAGIC 0x4A52u /* "RJ" */
#define RECORD_FIRST 1u /* version: of its group; a group is one write and one sync */
#define RECORD_NEXT 2u
#define RECORD_HEAD 24u /* crc 4, magic 2, version 2, bytes 4, rows 4, position 8 */
#define RECORD_CAP (256u << 20)
#define WINDOW_BYTES (1u << 20)
#define ROW_FIXED 46u

struct part {
    uint64_t start; /* position of its first record byte */
    uint64_t used;  /* bytes of good records */
    uint64_t bytes; /* on disk */
};

struct journal_pin {
    struct part *parts;
    size_t n;
    uint64_t lsn;
};

struct journal {
    struct journal_opts opts;
    char dir[OS_PATH];
    struct part *parts; /* ascending; the last one is open for writing */
    size_t parts_n, parts_room;
    struct os_file *file;
    struct buf group;
    uint32_t damaged;
    pthread_mutex_t
        lock;      /* over changes of parts and durable; the owner reads without it */
    unsigned pins; /* copies under way: nothing is trimmed */
    uint64_t durable; /* position */
};

/* ---- rows as bytes ---- */

void
journal_row_encode(struct buf *out, const struct sighting *s)
{
    uint8_t *p = buf_room(out, ROW_FIXED);
    if (!p)
        return;
    struct buf f = {.p = p, .room = ROW_FIXED};
    buf_le(&f, (uint64_t)s->pass_ms, 8);
    buf_le(&f, (uint64_t)s->arrive_ms, 8);
    buf_le(&f, s->plate.v, 8);
    buf_le(&f, s->site.v, 4);
    buf_le(&f, s->device.v, 4);
    buf_le(&f, s->speed_dkmh, 2);
    buf_le(&f, s->vehicle_class, 2);
    buf_le(&f, s->brand, 2);
    buf_u8(&f, s->plate_color);
    buf_u8(&f, s->vehicle_color);
    buf_u8(&f, s->lane);
    buf_u8(&f, s->direction);
    buf_u8(&f, s->confidence);
    buf_u8(&f, s->flags);
    buf_le(&f, 0, 2);
    must(f.n == ROW_FIXED);
    out->n += f.n;
    buf_span(out, s->plate_text);
    buf_span(out, s->record_id);
    buf_span(out, s->image);
}

bool
journal_row_decode(struct cur *c, struct sighting *s)
{
    s->pass_ms = (ts_ms)cur_u64_le(c);
    s->arrive_ms = (ts_ms)cur_u64_le(c);
    s->plate.v = cur_u64_le(c);
    s->site.v = cur_u32_le(c);
    s->device.v = cur_u32_le(c);
    s->speed_dkmh = cur_u16_le(c);
    s->vehicle_class = cur_u16_le(c);
    s->brand = cur_u16_le(c);
    s->plate_color = cur_u8(c);
    s->vehicle_color = cur_u8(c);
    s->lane = cur_u8(c);
    s->direction = cur_u8(c);
    s->confidence = cur_u8(c);
    s->flags = cur_u8(c);
    (void)cur_u16_le(c);
    s->plate_text = cur_span(c);
    s->record_id = cur_span(c);
    s->image = cur_span(c);
    return !c->bad;
}

/* ---- files ---- */

static void
part_path(const struct journal *j, char *dst, uint64_t start, const char *suffix)
{
    char name[48];
    snprintf(name, sizeof name, "j-%016llx.tqj%s", (unsigned long long)start, suffix);
    must(os_join(dst, OS_PATH, j->dir, name) == OK);
}

/* Under the lock once others may look. */
static struct part *
part_add(struct journal *j, uint64_t start)
{
    if (j->parts_n == j->parts_room) {
        size_t room = j->parts_room ? j->parts_room * 2 : 16;
        struct part *p = realloc(j->parts, room * sizeof *p);
        if (!p)
            return NULL;
        j->parts = p;
        j->parts_room = room;
    }
    struct part *p = &j->parts[j->parts_n++];
    *p = (struct part){.start = start};
    return p;
}

static void
file_head(struct buf *b, uint64_t start)
{
    buf_put(b, FILE_MAGIC, 8);
    buf_le(b, FILE_VERSION, 4);
    buf_le(b, 0, 4);
    buf_le(b, start, 8);
    if (!b->bad)
        buf_le(b, crc32c(0, b->p, b->n), 4);
    buf_le(b, 0, 4);
}

/* A new file at the durable end, of at least `need` bytes of records. */
static enum err
part_begin(struct journal *j, size_t need, struct note *note)
{
    char tmp[OS_PATH], path[OS_PATH];
    struct buf head = {0};
    part_path(j, tmp, j->durable, ".tmp");
    part_path(j, path, j->durable, "");
    os_close(&j->file);
    uint64_t bytes =
        FILE_HEAD + (need > j->opts.file_bytes ? need : j->opts.file_bytes);
    file_head(&head, j->durable);
    enum err e = head.bad ? ERR_NOMEM : OK;
    if (e == OK)
        e = os_open(
            j->opts.fs, tmp, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNC, &j->file, note);
    if (e == OK)
        e = os_preallocate(j->file, bytes);
    if (e == OK)
        e = os_write_at(j->file, 0, head.p, head.n);
    if (e == OK)
        e = os_sync(j->file, "journal.begin");
    if (e == OK)
        e = os_rename(j->opts.fs, tmp, path, note);
    if (e == OK)
        e = os_sync_dir(j->opts.fs, j->dir, "journal.dir");
    buf_release(&head);
    if (e != OK) {
        os_close(&j->file);
        (void)!os_unlink(j->opts.fs, tmp); /* part of its room may be taken */
        return note_set(
            note, e, "journal", "no new journal file could be made",
            "无法创建新的日志文件");
    }
    pthread_mutex_lock(&j->lock);
    /* an empty part of the same start was replaced */
    if (j->parts_n && j->parts[j->parts_n - 1].start == j->durable)
        j->parts_n--;
    struct part *p = part_add(j, j->durable);
    if (p)
        p->bytes = bytes;
    pthread_mutex_unlock(&j->lock);
    return p ? OK : ERR_NOMEM;
}

/* ---- reading ---- */

struct record {
    uint32_t rows;
    const uint8_t *payload;
    uint32_t payload_n;
    uint64_t lsn;
    bool first; /* of its group: all before it were durable when it was written */
};

/* The record at the head of p[0..n), whose position is `at`; false when there is none.
 */
static bool
record_at(const uint8_t *p, size_t n, uint64_t at, struct record *out)
{
    struct cur c = cur_of(p, n);
    uint32_t crc = cur_u32_le(&c);
    unsigned magic = cur_u16_le(&c), version = cur_u16_le(&c);
    uint32_t bytes = cur_u32_le(&c);
    out->rows = cur_u32_le(&c);
    uint64_t position = cur_u64_le(&c);
    if (c.bad || magic != RECORD_MAGIC ||
        (version != RECORD_FIRST && version != RECORD_NEXT) || position != at ||
        bytes > RECORD_CAP || bytes > cur_left(&c))
        return false;
    out->first = version == RECORD_FIRST;
    if (crc32c(0, p + 4, RECORD_HEAD - 4 + bytes) != crc)
        return false;
    out->payload = c.p;
    out->payload_n = bytes;
    out->lsn = at + RECORD_HEAD + bytes;
    return true;
}

static enum err
record_give(
    const struct record *r, struct sighting_batch *b,
    enum err (*fn)(void *arg, struct sighting_batch *b), void *arg, struct note *note)
{
    struct cur c = cur_of(r->payload, r->payload_n);
    for (uint32_t i = 0; i < r->rows; i++) {
        struct sighting *s = sighting_batch_add(b);
        if (!s)
            return ERR_NOMEM;
        if (!journal_row_decode(&c, s))
            return note_set(
                note, ERR_CORRUPT, "journal", "a journal record does not read",
                "日志记录无法解析");
        b->fate[i] = FATE_STORED;
    }
    b->lsn = r->lsn;
    return fn(arg, b);
}

/* The file's bytes of records into `work`; checks its head. */
static enum err
part_load(
    const struct journal *j, const struct part *p, struct buf *work, struct note *note)
{
    char path[OS_PATH];
    uint8_t head[FILE_HEAD];
    struct os_file *f = NULL;
    uint64_t size = 0;
    size_t got = 0;
    part_path(j, path, p->start, "");
    buf_clear(work);
    enum err e = os_open(j->opts.fs, path, OS_READ, &f, note);
    if (e == OK)
        e = os_size(f, &size);
    if (e == OK)
        e = size < FILE_HEAD ? ERR_CORRUPT : os_read_full(f, 0, head, FILE_HEAD);
    if (e == OK) {
        struct cur c = cur_of(head, FILE_HEAD);
        bool magic = memcmp(cur_take(&c, 8), FILE_MAGIC, 8) == 0;
        uint32_t version = cur_u32_le(&c);
        if (magic && version > FILE_VERSION)
            e = ERR_NEWER;
        else if (
            !magic ||
            crc32c(0, head, 24) !=
                (uint32_t)(head[24] | head[25] << 8 | head[26] << 16 | (uint32_t)head[27] << 24))
            e = ERR_CORRUPT;
    }
    if (e == OK) {
        uint8_t *dst = buf_room(work, (size_t)(size - FILE_HEAD) + 8);
        e = dst ? os_read_at(f, FILE_HEAD, dst, (size_t)(size - FILE_HEAD), &got)
                : ERR_NOMEM;
        work->n = got;
    }
    os_close(&f);
    if (e == ERR_CORRUPT || e == ERR_NEWER)
        return note_fmt(
            note, e, "journal", "%s: not a journal file of this release",
            "%s：不是本版本的日志文件", path);
    return e;
}

/* Bytes of good records in `work`, of at most `limit`. */
static uint64_t
part_scan(const struct buf *work, uint64_t start, uint64_t limit)
{
    uint64_t at = 0;
    struct record r;
    uint64_t n = work->n < limit ? work->n : limit;
    while (record_at(work->p + at, (size_t)(n - at), start + at, &r))
        at = r.lsn - start;
    return at;
}

/* Where the good records behind a bad spot end (0: there are none), in a file that ends
 * a life. A group is written when all before it is durable: the first record of a group
 * behind the spot proves damage; without one the spot is where a crash tore a group. */
static uint64_t
part_beyond(const struct buf *work, uint64_t start, uint64_t spot)
{
    uint64_t end = 0;
    struct record r;
    for (uint64_t at = spot + 1; at + RECORD_HEAD <= work->n; at++) {
        if (work->p[at + 4] != (RECORD_MAGIC & 0xff) ||
            work->p[at + 5] != RECORD_MAGIC >> 8 ||
            !record_at(work->p + at, (size_t)(work->n - at), start + at, &r))
            continue;
        if (end || r.first)
            end = r.lsn - start;
        at = r.lsn - start - 1;
    }
    return end;
}

static void
tell_damage(struct journal *j, const struct part *p, const struct buf *work)
{
    struct note note = {0};
    char path[OS_PATH];
    part_path(j, path, p->start, "");
    j->damaged++;
    enum err e = note_fmt(
        &note, ERR_CORRUPT, "journal",
        "%s is damaged %llu bytes after its start: the records behind that are lost",
        "日志文件损坏 %s（偏移 %llu），其后的记录已丢失", path,
        (unsigned long long)p->used);
    if (j->opts.report)
        j->opts.report(j->opts.report_arg, e, &note);
    /* the bytes stay for a person to look at */
    char bad[OS_PATH];
    part_path(j, bad, p->start, ".bad");
    if (!j->opts.read_only && work->n) {
        struct os_file *f = NULL;
        if (os_open(j->opts.fs, bad, OS_WRITE | OS_CREATE | OS_TRUNC, &f, NULL) == OK &&
            os_write_at(f, 0, work->p, work->n) != OK)
            j->damaged++; /* the copy failed as well */
        os_close(&f);
    }
}

static void
part_name(void *arg, const char *name)
{
    struct journal *j = arg;
    unsigned long long start;
    int end = 0;
    if (sscanf(name, "j-%16llx.tqj%n", &start, &end) == 1 && end == 22 && !name[end]) {
        if (!part_add(j, start))
            j->damaged++;
    }
}

/* Finds the good bytes of every file. */
static enum err
parts_scan(struct journal *j, struct buf *work, struct note *note)
{
    for (size_t i = 0; i < j->parts_n; i++) {
        struct part *p = &j->parts[i];
        bool last = i + 1 == j->parts_n;
        uint64_t limit = last ? UINT64_MAX : j->parts[i + 1].start - p->start;
        enum err e = part_load(j, p, work, note);
        if (e == ERR_CORRUPT)
            work->n = 0;
        else if (e != OK)
            return e;
        p->bytes = work->n + FILE_HEAD;
        p->used = part_scan(work, p->start, limit);
        uint64_t beyond = last ? part_beyond(work, p->start, p->used) : 0;
        if (e == ERR_CORRUPT || (!last && p->used < limit) || beyond)
            tell_damage(j, p, work);
        if (last)
            j->durable = p->start + (beyond ? beyond : p->used);
    }
    return OK;
}

/* What was read from the last file may only be in the page cache of a process that died
 * before its sync: make it durable before anybody is told that a record is already
 * stored. */
static enum err
last_settle(struct journal *j, struct note *note)
{
    struct part *p = &j->parts[j->parts_n - 1];
    struct os_file *f = NULL;
    char path[OS_PATH];
    if (p->bytes <= FILE_HEAD)
        return OK;
    part_path(j, path, p->start, "");
    enum err e = os_open(j->opts.fs, path, OS_READ | OS_WRITE, &f, note);
    if (e == OK)
        e = os_truncate(f, FILE_HEAD + p->used);
    if (e == OK)
        e = os_sync(f, "journal.settle");
    os_close(&f);
    p->bytes = FILE_HEAD + p->used;
    return e;
}

static int
by_start(const void *a, const void *b)
{
    uint64_t x = ((const struct part *)a)->start, y = ((const struct part *)b)->start;
    return (x > y) - (x < y);
}

/* On a full disk the room that is left is for ledger, audit and purge: what is stored
 * can be read all the same. */
static bool
roomy(const struct journal *j)
{
    uint64_t left, total;
    return os_space(j->opts.fs, j->dir, &left, &total) != OK ||
           left / 2 >= j->opts.file_bytes;
}

enum err
journal_open(
    const struct journal_opts *opts, uint64_t least, struct journal **out,
    struct note *note)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    j->opts = *opts;
    pthread_mutex_init(&j->lock, NULL);
    struct buf work = {0};
    enum err e = OK;
    if (!span_copy(j->dir, sizeof j->dir, span_cstr(opts->dir)))
        e = ERR_TOOBIG;
    if (e == OK && !opts->read_only)
        e = os_mkdir(opts->fs, j->dir, note);
    if (e == OK)
        e = os_list(opts->fs, j->dir, part_name, j);
    if (e == ERR_NOTFOUND && opts->read_only)
        e = OK;
    if (e == OK) {
        if (j->parts_n)
            qsort(j->parts, j->parts_n, sizeof *j->parts, by_start);
        e = parts_scan(j, &work, note);
    }
    if (e == OK && j->parts_n && !opts->read_only)
        e = last_settle(j, note);
    if (e == OK) {
        j->durable = j->durable > least ? j->durable : least;
        if (!opts->read_only && roomy(j))
            e = part_begin(j, 0, note);
        if (e == ERR_FULL) /* the first append tries again */
            e = OK;
    }
    buf_release(&work);
    if (e != OK) {
        journal_close(j);
        return e;
    }
    *out = j;
    return OK;
}

void
journal_close(struct journal *j)
{
    if (!j)
        return;
    os_close(&j->file);
    buf_release(&j->group);
    pthread_mutex_destroy(&j->lock);
    free(j->parts);
    free(j);
}

/* ---- writing ---- */

enum err
journal_add(struct journal *j, const struct sighting_batch *b, uint64_t *lsn)
{
    size_t at = j->group.n;
    uint32_t rows = 0;
    *lsn = 0;
    for (size_t i = 0; i < b->n; i++)
        rows += b->fate[i] == FATE_STORED;
    if (!rows)
        return OK;
    buf_le(&j->group, 0, 4);
    buf_le(&j->group, RECORD_MAGIC, 2);
    buf_le(&j->group, at ? RECORD_NEXT : RECORD_FIRST, 2);
    buf_le(&j->group, 0, 4);
    buf_le(&j->group, rows, 4);
    buf_le(&j->group, j->durable + at, 8);
    for (size_t i = 0; i < b->n; i++)
        if (b->fate[i] == FATE_STORED)
            journal_row_encode(&j->group, &b->rows[i]);
    if (j->group.bad)
        return ERR_NOMEM;
    size_t bytes = j->group.n - at - RECORD_HEAD;
    if (bytes > RECORD_CAP) {
        j->group.n = at;
        return ERR_TOOBIG;
    }
    uint8_t *p = j->group.p + at;
    for (unsigned i = 0; i < 4; i++)
        p[8 + i] = (uint8_t)(bytes >> (8 * i));
    uint32_t crc = crc32c(0, p + 4, RECORD_HEAD - 4 + bytes);
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(crc >> (8 * i));
    *lsn = j->durable + j->group.n;
    return OK;
}

void
journal_abandon(struct journal *j)
{
    buf_clear(&j->group);
}

enum err
journal_commit(struct journal *j, struct note *note)
{
    if (!j->group.n)
        return OK;
    struct part *p = j->file ? &j->parts[j->parts_n - 1] : NULL;
    enum err e = OK;
    if (!p || FILE_HEAD + p->used + j->group.n > p->bytes)
        e = part_begin(j, j->group.n, note);
    p = e == OK ? &j->parts[j->parts_n - 1] : NULL;
    if (e == OK)
        e = os_write_at(j->file, FILE_HEAD + p->used, j->group.p, j->group.n);
    if (e == OK)
        e = os_sync(j->file, "journal");
    if (e == OK) {
        pthread_mutex_lock(&j->lock);
        p->used += j->group.n;
        j->durable += j->group.n;
        pthread_mutex_unlock(&j->lock);
    } else {
        /* what reached the disk is unknown: never write behind it, never read it again
         */
        os_close(&j->file);
        enum err again = part_begin(j, 0, NULL);
        if (again != OK)
            os_close(&j->file);
        note_set(
            note, e, "journal", "the journal could not be written", "日志写入失败");
    }
    if (j->group.room > (16u << 20))
        buf_release(&j->group);
    buf_clear(&j->group);
    return e;
}

uint64_t
journal_lsn(const struct journal *j)
{
    return j->durable;
}

uint64_t
journal_first(const struct journal *j)
{
    return j->parts_n ? j->parts[0].start : j->durable;
}

void
journal_stat(struct journal *j, uint64_t *lsn, uint64_t *bytes, uint32_t *damaged)
{
    pthread_mutex_lock(&j->lock);
    *lsn = j->durable;
    *damaged = j->damaged;
    *bytes = 0;
    for (size_t i = 0; i < j->parts_n; i++)
        *bytes += j->parts[i].bytes;
    pthread_mutex_unlock(&j->lock);
}

/* A window over the records of a file, moved along as they are read. */
struct part_window {
    struct os_file *file;
    struct buf bytes;
    uint64_t at; /* of the first byte, counted from the first record */
};

/* Makes [at, at + n) readable; n may reach past the end of the file. */
static enum err
window_move(struct part_window *w, uint64_t at, size_t n)
{
    size_t got = 0;
    if (at >= w->at && at - w->at <= w->bytes.n && w->bytes.n - (at - w->at) >= n)
        return OK;
    buf_clear(&w->bytes);
    uint8_t *dst = buf_room(&w->bytes, n > WINDOW_BYTES ? n : WINDOW_BYTES);
    if (!dst)
        return ERR_NOMEM;
    enum err e = os_read_at(
        w->file, FILE_HEAD + at, dst, n > WINDOW_BYTES ? n : WINDOW_BYTES, &got);
    w->at = at;
    w->bytes.n = e == OK ? got : 0;
    return e;
}

/* The record at `at` bytes behind the file's first. */
static enum err
window_record(
    struct part_window *w, const struct part *p, uint64_t at, struct record *r)
{
    uint64_t left = p->used - at;
    enum err e = window_move(w, at, left < RECORD_HEAD ? (size_t)left : RECORD_HEAD);
    const uint8_t *head = w->bytes.p + (at - w->at);
    if (e != OK || left < RECORD_HEAD || w->bytes.n - (at - w->at) < RECORD_HEAD)
        return e == OK ? ERR_CORRUPT : e;
    struct cur c = cur_of(head + 8, 4);
    uint64_t n = RECORD_HEAD + (uint64_t)cur_u32_le(&c);
    if (n > left)
        return ERR_CORRUPT;
    e = window_move(w, at, (size_t)n);
    if (e != OK)
        return e;
    head = w->bytes.p + (at - w->at);
    size_t have = w->bytes.n - (size_t)(at - w->at);
    return record_at(head, have, p->start + at, r) ? OK : ERR_CORRUPT;
}

/* `from` is the end of a record, so reading may begin there; if it is not (somebody
 * kept a number of another journal), it begins at the file's start. */
static enum err
part_read(
    struct journal *j, const struct part *p, uint64_t from,
    enum err (*fn)(void *arg, struct sighting_batch *b), void *arg, struct note *note)
{
    struct part_window w = {0};
    struct record r;
    char path[OS_PATH];
    part_path(j, path, p->start, "");
    uint64_t at = from > p->start ? from - p->start : 0;
    enum err e = os_open(j->opts.fs, path, OS_READ, &w.file, note);
    if (e == OK && at && window_record(&w, p, at, &r) != OK)
        at = 0;
    while (e == OK && at < p->used) {
        e = window_record(&w, p, at, &r);
        if (e == ERR_CORRUPT)
            note_set(
                note, e, "journal", "a journal record is damaged", "日志记录已损坏");
        if (e != OK)
            break;
        at = r.lsn - p->start;
        if (r.lsn <= from)
            continue;
        struct sighting_batch *b =
            sighting_batch_new(r.rows, (size_t)r.rows * 256 + (1u << 16));
        e = b ? record_give(&r, b, fn, arg, note) : ERR_NOMEM;
        sighting_batch_free(b);
    }
    os_close(&w.file);
    buf_release(&w.bytes);
    return e;
}

enum err
journal_read(
    struct journal *j, uint64_t from,
    enum err (*fn)(void *arg, struct sighting_batch *b), void *arg, struct note *note)
{
    enum err e = OK;
    for (size_t i = 0; i < j->parts_n && e == OK; i++) {
        const struct part *p = &j->parts[i];
        if (p->used && p->start + p->used > from)
            e = part_read(j, p, from, fn, arg, note);
    }
    return e;
}

enum err
journal_trim(struct journal *j, uint64_t lsn, struct note *note)
{
    size_t drop = 0;
    pthread_mutex_lock(&j->lock);
    bool pinned = j->pins;
    pthread_mutex_unlock(&j->lock);
    if (pinned)
        return OK;
    while (drop + 1 < j->parts_n && j->parts[drop + 1].start <= lsn)
        drop++;
    for (size_t i = 0; i < drop; i++) {
        char path[OS_PATH];
        part_path(j, path, j->parts[i].start, "");
        enum err e = os_unlink(j->opts.fs, path);
        if (e != OK && e != ERR_NOTFOUND)
            return note_set(
                note, e, "journal", "an old journal file could not be removed",
                "旧日志文件无法删除");
    }
    pthread_mutex_lock(&j->lock);
    memmove(j->parts, j->parts + drop, (j->parts_n - drop) * sizeof *j->parts);
    j->parts_n -= drop;
    pthread_mutex_unlock(&j->lock);
    return OK;
}

struct journal_pin *
journal_pin(struct journal *j)
{
    struct journal_pin *pin = calloc(1, sizeof *pin);
    if (!pin)
        return NULL;
    pthread_mutex_lock(&j->lock);
    pin->parts = malloc((j->parts_n ? j->parts_n : 1) * sizeof *pin->parts);
    if (pin->parts) {
        if (j->parts_n)
            memcpy(pin->parts, j->parts, j->parts_n * sizeof *pin->parts);
        pin->n = j->parts_n;
        pin->lsn = j->durable;
        j->pins++;
    }
    pthread_mutex_unlock(&j->lock);
    if (!pin->parts) {
        free(pin);
        return NULL;
    }
    return pin;
}

void
journal_unpin(struct journal *j, struct journal_pin *pin)
{
    if (!pin)
        return;
    pthread_mutex_lock(&j->lock);
    j->pins--;
    pthread_mutex_unlock(&j->lock);
    free(pin->parts);
    free(pin);
}

uint64_t
journal_pin_lsn(const struct journal_pin *pin)
{
    return pin->lsn;
}

static enum err
part_copy(
    struct journal *j, const struct part *p, journal_put put, void *arg,
    struct note *note)
{
    char name[64];
    struct buf head = {0}, work = {0};
    snprintf(name, sizeof name, "journal/j-%016llx.tqj", (unsigned long long)p->start);
    file_head(&head, p->start);
    enum err e = head.bad ? ERR_NOMEM : part_load(j, p, &work, note);
    if (e == OK && work.n < p->used)
        e = ERR_CORRUPT;
    if (e == OK)
        e = put(arg, name, 0, head.p, head.n, note);
    if (e == OK)
        e = put(arg, name, head.n, work.p, (size_t)p->used, note);
    buf_release(&head);
    buf_release(&work);
    return e;
}

enum err
journal_copy(
    struct journal *j, const struct journal_pin *pin, journal_put put, void *arg,
    struct note *note)
{
    enum err e = OK;
    for (size_t i = 0; i < pin->n && e == OK; i++)
        if (pin->parts[i].used)
            e = part_copy(j, &pin->parts[i], put, arg, note);
    return e;
}

enum err
journal_check(struct journal *j, const struct journal_pin *pin, struct note *note)
{
    struct buf work = {0};
    enum err e = OK;
    for (size_t i = 0; i < pin->n && e == OK; i++) {
        const struct part *p = &pin->parts[i];
        if (!p->used)
            continue;
        e = part_load(j, p, &work, note);
        if (e == OK && part_scan(&work, p->start, p->used) != p->used)
            e = note_fmt(
                note, ERR_CORRUPT, "journal", "journal file %016llx is damaged",
                "日志文件 %016llx 已损坏", (unsigned long long)p->start);
    }
    buf_release(&work);
    return e;
}
