/* SPDX-License-Identifier: Apache-2.0 */
/* The four column layouts. The encoder measures all that could win and writes the
 * smallest; ties go to the one that reads faster. Bits are little-endian: bit k of a
 * payload is bit k % 8 of byte k / 8, so one unaligned 8-byte load gives any value up
 * to 57 bits. */
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

static inline unsigned
bits_of(uint64_t v)
{
    return v ? 64u - (unsigned)__builtin_clzll(v) : 0;
}

static inline uint64_t
bits_at(const uint8_t *p, size_t bit, unsigned width)
{
    uint64_t w = load_le64(p + (bit >> 3)) >> (bit & 7);
    if (width > EASY_BITS && (bit & 7) + width > 64)
        w |= (uint64_t)p[(bit >> 3) + 8] << (64 - (bit & 7));
    return w & mask_of(width);
}

/* ---- writing ---- */

struct out {
    uint8_t *p;
    size_t n;
    uint64_t acc;
    unsigned fill;
};

static void
out_varint(struct out *o, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        o->p[o->n++] = (uint8_t)(v | 0x80);
    o->p[o->n++] = (uint8_t)v;
}

/* Zigzag: a falling column has a negative step. */
static void
out_scale(struct out *o, uint64_t scale, bool down)
{
    out_varint(o, zigzag_encode((int64_t)(down ? 0 - scale : scale)));
}

static inline void
out_bits(struct out *o, uint64_t v, unsigned width)
{
    if (!width)
        return;
    o->acc |= v << o->fill;
    if (o->fill + width >= 64) {
        uint64_t w = htole64(o->acc);
        memcpy(o->p + o->n, &w, 8);
        o->n += 8;
        o->acc = o->fill ? v >> (64 - o->fill) : 0;
        o->fill = o->fill + width - 64;
        if (!o->fill)
            o->acc = 0;
    } else {
        o->fill += width;
    }
}

static void
out_flush(struct out *o)
{
    for (; o->fill > 0; o->fill = o->fill > 8 ? o->fill - 8 : 0) {
        o->p[o->n++] = (uint8_t)o->acc;
        o->acc >>= 8;
    }
    o->acc = 0;
}

struct shape {
    uint64_t base, top;    /* least and largest value */
    uint64_t scale, range; /* common divisor of v - base; (top - base) / scale */
    uint64_t usual;        /* majority candidate */
    unsigned usual_n;
    unsigned hist[65]; /* rows by width of the distance in steps */
};

