/* SPDX-License-Identifier: Apache-2.0 */
/* One cache line a counter: threads that count different things do not meet. */
#include "core/counter.h"

#include "core/err.h"

#include <stdatomic.h>

#define C(name, kind, unit, en, zh) {#name, COUNTER_##kind, unit, en, zh},
static const struct counter_row rows[COUNTERS] = {
#include "core/counter.def"
};
#undef C

static struct {
    _Alignas(64) atomic_uint_fast64_t v;
} values[COUNTERS];

const struct counter_row *
counter_row(enum counter c)
{
    must((unsigned)c < COUNTERS);
    return &rows[c];
}

void
counter_add(enum counter c, uint64_t n)
{
    atomic_fetch_add_explicit(&values[c].v, n, memory_order_relaxed);
}

void
counter_set(enum counter c, uint64_t v)
{
    atomic_store_explicit(&values[c].v, v, memory_order_relaxed);
}

uint64_t
counter_get(enum counter c)
{
    return atomic_load_explicit(&values[c].v, memory_order_relaxed);
}
