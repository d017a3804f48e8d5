/* SPDX-License-Identifier: Apache-2.0 */
/* Segment files. Row groups rather than whole columns lie together: a trajectory then
 * touches one or two neighbouring pages a run instead of twenty, and a damaged block
 * costs a thousand rows instead of a column. docs/why/sightings.md has the figures. */
#include "store/sight_seg.h"

#include "core/hash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <zstd.h>

#define HEAD_MAGIC "TQSEG\x1a\r\n"
#define TAIL_MAGIC "TQSEGEND"
#define HEAD_BYTES 16u
#define TAIL_BYTES 32u
#define BLOCK_HEAD                                                                     \
    20u /* crc 4, length 4, rows 2, columns 1, zero 1, raw 4, packed 4                 \
         */
#define ROWS_AT 8u
#define TEXT_RAW_AT 12u
#define TEXT_LEN_AT 16u
#define FLUSH_BYTES (1u << 20)
#define TEXT_CAP (64u << 20) /* texts of one block, unpacked */
#define BLOB_CAP (512u << 20)

struct table_writer {
    struct seg_shape shape;
    uint64_t *values; /* column after column, `stride` apart */
    size_t stride;    /* no power of two: a row would lie in one set of the cache */
    unsigned n;       /* rows in the open block */
    uint64_t rows;
    uint64_t keys[SEG_KEYS];
    struct buf dir;  /* 8-byte words */
    struct buf text; /* of the open block */
    uint32_t blocks;
};

struct seg_writer {
    struct os_file *file;
    struct buf out; /* not yet written */
    uint64_t off;   /* file offset of out */
    struct table_writer table[SEG_TABLES];
    unsigned tables;
    struct {
        uint64_t off;
        uint32_t len, raw, crc;
    } blob[SEG_BLOBS];
    ZSTD_CCtx *zstd;
    struct buf packed;
    enum err err;
};

static void
writer_fail(struct seg_writer *w, enum err e)
{
    if (w->err == OK)
        w->err = e;
}

static void
writer_flush(struct seg_writer *w, size_t least)
{
    if (w->out.bad)
        writer_fail(w, ERR_NOMEM);
    if (w->err != OK || w->out.n < least || !w->out.n)
        return;
    enum err e = os_write_at(w->file, w->off, w->out.p, w->out.n);
    if (e != OK)
        writer_fail(w, e);
    w->off += w->out.n;
    buf_clear(&w->out);
}

static uint64_t
writer_at(const struct seg_writer *w)
{
    return w->off + w->out.n;
}

static bool
table_init(struct table_writer *t, const struct seg_shape *shape)
{
    must(shape->cols <= SEG_COLS && shape->keys <= SEG_KEYS);
    must(shape->block_rows && shape->block_rows <= COL_ROWS);
    t->shape = *shape;
    t->stride = shape->block_rows + 8u;
    t->values = calloc(shape->cols * t->stride, sizeof *t->values);
    return t->values;
}

enum err
seg_writer_open(
    struct os_fs *fs, const char *path, const struct seg_shape *shapes, unsigned tables,
    struct seg_writer **out, struct note *note)
{
    struct seg_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    must(tables <= SEG_TABLES);
    w->tables = tables;
    enum err e = OK;
    for (unsigned i = 0; i < tables && e == OK; i++)
        e = table_init(&w->table[i], &shapes[i]) ? OK : ERR_NOMEM;
    w->zstd = ZSTD_createCCtx();
    if (!w->zstd)
        e = ERR_NOMEM;
    if (e == OK)
        e = os_open(
            fs, path, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNC, &w->file, note);
    if (e != OK) {
        seg_writer_drop(w);
        return e;
    }
    buf_put(&w->out, HEAD_MAGIC, 8);
    buf_le(&w->out, SEG_VERSION, 2);
    buf_le(&w->out, 0, 6);
    *out = w;
    return OK;
}

void
seg_writer_drop(struct seg_writer *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < w->tables; i++) {
        free(w->table[i].values);
        buf_release(&w->table[i].dir);
        buf_release(&w->table[i].text);
    }
    ZSTD_freeCCtx(w->zstd);
    buf_release(&w->out);
    buf_release(&w->packed);
    os_close(&w->file);
    free(w);
}

/* Compresses p into w->packed; kept raw when that is not smaller (packed length = raw).
 */
