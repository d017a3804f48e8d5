/* SPDX-License-Identifier: Apache-2.0 */
/* json_mend.h - puts right what senders commonly get wrong in JSON, so that a body is
 * not lost for a comma: numbers that are none or too long (007, 1.,
 * 99999999999999999999), words (NaN, None, True), missing values, trailing and doubled
 * commas, control characters and single quotes.
 *
 * Owner    appends to the caller's buffer.
 * Threads  pure.
 * See      tests in json_mend_test.c. Valid JSON comes out as it went in.
 */
#ifndef TQ_FEEDS_JSON_MEND_H
#define TQ_FEEDS_JSON_MEND_H

#include "core/cur.h"

void json_mend(struct span text, struct buf *out);

#endif
