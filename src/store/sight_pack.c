/* SPDX-License-Identifier: Apache-2.0 */
/* Day packs. A record is a head (magic, length, hash) and the bytes; what a crash
 * leaves half written behind the last reference is dead space: appending always begins
 * at the file's end. */
#include "store/sight_pack.h"

#include "core/cur.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define PACK_MAGIC "TQPACK1\n"
#define PACK_HEAD 8u
#define RECORD_MAGIC 0x31434950u /* "PIC1" */
#define RECORD_HEAD 24u          /* magic 4, length 4, hash 16 */
#define OPEN_MAX 4u
#define PICTURE_CAP (64u << 20)

struct open_pack {
    int64_t day;
    struct os_file *file;
    uint64_t end;
    bool dirty, fresh;
    uint64_t used; /* tick of the last use */
};

struct packs {
    struct os_fs *fs;
    char dir[OS_PATH];
    bool read_only;
    struct open_pack open[OPEN_MAX];
    uint64_t tick;
    _Atomic uint64_t bytes;   /* others ask for it */
    _Atomic uint32_t dropped; /* yyyymmdd: packs of earlier days are gone on purpose */
    struct buf work;
};

/* ---- references ---- */

static bool
cut_number(struct span *rest, char sep, uint64_t max, uint64_t *out)
{
    struct span s = span_cut(rest, sep);
    return span_u64(s, out) && *out <= max;
}

bool
pack_ref_parse(struct span s, struct pack_ref *out)
{
    uint64_t day, offset, length;
    size_t n = 0;
    if (!span_starts(s, SPAN("pack:")))
        return false;
    s = span_skip(s, 5);
    if (!cut_number(&s, '/', 99991231, &day) ||
        !cut_number(&s, '/', INT64_MAX, &offset) ||
        !cut_number(&s, '/', PICTURE_CAP, &length) || s.n != 32)
        return false;
    if (sodium_hex2bin(out->hash, 16, s.p, s.n, NULL, &n, NULL) != 0 || n != 16)
        return false;
    out->day = (uint32_t)day;
    out->offset = offset;
    out->length = (uint32_t)length;
    return true;
}

char *
pack_ref_format(char *dst, const struct pack_ref *ref)
{
    char hex[33];
    sodium_bin2hex(hex, sizeof hex, ref->hash, 16);
    snprintf(
        dst, PACK_REF, "pack:%08u/%llu/%u/%s", ref->day,
        (unsigned long long)ref->offset, ref->length, hex);
    return dst;
}

static void
hash_of(uint8_t out[16], struct span bytes)
{
    must(crypto_generichash(out, 16, (const uint8_t *)bytes.p, bytes.n, NULL, 0) == 0);
}

static void
pack_path(char *dst, const char *dir, uint32_t day)
{
    char name[32];
    snprintf(name, sizeof name, "%08u.tqp", day);
    must(os_join(dst, OS_PATH, dir, name) == OK);
}

uint32_t
pack_day(int64_t day)
{
    char text[TS_TEXT];
    uint64_t v = 0;
    (void)span_u64(span_cstr(day_format(text, day)), &v);
    return (uint32_t)v;
}

/* ---- writing ---- */

static void
count_bytes(void *arg, const char *name)
{
    struct packs *p = arg;
    char path[OS_PATH];
    uint64_t size;
    bool dir;
    if (os_join(path, sizeof path, p->dir, name) == OK &&
        os_stat(p->fs, path, &size, &dir) == OK && !dir)
        p->bytes += size;
}

/* ---- what was dropped ---- */

/* Beside the directory, not in it: its name is durable before any pack's name goes. */
static enum err
dropped_path(const struct packs *p, char path[OS_PATH])
{
    int n = snprintf(path, OS_PATH, "%s.dropped", p->dir);
    return n > 0 && n < OS_PATH ? OK : ERR_TOOBIG;
}

static enum err
read_dropped(struct packs *p)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    uint64_t day = 0;
    enum err e = dropped_path(p, path);
    if (e == OK)
        e = os_read_file(p->fs, path, 64, &text, &n, NULL);
    /* An unreadable mark only makes verification stricter. */
    if (e == OK && span_u64(span_trim(span_of(text, n)), &day) && day <= 99991231)
        p->dropped = (uint32_t)day;
    free(text);
    return e == ERR_NOTFOUND ? OK : e;
}

