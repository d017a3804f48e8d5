/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h - what a reply looks like, as JSON Schema of the rows in shape.def.
 *
 * Owner    rows are constant.
 * Threads  any.
 * See      serve/shape.def; tests/scenario/contract.test.mjs holds replies against
 * them.
 */
#ifndef TQ_SERVE_SHAPE_H
#define TQ_SERVE_SHAPE_H

#include "core/cur.h"
#include "core/span.h"

bool shape_known(struct span name);
/* The schema of a route's `reply`: "Name" or "list of Name"; false when it names none.
 */
bool shape_of_reply(struct buf *out, const char *reply);
/* "Name":{...},... of all rows, without brackets. */
void shape_all(struct buf *out);

#endif
