/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C by table or instruction; hash64 by 128-bit multiplies over 16-byte steps. */
#include "core/hash.h"

#include <pthread.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void
crc_fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0x82F63B78u ^ c >> 1 : c >> 1;
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            crc_table[k][i] =
                crc_table[0][crc_table[k - 1][i] & 255] ^ crc_table[k - 1][i] >> 8;
}

static uint32_t
crc_portable(uint32_t c, const uint8_t *p, size_t n)
{
    pthread_once(&crc_once, crc_fill);
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        w ^= c;
        c = crc_table[7][w & 255] ^ crc_table[6][w >> 8 & 255] ^
            crc_table[5][w >> 16 & 255] ^ crc_table[4][w >> 24 & 255] ^
            crc_table[3][w >> 32 & 255] ^ crc_table[2][w >> 40 & 255] ^
            crc_table[1][w >> 48 & 255] ^ crc_table[0][w >> 56];
    }
    while (n--)
        c = crc_table[0][(c ^ *p++) & 255] ^ c >> 8;
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc_sse42(uint32_t crc, const uint8_t *p, size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        c = _mm_crc32_u64(c, w);
    }
    uint32_t c32 = (uint32_t)c;
    while (n--)
        c32 = _mm_crc32_u8(c32, *p++);
    return c32;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_sse42(crc, p, n);
#endif
    return ~crc_portable(crc, p, n);
}

static uint64_t
load(const uint8_t *p, size_t n)
{
    uint64_t w = 0;
    for (size_t i = 0; i < n; i++)
        w |= (uint64_t)p[i] << (8 * i);
    return w;
}

static uint64_t
load8(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, 8);
    return w; /* little-endian machines only: checked by the test's fixed values */
}

static uint64_t
fold(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t
hash64(const void *bytes, size_t n, uint64_t seed)
{
    const uint64_t k0 = UINT64_C(0xa0761d6478bd642f), k1 = UINT64_C(0xe7037ed1a0b428db);
    const uint8_t *p = bytes;
    uint64_t h = seed ^ k0;
    size_t left = n;
    for (; left > 16; p += 16, left -= 16)
        h = fold(load8(p) ^ k1, load8(p + 8) ^ h);
    uint64_t a = left > 8 ? load8(p) : left == 8 ? load8(p) : load(p, left);
    uint64_t b = left > 8 ? load(p + 8, left - 8) : 0;
    h = fold(a ^ k1, b ^ h);
    return fold(h ^ k0, (uint64_t)n ^ k1);
}
