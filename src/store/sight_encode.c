/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the four column layouts. The encoder measures all that could win and writes
 * the smallest; ties go to the one that reads faster. Most columns of most blocks are
 * one value, which one pass tells; for the others the values are first made steps (0,
 * 1, 2 ... above the least), so that the division by the common step is done once, and
 * by a multiplication: it leaves no rest. Loops have no branch that depends on a value.
 */
#include "store/sight_codec.h"

#include "core/cur.h"
#include "core/err.h"

#include <endian.h>

#define EASY_BITS 57u /* of a CLASS column: one load, whatever the bit offset */
#define FAST_BITS 56u /* a value that fits one store behind up to seven bits */
#define POS_BITS 10u  /* positions below COL_ROWS */
#define VOTERS 256u   /* rows asked for the usual value */
#define LANES 4u      /* histograms side by side: no count waits for the one before */

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

/* ---- bits ---- */

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
store_le64(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, 8);
}

/* width <= FAST_BITS: fewer than eight bits wait, so all fit into one store. */
static inline void
out_few(struct out *o, uint64_t v, unsigned width)
{
    o->acc |= v << o->fill;
    o->fill += width;
    store_le64(o->p + o->n, o->acc);
    o->n += o->fill >> 3;
    o->acc >>= o->fill & 56;
    o->fill &= 7;
}

static inline void
out_bits(struct out *o, uint64_t v, unsigned width)
{
    if (width <= FAST_BITS) {
        out_few(o, v, width);
        return;
    }
    out_few(o, v & mask_of(32), 32);
    out_few(o, v >> 32, width - 32);
}

static void
out_flush(struct out *o)
{
    if (o->fill)
        o->p[o->n++] = (uint8_t)o->acc;
    o->acc = 0;
    o->fill = 0;
}

/* ---- what a column is like ---- */

