/* SPDX-License-Identifier: Apache-2.0 */
/* counter.h - counters and gauges as a table: name, unit, sentence.
 *
 * Threads  counter_add() and counter_set() from any thread (relaxed atomics).
 * See      core/counter.def is the list; it makes /metrics, the system page and
 * tongqu(8).
 */
#ifndef TQ_CORE_COUNTER_H
#define TQ_CORE_COUNTER_H

#include <stdint.h>

enum counter_kind { COUNTER_COUNT, COUNTER_GAUGE };

#define C(name, kind, unit, en, zh) CTR_##name,
enum counter {
#include "core/counter.def"
    COUNTERS
};
#undef C

struct counter_row {
    const char *name;
    enum counter_kind kind;
    const char *unit;
    const char *en, *zh;
};

const struct counter_row *counter_row(enum counter c);
void counter_add(enum counter c, uint64_t n);
void counter_set(enum counter c, uint64_t v);
uint64_t counter_get(enum counter c);

#endif
