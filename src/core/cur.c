/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the cursor and the buffer that are no one-liners. */
#include "core/cur.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t
cur_varint(struct cur *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t b = cur_u8(c);
        if (c->bad)
            return 0;
        if (shift == 63 && b > 1)
            break;
        v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80))
            return v;
    }
    c->bad = true;
    return 0;
}

struct span
cur_span(struct cur *c)
{
    uint64_t n = cur_varint(c);
    if (c->bad || n > cur_left(c)) {
        c->bad = true;
        return (struct span){NULL, 0};
    }
    return span_of(cur_take(c, (size_t)n), (size_t)n);
}

void
buf_release(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
    if (b->bad)
        return NULL;
    if (!b->p || b->room - b->n < n) {
        size_t room = b->room ? b->room : 256;
        while (room - b->n < n) {
            if (room > SIZE_MAX / 4) {
                b->bad = true;
                return NULL;
            }
            room *= 2;
        }
        uint8_t *p = realloc(b->p, room);
        if (!p) {
            b->bad = true;
            return NULL;
        }
        b->p = p;
        b->room = room;
    }
    return b->p + b->n;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
    uint8_t *dst = buf_room(b, n);
    if (dst && n) {
        memcpy(dst, p, n);
        b->n += n;
    }
}

void
buf_u8(struct buf *b, uint8_t v)
{
    buf_put(b, &v, 1);
}

void
buf_le(struct buf *b, uint64_t v, unsigned bytes)
{
    uint8_t out[8];
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (uint8_t)(v >> (8 * i));
    buf_put(b, out, bytes);
}

void
buf_varint(struct buf *b, uint64_t v)
{
    uint8_t out[10];
    unsigned n = 0;
    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    buf_put(b, out, n);
}

void
buf_span(struct buf *b, struct span s)
{
    buf_varint(b, s.n);
    buf_put(b, s.p, s.n);
}

void
buf_text(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *dst = n < 0 ? NULL : (char *)buf_room(b, (size_t)n + 1);
    if (dst) {
        vsnprintf(dst, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

static void
put_escape(struct buf *b, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
        buf_put(b, "\\\"", 2);
        break;
    case '\\':
        buf_put(b, "\\\\", 2);
        break;
    case '\n':
        buf_put(b, "\\n", 2);
        break;
    case '\r':
        buf_put(b, "\\r", 2);
        break;
    case '\t':
        buf_put(b, "\\t", 2);
        break;
    default:
        buf_put(b, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

void
buf_json(struct buf *b, struct span s)
{
    buf_u8(b, '"');
    size_t from = 0, i = 0;
    while (i < s.n) {
        uint8_t c = (uint8_t)s.p[i];
        size_t step = c < 0x80 ? 1 : utf8_step(span_skip(s, i));
        bool plain = c >= 0x20 && c != '"' && c != '\\' && step > 0;
        if (plain) {
            i += step;
            continue;
        }
        buf_put(b, s.p + from, i - from);
        if (step == 0)
            buf_put(b, "\xEF\xBF\xBD", 3);
        else
            put_escape(b, c);
        from = ++i;
    }
    buf_put(b, s.p + from, s.n - from);
    buf_u8(b, '"');
}