static enum err
write_dropped(struct packs *p, uint32_t day, struct note *note)
{
    char path[OS_PATH], text[16];
    if (day <= p->dropped)
        return OK;
    int n = snprintf(text, sizeof text, "%08u\n", day);
    enum err e = dropped_path(p, path);
    if (e == OK)
        e = os_write_file(p->fs, path, span_of(text, (size_t)n), "pack.dropped", note);
    if (e == OK)
        p->dropped = day;
    return e;
}

bool
packs_dropped(const struct packs *p, uint32_t day)
{
    return day < p->dropped;
}

enum err
packs_open(
    struct os_fs *fs, const char *dir, bool read_only, struct packs **out,
    struct note *note)
{
    struct packs *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->fs = fs;
    p->read_only = read_only;
    enum err e = sodium_init() < 0 ? ERR_IO : OK;
    if (!span_copy(p->dir, sizeof p->dir, span_cstr(dir)))
        e = ERR_TOOBIG;
    if (e == OK && !read_only)
        e = os_mkdir(fs, dir, note);
    if (e == OK)
        e = os_list(fs, dir, count_bytes, p);
    if (e == ERR_NOTFOUND && read_only)
        e = OK;
    if (e == OK)
        e = read_dropped(p);
    if (e != OK) {
        packs_close(p);
        return e;
    }
    *out = p;
    return OK;
}

void
packs_abandon(struct packs *p)
{
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        os_close(&p->open[i].file);
        p->open[i] = (struct open_pack){0};
    }
}

void
packs_close(struct packs *p)
{
    if (!p)
        return;
    packs_abandon(p);
    buf_release(&p->work);
    free(p);
}

static enum err
pack_sync(struct packs *p, struct open_pack *o)
{
    if (!o->dirty)
        return OK;
    enum err e = os_sync(o->file, "pack");
    if (e == OK && o->fresh)
        e = os_sync_dir(p->fs, p->dir, "pack.dir");
    if (e == OK)
        o->dirty = o->fresh = false;
    return e;
}

/* The open pack of a day; the one unused longest makes room. */
static enum err
pack_open(struct packs *p, int64_t day, struct open_pack **out, struct note *note)
{
    struct open_pack *old = &p->open[0];
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        struct open_pack *o = &p->open[i];
        if (o->file && o->day == day) {
            o->used = ++p->tick;
            *out = o;
            return OK;
        }
        if (old->file && (!o->file || o->used < old->used))
            old = o;
    }
    if (old->file) {
        enum err e = pack_sync(p, old);
        if (e != OK)
            return e;
        os_close(&old->file);
    }
    char path[OS_PATH];
    pack_path(path, p->dir, pack_day(day));
    *old = (struct open_pack){.day = day, .used = ++p->tick};
    enum err e = os_open(p->fs, path, OS_READ | OS_WRITE | OS_CREATE, &old->file, note);
    if (e == OK)
        e = os_size(old->file, &old->end);
    if (e == OK && old->end < PACK_HEAD) {
        e = os_write_at(old->file, 0, PACK_MAGIC, PACK_HEAD);
        old->end = PACK_HEAD;
        p->bytes += PACK_HEAD;
    }
    /* the name may come from a life that ended before its directory was synced */
    old->fresh = true;
    if (e != OK)
        os_close(&old->file);
    *out = old;
    return e;
}

enum err
packs_add(
    struct packs *p, int64_t day, struct span bytes, struct pack_ref *ref,
    struct note *note)
{
    if (bytes.n > PICTURE_CAP)
        return note_set(
            note, ERR_TOOBIG, "image", "a picture is larger than 64 MiB",
            "图片超过 64 MiB");
    struct open_pack *o = NULL;
    enum err e = pack_open(p, day, &o, note);
    if (e != OK)
        return note_set(note, e, "image", "a picture pack failed", "图片包写入失败");
    ref->day = pack_day(day);
    ref->offset = o->end;
    ref->length = (uint32_t)bytes.n;
    hash_of(ref->hash, bytes);
    buf_clear(&p->work);
    buf_le(&p->work, RECORD_MAGIC, 4);
    buf_le(&p->work, bytes.n, 4);
    buf_put(&p->work, ref->hash, 16);
    buf_put(&p->work, bytes.p, bytes.n);
    if (p->work.bad)
        return ERR_NOMEM;
    o->dirty = true;
    e = os_write_at(o->file, o->end, p->work.p, p->work.n);
    if (e != OK)
        return note_set(note, e, "image", "a picture pack failed", "图片包写入失败");
    o->end += p->work.n;
    p->bytes += p->work.n;
    return OK;
}

