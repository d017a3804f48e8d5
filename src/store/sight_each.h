/* SPDX-License-Identifier: Apache-2.0 */
/* sight_each.h - whole rows of a window by reading the runs from end to end.
 *
 * Owner    a row and its texts live for the call.
 * Threads  one question, one thread.
 */
#ifndef TQ_STORE_SIGHT_EACH_H
#define TQ_STORE_SIGHT_EACH_H

#include "store/sight_ask.h"

/* Calls fn for every row of the runs in the window, by run, plate and time; what fn
 * returns ends it and is left in a->err. */
void asked_each(struct asked *a, sight_each_fn fn, void *arg);
/* Is that cheaper than looking the window's rows up one by one? */
bool asked_is_dense(const struct asked *a);

#endif