static struct span
pack_bytes(struct seg_writer *w, const void *p, size_t n)
{
    buf_clear(&w->packed);
    uint8_t *dst = buf_room(&w->packed, ZSTD_compressBound(n));
    size_t got = dst ? ZSTD_compressCCtx(w->zstd, dst, w->packed.room, p, n, 3) : n;
    if (!dst || ZSTD_isError(got) || got >= n)
        return span_of(p, n);
    return span_of(dst, got);
}

static void
put_u32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void
put_u16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void
block_write(struct seg_writer *w, struct table_writer *t)
{
    buf_le(&t->dir, writer_at(w), 8);
    for (unsigned k = 0; k < t->shape.keys; k++)
        buf_le(&t->dir, t->keys[k], 8);
    struct span text = {0};
    if (t->text.n)
        text = pack_bytes(w, t->text.p, t->text.n);
    size_t head = BLOCK_HEAD + 2u * t->shape.cols;
    uint8_t *b = buf_room(&w->out, head + (size_t)t->shape.cols * COL_ROOM + text.n);
    if (!b) {
        writer_fail(w, ERR_NOMEM);
        return;
    }
    size_t n = head;
    for (unsigned c = 0; c < t->shape.cols; c++) {
        size_t len = col_encode(b + n, t->values + c * t->stride, t->n);
        must(len <= UINT16_MAX);
        put_u16(b + BLOCK_HEAD + 2u * c, (unsigned)len);
        n += len;
    }
    if (text.n)
        memcpy(b + n, text.p, text.n);
    n += text.n;
    put_u32(b + 4, (uint32_t)n);
    put_u16(b + 8, t->n);
    b[10] = t->shape.cols;
    b[11] = 0;
    put_u32(b + 12, (uint32_t)t->text.n);
    put_u32(b + 16, (uint32_t)text.n);
    put_u32(b, crc32c(0, b + 4, n - 4));
    w->out.n += n;
    t->blocks++;
    t->n = 0;
    buf_clear(&t->text);
    writer_flush(w, FLUSH_BYTES);
}

bool
seg_writer_first(const struct seg_writer *w, unsigned table)
{
    return w->table[table].n == 0;
}

void
seg_writer_key(struct seg_writer *w, unsigned table, unsigned k, uint64_t v)
{
    w->table[table].keys[k] = v;
}

void
seg_writer_row(struct seg_writer *w, unsigned table, const uint64_t *values)
{
    struct table_writer *t = &w->table[table];
    uint64_t *dst = t->values + t->n;
    for (unsigned c = 0; c < t->shape.cols; c++, dst += t->stride)
        *dst = values[c];
    t->rows++;
    if (++t->n == t->shape.block_rows)
        block_write(w, t);
}

uint32_t
seg_writer_text(struct seg_writer *w, unsigned table, struct span bytes)
{
    struct buf *text = &w->table[table].text;
    uint32_t at = (uint32_t)text->n;
    buf_span(text, bytes);
    return at;
}

uint64_t
seg_writer_rows(const struct seg_writer *w, unsigned table)
{
    return w->table[table].rows;
}

void
seg_writer_blob(struct seg_writer *w, unsigned blob, const void *p, size_t n)
{
    struct span packed = pack_bytes(w, p, n);
    w->blob[blob].off = writer_at(w);
    w->blob[blob].len = (uint32_t)packed.n;
    w->blob[blob].raw = (uint32_t)n;
    w->blob[blob].crc = crc32c(0, packed.p, packed.n);
    buf_put(&w->out, packed.p, packed.n);
}

static void
directories_write(struct seg_writer *w, struct buf *footer)
{
    buf_u8(footer, (uint8_t)w->tables);
    for (unsigned i = 0; i < w->tables; i++) {
        struct table_writer *t = &w->table[i];
        if (t->n)
            block_write(w, t);
        while (writer_at(w) % 8)
            buf_u8(&w->out, 0);
        buf_u8(footer, t->shape.cols);
        buf_u8(footer, t->shape.keys);
        buf_le(footer, t->shape.block_rows, 2);
        buf_le(footer, t->blocks, 4);
        buf_le(footer, t->rows, 8);
        buf_le(footer, writer_at(w), 8);
        buf_le(footer, crc32c(0, t->dir.p, t->dir.n), 4);
        if (t->dir.n)
            buf_put(&w->out, t->dir.p, t->dir.n);
        if (t->dir.bad || t->text.bad)
            writer_fail(w, ERR_NOMEM);
    }
}

