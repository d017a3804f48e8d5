/* SPDX-License-Identifier: Apache-2.0 */
/* marks.h - when a vehicle last passed the start of a speed section: enough to see at a
 * glance whether its pass at the end can have been too fast.
 *
 * Owner    marks_init() / marks_release().
 * Threads  the owner thread of the rules.
 */
#ifndef TQ_RULES_MARKS_H
#define TQ_RULES_MARKS_H

#include "core/civil.h"
#include "core/cur.h"
#include "core/err.h"
#include "model/plate.h"

struct mark {
    uint64_t key; /* of plate and section; 0 empty */
    ts_ms at_ms;
};
struct marks {
    struct mark *slots;
    size_t mask, n;
    ts_ms newest_ms;
};

enum err marks_init(struct marks *m) MUST_USE;
void marks_release(struct marks *m);
void marks_encode(struct buf *out, const struct marks *m);
enum err marks_decode(struct cur *c, struct marks *m) MUST_USE;

#endif
