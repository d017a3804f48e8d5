/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - ban zones, permits and speed sections from the ledger to the rules.
 *
 * Owner    nothing is kept: the rules copy.
 * Threads  the rules' thread, with its own reader.
 */
#ifndef TQ_DAEMON_PLACES_H
#define TQ_DAEMON_PLACES_H

#include "rules/rules.h"
#include "store/ledger_place.h"

enum err places_give(struct ledger_reader *r, struct rules *rules) MUST_USE;

#endif
