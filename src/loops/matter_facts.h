/* SPDX-License-Identifier: Apache-2.0 */
/* matter_facts.h - what the files of a matter share: a kept value as an expression sees
 * it.
 *
 * Owner    the value borrows from the matter, the event or the definition.
 * Threads  pure.
 * See      matter.c, matter_decide.c, matter_json.c.
 */
#ifndef TQ_LOOPS_MATTER_FACTS_H
#define TQ_LOOPS_MATTER_FACTS_H

#include "loops/loop_expr.h"
#include "loops/matter_event.h"

/* NULL or type 0: absent. */
struct loop_value
matter_value_of(const struct loop_def *def, const struct matter_value *v);

#endif
