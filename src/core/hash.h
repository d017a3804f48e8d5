/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - checksums and table hashes (no cryptography: that is libsodium's).
 *
 * Threads  pure functions; crc32c uses SSE4.2 when the processor has it.
 * See      RFC 3720 section 12.1 (CRC-32C); wyhash-style multiply-mix for hash64.
 */
#ifndef TQ_CORE_HASH_H
#define TQ_CORE_HASH_H

#include "core/span.h"

/* CRC-32C of p[0..n) continued from crc (0 to begin). */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* A good mix of one word: for tables keyed by plates and ids. */
static inline uint64_t
hash_u64(uint64_t v)
{
    v ^= v >> 32;
    v *= UINT64_C(0xd6e8feb86659fd93);
    v ^= v >> 32;
    v *= UINT64_C(0xd6e8feb86659fd93);
    v ^= v >> 32;
    return v;
}

static inline uint64_t
hash_pair(uint64_t a, uint64_t b)
{
    return hash_u64(hash_u64(a) ^ (b + UINT64_C(0x9e3779b97f4a7c15)));
}

/* 64-bit hash of bytes; the same on every machine and release (stored in files). */
uint64_t hash64(const void *p, size_t n, uint64_t seed);

static inline uint64_t
hash_span(struct span s, uint64_t seed)
{
    return hash64(s.p, s.n, seed);
}

#endif