enum err
seg_writer_finish(struct seg_writer *w, const struct seg_meta *meta, struct note *note)
{
    struct buf footer = {0};
    buf_u8(&footer, meta->kind);
    buf_u8(&footer, meta->level);
    buf_le(&footer, meta->seq, 8);
    buf_le(&footer, (uint64_t)meta->day_lo, 8);
    buf_le(&footer, (uint64_t)meta->day_hi, 8);
    buf_le(&footer, (uint64_t)meta->min_ms, 8);
    buf_le(&footer, (uint64_t)meta->max_ms, 8);
    buf_le(&footer, meta->rows, 8);
    directories_write(w, &footer);
    buf_u8(&footer, SEG_BLOBS);
    for (unsigned i = 0; i < SEG_BLOBS; i++) {
        buf_le(&footer, w->blob[i].off, 8);
        buf_le(&footer, w->blob[i].len, 4);
        buf_le(&footer, w->blob[i].raw, 4);
        buf_le(&footer, w->blob[i].crc, 4);
    }
    uint64_t at = writer_at(w);
    if (footer.bad)
        writer_fail(w, ERR_NOMEM);
    else
        buf_put(&w->out, footer.p, footer.n);
    buf_le(&w->out, at, 8);
    buf_le(&w->out, footer.n, 4);
    buf_le(&w->out, footer.bad ? 0 : crc32c(0, footer.p, footer.n), 4);
    buf_le(&w->out, writer_at(w) + 16, 8);
    buf_put(&w->out, TAIL_MAGIC, 8);
    writer_flush(w, 0);
    if (w->err == OK)
        w->err = os_sync(w->file, "segment");
    enum err e = w->err;
    buf_release(&footer);
    seg_writer_drop(w);
    if (e != OK)
        return note_set(
            note, e, "segment", "a segment could not be written", "数据段写入失败");
    return OK;
}

/* ---- reading ---- */

static enum err
corrupt(struct note *note, const char *path, const char *what)
{
    return note_fmt(
        note, ERR_CORRUPT, "segment", "%s: %s", "数据段损坏 %s：%s", path, what);
}

static bool
open_table(struct seg *s, struct seg_table *t, struct cur *c)
{
    t->cols = cur_u8(c);
    t->keys = cur_u8(c);
    t->block_rows = cur_u16_le(c);
    t->blocks = cur_u32_le(c);
    t->rows = cur_u64_le(c);
    uint64_t off = cur_u64_le(c);
    uint32_t crc = cur_u32_le(c);
    if (c->bad || t->cols > SEG_COLS || t->keys > SEG_KEYS)
        return false;
    uint64_t len = (uint64_t)t->blocks * (1u + t->keys) * 8;
    if (off % 8 || off > s->bytes || len > s->bytes - off)
        return false;
    if (!t->block_rows || t->block_rows > COL_ROWS ||
        t->blocks != (t->rows + t->block_rows - 1) / t->block_rows)
        return false;
    t->dir = s->map + off;
    if (crc32c(0, t->dir, len) != crc)
        return false;
    t->tested = calloc(t->blocks ? t->blocks : 1, 1);
    return t->tested;
}

static bool
open_blob(struct seg *s, struct span *blob, struct cur *c)
{
    uint64_t off = cur_u64_le(c);
    uint32_t len = cur_u32_le(c), raw = cur_u32_le(c), crc = cur_u32_le(c);
    if (c->bad || off > s->bytes || len > s->bytes - off || raw > BLOB_CAP)
        return false;
    if (!raw)
        return true;
    const uint8_t *p = s->map + off;
    if (crc32c(0, p, len) != crc)
        return false;
    char *copy = malloc(raw);
    if (!copy)
        return false;
    *blob = span_of(copy, raw);
    if (len == raw) {
        memcpy(copy, p, raw);
        return true;
    }
    size_t got = ZSTD_decompress(copy, raw, p, len);
    return got == raw;
}

static bool
open_footer(struct seg *s, struct cur c)
{
    struct seg_meta *m = &s->meta;
    m->kind = cur_u8(&c);
    m->level = cur_u8(&c);
    m->seq = cur_u64_le(&c);
    m->day_lo = (int64_t)cur_u64_le(&c);
    m->day_hi = (int64_t)cur_u64_le(&c);
    m->min_ms = (int64_t)cur_u64_le(&c);
    m->max_ms = (int64_t)cur_u64_le(&c);
    m->rows = cur_u64_le(&c);
    unsigned tables = cur_u8(&c);
    if (c.bad || tables > SEG_TABLES)
        return false;
    for (unsigned i = 0; i < tables; i++)
        if (!open_table(s, &s->table[i], &c))
            return false;
    if (cur_u8(&c) != SEG_BLOBS)
        return false;
    for (unsigned i = 0; i < SEG_BLOBS; i++)
        if (!open_blob(s, &s->blob[i], &c))
            return false;
    return !c.bad;
}

