/* SPDX-License-Identifier: Apache-2.0 */
/* rnd.h - the city's own randomness: counter hashes and small streams, integers only,
 * the same on every machine.
 *
 * Shape    a decision that must not depend on order hashes (seed, what, who); a run of
 * decisions uses a stream that begins at such a hash.
 * Threads  values.
 * See      Steele, Lea, Flood: "Fast splittable pseudorandom number generators"
 * (SplitMix64 finaliser).
 */
#ifndef TQ_CITY_RND_H
#define TQ_CITY_RND_H

#include <stdbool.h>
#include <stdint.h>

struct rnd {
    uint64_t s;
};

static inline uint64_t
rnd_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Hash of a seed, a purpose and a number: the same answer whenever it is asked. */
static inline uint64_t
rnd_hash(uint64_t seed, uint64_t what, uint64_t n)
{
    uint64_t h = rnd_mix(seed + UINT64_C(0x9e3779b97f4a7c15) * (what + 1));
    return rnd_mix(h ^ (n * UINT64_C(0xd1342543de82ef95) + what));
}

static inline uint64_t
rnd_next(struct rnd *r)
{
    r->s += UINT64_C(0x9e3779b97f4a7c15);
    return rnd_mix(r->s);
}

/* A number of 0..n-1 from 32 good bits. */
static inline uint32_t
rnd_scale(uint64_t h, uint32_t n)
{
    return (uint32_t)(((h >> 32) * (uint64_t)n) >> 32);
}

static inline uint32_t
rnd_below(struct rnd *r, uint32_t n)
{
    return rnd_scale(rnd_next(r), n);
}

/* lo..hi, both included. */
static inline int32_t
rnd_range(struct rnd *r, int32_t lo, int32_t hi)
{
    return lo + (int32_t)rnd_below(r, (uint32_t)(hi - lo + 1));
}

/* True in `per_million` of a million cases. */
static inline bool
rnd_chance(struct rnd *r, uint32_t per_million)
{
    return rnd_below(r, 1000000) < per_million;
}

static inline bool
rnd_hash_chance(uint64_t h, uint32_t per_million)
{
    return rnd_scale(h, 1000000) < per_million;
}

/* About normal with the given standard deviation: sum of four uniforms, integer. */
static inline int32_t
rnd_bell(struct rnd *r, int32_t sd)
{
    int64_t s = 0;
    for (int i = 0; i < 4; i++)
        s += rnd_range(r, -1000, 1000);
    return (int32_t)(s * sd / 1155); /* sd of the sum is 1155 */
}

#endif
