/* SPDX-License-Identifier: Apache-2.0 */
/* At most half full. */
#include "analysis/plate_set.h"

#include "core/hash.h"

#define FIRST_MASK 1023u

static size_t
slot_of(const uint64_t *slot, size_t mask, uint64_t v)
{
    size_t k = hash_u64(v) & mask;
    while (slot[k] && slot[k] != v)
        k = (k + 1) & mask;
    return k;
}

static bool
grow(struct plate_set *s, struct arena *arena)
{
    size_t mask = s->slot ? s->mask * 2 + 1 : FIRST_MASK;
    uint64_t *bigger = arena_array(arena, mask + 1, sizeof *bigger);
    if (!bigger)
        return false;
    for (size_t i = 0; s->slot && i <= s->mask; i++)
        if (s->slot[i])
            bigger[slot_of(bigger, mask, s->slot[i])] = s->slot[i];
    s->slot = bigger;
    s->mask = mask;
    return true;
}

bool
plate_set_add(struct plate_set *s, struct arena *arena, struct plate p)
{
    if (p.v == 0)
        return true;
    if ((!s->slot || s->n * 2 > s->mask) && !grow(s, arena))
        return false;
    size_t k = slot_of(s->slot, s->mask, p.v);
    s->n += s->slot[k] == 0;
    s->slot[k] = p.v;
    return true;
}

bool
plate_set_has(const struct plate_set *s, struct plate p)
{
    return s->slot && p.v && s->slot[slot_of(s->slot, s->mask, p.v)] == p.v;
}

void
plate_set_ahead(const struct plate_set *s, struct plate p)
{
    if (s->slot)
        __builtin_prefetch(&s->slot[hash_u64(p.v) & s->mask]);
}
