/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the four column layouts. Bits are little-endian: bit k of a payload is bit
 * k % 8 of byte k / 8, so one unaligned 8-byte load gives any value up to 57 bits. */
#include "store/sight_codec.h"

#include "core/cur.h"
#include "core/err.h"

#include <endian.h>

#define EASY_BITS 57u /* one load, whatever the bit offset */
#define POS_BITS 10u  /* positions below COL_ROWS */

static inline uint64_t
load_le64(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, 8);
    return le64toh(w);
}

static inline uint64_t
mask_of(unsigned width)
{
    return width >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
}

static inline uint64_t
bits_at(const uint8_t *p, size_t bit, unsigned width)
{
    uint64_t w = load_le64(p + (bit >> 3)) >> (bit & 7);
    if (width > EASY_BITS && (bit & 7) + width > 64)
        w |= (uint64_t)p[(bit >> 3) + 8] << (64 - (bit & 7));
    return w & mask_of(width);
}

static size_t
bytes_for(size_t bits)
{
    return (bits + 7) / 8;
}

/* Bits of the payload in front of row i. */
static inline __attribute__((always_inline)) size_t
class_sum(const struct col *c, unsigned i)
{
    const uint8_t *lo = c->more, *hi = c->more + ((size_t)c->n + 63) / 64 * 8;
    size_t rows[4] = {0}; /* by the width classes 1 or 3, 2 or 3, 3 */
    for (unsigned k = 0; k < i; k += 64, lo += 8, hi += 8) {
        uint64_t m = i - k >= 64 ? ~UINT64_C(0) : mask_of(i - k);
        uint64_t a = load_le64(lo) & m, b = load_le64(hi) & m;
        rows[1] += (size_t)__builtin_popcountll(a);
        rows[2] += (size_t)__builtin_popcountll(b);
        rows[3] += (size_t)__builtin_popcountll(a & b);
    }
    rows[1] -= rows[3];
    rows[2] -= rows[3];
    rows[0] = i - rows[1] - rows[2] - rows[3];
    return rows[0] * c->width[0] + rows[1] * c->width[1] + rows[2] * c->width[2] +
           rows[3] * c->width[3];
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static size_t
class_sum_popcnt(const struct col *c, unsigned i)
{
    return class_sum(c, i);
}
#endif

static size_t
class_bit(const struct col *c, unsigned i)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt"))
        return class_sum_popcnt(c, i);
#endif
    return class_sum(c, i);
}

static bool
open_class(struct col *c, struct cur *in)
{
    const uint8_t *w = cur_take(in, 4);
    c->base = cur_varint(in);
    c->scale = (uint64_t)zigzag_decode(cur_varint(in));
    c->more = cur_take(in, ((size_t)c->n + 63) / 64 * 16);
    if (in->bad)
        return false;
    memcpy(c->width, w, 4);
    c->bits = in->p;
    return true;
}

static bool
widths_sound(const struct col *c)
{
    unsigned most = c->kind == COL_CLASS ? EASY_BITS : 64;
    return c->width[0] <= most && c->width[1] <= most && c->width[2] <= most &&
           c->width[3] <= most;
}

static bool
open_sparse(struct col *c, struct cur *in)
{
    c->width[0] = cur_u8(in);
    c->exceptions = cur_u16_le(in);
    c->usual = cur_varint(in);
    c->base = cur_varint(in);
    c->scale = (uint64_t)zigzag_decode(cur_varint(in));
    c->more = cur_take(in, bytes_for((size_t)c->exceptions * POS_BITS));
    c->bits = in->p;
    return !in->bad;
}

static bool
sparse_sound(const struct col *c, const struct cur *in)
{
    if (c->exceptions > c->n ||
        bytes_for((size_t)c->exceptions * c->width[0]) > cur_left(in))
        return false;
    for (unsigned i = 0; i < c->exceptions; i++)
        if (bits_at(c->more, (size_t)i * POS_BITS, POS_BITS) >= c->n)
            return false;
    return true;
}

static bool
open_pack(struct col *c, struct cur *in)
{
    c->width[0] = cur_u8(in);
    c->base = cur_varint(in);
    c->scale = (uint64_t)zigzag_decode(cur_varint(in));
    c->bits = in->p;
    return !in->bad;
}

static bool
open_any(struct col *c, struct cur *in, unsigned n)
{
    *c = (struct col){.n = (uint16_t)n, .scale = 1};
    c->kind = cur_u8(in);
    if (c->kind == COL_CLASS)
        return open_class(c, in);
    if (c->kind == COL_SPARSE)
        return open_sparse(c, in);
    if (c->kind == COL_PACK)
        return open_pack(c, in);
    c->base = cur_varint(in);
    return c->kind == COL_CONST && !in->bad;
}