static enum err
open_checked(struct seg *s, struct note *note)
{
    if (s->bytes < HEAD_BYTES + TAIL_BYTES)
        return corrupt(note, s->path, "too short");
    struct cur head = cur_of(s->map, HEAD_BYTES);
    if (memcmp(cur_take(&head, 8), HEAD_MAGIC, 8) != 0)
        return corrupt(note, s->path, "not a segment");
    if (cur_u16_le(&head) > SEG_VERSION)
        return note_fmt(
            note, ERR_NEWER, "segment", "%s was written by a newer release",
            "%s 由更新版本写入", s->path);
    struct cur tail = cur_of(s->map + s->bytes - TAIL_BYTES, TAIL_BYTES);
    uint64_t off = cur_u64_le(&tail);
    uint32_t len = cur_u32_le(&tail), crc = cur_u32_le(&tail);
    if (cur_u64_le(&tail) != s->bytes || memcmp(cur_take(&tail, 8), TAIL_MAGIC, 8) != 0)
        return corrupt(note, s->path, "cut off");
    if (off > s->bytes - TAIL_BYTES || len != s->bytes - TAIL_BYTES - off ||
        crc32c(0, s->map + off, len) != crc)
        return corrupt(note, s->path, "footer damaged");
    if (!open_footer(s, cur_of(s->map + off, len)))
        return corrupt(note, s->path, "directory damaged");
    return OK;
}

enum err
seg_open(struct os_fs *fs, const char *path, struct seg **out, struct note *note)
{
    struct seg *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    atomic_init(&s->refs, 1);
    enum err e = OK;
    if (!span_copy(s->path, sizeof s->path, span_cstr(path)))
        e = ERR_TOOBIG;
    if (e == OK)
        e = os_open(fs, path, OS_READ, &s->file, note);
    if (e == OK)
        e = os_size(s->file, &s->bytes);
    const void *map = NULL;
    if (e == OK && s->bytes >= HEAD_BYTES + TAIL_BYTES)
        e = os_map(s->file, 0, s->bytes, &map);
    s->map = map;
    if (map)
        os_only_map(s->file); /* a year has thousands of segments */
    if (e == OK)
        e = open_checked(s, note);
    if (e != OK) {
        seg_unref(s);
        return e;
    }
    *out = s;
    return OK;
}

