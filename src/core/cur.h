/* SPDX-License-Identifier: Apache-2.0 */
/* cur.h - a bounds-checked cursor over bytes: the only way in which wire and disk bytes
 * are read and written. A read past the end sets `bad` and gives zeros, so a decoder
 * checks once at its end.
 *
 * Units    bytes; integers little-endian (_le) or big-endian (_be) as named; varint =
 * LEB128.
 * Owner    borrows the memory.
 * Threads  one cursor, one thread.
 */
#ifndef TQ_CORE_CUR_H
#define TQ_CORE_CUR_H

#include "core/span.h"

/* ---- reading ---- */
struct cur {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct cur
cur_of(const void *p, size_t n)
{
    return (struct cur){(const uint8_t *)p, (const uint8_t *)p + n, false};
}

static inline size_t
cur_left(const struct cur *c)
{
    return (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL (and bad) when fewer are left. */
static inline const uint8_t *
cur_take(struct cur *c, size_t n)
{
    if (c->bad || cur_left(c) < n) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *p = c->p;
    c->p += n;
    return p;
}

static inline uint8_t
cur_u8(struct cur *c)
{
    const uint8_t *p = cur_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint64_t
cur_le(struct cur *c, unsigned bytes)
{
    const uint8_t *p = cur_take(c, bytes);
    uint64_t v = 0;
    for (unsigned i = 0; p && i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline uint64_t
cur_be(struct cur *c, unsigned bytes)
{
    const uint8_t *p = cur_take(c, bytes);
    uint64_t v = 0;
    for (unsigned i = 0; p && i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

static inline uint16_t
cur_u16_le(struct cur *c)
{
    return (uint16_t)cur_le(c, 2);
}
static inline uint32_t
cur_u32_le(struct cur *c)
{
    return (uint32_t)cur_le(c, 4);
}
static inline uint64_t
cur_u64_le(struct cur *c)
{
    return cur_le(c, 8);
}

/* LEB128, at most ten bytes. */
uint64_t cur_varint(struct cur *c);
/* A varint length and that many bytes. */
struct span cur_span(struct cur *c);

static inline int64_t
zigzag_decode(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline uint64_t
zigzag_encode(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

/* ---- writing into a growing buffer ---- */
struct buf {
    uint8_t *p; /* heap, owned; buf_release() frees */
    size_t n, room;
    bool bad; /* memory ran out: what was put since is missing */
};

void buf_release(struct buf *b);
static inline void
buf_clear(struct buf *b)
{
    b->n = 0;
    b->bad = false;
}
/* Room for n more bytes behind b->n, or NULL (and bad). Does not move b->n. */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_u8(struct buf *b, uint8_t v);
void buf_le(struct buf *b, uint64_t v, unsigned bytes);
void buf_varint(struct buf *b, uint64_t v);
void buf_span(struct buf *b, struct span s); /* varint length, bytes */
void buf_text(struct buf *b, const char *s); /* bytes of a C string, no length */
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s as a JSON string with quotes; bytes that are no UTF-8 become U+FFFD. */
void buf_json(struct buf *b, struct span s);

#endif