bool
col_open(struct col *c, const uint8_t *p, size_t len, unsigned n)
{
    struct cur in = cur_of(p, len);
    if (!n || n > COL_ROWS || !open_any(c, &in, n) || !widths_sound(c))
        return false;
    if (c->kind == COL_CLASS)
        return bytes_for(class_bit(c, n)) <= cur_left(&in);
    if (c->kind == COL_SPARSE)
        return sparse_sound(c, &in);
    return c->kind == COL_CONST || bytes_for((size_t)n * c->width[0]) <= cur_left(&in);
}

bool
col_known(struct col *c, const uint8_t *p, unsigned n)
{
    struct cur in = cur_of(p, COL_ROOM);
    return open_any(c, &in, n) && widths_sound(c);
}

static unsigned
class_of(const struct col *c, unsigned i)
{
    const uint8_t *planes = c->more + i / 64 * 8;
    size_t words = ((size_t)c->n + 63) / 64;
    uint64_t a = load_le64(planes), b = load_le64(planes + 8 * words);
    return (unsigned)(a >> (i % 64) & 1) | (unsigned)(b >> (i % 64) & 1) << 1;
}

static uint64_t
get_class(const struct col *c, unsigned i)
{
    return c->base +
           c->scale * bits_at(c->bits, class_bit(c, i), c->width[class_of(c, i)]);
}

/* The first exception at or behind row i. */
static unsigned
sparse_find(const struct col *c, unsigned i)
{
    unsigned lo = 0, hi = c->exceptions;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (bits_at(c->more, (size_t)mid * POS_BITS, POS_BITS) < i)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static uint64_t
get_sparse(const struct col *c, unsigned i)
{
    unsigned lo = sparse_find(c, i);
    if (lo < c->exceptions && bits_at(c->more, (size_t)lo * POS_BITS, POS_BITS) == i)
        return c->base +
               c->scale * bits_at(c->bits, (size_t)lo * c->width[0], c->width[0]);
    return c->usual;
}

uint64_t
col_get(const struct col *c, unsigned i)
{
    if (c->kind == COL_CONST)
        return c->base;
    if (c->kind == COL_PACK)
        return c->base +
               c->scale * bits_at(c->bits, (size_t)i * c->width[0], c->width[0]);
    if (c->kind == COL_CLASS)
        return get_class(c, i);
    return get_sparse(c, i);
}

static void
range_pack(const struct col *c, unsigned from, unsigned n, uint64_t *out)
{
    unsigned width = c->width[0];
    size_t bit = (size_t)from * width;
    if (width > EASY_BITS) {
        for (unsigned i = 0; i < n; i++, bit += width)
            out[i] = c->base + c->scale * bits_at(c->bits, bit, width);
        return;
    }
    uint64_t m = mask_of(width);
    for (unsigned i = 0; i < n; i++, bit += width) {
        uint64_t r = load_le64(c->bits + (bit >> 3)) >> (bit & 7) & m;
        out[i] = c->base + c->scale * r;
    }
}

static void
range_class(const struct col *c, unsigned from, unsigned n, uint64_t *out)
{
    size_t words = ((size_t)c->n + 63) / 64;
    size_t bit = from ? class_bit(c, from) : 0;
    uint64_t mask[4];
    for (unsigned k = 0; k < 4; k++)
        mask[k] = mask_of(c->width[k]);
    for (unsigned i = from; i < from + n;) {
        uint64_t a = load_le64(c->more + i / 64 * 8) >> (i % 64);
        uint64_t b = load_le64(c->more + 8 * words + i / 64 * 8) >> (i % 64);
        unsigned end = (i / 64 + 1) * 64;
        end = end < from + n ? end : from + n;
        for (; i < end; i++, a >>= 1, b >>= 1) {
            unsigned k = (unsigned)(a & 1) | (unsigned)(b & 1) << 1;
            uint64_t r = load_le64(c->bits + (bit >> 3)) >> (bit & 7) & mask[k];
            *out++ = c->base + c->scale * r;
            bit += c->width[k];
        }
    }
}

static void
range_sparse(const struct col *c, unsigned from, unsigned n, uint64_t *out)
{
    uint64_t fill = c->kind == COL_CONST ? c->base : c->usual;
    for (unsigned i = 0; i < n; i++)
        out[i] = fill;
    for (unsigned i = from ? sparse_find(c, from) : 0; i < c->exceptions; i++) {
        uint64_t at = bits_at(c->more, (size_t)i * POS_BITS, POS_BITS);
        if (at >= from + n)
            break;
        if (at >= from) /* always, in a column of ours: positions ascend */
            out[at - from] =
                c->base +
                c->scale * bits_at(c->bits, (size_t)i * c->width[0], c->width[0]);
    }
}

void
col_range(const struct col *c, unsigned from, unsigned n, uint64_t *out)
{
    if (c->kind == COL_PACK)
        range_pack(c, from, n, out);
    else if (c->kind == COL_CLASS)
        range_class(c, from, n, out);
    else
        range_sparse(c, from, n, out);
}

void
col_first(const struct col *c, unsigned n, uint64_t *out)
{
    col_range(c, 0, n, out);
}

void
col_all(const struct col *c, uint64_t *out)
{
    col_range(c, 0, c->n, out);
}
