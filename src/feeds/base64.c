/* SPDX-License-Identifier: Apache-2.0 */
/* 32 characters a step while they are plain alphabet; whatever else comes goes
 * character by character until four of them are whole again. */
#include "feeds/base64.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLANK = 64, PAD = 65, BAD = 66 };

static unsigned
value_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26u;
    if (c >= '0' && c <= '9')
        return c - '0' + 52u;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
        return BLANK;
    return c == '=' ? PAD : BAD;
}

struct state {
    const unsigned char *p, *end;
    uint8_t *out;
    uint32_t bits;
    unsigned have; /* characters of the quantum */
};

#if defined(__x86_64__)
/* Takes 32 characters at a time; stops before the first block that is not plain
 * alphabet. */
__attribute__((target("avx2"))) static void
take_avx2(struct state *s)
{
    const __m256i lut_lo = _mm256_setr_epi8(
        0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B,
        0x1B, 0x1B, 0x1A, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
        0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
    const __m256i lut_hi = _mm256_setr_epi8(
        0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10,
        0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10,
        0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i lut_roll = _mm256_setr_epi8(
        0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 19, 4, -65,
        -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i low = _mm256_set1_epi8(0x2F);
    const __m256i order = _mm256_setr_epi8(
        2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4, 10, 9,
        8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
    while (s->end - s->p >= 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)s->p);
        __m256i hi_nibble = _mm256_and_si256(_mm256_srli_epi32(x, 4), low);
        __m256i hi = _mm256_shuffle_epi8(lut_hi, hi_nibble);
        __m256i lo = _mm256_shuffle_epi8(lut_lo, _mm256_and_si256(x, low));
        if (!_mm256_testz_si256(lo, hi))
            return;
        __m256i slash = _mm256_cmpeq_epi8(x, low);
        __m256i roll = _mm256_shuffle_epi8(lut_roll, _mm256_add_epi8(slash, hi_nibble));
        x = _mm256_add_epi8(x, roll);
        x = _mm256_maddubs_epi16(x, _mm256_set1_epi32(0x01400140));
        x = _mm256_madd_epi16(x, _mm256_set1_epi32(0x00011000));
        x = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(x, order), lanes);
        _mm256_storeu_si256((__m256i *)(void *)s->out, x);
        s->p += 32;
        s->out += 24;
    }
}
#endif

static void
take_blocks(struct state *s)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        take_avx2(s);
#else
    (void)s;
#endif
}

static void
flush(struct state *s)
{
    *s->out++ = (uint8_t)(s->bits >> 16);
    *s->out++ = (uint8_t)(s->bits >> 8);
    *s->out++ = (uint8_t)s->bits;
    s->bits = 0;
    s->have = 0;
}

/* What is left when the text ends or padding begins: 0, 2 or 3 characters of a quantum.
 */
static bool
finish(struct state *s)
{
    for (; s->p < s->end; s->p++) {
        unsigned v = value_of(*s->p);
        if (v != PAD && v != BLANK)
            return false;
    }
    if (s->have == 1)
        return false;
    if (s->have == 2)
        *s->out++ = (uint8_t)(s->bits >> 4);
    if (s->have == 3) {
        *s->out++ = (uint8_t)(s->bits >> 10);
        *s->out++ = (uint8_t)(s->bits >> 2);
    }
    return true;
}

static struct span
skip_data_url(struct span s)
{
    if (!span_starts(s, SPAN("data:")))
        return s;
    const char *comma = memchr(s.p, ',', s.n < 128 ? s.n : 128);
    return comma ? span_skip(s, (size_t)(comma - s.p) + 1) : s;
}

bool
base64_decode(struct span text, uint8_t *dst, size_t *n)
{
    text = skip_data_url(text);
    const unsigned char *p = (const unsigned char *)text.p;
    struct state s = {p, p + text.n, dst, 0, 0};
    take_blocks(&s);
    while (s.p < s.end) {
        unsigned v = value_of(*s.p);
        if (v == BAD)
            return false;
        if (v == PAD)
            break;
        s.p++;
        if (v == BLANK)
            continue;
        s.bits = s.bits << 6 | v;
        if (++s.have == 4) {
            flush(&s);
            take_blocks(&s);
        }
    }
    if (!finish(&s))
        return false;
    *n = (size_t)(s.out - dst);
    return true;
}