struct seg *
seg_ref(struct seg *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void
seg_unref(struct seg *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    if (s->extra_free)
        s->extra_free(s->extra);
    for (unsigned i = 0; i < SEG_TABLES; i++)
        free((void *)s->table[i].tested);
    for (unsigned i = 0; i < SEG_BLOBS; i++)
        free((void *)(uintptr_t)s->blob[i].p);
    if (s->map)
        os_unmap(s->file, s->map, s->bytes);
    os_close(&s->file);
    free(s);
}

static inline unsigned
word_le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

/* Every column's head and the texts' place: so that later reads need not look again. */
static bool
columns_sound(const uint8_t *p, uint32_t len, unsigned rows, unsigned cols)
{
    const uint8_t *at = p + BLOCK_HEAD + 2u * cols, *end = p + len;
    struct cur c = cur_of(p + TEXT_LEN_AT, 4);
    struct col col;
    for (unsigned k = 0; k < cols; k++) {
        unsigned n = word_le16(p + BLOCK_HEAD + 2u * k);
        if ((size_t)(end - at) < n || !col_open(&col, at, n, rows))
            return false;
        at += n;
    }
    return (size_t)(end - at) >= cur_u32_le(&c);
}

static bool
block_sound(const struct seg *s, const struct seg_table *t, size_t i, uint64_t off)
{
    if (off > s->bytes || s->bytes - off < BLOCK_HEAD + TAIL_BYTES)
        return false;
    struct cur c = cur_of(s->map + off, BLOCK_HEAD);
    uint32_t crc = cur_u32_le(&c), len = cur_u32_le(&c);
    unsigned rows = cur_u16_le(&c), cols = cur_u8(&c);
    uint64_t want = t->rows - (uint64_t)i * t->block_rows;
    if (len < BLOCK_HEAD + 2u * cols || len > s->bytes - off - TAIL_BYTES)
        return false;
    if (cols != t->cols || rows != (want < t->block_rows ? want : t->block_rows))
        return false;
    return crc32c(0, s->map + off + 4, len - 4) == crc &&
           columns_sound(s->map + off, len, rows, cols);
}

#define SCAN_BLOCKS 4     /* so many touched in a row are a scan */
#define BLOCK_WANT 65536u /* bytes at most that a look-up asks of the disk at once */

/* A block touched for the first time is about to be read from the disk. What scans read
 * comes in well with the kernel's reading ahead; a look-up says how little it wants, or
 * one fault may fetch the megabytes about it. */
static void
want_block(const struct seg *s, const struct seg_table *t, size_t i, uint64_t off)
{
    size_t behind = 0;
    while (behind < SCAN_BLOCKS && behind < i &&
           atomic_load_explicit(&t->tested[i - 1 - behind], memory_order_relaxed))
        behind++;
    if (behind == SCAN_BLOCKS || off >= s->bytes)
        return;
    uint64_t end = i + 1 < t->blocks ? seg_word(t->dir + (i + 1) * (1u + t->keys) * 8)
                                     : off + BLOCK_WANT;
    if (end <= off || end - off > BLOCK_WANT)
        end = off + BLOCK_WANT;
    os_need(s->file, s->map + off, (end < s->bytes ? end : s->bytes) - off);
}

void
seg_want(struct seg *s, unsigned table, size_t i)
{
    const struct seg_table *t = &s->table[table];
    if (i < t->blocks && !atomic_load_explicit(&t->tested[i], memory_order_relaxed))
        want_block(s, t, i, seg_word(t->dir + i * (1u + t->keys) * 8));
}

bool
seg_block(struct seg *s, unsigned table, size_t i, struct blk *out)
{
    struct seg_table *t = &s->table[table];
    if (i >= t->blocks)
        return false;
    uint64_t off = seg_word(t->dir + i * (1u + t->keys) * 8);
    uint8_t state = atomic_load_explicit(&t->tested[i], memory_order_relaxed);
    if (!state) {
        want_block(s, t, i, off);
        state = block_sound(s, t, i, off) ? 1 : 2;
        atomic_store_explicit(&t->tested[i], state, memory_order_relaxed);
    }
    if (state != 1) {
        atomic_store(&s->bad, true);
        return false;
    }
    out->p = s->map + off;
    out->n = word_le16(out->p + ROWS_AT);
    out->cols = t->cols;
    return true;
}

/* Where column c begins; c = cols: the texts. */
static const uint8_t *
column_at(const struct blk *b, unsigned c)
{
    const uint8_t *len = b->p + BLOCK_HEAD;
    size_t n = 0;
    for (unsigned k = 0; k < c; k++)
        n += word_le16(len + 2u * k);
    return len + 2u * b->cols + n;
}

size_t
blk_bytes(const struct blk *b, unsigned c)
{
    return word_le16(b->p + BLOCK_HEAD + 2u * c);
}

bool
blk_col(struct seg *s, const struct blk *b, unsigned c, struct col *out)
{
    if (c < b->cols && col_known(out, column_at(b, c), b->n))
        return true;
    atomic_store(&s->bad, true);
    return false;
}

bool
blk_values(struct seg *s, const struct blk *b, unsigned c, uint64_t *out)
{
    struct col col;
    if (!blk_col(s, b, c, &col))
        return false;
    col_all(&col, out);
    return true;
}

bool
blk_texts(struct seg *s, const struct blk *b, struct buf *dst)
{
    struct cur c = cur_of(b->p + TEXT_RAW_AT, 8);
    uint32_t raw = cur_u32_le(&c), len = cur_u32_le(&c);
    const uint8_t *text = column_at(b, b->cols);
    buf_clear(dst);
    if (!raw)
        return true;
    if (raw > TEXT_CAP || !buf_room(dst, raw)) {
        atomic_store(&s->bad, true);
        return false;
    }
    if (len == raw) {
        buf_put(dst, text, raw);
        return true;
    }
    size_t got = ZSTD_decompress(dst->p, raw, text, len);
    if (got != raw) {
        atomic_store(&s->bad, true);
        return false;
    }
    dst->n = got;
    return true;
}

bool
seg_check(struct seg *s)
{
    struct blk b;
    bool good = true;
    for (unsigned t = 0; t < SEG_TABLES; t++)
        for (size_t i = 0; i < s->table[t].blocks; i++)
            good = seg_block(s, t, i, &b) && good;
    return good;
}