enum err
packs_commit(struct packs *p, struct note *note)
{
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        struct open_pack *o = &p->open[i];
        enum err e = o->file ? pack_sync(p, o) : OK;
        if (e != OK)
            return note_set(
                note, e, "image", "a picture pack failed", "图片包写入失败");
    }
    return OK;
}

uint64_t
packs_bytes(const struct packs *p)
{
    return p->bytes;
}

/* ---- purge ---- */

struct purge {
    struct packs *packs;
    uint32_t before; /* yyyymmdd */
    uint32_t files;
    uint64_t bytes;
    struct buf *names;
    enum err err;
};

/* yyyymmdd of a pack's name; 0 for other files. */
static uint32_t
name_day(const char *name)
{
    uint64_t day;
    struct span s = span_cstr(name);
    return s.n == 12 && span_u64((struct span){s.p, 8}, &day) &&
                   span_eq(span_skip(s, 8), SPAN(".tqp"))
               ? (uint32_t)day
               : 0;
}

static void
purge_one(void *arg, const char *name)
{
    struct purge *u = arg;
    uint64_t size;
    bool dir;
    char path[OS_PATH];
    uint32_t day = name_day(name);
    if (!day || day >= u->before)
        return;
    enum err e = os_join(path, sizeof path, u->packs->dir, name);
    if (e == OK)
        e = os_stat(u->packs->fs, path, &size, &dir);
    if (e == OK)
        e = os_unlink(u->packs->fs, path);
    if (e == OK) {
        u->files++;
        u->bytes += size;
        if (u->names)
            buf_fmt(u->names, "%s%s", u->names->n ? " " : "", name);
    } else {
        u->err = e;
    }
}

enum err
packs_purge(
    struct packs *p, int64_t day, uint32_t *files, uint64_t *bytes, struct buf *names,
    struct note *note)
{
    struct purge u = {.packs = p, .before = pack_day(day), .names = names};
    for (unsigned i = 0; i < OPEN_MAX; i++)
        if (p->open[i].file && p->open[i].day < day)
            os_close(&p->open[i].file);
    enum err e = write_dropped(p, u.before, note);
    if (e == OK)
        e = os_list(p->fs, p->dir, purge_one, &u);
    if (e == OK)
        e = u.err;
    if (e == OK && u.files)
        e = os_sync_dir(p->fs, p->dir, "pack.purge");
    p->bytes -= u.bytes < p->bytes ? u.bytes : p->bytes;
    *files = u.files;
    *bytes = u.bytes;
    if (e != OK)
        return note_set(
            note, e, "image", "a pack could not be removed", "图片包无法删除");
    return OK;
}

static void
oldest_one(void *arg, const char *name)
{
    uint32_t *oldest = arg, day = name_day(name);
    if (day && (!*oldest || day < *oldest))
        *oldest = day;
}

enum err
packs_oldest(const struct packs *p, uint32_t *day)
{
    *day = 0;
    enum err e = os_list(p->fs, p->dir, oldest_one, day);
    return e == ERR_NOTFOUND ? OK : e;
}

/* ---- reading ---- */

static enum err
damaged(struct note *note, uint32_t day, uint64_t offset)
{
    return note_fmt(
        note, ERR_CORRUPT, "image", "picture %u/%llu is damaged", "图片 %u/%llu 已损坏",
        day, (unsigned long long)offset);
}

enum err
pack_read(
    struct os_fs *fs, const char *dir, const struct pack_ref *ref, struct arena *arena,
    struct span *bytes, struct note *note)
{
    char path[OS_PATH];
    uint8_t head[RECORD_HEAD], hash[16];
    struct os_file *f = NULL;
    pack_path(path, dir, ref->day);
    enum err e = os_open(fs, path, OS_READ, &f, note);
    if (e != OK)
        return e;
    char *dst = arena_take(arena, (size_t)ref->length + 1);
    e = dst ? os_read_full(f, ref->offset, head, sizeof head) : ERR_TOOBIG;
    if (e == OK)
        e = os_read_full(f, ref->offset + RECORD_HEAD, dst, ref->length);
    os_close(&f);
    if (e == ERR_CORRUPT)
        return damaged(note, ref->day, ref->offset);
    if (e != OK)
        return e;
    struct cur c = cur_of(head, sizeof head);
    hash_of(hash, span_of(dst, ref->length));
    if (cur_u32_le(&c) != RECORD_MAGIC || cur_u32_le(&c) != ref->length ||
        memcmp(hash, ref->hash, 16) != 0 || memcmp(head + 8, ref->hash, 16) != 0)
        return damaged(note, ref->day, ref->offset);
    *bytes = span_of(dst, ref->length);
    return OK;
}