static uint64_t
gcd_of(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static void
measure(struct shape *s, const uint64_t *v, unsigned n)
{
    uint64_t lo = v[0], hi = v[0], usual = v[0];
    unsigned votes = 0, usual_n = 0;
    for (unsigned i = 0; i < n; i++) {
        lo = v[i] < lo ? v[i] : lo;
        hi = v[i] > hi ? v[i] : hi;
        if (!votes)
            usual = v[i];
        votes = v[i] == usual ? votes + 1 : votes - 1;
    }
    uint64_t g = 0;
    for (unsigned i = 0; i < n && g != 1; i++)
        g = gcd_of(g, v[i] - lo);
    for (unsigned i = 0; i < n; i++)
        usual_n += v[i] == usual;
    s->base = lo;
    s->top = hi;
    s->scale = g ? g : 1;
    s->range = (hi - lo) / s->scale;
    s->usual = usual;
    s->usual_n = usual_n;
}

/* Steps from the least value up, or from the largest down. */
static inline uint64_t
steps_of(const struct shape *s, uint64_t v, bool down)
{
    uint64_t d = down ? s->top - v : v - s->base;
    return s->scale == 1 ? d : d / s->scale;
}

static void
histogram(struct shape *s, const uint64_t *v, unsigned n, bool down)
{
    memset(s->hist, 0, sizeof s->hist);
    for (unsigned i = 0; i < n; i++)
        s->hist[bits_of(steps_of(s, v[i], down))]++;
}

/* The four widths with the least total payload; the last is the largest there is.
 * Returns payload bits. A small dynamic programme over the widths that occur. */
static uint64_t
choose_widths(const unsigned hist[65], uint8_t width[4])
{
    unsigned w[65], count[65], k = 0;
    for (unsigned i = 0; i <= 64; i++)
        if (hist[i]) {
            w[k] = i;
            count[k++] = hist[i];
        }
    /* best[c][i]: least bits for the first i widths with c + 1 classes */
    uint64_t best[4][66];
    uint8_t from[4][66];
    unsigned sum[66] = {0};
    for (unsigned i = 0; i < k; i++)
        sum[i + 1] = sum[i] + count[i];
    for (unsigned i = 0; i <= k; i++) {
        best[0][i] = i ? (uint64_t)sum[i] * w[i - 1] : 0;
        from[0][i] = 0;
    }
    for (unsigned c = 1; c < 4; c++)
        for (unsigned i = 0; i <= k; i++) {
            best[c][i] = best[c - 1][i];
            from[c][i] = (uint8_t)i;
            for (unsigned j = 0; j < i; j++) {
                uint64_t cost = best[c - 1][j] + (uint64_t)(sum[i] - sum[j]) * w[i - 1];
                if (cost < best[c][i]) {
                    best[c][i] = cost;
                    from[c][i] = (uint8_t)j;
                }
            }
        }
    unsigned i = k;
    for (unsigned c = 4; c-- > 0;) {
        width[c] = (uint8_t)(i ? w[i - 1] : 0);
        i = from[c][i];
    }
    return best[3][k];
}

static size_t
encode_pack(uint8_t *dst, const struct shape *s, const uint64_t *v, unsigned n)
{
    struct out o = {.p = dst};
    unsigned width = bits_of(s->range);
    o.p[o.n++] = COL_PACK;
    o.p[o.n++] = (uint8_t)width;
    out_varint(&o, s->base);
    out_scale(&o, s->scale, false);
    for (unsigned i = 0; i < n; i++)
        out_bits(&o, steps_of(s, v[i], false), width);
    out_flush(&o);
    return o.n;
}

static size_t
encode_class(
    uint8_t *dst, const struct shape *s, const uint8_t width[4], bool down,
    const uint64_t *v, unsigned n)
{
    struct out o = {.p = dst};
    o.p[o.n++] = COL_CLASS;
    memcpy(o.p + o.n, width, 4);
    o.n += 4;
    out_varint(&o, down ? s->top : s->base);
    out_scale(&o, s->scale, down);
    size_t words = (n + 63) / 64;
    uint8_t *planes = o.p + o.n;
    memset(planes, 0, words * 16);
    o.n += words * 16;
    uint8_t class_of[65];
    for (unsigned b = 0, c = 0; b <= 64; b++) {
        while (c < 3 && b > width[c])
            c++;
        class_of[b] = (uint8_t)c;
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t r = steps_of(s, v[i], down);
        unsigned c = class_of[bits_of(r)];
        planes[i / 8] |= (uint8_t)((c & 1) << (i & 7));
        planes[words * 8 + i / 8] |= (uint8_t)((c >> 1) << (i & 7));
        out_bits(&o, r, width[c]);
    }
    out_flush(&o);
    return o.n;
}

static size_t
encode_sparse(uint8_t *dst, const struct shape *s, const uint64_t *v, unsigned n)
{
    struct out o = {.p = dst};
    unsigned width = bits_of(s->range);
    unsigned m = n - s->usual_n;
    o.p[o.n++] = COL_SPARSE;
    o.p[o.n++] = (uint8_t)width;
    o.p[o.n++] = (uint8_t)m;
    o.p[o.n++] = (uint8_t)(m >> 8);
    out_varint(&o, s->usual);
    out_varint(&o, s->base);
    out_scale(&o, s->scale, false);
    for (unsigned i = 0; i < n; i++)
        if (v[i] != s->usual)
            out_bits(&o, i, POS_BITS);
    out_flush(&o);
    for (unsigned i = 0; i < n; i++)
        if (v[i] != s->usual)
            out_bits(&o, steps_of(s, v[i], false), width);
    out_flush(&o);
    return o.n;
}

size_t
col_encode(uint8_t *dst, const uint64_t *v, unsigned n)
{
    must(n > 0 && n <= COL_ROWS);
    struct shape s;
    measure(&s, v, n);
    if (!s.range) {
        struct out o = {.p = dst};
        o.p[o.n++] = COL_CONST;
        out_varint(&o, s.base);
        return o.n;
    }
    unsigned full = bits_of(s.range);
    uint64_t pack = (uint64_t)full * n;
    uint64_t sparse = (uint64_t)(n - s.usual_n) * (POS_BITS + full) + 40;
    if (sparse * 10 < pack * 9 && sparse < 2u * n)
        return encode_sparse(dst, &s, v, n);
    uint64_t class = UINT64_MAX;
    uint8_t width[4], falling[4];
    bool down = false;
    if (full > 2 && full <= EASY_BITS) {
        histogram(&s, v, n, false);
        class = choose_widths(s.hist, width) + 2u * n + 40;
        histogram(&s, v, n, true);
        uint64_t fall = choose_widths(s.hist, falling) + 2u * n + 40;
        if (fall < class) {
            class = fall;
            down = true;
            memcpy(width, falling, sizeof width);
        }
    }
    if (sparse < pack && sparse <= class)
        return encode_sparse(dst, &s, v, n);
    if (class * 100 < pack * 97)
        return encode_class(dst, &s, width, down, v, n);
    return encode_pack(dst, &s, v, n);
}

/* ---- reading ---- */

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
