/* SPDX-License-Identifier: Apache-2.0 */
/* Least significant digit first. */
#include "store/sight_sort.h"

#define DIGIT_BITS 11u
#define DIGITS (1u << DIGIT_BITS)

static inline uint64_t
word_of(const struct pair *p, bool by_b)
{
    return by_b ? p->b : p->a;
}

static void
pass(
    const struct pair *restrict from, struct pair *restrict to, size_t n, bool by_b,
    unsigned shift, unsigned mask)
{
    uint32_t at[DIGITS] = {0};
    for (size_t i = 0; i < n; i++)
        at[word_of(&from[i], by_b) >> shift & mask]++;
    uint32_t sum = 0;
    for (size_t d = 0; d <= mask; d++) {
        uint32_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[at[word_of(&from[i], by_b) >> shift & mask]++] = from[i];
}

void
sort_pairs(
    struct pair **pairs, struct pair **spare, size_t n, bool by_b, unsigned from,
    unsigned to)
{
    uint64_t differ = 0, first = n ? word_of(*pairs, by_b) : 0;
    for (size_t i = 0; i < n; i++)
        differ |= word_of(&(*pairs)[i], by_b) ^ first;
    differ &= to < 64 ? (UINT64_C(1) << to) - 1 : ~UINT64_C(0);
    differ = differ >> from << from;
    while (differ) {
        unsigned shift = (unsigned)__builtin_ctzll(differ);
        unsigned bits = to - shift < DIGIT_BITS ? to - shift : DIGIT_BITS;
        if (by_b)
            pass(*pairs, *spare, n, true, shift, (1u << bits) - 1);
        else
            pass(*pairs, *spare, n, false, shift, (1u << bits) - 1);
        struct pair *t = *pairs;
        *pairs = *spare;
        *spare = t;
        differ = shift + bits < 64 ? differ >> (shift + bits) << (shift + bits) : 0;
    }
}
