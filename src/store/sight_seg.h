/* SPDX-License-Identifier: Apache-2.0 */
/* sight_seg.h - the container of an immutable segment file: tables of column blocks,
 * blobs, a footer that tells where they are, checksums over all of it.
 *
 * Units    bytes; a block holds up to block_rows rows of every column of its table.
 * Owner    seg_open() gives a reference; seg_ref()/seg_unref(); the last one unmaps.
 * Threads  a segment is immutable: any thread reads. A writer is one thread's.
 * Errors   ERR_NEWER, ERR_CORRUPT (head, footer or directory), ERR_IO. Blocks are
 * checked when first touched: a wrong one marks the segment bad and reads as absent.
 * See      docs/format-segment.md; tests in sight_seg_test.c.
 */
#ifndef TQ_STORE_SIGHT_SEG_H
#define TQ_STORE_SIGHT_SEG_H

#include "core/cur.h"
#include "core/os_file.h"
#include "store/sight_codec.h"

#define SEG_VERSION 1u
#define SEG_TABLES 4u
#define SEG_BLOBS 4u
#define SEG_COLS 24u
#define SEG_KEYS 3u

enum seg_kind { SEG_PLACE = 1, SEG_VEHICLE = 2 };

struct seg_meta {
    uint8_t kind;           /* enum seg_kind */
    uint8_t level;          /* 0 sealed, 1 day, 2 week, 3 month */
    uint64_t seq;           /* number of the file */
    int64_t day_lo, day_hi; /* civil days of its unit, [lo, hi) */
    int64_t min_ms, max_ms; /* of the rows */
    uint64_t rows;
};

/* What a table looks like; the writer and the reader agree through these. */
struct seg_shape {
    uint8_t cols, keys;
    uint16_t block_rows;
};

/* ---- writing ---- */
struct seg_writer;
enum err seg_writer_open(
    struct os_fs *fs, const char *path, const struct seg_shape *shapes, unsigned tables,
    struct seg_writer **out, struct note *note) MUST_USE;
/* True when the next row of the table begins a block: then set its keys. */
bool seg_writer_first(const struct seg_writer *w, unsigned table);
void seg_writer_key(struct seg_writer *w, unsigned table, unsigned k, uint64_t v);
void seg_writer_row(struct seg_writer *w, unsigned table, const uint64_t *values);
/* Bytes that travel with the current block of the table; returns their offset in it. */
uint32_t seg_writer_text(struct seg_writer *w, unsigned table, struct span bytes);
uint64_t seg_writer_rows(const struct seg_writer *w, unsigned table);
void seg_writer_blob(struct seg_writer *w, unsigned blob, const void *p, size_t n);
/* Writes directories and footer, syncs, closes and frees. */
enum err seg_writer_finish(
    struct seg_writer *w, const struct seg_meta *meta, struct note *note) MUST_USE;
void
seg_writer_drop(struct seg_writer *w); /* frees; the file is left for the sweeper */

/* ---- reading ---- */
struct seg_table {
    uint64_t rows;
    uint32_t blocks;
    uint8_t cols, keys;
    uint16_t block_rows;
    const uint8_t *dir;      /* blocks * (1 + keys) words of 8 bytes */
    _Atomic uint8_t *tested; /* per block: 0 not yet, 1 good, 2 bad */
};

struct seg {
    _Atomic uint32_t refs;
    _Atomic bool bad;       /* a block failed its checksum */
    _Atomic uint64_t asked; /* ranks looked up in the file (sight_roll.h) */
    struct seg_meta meta;
    struct seg_table table[SEG_TABLES];
    struct span blob[SEG_BLOBS]; /* unpacked */
    uint64_t bytes;
    void *extra; /* what the room above made of the blobs; freed by extra_free */
    void (*extra_free)(void *);
    /* private */
    struct os_file *file;
    const uint8_t *map;
    char path[OS_PATH];
};

enum err seg_open(
    struct os_fs *fs, const char *path, struct seg **out, struct note *note) MUST_USE;
struct seg *seg_ref(struct seg *s);
void seg_unref(struct seg *s);

struct blk {
    const uint8_t *p;
    unsigned n, cols;
};
/* False when the block is damaged (then seg->bad is set). Its checksum and all its
 * columns are tested when it is first touched, and only then. */
bool seg_block(struct seg *s, unsigned table, size_t i, struct blk *out);
/* A block that is read soon: the disk may begin. */
void seg_want(struct seg *s, unsigned table, size_t i);
size_t blk_bytes(const struct blk *b, unsigned c); /* of column c, encoded */
bool blk_col(struct seg *s, const struct blk *b, unsigned c, struct col *out);
/* One whole column of a block into out[COL_ROWS]. */
bool blk_values(struct seg *s, const struct blk *b, unsigned c, uint64_t *out);
/* The texts of a block, unpacked into dst (cleared first). */
bool blk_texts(struct seg *s, const struct blk *b, struct buf *dst);

static inline uint64_t
seg_word(const uint8_t *p)
{
    uint64_t v = 0;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}
static inline uint64_t
seg_key(const struct seg_table *t, size_t block, unsigned k)
{
    return seg_word(t->dir + (block * (1u + t->keys) + 1 + k) * 8);
}
/* Checks every block; false when one is damaged. */
bool seg_check(struct seg *s);

#endif
