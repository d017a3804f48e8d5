/* SPDX-License-Identifier: Apache-2.0 */
/* A few by insertion; many as bits, whose words a second row of bits finds. */
#include "analysis/order.h"

#define ORDER_FEW 24u /* up to here insertion is the fastest */

bool
order_init(struct order *o, struct arena *arena, uint32_t numbers)
{
    o->bit = arena_array(arena, (size_t)numbers / 64 + 1, sizeof *o->bit);
    o->top = arena_array(arena, (size_t)numbers / 4096 + 1, sizeof *o->top);
    return o->bit && o->top;
}

static void
order_few(uint32_t *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t x = v[i], k = i;
        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

void
order_sort(struct order *o, uint32_t *v, uint32_t n, uint32_t least)
{
    if (n <= ORDER_FEW) {
        order_few(v, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        o->bit[v[i] / 64] |= UINT64_C(1) << v[i] % 64;
        o->top[v[i] / 4096] |= UINT64_C(1) << v[i] / 64 % 64;
    }
    for (uint32_t t = least / 4096, k = 0; k < n; t++) {
        for (; o->top[t]; o->top[t] &= o->top[t] - 1) {
            uint32_t word = t * 64 + (uint32_t)__builtin_ctzll(o->top[t]);
            for (; o->bit[word]; o->bit[word] &= o->bit[word] - 1)
                v[k++] = word * 64 + (uint32_t)__builtin_ctzll(o->bit[word]);
        }
    }
}
