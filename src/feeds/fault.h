/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h - what a sender did wrong: a counter and one kept sample for each kind.
 *
 * Shape    a struct feed_faults belongs to one message, device or import;
 * feed_faults_add() joins two.
 * Owner    values.
 * Threads  one owner each. See fault.def is the list; man 5 tongqu-json "faults".
 */
#ifndef TQ_FEEDS_FAULT_H
#define TQ_FEEDS_FAULT_H

#include "core/span.h"

#define F(KIND, name, masked, en, zh) FAULT_##KIND,
enum feed_fault {
#include "feeds/fault.def"
    FAULT_COUNT
};
#undef F

struct feed_fault_row {
    const char *name; /* "bad_time" */
    bool masked;
    const char *en, *zh;
};
const struct feed_fault_row *feed_fault_row(enum feed_fault f); /* never NULL */

#define FEED_SAMPLE 96
struct feed_faults {
    uint32_t
        seen; /* bit per kind: only where it is set do count and sample mean anything */
    uint32_t count[FAULT_COUNT];
    char sample[FAULT_COUNT][FEED_SAMPLE]; /* "PassTime=2026-13-01", cut and masked */
};

static inline void
feed_faults_clear(struct feed_faults *f)
{
    f->seen = 0;
}
/* Counts one; the first of a kind leaves `field=value` as its sample (value may be
 * empty). */
void feed_fault(
    struct feed_faults *f, enum feed_fault kind, const char *field, struct span value);
void feed_faults_add(struct feed_faults *into, const struct feed_faults *from);
static inline uint32_t
feed_fault_count(const struct feed_faults *f, enum feed_fault kind)
{
    return f->seen >> kind & 1 ? f->count[kind] : 0;
}

/* The shape of a text: digits as 0, letters as a and A, every other character beyond
 * ASCII as one
 * '*'; cut at cap - 1 bytes. */
void feed_mask(char *dst, size_t cap, struct span text);

#endif