struct shape {
    uint64_t base;         /* least value */
    uint64_t scale, range; /* common divisor of v - base; (largest - base) / scale */
    uint64_t usual;        /* majority candidate */
    unsigned usual_n;
    uint64_t step[COL_ROWS]; /* (v - base) / scale */
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

/* The number that undoes a multiplication by odd `a`, modulo 2^64. */
static uint64_t
inverse_of(uint64_t a)
{
    uint64_t x = a; /* right in three bits; every round doubles them */
    for (unsigned i = 0; i < 5; i++)
        x *= 2 - a * x;
    return x;
}

/* Divides the steps by their common divisor. */
static void
scale_steps(struct shape *s, unsigned n)
{
    uint64_t g = 0;
    for (unsigned i = 0; i < n && g != 1; i++) {
        uint64_t d = s->step[i];
        if (!g)
            g = d;
        else if ((d | g) >> 32 ? d % g : (uint32_t)d % (uint32_t)g)
            g = gcd_of(g, d);
    }
    s->scale = g;
    if (g == 1)
        return;
    unsigned even = (unsigned)__builtin_ctzll(g);
    uint64_t undo = inverse_of(g >> even);
    for (unsigned i = 0; i < n; i++)
        s->step[i] = (s->step[i] >> even) * undo;
    s->range = (s->range >> even) * undo;
}

/* A value that most rows have, if there is one: some rows are asked in turn. */
static void
find_usual(struct shape *s, const uint64_t *v, unsigned n)
{
    unsigned stride = n / VOTERS + 1, usual_n = 0;
    uint64_t usual = v[0];
    int votes = 0;
    for (unsigned i = 0; i < n; i += stride) {
        usual = votes ? usual : v[i];
        votes += v[i] == usual ? 1 : -1;
    }
    for (unsigned i = 0; i < n; i++)
        usual_n += v[i] == usual;
    s->usual = usual;
    s->usual_n = usual_n;
}

/* False when all values are one. */
static bool
measure(struct shape *s, const uint64_t *v, unsigned n)
{
    uint64_t differ = 0, lo = v[0], hi = v[0];
    for (unsigned i = 0; i < n; i++)
        differ |= v[i] ^ v[0];
    s->base = v[0];
    if (!differ)
        return false;
    for (unsigned i = 0; i < n; i++) {
        lo = v[i] < lo ? v[i] : lo;
        hi = v[i] > hi ? v[i] : hi;
    }
    for (unsigned i = 0; i < n; i++)
        s->step[i] = v[i] - lo;
    s->base = lo;
    s->range = hi - lo;
    scale_steps(s, n);
    find_usual(s, v, n);
    return true;
}

/* Rows by the width of their distance from the least and from the largest value. */
static void
histograms(const struct shape *s, unsigned n, unsigned up[65], unsigned down[65])
{
    uint16_t a[LANES][65] = {0}, b[LANES][65] = {0};
    for (unsigned i = 0; i < n; i++) {
        a[i % LANES][bits_of(s->step[i])]++;
        b[i % LANES][bits_of(s->range - s->step[i])]++;
    }
    for (unsigned w = 0; w <= 64; w++) {
        up[w] = (unsigned)a[0][w] + a[1][w] + a[2][w] + a[3][w];
        down[w] = (unsigned)b[0][w] + b[1][w] + b[2][w] + b[3][w];
    }
}

/* No choice of widths needs fewer bits. */
static uint64_t
least_bits(const unsigned hist[65])
{
    uint64_t bits = 0;
    for (unsigned w = 0; w <= 64; w++)
        bits += (uint64_t)hist[w] * w;
    return bits;
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

/* ---- layouts ---- */

static size_t
encode_pack(uint8_t *dst, const struct shape *s, unsigned n)
{
    struct out o = {.p = dst};
    unsigned width = bits_of(s->range);
    o.p[o.n++] = COL_PACK;
    o.p[o.n++] = (uint8_t)width;
    out_varint(&o, s->base);
    out_scale(&o, s->scale, false);
    if (width <= FAST_BITS)
        for (unsigned i = 0; i < n; i++)
            out_few(&o, s->step[i], width);
    else
        for (unsigned i = 0; i < n; i++)
            out_bits(&o, s->step[i], width);
    out_flush(&o);
    return o.n;
}

static size_t
encode_class(
    uint8_t *dst, const struct shape *s, const uint8_t width[4], bool down, unsigned n)
{
    struct out o = {.p = dst};
    o.p[o.n++] = COL_CLASS;
    memcpy(o.p + o.n, width, 4);
    o.n += 4;
    out_varint(&o, down ? s->base + s->range * s->scale : s->base);
    out_scale(&o, s->scale, down);
    size_t words = (n + 63) / 64;
    uint8_t *planes = o.p + o.n;
    o.n += words * 16;
    uint8_t class_of[65];
    for (unsigned b = 0, c = 0; b <= 64; b++) {
        while (c < 3 && b > width[c])
            c++;
        class_of[b] = (uint8_t)c;
    }
    for (unsigned from = 0; from < n; from += 64) {
        unsigned end = n - from < 64 ? n - from : 64;
        uint64_t low = 0, high = 0;
        for (unsigned i = 0; i < end; i++) {
            uint64_t r = s->step[from + i];
            r = down ? s->range - r : r;
            unsigned c = class_of[bits_of(r)];
            low |= (uint64_t)(c & 1) << i;
            high |= (uint64_t)(c >> 1) << i;
            out_bits(&o, r, width[c]);
        }
        store_le64(planes + from / 8, low);
        store_le64(planes + words * 8 + from / 8, high);
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
    uint16_t at[COL_ROWS + 1];
    unsigned k = 0;
    for (unsigned i = 0; i < n; i++) {
        at[k] = (uint16_t)i;
        k += v[i] != s->usual;
    }
    for (unsigned i = 0; i < m; i++)
        out_few(&o, at[i], POS_BITS);
    out_flush(&o);
    for (unsigned i = 0; i < m; i++)
        out_bits(&o, s->step[at[i]], width);
    out_flush(&o);
    return o.n;
}

size_t
col_encode(uint8_t *dst, const uint64_t *v, unsigned n)
{
    must(n > 0 && n <= COL_ROWS);
    struct shape s;
    if (!measure(&s, v, n)) {
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
        unsigned up[65], fall[65];
        histograms(&s, n, up, fall);
        class = choose_widths(up, width) + 2u * n + 40;
        uint64_t other = UINT64_MAX;
        if (least_bits(fall) + 2u * n + 40 < class)
            other = choose_widths(fall, falling) + 2u * n + 40;
        if (other < class) {
            class = other;
            down = true;
            memcpy(width, falling, sizeof width);
        }
    }
    if (sparse < pack && sparse <= class)
        return encode_sparse(dst, &s, v, n);
    if (class * 100 < pack * 97)
        return encode_class(dst, &s, width, down, n);
    return encode_pack(dst, &s, n);
}
